//! What a person at a terminal sees.

use std::process::Command;

use crate::support::{PASSWORD, User, World, python, run};

/// Runs a command on a terminal of its own, types a line at each prompt, and prints everything the terminal showed.
const TYPIST: &str = r#"
import os, pty, sys, termios, time
lines = sys.stdin.read().split("\n")
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
shown = b""
while True:
    try:
        piece = os.read(terminal, 4096)
    except OSError:
        break
    if not piece:
        break
    shown += piece
    if shown.rstrip().endswith((b":", b"[y/N]")) and lines:
        # As a person does, it types a while after the prompt; unlike one, it looks whether echo is off by then. What is asked
        # for with yes or no is shown.
        give_up = time.monotonic() + (20 if shown.rstrip().endswith(b":") else 0)
        while termios.tcgetattr(terminal)[3] & termios.ECHO and time.monotonic() < give_up:
            os.sched_yield()
        os.write(terminal, lines.pop(0).encode() + b"\n")
        shown += b"<typed>"
sys.stdout.buffer.write(shown)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"#;

/// As `command`, but on a terminal.
fn at_a_terminal(command: &Command) -> Command {
    let mut typist = Command::new(python());
    typist.args(["-c", TYPIST]).arg(command.get_program()).args(command.get_args());
    typist.current_dir(command.get_current_dir().unwrap());
    for (name, value) in command.get_envs() {
        typist.env(name, value.unwrap());
    }
    typist
}

#[test]
fn a_password_is_asked_for_and_not_shown() {
    let world = World::new();
    let up = world.up();
    let mut register = world.relais(&["register", "ada@example.org", "--server", up.text("http")]);
    let registered = run(&mut at_a_terminal(register.env("TERM", "xterm")), &format!("{PASSWORD}\n{PASSWORD}"));
    assert_eq!(registered.code, 0, "{}{}", registered.stdout, registered.stderr);
    assert_eq!(registered.stdout.matches("<typed>").count(), 2, "a new one is asked for twice: {}", registered.stdout);
    assert!(!registered.stdout.contains(PASSWORD), "{}", registered.stdout);

    let mut login = world.relais(&["login", "ada@example.org", "--server", up.text("http")]);
    let logged_in = run(&mut at_a_terminal(login.env("TERM", "xterm")), PASSWORD);
    assert_eq!(logged_in.code, 0, "{}{}", logged_in.stdout, logged_in.stderr);
    assert!(logged_in.stdout.contains("<typed>") && !logged_in.stdout.contains(PASSWORD), "{}", logged_in.stdout);
    let asked = run(&mut world.relais(&["request", "echo", "hi"]), "");
    assert_eq!(asked.stdout, "echo hi\n", "the profile is the default one, and knows its server: {}", asked.stderr);
}

#[test]
fn who_is_removed_is_asked_about_and_colours_are_for_a_terminal() {
    let world = World::new();
    let up = world.up();
    let (ada, bob) = (User::new(&world, &up, "ada"), User::new(&world, &up, "bob"));
    let claim = ["admin", "claim", "ada@example.org", "--token", up.text("setup_token")];
    assert_eq!(ada.run_with(&claim, PASSWORD).code, 0);
    assert_eq!(ada.run(&["users", "disable", bob.id()]).code, 0);
    let on_terminal = |line: &[&str], name: &str, value: &str, typed: &str| {
        run(&mut at_a_terminal(ada.command(line).env("TERM", "xterm").env(name, value)), typed)
    };
    let yellow = format!("\u{1b}[33m{}", bob.id());
    let list = on_terminal(&["users", "list"], "LANG", "C", "");
    assert!(list.code == 0 && list.stdout.contains(&yellow), "{}", list.stdout);
    let plain = on_terminal(&["users", "list"], "NO_COLOR", "1", "");
    assert!(plain.stdout.contains(bob.id()) && !plain.stdout.contains('\u{1b}'), "{}", plain.stdout);
    let piped = run(ada.command(&["users", "list"]).env("TERM", "xterm").env("CLICOLOR_FORCE", "1"), "");
    assert!(piped.stdout.contains(bob.id()) && !piped.stdout.contains('\u{1b}'), "{}", piped.stdout);

    let delete = ["users", "delete", "bob@example.org"];
    let kept = on_terminal(&delete, "LANG", "C", "n");
    let asked =
        format!("This removes bob@example.org ({}) with everything they have, for good. Do it? [y/N]", bob.id());
    assert!(kept.stdout.contains(&asked) && kept.stdout.contains("nothing was done"), "{}", kept.stdout);
    assert_eq!((kept.code, ada.run(&["users", "show", bob.id()]).code), (1, 0));
    let gone = on_terminal(&delete, "LANG", "C", "y");
    assert!(gone.code == 0 && gone.stdout.contains("is gone"), "{}", gone.stdout);
    assert_eq!(ada.run(&["users", "show", bob.id()]).code, 1);
}
