//! Secrets in SQL.

use async_trait::async_trait;
use relais_domain::ports::StoreError;
use sea_orm::{ActiveValue::Set, DatabaseConnection, EntityTrait};

use super::{failed, secret, unreadable};

/// The table `secrets`.
#[derive(Clone)]
pub struct Secrets {
    pub(super) connection: DatabaseConnection,
}

impl Secrets {
    async fn get(&self, name: &str) -> Result<Option<[u8; 32]>, StoreError> {
        let found = secret::Entity::find_by_id(name).one(&self.connection).await.map_err(failed)?;
        found.map(|row| row.value.try_into().map_err(|_| unreadable("value"))).transpose()
    }
}

#[async_trait]
impl relais_domain::ports::Secrets for Secrets {
    async fn get_or_keep(&self, name: &str, fresh: [u8; 32]) -> Result<[u8; 32], StoreError> {
        if let Some(kept) = self.get(name).await? {
            return Ok(kept);
        }
        let row = secret::ActiveModel { name: Set(name.to_owned()), value: Set(fresh.to_vec()) };
        match secret::Entity::insert(row).exec_without_returning(&self.connection).await.map_err(failed) {
            Ok(_) => Ok(fresh),
            // Another was quicker.
            Err(StoreError::Taken) => self.get(name).await?.ok_or_else(|| unreadable("name")),
            Err(error) => Err(error),
        }
    }
}
