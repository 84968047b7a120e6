//! async-nats: a bare loop, a task a message, and its service API.

use std::sync::Arc;

use async_nats::{Client, Message, Subscriber, service::ServiceExt as _};
use futures_util::StreamExt as _;
use tokio::sync::Semaphore;

use super::{HANDLERS, QUEUE, SUBJECT, echo_bytes, ready};

async fn subscribe(url: &str) -> (Client, Subscriber) {
    let client = async_nats::connect(url).await.expect("a broker");
    let asked = client.queue_subscribe(SUBJECT, QUEUE.to_owned()).await.expect("a subscription");
    client.flush().await.expect("flushed");
    ready();
    (client, asked)
}

async fn answer(client: &Client, question: Message) {
    if let (Some(reply), Some(answer)) = (question.reply, echo_bytes(question.payload).await) {
        // While the connection is away the library keeps what is published, and says nothing.
        let _ = client.publish(reply, answer).await;
    }
}

/// A loop: one message after the other.
pub(super) async fn bare(url: &str) {
    let (client, mut asked) = subscribe(url).await;
    while let Some(question) = asked.next().await {
        answer(&client, question).await;
    }
}

/// A loop that gives each message a task of its own, and has so many at most.
pub(super) async fn spawned(url: &str) {
    let (client, mut asked) = subscribe(url).await;
    let room = Arc::new(Semaphore::new(HANDLERS));
    while let Some(question) = asked.next().await {
        let place = Arc::clone(&room).acquire_owned().await.expect("it is never closed");
        let client = client.clone();
        tokio::spawn(async move {
            answer(&client, question).await;
            drop(place);
        });
    }
}

/// Its service API: one message after the other.
pub(super) async fn service(url: &str) {
    let client = async_nats::connect(url).await.expect("a broker");
    let service = client.service_builder().queue_group(QUEUE).start("bench", "1.0.0").await.expect("a service");
    let mut endpoint = service.endpoint(SUBJECT).await.expect("an endpoint");
    client.flush().await.expect("flushed");
    ready();
    while let Some(question) = endpoint.next().await {
        if let Some(answer) = echo_bytes(question.message.payload.clone()).await {
            let _ = question.respond(Ok(answer)).await;
        }
    }
}
