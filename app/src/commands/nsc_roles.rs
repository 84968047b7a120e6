//! `relais nsc role | keys | export`: roles as the settings have them, signing keys, and a store for nsc to look at.

use std::{fs, path::Path};

use relais_adapters::nats_server::{Cluster, Config};
use relais_domain::{
    credentials::{UserLimits, permissions},
    nsc::{Declared, NscError, Role, Rotation, Service},
    ports::Devices,
};
use serde_json::{Value, json};

use super::{
    Context,
    nsc_admin::{by, entity, sure},
    printing, service,
};
use crate::{
    cli::{ConfigArgs, KeysCommand, RoleCommand},
    exit::{Exit, Failure},
    settings::Settings,
};

/// `nsc role …`
pub(super) async fn role(
    command: &RoleCommand,
    settings: &Settings,
    service: &Service,
    context: &mut Context<'_>,
) -> Result<(), Failure> {
    let wanted = settings.roles()?;
    match command {
        RoleCommand::List => {
            let account = service.nsc.account_named(&entity(&settings.nsc.account)?).await?;
            let scopes: Vec<_> = account.held.claims.body.signing_keys.0.values().flatten().collect();
            let mut names: Vec<String> = scopes.iter().map(|scope| scope.role.clone()).collect();
            names.extend(wanted.iter().map(|role| role.name().to_string()));
            names.sort();
            names.dedup();
            let mut told = Vec::new();
            for name in names {
                let scope = scopes.iter().find(|scope| scope.role == name);
                let role = wanted.iter().find(|role| role.name().as_str() == name);
                let state = match (scope, role) {
                    (Some(scope), Some(role)) if permissions::alike(&scope.template.known, role.limits()) => "as set",
                    (Some(_), Some(_)) => "differs from the settings",
                    (Some(_), None) => "not in the settings",
                    (None, _) => "not made yet",
                };
                let limits = scope.map(|scope| &scope.template.known).or(role.map(Role::limits));
                let list =
                    |of: fn(&UserLimits) -> &Vec<String>| limits.map(|limits| of(limits).clone()).unwrap_or_default();
                let about = scope.map(|scope| scope.description.clone()).unwrap_or_default();
                let (publish, subscribe) = (list(|own| &own.publish.allow), list(|own| &own.subscribe.allow));
                told.push((name, state, scope.map(|scope| &scope.key), about, publish, subscribe));
            }
            if context.globals.json {
                let each = told.iter().map(|(name, state, key, about, publish, subscribe)| {
                    json!({"name": name, "state": state, "public_key": key, "about": about, "publish": publish,
                        "subscribe": subscribe})
                });
                return Ok(writeln!(context.terminal.out, "{}", Value::Array(each.collect()))?);
            }
            let mut rows = vec![["ROLE", "STATE", "PUBLISHES", "LISTENS", "ABOUT"].map(str::to_owned)];
            rows.extend(told.into_iter().map(|(name, state, _, about, publish, subscribe)| {
                [name, state.to_owned(), publish.join(" "), subscribe.join(" "), printing::one_line(&about)]
            }));
            Ok(printing::table(&rows, &mut context.terminal.out)?)
        }
        RoleCommand::Apply => {
            let (declared, pushed) = service.apply_roles(by(), &wanted).await?;
            for (role, declared) in wanted.iter().zip(declared) {
                let word = match declared {
                    Declared::Made => "made",
                    Declared::Changed => "changed",
                    Declared::There => "as it was",
                };
                if context.globals.json {
                    writeln!(context.terminal.out, "{}", json!({"role": role.name(), "outcome": word}))?;
                } else {
                    writeln!(context.terminal.out, "{}: {word}", role.name())?;
                }
            }
            Ok(pushed.map_err(NscError::from)?)
        }
        RoleCommand::Remove { name, yes } => {
            if wanted.iter().any(|role| role.name().as_str() == name) {
                return Err(Failure::usage(format!("the settings have the role {name}: it would be made again"))
                    .hint("take it out of the settings first"));
            }
            sure(*yes, &format!("this cuts off every member of the role {name}"))?;
            service.remove_role(by(), name).await?;
            Ok(writeln!(context.terminal.out, "the role {name} is gone; its members are cut off")?)
        }
    }
}

/// `nsc keys …`
pub(super) async fn keys(
    command: &KeysCommand,
    settings: &Settings,
    service: &Service,
    context: &mut Context<'_>,
) -> Result<(), Failure> {
    let (rotation, account) = match command {
        KeysCommand::Rotate { account, at_once } => {
            let account = account.as_deref().unwrap_or(&settings.nsc.account);
            (service.rotate(by(), &entity(account)?, *at_once).await?, account)
        }
        KeysCommand::EndRotation { account } => {
            let account = account.as_deref().unwrap_or(&settings.nsc.account);
            (service.end_rotation(by(), &entity(account)?).await?, account)
        }
    };
    let Rotation { added, retired, removed, cut_off } = &rotation;
    let out = &mut context.terminal.out;
    if context.globals.json {
        let added: Vec<_> = added.iter().map(|(key, role)| json!({"public_key": key, "role": role})).collect();
        let told =
            json!({"account": account, "added": added, "retired": retired, "removed": removed, "cut_off": cut_off});
        return Ok(writeln!(out, "{told}")?);
    }
    for (key, role) in added {
        let what = role.as_ref().map_or("users and services".to_owned(), |role| format!("the role {role}"));
        writeln!(out, "signs {what} from now on  {key}")?;
    }
    for key in retired.iter().filter(|key| !removed.contains(key)) {
        writeln!(out, "signs no more, still believed  {key}")?;
    }
    for key in removed {
        writeln!(out, "not believed any more  {key}")?;
    }
    if !cut_off.is_empty() {
        writeln!(context.terminal.err, "these need new creds (relais nsc user edit): {}", cut_off.join(", "))?;
    }
    if retired.is_empty() && removed.is_empty() && added.is_empty() {
        writeln!(out, "there was nothing to end")?;
    }
    Ok(())
}

/// A configuration for nats-server.
pub(super) async fn config(
    args: &ConfigArgs,
    settings: &Settings,
    service: &Service,
    context: &mut Context<'_>,
) -> Result<(), Failure> {
    let cluster = match args.node {
        None => None,
        Some(node) => {
            if args.cluster.len() < 2 {
                return Err(Failure::usage("a cluster is two brokers or more").hint("for one, leave out --cluster"));
            }
            if let Some(twice) = args.cluster.iter().enumerate().find(|(at, own)| args.cluster[..*at].contains(own)) {
                return Err(Failure::usage(format!(
                    "--cluster names {} twice: each node has a place of its own",
                    twice.1
                )));
            }
            let own = node.checked_sub(1).and_then(|at| args.cluster.get(at));
            let own = own.ok_or_else(|| Failure::usage(format!("--node is 1 to {}", args.cluster.len())))?;
            let others = args.cluster.iter().filter(|other| *other != own).cloned().collect();
            Some(Cluster { name: settings.nsc.operator.clone(), listen: own.clone(), others })
        }
    };
    let name = args.name.clone().unwrap_or_else(|| match args.node {
        Some(node) => format!("relais-{node}"),
        None => "relais".to_owned(),
    });
    let trust = service.nsc.trust().await.map_err(|error| Failure::of(Exit::Failed, &error))?;
    let mut config = Config::new(&name, &args.store, trust.operator.as_str(), trust.system_account.as_str());
    (config.listen, config.websocket, config.monitor) = (args.listen, args.websocket, args.monitor);
    config.websocket_origins.clone_from(&settings.http.allowed_origins);
    config.preload = trust.accounts.iter().map(|(key, jwt)| (key.to_string(), jwt.as_str().to_owned())).collect();
    config.cluster = cluster;
    if context.globals.json {
        return Ok(writeln!(context.terminal.out, "{}", json!({"name": name, "config": config.text()}))?);
    }
    Ok(write!(context.terminal.out, "{}", config.text())?)
}

/// Writes the JWTs of devices, which lie in SQL, into a new store that `nsc` can look at, beside operator and accounts.
pub(super) async fn export(
    folder: &Path,
    settings: &Settings,
    service: &Service,
    devices: &dyn Devices,
    context: &mut Context<'_>,
) -> Result<(), Failure> {
    if folder.exists() {
        return Err(Failure::usage(format!("{} is there already; name a folder that is not", folder.display())));
    }
    let overview = service.nsc.overview().await?;
    let operator = &overview.operator.claims.name;
    let store = folder.join("stores").join(operator);
    let write = |path: &Path, text: &str| -> Result<(), Failure> { service::store_text(path, &text.into()) };
    write(
        &store.join(".nsc"),
        &json!({"managed": false, "name": operator, "kind": "operator", "version": "1"}).to_string(),
    )?;
    write(&store.join(format!("{operator}.jwt")), overview.operator.jwt.as_str())?;
    for account in &overview.accounts {
        let name = &account.held.claims.name;
        let place = store.join("accounts").join(name);
        write(&place.join(format!("{name}.jwt")), account.held.jwt.as_str())?;
        for user in service.nsc.users(Some(name)).await? {
            write(&place.join("users").join(format!("{}.jwt", user.held.claims.name)), user.held.jwt.as_str())?;
        }
    }
    let users = store.join("accounts").join(&settings.nsc.account).join("users");
    let (mut written, mut without, mut after) = (0_usize, 0_usize, None);
    loop {
        let page = devices.all(after.clone(), 500).await.map_err(|error| Failure::of(Exit::Failed, &error))?;
        let Some(last) = page.last() else { break };
        after = Some(last.id.clone());
        for device in &page {
            match &device.jwt {
                Some(jwt) => {
                    write(&users.join(format!("{}_{}.jwt", device.user, device.id)), jwt.as_str())?;
                    written += 1;
                }
                None => without += 1,
            }
        }
    }
    fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(Failure::from)?;
    if context.globals.json {
        let told = json!({"folder": folder, "devices": written, "without_jwt": without});
        return Ok(writeln!(context.terminal.out, "{told}")?);
    }
    writeln!(context.terminal.out, "wrote {written} devices into {}", folder.display())?;
    if without > 0 {
        writeln!(
            context.terminal.err,
            "{without} devices have logged in before JWTs were kept; they come with their next login"
        )?;
    }
    let stores = service::quoted(&folder.join("stores").to_string_lossy());
    Ok(writeln!(context.terminal.err, "look at it with\n  nsc --data-dir {stores} list users")?)
}
