//! Where things are: the broker, for us and for clients, and the database.

use std::path::Path;

use relais_adapters::nats_server;

use crate::settings::Settings;

/// Where the broker is, for us and for clients.
pub(super) struct Addresses {
    pub(super) ours: Vec<String>,
    pub(super) servers: Vec<String>,
    pub(super) websocket: Vec<String>,
}

impl Addresses {
    pub(super) fn of(settings: &Settings, broker: Option<&nats_server::Server>) -> Self {
        let or = |set: &[String], own: Vec<String>| if set.is_empty() { own } else { set.to_vec() };
        let (ours, shown, websocket) = match broker {
            Some(broker) => {
                let url = format!("nats://{}", broker.listen());
                (vec![url.clone()], vec![url], vec![format!("ws://{}", broker.websocket())])
            }
            None => {
                let ours = settings.nats.url.iter().map(|url| url.expose().to_owned()).collect();
                (ours, settings.nats.url.iter().map(ToString::to_string).collect(), Vec::new())
            }
        };
        Self {
            ours,
            servers: or(&settings.nats.public_urls, shown),
            websocket: or(&settings.nats.public_websocket, websocket),
        }
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
        let addresses = Addresses::of(&settings, None);
        assert_eq!(addresses.ours, ["nats://user:hunter2@broker.internal:4222"]);
        assert!(!addresses.servers[0].contains("hunter2"), "{:?}", addresses.servers);
        settings.nats.public_urls = vec!["tls://nats.example.org".to_owned()];
        assert_eq!(Addresses::of(&settings, None).servers, ["tls://nats.example.org"]);
    }

    #[test]
    fn a_path_with_odd_characters_is_one_url() {
        assert_eq!(sqlite_url(Path::new("/a b/50%?#.db")), "sqlite:///a%20b/50%25%3F%23.db?mode=rwc");
    }
}
