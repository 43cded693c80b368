//! Proximity: who hears and sees whom, from where people stand and what the zones there say.
//!
//! The rules and their numbers are in `docs/proximity.md`. Distance is the business of [`field`];
//! here private areas, silence, stages and blocks are laid over it, and what changed is stated.
//! Carrying voices and pictures is the business of clients.

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

pub(super) use self::blocks::{block, block_only, is_apart, keeps_away};
use self::bubbles::Bubbles;
pub use self::field::{Field, Rules};
pub(super) use self::joining::{admit, bubble};
pub(super) use self::signals::{ask_unit, signal, unit_says};
use super::zones::{Sound, Zones};
use super::{Outbox, SimulateSystems, SpaceBuilder};
use crate::components::bubble::BubbleState;
use crate::components::direction::Motion;
use crate::components::fact::Fact;
use crate::components::grid::Grid;
use crate::components::id::{PlayerId, UserId};
use crate::components::layout::SpaceLayout;
use crate::components::peers::{
    BESIDE, MediaRoute, Peer, ProximityReason, ProximityRules, SfuEndpoint,
};
use crate::components::player::{Body, Card};
use crate::components::presence::Disconnected;
use crate::components::status::Status;
use crate::components::unit::{Position, Tick, TickRate, Tile};

/// How loud those outside an aside are in it, and it is to them: 0.15 of 255.
const ASIDE_GAIN: u8 = 38;

/// Seconds after a space's life began anew for which those who were there count as being there,
/// until their clients are heard of.
const EXPECTED_SECONDS: u64 = 5;

/// A tile of no map.
const NOWHERE: Tile = Tile::new(u16::MAX, u16::MAX);

/// More people than this, connected with one another directly or through others, talk through the
/// forwarding unit.
const MESH: usize = 4;

/// Who is connected to whom, as of the last tick.
#[derive(Debug, Clone, Default, Resource)]
pub struct Peers {
    /// Everybody who is connected to somebody, with those by rising number.
    by_player: BTreeMap<PlayerId, Vec<Peer>>,
}

impl Peers {
    /// Everybody a player is connected to, by rising number.
    pub fn of(&self, player: PlayerId) -> &[Peer] {
        self.by_player.get(&player).map_or(&[], Vec::as_slice)
    }

    /// How a player is connected to another, if at all.
    pub fn between(&self, player: PlayerId, other: PlayerId) -> Option<&Peer> {
        let peers = self.of(player);
        let index = peers
            .binary_search_by_key(&other, |peer| peer.player)
            .ok()?;
        peers.get(index)
    }

    /// Who hears that player, by rising number.
    pub fn hearers(&self, player: PlayerId) -> Vec<PlayerId> {
        let peers = self.of(player).iter();
        peers
            .filter(|peer| peer.heard)
            .map(|peer| peer.player)
            .collect()
    }

    /// Everybody who is connected to somebody, by rising number.
    pub fn all(&self) -> Vec<(PlayerId, Vec<Peer>)> {
        let all = self.by_player.iter();
        all.map(|(player, peers)| (*player, peers.clone()))
            .collect()
    }
}

/// Who forwards in a space for those who are too many to talk directly.
#[derive(Debug, Clone, Default, Resource)]
pub struct ForwardedBy(pub SfuEndpoint);

/// Where proximity keeps somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Component)]
pub struct ProximitySlot {
    slot: Option<u32>,
    /// Until when somebody counts as here although no client of theirs was heard of yet.
    expected_until: Tick,
    /// Whether what connected them before is connected again at once.
    resumes: bool,
}

impl ProximitySlot {
    /// Of somebody who was there before, and whose client goes on.
    pub fn resuming() -> Self {
        Self {
            resumes: true,
            ..Self::default()
        }
    }

    /// Of somebody who was there in the space's last life, and who is expected to be there still.
    pub fn expected(now: Tick, rate: TickRate) -> Self {
        Self {
            expected_until: Tick(now.0 + EXPECTED_SECONDS * u64::from(rate.per_second())),
            ..Self::resuming()
        }
    }

    /// Nobody is behind them for sure.
    pub const fn give_up(&mut self) {
        self.expected_until = Tick(0);
    }
}

/// The users whom somebody keeps away from them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Component)]
pub struct Blocked(pub BTreeSet<UserId>);

/// How much of it somebody wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CallPreference {
    /// Nothing: they are not here, or want peace.
    Nothing,
    /// Only those right beside them.
    Quiet,
    /// As the place is.
    Everything,
}

/// How somebody takes part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Participation {
    /// Not at all.
    Deaf,
    /// With everybody in that private area.
    Area(u16),
    /// With everybody in that bubble.
    Bubble(u32),
    /// By distance, and with stages.
    Open,
}

#[derive(Debug, Clone)]
struct ProximityPlayer {
    player: PlayerId,
    user: UserId,
    tile: Tile,
    sound: Sound,
    place: Participation,
    /// The bubble or aside it is in.
    bubble: Option<u32>,
    body: Option<(Position, bool)>,
}

impl ProximityPlayer {
    /// Stages it is on and is heard from, unless it takes no part in them.
    const fn stages(&self) -> u64 {
        if matches!(self.place, Participation::Open) {
            self.sound.stages
        } else {
            0
        }
    }

    const fn listens(&self) -> u64 {
        if matches!(self.place, Participation::Open) {
            self.sound.listens
        } else {
            0
        }
    }
}

/// Everything proximity remembers from tick to tick.
#[derive(Debug, Clone, Resource)]
pub struct Proximity {
    // In a box, like what else is large: the world sets room for 64 of each resource aside.
    field: Box<Field>,
    /// What the map blocks. What stands around is in nobody's way: people talk across desks.
    blocked: Grid,
    /// Whether nobody is heard through that, as the map says.
    has_walls: bool,
    people: Vec<Option<ProximityPlayer>>,
    free: Vec<u32>,
    slots: BTreeMap<PlayerId, u32>,
    /// Who is in each private area that somebody is in.
    areas: BTreeMap<u16, BTreeSet<u32>>,
    /// Who is on each stage, who came first in front.
    stages: BTreeMap<u8, Vec<u32>>,
    bubbles: Box<Bubbles>,
    dirty: BTreeSet<u32>,
    /// Slots that talk through the forwarding unit.
    forwarded: BTreeSet<u32>,
    /// Who keeps whom away, by user.
    blocks: BTreeMap<UserId, BTreeSet<UserId>>,
}

/// Adds an empty table of peers and what keeps it true.
pub fn plugin(space: &mut SpaceBuilder, plan: &SpaceLayout) {
    let rate = *space.world.resource::<TickRate>();
    let grid = space.world.resource::<Grid>();
    let mut blocked = Grid::open(grid.width(), grid.height());
    for tile in &plan.blocked {
        blocked.block(*tile);
    }
    let mut field = Field::new(grid.width(), grid.height(), Rules::at(rate, plan.voices));
    field.walls = plan
        .voices
        .walls_block
        .unwrap_or(plan.has_walls)
        .then(|| blocked.clone());
    space.add(Proximity {
        field: Box::new(field),
        blocked,
        has_walls: plan.has_walls,
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

/// From now on people hear and see each other by these rules.
pub(super) fn rule(world: &mut World, rules: ProximityRules) {
    let now = *world.resource::<Tick>();
    let mut proximity = world.resource_mut::<Proximity>();
    if proximity.field.voices() != rules {
        let has_walls = proximity.rule(rules, now);
        let fact = Fact::ProximityRulesChanged { rules, has_walls };
        world.resource_mut::<Outbox>().0.facts.push(fact);
    }
}

/// From now on voices are carried, and stopped, by that plan's zones and walls.
pub(super) fn replace(world: &mut World, plan: &SpaceLayout) {
    let now = *world.resource::<Tick>();
    let mut blocked = Grid::open(plan.width, plan.height);
    for tile in &plan.blocked {
        blocked.block(*tile);
    }
    let mut proximity = world.resource_mut::<Proximity>();
    let (rules, were_walls_up) = (proximity.field.voices(), proximity.field.walls.is_some());
    let has_walls = plan.voices.walls_block.unwrap_or(plan.has_walls);
    let has_others = (were_walls_up || has_walls) && proximity.blocked != blocked;
    (proximity.blocked, proximity.has_walls) = (blocked, plan.has_walls);
    if rules != plan.voices || were_walls_up != has_walls || has_others {
        proximity.rule(plan.voices, now);
    }
    for person in proximity.people.iter_mut().flatten() {
        // What the zones do there is found out again with the next tick.
        person.tile = NOWHERE;
    }
    proximity.look_again();
    if rules != plan.voices || were_walls_up != has_walls {
        let rules = plan.voices;
        let fact = Fact::ProximityRulesChanged { rules, has_walls };
        world.resource_mut::<Outbox>().0.facts.push(fact);
    }
}

type Someone<'a> = (
    &'a Card,
    &'a Body,
    &'a Motion,
    &'a Disconnected,
    &'a Blocked,
    &'a mut ProximitySlot,
);

/// Looks where everybody is, and states for whom that changed anything.
pub fn connect(
    now: Res<Tick>,
    zones: Res<Zones>,
    forwarded_by: Res<ForwardedBy>,
    mut proximity: ResMut<Proximity>,
    mut peers: ResMut<Peers>,
    mut outbox: ResMut<Outbox>,
    mut players: Query<Someone>,
) {
    let mut resumed = Vec::new();
    for (card, body, motion, vanished, blocked, mut ear) in &mut players {
        let slot = *ear
            .slot
            .get_or_insert_with(|| proximity.enroll(card, blocked));
        if std::mem::take(&mut ear.resumes) {
            resumed.push(slot);
        }
        let is_here = vanished.0.is_none() || now.0 < ear.expected_until.0;
        let wish = match card.status {
            _ if !is_here => CallPreference::Nothing,
            Status::DoNotDisturb => CallPreference::Nothing,
            Status::Quiet => CallPreference::Quiet,
            Status::Available | Status::Busy | Status::Away => CallPreference::Everything,
        };
        proximity.see(slot, &zones, body, *motion, wish, *now);
    }
    proximity.part_strays();
    for state in proximity.bubbles.take_changed() {
        outbox.0.facts.push(Fact::BubbleChanged(state));
    }
    if !resumed.is_empty() {
        proximity.field.resume(&resumed, now.0);
    }
    proximity.field.look(now.0);
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
    /// What is known of everybody is found anew with the next tick.
    pub fn look_again(&mut self) {
        self.dirty.extend(self.slots.values());
    }

    /// From now on these rules hold; whether nobody is heard through walls then.
    fn rule(&mut self, rules: ProximityRules, now: Tick) -> bool {
        let has_walls = rules.walls_block.unwrap_or(self.has_walls);
        let walls = has_walls.then(|| self.blocked.clone());
        self.field.rule(rules, walls, now.0);
        has_walls
    }

    /// What the map itself blocks.
    pub const fn map_ground(&self) -> &Grid {
        &self.blocked
    }

    /// Whether anybody talks through the forwarding unit.
    pub fn is_forwarding(&self) -> bool {
        !self.forwarded.is_empty()
    }

    /// Whether nothing will change until somebody moves.
    pub fn is_settled(&self, now: Tick) -> bool {
        self.field.is_settled(now.0)
    }

    fn enroll(&mut self, card: &Card, blocked: &Blocked) -> u32 {
        let person = ProximityPlayer {
            player: card.player,
            user: card.user,
            tile: NOWHERE,
            sound: Sound::default(),
            place: Participation::Deaf,
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
        self.keep_apart();
        slot
    }

    /// Somebody stands there now.
    fn see(
        &mut self,
        slot: u32,
        zones: &Zones,
        body: &Body,
        motion: Motion,
        wish: CallPreference,
        now: Tick,
    ) {
        let Some(person) = self.people.get_mut(slot as usize).and_then(Option::as_mut) else {
            return;
        };
        let tile = body.position.tile();
        let (stages, listens, place) = (person.stages(), person.listens(), person.place);
        if person.tile != tile {
            person.tile = tile;
            person.sound = zones.sound_at(tile);
        }
        person.place = match person.sound.area {
            _ if wish == CallPreference::Nothing || person.sound.is_silent => Participation::Deaf,
            Some(area) => Participation::Area(area),
            None => Participation::Open,
        };
        let out_of = person
            .bubble
            .take_if(|_| person.place != Participation::Open);
        let closed = person.bubble.filter(|bubble| {
            self.bubbles
                .get(*bubble)
                .is_some_and(|bubble| !bubble.is_aside)
        });
        if let Some(bubble) = closed {
            person.place = Participation::Bubble(bubble);
        }
        let stance = (body.position, motion != Motion::Standing);
        let player = person.player;
        let is_news = person.body.replace(stance) != Some(stance);
        let now_place = person.place;
        let reach = match wish {
            CallPreference::Quiet => Some(BESIDE),
            CallPreference::Everything | CallPreference::Nothing => person.sound.reach,
        };
        let (now_stages, now_listens) = (person.stages(), person.listens());
        if let Some(bubble) = out_of {
            self.step_out(bubble, &[slot]);
        }
        if place != now_place {
            self.leave_place(slot, place, now);
            match now_place {
                Participation::Area(area) => {
                    let inside = self.areas.entry(area).or_default();
                    inside.insert(slot);
                    self.dirty.extend(inside.iter().copied());
                }
                Participation::Open => self.field.enter(slot, player, stance.0, stance.1, now.0),
                Participation::Bubble(_) | Participation::Deaf => {}
            }
            self.dirty.insert(slot);
        } else if is_news && place == Participation::Open {
            self.field.stand(slot, stance.0, stance.1, now.0);
        }
        if now_place == Participation::Open {
            self.field.carry(slot, reach, now.0);
        }
        if stages != now_stages {
            self.go_on_stage(slot, stages, now_stages);
        }
        if listens != now_listens {
            self.soil_stages(listens ^ now_listens, false);
            self.dirty.insert(slot);
        }
    }

    fn leave_place(&mut self, slot: u32, place: Participation, now: Tick) {
        match place {
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
            // Whoever is in a bubble is written down there, and those were told.
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
        let (place, stages, listens, user) =
            (person.place, person.stages(), person.listens(), person.user);
        if let Some(bubble) = person.bubble {
            self.step_out(bubble, &[slot]);
        }
        self.bubbles.forget_knocks(player);
        self.leave_place(slot, place, now);
        self.go_on_stage(slot, stages, 0);
        self.soil_stages(listens, false);
        self.people[slot as usize] = None;
        let dirty = self.field.take_dirty();
        self.dirty.extend(dirty);
        self.dirty.remove(&slot);
        self.forwarded.remove(&slot);
        self.free.push(slot);
        self.blocks.remove(&user);
        self.keep_apart();
    }

    /// Writes down who is connected to whom, for everybody for whom that may have changed.
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
            (other != slot && !(has_blocks && self.is_apart(me.user, person.user)))
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
        match me.place {
            Participation::Deaf => return found,
            Participation::Area(area) => {
                let inside = self.areas.get(&area).into_iter().flatten();
                found.extend(inside.filter_map(|other| {
                    Some(both(one(*other)?.player, ProximityReason::Area, true))
                }));
            }
            Participation::Bubble(_) => found.extend(self.beside(slot, me).filter_map(|other| {
                let player = one(other)?.player;
                Some(both(player, ProximityReason::Bubble, true))
            })),
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
                let aside = self.beside(slot, me);
                found.extend(aside.filter_map(|other| {
                    Some(both(one(other)?.player, ProximityReason::Bubble, true))
                }));
            }
        }
        found.sort_unstable_by_key(|peer| peer.player);
        if me.place == Participation::Open && !self.stages.is_empty() {
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

    fn place_of(&self, slot: u32) -> Option<Position> {
        self.person(slot)?.body.map(|(place, _)| place)
    }

    /// How bubbles are.
    pub fn bubbles(&self) -> Vec<BubbleState> {
        self.bubbles.states()
    }

    /// Finds who talks through the forwarding unit: circles of more people than can talk directly.
    fn find_routes(&mut self) {
        let mut circles = routes::ConnectedGroups::of(self.people.len());
        for slot in 0..self.people.len() as u32 {
            for (other, _) in self.field.connected(slot) {
                circles.join(slot, other);
            }
        }
        for inside in self.areas.values() {
            for (one, other) in inside.iter().zip(inside.iter().skip(1)) {
                circles.join(*one, *other);
            }
        }
        for bubble in self.bubbles.numbers() {
            let members = self.bubbles.get(bubble).into_iter();
            let members: Vec<u32> = members
                .flat_map(|bubble| bubble.members.keys().copied())
                .collect();
            for (one, other) in members.iter().zip(members.iter().skip(1)) {
                circles.join(*one, *other);
            }
        }
        for stage in self.stages.keys() {
            for (person, slot) in self.people.iter().zip(0..) {
                let listens = person
                    .as_ref()
                    .is_some_and(|person| person.listens() & 1 << stage != 0);
                for performer in self.performers(*stage).iter().filter(|_| listens) {
                    circles.join(slot, *performer);
                }
            }
        }
        // Whoever comes and goes at the limit does not make everybody change over.
        let settled: BTreeSet<u32> = self
            .forwarded
            .iter()
            .map(|slot| circles.root(*slot))
            .collect();
        let forwarded: BTreeSet<u32> = (0..self.people.len() as u32)
            .filter(|slot| {
                let is_settled = settled.contains(&circles.root(*slot));
                circles.size(*slot) > if is_settled { MESH - 1 } else { MESH }
            })
            .collect();
        self.dirty
            .extend(forwarded.symmetric_difference(&self.forwarded).copied());
        self.forwarded = forwarded;
    }
}

/// What somebody has to be told, if anything.
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
    Some(Fact::PeersChanged {
        player,
        peers: after.iter().filter(|peer| !known(peer)).copied().collect(),
        gone: before
            .iter()
            .filter(is_gone)
            .map(|peer| peer.player)
            .collect(),
    })
}

/// Somebody is no longer here: nobody is connected to them.
pub(super) fn forget(world: &mut World, player: PlayerId) {
    let now = *world.resource::<Tick>();
    world.resource_mut::<Proximity>().forget(player, now);
    world.resource_mut::<Peers>().by_player.remove(&player);
}
