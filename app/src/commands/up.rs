//! `relais up`: the whole backend on this machine.

use super::Context;
use crate::{
    cli::UpArgs,
    exit::{Exit, Failure},
    settings::Settings,
};

/// Runs until it is told to end.
///
/// # Errors
/// [`Failure`].
pub async fn run(args: UpArgs, context: &mut Context<'_>) -> Result<(), Failure> {
    let loaded = Settings::load_from(&context.globals.sources(args.flags())?)?;
    super::log_to_stderr(&loaded.settings.log)?;
    Err(Failure::new(Exit::Failed, "this build has no server"))
}
