//! Users in SQL.

use async_trait::async_trait;
use relais_domain::{
    auth::{Email, PasswordHash},
    identity::UserId,
    ports::{StoreError, User},
};
use sea_orm::{ActiveValue::Set, ColumnTrait, DatabaseConnection, EntityTrait, QueryFilter};

use super::{failed, millis, unreadable, user};

/// The table `users`.
#[derive(Clone)]
pub struct Users {
    pub(super) connection: DatabaseConnection,
}

impl TryFrom<user::Model> for User {
    type Error = StoreError;

    fn try_from(row: user::Model) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.id.parse().map_err(|_| unreadable("id"))?,
            email: row.email.parse().map_err(|_| unreadable("email"))?,
            password: PasswordHash::from_text(row.password),
            created_at: millis::read("created_at", row.created_at)?,
        })
    }
}

#[async_trait]
impl relais_domain::ports::Users for Users {
    async fn insert(&self, user: User) -> Result<(), StoreError> {
        let row = user::ActiveModel {
            id: Set(user.id.into()),
            email: Set(user.email.as_str().to_owned()),
            password: Set(user.password.expose().to_owned()),
            created_at: Set(user.created_at.as_millisecond()),
        };
        user::Entity::insert(row).exec_without_returning(&self.connection).await.map_err(failed)?;
        Ok(())
    }

    async fn by_email(&self, email: &Email) -> Result<Option<User>, StoreError> {
        let found = user::Entity::find().filter(user::Column::Email.eq(email.as_str()));
        found.one(&self.connection).await.map_err(failed)?.map(User::try_from).transpose()
    }

    async fn by_id(&self, id: &UserId) -> Result<Option<User>, StoreError> {
        let found = user::Entity::find_by_id(id.as_str());
        found.one(&self.connection).await.map_err(failed)?.map(User::try_from).transpose()
    }
}
