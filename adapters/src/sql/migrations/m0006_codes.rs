//! The table of one-time codes, and whose addresses are proven.

use sea_orm::DbErr;
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager, async_trait, prelude::*, schema::*};

use crate::sql::steps;

pub(super) struct Codes;

impl MigrationName for Codes {
    fn name(&self) -> &'static str {
        "m0006_codes"
    }
}

// The trait is declared with the lifetime elided, and async_trait makes a difference of it.
#[allow(elided_lifetimes_in_paths)]
#[async_trait::async_trait]
impl MigrationTrait for Codes {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        steps::add_column(manager, "users", boolean("verified").default(false).take()).await?;
        let codes = Table::create()
            .col(binary_len("hash", 32).primary_key())
            .col(string_len("email", 254))
            .col(big_integer("ends_at"))
            .to_owned();
        steps::create_table(manager, "codes", codes).await?;
        for column in ["email", "ends_at"] {
            let index = Index::create().col(column).to_owned();
            steps::create_index(manager, "codes", &format!("ix_codes_{column}"), index).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        steps::drop_tables(manager, &["codes"]).await?;
        steps::drop_column(manager, "users", "verified").await
    }
}
