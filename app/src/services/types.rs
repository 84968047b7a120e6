//! The message types of the built-in routes, by subject, so that the command line need not be told.

/// A built-in route as the command line sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Types {
    /// The subject behind `from.{user}.`.
    pub(crate) subject: &'static str,
    /// The full name of the request's message.
    pub(crate) request: &'static str,
    /// The full name of the answer's message.
    pub(crate) answer: &'static str,
}

const ECHO: Types = Types { subject: "echo", request: "relais.v1.EchoRequest", answer: "relais.v1.EchoResponse" };

/// All of them.
pub(crate) const TYPES: &[Types] =
    &[ECHO, Types { subject: "echo.identified", ..ECHO }, Types { subject: "echo.cached", ..ECHO }];

/// The types of the route whose subject, behind `from.{user}.`, is `subject`.
#[must_use]
pub(crate) fn find(subject: &str) -> Option<&'static Types> {
    TYPES.iter().find(|types| types.subject == subject)
}
