//! Membership: how a user stands to a space, with mutes, bans and access grants; and whether that
//! lets the user in.

use super::id::WordListId;
use super::permissions::{OwnedBy, Permission, SpaceRole, Standing, may};

/// Who may enter a space without being a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AccessPolicy {
    /// Everyone.
    #[default]
    Open,
    /// People who know the password of the space.
    Password,
    /// No one.
    Members,
}

impl AccessPolicy {
    /// Its name in tables and messages.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Password => "password",
            Self::Members => "members",
        }
    }

    /// The policy with that name.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Open, Self::Password, Self::Members]
            .into_iter()
            .find(|policy| policy.word() == word)
    }
}

/// Rules of a space about who may enter. Times are in Unix milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EntryRules {
    /// Who may enter without being a member.
    pub policy: AccessPolicy,
    /// Whether the lobby lists the space.
    pub is_listed: bool,
    /// Whether guests may enter.
    pub guests: bool,
    /// Most people at the same time; moderators come in anyway.
    pub capacity: Option<u32>,
    /// Start of the event; the space is closed before it.
    pub opens_at: Option<i64>,
    /// End of the event; the space is closed after it.
    pub closes_at: Option<i64>,
    /// Until when only moderators may enter.
    pub lockdown_until: Option<i64>,
}

/// Kinds of exclusion from a space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExclusionKind {
    /// Sent out, to return soon.
    Kick,
    /// Kept out.
    Ban,
}

/// Why and until when a user may not enter a space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exclusion {
    /// Its kind.
    pub kind: ExclusionKind,
    /// End, in Unix milliseconds; `None` until a moderator lifts it.
    pub until: Option<i64>,
    /// Reason, shown to the user.
    pub reason: String,
    /// Name of the moderator.
    pub by: String,
    /// What the space says about appeals; may be empty.
    pub appeal: String,
}

/// Until when a user is muted, in Unix milliseconds; 0 for not at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Mutes {
    /// In the chat.
    pub chat: i64,
    /// In calls.
    pub voice: i64,
    /// Camera and screen in calls.
    pub video: i64,
}

/// How a user stands to a space.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Membership {
    /// Role and ownership.
    pub standing: Standing,
    /// Whether the user was given a role in the space.
    pub is_member: bool,
    /// Whether the user has no account.
    pub is_guest: bool,
    /// Name of the space.
    pub space_name: String,
    /// Mutes.
    pub mutes: Mutes,
    /// Exclusion, if there is one now.
    pub exclusion: Option<Exclusion>,
    /// End of the access grant, in Unix milliseconds; 0 without one.
    pub grant_until: i64,
    /// Until when the user counts as one who was inside when the space was locked down, in Unix
    /// milliseconds; 0 for one who was not.
    pub inside_until: i64,
    /// Until when the space is offered to the user, in Unix milliseconds; 0 when it is not.
    pub offered_until: i64,
    /// Rules of the space.
    pub rules: EntryRules,
    /// List of the space's word filter, if it has one.
    pub word_filter: Option<WordListId>,
    /// `spaces.membership_version`.
    pub version: i64,
}

/// Why a user may not enter a space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryRefusal {
    /// The user was kicked or banned.
    Excluded(Exclusion),
    /// The space is not to be known to the user.
    Hidden,
    /// Guests may not enter.
    Guests,
    /// The space has a password, and the user has not given it.
    Password,
    /// Only members may enter.
    Members,
    /// The event begins at this time, in Unix milliseconds.
    NotYet(i64),
    /// The event is over.
    Over,
    /// The space is locked until this time, in Unix milliseconds.
    Lockdown(i64),
    /// There are as many people in the space as may be.
    Full,
}

impl Membership {
    /// Membership of a visitor who is not signed in.
    pub fn of_stranger(rules: EntryRules, owner: OwnedBy) -> Self {
        let role = SpaceRole::Visitor;
        Self {
            standing: Standing {
                owner,
                role,
                ..Standing::default()
            },
            rules,
            ..Self::default()
        }
    }

    /// Whether the user may do something in the space.
    pub const fn may(&self, permission: Permission) -> bool {
        may(self.standing, permission)
    }

    /// Whether the user may enter now; asked before the capacity, which the running space knows.
    /// `is_inside` is for users in the space: a lockdown does not send them out.
    pub fn enter(&self, now: i64, is_inside: bool) -> Result<(), EntryRefusal> {
        let rules = &self.rules;
        if let Some(exclusion) = &self.exclusion
            && exclusion.until.is_none_or(|until| until > now)
        {
            return Err(EntryRefusal::Excluded(exclusion.clone()));
        }
        // Moderators are members, those by their office included.
        let is_admitted = self.is_member
            || self.grant_until > now
            || self.standing.role() >= SpaceRole::Moderator;
        if !is_admitted {
            self.pass_policy()?;
        }
        if self.may(Permission::EnterAlways) {
            return Ok(());
        }
        match (rules.opens_at, rules.closes_at, rules.lockdown_until) {
            (Some(opens), ..) if now < opens => Err(EntryRefusal::NotYet(opens)),
            (_, Some(closes), _) if now >= closes => Err(EntryRefusal::Over),
            (.., Some(until)) if now < until && !is_inside && self.inside_until <= now => {
                Err(EntryRefusal::Lockdown(until))
            }
            _ => Ok(()),
        }
    }

    /// Checks guests and the access policy, for users who are no members and have no grant.
    const fn pass_policy(&self) -> Result<(), EntryRefusal> {
        let rules = &self.rules;
        match rules.policy {
            AccessPolicy::Members if !rules.is_listed => Err(EntryRefusal::Hidden),
            AccessPolicy::Members => Err(EntryRefusal::Members),
            _ if self.is_guest && !rules.guests => Err(EntryRefusal::Guests),
            AccessPolicy::Password => Err(EntryRefusal::Password),
            AccessPolicy::Open => Ok(()),
        }
    }

    /// When the answer of [`enter`](Self::enter) may become a refusal by time alone, for a user who
    /// is in the space.
    pub fn holds_until(&self, now: i64) -> i64 {
        let closes = self.rules.closes_at.unwrap_or(i64::MAX);
        let ends = [closes, self.grant_until];
        ends.into_iter()
            .filter(|end| *end > now)
            .min()
            .unwrap_or(i64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_000;

    fn visitor(policy: AccessPolicy) -> Membership {
        let rules = EntryRules {
            policy,
            is_listed: true,
            ..EntryRules::default()
        };
        Membership::of_stranger(rules, OwnedBy::Another)
    }

    fn of_role(role: SpaceRole, policy: AccessPolicy) -> Membership {
        let mut membership = visitor(policy);
        membership.standing.role = role;
        membership.is_member = role >= SpaceRole::Member;
        membership.is_guest = role == SpaceRole::Guest;
        membership
    }

    #[test]
    fn each_policy_lets_in_its_own() {
        let answers = |policy| {
            [
                SpaceRole::Guest,
                SpaceRole::Visitor,
                SpaceRole::Member,
                SpaceRole::Moderator,
            ]
            .map(|role| of_role(role, policy).enter(NOW, false))
        };
        assert_eq!(
            answers(AccessPolicy::Open),
            [Err(EntryRefusal::Guests), Ok(()), Ok(()), Ok(())]
        );
        assert_eq!(
            answers(AccessPolicy::Password),
            [
                Err(EntryRefusal::Guests),
                Err(EntryRefusal::Password),
                Ok(()),
                Ok(())
            ]
        );
        let refused = Err(EntryRefusal::Members);
        assert_eq!(
            answers(AccessPolicy::Members),
            [refused.clone(), refused, Ok(()), Ok(())]
        );
        let mut hidden = visitor(AccessPolicy::Members);
        hidden.rules.is_listed = false;
        assert_eq!(hidden.enter(NOW, false), Err(EntryRefusal::Hidden));
    }

    #[test]
    fn a_grant_replaces_the_policy_until_it_ends() {
        for policy in [AccessPolicy::Password, AccessPolicy::Members] {
            let mut guest = of_role(SpaceRole::Guest, policy);
            guest.grant_until = NOW + 1;
            assert_eq!(guest.enter(NOW, false), Ok(()));
            assert_eq!(guest.holds_until(NOW), NOW + 1);
            assert!(guest.enter(NOW + 1, true).is_err());
        }
    }

    #[test]
    fn the_first_reason_in_order_is_given() {
        let exclusion = Exclusion {
            kind: ExclusionKind::Ban,
            until: Some(NOW + 1),
            reason: "noise".into(),
            by: "ada".into(),
            appeal: String::new(),
        };
        let mut membership = of_role(SpaceRole::Member, AccessPolicy::Open);
        membership.exclusion = Some(exclusion.clone());
        membership.rules.opens_at = Some(NOW + 5);
        membership.rules.lockdown_until = Some(NOW + 9);
        let excluded = Err(EntryRefusal::Excluded(exclusion));
        assert_eq!(membership.enter(NOW, true), excluded);
        let later = NOW + 1;
        let not_yet = Err(EntryRefusal::NotYet(NOW + 5));
        assert_eq!(membership.enter(later, false), not_yet);
        let locked = Err(EntryRefusal::Lockdown(NOW + 9));
        assert_eq!(membership.enter(NOW + 5, false), locked);
        assert_eq!(
            membership.enter(NOW + 5, true),
            Ok(()),
            "who is inside stays"
        );
        assert_eq!(membership.enter(NOW + 9, false), Ok(()));
        membership.rules.closes_at = Some(NOW + 10);
        assert_eq!(membership.holds_until(NOW + 9), NOW + 10);
        assert_eq!(membership.enter(NOW + 10, true), Err(EntryRefusal::Over));
        membership.standing.role = SpaceRole::Moderator;
        assert_eq!(membership.enter(NOW + 10, false), Ok(()));
    }
}
