//! The parts of an AsyncAPI 3.0 document that Relais uses, in the order in which they are written.

use std::collections::BTreeMap;

use serde::Serialize;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Root {
    pub(super) asyncapi: &'static str,
    pub(super) info: Info,
    pub(super) default_content_type: &'static str,
    pub(super) servers: BTreeMap<String, Server>,
    pub(super) channels: BTreeMap<String, Channel>,
    pub(super) operations: BTreeMap<String, Operation>,
    pub(super) components: Components,
}

#[derive(Debug, Serialize)]
pub(super) struct Info {
    pub(super) title: String,
    pub(super) version: String,
    pub(super) description: String,
}

#[derive(Debug, Default, PartialEq, Serialize)]
pub(super) struct Server {
    pub(super) host: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) pathname: Option<String>,
    pub(super) protocol: String,
    pub(super) description: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) variables: BTreeMap<&'static str, Variable>,
}

#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Variable {
    pub(super) default: &'static str,
    pub(super) description: &'static str,
}

#[derive(Debug, Default, PartialEq, Serialize)]
pub(super) struct Channel {
    /// `None` is an address that each message says for itself.
    pub(super) address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) parameters: BTreeMap<String, Parameter>,
    pub(super) messages: BTreeMap<String, Reference>,
}

#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Parameter {
    pub(super) description: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Reference {
    #[serde(rename = "$ref")]
    pub(super) to: String,
}

#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Operation {
    pub(super) action: &'static str,
    pub(super) channel: Reference,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) summary: Option<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) description: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) bindings: Option<Bindings>,
    pub(super) messages: Vec<Reference>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reply: Option<Reply>,
}

#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Bindings {
    pub(super) nats: NatsBinding,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NatsBinding {
    pub(super) queue: String,
    pub(super) binding_version: &'static str,
}

#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Reply {
    pub(super) address: Reference,
    pub(super) channel: Reference,
    pub(super) messages: Vec<Reference>,
}

#[derive(Debug, Serialize)]
pub(super) struct ReplyAddress {
    pub(super) location: &'static str,
    pub(super) description: &'static str,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Components {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) reply_addresses: BTreeMap<&'static str, ReplyAddress>,
    pub(super) messages: BTreeMap<String, Message>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) schemas: BTreeMap<String, ProtoSchema>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Message {
    pub(super) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) summary: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) content_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) headers: Option<Headers>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) payload: Option<Payload>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub(super) enum Payload {
    Schema(Reference),
    Bytes(Text),
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Headers {
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) required: Vec<&'static str>,
    pub(super) properties: BTreeMap<&'static str, Text>,
}

/// The schema of a text, or of bytes.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(super) struct Text {
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) format: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) pattern: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<&'static str>,
}

/// A schema in a language other than JSON Schema (AsyncAPI: Multi Format Schema Object).
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ProtoSchema {
    pub(super) schema_format: String,
    pub(super) schema: String,
}
