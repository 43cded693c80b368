//! Chat: messages, reactions, typing and emotes of a space.
//!
//! Lengths, rates and permissions are checked before, in `net::session` and `net::edge`.

use std::collections::{BTreeMap, VecDeque};

use bevy_ecs::prelude::*;

use super::proximity::Peers;
use super::{Outbox, SimulateSystems, SpaceBuilder, TickSystems, roster};
use crate::components::chat::{
    ChatMessage, ChatRefusal, HISTORY, MessageChange, MessageReaction, REACTION_KINDS,
    REACTION_KINDS_OF_USER, REACTION_USERS, Reaction, Scope, Speech, TYPING_SECONDS,
};
use crate::components::fact::Fact;
use crate::components::id::{ChatId, PlayerId, UserId};
use crate::components::player::Card;
use crate::components::unit::{Tick, TickRate};

/// Number of emotes.
const EMOTES: u8 = 6;

/// Milliseconds in which the same text from the same user under the same number counts as the same
/// message. After that, a client that restarts its numbers is not taken for one that repeats a
/// message.
const AGAIN_WITHIN: u64 = 60_000;

/// Newest messages, oldest first.
#[derive(Debug, Clone, Default, Resource)]
pub struct History(pub VecDeque<ChatMessage>);

impl History {
    /// Adds a message, unless it is known. The oldest makes room.
    pub fn add(&mut self, message: ChatMessage) {
        if self.get(message.id).is_some() {
            return;
        }
        if self.0.len() >= HISTORY {
            self.0.pop_front();
        }
        self.0.push_back(message);
    }

    /// The message with that id.
    pub fn get(&self, id: ChatId) -> Option<&ChatMessage> {
        self.0.iter().rev().find(|message| message.id == id)
    }

    fn get_mut(&mut self, id: ChatId) -> Option<&mut ChatMessage> {
        self.0.iter_mut().rev().find(|message| message.id == id)
    }

    /// The message that this one repeats. A client that got no reply sends its message again.
    pub fn find(&self, message: &ChatMessage) -> Option<&ChatMessage> {
        message.client_id?;
        self.0
            .iter()
            .rev()
            .take_while(|before| before.at.saturating_add(AGAIN_WITHIN) >= message.at)
            .find(|before| {
                (before.user, before.client_id) == (message.user, message.client_id)
                    // The text may have been edited since.
                    && (before.text == message.text || before.edited.is_some() || before.is_deleted)
            })
    }

    /// Edits or deletes a message. A deleted message stays deleted.
    pub fn change(&mut self, change: &MessageChange) {
        let Some(message) = self
            .get_mut(change.id)
            .filter(|message| !message.is_deleted)
        else {
            return;
        };
        if let Some(text) = &change.text {
            message.text.clone_from(text);
            message.edited = Some(change.at);
        } else {
            message.text.clear();
            message.edited = None;
            message.is_deleted = true;
            message.reactions.clear();
        }
    }

    /// Adds a reaction to a message or removes it. Does nothing when it is so already.
    pub fn react(&mut self, reaction: &MessageReaction) {
        let Some(message) = self.get_mut(reaction.id) else {
            return;
        };
        let kind = message
            .reactions
            .iter_mut()
            .find(|known| known.emoji == reaction.emoji);
        match (kind, reaction.on) {
            (Some(kind), true) if !kind.users.contains(&reaction.user) => {
                kind.users.push(reaction.user);
            }
            (Some(kind), false) => kind.users.retain(|user| *user != reaction.user),
            (None, true) => message.reactions.push(Reaction {
                emoji: reaction.emoji.clone(),
                users: vec![reaction.user],
            }),
            _ => {}
        }
        message.reactions.retain(|kind| !kind.users.is_empty());
    }

    /// Applies a fact about messages.
    pub fn apply(&mut self, fact: &Fact) {
        match fact {
            Fact::Said(message) => self.add(message.clone()),
            Fact::Changed { change, .. } => self.change(change),
            Fact::Reacted(reaction) => self.react(reaction),
            Fact::Cleared { .. } | Fact::Forgotten => self.0.clear(),
            _ => {}
        }
    }
}

/// Whether the history is deleted when the last player leaves.
#[derive(Debug, Clone, Default, Resource)]
pub struct IsForgetful(pub bool);

/// Slow mode: the interval between two messages of a user, and when each user sent their last.
#[derive(Debug, Clone, Default, Resource)]
pub struct SlowMode {
    seconds: u32,
    /// Unix milliseconds, as in the messages.
    spoke: BTreeMap<UserId, u64>,
}

impl SlowMode {
    /// Sets the interval in seconds. Times of last messages are taken from the history.
    pub fn set(&mut self, seconds: u32, history: &History) {
        self.seconds = seconds;
        self.spoke.clear();
        if seconds > 0 {
            for message in &history.0 {
                self.spoke.insert(message.user, message.at);
            }
        }
    }

    /// Seconds that the user still has to wait.
    fn wait(&self, user: UserId, at: u64) -> Option<u32> {
        let due = self
            .spoke
            .get(&user)?
            .saturating_add(u64::from(self.seconds) * 1_000);
        let millis = due.checked_sub(at).filter(|millis| *millis > 0)?;
        // The clock of another process may be behind.
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

/// Recent messages to players nearby, newest last. They are not stored, but a client may ask again
/// whether its message was sent.
#[derive(Debug, Clone, Default, Resource)]
pub struct Whispers(VecDeque<(UserId, Option<u32>, u64)>);

impl Whispers {
    /// Whether the message was sent already.
    fn has(&self, message: &ChatMessage) -> bool {
        message.client_id.is_some()
            && self.0.iter().any(|(user, client_id, at)| {
                (*user, *client_id) == (message.user, message.client_id)
                    && at.saturating_add(AGAIN_WITHIN) >= message.at
            })
    }

    fn note(&mut self, message: &ChatMessage) {
        if self.0.len() >= HISTORY {
            self.0.pop_front();
        }
        self.0
            .push_back((message.user, message.client_id, message.at));
    }
}

/// Players who type, and the tick of their last typing command.
#[derive(Debug, Clone, Default, Resource)]
pub struct Typists(pub BTreeMap<PlayerId, Tick>);

/// Adds the history and the system that ends typing.
pub fn plugin(space: &mut SpaceBuilder) {
    space.add(History::default());
    space.add(IsForgetful::default());
    space.add(SlowMode::default());
    space.add(Typists::default());
    space.add(Whispers::default());
    // Before players are removed: a player who leaves has stopped typing, too.
    space.tick.add_systems(
        end_typing
            .in_set(TickSystems::Simulate)
            .before(SimulateSystems::LetGo),
    );
}

fn publish(world: &mut World, fact: Fact) {
    world.resource_mut::<Outbox>().0.facts.push(fact);
}

fn refuse(world: &mut World, player: PlayerId, client_id: Option<u32>, why: ChatRefusal) {
    publish(
        world,
        Fact::LineRefused {
            player,
            client_id,
            why,
        },
    );
}

/// The last player left.
pub(super) fn end(world: &mut World) {
    if world.resource::<IsForgetful>().0 {
        world.resource_mut::<History>().0.clear();
        publish(world, Fact::Forgotten);
    }
}

fn card_of(world: &World, player: PlayerId) -> Option<&Card> {
    roster::entity(world, player).and_then(|entity| world.get::<Card>(entity))
}

pub(super) fn send(world: &mut World, player: PlayerId, speech: Speech) {
    let Some(card) = card_of(world, player) else {
        return;
    };
    let may_moderate = speech.may_moderate;
    let message = ChatMessage::new(player, card.user, card.name.clone(), speech);
    if let Some(before) = world.resource::<History>().find(&message) {
        // The sender may have returned and have another player number.
        let before = ChatMessage {
            player,
            ..before.clone()
        };
        return publish(world, Fact::SaidBefore(before));
    }
    if message.scope == Scope::Nearby && world.resource::<Whispers>().has(&message) {
        // Only acknowledged again.
        let hearers = Vec::new();
        return publish(
            world,
            Fact::Whispered {
                line: message,
                hearers,
            },
        );
    }
    if message.scope == Scope::Announcement && !may_moderate {
        return refuse(world, player, message.client_id, ChatRefusal::NoAnnouncer);
    }
    if !may_moderate
        && let Some(seconds) = world.resource::<SlowMode>().wait(message.user, message.at)
    {
        return refuse(
            world,
            player,
            message.client_id,
            ChatRefusal::TooSoon { seconds },
        );
    }
    if message.scope == Scope::Nearby {
        return whisper(world, message);
    }
    world
        .resource_mut::<SlowMode>()
        .note(message.user, message.at);
    stop_typing(world, player);
    world.resource_mut::<History>().add(message.clone());
    publish(world, Fact::Said(message));
}

/// Sends a message to the players who can hear the sender now.
fn whisper(world: &mut World, message: ChatMessage) {
    let hearers = world.resource::<Peers>().hearers(message.player);
    if hearers.is_empty() {
        return refuse(
            world,
            message.player,
            message.client_id,
            ChatRefusal::NobodyNear,
        );
    }
    world
        .resource_mut::<SlowMode>()
        .note(message.user, message.at);
    world.resource_mut::<Whispers>().note(&message);
    stop_typing(world, message.player);
    publish(
        world,
        Fact::Whispered {
            line: message,
            hearers,
        },
    );
}

/// A user edits or deletes a message. Users change their own messages; the space's owner and admins
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
    let Some(message) = known.filter(|message| !message.is_deleted) else {
        return refuse(world, player, None, ChatRefusal::Gone);
    };
    let author = message.user;
    if author != user && !(may_moderate && change.text.is_none()) {
        return refuse(world, player, None, ChatRefusal::NotYours);
    }
    if change.text.as_ref() != Some(&message.text) {
        changed(world, change, author);
    }
}

/// A message was changed over HTTP by a user with the right to do it. The history need not contain
/// it.
pub(super) fn changed(world: &mut World, mut change: MessageChange, author: UserId) {
    let mut history = world.resource_mut::<History>();
    // Clocks of other processes may be behind. A later change gets no earlier time, or the database
    // would drop it as outdated.
    let edited = history.get(change.id).and_then(|message| message.edited);
    change.at = change.at.max(edited.unwrap_or_default());
    history.change(&change);
    publish(world, Fact::Changed { change, author });
}

pub(super) fn react(world: &mut World, player: PlayerId, id: ChatId, emoji: String, on: bool) {
    let Some(user) = card_of(world, player).map(|card| card.user) else {
        return;
    };
    let mut history = world.resource_mut::<History>();
    let Some(message) = history.get(id).filter(|message| !message.is_deleted) else {
        return refuse(world, player, None, ChatRefusal::Gone);
    };
    let kinds = &message.reactions;
    let kind = kinds.iter().find(|kind| kind.emoji == emoji);
    if kind.is_some_and(|kind| kind.users.contains(&user)) == on {
        return;
    }
    let is_full = match kind {
        Some(kind) => kind.users.len() >= REACTION_USERS,
        None => kinds.len() >= REACTION_KINDS,
    };
    let own = kinds.iter().filter(|kind| kind.users.contains(&user));
    if on && (is_full || own.count() >= REACTION_KINDS_OF_USER) {
        return refuse(world, player, None, ChatRefusal::TooManyReactions);
    }
    let reaction = MessageReaction {
        id,
        user,
        emoji,
        on,
    };
    history.react(&reaction);
    publish(world, Fact::Reacted(reaction));
}

/// Deletes the history for a user with the right to do it.
pub(super) fn clear(world: &mut World, by: String) {
    world.resource_mut::<History>().0.clear();
    publish(world, Fact::Cleared { by });
}

pub(super) fn set_slow_mode(world: &mut World, seconds: u32) {
    world.resource_scope(|world, mut slow: Mut<SlowMode>| {
        if slow.seconds != seconds {
            slow.set(seconds, world.resource::<History>());
            publish(world, Fact::SlowMode { seconds });
        }
    });
}

pub(super) fn set_typing(world: &mut World, player: PlayerId, on: bool) {
    if !on {
        return stop_typing(world, player);
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
        publish(world, Fact::Typing { player, on });
    }
}

/// A player stops typing.
pub(super) fn stop_typing(world: &mut World, player: PlayerId) {
    if world.resource_mut::<Typists>().0.remove(&player).is_some() {
        publish(world, Fact::Typing { player, on: false });
    }
}

/// Ends typing of players who sent no typing command for a while.
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
    if kind < EMOTES && roster::entity(world, player).is_some() {
        publish(world, Fact::Emoted { player, kind });
    }
}
