//! `relais up` and `relais serve`: the whole backend, on this machine or against an external broker.

use std::io::Write as _;

use anstyle::{AnsiColor, Style};
use relais_domain::routing::Router;

use super::Context;
use crate::{
    cli::{ServeArgs, UpArgs},
    exit::Failure,
    settings::{Flag, Settings},
    up::{Backend, Report, signals},
};

/// `relais up`: runs until it is told to end.
///
/// # Errors
/// [`Failure`].
pub async fn up(args: UpArgs, context: &mut Context<'_>) -> Result<(), Failure> {
    run(args.flags(), context, |_| Ok(())).await
}

/// `relais serve`: the same against the broker that `nats.url` names.
///
/// # Errors
/// [`Failure`].
pub async fn serve(args: ServeArgs, context: &mut Context<'_>) -> Result<(), Failure> {
    run(args.flags(), context, |settings| {
        if settings.nats.url.is_empty() {
            return Err(Failure::usage("nats.url is not set, so there is no broker to serve on")
                .hint("set it, as in RELAIS_NATS__URL=nats://127.0.0.1:4222; `relais up` runs a broker of its own"));
        }
        Ok(())
    })
    .await
}

async fn run(
    flags: Vec<Flag>,
    context: &mut Context<'_>,
    check: impl FnOnce(&Settings) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let settings = Settings::load_from(&context.globals.sources(flags)?)?.settings;
    super::log_to_stderr(&settings.log)?;
    check(&settings)?;
    let mut signals = signals()?;
    let started = tokio::select! {
        started = Backend::start(&settings, Router::new()) => started?,
        () = signals.next() => return Ok(()),
    };
    if context.globals.json {
        writeln!(context.terminal.out, "{}", serde_json::json!(started.report()))?;
        context.terminal.out.flush()?;
    } else {
        tell(context.terminal.err, started.report(), settings.http.listen.port() == DEFAULT_PORT)?;
    }
    started.run_until_end(signals).await?;
    if !context.globals.json {
        writeln!(context.terminal.err, "ended; everything is kept in {}", settings.data.display())?;
    }
    Ok(())
}

/// Where the command line looks for a server unless told otherwise.
const DEFAULT_PORT: u16 = 8080;

/// The start-up report for people.
fn tell(err: &mut dyn std::io::Write, report: &Report, default_port: bool) -> std::io::Result<()> {
    let (bold, dim) = (Style::new().bold(), Style::new().dimmed());
    let green = Style::new().bold().fg_color(Some(AnsiColor::Green.into()));
    writeln!(err, "\n{green}relais is ready{green:#}\n")?;
    let mut row = |name: &str, value: &str, note: &str| writeln!(err, "  {name:<11}{bold}{value}{bold:#}  {dim}{note}{dim:#}");
    row("HTTP API", &report.http, "register, login; the API is described at /docs")?;
    row("broker", &report.nats, report.broker.as_deref().unwrap_or("external"))?;
    if let Some(websocket) = &report.websocket {
        row("WebSocket", websocket, "the broker, for browsers")?;
    }
    if let Some(monitor) = &report.monitor {
        row("monitoring", monitor, "of the broker")?;
    }
    row("service", &report.service, &report.routes.join(", "))?;
    row("data", &report.data.display().to_string(), "users, keys, messages: back up nsc/ first")?;
    let server = if default_port { String::new() } else { format!(" --server {}", report.http) };
    writeln!(err, "\nTry, in another terminal:\n")?;
    for command in ["register you@example.org", "login you@example.org"] {
        writeln!(err, "  {bold}relais {command}{server}{bold:#}")?;
    }
    writeln!(err, "  {bold}relais request echo.identified hello{bold:#}\n\n{dim}Ctrl-C ends it.{dim:#}\n")?;
    err.flush()
}
