//! Limits in SQL, shared by all instances at one database.
//!
//! A bucket is looked at first, and written only if it seems to have a place: who is refused costs a read, and reads wait for
//! nobody. The write is one statement that holds only while there is a place, so of two who take the last one, one finds it
//! gone, and looks again.

use async_trait::async_trait;
use jiff::Timestamp;
use relais_domain::ports::{Decision, LimitKey, Rate, StoreError, Taken};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, DatabaseConnection, EntityTrait, ExprTrait, QueryFilter, QuerySelect,
    sea_query::Expr,
};

use super::{failed, limit};

/// How often a bucket is looked at that changes between look and write: it was made, emptied or forgotten meanwhile.
const LOOKS: usize = 8;

/// How many full buckets one statement forgets: of millions, nobody who writes beside it waits for all.
const AT_ONCE: u64 = 500;

/// The table `limits`.
#[derive(Clone)]
pub struct Limits {
    pub(super) connection: DatabaseConnection,
}

impl Limits {
    async fn full_at(&self, key: &LimitKey) -> Result<Option<i64>, StoreError> {
        let row = limit::Entity::find_by_id(key.as_str()).one(&self.connection).await.map_err(failed)?;
        Ok(row.map(|row| row.full_at))
    }

    /// Makes a bucket that has not been there; whether it still was not.
    async fn insert(&self, key: &LimitKey, full_at: i64) -> Result<bool, StoreError> {
        let row = limit::ActiveModel { key: Set(key.as_str().to_owned()), full_at: Set(full_at) };
        match limit::Entity::insert(row).exec_without_returning(&self.connection).await.map_err(failed) {
            Ok(_) => Ok(true),
            // Another was quicker.
            Err(StoreError::Taken) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Writes `full_at` if `holds` of the row; whether it did.
    async fn update(&self, key: &LimitKey, full_at: Expr, holds: Expr) -> Result<bool, StoreError> {
        let written = limit::Entity::update_many()
            .col_expr(limit::Column::FullAt, full_at)
            .filter(limit::Column::Key.eq(key.as_str()).and(holds))
            .exec(&self.connection)
            .await
            .map_err(failed)?;
        // Every write changes the row, so MySQL counts it too.
        Ok(written.rows_affected == 1)
    }

    /// Takes a place if there is one, whoever has taken others meanwhile.
    async fn step(&self, key: &LimitKey, rate: Rate, now: i64) -> Result<bool, StoreError> {
        let full_at = || Expr::col(limit::Column::FullAt);
        let latest = now.saturating_add(rate.whole());
        let from: Expr = Expr::case(full_at().gt(now), full_at()).finally(Expr::value(now)).into();
        let next = from.add(rate.step());
        self.update(key, next, full_at().lte(latest.saturating_sub(rate.step()))).await
    }
}

#[async_trait]
impl relais_domain::ports::Limits for Limits {
    async fn take(&self, key: &LimitKey, rate: Rate, now: Timestamp) -> Result<Taken, StoreError> {
        if rate.is_off() {
            return Ok(Taken::Yes);
        }
        let now = now.as_microsecond();
        for _ in 0..LOOKS {
            let old = self.full_at(key).await?;
            match (rate.take(old.unwrap_or(now), now), old) {
                (Decision::Full(new), None) => {
                    if self.insert(key, new).await? {
                        return Ok(Taken::Yes);
                    }
                }
                (Decision::Full(_), Some(_)) => {
                    if self.step(key, rate, now).await? {
                        return Ok(Taken::Yes);
                    }
                }
                (Decision::Wait(time, Some(corrected)), Some(old)) => {
                    if self.update(key, Expr::value(corrected), limit::Column::FullAt.eq(old)).await? {
                        return Ok(Taken::Later(time));
                    }
                }
                (Decision::Wait(time, _), _) => return Ok(Taken::Later(time)),
            }
        }
        // Others are quicker each time, which is what a full bucket means, too.
        Ok(Taken::Later(rate.per))
    }

    async fn give_back(&self, key: &LimitKey, rate: Rate, now: Timestamp) -> Result<(), StoreError> {
        if rate.is_off() {
            return Ok(());
        }
        let less = Expr::col(limit::Column::FullAt).sub(rate.step());
        self.update(key, less, limit::Column::FullAt.gt(now.as_microsecond())).await?;
        Ok(())
    }

    async fn prune(&self, now: Timestamp) -> Result<usize, StoreError> {
        let full = limit::Column::FullAt.lte(now.as_microsecond());
        let mut forgotten: usize = 0;
        loop {
            let some = limit::Entity::find().filter(full.clone()).limit(AT_ONCE).all(&self.connection).await;
            let keys: Vec<String> = some.map_err(failed)?.into_iter().map(|row| row.key).collect();
            let last = (keys.len() as u64) < AT_ONCE;
            // Somebody may have taken a place meanwhile.
            let gone = limit::Entity::delete_many().filter(limit::Column::Key.is_in(keys).and(full.clone()));
            let gone = gone.exec(&self.connection).await.map_err(failed)?.rows_affected;
            forgotten = forgotten.saturating_add(usize::try_from(gone).unwrap_or(usize::MAX));
            if last {
                return Ok(forgotten);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use relais_domain::testing;

    use crate::sql::Database;

    #[tokio::test(flavor = "multi_thread")]
    async fn limits_keep_the_contract_from_two_processes() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/relais.db", folder.path().display());
        let one = Database::open(&url).await.unwrap();
        one.migrate().await.unwrap();
        let other = Database::open(&url).await.unwrap();
        testing::limits::suite(&one.limits()).await;
        testing::limits::race(&one.limits(), &other.limits()).await;
    }

    #[tokio::test]
    async fn many_are_forgotten_in_parts() {
        use relais_domain::ports::{LimitKey, Limits as _, Taken};
        let database = Database::open("sqlite::memory:").await.unwrap();
        database.migrate().await.unwrap();
        let (limits, rate, now) = (database.limits(), "1 per 1m".parse().unwrap(), jiff::Timestamp::UNIX_EPOCH);
        let parts = usize::try_from(2 * super::AT_ONCE + 1).unwrap();
        for who in 0..parts {
            assert_eq!(limits.take(&LimitKey::new("x", &who.to_string()), rate, now).await.unwrap(), Taken::Yes);
        }
        let later = now + jiff::SignedDuration::from_secs(60);
        assert_eq!(limits.take(&LimitKey::total("x"), rate, later).await.unwrap(), Taken::Yes);
        assert_eq!(limits.prune(later).await.unwrap(), parts);
        assert_eq!(limits.prune(later).await.unwrap(), 0);
        assert!(matches!(limits.take(&LimitKey::total("x"), rate, later).await.unwrap(), Taken::Later(_)));
    }

    #[tokio::test]
    async fn a_lost_database_lets_nobody_through() {
        use relais_domain::ports::{LimitKey, Limits as _, StoreError};
        let database = Database::open("sqlite::memory:").await.unwrap();
        database.migrate().await.unwrap();
        let (limits, key) = (database.limits(), LimitKey::total("x"));
        database.close().await.unwrap();
        let taken = limits.take(&key, "1 per 1m".parse().unwrap(), jiff::Timestamp::UNIX_EPOCH).await;
        assert!(matches!(taken, Err(StoreError::Unavailable(_))), "{taken:?}");
    }
}
