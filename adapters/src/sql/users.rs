//! Users in SQL.

use async_trait::async_trait;
use relais_domain::{
    auth::{Email, PasswordHash},
    identity::{RoleName, UserId},
    ports::{StoreError, User},
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, DatabaseConnection, DatabaseTransaction, EntityTrait, ExprTrait, PaginatorTrait,
    QueryFilter, QueryOrder, QuerySelect, TransactionTrait, sea_query::Expr,
};

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
            role: row.role.parse().map_err(|_| unreadable("role"))?,
            admin: row.admin,
        })
    }
}

/// Who takes the right away from one of the last two waits for the other: admins are written to before they are counted.
async fn set_admin(id: &UserId, admin: bool, transaction: &DatabaseTransaction) -> Result<(), StoreError> {
    let admins = || user::Entity::find().filter(user::Column::Admin.eq(true));
    user::Entity::update_many()
        .col_expr(user::Column::Admin, Expr::col(user::Column::Admin))
        .filter(user::Column::Admin.eq(true).or(user::Column::Id.eq(id.as_str())))
        .exec(transaction)
        .await
        .map_err(failed)?;
    if !admin {
        let others = admins().filter(user::Column::Id.ne(id.as_str())).count(transaction).await.map_err(failed)?;
        let own = admins().filter(user::Column::Id.eq(id.as_str())).count(transaction).await.map_err(failed)?;
        if own > 0 && others == 0 {
            return Err(StoreError::Taken);
        }
    }
    user::Entity::update_many()
        .col_expr(user::Column::Admin, Expr::value(admin))
        .filter(user::Column::Id.eq(id.as_str()))
        .exec(transaction)
        .await
        .map_err(failed)?;
    Ok(())
}

#[async_trait]
impl relais_domain::ports::Users for Users {
    async fn insert(&self, user: User) -> Result<(), StoreError> {
        let row = user::ActiveModel {
            id: Set(user.id.into()),
            email: Set(user.email.as_str().to_owned()),
            password: Set(user.password.expose().to_owned()),
            created_at: Set(user.created_at.as_millisecond()),
            role: Set(user.role.into()),
            admin: Set(user.admin),
        };
        user::Entity::insert(row).exec_without_returning(&self.connection).await.map_err(failed)?;
        Ok(())
    }

    async fn by_email(&self, email: &Email) -> Result<Option<User>, StoreError> {
        let found = user::Entity::find().filter(user::Column::Email.eq(email.as_str()));
        found.one(&self.connection).await.map_err(failed)?.map(User::try_from).transpose()
    }

    async fn list(&self, after: Option<UserId>, limit: usize) -> Result<Vec<User>, StoreError> {
        let mut found = user::Entity::find().order_by_asc(user::Column::Id).limit(limit as u64);
        if let Some(after) = after {
            found = found.filter(user::Column::Id.gt(after.as_str()));
        }
        let rows = found.all(&self.connection).await.map_err(failed)?;
        rows.into_iter().map(User::try_from).collect()
    }

    async fn set_role(&self, id: &UserId, role: &RoleName) -> Result<Option<User>, StoreError> {
        user::Entity::update_many()
            .col_expr(user::Column::Role, Expr::value(role.as_str()))
            .filter(user::Column::Id.eq(id.as_str()))
            .exec(&self.connection)
            .await
            .map_err(failed)?;
        self.by_id(id).await
    }

    async fn set_admin(&self, id: &UserId, admin: bool) -> Result<Option<User>, StoreError> {
        let transaction = self.connection.begin().await.map_err(failed)?;
        let done = set_admin(id, admin, &transaction).await;
        if done.is_ok() {
            transaction.commit().await.map_err(failed)?;
        } else {
            // Why it was refused is what the caller wants to know.
            let _ = transaction.rollback().await;
        }
        done?;
        self.by_id(id).await
    }

    async fn admins(&self) -> Result<usize, StoreError> {
        let count = user::Entity::find().filter(user::Column::Admin.eq(true)).count(&self.connection).await;
        count.map(|count| usize::try_from(count).unwrap_or(usize::MAX)).map_err(failed)
    }

    async fn by_id(&self, id: &UserId) -> Result<Option<User>, StoreError> {
        let found = user::Entity::find_by_id(id.as_str());
        found.one(&self.connection).await.map_err(failed)?.map(User::try_from).transpose()
    }
}
