//! The matrix itself.

use std::{collections::BTreeMap, fmt, time::Duration};

use super::{
    house::{House, parsed},
    oracle::{EVERYBODY, Place, Who, tokens},
    subjects::{Chance, listed, near},
};
use crate::support::Raw;

/// How a message is published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Publish {
    Plain,
    /// With headers, and a reply in an inbox of one's own.
    Headers,
    /// With a reply where somebody else speaks or listens.
    ForeignReply,
    /// With a reply where the broker itself awaits answers between accounts.
    ReservedReply,
}

/// Everything that was tried.
#[derive(Default)]
struct Tally {
    publishes: usize,
    subscriptions: usize,
    allowed: usize,
    delivered: usize,
    /// Tries whose outcome is not that of the table.
    differences: Vec<(Who, String, String)>,
}

impl Tally {
    fn differs(&mut self, who: Who, operation: impl fmt::Display, subject: &str, how: impl fmt::Display) {
        let told = format!("{who:?}, {operation} {subject}: {how}");
        self.differences.push((who, subject.to_owned(), told));
    }
}

/// What the table and the broker say, when they differ.
fn verdict(may: bool, refused: &[String]) -> String {
    let table = if may { "the table allows it" } else { "the table refuses it" };
    if refused.is_empty() {
        format!("{table}, the broker takes it")
    } else {
        format!("{table}, the broker says {refused:?}")
    }
}

/// Where an answer of JetStream to `who` is aimed.
fn aims(who: Who) -> [String; 2] {
    let name: String = format!("{who:?}").chars().filter(char::is_ascii_alphanumeric).collect();
    [format!("from.carol.aim{name}"), format!("to.carol.aim{name}")]
}

fn seed() -> u64 {
    match std::env::var("RELAIS_MATRIX_SEED") {
        Ok(text) => text.parse().expect("RELAIS_MATRIX_SEED is a number"),
        Err(_) => std::time::UNIX_EPOCH.elapsed().unwrap().as_secs(),
    }
}

/// Who hears everything, by account, and what was heard of JetStream's answers where they were aimed.
struct Listeners {
    raw: Vec<(Place, Raw)>,
    aimed: Vec<(Place, String)>,
}

impl Listeners {
    async fn new(house: &House) -> Self {
        let mut raw = Vec::new();
        for place in [Place::App, Place::Lab, Place::Ops, Place::Sys] {
            raw.push((place, house.listener(place).await));
        }
        Self { raw, aimed: Vec::new() }
    }

    /// The subjects of what was published with these payloads, by payload and account. What has another payload where
    /// answers are aimed is an answer.
    async fn heard(&mut self) -> BTreeMap<String, Vec<(Place, String)>> {
        let mut all: BTreeMap<String, Vec<_>> = BTreeMap::new();
        for (place, raw) in &mut self.raw {
            for message in parsed(&raw.said().await).0 {
                if message.payload.starts_with('#') {
                    all.entry(message.payload).or_default().push((*place, message.subject));
                } else if message.subject.contains(".carol.aim") {
                    self.aimed.push((*place, message.subject));
                }
            }
        }
        all
    }
}

/// Publishes in every way to every subject, and looks where it is heard.
async fn publish(house: &House, who: Who, subjects: &[String], listeners: &mut Listeners, tally: &mut Tally) {
    let mut raw = house.connect(&house.creds(who)).await;
    let ways = [Publish::Plain, Publish::Headers, Publish::ForeignReply, Publish::ReservedReply];
    let tries: Vec<(Publish, &String)> = subjects
        .iter()
        .enumerate()
        .flat_map(|(at, subject)| ways.iter().map(move |way| (at, *way, subject)))
        // One rule whatever the subject, so some of these are enough.
        .filter(|(at, way, _)| *way != Publish::ReservedReply || at % 8 == 0)
        .map(|(_, way, subject)| (way, subject))
        .collect();
    let (aims, inbox) = (aims(who), who.inbox());
    for (batch, tries) in tries.chunks(200).enumerate() {
        let mark = |at: usize| format!("#{who:?}-{batch}-{at}");
        let mut frames = String::new();
        for (at, (way, subject)) in tries.iter().enumerate() {
            let (payload, aim) = (mark(at), &aims[at % 2]);
            let size = payload.len();
            frames += &match way {
                Publish::Plain => format!("PUB {subject} {size}\r\n{payload}\r\n"),
                Publish::ForeignReply => format!("PUB {subject} {aim} {size}\r\n{payload}\r\n"),
                Publish::ReservedReply => format!("PUB {subject} _R_.x.y {size}\r\n{payload}\r\n"),
                Publish::Headers => {
                    let block = "NATS/1.0\r\nX: y\r\n\r\n";
                    let whole = block.len() + size;
                    format!("HPUB {subject} {inbox} {} {whole}\r\n{block}{payload}\r\n", block.len())
                }
            };
            frames += "PING\r\n";
        }
        raw.say(frames.as_bytes()).await;
        let mut taken = Vec::new();
        for _ in tries {
            taken.push(parsed(&raw.answered().await).1);
        }
        let mut heard = listeners.heard().await;
        for (at, (way, subject)) in tries.iter().enumerate() {
            tally.publishes += 1;
            let may = who.publishes(subject) && *way != Publish::ReservedReply;
            let refused = &taken[at];
            if refused.is_empty() != may || refused.iter().any(|text| !text.contains("Permissions Violation")) {
                tally.differs(who, format_args!("{way:?} to"), subject, verdict(may, refused));
            }
            let mut places: Vec<(Place, String)> = heard.remove(&mark(at)).unwrap_or_default();
            let reaches = if may { who.reaches(subject) } else { Vec::new() };
            places.sort_by_key(|(place, _)| *place as u8);
            let mut expected: Vec<_> = reaches.into_iter().map(|place| (place, (*subject).clone())).collect();
            expected.sort_by_key(|(place, _)| *place as u8);
            tally.allowed += usize::from(may);
            tally.delivered += places.len();
            if places != expected {
                tally.differs(
                    who,
                    format_args!("{way:?} to"),
                    subject,
                    format_args!("should be heard at {expected:?}, was at {places:?}"),
                );
            }
        }
        for stray in heard.into_keys() {
            tally.differs(who, "publish", &stray, "was heard late or twice");
        }
    }
}

/// A subject that a subscription to `filter` hears.
fn within(filter: &str) -> String {
    let token = |token: &str| if matches!(token, "*" | ">") { "any".to_owned() } else { token.to_owned() };
    tokens(filter).into_iter().map(token).collect::<Vec<_>>().join(".")
}

/// Who publishes anything, in the application's account and in another.
struct Speakers {
    application: Raw,
    own: Option<Raw>,
}

/// Subscribes, alone and in queue groups, and has what it asks for published.
async fn listen(house: &House, who: Who, subjects: &[String], chance: &mut Chance, tally: &mut Tally) {
    let mut raw = house.connect(&house.creds(who)).await;
    let own = match who.place() {
        Place::App => None,
        place => Some(house.connect(&house.anything(place)).await),
    };
    let mut speakers = Speakers { application: house.connect(&house.anything(Place::App)).await, own };
    let group = match who {
        Who::Service(own) | Who::Apart(own) => own,
        _ => "relais",
    };
    for (at, filter) in subjects.iter().enumerate() {
        let queue = if chance.below(3) == 0 { "other" } else { group };
        for (queue, sid) in [(None, 2 * at), (Some(queue), 2 * at + 1)] {
            tally.subscriptions += 1;
            let may = who.listens(filter, queue);
            let operation = queue.map_or("listen to".to_owned(), |queue| format!("listen in {queue} to"));
            raw.say(format!("SUB {filter} {} {sid}\r\n", queue.unwrap_or_default()).as_bytes()).await;
            let refused = parsed(&raw.said().await).1;
            if refused.is_empty() != may
                || refused.iter().any(|text| !text.contains("Permissions Violation for Subscription"))
            {
                tally.differs(who, &operation, filter, verdict(may, &refused));
            }
            let subject = within(filter);
            let mut expected = Vec::new();
            let mut say = async |raw: &mut Raw, from: &str, heard: bool| {
                let payload = format!("#{from}-{sid}");
                raw.say(format!("PUB {subject} {}\r\n{payload}\r\n", payload.len()).as_bytes()).await;
                let said = raw.said().await;
                // The broker's own words, as `$NRG`, nobody may say.
                if may && heard && !said.contains("-ERR") {
                    expected.push(payload);
                }
            };
            if let Some(own) = &mut speakers.own {
                say(own, "own", true).await;
            }
            say(&mut speakers.application, "application", who.hears_application(&subject)).await;
            raw.say(format!("UNSUB {sid}\r\n").as_bytes()).await;
            let heard: Vec<String> = parsed(&raw.said().await)
                .0
                .into_iter()
                .filter(|message| message.payload.starts_with('#'))
                .map(|message| if message.sid == sid.to_string() { message.payload } else { format!("{message:?}") })
                .collect();
            tally.allowed += usize::from(may);
            tally.delivered += heard.len();
            if heard != expected {
                tally.differs(
                    who,
                    &operation,
                    filter,
                    format_args!("should hear {expected:?} on {subject}, heard {heard:?}"),
                );
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_may_what_the_table_says_and_nothing_else() {
    let seed = seed();
    println!("RELAIS_MATRIX_SEED={seed}");
    let (house, mut chance, mut tally) = (House::new().await, Chance(seed), Tally::default());
    for (place, service) in [(Place::App, "relais"), (Place::App, "shop"), (Place::Lab, "lab")] {
        house.streams(place, service).await;
    }
    let before = (house.stream_names(Place::App).await, house.stream_names(Place::Lab).await);
    assert_eq!((before.0.len(), before.1.len()), (7, 3));
    let mut listeners = Listeners::new(&house).await;
    let listed = listed();
    let plan: Vec<(Who, Vec<String>)> = EVERYBODY
        .into_iter()
        .map(|who| (who, listed.iter().cloned().chain(near(who, &mut chance)).collect()))
        .collect();
    for (who, subjects) in &plan {
        if *who == Who::Provisioner {
            let after = (house.stream_names(Place::App).await, house.stream_names(Place::Lab).await);
            assert_eq!(before, after, "nobody but the provisioner makes or ends a stream");
        }
        publish(&house, *who, subjects, &mut listeners, &mut tally).await;
    }
    answers_land_where_they_may(&mut listeners, &mut tally).await;
    drop(listeners);
    for (who, subjects) in &plan {
        listen(&house, *who, subjects, &mut chance, &mut tally).await;
    }
    let Tally { publishes, subscriptions, allowed, delivered, differences } = tally;
    println!("{publishes} publishes, {subscriptions} subscriptions; {allowed} allowed, {delivered} deliveries");
    // A wrong entry shows in many ways and subjects; some subjects of everybody's tell which.
    let mut subjects = BTreeMap::new();
    for (who, subject, told) in &differences {
        subjects.entry((format!("{who:?}"), subject)).or_insert(told.as_str());
    }
    let some = |who: Who| subjects.iter().filter(move |((own, _), _)| *own == format!("{who:?}")).take(8);
    let shown: Vec<&str> = EVERYBODY.into_iter().flat_map(some).map(|(_, told)| *told).collect();
    assert!(shown.is_empty(), "{} differences (RELAIS_MATRIX_SEED={seed}):\n{}", differences.len(), shown.join("\n"));
    assert!(publishes + subscriptions >= 10_000 && delivered >= 1_000);
    house.end().await;
}

/// Answers of JetStream were aimed at `from.carol.…` and `to.carol.…` by everybody who may ask it anything. In the
/// application's account only those of services and of the provisioner may arrive, and they show that this test can see
/// them.
async fn answers_land_where_they_may(listeners: &mut Listeners, tally: &mut Tally) {
    let (may, may_not): (Vec<Who>, Vec<Who>) = EVERYBODY.into_iter().partition(|who| who.aims());
    let arrived = async {
        while !may.iter().all(|who| aims(*who).iter().all(|aim| listeners.aimed.contains(&(Place::App, aim.clone())))) {
            listeners.heard().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), arrived).await.expect("the answers to services are heard");
    for who in may_not {
        for aim in aims(who) {
            let places: Vec<_> = listeners.aimed.iter().filter(|(_, subject)| *subject == aim).collect();
            // What lab may publish to anyhow.
            let anyhow = who == Who::Apart("lab") && aim.starts_with("to.");
            let inside = places.iter().all(|(place, _)| *place == who.place() || anyhow);
            let far = !matches!(who, Who::User(_)) || places.is_empty();
            if !inside || !far {
                tally.differs(who, "an answer of JetStream at", &aim, format_args!("was heard at {places:?}"));
            }
        }
    }
}
