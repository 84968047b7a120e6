//! The account of a service that is not trusted: JetStream of its own, and of the application what it answers alone.
//!
//! Services of one account trust each other, for JetStream answers in its own name wherever a reply points, past every
//! permission: who may ask for one message of its own stream can have the answer delivered as the words of any user. So a
//! service by somebody else gets an account. What crosses its walls:
//!
//! | subject | as | which way |
//! |---|---|---|
//! | `from.*.…` of its routes | stream | users' messages come in; a reply subject comes along as it was written |
//! | `to.>`, `out.>`, `topic.*.*`, `_INBOX.*.>` | service | what it tells and answers goes out |
//!
//! Its permissions there are those of every service ([`permissions::of`]), and its streams have the same names. An answer
//! of *its* JetStream stays in its account, whatever it is aimed at, but for the four subjects to which it may publish
//! anyhow. A reply subject of its own does not cross: nats-server puts one of its own (`_R_.…`) in its place.
//!
//! What to know of nats-server (2.15; what is not of its source is tried, `contract::matrix::apart`):
//!
//! - An import that nobody exports is passed over without a word, and holds as soon as the export is there. So the two
//!   accounts may be pushed in any order, and a service that hears nothing is not told why.
//! - An import may be narrower than the export. Two exports of one kind where one contains the other are an error to
//!   jwt/v2, and so are two such imports of services; so of routes both lists here hold the widest only.
//! - It refuses imports in a circle: what goes from here to the application's account cannot come back under the same
//!   subject.
//! - Answers to `$SRV` stay here: who looks from `OPS` sees the services of the application's account.
//! - Who awaits answers under `_INBOX.` in this account, as its provisioner does, has them in the application's account
//!   as well. What the JetStream API answers comes there under a subject of nats-server's own (`_R_.…`), which nobody may
//!   listen to. The service's own inboxes are under `_SVC.`, and stay.
//! - The first answer ends what nats-server remembers of a request that goes out (one answer an export): a reply subject
//!   of the service, given with `to.` or `out.`, is answered once, as by a PubAck.

use crate::{
    credentials::{
        Account, Export, Import, PublicKey, ResponseKind, ShareKind, permissions,
        setup::{self, AccountKeys},
    },
    subject::Filter,
};

/// What a service says to users, wherever it lives.
const SAYS: [&str; 4] = ["to.>", "out.>", "topic.*.*", "_INBOX.*.>"];

/// What the operator says of the account of a service that answers `routes`.
///
/// It may store as the application may, its users may nothing by default, `keys.signing` signs them (the service by
/// [`crate::credentials::user_to_sign`], as in the application's account), and it exports nothing. What is no route of a
/// service (`from.*.…`) is left out, as by [`permissions::of`]. The same arguments make the same account.
#[must_use]
pub fn account(application: &PublicKey, routes: &[Filter], keys: &AccountKeys) -> Account {
    let mut body = setup::storing(keys);
    body.imports = widest(routes)
        .into_iter()
        .map(|route| Import { kind: ShareKind::Stream, ..Import::service(route, route, application) })
        .chain(SAYS.iter().map(|subject| Import::service(subject, subject, application)))
        .collect();
    body.imports.sort_by(|a, b| a.subject.cmp(&b.subject));
    body
}

/// What the application's account must export for services with these routes, of whichever accounts, sorted by subject.
///
/// The order and repetition of routes make no difference.
#[must_use]
pub fn exports(routes: &[Filter]) -> Vec<Export> {
    let says = SAYS.iter().map(|subject| Export::service(subject, subject, ResponseKind::Singleton));
    let mut exports: Vec<Export> = widest(routes).into_iter().map(stream).chain(says).collect();
    exports.sort_by(|a, b| a.subject.cmp(&b.subject));
    exports
}

/// Adds to what the application's account exports what services with these routes need besides.
///
/// An export of users' messages that a wider one makes needless goes; others stay, as somebody may import them.
pub(super) fn share(application: &mut Account, routes: &[Filter]) {
    let held = |export: &&Export| export.kind == ShareKind::Stream && permissions::is_route(&export.subject);
    let mut all: Vec<Filter> = routes.to_vec();
    all.extend(application.exports.iter().filter(held).filter_map(|export| export.subject.parse().ok()));
    let wanted = exports(&all);
    application.exports.retain(|export| !held(&export) || wanted.iter().any(|own| own.subject == export.subject));
    for export in wanted {
        if !application.exports.iter().any(|own| own.subject == export.subject && own.kind == export.kind) {
            application.exports.push(export);
        }
    }
    application.exports.sort_by(|a, b| a.subject.cmp(&b.subject));
}

fn stream(subject: &str) -> Export {
    let kind = ShareKind::Stream;
    Export { kind, response_type: String::new(), ..Export::service(subject, subject, ResponseKind::Singleton) }
}

/// The routes that no other contains, each once.
fn widest(routes: &[Filter]) -> Vec<&str> {
    let mut routes: Vec<&str> =
        routes.iter().map(Filter::as_str).filter(|route| permissions::is_route(route)).collect();
    routes.sort_unstable();
    routes.dedup();
    let needless = |route: &&str| routes.iter().any(|other| other != route && contains(other, route));
    routes.iter().filter(|route| !needless(route)).copied().collect()
}

/// Whether every subject that `inner` matches is matched by `outer`.
fn contains(outer: &str, inner: &str) -> bool {
    let (mut outer, mut inner) = (outer.split('.'), inner.split('.'));
    loop {
        match (outer.next(), inner.next()) {
            (Some(">"), Some(_)) | (None, None) => return true,
            (Some("*"), Some(token)) if token != ">" => {}
            (Some(own), Some(token)) if own == token => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::{
        credentials::{AccountClaims, Change, Grantee, Permission, setup::Keys, setup::Names, setup::Setup},
        memory,
        ports::{AccountRole, KeyPairs as _},
    };

    fn filters(texts: &[&str]) -> Vec<Filter> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn subjects(exports: &[Export], kind: ShareKind) -> Vec<&str> {
        exports.iter().filter(|export| export.kind == kind).map(|export| export.subject.as_str()).collect()
    }

    fn sharing(application: &AccountClaims, routes: &[Filter], now: Timestamp) -> Option<AccountClaims> {
        Change::Share { routes: routes.to_vec() }.apply(application, now)
    }

    struct House {
        pairs: memory::KeyPairs,
        now: Timestamp,
        application: AccountClaims,
        keys: AccountKeys,
    }

    fn house() -> House {
        let pairs = memory::KeyPairs::default();
        let now = Timestamp::from_second(1_767_225_600).unwrap();
        let keys = Keys::generate(&pairs);
        let names = Names { operator: "O".parse().unwrap(), application: "A".parse().unwrap() };
        let all = Setup::new(&names, &keys, now).accounts;
        let (_, application) = all.into_iter().find(|(role, _)| *role == AccountRole::Application).unwrap();
        let own = || pairs.generate(crate::credentials::KeyKind::Account);
        let keys = AccountKeys { identity: own(), signing: own() };
        House { pairs, now, application, keys }
    }

    #[test]
    fn it_takes_its_routes_and_gives_what_services_say() {
        let house = house();
        let routes = filters(&["from.*.lab.>", "from.*.quote", "from.*.lab.x", "to.>", "from.ada.pay", ">"]);
        let body = account(&house.application.subject, &routes, &house.keys);
        let of = |kind| {
            let own = body.imports.iter().filter(move |import| import.kind == kind);
            own.map(|import| import.subject.as_str()).collect::<Vec<_>>()
        };
        assert_eq!(of(ShareKind::Stream), ["from.*.lab.>", "from.*.quote"]);
        assert_eq!(of(ShareKind::Service), ["_INBOX.*.>", "out.>", "to.>", "topic.*.*"]);
        assert!(body.imports.iter().all(|import| import.account.as_ref() == Some(&house.application.subject)));
        assert!(body.exports.is_empty());
        assert_eq!(body.limits, house.application.body.limits, "it stores as the application does");
        assert_eq!(body.default_permissions.publish, Permission::nothing());
        assert_eq!(body.default_permissions.subscribe, Permission::nothing());
        assert_eq!(body.signing_keys.plain().collect::<Vec<_>>(), [&house.keys.signing.public]);
        assert_eq!(body.signing_keys.0.len(), 1);
    }

    #[test]
    fn both_accounts_are_without_fault_and_a_repeat_changes_nothing() {
        let house = house();
        let routes = filters(&["from.*.lab.>", "from.*.quote"]);
        let shared = sharing(&house.application, &routes, house.now).unwrap();
        assert!(shared.issued_at > house.application.issued_at);
        let body = account(&house.application.subject, &routes, &house.keys);
        let apart = AccountClaims::new("lab", house.keys.identity.public.clone(), body, house.now);
        for claims in [&shared, &apart] {
            let found = claims.validate(house.now, &house.pairs);
            assert!(found.is_empty(), "{found:?}");
        }
        assert_eq!(sharing(&shared, &routes, house.now), None);
        assert_eq!(sharing(&shared, &filters(&["from.*.lab.x"]), house.now), None, "an import may be narrower");
        let backwards = filters(&["from.*.quote", "from.*.lab.>", "from.*.quote"]);
        assert_eq!(exports(&backwards), exports(&routes));
    }

    #[test]
    fn a_wider_export_takes_the_place_of_narrower_ones() {
        let house = house();
        let first = sharing(&house.application, &filters(&["from.*.lab.x", "from.*.quote"]), house.now).unwrap();
        let second = sharing(&first, &filters(&["from.*.lab.>"]), house.now).unwrap();
        assert_eq!(subjects(&second.body.exports, ShareKind::Stream), ["from.*.lab.>", "from.*.quote"]);
        assert!(second.validate(house.now, &house.pairs).is_empty());
        let view = house.application.body.exports.iter();
        assert!(view.clone().all(|export| second.body.exports.contains(export)), "the view from OPS stays");
    }

    #[test]
    fn what_crosses_is_part_of_what_every_service_may() {
        let name = "lab".parse().unwrap();
        let list = permissions::of(&Grantee::Service { name, routes: filters(&["from.*.lab.>"]) });
        assert!(SAYS.iter().all(|subject| list.publish.contains(&(*subject).to_owned())));
        assert!(list.subscribe.contains(&"from.*.lab.> lab".to_owned()));
    }

    #[test]
    fn one_filter_contains_another() {
        for (outer, inner) in [("from.*.>", "from.*.a"), ("from.*.*", "from.*.a"), ("from.*.a.>", "from.*.a.*.>")] {
            assert!(contains(outer, inner), "{outer} {inner}");
            assert!(!contains(inner, outer), "{inner} {outer}");
        }
        for (one, other) in [("from.*.a", "from.*.b"), ("from.*.*", "from.*.>"), ("from.*.a", "from.*.a.b")] {
            assert!(!contains(one, other), "{one} {other}");
        }
    }
}
