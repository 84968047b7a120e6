//! One request after the other, each asked with wrong secrets, then with the right one, then with wrong ones again: who has seen that it
//! works has gained nothing. What the wrong ones must not change is read beside the API, in the database and the files of the operator.

use std::{collections::HashSet, process::Command};

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Caller, Up, http, python, run};

/// A request of an operation, and the secrets that it needs.
pub(super) struct Ask {
    operation: &'static str,
    parameters: Vec<(&'static str, String)>,
    body: Value,
    bearer: Option<String>,
    fields: Vec<Field>,
    /// Right tokens of somebody else, and what they get.
    others: Vec<(String, u16)>,
    once: Option<u16>,
}

/// A secret in the body.
struct Field {
    name: &'static str,
    wrong: Vec<String>,
    refused: u16,
}

impl Ask {
    pub(super) fn of(operation: &'static str) -> Self {
        let (parameters, fields, others) = (Vec::new(), Vec::new(), Vec::new());
        Self { operation, parameters, body: Value::Null, bearer: None, fields, others, once: None }
    }

    /// With a parameter of its path or query.
    pub(super) fn at(mut self, name: &'static str, value: &str) -> Self {
        self.parameters.push((name, value.to_owned()));
        self
    }

    pub(super) fn body(mut self, body: Value) -> Self {
        self.body = body;
        self
    }

    /// Needs an access token.
    pub(super) fn bearer(mut self, token: &str) -> Self {
        self.bearer = Some(token.to_owned());
        self
    }

    /// What somebody else's right token gets.
    pub(super) fn other(mut self, token: &str, status: u16) -> Self {
        self.others.push((token.to_owned(), status));
        self
    }

    /// Needs a secret in the body: half of it is refused with this status, and so are these. Without it there is no request (422).
    pub(super) fn field(mut self, name: &'static str, refused: u16, wrong: &[&str]) -> Self {
        let right = self.body[name].as_str().expect("the field is in the body");
        let wrong = wrong.iter().copied().chain([half(right)]).map(str::to_owned).collect();
        self.fields.push(Field { name, wrong, refused });
        self
    }

    /// Works once; then it gets this status.
    pub(super) fn once(mut self, status: u16) -> Self {
        self.once = Some(status);
        self
    }

    /// The same with every wrong secret in place of a right one: in words, with which token and body, and what it gets.
    fn wrong(&self, kinds: &[(&'static str, String)]) -> Vec<(String, Option<String>, Value, u16)> {
        let mut all = Vec::new();
        if let Some(right) = &self.bearer {
            let mut with = |name: &str, token: Option<&str>, status| {
                all.push((name.to_owned(), token.map(str::to_owned), self.body.clone(), status));
            };
            with("without", None, 401);
            with("with half of it", Some(half(right)), 401);
            with("with the other half", Some(&right[half(right).len()..]), 401);
            for (name, token) in kinds.iter().filter(|(_, token)| token != right) {
                with(&format!("with {name}"), Some(token), 401);
            }
            for (token, status) in &self.others {
                with("with somebody else's", Some(token), *status);
            }
        }
        for Field { name, wrong, refused } in &self.fields {
            for wrong in wrong {
                let mut body = self.body.clone();
                body[name] = json!(wrong);
                all.push((format!("with a wrong {name}"), self.bearer.clone(), body, *refused));
            }
            let mut body = self.body.clone();
            body.as_object_mut().unwrap().remove(*name);
            all.push((format!("without {name}"), self.bearer.clone(), body, 422));
        }
        assert!(!all.is_empty(), "{} has a secret", self.operation);
        all
    }
}

fn half(secret: &str) -> &str {
    &secret[..secret.len() / 2]
}

/// What was asked so far.
pub(super) struct Replay<'u> {
    up: &'u Up,
    http: reqwest::Client,
    document: Value,
    /// Secrets that are good for something, but never as an access token.
    kinds: Vec<(&'static str, String)>,
    asked: Vec<Ask>,
}

impl<'u> Replay<'u> {
    pub(super) async fn new(up: &'u Up, kinds: Vec<(&'static str, String)>) -> Self {
        let document = Caller::stranger(up).get("/openapi.json").await.1;
        Self { up, http: http(), document, kinds, asked: Vec::new() }
    }

    /// Asks with wrong secrets, which changes nothing; with the right ones, which works; and with the wrong ones again.
    pub(super) async fn ask(&mut self, ask: Ask) -> Value {
        self.refused(&ask).await;
        let (status, answer) = self.send(&ask, ask.bearer.as_deref(), &ask.body).await;
        let documented = &self.operation(ask.operation).2["responses"][status.to_string()];
        assert!((200..300).contains(&status) && documented.is_object(), "{}: {status} {answer}", ask.operation);
        self.refused(&ask).await;
        self.asked.push(ask);
        answer
    }

    /// Asks all of it again with wrong secrets, and what works once with the right ones.
    pub(super) async fn again(&self) {
        let before = self.state();
        for ask in &self.asked {
            self.ask_wrongly(ask).await;
        }
        for ask in &self.asked {
            let Some(expected) = ask.once else { continue };
            let (status, answer) = self.send(ask, ask.bearer.as_deref(), &ask.body).await;
            assert_eq!(status, expected, "{} works once: {answer}", ask.operation);
        }
        self.unchanged(&before, "all of it again");
    }

    /// Every operation was asked, or stands among those that are for everybody; and the document says which those are.
    pub(super) fn is_complete(&self, open: &[&str]) {
        let asked = |needs: fn(&Ask) -> bool| -> HashSet<&str> {
            self.asked.iter().filter(|ask| needs(ask)).map(|ask| ask.operation).collect()
        };
        let (all, bearers) = (asked(|_| true), asked(|ask| ask.bearer.is_some()));
        for own in self.document["paths"].as_object().unwrap().values().flat_map(|path| path.as_object().unwrap()) {
            let (id, secured) = (own.1["operationId"].as_str().unwrap(), !own.1["security"].is_null());
            let is_open = open.contains(&id);
            assert!(all.contains(id) != is_open, "{id}: a new operation needs a line in replay_story.rs, and one only");
            assert_eq!(bearers.contains(id), secured, "{id}: the document says whether it needs an access token");
        }
    }

    async fn refused(&self, ask: &Ask) {
        let before = self.state();
        self.ask_wrongly(ask).await;
        self.unchanged(&before, ask.operation);
    }

    async fn ask_wrongly(&self, ask: &Ask) {
        for (name, token, body, expected) in ask.wrong(&self.kinds) {
            let (status, answer) = self.send(ask, token.as_deref(), &body).await;
            assert_eq!(status, expected, "{} {name}: {answer}", ask.operation);
        }
    }

    async fn send(&self, ask: &Ask, token: Option<&str>, body: &Value) -> (u16, Value) {
        let (method, mut path, operation) = self.operation(ask.operation);
        let mut query = Vec::new();
        for (name, value) in &ask.parameters {
            let mut parameters = operation["parameters"].as_array().into_iter().flatten();
            let known = parameters.find(|own| own["name"] == *name).unwrap_or_else(|| panic!("no parameter {name}"));
            match known["in"].as_str() {
                Some("path") => path = path.replace(&format!("{{{name}}}"), value),
                _ => query.push(format!("{name}={value}")),
            }
        }
        let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
        let mut request = self.http.request(method, format!("{}{path}{query}", self.up.text("http")));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if !body.is_null() {
            request = request.json(body);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    /// Method, path and description of an operation.
    fn operation(&self, id: &str) -> (Method, String, &Value) {
        let paths = self.document["paths"].as_object().unwrap().iter();
        let mut all = paths.flat_map(|(path, own)| own.as_object().unwrap().iter().map(move |own| (path, own)));
        let found = all.find(|(_, (_, operation))| operation["operationId"] == id);
        let (path, (method, operation)) = found.unwrap_or_else(|| panic!("there is no operation {id}"));
        (method.to_uppercase().parse().unwrap(), path.clone(), operation)
    }

    fn state(&self) -> Vec<String> {
        let mut command = Command::new(python());
        command.args(["-c", include_str!("../../../openapi/state.py"), self.up.text("data")]);
        let ran = tokio::task::block_in_place(|| run(&mut command, ""));
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let lines: Vec<_> = ran.stdout.lines().map(str::to_owned).collect();
        assert!(lines.iter().any(|line| line.starts_with("users ")), "there is a user: {lines:?}");
        assert!(lines.iter().any(|line| line.starts_with("nsc/")), "there is an operator: {lines:?}");
        lines
    }

    fn unchanged(&self, before: &[String], what: &str) {
        let after = self.state();
        let differs = |one: &[String], other: &[String]| -> Vec<String> {
            one.iter().filter(|line| !other.contains(line)).cloned().collect()
        };
        let (gone, new) = (differs(before, &after), differs(&after, before));
        assert!(gone.is_empty() && new.is_empty(), "{what}: refused, and yet something changed: {gone:?} {new:?}");
    }
}
