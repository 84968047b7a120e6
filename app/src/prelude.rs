//! What a program that uses Relais needs: `use relais::prelude::*;`.

pub use relais_domain::{
    client::Client,
    identity::UserId,
    routing::{CurrentUser, Extract, Fault, FromRef, Message, Reply, Request, Router, State},
};
pub use relais_proto::v1::{EchoRequest, EchoResponse};

pub use crate::settings::Settings;
