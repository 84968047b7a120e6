//! Identified echo: the answer says who asked, and nobody can pass for another.
//!
//! The broker lets a user publish below `from.{their own id}.` and nowhere else, so who stands there is who asked. A name
//! in the message or in a header would be what the caller likes to say.
//!
//! ```sh
//! relais service add demo --out demo.creds
//! RELAIS_NATS__CREDS=demo.creds cargo run -p relais --example identified_echo
//! relais request my.echo.identified hello --type EchoRequest     # prints: echo hello from 01jd4x…
//! ```

use relais::prelude::*;

async fn echo(Message(request): Message<EchoRequest>, user: CurrentUser) -> Message<EchoResponse> {
    Message(EchoResponse { message: format!("echo {} from {}", request.message, user.id()) })
}

#[tokio::main]
async fn main() -> relais::Result<()> {
    let router = Router::new().subscribe("from.{user}.my.echo.identified", echo);
    relais::serve(Settings::load()?, router).await
}
