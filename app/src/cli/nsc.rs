//! What `relais nsc` takes.

use clap::Subcommand;

use super::{AccountCommand, ExportArgs, KeysCommand, RoleCommand, SetupArgs, UserCommand};

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
}
