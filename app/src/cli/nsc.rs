//! What `relais nsc` takes.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{AccountCommand, ConfigArgs, ExportArgs, KeysCommand, RoleCommand, SetupArgs, UserCommand};

/// What can be done with what the brokers believe.
#[derive(Debug, Subcommand)]
pub enum NscCommand {
    /// Operator and accounts, with their public keys; run where the data folder is
    Info,
    /// Make operator and accounts without running anything; a repeat returns what is there
    #[command(after_help = "\
`relais up` and `relais serve` do this when they start. With --operator and --account another one is made beside it, for brokers
elsewhere.

Examples:
  relais nsc setup
  relais nsc setup --operator Elsewhere --account shop")]
    Setup(SetupArgs),
    /// Accounts: make one, revoke everybody of one
    #[command(subcommand)]
    Account(AccountCommand),
    /// Long-lived users: make, edit, list, revoke
    #[command(subcommand)]
    User(UserCommand),
    /// Roles of users: list, make as the settings say, remove
    #[command(subcommand)]
    Role(RoleCommand),
    /// Signing keys: rotate, end the overlap
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Print a configuration for nats-server that believes this installation: for one broker, or a node of a cluster
    #[command(after_help = "\
Operator, system account, full resolver with every account preloaded, JetStream that syncs always, WebSocket, monitoring. No seed
is in it. A broker that is started with it is told of newer accounts by the running backend, or by `relais nsc push`.
The nodes of a cluster ask each other for no password: keep their ports (6222 below) among them, or uncomment `tls` there.

Examples:
  relais nsc config > nats-server.conf && nats-server -c nats-server.conf
  relais nsc config --cluster a.internal:6222,b.internal:6222,c.internal:6222 --node 1 > a.conf")]
    Config(ConfigArgs),
    /// Write a store with the JWTs of devices, which lie in the database, for the real nsc to look at
    #[command(after_help = "\
Operator, accounts, users and devices, as nsc lays them out, and no seed. It is a copy: what nsc changes in it reaches nobody.

Example:
  relais nsc export devices && nsc --data-dir devices/stores list users")]
    Export(ExportArgs),
    /// Which broker serves which version of each account, beside ours; run where the data folder is
    #[command(after_help = "\
An account holds who is revoked, so a broker with an old one lets people in who are not meant to be. One line a broker and
account:
  ours     it has what we have
  missing  it has never heard of the account
  older    it has an older version: it was away, or somebody has put that back
  newer    it has one that our store does not know: a backup was brought back, or another store signs
  foreign  what it has was not signed by our operator

A running `relais up` or `relais serve` looks every minute, pushes ours and says so; `relais nsc push` does it now.
Changes nothing. Exit code 0: every broker has ours; 1: one has not, or did not answer; 4: no broker answered.

Examples:
  relais nsc status
  relais nsc status --json --set nats.url=nats://broker.internal:4222")]
    Status,
    /// Hand every account to the brokers now, and say which have it then; run where the data folder is
    #[command(after_help = "\
Revocations that only a broker knows are taken into the store first, so nothing is forgotten. A repeat does no harm. What is
printed, and the exit codes, are those of `relais nsc status`, afterwards.

Examples:
  relais nsc push
  relais nsc push --set nats.url=nats://broker.internal:4222")]
    Push,
    /// Write operator, accounts, users and keys into one file; run where the data folder is
    #[command(after_help = "\
Everything of `nsc.creds_directory` in one new file, which its owner alone can read; nobody writes to the store meanwhile, and
`relais up` may run. Whoever has the keys can make any credential: with `nsc.seal_key_file` (or `nsc.seal_key`) the file is
sealed, and is worth nothing without that key, which you keep elsewhere. Without, treat the file like the keys themselves.

Not in it: users and devices (the database, `sql.url`) and what brokers keep. A file that is there is not overwritten.

Examples:
  relais nsc backup
  relais nsc backup --out /media/usb/relais.backup --set nsc.seal_key_file=/media/usb/seal.key")]
    Backup(NscBackupArgs),
    /// Bring back what `relais nsc backup` has written, where there is no store
    #[command(after_help = "\
All of it or nothing: it is unpacked beside the place of the store and looked at there as if it were in use (the operator has
signed the accounts, each seed is that of its name, what signs is there), and only then moved. A store that is there is never
overwritten: move it away first. A sealed backup needs the key that has sealed it.

Start `relais up` or `relais serve` afterwards. Who was revoked after the backup was made is not in it, but the brokers know, and
it is taken from them before anything is pushed. If the brokers' folders are lost too, revoke again.

Examples:
  relais nsc restore relais-2026-11-25T080000Z.backup
  relais nsc restore FILE --data /var/lib/relais --set nsc.seal_key_file=/media/usb/seal.key")]
    Restore(NscRestoreArgs),
    /// Write sealed keys plain again, for the real nsc; run where the data folder is
    #[command(after_help = "\
The real `nsc` cannot read sealed keys. Stop Relais, run this with the key, and take `nsc.seal_key` and `nsc.seal_key_file` out
of the settings: the next start with a key seals everything again.

Example:
  relais nsc unseal --set nsc.seal_key_file=/media/usb/seal.key")]
    Unseal,
}

/// What `nsc backup` takes.
#[derive(Debug, Clone, Args)]
pub struct NscBackupArgs {
    /// The file to write; none: relais-TIME.backup in this folder
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// What `nsc restore` takes.
#[derive(Debug, Clone, Args)]
pub struct NscRestoreArgs {
    /// The file that `relais nsc backup` has written
    pub file: PathBuf,
}
