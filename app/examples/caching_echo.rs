//! Caching echo: the same question of the same user has the same answer for five seconds, then a new one.
//!
//! ```sh
//! relais service add demo --out demo.creds
//! RELAIS_NATS__CREDS=demo.creds cargo run -p relais --example caching_echo
//! relais request my.echo.cached hello --type EchoRequest     # prints: echo hello from 2026-01-01T12:00:00Z
//! ```

use std::time::Duration;

use relais::prelude::*;

/// What the key is made of decides who shares an answer: without the user in it, all users would share this one.
async fn echo(
    Message(request): Message<EchoRequest>,
    user: CurrentUser,
    Now(now): Now,
    cache: Cache,
) -> Result<Message<EchoResponse>, Fault> {
    let key = ["my.echo.cached", user.id().as_str(), &request.message];
    let compute = || async { Ok::<_, Fault>(EchoResponse { message: format!("echo {} from {now}", request.message) }) };
    cache.message(key, Duration::from_secs(5), compute).await.map(Message)
}

#[tokio::main]
async fn main() -> relais::Result<()> {
    let router = Router::new().subscribe("from.{user}.my.echo.cached", echo);
    relais::serve(Settings::load()?, router).await
}
