//! Report: the measurements of all bots as numbers, as a table, and judged by bounds.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

use super::mind::SECOND;
use super::result::BotResult;
use super::shared::Shared;
use super::tally::Tally;
use super::{Behaviour, BotSettings, Protocol};

/// A bot that stays in this long after a message was sent should have heard it.
const HEARD_WITHIN: u64 = SECOND;

/// Distribution of a latency, in milliseconds.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Latency {
    /// Median.
    pub p50: f64,
    /// 90th percentile.
    pub p90: f64,
    /// 99th percentile.
    pub p99: f64,
    /// Largest value.
    pub max: f64,
    /// Number of measurements.
    pub count: u64,
}

/// Result of a run. Times are in milliseconds unless stated otherwise.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Protocol of the bots.
    pub protocol: Protocol,
    /// Behaviour of the bots.
    pub behaviour: Behaviour,
    /// Moves of each bot per second, as asked for.
    pub rate: f64,
    /// Bots asked for.
    pub bots: u32,
    /// Bots that joined.
    pub connected: u32,
    /// Bots that did not join.
    pub failed: u32,
    /// Connections that ended before the run did.
    pub lost: u32,
    /// Lost connections that were made again.
    pub reconnects: u32,
    /// How long bots were disconnected; up to the end for those that did not come back.
    pub outages: Latency,
    /// Why bots failed, were disconnected or reported errors, with counts.
    pub reasons: BTreeMap<String, u32>,
    /// Measured time, in seconds.
    pub seconds: f64,
    /// From connecting to having joined.
    pub join: Latency,
    /// From one bot's input to another bot's receipt of the move, for the 16 nearest.
    pub near: Latency,
    /// The same for all other players.
    pub far: Latency,
    /// How late the bots were with their own moves, which shows an overloaded load tester.
    pub lateness: Latency,
    /// Frames (JSON: messages about players) per client and second.
    pub frames_per_second: f64,
    /// Bytes of messages per client and second.
    pub bytes_per_second: f64,
    /// The longest time that a bot waited for a frame it was due.
    pub largest_gap: f64,
    /// Moves sent.
    pub moves: u64,
    /// Moves that the server rejected.
    pub moves_rejected: u64,
    /// Chat messages sent.
    pub chat_sent: u64,
    /// Chat messages that came back to their sender.
    pub chat_acknowledged: u64,
    /// Chat messages that the server refused.
    pub chat_refused: u64,
    /// Copies of chat messages that reached other bots.
    pub chat_received: u64,
    /// Copies of acknowledged messages that did not reach a bot that was in the space.
    pub chat_missing: u64,
    /// Copies of messages that reached the same bot twice.
    pub chat_duplicated: u64,
    /// From sending a chat message to another bot's receipt.
    pub chat: Latency,
    /// Edits of own messages.
    pub chat_edits: u64,
    /// Offers and answers of calls, which the server passes on between nearby players.
    pub signals_sent: u64,
    /// Signals that the server did not pass on, because the other player had walked away.
    pub signals_refused: u64,
    /// From an offer to its answer.
    pub signal: Latency,
    /// From seeing a player through the SFU to their first video frame.
    pub first_picture: Latency,
    /// How often a player came to be seen through the SFU.
    pub pictures_awaited: u64,
    /// Audio and video frames that came through the SFU, per client and second.
    pub media_frames_per_second: f64,
    /// Bytes of those frames, per client and second.
    pub media_bytes_per_second: f64,
    /// Number of those frames that followed a lost one.
    pub media_gaps: u64,
    /// Players shown in a wrong place at the end, players not shown, and invalid messages; absent
    /// without `verify`.
    pub view_errors: Option<u64>,
}

/// Limits that a run must not exceed.
#[derive(Debug, Clone, Default)]
pub struct Bounds {
    /// Limit of the near move-to-visible p99.
    pub max_p99: Option<Duration>,
    /// Limit of the far move-to-visible p99.
    pub max_far_p99: Option<Duration>,
    /// Limit of the join p99.
    pub max_join_p99: Option<Duration>,
    /// Limit of the longest wait for a frame.
    pub max_gap: Option<Duration>,
    /// Limit of lost connections and failed bots together.
    pub max_lost: Option<u32>,
    /// Limit of chat messages that a bot missed.
    pub max_missing: Option<u64>,
}

impl Bounds {
    /// The bounds that the report breaks, each as a sentence.
    pub fn broken_by(&self, report: &Report) -> Vec<String> {
        let times = [
            ("move-to-visible p99 (near)", report.near.p99, self.max_p99),
            (
                "move-to-visible p99 (far)",
                report.far.p99,
                self.max_far_p99,
            ),
            ("join p99", report.join.p99, self.max_join_p99),
            (
                "the longest wait for a frame",
                report.largest_gap,
                self.max_gap,
            ),
        ];
        let mut broken: Vec<String> = times
            .into_iter()
            .filter_map(|(what, is, bound)| {
                let bound = bound?.as_secs_f64() * 1e3;
                (is > bound).then(|| format!("{what} is {is:.0} ms, more than {bound:.0} ms"))
            })
            .collect();
        // A latency that was never measured does not meet its bound.
        if self.max_p99.is_some() && report.near.count == 0 {
            broken.push("no move was seen by another bot".into());
        }
        let lost = report.lost + report.failed;
        if let Some(bound) = self.max_lost.filter(|bound| lost > *bound) {
            broken.push(format!(
                "{lost} bots were lost or failed, more than {bound}"
            ));
        }
        if let Some(bound) = self
            .max_missing
            .filter(|bound| report.chat_missing > *bound)
        {
            let missing = report.chat_missing;
            broken.push(format!(
                "{missing} chat messages are missing, more than {bound}"
            ));
        }
        if let Some(errors) = report.view_errors.filter(|errors| *errors > 0) {
            broken.push(format!("{errors} view errors"));
        }
        broken
    }
}

impl Report {
    pub(super) fn new(
        settings: &BotSettings,
        shared: &Shared,
        outcomes: &[BotResult],
        ended: u64,
    ) -> Self {
        let mut all = Tally::new();
        for tally in &shared.tallies {
            all.add(&tally.lock());
        }
        let chat = ChatReport::count(shared, outcomes);
        let measured = shared.until.min(ended).saturating_sub(shared.from);
        let seconds = Duration::from_micros(measured).as_secs_f64();
        let each = f64::from(all.connected.max(1)) * seconds.max(1e-3);
        #[expect(
            clippy::cast_precision_loss,
            reason = "a rate is shown with a few digits"
        )]
        let per_second = |count: u64| count as f64 / each;
        let errors = settings
            .verify
            .then(|| all.wrong + misplaced(shared, outcomes));
        Self {
            protocol: settings.protocol,
            behaviour: settings.behaviour,
            rate: settings.rate(),
            bots: settings.bots,
            connected: all.connected,
            failed: all.failed,
            lost: all.lost,
            reconnects: all.reconnects,
            outages: latency(&all.outages),
            reasons: all.reasons,
            seconds,
            join: latency(&all.join),
            near: latency(&all.near),
            far: latency(&all.far),
            lateness: latency(&all.lateness),
            frames_per_second: per_second(all.frames),
            bytes_per_second: per_second(all.bytes),
            largest_gap: milliseconds(all.largest_gap),
            moves: all.moves,
            moves_rejected: all.rejected,
            chat_sent: chat.sent,
            chat_acknowledged: chat.acknowledged,
            chat_refused: all.refused_messages,
            chat_received: chat.received,
            chat_missing: chat.missing,
            chat_duplicated: all.duplicated,
            chat: latency(&all.chat),
            chat_edits: all.edits,
            signals_sent: all.signals,
            signals_refused: all.refused_signals,
            signal: latency(&all.signal),
            first_picture: latency(&all.picture),
            pictures_awaited: all.pictures_awaited,
            media_frames_per_second: per_second(all.media_frames),
            media_bytes_per_second: per_second(all.media_bytes),
            media_gaps: all.media_gaps,
            view_errors: errors,
        }
    }
}

/// Counts of the messages sent in the measured time.
#[derive(Debug, Default)]
struct ChatReport {
    sent: u64,
    acknowledged: u64,
    received: u64,
    missing: u64,
}

impl ChatReport {
    fn count(shared: &Shared, outcomes: &[BotResult]) -> Self {
        let mut chat = Self::default();
        for (number, space) in shared.spaces.iter().enumerate() {
            let hearers: Vec<&BotResult> = outcomes
                .iter()
                .filter(|outcome| outcome.space == number)
                .collect();
            for (message, said) in space.messages().iter().enumerate() {
                if !shared.counts(said.at) {
                    continue;
                }
                chat.sent += 1;
                chat.acknowledged += u64::from(said.is_acknowledged);
                for hearer in hearers.iter().filter(|hearer| hearer.bot != said.by) {
                    let is_heard = hearer.has_heard(message);
                    chat.received += u64::from(is_heard);
                    let should =
                        said.is_acknowledged && hearer.was_in(said.at, said.at + HEARD_WITHIN);
                    chat.missing += u64::from(should && !is_heard);
                }
            }
        }
        chat
    }
}

/// Counts players that are shown in a wrong place at the end, or not shown to a bot that should see
/// them.
fn misplaced(shared: &Shared, outcomes: &[BotResult]) -> u64 {
    let rested = |outcome: &BotResult| Some((outcome.bot, outcome.rested.as_ref()?.own));
    let places: HashMap<u32, (i32, i32)> = outcomes.iter().filter_map(rested).collect();
    let mut errors = 0;
    for outcome in outcomes {
        let Some(rested) = &outcome.rested else {
            continue;
        };
        let mut shown = HashSet::new();
        for (bot, place) in &rested.others {
            shown.insert(*bot);
            errors += u64::from(places.get(bot).is_some_and(|is| is != place));
        }
        for other in &shared.spaces[outcome.space].members {
            let Some(place) = places.get(other).filter(|_| *other != outcome.bot) else {
                continue;
            };
            let in_sight = rested.sight.is_none_or(|(width, height)| {
                (place.0 - rested.own.0).abs() <= width && (place.1 - rested.own.1).abs() <= height
            });
            errors += u64::from(in_sight && !shown.contains(other));
        }
    }
    errors
}

#[expect(
    clippy::cast_precision_loss,
    reason = "latencies are far below 2^53 microseconds"
)]
fn milliseconds(micros: u64) -> f64 {
    micros as f64 / 1e3
}

pub(super) fn latency(histogram: &Histogram<u64>) -> Latency {
    let at = |quantile| milliseconds(histogram.value_at_quantile(quantile));
    Latency {
        p50: at(0.5),
        p90: at(0.9),
        p99: at(0.99),
        max: milliseconds(histogram.max()),
        count: histogram.len(),
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "bots          {} of {} in, {} failed; {} connections lost, {} made again",
            self.connected, self.bots, self.failed, self.lost, self.reconnects
        )?;
        for (reason, count) in &self.reasons {
            writeln!(f, "              {count} × {reason}")?;
        }
        writeln!(
            f,
            "\n{:<18}{:>9}{:>9}{:>9}{:>9}{:>11}",
            "milliseconds", "p50", "p90", "p99", "max", "measured"
        )?;
        let rows = [
            ("join", &self.join),
            ("move seen, near", &self.near),
            ("move seen, far", &self.far),
            ("chat heard", &self.chat),
            ("signal answered", &self.signal),
            ("first picture", &self.first_picture),
            ("outage", &self.outages),
            ("bots' own delay", &self.lateness),
        ];
        for (name, latency) in rows.into_iter().filter(|(_, latency)| latency.count > 0) {
            let Latency {
                p50,
                p90,
                p99,
                max,
                count,
            } = latency;
            writeln!(
                f,
                "{name:<18}{p50:>9.1}{p90:>9.1}{p99:>9.1}{max:>9.1}{count:>11}"
            )?;
        }
        writeln!(
            f,
            "\neach client   {:.1} frames/s, {:.1} KB/s; longest wait for a frame {:.0} ms",
            self.frames_per_second,
            self.bytes_per_second / 1e3,
            self.largest_gap
        )?;
        writeln!(
            f,
            "moves         {} sent, {} rejected",
            self.moves, self.moves_rejected
        )?;
        if self.chat_sent > 0 {
            writeln!(
                f,
                "chat          {} said, {} acknowledged, {} refused; {} copies heard, {} missing, \
                {} twice",
                self.chat_sent,
                self.chat_acknowledged,
                self.chat_refused,
                self.chat_received,
                self.chat_missing,
                self.chat_duplicated
            )?;
        }
        if self.chat_edits > 0 {
            writeln!(f, "edits         {} of own messages", self.chat_edits)?;
        }
        if self.signals_sent > 0 {
            writeln!(
                f,
                "signals       {} sent, {} offers answered, {} refused",
                self.signals_sent, self.signal.count, self.signals_refused
            )?;
        }
        if self.pictures_awaited > 0 {
            writeln!(
                f,
                "calls         {} of {} first pictures came; {:.0} frames/s and {:.0} KB/s to each \
                client, {} behind a gap",
                self.first_picture.count,
                self.pictures_awaited,
                self.media_frames_per_second,
                self.media_bytes_per_second / 1e3,
                self.media_gaps
            )?;
        }
        match self.view_errors {
            Some(errors) => writeln!(f, "view errors   {errors}"),
            None => Ok(()),
        }
    }
}
