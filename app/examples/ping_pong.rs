//! Ping pong: two users reach each other through the server.
//!
//! Nobody can publish to another user. So the server does it, and writes down who really sent it. This is its half:
//!
//! ```sh
//! relais service add demo --out demo.creds
//! RELAIS_NATS__CREDS=demo.creds cargo run -p relais --example ping_pong
//! ```
//!
//! And this plays both users, with the creds of two logins:
//!
//! ```sh
//! relais login ada@example.org --profile ada     # `relais whoami --profile ada` says where her creds are
//! relais login bob@example.org --profile bob
//! cargo run -p relais --example ping_pong -- ~/.config/relais/ada/creds ~/.config/relais/bob/creds
//! ```

use std::{env, error::Error};

use relais::prelude::*;

/// The server's half. `destination` is text from outside and is parsed before it becomes part of a subject; `origin` is
/// who the broker says it is, whatever the caller wrote there.
async fn ping(Message(ping): Message<PingRequest>, user: CurrentUser, to: ToUser) -> Result<(), Fault> {
    let destination: UserId =
        ping.destination.parse().map_err(|_| Fault::bad_request("the destination is no user id"))?;
    let ping = PingRequest { origin: user.id().to_string(), ..ping };
    Ok(to.message(&destination, "my.ping", &ping).await?)
}

/// The users' half: ada says ping, bob hears it and says pong to whom it came from.
#[allow(clippy::print_stdout, reason = "this half is a program for the terminal")]
async fn play(ada: &str, bob: &str) -> Result<(), Box<dyn Error>> {
    let server = env::var("RELAIS_NATS__URL").unwrap_or_else(|_| "nats://127.0.0.1:4222".to_owned());
    let ada = relais::connect_client(&[&server], ada).await?;
    let bob = relais::connect_client(&[&server], bob).await?;
    // Both listen before anybody speaks.
    let mut to_ada = ada.subscribe::<PingRequest>("my.ping").await?;
    let mut to_bob = bob.subscribe::<PingRequest>("my.ping").await?;

    let say = |destination: String, message: &str| PingRequest {
        destination,
        message: message.to_owned(),
        ..PingRequest::default()
    };
    ada.request::<_, ()>("my.ping", &say(bob.user().to_string(), "ping")).await?;
    let heard = to_bob.next().await.ok_or("bob's connection has ended")??.message;
    println!("bob heard {} from {}", heard.message, heard.origin);

    bob.request::<_, ()>("my.ping", &say(heard.origin, "pong")).await?;
    let heard = to_ada.next().await.ok_or("ada's connection has ended")??.message;
    println!("ada heard {} from {}", heard.message, heard.origin);
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.as_slice() {
        [] => Ok(relais::serve(Settings::load()?, Router::new().subscribe("from.{user}.my.ping", ping)).await?),
        [ada, bob] => play(ada, bob).await,
        _ => Err("usage: ping_pong [ADA.creds BOB.creds]".into()),
    }
}
