//! Chat: messages of spaces that save their chat. `writing` saves them.

mod writing;

use std::collections::HashMap;

pub(super) use self::writing::{count_bytes, weight};
use super::paging::{ListPage, PageRoom};
use super::{Statement, Store, StoreError, column, given, id, natural, over_given};
use crate::components::chat::{ChatMessage, Reaction, Scope};
use crate::components::id::{ChatId, PlayerId, SpaceId, UserId};

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
            let is_end = column(heads.len()) < i64::from(look);
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
        .bind(column(since))
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
        .bind(column(since))
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
        .bind(column(since))
        .bind(column(fitting.min(lengths.len())))
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

    /// Sets the chat rules of a space.
    pub async fn change_chat_rules(
        &self,
        space: SpaceId,
        retention_days: Option<u32>,
        slow_seconds: u32,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "update spaces set chat_retention_days = $2, chat_slow_seconds = $3 where id = $1",
        )
        .bind(space.to_string())
        .bind(retention_days.map(i64::from))
        .bind(i64::from(slow_seconds))
        .execute(&self.writer)
        .await?;
        Ok(())
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

impl RawMessageRow {
    pub fn read(self, reactions: Vec<Reaction>) -> Result<ChatMessage, StoreError> {
        let is_deleted = self.deleted != 0;
        Ok(ChatMessage {
            id: id(&self.id)?,
            player: PlayerId::default(),
            user: id(&self.user_id)?,
            name: self.name,
            text: self.text,
            at: natural(self.at),
            client_id: None,
            scope: u8::try_from(self.scope)
                .ok()
                .and_then(Scope::from_wire)
                .ok_or(StoreError::Corrupt("the scope of a message"))?,
            reply_to: self.reply_to.as_deref().map(id).transpose()?,
            edited: self.edited_at.filter(|_| !is_deleted).map(natural),
            is_deleted,
            reactions,
        })
    }
}
