//! `mail::Smtp` keeps the contract that `memory::Mailer` keeps, on a real SMTP server; and what is told when that does not take a
//! mail, does not answer, or is not who it should be.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::{FutureExt as _, future::join_all};
use relais_adapters::{
    mail::{self, Failure, Options, Step, Times},
    system,
};
use relais_domain::{
    memory,
    ports::{MailError, Mailer},
    testing::mailer::{Arrived, mail as written, suite},
};
use serde_json::json;
use tokio::net::TcpListener;

use crate::support::{Certificates, Door, Smtp};

const QUICK: Times = Times { connect: Duration::from_millis(500), whole: Duration::from_secs(2) };

fn options(url: &str) -> Options {
    Options {
        server: url.parse().unwrap(),
        from: "no-reply@example.org".parse().unwrap(),
        from_name: Some("Tea & Söhne, Ltd.".to_owned()),
        roots: None,
        times: Times::default(),
    }
}

fn mailer(options: Options) -> mail::Smtp {
    mail::Smtp::new(options, Arc::new(system::Clock), Arc::new(system::Rng)).unwrap()
}

fn trusting(url: &str, certificates: &Certificates) -> mail::Smtp {
    mailer(Options { roots: Some(std::fs::read(certificates.ca()).unwrap()), ..options(url) })
}

async fn send(mailer: &dyn Mailer, to: &str) -> Result<(), MailError> {
    mailer.send(&written(to, "Your code", "It is 123456.\n")).await
}

/// Whether it is a refusal, and what the adapter says of it.
fn failure(sent: Result<(), MailError>) -> (bool, Failure) {
    let (refused, cause) = match sent.unwrap_err() {
        MailError::Refused(cause) => (true, cause),
        MailError::Unavailable(cause) => (false, cause),
    };
    (refused, cause.downcast_ref::<Failure>().unwrap().clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_and_the_catcher_keep_it() {
    let memory = memory::Mailer::default();
    suite(&memory, async || memory.sent().iter().map(Arrived::from).collect()).await;
    let catcher = mail::Catcher::new(Arc::new(system::Clock));
    suite(&catcher, async || catcher.caught().iter().rev().map(|own| Arrived::from(&own.mail)).collect()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn smtp_keeps_it_on_this_machine_without_tls() {
    let smtp = Smtp::plain();
    let mailer = mailer(options(&smtp.url("smtp", "")));
    suite(&mailer, async || smtp.arrived()).await;
    let mails = smtp.mails();
    let (one, other) = (&mails[0], &mails[1]);
    assert_eq!((&one["from"], &one["hello"]), (&json!("no-reply@example.org"), &json!("example.org")));
    assert_eq!(one["headers"]["from"], "\"Tea & Söhne, Ltd.\" <no-reply@example.org>");
    assert_eq!(one["headers"]["auto-submitted"], "auto-generated");
    let id = |mail: &serde_json::Value| mail["headers"]["message-id"].as_str().unwrap().to_owned();
    assert!(id(one).ends_with("@example.org>") && id(one) != id(other), "{} {}", id(one), id(other));
}

#[tokio::test(flavor = "multi_thread")]
async fn smtp_keeps_it_under_tls_with_a_login() {
    let certificates = Certificates::new();
    for (door, scheme, query) in [(Door::StartTls, "smtp", "?tls=required"), (Door::Implicit, "smtps", "")] {
        // Some servers know AUTH LOGIN alone.
        for login_only in [false, true] {
            let told = json!({"login": ["tea@shop", "p/ss wörd"], "login_only": login_only});
            let smtp = Smtp::with_tls(door, &certificates, told);
            let url = smtp.url(scheme, "tea%40shop:p%2Fss%20w%C3%B6rd@");
            let mailer = trusting(&format!("{url}{query}"), &certificates);
            suite(&mailer, async || smtp.arrived()).await;
            let mails = smtp.mails();
            assert!(mails.iter().all(|mail| mail["tls"] == true && mail["user"] == "tea@shop"), "{mails:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_does_not_take_is_told() {
    let smtp = Smtp::told(json!({"door": "plain", "refused_sender": "eve@example.org"}));
    let url = smtp.url("smtp", "");
    let own = mailer(options(&url));
    let started = Instant::now();
    for (to, refused, step, code, said) in [
        ("refused@example.org", true, Step::Recipient, Some(550), "550 5.1.1 nobody of that name here"),
        ("later@example.org", false, Step::Recipient, Some(450), "450 4.2.1 try again later"),
        ("spam@example.org", true, Step::Text, Some(554), "554 5.7.1  [31mthis is spam"),
        ("drop@example.org", false, Step::Text, None, "incomplete response"),
    ] {
        let (is_refused, failure) = failure(send(&own, to).await);
        assert_eq!((is_refused, failure.step, failure.code), (refused, step, code), "{to}: {failure}");
        assert!(failure.said.contains(said) && !failure.timed_out, "{to}: {failure}");
    }
    let eve = mailer(Options { from: "eve@example.org".parse().unwrap(), ..options(&url) });
    let (refused, of_eve) = failure(send(&eve, "ada@example.org").await);
    assert_eq!((refused, of_eve.step), (false, Step::Sender), "that is no recipient's fault");
    let abroad = send(&own, "ädá@example.org").await;
    assert!(matches!(abroad, Err(MailError::Refused(_))), "{abroad:?}");
    assert!(smtp.mails().is_empty());
    send(&own, "ada@example.org").await.expect("one that was not taken is nobody else's trouble");
    send(&own, "stays@example.org").await.expect("a mail that was taken is, whatever the good-bye takes");
    assert!(started.elapsed() < Duration::from_secs(10), "each is told at once: {:?}", started.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_and_a_wrong_certificate_are_told() {
    let certificates = Certificates::new();
    let login = json!({"login": ["tea", "right"]});
    let smtp = Smtp::with_tls(Door::Implicit, &certificates, login.clone());
    let (refused, wrong) = failure(send(&trusting(&smtp.url("smtps", "tea:canary@"), &certificates), "a@b.c").await);
    assert_eq!((refused, wrong.step, wrong.code), (false, Step::Login, Some(535)), "{wrong}");
    assert!(!format!("{wrong:?} {wrong}").contains("canary"));

    let start_tls = Smtp::with_tls(Door::StartTls, &certificates, login);
    let others = Certificates::new();
    for (url, step) in [
        (smtp.url("smtps", "tea:right@"), Step::Connect),
        (format!("{}?tls=required", start_tls.url("smtp", "tea:right@")), Step::Secure),
    ] {
        // Of another CA; of none that the system trusts; of another name.
        let elsewhere = url.replace("127.0.0.1", "127.0.0.2");
        let (refused, of_others) = failure(send(&trusting(&url, &others), "a@b.c").await);
        assert_eq!((refused, of_others.step), (false, step), "{of_others}");
        assert!(of_others.said.contains("certificate"), "{of_others}");
        let system = mail::Smtp::new(options(&url), Arc::new(system::Clock), Arc::new(system::Rng));
        // A bare machine trusts nobody, and says so before anything is sent.
        if let Ok(system) = system {
            assert_eq!(failure(send(&system, "a@b.c").await).1.step, step);
        }
        let (_, named) = failure(send(&trusting(&elsewhere, &certificates), "a@b.c").await);
        assert!([Step::Connect, step].contains(&named.step), "{named}");
        send(&trusting(&url, &certificates), "a@b.c").await.unwrap();
    }
    assert_eq!((smtp.mails().len(), start_tls.mails().len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_that_was_asked_for_is_never_done_without() {
    let plain = Smtp::plain();
    let (_, without) = failure(send(&mailer_of(&format!("{}?tls=required", plain.url("smtp", ""))), "a@b.c").await);
    assert_eq!((without.step, without.said.contains("STARTTLS")), (Step::Secure, true), "{without}");
    assert!(plain.mails().is_empty());

    // An answer that was put behind "go ahead" before TLS is not taken for the first one under it.
    let certificates = Certificates::new();
    let smtp = Smtp::with_tls(Door::StartTls, &certificates, json!({"injects": true}));
    let url = format!("{}?tls=required", smtp.url("smtp", ""));
    let (_, injected) = failure(send(&trusting(&url, &certificates), "a@b.c").await);
    assert_eq!(injected.step, Step::Secure, "{injected}");
    assert!(smtp.mails().is_empty());
}

fn mailer_of(url: &str) -> mail::Smtp {
    // No system's certificates are needed to see that there is no TLS.
    trusting(url, &Certificates::new())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_hangs_or_dies_costs_seconds() {
    // It takes connections and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("smtp://{}", silent.local_addr().unwrap());
    let started = Instant::now();
    let (refused, hung) = failure(send(&mailer(Options { times: QUICK, ..options(&url) }), "a@b.c").await);
    assert_eq!((refused, hung.step, hung.timed_out), (false, Step::Connect, true), "{hung}");
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
    drop(silent);
    let (refused, gone) = failure(send(&mailer(options(&url)), "a@b.c").await);
    assert_eq!((refused, gone.step, gone.timed_out), (false, Step::Connect, false), "{gone}");

    // It has the text, and never answers.
    let mut smtp = Smtp::plain();
    let stuck = Arc::new(mailer(Options { times: QUICK, ..options(&smtp.url("smtp", "")) }));
    let started = Instant::now();
    let (refused, hung) = failure(send(&*stuck, "stuck@b.c").await);
    assert_eq!((refused, hung.step, hung.timed_out), (false, Step::Text, true), "{hung}");
    assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
    assert_eq!(smtp.next(), json!({"at": "text"}));

    // It is killed with the mail in its hands.
    let patient = mailer(options(&smtp.url("smtp", "")));
    let sending = tokio::spawn(async move { send(&patient, "stuck@b.c").await });
    assert_eq!(smtp.next(), json!({"at": "text"}));
    let started = Instant::now();
    smtp.kill();
    let (refused, killed) = failure(sending.await.unwrap());
    assert_eq!((refused, killed.step, killed.timed_out), (false, Step::Text, false), "{killed}");
    assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn many_mails_wait_for_each_other_and_none_for_ever() {
    let smtp = Smtp::plain();
    let times = Times { whole: Duration::from_secs(4), ..Times::default() };
    let own = Arc::new(mailer(Options { times, ..options(&smtp.url("smtp", "")) }));
    let sending = |to: &'static str| {
        let own = Arc::clone(&own);
        tokio::spawn(async move { send(&*own, to).await })
    };
    let stuck: Vec<_> = (0..mail::AT_ONCE).map(|_| sending("stuck@b.c")).collect();
    for _ in 0..mail::AT_ONCE {
        assert_eq!(smtp.next(), json!({"at": "text"}));
    }
    // Those on their way have every place; the next ones wait, and are not even connected.
    let mut waiting: Vec<_> = (0..3 * mail::AT_ONCE).map(|_| Box::pin(send(&*own, "ada@example.org"))).collect();
    for next in &mut waiting {
        assert!(next.now_or_never().is_none());
    }
    assert_eq!((smtp.connections(), smtp.mails().len()), (mail::AT_ONCE, 0));
    for step in stuck {
        assert_eq!(failure(step.await.unwrap()).1.step, Step::Text);
    }
    // Places get free when that time is over.
    for sent in join_all(waiting).await {
        assert!(sent.is_ok() || failure(sent).1.timed_out);
    }
    send(&*own, "ada@example.org").await.unwrap();
}
