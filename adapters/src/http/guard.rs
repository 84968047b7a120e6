//! What stands around every endpoint: who may ask, how much they may send, and errors that all look alike.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::FutureExt;
use poem::{
    Body, Endpoint, IntoResponse, Request, Response, Result,
    error::ReadBodyError,
    http::{HeaderValue, Method, StatusCode, header},
};

use super::{
    client_address::{ClientAddress, TrustedProxies},
    origin::{Asker, Rules},
    problem::{CONTENT_TYPE, Kind, Problem},
};

/// The largest body, in bytes.
const BODY_MAX: usize = 64 * 1024;
/// How long a body may take to arrive.
const BODY_TIME: Duration = Duration::from_secs(10);

/// Every path with its methods, for `Allow`.
pub(super) type Paths = Vec<(String, Vec<Method>)>;

pub(super) struct Guard<E> {
    pub(super) inner: E,
    pub(super) rules: Arc<Rules>,
    pub(super) proxies: TrustedProxies,
    pub(super) paths: Arc<Paths>,
}

impl<E: Endpoint> Endpoint for Guard<E> {
    type Output = Response;

    async fn call(&self, mut request: Request) -> Result<Response> {
        let client = ClientAddress::of_request(&request, &self.proxies);
        request.extensions_mut().insert(client);
        let allow = self.allow(request.uri().path());
        let mut asker = Asker::Own;
        let response = match self.rules.check(&request) {
            Err(problem) => problem.into_response(),
            Ok(found) => {
                asker = found;
                let preflight = request.header(header::ACCESS_CONTROL_REQUEST_METHOD).is_some();
                if preflight && request.method() == Method::OPTIONS && matches!(asker, Asker::Allowed(_)) {
                    preflight_answer(allow.as_ref())
                } else {
                    self.answer(request).await
                }
            }
        };
        let response = self.dressed(alike(response, allow), asker);
        tracing::debug!(%client, status = response.status().as_u16(), "answered");
        Ok(response)
    }
}

impl<E: Endpoint> Guard<E> {
    async fn answer(&self, mut request: Request) -> Response {
        if let Err(problem) = take_in(&mut request).await {
            return problem.into_response();
        }
        // A panic ends this request and nothing else.
        match AssertUnwindSafe(self.inner.get_response(request)).catch_unwind().await {
            Ok(response) => response,
            Err(_) => Problem::of_status(StatusCode::INTERNAL_SERVER_ERROR).into_response(),
        }
    }

    /// The methods of a path, if there is such a path.
    fn allow(&self, path: &str) -> Option<HeaderValue> {
        let (_, methods) = self.paths.iter().find(|(pattern, _)| matches(pattern, path))?;
        let mut names: Vec<&str> = methods.iter().map(Method::as_str).collect();
        if methods.contains(&Method::GET) {
            names.push(Method::HEAD.as_str());
        }
        HeaderValue::from_str(&names.join(", ")).ok()
    }

    /// Headers that every answer has.
    fn dressed(&self, mut response: Response, asker: Asker) -> Response {
        let headers = response.headers_mut();
        // Answers hold tokens and credentials; and what tells one user is not for the next.
        headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        if self.rules.vary() {
            headers.append(header::VARY, HeaderValue::from_static("origin"));
        }
        if let Asker::Allowed(origin) = asker {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            headers.insert(
                header::ACCESS_CONTROL_EXPOSE_HEADERS,
                HeaderValue::from_static("allow, retry-after, www-authenticate"),
            );
        }
        response
    }
}

/// Reads the body, so that nothing behind this waits for it or takes more of it.
async fn take_in(request: &mut Request) -> Result<(), Problem> {
    let too_large = || Problem::new(Kind::TOO_LARGE, format!("a body has at most {BODY_MAX} bytes"));
    let length = request.header(header::CONTENT_LENGTH).and_then(|length| length.parse::<u64>().ok());
    if length.is_some_and(|length| length > BODY_MAX as u64) {
        return Err(too_large());
    }
    let body = request.take_body().into_bytes_limit(BODY_MAX);
    match tokio::time::timeout(BODY_TIME, body).await {
        Ok(Ok(bytes)) => {
            request.set_body(Body::from_bytes(bytes));
            Ok(())
        }
        Ok(Err(ReadBodyError::PayloadTooLarge)) => Err(too_large()),
        Ok(Err(_)) => Err(Problem::new(Kind::BAD_REQUEST, "the body cannot be read to its end")),
        Err(_) => Err(Problem::new(Kind::TIMEOUT, format!("a body must be here within {} s", BODY_TIME.as_secs()))),
    }
}

/// Turns an error of the framework into a problem, and gives errors the headers that HTTP asks for.
fn alike(response: Response, allow: Option<HeaderValue>) -> Response {
    let status = response.status();
    let is_error = status.is_client_error() || status.is_server_error();
    let mut response = if is_error && response.content_type() != Some(CONTENT_TYPE) {
        problem_of(status, allow.as_ref()).into_response()
    } else {
        response
    };
    match (status, allow) {
        (StatusCode::METHOD_NOT_ALLOWED, Some(allow)) => {
            response.headers_mut().insert(header::ALLOW, allow);
        }
        (StatusCode::UNAUTHORIZED, _) => {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        _ => {}
    }
    response
}

fn problem_of(status: StatusCode, allow: Option<&HeaderValue>) -> Problem {
    let detail = match status {
        StatusCode::NOT_FOUND => "there is nothing at this path; /docs lists what there is".to_owned(),
        StatusCode::METHOD_NOT_ALLOWED => {
            let methods = allow.and_then(|allow| allow.to_str().ok()).unwrap_or("others");
            format!("this path knows {methods}")
        }
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "send the body as Content-Type: application/json".to_owned(),
        StatusCode::UNAUTHORIZED => "send the access token of a login as Authorization: Bearer TOKEN".to_owned(),
        _ => return Problem::of_status(status),
    };
    let kind = match status {
        StatusCode::NOT_FOUND => Kind::NOT_FOUND,
        StatusCode::METHOD_NOT_ALLOWED => Kind::METHOD_NOT_ALLOWED,
        StatusCode::UNSUPPORTED_MEDIA_TYPE => Kind::MEDIA_TYPE,
        _ => Kind::BAD_TOKEN,
    };
    Problem::new(kind, detail)
}

fn preflight_answer(allow: Option<&HeaderValue>) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    let methods = allow.cloned().unwrap_or(HeaderValue::from_static("GET, HEAD, POST, DELETE"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
    let asked = HeaderValue::from_static("authorization, content-type");
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, asked);
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    response
}

/// Whether a path is one of a pattern such as `/me/devices/{id}`.
fn matches(pattern: &str, path: &str) -> bool {
    let (mut pattern, mut path) = (pattern.split('/'), path.split('/'));
    loop {
        match (pattern.next(), path.next()) {
            (None, None) => return true,
            (Some(own), Some(part)) => {
                let named = own.starts_with(['{', ':']);
                if (named && part.is_empty()) || (!named && own != part) {
                    return false;
                }
            }
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_path_is_one_of_its_pattern() {
        for (pattern, path, is) in [
            ("/me", "/me", true),
            ("/me", "/me/", false),
            ("/me", "/mean", false),
            ("/me/devices/{id}", "/me/devices/x", true),
            ("/me/devices/:id", "/me/devices/x", true),
            ("/me/devices/{id}", "/me/devices/", false),
            ("/me/devices/{id}", "/me/devices/x/y", false),
        ] {
            assert_eq!(matches(pattern, path), is, "{pattern} {path}");
        }
    }
}
