//! What `relais mail` takes.

use clap::{Args, Subcommand};
use relais_domain::auth::Email;

/// What can be done about mails.
#[derive(Debug, Subcommand)]
pub enum MailCommand {
    /// Send a mail by the server of mail.smtp_url, and say what that server said
    #[command(after_help = "\
Exit codes: 0 the server took it, 1 it did not, 2 the settings name no server or a wrong one, 4 nobody answered in time.

Example:
  relais mail test you@example.org")]
    Test(MailTestArgs),
}

/// What `mail test` takes.
#[derive(Debug, Clone, Args)]
pub struct MailTestArgs {
    /// To whom
    pub email: Email,
}
