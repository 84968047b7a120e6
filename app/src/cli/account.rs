//! What `relais register`, `login`, `devices`, `logout`, `password` and `leave` take.

use clap::{Args, Subcommand};
use relais_domain::{auth::Email, identity::DeviceId};

/// What `register` takes.
#[derive(Debug, Clone, Args)]
pub struct RegisterArgs {
    /// The address to register
    pub email: Email,
    /// Without a password, where logins are by mailed codes
    #[arg(long)]
    pub without_password: bool,
}

/// What `login` takes.
#[derive(Debug, Clone, Args)]
pub struct LoginArgs {
    /// The registered address
    pub email: Email,
    /// What you call this device, at most 64 characters
    #[arg(long, value_name = "NAME")]
    pub device: Option<String>,
    /// By a code instead of the password: on a terminal one is mailed and asked for, otherwise it is the first line of standard input
    #[arg(long)]
    pub code: bool,
    /// Have a code mailed, and nothing else
    #[arg(long, conflicts_with_all = ["code", "device"])]
    pub send_code: bool,
}

/// What can be done with one's devices.
#[derive(Debug, Subcommand)]
pub enum DevicesCommand {
    /// Your devices: since when, when they were seen, until when
    #[command(after_help = "Examples:\n  relais devices list\n  relais devices list --json")]
    List,
    /// Remove a device: its key is revoked and its connections are closed
    #[command(after_help = "Example:\n  relais devices remove 01kb2q8fj8v0x4r7t2m5n9c3wd")]
    Remove {
        /// Its id, as `relais devices list` shows it
        id: DeviceId,
    },
}

/// What `password` takes.
#[derive(Debug, Clone, Args)]
pub struct PasswordArgs {
    /// Remove all other devices too, because somebody else may know the old password
    #[arg(long)]
    pub remove_other_devices: bool,
    /// Replace a forgotten one with a code that is mailed to this address; all devices are removed
    #[arg(long, value_name = "EMAIL", conflicts_with = "remove_other_devices")]
    pub forgotten: Option<Email>,
    /// Have the code mailed, and nothing else
    #[arg(long, requires = "forgotten")]
    pub send_code: bool,
}

/// What `leave` takes.
#[derive(Debug, Clone, Args)]
pub struct LeaveArgs {
    /// Do it: everything you have is removed, and it cannot be undone
    #[arg(long)]
    pub yes: bool,
}
