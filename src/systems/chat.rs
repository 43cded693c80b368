//! Chat: what people say and show to the whole space, and what becomes of it.
//!
//! Lengths, rates and rights are checked before, in `net::session` and `net::edge`.

use std::collections::{BTreeMap, VecDeque};

use bevy_ecs::prelude::*;

use super::proximity::Peers;
use super::{Outbox, SimulateSystems, SpaceBuilder, TickSystems, presence};
use crate::components::chat::{
    ChatMessage, ChatRefusal, HISTORY, MessageChange, MessageReaction, REACTION_KINDS,
    REACTION_USERS, Reaction, Scope, Speech, TYPING_SECONDS,
};
use crate::components::fact::Fact;
use crate::components::id::{ChatId, PlayerId, UserId};
use crate::components::player::Card;
use crate::components::unit::{Tick, TickRate};

/// Emotes that exist.
const EMOTES: u8 = 6;

/// How long after a line the same words of the same user under the same number are that line again,
/// in milliseconds. A client that begins to count anew is not taken for one that repeats itself.
const AGAIN_WITHIN: u64 = 60_000;

/// The newest lines, oldest first.
#[derive(Debug, Clone, Default, Resource)]
pub struct History(pub VecDeque<ChatMessage>);

impl History {
    /// One more line, unless it is known; the oldest makes room.
    pub fn add(&mut self, line: ChatMessage) {
        if self.get(line.id).is_some() {
            return;
        }
        if self.0.len() >= HISTORY {
            self.0.pop_front();
        }
        self.0.push_back(line);
    }

    /// The line with that id.
    pub fn get(&self, id: ChatId) -> Option<&ChatMessage> {
        self.0.iter().rev().find(|line| line.id == id)
    }

    fn get_mut(&mut self, id: ChatId) -> Option<&mut ChatMessage> {
        self.0.iter_mut().rev().find(|line| line.id == id)
    }

    /// The line that this one repeats: a client that heard no answer sends it again.
    pub fn find(&self, line: &ChatMessage) -> Option<&ChatMessage> {
        line.client_id?;
        self.0
            .iter()
            .rev()
            .take_while(|before| before.at.saturating_add(AGAIN_WITHIN) >= line.at)
            .find(|before| {
                (before.user, before.client_id) == (line.user, line.client_id)
                    // Its words may be others by now.
                    && (before.text == line.text || before.edited.is_some() || before.is_deleted)
            })
    }

    /// Gives a line other words, or none. A line that was deleted stays so.
    pub fn change(&mut self, change: &MessageChange) {
        let Some(line) = self.get_mut(change.id).filter(|line| !line.is_deleted) else {
            return;
        };
        if let Some(text) = &change.text {
            line.text.clone_from(text);
            line.edited = Some(change.at);
        } else {
            line.text.clear();
            line.edited = None;
            line.is_deleted = true;
            line.reactions.clear();
        }
    }

    /// Adds a reaction to a line, or takes it back; what is so already stays so.
    pub fn react(&mut self, reaction: &MessageReaction) {
        let Some(line) = self.get_mut(reaction.id) else {
            return;
        };
        let kind = line
            .reactions
            .iter_mut()
            .find(|known| known.emoji == reaction.emoji);
        match (kind, reaction.on) {
            (Some(kind), true) if !kind.users.contains(&reaction.user) => {
                kind.users.push(reaction.user)
            }
            (Some(kind), false) => kind.users.retain(|user| *user != reaction.user),
            (None, true) => line.reactions.push(Reaction {
                emoji: reaction.emoji.clone(),
                users: vec![reaction.user],
            }),
            _ => {}
        }
        line.reactions.retain(|kind| !kind.users.is_empty());
    }

    /// Does what a fact says about lines.
    pub fn apply(&mut self, fact: &Fact) {
        match fact {
            Fact::Said(line) => self.add(line.clone()),
            Fact::Changed { change, .. } => self.change(change),
            Fact::Reacted(reaction) => self.react(reaction),
            Fact::Cleared { .. } | Fact::Forgotten => self.0.clear(),
            _ => {}
        }
    }
}

/// Whether the history goes when the last person does.
#[derive(Debug, Clone, Default, Resource)]
pub struct IsForgetful(pub bool);

/// How much time must lie between two lines of the same user, and when each spoke last.
#[derive(Debug, Clone, Default, Resource)]
pub struct SlowMode {
    seconds: u32,
    /// Unix milliseconds, as the lines have them.
    spoke: BTreeMap<UserId, u64>,
}

impl SlowMode {
    /// From now on so many seconds; who spoke lately is read from the history.
    pub fn set(&mut self, seconds: u32, history: &History) {
        self.seconds = seconds;
        self.spoke.clear();
        if seconds > 0 {
            for line in &history.0 {
                self.spoke.insert(line.user, line.at);
            }
        }
    }

    /// Seconds that the user must wait still.
    fn wait(&self, user: UserId, at: u64) -> Option<u32> {
        let due = self
            .spoke
            .get(&user)?
            .saturating_add(u64::from(self.seconds) * 1_000);
        let millis = due.checked_sub(at).filter(|millis| *millis > 0)?;
        // A clock of another process may be behind.
        Some((millis.div_ceil(1_000) as u32).min(self.seconds))
    }

    fn note(&mut self, user: UserId, at: u64) {
        if self.seconds == 0 {
            return;
        }
        let period = u64::from(self.seconds) * 1_000;
        self.spoke
            .retain(|_, spoke| spoke.saturating_add(period) > at);
        self.spoke.insert(user, at);
    }
}

/// What was said nearby lately, newest last: nobody keeps it, but a client may ask again whether it
/// was said.
#[derive(Debug, Clone, Default, Resource)]
pub struct Whispers(VecDeque<(UserId, Option<u32>, u64)>);

impl Whispers {
    /// Whether the line was said already.
    fn has(&self, line: &ChatMessage) -> bool {
        line.client_id.is_some()
            && self.0.iter().any(|(user, client_id, at)| {
                (*user, *client_id) == (line.user, line.client_id)
                    && at.saturating_add(AGAIN_WITHIN) >= line.at
            })
    }

    fn note(&mut self, line: &ChatMessage) {
        if self.0.len() >= HISTORY {
            self.0.pop_front();
        }
        self.0.push_back((line.user, line.client_id, line.at));
    }
}

/// Who types, and since when they were not heard to go on.
#[derive(Debug, Clone, Default, Resource)]
pub struct Typists(pub BTreeMap<PlayerId, Tick>);

/// Adds the history, and the end of typing.
pub fn plugin(space: &mut SpaceBuilder) {
    space.add(History::default());
    space.add(IsForgetful::default());
    space.add(SlowMode::default());
    space.add(Typists::default());
    space.add(Whispers::default());
    // Before anybody goes: whoever goes has stopped typing too.
    space.tick.add_systems(
        end_typing
            .in_set(TickSystems::Simulate)
            .before(SimulateSystems::LetGo),
    );
}

fn tell(world: &mut World, fact: Fact) {
    world.resource_mut::<Outbox>().0.facts.push(fact);
}

fn refuse(world: &mut World, player: PlayerId, client_id: Option<u32>, why: ChatRefusal) {
    tell(
        world,
        Fact::LineRefused {
            player,
            client_id,
            why,
        },
    );
}

/// Nobody is there any more.
pub(super) fn end(world: &mut World) {
    if world.resource::<IsForgetful>().0 {
        world.resource_mut::<History>().0.clear();
        tell(world, Fact::Forgotten);
    }
}

fn card_of(world: &World, player: PlayerId) -> Option<&Card> {
    presence::entity(world, player).and_then(|entity| world.get::<Card>(entity))
}

pub(super) fn say(world: &mut World, player: PlayerId, speech: Speech) {
    let Some(card) = card_of(world, player) else {
        return;
    };
    let may_moderate = speech.may_moderate;
    let line = ChatMessage::new(player, card.user, card.name.clone(), speech);
    if let Some(before) = world.resource::<History>().find(&line) {
        // Its number may be another one by now: the sender came back.
        let before = ChatMessage {
            player,
            ..before.clone()
        };
        return tell(world, Fact::SaidBefore(before));
    }
    if line.scope == Scope::Nearby && world.resource::<Whispers>().has(&line) {
        // Merely acknowledged again.
        let hearers = Vec::new();
        return tell(world, Fact::Whispered { line, hearers });
    }
    if line.scope == Scope::Announcement && !may_moderate {
        return refuse(world, player, line.client_id, ChatRefusal::NoAnnouncer);
    }
    if !may_moderate && let Some(seconds) = world.resource::<SlowMode>().wait(line.user, line.at) {
        return refuse(
            world,
            player,
            line.client_id,
            ChatRefusal::TooSoon { seconds },
        );
    }
    if line.scope == Scope::Nearby {
        return whisper(world, line);
    }
    world.resource_mut::<SlowMode>().note(line.user, line.at);
    fall_silent(world, player);
    world.resource_mut::<History>().add(line.clone());
    tell(world, Fact::Said(line));
}

/// Says something to whoever can hear it right now.
fn whisper(world: &mut World, line: ChatMessage) {
    let hearers = world.resource::<Peers>().hearers(line.player);
    if hearers.is_empty() {
        return refuse(world, line.player, line.client_id, ChatRefusal::NobodyNear);
    }
    world.resource_mut::<SlowMode>().note(line.user, line.at);
    world.resource_mut::<Whispers>().note(&line);
    fall_silent(world, line.player);
    tell(world, Fact::Whispered { line, hearers });
}

/// Somebody wants a line to have other words, or none. Own lines; those who look after the space
/// delete any.
pub(super) fn change(
    world: &mut World,
    player: PlayerId,
    change: MessageChange,
    may_moderate: bool,
) {
    let Some(user) = card_of(world, player).map(|card| card.user) else {
        return;
    };
    let known = world.resource::<History>().get(change.id);
    let Some(line) = known.filter(|line| !line.is_deleted) else {
        return refuse(world, player, None, ChatRefusal::Gone);
    };
    let author = line.user;
    if author != user && !(may_moderate && change.text.is_none()) {
        return refuse(world, player, None, ChatRefusal::NotYours);
    }
    if change.text.as_ref() != Some(&line.text) {
        changed(world, change, author);
    }
}

/// A line was changed by somebody who may; it need not be among those that the space remembers.
pub(super) fn changed(world: &mut World, mut change: MessageChange, author: UserId) {
    let mut history = world.resource_mut::<History>();
    // Clocks of other processes may be behind: what comes later is dated no earlier, or the
    // database would drop it as outdated.
    let edited = history.get(change.id).and_then(|line| line.edited);
    change.at = change.at.max(edited.unwrap_or_default());
    history.change(&change);
    tell(world, Fact::Changed { change, author });
}

pub(super) fn react(world: &mut World, player: PlayerId, id: ChatId, emoji: String, on: bool) {
    let Some(user) = card_of(world, player).map(|card| card.user) else {
        return;
    };
    let mut history = world.resource_mut::<History>();
    let Some(line) = history.get(id).filter(|line| !line.is_deleted) else {
        return refuse(world, player, None, ChatRefusal::Gone);
    };
    let kind = line.reactions.iter().find(|kind| kind.emoji == emoji);
    if kind.is_some_and(|kind| kind.users.contains(&user)) == on {
        return;
    }
    let is_full = match kind {
        Some(kind) => kind.users.len() >= REACTION_USERS,
        None => line.reactions.len() >= REACTION_KINDS,
    };
    if on && is_full {
        return refuse(world, player, None, ChatRefusal::TooManyReactions);
    }
    let reaction = MessageReaction {
        id,
        user,
        emoji,
        on,
    };
    history.react(&reaction);
    tell(world, Fact::Reacted(reaction));
}

/// Everything that was said is forgotten because somebody who may wants it.
pub(super) fn clear(world: &mut World, by: String) {
    world.resource_mut::<History>().0.clear();
    tell(world, Fact::Cleared { by });
}

pub(super) fn slow_down(world: &mut World, seconds: u32) {
    world.resource_scope(|world, mut slow: Mut<SlowMode>| {
        if slow.seconds != seconds {
            slow.set(seconds, world.resource::<History>());
            tell(world, Fact::SlowMode { seconds });
        }
    });
}

pub(super) fn type_on(world: &mut World, player: PlayerId, on: bool) {
    if !on {
        return fall_silent(world, player);
    }
    if card_of(world, player).is_none() {
        return;
    }
    let now = *world.resource::<Tick>();
    if world
        .resource_mut::<Typists>()
        .0
        .insert(player, now)
        .is_none()
    {
        tell(world, Fact::Typing { player, on });
    }
}

/// Somebody types no more.
pub(super) fn fall_silent(world: &mut World, player: PlayerId) {
    if world.resource_mut::<Typists>().0.remove(&player).is_some() {
        tell(world, Fact::Typing { player, on: false });
    }
}

/// Whoever was not heard to go on typing has stopped.
fn end_typing(
    now: Res<Tick>,
    rate: Res<TickRate>,
    mut typists: ResMut<Typists>,
    mut outbox: ResMut<Outbox>,
) {
    if typists.0.is_empty() {
        return;
    }
    let patience = TYPING_SECONDS * u64::from(rate.per_second());
    typists.0.retain(|player, since| {
        let goes_on = now.0 < since.0.saturating_add(patience);
        if !goes_on {
            let fact = Fact::Typing {
                player: *player,
                on: false,
            };
            outbox.0.facts.push(fact);
        }
        goes_on
    });
}

pub(super) fn emote(world: &mut World, player: PlayerId, kind: u8) {
    if kind < EMOTES && presence::entity(world, player).is_some() {
        tell(world, Fact::Emoted { player, kind });
    }
}
