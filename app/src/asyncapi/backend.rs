//! The whole backend: its built-in routes beside those of a program, and what it sends to users.

use relais_domain::{
    peers::{Peers, Tickets},
    routing::PayloadType,
};
use relais_proto::v1::PingRequest;

use super::AsyncApi;
use crate::{
    services,
    settings::{Reach, Settings},
};

impl AsyncApi {
    /// Of the whole backend with these settings: its built-in routes beside those of the router, its name and version,
    /// where clients find it, and what it sends to users (feature `server`).
    ///
    /// ```
    /// use relais::{AsyncApi, Settings, prelude::*};
    ///
    /// let document = AsyncApi::backend(&Settings::default()).document(&Router::new())?;
    /// assert!(document.json().contains("from.{user}.tell.{peer}.{rest}"));
    /// # Ok::<(), relais::Error>(())
    /// ```
    pub fn backend(settings: &Settings) -> Self {
        let examples = settings.examples.unwrap_or(settings.nats.url.is_empty());
        // A description asks no policy and opens no ticket.
        let peers = Peers::new(Tickets::new(&[0; 32]));
        let mut own = Self::new(settings.service.name.to_string())
            .version(settings.service.version.clone())
            .about(settings.service.about.clone())
            .send("to.{peer}.from.{user}.{rest..}", PayloadType::None, told(settings))
            .send("topic.{topic}.{user}", PayloadType::None, spoken(settings));
        if examples {
            own = own.sends::<PingRequest>(
                "to.{destination}.ping",
                "What a user has sent to another by the route ping; its origin is set by the server",
            );
        }
        own = servers(settings).into_iter().fold(own, Self::server);
        own.beside = Some(services::built_in(peers, examples));
        own
    }
}

fn told(settings: &Settings) -> String {
    let closed = "; nobody may, because the setting `peers` is `none`";
    format!(
        "What a user tells another by the route tell{}. Who is asked answers by what a NATS client calls `respond`, within a \
         minute; the answer reaches the asker with the header `Relais-From`, which a fault of the server does not have",
        if settings.peers == Some(Reach::None) { closed } else { "" }
    )
}

fn spoken(settings: &Settings) -> String {
    let names: Vec<_> = settings.topics.iter().map(|topic| format!("`{topic}`")).collect();
    let topics =
        if names.is_empty() { "none, until the setting `topics` names some".to_owned() } else { names.join(", ") };
    format!("What a user says to everybody who listens, by the route topic. The topics: {topics}")
}

/// Where clients find the broker, as far as the settings tell: a port of 0 is known only when it runs.
fn servers(settings: &Settings) -> Vec<String> {
    let nats = &settings.nats;
    let child = |scheme: &str, listen: std::net::SocketAddr| {
        (nats.url.is_empty() && listen.port() != 0).then(|| format!("{scheme}://{listen}"))
    };
    let or = |set: &[String], own: Vec<String>| if set.is_empty() { own } else { set.to_vec() };
    let external = nats.url.iter().map(ToString::to_string);
    let mut servers = or(&nats.public_urls, external.chain(child("nats", nats.listen)).collect());
    servers.extend(or(&nats.public_websocket, child("ws", nats.websocket).into_iter().collect()));
    servers
}

#[cfg(test)]
mod tests {
    use relais_domain::routing::Router;
    use serde_json::Value;

    use super::*;

    fn described(settings: &Settings) -> Value {
        let document = AsyncApi::backend(settings).document(&Router::new()).unwrap();
        assert_eq!(document.notes(), Vec::<String>::new());
        serde_json::from_str(document.json()).unwrap()
    }

    fn keys(value: &Value) -> Vec<&str> {
        value.as_object().unwrap().keys().map(String::as_str).collect()
    }

    #[test]
    fn the_settings_decide_what_is_there() {
        let all = described(&Settings::default());
        let mut operations = vec!["answer", "echo", "echo-cached", "echo-identified", "ping", "tell", "topic"];
        operations.extend(["to-destination-ping", "to-peer-from-user-rest", "topic-topic-user"]);
        operations.sort_unstable();
        assert_eq!(keys(&all["operations"]), operations);
        let mut settings = Settings { examples: Some(false), peers: Some(Reach::None), ..Settings::default() };
        settings.topics = vec!["news".parse().unwrap(), "weather".parse().unwrap()];
        settings.service.version = "7.0.0".to_owned();
        let some = described(&settings);
        operations.retain(|name| !name.contains("echo") && !name.contains("ping"));
        assert_eq!(keys(&some["operations"]), operations);
        assert_eq!(some["info"]["version"], "7.0.0");
        assert!(some.to_string().contains("The topics: `news`, `weather`"));
        assert!(some.to_string().contains("`peers` is `none`") && !all.to_string().contains("`peers` is `none`"));
    }

    #[test]
    fn clients_are_told_the_public_addresses_and_no_secret() {
        let mut settings = Settings::default();
        let own = described(&settings);
        assert_eq!(own["servers"]["nats"]["host"], "127.0.0.1:4222");
        assert_eq!(own["servers"]["websocket"]["host"], "127.0.0.1:9222");
        settings.nats.listen.set_port(0);
        settings.nats.websocket.set_port(0);
        assert_eq!(described(&settings)["servers"]["nats"]["host"], "{host}");
        settings.nats.url = vec!["nats://user:hunter2@broker.internal:4222".into()];
        let external = described(&settings)["servers"].to_string();
        assert!(external.contains("broker.internal") && !external.contains("hunter2"), "{external}");
        settings.nats.public_urls = vec!["tls://nats.example.org".to_owned()];
        settings.nats.public_websocket = vec!["wss://nats.example.org/ws".to_owned()];
        let public = described(&settings)["servers"].to_string();
        assert!(public.contains("wss") && !public.contains("internal"), "{public}");
    }
}
