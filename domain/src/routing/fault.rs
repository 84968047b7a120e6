//! Errors told to a caller.

use std::fmt;

use crate::message::Headers;

/// An error told to a caller: a code as in HTTP, and words. It travels as the two error headers of NATS ADR-32, so every
/// NATS client understands it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    code: u16,
    message: String,
}

/// The header that carries the code (ADR-32).
pub(super) const CODE: &str = "Nats-Service-Error-Code";
/// The header that carries the words (ADR-32).
pub(super) const MESSAGE: &str = "Nats-Service-Error";
/// Longer words than this are cut: they travel in a header.
const LONGEST: usize = 512;

impl Fault {
    /// A fault with a code of 400 to 599; another code becomes 500.
    #[must_use]
    pub fn new(code: u16, message: impl Into<String>) -> Self {
        let mut message: String = message.into();
        if message.len() > LONGEST {
            let end = (0..=LONGEST).rev().find(|at| message.is_char_boundary(*at)).unwrap_or(0);
            message.truncate(end);
        }
        Self { code: if (400..=599).contains(&code) { code } else { 500 }, message }
    }

    /// 400: the request is wrong.
    #[must_use]
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, message)
    }

    /// 403: the caller may not.
    #[must_use]
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::new(403, message)
    }

    /// 404: there is no such thing.
    #[must_use]
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(404, message)
    }

    /// 409: it is not in a state for that.
    #[must_use]
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(409, message)
    }

    /// 429: too many requests of this caller.
    #[must_use]
    pub fn too_many_requests(message: impl Into<String>) -> Self {
        Self::new(429, message)
    }

    /// 500: our mistake.
    #[must_use]
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(500, message)
    }

    /// 503: not now.
    #[must_use]
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(503, message)
    }

    /// The code, 400 to 599.
    #[must_use]
    pub fn code(&self) -> u16 {
        self.code
    }

    /// The words.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The fault as headers.
    #[must_use]
    pub fn to_headers(&self) -> Headers {
        Headers::from_iter([(CODE, self.code.to_string().as_str()), (MESSAGE, self.message.as_str())])
    }

    /// The fault that an answer carries, if it carries one. A code that is no number counts as 500.
    #[must_use]
    pub fn from_headers(headers: &Headers) -> Option<Self> {
        let code = headers.get(CODE)?;
        Some(Self::new(code.parse().unwrap_or(500), headers.get(MESSAGE).unwrap_or_default()))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.code)
    }
}

impl std::error::Error for Fault {}

/// For a handler that cannot fail.
impl From<std::convert::Infallible> for Fault {
    fn from(never: std::convert::Infallible) -> Self {
        match never {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_travels_as_headers() {
        let fault = Fault::new(409, "no more tea\r\nNats-Rollup: all");
        let there = Fault::from_headers(&fault.to_headers()).unwrap();
        assert_eq!((there.code(), there.message()), (409, "no more tea  Nats-Rollup: all"));
        assert_eq!(Fault::from_headers(&Headers::default()), None);
        let odd = Headers::from_iter([(CODE, "99999999999")]);
        assert_eq!(Fault::from_headers(&odd).unwrap().code(), 500);
        assert_eq!(Fault::new(200, "").code(), 500);
        assert_eq!(Fault::internal("é".repeat(2_000)).message().len(), LONGEST);
    }
}
