//! Requests: what spaces and their clients tell the SFU.

use std::collections::{BTreeMap, HashMap};
use std::time::Instant;

use metrics::gauge;

use super::{Carrier, FollowedSpace, measured};
use crate::components::call::CallFact;
use crate::components::fact::Fact;
use crate::components::id::{PlayerId, SpaceId};
use crate::media::sfu::SfuCommand;
use crate::media::sfu::client::SfuClient;
use crate::media::sfu::session::SfuSession;
use crate::media::sfu::words::{self, SfuReply, SfuRequest};

impl Carrier {
    pub(super) fn command(&mut self, command: SfuCommand, now: Instant) {
        match command {
            SfuCommand::Open(space, sink) => {
                self.close(space);
                let followed = FollowedSpace {
                    session: SfuSession::default(),
                    sink,
                    clients: BTreeMap::new(),
                    routes: HashMap::new(),
                    is_dirty: false,
                };
                self.spaces.insert(space, followed);
            }
            SfuCommand::Snapshot(space, snapshot, missed) => {
                let Some(followed) = self.spaces.get_mut(&space) else {
                    return;
                };
                followed.session.rebase(&snapshot);
                let forwarded = followed.session.forwarded();
                for player in forwarded.filter(|player| !followed.clients.contains_key(player)) {
                    followed.say(player, &SfuReply::Again {});
                }
                self.changed(space, &missed, now);
            }
            SfuCommand::Tick(space, output) => {
                let Some(followed) = self.spaces.get_mut(&space) else {
                    return;
                };
                followed.session.apply(&output);
                self.changed(space, &output.facts, now);
            }
            SfuCommand::Close(space) => self.close(space),
        }
    }

    fn close(&mut self, space: SpaceId) {
        for id in self
            .spaces
            .remove(&space)
            .into_iter()
            .flat_map(|followed| followed.clients.into_values())
        {
            self.end(id);
        }
    }

    /// Updates a space after new facts: ends connections of players who left, answers requests.
    fn changed(&mut self, space: SpaceId, facts: &[Fact], now: Instant) {
        let Some(followed) = self.spaces.get_mut(&space) else {
            return;
        };
        followed.is_dirty = true;
        let gone: Vec<_> = followed
            .clients
            .extract_if(.., |player, _| !followed.session.has(*player))
            .collect();
        for (_, id) in gone {
            self.end(id);
        }
        for fact in facts {
            if let Fact::Call(CallFact::SfuRequested { player, body }) = fact {
                self.hear(space, *player, body, now);
            }
        }
    }

    pub(super) fn end(&mut self, id: u64) {
        if let Some(mut client) = self.clients.remove(&id) {
            client.close();
            self.origins.forget(id);
            gauge!("plaza_forward_clients").set(measured(self.clients.len()));
        }
    }

    /// Handles a client's request.
    fn hear(&mut self, space: SpaceId, player: PlayerId, body: &str, now: Instant) {
        let Some(followed) = self.spaces.get_mut(&space) else {
            return;
        };
        let known = followed.clients.get(&player).copied();
        match serde_json::from_str(body) {
            Ok(SfuRequest::Offer { session, packed }) => {
                let is_same = |id: &u64| {
                    self.clients
                        .get(id)
                        .is_some_and(|client| client.session == session)
                };
                let refused = if known.is_none() && !followed.session.is_forwarded(player) {
                    "no call near you goes through the SFU".to_owned()
                } else {
                    let before = known.filter(is_same);
                    match self.agree((space, player), before, &session, &packed, now) {
                        Ok(()) => return,
                        Err(reason) => reason,
                    }
                };
                tracing::debug!(%space, player = player.0, %refused, "refused an offer");
                if let Some(followed) = self.spaces.get(&space) {
                    let said = SfuReply::Refused {
                        session: &session,
                        reason: refused,
                    };
                    followed.say(player, &said);
                }
            }
            Ok(SfuRequest::Show(show)) => {
                if let Some(client) = known.and_then(|id| self.clients.get_mut(&id)) {
                    client.show(show);
                    followed.is_dirty = true;
                }
            }
            Err(error) => {
                tracing::debug!(%space, player = player.0, %error, "unknown request to the SFU");
            }
        }
    }

    /// Creates a connection, or changes the existing one.
    fn agree(
        &mut self,
        (space, player): (SpaceId, PlayerId),
        before: Option<u64>,
        session: &str,
        packed: &str,
        now: Instant,
    ) -> Result<(), String> {
        let offer = words::read(packed).map_err(|error| error.to_string())?;
        let agreed = |error: str0m::RtcError| error.to_string();
        let changed = before.and_then(|id| self.clients.get_mut(&id).map(|client| (id, client)));
        let (id, answer) = if let Some((id, client)) = changed {
            let accepted = client.accept(offer, now);
            // The name is another one after a restart of the connection, even if the offer fails.
            self.origins.name(id, client.ufrag());
            (None, accepted.map_err(agreed)?)
        } else {
            let who = (space, player);
            let mut client = SfuClient::new(
                who,
                session.to_owned(),
                &self.certificate,
                &self.candidates,
                now,
            );
            let answer = client.accept(offer, now).map_err(agreed)?;
            self.next += 1;
            self.origins.name(self.next, client.ufrag());
            self.clients.insert(self.next, client);
            gauge!("plaza_forward_clients").set(measured(self.clients.len()));
            (Some(self.next), answer)
        };
        let Some(followed) = self.spaces.get_mut(&space) else {
            return Ok(());
        };
        followed.is_dirty = true;
        let said = SfuReply::Answer {
            session,
            packed: words::pack(&answer.to_sdp_string()),
        };
        followed.say(player, &said);
        if let Some(replaced) = id.and_then(|id| followed.clients.insert(player, id)) {
            self.end(replaced);
        }
        Ok(())
    }
}
