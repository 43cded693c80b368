//! Intake: the commands of the coming tick. Texts and signals are limited in bytes per tick: in
//! total, per sender, and per receiver of signals. What exceeds a limit waits for the next ticks,
//! in order, so that the output of one tick always fits into the clients' send queues.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::components::call::CallCommand;
use crate::components::chat::{ChatCommand, MessageChange};
use crate::components::command::Command;
use crate::components::id::{PlayerId, UserId};
use crate::components::player::PlayerRef;
use crate::components::presence::PresenceCommand;

/// Most bytes of texts and signals that may wait for one space.
pub(super) const WAITING_BYTES: usize = 2 * 1024 * 1024;

/// Most bytes of texts and signals per tick.
const TICK_BYTES: usize = 128 * 1024;

/// Most bytes of texts and signals per tick from one sender, and for one receiver. A single larger
/// command is let through.
const SENDER_BYTES: usize = 32 * 1024;
const RECEIVER_BYTES: usize = 64 * 1024;

/// Sender whose commands keep their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Sender {
    Player(PlayerId),
    /// All users who change messages over HTTP.
    Outside,
}

/// Receiver of a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Receiver {
    Player(PlayerId),
    User(UserId),
}

/// Commands that wait for their tick.
#[derive(Debug, Default)]
pub(super) struct Intake {
    waiting: VecDeque<Command>,
    /// Whether the next tick is the last one, which takes everything.
    is_last: bool,
}

impl Intake {
    /// Whether no command waits.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Marks the next tick as the last one.
    pub(super) const fn finish(&mut self) {
        self.is_last = true;
    }

    /// Moves commands into the batch of the next tick: first those that wait, then new ones, up to
    /// the limits. Returns the bytes of texts and signals among them.
    pub(super) fn take(
        &mut self,
        arrived: impl Iterator<Item = Command>,
        batch: &mut Vec<Command>,
    ) -> usize {
        let waiting = std::mem::take(&mut self.waiting).into_iter();
        if self.is_last {
            let first = batch.len();
            batch.extend(waiting.chain(arrived));
            return batch[first..].iter().map(weight).sum();
        }
        let mut tally = TickLoad::default();
        // Usually no command waits.
        for command in waiting.chain(arrived) {
            if tally.admits(&command) {
                batch.push(command);
            } else {
                self.waiting.push_back(command);
            }
        }
        tally.all
    }
}

/// Bytes that the batch has taken so far.
#[derive(Default)]
struct TickLoad {
    all: usize,
    senders: BTreeMap<Sender, usize>,
    receivers: BTreeMap<Receiver, usize>,
    /// Senders with a command that waits. Their later commands wait, too.
    waiting: BTreeSet<Sender>,
}

impl TickLoad {
    fn admits(&mut self, command: &Command) -> bool {
        let bytes = weight(command);
        let sender = sender(command);
        if bytes == 0 {
            // Messages sent before leaving are delivered before the player leaves.
            return sender.is_none_or(|sender| !self.waiting.contains(&sender));
        }
        let sender = sender.unwrap_or(Sender::Outside);
        let fits = |spent: usize, most: usize| spent == 0 || spent + bytes <= most;
        let sent = self.senders.get(&sender).copied().unwrap_or_default();
        let receiver = receiver(command);
        let before = receiver.and_then(|receiver| self.receivers.get(&receiver).copied());
        let is_in_time = !self.waiting.contains(&sender)
            && fits(self.all, TICK_BYTES)
            && fits(sent, SENDER_BYTES)
            && fits(before.unwrap_or_default(), RECEIVER_BYTES);
        if is_in_time {
            self.all += bytes;
            *self.senders.entry(sender).or_default() += bytes;
            if let Some(receiver) = receiver {
                *self.receivers.entry(receiver).or_default() += bytes;
            }
        } else {
            self.waiting.insert(sender);
        }
        is_in_time
    }
}

/// Bytes of text or signal in a command; 0 for commands that are small.
pub(super) fn weight(command: &Command) -> usize {
    match load(command) {
        CommandLoad::Text(_, text) => text.map_or(0, str::len),
        CommandLoad::Signal(_, _, body) => body.len(),
        CommandLoad::Ordered(_) | CommandLoad::Small => 0,
    }
}

const fn sender(command: &Command) -> Option<Sender> {
    match load(command) {
        CommandLoad::Text(sender, _)
        | CommandLoad::Signal(sender, ..)
        | CommandLoad::Ordered(sender) => Some(sender),
        CommandLoad::Small => None,
    }
}

const fn receiver(command: &Command) -> Option<Receiver> {
    match load(command) {
        CommandLoad::Signal(_, receiver, _) => Some(receiver),
        CommandLoad::Text(..) | CommandLoad::Ordered(_) | CommandLoad::Small => None,
    }
}

/// What a command costs others.
enum CommandLoad<'a> {
    /// A text for all clients; `None` for a deletion.
    Text(Sender, Option<&'a str>),
    /// A signal for one client.
    Signal(Sender, Receiver, &'a str),
    /// Small, but in order with the sender's texts.
    Ordered(Sender),
    /// Small, in no order with texts.
    Small,
}

const fn load(command: &Command) -> CommandLoad<'_> {
    match command {
        Command::Chat(command) => chat_load(command),
        Command::Call(CallCommand::Signal { player, to, body }) => {
            let to = match to {
                PlayerRef::Player(player) => Receiver::Player(*player),
                PlayerRef::User(user) => Receiver::User(*user),
            };
            CommandLoad::Signal(Sender::Player(*player), to, body.as_str())
        }
        Command::Presence(PresenceCommand::Leave { player }) => {
            CommandLoad::Ordered(Sender::Player(*player))
        }
        Command::Call(CallCommand::SfuRequest { .. } | CallCommand::SfuReply { .. })
        | Command::Presence(
            PresenceCommand::Join { .. }
            | PresenceCommand::Resume { .. }
            | PresenceCommand::Stay { .. }
            | PresenceCommand::Disconnect { .. }
            | PresenceCommand::Remove { .. }
            | PresenceCommand::ChangeAvatar { .. },
        )
        | Command::Movement(_)
        | Command::Emote(_)
        | Command::Element(_)
        | Command::Status(_)
        | Command::Zone(_)
        | Command::Admit(_)
        | Command::Follow(_)
        | Command::Bubble(_)
        | Command::Proximity(_)
        | Command::Block(_) => CommandLoad::Small,
    }
}

const fn chat_load(command: &ChatCommand) -> CommandLoad<'_> {
    const fn text(change: &MessageChange) -> Option<&str> {
        match &change.text {
            Some(text) => Some(text.as_str()),
            None => None,
        }
    }
    match command {
        ChatCommand::Send { player, speech } => {
            CommandLoad::Text(Sender::Player(*player), Some(speech.text.as_str()))
        }
        ChatCommand::Edit { player, change, .. } => {
            CommandLoad::Text(Sender::Player(*player), text(change))
        }
        ChatCommand::ApplyEdit { change, .. } => CommandLoad::Text(Sender::Outside, text(change)),
        ChatCommand::Clear { .. } => CommandLoad::Ordered(Sender::Outside),
        ChatCommand::React { .. }
        | ChatCommand::Typing { .. }
        | ChatCommand::SetSlowMode { .. } => CommandLoad::Small,
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::components::id::ChatId;

    fn signal(from: u32, to: u32, bytes: usize) -> Command {
        Command::Call(CallCommand::Signal {
            player: PlayerId(from),
            to: PlayerRef::Player(PlayerId(to)),
            body: "x".repeat(bytes),
        })
    }

    fn change(number: u128, bytes: usize) -> Command {
        Command::Chat(ChatCommand::ApplyEdit {
            change: MessageChange {
                id: ChatId(Uuid::from_u128(number)),
                text: Some("x".repeat(bytes)),
                at: 0,
            },
            author: UserId(Uuid::from_u128(1)),
        })
    }

    fn tick(intake: &mut Intake, arrived: Vec<Command>) -> Vec<Command> {
        let mut batch = Vec::new();
        let bytes = intake.take(arrived.into_iter(), &mut batch);
        assert_eq!(bytes, batch.iter().map(weight).sum::<usize>());
        batch
    }

    #[test]
    fn a_tick_limits_one_sender_and_all_commands_arrive_in_order() {
        let mut intake = Intake::default();
        let leave = Command::Presence(PresenceCommand::Leave {
            player: PlayerId(1),
        });
        let mut sent: Vec<_> = (0..12).map(|_| signal(1, 2, 12 * 1024)).collect();
        sent.push(leave);
        let mut taken = tick(&mut intake, sent.clone());
        assert_eq!(taken.len(), 2);
        let other = Command::Presence(PresenceCommand::Leave {
            player: PlayerId(3),
        });
        assert_eq!(
            tick(&mut intake, vec![other.clone()]).last(),
            Some(&other),
            "others do not wait"
        );
        taken.extend([signal(1, 2, 12 * 1024), signal(1, 2, 12 * 1024)]);
        while !intake.is_empty() {
            taken.extend(tick(&mut intake, Vec::new()));
        }
        assert_eq!(taken, sent);
    }

    #[test]
    fn a_tick_limits_one_receiver_and_the_total() {
        let mut intake = Intake::default();
        let to_one = (0..20).map(|from| signal(from, 99, 12 * 1024)).collect();
        assert_eq!(tick(&mut intake, to_one).len(), 5);
        let mut intake = Intake::default();
        let to_all = (0..20)
            .map(|from| signal(from, 100 + from, 12 * 1024))
            .collect();
        assert_eq!(tick(&mut intake, to_all).len(), 10);
    }

    #[test]
    fn messages_changed_over_http_arrive_a_few_per_tick() {
        let mut intake = Intake::default();
        assert_eq!(
            tick(
                &mut intake,
                (0..40).map(|number| change(number, 16_000)).collect()
            )
            .len(),
            2
        );
        intake.finish();
        let rest = tick(&mut intake, vec![change(40, 1)]);
        assert_eq!((rest.len(), intake.is_empty()), (39, true));
    }

    #[test]
    fn a_single_large_command_is_let_through() {
        assert_eq!(
            tick(&mut Intake::default(), vec![change(1, TICK_BYTES * 2)]).len(),
            1
        );
    }
}
