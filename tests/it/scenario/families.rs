//! Refresh tokens at two instances on one database, which know of each other only what is stored: an answer that was lost, many at
//! once, and a copy that is used at the instance where the device is not.

use std::collections::HashSet;

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use super::sessions::creds;
use crate::support::{Caller, Raw, SqlKind, SqlServer, Up, World};

/// Two instances: the first has the broker.
async fn two(world: &World) -> [Up; 2] {
    let url = SqlServer::shared(SqlKind::Postgres).database().await;
    let one = world.up_with(|command| _ = command.env("RELAIS_SQL__URL", &url));
    let other = world.beside(&one, &url);
    [one, other]
}

fn body(login: &Value) -> Value {
    json!({"refresh_token": login["refresh_token"]})
}

fn invalid() -> (u16, String) {
    (401, "invalid-refresh-token".to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn whose_answer_was_lost_is_told_the_same_at_the_other_instance() {
    let world = World::new();
    let [one, other] = two(&world).await;
    let ada = Caller::new(&one, "ada").await;
    let mut login = ada.login.clone();
    for (lost_at, asked_at) in [(&one, &other), (&other, &one), (&one, &one)] {
        let request = ada.http.post(format!("{}/token", lost_at.text("http"))).json(&body(&login));
        // The head of the answer is here, so the token is replaced; what the body would tell is lost.
        drop(request.send().await.unwrap().error_for_status().unwrap());
        let repeats = [asked_at, lost_at, asked_at].map(Caller::stranger);
        let repeats = join_all(repeats.iter().map(|caller| caller.post("/token", body(&login)))).await;
        assert!(repeats.iter().all(|(status, _)| *status == 200), "{repeats:?}");
        let told: HashSet<_> = repeats.iter().map(|(_, answer)| answer["refresh_token"].to_string()).collect();
        assert!(told.len() == 1 && !told.contains(&login["refresh_token"].to_string()), "one successor");
        let next = repeats.into_iter().next().unwrap().1;
        assert_eq!(next["device_id"], login["device_id"]);
        Raw::connect(one.text("nats"), Some(&creds(&ada.login, &next))).await;
        login = next;
    }
    let mut there = Caller { login, ..Caller::stranger(&other) };
    there.refresh().await;
    assert_eq!(there.get("/me").await.0, 200, "and the device goes on with it");
    other.stop();
    one.stop();
}

/// Whoever wins, the token is replaced once: had two replaced it, each with a salt of its own, there would be two successors. And
/// the one there is goes on, which no token beside the stored one does.
#[tokio::test(flavor = "multi_thread")]
async fn of_eight_at_two_instances_one_replaces_the_token() {
    let world = World::new();
    let [one, other] = two(&world).await;
    let ada = Caller::new(&one, "ada").await;
    let (mut login, mut told) = (ada.login.clone(), HashSet::new());
    let askers: Vec<_> = (0..8).map(|number| Caller::stranger(if number % 2 == 0 { &one } else { &other })).collect();
    for round in 1..=8 {
        let race = join_all(askers.iter().map(|asker| asker.post("/token", body(&login)))).await;
        assert!(race.iter().all(|(status, _)| *status == 200), "{race:?}");
        told.extend(race.iter().map(|(_, answer)| answer["refresh_token"].to_string()));
        assert_eq!(told.len(), round, "one successor a round, told to all");
        login = race.into_iter().next().unwrap().1;
    }
    let mut there = Caller { login, ..Caller::stranger(&other) };
    there.refresh().await;
    let devices = there.get("/me/devices").await.1;
    assert_eq!(devices["devices"].as_array().unwrap().len(), 1, "{devices}");
    other.stop();
    one.stop();
}

/// A token of the same session with another last letter.
fn altered(token: &Value) -> Value {
    let mut text = token.as_str().unwrap().to_owned();
    let other = if text.pop() == Some('A') { 'E' } else { 'A' };
    json!(format!("{text}{other}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_is_used_at_the_other_instance_ends_the_family_and_the_device() {
    let world = World::new();
    let [one, other] = two(&world).await;
    // One from three refreshes ago; the one before, whose successor is in use; and one that never was, by who knows the session.
    for (number, (refreshes, known)) in [(3, true), (2, true), (2, false)].into_iter().enumerate() {
        let mut ada = Caller::new(&one, &format!("ada{number}")).await;
        let first = ada.login.clone();
        for _ in 0..refreshes {
            ada.refresh().await;
        }
        let copied = if known { first["refresh_token"].clone() } else { altered(&ada.login["refresh_token"]) };
        let newest = creds(&first, &ada.login);
        let raw = Raw::connect(one.text("nats"), Some(&newest)).await;
        let bystander = Caller::new(&one, &format!("bob{number}")).await;
        let mut beside = Raw::connect(one.text("nats"), Some(&creds(&bystander.login, &bystander.login))).await;

        let thief = Caller::stranger(&other);
        let stolen = json!({"refresh_token": copied});
        assert_eq!(thief.refused(Method::POST, "/token", stolen.clone()).await, invalid());
        raw.hung_up().await;
        for of in [&creds(&first, &first), &newest] {
            let said = Raw::turned_away(one.text("nats"), of).await;
            assert!(said.contains("-ERR 'Authorization Violation'"), "{said}");
        }
        for instance in [&one, &other] {
            let own = Caller { token: ada.token.clone(), ..Caller::stranger(instance) };
            assert_eq!(own.refused(Method::GET, "/me", Value::Null).await, (401, "invalid-token".to_owned()));
            let stranger = Caller::stranger(instance);
            for token in [body(&ada.login), body(&first), stolen.clone()] {
                assert_eq!(stranger.refused(Method::POST, "/token", token).await, invalid());
            }
        }
        beside.flush().await;
        assert_eq!(bystander.get("/me").await.0, 200, "nobody else is touched");
    }
    other.stop();
    one.stop();
}
