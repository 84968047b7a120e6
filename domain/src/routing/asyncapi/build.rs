//! The decisions: which channels, operations, messages and replies there are.

use std::collections::BTreeMap;

use super::{
    Api, Schemas, Sends,
    model::{
        Bindings, Channel, Components, Headers, Info, Message, NatsBinding, Operation, Parameter, Payload, ProtoSchema,
        Reference, Reply, ReplyAddress, Root, Server, Text, Variable,
    },
    names, words,
};
use crate::{
    routing::{AnswerType, END, PayloadType, RouteDescription, fault},
    subject::Pattern,
};

const PROTOBUF: &str = "application/protobuf";
const BYTES: &str = "application/octet-stream";
const INBOX: &str = "inbox";

/// What is asked for of a message: what its component is made of.
#[derive(Clone, Copy)]
enum Kind<'a> {
    Typed(&'a str),
    Bytes,
    Any,
    Empty,
    ByHand,
    Fault,
    End,
}

struct Builder<'a> {
    root: Root,
    schemas: &'a Schemas,
    notes: Vec<String>,
}

pub(super) fn build(api: &Api, routes: &[RouteDescription], schemas: &Schemas) -> (Root, Vec<String>) {
    let calls = routes.iter().any(|route| route.pattern.starts_with("from.{user}."));
    let root = Root {
        asyncapi: "3.0.0",
        info: Info {
            title: api.name.clone(),
            version: api.version.clone(),
            description: words::info(&api.about, calls, !api.sends.is_empty()),
        },
        default_content_type: PROTOBUF,
        servers: servers(&api.servers),
        channels: BTreeMap::new(),
        operations: BTreeMap::new(),
        components: Components::default(),
    };
    let mut builder = Builder { root, schemas, notes: Vec::new() };
    if !routes.is_empty() {
        let inbox = Channel { description: Some(words::INBOX.to_owned()), ..Channel::default() };
        builder.root.channels.insert(INBOX.to_owned(), inbox);
        let address = ReplyAddress { location: "$message.header#/reply-to", description: words::REPLY };
        builder.root.components.reply_addresses.insert(INBOX, address);
    }
    // By name, so that names that collide are told apart in the same way whatever the order of registration.
    let mut routes: Vec<_> = routes.iter().collect();
    routes.sort_by(|a, b| (&a.name, &a.pattern).cmp(&(&b.name, &b.pattern)));
    routes.into_iter().for_each(|route| builder.route(&api.name, route));
    let mut sends: Vec<_> = api.sends.iter().collect();
    sends.sort_by(|a, b| a.pattern.as_str().cmp(b.pattern.as_str()));
    sends.into_iter().for_each(|sends| builder.sends(sends));
    (builder.root, builder.notes)
}

impl Builder<'_> {
    fn route(&mut self, queue: &str, route: &RouteDescription) {
        let (channel, messages) = self.channel(&route.name, &route.pattern, route.signature.payload);
        let answers: Vec<Reference> = answers(route).into_iter().map(|kind| self.message_of(INBOX, kind)).collect();
        let queue = NatsBinding { queue: queue.to_owned(), binding_version: "0.1.0" };
        let operation = Operation {
            action: "receive",
            channel: reference(&["channels", &channel]),
            summary: route.about.clone(),
            description: words::route(route),
            bindings: (!route.broadcast).then_some(Bindings { nats: queue }),
            messages,
            reply: Some(Reply {
                address: reference(&["components", "replyAddresses", INBOX]),
                channel: reference(&["channels", INBOX]),
                messages: answers,
            }),
        };
        self.root.operations.insert(channel, operation);
    }

    fn sends(&mut self, sends: &Sends) {
        let (channel, messages) = self.channel(&sends.pattern.default_name(), sends.pattern.as_str(), sends.payload);
        let operation = Operation {
            action: "send",
            channel: reference(&["channels", &channel]),
            summary: (!sends.about.is_empty()).then(|| sends.about.clone()),
            description: String::new(),
            bindings: None,
            messages,
            reply: None,
        };
        self.root.operations.insert(channel, operation);
    }

    /// Adds a channel with one message; gives its key and the reference to that message.
    fn channel(&mut self, name: &str, pattern: &str, payload: PayloadType) -> (String, Vec<Reference>) {
        let names = pattern.parse::<Pattern>().ok();
        let names: Vec<String> = names.iter().flat_map(Pattern::names).map(str::to_owned).collect();
        let described = |name: String| {
            let description = words::parameter(pattern, &name);
            (name, Parameter { description })
        };
        let channel = Channel {
            address: Some(pattern.replace("..}", "}")),
            description: None,
            parameters: names.into_iter().map(described).collect(),
            messages: BTreeMap::new(),
        };
        let key = insert(&mut self.root.channels, &key(name), channel);
        let kind = match payload {
            PayloadType::None => Kind::Any,
            PayloadType::Bytes => Kind::Bytes,
            PayloadType::Message(path) => Kind::Typed(path),
        };
        let message = self.message_of(&key, kind);
        (key, vec![message])
    }

    /// Makes sure that a channel has this message; gives the reference to it.
    fn message_of(&mut self, channel: &str, kind: Kind<'_>) -> Reference {
        let message = self.component(kind);
        if let Some(channel) = self.root.channels.get_mut(channel) {
            channel.messages.insert(message.clone(), reference(&["components", "messages", &message]));
        }
        reference(&["channels", channel, "messages", &message])
    }

    /// Makes sure of the component of a message; gives its key.
    fn component(&mut self, kind: Kind<'_>) -> String {
        let message = match kind {
            Kind::Typed(path) => self.typed(path),
            Kind::Bytes => raw("bytes", "Bytes of any kind; what they mean is told in words, if at all"),
            Kind::Any => raw("any", "A message whose payload has no declared type; it may be empty"),
            Kind::Empty => plain("empty", "An empty message: the work is done, and there is nothing more to say"),
            Kind::ByHand => {
                raw("by-hand", "An answer that the handler gives by hand, of a type that its signature does not tell")
            }
            Kind::Fault => fault(),
            Kind::End => end(),
        };
        insert(&mut self.root.components.messages, &key(&message.name), message)
    }

    fn typed(&mut self, path: &str) -> Message {
        let candidates = names::candidates(path, self.schemas);
        let [name] = candidates.as_slice() else {
            let description =
                if candidates.is_empty() { words::unknown(path) } else { words::ambiguous(path, &candidates) };
            if !self.notes.contains(&description) {
                self.notes.push(description.clone());
            }
            let message = raw(path, "A protobuf message that is not described here");
            return Message { description: Some(description), content_type: Some(PROTOBUF), ..message };
        };
        let schema = self.schemas.get(name);
        let schemas = &mut self.root.components.schemas;
        if let Some(schema) = schema {
            let own = ProtoSchema { schema_format: schema.format.clone(), schema: schema.text.clone() };
            schemas.insert((*name).to_owned(), own);
        }
        Message {
            name: (*name).to_owned(),
            summary: schema.and_then(|schema| schema.about.clone()),
            content_type: Some(PROTOBUF),
            payload: Some(Payload::Schema(reference(&["components", "schemas", name]))),
            ..Message::default()
        }
    }
}

/// What may come as an answer.
fn answers(route: &RouteDescription) -> Vec<Kind<'static>> {
    let mut answers = match route.signature.answer {
        AnswerType::Empty if route.signature.by_hand => Vec::new(),
        AnswerType::Empty => vec![Kind::Empty],
        AnswerType::Bytes => vec![Kind::Bytes],
        AnswerType::Message(path) => vec![Kind::Typed(path)],
        AnswerType::ManyBytes => vec![Kind::Bytes, Kind::End],
        AnswerType::ManyMessages(path) => vec![Kind::Typed(path), Kind::End],
    };
    if route.signature.by_hand {
        answers.push(Kind::ByHand);
    }
    answers.push(Kind::Fault);
    answers
}

fn fault() -> Message {
    let code = Text { pattern: Some("^[45][0-9][0-9]$"), ..text(words::FAULT_CODE) };
    Message {
        description: Some(words::FAULT.to_owned()),
        headers: Some(headers([(fault::CODE, code), (fault::MESSAGE, text(words::FAULT_WORDS))])),
        ..plain("fault", "An error; there is no payload")
    }
}

fn end() -> Message {
    let count = Text { pattern: Some("^[0-9]+$"), ..text(words::END) };
    Message {
        description: Some(words::END_MESSAGE.to_owned()),
        headers: Some(headers([(END, count)])),
        ..plain("end", "The end of many answers")
    }
}

/// Headers that are all there.
fn headers<const N: usize>(properties: [(&'static str, Text); N]) -> Headers {
    let properties = BTreeMap::from(properties);
    Headers { kind: "object", required: properties.keys().copied().collect(), properties }
}

fn text(description: &'static str) -> Text {
    Text { kind: "string", description: Some(description), ..Text::default() }
}

fn plain(name: &str, summary: &str) -> Message {
    Message { name: name.to_owned(), summary: Some(summary.to_owned()), ..Message::default() }
}

fn raw(name: &str, summary: &str) -> Message {
    let payload = Text { kind: "string", format: Some("binary"), ..Text::default() };
    Message { content_type: Some(BYTES), payload: Some(Payload::Bytes(payload)), ..plain(name, summary) }
}

fn reference(path: &[&str]) -> Reference {
    Reference { to: format!("#/{}", path.join("/")) }
}

/// A name as a key: what neither a component's name nor a JSON pointer can hold becomes `_`.
fn key(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' };
    name.replace("::", ".").chars().map(plain).collect()
}

/// Inserts under a key that nothing else has, which it gives; what is there already stays.
fn insert<T: PartialEq>(map: &mut BTreeMap<String, T>, wanted: &str, value: T) -> String {
    let numbered = (2_u32..).map(|number| format!("{wanted}-{number}"));
    let mut keys = std::iter::once(wanted.to_owned()).chain(numbered);
    let free = |key: &String| map.get(key).is_none_or(|there| *there == value);
    let key = keys.find(free).expect("there are more numbers than keys");
    map.entry(key.clone()).or_insert(value);
    key
}

fn servers(urls: &[String]) -> BTreeMap<String, Server> {
    let mut servers = BTreeMap::new();
    for url in urls {
        let (scheme, rest) = url.split_once("://").unwrap_or(("nats", url));
        // Whoever reads the document is told no password.
        let rest = rest.rsplit_once('@').map_or(rest, |(_, behind)| behind);
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (key, protocol, description) = match scheme {
            "ws" => ("websocket", "ws", "The broker, over WebSocket: for browsers."),
            "wss" => ("websocket", "wss", "The broker, over WebSocket with TLS: for browsers."),
            "tls" => ("nats", "nats", "The broker, with TLS."),
            other => ("nats", other, "The broker."),
        };
        let server = Server {
            host: host.to_owned(),
            pathname: (!path.is_empty()).then(|| format!("/{path}")),
            protocol: protocol.to_owned(),
            description: description.to_owned(),
            ..Server::default()
        };
        insert(&mut servers, key, server);
    }
    if servers.is_empty() {
        let variable = Variable { default: "127.0.0.1:4222", description: words::HOST };
        let server = Server {
            host: "{host}".to_owned(),
            protocol: "nats".to_owned(),
            description: "The broker.".to_owned(),
            variables: BTreeMap::from([("host", variable)]),
            ..Server::default()
        };
        servers.insert("nats".to_owned(), server);
    }
    servers
}
