//! Users in SQL.

use async_trait::async_trait;
use relais_domain::{
    auth::{Email, PasswordHash},
    identity::{RoleName, UserId},
    ports::{Standing, StoreError, User},
};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, DatabaseConnection, DatabaseTransaction, EntityTrait, ExprTrait, PaginatorTrait, QueryFilter,
    QueryOrder, QuerySelect, Select, TransactionTrait, UpdateMany,
    sea_query::{Expr, LikeExpr},
};

use super::{
    again::{again, change},
    failed, millis, rows, unreadable, user,
};

/// The table `users`.
#[derive(Clone)]
pub struct Users {
    pub(super) connection: DatabaseConnection,
}

const ACTIVE: &str = "active";
const DISABLED: &str = "disabled";
const LEAVING: &str = "leaving";

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
            standing: match row.standing.as_str() {
                ACTIVE => Standing::Active,
                DISABLED => Standing::Disabled,
                LEAVING => Standing::Leaving,
                _ => return Err(unreadable("standing")),
            },
            verified: row.verified,
        })
    }
}

fn word(standing: Standing) -> &'static str {
    match standing {
        Standing::Active => ACTIVE,
        Standing::Disabled => DISABLED,
        Standing::Leaving => LEAVING,
    }
}

fn row(user: User) -> user::ActiveModel {
    user::ActiveModel {
        id: Set(user.id.into()),
        email: Set(user.email.as_str().to_owned()),
        password: Set(user.password.expose().to_owned()),
        created_at: Set(user.created_at.as_millisecond()),
        role: Set(user.role.into()),
        admin: Set(user.admin),
        standing: Set(word(user.standing).to_owned()),
        verified: Set(user.verified),
    }
}

/// Admins who are let in.
fn admins() -> Select<user::Entity> {
    user::Entity::find().filter(user::Column::Admin.eq(true)).filter(user::Column::Standing.eq(ACTIVE))
}

/// Who is the last admin to go waits for the others who go: admins are written to before they are counted.
async fn another_admin_stays(id: &UserId, transaction: &DatabaseTransaction) -> Result<(), StoreError> {
    user::Entity::update_many()
        .col_expr(user::Column::Admin, Expr::col(user::Column::Admin))
        .filter(user::Column::Admin.eq(true).or(user::Column::Id.eq(id.as_str())))
        .exec(transaction)
        .await
        .map_err(failed)?;
    let others = admins().filter(user::Column::Id.ne(id.as_str())).count(transaction).await.map_err(failed)?;
    let own = admins().filter(user::Column::Id.eq(id.as_str())).count(transaction).await.map_err(failed)?;
    if own > 0 && others == 0 { Err(StoreError::Taken) } else { Ok(()) }
}

impl Users {
    /// Changes a user, who is no admin any more then, or not the last.
    async fn change_admin(&self, change: UpdateMany<user::Entity>, id: &UserId, goes: bool) -> Result<(), StoreError> {
        again(|| self.change_admin_once(change.clone(), id, goes)).await
    }

    async fn replace_once(&self, old: &UserId, row: user::ActiveModel) -> Result<(), StoreError> {
        let transaction = self.connection.begin().await.map_err(failed)?;
        let done = async {
            user::Entity::delete_by_id(old.as_str()).exec(&transaction).await?;
            user::Entity::insert(row).exec_without_returning(&transaction).await
        };
        match done.await {
            Ok(_) => transaction.commit().await.map_err(failed),
            Err(error) => {
                // Why it was refused is what the caller wants to know.
                let _ = transaction.rollback().await;
                Err(failed(error))
            }
        }
    }

    async fn change_admin_once(
        &self,
        change: UpdateMany<user::Entity>,
        id: &UserId,
        goes: bool,
    ) -> Result<(), StoreError> {
        let transaction = self.connection.begin().await.map_err(failed)?;
        let done = async {
            if goes {
                another_admin_stays(id, &transaction).await?;
            }
            change.exec(&transaction).await.map_err(failed)
        };
        match done.await {
            Ok(_) => transaction.commit().await.map_err(failed),
            Err(error) => {
                // Why it was refused is what the caller wants to know.
                let _ = transaction.rollback().await;
                Err(error)
            }
        }
    }
}

#[async_trait]
impl relais_domain::ports::Users for Users {
    async fn insert(&self, user: User) -> Result<(), StoreError> {
        let row = row(user);
        let insert = || user::Entity::insert(row.clone()).exec_without_returning(&self.connection);
        again(|| async { insert().await.map_err(failed) }).await.map(drop)
    }

    async fn by_email(&self, email: &Email) -> Result<Option<User>, StoreError> {
        let found = user::Entity::find().filter(user::Column::Email.eq(email.as_str()));
        found.one(&self.connection).await.map_err(failed)?.map(User::try_from).transpose()
    }

    async fn list<'a>(
        &self,
        after: Option<UserId>,
        limit: usize,
        part: Option<&'a str>,
    ) -> Result<Vec<User>, StoreError> {
        let mut found = user::Entity::find().order_by_asc(user::Column::Id).limit(rows(limit));
        if let Some(part) = part {
            if part.contains('\0') {
                // No address has it, and PostgreSQL takes it for no text.
                return Ok(Vec::new());
            }
            let escaped = part.replace('!', "!!").replace('%', "!%").replace('_', "!_");
            found = found.filter(user::Column::Email.like(LikeExpr::new(format!("%{escaped}%")).escape('!')));
        }
        if let Some(after) = after {
            found = found.filter(user::Column::Id.gt(after.as_str()));
        }
        let rows = found.all(&self.connection).await.map_err(failed)?;
        rows.into_iter().map(User::try_from).collect()
    }

    async fn set_role(&self, id: &UserId, role: &RoleName) -> Result<Option<User>, StoreError> {
        let changed = user::Entity::update_many()
            .col_expr(user::Column::Role, Expr::value(role.as_str()))
            .filter(user::Column::Id.eq(id.as_str()));
        change(changed, &self.connection).await?;
        self.by_id(id).await
    }

    async fn set_admin(&self, id: &UserId, admin: bool) -> Result<Option<User>, StoreError> {
        let change = user::Entity::update_many()
            .col_expr(user::Column::Admin, Expr::value(admin))
            .filter(user::Column::Id.eq(id.as_str()));
        self.change_admin(change, id, !admin).await?;
        self.by_id(id).await
    }

    async fn set_standing(&self, id: &UserId, standing: Standing) -> Result<Option<User>, StoreError> {
        let change = user::Entity::update_many()
            .col_expr(user::Column::Standing, Expr::value(word(standing)))
            .filter(user::Column::Id.eq(id.as_str()).and(user::Column::Standing.ne(LEAVING)));
        self.change_admin(change, id, standing != Standing::Active).await?;
        self.by_id(id).await
    }

    async fn set_password<'a>(
        &self,
        id: &UserId,
        expected: Option<&'a PasswordHash>,
        password: &PasswordHash,
    ) -> Result<bool, StoreError> {
        if expected.is_some_and(|expected| expected.expose() == password.expose()) {
            // MySQL counts no row that was so already.
            let own = self.by_id(id).await?;
            return Ok(own.is_some_and(|own| own.password.expose() == password.expose()));
        }
        let mut changed = user::Entity::update_many()
            .col_expr(user::Column::Password, Expr::value(password.expose()))
            .filter(user::Column::Id.eq(id.as_str()));
        if let Some(expected) = expected {
            changed = changed.filter(user::Column::Password.eq(expected.expose()));
        }
        Ok(change(changed, &self.connection).await? > 0)
    }

    async fn set_verified(&self, id: &UserId) -> Result<Option<User>, StoreError> {
        let proven = user::Entity::update_many()
            .col_expr(user::Column::Verified, Expr::value(true))
            .filter(user::Column::Id.eq(id.as_str()));
        change(proven, &self.connection).await?;
        self.by_id(id).await
    }

    async fn replace(&self, old: &UserId, user: User) -> Result<(), StoreError> {
        let row = row(user);
        again(|| self.replace_once(old, row.clone())).await
    }

    async fn leaving(&self, limit: usize) -> Result<Vec<User>, StoreError> {
        let found = user::Entity::find().filter(user::Column::Standing.eq(LEAVING)).limit(rows(limit));
        found.all(&self.connection).await.map_err(failed)?.into_iter().map(User::try_from).collect()
    }

    async fn remove(&self, id: &UserId) -> Result<bool, StoreError> {
        let remove = || user::Entity::delete_by_id(id.as_str()).exec(&self.connection);
        let removed = again(|| async { remove().await.map_err(failed) }).await?;
        Ok(removed.rows_affected > 0)
    }

    async fn admins(&self) -> Result<usize, StoreError> {
        let count = admins().count(&self.connection).await;
        count.map(|count| usize::try_from(count).unwrap_or(usize::MAX)).map_err(failed)
    }

    async fn by_id(&self, id: &UserId) -> Result<Option<User>, StoreError> {
        let found = user::Entity::find_by_id(id.as_str());
        found.one(&self.connection).await.map_err(failed)?.map(User::try_from).transpose()
    }
}
