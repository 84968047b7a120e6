//! As in production: certificates, proxies, names. Client and server go by different host names, on loopback.

mod doors;
mod proxy;

use std::{fs, process::Command, time::Duration};

use relais::prelude::*;
use relais_adapters::tls::Pair;
use relais_domain::credentials::creds::Creds;
use serde_json::Value;

use super::lifecycle::{broker_pid, gone};
use crate::support::{Authority, PASSWORD, Ran, Up, World, certificate_in, run, shown, signal};

/// The name under which the HTTP API is known outside.
const API: &str = "api.relais.test";

/// A backend whose HTTP API shows a certificate for `localhost` and [`API`], and whose broker one for 127.0.0.1.
pub(super) struct Secured {
    pub(super) world: World,
    pub(super) authority: Authority,
    http: Pair,
    nats: Pair,
}

impl Secured {
    pub(super) fn new() -> Self {
        let world = World::new();
        let authority = Authority::new(&world.path("pki"));
        let http = authority.certify("http", &["localhost", API]);
        let nats = authority.certify("nats", &["127.0.0.1"]);
        Self { world, authority, http, nats }
    }

    pub(super) fn up(&self) -> Up {
        self.up_with(|_| {})
    }

    pub(super) fn up_with(&self, set: impl FnOnce(&mut Command)) -> Up {
        self.world.up_with(|command| {
            certificates(command, &self.http, &self.nats);
            set(command);
        })
    }

    /// A command of the command line on this world's profile, without `--ca`.
    fn relais(&self, arguments: &[&str], input: &str) -> Ran {
        run(&mut self.world.relais(arguments), input)
    }

    /// With `--ca` and the server under the name that its certificate has.
    fn first(&self, up: &Up, arguments: &[&str]) -> Ran {
        let (ca, server) = (self.authority.ca(), server(up));
        let more = ["--ca", ca.to_str().unwrap(), "--server", &server];
        self.relais(&[arguments, &more].concat(), PASSWORD)
    }

    /// Registers and logs in, and says who that is.
    fn log_in(&self, up: &Up) -> Value {
        for command in ["register", "login"] {
            let ran = self.first(up, &[command, "ada@example.org"]);
            assert_eq!(ran.code, 0, "{command}: {}", ran.stderr);
        }
        serde_json::from_str(&self.relais(&["whoami", "--json"], "").stdout).unwrap()
    }
}

fn certificates(command: &mut Command, http: &Pair, nats: &Pair) {
    command.env("RELAIS_HTTP__TLS_CERT", &http.certificate).env("RELAIS_HTTP__TLS_KEY", &http.key);
    command.env("RELAIS_NATS__TLS_CERT", &nats.certificate).env("RELAIS_NATS__TLS_KEY", &nats.key);
}

/// `host:port` of an address.
pub(super) fn at(url: &str) -> &str {
    url.split_once("://").unwrap().1
}

/// The HTTP API as a client names it: its certificate is for `localhost`, and not for 127.0.0.1.
fn server(up: &Up) -> String {
    up.text("http").replace("127.0.0.1", "localhost")
}

fn ask(message: &str) -> EchoRequest {
    EchoRequest { message: message.to_owned() }
}

#[tokio::test(flavor = "multi_thread")]
async fn register_log_in_connect_and_ask_all_under_tls() {
    let secured = Secured::new();
    let up = secured.up();
    assert!(up.text("http").starts_with("https://127.0.0.1:"), "{}", up.ready);
    assert!(up.text("nats").starts_with("tls://") && up.text("websocket").starts_with("wss://"), "{}", up.ready);
    let who = secured.log_in(&up);
    assert_eq!(who["servers"][0], up.text("nats"), "clients are told tls://");
    let echo = format!("echo hello from {}", who["user_id"].as_str().unwrap());
    // The login has kept the authority: neither of these names it.
    let asked = secured.relais(&["request", "echo.identified", "hello"], "");
    assert_eq!(asked.stdout, format!("{echo}\n"), "{}", asked.stderr);
    let devices = secured.relais(&["devices", "list", "--json"], "");
    assert_eq!(devices.code, 0, "{}", devices.stderr);
    let again = secured.relais(&["login", "ada@example.org", "--server", &server(&up)], PASSWORD);
    assert_eq!(again.code, 0, "{}", again.stderr);

    let creds = who["creds"].as_str().unwrap();
    for address in [up.text("nats"), up.text("websocket"), &up.text("nats").replace("tls://", "nats://")] {
        let client = relais::connect_client_with_ca(&[address], creds, secured.authority.ca()).await.unwrap();
        let answer: EchoResponse = client.request("echo.identified", &ask("hello")).await.unwrap();
        assert_eq!(answer.message, echo, "{address}");
    }
    let parsed = Creds::parse(&fs::read_to_string(creds).unwrap()).unwrap();
    let text = parsed.format();
    crate::support::http();
    let other = async_nats::ConnectOptions::with_credentials(text.expose()).unwrap();
    let other = other.custom_inbox_prefix(who["inbox_prefix"].as_str().unwrap());
    let other = other.add_root_certificates(secured.authority.ca()).connect(up.text("nats")).await.unwrap();
    let subject = format!("from.{}.echo", who["user_id"].as_str().unwrap());
    let answer = other.request(subject, "\n\u{5}hello".into()).await.unwrap();
    assert!(String::from_utf8_lossy(&answer.payload).ends_with("echo hello"), "a client of another make: {answer:?}");
    up.stop();
}

#[test]
fn commands_on_the_servers_machine_reach_its_broker_too() {
    let secured = Secured::new();
    let up = secured.up();
    let set = |arguments: &[&str], nats: &Pair| {
        let mut command = secured.world.relais(arguments);
        certificates(&mut command, &secured.http, nats);
        run(command.env("RELAIS_NATS__LISTEN", at(up.text("nats"))), "")
    };
    let status = set(&["nsc", "status"], &secured.nats);
    assert_eq!(status.code, 0, "{}{}", status.stdout, status.stderr);
    // Somebody who has taken its place, even with a certificate for the name.
    let other = set(&["nsc", "status"], &secured.authority.certify("other", &["127.0.0.1"]));
    assert!(other.code != 0 && other.stderr.contains("not the one that our own broker was given"), "{}", other.stderr);
    // The same as an external broker, under the name and the authority of its certificate.
    let external = |ca: bool| {
        let mut command = secured.world.relais(&["nsc", "status"]);
        command.env("RELAIS_NATS__URL", up.text("nats"));
        if ca {
            command.env("RELAIS_NATS__TLS_CA", secured.authority.ca());
        }
        run(&mut command, "")
    };
    assert_eq!(external(true).code, 0, "{}", external(true).stderr);
    let told = external(false);
    assert!(told.code != 0 && told.stderr.contains("not trusted here"), "{}", told.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_cannot_be_trusted_is_told_nothing() {
    let secured = Secured::new();
    let up = secured.up();
    let ca = secured.authority.ca();
    let ca = ca.to_str().unwrap();
    let stranger = Authority::new(&secured.world.path("stranger"));
    let stranger = stranger.ca();
    let register = ["register", "ada@example.org", "--server"];
    let server = server(&up);
    for (server, more, code, words) in [
        (server.as_str(), &[][..], 1, &["cannot be trusted", "authority that is not trusted here", "--ca FILE"][..]),
        (&server, &["--ca", stranger.to_str().unwrap()], 1, &["cannot be trusted", "not trusted here"]),
        (up.text("http"), &["--ca", ca], 1, &["cannot be trusted", "another name", "localhost"]),
        (&server.replace("https", "http"), &["--ca", ca], 4, &["no server answers"]),
        (&server, &["--ca", "/no/such.pem"], 2, &["/no/such.pem", "No such file"]),
        (&server, &["--ca", secured.http.key.to_str().unwrap()], 2, &["http.key", "no certificate in PEM"]),
        ("http://api.relais.test", &["--ca", ca], 2, &["plain http", "https://"]),
    ] {
        let ran = secured.relais(&[&register[..], &[server], more].concat(), PASSWORD);
        assert_eq!(ran.code, code, "{server} {more:?}: {}", ran.stderr);
        for word in words {
            assert!(ran.stderr.contains(word), "{server} {more:?} says {word:?}: {}", ran.stderr);
        }
    }
    let who = secured.log_in(&up);
    let creds = who["creds"].as_str().unwrap();
    let told = async |address: &str, ca: Option<&str>| {
        let refused = match ca {
            Some(ca) => relais::connect_client_with_ca(&[address], creds, ca).await,
            None => relais::connect_client(&[address], creds).await,
        };
        format!("{:?}", refused.err().unwrap_or_else(|| panic!("{address} is not trusted")))
    };
    for address in [up.text("nats"), up.text("websocket")] {
        let words = told(address, None).await;
        assert!(words.contains("cannot be trusted") && words.contains("not trusted here"), "{words}");
        let words = told(&address.replace("127.0.0.1", "localhost"), Some(ca)).await;
        assert!(words.contains("cannot be trusted") && words.contains("another name"), "{words}");
    }
    let words = told(&up.text("http").replace("https", "wss"), Some(ca)).await;
    assert!(words.contains("another name"), "{words}");
    // A broker that has lost its certificate, or somebody who has taken its place.
    let plain = World::new();
    let plain = plain.up();
    let words = told(&plain.text("nats").replace("nats://", "tls://"), Some(ca)).await;
    assert!(words.contains("cannot be trusted") && words.contains("does not speak TLS"), "{words}");
    up.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn renewed_certificates_are_shown_without_a_restart() {
    let secured = Secured::new();
    let up = secured.up();
    let who = secured.log_in(&up);
    let (http, nats, websocket) = (at(up.text("http")), at(up.text("nats")), at(up.text("websocket")));
    let creds = who["creds"].as_str().unwrap();
    let client = relais::connect_client_with_ca(&[up.text("nats")], creds, secured.authority.ca()).await.unwrap();
    let authority = &secured.authority;
    let shown_now = || {
        let by_websocket = shown(&authority.connect(websocket, "127.0.0.1"));
        [shown(&authority.connect(http, API)), authority.shown_by_broker(nats, "127.0.0.1"), by_websocket]
    };
    let in_files = || [&secured.http, &secured.nats, &secured.nats].map(|pair| certificate_in(&pair.certificate));
    let first = in_files();
    assert!(shown_now() == first);
    authority.certify("http", &["localhost", API]);
    authority.certify("nats", &["127.0.0.1"]);
    let second = in_files();
    assert!(shown_now() == first && first != second, "before it is told");
    up.signal("HUP");
    while shown_now() != second {
        let log = up.log();
        assert!(!log.contains("was not renewed") && !log.contains("Failed to reload"), "{log}");
    }
    let answer: EchoResponse = client.request("echo", &ask("still")).await.unwrap();
    assert_eq!(answer.message, "echo still", "connections that are there go on");
    // The backend itself believes the new one, and no longer remembers where it began.
    let broker = broker_pid(&secured.world);
    signal(broker, "KILL");
    gone(broker);
    while secured.relais(&["request", "echo", "again", "--timeout", "30s"], "").stdout != "echo again\n" {}
    up.stop();
}

#[test]
fn a_certificate_that_ends_while_it_is_shown_is_told_and_trusted_no_more() {
    let mut secured = Secured::new();
    secured.http = secured.authority.certify_for("http", &["localhost"], Duration::from_secs(15));
    let up = secured.up();
    let who = secured.log_in(&up);
    assert_eq!(who["email"], "ada@example.org");
    while !up.log().contains("a certificate has expired") {
        up.signal("HUP");
    }
    let log = up.log();
    assert!(log.contains("put another in its place") && !log.contains("the one before is still shown"), "{log}");
    let refused = secured.first(&up, &["login", "ada@example.org"]);
    assert!(refused.code == 1 && refused.stderr.contains("its certificate has expired"), "{}", refused.stderr);
    // And a renewal helps.
    secured.authority.certify("http", &["localhost", API]);
    up.signal("HUP");
    while secured.first(&up, &["login", "ada@example.org"]).code != 0 {}
    up.stop();
}

/// What `up` says when it does not start, which is wrong usage.
fn refused(world: &World, set: &[(&str, &str)]) -> String {
    let mut command = world.relais(&["up", "--json"]);
    command.envs(set.iter().copied());
    let ran = run(&mut command, "");
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{set:?}: {}", ran.stderr);
    assert!(!world.path("data").exists(), "nothing is made before that");
    ran.stderr
}

#[test]
fn a_listener_off_loopback_without_tls_refuses_to_start() {
    let world = World::new();
    for (variable, setting, mends) in [
        ("RELAIS_HTTP__LISTEN", "http.listen is 0.0.0.0:0", "http.tls_cert"),
        ("RELAIS_NATS__LISTEN", "nats.listen is 0.0.0.0:0", "nats.tls_cert"),
        ("RELAIS_NATS__WEBSOCKET", "nats.websocket is 0.0.0.0:0", "nats.tls_cert"),
    ] {
        let words = refused(&world, &[(variable, "0.0.0.0:0")]);
        for word in [setting, "plain text", mends, "behind_proxy"] {
            assert!(words.contains(word), "{word:?}: {words}");
        }
    }
    let words = refused(&world, &[("RELAIS_BEHIND_PROXY", "true"), ("RELAIS_AUTH__PROOF", "none")]);
    assert!(words.contains("auth.proof") && words.contains("behind_proxy"), "{words}");
}

#[test]
fn files_that_cannot_be_shown_are_named_before_anything_starts() {
    let secured = Secured::new();
    let old = secured.authority.certify_between("old", [2001, 2002]);
    for (certificate, key, words) in [
        (&secured.http.certificate, &secured.nats.key, "nats.key is not the key of the certificate in"),
        (&old.certificate, &old.key, "old.pem has expired"),
        (&secured.http.key, &secured.http.key, "http.key holds no certificate in PEM"),
        (&"/no/such.pem".into(), &secured.http.key, "cannot read /no/such.pem: No such file"),
    ] {
        for group in ["HTTP", "NATS"] {
            let names = ["CERT", "KEY"].map(|own| format!("RELAIS_{group}__TLS_{own}"));
            let set = [(names[0].as_str(), certificate.to_str().unwrap()), (&names[1], key.to_str().unwrap())];
            let said = refused(&secured.world, &set);
            let settings = format!("{0}.tls_cert and {0}.tls_key cannot be used", group.to_lowercase());
            assert!(said.contains(words) && said.contains(&settings), "{words:?}: {said}");
        }
    }
    let said = refused(&secured.world, &[("RELAIS_HTTP__TLS_CERT", "x.pem")]);
    assert!(said.contains("http.tls_cert is set and http.tls_key is not"), "{said}");
}
