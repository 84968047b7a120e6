//! The contract of [`crate::ports::Bus`].

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures_util::{FutureExt, StreamExt, future::join};

use crate::{
    message::{Headers, Message},
    ports::{Bus, BusError, Subscription},
    subject::{Filter, Subject},
};

/// Makes a new connection, in the place where the suite may publish and listen under `from.{user}.` and `_INBOX.{user}.`
/// as the user given.
pub type Connect<'a> = dyn Fn() -> futures_util::future::BoxFuture<'a, Arc<dyn Bus>> + Sync + 'a;

const LONG: Duration = Duration::from_secs(20);

fn subject(text: &str) -> Subject {
    text.parse().expect("a subject of the suite")
}

fn filter(text: &str) -> Filter {
    text.parse().expect("a filter of the suite")
}

fn text(message: &Message) -> &str {
    std::str::from_utf8(&message.payload).expect("text of the suite")
}

async fn next(subscription: &mut Subscription) -> Message {
    subscription.next().await.expect("the subscription goes on").expect("a message that can be read")
}

/// Panics where the bus does not keep its contract. Both connections may do everything under `suite.`.
pub async fn suite(connect: &Connect<'_>, expire: &(dyn Fn(Duration) + Sync)) {
    wildcards_and_headers(&*connect().await, &*connect().await).await;
    queue_groups(&*connect().await, &*connect().await).await;
    requests(&*connect().await, &*connect().await, expire).await;
    no_responders(&*connect().await).await;
    many_answers(&*connect().await, &*connect().await).await;
    confirmed(&*connect().await, &*connect().await).await;
    sizes(&*connect().await).await;
    one_subscription_drains(&*connect().await, &*connect().await).await;
    a_connection_drains(&*connect().await, &*connect().await).await;
    dropped_subscriptions_end(&*connect().await).await;
}

async fn wildcards_and_headers(here: &dyn Bus, there: &dyn Bus) {
    let mut one = there.subscribe(filter("suite.a.*"), None).await.expect("subscribe");
    let mut rest = there.subscribe(filter("suite.a.>"), None).await.expect("subscribe");
    let mut exact = there.subscribe(filter("suite.a.x"), None).await.expect("subscribe");
    let mut sent = Message::new(subject("suite.a.x"), "1");
    sent.headers = Headers::from_iter([("Key", "first"), ("Key", "second: with colon"), ("key", "other")]);
    sent.reply = Some(subject("suite.reply"));
    here.publish(sent.clone()).await.expect("publish");
    here.publish(Message::new(subject("suite.a.x.y"), "2")).await.expect("publish");
    here.publish(Message::new(subject("suite.b"), "nobody's")).await.expect("publish to nobody is no error");
    here.publish(Message::new(subject("suite.a.z"), "3")).await.expect("publish");
    assert_eq!(next(&mut exact).await, sent, "subject, reply, headers and payload arrive as they were");
    assert_eq!((text(&next(&mut one).await), text(&next(&mut one).await)), ("1", "3"), "* is one token");
    let all = [next(&mut rest).await, next(&mut rest).await, next(&mut rest).await];
    assert_eq!(all.each_ref().map(text), ["1", "2", "3"], "> is every further token, and order is kept");
    here.flush().await.expect("flush");
}

async fn queue_groups(here: &dyn Bus, there: &dyn Bus) {
    const MESSAGES: usize = 200;
    let mut members = Vec::new();
    for _ in 0..2 {
        members.push(there.subscribe(filter("suite.q"), Some("team".to_owned())).await.expect("subscribe"));
    }
    let mut other = there.subscribe(filter("suite.q"), Some("other".to_owned())).await.expect("subscribe");
    let mut alone = there.subscribe(filter("suite.q"), None).await.expect("subscribe");
    for number in 0..MESSAGES {
        here.publish(Message::new(subject("suite.q"), number.to_string())).await.expect("publish");
    }
    for number in 0..MESSAGES {
        assert_eq!(text(&next(&mut other).await), number.to_string(), "each group gets each message");
        assert_eq!(text(&next(&mut alone).await), number.to_string(), "who is in no group gets each message");
    }
    let mut seen = BTreeMap::new();
    let (first, second) = members.split_at_mut(1);
    for _ in 0..MESSAGES {
        let (member, message) = futures_util::select_biased! {
            message = next(&mut first[0]).fuse() => (0, message),
            message = next(&mut second[0]).fuse() => (1, message),
        };
        let again = seen.insert(text(&message).to_owned(), member);
        assert!(again.is_none(), "a message reached two members of one group");
    }
    assert!((0..2).all(|member| seen.values().any(|own| *own == member)), "both members get some");
}

async fn requests(here: &dyn Bus, there: &dyn Bus, expire: &(dyn Fn(Duration) + Sync)) {
    let mut asked = there.subscribe(filter("suite.ask"), None).await.expect("subscribe");
    let mut question = Message::new(subject("suite.ask"), "?");
    question.headers.append("Key", "value");
    let answer = async {
        let question = next(&mut asked).await;
        assert_eq!(question.headers.get("Key"), Some("value"));
        let mut answer = Message::new(question.reply.expect("a request has a reply subject"), "!");
        answer.headers.append("Other", "too");
        there.publish(answer.clone()).await.expect("answer");
        answer.payload = "a second answer is nobody's".into();
        there.publish(answer).await.expect("answer");
    };
    let (answered, ()) = join(here.request(question.clone(), LONG), answer).await;
    let answered = answered.expect("the answer");
    assert_eq!((text(&answered), answered.headers.get("Other")), ("!", Some("too")));

    let wait = Duration::from_millis(50);
    let silent = async {
        next(&mut asked).await;
        expire(wait);
    };
    let (late, ()) = join(here.request(question, wait), silent).await;
    assert!(matches!(late, Err(BusError::Timeout { subject, after }) if subject == "suite.ask" && after == wait));
}

async fn no_responders(here: &dyn Bus) {
    let nobody = here.request(Message::new(subject("suite.nobody"), ""), LONG).await;
    assert!(matches!(nobody, Err(BusError::NoResponders { subject }) if subject == "suite.nobody"));
}

async fn many_answers(here: &dyn Bus, there: &dyn Bus) {
    let mut asked = there.subscribe(filter("suite.many"), None).await.expect("subscribe");
    let question = || Message::new(subject("suite.many"), "?");
    let answer = async {
        let reply = next(&mut asked).await.reply.expect("a request has a reply subject");
        for number in 0..3 {
            there.publish(Message::new(reply.clone(), number.to_string())).await.expect("answer");
        }
        reply
    };
    let (answers, reply) = join(here.request_many(question()), answer).await;
    let mut answers = answers.expect("somebody listens");
    for number in 0..3 {
        assert_eq!(text(&next(&mut answers).await), number.to_string(), "each answer comes, in order");
    }
    let (others, other) = join(here.request_many(question()), async { next(&mut asked).await.reply }).await;
    let mut others = others.expect("somebody listens");
    assert_ne!(other.as_ref(), Some(&reply), "each request has an inbox of its own");
    there.publish(Message::new(reply, "late")).await.expect("answer");
    there.publish(Message::new(other.expect("a reply subject"), "other")).await.expect("answer");
    assert_eq!(text(&next(&mut others).await), "other");
    assert_eq!(text(&next(&mut answers).await), "late");
    let nobody = here.request_many(Message::new(subject("suite.nobody"), "")).await.map(drop);
    assert!(matches!(nobody, Err(BusError::NoResponders { subject }) if subject == "suite.nobody"));
}

async fn confirmed(here: &dyn Bus, there: &dyn Bus) {
    let mut heard = there.subscribe(filter("suite.confirmed"), None).await.expect("subscribe");
    let send = |payload: &'static str| here.publish_confirmed(Message::new(subject("suite.confirmed"), payload));
    let (one, two) = join(send("1"), send("2")).await;
    one.and(two).expect("both are taken");
    assert_eq!((text(&next(&mut heard).await), text(&next(&mut heard).await)), ("1", "2"));
    here.publish_confirmed(Message::new(subject("suite.nobody"), "")).await.expect("a message to nobody is no error");
    let huge = Message::new(subject("suite.confirmed"), vec![0_u8; 16 * 1024 * 1024]);
    assert!(matches!(here.publish_confirmed(huge).await, Err(BusError::TooLarge { .. })));
}

async fn sizes(here: &dyn Bus) {
    let mut large = here.subscribe(filter("suite.large"), None).await.expect("subscribe");
    let huge = Message::new(subject("suite.large"), vec![0_u8; 16 * 1024 * 1024]);
    assert!(matches!(here.publish(huge.clone()).await, Err(BusError::TooLarge { limit, .. }) if limit >= 1024));
    assert!(matches!(here.request(huge, LONG).await, Err(BusError::TooLarge { .. })));
    here.publish(Message::new(subject("suite.large"), vec![1_u8; 512 * 1024])).await.expect("512 KB are taken");
    assert_eq!(next(&mut large).await.payload.len(), 512 * 1024);
    here.publish(Message::new(subject("suite.large"), "")).await.expect("nothing is taken");
    assert!(next(&mut large).await.payload.is_empty());
}

async fn one_subscription_drains(here: &dyn Bus, there: &dyn Bus) {
    let mut ending = there.subscribe(filter("suite.end"), None).await.expect("subscribe");
    let mut staying = there.subscribe(filter("suite.stay"), None).await.expect("subscribe");
    for number in 0..10 {
        here.publish(Message::new(subject("suite.end"), number.to_string())).await.expect("publish");
    }
    here.flush().await.expect("flush");
    let first = next(&mut ending).await;
    there.flush().await.expect("flush");
    ending.as_mut().drain().await.expect("drain");
    let mut rest = vec![text(&first).to_owned()];
    while let Some(message) = ending.next().await {
        rest.push(text(&message.expect("a message")).to_owned());
    }
    assert_eq!(rest, (0..10).map(|n| n.to_string()).collect::<Vec<_>>(), "what had arrived is still delivered");
    assert!(matches!(ending.as_mut().drain().await, Ok(())), "a repeat does nothing");
    here.publish(Message::new(subject("suite.stay"), "on")).await.expect("publish");
    assert_eq!(text(&next(&mut staying).await), "on", "the other subscriptions go on");
}

async fn a_connection_drains(here: &dyn Bus, there: &dyn Bus) {
    let mut end = there.subscribe(filter("suite.close"), None).await.expect("subscribe");
    let mut last = here.subscribe(filter("suite.last"), None).await.expect("subscribe");
    there.publish(Message::new(subject("suite.last"), "words")).await.expect("publish");
    there.drain().await.expect("drain");
    assert_eq!(text(&next(&mut last).await), "words", "what was published before a drain arrives");
    assert!(end.next().await.is_none(), "a drain ends every subscription");
    assert!(matches!(there.publish(Message::new(subject("suite.last"), "")).await, Err(BusError::Closed)));
    assert!(matches!(there.subscribe(filter("suite.x"), None).await.map(|_| ()), Err(BusError::Closed)));
    assert!(matches!(there.request(Message::new(subject("suite.x"), ""), LONG).await, Err(BusError::Closed)));
    there.drain().await.expect("a repeat does nothing");
}

async fn dropped_subscriptions_end(here: &dyn Bus) {
    drop(here.subscribe(filter("suite.gone"), None).await.expect("subscribe"));
    here.flush().await.expect("flush");
    let nobody = here.request(Message::new(subject("suite.gone"), ""), LONG).await;
    assert!(matches!(nobody, Err(BusError::NoResponders { .. })), "who has dropped a subscription listens no more");
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures_util::FutureExt;

    use super::*;
    use crate::memory;

    #[tokio::test]
    async fn memory_keeps_it() {
        let clock = memory::Clock::default();
        let bus = memory::Bus::new(Arc::new(clock.clone()));
        let connect = || {
            let bus: Arc<dyn Bus> = Arc::new(bus.connect());
            async move { bus }.boxed()
        };
        suite(&connect, &|step| clock.advance(step)).await;
    }
}
