//! The HTTP API, through poem, with its OpenAPI document made from the same code.
//!
//! ```text
//! request → Guard: Host, Origin, whose it is, size of the body → endpoint → Auth (domain) → Guard: problems, headers → answer
//! ```
//!
//! - Errors are RFC 9457 problems (`application/problem+json`) with a `type` that does not change; also those of the
//!   framework (404, 405 with `Allow`, 413, 415).
//! - A `Host` that is not ours is 421, a foreign `Origin` 403: a web page must not reach a developer's loopback.
//! - Whose request it is, is a [`ClientAddress`] that every endpoint can take; proxies are believed when they are named.
//! - Bodies have at most 64 KB, are read strictly, and hold no field that the document does not know.
//! - Neither passwords nor tokens are logged; answers are not to be cached.
//!
//! The endpoints know nothing of SQL, NATS or hashing: they translate.

mod admin;
mod admin_schema;
mod api;
mod client_address;
mod codes;
mod document;
mod guard;
mod input;
mod mails;
mod nsc;
mod nsc_requests;
mod nsc_schema;
mod origin;
mod problem;
mod schema;
mod server;
mod sessions;

use std::{net::SocketAddr, sync::Arc};

use futures_util::future::BoxFuture;
use poem::{
    Endpoint, EndpointExt, Request, Response, Route,
    endpoint::{BoxEndpoint, make_sync},
    get,
    http::{Method, header},
};
use relais_domain::auth::Auth;

pub use admin::{Administration, ResolverRules};
pub use client_address::{ClientAddress, TrustedProxies};
pub use mails::{CaughtMail, CaughtMails};
pub use server::serve;

/// Whether the parts behind the API answer; if not, which and why, in words for everybody.
pub type Ready = Arc<dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// What there is to measure, as Prometheus reads it.
pub type Metrics = Arc<dyn Fn() -> String + Send + Sync>;

/// What the API must know of where it is.
#[derive(Clone)]
pub struct Settings {
    /// Where it listens.
    pub address: SocketAddr,
    /// Whether it speaks TLS there.
    pub tls: bool,
    /// Whose word about their clients is believed.
    pub trusted_proxies: TrustedProxies,
    /// The address that clients are told (`http.public_url`): `https://api.example.org`.
    pub public_url: Option<String>,
    /// Further names it answers to, as they stand in `Host`: `relais.internal:8080`.
    pub allowed_hosts: Vec<String>,
    /// Origins of web pages that may ask (`http.allowed_origins`): `https://app.example.org`.
    pub allowed_origins: Vec<String>,
    /// What admins are given.
    pub administration: Administration,
    /// For `/ready`.
    pub ready: Ready,
    /// For `/metrics`.
    pub metrics: Metrics,
    /// For `/dev/mail`, which is there if this is. Whoever sees it can log in as anybody: only on loopback.
    pub mails: Option<CaughtMails>,
}

/// What is wrong with [`Settings`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSettings {
    /// Not `http://…` or `https://…` with a host and nothing after it.
    #[error("http.public_url is {0:?}; it must be like https://api.example.org")]
    PublicUrl(String),
    /// As above, or a wildcard.
    #[error("http.allowed_origins has {0:?}; an origin is like https://app.example.org, and none stands for all")]
    AllowedOrigin(String),
}

/// The whole API. Give it to [`serve`].
pub struct Api(BoxEndpoint<'static, Response>);

/// Scripts and styles stand in the page itself; from elsewhere it takes nothing, and it sends to its own server alone.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src 'self' data:; \
                           font-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The API on `auth`.
///
/// # Errors
/// [`InvalidSettings`].
pub fn endpoint(auth: Auth, settings: Settings) -> Result<Api, InvalidSettings> {
    let rules = Arc::new(origin::Rules::new(&settings)?);
    let proxies = settings.trusted_proxies;
    let admins = admin::Admins { auth: Some(auth.clone()), own: settings.administration };
    let resolver = admins.clone();
    let resolver = make_sync(move |request: Request| resolver.resolver_page(&request));
    let service = document::service(api::Endpoints { auth: Some(auth), ready: settings.ready }, admins);
    let page = document::page(&service);
    let json = document::json(&service);
    let page = make_sync(move |_| {
        Response::builder()
            .content_type("text/html; charset=utf-8")
            .header(header::CONTENT_SECURITY_POLICY, PAGE_POLICY)
            .body(page.clone())
    });
    let json = make_sync(move |_| Response::builder().content_type("application/json").body(json.clone()));
    let metrics = settings.metrics;
    let metrics = make_sync(move |_| Response::builder().content_type("text/plain; version=0.0.4").body(metrics()));
    let routes = Route::new()
        .at("/docs", get(page))
        .at("/openapi.json", get(json))
        .at("/metrics", get(metrics))
        .at("/jwt/v1/accounts/", get(resolver))
        .nest("/", service);
    let mut paths = document::paths();
    let routes = match settings.mails {
        Some(mails) => {
            paths.push((mails::PATH.to_owned(), vec![Method::GET]));
            routes.at(mails::PATH, get(make_sync(move |request: Request| mails::answer(&request, &mails()))))
        }
        None => routes,
    };
    let guarded = guard::Guard { inner: routes, rules, proxies, paths: Arc::new(paths) };
    Ok(Api(guarded.boxed()))
}

/// The OpenAPI document (`openapi/relais.json`). Needs nothing that runs.
#[must_use]
pub fn openapi_json() -> String {
    document::json(&document::standalone())
}

impl Endpoint for Api {
    type Output = Response;

    async fn call(&self, request: Request) -> poem::Result<Response> {
        self.0.call(request).await
    }
}

#[cfg(test)]
mod tests;
