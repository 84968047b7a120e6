//! What is a secret of this house, or signed by one of its keys, and no access token.

use std::{fs, path::Path, sync::Arc};

use relais_adapters::{nkeys, system};
use relais_domain::{
    credentials::{Activation, ActivationClaims, ShareKind, encode},
    ports::{Clock as _, KeyPairs as _},
    secret::Secret,
};
use serde_json::json;

use super::corpus::Corpus;
use crate::support::{Caller, caught, code_in};

/// What `ada` can get hold of who is admin, by the API and from the data folder.
pub(super) async fn all(ada: &Caller<'_>, all: &mut Corpus) {
    let of = |name: &str| ada.login[name].as_str().unwrap().to_owned();
    let data = Path::new(ada.up.text("data"));
    let read = |path: &str| fs::read_to_string(data.join(path)).unwrap().trim().to_owned();
    // Until somebody is admin.
    let setup_token = read("setup-token");
    let before = Caller { token: setup_token.clone(), ..Caller::stranger(ada.up) };
    assert_eq!(before.get("/nsc/info").await.0, 200, "the set-up token opens this and nothing else");
    assert_eq!(before.get("/me").await.0, 401);
    ada.claim().await;

    let account = ada.get("/nsc/info").await.1["accounts"][0]["public_key"].as_str().unwrap().to_owned();
    let (_, till) = ada.post("/nsc/new-user", json!({"name": "till"})).await;
    let made = |name: &str| till[name].as_str().unwrap().to_owned();
    for (name, text) in [
        ("user JWT", of("jwt")),
        ("user JWT of a made user", made("jwt")),
        ("refresh token", of("refresh_token")),
        ("user id", of("user_id")),
        ("device id", of("device_id")),
        ("set-up token", setup_token),
        ("operator JWT", read("nsc/stores/relais/relais.jwt")),
        ("account JWT", read("nsc/stores/relais/accounts/app/app.jwt")),
        ("system account's JWT", read("nsc/stores/relais/accounts/SYS/SYS.jwt")),
        ("account's key", account),
        ("secret of access tokens", read("access.key")),
        ("activation token", activation(data)),
    ] {
        all.push((format!("the {name}"), text));
    }
    for (whose, creds) in [("the device's", of("creds")), ("a made user's", made("creds"))] {
        all.push((format!("{whose} creds on one line"), creds.replace('\n', " ").trim().to_owned()));
        all.push((format!("{whose} creds in one word"), creds.replace(char::is_whitespace, "")));
        let seed = creds.lines().find(|line| line.starts_with("SU")).unwrap();
        all.push((format!("{whose} seed"), seed.to_owned()));
    }
    for (count, path) in [(1, "/login/code"), (2, "/password/reset")] {
        assert_eq!(ada.post(path, json!({"email": "ada@example.org"})).await.0, 202);
        let code = code_in(caught(ada.up.text("mail"), count).await[0]["body"].as_str().unwrap());
        all.push((format!("a code of {path} in one word"), code.replace('-', "")));
        all.push((format!("a code of {path}"), code));
    }
}

/// Leave to import from the application's account, signed by its own key.
fn activation(data: &Path) -> String {
    let keys = nkeys::KeyPairs::new(Arc::new(system::Rng));
    let pair = |jwt: &str| {
        let jwt = fs::read_to_string(data.join("nsc/stores/relais/accounts").join(jwt)).unwrap();
        let claims = relais_domain::credentials::decode::<relais_domain::credentials::Account>(jwt.trim(), &keys);
        let key = claims.unwrap().subject.to_string();
        let seed = data.join("nsc/keys/keys/A").join(&key[1..3]).join(format!("{key}.nk"));
        keys.from_seed(&Secret::from(fs::read_to_string(seed).unwrap().trim())).unwrap()
    };
    let (app, importer) = (pair("app/app.jwt"), pair("SYS/SYS.jwt"));
    let import =
        Activation { import_subject: "weather.>".to_owned(), import_kind: ShareKind::Stream, ..Activation::default() };
    let claims = ActivationClaims::new("weather", importer.public, import, system::Clock.now());
    encode(&claims, &app, &keys).unwrap().as_str().to_owned()
}
