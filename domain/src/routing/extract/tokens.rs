//! What the pattern's named wildcards stand for.

use super::{
    Extract, Fault, FromTokens, Request,
    tokens_de::{Captures, Need, TokenError, needs},
};
use crate::subject::Pattern;

/// What the pattern's named wildcards stand for, as a type: `{order}` of `from.{user}.orders.{order}`.
///
/// One value, or a tuple, takes the wildcards from the left, the caller's `{user}` left out ([`super::CurrentUser`] is
/// better than a name). A struct takes them by name. A token that is no such value is a fault 400.
///
/// ```
/// use relais_domain::routing::{Router, Tokens};
/// use serde::Deserialize;
///
/// #[derive(Deserialize)]
/// struct Place { room: String, seat: u16 }
///
/// async fn one(Tokens(order): Tokens<u64>) {}
/// async fn two(Tokens((room, seat)): Tokens<(String, u16)>) {}
/// async fn named(Tokens(place): Tokens<Place>) {}
///
/// let router: Router = Router::new()
///     .subscribe("from.{user}.orders.{order}", one)
///     .subscribe("from.{user}.rooms.{room}.seats.{seat}", two)
///     .subscribe("from.{user}.halls.{room}.seats.{seat}", named);
/// assert!(router.routes().is_ok());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tokens<T>(pub T);

/// A token of the subject is not what the route takes there; the caller is told 400.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the subject is not what this route takes: {0}")]
pub struct InvalidTokens(TokenError);

impl From<InvalidTokens> for Fault {
    fn from(error: InvalidTokens) -> Self {
        Self::bad_request(error.to_string())
    }
}

impl<S: Sync, T: FromTokens + Send> Extract<S> for Tokens<T> {
    type Rejection = InvalidTokens;

    fn check(pattern: &Pattern) -> Result<(), String> {
        let caller = usize::from(pattern.names_caller());
        let names: Vec<_> = pattern.names().collect();
        match needs::<T>() {
            Need::Names(wanted) => match wanted.iter().find(|name| !names.contains(name)) {
                Some(missing) => Err(format!(
                    "the handler takes Tokens with {missing}, but the pattern has no {{{missing}}}; it has {}",
                    if names.is_empty() { "no names".to_owned() } else { names.join(", ") }
                )),
                None => Ok(()),
            },
            Need::Count(wanted) if wanted != names.len() - caller => Err(format!(
                "the handler takes Tokens of {wanted}, but the pattern names {} beside the caller; \
                 take as many, or a struct that takes some by name",
                names.len() - caller
            )),
            Need::Count(_) | Need::Any => Ok(()),
        }
    }

    async fn extract(request: &Request, _: &S) -> Result<Self, InvalidTokens> {
        let all = request.pattern().captures(&request.message().subject);
        let caller = usize::from(request.pattern().names_caller());
        T::deserialize(Captures { all: &all, caller }).map(Self).map_err(InvalidTokens)
    }
}
