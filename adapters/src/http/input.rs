//! Bodies of requests, read strictly: what is no JSON is 400, what is JSON and not as the document says is 422. (The
//! framework's own reader calls both 400, and takes numbers for strings.)

use poem::{FromRequest, Request, RequestBody, Result};
use poem_openapi::{
    impl_apirequest_for_payload,
    payload::{ParsePayload, Payload},
    registry::{MetaSchemaRef, Registry},
    types::Type,
};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, IgnoredAny},
};

use super::problem::{Kind, Problem};

/// A JSON body. `T` refuses what it does not know (`deny_unknown_fields`).
pub(super) struct Input<T>(pub(super) T);

impl<T: Type> Payload for Input<T> {
    const CONTENT_TYPE: &'static str = "application/json";

    fn check_content_type(content_type: &str) -> bool {
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        essence.eq_ignore_ascii_case(Self::CONTENT_TYPE)
    }

    fn schema_ref() -> MetaSchemaRef {
        T::schema_ref()
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

impl<T: Type + DeserializeOwned> ParsePayload for Input<T> {
    const IS_REQUIRED: bool = true;

    async fn from_request(request: &Request, body: &mut RequestBody) -> Result<Self> {
        let bytes = Vec::<u8>::from_request(request, body).await?;
        Ok(parse(&bytes).map(Self)?)
    }
}

impl_apirequest_for_payload!(Input<T>, T: Type + DeserializeOwned);

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    // A list would be read as the fields in their order, and a type whose fields are all optional out of an empty one.
    let starts = bytes.iter().find(|byte| !b" \t\r\n".contains(byte));
    if starts != Some(&b'{') && serde_json::from_slice::<IgnoredAny>(bytes).is_ok() {
        return Err(Problem::invalid(None, "the body is not a JSON object"));
    }
    serde_json::from_slice(bytes).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => Problem::invalid(field(&error.to_string()), error.to_string()),
        _ => Problem::new(Kind::BAD_JSON, format!("the body is not JSON: {error}")),
    })
}

/// The field that serde names in "missing field `x`", "unknown field `x`", "duplicate field `x`".
fn field(error: &str) -> Option<String> {
    let rest = ["missing field `", "unknown field `", "duplicate field `"]
        .iter()
        .find_map(|start| error.strip_prefix(start))?;
    rest.split_once('`').map(|(name, _)| name.chars().take(64).collect())
}

/// For an optional field: absent is `None`, but `null` is none of its values.
pub(super) fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Two {
        #[allow(dead_code)]
        one: String,
        #[allow(dead_code)]
        #[serde(default, deserialize_with = "present")]
        two: Option<String>,
    }

    #[test]
    fn no_json_is_told_from_json_that_breaks_a_rule() {
        assert!(parse::<Two>(br#"{"one":"x"}"#).is_ok());
        assert!(parse::<Two>(br#"{"one":"x","two":"y"}"#).is_ok());
        for broken in [&b""[..], b"{", b"nothing", b"{\"one\":\"\xff\"}", b"{\"one\":\"x\"}x"] {
            assert_eq!(parse::<Two>(broken).unwrap_err().kind(), Kind::BAD_JSON, "{broken:?}");
        }
        for (odd, named) in [
            ("{}", Some("one")),
            ("[]", None),
            (r#" ["x"]"#, None),
            (r#"["x","y"]"#, None),
            (r#"{"one":1}"#, None),
            (r#"{"one":null}"#, None),
            (r#"{"one":"x","two":null}"#, None),
            (r#"{"one":"x","three":1}"#, Some("three")),
            (r#"{"one":"x","one":"y"}"#, Some("one")),
        ] {
            let problem = parse::<Two>(odd.as_bytes()).unwrap_err();
            assert_eq!(problem.kind(), Kind::INVALID, "{odd}");
            assert_eq!(field(&problem.to_string()).as_deref(), named, "{odd}");
        }
    }

    #[test]
    fn json_is_json_with_any_parameter() {
        type Body = Input<String>;
        assert!(Body::check_content_type("application/json"));
        assert!(Body::check_content_type("Application/JSON; charset=utf-8"));
        for other in ["", "text/plain", "application/json-patch", "application/x-www-form-urlencoded", "json"] {
            assert!(!Body::check_content_type(other), "{other}");
        }
    }
}
