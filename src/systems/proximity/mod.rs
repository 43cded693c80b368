//! Proximity: which players hear and see each other, by their positions and the zones they stand
//! in.
//!
//! The rules and their numbers are in `docs/proximity.md`. [`field`] handles distance. This module
//! adds private zones, silent zones, stages and blocks, and states what changed. Clients send the
//! audio and video.

mod blocks;
mod bubbles;
mod field;
mod joining;
mod routes;
mod sight;
mod signals;
mod stages;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use bevy_ecs::prelude::*;

pub(super) use self::blocks::{block, block_only};
use self::bubbles::Bubbles;
pub use self::field::{Field, Rules};
pub(super) use self::joining::{admit, bubble};
pub(super) use self::signals::signal;
use super::blocked::Blocked;
use super::zones::{Sound, Zones};
use super::{Outbox, SimulateSystems, SpaceBuilder};
use crate::components::bubble::{BubbleFact, BubbleState};
use crate::components::direction::Motion;
use crate::components::fact::Fact;
use crate::components::grid::Grid;
use crate::components::id::{PlayerId, UserId};
use crate::components::layout::SpaceLayout;
use crate::components::peers::{
    MediaRoute, Peer, ProximityCommand, ProximityFact, ProximityReason, ProximityRules,
    QUIET_RANGE, SfuEndpoint,
};
use crate::components::player::{Body, Card};
use crate::components::presence::Disconnected;
use crate::components::status::Status;
use crate::components::unit::{Position, Tick, TickRate, Tile};

/// Volume between an aside and players outside of it: 0.15 of 255.
const ASIDE_GAIN: u8 = 38;

/// Seconds after a restore in which earlier players count as present before their clients are heard
/// of.
const EXPECTED_SECONDS: u64 = 5;

/// A tile outside of every map.
const NOWHERE: Tile = Tile::new(u16::MAX, u16::MAX);

/// Largest group, connected directly or through others, that does without the SFU.
const MESH: usize = 4;

/// Peers of all players, as of the last tick.
#[derive(Debug, Clone, Default, Resource)]
pub struct Peers {
    /// Players with peers. Both are in ascending order.
    by_player: BTreeMap<PlayerId, Vec<Peer>>,
}

impl Peers {
    /// Peers of a player, in ascending order.
    pub fn of(&self, player: PlayerId) -> &[Peer] {
        self.by_player.get(&player).map_or(&[], Vec::as_slice)
    }

    /// Connection of a player to another, if there is one.
    pub fn between(&self, player: PlayerId, other: PlayerId) -> Option<&Peer> {
        let peers = self.of(player);
        let index = peers
            .binary_search_by_key(&other, |peer| peer.player)
            .ok()?;
        peers.get(index)
    }

    /// Players who hear this player, in ascending order.
    pub fn hearers(&self, player: PlayerId) -> Vec<PlayerId> {
        let peers = self.of(player).iter();
        peers
            .filter(|peer| peer.heard)
            .map(|peer| peer.player)
            .collect()
    }

    /// Players with peers, in ascending order.
    pub fn all(&self) -> Vec<(PlayerId, Vec<Peer>)> {
        let all = self.by_player.iter();
        all.map(|(player, peers)| (*player, peers.clone()))
            .collect()
    }
}

/// Server that forwards calls of groups too large to connect directly.
#[derive(Debug, Clone, Default, Resource)]
pub struct ForwardedBy(pub SfuEndpoint);

/// Slot of a player in the proximity index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Component)]
pub struct ProximitySlot {
    slot: Option<u32>,
    /// Tick until which the player counts as present although no client was heard of.
    expected_until: Tick,
    /// Whether earlier connections are restored at once.
    resumes: bool,
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
enum CallPreference {
    /// None: they are not here, or do not want to be disturbed.
    Nothing,
    /// Only players next to them.
    Quiet,
    /// As the position and its zones have it.
    Everything,
}

/// Group that a player takes part in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Participation {
    /// None.
    Deaf,
    /// The private zone with this number.
    Area(u16),
    /// The bubble with this number.
    Bubble(u32),
    /// Players nearby, and stages.
    Open,
}

#[derive(Debug, Clone)]
struct ProximityPlayer {
    player: PlayerId,
    user: UserId,
    tile: Tile,
    sound: Sound,
    participation: Participation,
    /// Bubble or aside of the player.
    bubble: Option<u32>,
    body: Option<(Position, bool)>,
}

impl ProximityPlayer {
    /// Bits of the stages on which the player is heard.
    const fn stages(&self) -> u64 {
        if matches!(self.participation, Participation::Open) {
            self.sound.stages
        } else {
            0
        }
    }

    const fn listens(&self) -> u64 {
        if matches!(self.participation, Participation::Open) {
            self.sound.listens
        } else {
            0
        }
    }
}

/// Proximity state that is kept from tick to tick.
#[derive(Debug, Clone, Resource)]
pub struct Proximity {
    // Boxed because it is large: the world reserves space for 64 of each resource.
    field: Box<Field>,
    /// Tiles blocked by the map. Placed elements do not count: people talk across desks.
    blocked: Grid,
    /// Whether blocked tiles stop voices when the rules follow the map.
    has_walls: bool,
    people: Vec<Option<ProximityPlayer>>,
    free: Vec<u32>,
    slots: BTreeMap<PlayerId, u32>,
    /// Slots in each occupied private zone.
    areas: BTreeMap<u16, BTreeSet<u32>>,
    /// Slots on each stage, in order of arrival.
    stages: BTreeMap<u8, Vec<u32>>,
    bubbles: Box<Bubbles>,
    dirty: BTreeSet<u32>,
    /// Slots that use the SFU.
    forwarded: BTreeSet<u32>,
    /// Users blocked by each user.
    blocks: BTreeMap<UserId, BTreeSet<UserId>>,
}

/// Adds the table of peers and the system that updates it.
pub fn plugin(space: &mut SpaceBuilder, layout: &SpaceLayout) {
    let rate = *space.world.resource::<TickRate>();
    let grid = space.world.resource::<Grid>();
    let mut blocked = Grid::open(grid.width(), grid.height());
    for tile in &layout.blocked {
        blocked.block(*tile);
    }
    let mut field = Field::new(grid.width(), grid.height(), Rules::at(rate, layout.voices));
    field.walls = layout
        .voices
        .walls_block
        .unwrap_or(layout.has_walls)
        .then(|| blocked.clone());
    space.add(Proximity {
        field: Box::new(field),
        blocked,
        has_walls: layout.has_walls,
        people: Vec::new(),
        free: Vec::new(),
        slots: BTreeMap::new(),
        areas: BTreeMap::new(),
        stages: BTreeMap::new(),
        bubbles: Box::default(),
        dirty: BTreeSet::new(),
        forwarded: BTreeSet::new(),
        blocks: BTreeMap::new(),
    });
    space.add(Peers::default());
    space.add(ForwardedBy::default());
    space
        .tick
        .add_systems(connect.in_set(SimulateSystems::Connect));
}

/// Carries out a request about the proximity rules.
pub(super) fn apply(world: &mut World, command: ProximityCommand) {
    match command {
        ProximityCommand::SetRules { rules } => set_rules(world, rules),
    }
}

/// Sets the proximity rules of the space.
fn set_rules(world: &mut World, rules: ProximityRules) {
    let now = *world.resource::<Tick>();
    let mut proximity = world.resource_mut::<Proximity>();
    if proximity.field.proximity_rules() != rules {
        let has_walls = proximity.set_rules(rules, now);
        let fact = Fact::Proximity(ProximityFact::RulesChanged { rules, has_walls });
        world.resource_mut::<Outbox>().0.facts.push(fact);
    }
}

/// Replaces zones and walls by those of this layout.
pub(super) fn replace(world: &mut World, layout: &SpaceLayout) {
    let now = *world.resource::<Tick>();
    let mut blocked = Grid::open(layout.width, layout.height);
    for tile in &layout.blocked {
        blocked.block(*tile);
    }
    let mut proximity = world.resource_mut::<Proximity>();
    let (rules, were_walls_up) = (
        proximity.field.proximity_rules(),
        proximity.field.walls.is_some(),
    );
    let has_walls = layout.voices.walls_block.unwrap_or(layout.has_walls);
    let has_others = (were_walls_up || has_walls) && proximity.blocked != blocked;
    (proximity.blocked, proximity.has_walls) = (blocked, layout.has_walls);
    if rules != layout.voices || were_walls_up != has_walls || has_others {
        proximity.set_rules(layout.voices, now);
    }
    for person in proximity.people.iter_mut().flatten() {
        // The next tick looks up the zones again.
        person.tile = NOWHERE;
    }
    proximity.mark_all_dirty();
    if rules != layout.voices || were_walls_up != has_walls {
        let rules = layout.voices;
        let fact = Fact::Proximity(ProximityFact::RulesChanged { rules, has_walls });
        world.resource_mut::<Outbox>().0.facts.push(fact);
    }
}

type ProximityQuery<'a> = (
    &'a Card,
    &'a Body,
    &'a Motion,
    &'a Disconnected,
    &'a Blocked,
    &'a mut ProximitySlot,
);

/// Updates positions and connections, and states whose peers changed.
pub fn connect(
    now: Res<Tick>,
    zones: Res<Zones>,
    forwarded_by: Res<ForwardedBy>,
    mut proximity: ResMut<Proximity>,
    mut peers: ResMut<Peers>,
    mut outbox: ResMut<Outbox>,
    mut players: Query<ProximityQuery>,
) {
    let mut resumed = Vec::new();
    for (card, body, motion, disconnected, blocked, mut proximity_slot) in &mut players {
        let slot = *proximity_slot
            .slot
            .get_or_insert_with(|| proximity.enroll(card, blocked));
        if std::mem::take(&mut proximity_slot.resumes) {
            resumed.push(slot);
        }
        let is_here = disconnected.0.is_none() || now.0 < proximity_slot.expected_until.0;
        let preference = match card.status {
            _ if !is_here => CallPreference::Nothing,
            Status::DoNotDisturb => CallPreference::Nothing,
            Status::Quiet => CallPreference::Quiet,
            Status::Available | Status::Busy | Status::Away => CallPreference::Everything,
        };
        proximity.set_position(slot, &zones, body, *motion, preference, *now);
    }
    proximity.remove_strays();
    for state in proximity.bubbles.take_changed() {
        outbox
            .0
            .facts
            .push(Fact::Bubble(BubbleFact::Changed(state)));
    }
    if !resumed.is_empty() {
        proximity.field.resume(&resumed, now.0);
    }
    proximity.field.update(now.0);
    if proximity.dirty.is_empty() && !proximity.field.is_told(now.0) {
        return;
    }
    let dirty = proximity.field.take_dirty();
    proximity.dirty.extend(dirty);
    if proximity.dirty.is_empty() {
        return;
    }
    if forwarded_by.0 != SfuEndpoint::Nobody {
        proximity.find_routes();
    }
    proximity.publish(&mut peers, &mut outbox);
}

impl Proximity {
    /// Recomputes the peers of all players in the next tick.
    pub fn mark_all_dirty(&mut self) {
        self.dirty.extend(self.slots.values());
    }

    /// Sets the rules. Returns whether walls stop voices now.
    fn set_rules(&mut self, rules: ProximityRules, now: Tick) -> bool {
        let has_walls = rules.walls_block.unwrap_or(self.has_walls);
        let walls = has_walls.then(|| self.blocked.clone());
        self.field.set_rules(rules, walls, now.0);
        has_walls
    }

    /// Tiles blocked by the map itself.
    pub const fn map_ground(&self) -> &Grid {
        &self.blocked
    }

    /// Whether any player uses the SFU.
    pub fn is_forwarding(&self) -> bool {
        !self.forwarded.is_empty()
    }

    /// Whether nothing will change until a player moves.
    pub fn is_settled(&self, now: Tick) -> bool {
        self.field.is_settled(now.0)
    }

    fn enroll(&mut self, card: &Card, blocked: &Blocked) -> u32 {
        let person = ProximityPlayer {
            player: card.player,
            user: card.user,
            tile: NOWHERE,
            sound: Sound::default(),
            participation: Participation::Deaf,
            bubble: None,
            body: None,
        };
        let slot = if let Some(slot) = self.free.pop() {
            self.people[slot as usize] = Some(person);
            slot
        } else {
            self.people.push(Some(person));
            self.people.len() as u32 - 1
        };
        self.slots.insert(card.player, slot);
        if !blocked.0.is_empty() {
            self.blocks.insert(card.user, blocked.0.clone());
        }
        self.update_blocked_pairs();
        slot
    }

    /// Updates the position and the group of a player.
    fn set_position(
        &mut self,
        slot: u32,
        zones: &Zones,
        body: &Body,
        motion: Motion,
        preference: CallPreference,
        now: Tick,
    ) {
        let Some(person) = self.people.get_mut(slot as usize).and_then(Option::as_mut) else {
            return;
        };
        let tile = body.position.tile();
        let (stages, listens, participation) =
            (person.stages(), person.listens(), person.participation);
        if person.tile != tile {
            person.tile = tile;
            person.sound = zones.sound_at(tile);
        }
        person.participation = match person.sound.area {
            _ if preference == CallPreference::Nothing || person.sound.is_silent => {
                Participation::Deaf
            }
            Some(area) => Participation::Area(area),
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
                Participation::Area(area) => {
                    let inside = self.areas.entry(area).or_default();
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

    fn leave_group(&mut self, slot: u32, participation: Participation, now: Tick) {
        match participation {
            Participation::Open => self.field.leave(slot, now.0),
            Participation::Area(area) => {
                if let Some(inside) = self.areas.get_mut(&area) {
                    inside.remove(&slot);
                    self.dirty.extend(inside.iter().copied());
                    if inside.is_empty() {
                        self.areas.remove(&area);
                    }
                }
            }
            // Members of a bubble are kept in the bubble, and were told.
            Participation::Bubble(_) | Participation::Deaf => {}
        }
    }

    fn forget(&mut self, player: PlayerId, now: Tick) {
        let Some(slot) = self.slots.remove(&player) else {
            return;
        };
        let Some(person) = self.person(slot) else {
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
        self.people[slot as usize] = None;
        let dirty = self.field.take_dirty();
        self.dirty.extend(dirty);
        self.dirty.remove(&slot);
        self.forwarded.remove(&slot);
        self.free.push(slot);
        self.blocks.remove(&user);
        self.update_blocked_pairs();
    }

    /// Updates the peers of all players whose connections may have changed.
    fn publish(&mut self, peers: &mut Peers, outbox: &mut Outbox) {
        let dirty = std::mem::take(&mut self.dirty);
        let mut changed: Vec<(PlayerId, u32)> = dirty
            .into_iter()
            .filter_map(|slot| Some((self.person(slot)?.player, slot)))
            .collect();
        changed.sort_unstable();
        for (player, slot) in changed {
            let after = self.peers_of(slot);
            let before = peers.by_player.get(&player).map_or(&[][..], Vec::as_slice);
            if let Some(fact) = difference(player, before, &after) {
                outbox.0.facts.push(fact);
                if after.is_empty() {
                    peers.by_player.remove(&player);
                } else {
                    peers.by_player.insert(player, after);
                }
            }
        }
    }

    fn peers_of(&self, slot: u32) -> Vec<Peer> {
        let mut found: Vec<Peer> = Vec::new();
        let Some(me) = self.person(slot) else {
            return found;
        };
        let route = if self.forwarded.contains(&slot) {
            MediaRoute::Forwarded
        } else {
            MediaRoute::Mesh
        };
        let has_blocks = !self.blocks.is_empty();
        let one = |other: u32| {
            let person = self.person(other)?;
            (other != slot && !(has_blocks && self.is_blocked_pair(me.user, person.user)))
                .then_some(person)
        };
        let both = |player: PlayerId, why: ProximityReason, sees: bool| Peer {
            player,
            hear: true,
            heard: true,
            see: sees,
            seen: sees,
            gain: u8::MAX,
            why,
            route,
        };
        match me.participation {
            Participation::Deaf => return found,
            Participation::Area(area) => {
                let inside = self.areas.get(&area).into_iter().flatten();
                found.extend(inside.filter_map(|other| {
                    Some(both(one(*other)?.player, ProximityReason::Area, true))
                }));
            }
            Participation::Bubble(_) => {
                found.extend(self.bubble_members(slot, me).filter_map(|other| {
                    let player = one(other)?.player;
                    Some(both(player, ProximityReason::Bubble, true))
                }));
            }
            Participation::Open => {
                let near = self.field.connected(slot).filter_map(|(other, sees)| {
                    let person = one(other)?;
                    let gain = match (me.bubble, person.bubble) {
                        (None, None) => u8::MAX,
                        (mine, theirs) if mine == theirs => return None,
                        _ => ASIDE_GAIN,
                    };
                    Some(Peer {
                        gain,
                        ..both(person.player, ProximityReason::Field, sees)
                    })
                });
                found.extend(near);
                let aside = self.bubble_members(slot, me);
                found.extend(aside.filter_map(|other| {
                    Some(both(one(other)?.player, ProximityReason::Bubble, true))
                }));
            }
        }
        found.sort_unstable_by_key(|peer| peer.player);
        if me.participation == Participation::Open && !self.stages.is_empty() {
            self.add_stages(slot, me, route, one, &mut found);
        }
        found
    }

    fn person(&self, slot: u32) -> Option<&ProximityPlayer> {
        self.people.get(slot as usize)?.as_ref()
    }

    fn person_mut(&mut self, slot: u32) -> Option<&mut ProximityPlayer> {
        self.people.get_mut(slot as usize)?.as_mut()
    }

    fn position_of(&self, slot: u32) -> Option<Position> {
        self.person(slot)?.body.map(|(position, _)| position)
    }

    /// States of all bubbles.
    pub fn bubbles(&self) -> Vec<BubbleState> {
        self.bubbles.states()
    }

    /// Finds the players who use the SFU: groups of more players than connect directly.
    fn find_routes(&mut self) {
        let mut groups = routes::ConnectedGroups::of(self.people.len());
        for slot in 0..self.people.len() as u32 {
            for (other, _) in self.field.connected(slot) {
                groups.join(slot, other);
            }
        }
        for inside in self.areas.values() {
            for (one, other) in inside.iter().zip(inside.iter().skip(1)) {
                groups.join(*one, *other);
            }
        }
        for bubble in self.bubbles.numbers() {
            let members = self.bubbles.get(bubble).into_iter();
            let members: Vec<u32> = members
                .flat_map(|bubble| bubble.members.keys().copied())
                .collect();
            for (one, other) in members.iter().zip(members.iter().skip(1)) {
                groups.join(*one, *other);
            }
        }
        for stage in self.stages.keys() {
            for (person, slot) in self.people.iter().zip(0..) {
                let listens = person
                    .as_ref()
                    .is_some_and(|person| person.listens() & 1 << stage != 0);
                for performer in self.performers(*stage).iter().filter(|_| listens) {
                    groups.join(slot, *performer);
                }
            }
        }
        // Players who come and go at the limit must not make the whole group change its route.
        let settled: BTreeSet<u32> = self
            .forwarded
            .iter()
            .map(|slot| groups.root(*slot))
            .collect();
        let forwarded: BTreeSet<u32> = (0..self.people.len() as u32)
            .filter(|slot| {
                let is_settled = settled.contains(&groups.root(*slot));
                groups.size(*slot) > if is_settled { MESH - 1 } else { MESH }
            })
            .collect();
        self.dirty
            .extend(forwarded.symmetric_difference(&self.forwarded).copied());
        self.forwarded = forwarded;
    }
}

/// Fact with the changed peers of a player, if any changed.
fn difference(player: PlayerId, before: &[Peer], after: &[Peer]) -> Option<Fact> {
    if before == after {
        return None;
    }
    let known = |peer: &&Peer| {
        let at = before.binary_search_by_key(&peer.player, |other| other.player);
        at.is_ok_and(|at| before[at] == **peer)
    };
    let is_gone = |peer: &&Peer| {
        after
            .binary_search_by_key(&peer.player, |other| other.player)
            .is_err()
    };
    Some(Fact::Proximity(ProximityFact::PeersChanged {
        player,
        peers: after.iter().filter(|peer| !known(peer)).copied().collect(),
        gone: before
            .iter()
            .filter(is_gone)
            .map(|peer| peer.player)
            .collect(),
    }))
}

/// Removes a player and their connections.
pub(super) fn forget(world: &mut World, player: PlayerId) {
    let now = *world.resource::<Tick>();
    world.resource_mut::<Proximity>().forget(player, now);
    world.resource_mut::<Peers>().by_player.remove(&player);
}
