//! What `relais nsc` takes to make, edit and revoke: accounts, users, roles, keys.

use clap::{Args, Subcommand};

/// What can be done with accounts.
#[derive(Debug, Subcommand)]
pub enum AccountCommand {
    /// Make an account; a repeat returns the one that is there
    #[command(after_help = "\
Its users may do what their own lists say, and it has no JetStream.

Example:
  relais nsc account add Partner")]
    Add {
        /// Its name: letters, digits, - and _
        name: String,
    },
    /// Refuse every user JWT of an account that was made until now
    #[command(after_help = "\
Devices log in again; services (`relais service add`) and users (`relais nsc user edit`) need new creds. The backend signs itself a
new credential and is back in seconds.

Example:
  relais nsc account revoke-all app --yes")]
    RevokeAll {
        /// Its name
        name: String,
        /// Do it: everybody is cut off
        #[arg(long)]
        yes: bool,
    },
}

/// What can be done with long-lived users.
#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Make a user, and write its creds; a repeat returns the one that is there
    #[command(after_help = "\
Without --role and lists it gets what the settings say (nsc.allow_pub, nsc.allow_sub), or the role `user`. {user} in a list stands
for its own name. The seed of its key is in the creds file and nowhere else, unless --keep-seed is given.

Examples:
  relais nsc user add till
  relais nsc user add sensor-7 --allow-pub 'from.{user}.sensors.>' --allow-sub 'to.{user}.>' --expiry 30d
  relais nsc user add till --account Partner --out till.creds")]
    Add(UserAddArgs),
    /// Give a user other permissions; its old JWT is refused from now on
    #[command(after_help = "Example:\n  relais nsc user edit till --role courier")]
    Edit(UserEditArgs),
    /// The users of an account
    #[command(after_help = "Examples:\n  relais nsc user list\n  relais nsc user list --account Partner --json")]
    List {
        /// The account [default: the application's]
        #[arg(long, value_name = "NAME")]
        account: Option<String>,
    },
    /// A user, with all that it claims
    Show {
        /// Its name
        name: String,
        /// The account [default: the application's]
        #[arg(long, value_name = "NAME")]
        account: Option<String>,
    },
    /// Ban the key of a user or device, for good: it is cut off from every broker
    #[command(after_help = "Examples:\n  relais nsc user revoke till\n  relais nsc user revoke UABC…")]
    Revoke {
        /// Its name, or its public key (U…)
        name: String,
        /// The account [default: the application's]
        #[arg(long, value_name = "NAME")]
        account: Option<String>,
    },
}

/// What a user may do.
#[derive(Debug, Clone, Default, Args)]
pub struct WishArgs {
    /// The role whose member it is
    #[arg(long, value_name = "NAME", conflicts_with_all = ["allow_pub", "allow_sub"])]
    pub role: Option<String>,
    /// A subject it may publish to; may be repeated
    #[arg(long, value_name = "SUBJECT", requires = "allow_sub")]
    pub allow_pub: Vec<String>,
    /// A subject it may listen to; may be repeated
    #[arg(long, value_name = "SUBJECT", requires = "allow_pub")]
    pub allow_sub: Vec<String>,
}

/// What `nsc user add` takes.
#[derive(Debug, Clone, Args)]
pub struct UserAddArgs {
    /// Its name, which becomes its user id: a-z, 0-9 and -
    pub name: String,
    /// The account [default: the application's]
    #[arg(long, value_name = "NAME")]
    pub account: Option<String>,
    /// What it may do.
    #[command(flatten)]
    pub wish: WishArgs,
    /// Its own public key (U…); then there are no creds to write
    #[arg(long, value_name = "KEY")]
    pub public_key: Option<String>,
    /// How long it holds: 6M, 30d, 0 for ever [default: nsc.expiry]
    #[arg(long, value_name = "TIME")]
    pub expiry: Option<String>,
    /// Keep the seed in the store, with a creds file, as nsc does
    #[arg(long)]
    pub keep_seed: bool,
    /// Where to write the creds, - for standard output [default: users/NAME.creds in the data folder]
    #[arg(long, value_name = "FILE")]
    pub out: Option<std::path::PathBuf>,
}

/// What `nsc user edit` takes.
#[derive(Debug, Clone, Args)]
pub struct UserEditArgs {
    /// Its name
    pub name: String,
    /// The account [default: the application's]
    #[arg(long, value_name = "NAME")]
    pub account: Option<String>,
    /// What it may do.
    #[command(flatten)]
    pub wish: WishArgs,
    /// Where to write the creds, when its seed is kept [default: users/NAME.creds in the data folder]
    #[arg(long, value_name = "FILE")]
    pub out: Option<std::path::PathBuf>,
}

/// What can be done with roles.
#[derive(Debug, Subcommand)]
pub enum RoleCommand {
    /// The roles in the store, and how the settings stand to them
    List,
    /// Make the roles as the settings say, and hand them to the brokers: live, without new credentials
    #[command(after_help = "\
A role is a table in relais.toml:
  [nsc.roles.courier]
  publish = ['from.{user}.jobs.>']
  subscribe = ['to.{user}.>', '_INBOX.{user}.>']

The brokers close the connections of members whose role has changed; they are back in seconds, with the new permissions.

Example:
  relais nsc role apply")]
    Apply,
    /// Take a role away: its members cannot connect any more
    Remove {
        /// Its name
        name: String,
        /// Do it: its members are cut off
        #[arg(long)]
        yes: bool,
    },
}

/// What can be done with signing keys.
#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// New signing keys for an account; what the old ones have signed goes on to be believed
    #[command(after_help = "\
The seeds of the old keys are forgotten, so nothing is signed by them any more. When everybody has something newer (devices renew
when they log in; `relais nsc user edit` and `relais service add` make new creds), `relais nsc keys end-rotation` ends the overlap.
After a leak use --at-once: nobody whom the old keys have signed is believed any more.

Examples:
  relais nsc keys rotate
  relais nsc keys rotate --account Partner --at-once")]
    Rotate {
        /// The account [default: the application's]
        #[arg(long, value_name = "NAME")]
        account: Option<String>,
        /// Do not believe the old keys any more
        #[arg(long)]
        at_once: bool,
    },
    /// End an overlap: the old keys are not believed any more
    EndRotation {
        /// The account [default: the application's]
        #[arg(long, value_name = "NAME")]
        account: Option<String>,
    },
}

/// What `nsc setup` takes.
#[derive(Debug, Clone, Args)]
pub struct SetupArgs {
    /// The operator to make [default: nsc.operator]
    #[arg(long, value_name = "NAME", requires = "account")]
    pub operator: Option<String>,
    /// The application's account [default: nsc.account]
    #[arg(long, value_name = "NAME", requires = "operator")]
    pub account: Option<String>,
}

/// What `nsc config` takes.
#[derive(Debug, Clone, Args)]
pub struct ConfigArgs {
    /// Where the nodes of a cluster listen for each other, the same list for each: host:port, with commas between
    #[arg(long, value_name = "HOST:PORT,…", value_delimiter = ',', requires = "node", value_parser = parse_node)]
    pub cluster: Vec<String>,
    /// Which of them this is, counted from 1
    #[arg(long, value_name = "NUMBER", requires = "cluster")]
    pub node: Option<usize>,
    /// The broker's name [default: relais, or relais-NUMBER]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Where clients connect
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4222")]
    pub listen: std::net::SocketAddr,
    /// Where browsers connect
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9222")]
    pub websocket: std::net::SocketAddr,
    /// Where it answers monitoring; it asks for no password, so keep it on loopback
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8222")]
    pub monitor: std::net::SocketAddr,
    /// The folder in which it keeps accounts and streams
    #[arg(long, value_name = "FOLDER", default_value = "/var/lib/nats")]
    pub store: std::path::PathBuf,
}

/// Where a node listens for the others: `host:port`, as nats-server reads it on every node.
pub(super) fn parse_node(text: &str) -> Result<String, String> {
    let (host, port) = text.rsplit_once(':').ok_or("a node is host:port")?;
    let name = |host: &str| {
        !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
    };
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    if !address.map_or_else(|| name(host), |host| host.parse::<std::net::Ipv6Addr>().is_ok()) {
        return Err("a host is a name or an address, an IPv6 one in brackets".to_owned());
    }
    match port.parse::<u16>() {
        Ok(1..) => Ok(text.to_owned()),
        _ => Err("a port is 1 to 65535; the others must know it before the node runs".to_owned()),
    }
}

/// What `nsc export` takes.
#[derive(Debug, Clone, Args)]
pub struct ExportArgs {
    /// The folder to write to, which must not be there
    pub folder: std::path::PathBuf,
}
