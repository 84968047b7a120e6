//! Encoding and decoding against golden files, and what is refused.

use data_encoding::BASE64URL_NOPAD;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::*;
use crate::{
    credentials::{
        Account, AccountClaims, AccountJwt, Activation, AuthorizationRequest, AuthorizationRequestClaims,
        AuthorizationResponse, AuthorizationResponseClaims, KeyKind, NotVouched, Operator, OperatorClaims, User,
        UserClaims, UserLimits,
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
const ACTIVATION: &str = include_str!("golden/activation.jwt");
const REQUEST: &str = include_str!("golden/authorization_request.jwt");
const RESPONSE: &str = include_str!("golden/authorization_response.jwt");
const REFUSAL: &str = include_str!("golden/authorization_refusal.jwt");
/// What nsc wrote, with fields put in that nobody knows, and signed again.
const LATER: &str = include_str!("golden/later.jwt");

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
fn activations_and_authorizations_too() {
    let activation = same_bytes::<Activation>(ACTIVATION);
    let account = same_bytes::<Account>(ACCOUNT);
    assert_eq!(activation.hash_id().unwrap(), "CCYB4VH6OL4L35SWBNS2JIE6INC5D7DBJ4BZ3KGPJQNRXCU2UP3A====");
    assert!(account.activated(&activation));
    let export = &account.body.exports[2];
    assert!(export.has_revoked(&activation.subject, 5) && !export.has_revoked(&activation.subject, 6));
    let request = same_bytes::<AuthorizationRequest>(REQUEST);
    assert_eq!(request.body.client.id, u64::MAX);
    assert!(!format!("{request:?}").contains("p<w>"), "the password is shown");
    same_bytes::<AuthorizationResponse>(REFUSAL);
    let response = same_bytes::<AuthorizationResponse>(RESPONSE);
    assert_eq!(
        (response.subject.as_str(), &response.audience),
        (request.body.user_nkey.as_str(), &request.body.server.id)
    );
    for unknown in [&activation.body.unknown, &request.body.unknown, &response.body.unknown] {
        assert!(unknown.is_empty(), "every field of this version is known");
    }
}

#[test]
fn claims_of_nsc_are_read_and_written_byte_for_byte() {
    same_bytes::<Operator>(include_str!("golden/nsc/operator.jwt"));
    let account = same_bytes::<Account>(include_str!("golden/nsc/account.jwt"));
    let importer = same_bytes::<Account>(include_str!("golden/nsc/importer.jwt"));
    let user = same_bytes::<User>(include_str!("golden/nsc/user.jwt"));
    let activation = same_bytes::<Activation>(include_str!("golden/nsc/activation.jwt"));
    assert_eq!(account.vouches_for(&user), Ok(()));
    assert!(account.activated(&activation) && !importer.activated(&activation));
    let service = importer.body.imports.iter().find(|import| !import.token.is_empty()).unwrap();
    assert_eq!(service.token, include_str!("golden/nsc/activation.jwt").trim());
}

#[test]
fn fields_that_nobody_knows_survive_in_what_nsc_wrote() {
    let claims = same_bytes::<Account>(LATER);
    assert_eq!(claims.unknown["envelope"], json!(u64::MAX));
    assert_eq!(claims.body.unknown["later"], json!("x<y"));
    assert_eq!(claims.body.limits.unknown["planets"]["moons"], json!([1, 2.5, null]));
    assert_eq!(claims.body.signing_keys.of_role("user").unwrap().unknown["later"], json!(true));
}

#[test]
fn a_number_that_nobody_knows_is_written_so_that_it_reads_the_same() {
    // Beyond 64 bits it is a float, as in Go.
    for number in ["98446744073709551615", "9.844674407370955e19", "0.1", "1e-7", "-2.5e300"] {
        let mut body: Value = serde_json::from_str(&body_of(USER)).unwrap();
        body["later"] = serde_json::from_str(number).unwrap();
        let claims: Claims<User> = serde_json::from_value(body).unwrap();
        let once = serde_json::to_string(&claims).unwrap();
        let again: Claims<User> = serde_json::from_str(&once).unwrap();
        assert_eq!(serde_json::to_string(&again).unwrap(), once, "{number}");
    }
}

#[test]
fn fields_of_a_later_version_survive_in_every_object() {
    fn survive<B: Body>(jwt: &str) {
        let mut body: Value = serde_json::from_str(&body_of(jwt)).unwrap();
        mark(&mut body, 0);
        let claims: Claims<B> = serde_json::from_value(body.clone()).unwrap();
        assert_eq!(serde_json::to_value(&claims).unwrap(), body);
    }
    survive::<Operator>(OPERATOR);
    survive::<Account>(ACCOUNT);
    survive::<User>(USER);
    survive::<Activation>(ACTIVATION);
    survive::<AuthorizationRequest>(REQUEST);
    survive::<AuthorizationResponse>(RESPONSE);
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
    assert!(matches!(encode(&about_a_user, &chain.operator, &chain.keys), Err(ClaimsError::Subject { .. })));
    let request = AuthorizationRequest { user_nkey: chain.user.public.to_string(), ..AuthorizationRequest::default() };
    let request = AuthorizationRequestClaims::new("", "nats".to_owned(), request, now());
    let server = chain.keys.generate(KeyKind::Server);
    assert!(encode(&request, &server, &chain.keys).is_ok());
    assert!(matches!(encode(&request, &chain.account, &chain.keys), Err(ClaimsError::Issuer("authorization_request"))));
    let nobody = AuthorizationRequestClaims { subject: String::new(), ..request };
    assert!(matches!(encode(&nobody, &server, &chain.keys), Err(ClaimsError::Subject { .. })));
    let response = AuthorizationResponse::default();
    let response = AuthorizationResponseClaims::new("", chain.user.public.clone(), response, now());
    assert!(encode(&response, &chain.account, &chain.keys).is_ok());
    assert!(matches!(encode(&response, &server, &chain.keys), Err(ClaimsError::Issuer("authorization_response"))));
    let no_seed = KeyPair { seed: Secret::from("SO"), ..chain.operator.clone() };
    assert!(matches!(encode(&operator, &no_seed, &chain.keys), Err(ClaimsError::Seed(_))));
}

#[test]
fn keys_of_the_wrong_kind_are_signed_nowhere() {
    let chain = chain();
    let (user, account) = (chain.user.public.clone(), chain.account.public.clone());
    let refused = |body: Account| match encode(
        &AccountClaims::new("a", account.clone(), body, now()),
        &chain.operator,
        &chain.keys,
    ) {
        Err(ClaimsError::Refused(why)) => why,
        other => panic!("{other:?}"),
    };
    let with = |change: &dyn Fn(&mut Account)| {
        let mut body = Account::default();
        change(&mut body);
        refused(body)
    };
    let is_no = |key: &PublicKey, kind: &str| format!("\"{key}\" is not a {kind}");
    assert_eq!(
        with(&|body| drop(body.signing_keys.0.insert(user.clone(), None))),
        is_no(&user, "valid account signing key")
    );
    let revoked = with(&|body| body.revocations = [(account.to_string(), 5)].into());
    assert_eq!(revoked, format!("revocation {}", is_no(&account, "user public key")));
    let callout = with(&|body| body.authorization.auth_users = vec![account.to_string()]);
    assert_eq!(callout, format!("AuthUser {}", is_no(&account, "valid user public key")));
    let xkey = with(&|body| body.authorization.xkey = user.to_string());
    assert_eq!(xkey, format!("XKey {}", is_no(&user, "valid public xkey")));
    let import = crate::credentials::Import::service("i", "s", &user);
    assert!(with(&|body| body.imports = vec![import.clone()]).contains("account to import from"));
    let body = User { issuer_account: Some(user.clone()), ..User::default() };
    let claims = UserClaims::new("u", user.clone(), body, now());
    assert!(matches!(encode(&claims, &chain.account, &chain.keys), Err(ClaimsError::Refused(_))));
    for operator in [
        Operator { signing_keys: vec![account.clone()], ..Operator::default() },
        Operator { system_account: Some(user), ..Operator::default() },
        Operator { account_server_url: "no protocol".to_owned(), ..Operator::default() },
    ] {
        let claims = OperatorClaims::new("o", chain.operator.public.clone(), operator, now());
        assert!(matches!(encode(&claims, &chain.operator, &chain.keys), Err(ClaimsError::Refused(_))));
    }
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
        let refused = why(header, &good);
        assert!(
            matches!(refused, ClaimsError::Header | ClaimsError::HeaderType(_) | ClaimsError::Algorithm(_)),
            "{header}: {refused}"
        );
    }
    assert_eq!(why(r#"{"typ":"JWT","alg":"none"}"#, &good).to_string().find("unexpected \"none\" algorithm"), Some(0));
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
    assert!(matches!(why(HEADER, &with(chain.account.public.as_str(), user)), ClaimsError::Subject { .. }));
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
    assert!(matches!(why(&"a".repeat(MAX_TOKEN + 1)), ClaimsError::TooLong(_)));
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
