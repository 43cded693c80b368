//! Streams: which client receives which stream, in which quality.

use std::collections::BTreeMap;
use std::time::Instant;

use metrics::counter;
use str0m::media::MediaData;

use super::Carrier;
use crate::components::id::{PlayerId, SpaceId};
use crate::media::sfu::client::SfuClient;
use crate::media::sfu::layers::{Quality, choose};
use crate::media::sfu::session::Source;
use crate::media::sfu::words::SfuReply;

impl Carrier {
    /// Forwards a frame to every client that receives the stream.
    pub(super) fn forward(
        &mut self,
        from: u64,
        source: Source,
        space: SpaceId,
        frame: &MediaData,
        now: Instant,
    ) {
        let Some(routes) = self
            .spaces
            .get(&space)
            .and_then(|followed| followed.routes.get(&source))
        else {
            return;
        };
        let mut needs_keyframe = false;
        let mut forwarded = 0;
        for (to, slot) in routes {
            let Some(quality) = self
                .clients
                .get(to)
                .and_then(|client| client.quality(*slot))
            else {
                continue;
            };
            let is_wanted = |sender: &SfuClient| sender.is_layer(source.1, quality, frame.rid, now);
            let is_wanted = self.clients.get(&from).is_some_and(is_wanted);
            if let Some(receiver) = self.clients.get_mut(to) {
                needs_keyframe |= receiver.forward(*slot, frame, is_wanted, now);
                forwarded += 1;
            }
        }
        counter!("plaza_forward_frames_total").increment(forwarded);
        if needs_keyframe && let Some(sender) = self.clients.get_mut(&from) {
            sender.ask_for_keyframe(source.1, frame.rid, now);
        }
    }

    /// Assigns streams to the clients of a space.
    pub(super) fn assign_streams(&mut self, space: SpaceId, now: Instant) {
        let Some(followed) = self.spaces.get_mut(&space) else {
            return;
        };
        followed.is_dirty = false;
        followed.routes.clear();
        let people: Vec<(PlayerId, u64)> = followed
            .clients
            .iter()
            .map(|(player, id)| (*player, *id))
            .collect();
        for (player, id) in people {
            let Some(client) = self.clients.get(&id) else {
                continue;
            };
            let mut wanted: BTreeMap<Source, Quality> = BTreeMap::new();
            let mut requests = Vec::new();
            for source in followed.session.streams_for(player) {
                let sender = followed
                    .clients
                    .get(&source.0)
                    .and_then(|id| self.clients.get(id));
                let Some(sender) = sender else { continue };
                if source.1.is_picture() {
                    requests.push(sender.request(source.1, client.height_of(source), now));
                } else {
                    wanted.insert(source, Quality::Coarse);
                }
            }
            let voices = wanted.len();
            let (videos, desired) = choose(&requests, client.budget(voices));
            tracing::trace!(
                player = player.0,
                budget = client.budget(voices),
                ?requests,
                ?videos,
                "chose video layers"
            );
            wanted.extend(videos);
            let Some(client) = self.clients.get_mut(&id) else {
                continue;
            };
            client.want(desired, voices, now);
            client.assign(&wanted);
            for (slot, source) in client.feeds() {
                followed.routes.entry(source).or_default().push((id, slot));
            }
            if let Some(slots) = client.news() {
                let session = client.session.as_str();
                followed.say(player, &SfuReply::Slots { session, slots });
            }
        }
    }
}
