//! A service in an account of its own: it answers as any other, and whatever it aims stays inside its walls.

use std::collections::BTreeSet;

use super::{
    house::{Heard, House, parsed},
    oracle::{Place, Who},
};
use crate::support::Raw;

const LAB: Who = Who::Apart("lab");

fn published(subject: &str, reply: &str, payload: &str) -> String {
    format!("PUB {subject} {reply} {}\r\n{payload}\r\n", payload.len())
}

/// Says something that the broker takes, and what it tells meanwhile.
async fn tell(who: &mut Raw, frames: &str) -> Vec<Heard> {
    who.say(frames.as_bytes()).await;
    let (messages, refusals) = parsed(&who.said().await);
    assert!(refusals.is_empty(), "{refusals:?}");
    messages
}

/// Everything that a listener has heard.
async fn heard(listener: &mut Raw) -> Vec<Heard> {
    parsed(&listener.said().await).0
}

/// The first thing that is heard after something was said.
async fn acked(who: &mut Raw, frames: &str) -> Heard {
    let mut messages = tell(who, frames).await;
    while messages.is_empty() {
        messages = heard(who).await;
    }
    messages.remove(0)
}

/// How many messages the streams of an account hold.
async fn stored(house: &House, place: Place, stream: &str) -> u64 {
    let said = house.provision(place, &[(format!("STREAM.INFO.{stream}"), String::new())]).await;
    said[0]["state"]["messages"].as_u64().unwrap_or_else(|| panic!("{}", said[0]))
}

#[tokio::test(flavor = "multi_thread")]
async fn its_instances_share_the_work_and_answer() {
    let house = House::new().await;
    let mut ada = house.connect(&house.creds(Who::User("ada"))).await;
    let creds = house.creds(LAB);
    let mut instances = [house.connect(&creds).await, house.connect(&creds).await];
    for instance in &mut instances {
        assert!(tell(instance, "SUB from.*.lab.> lab 1\r\nSUB from.*.quote lab 2\r\n").await.is_empty());
    }
    let asked = 200;
    let frames: String = (0..asked)
        .map(|at| {
            let subject = if at % 2 == 0 { "from.ada.lab.work" } else { "from.ada.quote" };
            published(subject, &format!("_INBOX.ada.{at}"), &at.to_string())
        })
        .collect();
    assert!(tell(&mut ada, &format!("SUB _INBOX.ada.> 1\r\n{frames}")).await.is_empty());
    let mut seen = BTreeSet::new();
    for instance in &mut instances {
        let messages = heard(instance).await;
        assert!(!messages.is_empty(), "both have work");
        for message in &messages {
            assert_eq!(message.reply, Some(format!("_INBOX.ada.{}", message.payload)), "as it was written");
            assert!(seen.insert(message.payload.clone()), "{} came twice", message.payload);
        }
        let answers: String =
            messages.iter().map(|m| published(m.reply.as_ref().unwrap(), "", &format!("to {}", m.payload))).collect();
        assert!(tell(instance, &answers).await.is_empty());
    }
    assert_eq!(seen.len(), asked);
    let answers = heard(&mut ada).await;
    assert_eq!(answers.len(), asked);
    assert!(answers.iter().all(|answer| answer.subject == format!("_INBOX.ada.{}", answer.payload.replace("to ", ""))));
    house.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_tells_users_now_and_later_and_its_reply_subjects_do_not_cross() {
    let house = House::new().await;
    house.streams(Place::App, "relais").await;
    let mut bob = house.connect(&house.creds(Who::User("bob"))).await;
    assert!(tell(&mut bob, "SUB to.bob.> 1\r\nSUB topic.news.* 2\r\n").await.is_empty());
    let mut application = house.listener(Place::App).await;
    let mut lab = house.connect(&house.creds(LAB)).await;
    assert!(tell(&mut lab, "SUB _SVC.lab.> 1\r\n").await.is_empty());
    let frames = published("to.bob.x", "from.carol.pay", "now") + &published("topic.news.lab", "", "all");
    assert!(tell(&mut lab, &frames).await.is_empty());
    let told = heard(&mut bob).await;
    assert_eq!(told.iter().map(|m| m.payload.as_str()).collect::<Vec<_>>(), ["now", "all"]);
    assert!(told[0].reply.as_ref().is_some_and(|reply| reply.starts_with("_R_.")), "{told:?}");
    // What waits for a device is stored by the application, and the PubAck comes back.
    let ack = acked(&mut lab, &published("out.bob.x", "_SVC.lab.1", "later")).await;
    assert!(ack.subject == "_SVC.lab.1" && ack.payload.contains("\"stream\":\"OUT\""), "{ack:?}");
    assert_eq!(stored(&house, Place::App, "OUT").await, 1);
    // And comes to nobody but itself, wherever it is aimed.
    tell(&mut lab, &published("out.bob.x", "from.carol.pay", "aimed")).await;
    let ack = acked(&mut lab, &published("out.bob.x", "_SVC.lab.2", "after")).await;
    assert_eq!(ack.subject, "_SVC.lab.2");
    // One answer comes back.
    tell(&mut lab, &published("to.bob.y", "_SVC.lab.3", "well?")).await;
    let reply = heard(&mut bob).await.remove(0).reply.unwrap();
    let mut somebody = house.connect(&house.anything(Place::App)).await;
    tell(&mut somebody, &(published(&reply, "", "one") + &published(&reply, "", "two"))).await;
    let answers: Vec<_> = heard(&mut lab).await.into_iter().map(|m| m.payload).collect();
    assert_eq!(answers, ["one"]);
    let messages = heard(&mut application).await;
    let aimed = messages.iter().filter(|m| m.subject.starts_with("from.")).collect::<Vec<_>>();
    assert!(aimed.is_empty(), "{aimed:?}");
    house.end().await;
}

/// What answers are aimed at: all that an answer could do harm at in the application's account.
const AIMS: [&str; 8] = [
    "from.bob.pay",
    "from.bob.echo",
    "$JS.API.STREAM.DELETE.OUT",
    "$JS.API.STREAM.PURGE.OUT",
    "$KV.relais_cache.k",
    "in.relais.0.bob.x",
    "_SVC.relais.x",
    "$SYS.REQ.CLAIMS.UPDATE",
];

#[tokio::test(flavor = "multi_thread")]
async fn answers_of_its_jetstream_stay_inside() {
    let house = House::new().await;
    house.streams(Place::App, "relais").await;
    house.streams(Place::Lab, "lab").await;
    let names = house.stream_names(Place::App).await;
    let (mut application, mut own) = (house.listener(Place::App).await, house.listener(Place::Lab).await);
    let mut lab = house.connect(&house.creds(LAB)).await;
    let get = "$JS.API.DIRECT.GET.KV_lab_cache.$KV.lab_cache.k";
    for aim in AIMS {
        // A PubAck, what is stored, and information.
        tell(&mut lab, &published("$KV.lab_cache.k", aim, "stored")).await;
        let mut here = Vec::new();
        while here.is_empty() {
            here.extend(heard(&mut own).await.into_iter().filter(|m| m.subject == aim));
        }
        tell(&mut lab, &(published(get, aim, "") + &published("$JS.API.STREAM.INFO.KV_lab_cache", aim, ""))).await;
        // They are seen here, so they have been sent.
        while here.len() < 3 {
            here.extend(heard(&mut own).await.into_iter().filter(|m| m.subject == aim));
        }
        assert!(here.iter().any(|m| m.payload == "stored"), "{here:?}");
    }
    // What it may publish to anyhow, answers reach as well. This one is behind all others.
    tell(&mut lab, &published(get, "to.bob.x", "")).await;
    let mut there = Vec::new();
    while !there.iter().any(|m: &Heard| m.subject == "to.bob.x") {
        there.extend(heard(&mut application).await);
    }
    // What the provisioner of this account is told crosses too, since its inboxes are under `_INBOX.`: under a subject of
    // the broker's own, which nobody may listen to.
    house.stream_names(Place::Lab).await;
    let told = heard(&mut application).await;
    assert!(told.iter().any(|m| m.payload.contains("\"DEAD_lab\"")), "{told:?}");
    assert!(told.iter().all(|m| m.subject.starts_with("_R_.")), "{told:?}");
    let odd: Vec<_> = there.iter().filter(|m| m.subject != "to.bob.x" && !m.subject.starts_with("$JS.EVENT")).collect();
    assert!(odd.is_empty(), "{odd:?}");
    assert_eq!(house.stream_names(Place::App).await, names);
    assert_eq!(stored(&house, Place::App, "KV_relais_cache").await, 0);
    assert_eq!(stored(&house, Place::App, "IN_relais").await, 0);
    house.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_its_account_has_no_more_than_it() {
    let house = House::new().await;
    house.streams(Place::App, "relais").await;
    house.streams(Place::Lab, "lab").await;
    let names = house.stream_names(Place::App).await;
    // Not the service's own lists: anything, as with a stolen signing key of the account.
    let (mut thief, mut application) =
        (house.listener(Place::Lab).await, house.connect(&house.anything(Place::App)).await);
    let said =
        ["from.ada.echo", "from.ada.pay", "to.ada.x", "out.ada.x", "in.relais.x", "_INBOX.ada.x", "_SVC.relais.x"];
    let frames: String = said.iter().chain(&["from.ada.quote"]).map(|subject| published(subject, "", "#own")).collect();
    tell(&mut application, &frames).await;
    let overheard: Vec<_> = heard(&mut thief).await.into_iter().filter(|m| m.payload == "#own").collect();
    assert_eq!(overheard.iter().map(|m| m.subject.as_str()).collect::<Vec<_>>(), ["from.ada.quote"]);
    // What it says elsewhere is heard by nobody in the application's account.
    application.say(b"SUB > 1\r\n").await;
    let elsewhere = AIMS.into_iter().chain(["$JS.API.STREAM.DELETE.KV_relais_cache", "from.bob.quote", "$SRV.PING"]);
    let frames: String = elsewhere.map(|subject| published(subject, "", "#thief")).collect();
    application.flush().await;
    tell(&mut thief, &(frames + &published("to.bob.x", "", "#thief"))).await;
    let reached: Vec<_> = heard(&mut application).await.into_iter().filter(|m| m.payload == "#thief").collect();
    assert_eq!(reached.iter().map(|m| m.subject.as_str()).collect::<Vec<_>>(), ["to.bob.x"]);
    assert_eq!(house.stream_names(Place::App).await, names);
    assert_eq!(house.stream_names(Place::Lab).await, ["DEAD_lab", "IN_lab", "KV_lab_cache"]);
    house.end().await;
}

/// Whether the service hears ada, and whether bob hears the service, both connected meanwhile.
async fn crosses(ada: &mut Raw, bob: &mut Raw, lab: &mut Raw) -> (bool, bool) {
    tell(ada, &published("from.ada.quote", "", "asked")).await;
    let hears = heard(lab).await.iter().any(|m| m.payload == "asked");
    tell(lab, &published("to.bob.x", "", "told")).await;
    (hears, heard(bob).await.iter().any(|m| m.payload == "told"))
}

#[tokio::test(flavor = "multi_thread")]
async fn exports_decide_what_crosses_and_may_be_wider_or_come_later() {
    let exact = ["from.*.lab.>", "from.*.quote"];
    // What is exported, whether that is enough, and what is exported then, under those who are connected.
    for (before, enough, after) in [(&[][..], false, &exact[..]), (&exact, true, &["from.*.>"])] {
        let house = House::exporting(before).await;
        let mut ada = house.connect(&house.creds(Who::User("ada"))).await;
        let mut bob = house.connect(&house.creds(Who::User("bob"))).await;
        let mut lab = house.connect(&house.creds(LAB)).await;
        tell(&mut bob, "SUB to.bob.> 1\r\n").await;
        tell(&mut lab, "SUB from.*.quote lab 1\r\n").await;
        assert_eq!(crosses(&mut ada, &mut bob, &mut lab).await, (enough, enough), "{before:?}");
        house.share(after).await;
        assert_eq!(crosses(&mut ada, &mut bob, &mut lab).await, (true, true), "{before:?}, then {after:?}");
        house.end().await;
    }
}
