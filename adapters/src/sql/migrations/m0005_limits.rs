//! The table of limits.

use sea_orm::DbErr;
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager, async_trait, prelude::*, schema::*};

use crate::sql::steps;

pub(super) struct Limits;

impl MigrationName for Limits {
    fn name(&self) -> &'static str {
        "m0005_limits"
    }
}

// The trait is declared with the lifetime elided, and async_trait makes a difference of it.
#[allow(elided_lifetimes_in_paths)]
#[async_trait::async_trait]
impl MigrationTrait for Limits {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let limits = Table::create().col(string_len("key", 96).primary_key()).col(big_integer("full_at")).to_owned();
        steps::create_table(manager, "limits", limits).await?;
        // For those that are full, which are forgotten.
        let by_time = Index::create().col("full_at").to_owned();
        steps::create_index(manager, "limits", "ix_limits_full_at", by_time).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        steps::drop_tables(manager, &["limits"]).await
    }
}
