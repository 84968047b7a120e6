//! Which protobuf message a Rust type is.
//!
//! prost makes `shop::v1::order::Line` of the message `Line` inside `Order` of the package `shop.v1`: packages and outer
//! messages become modules in `snake_case`, the message a type in `CamelCase`, and a name that Rust keeps for itself gets an
//! `r#` or a `_`. All of this changes capitals and underscores only, so names are compared without them.
//!
//! What the developer is free in is the modules above the package: the file of a package may be included anywhere, at the
//! root of a crate too. So the outer messages and the message itself must agree, and of several messages that do, the one is
//! meant whose package agrees furthest.

use super::Schemas;

/// Types that prost takes for messages without having made them.
const WELL_KNOWN: [(&str, &str); 11] = [
    ("()", "google.protobuf.Empty"),
    ("bool", "google.protobuf.BoolValue"),
    ("u32", "google.protobuf.UInt32Value"),
    ("u64", "google.protobuf.UInt64Value"),
    ("i32", "google.protobuf.Int32Value"),
    ("i64", "google.protobuf.Int64Value"),
    ("f32", "google.protobuf.FloatValue"),
    ("f64", "google.protobuf.DoubleValue"),
    ("alloc::string::String", "google.protobuf.StringValue"),
    ("alloc::vec::Vec<u8>", "google.protobuf.BytesValue"),
    ("bytes::bytes::Bytes", "google.protobuf.BytesValue"),
];

/// The full names of the messages that the Rust type at `path` may be: one when all is well, none when it is unknown.
pub(super) fn candidates<'s>(path: &str, schemas: &'s Schemas) -> Vec<&'s str> {
    if let Some((_, name)) = WELL_KNOWN.iter().find(|(rust, _)| *rust == path) {
        return schemas.0.get_key_value(*name).map(|(name, _)| name.as_str()).into_iter().collect();
    }
    let segments: Vec<String> = path.split("::").map(plain).collect();
    let (mut best, mut found) = (0, Vec::new());
    for (name, schema) in &schemas.0 {
        let inside = name.strip_prefix(schema.package.as_str()).unwrap_or(name).trim_start_matches('.');
        let needed = inside.split('.').count();
        let parts: Vec<String> = name.split('.').map(plain).collect();
        let agree = parts.iter().rev().zip(segments.iter().rev()).take_while(|(a, b)| a == b).count();
        // A message whose types are in a crate that is known may have been generated elsewhere too, by its whole name only.
        let elsewhere = |home: &str| path.split("::").next() != Some(home) && agree < parts.len();
        if agree < needed || agree < best || schema.home.as_deref().is_some_and(elsewhere) {
            continue;
        }
        if agree > best {
            (best, found) = (agree, Vec::new());
        }
        found.push(name.as_str());
    }
    found
}

/// A name without capitals and underscores.
fn plain(name: &str) -> String {
    let name = name.strip_prefix("r#").unwrap_or(name);
    name.chars().filter(|c| *c != '_').flat_map(char::to_lowercase).collect()
}
