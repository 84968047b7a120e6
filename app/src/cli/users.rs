//! What `relais users` and `relais audit` take.

use std::{fmt, str::FromStr};

use clap::{Args, Subcommand, builder::NonEmptyStringValueParser};
use relais_domain::{
    auth::Email,
    identity::{RoleName, UserId},
};

/// What admins can do with users.
#[derive(Debug, Subcommand)]
pub enum UsersCommand {
    /// All users, by their ids: oldest first
    #[command(after_help = "\
Examples:
  relais users list
  relais users list --search @example.org
  relais users list --limit 20
  relais users list --json | jq -r '.[] | select(.standing == \"disabled\") | .email'")]
    List(UserListArgs),
    /// A user: address, role, whether they are an admin and let in
    #[command(after_help = "\
Examples:
  relais users show ada@example.org
  relais users show 01kaq4w3zk8r5v9m2d6n7p1t4c --json")]
    Show {
        /// Who: an email address or a user id
        user: Whom,
    },
    /// Keep a user out: their devices' keys are revoked, their connections are closed, their sessions end
    #[command(after_help = "\
What they have stays, and `relais users enable` lets them in again.

Example:
  relais users disable ada@example.org")]
    Disable {
        /// Who: an email address or a user id
        user: Whom,
    },
    /// Let a user in again who was disabled; their devices log in anew
    #[command(after_help = "Example:\n  relais users enable ada@example.org")]
    Enable {
        /// Who: an email address or a user id
        user: Whom,
    },
    /// Remove a user with everything they have, for good; the address is free again
    #[command(after_help = "\
On a terminal it asks first; a script says --yes.

Examples:
  relais users delete ada@example.org
  relais users delete 01kaq4w3zk8r5v9m2d6n7p1t4c --yes")]
    Delete(UserDeleteArgs),
    /// Give a user another role: what they may do on NATS, from each device's next login on
    #[command(after_help = "\
A role is a table in the server's settings, [nsc.roles.NAME]; `relais nsc role list` prints them where the data folder is. Admin is
no role: `relais admin add` makes one.

Examples:
  relais users role ada@example.org courier
  relais users role ada@example.org user")]
    Role {
        /// Who: an email address or a user id
        user: Whom,
        /// The role
        role: RoleName,
    },
}

/// What `users list` takes.
#[derive(Debug, Clone, Args)]
pub struct UserListArgs {
    /// Only those whose email address holds this
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    pub search: Option<String>,
    /// At most so many [default: all]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub limit: Option<u64>,
}

/// What `users delete` takes.
#[derive(Debug, Clone, Args)]
pub struct UserDeleteArgs {
    /// Who: an email address or a user id
    pub user: Whom,
    /// Do it without asking: everything they have is removed, and it cannot be undone
    #[arg(long)]
    pub yes: bool,
}

/// What `audit` takes.
#[derive(Debug, Clone, Args)]
pub struct AuditArgs {
    /// At most so many, the newest [default: all]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub limit: Option<u64>,
}

/// Which user is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whom {
    /// The one with this address.
    Email(Email),
    /// The one with this id.
    Id(UserId),
}

impl FromStr for Whom {
    type Err = String;

    /// What holds an @ is an address.
    fn from_str(text: &str) -> Result<Self, String> {
        if text.contains('@') {
            text.parse().map(Self::Email).map_err(|error: relais_domain::auth::InvalidEmail| error.to_string())
        } else {
            text.parse()
                .map(Self::Id)
                .map_err(|_| "it is neither an email address nor a user id; `relais users list` prints both".to_owned())
        }
    }
}

impl fmt::Display for Whom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Email(email) => email.fmt(f),
            Self::Id(id) => id.fmt(f),
        }
    }
}
