//! `relais settings`.

use std::io::Write as _;

use serde_json::{Map, json};

use super::{Context, printing::one_line};
use crate::{exit::Failure, settings::Settings};

/// Prints every setting, with secrets hidden, and where it came from.
pub(super) fn print(context: &mut Context<'_>) -> Result<(), Failure> {
    let rows = Settings::load_from(&context.globals.sources([])?)?.rows();
    let out = &mut context.terminal.out;
    if context.globals.json {
        let rows = rows.iter().map(|row| {
            let source = row.source.to_string();
            (row.name.to_owned(), json!({"value": row.value, "source": source, "secret": row.secret}))
        });
        return Ok(writeln!(out, "{}", json!(Map::from_iter(rows)))?);
    }
    let width = |texts: &mut dyn Iterator<Item = usize>| texts.max().unwrap_or_default();
    let name = width(&mut rows.iter().map(|row| row.name.len()));
    let value = width(&mut rows.iter().map(|row| row.text().chars().count())).min(48);
    for row in &rows {
        let hidden = if row.secret { ", secrets hidden" } else { "" };
        writeln!(out, "{:name$}  {:value$}  ({}{hidden})", row.name, one_line(&row.text()), row.source)?;
    }
    Ok(())
}
