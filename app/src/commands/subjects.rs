//! Subjects as a user types them: without their own prefix, and checked.

use relais_domain::{
    client::{self, ClientError},
    identity::UserId,
    subject::{Filter, InvalidSubject, Subject},
};

use crate::exit::{Exit, Failure};

/// Where `user` publishes `text`.
pub(super) fn outgoing(user: &UserId, text: &str) -> Result<Subject, Failure> {
    client::outgoing(user, text).map_err(|error| unusable(text, &error))
}

/// What `user` listens to with `text`.
pub(super) fn incoming(user: &UserId, text: &str) -> Result<Filter, Failure> {
    client::incoming(user, text).map_err(|error| unusable(text, &error))
}

/// Refuses what can be no subject of anybody, so that wrong usage is told before anything else.
pub(super) fn check_subject(text: &str) -> Result<(), Failure> {
    text.parse::<Subject>().map(drop).map_err(|problem| wrong(text, problem))
}

/// As [`check_subject`], for what is listened to.
pub(super) fn check_filter(text: &str) -> Result<(), Failure> {
    text.parse::<Filter>().map(drop).map_err(|problem| wrong(text, problem))
}

fn unusable(text: &str, error: &ClientError) -> Failure {
    match error {
        ClientError::Subject { problem, .. } => wrong(text, *problem),
        other => Failure::of(Exit::Usage, other),
    }
}

fn wrong(text: &str, problem: InvalidSubject) -> Failure {
    let shown: String = text.chars().take(60).collect();
    Failure::usage(format!("{shown:?} is no subject: {problem}"))
        .hint("write tokens with dots between, such as orders.new; quote * and > from the shell")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prefix_is_put_in_front_unless_it_is_there() {
        let ada: UserId = "ada".parse().unwrap();
        for (text, from, to) in [
            ("echo", "from.ada.echo", "to.ada.echo"),
            ("from.ada.echo", "from.ada.echo", "to.ada.from.ada.echo"),
            ("to.ada.news", "from.ada.to.ada.news", "to.ada.news"),
            ("from.bob.echo", "from.ada.from.bob.echo", "to.ada.from.bob.echo"),
            ("from.adam.x", "from.ada.from.adam.x", "to.ada.from.adam.x"),
        ] {
            assert_eq!(outgoing(&ada, text).unwrap().as_str(), from);
            assert_eq!(incoming(&ada, text).unwrap().as_str(), to);
        }
        assert_eq!(incoming(&ada, ">").unwrap().as_str(), "to.ada.>");
    }

    #[test]
    fn hostile_text_is_wrong_usage() {
        let ada: UserId = "ada".parse().unwrap();
        let long = "a".repeat(10_000);
        for text in ["", ".", "a..b", "a b", "é", "a\r\nPUB x 0", "a\0", long.as_str(), "*", ">", "from.ada."] {
            let failure = outgoing(&ada, text).unwrap_err();
            assert_eq!(failure.exit, Exit::Usage);
            assert!(failure.what.len() < 300 && !failure.what.contains('\n'), "{}", failure.what);
        }
        assert!(incoming(&ada, ">.a").is_err() && check_filter("a b").is_err() && check_subject("*").is_err());
    }
}
