//! What a handler may take as an argument: one extractor a file.

mod cache;
mod current_user;
mod deadline;
mod envelope;
mod message;
mod message_id;
mod now;
mod optional;
mod payload;
mod publish;
mod reply;
mod state;
mod to_user;
mod tokens;
mod tokens_de;

use std::{convert::Infallible, future::Future};

pub use current_user::{CurrentUser, NoCaller};
pub use deadline::Deadline;
pub use message::{Message, Undecodable};
pub use message_id::{InvalidMessageId, MESSAGE_ID, MessageId};
pub use now::Now;
pub use optional::OptionalExtract;
pub use payload::Payload;
pub use publish::{Publish, PublishError};
pub use reply::{Reply, ReplyError};
pub use state::{FromRef, State};
pub use to_user::ToUser;
pub use tokens::{InvalidTokens, Tokens};

use super::{Fault, FromTokens, IntoFault, PayloadType, Protobuf, Request};
use crate::subject::Pattern;

/// Something a handler can take as an argument, made from a request and the router's state `S`.
///
/// | from | extractors |
/// |---|---|
/// | the payload (one argument at most) | [`Message<T>`](Message), [`Payload`] |
/// | who calls | [`CurrentUser`] |
/// | the envelope | [`Tokens<T>`](Tokens), [`MessageId`], [`Subject`](crate::subject::Subject), [`Headers`](crate::message::Headers), [`Deadline`], [`Request`] |
/// | the router | [`State<T>`](State) |
/// | the service | [`Cache`](crate::cache::Cache), [`Now`] |
/// | ways to speak | [`Reply`], [`Publish`], [`ToUser`] |
/// | any of these | `Option<X>` where it may be absent ([`OptionalExtract`]), `Result<X, X::Rejection>` to handle its error yourself |
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
    note = "take `Message<T>` or `Payload` for the payload, or `CurrentUser`, `Tokens<T>`, `State<T>`, `Reply`, …; or implement \
            `Extract` for it"
)]
pub trait Extract<S>: Sized + Send {
    /// What the caller is told when it cannot be made; the handler does not run then.
    type Rejection: IntoFault + Send;

    /// Whether it takes the payload. A handler may have one such argument.
    const TAKES_PAYLOAD: bool = false;

    /// Whether with it a handler answers by hand.
    const BY_HAND: bool = false;

    /// What it takes the payload to be, for descriptions of the service.
    #[must_use]
    fn payload_type() -> PayloadType {
        if Self::TAKES_PAYLOAD { PayloadType::Bytes } else { PayloadType::None }
    }

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
