//! What the broker says, line by line, to `tracing`, and the last of it kept for the error that may follow.

use std::{
    collections::VecDeque,
    io::{BufRead, BufReader, Read as _},
    process::ChildStderr,
};

/// Lines kept for an error.
const KEPT: usize = 8;
/// Longest line taken whole, in bytes; the rest of a longer one comes as further lines.
const LONGEST: u64 = 8 * 1024;

/// The last lines the broker said.
#[derive(Debug, Default)]
pub(super) struct Tail(VecDeque<String>);

impl Tail {
    /// Tells the log and keeps the line if it says something.
    pub(super) fn take(&mut self, line: &str) {
        let (level, text) = split(line);
        match level {
            Level::Error => tracing::error!(target: "nats-server", "{text}"),
            Level::Warn => tracing::warn!(target: "nats-server", "{text}"),
            Level::Debug => tracing::debug!(target: "nats-server", "{text}"),
            Level::Trace => tracing::trace!(target: "nats-server", "{text}"),
        }
        if text.is_empty() {
            return;
        }
        if self.0.len() == KEPT {
            self.0.pop_front();
        }
        self.0.push_back(text);
    }

    /// The lines, oldest first.
    pub(super) fn lines(&self) -> Vec<String> {
        self.0.iter().cloned().collect()
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Level {
    Error,
    Warn,
    Debug,
    Trace,
}

/// Calls `each` with every line until the broker closes the pipe.
pub(super) fn read_lines(pipe: ChildStderr, mut each: impl FnMut(String)) {
    let mut reader = BufReader::new(pipe);
    let mut line = Vec::new();
    loop {
        line.clear();
        match reader.by_ref().take(LONGEST).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => each(String::from_utf8_lossy(&line).trim_end().to_owned()),
        }
    }
}

/// Level and text of `[31068] [INF] Server is ready`. Control characters, which a client may have chosen, are escaped.
///
/// The broker's "info" is our debug: thirty lines at every start, of use to whoever looks for them. So is its warning
/// about a WebSocket without TLS: on loopback or behind a proxy that was our choice.
fn split(line: &str) -> (Level, String) {
    let after_pid = line.split_once("] ").filter(|(pid, _)| pid.starts_with('[')).map_or(line, |(_, rest)| rest);
    let (level, text) = match after_pid.split_at_checked(5) {
        Some(("[ERR]" | "[FTL]", text)) => (Level::Error, text),
        Some(("[WRN]", text)) if text.contains("Websocket not configured with TLS") => (Level::Debug, text),
        Some(("[WRN]", text)) => (Level::Warn, text),
        Some(("[INF]" | "[DBG]", text)) => (Level::Debug, text),
        Some(("[TRC]", text)) => (Level::Trace, text),
        // Not from its logger: usage errors and Go's own last words.
        _ => (Level::Warn, line),
    };
    let mut clean = String::with_capacity(text.len());
    for character in text.trim().chars() {
        if character.is_control() { clean.extend(character.escape_default()) } else { clean.push(character) }
    }
    (level, clean)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_the_brokers_own_and_text_cannot_steer_a_terminal() {
        let line = |line| split(line);
        assert_eq!(line("[7] [INF] Server is ready"), (Level::Debug, "Server is ready".into()));
        assert_eq!(line("[7] [WRN] slow \x1b[2J"), (Level::Warn, "slow \\u{1b}[2J".into()));
        assert_eq!(line("[7] [FTL] address already in use"), (Level::Error, "address already in use".into()));
        assert_eq!(line("panic: x"), (Level::Warn, "panic: x".into()));
        assert_eq!(line("[7] [WRN] Websocket not configured with TLS. DO NOT").0, Level::Debug);
        assert_eq!(line(""), (Level::Warn, String::new()));
        assert_eq!(line("äöü").1, "äöü");
    }

    #[test]
    fn keeps_the_last_lines_only() {
        let mut tail = Tail::default();
        (0..20).for_each(|number| tail.take(&format!("[7] [INF] {number}")));
        assert_eq!(tail.lines().first().map(String::as_str), Some("12"));
        assert_eq!(tail.lines().len(), KEPT);
    }
}
