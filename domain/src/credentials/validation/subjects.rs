//! Subjects and permissions (`types.go` of jwt/v2).

use super::{Issues, quoted};
use crate::credentials::Permission;

/// `Subject.Validate`.
pub(super) fn subject(subject: &str, found: &mut Issues) {
    if subject.is_empty() {
        found.error("subject cannot be empty".to_owned());
        return;
    }
    let quoted = quoted(subject);
    if subject.contains(' ') {
        found.error(format!("subject {quoted} cannot have spaces"));
    }
    if subject.starts_with('.') || subject.ends_with('.') {
        found.error(format!("subject {quoted} cannot start or end with a `.`"));
    }
    if subject.contains("..") {
        found.error(format!("subject {quoted} cannot contain consecutive `.`"));
    }
}

/// `Subject.HasWildCards`.
pub(super) fn has_wildcards(subject: &str) -> bool {
    matches!(subject, "*" | ">")
        || subject.ends_with(".>")
        || subject.contains(".*.")
        || subject.ends_with(".*")
        || subject.starts_with("*.")
}

/// `Subject.IsContainedIn`.
pub(super) fn is_contained_in(subject: &str, other: &str) -> bool {
    let (own, other): (Vec<&str>, Vec<&str>) = (subject.split('.').collect(), other.split('.').collect());
    let last = other.len() - 1;
    if own.len() < other.len() || (own.len() > other.len() && other[last] != ">") {
        return false;
    }
    for (at, token) in other.iter().enumerate() {
        if at == last && *token == ">" {
            return true;
        }
        if *token != own[at] && *token != "*" {
            return false;
        }
    }
    true
}

/// `RenamingSubject.Validate`: the local name of what is imported as `from`.
pub(super) fn renaming(local: &str, from: &str, found: &mut Issues) {
    subject(local, found);
    if from.is_empty() {
        found.error("subject cannot be empty".to_owned());
    }
    if local.contains(' ') {
        found.error(format!("subject {} cannot have spaces", quoted(local)));
    }
    let ends_open = |subject: &str| subject == ">" || subject.ends_with(".>");
    if ends_open(local) != ends_open(from) {
        found.error("both, renaming subject and subject, need to end or not end in >".to_owned());
    }
    let wildcards = from.split('.').filter(|token| *token == "*").count();
    let mut named = 0;
    for token in local.split('.') {
        if token == "*" {
            named += 1;
        }
        let Some(index) = reference(token) else { continue };
        if usize::try_from(index).is_ok_and(|index| index > wildcards) {
            let (local, from) = (quoted(local), quoted(from));
            found.error(format!("Reference ${index} in {local} reference * in {from} that do not exist"));
        } else {
            named += 1;
        }
    }
    if named != wildcards {
        found.error("subject does not contain enough * or reference wildcards $[0-9]".to_owned());
    }
}

/// `RenamingSubject.ToSubject`: with `*` for every reference.
pub(super) fn without_references(local: &str) -> String {
    local.split('.').map(|token| if reference(token).is_some() { "*" } else { token }).collect::<Vec<_>>().join(".")
}

/// `$1` is 1.
fn reference(token: &str) -> Option<i64> {
    token.strip_prefix('$')?.parse().ok()
}

/// `Permission.Validate`.
pub(super) fn permission(permission: &Permission, queues: bool, found: &mut Issues) {
    for entry in permission.allow.iter().chain(&permission.deny) {
        let parts: Vec<&str> = entry.split(' ').collect();
        match parts.as_slice() {
            [one] => subject(one, found),
            [one, queue] => {
                subject(one, found);
                subject(queue, found);
                if !queues {
                    found.error(format!("Permission Subject \"{entry}\" is not allowed to contain queue"));
                }
            }
            _ => found.error(format!("Permission Subject \"{entry}\" contains too many spaces")),
        }
    }
}
