//! Parts of the message as it came: its subject, its headers.

use std::convert::Infallible;

use super::{Extract, Request};
use crate::{message::Headers, subject::Subject};

/// Where the message was published.
impl<S: Sync> Extract<S> for Subject {
    type Rejection = Infallible;

    async fn extract(request: &Request, _: &S) -> Result<Self, Infallible> {
        Ok(request.message().subject.clone())
    }
}

/// Its headers, as the caller wrote them: nobody vouches for them.
impl<S: Sync> Extract<S> for Headers {
    type Rejection = Infallible;

    async fn extract(request: &Request, _: &S) -> Result<Self, Infallible> {
        Ok(request.message().headers.clone())
    }
}
