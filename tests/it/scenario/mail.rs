//! Mails of a whole Relais: caught and shown on a laptop, sent through a server in production, tried by its operator.

use std::{fs, os::unix::fs::PermissionsExt as _};

use relais::{Backend, prelude::*};
use serde_json::json;

use crate::{
    scenario::library::settings,
    support::{Certificates, Door, PASSWORD, Smtp, World, caught, code_in, http, run},
};

#[tokio::test(flavor = "multi_thread")]
async fn up_catches_mails_and_shows_them() {
    let world = World::new();
    let backend = Backend::start(&settings(&world), Router::new()).await.unwrap();
    let page = backend.report().mail.clone().unwrap();
    assert_eq!(page, format!("{}/dev/mail", backend.report().http));
    let server = &backend.report().http;
    for (n, address) in ["ada@example.org", "eve@example.org"].into_iter().enumerate() {
        let wish = json!({"email": address, "password": PASSWORD});
        let registered = http().post(format!("{server}/register")).json(&wish).send().await.unwrap();
        assert_eq!(registered.status(), 201);
        let wish = json!({"email": address});
        let asked = http().post(format!("{server}/login/code")).json(&wish).send().await.unwrap();
        assert_eq!(asked.status(), 202);
        caught(&page, n + 1).await;
    }
    let told = caught(&page, 2).await;
    assert_eq!((&told[0]["to"], &told[1]["to"]), (&json!("eve@example.org"), &json!("ada@example.org")));
    assert_eq!(told[1]["subject"], json!("Relais: your code to log in"));
    let code = code_in(told[1]["body"].as_str().unwrap());
    let shown = http().get(&page).send().await.unwrap().text().await.unwrap();
    assert!(shown.contains(&code), "{shown}");
    let login = json!({"email": "ada@example.org", "code": code});
    let login = http().post(format!("{server}/login")).json(&login).send().await.unwrap();
    assert_eq!(login.status(), 200);
    let foreign = http().get(&page).header("host", "evil.example").send().await.unwrap();
    assert_eq!(foreign.status(), 421);
    backend.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn elsewhere_nothing_is_caught_and_nothing_shown() {
    // With a server of its own.
    let (world, smtp) = (World::new(), Smtp::plain());
    let mut own = settings(&world);
    own.mail.smtp_url = Some(smtp.url("smtp", "").as_str().into());
    own.mail.from = Some("Tea <no-reply@example.org>".parse().unwrap());
    let backend = Backend::start(&own, Router::new()).await.unwrap();
    assert_eq!(backend.report().mail, None);
    let page = format!("{}/dev/mail", backend.report().http);
    assert_eq!(http().get(&page).send().await.unwrap().status(), 404);
    backend.stop().await;

    // In production: the same installation, on a broker that is not its child.
    let broker = crate::support::Broker::of_installation(&world.path("data")).await;
    let mut served = settings(&world);
    served.nats.url = vec![broker.url().into()];
    let backend = Backend::start(&served, Router::new()).await.unwrap();
    assert!(backend.report().mail.is_none());
    let wish = json!({"email": "ada@example.org"});
    let asked = http().post(format!("{}/login/code", backend.report().http)).json(&wish).send().await.unwrap();
    assert_eq!(asked.status(), 404, "there is nobody to bring one");
    let page = format!("{}/dev/mail", backend.report().http);
    assert_eq!(http().get(&page).send().await.unwrap().status(), 404);
    backend.stop().await;
}

#[test]
fn up_says_where_mails_are() {
    let world = World::new();
    let up = world.up();
    assert_eq!(up.text("mail"), format!("{}/dev/mail", up.text("http")));
    up.stop();
    let proxied = world.up_with(|command| _ = command.env("RELAIS_HTTP__PUBLIC_URL", "https://api.example.org"));
    assert!(proxied.ready.get("mail").is_none(), "{}", proxied.ready);
    proxied.stop();
}

/// `relais mail test` as an operator types it, at its loudest.
fn test(world: &World, to: &str, set: &[(&str, &str)]) -> (i32, String, String) {
    let mut command = world.relais(&["mail", "test", to, "-vv"]);
    command.env("RELAIS_MAIL__FROM", "Tea <no-reply@example.org>").envs(set.iter().copied());
    let ran = run(&mut command, "");
    assert!(!format!("{}{}", ran.stdout, ran.stderr).contains("canary"), "no password is shown: {}", ran.stderr);
    (ran.code, ran.stdout, ran.stderr)
}

#[test]
fn an_operator_tries_the_server_and_is_told_what_it_said() {
    let (world, certificates) = (World::new(), Certificates::new());
    let (code, _, err) = test(&world, "ada@example.org", &[]);
    assert!(code == 2 && err.contains("mail.smtp_url is not set") && err.contains("RELAIS_MAIL__SMTP_URL"), "{err}");

    let smtp = Smtp::with_tls(Door::StartTls, &certificates, json!({"login": ["tea", "canary"]}));
    let ca = certificates.ca();
    let ca = ("RELAIS_MAIL__TLS_CA", ca.to_str().unwrap());
    let url = |user: &str| format!("{}?tls=required", smtp.url("smtp", user));
    let right = url("tea:canary@");
    let (code, out, err) = test(&world, "ada@example.org", &[("RELAIS_MAIL__SMTP_URL", &right), ca]);
    assert!(code == 0 && out.contains("took a mail to ada@example.org"), "{out}{err}");
    assert!(err.contains("DEBUG") && err.contains("a mail was taken"), "the log is at its loudest: {err}");
    let arrived = smtp.mails();
    assert_eq!((arrived.len(), &arrived[0]["to"]), (1, &json!(["ada@example.org"])));
    assert_eq!(arrived[0]["subject"], "A test of mail from Relais");

    let (code, _, err) = test(&world, "refused@example.org", &[("RELAIS_MAIL__SMTP_URL", &right), ca]);
    assert!(code == 1 && err.contains("550 5.1.1 nobody of that name here"), "{err}");
    let wrong = url("tea:canary-2@");
    let (code, _, err) = test(&world, "ada@example.org", &[("RELAIS_MAIL__SMTP_URL", &wrong), ca]);
    assert!(code == 1 && err.contains("535") && err.contains("mail.smtp_password_file"), "{err}");
    let (code, _, err) = test(&world, "ada@example.org", &[("RELAIS_MAIL__SMTP_URL", "smtp://u:canary@h")]);
    assert!(code == 2 && err.contains("plain text") && err.contains("smtp://***@h"), "{err}");

    let file = world.path("password");
    fs::write(&file, "canary\n").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let by_file =
        [("RELAIS_MAIL__SMTP_URL", &*url("tea@")), ("RELAIS_MAIL__SMTP_PASSWORD_FILE", file.to_str().unwrap()), ca];
    let (code, out, err) = test(&world, "ada@example.org", &by_file);
    assert!(code == 0, "{out}{err}");
    let shown = run(world.relais(&["settings"]).envs(by_file).env("RELAIS_MAIL__FROM", "a@b.c"), "");
    assert!(shown.code == 0 && shown.stdout.contains("mail.smtp_url"), "{}", shown.stderr);
}

#[test]
fn the_password_of_the_mail_server_is_in_no_log() {
    let (world, certificates) = (World::new(), Certificates::new());
    let smtp = Smtp::with_tls(Door::Implicit, &certificates, json!({"login": ["tea", "right"]}));
    let up = world.up_with(|command| {
        command.env("RELAIS_LOG", "trace").env("RELAIS_MAIL__FROM", "a@b.c");
        command.env("RELAIS_MAIL__TLS_CA", certificates.ca());
        command.env("RELAIS_MAIL__SMTP_URL", smtp.url("smtps", "tea:canary@"));
    });
    let log = up.log();
    assert!(log.contains("mails go out") && log.contains("DEBUG"), "the log is at its loudest");
    assert!(!log.contains("canary") && !up.ready.to_string().contains("canary"));
    up.stop();
}
