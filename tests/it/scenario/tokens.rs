//! Access tokens that are none: more than two hundred, each wrong in one thing and well signed where that is not the thing. All are
//! refused, and none as anything else than a wrong token.

use std::{collections::HashSet, fs};

use data_encoding::{BASE64, BASE64URL_NOPAD};
use relais_adapters::{jwt::testing::Forge, system};
use relais_domain::ports::Clock as _;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Caller, Up, World};

/// Named tokens.
type Corpus = Vec<(String, String)>;

/// What a right token is made of.
struct Right {
    forge: Forge,
    now: i64,
    header: Value,
    claims: Value,
}

fn secret(up: &Up) -> [u8; 32] {
    let text = fs::read_to_string(format!("{}/access.key", up.text("data"))).unwrap();
    data_encoding::HEXLOWER.decode(text.trim().as_bytes()).unwrap().try_into().unwrap()
}

impl Right {
    fn of(ada: &Caller<'_>) -> Self {
        let now = system::Clock.now().as_second();
        let forge = Forge::new(&secret(ada.up), now);
        let part = |at: usize| -> Value {
            let part = ada.token.split('.').nth(at).unwrap();
            serde_json::from_slice(&BASE64URL_NOPAD.decode(part.as_bytes()).unwrap()).unwrap()
        };
        Self { forge, now, header: part(0), claims: part(1) }
    }

    fn token(&self) -> String {
        self.forge.sign(&self.header.to_string(), &self.claims.to_string())
    }

    /// With another header.
    fn headed(&self, change: impl FnOnce(&mut Value)) -> String {
        let mut header = self.header.clone();
        change(&mut header);
        self.forge.sign(&header.to_string(), &self.claims.to_string())
    }

    /// With other claims.
    fn claiming(&self, change: impl FnOnce(&mut Value)) -> String {
        let mut claims = self.claims.clone();
        change(&mut claims);
        self.forge.sign(&self.header.to_string(), &claims.to_string())
    }
}

/// Values of every kind, none of which is right anywhere.
fn odd() -> Vec<Value> {
    let texts = ["", " ", "null", "*", ">", "../x", "%00", "none"].map(Value::from);
    let others = [
        json!(null),
        json!(true),
        json!(0),
        json!(-1),
        json!(1.5),
        json!([]),
        json!(["x"]),
        json!({}),
        json!({"x": 1}),
    ];
    texts.into_iter().chain(others).collect()
}

fn headers(right: &Right, all: &mut Corpus) {
    for (name, value) in
        ["alg", "typ", "kid"].into_iter().flat_map(|name| odd().into_iter().map(move |value| (name, value)))
    {
        all.push((format!("header {name} {value}"), right.headed(|header| header[name] = value)));
    }
    for name in ["alg", "typ", "kid"] {
        let without = |header: &mut Value| _ = header.as_object_mut().unwrap().remove(name);
        all.push((format!("header without {name}"), right.headed(without)));
    }
    let algorithms = [
        "None", "NONE", "nOnE", "HS256", "HS384", "HS512", "RS256", "RS512", "PS256", "ES256", "ES384", "eddsa",
        "Ed25519", "EdDSA ",
    ];
    for alg in algorithms {
        all.push((format!("header alg {alg}"), right.headed(|header| header["alg"] = json!(alg))));
    }
    for typ in ["JWT", "jwt", "AT+JWT", "at+jwt ", "application/at+jwt", "dpop+jwt"] {
        all.push((format!("header typ {typ}"), right.headed(|header| header["typ"] = json!(typ))));
    }
    let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": BASE64URL_NOPAD.encode(&right.forge.public())});
    for (name, value) in [
        ("jwk", jwk),
        ("jku", json!("http://127.0.0.1:1/jwks.json")),
        ("x5u", json!("http://127.0.0.1:1/x")),
        ("x5c", json!(["AA=="])),
        ("x5t", json!("AA")),
        ("crit", json!(["exp"])),
        ("b64", json!(false)),
        ("zip", json!("DEF")),
        ("cty", json!("JWT")),
        ("unknown", json!(1)),
        ("jwk", Value::Null),
        ("jku", Value::Null),
        ("crit", Value::Null),
        ("x5c", Value::Null),
        ("cty", Value::Null),
    ] {
        all.push((format!("header with {name} {value}"), right.headed(|header| header[name] = value)));
    }
    for alg in [json!({"EdDSA": null}), json!({"EdDSA": {}}), json!(["EdDSA"])] {
        all.push((format!("header alg as {alg}"), right.headed(|header| header["alg"] = alg)));
    }
    let hs = json!({"alg": "HS256", "typ": "at+jwt", "kid": right.forge.kid()}).to_string();
    all.push((
        "signed with the public key".to_owned(),
        right.forge.sign_with_public_key(&hs, &right.claims.to_string()),
    ));
    let double = right.header.to_string().replacen('{', r#"{"alg":"none","#, 1);
    all.push(("header alg twice".to_owned(), right.forge.sign(&double, &right.claims.to_string())));
    for header in ["", "{}", "null", "[]", "x", "{\"alg\":\"EdDSA\""] {
        all.push((format!("header {header:?}"), right.forge.sign(header, &right.claims.to_string())));
    }
}

fn claims(right: &Right, all: &mut Corpus) {
    let names = ["iss", "aud", "sub", "device", "jti", "iat", "exp"];
    for name in names {
        let without = |claims: &mut Value| _ = claims.as_object_mut().unwrap().remove(name);
        all.push((format!("without {name}"), right.claiming(without)));
        let text = right.claims[name].to_string();
        all.push((format!("{name} as another kind"), right.claiming(|claims| claims[name] = json!([text]))));
    }
    // An id of a token is any text.
    for (name, value) in ["iss", "aud", "sub", "device", "iat", "exp"]
        .into_iter()
        .flat_map(|name| odd().into_iter().map(move |value| (name, value)))
    {
        if name == "iat" && value == json!(0) {
            continue; // Held against the life of a token: below.
        }
        all.push((format!("{name} {value}"), right.claiming(|claims| claims[name] = value)));
    }
    let now = right.now;
    for (name, iat, exp) in [
        ("expired", now - 900, now - 60),
        ("expired a leeway ago", now - 900, now - 7),
        ("not yet valid", now + 60, now + 900),
        ("of the year 1970", 0, 900),
        ("that holds a day", now, now + 86_400),
        ("that holds for ever", now, i64::MAX),
        ("that ends before it begins", now, now - 1),
        ("from before time", i64::MIN, now + 900),
    ] {
        let times = |claims: &mut Value| (claims["iat"], claims["exp"]) = (json!(iat), json!(exp));
        all.push((format!("one {name}"), right.claiming(times)));
    }
    for (name, value) in [
        ("exp", json!((now + 600).to_string())),
        ("exp", json!(now as f64 + 600.5)),
        ("exp", json!(1e300)),
        ("iat", json!((now).to_string())),
        ("iss", json!("relais ")),
        ("iss", json!("https://relais")),
        ("aud", json!(["relais-api"])),
        ("aud", json!("relais")),
        ("aud", json!("relais-api,other")),
        ("sub", json!("nobody")),
        ("sub", json!(right.claims["sub"].as_str().unwrap().to_uppercase())),
        ("sub", json!(format!("{}.x", right.claims["sub"].as_str().unwrap()))),
        ("device", json!("nothing")),
        ("device", json!(right.claims["device"].as_str().unwrap().to_uppercase())),
        ("nbf", json!(now - 60)),
        ("nbf", json!(now + 600)),
        ("scope", json!("admin")),
        ("admin", json!(true)),
        ("cnf", json!({"jkt": "x"})),
    ] {
        all.push((format!("with {name} {value}"), right.claiming(|claims| claims[name] = value)));
    }
    for name in names {
        let double = right.claims.to_string().replacen('{', &format!(r#"{{"{name}":{},"#, right.claims[name]), 1);
        all.push((format!("{name} twice"), right.forge.sign(&right.header.to_string(), &double)));
    }
    for claims in ["", "{}", "null", "[]", "x", "{\"sub\":"] {
        all.push((format!("claims {claims:?}"), right.forge.sign(&right.header.to_string(), claims)));
    }
}

/// The right bytes, written wrongly.
fn writing(right: &Right, all: &mut Corpus) {
    let token = right.token();
    let [header, claims, signature]: [&str; 3] = token.split('.').collect::<Vec<_>>().try_into().unwrap();
    let bytes = BASE64URL_NOPAD.decode(signature.as_bytes()).unwrap();
    let signed = |signature: &[u8]| format!("{header}.{claims}.{}", BASE64URL_NOPAD.encode(signature));
    for bit in [0, 7, 8, 100, 255, 256, 400, 511] {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        all.push((format!("signature with bit {bit} flipped"), signed(&flipped)));
    }
    for (name, signature) in
        [("of zeros", vec![0; 64]), ("of ones", vec![255; 64]), ("cut", bytes[..63].to_vec()), ("none", vec![])]
    {
        all.push((format!("signature {name}"), signed(&signature)));
    }
    let longer = [&bytes[..], &[0]].concat();
    all.push(("signature with a byte more".to_owned(), signed(&longer)));
    // S beyond the group's order, as Ed25519 of old took it (RFC 8032 §5.1.7).
    let order = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10_u8,
    ];
    let mut beyond = bytes.clone();
    let mut carry = 0_u16;
    for (own, add) in beyond[32..].iter_mut().zip(order) {
        let sum = u16::from(*own) + u16::from(add) + carry;
        (*own, carry) = (sum.to_le_bytes()[0], sum >> 8);
    }
    all.push(("signature beyond the order".to_owned(), signed(&beyond)));
    let other = right.claiming(|claims| claims["jti"] = json!("another"));
    let stolen = other.rsplit('.').next().unwrap();
    all.push(("signature of another token".to_owned(), format!("{header}.{claims}.{stolen}")));
    for (name, text) in [
        ("a part more", format!("{token}.x")),
        ("an empty part more", format!("{token}.")),
        ("a part before", format!("x.{token}")),
        ("two parts", format!("{header}.{claims}")),
        ("one part", header.to_owned()),
        ("no header", format!(".{claims}.{signature}")),
        ("no claims", format!("{header}..{signature}")),
        ("no signature", format!("{header}.{claims}.")),
        ("dots", "..".to_owned()),
        ("padding", format!("{header}=.{claims}=.{signature}=")),
        ("the standard alphabet", format!("{header}.{claims}.{}", BASE64.encode(&bytes))),
        ("small letters", token.to_lowercase()),
        ("quotes", format!("\"{token}\"")),
        ("a comma", format!("{token},{token}")),
        ("a star", format!("{header}.{claims}*.{signature}")),
        ("another order", format!("{claims}.{header}.{signature}")),
        ("far too much", format!("{header}.{}.{signature}", "A".repeat(6_000))),
        ("nothing to see", "null".to_owned()),
    ] {
        all.push((format!("written with {name}"), text));
    }
}

/// What is a secret of this house, and no access token.
async fn others(ada: &Caller<'_>, all: &mut Corpus) {
    let of = |name: &str| ada.login[name].as_str().unwrap().to_owned();
    let seed = of("creds").lines().find(|line| line.starts_with("SU")).unwrap().to_owned();
    let data = ada.up.text("data");
    let read = |path: &str| fs::read_to_string(format!("{data}/{path}")).unwrap().trim().to_owned();
    let account = ada.get("/nsc/info").await.1["accounts"][0]["public_key"].as_str().unwrap().to_owned();
    for (name, text) in [
        ("user JWT", of("jwt")),
        ("refresh token", of("refresh_token")),
        ("seed", seed),
        ("user id", of("user_id")),
        ("set-up token", read("setup-token")),
        ("operator JWT", read("nsc/stores/relais/relais.jwt")),
        ("account JWT", read("nsc/stores/relais/accounts/app/app.jwt")),
        ("account's key", account),
        ("secret of access tokens", read("access.key")),
    ] {
        all.push((format!("the {name}"), text));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_token_is_believed_but_a_right_one() {
    let world = World::new();
    let up = world.up();
    let (ada, bob) = (Caller::new(&up, "ada").await, Caller::new(&up, "bob").await);
    let right = Right::of(&ada);
    let mut all = Corpus::new();
    headers(&right, &mut all);
    claims(&right, &mut all);
    writing(&right, &mut all);
    // Of another who is there as well.
    for name in ["sub", "device"] {
        let value = Right::of(&bob).claims[name].clone();
        all.push((format!("bob's {name}"), right.claiming(|claims| claims[name] = value)));
    }
    let other = Forge::new(&[7; 32], right.now);
    all.push(("another house's".to_owned(), other.sign(&right.header.to_string(), &right.claims.to_string())));
    let known = json!({"alg": "EdDSA", "typ": "at+jwt", "kid": other.kid()}).to_string();
    all.push(("another house's key".to_owned(), other.sign(&known, &right.claims.to_string())));
    let period = relais_adapters::jwt::PERIOD;
    for (name, shift) in [("the period before the last", -2), ("the period behind the next", 2), ("long ago", -100)] {
        let old = Forge::new(&secret(&up), right.now + shift * period);
        let header = json!({"alg": "EdDSA", "typ": "at+jwt", "kid": old.kid()}).to_string();
        all.push((format!("the key of {name}"), old.sign(&header, &right.claims.to_string())));
    }
    ada_as_admin_reads_others(&ada, &mut all).await;

    assert!(all.len() >= 200, "{}", all.len());
    let names: HashSet<_> = all.iter().map(|(name, _)| name).collect();
    assert_eq!(names.len(), all.len(), "each has a name of its own");
    let right_one = right.token();
    let of = |token: &str| Caller { token: token.to_owned(), ..Caller::stranger(&up) };
    assert_eq!(of(&right_one).get("/me").await.0, 200, "what is right but for that is believed");
    for (name, token) in &all {
        assert_ne!(*token, right_one, "{name}");
        let refused = of(token).refused(Method::GET, "/me", Value::Null).await;
        assert_eq!(refused, (401, "invalid-token".to_owned()), "{name}: {token:.200}");
    }
    assert_eq!(of(&right_one).get("/me").await.0, 200, "and still is");
    up.stop();
}

/// A right token, in places where none is looked for, or beside another: what stands in front of us may believe the other one.
#[tokio::test(flavor = "multi_thread")]
async fn a_right_token_is_believed_in_its_place_and_alone() {
    let world = World::new();
    let up = world.up();
    let (ada, bob) = (Caller::new(&up, "ada").await, Caller::new(&up, "bob").await);
    let me = |query: &str| ada.http.get(format!("{}/me{query}", up.text("http")));
    let [right, other] = [&ada, &bob].map(|own| format!("Bearer {}", own.token));
    assert_eq!(me("").header("authorization", &right).send().await.unwrap().status(), 200);
    for second in [&*other, &*right, "", "Basic YWRhOng=", "Bearer", "Bearer x"] {
        for [one, two] in [[&*right, second], [second, &*right]] {
            let request = me("").header("authorization", one).header("authorization", two);
            assert_eq!(request.send().await.unwrap().status(), 401, "{second:.20}");
        }
    }
    for query in [format!("?access_token={}", ada.token), format!("?token={}", ada.token)] {
        assert_eq!(me(&query).send().await.unwrap().status(), 401);
    }
    for scheme in ["Basic", "Token", "DPoP", "Bearer,", ""] {
        let request = me("").header("authorization", format!("{scheme} {}", ada.token));
        assert_eq!(request.send().await.unwrap().status(), 401, "{scheme}");
    }
    for name in ["cookie", "x-access-token", "proxy-authorization"] {
        assert_eq!(me("").header(name, &right).send().await.unwrap().status(), 401, "{name}");
    }
    up.stop();
}

async fn ada_as_admin_reads_others(ada: &Caller<'_>, all: &mut Corpus) {
    // The set-up token is gone once it was redeemed.
    let setup = fs::read_to_string(ada.up.text("setup_token")).unwrap();
    let path = format!("{}/setup-token", ada.up.text("data"));
    ada.claim().await;
    let kept = !fs::exists(&path).unwrap();
    if kept {
        fs::write(&path, &setup).unwrap();
    }
    others(ada, all).await;
}
