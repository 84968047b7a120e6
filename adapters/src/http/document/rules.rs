//! Rules for what comes in that the framework cannot say, or would judge itself: the domain does, and these say the same.

use serde_json::{Map, Value, json};

/// As `Email` reads it.
const EMAIL: &str = concat!(
    r#"^[^\s\x00-\x20\x7f-\x9f@"(),:;<>\[\\\]]{1,64}@"#,
    r#"[^\s\x00-\x20\x7f-\x9f@"(),:;<>\[\\\].-]([^\s\x00-\x20\x7f-\x9f@"(),:;<>\[\\\].]{0,61}[^\s\x00-\x20\x7f-\x9f@"(),:;<>\[\\\].-])?"#,
    r#"(\.[^\s\x00-\x20\x7f-\x9f@"(),:;<>\[\\\].-]([^\s\x00-\x20\x7f-\x9f@"(),:;<>\[\\\].]{0,61}[^\s\x00-\x20\x7f-\x9f@"(),:;<>\[\\\].-])?)*$"#,
);
/// The id of a user that is no service's and no operator's.
const USER_ID: &str = "^(?!svc-|op-)[a-z0-9][a-z0-9-]{0,63}$";
const DEVICE_ID: &str = "^[a-z0-9][a-z0-9-]{0,63}$";
const AUDIT_ID: &str = "^[0-9a-z]{26}$";
const ROLE: &str = "^[a-z][a-z0-9-]{0,31}$";
const ENTITY: &str = "^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$";
/// An account that one may ask for: `SYS` and `OPS` have another purpose.
const APPLICATION: &str = "^(?!([Ss][Yy][Ss]|[Oo][Pp][Ss])$)[A-Za-z0-9][A-Za-z0-9_-]{0,63}$";
const NSC_USER: &str = "^[A-Za-z0-9][A-Za-z0-9_-]{0,159}$";
const USER_KEY: &str = "^U[A-D][A-Z2-7]{54}$";
const ACCOUNT_KEY: &str = "^A[A-D][A-Z2-7]{54}$";
/// `0`, `30d`, `2027-01-31`, `2027-01-31 12:00:00 UTC`.
const EXPIRY: &str = concat!(
    "^(0|[0-9]{1,4}[mhdwMy]|[0-9]{4}-",
    "((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))",
    "( ([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9] UTC)?)$",
);
/// A token of a NATS filter: the user's own, a wildcard, or printable ASCII without wildcards, dots and braces.
macro_rules! token {
    () => {
        r"(\{user\}|\*|[!-)+-\-/-=?-z|~]+)"
    };
}
/// What users may publish to, as the linter reads it where `nsc.force` names nothing.
const SPOKEN: &str = concat!(r"^from\.\{user\}(\.", token!(), r")*\.(>|", token!(), ")$");
/// What users may listen to, likewise; of which topics there are, no pattern knows.
const HEARD: &str =
    concat!(r"^((to|_INBOX)\.\{user\}(\.", token!(), r")*\.(>|", token!(), r")|topic\.[a-z0-9][a-z0-9-]{0,31}\.\*)$");

/// The rules of parameters: operation, parameter, rule.
const PARAMETERS: &[(&str, &str, &str)] = &[
    ("removeDevice", "id", DEVICE_ID),
    ("users", "after", USER_ID),
    ("deleteUser", "id", USER_ID),
    ("changeUser", "id", USER_ID),
    ("audit", "before", AUDIT_ID),
    ("resolve", "key", ACCOUNT_KEY),
    ("describeAccount", "account", ENTITY),
    ("revokeAll", "account", ENTITY),
    ("rotateKeys", "account", ENTITY),
    ("endRotation", "account", ENTITY),
    ("nscUsers", "account", ENTITY),
    ("describeUser", "account", ENTITY),
    ("editUser", "account", ENTITY),
    ("revokeUser", "account", ENTITY),
    ("describeUser", "name", NSC_USER),
    ("editUser", "name", USER_ID),
    ("revokeUser", "name", NSC_USER),
];

/// The rules of fields: schema, field, rule.
const FIELDS: &[(&str, &str, &str)] = &[
    ("RegisterRequest", "email", EMAIL),
    ("LoginRequest", "email", EMAIL),
    ("CodeRequest", "email", EMAIL),
    ("ResetRequest", "email", EMAIL),
    ("LoginRequest", "public_key", USER_KEY),
    ("ChangeUserRequest", "role", ROLE),
    ("NewSetupRequest", "operator", ENTITY),
    ("NewSetupRequest", "account", APPLICATION),
    ("NewAccountRequest", "name", ENTITY),
    ("NewUserRequest", "name", USER_ID),
    ("NewUserRequest", "account", ENTITY),
    ("NewUserRequest", "role", ROLE),
    ("NewUserRequest", "public_key", USER_KEY),
    ("NewUserRequest", "expiry", EXPIRY),
    ("PermissionsRequest", "role", ROLE),
];

/// Adds the rules to a document.
pub(super) fn add(document: &mut Value) {
    for (name, schema) in document["components"]["schemas"].as_object_mut().into_iter().flatten() {
        if name.ends_with("Request") {
            schema["additionalProperties"] = json!(false);
        }
        match name.as_str() {
            // As it is unless `auth.proof` is `none`.
            "RegisterRequest" => schema["required"] = json!(["email", "password"]),
            "LoginRequest" => either(schema, ["password", "code"]),
            "NewUserRequest" | "PermissionsRequest" => role_or_lists(schema),
            "ClaimsAnswer" | "NscUserAnswer" => schema["properties"]["claims"]["type"] = json!("object"),
            _ => {}
        }
        // Asked for so, what is not there is not made.
        let fields = schema.get_mut("properties").and_then(Value::as_object_mut).into_iter().flatten();
        for (field, schema) in fields.filter_map(|(field, schema)| Some((field, schema.as_object_mut()?))) {
            if let Some((.., rule)) = FIELDS.iter().find(|(own, known, _)| own == name && known == field) {
                obey(schema, rule);
            }
        }
    }
    for operation in super::operations_mut(document) {
        let id = operation["operationId"].as_str().unwrap_or_default().to_owned();
        for parameter in operation.get_mut("parameters").and_then(Value::as_array_mut).into_iter().flatten() {
            let name = parameter["name"].as_str().unwrap_or_default().to_owned();
            let rule = PARAMETERS.iter().find(|(own, known, _)| *own == id && *known == name);
            if let (Some((.., rule)), Some(schema)) = (rule, parameter["schema"].as_object_mut()) {
                obey(schema, rule);
            }
        }
    }
}

/// One of these fields has to be there. Each alternative tells its field again: a generator that is told a rule alone makes a type of
/// everything of it. Inside `allOf`, since generators take an `anyOf` beside the fields as something else than them.
fn either(schema: &mut Value, fields: [&str; 2]) {
    let alternative = |field: &str| {
        let own = &schema["properties"][field];
        json!({"type": "object", "properties": {(field): own}, "required": [field]})
    };
    schema["allOf"] = json!([{"anyOf": fields.map(alternative)}]);
}

/// A role, or both lists of subjects; or neither.
fn role_or_lists(schema: &mut Value) {
    schema["oneOf"] = json!([
        {"not": {"anyOf": [{"required": ["allow_pub"]}, {"required": ["allow_sub"]}]}},
        {"required": ["allow_pub", "allow_sub"], "not": {"required": ["role"]}},
    ]);
    schema["properties"]["allow_pub"]["items"] = json!({"type": "string", "maxLength": 512, "pattern": SPOKEN});
    schema["properties"]["allow_sub"]["items"] =
        json!({"type": "string", "maxLength": 512, "pattern": HEARD, "format": "heard-subject"});
}

fn obey(schema: &mut Map<String, Value>, rule: &str) {
    schema.insert("pattern".to_owned(), json!(rule));
    // The last bytes of a key are a sum over the others, which no pattern can say.
    if [USER_KEY, ACCOUNT_KEY].contains(&rule) {
        schema.insert("format".to_owned(), json!("nkey"));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    /// A rule for what is not there any more would say nothing, and nobody would notice.
    #[test]
    fn every_rule_has_its_place() {
        let document: Value = serde_json::from_str(&super::super::super::openapi_json()).unwrap();
        for (schema, field, rule) in FIELDS {
            assert_eq!(
                document["components"]["schemas"][schema]["properties"][field]["pattern"], *rule,
                "{schema}.{field}"
            );
        }
        let mut met = HashSet::new();
        for operation in super::super::operations(&document) {
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                let (id, name) = (operation["operationId"].as_str().unwrap(), parameter["name"].as_str().unwrap());
                if parameter["schema"]["pattern"].is_string() {
                    met.insert((id.to_owned(), name.to_owned()));
                }
            }
        }
        let own: HashSet<_> = PARAMETERS.iter().map(|(id, name, _)| ((*id).to_owned(), (*name).to_owned())).collect();
        assert_eq!(met, own);
    }
}
