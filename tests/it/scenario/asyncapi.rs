//! What Relais says of itself in AsyncAPI, read by AsyncAPI's own parser.

use std::fs;

use relais::{AsyncApi, prelude::*};
use serde_json::{Value, json};

use crate::support::{World, asyncapi, run};

/// The types that prost makes of `ORDERS`.
mod orders {
    pub(super) mod v1 {
        #[derive(Clone, PartialEq, prost::Message)]
        pub(crate) struct Order {
            #[prost(message, repeated, tag = "1")]
            pub(crate) lines: Vec<order::Line>,
        }

        pub(crate) mod order {
            #[derive(Clone, PartialEq, prost::Message)]
            pub(crate) struct Line {
                #[prost(string, tag = "1")]
                pub(crate) item: String,
            }
        }

        #[derive(Clone, PartialEq, prost::Message)]
        pub(crate) struct Receipt {
            #[prost(uint64, tag = "1")]
            pub(crate) number: u64,
        }
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct ByHand {}
}

const MONEY: &str = r#"
syntax = "proto3";
package common;
message Money { int64 cents = 1; Currency in = 2; }
enum Currency { EUR = 0; CHF = 1; }
"#;

const ORDERS: &str = r#"
syntax = "proto3";
package orders.v1;
import "money.proto";
import "google/protobuf/timestamp.proto";

// What is ordered.
message Order {
  message Line { string item = 1; oneof amount { uint32 pieces = 2; double litres = 3; } }
  repeated Line lines = 1;
  map<string, common.Money> prices = 2;
}
message Receipt { uint64 number = 1; common.Money sum = 2; google.protobuf.Timestamp at = 3; Receipt of = 4; }
"#;

/// The document as the parser reads it, with no error and no warning.
fn read(world: &World, document: &str) -> Value {
    let read = parse(world, document);
    let remarks = read["diagnostics"].as_array().unwrap();
    let serious: Vec<_> = remarks.iter().filter(|remark| remark["severity"].as_u64().unwrap() < 2).collect();
    assert!(serious.is_empty(), "{serious:#?}");
    read
}

fn parse(world: &World, document: &str) -> Value {
    let file = world.path("asyncapi.json");
    fs::write(&file, document).unwrap();
    asyncapi(&file)
}

fn named<'r>(read: &'r Value, list: &str, id: &str) -> &'r Value {
    let list = read[list].as_array().unwrap_or_else(|| panic!("no {list} in {read:#}"));
    list.iter().find(|own| own["id"] == id).unwrap_or_else(|| panic!("no {id} in {list:#?}"))
}

fn addresses(read: &Value) -> Vec<&str> {
    let mut addresses: Vec<_> =
        read["channels"].as_array().unwrap().iter().filter_map(|channel| channel["address"].as_str()).collect();
    addresses.sort_unstable();
    addresses
}

fn built_in(world: &World, arguments: &[&str]) -> String {
    let ran = run(&mut world.relais(&[&["spec", "asyncapi"], arguments].concat()), "");
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    ran.stdout
}

#[test]
fn the_built_in_routes_are_described() {
    let world = World::new();
    let document = built_in(&world, &[]);
    assert_eq!(document, built_in(&world, &[]), "the same every time");
    assert!(!world.path("data").exists(), "it needs nothing and makes nothing");
    let read = read(&world, &document);
    assert_eq!(read["title"], "relais");
    assert_eq!(
        addresses(&read),
        [
            "from.{user}.answer.{ticket}",
            "from.{user}.echo",
            "from.{user}.echo.cached",
            "from.{user}.echo.identified",
            "from.{user}.ping",
            "from.{user}.tell.{peer}.{rest}",
            "from.{user}.topic.{topic}",
            "to.{destination}.ping",
            "to.{peer}.from.{user}.{rest}",
            "topic.{topic}.{user}",
        ]
    );
    assert_eq!(
        *named(&read, "operations", "echo-identified"),
        json!({
            "id": "echo-identified",
            "action": "receive",
            "addresses": ["from.{user}.echo.identified"],
            "messages": ["relais.v1.EchoRequest"],
            "queue": "relais",
            "reply": {
                "location": "$message.header#/reply-to",
                "address": null,
                "messages": ["relais.v1.EchoResponse", "fault"],
            },
        })
    );
    assert_eq!(named(&read, "operations", "tell")["reply"]["messages"], json!(["by-hand", "fault"]));
    let pinged = named(&read, "operations", "to-destination-ping");
    assert_eq!((&pinged["action"], &pinged["messages"]), (&json!("send"), &json!(["relais.v1.PingRequest"])));
    let request = named(&read, "messages", "relais.v1.EchoRequest");
    assert_eq!(request["format"], "application/vnd.google.protobuf;version=3");
    let text = request["schema"].as_str().unwrap();
    assert!(text.contains("  // The text to send back. May be empty.\n  string message = 1;\n"), "{text}");
    let fault = json!(["Nats-Service-Error", "Nats-Service-Error-Code"]);
    assert_eq!(named(&read, "messages", "fault")["headers"], fault);

    let fewer = built_in(&world, &["--set", "examples=false", "--set", "topics=news"]);
    let fewer_read = self::read(&world, &fewer);
    assert_eq!(addresses(&fewer_read).len(), 5);
    assert!(fewer.contains("The topics: `news`"), "{fewer}");
}

fn shop() -> Router {
    use orders::v1::{Order, Receipt, order::Line};
    async fn place(_: Message<Order>) -> Result<Message<Receipt>, Fault> {
        Err(Fault::unavailable("come back tomorrow"))
    }
    async fn lines(_: Tokens<u64>) -> Answers<futures_util::stream::Empty<Message<Line>>> {
        Answers(futures_util::stream::empty())
    }
    async fn raw(payload: Payload) -> bytes::Bytes {
        payload.0
    }
    async fn later(_: Message<orders::ByHand>, _: Reply) {}
    Router::new()
        .route(Route::new("from.{user}.orders.place", place).about("Places an order"))
        .subscribe("from.{user}.orders.{order}.lines", lines)
        .subscribe("from.{user}.files.{rest..}", raw)
        .subscribe("from.{user}.later", later)
        .broadcast("from.{user}.reload", async || {})
}

#[test]
fn a_developers_own_routes_are_described() {
    let world = World::new();
    fs::write(world.path("money.proto"), MONEY).unwrap();
    fs::write(world.path("orders.proto"), ORDERS).unwrap();
    let api = AsyncApi::new("shop").version("3.1.4").proto(world.path("orders.proto"));
    let api = api.sends::<orders::v1::Receipt>("to.{user}.receipt", "When an order is paid");
    let document = api.document(&shop()).unwrap();
    assert_eq!(document.notes().len(), 1, "{:?}", document.notes());
    assert!(document.notes()[0].contains("orders::ByHand"), "{:?}", document.notes());

    let read = read(&world, document.json());
    assert_eq!(
        addresses(&read),
        [
            "from.{user}.files.{rest}",
            "from.{user}.later",
            "from.{user}.orders.place",
            "from.{user}.orders.{order}.lines",
            "from.{user}.reload",
            "to.{user}.receipt",
        ]
    );
    for (id, messages, answers) in [
        ("orders-place", json!(["orders.v1.Order"]), json!(["orders.v1.Receipt", "fault"])),
        ("orders-order-lines", json!(["any"]), json!(["orders.v1.Order.Line", "end", "fault"])),
        ("files-rest", json!(["bytes"]), json!(["bytes", "fault"])),
        ("reload", json!(["any"]), json!(["empty", "fault"])),
    ] {
        let operation = named(&read, "operations", id);
        assert_eq!((&operation["messages"], &operation["reply"]["messages"]), (&messages, &answers), "{id}");
        let queue = if id == "reload" { Value::Null } else { json!("shop") };
        assert_eq!(operation["queue"], queue, "{id}");
    }
    assert_eq!(named(&read, "channels", "files-rest")["parameters"], json!(["rest", "user"]));
    assert_eq!(named(&read, "operations", "to-user-receipt")["action"], "send");
    for (id, line) in [
        ("orders.v1.Order", "  map<string, .orders.v1.common.Money> prices = 2;\n"),
        ("orders.v1.Receipt", "  .google.protobuf.Timestamp at = 3;\n"),
        ("orders.v1.Order.Line", "    oneof amount {\n      uint32 pieces = 2;\n"),
    ] {
        let text = named(&read, "messages", id)["schema"].as_str().unwrap();
        assert!(text.contains(line), "{id} is\n{text}");
    }
    assert_eq!(named(&read, "messages", "end")["headers"], json!(["Relais-End"]));
}

/// The check can fail: what is wrong in a document is found.
#[test]
fn the_parser_complains_of_what_is_wrong() {
    let world = World::new();
    let document: Value = serde_json::from_str(&built_in(&world, &[])).unwrap();
    for (pointer, value, complaint) in [
        ("/operations/echo/action", json!("obey"), "action"),
        ("/operations/echo/channel/$ref", json!("#/channels/nowhere"), "nowhere"),
        ("/operations/echo/messages/0/$ref", json!("#/components/messages/fault"), "does not belong"),
        ("/components/replyAddresses/inbox/location", json!("the reply subject"), "location"),
        ("/operations/echo/bindings/nats/queue", json!(7), "queue"),
        ("/channels/echo/parameters", json!({}), "Missed: user"),
        ("/components/messages/fault/headers/type", json!("nothing"), "type"),
        ("/servers/nats", json!({}), "host"),
    ] {
        let mut broken = document.clone();
        *broken.pointer_mut(pointer).unwrap_or_else(|| panic!("no {pointer}")) = value;
        let read = parse(&world, &broken.to_string());
        let remarks = read["diagnostics"].as_array().unwrap();
        let errors: Vec<String> =
            remarks.iter().filter(|remark| remark["severity"] == 0).map(ToString::to_string).collect();
        assert!(errors.iter().any(|error| error.contains(complaint)), "{pointer}: {errors:#?}");
    }
}
