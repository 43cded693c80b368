//! Chat: messages, reactions and typing of a space.
//!
//! Lengths, rates and permissions are checked before, in `net::session` and `net::edge`.

use std::collections::{BTreeMap, VecDeque};

use bevy_ecs::prelude::*;
use bincode::{Decode, Encode};
use uuid::Uuid;

use super::proximity::Peers;
use super::saving::{self, SectionError};
use super::slow_mode::SlowMode;
use super::{Outbox, SimulateSystems, SpaceBuilder, TickSystems, roster, tell};
use crate::components::chat::{
    COMMON_REACTIONS, ChatCommand, ChatFact, ChatMessage, ChatRefusal, HISTORY, MessageChange,
    MessageReaction, OTHER_REACTION_KINDS, REACTION_KINDS, REACTION_KINDS_OF_USER, REACTION_USERS,
    Reaction, Scope, Speech, TYPING_SECONDS,
};
use crate::components::fact::Fact;
use crate::components::history::{AGAIN_WITHIN, History};
use crate::components::id::{ChatId, PlayerId, UserId};
use crate::components::player::Card;
use crate::components::unit::{Tick, TickRate};

/// Section of the checkpoint: the history, as [`SavedMessage`]s.
pub const SECTION: &str = "chat";

/// Whether the history is deleted when the last player leaves.
#[derive(Debug, Clone, Default, Resource)]
pub struct IsForgetful(pub bool);

/// Recent messages to players nearby, newest last. They are not stored, but a client may ask again
/// whether its message was sent.
#[derive(Debug, Clone, Default, Resource)]
pub struct NearbyMessages(VecDeque<(UserId, Option<u32>, u64)>);

impl NearbyMessages {
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
    space.save(SECTION, 1, save, load);
    space.add(IsForgetful::default());
    space.add(SlowMode::default());
    space.add(Typists::default());
    space.add(NearbyMessages::default());
    // Before players are removed: a player who leaves has stopped typing, too.
    space.tick.add_systems(
        end_typing
            .in_set(TickSystems::Simulate)
            .before(SimulateSystems::LetGo),
    );
}

fn refuse(world: &mut World, player: PlayerId, client_id: Option<u32>, why: ChatRefusal) {
    tell(
        world,
        Fact::Chat(ChatFact::Refused {
            player,
            client_id,
            why,
        }),
    );
}

/// The last player left.
pub(super) fn end(world: &mut World) {
    if world.resource::<IsForgetful>().0 {
        world.resource_mut::<History>().0.clear();
        tell(world, Fact::Chat(ChatFact::Forgotten));
    }
}

fn card_of(world: &World, player: PlayerId) -> Option<&Card> {
    roster::entity(world, player).and_then(|entity| world.get::<Card>(entity))
}

/// Carries out a request about messages.
pub(super) fn apply(world: &mut World, command: ChatCommand) {
    match command {
        ChatCommand::Send { player, speech } => send(world, player, speech),
        ChatCommand::Edit {
            player,
            change: edit,
            may_announce,
            may_delete,
        } => change(world, player, edit, may_announce, may_delete),
        ChatCommand::ApplyEdit { change, author } => changed(world, change, author),
        ChatCommand::React {
            player,
            message,
            emoji,
            on,
        } => react(world, player, message, emoji, on),
        ChatCommand::Typing { player, on } => set_typing(world, player, on),
        ChatCommand::SetSlowMode { seconds } => set_slow_mode(world, seconds),
        ChatCommand::Clear { by } => clear(world, by),
    }
}

fn send(world: &mut World, player: PlayerId, speech: Speech) {
    let Some(card) = card_of(world, player) else {
        return;
    };
    let may_announce = speech.may_announce;
    let message = ChatMessage::new(player, card.user, card.name.clone(), speech);
    if let Some(before) = world.resource::<History>().find(&message) {
        // The sender may have returned and have another player number.
        let before = ChatMessage {
            player,
            ..before.clone()
        };
        return tell(world, Fact::Chat(ChatFact::SaidBefore(before)));
    }
    if message.scope == Scope::Nearby && world.resource::<NearbyMessages>().has(&message) {
        // Only acknowledged again.
        let hearers = Vec::new();
        return tell(world, Fact::Chat(ChatFact::SaidNearby { message, hearers }));
    }
    if message.scope == Scope::Announcement && !may_announce {
        return refuse(world, player, message.client_id, ChatRefusal::NoAnnouncer);
    }
    if !may_announce
        && let Some(seconds) = world
            .resource::<SlowMode>()
            .wait_to_speak(message.user, message.at)
    {
        return refuse(
            world,
            player,
            message.client_id,
            ChatRefusal::TooSoon { seconds },
        );
    }
    if message.scope == Scope::Nearby {
        return say_nearby(world, message);
    }
    world
        .resource_mut::<SlowMode>()
        .spoke(message.user, message.at);
    stop_typing(world, player);
    world.resource_mut::<History>().add(message.clone());
    tell(world, Fact::Chat(ChatFact::Said(message)));
}

/// Sends a message to the players who can hear the sender now.
fn say_nearby(world: &mut World, message: ChatMessage) {
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
        .spoke(message.user, message.at);
    world.resource_mut::<NearbyMessages>().note(&message);
    stop_typing(world, message.player);
    tell(world, Fact::Chat(ChatFact::SaidNearby { message, hearers }));
}

/// A user edits or deletes a message. Users change their own messages; those who may delete, any.
fn change(
    world: &mut World,
    player: PlayerId,
    change: MessageChange,
    may_announce: bool,
    may_delete: bool,
) {
    let Some(user) = card_of(world, player).map(|card| card.user) else {
        return;
    };
    let known = world.resource::<History>().get(change.id);
    let Some(message) = known.filter(|message| !message.is_deleted) else {
        return refuse(world, player, None, ChatRefusal::Gone);
    };
    let author = message.user;
    if author != user && !(may_delete && change.text.is_none()) {
        return refuse(world, player, None, ChatRefusal::NotYours);
    }
    if change.text.as_ref() == Some(&message.text) {
        return;
    }
    if change.text.is_some()
        && !may_announce
        && let Some(seconds) = world.resource::<SlowMode>().wait_to_edit(user, change.at)
    {
        return refuse(world, player, None, ChatRefusal::TooSoon { seconds });
    }
    changed(world, change, author);
}

/// A message was changed over HTTP by a user with the right to do it. The history need not contain
/// it.
pub(super) fn changed(world: &mut World, mut change: MessageChange, author: UserId) {
    if change.text.is_some() {
        world.resource_mut::<SlowMode>().edited(author, change.at);
    }
    let mut history = world.resource_mut::<History>();
    // Clocks of other processes may be behind. A later change gets no earlier time, or the database
    // would drop it as outdated.
    let edited = history.get(change.id).and_then(|message| message.edited);
    change.at = change.at.max(edited.unwrap_or_default());
    history.change(&change);
    tell(world, Fact::Chat(ChatFact::Changed { change, author }));
}

fn react(world: &mut World, player: PlayerId, id: ChatId, emoji: String, on: bool) {
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
    let is_common = |emoji: &str| COMMON_REACTIONS.contains(&emoji);
    let is_full = match kind {
        Some(kind) => kind.users.len() >= REACTION_USERS,
        None if is_common(&emoji) => kinds.len() >= REACTION_KINDS,
        None => {
            let others = kinds.iter().filter(|kind| !is_common(&kind.emoji));
            others.count() >= OTHER_REACTION_KINDS
        }
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
    tell(world, Fact::Chat(ChatFact::Reacted(reaction)));
}

/// Deletes the history for a user with the right to do it.
fn clear(world: &mut World, by: String) {
    world.resource_mut::<History>().0.clear();
    tell(world, Fact::Chat(ChatFact::Cleared { by }));
}

fn set_slow_mode(world: &mut World, seconds: u32) {
    world.resource_scope(|world, mut slow: Mut<SlowMode>| {
        if slow.seconds != seconds {
            slow.set(seconds, world.resource::<History>());
            tell(world, Fact::Chat(ChatFact::SlowMode { seconds }));
        }
    });
}

fn set_typing(world: &mut World, player: PlayerId, on: bool) {
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
        tell(world, Fact::Chat(ChatFact::Typing { player, on }));
    }
}

/// A player stops typing.
pub(super) fn stop_typing(world: &mut World, player: PlayerId) {
    if world.resource_mut::<Typists>().0.remove(&player).is_some() {
        tell(world, Fact::Chat(ChatFact::Typing { player, on: false }));
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
            let fact = Fact::Chat(ChatFact::Typing {
                player: *player,
                on: false,
            });
            outbox.tell(fact);
        }
        goes_on
    });
}

/// The record of a message, version 1. `Text` is borrowed when it is written.
#[derive(Debug, Encode, Decode)]
pub struct SavedMessage<Text> {
    /// Id of the message.
    pub id: [u8; 16],
    /// Player who sent it.
    pub player: u32,
    /// User who sent it.
    pub user: [u8; 16],
    /// Name of the sender at the time.
    pub name: Text,
    /// Text; empty when the message was deleted.
    pub text: Text,
    /// Unix milliseconds.
    pub at: u64,
    /// The sender's own number of the message.
    pub client_id: Option<u32>,
    /// Number of the scope.
    pub scope: u8,
    /// Message that it replies to.
    pub reply_to: Option<[u8; 16]>,
    /// Time of the last edit, in Unix milliseconds.
    pub edited: Option<u64>,
    /// Whether it was deleted.
    pub is_deleted: bool,
    /// Each emoji, and the users who show it.
    pub reactions: Vec<(Text, Vec<[u8; 16]>)>,
}

impl<'a> From<&'a ChatMessage> for SavedMessage<&'a str> {
    fn from(message: &'a ChatMessage) -> Self {
        let users = |kind: &Reaction| kind.users.iter().map(|user| user.0.into_bytes()).collect();
        let reactions = message.reactions.iter();
        Self {
            id: message.id.0.into_bytes(),
            player: message.player.0,
            user: message.user.0.into_bytes(),
            name: &message.name,
            text: &message.text,
            at: message.at,
            client_id: message.client_id,
            scope: message.scope as u8,
            reply_to: message.reply_to.map(|id| id.0.into_bytes()),
            edited: message.edited,
            is_deleted: message.is_deleted,
            reactions: reactions
                .map(|kind| (kind.emoji.as_str(), users(kind)))
                .collect(),
        }
    }
}

impl SavedMessage<String> {
    /// The message; refused when it holds impossible values.
    pub fn into_message(self) -> Result<ChatMessage, SectionError> {
        let no_scope = SectionError::Senseless("a message has an unknown scope");
        let is_full = |users: &[_]| users.len() > REACTION_USERS;
        if self.reactions.len() > REACTION_KINDS
            || self.reactions.iter().any(|(_, users)| is_full(users))
        {
            return Err(SectionError::Senseless("a message has too many reactions"));
        }
        let user = |bytes| UserId(Uuid::from_bytes(bytes));
        let reactions = self.reactions.into_iter().map(|(emoji, users)| Reaction {
            emoji,
            users: users.into_iter().map(user).collect(),
        });
        Ok(ChatMessage {
            id: ChatId(Uuid::from_bytes(self.id)),
            player: PlayerId(self.player),
            user: user(self.user),
            name: self.name,
            text: self.text,
            at: self.at,
            client_id: self.client_id,
            scope: Scope::from_wire(self.scope).ok_or(no_scope)?,
            reply_to: self.reply_to.map(|id| ChatId(Uuid::from_bytes(id))),
            edited: self.edited,
            is_deleted: self.is_deleted,
            reactions: reactions.collect(),
        })
    }
}

fn save(world: &World) -> Vec<u8> {
    let messages = world.resource::<History>().0.iter();
    saving::write(messages.map(SavedMessage::from).collect::<Vec<_>>())
}

fn load(world: &mut World, version: u16, bytes: &[u8]) -> Result<(), SectionError> {
    world.resource_mut::<History>().0 = saved_history(version, bytes)?.into();
    Ok(())
}

/// The messages of a section, oldest first.
pub fn saved_history(version: u16, bytes: &[u8]) -> Result<Vec<ChatMessage>, SectionError> {
    let messages: Vec<SavedMessage<String>> = saving::read_first(version, bytes)?;
    if messages.len() > HISTORY {
        return Err(SectionError::Senseless("the chat is too long"));
    }
    messages
        .into_iter()
        .map(SavedMessage::into_message)
        .collect()
}
