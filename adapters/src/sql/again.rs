//! What others came in the way of is done again.
//!
//! Two transactions may wait for each other, and the database ends one of them (a deadlock), or finds that both cannot have been
//! alone (a serialization failure). Nothing of that one is left, so it is repeated from its beginning.

use std::{error::Error, future::Future};

use relais_domain::ports::StoreError;
use sea_orm::{DatabaseConnection, DbErr, EntityTrait, RuntimeErr, UpdateMany, sqlx::error::DatabaseError};

use super::failed;

/// How often it is done at most.
const TIMES: usize = 5;

/// Does the work, and again when others came in its way.
pub(super) async fn again<T, F>(work: impl Fn() -> F) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, StoreError>>,
{
    let mut left = TIMES;
    loop {
        let done = work().await;
        left -= 1;
        match done {
            Err(StoreError::Unavailable(cause)) if left > 0 && is_conflict(&*cause) => {
                tracing::debug!(left, "others came in the way of a transaction");
            }
            done => return done,
        }
    }
}

/// Changes rows; how many, as the database counts them.
pub(super) async fn change<E: EntityTrait>(
    rows: UpdateMany<E>,
    connection: &DatabaseConnection,
) -> Result<u64, StoreError> {
    let changed = again(|| async { rows.clone().exec(connection).await.map_err(failed) });
    changed.await.map(|done| done.rows_affected)
}

fn is_conflict(cause: &(dyn Error + 'static)) -> bool {
    let Some(DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error))) =
        cause.downcast_ref::<DbErr>()
    else {
        return false;
    };
    let code = error.as_database_error().and_then(DatabaseError::code);
    // The first is MySQL's deadlock, too.
    matches!(code.as_deref(), Some("40001" | "40P01"))
}
