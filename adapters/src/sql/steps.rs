//! The steps of migrations. PostgreSQL and SQLite do all of a migration or nothing; MySQL commits each statement that changes tables,
//! so there one that was cut off goes on where it stopped, and what is there already is not made again.

use sea_orm::{DatabaseBackend, DbErr};
use sea_orm_migration::{SchemaManager, prelude::*};

fn commits_each(manager: &SchemaManager<'_>) -> bool {
    manager.get_database_backend() == DatabaseBackend::MySql
}

/// Makes a table of this name.
pub(super) async fn create_table(
    manager: &SchemaManager<'_>,
    name: &str,
    mut table: TableCreateStatement,
) -> Result<(), DbErr> {
    if commits_each(manager) && manager.has_table(name).await? {
        return Ok(());
    }
    manager.create_table(table.table(name.to_owned()).take()).await
}

/// Adds a column; one at a time, as SQLite takes them.
pub(super) async fn add_column(manager: &SchemaManager<'_>, table: &str, mut column: ColumnDef) -> Result<(), DbErr> {
    if commits_each(manager) && manager.has_column(table, &column.get_column_name()).await? {
        return Ok(());
    }
    manager.alter_table(Table::alter().table(table.to_owned()).add_column(column.take()).take()).await
}

/// Takes a column away.
pub(super) async fn drop_column(manager: &SchemaManager<'_>, table: &str, column: &str) -> Result<(), DbErr> {
    if commits_each(manager) && !manager.has_column(table, column).await? {
        return Ok(());
    }
    manager.alter_table(Table::alter().table(table.to_owned()).drop_column(column.to_owned()).take()).await
}

/// Makes an index of a table.
pub(super) async fn create_index(
    manager: &SchemaManager<'_>,
    table: &str,
    name: &str,
    mut index: IndexCreateStatement,
) -> Result<(), DbErr> {
    if commits_each(manager) && manager.has_index(table, name).await? {
        return Ok(());
    }
    manager.create_index(index.name(name).table(table.to_owned()).take()).await
}

/// Takes an index away.
pub(super) async fn drop_index(manager: &SchemaManager<'_>, table: &str, name: &str) -> Result<(), DbErr> {
    if commits_each(manager) && !manager.has_index(table, name).await? {
        return Ok(());
    }
    manager.drop_index(Index::drop().name(name).table(table.to_owned()).to_owned()).await
}

/// Takes tables away, in this order.
pub(super) async fn drop_tables(manager: &SchemaManager<'_>, tables: &[&'static str]) -> Result<(), DbErr> {
    for table in tables {
        let mut drop = Table::drop();
        if commits_each(manager) {
            drop.if_exists();
        }
        manager.drop_table(drop.table(*table).take()).await?;
    }
    Ok(())
}
