//! News: what a user is told when their standing in the space changes while they are inside, when
//! someone asks to be let in, and of reports.

use crate::cluster::connections::KnownMembership;
use crate::components::permissions::SpaceRole;
use crate::components::report::ReportNews;
use crate::components::utc::utc;

/// Code of notices about one's own role and mutes.
pub(super) const MEMBERSHIP: &str = "membership";

/// Code of notices about join requests.
pub(super) const JOIN_REQUEST: &str = "join-request";

/// Codes of notices about reports: that there is a new one, and that one's own was answered.
pub(super) const REPORT: &str = "report";
pub(super) const REPORT_ANSWERED: &str = "report-answered";

/// What changed for the user; `None` when it is nothing to speak of.
pub(super) fn changed(before: KnownMembership, after: KnownMembership, now: i64) -> Option<String> {
    let mut told = Vec::new();
    if before.role != after.role {
        told.push(match after.role {
            SpaceRole::Guest | SpaceRole::Visitor => "You are a visitor of this space now.".into(),
            SpaceRole::Owner => "You own this space now.".into(),
            role @ (SpaceRole::Member | SpaceRole::Builder | SpaceRole::Moderator) => {
                format!("You are a {} of this space now.", role.word())
            }
        });
    }
    if before.may_share != after.may_share {
        told.push(if after.may_share {
            "You may share a screen here now.".into()
        } else {
            "You may not share a screen here any more.".into()
        });
    }
    if before.offered_until != after.offered_until && after.role != SpaceRole::Owner {
        told.push(if after.offered_until > now {
            "You are offered this space: accept or decline it.".into()
        } else {
            "This space is not offered to you any more.".into()
        });
    }
    let mutes = [
        (before.mutes.chat, after.mutes.chat, "You cannot write here"),
        (
            before.mutes.voice,
            after.mutes.voice,
            "Others do not hear you here",
        ),
        (
            before.mutes.video,
            after.mutes.video,
            "Others do not see you here",
        ),
    ];
    for (before, after, what) in mutes {
        if after > now && after != before {
            told.push(match after {
                i64::MAX => format!("{what} until a moderator lifts it."),
                until => format!("{what} until {}.", utc(until.cast_unsigned())),
            });
        }
    }
    let was_muted = mutes.iter().any(|(before, ..)| *before > now);
    let is_muted = mutes.iter().any(|(_, after, _)| *after > now);
    if was_muted && !is_muted {
        told.push("You are not muted here any more.".into());
    }
    (!told.is_empty()).then(|| told.join(" "))
}

/// Who asks to be let in.
pub(super) fn join_request(name: &str) -> String {
    format!("{name} asks to join this space.")
}

/// Code and text about a report.
pub(super) const fn of_report(news: ReportNews) -> (&'static str, &'static str) {
    match news {
        ReportNews::New => (REPORT, "A person was reported. You may answer."),
        ReportNews::Answered => (REPORT_ANSWERED, "Your report was answered."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::components::membership::Mutes;

    fn of(role: SpaceRole, mutes: Mutes) -> KnownMembership {
        KnownMembership {
            role,
            mutes,
            may_share: true,
            offered_until: 0,
        }
    }

    #[test]
    fn people_are_told_what_changed_and_nothing_else() {
        let none = Mutes::default();
        let member = of(SpaceRole::Member, none);
        assert_eq!(changed(member, member, 5), None);
        let told = changed(of(SpaceRole::Visitor, none), member, 5).unwrap();
        assert_eq!(told, "You are a member of this space now.");
        let muted = Mutes {
            chat: i64::MAX,
            voice: 1_000,
            video: 4,
        };
        let muted = of(SpaceRole::Member, muted);
        let told = changed(member, muted, 5).unwrap();
        assert_eq!(
            told,
            "You cannot write here until a moderator lifts it. \
             Others do not hear you here until 1970-01-01T00:00:01Z."
        );
        let told = changed(muted, member, 5).unwrap();
        assert_eq!(told, "You are not muted here any more.");
        let offered = KnownMembership {
            offered_until: 9,
            ..member
        };
        let told = changed(member, offered, 5).unwrap();
        assert_eq!(told, "You are offered this space: accept or decline it.");
        let told = changed(offered, member, 5).unwrap();
        assert_eq!(told, "This space is not offered to you any more.");
        let without = KnownMembership {
            may_share: false,
            ..member
        };
        let told = changed(member, without, 5).unwrap();
        assert_eq!(told, "You may not share a screen here any more.");
        let told = changed(offered, of(SpaceRole::Owner, none), 5).unwrap();
        assert_eq!(told, "You own this space now.");
    }
}
