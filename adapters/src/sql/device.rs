//! A row of `devices`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "devices")]
pub(super) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(super) id: String,
    pub(super) user_id: String,
    pub(super) name: String,
    pub(super) nkey: String,
    pub(super) created_at: i64,
    pub(super) seen_at: i64,
    pub(super) expires_at: Option<i64>,
    #[sea_orm(column_type = "Text", nullable)]
    pub(super) jwt: Option<String>,
    pub(super) held_until: Option<i64>,
    pub(super) session: Option<Vec<u8>>,
    pub(super) token: Option<Vec<u8>>,
    pub(super) replaced_token: Option<Vec<u8>>,
    pub(super) replaced_at: Option<i64>,
    pub(super) replaced_salt: Option<Vec<u8>>,
    pub(super) session_until: Option<i64>,
    pub(super) browser: bool,
    pub(super) session_ended: bool,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(super) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
