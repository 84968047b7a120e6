//! What keeps a connection: one task that reads, writes and comes back.
//!
//! It reads as much as there is and hands all of it out under one lock; what was published in the meantime leaves in one
//! write. So a busy connection costs a few calls of the system a batch of messages, not a message.

use std::{
    future::Future as _,
    io,
    pin::{Pin, pin},
    sync::{Arc, atomic::Ordering},
    task::{Context, Poll, Waker},
    time::Duration,
};

use bytes::{Buf, BytesMut};
use futures_util::{FutureExt as _, future::BoxFuture};
use relais_domain::ports::BusError;
use tokio::{
    io::{AsyncReadExt as _, AsyncWrite as _},
    sync::oneshot,
    time::{Instant, Interval, MissedTickBehavior},
};

use super::{
    changeover::Changeover,
    connect::{ConnectError, Connector, Link},
    state::{Behind, MOST_OUT, Shared, State},
    violation,
    wire::{
        encode,
        frame::{self, Frame},
        transport::Opened,
    },
};

/// How much is read at a time.
const CHUNK: usize = 32 * 1024;
/// How often a silent broker is asked whether it is there.
const PING_EVERY: Duration = Duration::from_secs(30);
/// How many of these may stay without an answer.
const MOST_PINGS: u32 = 2;
/// What is done in one go before others get their turn on this thread.
const TURN: u32 = 32;

/// What keeps a connection.
pub(super) struct Driver {
    shared: Arc<Shared>,
    connector: Arc<Connector>,
    line: Opened,
    /// Another line, with newer credentials, on its way.
    opening: Option<Opening>,
    /// The same, taking over.
    changeover: Option<Changeover>,
    /// Who has brought those credentials.
    renewing: Option<oneshot::Sender<Result<(), BusError>>>,
    writing: BytesMut,
    unflushed: bool,
    keepalive: Interval,
    /// PINGs sent to a broker that has said nothing since.
    silent: u32,
}

/// A line that is being opened.
type Opening = BoxFuture<'static, Result<Opened, ConnectError>>;

/// How a connection ended.
enum End {
    /// As it was meant to.
    Closed,
    /// Otherwise.
    Lost(io::Error),
}

impl Driver {
    pub(super) fn new(shared: Arc<Shared>, connector: Connector, line: Opened) -> Self {
        Self {
            shared,
            connector: Arc::new(connector),
            line,
            opening: None,
            changeover: None,
            renewing: None,
            writing: BytesMut::new(),
            unflushed: false,
            keepalive: keepalive(),
            silent: 0,
        }
    }

    /// Runs until the connection is closed, or is refused for good.
    pub(super) async fn run(mut self) {
        loop {
            self.begin();
            let end = std::future::poll_fn(|context| self.poll(context)).await;
            let closing = self.lost();
            self.shared.link.send_modify(|link| *link = Link::Down(link.connections()));
            match end {
                End::Closed => break,
                End::Lost(_) if closing => break,
                End::Lost(error) => tracing::warn!(%error, "disconnected from the broker"),
            }
            match self.connector.reconnect(&self.shared.stop).await {
                None => break,
                Some(Ok(line)) => self.line = line,
                Some(Err(error)) => {
                    let refused = matches!(error, ConnectError::Unauthorized { .. });
                    tracing::error!(%error, refused, "the connection to the broker has ended for good");
                    break;
                }
            }
        }
        self.closed();
    }

    /// There is no connection; says whether there is to be none.
    fn lost(&mut self) -> bool {
        // The next one shows the newest credentials anyway.
        (self.opening, self.changeover) = (None, None);
        if let Some(told) = self.renewing.take() {
            let _ = told.send(Err(BusError::Disconnected(None)));
        }
        let mut state = self.shared.lock();
        state.lost();
        let (closing, wake) = (state.closing, std::mem::take(&mut state.wake));
        drop(state);
        wake.into_iter().for_each(Waker::wake);
        self.shared.room.notify_waiters();
        closing
    }

    /// There will be none any more.
    fn closed(&mut self) {
        let mut state = self.shared.lock();
        state.closing = true;
        state.end_all();
        let wake = std::mem::take(&mut state.wake);
        drop(state);
        wake.into_iter().for_each(Waker::wake);
        self.shared.link.send_replace(Link::Closed);
        self.shared.room.notify_waiters();
    }

    fn begin(&mut self) {
        self.writing.clear();
        (self.unflushed, self.silent, self.keepalive) = (false, 0, keepalive());
        self.shared.max_payload.store(self.line.info.max_payload, Ordering::Relaxed);
        self.shared.lock().found();
        self.shared.link.send_modify(|link| *link = Link::Up(link.connections() + 1));
        tracing::debug!("connected to the broker");
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<End> {
        for _ in 0..TURN {
            let written = match self.write(context) {
                Ok(Some(moved)) => moved,
                Ok(None) => return Poll::Ready(End::Closed),
                Err(error) => return Poll::Ready(End::Lost(error)),
            };
            let read = match self.read(context) {
                Ok(moved) => moved,
                Err(error) => return Poll::Ready(End::Lost(error)),
            };
            let asked = match self.keep_alive(context) {
                Ok(moved) => moved,
                Err(error) => return Poll::Ready(End::Lost(error)),
            };
            let changed = match self.change_over(context) {
                Ok(moved) => moved,
                Err(error) => return Poll::Ready(End::Lost(error)),
            };
            if !(written || read || asked || changed) {
                return Poll::Pending;
            }
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }

    /// Writes what there is; says whether any was, and `None` once all is written and the connection is to end.
    fn write(&mut self, context: &mut Context<'_>) -> io::Result<Option<bool>> {
        let mut moved = false;
        loop {
            if self.writing.is_empty() {
                let mut state = self.shared.lock();
                state.woken = false;
                match &mut state.driver {
                    Some(waker) if waker.will_wake(context.waker()) => {}
                    other => *other = Some(context.waker().clone()),
                }
                let full = state.out.len() >= MOST_OUT;
                if !state.frozen {
                    state.take_out(&mut self.writing);
                }
                let closing = state.closing && !state.frozen;
                drop(state);
                if full {
                    self.shared.room.notify_waiters();
                }
                if self.writing.is_empty() {
                    if self.unflushed && Pin::new(&mut self.line.line).poll_flush(context)?.is_ready() {
                        self.unflushed = false;
                    }
                    return Ok(if closing && !self.unflushed { None } else { Some(moved) });
                }
            }
            match Pin::new(&mut self.line.line).poll_write(context, &self.writing)? {
                Poll::Ready(0) => return Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(bytes) => {
                    self.writing.advance(bytes);
                    (moved, self.unflushed) = (true, true);
                }
                Poll::Pending => return Ok(Some(moved)),
            }
            if self.writing.is_empty() {
                // Its room is used again, unless it was a great deal.
                if self.writing.capacity() > 4 * CHUNK {
                    self.writing = BytesMut::new();
                }
            }
        }
    }

    fn read(&mut self, context: &mut Context<'_>) -> io::Result<bool> {
        if self.changeover.as_ref().is_some_and(Changeover::left) {
            return Ok(false);
        }
        self.line.read.reserve(CHUNK);
        let Opened { line, read, .. } = &mut self.line;
        match pin!(line.read_buf(read)).poll(context)? {
            Poll::Pending => return Ok(false),
            Poll::Ready(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Poll::Ready(_) => {}
        }
        self.silent = 0;
        self.take_frames()?;
        Ok(true)
    }

    /// Hands out everything that has come as a whole.
    fn take_frames(&mut self) -> io::Result<()> {
        let mut state = self.shared.lock();
        let outcome = loop {
            match frame::take(&mut self.line.read) {
                Ok(None) => break Ok(()),
                Ok(Some(frame)) => note(&mut state, &self.shared, self.changeover.as_mut(), frame),
                Err(broken) => break Err(io::Error::new(io::ErrorKind::InvalidData, broken)),
            }
        };
        let mut wake = std::mem::take(&mut state.wake);
        drop(state);
        wake.drain(..).for_each(Waker::wake);
        // The room of the list is used again.
        let mut state = self.shared.lock();
        if state.wake.is_empty() {
            state.wake = wake;
        }
        outcome
    }

    /// Has another line take over, if there are newer credentials; whether that went on.
    fn change_over(&mut self, context: &mut Context<'_>) -> io::Result<bool> {
        if self.opening.is_none() && self.changeover.is_none() {
            let Some(renewed) = self.shared.lock().renewed.take() else { return Ok(false) };
            self.renewing = Some(renewed);
            self.opening = Some(Arc::clone(&self.connector).beside().boxed());
        }
        if let Some(opening) = &mut self.opening {
            let Poll::Ready(opened) = opening.as_mut().poll(context) else { return Ok(false) };
            self.opening = None;
            match opened {
                Ok(line) => self.changeover = Some(Changeover::new(line, &self.shared)),
                Err(error) => self.renewed(Err(BusError::Disconnected(Some(error.into())))),
            }
            return Ok(true);
        }
        let Some(changeover) = &mut self.changeover else { return Ok(false) };
        match changeover.poll(&self.shared, &mut self.writing, context) {
            Ok(_) if changeover.done() => self.take_over()?,
            Ok(moved) => return Ok(moved),
            // The old line hears nothing any more, and neither does this one.
            Err(error) if changeover.leaving() => return Err(error),
            Err(error) => {
                self.changeover = None;
                self.renewed(Err(BusError::Disconnected(Some(error.into()))));
            }
        }
        Ok(true)
    }

    fn take_over(&mut self) -> io::Result<()> {
        let Some(changeover) = self.changeover.take() else { return Ok(()) };
        let mut state = self.shared.lock();
        (self.line, self.writing) = changeover.finish(&mut state);
        let wake = std::mem::take(&mut state.wake);
        drop(state);
        wake.into_iter().for_each(Waker::wake);
        (self.unflushed, self.silent, self.keepalive) = (false, 0, keepalive());
        self.shared.max_payload.store(self.line.info.max_payload, Ordering::Relaxed);
        tracing::debug!("connected to the broker with newer credentials");
        self.renewed(Ok(()));
        // What has come behind the last PONG.
        self.take_frames()
    }

    /// Says how a change of credentials went.
    fn renewed(&mut self, outcome: Result<(), BusError>) {
        if let Some(told) = self.renewing.take() {
            // Who has asked may have gone away.
            let _ = told.send(outcome);
        }
    }

    fn keep_alive(&mut self, context: &mut Context<'_>) -> io::Result<bool> {
        if self.keepalive.poll_tick(context).is_pending() {
            return Ok(false);
        }
        if self.silent >= MOST_PINGS {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "the broker says nothing any more"));
        }
        self.silent += 1;
        self.shared.lock().ping(Behind::Nothing, None);
        Ok(true)
    }
}

fn keepalive() -> Interval {
    let mut keepalive = tokio::time::interval_at(Instant::now() + PING_EVERY, PING_EVERY);
    keepalive.set_missed_tick_behavior(MissedTickBehavior::Delay);
    keepalive
}

fn note(state: &mut State, shared: &Shared, changeover: Option<&mut Changeover>, frame: Frame) {
    match frame {
        Frame::Message { sid, delivery, size, token } => {
            if let Some(changeover) = changeover {
                changeover.heard(sid, &delivery);
            }
            state.deliver(sid, delivery, size, token);
        }
        Frame::Ping => state.control(encode::pong),
        Frame::Pong => {
            if state.pong()
                && let Some(changeover) = changeover
            {
                changeover.pong();
            }
        }
        Frame::Info(info) => shared.max_payload.store(info.max_payload, Ordering::Relaxed),
        Frame::Error(words) => match violation::parse(&words) {
            Some(violation) => state.refuse(violation),
            None => tracing::warn!(error = %words, "the broker reports an error"),
        },
        Frame::Ok => {}
    }
}
