//! `relais spec`: descriptions of the API, printed.

use relais_domain::routing::Router;

use super::Context;
use crate::{asyncapi::AsyncApi, connect, exit::Failure, settings::Settings};

/// Prints the OpenAPI document of the HTTP API.
pub(super) fn openapi(context: &mut Context<'_>) -> Result<(), Failure> {
    Ok(writeln!(context.terminal.out, "{}", connect::openapi().trim_end())?)
}

/// Prints the AsyncAPI document of the built-in routes, as the settings have them.
pub(super) fn asyncapi(context: &mut Context<'_>) -> Result<(), Failure> {
    let settings = Settings::load_from(&context.globals.sources([])?)?.settings;
    let document = AsyncApi::backend(&settings).document(&Router::new())?;
    // In one piece, so that a reader who has seen enough ends it.
    Ok(context.terminal.out.write_all(document.json().as_bytes())?)
}
