//! `nats::Bus` goes on with other credentials, and nothing is missed on the way, nor comes twice.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::{FutureExt as _, StreamExt as _, future::join_all};
use relais_adapters::nats;
use relais_domain::{
    credentials::UserJwt,
    message::Message,
    ports::{Bus as _, Subscription},
};
use tokio::sync::watch;

use super::bus::connect;
use crate::support::Broker;

/// How often one changes in these tests.
const TIMES: usize = 12;
/// How many publish meanwhile.
const PUBLISHERS: usize = 3;

/// A broker without accounts looks at no credential.
async fn renew(bus: &nats::Bus) {
    bus.renew(UserJwt::from_text(String::new())).await.unwrap();
}

/// What is heard of each publisher, so that none goes on without being heard: an overrun broker holds messages up for as long as
/// it likes.
type Heard = [watch::Sender<usize>; PUBLISHERS];

/// Publishes "publisher.number" until told to stop; how many.
async fn publish(bus: &nats::Bus, subject: &str, publisher: usize, stop: &AtomicBool, heard: &Heard) -> usize {
    let (mut number, mut heard) = (0, heard[publisher].subscribe());
    while !stop.load(Ordering::Relaxed) {
        for _ in 0..20 {
            let text = format!("{publisher}.{number}");
            bus.publish(Message::new(subject.parse().unwrap(), text)).await.unwrap();
            number += 1;
        }
        heard.wait_for(|heard| heard + 40 >= number).await.unwrap();
    }
    number
}

/// Takes what has come until the text "end": numbers by publisher, in the order in which they came.
async fn taken(mut listening: Subscription, heard: Arc<Heard>) -> BTreeMap<usize, Vec<usize>> {
    let mut all = BTreeMap::<usize, Vec<usize>>::new();
    loop {
        let message = listening.next().await.unwrap().unwrap();
        let text = String::from_utf8(message.payload.to_vec()).unwrap();
        let Some((publisher, number)) = text.split_once('.') else { return all };
        let (publisher, number) = (publisher.parse::<usize>().unwrap(), number.parse().unwrap());
        all.entry(publisher).or_default().push(number);
        heard[publisher].send_replace(number);
    }
}

fn once_and_in_order(heard: &[usize], count: usize) {
    let wrong = heard.iter().zip(0..).position(|(&number, expected)| number != expected);
    let near = wrong.map(|at| &heard[at.saturating_sub(3)..(at + 5).min(heard.len())]);
    assert!(wrong.is_none() && heard.len() == count, "{} of {count}: {near:?} at {wrong:?}", heard.len());
}

/// One who listens and changes credentials over and over while others publish hears everything, once and in order.
#[tokio::test(flavor = "multi_thread")]
async fn a_listener_misses_nothing_and_hears_nothing_twice() {
    let broker = Broker::start().await;
    let changing = connect(&broker).await;
    let listening = changing.subscribe("suite.flow".parse().unwrap(), None).await.unwrap();
    let progress = Arc::new(Heard::default());
    let heard = tokio::spawn(taken(listening, Arc::clone(&progress)));
    let stop = Arc::new(AtomicBool::new(false));
    let senders: Vec<_> = join_all((0..PUBLISHERS).map(|_| connect(&broker))).await;
    let publishing: Vec<_> = senders
        .iter()
        .cloned()
        .enumerate()
        .map(|(publisher, bus)| {
            let (stop, progress) = (Arc::clone(&stop), Arc::clone(&progress));
            tokio::spawn(async move { publish(&bus, "suite.flow", publisher, &stop, &progress).await })
        })
        .collect();
    for _ in 0..TIMES {
        renew(&changing).await;
    }
    stop.store(true, Ordering::Relaxed);
    let published: Vec<_> = join_all(publishing).await.into_iter().map(Result::unwrap).collect();
    senders[0].publish(Message::new("suite.flow".parse().unwrap(), "end")).await.unwrap();
    let heard = heard.await.unwrap();
    for (publisher, count) in published.into_iter().enumerate() {
        assert!(count > 0);
        once_and_in_order(&heard[&publisher], count);
    }
    assert_eq!(changing.reconnected(0).now_or_never().flatten(), Some(1), "it was connected all the time");
}

/// The same for messages that nobody can tell apart: none is missing.
#[tokio::test(flavor = "multi_thread")]
async fn of_equal_messages_none_is_missed() {
    let broker = Broker::start().await;
    let (changing, sender) = (connect(&broker).await, connect(&broker).await);
    let mut listening = changing.subscribe("suite.tick".parse().unwrap(), None).await.unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let ticking = {
        let (sender, stop) = (sender.clone(), Arc::clone(&stop));
        tokio::spawn(async move {
            let mut count = 0;
            while !stop.load(Ordering::Relaxed) {
                sender.publish(Message::new("suite.tick".parse().unwrap(), "tick")).await.unwrap();
                sender.flush().await.unwrap();
                count += 1;
            }
            count
        })
    };
    let heard = tokio::spawn(async move {
        let mut count = 0;
        while listening.next().await.unwrap().unwrap().payload != "end" {
            count += 1;
        }
        count
    });
    for _ in 0..TIMES {
        renew(&changing).await;
    }
    stop.store(true, Ordering::Relaxed);
    let ticks: usize = ticking.await.unwrap();
    sender.publish(Message::new("suite.tick".parse().unwrap(), "end")).await.unwrap();
    let heard: usize = heard.await.unwrap();
    assert!(heard >= ticks, "{heard} of {ticks}");
}

/// What one publishes that changes credentials meanwhile arrives once and in order; what it asks is answered.
#[tokio::test(flavor = "multi_thread")]
async fn what_it_publishes_and_asks_arrives() {
    let broker = Broker::start().await;
    let (changing, witness) = (connect(&broker).await, connect(&broker).await);
    let listening = witness.subscribe("suite.flow".parse().unwrap(), None).await.unwrap();
    let progress = Arc::new(Heard::default());
    let heard = tokio::spawn(taken(listening, Arc::clone(&progress)));
    let mut asked = witness.subscribe("suite.ask".parse().unwrap(), None).await.unwrap();
    let answering = {
        let witness = witness.clone();
        tokio::spawn(async move {
            while let Some(Ok(message)) = asked.next().await {
                witness.publish(Message::new(message.reply.unwrap(), message.payload)).await.unwrap();
            }
        })
    };
    let stop = Arc::new(AtomicBool::new(false));
    let publishing = {
        let (bus, stop) = (changing.clone(), Arc::clone(&stop));
        tokio::spawn(async move { publish(&bus, "suite.flow", 0, &stop, &progress).await })
    };
    let answers = Arc::new(AtomicUsize::new(0));
    let asking = {
        let (bus, stop, answers) = (changing.clone(), Arc::clone(&stop), Arc::clone(&answers));
        tokio::spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                let number = answers.load(Ordering::Relaxed).to_string();
                let wish = Message::new("suite.ask".parse().unwrap(), number.clone());
                let answer = bus.request(wish, Duration::from_secs(20)).await.unwrap();
                assert_eq!(answer.payload, number);
                answers.fetch_add(1, Ordering::Relaxed);
            }
        })
    };
    for _ in 0..TIMES {
        renew(&changing).await;
    }
    stop.store(true, Ordering::Relaxed);
    asking.await.unwrap();
    let count = publishing.await.unwrap();
    changing.publish(Message::new("suite.flow".parse().unwrap(), "end")).await.unwrap();
    once_and_in_order(&heard.await.unwrap()[&0], count);
    assert!(answers.load(Ordering::Relaxed) > 0);
    answering.abort();
}

/// Who begins and stops to listen in the middle of it is told neither too little nor too much.
#[tokio::test(flavor = "multi_thread")]
async fn listeners_come_and_go_meanwhile() {
    let broker = Broker::start().await;
    let (changing, sender) = (connect(&broker).await, connect(&broker).await);
    let stop = Arc::new(AtomicBool::new(false));
    let coming = {
        let (bus, sender, stop) = (changing.clone(), sender.clone(), Arc::clone(&stop));
        tokio::spawn(async move {
            let mut rounds = 0;
            while !stop.load(Ordering::Relaxed) {
                let subject = format!("suite.come.{rounds}");
                let mut listening = bus.subscribe(subject.parse().unwrap(), None).await.unwrap();
                for number in 0..3 {
                    sender.publish(Message::new(subject.parse().unwrap(), number.to_string())).await.unwrap();
                }
                for number in 0..3 {
                    let message = listening.next().await.unwrap().unwrap();
                    assert_eq!(message.payload, number.to_string(), "round {rounds}");
                }
                rounds += 1;
            }
            rounds
        })
    };
    for _ in 0..TIMES {
        renew(&changing).await;
    }
    stop.store(true, Ordering::Relaxed);
    assert!(coming.await.unwrap() > 0);
}
