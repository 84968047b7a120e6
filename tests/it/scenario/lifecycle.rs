//! Start, end, and what happens when a part dies.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::support::{Ran, Up, User, World, run, signal, tool};

/// The pid of the nats-server that serves this address, by the broker's own report.
pub(super) fn broker_pid(world: &World) -> u32 {
    let children = pids_of_children(&world.path("data"));
    assert_eq!(children.len(), 1, "one broker runs on this data folder: {children:?}");
    children[0]
}

/// Pids of the nats-servers whose configuration lies in `data`.
fn pids_of_children(data: &Path) -> Vec<u32> {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let ours = |pid: &u32| {
        let arguments = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let text = String::from_utf8_lossy(&arguments).into_owned();
        text.contains("nats-server") && text.contains(data.to_str().unwrap())
    };
    pids.filter(ours).collect()
}

/// Waits until a process is gone.
pub(super) fn gone(pid: u32) {
    while Path::new(&format!("/proc/{pid}")).exists()
        && !fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default().contains(") Z ")
    {
        std::thread::yield_now();
    }
}

fn echo(ada: &User<'_>) -> Ran {
    ada.run(&["request", "echo", "hi", "--timeout", "30s"])
}

#[test]
fn ctrl_c_ends_everything_and_the_next_start_goes_on_where_it_was() {
    let world = World::new();
    let up = world.up();
    let ada = User::new(&world, &up, "ada");
    let broker = broker_pid(&world);
    up.stop();
    gone(broker);
    assert_eq!(pids_of_children(&world.path("data")), Vec::<u32>::new(), "nothing is left running");

    let up = world.up();
    let again = User::at_known(&world, &up, "ada");
    assert_eq!(again.id(), ada.id(), "users, keys and accounts are kept");
    assert_eq!(echo(&again).stdout, "echo hi\n");
    up.signal("TERM");
    assert!(up.wait().0.success(), "SIGTERM is as good as Ctrl-C");
}

#[test]
fn the_old_credentials_work_after_a_restart() {
    let world = World::new();
    let up = world.up_with(|_| {});
    let ports = [("RELAIS_HTTP__LISTEN", up.text("http")), ("RELAIS_NATS__LISTEN", up.text("nats"))];
    let ports = ports.map(|(name, url)| (name, url.split("//").nth(1).unwrap().to_owned()));
    let ada = User::new(&world, &up, "ada");
    up.stop();
    let up = world.up_with(|command| {
        command.envs(ports.clone());
    });
    assert_eq!(echo(&ada).stdout, "echo hi\n");
    up.stop();
}

#[test]
fn the_broker_ends_with_us_when_we_are_killed() {
    let world = World::new();
    let up = world.up();
    let broker = broker_pid(&world);
    up.signal("KILL");
    let _ = up.wait();
    gone(broker);
    let up = world.up();
    assert_ne!(broker_pid(&world), broker);
    up.stop();
}

#[test]
fn a_broker_that_dies_comes_back_on_the_same_ports() {
    let world = World::new();
    let up = world.up();
    let ada = User::new(&world, &up, "ada");
    for _ in 0..2 {
        let broker = broker_pid(&world);
        signal(broker, "KILL");
        gone(broker);
        // A request finds nobody until the broker and the service are back; then it is answered.
        while echo(&ada).code != 0 {}
        assert_ne!(broker_pid(&world), broker);
    }
    up.stop();
}

#[test]
fn ctrl_c_during_a_request_answers_it_first() {
    let world = World::new();
    let up = world.up();
    let ada = User::new(&world, &up, "ada");
    // Many at once, so that some are under way when the signal comes.
    let asked: Vec<_> = (0..8)
        .map(|_| {
            let mut command = ada.command(&["request", "echo", "hi"]);
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    up.signal("INT");
    for child in asked {
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(matches!(output.status.code(), Some(0 | 4)), "answered, or told that nobody is there: {stderr}");
    }
    assert!(up.wait().0.success());
}

/// Runs `up`, expects it to fail with one sentence that has `words`, and to leave nothing behind.
fn refuses(world: &World, set: impl FnOnce(&mut Command), words: &[&str]) {
    let mut command = world.relais(&["up", "--json"]);
    set(&mut command);
    let ran = run(&mut command, "");
    assert_eq!((ran.code, ran.stdout.as_str()), (1, ""), "{}", ran.stderr);
    for word in words {
        assert!(ran.stderr.contains(word), "says {word:?}: {}", ran.stderr);
    }
    assert!(!ran.stderr.contains("panicked"), "{}", ran.stderr);
    assert_eq!(pids_of_children(&world.path("data")), Vec::<u32>::new(), "nothing half-started is left");
}

#[test]
fn a_port_that_is_taken_is_named() {
    let world = World::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for setting in ["RELAIS_HTTP__LISTEN", "RELAIS_NATS__LISTEN", "RELAIS_NATS__WEBSOCKET", "RELAIS_NATS__MONITOR"] {
        refuses(&world, |command| _ = command.env(setting, &address), &[&address, "in use"]);
    }
    world.up().stop();
}

#[test]
fn a_data_folder_that_cannot_be_written_is_named() {
    let world = World::new();
    fs::write(world.path("file"), "").unwrap();
    let inside = world.path("file/data");
    refuses(&world, |command| _ = command.env("RELAIS_DATA", &inside), &[inside.to_str().unwrap()]);
    refuses(&world, |command| _ = command.env("RELAIS_DATA", "/proc/relais"), &["/proc/relais"]);
}

#[test]
fn two_cannot_share_a_data_folder() {
    let world = World::new();
    let up = world.up();
    let second = run(&mut world.relais(&["up", "--json"]), "");
    assert_eq!(second.code, 1);
    assert!(second.stderr.contains("another") && second.stderr.contains("data"), "{}", second.stderr);
    up.stop();
}

fn pretend(world: &World, name: &str, script: &str) -> PathBuf {
    let path = world.path(name);
    fs::write(&path, script).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

#[test]
fn a_wrong_broker_is_named_with_what_is_needed() {
    let world = World::new();
    let old = pretend(&world, "old", "#!/bin/sh\necho 'nats-server: v2.10.29'\n");
    refuses(&world, |command| _ = command.env("RELAIS_NATS__SERVER", &old), &["2.10.29", "2.14.3"]);
    let odd = pretend(&world, "odd", "#!/bin/sh\necho hello\n");
    refuses(&world, |command| _ = command.env("RELAIS_NATS__SERVER", &odd), &["odd"]);
    refuses(&world, |command| _ = command.env("RELAIS_NATS__SERVER", "/no/such"), &["/no/such"]);
    refuses(&world, |command| _ = command.env("PATH", "/nowhere"), &["nats-server"]);
}

#[test]
fn keys_lie_where_only_their_owner_reads_and_open_ones_are_refused() {
    let world = World::new();
    world.up().stop();
    let mut seeds = Vec::new();
    let mut folders = vec![world.path("data")];
    while let Some(folder) = folders.pop() {
        let mode = fs::metadata(&folder).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o700, "{}", folder.display());
        for entry in fs::read_dir(&folder).unwrap().flatten() {
            let (path, kind) = (entry.path(), entry.file_type().unwrap());
            if kind.is_dir() {
                // nats-server keeps its own folders below, behind ours.
                if path != world.path("data/nats") {
                    folders.push(path);
                }
                continue;
            }
            let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o077;
            assert_eq!(mode, 0, "{} is for its owner alone", path.display());
            if path.extension().is_some_and(|end| end == "nk") {
                seeds.push(path);
            }
        }
    }
    assert!(seeds.len() >= 6, "operator, three accounts and their signing keys: {seeds:?}");
    fs::set_permissions(&seeds[0], fs::Permissions::from_mode(0o644)).unwrap();
    refuses(&world, |_| {}, &[seeds[0].to_str().unwrap(), "chmod"]);
}

/// Memory of a process in KiB, as the system counts it.
pub(super) fn resident(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn logins_leave_no_memory_behind() {
    let world = World::new();
    let up = world.up();
    let mut ada = User::new(&world, &up, "ada");
    for _ in 0..12 {
        ada.login();
    }
    let after = resident(up.pid());
    assert!(after < 60 * 1024, "an idle `relais up` takes less than 60 MB, also after a dozen logins: {after} KiB");
}

#[test]
fn serve_uses_a_broker_of_your_own() {
    let world = World::new();
    // What `up` made is a broker with our accounts; its configuration is all an operator needs.
    let up = world.up();
    let ada = User::new(&world, &up, "ada");
    up.stop();
    let config = world.path("data/nats/server.conf");
    let mut command = Command::new(tool("nats-server"));
    let mut broker = command.arg("-c").arg(config).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(broker.stderr.take().unwrap()).lines().map_while(Result::ok);
    let listening = lines.find(|line| line.contains("Listening for client connections on ")).unwrap();
    let address = listening.rsplit(' ').next().unwrap().to_owned();
    lines.find(|line| line.contains("Server is ready")).unwrap();
    let reader = std::thread::spawn(move || lines.count());

    let mut serve = world.relais(&["serve", "--json"]);
    serve.env("RELAIS_NATS__URL", format!("nats://{address}")).env("RELAIS_EXAMPLES", "true");
    let serve = Up::start(serve);
    assert_eq!(serve.text("nats"), format!("nats://{address}"));
    assert_eq!(pids_of_children(&world.path("data")), [broker.id()], "it starts no broker of its own");
    let again = User::at_known(&world, &serve, "ada");
    assert_eq!((again.id(), echo(&again).stdout.as_str()), (ada.id(), "echo hi\n"));
    serve.stop();
    assert!(TcpStream::connect(&address).is_ok(), "the broker goes on");

    let mut without = world.relais(&["serve"]);
    let ran = run(&mut without, "");
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("nats.url"), "{}", ran.stderr);
    broker.kill().unwrap();
    broker.wait().unwrap();
    reader.join().unwrap();
    let mut nobody = world.relais(&["serve"]);
    let ran = run(nobody.env("RELAIS_NATS__URL", format!("nats://{address}")), "");
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains(&address), "{}", ran.stderr);
}
