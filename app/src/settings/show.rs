//! Settings as `relais settings` prints them.

use serde_json::Value;

use super::{Loaded, Source, keys};

/// One setting, as shown.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// `http.listen`
    pub name: &'static str,
    /// What it is for.
    pub about: &'static str,
    /// The value, with secrets hidden; `null` is none.
    pub value: Value,
    /// Whether something of the value is hidden.
    pub secret: bool,
    /// Where it came from.
    pub source: Source,
}

impl Loaded {
    /// Every setting, in the order of the documentation.
    #[must_use]
    pub fn rows(&self) -> Vec<Row> {
        let secret = |name| match name {
            "sql.url" => self.settings.sql.url.as_ref().is_some_and(super::SecretUrl::hides),
            "nats.url" => self.settings.nats.url.iter().any(super::SecretUrl::hides),
            "mail.smtp_url" => self.settings.mail.smtp_url.as_ref().is_some_and(super::SecretUrl::hides),
            "nsc.seal_key" => self.settings.nsc.seal_key.is_some(),
            _ => false,
        };
        keys::all()
            .map(|key| Row {
                name: key.name,
                about: key.about,
                value: (key.show)(&self.settings),
                secret: secret(key.name),
                source: self.origins.get(key.name).cloned().unwrap_or(Source::Default),
            })
            .collect()
    }
}

impl Row {
    /// The value on one line, for people: no quotes, commas in lists, `-` for none.
    #[must_use]
    pub fn text(&self) -> String {
        match &self.value {
            Value::Null => "-".to_owned(),
            Value::String(text) => text.clone(),
            Value::Array(items) if items.is_empty() => "-".to_owned(),
            Value::Array(items) => {
                items.iter().map(|item| item.as_str().unwrap_or_default()).collect::<Vec<_>>().join(", ")
            }
            other => other.to_string(),
        }
    }
}
