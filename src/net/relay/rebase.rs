//! Rebase: clients stay when the relay starts again from a snapshot: they are told what they
//! missed, and players that a new owner of the space does not know resume.

use std::collections::BTreeMap;

use super::arrivals::join_command;
use super::client::ProtocolView;
use super::{Relay, close};
use crate::components::command::Command;
use crate::components::fact::{Fact, Snapshot};
use crate::components::id::{PlayerId, UserId};
use crate::components::presence::PresenceCommand;
use crate::components::unit::Tile;

impl Relay {
    /// Sends facts of ticks that a snapshot replaced, like any facts.
    pub fn catch_up(&mut self, missed: &[Fact]) -> Vec<Command> {
        let mut commands = Vec::new();
        for fact in missed {
            // The snapshot has these already, in a newer state.
            if !fact.is_in_snapshot() {
                commands.extend(self.tell(fact));
            }
        }
        self.send_frames();
        commands
    }

    /// Starts from a snapshot. Clients stay. Players who are missing in the snapshot resume where
    /// they were last seen; returns the commands for that.
    pub fn rebase(&mut self, snapshot: &Snapshot, epoch: u64) -> Vec<Command> {
        let before: BTreeMap<PlayerId, (UserId, Option<Tile>)> = self
            .visible
            .players()
            .filter_map(|player| {
                Some((
                    player,
                    (self.visible.user_of(player)?, self.visible.tile_of(player)),
                ))
            })
            .collect();
        let resumed = self.resumed(snapshot, epoch);
        let known = self.visible.version();
        self.visible.rebase(snapshot, epoch);
        self.abandoned.clear();
        if known != snapshot.version {
            // The map changed while the relay was disconnected from the space.
            self.tell_of_map(snapshot.version);
        }
        self.nearby
            .rebase(snapshot, resumed.iter().map(|(player, _)| *player));
        self.send_json_changes(&before);
        self.catch_up_chat(&snapshot.history);
        for client in self.clients.values_mut() {
            match &mut client.view {
                ProtocolView::Binary(view) => view.rebase(),
                ProtocolView::Json(_) => {}
            }
        }
        let visible = &self.visible;
        let is_resumed = |player: PlayerId| resumed.iter().any(|(other, _)| *other == player);
        self.clients.retain(|_, client| {
            let stays =
                visible.user_of(client.player) == Some(client.user) || is_resumed(client.player);
            if !stays {
                client.sink.close(close::AWAY, "the space has restarted");
            }
            stays
        });
        self.tell_all_of_nearby();
        let visible = &self.visible;
        let present = self
            .clients
            .values()
            .filter(|client| visible.card(client.player).is_some())
            .map(|client| {
                Command::Presence(PresenceCommand::Stay {
                    player: client.player,
                })
            });
        let present: Vec<_> = present
            .chain(
                self.arriving
                    .iter()
                    .map(|arrival| join_command(self.id, arrival)),
            )
            .collect();
        let resumed = resumed.into_iter().map(|(_, command)| command);
        resumed.chain(present).collect()
    }

    /// Commands for clients that a new epoch of the space does not know: they joined after its
    /// last checkpoint.
    fn resumed(&self, snapshot: &Snapshot, epoch: u64) -> Vec<(PlayerId, Command)> {
        if epoch == self.visible.epoch() {
            return Vec::new();
        }
        let is_known = |user: UserId| snapshot.players.iter().any(|(card, ..)| card.user == user);
        let unknown = self
            .clients
            .values()
            .filter(|client| !is_known(client.user));
        unknown
            .filter_map(|client| {
                let (position, facing) = self.visible.stand(client.player)?;
                let resume = PresenceCommand::Resume {
                    card: self.visible.card(client.player)?.clone(),
                    position,
                    facing,
                    ack: self.visible.own_and_ack(client.player)?.0,
                    blocked: client.blocked.clone(),
                    relay: self.id,
                };
                Some((client.player, Command::Presence(resume)))
            })
            .collect()
    }
}
