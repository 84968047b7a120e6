//! What a handler may take as an argument: one extractor a file.

mod current_user;
mod message;
mod reply;
mod state;

use std::{convert::Infallible, future::Future};

pub use current_user::{CurrentUser, NoCaller};
pub use message::{Message, Undecodable};
pub use reply::{Reply, ReplyError};
pub use state::{FromRef, State};

use super::{Fault, Request};
use crate::subject::Pattern;

/// Something a handler can take as an argument, made from a request and the router's state `S`.
///
/// Your own is a few lines:
///
/// ```
/// use relais_domain::routing::{Extract, Fault, Request};
///
/// struct Order(u64);
///
/// impl<S: Sync> Extract<S> for Order {
///     type Rejection = Fault;
///
///     async fn extract(request: &Request, _: &S) -> Result<Self, Fault> {
///         let order = request.capture("order").and_then(|token| token.parse().ok());
///         order.map(Order).ok_or_else(|| Fault::bad_request("an order has a number"))
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is nothing a handler can take from a request",
    label = "not an extractor",
    note = "take `Message<T>` for the payload, or `CurrentUser`, `Reply`, `State<T>`; or implement `Extract` for it"
)]
pub trait Extract<S>: Sized + Send {
    /// What the caller is told when it cannot be made; the handler does not run then.
    type Rejection: Into<Fault>;

    /// Whether it takes the payload. A handler may have one such argument.
    const TAKES_PAYLOAD: bool = false;

    /// Whether it can ever be made on a route with this pattern; asked once, when the route is registered.
    ///
    /// # Errors
    /// Words for the developer: what is wrong and what to write instead.
    fn check(pattern: &Pattern) -> Result<(), String> {
        let _ = pattern;
        Ok(())
    }

    /// Makes it.
    fn extract(request: &Request, state: &S) -> impl Future<Output = Result<Self, Self::Rejection>> + Send;
}

/// The request itself.
impl<S: Sync> Extract<S> for Request {
    type Rejection = Infallible;

    async fn extract(request: &Request, _: &S) -> Result<Self, Infallible> {
        Ok(request.clone())
    }
}
