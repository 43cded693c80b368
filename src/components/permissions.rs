//! Permissions: who may do what. This is the one table; everything that depends on an owner or an
//! admin asks [`may`] at the moment of the action.
//!
//! `store::standing` reads how a user stands to a space. `api::extract::Caller::may` and
//! `net::edge` ask for HTTP and for sockets.

use super::id::UserId;

/// What a user may do beyond their own messages and their own player.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// Place and remove objects in the space.
    Build,
    /// Send announcements, and send and edit messages without regard to slow mode.
    Announce,
    /// Delete messages of others.
    DeleteMessages,
    /// Change the rules of chat and proximity, and export or delete all messages.
    ManageChat,
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

/// How a user stands to a space or another thing. By default, a user to the things of others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Standing {
    /// Whether the user is an admin of the server.
    pub is_admin: bool,
    /// Who owns the space or the other thing.
    pub owner: OwnedBy,
}

/// Whether a user with this standing may do something.
pub const fn may(standing: Standing, permission: Permission) -> bool {
    let Standing { is_admin, owner } = standing;
    let is_own = matches!(owner, OwnedBy::User);
    match permission {
        Permission::Build => match owner {
            OwnedBy::User => true,
            OwnedBy::Another => false,
            OwnedBy::NoOne => is_admin,
        },
        Permission::Announce
        | Permission::DeleteMessages
        | Permission::ManageChat
        | Permission::DeletePicture => is_own || is_admin,
        // Admins have a route of their own, which writes to the audit log.
        Permission::DeleteSpace => is_own,
        Permission::ExceedQuotas | Permission::Administer => is_admin,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_permissions() {
        // Owner, other user, user where there is no owner; then the same as an admin.
        let table = [
            (Permission::Build, "yes no no  yes no yes"),
            (Permission::Announce, "yes no no  yes yes yes"),
            (Permission::DeleteMessages, "yes no no  yes yes yes"),
            (Permission::ManageChat, "yes no no  yes yes yes"),
            (Permission::DeleteSpace, "yes no no  yes no no"),
            (Permission::DeletePicture, "yes no no  yes yes yes"),
            (Permission::ExceedQuotas, "no no no  yes yes yes"),
            (Permission::Administer, "no no no  yes yes yes"),
        ];
        let kinds = [OwnedBy::User, OwnedBy::Another, OwnedBy::NoOne];
        let standings =
            [false, true].map(|is_admin| kinds.map(|owner| Standing { is_admin, owner }));
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
}
