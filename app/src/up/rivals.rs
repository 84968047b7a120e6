//! Says when another service answers what ours, or a third one, answers too.

use std::{collections::BTreeSet, time::Duration};

use futures_util::StreamExt as _;
use relais_adapters::{
    nats::{self, ConnectOptions},
    system,
};
use relais_domain::{
    message::Message,
    ports::{Bus as _, BusError, Clock as _},
    routing::rivals,
};
use tokio::task::JoinHandle;

/// Waits between the looks: soon at first, when services come up together, then now and then.
const WAITS: [Duration; 4] = [Duration::ZERO, Duration::from_secs(2), Duration::from_secs(10), Duration::from_secs(60)];
/// How long services have to tell of themselves.
const PATIENCE: Duration = Duration::from_secs(1);

/// Who looks, until it is dropped.
pub(super) struct Watch(JoinHandle<()>);

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Watch {
    /// Begins to look, over a connection of an operator: services may not ask each other. Nothing else depends on it, so where
    /// there is none nobody looks.
    pub(super) fn start(options: ConnectOptions) -> Self {
        Self(tokio::spawn(async move {
            match nats::Bus::connect(options).await {
                Ok(bus) => watch(bus).await,
                Err(error) => tracing::debug!(%error, "nobody looks whether services answer the same subjects"),
            }
        }))
    }
}

/// Looks and warns, each pair once.
async fn watch(bus: nats::Bus) {
    let mut told = BTreeSet::new();
    for wait in WAITS.iter().chain(std::iter::repeat(&WAITS[3])) {
        system::Clock.sleep(*wait).await;
        let infos = match ask(&bus).await {
            Ok(infos) => infos,
            Err(error) => {
                tracing::debug!(%error, "services could not be asked what they answer");
                continue;
            }
        };
        for pair in rivals(infos.iter().map(AsRef::as_ref)) {
            if told.insert(pair.clone()) {
                let ((one, its), (other, theirs)) = (&pair.one, &pair.other);
                tracing::warn!(
                    "the services {one} ({its}) and {other} ({theirs}) answer the same subjects: each such message is \
                     handled by both; change one of the routes, or give both programs one service name"
                );
            }
        }
    }
}

async fn ask(bus: &nats::Bus) -> Result<Vec<bytes::Bytes>, BusError> {
    let subject = "$SRV.INFO".parse().expect("a fixed subject");
    let mut answers = match bus.request_many(Message::new(subject, "")).await {
        Ok(answers) => answers,
        Err(BusError::NoResponders { .. }) => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let over = system::Clock.sleep(PATIENCE);
    let infos = (&mut answers).take_until(over).filter_map(async |answer| answer.ok()).map(|answer| answer.payload);
    Ok(infos.collect().await)
}
