//! The programs that take part: the broker and the servers.

use std::{
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
};

use relais_bench::Process;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// A server that is ready.
pub(crate) fn server(kind: &str, url: &str) -> Process {
    let path = std::env::current_exe().expect("this program").with_file_name("server");
    let mut child = Command::new(path).args([kind, url]).stdout(Stdio::piped()).spawn().expect("the server");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("a line");
    assert_eq!(line.trim(), "ready", "{kind} did not start");
    Process(child)
}

/// A broker of our own.
pub(crate) struct Broker {
    _process: Process,
    pub(crate) url: String,
    monitor: String,
}

/// Starts one on free ports.
pub(crate) fn broker() -> Broker {
    let mut command = Command::new("nats-server");
    command.args(["-a", "127.0.0.1", "-p", "-1", "-m", "-1"]).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("nats-server on the PATH");
    let said = BufReader::new(child.stderr.take().expect("piped"));
    let (mut url, mut monitor) = (String::new(), String::new());
    let mut lines = said.lines();
    for line in lines.by_ref().map_while(Result::ok) {
        if let Some((_, address)) = line.split_once("Listening for client connections on ") {
            url = format!("nats://{address}");
        }
        if let Some((_, address)) = line.split_once("Starting http monitor on ") {
            monitor = address.to_owned();
        }
        if line.contains("Server is ready") {
            break;
        }
    }
    std::thread::spawn(move || lines.for_each(drop));
    Broker { _process: Process(child), url, monitor }
}

impl Broker {
    /// How many connections it has ever had.
    pub(crate) async fn connections(&self) -> u64 {
        let mut stream = TcpStream::connect(&self.monitor).await.expect("the broker's monitor");
        let question = format!("GET /varz HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.monitor);
        stream.write_all(question.as_bytes()).await.expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("an answer");
        let (_, rest) = answer.split_once("\"total_connections\":").expect("a count of connections");
        let digits: String = rest.trim_start().chars().take_while(char::is_ascii_digit).collect();
        digits.parse().expect("a number")
    }
}
