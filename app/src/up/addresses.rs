//! Where things are: the broker, for us and for clients, and the database.

use std::path::Path;

use relais_adapters::nats_server;

use crate::{
    error::Result,
    serve::{self, Brokers},
    settings::Settings,
};

/// Where the broker is, for us and for clients.
pub(super) struct Addresses {
    pub(super) ours: Brokers,
    pub(super) servers: Vec<String>,
    pub(super) websocket: Vec<String>,
}

impl Addresses {
    /// With a certificate of the child's, all of its addresses say so, also those that were set without.
    pub(super) fn of(settings: &Settings, broker: Option<&nats_server::Server>) -> Result<Self> {
        let encrypted = broker.is_some() && settings.nats.tls_cert.is_some();
        let or = |set: &[String], own: Vec<String>| match set {
            [] => own,
            set if encrypted => set.iter().map(|url| with_tls(url)).collect(),
            set => set.to_vec(),
        };
        let (servers, shown, websocket) = match broker {
            Some(broker) => {
                let [nats, ws] = if encrypted { ["tls", "wss"] } else { ["nats", "ws"] };
                let url = format!("{nats}://{}", broker.listen());
                (vec![url.clone()], vec![url], vec![format!("{ws}://{}", broker.websocket())])
            }
            None => {
                let ours = settings.nats.url.iter().map(|url| url.expose().to_owned()).collect();
                (ours, settings.nats.url.iter().map(ToString::to_string).collect(), Vec::new())
            }
        };
        if settings.nats.public_urls.is_empty() && broker.is_some_and(|own| own.listen().ip().is_unspecified()) {
            tracing::warn!(told = %shown.join(", "), "clients are told an address that leads nowhere; set nats.public_urls");
        }
        Ok(Self {
            ours: Brokers { servers, security: serve::security(settings)? },
            servers: or(&settings.nats.public_urls, shown),
            websocket: or(&settings.nats.public_websocket, websocket),
        })
    }
}

/// `tls://` for `nats://`, `wss://` for `ws://`.
fn with_tls(url: &str) -> String {
    match url.split_once("://") {
        Some(("nats", rest)) => format!("tls://{rest}"),
        Some(("ws", rest)) => format!("wss://{rest}"),
        _ => url.to_owned(),
    }
}

/// The URL of an SQLite file, with what a URL cannot hold escaped.
pub(super) fn sqlite_url(path: &Path) -> String {
    let mut url = "sqlite://".to_owned();
    for character in path.to_string_lossy().chars() {
        match character {
            '%' => url.push_str("%25"),
            '?' => url.push_str("%3F"),
            '#' => url.push_str("%23"),
            ' ' => url.push_str("%20"),
            other => url.push(other),
        }
    }
    url + "?mode=rwc"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_are_told_the_public_addresses_and_no_secret() {
        let mut settings = Settings::default();
        settings.nats.url = vec!["nats://user:hunter2@broker.internal:4222".into()];
        let addresses = Addresses::of(&settings, None).unwrap();
        assert_eq!(addresses.ours.servers, ["nats://user:hunter2@broker.internal:4222"]);
        assert!(!addresses.servers[0].contains("hunter2"), "{:?}", addresses.servers);
        settings.nats.public_urls = vec!["tls://nats.example.org".to_owned()];
        assert_eq!(Addresses::of(&settings, None).unwrap().servers, ["tls://nats.example.org"]);
    }

    #[test]
    fn an_address_of_a_broker_with_a_certificate_says_so() {
        for (set, told) in [
            ("nats://nats.example.org:4222", "tls://nats.example.org:4222"),
            ("ws://nats.example.org", "wss://nats.example.org"),
            ("tls://a", "tls://a"),
            ("wss://a", "wss://a"),
        ] {
            assert_eq!(with_tls(set), told);
        }
    }

    #[test]
    fn a_path_with_odd_characters_is_one_url() {
        assert_eq!(sqlite_url(Path::new("/a b/50%?#.db")), "sqlite:///a%20b/50%25%3F%23.db?mode=rwc");
    }
}
