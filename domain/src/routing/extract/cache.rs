//! The service's cache.

use std::convert::Infallible;

use super::{Extract, Request};
use crate::cache::Cache;

/// The service's cache.
impl<S: Sync> Extract<S> for Cache {
    type Rejection = Infallible;

    async fn extract(request: &Request, _: &S) -> Result<Self, Infallible> {
        Ok(request.ports().cache.clone())
    }
}
