//! What a program that uses Relais needs: `use relais::prelude::*;`.

pub use relais_domain::{
    cache::Cache,
    client::Client,
    identity::UserId,
    message::Headers,
    routing::{
        Answer, Answers, CurrentUser, Deadline, Extract, Fault, FromRef, IntoAnswer, Message, MessageId, Next, Now,
        OptionalExtract, Payload, Publish, RateLimit, Reply, Request, Retry, Route, Router, State, ToUser, Tokens,
    },
    subject::Subject,
};
pub use relais_proto::v1::{EchoRequest, EchoResponse, PingRequest};

pub use crate::settings::Settings;
