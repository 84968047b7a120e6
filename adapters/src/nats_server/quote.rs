//! Text and paths as nats-server's configuration reads them.

use std::{fmt::Write as _, os::unix::ffi::OsStrExt as _, path::Path};

/// A double-quoted string of nats-server's configuration language.
///
/// Its lexer (`conf/lex.go`) knows `\"`, `\\`, `\t`, `\n`, `\r` and `\xNN`, and refuses any other escape. Text outside
/// ASCII stands as it is.
pub(super) fn text(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            control if control.is_ascii_control() => byte(&mut quoted, control as u8),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

/// A path, also one that is no UTF-8: such bytes are written as `\xNN`.
pub(super) fn path(path: &Path) -> String {
    let bytes = path.as_os_str().as_bytes();
    let mut quoted = String::from("\"");
    for chunk in bytes.utf8_chunks() {
        let valid = text(chunk.valid());
        quoted.push_str(&valid[1..valid.len() - 1]);
        chunk.invalid().iter().for_each(|invalid| byte(&mut quoted, *invalid));
    }
    quoted.push('"');
    quoted
}

fn byte(quoted: &mut String, byte: u8) {
    write!(quoted, "\\x{byte:02x}").expect("writing to a String cannot fail");
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::*;

    #[test]
    fn escapes_what_the_lexer_would_take_for_syntax() {
        assert_eq!(text(r#"a "b" \c"#), r#""a \"b\" \\c""#);
        assert_eq!(text("a\nb\rc\td\u{1}e"), r#""a\nb\rc\td\x01e""#);
        assert_eq!(text("}; http: 0.0.0.0:80 # $HOME"), r##""}; http: 0.0.0.0:80 # $HOME""##);
        assert_eq!(text("Zoë/日本"), "\"Zoë/日本\"");
    }

    #[test]
    fn keeps_the_bytes_of_a_path() {
        assert_eq!(path(Path::new(OsStr::from_bytes(b"/a b/\xff\"/c"))), r#""/a b/\xff\"/c""#);
    }
}
