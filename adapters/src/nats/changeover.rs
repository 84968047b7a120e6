//! A change of credentials without a gap: a second line with the new ones takes over from the first.
//!
//! The broker ends a connection when its JWT ends. So before that, another line is opened beside it, and this happens:
//!
//! ```text
//! new line   SUB … PING     ·PONG     ·          PING·PONG  ·               ·           PING·PONG  takes over
//! old line   ·              ·         PING·PONG  ·          ·UNSUB … PING   ·PONG
//!            both hear from here on   a                     b  only the new one hears   c
//! ```
//!
//! The broker does what one line asks in order. So nothing is missed: what only the old line hears was heard before its last
//! PONG. What both have heard is handed out once: all that the old line has heard is handed out as it comes; what the new one
//! has heard before `b` is dropped, for the old one has heard it too; and so is, behind `b`, what looks like something that the
//! old one has heard behind `a` and the new one not before `b`. Of messages that look the same, more rather than fewer are
//! handed out when it cannot be told.
//!
//! Between `a` and `b` lies a pause. Whoever publishes may have looked up who listens just before the new line did, and be held
//! up before it tells them; and lines of one cluster may lead to two brokers, which tell each other a moment later.

use std::{
    collections::{BTreeSet, HashMap, hash_map::DefaultHasher},
    future::Future as _,
    hash::{Hash as _, Hasher as _},
    io,
    pin::{Pin, pin},
    task::{Context, Poll},
    time::Duration,
};

use bytes::{Buf as _, BytesMut};
use relais_domain::{ports::Delivery, subject::Subject};
use tokio::{
    io::{AsyncReadExt as _, AsyncWrite as _},
    time::{Instant, Interval},
};

use super::{
    state::{Behind, Shared, State},
    violation::{self, Violation},
    wire::{
        encode,
        frame::{self, Frame},
        transport::Opened,
    },
};

/// How long it may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long both lines hear at least.
const OVERLAP: Duration = Duration::from_millis(250);
/// How many messages may come meanwhile, on each line.
const MOST: usize = 1024 * 1024;
/// How many of them may be held back.
const MOST_HELD: usize = 64 * 1024;
/// How many bytes of them may be held back.
const MOST_BYTES: usize = 32 * 1024 * 1024;
/// How much is read at a time.
const CHUNK: usize = 32 * 1024;

/// Two lines, of which the second takes over.
pub(super) struct Changeover {
    line: Opened,
    writing: BytesMut,
    stage: Stage,
    deadline: Interval,
    /// What the new line has subscribed to.
    told: BTreeSet<u64>,
    /// How long both lines hear before anything is done about it.
    pause: Option<Interval>,
    /// What the old line has heard behind its PONG `a`, by its look.
    old: Vec<u64>,
    /// What the new line has heard before its PONG `b`, by its look: the old line has heard it too.
    new: Vec<u64>,
    /// And behind it.
    held: Vec<Held>,
    held_bytes: usize,
    refused: Vec<Violation>,
}

/// What is awaited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// That the new line hears.
    Subscribing,
    /// `a`
    AskedOld,
    /// The end of the pause.
    Pausing,
    /// `b`
    AskedNew,
    /// That the old line has heard its last: nothing is written to it any more.
    Leaving,
    /// `c`
    Following,
    /// Nothing.
    Done,
}

/// A message that is held back.
struct Held {
    sid: u64,
    delivery: Delivery,
    size: usize,
    token: Option<u64>,
    look: u64,
}

impl Changeover {
    pub(super) fn new(line: Opened, shared: &Shared) -> Self {
        let mut own = Self {
            line,
            writing: BytesMut::new(),
            stage: Stage::Subscribing,
            deadline: once(PATIENCE),
            told: BTreeSet::new(),
            pause: None,
            old: Vec::new(),
            new: Vec::new(),
            held: Vec::new(),
            held_bytes: 0,
            refused: Vec::new(),
        };
        own.subscribe(&shared.lock());
        encode::ping(&mut own.writing);
        own
    }

    /// Whether nothing more is to be written to the old line.
    pub(super) fn leaving(&self) -> bool {
        matches!(self.stage, Stage::Leaving | Stage::Following | Stage::Done)
    }

    /// Whether nothing more is to be read from the old line.
    pub(super) fn left(&self) -> bool {
        matches!(self.stage, Stage::Following | Stage::Done)
    }

    pub(super) fn done(&self) -> bool {
        self.stage == Stage::Done
    }

    /// The old line has heard a message.
    pub(super) fn heard(&mut self, sid: u64, delivery: &Delivery) {
        if matches!(self.stage, Stage::Pausing | Stage::AskedNew | Stage::Leaving) {
            self.old.push(look(sid, delivery));
        }
    }

    /// The old line's PONG for [`Behind::Changeover`].
    pub(super) fn pong(&mut self) {
        match self.stage {
            Stage::AskedOld => {
                self.pause = Some(once(OVERLAP));
                self.stage = Stage::Pausing;
            }
            Stage::Leaving => {
                encode::ping(&mut self.writing);
                self.stage = Stage::Following;
            }
            _ => {}
        }
    }

    /// Goes on as far as it can; says whether anything was done. What is to be written last to the old line goes to `last`.
    pub(super) fn poll(&mut self, shared: &Shared, last: &mut BytesMut, context: &mut Context<'_>) -> io::Result<bool> {
        if self.deadline.poll_tick(context).is_ready() {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "the new line has not taken over in time"));
        }
        let held = self.held.len() > MOST_HELD || self.held_bytes > MOST_BYTES;
        if held || self.old.len() > MOST || self.new.len() > MOST {
            return Err(io::Error::other("too much came for one line to take over from another"));
        }
        if let Some(pause) = &mut self.pause
            && pause.poll_tick(context).is_ready()
        {
            self.pause = None;
            encode::ping(&mut self.writing);
            self.stage = Stage::AskedNew;
        }
        let mut moved = self.write(context)?;
        self.line.read.reserve(CHUNK);
        let Opened { line, read, .. } = &mut self.line;
        match pin!(line.read_buf(read)).poll(context)? {
            Poll::Pending => return Ok(moved),
            Poll::Ready(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Poll::Ready(_) => moved = true,
        }
        while let Some(frame) =
            frame::take(&mut self.line.read).map_err(|broken| io::Error::new(io::ErrorKind::InvalidData, broken))?
        {
            self.note(frame, shared, last);
            if self.done() {
                break;
            }
        }
        Ok(moved)
    }

    /// Hands out what only the new line has heard, and gives that line. The old one is not needed any more.
    pub(super) fn finish(self, state: &mut State) -> (Opened, BytesMut) {
        let mut twice = self.heard_twice();
        let Self { line, writing, told, held, refused, .. } = self;
        for held in held {
            match twice.get_mut(&held.look) {
                Some(count) if *count > 0 => *count -= 1,
                _ => state.deliver(held.sid, held.delivery, held.size, held.token),
            }
        }
        state.frozen = false;
        // Who has stopped listening meanwhile has told the old line.
        for sid in told {
            if state.subscriptions.get(&sid).is_none_or(|own| own.ended) {
                state.control(|out| encode::unsubscribe(out, sid));
            }
        }
        refused.into_iter().for_each(|violation| state.refuse(violation));
        (line, writing)
    }

    /// What of the messages behind `b` the old line has heard too: how many of each look.
    fn heard_twice(&self) -> HashMap<u64, usize> {
        let mut twice = HashMap::<u64, usize>::new();
        for look in &self.old {
            *twice.entry(*look).or_default() += 1;
        }
        for look in &self.new {
            if let Some(count) = twice.get_mut(look) {
                *count = count.saturating_sub(1);
            }
        }
        twice
    }

    /// Subscribes to what the new line has not been told of; whether there was any.
    fn subscribe(&mut self, state: &State) -> bool {
        let mut any = false;
        for (sid, own) in state.subscriptions.iter().filter(|(_, own)| !own.ended) {
            if self.told.insert(*sid) {
                encode::subscribe(&mut self.writing, &own.filter, own.queue.as_deref(), *sid);
                any = true;
            }
        }
        any
    }

    fn write(&mut self, context: &mut Context<'_>) -> io::Result<bool> {
        let mut moved = false;
        while !self.writing.is_empty() {
            match Pin::new(&mut self.line.line).poll_write(context, &self.writing)? {
                Poll::Ready(0) => return Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(bytes) => {
                    self.writing.advance(bytes);
                    moved = true;
                }
                Poll::Pending => return Ok(moved),
            }
        }
        // Whether it is flushed is seen at the answer.
        let _ = Pin::new(&mut self.line.line).poll_flush(context)?;
        Ok(moved)
    }

    fn note(&mut self, frame: Frame, shared: &Shared, last: &mut BytesMut) {
        match frame {
            Frame::Message { sid, delivery, size, token } => {
                let look = look(sid, &delivery);
                if self.leaving() {
                    self.held_bytes += size;
                    self.held.push(Held { sid, delivery, size, token, look });
                } else {
                    self.new.push(look);
                }
            }
            Frame::Ping => encode::pong(&mut self.writing),
            Frame::Pong => self.go_on(shared, last),
            Frame::Info(info) => self.line.info = *info,
            Frame::Error(words) => match violation::parse(&words) {
                Some(violation) => self.refused.push(violation),
                None => tracing::warn!(error = %words, "the broker reports an error"),
            },
            Frame::Ok => {}
        }
    }

    /// The new line's PONG.
    fn go_on(&mut self, shared: &Shared, last: &mut BytesMut) {
        let mut state = shared.lock();
        if matches!(self.stage, Stage::Subscribing | Stage::AskedNew) && self.subscribe(&state) {
            // Somebody has begun to listen meanwhile.
            encode::ping(&mut self.writing);
            return;
        }
        match self.stage {
            Stage::Subscribing => {
                state.ping(Behind::Changeover, None);
                self.stage = Stage::AskedOld;
            }
            Stage::AskedNew => {
                for sid in &self.told {
                    state.control(|out| encode::unsubscribe(out, *sid));
                }
                state.ping(Behind::Changeover, None);
                // From here on what is to be written is for the new line.
                let mut taken = BytesMut::new();
                state.take_out(&mut taken);
                last.extend_from_slice(&taken);
                state.frozen = true;
                self.stage = Stage::Leaving;
            }
            Stage::Following => self.stage = Stage::Done,
            Stage::AskedOld | Stage::Pausing | Stage::Leaving | Stage::Done => {}
        }
    }
}

/// Ticks after that time.
fn once(time: Duration) -> Interval {
    tokio::time::interval_at(Instant::now() + time, time)
}

/// What a message looks like: alike for equal ones.
fn look(sid: u64, delivery: &Delivery) -> u64 {
    let mut hasher = DefaultHasher::new();
    sid.hash(&mut hasher);
    match delivery {
        Ok(message) => {
            message.subject.as_str().hash(&mut hasher);
            message.reply.as_ref().map(Subject::as_str).hash(&mut hasher);
            for (name, value) in message.headers.iter() {
                (name, value).hash(&mut hasher);
            }
            message.payload.hash(&mut hasher);
        }
        Err(malformed) => format!("{malformed:?}").hash(&mut hasher),
    }
    hasher.finish()
}
