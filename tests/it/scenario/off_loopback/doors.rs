//! Whose web pages may ask, and under which names, in every way to run: `up`, `serve`, behind a proxy, with TLS; over HTTP
//! and over the broker's WebSocket.

use std::{
    io::{Read, Write},
    net::TcpStream,
    process::Command,
};

use super::{API, Secured, at};
use crate::support::{Broker, Up, World, ask};

/// An app of another origin that may ask.
const APP: &str = "https://app.relais.test";

/// Bytes to and from a server.
trait Line: Read + Write {}
impl<T: Read + Write> Line for T {}

/// Opens a line to `host:port`.
type Connect<'d> = dyn Fn(&str) -> Box<dyn Line> + 'd;

/// A server and how it is reached.
struct Door<'d> {
    /// `host:port` of the socket.
    at: String,
    /// What stands in `Host`.
    host: String,
    /// The origin of its own pages.
    own: String,
    connect: Box<Connect<'d>>,
}

impl Door<'_> {
    fn ask(&self, request: &str, headers: &[(&str, &str)]) -> (u16, String) {
        ask((self.connect)(&self.at), request, headers)
    }

    /// What holds for the HTTP API, however it runs.
    fn is_guarded(&self) {
        let host = ("Host", self.host.as_str());
        let status = |headers: &[(&str, &str)]| self.ask("GET /health", headers).0;
        assert_eq!(status(&[host]), 200, "{}", self.own);
        assert_eq!(status(&[host, ("Origin", &self.own)]), 200, "a page of its own, {}", self.own);
        assert_eq!(status(&[("Host", "evil.example.org")]), 421, "{}", self.own);
        assert_eq!(status(&[("Host", "evil.example.org"), ("X-Forwarded-Host", &self.host)]), 421, "{}", self.own);
        let other_scheme = match self.own.split_once("://").unwrap() {
            ("http", rest) => format!("https://{rest}"),
            (_, rest) => format!("http://{rest}"),
        };
        for foreign in ["https://evil.example.org", "null", &other_scheme, "https://app.relais.test.evil.org"] {
            let (status, head) = self.ask("GET /health", &[host, ("Origin", foreign)]);
            assert_eq!(status, 403, "{foreign} at {}", self.own);
            assert!(!head.contains("access-control-allow-origin"), "{head}");
        }
        let (status, head) = self.ask("GET /health", &[host, ("Origin", APP)]);
        assert!(status == 200 && head.contains(&format!("access-control-allow-origin: {APP}")), "{status} {head}");
        let preflight = |origin| {
            let asked = [host, ("Origin", origin), ("Access-Control-Request-Method", "POST")];
            self.ask("OPTIONS /login", &asked)
        };
        let (status, head) = preflight(APP);
        assert!(status == 204 && head.contains("access-control-allow-methods: post"), "{status} {head}");
        let (status, head) = preflight("https://evil.example.org");
        assert!(status == 403 && !head.contains("access-control-"), "{status} {head}");
    }

    /// What holds for the broker's WebSocket.
    fn is_guarded_websocket(&self) {
        let open = |origin: Option<&str>| {
            let mut headers = vec![("Host", self.host.as_str()), ("Upgrade", "websocket"), ("Connection", "Upgrade")];
            headers.extend([("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="), ("Sec-WebSocket-Version", "13")]);
            headers.extend(origin.map(|origin| ("Origin", origin)));
            self.ask("GET /", &headers).0
        };
        assert_eq!(open(Some(APP)), 101, "the same app may open the WebSocket");
        assert_eq!(open(None), 101, "programs send no origin");
        for foreign in ["https://evil.example.org", "http://app.relais.test", "https://app.relais.test:8443"] {
            assert_eq!(open(Some(foreign)), 403, "{foreign}");
        }
    }
}

fn plain<'d>(at: &str, host: &str, own: &str) -> Door<'d> {
    let connect = Box::new(|at: &str| Box::new(TcpStream::connect(at).unwrap()) as Box<dyn Line>);
    Door { at: at.to_owned(), host: host.to_owned(), own: own.to_owned(), connect }
}

fn app(command: &mut Command) {
    command.env("RELAIS_HTTP__ALLOWED_ORIGINS", APP);
}

fn behind_proxy(command: &mut Command) {
    app(command);
    command.env("RELAIS_BEHIND_PROXY", "true").env("RELAIS_HTTP__PUBLIC_URL", format!("https://{API}"));
}

#[test]
fn foreign_hosts_and_origins_are_refused_by_up() {
    let world = World::new();
    let up = world.up_with(app);
    plain(at(up.text("http")), at(up.text("http")), up.text("http")).is_guarded();
    let websocket = at(up.text("websocket"));
    plain(websocket, websocket, "").is_guarded_websocket();
    up.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn foreign_hosts_and_origins_are_refused_by_serve() {
    let world = World::new();
    world.up().stop();
    let broker = Broker::of_installation(&world.path("data")).await;
    let mut command = world.relais(&["serve", "--json"]);
    app(command.env("RELAIS_NATS__URL", broker.url()));
    let serve = Up::start(command);
    plain(at(serve.text("http")), at(serve.text("http")), serve.text("http")).is_guarded();
    serve.stop();
}

#[test]
fn foreign_hosts_and_origins_are_refused_behind_a_proxy() {
    let world = World::new();
    let up = world.up_with(behind_proxy);
    plain(up.text("http_listen"), API, &format!("https://{API}")).is_guarded();
    up.stop();
}

#[test]
fn foreign_hosts_and_origins_are_refused_under_tls() {
    let secured = Secured::new();
    let up = secured.up_with(app);
    let door = |url: &str, host: String, name: &'static str| {
        let connect = |at: &str| Box::new(secured.authority.connect(at, name)) as Box<dyn Line>;
        Door { at: at(url).to_owned(), own: format!("https://{host}"), host, connect: Box::new(connect) }
    };
    door(up.text("http"), at(up.text("http")).replace("127.0.0.1", "localhost"), "localhost").is_guarded();
    door(up.text("websocket"), at(up.text("websocket")).to_owned(), "127.0.0.1").is_guarded_websocket();
    up.stop();
}
