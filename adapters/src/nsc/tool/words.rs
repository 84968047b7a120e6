//! What nsc says when it refuses, and which of our errors that is.

use relais_domain::ports::EngineError;

/// The kind of error that `said` is, if we know these words.
pub(super) fn kind(said: &str) -> Option<EngineError> {
    let said = said.trim_start_matches("Error: ").trim_start_matches("[ERR ] ");
    // What stands before the name, what behind it, and what it is.
    let existing = [
        ("the account \"", "\" already exists", "an account"),
        ("the user \"", "\" already exists", "a user"),
        ("operator named ", " exists already", "an operator"),
    ];
    let unknown = [
        ("\"", "\" not in accounts for operator ", "account"),
        ("account ", " does not exist in the current operator", "account"),
        ("user \"", "\" not found", "user"),
        ("user ", " does not exist in the current account", "user"),
    ];
    let name = |(before, behind, what): &(&str, &str, &'static str)| {
        said.strip_prefix(before)?.split_once(behind).map(|(name, _)| (*what, name.to_owned()))
    };
    if let Some((what, name)) = existing.iter().find_map(name) {
        return Some(EngineError::Exists { what, name, why: String::new() });
    }
    if let Some((what, name)) = unknown.iter().find_map(name) {
        return Some(EngineError::Unknown { what, name });
    }
    let (_, wanted) = said.split_once("unable to resolve any of the following signing keys in the keystore: ")?;
    Some(EngineError::NoKey { what: "what was asked of nsc".to_owned(), wanted: wanted.to_owned() })
}
