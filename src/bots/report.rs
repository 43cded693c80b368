//! Report: what all bots saw, made into numbers.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use serde::Serialize;

/// How long an observation waits for the mover's own word on when it sent the move.
const RESOLVE_AFTER: Duration = Duration::from_secs(3);

/// A player of one of the run's spaces.
pub(super) type Player = (u32, u32);

/// A position in 1/64 tile.
pub(super) type Place = (i32, i32);

/// One thing a bot saw.
pub(super) enum Observation {
    /// It is in.
    Joined { after: Duration },
    /// It never came in.
    Failed { reason: String },
    /// It was in and is not any more.
    Lost { reason: String },
    /// Its own input was applied by this tick.
    Applied { player: Player, tick: u64, sent: Instant },
    /// A frame came, with news of these players, near or far.
    Frame {
        tick: u64,
        at: Instant,
        bytes: usize,
        gap: Duration,
        seen: Vec<(Player, bool)>,
    },
    /// Something else came.
    Other { at: Instant, bytes: usize },
    /// It said something.
    Said { at: Instant, text: String },
    /// It heard something.
    Heard {
        by: Player,
        at: Instant,
        text: String,
        own: bool,
    },
    /// A frame that must not be.
    ViewError { what: String },
    /// At the end, standing still: where it is, and where it sees others.
    Rested {
        player: Player,
        own: Place,
        places: Vec<(Player, Place)>,
    },
}

/// A latency in milliseconds.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Latency {
    /// Half are below.
    pub p50: f64,
    /// Nine of ten are below.
    pub p90: f64,
    /// All but one of a hundred are below.
    pub p99: f64,
    /// The worst.
    pub max: f64,
    /// How many were measured.
    pub count: u64,
}

/// What a run showed.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Bots asked for.
    pub bots: u32,
    /// Bots that came in.
    pub connected: u32,
    /// Bots that did not.
    pub failed: u32,
    /// Bots that were in and lost their connection.
    pub lost: u32,
    /// Why, and how often.
    pub reasons: BTreeMap<String, u32>,
    /// Seconds measured.
    pub seconds: f64,
    /// From asking to being in, milliseconds.
    pub join: Latency,
    /// From one bot's input to another's receipt of the move, for the 16 nearest.
    pub near: Latency,
    /// The same for everybody else in view.
    pub far: Latency,
    /// Frames per client and second.
    pub frames_per_second: f64,
    /// Bytes of messages per client and second.
    pub bytes_per_second: f64,
    /// The longest time without a frame, milliseconds.
    pub largest_gap: f64,
    /// Lines said.
    pub chat_sent: u64,
    /// Lines that came back to their sender.
    pub chat_acknowledged: u64,
    /// Lines that came to others.
    pub chat_received: u64,
    /// From saying to hearing, milliseconds.
    pub chat: Latency,
    /// Lines that came twice to somebody.
    pub chat_duplicated: u64,
    /// Places at the end that are not where the player is, and frames that must not be; absent when not verified.
    pub view_errors: Option<u64>,
}

/// What a run must not exceed.
#[derive(Debug, Clone, Default)]
pub struct Bounds {
    /// Of near move-to-visible, p99.
    pub max_p99: Option<Duration>,
    /// Of lost and failed bots together.
    pub max_lost: Option<u32>,
}

impl Bounds {
    /// Which bounds the report breaks, each as a sentence.
    pub fn broken_by(&self, report: &Report) -> Vec<String> {
        let mut broken = Vec::new();
        if let Some(bound) = self.max_p99
            && report.near.p99 > bound.as_secs_f64() * 1e3
        {
            broken.push(format!(
                "move-to-visible p99 is {:.0} ms, more than {} ms",
                report.near.p99,
                bound.as_millis()
            ));
        }
        if let Some(bound) = self.max_lost
            && report.lost + report.failed > bound
        {
            broken.push(format!(
                "{} bots were lost or failed, more than {bound}",
                report.lost + report.failed
            ));
        }
        if let Some(errors) = report.view_errors.filter(|errors| *errors > 0) {
            broken.push(format!("{errors} view errors"));
        }
        broken
    }
}

/// Takes observations in as they come.
pub struct Collector {
    bots: u32,
    from: Instant,
    until: Instant,
    /// Bots in now.
    pub connected: u32,
    failed: u32,
    lost: u32,
    reasons: BTreeMap<String, u32>,
    join: Histogram<u64>,
    near: Histogram<u64>,
    far: Histogram<u64>,
    chat: Histogram<u64>,
    /// Frames received in the measured time.
    pub frames: u64,
    bytes: u64,
    largest_gap: Duration,
    /// For each player, by tick: when the input was sent that this tick first showed.
    sent: HashMap<Player, BTreeMap<u64, Instant>>,
    /// Sightings whose mover has not spoken yet.
    waiting: Vec<Sighting>,
    swept: Instant,
    said: HashMap<String, Instant>,
    heard: HashSet<(Player, String)>,
    acknowledged: u64,
    duplicated: u64,
    wrong_frames: u64,
    rested: Vec<Rested>,
}

/// Where a bot stands at the end, and where it sees others.
struct Rested {
    player: Player,
    own: Place,
    places: Vec<(Player, Place)>,
}

struct Sighting {
    player: Player,
    tick: u64,
    at: Instant,
    is_near: bool,
}

impl Collector {
    pub(super) fn new(bots: u32, from: Instant, until: Instant) -> Self {
        let histogram = || Histogram::new_with_bounds(1, 600_000_000, 3).expect("these bounds are valid");
        Self {
            bots,
            from,
            until,
            connected: 0,
            failed: 0,
            lost: 0,
            reasons: BTreeMap::new(),
            join: histogram(),
            near: histogram(),
            far: histogram(),
            chat: histogram(),
            frames: 0,
            bytes: 0,
            largest_gap: Duration::ZERO,
            sent: HashMap::new(),
            waiting: Vec::new(),
            swept: from,
            said: HashMap::new(),
            heard: HashSet::new(),
            acknowledged: 0,
            duplicated: 0,
            wrong_frames: 0,
            rested: Vec::new(),
        }
    }

    /// Near move-to-visible so far, milliseconds.
    pub fn near(&self) -> Latency {
        latency(&self.near)
    }

    /// How much of the measured time is over, 0 to 1.
    pub fn progress(&self) -> f64 {
        let over = Instant::now().saturating_duration_since(self.from).as_secs_f64();
        (over / (self.until - self.from).as_secs_f64().max(0.001)).min(1.0)
    }

    pub(super) fn take(&mut self, observation: Observation) {
        match observation {
            Observation::Joined { after } => {
                self.connected += 1;
                self.join.saturating_record(after.as_micros() as u64);
            }
            Observation::Failed { reason } => {
                self.failed += 1;
                *self.reasons.entry(reason).or_default() += 1;
            }
            Observation::Lost { reason } => {
                self.connected -= 1;
                self.lost += 1;
                *self.reasons.entry(reason).or_default() += 1;
            }
            Observation::Applied { player, tick, sent } => {
                self.sent.entry(player).or_default().entry(tick).or_insert(sent);
            }
            Observation::Frame {
                tick,
                at,
                bytes,
                gap,
                seen,
            } => self.frame(tick, at, bytes, gap, &seen),
            Observation::Other { at, bytes } => {
                if self.counts(at) {
                    self.bytes += bytes as u64;
                }
            }
            Observation::Said { at, text } => drop(self.said.insert(text, at)),
            Observation::Heard { by, at, text, own } => self.hear(by, at, text, own),
            Observation::ViewError { what } => {
                self.wrong_frames += 1;
                *self.reasons.entry(what).or_default() += 1;
            }
            Observation::Rested { player, own, places } => self.rested.push(Rested { player, own, places }),
        }
    }

    fn counts(&self, at: Instant) -> bool {
        at >= self.from && at < self.until
    }

    fn frame(&mut self, tick: u64, at: Instant, bytes: usize, gap: Duration, seen: &[(Player, bool)]) {
        if !self.counts(at) {
            return;
        }
        self.frames += 1;
        self.bytes += bytes as u64;
        self.largest_gap = self.largest_gap.max(gap);
        let sightings = seen.iter().map(|(player, is_near)| Sighting {
            player: *player,
            tick,
            at,
            is_near: *is_near,
        });
        self.waiting.extend(sightings);
        if at > self.swept + Duration::from_secs(1) {
            self.resolve(at);
            self.swept = at;
        }
    }

    /// Matches sightings with the moment their mover sent the move, as far as the movers have told.
    fn resolve(&mut self, now: Instant) {
        for sighting in std::mem::take(&mut self.waiting) {
            let sent = self
                .sent
                .get(&sighting.player)
                .and_then(|ticks| ticks.get(&sighting.tick));
            match sent {
                Some(sent) => {
                    let histogram = if sighting.is_near {
                        &mut self.near
                    } else {
                        &mut self.far
                    };
                    histogram.saturating_record((sighting.at - *sent).as_micros() as u64);
                }
                // A tick in which the mover was moved by something else than an input of its own.
                None if now > sighting.at + RESOLVE_AFTER => {}
                None => self.waiting.push(sighting),
            }
        }
        let old = now.checked_sub(2 * RESOLVE_AFTER);
        for ticks in self.sent.values_mut() {
            ticks.retain(|_, sent| old.is_none_or(|old| *sent > old));
        }
    }

    fn hear(&mut self, by: Player, at: Instant, text: String, own: bool) {
        let Some(said) = self.said.get(&text).copied() else {
            return;
        };
        if own {
            self.acknowledged += 1;
        }
        if self.heard.insert((by, text)) {
            self.chat.saturating_record((at - said).as_micros() as u64);
        } else {
            self.duplicated += 1;
        }
    }

    pub(super) fn report(mut self, verify: bool) -> Report {
        let end = self.until + 2 * RESOLVE_AFTER;
        self.resolve(end);
        let seconds = (self.until - self.from).as_secs_f64();
        let clients = f64::from(self.connected.max(1));
        Report {
            bots: self.bots,
            connected: self.connected,
            failed: self.failed,
            lost: self.lost,
            seconds,
            join: latency(&self.join),
            near: latency(&self.near),
            far: latency(&self.far),
            frames_per_second: self.frames as f64 / clients / seconds,
            bytes_per_second: self.bytes as f64 / clients / seconds,
            largest_gap: self.largest_gap.as_secs_f64() * 1e3,
            chat_sent: self.said.len() as u64,
            chat_acknowledged: self.acknowledged,
            chat_received: self.heard.len() as u64 - self.acknowledged.min(self.heard.len() as u64),
            chat: latency(&self.chat),
            chat_duplicated: self.duplicated,
            view_errors: verify.then(|| self.wrong_frames + self.misplaced()),
            reasons: self.reasons,
        }
    }

    /// Players that somebody sees elsewhere than they are.
    fn misplaced(&self) -> u64 {
        let own: HashMap<Player, Place> = self.rested.iter().map(|rested| (rested.player, rested.own)).collect();
        let places = self.rested.iter().flat_map(|rested| &rested.places);
        places
            .filter(|(player, place)| own.get(player).is_some_and(|own| own != place))
            .count() as u64
    }
}

fn latency(histogram: &Histogram<u64>) -> Latency {
    let at = |quantile| histogram.value_at_quantile(quantile) as f64 / 1e3;
    Latency {
        p50: at(0.5),
        p90: at(0.9),
        p99: at(0.99),
        max: histogram.max() as f64 / 1e3,
        count: histogram.len(),
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "bots          {} in, {} failed, {} lost, of {}",
            self.connected, self.failed, self.lost, self.bots
        )?;
        for (reason, count) in &self.reasons {
            writeln!(f, "              {count} × {reason}")?;
        }
        let mut row = |name: &str, latency: &Latency| {
            writeln!(
                f,
                "{name:<13} p50 {:>7.1}   p90 {:>7.1}   p99 {:>7.1}   max {:>7.1} ms   ({} measured)",
                latency.p50, latency.p90, latency.p99, latency.max, latency.count
            )
        };
        row("join", &self.join)?;
        row("move, near", &self.near)?;
        row("move, far", &self.far)?;
        if self.chat_sent > 0 {
            row("chat", &self.chat)?;
        }
        writeln!(
            f,
            "each client   {:.1} frames/s, {:.1} KB/s, longest without a frame {:.0} ms",
            self.frames_per_second,
            self.bytes_per_second / 1e3,
            self.largest_gap
        )?;
        if self.chat_sent > 0 {
            writeln!(
                f,
                "chat          {} said, {} acknowledged, {} heard, {} twice",
                self.chat_sent, self.chat_acknowledged, self.chat_received, self.chat_duplicated
            )?;
        }
        match self.view_errors {
            Some(errors) => writeln!(f, "view errors   {errors}"),
            None => Ok(()),
        }
    }
}
