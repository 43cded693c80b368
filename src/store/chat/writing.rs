//! Writing: saves messages, changes and reactions, and numbers messages in the order of their
//! space.

use crate::components::chat::{ChatMessage, MessageChange, MessageReaction};
use crate::components::id::SpaceId;
use crate::space::DurableEvent;
use crate::store::{Store, StoreError, Tx, column, now_ms, uploads, words};

/// Messages indexed per transaction.
const INDEXED: usize = 100;

/// Bytes that a message takes in addition to its text, about: ids, names and the index.
const ROW_BYTES: i64 = 256;

impl Store {
    /// Saves chat events, in order; saving an event again changes nothing. Events of a deleted
    /// space are dropped.
    pub async fn keep_chat(
        &self,
        space: SpaceId,
        events: &[DurableEvent],
    ) -> Result<(), StoreError> {
        self.keep_chat_of(space, u64::MAX >> 1, events).await
    }

    /// As [`keep_chat`](Self::keep_chat), for the process that runs the space; saves nothing when a
    /// later owner took the space.
    pub async fn keep_chat_of(
        &self,
        space: SpaceId,
        epoch: u64,
        events: &[DurableEvent],
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let said = events
            .iter()
            .filter(|event| matches!(event, DurableEvent::Said(_)));
        let said = column(said.count());
        // Locks the space's row: concurrent writers wait, so that numbers rise in the order in
        // which they become visible.
        let row: Option<(i64, i64)> = sqlx::query_as(
            "update spaces set chat_seq = chat_seq + $2 where id = $1 \
             and not exists (select 1 from space_owner where space_id = $1 and epoch > $3) \
             returning chat_seq, chat_cleared",
        )
        .bind(space.to_string())
        .bind(said)
        .bind(column(epoch))
        .fetch_optional(&mut *tx)
        .await?;
        let Some((last, cleared)) = row else {
            return Ok(());
        };
        let mut writer = ChatWriter {
            space: space.to_string(),
            seq: last - said,
            cleared,
            bytes: 0,
        };
        for event in events {
            match event {
                DurableEvent::Said(message) => writer.message(&mut tx, message).await?,
                DurableEvent::Changed(change) => writer.change(&mut tx, change).await?,
                DurableEvent::Reacted(reaction) => writer.reaction(&mut tx, reaction).await?,
                DurableEvent::Cleared(_) => writer.clear(&mut tx).await?,
            }
        }
        count_bytes(&mut tx, &writer.space, writer.bytes).await?;
        uploads::follow_messages(&mut tx, space, events).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Indexes some messages that were written by an earlier version, and numbers them. Returns
    /// their number; 0 when all are indexed.
    pub async fn index_lines(&self) -> Result<usize, StoreError> {
        let rows: Vec<(String, String)> = sqlx::query_as(
            "select space_id, id from chat_lines where indexed = 0 order by space_id, id limit $1",
        )
        .bind(column(INDEXED))
        .fetch_all(&self.searchers)
        .await?;
        let mut tx = self.begin().await?;
        for (space, message) in &rows {
            // Another process may have been faster; and numbers of a space are given under its
            // lock.
            sqlx::query(
                "update spaces set chat_seq = chat_seq + 1 where id = $1 and exists \
                         (select 1 from chat_lines where id = $2 and seq = 0)",
            )
            .bind(space.clone())
            .bind(message.clone())
            .execute(&mut *tx)
            .await?;
            let row: Option<(i64, String)> = sqlx::query_as(
                "update chat_lines set indexed = 1, seq = case when seq > 0 then seq else \
                 (select chat_seq from spaces where spaces.id = space_id) end where id = $1 and \
                 indexed = 0 returning seq, text",
            )
            .bind(message.clone())
            .fetch_optional(&mut *tx)
            .await?;
            if let Some((seq, text)) = row {
                words::add(&mut tx, space, seq, &text).await?;
            }
        }
        tx.commit().await?;
        Ok(rows.len())
    }
}

/// Bytes that a message with this text counts for in the limit of its space.
pub(in crate::store) fn weight(text: &str) -> i64 {
    i64::try_from(text.len())
        .unwrap_or(i64::MAX)
        .saturating_add(ROW_BYTES)
}

/// Adds to the bytes that the chat of a space takes.
pub(in crate::store) async fn count_bytes(
    tx: &mut Tx,
    space: &str,
    more: i64,
) -> Result<(), StoreError> {
    if more != 0 {
        sqlx::query(
            "update spaces set chat_bytes = case when chat_bytes + $2 > 0 then chat_bytes + $2 \
             else 0 end where id = $1",
        )
        .bind(space.to_owned())
        .bind(more)
        .execute(&mut **tx)
        .await?;
    }
    Ok(())
}

/// PostgreSQL cannot store a NUL in a text.
fn storable(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// State of saving the chat of one space.
struct ChatWriter {
    space: String,
    /// Last number that was given to a message.
    seq: i64,
    /// Number up to which all messages were deleted.
    cleared: i64,
    /// Bytes by which the chat grew.
    bytes: i64,
}

impl ChatWriter {
    /// Saves a message. One that is saved again after a clear keeps its place before or after the
    /// clear, as the events say.
    async fn message(&mut self, tx: &mut Tx, message: &ChatMessage) -> Result<(), StoreError> {
        self.seq += 1;
        let text = storable(&message.text);
        let before = self.cleared_text(tx, message).await?;
        let kept = sqlx::query(
            "insert into chat_lines (id, space_id, user_id, name, text, search, at, scope, \
            reply_to, seq, indexed) \
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 1) on conflict (id) do update set \
             seq = excluded.seq, \
             text = excluded.text, search = excluded.search, edited_at = null, deleted = 0, \
             indexed = 1 \
             where chat_lines.space_id = excluded.space_id and chat_lines.seq between 1 and $11",
        )
        .bind(message.id.to_string())
        .bind(self.space.clone())
        .bind(message.user.to_string())
        .bind(&message.name)
        .bind(&text)
        .bind(words::folded(&text))
        .bind(column(message.at))
        .bind(i64::from(message.scope as u8))
        .bind(message.reply_to.map(|id| id.to_string()))
        .bind(self.seq)
        .bind(self.cleared)
        .execute(&mut **tx)
        .await?;
        if kept.rows_affected() > 0 {
            words::add(tx, &self.space, self.seq, &text).await?;
            self.bytes += weight(&text) - before.as_deref().map_or(0, weight);
        }
        Ok(())
    }

    /// Text of the message as it was before a clear that has not been swept yet.
    async fn cleared_text(
        &self,
        tx: &mut Tx,
        message: &ChatMessage,
    ) -> Result<Option<String>, StoreError> {
        if self.cleared == 0 {
            return Ok(None);
        }
        let before = sqlx::query_scalar(
            "select text from chat_lines where id = $1 and space_id = $2 and seq between 1 and $3",
        )
        .bind(message.id.to_string())
        .bind(self.space.clone())
        .bind(self.cleared)
        .fetch_optional(&mut **tx)
        .await?;
        Ok(before)
    }

    /// Deleted messages stay deleted, and an older change does not undo a newer one.
    async fn change(&mut self, tx: &mut Tx, change: &MessageChange) -> Result<(), StoreError> {
        let is_deleted = i64::from(change.text.is_none());
        let before: Option<(i64, String)> = sqlx::query_as(
            "select seq, text from chat_lines where id = $1 and space_id = $2 \
             and deleted = 0 and ($3 = 1 or edited_at is null or edited_at <= $4)",
        )
        .bind(change.id.to_string())
        .bind(self.space.clone())
        .bind(is_deleted)
        .bind(column(change.at))
        .fetch_optional(&mut **tx)
        .await?;
        let Some((seq, before)) = before else {
            return Ok(());
        };
        let text = change.text.as_deref().map(storable).unwrap_or_default();
        sqlx::query(
            "update chat_lines set text = $2, search = $3, edited_at = $4, deleted = $5 \
            where id = $1",
        )
        .bind(change.id.to_string())
        .bind(&text)
        .bind(words::folded(&text))
        .bind(column(change.at))
        .bind(is_deleted)
        .execute(&mut **tx)
        .await?;
        words::remove(tx, &self.space, seq, &before).await?;
        words::add(tx, &self.space, seq, &text).await?;
        self.bytes += weight(&text) - weight(&before);
        if is_deleted == 1 {
            sqlx::query("delete from chat_reactions where line_id = $1")
                .bind(change.id.to_string())
                .execute(&mut **tx)
                .await?;
        }
        Ok(())
    }

    async fn reaction(&self, tx: &mut Tx, reaction: &MessageReaction) -> Result<(), StoreError> {
        let statement = if reaction.on {
            "insert into chat_reactions (line_id, emoji, user_id, at) select id, $2, $3, $4 from \
            chat_lines \
             where id = $1 and space_id = $5 and deleted = 0 on conflict (line_id, emoji, user_id) \
             do nothing"
        } else {
            "delete from chat_reactions where line_id = $1 and emoji = $2 and user_id = $3 and $4 \
            > 0 \
             and exists (select 1 from chat_lines where id = $1 and space_id = $5)"
        };
        sqlx::query(statement)
            .bind(reaction.id.to_string())
            .bind(&reaction.emoji)
            .bind(reaction.user.to_string())
            .bind(now_ms())
            .bind(self.space.clone())
            .execute(&mut **tx)
            .await?;
        Ok(())
    }

    /// Hides all messages so far. The rows are deleted later by the sweep: there may be a million.
    async fn clear(&mut self, tx: &mut Tx) -> Result<(), StoreError> {
        self.cleared = self.seq;
        sqlx::query("update spaces set chat_cleared = $2 where id = $1")
            .bind(self.space.clone())
            .bind(self.cleared)
            .execute(&mut **tx)
            .await?;
        // Messages of an earlier version that have no number yet.
        let gone: Vec<String> = sqlx::query_scalar(
            "delete from chat_lines where space_id = $1 and seq = 0 returning text",
        )
        .bind(self.space.clone())
        .fetch_all(&mut **tx)
        .await?;
        self.bytes -= gone.iter().map(|text| weight(text)).sum::<i64>();
        Ok(())
    }
}
