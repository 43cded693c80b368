//! People: who is in the proximity index, where they stand, and which group they take part in.

use std::collections::BTreeMap;

use bevy_ecs::prelude::*;

use super::Proximity;
use super::slot::PersonSlot;
use crate::components::direction::Motion;
use crate::components::id::{PlayerId, UserId};
use crate::components::peers::QUIET_RANGE;
use crate::components::player::{Body, Card};
use crate::components::unit::{Position, Tick, TickRate, Tile};
use crate::systems::blocked::Blocked;
use crate::systems::typed_vec::TypedVec;
use crate::systems::zones::{Sound, Zones};

/// Seconds after a restore in which earlier players count as present before their clients are heard
/// of.
const EXPECTED_SECONDS: u64 = 5;

/// A tile outside of every map.
const NOWHERE: Tile = Tile::new(u16::MAX, u16::MAX);

/// Slot of a player in the proximity index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Component)]
pub struct ProximitySlot {
    pub(super) slot: Option<PersonSlot>,
    /// Tick until which the player counts as present although no client was heard of.
    pub(super) expected_until: Tick,
    /// Whether earlier connections are restored at once.
    pub(super) resumes: bool,
}

impl ProximitySlot {
    /// For a player who was here before and whose client continues.
    pub fn resuming() -> Self {
        Self {
            resumes: true,
            ..Self::default()
        }
    }

    /// For a player of the space's last epoch who is expected to be still here.
    pub fn expected(now: Tick, rate: TickRate) -> Self {
        Self {
            expected_until: Tick(now.0 + EXPECTED_SECONDS * u64::from(rate.per_second())),
            ..Self::resuming()
        }
    }

    /// Marks that no client is behind the player.
    pub const fn give_up(&mut self) {
        self.expected_until = Tick(0);
    }
}

/// How much of proximity a player takes part in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CallPreference {
    /// None: they are not here, or do not want to be disturbed.
    Nothing,
    /// Only players next to them.
    Quiet,
    /// As the position and its zones have it.
    Everything,
}

/// Group that a player takes part in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Participation {
    /// None.
    Deaf,
    /// The private zone with this number.
    PrivateZone(u16),
    /// The bubble with this number.
    Bubble(u32),
    /// Players nearby, and stages.
    Open,
}

/// A player in the proximity index.
#[derive(Debug, Clone)]
pub(super) struct ProximityPlayer {
    pub player: PlayerId,
    pub user: UserId,
    tile: Tile,
    sound: Sound,
    pub participation: Participation,
    /// Bubble or aside of the player.
    pub bubble: Option<u32>,
    /// Position, and whether the player moves.
    pub body: Option<(Position, bool)>,
}

impl ProximityPlayer {
    /// Bits of the stages on which the player is heard.
    pub const fn stages(&self) -> u64 {
        if matches!(self.participation, Participation::Open) {
            self.sound.stages
        } else {
            0
        }
    }

    /// Bits of the stages that the player hears.
    pub const fn listens(&self) -> u64 {
        if matches!(self.participation, Participation::Open) {
            self.sound.listens
        } else {
            0
        }
    }
}

/// All players in the proximity index, by slot.
#[derive(Debug, Clone, Default)]
pub(super) struct People {
    all: TypedVec<PersonSlot, Option<ProximityPlayer>>,
    free: Vec<PersonSlot>,
    slots: BTreeMap<PlayerId, PersonSlot>,
}

impl People {
    pub fn get(&self, slot: PersonSlot) -> Option<&ProximityPlayer> {
        self.all.get(slot)?.as_ref()
    }

    pub fn get_mut(&mut self, slot: PersonSlot) -> Option<&mut ProximityPlayer> {
        self.all.get_mut(slot)?.as_mut()
    }

    pub fn slot_of(&self, player: PlayerId) -> Option<PersonSlot> {
        self.slots.get(&player).copied()
    }

    pub fn slot_of_user(&self, user: UserId) -> Option<PersonSlot> {
        let mut all = self.iter();
        all.find_map(|(slot, person)| (person.user == user).then_some(slot))
    }

    /// All players with their slots, in the order of the slots.
    pub fn iter(&self) -> impl Iterator<Item = (PersonSlot, &ProximityPlayer)> {
        let all = self.all.iter();
        all.filter_map(|(slot, person)| Some((slot, person.as_ref()?)))
    }

    /// All slots that were ever in use, in ascending order.
    pub fn slots(&self) -> impl Iterator<Item = PersonSlot> + use<> {
        self.all.indexes()
    }

    /// Makes the next tick look up the zones of all players again.
    pub fn forget_tiles(&mut self) {
        for person in self.all.values_mut().flatten() {
            person.tile = NOWHERE;
        }
    }

    fn add(&mut self, person: ProximityPlayer) -> PersonSlot {
        let player = person.player;
        let slot = if let Some(slot) = self.free.pop() {
            self.all[slot] = Some(person);
            slot
        } else {
            self.all.push(Some(person))
        };
        self.slots.insert(player, slot);
        slot
    }

    fn remove(&mut self, slot: PersonSlot) {
        if let Some(person) = self.all.get_mut(slot).and_then(Option::take) {
            self.slots.remove(&person.player);
            self.free.push(slot);
        }
    }
}

impl Proximity {
    /// Adds a player. Returns the slot.
    pub(super) fn enroll(&mut self, card: &Card, blocked: &Blocked) -> PersonSlot {
        let slot = self.people.add(ProximityPlayer {
            player: card.player,
            user: card.user,
            tile: NOWHERE,
            sound: Sound::default(),
            participation: Participation::Deaf,
            bubble: None,
            body: None,
        });
        if !blocked.0.is_empty() {
            self.blocks.insert(card.user, blocked.0.clone());
        }
        self.update_blocked_pairs();
        slot
    }

    /// Updates the position and the group of a player.
    pub(super) fn set_position(
        &mut self,
        slot: PersonSlot,
        zones: &Zones,
        body: &Body,
        motion: Motion,
        preference: CallPreference,
        now: Tick,
    ) {
        let Some(person) = self.people.get_mut(slot) else {
            return;
        };
        let tile = body.position.tile();
        let (stages, listens, participation) =
            (person.stages(), person.listens(), person.participation);
        if person.tile != tile {
            person.tile = tile;
            person.sound = zones.sound_at(tile);
        }
        person.participation = match person.sound.private_zone {
            _ if preference == CallPreference::Nothing || person.sound.is_silent => {
                Participation::Deaf
            }
            Some(zone) => Participation::PrivateZone(zone),
            None => Participation::Open,
        };
        let out_of = person
            .bubble
            .take_if(|_| person.participation != Participation::Open);
        let closed = person.bubble.filter(|bubble| {
            self.bubbles
                .get(*bubble)
                .is_some_and(|bubble| !bubble.is_aside)
        });
        if let Some(bubble) = closed {
            person.participation = Participation::Bubble(bubble);
        }
        let stance = (body.position, motion != Motion::Standing);
        let player = person.player;
        let is_news = person.body.replace(stance) != Some(stance);
        let new_participation = person.participation;
        let reach = match preference {
            CallPreference::Quiet => Some(QUIET_RANGE),
            CallPreference::Everything | CallPreference::Nothing => person.sound.reach,
        };
        let (now_stages, now_listens) = (person.stages(), person.listens());
        if let Some(bubble) = out_of {
            self.leave_bubble(bubble, &[slot]);
        }
        if participation != new_participation {
            self.leave_group(slot, participation, now);
            match new_participation {
                Participation::PrivateZone(zone) => {
                    let inside = self.private_zones.entry(zone).or_default();
                    inside.insert(slot);
                    self.dirty.extend(inside.iter().copied());
                }
                Participation::Open => self.field.enter(slot, player, stance.0, stance.1, now.0),
                Participation::Bubble(_) | Participation::Deaf => {}
            }
            self.dirty.insert(slot);
        } else if is_news && participation == Participation::Open {
            self.field.set_position(slot, stance.0, stance.1, now.0);
        }
        if new_participation == Participation::Open {
            self.field.set_range(slot, reach, now.0);
        }
        if stages != now_stages {
            self.go_on_stage(slot, stages, now_stages);
        }
        if listens != now_listens {
            self.mark_stages_dirty(listens ^ now_listens, false);
            self.dirty.insert(slot);
        }
    }

    fn leave_group(&mut self, slot: PersonSlot, participation: Participation, now: Tick) {
        match participation {
            Participation::Open => self.field.leave(slot, now.0),
            Participation::PrivateZone(zone) => {
                if let Some(inside) = self.private_zones.get_mut(&zone) {
                    inside.remove(&slot);
                    self.dirty.extend(inside.iter().copied());
                    if inside.is_empty() {
                        self.private_zones.remove(&zone);
                    }
                }
            }
            // Members of a bubble are kept in the bubble, and were told.
            Participation::Bubble(_) | Participation::Deaf => {}
        }
    }

    /// Removes a player.
    pub(super) fn forget(&mut self, player: PlayerId, now: Tick) {
        let Some(slot) = self.people.slot_of(player) else {
            return;
        };
        let Some(person) = self.people.get(slot) else {
            return;
        };
        let (participation, stages, listens, user) = (
            person.participation,
            person.stages(),
            person.listens(),
            person.user,
        );
        if let Some(bubble) = person.bubble {
            self.leave_bubble(bubble, &[slot]);
        }
        self.bubbles.forget_knocks(player);
        self.leave_group(slot, participation, now);
        self.go_on_stage(slot, stages, 0);
        self.mark_stages_dirty(listens, false);
        self.people.remove(slot);
        let dirty = self.field.take_dirty();
        self.dirty.extend(dirty);
        self.dirty.remove(&slot);
        self.forwarded.remove(&slot);
        self.blocks.remove(&user);
        self.update_blocked_pairs();
    }

    pub(super) fn position_of(&self, slot: PersonSlot) -> Option<Position> {
        self.people.get(slot)?.body.map(|(position, _)| position)
    }
}
