//! What users may be allowed: the linter for lists of subjects that somebody wrote by hand, in roles and settings.
//!
//! It lets through subjects to publish to under `from.{user}.`, and subjects to listen to under `to.{user}.` and
//! `_INBOX.{user}.` and of declared topics (`topic.T.*`). `{user}` is the user's own token and becomes `{{tag(user)}}`,
//! which nats-server fills in. With anything else one user could speak as another or as the server, read what is
//! another's, or reach JetStream, which answers in its own name past every permission; so everything else is refused,
//! with the reason, unless the very subject is forced. What is no subject at all cannot be forced.
//!
//! The built-in role of ordinary users is [`permissions::user_role`]; it passes.

use std::{collections::BTreeSet, fmt};

use crate::{
    credentials::permissions::{self, Permissions},
    identity::{Topic, UserId},
    subject::{Filter, InvalidSubject},
};

/// How the user's own token is written.
pub const USER: &str = "{user}";
/// What it becomes in a template.
pub const TAG: &str = "{{tag(user)}}";

/// What a list is checked with.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'a> {
    /// The topics that there are.
    pub topics: &'a [Topic],
    /// Subjects that are allowed all the same, each as it stands in the list.
    pub forced: &'a BTreeSet<String>,
}

/// Which list a subject stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum List {
    /// What is published to.
    Speak,
    /// What is listened to.
    Listen,
}

/// A subject that users must not be allowed, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("users may not {list} {subject:?}: {why}")]
pub struct Refused {
    /// Where it stands.
    pub list: List,
    /// As it was written.
    pub subject: String,
    /// What is wrong with it.
    pub why: Why,
}

/// Why a subject is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// No subject.
    #[error("it is no subject: {0}")]
    NoSubject(InvalidSubject),
    /// Braces that are not `{user}` alone between dots.
    #[error("the only thing in braces that it may hold is the token {{user}}, once alone between two dots")]
    Braces,
    /// A template of nats-server.
    #[error("templates are not written by hand, as nats-server fills them with what a JWT claims: write {{user}}")]
    Template,
    /// A second word.
    #[error("it names a queue group, in which one user would take what another is sent")]
    Queue,
    /// `>`, or a wildcard in front.
    #[error("it reaches every subject, those of other users and of the servers among them")]
    Everything,
    /// `from.*`, `from.bob`, `from.>`.
    #[error("under from. everybody speaks in its own name; this would let one user speak as another")]
    SpeaksAsOthers,
    /// Listening under `from.`.
    #[error("under from. users speak to services, and only services listen")]
    HearsRequests,
    /// `to.…`, to publish.
    #[error("under to. only services speak; this would let a user speak as the server")]
    SpeaksAsServer,
    /// `to.*`, `to.bob`, `to.>`.
    #[error("it is what another user is sent; its own is under to.{{user}}.")]
    HearsOthers,
    /// `_INBOX.…` of others or of everybody.
    #[error("these are the replies of others; its own are under _INBOX.{{user}}.")]
    Inbox,
    /// Publishing into inboxes.
    #[error("only services answer into inboxes; this would let a user answer in their place")]
    AnswersForOthers,
    /// `$SYS`.
    #[error("$SYS is for the system account: connections, accounts, servers")]
    System,
    /// `$JS`.
    #[error("$JS is JetStream, which answers in its own name past every permission")]
    JetStream,
    /// `$KV`, `$O`.
    #[error("buckets are streams, and no subject that users reach may belong to a stream")]
    Bucket,
    /// Anything else with a dollar sign.
    #[error("what begins with a dollar sign belongs to the servers")]
    Dollar,
    /// `_R_`, `_SVC` and the like.
    #[error("what begins with an underscore carries the replies of services")]
    Internal,
    /// `in.`, `out.`, `dead.`.
    #[error("streams capture it, and no subject that users reach may belong to a stream")]
    Stream,
    /// A topic, to publish.
    #[error("topics are spoken to through from.{{user}}.topic.…, where the server checks who speaks")]
    SpeaksToTopic,
    /// A topic that nobody declared, or not in the form `topic.T.*`.
    #[error("a topic is heard as topic.T.*, with T one of the topics that are declared")]
    Topic,
    /// Too short: `from.{user}`.
    #[error("it ends where it should go on: what is the user's own begins with {0}")]
    Short(&'static str),
    /// Anything else.
    #[error(
        "users speak under from.{{user}}. and hear under to.{{user}}., _INBOX.{{user}}. and topics, and nowhere else"
    )]
    Elsewhere,
}

impl Refused {
    /// The same, with how to allow it all the same where that can be: by naming it in the setting `force`.
    #[must_use]
    pub fn advise(&self, force: &str) -> String {
        match self.why.can_be_forced() {
            true => format!("{self}; to allow it all the same, name it in {force} too"),
            false => self.to_string(),
        }
    }
}

impl Why {
    /// Whether naming the subject among the forced lets it through.
    #[must_use]
    pub fn can_be_forced(&self) -> bool {
        !matches!(self, Self::NoSubject(_) | Self::Braces)
    }
}

impl fmt::Display for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Speak => "publish to",
            Self::Listen => "listen to",
        })
    }
}

/// Checks two lists meant for users, and compiles them to the lists of a template.
///
/// # Errors
/// Every subject that is refused, in the order in which they stand.
pub fn compile(publish: &[String], listen: &[String], rules: Rules<'_>) -> Result<Permissions, Vec<Refused>> {
    compile_for(TAG, publish, listen, rules)
}

/// As [`compile`], to the lists of one user, who bears them itself.
///
/// # Errors
/// As [`compile`].
pub fn compile_own(
    user: &UserId,
    publish: &[String],
    listen: &[String],
    rules: Rules<'_>,
) -> Result<Permissions, Vec<Refused>> {
    compile_for(user.as_str(), publish, listen, rules)
}

fn compile_for(
    own: &str,
    publish: &[String],
    listen: &[String],
    rules: Rules<'_>,
) -> Result<Permissions, Vec<Refused>> {
    let mut refused = Vec::new();
    let mut pass = |list: List, subjects: &[String]| -> Vec<String> {
        let check = |subject: &String| match check(list, subject, rules) {
            Ok(()) => Some(subject.replace(USER, own)),
            Err(why) => {
                refused.push(Refused { list, subject: subject.clone(), why });
                None
            }
        };
        subjects.iter().filter_map(check).collect()
    };
    let permissions = Permissions { publish: pass(List::Speak, publish), subscribe: pass(List::Listen, listen) };
    if refused.is_empty() { Ok(permissions) } else { Err(refused) }
}

/// Checks one subject.
///
/// # Errors
/// [`Why`] says what is wrong with it.
pub fn check(list: List, subject: &str, rules: Rules<'_>) -> Result<(), Why> {
    match judge(list, subject, rules.topics) {
        Err(why) if !(why.can_be_forced() && rules.forced.contains(subject)) => Err(why),
        _ => Ok(()),
    }
}

fn judge(list: List, subject: &str, topics: &[Topic]) -> Result<(), Why> {
    let (name, group) = subject.split_once(' ').map_or((subject, None), |(name, group)| (name, Some(group)));
    // Of what nats-server fills in, and of a queue group, only the form matters here: they stand for one token.
    let plain = without_templates(name).ok_or(Why::Braces)?;
    for text in [Some(plain.as_str()), group].into_iter().flatten() {
        text.parse::<Filter>().map_err(Why::NoSubject)?;
    }
    if group.is_some() {
        return Err(Why::Queue);
    }
    if name.contains("{{") {
        return Err(Why::Template);
    }
    let tokens: Vec<&str> = name.split('.').collect();
    match (list, tokens.as_slice()) {
        (List::Speak, ["from", USER, _, ..]) | (List::Listen, ["to" | "_INBOX", USER, _, ..]) => Ok(()),
        (List::Speak, ["from", USER]) => Err(Why::Short("from.{user}.")),
        (List::Listen, ["to", USER]) => Err(Why::Short("to.{user}.")),
        (List::Listen, ["_INBOX", USER]) => Err(Why::Short("_INBOX.{user}.")),
        (List::Listen, ["topic", ..]) if topics.iter().any(|topic| permissions::topic(topic) == name) => Ok(()),
        (_, [first, ..]) => Err(why_not(list, first)),
        (_, []) => Err(Why::NoSubject(InvalidSubject::EmptyToken)),
    }
}

fn why_not(list: List, first: &str) -> Why {
    match (first, list) {
        (">" | "*", _) => Why::Everything,
        ("from", List::Speak) => Why::SpeaksAsOthers,
        ("from", List::Listen) => Why::HearsRequests,
        ("to", List::Speak) => Why::SpeaksAsServer,
        ("to", List::Listen) => Why::HearsOthers,
        ("_INBOX", List::Speak) => Why::AnswersForOthers,
        ("_INBOX", List::Listen) => Why::Inbox,
        ("topic", List::Speak) => Why::SpeaksToTopic,
        ("topic", List::Listen) => Why::Topic,
        ("in" | "out" | "dead", _) => Why::Stream,
        ("$SYS", _) => Why::System,
        ("$JS", _) => Why::JetStream,
        ("$KV" | "$O", _) => Why::Bucket,
        _ if first.starts_with('$') => Why::Dollar,
        _ if first.starts_with('_') => Why::Internal,
        _ => Why::Elsewhere,
    }
}

/// The subject with a letter for `{user}` and for each template of nats-server; `None` when braces are left.
fn without_templates(subject: &str) -> Option<String> {
    let mut plain = String::with_capacity(subject.len());
    let mut rest = subject;
    while let Some(at) = rest.find("{{") {
        let end = rest[at..].find("}}")?;
        plain.push_str(&rest[..at]);
        plain.push('x');
        rest = &rest[at + end + 2..];
    }
    plain.push_str(rest);
    let tokens: Vec<&str> = plain.split('.').map(|token| if token == USER { "x" } else { token }).collect();
    if tokens.iter().any(|token| token.contains(['{', '}'])) { None } else { Some(tokens.join(".")) }
}

#[cfg(test)]
#[path = "lint_tests.rs"]
mod tests;
