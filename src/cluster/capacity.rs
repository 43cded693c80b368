//! Capacity: who may open one more space under `--max-open-spaces`, and which empty ones are
//! unloaded for it. `admission` carries that out.
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

/// A user who requests a space, and the address they come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Requester {
    /// The user.
    pub user: UserId,
    /// The address; `None` if it is unknown.
    pub address: Option<AddressKey>,
}

impl Requester {
    /// The address, unless it is this machine, which has no limits.
    fn counted_address(self) -> Option<AddressKey> {
        self.address.filter(|address| !address.is_loopback())
    }
}

/// Why a space cannot be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AtCapacity {
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

/// Spaces that players requested, open or being opened.
pub(super) type RequestedSpaces = HashMap<SpaceId, RequestedSpace>;

pub(super) struct RequestedSpace {
    pub by: Requester,
    pub tiles: usize,
    /// Whether the space is not open yet.
    pub is_opening: bool,
}

/// A space that is open or being opened.
#[derive(Debug, Clone, Copy)]
pub(super) struct LoadedSpace {
    pub space: SpaceId,
    pub by: Option<Requester>,
    pub tiles: usize,
    /// Since when no player has been connected; `None` while it is used.
    pub empty_since: Option<MonotonicTime>,
}

/// A quantity of which a process has so much.
struct Quantity {
    most: usize,
    /// How much of it a space takes.
    of: fn(&LoadedSpace) -> usize,
    full: fn(usize) -> AtCapacity,
}

const SPACES: fn(&LoadedSpace) -> usize = |_| 1;
const TILES: fn(&LoadedSpace) -> usize = |loaded| loaded.tiles;

/// The empty spaces to unload for one more space of `by` with that many tiles, those first that
/// were empty for longest.
pub(super) fn to_unload(
    most: usize,
    loaded: &[LoadedSpace],
    by: Requester,
    tiles: usize,
) -> Result<Vec<SpaceId>, AtCapacity> {
    let used = loaded.iter().filter(|one| one.empty_since.is_none());
    let used: Vec<&LoadedSpace> = used.collect();
    let full = AtCapacity::Full;
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
            full: AtCapacity::FullOfTiles,
        };
        check(&used, by, tiles, &shared)?;
    }
    let mut empty: Vec<(MonotonicTime, SpaceId, usize)> = loaded
        .iter()
        .filter_map(|one| Some((one.empty_since?, one.space, one.tiles)))
        .collect();
    empty.sort_unstable();
    let mut spaces = loaded.len() + 1;
    let mut tiles = loaded.iter().map(TILES).sum::<usize>() + tiles;
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
fn check(
    used: &[&LoadedSpace],
    by: Requester,
    more: usize,
    shared: &Quantity,
) -> Result<(), AtCapacity> {
    let held = |is_counted: &dyn Fn(Option<Requester>) -> bool| {
        let counted = used.iter().filter(|one| is_counted(one.by));
        counted.map(|one| (shared.of)(one)).sum::<usize>()
    };
    let free = shared.most.saturating_sub(held(&|_| true));
    if free < more {
        return Err((shared.full)(shared.most));
    }
    let is_over = |held: usize, each: usize| held > 0 && held * each + shared.most / LAST >= free;
    let is_of_user =
        |one: Option<Requester>| one.is_some_and(|requester| requester.user == by.user);
    if is_over(held(&is_of_user), FREE_PER_USER) {
        return Err(AtCapacity::UserShare(by.user));
    }
    if let Some(address) = by.counted_address() {
        let is_of_address = |one: Option<Requester>| {
            one.is_some_and(|requester| requester.address == Some(address))
        };
        if is_over(held(&is_of_address), FREE_PER_ADDRESS) {
            return Err(AtCapacity::AddressShare(address));
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

    fn requester(user: u128, network: u8) -> Requester {
        Requester {
            user: UserId(Uuid::from_u128(user)),
            address: Some(AddressKey::of(IpAddr::from([10, 0, 0, network]))),
        }
    }

    fn space(number: u128, by: Requester, empty_since: Option<u64>) -> LoadedSpace {
        LoadedSpace {
            space: SpaceId(Uuid::from_u128(number)),
            by: Some(by),
            tiles: 1,
            empty_since: empty_since.map(MonotonicTime),
        }
    }

    /// Opens spaces, in which a player stays, until it is refused; returns how many were opened.
    fn fill(loaded: &mut Vec<LoadedSpace>, by: impl Fn(u128) -> Requester) -> usize {
        let before = loaded.len();
        loop {
            let number = loaded.len() as u128;
            if to_unload(MOST, loaded, by(number), 1).is_err() {
                return loaded.len() - before;
            }
            loaded.push(space(number, by(number), None));
        }
    }

    #[test]
    fn one_user_and_one_address_leave_room_for_others() {
        let mut loaded = Vec::new();
        assert_eq!(fill(&mut loaded, |_| requester(1, 1)), 18);
        assert!(matches!(
            to_unload(MOST, &loaded, requester(1, 2), 1),
            Err(AtCapacity::UserShare(_))
        ));
        assert_eq!(fill(&mut loaded, |number| requester(number, 1)), 27);
        assert!(matches!(
            to_unload(MOST, &loaded, requester(2_000, 1), 1),
            Err(AtCapacity::AddressShare(_))
        ));
        // From here on each address gets the last of the rest, or one.
        let others = (2..12).map(|network| fill(&mut loaded, |number| requester(number, network)));
        assert_eq!(others.collect::<Vec<_>>(), [23, 11, 6, 3, 1, 1, 1, 1, 1, 1]);
        assert!(to_unload(MOST, &loaded, requester(2_000, 200), 1).is_ok());
    }

    #[test]
    fn this_machine_has_no_share_but_the_limit() {
        let mut loaded = Vec::new();
        let local = |number| Requester {
            address: Some(AddressKey::of(IpAddr::from([127, 0, 0, 1]))),
            ..requester(number, 1)
        };
        assert_eq!(fill(&mut loaded, local), MOST);
        assert!(matches!(
            to_unload(MOST, &loaded, requester(2_000, 200), 1),
            Err(AtCapacity::Full(MOST))
        ));
    }

    #[test]
    fn the_space_that_was_empty_for_longest_makes_room() {
        let by = requester(1, 1);
        let loaded = [
            space(1, by, Some(7)),
            space(2, by, None),
            space(3, by, Some(5)),
            space(4, by, Some(6)),
        ];
        let unloaded = |most| {
            let unloaded = to_unload(most, &loaded, requester(2, 2), 1).unwrap();
            unloaded
                .iter()
                .map(|space| space.0.as_u128())
                .collect::<Vec<_>>()
        };
        assert_eq!(unloaded(5), []);
        assert_eq!(unloaded(4), [3]);
        assert_eq!(unloaded(3), [3, 4]);
    }

    fn many(spaces: u128, tiles: usize, empty_since: Option<u64>) -> Vec<LoadedSpace> {
        let all = (0..spaces).map(|number| LoadedSpace {
            tiles,
            ..space(number, requester(number, number as u8), empty_since)
        });
        all.collect()
    }

    #[test]
    fn empty_spaces_are_unloaded_when_all_have_too_many_tiles() {
        let empty = many(200, 250_000, Some(5));
        assert_eq!(
            to_unload(2_000, &empty[..199], requester(1, 1), 250_000),
            Ok(vec![])
        );
        let unloaded = to_unload(2_000, &empty, requester(1, 1), 500_000).unwrap();
        assert_eq!(unloaded, [empty[0].space, empty[1].space]);
    }

    #[test]
    fn tiles_refuse_nobody_while_few_spaces_are_used() {
        let used = many(ALWAYS as u128, 1_000_000, None);
        let one_more =
            |used: &[LoadedSpace]| to_unload(2_000, used, requester(1_000, 200), 1_000_000);
        assert_eq!(one_more(&used), Err(AtCapacity::FullOfTiles(MOST_TILES)));
        assert_eq!(one_more(&used[1..]), Ok(vec![]));
        let empty = many(1, 9, Some(5));
        let unloaded = one_more(&[&used[1..], &empty].concat());
        assert_eq!(unloaded, Ok(vec![empty[0].space]));
    }

    #[test]
    fn one_address_leaves_tiles_for_others() {
        let mut used = many(200, 1, None);
        for (number, one) in (0..).zip(&mut used[..100]) {
            one.by = Some(requester(number, 1));
            one.tiles = 250_000;
        }
        assert!(matches!(
            to_unload(2_000, &used, requester(2_000, 1), 250_000),
            Err(AtCapacity::AddressShare(_))
        ));
        assert_eq!(
            to_unload(2_000, &used, requester(2_000, 201), 250_000),
            Ok(vec![])
        );
    }
}
