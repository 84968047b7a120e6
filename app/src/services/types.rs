//! The message types of the built-in routes, by subject, so that the command line need not be told.

/// A built-in route as the command line sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Types {
    /// The subject behind `from.{user}.`.
    pub(crate) subject: &'static str,
    /// The full name of the request's message.
    pub(crate) request: &'static str,
    /// The full name of the answer's message; `None` when the answer is empty.
    pub(crate) answer: Option<&'static str>,
}

const ECHO: Types = Types { subject: "echo", request: "relais.v1.EchoRequest", answer: Some("relais.v1.EchoResponse") };

/// All of them.
pub(crate) const TYPES: &[Types] = &[
    ECHO,
    Types { subject: "echo.identified", ..ECHO },
    Types { subject: "echo.cached", ..ECHO },
    Types { subject: "ping", request: "relais.v1.PingRequest", answer: None },
];

/// Whether a subject, behind `from.{user}.`, is one where users speak to each other: what they say has no known type.
#[must_use]
pub(crate) fn is_relayed(subject: &str) -> bool {
    ["tell.", "topic.", "answer."].iter().any(|prefix| subject.starts_with(prefix))
}

/// The types of the route whose subject, behind `from.{user}.`, is `subject`.
#[must_use]
pub(crate) fn find(subject: &str) -> Option<&'static Types> {
    TYPES.iter().find(|types| types.subject == subject)
}
