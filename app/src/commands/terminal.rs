//! What a command reads and writes, and how a failure is told.

use std::io::{self, BufRead as _, IsTerminal as _, Read, Write};

use anstyle::{AnsiColor, Style};
use relais_domain::secret::Secret;

use crate::exit::Failure;

/// Standard output, error and input, and what stands behind them.
pub struct Terminal<'a> {
    /// Results, byte for byte: nothing on the way strips or adds colours.
    pub out: &'a mut dyn Write,
    /// Everything else.
    pub err: &'a mut dyn Write,
    /// Input.
    pub input: &'a mut dyn Read,
    /// Whether a person types the input, so that a password can be asked for.
    pub asks: bool,
    /// Whether a person looks at the output, so that what others sent must not steer the terminal.
    pub shown: bool,
}

/// The longest first line of standard input that is taken as a password, in bytes.
const MAX_PASSWORD: u64 = 4 * 1024;
/// The largest body that is read from standard input, in bytes: what a broker takes.
const MAX_BODY: u64 = 1024 * 1024;

impl<'a> Terminal<'a> {
    /// Those of this process.
    pub fn of_process(out: &'a mut dyn Write, err: &'a mut dyn Write, input: &'a mut dyn Read) -> Self {
        Self { out, err, input, asks: io::stdin().is_terminal(), shown: io::stdout().is_terminal() }
    }

    /// A password: asked without echo on a terminal (twice when it is new), else the first line of standard input.
    pub(super) fn password(&mut self, new: bool) -> Result<Secret, Failure> {
        let password = if self.asks {
            let ask = |prompt: &str| rpassword::prompt_password(prompt).map(Secret::from);
            let password = ask("Password: ")?;
            if new && ask("The same again: ")?.expose() != password.expose() {
                return Err(Failure::usage("the two passwords differ").hint("run the command again"));
            }
            password
        } else {
            let mut line = String::new();
            let mut limited = io::BufReader::new((&mut *self.input).take(MAX_PASSWORD));
            limited.read_line(&mut line).map_err(|error| match error.kind() {
                io::ErrorKind::InvalidData => Failure::usage("the password on standard input is not UTF-8"),
                _ => error.into(),
            })?;
            Secret::from(line.trim_end_matches(['\n', '\r']))
        };
        if password.expose().is_empty() {
            let hint = "type it on a terminal, or put it on the first line of standard input";
            return Err(Failure::usage("there is no password").hint(hint));
        }
        Ok(password)
    }

    /// The password until now and the one from now on: asked without echo on a terminal, else the first two lines of standard
    /// input.
    pub(super) fn two_passwords(&mut self) -> Result<(Secret, Secret), Failure> {
        if self.asks {
            let old = rpassword::prompt_password("Old password: ").map(Secret::from)?;
            writeln!(self.err, "The new one:")?;
            return Ok((old, self.password(true)?));
        }
        let mut both = String::new();
        let mut limited = io::BufReader::new((&mut *self.input).take(2 * MAX_PASSWORD));
        for _ in 0..2 {
            limited.read_line(&mut both).map_err(|error| match error.kind() {
                io::ErrorKind::InvalidData => Failure::usage("the passwords on standard input are not UTF-8"),
                _ => error.into(),
            })?;
        }
        let both = Secret::from(both);
        let mut lines = both.expose().lines().filter(|line| !line.is_empty());
        match (lines.next(), lines.next()) {
            (Some(old), Some(new)) => Ok((Secret::from(old), Secret::from(new))),
            _ => Err(Failure::usage("there are no two passwords")
                .hint("put the old one on the first line of standard input, the new one on the second")),
        }
    }

    /// All of standard input.
    pub(super) fn read_all(&mut self) -> Result<Vec<u8>, Failure> {
        let mut bytes = Vec::new();
        (&mut *self.input).take(MAX_BODY + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > MAX_BODY {
            return Err(Failure::usage(format!("standard input is longer than {MAX_BODY} bytes, what a broker takes")));
        }
        Ok(bytes)
    }
}

/// Tells a failure: what happened, and what to do. Nothing when nobody reads our output any more.
pub(super) fn tell(err: &mut dyn Write, failure: &Failure) -> io::Result<()> {
    if failure.is_broken_pipe() {
        return Ok(());
    }
    let (red, bold) = (Style::new().bold().fg_color(Some(AnsiColor::Red.into())), Style::new().bold());
    writeln!(err, "{red}error:{red:#} {}", failure.what)?;
    match &failure.hint {
        Some(hint) => writeln!(err, "{bold}try:{bold:#} {hint}"),
        None => Ok(()),
    }
}
