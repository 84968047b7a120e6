//! `relais up` and `relais serve`: the whole backend, on this machine or against an external broker.

use std::path::{Path, PathBuf};

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
        tell(context.terminal.err, started.report(), &program())?;
    }
    started.run_until_end(signals).await?;
    if !context.globals.json {
        writeln!(context.terminal.err, "ended; everything is kept in {}", settings.data.display())?;
    }
    Ok(())
}

/// Where the command line looks for a server unless told otherwise.
const DEFAULT_SERVER: &str = "http://127.0.0.1:8080";

/// This program as a shell in the same folder finds it: by name when it is on PATH, else by path.
pub(super) fn program() -> String {
    let Ok(own) = std::env::current_exe() else { return "relais".to_owned() };
    let path = std::env::var_os("PATH").unwrap_or_default();
    let same = |folder: PathBuf| folder.join("relais").canonicalize().is_ok_and(|found| found == own);
    if std::env::split_paths(&path).any(same) {
        return "relais".to_owned();
    }
    let here = std::env::current_dir().ok();
    let near = here.and_then(|here| own.strip_prefix(here).map(Path::to_owned).ok());
    near.unwrap_or(own).display().to_string()
}

/// The start-up report for people.
fn tell(err: &mut dyn std::io::Write, report: &Report, program: &str) -> std::io::Result<()> {
    let (bold, dim) = (Style::new().bold(), Style::new().dimmed());
    let green = Style::new().bold().fg_color(Some(AnsiColor::Green.into()));
    writeln!(err, "\n{green}relais is ready{green:#}\n")?;
    let mut row =
        |name: &str, value: &str, note: &str| writeln!(err, "  {name:<13}{bold}{value}{bold:#}  {dim}{note}{dim:#}");
    row("HTTP API", &report.http, "register, login; the API is described at /docs")?;
    row("broker", &report.nats, report.broker.as_deref().unwrap_or("external"))?;
    if let Some(websocket) = &report.websocket {
        row("WebSocket", websocket, "the broker, for browsers")?;
    }
    if let Some(monitor) = &report.monitor {
        row("monitoring", monitor, "of the broker")?;
    }
    if let Some(mail) = &report.mail {
        row("mail", mail, "is caught and shown there; set mail.smtp_url to send it")?;
    }
    row("service", &report.service, &report.routes.join(", "))?;
    row("data", &report.data.display().to_string(), "users, keys, messages: back up nsc/ first")?;
    if let Some(token) = &report.setup_token {
        row(
            "first admin",
            &token.display().to_string(),
            &format!("holds a token: {program} admin claim EMAIL --token FILE redeems it"),
        )?;
    }
    let server = if report.http == DEFAULT_SERVER { String::new() } else { format!(" --server {}", report.http) };
    writeln!(err, "\nTry, in another terminal:\n")?;
    for command in ["register you@example.org", "login you@example.org"] {
        writeln!(err, "  {bold}{program} {command}{server}{bold:#}")?;
    }
    writeln!(err, "  {bold}{program} request echo.identified hello{bold:#}\n\n{dim}Ctrl-C ends it.{dim:#}\n")?;
    err.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        Report {
            ready: true,
            http: DEFAULT_SERVER.to_owned(),
            http_listen: ([127, 0, 0, 1], 8080).into(),
            nats: "nats://127.0.0.1:4222".to_owned(),
            websocket: Some("ws://127.0.0.1:9222".to_owned()),
            monitor: None,
            setup_token: Some("/home/ada/relais-data/setup-token".into()),
            mail: Some(format!("{DEFAULT_SERVER}/dev/mail")),
            data: "/home/ada/relais-data".into(),
            pid: 7,
            broker: None,
            service: "relais".to_owned(),
            routes: vec!["from.{user}.echo".to_owned()],
        }
    }

    fn told(report: &Report) -> String {
        let mut text = Vec::new();
        tell(&mut anstream::StripStream::new(&mut text as &mut dyn std::io::Write), report, "target/release/relais")
            .unwrap();
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn the_report_says_what_runs_where_and_what_to_try() {
        let text = told(&report());
        for line in [
            "relais is ready",
            "http://127.0.0.1:8080",
            "ws://127.0.0.1:9222",
            "http://127.0.0.1:8080/dev/mail",
            "/home/ada/relais-data",
            "first admin  /home/ada/relais-data/setup-token",
            "target/release/relais admin claim EMAIL",
            "  target/release/relais register you@example.org\n",
            "  target/release/relais login you@example.org\n",
            "  target/release/relais request echo.identified hello\n",
        ] {
            assert!(text.contains(line), "{line} in {text}");
        }
        let elsewhere = told(&Report { http: "http://127.0.0.1:9999".to_owned(), ..report() });
        assert!(elsewhere.contains("login you@example.org --server http://127.0.0.1:9999\n"), "{elsewhere}");
    }
}
