//! Go's `%q`: `strconv.Quote`.

/// A text in quotes, with what is not printable escaped.
pub(in crate::credentials) fn quoted(text: &str) -> String {
    quoted_bytes(text.as_bytes())
}

/// The same for bytes that may be cut in the middle of a character.
pub(super) fn quoted_bytes(bytes: &[u8]) -> String {
    let mut out = String::from("\"");
    for chunk in bytes.utf8_chunks() {
        chunk.valid().chars().for_each(|char| escape(char, &mut out));
        chunk.invalid().iter().for_each(|byte| out.push_str(&format!("\\x{byte:02x}")));
    }
    out.push('"');
    out
}

fn escape(char: char, out: &mut String) {
    let code = u32::from(char);
    match char {
        '"' | '\\' => out.extend(['\\', char]),
        '\u{7}' => out.push_str("\\a"),
        '\u{8}' => out.push_str("\\b"),
        '\u{c}' => out.push_str("\\f"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\u{b}' => out.push_str("\\v"),
        ' '..='~' => out.push(char),
        '\0'..='\u{7f}' => out.push_str(&format!("\\x{code:02x}")),
        // Behind a letter, so that a combining mark, which Go prints, is not escaped for standing alone.
        _ if format!("a{char}").escape_debug().count() == 2 => out.push(char),
        _ if code < 0x1_0000 => out.push_str(&format!("\\u{code:04x}")),
        _ => out.push_str(&format!("\\U{code:08x}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_as_go_does() {
        for (text, expected) in [
            ("a b", "\"a b\""),
            ("a\"\\\n\0\x7f", "\"a\\\"\\\\\\n\\x00\\x7f\""),
            ("é日e\u{301}", "\"é日e\u{301}\""),
            ("\u{2028}\u{a0}\u{200b}\u{e000}\u{feff}", "\"\\u2028\\u00a0\\u200b\\ue000\\ufeff\""),
            ("\u{10ffff}", "\"\\U0010ffff\""),
        ] {
            assert_eq!(quoted(text), expected);
        }
        assert_eq!(quoted_bytes(b"%\xc3"), "\"%\\xc3\"");
    }
}
