//! `relais nsc status`, `relais nsc push`: what the brokers have, beside what the store has.

use std::io;

use relais_domain::live::{Compared, Report, Standing};
use serde_json::{Value, json};

use super::{
    Context,
    printing::{self, one_line},
};
use crate::exit::{Exit, Failure};

/// Prints how the brokers stand to every account; fails where one has not ours.
pub(super) fn tell(reports: &[Report], context: &mut Context<'_>) -> Result<(), Failure> {
    if context.globals.json {
        let agree = reports.iter().all(Report::agrees);
        let accounts: Vec<_> = reports.iter().map(report_json).collect();
        writeln!(context.terminal.out, "{}", json!({"agree": agree, "accounts": accounts}))?;
    } else {
        table(reports, &mut *context.terminal.out)?;
    }
    let not_ours = |report: &Report| report.found.iter().filter(|found| found.standing != Standing::Same).count();
    let differ: usize = reports.iter().map(not_ours).sum();
    let missing = reports.iter().map(Report::missing).max().unwrap_or_default();
    let what = match (differ, missing) {
        (0, 0) => return Ok(()),
        (0, missing) => format!("{missing} of the brokers did not answer"),
        (_, 0) => "not every broker has our accounts".to_owned(),
        (_, missing) => format!("not every broker has our accounts, and {missing} did not answer"),
    };
    let hint = if differ > 0 {
        "`relais nsc push` hands them ours; if one was put back by hand, find out who may publish in the system account"
    } else {
        "one that was ended is counted for some minutes; if it runs, look whether the others reach it"
    };
    Err(Failure::new(Exit::Failed, what).hint(hint))
}

fn table(reports: &[Report], out: &mut dyn io::Write) -> io::Result<()> {
    let mut rows = vec![["ACCOUNT", "BROKER", "HAS", "MADE", "OURS MADE"].map(str::to_owned)];
    for report in reports {
        for found in &report.found {
            let broker = found.broker.as_ref().map_or("one of several", |broker| &broker.name);
            let made = made(found).map_or_else(|| "-".to_owned(), time);
            let ours = time(report.issued_at);
            rows.push([one_line(&report.name), one_line(broker), word(found.standing).to_owned(), made, ours]);
        }
        for _ in 0..report.missing() {
            let unknown = || "-".to_owned();
            rows.push([
                one_line(&report.name),
                "?".to_owned(),
                "no answer".to_owned(),
                unknown(),
                time(report.issued_at),
            ]);
        }
    }
    printing::table(&rows, out)
}

fn report_json(report: &Report) -> Value {
    let broker = |found: &Compared| {
        let (name, id) = found.broker.as_ref().map(|own| (&own.name, &own.id)).unzip();
        json!({"name": name, "id": id, "has": word(found.standing), "issued_at": made(found)})
    };
    json!({
        "name": report.name,
        "public_key": report.account,
        "issued_at": report.issued_at,
        "brokers": report.found.iter().map(broker).collect::<Vec<_>>(),
        "missing": report.missing(),
        "agree": report.agrees(),
    })
}

fn word(standing: Standing) -> &'static str {
    match standing {
        Standing::Same => "ours",
        Standing::Missing => "missing",
        Standing::Older => "older",
        Standing::Newer => "newer",
        Standing::Foreign => "foreign",
    }
}

fn made(found: &Compared) -> Option<i64> {
    found.claims.as_ref().map(|claims| claims.issued_at)
}

/// Seconds since 1970 as a time.
fn time(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).map_or_else(|_| seconds.to_string(), |time| time.to_string())
}
