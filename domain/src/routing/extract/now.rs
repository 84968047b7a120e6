//! What time it is.

use std::convert::Infallible;

use jiff::Timestamp;

use super::{Extract, Request};

/// What time it is, by the service's clock: in a test the one that is moved by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now(pub Timestamp);

impl<S: Sync> Extract<S> for Now {
    type Rejection = Infallible;

    async fn extract(request: &Request, _: &S) -> Result<Self, Infallible> {
        Ok(Self(request.ports().clock.now()))
    }
}
