//! `relais nsc info | setup | account | user`: what admins do over HTTP, where the data folder is.

use std::path::Path;

use jiff::Timestamp;
use relais_domain::{
    audit::{Action, Actor, Outcome},
    auth::Expiry,
    credentials::{PublicKey, setup::EntityName},
    nsc::{AccountOverview, MadeUser, NewUser, NscError, Service, UserOverview, Wish},
    ports::{EngineError, IssueError, Made},
};
use serde_json::{Value, json};

use super::{Context, printing, service};
use crate::{
    cli::{AccountCommand, SetupArgs, UserAddArgs, UserCommand, UserEditArgs, WishArgs},
    connect,
    exit::{Exit, Failure},
    settings::Settings,
};

/// Who runs this, by the name that the system knows.
pub(super) fn by() -> Actor {
    let name = ["USER", "LOGNAME", "USERNAME"].iter().find_map(|name| std::env::var(name).ok());
    Actor::Command(name.unwrap_or_else(|| "somebody".to_owned()))
}

impl From<NscError> for Failure {
    fn from(error: NscError) -> Self {
        let (exit, hint) = match &error {
            NscError::Invalid { .. }
            | NscError::Engine(EngineError::Name(_))
            | NscError::Issue(IssueError::TooLong { .. }) => (Exit::Usage, None),
            NscError::Lint(_) => (Exit::Usage, Some("`relais nsc user add --help` says what users may be allowed")),
            NscError::Engine(EngineError::Unknown { .. }) => {
                (Exit::Failed, Some("`relais nsc info` lists what there is"))
            }
            NscError::Issue(IssueError::NotPushed(_)) => (
                Exit::NoAnswer,
                Some("it is stored; start the broker, or name it with --set nats.url=…, and run `relais nsc push`"),
            ),
            _ => (Exit::Failed, None),
        };
        let failure = Self::of(exit, &error);
        if let Some(hint) = hint { failure.hint(hint) } else { failure }
    }
}

/// Operator and accounts, by name and public key.
pub(super) async fn info(service: &Service, context: &mut Context<'_>) -> Result<(), Failure> {
    let overview = service.nsc.overview().await?;
    let operator = &overview.operator.claims;
    let out = &mut context.terminal.out;
    if context.globals.json {
        let told = json!({
            "operator": {"name": operator.name, "public_key": operator.subject, "signing_keys": operator.body.signing_keys},
            "accounts": overview.accounts.iter().map(account_json).collect::<Vec<_>>(),
        });
        return Ok(writeln!(out, "{told}")?);
    }
    writeln!(out, "operator {} {}", operator.name, operator.subject)?;
    let mut rows = vec![["ACCOUNT", "KEY", "USERS", "REVOKED", "ROLES", "BYTES"].map(str::to_owned)];
    rows.extend(overview.accounts.iter().map(|account| {
        let claims = &account.held.claims;
        let mut roles: Vec<_> = claims.body.signing_keys.0.values().flatten().map(|scope| scope.role.clone()).collect();
        roles.dedup();
        [
            claims.name.clone(),
            claims.subject.to_string(),
            account.users.to_string(),
            claims.body.revocations.len().to_string(),
            if roles.is_empty() { "-".to_owned() } else { roles.join(",") },
            account.held.jwt.as_str().len().to_string(),
        ]
    }));
    Ok(printing::table(&rows, out)?)
}

fn account_json(account: &AccountOverview) -> Value {
    let claims = &account.held.claims;
    let keys = claims.body.signing_keys.0.iter().map(|(key, scope)| {
        let role = scope.as_ref().map(|scope| &scope.role);
        json!({"public_key": key, "role": role, "signs": account.signing.contains(key)})
    });
    json!({
        "name": claims.name,
        "public_key": claims.subject,
        "signing_keys": keys.collect::<Vec<_>>(),
        "users": account.users,
        "revocations": claims.body.revocations.len(),
        "issued_at": claims.issued_at,
        "jwt_bytes": account.held.jwt.as_str().len(),
    })
}

/// The settings to set up with, and whether there is nothing yet: opening the store makes operator and accounts then, those that
/// were asked for.
pub(super) fn to_set_up(args: &SetupArgs, context: &Context<'_>) -> Result<(Settings, bool), Failure> {
    let mut settings = Settings::load_from(&context.globals.sources([])?)?.settings;
    let fresh = !connect::is_set_up(&settings);
    if fresh {
        settings.nsc.operator = args.operator.clone().unwrap_or(settings.nsc.operator);
        settings.nsc.account = args.account.clone().unwrap_or(settings.nsc.account);
    }
    Ok((settings, fresh))
}

/// Makes operator and accounts, where there are none.
pub(super) async fn setup(
    args: &SetupArgs,
    fresh: bool,
    settings: &Settings,
    service: &Service,
    context: &mut Context<'_>,
) -> Result<(), Failure> {
    let operator = args.operator.as_deref().unwrap_or(&settings.nsc.operator);
    let account = args.account.as_deref().unwrap_or(&settings.nsc.account);
    let (held, new) = if fresh {
        service.nsc.declare(&settings.roles()?).await.map_err(NscError::from)?;
        service.note(by(), Action::SetUp, &format!("{operator}/{account}"), (Outcome::Done, "")).await;
        (service.nsc.overview().await?.operator, true)
    } else {
        let made = service.set_up(by(), operator, account).await?;
        let new = matches!(made, Made::New(_));
        (made.into_inner(), new)
    };
    let folder = settings.creds_directory();
    let out = &mut context.terminal.out;
    if context.globals.json {
        let told = json!({"operator": operator, "public_key": held.claims.subject, "account": account, "new": new,
            "system_account": held.claims.body.system_account, "folder": folder});
        return Ok(writeln!(out, "{told}")?);
    }
    let what = if new { "made" } else { "there is already" };
    writeln!(out, "{what} the operator {operator} {} with the account {account}", held.claims.subject)?;
    if fresh && (args.operator.is_some() || args.account.is_some()) {
        let set = "set nsc.operator and nsc.account to these names, for `relais serve` and the other commands";
        writeln!(context.terminal.err, "{set}")?;
    }
    Ok(writeln!(context.terminal.err, "everything is kept in {}", folder.display())?)
}

/// `nsc account …`
pub(super) async fn account(
    command: &AccountCommand,
    service: &Service,
    context: &mut Context<'_>,
) -> Result<(), Failure> {
    match command {
        AccountCommand::Add { name } => {
            let made = service.add_account(by(), name).await?;
            let new = matches!(made, Made::New(_));
            let account = made.into_inner();
            if context.globals.json {
                return Ok(writeln!(context.terminal.out, "{}", account_json(&account))?);
            }
            let what = if new { "made" } else { "there is already" };
            Ok(writeln!(context.terminal.out, "{what} the account {name} {}", account.held.claims.subject)?)
        }
        AccountCommand::RevokeAll { name, yes } => {
            sure(*yes, &format!("this cuts off every device, service and user of the account {name}"))?;
            let account = service.revoke_all(by(), &entity(name)?).await?;
            if context.globals.json {
                return Ok(writeln!(context.terminal.out, "{}", account_json(&account))?);
            }
            Ok(writeln!(context.terminal.out, "every user JWT of {name} that was made until now is refused")?)
        }
    }
}

/// `nsc user …`
pub(super) async fn user(
    command: &UserCommand,
    settings: &Settings,
    service: &Service,
    context: &mut Context<'_>,
) -> Result<(), Failure> {
    match command {
        UserCommand::Add(args) => add_user(args, settings, service, context).await,
        UserCommand::Edit(args) => edit_user(args, settings, service, context).await,
        UserCommand::List { account } => {
            let users = service.nsc.users(account.as_deref()).await?;
            list_users(&users, context)
        }
        UserCommand::Show { name, account } => {
            let user = service.nsc.user_named(name, account.as_deref()).await?;
            let claims = serde_json::to_value(&user.held.claims).map_err(|error| Failure::of(Exit::Failed, &error))?;
            let shown = if context.globals.json { claims.to_string() } else { format!("{claims:#}") };
            Ok(writeln!(context.terminal.out, "{shown}")?)
        }
        UserCommand::Revoke { name, account } => {
            let key = service.revoke_user(by(), name, account.as_deref()).await?;
            if context.globals.json {
                return Ok(writeln!(context.terminal.out, "{}", json!({"public_key": key}))?);
            }
            Ok(writeln!(context.terminal.out, "{key} is banned, on every broker; only a new key helps")?)
        }
    }
}

async fn add_user(
    args: &UserAddArgs,
    settings: &Settings,
    service: &Service,
    context: &mut Context<'_>,
) -> Result<(), Failure> {
    let key = args.public_key.as_deref().map(str::parse::<PublicKey>).transpose();
    let public_key = key.map_err(|error| Failure::usage(format!("--public-key: {error}")))?;
    let expiry = args.expiry.as_deref().map(str::parse::<Expiry>).transpose();
    let expiry = expiry.map_err(|error| Failure::usage(format!("--expiry: {error}")))?;
    let new = NewUser {
        name: args.name.clone(),
        account: args.account.clone(),
        wish: wish(&args.wish),
        public_key,
        expires_at: expiry.unwrap_or(settings.nsc.expiry).after(service.clock.now()),
        keep_seed: args.keep_seed,
    };
    let made = service.add_user(by(), new).await?;
    let new = matches!(made, Made::New(_));
    let path = args.out.clone().unwrap_or_else(|| default_creds(settings, &args.name));
    tell_user(&made.into_inner(), if new { "made" } else { "there is already" }, &path, context)
}

async fn edit_user(
    args: &UserEditArgs,
    settings: &Settings,
    service: &Service,
    context: &mut Context<'_>,
) -> Result<(), Failure> {
    let made = service.edit_user(by(), &args.name, args.account.as_deref(), &wish(&args.wish)).await?;
    let path = args.out.clone().unwrap_or_else(|| default_creds(settings, &args.name));
    tell_user(&made, "edited", &path, context)
}

fn default_creds(settings: &Settings, name: &str) -> std::path::PathBuf {
    settings.data.join("users").join(format!("{name}.creds"))
}

/// Writes the creds, where there are any, and says what there is.
fn tell_user(made: &MadeUser, what: &str, path: &Path, context: &mut Context<'_>) -> Result<(), Failure> {
    let stdout = path == Path::new("-");
    let written = match &made.creds {
        Some(creds) if stdout => {
            return Ok(write!(context.terminal.out, "{}", creds.expose())?);
        }
        Some(creds) => {
            service::store_text(path, creds)?;
            Some(path)
        }
        None => None,
    };
    let expires_at = if made.expires_at == 0 { None } else { Timestamp::from_second(made.expires_at).ok() };
    let out = &mut context.terminal.out;
    if context.globals.json {
        let told = json!({"name": made.name, "account": made.account, "public_key": made.public_key,
            "jwt": made.jwt.as_str(), "creds": written, "expires_at": expires_at,
            "inbox_prefix": format!("_INBOX.{}", made.name)});
        return Ok(writeln!(out, "{told}")?);
    }
    let until = expires_at.map_or("for ever".to_owned(), |end| format!("until {end}"));
    writeln!(out, "{what} the user {} of {}, {until}: {}", made.name, made.account, made.public_key)?;
    if let Some(path) = written {
        writeln!(out, "its credentials are in {}; its inbox prefix is _INBOX.{}", path.display(), made.name)?;
    } else {
        writeln!(context.terminal.err, "its seed is not here, so no creds were written; --json prints its JWT")?;
    }
    Ok(())
}

fn list_users(users: &[UserOverview], context: &mut Context<'_>) -> Result<(), Failure> {
    let out = &mut context.terminal.out;
    if context.globals.json {
        let each = users.iter().map(|user| {
            let claims = &user.held.claims;
            json!({"name": claims.name, "public_key": claims.subject, "role": user.role, "issued_at": claims.issued_at,
                "expires_at": claims.expires_at, "refused": user.refused,
                "publish": claims.body.limits.publish.allow, "subscribe": claims.body.limits.subscribe.allow})
        });
        return Ok(writeln!(out, "{}", Value::Array(each.collect()))?);
    }
    let mut rows = vec![["USER", "KEY", "MAY", "ENDS", "REFUSED"].map(str::to_owned)];
    rows.extend(users.iter().map(|user| {
        let claims = &user.held.claims;
        let ends = if claims.expires_at == 0 { None } else { Timestamp::from_second(claims.expires_at).ok() };
        [
            claims.name.clone(),
            claims.subject.to_string(),
            user.role.clone().unwrap_or_else(|| "lists of its own".to_owned()),
            ends.map_or("never".to_owned(), |end| end.to_string()),
            user.refused.unwrap_or("-").to_owned(),
        ]
    }));
    Ok(printing::table(&rows, out)?)
}

fn wish(args: &WishArgs) -> Wish {
    match &args.role {
        Some(role) => Wish::Role(role.clone()),
        None if args.allow_pub.is_empty() && args.allow_sub.is_empty() => Wish::Default,
        None => Wish::Lists { publish: args.allow_pub.clone(), subscribe: args.allow_sub.clone() },
    }
}

pub(super) fn entity(name: &str) -> Result<EntityName, Failure> {
    name.parse().map_err(|error| Failure::of(Exit::Usage, &error))
}

pub(super) fn sure(yes: bool, what: &str) -> Result<(), Failure> {
    if yes { Ok(()) } else { Err(Failure::usage(what).hint("if that is meant, add --yes")) }
}
