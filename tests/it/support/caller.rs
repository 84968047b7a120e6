//! A program that speaks to the HTTP API.

use std::fs;

use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};

use super::{PASSWORD, Up, http};

/// Somebody who speaks to the API.
pub(crate) struct Caller<'u> {
    pub(crate) up: &'u Up,
    pub(crate) http: Client,
    /// What the last login or refresh answered.
    pub(crate) login: Value,
    pub(crate) token: String,
    pub(crate) id: String,
}

impl<'u> Caller<'u> {
    /// Somebody who has not logged in.
    pub(crate) fn stranger(up: &'u Up) -> Self {
        Self { up, http: http(), login: Value::Null, token: String::new(), id: String::new() }
    }

    /// Registers and logs in.
    pub(crate) async fn new(up: &'u Up, name: &str) -> Self {
        let mut caller = Self::stranger(up);
        let credentials = json!({"email": format!("{name}@example.org"), "password": PASSWORD});
        assert_eq!(caller.ask(Method::POST, "/register", credentials.clone()).await.0, StatusCode::CREATED);
        caller.let_in("/login", credentials).await;
        caller
    }

    /// Logs in, or goes on; it must work.
    pub(crate) async fn let_in(&mut self, path: &str, body: Value) {
        self.token.clear();
        let (status, login) = self.post(path, body).await;
        assert_eq!(status, StatusCode::OK, "{login}");
        self.token = login["access_token"].as_str().unwrap().to_owned();
        self.id = login["user_id"].as_str().unwrap().to_owned();
        self.login = login;
    }

    /// Goes on with the refresh token.
    pub(crate) async fn refresh(&mut self) {
        let body = json!({"refresh_token": self.login["refresh_token"]});
        self.let_in("/token", body).await;
    }

    pub(crate) async fn ask(&self, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
        let mut request = self.http.request(method, format!("{}{path}", self.up.text("http")));
        if !self.token.is_empty() {
            request = request.bearer_auth(&self.token);
        }
        if !body.is_null() {
            request = request.json(&body);
        }
        let response = request.send().await.unwrap();
        let status = response.status();
        let text = response.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    pub(crate) async fn get(&self, path: &str) -> (StatusCode, Value) {
        self.ask(Method::GET, path, Value::Null).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> (StatusCode, Value) {
        self.ask(Method::POST, path, body).await
    }

    /// The status and the kind of problem.
    pub(crate) async fn refused(&self, method: Method, path: &str, body: Value) -> (u16, String) {
        let (status, body) = self.ask(method, path, body).await;
        let kind = body["type"].as_str().unwrap_or_default().rsplit(':').next().unwrap_or_default();
        (status.as_u16(), kind.to_owned())
    }

    /// Redeems the set-up token.
    pub(crate) async fn claim(&self) {
        let token = fs::read_to_string(self.up.text("setup_token")).unwrap();
        let (status, body) = self.post("/admin/claim", json!({"token": token.trim()})).await;
        assert_eq!((status, &body["admin"]), (StatusCode::OK, &json!(true)), "{body}");
    }
}
