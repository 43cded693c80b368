//! Hosting: what this process tells the others about spaces and users, and what it does when they
//! ask or tell it something.

use std::sync::Arc;

use super::access::SpaceAccess;
use super::node::NodeId;
use super::ownership::Event;
use super::shared::{FeedQuery, Spaces, SpacesState};
use super::spaces::OpenSpace;
use crate::components::command::Command;
use crate::components::direct::DirectMessage;
use crate::components::id::{SpaceId, UserId};
use crate::components::report::ReportNews;
use crate::components::scene::Scene;
use crate::host::{Ending, SpaceHandle};
use crate::link::{Hosting, LinkBroadcast};

impl Spaces {
    /// Announces a change of any number of spaces in SQL: each process compares its running spaces.
    pub fn look_everywhere(&self) {
        self.0.look(FeedQuery::AtAll);
        self.spread(LinkBroadcast::Look);
    }

    /// Sends a command to a space that runs in any process; a closed one reads the change from SQL
    /// when it opens.
    pub fn tell(&self, space: SpaceId, command: Command) {
        match self.opened(space) {
            Some(_) => self.tell_here(space, command),
            None => self.spread(LinkBroadcast::Space(space, command)),
        }
    }

    /// Sends a command about a user to every open space, in any process.
    pub fn tell_all(&self, command: &Command) {
        for space in self.open() {
            self.tell_here(space, command.clone());
        }
        self.spread(LinkBroadcast::All(command.clone()));
    }

    /// Hands a direct message to the connections of both users, in every process.
    pub fn deliver(&self, message: &DirectMessage) {
        self.0.mailboxes.deliver(message);
        self.spread(LinkBroadcast::Direct(message.clone()));
    }

    /// Announces that sessions of a user ended: their connections close, in every process.
    pub fn sessions_ended(&self, user: UserId) {
        let inner = Arc::clone(&self.0);
        self.0
            .tasks
            .spawn(async move { inner.check_sessions(user).await });
        self.spread(LinkBroadcast::SessionsEnded(user));
    }

    /// Announces that memberships, bans or rules of a space changed: people who may not be in it
    /// any more are disconnected, in every process.
    pub fn memberships_changed(&self, space: SpaceId) {
        self.0.connections.note_change(space);
        let inner = Arc::clone(&self.0);
        self.0
            .tasks
            .spawn(async move { inner.check_memberships(space).await });
        self.spread(LinkBroadcast::Memberships(space));
    }

    /// Tells people in a space who may answer that a user of that name asks to be let in.
    pub fn join_requested(&self, space: SpaceId, name: &str) {
        let (inner, of) = (Arc::clone(&self.0), name.to_owned());
        self.0
            .tasks
            .spawn(async move { inner.tell_of_request(space, &of).await });
        self.spread(LinkBroadcast::JoinRequest(space, name.to_owned()));
    }

    /// Tells users of a report, in every process: in one space, or in any.
    pub fn tell_of_report(&self, users: Vec<UserId>, space: Option<SpaceId>, news: ReportNews) {
        self.0.connections.tell_of_report(&users, space, news);
        self.spread(LinkBroadcast::Report(users, space, news));
    }

    fn tell_here(&self, space: SpaceId, command: Command) {
        if let Some((handle, _)) = self.opened(space)
            && handle.send(command).is_err()
        {
            tracing::debug!(%space, "an overloaded space missed a command; a change of its layout \
                is read from SQL");
        }
    }

    /// Sends a message to every other process. One that cannot be reached reads changed layouts
    /// from SQL.
    fn spread(&self, tell: LinkBroadcast) {
        let Some(links) = self.0.links.clone() else {
            return;
        };
        let inner = Arc::clone(&self.0);
        self.0.tasks.spawn(async move {
            let me = inner.node();
            let (_, alive) = inner.directory.alive(&me).await.unwrap_or_default();
            for node in alive {
                if node.member.node != me.member.node
                    && let Err(error) = links.tell(&node.link, tell.clone()).await
                {
                    tracing::warn!(node = %node.member.node, %error, "failed to tell another \
                        process of a change");
                }
            }
        });
    }

    /// Closes a deleted space: players are told and disconnected, and its saved state is removed.
    pub async fn delete(&self, space: SpaceId) {
        if self.opened(space).is_none() {
            self.spread(LinkBroadcast::Deleted(space));
        }
        self.end_deleted(space).await;
    }

    /// As [`delete`](Self::delete), for a space that runs in this process.
    pub(super) async fn end_deleted(&self, space: SpaceId) {
        self.close(space, Ending::Deleted).await;
        if let Err(error) = self.0.vault.forget(space).await {
            tracing::warn!(%space, %error, "failed to remove the saved state of a deleted space");
        }
    }
}

impl Hosting for Spaces {
    async fn host(&self, space: SpaceId) -> Option<(SpaceHandle, Scene)> {
        match self.enter_as(space, Event::Asked).await {
            Ok(OpenSpace {
                access: SpaceAccess::Here(handle),
                scene,
            }) => Some((handle, scene)),
            _ => None,
        }
    }

    fn running(&self, space: SpaceId) -> Option<SpaceHandle> {
        self.opened(space).map(|(handle, _)| handle)
    }

    async fn told(&self, tell: LinkBroadcast) {
        match tell {
            LinkBroadcast::Space(space, command) => self.tell_here(space, command),
            LinkBroadcast::All(command) => {
                for space in self.open() {
                    self.tell_here(space, command.clone());
                }
            }
            LinkBroadcast::Deleted(space) => self.close(space, Ending::Deleted).await,
            LinkBroadcast::Drain(is_draining) => self.drain(is_draining),
            LinkBroadcast::Move(space, to) => self.move_to(space, &NodeId(to)).await,
            LinkBroadcast::Direct(message) => self.0.mailboxes.deliver(&message),
            LinkBroadcast::SessionsEnded(user) => self.0.check_sessions(user).await,
            LinkBroadcast::Look => self.0.look(FeedQuery::AtAll),
            LinkBroadcast::JoinRequest(space, name) => {
                self.0.tell_of_request(space, &name).await;
            }
            LinkBroadcast::Report(users, space, news) => {
                self.0.connections.tell_of_report(&users, space, news);
            }
            LinkBroadcast::Memberships(space) => {
                self.0.connections.note_change(space);
                self.0.check_memberships(space).await;
            }
        }
    }
}

impl SpacesState {
    async fn check_sessions(&self, user: UserId) {
        if let Err(error) = self.connections.check(&self.store, Some(user)).await {
            tracing::warn!(%error, "failed to check sessions; the next sweep will");
        }
    }

    async fn tell_of_request(&self, space: SpaceId, name: &str) {
        let told = self
            .connections
            .tell_of_request(&self.store, space, name)
            .await;
        if let Err(error) = told {
            tracing::warn!(%error, "failed to tell of a join request; it is in the list");
        }
    }

    async fn check_memberships(&self, space: SpaceId) {
        // Also tells it which users are muted in calls, if it runs here.
        self.look(FeedQuery::At(space));
        if let Err(error) = self.connections.check_entry(&self.store, Some(space)).await {
            tracing::warn!(%error, "failed to check memberships; the next sweep will");
        }
    }
}
