//! Reading JSON so that everybody who reads it reads the same.
//!
//! nats-server and nsc read claims with Go's `encoding/json`: of two fields of one name the later counts, names are
//! matched without regard to case (`Exp`, `ſub` with a long s), and `null` leaves a field as it is. A JWT in which
//! such a thing occurs could say one thing here and another there, and its signature would be good for both. So two
//! equal names, and names that differ from known ones by case only, are refused; `null` in a known field is dropped, as
//! Go does.

use std::fmt;

use serde::{
    Deserializer,
    de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Value};

/// The names of the fields of jwt/v2, in all kinds of claims and in the header.
const KNOWN: [&str; 110] = [
    "account",
    "account_server_url",
    "account_token_position",
    "advertise",
    "alg",
    "allow",
    "allow_trace",
    "allowed_accounts",
    "allowed_connection_types",
    "assert_server_version",
    "aud",
    "auth_token",
    "auth_users",
    "authorization",
    "bearer_token",
    "certs",
    "cipher",
    "client_info",
    "client_tls",
    "cluster",
    "cluster_traffic",
    "conn",
    "connect_opts",
    "consumer",
    "data",
    "default_permissions",
    "deny",
    "description",
    "dest",
    "disallow_bearer",
    "disk_max_stream_bytes",
    "disk_storage",
    "end",
    "error",
    "exp",
    "exports",
    "host",
    "iat",
    "id",
    "imports",
    "info_url",
    "iss",
    "issuer_account",
    "jti",
    "jwt",
    "key",
    "kind",
    "lang",
    "leaf",
    "limits",
    "local_subject",
    "mappings",
    "max",
    "max_ack_pending",
    "max_bytes_required",
    "mem_max_stream_bytes",
    "mem_storage",
    "mqtt_id",
    "name",
    "name_tag",
    "nats",
    "nbf",
    "nkey",
    "nonce",
    "operator_service_urls",
    "pass",
    "payload",
    "protocol",
    "proxy_required",
    "pub",
    "request_nonce",
    "resp",
    "response_threshold",
    "response_type",
    "results",
    "revocations",
    "role",
    "sampling",
    "server_id",
    "service_latency",
    "share",
    "sig",
    "signing_keys",
    "src",
    "start",
    "streams",
    "strict_signing_key_usage",
    "sub",
    "subject",
    "subs",
    "system_account",
    "tags",
    "template",
    "tiered_limits",
    "times",
    "times_location",
    "to",
    "token",
    "token_req",
    "trace",
    "ttl",
    "typ",
    "type",
    "user",
    "user_nkey",
    "verified_chains",
    "version",
    "weight",
    "wildcards",
    "xkey",
];

/// Fields whose own names are data: keys, subjects, tiers.
const MAPS: [&str; 3] = ["mappings", "revocations", "tiered_limits"];

/// Fields of which Go takes no `null` either.
const NOT_NULL: [&str; 2] = ["kind", "type"];

/// Reads JSON.
pub(super) fn read(json: &[u8]) -> Result<Value, serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_slice(json);
    let value = Reading { data: false }.deserialize(&mut reader)?;
    reader.end()?;
    Ok(value)
}

/// As Go folds a name when it looks for its field: ASCII by case, the long s, the sign of Kelvin.
fn folded(name: &str) -> String {
    let fold = |char: char| match char {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        other => other.to_ascii_lowercase(),
    };
    name.chars().map(fold).collect()
}

fn known(name: &str) -> bool {
    KNOWN.binary_search(&name).is_ok()
}

/// One value; `data` when the names of its object are data.
#[derive(Clone, Copy)]
struct Reading {
    data: bool,
}

impl<'de> DeserializeSeed<'de> for Reading {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reading {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(value) = from.next_element_seed(Self { data: false })? {
            list.push(value);
        }
        Ok(list.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(name) = from.next_key::<String>()? {
            if map.contains_key(&name) {
                return Err(A::Error::custom(format_args!("the name {name:?} stands there twice")));
            }
            let known = !self.data && known(&name);
            if !self.data && !known && self::known(&folded(&name)) {
                let why = "differs from the name that is meant by case only";
                return Err(A::Error::custom(format_args!("the name {name:?} {why}")));
            }
            let value = from.next_value_seed(Self { data: MAPS.contains(&name.as_str()) })?;
            map.insert(name, value);
        }
        if !self.data {
            map.retain(|name, value| !value.is_null() || !known(name) || NOT_NULL.contains(&name.as_str()));
        }
        Ok(map.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_are_sorted_and_folded() {
        assert!(KNOWN.is_sorted());
        assert!(KNOWN.iter().all(|name| folded(name) == *name));
    }

    #[test]
    fn what_two_readers_could_read_differently_is_refused() {
        for odd in [
            r#"{"exp":1,"exp":2}"#,
            r#"{"exp":1,"Exp":2}"#,
            r#"{"Exp":2}"#,
            "{\"\u{17f}ub\":\"x\"}",
            "{\"to\u{212a}en\":\"x\"}",
            r#"{"later":{"a":1,"a":2}}"#,
            r#"{"nats":{"revocations":{"U":1,"U":2}}}"#,
            r#"{"exp":1} {}"#,
            r#"{"exp":01}"#,
        ] {
            assert!(read(odd.as_bytes()).is_err(), "{odd}");
        }
        for good in [r#"{"nats":{"mappings":{"Sub":[],"sub":[]}}}"#, r#"{"Later":1,"later":2}"#, "[1,2.5,null,-3,true]"]
        {
            assert_eq!(read(good.as_bytes()).unwrap(), serde_json::from_str::<Value>(good).unwrap());
        }
        let dropped = read(br#"{"exp":null,"later":null,"nats":{"revocations":{"exp":null}}}"#).unwrap();
        assert_eq!(dropped, serde_json::json!({ "later": null, "nats": { "revocations": { "exp": null } } }));
    }

    #[test]
    fn depth_is_bounded() {
        assert!(read("[".repeat(100_000).as_bytes()).is_err());
        assert!(read(format!("{}1{}", "[".repeat(127), "]".repeat(127)).as_bytes()).is_ok());
    }
}
