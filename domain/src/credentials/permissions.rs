//! The table of DESIGN §4: what each kind of credential may publish and listen to.
//!
//! Allow-lists only, and both always written. Whoever widens one repeats the attacks that the list was tried with.
//! The same table is written a second time in the tests, as rules (`contract::matrix`), and every entry tried at a real
//! broker; a change here is red until it is made there.
//!
//! nats-server compares the `>` at the end of a subscription like any other token, so who may listen to `topic.news.*` may
//! listen to `topic.news.>` as well (tried on 2.15). Where nobody can publish deeper, as here, that is the same.
//!
//! | credential | in short |
//! |---|---|
//! | a device of a user | speaks under `from.{user}.`, hears `to.{user}.` and its own inbox; no `$JS`, `$KV`, `$SYS` |
//! | a service | answers and tells users, writes and reads *its own* streams; cannot speak as a user (`from.>`) |
//! | the provisioner | the JetStream API, for minutes |
//! | the issuer | accounts and connections, in the system account |
//! | a person who operates | looks at services and streams from `OPS`, changes nothing |

use crate::{
    credentials::{Access, Grantee, NO_LIMIT, Permission, ResponseKind, UserLimits, streams},
    identity::{ServiceName, Topic, UserId},
    subject::Filter,
};

/// What a credential may publish and listen to, as nats-server writes permissions: subjects with wildcards; an entry of
/// `subscribe` may end in a space and a queue group, and then holds in that group only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permissions {
    /// What it may publish to.
    pub publish: Vec<String>,
    /// What it may listen to.
    pub subscribe: Vec<String>,
}

/// The role of ordinary users: the name of its scope.
pub const USER_ROLE: &str = "user";

/// How users connect; leaf nodes and MQTT are not among it.
pub const CONNECTION_TYPES: [&str; 2] = ["STANDARD", "WEBSOCKET"];

/// The largest message of a user, in bytes.
pub const USER_PAYLOAD: i64 = 512 * 1024;

/// The most subscriptions of one connection of a user.
pub const USER_SUBSCRIPTIONS: i64 = 64;

/// What the subjects of topics begin with.
pub(super) const TOPICS: &str = "topic.";

/// The service that reads [`streams::OUT`] for devices that come back.
const APPLICATION_SERVER: &str = "relais";

/// What persons in `OPS` see of the application account, and how many answer.
///
/// The `$SRV` subjects are answered by every instance of every service, so they are streams of answers: with
/// `Singleton` nats-server would let the first answer through and no other, and `nats micro ls` would see one service.
pub(super) const OPERATIONS_VIEW: [(&str, ResponseKind); 13] = [
    ("$SRV.PING", ResponseKind::Stream),
    ("$SRV.PING.>", ResponseKind::Stream),
    ("$SRV.INFO", ResponseKind::Stream),
    ("$SRV.INFO.>", ResponseKind::Stream),
    ("$SRV.STATS", ResponseKind::Stream),
    ("$SRV.STATS.>", ResponseKind::Stream),
    ("$JS.API.INFO", ResponseKind::Singleton),
    ("$JS.API.STREAM.NAMES", ResponseKind::Singleton),
    ("$JS.API.STREAM.LIST", ResponseKind::Singleton),
    ("$JS.API.STREAM.INFO.*", ResponseKind::Singleton),
    ("$JS.API.CONSUMER.NAMES.*", ResponseKind::Singleton),
    ("$JS.API.CONSUMER.LIST.*", ResponseKind::Singleton),
    ("$JS.API.CONSUMER.INFO.*.*", ResponseKind::Singleton),
];

/// A service asked to listen where services may not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a service may not listen to {0}: its routes begin with from.* (from.{{user}}.… in a pattern)")]
pub struct NotARoute(pub String);

/// What `grantee` may publish and listen to.
///
/// For a device, or a user of a role, this is what [`user_role`] becomes for its user. Routes of a service that do not begin with `from.*.`
/// are left out; [`check`] names them.
#[must_use]
pub fn of(grantee: &Grantee) -> Permissions {
    let inbox = format!("{}.>", grantee.inbox_prefix());
    match grantee {
        Grantee::Device { user, .. } => user_permissions(user.as_str()),
        Grantee::User { name, access: Access::Role(_) } => user_permissions(name.as_str()),
        Grantee::User { access: Access::Lists(lists), .. } => lists.clone(),
        Grantee::Service { name, routes } => {
            let mut subscribe: Vec<String> =
                routes.iter().map(Filter::as_str).filter(|r| is_route(r)).map(|r| format!("{r} {name}")).collect();
            for verb in ["PING", "INFO", "STATS"] {
                subscribe.extend(
                    ["".to_owned(), format!(".{name}"), format!(".{name}.*")].map(|t| format!("$SRV.{verb}{t}")),
                );
            }
            subscribe.push(inbox);
            Permissions { publish: service_publishes(name), subscribe }
        }
        Grantee::Provisioner => Permissions { publish: vec!["$JS.API.>".to_owned()], subscribe: vec![inbox] },
        Grantee::Issuer => Permissions {
            publish: [
                "$SYS.REQ.CLAIMS.UPDATE",
                "$SYS.REQ.SERVER.*.KICK",
                "$SYS.REQ.ACCOUNT.*.CLAIMS.LOOKUP",
                "$SYS.REQ.ACCOUNT.*.INFO",
                "$SYS.REQ.SERVER.PING.STATSZ",
            ]
            .map(str::to_owned)
            .to_vec(),
            subscribe: vec![inbox],
        },
        Grantee::Operator { .. } => Permissions {
            publish: OPERATIONS_VIEW.iter().map(|(subject, _)| (*subject).to_owned()).collect(),
            subscribe: vec![inbox],
        },
    }
}

impl Permissions {
    /// The same, for somebody who also hears these topics.
    #[must_use]
    pub fn hearing(mut self, topics: &[Topic]) -> Self {
        self.subscribe.extend(topics.iter().map(topic));
        self
    }
}

/// What hearing a topic takes: `topic.{topic}.*`, whoever speaks.
#[must_use]
pub fn topic(topic: &Topic) -> String {
    format!("{TOPICS}{topic}.*")
}

/// Whether every route of a service is one that a service may have.
///
/// # Errors
/// [`NotARoute`] names the first that is not.
pub fn check(grantee: &Grantee) -> Result<(), NotARoute> {
    let Grantee::Service { routes, .. } = grantee else { return Ok(()) };
    match routes.iter().find(|route| !is_route(route.as_str())) {
        Some(route) => Err(NotARoute(route.to_string())),
        None => Ok(()),
    }
}

/// The scope of the role `user`: what all ordinary users may do, each under its own name.
///
/// `{{tag(user)}}` stands for the value of the user's one tag `user:…`. nats-server believes any tag, so what writes
/// it, [`crate::credentials::user_to_sign`], is the only place where a user JWT is made.
#[must_use]
pub fn user_role() -> UserLimits {
    role(user_permissions("{{tag(user)}}"))
}

/// The scope of a role with these lists; everything else is as in the role `user`.
#[must_use]
pub fn role(permissions: Permissions) -> UserLimits {
    UserLimits { subs: USER_SUBSCRIPTIONS, payload: USER_PAYLOAD, ..limits(permissions) }
}

/// The limits of a user that no scope holds for: its own lists, and no other limits but how it connects.
#[must_use]
pub fn limits(permissions: Permissions) -> UserLimits {
    UserLimits {
        publish: Permission::only(permissions.publish),
        subscribe: Permission::only(permissions.subscribe),
        subs: NO_LIMIT,
        data: NO_LIMIT,
        payload: NO_LIMIT,
        allowed_connection_types: CONNECTION_TYPES.map(str::to_owned).to_vec(),
        ..UserLimits::default()
    }
}

/// Whether two templates mean the same: in which order lists stand means nothing.
#[must_use]
pub fn alike(one: &UserLimits, other: &UserLimits) -> bool {
    let settled = |limits: &UserLimits| {
        let mut limits = limits.clone();
        for list in [&mut limits.publish, &mut limits.subscribe] {
            list.allow.sort();
            list.deny.sort();
        }
        limits
    };
    settled(one) == settled(other)
}

/// What a user of this id may do, as an ordinary one.
#[must_use]
pub fn of_user(user: &UserId) -> Permissions {
    user_permissions(user.as_str())
}

fn user_permissions(user: &str) -> Permissions {
    Permissions {
        publish: vec![format!("from.{user}.>")],
        subscribe: vec![format!("to.{user}.>"), format!("_INBOX.{user}.>")],
    }
}

fn service_publishes(name: &ServiceName) -> Vec<String> {
    let (inbound, dead, cache) = (streams::inbound(name), streams::dead(name), streams::cache(name));
    // `_R_.>` is where nats-server awaits answers to requests that come from another account.
    let mut publish: Vec<String> = ["to.>", "out.>", "topic.*.*", "_INBOX.*.>", "_R_.>"].map(str::to_owned).to_vec();
    publish.extend([streams::inbound_subjects(name), streams::dead_subjects(name), streams::cache_subjects(name)]);
    publish.extend([&inbound, &dead, &cache].map(|stream| format!("$JS.API.STREAM.INFO.{stream}")));
    publish.extend([&inbound, &dead].map(|stream| format!("$JS.API.CONSUMER.INFO.{stream}.*")));
    publish.push(format!("$JS.API.CONSUMER.MSG.NEXT.{inbound}.*"));
    // nats-server's feature flag `js_ack_fc_v2` (off in 2.15) puts domain and account in front of the stream. To allow
    // that too, as `$JS.ACK.*.*.{stream}.>`, would allow acks of every other stream in the old form.
    publish.push(format!("$JS.ACK.{inbound}.>"));
    publish.push(format!("$JS.API.DIRECT.GET.{cache}"));
    publish.push(format!("$JS.API.DIRECT.GET.{cache}.>"));
    if name.as_str() == APPLICATION_SERVER {
        let out = streams::OUT;
        publish.extend(["STREAM.INFO.", "STREAM.MSG.GET.", "DIRECT.GET."].map(|verb| format!("$JS.API.{verb}{out}")));
        publish.push(format!("$JS.API.DIRECT.GET.{out}.>"));
    }
    publish
}

/// Whether a service may listen there.
pub(super) fn is_route(route: &str) -> bool {
    route.starts_with("from.*.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credentials::UserLimits;

    fn service(name: &str, routes: &[&str]) -> Grantee {
        let routes = routes.iter().map(|route| route.parse().unwrap()).collect();
        Grantee::Service { name: name.parse().unwrap(), routes }
    }

    fn device() -> Grantee {
        Grantee::Device {
            user: "ada".parse().unwrap(),
            device: "d1".parse().unwrap(),
            role: USER_ROLE.parse().unwrap(),
        }
    }

    fn every() -> Vec<Grantee> {
        let name = "nina".parse().unwrap();
        vec![
            device(),
            service("relais", &["from.*.>"]),
            service("shop", &["from.*.shop.>"]),
            Grantee::Provisioner,
            Grantee::Issuer,
            Grantee::Operator { name },
        ]
    }

    #[test]
    fn a_user_speaks_and_hears_under_its_own_name_only() {
        let own = of(&device());
        assert_eq!(own.publish, ["from.ada.>"]);
        assert_eq!(own.subscribe, ["to.ada.>", "_INBOX.ada.>"]);
    }

    #[test]
    fn the_role_is_the_users_list_with_the_tag_for_the_name() {
        let UserLimits { publish, subscribe, subs, payload, data, allowed_connection_types, bearer_token, .. } =
            user_role();
        assert_eq!(publish.allow, ["from.{{tag(user)}}.>"]);
        assert_eq!(subscribe.allow, ["to.{{tag(user)}}.>", "_INBOX.{{tag(user)}}.>"]);
        assert_eq!((subs, payload, data), (64, 524_288, -1));
        assert_eq!(allowed_connection_types, ["STANDARD", "WEBSOCKET"]);
        assert!(!bearer_token);
        let filled = |list: &[String]| list.iter().map(|s| s.replace("{{tag(user)}}", "ada")).collect::<Vec<_>>();
        assert_eq!(filled(&publish.allow), of(&device()).publish);
        assert_eq!(filled(&subscribe.allow), of(&device()).subscribe);
    }

    #[test]
    fn the_application_server_has_its_row() {
        let own = of(&service("relais", &["from.*.>", "from.*.echo"]));
        assert_eq!(
            own.publish,
            [
                "to.>",
                "out.>",
                "topic.*.*",
                "_INBOX.*.>",
                "_R_.>",
                "in.relais.>",
                "dead.relais.>",
                "$KV.relais_cache.>",
                "$JS.API.STREAM.INFO.IN_relais",
                "$JS.API.STREAM.INFO.DEAD_relais",
                "$JS.API.STREAM.INFO.KV_relais_cache",
                "$JS.API.CONSUMER.INFO.IN_relais.*",
                "$JS.API.CONSUMER.INFO.DEAD_relais.*",
                "$JS.API.CONSUMER.MSG.NEXT.IN_relais.*",
                "$JS.ACK.IN_relais.>",
                "$JS.API.DIRECT.GET.KV_relais_cache",
                "$JS.API.DIRECT.GET.KV_relais_cache.>",
                "$JS.API.STREAM.INFO.OUT",
                "$JS.API.STREAM.MSG.GET.OUT",
                "$JS.API.DIRECT.GET.OUT",
                "$JS.API.DIRECT.GET.OUT.>",
            ]
        );
        assert_eq!(
            own.subscribe,
            [
                "from.*.> relais",
                "from.*.echo relais",
                "$SRV.PING",
                "$SRV.PING.relais",
                "$SRV.PING.relais.*",
                "$SRV.INFO",
                "$SRV.INFO.relais",
                "$SRV.INFO.relais.*",
                "$SRV.STATS",
                "$SRV.STATS.relais",
                "$SRV.STATS.relais.*",
                "_SVC.relais.>",
            ]
        );
    }

    #[test]
    fn another_service_does_not_read_what_waits_for_devices() {
        let own = of(&service("shop", &["from.*.shop.>"]));
        assert!(own.publish.iter().all(|subject| !subject.starts_with("$JS") || !subject.contains("OUT")));
        assert!(own.publish.iter().all(|subject| !subject.contains("relais")));
        assert!(own.publish.contains(&"in.shop.>".to_owned()));
    }

    #[test]
    fn nobody_but_a_user_speaks_as_a_user_and_nobody_writes_into_a_service_inbox() {
        for grantee in every().iter().skip(1) {
            for entry in of(grantee).publish {
                let filter: Filter = entry.parse().unwrap();
                for closed in ["from.>", "_SVC.>"] {
                    assert!(!filter.overlaps(&closed.parse().unwrap()), "{grantee} may publish to {entry}");
                }
            }
        }
    }

    #[test]
    fn both_lists_are_written_for_everybody() {
        for grantee in every() {
            let written = limits(of(&grantee));
            assert!(!written.publish.allow.is_empty() && !written.subscribe.allow.is_empty(), "{grantee}");
        }
        let nothing = limits(Permissions { publish: vec![], subscribe: vec![] });
        assert_eq!((nothing.publish.deny, nothing.subscribe.deny), (vec![">".to_owned()], vec![">".to_owned()]));
    }

    #[test]
    fn a_service_listens_to_routes_only() {
        for odd in [">", "from.>", "to.>", "_INBOX.>", "in.shop.>", "*.*.x", "$JS.API.>", "from.ada.pay"] {
            let asked = service("shop", &["from.*.ok", odd]);
            assert_eq!(check(&asked), Err(NotARoute(odd.to_owned())));
            assert_eq!(of(&asked).subscribe[..2], ["from.*.ok shop", "$SRV.PING"]);
        }
        assert_eq!(check(&service("shop", &["from.*.>"])), Ok(()));
    }
}
