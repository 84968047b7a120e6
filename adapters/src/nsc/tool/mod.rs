//! The engine on the real `nsc` (`github.com/nats-io/nsc/v2`).
//!
//! nsc edits a store in place, one step a command, and a role takes two: who pushed in between would hand the brokers half a
//! change, and a crash would leave one. So it works on a copy, `.work/stores`, with the key store of the real one: what it made
//! there is read, compared with what the domain says it should be, and put in its place as the native engine puts its own. A
//! device's JWT never comes near the store.
//!
//! ```text
//! Change::apply → next version → argv.rs: the commands that mean the same → run.rs: run, one after the other, on the copy
//!               → read back, compared → written to the store
//! ```
//!
//! - Arguments are a vector, each `--flag=value`; no shell is near. Values that nsc would read as more than one (its lists are
//!   CSV) are quoted, control characters refused. No seed is among them: nsc takes seeds from the key store.
//! - nsc signs with the second of its own clock. Where that second is not later than the version before, we wait for it.
//! - It gets 20 seconds, 64 KB of output, no input, and an environment of its own.

mod argv;
mod run;
mod words;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use relais_domain::{
    credentials::{
        Account, AccountClaims, AccountJwt, Body, Claims, Operator, PublicKey, User, UserJwt, UserToSign, alike,
        decode,
        setup::{Keys, Setup, SignedSetup},
    },
    ports::{Clock, EngineError, KeyPairs},
};

use tokio::runtime::Handle;

use super::{
    Engine, OpenError, Settings,
    files::{Disk, read_stamped},
    layout::Layout,
    setup::info,
    signer::Signer,
    store::Store,
};
use argv::{Argv, Named};
use run::Limits;

/// The engine that has the real `nsc` sign.
pub type Tool = Engine<Command>;

/// The real `nsc`, ready to be run.
pub struct Command {
    binary: PathBuf,
    limits: Limits,
}

/// How to get nsc.
const HOW: &str = "install it with `go install github.com/nats-io/nsc/v2@v2.15.0` or as https://github.com/nats-io/nsc says, name \
                   it in nsc.path, or set nsc.engine to native, which needs no tool";

/// Why nsc did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum ToolError {
    /// It is not there, or no program.
    #[error("{} cannot be run; {HOW}", .path.display())]
    Absent {
        /// What was to be run.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// A value that cannot be given to it.
    #[error("{0:?} cannot be given to nsc, which would read something else")]
    Odd(String),
    /// It did not end.
    #[error("`{command}` did not end within {limit:?} and was stopped")]
    TooSlow {
        /// Which command.
        command: String,
        /// How long it had.
        limit: Duration,
    },
    /// It said more than it may.
    #[error("`{command}` said more than {limit} bytes and was stopped")]
    TooMuch {
        /// Which command.
        command: String,
        /// How much it may say.
        limit: usize,
    },
    /// It said no.
    #[error("`{command}` ended with {status}: {said}")]
    Refused {
        /// Which command.
        command: String,
        /// How it ended.
        status: String,
        /// What it said, at most a few lines.
        said: String,
    },
    /// What it made is not what it should have made.
    #[error("what nsc made of {0} is not what it was asked for; nothing was changed")]
    Different(String),
    /// The domain asked for something that nsc has no command for.
    #[error("nsc has no command for this: {0}")]
    NoCommand(&'static str),
}

impl ToolError {
    /// What the domain is told.
    pub(super) fn told(self) -> EngineError {
        match self {
            Self::Absent { path, .. } => EngineError::NoTool { tool: path.display().to_string(), how: HOW },
            error @ Self::TooSlow { .. } => EngineError::Busy(error.into()),
            Self::Refused { ref said, .. } => words::kind(said).unwrap_or_else(|| EngineError::Store(self.into())),
            error => EngineError::Store(error.into()),
        }
    }
}

impl From<ToolError> for OpenError {
    fn from(error: ToolError) -> Self {
        Self::Tool(error)
    }
}

/// The nsc at `path`, or the one on `PATH`.
///
/// # Errors
/// [`ToolError::Absent`].
pub fn find(path: Option<&Path>) -> Result<PathBuf, ToolError> {
    let absent = |path: &Path, source| ToolError::Absent { path: path.to_owned(), source };
    if let Some(path) = path {
        // It runs in another folder than we do.
        return std::path::absolute(path).map_err(|source| absent(path, source));
    }
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&folders).map(|folder| folder.join("nsc")).find(|path| path.is_file());
    found.ok_or_else(|| absent(Path::new("nsc"), std::io::ErrorKind::NotFound.into()))
}

impl Tool {
    /// Opens the store as [`super::Native::open`] does, with the nsc at `binary`; looks first whether that runs.
    ///
    /// # Errors
    /// As [`super::Native::open`], and [`OpenError::Tool`].
    pub fn open(
        settings: &Settings,
        binary: PathBuf,
        pairs: Arc<dyn KeyPairs>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, OpenError> {
        let command = Command { binary, limits: Limits::default() };
        let said = command.limits.run(&command.binary, &Argv::of(["--version"]), None)?;
        if !said.starts_with("nsc version") {
            let source = std::io::Error::other("it does not say which version of nsc it is");
            return Err(ToolError::Absent { path: command.binary, source }.into());
        }
        Self::open_on(Disk::default(), command, settings, None, pairs, clock)
    }
}

/// The folders that nsc works in, made anew.
struct Desk<'a> {
    command: &'a Command,
    store: &'a Store,
    work: Layout,
    operator: &'a str,
    keys: PathBuf,
}

impl<'a> Desk<'a> {
    fn lay(command: &'a Command, store: &'a Store, operator: &'a str, keys: PathBuf) -> Result<Self, OpenError> {
        let work = store.layout.work();
        store.disk.remove(work.root())?;
        store.disk.make_folder(&work.accounts(operator))?;
        let root = work.stores().display().to_string();
        let config = serde_json::json!({ "store_root": root, "operator": operator, "account": "" });
        store.disk.write(&work.root().join("nsc.json"), config.to_string().as_bytes())?;
        Ok(Self { command, store, work, operator, keys })
    }

    /// With copies of the operator and its accounts.
    fn with_copies(command: &'a Command, store: &'a Store) -> Result<Self, OpenError> {
        let operator = store.operator.as_str();
        let desk = Self::lay(command, store, operator, store.layout.key_store())?;
        let disk = &store.disk;
        disk.write(&desk.work.info(operator), info(operator).as_bytes())?;
        disk.write(&desk.work.operator(operator), store.operator()?.jwt.as_str().as_bytes())?;
        for held in store.accounts()? {
            let path = desk.work.account(operator, &held.claims.name);
            path.parent().map_or(Ok(()), |folder| disk.make_folder(folder))?;
            disk.write(&path, held.jwt.as_str().as_bytes())?;
        }
        Ok(desk)
    }

    fn run(&self, steps: impl IntoIterator<Item = Argv>) -> Result<(), OpenError> {
        for step in steps {
            let root = self.work.root().display();
            let mut argv = step;
            argv.flag("config-dir", &root.to_string())?;
            argv.flag("data-dir", &self.work.stores().display().to_string())?;
            argv.flag("keystore-dir", &self.keys.display().to_string())?;
            self.command.limits.run(&self.command.binary, &argv, Some(self.work.root()))?;
        }
        Ok(())
    }

    fn read<B: Body>(&self, path: &Path) -> Result<(Claims<B>, B::Jwt), OpenError> {
        let (text, _) = read_stamped(path)?;
        let claims = decode::<B>(&text, self.store.pairs.as_ref());
        let claims = claims.map_err(|source| OpenError::Damaged { path: path.to_owned(), source })?;
        Ok((claims, B::wrap(text)))
    }

    /// What nsc made of an account, when it is what it should be.
    fn account(&self, wanted: &AccountClaims) -> Result<(AccountClaims, AccountJwt), OpenError> {
        let (made, jwt) = self.read::<Account>(&self.work.account(self.operator, &wanted.name))?;
        if !alike_outside(&made, wanted) || !alike(&made.body, &wanted.body) {
            let fields = fields_that_differ(&made.body, &wanted.body);
            return Err(ToolError::Different(format!("the account {} ({fields})", wanted.name)).into());
        }
        Ok((made, jwt))
    }

    fn clear(self) -> Result<(), OpenError> {
        self.store.disk.remove(self.work.root())
    }
}

/// Whether all but the body says the same; the time apart, which nsc chooses, and the id that follows from it.
fn alike_outside<B: Body<Subject: PartialEq>>(made: &Claims<B>, wanted: &Claims<B>) -> bool {
    made.subject == wanted.subject
        && made.name == wanted.name
        && made.audience == wanted.audience
        && made.not_before == wanted.not_before
        && made.expires_at == wanted.expires_at
        && made.unknown == wanted.unknown
}

/// The names of fields that differ, at most two levels down.
fn fields_that_differ(made: &impl serde::Serialize, wanted: &impl serde::Serialize) -> String {
    let (made, wanted) =
        (serde_json::to_value(made).unwrap_or_default(), serde_json::to_value(wanted).unwrap_or_default());
    let mut names = Vec::new();
    let empty = serde_json::Map::new();
    let fields = |value: &serde_json::Value| value.as_object().unwrap_or(&empty).clone();
    for name in fields(&made).keys().chain(fields(&wanted).keys()) {
        let (one, other) = (&made[name], &wanted[name]);
        if one == other {
            continue;
        }
        let inner = fields(one).into_iter().chain(fields(other)).map(|(inner, _)| inner);
        let inner: Vec<_> =
            inner.filter(|inner| one[inner] != other[inner]).map(|inner| format!("{name}.{inner}")).collect();
        names.extend(if inner.is_empty() { vec![name.clone()] } else { inner });
    }
    names.sort();
    names.dedup();
    names.join(", ")
}

/// Waits for the second after `second`: nsc signs with the time of its own.
fn wait_until_after(second: i64, clock: &dyn Clock) -> Result<(), OpenError> {
    let ahead = second - clock.now().as_second();
    if ahead > 60 {
        return Err(ToolError::NoCommand("a version that is later than one which is far in the future").into());
    }
    let next = jiff::Timestamp::from_second(second.saturating_add(1)).unwrap_or(jiff::Timestamp::MAX);
    if clock.now() < next {
        // A thread for work that blocks, under the store's lock: nobody else could sign meanwhile.
        Handle::current().block_on(clock.sleep_until(next));
    }
    Ok(())
}

impl Signer for Command {
    const QUICK: bool = false;

    fn account(
        &self,
        store: &Store,
        before: Option<&AccountClaims>,
        next: &AccountClaims,
    ) -> Result<AccountJwt, OpenError> {
        let signer = store.account_signer(&store.operator()?.claims)?.public;
        let desk = Desk::with_copies(self, store)?;
        // `next` is later than everything it must be later than, by a second at least.
        wait_until_after(next.issued_at - 1, store.clock.as_ref())?;
        desk.run(argv::account(before, next, &signer)?)?;
        let (made, jwt) = desk.account(next)?;
        if made.issued_at < next.issued_at {
            return Err(ToolError::Different(format!("the time of the account {}", next.name)).into());
        }
        desk.clear()?;
        Ok(jwt)
    }

    fn user(&self, store: &Store, user: &UserToSign) -> Result<UserJwt, OpenError> {
        let desk = Desk::with_copies(self, store)?;
        let account = store.account(user.account())?;
        let revoked =
            account.as_ref().and_then(|held| held.claims.body.revocations.get(user.claims().subject.as_str()));
        if let Some(until) = revoked {
            wait_until_after(*until, store.clock.as_ref())?;
        }
        desk.run(argv::user(user)?)?;
        let path = desk.work.user(desk.operator, user.account().as_str(), user.name().as_str());
        let (made, jwt) = desk.read::<User>(&path)?;
        let wanted = user.claims();
        let same = alike_outside(&made, wanted)
            && made.issuer.as_ref() == Some(user.signer())
            && argv::alike_users(&made.body, &wanted.body);
        if !same {
            return Err(ToolError::Different(format!("the user {}", user.name())).into());
        }
        desk.clear()?;
        Ok(jwt)
    }

    fn setup(&self, store: &Store, staging: &Layout, setup: &Setup, keys: &Keys) -> Result<SignedSetup, OpenError> {
        let operator = setup.operator.name.as_str();
        let desk = Desk::lay(self, store, operator, staging.key_store())?;
        // nsc makes this folder, and takes one that is there for another store.
        store.disk.remove(&desk.work.stores())?;
        let key = |key: &PublicKey| Named::File(staging.key(key));
        desk.run(argv::operator(&setup.operator, &key(&setup.operator.subject))?)?;
        let signer = &keys.operator_signing.public;
        let mut accounts = Vec::new();
        for (role, claims) in &setup.accounts {
            desk.run(argv::account(None, claims, signer)?)?;
            let (made, jwt) = desk.account(claims)?;
            accounts.push((*role, made.name, jwt));
        }
        desk.run(argv::strict(&setup.operator, &key(&setup.operator.subject))?)?;
        let (made, jwt) = desk.read::<Operator>(&desk.work.operator(operator))?;
        let (made, wanted) = (made.body, &setup.operator.body);
        let same = made.signing_keys == wanted.signing_keys
            && made.system_account == wanted.system_account
            && made.strict_signing_key_usage == wanted.strict_signing_key_usage;
        if !same {
            return Err(ToolError::Different(format!("the operator {operator}")).into());
        }
        desk.clear()?;
        Ok(SignedSetup { operator: jwt, accounts })
    }
}

#[cfg(test)]
mod tests;
