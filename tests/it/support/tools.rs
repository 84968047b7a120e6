//! Where the pinned tools are.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

/// The path of a pinned tool: in `RELAIS_TOOLS`, in `.tools/bin` of the repository, or on `PATH`.
///
/// # Panics
/// When it is nowhere, with the command that installs it.
pub(crate) fn tool(name: &str) -> PathBuf {
    let own = env::var_os("RELAIS_TOOLS").map(PathBuf::from);
    let repository = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../.tools");
    let folders = own.into_iter().chain([repository]).map(|folder| folder.join("bin"));
    let path = env::var_os("PATH").unwrap_or_default();
    let found = folders.chain(env::split_paths(&path)).map(|folder| folder.join(name)).find(|path| path.is_file());
    found.unwrap_or_else(|| panic!("{name} is missing; `./x tools` installs it"))
}

/// Where `./x tools` puts what it installs.
fn tools() -> PathBuf {
    let own = env::var_os("RELAIS_TOOLS").map(PathBuf::from);
    own.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../.tools"))
}

/// What AsyncAPI's own parser reads in a document: the JSON that `tools/asyncapi/check.cjs` prints.
///
/// # Panics
/// When the parser is nowhere, with the command that installs it.
pub(crate) fn asyncapi(document: &Path) -> Value {
    let folder = tools().join("asyncapi");
    assert!(
        folder.join("node_modules/@asyncapi/parser").is_dir(),
        "AsyncAPI's parser is missing; `./x tools` installs it"
    );
    let check = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tools/asyncapi/check.cjs");
    let ran = Command::new(tool("node")).arg(check).arg(folder).arg(document).output();
    let ran = ran.expect("node runs");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    serde_json::from_slice(&ran.stdout).expect("the check prints JSON")
}

/// The Node.js packages that `./x tools` has put into a folder of this name.
///
/// # Panics
/// When they are nowhere, with the command that installs them.
pub(crate) fn node_modules(name: &str) -> PathBuf {
    let packages = tools().join(name).join("node_modules");
    assert!(packages.is_dir(), "the packages of {name} are missing; `./x tools` installs them");
    packages
}

/// The Python that has nats.py and aiosmtpd.
///
/// # Panics
/// When it is nowhere, with the command that installs it.
pub(crate) fn python() -> PathBuf {
    let python = tools().join("venv/bin/python");
    assert!(python.is_file(), "Python with nats.py is missing; `./x tools` installs it");
    python
}
