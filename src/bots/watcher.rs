//! Watcher: measures how late a bot sees the moves of others.

use std::collections::VecDeque;

use rand::RngExt;
use rand::rngs::SmallRng;

use super::decode_error::ViewError;
use super::mind::SECOND;
use super::protocol::{distance, nearest_first};
use super::shared::{BotSpace, Shared};
use super::view::BotView;

/// Distant players that are followed too, chosen again each second.
const FAR_SAMPLE: usize = 16;

/// How long a sighting waits until the mover has recorded when it sent the move.
const RESOLVE_AFTER: u64 = 2 * SECOND;

/// Frames that are applied together. The state of two thousand bots exceeds the processor's caches,
/// so one bot's state is loaded once for several frames.
const TOGETHER: usize = 8;

/// A player whose moves are measured.
#[derive(Debug, Clone, Copy)]
struct TrackedPlayer {
    bot: u32,
    is_near: bool,
}

/// Of which ticks a frame tells, and when it came.
#[derive(Debug, Clone, Copy)]
pub(super) struct FrameTime {
    pub(super) epoch: u64,
    /// The tick of the previous frame.
    pub(super) after: u64,
    pub(super) tick: u64,
    /// Time of arrival.
    pub(super) at: u64,
}

/// A move that was seen.
struct Sighting {
    who: TrackedPlayer,
    frame: FrameTime,
}

/// What a bot sees of others.
pub(super) struct Watcher<'a> {
    shared: &'a Shared,
    space: &'a BotSpace,
    bot: u32,
    /// Time between two moves of one bot.
    apart: u64,
    pub(super) view: BotView,
    /// Frames whose players have not been read yet, each with the offset at which its bytes end.
    unread: Vec<(FrameTime, usize)>,
    /// The bytes of all unread frames.
    people: Vec<u8>,
    followed: Vec<TrackedPlayer>,
    moved: Vec<u8>,
    sightings: VecDeque<Sighting>,
}

impl<'a> Watcher<'a> {
    pub(super) fn new(shared: &'a Shared, space: &'a BotSpace, bot: u32, apart: u64) -> Self {
        Self {
            shared,
            space,
            bot,
            apart,
            view: BotView::new(0),
            unread: Vec::new(),
            people: Vec::new(),
            followed: Vec::new(),
            moved: Vec::new(),
            sightings: VecDeque::new(),
        }
    }

    /// Adds a frame's players, which are read later.
    pub(super) fn add(&mut self, frame: FrameTime, people: &[u8]) {
        self.people.extend_from_slice(people);
        self.unread.push((frame, self.people.len()));
        if self.unread.len() == TOGETHER {
            self.catch_up();
        }
    }

    /// Reads the players of all frames that came.
    pub(super) fn catch_up(&mut self) {
        let mut from = 0;
        for (frame, end) in self.unread.drain(..) {
            self.moved.clear();
            let people = self.people.get(from..end).ok_or(ViewError::Malformed);
            let (view, moved) = (&mut self.view, &mut self.moved);
            if let Err(wrong) =
                people.and_then(|people| view.apply(people, |mark| moved.push(mark)))
            {
                let mut tally = self.shared.tally(self.bot);
                tally.wrong += 1;
                tally.because(wrong.to_string());
            }
            from = end;
            // Marks count from 1.
            let followed = |mark: &u8| self.followed.get(usize::from(*mark).checked_sub(1)?);
            let who = self.moved.iter().filter_map(followed).copied();
            self.sightings
                .extend(who.map(|who| Sighting { who, frame }));
        }
        self.people.clear();
    }

    /// Measures sightings for which the mover has had time, and chooses the players to follow from
    /// now on: those near the bot, and some others.
    pub(super) fn measure(
        &mut self,
        now: u64,
        (player, own): (u32, (i32, i32)),
        random: &mut SmallRng,
    ) {
        self.catch_up();
        self.resolve(now.saturating_sub(RESOLVE_AFTER));
        let in_view = self.view.held().filter(|(other, _)| *other != player);
        let mut others: Vec<_> = in_view
            .map(|(player, place)| (distance(own, place), player))
            .collect();
        let near = nearest_first(&mut others);
        for index in near..others.len().min(near + FAR_SAMPLE) {
            let chosen = random.random_range(index..others.len());
            others.swap(index, chosen);
        }
        others.truncate(near + FAR_SAMPLE);
        self.followed.clear();
        let mut marked = Vec::new();
        let chosen = others
            .iter()
            .enumerate()
            .map(|(index, (_, player))| (*player, index < near));
        self.space.bots_of(chosen, |player, bot, is_near| {
            self.followed.push(TrackedPlayer { bot, is_near });
            marked.push(player);
        });
        self.view.mark(marked.into_iter());
    }

    /// Measures the sightings made before that time.
    pub(super) fn resolve(&mut self, before: u64) {
        let is_due = |sighting: &mut Sighting| sighting.frame.at < before;
        let Some(first) = self.sightings.pop_front_if(is_due) else {
            return;
        };
        let mut tally = self.shared.tally(self.bot);
        let mut next = Some(first);
        while let Some(Sighting { who, frame }) = next {
            let mover = self.shared.bot(who.bot);
            // No time is recorded for a tick in which something other than the mover's own input
            // moved it.
            if self.shared.counts(frame.at)
                && let Some(sent) = mover.sent_between(frame.epoch, frame.after, frame.tick)
            {
                tally.saw(who.is_near, frame.at.saturating_sub(sent), self.apart);
            }
            next = self.sightings.pop_front_if(is_due);
        }
    }
}
