//! `relais nsc backup`, `relais nsc restore`, `relais nsc unseal`: the store as a whole.

use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use relais_adapters::nsc::Backup;
use serde_json::json;

use super::{Context, service};
use crate::{
    cli::{NscBackupArgs, NscRestoreArgs},
    connect,
    exit::{Exit, Failure},
    settings::Settings,
};

/// Writes the store into a file, and says what is in it.
pub(super) fn backup(args: &NscBackupArgs, now: Timestamp, context: &mut Context<'_>) -> Result<(), Failure> {
    let settings = service::installation(context)?;
    let file = args.out.clone().unwrap_or_else(|| PathBuf::from(format!("relais-{}.backup", stamp(now))));
    let made = connect::back_up(&settings, &file)?;
    tell("wrote the store to", &file, &made, context)?;
    if !made.sealed {
        writeln!(
            context.terminal.err,
            "it is NOT sealed: whoever reads it can make any credential of this installation; keep it like the keys, or make it \
             again with nsc.seal_key_file set"
        )?;
    }
    Ok(())
}

/// Brings a store back from a file.
pub(super) fn restore(args: &NscRestoreArgs, context: &mut Context<'_>) -> Result<(), Failure> {
    // There need not be an installation: that is what this is for.
    let settings = Settings::load_from(&context.globals.sources([])?)?.settings;
    let made = connect::restore(&settings, &args.file)?;
    tell("brought the store back from", &args.file, &made, context)?;
    let err = &mut context.terminal.err;
    Ok(writeln!(
        err,
        "start `relais up` or `relais serve` now: it takes from the brokers who was revoked after {}",
        made.made_at
    )?)
}

/// Writes sealed secrets plain again.
pub(super) fn unseal(context: &mut Context<'_>) -> Result<(), Failure> {
    let settings = service::installation(context)?;
    let Some(files) = connect::unseal(&settings)? else {
        return Err(Failure::new(Exit::Usage, "no key was given to unseal with")
            .hint("name its file with --set nsc.seal_key_file=FILE, or give it in RELAIS_NSC__SEAL_KEY"));
    };
    let out = &mut context.terminal.out;
    if context.globals.json {
        return Ok(writeln!(out, "{}", json!({"unsealed": files}))?);
    }
    writeln!(out, "{files} secret files are plain now")?;
    let hint =
        "take nsc.seal_key and nsc.seal_key_file out of the settings: with a key the next start seals them again";
    Ok(writeln!(context.terminal.err, "{hint}")?)
}

fn tell(what: &str, file: &Path, made: &Backup, context: &mut Context<'_>) -> io::Result<()> {
    let file = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    let out = &mut context.terminal.out;
    if context.globals.json {
        let told = json!({
            "file": file,
            "operator": made.operator,
            "accounts": made.accounts,
            "made_at": made.made_at,
            "files": made.files,
            "seeds": made.seeds,
            "sealed": made.sealed,
        });
        return writeln!(out, "{told}");
    }
    writeln!(out, "{what} {}", file.display())?;
    for (name, value) in [
        ("operator", made.operator.clone()),
        ("accounts", made.accounts.join(", ")),
        ("made at", made.made_at.to_string()),
        ("files", format!("{}, {} of them seeds", made.files, made.seeds)),
        ("sealed", if made.sealed { "yes" } else { "no" }.to_owned()),
    ] {
        writeln!(out, "  {name:8}  {value}")?;
    }
    Ok(())
}

/// A time as a name of a file holds it.
fn stamp(now: Timestamp) -> String {
    now.strftime("%Y-%m-%dT%H%M%SZ").to_string()
}
