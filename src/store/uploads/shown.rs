//! Shown: tracks which messages show which pictures. A picture is deleted in the same transaction
//! as the last message of its owner, avatar, element or map that shows it. A message of another
//! user never deletes it: everyone who sees a picture knows its address. Missed and never shown
//! pictures are swept.

use std::collections::{BTreeMap, BTreeSet};

use super::super::{Store, StoreError, Tx, now_ms};
use super::files::{Deleted, bury};
use super::touch;
use crate::components::id::{ChatId, MessageId, SpaceId, UserId};
use crate::space::DurableEvent;

/// How long an unused picture is kept: it may belong to an unsent message, or to a message to
/// nearby players.
const UNUSED_MS: i64 = 24 * 60 * 60 * 1_000;

/// How long a picture is kept at most in a space with ephemeral chat. A running space reports which
/// pictures it shows; this is for one that ended without a report and was never opened again.
const EPHEMERAL_MS: i64 = 7 * 24 * 60 * 60 * 1_000;

/// Most pictures tracked per message.
const MOST_PICTURES: usize = 32;

/// Most pictures deleted per sweep, so that no request waits long for the database.
const SWEEP: i64 = 500;

/// A picture in a message of a space.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ShownPicture {
    /// Hash that names the picture.
    pub hash: String,
    /// The message.
    pub message: ChatId,
    /// Author of the message.
    pub author: UserId,
}

/// A picture that a message showed, and the id of the message's author.
pub(super) type NoLongerShown = BTreeSet<(String, String)>;

/// Condition: nothing shows the picture.
macro_rules! unused {
    ($start:literal, $end:literal) => {
        concat!(
            $start,
            " not exists (select 1 from line_uploads where line_uploads.hash = uploads.hash) ",
            "and not exists (select 1 from direct_uploads where direct_uploads.hash = \
            uploads.hash) ",
            "and not exists (select 1 from avatars where image_url like '%/files/' || uploads.hash \
            || '.%') ",
            "and not exists (select 1 from elements where image_url like '%/files/' || \
            uploads.hash || '.%') ",
            "and not exists (select 1 from maps where thumbnail like '%/files/' || uploads.hash || \
            '.%') ",
            $end
        )
    };
}

/// Names of the uploaded pictures in a text, each once, in a fixed order.
pub fn pictures_in(text: &str) -> BTreeSet<&str> {
    text.split("/files/")
        .skip(1)
        .filter_map(|rest| rest.get(..64))
        .filter(|name| {
            name.bytes()
                .all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
        })
        .take(MOST_PICTURES)
        .collect()
}

impl Store {
    /// Records which messages of a space with ephemeral chat show pictures now. Deletes pictures
    /// that are not shown any longer, and those in `sent`, whose messages may be gone before a
    /// report.
    pub async fn show_in_space(
        &self,
        space: SpaceId,
        shown: &[ShownPicture],
        sent: &BTreeSet<ShownPicture>,
    ) -> Result<(), StoreError> {
        let known: Vec<(String, String, String)> = sqlx::query_as(
            "select line_id, hash, user_id from line_uploads where space_id = $1 order by hash",
        )
        .bind(space.to_string())
        .fetch_all(&self.writer)
        .await?;
        if known.is_empty() && shown.is_empty() && sent.is_empty() {
            return Ok(());
        }
        let mut tx = self.begin().await?;
        let shown: BTreeSet<&ShownPicture> = shown.iter().collect();
        for picture in &shown {
            let line = LineRow {
                id: &picture.message.to_string(),
                author: &picture.author.to_string(),
                at: now_ms(),
            };
            note(&mut tx, space, line, &picture.hash).await?;
        }
        let names = |picture: &ShownPicture| (picture.hash.clone(), picture.message.to_string());
        let shown: BTreeSet<(String, String)> = shown.into_iter().map(names).collect();
        let mut freed: NoLongerShown = sent
            .iter()
            .map(|picture| (picture.hash.clone(), picture.author.to_string()))
            .collect();
        for (message, hash, author) in known {
            if !shown.contains(&(hash.clone(), message.clone())) {
                sqlx::query("delete from line_uploads where line_id = $1 and hash = $2")
                    .bind(message)
                    .bind(&hash)
                    .execute(&mut *tx)
                    .await?;
                freed.insert((hash, author));
            }
        }
        free_own(&mut tx, &freed).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Deletes unused pictures that were not deleted together with their last use; returns their
    /// number.
    pub async fn sweep_uploads(&self) -> Result<u64, StoreError> {
        let now = now_ms();
        // A message that is not saved yet may still be added to the table.
        sqlx::query(
            "delete from line_uploads where (at < $1 and space_id in (select id from spaces where \
            chat = 'kept') \
             and not exists (select 1 from chat_lines join spaces on spaces.id = \
             chat_lines.space_id \
             where chat_lines.id = line_id and chat_lines.deleted = 0 and (seq = 0 or seq > \
             chat_cleared))) \
             or (at < $2 and space_id in (select id from spaces where chat <> 'kept'))",
        )
        .bind(now - UNUSED_MS)
        .bind(now - EPHEMERAL_MS)
        .execute(&self.writer)
        .await?;
        let unused: Vec<(String,)> = sqlx::query_as(unused!(
            "select hash from uploads where touched_at < $1 and",
            "order by hash limit $2"
        ))
        .bind(now - UNUSED_MS)
        .bind(SWEEP)
        .fetch_all(&self.readers)
        .await?;
        let mut tx = self.begin().await?;
        let unused = unused.into_iter().map(|(hash,)| hash).collect();
        let swept = free(&mut tx, &unused).await?;
        tx.commit().await?;
        Ok(swept)
    }
}

/// A message in a space.
#[derive(Debug, Clone, Copy)]
struct LineRow<'a> {
    id: &'a str,
    author: &'a str,
    at: i64,
}

/// Records that a message shows a picture, if the picture exists.
async fn note(
    tx: &mut Tx,
    space: SpaceId,
    line: LineRow<'_>,
    hash: &str,
) -> Result<(), StoreError> {
    if touch(tx, hash, now_ms()).await? {
        sqlx::query(
            "insert into line_uploads (line_id, hash, space_id, at, user_id) \
             select $1, $2, id, $4, $5 from spaces where id = $3 \
             on conflict (line_id, hash) do nothing",
        )
        .bind(line.id)
        .bind(hash)
        .bind(space.to_string())
        .bind(line.at)
        .bind(line.author)
        .execute(&mut **tx)
        .await?;
    }
    Ok(())
}

/// Called after chat events were saved: records which pictures the messages show, and deletes those
/// that are not shown any longer.
pub(in crate::store) async fn follow_messages(
    tx: &mut Tx,
    space: SpaceId,
    events: &[DurableEvent],
) -> Result<(), StoreError> {
    let mut freed = NoLongerShown::new();
    // Pictures in the messages: those may be gone already, by a later event of the same batch.
    let mut messages: BTreeMap<ChatId, BTreeSet<&str>> = BTreeMap::new();
    let mut is_cleared = false;
    for event in events {
        match event {
            DurableEvent::Said(message) if message.text.contains("/files/") => {
                let pictures = messages.entry(message.id).or_default();
                pictures.extend(pictures_in(&message.text));
            }
            DurableEvent::Changed(change) => {
                let pictures = messages.entry(change.id).or_default();
                pictures.extend(pictures_in(change.text.as_deref().unwrap_or_default()));
            }
            DurableEvent::Said(_) | DurableEvent::Reacted(_) => {}
            DurableEvent::Cleared(_) => is_cleared = true,
        }
    }
    if is_cleared {
        let gone: Vec<(String, String)> = sqlx::query_as(
            "delete from line_uploads where space_id = $1 and not exists \
             (select 1 from chat_lines join spaces on spaces.id = chat_lines.space_id \
             where chat_lines.id = line_id and chat_lines.deleted = 0 and (seq = 0 or seq > \
             chat_cleared)) returning hash, user_id",
        )
        .bind(space.to_string())
        .fetch_all(&mut **tx)
        .await?;
        freed.extend(gone);
    }
    for (message, pictures) in messages {
        follow_message(tx, space, message, pictures, &mut freed).await?;
    }
    free_own(tx, &freed).await?;
    Ok(())
}

/// Records the pictures of one message; adds to `freed` those that it does not show any longer.
async fn follow_message(
    tx: &mut Tx,
    space: SpaceId,
    message: ChatId,
    mentioned: BTreeSet<&str>,
    freed: &mut NoLongerShown,
) -> Result<(), StoreError> {
    let row: Option<(String, String, i64)> = sqlx::query_as(
        "select chat_lines.user_id, case when deleted = 0 and (seq = 0 or seq > chat_cleared) \
         then text else '' end, at \
         from chat_lines join spaces on spaces.id = chat_lines.space_id \
         where chat_lines.id = $1 and chat_lines.space_id = $2",
    )
    .bind(message.to_string())
    .bind(space.to_string())
    .fetch_optional(&mut **tx)
    .await?;
    let (author, text, at) = row.unwrap_or_default();
    let now = pictures_in(&text);
    let message = message.to_string();
    for hash in &now {
        let line = LineRow {
            id: &message,
            author: &author,
            at,
        };
        note(tx, space, line, hash).await?;
    }
    let gone = mentioned.into_iter().filter(|hash| !now.contains(hash));
    freed.extend(gone.map(|hash| (hash.to_owned(), author.clone())));
    let known: Vec<(String, String)> =
        sqlx::query_as("select hash, user_id from line_uploads where line_id = $1")
            .bind(&message)
            .fetch_all(&mut **tx)
            .await?;
    for (hash, author) in known
        .into_iter()
        .filter(|(hash, _)| !now.contains(hash.as_str()))
    {
        sqlx::query("delete from line_uploads where line_id = $1 and hash = $2")
            .bind(&message)
            .bind(&hash)
            .execute(&mut **tx)
            .await?;
        freed.insert((hash, author));
    }
    Ok(())
}

/// Records the pictures of a direct message.
pub(in crate::store) async fn follow_directs(
    tx: &mut Tx,
    message: MessageId,
    text: &str,
) -> Result<(), StoreError> {
    for hash in pictures_in(text) {
        if touch(tx, hash, now_ms()).await? {
            sqlx::query(
                "insert into direct_uploads (message_id, hash) select id, $2 from direct_messages \
                where id = $1 \
                 on conflict (message_id, hash) do nothing",
            )
            .bind(message.to_string())
            .bind(hash)
            .execute(&mut **tx)
            .await?;
        }
    }
    Ok(())
}

/// Pictures that the messages of a space show: input of [`free_own`], after the space was deleted.
pub(in crate::store) async fn shown_in_space(
    tx: &mut Tx,
    space: SpaceId,
) -> Result<NoLongerShown, StoreError> {
    let gone: Vec<(String, String)> =
        sqlx::query_as("select distinct hash, user_id from line_uploads where space_id = $1")
            .bind(space.to_string())
            .fetch_all(&mut **tx)
            .await?;
    Ok(gone.into_iter().collect())
}

/// Called after messages were deleted: deletes the pictures of their authors that they showed.
pub(in crate::store) async fn free_messages(
    tx: &mut Tx,
    messages: impl Iterator<Item = &str>,
) -> Result<(), StoreError> {
    let mut freed = NoLongerShown::new();
    for message in messages {
        let gone: Vec<(String, String)> =
            sqlx::query_as("delete from line_uploads where line_id = $1 returning hash, user_id")
                .bind(message.to_owned())
                .fetch_all(&mut **tx)
                .await?;
        freed.extend(gone);
    }
    free_own(tx, &freed).await?;
    Ok(())
}

/// Deletes those of the pictures that nothing shows any longer and that belong to the author of the
/// message that showed them. Others stay for their owner, or until they are swept.
pub(in crate::store) async fn free_own(
    tx: &mut Tx,
    shown: &NoLongerShown,
) -> Result<(), StoreError> {
    let mut own = BTreeSet::new();
    for (hash, author) in shown {
        let is_own: Option<(String,)> =
            sqlx::query_as("select hash from uploads where hash = $1 and user_id = $2")
                .bind(hash)
                .bind(author)
                .fetch_optional(&mut **tx)
                .await?;
        own.extend(is_own.map(|(hash,)| hash));
    }
    free(tx, &own).await?;
    Ok(())
}

/// Deletes those of the pictures that nothing shows any longer, regardless of their owner; returns
/// their number.
pub(in crate::store) async fn free(
    tx: &mut Tx,
    hashes: &BTreeSet<String>,
) -> Result<u64, StoreError> {
    let mut freed = 0;
    for hash in hashes {
        // Waits for a transaction that records another use at this moment; the next statement sees
        // it.
        sqlx::query("update uploads set touched_at = touched_at where hash = $1")
            .bind(hash)
            .execute(&mut **tx)
            .await?;
        let deleted: Option<Deleted> = sqlx::query_as(unused!(
            "delete from uploads where hash = $1 and",
            "returning hash, format, user_id, size"
        ))
        .bind(hash)
        .fetch_optional(&mut **tx)
        .await?;
        freed += u64::from(deleted.is_some());
        bury(tx, deleted).await?;
    }
    Ok(freed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_of_a_text_are_found_once_and_nothing_else_is() {
        let (a, b) = ("a".repeat(64), "0".repeat(64));
        let text = format!(
            "![](/files/{a}.png) and ![](/files/{b}.jpg), again /files/{a}.png; /files/{}.png \
            /files/x /files/ü{a}",
            "A".repeat(64)
        );
        assert_eq!(pictures_in(&text).into_iter().collect::<Vec<_>>(), [&b, &a]);
        assert!(pictures_in("/files/").is_empty() && pictures_in("no").is_empty());
    }
}
