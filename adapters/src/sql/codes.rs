//! One-time codes in SQL.

use async_trait::async_trait;
use jiff::Timestamp;
use relais_domain::{
    auth::Email,
    ports::{CodeHash, PendingCode, StoreError},
};
use sea_orm::{ActiveValue::Set, ColumnTrait, DatabaseConnection, DeleteMany, EntityTrait, QueryFilter};

use super::{again::again, code, failed};

/// The table `codes`.
#[derive(Clone)]
pub struct Codes {
    pub(super) connection: DatabaseConnection,
}

#[async_trait]
impl relais_domain::ports::Codes for Codes {
    async fn keep(&self, pending: PendingCode) -> Result<(), StoreError> {
        let row = code::ActiveModel {
            hash: Set(pending.hash.0.to_vec()),
            email: Set(pending.email.as_str().to_owned()),
            ends_at: Set(pending.ends_at.as_millisecond()),
        };
        let insert = || code::Entity::insert(row.clone()).exec_without_returning(&self.connection);
        match again(|| async { insert().await.map_err(failed) }).await {
            // It is kept already.
            Ok(_) | Err(StoreError::Taken) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn redeem(&self, email: &Email, hash: &CodeHash, now: Timestamp) -> Result<bool, StoreError> {
        let one = code::Entity::delete_many()
            .filter(code::Column::Hash.eq(hash.0.to_vec()))
            .filter(code::Column::Email.eq(email.as_str()))
            .filter(code::Column::EndsAt.gt(now.as_millisecond()));
        if self.delete(one).await? == 0 {
            return Ok(false);
        }
        self.delete(code::Entity::delete_many().filter(code::Column::Email.eq(email.as_str()))).await?;
        Ok(true)
    }

    async fn forget_ended(&self, now: Timestamp) -> Result<usize, StoreError> {
        let ended = code::Entity::delete_many().filter(code::Column::EndsAt.lte(now.as_millisecond()));
        Ok(usize::try_from(self.delete(ended).await?).unwrap_or(usize::MAX))
    }
}

impl Codes {
    /// How many rows there were.
    async fn delete(&self, rows: DeleteMany<code::Entity>) -> Result<u64, StoreError> {
        let deleted = again(|| async { rows.clone().exec(&self.connection).await.map_err(failed) });
        Ok(deleted.await?.rows_affected)
    }
}
