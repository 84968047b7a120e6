//! `relais migrate`: what `relais serve` needs to be there, made by somebody who may.

use std::io::Write as _;

use relais_domain::{identity::ServiceName, ports::CredentialsIssuer};
use serde_json::json;

use super::{Context, service::bucket_json};
use crate::{connect, exit::Failure, serve, settings::Settings, up::provision};

/// Brings the tables of the database up to date, then makes what the application server keeps in JetStream. Says what it
/// did; what is done stays when the next step fails.
pub(super) async fn migrate(
    settings: &Settings,
    issuer: &dyn CredentialsIssuer,
    context: &mut Context<'_>,
) -> Result<(), Failure> {
    let service = service(settings)?;
    let (database, applied) = provision::database(settings, &settings.data).await?;
    if let Err(error) = database.close().await {
        tracing::debug!(%error, "the database did not end well");
    }
    let out = &mut context.terminal.out;
    if !context.globals.json {
        match applied.as_slice() {
            [] => writeln!(out, "the database is up to date")?,
            names => writeln!(out, "brought the database up to date: {}", names.join(", "))?,
        }
        out.flush()?;
    }
    let bucket = connect::provision(settings, issuer, &service).await;
    if context.globals.json {
        let told = json!({"database": {"applied": applied}, "bucket": bucket_json(&bucket, &service)});
        writeln!(out, "{told}")?;
    } else if let Ok(told) = &bucket {
        writeln!(out, "{told}")?;
    }
    bucket.map(drop)
}

/// Who the application server is: as `relais serve` finds it.
fn service(settings: &Settings) -> Result<ServiceName, Failure> {
    match &settings.nats.creds {
        Some(path) => Ok(serve::identity(settings, path)?.0),
        None => Ok(settings.service.name.clone()),
    }
}
