//! Mailed codes on a real backend with a real mail server: proving an address, logging in by a code, a forgotten password; and
//! what becomes of who only registered.

use serde_json::{Value, json};

use crate::support::{Caller, PASSWORD, Ran, Smtp, Up, World, caught, code_in, run};

/// A backend whose mails go to a server, so that addresses are verified.
fn verifying(world: &World, smtp: &Smtp) -> Up {
    world.up_with(|command| {
        command.env("RELAIS_MAIL__SMTP_URL", smtp.url("smtp", "")).env("RELAIS_MAIL__NAME", "Tea");
        command.env("RELAIS_MAIL__FROM", "Tea <no-reply@example.org>");
    })
}

/// The code in the newest mail, once there are so many.
fn code(smtp: &Smtp, mails: usize) -> String {
    loop {
        let arrived = smtp.arrived();
        if arrived.len() >= mails {
            return code_in(&arrived.last().unwrap().body);
        }
        std::thread::yield_now();
    }
}

fn relais(world: &World, up: &Up, arguments: &[&str], input: &str) -> Ran {
    run(world.relais(arguments).args(["--server", up.text("http")]), input)
}

fn id(world: &World, up: &Up) -> Value {
    let ran = relais(world, up, &["whoami", "--json"], "");
    serde_json::from_str::<Value>(&ran.stdout).unwrap()["user_id"].clone()
}

#[test]
fn an_address_is_proven_and_a_password_forgotten_by_command() {
    let (world, smtp) = (World::new(), Smtp::plain());
    let up = verifying(&world, &smtp);
    let ada = "ada@example.org";
    let ran = relais(&world, &up, &["register", ada, "--json"], PASSWORD);
    let registered: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((ran.code, &registered["to_be_verified"]), (0, &json!(true)));
    let first = code(&smtp, 1);
    let ran = relais(&world, &up, &["login", ada], PASSWORD);
    assert!(ran.code == 3 && ran.stderr.contains("second line of standard input"), "{}", ran.stderr);
    let second = code(&smtp, 2);
    assert_ne!(first, second);
    let ran = relais(&world, &up, &["login", ada], &format!("{PASSWORD}\n{first}\n"));
    assert_eq!(ran.code, 0, "the code of the registration is good as well: {}", ran.stderr);
    assert_eq!(id(&world, &up), registered["id"]);

    let ran = relais(&world, &up, &["login", ada, "--send-code"], "");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    // The third came with the login, before it was asked for the code.
    let by_code = code(&smtp, 4);
    let ran = relais(&world, &up, &["login", ada, "--code"], &by_code.to_lowercase());
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let ran = relais(&world, &up, &["login", ada, "--code"], &by_code);
    assert!(ran.code == 3 && ran.stderr.contains("good once"), "{}", ran.stderr);

    let ran = relais(&world, &up, &["password", "--forgotten", ada, "--send-code"], "");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let reset = code(&smtp, 5);
    let ran = relais(&world, &up, &["password", "--forgotten", ada], &format!("{reset}\nanother sesame\n"));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(relais(&world, &up, &["login", ada], PASSWORD).code, 3);
    assert_eq!(relais(&world, &up, &["login", ada], "another sesame").code, 0);
    assert_eq!(id(&world, &up), registered["id"], "it is the same user");
    assert!(smtp.arrived().iter().all(|mail| mail.subject.starts_with("Tea: ")));
    up.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_only_registered_is_displaced_by_who_has_the_mailbox() {
    let (world, smtp) = (World::new(), Smtp::plain());
    let up = verifying(&world, &smtp);
    let squatter = Caller::stranger(&up);
    let (_, registered) = squatter.post("/register", json!({"email": "ada@example.org", "password": PASSWORD})).await;
    tokio::task::block_in_place(|| code(&smtp, 1));
    let owner = Caller::stranger(&up);
    owner.post("/login/code", json!({"email": "ada@example.org"})).await;
    let code = tokio::task::block_in_place(|| code(&smtp, 2));
    let (status, login) = owner.post("/login", json!({"email": "ada@example.org", "code": code})).await;
    assert_eq!(status, 200, "{login}");
    assert_ne!(login["user_id"], registered["id"]);
    let (status, _) = squatter.post("/login", json!({"email": "ada@example.org", "password": PASSWORD})).await;
    assert_eq!(status, 401);
    up.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_hold_over_http_and_say_when() {
    let world = World::new();
    let up = world.up_with(|command| _ = command.env("RELAIS_AUTH__LIMITS__LOGIN_PER_EMAIL_AND_ADDRESS", "3 per 1h"));
    let ada = Caller::new(&up, "ada").await;
    let guess = json!({"email": "ada@example.org", "password": "not the one"});
    for _ in 0..3 {
        assert_eq!(ada.post("/login", guess.clone()).await.0, 401);
    }
    let response = ada.http.post(format!("{}/login", up.text("http"))).json(&guess).send().await.unwrap();
    assert_eq!(response.status(), 429);
    let after: u64 = response.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1_100..=1_201).contains(&after), "{after}");
    // A mailed code is another way in.
    ada.post("/login/code", json!({"email": "ada@example.org"})).await;
    let mails = caught(up.text("mail"), 1).await;
    let code = code_in(mails[0]["body"].as_str().unwrap());
    let far = json!({"email": "ada@example.org", "code": code});
    assert_eq!(ada.post("/login", far).await.0, 429, "not from here, where the guesses came from");
    up.stop();
}

/// Behind a proxy on this machine: what a client makes unreadable does not turn it into somebody who is on this machine.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_dodges_a_limit_by_garbling_what_the_proxy_says() {
    let world = World::new();
    let up = world.up_with(|command| {
        command.env("RELAIS_BEHIND_PROXY", "true").env("RELAIS_AUTH__LIMITS__REGISTER_PER_ADDRESS", "2 per 1h");
    });
    let here = Caller::stranger(&up);
    let register = async |name: &str, header: &str, value: &[u8]| {
        let request = here
            .http
            .post(format!("{}/register", up.text("http")))
            .header("x-forwarded-for", "203.0.113.5")
            .header(header, reqwest::header::HeaderValue::from_bytes(value).unwrap())
            .json(&json!({"email": format!("{name}@example.org"), "password": PASSWORD}));
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(register("a", "forwarded", b"for=1.1.1.1").await, 201, "it is served");
    assert_eq!(register("b", "x-forwarded-for", b"\xff").await, 201);
    for (header, value) in [("forwarded", &b"for=2.2.2.2"[..]), ("x-forwarded-for", b"\xff"), ("forwarded", b"x")] {
        assert_eq!(register("c", header, value).await, 429, "but counted: {header}");
    }
    assert_eq!(register("d", "x-forwarded-for", b"203.0.113.6").await, 201, "others are somebody else");
    // Who is really here is not counted.
    for name in ["e", "f", "g"] {
        let body = json!({"email": format!("{name}@example.org"), "password": PASSWORD});
        assert_eq!(here.post("/register", body).await.0, 201);
    }
    up.stop();
}
