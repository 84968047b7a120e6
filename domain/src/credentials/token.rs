//! JWTs as text: [`encode`] signs claims, [`decode`] believes only what is signed (`claims.go` and `decoder.go` of
//! jwt/v2).
//!
//! The text is `header.claims.signature`, each base64 (URL alphabet, no padding); the header is
//! `{"typ":"JWT","alg":"ed25519-nkey"}`, and the signature is Ed25519 over `header.claims` by the key named as issuer.
//! Whether that issuer is to be trusted is asked of the one above: [`crate::credentials::OperatorClaims::signed`],
//! [`crate::credentials::AccountClaims::vouches_for`].

use data_encoding::{BASE32_NOPAD, BASE64URL_NOPAD};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha512_256};

use super::{
    claims::{Body, Claims, is_default},
    validation::quoted,
};
use crate::{
    credentials::{About, PublicKey, strict},
    ports::{KeyError, KeyPair, KeyPairs},
};

/// The longest text that is looked at, as in jwt/v2: 1 MiB.
pub const MAX_TOKEN: usize = 1024 * 1024;

const VERSION: i64 = 2;
/// Bytes of an Ed25519 signature.
const SIGNATURE: usize = 64;
const HEADER: &str = r#"{"typ":"JWT","alg":"ed25519-nkey"}"#;

/// Why text is no JWT of the expected kind, or claims cannot become one. Where jwt/v2 has words for it, they begin.
#[derive(Debug, thiserror::Error)]
pub enum ClaimsError {
    /// Longer than [`MAX_TOKEN`].
    #[error("token size {0} exceeds maximum of {MAX_TOKEN} bytes: token too large")]
    TooLong(usize),
    /// Not three parts with two dots.
    #[error("expected 3 chunks: this is no JWT, which has two dots")]
    Parts,
    /// A part is not base64 (URL alphabet, no padding).
    #[error("the {0} of the JWT is not base64")]
    Base64(&'static str),
    /// The header cannot be read.
    #[error("the header of the JWT is no JSON object of texts")]
    Header,
    /// The header names another type.
    #[error("not supported type {0}: the header of a NATS JWT says JWT")]
    HeaderType(String),
    /// The header names another algorithm.
    #[error("unexpected {0} algorithm: the header of a NATS JWT says ed25519-nkey")]
    Algorithm(String),
    /// The claims are no JSON, or not of the form that their kind has.
    #[error("the claims of the JWT cannot be read")]
    Json(#[source] serde_json::Error),
    /// Another kind of claims.
    #[error("not {expected} claim: the JWT is of the kind {found:?}")]
    Type {
        /// What was asked for.
        expected: &'static str,
        /// What it says of itself.
        found: String,
    },
    /// Another version of the format.
    #[error("the JWT is of version {0}, and only version 2 is read; `nsc upgrade-jwt` brings old ones up to date")]
    Version(i64),
    /// The subject is a key of the wrong kind, or nothing.
    #[error("{says}: {subject} is none")]
    Subject {
        /// What it must be.
        says: &'static str,
        /// What it is.
        subject: String,
    },
    /// No issuer, or one that may not sign this kind.
    #[error("unable to validate expected prefixes: such a key must not sign {0} claims")]
    Issuer(&'static str),
    /// A key in the claims is of the wrong kind, or no key; or they break another rule without which nothing is signed.
    #[error("{0}")]
    Refused(String),
    /// The issuer did not sign this text.
    #[error("claim failed V2 signature verification: it was changed, or cut, or signed by another key")]
    Signature,
    /// The seed that should sign is none.
    #[error("the JWT cannot be signed")]
    Seed(#[source] KeyError),
}

/// The envelope over which `jti` is computed, without `jti`, in the order of jwt/v2.
#[derive(Serialize)]
struct Envelope<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    aud: &'a str,
    #[serde(skip_serializing_if = "is_default")]
    exp: i64,
    #[serde(skip_serializing_if = "is_default")]
    iat: i64,
    iss: &'a PublicKey,
    #[serde(skip_serializing_if = "str::is_empty")]
    name: &'a str,
    #[serde(skip_serializing_if = "is_default")]
    nbf: i64,
    sub: &'a str,
}

/// What stands in front of the claims.
#[derive(Deserialize)]
struct Header {
    #[serde(default)]
    typ: String,
    #[serde(default)]
    alg: String,
}

/// What is read first: the kind and version. A top-level `type` is version 1.
#[derive(Deserialize)]
struct Kind {
    #[serde(rename = "type", default)]
    old: String,
    #[serde(default)]
    nats: KindOfBody,
}

#[derive(Deserialize, Default)]
struct KindOfBody {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    version: i64,
}

/// Signs claims with `issuer`'s seed. Issuer, `jti`, kind and version are written here, whatever stood there.
///
/// The pair must be one that [`KeyPairs`] made or read: its two halves are taken to belong together.
///
/// # Errors
/// [`ClaimsError::Subject`], [`ClaimsError::Issuer`] and [`ClaimsError::Refused`] for keys of the wrong kind,
/// [`ClaimsError::Seed`] for text that is no seed, [`ClaimsError::TooLong`] for what nobody would read.
pub fn encode<B: Body>(claims: &Claims<B>, issuer: &KeyPair, keys: &dyn KeyPairs) -> Result<B::Jwt, ClaimsError> {
    let text = unsigned(claims, &issuer.public)?;
    let signature = keys.sign(&issuer.seed, text.as_bytes()).map_err(ClaimsError::Seed)?;
    let text = format!("{text}.{}", BASE64URL_NOPAD.encode(&signature));
    if text.len() > MAX_TOKEN { Err(ClaimsError::TooLong(text.len())) } else { Ok(B::wrap(text)) }
}

/// How many bytes the JWT of these claims has when `issuer` has signed it.
///
/// # Errors
/// As [`encode`], but for seeds and [`ClaimsError::TooLong`].
pub(super) fn signed_length<B: Body>(claims: &Claims<B>, issuer: &PublicKey) -> Result<usize, ClaimsError> {
    Ok(unsigned(claims, issuer)?.len() + 1 + BASE64URL_NOPAD.encode_len(SIGNATURE))
}

/// Header and claims, as they are signed.
fn unsigned<B: Body>(claims: &Claims<B>, issuer: &PublicKey) -> Result<String, ClaimsError> {
    let mut claims = claims.clone();
    check_subject::<B>(&claims.subject)?;
    check_issuer::<B>(issuer)?;
    let wrong = claims.body.keys().into_iter().find_map(|key| key.wrong().map(|issue| issue.text));
    if let Some(why) = wrong.or_else(|| claims.body.unsignable()) {
        return Err(ClaimsError::Refused(why));
    }
    claims.body.tidy();
    B::TYPE.clone_into(&mut claims.body.generic_mut().kind);
    claims.body.generic_mut().version = VERSION;
    claims.id = jti(&claims, issuer)?;
    claims.issuer = Some(issuer.clone());
    Ok([HEADER.as_bytes(), json(&claims)?.as_bytes()].map(|part| BASE64URL_NOPAD.encode(part)).join("."))
}

/// Reads a JWT of the kind `B` and verifies that the issuer it names signed it.
///
/// It does not look at the time, and not at whether the issuer is trusted. It is stricter than jwt/v2, which also reads
/// version 1 and its algorithm, does not look at the kind of the subject, and takes JSON that two readers read
/// differently (see `strict.rs`).
///
/// # Errors
/// Says what is wrong with it; see [`ClaimsError`].
pub fn decode<B: Body>(text: &str, keys: &dyn KeyPairs) -> Result<Claims<B>, ClaimsError> {
    if text.len() > MAX_TOKEN {
        return Err(ClaimsError::TooLong(text.len()));
    }
    let (signed, signature) = text.rsplit_once('.').ok_or(ClaimsError::Parts)?;
    let (header, claims) = signed.split_once('.').ok_or(ClaimsError::Parts)?;
    if claims.contains('.') {
        return Err(ClaimsError::Parts);
    }
    let part = |text: &str, name| BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| ClaimsError::Base64(name));
    check_header(&part(header, "header")?)?;
    let (json, signature) = (part(claims, "body")?, part(signature, "signature")?);
    let json = strict::read(&json).map_err(ClaimsError::Json)?;
    let kind = Kind::deserialize(&json).map_err(ClaimsError::Json)?;
    let version = if kind.old.is_empty() { kind.nats.version } else { 1 };
    if version != VERSION {
        return Err(ClaimsError::Version(version));
    }
    if kind.nats.kind != B::TYPE {
        let found = kind.nats.kind.chars().take(40).collect();
        return Err(ClaimsError::Type { expected: B::TYPE, found });
    }
    let mut claims: Claims<B> = serde_json::from_value(json).map_err(ClaimsError::Json)?;
    let issuer = claims.issuer.as_ref().ok_or(ClaimsError::Issuer(B::TYPE))?;
    check_subject::<B>(&claims.subject)?;
    check_issuer::<B>(issuer)?;
    if !keys.verify(issuer, signed.as_bytes(), &signature) {
        return Err(ClaimsError::Signature);
    }
    claims.body.settle();
    Ok(claims)
}

/// `Header.Valid` of jwt/v2, without the algorithm of version 1.
fn check_header(json: &[u8]) -> Result<(), ClaimsError> {
    let header = strict::read(json).ok().filter(serde_json::Value::is_object).ok_or(ClaimsError::Header)?;
    let header: Header = serde_json::from_value(header).map_err(|_| ClaimsError::Header)?;
    let short = |text: &str| quoted(&text.chars().take(40).collect::<String>());
    if !header.typ.eq_ignore_ascii_case("JWT") {
        return Err(ClaimsError::HeaderType(short(&header.typ)));
    }
    if !header.alg.eq_ignore_ascii_case("ed25519-nkey") {
        return Err(ClaimsError::Algorithm(short(&header.alg)));
    }
    Ok(())
}

fn check_subject<B: Body>(subject: &B::Subject) -> Result<(), ClaimsError> {
    let text = subject.to_string();
    if subject.kind() != B::SUBJECT || text.is_empty() {
        return Err(ClaimsError::Subject { says: B::WRONG_SUBJECT, subject: quoted(&text) });
    }
    Ok(())
}

fn check_issuer<B: Body>(issuer: &PublicKey) -> Result<(), ClaimsError> {
    if B::ISSUERS.contains(&issuer.kind()) { Ok(()) } else { Err(ClaimsError::Issuer(B::TYPE)) }
}

fn jti<B: Body>(claims: &Claims<B>, issuer: &PublicKey) -> Result<String, ClaimsError> {
    let subject = claims.subject.to_string();
    let envelope = Envelope {
        aud: &claims.audience,
        exp: claims.expires_at,
        iat: claims.issued_at,
        iss: issuer,
        name: &claims.name,
        nbf: claims.not_before,
        sub: &subject,
    };
    Ok(BASE32_NOPAD.encode(&Sha512_256::digest(json(&envelope)?.as_bytes())))
}

/// JSON as Go's encoder writes it: these five characters, which stand in texts only, are escaped.
fn json<T: Serialize>(value: &T) -> Result<String, ClaimsError> {
    let text = serde_json::to_string(value).map_err(ClaimsError::Json)?;
    let mut go = String::with_capacity(text.len() + text.len() / 8);
    for char in text.chars() {
        match char {
            '<' => go.push_str("\\u003c"),
            '>' => go.push_str("\\u003e"),
            '&' => go.push_str("\\u0026"),
            '\u{2028}' => go.push_str("\\u2028"),
            '\u{2029}' => go.push_str("\\u2029"),
            other => go.push(other),
        }
    }
    Ok(go)
}

#[cfg(test)]
#[path = "token_tests.rs"]
mod tests;
