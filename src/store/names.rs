//! Names: computes the keys of names for users who signed up before names had keys, or before the
//! rule of the looser ones changed.

use sqlx::Error;

use super::{Store, StoreError, Tx};
use crate::components::likeness::{LOOSE_RULE, NameKeys};

/// Users per transaction.
const AT_ONCE: i64 = 200;
/// Tries for one user: another one with such a name may sign up at the same moment.
const TRIES: usize = 5;

/// Two keys of a name, and the statements about them.
struct NameCheck {
    /// Number of the rule of these keys.
    rule: i64,
    /// Selects users whose keys are by an earlier rule, earliest first.
    unchecked: &'static str,
    /// Takes both keys away from users who have them by an earlier rule. They come later: those who
    /// came earlier have been checked.
    take_keys: &'static str,
    /// Sets both keys, unless another user has one of them.
    set_keys: &'static str,
    /// Marks a name as checked that looks like an earlier one.
    set_none: &'static str,
    keys: fn(NameKeys) -> [String; 2],
}

const CHECKS: [NameCheck; 2] = [
    NameCheck {
        rule: 1,
        unchecked: "select id, username from users where name_checked < $1 order by name_checked, \
            created_at, id limit $2",
        take_keys: "update users set name_key = null, name_look = null where id <> $1 and \
            name_checked < $2 and (name_key = $3 or name_look = $4)",
        set_keys: "update users set name_key = $3, name_look = $4, name_checked = $2 where id = $1 \
            and not exists (select 1 from users others where others.id <> $1 and \
            (others.name_key = $3 or others.name_look = $4))",
        set_none: "update users set name_key = null, name_look = null, name_checked = $2 \
            where id = $1",
        keys: |keys| [keys.folded, keys.seen],
    },
    NameCheck {
        rule: LOOSE_RULE,
        unchecked: "select id, username from users where name_loosely_rule < $1 order by \
            name_loosely_rule, created_at, id limit $2",
        take_keys: "update users set name_key_loose = null, name_look_loose = null where id <> $1 \
            and name_loosely_rule < $2 and (name_key_loose = $3 or name_look_loose = $4)",
        set_keys: "update users set name_key_loose = $3, name_look_loose = $4, \
            name_loosely_checked = 1, name_loosely_rule = $2 where id = $1 and not exists (select \
            1 from users others where others.id <> $1 and (others.name_key_loose = $3 or \
            others.name_look_loose = $4))",
        set_none: "update users set name_key_loose = null, name_look_loose = null, \
            name_loosely_checked = 1, name_loosely_rule = $2 where id = $1",
        keys: |keys| [keys.folded_loosely, keys.seen_loosely],
    },
];

impl Store {
    /// Sets the keys of names that were not checked by today's rules, earliest users first. A name
    /// that looks like an earlier one gets no key: it stays as it is, and is marked. Safe to run in
    /// several processes at once: they take turns, and finished work is skipped.
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
            .bind(check.rule)
            .bind(1_i64)
            .fetch_all(&self.readers)
            .await?;
        if any.is_empty() {
            return Ok(0);
        }
        let mut tx = self.begin_alone().await?;
        let some: Vec<(String, String)> = sqlx::query_as(check.unchecked)
            .bind(check.rule)
            .bind(AT_ONCE)
            .fetch_all(&mut *tx)
            .await?;
        for (user, name) in &some {
            let [key, look] = (check.keys)(NameKeys::of(name));
            let apply = async |statement: &'static str, tx: &mut Tx| {
                let query = sqlx::query(statement).bind(user).bind(check.rule);
                query.bind(&key).bind(&look).execute(&mut **tx).await
            };
            apply(check.take_keys, &mut tx).await?;
            let keyed = apply(check.set_keys, &mut tx).await?;
            if keyed.rows_affected() == 0 {
                sqlx::query(check.set_none)
                    .bind(user)
                    .bind(check.rule)
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
