//! How the tables came to be what they are. A migration that has been released is never changed.

mod m0005_limits;
mod m0006_codes;

use sea_orm::DbErr;
use sea_orm_migration::{
    MigrationName, MigrationTrait, MigratorTrait, SchemaManager, async_trait, prelude::*, schema::*,
};

use super::steps;

pub(super) struct Migrator;

/// The tables they make.
pub(in crate::sql) const TABLES: &[&str] = &["users", "devices", "secrets", "removed_keys", "audit", "limits", "codes"];

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(UsersAndDevices),
            Box::new(Secrets),
            Box::new(Administration),
            Box::new(Sessions),
            Box::new(m0005_limits::Limits),
            Box::new(m0006_codes::Codes),
        ]
    }
}

struct UsersAndDevices;

impl MigrationName for UsersAndDevices {
    fn name(&self) -> &'static str {
        "m0001_users_and_devices"
    }
}

// The trait is declared with the lifetime elided, and async_trait makes a difference of it.
#[allow(elided_lifetimes_in_paths)]
#[async_trait::async_trait]
impl MigrationTrait for UsersAndDevices {
    /// All or nothing, where the database can (MySQL commits each statement that changes tables).
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let users = Table::create()
            .col(string_len("id", 64).primary_key())
            .col(string_len_uniq("email", 254))
            .col(string_len("password", 255))
            .col(big_integer("created_at"))
            .to_owned();
        steps::create_table(manager, "users", users).await?;
        let owner = ForeignKey::create()
            .name("fk_devices_user_id")
            .from("devices", "user_id")
            .to("users", "id")
            .on_delete(ForeignKeyAction::Cascade)
            .on_update(ForeignKeyAction::Restrict)
            .to_owned();
        let devices = Table::create()
            .col(string_len("id", 64).primary_key())
            .col(string_len("user_id", 64))
            .col(string_len("name", 64))
            .col(string_len_uniq("nkey", 56))
            .col(big_integer("created_at"))
            .col(big_integer("seen_at"))
            .col(big_integer_null("expires_at"))
            .foreign_key(&mut owner.clone())
            .to_owned();
        steps::create_table(manager, "devices", devices).await?;
        let by_user = Index::create().col("user_id").col("created_at").to_owned();
        steps::create_index(manager, "devices", "ix_devices_user_id_created_at", by_user).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        steps::drop_tables(manager, &["devices", "users"]).await
    }
}

struct Secrets;

impl MigrationName for Secrets {
    fn name(&self) -> &'static str {
        "m0002_secrets"
    }
}

#[allow(elided_lifetimes_in_paths)]
#[async_trait::async_trait]
impl MigrationTrait for Secrets {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let secrets = Table::create().col(string_len("name", 64).primary_key()).col(binary_len("value", 32)).to_owned();
        steps::create_table(manager, "secrets", secrets).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        steps::drop_tables(manager, &["secrets"]).await
    }
}

struct Administration;

impl MigrationName for Administration {
    fn name(&self) -> &'static str {
        "m0003_administration"
    }
}

#[allow(elided_lifetimes_in_paths)]
#[async_trait::async_trait]
impl MigrationTrait for Administration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, column) in [
            ("users", string_len("role", 32).default("user").take()),
            ("users", boolean("admin").default(false).take()),
            ("devices", text_null("jwt").take()),
            // Of devices from before it is not known until when their JWTs hold; null is never.
            ("devices", big_integer_null("held_until").take()),
        ] {
            steps::add_column(manager, table, column).await?;
        }
        let removed = Table::create()
            .col(string_len("nkey", 56).primary_key())
            .col(big_integer_null("held_until"))
            .col(boolean("pruned"))
            .to_owned();
        steps::create_table(manager, "removed_keys", removed).await?;
        let audit = Table::create()
            .col(string_len("id", 26).primary_key())
            .col(big_integer("at"))
            .col(string_len("actor", 160))
            .col(string_len("action", 32))
            .col(string_len("target", 255))
            .col(string_len("outcome", 16))
            .col(string_len("detail", 1024))
            .to_owned();
        steps::create_table(manager, "audit", audit).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        steps::drop_tables(manager, &["audit", "removed_keys"]).await?;
        for (table, column) in [("devices", "held_until"), ("devices", "jwt"), ("users", "admin"), ("users", "role")] {
            steps::drop_column(manager, table, column).await?;
        }
        Ok(())
    }
}

struct Sessions;

impl MigrationName for Sessions {
    fn name(&self) -> &'static str {
        "m0004_sessions"
    }
}

/// The index that finds the device of a session.
const BY_SESSION: &str = "ux_devices_session";

#[allow(elided_lifetimes_in_paths)]
#[async_trait::async_trait]
impl MigrationTrait for Sessions {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        steps::add_column(manager, "users", string_len("standing", 16).default("active").take()).await?;
        for column in [
            binary_len_null("session", 16),
            binary_len_null("token", 32),
            binary_len_null("replaced_token", 32),
            big_integer_null("replaced_at"),
            binary_len_null("replaced_salt", 32),
            big_integer_null("session_until"),
            boolean("browser").default(false).take(),
            boolean("session_ended").default(false).take(),
        ] {
            steps::add_column(manager, "devices", column).await?;
        }
        let by_session = Index::create().col("session").unique().to_owned();
        steps::create_index(manager, "devices", BY_SESSION, by_session).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        steps::drop_index(manager, "devices", BY_SESSION).await?;
        for column in [
            "session_ended",
            "browser",
            "session_until",
            "replaced_salt",
            "replaced_at",
            "replaced_token",
            "token",
            "session",
        ] {
            steps::drop_column(manager, "devices", column).await?;
        }
        steps::drop_column(manager, "users", "standing").await
    }
}

#[cfg(test)]
mod tests {
    use crate::sql::migrating::{self, Way};

    #[tokio::test]
    async fn go_up_twice_and_down_again() {
        let database = crate::sql::Database::open("sqlite::memory:").await.unwrap();
        assert_eq!(
            database.migrate().await.unwrap(),
            [
                "m0001_users_and_devices",
                "m0002_secrets",
                "m0003_administration",
                "m0004_sessions",
                "m0005_limits",
                "m0006_codes"
            ]
        );
        assert!(database.migrate().await.unwrap().is_empty(), "a repeat does nothing");
        migrating::run(&database.connection, None, Way::Down(None)).await.unwrap();
        database.migrate().await.unwrap();
    }
}
