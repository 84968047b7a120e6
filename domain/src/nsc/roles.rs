//! Roles as code: what the settings say of them becomes scoped signing keys of the application's account.

use super::Nsc;
use crate::{
    credentials::{
        Change, KeyKind, UserLimits,
        lint::{self, Refused, Rules},
        permissions::{self, USER_ROLE},
    },
    identity::{RoleName, Topic},
    ports::EngineError,
};

/// A role, compiled: what its members may do.
#[derive(Debug, Clone, PartialEq)]
pub struct Role {
    name: RoleName,
    about: String,
    limits: UserLimits,
}

/// What has become of a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Declared {
    /// It is new.
    Made,
    /// It was another one: members that are connected are, once brokers have heard of it, as it says.
    Changed,
    /// It was so already.
    There,
}

impl Role {
    /// The role of ordinary users, who also hear these topics.
    #[must_use]
    pub fn user(topics: &[Topic]) -> Self {
        let name = USER_ROLE.parse().expect("it is the name of a role");
        Self { name, about: String::new(), limits: permissions::user_role() }.hearing(topics)
    }

    /// A role that publishes to `publish` and listens to `subscribe`, with `{user}` for the member's own token.
    ///
    /// # Errors
    /// Every subject that [`lint`] refuses.
    pub fn compile(
        name: RoleName,
        about: &str,
        publish: &[String],
        subscribe: &[String],
        rules: Rules<'_>,
    ) -> Result<Self, Vec<Refused>> {
        let limits = permissions::role(lint::compile(publish, subscribe, rules)?);
        Ok(Self { name, about: about.to_owned(), limits })
    }

    /// The same, for members who also hear these topics.
    #[must_use]
    pub fn hearing(mut self, topics: &[Topic]) -> Self {
        let heard = &mut self.limits.subscribe.allow;
        for topic in topics.iter().map(permissions::topic) {
            if !heard.contains(&topic) {
                heard.push(topic);
            }
        }
        self
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &RoleName {
        &self.name
    }

    /// What its members may do, as it stands in the scope of its signing key.
    #[must_use]
    pub fn limits(&self) -> &UserLimits {
        &self.limits
    }
}

impl Nsc {
    /// Makes the application's account have these roles, each with a signing key of its own; others stay as they are. Stored
    /// when it returns, and not pushed: the next [`Nsc::reconcile`] does that. A repeat changes nothing.
    ///
    /// # Errors
    /// As [`crate::ports::CredentialsEngine::change`]; roles before the one that failed are declared.
    pub async fn declare(&self, roles: &[Role]) -> Result<Vec<Declared>, EngineError> {
        let mut outcomes = Vec::new();
        for role in roles {
            let before = self.engine.account(&self.application).await?;
            let mut change = Change::Role {
                role: role.name.to_string(),
                template: Box::new(role.limits.clone()),
                description: role.about.clone(),
                key: None,
            };
            let known = before.claims.body.signing_keys.of_role(role.name.as_str()).is_some();
            if let (false, Change::Role { key, .. }) = (known, &mut change) {
                let pair = self.pairs.generate(KeyKind::Account);
                self.engine.keep_key(&pair).await?;
                *key = Some(pair.public);
            }
            let after = self.engine.change(&self.application, &change).await?;
            outcomes.push(match (known, after == before) {
                (_, true) => Declared::There,
                (true, false) => Declared::Changed,
                (false, false) => Declared::Made,
            });
        }
        Ok(outcomes)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::nsc::fixture::Fixture;

    fn courier(subject: &str) -> Role {
        let rules = Rules { topics: &[], forced: &BTreeSet::new() };
        let publish = [format!("from.{{user}}.{subject}.>")];
        Role::compile("courier".parse().unwrap(), "brings", &publish, &["to.{user}.>".to_owned()], rules).unwrap()
    }

    #[tokio::test]
    async fn a_role_is_made_changed_and_left_alone() {
        let fixture = Fixture::new();
        let nsc = &fixture.nsc;
        let topics = ["news".parse().unwrap()];
        let declared = async |subject| nsc.declare(&[Role::user(&topics), courier(subject)]).await.unwrap();
        assert_eq!(declared("jobs").await, [Declared::Changed, Declared::Made]);
        let first = fixture.application().await;
        assert_eq!(declared("jobs").await, [Declared::There, Declared::There]);
        assert_eq!(fixture.application().await, first);
        assert_eq!(declared("tasks").await, [Declared::There, Declared::Changed]);
        let keys = fixture.application().await.body.signing_keys;
        let scope = keys.of_role("courier").unwrap();
        assert_eq!(scope.template.known.publish.allow, ["from.{{tag(user)}}.tasks.>"]);
        assert_eq!(scope.key, first.body.signing_keys.of_role("courier").unwrap().key, "no new credentials are needed");
        let user = keys.of_role(USER_ROLE).unwrap();
        assert!(user.template.known.subscribe.allow.contains(&"topic.news.*".to_owned()));
    }

    #[tokio::test]
    async fn topics_that_are_taken_away_are_heard_no_more() {
        let fixture = Fixture::new();
        fixture.nsc.declare(&[Role::user(&["news".parse().unwrap()])]).await.unwrap();
        fixture.nsc.declare(&[Role::user(&[])]).await.unwrap();
        let keys = fixture.application().await.body.signing_keys;
        assert_eq!(keys.of_role(USER_ROLE).unwrap().template.known, permissions::user_role());
    }

    #[test]
    fn a_role_that_reaches_others_is_not_compiled() {
        let forced = BTreeSet::from(["to.*.x".to_owned()]);
        let name = || "courier".parse().unwrap();
        let lists = (["from.{user}.>".to_owned(), "from.*.x".to_owned()], ["to.*.x".to_owned(), ">".to_owned()]);
        let rules = Rules { topics: &[], forced: &forced };
        let refused = Role::compile(name(), "", &lists.0, &lists.1, rules).unwrap_err();
        let subjects: Vec<_> = refused.iter().map(|refused| refused.subject.as_str()).collect();
        assert_eq!(subjects, ["from.*.x", ">"]);
    }
}
