//! Bot: the life of one client. It joins, acts at its own rate, reconnects when its connection is
//! lost, and stands still at the end.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use rand::RngExt;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::binary::{Binary, Habits};
use super::caller::BotCaller;
use super::json::JsonConnection;
use super::mind::{Mind, SECOND};
use super::protocol::{BotProtocol, Heard};
use super::result::BotResult;
use super::shared::{BotSpace, Shared, micros};
use super::wire::{self, IncomingFrame, Reader, SocketError, Writer};
use super::{Behaviour, Protocol};
use crate::net::protocol::SUBPROTOCOL;

/// Timeout of joining.
const JOIN_WITHIN: Duration = Duration::from_secs(20);

/// The server pings every five seconds; one that is silent for this long counts as lost.
const SILENT_AT_MOST: u64 = 20 * SECOND;

/// First wait before reconnecting; each further wait is twice as long, up to the longest.
const BACK_OFF: Duration = Duration::from_millis(250);
const LONGEST_BACK_OFF: Duration = Duration::from_secs(8);

/// Time between the final views and the goodbye, so that no bot sees the others leave.
const GOODBYE_AFTER: Duration = Duration::from_millis(500);

/// Close codes after which reconnecting cannot succeed.
const FINAL: [u16; 6] = [4401, 4403, 4404, 4409, 4410, 4426];

/// Settings of one bot.
pub(super) struct BotTask {
    pub(super) number: u32,
    pub(super) url: String,
    pub(super) token: String,
    /// Index of its space in `Shared::spaces`.
    pub(super) space: usize,
    pub(super) protocol: Protocol,
    pub(super) behaviour: Behaviour,
    /// Whether it sends voice and camera.
    pub(super) media: bool,
    /// Whether it watches other players.
    pub(super) watches: bool,
    pub(super) rate: f64,
    pub(super) seed: u64,
    pub(super) join_at: u64,
}

/// One client.
pub(super) struct Bot {
    task: BotTask,
    shared: Arc<Shared>,
    stop: CancellationToken,
    mind: Mind,
    outcome: BotResult,
    /// When it was disconnected, after having been in.
    lost_at: Option<u64>,
}

/// Why a connection ended.
enum DisconnectReason {
    /// The run is over.
    Stopped,
    /// The bot never joined.
    Failed(Lost),
    /// The bot had joined.
    Lost(Lost),
}

struct Lost {
    reason: String,
    is_final: bool,
}

impl From<SocketError> for Lost {
    fn from(error: SocketError) -> Self {
        let is_final = matches!(&error, SocketError::Closed(code, _) if FINAL.contains(code));
        Self {
            reason: error.to_string(),
            is_final,
        }
    }
}

impl Lost {
    fn because(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            is_final: false,
        }
    }
}

impl Bot {
    pub(super) fn new(task: BotTask, shared: Arc<Shared>, stop: CancellationToken) -> Self {
        let members = &shared.spaces[task.space].members;
        let mind = Mind::new(task.behaviour, task.number, members, task.seed);
        let outcome = BotResult {
            bot: task.number,
            space: task.space,
            ..BotResult::default()
        };
        Self {
            task,
            shared,
            stop,
            mind,
            outcome,
            lost_at: None,
        }
    }

    pub(super) async fn run(mut self) -> BotResult {
        let stop = self.stop.clone();
        let mut wait = Duration::from_micros(self.task.join_at.saturating_sub(self.shared.now()));
        let mut back_off = BACK_OFF;
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                () = sleep(wait) => {}
            }
            let lost = match self.connection().await {
                DisconnectReason::Stopped => break,
                DisconnectReason::Failed(lost) if self.outcome.inside.is_empty() => {
                    let mut tally = self.shared.tally(self.task.number);
                    tally.failed += 1;
                    tally.because(lost.reason);
                    break;
                }
                DisconnectReason::Failed(lost) => lost,
                DisconnectReason::Lost(lost) => {
                    back_off = BACK_OFF;
                    lost
                }
            };
            if lost.is_final {
                break;
            }
            wait = back_off.mul_f64(self.mind.random.random_range(0.5..1.0));
            back_off = (2 * back_off).min(LONGEST_BACK_OFF);
        }
        if let Some(since) = self.lost_at {
            let out = self.shared.now().saturating_sub(since);
            self.shared
                .tally(self.task.number)
                .outages
                .saturating_record(out);
        }
        self.outcome
    }

    /// Runs one connection from beginning to end.
    async fn connection(&mut self) -> DisconnectReason {
        let shared = Arc::clone(&self.shared);
        let space = &shared.spaces[self.task.space];
        let (bot, token) = (self.task.number, self.task.token.clone());
        let apart = micros_apart(self.task.rate);
        match self.task.protocol {
            Protocol::Binary => {
                let habits = Habits {
                    apart,
                    watches: self.task.watches,
                    calls: self.task.behaviour == Behaviour::Party,
                };
                let caller = self
                    .task
                    .media
                    .then(|| BotCaller::new(Arc::clone(&shared), bot));
                let binary = Binary::new(&shared, space, bot, &token, habits, caller);
                self.speak(binary, space).await
            }
            Protocol::Json => {
                self.speak(
                    JsonConnection::new(&shared, space, bot, &token, apart),
                    space,
                )
                .await
            }
        }
    }

    async fn speak(
        &mut self,
        mut protocol: impl BotProtocol,
        space: &BotSpace,
    ) -> DisconnectReason {
        let asked = self.shared.now();
        let stop = self.stop.clone();
        let joining = timeout(JOIN_WITHIN, self.join(&mut protocol));
        let (mut reader, mut writer) = tokio::select! {
            joined = joining => match joined.unwrap_or_else(|_| Err(Lost::because("not let in \
                within 20 seconds"))) {
                Ok(halves) => halves,
                Err(lost) => return DisconnectReason::Failed(lost),
            },
            () = stop.cancelled() => return DisconnectReason::Stopped,
        };
        let since = self.shared.now();
        self.note_in(since, since - asked);
        let played = self
            .play(&mut protocol, &mut reader, &mut writer, space)
            .await;
        let now = self.shared.now();
        self.outcome.inside.push((since, now));
        let mut tally = self.shared.tally(self.task.number);
        if let Err(lost) = played {
            tally.inside -= 1;
            tally.lost += 1;
            tally.because(lost.reason.clone());
            self.lost_at = Some(now);
            return DisconnectReason::Lost(lost);
        }
        drop(tally);
        self.outcome.rested = Some(protocol.rest());
        sleep(GOODBYE_AFTER).await;
        protocol.leave(&mut writer, &mut self.mind);
        // The run is over, so it does not matter whether the goodbye arrives.
        let _ = writer.flush();
        self.shared.tally(self.task.number).inside -= 1;
        DisconnectReason::Stopped
    }

    fn note_in(&mut self, now: u64, took: u64) {
        let mut tally = self.shared.tally(self.task.number);
        tally.inside += 1;
        if let Some(since) = self.lost_at.take() {
            tally.reconnects += 1;
            tally.outages.saturating_record(now.saturating_sub(since));
        } else {
            tally.connected += 1;
            tally.join.saturating_record(took);
        }
    }

    async fn join(&mut self, protocol: &mut impl BotProtocol) -> Result<(Reader, Writer), Lost> {
        let subprotocol = match self.task.protocol {
            Protocol::Binary => Some(SUBPROTOCOL),
            Protocol::Json => None,
        };
        // The space is in the address, as browsers send it, so that a balancer keeps the users of a
        // space on one process.
        let path = format!("/ws?space={}", self.shared.spaces[self.task.space].id);
        let (mut reader, mut writer) = wire::connect(&self.task.url, &path, subprotocol).await?;
        protocol.greet(&mut writer, &mut self.mind);
        writer.flush()?;
        loop {
            while let Some(frame) = reader.next()? {
                let IncomingFrame::Message(range) = frame else {
                    continue;
                };
                let heard = protocol.hear(reader.bytes(range), self.shared.now());
                match heard.map_err(|wrong| Lost::because(wrong.to_string()))? {
                    Heard::Welcome => return Ok((reader, writer)),
                    Heard::Refused(code, reason) => {
                        let is_final = FINAL.contains(&code);
                        return Err(Lost { reason, is_final });
                    }
                    Heard::News(_)
                    | Heard::Chat(_)
                    | Heard::ChatRefused
                    | Heard::MoveRejected
                    | Heard::Other => {}
                }
            }
            reader.fill().await?;
        }
    }

    /// Acts and listens until the run is over.
    async fn play(
        &mut self,
        protocol: &mut impl BotProtocol,
        reader: &mut Reader,
        writer: &mut Writer,
        space: &BotSpace,
    ) -> Result<(), Lost> {
        let stop = self.stop.clone();
        let mut stopped = pin!(stop.cancelled());
        let mut beat = Beat::new(self.shared.now(), self.task.rate, &mut self.mind);
        let mut timer = pin!(sleep_until(self.moment(beat.next())));
        let mut heard_at = self.shared.now();
        loop {
            // Messages that arrived with the welcome are read before waiting.
            self.read(protocol, reader, writer, space)?;
            writer.flush()?;
            tokio::select! {
                () = &mut stopped => return Ok(()),
                filled = reader.fill() => {
                    filled?;
                    heard_at = self.shared.now();
                }
                () = &mut timer => {
                    let now = self.shared.now();
                    if now > heard_at + SILENT_AT_MOST {
                        return Err(Lost::because("no message for 20 seconds"));
                    }
                    self.act(protocol, writer, space, &mut beat, now);
                    timer.as_mut().reset(self.moment(beat.next()));
                }
                drained = writer.drain(), if writer.is_waiting() => drained?,
            }
        }
    }

    fn moment(&self, at: u64) -> Instant {
        Instant::from_std(self.shared.started + Duration::from_micros(at))
    }

    /// Performs what is due. Late actions are all performed at once, so a slow server gets no
    /// pause.
    fn act(
        &mut self,
        protocol: &mut impl BotProtocol,
        writer: &mut Writer,
        space: &BotSpace,
        beat: &mut Beat,
        now: u64,
    ) {
        if now >= beat.look_at {
            protocol.measure(now, &mut self.mind);
            beat.look_at = now + SECOND;
        }
        if now >= self.shared.until {
            if !std::mem::replace(&mut beat.rests, true) {
                protocol.halt(writer, &mut self.mind);
            }
            return;
        }
        while beat.move_at <= now {
            let due = beat.move_at;
            beat.move_at += beat.apart;
            let goal = self.mind.next_goal(now, protocol.tile());
            let moves = protocol.act(goal, due, writer, &mut self.mind);
            if moves > 0 && self.shared.counts(now) {
                let mut tally = self.shared.tally(self.task.number);
                tally.moves += moves;
                tally.lateness.saturating_record(now - due);
            }
        }
        if self.mind.talks(now) {
            let message = space.say(self.task.number, now);
            let text = format!("{}-{message}", self.shared.mark);
            protocol.say(message, text, writer, &mut self.mind);
        }
    }

    /// Handles every message that has arrived completely.
    fn read(
        &mut self,
        protocol: &mut impl BotProtocol,
        reader: &mut Reader,
        writer: &mut Writer,
        space: &BotSpace,
    ) -> Result<(), Lost> {
        while let Some(frame) = reader.next()? {
            match frame {
                IncomingFrame::Message(range) => {
                    let now = self.shared.now();
                    let message = reader.bytes(range);
                    let heard = protocol.hear(message, now);
                    self.take(heard, message.len(), now, space);
                }
                IncomingFrame::Ping(range) => {
                    writer.pong(reader.bytes(range), &mut self.mind.random);
                }
                IncomingFrame::Pong => {}
            }
        }
        Ok(())
    }

    fn take(
        &mut self,
        heard: Result<Heard, super::decode_error::ViewError>,
        bytes: usize,
        now: u64,
        space: &BotSpace,
    ) {
        let counts = self.shared.counts(now);
        let mut tally = self.shared.tally(self.task.number);
        if counts {
            tally.bytes += bytes as u64;
        }
        match heard {
            Ok(Heard::News(gap)) if counts => {
                tally.frames += 1;
                if self.task.behaviour != Behaviour::Idle {
                    tally.largest_gap = tally.largest_gap.max(gap.unwrap_or(0));
                }
            }
            Ok(Heard::MoveRejected) if counts => tally.rejected += 1,
            Ok(Heard::ChatRefused) if counts => tally.refused_messages += 1,
            Ok(Heard::Chat(text)) => {
                let number = self.shared.message_number(&text);
                let message = number.and_then(|number| space.hear(number, self.task.number));
                if let (Some(number), Some(message)) = (number, message) {
                    let is_new = self.outcome.hear(number);
                    if self.shared.counts(message.at) && is_new {
                        tally.chat.saturating_record(now.saturating_sub(message.at));
                    }
                    tally.duplicated += u64::from(!is_new);
                }
            }
            Ok(Heard::Refused(_, reason)) => tally.because(reason),
            Err(wrong) => {
                tally.wrong += 1;
                tally.because(wrong.to_string());
            }
            Ok(_) => {}
        }
    }
}

/// The schedule of a bot's actions.
struct Beat {
    apart: u64,
    move_at: u64,
    look_at: u64,
    rests: bool,
}

/// Microseconds between two steps at this many a second.
fn micros_apart(rate: f64) -> u64 {
    Duration::try_from_secs_f64(rate.recip()).map_or(u64::MAX, micros)
}

impl Beat {
    /// A random phase, so that bots that joined together do not walk in step.
    fn new(now: u64, rate: f64, mind: &mut Mind) -> Self {
        let apart = micros_apart(rate).max(1_000);
        Self {
            apart,
            move_at: now + mind.random.random_range(0..apart),
            look_at: now + mind.random.random_range(SECOND / 10..SECOND),
            rests: false,
        }
    }

    fn next(&self) -> u64 {
        if self.rests {
            self.look_at
        } else {
            self.look_at.min(self.move_at)
        }
    }
}
