//! Text from others, made harmless for a terminal or fit for one line.

use std::fmt::Write as _;

/// What replaces text from others on a terminal: control characters, except line breaks and tabs, are spelt out, so that
/// no message can move the cursor or set the title.
pub(super) fn harmless(text: &str) -> String {
    escape(text, |c| c.is_control() && c != '\n' && c != '\t')
}

/// Text on one line: every control character is spelt out.
pub(super) fn one_line(text: &str) -> String {
    escape(text, char::is_control)
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
