//! Bodies to bytes, bytes to JSON.

use bytes::Bytes;
use prost_reflect::{
    DeserializeOptions, DynamicMessage, Kind, MessageDescriptor, ReflectMessage as _, SerializeOptions, Value,
    prost::Message as _,
};

use super::{Descriptors, ReflectError, locate};

/// What a person typed as the body of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body<'a> {
    /// Nothing: the message with every field unset.
    Empty,
    /// Text, for the first string field.
    Text(&'a str),
    /// A JSON object, in protobuf's canonical mapping.
    Json(&'a str),
}

impl<'a> Body<'a> {
    /// What `text` is: an object when it begins with `{`, else text. A text that begins with `{` is sent by naming its
    /// field: `{"message": "{"}`.
    #[must_use]
    pub fn of(text: &'a str) -> Self {
        if text.trim_start().starts_with('{') { Self::Json(text) } else { Self::Text(text) }
    }
}

/// A message, read.
#[derive(Debug, Clone, PartialEq)]
pub struct Decoded {
    /// The message as JSON, fields at their default included.
    pub json: serde_json::Value,
    /// The one string, when the type has exactly one field and that is a string.
    pub text: Option<String>,
}

impl Descriptors {
    /// The bytes of a message of type `name`.
    ///
    /// # Errors
    /// [`ReflectError::Json`], [`ReflectError::Field`] naming the field, [`ReflectError::NoTextField`], and those of
    /// [`Descriptors::resolve`].
    pub fn encode(&self, name: &str, body: Body<'_>) -> Result<Bytes, ReflectError> {
        let descriptor = self.message(name)?;
        let message = match body {
            Body::Empty => DynamicMessage::new(descriptor),
            Body::Text(text) => from_text(descriptor, text)?,
            Body::Json(text) => from_json(&descriptor, &serde_json::from_str(text)?)?,
        };
        Ok(message.encode_to_vec().into())
    }

    /// Reads bytes as a message of type `name`. Unknown fields are left out, as every protobuf reader does.
    ///
    /// # Errors
    /// [`ReflectError::Undecodable`] when the bytes are none, or cannot be told in JSON (a timestamp out of range, an
    /// `Any` of an unknown type); those of [`Descriptors::resolve`].
    pub fn decode(&self, name: &str, bytes: Bytes) -> Result<Decoded, ReflectError> {
        let descriptor = self.message(name)?;
        let undecodable =
            |reason: String| ReflectError::Undecodable { type_name: descriptor.full_name().to_owned(), reason };
        let message =
            DynamicMessage::decode(descriptor.clone(), bytes).map_err(|error| undecodable(error.to_string()))?;
        let options = SerializeOptions::new().skip_default_fields(false);
        let json = message
            .serialize_with_options(serde_json::value::Serializer, &options)
            .map_err(|error| undecodable(error.to_string()))?;
        Ok(Decoded { json, text: only_string(&message) })
    }
}

fn from_text(descriptor: MessageDescriptor, text: &str) -> Result<DynamicMessage, ReflectError> {
    let place = descriptor.fields().find(|field| matches!(field.kind(), Kind::String) && !field.is_list());
    let Some(place) = place else {
        let fields: Vec<_> = descriptor.fields().map(|field| field.json_name().to_owned()).collect();
        let fields = if fields.is_empty() { "none".to_owned() } else { fields.join(", ") };
        return Err(ReflectError::NoTextField { type_name: descriptor.full_name().to_owned(), fields });
    };
    let mut message = DynamicMessage::new(descriptor);
    message.set_field(&place, Value::String(text.to_owned()));
    Ok(message)
}

fn from_json(descriptor: &MessageDescriptor, json: &serde_json::Value) -> Result<DynamicMessage, ReflectError> {
    read(descriptor, json).map_err(|reason| {
        let (path, reason) = locate::failure(descriptor, json).unwrap_or((String::new(), reason));
        let at = if path.is_empty() { String::new() } else { format!("field {path}: ") };
        ReflectError::Field { type_name: descriptor.full_name().to_owned(), at, reason }
    })
}

/// One attempt at reading JSON; the reason, when it fails, does not say where.
pub(super) fn read(descriptor: &MessageDescriptor, json: &serde_json::Value) -> Result<DynamicMessage, String> {
    DynamicMessage::deserialize_with_options(descriptor.clone(), json, &DeserializeOptions::new())
        .map_err(|error| error.to_string())
}

fn only_string(message: &DynamicMessage) -> Option<String> {
    let descriptor = message.descriptor();
    let mut fields = descriptor.fields();
    match (fields.next(), fields.next()) {
        (Some(field), None) if !field.is_list() => message.get_field(&field).as_str().map(str::to_owned),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::{super::tests::shop, *};

    #[test]
    fn text_and_json_make_the_same_bytes() {
        let shop = shop();
        let text = shop.encode("OrderRequest", Body::of("tea")).unwrap();
        assert_eq!(text, shop.encode("OrderRequest", Body::of(r#"{"item": "tea"}"#)).unwrap());
        assert_eq!(&text[..], b"\x0a\x03tea");
        assert!(shop.encode("Count", Body::Empty).unwrap().is_empty());
        assert_eq!(Body::of("  {}"), Body::Json("  {}"));
    }

    #[test]
    fn errors_name_the_field() {
        let shop = shop();
        for (body, expected) in [
            (r#"{"item": 5}"#, "field item"),
            (r#"{"count": -1}"#, "field count"),
            (r#"{"itm": "x"}"#, "itm"),
            (r#"{"to": {"number": "x"}}"#, "field to.number"),
            (r#"{"also": [{}, {"street": []}]}"#, "field also[1].street"),
            (r#"{"item": }"#, "no JSON"),
        ] {
            let error = shop.encode("OrderRequest", Body::of(body)).unwrap_err().to_string();
            assert!(error.contains(expected), "{body}: {error}");
        }
        let error = shop.encode("Count", Body::of("seven")).unwrap_err().to_string();
        assert!(error.contains("value"), "{error}");
    }

    #[test]
    fn an_answer_of_one_string_is_text() {
        let shop = shop();
        let answer = shop.decode("OrderResponse", Bytes::from_static(b"\x0a\x027b")).unwrap();
        assert_eq!(answer, Decoded { json: json!({"id": "7b"}), text: Some("7b".to_owned()) });
        let empty = shop.decode("OrderResponse", Bytes::new()).unwrap();
        assert_eq!(empty, Decoded { json: json!({"id": ""}), text: Some(String::new()) });
        assert_eq!(shop.decode("Answer", Bytes::new()).unwrap().text, None);
        assert!(shop.decode("Answer", Bytes::from_static(b"\xff")).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_decode_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..256)) {
            let shop = shop();
            for name in ["OrderRequest", "Answer", "Count"] {
                let _ = shop.decode(name, Bytes::from(bytes.clone()));
            }
            let _ = Descriptors::from_set(&bytes);
        }

        #[test]
        fn any_text_comes_back(text in ".*") {
            let shop = shop();
            let bytes = shop.encode("OrderResponse", Body::Text(&text)).unwrap();
            prop_assert_eq!(shop.decode("OrderResponse", bytes).unwrap().text, Some(text));
        }

        #[test]
        fn any_body_is_taken_or_refused(text in "[{}\\[\\]\":,a-z0-9 ]{0,40}") {
            let _ = shop().encode("OrderRequest", Body::of(&text));
        }
    }
}
