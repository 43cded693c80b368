//! Dialect: what a bot needs of a protocol, whichever it is.

use super::mind::{BotGoal, Mind};
use super::view::ViewError;
use super::wire::Writer;

/// Others who count as near.
pub(super) const NEAREST: usize = 16;

/// What a message of the server was.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// The bot is in.
    Welcome,
    /// It is not let in.
    Refused(u16, String),
    /// News of where people are; with how long the bot waited for it when any was owed.
    News(Option<u64>),
    /// Somebody said that.
    Line(HeardMessage),
    /// A line was not taken.
    LineRefused,
    /// A move was not taken.
    MoveRejected,
    /// Something else.
    Other,
}

/// Words that were heard.
pub(super) type HeardMessage = Box<str>;

/// Where a bot is at the end, and where it sees others.
#[derive(Debug, Default)]
pub(super) struct Rested {
    /// In the units of the protocol.
    pub(super) own: (i32, i32),
    pub(super) others: Vec<(u32, (i32, i32))>,
    /// How far it must see, across and down; `None` when it sees everybody.
    pub(super) sight: Option<(i32, i32)>,
}

/// One connection's way of speaking. Times are those of `shared`.
pub(super) trait BotProtocol {
    /// Says who it is and where it wants to go.
    fn greet(&mut self, out: &mut Writer, mind: &mut Mind);
    /// Takes a message in.
    fn hear(&mut self, message: &[u8], now: u64) -> Result<Heard, ViewError>;
    /// Does something that was due at that time; how many moves were sent.
    fn act(&mut self, wish: BotGoal, due: u64, out: &mut Writer, mind: &mut Mind) -> u64;
    /// Stands still from now on.
    fn halt(&mut self, out: &mut Writer, mind: &mut Mind);
    /// Says something.
    fn say(&mut self, line: u32, text: String, out: &mut Writer, mind: &mut Mind);
    /// Says goodbye.
    fn leave(&mut self, out: &mut Writer, mind: &mut Mind);
    /// Once a second: chooses whom to follow with its eyes, and measures what it saw a while ago.
    fn look(&mut self, now: u64, mind: &mut Mind);
    /// The tile it stands on.
    fn tile(&self) -> (i32, i32);
    /// What it sees at the end.
    fn rest(&mut self) -> Rested;
}

/// Sorts others by how near they are: the nearest in front; how many of them count as near.
pub(super) fn nearest_first<T>(others: &mut [(i64, T)]) -> usize {
    if others.len() > NEAREST {
        others.select_nth_unstable_by_key(NEAREST - 1, |(distance, _)| *distance);
    }
    others.len().min(NEAREST)
}

/// The square of how far two places are apart.
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
