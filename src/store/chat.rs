//! Chat: what was said in spaces that keep it.

use super::spaces::pattern;
use super::{Store, StoreError, id, unless_gone};
use crate::components::chat::ChatLine;
use crate::components::id::{ChatId, PlayerId, SpaceId};

/// A page of what was said, newest first.
#[derive(Debug, Clone, Copy, Default)]
pub struct ChatPage<'a> {
    /// Only lines with this in them, in any case; empty for all.
    pub search: &'a str,
    /// Only what was said before this line.
    pub before: Option<ChatId>,
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
}

impl Store {
    /// Keeps lines for ever, each once however often it is kept. A space that was deleted meanwhile needs none.
    pub async fn keep_lines(&self, space: SpaceId, lines: &[ChatLine]) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        for line in lines {
            // PostgreSQL has no text with this in it.
            let text = line.text.replace('\0', "\u{fffd}");
            let kept = sqlx::query(
                "insert into chat_lines (id, space_id, user_id, name, text, search, at) \
                 select $1, id, $3, $4, $5, $6, $7 from spaces where id = $2 on conflict (id) do nothing",
            )
            .bind(line.id.to_string())
            .bind(space.to_string())
            .bind(line.user.to_string())
            .bind(&line.name)
            .bind(&text)
            .bind(text.to_lowercase())
            .bind(line.at as i64)
            .execute(&mut *tx)
            .await;
            if unless_gone(kept)?.is_none() {
                return Ok(());
            }
        }
        tx.commit().await?;
        Ok(())
    }

    /// What was said in a space, newest first.
    pub async fn lines(&self, space: SpaceId, page: ChatPage<'_>) -> Result<Vec<ChatLine>, StoreError> {
        let rows: Vec<RawLine> = sqlx::query_as(
            "select id, user_id, name, text, at from chat_lines where space_id = $1 and id < $2 \
             and search like $3 escape '\\' order by id desc limit $4",
        )
        .bind(space.to_string())
        .bind(page.before.map_or_else(|| "g".to_owned(), |line| line.to_string()))
        .bind(pattern(page.search))
        .bind(i64::from(page.limit))
        .fetch_all(&self.readers)
        .await?;
        rows.into_iter().map(RawLine::read).collect()
    }
}

impl RawLine {
    fn read(self) -> Result<ChatLine, StoreError> {
        Ok(ChatLine {
            id: id(&self.id)?,
            player: PlayerId::default(),
            user: id(&self.user_id)?,
            name: self.name,
            text: self.text,
            at: self.at as u64,
            client_id: None,
        })
    }
}
