//! Turns: a bounded queue that is fair between networks and between accounts, for work that only a
//! few may do at once.
//!
//! Start-time fair queueing: each network and each account has its own clock, which advances with
//! each request. A newcomer's clock starts at the present, so one sign-in is next after at most one
//! turn of each other party, no matter how long the queue is.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::net::address::AddressKey;

/// Most waiters in all. A hash takes some 20 ms, so the last of them waits for some 10 s.
const MOST: usize = 1024;
/// Most waiters of one network, unless the queue has a bound of its own.
const MOST_OF_NETWORK: usize = 128;
/// Number of clocks at which unused ones are removed.
const CLEAN_AT: usize = 4096;

/// Who asks for a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asker {
    /// Network of the request, as limits count it.
    pub network: Option<AddressKey>,
    /// Hash of the account's name.
    pub account: u64,
    /// Whether a user signed in to that account from that network before.
    pub is_known: bool,
}

/// The queue is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crowded;

/// The queue.
pub struct Turns {
    most_at_work: usize,
    most_of_network: usize,
    state: Mutex<TurnState>,
}

/// The right to work. Dropping it passes the turn to the next waiter.
pub struct WorkPermit(Option<Arc<Turns>>);

#[derive(Default)]
struct TurnState {
    at_work: usize,
    arrivals: u64,
    /// Clock of the waiter who was served last.
    present: u64,
    clocks: HashMap<Party, u64>,
    waiting: BTreeMap<(u64, u64), TurnWaiter>,
}

struct TurnWaiter {
    network: Option<AddressKey>,
    is_known: bool,
    call: oneshot::Sender<WorkPermit>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Party {
    Account(u64),
    Network(Option<AddressKey>),
    /// Those who signed in before do not wait behind strangers of their network or at their
    /// account.
    Known(u64, Option<AddressKey>),
}

impl Turns {
    /// A queue in which `most_at_work` work at the same time.
    pub fn new(most_at_work: usize) -> Arc<Self> {
        Self::bounded(most_at_work, MOST_OF_NETWORK)
    }

    /// As [`new`](Self::new), with at most `most_of_network` waiters of one network.
    pub fn bounded(most_at_work: usize, most_of_network: usize) -> Arc<Self> {
        Arc::new(Self {
            most_at_work,
            most_of_network,
            state: Mutex::default(),
        })
    }

    /// Waits for a turn.
    pub async fn wait(self: &Arc<Self>, asker: Asker) -> Result<WorkPermit, Crowded> {
        let called = {
            let mut state = self.state.lock();
            let clock = state.advance(asker);
            if state.at_work < self.most_at_work {
                state.at_work += 1;
                return Ok(WorkPermit(Some(Arc::clone(self))));
            }
            state.line_up(clock, asker, self.most_of_network)?
        };
        called.await.map_err(|_| Crowded)
    }

    /// Passes a turn that ended to the next waiter that is still there.
    fn pass_on(self: Arc<Self>) {
        loop {
            let next = {
                let mut state = self.state.lock();
                let Some(((clock, _), next)) = state.waiting.pop_first() else {
                    state.at_work -= 1;
                    return;
                };
                state.present = state.present.max(clock);
                next
            };
            match next.call.send(WorkPermit(Some(Arc::clone(&self)))) {
                Ok(()) => return,
                // This waiter is gone and did not take the turn.
                Err(mut turn) => drop(turn.0.take()),
            }
        }
    }

    #[cfg(test)]
    pub fn waiting(&self) -> usize {
        self.state.lock().waiting.len()
    }

    #[cfg(test)]
    pub fn is_free(&self) -> bool {
        self.state.lock().at_work < self.most_at_work
    }
}

impl TurnState {
    /// Advances the clocks of the asker; returns the start time of their turn.
    fn advance(&mut self, asker: Asker) -> u64 {
        if self.clocks.len() > CLEAN_AT {
            let present = self.present;
            self.clocks.retain(|_, clock| *clock > present);
        }
        let parties = if asker.is_known {
            [Party::Known(asker.account, asker.network); 2]
        } else {
            [Party::Network(asker.network), Party::Account(asker.account)]
        };
        let clocks = parties.iter().filter_map(|party| self.clocks.get(party));
        let clock = clocks.copied().fold(self.present, u64::max) + 1;
        self.clocks.extend(parties.map(|party| (party, clock)));
        clock
    }

    /// Waiters of the asker's network. Strangers do not take the places of known ones.
    fn of_network(&self, asker: Asker) -> usize {
        let class = (asker.network, asker.is_known);
        let waiting = self.waiting.values();
        waiting
            .filter(|other| (other.network, other.is_known) == class)
            .count()
    }

    fn line_up(
        &mut self,
        clock: u64,
        asker: Asker,
        most_of_network: usize,
    ) -> Result<oneshot::Receiver<WorkPermit>, Crowded> {
        if self.of_network(asker) >= most_of_network || self.waiting.len() >= MOST {
            self.waiting.retain(|_, other| !other.call.is_closed());
            if self.of_network(asker) >= most_of_network {
                return Err(Crowded);
            }
        }
        self.arrivals += 1;
        let (call, called) = oneshot::channel();
        let waiter = TurnWaiter {
            network: asker.network,
            is_known: asker.is_known,
            call,
        };
        self.waiting.insert((clock, self.arrivals), waiter);
        if self.waiting.len() > MOST {
            // The waiter whose clock is furthest ahead is dropped; it may be this one.
            self.waiting.pop_last();
        }
        Ok(called)
    }
}

impl Drop for WorkPermit {
    fn drop(&mut self) {
        if let Some(turns) = self.0.take() {
            turns.pass_on();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use futures_util::FutureExt;
    use futures_util::future::BoxFuture;

    use super::*;

    fn asker(network: u8, account: u64) -> Asker {
        Asker {
            network: Some(AddressKey::of(IpAddr::from([10, 0, 0, network]))),
            account,
            is_known: false,
        }
    }

    type Called = BoxFuture<'static, Result<WorkPermit, Crowded>>;

    /// Asks for a turn; returns the waiter, unless the turn begins at once.
    fn ask(turns: &Arc<Turns>, asker: Asker) -> Called {
        let turns = Arc::clone(turns);
        let mut called = async move { turns.wait(asker).await }.boxed();
        match (&mut called).now_or_never() {
            Some(turn) => async { turn }.boxed(),
            None => called,
        }
    }

    /// Number of turns that end before that waiter has its turn.
    fn turns_until(others: Vec<Called>, working: WorkPermit, mut mine: Called) -> usize {
        let mut others: Vec<Option<Called>> = others.into_iter().map(Some).collect();
        let mut working = Some(working);
        for ended in 0.. {
            if (&mut mine).now_or_never().is_some() {
                return ended;
            }
            drop(working.take());
            for other in &mut others {
                if let Some(turn) = other.as_mut().and_then(FutureExt::now_or_never) {
                    *other = None;
                    working = turn.ok();
                }
                if working.is_some() {
                    break;
                }
            }
        }
        unreachable!("turns end")
    }

    #[test]
    fn an_honest_sign_in_does_not_wait_behind_three_hundred_guesses() {
        type Guess = fn(usize) -> Asker;
        let from_one_network: Guess = |number| asker(1, number as u64);
        let at_one_account: Guess = |number| Asker {
            network: Some(AddressKey::of(IpAddr::from([
                10,
                1,
                (number / 250) as u8,
                (number % 250) as u8,
            ]))),
            ..asker(0, 7)
        };
        for guess in [from_one_network, at_one_account] {
            let turns = Turns::new(1);
            let working = ask(&turns, guess(0)).now_or_never().unwrap().ok().unwrap();
            let guesses: Vec<_> = (1..300).map(|number| ask(&turns, guess(number))).collect();
            let honest = ask(&turns, asker(9, 9_999));
            let ended = turns_until(guesses, working, honest);
            assert!(ended <= 3, "{ended} turns ended first");
        }
    }

    #[test]
    fn a_known_network_does_not_wait_behind_guesses_at_the_same_account() {
        let turns = Turns::new(1);
        let working = ask(&turns, asker(1, 7))
            .now_or_never()
            .unwrap()
            .ok()
            .unwrap();
        let guesses: Vec<_> = (0..200)
            .map(|number| ask(&turns, asker(number, 7)))
            .collect();
        let owner = Asker {
            is_known: true,
            ..asker(1, 7)
        };
        assert!(turns_until(guesses, working, ask(&turns, owner)) <= 3);
    }

    #[test]
    fn the_queue_is_bounded_for_each_network_and_in_all() {
        let turns = Turns::new(1);
        let _working = ask(&turns, asker(1, 0))
            .now_or_never()
            .unwrap()
            .ok()
            .unwrap();
        let mut here: Vec<_> = (0..=MOST_OF_NETWORK as u64)
            .map(|number| ask(&turns, asker(1, number)))
            .collect();
        assert_eq!(
            here.pop().unwrap().now_or_never().unwrap().err(),
            Some(Crowded)
        );
        let known = Asker {
            is_known: true,
            ..asker(1, 9_999)
        };
        let mut known = ask(&turns, known);
        assert!((&mut known).now_or_never().is_none(), "it waits");
        let others =
            (0..2 * MOST).map(|number| ask(&turns, asker((number % 200) as u8 + 2, number as u64)));
        let others: Vec<_> = others.collect();
        assert_eq!(turns.waiting(), MOST);
        // The waiters of the crowded network were dropped first.
        assert!(here.into_iter().filter_map(FutureExt::now_or_never).count() > 0);
        drop(others);
    }

    #[test]
    fn a_waiter_who_goes_away_does_not_hold_up_the_next() {
        let turns = Turns::new(1);
        let working = ask(&turns, asker(1, 1))
            .now_or_never()
            .unwrap()
            .ok()
            .unwrap();
        drop(ask(&turns, asker(2, 2)));
        let third = ask(&turns, asker(3, 3));
        drop(working);
        let third = third.now_or_never().unwrap().ok().unwrap();
        drop(third);
        assert!(
            ask(&turns, asker(4, 4)).now_or_never().unwrap().is_ok(),
            "the place is free"
        );
    }
}
