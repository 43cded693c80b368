//! Direct messages between users, and read positions.

use uuid::Uuid;

use super::paging::{ListPage, PageRoom};
use super::{Store, StoreError, Tx, column, id, natural, now_ms, unless_gone, uploads};
use crate::components::direct::DirectMessage;
use crate::components::id::{MessageId, UserId};

/// Lengths of the newest messages in a page of conversations.
const LENGTHS_OF_CONVERSATIONS: &str = "select cast(octet_length(last.text) as bigint) \
    from direct_conversations \
    join direct_messages last on last.id = last_id \
    where user_id = $1 and last_id < $2 order by last_id desc limit $3";

/// A page of conversations.
const CONVERSATIONS: &str = "select others.id as other_id, \
    coalesce(others.display_name, others.username) as other_name, \
    avatars.image_url, unread, last.id, last.client_id, last.from_id, \
    coalesce(authors.display_name, authors.username) as username, \
    last.to_id, last.text, last.at \
    from direct_conversations \
    join direct_messages last on last.id = last_id \
    join users authors on authors.id = last.from_id \
    join users others on others.id = other_id \
    left join avatars on avatars.id = others.avatar_id \
    where user_id = $1 and last_id < $2 order by last_id desc limit $3";

/// A message to be written.
#[derive(Debug, Clone, Copy)]
pub struct NewMessage<'a> {
    /// Sender.
    pub from: UserId,
    /// Recipient.
    pub to: UserId,
    /// The sender's own number of the message.
    pub client_id: u32,
    /// Text.
    pub text: &'a str,
}

/// Result of writing a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written {
    /// It was written.
    New(DirectMessage),
    /// It was written earlier: the sender missed the answer.
    Before(DirectMessage),
    /// Refused: an earlier message with this number has another text.
    OtherWords,
    /// Refused: there is no such recipient.
    Nobody,
}

/// Summary of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conversation {
    /// Id of the other user.
    pub other: UserId,
    /// Name of the other user.
    pub name: String,
    /// Address of the other user's picture.
    pub image_url: Option<String>,
    /// Newest message.
    pub last: DirectMessage,
    /// Messages of the other user that were not read yet; 1,000 means 1,000 or more.
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
    /// Whether a user wrote to another before.
    pub async fn has_written(&self, from: UserId, to: UserId) -> Result<bool, StoreError> {
        let row: Option<(i64,)> = sqlx::query_as(
            "select cast(1 as bigint) from direct_messages where pair = $1 and from_id = $2 \
             limit 1",
        )
        .bind(pair(from, to))
        .bind(from.to_string())
        .fetch_optional(&self.readers)
        .await?;
        Ok(row.is_some())
    }

    /// Writes a message once, however often it is sent. In a conversation a later message has a
    /// higher id, independent of the clocks of processes.
    pub async fn write_direct(&self, new: NewMessage<'_>) -> Result<Written, StoreError> {
        let text = new.text.replace('\0', "\u{fffd}");
        let mut tx = self.begin().await?;
        // Locks the conversation, so that only one message is written at a time.
        let last = sqlx::query_as(
            "insert into direct_conversations (user_id, other_id, last_id) values ($1, $2, '') \
             on conflict (user_id, other_id) do update set last_id = direct_conversations.last_id \
             returning last_id",
        )
        .bind(new.from.min(new.to).to_string())
        .bind(new.from.max(new.to).to_string())
        .fetch_one(&mut *tx)
        .await;
        let Some((last,)): Option<(String,)> = unless_gone(last)? else {
            return Ok(Written::Nobody);
        };
        let id = next_id(&last)?;
        let kept = sqlx::query(
            "insert into direct_messages (id, pair, from_id, to_id, client_id, text, at) \
             values ($1, $2, $3, $4, $5, $6, $7) \
             on conflict (from_id, to_id, client_id) do nothing",
        )
        .bind(id.to_string())
        .bind(pair(new.from, new.to))
        .bind(new.from.to_string())
        .bind(new.to.to_string())
        .bind(i64::from(new.client_id))
        .bind(&text)
        .bind(now_ms())
        .execute(&mut *tx)
        .await?;
        let is_new = kept.rows_affected() > 0;
        if is_new {
            uploads::follow_directs(&mut tx, id, &text).await?;
            // Always in the same order: two users who write to each other at once would deadlock
            // otherwise.
            for user in [new.from.min(new.to), new.from.max(new.to)] {
                let other = if user == new.from { new.to } else { new.from };
                list(&mut tx, user, other, id, user == new.to).await?;
            }
        }
        let row: RawMessage = sqlx::query_as(
            "select direct_messages.id, client_id, from_id, \
             coalesce(display_name, username) as username, to_id, text, at from \
            direct_messages \
             join users on users.id = from_id where from_id = $1 and to_id = $2 and client_id = $3",
        )
        .bind(new.from.to_string())
        .bind(new.to.to_string())
        .bind(i64::from(new.client_id))
        .fetch_one(&mut *tx)
        .await?;
        tx.commit().await?;
        let message = row.read()?;
        Ok(if message.text != text {
            Written::OtherWords
        } else if is_new {
            Written::New(message)
        } else {
            Written::Before(message)
        })
    }

    /// Messages between two users, newest first.
    pub async fn directs(
        &self,
        user: UserId,
        other: UserId,
        before: Option<MessageId>,
        limit: u32,
    ) -> Result<ListPage<DirectMessage>, StoreError> {
        let before = before.map_or_else(|| "g".to_owned(), |message| message.to_string());
        let lengths: Vec<i64> = sqlx::query_scalar(
            "select cast(octet_length(text) as bigint) from direct_messages \
             where pair = $1 and id < $2 order by id desc limit $3",
        )
        .bind(pair(user, other))
        .bind(&before)
        .bind(i64::from(limit) + 1)
        .fetch_all(&self.readers)
        .await?;
        let fitting = PageRoom::new(limit).fitting(lengths.iter().copied());
        let rows: Vec<RawMessage> = sqlx::query_as(
            "select direct_messages.id, client_id, from_id, username, to_id, text, at from \
            direct_messages \
             join users on users.id = from_id where pair = $1 and direct_messages.id < $2 \
             order by direct_messages.id desc limit $3",
        )
        .bind(pair(user, other))
        .bind(&before)
        .bind(column(fitting.min(lengths.len())))
        .fetch_all(&self.readers)
        .await?;
        let items: Result<_, _> = rows.into_iter().map(RawMessage::read).collect();
        Ok(ListPage {
            items: items?,
            has_more: fitting < lengths.len(),
        })
    }

    /// Conversations of a user, the newest first; only those whose newest message is before
    /// `before`.
    pub async fn conversations(
        &self,
        user: UserId,
        before: Option<MessageId>,
        limit: u32,
    ) -> Result<ListPage<Conversation>, StoreError> {
        let before = before.map_or_else(|| "g".to_owned(), |message| message.to_string());
        let lengths: Vec<i64> = sqlx::query_scalar(LENGTHS_OF_CONVERSATIONS)
            .bind(user.to_string())
            .bind(&before)
            .bind(i64::from(limit) + 1)
            .fetch_all(&self.readers)
            .await?;
        let fitting = PageRoom::new(limit).fitting(lengths.iter().copied());
        let rows: Vec<RawConversation> = sqlx::query_as(CONVERSATIONS)
            .bind(user.to_string())
            .bind(&before)
            .bind(column(fitting.min(lengths.len())))
            .fetch_all(&self.readers)
            .await?;
        let items: Result<_, _> = rows.into_iter().map(RawConversation::read).collect();
        Ok(ListPage {
            items: items?,
            has_more: fitting < lengths.len(),
        })
    }

    /// Marks the messages of another user as read up to a message; the position never moves back.
    pub async fn read_direct(
        &self,
        user: UserId,
        other: UserId,
        up_to: MessageId,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let kept = sqlx::query(
            "insert into direct_reads (user_id, other_id, up_to) values ($1, $2, $3) \
             on conflict (user_id, other_id) do update set up_to = excluded.up_to \
             where excluded.up_to > direct_reads.up_to",
        )
        .bind(user.to_string())
        .bind(other.to_string())
        .bind(up_to.to_string())
        .execute(&mut *tx)
        .await;
        if unless_gone(kept)?.is_none_or(|kept| kept.rows_affected() == 0) {
            return Ok(());
        }
        // Locked first and counted after that, so that a message that is being written is counted
        // exactly once.
        sqlx::query(
            "update direct_conversations set unread = 0 where user_id = $1 and other_id = $2",
        )
        .bind(user.to_string())
        .bind(other.to_string())
        .execute(&mut *tx)
        .await?;
        sqlx::query(
            "update direct_conversations set unread = (select count(*) from (select 1 from \
            direct_messages \
             where pair = $3 and from_id = $2 and id > $4 limit 1000) as newer) where user_id = $1 \
             and other_id = $2",
        )
        .bind(user.to_string())
        .bind(other.to_string())
        .bind(pair(user, other))
        .bind(up_to.to_string())
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }
}

/// Moves a conversation to the front of a user's list.
async fn list(
    tx: &mut Tx,
    user: UserId,
    other: UserId,
    last: MessageId,
    is_unread: bool,
) -> Result<(), StoreError> {
    sqlx::query(
        "insert into direct_conversations (user_id, other_id, last_id, unread) values ($1, $2, $3, \
        $4) \
         on conflict (user_id, other_id) do update set last_id = excluded.last_id, \
         unread = case when direct_conversations.unread < 1000 then direct_conversations.unread + \
         excluded.unread \
         else direct_conversations.unread end",
    )
    .bind(user.to_string())
    .bind(other.to_string())
    .bind(last.to_string())
    .bind(i64::from(is_unread))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// A new id, higher than the last one of the conversation (empty when there is none): clocks of
/// processes differ.
fn next_id(last: &str) -> Result<MessageId, StoreError> {
    let now = Uuid::now_v7();
    if last.is_empty() {
        return Ok(MessageId(now));
    }
    let MessageId(last) = id(last)?;
    Ok(MessageId(now.max(Uuid::from_u128(last.as_u128() + 1))))
}

/// Key of a conversation, the same from both sides.
fn pair(a: UserId, b: UserId) -> String {
    format!("{} {}", a.min(b), a.max(b))
}

impl RawMessage {
    fn read(self) -> Result<DirectMessage, StoreError> {
        Ok(DirectMessage {
            id: id(&self.id)?,
            client_id: u32::try_from(self.client_id)
                .map_err(|_| StoreError::Corrupt("a message's number"))?,
            from: id(&self.from_id)?,
            name: self.username,
            to: id(&self.to_id)?,
            text: self.text,
            at: natural(self.at),
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

#[cfg(test)]
mod tests {
    use sqlx::{AssertSqlSafe, Connection, Row, SqliteConnection};

    use super::super::opening::sqlite_url;
    use super::*;

    #[tokio::test]
    async fn a_page_of_conversations_reads_its_own_rows_only() {
        let folder = tempfile::tempdir().unwrap();
        Store::open(folder.path()).await.unwrap().close().await;
        let url = sqlite_url(&folder.path().join("plaza.db"));
        let mut database = SqliteConnection::connect(&url).await.unwrap();
        for query in [LENGTHS_OF_CONVERSATIONS, CONVERSATIONS] {
            let explain = AssertSqlSafe(format!("explain query plan {query}"));
            let steps = sqlx::query(explain).bind("a user").bind("g").bind(200);
            let steps = steps.fetch_all(&mut database).await.unwrap();
            let steps: Vec<String> = steps.iter().map(|step| step.get("detail")).collect();
            assert!(
                steps[0].contains("direct_conversations_by_last (user_id=? AND last_id<?)"),
                "{steps:#?}"
            );
            // Each is found by its key, and nothing is sorted.
            let is_found = |step: &String| step.starts_with("SEARCH");
            assert!(steps.iter().all(is_found), "{steps:#?}");
        }
        database.close().await.unwrap();
    }

    #[test]
    fn the_id_of_a_message_is_higher_than_the_previous_one_for_any_clock() {
        let ahead = MessageId(Uuid::parse_str("7fffffff-ffff-7000-8000-00000000000f").unwrap());
        let next = next_id(&ahead.to_string()).unwrap();
        assert!(next > ahead && next.to_string() > ahead.to_string());
        let now = next_id("00000000-0000-7000-8000-000000000000").unwrap();
        assert!(now < ahead, "the clock counts when it is not behind");
        assert!(next_id("nonsense").is_err());
    }
}
