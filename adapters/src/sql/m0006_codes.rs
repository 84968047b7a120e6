//! The table of one-time codes, and whose addresses are proven.

use sea_orm::DbErr;
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager, async_trait, prelude::*, schema::*};

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
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let verified = boolean("verified").default(false).take();
        manager.alter_table(Table::alter().table("users").add_column(verified).to_owned()).await?;
        let codes = Table::create()
            .table("codes")
            .col(binary_len("hash", 32).primary_key())
            .col(string_len("email", 254))
            .col(big_integer("ends_at"))
            .to_owned();
        manager.create_table(codes).await?;
        for column in ["email", "ends_at"] {
            let index = Index::create().name(format!("ix_codes_{column}")).table("codes").col(column).to_owned();
            manager.create_index(index).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("codes").to_owned()).await?;
        manager.alter_table(Table::alter().table("users").drop_column("verified").to_owned()).await
    }
}
