//! Whether a file is as it should be.

use relais_domain::buffer::Count;

use super::store::Store;

/// What was found in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// What waits.
    pub waiting: Count,
    /// Messages in all, those too of which the end is known.
    pub entries: u64,
    /// What is wrong, in words; empty when nothing is.
    pub wrong: Vec<String>,
}

/// The most faults that are told.
const MOST: usize = 20;

pub(super) fn verify(store: &mut Store) -> rusqlite::Result<Verified> {
    let mut wrong = Vec::new();
    let mut check = store.connection.prepare("PRAGMA integrity_check(20)")?;
    let found = check.query_map([], |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?;
    wrong.extend(found.into_iter().filter(|text| text != "ok"));
    drop(check);
    let (mut entries, mut waiting, mut after) = (0, Count::default(), 0);
    // Each is read as it would be sent, a page at a time.
    while wrong.len() < MOST {
        match store.list(after, 256) {
            Ok(page) if page.is_empty() => break,
            Ok(page) => {
                for entry in page {
                    (entries, after) = (entries + 1, entry.place);
                    if entry.standing.is_waiting() {
                        waiting.entries += 1;
                        waiting.bytes += entry.draft.size();
                    }
                }
            }
            Err(error) => {
                wrong.push(format!("a message behind place {after} cannot be read: {error}"));
                break;
            }
        }
    }
    if wrong.is_empty() && waiting != store.count() {
        let told = store.count();
        wrong.push(format!(
            "{} messages of {} bytes wait, and {} of {} are counted",
            waiting.entries, waiting.bytes, told.entries, told.bytes
        ));
    }
    Ok(Verified { waiting, entries, wrong })
}
