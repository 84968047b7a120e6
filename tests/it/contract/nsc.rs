//! The real `nsc` reads the store that Relais makes, and finds nothing wrong with it.

use std::{fs, process::Command};

use crate::support::{Ran, User, World, run, tool};

fn nsc(world: &World, arguments: &[&str]) -> Ran {
    let data = world.path("data/nsc");
    let mut command = Command::new(tool("nsc"));
    command.args(arguments).arg("--config-dir").arg(world.path("nsc-config"));
    command.arg("--data-dir").arg(data.join("stores")).arg("--keystore-dir").arg(data.join("keys"));
    command.env("HOME", world.path("home")).env("NKEYS_PATH", data.join("keys")).env("NSC_NO_GIT_IGNORE", "true");
    let mut ran = run(&mut command, "");
    // nsc tells its results on standard error.
    ran.stdout.push_str(&ran.stderr);
    ran
}

#[test]
fn nsc_reads_what_we_made() {
    let world = World::new();
    let up = world.up();
    // Devices are not in the store: a hundred thousand files would drown nsc, and one expired user turns it red.
    let _ada = User::new(&world, &up, "ada");
    up.stop();
    fs::create_dir_all(world.path("home")).unwrap();
    let selected = nsc(&world, &["env", "--operator", "relais"]);
    assert_eq!(selected.code, 0, "{}", selected.stdout);
    let validated = nsc(&world, &["validate", "--all-accounts"]);
    assert_eq!(validated.code, 0, "{}", validated.stdout);
    assert!(!validated.stdout.contains("[ERR ]"), "{}", validated.stdout);
    let accounts = nsc(&world, &["list", "accounts"]);
    for name in ["app", "SYS", "OPS"] {
        assert!(accounts.stdout.contains(name), "{name} in {}", accounts.stdout);
    }
    let described = nsc(&world, &["describe", "account", "--name", "app", "--json"]);
    assert_eq!(described.code, 0, "{}", described.stdout);
    assert!(described.stdout.contains("{{tag(user)}}"), "the role's template: {}", described.stdout);
    let keys = nsc(&world, &["list", "keys", "--all"]);
    assert!(keys.code == 0 && !keys.stdout.to_lowercase().contains("missing"), "{}", keys.stdout);
}
