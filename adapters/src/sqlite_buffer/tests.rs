//! The Buffer's file: the contract, whose it is, and what becomes of it when it is damaged.

use std::{fs, os::unix::fs::PermissionsExt as _, sync::Arc};

use futures_util::{FutureExt as _, future::BoxFuture, future::join_all};
use jiff::Timestamp;
use relais_domain::{
    buffer::{Batch, Bounds, Draft, Standing},
    memory,
    message::Headers,
    ports::{self, Buffer as _, BufferError},
    testing::buffer::{BufferHouse, suite},
};
use tempfile::TempDir;

use super::*;

struct House {
    folder: TempDir,
    key: Option<Key>,
}

/// Openings differ from process to process, and so from one call to the next.
fn rng() -> Arc<dyn Rng> {
    static SEED: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);
    Arc::new(memory::Rng::seeded(SEED.fetch_add(1, std::sync::atomic::Ordering::Relaxed)))
}

impl House {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), key: None }
    }

    fn sealed() -> Self {
        Self { key: Some(Key::new([7; 32])), ..Self::new() }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("own/buffer.db")
    }

    fn options(&self) -> Options {
        let (user, key) = ("ada".parse().unwrap(), self.key.clone());
        Options { path: self.path(), user, bounds: Bounds::default(), key, rng: rng() }
    }

    fn opened(&self) -> Buffer {
        let opened = Buffer::open(&self.options()).unwrap();
        assert_eq!(opened.set_aside, None);
        opened.buffer
    }

    fn refused(&self, change: impl FnOnce(&mut Options)) -> OpenError {
        let mut options = self.options();
        change(&mut options);
        Buffer::open(&options).err().expect("it is not opened")
    }

    fn sqlite(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.path()).unwrap()
    }
}

impl BufferHouse for House {
    fn open(&self, bounds: Bounds) -> BoxFuture<'_, Arc<dyn ports::Buffer>> {
        let opened = Buffer::open(&Options { bounds, ..self.options() }).unwrap();
        let buffer: Arc<dyn ports::Buffer> = Arc::new(opened.buffer);
        async move { buffer }.boxed()
    }
}

fn draft(text: &str) -> Draft {
    Draft {
        subject: "from.ada.a".parse().unwrap(),
        kind: "test.Text".to_owned(),
        version: 1,
        headers: [("Secret-Header", "hidden")].into_iter().collect(),
        payload: text.to_owned().into(),
    }
}

async fn save(buffer: &Buffer, text: &str) -> Identity {
    buffer.save(draft(text), Timestamp::UNIX_EPOCH).await.unwrap()
}

#[tokio::test]
async fn keeps_the_contract() {
    suite(House::new).await;
}

#[tokio::test]
async fn keeps_the_contract_when_it_is_sealed() {
    suite(House::sealed).await;
}

#[tokio::test]
async fn a_commit_is_on_disk_when_it_returns() {
    let house = House::new();
    let buffer = house.opened();
    let setting = |name: &'static str| {
        let read = move |store: &mut store::Store| {
            store.connection.pragma_query_value(None, name, |row| row.get::<_, rusqlite::types::Value>(0))
        };
        let asked = buffer.writer.ask(read);
        async { format!("{:?}", asked.await.unwrap()) }
    };
    assert_eq!(setting("journal_mode").await, "Text(\"wal\")");
    assert_eq!(setting("synchronous").await, "Integer(2)", "FULL: each commit waits for the disk");
    assert_eq!(setting("fullfsync").await, "Integer(1)");
    assert_eq!(setting("checkpoint_fullfsync").await, "Integer(1)");
}

/// SQLite calls a hook with each commit: so many who save at once cost few of them.
#[tokio::test(flavor = "multi_thread")]
async fn many_who_save_at_once_share_a_commit() {
    let house = House::new();
    let buffer = house.opened();
    let commits = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counted = Arc::clone(&commits);
    let hook = move |store: &mut store::Store| {
        let counted = Arc::clone(&counted);
        let count = move || {
            counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            false
        };
        store.connection.commit_hook(Some(count))
    };
    buffer.writer.ask(hook).await.unwrap();
    join_all((0..1_000).map(|number| save_owned(&buffer, number))).await;
    let commits = commits.load(std::sync::atomic::Ordering::Relaxed);
    assert!(commits < 100, "{commits} commits for 1 000 messages");
}

async fn save_owned(buffer: &Buffer, number: usize) {
    save(buffer, &number.to_string()).await;
}

#[tokio::test]
async fn it_is_one_users_and_one_processs() {
    let house = House::new();
    let buffer = house.opened();
    assert!(matches!(house.refused(|_| {}), OpenError::Locked(_)));
    drop(buffer);
    let refused = house.refused(|options| options.user = "bob".parse().unwrap());
    assert!(matches!(&refused, OpenError::AnotherUser { whose, .. } if whose == "ada"), "{refused}");
    let mode = |end: &str| {
        let mut name = house.path().into_os_string();
        name.push(end);
        fs::metadata(name).unwrap().permissions().mode() & 0o777
    };
    let buffer = house.opened();
    save(&buffer, "1").await;
    for end in ["", "-wal", "-shm", ".lock"] {
        assert_eq!(mode(end), 0o600, "{end}");
    }
    assert_eq!(fs::metadata(house.path().parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
}

#[tokio::test]
async fn what_is_sealed_is_read_by_nobody_else_and_not_moved() {
    let house = House::sealed();
    let buffer = house.opened();
    let ids = [save(&buffer, "open sesame").await, save(&buffer, "another one").await];
    drop(buffer);
    let bytes = fs::read(house.path()).unwrap();
    for hidden in ["open sesame", "Secret-Header", "hidden"] {
        assert!(!bytes.windows(hidden.len()).any(|part| part == hidden.as_bytes()), "{hidden}");
    }
    for key in [None, Some(Key::new([8; 32]))] {
        assert!(matches!(house.refused(|options| options.key = key.clone()), OpenError::AnotherKey(_)));
    }
    let open = House::new();
    drop(open.opened());
    assert!(matches!(open.refused(|options| options.key = Some(Key::new([8; 32]))), OpenError::AnotherKey(_)));
    // One put in the place of the other.
    house
        .sqlite()
        .execute("UPDATE entries SET body = (SELECT body FROM entries WHERE place = 2) WHERE place = 1", [])
        .unwrap();
    let buffer = house.opened();
    let refused = buffer.find(ids[0]).await;
    assert!(
        matches!(&refused, Err(BufferError::Unavailable(why)) if format!("{why:?}").contains("seal")),
        "{refused:?}"
    );
    assert_eq!(buffer.find(ids[1]).await.unwrap().unwrap().draft.payload, "another one");
    let verified = buffer.verify().await.unwrap();
    assert!(verified.wrong.len() == 1 && verified.wrong[0].contains("seal is broken"), "{verified:?}");
}

#[tokio::test]
async fn a_damaged_file_is_set_aside_and_the_app_starts() {
    for damage in [&b"nothing of SQLite's, but long enough to be looked at as a header of a file"[..], &[0xff; 8_192]] {
        let house = House::new();
        let buffer = house.opened();
        save(&buffer, "1").await;
        drop(buffer);
        fs::write(house.path(), damage).unwrap();
        let opened = Buffer::open(&house.options()).unwrap();
        let Opened { buffer, set_aside } = opened;
        let aside = set_aside.expect("it is told");
        assert_eq!(fs::read(&aside).unwrap(), damage, "as it was");
        save(&buffer, "2").await;
        assert_eq!(buffer.count().await.unwrap().entries, 1);
        drop(buffer);
        fs::write(house.path(), damage).unwrap();
        let again = Buffer::open(&house.options()).unwrap().set_aside.unwrap();
        assert!(again != aside && aside.exists(), "each under a name of its own");
    }
    // The head is whole, and a table behind it is not.
    let house = House::new();
    let buffer = house.opened();
    save(&buffer, "1").await;
    drop(buffer);
    let root: i64 = house
        .sqlite()
        .query_row("SELECT rootpage FROM sqlite_schema WHERE name = 'about'", [], |row| row.get(0))
        .unwrap();
    let mut bytes = fs::read(house.path()).unwrap();
    let at = (usize::try_from(root).unwrap() - 1) * 4_096;
    bytes[at..at + 4_096].fill(0xee);
    fs::write(house.path(), &bytes).unwrap();
    assert!(Buffer::open(&house.options()).unwrap().set_aside.is_some());
}

#[tokio::test]
async fn what_is_no_buffer_or_a_newer_one_is_left_alone() {
    let house = House::new();
    drop(house.opened());
    let sqlite = house.sqlite();
    sqlite.pragma_update(None, "user_version", 2).unwrap();
    assert!(matches!(house.refused(|_| {}), OpenError::Newer { format: 2, .. }));
    sqlite.pragma_update(None, "application_id", 7).unwrap();
    assert!(matches!(house.refused(|_| {}), OpenError::Foreign(_)));
    drop(sqlite);
    let other = House::new();
    fs::create_dir_all(other.path().parent().unwrap()).unwrap();
    other.sqlite().execute_batch("CREATE TABLE theirs (x)").unwrap();
    let before = fs::read(other.path()).unwrap();
    assert!(matches!(other.refused(|_| {}), OpenError::Foreign(_)));
    assert_eq!(fs::read(other.path()).unwrap(), before);
    let folder = House::new();
    fs::create_dir_all(folder.path()).unwrap();
    assert!(matches!(folder.refused(|_| {}), OpenError::Sqlite { .. } | OpenError::Io { .. }));
}

/// A copy of a file is another opening: what both save is told apart.
#[tokio::test]
async fn restored_and_copied_files_give_no_identity_twice() {
    let house = House::new();
    let buffer = house.opened();
    let one = save(&buffer, "1").await;
    drop(buffer);
    let copy = House::new();
    fs::create_dir_all(copy.path().parent().unwrap()).unwrap();
    fs::copy(house.path(), copy.path()).unwrap();
    let both = [house.opened(), copy.opened()];
    let mut saved = [Vec::new(), Vec::new()];
    for (buffer, saved) in both.iter().zip(&mut saved) {
        assert_eq!(buffer.find(one).await.unwrap().expect("both have it").draft, draft("1"));
        for _ in 0..3 {
            saved.push(save(buffer, "x").await);
        }
    }
    for (at, buffer) in both.iter().enumerate() {
        for id in &saved[at] {
            assert!(buffer.find(*id).await.unwrap().is_some() && !saved[1 - at].contains(id));
        }
        for id in &saved[1 - at] {
            assert_eq!(buffer.find(*id).await.unwrap(), None, "what the other has saved is not its own");
        }
    }
}

#[tokio::test]
async fn what_cannot_be_written_takes_nothing_with_it() {
    let house = House::new();
    let buffer = house.opened();
    let one = save(&buffer, "1").await;
    let refuse = "CREATE TEMP TRIGGER refuse BEFORE INSERT ON entries WHEN new.kind = 'odd' \
                  BEGIN SELECT raise(ABORT, 'no room'); END";
    buffer.writer.ask(move |store| store.connection.execute_batch(refuse)).await.unwrap();
    let odd =
        |number: usize| Draft { kind: if number.is_multiple_of(3) { "odd" } else { "good" }.to_owned(), ..draft("x") };
    let saved = join_all((0..30).map(|number| buffer.save(odd(number), Timestamp::UNIX_EPOCH))).await;
    let failed = saved.iter().filter(|saved| matches!(saved, Err(BufferError::Unavailable(_)))).count();
    assert_eq!((failed, saved.iter().flatten().count()), (10, 20));
    assert_eq!(buffer.count().await.unwrap().entries, 21);
    let verified = buffer.verify().await.unwrap();
    assert!(verified.wrong.is_empty() && verified.entries == 21, "{verified:?}");
    let sent = buffer.take(&draft("").subject, Batch::default()).await.unwrap();
    assert_eq!((sent.len(), sent[0].identity), (21, one));
    buffer.note(vec![(one, Standing::Stored)]).await.unwrap();
    assert_eq!(buffer.find(one).await.unwrap().unwrap().draft.headers, Headers::default());
}

/// The process that [`what_was_told_to_be_kept_outlives_a_kill`] kills; nothing where that has not started it.
#[tokio::test]
async fn saves_until_it_is_killed() {
    let Some(path) = std::env::var_os("RELAIS_TEST_BUFFER") else { return };
    // Of each process another, as the number of a process differs.
    let rng = Arc::new(memory::Rng::seeded(u64::from(std::process::id())));
    let options = Options { path: path.into(), rng, ..House::new().options() };
    let buffer = Buffer::open(&options).unwrap().buffer;
    let save_many = async |task: usize| {
        for number in 0.. {
            let lane = format!("from.ada.lane{}", task % 4).parse().unwrap();
            let text = format!("{task} {number}");
            let kept = buffer.save(Draft { subject: lane, ..draft(&text) }, Timestamp::UNIX_EPOCH).await.unwrap();
            println!("kept {kept} {text}");
            if number % 5 == 4 {
                let lane = format!("from.ada.lane{}", task % 4).parse().unwrap();
                for entry in buffer.take(&lane, Batch { entries: 3, ..Batch::default() }).await.unwrap() {
                    println!("sent {} {:?}", entry.identity, entry.after);
                    buffer.note(vec![(entry.identity, Standing::Stored)]).await.unwrap();
                }
            }
        }
    };
    join_all((0..16).map(save_many)).await;
}

#[tokio::test]
async fn what_was_told_to_be_kept_outlives_a_kill() {
    use std::{io::BufRead as _, process::Stdio};

    let house = House::new();
    let (mut kept, mut sent) = (std::collections::BTreeMap::new(), std::collections::BTreeMap::new());
    for lines in [1, 200, 1_000, 50] {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "sqlite_buffer::tests::saves_until_it_is_killed", "--nocapture"])
            .env("RELAIS_TEST_BUFFER", house.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let told = std::io::BufReader::new(child.stdout.take().unwrap()).lines();
        let mut left = lines;
        for line in told {
            let line = line.unwrap();
            match line.split_once(' ').filter(|(word, _)| ["kept", "sent"].contains(word)) {
                Some(("kept", rest)) => {
                    let (id, text) = rest.split_once(' ').unwrap();
                    assert_eq!(kept.insert(id.to_owned(), text.to_owned()), None, "no name is given twice");
                    left -= 1;
                }
                Some((_, rest)) => {
                    let (id, after) = rest.split_once(' ').unwrap();
                    let before = sent.insert(id.to_owned(), after.to_owned());
                    assert!(before.is_none_or(|before| before == after), "a link does not change: {line}");
                }
                None => {}
            }
            if left == 0 {
                // What it says from here on is not read.
                child.kill().unwrap();
                break;
            }
        }
        child.wait().unwrap();
        let buffer = house.opened();
        for (id, text) in &kept {
            let entry = buffer.find(id.parse().unwrap()).await.unwrap().expect("what was told to be kept is there");
            let waits = entry.standing.is_waiting();
            assert_eq!(entry.draft.payload, if waits { text.as_bytes() } else { b"" });
        }
        for (id, after) in &sent {
            let entry = buffer.find(id.parse().unwrap()).await.unwrap().unwrap();
            assert!(entry.standing != Standing::Queued && format!("{:?}", entry.after) == *after, "it was on disk");
        }
        let verified = buffer.verify().await.unwrap();
        assert!(verified.wrong.is_empty(), "{verified:?}");
    }
    assert!(kept.len() >= 1_251 && sent.len() > 100, "{} {}", kept.len(), sent.len());
}
