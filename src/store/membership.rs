//! Membership: how users stand to spaces, for `components::membership`: one query for any number of
//! users and spaces.

use serde::{Deserialize, Serialize};
use sqlx::FromRow;

use super::suspension::UNTIL_LIFTED;
use super::{Role, Statement, Store, StoreError, given, id, now_ms, over_given};
use crate::components::id::{SpaceId, UserId};
use crate::components::membership::{
    AccessPolicy, EntryRules, Exclusion, ExclusionKind, Membership, Mutes,
};
use crate::components::permissions::{OwnedBy, PermissionRoles, SpaceRole, Standing};

/// Kind of a row of `bans` that is no ban.
const KICK: &str = "kick";

/// Selects [`RawMembership`] of given users and spaces, each as both ids with a space between.
const MEMBERSHIPS: Statement = over_given!(
    "select users.id as user_id, spaces.id as space_id, users.role as server_role, \
     users.is_guest, spaces.name as space_name, spaces.creator_id, spaces.permission_roles, \
     spaces.membership_version, spaces.word_filter, \
     spaces.access, spaces.access_policy, spaces.guests, spaces.capacity, spaces.opens_at, \
     spaces.closes_at, spaces.lockdown_until, space_members.role as space_role, \
     bans.kind as ban_kind, bans.until as ban_until, bans.reason as ban_reason, \
     bans.by_name as ban_by, \
     case when bans.id is null then null else spaces.appeal end as ban_appeal, \
     (select max(until) from mutes where mutes.space_id = spaces.id \
     and mutes.user_id = users.id and what = 'chat') as mute_chat, \
     (select max(until) from mutes where mutes.space_id = spaces.id \
     and mutes.user_id = users.id and what = 'voice') as mute_voice, \
     (select max(until) from mutes where mutes.space_id = spaces.id \
     and mutes.user_id = users.id and what = 'video') as mute_video, \
     (select max(until) from access_grants where access_grants.space_id = spaces.id \
     and access_grants.user_id = users.id and access_grants.reason <> 'inside' \
     and (access_grants.reason <> 'password' \
     or access_grants.password_version = spaces.password_version)) as grant_until, \
     (select max(until) from access_grants where access_grants.space_id = spaces.id \
     and access_grants.user_id = users.id \
     and access_grants.reason = 'inside') as inside_until, \
     (select expires_at from transfers where transfers.space_id = spaces.id \
     and transfers.to_id = users.id) as offered_until from",
    "join users on users.id = substr(given.value, 1, 36) \
     join spaces on spaces.id = substr(given.value, 38, 36) \
     left join space_members on space_members.space_id = spaces.id \
     and space_members.user_id = users.id \
     left join bans on bans.id = (select current.id from bans as current \
     where current.space_id = spaces.id and current.user_id = users.id \
     and current.lifted_at is null and current.until > $2 \
     order by current.until desc, current.id limit 1)"
);

/// Selects the versions of memberships of given spaces.
const VERSIONS: Statement = over_given!(
    "select spaces.id, spaces.membership_version from",
    "join spaces on spaces.id = given.value"
);

/// Columns of [`EntryRules`].
#[derive(FromRow)]
pub(super) struct RawEntry {
    access_policy: String,
    guests: i64,
    capacity: Option<i64>,
    opens_at: Option<i64>,
    closes_at: Option<i64>,
    lockdown_until: Option<i64>,
}

impl RawEntry {
    pub(super) fn read(&self, is_listed: bool) -> Result<EntryRules, StoreError> {
        // A policy of a later version lets in members only.
        let policy = AccessPolicy::from_word(&self.access_policy).unwrap_or(AccessPolicy::Members);
        let capacity = self.capacity.map(u32::try_from).transpose();
        Ok(EntryRules {
            policy,
            is_listed,
            guests: self.guests != 0,
            capacity: capacity.map_err(|_| StoreError::Corrupt("a capacity"))?,
            opens_at: self.opens_at,
            closes_at: self.closes_at,
            lockdown_until: self.lockdown_until,
        })
    }
}

/// Form of `spaces.permission_roles`; absent permissions have their default.
#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
struct StoredRoles {
    say: Option<String>,
    share: Option<String>,
    build: Option<String>,
    invite: Option<String>,
    admit: Option<String>,
    copy: Option<String>,
}

/// Roles of permissions in a row. What a later version wrote and this one cannot read has its
/// default.
pub(super) fn read_roles(text: &str) -> PermissionRoles {
    let stored: StoredRoles = serde_json::from_str(text).unwrap_or_default();
    let usual = PermissionRoles::default();
    let read = |word: Option<String>, usual: SpaceRole| {
        word.and_then(|word| SpaceRole::from_word(&word))
            .unwrap_or(usual)
    };
    PermissionRoles {
        say: read(stored.say, usual.say),
        share: read(stored.share, usual.share),
        build: read(stored.build, usual.build),
        invite: read(stored.invite, usual.invite),
        admit: read(stored.admit, usual.admit),
        copy: read(stored.copy, usual.copy),
    }
}

/// Roles of permissions for a row.
pub(super) fn write_roles(roles: PermissionRoles) -> String {
    let word = |role: SpaceRole| Some(role.word().to_owned());
    let stored = StoredRoles {
        say: word(roles.say),
        share: word(roles.share),
        build: word(roles.build),
        invite: word(roles.invite),
        admit: word(roles.admit),
        copy: word(roles.copy),
    };
    serde_json::to_string(&stored).expect("words are plain data")
}

#[derive(FromRow)]
struct RawMembership {
    user_id: String,
    space_id: String,
    server_role: String,
    is_guest: i64,
    space_name: String,
    creator_id: Option<String>,
    permission_roles: String,
    membership_version: i64,
    word_filter: String,
    access: String,
    #[sqlx(flatten)]
    entry: RawEntry,
    space_role: Option<String>,
    ban_kind: Option<String>,
    ban_until: Option<i64>,
    ban_reason: Option<String>,
    ban_by: Option<String>,
    ban_appeal: Option<String>,
    mute_chat: Option<i64>,
    mute_voice: Option<i64>,
    mute_video: Option<i64>,
    grant_until: Option<i64>,
    inside_until: Option<i64>,
    offered_until: Option<i64>,
}

impl RawMembership {
    fn read(self) -> Result<(UserId, SpaceId, Membership), StoreError> {
        let user: UserId = id(&self.user_id)?;
        let owner = self.creator_id.as_deref().map(id).transpose()?;
        let server_role =
            Role::from_word(&self.server_role).ok_or(StoreError::Corrupt("a role"))?;
        let given = self.space_role.as_deref().and_then(SpaceRole::from_word);
        let role = given.unwrap_or(if self.is_guest == 0 {
            SpaceRole::Visitor
        } else {
            SpaceRole::Guest
        });
        let exclusion = self.ban_until.map(|until| Exclusion {
            kind: if self.ban_kind.as_deref() == Some(KICK) {
                ExclusionKind::Kick
            } else {
                ExclusionKind::Ban
            },
            until: (until != UNTIL_LIFTED).then_some(until),
            reason: self.ban_reason.unwrap_or_default(),
            by: self.ban_by.unwrap_or_default(),
            appeal: self.ban_appeal.unwrap_or_default(),
        });
        let membership = Membership {
            standing: Standing {
                is_admin: server_role.is_admin(),
                owner: OwnedBy::of(owner, user),
                role,
                roles: read_roles(&self.permission_roles),
            },
            is_member: given.is_some(),
            is_guest: self.is_guest != 0,
            space_name: self.space_name,
            mutes: Mutes {
                chat: self.mute_chat.unwrap_or_default(),
                voice: self.mute_voice.unwrap_or_default(),
                video: self.mute_video.unwrap_or_default(),
            },
            exclusion,
            grant_until: self.grant_until.unwrap_or_default(),
            inside_until: self.inside_until.unwrap_or_default(),
            offered_until: self.offered_until.unwrap_or_default(),
            rules: self.entry.read(self.access == "public")?,
            word_filter: self.word_filter.parse().ok(),
            version: self.membership_version,
        };
        Ok((user, id(&self.space_id)?, membership))
    }
}

impl Store {
    /// How a user stands to a space now; `None` when one of them is gone.
    pub async fn membership(
        &self,
        user: UserId,
        space: SpaceId,
    ) -> Result<Option<Membership>, StoreError> {
        let mut found = self.memberships(&[(user, space)]).await?;
        Ok(found.pop().map(|(.., membership)| membership))
    }

    /// How users stand to spaces now, in one query. Those that are gone are left out.
    pub async fn memberships(
        &self,
        pairs: &[(UserId, SpaceId)],
    ) -> Result<Vec<(UserId, SpaceId, Membership)>, StoreError> {
        let pairs = pairs.iter().map(|(user, space)| format!("{user} {space}"));
        let rows: Vec<RawMembership> = sqlx::query_as(self.kind.choose(&MEMBERSHIPS))
            .bind(given(pairs))
            .bind(now_ms())
            .fetch_all(&self.checks)
            .await?;
        rows.into_iter().map(RawMembership::read).collect()
    }

    /// Versions of the memberships of spaces; deleted spaces are left out.
    pub async fn membership_versions(
        &self,
        spaces: &[SpaceId],
    ) -> Result<Vec<(SpaceId, i64)>, StoreError> {
        let rows: Vec<(String, i64)> = sqlx::query_as(self.kind.choose(&VERSIONS))
            .bind(given(spaces.iter()))
            .fetch_all(&self.checks)
            .await?;
        rows.into_iter()
            .map(|(space, version)| Ok((id(&space)?, version)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_of_permissions_survive_a_row_and_what_is_unknown_is_as_usual() {
        let roles = PermissionRoles {
            say: SpaceRole::Member,
            ..PermissionRoles::default()
        };
        assert_eq!(read_roles(&write_roles(roles)), roles);
        for text in ["", "{}", "[]", r#"{"say": "queen", "later": 1}"#] {
            assert_eq!(read_roles(text), PermissionRoles::default(), "{text}");
        }
    }
}
