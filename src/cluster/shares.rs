//! Shares: who may open one more space under `--max-open-spaces`, and which empty ones are unloaded
//! for it. `room` carries that out.
//!
//! A space counts for the user who opened it, and for the address they came from, while players are
//! connected to it. The last tenth is for users and addresses without any. Of the rest, an address
//! may open one more while it holds fewer than are free, a user while four times theirs are free:
//! one address alone gets half, the next half of what is left, and so on.

use std::collections::HashMap;

use crate::components::id::{SpaceId, UserId};
use crate::host::monotonic::MonotonicTime;
use crate::net::address::AddressKey;

/// Free spaces that each space of an address, or of a user, needs for one more.
const FREE_PER_ADDRESS: usize = 1;
const FREE_PER_USER: usize = 4;

/// Divisor of the limit for what is left to users and addresses without any open space.
const LAST: usize = 10;

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
    /// Whether the space is not open yet.
    pub is_opening: bool,
}

/// A space that takes a place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Occupant {
    pub space: SpaceId,
    pub by: Option<Opener>,
    /// Since when no player has been connected; `None` while it is used.
    pub empty_since: Option<MonotonicTime>,
}

/// The empty spaces to unload for one more space of `by`, those first that were empty for longest.
pub(super) fn room(
    most: usize,
    occupants: &[Occupant],
    by: Opener,
) -> Result<Vec<SpaceId>, NoRoom> {
    let used = || occupants.iter().filter(|one| one.empty_since.is_none());
    let free = most.saturating_sub(used().count());
    if free == 0 {
        return Err(NoRoom::Full(most));
    }
    let openers = || used().filter_map(|one| one.by);
    let is_over = |held: usize, each: usize| held > 0 && held * each + most / LAST >= free;
    let of_user = openers().filter(|opener| opener.user == by.user);
    if is_over(of_user.count(), FREE_PER_USER) {
        return Err(NoRoom::UserShare(by.user));
    }
    if let Some(address) = by.counted_address() {
        let of_address = openers().filter(|opener| opener.address == Some(address));
        if is_over(of_address.count(), FREE_PER_ADDRESS) {
            return Err(NoRoom::AddressShare(address));
        }
    }
    let mut empty: Vec<(MonotonicTime, SpaceId)> = occupants
        .iter()
        .filter_map(|one| Some((one.empty_since?, one.space)))
        .collect();
    empty.sort_unstable();
    let excess = (occupants.len() + 1).saturating_sub(most);
    Ok(empty
        .into_iter()
        .take(excess)
        .map(|(_, space)| space)
        .collect())
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
            empty_since: empty_since.map(MonotonicTime),
        }
    }

    /// Opens spaces, in which a player stays, until it is refused; returns how many were opened.
    fn fill(occupants: &mut Vec<Occupant>, by: impl Fn(u128) -> Opener) -> usize {
        let before = occupants.len();
        loop {
            let number = occupants.len() as u128;
            if room(MOST, occupants, by(number)).is_err() {
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
            room(MOST, &occupants, opener(1, 2)),
            Err(NoRoom::UserShare(_))
        ));
        assert_eq!(fill(&mut occupants, |number| opener(number, 1)), 27);
        assert!(matches!(
            room(MOST, &occupants, opener(2_000, 1)),
            Err(NoRoom::AddressShare(_))
        ));
        // From here on each address gets the last of the rest, or one.
        let others = (2..12).map(|network| fill(&mut occupants, |number| opener(number, network)));
        assert_eq!(others.collect::<Vec<_>>(), [23, 11, 6, 3, 1, 1, 1, 1, 1, 1]);
        assert!(room(MOST, &occupants, opener(2_000, 200)).is_ok());
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
            room(MOST, &occupants, opener(2_000, 200)),
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
            let unloaded = room(most, &occupants, opener(2, 2)).unwrap();
            unloaded
                .iter()
                .map(|space| space.0.as_u128())
                .collect::<Vec<_>>()
        };
        assert_eq!(unloaded(5), []);
        assert_eq!(unloaded(4), [3]);
        assert_eq!(unloaded(3), [3, 4]);
    }
}
