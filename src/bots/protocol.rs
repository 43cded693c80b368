//! What a bot needs of a protocol, for the binary and the JSON one alike.

use super::decode_error::ViewError;
use super::mind::{BotGoal, Mind};
use super::wire::Writer;

/// How many of the nearest players count as near.
pub(super) const NEAREST: usize = 16;

/// What a message of the server was.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// The bot has joined.
    Welcome,
    /// The bot was refused.
    Refused(u16, String),
    /// An update of positions; with the time the bot waited for it, when one was due.
    News(Option<u64>),
    /// A chat message.
    Chat(HeardMessage),
    /// A chat message of the bot was refused.
    ChatRefused,
    /// A move was rejected.
    MoveRejected,
    /// Any other message.
    Other,
}

/// Text of a chat message.
pub(super) type HeardMessage = Box<str>;

/// Where a bot is at the end, and where it sees others.
#[derive(Debug, Default)]
pub(super) struct Rested {
    /// Its own position, in the units of the protocol.
    pub(super) own: (i32, i32),
    pub(super) others: Vec<(u32, (i32, i32))>,
    /// How far it must see, as half the width and height of its view; `None` when it sees everyone.
    pub(super) sight: Option<(i32, i32)>,
}

/// One connection in a protocol. Times are those of `Shared`.
pub(super) trait BotProtocol {
    /// Joins the space.
    fn greet(&mut self, out: &mut Writer, mind: &mut Mind);
    /// Handles a message.
    fn hear(&mut self, message: &[u8], now: u64) -> Result<Heard, ViewError>;
    /// Performs an action that was due at that time; returns the number of moves sent.
    fn act(&mut self, goal: BotGoal, due: u64, out: &mut Writer, mind: &mut Mind) -> u64;
    /// Stops moving.
    fn halt(&mut self, out: &mut Writer, mind: &mut Mind);
    /// Sends a chat message.
    fn say(&mut self, number: u32, text: String, out: &mut Writer, mind: &mut Mind);
    /// Says goodbye.
    fn leave(&mut self, out: &mut Writer, mind: &mut Mind);
    /// Once a second: chooses the players to follow, and measures earlier sightings.
    fn measure(&mut self, now: u64, mind: &mut Mind);
    /// The tile the bot is on.
    fn tile(&self) -> (i32, i32);
    /// What the bot sees at the end.
    fn rest(&mut self) -> Rested;
}

/// Sorts players by distance, the nearest first; returns how many of them count as near.
pub(super) fn nearest_first<T>(others: &mut [(i64, T)]) -> usize {
    if others.len() > NEAREST {
        others.select_nth_unstable_by_key(NEAREST - 1, |(distance, _)| *distance);
    }
    others.len().min(NEAREST)
}

/// The square of the distance between two positions.
pub(super) fn distance(a: (i32, i32), b: (i32, i32)) -> i64 {
    let (x, y) = (i64::from(a.0 - b.0), i64::from(a.1 - b.1));
    x * x + y * y
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sixteen_nearest_come_first() {
        let mut others: Vec<(i64, i64)> = (0..100).rev().map(|far| (far, far)).collect();
        assert_eq!(nearest_first(&mut others), 16);
        assert!(others[..16].iter().all(|(far, _)| *far < 16));
        assert_eq!(nearest_first(&mut others[..3]), 3);
    }
}
