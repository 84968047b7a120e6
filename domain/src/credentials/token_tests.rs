//! Encoding and decoding against golden files, and what is refused.

use data_encoding::BASE64URL_NOPAD;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::*;
use crate::{
    credentials::{
        Account, AccountClaims, AccountJwt, NotVouched, Operator, OperatorClaims, User, UserClaims, UserLimits,
    },
    memory,
    ports::KeyPair,
    secret::Secret,
};

const OPERATOR: &str = include_str!("golden/operator.jwt");
const ACCOUNT: &str = include_str!("golden/account.jwt");
const TIERS: &str = include_str!("golden/account_tiers.jwt");
const USER: &str = include_str!("golden/user.jwt");
const SCOPED: &str = include_str!("golden/scoped_user.jwt");

fn body_of(jwt: &str) -> String {
    String::from_utf8(BASE64URL_NOPAD.decode(jwt.trim().split('.').nth(1).unwrap().as_bytes()).unwrap()).unwrap()
}

fn now() -> Timestamp {
    Timestamp::from_second(1_767_225_600).unwrap()
}

/// What jwt/v2 wrote, read and written again.
fn same_bytes<B: Body>(jwt: &str) -> Claims<B> {
    let claims: Claims<B> = serde_json::from_str(&body_of(jwt)).unwrap();
    assert_eq!(json(&claims).unwrap(), body_of(jwt));
    assert_eq!(jti(&claims, claims.issuer.as_ref().unwrap()).unwrap(), claims.id);
    claims
}

#[test]
fn claims_of_the_go_library_are_read_and_written_byte_for_byte() {
    same_bytes::<Operator>(OPERATOR);
    let account = same_bytes::<Account>(ACCOUNT);
    let tiers = same_bytes::<Account>(TIERS);
    assert_eq!(tiers.body.limits.tiered_limits["R3"].known.disk_storage, 9);
    let user = same_bytes::<User>(USER);
    let scoped = same_bytes::<User>(SCOPED);
    for claims in [account.unknown.len(), account.body.unknown.len(), user.unknown.len(), user.body.unknown.len()] {
        assert_eq!(claims, 0, "every field of this version is known");
    }
    assert_eq!(scoped.body.limits, UserLimits::default());
    assert_eq!(account.vouches_for(&scoped), Err(NotVouched::Revoked));
}

#[test]
fn fields_of_a_later_version_survive_in_every_object() {
    let mut body: Value = serde_json::from_str(&body_of(ACCOUNT)).unwrap();
    mark(&mut body, 0);
    let claims: AccountClaims = serde_json::from_value(body.clone()).unwrap();
    assert_eq!(serde_json::to_value(&claims).unwrap(), body);
    let mut body: Value = serde_json::from_str(&body_of(USER)).unwrap();
    mark(&mut body, 0);
    let claims: UserClaims = serde_json::from_value(body.clone()).unwrap();
    assert_eq!(serde_json::to_value(&claims).unwrap(), body);
}

/// Puts a field that nobody knows into every object, except those that are maps from names.
fn mark(value: &mut Value, depth: u64) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields.iter_mut() {
                match (name.as_str(), field) {
                    ("revocations", _) => {}
                    ("mappings" | "tiered_limits", Value::Object(map)) => {
                        map.values_mut().for_each(|value| mark(value, depth + 1));
                    }
                    (_, field) => mark(field, depth + 1),
                }
            }
            fields.insert("later".to_owned(), json!({ "depth": depth, "null": null }));
        }
        Value::Array(values) => values.iter_mut().for_each(|value| mark(value, depth + 1)),
        _ => {}
    }
}

struct Chain {
    keys: memory::KeyPairs,
    operator: KeyPair,
    account: KeyPair,
    user: KeyPair,
}

fn chain() -> Chain {
    let keys = memory::KeyPairs::default();
    let [operator, account, user] =
        [KeyKind::Operator, KeyKind::Account, KeyKind::User].map(|kind| keys.generate(kind));
    Chain { keys, operator, account, user }
}

impl Chain {
    fn account_claims(&self) -> AccountClaims {
        AccountClaims::new("A", self.account.public.clone(), Account::default(), now())
    }

    fn account_jwt(&self) -> AccountJwt {
        encode(&self.account_claims(), &self.operator, &self.keys).unwrap()
    }

    /// A JWT with these claims, well signed, whatever they say.
    fn signed(&self, header: &str, claims: &str) -> String {
        let text = [header, claims].map(|part| BASE64URL_NOPAD.encode(part.as_bytes())).join(".");
        let signature = self.keys.sign(&self.operator.seed, text.as_bytes()).unwrap();
        format!("{text}.{}", BASE64URL_NOPAD.encode(&signature))
    }
}

#[test]
fn what_is_encoded_is_decoded() {
    let chain = chain();
    let claims = decode::<Account>(chain.account_jwt().as_str(), &chain.keys).unwrap();
    assert_eq!(claims.issuer.as_ref(), Some(&chain.operator.public));
    assert_eq!((claims.body.generic.kind.as_str(), claims.body.generic.version), ("account", 2));
    assert_eq!(claims.id.len(), 52);
    assert_eq!(claims.issued_at, now().as_second());
}

#[test]
fn keys_of_the_wrong_kind_sign_nothing() {
    let chain = chain();
    let by = |pair: &KeyPair| encode(&chain.account_claims(), pair, &chain.keys);
    assert!(matches!(by(&chain.user), Err(ClaimsError::Issuer("account"))));
    let user = UserClaims::new("u", chain.user.public.clone(), User::default(), now());
    assert!(matches!(encode(&user, &chain.operator, &chain.keys), Err(ClaimsError::Issuer("user"))));
    let operator = OperatorClaims::new("o", chain.operator.public.clone(), Operator::default(), now());
    assert!(matches!(encode(&operator, &chain.account, &chain.keys), Err(ClaimsError::Issuer("operator"))));
    let about_a_user = AccountClaims::new("a", chain.user.public.clone(), Account::default(), now());
    assert!(matches!(encode(&about_a_user, &chain.operator, &chain.keys), Err(ClaimsError::Subject(_, "account"))));
    let no_seed = KeyPair { seed: Secret::from("SO"), ..chain.operator.clone() };
    assert!(matches!(encode(&operator, &no_seed, &chain.keys), Err(ClaimsError::Seed(_))));
}

#[test]
fn any_changed_character_is_refused() {
    let chain = chain();
    let jwt = chain.account_jwt();
    for at in 0..jwt.as_str().len() {
        let mut bytes = jwt.as_str().as_bytes().to_vec();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let text = String::from_utf8(bytes).unwrap();
        assert!(decode::<Account>(&text, &chain.keys).is_err(), "changed at {at}");
        assert!(decode::<Account>(&text[..at], &chain.keys).is_err(), "cut at {at}");
    }
}

#[test]
fn headers_versions_and_kinds_are_checked_behind_a_good_signature() {
    let chain = chain();
    let good = body_of(chain.account_jwt().as_str());
    let why = |header: &str, claims: &str| decode::<Account>(&chain.signed(header, claims), &chain.keys).unwrap_err();
    assert!(decode::<Account>(&chain.signed(HEADER, &good), &chain.keys).is_ok());
    for header in [
        r#"{"typ":"JWT","alg":"none"}"#,
        r#"{"typ":"JWT","alg":"HS256"}"#,
        r#"{"typ":"JWT","alg":"ed25519"}"#,
        r#"{"typ":"JOSE","alg":"ed25519-nkey"}"#,
        r#"{"alg":"ed25519-nkey"}"#,
        "",
        "[]",
        r#"["JWT","ed25519-nkey"]"#,
    ] {
        assert!(matches!(why(header, &good), ClaimsError::Header), "{header}");
    }
    let with = |from: &str, to: &str| {
        assert!(good.contains(from));
        good.replace(from, to)
    };
    assert!(matches!(why(HEADER, &with(r#""version":2"#, r#""version":3"#)), ClaimsError::Version(3)));
    assert!(matches!(why(HEADER, &with(r#","version":2"#, "")), ClaimsError::Version(0)));
    assert!(matches!(why(HEADER, &format!(r#"{{"type":"account",{}"#, &good[1..])), ClaimsError::Version(1)));
    assert!(matches!(why(HEADER, &with(r#""type":"account""#, r#""type":"user""#)), ClaimsError::Type { .. }));
    let user = chain.user.public.as_str();
    assert!(matches!(why(HEADER, &with(chain.operator.public.as_str(), user)), ClaimsError::Issuer(_)));
    assert!(matches!(why(HEADER, &with(chain.account.public.as_str(), user)), ClaimsError::Subject(..)));
    let other = chain.account.public.as_str();
    assert!(matches!(why(HEADER, &with(chain.operator.public.as_str(), other)), ClaimsError::Signature));
    for odd in ["{", "null", r#"{"nats":1}"#] {
        assert!(matches!(why(HEADER, odd), ClaimsError::Json(_)), "{odd}");
    }
    let odd_key = with(&format!(r#""sub":"{other}""#), r#""sub":"AAAA""#);
    assert!(matches!(why(HEADER, &odd_key), ClaimsError::Json(_)));
}

#[test]
fn text_that_is_no_jwt_says_so() {
    let keys = memory::KeyPairs::default();
    let why = |text: &str| decode::<User>(text, &keys).unwrap_err();
    for text in ["", "a", "a.b", "a.b.c.d", "é.é"] {
        assert!(matches!(why(text), ClaimsError::Parts), "{text}");
    }
    assert!(matches!(why("*.b.c"), ClaimsError::Base64("header")));
    assert!(matches!(why(&"a".repeat(MAX_TOKEN + 1)), ClaimsError::TooLong));
    let (header, deep) =
        (BASE64URL_NOPAD.encode(HEADER.as_bytes()), BASE64URL_NOPAD.encode("[".repeat(9999).as_bytes()));
    assert!(matches!(why(&format!("{header}.{deep}.AA")), ClaimsError::Json(_)));
}

#[test]
fn exports_and_imports_are_written_in_order_of_their_subjects() {
    let chain = chain();
    let mut claims = chain.account_claims();
    let subjects = ["c", "a", "b"];
    let answers = crate::credentials::ResponseKind::Singleton;
    claims.body.exports = subjects.map(|s| crate::credentials::Export::service(s, s, answers)).to_vec();
    claims.body.imports = subjects.map(|s| crate::credentials::Import::service(s, s, &chain.account.public)).to_vec();
    let read = decode::<Account>(encode(&claims, &chain.operator, &chain.keys).unwrap().as_str(), &chain.keys);
    let read = read.unwrap().body;
    assert_eq!(read.exports.iter().map(|e| e.subject.as_str()).collect::<Vec<_>>(), ["a", "b", "c"]);
    assert_eq!(read.imports.iter().map(|e| e.subject.as_str()).collect::<Vec<_>>(), ["a", "b", "c"]);
}
