//! Sending messages to users.

use std::convert::Infallible;

use bytes::Bytes;

use super::{Extract, Publish, PublishError, Request};
use crate::identity::UserId;

/// The way to send messages to users: `to.{user}.…`, which that user's devices hear and nobody else. A device that is not
/// there does not get it.
///
/// ```
/// use relais_domain::{identity::UserId, routing::{Fault, Router, ToUser}};
///
/// async fn ship(to: ToUser) -> Result<(), Fault> {
///     let ada: UserId = "ada".parse().map_err(|_| Fault::bad_request("no user"))?;
///     Ok(to.bytes(&ada, "orders.shipped", "on its way").await?)
/// }
/// let router: Router = Router::new().subscribe("from.{user}.ship", ship);
/// ```
#[derive(Clone)]
pub struct ToUser(Publish);

impl ToUser {
    /// Sends a protobuf message to `to.{user}.{subject}`.
    ///
    /// # Errors
    /// [`PublishError`]. `Ok` says that it is on its way.
    pub async fn message<T: prost::Message>(
        &self,
        user: &UserId,
        subject: &str,
        message: &T,
    ) -> Result<(), PublishError> {
        self.bytes(user, subject, message.encode_to_vec()).await
    }

    /// Sends bytes to `to.{user}.{subject}`.
    ///
    /// # Errors
    /// [`PublishError`]. `Ok` says that it is on its way.
    pub async fn bytes(
        &self,
        user: &UserId,
        subject: &str,
        payload: impl Into<Bytes> + Send,
    ) -> Result<(), PublishError> {
        self.0.bytes(&format!("to.{user}.{subject}"), payload).await
    }
}

impl<S: Sync> Extract<S> for ToUser {
    type Rejection = Infallible;

    async fn extract(request: &Request, _: &S) -> Result<Self, Infallible> {
        Ok(Self(Publish::of(request)))
    }
}
