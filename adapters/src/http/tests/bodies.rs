//! What no body may be, for every operation of the document that takes one; and how long any body may be, also where none is taken.

use poem::Body;

use super::*;

/// An operation and what it takes, with a token that is believed; its paths lead to nothing, which is looked at behind the body.
struct Taker {
    name: String,
    method: Method,
    path: String,
    example: Option<Value>,
    /// The statuses that it may answer.
    answers: Vec<String>,
}

fn takers() -> Vec<Taker> {
    let document: Value = serde_json::from_str(&openapi_json()).unwrap();
    let paths = document["paths"].as_object().unwrap().iter();
    let all = paths.flat_map(|(path, own)| own.as_object().unwrap().iter().map(move |own| (path, own)));
    let taker = |(path, (method, operation)): (&String, (&String, &Value))| Taker {
        name: operation["operationId"].as_str().unwrap().to_owned(),
        method: method.to_uppercase().parse().unwrap(),
        path: path.replace(['{', '}'], ""),
        example: operation.pointer("/requestBody/content/application~1json/example").cloned(),
        answers: operation["responses"].as_object().unwrap().keys().cloned().collect(),
    };
    all.map(taker).collect()
}

struct Asker {
    client: TestClient<Api>,
    token: String,
}

impl Asker {
    async fn admin() -> Self {
        let client = client();
        let token = format!("Bearer {}", logged_in(&client).await["access_token"].as_str().unwrap());
        let claim = client.post("/admin/claim").header("authorization", &token);
        claim.body_json(&json!({"token": "t0ken"})).send().await.assert_status_is_ok();
        Self { client, token }
    }

    async fn ask(&self, taker: &Taker, kind: Option<&str>, body: impl Into<Body>) -> TestResponse {
        let mut request = self.client.request(taker.method.clone(), &taker.path);
        request = request.header("authorization", &self.token);
        if let Some(kind) = kind {
            request = request.header("content-type", kind);
        }
        request.body(body).send().await
    }

    /// The problem with a body of JSON, and the field that it names.
    async fn field(&self, taker: &Taker, body: &str) -> (u16, Value, Value) {
        let (status, answer) = told(self.ask(taker, Some("application/json"), body.to_owned()).await).await;
        (status.as_u16(), answer["type"].clone(), answer["field"].clone())
    }
}

#[tokio::test]
async fn what_is_no_json_is_told_so_by_every_operation_that_takes_some() {
    let asker = Asker::admin().await;
    let mut met = 0;
    for (taker, example) in takers().iter().filter_map(|taker| Some((taker, taker.example.as_ref()?))) {
        met += 1;
        let (name, text) = (&taker.name, example.to_string());
        for kind in [
            None,
            Some(""),
            Some("text/plain"),
            Some("application/x-www-form-urlencoded"),
            Some("multipart/form-data; boundary=x"),
            Some("application/json-patch+json"),
            Some("application/octet-stream; application/json"),
        ] {
            let answer = problem(asker.ask(taker, kind, text.clone()).await).await;
            assert_eq!(answer, is(415, "unsupported-media-type"), "{name} {kind:?}");
        }
        for broken in ["", " ", "{", "nothing", &text[..text.len() - 1], &format!("{text}x"), &format!("{text}{text}")]
        {
            let answer = problem(asker.ask(taker, Some("application/json"), broken.to_owned()).await).await;
            assert_eq!(answer, is(400, "malformed-json"), "{name} {broken}");
        }
    }
    assert!(met >= 14, "{met}");
}

#[tokio::test]
async fn a_field_that_is_unknown_twice_there_or_of_another_kind_is_refused_by_every_operation() {
    let asker = Asker::admin().await;
    let invalid = json!("urn:relais:problem:invalid-field");
    for (taker, example) in takers().iter().filter_map(|taker| Some((taker, taker.example.as_ref()?))) {
        let (name, inside) = (&taker.name, example.to_string());
        let inside = inside.strip_prefix('{').unwrap().strip_suffix('}').unwrap();
        for unknown in ["administrator", "__proto__", "Email", "user_id", "email ", ""] {
            for body in [format!(r#"{{{inside},"{unknown}":true}}"#), format!(r#"{{"{unknown}":null,{inside}}}"#)] {
                assert_eq!(asker.field(taker, &body).await, (422, invalid.clone(), json!(unknown)), "{name} {body}");
            }
        }
        for (field, value) in example.as_object().unwrap() {
            let twice = format!(r#"{{{inside},"{field}":{value}}}"#);
            assert_eq!(asker.field(taker, &twice).await, (422, invalid.clone(), json!(field)), "{name} {twice}");
            let mut odds = vec![Value::Null, json!(1), json!([[]]), json!({}), json!([null]), json!([value])];
            odds.extend(value.as_str().map(|text| json!({text: null})));
            for odd in odds {
                let mut other = example.clone();
                other[field] = odd;
                let (status, kind, _) = asker.field(taker, &other.to_string()).await;
                assert_eq!((status, kind), (422, invalid.clone()), "{name} {other}");
            }
        }
        let listed = json!(example.as_object().unwrap().values().collect::<Vec<_>>()).to_string();
        for odd in ["null", "[]", "1", "\"x\"", "true", &format!("[{example}]"), &listed] {
            let (status, kind, _) = asker.field(taker, odd).await;
            assert_eq!((status, kind), (422, invalid.clone()), "{name} {odd}");
        }
    }
}

/// Told by its length or found while it is read, by everything that there is; and before it is asked who sends it.
#[tokio::test]
async fn a_body_of_more_than_64_kb_is_refused_by_every_operation() {
    let asker = Asker::admin().await;
    let stranger = Asker { token: "Bearer nobody".to_owned(), ..Asker::admin().await };
    let long = |length: usize| vec![b' '; length];
    let untold = |length: usize| {
        let parts = (0..length).step_by(1_024).map(move |at| Ok::<_, std::io::Error>(long(1_024.min(length - at))));
        Body::from_bytes_stream(futures_util::stream::iter(parts))
    };
    for taker in takers() {
        let name = &taker.name;
        for asker in [&asker, &stranger] {
            for body in [Body::from(long(65_537)), untold(65_537), untold(1 << 20)] {
                let answer = problem(asker.ask(&taker, Some("application/json"), body).await).await;
                assert_eq!(answer, is(413, "body-too-large"), "{name}");
                assert!(taker.answers.contains(&"413".to_owned()), "{name}: the document says so");
            }
        }
        if taker.example.is_some() {
            let answer = problem(asker.ask(&taker, Some("application/json"), untold(65_536)).await).await;
            assert_eq!(answer, is(400, "malformed-json"), "{name}: so much is read");
        }
    }
}
