//! Names: computes the keys of names for users who signed up before names had keys, or before they
//! had looser ones.

use sqlx::Error;

use super::{Store, StoreError};
use crate::components::likeness::NameKeys;

/// Users per transaction.
const AT_ONCE: i64 = 200;
/// Tries for one user: another one with such a name may sign up at the same moment.
const TRIES: usize = 5;

/// Two keys of a name, and the statements about them.
struct NameCheck {
    /// Selects users whose name was not checked, earliest first.
    unchecked: &'static str,
    /// Sets both keys, unless another user has one of them.
    set_keys: &'static str,
    /// Marks a name as checked that looks like an earlier one.
    set_none: &'static str,
    keys: fn(NameKeys) -> [String; 2],
}

const CHECKS: [NameCheck; 2] = [
    NameCheck {
        unchecked: "select id, username from users where name_checked = 0 order by name_checked, \
            created_at, id limit $1",
        set_keys: "update users set name_key = $1, name_look = $2, name_checked = 1 where id = $3 \
            and not exists (select 1 from users others where others.name_key = $1 or \
            others.name_look = $2)",
        set_none: "update users set name_checked = 1 where id = $1",
        keys: |keys| [keys.folded, keys.seen],
    },
    NameCheck {
        unchecked: "select id, username from users where name_loosely_checked = 0 order by \
            name_loosely_checked, created_at, id limit $1",
        set_keys: "update users set name_key_loose = $1, name_look_loose = $2, \
            name_loosely_checked = 1 where id = $3 and not exists (select 1 from users others \
            where others.name_key_loose = $1 or others.name_look_loose = $2)",
        set_none: "update users set name_loosely_checked = 1 where id = $1",
        keys: |keys| [keys.folded_loosely, keys.seen_loosely],
    },
];

impl Store {
    /// Sets the keys of names that were never checked, earliest users first. A name that looks like
    /// an earlier one gets no key: it stays as it is, and is marked. Safe to run in several
    /// processes at once: they take turns, and finished work is skipped.
    pub(super) async fn check_names(&self) -> Result<(), StoreError> {
        for check in &CHECKS {
            self.check_all_names(check).await?;
        }
        Ok(())
    }

    async fn check_all_names(&self, check: &NameCheck) -> Result<(), StoreError> {
        let mut tries = 0;
        loop {
            match self.check_some_names(check).await {
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

    async fn check_some_names(&self, check: &NameCheck) -> Result<usize, StoreError> {
        // Most starts have nothing to do, and do not wait for the lock.
        let any: Vec<(String, String)> = sqlx::query_as(check.unchecked)
            .bind(1_i64)
            .fetch_all(&self.readers)
            .await?;
        if any.is_empty() {
            return Ok(0);
        }
        let mut tx = self.begin_alone().await?;
        let some: Vec<(String, String)> = sqlx::query_as(check.unchecked)
            .bind(AT_ONCE)
            .fetch_all(&mut *tx)
            .await?;
        for (user, name) in &some {
            let [key, look] = (check.keys)(NameKeys::of(name));
            let keyed = sqlx::query(check.set_keys)
                .bind(key)
                .bind(look)
                .bind(user)
                .execute(&mut *tx)
                .await?;
            if keyed.rows_affected() == 0 {
                sqlx::query(check.set_none)
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
