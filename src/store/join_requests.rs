//! Join requests: people who ask to be let into a space for members.

use sqlx::FromRow;

use super::audit_log::{self, Act, Actor, NewAuditRow};
use super::entry::GrantReason;
use super::members::{name_within, raise_membership_version};
use super::users::avatar_of;
use super::{Store, StoreError, Tx, id, now_ms, unless_gone};
use crate::components::id::{SpaceId, UserId};
use crate::components::permissions::SpaceRole;
use crate::components::player::Avatar;

/// Least time between two requests of a user, in milliseconds.
const AGAIN_MS: i64 = 60 * 1_000;
/// Most open requests of a user.
const MOST_OPEN: i64 = 3;
/// How long a request stays open, in milliseconds: 30 days.
const OPEN_MS: i64 = 30 * 24 * 60 * 60 * 1_000;

/// Answer to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestAnswer {
    /// They may enter for that time, in milliseconds.
    Enter(i64),
    /// They become a member.
    Member,
    /// They stay out.
    No,
}

impl RequestAnswer {
    const fn word(self) -> &'static str {
        match self {
            Self::Enter(_) => "enter",
            Self::Member => "member",
            Self::No => "no",
        }
    }
}

/// Result of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AskOutcome {
    /// It was stored.
    Done,
    /// The user asked a moment ago, or has too many open requests.
    TooMany,
    /// The space is gone.
    Gone,
}

/// An open request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestRow {
    /// Id of the user.
    pub user: UserId,
    /// Name.
    pub name: String,
    /// Avatar, if any.
    pub avatar: Option<Avatar>,
    /// Text of the request.
    pub text: String,
    /// Time of the request, in Unix milliseconds.
    pub at: i64,
}

#[derive(FromRow)]
struct RawRequest {
    user_id: String,
    name: String,
    avatar_id: Option<String>,
    image_url: Option<String>,
    text: String,
    at: i64,
}

impl Store {
    /// Asks to be let in. A new request of a user replaces an earlier one.
    pub async fn ask_to_join(
        &self,
        (space, user): (SpaceId, UserId),
        text: &str,
    ) -> Result<AskOutcome, StoreError> {
        let now = now_ms();
        let mut tx = self.begin().await?;
        // Locks the user's row, so that requests at once are counted one after the other.
        sqlx::query("update users set created_at = created_at where id = $1")
            .bind(user.to_string())
            .execute(&mut *tx)
            .await?;
        let (open, last): (i64, Option<i64>) = sqlx::query_as(
            "select count(case when answer = '' and at > $2 and space_id <> $3 then 1 end), \
             max(at) from join_requests where user_id = $1",
        )
        .bind(user.to_string())
        .bind(now - OPEN_MS)
        .bind(space.to_string())
        .fetch_one(&mut *tx)
        .await?;
        if open >= MOST_OPEN || last.is_some_and(|last| last > now - AGAIN_MS) {
            return Ok(AskOutcome::TooMany);
        }
        let asked = sqlx::query(
            "insert into join_requests (space_id, user_id, text, at) values ($1, $2, $3, $4) \
             on conflict (space_id, user_id) do update set text = excluded.text, \
             at = excluded.at, answer = '', by_id = null",
        )
        .bind(space.to_string())
        .bind(user.to_string())
        .bind(text)
        .bind(now)
        .execute(&mut *tx)
        .await;
        if unless_gone(asked)?.is_none() {
            return Ok(AskOutcome::Gone);
        }
        tx.commit().await?;
        Ok(AskOutcome::Done)
    }

    /// Takes one's own request back; returns whether it was open.
    pub async fn take_request_back(
        &self,
        (space, user): (SpaceId, UserId),
    ) -> Result<bool, StoreError> {
        let taken = sqlx::query(
            "delete from join_requests where space_id = $1 and user_id = $2 and answer = ''",
        )
        .bind(space.to_string())
        .bind(user.to_string())
        .execute(&self.writer)
        .await?;
        Ok(taken.rows_affected() > 0)
    }

    /// Open requests of a space, the earliest first.
    pub async fn join_requests(&self, space: SpaceId) -> Result<Vec<RequestRow>, StoreError> {
        let rows: Vec<RawRequest> = sqlx::query_as(
            "select user_id, coalesce(users.display_name, users.username) as name, \
             avatars.id as avatar_id, avatars.image_url, text, at from join_requests \
             join users on users.id = user_id left join avatars on avatars.id = users.avatar_id \
             where space_id = $1 and answer = '' and at > $2 order by at, user_id limit 200",
        )
        .bind(space.to_string())
        .bind(now_ms() - OPEN_MS)
        .fetch_all(&self.readers)
        .await?;
        rows.into_iter()
            .map(|row| {
                Ok(RequestRow {
                    user: id(&row.user_id)?,
                    name: row.name,
                    avatar: avatar_of(row.avatar_id, row.image_url)?,
                    text: row.text,
                    at: row.at,
                })
            })
            .collect()
    }

    /// Answers a request; returns whether it was open. Of two answers at once, the first counts.
    pub async fn answer_request(
        &self,
        actor: &Actor,
        (space, user): (SpaceId, UserId),
        answer: RequestAnswer,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        raise_membership_version(&mut tx, space).await?;
        let answered = sqlx::query(
            "update join_requests set answer = $1, by_id = $2 where space_id = $3 \
             and user_id = $4 and answer = '' and at > $5",
        )
        .bind(answer.word())
        .bind(actor.user.map(|by| by.to_string()))
        .bind(space.to_string())
        .bind(user.to_string())
        .bind(now_ms() - OPEN_MS)
        .execute(&mut *tx)
        .await?;
        if answered.rows_affected() == 0 {
            return Ok(false);
        }
        let_in(&mut tx, actor, (space, user), answer).await?;
        let name = name_within(&mut tx, user).await?.unwrap_or_default();
        let deed = NewAuditRow {
            actor,
            act: Act::AnswerRequest,
            space: Some(space),
            target_id: user.to_string(),
            target: &name,
            detail: answer.word(),
        };
        audit_log::write(&mut tx, deed).await?;
        tx.commit().await?;
        Ok(true)
    }
}

async fn let_in(
    tx: &mut Tx,
    actor: &Actor,
    (space, user): (SpaceId, UserId),
    answer: RequestAnswer,
) -> Result<(), StoreError> {
    match answer {
        RequestAnswer::No => {}
        RequestAnswer::Enter(ms) => {
            sqlx::query(
                "insert into access_grants (space_id, user_id, reason, until) \
                 values ($1, $2, $3, $4) on conflict (space_id, user_id, reason) \
                 do update set until = excluded.until",
            )
            .bind(space.to_string())
            .bind(user.to_string())
            .bind(GrantReason::Request.word())
            .bind(now_ms() + ms)
            .execute(&mut **tx)
            .await?;
        }
        RequestAnswer::Member => {
            sqlx::query(
                "insert into space_members (space_id, user_id, role, at, by_id) \
                 values ($1, $2, $3, $4, $5) on conflict do nothing",
            )
            .bind(space.to_string())
            .bind(user.to_string())
            .bind(SpaceRole::Member.word())
            .bind(now_ms())
            .bind(actor.user.map(|by| by.to_string()))
            .execute(&mut **tx)
            .await?;
        }
    }
    Ok(())
}
