//! The contract of a token issuer, and hostile tokens.

use std::sync::LazyLock;

use ed25519_dalek::Signer as _;
use jiff::SignedDuration;
use relais_domain::{memory, ports::TokenIssuer as _, testing};
use serde_json::{Value, json};

use super::*;

const KEY: [u8; 32] = [7; 32];
/// The period of the tokens here, and when it begins.
const THEN: i64 = 1_767_225_600 / PERIOD;
const BEGIN: i64 = THEN * PERIOD;

/// The key of the tokens here.
fn signing() -> SigningKey {
    let seed =
        Sha256::new().chain_update("relais access token key 1").chain_update(KEY).chain_update(THEN.to_be_bytes());
    SigningKey::from_bytes(&seed.finalize().into())
}

fn issuer(key: &[u8; 32], name: &str, audience: &str) -> TokenIssuer {
    TokenIssuer::new(key, name, audience, Arc::new(memory::Rng::default())).unwrap()
}

fn ours() -> TokenIssuer {
    issuer(&KEY, "https://api.example.org", "relais")
}

#[test]
fn keeps_the_contract() {
    testing::token_issuer::suite(&ours(), &issuer(&[8; 32], "https://api.example.org", "relais"));
}

#[test]
fn a_token_for_another_audience_or_of_another_issuer_is_refused_for_all_that_the_key_is_ours() {
    testing::token_issuer::suite(&ours(), &issuer(&KEY, "https://api.example.org", "another"));
    testing::token_issuer::suite(&ours(), &issuer(&KEY, "https://evil.example.org", "relais"));
}

/// RFC 8037, appendix A.3.
#[test]
fn a_thumbprint_is_that_of_the_rfc() {
    let public = BASE64URL_NOPAD.decode(b"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").unwrap();
    assert_eq!(thumbprint(&public.try_into().unwrap()), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
}

fn header() -> Value {
    json!({"typ": "at+jwt", "alg": "EdDSA", "kid": OURS.key(THEN).header.kid})
}

fn claims() -> Value {
    json!({
        "iss": "https://api.example.org", "aud": "relais", "sub": "ada", "device": "ada-001", "jti": "x",
        "iat": 1_767_225_600, "exp": 1_767_226_500,
    })
}

/// Anything at all, truly signed by our key.
fn signed(header: &Value, claims: &str) -> String {
    let part = |text: &str| BASE64URL_NOPAD.encode(text.as_bytes());
    let message = format!("{}.{}", part(&header.to_string()), part(claims));
    let signature = signing().sign(message.as_bytes());
    format!("{message}.{}", BASE64URL_NOPAD.encode(&signature.to_bytes()))
}

/// Made once: a debug build takes its time for a key.
static OURS: LazyLock<TokenIssuer> = LazyLock::new(ours);

fn verify(token: &str) -> Result<Access, TokenError> {
    OURS.verify(token, Timestamp::from_second(1_767_225_601).unwrap())
}

#[test]
fn what_the_others_tests_change_is_right_as_it_is() {
    assert!(verify(&signed(&header(), &claims().to_string())).is_ok());
}

#[test]
fn our_key_under_another_header_is_not_believed() {
    let cases = [
        ("typ", json!("JWT")),
        ("typ", json!("AT+JWT")),
        ("typ", Value::Null),
        ("alg", json!("none")),
        ("alg", json!("HS256")),
        ("alg", json!("ES256")),
        ("alg", json!("eddsa")),
        ("alg", json!("Ed25519")),
        ("alg", json!(["EdDSA"])),
        ("alg", Value::Null),
        ("kid", json!("another")),
        ("kid", json!("../../key")),
        ("kid", Value::Null),
        ("crit", json!(["exp"])),
        ("jku", json!("https://evil.example.org/keys")),
        ("jwk", json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})),
        ("x5u", json!("https://evil.example.org/x")),
        ("zip", json!("DEF")),
        ("cty", json!("JWT")),
        ("b64", json!(false)),
        ("unknown", json!(1)),
    ];
    for (key, value) in cases {
        let mut changed = header();
        match value {
            Value::Null => drop(changed.as_object_mut().unwrap().remove(key)),
            value => changed[key] = value,
        }
        let token = signed(&changed, &claims().to_string());
        assert_eq!(verify(&token), Err(TokenError::Invalid), "{changed}");
    }
}

#[test]
fn our_key_over_other_claims_is_not_believed() {
    for key in ["iss", "aud", "sub", "device", "jti", "iat", "exp"] {
        let mut missing = claims();
        missing.as_object_mut().unwrap().remove(key);
        assert_eq!(verify(&signed(&header(), &missing.to_string())), Err(TokenError::Invalid), "without {key}");
        for odd in [Value::Null, json!([]), json!({}), json!(true), json!(""), json!(1.5), json!(-1e300)] {
            let mut changed = claims();
            changed[key] = odd;
            if key == "jti" && changed[key].is_string() {
                continue;
            }
            assert_eq!(verify(&signed(&header(), &changed.to_string())), Err(TokenError::Invalid), "{changed}");
        }
    }
    let cases = [
        ("iss", json!(["https://api.example.org"])),
        ("iss", json!("https://api.example.org/")),
        ("aud", json!(["relais", "another"])),
        ("aud", json!("relais ")),
        ("sub", json!("*")),
        ("sub", json!("svc-relais")),
        ("sub", json!("a.b")),
        ("device", json!(">")),
        ("exp", json!("1767226500")),
        ("exp", json!(1_767_226_500.0)),
        ("exp", json!(i64::MAX)),
        ("exp", json!(1_767_225_599)),
        // Signed by the key of another period, and longer than a token holds.
        ("iat", json!(BEGIN - 1)),
        ("exp", json!(1_767_225_600 + LIFE_MAX + 1)),
        ("iat", json!("1767225600")),
        ("iat", json!(1_767_225_700)),
        ("iat", json!(i64::MIN)),
        ("nbf", json!(1)),
        ("role", json!("admin")),
    ];
    for (key, value) in cases {
        let mut changed = claims();
        changed[key] = value;
        assert_eq!(verify(&signed(&header(), &changed.to_string())), Err(TokenError::Invalid), "{changed}");
    }
    let twice = claims().to_string().replacen('{', r#"{"sub":"eve","#, 1);
    assert_eq!(verify(&signed(&header(), &twice)), Err(TokenError::Invalid), "a claim that stands twice");
    for odd in ["", "null", "[]", "\"\"", "{", "{}", "\u{0}"] {
        assert_eq!(verify(&signed(&header(), odd)), Err(TokenError::Invalid), "{odd:?}");
    }
}

#[test]
fn the_public_key_is_no_secret_to_sign_with() {
    // The classic confusion: HMAC with the public key as its key.
    let public = signing().verifying_key();
    let part = |text: String| BASE64URL_NOPAD.encode(text.as_bytes());
    let mut confused = header();
    confused["alg"] = json!("HS256");
    let message = format!("{}.{}", part(confused.to_string()), part(claims().to_string()));
    let block = |pad: u8| (0..64).map(|at| public.as_bytes().get(at).copied().unwrap_or(0) ^ pad).collect::<Vec<u8>>();
    let inner = Sha256::new().chain_update(block(0x36)).chain_update(&message).finalize();
    let mac = Sha256::new().chain_update(block(0x5c)).chain_update(inner).finalize();
    let token = format!("{message}.{}", BASE64URL_NOPAD.encode(&mac));
    assert_eq!(verify(&token), Err(TokenError::Invalid));
    assert_eq!(verify(&format!("{message}.")), Err(TokenError::Invalid), "nor is nothing");
}

#[test]
fn clocks_may_differ_by_the_leeway_and_no_more() {
    let access = verify(&signed(&header(), &claims().to_string())).unwrap();
    let tokens = ours();
    let token = tokens.issue(&access);
    let at = |time: Timestamp, by: i64| tokens.verify(token.expose(), time + SignedDuration::from_secs(by));
    assert!(at(access.issued_at, -LEEWAY).is_ok());
    assert_eq!(at(access.issued_at, -LEEWAY - 1), Err(TokenError::Invalid));
    assert!(at(access.expires_at, LEEWAY - 1).is_ok());
    assert_eq!(at(access.expires_at, LEEWAY), Err(TokenError::Expired));
    assert_ne!(token.expose(), tokens.issue(&access).expose(), "each token has an id of its own");
}

#[test]
fn a_key_signs_in_its_period_and_is_believed_as_long_as_its_tokens_hold() {
    let tokens = ours();
    let second = |second| Timestamp::from_second(second).unwrap();
    let issued = |at: i64| {
        let (issued_at, expires_at) = (second(at), second(at + 900));
        let access = Access { user: "ada".parse().unwrap(), device: "ada-001".parse().unwrap(), issued_at, expires_at };
        tokens.issue(&access)
    };
    let kid = |token: &Secret| jsonwebtoken::decode_header(token.expose()).unwrap().kid.unwrap();
    let (last, first) = (issued(BEGIN + PERIOD - 1), issued(BEGIN + PERIOD));
    assert_eq!(kid(&last), kid(&issued(BEGIN)));
    assert_ne!(kid(&last), kid(&first), "another key");
    assert!(tokens.verify(last.expose(), second(BEGIN + PERIOD + 800)).is_ok(), "its tokens hold to their end");
    assert!(tokens.verify(first.expose(), second(BEGIN + PERIOD - LEEWAY)).is_ok(), "a clock is behind");
    assert_eq!(tokens.verify(first.expose(), second(BEGIN + 3 * PERIOD)), Err(TokenError::Invalid), "long gone");

    let published = |at| -> Vec<String> {
        let set: Value = serde_json::from_str(&tokens.jwks(second(at))).unwrap();
        let keys = set["keys"].as_array().unwrap();
        for key in keys {
            let mut names: Vec<_> = key.as_object().unwrap().keys().map(String::as_str).collect();
            names.sort_unstable();
            assert_eq!(names, ["alg", "crv", "kid", "kty", "use", "x"], "nothing secret is among them");
        }
        keys.iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
    };
    assert!(published(BEGIN + PERIOD / 2).contains(&kid(&first)), "before it signs");
    assert!(published(BEGIN + PERIOD + 800).contains(&kid(&last)), "as long as its tokens hold");
    assert!(!published(BEGIN + PERIOD + LIFE_MAX + LEEWAY).contains(&kid(&last)), "and no longer");
    assert_eq!(published(BEGIN + PERIOD / 2), {
        let other = issuer(&KEY, "another", "another");
        let set: Value = serde_json::from_str(&other.jwks(second(BEGIN + PERIOD / 2))).unwrap();
        set["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    });
}

/// What others do with the set: a signature of ours is right by the key of that id.
#[test]
fn a_token_is_verified_with_the_published_key() {
    let token = signed(&header(), &claims().to_string());
    let set: Value = serde_json::from_str(&OURS.jwks(Timestamp::from_second(1_767_225_600).unwrap())).unwrap();
    let named = set["keys"].as_array().unwrap().iter().find(|key| key["kid"] == header()["kid"]).unwrap();
    let bytes = BASE64URL_NOPAD.decode(named["x"].as_str().unwrap().as_bytes()).unwrap();
    let key = ed25519_dalek::VerifyingKey::from_bytes(&bytes.try_into().unwrap()).unwrap();
    let (message, signature) = token.rsplit_once('.').unwrap();
    let signature = BASE64URL_NOPAD.decode(signature.as_bytes()).unwrap();
    let signature = ed25519_dalek::Signature::from_slice(&signature).unwrap();
    assert!(key.verify_strict(message.as_bytes(), &signature).is_ok());
}
