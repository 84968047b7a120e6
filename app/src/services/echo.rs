//! Echo: the first thing to try. `relais request echo hello` prints `echo hello`.

use relais_domain::routing::{CurrentUser, Message, Router};
use relais_proto::v1::{EchoRequest, EchoResponse};

pub(super) fn routes() -> Router {
    Router::new().subscribe("from.{user}.echo", echo).subscribe("from.{user}.echo.identified", identified)
}

async fn echo(Message(request): Message<EchoRequest>) -> Message<EchoResponse> {
    Message(EchoResponse { message: format!("echo {}", request.message) })
}

/// The broker vouches for the caller; nothing in the message could.
async fn identified(Message(request): Message<EchoRequest>, user: CurrentUser) -> Message<EchoResponse> {
    Message(EchoResponse { message: format!("echo {} from {}", request.message, user.id()) })
}
