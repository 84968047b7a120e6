//! The streams of an installation: what they are called and what they capture.
//!
//! Names are fixed here and nowhere else, so that permissions can name them before they exist, and so that one rule can
//! be checked: [`gate`], *no subject that a user may publish to is captured by any stream*.

use crate::{
    credentials::{Grantee, permissions},
    identity::ServiceName,
    subject::Filter,
};

/// Messages that wait for devices.
pub const OUT: &str = "OUT";
/// What [`OUT`] captures.
pub const OUT_SUBJECTS: &str = "out.>";

/// The stream of durable messages to a service.
#[must_use]
pub fn inbound(service: &ServiceName) -> String {
    format!("IN_{service}")
}

/// What [`inbound`] captures.
#[must_use]
pub fn inbound_subjects(service: &ServiceName) -> String {
    format!("in.{service}.>")
}

/// The stream of a service's dead letters.
#[must_use]
pub fn dead(service: &ServiceName) -> String {
    format!("DEAD_{service}")
}

/// What [`dead`] captures.
#[must_use]
pub fn dead_subjects(service: &ServiceName) -> String {
    format!("dead.{service}.>")
}

/// The key-value bucket of a service's cache.
#[must_use]
pub fn cache_bucket(service: &ServiceName) -> String {
    format!("{service}_cache")
}

/// The stream behind [`cache_bucket`] (NATS ADR-8).
#[must_use]
pub fn cache(service: &ServiceName) -> String {
    format!("KV_{}", cache_bucket(service))
}

/// What [`cache`] captures.
#[must_use]
pub fn cache_subjects(service: &ServiceName) -> String {
    format!("$KV.{}.>", cache_bucket(service))
}

/// A stream would capture what somebody from outside may publish.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "a stream on {stream} would capture {publish}, which users may publish to; JetStream answers in its own name, past \
     every permission, so users must never reach a stream: choose subjects under in., out., dead. or $KV."
)]
pub struct Captured {
    /// What the stream captures.
    pub stream: String,
    /// What may be published.
    pub publish: String,
}

/// Whether a stream on `subjects` keeps out of reach of everybody but services and the provisioner: users (by
/// [`permissions::user_role`]), persons and the issuer.
///
/// # Errors
/// [`Captured`] names the two subjects that meet.
pub fn gate(subjects: &[Filter]) -> Result<(), Captured> {
    let name = "x".parse::<ServiceName>().expect("a letter is a service name");
    let mut publish = permissions::user_role().publish.allow;
    publish.extend(permissions::of(&Grantee::Operator { name }).publish);
    publish.extend(permissions::of(&Grantee::Issuer).publish);
    captured(subjects, &publish)
}

/// Whether none of `subjects` overlaps any entry of a role's `publish` list, in which `{{…}}` stands for any token.
///
/// # Errors
/// [`Captured`] names the two subjects that meet; an entry that is no subject counts as meeting.
pub fn captured(subjects: &[Filter], publish: &[String]) -> Result<(), Captured> {
    for entry in publish {
        let tokens = entry.split('.').map(|token| if token.contains("{{") { "*" } else { token });
        let filter = tokens.collect::<Vec<_>>().join(".").parse::<Filter>();
        for subject in subjects {
            if !filter.as_ref().is_ok_and(|filter| !filter.overlaps(subject)) {
                return Err(Captured { stream: subject.to_string(), publish: entry.clone() });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filters(texts: &[&str]) -> Vec<Filter> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn our_own_streams_pass_the_gate() {
        for service in ["relais", "shop"] {
            let service = service.parse().unwrap();
            let ours = [inbound_subjects(&service), dead_subjects(&service), cache_subjects(&service)];
            gate(&ours.map(|text| text.parse().unwrap())).unwrap();
        }
        gate(&filters(&[OUT_SUBJECTS])).unwrap();
    }

    #[test]
    fn a_stream_within_a_users_reach_does_not() {
        for subject in ["from.>", "from.*.orders", "*.ada.orders", ">", "*.>", "from.ada.x", "$SRV.>", "$JS.API.INFO"] {
            let error = gate(&filters(&["in.x.>", subject])).unwrap_err();
            assert_eq!(error.stream, subject);
        }
    }

    #[test]
    fn a_role_with_more_is_judged_by_all_it_has() {
        let publish = ["from.{{tag(user)}}.>", "in.{{tag(user)}}.x"].map(str::to_owned);
        assert!(captured(&filters(&["in.>"]), &publish).is_err());
        assert!(captured(&filters(&["out.>"]), &publish).is_ok());
        assert!(captured(&filters(&["out.>"]), &["odd subject".to_owned()]).is_err());
    }
}
