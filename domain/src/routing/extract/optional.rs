//! What may be absent, and what may go wrong.

use std::{convert::Infallible, future::Future};

use super::{Extract, PayloadType, Request};
use crate::subject::Pattern;

/// An extractor that knows when there is nothing to extract, so that a handler may take `Option<X>`.
///
/// Absent is not wrong: an `Option<MessageId>` is `None` without the header, and still a fault when the header is malformed.
#[diagnostic::on_unimplemented(
    message = "`Option<{Self}>` is nothing a handler can take: `{Self}` does not say when it is absent",
    label = "never absent",
    note = "take `{Self}` itself, or `Result<{Self}, _>` to handle its rejection, or implement `OptionalExtract` for it"
)]
pub trait OptionalExtract<S>: Extract<S> {
    /// As [`Extract::check`], for `Option<Self>`.
    ///
    /// # Errors
    /// Words for the developer.
    fn check_optional(pattern: &Pattern) -> Result<(), String> {
        Self::check(pattern)
    }

    /// Makes it; `None` when there is none.
    fn extract_optional(
        request: &Request,
        state: &S,
    ) -> impl Future<Output = Result<Option<Self>, Self::Rejection>> + Send;
}

impl<S: Sync, X: OptionalExtract<S>> Extract<S> for Option<X> {
    type Rejection = X::Rejection;
    const TAKES_PAYLOAD: bool = X::TAKES_PAYLOAD;
    const BY_HAND: bool = X::BY_HAND;

    fn payload_type() -> PayloadType {
        X::payload_type()
    }

    fn check(pattern: &Pattern) -> Result<(), String> {
        X::check_optional(pattern)
    }

    async fn extract(request: &Request, state: &S) -> Result<Self, X::Rejection> {
        X::extract_optional(request, state).await
    }
}

impl<S: Sync, X: Extract<S>> Extract<S> for Result<X, X::Rejection> {
    type Rejection = Infallible;
    const TAKES_PAYLOAD: bool = X::TAKES_PAYLOAD;
    const BY_HAND: bool = X::BY_HAND;

    fn payload_type() -> PayloadType {
        X::payload_type()
    }

    fn check(pattern: &Pattern) -> Result<(), String> {
        X::check(pattern)
    }

    async fn extract(request: &Request, state: &S) -> Result<Self, Infallible> {
        Ok(X::extract(request, state).await)
    }
}
