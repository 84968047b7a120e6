//! Pushes: confirmed by every broker, coalesced, never an older one over a newer one, and looked at again.

use std::sync::{
    Mutex as StdMutex,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use futures_util::FutureExt as _;
use relais_domain::{
    live::{PUSHES_A_SECOND, Snapshot, Standing},
    ports::{Broker, Heard, ResolverError, Served},
};
use tokio::sync::{Notify, Semaphore};

use super::*;

/// A way to the brokers that is watched, and can be held up.
struct Way {
    brokers: memory::Resolver,
    clock: memory::Clock,
    pushed: StdMutex<Vec<(Duration, AccountJwt)>>,
    /// Rings when a push has come as far as the gate.
    arrived: Notify,
    gate: Semaphore,
    largest: AtomicUsize,
    /// Confirms what it is told, and forgets it.
    forgetful: AtomicBool,
    /// Who revokes something after the account was read, before the next look-up of it is answered.
    meanwhile: StdMutex<Option<(PublicKey, Arc<Nsc>, PublicKey)>>,
}

impl Way {
    async fn new(bench: &Bench, native: &Nsc, brokers: usize) -> Arc<Self> {
        Arc::new(Self {
            brokers: memory::Resolver::with_brokers(
                brokers,
                &native.trust().await.unwrap().operator,
                bench.keys.clone(),
            ),
            clock: bench.clock.clone(),
            pushed: StdMutex::default(),
            arrived: Notify::new(),
            gate: Semaphore::new(Semaphore::MAX_PERMITS),
            largest: AtomicUsize::new(1024 * 1024),
            forgetful: AtomicBool::new(false),
            meanwhile: StdMutex::default(),
        })
    }

    fn pushes(&self) -> Vec<(Duration, AccountJwt)> {
        self.pushed.lock().unwrap().clone()
    }

    /// Lets no push through until [`Way::open`].
    fn close(&self) {
        self.gate.forget_permits(Semaphore::MAX_PERMITS);
        // Those that have come as far before do not count.
        let _ = self.arrived.notified().now_or_never();
    }

    fn open(&self) {
        self.gate.add_permits(1_000_000);
    }
}

#[async_trait]
impl Resolver for Way {
    async fn push(&self, jwt: &AccountJwt) -> Result<Heard<Broker>, ResolverError> {
        self.pushed.lock().unwrap().push((self.clock.elapsed(), jwt.clone()));
        self.arrived.notify_one();
        let _through = self.gate.acquire().await.unwrap();
        if self.forgetful.load(Ordering::SeqCst) {
            return Ok(Heard { brokers: 1, answers: vec![Broker { name: "odd".to_owned(), id: "N".to_owned() }] });
        }
        self.brokers.push(jwt).await
    }

    async fn lookup(&self, account: &PublicKey) -> Result<Heard<Served>, ResolverError> {
        let other = self.meanwhile.lock().unwrap().take_if(|(own, ..)| own == account);
        if let Some((_, native, key)) = other {
            native.revoke(AccountRole::Application, &key).await.unwrap();
        }
        self.brokers.lookup(account).await
    }

    fn largest(&self) -> usize {
        self.largest.load(Ordering::SeqCst)
    }
}

fn app(bench: &Bench) -> PublicKey {
    bench.stored("App").subject
}

fn application(trust: &Trust, bench: &Bench) -> AccountJwt {
    trust.accounts.iter().find(|(key, _)| *key == app(bench)).unwrap().1.clone()
}

/// Returns when all of them are revoked in the store.
async fn all_stored(bench: &Bench, keys: &[PublicKey]) {
    let stored = || {
        let account = bench.stored("App");
        keys.iter().all(|key| account.has_revoked(key, FOR_GOOD))
    };
    while !stored() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn hundreds_of_revocations_at_once_are_two_pushes() {
    let bench = Bench::new();
    let native = Arc::new(bench.open().unwrap());
    let way = Way::new(&bench, &native, 1).await;
    native.attach(way.clone()).await.unwrap();
    let before = way.pushes().len();
    way.close();
    let revoke = |key: PublicKey| {
        let native = Arc::clone(&native);
        tokio::spawn(async move { native.revoke(AccountRole::Application, &key).await })
    };
    let first = revoke(bench.user_key());
    way.arrived.notified().await;
    let keys: Vec<_> = (0..300).map(|_| bench.user_key()).collect();
    let others: Vec<_> = keys.iter().cloned().map(revoke).collect();
    // All of them are stored, and wait for their turn.
    all_stored(&bench, &keys).await;
    way.open();
    first.await.unwrap().unwrap();
    for other in others {
        other.await.unwrap().unwrap();
    }
    assert_eq!(way.pushes().len() - before, 2, "the first, and one with all the others");
    let broker = served(&*way, &app(&bench)).await.unwrap();
    let broker = decode::<Account>(broker.as_str(), bench.keys.as_ref()).unwrap();
    assert!(keys.iter().all(|key| broker.has_revoked(key, FOR_GOOD)));
}

#[tokio::test]
async fn those_who_share_a_push_share_its_failure() {
    let bench = Bench::new();
    let native = Arc::new(bench.open().unwrap());
    let way = Way::new(&bench, &native, 1).await;
    native.attach(way.clone()).await.unwrap();
    let before = way.pushes().len();
    way.close();
    let keys: Vec<_> = (0..20).map(|_| bench.user_key()).collect();
    let revoke = |key: PublicKey| {
        let native = Arc::clone(&native);
        tokio::spawn(async move { native.revoke(AccountRole::Application, &key).await })
    };
    let running: Vec<_> = keys.iter().cloned().map(revoke).collect();
    all_stored(&bench, &keys).await;
    way.brokers.set_away(true);
    way.open();
    for one in running {
        assert!(matches!(one.await.unwrap(), Err(IssueError::NotPushed(_))));
    }
    assert!(way.pushes().len() - before <= 2, "not one after the other");
    way.brokers.set_away(false);
    native.revoke(AccountRole::Application, &keys[0]).await.unwrap();
    let broker = served(&*way, &app(&bench)).await.unwrap();
    assert_eq!(decode::<Account>(broker.as_str(), bench.keys.as_ref()).unwrap(), bench.stored("App"));
}

#[tokio::test]
async fn no_second_has_more_pushes_than_five() {
    let bench = Bench::new();
    let native = bench.open().unwrap();
    let way = Way::new(&bench, &native, 1).await;
    native.attach(way.clone()).await.unwrap();
    for _ in 0..30 {
        native.revoke(AccountRole::Application, &bench.user_key()).await.unwrap();
    }
    let times: Vec<_> = way.pushes().into_iter().map(|(at, _)| at).collect();
    assert!(times.len() >= 30);
    for window in times.windows(PUSHES_A_SECOND + 1) {
        assert!(window[PUSHES_A_SECOND] - window[0] >= Duration::from_secs(1), "{window:?}");
    }
}

#[tokio::test]
async fn a_revocation_counts_when_every_broker_has_it() {
    let bench = Bench::new();
    let native = bench.open().unwrap();
    let way = Way::new(&bench, &native, 3).await;
    native.attach(way.clone()).await.unwrap();
    way.brokers.set_broker_away(2, true);
    let key = bench.user_key();
    let told = native.revoke(AccountRole::Application, &key).await;
    assert!(matches!(told, Err(IssueError::NotPushed(_))), "{told:?}");
    assert_eq!(native.reconcile().await.map_err(|e| e.to_string()), Ok(()), "those who are there are served");
    let counted = native.counters().snapshot();
    assert_eq!((counted.unconfirmed, counted.unchecked), (1, 1), "{counted:?}");

    way.brokers.set_broker_away(2, false);
    assert!(
        !native.compare().await.unwrap().iter().all(relais_domain::live::Report::agrees),
        "the one that is back has the older one"
    );
    native.reconcile().await.unwrap();
    assert!(native.compare().await.unwrap().iter().all(relais_domain::live::Report::agrees));
    let counted = native.counters().snapshot();
    assert_eq!((counted.put_back, counted.unchecked), (0, 1), "having been away is no alarm: {counted:?}");
    native.revoke(AccountRole::Application, &key).await.unwrap();
}

#[tokio::test]
async fn an_old_account_that_was_put_back_is_overwritten_and_alarming() {
    let bench = Bench::new();
    let native = bench.open().unwrap();
    let way = Way::new(&bench, &native, 3).await;
    native.attach(way.clone()).await.unwrap();
    let old = application(&native.trust().await.unwrap(), &bench);
    native.revoke(AccountRole::Application, &bench.user_key()).await.unwrap();
    native.reconcile().await.unwrap();
    assert_eq!(native.counters().snapshot().put_back, 0);

    way.brokers.put(1, &old);
    let report = native.compare().await.unwrap().into_iter().find(|report| report.name == "App").unwrap();
    let standings: Vec<_> = report.found.iter().map(|found| found.standing).collect();
    assert_eq!(standings, [Standing::Same, Standing::Older, Standing::Same]);
    native.reconcile().await.unwrap();
    assert_eq!(native.counters().snapshot().put_back, 1);
    assert!(native.compare().await.unwrap().iter().all(relais_domain::live::Report::agrees));
    native.reconcile().await.unwrap();
    assert_eq!(native.counters().snapshot().put_back, 1, "it is mended");
}

#[tokio::test]
async fn what_another_instance_has_stored_meanwhile_is_not_unknown() {
    let bench = Bench::new();
    let (one, two) = (bench.open().unwrap(), Arc::new(bench.open().unwrap()));
    let way = Way::new(&bench, &one, 2).await;
    one.attach(way.clone()).await.unwrap();
    two.attach(Arc::new(way.brokers.clone())).await.unwrap();
    for _ in 0..3 {
        two.revoke(AccountRole::Application, &bench.user_key()).await.unwrap();
        one.reconcile().await.unwrap();
    }
    let key = bench.user_key();
    *way.meanwhile.lock().unwrap() = Some((app(&bench), Arc::clone(&two), key.clone()));
    let before = bench.stored("App").issued_at;
    let report = one.compare().await.unwrap().into_iter().find(|report| report.name == "App").unwrap();
    assert!(report.agrees() && report.issued_at > before, "{report:?}");
    one.reconcile().await.unwrap();
    let Snapshot { put_back, unknown, foreign, .. } = one.counters().snapshot();
    assert_eq!((put_back, unknown, foreign), (0, 0, 0));
    let stored = bench.stored("App");
    assert_eq!(stored.body.revocations.len(), 4, "and no needless version was made");
    let broker = served(&*way, &stored.subject).await.unwrap();
    assert_eq!(decode::<Account>(broker.as_str(), bench.keys.as_ref()).unwrap(), stored);
}

#[tokio::test]
async fn what_is_confirmed_and_not_there_does_not_count() {
    let bench = Bench::new();
    let native = bench.open().unwrap();
    let way = Way::new(&bench, &native, 1).await;
    native.attach(way.clone()).await.unwrap();
    way.forgetful.store(true, Ordering::SeqCst);
    let told = native.revoke(AccountRole::Application, &bench.user_key()).await;
    assert!(matches!(&told, Err(IssueError::NotPushed(why)) if why.to_string().contains("memory-0")), "{told:?}");
}

#[tokio::test]
async fn an_older_push_on_its_way_is_waited_for_by_the_other_process() {
    let bench = Bench::new();
    let (slow, fast) = (Arc::new(bench.open().unwrap()), Arc::new(bench.open().unwrap()));
    let (way, direct) = (Way::new(&bench, &slow, 1).await, Way::new(&bench, &slow, 1).await);
    let direct = Arc::new(Way { brokers: way.brokers.clone(), ..Arc::into_inner(direct).unwrap() });
    slow.attach(way.clone()).await.unwrap();
    fast.attach(direct.clone()).await.unwrap();
    way.close();
    let (first, second) = (bench.user_key(), bench.user_key());
    let revoke = |native: &Arc<Nsc>, key: &PublicKey| {
        let (native, key) = (Arc::clone(native), key.clone());
        tokio::spawn(async move { native.revoke(AccountRole::Application, &key).await })
    };
    let under_way = revoke(&slow, &first);
    way.arrived.notified().await;
    let before = direct.pushes().len();
    let waiting = revoke(&fast, &second);
    while !bench.stored("App").has_revoked(&second, FOR_GOOD) {
        tokio::task::yield_now().await;
    }
    for _ in 0..1_000 {
        // Time enough for a push that would not wait.
        assert!(bench.stored("App").has_revoked(&second, FOR_GOOD));
        tokio::task::yield_now().await;
        assert_eq!(direct.pushes().len(), before, "it waits for its turn");
    }
    way.open();
    under_way.await.unwrap().unwrap();
    waiting.await.unwrap().unwrap();
    let jwt = served(&*way, &app(&bench)).await.unwrap();
    let believed = decode::<Account>(jwt.as_str(), bench.keys.as_ref()).unwrap();
    assert!(believed.has_revoked(&first, FOR_GOOD) && believed.has_revoked(&second, FOR_GOOD));
}

#[tokio::test]
async fn the_size_of_the_largest_account_is_told_and_alarming_at_half() {
    let bench = Bench::new();
    let native = bench.open().unwrap();
    let way = Way::new(&bench, &native, 1).await;
    native.attach(way.clone()).await.unwrap();
    native.revoke(AccountRole::Application, &bench.user_key()).await.unwrap();
    let Snapshot { bytes, limit, half, .. } = native.counters().snapshot();
    let size = |(_, jwt): &(PublicKey, AccountJwt)| jwt.as_str().len() as u64;
    assert_eq!(bytes, native.trust().await.unwrap().accounts.iter().map(size).max().unwrap());
    assert_eq!((limit, half), (1024 * 1024, 0));
    // The other accounts are smaller.
    way.largest.store(usize::try_from(bytes).unwrap() * 2, Ordering::SeqCst);
    native.reconcile().await.unwrap();
    assert_eq!(native.counters().snapshot().half, 1, "at half it is an alarm, whenever somebody looks");
}
