//! A row of `removed_keys`: the key of a device that was removed, which never comes back.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "removed_keys")]
pub(super) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(super) nkey: String,
    pub(super) held_until: Option<i64>,
    pub(super) pruned: bool,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(super) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
