//! What a broker lets a credential do, asked of the broker itself.

use async_nats::{Client, ConnectOptions, Event, ServerError};
use tokio::sync::mpsc;

/// A plain NATS connection that hears every refusal.
pub(crate) struct Verdict {
    client: Client,
    refusals: mpsc::UnboundedReceiver<String>,
    asked: u32,
}

impl Verdict {
    /// Connects with the text of a creds file.
    pub(crate) async fn connect(server: &str, creds: &str, inbox_prefix: &str) -> Self {
        let (tell, refusals) = mpsc::unbounded_channel();
        let client = ConnectOptions::with_credentials(creds)
            .unwrap()
            .custom_inbox_prefix(inbox_prefix)
            .event_callback(move |event| {
                if let Event::ServerError(ServerError::Other(text)) = event {
                    let _ = tell.send(text);
                }
                std::future::ready(())
            })
            .connect(server)
            .await
            .unwrap();
        Self { client, refusals, asked: 0 }
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Everything the broker has refused since the last question. It answers in order: a publish that nobody may do is
    /// refused behind all that was sent before.
    async fn refused(&mut self) -> Vec<String> {
        self.asked += 1;
        let mark = format!("nobody.may.publish.here.{}", self.asked);
        self.client.publish(mark.clone(), "".into()).await.unwrap();
        let mut refused = Vec::new();
        loop {
            let text = self.refusals.recv().await.expect("the connection goes on");
            if text.contains(&mark) {
                return refused;
            }
            refused.push(text);
        }
    }

    /// Whether the broker takes a message on this subject.
    pub(crate) async fn publishes(&mut self, subject: &str) -> bool {
        self.client.publish(subject.to_owned(), "".into()).await.unwrap();
        self.refused().await.is_empty()
    }

    /// Whether the broker takes a subscription to this filter, alone or in a queue group (`"filter group"`).
    pub(crate) async fn listens(&mut self, filter: &str) -> bool {
        let subscription = match filter.split_once(' ') {
            Some((filter, queue)) => self.client.queue_subscribe(filter.to_owned(), queue.to_owned()).await,
            None => self.client.subscribe(filter.to_owned()).await,
        };
        let allowed = self.refused().await.is_empty();
        drop(subscription.unwrap());
        allowed
    }
}
