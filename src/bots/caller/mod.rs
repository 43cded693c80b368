//! Caller: sends a bot's voice and camera to the SFU, as a browser does in a large conversation
//! bubble, and counts the streams that arrive.
//!
//! The packets have the sizes and times of a real voice and of a real camera in two layers; their
//! content is empty.

mod connection;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;
use std::time::Instant;

use serde::Deserialize;
use str0m::RtcError;
use str0m::media::Mid;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::sleep_until;

use self::connection::SfuConnection;
use super::shared::Shared;
use crate::components::peers::MediaRoute;
use crate::media::sfu::unpack;
use crate::net::protocol::peers::PeerS2c;

/// Largest packet, in bytes; no network passes longer ones.
const PACKET: usize = 2_048;

/// What the connection to the server tells the caller.
enum CallerOrder {
    /// The players that the bot now sees through the SFU, the number it hears, and whether anyone
    /// hears or sees the bot through it.
    Near {
        sees: BTreeSet<u32>,
        hears: usize,
        sends: bool,
    },
    /// A message of the SFU.
    Said(String),
}

/// The calls of a bot; dropping it ends them.
pub(super) struct BotCaller {
    orders: UnboundedSender<CallerOrder>,
    says: UnboundedReceiver<String>,
}

impl BotCaller {
    pub(super) fn new(shared: Arc<Shared>, bot: u32) -> Self {
        let (orders, inbox) = unbounded_channel();
        let (outbox, says) = unbounded_channel();
        tokio::spawn(async move {
            let mut calls = Calls {
                shared,
                bot,
                says: outbox,
                sees: BTreeMap::new(),
                hears: 0,
                sends: false,
                connection: None,
                connections: 0,
            };
            if let Err(error) = calls.run(inbox).await {
                calls.complain(&error);
            }
        });
        Self { orders, says }
    }

    /// Updates the nearby players and how each is heard and seen.
    pub(super) fn near<'a>(&self, peers: impl Iterator<Item = &'a PeerS2c>) {
        let (mut sees, mut hears, mut sends) = (BTreeSet::new(), 0, false);
        for peer in peers.filter(|peer| peer.route == MediaRoute::Forwarded as u8) {
            sends |= peer.heard || peer.seen;
            hears += usize::from(peer.hear);
            if peer.see {
                sees.insert(peer.player);
            }
        }
        // The calls may have ended with an error, which was already reported.
        let _ = self.orders.send(CallerOrder::Near { sees, hears, sends });
    }

    /// Passes a message of the SFU on.
    pub(super) fn hear(&self, body: String) {
        let _ = self.orders.send(CallerOrder::Said(body));
    }

    /// The next message to the SFU.
    pub(super) fn says(&mut self) -> Option<String> {
        self.says.try_recv().ok()
    }
}

/// Why calls ended.
#[derive(Debug, thiserror::Error)]
enum CallError {
    #[error("the connection to the SFU failed: {0}")]
    Connection(#[from] RtcError),
    #[error("the connection to the SFU broke")]
    Broken,
    #[error("packets cannot be sent: {0}")]
    Socket(#[from] io::Error),
    #[error("the SFU's answer cannot be used: {0}")]
    Answer(String),
    #[error("the SFU refused: {0}")]
    Refused(String),
    #[error("the SFU did not answer within 5 seconds")]
    Silence,
}

/// Messages of the SFU, by name.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum SfuMessage {
    Answer {
        session: String,
        packed: String,
    },
    Slots {
        session: String,
        slots: Vec<IncomingSlot>,
    },
    Again {},
    Refused {
        session: String,
        reason: String,
    },
}

/// The player whose stream arrives in a slot.
#[derive(Deserialize)]
struct IncomingSlot {
    mid: String,
    player: u32,
    kind: String,
}

/// State of a bot's calls.
struct Calls {
    shared: Arc<Shared>,
    bot: u32,
    says: UnboundedSender<String>,
    /// Players it sees, with the time since which their first video frame is awaited.
    sees: BTreeMap<u32, Option<u64>>,
    /// Number of players it hears.
    hears: usize,
    /// Whether any player hears or sees it.
    sends: bool,
    connection: Option<SfuConnection>,
    /// Number of connections it has made.
    connections: u32,
}

impl Calls {
    async fn run(&mut self, mut inbox: UnboundedReceiver<CallerOrder>) -> Result<(), CallError> {
        let mut packet = vec![0; PACKET];
        loop {
            let Some(connection) = &mut self.connection else {
                let Some(order) = inbox.recv().await else {
                    return Ok(());
                };
                self.obey(order)?;
                continue;
            };
            let due = connection.turn(Instant::now(), self.sends)?;
            for frame in connection.arrived.drain(..) {
                let now = self.shared.now();
                let mut tally = self.shared.tally(self.bot);
                if let Some(since) = frame
                    .seen_of
                    .and_then(|player| self.sees.get_mut(&player)?.take())
                {
                    tally.picture.saturating_record(now.saturating_sub(since));
                }
                if self.shared.counts(now) {
                    tally.media_frames += 1;
                    tally.media_bytes += frame.bytes;
                    tally.media_gaps += u64::from(frame.is_behind_gap);
                }
            }
            let broken = connection.has_failed.then_some(CallError::Broken);
            if let Some(error) =
                broken.or_else(|| connection.is_overdue().then_some(CallError::Silence))
            {
                self.complain(&error);
                self.open();
                continue;
            }
            tokio::select! {
                order = inbox.recv() => match order {
                    Some(order) => self.obey(order)?,
                    None => return Ok(()),
                },
                length = connection.receive(&mut packet) => {
                    let length = length?;
                    connection.take(&packet[..length])?;
                }
                () = sleep_until(due.into()) => {}
            }
        }
    }

    fn complain(&self, error: &CallError) {
        self.shared.tally(self.bot).because(error.to_string());
    }

    fn obey(&mut self, order: CallerOrder) -> Result<(), CallError> {
        match order {
            CallerOrder::Near { sees, hears, sends } => {
                let now = self.shared.now();
                self.sees.retain(|player, _| sees.contains(player));
                for player in sees {
                    self.sees.entry(player).or_insert_with(|| {
                        self.shared.tally(self.bot).pictures_awaited += 1;
                        Some(now)
                    });
                }
                (self.hears, self.sends) = (hears, sends);
                if self.connection.is_none() && (sends || !self.sees.is_empty()) {
                    self.open();
                }
                self.make_places();
            }
            CallerOrder::Said(body) => {
                let said = serde_json::from_str(&body)
                    .map_err(|error| CallError::Answer(error.to_string()))?;
                self.hear(said)?;
            }
        }
        Ok(())
    }

    fn hear(&mut self, said: SfuMessage) -> Result<(), CallError> {
        let current = self.connection.as_mut();
        let of =
            |session: String| move |connection: &&mut SfuConnection| connection.session == session;
        match said {
            SfuMessage::Answer { session, packed } => {
                if let Some(connection) = current.filter(of(session)) {
                    let answer =
                        unpack(&packed).map_err(|error| CallError::Answer(error.to_string()))?;
                    connection.answered(&answer)?;
                }
                self.make_places();
            }
            SfuMessage::Slots { session, slots } => {
                if let Some(connection) = current.filter(of(session)) {
                    let places = slots.iter().map(|slot| {
                        let is_camera = slot.kind == "camera";
                        (Mid::from(slot.mid.as_str()), (slot.player, is_camera))
                    });
                    connection.places = places.collect();
                }
            }
            SfuMessage::Again {} => self.open(),
            SfuMessage::Refused { session, reason } => {
                if current.filter(of(session)).is_some() {
                    self.complain(&CallError::Refused(reason));
                    self.connection = None;
                }
            }
        }
        Ok(())
    }

    /// Offers a new connection, replacing the current one.
    fn open(&mut self) {
        self.connections += 1;
        self.connection = Some(SfuConnection::new(format!(
            "{} {}",
            self.bot, self.connections
        )));
        self.make_places();
    }

    /// Makes sure that there are slots for all nearby players.
    fn make_places(&mut self) {
        let places = (self.hears.max(1), self.sees.len().max(1));
        if let Some(offer) = self
            .connection
            .as_mut()
            .and_then(|connection| connection.offer(places))
        {
            // The receiver is gone when the bot is.
            let _ = self.says.send(offer);
        }
    }
}
