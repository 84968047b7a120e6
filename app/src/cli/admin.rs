//! What `relais admin` takes.

use clap::{Args, Subcommand};
use relais_domain::auth::Email;

use super::Whom;

/// What can be done about admins.
#[derive(Debug, Subcommand)]
pub enum AdminCommand {
    /// Become the first admin, by the one-time token of a new server
    #[command(after_help = "\
The token lies in the file setup-token of the server's data folder until it is redeemed; `relais up` prints where. The password is
asked for, or read from standard input.

Example:
  relais admin claim you@example.org --token relais-data/setup-token")]
    Claim(ClaimArgs),
    /// Make a user an admin
    #[command(after_help = "Example:\n  relais admin add bob@example.org")]
    Add {
        /// Who: an email address or a user id
        user: Whom,
    },
    /// Take that away; the last admin stays one
    #[command(after_help = "Example:\n  relais admin remove bob@example.org")]
    Remove {
        /// Who: an email address or a user id
        user: Whom,
    },
}

/// What `admin claim` takes.
#[derive(Debug, Clone, Args)]
pub struct ClaimArgs {
    /// The registered address
    pub email: Email,
    /// The file with the token
    #[arg(long, value_name = "FILE")]
    pub token: std::path::PathBuf,
}
