//! Client: a client as the relay knows it, and where its bytes go.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::oneshot;

use super::json_view::JsonView;
use super::view::ClientView;
use crate::components::id::{PlayerId, UserId};
use crate::components::player::Avatar;
use crate::components::presence::{JoinRefusal, JoinTerms};
use crate::net::codec::encode;
use crate::net::protocol::ServerMessage;
use crate::net::protocol::client::ProtocolKind;

/// Takes the bytes for one client. Never blocks: a frame is accepted only while none is in flight,
/// events are bounded in bytes.
pub trait Sink: Send + Sync + 'static {
    /// Whether the last frame was passed to the socket.
    fn is_free(&self) -> bool;
    /// Sends state. It may be skipped while the client is busy.
    fn frame(&self, bytes: &[u8]);
    /// Sends an event in order, with the next frame or at a flush. It is left out if too much
    /// waits.
    fn event(&self, bytes: Bytes);
    /// Whether events are left out.
    fn has_missed(&self) -> bool;
    /// Whether events were left out and everything before them was passed to the socket. Clears
    /// the state: later events are sent again.
    fn take_missed(&self) -> bool;
    /// Sends waiting events without a frame.
    fn flush(&self);
    /// Closes the connection after everything that waits.
    fn close(&self, code: u16, reason: &str);
}

/// Id of a connection of this edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClientId(pub u64);

/// A client that joins. Its permission to join was checked.
pub struct Arrival {
    /// Tells apart connections of the same user.
    pub client: ClientId,
    /// Number of the join request, ascending on this edge: checks and opening the space can make
    /// an earlier request arrive later.
    pub request: u64,
    /// A user has one client in a space: a later arrival replaces the earlier one.
    pub user: UserId,
    /// Name above the player's head.
    pub name: String,
    /// Avatar, if one was chosen.
    pub avatar: Option<Avatar>,
    /// Zone to arrive in, if the player is not in the space yet.
    pub arrive: Option<String>,
    /// Users that this user blocks.
    pub blocked: Vec<UserId>,
    /// Protocol of the client.
    pub protocol: ProtocolKind,
    /// Takes the bytes for the client.
    pub sink: Arc<dyn Sink>,
    /// Current name of the space; `None` for the one that it was opened with.
    pub space_name: Option<String>,
    /// Conditions that only the space can check.
    pub terms: JoinTerms,
    /// Receives the player's number when it has joined, or why it did not.
    pub ready: oneshot::Sender<Result<PlayerId, JoinRefusal>>,
}

/// How a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Departure {
    /// The client left, or cannot reconnect.
    Left,
    /// The connection failed: the client may reconnect.
    Lost,
}

/// A client that joined.
pub(super) struct RelayClient {
    pub(super) request: u64,
    pub(super) user: UserId,
    pub(super) blocked: Vec<UserId>,
    pub(super) player: PlayerId,
    pub(super) sink: Arc<dyn Sink>,
    pub(super) view: ProtocolView,
}

impl RelayClient {
    /// Sends a message, if the client speaks the binary protocol.
    pub(super) fn send(&self, message: &ServerMessage) {
        if let ProtocolView::Binary(_) = self.view {
            self.sink.event(encode(message).into());
        }
    }

    /// Whether the client blocks that user.
    pub(super) fn keeps_away(&self, user: UserId) -> bool {
        self.blocked.contains(&user)
    }

    /// The same for a user who may be unknown.
    pub(super) fn keeps_any_away(&self, user: Option<UserId>) -> bool {
        user.is_some_and(|user| self.keeps_away(user))
    }
}

/// What was sent to a client, by its protocol.
pub(super) enum ProtocolView {
    Binary(ClientView),
    Json(JsonView),
}
