//! Where in a JSON body the wrong field stands.
//!
//! The reader of prost-reflect says what is wrong, but not where. When it has failed, each field is tried alone, and the
//! first that fails is followed downwards: this costs time only for bodies that are refused anyway.

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Map, Value};

use super::codec::read;

/// The path of the first field that cannot be read (`to.number`, `also[1].street`), and why. `None` when the fault is
/// in no one field (the body is not an object, or two members of a oneof are given).
pub(super) fn failure(descriptor: &MessageDescriptor, json: &Value) -> Option<(String, String)> {
    // The well-known types have a JSON of their own, whose members are no fields.
    if descriptor.full_name().starts_with("google.protobuf.") {
        return None;
    }
    json.as_object()?.iter().find_map(|(name, value)| {
        let reason = read(descriptor, &alone(name, value)).err()?;
        let field = descriptor.get_field_by_json_name(name).or_else(|| descriptor.get_field_by_name(name));
        let deeper = field.as_ref().and_then(|field| inside(descriptor, field, name, value));
        Some(deeper.unwrap_or((name.clone(), reason)))
    })
}

fn inside(
    descriptor: &MessageDescriptor,
    field: &FieldDescriptor,
    name: &str,
    value: &Value,
) -> Option<(String, String)> {
    if field.is_map() {
        return None;
    }
    if field.is_list() {
        return value.as_array()?.iter().enumerate().find_map(|(at, item)| {
            let reason = read(descriptor, &alone(name, &Value::Array(vec![item.clone()]))).err()?;
            let place = format!("{name}[{at}]");
            Some(of_message(field, &place, item).unwrap_or((place, reason)))
        });
    }
    of_message(field, name, value)
}

fn of_message(field: &FieldDescriptor, place: &str, value: &Value) -> Option<(String, String)> {
    let Kind::Message(inner) = field.kind() else { return None };
    failure(&inner, value).map(|(path, reason)| (format!("{place}.{path}"), reason))
}

fn alone(name: &str, value: &Value) -> Value {
    Value::Object(Map::from_iter([(name.to_owned(), value.clone())]))
}
