//! Each shape of route in the document, and which message a Rust type is taken for.

use std::time::Duration;

use futures_util::stream;
use serde_json::{Value, json};

use super::{super::*, Api, Document, Schema, Schemas, Sends, names::candidates};

mod shop {
    pub(super) mod v1 {
        #[derive(Clone, PartialEq, prost::Message)]
        pub(crate) struct Order {}

        pub(crate) mod order {
            #[derive(Clone, PartialEq, prost::Message)]
            pub(crate) struct Line {}
        }
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Unknown {}
}

fn schema(package: &str) -> Schema {
    Schema {
        package: package.to_owned(),
        format: "application/vnd.google.protobuf;version=3".to_owned(),
        text: "syntax = \"proto3\";".to_owned(),
        about: None,
        home: None,
    }
}

fn schemas(names: &[(&str, &str)]) -> Schemas {
    let mut schemas = Schemas::default();
    names.iter().for_each(|(package, name)| schemas.insert(format!("{package}.{name}"), schema(package)));
    schemas
}

fn api() -> Api {
    Api { name: "shop".to_owned(), version: "1.2.3".to_owned(), about: "Sells tea.".to_owned(), ..Api::default() }
}

fn describe(router: &Router, schemas: &Schemas) -> (Value, Vec<String>) {
    let document = Document::new(&api(), &router.routes().unwrap(), schemas);
    (serde_json::from_str(document.json()).unwrap(), document.notes().to_vec())
}

/// One route that is known by everything: its operation, and the names of its answers.
fn one(route: Route) -> (Value, Vec<String>) {
    let (document, notes) =
        describe(&Router::new().route(route), &schemas(&[("shop.v1", "Order"), ("shop.v1", "Order.Line")]));
    assert_eq!(notes, Vec::<String>::new());
    let operations = document["operations"].as_object().unwrap();
    assert_eq!(operations.len(), 1);
    let operation = operations.values().next().unwrap().clone();
    let answers = operation["reply"]["messages"].as_array().unwrap();
    let answers = answers.iter().map(|answer| last(&answer["$ref"])).collect();
    // Every reference leads somewhere.
    let text = document.to_string();
    for piece in text.split("\"$ref\":\"#").skip(1) {
        let pointer = piece.split('"').next().unwrap();
        assert!(document.pointer(pointer).is_some(), "{pointer} in {document:#}");
    }
    (operation, answers)
}

fn last(reference: &Value) -> String {
    reference.as_str().unwrap().rsplit('/').next().unwrap().to_owned()
}

#[test]
fn a_route_is_a_channel_an_operation_and_a_reply() {
    async fn order(_: Message<shop::v1::Order>) -> Message<shop::v1::order::Line> {
        Message(shop::v1::order::Line {})
    }
    let route = Route::new("from.{user}.orders.{order}", order).about("Orders tea");
    let known = schemas(&[("shop.v1", "Order"), ("shop.v1", "Order.Line")]);
    let (document, notes) = describe(&Router::new().route(route), &known);
    assert!(notes.is_empty());
    assert_eq!(document["asyncapi"], "3.0.0");
    assert_eq!((&document["info"]["title"], &document["info"]["version"]), (&json!("shop"), &json!("1.2.3")));
    let words = document["info"]["description"].as_str().unwrap();
    assert!(words.starts_with("Sells tea.\n\n**Calling.**") && words.contains("\n\n**Errors.**"), "{words}");
    assert!(!words.contains("**Listening.**"), "{words}");
    let channel = &document["channels"]["orders-order"];
    assert_eq!(channel["address"], "from.{user}.orders.{order}");
    assert_eq!(channel["parameters"]["user"]["description"], "The id of the user who sends: your own.");
    assert!(channel["parameters"]["order"]["description"].as_str().unwrap().starts_with("One token"));
    assert_eq!(channel["messages"], json!({"shop.v1.Order": {"$ref": "#/components/messages/shop.v1.Order"}}));
    let operation = &document["operations"]["orders-order"];
    assert_eq!((&operation["action"], &operation["summary"]), (&json!("receive"), &json!("Orders tea")));
    assert_eq!(operation["channel"]["$ref"], "#/channels/orders-order");
    assert_eq!(operation["bindings"]["nats"]["queue"], "shop");
    assert_eq!(operation["messages"], json!([{"$ref": "#/channels/orders-order/messages/shop.v1.Order"}]));
    assert_eq!(operation["reply"]["channel"]["$ref"], "#/channels/inbox");
    assert_eq!(operation["reply"]["address"]["$ref"], "#/components/replyAddresses/inbox");
    assert_eq!(document["components"]["replyAddresses"]["inbox"]["location"], "$message.header#/reply-to");
    assert_eq!(document["channels"]["inbox"]["address"], Value::Null);
    let message = &document["components"]["messages"]["shop.v1.Order.Line"];
    assert_eq!(message["payload"]["$ref"], "#/components/schemas/shop.v1.Order.Line");
    assert_eq!(message["contentType"], "application/protobuf");
    assert_eq!(document["components"]["schemas"]["shop.v1.Order"]["schema"], "syntax = \"proto3\";");
}

#[test]
fn every_shape_of_answer_is_told() {
    async fn message() -> Message<shop::v1::Order> {
        Message(shop::v1::Order {})
    }
    async fn bytes(_: Payload) -> Vec<u8> {
        Vec::new()
    }
    async fn empty() {}
    async fn many() -> Answers<impl stream::Stream<Item = Message<shop::v1::Order>>> {
        Answers(stream::iter([Message(shop::v1::Order {})]))
    }
    async fn many_bytes() -> Answers<impl stream::Stream<Item = Vec<u8>>> {
        Answers(stream::iter([Vec::new()]))
    }
    async fn by_hand(_: Reply) {}
    let at = "from.{user}.x";
    for (route, request, expected) in [
        (Route::new(at, message), "any", vec!["shop.v1.Order", "fault"]),
        (Route::new(at, bytes), "bytes", vec!["bytes", "fault"]),
        (Route::new(at, empty), "any", vec!["empty", "fault"]),
        (Route::new(at, many), "any", vec!["shop.v1.Order", "end", "fault"]),
        (Route::new(at, many_bytes), "any", vec!["bytes", "end", "fault"]),
        (Route::new(at, by_hand), "any", vec!["by-hand", "fault"]),
    ] {
        let (operation, answers) = one(route);
        assert_eq!(last(&operation["messages"][0]["$ref"]), request);
        assert_eq!(answers, expected);
    }
    let said = |route: Route| one(route).0["description"].as_str().unwrap().to_owned();
    assert_eq!(said(Route::new(at, empty)), "The handler has 5s, then the caller gets the fault 504.");
    assert!(said(Route::new(at, empty).timeout(Duration::from_millis(1_500))).contains("has 1.5s,"));
    assert!(said(Route::new(at, empty).no_timeout()).contains("no time limit"));
    assert!(said(Route::new(at, many)).contains("behind the last comes `end`. The handler has 5s for each answer"));
    assert!(said(Route::new(at, by_hand)).contains("Answered by hand"));
}

#[test]
fn a_broadcast_has_no_queue_group() {
    let (operation, _) = one(Route::new("from.{user}.x", async || {}).broadcast());
    assert_eq!(operation["bindings"], Value::Null);
    assert!(operation["description"].as_str().unwrap().contains("Every instance"));
}

#[test]
fn the_rest_of_a_subject_is_a_parameter_with_a_plain_name() {
    let (document, _) =
        describe(&Router::new().subscribe("from.{user}.files.{rest..}", async || {}), &Schemas::default());
    let channel = &document["channels"]["files-rest"];
    assert_eq!(channel["address"], "from.{user}.files.{rest}");
    assert!(channel["parameters"]["rest"]["description"].as_str().unwrap().contains("one token or more"));
}

#[test]
fn a_fault_tells_its_headers_and_the_codes_of_the_service() {
    let (document, _) = describe(&Router::new().subscribe("from.{user}.x", async || {}), &Schemas::default());
    let fault = &document["components"]["messages"]["fault"];
    let named = Fault::internal("x").to_headers();
    let names: Vec<&str> = named.iter().map(|(name, _)| name).collect();
    assert_eq!(names.len(), 2);
    for name in names {
        assert_eq!(fault["headers"]["properties"][name]["type"], "string", "{name}");
        assert!(fault["headers"]["required"].as_array().unwrap().contains(&json!(name)));
    }
    for code in ["400", "429", "500", "503", "504"] {
        assert!(fault["description"].as_str().unwrap().contains(&format!("- `{code}`: ")), "{code}");
    }
    assert_eq!(fault["payload"], Value::Null);
}

#[test]
fn a_type_without_a_schema_is_said_to_be_unknown() {
    async fn order(_: Message<shop::Unknown>) {}
    let router = Router::new().subscribe("from.{user}.a", order).subscribe("from.{user}.b", order);
    let (document, notes) = describe(&router, &schemas(&[("shop.v1", "Order")]));
    let messages = document["components"]["messages"].as_object().unwrap();
    let (_, message) = messages.iter().find(|(key, _)| key.ends_with("shop.Unknown")).unwrap();
    assert_eq!(message["payload"], json!({"type": "string", "format": "binary"}));
    assert!(message["description"].as_str().unwrap().contains("tests::shop::Unknown`"), "{message}");
    assert_eq!(notes.len(), 1, "once a type: {notes:?}");
    assert!(notes[0].contains("no descriptor"), "{notes:?}");
}

#[test]
fn a_type_that_may_be_two_messages_is_said_to_be() {
    async fn order(_: Message<shop::v1::Order>) {}
    let router = Router::new().subscribe("from.{user}.a", order);
    let (_, notes) = describe(&router, &schemas(&[("cafe.v1", "Order"), ("bar.v1", "Order")]));
    assert!(notes[0].contains("`bar.v1.Order` and `cafe.v1.Order`"), "{notes:?}");
}

#[test]
fn what_is_sent_besides_answers_is_told() {
    let pattern = |text: &str| text.parse().unwrap();
    let payload = PayloadType::Message("shop::v1::Order");
    let sends = vec![
        Sends { pattern: pattern("to.{user}.order"), payload, about: "When tea is ready".to_owned() },
        Sends { pattern: pattern("topic.{topic}.{user}"), payload: PayloadType::Bytes, about: String::new() },
        Sends { pattern: pattern("to.{user}.any"), payload: PayloadType::None, about: String::new() },
    ];
    let document = Document::new(&Api { sends, ..api() }, &[], &schemas(&[("shop.v1", "Order")]));
    let document: Value = serde_json::from_str(document.json()).unwrap();
    let operation = &document["operations"]["to-user-order"];
    assert_eq!((&operation["action"], &operation["summary"]), (&json!("send"), &json!("When tea is ready")));
    assert_eq!(last(&operation["messages"][0]["$ref"]), "shop.v1.Order");
    assert_eq!(operation["reply"], Value::Null);
    let parameters = &document["channels"]["to-user-order"]["parameters"];
    assert!(parameters["user"]["description"].as_str().unwrap().contains("sent to"));
    assert_eq!(last(&document["operations"]["topic-topic-user"]["messages"][0]["$ref"]), "bytes");
    assert_eq!(last(&document["operations"]["to-user-any"]["messages"][0]["$ref"]), "any");
    assert_eq!(document["channels"]["inbox"], Value::Null, "nothing is answered");
    let words = document["info"]["description"].as_str().unwrap();
    assert!(words.contains("**Listening.**") && !words.contains("**Calling.**"), "{words}");
}

#[test]
fn names_that_no_key_can_be_made_of_are_told_apart() {
    let router = Router::new()
        .route(Route::new("from.{user}.a", async || {}).name("in?box"))
        .route(Route::new("from.{user}.b", async || {}).name("in#box"))
        .route(Route::new("from.{user}.c", async || {}).name("inbox"));
    let (document, _) = describe(&router, &Schemas::default());
    let keys: Vec<&str> = document["channels"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["in_box", "in_box-2", "inbox", "inbox-2"]);
    assert_eq!(document["channels"]["inbox-2"]["address"], "from.{user}.c");
    assert_eq!(document["channels"]["in_box"]["address"], "from.{user}.b", "by name, not by order of registration");
}

#[test]
fn the_same_routes_in_another_order_are_the_same_text() {
    async fn order(_: Message<shop::Unknown>) -> Message<shop::v1::Order> {
        Message(shop::v1::Order {})
    }
    // Names that are one and the same as keys, so that the order could matter.
    let route = |pattern: &str| Route::new(pattern, order).name(pattern.replace("from.{user}.", "x?#!"));
    let text = |patterns: [&str; 3]| {
        let router: Router = patterns.iter().fold(Router::new(), |router, pattern| router.route(route(pattern)));
        Document::new(&api(), &router.routes().unwrap(), &schemas(&[("shop.v1", "Order")])).to_string()
    };
    let one = text(["from.{user}.?", "from.{user}.#", "from.{user}.!"]);
    assert_eq!(one, text(["from.{user}.!", "from.{user}.?", "from.{user}.#"]));
    let places: Vec<usize> = ["asyncapi", "info", "servers", "channels", "operations", "components"]
        .map(|key| one.find(&format!("\n  \"{key}\"")).unwrap())
        .to_vec();
    assert!(places.is_sorted(), "in the order of the specification");
}

#[test]
fn servers_are_those_that_clients_are_told() {
    let servers = |urls: &[&str]| {
        let servers = urls.iter().map(|url| (*url).to_owned()).collect();
        let document = Document::new(&Api { servers, ..api() }, &[], &Schemas::default());
        serde_json::from_str::<Value>(document.json()).unwrap()["servers"].clone()
    };
    assert_eq!(servers(&[])["nats"]["host"], "{host}");
    assert_eq!(servers(&[])["nats"]["variables"]["host"]["default"], "127.0.0.1:4222");
    let known = servers(&["tls://ada:secret@nats.example.org", "nats://b:4222", "wss://nats.example.org/ws"]);
    assert_eq!(known["nats"]["host"], "nats.example.org");
    assert_eq!(known["nats-2"]["host"], "b:4222");
    assert_eq!((&known["websocket"]["protocol"], &known["websocket"]["pathname"]), (&json!("wss"), &json!("/ws")));
    assert!(!known.to_string().contains("secret"));
}

#[test]
fn a_rust_type_is_the_message_whose_name_agrees_furthest() {
    let mut known = schemas(&[
        ("shop.v1", "Order"),
        ("shop.v1", "Order.Line"),
        ("shop.v2", "Order"),
        ("other", "Line"),
        ("my_company.web_shop", "HTTPHeader"),
        ("my_company.web_shop", "HTTPHeader.type"),
    ]);
    known.insert("Bare", schema(""));
    known.insert("Bare.Self", schema(""));
    let home = |package: &str, home: &str| Schema { home: Some(home.to_owned()), ..schema(package) };
    known.insert("google.protobuf.Timestamp", home("google.protobuf", "prost_types"));
    known.insert("google.protobuf.StringValue", home("google.protobuf", "prost_types"));
    for (path, expected) in [
        ("shop::v1::Order", vec!["shop.v1.Order"]),
        ("my_service::proto::shop::v1::Order", vec!["shop.v1.Order"]),
        ("my_service::v2::Order", vec!["shop.v2.Order"]),
        // Included at the root of a crate: nothing tells the packages apart.
        ("my_service::Order", vec!["shop.v1.Order", "shop.v2.Order"]),
        ("my_service::order::Line", vec!["shop.v1.Order.Line"]),
        ("my_service::Line", vec!["other.Line"]),
        ("shop::v1::Line", vec!["other.Line"]),
        ("my_company::web_shop::HttpHeader", vec!["my_company.web_shop.HTTPHeader"]),
        ("x::http_header::Type", vec!["my_company.web_shop.HTTPHeader.type"]),
        ("x::http_header::r#Type", vec!["my_company.web_shop.HTTPHeader.type"]),
        ("x::Bare", vec!["Bare"]),
        ("x::bare::Self_", vec!["Bare.Self"]),
        ("x::Timestamp", vec![]),
        ("x::protobuf::Timestamp", vec![]),
        ("x::google::protobuf::Timestamp", vec!["google.protobuf.Timestamp"]),
        ("prost_types::protobuf::Timestamp", vec!["google.protobuf.Timestamp"]),
        ("alloc::string::String", vec!["google.protobuf.StringValue"]),
        ("u64", vec![]),
        ("x::Nothing", vec![]),
        ("", vec![]),
    ] {
        assert_eq!(candidates(path, &known), expected, "{path}");
    }
}
