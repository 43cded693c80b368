//! Space change: changing a space's name and description, who may enter it, and which roles have
//! which permission.

use std::fmt::Write as _;

use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;

use super::access::{Entered, unknown};
use super::access_policy::{AccessView, view};
use super::address::Address;
use super::error::{ApiError, Problem};
use super::extract::{Caller, Json, Path, UnreadBody};
use super::new_password::{Demands, new_password};
use super::patch::Patch;
use super::{AppState, check, word_filter};
use crate::components::id::SpaceId;
use crate::components::long_text::{APPEAL_CHARS, long_text};
use crate::components::membership::AccessPolicy;
use crate::components::permissions::{Permission, PermissionRoles, SpaceRole};
use crate::net::address::AddressKey;
use crate::store::audit_log::Actor;
use crate::store::entry::SpaceChange;
use crate::store::spaces::Access;

/// Longest description, in characters.
const DESCRIPTION_CHARS: usize = 500;
/// Largest capacity.
const MOST_PEOPLE: u32 = 100_000;

/// A change of a space; absent fields stay as they are.
#[derive(Deserialize, ToSchema, Default)]
#[serde(rename_all = "camelCase")]
pub struct SpaceChangeRequest {
    /// Name, 1 to 100 characters. For moderators, as is the description.
    name: Option<String>,
    /// What the space is for: at most 500 characters.
    description: Option<String>,
    /// Text about appeals for people who are kicked, banned or muted: at most 1,000
    /// characters. For moderators, too.
    appeal: Option<String>,
    /// Whether the lobby lists it. For the owner, as is everything below.
    listed: Option<bool>,
    /// Who may enter: `open`, `password` or `members`.
    access_policy: Option<String>,
    /// A new password for the policy `password`. Who gave the earlier one has to give this one.
    password: Option<String>,
    /// Whether guests may enter.
    guests: Option<bool>,
    /// Most people at the same time, moderators not counted: 1 to 100,000; null for no limit.
    #[serde(default)]
    #[schema(value_type = Option<u32>)]
    capacity: Patch<Option<u32>>,
    /// Start of the event, in Unix milliseconds; null for none.
    #[serde(default)]
    #[schema(value_type = Option<i64>)]
    opens_at: Patch<Option<i64>>,
    /// End of the event, in Unix milliseconds; null for none.
    #[serde(default)]
    #[schema(value_type = Option<i64>)]
    closes_at: Patch<Option<i64>>,
    /// Roles of permissions; absent ones stay as they are.
    permissions: Option<RolesRequest>,
}

/// Lowest role with each permission that the owner hands out.
#[derive(Deserialize, ToSchema, Default)]
pub struct RolesRequest {
    /// For messages to the whole space: `guest`, `visitor`, `member` or `builder`.
    say: Option<String>,
    /// For sharing a screen: `guest`, `visitor`, `member` or `builder`.
    share: Option<String>,
    /// For building: `member` or `builder`.
    build: Option<String>,
    /// For making invites: `member`, `builder` or `moderator`.
    invite: Option<String>,
    /// For answering join requests: `member`, `builder` or `moderator`.
    admit: Option<String>,
    /// For exporting messages: `builder`, `moderator` or `owner`.
    copy: Option<String>,
}

impl SpaceChangeRequest {
    /// Whether it changes more than name and description.
    const fn is_about_access(&self) -> bool {
        self.listed.is_some()
            || self.access_policy.is_some()
            || self.password.is_some()
            || self.guests.is_some()
            || self.capacity.given().is_some()
            || self.opens_at.given().is_some()
            || self.closes_at.given().is_some()
            || self.permissions.is_some()
    }

    /// The change without the password, which takes time to hash.
    fn read(&self, found: &Entered) -> Result<SpaceChange, ApiError> {
        let (row, rules) = (&found.row, &found.row.rules);
        let name = self.name.as_deref().map(check::name).transpose()?;
        let description = self.description.as_deref().map(description).transpose()?;
        let appeal = self.appeal.as_deref().map(appeals_text).transpose()?;
        let policy = self.access_policy.as_deref().map(policy).transpose()?;
        let capacity = self.capacity.given();
        if capacity
            .flatten()
            .is_some_and(|most| !(1..=MOST_PEOPLE).contains(&most))
        {
            return Err(ApiError::bad("A space has room for 1 to 100,000 people."));
        }
        let opens = self.opens_at.or(rules.opens_at);
        let closes = self.closes_at.or(rules.closes_at);
        let times = [self.opens_at.or(None), self.closes_at.or(None)];
        if times.into_iter().flatten().any(|time| time < 0)
            || opens
                .zip(closes)
                .is_some_and(|(opens, closes)| opens >= closes)
        {
            return Err(ApiError::bad("An event ends after it begins."));
        }
        let handed_out = self.permissions.as_ref();
        Ok(SpaceChange {
            name,
            description,
            appeal,
            access: self.listed.map(|listed| {
                if listed {
                    Access::Public
                } else {
                    Access::Unlisted
                }
            }),
            policy,
            password_hash: None,
            guests: self.guests,
            capacity,
            opens_at: self.opens_at.given(),
            closes_at: self.closes_at.given(),
            roles: handed_out.map(|roles| roles.read(row.roles)).transpose()?,
        })
    }
}

impl RolesRequest {
    fn read(&self, now: PermissionRoles) -> Result<PermissionRoles, ApiError> {
        let read = |word: &Option<String>, now: SpaceRole, lowest, highest| {
            let Some(word) = word else { return Ok(now) };
            SpaceRole::from_word(word)
                .filter(|role| (lowest..=highest).contains(role))
                .ok_or_else(|| {
                    ApiError::bad(format!("`{word}` cannot have this permission alone."))
                })
        };
        Ok(PermissionRoles {
            say: read(&self.say, now.say, SpaceRole::Guest, SpaceRole::Builder)?,
            share: read(&self.share, now.share, SpaceRole::Guest, SpaceRole::Builder)?,
            build: read(
                &self.build,
                now.build,
                SpaceRole::Member,
                SpaceRole::Builder,
            )?,
            invite: read(
                &self.invite,
                now.invite,
                SpaceRole::Member,
                SpaceRole::Moderator,
            )?,
            admit: read(
                &self.admit,
                now.admit,
                SpaceRole::Member,
                SpaceRole::Moderator,
            )?,
            copy: read(&self.copy, now.copy, SpaceRole::Builder, SpaceRole::Owner)?,
        })
    }
}

fn description(text: &str) -> Result<String, ApiError> {
    long_text(text, DESCRIPTION_CHARS).ok_or_else(|| {
        ApiError::bad(format!(
            "A description has at most {DESCRIPTION_CHARS} characters and no control characters."
        ))
    })
}

fn appeals_text(text: &str) -> Result<String, ApiError> {
    long_text(text, APPEAL_CHARS).ok_or_else(|| {
        ApiError::bad(format!(
            "A text about appeals has at most {APPEAL_CHARS} characters and no control characters."
        ))
    })
}

fn policy(word: &str) -> Result<AccessPolicy, ApiError> {
    AccessPolicy::from_word(word)
        .ok_or_else(|| ApiError::bad("An access policy is `open`, `password` or `members`."))
}

/// Change a space
///
/// Name, description and the text about appeals are for moderators, all else is for the owner.
/// People inside who may not be there any more are disconnected within a second.
#[utoipa::path(
    patch,
    path = "/space/{id}",
    operation_id = "changeSpace",
    tag = "spaces",
    security(("token" = [])),
    params(("id" = String, Path, description = "The space")),
    request_body = SpaceChangeRequest,
    responses(
        (status = 200, body = AccessView),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn change(
    State(state): State<AppState>,
    caller: Caller,
    address: Address,
    Path(space): Path<SpaceId>,
    body: UnreadBody<SpaceChangeRequest>,
) -> Result<Json<AccessView>, ApiError> {
    let permission = Permission::DescribeSpace;
    let (found, body) = state.read_for(&caller, space, permission, body).await?;
    let found = if body.is_about_access() {
        found.require(Permission::ManageAccess)?
    } else {
        found
    };
    let mut change = body.read(&found)?;
    for text in [&change.name, &change.description].into_iter().flatten() {
        word_filter::name(&state, &caller, text).await?;
    }
    if let Some(password) = &body.password {
        let password = new_password(password, &found.row.name, Demands::Few)?;
        let network = address.0.map(AddressKey::of);
        change.password_hash = Some(state.passwords.hash(network, &password).await?);
    } else if change.policy == Some(AccessPolicy::Password)
        && state.store.space_password(space).await?.is_none()
    {
        return Err(ApiError::bad("Give a password for the space, too."));
    }
    let (actor, detail) = (Actor::from(&caller.who), detail(&body, &found));
    if !state
        .store
        .change_space(&actor, space, &change, &detail)
        .await?
    {
        return Err(unknown());
    }
    state.spaces.memberships_changed(space);
    let found = state.stands(space, Some(&caller)).await?;
    Ok(Json(view(&state, &found.ok_or_else(unknown)?)?))
}

/// What is changed, for the audit log.
fn detail(body: &SpaceChangeRequest, before: &Entered) -> String {
    let row = &before.row;
    let mut text = String::new();
    let mut add = |what: &str, from: &str, to: &str| {
        let comma = if text.is_empty() { "" } else { ", " };
        write!(text, "{comma}{what}: {from} → {to}").expect("writing to a string cannot fail");
    };
    if let Some(name) = &body.name {
        add("name", &row.name, name);
    }
    if body.description.is_some() {
        add("description", "", "changed");
    }
    if body.appeal.is_some() {
        add("appeals text", "", "changed");
    }
    if let Some(listed) = body.listed {
        let was = row.access == Access::Public;
        add("listed", &was.to_string(), &listed.to_string());
    }
    if let Some(policy) = &body.access_policy {
        add("access policy", row.rules.policy.word(), policy);
    }
    if body.password.is_some() {
        add("password", "", "changed");
    }
    if let Some(guests) = body.guests {
        add("guests", &row.rules.guests.to_string(), &guests.to_string());
    }
    let number = |number: Option<i64>| number.map_or_else(|| "none".into(), |it| it.to_string());
    if let Some(capacity) = body.capacity.given() {
        let was = number(row.rules.capacity.map(i64::from));
        add("capacity", &was, &number(capacity.map(i64::from)));
    }
    if let Some(opens) = body.opens_at.given() {
        add("opens", &number(row.rules.opens_at), &number(opens));
    }
    if let Some(closes) = body.closes_at.given() {
        add("closes", &number(row.rules.closes_at), &number(closes));
    }
    if let Some(roles) = &body.permissions {
        let roles = [
            ("say", &roles.say, row.roles.say),
            ("share", &roles.share, row.roles.share),
            ("build", &roles.build, row.roles.build),
            ("invite", &roles.invite, row.roles.invite),
            ("admit", &roles.admit, row.roles.admit),
            ("copy", &roles.copy, row.roles.copy),
        ];
        for (what, role, was) in roles {
            if let Some(role) = role {
                add(what, was.word(), role);
            }
        }
    }
    text
}
