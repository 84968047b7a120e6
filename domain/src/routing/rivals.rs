//! Services that take each other's messages for their own: different services with routes for one subject.
//!
//! Each service has a queue group of its own, so a message to both is handled by both, and its caller takes whichever answer
//! comes first. The broker sees nothing wrong in that; who looks at what services tell of themselves (NATS ADR-32) does.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::subject::Filter;

/// Two services that both answer some subject.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rivals {
    /// One service, and the subject of its endpoint.
    pub one: (String, String),
    /// The other, whose name is later in the alphabet.
    pub other: (String, String),
}

#[derive(Deserialize)]
struct Info {
    name: String,
    #[serde(default)]
    endpoints: Vec<Endpoint>,
}

#[derive(Deserialize)]
struct Endpoint {
    subject: String,
    #[serde(default)]
    queue_group: String,
}

/// Finds rivals among the answers to `$SRV.INFO`, in a fixed order. An answer that cannot be read is left out. Who has no queue
/// group wants every message beside others, and is nobody's rival.
///
/// ```
/// use relais_domain::routing::rivals;
/// let relais = br#"{"name": "relais", "endpoints": [{"subject": "from.*.echo", "queue_group": "relais"}]}"#;
/// let shop = br#"{"name": "shop", "endpoints": [{"subject": "from.*.>", "queue_group": "shop"}]}"#;
/// assert_eq!(rivals([&relais[..], &shop[..]]).len(), 1);
/// assert!(rivals([&relais[..], &relais[..]]).is_empty(), "instances of one service share its messages");
/// ```
pub fn rivals<'a>(infos: impl IntoIterator<Item = &'a [u8]>) -> BTreeSet<Rivals> {
    let mut claims: BTreeSet<(String, String)> = BTreeSet::new();
    for info in infos.into_iter().filter_map(|text| serde_json::from_slice::<Info>(text).ok()) {
        let own = info.endpoints.into_iter().filter(|endpoint| !endpoint.queue_group.is_empty());
        claims.extend(own.map(|endpoint| (info.name.clone(), endpoint.subject)));
    }
    let mut found = BTreeSet::new();
    for one in &claims {
        let Ok(filter) = one.1.parse::<Filter>() else { continue };
        for other in claims.iter().filter(|other| other.0 > one.0) {
            if other.1.parse().is_ok_and(|other: Filter| other.overlaps(&filter)) {
                found.insert(Rivals { one: one.clone(), other: other.clone() });
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(name: &str, endpoints: &[(&str, &str)]) -> Vec<u8> {
        let endpoints: Vec<_> = endpoints
            .iter()
            .map(|(subject, queue)| serde_json::json!({"subject": subject, "queue_group": queue}))
            .collect();
        serde_json::json!({"name": name, "endpoints": endpoints}).to_string().into_bytes()
    }

    fn found(infos: &[Vec<u8>]) -> Vec<(String, String)> {
        rivals(infos.iter().map(Vec::as_slice)).into_iter().map(|pair| (pair.one.1, pair.other.1)).collect()
    }

    #[test]
    fn services_that_share_a_subject_are_found_once_however_many_instances_there_are() {
        let relais = info("relais", &[("from.*.echo", "relais"), ("from.*.ping", "relais")]);
        let shop = info("shop", &[("from.*.orders.>", "shop"), ("from.*.echo", "shop")]);
        let both = [shop.clone(), relais.clone(), relais.clone(), shop.clone()];
        assert_eq!(found(&both), [("from.*.echo".to_owned(), "from.*.echo".to_owned())]);
        assert!(found(&[relais.clone(), relais]).is_empty() && found(&[shop]).is_empty());
    }

    #[test]
    fn who_only_listens_or_cannot_be_read_is_nobodys_rival() {
        let relais = info("relais", &[("from.*.echo", "relais")]);
        let listens = info("audit", &[("from.>", "")]);
        let odd = info("odd", &[("from..echo", "odd")]);
        let broken = [b"{".to_vec(), b"[]".to_vec(), br#"{"endpoints": 7}"#.to_vec(), br#"{"name": "x"}"#.to_vec()];
        assert!(found(&[[relais, listens, odd].as_slice(), &broken].concat()).is_empty());
    }
}
