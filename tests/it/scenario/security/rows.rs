//! The table, row by row.

use std::fs;

use relais_domain::credentials::Grantee;

use super::{as_grantee, as_user};
use crate::support::{User, Verdict, World, run};

struct Row<'a> {
    publishes: &'a [&'a str],
    never_publishes: &'a [&'a str],
    listens: &'a [&'a str],
    never_listens: &'a [&'a str],
}

/// Asks the broker about every entry, with the names in it replaced by ids.
async fn check(who: &mut Verdict, names: &[(&str, &str)], row: Row<'_>) {
    let fill = |text: &str| names.iter().fold(text.to_owned(), |text, (name, id)| text.replace(name, id));
    for (subjects, may) in [(row.publishes, true), (row.never_publishes, false)] {
        for subject in subjects {
            assert_eq!(who.publishes(&fill(subject)).await, may, "publish to {subject}");
        }
    }
    for (filters, may) in [(row.listens, true), (row.never_listens, false)] {
        for filter in filters {
            assert_eq!(who.listens(&fill(filter)).await, may, "listen to {filter}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_speaks_and_hears_for_itself_alone() {
    let world = World::new();
    let up = world.up();
    let (ada, bob) = (User::new(&world, &up, "ada"), User::new(&world, &up, "bob"));
    let row = Row {
        publishes: &["from.ADA.echo", "from.ADA.a.b.c", "from.ADA.$JS.API.INFO"],
        never_publishes: &[
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
            "$JS.API.DIRECT.GET.KV_relais_cache.$KV.relais_cache.x",
            "$JS.API.STREAM.MSG.GET.KV_relais_cache",
            "$JS.API.STREAM.INFO.KV_relais_cache",
            "$JS.API.CONSUMER.CREATE.KV_relais_cache.c",
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
        ],
        listens: &["to.ADA.>", "to.ADA.news.x", "_INBOX.ADA.>", "_INBOX.ADA.x.*"],
        never_listens: &[
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
        ],
    };
    check(&mut as_user(&up, &ada).await, &[("ADA", ada.id()), ("BOB", bob.id())], row).await;
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
            "$JS.API.DIRECT.GET.KV_relais_cache.$KV.relais_cache.k",
            "$JS.API.STREAM.INFO.KV_relais_cache",
        ],
        never_publishes: &[
            "from.ada.echo",
            "from.relais.x",
            "_SVC.relais.x",
            "_SVC.shop.x",
            "in.shop.0.ada.x",
            "dead.shop.x",
            "$KV.shop_cache.k",
            "$JS.API.DIRECT.GET.KV_shop_cache.$KV.shop_cache.k",
            "$JS.API.STREAM.UPDATE.KV_relais_cache",
            "$JS.API.STREAM.DELETE.KV_relais_cache",
            "$JS.API.CONSUMER.CREATE.KV_relais_cache.c",
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
    check(&mut relais, &[], row).await;
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
            "$JS.API.DIRECT.GET.KV_shop_cache.$KV.shop_cache.k",
            "$JS.API.STREAM.INFO.KV_shop_cache",
            "$JS.API.CONSUMER.MSG.NEXT.IN_shop.c",
            "$JS.ACK.IN_shop.c.1.1.1.1.1",
        ],
        never_publishes: &[
            "from.ada.x",
            "in.relais.0.ada.x",
            "dead.relais.x",
            "$JS.API.DIRECT.GET.KV_relais_cache.$KV.relais_cache.k",
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
    check(&mut shop, &[], row).await;
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
    check(&mut provisioner, &[], row).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_issuer_has_its_row() {
    let world = World::new();
    let up = world.up();
    let mut issuer = as_grantee(&world, &up, Grantee::Issuer).await;
    let row = Row {
        publishes: &[
            "$SYS.REQ.CLAIMS.UPDATE",
            "$SYS.REQ.SERVER.NABC.KICK",
            "$SYS.REQ.ACCOUNT.ABC.CLAIMS.LOOKUP",
            "$SYS.REQ.ACCOUNT.ABC.INFO",
            "$SYS.REQ.SERVER.PING.STATSZ",
        ],
        never_publishes: &[
            "$SYS.REQ.CLAIMS.DELETE",
            "$SYS.REQ.SERVER.NABC.RELOAD",
            "$SYS.REQ.SERVER.NABC.STATSZ",
            "$SYS.REQ.SERVER.PING",
            "$SYS.REQ.SERVER.PING.CONNZ",
            "$SYS.REQ.ACCOUNT.ABC.CONNZ",
            "$SYS.REQ.ACCOUNT.ABC.CLAIMS.UPDATE",
            "$SYS.REQ.USER.INFO",
            "from.ada.x",
            "x",
        ],
        listens: &["_INBOX.iss.>"],
        never_listens: &["$SYS.>", "$SYS.ACCOUNT.*.CONNECT", "_INBOX.>", ">"],
    };
    check(&mut issuer, &[], row).await;
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
    check(&mut operator, &[], row).await;
    let info = operator.client().request("$JS.API.INFO", "".into()).await.unwrap();
    let info: serde_json::Value = serde_json::from_slice(&info.payload).unwrap();
    assert!(info["error"].is_null() && info["streams"].is_number(), "it sees the application's JetStream: {info}");
}
