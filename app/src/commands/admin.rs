//! `relais admin claim`: the first admin.

use std::fs;

use relais_adapters::http_client::{ClientError, Login};
use relais_domain::{credentials::KeyKind, ports::KeyPairs, secret::Secret};
use serde_json::json;

use super::{Context, trust};
use crate::{
    cli::ClaimArgs,
    exit::{Exit, Failure},
};

/// Logs in, and redeems the token.
pub(super) async fn claim(args: &ClaimArgs, keys: &dyn KeyPairs, context: &mut Context<'_>) -> Result<(), Failure> {
    let (client, _) = trust::client(context)?;
    let token = fs::read_to_string(&args.token).map_err(|error| {
        let Failure { what, .. } = Failure::of(Exit::Failed, &error);
        Failure::new(Exit::Failed, format!("cannot read {}: {what}", args.token.display()))
            .hint("it is in the server's data folder until somebody is admin, and only the server's user can read it")
    })?;
    let token = Secret::from(token);
    let token = Secret::from(token.expose().trim());
    let password = context.terminal.password(false)?;
    // A login of its own, which ends with this: one on the profile's key would end the profile's session.
    let pair = keys.generate(KeyKind::User);
    let (device, public_key) = (Some("admin claim"), &pair.public);
    let login = Login { email: &args.email, password: Some(&password), code: None, device, public_key };
    let answer = client.login(&login).await.map_err(|error| {
        let unknown = matches!(error, ClientError::Unauthorized(_));
        let failure = Failure::from(error);
        let hint = format!("check address and password; a new user registers with `relais register {}`", args.email);
        if unknown { failure.hint(hint) } else { failure }
    })?;
    let claimed = client.claim(&answer.access_token, &token).await;
    if let Err(error) = client.logout(&answer.access_token).await {
        tracing::warn!(%error, "the login that this has taken is still there: `relais devices list`");
    }
    claimed?;
    let out = &mut context.terminal.out;
    if context.globals.json {
        return Ok(writeln!(
            out,
            "{}",
            json!({"user_id": answer.user_id, "email": args.email.as_str(), "admin": true})
        )?);
    }
    Ok(writeln!(out, "{} ({}) is admin", args.email, answer.user_id)?)
}
