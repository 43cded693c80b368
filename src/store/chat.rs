//! Chat: messages of spaces that save their chat.

use std::collections::HashMap;

use super::paging::{ListPage, PageRoom};
use super::{Statement, Store, StoreError, Tx, given, id, now_ms, over_given, uploads, words};
use crate::components::chat::{ChatMessage, MessageChange, MessageReaction, Reaction, Scope};
use crate::components::id::{ChatId, PlayerId, SpaceId, UserId};
use crate::components::peers::ProximityRules;
use crate::space::DurableEvent;

/// Messages indexed per transaction.
const INDEXED: usize = 100;

/// Bytes that a message takes in addition to its text, about: ids, names and the index.
const ROW_BYTES: i64 = 256;

/// Messages that are looked through at once for those that a reader does not hide.
const LOOKED_THROUGH: u32 = 500;

/// Most such reads for one page.
const MOST_LOOKS: usize = 20;

/// Which page of messages to read, newest first.
#[derive(Debug, Clone, Copy, Default)]
pub struct ChatPage<'a> {
    /// Only messages before this one.
    pub before: Option<ChatId>,
    /// Only messages since this time, in Unix milliseconds.
    pub since: u64,
    /// Most messages on the page.
    pub limit: u32,
    /// Users whose messages and reactions are left out: the reader blocks them.
    pub without: &'a [UserId],
}

/// One page of messages.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MessagePage {
    /// Messages, newest first.
    pub lines: Vec<ChatMessage>,
    /// Id of the last message that was looked at: earlier ones are on another page before it.
    /// `None` when there are none. There may be more even when this page is empty.
    pub before: Option<ChatId>,
}

/// Selects messages by their numbers.
const BY_NUMBER: Statement = over_given!(
    "select id, seq, user_id, name, text, at, scope, reply_to, edited_at, deleted from chat_lines \
     where space_id = $2 and seq in (select cast(given.value as bigint) from",
    ") order by seq desc"
);

/// Id, number, author and length of a message.
type MessageHead = (String, i64, String, i64);

#[derive(sqlx::FromRow)]
pub(super) struct RawMessageRow {
    pub id: String,
    pub seq: i64,
    pub user_id: String,
    name: String,
    pub text: String,
    at: i64,
    scope: i64,
    reply_to: Option<String>,
    edited_at: Option<i64>,
    deleted: i64,
}

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
            .filter(|event| matches!(event, DurableEvent::Said(_)))
            .count();
        // Locks the space's row: concurrent writers wait, so that numbers rise in the order in
        // which they become visible.
        let row: Option<(i64, i64)> = sqlx::query_as(
            "update spaces set chat_seq = chat_seq + $2 where id = $1 \
             and not exists (select 1 from space_owner where space_id = $1 and epoch > $3) \
             returning chat_seq, chat_cleared",
        )
        .bind(space.to_string())
        .bind(said as i64)
        .bind(epoch as i64)
        .fetch_optional(&mut *tx)
        .await?;
        let Some((last, cleared)) = row else {
            return Ok(());
        };
        let mut writer = ChatWriter {
            space: space.to_string(),
            seq: last - said as i64,
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

    /// Messages of a space, newest first.
    pub async fn lines(
        &self,
        space: SpaceId,
        page: ChatPage<'_>,
    ) -> Result<MessagePage, StoreError> {
        let mut below = self.number_of(space, page.before).await?;
        let mut room = PageRoom::new(page.limit);
        let mut numbers = Vec::new();
        let mut last = None;
        let mut has_more = true;
        let look = if page.without.is_empty() {
            page.limit.saturating_add(1)
        } else {
            LOOKED_THROUGH
        };
        for _ in 0..MOST_LOOKS {
            let heads = self.heads(space, page.since, below, look).await?;
            let is_end = heads.len() < look as usize;
            has_more = false;
            for (message, seq, user, bytes) in heads {
                if !page.without.contains(&id(&user)?) {
                    if !room.take(bytes) {
                        has_more = true;
                        break;
                    }
                    numbers.push(seq);
                }
                below = seq;
                last = Some(message);
            }
            has_more |= !is_end;
            if !has_more || !numbers.is_empty() {
                break;
            }
        }
        let rows: Vec<RawMessageRow> = sqlx::query_as(self.kind.choose(&BY_NUMBER))
            .bind(given(numbers.iter()))
            .bind(space.to_string())
            .fetch_all(&self.readers)
            .await?;
        let last = last.as_deref().map(id).transpose()?;
        Ok(MessagePage {
            lines: self.with_reactions(space, rows, page.without).await?,
            before: last.filter(|_| has_more),
        })
    }

    /// The newest messages of a space below a number, without their texts.
    async fn heads(
        &self,
        space: SpaceId,
        since: u64,
        below: i64,
        limit: u32,
    ) -> Result<Vec<MessageHead>, StoreError> {
        let heads = sqlx::query_as(
            "select id, seq, user_id, cast(octet_length(text) as bigint) from chat_lines \
             where space_id = $1 and seq < $2 and seq > (select chat_cleared from spaces where id \
             = $1) and at >= $3 \
             order by seq desc limit $4",
        )
        .bind(space.to_string())
        .bind(below)
        .bind(since as i64)
        .bind(i64::from(limit))
        .fetch_all(&self.readers)
        .await?;
        Ok(heads)
    }

    /// Messages of a space after a message, or from the beginning, oldest first.
    pub async fn lines_after(
        &self,
        space: SpaceId,
        after: Option<ChatId>,
        since: u64,
        limit: u32,
    ) -> Result<ListPage<ChatMessage>, StoreError> {
        let after = match after {
            Some(_) => self.number_of(space, after).await?,
            None => 0,
        };
        let lengths: Vec<i64> = sqlx::query_scalar(
            "select cast(octet_length(text) as bigint) from chat_lines \
             where space_id = $1 and seq > $2 and seq > (select chat_cleared from spaces where id \
             = $1) and at >= $3 \
             order by seq limit $4",
        )
        .bind(space.to_string())
        .bind(after)
        .bind(since as i64)
        .bind(i64::from(limit) + 1)
        .fetch_all(&self.readers)
        .await?;
        let fitting = PageRoom::new(limit).fitting(lengths.iter().copied());
        let mut rows: Vec<RawMessageRow> = sqlx::query_as(
            "select id, seq, user_id, name, text, at, scope, reply_to, edited_at, deleted from \
            chat_lines \
             where space_id = $1 and seq > $2 and seq > (select chat_cleared from spaces where id \
             = $1) and at >= $3 \
             order by seq limit $4",
        )
        .bind(space.to_string())
        .bind(after)
        .bind(since as i64)
        .bind(fitting.min(lengths.len()) as i64)
        .fetch_all(&self.readers)
        .await?;
        rows.reverse();
        let mut items = self.with_reactions(space, rows, &[]).await?;
        items.reverse();
        Ok(ListPage {
            items,
            has_more: fitting < lengths.len(),
        })
    }

    /// Number of a message in the order of its space; without a message, beyond all of them. A
    /// message that is not stored (any longer) is placed by its id, which contains about the time
    /// of sending.
    pub(super) async fn number_of(
        &self,
        space: SpaceId,
        message: Option<ChatId>,
    ) -> Result<i64, StoreError> {
        let Some(message) = message else {
            return Ok(i64::MAX);
        };
        let row: Option<(String, i64)> = sqlx::query_as(
            "select id, seq from chat_lines where space_id = $1 and id <= $2 order \
                by id desc limit 1",
        )
        .bind(space.to_string())
        .bind(message.to_string())
        .fetch_optional(&self.readers)
        .await?;
        Ok(row.map_or(0, |(id, seq)| {
            if id == message.to_string() {
                seq
            } else {
                seq + 1
            }
        }))
    }

    /// Messages, newest first, with their reactions but those of some users.
    pub(super) async fn with_reactions(
        &self,
        space: SpaceId,
        rows: Vec<RawMessageRow>,
        without: &[UserId],
    ) -> Result<Vec<ChatMessage>, StoreError> {
        let mut reactions = match (rows.last(), rows.first()) {
            (Some(oldest), Some(newest)) => {
                let places = (oldest.seq, newest.seq);
                self.reactions(space, places, without).await?
            }
            _ => HashMap::new(),
        };
        rows.into_iter()
            .map(|row| {
                let reactions = reactions.remove(&row.id).unwrap_or_default();
                row.read(reactions)
            })
            .collect()
    }

    /// One message of a space.
    pub async fn line(
        &self,
        space: SpaceId,
        message: ChatId,
    ) -> Result<Option<ChatMessage>, StoreError> {
        let row: Option<RawMessageRow> = sqlx::query_as(
            "select id, seq, user_id, name, text, at, scope, reply_to, edited_at, deleted from \
            chat_lines \
             where space_id = $1 and id = $2 and seq > (select chat_cleared from spaces where id = \
             $1)",
        )
        .bind(space.to_string())
        .bind(message.to_string())
        .fetch_optional(&self.readers)
        .await?;
        row.map(|row| row.read(Vec::new())).transpose()
    }

    /// Sets the chat and proximity rules of a space.
    pub async fn change_chat_rules(
        &self,
        space: SpaceId,
        retention_days: Option<u32>,
        slow_seconds: u32,
        voices: ProximityRules,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "update spaces set chat_retention_days = $2, chat_slow_seconds = $3, reach_tiles = $4, \
            most_voices = $5, \
             most_pictures = $6, walls = $7 where id = $1",
        )
        .bind(space.to_string())
        .bind(retention_days.map(i64::from))
        .bind(i64::from(slow_seconds))
        .bind(i64::from(voices.range_tiles))
        .bind(i64::from(voices.max_audio))
        .bind(i64::from(voices.max_video))
        .bind(voices.walls_block.map(i64::from))
        .execute(&self.writer)
        .await?;
        Ok(())
    }

    /// Indexes some messages that were written by an earlier version, and numbers them. Returns
    /// their number; 0 when all are indexed.
    pub async fn index_lines(&self) -> Result<usize, StoreError> {
        let rows: Vec<(String, String)> = sqlx::query_as(
            "select space_id, id from chat_lines where indexed = 0 order by space_id, id limit $1",
        )
        .bind(INDEXED as i64)
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

    /// Reactions to a range of messages.
    async fn reactions(
        &self,
        space: SpaceId,
        (oldest, newest): (i64, i64),
        without: &[UserId],
    ) -> Result<HashMap<String, Vec<Reaction>>, StoreError> {
        let rows: Vec<(String, String, String)> = sqlx::query_as(
            "select line_id, emoji, chat_reactions.user_id from chat_reactions join chat_lines on \
            chat_lines.id = line_id \
             where space_id = $1 and seq >= $2 and seq <= $3 order by chat_reactions.at, \
             chat_reactions.user_id",
        )
        .bind(space.to_string())
        .bind(oldest)
        .bind(newest)
        .fetch_all(&self.readers)
        .await?;
        let mut messages: HashMap<String, Vec<Reaction>> = HashMap::new();
        for (message, emoji, user) in rows {
            let user: UserId = id(&user)?;
            if without.contains(&user) {
                continue;
            }
            let kinds = messages.entry(message).or_default();
            match kinds.iter_mut().find(|kind| kind.emoji == emoji) {
                Some(kind) => kind.users.push(user),
                None => kinds.push(Reaction {
                    emoji,
                    users: vec![user],
                }),
            }
        }
        Ok(messages)
    }
}

/// Bytes that a message with this text counts for in the limit of its space.
pub(super) fn weight(text: &str) -> i64 {
    i64::try_from(text.len())
        .unwrap_or(i64::MAX)
        .saturating_add(ROW_BYTES)
}

/// Adds to the bytes that the chat of a space takes.
pub(super) async fn count_bytes(tx: &mut Tx, space: &str, more: i64) -> Result<(), StoreError> {
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
        .bind(message.at as i64)
        .bind(message.scope as i64)
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
        .bind(change.at as i64)
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
        .bind(change.at as i64)
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

impl RawMessageRow {
    pub fn read(self, reactions: Vec<Reaction>) -> Result<ChatMessage, StoreError> {
        let is_deleted = self.deleted != 0;
        Ok(ChatMessage {
            id: id(&self.id)?,
            player: PlayerId::default(),
            user: id(&self.user_id)?,
            name: self.name,
            text: self.text,
            at: self.at as u64,
            client_id: None,
            scope: u8::try_from(self.scope)
                .ok()
                .and_then(Scope::from_wire)
                .ok_or(StoreError::Corrupt("the scope of a message"))?,
            reply_to: self.reply_to.as_deref().map(id).transpose()?,
            edited: self.edited_at.filter(|_| !is_deleted).map(|at| at as u64),
            is_deleted,
            reactions,
        })
    }
}
