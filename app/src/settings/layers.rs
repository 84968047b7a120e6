//! Defaults, file, environment, flags: laid over each other, with a note of where each value came from.

use std::{
    collections::BTreeMap,
    env,
    ffi::OsString,
    fmt, fs, io,
    path::{Path, PathBuf},
};

use super::{
    SecretUrl, Settings, SettingsError,
    keys::{self, Key},
    read::{Given, Raw},
};

/// The file that is read when none is named, if it is there.
const FILE: &str = "relais.toml";
/// Variables that begin with `RELAIS_` and are no settings: those of the command line and of the repository's recipes.
const NO_SETTINGS: [&str; 5] = ["RELAIS_CA", "RELAIS_CONFIG", "RELAIS_PROFILE", "RELAIS_SERVER", "RELAIS_TOOLS"];
/// What the tests' own variables begin with.
const OF_TESTS: &str = "RELAIS_TEST_";

/// Where settings are read from.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// The folder in which `relais.toml` is looked for.
    pub directory: PathBuf,
    /// A file named by the user; then it has to be there, and `relais.toml` is not looked for.
    pub file: Option<PathBuf>,
    /// Environment variables; those that are no settings are passed over.
    pub environment: Vec<(OsString, OsString)>,
    /// Flags; a later one wins.
    pub flags: Vec<Flag>,
}

/// A setting given on the command line.
#[derive(Debug, Clone)]
pub struct Flag {
    /// The flag as the user wrote it: `--data`, `--set`.
    pub flag: &'static str,
    /// The setting: `data`.
    pub key: String,
    /// The value.
    pub value: String,
}

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Nobody set it.
    Default,
    /// A file.
    File(PathBuf),
    /// An environment variable, by its name.
    Variable(String),
    /// A flag.
    Flag(&'static str),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Variable(name) => f.write_str(name),
            Self::Flag(flag) => f.write_str(flag),
        }
    }
}

impl Sources {
    /// The working directory and the environment of this process; `RELAIS_CONFIG` names the file.
    ///
    /// # Errors
    /// [`SettingsError::Directory`] when there is no working directory.
    pub fn of_process() -> Result<Self, SettingsError> {
        let directory = env::current_dir().map_err(SettingsError::Directory)?;
        let file = env::var_os("RELAIS_CONFIG").filter(|file| !file.is_empty()).map(PathBuf::from);
        Ok(Self { directory, file, environment: env::vars_os().collect(), flags: Vec::new() })
    }

    /// Adds a `KEY=VALUE` of `--set`.
    ///
    /// # Errors
    /// [`SettingsError::NoEquals`].
    pub fn set(&mut self, assignment: &str) -> Result<(), SettingsError> {
        let (key, value) =
            assignment.split_once('=').ok_or_else(|| SettingsError::NoEquals(assignment.chars().take(60).collect()))?;
        self.flags.push(Flag { flag: "--set", key: key.trim().to_owned(), value: value.to_owned() });
        Ok(())
    }
}

/// The settings of all layers, and where each that was set came from.
pub(super) fn load(sources: &Sources) -> Result<(Settings, BTreeMap<&'static str, Source>), SettingsError> {
    let mut stack = Stack { settings: Settings::default(), origins: BTreeMap::new() };
    if let Some((path, table)) = read_file(sources)? {
        let folder = path.parent().filter(|folder| *folder != sources.directory).map(Path::to_owned);
        stack.table(&Source::File(path), folder.as_deref(), "", &table)?;
    }
    stack.environment(&sources.environment)?;
    for Flag { flag, key, value } in &sources.flags {
        let source = Source::Flag(flag);
        let key = known(&source, key, keys::nearest(key).map(str::to_owned))?;
        stack.put(key, source, &Given { raw: &Raw::Text(value.clone()), folder: None })?;
    }
    Ok((stack.settings, stack.origins))
}

fn read_file(sources: &Sources) -> Result<Option<(PathBuf, toml::Table)>, SettingsError> {
    let path = sources.directory.join(sources.file.as_deref().unwrap_or(Path::new(FILE)));
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound && sources.file.is_none() => return Ok(None),
        Err(source) => return Err(SettingsError::Unreadable { path, source }),
    };
    match text.parse::<toml::Table>() {
        Ok(table) => Ok(Some((path, table))),
        Err(error) => {
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            let line = before.matches('\n').count() + 1;
            Err(SettingsError::Syntax { path, line, reason: error.message().to_owned() })
        }
    }
}

struct Stack {
    settings: Settings,
    origins: BTreeMap<&'static str, Source>,
}

impl Stack {
    fn table(
        &mut self,
        source: &Source,
        folder: Option<&Path>,
        prefix: &str,
        table: &toml::Table,
    ) -> Result<(), SettingsError> {
        for (name, value) in table {
            let name = format!("{prefix}{name}");
            let group = format!("{name}.");
            match value {
                toml::Value::Table(inner)
                    if keys::find(&name).is_none() && keys::all().any(|key| key.name.starts_with(&group)) =>
                {
                    self.table(source, folder, &group, inner)?;
                }
                _ => {
                    let key = known(source, &name, keys::nearest(&name).map(str::to_owned))?;
                    self.put(key, source.clone(), &Given { raw: &Raw::Toml(value.clone()), folder })?;
                }
            }
        }
        Ok(())
    }

    fn environment(&mut self, variables: &[(OsString, OsString)]) -> Result<(), SettingsError> {
        // The shared NSC_… names come first, so that our own, which can mean nothing else, win.
        for own in [false, true] {
            for (variable, value) in variables {
                let Some(variable) = variable.to_str() else { continue };
                let name = if own { own_name(variable) } else { nsc_name(variable) };
                let Some(name) = name else { continue };
                let source = Source::Variable(variable.to_owned());
                let key = known(&source, &name, keys::nearest(&name).map(variable_of))?;
                let text = value.to_str().ok_or_else(|| SettingsError::NotText(variable.to_owned()))?;
                self.put(key, source, &Given { raw: &Raw::Text(text.to_owned()), folder: None })?;
            }
        }
        Ok(())
    }

    fn put(&mut self, key: &'static Key, source: Source, given: &Given<'_>) -> Result<(), SettingsError> {
        if (key.read)(&mut self.settings, given).is_none() {
            let given = shown(key, given.raw);
            return Err(SettingsError::Value { source_name: source, key: key.name, given, expected: key.expected });
        }
        self.origins.insert(key.name, source);
        Ok(())
    }
}

fn known(source: &Source, name: &str, nearest: Option<String>) -> Result<&'static Key, SettingsError> {
    keys::find(name).ok_or_else(|| SettingsError::Unknown {
        source_name: source.clone(),
        name: name.chars().take(80).collect(),
        nearest,
    })
}

/// `RELAIS_HTTP__LISTEN` → `http.listen`.
fn own_name(variable: &str) -> Option<String> {
    let name = variable.strip_prefix("RELAIS_")?;
    let other = NO_SETTINGS.contains(&variable) || variable.starts_with(OF_TESTS);
    (!other).then(|| name.replace("__", ".").to_ascii_lowercase())
}

/// `NSC_OPERATOR` → `nsc.operator`, when that is a setting; what else begins so belongs to the real nsc.
fn nsc_name(variable: &str) -> Option<String> {
    let name = format!("nsc.{}", variable.strip_prefix("NSC_")?.to_ascii_lowercase());
    keys::find(&name).map(|_| name)
}

fn variable_of(name: &str) -> String {
    format!("RELAIS_{}", name.replace('.', "__").to_ascii_uppercase())
}

/// A refused value as an error may show it: at most 80 characters, and nothing secret.
fn shown(key: &Key, raw: &Raw) -> String {
    let text = match raw {
        Raw::Text(text) | Raw::Toml(toml::Value::String(text)) => text.clone(),
        Raw::Toml(value) => value.to_string(),
    };
    let url = text.contains("://");
    let several = text.contains(',') || matches!(raw, Raw::Toml(toml::Value::Array(_)));
    // Addresses that must not hold a password are given with one all the same.
    let text = match (key.secret || (url && text.contains('@')), url && !several) {
        // A list holds several URLs, and what is no URL at all may be a bare password.
        (true, false) => return "(hidden)".to_owned(),
        (true, true) => SecretUrl::from(text.as_str()).to_string(),
        (false, _) => text,
    };
    if text.is_empty() { "nothing".to_owned() } else { format!("{:?}", text.chars().take(80).collect::<String>()) }
}
