//! The command line: what can be typed, and the help that teaches it.

mod account;
mod admin;
mod mail;
mod messages;
mod new;
mod nsc;
mod nsc_admin;
mod spec;
mod users;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use relais_domain::{identity::ServiceName, subject::Pattern};

pub use account::{DevicesCommand, LeaveArgs, LoginArgs, PasswordArgs, RegisterArgs};
pub use admin::{AdminCommand, ClaimArgs};
pub use mail::{MailCommand, MailTestArgs};
pub use messages::{PublishArgs, RequestArgs, SubscribeArgs, TypeArgs};
pub use new::NewArgs;
pub use nsc::{NscBackupArgs, NscCommand, NscRestoreArgs};
pub use nsc_admin::{
    AccountCommand, ConfigArgs, ExportArgs, KeysCommand, RoleCommand, SetupArgs, UserAddArgs, UserCommand,
    UserEditArgs, WishArgs,
};
pub use spec::SpecCommand;
pub use users::{AuditArgs, UserDeleteArgs, UserListArgs, UsersCommand, Whom};

use crate::settings::{Flag, SettingsError, Sources};

/// The server that is meant when none is named.
pub const DEFAULT_SERVER: &str = "http://127.0.0.1:8080";

/// A message-based backend for mobile, web and edge apps on NATS.
#[derive(Debug, Parser)]
#[command(
    name = "relais",
    version,
    propagate_version = true,
    max_term_width = 100,
    after_help = "\
A first round, with `relais up` running in another terminal:
  relais register you@example.org
  relais login you@example.org
  relais request echo.identified hello

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not logged in or not allowed, 4 nobody answered in time,
5 kept in the Buffer, not yet delivered."
)]
pub struct Cli {
    /// What holds for every command.
    #[command(flatten)]
    pub globals: Globals,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What holds for every command.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "For every command")]
pub struct Globals {
    /// The HTTP API to register and log in at [default: http://127.0.0.1:8080]
    #[arg(long, global = true, value_name = "URL", env = "RELAIS_SERVER")]
    pub server: Option<String>,
    /// The login to use; each profile is one
    #[arg(long, global = true, value_name = "NAME", default_value = "default", env = "RELAIS_PROFILE")]
    pub profile: String,
    /// A PEM file with the authority of the server's and brokers' certificates, beside the system's; a login keeps it
    #[arg(long, global = true, value_name = "FILE", env = "RELAIS_CA")]
    pub ca: Option<PathBuf>,
    /// Print JSON, for scripts
    #[arg(long, global = true)]
    pub json: bool,
    /// The settings file [default: relais.toml, if it is there]
    #[arg(long, global = true, value_name = "FILE", env = "RELAIS_CONFIG")]
    pub config: Option<PathBuf>,
    /// Set one setting, such as http.listen=127.0.0.1:0; `relais settings` lists them
    #[arg(long, global = true, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// The folder in which everything is kept [default: relais-data]
    #[arg(long, global = true, value_name = "FOLDER")]
    pub data: Option<String>,
    /// Log more: -v debug, -vv trace
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the whole backend on this machine, with a broker of its own
    #[command(after_help = "Examples:\n  relais up\n  relais up --http 127.0.0.1:0 --nats 127.0.0.1:0 --json")]
    Up(UpArgs),
    /// Run the backend against an external broker (nats.url, nats.creds)
    #[command(after_help = "Example:\n  RELAIS_NATS__CREDS=relais.creds relais serve --nats tls://nats.example.org")]
    Serve(ServeArgs),
    /// Register a user; the password is asked for, or read from standard input
    #[command(
        after_help = "Examples:\n  relais register you@example.org\n  echo \"$PASSWORD\" | relais register you@example.org"
    )]
    Register(RegisterArgs),
    /// Log in: this device makes a key, and its credentials are stored in the profile
    #[command(
        after_help = "Examples:\n  relais login you@example.org\n  relais login you@example.org --server https://api.example.org --profile work\n  relais login you@example.org --code         # by a mailed code, on a terminal\n  relais login you@example.org --send-code    # the same for a script:\n  echo 7K2M-Q9XW | relais login you@example.org --code"
    )]
    Login(LoginArgs),
    /// Log out: this device is removed, its key revoked
    Logout,
    /// Your devices: list them, remove one
    #[command(subcommand)]
    Devices(DevicesCommand),
    /// Change your password: the old (or a mailed code) and the new one are asked for, or are the first two lines of standard input
    #[command(after_help = "\
Examples:
  relais password
  relais password --remove-other-devices
  relais password --forgotten you@example.org               # a code is mailed and asked for
  relais password --forgotten you@example.org --send-code   # the same for a script:
  printf '%s\\n' 7K2M-Q9XW \"$NEW\" | relais password --forgotten you@example.org")]
    Password(PasswordArgs),
    /// Remove yourself with everything you have
    #[command(after_help = "Example:\n  relais leave --yes")]
    Leave(LeaveArgs),
    /// Ask a route, and print its answer
    #[command(after_help = "\
`from.{your id}.` is put in front of SUBJECT. BODY is text, for the message's first string field, or a JSON object.

Examples:
  relais request echo.identified hello
  relais request echo '{\"message\": \"hello\"}' --json
  relais request orders.new '{\"item\": \"tea\"}' --type OrderRequest --descriptors shop.proto
  cat photo.jpg | relais request thumbnails - --raw > small.jpg

Another user is asked through the server, with text or bytes unless --type says otherwise:
  relais request tell.$USER_ID.chat 'are you there?'")]
    Request(RequestArgs),
    /// Send a message that awaits no answer
    #[command(after_help = "\
Examples:
  relais publish echo hello
  relais publish tell.$USER_ID.chat hello
  relais publish topic.news 'it rains'

tell.USER.… is told to that user, who hears it with `relais subscribe 'from.*.chat'`; topic.NAME to everybody who listens
with `relais subscribe --topic NAME`.")]
    Publish(PublishArgs),
    /// Listen, and print one line a message, until Ctrl-C
    #[command(after_help = "\
`to.{your id}.` is put in front of SUBJECT; * stands for one token, a last > for the rest.

Examples:
  relais subscribe '>'
  relais subscribe 'from.*.chat' --reply 'here I am'
  relais subscribe --topic news
  relais subscribe orders.* --type Order --descriptors shop.proto --count 1 --json")]
    Subscribe(SubscribeArgs),
    /// Who is logged in, where, until when, and what they may do
    Whoami,
    /// Every setting, its value, and where it came from
    #[command(after_help = "Examples:\n  relais settings\n  RELAIS_HTTP__LISTEN=127.0.0.1:9000 relais settings --json")]
    Settings,
    /// Bring the database and the broker's JetStream up to date, for `serve`; a repeat does nothing
    #[command(after_help = "\
Run it where the data folder is, before a new version serves.

Example:
  relais migrate --set nats.url=nats://broker.internal:4222")]
    Migrate,
    /// Write a program of your own to begin with: a .proto, a route, a role, a test
    #[command(after_help = "\
The program answers `from.{user}.NAME.hello` and says what to do next. What it is made of:
  NAME.proto      the messages
  src/lib.rs      the route, and the function that answers
  src/main.rs     runs it as a service
  tests/hello.rs  runs it in a test, without a server
  relais.toml     the role of its users; `relais up` reads it when it runs in that folder
  README.md       how to run it and ask it

It takes Relais from the checkout that this `relais` was built from, while that is there and
yours; otherwise from the git repository. Its Cargo.toml says which.

Examples:
  relais new shop
  relais new tea-shop --path services/tea")]
    New(NewArgs),
    /// Services: programs of yours that answer messages
    #[command(subcommand)]
    Service(ServiceCommand),
    /// Credentials for persons who operate
    #[command(subcommand)]
    Creds(CredsCommand),
    /// Admins of a server: become the first, make others
    #[command(subcommand)]
    Admin(AdminCommand),
    /// Users of a server, for its admins: list, show, disable, enable, give a role, delete
    #[command(subcommand)]
    Users(UsersCommand),
    /// Who did what to whom, newest first, for admins
    #[command(
        after_help = "Examples:\n  relais audit --limit 20\n  relais audit --json | jq '.[] | select(.outcome != \"done\")'"
    )]
    Audit(AuditArgs),
    /// Operators, accounts, users and keys: what the brokers believe
    #[command(subcommand)]
    Nsc(NscCommand),
    /// Mails to people
    #[command(subcommand)]
    Mail(MailCommand),
    /// Print a description of the API
    #[command(subcommand)]
    Spec(SpecCommand),
    /// Print a script that completes commands in a shell
    #[command(after_help = "Example:\n  relais completions bash > ~/.local/share/bash-completion/completions/relais")]
    Completions {
        /// For which shell
        shell: clap_complete::Shell,
    },
}

/// What `up` takes.
#[derive(Debug, Clone, Args)]
pub struct UpArgs {
    /// Where the HTTP API listens (http.listen)
    #[arg(long, value_name = "ADDRESS")]
    pub http: Option<String>,
    /// Where the broker listens (nats.listen)
    #[arg(long, value_name = "ADDRESS")]
    pub nats: Option<String>,
    /// Where the broker listens for browsers (nats.websocket)
    #[arg(long, value_name = "ADDRESS")]
    pub websocket: Option<String>,
}

/// What `serve` takes.
#[derive(Debug, Clone, Args)]
pub struct ServeArgs {
    /// Where the HTTP API listens (http.listen)
    #[arg(long, value_name = "ADDRESS")]
    pub http: Option<String>,
    /// The brokers to connect to (nats.url)
    #[arg(long, value_name = "URL")]
    pub nats: Option<String>,
    /// The creds file to connect to them with (nats.creds)
    #[arg(long, value_name = "FILE")]
    pub creds: Option<String>,
}

/// What can be done with services.
#[derive(Debug, Subcommand)]
pub enum ServiceCommand {
    /// Make the credentials of a service; run where the data folder is
    #[command(
        after_help = "Examples:\n  relais service add shop\n  relais service add shop --route 'from.{user}.orders.>'"
    )]
    Add(ServiceAddArgs),
}

/// What `service add` takes.
#[derive(Debug, Clone, Args)]
pub struct ServiceAddArgs {
    /// Its name: 1 to 32 characters of a-z, 0-9 and -
    pub name: ServiceName,
    /// Where to write the creds, - for standard output [default: services/NAME.creds in the data folder]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// What it may listen to, such as 'from.{user}.orders.{rest..}'; may be repeated [default: all that users send]
    #[arg(long = "route", value_name = "PATTERN", value_parser = parse_route)]
    pub routes: Vec<Pattern>,
}

/// What can be done with credentials.
#[derive(Debug, Subcommand)]
pub enum CredsCommand {
    /// Make credentials for a person who looks: services, streams, never messages
    #[command(after_help = "Example:\n  relais creds export --role operator --name nina --out nina.creds")]
    Export(CredsExportArgs),
}

/// What `creds export` takes.
#[derive(Debug, Clone, Args)]
pub struct CredsExportArgs {
    /// What they may do
    #[arg(long)]
    pub role: Role,
    /// Who they are
    #[arg(long, default_value = "operator")]
    pub name: ServiceName,
    /// Where to write the creds, - for standard output [default: operators/NAME.creds in the data folder]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// The roles of persons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Role {
    /// Looks at services and streams
    Operator,
}

impl Globals {
    /// The sources of settings: this process, with `--config`, `--data`, `-v` and `--set` over them, and `flags` of the
    /// command itself before `--set`.
    ///
    /// # Errors
    /// [`SettingsError::NoEquals`], [`SettingsError::Directory`].
    pub fn sources(&self, flags: impl IntoIterator<Item = Flag>) -> Result<Sources, SettingsError> {
        let mut sources = Sources::of_process()?;
        if let Some(config) = &self.config {
            sources.file = Some(config.clone());
        }
        if let Some(level) = self.log_level() {
            sources.flags.push(Flag { flag: "-v", key: "log".to_owned(), value: level.to_owned() });
        }
        sources.flags.extend(flag("--data", "data", self.data.as_ref()));
        sources.flags.extend(flags);
        self.set.iter().try_for_each(|assignment| sources.set(assignment))?;
        Ok(sources)
    }

    /// What `-v` asks for.
    #[must_use]
    pub fn log_level(&self) -> Option<&'static str> {
        match self.verbose {
            0 => None,
            1 => Some("debug"),
            _ => Some("trace"),
        }
    }

    /// The server that is meant.
    #[must_use]
    pub fn server(&self) -> &str {
        self.server.as_deref().unwrap_or(DEFAULT_SERVER)
    }
}

impl UpArgs {
    /// Its flags, as settings.
    #[must_use]
    pub fn flags(&self) -> Vec<Flag> {
        let http = flag("--http", "http.listen", self.http.as_ref());
        let nats = flag("--nats", "nats.listen", self.nats.as_ref());
        http.into_iter().chain(nats).chain(flag("--websocket", "nats.websocket", self.websocket.as_ref())).collect()
    }
}

impl ServeArgs {
    /// Its flags, as settings.
    #[must_use]
    pub fn flags(&self) -> Vec<Flag> {
        let http = flag("--http", "http.listen", self.http.as_ref());
        let nats = flag("--nats", "nats.url", self.nats.as_ref());
        http.into_iter().chain(nats).chain(flag("--creds", "nats.creds", self.creds.as_ref())).collect()
    }
}

fn flag(flag: &'static str, key: &str, value: Option<&String>) -> Option<Flag> {
    value.map(|value| Flag { flag, key: key.to_owned(), value: value.clone() })
}

/// A pattern, or a filter as NATS writes it (`from.*.orders.>`), whose wildcards get names.
fn parse_route(text: &str) -> Result<Pattern, String> {
    let tokens: Vec<String> = text
        .split('.')
        .enumerate()
        .map(|(at, token)| match token {
            "*" => format!("{{w{at}}}"),
            ">" => "{rest..}".to_owned(),
            token => token.to_owned(),
        })
        .collect();
    let pattern: Pattern = tokens.join(".").parse().map_err(|error| format!("{error}"))?;
    // Services hear what users send; anything wider would be an eavesdropper.
    if pattern.filter().as_str().starts_with("from.") {
        Ok(pattern)
    } else {
        Err("a route begins with from.".to_owned())
    }
}

#[cfg(test)]
mod tests;
