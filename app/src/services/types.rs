//! The message types of the built-in routes, by subject, so that the command line need not be told.

/// A built-in route as the command line sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Types {
    /// The subject behind `from.{user}.`.
    pub subject: &'static str,
    /// The full name of the request's message.
    pub request: &'static str,
    /// The full name of the answer's message.
    pub answer: &'static str,
}

const ECHO: Types = Types { subject: "echo", request: "relais.v1.EchoRequest", answer: "relais.v1.EchoResponse" };

/// All of them.
pub const TYPES: &[Types] = &[ECHO, Types { subject: "echo.identified", ..ECHO }];

/// The types of the route whose subject, behind `from.{user}.`, is `subject`.
#[must_use]
pub fn find(subject: &str) -> Option<&'static Types> {
    TYPES.iter().find(|types| types.subject == subject)
}
