//! Text from others, made harmless for a terminal or fit for one line.

use std::{fmt::Write as _, io};

/// What replaces text from others on a terminal: control characters, except line breaks and tabs, are spelt out, so that
/// no message can move the cursor or set the title.
pub(super) fn harmless(text: &str) -> String {
    escape(text, |c| c.is_control() && c != '\n' && c != '\t')
}

/// Text on one line: every control character is spelt out.
pub(super) fn one_line(text: &str) -> String {
    escape(text, char::is_control)
}

/// Rows in columns, two spaces apart; the first is the head.
pub(super) fn table<const N: usize>(rows: &[[String; N]], out: &mut dyn io::Write) -> io::Result<()> {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: Vec<_> = (0..N).map(width).collect();
    for row in rows {
        let cells: Vec<_> =
            row.iter().zip(&widths).map(|(cell, &width)| format!("{:width$}", one_line(cell))).collect();
        writeln!(out, "{}", cells.join("  ").trim_end())?;
    }
    Ok(())
}

fn escape(text: &str, escapes: impl Fn(char) -> bool) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
        if escapes(c) {
            write!(out, "{}", c.escape_default()).expect("a string takes whatever is written to it");
        } else {
            out.push(c);
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_spelt_out() {
        assert_eq!(harmless("a\x1b[2Jb\n\tc\u{9b}"), "a\\u{1b}[2Jb\n\tc\\u{9b}");
        assert_eq!(one_line("a\r\nb\té"), "a\\r\\nb\\té");
    }
}
