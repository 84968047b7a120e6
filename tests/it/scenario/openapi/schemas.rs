//! The schemas of the document, as a validator of others reads them: what is shown obeys them, and of subjects they say what the
//! service says.

use std::{path::Path, process::Command};

use serde_json::{Value, json};

use super::up;
use crate::support::{Caller, World, python, run};

/// What is wrong with each of these values by its schema; the document itself is OpenAPI.
fn judged(document: &Value, asked: &[(Value, Value)]) -> Vec<Vec<String>> {
    let pairs: Vec<_> = asked.iter().map(|(schema, value)| json!({"schema": schema, "value": value})).collect();
    let mut command = Command::new(python());
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi/schemas.py")).env("PYTHONDONTWRITEBYTECODE", "1");
    let ran = run(&mut command, &json!({"document": document, "asked": pairs}).to_string());
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let answer: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(answer["document"], json!([]), "the document is OpenAPI");
    let judged: Vec<Vec<String>> = serde_json::from_value(answer["asked"].clone()).unwrap();
    assert_eq!(judged.len(), asked.len());
    judged
}

/// Every example with its schema, and where it stands.
fn examples(document: &Value) -> Vec<(String, Value, Value)> {
    let mut all = Vec::new();
    let mut note = |at: String, own: &Value| {
        if let Some(example) = own.get("example") {
            all.push((at, own["schema"].clone(), example.clone()));
        }
    };
    for (path, own) in document["paths"].as_object().unwrap() {
        for (method, operation) in own.as_object().unwrap() {
            let at = format!("{method} {path}");
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                note(format!("{at} {}", parameter["name"]), parameter);
            }
            for (kind, content) in operation["requestBody"]["content"].as_object().into_iter().flatten() {
                note(format!("{at} {kind}"), content);
            }
            for (status, answer) in operation["responses"].as_object().unwrap() {
                for (kind, content) in answer["content"].as_object().into_iter().flatten() {
                    note(format!("{at} {status} {kind}"), content);
                }
            }
        }
    }
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        if let Some(example) = schema.get("example") {
            all.push((name.clone(), json!({"$ref": format!("#/components/schemas/{name}")}), example.clone()));
        }
    }
    all
}

#[test]
fn every_example_obeys_its_schema() {
    let document: Value = serde_json::from_str(&relais_adapters::http::openapi_json()).unwrap();
    let examples = examples(&document);
    assert!(examples.len() > 60, "{}", examples.len());
    let written = document.to_string().matches(r#""example":"#).count();
    assert_eq!(examples.len(), written, "all that there are");
    let pairs: Vec<_> = examples.iter().map(|(_, schema, example)| (schema.clone(), example.clone())).collect();
    for ((at, _, example), wrong) in examples.iter().zip(judged(&document, &pairs)) {
        assert!(wrong.is_empty(), "{at}: {example} {wrong:?}");
    }
    // That it would be found: what is shown, with a field more, or as another kind of thing.
    let spoilt: Vec<_> = pairs
        .iter()
        .filter(|(schema, _)| schema.to_string().contains("Request"))
        .map(|(schema, example)| {
            let mut example = example.clone();
            example["more"] = json!(1);
            (schema.clone(), example)
        })
        .chain(pairs.iter().map(|(schema, _)| (schema.clone(), json!([[1]]))))
        .collect();
    let found = judged(&document, &spoilt);
    assert!(found.iter().all(|wrong| !wrong.is_empty()), "{found:?}");
}

/// Subjects at the edges of what users may be allowed. (`news` is a topic of the backend, and nothing is forced.)
fn subjects() -> Vec<String> {
    let tails = [
        "",
        ".",
        ".x",
        ".>",
        ".*",
        ".x.>",
        ".x.*.y",
        ".>.x",
        ".{user}",
        ".x.{user}.>",
        ".x{user}",
        ".{user}x",
        ".{",
        ".}",
        ".{{user}}",
        ".{{tag(user)}}",
        ".x*",
        ".*x",
        ".x>",
        ".>x",
        "..x",
        ".x.",
        ".x y",
        ".x\ty",
        ".x\u{7f}",
        ".é",
        ".$x",
        ".!#%&'()+,-/:;<=?@[]^_`|~",
        ".\"\\",
        ".\0",
        ".x\n",
    ];
    let fronts = [
        "from.{user}",
        "to.{user}",
        "_INBOX.{user}",
        "from.bob",
        "from.*",
        "from",
        "to",
        "topic.news",
        "topic.{user}",
        "topic",
        "in",
        "$JS",
        "*",
        ">",
        "",
        "{user}",
        "From.{user}",
    ];
    let all = fronts.iter().flat_map(|front| tails.iter().map(move |tail| format!("{front}{tail}")));
    let long = |length: usize| format!("from.{{user}}.{}", "x".repeat(length - "from.{user}.".len()));
    all.chain(["topic.news.*.x", "topic.News.*", "topic.news.>"].map(str::to_owned))
        .chain([long(512), long(511)])
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_subjects_the_schema_says_what_the_service_says() {
    let world = World::new();
    let up = up(&world, None);
    let ada = Caller::new(&up, "ada").await;
    ada.claim().await;
    let document = ada.get("/openapi.json").await.1;
    let schema = json!({"$ref": "#/components/schemas/NewUserRequest"});
    let bodies: Vec<_> = (subjects().iter().flat_map(|own| [(json!([own]), json!([])), (json!([]), json!([own]))]))
        .enumerate()
        .map(|(number, (speak, hear))| json!({"name": format!("u{number}"), "allow_pub": speak, "allow_sub": hear}))
        .collect();
    let pairs: Vec<_> = bodies.iter().map(|body| (schema.clone(), body.clone())).collect();
    let judged = tokio::task::block_in_place(|| judged(&document, &pairs));
    let mut allowed = 0;
    for (body, wrong) in bodies.into_iter().zip(judged) {
        let (status, answer) = ada.post("/nsc/new-user", body.clone()).await;
        assert_eq!(status.as_u16(), if wrong.is_empty() { 201 } else { 422 }, "{body}: {answer} {wrong:?}");
        allowed += usize::from(wrong.is_empty());
    }
    assert!(allowed > 20, "{allowed}");
    up.stop();
}
