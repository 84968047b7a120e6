//! Accounts on their way to the brokers: pushed, confirmed by each, read back and compared; looked at again now and then.
//!
//! - One push at a time, of all processes that share the store: whoever pushes has the engine's turn, and reads the newest
//!   version in it, so that an older one never overtakes a newer one on the way.
//! - At most [`PUSHES_A_SECOND`](crate::live::PUSHES_A_SECOND) of a process. Who waits for its turn while another's
//!   push takes its change along takes that one's outcome: a thousand revocations at once are a few pushes.

use std::{
    collections::HashMap,
    sync::{Arc, atomic::Ordering},
};

use super::{Nsc, stored};
use crate::{
    credentials::{Account, Change, Operator, setup::EntityName},
    live::{Alarm, Compared, Pace, Report, Standing, Watch, at_half, standing},
    ports::{Cause, EngineError, Held, IssueError, Resolver, ResolverError},
};

/// What is held by the one who pushes.
#[derive(Default)]
pub(super) struct Pushing {
    pub(super) resolver: Option<Arc<dyn Resolver>>,
    pace: Pace,
    watch: Watch,
    last: HashMap<EntityName, Attempt>,
}

/// How the last push of an account ended.
struct Attempt {
    /// Which one, of all that have ended.
    number: u64,
    /// The `iat` it carried.
    version: i64,
    outcome: Result<(), Arc<NotConfirmed>>,
}

/// Why a push does not count.
#[derive(Debug, thiserror::Error)]
enum NotConfirmed {
    #[error("the push failed")]
    Failed(#[from] ResolverError),
    #[error("{missing} of {brokers} brokers did not answer; one that is away catches up when it is back")]
    Missing { missing: usize, brokers: usize },
    #[error("it was not this process's turn to push")]
    Turn(#[source] Cause),
    #[error("a broker ({broker}) has another version than was pushed")]
    Differs { broker: String },
}

impl Nsc {
    /// Compares every account that the brokers have with ours, and pushes ours where they have another one, or none. Where
    /// theirs is newer, as after a backup of the store was brought back, its revocations are taken over first: none is ever
    /// forgotten. What nobody but an attacker or a slip would do is an alarm: an error in the log, and counted. A repeat
    /// does no harm; call it when a broker comes back, and every minute ([`crate::live::keep`]).
    ///
    /// That some brokers do not answer is logged and counted, and no error: the others are served.
    ///
    /// # Errors
    /// [`IssueError::NotPushed`] when there is no resolver or nobody answers, [`IssueError::Store`]. All accounts have been
    /// tried.
    pub async fn reconcile(&self) -> Result<(), IssueError> {
        self.round(false).await
    }

    /// As [`Nsc::reconcile`], and pushes those that the brokers have already as well; how they stand then.
    ///
    /// # Errors
    /// As [`Nsc::reconcile`].
    pub async fn push_all(&self) -> Result<Vec<Report>, IssueError> {
        self.round(true).await?;
        self.compare().await
    }

    /// How every account that the brokers have stands to ours. Changes nothing.
    ///
    /// # Errors
    /// As [`Nsc::reconcile`].
    pub async fn compare(&self) -> Result<Vec<Report>, IssueError> {
        let resolver = attached(self.pushing.lock().await.resolver.as_ref())?;
        let mut reports = Vec::new();
        for name in self.names().await? {
            let (_, mut report) = self.look(&*resolver, &name).await?;
            report.found.sort_by(|a, b| a.broker.cmp(&b.broker));
            reports.push(report);
        }
        Ok(reports)
    }

    /// The accounts' names, the system account first: who looks at brokers does so through it.
    async fn names(&self) -> Result<Vec<EntityName>, IssueError> {
        let operator = self.engine.operator().await.map_err(stored)?;
        let mut accounts = self.engine.accounts().await.map_err(stored)?;
        accounts.sort_by_key(|held| operator.claims.body.system_account.as_ref() != Some(&held.claims.subject));
        accounts.iter().map(|held| held.claims.name.parse().map_err(|error| stored(EngineError::Name(error)))).collect()
    }

    async fn round(&self, all: bool) -> Result<(), IssueError> {
        let mut pushing = self.pushing.lock().await;
        let resolver = attached(pushing.resolver.as_ref())?;
        let (mut outcome, mut complete) = (Ok(()), true);
        for name in self.names().await? {
            match self.reconcile_one(&mut pushing, &*resolver, &name, all).await {
                Ok(everybody) => complete &= everybody,
                // The others are tried all the same.
                Err(error) => outcome = outcome.and(Err(error)),
            }
        }
        if outcome.is_err() || !complete {
            self.counters.unchecked();
        }
        outcome
    }

    /// Whether every broker has answered.
    async fn reconcile_one(
        &self,
        pushing: &mut Pushing,
        resolver: &dyn Resolver,
        name: &EntityName,
        all: bool,
    ) -> Result<bool, IssueError> {
        let (ours, report) = self.look(resolver, name).await?;
        for found in &report.found {
            if let Some(alarm) = pushing.watch.judge(&report.account, found) {
                self.counters.alarmed(alarm);
                tell(alarm, &report, found);
            }
            if let (Standing::Newer, Some(theirs)) = (found.standing, found.claims.clone()) {
                let take = Change::TakeOver { revocations: theirs.body.revocations, issued_at: theirs.issued_at };
                self.engine.change(name, &take).await.map_err(stored)?;
            }
        }
        if report.missing() > 0 {
            let Report { name, brokers, .. } = &report;
            tracing::warn!(account = %name, missing = report.missing(), brokers, "not every broker says which account it has");
        }
        let alike = report.found.iter().all(|found| found.standing == Standing::Same);
        if alike && !all {
            self.weigh(ours.jwt.as_str().len(), resolver.largest()).await;
            return Ok(report.missing() == 0);
        }
        match self.push(pushing, name).await {
            Ok(()) => Ok(report.missing() == 0),
            Err(PushError::Store(error)) => Err(error),
            Err(PushError::NotConfirmed(why)) if matches!(*why, NotConfirmed::Missing { .. }) => Ok(false),
            Err(PushError::NotConfirmed(why)) => Err(IssueError::NotPushed(Cause::from(why))),
        }
    }

    /// What the brokers have, beside what the store has: read before the brokers are asked, and again when they have a newer
    /// one, which another process may just have stored.
    async fn look(
        &self,
        resolver: &dyn Resolver,
        name: &EntityName,
    ) -> Result<(Arc<Held<Account>>, Report), IssueError> {
        let operator = self.engine.operator().await.map_err(stored)?;
        let mut ours = self.engine.account(name).await.map_err(stored)?;
        let heard = resolver.lookup(&ours.claims.subject).await;
        let heard = heard.map_err(|error| IssueError::NotPushed(Cause::from(error)))?;
        let compared = |ours: &Held<Account>| -> Vec<Compared> {
            let own = (&ours.claims, &ours.jwt);
            let one = |served| standing(served, own, &operator.claims, self.pairs.as_ref());
            heard.answers.iter().map(one).collect()
        };
        let mut found = compared(&ours);
        if found.iter().any(|found| found.standing == Standing::Newer) {
            ours = self.engine.account(name).await.map_err(stored)?;
            found = compared(&ours);
        }
        let claims = &ours.claims;
        let report = Report {
            name: claims.name.clone(),
            account: claims.subject.clone(),
            issued_at: claims.issued_at,
            brokers: heard.brokers,
            found,
        };
        Ok((ours, report))
    }

    /// Returns when a push has ended that carried `version` or a later one. One that has ended meanwhile will do: a push that
    /// was not among the first `ended`.
    pub(super) async fn push_version(&self, name: &EntityName, version: i64, ended: u64) -> Result<(), IssueError> {
        let mut pushing = self.pushing.lock().await;
        attached(pushing.resolver.as_ref())?;
        let outcome = match pushing.last.get(name) {
            Some(last) if last.number > ended && last.version >= version => {
                last.outcome.clone().map_err(PushError::NotConfirmed)
            }
            _ => self.push(&mut pushing, name).await,
        };
        outcome.map_err(|error| match error {
            PushError::Store(error) => error,
            PushError::NotConfirmed(why) => IssueError::NotPushed(Cause::from(why)),
        })
    }

    /// Pushes the newest version of an account when it may, and makes sure that every broker has it.
    async fn push(&self, pushing: &mut Pushing, name: &EntityName) -> Result<(), PushError> {
        let resolver = attached(pushing.resolver.as_ref()).map_err(PushError::Store)?;
        let clock = &self.clock;
        loop {
            let wait = pushing.pace.wait(clock.elapsed());
            if wait.is_zero() {
                break;
            }
            clock.sleep(wait).await;
        }
        pushing.pace.begin(clock.elapsed());
        let turn = self.engine.push_turn().await.map_err(|error| {
            // The change itself is stored.
            PushError::NotConfirmed(Arc::new(NotConfirmed::Turn(Cause::from(error))))
        })?;
        let ours = self.engine.account(name).await.map_err(|error| PushError::Store(stored(error)))?;
        let operator = self.engine.operator().await.map_err(|error| PushError::Store(stored(error)))?;
        self.weigh(ours.jwt.as_str().len(), resolver.largest()).await;
        let outcome = self.push_and_look(&*resolver, &operator, &ours, &mut pushing.watch).await.map_err(Arc::new);
        drop(turn);
        self.counters.pushed(outcome.is_ok());
        let number = self.ended.fetch_add(1, Ordering::SeqCst) + 1;
        let version = ours.claims.issued_at;
        pushing.last.insert(name.clone(), Attempt { number, version, outcome: outcome.clone() });
        outcome.map_err(PushError::NotConfirmed)
    }

    async fn push_and_look(
        &self,
        resolver: &dyn Resolver,
        operator: &Held<Operator>,
        ours: &Held<Account>,
        watch: &mut Watch,
    ) -> Result<(), NotConfirmed> {
        let confirmed = resolver.push(&ours.jwt).await?;
        let all = |missing, brokers| if missing > 0 { Err(NotConfirmed::Missing { missing, brokers }) } else { Ok(()) };
        let back = resolver.lookup(&ours.claims.subject).await?;
        for served in &back.answers {
            let found = standing(served, (&ours.claims, &ours.jwt), &operator.claims, self.pairs.as_ref());
            watch.judge(&ours.claims.subject, &found);
            if found.standing != Standing::Same {
                let broker = found.broker.map_or_else(|| "one of several".to_owned(), |broker| broker.name);
                return Err(NotConfirmed::Differs { broker });
            }
        }
        all(confirmed.missing(), confirmed.brokers)?;
        all(back.missing(), back.brokers)
    }

    /// Tells of an account that is growing towards what no broker takes any more.
    async fn weigh(&self, size: usize, largest: usize) {
        let accounts = self.engine.accounts().await.unwrap_or_default();
        let sizes = accounts.iter().map(|held| held.jwt.as_str().len());
        self.counters.sizes(sizes.max().unwrap_or(size), largest);
        if at_half(size, largest) {
            self.counters.half_full();
            tracing::error!(
                bytes = size,
                max_payload = largest,
                "an account JWT, which holds everybody who was revoked, has reached half of what the brokers take; raise \
                 max_payload in their configuration, for beyond it nobody can be revoked any more"
            );
        }
    }
}

enum PushError {
    Store(IssueError),
    NotConfirmed(Arc<NotConfirmed>),
}

fn attached(resolver: Option<&Arc<dyn Resolver>>) -> Result<Arc<dyn Resolver>, IssueError> {
    resolver.cloned().ok_or_else(|| IssueError::NotPushed("no broker is attached yet".into()))
}

/// An alarm, in words.
fn tell(alarm: Alarm, report: &Report, found: &Compared) {
    let what = match alarm {
        Alarm::PutBack => {
            "a broker has an older version of an account than it had: somebody has put it back, and let those in who have \
             been revoked since; ours is pushed over it. Find out who may publish in the system account"
        }
        Alarm::Unknown => {
            "a broker has a version of an account that the store does not know, as after a backup was brought back: its \
             revocations are taken over, the rest is replaced. If no backup was, somebody else signs with the store's keys"
        }
        Alarm::Foreign => {
            "a broker has an account under our key that our operator did not sign; ours is pushed over it. Find out who may \
             publish in the system account"
        }
    };
    let broker = found.broker.as_ref().map_or("one of several", |broker| &broker.name);
    let theirs = found.claims.as_ref().map(|claims| claims.issued_at);
    tracing::error!(account = %report.name, broker, ours = report.issued_at, theirs, "{what}");
}
