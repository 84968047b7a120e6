//! The same message once more gets the same answer.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use tokio::sync::watch;

use crate::{
    identity::UserId,
    routing::{
        Answer, Request,
        bound::{BoundHandler, bind},
        extract::MESSAGE_ID,
    },
};

/// Answers kept a route.
const MOST: usize = 10_000;
/// Bytes of answers kept a route.
const MOST_BYTES: usize = 16 * 1024 * 1024;

type Id = (Option<UserId>, String);

#[derive(Default)]
struct Seen {
    /// Those at work, for others to wait for.
    running: BTreeMap<Id, watch::Receiver<()>>,
    answers: BTreeMap<Id, Kept>,
    /// In the order in which they will be forgotten.
    ages: VecDeque<(Duration, Id)>,
    bytes: usize,
}

#[derive(Clone)]
enum Kept {
    Empty,
    Payload(Bytes),
}

impl Kept {
    fn of(answer: &Answer) -> Option<Self> {
        match answer {
            Answer::Empty => Some(Self::Empty),
            Answer::Payload(payload) => Some(Self::Payload(payload.clone())),
            Answer::Fault(_) | Answer::Stream(_) => None,
        }
    }

    fn size(&self) -> usize {
        match self {
            Self::Empty => 0,
            Self::Payload(payload) => payload.len(),
        }
    }

    fn into_answer(self) -> Answer {
        match self {
            Self::Empty => Answer::Empty,
            Self::Payload(payload) => Answer::Payload(payload),
        }
    }
}

enum Look {
    Known(Answer),
    Wait(watch::Receiver<()>),
    Run(Running),
}

/// One at work. When it is gone, done or not, those who wait look again.
struct Running {
    seen: Arc<Mutex<Seen>>,
    id: Id,
    _told: watch::Sender<()>,
}

impl Drop for Running {
    fn drop(&mut self) {
        lock(&self.seen).running.remove(&self.id);
    }
}

fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

fn look(seen: &Arc<Mutex<Seen>>, id: &Id, now: Duration) -> Look {
    let mut own = lock(seen);
    own.forget(now);
    if let Some(kept) = own.answers.get(id) {
        return Look::Known(kept.clone().into_answer());
    }
    if let Some(running) = own.running.get(id) {
        return Look::Wait(running.clone());
    }
    let (told, done) = watch::channel(());
    own.running.insert(id.clone(), done);
    Look::Run(Running { seen: Arc::clone(seen), id: id.clone(), _told: told })
}

impl Seen {
    fn forget(&mut self, now: Duration) {
        while let Some((end, _)) = self.ages.front() {
            if *end > now && self.answers.len() <= MOST && self.bytes <= MOST_BYTES {
                return;
            }
            if let Some((_, id)) = self.ages.pop_front()
                && let Some(gone) = self.answers.remove(&id)
            {
                self.bytes -= gone.size();
            }
        }
    }

    fn keep(&mut self, id: &Id, answer: &Answer, now: Duration, window: Duration) {
        let Some(kept) = Kept::of(answer) else { return };
        self.bytes += kept.size();
        self.answers.insert(id.clone(), kept);
        self.ages.push_back((now.saturating_add(window), id.clone()));
        self.forget(now);
    }
}

/// `handler`, which runs once for messages of one caller with one id that come within `window`.
pub(in crate::routing) fn once(handler: BoundHandler, window: Duration) -> BoundHandler {
    let seen = Arc::<Mutex<Seen>>::default();
    bind(move |request: Request| {
        let (handler, seen) = (Arc::clone(&handler), Arc::clone(&seen));
        async move {
            let Some(id) = request.message().headers.get(MESSAGE_ID) else { return handler.call(request).await };
            let id = (request.caller().cloned(), id.to_owned());
            loop {
                let now = request.ports().clock.elapsed();
                match look(&seen, &id, now) {
                    Look::Known(answer) => return answer,
                    // An error says that it is gone, which is what is waited for.
                    Look::Wait(mut done) => drop(done.changed().await),
                    Look::Run(running) => {
                        let answer = handler.call(request.clone()).await;
                        if !request.is_by_hand() {
                            lock(&seen).keep(&id, &answer, request.ports().clock.elapsed(), window);
                        }
                        drop(running);
                        return answer;
                    }
                }
            }
        }
    })
}
