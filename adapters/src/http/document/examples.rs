//! An example of every body and every success, from `examples.json`: by operation, `request`, `parameters`, and the status of
//! the answer.

use serde_json::Value;

const EXAMPLES: &str = include_str!("examples.json");

/// Adds the examples to a document.
pub(super) fn add(document: &mut Value) {
    let mut examples: Value = serde_json::from_str(EXAMPLES).unwrap_or_default();
    for operation in super::operations_mut(document) {
        let own = examples[operation["operationId"].as_str().unwrap_or_default()].take();
        for parameter in operation.get_mut("parameters").and_then(Value::as_array_mut).into_iter().flatten() {
            let name = parameter["name"].as_str().unwrap_or_default().to_owned();
            give(parameter, own["parameters"].get(&name));
        }
        if let Some(body) = operation.get_mut("requestBody") {
            body["content"]
                .as_object_mut()
                .into_iter()
                .flatten()
                .for_each(|(_, content)| give(content, own.get("request")));
        }
        for (status, answer) in operation["responses"].as_object_mut().into_iter().flatten() {
            let contents = answer.get_mut("content").and_then(Value::as_object_mut);
            contents.into_iter().flatten().for_each(|(_, content)| give(content, own.get(status)));
        }
    }
}

fn give(to: &mut Value, example: Option<&Value>) {
    if let Some(example) = example {
        to["example"] = example.clone();
    }
}
