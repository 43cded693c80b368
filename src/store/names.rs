//! Names: what tells them apart, worked out for users who signed up before names had keys.

use sqlx::Error;

use super::{Store, StoreError};
use crate::components::name::NameKeys;

/// Users looked at in one transaction.
const AT_ONCE: i64 = 200;
/// How often one is tried again, because a user with such a name signed up at the same moment.
const TRIES: usize = 5;

impl Store {
    /// Gives keys to the names that were never checked, the earliest first. A name that looks like
    /// an earlier one's gets none: it stays as it is, and is marked. Several processes may do so at
    /// once: of these one at a time works, and what it did is done.
    pub(super) async fn check_names(&self) -> Result<(), StoreError> {
        let mut tries = 0;
        loop {
            match self.check_some_names().await {
                Ok(0) => return Ok(()),
                Ok(_) => tries = 0,
                Err(StoreError::Sql(Error::Database(error)))
                    if error.is_unique_violation() && tries < TRIES =>
                {
                    tries += 1;
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn check_some_names(&self) -> Result<usize, StoreError> {
        const UNCHECKED: &str = "select id, username from users where name_checked = 0 order by \
            name_checked, created_at, id limit $1";
        // Most starts find nothing to do, and wait for no one.
        let any: Vec<(String, String)> = sqlx::query_as(UNCHECKED)
            .bind(1_i64)
            .fetch_all(&self.readers)
            .await?;
        if any.is_empty() {
            return Ok(0);
        }
        let mut tx = self.begin_alone().await?;
        let some: Vec<(String, String)> = sqlx::query_as(UNCHECKED)
            .bind(AT_ONCE)
            .fetch_all(&mut *tx)
            .await?;
        for (user, name) in &some {
            let keys = NameKeys::of(name);
            let keyed = sqlx::query(
                "update users set name_key = $1, name_look = $2, name_checked = 1 where id = $3 \
                 and not exists (select 1 from users others where others.name_key = $1 or \
                 others.name_look = $2)",
            )
            .bind(&keys.folded)
            .bind(&keys.seen)
            .bind(user)
            .execute(&mut *tx)
            .await?;
            if keyed.rows_affected() == 0 {
                sqlx::query("update users set name_checked = 1 where id = $1")
                    .bind(user)
                    .execute(&mut *tx)
                    .await?;
                tracing::warn!(
                    user,
                    "a name looks like the one of an earlier user; `plaza admin users` marks it"
                );
            }
        }
        tx.commit().await?;
        Ok(some.len().max(1))
    }
}
