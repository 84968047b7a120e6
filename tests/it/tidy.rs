//! The house rules that no compiler knows: who may name whom, how a file opens, where versions stand.
//!
//! Each test collects every breach and shows them all. What cargo itself can tell is in `tools/fences`, what clippy can
//! tell in `domain/clippy.toml`, what is linked in `deny.toml`.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// The members of the workspace.
const MEMBERS: [&str; 5] = ["proto", "domain", "adapters", "app", "tests"];
/// A longer file is asking to be two.
const LONGEST: usize = 400;

/// A source file: its path from the repository's root, and its text.
struct Source {
    path: String,
    text: String,
}

impl Source {
    /// Its lines with their numbers, without comments (docs among them).
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.text.lines().enumerate();
        lines.map(|(number, line)| (number + 1, line.split("//").next().unwrap_or_default()))
    }

    /// `path:line: why` for every line of code that holds one of the words.
    fn holding(&self, words: &[&str], why: &str) -> Vec<String> {
        let holds = |line: &str| words.iter().any(|word| line.contains(word));
        self.code()
            .filter(|(_, line)| holds(line))
            .map(|(number, _)| format!("{}:{number}: {why}", self.path))
            .collect()
    }

    /// The code without line numbers.
    fn flat(&self) -> String {
        self.code().map(|(_, line)| line).collect::<Vec<_>>().join("\n")
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Every file below a folder of the repository, sorted; not what git ignores.
fn files(folder: &str) -> Vec<Source> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                if !["target", "generated", "node_modules"].contains(&name.as_str()) && !name.starts_with('.') {
                    folders.push(path);
                }
            } else if let Ok(text) = fs::read_to_string(&path) {
                let path = path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
                found.push(Source { path, text });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// The Rust files below a folder.
fn rust(folder: &str) -> Vec<Source> {
    let sources: Vec<Source> = files(folder).into_iter().filter(|source| source.path.ends_with(".rs")).collect();
    assert!(!sources.is_empty(), "{folder} has Rust files");
    sources
}

fn all_rust() -> impl Iterator<Item = Source> {
    MEMBERS.into_iter().flat_map(rust)
}

fn manifest(member: &str) -> toml::Table {
    fs::read_to_string(root().join(member).join("Cargo.toml")).unwrap().parse().unwrap()
}

/// The tables of dependencies in a manifest, those of targets too.
fn dependencies(manifest: &toml::Table) -> Vec<(String, toml::Value)> {
    let mut found = Vec::new();
    for (key, value) in manifest {
        let Some(table) = value.as_table() else { continue };
        if key.ends_with("dependencies") {
            found.extend(table.clone());
        } else if key == "target" {
            found.extend(table.values().filter_map(toml::Value::as_table).flat_map(dependencies));
        }
    }
    found
}

/// The first names after `prefix` (`crate::`, `std::`), also those in braces: `crate::{a, b::c}` gives a and b.
fn named_after(code: &str, prefix: &str) -> BTreeSet<String> {
    let name =
        |text: &str| -> String { text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect() };
    let mut names = BTreeSet::new();
    for (at, _) in code.match_indices(prefix) {
        let word = code[..at].chars().next_back().is_some_and(|c| c.is_alphanumeric() || c == '_');
        let rest = &code[at + prefix.len()..];
        if word {
            continue;
        }
        let Some(list) = rest.strip_prefix('{') else {
            names.insert(name(rest));
            continue;
        };
        let (mut depth, mut item) = (0_u32, String::new());
        for character in list.chars() {
            match character {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => drop(names.insert(name(&std::mem::take(&mut item)))),
                other => item.push(other),
            }
        }
        names.insert(name(&item));
    }
    names
}

#[track_caller]
#[allow(clippy::needless_pass_by_value, reason = "callers have collected it for this")]
fn none(breaches: Vec<String>) {
    assert!(breaches.is_empty(), "{} breaches:\n{}", breaches.len(), breaches.join("\n"));
}

#[test]
fn names_are_found_in_paths_and_in_braces() {
    let code = "use crate::{nats::{Bus, x}, sql, \n files}; crate::http::y; not_crate::z";
    assert_eq!(named_after(code, "crate::").into_iter().collect::<Vec<_>>(), ["files", "http", "nats", "sql"]);
}

#[test]
fn the_domain_names_no_file_socket_environment_process_or_thread() {
    let outside = BTreeSet::from(["fs", "net", "env", "process", "thread"].map(String::from));
    let breaches = rust("domain").into_iter().flat_map(|source| {
        let named = named_after(&source.flat(), "std::");
        named.intersection(&outside).map(|name| format!("{}: std::{name}", source.path)).collect::<Vec<_>>()
    });
    none(breaches.collect());
}

#[test]
fn no_adapter_names_another() {
    let folder = |source: &Source| source.path.split('/').nth(2).map(str::to_owned);
    let sources = rust("adapters/src");
    // A vendor is a folder; a file beside them is what they share, and names none. So does `tls`, which has several.
    let folders = sources.iter().filter(|s| s.path.matches('/').count() > 2).filter_map(folder);
    let vendors: BTreeSet<String> = folders.filter(|name| name != "tls").collect();
    assert!(vendors.contains("nats_server"), "{vendors:?}");
    let breaches = sources.iter().filter(|source| source.path != "adapters/src/lib.rs").flat_map(|source| {
        let own = folder(source);
        let code = source.flat();
        let mut named = named_after(&code, "crate::");
        named.append(&mut named_after(&code, "relais_adapters::"));
        let others = named.into_iter().filter(|name| vendors.contains(name) && Some(name) != own.as_ref());
        others.map(|name| format!("{}: the adapter {name}", source.path)).collect::<Vec<_>>()
    });
    none(breaches.collect());
}

#[test]
fn the_application_and_the_domain_name_no_vendor() {
    let adapters = manifest("adapters");
    let optional = |value: &toml::Value| value.get("optional").and_then(toml::Value::as_bool) == Some(true);
    let vendors: BTreeSet<String> =
        dependencies(&adapters).into_iter().filter(|(_, value)| optional(value)).map(|(name, _)| name).collect();
    assert!(vendors.contains("tokio-websockets") && vendors.contains("sea-orm"), "{vendors:?}");
    // Small pure crates that the domain may use too (tools/domain-crates.txt), and that an adapter uses on request.
    let vendors: BTreeSet<String> = vendors.into_iter().filter(|name| name != "sha2").collect();
    let mut breaches = Vec::new();
    for member in ["app", "domain", "proto"] {
        let named = dependencies(&manifest(member)).into_iter().map(|(name, _)| name);
        // Both need the compiler of .proto files: proto to build, and the adapter `reflect` at run time.
        let named = named.filter(|name| vendors.contains(name) && (member, name.as_str()) != ("proto", "protox"));
        breaches.extend(named.map(|name| format!("{member}/Cargo.toml: {name} is a vendor of an adapter")));
    }
    // Nor through the back door.
    for source in rust("adapters/src") {
        let vendors = vendors.iter().map(|vendor| vendor.replace('-', "_"));
        let passed_on = vendors.flat_map(|vendor| [format!("pub use {vendor}::"), format!("pub use ::{vendor}::")]);
        let passed_on: Vec<String> = passed_on.collect();
        let words: Vec<&str> = passed_on.iter().map(String::as_str).collect();
        breaches.extend(source.holding(&words, "a vendor's type is passed on"));
    }
    none(breaches);
}

#[test]
fn every_file_opens_with_what_the_room_is_for() {
    let opens = |source: &Source| source.text.starts_with("//! ");
    none(all_rust().filter(|source| !opens(source)).map(|source| format!("{}: no //!", source.path)).collect());
}

#[test]
fn no_file_is_too_long() {
    let length = |source: &Source| source.text.lines().count();
    let long = all_rust().filter(|source| length(source) > LONGEST);
    none(long.map(|source| format!("{}: {} lines", source.path, length(&source))).collect());
}

#[test]
fn nothing_is_left_for_later_and_no_test_is_skipped() {
    let words = [
        concat!("to", "do!("),
        concat!("unimple", "mented!("),
        concat!("#[ig", "nore"),
        concat!("#![al", "low(warnings"),
    ];
    none(all_rust().flat_map(|source| source.holding(&words, "left for later, or skipped")).collect());
}

#[test]
fn only_the_clock_waits_for_time() {
    let words = [concat!("thread::", "sleep"), concat!("time::", "sleep")];
    // The clock itself; a file lock and a full table of file descriptors, which tell nobody when they are free again.
    let may = ["adapters/src/system/", "adapters/src/nsc/files.rs", "adapters/src/http/server.rs"];
    let sources = all_rust().filter(|source| !may.iter().any(|path| source.path.starts_with(path)));
    none(sources.flat_map(|source| source.holding(&words, "wait for what happens, or ask the port Clock")).collect());
}

#[test]
fn nothing_knows_the_machine_it_was_written_on() {
    // "ada" and "you" are the people of the docs' examples.
    let people = ["/home/ada", "/home/you"];
    let own = format!("{}/", root().parent().unwrap().display());
    let folders = [concat!("/ro", "ot/"), "/home/", "/Users/", "/tmp/", own.as_str()].map(str::to_owned);
    let folders: Vec<String> = folders.into_iter().filter(|folder| folder.len() > 2).collect();
    let mut breaches = Vec::new();
    let top =
        ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "Cargo.toml", "justfile", "x", "deny.toml"];
    let top = top.into_iter().filter_map(|name| {
        let text = fs::read_to_string(root().join(name)).ok()?;
        Some(Source { path: name.to_owned(), text })
    });
    let folders_of_files = MEMBERS.into_iter().chain(["docs", "tools"]);
    for source in folders_of_files.flat_map(files).chain(top) {
        // This list, and nothing else.
        if source.path == "tests/it/tidy.rs" || source.path.ends_with(".sum") {
            continue;
        }
        for (number, line) in source.text.lines().enumerate() {
            let line = people.iter().fold(line.to_owned(), |line, person| line.replace(person, ""));
            // A path begins a word; `a/home/b` does not.
            let begins = |folder: &String| {
                let before = |at: usize| line[..at].chars().next_back();
                let word = |c: char| c.is_alphanumeric() || "/._-}".contains(c);
                line.match_indices(folder.as_str()).any(|(at, _)| !before(at).is_some_and(word))
            };
            let found = folders.iter().filter(|folder| begins(folder));
            breaches.extend(found.map(|folder| format!("{}:{}: {folder}", source.path, number + 1)));
        }
    }
    none(breaches);
}

#[test]
fn versions_stand_in_the_root_table_only() {
    let mut breaches = Vec::new();
    for member in MEMBERS {
        let manifest = manifest(member);
        for (name, value) in dependencies(&manifest) {
            let inherited = value.get("workspace").and_then(toml::Value::as_bool) == Some(true);
            let itself = value.get("path").and_then(toml::Value::as_str) == Some(".");
            if value.is_str() || value.get("version").is_some() || !(inherited || itself) {
                breaches.push(format!("{member}/Cargo.toml: {name} does not come from the root's table"));
            }
        }
        for key in ["version", "edition", "rust-version", "license", "repository"] {
            if manifest["package"].get(key).and_then(|value| value.get("workspace")).is_none() {
                breaches.push(format!("{member}/Cargo.toml: {key} does not come from the root"));
            }
        }
        if manifest.get("lints").and_then(|lints| lints.get("workspace")).is_none() {
            breaches.push(format!("{member}/Cargo.toml: the lints do not come from the root"));
        }
    }
    none(breaches);
}

#[test]
fn every_port_has_a_fake_and_a_contract() {
    let ports = rust("domain/src/ports").into_iter().filter(|source| !source.path.ends_with("/mod.rs"));
    let breaches = ports.flat_map(|port| {
        let name = port.path.rsplit('/').next().unwrap().to_owned();
        let has = |room: &str, word: &str| {
            let path = root().join("domain/src").join(room).join(&name);
            fs::read_to_string(path).is_ok_and(|text| text.contains(word))
        };
        let mut breaches = Vec::new();
        for (room, word) in [("memory", "impl "), ("testing", "fn ")] {
            if port.text.contains("pub trait ") && !has(room, word) {
                breaches.push(format!("{}: nothing in domain/src/{room}/{name}", port.path));
            }
        }
        breaches
    });
    none(breaches.collect());
}

#[test]
fn the_domain_repeats_the_roots_clippy_settings() {
    let table = |path: &str| fs::read_to_string(root().join(path)).unwrap().parse::<toml::Table>().unwrap();
    let domain = table("domain/clippy.toml");
    let differs = table("clippy.toml").into_iter().filter(|(key, value)| domain.get(key) != Some(value));
    none(differs.map(|(key, _)| format!("domain/clippy.toml: {key} is not as in clippy.toml")).collect());
}
