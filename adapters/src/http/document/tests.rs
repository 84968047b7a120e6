//! Whether what is added to the document fits together. (That the examples obey their schemas, and that the document is OpenAPI, is
//! looked at where its tools are: `scenario::openapi`.)

use std::collections::HashSet;

use super::*;

fn document() -> Value {
    serde_json::from_str(&super::super::openapi_json()).unwrap()
}

/// The one content of a body or an answer.
fn content(of: &Value) -> Option<&Value> {
    of["content"].as_object().map(|contents| {
        assert_eq!(contents.len(), 1, "{of}");
        contents.values().next().unwrap()
    })
}

#[test]
fn everything_sent_and_every_success_has_an_example() {
    let document = document();
    let mut seen = 0;
    for operation in operations(&document) {
        let id = operation["operationId"].as_str().unwrap();
        let successes =
            operation["responses"].as_object().unwrap().iter().filter(|(status, _)| status.starts_with('2'));
        let successes: Vec<_> = successes.map(|(_, answer)| answer).collect();
        assert!(!successes.is_empty(), "{id}");
        for of in successes.into_iter().chain(operation.get("requestBody")) {
            if let Some(content) = content(of) {
                assert!(!content["example"].is_null(), "{id} has an example for {content}");
                seen += 1;
            }
        }
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let has_one = !parameter["example"].is_null() || !parameter["schema"]["default"].is_null();
            assert!(has_one, "{id} has an example for {parameter}");
        }
    }
    assert!(seen > 40, "{seen}");
    let ids: HashSet<_> = operations(&document).map(|operation| operation["operationId"].as_str().unwrap()).collect();
    let examples: Value = serde_json::from_str(include_str!("examples.json")).unwrap();
    let unknown: Vec<_> = examples.as_object().unwrap().keys().filter(|id| !ids.contains(id.as_str())).collect();
    assert!(unknown.is_empty(), "{unknown:?} are no operations");
}

/// Where a runtime expression leads in the examples.
fn value<'d>(expression: &str, operation: &'d Value, status: &str) -> Option<&'d Value> {
    if let Some(pointer) = expression.strip_prefix("$response.body#") {
        return content(&operation["responses"][status])?["example"].pointer(pointer);
    }
    if let Some(pointer) = expression.strip_prefix("$request.body#") {
        return content(&operation["requestBody"])?["example"].pointer(pointer);
    }
    let (place, name) = expression.strip_prefix("$request.")?.split_once('.')?;
    let mut parameters = operation["parameters"].as_array()?.iter();
    parameters.find(|parameter| parameter["in"] == place && parameter["name"] == name).map(|found| &found["example"])
}

/// Each leads to an operation that there is, with parameters and fields that it has, and their values are there.
#[test]
fn every_link_leads_somewhere_with_what_is_needed_there() {
    let document = document();
    let mut seen = 0;
    for operation in operations(&document) {
        for (status, answer) in operation["responses"].as_object().unwrap() {
            for (name, link) in answer["links"].as_object().into_iter().flatten() {
                seen += 1;
                let told = format!("{} {status} -> {name}", operation["operationId"]);
                let to = operations(&document).find(|own| own["operationId"] == link["operationId"]);
                let to = to.unwrap_or_else(|| panic!("{told} leads nowhere"));
                let parts = |name: &str| link[name].as_object().into_iter().flatten();
                for (parameter, expression) in parts("parameters") {
                    let mut all = to["parameters"].as_array().into_iter().flatten();
                    assert!(all.any(|own| own["name"] == *parameter), "{told}: no parameter {parameter}");
                    assert!(value(expression.as_str().unwrap(), operation, status).is_some(), "{told}: {expression}");
                }
                let schema = content(&to["requestBody"]).map(|content| content["schema"]["$ref"].as_str().unwrap());
                for (field, expression) in parts("requestBody") {
                    let schema = document.pointer(schema.unwrap().strip_prefix('#').unwrap()).unwrap();
                    assert!(schema["properties"][field].is_object(), "{told}: no field {field}");
                    assert!(value(expression.as_str().unwrap(), operation, status).is_some(), "{told}: {expression}");
                }
                let needed = to["parameters"].as_array().into_iter().flatten().filter(|own| own["in"] == "path");
                for parameter in needed {
                    let name = parameter["name"].as_str().unwrap();
                    assert!(link["parameters"][name].is_string(), "{told} does not say which {name}");
                }
            }
        }
    }
    assert_eq!(seen, links::count(), "each link of the table is in the document");
}

#[test]
fn every_type_of_problem_is_told_with_its_status() {
    let document = document();
    let problem = &document["components"]["schemas"]["Problem"];
    let types: Vec<_> =
        problem["properties"]["type"]["enum"].as_array().unwrap().iter().map(|kind| kind.as_str().unwrap()).collect();
    let distinct: HashSet<_> = types.iter().collect();
    assert_eq!(distinct.len(), types.len());
    // The set that programs rely on: one that is missing here was taken from them.
    for kind in [
        "email-taken",
        "wrong-credentials",
        "invalid-token",
        "invalid-refresh-token",
        "unverified",
        "invalid-field",
        "busy",
    ] {
        assert!(types.contains(&format!("urn:relais:problem:{kind}").as_str()), "{kind}");
    }
    let told = problem["properties"]["type"]["description"].as_str().unwrap();
    assert!(told.contains("`email-taken` (409)"), "{told}");
}

/// Readers of OpenAPI take a null for a mistake.
#[test]
fn nothing_in_it_is_null() {
    fn nulls(value: &Value, at: &str) -> Vec<String> {
        match value {
            Value::Null => vec![at.to_owned()],
            Value::Array(all) => all.iter().flat_map(|own| nulls(own, at)).collect(),
            Value::Object(all) => all.iter().flat_map(|(name, own)| nulls(own, &format!("{at}/{name}"))).collect(),
            _ => Vec::new(),
        }
    }
    let document: Value = serde_json::from_str(&super::super::openapi_json()).unwrap();
    let none: Vec<String> = Vec::new();
    assert_eq!(nulls(&document, ""), none);
}
