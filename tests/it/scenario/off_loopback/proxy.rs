//! Behind a proxy that ends TLS: who asks, and under what name.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    process::Command,
    thread,
};

use super::{API, at};
use crate::support::{Up, World, ask};

/// Whom the proxy was asked by, as it says.
const CLIENT: &str = "203.0.113.5";

/// A proxy on loopback that does what nginx does with `$proxy_add_x_forwarded_for`, for every connection until the test
/// ends; where it listens.
fn proxy(backend: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let backend = backend.to_owned();
    thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let backend = TcpStream::connect(&backend).unwrap();
            forward(&client, backend);
        }
    });
    address
}

/// One request and its answer.
fn forward(mut client: &TcpStream, mut backend: TcpStream) {
    let mut lines = BufReader::new(client.try_clone().unwrap()).lines().map_while(Result::ok);
    let (mut head, mut told) = (lines.next().unwrap_or_default() + "\r\n", String::new());
    for line in lines.take_while(|line| !line.is_empty()) {
        match line.split_once(": ") {
            Some((name, value)) if name.eq_ignore_ascii_case("x-forwarded-for") => told += &format!("{value}, "),
            _ => head += &format!("{line}\r\n"),
        }
    }
    head += &format!("X-Forwarded-For: {told}{CLIENT}\r\nConnection: close\r\n\r\n");
    backend.write_all(head.as_bytes()).unwrap();
    let _ = std::io::copy(&mut backend, &mut client);
    let _ = client.shutdown(Shutdown::Both);
}

fn logging(command: &mut Command) {
    command.env("RELAIS_LOG", "info,relais_adapters::http=debug");
}

/// Waits until the log tells of an answer to a client, and takes all it has told until then.
fn client_of_the_next_answer(up: &Up, seen: &mut usize) -> String {
    loop {
        let log = up.log();
        let clients: Vec<&str> =
            log.lines().filter_map(|line| line.split_once("client=")?.1.split_whitespace().next()).collect();
        if let Some(client) = clients.get(*seen) {
            *seen += 1;
            return (*client).to_owned();
        }
        thread::yield_now();
    }
}

#[test]
fn a_trusted_proxy_says_who_asks_and_nobody_else_can() {
    let world = World::new();
    let behind = |proxies: &'static str| {
        world.up_with(move |command| {
            logging(command);
            command.env("RELAIS_BEHIND_PROXY", "true").env("RELAIS_HTTP__PUBLIC_URL", format!("https://{API}"));
            command.env("RELAIS_HTTP__TRUSTED_PROXIES", proxies);
        })
    };
    for (proxies, believed) in [("", true), ("127.0.0.0/8", true), ("10.0.0.0/8", false)] {
        let up = behind(proxies);
        let front = proxy(up.text("http_listen"));
        let mut seen = 0;
        let host = ("Host", API);
        for more in [&[][..], &[("X-Forwarded-For", "1.1.1.1")], &[("X-Forwarded-For", "nonsense")]] {
            let (status, _) = ask(TcpStream::connect(&front).unwrap(), "GET /health", &[&[host], more].concat());
            assert_eq!(status, 200);
            let expected = if believed { CLIENT } else { "127.0.0.1" };
            assert_eq!(client_of_the_next_answer(&up, &mut seen), expected, "{proxies:?} {more:?}");
        }
        let forged = [host, ("Forwarded", "for=1.1.1.1")];
        assert_eq!(ask(TcpStream::connect(&front).unwrap(), "GET /health", &forged).0, 200);
        assert_eq!(client_of_the_next_answer(&up, &mut seen), "127.0.0.1", "two headers that disagree");
        let named = [("Host", "evil.example.org"), ("X-Forwarded-Host", API)];
        assert_eq!(ask(TcpStream::connect(&front).unwrap(), "GET /health", &named).0, 421);
        let other = [host, ("X-Forwarded-Host", "evil.example.org")];
        assert_eq!(ask(TcpStream::connect(&front).unwrap(), "GET /health", &other).0, 200, "it means nothing");
        up.stop();
    }
}

#[test]
fn without_a_proxy_nobody_is_believed() {
    let world = World::new();
    let up = world.up_with(logging);
    let mut seen = 0;
    let backend = at(up.text("http"));
    let headers = [("Host", backend), ("X-Forwarded-For", "1.1.1.1"), ("Forwarded", "for=1.1.1.1")];
    assert_eq!(ask(TcpStream::connect(backend).unwrap(), "GET /health", &headers).0, 200);
    assert_eq!(client_of_the_next_answer(&up, &mut seen), "127.0.0.1");
    up.stop();
}
