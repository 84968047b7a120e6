//! nsc, run: an argument vector, an environment of its own, a limit to its time and its words.

use std::{
    io::{self, Read},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use super::{ToolError, argv::Argv};

/// What nsc may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) time: Duration,
    /// Bytes of standard output, and of standard error.
    pub(super) output: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { time: Duration::from_secs(20), output: 64 * 1024 }
    }
}

/// How long to wait for the end of one that has said all it will say.
const PAUSE: Duration = Duration::from_millis(2);

enum Event {
    /// A stream has ended, with what it said.
    Ended(Vec<u8>),
    /// A stream has said too much.
    TooMuch,
}

impl Limits {
    /// Runs `binary` to its end, with `home` for what it wants to keep.
    ///
    /// What it said, all of it.
    pub(super) fn run(self, binary: &Path, argv: &Argv, home: Option<&Path>) -> Result<String, ToolError> {
        let mut command = Command::new(binary);
        command.args(argv.iter()).env_clear().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.env("NSC_NO_GIT_IGNORE", "true");
        if let Some(home) = home {
            command.env("HOME", home).current_dir(home);
        }
        let child = command.spawn();
        let mut child = child.map_err(|source| ToolError::Absent { path: binary.to_owned(), source })?;
        let waited = self.wait(&mut child, argv);
        if waited.is_err() {
            let _ = child.kill();
            // Otherwise it stays in the table of processes.
            let _ = child.wait();
        }
        let (status, said) = waited?;
        match status {
            Ok(status) if status.success() => Ok(String::from_utf8_lossy(&said).into_owned()),
            status => Err(ToolError::Refused { command: argv.shown(), status: ended(status), said: in_short(&said) }),
        }
    }

    /// How it ended and what it said: both of its streams have ended then, and itself too.
    fn wait(self, child: &mut Child, argv: &Argv) -> Result<(io::Result<ExitStatus>, Vec<u8>), ToolError> {
        let (tell, told) = mpsc::channel();
        let streams = [
            child.stdout.take().map(|stream| Box::new(stream) as Box<dyn Read + Send>),
            child.stderr.take().map(|stream| Box::new(stream) as Box<dyn Read + Send>),
        ];
        for stream in streams.into_iter().flatten() {
            let (tell, most) = (tell.clone(), self.output);
            thread::spawn(move || {
                let mut said = Vec::new();
                // One more than it may, to see that it is more.
                let read = stream.take(most as u64 + 1).read_to_end(&mut said);
                let event = if read.is_ok() && said.len() > most { Event::TooMuch } else { Event::Ended(said) };
                let _ = tell.send(event);
            });
        }
        let until = Instant::now() + self.time;
        let (mut said, mut open) = (Vec::new(), 2);
        loop {
            let mut left = until.saturating_duration_since(Instant::now());
            if open == 0 {
                // One that has closed its streams may run on all the same.
                match child.try_wait() {
                    Ok(None) => left = left.min(PAUSE),
                    Ok(Some(status)) => return Ok((Ok(status), said)),
                    Err(error) => return Ok((Err(error), said)),
                }
            }
            match told.recv_timeout(left) {
                Ok(Event::Ended(more)) => (said, open) = ([said, more].concat(), open - 1),
                Err(mpsc::RecvTimeoutError::Timeout) if Instant::now() < until => {}
                Ok(Event::TooMuch) => {
                    return Err(ToolError::TooMuch { command: argv.shown(), limit: self.output });
                }
                Err(_) => {
                    return Err(ToolError::TooSlow { command: argv.shown(), limit: self.time });
                }
            }
        }
    }
}

fn ended(status: io::Result<ExitStatus>) -> String {
    status.map_or_else(|error| error.to_string(), |status| status.to_string())
}

/// The lines that say what is wrong, in one.
fn in_short(said: &[u8]) -> String {
    let said = String::from_utf8_lossy(said);
    let wrong = |line: &&str| line.contains("Error:") || line.contains("[ERR ]");
    let lines: Vec<_> = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let chosen: Vec<_> = match lines.iter().copied().filter(wrong).collect::<Vec<_>>() {
        wrong if wrong.is_empty() => lines.into_iter().take(3).collect(),
        wrong => wrong,
    };
    chosen.join("; ").chars().filter(|c| !c.is_control()).take(400).collect()
}
