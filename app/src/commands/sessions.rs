//! `relais devices`, `logout`, `password`, `leave`, and what keeps a login alive: the session of the profile.

use std::io::Write as _;

use relais_adapters::http_client::Client;
use relais_domain::{auth::Email, secret::Secret};
use serde_json::json;

use super::{Context, account, nsc_admin::sure, printing, trust};
use crate::{
    Session,
    cli::{DevicesCommand, LeaveArgs, PasswordArgs},
    exit::{Exit, Failure},
    profile::Profile,
};

/// The session of the chosen profile.
pub(super) fn session(context: &Context<'_>) -> Result<Session, Failure> {
    let trust = trust::given_trust(context)?;
    Ok(Session::of(context.profiles.clone(), &context.globals.profile, trust))
}

/// Goes on with the session of a profile, and stores what came of it.
async fn refresh(profile: &Profile, context: &Context<'_>) -> Result<(Profile, Client, Secret), Failure> {
    let (renewed, answer) = session(context)?.refresh().await?;
    let client = Client::trusting(&profile.server, &trust::of(profile, context)?)?;
    Ok((renewed, client, answer.access_token))
}

/// A way to the HTTP API in the name of who is logged in.
pub(super) async fn access(context: &Context<'_>) -> Result<(Profile, Client, Secret), Failure> {
    let profile = account::current(context)?;
    refresh(&profile, context).await
}

/// `relais devices …`
pub(super) async fn devices(command: &DevicesCommand, context: &mut Context<'_>) -> Result<(), Failure> {
    let (_, client, token) = access(context).await?;
    let out = &mut context.terminal.out;
    match command {
        DevicesCommand::List => {
            let devices = client.devices(&token).await?;
            if context.globals.json {
                return Ok(writeln!(out, "{}", json!(devices))?);
            }
            let mut rows = vec![["DEVICE", "NAME", "SINCE", "SEEN", "ENDS"].map(str::to_owned)];
            rows.extend(devices.iter().map(|device| {
                let own = if device.current { " (this one)" } else { "" };
                [
                    device.id.to_string(),
                    format!("{}{own}", printing::one_line(&device.name)),
                    device.created_at.to_string(),
                    device.seen_at.to_string(),
                    device.expires_at.map_or("never".to_owned(), |end| end.to_string()),
                ]
            }));
            Ok(printing::table(&rows, out)?)
        }
        DevicesCommand::Remove { id } => {
            client.remove_device(&token, id).await?;
            if context.globals.json {
                return Ok(writeln!(out, "{}", json!({"device_id": id, "removed": true}))?);
            }
            Ok(writeln!(out, "{id} is removed and cut off")?)
        }
    }
}

/// Logs out: the device is removed at the server, and nothing of the login is left here.
pub(super) async fn logout(context: &mut Context<'_>) -> Result<(), Failure> {
    let profile = account::current(context)?;
    let name = context.globals.profile.clone();
    let gone = match refresh(&profile, context).await {
        Ok((_, client, token)) => client.logout(&token).await.map_err(Failure::from),
        // Its session has ended already.
        Err(failure) if failure.exit == Exit::NotAllowed => Ok(()),
        Err(failure) => Err(failure),
    };
    gone.map_err(|failure| failure.hint("you are still logged in; try again when the server answers"))?;
    context.profiles.forget(&name)?;
    Ok(writeln!(context.terminal.out, "logged out {} at {}", profile.email, profile.server)?)
}

/// Changes the password.
pub(super) async fn password(args: &PasswordArgs, context: &mut Context<'_>) -> Result<(), Failure> {
    if let Some(email) = &args.forgotten {
        return forgotten(email, args.send_code, context).await;
    }
    let (old, new) = context.terminal.two_passwords()?;
    let (_, client, token) = access(context).await?;
    client.change_password(&token, &old, &new, args.remove_other_devices).await?;
    Ok(writeln!(context.terminal.out, "the password is changed")?)
}

/// Replaces a forgotten password with a mailed code.
async fn forgotten(email: &Email, send_code: bool, context: &mut Context<'_>) -> Result<(), Failure> {
    let (client, _) = trust::client(context)?;
    if send_code || context.terminal.asks {
        client.send_reset_code(email).await?;
    }
    if send_code {
        let out = &mut context.terminal.out;
        return Ok(writeln!(out, "a code was mailed to {email}, if it is registered; it holds 15 minutes")?);
    }
    let (code, new) = context.terminal.code_and_password(email)?;
    client.reset_password(email, &code, &new).await?;
    writeln!(context.terminal.out, "the password is replaced, and all devices are removed")?;
    Ok(writeln!(context.terminal.err, "next: relais login {email}")?)
}

/// Removes the user.
pub(super) async fn leave(args: &LeaveArgs, context: &mut Context<'_>) -> Result<(), Failure> {
    let profile = account::current(context)?;
    sure(args.yes, &format!("this removes {} at {} with everything it has, for good", profile.email, profile.server))?;
    let (_, client, token) = access(context).await?;
    client.leave(&token).await?;
    context.profiles.forget(&context.globals.profile)?;
    Ok(writeln!(context.terminal.out, "{} is gone from {}", profile.email, profile.server)?)
}
