//! The payload as it came.

use std::convert::Infallible;

use bytes::Bytes;

use super::{Extract, OptionalExtract, Request};

/// The payload as it came: bytes of any kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payload(pub Bytes);

impl<S: Sync> Extract<S> for Payload {
    type Rejection = Infallible;
    const TAKES_PAYLOAD: bool = true;

    async fn extract(request: &Request, _: &S) -> Result<Self, Infallible> {
        Ok(Self(request.message().payload.clone()))
    }
}

/// `None` when it is empty.
impl<S: Sync> OptionalExtract<S> for Payload {
    async fn extract_optional(request: &Request, _: &S) -> Result<Option<Self>, Infallible> {
        let payload = &request.message().payload;
        Ok((!payload.is_empty()).then(|| Self(payload.clone())))
    }
}
