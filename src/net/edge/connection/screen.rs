//! Screen: only users who may share a screen are shown as sharing one, and the SFU forwards no
//! other screens.

use std::time::Duration;

use super::Connection;
use crate::components::command::Command;
use crate::components::id::PlayerId;
use crate::components::permissions::Permission;
use crate::components::status::StatusCommand;

/// How often it is checked whether a user who shares a screen still may.
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(1);

const NO_SCREEN: &str = "Your role here may not share a screen.";

impl Connection {
    /// The command without a screen that the user may not share.
    pub(super) async fn within_screen_rules(&mut self, command: Command) -> Command {
        let Command::Status(StatusCommand::ChangeMedia { player, mut media }) = command else {
            return command;
        };
        if media.screen && !self.may(Permission::ShareScreen).await {
            media.screen = false;
            self.notify("forbidden", NO_SCREEN);
        }
        self.sharing = media.screen.then_some(player);
        Command::Status(StatusCommand::ChangeMedia { player, media })
    }

    /// Ends the screen share of a user who reconnected and may not share a screen any more.
    pub(super) fn screen_of_newcomer(&self, player: PlayerId) {
        let may_share = self.standing.as_ref().is_none_or(|standing| {
            let membership = standing.last();
            membership.may(Permission::ShareScreen)
        });
        if !may_share {
            self.command(Command::Status(StatusCommand::StopScreen { player }));
        }
    }

    /// Ends the screen share of a user who may not share a screen any more.
    pub(super) async fn check_screen(&mut self) {
        let Some(player) = self.sharing else {
            return;
        };
        if !self.may(Permission::ShareScreen).await {
            self.sharing = None;
            self.command(Command::Status(StatusCommand::StopScreen { player }));
        }
    }
}
