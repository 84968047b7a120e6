//! Values as they are given (text, or TOML) into the types of the settings.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
};

use relais_domain::identity::RoleName;

use super::{Role, SecretUrl};

/// A value as some layer gives it.
#[derive(Debug, Clone)]
pub(super) enum Raw {
    /// From a variable or a flag.
    Text(String),
    /// From a file.
    Toml(toml::Value),
}

/// A value, and the folder that its paths are relative to.
pub(super) struct Given<'a> {
    pub(super) raw: &'a Raw,
    pub(super) folder: Option<&'a Path>,
}

impl Given<'_> {
    /// Any text, also an empty one.
    pub(super) fn text(&self) -> Option<&str> {
        match self.raw {
            Raw::Text(text) | Raw::Toml(toml::Value::String(text)) => Some(text),
            Raw::Toml(_) => None,
        }
    }

    pub(super) fn boolean(&self) -> Option<bool> {
        match self.raw {
            Raw::Toml(toml::Value::Boolean(value)) => Some(*value),
            Raw::Text(text) => text.parse().ok(),
            Raw::Toml(_) => None,
        }
    }

    /// A whole number.
    pub(super) fn number(&self) -> Option<u32> {
        match self.raw {
            Raw::Toml(toml::Value::Integer(value)) => u32::try_from(*value).ok(),
            Raw::Text(text) => text.parse().ok(),
            Raw::Toml(_) => None,
        }
    }

    /// One text, several with commas between, or a TOML array; empty text is none at all.
    pub(super) fn list(&self) -> Option<Vec<String>> {
        if let Raw::Toml(toml::Value::Array(items)) = self.raw {
            return items.iter().map(|item| item.as_str().map(str::to_owned)).collect();
        }
        let text = self.text()?;
        Some(text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect())
    }

    /// As [`Given::list`], where each has to pass.
    pub(super) fn list_of(&self, passes: fn(&str) -> bool) -> Option<Vec<String>> {
        self.list().filter(|items| items.iter().all(|item| passes(item)))
    }

    /// `Some(None)` for an empty text, which means "none".
    pub(super) fn optional<T>(&self, read: impl FnOnce(&str) -> Option<T>) -> Option<Option<T>> {
        match self.text()? {
            "" => Some(None),
            text => read(text).map(Some),
        }
    }

    pub(super) fn path(&self) -> Option<PathBuf> {
        self.optional_path().flatten()
    }

    pub(super) fn optional_path(&self) -> Option<Option<PathBuf>> {
        self.optional(|text| {
            let path = match self.folder {
                Some(folder) => folder.join(text),
                None => PathBuf::from(text),
            };
            (!text.contains('\0')).then_some(path)
        })
    }

    /// `127.0.0.1:8080`, `[::1]:0`, and `localhost:8080`, which is 127.0.0.1.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        let text = self.text()?;
        match text.strip_prefix("localhost:") {
            Some(port) => Some(SocketAddr::from((Ipv4Addr::LOCALHOST, port.parse().ok()?))),
            None => text.parse().ok(),
        }
    }
}

/// `scheme://something`, without spaces, with one of these schemes.
pub(super) fn is_url(text: &str, schemes: &[&str]) -> bool {
    text.split_once("://").is_some_and(|(scheme, rest)| {
        schemes.contains(&scheme) && !rest.is_empty() && rest.bytes().all(|byte| (b'!'..=b'~').contains(&byte))
    })
}

/// As [`is_url`], without a user name in it: clients are told these.
pub(super) fn is_public_url(text: &str, schemes: &[&str]) -> bool {
    is_url(text, schemes) && !text.contains('@')
}

/// `https://app.example.org[:port]`, as a browser sends it: no path, no wildcard.
pub(super) fn is_origin(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.:[]_".contains(&byte);
    is_url(text, &["http", "https"]) && text.split_once("://").is_some_and(|(_, host)| host.bytes().all(plain))
}

pub(super) fn broker_urls(items: &[String]) -> Option<Vec<SecretUrl>> {
    let schemes = ["nats", "tls", "ws", "wss"];
    items.iter().map(|item| is_url(item, &schemes).then(|| SecretUrl::from(item.as_str()))).collect()
}

/// A table of roles, as TOML has it; in a variable, as TOML or JSON text.
pub(super) fn roles(given: &Given<'_>) -> Option<BTreeMap<RoleName, Role>> {
    match given.raw {
        Raw::Toml(value) => value.clone().try_into().ok(),
        Raw::Text(text) if text.is_empty() => Some(BTreeMap::new()),
        Raw::Text(text) if text.trim_start().starts_with('{') => serde_json::from_str(text).ok(),
        Raw::Text(text) => toml::from_str(text).ok(),
    }
}

/// The name of an operator or account: what a folder of the store can be called, and nsc takes as an argument.
pub(super) fn is_store_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    text.len() <= 64
        && text.bytes().all(plain)
        && text.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric())
}
