//! What routes do, on the bus in memory.

mod answers;
mod extract;
mod layers;
mod load;
mod visible;

use super::*;
use crate::client::ClientError;

/// What a caller was told, when it was a fault.
fn fault<T: std::fmt::Debug>(outcome: Result<T, ClientError>) -> (u16, String) {
    match outcome {
        Err(ClientError::Fault(fault)) => (fault.code(), fault.message().to_owned()),
        other => panic!("no fault: {other:?}"),
    }
}

#[derive(Clone, PartialEq, prost::Message)]
struct Text {
    #[prost(string, tag = "1")]
    text: String,
}

fn text(text: &str) -> Text {
    Text { text: text.to_owned() }
}
