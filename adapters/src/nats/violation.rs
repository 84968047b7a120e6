//! What the broker says when it refuses a publish or a subscription.

/// A refusal: `-ERR 'Permissions Violation for …'`, which names the subject but not the call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Violation {
    pub(super) operation: &'static str,
    pub(super) subject: String,
}

pub(super) const PUBLISH: &str = "publish to";
pub(super) const SUBSCRIBE: &str = "listen to";

/// Reads the broker's words; `None` for other errors. Both texts are in nats-server's `client.go`, the subject in Go's
/// `%q`.
pub(super) fn parse(text: &str) -> Option<Violation> {
    let words = text.trim().trim_matches('\'');
    let known = |prefix: &str| {
        let at = words.get(..prefix.len())?;
        at.eq_ignore_ascii_case(prefix).then(|| &words[prefix.len()..])
    };
    let (operation, rest) = if let Some(rest) = known("Permissions Violation for Publish to ") {
        (PUBLISH, rest)
    } else {
        (SUBSCRIBE, known("Permissions Violation for Subscription to ")?)
    };
    Some(Violation { operation, subject: unquote(rest)? })
}

fn unquote(text: &str) -> Option<String> {
    let mut subject = String::new();
    let mut characters = text.strip_prefix('"')?.chars();
    loop {
        match characters.next()? {
            '"' => return Some(subject),
            '\\' => subject.push(characters.next()?),
            other => subject.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_brokers_words_are_read() {
        for (text, operation, subject) in [
            (r#"Permissions Violation for Publish to "from.bob.x""#, PUBLISH, "from.bob.x"),
            (r#"Permissions Violation for Subscription to "to.bob.>""#, SUBSCRIBE, "to.bob.>"),
            (r#"permissions violation for subscription to "a" using queue "q""#, SUBSCRIBE, "a"),
            (r#"'Permissions Violation for Publish to "a\"b\\c"'"#, PUBLISH, r#"a"b\c"#),
        ] {
            assert_eq!(parse(text), Some(Violation { operation, subject: subject.to_owned() }), "{text}");
        }
        for other in [
            "",
            "Authorization Violation",
            "Permissions Violation for Publish to ",
            "Permissions Violation for Publish to \"a",
            "é",
        ] {
            assert_eq!(parse(other), None, "{other}");
        }
    }
}
