//! A right token, in places where none is looked for, written as none is, or beside another: what stands in front of us may
//! believe the other one.

use data_encoding::BASE64;
use reqwest::header::HeaderValue;

use crate::support::{Caller, World};

#[tokio::test(flavor = "multi_thread")]
async fn a_right_token_is_believed_in_its_place_and_alone() {
    let world = World::new();
    let up = world.up();
    let (ada, bob) = (Caller::new(&up, "ada").await, Caller::new(&up, "bob").await);
    let me = |query: &str| ada.http.get(format!("{}/me{query}", up.text("http")));
    let [right, other] = [&ada, &bob].map(|own| format!("Bearer {}", own.token));
    let believed = async || assert_eq!(me("").header("authorization", &right).send().await.unwrap().status(), 200);
    believed().await;
    for second in [&*other, &*right, "", "Basic YWRhOng=", "Bearer", "Bearer x"] {
        for [one, two] in [[&*right, second], [second, &*right]] {
            let request = me("").header("authorization", one).header("authorization", two);
            assert_eq!(request.send().await.unwrap().status(), 401, "{second:.20}");
        }
    }
    for name in ["access_token", "token", "authorization", "bearer_token", "jwt"] {
        for value in [&ada.token, &right.replace(' ', "%20")] {
            let status = me(&format!("?{name}={value}")).send().await.unwrap().status();
            assert_eq!(status, 401, "in the query as {name}");
            let cookie = format!("{name}={value}");
            assert_eq!(me("").header("cookie", cookie).send().await.unwrap().status(), 401, "the cookie {name}");
        }
        // RFC 6750 §2.2.
        let body = format!("{name}={}", ada.token);
        let form = me("").header("content-type", "application/x-www-form-urlencoded").body(body);
        assert_eq!(form.send().await.unwrap().status(), 401, "in the body as {name}");
    }
    for scheme in ["Basic", "Token", "DPoP", "Digest", "JWT", "Bearer,", "Bearer:", "Bearerx", ""] {
        let request = me("").header("authorization", format!("{scheme} {}", ada.token));
        assert_eq!(request.send().await.unwrap().status(), 401, "{scheme}");
    }
    for pair in [format!("{}:", ada.token), format!(":{}", ada.token), format!("{}:{}", ada.id, ada.token)] {
        let request = me("").header("authorization", format!("Basic {}", BASE64.encode(pair.as_bytes())));
        assert_eq!(request.send().await.unwrap().status(), 401, "Basic {pair:.20}");
    }
    for name in [
        "cookie",
        "x-access-token",
        "x-auth-token",
        "x-api-key",
        "x-authorization",
        "x-forwarded-access-token",
        "x-original-authorization",
        "x-token",
        "proxy-authorization",
        "authentication",
        "www-authenticate",
        "sec-websocket-protocol",
    ] {
        for value in [&right, &ada.token] {
            assert_eq!(me("").header(name, value).send().await.unwrap().status(), 401, "{name}");
        }
    }
    believed().await;
    up.stop();
}

/// HTTP lets through what is no text.
#[tokio::test(flavor = "multi_thread")]
async fn bytes_around_a_right_token_make_it_a_wrong_one() {
    let world = World::new();
    let up = world.up();
    let ada = Caller::new(&up, "ada").await;
    let status = async |value: Vec<u8>| {
        let value = HeaderValue::from_bytes(&value).unwrap();
        let request = ada.http.get(format!("{}/me", up.text("http"))).header("authorization", value);
        request.send().await.unwrap().status()
    };
    let with = |front: &[u8], back: &[u8]| [front, ada.token.as_bytes(), back].concat();
    assert_eq!(status(with(b"Bearer ", b"")).await, 200);
    for odd in [&b"\xff"[..], b"\x80", b"\xc3", b"\xc3\xa9", b"\xe2\x80\x8b", b"\xef\xbb\xbf", b"\xa0", b"\xed\xa0\x80"]
    {
        for value in [
            with(&[b"Bearer ", odd].concat(), b""),
            with(b"Bearer ", odd),
            with(&[odd, b"Bearer "].concat(), b""),
            with(&[b"Bearer", odd].concat(), b""),
            with(&[b"Bearer", odd, b" "].concat(), b""),
            with(b"Bearer ", &[odd, b".x"].concat()),
            [b"Bearer ", odd].concat(),
            odd.to_vec(),
        ] {
            assert_eq!(status(value).await, 401, "{odd:?}");
        }
    }
    assert_eq!(status(with(b"Bearer ", b"")).await, 200);
    up.stop();
}
