//! Devices in SQL.

use async_trait::async_trait;
use jiff::Timestamp;
use relais_domain::{
    credentials::{PublicKey, UserJwt},
    identity::{DeviceId, UserId},
    ports::{Device, StoreError},
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, DatabaseConnection, DatabaseTransaction, EntityTrait, ExprTrait, PaginatorTrait,
    QueryFilter, QueryOrder, QuerySelect, TransactionTrait, sea_query::Expr,
};

use super::{device, failed, millis, removed_key, unreadable, user};

/// The table `devices`.
#[derive(Clone)]
pub struct Devices {
    pub(super) connection: DatabaseConnection,
}

impl TryFrom<device::Model> for Device {
    type Error = StoreError;

    fn try_from(row: device::Model) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.id.parse().map_err(|_| unreadable("id"))?,
            user: row.user_id.parse().map_err(|_| unreadable("user_id"))?,
            name: row.name,
            key: row.nkey.parse().map_err(|_| unreadable("nkey"))?,
            created_at: millis::read("created_at", row.created_at)?,
            seen_at: millis::read("seen_at", row.seen_at)?,
            expires_at: row.expires_at.map(|end| millis::read("expires_at", end)).transpose()?,
            jwt: row.jwt.map(UserJwt::from_text),
        })
    }
}

impl From<Device> for device::ActiveModel {
    fn from(device: Device) -> Self {
        Self {
            id: Set(device.id.into()),
            user_id: Set(device.user.into()),
            name: Set(device.name),
            nkey: Set(device.key.into()),
            created_at: Set(device.created_at.as_millisecond()),
            seen_at: Set(device.seen_at.as_millisecond()),
            expires_at: Set(device.expires_at.map(Timestamp::as_millisecond)),
            jwt: Set(device.jwt.map(|jwt| jwt.as_str().to_owned())),
            held_until: Set(device.expires_at.map(Timestamp::as_millisecond)),
        }
    }
}

/// Makes the rest of the transaction wait for every other one about the same user's devices, until it has ended. A
/// write that changes nothing does so on every database, and in SQLite it takes the right to write before anything is
/// read, so that what is read is still true when it is acted on.
async fn alone_with(user: &UserId, transaction: &DatabaseTransaction) -> Result<(), StoreError> {
    user::Entity::update_many()
        .col_expr(user::Column::CreatedAt, Expr::col(user::Column::CreatedAt))
        .filter(user::Column::Id.eq(user.as_str()))
        .exec(transaction)
        .await
        .map_err(failed)?;
    Ok(())
}

async fn insert(device: Device, limit: usize, transaction: &DatabaseTransaction) -> Result<(), StoreError> {
    alone_with(&device.user, transaction).await?;
    let of_user = device::Column::UserId.eq(device.user.as_str());
    device::Entity::delete_many()
        .filter(of_user.clone())
        .filter(device::Column::ExpiresAt.lte(device.created_at.as_millisecond()))
        .exec(transaction)
        .await
        .map_err(failed)?;
    let count = device::Entity::find().filter(of_user).count(transaction).await.map_err(failed)?;
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    if count >= limit {
        return Err(StoreError::Full(count));
    }
    let row = device::ActiveModel::from(device);
    device::Entity::insert(row).exec_without_returning(transaction).await.map_err(failed)?;
    Ok(())
}

/// Of two who remove it at once, one does.
async fn remove(
    user: &UserId,
    device: &DeviceId,
    transaction: &DatabaseTransaction,
) -> Result<Option<Device>, StoreError> {
    alone_with(user, transaction).await?;
    let own = || device::Column::UserId.eq(user.as_str()).and(device::Column::Id.eq(device.as_str()));
    let Some(found) = device::Entity::find().filter(own()).one(transaction).await.map_err(failed)? else {
        return Ok(None);
    };
    device::Entity::delete_many().filter(own()).exec(transaction).await.map_err(failed)?;
    let row = removed_key::ActiveModel {
        nkey: Set(found.nkey.clone()),
        held_until: Set(found.held_until),
        pruned: Set(false),
    };
    removed_key::Entity::insert(row).exec_without_returning(transaction).await.map_err(failed)?;
    Device::try_from(found).map(Some)
}

#[async_trait]
impl relais_domain::ports::Devices for Devices {
    async fn insert(&self, device: Device, limit: usize) -> Result<(), StoreError> {
        let transaction = self.connection.begin().await.map_err(failed)?;
        match insert(device, limit, &transaction).await {
            Ok(()) => transaction.commit().await.map_err(failed),
            Err(error) => {
                // Why it was refused is what the caller wants to know; a connection that cannot even roll back is
                // thrown away by the pool.
                let _ = transaction.rollback().await;
                Err(error)
            }
        }
    }

    async fn renew(
        &self,
        user: &UserId,
        key: &PublicKey,
        seen_at: Timestamp,
        expires_at: Option<Timestamp>,
    ) -> Result<Option<Device>, StoreError> {
        let own = || device::Column::UserId.eq(user.as_str()).and(device::Column::Nkey.eq(key.as_str()));
        let until = expires_at.map(Timestamp::as_millisecond);
        // What holds longest counts; null, which is never, stays null.
        let held = Expr::col(device::Column::HeldUntil);
        let longest = match until {
            None => Expr::value(None::<i64>),
            Some(until) => Expr::case(held.clone().lt(until), Expr::value(until)).finally(held).into(),
        };
        device::Entity::update_many()
            .col_expr(device::Column::SeenAt, Expr::value(seen_at.as_millisecond()))
            .col_expr(device::Column::ExpiresAt, Expr::value(until))
            .col_expr(device::Column::HeldUntil, longest)
            .filter(own())
            .exec(&self.connection)
            .await
            .map_err(failed)?;
        // A look, not the number of rows, tells whether there is one: MySQL counts no row that was so already.
        let row = device::Entity::find().filter(own()).one(&self.connection).await.map_err(failed)?;
        row.map(Device::try_from).transpose()
    }

    async fn of_user(&self, user: &UserId) -> Result<Vec<Device>, StoreError> {
        let rows = device::Entity::find()
            .filter(device::Column::UserId.eq(user.as_str()))
            .order_by_asc(device::Column::CreatedAt)
            .order_by_asc(device::Column::Id)
            .all(&self.connection)
            .await
            .map_err(failed)?;
        rows.into_iter().map(Device::try_from).collect()
    }

    async fn keep_jwt(&self, user: &UserId, key: &PublicKey, jwt: &UserJwt) -> Result<(), StoreError> {
        device::Entity::update_many()
            .col_expr(device::Column::Jwt, Expr::value(jwt.as_str()))
            .filter(device::Column::UserId.eq(user.as_str()).and(device::Column::Nkey.eq(key.as_str())))
            .exec(&self.connection)
            .await
            .map_err(failed)?;
        Ok(())
    }

    async fn all(&self, after: Option<DeviceId>, limit: usize) -> Result<Vec<Device>, StoreError> {
        let mut found = device::Entity::find().order_by_asc(device::Column::Id).limit(limit as u64);
        if let Some(after) = after {
            found = found.filter(device::Column::Id.gt(after.as_str()));
        }
        found.all(&self.connection).await.map_err(failed)?.into_iter().map(Device::try_from).collect()
    }

    async fn forget_ended(&self, now: Timestamp) -> Result<usize, StoreError> {
        let ended = device::Entity::delete_many().filter(device::Column::ExpiresAt.lte(now.as_millisecond()));
        let deleted = ended.exec(&self.connection).await.map_err(failed)?;
        Ok(usize::try_from(deleted.rows_affected).unwrap_or(usize::MAX))
    }

    async fn was_removed(&self, key: &PublicKey) -> Result<bool, StoreError> {
        let found = removed_key::Entity::find_by_id(key.as_str()).one(&self.connection).await.map_err(failed)?;
        Ok(found.is_some())
    }

    async fn prunable(&self, now: Timestamp, limit: usize) -> Result<Vec<PublicKey>, StoreError> {
        let rows = removed_key::Entity::find()
            .filter(removed_key::Column::Pruned.eq(false))
            .filter(removed_key::Column::HeldUntil.lte(now.as_millisecond()))
            .order_by_asc(removed_key::Column::Nkey)
            .limit(limit as u64)
            .all(&self.connection)
            .await
            .map_err(failed)?;
        rows.into_iter().map(|row| row.nkey.parse().map_err(|_| unreadable("nkey"))).collect()
    }

    async fn pruned(&self, keys: &[PublicKey]) -> Result<(), StoreError> {
        removed_key::Entity::update_many()
            .col_expr(removed_key::Column::Pruned, Expr::value(true))
            .filter(removed_key::Column::Nkey.is_in(keys.iter().map(PublicKey::as_str)))
            .exec(&self.connection)
            .await
            .map_err(failed)?;
        Ok(())
    }

    async fn remove(&self, user: &UserId, device: &DeviceId) -> Result<Option<Device>, StoreError> {
        let transaction = self.connection.begin().await.map_err(failed)?;
        let removed = remove(user, device, &transaction).await;
        match &removed {
            Ok(Some(_)) => transaction.commit().await.map_err(failed)?,
            // Nothing was changed, or why not is what the caller wants to know.
            _ => drop(transaction.rollback().await),
        }
        removed
    }
}
