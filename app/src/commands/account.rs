//! `relais register`, `login`, `whoami`.

use std::{
    io::Write as _,
    time::{SystemTime, UNIX_EPOCH},
};

use jiff::Timestamp;
use relais_adapters::http_client::{Client, ClientError, Login};
use relais_domain::{
    credentials::{KeyKind, UserJwt, creds::Creds},
    ports::{KeyPair, KeyPairs},
    secret::Secret,
};
use serde_json::{Value, json};

use super::{Context, trust};
use crate::{
    cli::{LoginArgs, RegisterArgs},
    exit::Failure,
    profile::Profile,
    session::{known_pair, profile_of, tokens},
};

/// Registers a user.
pub(super) async fn register(args: &RegisterArgs, context: &mut Context<'_>) -> Result<(), Failure> {
    let (client, _) = trust::client(context)?;
    let password = if args.without_password { None } else { Some(context.terminal.password(true)?) };
    let user = client.register(&args.email, password.as_ref()).await.map_err(|error| {
        let taken = matches!(error, ClientError::Conflict(_));
        let failure = Failure::from(error);
        if taken { failure.hint(format!("log in with `relais login {}`", args.email)) } else { failure }
    })?;
    let out = &mut context.terminal.out;
    if context.globals.json {
        let user = json!({
            "id": user.id,
            "email": user.email,
            "created_at": user.created_at,
            "to_be_verified": user.to_be_verified,
        });
        return Ok(writeln!(out, "{user}")?);
    }
    writeln!(out, "registered {} as {}", args.email, user.id)?;
    if user.to_be_verified {
        writeln!(context.terminal.err, "a code was mailed to {}; the first login asks for it", args.email)?;
    }
    Ok(writeln!(context.terminal.err, "next: relais login {}", args.email)?)
}

/// Logs in: the device's key stays here, only its public half is sent.
pub(super) async fn login(args: &LoginArgs, keys: &dyn KeyPairs, context: &mut Context<'_>) -> Result<(), Failure> {
    let (client, ca) = trust::client(context)?;
    let name = context.globals.profile.clone();
    context.profiles.creds_path(&name)?;
    if args.send_code {
        client.send_login_code(&args.email).await?;
        let out = &mut context.terminal.out;
        return Ok(writeln!(out, "a code was mailed to {}, if it is registered; it holds 15 minutes", args.email)?);
    }
    let (password, code, spare) = proof(args, &client, context).await?;
    let attempt = async |pair: &KeyPair, code: Option<&Secret>| {
        let (email, password, device) = (&args.email, password.as_ref(), args.device.as_deref());
        client.login(&Login { email, password, code, device, public_key: &pair.public }).await
    };
    let known = known_pair(&context.profiles, &name, client.server(), &args.email, keys);
    let mut pair = known.clone().unwrap_or_else(|| keys.generate(KeyKind::User));
    let mut code = code;
    let mut result = attempt(&pair, code.as_ref()).await;
    if matches!(result, Err(ClientError::Unverified(_))) {
        code = if context.terminal.asks { Some(context.terminal.code(&args.email)?) } else { spare };
        if code.is_some() {
            result = attempt(&pair, code.as_ref()).await;
        }
    }
    // The server has no use for the old key any more: its device was removed, or the user is another one by now.
    if matches!(result, Err(ClientError::Conflict(_))) && known.is_some() {
        pair = keys.generate(KeyKind::User);
        result = attempt(&pair, code.as_ref()).await;
    }
    let answer = result.map_err(|error| {
        let email = &args.email;
        let hint = match &error {
            ClientError::Unauthorized(_) if args.code => Some(format!(
                "a code is good once, for 15 minutes; another comes with `relais login {email} --send-code`"
            )),
            ClientError::Unauthorized(_) => {
                Some(format!("check address and password; a new user registers with `relais register {email}`"))
            }
            ClientError::Unverified(_) => {
                Some("put the code on the second line of standard input, behind the password".to_owned())
            }
            _ => None,
        };
        let failure = Failure::from(error);
        if let Some(hint) = hint { failure.hint(hint) } else { failure }
    })?;
    let creds = Creds { jwt: UserJwt::from_text(answer.jwt.clone()), seed: pair.seed };
    let profile = Profile { ca, ..profile_of(&answer, client.server(), &args.email) };
    let path = context.profiles.save(&name, &profile, &creds, &tokens(&answer))?;
    let out = &mut context.terminal.out;
    if context.globals.json {
        return Ok(writeln!(out, "{}", as_json(&profile, &path.to_string_lossy()))?);
    }
    let until = profile.expires_at.map_or("for ever".to_owned(), |end| format!("until {end}"));
    writeln!(out, "logged in as {} ({}) at {}, {until}", args.email, profile.user_id, profile.server)?;
    Ok(writeln!(context.terminal.err, "next: relais request echo.identified hello")?)
}

/// What proves who logs in: a password or a code; and the code that goes with the password if the server asks for it.
async fn proof(
    args: &LoginArgs,
    client: &Client,
    context: &mut Context<'_>,
) -> Result<(Option<Secret>, Option<Secret>, Option<Secret>), Failure> {
    if !args.code {
        let (password, code) = context.terminal.password_and_code()?;
        return Ok((Some(password), None, code));
    }
    if context.terminal.asks {
        client.send_login_code(&args.email).await?;
    }
    Ok((None, Some(context.terminal.code(&args.email)?), None))
}

/// Prints who is logged in.
pub(super) fn whoami(context: &mut Context<'_>) -> Result<(), Failure> {
    let profile = current(context)?;
    let path = context.profiles.creds_path(&context.globals.profile)?.to_string_lossy().into_owned();
    let out = &mut context.terminal.out;
    if context.globals.json {
        return Ok(writeln!(out, "{}", as_json(&profile, &path))?);
    }
    let expires = match profile.expires_at {
        Some(end) if end <= now() => format!("{end} (expired: log in again)"),
        Some(end) => end.to_string(),
        None => "never".to_owned(),
    };
    for (name, value) in [
        ("user id", profile.user_id.to_string()),
        ("email", profile.email),
        ("device id", profile.device_id.to_string()),
        ("server", profile.server),
        ("brokers", profile.servers.join(", ")),
        ("creds", path),
        ("inbox prefix", profile.inbox_prefix),
        ("expires", expires),
        ("may publish", profile.permissions.publish.join(", ")),
        ("may listen to", profile.permissions.subscribe.join(", ")),
    ] {
        writeln!(out, "{name:14} {}", super::printing::one_line(&value))?;
    }
    Ok(())
}

/// The login of the chosen profile, at the chosen server if one was chosen.
pub(super) fn current(context: &Context<'_>) -> Result<Profile, Failure> {
    let server = context.globals.server.as_deref().map(Client::new).transpose()?;
    Ok(context.profiles.open(&context.globals.profile, server.as_ref().map(Client::server))?)
}

/// What time it is.
pub(super) fn now() -> Timestamp {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    i64::try_from(seconds).ok().and_then(|seconds| Timestamp::from_second(seconds).ok()).unwrap_or(Timestamp::MAX)
}

fn as_json(profile: &Profile, creds: &str) -> Value {
    json!({
        "user_id": profile.user_id,
        "email": profile.email,
        "device_id": profile.device_id,
        "server": profile.server,
        "servers": profile.servers,
        "creds": creds,
        "inbox_prefix": profile.inbox_prefix,
        "expires_at": profile.expires_at,
        "permissions": profile.permissions,
    })
}
