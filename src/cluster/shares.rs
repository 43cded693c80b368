//! Shares: who may open one more space under `--max-open-spaces`, and which empty ones are unloaded
//! for it. `room` carries that out.
//!
//! A space counts for the user who opened it, and for the address they came from, while players are
//! connected to it. The last tenth is for users and addresses without any. Of the rest, an address
//! may open one more while it holds fewer than are free, a user while four times theirs are free:
//! one address alone gets half, the next half of what is left, and so on. The same holds for the
//! tiles of the spaces, as their number says little about their memory.

use std::collections::HashMap;

use crate::components::id::{SpaceId, UserId};
use crate::host::monotonic::MonotonicTime;
use crate::net::address::AddressKey;

/// Free spaces that each space of an address, or of a user, needs for one more.
const FREE_PER_ADDRESS: usize = 1;
const FREE_PER_USER: usize = 4;

/// Divisor of the limit for what is left to users and addresses without any open space.
const LAST: usize = 10;

/// Most tiles of all spaces that are open. Each takes some 10 bytes.
const MOST_TILES: usize = 50_000_000;

/// Spaces with players that are always admitted, however many tiles they have.
const ALWAYS: usize = 50;

/// A user who opens a space, and the address they come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opener {
    /// The user.
    pub user: UserId,
    /// The address; `None` if it is unknown.
    pub address: Option<AddressKey>,
}

impl Opener {
    /// The address, unless it is this machine, which has no limits.
    fn counted_address(self) -> Option<AddressKey> {
        self.address.filter(|address| !address.is_loopback())
    }
}

/// Why a space cannot be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoRoom {
    /// This process has reached its limit of open spaces.
    #[error("{0} spaces are open, which is the limit (--max-open-spaces)")]
    Full(usize),
    /// The open spaces of this process have as many tiles as they may.
    #[error("the open spaces have {0} tiles in all, which is the limit")]
    FullOfTiles(usize),
    /// The user has as many spaces open here as one may have.
    #[error("user {0} has too many spaces open (--max-open-spaces)")]
    UserShare(UserId),
    /// The address has as many spaces open here as one may have.
    #[error("address {0} has too many spaces open (--max-open-spaces)")]
    AddressShare(AddressKey),
}

/// Who opened the spaces that are open or being opened.
pub(super) type Openers = HashMap<SpaceId, OpenerEntry>;

pub(super) struct OpenerEntry {
    pub by: Opener,
    pub tiles: usize,
    /// Whether the space is not open yet.
    pub is_opening: bool,
}

/// A space that takes a place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Occupant {
    pub space: SpaceId,
    pub by: Option<Opener>,
    pub tiles: usize,
    /// Since when no player has been connected; `None` while it is used.
    pub empty_since: Option<MonotonicTime>,
}

/// A quantity of which a process has so much.
struct Quantity {
    most: usize,
    /// How much of it a space takes.
    of: fn(&Occupant) -> usize,
    full: fn(usize) -> NoRoom,
}

const SPACES: fn(&Occupant) -> usize = |_| 1;
const TILES: fn(&Occupant) -> usize = |occupant| occupant.tiles;

/// The empty spaces to unload for one more space of `by` with that many tiles, those first that
/// were empty for longest.
pub(super) fn room(
    most: usize,
    occupants: &[Occupant],
    by: Opener,
    tiles: usize,
) -> Result<Vec<SpaceId>, NoRoom> {
    let used = occupants.iter().filter(|one| one.empty_since.is_none());
    let used: Vec<&Occupant> = used.collect();
    let full = NoRoom::Full;
    check(
        &used,
        by,
        1,
        &Quantity {
            most,
            of: SPACES,
            full,
        },
    )?;
    if used.len() >= ALWAYS {
        let shared = Quantity {
            most: MOST_TILES,
            of: TILES,
            full: NoRoom::FullOfTiles,
        };
        check(&used, by, tiles, &shared)?;
    }
    let mut empty: Vec<(MonotonicTime, SpaceId, usize)> = occupants
        .iter()
        .filter_map(|one| Some((one.empty_since?, one.space, one.tiles)))
        .collect();
    empty.sort_unstable();
    let mut spaces = occupants.len() + 1;
    let mut tiles = occupants.iter().map(TILES).sum::<usize>() + tiles;
    let mut unloaded = Vec::new();
    for (_, space, its_tiles) in empty {
        if spaces <= most && tiles <= MOST_TILES {
            break;
        }
        spaces -= 1;
        tiles -= its_tiles;
        unloaded.push(space);
    }
    Ok(unloaded)
}

/// Whether `by` may have that much more of what is shared.
fn check(used: &[&Occupant], by: Opener, more: usize, shared: &Quantity) -> Result<(), NoRoom> {
    let held = |is_counted: &dyn Fn(Option<Opener>) -> bool| {
        let counted = used.iter().filter(|one| is_counted(one.by));
        counted.map(|one| (shared.of)(one)).sum::<usize>()
    };
    let free = shared.most.saturating_sub(held(&|_| true));
    if free < more {
        return Err((shared.full)(shared.most));
    }
    let is_over = |held: usize, each: usize| held > 0 && held * each + shared.most / LAST >= free;
    let is_of_user = |one: Option<Opener>| one.is_some_and(|opener| opener.user == by.user);
    if is_over(held(&is_of_user), FREE_PER_USER) {
        return Err(NoRoom::UserShare(by.user));
    }
    if let Some(address) = by.counted_address() {
        let is_of_address =
            |one: Option<Opener>| one.is_some_and(|opener| opener.address == Some(address));
        if is_over(held(&is_of_address), FREE_PER_ADDRESS) {
            return Err(NoRoom::AddressShare(address));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use uuid::Uuid;

    use super::*;

    const MOST: usize = 100;

    fn opener(user: u128, network: u8) -> Opener {
        Opener {
            user: UserId(Uuid::from_u128(user)),
            address: Some(AddressKey::of(IpAddr::from([10, 0, 0, network]))),
        }
    }

    fn occupant(number: u128, by: Opener, empty_since: Option<u64>) -> Occupant {
        Occupant {
            space: SpaceId(Uuid::from_u128(number)),
            by: Some(by),
            tiles: 1,
            empty_since: empty_since.map(MonotonicTime),
        }
    }

    /// Opens spaces, in which a player stays, until it is refused; returns how many were opened.
    fn fill(occupants: &mut Vec<Occupant>, by: impl Fn(u128) -> Opener) -> usize {
        let before = occupants.len();
        loop {
            let number = occupants.len() as u128;
            if room(MOST, occupants, by(number), 1).is_err() {
                return occupants.len() - before;
            }
            occupants.push(occupant(number, by(number), None));
        }
    }

    #[test]
    fn one_user_and_one_address_leave_room_for_others() {
        let mut occupants = Vec::new();
        assert_eq!(fill(&mut occupants, |_| opener(1, 1)), 18);
        assert!(matches!(
            room(MOST, &occupants, opener(1, 2), 1),
            Err(NoRoom::UserShare(_))
        ));
        assert_eq!(fill(&mut occupants, |number| opener(number, 1)), 27);
        assert!(matches!(
            room(MOST, &occupants, opener(2_000, 1), 1),
            Err(NoRoom::AddressShare(_))
        ));
        // From here on each address gets the last of the rest, or one.
        let others = (2..12).map(|network| fill(&mut occupants, |number| opener(number, network)));
        assert_eq!(others.collect::<Vec<_>>(), [23, 11, 6, 3, 1, 1, 1, 1, 1, 1]);
        assert!(room(MOST, &occupants, opener(2_000, 200), 1).is_ok());
    }

    #[test]
    fn this_machine_has_no_share_but_the_limit() {
        let mut occupants = Vec::new();
        let local = |number| Opener {
            address: Some(AddressKey::of(IpAddr::from([127, 0, 0, 1]))),
            ..opener(number, 1)
        };
        assert_eq!(fill(&mut occupants, local), MOST);
        assert!(matches!(
            room(MOST, &occupants, opener(2_000, 200), 1),
            Err(NoRoom::Full(MOST))
        ));
    }

    #[test]
    fn the_space_that_was_empty_for_longest_makes_room() {
        let by = opener(1, 1);
        let occupants = [
            occupant(1, by, Some(7)),
            occupant(2, by, None),
            occupant(3, by, Some(5)),
            occupant(4, by, Some(6)),
        ];
        let unloaded = |most| {
            let unloaded = room(most, &occupants, opener(2, 2), 1).unwrap();
            unloaded
                .iter()
                .map(|space| space.0.as_u128())
                .collect::<Vec<_>>()
        };
        assert_eq!(unloaded(5), []);
        assert_eq!(unloaded(4), [3]);
        assert_eq!(unloaded(3), [3, 4]);
    }

    fn many(spaces: u128, tiles: usize, empty_since: Option<u64>) -> Vec<Occupant> {
        let all = (0..spaces).map(|number| Occupant {
            tiles,
            ..occupant(number, opener(number, number as u8), empty_since)
        });
        all.collect()
    }

    #[test]
    fn empty_spaces_are_unloaded_when_all_have_too_many_tiles() {
        let empty = many(200, 250_000, Some(5));
        assert_eq!(
            room(2_000, &empty[..199], opener(1, 1), 250_000),
            Ok(vec![])
        );
        let unloaded = room(2_000, &empty, opener(1, 1), 500_000).unwrap();
        assert_eq!(unloaded, [empty[0].space, empty[1].space]);
    }

    #[test]
    fn tiles_refuse_nobody_while_few_spaces_are_used() {
        let used = many(ALWAYS as u128, 1_000_000, None);
        let one_more = |used: &[Occupant]| room(2_000, used, opener(1_000, 200), 1_000_000);
        assert_eq!(one_more(&used), Err(NoRoom::FullOfTiles(MOST_TILES)));
        assert_eq!(one_more(&used[1..]), Ok(vec![]));
        let empty = many(1, 9, Some(5));
        let unloaded = one_more(&[&used[1..], &empty].concat());
        assert_eq!(unloaded, Ok(vec![empty[0].space]));
    }

    #[test]
    fn one_address_leaves_tiles_for_others() {
        let mut used = many(200, 1, None);
        for (number, one) in (0..).zip(&mut used[..100]) {
            one.by = Some(opener(number, 1));
            one.tiles = 250_000;
        }
        assert!(matches!(
            room(2_000, &used, opener(2_000, 1), 250_000),
            Err(NoRoom::AddressShare(_))
        ));
        assert_eq!(room(2_000, &used, opener(2_000, 201), 250_000), Ok(vec![]));
    }
}
