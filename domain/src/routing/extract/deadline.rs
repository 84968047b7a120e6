//! How long a handler has.

use std::{convert::Infallible, time::Duration};

use super::{Extract, Request};

/// How long the handler has, for work that should end by itself before it is ended: a query, a call to another service.
#[derive(Clone)]
pub struct Deadline(Request);

impl Deadline {
    /// How much time is left; [`Duration::MAX`] where the route has no time limit.
    #[must_use]
    pub fn left(&self) -> Duration {
        self.0.time_left().unwrap_or(Duration::MAX)
    }

    /// Whether the time is over. The handler is dropped where it next waits.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.left().is_zero()
    }
}

impl<S: Sync> Extract<S> for Deadline {
    type Rejection = Infallible;

    async fn extract(request: &Request, _: &S) -> Result<Self, Infallible> {
        Ok(Self(request.clone()))
    }
}
