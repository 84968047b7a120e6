//! Where the pinned tools are.

use std::{env, path::PathBuf};

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

/// The Python that has nats.py.
///
/// # Panics
/// When it is nowhere, with the command that installs it.
pub(crate) fn python() -> PathBuf {
    let own = env::var_os("RELAIS_TOOLS").map(PathBuf::from);
    let tools = own.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../.tools"));
    let python = tools.join("venv/bin/python");
    assert!(python.is_file(), "nats.py is missing; `./x tools` installs it");
    python
}
