//! Chat: what was said in spaces that keep it.

use std::collections::HashMap;

use super::spaces::pattern;
use super::{Store, StoreError, Tx, id, now_ms, unless_gone};
use crate::components::chat::{ChatLine, LineChange, LineReaction, Reaction, Scope};
use crate::components::id::{ChatId, PlayerId, SpaceId, UserId};
use crate::components::peers::VoiceRules;
use crate::space::DurableEvent;

/// A page of what was said, newest first.
#[derive(Debug, Clone, Copy, Default)]
pub struct ChatPage<'a> {
    /// Only lines with this in them, in any case; empty for all.
    pub search: &'a str,
    /// Only what was said before this line.
    pub before: Option<ChatId>,
    /// Only what was said since then, in Unix milliseconds.
    pub since: u64,
    /// At most so many.
    pub limit: u32,
}

#[derive(sqlx::FromRow)]
struct RawLine {
    id: String,
    user_id: String,
    name: String,
    text: String,
    at: i64,
    scope: i64,
    reply_to: Option<String>,
    edited_at: Option<i64>,
    deleted: i64,
}

impl Store {
    /// Keeps for ever what became of lines, in order; the same again changes nothing. A space that was deleted meanwhile needs none.
    pub async fn keep_chat(&self, space: SpaceId, events: &[DurableEvent]) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        for event in events {
            let is_there = match event {
                DurableEvent::Said(line) => keep_line(&mut tx, space, line).await?,
                DurableEvent::Changed(change) => change_line(&mut tx, space, change).await?,
                DurableEvent::Reacted(reaction) => keep_reaction(&mut tx, space, reaction).await?,
                DurableEvent::Cleared(_) => clear(&mut tx, space).await?,
            };
            if !is_there {
                return Ok(());
            }
        }
        tx.commit().await?;
        Ok(())
    }

    /// What was said in a space, newest first.
    pub async fn lines(&self, space: SpaceId, page: ChatPage<'_>) -> Result<Vec<ChatLine>, StoreError> {
        let rows: Vec<RawLine> = sqlx::query_as(
            "select id, user_id, name, text, at, scope, reply_to, edited_at, deleted from chat_lines \
             where space_id = $1 and id < $2 and search like $3 escape '\\' and at >= $4 and (deleted = 0 or $5 = 0) \
             order by id desc limit $6",
        )
        .bind(space.to_string())
        .bind(page.before.map_or_else(|| "g".to_owned(), |line| line.to_string()))
        .bind(pattern(page.search))
        .bind(page.since as i64)
        .bind(i64::from(!page.search.is_empty()))
        .bind(i64::from(page.limit))
        .fetch_all(&self.readers)
        .await?;
        let mut reactions = match (rows.last(), rows.first()) {
            (Some(oldest), Some(newest)) => self.reactions(space, &oldest.id, &newest.id).await?,
            _ => HashMap::new(),
        };
        rows.into_iter()
            .map(|row| {
                let reactions = reactions.remove(&row.id).unwrap_or_default();
                row.read(reactions)
            })
            .collect()
    }

    /// One line of a space.
    pub async fn line(&self, space: SpaceId, line: ChatId) -> Result<Option<ChatLine>, StoreError> {
        let row: Option<RawLine> = sqlx::query_as(
            "select id, user_id, name, text, at, scope, reply_to, edited_at, deleted from chat_lines \
             where space_id = $1 and id = $2",
        )
        .bind(space.to_string())
        .bind(line.to_string())
        .fetch_optional(&self.readers)
        .await?;
        row.map(|row| row.read(Vec::new())).transpose()
    }

    /// Sets how long lines are kept, how much time lies between two of the same user, and how people hear and see each other.
    pub async fn change_chat_rules(
        &self,
        space: SpaceId,
        retention_days: Option<u32>,
        slow_seconds: u32,
        voices: VoiceRules,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "update spaces set chat_retention_days = $2, chat_slow_seconds = $3, reach_tiles = $4, most_voices = $5, \
             most_pictures = $6, walls = $7 where id = $1",
        )
        .bind(space.to_string())
        .bind(retention_days.map(i64::from))
        .bind(i64::from(slow_seconds))
        .bind(i64::from(voices.reach))
        .bind(i64::from(voices.voices))
        .bind(i64::from(voices.pictures))
        .bind(voices.walls.map(i64::from))
        .execute(&self.writer)
        .await?;
        Ok(())
    }

    /// Forgets what was said in a space before that moment, in Unix milliseconds.
    pub async fn forget_lines_before(&self, space: SpaceId, at: u64) -> Result<(), StoreError> {
        sqlx::query("delete from chat_lines where space_id = $1 and at < $2")
            .bind(space.to_string())
            .bind(at as i64)
            .execute(&self.writer)
            .await?;
        Ok(())
    }

    /// Forgets what is older than the spaces want it to be kept; answers how many lines that were.
    pub async fn forget_old_lines(&self) -> Result<u64, StoreError> {
        let forgotten = sqlx::query(
            "delete from chat_lines where exists (select 1 from spaces where spaces.id = space_id \
             and chat_retention_days is not null and at < $1 - chat_retention_days * 86400000)",
        )
        .bind(now_ms())
        .execute(&self.writer)
        .await?;
        Ok(forgotten.rows_affected())
    }

    /// Reactions to a stretch of lines.
    async fn reactions(
        &self,
        space: SpaceId,
        oldest: &str,
        newest: &str,
    ) -> Result<HashMap<String, Vec<Reaction>>, StoreError> {
        let rows: Vec<(String, String, String)> = sqlx::query_as(
            "select line_id, emoji, chat_reactions.user_id from chat_reactions join chat_lines on chat_lines.id = line_id \
             where space_id = $1 and line_id >= $2 and line_id <= $3 order by chat_reactions.at, chat_reactions.user_id",
        )
        .bind(space.to_string())
        .bind(oldest)
        .bind(newest)
        .fetch_all(&self.readers)
        .await?;
        let mut lines: HashMap<String, Vec<Reaction>> = HashMap::new();
        for (line, emoji, user) in rows {
            let user: UserId = id(&user)?;
            let kinds = lines.entry(line).or_default();
            match kinds.iter_mut().find(|kind| kind.emoji == emoji) {
                Some(kind) => kind.users.push(user),
                None => kinds.push(Reaction {
                    emoji,
                    users: vec![user],
                }),
            }
        }
        Ok(lines)
    }
}

/// PostgreSQL has no text with a zero in it.
fn storable(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

async fn keep_line(tx: &mut Tx, space: SpaceId, line: &ChatLine) -> Result<bool, StoreError> {
    let text = storable(&line.text);
    let kept = sqlx::query(
        "insert into chat_lines (id, space_id, user_id, name, text, search, at, scope, reply_to) \
         select $1, id, $3, $4, $5, $6, $7, $8, $9 from spaces where id = $2 on conflict (id) do nothing",
    )
    .bind(line.id.to_string())
    .bind(space.to_string())
    .bind(line.user.to_string())
    .bind(&line.name)
    .bind(&text)
    .bind(text.to_lowercase())
    .bind(line.at as i64)
    .bind(line.scope as i64)
    .bind(line.reply_to.map(|line| line.to_string()))
    .execute(&mut **tx)
    .await;
    Ok(unless_gone(kept)?.is_some())
}

/// What was deleted stays so, and an older change does not undo a newer one.
async fn change_line(tx: &mut Tx, space: SpaceId, change: &LineChange) -> Result<bool, StoreError> {
    let text = change.text.as_deref().map(storable);
    let changed = sqlx::query(
        "update chat_lines set text = $3, search = $4, edited_at = $5, deleted = $6 where id = $1 and space_id = $2 \
         and deleted = 0 and ($6 = 1 or edited_at is null or edited_at <= $5)",
    )
    .bind(change.id.to_string())
    .bind(space.to_string())
    .bind(text.clone().unwrap_or_default())
    .bind(text.as_deref().unwrap_or_default().to_lowercase())
    .bind(change.at as i64)
    .bind(i64::from(text.is_none()))
    .execute(&mut **tx)
    .await?;
    if text.is_none() && changed.rows_affected() > 0 {
        sqlx::query("delete from chat_reactions where line_id = $1")
            .bind(change.id.to_string())
            .execute(&mut **tx)
            .await?;
    }
    Ok(true)
}

async fn keep_reaction(tx: &mut Tx, space: SpaceId, reaction: &LineReaction) -> Result<bool, StoreError> {
    let statement = if reaction.on {
        "insert into chat_reactions (line_id, emoji, user_id, at) select id, $2, $3, $4 from chat_lines \
         where id = $1 and space_id = $5 and deleted = 0 on conflict (line_id, emoji, user_id) do nothing"
    } else {
        "delete from chat_reactions where line_id = $1 and emoji = $2 and user_id = $3 and $4 > 0 \
         and exists (select 1 from chat_lines where id = $1 and space_id = $5)"
    };
    let kept = sqlx::query(statement)
        .bind(reaction.id.to_string())
        .bind(&reaction.emoji)
        .bind(reaction.user.to_string())
        .bind(now_ms())
        .bind(space.to_string())
        .execute(&mut **tx)
        .await;
    Ok(unless_gone(kept)?.is_some())
}

async fn clear(tx: &mut Tx, space: SpaceId) -> Result<bool, StoreError> {
    sqlx::query("delete from chat_lines where space_id = $1")
        .bind(space.to_string())
        .execute(&mut **tx)
        .await?;
    Ok(true)
}

impl RawLine {
    fn read(self, reactions: Vec<Reaction>) -> Result<ChatLine, StoreError> {
        let is_deleted = self.deleted != 0;
        Ok(ChatLine {
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
                .ok_or(StoreError::Corrupt("who a line is for"))?,
            reply_to: self.reply_to.as_deref().map(id).transpose()?,
            edited: self.edited_at.filter(|_| !is_deleted).map(|at| at as u64),
            is_deleted,
            reactions,
        })
    }
}
