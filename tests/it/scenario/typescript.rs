//! The quick start in TypeScript (`clients/typescript`): its types are what the document says, it passes the compiler, and it comes from
//! nothing to its first message, from an origin of its own.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

use crate::support::{Ran, World, node_modules, run, tool};

const ORIGIN: &str = "http://localhost:5173";

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The client beside its packages, compiled.
fn built() -> TempDir {
    let (folder, from) = (TempDir::new().unwrap(), repository().join("clients/typescript"));
    fs::create_dir_all(folder.path().join("src/generated")).unwrap();
    for file in ["package.json", "tsconfig.json", "src/quickstart.ts", "src/mistakes.ts", "src/generated/relais.ts"] {
        fs::copy(from.join(file), folder.path().join(file)).unwrap();
    }
    let packages = node_modules("typescript");
    symlink(&packages, folder.path().join("node_modules")).unwrap();
    let compiled = run(node(&packages.join("typescript/bin/tsc")).args(["--outDir", "dist"]).current_dir(&folder), "");
    assert_eq!(compiled.code, 0, "{}{}", compiled.stdout, compiled.stderr);
    folder
}

fn node(script: &Path) -> Command {
    let mut command = Command::new(tool("node"));
    // Node.js 20 and 21 have none unless they are told so.
    command.arg("--experimental-websocket").arg(script);
    command
}

fn quick_start(folder: &TempDir, server: &str) -> Ran {
    let mut command = node(&folder.path().join("dist/quickstart.js"));
    run(command.env("RELAIS_SERVER", server).env("ORIGIN", ORIGIN).env("EMAIL", "ada@example.org"), "")
}

#[test]
fn its_types_are_what_the_document_says() {
    let folder = TempDir::new().unwrap();
    let written = folder.path().join("relais.ts");
    let generator = node_modules("typescript").join("openapi-typescript/bin/cli.js");
    let document = repository().join("openapi/relais.json");
    let ran = run(node(&generator).arg(document).arg("--output").arg(&written), "");
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    let committed = fs::read_to_string(repository().join("clients/typescript/src/generated/relais.ts")).unwrap();
    assert!(fs::read_to_string(written).unwrap() == committed, "`./x clients` writes them anew");
}

#[test]
fn it_comes_to_its_first_message_from_an_origin_of_its_own() {
    let (world, folder) = (World::new(), built());
    let up = world.up_with(|command| _ = command.env("RELAIS_HTTP__ALLOWED_ORIGINS", ORIGIN));
    let ran = quick_start(&folder, up.text("http"));
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.starts_with("ada@example.org heard on to."), "{}", ran.stdout);
    assert!(ran.stdout.ends_with(".ping: hello from TypeScript\n"), "{}", ran.stdout);
    up.stop();
}

#[test]
fn an_origin_that_is_not_named_is_told_so() {
    let (world, folder) = (World::new(), built());
    let up = world.up();
    let ran = quick_start(&folder, up.text("http"));
    assert!(ran.code == 1 && ran.stderr.contains("http.allowed_origins"), "{} {}", ran.code, ran.stderr);
    up.stop();
}
