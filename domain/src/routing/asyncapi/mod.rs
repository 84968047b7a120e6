//! A router as an AsyncAPI 3 document: what a front-end developer needs to call it, and no more.
//!
//! | in the router | in the document |
//! |---|---|
//! | a route | a channel with the pattern as its address, and an operation `receive`: the view is the service's |
//! | what it takes | a message, whose payload is the `.proto` text of its type ([`Schemas`]) |
//! | what it answers | the operation's `reply`, into the channel `inbox`, whose address each request says for itself |
//! | a fault | the message `fault`: a reply without payload, with the error headers of NATS ADR-32 |
//! | many answers | the messages of the answer, then the message `end` |
//! | the queue group | the operation's NATS binding; a broadcast has none |
//! | what the service sends besides ([`Sends`]) | a channel and an operation `send` |
//!
//! A route knows the Rust path of its message, not the protobuf name: the two are matched by the rules by which prost makes
//! one of the other. A type that no schema is known of is no error: the document says so, and so do [`Document::notes`].
//!
//! The same input gives the same text: nothing in it depends on time, chance or the order of registration.

mod build;
mod model;
mod names;
mod words;

#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, fmt};

use super::{PayloadType, RouteDescription};
use crate::subject::Pattern;

/// What the router does not know of its service.
#[derive(Debug, Clone, Default)]
pub struct Api {
    /// The service's name, which is its queue group too.
    pub name: String,
    /// Its version, as in semver.
    pub version: String,
    /// What it is for, in words (Markdown).
    pub about: String,
    /// Where clients find the broker, as `nats://host:port`, `tls://…`, `ws://…`, `wss://…`. None: the document leaves the
    /// host open.
    pub servers: Vec<String>,
    /// What it sends besides answers.
    pub sends: Vec<Sends>,
}

/// Messages that a service sends on its own account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sends {
    /// Where to: `to.{user}.reminder`.
    pub pattern: Pattern,
    /// What it sends.
    pub payload: PayloadType,
    /// When and why, in words.
    pub about: String,
}

/// Schemas of protobuf messages, by their full names (`shop.v1.Order.Line`).
#[derive(Debug, Clone, Default)]
pub struct Schemas(BTreeMap<String, Schema>);

/// The schema of one protobuf message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schema {
    /// The package it is of; may be empty.
    pub package: String,
    /// What kind of text it is: `application/vnd.google.protobuf;version=3`.
    pub format: String,
    /// The text, complete in itself.
    pub text: String,
    /// What the message is for, in words.
    pub about: Option<String>,
    /// The crate that has the generated types, where that is known: no type of another is taken for this message, unless it
    /// lies in modules of the package's whole name.
    pub home: Option<String>,
}

/// A router, described.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    json: String,
    notes: Vec<String>,
}

impl Schemas {
    /// Adds the schema of a message, over one of the same name.
    pub fn insert(&mut self, full_name: impl Into<String>, schema: Schema) {
        self.0.insert(full_name.into(), schema);
    }

    /// Takes over all of `other`, over those of the same names.
    pub fn merge(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// The schema of the message with this full name.
    #[must_use]
    pub fn get(&self, full_name: &str) -> Option<&Schema> {
        self.0.get(full_name)
    }

    /// The full names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

impl Document {
    /// Describes the routes of a service.
    ///
    /// ```
    /// use relais_domain::routing::{Router, asyncapi::{Api, Document, Schemas}};
    ///
    /// let router: Router = Router::new().subscribe("from.{user}.hello", async || b"hello".to_vec());
    /// let api = Api { name: "greeter".to_owned(), version: "1.0.0".to_owned(), ..Api::default() };
    /// let document = Document::new(&api, &router.routes().unwrap(), &Schemas::default());
    /// assert!(document.json().contains(r#""address": "from.{user}.hello""#));
    /// assert!(document.notes().is_empty());
    /// ```
    #[must_use]
    pub fn new(api: &Api, routes: &[RouteDescription], schemas: &Schemas) -> Self {
        let (document, notes) = build::build(api, routes, schemas);
        let json = serde_json::to_string_pretty(&document).expect("names are text and nothing in it can fail");
        Self { json: json + "\n", notes }
    }

    /// The document: JSON over several lines, with a line break at its end.
    #[must_use]
    pub fn json(&self) -> &str {
        &self.json
    }

    /// What could not be described, a sentence each: types without a schema, and types that might be several messages.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }
}

impl fmt::Display for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.json)
    }
}
