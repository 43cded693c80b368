//! Word filter: the lists of words of spaces. Which one holds is read with the membership.

use uuid::Uuid;

use super::audit_log::{self, Act, Actor, NewAuditRow};
use super::members::{name_within, raise_membership_version};
use super::{Store, StoreError, now_ms};
use crate::components::id::{SpaceId, UserId, WordListId};
use crate::components::word_filter::{FilterAction, WordList};

impl Store {
    /// A list of words; `None` when another took its place.
    pub async fn word_list(&self, list: WordListId) -> Result<Option<WordList>, StoreError> {
        let row: Option<(String, String)> =
            sqlx::query_as("select action, words from word_lists where id = $1")
                .bind(list.to_string())
                .fetch_optional(&self.readers)
                .await?;
        row.map(|(action, words)| {
            // An action of a later version counts as the mildest one.
            let action = FilterAction::from_word(&action).unwrap_or_default();
            WordList::new(action, words.lines(), usize::MAX)
                .map_err(|_| StoreError::Corrupt("a word filter"))
        })
        .transpose()
    }

    /// Id of the list of a space, if it has one.
    pub async fn word_list_of(&self, space: SpaceId) -> Result<Option<WordListId>, StoreError> {
        let row: Option<(String,)> = sqlx::query_as("select word_filter from spaces where id = $1")
            .bind(space.to_string())
            .fetch_optional(&self.readers)
            .await?;
        Ok(row.and_then(|(list,)| list.parse().ok()))
    }

    /// Gives a space a list of words; an empty one filters nothing. Returns whether the space is
    /// there.
    pub async fn change_word_list(
        &self,
        actor: &Actor,
        space: SpaceId,
        list: &WordList,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        if !raise_membership_version(&mut tx, space).await? {
            return Ok(false);
        }
        sqlx::query("delete from word_lists where space_id = $1")
            .bind(space.to_string())
            .execute(&mut *tx)
            .await?;
        let words = list.words();
        let id = if words.is_empty() {
            String::new()
        } else {
            Uuid::now_v7().to_string()
        };
        if !words.is_empty() {
            sqlx::query(
                "insert into word_lists (id, space_id, action, words, at) \
                 values ($1, $2, $3, $4, $5)",
            )
            .bind(&id)
            .bind(space.to_string())
            .bind(list.action().word())
            .bind(words.join("\n"))
            .bind(now_ms())
            .execute(&mut *tx)
            .await?;
        }
        let (name,): (String,) =
            sqlx::query_as("update spaces set word_filter = $2 where id = $1 returning name")
                .bind(space.to_string())
                .bind(&id)
                .fetch_one(&mut *tx)
                .await?;
        let detail = match words.len() {
            0 => "word filter: none".to_owned(),
            count => format!("word filter: words: {count}, {}", list.action().word()),
        };
        let deed = NewAuditRow {
            actor,
            act: Act::ChangeSpace,
            space: Some(space),
            target_id: space.to_string(),
            target: &name,
            detail: &detail,
        };
        audit_log::write(&mut tx, deed).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Notes that a user wrote words of a list: in a space, or elsewhere on the server.
    pub async fn note_filtered(
        &self,
        space: Option<SpaceId>,
        user: UserId,
        detail: &str,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let name = name_within(&mut tx, user).await?;
        let deed = NewAuditRow {
            actor: &Actor::word_filter(),
            act: Act::FilterWords,
            space,
            target_id: user.to_string(),
            target: &name.unwrap_or_default(),
            detail,
        };
        audit_log::write(&mut tx, deed).await?;
        tx.commit().await?;
        Ok(())
    }
}
