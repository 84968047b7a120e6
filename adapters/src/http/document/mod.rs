//! The OpenAPI document, and the page that shows it.
//!
//! It is OpenAPI 3.0, as the framework makes it, which every generator reads. What the framework cannot say is added here: the rules
//! of what comes in ([`rules`]), examples ([`examples`], of `examples.json`), what to do next ([`links`]), and the
//! types of problems.

mod examples;
mod links;
mod rules;

use std::sync::Arc;

use poem::http::Method;
use poem_openapi::{LicenseObject, OpenApi, OpenApiService, ServerObject};
use serde_json::{Value, json};

use super::{
    admin::{Administration, Admins},
    api::Endpoints,
    codes::Codes,
    guard::Paths,
    nsc::Nsc,
    problem,
    sessions::Sessions,
};

/// Everything that is documented.
pub(super) type Service = OpenApiService<(Endpoints, Codes, Sessions, Admins, Nsc), ()>;

const ABOUT: &str = "Login for a message-based backend on NATS: register, log in, and connect to the brokers with what the login \
                     answers.\n\n\
                     An error is a problem (RFC 9457, `application/problem+json`) whose `type` does not change. A method that a path \
                     does not know is a 405, with those that it knows in `Allow`; a path that is none, a 404. Bodies are JSON, at most \
                     64 KB, and hold no field that is not here. From a web page: its origin stands in `http.allowed_origins`, or gets a 403.";

pub(super) fn service(endpoints: Endpoints, admins: Admins) -> Service {
    let sessions = Sessions { auth: endpoints.auth.clone() };
    let codes = Codes { auth: endpoints.auth.clone() };
    OpenApiService::new((endpoints, codes, sessions, admins.clone(), Nsc(admins)), "Relais", env!("CARGO_PKG_VERSION"))
        .description(ABOUT)
        .license(LicenseObject::new("Apache-2.0").url("https://www.apache.org/licenses/LICENSE-2.0"))
        .server(ServerObject::new("/").description("The server that this document comes from."))
        .server(ServerObject::new("http://127.0.0.1:8080").description("`relais up` on this machine."))
}

/// The document alone, for which no endpoint works.
pub(super) fn standalone() -> Service {
    let endpoints = Endpoints { auth: None, ready: Arc::new(|| Box::pin(async { Err("not running".to_owned()) })) };
    service(endpoints, Admins { auth: None, own: Administration::default() })
}

/// The document of a service.
pub(super) fn json(service: &Service) -> String {
    let mut document: Value = serde_json::from_str(&service.spec()).unwrap_or_default();
    document["openapi"] = json!("3.0.3");
    simplify(&mut document);
    rules::add(&mut document);
    problem::describe(&mut document["components"]["schemas"]["Problem"]);
    examples::add(&mut document);
    links::add(&mut document);
    let mut text = serde_json::to_string_pretty(&document).unwrap_or_default();
    text.push('\n');
    text
}

/// Says in the plainest words what the framework says in others: a reference with a description, and whole numbers.
fn simplify(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            // A schema of nothing but a description, beside the reference.
            if let Some(Value::Array(all)) = fields.get_mut("allOf") {
                all.retain(|one| {
                    one.get("$ref").is_some()
                        || one.as_object().is_none_or(|one| one.keys().any(|key| key != "description"))
                });
            }
            for bound in ["minimum", "maximum"] {
                if let Some(whole) = fields.get(bound).and_then(Value::as_f64).filter(|bound| bound.fract() == 0.0) {
                    fields.insert(bound.to_owned(), json!(whole as i64));
                }
            }
            fields.values_mut().for_each(simplify);
        }
        Value::Array(values) => values.iter_mut().for_each(simplify),
        _ => {}
    }
}

/// The operations of a document.
fn operations_mut(document: &mut Value) -> impl Iterator<Item = &mut Value> {
    let paths = document["paths"].as_object_mut().into_iter().flatten();
    paths.flat_map(|(_, path)| path.as_object_mut().into_iter().flatten().map(|(_, operation)| operation))
}

#[cfg(test)]
fn operations(document: &Value) -> impl Iterator<Item = &Value> {
    document["paths"].as_object().into_iter().flatten().flat_map(|(_, path)| path.as_object().unwrap().values())
}

/// The page of Swagger UI, with script, style and document within: it loads nothing.
pub(super) fn page(service: &Service) -> String {
    // "</" would end the script that the document stands in.
    let document = json(service).replace("</", "<\\/");
    format!("<!DOCTYPE html>\n{}", service.swagger_ui_html().replace(&service.spec(), &document))
}

/// Every path and its methods, those beside the document too.
pub(super) fn paths() -> Paths {
    let documented = [Endpoints::meta(), Codes::meta(), Sessions::meta(), Admins::meta(), Nsc::meta()];
    let documented = documented.into_iter().flatten().flat_map(|api| api.paths).map(|path| {
        let methods = path.operations.into_iter().map(|operation| operation.method).collect();
        (path.path, methods)
    });
    let others =
        ["/docs", "/openapi.json", "/metrics", "/jwt/v1/accounts/"].map(|path| (path.to_owned(), vec![Method::GET]));
    documented.chain(others).collect()
}

#[cfg(test)]
mod tests;
