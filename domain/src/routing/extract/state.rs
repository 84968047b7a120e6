//! The router's state, or a part of it.

use std::convert::Infallible;

use super::{Extract, Request};

/// What the router was given with [`super::super::Router::with_state`], or a part of it ([`FromRef`]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State<T>(pub T);

/// A part that can be had from a whole: how `State<Part>` is made from the router's state.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not (part of) the router's state `{T}`",
    note = "give it to the router by `with_state`, or implement `FromRef<{T}>` for it"
)]
pub trait FromRef<T> {
    /// The part.
    fn from_ref(whole: &T) -> Self;
}

impl<T: Clone> FromRef<T> for T {
    fn from_ref(whole: &T) -> Self {
        whole.clone()
    }
}

impl<S: Sync, T: FromRef<S> + Send> Extract<S> for State<T> {
    type Rejection = Infallible;

    async fn extract(_: &Request, state: &S) -> Result<Self, Infallible> {
        Ok(Self(T::from_ref(state)))
    }
}
