//! Retention: which messages of spaces are forgotten, and when: those of cleared chats, those that
//! expired, and the oldest ones of a chat that takes too much room.

use super::chat::{count_bytes, weight};
use super::{Store, StoreError, Tx, column, now_ms, uploads, words};
use crate::components::id::SpaceId;

/// Messages deleted per transaction of a sweep.
const SWEPT: usize = 200;

/// A day in milliseconds.
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// Which messages of a space are to be forgotten.
struct Forgettable {
    space: String,
    /// Those up to this number.
    cleared: i64,
    /// Those sent before, in Unix milliseconds; 0 for none.
    since: i64,
    /// The oldest ones while all together take more bytes than this.
    most_bytes: i64,
}

/// Id, number and text of a message.
type DeletableMessage = (String, i64, String);

impl Store {
    /// Deletes expired messages, those of cleared chats, and the oldest ones of each space that
    /// keeps more than `most_bytes`; returns their number. Works in transactions of a few hundred
    /// messages, so that others can write in between.
    pub async fn forget_old_lines(&self, most_bytes: u64) -> Result<u64, StoreError> {
        let most_bytes = i64::try_from(most_bytes).unwrap_or(i64::MAX);
        let spaces: Vec<(String, Option<i64>, i64)> = sqlx::query_as(
            "select id, chat_retention_days, chat_cleared from spaces where chat_retention_days is \
            not null or chat_cleared > 0 or chat_bytes > $1",
        )
        .bind(most_bytes)
        .fetch_all(&self.searchers)
        .await?;
        let mut forgotten = 0;
        for (space, days, cleared) in spaces {
            let forgettable = Forgettable {
                space,
                cleared,
                since: days.map_or(0, |days| now_ms() - days * DAY_MS),
                most_bytes,
            };
            loop {
                let swept = self.sweep(&forgettable).await?;
                forgotten += swept as u64;
                if swept == 0 {
                    break;
                }
            }
        }
        Ok(forgotten)
    }

    /// Sweeps part of a space.
    async fn sweep(&self, which: &Forgettable) -> Result<usize, StoreError> {
        let space = &which.space;
        let mut tx = self.begin().await?;
        // Locks the space's row before its messages, as saving messages does.
        let bytes: Option<i64> = sqlx::query_scalar(
            "update spaces set chat_bytes = chat_bytes where id = $1 returning chat_bytes",
        )
        .bind(space.clone())
        .fetch_optional(&mut *tx)
        .await?;
        let Some(bytes) = bytes else { return Ok(0) };
        let rows = which.next(&mut tx, bytes).await?;
        if rows.is_empty() {
            return Ok(0);
        }
        for (id, seq, text) in &rows {
            words::remove(&mut tx, space, *seq, text).await?;
            sqlx::query("delete from chat_lines where id = $1")
                .bind(id.clone())
                .execute(&mut *tx)
                .await?;
        }
        let freed: i64 = rows.iter().map(|(_, _, text)| weight(text)).sum();
        count_bytes(&mut tx, space, -freed).await?;
        let shown = rows.iter().filter(|(_, _, text)| text.contains("/files/"));
        uploads::free_messages(&mut tx, shown.map(|(id, _, _)| id.as_str())).await?;
        tx.commit().await?;
        Ok(rows.len())
    }

    /// Deletes all messages of a space that is to be deleted, in parts: deleting them with the
    /// space would block all other writers.
    pub(super) async fn empty_chat(&self, space: SpaceId) -> Result<(), StoreError> {
        for statement in [
            "delete from chat_words where space_id = $1 and (word, seq) <= \
             (select word, seq from chat_words where space_id = $1 order by word, seq \
             limit 1 offset 2000)",
            "delete from chat_lines where space_id = $1 and seq <= \
             (select seq from chat_lines where space_id = $1 order by seq limit 1 offset 1000)",
        ] {
            while sqlx::query(statement)
                .bind(space.to_string())
                .execute(&self.writer)
                .await?
                .rows_affected()
                > 0
            {}
        }
        Ok(())
    }
}

impl Forgettable {
    /// The next messages to delete, while the chat takes that many bytes.
    async fn next(&self, tx: &mut Tx, bytes: i64) -> Result<Vec<DeletableMessage>, StoreError> {
        let cleared: Vec<DeletableMessage> = sqlx::query_as(
            "select id, seq, text from chat_lines where space_id = $1 and seq between 1 and $2 \
            order by seq limit $3",
        )
        .bind(self.space.clone())
        .bind(self.cleared)
        .bind(column(SWEPT))
        .fetch_all(&mut **tx)
        .await?;
        if !cleared.is_empty() {
            return Ok(cleared);
        }
        if self.since > 0 {
            let expired: Vec<DeletableMessage> = sqlx::query_as(
                "select id, seq, text from chat_lines where space_id = $1 and at < $2 order by at \
                limit $3",
            )
            .bind(self.space.clone())
            .bind(self.since)
            .bind(column(SWEPT))
            .fetch_all(&mut **tx)
            .await?;
            if !expired.is_empty() {
                return Ok(expired);
            }
        }
        let mut excess = bytes.saturating_sub(self.most_bytes);
        if excess <= 0 {
            return Ok(Vec::new());
        }
        let mut oldest: Vec<DeletableMessage> = sqlx::query_as(
            "select id, seq, text from chat_lines where space_id = $1 order by seq limit $2",
        )
        .bind(self.space.clone())
        .bind(column(SWEPT))
        .fetch_all(&mut **tx)
        .await?;
        oldest.retain(|(_, _, text)| {
            let is_excess = excess > 0;
            excess -= weight(text);
            is_excess
        });
        Ok(oldest)
    }
}
