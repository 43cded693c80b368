//! Moderation: kicks, bans and mutes of people in a space, and its lockdown. Each is in the audit
//! log, and raises the version of the space's memberships.

use sqlx::FromRow;
use uuid::Uuid;

use super::audit_log::{self, Act, Actor, NewAuditRow};
use super::entry::GrantReason;
use super::members::{name_within, raise_membership_version};
use super::space_invites::revoke_of_guest;
use super::suspension::UNTIL_LIFTED;
use super::{Store, StoreError, Tx, id, now_ms};
use crate::components::id::{SpaceId, UserId};
use crate::components::membership::ExclusionKind;
use crate::components::peers::Silence;
use crate::components::utc::utc;

/// What a muted user may not do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MuteKind {
    /// Write and react.
    Chat,
    /// Be heard in calls.
    Voice,
    /// Be seen in calls.
    Video,
}

impl MuteKind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Chat, Self::Voice, Self::Video];

    /// Its name in tables and messages.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Voice => "voice",
            Self::Video => "video",
        }
    }

    /// The kind with that name.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// A kick or a ban.
#[derive(Debug, Clone, Copy)]
pub struct NewExclusion<'a> {
    /// The space.
    pub space: SpaceId,
    /// The user.
    pub user: UserId,
    /// Whether it is a kick or a ban.
    pub kind: ExclusionKind,
    /// End, in Unix milliseconds; `None` until it is lifted.
    pub until: Option<i64>,
    /// Reason, shown to the user; may be empty.
    pub reason: &'a str,
    /// Until when new guests of the guest's network stay out, too.
    pub network_until: Option<i64>,
    /// Whether the invites by which the guest came are revoked, too.
    pub revokes_invites: bool,
}

/// A user who is excluded or muted in a space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SanctionRow {
    /// Id of the user; `None` for a network.
    pub user: Option<UserId>,
    /// Name of the user, if they are still there.
    pub name: Option<String>,
    /// `kick`, `ban`, `mute-chat`, `mute-voice` or `mute-video`.
    pub what: String,
    /// End, in Unix milliseconds; `None` until it is lifted.
    pub until: Option<i64>,
    /// Reason.
    pub reason: String,
    /// Name of the moderator.
    pub by: String,
    /// Time at which it began, in Unix milliseconds.
    pub at: i64,
}

/// A user who is muted in calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SilencedUser {
    /// Id of the user.
    pub user: UserId,
    /// What others do not get.
    pub silence: Silence,
    /// When the first of the mutes ends, in Unix milliseconds.
    pub until: i64,
}

#[derive(FromRow)]
struct RawSanction {
    user_id: Option<String>,
    name: Option<String>,
    what: String,
    until: i64,
    reason: String,
    by_name: String,
    at: i64,
}

impl RawSanction {
    fn read(self) -> Result<SanctionRow, StoreError> {
        Ok(SanctionRow {
            user: self.user_id.as_deref().map(id).transpose()?,
            name: self.name,
            what: self.what,
            until: (self.until != UNTIL_LIFTED).then_some(self.until),
            reason: self.reason,
            by: self.by_name,
            at: self.at,
        })
    }
}

const fn word(kind: ExclusionKind) -> &'static str {
    match kind {
        ExclusionKind::Kick => "kick",
        ExclusionKind::Ban => "ban",
    }
}

impl Store {
    /// Kicks or bans a user. A ban ends their role and their access grants, and may keep new guests
    /// from the network of a guest out, and revoke the invites by which the guest came. Returns
    /// whether the user and the space are there.
    pub async fn exclude(&self, actor: &Actor, new: &NewExclusion<'_>) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let is_there = raise_membership_version(&mut tx, new.space).await?;
        let name = name_within(&mut tx, new.user).await?;
        let Some(name) = name.filter(|_| is_there) else {
            return Ok(false);
        };
        let (user, until) = (Some(new.user), new.until.unwrap_or(UNTIL_LIFTED));
        add_exclusion(&mut tx, actor, new, (user, None), until).await?;
        match new.kind {
            ExclusionKind::Kick => forget_inside(&mut tx, new.space, Some(new.user)).await?,
            ExclusionKind::Ban => end_membership(&mut tx, new.space, new.user).await?,
        }
        if let Some(until) = new.network_until
            && let Some(network) = network_of_guest(&mut tx, new.user).await?
        {
            add_exclusion(&mut tx, actor, new, (None, Some(&network)), until).await?;
        }
        if new.revokes_invites {
            revoke_of_guest(&mut tx, actor, (new.space, new.user)).await?;
        }
        let act = match new.kind {
            ExclusionKind::Kick => Act::Kick,
            ExclusionKind::Ban => Act::Ban,
        };
        let detail = until_and(new.until, new.reason);
        note(&mut tx, actor, act, (new.space, new.user), &name, &detail).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Lifts kicks or bans of a user; returns whether there were any.
    pub async fn lift_exclusion(
        &self,
        actor: &Actor,
        (space, user): (SpaceId, UserId),
        kind: ExclusionKind,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        raise_membership_version(&mut tx, space).await?;
        let now = now_ms();
        let lifted = sqlx::query(
            "update bans set lifted_at = $1 where space_id = $2 and user_id = $3 and kind = $4 \
             and lifted_at is null and until > $1",
        )
        .bind(now)
        .bind(space.to_string())
        .bind(user.to_string())
        .bind(word(kind))
        .execute(&mut *tx)
        .await?;
        if lifted.rows_affected() == 0 {
            return Ok(false);
        }
        let name = name_within(&mut tx, user).await?.unwrap_or_default();
        let act = match kind {
            ExclusionKind::Kick => Act::LiftKick,
            ExclusionKind::Ban => Act::LiftBan,
        };
        note(&mut tx, actor, act, (space, user), &name, "").await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Mutes a user until a time, or until it is lifted (`None`). Returns whether the user and the
    /// space are there.
    pub async fn mute(
        &self,
        actor: &Actor,
        (space, user): (SpaceId, UserId),
        kinds: &[MuteKind],
        until: Option<i64>,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let is_there = raise_membership_version(&mut tx, space).await?;
        let name = name_within(&mut tx, user).await?;
        let Some(name) = name.filter(|_| is_there) else {
            return Ok(false);
        };
        for kind in kinds {
            sqlx::query(
                "insert into mutes (space_id, user_id, what, until, by_id, by_name, at) \
                 values ($1, $2, $3, $4, $5, $6, $7) on conflict (space_id, user_id, what) \
                 do update set until = excluded.until, by_id = excluded.by_id, \
                 by_name = excluded.by_name, at = excluded.at",
            )
            .bind(space.to_string())
            .bind(user.to_string())
            .bind(kind.word())
            .bind(until.unwrap_or(UNTIL_LIFTED))
            .bind(actor.user.map(|by| by.to_string()))
            .bind(&actor.name)
            .bind(now_ms())
            .execute(&mut *tx)
            .await?;
        }
        let kinds: Vec<&str> = kinds.iter().map(|kind| kind.word()).collect();
        let detail = until_and(until, &kinds.join(", "));
        note(&mut tx, actor, Act::Mute, (space, user), &name, &detail).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Lifts all mutes of a user; returns whether there were any.
    pub async fn unmute(
        &self,
        actor: &Actor,
        (space, user): (SpaceId, UserId),
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        raise_membership_version(&mut tx, space).await?;
        let lifted =
            sqlx::query("delete from mutes where space_id = $1 and user_id = $2 and until > $3")
                .bind(space.to_string())
                .bind(user.to_string())
                .bind(now_ms())
                .execute(&mut *tx)
                .await?;
        if lifted.rows_affected() == 0 {
            return Ok(false);
        }
        let name = name_within(&mut tx, user).await?.unwrap_or_default();
        note(&mut tx, actor, Act::Unmute, (space, user), &name, "").await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Locks a space until a time, or ends the lockdown (`None`); returns whether it is there.
    pub async fn lock_down(
        &self,
        actor: &Actor,
        space: SpaceId,
        until: Option<i64>,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        if !raise_membership_version(&mut tx, space).await? {
            return Ok(false);
        }
        let (name,): (String,) =
            sqlx::query_as("update spaces set lockdown_until = $1 where id = $2 returning name")
                .bind(until)
                .bind(space.to_string())
                .fetch_one(&mut *tx)
                .await?;
        // Who was inside during an earlier lockdown may not be now.
        forget_inside(&mut tx, space, None).await?;
        let detail = until.map_or_else(|| "ended".into(), |until| until_and(Some(until), ""));
        let deed = NewAuditRow {
            actor,
            act: Act::Lockdown,
            space: Some(space),
            target_id: space.to_string(),
            target: &name,
            detail: &detail,
        };
        audit_log::write(&mut tx, deed).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Who is kicked, banned or muted in a space now, the newest first.
    pub async fn sanctions(&self, space: SpaceId) -> Result<Vec<SanctionRow>, StoreError> {
        let rows: Vec<RawSanction> = sqlx::query_as(
            "select bans.user_id, coalesce(users.display_name, users.username) as name, \
             bans.kind as what, bans.until, bans.reason, bans.by_name, bans.at from bans \
             left join users on users.id = bans.user_id where bans.space_id = $1 \
             and bans.lifted_at is null and bans.until > $2 \
             union all select mutes.user_id, coalesce(users.display_name, users.username), \
             'mute-' || mutes.what, mutes.until, '', mutes.by_name, mutes.at from mutes \
             join users on users.id = mutes.user_id where mutes.space_id = $1 \
             and mutes.until > $2 order by 7 desc limit 500",
        )
        .bind(space.to_string())
        .bind(now_ms())
        .fetch_all(&self.readers)
        .await?;
        rows.into_iter().map(RawSanction::read).collect()
    }

    /// Whether new guests of a network stay out of a space now.
    pub async fn is_network_banned(
        &self,
        space: SpaceId,
        network: &str,
    ) -> Result<bool, StoreError> {
        let row: Option<(i64,)> = sqlx::query_as(
            "select cast(1 as bigint) from bans where space_id = $1 and network = $2 \
             and lifted_at is null and until > $3 limit 1",
        )
        .bind(space.to_string())
        .bind(network)
        .bind(now_ms())
        .fetch_optional(&self.readers)
        .await?;
        Ok(row.is_some())
    }

    /// Who is muted in calls of a space now.
    pub async fn silences(&self, space: SpaceId) -> Result<Vec<SilencedUser>, StoreError> {
        let rows: Vec<(String, i64, i64, i64)> = sqlx::query_as(
            "select user_id, cast(max(case when what = 'voice' then 1 else 0 end) as bigint), \
             cast(max(case when what = 'video' then 1 else 0 end) as bigint), min(until) \
             from mutes where space_id = $1 and until > $2 and what in ('voice', 'video') \
             group by user_id",
        )
        .bind(space.to_string())
        .bind(now_ms())
        .fetch_all(&self.readers)
        .await?;
        rows.into_iter()
            .map(|(user, voice, video, until)| {
                Ok(SilencedUser {
                    user: id(&user)?,
                    silence: Silence {
                        voice: voice != 0,
                        video: video != 0,
                    },
                    until,
                })
            })
            .collect()
    }

    /// Deletes exclusions of networks, mutes, offers and lifted bans that are over, and reports and
    /// rows of the audit log that are older than a year.
    pub async fn sweep_moderation(&self) -> Result<(), StoreError> {
        let now = now_ms();
        for statement in [
            "delete from bans where until <= $1 and (network is not null or kind = 'kick')",
            "delete from mutes where until <= $1",
            "delete from transfers where expires_at <= $1",
            "delete from audit_log where at <= $1 - 31622400000",
            "delete from reports where at <= $1 - 31622400000",
        ] {
            sqlx::query(statement)
                .bind(now)
                .execute(&self.writer)
                .await?;
        }
        Ok(())
    }
}

async fn add_exclusion(
    tx: &mut Tx,
    actor: &Actor,
    new: &NewExclusion<'_>,
    (user, network): (Option<UserId>, Option<&str>),
    until: i64,
) -> Result<(), StoreError> {
    sqlx::query(
        "insert into bans (id, kind, space_id, user_id, network, until, reason, by_id, by_name, \
         at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(Uuid::now_v7().to_string())
    .bind(word(new.kind))
    .bind(new.space.to_string())
    .bind(user.map(|user| user.to_string()))
    .bind(network)
    .bind(until)
    .bind(new.reason)
    .bind(actor.user.map(|by| by.to_string()))
    .bind(&actor.name)
    .bind(now_ms())
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Forgets who was inside when the space was locked down: one user, or all.
async fn forget_inside(
    tx: &mut Tx,
    space: SpaceId,
    user: Option<UserId>,
) -> Result<(), StoreError> {
    sqlx::query(
        "delete from access_grants where space_id = $1 and reason = $2 \
         and user_id = coalesce($3, user_id)",
    )
    .bind(space.to_string())
    .bind(GrantReason::Inside.word())
    .bind(user.map(|user| user.to_string()))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn end_membership(tx: &mut Tx, space: SpaceId, user: UserId) -> Result<(), StoreError> {
    for statement in [
        "delete from space_members where space_id = $1 and user_id = $2",
        "delete from access_grants where space_id = $1 and user_id = $2",
    ] {
        sqlx::query(statement)
            .bind(space.to_string())
            .bind(user.to_string())
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}

async fn network_of_guest(tx: &mut Tx, user: UserId) -> Result<Option<String>, StoreError> {
    let row: Option<(Option<String>,)> =
        sqlx::query_as("select guest_network from users where id = $1 and is_guest = 1")
            .bind(user.to_string())
            .fetch_optional(&mut **tx)
            .await?;
    Ok(row.and_then(|(network,)| network))
}

fn until_and(until: Option<i64>, what: &str) -> String {
    let until = until.map_or_else(
        || "until lifted".to_owned(),
        |until| format!("until {}", utc(until.cast_unsigned())),
    );
    if what.is_empty() {
        until
    } else {
        format!("{until}: {what}")
    }
}

async fn note(
    tx: &mut Tx,
    actor: &Actor,
    act: Act,
    (space, user): (SpaceId, UserId),
    name: &str,
    detail: &str,
) -> Result<(), StoreError> {
    let deed = NewAuditRow {
        actor,
        act,
        space: Some(space),
        target_id: user.to_string(),
        target: name,
        detail,
    };
    audit_log::write(tx, deed).await
}
