//! `relais new`: a program to begin with, written from the files in `app/template`.
//!
//! These are the program itself, with `__name__` where its name stands, `__ident__` where Rust and protobuf want the name
//! with `_` for `-`, `__repository__`, and `__relais__` where the manifest says where Relais comes from. A test writes
//! one, builds it and runs it.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use serde_json::json;

use super::{Context, service::quoted, up::program};
use crate::{
    cli::NewArgs,
    exit::{Exit, Failure},
};

/// Each file: its path, and what it says.
const FILES: &[(&str, &str)] = &[
    ("Cargo.toml", include_str!("../../template/manifest.toml")),
    ("build.rs", include_str!("../../template/build.rs")),
    ("__name__.proto", include_str!("../../template/messages.proto")),
    ("src/lib.rs", include_str!("../../template/src/lib.rs")),
    ("src/main.rs", include_str!("../../template/src/main.rs")),
    ("tests/hello.rs", include_str!("../../template/tests/hello.rs")),
    ("relais.toml", include_str!("../../template/relais.toml")),
    ("README.md", include_str!("../../template/README.md")),
    (".gitignore", include_str!("../../template/gitignore")),
];

const REPOSITORY: &str = env!("CARGO_PKG_REPOSITORY");

/// Where the crate was compiled. Looked at before it is believed: a binary may be run anywhere.
const BUILT_FROM: &str = env!("CARGO_MANIFEST_DIR");

/// Where a program gets Relais from.
enum Origin {
    /// A checkout on this machine.
    Checkout(PathBuf),
    /// The repository.
    Repository,
}

/// Writes the program, and says what to do next.
pub(super) fn new(args: &NewArgs, context: &mut Context<'_>) -> Result<(), Failure> {
    let name = args.name.as_str();
    let folder = args.path.clone().unwrap_or_else(|| name.into());
    let folder = std::path::absolute(&folder).unwrap_or(folder);
    prepare(&folder)?;
    let origin = origin(Path::new(BUILT_FROM), &folder);
    let mut files = Vec::new();
    for (path, text) in FILES {
        let path = path.replace("__name__", name);
        let text = text
            .replace("__relais__", &origin.dependency())
            .replace("__repository__", REPOSITORY)
            .replace("__ident__", &name.replace('-', "_"))
            .replace("__name__", name);
        write(&folder.join(&path), &text).map_err(|error| cannot("write", &folder.join(&path), &error))?;
        files.push(path);
    }
    let out = &mut context.terminal.out;
    if context.globals.json {
        let line = json!({"name": name, "folder": folder, "files": files, "relais": origin.place()});
        return Ok(writeln!(out, "{line}")?);
    }
    let (relais, shown) = (program(), |path: &Path| quoted(&path.to_string_lossy()));
    let (creds, proto) = (folder.join(format!("{name}.creds")), folder.join(format!("{name}.proto")));
    writeln!(out, "wrote the program {name} to {}; it takes Relais from {}", folder.display(), origin.place())?;
    writeln!(out, "\nIts route, without a server:\n")?;
    writeln!(out, "  cd {}\n  cargo test", shown(&folder))?;
    writeln!(out, "\nWhile `relais up` runs, in the folder where it runs: who the program is, once.\n")?;
    writeln!(out, "  {relais} service add {name} --out {}", shown(&creds))?;
    writeln!(out, "\nThe program, in its folder; and a question, where you have logged in:\n")?;
    writeln!(out, "  RELAIS_NATS__CREDS={name}.creds cargo run")?;
    Ok(writeln!(out, "  {relais} request {name}.hello Ada --type HelloRequest --descriptors {}", shown(&proto))?)
}

/// Makes the folder; one in which there is something is left alone.
fn prepare(folder: &Path) -> Result<(), Failure> {
    match fs::read_dir(folder).map(|mut inside| inside.next().is_none()) {
        Ok(true) => Ok(()),
        Ok(false) => {
            let what = format!("{} is not empty; nothing was written", folder.display());
            Err(Failure::new(Exit::Failed, what).hint("name another folder with --path FOLDER"))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            fs::create_dir_all(folder).map_err(|error| cannot("make", folder, &error))
        }
        Err(error) => Err(cannot("use", folder, &error)),
    }
}

/// Writes a file that is not there yet.
fn write(path: &Path, text: &str) -> io::Result<()> {
    path.parent().map_or(Ok(()), fs::create_dir_all)?;
    fs::File::create_new(path)?.write_all(text.as_bytes())
}

fn cannot(what: &str, path: &Path, error: &io::Error) -> Failure {
    let why = Failure::of(Exit::Failed, error).what;
    Failure::new(Exit::Failed, format!("cannot {what} {}: {why}", path.display()))
        .hint("name another folder with --path FOLDER")
}

/// The checkout that this program was built from, if it is still there and nobody else's; otherwise the repository.
///
/// What cargo has fetched for itself is no checkout to build on, and it goes when cargo cleans up. Where the checkout was,
/// another user may have put something else by now: a program that depends on it would run their code.
fn origin(built_from: &Path, folder: &Path) -> Origin {
    let fetched =
        built_from.ancestors().any(|above| above.ends_with("git/checkouts") || above.ends_with("registry/src"));
    let is_relais = || {
        let manifest = fs::read_to_string(built_from.join("Cargo.toml")).ok()?.parse::<toml::Table>().ok()?;
        Some(manifest.get("package")?.get("name")?.as_str()? == env!("CARGO_PKG_NAME"))
    };
    if !fetched && is_relais() == Some(true) && same_owner(built_from, folder) {
        Origin::Checkout(built_from.to_owned())
    } else {
        Origin::Repository
    }
}

/// Whether a folder is of who made the other, or of root.
#[cfg(unix)]
fn same_owner(one: &Path, own: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let owner = |folder: &Path| fs::metadata(folder).map(|data| data.uid()).ok();
    owner(one).is_some_and(|owner_of_one| owner_of_one == 0 || Some(owner_of_one) == owner(own))
}

#[cfg(not(unix))]
fn same_owner(_: &Path, _: &Path) -> bool {
    true
}

impl Origin {
    /// As a manifest says it.
    fn dependency(&self) -> String {
        let (key, place) = match self {
            Self::Checkout(_) => ("path", self.place()),
            Self::Repository => ("git", self.place()),
        };
        format!("{key} = {}", toml::Value::from(place))
    }

    /// As people read it.
    fn place(&self) -> String {
        match self {
            Self::Checkout(path) => path.display().to_string(),
            Self::Repository => REPOSITORY.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relais_comes_from_the_checkout_while_it_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let place = |built_from: &Path| origin(built_from, folder.path()).dependency();
        let own = Path::new(BUILT_FROM);
        assert_eq!(place(own), format!("path = {BUILT_FROM:?}"));
        let git = format!("git = {REPOSITORY:?}");
        assert_eq!(place(&folder.path().join("gone")), git);
        // Something else lies there now.
        fs::write(folder.path().join("Cargo.toml"), "[package]\nname = \"other\"").unwrap();
        assert_eq!(place(folder.path()), git);
        // What cargo fetched.
        let fetched = folder.path().join("git/checkouts/relais-1/2/app");
        fs::create_dir_all(&fetched).unwrap();
        fs::copy(own.join("Cargo.toml"), fetched.join("Cargo.toml")).unwrap();
        assert_eq!(place(&fetched), git);
    }
}
