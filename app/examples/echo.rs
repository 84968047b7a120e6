//! Echo: the smallest service there is.
//!
//! While `relais up` runs, and with a login (docs/examples.md says both in four lines):
//!
//! ```sh
//! relais service add demo --out demo.creds
//! RELAIS_NATS__CREDS=demo.creds cargo run -p relais --example echo
//! ```
//!
//! and in another terminal:
//!
//! ```sh
//! relais request my.echo hello --type EchoRequest     # prints: echo hello
//! ```

use relais::prelude::*;

async fn echo(Message(request): Message<EchoRequest>) -> Message<EchoResponse> {
    Message(EchoResponse { message: format!("echo {}", request.message) })
}

#[tokio::main]
async fn main() -> relais::Result<()> {
    let router = Router::new().subscribe("from.{user}.my.echo", echo);
    relais::serve(Settings::load()?, router).await
}
