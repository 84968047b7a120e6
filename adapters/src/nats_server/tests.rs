//! The supervisor with a real nats-server.
//!
//! The JWTs in `testdata` were made by nsc with keys that were thrown away.

use std::{
    collections::HashSet,
    env, fs,
    fs::File,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use tokio::sync::watch;

use super::*;

const SYSTEM: &str = "ADXJKFNWEMZQO6JLA4MGI5ZR4ROIF7LJ7FYSI6DT3OQTVGUPOHHQKSVL";
const ACCOUNT: &str = "ACYN2U3D5BOZ3DRSQ3L2MWTYWMVAAXZPRHC7W2YKBLWMKJWDYTUXGK7C";
const OLDER: &str = include_str!("testdata/account-older.jwt");
const NEWER: &str = include_str!("testdata/account-newer.jwt");
/// Set in the process that [`a_parent_that_is_killed_takes_the_broker_along`] starts.
const PARENT: &str = "RELAIS_TEST_PARENT";

fn broker() -> Binary {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.tools");
    let tools = env::var_os("RELAIS_TOOLS").map_or(repository, PathBuf::from).join("bin/nats-server");
    let found = find(tools.is_file().then_some(tools.as_path()));
    found.unwrap_or_else(|error| panic!("{error}; `./x tools` installs the one for tests"))
}

fn config(directory: &Path) -> Config {
    let mut config = Config::new("relais-test", directory, include_str!("testdata/operator.jwt"), SYSTEM);
    config.preload = vec![
        (SYSTEM.to_owned(), include_str!("testdata/system.jwt").to_owned()),
        (ACCOUNT.to_owned(), OLDER.to_owned()),
    ];
    config
}

async fn start(config: Config) -> Server {
    Server::start(&broker(), config, Options::default()).await.unwrap_or_else(|error| panic!("{error}"))
}

fn signal(target: &str, name: &str) {
    // The shell's own: a bare system has no program of that name.
    let mut kill = Command::new("sh");
    assert!(kill.args(["-c", "kill -s \"$0\" -- \"$1\"", name, target]).status().unwrap().success());
}

/// The first thing the broker says to a client.
fn info(address: SocketAddr) -> String {
    let mut line = String::new();
    BufReader::new(TcpStream::connect(address).unwrap()).read_line(&mut line).unwrap();
    line
}

/// What the monitoring endpoint answers.
fn monitor(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

async fn running(state: &mut watch::Receiver<State>, not: u32) -> Running {
    let found = state.wait_for(|state| matches!(state, State::Running(running) if running.pid != not)).await.unwrap();
    match *found {
        State::Running(running) => running,
        _ => unreachable!("waited for it"),
    }
}

#[tokio::test]
async fn answers_in_operator_mode_from_a_folder_with_any_name() {
    let directory = tempfile::tempdir().unwrap();
    let folder = directory.path().join("it's a \"data\" folder, \\ # 日本 {x}; $HOME");
    let server = start(config(&folder)).await;
    let info = info(server.listen());
    assert!(info.contains("\"auth_required\":true") && info.contains("\"jetstream\":true"), "{info}");
    let options = monitor(server.monitor(), "/varz");
    assert!(options.contains("\"sync_always\": true") && options.contains("\"max_payload\": 1048576"), "{options}");
    assert!(folder.join("jetstream").is_dir());
    let addresses = HashSet::from([server.listen(), server.websocket(), server.monitor()]);
    assert_eq!(addresses.len(), 3);
    let mut state = server.state();
    let Running { pid, .. } = running(&mut state, 0).await;
    signal(&format!("-{pid}"), "0"); // It leads a process group of its own.
    server.stop().await;
    assert_eq!(*state.borrow_and_update(), State::Stopped);
    assert!(
        !Command::new("sh")
            .args(["-c", "kill -0 \"$0\"", &pid.to_string()])
            .stderr(Stdio::null())
            .status()
            .unwrap()
            .success()
    );
    assert!(addresses.iter().all(|address| TcpListener::bind(address).is_ok()), "every port is free again");
}

#[tokio::test]
async fn killed_it_comes_back_on_the_same_ports() {
    let directory = tempfile::tempdir().unwrap();
    let server = start(config(directory.path())).await;
    let mut state = server.state();
    let first = running(&mut state, 0).await;
    signal(&first.pid.to_string(), "KILL");
    let second = running(&mut state, first.pid).await;
    assert_eq!(Running { pid: first.pid, ..second }, first);
    assert!(info(second.listen).starts_with("INFO "));
    drop(server);
    assert!(TcpListener::bind(first.listen).is_ok(), "dropped is gone");
}

#[tokio::test]
async fn neither_start_nor_restart_puts_an_older_jwt_over_a_newer() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("accounts").join(format!("{ACCOUNT}.jwt"));
    start(config(directory.path())).await.stop().await;
    assert_eq!(fs::read_to_string(&file).unwrap(), OLDER);
    fs::write(&file, NEWER).unwrap();
    let server = start(config(directory.path())).await;
    assert_eq!(fs::read_to_string(&file).unwrap(), NEWER);
    let mut state = server.state();
    let first = running(&mut state, 0).await;
    signal(&first.pid.to_string(), "KILL");
    running(&mut state, first.pid).await;
    assert_eq!(fs::read_to_string(&file).unwrap(), NEWER);
    server.stop().await;
    // A file that a kill cut short is repaired from the preload.
    fs::write(&file, &NEWER[..100]).unwrap();
    start(config(directory.path())).await.stop().await;
    assert_eq!(fs::read_to_string(&file).unwrap(), OLDER);
}

#[tokio::test]
async fn one_that_does_not_end_when_asked_is_killed() {
    let directory = tempfile::tempdir().unwrap();
    let options = Options { stop_within: Duration::from_millis(1), ..Options::default() };
    let server = Server::start(&broker(), config(directory.path()), options).await.unwrap();
    let Running { pid, listen, .. } = running(&mut server.state(), 0).await;
    // A stopped process does not hear SIGTERM.
    signal(&pid.to_string(), "STOP");
    server.stop().await;
    assert!(TcpListener::bind(listen).is_ok());
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn nothing_of_our_environment_reaches_it_that_it_does_not_need() {
    let directory = tempfile::tempdir().unwrap();
    let server = start(config(directory.path())).await;
    let Running { pid, .. } = running(&mut server.state(), 0).await;
    assert!(env::var_os("CARGO_MANIFEST_DIR").is_some(), "cargo sets it for tests");
    let environment = fs::read_to_string(format!("/proc/{pid}/environ")).unwrap();
    assert!(environment.contains("PATH=") && !environment.contains("CARGO_MANIFEST_DIR"), "{environment}");
}

#[tokio::test]
async fn a_taken_port_is_named_and_nothing_is_made() {
    let directory = tempfile::tempdir().unwrap();
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap();
    let folder = directory.path().join("broker");
    for choose in
        [|c: &mut Config, a| c.listen = a, |c: &mut Config, a| c.websocket = a, |c: &mut Config, a| c.monitor = a]
    {
        let mut config = config(&folder);
        choose(&mut config, address);
        let error = Server::start(&broker(), config, Options::default()).await.unwrap_err();
        assert!(
            matches!(error, StartError::Taken { .. }) && error.to_string().contains(&address.to_string()),
            "{error}"
        );
        assert!(!folder.exists());
    }
}

#[tokio::test]
async fn monitoring_is_refused_off_loopback() {
    let directory = tempfile::tempdir().unwrap();
    let mut config = config(directory.path());
    config.monitor = SocketAddr::from(([0, 0, 0, 0], 0));
    let error = Server::start(&broker(), config, Options::default()).await.unwrap_err();
    assert!(matches!(error, StartError::MonitorOffLoopback(_)));
}

#[tokio::test]
async fn a_broker_that_ends_at_once_is_an_error_with_its_last_words() {
    let directory = tempfile::tempdir().unwrap();
    let mut config = config(directory.path());
    config.operator_jwt = "no JWT".to_owned();
    let error = Server::start(&broker(), config, Options::default()).await.unwrap_err();
    let StartError::Ended { said, .. } = &error else { panic!("{error}") };
    assert!(!said.is_empty() && error.to_string().contains("error parsing operator JWT"), "{error}");
}

#[tokio::test]
async fn a_second_broker_on_the_folder_is_refused_by_name() {
    let directory = tempfile::tempdir().unwrap();
    let server = start(config(directory.path())).await;
    let Running { pid, .. } = running(&mut server.state(), 0).await;
    let error = Server::start(&broker(), config(directory.path()), Options::default()).await.unwrap_err();
    assert!(matches!(&error, StartError::Busy { pid: Some(other), .. } if *other == pid), "{error}");
    assert!(info(server.listen()).starts_with("INFO "), "the first goes on");
}

#[tokio::test]
async fn a_start_given_up_leaves_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let binary = broker();
    // Polled once: the thread runs, and its answer is awaited.
    let mut starting = Box::pin(Server::start(&binary, config(directory.path()), Options::default()));
    std::future::poll_fn(|context| {
        let _ = starting.as_mut().poll(context);
        std::task::Poll::Ready(())
    })
    .await;
    drop(starting);
    let lock = directory.path().join("broker.lock");
    assert!(File::open(lock).map_or(true, |lock| lock.try_lock().is_ok()), "no broker holds the folder");
}

/// The process that is killed by the next test; by itself it does nothing.
#[tokio::test]
async fn as_a_parent() {
    let Some(directory) = env::var_os(PARENT) else { return };
    let server = start(config(Path::new(&directory))).await;
    println!("\nlistens {}", server.listen());
    std::io::stdin().read_line(&mut String::new()).unwrap();
    unreachable!("killed before");
}

#[tokio::test]
async fn a_parent_that_is_killed_takes_the_broker_along() {
    let directory = tempfile::tempdir().unwrap();
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "nats_server::tests::as_a_parent", "--nocapture"]).env(PARENT, directory.path());
    let mut parent = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(parent.stdout.take().unwrap()).lines().map(Result::unwrap);
    let listens = lines.find_map(|line| line.strip_prefix("listens ").map(str::to_owned)).unwrap();
    assert!(info(listens.parse().unwrap()).starts_with("INFO "));
    parent.kill().unwrap();
    parent.wait().unwrap();
    // The broker holds the lock as long as it lives; a start waits for that, and gets the port.
    let mut again = config(directory.path());
    again.listen = listens.parse().unwrap();
    start(again).await.stop().await;
}
