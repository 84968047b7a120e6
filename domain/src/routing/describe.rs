//! What a route is, for those who look from outside: types, limits, where it was written.

use std::time::Duration;

/// What a handler takes as payload.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PayloadType {
    /// It does not look at the payload.
    #[default]
    None,
    /// Bytes of any kind.
    Bytes,
    /// A protobuf message: the path of its Rust type, such as `shop::v1::Order`.
    Message(&'static str),
}

/// What a handler answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum AnswerType {
    /// An empty message.
    #[default]
    Empty,
    /// Bytes of any kind.
    Bytes,
    /// A protobuf message: the path of its Rust type.
    Message(&'static str),
    /// Many messages of bytes, then an end ([`super::Answers`]).
    ManyBytes,
    /// Many protobuf messages, then an end.
    ManyMessages(&'static str),
}

impl AnswerType {
    pub(super) fn many(self) -> Self {
        match self {
            Self::Message(path) | Self::ManyMessages(path) => Self::ManyMessages(path),
            Self::Empty | Self::Bytes | Self::ManyBytes => Self::ManyBytes,
        }
    }
}

/// What a handler takes and answers, read off its types.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Signature {
    /// What it takes as payload.
    pub payload: PayloadType,
    /// What it answers.
    pub answer: AnswerType,
    /// Whether it answers by hand ([`super::Reply`]), so that `answer` does not tell all.
    pub by_hand: bool,
}

/// A route as it will run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteDescription {
    /// Its pattern.
    pub pattern: String,
    /// What is subscribed to for it: the pattern with `*` and `>` for its names.
    pub filter: String,
    /// Its name; unless set, the pattern's tokens after the caller: `orders-order-pay` of `from.{user}.orders.{order}.pay`.
    pub name: String,
    /// What it is for, in words, where the developer said so.
    pub about: Option<String>,
    /// What its handler takes and answers.
    pub signature: Signature,
    /// Whether every instance of the service gets every message.
    pub broadcast: bool,
    /// File, line and column where it was registered.
    pub place: String,
    /// Its time limit, where the route or a router around it sets one: `Some(None)` is no limit.
    pub timeout: Option<Option<Duration>>,
}
