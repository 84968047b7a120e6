//! What the broker really enforces: DESIGN's table of credentials, row by row, and the attacks it is there for.

use std::{collections::BTreeMap, fs, sync::Arc, time::Duration};

use futures_util::StreamExt as _;
use relais_adapters::{nkeys, nsc, system};
use relais_domain::{
    credentials::{Grantee, KeyKind, creds::Creds},
    ports::{CredentialsIssuer as _, Grant, KeyPairs as _},
};

use crate::support::{Up, User, Verdict, World, http, run};

struct Row<'a> {
    publishes: &'a [&'a str],
    never_publishes: &'a [&'a str],
    listens: &'a [&'a str],
    never_listens: &'a [&'a str],
}

async fn check(who: &mut Verdict, row: Row<'_>) {
    for subject in row.publishes {
        assert!(who.publishes(subject).await, "may publish to {subject}");
    }
    for subject in row.never_publishes {
        assert!(!who.publishes(subject).await, "must not publish to {subject}");
    }
    for filter in row.listens {
        assert!(who.listens(filter).await, "may listen to {filter}");
    }
    for filter in row.never_listens {
        assert!(!who.listens(filter).await, "must not listen to {filter}");
    }
}

/// Fills `{name}` in subjects.
fn filled(subjects: &[&str], names: &BTreeMap<&str, &str>) -> Vec<String> {
    let fill = |subject: &&str| names.iter().fold((*subject).to_owned(), |text, (name, id)| text.replace(name, id));
    subjects.iter().map(fill).collect()
}

fn native(world: &World) -> (nsc::Native, Arc<nkeys::KeyPairs>) {
    let keys = Arc::new(nkeys::KeyPairs::new(Arc::new(system::Rng)));
    let settings =
        nsc::Settings { directory: world.path("data/nsc"), operator: "relais".to_owned(), account: "app".to_owned() };
    (nsc::Native::open(settings, Arc::clone(&keys) as _, Arc::new(system::Clock)).unwrap(), keys)
}

/// A credential signed by the store of a running Relais.
async fn as_grantee(world: &World, up: &Up, grantee: Grantee) -> Verdict {
    let (native, keys) = native(world);
    let pair = keys.generate(KeyKind::User);
    let prefix = grantee.inbox_prefix();
    let jwt = native.issue(Grant { grantee, key: pair.public, expires_at: None }).await.unwrap();
    let text = Creds { jwt, seed: pair.seed }.format();
    Verdict::connect(up.text("nats"), text.expose(), &prefix).await
}

async fn as_user(up: &Up, user: &User<'_>) -> Verdict {
    let creds = fs::read_to_string(user.creds()).unwrap();
    Verdict::connect(up.text("nats"), &creds, user.who["inbox_prefix"].as_str().unwrap()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_speaks_and_hears_for_itself_alone() {
    let world = World::new();
    let up = world.up();
    let (ada, bob) = (User::new(&world, &up, "ada"), User::new(&world, &up, "bob"));
    let names = BTreeMap::from([("ADA", ada.id()), ("BOB", bob.id())]);
    let publishes = ["from.ADA.echo", "from.ADA.a.b.c", "from.ADA.$JS.API.INFO"];
    let never_publishes = [
        "from.BOB.echo",
        "from.BOB",
        "from.ADA",
        "from",
        "to.ADA.x",
        "to.BOB.x",
        "out.ADA.x",
        "in.relais.0.ADA.x",
        "dead.relais.x",
        "topic.news.ADA",
        "_INBOX.ADA.x",
        "_INBOX.BOB.x",
        "_SVC.relais.x",
        "_R_.x",
        "$JS.API.INFO",
        "$JS.API.STREAM.DELETE.OUT",
        "$JS.API.STREAM.NAMES",
        "$JS.API.DIRECT.GET.OUT",
        "$JS.ACK.OUT.c.1.1.1.1.1",
        "$KV.relais_cache.x",
        "$O.x",
        "$SYS.REQ.CLAIMS.UPDATE",
        "$SYS.REQ.USER.INFO",
        "$SYS.REQ.SERVER.PING",
        "$SRV.PING",
        "$SRV.INFO.relais",
        "$NRG.x",
        "x",
    ];
    let listens = ["to.ADA.>", "to.ADA.news.x", "_INBOX.ADA.>", "_INBOX.ADA.x.*"];
    let never_listens = [
        "to.BOB.>",
        "to.*.>",
        "to.>",
        "_INBOX.BOB.>",
        "_INBOX.*.>",
        "_INBOX.>",
        "from.ADA.echo",
        "from.>",
        "from.*.echo relais",
        "out.ADA.>",
        "in.>",
        "dead.>",
        "_SVC.relais.>",
        "$SYS.>",
        "$JS.>",
        "$JS.EVENT.>",
        "$KV.>",
        "$SRV.PING",
        ">",
        "*",
        "*.*",
        "topic.*.*",
        "topic.>",
    ];
    let [publishes, never_publishes, listens, never_listens] =
        [&publishes[..], &never_publishes, &listens, &never_listens].map(|subjects| filled(subjects, &names));
    let texts = |subjects: &[String]| -> Vec<String> { subjects.to_vec() };
    let mut verdict = as_user(&up, &ada).await;
    let (publishes, never_publishes) = (texts(&publishes), texts(&never_publishes));
    check(
        &mut verdict,
        Row {
            publishes: &publishes.iter().map(String::as_str).collect::<Vec<_>>(),
            never_publishes: &never_publishes.iter().map(String::as_str).collect::<Vec<_>>(),
            listens: &listens.iter().map(String::as_str).collect::<Vec<_>>(),
            never_listens: &never_listens.iter().map(String::as_str).collect::<Vec<_>>(),
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_application_server_has_its_row() {
    let world = World::new();
    let up = world.up();
    let routes = vec!["from.*.echo".parse().unwrap(), "from.*.echo.identified".parse().unwrap()];
    let grantee = Grantee::Service { name: "relais".parse().unwrap(), routes };
    let mut relais = as_grantee(&world, &up, grantee).await;
    let row = Row {
        publishes: &[
            "to.ada.x",
            "out.ada.x",
            "topic.news.ada",
            "_INBOX.ada.1",
            "_R_.x",
            "in.relais.0.ada.x",
            "dead.relais.x",
            "$KV.relais_cache.k",
            "$JS.API.STREAM.INFO.OUT",
            "$JS.API.CONSUMER.MSG.NEXT.IN_relais.c",
            "$JS.API.CONSUMER.INFO.IN_relais.c",
            "$JS.ACK.IN_relais.c.1.1.1.1.1",
            "$JS.API.DIRECT.GET.OUT",
            "$JS.API.STREAM.MSG.GET.OUT",
            "$JS.API.DIRECT.GET.KV_relais_cache",
        ],
        never_publishes: &[
            "from.ada.echo",
            "from.relais.x",
            "_SVC.relais.x",
            "_SVC.shop.x",
            "in.shop.0.ada.x",
            "dead.shop.x",
            "$KV.shop_cache.k",
            "$JS.API.INFO",
            "$JS.API.STREAM.CREATE.X",
            "$JS.API.STREAM.DELETE.OUT",
            "$JS.API.STREAM.PURGE.OUT",
            "$JS.API.STREAM.UPDATE.OUT",
            "$JS.API.CONSUMER.CREATE.IN_relais.c",
            "$JS.API.CONSUMER.DELETE.IN_relais.c",
            "$JS.API.CONSUMER.MSG.NEXT.IN_shop.c",
            "$JS.API.DIRECT.GET.IN_shop",
            "$JS.API.STREAM.MSG.DELETE.OUT",
            "$SYS.REQ.CLAIMS.UPDATE",
            "$SYS.REQ.SERVER.PING",
            "x",
            "topic.a.b.c",
        ],
        listens: &[
            "from.*.echo relais",
            "from.*.echo.identified relais",
            "$SRV.PING",
            "$SRV.INFO",
            "$SRV.STATS",
            "$SRV.PING.relais",
            "$SRV.INFO.relais.7",
            "_SVC.relais.>",
        ],
        never_listens: &[
            "from.*.echo",
            "from.*.echo other",
            "from.>",
            "from.*.other relais",
            "to.>",
            "_INBOX.>",
            "_SVC.shop.>",
            "_SVC.>",
            "out.>",
            "in.>",
            "dead.>",
            "$SRV.>",
            "$SRV.PING.shop",
            "$SYS.>",
            "$JS.>",
            ">",
        ],
    };
    check(&mut relais, row).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_service_has_its_row() {
    let world = World::new();
    let up = world.up();
    let path = world.path("shop.creds");
    let added = run(&mut world.relais(&["service", "add", "shop", "--out", path.to_str().unwrap()]), "");
    assert_eq!(added.code, 0, "{}", added.stderr);
    let mut shop = Verdict::connect(up.text("nats"), &fs::read_to_string(path).unwrap(), "_SVC.shop").await;
    let row = Row {
        publishes: &[
            "to.ada.x",
            "out.ada.x",
            "topic.news.ada",
            "_INBOX.ada.1",
            "_R_.x",
            "in.shop.0.ada.x",
            "dead.shop.x",
            "$KV.shop_cache.k",
            "$JS.API.CONSUMER.MSG.NEXT.IN_shop.c",
            "$JS.ACK.IN_shop.c.1.1.1.1.1",
        ],
        never_publishes: &[
            "from.ada.x",
            "in.relais.0.ada.x",
            "dead.relais.x",
            "$KV.relais_cache.k",
            "$JS.API.DIRECT.GET.OUT",
            "$JS.API.STREAM.MSG.GET.OUT",
            "$JS.API.CONSUMER.MSG.NEXT.IN_relais.c",
            "$JS.ACK.IN_relais.c.1.1.1.1.1",
            "$JS.API.STREAM.DELETE.IN_shop",
            "_SVC.relais.x",
            "_SVC.shop.x",
            "$SYS.REQ.CLAIMS.UPDATE",
        ],
        listens: &["from.*.orders.new shop", "$SRV.PING", "$SRV.STATS.shop", "_SVC.shop.>"],
        never_listens: &[
            "from.*.orders.new",
            "from.*.echo relais",
            "_SVC.relais.>",
            "_INBOX.>",
            "to.>",
            "out.>",
            "in.>",
            ">",
        ],
    };
    check(&mut shop, row).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_provisioner_has_its_row() {
    let world = World::new();
    let up = world.up();
    let mut provisioner = as_grantee(&world, &up, Grantee::Provisioner).await;
    let row = Row {
        publishes: &["$JS.API.INFO", "$JS.API.STREAM.NAMES"],
        never_publishes: &[
            "from.ada.x",
            "to.ada.x",
            "in.relais.0.x",
            "$KV.relais_cache.x",
            "$SYS.REQ.CLAIMS.UPDATE",
            "_INBOX.ada.x",
        ],
        listens: &["_INBOX.prov.>"],
        never_listens: &["_INBOX.>", "from.>", "to.>", "_SVC.>", "$JS.>", ">"],
    };
    check(&mut provisioner, row).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_issuer_has_its_row() {
    let world = World::new();
    let up = world.up();
    let mut issuer = as_grantee(&world, &up, Grantee::Issuer).await;
    let row = Row {
        publishes: &["$SYS.REQ.CLAIMS.UPDATE", "$SYS.REQ.SERVER.NABC.KICK"],
        never_publishes: &[
            "$SYS.REQ.CLAIMS.DELETE",
            "$SYS.REQ.SERVER.NABC.RELOAD",
            "$SYS.REQ.SERVER.PING",
            "$SYS.REQ.USER.INFO",
            "from.ada.x",
            "x",
        ],
        listens: &["_INBOX.iss.>"],
        never_listens: &["$SYS.>", "$SYS.ACCOUNT.*.CONNECT", "_INBOX.>", ">"],
    };
    check(&mut issuer, row).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_looks_and_does_not_touch() {
    let world = World::new();
    let up = world.up();
    let path = world.path("operator.creds");
    let arguments = ["creds", "export", "--role", "operator", "--out", path.to_str().unwrap()];
    let exported = run(&mut world.relais(&arguments), "");
    assert_eq!(exported.code, 0, "{}", exported.stderr);
    assert!(format!("{}{}", exported.stdout, exported.stderr).contains("_INBOX.op-operator"), "says the inbox prefix");
    let creds = fs::read_to_string(&path).unwrap();
    let mut operator = Verdict::connect(up.text("nats"), &creds, "_INBOX.op-operator").await;
    let row = Row {
        publishes: &[
            "$SRV.PING",
            "$SRV.INFO",
            "$SRV.STATS",
            "$SRV.PING.relais",
            "$SRV.STATS.relais.x",
            "$JS.API.INFO",
            "$JS.API.STREAM.NAMES",
            "$JS.API.STREAM.LIST",
            "$JS.API.STREAM.INFO.OUT",
            "$JS.API.CONSUMER.NAMES.OUT",
            "$JS.API.CONSUMER.LIST.OUT",
            "$JS.API.CONSUMER.INFO.OUT.c",
        ],
        never_publishes: &[
            "$JS.API.STREAM.DELETE.OUT",
            "$JS.API.STREAM.PURGE.OUT",
            "$JS.API.STREAM.CREATE.X",
            "$JS.API.DIRECT.GET.OUT",
            "$JS.API.STREAM.MSG.GET.OUT",
            "$JS.API.CONSUMER.CREATE.OUT.c",
            "from.ada.x",
            "to.ada.x",
            "$SYS.REQ.SERVER.PING",
            "x",
        ],
        listens: &["_INBOX.op-operator.>"],
        never_listens: &["_INBOX.op-nina.>", "_INBOX.>", "from.>", "to.>", "$SYS.>", "$SRV.PING", ">"],
    };
    check(&mut operator, row).await;
    let info = operator.client().request("$JS.API.INFO", "".into()).await.unwrap();
    let info: serde_json::Value = serde_json::from_slice(&info.payload).unwrap();
    assert!(info["error"].is_null() && info["streams"].is_number(), "it sees the application's JetStream: {info}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_reply_is_aimed_at_somebody_else() {
    let world = World::new();
    let up = world.up();
    let (ada, bob) = (User::new(&world, &up, "ada"), User::new(&world, &up, "bob"));
    let (attacker, victim) = (as_user(&up, &ada).await, as_user(&up, &bob).await);
    let mut heard = victim.client().subscribe(format!("to.{}.>", bob.id())).await.unwrap();
    let mut inbox = victim.client().subscribe(format!("_INBOX.{}.>", bob.id())).await.unwrap();
    let from = format!("from.{}.echo", ada.id());
    let aims = [
        format!("to.{}.x", bob.id()),
        format!("_INBOX.{}.x", bob.id()),
        format!("from.{}.echo", bob.id()),
        "$JS.API.STREAM.DELETE.OUT".to_owned(),
        "_SVC.relais.x".to_owned(),
        format!("_INBOX.{}", ada.id()),
    ];
    for aim in &aims {
        attacker.client().publish_with_reply(from.clone(), aim.clone(), "".into()).await.unwrap();
    }
    // An honest request behind them is answered, so all of them have been seen; what was sent then has been, too.
    let honest = attacker.client().request(from, "".into()).await.unwrap();
    assert!(honest.headers.is_none());
    let after = victim.client().request(format!("from.{}.echo", bob.id()), "".into()).await.unwrap();
    assert!(after.subject.starts_with(&format!("_INBOX.{}.", bob.id())));
    victim.client().drain().await.unwrap();
    assert!(heard.next().await.is_none(), "bob hears nothing of it");
    let own_answer = inbox.next().await;
    assert!(own_answer.is_none_or(|message| message.subject == after.subject), "nor in his inboxes");
    let operator = as_grantee(&world, &up, Grantee::Provisioner).await;
    let names = operator.client().request("$JS.API.STREAM.NAMES", "".into()).await.unwrap();
    assert!(!names.payload.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_device_is_cut_off_and_its_key_never_comes_back() {
    let world = World::new();
    let up = world.up();
    let ada = User::new(&world, &up, "ada");
    let verdict = as_user(&up, &ada).await;
    assert!(verdict.client().request(format!("from.{}.echo", ada.id()), "".into()).await.is_ok());

    let http = http();
    let token = fs::read_to_string(ada.creds().parent().unwrap().join("access")).unwrap();
    let device = ada.who["device_id"].as_str().unwrap();
    let url = format!("{}/me/devices/{device}", up.text("http"));
    let removed = http.delete(&url).bearer_auth(token.trim()).send().await.unwrap();
    assert!(removed.status().is_success(), "{}", removed.status());

    let closed = async {
        while verdict.client().connection_state() == async_nats::connection::State::Connected {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), closed).await.expect("the live connection is closed");
    let creds = fs::read_to_string(ada.creds()).unwrap();
    let again = async_nats::ConnectOptions::with_credentials(&creds).unwrap().connect(up.text("nats")).await;
    assert!(again.is_err(), "the credential is refused");
    let refused = ada.run(&["request", "echo", "hi"]);
    assert_eq!(refused.code, 3, "{}", refused.stderr);
    assert!(refused.stderr.contains("relais login"), "{}", refused.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_credential_is_refused() {
    let world = World::new();
    let up = world.up();
    let (native, keys) = native(&world);
    let pair = keys.generate(KeyKind::User);
    let now = relais_domain::ports::Clock::now(&system::Clock);
    let grantee = Grantee::Device { user: "ada".parse().unwrap(), device: "phone".parse().unwrap() };
    let expires_at = Some(now + Duration::from_secs(2));
    let jwt = native.issue(Grant { grantee, key: pair.public, expires_at }).await.unwrap();
    let text = Creds { jwt, seed: pair.seed }.format();
    let connect = || async_nats::ConnectOptions::with_credentials(text.expose()).unwrap().connect(up.text("nats"));
    let client = connect().await.unwrap();
    let closed = async {
        while client.connection_state() == async_nats::connection::State::Connected {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), closed).await.expect("the live connection is closed when it expires");
    // The broker counts in whole seconds: a new one may be let in until the next begins.
    let refused = async { while connect().await.is_ok() {} };
    tokio::time::timeout(Duration::from_secs(20), refused).await.expect("and a new one is refused");
}

#[tokio::test]
async fn a_web_page_elsewhere_cannot_reach_the_api() {
    let world = World::new();
    let up = world.up();
    let http = http();
    let health = format!("{}/health", up.text("http"));
    let status = |name: &'static str, value: &'static str| {
        let request = http.get(&health).header(name, value);
        async move { request.send().await.unwrap().status().as_u16() }
    };
    assert_eq!(http.get(&health).send().await.unwrap().status(), 200);
    assert_eq!(status("Host", "evil.example").await, 421, "DNS rebinding");
    assert_eq!(status("Host", "127.0.0.1.evil.example").await, 421);
    assert_eq!(status("Origin", "https://evil.example").await, 403);
    assert_eq!(status("Origin", "null").await, 403);
}
