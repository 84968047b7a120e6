//! Devices in SQL.

use async_trait::async_trait;
use jiff::Timestamp;
use relais_domain::{
    credentials::{PublicKey, UserJwt},
    identity::{DeviceId, UserId},
    ports::{Device, Renewal, SessionId, StoreError, TokenHash},
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, DatabaseConnection, DatabaseTransaction, EntityTrait, ExprTrait, PaginatorTrait,
    QueryFilter, QueryOrder, QuerySelect, TransactionTrait, sea_query::Expr,
};

use super::{
    again::{again, change},
    device, failed, millis, removed_key, rows, sessions, unreadable, user,
};

/// The table `devices`.
#[derive(Clone)]
pub struct Devices {
    pub(super) connection: DatabaseConnection,
}

impl TryFrom<device::Model> for Device {
    type Error = StoreError;

    fn try_from(row: device::Model) -> Result<Self, StoreError> {
        Ok(Self {
            session: sessions::read(&row)?,
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
        let session = sessions::write(device.session.as_ref());
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
            ..session
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
        .filter(sessions::ended(device.created_at))
        .exec(transaction)
        .await
        .map_err(failed)?;
    let count = device::Entity::find().filter(of_user.clone()).count(transaction).await.map_err(failed)?;
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    if count >= limit {
        let left_behind = device::Entity::find().filter(of_user).filter(sessions::left_behind(device.created_at));
        let oldest = left_behind.order_by_asc(device::Column::SeenAt).one(transaction).await.map_err(failed)?;
        let gives_way = oldest.filter(|_| count == limit).ok_or(StoreError::Full(count))?;
        device::Entity::delete_by_id(gives_way.id).exec(transaction).await.map_err(failed)?;
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

impl Devices {
    async fn insert_once(&self, device: Device, limit: usize) -> Result<(), StoreError> {
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

    async fn remove_once(&self, user: &UserId, device: &DeviceId) -> Result<Option<Device>, StoreError> {
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

#[async_trait]
impl relais_domain::ports::Devices for Devices {
    async fn insert(&self, device: Device, limit: usize) -> Result<(), StoreError> {
        again(|| self.insert_once(device.clone(), limit)).await
    }

    async fn renew(&self, user: &UserId, key: &PublicKey, renewal: &Renewal) -> Result<Option<Device>, StoreError> {
        let own = || device::Column::UserId.eq(user.as_str()).and(device::Column::Nkey.eq(key.as_str()));
        let renewed = device::Entity::update_many()
            .set(sessions::renewed(renewal))
            .col_expr(device::Column::HeldUntil, sessions::longest(renewal.expires_at))
            .filter(own());
        change(renewed, &self.connection).await?;
        // A look, not the number of rows, tells whether there is one: MySQL counts no row that was so already.
        let row = device::Entity::find().filter(own()).one(&self.connection).await.map_err(failed)?;
        row.map(Device::try_from).transpose()
    }

    async fn of_session(&self, session: &SessionId) -> Result<Option<Device>, StoreError> {
        let own = device::Column::Session.eq(session.0.to_vec());
        let row = device::Entity::find().filter(own).one(&self.connection).await.map_err(failed)?;
        row.map(Device::try_from).transpose()
    }

    async fn rotate(
        &self,
        expected: &TokenHash,
        renewal: &Renewal,
        jwt: &UserJwt,
    ) -> Result<Option<Device>, StoreError> {
        let row = device::ActiveModel { jwt: Set(Some(jwt.as_str().to_owned())), ..sessions::renewed(renewal) };
        // The new token is another one than the old, so that a row that is changed counts as one on MySQL too.
        let rotated = device::Entity::update_many()
            .set(row)
            .col_expr(device::Column::HeldUntil, sessions::longest(renewal.expires_at))
            .filter(device::Column::Session.eq(renewal.session.id.0.to_vec()))
            .filter(device::Column::Token.eq(expected.0.to_vec()))
            .filter(device::Column::SessionEnded.eq(false));
        if change(rotated, &self.connection).await? == 0 {
            Ok(None)
        } else {
            self.of_session(&renewal.session.id).await
        }
    }

    async fn end_session(&self, session: &SessionId) -> Result<(), StoreError> {
        let ended = device::Entity::update_many()
            .col_expr(device::Column::SessionEnded, Expr::value(true))
            .filter(device::Column::Session.eq(session.0.to_vec()));
        change(ended, &self.connection).await.map(drop)
    }

    async fn to_be_removed(&self, limit: usize) -> Result<Vec<Device>, StoreError> {
        let ended = device::Entity::find().filter(device::Column::SessionEnded.eq(true)).limit(rows(limit));
        ended.all(&self.connection).await.map_err(failed)?.into_iter().map(Device::try_from).collect()
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
        let kept = device::Entity::update_many()
            .col_expr(device::Column::Jwt, Expr::value(jwt.as_str()))
            .filter(device::Column::UserId.eq(user.as_str()).and(device::Column::Nkey.eq(key.as_str())));
        change(kept, &self.connection).await.map(drop)
    }

    async fn all(&self, after: Option<DeviceId>, limit: usize) -> Result<Vec<Device>, StoreError> {
        let mut found = device::Entity::find().order_by_asc(device::Column::Id).limit(rows(limit));
        if let Some(after) = after {
            found = found.filter(device::Column::Id.gt(after.as_str()));
        }
        found.all(&self.connection).await.map_err(failed)?.into_iter().map(Device::try_from).collect()
    }

    async fn forget_ended(&self, now: Timestamp) -> Result<usize, StoreError> {
        let ended = || device::Entity::delete_many().filter(sessions::ended(now));
        let deleted = again(|| async { ended().exec(&self.connection).await.map_err(failed) }).await?;
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
            .limit(rows(limit))
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
        again(|| self.remove_once(user, device)).await
    }
}
