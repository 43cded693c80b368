//! Notes: what one witness sees, measured against what it saw before.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use crate::components::unit::SUBTILES;
use crate::net::protocol::chat::ChatMessageS2c;
use crate::net::protocol::frame::HeaderS2c;

/// What one witness saw since the last `begin`.
#[derive(Debug, Clone)]
pub struct Sight {
    /// The longest time without news.
    pub gap: Duration,
    /// Connections that were lost.
    pub cuts: u32,
    /// Acknowledged messages: the space, and the text.
    pub acknowledged: Vec<(String, String)>,
    /// Messages that were shown to it twice.
    pub doubled: u32,
    /// The farthest it was moved from one frame to the next, in tiles.
    pub jump: f64,
    /// Frames that were older than an earlier one.
    pub back: u32,
}

/// State of one witness.
#[derive(Debug)]
pub(super) struct Notes {
    pub(super) sight: Sight,
    pub(super) news: Instant,
    pub(super) seen: (u64, u64),
    pub(super) place: Option<(i32, i32)>,
    pub(super) shown: HashMap<String, u32>,
    pub(super) waiting: VecDeque<(u32, String)>,
    pub(super) is_in: bool,
}

impl Notes {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            sight: Sight::new(),
            news: now,
            seen: (0, 0),
            place: None,
            shown: HashMap::new(),
            waiting: VecDeque::new(),
            is_in: false,
        }
    }

    pub(super) fn begin(&mut self, now: Instant) {
        self.sight = Sight::new();
        self.news = now;
    }

    pub(super) fn end(&mut self, now: Instant) -> Sight {
        let mut sight = std::mem::replace(&mut self.sight, Sight::new());
        sight.gap = sight.gap.max(now - self.news);
        sight
    }

    pub(super) fn frame(&mut self, header: &HeaderS2c, now: Instant) {
        let seen = (header.epoch, header.tick);
        if seen < self.seen {
            self.sight.back += 1;
            return;
        }
        if seen > self.seen {
            self.sight.gap = self.sight.gap.max(now - self.news);
            self.news = now;
            self.seen = seen;
        }
        let place = header.own.map(|own| (own.state.x, own.state.y));
        if let Some(place) = place
            && let Some(before) = self.place.replace(place)
        {
            let (x, y) = (f64::from(place.0 - before.0), f64::from(place.1 - before.1));
            self.sight.jump = self.sight.jump.max(x.hypot(y) / f64::from(SUBTILES));
        }
    }

    pub(super) fn message(&mut self, message: &ChatMessageS2c, space: &str) {
        let times = self.shown.entry(message.id.clone()).or_default();
        *times += 1;
        let is_mine = self
            .waiting
            .iter()
            .position(|(id, _)| Some(*id) == message.client_id);
        if let Some((_, text)) = is_mine.and_then(|index| self.waiting.remove(index)) {
            self.sight.acknowledged.push((space.to_owned(), text));
        } else if *times > 1 && message.client_id.is_none() {
            self.sight.doubled += 1;
        }
    }
}

impl Sight {
    const fn new() -> Self {
        Self {
            gap: Duration::ZERO,
            cuts: 0,
            acknowledged: Vec::new(),
            doubled: 0,
            jump: 0.0,
            back: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::protocol::frame::OwnS2c;
    use crate::net::protocol::movement::OwnStateS2c;

    fn header(epoch: u64, tick: u64, x: i32) -> HeaderS2c {
        HeaderS2c {
            tick,
            epoch,
            step: 0,
            own: Some(OwnS2c {
                ack: 0,
                state: OwnStateS2c {
                    x,
                    y: 0,
                    carry_x: 0,
                    carry_y: 0,
                    facing: 0,
                    walking: false,
                },
            }),
        }
    }

    fn chat(id: &str, client_id: Option<u32>) -> ChatMessageS2c {
        ChatMessageS2c {
            id: id.into(),
            client_id,
            player: None,
            user: String::new(),
            name: String::new(),
            text: "hello".into(),
            at: 0,
            scope: 0,
            reply_to: None,
            edited: None,
            deleted: false,
            reactions: Vec::new(),
            mac: Vec::new(),
        }
    }

    #[test]
    fn the_longest_gap_counts_and_old_frames_are_ignored() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let mut notes = Notes::new(start);
        notes.frame(&header(1, 10, 0), at(100));
        notes.frame(&header(1, 11, 64), at(150));
        notes.frame(&header(1, 9, 0), at(700));
        notes.frame(&header(2, 5, 192), at(900));
        let sight = notes.end(at(950));
        assert_eq!((sight.gap, sight.back), (Duration::from_millis(750), 1));
        assert!((sight.jump - 2.0).abs() < 1e-9);
        notes.begin(at(1_000));
        assert_eq!(
            notes.end(at(3_000)).gap,
            Duration::from_secs(2),
            "a witness that is still out has waited"
        );
    }

    #[test]
    fn a_message_is_acknowledged_once_and_counted_once() {
        let mut notes = Notes::new(Instant::now());
        notes.waiting.push_back((7, "hello".into()));
        notes.message(&chat("a", None), "s");
        notes.message(&chat("b", Some(7)), "s");
        notes.message(&chat("b", Some(7)), "s");
        notes.message(&chat("a", None), "s");
        assert_eq!(notes.sight.acknowledged, [("s".into(), "hello".into())]);
        assert_eq!(notes.sight.doubled, 1);
    }
}
