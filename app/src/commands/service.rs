//! `relais service add`, `relais creds export`: credentials that are made where the data folder is.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use relais_domain::{
    credentials::{Grantee, KeyKind, creds::Creds, streams},
    identity::ServiceName,
    ports::{CredentialsIssuer, Grant, KeyPairs},
    secret::Secret,
    subject::{Filter, Pattern},
};
use serde_json::{Value, json};

use relais_adapters::{
    files,
    jetstream::{Bucket, Difference, Provisioned},
};

use super::Context;
use crate::{
    cli::{CredsExportArgs, Role, ServiceAddArgs},
    exit::{Exit, Failure},
    settings::Settings,
};

/// The settings of the installation in the data folder, which must be there: these commands make none.
pub(super) fn installation(context: &Context<'_>) -> Result<Settings, Failure> {
    let settings = Settings::load_from(&context.globals.sources([])?)?.settings;
    let folder = settings.creds_directory();
    if folder.is_dir() {
        return Ok(settings);
    }
    let what = format!("there is no installation here: {} is no folder", folder.display());
    Err(Failure::new(Exit::Failed, what).hint(
        "run `relais up` once (or `relais nsc setup`, for brokers of your own), or name its folder with --data FOLDER",
    ))
}

/// Makes the creds of a service and what it keeps in JetStream, and says how to run it. A repeat keeps its key, and takes the
/// new routes. Without a broker the creds are made nonetheless, and what is missing is said.
pub(super) async fn add(
    args: &ServiceAddArgs,
    settings: &Settings,
    issuer: &dyn CredentialsIssuer,
    keys: &dyn KeyPairs,
    provision: impl AsyncFnOnce(&ServiceName) -> Result<Bucket, Failure>,
    context: &mut Context<'_>,
) -> Result<(), Failure> {
    let routes = match args.routes.as_slice() {
        [] => vec!["from.*.>".parse::<Filter>().map_err(|error| Failure::of(Exit::Failed, &error))?],
        routes => routes.iter().map(Pattern::filter).cloned().collect(),
    };
    let grantee = Grantee::Service { name: args.name.clone(), routes };
    let default = settings.data.join("services").join(format!("{}.creds", args.name));
    let path = args.out.clone().unwrap_or(default);
    let url = broker(settings);
    let creds = issue(grantee.clone(), &path, issuer, keys).await?;
    if is_stdout(&path) {
        tell(&provision(&args.name).await, &args.name, context)?;
        writeln!(
            context.terminal.err,
            "run the service with\n  RELAIS_SERVICE__NAME={} RELAIS_NATS__URL={url}",
            args.name
        )?;
        return Ok(write!(context.terminal.out, "{}", creds.format().expose())?);
    }
    store(&path, &creds)?;
    let path = absolute(&path);
    let bucket = provision(&args.name).await;
    if context.globals.json {
        let prefix = grantee.inbox_prefix();
        let bucket = bucket_json(&bucket, &args.name);
        let told = json!({"service": args.name, "creds": path, "url": url, "inbox_prefix": prefix, "bucket": bucket});
        return Ok(writeln!(context.terminal.out, "{told}")?);
    }
    tell(&bucket, &args.name, context)?;
    let out = &mut context.terminal.out;
    writeln!(out, "wrote the credentials of the service {} to {}", args.name, path.display())?;
    writeln!(out, "run it with")?;
    writeln!(out, "  export RELAIS_SERVICE__NAME={}", args.name)?;
    writeln!(out, "  export RELAIS_NATS__CREDS={}", quoted(&path.to_string_lossy()))?;
    Ok(writeln!(out, "  export RELAIS_NATS__URL={}", quoted(&url))?)
}

/// What has become of the bucket of a service's cache, for scripts: `{name, state, differences | reason}`, where the state is
/// made, there, different or absent.
pub(super) fn bucket_json(bucket: &Result<Bucket, Failure>, service: &ServiceName) -> Value {
    let name = streams::cache_bucket(service);
    match bucket.as_ref().map(|own| &own.provisioned) {
        Ok(Provisioned::Made) => json!({"name": name, "state": "made"}),
        Ok(Provisioned::There) => json!({"name": name, "state": "there"}),
        Ok(Provisioned::Different(differences)) => {
            let each = |own: &Difference| json!({"setting": own.setting, "is": own.is, "wanted": own.wanted});
            let differences: Vec<_> = differences.iter().map(each).collect();
            json!({"name": name, "state": "different", "differences": differences})
        }
        Err(failure) => json!({"name": name, "state": "absent", "reason": failure.what}),
    }
}

/// The same for people, beside the answer.
fn tell(bucket: &Result<Bucket, Failure>, service: &ServiceName, context: &mut Context<'_>) -> io::Result<()> {
    let err = &mut context.terminal.err;
    match bucket {
        Ok(told) => writeln!(err, "{told}"),
        Err(failure) => {
            writeln!(err, "the bucket {} was not made: {}", streams::cache_bucket(service), failure.what)?;
            let hint = failure.hint.as_deref().unwrap_or("run this again when that is mended");
            writeln!(err, "the service needs it only where cache is jetstream; {hint}")
        }
    }
}

/// Makes the creds of a person, and says which inbox prefix goes with them.
pub(super) async fn export(
    args: &CredsExportArgs,
    settings: &Settings,
    issuer: &dyn CredentialsIssuer,
    keys: &dyn KeyPairs,
    context: &mut Context<'_>,
) -> Result<(), Failure> {
    let Role::Operator = args.role;
    let grantee = Grantee::Operator { name: args.name.clone() };
    let prefix = grantee.inbox_prefix();
    let default = settings.data.join("operators").join(format!("{}.creds", args.name));
    let path = args.out.clone().unwrap_or(default);
    let url = broker(settings);
    let creds = issue(grantee, &path, issuer, keys).await?;
    if is_stdout(&path) {
        writeln!(context.terminal.err, "use the inbox prefix {prefix} with these credentials")?;
        return Ok(write!(context.terminal.out, "{}", creds.format().expose())?);
    }
    store(&path, &creds)?;
    let path = absolute(&path);
    let out = &mut context.terminal.out;
    if context.globals.json {
        return Ok(writeln!(out, "{}", json!({"name": args.name, "creds": path, "url": url, "inbox_prefix": prefix}))?);
    }
    writeln!(out, "wrote the credentials of the operator {} to {}", args.name, path.display())?;
    writeln!(out, "use them with the inbox prefix {prefix}, as in")?;
    let creds = quoted(&path.to_string_lossy());
    Ok(writeln!(out, "  nats --server {} --creds {creds} --inbox-prefix {prefix} micro ls", quoted(&url))?)
}

/// Signs a JWT that does not expire, and is kept in the store by its name, for the key in `path` if one is there, else for a new one. What runs unattended
/// must not stop one night because nobody renewed it; it ends by revocation.
async fn issue(
    grantee: Grantee,
    path: &Path,
    issuer: &dyn CredentialsIssuer,
    keys: &dyn KeyPairs,
) -> Result<Creds, Failure> {
    let known = if is_stdout(path) { None } else { known_seed(path)? };
    let pair = match known {
        Some(seed) => keys.from_seed(&seed)?,
        None => keys.generate(KeyKind::User),
    };
    let jwt = issuer.issue_kept(Grant { grantee, key: pair.public, expires_at: None }).await?;
    Ok(Creds { jwt, seed: pair.seed })
}

/// The seed in a creds file that is there already; a file that is something else is not overwritten.
fn known_seed(path: &Path) -> Result<Option<Secret>, Failure> {
    let hint = "name another file with --out FILE";
    match fs::read_to_string(path) {
        Ok(text) => match Creds::parse(Secret::from(text).expose()) {
            Ok(creds) => Ok(Some(creds.seed)),
            Err(_) => {
                Err(Failure::new(Exit::Failed, format!("{} is there and no creds file", path.display())).hint(hint))
            }
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => {
            let Failure { what, .. } = Failure::of(Exit::Failed, &error);
            Err(Failure::new(Exit::Failed, format!("cannot read {}: {what}", path.display())).hint(hint))
        }
    }
}

fn store(path: &Path, creds: &Creds) -> Result<(), Failure> {
    store_text(path, &creds.format())
}

/// Writes a file for its owner alone.
pub(super) fn store_text(path: &Path, text: &Secret) -> Result<(), Failure> {
    let written = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .map_or(Ok(()), |folder| files::make_private_folder(folder, false))
        .and_then(|()| files::write_private(path, text.expose().as_bytes()));
    written.map_err(|error| {
        let Failure { what, .. } = Failure::of(Exit::Failed, &error);
        Failure::new(Exit::Failed, format!("cannot write {}: {what}", path.display()))
            .hint("name another file with --out FILE")
    })
}

/// Where clients of this installation find the broker, without secrets.
fn broker(settings: &Settings) -> String {
    let nats = &settings.nats;
    let own = || format!("nats://{}", nats.listen);
    nats.public_urls.first().cloned().or_else(|| nats.url.first().map(ToString::to_string)).unwrap_or_else(own)
}

fn is_stdout(path: &Path) -> bool {
    path == Path::new("-")
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// Text as a shell reads it back.
pub(super) fn quoted(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-:@%+=,".contains(&byte);
    if text.bytes().all(plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_quoted_for_a_shell() {
        assert_eq!(quoted("/a/b-c.creds"), "/a/b-c.creds");
        assert_eq!(quoted("/a b/it's"), r"'/a b/it'\''s'");
    }
}
