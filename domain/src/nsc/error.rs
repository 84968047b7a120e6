//! Why the NSC service does not do what it was asked for.

use crate::{
    credentials::lint::Refused,
    ports::{EngineError, IssueError},
};

/// Why the NSC service does not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum NscError {
    /// A field of what was asked breaks its rule.
    #[error("{field}: {why}")]
    Invalid {
        /// Which.
        field: &'static str,
        /// How.
        why: String,
    },
    /// Subjects that users must not be allowed.
    #[error("{}", .0.iter().map(|refused| refused.advise("nsc.force")).collect::<Vec<_>>().join("; "))]
    Lint(Vec<Refused>),
    /// It is there, and another one than was asked for.
    #[error("there is already {what} {name}: {why}")]
    Exists {
        /// `a user`, `an account`.
        what: &'static str,
        /// Its name.
        name: String,
        /// How it differs.
        why: String,
    },
    /// An account that Relais lives from cannot be used for this.
    #[error("the account {0} is Relais' own; {1}")]
    Own(String, &'static str),
    /// What the engine says.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// What came of signing or pushing.
    #[error(transparent)]
    Issue(#[from] IssueError),
}

impl NscError {
    /// A field, and what its parser says of it.
    pub(super) fn invalid(field: &'static str, why: impl std::fmt::Display) -> Self {
        Self::Invalid { field, why: format!("{why}") }
    }
}
