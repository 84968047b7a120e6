//! Tokens that are wrong in one thing, and well signed where that is not the thing.

use std::fs;

use data_encoding::{BASE64, BASE64URL_NOPAD};
use relais_adapters::{
    jwt::{PERIOD, testing::Forge},
    system,
};
use relais_domain::ports::Clock as _;
use serde_json::{Value, json};

use crate::support::{Caller, Up};

/// Named tokens.
pub(super) type Corpus = Vec<(String, String)>;

/// What a right token is made of.
pub(super) struct Right {
    pub(super) forge: Forge,
    pub(super) now: i64,
    pub(super) header: Value,
    pub(super) claims: Value,
}

pub(super) fn secret(up: &Up) -> [u8; 32] {
    let text = fs::read_to_string(format!("{}/access.key", up.text("data"))).unwrap();
    data_encoding::HEXLOWER.decode(text.trim().as_bytes()).unwrap().try_into().unwrap()
}

impl Right {
    pub(super) fn of(ada: &Caller<'_>) -> Self {
        let now = system::Clock.now().as_second();
        let forge = Forge::new(&secret(ada.up), now);
        let part = |at: usize| -> Value {
            let part = ada.token.split('.').nth(at).unwrap();
            serde_json::from_slice(&BASE64URL_NOPAD.decode(part.as_bytes()).unwrap()).unwrap()
        };
        Self { forge, now, header: part(0), claims: part(1) }
    }

    pub(super) fn token(&self) -> String {
        self.forge.sign(self.header.to_string(), self.claims.to_string())
    }

    /// With another header.
    fn headed(&self, change: impl FnOnce(&mut Value)) -> String {
        let mut header = self.header.clone();
        change(&mut header);
        self.forge.sign(header.to_string(), self.claims.to_string())
    }

    /// With other claims.
    pub(super) fn claiming(&self, change: impl FnOnce(&mut Value)) -> String {
        let mut claims = self.claims.clone();
        change(&mut claims);
        self.forge.sign(self.header.to_string(), claims.to_string())
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

pub(super) fn headers(right: &Right, all: &mut Corpus) {
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
    all.push(("header alg twice".to_owned(), right.forge.sign(&double, right.claims.to_string())));
    for header in ["", "{}", "null", "[]", "x", "{\"alg\":\"EdDSA\""] {
        all.push((format!("header {header:?}"), right.forge.sign(header, right.claims.to_string())));
    }
}

pub(super) fn claims(right: &Right, all: &mut Corpus) {
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
        all.push((format!("{name} twice"), right.forge.sign(right.header.to_string(), &double)));
    }
    for claims in ["", "{}", "null", "[]", "x", "{\"sub\":"] {
        all.push((format!("claims {claims:?}"), right.forge.sign(right.header.to_string(), claims)));
    }
}

/// The right bytes, written wrongly.
pub(super) fn writing(right: &Right, all: &mut Corpus) {
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

/// What is no text, or text with something around it.
pub(super) fn no_text(right: &Right, all: &mut Corpus) {
    let (header, claims) = (right.header.to_string(), right.claims.to_string());
    let wrong = |text: &str| -> Vec<(&'static str, Vec<u8>)> {
        let (bytes, (open, rest)) = (text.as_bytes(), text.split_at(1));
        let last = &bytes[..bytes.len() - 1];
        vec![
            ("a byte of no text behind it", [bytes, &[0xff]].concat()),
            ("a byte of no text in a name", [open.as_bytes(), b"\"\xff\":1,", rest.as_bytes()].concat()),
            ("a byte of no text in a value", [last, b",\"x\":\"\xc3\"}"].concat()),
            ("half a character of UTF-16 in it", [last, b",\"x\":\"\xed\xa0\x80\"}"].concat()),
            (
                "a quote that takes two bytes",
                text.replacen('"', "\0", 1)
                    .into_bytes()
                    .into_iter()
                    .flat_map(|byte| if byte == 0 { vec![0xc0, 0xa2] } else { vec![byte] })
                    .collect(),
            ),
            ("a byte order mark", [&b"\xef\xbb\xbf"[..], bytes].concat()),
            ("UTF-16", text.encode_utf16().flat_map(u16::to_le_bytes).collect()),
            ("a NUL behind it", [bytes, &[0]].concat()),
            ("a NUL before it", [&[0][..], bytes].concat()),
        ]
    };
    for (name, header) in wrong(&header) {
        all.push((format!("header with {name}"), right.forge.sign(header, &claims)));
    }
    for (name, claims) in wrong(&claims) {
        all.push((format!("claims with {name}"), right.forge.sign(&header, claims)));
    }
}

/// By the keys of other periods, each of which is derived as the house derives it, and signs in its own alone.
pub(super) fn periods(right: &Right, up: &Up, all: &mut Corpus) {
    let begin = right.now.div_euclid(PERIOD) * PERIOD;
    let between = |iat: i64, exp: i64| {
        let mut claims = right.claims.clone();
        (claims["iat"], claims["exp"]) = (json!(iat), json!(exp));
        claims.to_string()
    };
    for shift in [-100, -2, -1, 1, 2, 100] {
        let other = Forge::new(&secret(up), right.now + shift * PERIOD);
        let header = json!({"alg": "EdDSA", "typ": "at+jwt", "kid": other.kid()}).to_string();
        // Far enough from now, wherever in its own period that lies.
        let own = begin + shift * PERIOD + if shift < 0 { PERIOD - 2_000 } else { 100 };
        for (name, token) in [
            ("over the claims of this one", other.sign(&header, right.claims.to_string())),
            ("over claims of its own", other.sign(&header, between(own, own + 900))),
            ("over claims from then till now", other.sign(&header, between(own, right.now + 900))),
            ("under the id of this one's", other.sign(right.header.to_string(), right.claims.to_string())),
            ("that this one has stolen the id of", right.forge.sign(&header, right.claims.to_string())),
            ("that this one has signed for", right.forge.sign(right.header.to_string(), between(own, own + 900))),
        ] {
            all.push((format!("the key of {shift} periods from now, {name}"), token));
        }
    }
    let other = Forge::new(&[7; 32], right.now);
    all.push(("another house's".to_owned(), other.sign(right.header.to_string(), right.claims.to_string())));
    let known = json!({"alg": "EdDSA", "typ": "at+jwt", "kid": other.kid()}).to_string();
    all.push(("another house's key".to_owned(), other.sign(known, right.claims.to_string())));
}
