//! What a handler may return.

use bytes::Bytes;

use super::{Fault, extract};

/// What a handler has to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Nothing: an empty message to who awaits an answer, unless the handler took [`super::Reply`] to answer by hand.
    Empty,
    /// Bytes.
    Payload(Bytes),
    /// An error.
    Fault(Fault),
}

/// What a handler may return: `()`, [`Message<T>`](super::Message), `Bytes`, `Vec<u8>`, or a `Result` of one of these
/// with an error that is `Into<Fault>`.
#[diagnostic::on_unimplemented(
    message = "a handler cannot return `{Self}`",
    label = "not an answer",
    note = "return `()`, `Message<T>`, `Bytes`, `Vec<u8>`, or a `Result` of one of these whose error is `Into<Fault>`"
)]
pub trait IntoAnswer {
    /// The answer.
    fn into_answer(self) -> Answer;
}

impl IntoAnswer for Answer {
    fn into_answer(self) -> Answer {
        self
    }
}

impl IntoAnswer for () {
    fn into_answer(self) -> Answer {
        Answer::Empty
    }
}

impl IntoAnswer for Bytes {
    fn into_answer(self) -> Answer {
        Answer::Payload(self)
    }
}

impl IntoAnswer for Vec<u8> {
    fn into_answer(self) -> Answer {
        Answer::Payload(self.into())
    }
}

impl IntoAnswer for Fault {
    fn into_answer(self) -> Answer {
        Answer::Fault(self)
    }
}

impl<T: prost::Message> IntoAnswer for extract::Message<T> {
    fn into_answer(self) -> Answer {
        Answer::Payload(self.0.encode_to_vec().into())
    }
}

impl<T: IntoAnswer, E: Into<Fault>> IntoAnswer for Result<T, E> {
    fn into_answer(self) -> Answer {
        match self {
            Ok(answer) => answer.into_answer(),
            Err(error) => Answer::Fault(error.into()),
        }
    }
}
