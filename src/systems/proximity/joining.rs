//! Joining: how players enter and leave bubbles.

use std::collections::BTreeMap;

use bevy_ecs::prelude::*;

use super::bubbles::PendingInvites;
use super::people::{Participation, ProximityPlayer};
use super::slot::PersonSlot;
use super::{Proximity, bubbles, field};
use crate::components::bubble::{BubbleAction, BubbleCommand, BubbleFact, MOST_IN_BUBBLE};
use crate::components::denial::Denial;
use crate::components::fact::Fact;
use crate::components::id::PlayerId;
use crate::components::unit::{Tick, TickRate};
use crate::systems::{Outbox, deny};

/// Seconds between two knocks of a player at the same bubble, and until a knock is forgotten.
const KNOCK_AGAIN: u64 = 2;
const KNOCK_LASTS: u64 = 60;

impl Proximity {
    /// Other members of the player's bubble or aside.
    pub(super) fn bubble_members(
        &self,
        slot: PersonSlot,
        me: &ProximityPlayer,
    ) -> impl Iterator<Item = PersonSlot> {
        let bubble = me.bubble.and_then(|bubble| self.bubbles.get(bubble));
        let members = bubble
            .into_iter()
            .flat_map(|bubble| bubble.members.keys().copied());
        members.filter(move |other| *other != slot)
    }

    /// Removes members from a bubble, and a last one who would be alone.
    pub(super) fn leave_bubble(&mut self, bubble: u32, slots: &[PersonSlot]) {
        self.mark_bubble_dirty(bubble);
        for slot in self.bubbles.leave(bubble, slots) {
            if let Some(person) = self.people.get_mut(slot) {
                person.bubble = None;
            }
        }
    }

    fn join_bubble(&mut self, bubble: u32, slot: PersonSlot, player: PlayerId) -> bool {
        let is_in = self.bubbles.join(bubble, slot, player);
        if is_in && let Some(person) = self.people.get_mut(slot) {
            person.bubble = Some(bubble);
            self.mark_bubble_dirty(bubble);
        }
        is_in
    }

    /// Marks the members, and players outside who hear them or are heard, as changed.
    fn mark_bubble_dirty(&mut self, bubble: u32) {
        let Some(one) = self.bubbles.get(bubble) else {
            return;
        };
        for slot in one.members.keys() {
            self.dirty.insert(*slot);
            self.dirty
                .extend(self.field.connected(*slot).map(|(other, _)| other));
        }
    }

    /// Removes members who walked away from their bubble.
    pub(super) fn remove_strays(&mut self) {
        if self.bubbles.is_empty() {
            return;
        }
        for bubble in self.bubbles.numbers() {
            let strays = self.bubbles.strays(bubble, |slot| self.position_of(slot));
            if !strays.is_empty() {
                self.leave_bubble(bubble, &strays);
            }
        }
    }

    /// Whether the player is in the open and in no bubble, and so can join one.
    fn is_free(&self, slot: PersonSlot) -> bool {
        self.people.get(slot).is_some_and(|person| {
            person.participation == Participation::Open && person.bubble.is_none()
        })
    }

    /// Invites the players who stand near and are heard, the nearest first. Returns those who are
    /// told.
    fn ask(
        &mut self,
        slot: PersonSlot,
        is_aside: bool,
        now: Tick,
        patience: u64,
    ) -> Result<Vec<PlayerId>, Denial> {
        let me = self.people.get(slot).filter(|_| self.is_free(slot));
        let me = me.ok_or(Denial::NotInTheOpen)?;
        let (player, user) = (me.player, me.user);
        let at = self.position_of(slot).ok_or(Denial::NotInTheOpen)?;
        let mut near: Vec<(i64, PlayerId)> = self
            .field
            .connected(slot)
            .filter(|(other, _)| self.is_free(*other))
            .filter_map(|(other, _)| {
                let person = self.people.get(other)?;
                let (there, moves) = person.body?;
                let is_meant = !moves
                    && bubbles::may_meet(at, there)
                    && !self.is_blocked_pair(user, person.user);
                is_meant.then_some((field::squared(at, there), person.player))
            })
            .collect();
        if near.is_empty() {
            return Err(Denial::NobodyNear);
        }
        near.sort_unstable();
        near.truncate(MOST_IN_BUBBLE - 1);
        let guests: Vec<PlayerId> = near.into_iter().map(|(_, player)| player).collect();
        let asked = PendingInvites {
            is_aside,
            guests: guests.iter().copied().collect(),
            at: now,
        };
        let is_heard = self.bubbles.ask(player, asked, patience);
        Ok(if is_heard { guests } else { Vec::new() })
    }

    /// A guest accepts an invitation. Both are in a bubble then: the inviting player's own if they
    /// are in one.
    fn accept(
        &mut self,
        slot: PersonSlot,
        player: PlayerId,
        asker: PlayerId,
        now: Tick,
        lasts: u64,
    ) -> Result<(), Denial> {
        let question = self.bubbles.answer(asker, player, now, lasts);
        let PendingInvites { is_aside, .. } = question.ok_or(Denial::NotNearBubble)?;
        let host = self.people.slot_of(asker).ok_or(Denial::NotHere)?;
        if let Some(bubble) = self.people.get(host).and_then(|host| host.bubble) {
            return self.join(slot, player, bubble, true).map(drop);
        }
        if !self.is_free(slot) {
            return Err(Denial::NotInTheOpen);
        }
        let both = self.position_of(slot).zip(self.position_of(host));
        if !self.is_free(host) || !both.is_some_and(|(here, there)| bubbles::may_meet(here, there))
        {
            return Err(Denial::NotNearBubble);
        }
        let members = BTreeMap::from([(slot, player), (host, asker)]);
        let bubble = self.bubbles.form(is_aside, members);
        for slot in [slot, host] {
            if let Some(person) = self.people.get_mut(slot) {
                person.bubble = Some(bubble);
            }
        }
        self.mark_bubble_dirty(bubble);
        Ok(())
    }

    /// Adds a player to a bubble next to them. Returns whether they have to knock instead.
    fn join(
        &mut self,
        slot: PersonSlot,
        player: PlayerId,
        bubble: u32,
        is_let_in: bool,
    ) -> Result<bool, Denial> {
        if !self.is_free(slot) {
            return Err(Denial::NotInTheOpen);
        }
        let one = self.bubbles.get(bubble).ok_or(Denial::NotNearBubble)?;
        let at = self.position_of(slot);
        let is_near = |other: &PersonSlot| {
            let both = at.zip(self.position_of(*other));
            both.is_some_and(|(at, there)| bubbles::may_meet(at, there))
        };
        if !one.members.keys().any(is_near) {
            return Err(Denial::NotNearBubble);
        }
        if one.is_full() {
            return Err(Denial::BubbleFull);
        }
        if one.is_locked && !is_let_in {
            return Ok(true);
        }
        self.join_bubble(bubble, slot, player);
        Ok(false)
    }
}

/// Makes, joins, leaves, locks or unlocks a bubble.
pub fn bubble(world: &mut World, BubbleCommand { player, action }: BubbleCommand) {
    let now = *world.resource::<Tick>();
    let rate = u64::from(world.resource::<TickRate>().per_second());
    let mut proximity = world.resource_mut::<Proximity>();
    let Some(slot) = proximity.people.slot_of(player) else {
        return;
    };
    let mine = proximity.people.get(slot).and_then(|person| person.bubble);
    let done = match (action, mine) {
        (BubbleAction::Form { is_aside }, _) => proximity
            .ask(slot, is_aside, now, KNOCK_AGAIN * rate)
            .map(|to| {
                if !to.is_empty() {
                    let fact = Fact::Bubble(BubbleFact::Asked {
                        player,
                        is_aside,
                        to,
                    });
                    world.resource_mut::<Outbox>().0.facts.push(fact);
                }
            }),
        (BubbleAction::Accept(asker), _) => {
            proximity.accept(slot, player, asker, now, KNOCK_LASTS * rate)
        }
        (BubbleAction::Decline(asker), _) => {
            // The player who invited is not told, so that no reason is needed.
            proximity
                .bubbles
                .answer(asker, player, now, KNOCK_LASTS * rate);
            Ok(())
        }
        (BubbleAction::Join(bubble), _) => match proximity.join(slot, player, bubble, false) {
            Ok(has_to_knock) => {
                if has_to_knock
                    && proximity
                        .bubbles
                        .knock(bubble, player, now, KNOCK_AGAIN * rate)
                {
                    let me = proximity.people.get(slot);
                    let members = proximity.bubbles.get(bubble).into_iter();
                    let members = members.flat_map(|bubble| bubble.members.keys());
                    let to = members.filter_map(|other| {
                        let other = proximity.people.get(*other)?;
                        (!proximity.is_blocked_pair(me?.user, other.user)).then_some(other.player)
                    });
                    let to = to.collect();
                    let fact = Fact::Bubble(BubbleFact::Knocked { player, to });
                    world.resource_mut::<Outbox>().0.facts.push(fact);
                }
                Ok(())
            }
            Err(why) => Err(why),
        },
        (BubbleAction::Leave, Some(bubble)) => {
            proximity.leave_bubble(bubble, &[slot]);
            Ok(())
        }
        (BubbleAction::Lock(is_locked), Some(bubble)) => {
            proximity.bubbles.lock(bubble, is_locked);
            Ok(())
        }
        (BubbleAction::Leave | BubbleAction::Lock(_), None) => Ok(()),
    };
    if let Err(why) = done {
        deny(world, player, why);
    }
}

/// Lets a player who knocked into the bubble of another player. Returns whether that other player
/// is in one.
pub fn admit(world: &mut World, player: PlayerId, guest: PlayerId) -> bool {
    let now = *world.resource::<Tick>();
    let lasts = KNOCK_LASTS * u64::from(world.resource::<TickRate>().per_second());
    let mut proximity = world.resource_mut::<Proximity>();
    let slot_of = |player| proximity.people.slot_of(player);
    let mine = slot_of(player).and_then(|slot| proximity.people.get(slot)?.bubble);
    let Some(bubble) = mine else { return false };
    let knocked = proximity
        .bubbles
        .get(bubble)
        .and_then(|one| one.knocked.get(&guest));
    let is_waiting = knocked.is_some_and(|at| now.0 <= at.0 + lasts);
    let done = match slot_of(guest) {
        Some(slot) if is_waiting => proximity.join(slot, guest, bubble, true),
        _ => Err(Denial::NotHere),
    };
    if let Err(why) = done {
        // A guest who walked away is not near the bubble any longer. For those inside, the guest is
        // gone.
        let why = if why == Denial::BubbleFull {
            why
        } else {
            Denial::NotHere
        };
        deny(world, player, why);
    }
    true
}
