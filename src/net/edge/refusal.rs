//! Refusal: why a user may not enter a space, or not write there, as programs and people read it,
//! over sockets and over HTTP alike.

use super::entering::NO_SPACE;
use crate::components::membership::{EntryRefusal, Exclusion, ExclusionKind};
use crate::components::utc::utc;
use crate::net::protocol::close;
use crate::store::suspension::Suspension;

/// Word for a muted user.
pub const MUTED: &str = "muted";

/// Word for a text that a word filter refuses.
pub const FILTERED: &str = "filtered";

/// Word for programs; `None` when the space is not to be known.
pub const fn word(why: &EntryRefusal) -> Option<&'static str> {
    Some(match why {
        EntryRefusal::Excluded(exclusion) => match exclusion.kind {
            ExclusionKind::Kick => "kicked",
            ExclusionKind::Ban => "banned",
        },
        EntryRefusal::Hidden => return None,
        EntryRefusal::Guests => "guests",
        EntryRefusal::Password => "password",
        EntryRefusal::Members => "members",
        EntryRefusal::NotYet(_) | EntryRefusal::Over | EntryRefusal::Lockdown(_) => "closed",
        EntryRefusal::Full => "full",
    })
}

/// Close code of the binary protocol.
pub(super) const fn close_code(why: &EntryRefusal) -> u16 {
    match why {
        EntryRefusal::Excluded(exclusion) => match exclusion.kind {
            ExclusionKind::Kick => close::KICKED,
            ExclusionKind::Ban => close::BANNED,
        },
        EntryRefusal::Hidden => close::NO_SPACE,
        EntryRefusal::Guests => close::FORBIDDEN,
        EntryRefusal::Password => close::PASSWORD,
        EntryRefusal::Members => close::MEMBERS,
        EntryRefusal::NotYet(_) | EntryRefusal::Over | EntryRefusal::Lockdown(_) => close::CLOSED,
        EntryRefusal::Full => close::FULL,
    }
}

/// Reason, in sentences for people.
pub fn reason(why: &EntryRefusal) -> String {
    match why {
        EntryRefusal::Excluded(exclusion) => excluded(exclusion),
        EntryRefusal::Hidden => NO_SPACE.into(),
        EntryRefusal::Guests => {
            "Guests may not enter this space. Sign in, or make an account.".into()
        }
        EntryRefusal::Password => "This space has a password. Enter it to come in.".into(),
        EntryRefusal::Members => "Only members may enter this space. You can ask to join.".into(),
        EntryRefusal::NotYet(opens) => format!("This space opens at {}.", time(*opens)),
        EntryRefusal::Over => "This space is closed: the event is over.".into(),
        EntryRefusal::Lockdown(until) => format!(
            "Moderators locked this space until {}. Try again later.",
            time(*until)
        ),
        EntryRefusal::Full => "This space is full. Try again in a moment.".into(),
    }
}

/// Reason why a muted user may not write, until that time in Unix milliseconds.
pub fn muted(until: i64) -> String {
    if until == i64::MAX {
        "A moderator muted you here until the mute is lifted.".into()
    } else {
        format!("A moderator muted you here until {}.", time(until))
    }
}

fn excluded(exclusion: &Exclusion) -> String {
    let by = &exclusion.by;
    let what = match exclusion.kind {
        ExclusionKind::Kick => "sent you out of this space",
        ExclusionKind::Ban => "banned you from this space",
    };
    let text = match exclusion.until {
        Some(until) => format!("{by} {what} until {}", time(until)),
        None => format!("{by} {what}"),
    };
    let text = if exclusion.reason.is_empty() {
        text + "."
    } else {
        format!("{text}: {}", exclusion.reason)
    };
    with_appeal(text, &exclusion.appeal)
}

/// Reason why a suspended user may not use the server.
pub fn suspended(suspension: &Suspension, appeal: &str) -> String {
    with_appeal(suspension.to_string(), appeal)
}

/// A reason, and in a paragraph of its own what to do about it.
fn with_appeal(reason: String, appeal: &str) -> String {
    if appeal.is_empty() {
        reason
    } else {
        format!("{reason}\n\n{appeal}")
    }
}

fn time(ms: i64) -> String {
    utc(ms.cast_unsigned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_space_says_about_appeals_follows_the_reason() {
        let mut exclusion = Exclusion {
            kind: ExclusionKind::Ban,
            until: None,
            reason: "noise".into(),
            by: "ada".into(),
            appeal: String::new(),
        };
        let of = |exclusion: &Exclusion| reason(&EntryRefusal::Excluded(exclusion.clone()));
        assert_eq!(of(&exclusion), "ada banned you from this space: noise");
        exclusion.appeal = "Write to help@example.org.".into();
        assert_eq!(
            of(&exclusion),
            "ada banned you from this space: noise\n\nWrite to help@example.org."
        );
    }
}
