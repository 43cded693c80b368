//! Permissions: who may do what. This is the one table; everything that depends on a role, an owner
//! or an admin asks [`may`] at the moment of the action.
//!
//! `store::membership` reads how a user stands to a space. `api::access` and `net::edge` ask for
//! HTTP and for sockets.

use super::id::UserId;

/// What a user is in a space. Each role may do all that the one before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum SpaceRole {
    /// Has no account.
    #[default]
    Guest,
    /// Has an account, but is no member.
    Visitor,
    /// Member of the space.
    Member,
    /// Member who changes what stands in the space.
    Builder,
    /// Looks after the space and the people in it.
    Moderator,
    /// Owns the space.
    Owner,
}

impl SpaceRole {
    /// All roles, from the lowest up.
    pub const ALL: [Self; 6] = [
        Self::Guest,
        Self::Visitor,
        Self::Member,
        Self::Builder,
        Self::Moderator,
        Self::Owner,
    ];

    /// Its name in tables and messages.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Guest => "guest",
            Self::Visitor => "visitor",
            Self::Member => "member",
            Self::Builder => "builder",
            Self::Moderator => "moderator",
            Self::Owner => "owner",
        }
    }

    /// The role with that name.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.word() == word)
    }

    /// Whether a user can be given this role: owners have theirs by owning the space.
    pub const fn is_assigned(self) -> bool {
        matches!(self, Self::Member | Self::Builder | Self::Moderator)
    }
}

/// The lowest role with each permission that an owner may hand out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PermissionRoles {
    /// For messages to the whole space.
    pub say: SpaceRole,
    /// For sharing a screen.
    pub share: SpaceRole,
    /// For building.
    pub build: SpaceRole,
    /// For making invites.
    pub invite: SpaceRole,
    /// For answering join requests.
    pub admit: SpaceRole,
    /// For exporting what is in the space.
    pub copy: SpaceRole,
}

impl Default for PermissionRoles {
    fn default() -> Self {
        Self {
            say: SpaceRole::Guest,
            share: SpaceRole::Guest,
            build: SpaceRole::Builder,
            invite: SpaceRole::Moderator,
            admit: SpaceRole::Moderator,
            copy: SpaceRole::Owner,
        }
    }
}

/// Declares the permissions and the list of them, so that none is missing there.
macro_rules! permissions {
    ($($(#[$doc:meta])+ $name:ident),+ $(,)?) => {
        /// What a user may do beyond walking, talking to those near, and their own messages.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Permission {
            $($(#[$doc])+ $name),+
        }

        impl Permission {
            /// All permissions.
            pub const ALL: &[Self] = &[$(Self::$name),+];
        }
    };
}

permissions! {
    /// Write messages to the whole space.
    WriteToSpace,
    /// Share a screen in calls.
    ShareScreen,
    /// Make spaces, upload pictures, and write first to another user.
    UseAccount,
    /// Report people to those who look after the space.
    Report,
    /// Place and remove objects in the space.
    Build,
    /// Make invites to the space, and see its invites.
    Invite,
    /// Answer join requests.
    AnswerJoinRequests,
    /// Send announcements, and send and edit messages without regard to slow mode.
    Announce,
    /// Delete messages of others.
    DeleteMessages,
    /// Kick, mute and ban, and see who is.
    Moderate,
    /// Change the rules of chat and proximity, and delete all messages.
    ManageChat,
    /// Change the name and the description of the space.
    DescribeSpace,
    /// See the members, and give and take roles below one's own.
    AssignRoles,
    /// Enter at any time: in a full or locked space, and outside of its hours.
    EnterAlways,
    /// Export all messages.
    ExportChat,
    /// Change how long messages are kept.
    KeepChat,
    /// Change who may enter, and the roles of the permissions above.
    ManageAccess,
    /// Delete the space.
    DeleteSpace,
    /// Delete an uploaded picture.
    DeletePicture,
    /// Exceed quotas, and the rate at which users make spaces and elements.
    ExceedQuotas,
    /// Administer the server and everything on it.
    Administer,
}

/// Who owns something, as seen by a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OwnedBy {
    /// It is the user's own.
    User,
    /// It belongs to another user, or owners do not matter.
    #[default]
    Another,
    /// It belongs to no one, like spaces of a seed.
    NoOne,
}

impl OwnedBy {
    /// Who owns a thing with this owner, as seen by this user. `None` is no owner.
    pub fn of(owner: Option<UserId>, user: UserId) -> Self {
        match owner {
            None => Self::NoOne,
            Some(owner) if owner == user => Self::User,
            Some(_) => Self::Another,
        }
    }
}

/// How a user stands to a space or another thing. By default, a guest to the things of others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Standing {
    /// Whether the user is an admin of the server.
    pub is_admin: bool,
    /// Who owns the space or the other thing.
    pub owner: OwnedBy,
    /// Role that the user was given.
    pub role: SpaceRole,
    /// Roles of the permissions that the owner hands out.
    pub roles: PermissionRoles,
}

impl Standing {
    /// The role that counts: owners own, admins moderate, and own what belongs to no one.
    pub const fn role(self) -> SpaceRole {
        match (self.owner, self.is_admin) {
            (OwnedBy::User, _) | (OwnedBy::NoOne, true) => SpaceRole::Owner,
            (OwnedBy::Another, true) => highest(self.role, SpaceRole::Moderator),
            (OwnedBy::Another | OwnedBy::NoOne, false) => self.role,
        }
    }

    /// Whether the user may act on a user with that standing to the same space: on lower roles
    /// only, and never on admins of the server.
    pub const fn is_above(self, other: Self) -> bool {
        !other.is_admin && self.role() as u8 > other.role() as u8
    }

    /// Whether the user may give a role to others: only one below their own.
    pub const fn may_give(self, role: SpaceRole) -> bool {
        self.role() as u8 > role as u8
    }
}

const fn highest(one: SpaceRole, other: SpaceRole) -> SpaceRole {
    if one as u8 > other as u8 { one } else { other }
}

/// Whether a user with this standing may do something.
pub const fn may(standing: Standing, permission: Permission) -> bool {
    let Standing {
        is_admin,
        owner,
        role,
        roles,
    } = standing;
    let is_own = matches!(owner, OwnedBy::User);
    let least = match permission {
        Permission::WriteToSpace => roles.say,
        Permission::ShareScreen => roles.share,
        Permission::UseAccount => SpaceRole::Visitor,
        Permission::Report => SpaceRole::Guest,
        // Admins look after the spaces of others, but do not build there.
        Permission::Build => {
            let is_no_ones = matches!(owner, OwnedBy::NoOne);
            return is_own || is_no_ones && is_admin || role as u8 >= roles.build as u8;
        }
        Permission::Invite => roles.invite,
        Permission::AnswerJoinRequests => roles.admit,
        Permission::Announce
        | Permission::DeleteMessages
        | Permission::Moderate
        | Permission::ManageChat
        | Permission::DescribeSpace
        | Permission::AssignRoles
        | Permission::EnterAlways => SpaceRole::Moderator,
        Permission::ExportChat | Permission::KeepChat if is_admin => return true,
        Permission::ExportChat => roles.copy,
        Permission::KeepChat | Permission::ManageAccess => SpaceRole::Owner,
        // Admins have a route of their own, which writes to the audit log.
        Permission::DeleteSpace => return is_own,
        Permission::DeletePicture => return is_own || is_admin,
        Permission::ExceedQuotas | Permission::Administer => return is_admin,
    };
    standing.role() as u8 >= least as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_admins_and_owners_may_do() {
        // Owner, other user, user where there is no owner; then the same as an admin.
        let table = [
            (Permission::WriteToSpace, "yes yes yes  yes yes yes"),
            (Permission::ShareScreen, "yes yes yes  yes yes yes"),
            (Permission::UseAccount, "yes yes yes  yes yes yes"),
            (Permission::Report, "yes yes yes  yes yes yes"),
            (Permission::Build, "yes no no  yes no yes"),
            (Permission::Invite, "yes no no  yes yes yes"),
            (Permission::AnswerJoinRequests, "yes no no  yes yes yes"),
            (Permission::Announce, "yes no no  yes yes yes"),
            (Permission::DeleteMessages, "yes no no  yes yes yes"),
            (Permission::Moderate, "yes no no  yes yes yes"),
            (Permission::ManageChat, "yes no no  yes yes yes"),
            (Permission::DescribeSpace, "yes no no  yes yes yes"),
            (Permission::AssignRoles, "yes no no  yes yes yes"),
            (Permission::EnterAlways, "yes no no  yes yes yes"),
            (Permission::ExportChat, "yes no no  yes yes yes"),
            (Permission::KeepChat, "yes no no  yes yes yes"),
            (Permission::ManageAccess, "yes no no  yes no yes"),
            (Permission::DeleteSpace, "yes no no  yes no no"),
            (Permission::DeletePicture, "yes no no  yes yes yes"),
            (Permission::ExceedQuotas, "no no no  yes yes yes"),
            (Permission::Administer, "no no no  yes yes yes"),
        ];
        let kinds = [OwnedBy::User, OwnedBy::Another, OwnedBy::NoOne];
        let standings = [false, true].map(|is_admin| {
            kinds.map(|owner| Standing {
                is_admin,
                owner,
                role: SpaceRole::Visitor,
                roles: PermissionRoles::default(),
            })
        });
        let named = table.map(|(permission, _)| permission);
        assert_eq!(named, Permission::ALL);
        for (permission, row) in table {
            let answers = standings.as_flattened().iter().map(|&standing| {
                if may(standing, permission) {
                    "yes"
                } else {
                    "no"
                }
            });
            let row: Vec<&str> = row.split_whitespace().collect();
            assert_eq!(answers.collect::<Vec<_>>(), row, "{permission:?}");
        }
    }

    #[derive(serde::Deserialize)]
    struct GoldenRow {
        permission: String,
        roles: String,
        admin: String,
        handed_out_as: Option<String>,
    }

    /// Whether it is about a space: those are in the golden table.
    const fn is_of_spaces(permission: Permission) -> bool {
        match permission {
            Permission::WriteToSpace
            | Permission::ShareScreen
            | Permission::UseAccount
            | Permission::Report
            | Permission::Build
            | Permission::Invite
            | Permission::AnswerJoinRequests
            | Permission::Announce
            | Permission::DeleteMessages
            | Permission::Moderate
            | Permission::ManageChat
            | Permission::DescribeSpace
            | Permission::AssignRoles
            | Permission::EnterAlways
            | Permission::ExportChat
            | Permission::KeepChat
            | Permission::ManageAccess
            | Permission::DeleteSpace => true,
            Permission::DeletePicture | Permission::ExceedQuotas | Permission::Administer => false,
        }
    }

    fn of_spaces() -> Vec<Permission> {
        let all = Permission::ALL.iter().copied();
        all.filter(|permission| is_of_spaces(*permission)).collect()
    }

    fn of_role(role: SpaceRole, roles: PermissionRoles) -> Standing {
        let owner = if role == SpaceRole::Owner {
            OwnedBy::User
        } else {
            OwnedBy::Another
        };
        Standing {
            is_admin: false,
            owner,
            role,
            roles,
        }
    }

    /// Roles with one permission handed out from a role on.
    fn handed_out(what: &str, least: SpaceRole) -> PermissionRoles {
        let mut roles = PermissionRoles::default();
        *match what {
            "say" => &mut roles.say,
            "share" => &mut roles.share,
            "build" => &mut roles.build,
            "invite" => &mut roles.invite,
            "admit" => &mut roles.admit,
            "copy" => &mut roles.copy,
            _ => panic!("{what} is not handed out"),
        } = least;
        roles
    }

    #[test]
    fn each_role_may_do_what_the_golden_table_says() {
        let table = include_str!("../../tests/golden/permissions.json");
        let table: Vec<GoldenRow> = serde_json::from_str(table).unwrap();
        let named: Vec<&str> = table.iter().map(|row| row.permission.as_str()).collect();
        let all = of_spaces();
        let expected: Vec<String> = all.iter().map(|one| format!("{one:?}")).collect();
        assert_eq!(named, expected, "every permission has its row");
        for (row, permission) in table.iter().zip(all) {
            let admin = Standing {
                is_admin: true,
                ..of_role(SpaceRole::Visitor, PermissionRoles::default())
            };
            assert_eq!(row.admin == "yes", may(admin, permission), "{permission:?}");
            let cells: Vec<&str> = row.roles.split_whitespace().collect();
            assert_eq!(cells.len(), SpaceRole::ALL.len());
            for (role, cell) in SpaceRole::ALL.into_iter().zip(&cells) {
                let what = format!("{permission:?} for {}", role.word());
                let may_by = |roles| may(of_role(role, roles), permission);
                match (*cell, row.handed_out_as.as_deref()) {
                    ("yes", None) => assert!(may_by(PermissionRoles::default()), "{what}"),
                    ("no", None) => assert!(!may_by(PermissionRoles::default()), "{what}"),
                    (cell, Some(name)) => {
                        assert_eq!(cell == "yes", may_by(PermissionRoles::default()), "{what}");
                        for least in SpaceRole::ALL {
                            let is_given = may_by(handed_out(name, least));
                            assert_eq!(is_given, role >= least, "{what} from {}", least.word());
                        }
                    }
                    (cell, None) => panic!("{cell:?} is neither yes nor no"),
                }
            }
        }
    }

    #[test]
    fn people_act_on_lower_roles_only_and_on_no_admin() {
        let roles = PermissionRoles::default();
        for one in SpaceRole::ALL {
            for other in SpaceRole::ALL {
                let is_above = of_role(one, roles).is_above(of_role(other, roles));
                assert_eq!(is_above, one > other, "{one:?} on {other:?}");
                assert_eq!(of_role(one, roles).may_give(other), one > other);
                let admin = Standing {
                    is_admin: true,
                    ..of_role(other, roles)
                };
                assert!(!of_role(one, roles).is_above(admin), "{one:?} on an admin");
            }
        }
    }
}
