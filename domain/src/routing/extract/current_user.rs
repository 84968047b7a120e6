//! The caller.

use super::{Extract, Fault, OptionalExtract, Request};
use crate::{identity::UserId, subject::Pattern};

/// The caller, vouched for by the broker: the `{user}` of a pattern that begins with `from.{user}`. On another pattern
/// the route is refused when it is registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CurrentUser(UserId);

impl CurrentUser {
    /// The caller's id.
    #[must_use]
    pub fn id(&self) -> &UserId {
        &self.0
    }
}

/// The route does not say who calls. Registration refuses such routes, so no caller ever sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoCaller;

impl From<NoCaller> for Fault {
    fn from(_: NoCaller) -> Self {
        Self::internal("this route does not know its caller")
    }
}

impl<S: Sync> Extract<S> for CurrentUser {
    type Rejection = NoCaller;

    fn check(pattern: &Pattern) -> Result<(), String> {
        if pattern.names_caller() {
            return Ok(());
        }
        Err("the handler takes CurrentUser, but the pattern does not begin with from.{user}, \
             so the broker vouches for nobody; begin it so, or leave CurrentUser out"
            .to_owned())
    }

    async fn extract(request: &Request, _: &S) -> Result<Self, NoCaller> {
        request.caller().cloned().map(Self).ok_or(NoCaller)
    }
}

/// `None` on a route that does not begin with `from.{user}`.
impl<S: Sync> OptionalExtract<S> for CurrentUser {
    fn check_optional(_: &Pattern) -> Result<(), String> {
        Ok(())
    }

    async fn extract_optional(request: &Request, _: &S) -> Result<Option<Self>, NoCaller> {
        Ok(request.caller().cloned().map(Self))
    }
}
