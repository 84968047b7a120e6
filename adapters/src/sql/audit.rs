//! Who did what, in SQL.

use async_trait::async_trait;
use jiff::Timestamp;
use relais_domain::{
    audit::{Entry, EntryId},
    ports::StoreError,
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, DatabaseConnection, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    entity::prelude::*,
};

use super::{failed, millis, rows, unreadable};

/// A row of `audit`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit")]
pub(super) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    id: String,
    at: i64,
    actor: String,
    action: String,
    target: String,
    outcome: String,
    detail: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(super) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The table `audit`.
#[derive(Clone)]
pub struct Audit {
    pub(super) connection: DatabaseConnection,
}

impl TryFrom<Model> for Entry {
    type Error = StoreError;

    fn try_from(row: Model) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.id.parse().map_err(|_| unreadable("id"))?,
            at: millis::read("at", row.at)?,
            actor: row.actor.parse().map_err(|_| unreadable("actor"))?,
            action: row.action.parse().map_err(|_| unreadable("action"))?,
            target: row.target,
            outcome: row.outcome.parse().map_err(|_| unreadable("outcome"))?,
            detail: row.detail,
        })
    }
}

#[async_trait]
impl relais_domain::ports::Audit for Audit {
    async fn record(&self, entry: Entry) -> Result<(), StoreError> {
        let row = ActiveModel {
            id: Set(entry.id.to_string()),
            at: Set(entry.at.as_millisecond()),
            actor: Set(entry.actor.to_string()),
            action: Set(entry.action.to_string()),
            target: Set(entry.target),
            outcome: Set(entry.outcome.to_string()),
            detail: Set(entry.detail),
        };
        Entity::insert(row).exec_without_returning(&self.connection).await.map_err(failed)?;
        Ok(())
    }

    async fn list(&self, before: Option<EntryId>, limit: usize) -> Result<Vec<Entry>, StoreError> {
        let mut found = Entity::find().order_by_desc(Column::Id).limit(rows(limit));
        if let Some(before) = before {
            found = found.filter(Column::Id.lt(before.as_str()));
        }
        found.all(&self.connection).await.map_err(failed)?.into_iter().map(Entry::try_from).collect()
    }

    async fn forget_before(&self, time: Timestamp) -> Result<usize, StoreError> {
        let old = Entity::delete_many().filter(Column::At.lt(time.as_millisecond()));
        let deleted = old.exec(&self.connection).await.map_err(failed)?;
        Ok(usize::try_from(deleted.rows_affected).unwrap_or(usize::MAX))
    }
}
