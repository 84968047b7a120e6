//! What a list of processes shows of a backend and its children: arguments and environment.

use std::fs;

use crate::support::{Canaries, Up};

/// Every process below this one.
fn children(of: u32) -> Vec<u32> {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    // Behind the name, which may hold anything.
    let parent = |pid: u32| -> Option<u32> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()
    };
    let own: Vec<u32> = pids.filter(|pid| parent(*pid) == Some(of)).collect();
    own.iter().copied().chain(own.iter().flat_map(|pid| children(*pid))).collect()
}

/// Looks at a backend and its children; `given` are those that it was given in its own environment.
#[track_caller]
pub(super) fn look(up: &Up, canaries: &Canaries, given: &[&str]) {
    let read = |pid: u32, what: &str| fs::read(format!("/proc/{pid}/{what}")).unwrap();
    let broker = children(up.pid());
    assert!(!broker.is_empty(), "the broker is its child");
    for pid in broker {
        let arguments = read(pid, "cmdline");
        assert!(!arguments.is_empty(), "it runs");
        canaries.absent("a child's arguments", arguments);
        canaries.absent("a child's environment", read(pid, "environ"));
    }
    canaries.absent("its own arguments", read(up.pid(), "cmdline"));
    let own = canaries.found_in(&read(up.pid(), "environ"));
    let names: std::collections::BTreeSet<&str> = own.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        given.iter().copied().collect(),
        "what it was given in its environment is found there, and no more"
    );
}
