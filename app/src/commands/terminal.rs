//! What a command reads and writes, and how a failure is told.

use std::io::{self, BufRead as _, IsTerminal as _, Read, Write};

use anstyle::{AnsiColor, Style};
use relais_domain::{auth::Email, secret::Secret};

use crate::exit::{Exit, Failure};

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
    /// Whether what is ours in the output may have colours: a person looks at it, and wants them.
    pub colours: bool,
}

/// The longest first line of standard input that is taken as a password, in bytes.
const MAX_PASSWORD: u64 = 4 * 1024;
/// The longest answer to a question, in bytes.
const MAX_ANSWER: u64 = 1024;
/// The largest body that is read from standard input, in bytes: what a broker takes.
const MAX_BODY: u64 = 1024 * 1024;

impl<'a> Terminal<'a> {
    /// Those of this process.
    pub fn of_process(out: &'a mut dyn Write, err: &'a mut dyn Write, input: &'a mut dyn Read) -> Self {
        let shown = io::stdout().is_terminal();
        let colours = shown && anstream::AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never;
        Self { out, err, input, asks: io::stdin().is_terminal(), shown, colours }
    }

    /// A password: asked without echo on a terminal (twice when it is new), else the first line of standard input.
    pub(super) fn password(&mut self, new: bool) -> Result<Secret, Failure> {
        if self.asks {
            return asked(new);
        }
        let line = self.lines(1)?.into_iter().next();
        line.ok_or_else(|| {
            let hint = "type it on a terminal, or put it on the first line of standard input";
            Failure::usage("there is no password").hint(hint)
        })
    }

    /// A password, and what stands on the second line of standard input, if that is no terminal: a code.
    pub(super) fn password_and_code(&mut self) -> Result<(Secret, Option<Secret>), Failure> {
        if self.asks {
            return Ok((asked(false)?, None));
        }
        let mut lines = self.lines(2)?.into_iter();
        match lines.next() {
            Some(password) => Ok((password, lines.next())),
            None => {
                let hint = "type it on a terminal, or put it on the first line of standard input";
                Err(Failure::usage("there is no password").hint(hint))
            }
        }
    }

    /// The code that was mailed to an address: asked for on a terminal, else the first line of standard input.
    pub(super) fn code(&mut self, email: &Email) -> Result<Secret, Failure> {
        if self.asks {
            write!(self.err, "A code was mailed to {email}, if it is registered. Code: ")?;
            self.err.flush()?;
        }
        let line = self.lines(1)?.into_iter().next();
        line.ok_or_else(|| {
            let hint = "type it on a terminal, or put it on the first line of standard input";
            Failure::usage("there is no code").hint(hint)
        })
    }

    /// The password until now and the one from now on: asked without echo on a terminal, else the first two lines of standard
    /// input.
    pub(super) fn two_passwords(&mut self) -> Result<(Secret, Secret), Failure> {
        if self.asks {
            let old = rpassword::prompt_password("Old password: ").map(Secret::from)?;
            writeln!(self.err, "The new one:")?;
            return Ok((old, asked(true)?));
        }
        let mut lines = self.lines(2)?.into_iter();
        match (lines.next(), lines.next()) {
            (Some(old), Some(new)) => Ok((old, new)),
            _ => Err(Failure::usage("there are no two passwords")
                .hint("put the old one on the first line of standard input, the new one on the second")),
        }
    }

    /// A mailed code and the password from now on: asked for on a terminal, else the first two lines of standard input.
    pub(super) fn code_and_password(&mut self, email: &Email) -> Result<(Secret, Secret), Failure> {
        if self.asks {
            return Ok((self.code(email)?, asked(true)?));
        }
        let mut lines = self.lines(2)?.into_iter();
        match (lines.next(), lines.next()) {
            (Some(code), Some(new)) => Ok((code, new)),
            _ => Err(Failure::usage("there are no code and password")
                .hint("put the code on the first line of standard input, the new password on the second")),
        }
    }

    /// Asks whether what cannot be undone is to be done, of the person on the terminal ([`Terminal::asks`]).
    pub(super) fn agrees(&mut self, what: &str) -> Result<(), Failure> {
        write!(self.err, "{what}. Do it? [y/N] ")?;
        self.err.flush()?;
        let mut answer = String::new();
        io::BufReader::new((&mut *self.input).take(MAX_ANSWER)).read_line(&mut answer)?;
        if ["y", "yes"].contains(&answer.trim().to_ascii_lowercase().as_str()) {
            Ok(())
        } else {
            Err(Failure::new(Exit::Failed, "nothing was done"))
        }
    }

    /// The first lines of input that are not empty; at most so many.
    fn lines(&mut self, most: usize) -> Result<Vec<Secret>, Failure> {
        let mut lines = Vec::new();
        let mut limited = io::BufReader::new((&mut *self.input).take(MAX_PASSWORD * most as u64));
        while lines.len() < most {
            let mut line = String::new();
            let read = limited.read_line(&mut line).map_err(|error| match error.kind() {
                io::ErrorKind::InvalidData => Failure::usage("what is on standard input is not UTF-8"),
                _ => error.into(),
            })?;
            let line = Secret::from(line);
            let text = line.expose().trim_end_matches(['\n', '\r']);
            if read == 0 {
                break;
            }
            if !text.is_empty() {
                lines.push(Secret::from(text));
            }
        }
        Ok(lines)
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

/// A password, typed on the terminal without echo; twice when it is new.
fn asked(new: bool) -> Result<Secret, Failure> {
    let ask = |prompt: &str| rpassword::prompt_password(prompt).map(Secret::from);
    let password = ask("Password: ")?;
    if new && ask("The same again: ")?.expose() != password.expose() {
        return Err(Failure::usage("the two passwords differ").hint("run the command again"));
    }
    if password.expose().is_empty() {
        return Err(Failure::usage("there is no password").hint("run the command again"));
    }
    Ok(password)
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
