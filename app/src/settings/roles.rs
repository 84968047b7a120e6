//! What the settings say of what users may do: roles, and the lists of users that an admin makes. All of it is linted when
//! settings are loaded.

use std::collections::BTreeSet;

use relais_domain::{
    credentials::lint::{self, List, Refused, Rules},
    nsc,
};
use serde::{Deserialize, Serialize};

use super::{Settings, SettingsError};

/// A role, as it is set: `[nsc.roles.NAME]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Role {
    /// What members publish to, with `{user}` for their own token.
    pub publish: Vec<String>,
    /// What they listen to.
    pub subscribe: Vec<String>,
    /// Subjects in these two that are allowed although the linter refuses them, each as it stands there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub force: Vec<String>,
    /// For people.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub about: String,
}

/// The name of the role of ordinary users.
const USER: &str = relais_domain::credentials::permissions::USER_ROLE;

impl Settings {
    /// The roles, compiled: that of ordinary users first, built in unless it is set.
    ///
    /// # Errors
    /// [`SettingsError::Lint`] with every subject that users must not be allowed.
    pub fn roles(&self) -> Result<Vec<nsc::Role>, SettingsError> {
        let (mut roles, mut refused) = (Vec::new(), Vec::new());
        if !self.nsc.roles.keys().any(|name| name.as_str() == USER) {
            roles.push(nsc::Role::user(&self.topics));
        }
        for (name, role) in &self.nsc.roles {
            let forced = forced(&role.force);
            let rules = Rules { topics: &self.topics, forced: &forced };
            match nsc::Role::compile(name.clone(), &role.about, &role.publish, &role.subscribe, rules) {
                Ok(role) if name.as_str() == USER => roles.push(role.hearing(&self.topics)),
                Ok(role) => roles.push(role),
                Err(found) => refused.extend(told(&format!("nsc.roles.{name}."), ["publish", "subscribe"], found)),
            }
        }
        roles.sort_by_key(|role| role.name().as_str() != USER);
        if refused.is_empty() { Ok(roles) } else { Err(SettingsError::Lint(refused)) }
    }

    /// What users that an admin makes may be allowed.
    #[must_use]
    pub fn allowed(&self) -> nsc::Allowed {
        nsc::Allowed {
            publish: self.nsc.allow_pub.clone(),
            subscribe: self.nsc.allow_sub.clone(),
            topics: self.topics.clone(),
            forced: forced(&self.nsc.force),
        }
    }

    /// The subjects that are allowed by force alone, each with where it stands and why it is refused otherwise.
    #[must_use]
    pub fn forced(&self) -> Vec<String> {
        let none = BTreeSet::new();
        let rules = Rules { topics: &self.topics, forced: &none };
        let found = |publish: &[String], subscribe: &[String]| {
            lint::compile(publish, subscribe, rules).err().unwrap_or_default()
        };
        let roles = self.nsc.roles.iter();
        let of_roles = roles.flat_map(|(name, role)| {
            let found = found(&role.publish, &role.subscribe);
            told(&format!("nsc.roles.{name}."), ["publish", "subscribe"], found).collect::<Vec<_>>()
        });
        of_roles
            .chain(told("nsc.", ["allow_pub", "allow_sub"], found(&self.nsc.allow_pub, &self.nsc.allow_sub)))
            .collect()
    }

    pub(super) fn lint(&self) -> Result<(), SettingsError> {
        let roles = match self.roles() {
            Ok(_) => Vec::new(),
            Err(SettingsError::Lint(found)) => found,
            Err(other) => return Err(other),
        };
        let forced = forced(&self.nsc.force);
        let rules = Rules { topics: &self.topics, forced: &forced };
        let lists = lint::compile(&self.nsc.allow_pub, &self.nsc.allow_sub, rules);
        let lists = told("nsc.", ["allow_pub", "allow_sub"], lists.err().unwrap_or_default());
        let refused: Vec<_> = roles.into_iter().chain(lists).collect();
        if refused.is_empty() { Ok(()) } else { Err(SettingsError::Lint(refused)) }
    }
}

fn forced(subjects: &[String]) -> BTreeSet<String> {
    subjects.iter().cloned().collect()
}

/// What is wrong with each, and the setting it stands in: `table` and, by whether it is spoken or heard, one of `keys`.
fn told(table: &str, keys: [&'static str; 2], refused: Vec<Refused>) -> impl Iterator<Item = String> {
    refused.into_iter().map(move |refused| {
        let key = if refused.list == List::Speak { keys[0] } else { keys[1] };
        format!("{table}{key}: {}", refused.advise(&format!("{table}force")))
    })
}

#[cfg(test)]
mod tests {
    use relais_domain::credentials::permissions;

    use super::*;
    use crate::settings::{Flag, Sources};

    fn load(toml: &str, variables: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("relais.toml"), toml).unwrap();
        let environment = variables.iter().map(|(name, value)| (name.into(), value.into())).collect();
        let sources = Sources { directory: folder.path().into(), environment, flags: Vec::<Flag>::new(), file: None };
        Settings::load_from(&sources).map(|loaded| loaded.settings)
    }

    const COURIER: &str = "
        topics = ['jobs']
        [nsc.roles.courier]
        about = 'brings things'
        publish = ['from.{user}.jobs.>']
        subscribe = ['to.{user}.>', '_INBOX.{user}.>', 'topic.jobs.*']
    ";

    #[test]
    fn the_role_user_is_there_and_others_beside_it() {
        let roles = load(COURIER, &[]).unwrap().roles().unwrap();
        let names: Vec<_> = roles.iter().map(|role| role.name().as_str()).collect();
        assert_eq!(names, ["user", "courier"]);
        assert_eq!(roles[1].limits().publish.allow, ["from.{{tag(user)}}.jobs.>"]);
        assert_eq!(roles[1].limits().subs, permissions::USER_SUBSCRIPTIONS);
        assert!(roles[0].limits().subscribe.allow.contains(&"topic.jobs.*".to_owned()));
    }

    #[test]
    fn the_role_user_can_be_set_and_hears_topics_all_the_same() {
        let toml = "topics = ['news']\n[nsc.roles.user]\npublish = ['from.{user}.echo']\nsubscribe = ['to.{user}.>']";
        let roles = load(toml, &[]).unwrap().roles().unwrap();
        assert_eq!(roles.len(), 1);
        assert_eq!(roles[0].limits().publish.allow, ["from.{{tag(user)}}.echo"]);
        assert_eq!(roles[0].limits().subscribe.allow, ["to.{{tag(user)}}.>", "topic.news.*"]);
    }

    #[test]
    fn a_variable_takes_a_table_as_json_or_toml() {
        for text in [
            r#"{"courier": {"publish": ["from.{user}.x"], "subscribe": ["to.{user}.>"]}}"#,
            "courier = { publish = ['from.{user}.x'], subscribe = ['to.{user}.>'] }",
        ] {
            let settings = load("", &[("RELAIS_NSC__ROLES", text)]).unwrap();
            assert_eq!(settings.roles().unwrap().len(), 2, "{text}");
        }
        for bad in ["courier", "{}x", r#"{"Courier": {}}"#, r#"{"courier": {"pub": []}}"#, r#"{"a b": {}}"#] {
            assert!(matches!(load("", &[("RELAIS_NSC__ROLES", bad)]), Err(SettingsError::Value { .. })), "{bad}");
        }
    }

    #[test]
    fn everything_that_reaches_others_is_told_at_once_with_the_reason() {
        let toml = "
            [nsc]
            allow_pub = ['>', 'from.{user}.ok']
            allow_sub = ['out.>']
            [nsc.roles.a]
            publish = ['from.*.x']
            [nsc.roles.b]
            subscribe = ['$SYS.>', '_INBOX.>']
        ";
        let error = load(toml, &[]).unwrap_err().to_string();
        for (place, subject) in [
            ("nsc.roles.a.publish", "from.*.x"),
            ("nsc.roles.b.subscribe", "$SYS.>"),
            ("nsc.roles.b.subscribe", "_INBOX.>"),
            ("nsc.allow_pub", "\">\""),
            ("nsc.allow_sub", "out.>"),
        ] {
            let line = error.lines().find(|line| line.contains(&format!("{place}: ")) && line.contains(subject));
            let force = format!("name it in {}.force too", place.rsplit_once('.').unwrap().0);
            assert!(line.is_some_and(|line| line.ends_with(&force)), "{place} {subject}: {error}");
        }
        assert!(!error.contains("from.{user}.ok"), "{error}");
    }

    #[test]
    fn what_is_forced_by_name_is_let_through_and_told() {
        let toml = "
            [nsc]
            allow_sub = ['weather.>']
            force = ['weather.>']
            [nsc.roles.a]
            publish = ['from.*.x']
            force = ['from.*.x']
        ";
        let settings = load(toml, &[]).unwrap();
        assert_eq!(settings.forced().len(), 2);
        assert!(settings.forced()[0].contains("speak as another"), "{:?}", settings.forced());
        assert!(load(COURIER, &[]).unwrap().forced().is_empty());
        // A list of another place forces nothing here.
        let crossed = toml
            .replace("force = ['from.*.x']", "")
            .replace("['weather.>']\n            [", "['from.*.x', 'weather.>']\n[");
        assert!(load(&crossed, &[]).is_err());
    }
}
