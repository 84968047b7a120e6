//! The whole way in, as a model that chance drives: devices with Buffers, gates, a stream, handlers and their database.
//!
//! It runs the state machines themselves ([`Drain`], the Buffer's fake over [`crate::buffer::link`], [`Group`], [`Rows`]); only the
//! network, the broker and the database are played. Requests are lost, late and doubled; everything crashes between any two steps; two
//! gates and two handlers work on one lane; the broker forgets which ids it has seen; files are restored and copied, the database is
//! restored, the stream is purged. Then all faults end, and [`oracle`] says whether each message had its effect once, in order,
//! and whether its device was told the truth.
//!
//! Each rule can be switched off ([`Rule`]), and the model is red then: what holds it is the rule.

mod devices;
mod gates;
mod handlers;
mod oracle;
mod world;

use std::fmt;

/// A rule that can be switched off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    /// Each opening of a file has a name of its own.
    Opening,
    /// A message says what it comes behind.
    Link,
    /// That a message was sent is on disk before it is.
    SentOnDisk,
    /// One request at a time for each lane.
    OneRequest,
    /// What is refused is stored without a body.
    Void,
    /// A lane stops at the first that waits.
    StopAtFirstWait,
    /// The gate names messages to the stream, by who speaks.
    GatesMessageId,
    /// Rows are set only where they are what was read.
    CompareAndSet,
    /// A gap waits while an earlier message of the lane is there.
    GapWaits,
    /// A gap is gone over when nothing is before it.
    GapEnds,
    /// A look that has not found the message itself says nothing.
    LookFindsItself,
    /// What became of a message is recorded with its effect, and told again.
    VerdictRows,
    /// An attempt is counted before the handler runs.
    AttemptBeforeRun,
    /// A message is named when it is saved: what was not answered is asked for again under the same name.
    NamedAtSave,
    /// Of a dead letter's replays only the last that was asked for counts.
    ReplayNumber,
    /// What a plain request did is recorded, under the id that its client gave it.
    PlainRecord,
}

const RULES: [Rule; 16] = [
    Rule::Opening,
    Rule::Link,
    Rule::SentOnDisk,
    Rule::OneRequest,
    Rule::Void,
    Rule::StopAtFirstWait,
    Rule::GatesMessageId,
    Rule::CompareAndSet,
    Rule::GapWaits,
    Rule::GapEnds,
    Rule::LookFindsItself,
    Rule::VerdictRows,
    Rule::AttemptBeforeRun,
    Rule::NamedAtSave,
    Rule::ReplayNumber,
    Rule::PlainRecord,
];

/// Chance, the same for the same seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % (sides as u64)).unwrap_or_default()
    }

    /// Once in so many.
    fn once_in(&mut self, times: usize) -> bool {
        self.roll(times) == 0
    }
}

/// What is wrong, with the seed that shows it.
struct Wrong {
    seed: u64,
    what: String,
}

impl fmt::Debug for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "seed {}: {}", self.seed, self.what)
    }
}

fn run(seed: u64, steps: usize, without: Option<Rule>) -> Result<world::Told, Wrong> {
    let mut world = world::World::new(seed, without);
    for _ in 0..steps {
        world.step();
    }
    let settled = world.settle();
    settled.and_then(|()| world.judge()).map_err(|what| Wrong { seed, what })?;
    Ok(world.told())
}

/// How many runs there are. More are asked for when the tests are compiled: the domain reads no environment.
fn runs() -> u64 {
    option_env!("RELAIS_MODEL_RUNS").and_then(|text| text.parse().ok()).unwrap_or(3_000)
}

#[test]
fn each_message_has_its_effect_once_in_order_and_its_device_is_told() {
    let mut all = world::Told::default();
    for seed in 0..runs() {
        match run(seed, 250, None) {
            Ok(told) => all.add(&told),
            Err(wrong) => panic!("{wrong:?}"),
        }
    }
    // Nothing that is meant to happen has been forgotten.
    assert!(all.is_rich(), "{all:?}");
}

#[test]
fn without_any_of_its_rules_it_is_wrong() {
    for rule in RULES {
        let wrong = (0..20_000).find_map(|seed| run(seed, 250, Some(rule)).err());
        assert!(wrong.is_some(), "nothing shows that {rule:?} is needed");
    }
}
