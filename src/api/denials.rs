//! Denials: what people are told who may not do something.

use crate::components::permissions::Permission;

/// Why a user without the permission is refused.
pub const fn refusal(permission: Permission) -> &'static str {
    match permission {
        Permission::WriteToSpace => "Your role here may not write to the whole space.",
        Permission::ShareScreen => "Your role here may not share a screen.",
        Permission::UseAccount => "Guests may not do this. Make an account first.",
        Permission::Report => "Your role here may not report people.",
        Permission::Build => "Your role here may not change what stands in this space.",
        Permission::Invite => "Your role here may not invite people.",
        Permission::AnswerJoinRequests => "Your role here may not let people in.",
        Permission::Announce
        | Permission::DeleteMessages
        | Permission::Moderate
        | Permission::ManageChat
        | Permission::DescribeSpace
        | Permission::AssignRoles
        | Permission::EnterAlways => "Only moderators of this space may do this.",
        Permission::ExportChat | Permission::KeepChat => {
            "Only the owner of a space and admins may do this."
        }
        Permission::ManageAccess => "Only the owner of a space may do this.",
        Permission::DeleteSpace => "Only the owner may delete a space.",
        Permission::DeletePicture => "This picture belongs to another user.",
        Permission::ExceedQuotas | Permission::Administer => "Only an admin may do this.",
    }
}
