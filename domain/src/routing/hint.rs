//! Bounds with words of their own, so that the compiler says what to write where one is not met.
//!
//! Each is another trait under a name of ours, implemented for whatever has that one. The compiler would otherwise go down to
//! the foreign trait, and tell a developer who forgot a `derive` about `prost` or `Into`.

use std::future::Future;

use serde::de::DeserializeOwned;

use super::{Fault, Router};

/// What an async function gives: a future.
#[diagnostic::on_unimplemented(
    message = "the function is not async: it gives `{Self}`, which is no future",
    label = "not async",
    note = "write `async fn`, or let a closure return an `async` block"
)]
pub trait IsAsync: Future<Output = Self::Answer> {
    /// What the future gives.
    type Answer;
}

#[diagnostic::do_not_recommend]
impl<F: Future> IsAsync for F {
    type Answer = F::Output;
}

/// A protobuf message: what [`super::Message`] may hold.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no protobuf message",
    label = "no protobuf message",
    note = "let prost-build generate it from a .proto file, or write `#[derive(Clone, PartialEq, prost::Message)]` above it"
)]
pub trait Protobuf: prost::Message + Default {}

#[diagnostic::do_not_recommend]
impl<T: prost::Message + Default> Protobuf for T {}

/// An error that a caller can be told.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be told to a caller: it does not become a `Fault`",
    label = "no fault",
    note = "write `impl From<{Self}> for Fault`, or make a `Fault` of it: `.map_err(|error| Fault::internal(error.to_string()))`"
)]
pub trait IntoFault: Into<Fault> {}

#[diagnostic::do_not_recommend]
impl<E: Into<Fault>> IntoFault for E {}

/// What [`super::Tokens`] can be read into.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be read from the tokens of a subject",
    label = "not read from tokens",
    note = "write `#[derive(serde::Deserialize)]` above it, or take a number, a `String` or a tuple of these"
)]
pub trait FromTokens: DeserializeOwned {}

#[diagnostic::do_not_recommend]
impl<T: DeserializeOwned> FromTokens for T {}

/// A router that lacks nothing: one that can be run.
#[diagnostic::on_unimplemented(
    message = "`{Self}` still waits for its state",
    label = "no state given",
    note = "call `.with_state(…)` on it: what that gives is a `Router`, which can be run"
)]
pub trait Complete {
    /// The router.
    fn complete(self) -> Router;
}

impl Complete for Router {
    fn complete(self) -> Router {
        self
    }
}
