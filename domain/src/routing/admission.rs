//! What is checked of a message before anything is built from it.

use crate::{
    identity::UserId,
    message::{Headers, MAX_HEADERS, Message},
    ports::Malformed,
    subject::{Pattern, Subject},
};

/// Why a message is dropped before any handler sees it. Nobody is answered: where an answer would go is what is in doubt,
/// or the message is not one that an honest client sends.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Not a message Relais takes.
    #[error("the message is malformed: {0}")]
    Malformed(#[from] Malformed),
    /// Its subject is not of this route: JetStream can aim a message anywhere.
    #[error("its subject is not of this route")]
    Subject,
    /// What stands after `from.` is no user id.
    #[error("its caller is no user id")]
    Caller,
    /// Its reply subject lies outside the caller's own inboxes.
    #[error("its reply subject is not an inbox of its caller")]
    Reply,
    /// It carries a header that only JetStream writes.
    #[error("it carries {0}, which only JetStream writes")]
    JetStream(&'static str),
}

/// Headers of a message that a stream stored or a consumer delivered.
const OF_JETSTREAM: [&str; 2] = ["Nats-Stream", "Nats-Sequence"];

/// Checks a message before anything is built from it, and says who called.
pub(super) fn admit(message: &Message, pattern: &Pattern) -> Result<Option<UserId>, Refusal> {
    let caller = pattern.admit(&message.subject).ok_or(Refusal::Subject)?;
    if !message.headers.is_empty() {
        check_headers(&message.headers)?;
    }
    let named = |token| UserId::from_bytes(message.subject.slice(token)).map_err(|_| Refusal::Caller);
    let caller = caller.map(named).transpose()?;
    if let Some(reply) = &message.reply
        && !is_inbox(reply, caller.as_ref())
    {
        return Err(Refusal::Reply);
    }
    Ok(caller)
}

fn check_headers(headers: &Headers) -> Result<(), Refusal> {
    if headers.size() > MAX_HEADERS {
        return Err(Malformed::Headers(headers.size()).into());
    }
    for name in OF_JETSTREAM {
        if headers.iter().any(|(own, _)| own.eq_ignore_ascii_case(name)) {
            return Err(Refusal::JetStream(name));
        }
    }
    Ok(())
}

/// Whether `reply` lies in an inbox: of this caller's, if there is one.
fn is_inbox(reply: &Subject, caller: Option<&UserId>) -> bool {
    let inbox = reply.as_bytes().strip_prefix(b"_INBOX.");
    match caller {
        Some(user) => {
            inbox.and_then(|inbox| inbox.strip_prefix(user.as_bytes())).is_some_and(|rest| rest.starts_with(b"."))
        }
        None => inbox.is_some(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(subject: &str, reply: Option<&str>) -> Message {
        let mut message = Message::new(subject.parse().unwrap(), "");
        message.reply = reply.map(|reply| reply.parse::<Subject>().unwrap());
        message
    }

    fn judge(pattern: &str, subject: &str, reply: Option<&str>) -> Result<Option<String>, Refusal> {
        let caller = admit(&message(subject, reply), &pattern.parse().unwrap())?;
        Ok(caller.map(|user| user.to_string()))
    }

    #[test]
    fn answers_go_to_the_callers_own_inboxes_only() {
        let echo = |reply| judge("from.{user}.echo", "from.ada.echo", Some(reply));
        assert_eq!(echo("_INBOX.ada.1"), Ok(Some("ada".to_owned())));
        for aimed in [
            "_INBOX.bob.1",
            "_INBOX.ada",
            "_INBOX.adam.1",
            "from.bob.pay",
            "to.bob.x",
            "_SVC.relais.1",
            "out.bob.x",
            "$JS.API.STREAM.DELETE.OUT",
            "$KV.relais_cache.x",
            "_R_.x",
            "in.relais.0.ada",
        ] {
            assert_eq!(echo(aimed), Err(Refusal::Reply), "{aimed}");
        }
        assert_eq!(judge("from.{user}.echo", "from.ada.echo", None), Ok(Some("ada".to_owned())));
        assert_eq!(judge("tick", "tick", Some("_INBOX.x.1")), Ok(None));
        assert_eq!(judge("tick", "tick", Some("from.bob.pay")), Err(Refusal::Reply));
    }

    #[test]
    fn a_caller_is_a_user_id() {
        for hostile in ["svc-relais", "op-nina", "Ada", "a_b", "{x}", "$JS"] {
            assert_eq!(judge("from.{user}.x", &format!("from.{hostile}.x"), None), Err(Refusal::Caller), "{hostile}");
        }
        assert_eq!(judge("from.{user}.x", "from.ada.y", None), Err(Refusal::Subject));
        assert_eq!(judge("from.{user}.x", "in.relais.0.from.ada.x", None), Err(Refusal::Subject));
    }

    #[test]
    fn headers_of_jetstream_and_too_many_are_refused() {
        let pattern = "from.{user}.x".parse().unwrap();
        for name in ["Nats-Stream", "nats-sequence", "NATS-SEQUENCE"] {
            let mut message = message("from.ada.x", None);
            message.headers.append(name, "1");
            assert!(matches!(admit(&message, &pattern), Err(Refusal::JetStream(_))), "{name}");
        }
        let mut message = message("from.ada.x", None);
        message.headers.append("Big", &"x".repeat(MAX_HEADERS));
        assert!(matches!(admit(&message, &pattern), Err(Refusal::Malformed(Malformed::Headers(_)))));
    }
}
