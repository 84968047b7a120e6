//! A login that lasts: credentials that are renewed under a connection that is used, on a real backend.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use relais::{Session, prelude::*};
use relais_adapters::system;
use relais_domain::{memory, ports::Clock as _};
use serde_json::{Value, json};

use crate::support::{Caller, PASSWORD, Up, World, http};

/// A backend whose credentials hold ten minutes.
fn up(world: &World) -> Up {
    world.up_with(|command| _ = command.env("RELAIS_NSC__EXPIRY", "10m"))
}

/// A session of a new user, with a clock that begins now.
async fn session(world: &World, up: &Up) -> (Session, memory::Clock) {
    let clock = memory::Clock::at(system::Clock.now());
    let stranger = Caller::stranger(up);
    stranger.post("/register", json!({"email": "ada@example.org", "password": PASSWORD})).await;
    let session = Session::at(world.path("logins"), "ada").with_clock(Arc::new(clock.clone()));
    session.login(up.text("http"), "ada@example.org", PASSWORD).await.unwrap();
    (session, clock)
}

fn jwt(world: &World) -> String {
    let creds = std::fs::read_to_string(world.path("logins/ada/creds")).unwrap();
    creds.lines().nth(1).unwrap().to_owned()
}

/// The JWTs of the connections that a broker has from our clients.
async fn shown(up: &Up) -> Vec<String> {
    let report = http().get(format!("{}/connz?auth=true", up.text("monitor"))).send().await.unwrap();
    let report: Value = report.json().await.unwrap();
    let ours = |own: &&Value| own["name"] == "relais client";
    let connections = report["connections"].as_array().unwrap();
    connections.iter().filter(ours).map(|own| own["jwt"].as_str().unwrap().to_owned()).collect()
}

/// Half of the life is over while a client asks over and over: every answer comes, and the broker has one connection, with the new
/// credentials.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_goes_on_with_newer_credentials() {
    let world = World::new();
    let up = up(&world);
    let (session, clock) = session(&world, &up).await;
    let client = session.connect().await.unwrap();
    let asking = async |until: &str| {
        let mut number = 0;
        // The broker forgets a connection a moment after it was closed.
        while shown(&up).await != [until] {
            let message = number.to_string();
            let answer: EchoResponse = client.request("echo", &EchoRequest { message }).await.unwrap();
            assert_eq!(answer.message, format!("echo {number}"));
            number += 1;
        }
    };
    let first = jwt(&world);
    asking(&first).await;
    // JWTs count in seconds: within the same one, the next would be the same.
    let second = system::Clock.now().as_second();
    while system::Clock.now().as_second() == second {
        tokio::task::yield_now().await;
    }
    clock.advance(Duration::from_secs(4 * 60));
    let still: EchoResponse = client.request("echo", &EchoRequest { message: "x".into() }).await.unwrap();
    assert_eq!(
        (still.message.as_str(), jwt(&world)),
        ("echo x", first.clone()),
        "not before half of their life is over"
    );
    clock.advance(Duration::from_secs(90));
    while jwt(&world) == first {
        tokio::task::yield_now().await;
    }
    let second = jwt(&world);
    asking(&second).await;
    drop(client);
    while !shown(&up).await.is_empty() {
        tokio::task::yield_now().await;
    }
    up.stop();
}

/// Programs that share a login take turns, so that none shows a refresh token that another has used.
#[tokio::test(flavor = "multi_thread")]
async fn programs_that_share_a_login_take_turns() {
    let world = World::new();
    let up = up(&world);
    let (session, clock) = session(&world, &up).await;
    let token = || std::fs::read_to_string(world.path("logins/ada/refresh")).unwrap();
    let first = token();
    // For this clock it is over again after each renewal: what the server signs is as old as its own clock says.
    clock.advance(Duration::from_secs(6 * 60));
    for _ in 0..3 {
        let clients = join_all((0..4).map(|_| session.connect())).await;
        assert!(clients.iter().all(Result::is_ok));
    }
    assert_ne!(first, token());
    let (status, devices) = {
        let login = json!({"email": "ada@example.org", "password": PASSWORD});
        let ada = Caller::stranger(&up);
        let (_, login) = ada.post("/login", login).await;
        Caller { token: login["access_token"].as_str().unwrap().to_owned(), ..ada }.get("/me/devices").await
    };
    assert_eq!(
        (status.as_u16(), devices["devices"].as_array().unwrap().len()),
        (200, 2),
        "nobody was taken for a thief"
    );
    up.stop();
}

/// What has ended is told as what it is.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_was_ended_is_told() {
    let world = World::new();
    let up = up(&world);
    let (session, clock) = session(&world, &up).await;
    let ada = Caller::stranger(&up);
    let login = json!({"email": "ada@example.org", "password": PASSWORD});
    let (_, login) = ada.post("/login", login).await;
    let ada = Caller { token: login["access_token"].as_str().unwrap().to_owned(), ..ada };
    let device = session.profile().unwrap().device_id;
    ada.ask(reqwest::Method::DELETE, &format!("/me/devices/{device}"), Value::Null).await;
    clock.advance(Duration::from_secs(20 * 60));
    let ended = session.connect().await.err().unwrap();
    assert!(ended.to_string().contains("log in again"), "{ended}");
    up.stop();
}
