//! Send: passes a message to the clients that an audience names.

use bytes::Bytes;

use super::Relay;
use super::client::{ProtocolView, RelayClient};
use crate::components::audience::Audience;
use crate::components::id::PlayerId;
use crate::net::codec::encode;
use crate::net::protocol::ServerMessage;
use crate::net::protocol::session::{NoticeS2c, SessionS2c};

impl Relay {
    /// Sends clients a notice: a code for programs and a text for users.
    pub(super) fn notify(&self, audience: Audience<'_>, code: &str, message: String) {
        let code = code.into();
        let notice = ServerMessage::Session(SessionS2c::Notice(NoticeS2c { code, message }));
        self.send(audience, &notice);
    }

    /// Sends a message to the binary clients of the players who are told.
    pub(super) fn send(&self, audience: Audience<'_>, message: &ServerMessage) {
        let bytes: Bytes = encode(message).into();
        match audience {
            Audience::Everyone => self.send_where(&bytes, |_| true),
            Audience::FromUser(user) => {
                self.send_where(&bytes, |client| !client.keeps_away(user));
            }
            Audience::From(player) => {
                let user = self.visible.user_of(player);
                self.send_where(&bytes, |client| !client.keeps_any_away(user));
            }
            Audience::OthersThan(player) => {
                let user = self.visible.user_of(player);
                self.send_where(&bytes, |client| {
                    client.player != player && !client.keeps_any_away(user)
                });
            }
            Audience::Player(player) => self.send_to(player, &bytes),
            Audience::Players(players) => {
                for player in players {
                    self.send_to(*player, &bytes);
                }
            }
            Audience::Server => {}
        }
    }

    fn send_where(&self, bytes: &Bytes, is_told: impl Fn(&RelayClient) -> bool) {
        for client in self.clients.values() {
            if let ProtocolView::Binary(_) = client.view
                && is_told(client)
            {
                client.sink.event(bytes.clone());
            }
        }
    }

    /// Sends bytes to a player whose client speaks the JSON protocol.
    pub(super) fn send_json(&self, player: PlayerId, bytes: Bytes) {
        if let Some(client) = self.client_of(player)
            && let ProtocolView::Json(_) = client.view
        {
            client.sink.event(bytes);
        }
    }

    fn send_to(&self, player: PlayerId, bytes: &Bytes) {
        if let Some(client) = self.client_of(player)
            && let ProtocolView::Binary(_) = client.view
        {
            client.sink.event(bytes.clone());
        }
    }

    /// The client of a player.
    pub(super) fn client_of(&self, player: PlayerId) -> Option<&RelayClient> {
        let client = self.clients.get(self.numbers.get(&player)?)?;
        (client.player == player).then_some(client)
    }
}
