//! What a handler may return.

use std::fmt;

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream::BoxStream};

use super::{AnswerType, Fault, IntoFault, Protobuf, extract};

/// What a handler has to say.
pub enum Answer {
    /// Nothing: an empty message to who awaits an answer, unless the handler took [`super::Reply`] to answer by hand.
    Empty,
    /// Bytes.
    Payload(Bytes),
    /// An error.
    Fault(Fault),
    /// Many messages, then an end; see [`Answers`].
    Stream(BoxStream<'static, Result<Bytes, Fault>>),
}

/// Many answers to one request.
///
/// Each item goes to the caller as a message of its own, in order. Behind the last one goes an empty message with the
/// header `Relais-End`, whose value is how many items there were, so that a caller knows that it has all of them. An item
/// that is an error ends the answers: the end then carries the fault too. The handler's time limit holds for each item.
/// When the caller has stopped listening the stream is dropped.
///
/// ```
/// use futures_util::{Stream, stream};
/// use relais_domain::routing::{Answers, Router};
///
/// async fn count() -> Answers<impl Stream<Item = Vec<u8>>> {
///     Answers(stream::iter(["one", "two", "three"]).map(|word| word.as_bytes().to_vec()))
/// }
/// # use futures_util::StreamExt;
/// let router: Router = Router::new().subscribe("from.{user}.count", count);
/// ```
#[derive(Debug, Clone)]
pub struct Answers<St>(pub St);

/// The header of the message that ends many answers: how many there were.
pub const END: &str = "Relais-End";

/// What a handler may return: `()`, [`Message<T>`](super::Message), `Bytes`, `Vec<u8>`, [`Answers`], or a `Result` of one
/// of these with an error that is `Into<Fault>`.
#[diagnostic::on_unimplemented(
    message = "a handler cannot return `{Self}`",
    label = "not an answer",
    note = "return `()`, `Message<T>` of a protobuf message, `Bytes`, `Vec<u8>`, `Answers` of a stream, or a `Result` of one \
            of these whose error is `Into<Fault>`"
)]
pub trait IntoAnswer {
    /// The answer.
    fn into_answer(self) -> Answer;

    /// What it is, for descriptions of the service.
    #[must_use]
    fn answer_type() -> AnswerType {
        AnswerType::Empty
    }
}

/// What [`Answers`] may be a stream of: [`Message<T>`](super::Message), `Bytes`, `Vec<u8>`, or a `Result` of one of these
/// with an error that is `Into<Fault>`.
#[diagnostic::on_unimplemented(
    message = "`Answers` cannot be made of `{Self}`",
    label = "no single answer",
    note = "let the stream give `Message<T>`, `Bytes`, `Vec<u8>`, or a `Result` of one of these whose error is `Into<Fault>`"
)]
pub trait IntoItem {
    /// The payload of one message, or the fault that ends them.
    ///
    /// # Errors
    /// The fault.
    fn into_item(self) -> Result<Bytes, Fault>;

    /// What each item is, for descriptions of the service.
    #[must_use]
    fn item_type() -> AnswerType {
        AnswerType::Bytes
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("Empty"),
            Self::Payload(payload) => f.debug_tuple("Payload").field(payload).finish(),
            Self::Fault(fault) => f.debug_tuple("Fault").field(fault).finish(),
            Self::Stream(_) => f.write_str("Stream"),
        }
    }
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

    fn answer_type() -> AnswerType {
        AnswerType::Bytes
    }
}

impl IntoAnswer for Vec<u8> {
    fn into_answer(self) -> Answer {
        Answer::Payload(self.into())
    }

    fn answer_type() -> AnswerType {
        AnswerType::Bytes
    }
}

impl IntoAnswer for Fault {
    fn into_answer(self) -> Answer {
        Answer::Fault(self)
    }
}

impl<T: Protobuf> IntoAnswer for extract::Message<T> {
    fn into_answer(self) -> Answer {
        Answer::Payload(self.0.encode_to_vec().into())
    }

    fn answer_type() -> AnswerType {
        AnswerType::Message(std::any::type_name::<T>())
    }
}

impl<T: IntoAnswer, E: IntoFault> IntoAnswer for Result<T, E> {
    fn into_answer(self) -> Answer {
        match self {
            Ok(answer) => answer.into_answer(),
            Err(error) => Answer::Fault(error.into()),
        }
    }

    fn answer_type() -> AnswerType {
        T::answer_type()
    }
}

impl<St> IntoAnswer for Answers<St>
where
    St: Stream + Send + 'static,
    St::Item: IntoItem,
{
    fn into_answer(self) -> Answer {
        Answer::Stream(self.0.map(IntoItem::into_item).boxed())
    }

    fn answer_type() -> AnswerType {
        St::Item::item_type().many()
    }
}

impl IntoItem for Bytes {
    fn into_item(self) -> Result<Bytes, Fault> {
        Ok(self)
    }
}

impl IntoItem for Vec<u8> {
    fn into_item(self) -> Result<Bytes, Fault> {
        Ok(self.into())
    }
}

impl<T: Protobuf> IntoItem for extract::Message<T> {
    fn into_item(self) -> Result<Bytes, Fault> {
        Ok(self.0.encode_to_vec().into())
    }

    fn item_type() -> AnswerType {
        AnswerType::Message(std::any::type_name::<T>())
    }
}

impl<T: IntoItem, E: IntoFault> IntoItem for Result<T, E> {
    fn into_item(self) -> Result<Bytes, Fault> {
        self.map_err(Into::into)?.into_item()
    }

    fn item_type() -> AnswerType {
        T::item_type()
    }
}
