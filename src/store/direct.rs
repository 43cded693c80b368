//! Direct: what people wrote to one another, and how far each has read.

use uuid::Uuid;

use super::{Store, StoreError, id, now_ms, unless_gone};
use crate::components::direct::DirectMessage;
use crate::components::id::{MessageId, UserId};

/// A message to be.
#[derive(Debug, Clone, Copy)]
pub struct NewMessage<'a> {
    /// Who writes it.
    pub from: UserId,
    /// Who it is for.
    pub to: UserId,
    /// The sender's own number of it.
    pub client_id: u32,
    /// The words.
    pub text: &'a str,
}

/// How keeping a message went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written {
    /// It is kept now.
    New(DirectMessage),
    /// It was kept before: the sender heard no answer.
    Before(DirectMessage),
    /// The sender gave other words under the same number.
    OtherWords,
    /// There is nobody to write to.
    Nobody,
}

/// What one person and another wrote, in short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conversation {
    /// The other.
    pub other: UserId,
    /// Their name.
    pub name: String,
    /// Their picture.
    pub image_url: Option<String>,
    /// The newest message.
    pub last: DirectMessage,
    /// Messages of the other that were not read yet.
    pub unread: u32,
}

#[derive(sqlx::FromRow)]
struct RawMessage {
    id: String,
    client_id: i64,
    from_id: String,
    username: String,
    to_id: String,
    text: String,
    at: i64,
}

#[derive(sqlx::FromRow)]
struct RawConversation {
    other_id: String,
    other_name: String,
    image_url: Option<String>,
    unread: i64,
    #[sqlx(flatten)]
    last: RawMessage,
}

impl Store {
    /// Keeps a message, once however often it is sent.
    pub async fn write_direct(&self, new: NewMessage<'_>) -> Result<Written, StoreError> {
        let text = new.text.replace('\0', "\u{fffd}");
        let id = MessageId(Uuid::now_v7());
        let kept = sqlx::query(
            "insert into direct_messages (id, pair, from_id, to_id, client_id, text, at) \
             select $1, $2, users.id, $4, $5, $6, $7 from users where users.id = $3 \
             on conflict (from_id, to_id, client_id) do nothing",
        )
        .bind(id.to_string())
        .bind(pair(new.from, new.to))
        .bind(new.from.to_string())
        .bind(new.to.to_string())
        .bind(i64::from(new.client_id))
        .bind(&text)
        .bind(now_ms())
        .execute(&self.writer)
        .await;
        if unless_gone(kept)?.is_none() {
            return Ok(Written::Nobody);
        }
        let row: Option<RawMessage> = sqlx::query_as(
            "select direct_messages.id, client_id, from_id, username, to_id, text, at from direct_messages \
             join users on users.id = from_id where from_id = $1 and to_id = $2 and client_id = $3",
        )
        .bind(new.from.to_string())
        .bind(new.to.to_string())
        .bind(i64::from(new.client_id))
        .fetch_optional(&self.writer)
        .await?;
        let Some(message) = row.map(RawMessage::read).transpose()? else {
            return Ok(Written::Nobody);
        };
        Ok(if message.text != text {
            Written::OtherWords
        } else if message.id == id {
            Written::New(message)
        } else {
            Written::Before(message)
        })
    }

    /// What two people wrote to one another, newest first.
    pub async fn directs(
        &self,
        user: UserId,
        other: UserId,
        before: Option<MessageId>,
        limit: u32,
    ) -> Result<Vec<DirectMessage>, StoreError> {
        let rows: Vec<RawMessage> = sqlx::query_as(
            "select direct_messages.id, client_id, from_id, username, to_id, text, at from direct_messages \
             join users on users.id = from_id where pair = $1 and direct_messages.id < $2 \
             order by direct_messages.id desc limit $3",
        )
        .bind(pair(user, other))
        .bind(before.map_or_else(|| "g".to_owned(), |message| message.to_string()))
        .bind(i64::from(limit))
        .fetch_all(&self.readers)
        .await?;
        rows.into_iter().map(RawMessage::read).collect()
    }

    /// With whom somebody writes, the newest conversation first.
    pub async fn conversations(&self, user: UserId, limit: u32) -> Result<Vec<Conversation>, StoreError> {
        let rows: Vec<RawConversation> = sqlx::query_as(
            "select others.id as other_id, others.username as other_name, avatars.image_url, \
             (select count(*) from direct_messages unread where unread.from_id = others.id and unread.to_id = $1 \
              and unread.id > coalesce((select up_to from direct_reads where user_id = $1 and other_id = others.id), '')) \
             as unread, \
             last.id, last.client_id, last.from_id, authors.username, last.to_id, last.text, last.at \
             from (select max(id) as id from direct_messages where from_id = $1 or to_id = $1 group by pair) newest \
             join direct_messages last on last.id = newest.id \
             join users authors on authors.id = last.from_id \
             join users others on others.id = case when last.from_id = $1 then last.to_id else last.from_id end \
             left join avatars on avatars.id = others.avatar_id order by last.id desc limit $2",
        )
        .bind(user.to_string())
        .bind(i64::from(limit))
        .fetch_all(&self.readers)
        .await?;
        rows.into_iter().map(RawConversation::read).collect()
    }

    /// Somebody has read what another wrote, up to that message; it never goes back.
    pub async fn read_direct(&self, user: UserId, other: UserId, up_to: MessageId) -> Result<(), StoreError> {
        let kept = sqlx::query(
            "insert into direct_reads (user_id, other_id, up_to) values ($1, $2, $3) \
             on conflict (user_id, other_id) do update set up_to = excluded.up_to \
             where excluded.up_to > direct_reads.up_to",
        )
        .bind(user.to_string())
        .bind(other.to_string())
        .bind(up_to.to_string())
        .execute(&self.writer)
        .await;
        unless_gone(kept)?;
        Ok(())
    }
}

/// What names a conversation from both sides.
fn pair(a: UserId, b: UserId) -> String {
    format!("{} {}", a.min(b), a.max(b))
}

impl RawMessage {
    fn read(self) -> Result<DirectMessage, StoreError> {
        Ok(DirectMessage {
            id: id(&self.id)?,
            client_id: u32::try_from(self.client_id).map_err(|_| StoreError::Corrupt("a message's number"))?,
            from: id(&self.from_id)?,
            name: self.username,
            to: id(&self.to_id)?,
            text: self.text,
            at: self.at as u64,
        })
    }
}

impl RawConversation {
    fn read(self) -> Result<Conversation, StoreError> {
        Ok(Conversation {
            other: id(&self.other_id)?,
            name: self.other_name,
            image_url: self.image_url,
            last: self.last.read()?,
            unread: u32::try_from(self.unread).unwrap_or(u32::MAX),
        })
    }
}
