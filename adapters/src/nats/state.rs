//! What a connection's driver and those who use it share: what is to be written, who listens, who waits.

use std::{
    collections::{BTreeMap, VecDeque},
    ops::Range,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    task::Waker,
};

use bytes::BytesMut;
use relais_domain::{
    message::Message,
    ports::{BusError, Delivery, Malformed},
    subject::Subject,
};
use tokio::sync::{Notify, oneshot, watch};

use super::{
    connect::Link,
    violation::{PUBLISH, SUBSCRIBE, Violation},
    wire::encode,
};

/// Bytes that may wait to be written; beyond, who publishes waits. Without a connection as many are kept for the next.
pub(super) const MOST_OUT: usize = 8 * 1024 * 1024;
/// Messages that may wait in one subscription.
const MOST_HELD: usize = 64 * 1024;
/// Bytes that may wait in all subscriptions together.
const MOST_HELD_BYTES: usize = 64 * 1024 * 1024;
/// Refusals kept for the next flush.
const MOST_REFUSALS: usize = 256;

/// What a connection's driver and those who use it share.
pub(super) struct Shared {
    state: Mutex<State>,
    pub(super) max_payload: AtomicUsize,
    pub(super) link: watch::Sender<Link>,
    /// Rings when there is room again for who publishes.
    pub(super) room: Notify,
    /// Rings when the connection is to end.
    pub(super) stop: Notify,
    /// What goes in front of the inboxes of requests, up to the number.
    pub(super) inbox: String,
}

#[derive(Default)]
pub(super) struct State {
    /// To be written.
    pub(super) out: BytesMut,
    /// What of it is no message: it means nothing on another connection.
    controls: Vec<Range<usize>>,
    /// Wakes the driver, and whether somebody has done so since it last looked.
    pub(super) driver: Option<Waker>,
    pub(super) woken: bool,
    pub(super) up: bool,
    /// Nothing more is taken; what is to be written still is.
    pub(super) closing: bool,
    /// What is to be written waits for another line.
    pub(super) frozen: bool,
    /// A JWT is there that another line is to show; who has brought it is told how that went.
    pub(super) renewed: Option<oneshot::Sender<Result<(), BusError>>>,
    pub(super) subscriptions: BTreeMap<u64, Subscribed>,
    requests: BTreeMap<u64, Asked>,
    /// The subscription to the inboxes of requests.
    pub(super) inboxes: Option<u64>,
    number: u64,
    pongs: VecDeque<Waiter>,
    refused: VecDeque<Violation>,
    held_bytes: usize,
    /// Whom to wake once the lock is given back.
    pub(super) wake: Vec<Waker>,
}

/// One who listens.
pub(super) struct Subscribed {
    pub(super) filter: String,
    pub(super) queue: Option<String>,
    pub(super) arrived: VecDeque<Delivery>,
    pub(super) bytes: usize,
    /// Messages that there was no room for.
    pub(super) overrun: u64,
    /// Nothing more will come.
    pub(super) ended: bool,
    pub(super) waker: Option<Waker>,
}

/// One who has asked.
struct Asked {
    subject: String,
    answer: oneshot::Sender<Result<Message, BusError>>,
}

/// What a PING of ours stands behind.
pub(super) enum Behind {
    /// Everything before.
    Flush,
    /// A message to this subject.
    Publish(String),
    /// A subscription to this filter.
    Subscribe(String),
    /// The end of this subscription.
    Unsubscribe(u64),
    /// The end of all of them.
    UnsubscribeAll,
    /// A step of a change of credentials.
    Changeover,
    /// Nothing: only to hear whether the broker is there.
    Nothing,
}

struct Waiter {
    behind: Behind,
    refused: Option<Violation>,
    told: Option<oneshot::Sender<Result<(), BusError>>>,
}

impl Shared {
    pub(super) fn new(link: watch::Sender<Link>, inbox: String) -> Self {
        Self {
            state: Mutex::default(),
            max_payload: AtomicUsize::new(1024 * 1024),
            link,
            room: Notify::new(),
            stop: Notify::new(),
            inbox,
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn max_payload(&self) -> usize {
        self.max_payload.load(Ordering::Relaxed)
    }

    /// Ends the connection once what is to be written has been.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.closing = true;
        state.wake_driver();
        drop(state);
        self.stop.notify_one();
        self.room.notify_waiters();
    }
}

impl State {
    /// A number that no subscription and no request has.
    pub(super) fn number(&mut self) -> u64 {
        self.number += 1;
        self.number
    }

    pub(super) fn wake_driver(&mut self) {
        if !self.woken {
            self.woken = true;
            if let Some(driver) = &self.driver {
                driver.wake_by_ref();
            }
        }
    }

    /// Writes what is no message. Without a connection it would mean nothing.
    pub(super) fn control(&mut self, write: impl FnOnce(&mut BytesMut)) {
        if !self.up {
            return;
        }
        let from = self.out.len();
        write(&mut self.out);
        self.controls.push(from..self.out.len());
        self.wake_driver();
    }

    /// Hands what is to be written to the driver, whose own buffer is empty.
    pub(super) fn take_out(&mut self, writing: &mut BytesMut) {
        std::mem::swap(&mut self.out, writing);
        self.controls.clear();
    }

    /// Asks the broker for a word behind everything before.
    pub(super) fn ping(&mut self, behind: Behind, told: Option<oneshot::Sender<Result<(), BusError>>>) {
        self.control(encode::ping);
        self.pongs.push_back(Waiter { behind, refused: None, told });
    }

    /// Awaits one answer in the inbox of `number`.
    pub(super) fn ask(&mut self, number: u64, subject: String, answer: oneshot::Sender<Result<Message, BusError>>) {
        self.requests.insert(number, Asked { subject, answer });
    }

    /// Awaits it no more.
    pub(super) fn forget(&mut self, number: u64) {
        self.requests.remove(&number);
    }

    /// The broker has done everything before the first PING that awaits its PONG; whether that was a step of a change of
    /// credentials.
    pub(super) fn pong(&mut self) -> bool {
        let Some(waiter) = self.pongs.pop_front() else { return false };
        let changeover = matches!(waiter.behind, Behind::Changeover);
        let mut outcome = waiter.refused.map_or(Ok(()), |violation| Err(denied(violation)));
        match waiter.behind {
            Behind::Flush => {
                let first = std::mem::take(&mut self.refused).into_iter().find(|own| own.operation == PUBLISH);
                outcome = first.map_or(Ok(()), |violation| Err(denied(violation)));
            }
            Behind::Unsubscribe(sid) => self.end(sid),
            Behind::UnsubscribeAll => self.end_all(),
            Behind::Publish(_) | Behind::Subscribe(_) | Behind::Changeover | Behind::Nothing => {}
        }
        if let Some(told) = waiter.told {
            // Who asked may have gone away.
            let _ = told.send(outcome);
        }
        changeover
    }

    /// The broker refuses something: tells it to the call that did it.
    pub(super) fn refuse(&mut self, violation: Violation) {
        let theirs = |waiter: &&mut Waiter| {
            let same = match &waiter.behind {
                Behind::Publish(subject) => violation.operation == PUBLISH && *subject == violation.subject,
                Behind::Subscribe(filter) => violation.operation == SUBSCRIBE && *filter == violation.subject,
                _ => false,
            };
            same && waiter.refused.is_none()
        };
        if let Some(waiter) = self.pongs.iter_mut().find(theirs) {
            waiter.refused = Some(violation);
            return;
        }
        // Without the inboxes every request would time out.
        let inboxes = self.inboxes.and_then(|sid| self.subscriptions.get(&sid)).map(|own| own.filter.as_str());
        let of_inboxes = violation.operation == SUBSCRIBE && inboxes == Some(violation.subject.as_str());
        let asked =
            |asked: &Asked| of_inboxes || (violation.operation == PUBLISH && asked.subject == violation.subject);
        let numbers: Vec<_> = self.requests.iter().filter(|(_, own)| asked(own)).map(|(number, _)| *number).collect();
        let told = !numbers.is_empty();
        for asked in numbers.into_iter().filter_map(|number| self.requests.remove(&number)) {
            let _ = asked.answer.send(Err(denied(violation.clone())));
        }
        if of_inboxes {
            // The next request tries again.
            if let Some(sid) = self.inboxes.take() {
                self.subscriptions.remove(&sid);
            }
        }
        if !told && self.refused.len() < MOST_REFUSALS {
            self.refused.push_back(violation);
        }
    }

    /// A message has come for the subscription `sid`. `token` ends the subject of one that could not be read.
    pub(super) fn deliver(&mut self, sid: u64, delivery: Delivery, size: usize, token: Option<u64>) {
        if self.inboxes == Some(sid) {
            self.answer(delivery, token);
        } else {
            self.push(sid, delivery, size);
        }
    }

    fn answer(&mut self, delivery: Delivery, token: Option<u64>) {
        let number = match &delivery {
            Ok(message) => last_number(&message.subject),
            Err(_) => token,
        };
        // One that nobody awaits any more came late, or is a second one.
        let Some(asked) = number.and_then(|number| self.requests.remove(&number)) else { return };
        let answer = match delivery {
            Ok(message) => Ok(message),
            Err(Malformed::Status(503)) => Err(BusError::NoResponders { subject: asked.subject }),
            Err(malformed) => Err(BusError::Malformed(malformed)),
        };
        let _ = asked.answer.send(answer);
    }

    fn push(&mut self, sid: u64, delivery: Delivery, size: usize) {
        let Some(own) = self.subscriptions.get_mut(&sid) else { return };
        if own.arrived.len() >= MOST_HELD || self.held_bytes + size > MOST_HELD_BYTES {
            own.overrun += 1;
        } else {
            own.arrived.push_back(delivery);
            own.bytes += size;
            self.held_bytes += size;
        }
        self.wake.extend(own.waker.take());
    }

    /// Moves what has come into `taken`.
    pub(super) fn take_arrived(&mut self, sid: u64, taken: &mut VecDeque<Delivery>) {
        if let Some(own) = self.subscriptions.get_mut(&sid) {
            std::mem::swap(&mut own.arrived, taken);
            self.held_bytes -= std::mem::take(&mut own.bytes);
        }
    }

    pub(super) fn remove(&mut self, sid: u64) -> Option<Subscribed> {
        let gone = self.subscriptions.remove(&sid)?;
        self.held_bytes -= gone.bytes;
        Some(gone)
    }

    fn end(&mut self, sid: u64) {
        if let Some(own) = self.subscriptions.get_mut(&sid) {
            own.ended = true;
            self.wake.extend(own.waker.take());
        }
    }

    pub(super) fn end_all(&mut self) {
        for own in self.subscriptions.values_mut() {
            own.ended = true;
            self.wake.extend(own.waker.take());
        }
    }

    /// The connection is gone: who waits for the broker's word waits in vain. Messages that have not been begun to be
    /// written are kept for the next connection.
    pub(super) fn lost(&mut self) {
        (self.up, self.frozen) = (false, false);
        for waiter in std::mem::take(&mut self.pongs) {
            if let Behind::Unsubscribe(sid) = waiter.behind {
                self.end(sid);
            }
            if let Some(told) = waiter.told {
                let _ = told.send(Err(BusError::Disconnected(None)));
            }
        }
        for (_, asked) in std::mem::take(&mut self.requests) {
            let _ = asked.answer.send(Err(BusError::Disconnected(None)));
        }
        let mut kept = BytesMut::new();
        let mut from = 0;
        for control in std::mem::take(&mut self.controls) {
            kept.extend_from_slice(&self.out[from..control.start]);
            from = control.end;
        }
        kept.extend_from_slice(&self.out[from..]);
        self.out = kept;
    }

    /// A new connection is there: tells it who listens, before what was kept.
    pub(super) fn found(&mut self) {
        self.up = true;
        let kept = std::mem::take(&mut self.out);
        let mut known = BytesMut::new();
        for (sid, own) in self.subscriptions.iter().filter(|(_, own)| !own.ended) {
            encode::subscribe(&mut known, &own.filter, own.queue.as_deref(), *sid);
        }
        self.control(|out| out.extend_from_slice(&known));
        self.out.extend_from_slice(&kept);
        self.wake_driver();
    }
}

impl Subscribed {
    pub(super) fn new(filter: String, queue: Option<String>) -> Self {
        let arrived = VecDeque::new();
        Self { filter, queue, arrived, bytes: 0, overrun: 0, ended: false, waker: None }
    }
}

/// The number that ends the subject of an answer.
fn last_number(subject: &Subject) -> Option<u64> {
    subject.tokens().next_back()?.parse().ok()
}

pub(super) fn denied(violation: Violation) -> BusError {
    BusError::Denied { operation: violation.operation, subject: violation.subject }
}
