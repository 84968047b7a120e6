//! A service as others see it: the answers to `$SRV.PING`, `$SRV.INFO` and `$SRV.STATS` (NATS ADR-32), so that
//! `nats micro ls`, `info` and `stats` show it like any other.
//!
//! Each instance answers, on the bare subject, under its name, and under its name and id. Nothing of a question is looked at
//! but its subject and where the answer goes: into an inbox (`_INBOX.…`), or to another account that has imported the
//! question (`_R_.…`), nowhere else.

use std::sync::Arc;

use futures_util::{
    FutureExt, StreamExt,
    future::{BoxFuture, Either, join_all, select},
    stream::select_all,
};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use tokio::sync::watch;

use super::{
    AnswerType, PayloadType, RouteDescription, RouteStats, ServiceOptions, ServicePorts, StatsSnapshot,
    engine::plan::{Phase, next_phase},
};
use crate::{
    message::Message,
    ports::{Bus, Delivery, Rng, Subscription},
    subject::{Filter, Subject},
};

const VERBS: [&str; 3] = ["PING", "INFO", "STATS"];

/// What a service tells about itself.
pub(super) struct Visible {
    name: String,
    id: String,
    version: String,
    about: String,
    started: Timestamp,
    routes: Vec<(RouteDescription, Arc<RouteStats>)>,
    bus: Arc<dyn Bus>,
}

impl Visible {
    pub(super) fn new(
        options: &ServiceOptions,
        ports: &ServicePorts,
        routes: Vec<(RouteDescription, Arc<RouteStats>)>,
    ) -> Self {
        Self {
            name: options.name.to_string(),
            id: id(&*ports.rng),
            version: options.version.clone(),
            about: options.about.clone(),
            started: ports.clock.now(),
            routes,
            bus: Arc::clone(&ports.bus),
        }
    }

    /// Listens; gives what answers until the service is drained. A broker that does not let it listen is no reason not to
    /// run: the service is not seen, then.
    pub(super) async fn listen(self, phase: watch::Receiver<Phase>) -> BoxFuture<'static, ()> {
        let filters = VERBS.into_iter().flat_map(|verb| {
            [
                format!("$SRV.{verb}"),
                format!("$SRV.{verb}.{}", self.name),
                format!("$SRV.{verb}.{}.{}", self.name, self.id),
            ]
        });
        let subscribed =
            filters.filter_map(|text| text.parse::<Filter>().ok()).map(|filter| self.bus.subscribe(filter, None));
        let mut heard: Vec<Subscription> = Vec::new();
        for subscription in join_all(subscribed).await {
            match subscription {
                Ok(subscription) => heard.push(subscription),
                Err(error) => tracing::warn!(%error, "the service cannot be seen by `nats micro`"),
            }
        }
        self.run(heard, phase).boxed()
    }

    async fn run(self, heard: Vec<Subscription>, phase: watch::Receiver<Phase>) {
        let mut heard = select_all(heard);
        let mut end = next_phase(phase, Phase::Running).boxed();
        loop {
            match select(heard.next(), end).await {
                Either::Left((Some(delivery), running)) => {
                    end = running;
                    self.answer(delivery).await;
                }
                Either::Left((None, _)) | Either::Right(_) => return,
            }
        }
    }

    async fn answer(&self, delivery: Delivery) {
        let Ok(question) = delivery else { return };
        let Some(reply) = question.reply.filter(|reply| reply.is_under("_INBOX") || reply.is_under("_R_")) else {
            return;
        };
        let Some(told) = self.tell(&question.subject) else { return };
        if let Err(error) = self.bus.publish(Message::new(reply, told.to_string())).await {
            tracing::warn!(%error, "an answer to `nats micro` could not be sent");
        }
    }

    fn tell(&self, subject: &Subject) -> Option<Value> {
        let mut told = json!({
            "name": self.name,
            "id": self.id,
            "version": self.version,
            "metadata": {},
        });
        let more = match subject.tokens().nth(1)? {
            "PING" => json!({ "type": "io.nats.micro.v1.ping_response" }),
            "INFO" => json!({
                "type": "io.nats.micro.v1.info_response",
                "description": self.about,
                "endpoints": self.routes.iter().map(|(route, _)| self.info(route)).collect::<Vec<_>>(),
            }),
            "STATS" => json!({
                "type": "io.nats.micro.v1.stats_response",
                "started": self.started.to_string(),
                "endpoints": self.routes.iter().map(|(route, stats)| self.stats(route, &stats.snapshot())).collect::<Vec<_>>(),
            }),
            _ => return None,
        };
        if let (Value::Object(told), Value::Object(more)) = (&mut told, more) {
            told.extend(more);
        }
        Some(told)
    }

    fn endpoint(&self, route: &RouteDescription) -> Map<String, Value> {
        let queue = if route.broadcast { "" } else { &self.name };
        let mut endpoint = Map::new();
        endpoint.insert("name".to_owned(), route.name.clone().into());
        endpoint.insert("subject".to_owned(), route.filter.clone().into());
        endpoint.insert("queue_group".to_owned(), queue.into());
        endpoint
    }

    fn info(&self, route: &RouteDescription) -> Value {
        let mut metadata = Map::new();
        let mut tell = |name: &str, value: String| metadata.insert(name.to_owned(), value.into());
        tell("pattern", route.pattern.clone());
        tell(
            "request",
            match route.signature.payload {
                PayloadType::None => "(any)".to_owned(),
                PayloadType::Bytes => "bytes".to_owned(),
                PayloadType::Message(path) => short(path),
            },
        );
        tell(
            "answer",
            match route.signature.answer {
                _ if route.signature.by_hand => "(by hand)".to_owned(),
                AnswerType::Empty => "(empty)".to_owned(),
                AnswerType::Bytes => "bytes".to_owned(),
                AnswerType::Message(path) => short(path),
                AnswerType::ManyBytes => "many of bytes".to_owned(),
                AnswerType::ManyMessages(path) => format!("many of {}", short(path)),
            },
        );
        if let Some(about) = &route.about {
            tell("about", about.clone());
        }
        let mut endpoint = self.endpoint(route);
        endpoint.insert("metadata".to_owned(), metadata.into());
        endpoint.into()
    }

    fn stats(&self, route: &RouteDescription, stats: &StatsSnapshot) -> Value {
        let nanos = |time: Option<std::time::Duration>| {
            time.map_or(0, |time| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX))
        };
        let quantile = |share| format!("{:?}", stats.times.quantile(share).unwrap_or_default());
        let mut endpoint = self.endpoint(route);
        let more = json!({
            "num_requests": stats.handled + stats.panics + stats.timeouts + stats.overloads + stats.turned_away,
            "num_errors": stats.faults,
            "last_error": stats.last_error.clone().unwrap_or_default(),
            "processing_time": nanos(Some(stats.times.sum)),
            "average_processing_time": nanos(stats.times.mean()),
            "data": {
                "p50": quantile(0.5),
                "p95": quantile(0.95),
                "p99": quantile(0.99),
                "in_flight": stats.in_flight,
                "waiting": stats.waiting,
                "panics": stats.panics,
                "timeouts": stats.timeouts,
                "overloads": stats.overloads,
                "turned_away": stats.turned_away,
                "refused": stats.refused,
                "unanswered": stats.unanswered,
                "unsent": stats.unsent,
                "abandoned": stats.abandoned,
            },
        });
        if let Value::Object(more) = more {
            endpoint.extend(more);
        }
        endpoint.into()
    }
}

/// A name that no other instance has.
fn id(rng: &dyn Rng) -> String {
    let mut random = [0_u8; 15];
    rng.fill(&mut random);
    data_encoding::BASE32_NOPAD.encode(&random)
}

/// The name of a type without the path to it.
fn short(path: &str) -> String {
    path.rsplit("::").next().unwrap_or(path).to_owned()
}
