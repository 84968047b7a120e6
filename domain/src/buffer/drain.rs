//! When which lane is sent: [`Drain`].
//!
//! One request at a time for each lane, since a lane is in order; lanes go beside each other. What failed is sent again after a random
//! while that grows (full jitter), so that ten thousand devices do not come back at once; all of it at once when the network is back.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;

use super::{Identity, Standing};
use crate::{ports::Rng, subject::Subject};

/// The first bound of the time that is waited; it doubles.
pub const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// The last bound.
pub const LAST_PAUSE: Duration = Duration::from_secs(30);

/// What the gate says of a message that it was asked to store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// It is stored, now or before.
    Stored,
    /// Not now: it, and what comes behind it in the lane, is to be asked for again.
    Wait,
}

/// What came of a request for a lane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Came {
    /// The gate has answered, of each message in the order of the request; and how long to wait at least, when something waits.
    Answered(Vec<Said>, Option<Duration>),
    /// No answer, or none that can be read: what has arrived is not known.
    Nothing,
}

/// Which lanes are sent when. It knows nothing of the messages, which lie in the [Buffer](crate::ports::Buffer).
#[derive(Debug, Default)]
pub struct Drain {
    lanes: BTreeMap<Subject, State>,
}

#[derive(Debug)]
enum State {
    InFlight { failures: u32 },
    Waits { until: Timestamp, failures: u32 },
}

impl Drain {
    /// Whether a lane may be sent now; if so it is under way from here on, until [`Drain::came`] says what came of it.
    pub fn begin(&mut self, lane: &Subject, now: Timestamp) -> bool {
        let failures = match self.lanes.get(lane) {
            Some(State::InFlight { .. }) => return false,
            Some(State::Waits { until, .. }) if now < *until => return false,
            Some(State::Waits { failures, .. }) => *failures,
            None => 0,
        };
        self.lanes.insert(lane.clone(), State::InFlight { failures });
        true
    }

    /// What came of a request for these messages of a lane: what is to be noted of them.
    #[must_use]
    pub fn came(
        &mut self,
        lane: &Subject,
        asked: &[Identity],
        came: Came,
        now: Timestamp,
        rng: &dyn Rng,
    ) -> Vec<(Identity, Standing)> {
        let failures = match self.lanes.remove(lane) {
            Some(State::InFlight { failures } | State::Waits { failures, .. }) => failures,
            None => 0,
        };
        let (said, at_least) = match came {
            // An answer about others than were asked for is none.
            Came::Answered(said, at_least) if said.len() == asked.len() => (said, at_least),
            Came::Answered(..) | Came::Nothing => {
                self.wait(lane, failures + 1, None, now, rng);
                return Vec::new();
            }
        };
        let stored = said.iter().take_while(|said| **said == Said::Stored).count();
        if stored < asked.len() {
            // Where something was stored it goes on.
            let failures = if stored == 0 { failures + 1 } else { 1 };
            self.wait(lane, failures, at_least, now, rng);
        }
        asked.iter().take(stored).map(|identity| (*identity, Standing::Stored)).collect()
    }

    /// The network is back: what waits is due.
    pub fn wake(&mut self) {
        self.lanes.retain(|_, state| matches!(state, State::InFlight { .. }));
    }

    /// When the next lane is due that waits; `None` when none does.
    #[must_use]
    pub fn due(&self) -> Option<Timestamp> {
        let waits = |state: &State| match state {
            State::Waits { until, .. } => Some(*until),
            State::InFlight { .. } => None,
        };
        self.lanes.values().filter_map(waits).min()
    }

    fn wait(&mut self, lane: &Subject, failures: u32, at_least: Option<Duration>, now: Timestamp, rng: &dyn Rng) {
        let pause = pause(failures, rng).max(at_least.unwrap_or_default().min(LAST_PAUSE));
        let until = jiff::SignedDuration::try_from(pause).ok().and_then(|pause| now.checked_add(pause).ok());
        let state = State::Waits { until: until.unwrap_or(Timestamp::MAX), failures };
        self.lanes.insert(lane.clone(), state);
    }
}

/// A random time up to a bound that doubles with each failure.
fn pause(failures: u32, rng: &dyn Rng) -> Duration {
    let doubled = FIRST_PAUSE.saturating_mul(1_u32.checked_shl(failures.saturating_sub(1).min(31)).unwrap_or(u32::MAX));
    let mut bytes = [0; 4];
    rng.fill(&mut bytes);
    doubled.min(LAST_PAUSE).mul_f64(f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{buffer::Opening, memory};

    fn lane(text: &str) -> Subject {
        text.parse().unwrap()
    }

    fn ids(count: u64) -> Vec<Identity> {
        (1..=count).map(|sequence| Identity { opening: Opening([1; 16]), sequence }).collect()
    }

    #[test]
    fn a_lane_is_under_way_once_and_others_go_beside_it() {
        let (mut drain, rng, now) = (Drain::default(), memory::Rng::default(), Timestamp::UNIX_EPOCH);
        let (one, two) = (lane("from.ada.a"), lane("from.ada.b"));
        assert!(drain.begin(&one, now) && !drain.begin(&one, now) && drain.begin(&two, now));
        assert_eq!(drain.due(), None);
        let stored = drain.came(&one, &ids(2), Came::Answered(vec![Said::Stored; 2], None), now, &rng);
        assert_eq!(stored, ids(2).into_iter().map(|id| (id, Standing::Stored)).collect::<Vec<_>>());
        assert!(drain.begin(&one, now), "what has come meanwhile goes at once");
        drain.wake();
        assert!(!drain.begin(&two, now), "it is still under way");
    }

    #[test]
    fn only_what_is_stored_up_to_the_first_that_waits_is_noted() {
        let (mut drain, rng, now) = (Drain::default(), memory::Rng::default(), Timestamp::UNIX_EPOCH);
        let own = lane("from.ada.a");
        let came = |drain: &mut Drain, said: &[Said], wait| {
            assert!(drain.begin(&own, Timestamp::MAX));
            drain.came(&own, &ids(3), Came::Answered(said.to_vec(), wait), now, &rng)
        };
        use Said::{Stored, Wait};
        assert_eq!(came(&mut drain, &[Stored, Wait, Stored], None).len(), 1, "a lane is stored in order");
        assert_eq!(came(&mut drain, &[Wait, Stored, Stored], None), []);
        assert_eq!(came(&mut drain, &[Stored, Stored], None), [], "an answer about others");
        assert_eq!(came(&mut drain, &[Stored, Stored, Stored, Stored], None), []);
        let told = Duration::from_secs(20);
        came(&mut drain, &[Stored, Wait, Wait], Some(told));
        assert!(!drain.begin(&own, now + told - Duration::from_millis(1)), "as long as it was told, at least");
        assert!(drain.due().unwrap() >= now + told);
        drain.wake();
        assert!(drain.due().is_none() && drain.begin(&own, now));
        let _ = drain.came(&own, &ids(1), Came::Answered(vec![Wait], Some(Duration::MAX)), now, &rng);
        assert_eq!(drain.due(), Some(now + LAST_PAUSE), "nobody makes it wait for ever");
    }

    #[test]
    fn pauses_are_random_and_grow_to_a_bound() {
        let (rng, now) = (memory::Rng::default(), Timestamp::UNIX_EPOCH);
        let own = lane("from.ada.a");
        let mut longest = [Duration::ZERO; 12];
        for _ in 0..200 {
            let mut drain = Drain::default();
            for longest in &mut longest {
                assert!(drain.begin(&own, Timestamp::MAX));
                assert_eq!(drain.came(&own, &ids(1), Came::Nothing, now, &rng), []);
                let waits = Duration::try_from(drain.due().unwrap().duration_since(now)).unwrap();
                *longest = (*longest).max(waits);
            }
        }
        for (failures, longest) in (0..).zip(longest) {
            let bound = (FIRST_PAUSE * 2_u32.pow(failures)).min(LAST_PAUSE);
            assert!(longest <= bound && longest > bound / 2, "{failures}: {longest:?}");
        }
        // An answer ends it.
        let mut drain = Drain::default();
        for came in [Came::Nothing, Came::Nothing, Came::Answered(vec![Said::Stored], None), Came::Nothing] {
            assert!(drain.begin(&own, Timestamp::MAX));
            let _ = drain.came(&own, &ids(1), came, now, &rng);
        }
        assert!(drain.due().unwrap() <= now + FIRST_PAUSE);
    }
}
