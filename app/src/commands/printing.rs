//! Text from others, made harmless for a terminal or fit for one line.

use std::{fmt::Write as _, io};

use anstyle::Style;

/// What replaces text from others on a terminal: control characters, except line breaks and tabs, are spelt out, so that
/// no message can move the cursor or set the title.
pub(super) fn harmless(text: &str) -> String {
    escape(text, |c| c.is_control() && c != '\n' && c != '\t')
}

/// Text on one line: every control character is spelt out.
pub(super) fn one_line(text: &str) -> String {
    escape(text, char::is_control)
}

/// A name that others have chosen, beside words of ours: one line, in which nothing turns the order of what is around it.
pub(super) fn name(text: &str) -> String {
    escape(text, |c| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'))
}

/// Rows in columns, two spaces apart; the first is the head.
pub(super) fn table<const N: usize>(rows: &[[String; N]], out: &mut dyn io::Write) -> io::Result<()> {
    let mut table = Table::new(false);
    for row in rows {
        table.push(Style::new(), row);
    }
    table.print(out)
}

/// A table that is printed piece by piece: columns become wider from one piece to the next, never narrower.
pub(super) struct Table<const N: usize> {
    widths: [usize; N],
    rows: Vec<(Style, [String; N])>,
    colours: bool,
}

impl<const N: usize> Table<N> {
    /// An empty one, with colours or without.
    pub(super) fn new(colours: bool) -> Self {
        Self { widths: [0; N], rows: Vec::new(), colours }
    }

    /// Puts a row below the others. Its style is seen where there are colours.
    pub(super) fn push(&mut self, style: Style, row: &[String; N]) {
        let row = std::array::from_fn(|column| name(&row[column]));
        for (width, cell) in self.widths.iter_mut().zip(&row) {
            *width = (*width).max(cell.chars().count());
        }
        self.rows.push((style, row));
    }

    /// Prints the rows that have come since the last time.
    pub(super) fn print(&mut self, out: &mut dyn io::Write) -> io::Result<()> {
        for (style, row) in self.rows.drain(..) {
            let cells: Vec<_> = row.iter().zip(self.widths).map(|(cell, width)| format!("{cell:width$}")).collect();
            let line = cells.join("  ");
            let (line, style) = (line.trim_end(), if self.colours { style } else { Style::new() });
            writeln!(out, "{style}{line}{style:#}")?;
        }
        Ok(())
    }
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

    #[test]
    fn no_name_turns_the_order_of_what_is_around_it() {
        let turned = "a\u{202e}gro.elpmaxe@b\u{202c}\u{2066}\u{1b}";
        assert_eq!(name(turned), "a\\u{202e}gro.elpmaxe@b\\u{202c}\\u{2066}\\u{1b}");
        assert_eq!(name("мария@пример.рф שלום"), "мария@пример.рф שלום");
    }

    #[test]
    fn columns_only_become_wider() {
        let print = |colours| {
            let (mut table, mut out) = (Table::new(colours), Vec::new());
            let red = Style::new().fg_color(Some(anstyle::AnsiColor::Red.into()));
            for rows in [[["a", "b"], ["1", "\n"]], [["long", "c"], ["1", ""]], [["2", "d"], ["3", "e"]]] {
                rows.iter().for_each(|row| table.push(red, &row.map(str::to_owned)));
                table.print(&mut out).unwrap();
            }
            String::from_utf8(out).unwrap()
        };
        assert_eq!(print(false), "a  b\n1  \\n\nlong  c\n1\n2     d\n3     e\n");
        assert!(print(true).starts_with("\u{1b}[31ma  b\u{1b}[0m\n"), "{:?}", print(true));
    }
}
