//! The payload as a protobuf message.

use super::{Extract, Fault, OptionalExtract, PayloadType, Protobuf, Request};

/// The payload as a protobuf message; as an answer, a protobuf message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message<T>(pub T);

/// The payload is not the message that the route takes.
#[derive(Debug)]
pub struct Undecodable(prost::DecodeError);

impl From<Undecodable> for Fault {
    fn from(error: Undecodable) -> Self {
        Self::bad_request(format!("the payload is not the message this route takes: {}", error.0))
    }
}

impl<S: Sync, T: Protobuf> Extract<S> for Message<T> {
    type Rejection = Undecodable;
    const TAKES_PAYLOAD: bool = true;

    fn payload_type() -> PayloadType {
        PayloadType::Message(std::any::type_name::<T>())
    }

    async fn extract(request: &Request, _: &S) -> Result<Self, Undecodable> {
        T::decode(request.message().payload.clone()).map(Self).map_err(Undecodable)
    }
}

/// `None` when the payload is empty. (The empty payload is also how protobuf writes a message whose fields all have their
/// defaults; take `Message<T>` where that is meant.)
impl<S: Sync, T: Protobuf> OptionalExtract<S> for Message<T> {
    async fn extract_optional(request: &Request, state: &S) -> Result<Option<Self>, Undecodable> {
        if request.message().payload.is_empty() {
            return Ok(None);
        }
        Self::extract(request, state).await.map(Some)
    }
}
