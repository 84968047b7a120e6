//! One-time codes in SQL.

use async_trait::async_trait;
use jiff::Timestamp;
use relais_domain::{
    auth::Email,
    ports::{CodeHash, PendingCode, StoreError},
};
use sea_orm::{ActiveValue::Set, ColumnTrait, DatabaseConnection, EntityTrait, QueryFilter};

use super::{code, failed};

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
        match code::Entity::insert(row).exec_without_returning(&self.connection).await.map_err(failed) {
            // It is kept already.
            Ok(_) | Err(StoreError::Taken) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn redeem(&self, email: &Email, hash: &CodeHash, now: Timestamp) -> Result<bool, StoreError> {
        let used = code::Entity::delete_many()
            .filter(code::Column::Hash.eq(hash.0.to_vec()))
            .filter(code::Column::Email.eq(email.as_str()))
            .filter(code::Column::EndsAt.gt(now.as_millisecond()))
            .exec(&self.connection)
            .await
            .map_err(failed)?;
        if used.rows_affected == 0 {
            return Ok(false);
        }
        let others = code::Entity::delete_many().filter(code::Column::Email.eq(email.as_str()));
        others.exec(&self.connection).await.map_err(failed)?;
        Ok(true)
    }

    async fn forget_ended(&self, now: Timestamp) -> Result<usize, StoreError> {
        let ended = code::Entity::delete_many().filter(code::Column::EndsAt.lte(now.as_millisecond()));
        let ended = ended.exec(&self.connection).await.map_err(failed)?;
        Ok(usize::try_from(ended.rows_affected).unwrap_or(usize::MAX))
    }
}
