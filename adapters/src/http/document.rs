//! The OpenAPI document, and the page that shows it.

use std::sync::Arc;

use poem::http::Method;
use poem_openapi::{LicenseObject, OpenApi, OpenApiService};
use serde_json::{Value, json};

use super::{
    admin::{Administration, Admins},
    api::Endpoints,
    codes::Codes,
    guard::Paths,
    nsc::Nsc,
    sessions::Sessions,
};

/// Everything that is documented.
pub(super) type Service = OpenApiService<(Endpoints, Codes, Sessions, Admins, Nsc), ()>;

pub(super) fn service(endpoints: Endpoints, admins: Admins) -> Service {
    let sessions = Sessions { auth: endpoints.auth.clone() };
    let codes = Codes { auth: endpoints.auth.clone() };
    OpenApiService::new((endpoints, codes, sessions, admins.clone(), Nsc(admins)), "Relais", env!("CARGO_PKG_VERSION"))
        .description(
            "Login for a message-based backend on NATS: register, log in, and connect to the brokers with what the login \
             answers.",
        )
        .license(LicenseObject::new("Apache-2.0").url("https://www.apache.org/licenses/LICENSE-2.0"))
}

/// The document alone, for which no endpoint works.
pub(super) fn standalone() -> Service {
    let endpoints = Endpoints { auth: None, ready: Arc::new(|| Box::pin(async { Err("not running".to_owned()) })) };
    service(endpoints, Admins { auth: None, own: Administration::default() })
}

/// The document of a service, with what the framework cannot say: that requests take no other fields, and that a
/// password is needed, or a code, as it is unless `auth.proof` is `none`.
pub(super) fn json(service: &Service) -> String {
    let mut document: Value = serde_json::from_str(&service.spec()).unwrap_or_default();
    let schemas = document["components"]["schemas"].as_object_mut();
    for (name, schema) in schemas.into_iter().flatten() {
        if name.ends_with("Request") {
            schema["additionalProperties"] = json!(false);
        }
        match name.as_str() {
            "RegisterRequest" => schema["required"] = json!(["email", "password"]),
            "LoginRequest" => schema["anyOf"] = json!([{"required": ["password"]}, {"required": ["code"]}]),
            _ => {}
        }
    }
    let mut text = serde_json::to_string_pretty(&document).unwrap_or_default();
    text.push('\n');
    text
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
