//! The claims of auth callout: a broker asks an authorization service who may connect, and is answered
//! (`authorization_claims.go` of jwt/v2).

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use super::{
    claims::{Body, Claims, Generic, Unknown, is_default},
    keys::is_public_key,
    validation::{self, quoted},
};
use crate::{
    credentials::{AuthorizationRequestJwt, AuthorizationResponseJwt, Issues, KeyKind, KeyUse, PublicKey},
    ports::KeyPairs,
};

/// The claims of a request, signed by the broker; its subject is a word of nats-server's, no key.
pub type AuthorizationRequestClaims = Claims<AuthorizationRequest>;

/// The claims of an answer: about the user key that the broker made up for the connection, meant (`aud`) for the broker
/// that asked, signed by the account of the authorization service.
pub type AuthorizationResponseClaims = Claims<AuthorizationResponse>;

/// What a broker asks.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct AuthorizationRequest {
    /// Which broker.
    #[serde(rename = "server_id", default)]
    pub server: ServerId,
    /// The key that the user JWT in the answer must be about.
    #[serde(default)]
    pub user_nkey: String,
    /// The connection as the broker sees it.
    #[serde(rename = "client_info", default)]
    pub client: ClientInformation,
    /// What the client sent.
    #[serde(rename = "connect_opts", default)]
    pub connect: ConnectOptions,
    /// Its TLS, if there is any.
    #[serde(rename = "client_tls", default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<ClientTls>,
    /// A number of this request.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub request_nonce: String,
    /// Tags, kind, version.
    #[serde(flatten)]
    pub generic: Generic,
    /// The rest.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// The broker that asks.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ServerId {
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// Where it runs.
    #[serde(default)]
    pub host: String,
    /// Its key, `N…`.
    #[serde(default)]
    pub id: String,
    /// Its version.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// Its cluster.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub cluster: String,
    /// Its tags.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// The curve key, `X…`, for which the answer may be encrypted.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub xkey: String,
    /// The rest.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// A connection that wants in.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ClientInformation {
    /// Where from.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub host: String,
    /// Its number at the broker.
    #[serde(default, skip_serializing_if = "is_default")]
    pub id: u64,
    /// The user's name or key.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub user: String,
    /// What it calls itself.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Tags of the user.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// The name in the user JWT.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name_tag: String,
    /// `Client`, `Leafnode`, …
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// `nats`, `websocket`, `mqtt`.
    #[serde(rename = "type", default, skip_serializing_if = "String::is_empty")]
    pub protocol: String,
    /// Its MQTT name.
    #[serde(rename = "mqtt_id", default, skip_serializing_if = "String::is_empty")]
    pub mqtt: String,
    /// What it had to sign.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub nonce: String,
    /// The rest.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// What a client sent with CONNECT. Holds secrets, so it has no `Debug`.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ConnectOptions {
    /// A user JWT.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub jwt: String,
    /// A user's key.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub nkey: String,
    /// The signature of the nonce.
    #[serde(rename = "sig", default, skip_serializing_if = "String::is_empty")]
    pub signed_nonce: String,
    /// A token. Secret.
    #[serde(rename = "auth_token", default, skip_serializing_if = "String::is_empty")]
    pub token: String,
    /// A user name.
    #[serde(rename = "user", default, skip_serializing_if = "String::is_empty")]
    pub username: String,
    /// A password. Secret.
    #[serde(rename = "pass", default, skip_serializing_if = "String::is_empty")]
    pub password: String,
    /// What it calls itself.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The client library's language.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub lang: String,
    /// The client library's version.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// The version of the protocol.
    #[serde(default)]
    pub protocol: i64,
    /// The rest.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// The TLS of a connection.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ClientTls {
    /// The version of TLS.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// The cipher suite.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub cipher: String,
    /// The client's certificates (PEM), when nobody verified them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub certs: Vec<String>,
    /// Verified chains (PEM), the client's certificate first in each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub verified_chains: Vec<Vec<String>>,
    /// The rest.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// What an authorization service answers: a user JWT or why not.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct AuthorizationResponse {
    /// The user JWT, about [`AuthorizationRequest::user_nkey`].
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub jwt: String,
    /// Why the client is refused.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub error: String,
    /// The account of the service, when a signing key of it is the issuer.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "issuer_account")]
    pub issuer_account: Option<PublicKey>,
    /// Tags, kind, version.
    #[serde(flatten)]
    pub generic: Generic,
    /// The rest.
    #[serde(flatten)]
    pub unknown: Unknown,
}

const ISSUER_ACCOUNT: &str = "issuer_account is not an account public key";

fn issuer_account<'de, D: Deserializer<'de>>(from: D) -> Result<Option<PublicKey>, D::Error> {
    let text = String::deserialize(from)?;
    if text.is_empty() { Ok(None) } else { text.parse().map(Some).map_err(|_| D::Error::custom(ISSUER_ACCOUNT)) }
}

/// Without what the client sent, which holds secrets.
impl std::fmt::Debug for AuthorizationRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuthorizationRequest")
            .field("server", &self.server)
            .field("user_nkey", &self.user_nkey)
            .field("client", &self.client)
            .finish_non_exhaustive()
    }
}

impl Body for AuthorizationRequest {
    const TYPE: &'static str = "authorization_request";
    const SUBJECT: Option<KeyKind> = None;
    const WRONG_SUBJECT: &'static str = "subject is not set";
    const ISSUERS: &'static [KeyKind] = &[KeyKind::Server];
    type Subject = String;
    type Jwt = AuthorizationRequestJwt;

    fn wrap(text: String) -> AuthorizationRequestJwt {
        AuthorizationRequestJwt::from_text(text)
    }

    fn generic(&self) -> &Generic {
        &self.generic
    }

    fn generic_mut(&mut self) -> &mut Generic {
        &mut self.generic
    }

    fn tidy(&mut self) {}

    fn settle(&mut self) {}

    fn keys(&self) -> Vec<KeyUse<'_>> {
        let says = match self.user_nkey.as_str() {
            "" => "User nkey is required".to_owned(),
            key => format!("User nkey {} is not a valid user public key", quoted(key)),
        };
        let mut keys = vec![KeyUse::library(&self.user_nkey, KeyKind::User, says)];
        if !self.server.id.is_empty() {
            let says = format!("server_id.id {} is not a server public key", quoted(&self.server.id));
            keys.push(KeyUse::ours(&self.server.id, KeyKind::Server, says));
        }
        if !self.server.xkey.is_empty() {
            let says = format!("server_id.xkey {} is not a valid public xkey", quoted(&self.server.xkey));
            keys.push(KeyUse::curve(&self.server.xkey, validation::Source::Relais, says));
        }
        keys
    }

    fn unsignable(&self) -> Option<String> {
        None
    }

    fn check(_: &Claims<Self>, _: &dyn KeyPairs, _: &mut Issues) {}
}

impl Body for AuthorizationResponse {
    const TYPE: &'static str = "authorization_response";
    const SUBJECT: Option<KeyKind> = Some(KeyKind::User);
    const WRONG_SUBJECT: &'static str = "Subject must be a user public key";
    const ISSUERS: &'static [KeyKind] = &[KeyKind::Account];
    type Subject = PublicKey;
    type Jwt = AuthorizationResponseJwt;

    fn wrap(text: String) -> AuthorizationResponseJwt {
        AuthorizationResponseJwt::from_text(text)
    }

    fn generic(&self) -> &Generic {
        &self.generic
    }

    fn generic_mut(&mut self) -> &mut Generic {
        &mut self.generic
    }

    fn tidy(&mut self) {}

    fn settle(&mut self) {}

    fn keys(&self) -> Vec<KeyUse<'_>> {
        let account = self.issuer_account.iter();
        account.map(|key| KeyUse::library(key.as_str(), KeyKind::Account, ISSUER_ACCOUNT.to_owned())).collect()
    }

    fn unsignable(&self) -> Option<String> {
        None
    }

    fn check(claims: &Claims<Self>, _: &dyn KeyPairs, found: &mut Issues) {
        if !is_public_key(&claims.audience, KeyKind::Server) {
            found.error("Audience must be a server public key".to_owned());
        }
        match (claims.body.error.is_empty(), claims.body.jwt.is_empty()) {
            (true, true) => found.error("Error or Jwt is required".to_owned()),
            (false, false) => found.error("Only Error or Jwt can be set".to_owned()),
            _ => {}
        }
    }
}
