//! The contract of [`crate::ports::Buffer`].

#![allow(clippy::panic, clippy::unwrap_used, reason = "a suite panics where the contract is not kept")]

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use futures_util::future::{BoxFuture, join_all};
use jiff::Timestamp;

use crate::{
    buffer::{Batch, Bounds, Count, Discarded, Draft, Entry, Identity, Standing},
    message::Headers,
    ports::{Buffer, BufferError},
    subject::Subject,
};

/// A file of a Buffer that can be opened again and again.
pub trait BufferHouse: Send + Sync {
    /// Opens it with these bounds, as another process would after the one before has gone.
    fn open(&self, bounds: Bounds) -> BoxFuture<'_, Arc<dyn Buffer>>;
}

const ROOMY: Batch = Batch { entries: 1_000, bytes: 1 << 20 };

fn now() -> Timestamp {
    Timestamp::from_millisecond(1_767_225_600_123).unwrap()
}

fn subject(text: &str) -> Subject {
    text.parse().unwrap()
}

fn draft(lane: &str, text: &str) -> Draft {
    Draft {
        subject: subject(lane),
        kind: "test.Text".to_owned(),
        version: 3,
        headers: [("Trace", "a"), ("Trace", "b"), ("Éa", "ü ")].into_iter().collect(),
        payload: text.to_owned().into(),
    }
}

async fn save(buffer: &dyn Buffer, lane: &str, text: &str) -> Identity {
    buffer.save(draft(lane, text), now()).await.unwrap()
}

async fn standing(buffer: &dyn Buffer, identity: Identity) -> Option<Standing> {
    buffer.find(identity).await.unwrap().map(|entry| entry.standing)
}

fn identities(entries: &[Entry]) -> Vec<Identity> {
    entries.iter().map(|entry| entry.identity).collect()
}

/// Panics where what `house` opens does not keep its contract. `house` is called for an empty file each time.
pub async fn suite<H: BufferHouse>(house: impl Fn() -> H) {
    what_is_saved_is_there_in_order(&house()).await;
    what_is_sent_is_linked_and_stays(&house()).await;
    what_is_noted_is_not_taken_back(&house()).await;
    only_what_was_never_sent_is_discarded(&house()).await;
    no_more_is_kept_than_its_bounds(&house()).await;
    an_opening_never_gives_an_identity_again(&house()).await;
    many_at_once_are_all_kept(&house()).await;
    batches_are_bounded(&house()).await;
}

async fn what_is_saved_is_there_in_order(house: &impl BufferHouse) {
    let buffer = house.open(Bounds::default()).await;
    let buffer = &*buffer;
    assert_eq!(buffer.count().await.unwrap(), Count::default());
    assert!(buffer.lanes(None, 9).await.unwrap().is_empty() && buffer.list(0, 9).await.unwrap().is_empty());
    assert!(buffer.oldest(&subject("from.ada.a"), ROOMY).await.unwrap().is_empty());
    let mut saved = Vec::new();
    for (lane, text) in [("from.ada.b", "1"), ("from.ada.a", "2"), ("from.ada.b", ""), ("from.ada.a", "\0é")] {
        saved.push((save(buffer, lane, text).await, draft(lane, text)));
    }
    for (identity, draft) in &saved {
        let entry = buffer.find(*identity).await.unwrap().unwrap();
        assert_eq!((&entry.draft, entry.saved_at, entry.after), (draft, now(), None));
        assert_eq!(entry.standing, Standing::Queued);
    }
    let numbers: Vec<_> = saved.iter().map(|(identity, _)| identity.sequence).collect();
    assert!(numbers.is_sorted_by(|one, next| one < next) && numbers[0] > 0, "{numbers:?}");
    let own =
        |lane: &str| saved.iter().filter(|(_, draft)| draft.subject.as_str() == lane).map(|(id, _)| *id).collect();
    for lane in ["from.ada.a", "from.ada.b"] {
        let expected: Vec<Identity> = own(lane);
        let entries = buffer.oldest(&subject(lane), ROOMY).await.unwrap();
        assert_eq!(identities(&entries), expected, "{lane}");
        assert!(entries.iter().all(|entry| entry.standing == Standing::Queued), "looking sends nothing");
    }
    let lanes = buffer.lanes(None, 9).await.unwrap();
    let told: Vec<_> = lanes.iter().map(|lane| (lane.subject.as_str(), lane.entries)).collect();
    assert_eq!(told, [("from.ada.a", 2), ("from.ada.b", 2)]);
    assert_eq!(buffer.lanes(None, 1).await.unwrap(), lanes[..1]);
    assert_eq!(buffer.lanes(Some(lanes[0].subject.clone()), 9).await.unwrap(), lanes[1..]);
    // Page by page.
    let mut listed = Vec::new();
    while let [entry] = &buffer.list(listed.last().map_or(0, |entry: &Entry| entry.place), 1).await.unwrap()[..] {
        listed.push(entry.clone());
    }
    assert_eq!(identities(&listed), saved.iter().map(|(identity, _)| *identity).collect::<Vec<_>>());
    let bytes = saved.iter().map(|(_, draft)| draft.size()).sum();
    assert_eq!(buffer.count().await.unwrap(), Count { entries: 4, bytes });
}

async fn what_is_sent_is_linked_and_stays(house: &impl BufferHouse) {
    let buffer = house.open(Bounds::default()).await;
    let lane = subject("from.ada.a");
    let (one, other) = (save(&*buffer, "from.ada.a", "1").await, save(&*buffer, "from.ada.b", "x").await);
    let two = save(&*buffer, "from.ada.a", "2").await;
    let first = Batch { entries: 1, ..ROOMY };
    let taken = buffer.take(&lane, first).await.unwrap();
    assert_eq!((taken[0].identity, taken[0].after, &taken[0].standing), (one, None, &Standing::Sent));
    assert_eq!(buffer.take(&lane, first).await.unwrap(), taken, "the same again");
    drop(buffer);
    let buffer = house.open(Bounds::default()).await;
    assert_eq!(buffer.oldest(&lane, first).await.unwrap(), taken, "it is on disk that it was sent");
    let taken = buffer.take(&lane, ROOMY).await.unwrap();
    assert_eq!(taken.iter().map(|entry| entry.after).collect::<Vec<_>>(), [None, Some(one)]);
    let three = save(&*buffer, "from.ada.a", "3").await;
    let dropped = save(&*buffer, "from.ada.a", "4").await;
    let five = save(&*buffer, "from.ada.a", "5").await;
    assert_eq!(buffer.discard(dropped).await.unwrap(), Discarded::Done);
    assert_eq!(buffer.note(vec![(one, Standing::Stored), (two, Standing::Stored)]).await.unwrap(), 2);
    let taken = buffer.take(&lane, ROOMY).await.unwrap();
    assert_eq!(identities(&taken), [three, five]);
    assert_eq!(taken.iter().map(|entry| entry.after).collect::<Vec<_>>(), [Some(two), Some(three)]);
    let apart = buffer.take(&subject("from.ada.b"), ROOMY).await.unwrap();
    assert_eq!((apart[0].identity, apart[0].after), (other, None), "each lane has links of its own");
}

async fn what_is_noted_is_not_taken_back(house: &impl BufferHouse) {
    let buffer = house.open(Bounds::default()).await;
    let buffer = &*buffer;
    let id = save(buffer, "from.ada.a", "1").await;
    let nobody = Identity { sequence: id.sequence + 99, ..id };
    let note = async |id, standing| buffer.note(vec![(id, standing)]).await.unwrap();
    assert_eq!(note(id, Standing::Stored).await, 0, "what was never sent is nowhere");
    assert_eq!(note(nobody, Standing::Stored).await, 0);
    let lane = subject("from.ada.a");
    buffer.take(&lane, ROOMY).await.unwrap();
    assert_eq!(note(id, Standing::Queued).await + note(id, Standing::Sent).await, 0);
    assert_eq!(note(id, Standing::Stored).await, 1);
    assert_eq!(buffer.count().await.unwrap(), Count::default(), "it waits no more");
    assert!(buffer.take(&lane, ROOMY).await.unwrap().is_empty() && buffer.lanes(None, 9).await.unwrap().is_empty());
    let entry = buffer.find(id).await.unwrap().unwrap();
    assert!(entry.draft.payload.is_empty() && entry.draft.headers == Headers::default(), "and is forgotten");
    assert_eq!((entry.draft.kind.as_str(), entry.draft.version, &entry.draft.subject), ("test.Text", 3, &lane));
    assert_eq!(note(id, Standing::Stored).await, 0, "it was noted");
    let unknown = Standing::Unknown("a gap".to_owned());
    assert_eq!(note(id, unknown.clone()).await, 1);
    assert_eq!(standing(buffer, id).await, Some(unknown.clone()));
    let handled = Standing::Handled(vec![0, 255].into());
    assert_eq!(note(id, handled.clone()).await, 1, "the server knows after all");
    for late in [Standing::Stored, unknown, Standing::Dead("x".to_owned()), Standing::Refused("y".to_owned())] {
        assert_eq!(note(id, late).await, 0);
    }
    assert_eq!(standing(buffer, id).await, Some(handled));
    // A copy of the file has sent it.
    let copied = save(buffer, "from.ada.a", "copied").await;
    let unknown = Standing::Unknown("a gap".to_owned());
    assert_eq!(note(copied, unknown.clone()).await, 1);
    assert_eq!((standing(buffer, copied).await, buffer.count().await.unwrap().entries), (Some(unknown), 0));
    // A verdict says that it is stored, too.
    for end in [Standing::Refused("no é".to_owned()), Standing::Dead("boom".to_owned())] {
        let id = save(buffer, "from.ada.a", "2").await;
        buffer.take(&lane, ROOMY).await.unwrap();
        assert_eq!(note(id, end.clone()).await, 1);
        assert_eq!((standing(buffer, id).await, buffer.count().await.unwrap().entries), (Some(end), 0));
    }
    let waits = save(buffer, "from.ada.b", "3").await;
    let later = now() + Duration::from_millis(1);
    // Newer, and sent by a copy alone.
    let newer = buffer.save(draft("from.ada.a", "4"), later).await.unwrap();
    assert_eq!(note(newer, Standing::Dead("boom".to_owned())).await, 1);
    assert_eq!(buffer.forget(now()).await.unwrap(), 0);
    assert_eq!(buffer.forget(later).await.unwrap(), 4, "what has an end is forgotten");
    assert_eq!(identities(&buffer.list(0, 9).await.unwrap()), [waits, newer], "and nothing else");
}

async fn only_what_was_never_sent_is_discarded(house: &impl BufferHouse) {
    let buffer = house.open(Bounds::default()).await;
    let buffer = &*buffer;
    assert_eq!(buffer.discard_newest(None).await.unwrap(), None);
    let (one, two) = (save(buffer, "from.ada.a", "1").await, save(buffer, "from.ada.b", "2").await);
    let three = save(buffer, "from.ada.a", "3").await;
    let lane = subject("from.ada.a");
    buffer.take(&lane, Batch { entries: 1, ..ROOMY }).await.unwrap();
    assert_eq!(buffer.discard(one).await.unwrap(), Discarded::Sent);
    assert_eq!(buffer.discard(Identity { sequence: 99, ..one }).await.unwrap(), Discarded::Absent);
    assert_eq!(buffer.discard_newest(Some(subject("from.ada.c"))).await.unwrap(), None);
    assert_eq!(buffer.discard_newest(Some(subject("from.ada.b"))).await.unwrap(), Some(two));
    assert_eq!(buffer.discard_newest(None).await.unwrap(), Some(three));
    assert_eq!(buffer.discard_newest(None).await.unwrap(), None, "the newest was sent");
    assert_eq!(buffer.discard(three).await.unwrap(), Discarded::Absent);
    let four = save(buffer, "from.ada.a", "4").await;
    assert!(four.sequence > three.sequence, "no number is given again");
    assert_eq!(buffer.purge("it was purged").await.unwrap().entries, 2);
    assert_eq!(standing(buffer, one).await, Some(Standing::Unknown("it was purged".to_owned())));
    assert_eq!((standing(buffer, four).await, buffer.count().await.unwrap()), (None, Count::default()));
    // What was sent is still what the next comes behind.
    save(buffer, "from.ada.a", "5").await;
    assert_eq!(buffer.take(&lane, ROOMY).await.unwrap()[0].after, Some(one));
}

async fn no_more_is_kept_than_its_bounds(house: &impl BufferHouse) {
    let size = draft("from.ada.a", "1").size();
    let buffer = house.open(Bounds { entries: 2, bytes: 10 * size }).await;
    let one = save(&*buffer, "from.ada.a", "1").await;
    save(&*buffer, "from.ada.a", "2").await;
    let refused = buffer.save(draft("from.ada.a", "3"), now()).await;
    let Err(BufferError::Full(full)) = refused else { panic!("{refused:?}") };
    assert_eq!((full.there, full.bounds.entries), (Count { entries: 2, bytes: 2 * size }, 2));
    buffer.take(&subject("from.ada.a"), Batch { entries: 1, ..ROOMY }).await.unwrap();
    buffer.note(vec![(one, Standing::Stored)]).await.unwrap();
    save(&*buffer, "from.ada.a", "3").await;
    assert!(matches!(buffer.save(draft("from.ada.b", "4"), now()).await, Err(BufferError::Full(_))));
    drop(buffer);
    // More than it may have, since its bounds were others before.
    let buffer = house.open(Bounds { entries: 9, bytes: 2 * size - 1 }).await;
    assert!(matches!(buffer.save(draft("from.ada.a", ""), now()).await, Err(BufferError::Full(_))));
    assert_eq!(buffer.discard_newest(None).await.unwrap().map(|id| id.opening), Some(one.opening));
    assert!(matches!(buffer.save(draft("from.ada.a", "5"), now()).await, Err(BufferError::Full(_))));
    save(&*buffer, "from.ada.a", "").await;
    assert_eq!(buffer.count().await.unwrap(), Count { entries: 2, bytes: 2 * size - 1 });
}

async fn an_opening_never_gives_an_identity_again(house: &impl BufferHouse) {
    let (mut seen, mut places) = (BTreeSet::new(), Vec::new());
    for _ in 0..3 {
        let buffer = house.open(Bounds::default()).await;
        for _ in 0..2 {
            let id = save(&*buffer, "from.ada.a", "1").await;
            assert!(seen.insert(id), "{id}");
            places.push(buffer.find(id).await.unwrap().unwrap().place);
            // Not even when all of them are gone.
            assert_eq!(buffer.discard_newest(None).await.unwrap(), Some(id));
        }
    }
    let openings: BTreeSet<_> = seen.iter().map(|id| id.opening).collect();
    assert_eq!(openings.len(), 3);
    assert!(places.is_sorted_by(|one, next| one < next), "{places:?}");
}

async fn many_at_once_are_all_kept(house: &impl BufferHouse) {
    let buffer = house.open(Bounds { entries: 250, ..Bounds::default() }).await;
    let texts: Vec<_> = (0..300).map(|number| number.to_string()).collect();
    let saved = join_all(texts.iter().map(|text| buffer.save(draft("from.ada.a", text), now()))).await;
    let kept: BTreeSet<_> = saved.iter().flatten().copied().collect();
    let full = saved.iter().filter(|saved| matches!(saved, Err(BufferError::Full(_)))).count();
    assert_eq!((kept.len(), full), (250, 50));
    drop(buffer);
    let buffer = house.open(Bounds::default()).await;
    let there = buffer.oldest(&subject("from.ada.a"), ROOMY).await.unwrap();
    assert_eq!(there.iter().map(|entry| entry.identity).collect::<BTreeSet<_>>(), kept);
    for entry in &there {
        let at = saved.iter().position(|saved| saved.as_ref().ok() == Some(&entry.identity)).unwrap();
        assert_eq!(entry.draft.payload, texts[at].as_bytes(), "each under its own name");
    }
}

async fn batches_are_bounded(house: &impl BufferHouse) {
    let buffer = house.open(Bounds::default()).await;
    for _ in 0..5 {
        save(&*buffer, "from.ada.a", "1").await;
    }
    let (lane, size) = (subject("from.ada.a"), draft("from.ada.a", "1").size());
    for (entries, bytes, expected) in
        [(2, 100 * size, 2), (9, 3 * size, 3), (9, 3 * size - 1, 2), (9, 0, 1), (0, 0, 1), (9, 100 * size, 5)]
    {
        let batch = Batch { entries, bytes };
        assert_eq!(buffer.oldest(&lane, batch).await.unwrap().len(), expected, "{batch:?}");
    }
    assert_eq!(buffer.take(&lane, Batch { entries: 2, ..ROOMY }).await.unwrap().len(), 2);
    let left = buffer.oldest(&lane, ROOMY).await.unwrap();
    assert_eq!(left.iter().filter(|entry| entry.standing == Standing::Queued).count(), 3, "no more was marked");
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU8, Ordering};

    use futures_util::FutureExt;

    use super::*;
    use crate::{buffer::Opening, memory};

    #[derive(Default)]
    struct Memory {
        file: memory::BufferFile,
        openings: AtomicU8,
    }

    impl BufferHouse for Memory {
        fn open(&self, bounds: Bounds) -> BoxFuture<'_, Arc<dyn Buffer>> {
            let opening = Opening([self.openings.fetch_add(1, Ordering::Relaxed); 16]);
            let buffer: Arc<dyn Buffer> = Arc::new(self.file.open(opening, bounds));
            async move { buffer }.boxed()
        }
    }

    #[tokio::test]
    async fn memory_keeps_it() {
        suite(Memory::default).await;
    }
}
