//! Whose certificates the commands believe: the system's authorities, and that of `--ca`. A login keeps it in its profile, so
//! that it is named once.

use std::{fs, path::Path};

use relais_adapters::{http_client::Client, tls::Trust};

use super::Context;
use crate::{
    exit::{Exit, Failure},
    profile::Profile,
};

/// A way to the server that is meant, and the text of the authority that it takes: that of `--ca`, or of the last login there.
pub(super) fn client(context: &Context<'_>) -> Result<(Client, Option<String>), Failure> {
    let server = context.globals.server();
    // Parsed first: an address that is none, or plain, is told before any file is looked at.
    let plain = Client::new(server)?;
    let known = || context.profiles.open(&context.globals.profile, Some(plain.server())).ok()?.ca;
    let Some(ca) = given(context)?.or_else(known) else { return Ok((plain, None)) };
    Ok((Client::trusting(server, &trust(&ca)?)?, Some(ca)))
}

/// Whom to believe in the name of a login.
pub(super) fn of(profile: &Profile, context: &Context<'_>) -> Result<Trust, Failure> {
    match given(context)?.or_else(|| profile.ca.clone()) {
        Some(ca) => trust(&ca),
        None => Ok(Trust::default()),
    }
}

/// Whom to believe as `--ca` says, if it is given.
pub(super) fn given_trust(context: &Context<'_>) -> Result<Option<Trust>, Failure> {
    given(context)?.as_deref().map(trust).transpose()
}

fn given(context: &Context<'_>) -> Result<Option<String>, Failure> {
    context.globals.ca.as_deref().filter(|path| !path.as_os_str().is_empty()).map(read).transpose()
}

/// The text of an authority, once it has passed.
fn read(path: &Path) -> Result<String, Failure> {
    let wrong = |why: String| Failure::usage(format!("--ca {}: {why}", path.display()));
    let text = fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    Trust::with_ca_text(text.as_bytes()).map_err(|error| wrong(error.to_string()))?;
    Ok(text)
}

fn trust(ca: &str) -> Result<Trust, Failure> {
    Trust::with_ca_text(ca.as_bytes()).map_err(|error| {
        Failure::new(Exit::NotAllowed, format!("the authority in the profile cannot be used: {error}"))
            .hint("log in again, and name it with --ca FILE")
    })
}
