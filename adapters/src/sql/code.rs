//! A row of `codes`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "codes")]
pub(super) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(super) hash: Vec<u8>,
    pub(super) email: String,
    pub(super) ends_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(super) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
