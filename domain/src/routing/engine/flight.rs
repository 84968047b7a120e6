//! The handlers of a route that wait for something: polled in place, each only when it was woken.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{future::BoxFuture, stream::BoxStream, task::AtomicWaker};

use super::line::Key;
use crate::routing::{Answer, Fault, Request, bound::Run};

/// What a panic carries.
pub(in crate::routing) type Panic = Box<dyn Any + Send>;

/// The handlers of a route that wait for something. Places are used again, and so are their wakers.
pub(in crate::routing) struct Flight {
    places: Vec<Option<InFlight>>,
    free: Vec<usize>,
    wakers: Vec<Waker>,
    woken: Arc<Woken>,
    room: usize,
    isolate: bool,
}

/// One handler at work.
pub(in crate::routing) struct InFlight {
    pub(in crate::routing) request: Request,
    pub(in crate::routing) key: Option<Key>,
    pub(in crate::routing) began: Duration,
    pub(in crate::routing) deadline: Option<Duration>,
    pub(in crate::routing) span: tracing::Span,
    pub(in crate::routing) work: Work,
}

/// What a handler is at.
pub(in crate::routing) enum Work {
    /// Making its answer.
    Handler(Box<dyn Run>),
    /// Giving its answers one by one.
    Answers {
        /// The rest of them.
        stream: BoxStream<'static, Result<Bytes, Fault>>,
        /// How many there have been.
        sent: u64,
        /// Asks whether somebody still listens.
        alive: Option<BoxFuture<'static, bool>>,
    },
}

/// What came of polling a handler.
pub(in crate::routing) enum Step {
    /// It has its answer.
    Answered(Answer),
    /// One answer of many.
    Item(Bytes),
    /// The last of many has been given: how many there were, and what ended them early.
    End(u64, Option<Fault>),
    /// Nobody listens to its answers any more.
    Abandoned,
    /// It panicked.
    Panicked(Panic),
}

/// Which places have been woken since they were last polled; wakes the route's task.
struct Woken {
    bits: Box<[AtomicU64]>,
    task: AtomicWaker,
}

struct PlaceWaker {
    woken: Arc<Woken>,
    place: usize,
}

impl Wake for PlaceWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.woken.set(self.place);
    }
}

impl Woken {
    fn set(&self, place: usize) {
        let bit = 1_u64 << (place % 64);
        // Who finds it set already knows that the task has been woken and has not looked yet.
        if self.bits[place / 64].fetch_or(bit, Ordering::AcqRel) & bit == 0 {
            self.task.wake();
        }
    }

    fn take(&self) -> Option<usize> {
        for (index, word) in self.bits.iter().enumerate() {
            let set = word.load(Ordering::Acquire);
            if set != 0 {
                let lowest = set.trailing_zeros();
                word.fetch_and(!(1 << lowest), Ordering::AcqRel);
                return Some(index * 64 + lowest as usize);
            }
        }
        None
    }
}

impl Flight {
    /// Room for so many. With `isolate` a panic is told as a [`Step`]; without, it goes on.
    pub(in crate::routing) fn new(room: usize, isolate: bool) -> Self {
        let room = room.max(1);
        let bits = (0..room.div_ceil(64)).map(|_| AtomicU64::new(0)).collect();
        let woken = Arc::new(Woken { bits, task: AtomicWaker::new() });
        let free = (0..room).rev().collect();
        Self { places: Vec::new(), free, wakers: Vec::new(), woken, room, isolate }
    }

    /// Whether another may start.
    pub(in crate::routing) fn has_room(&self) -> bool {
        !self.free.is_empty()
    }

    /// How many there are.
    pub(in crate::routing) fn len(&self) -> usize {
        self.room - self.free.len()
    }

    /// Begins to handle a request. There must be room. When it has to wait, [`Flight::put`] gives it the place it will be
    /// woken at.
    pub(in crate::routing) fn try_now(
        &mut self,
        run: &mut dyn Run,
        request: Request,
        span: &tracing::Span,
    ) -> Poll<Result<Answer, Panic>> {
        let place = self.free_place();
        let _inside = span.enter();
        let context = &mut Context::from_waker(&self.wakers[place]);
        let begin = || {
            run.begin(request);
            run.poll(context)
        };
        guarded(self.isolate, begin).map_or_else(|panic| Poll::Ready(Err(panic)), |polled| polled.map(Ok))
    }

    /// Gives a handler that has just been polled its place.
    pub(in crate::routing) fn put(&mut self, one: InFlight) {
        let place = self.free_place();
        self.free.pop();
        self.places[place] = Some(one);
    }

    /// The place that is given next.
    fn free_place(&mut self) -> usize {
        let place = *self.free.last().expect("the caller has made sure of room");
        while self.wakers.len() <= place {
            let waker = PlaceWaker { woken: Arc::clone(&self.woken), place: self.wakers.len() };
            self.wakers.push(Waker::from(Arc::new(waker)));
            self.places.push(None);
        }
        place
    }

    /// Puts one back that has given an item and has more to give.
    pub(in crate::routing) fn put_back(&mut self, one: InFlight) {
        let place = self.free.pop().expect("its own place is free");
        self.places[place] = Some(one);
        self.woken.set(place);
    }

    /// Takes out the next that has come to a step.
    pub(in crate::routing) fn poll_next(&mut self, task: &mut Context<'_>) -> Poll<(InFlight, Step)> {
        if self.len() == 0 {
            return Poll::Pending;
        }
        // First this, then the look: whoever wakes in between wakes the task.
        self.woken.task.register(task.waker());
        while let Some(place) = self.woken.take() {
            // The place may have got another, or none, since it was woken.
            let Some(one) = self.places.get_mut(place).and_then(Option::as_mut) else { continue };
            if let Poll::Ready(step) = poll(one, &mut Context::from_waker(&self.wakers[place]), self.isolate)
                && let Some(one) = self.remove(place)
            {
                return Poll::Ready((one, step));
            }
        }
        Poll::Pending
    }

    /// Takes out one whose time is over at `now`.
    pub(in crate::routing) fn take_overdue(&mut self, now: Duration) -> Option<InFlight> {
        let overdue = |one: &Option<InFlight>| matches!(one, Some(InFlight { deadline: Some(end), .. }) if *end <= now);
        let place = self.places.iter().position(overdue)?;
        self.remove(place)
    }

    /// The next end of somebody's time.
    pub(in crate::routing) fn next_deadline(&self) -> Option<Duration> {
        self.places.iter().flatten().filter_map(|one| one.deadline).min()
    }

    fn remove(&mut self, place: usize) -> Option<InFlight> {
        let one = self.places[place].take()?;
        self.free.push(place);
        Some(one)
    }
}

fn poll(one: &mut InFlight, context: &mut Context<'_>, isolate: bool) -> Poll<Step> {
    let _inside = one.span.enter();
    let work = &mut one.work;
    match guarded(isolate, || work.poll(context)) {
        Ok(polled) => polled,
        Err(panic) => Poll::Ready(Step::Panicked(panic)),
    }
}

impl Work {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Step> {
        match self {
            Self::Handler(run) => run.poll(context).map(Step::Answered),
            Self::Answers { stream, sent, alive } => {
                if let Some(asked) = alive
                    && let Poll::Ready(still) = asked.as_mut().poll(context)
                {
                    *alive = None;
                    if !still {
                        return Poll::Ready(Step::Abandoned);
                    }
                }
                stream.as_mut().poll_next(context).map(|item| match item {
                    Some(Ok(item)) => {
                        *sent += 1;
                        Step::Item(item)
                    }
                    Some(Err(fault)) => Step::End(*sent, Some(fault)),
                    None => Step::End(*sent, None),
                })
            }
        }
    }
}

impl InFlight {
    /// Ends it where it stands. What it was at is a developer's code, whose end may panic too.
    pub(in crate::routing) fn give_up(self, isolate: bool) -> Request {
        let Self { request, work, span, .. } = self;
        let _inside = span.enter();
        if let Err(panic) = guarded(isolate, || drop(work)) {
            tracing::error!(panic = panic_words(&*panic), "a handler panicked while it was ended");
        }
        drop(_inside);
        request
    }
}

/// Runs a developer's code. Without isolation its panic goes on.
pub(in crate::routing) fn guarded<T>(isolate: bool, run: impl FnOnce() -> T) -> Result<T, Panic> {
    match catch_unwind(AssertUnwindSafe(run)) {
        Err(panic) if !isolate => resume_unwind(panic),
        outcome => outcome,
    }
}

/// What a panic says.
pub(in crate::routing) fn panic_words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&'static str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("(no words)")
}
