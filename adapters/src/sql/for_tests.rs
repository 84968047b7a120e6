//! For tests on real servers: a database as an older version left it, and statements of their own.

use sea_orm::{ConnectionTrait, DbErr, Statement};

use super::{Database, OpenError, migrating, migrating::Way};

impl Database {
    /// Runs so many migrations that have not run.
    ///
    /// # Errors
    /// [`OpenError::Migrate`].
    pub async fn migrate_up(&self, steps: u32) -> Result<Vec<String>, OpenError> {
        migrating::run(&self.connection, self.mysql.as_ref(), Way::Up(Some(steps))).await.map_err(OpenError::Migrate)
    }

    /// Takes so many migrations back that have run, or all.
    ///
    /// # Errors
    /// [`OpenError::Migrate`].
    pub async fn migrate_down(&self, steps: Option<u32>) -> Result<(), OpenError> {
        let done = migrating::run(&self.connection, self.mysql.as_ref(), Way::Down(steps)).await;
        done.map(drop).map_err(OpenError::Migrate)
    }

    /// Runs a statement.
    ///
    /// # Errors
    /// What the database says.
    pub async fn execute(&self, sql: &str) -> Result<(), DbErr> {
        self.connection.execute_unprepared(sql).await.map(drop)
    }

    /// The first column of what a query answers, which must be text.
    ///
    /// # Errors
    /// What the database says.
    pub async fn texts(&self, sql: &str) -> Result<Vec<String>, DbErr> {
        let query = Statement::from_string(self.connection.get_database_backend(), sql);
        self.connection.query_all_raw(query).await?.iter().map(|row| row.try_get_by_index(0)).collect()
    }
}
