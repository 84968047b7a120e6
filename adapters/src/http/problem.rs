//! Errors as RFC 9457 problems, with types that do not change.

use poem::{
    IntoResponse, Response,
    error::ResponseError,
    http::{HeaderValue, StatusCode, header},
};
use poem_openapi::{
    ApiResponse, Object,
    registry::{MetaHeader, MetaMediaType, MetaResponse, MetaResponses, MetaSchema, MetaSchemaRef, Registry},
    types::{ToJSON, Type},
};
use relais_domain::{
    auth::AuthError,
    nsc::NscError,
    ports::{EngineError, IssueError},
};
use serde_json::{Value, json};

pub(super) const CONTENT_TYPE: &str = "application/problem+json";

/// What stays the same about a problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kind {
    name: &'static str,
    status: StatusCode,
    title: &'static str,
}

macro_rules! kinds {
    ($($constant:ident = $status:ident, $name:literal, $title:literal;)*) => {
        impl Kind {
            $(pub(super) const $constant: Self = Self { name: $name, status: StatusCode::$status, title: $title };)*

            const ALL: &[Self] = &[$(Self::$constant),*];
        }
    };
}

// The first of a status is the one for an error that names none.
kinds! {
    BAD_REQUEST = BAD_REQUEST, "bad-request", "The request cannot be read";
    BAD_JSON = BAD_REQUEST, "malformed-json", "The body is not JSON";
    BAD_TOKEN = UNAUTHORIZED, "invalid-token", "The access token does not hold";
    WRONG_CREDENTIALS = UNAUTHORIZED, "wrong-credentials", "Not logged in";
    BAD_REFRESH = UNAUTHORIZED, "invalid-refresh-token", "The refresh token does not hold";
    FOREIGN_ORIGIN = FORBIDDEN, "foreign-origin", "Not for this origin";
    WRONG_TOKEN = FORBIDDEN, "wrong-token", "Not the set-up token";
    UNVERIFIED = FORBIDDEN, "unverified", "The address is not proven yet";
    DISABLED = FORBIDDEN, "disabled", "Not let in";
    WRONG_PASSWORD = FORBIDDEN, "wrong-password", "Not the password";
    NOT_ADMIN = FORBIDDEN, "not-admin", "For admins only";
    NOT_A_BROKER = FORBIDDEN, "not-a-broker", "For brokers only";
    NOT_FOUND = NOT_FOUND, "not-found", "Nothing is here";
    NO_SUCH_USER = NOT_FOUND, "no-such-user", "There is no such user";
    UNKNOWN_NAME = NOT_FOUND, "unknown-name", "There is nothing of this name";
    NO_SUCH_DEVICE = NOT_FOUND, "no-such-device", "There is no such device";
    NO_MAIL = NOT_FOUND, "no-mail", "No mails are sent here";
    METHOD_NOT_ALLOWED = METHOD_NOT_ALLOWED, "method-not-allowed", "Not by this method";
    TIMEOUT = REQUEST_TIMEOUT, "request-timeout", "The request took too long";
    EMAIL_TAKEN = CONFLICT, "email-taken", "The email address is taken";
    KEY_TAKEN = CONFLICT, "key-taken", "The public key is taken";
    KEY_REVOKED = CONFLICT, "key-revoked", "The public key is revoked";
    TOO_MANY_DEVICES = CONFLICT, "too-many-devices", "Too many devices";
    EXISTS = CONFLICT, "exists", "There is another one of this name";
    LAST_ADMIN = CONFLICT, "last-admin", "The last admin";
    OWN_ACCOUNT = CONFLICT, "own-account", "Relais lives from this account";
    TOO_LARGE = PAYLOAD_TOO_LARGE, "body-too-large", "The body is too large";
    MEDIA_TYPE = UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", "The body is of another type";
    MISDIRECTED = MISDIRECTED_REQUEST, "misdirected", "Not for this host";
    INVALID = UNPROCESSABLE_ENTITY, "invalid-field", "A field breaks its rule";
    NOT_ALLOWED = UNPROCESSABLE_ENTITY, "not-allowed", "Users must not be allowed this";
    TOO_OFTEN = TOO_MANY_REQUESTS, "too-many-requests", "Too many tries";
    INTERNAL = INTERNAL_SERVER_ERROR, "internal", "Something is wrong on the server";
    UNAVAILABLE = SERVICE_UNAVAILABLE, "unavailable", "Not available now";
    NO_TOOL = SERVICE_UNAVAILABLE, "no-tool", "A tool is missing on the server";
    NO_KEY = SERVICE_UNAVAILABLE, "no-key", "A key is not at hand on the server";
    BUSY = SERVICE_UNAVAILABLE, "busy", "Too much at once";
    NOT_CONFIRMED = SERVICE_UNAVAILABLE, "not-confirmed", "Not confirmed yet";
    NOT_READY = SERVICE_UNAVAILABLE, "not-ready", "Not ready";
}

impl Kind {
    /// What an error of the framework is that has no other name here.
    const OTHER: Self = Self { name: "error", status: StatusCode::BAD_REQUEST, title: "Something else" };

    fn urn(&self) -> String {
        format!("urn:relais:problem:{}", self.name)
    }
}

/// What a client is told when it does not get what it asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub(super) struct Problem {
    kind: Kind,
    detail: String,
    field: Option<String>,
    /// In seconds.
    retry_after: Option<u64>,
}

/// An error (RFC 9457). `type` tells programs what happened, `detail` tells people.
#[derive(Object)]
#[oai(rename = "Problem")]
pub(super) struct Body {
    /// What happened; one of a fixed set, `urn:relais:problem:…`.
    r#type: String,
    /// The same in a few words.
    title: String,
    /// The HTTP status.
    status: u16,
    /// What happened this time, and what to do about it.
    detail: String,
    /// Which field of the request breaks its rule.
    #[oai(skip_serializing_if_is_none)]
    field: Option<String>,
}

impl Problem {
    pub(super) fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), field: None, retry_after: None }
    }

    pub(super) fn invalid(field: Option<String>, detail: impl Into<String>) -> Self {
        Self { field, ..Self::new(Kind::INVALID, detail) }
    }

    /// For an error of the framework, of which only the status is known.
    pub(super) fn of_status(status: StatusCode) -> Self {
        let kind = Kind::ALL.iter().find(|kind| kind.status == status).copied();
        let kind = kind.unwrap_or(Kind { status, title: status.canonical_reason().unwrap_or("Error"), ..Kind::OTHER });
        Self::new(kind, kind.title)
    }

    #[cfg(test)]
    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    fn body(&self) -> Body {
        Body {
            r#type: self.kind.urn(),
            title: self.kind.title.to_owned(),
            status: self.kind.status.as_u16(),
            detail: self.detail.clone(),
            field: self.field.clone(),
        }
    }

    fn response(&self) -> Response {
        let status = self.kind.status;
        let body = self.body().to_json_string();
        let mut response = Response::builder().status(status).content_type(CONTENT_TYPE).body(body);
        let retry_after = self.retry_after.or((status == StatusCode::SERVICE_UNAVAILABLE).then_some(1));
        if let Some(seconds) = retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        self.response()
    }
}

impl ResponseError for Problem {
    fn status(&self) -> StatusCode {
        self.kind.status
    }

    fn as_response(&self) -> Response {
        self.response()
    }
}

impl From<AuthError> for Problem {
    fn from(error: AuthError) -> Self {
        let kind = match &error {
            AuthError::Taken => Kind::EMAIL_TAKEN,
            AuthError::Unauthorized => Kind::WRONG_CREDENTIALS,
            AuthError::Token(_) => Kind::BAD_TOKEN,
            AuthError::Refresh => Kind::BAD_REFRESH,
            AuthError::Unverified => Kind::UNVERIFIED,
            AuthError::NoMail => Kind::NO_MAIL,
            AuthError::TooOften(_) => Kind::TOO_OFTEN,
            AuthError::Disabled => Kind::DISABLED,
            AuthError::WrongPassword => Kind::WRONG_PASSWORD,
            AuthError::Invalid { .. } => Kind::INVALID,
            AuthError::Busy => Kind::BUSY,
            AuthError::TooManyDevices(_) => Kind::TOO_MANY_DEVICES,
            AuthError::KeyTaken => Kind::KEY_TAKEN,
            AuthError::KeyRevoked(_) => Kind::KEY_REVOKED,
            AuthError::NoSuchDevice => Kind::NO_SUCH_DEVICE,
            AuthError::NoSuchUser => Kind::NO_SUCH_USER,
            AuthError::NoSuchRole(_) => Kind::UNKNOWN_NAME,
            AuthError::LastAdmin => Kind::LAST_ADMIN,
            AuthError::WrongToken => Kind::WRONG_TOKEN,
            AuthError::NotAdmin => Kind::NOT_ADMIN,
            AuthError::NotConfirmed(_) => Kind::NOT_CONFIRMED,
            AuthError::Unavailable(_) => Kind::UNAVAILABLE,
            AuthError::Internal(_) => Kind::INTERNAL,
        };
        if kind.status.is_server_error() && kind != Kind::BUSY {
            tracing::error!(error = &error as &dyn std::error::Error, "a request failed");
        }
        let field = if let AuthError::Invalid { field, .. } = &error { Some((*field).to_owned()) } else { None };
        let retry_after = if let AuthError::TooOften(wait) = &error { Some(wait.as_secs() + 1) } else { None };
        Self { field, retry_after, ..Self::new(kind, error.to_string()) }
    }
}

impl From<NscError> for Problem {
    fn from(error: NscError) -> Self {
        let kind = match &error {
            NscError::Invalid { .. } => Kind::INVALID,
            NscError::Lint(_) => Kind::NOT_ALLOWED,
            NscError::Exists { .. } | NscError::Engine(EngineError::Exists { .. }) => Kind::EXISTS,
            NscError::Own(..) => Kind::OWN_ACCOUNT,
            NscError::Engine(EngineError::Unknown { .. }) => Kind::UNKNOWN_NAME,
            NscError::Engine(EngineError::Name(_))
            | NscError::Issue(IssueError::WrongKey(_) | IssueError::TooLong { .. }) => Kind::INVALID,
            NscError::Engine(EngineError::NoTool { .. }) => Kind::NO_TOOL,
            NscError::Engine(EngineError::NoKey { .. }) => Kind::NO_KEY,
            NscError::Engine(EngineError::Busy(_)) => Kind::BUSY,
            NscError::Issue(IssueError::Revoked(_)) => Kind::KEY_REVOKED,
            NscError::Issue(IssueError::NotPushed(_)) => Kind::NOT_CONFIRMED,
            NscError::Issue(IssueError::NotGranted(_)) => Kind::INTERNAL,
            NscError::Engine(EngineError::Store(_)) | NscError::Issue(IssueError::Store(_)) => Kind::UNAVAILABLE,
        };
        if kind.status.is_server_error() {
            tracing::error!(error = &error as &dyn std::error::Error, "a request failed");
        }
        let field = if let NscError::Invalid { field, .. } = &error { Some((*field).to_owned()) } else { None };
        Self { field, ..Self::new(kind, error.to_string()) }
    }
}

/// What the document says about a status.
fn meta(status: u16) -> MetaResponse {
    let description = match status {
        400 => "The request or its JSON cannot be read.",
        401 => "Not logged in: which of address, password and code is wrong is not told.",
        403 => "The request comes from a web page of another origin, or the caller may not do this.",
        404 => "There is no such thing.",
        408 => "The body did not arrive in time.",
        409 => "It is there already, or no more of it are allowed.",
        413 => "The body is larger than 64 KB.",
        415 => "The body is not application/json.",
        421 => "The request is for another host.",
        422 => "A field is missing, unknown, or breaks its rule.",
        429 => "Too many tries: the next one is let through after `Retry-After` seconds.",
        503 => "Too busy, or a part behind it cannot be reached: try again after `Retry-After` seconds.",
        _ => "Something is wrong on the server.",
    };
    let header = |name: &str, ty, description: &str| MetaHeader {
        name: name.to_owned(),
        description: Some(description.to_owned()),
        required: true,
        deprecated: false,
        schema: MetaSchemaRef::Inline(Box::new(MetaSchema::new(ty))),
    };
    let headers = match status {
        401 => vec![header("WWW-Authenticate", "string", "How to prove who one is.")],
        429 | 503 => vec![header("Retry-After", "integer", "Seconds to wait.")],
        _ => vec![],
    };
    let content = vec![MetaMediaType { content_type: CONTENT_TYPE, schema: Body::schema_ref() }];
    MetaResponse { description, status: Some(status), status_range: None, content, headers }
}

/// Completes the schema of [`Body`] in the document: which types there are.
pub(super) fn describe(schema: &mut Value) {
    let kinds = || Kind::ALL.iter().chain([&Kind::OTHER]);
    let mut told = "What happened. The types stay; more may come:\n".to_owned();
    for Kind { name, status, title } in kinds() {
        told += &format!("\n- `{name}` ({}): {title}", status.as_u16());
    }
    let types: Vec<_> = kinds().map(Kind::urn).collect();
    schema["properties"]["type"] = json!({"type": "string", "enum": types, "description": told});
    schema["properties"]["status"] = json!({
        "type": "integer", "minimum": 400, "maximum": 599, "description": "The HTTP status."
    });
    let taken = Problem::new(Kind::EMAIL_TAKEN, AuthError::Taken.to_string());
    schema["example"] = taken.body().to_json().unwrap_or_default();
}

pub(super) fn metas(own: &[u16]) -> MetaResponses {
    // Any request may come from the wrong page, or to the wrong host, bring too much or too slowly, or find a bug.
    let mut all: Vec<u16> = own.iter().copied().chain([403, 408, 413, 421, 500]).collect();
    all.sort_unstable();
    MetaResponses { responses: all.into_iter().map(meta).collect() }
}

pub(super) fn register(registry: &mut Registry) {
    Body::register(registry);
}

/// A type of problem for one endpoint, which says in the document which statuses it has.
macro_rules! problems {
    ($($name:ident: $($status:literal)*;)*) => {$(
        pub(super) struct $name(pub(super) Problem);

        impl<E: Into<Problem>> From<E> for $name {
            fn from(error: E) -> Self {
                Self(error.into())
            }
        }

        impl From<$name> for poem::Error {
            fn from(problem: $name) -> Self {
                problem.0.into()
            }
        }

        impl ApiResponse for $name {
            fn meta() -> MetaResponses {
                metas(&[$($status),*])
            }

            fn register(registry: &mut Registry) {
                register(registry);
            }
        }
    )*};
}

problems! {
    RegisterProblem: 400 409 415 422 429 503;
    LoginProblem: 400 401 409 415 422 429 503;
    RefreshProblem: 400 401 409 415 422 429 503;
    LogoutProblem: 401 404 503;
    PasswordProblem: 400 401 415 422 503;
    LeaveProblem: 401 404 409 503;
    JwksProblem: 503;
    MeProblem: 401 503;
    RemoveProblem: 401 404 429 503;
    CodeProblem: 400 404 415 422 429 503;
    ResetProblem: 400 401 404 409 415 422 429 503;
    ClaimProblem: 400 401 415 422 503;
    AdminProblem: 400 401 404 422 503;
    DeleteProblem: 401 404 409 503;
    ChangeProblem: 400 401 404 409 415 422 503;
    ResolverProblem: 404 503;
    HealthProblem:;
    ReadyProblem: 503;
}
