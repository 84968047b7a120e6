//! The document as a client needs it.

use anyhow::{Context, Result};
use serde_json::{Value, json};

/// Fields of schemas that say what input is right. The server judges that, with words for people; a client that did so too would
/// have to be replaced whenever a rule is relaxed.
const RULES: [&str; 10] = [
    "pattern",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "minItems",
    "maxItems",
    "oneOf",
    "anyOf",
    "additionalProperties",
];

/// Answers that hold something secret, which the document need not say of what goes out.
const SECRETS: [(&str, &[&str]); 2] =
    [("LoginAnswer", &["access_token", "refresh_token", "creds"]), ("NewUserAnswer", &["creds"])];
/// Requests that hold a code. A code is a password for minutes.
const CODES: [&str; 2] = ["LoginRequest", "ResetRequest"];

/// Leaves out what is not a client's business.
pub fn simplify(document: &mut Value) -> Result<()> {
    for operation in operations(document) {
        let responses = operation["responses"].as_object_mut().context("an operation without answers")?;
        // Errors are one thing in the whole API, RFC 9457 problems. Left out here they reach the caller as they came, with
        // their status and headers, and are read in one place, by a reader that also bears what no server of ours has sent.
        responses.retain(|status, _| status.starts_with('2'));
        for parameter in operation.get_mut("parameters").and_then(Value::as_array_mut).into_iter().flatten() {
            plain(&mut parameter["schema"]);
        }
    }
    let schemas = document["components"]["schemas"].as_object_mut().context("a document without schemas")?;
    // See above.
    schemas.remove("Problem");
    for schema in schemas.values_mut() {
        plain(schema);
        for property in
            schema.get_mut("properties").and_then(Value::as_object_mut).into_iter().flat_map(|all| all.values_mut())
        {
            // A reference with words beside it.
            if let Some(reference) =
                property["allOf"].as_array().and_then(|all| all.iter().find(|one| one["$ref"].is_string()))
            {
                *property = reference.clone();
            }
            plain(property);
            if let Some(items) = property.get_mut("items") {
                plain(items);
            }
        }
    }
    for (schema, fields) in SECRETS {
        for field in fields {
            secret(&mut schemas[schema]["properties"][*field], schema)?;
        }
    }
    for schema in CODES {
        secret(&mut schemas[schema]["properties"]["code"], schema)?;
    }
    // The document is that of a server that asks for passwords. Where `auth.proof` is another, none is sent.
    schemas["RegisterRequest"]["required"] = json!(["email"]);
    Ok(())
}

fn secret(property: &mut Value, schema: &str) -> Result<()> {
    let property = property.as_object_mut().with_context(|| format!("{schema} has lost a field that is secret"))?;
    property.insert("format".to_owned(), json!("password"));
    Ok(())
}

fn plain(schema: &mut Value) {
    let Some(schema) = schema.as_object_mut() else { return };
    schema.retain(|key, _| !RULES.contains(&key.as_str()));
    // What is left of one beside fields are rules too.
    if schema.contains_key("properties") {
        schema.remove("allOf");
    }
    // What the document says of nkeys is a rule; they are strings.
    if schema.get("format").is_some_and(|format| format == "nkey") {
        schema.remove("format");
    }
}

fn operations(document: &mut Value) -> impl Iterator<Item = &mut Value> {
    let paths = document["paths"].as_object_mut().into_iter().flat_map(|paths| paths.values_mut());
    paths.filter_map(Value::as_object_mut).flat_map(|own| own.values_mut())
}
