//! Moving: hands spaces over to other processes while players are in them: on an operator's order,
//! when this process drains, and when it is much busier than the others.
//!
//! The space ticks until all accepted commands are applied, is saved and released, and the other
//! process loads it from the saved state. Followers see it pause, and are told to look for it again
//! when the other process has it.

use std::time::Duration;

use futures_util::StreamExt;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::census::{COUNT_EVERY, Census, NodeCensus, RunningSpace};
use super::node::{Node, NodeId};
use super::shared::{Moving, Spaces, SpacesState};
use crate::components::id::SpaceId;
use crate::host::monotonic::MonotonicTime;
use crate::host::{Ending, SpaceUpdate, balance};

/// Spaces handed over at the same time. More would only wait for the same database.
const AT_ONCE: usize = 4;

/// Time limit for a stopping process to hand over its spaces.
const LEAVE_WITHIN: Duration = Duration::from_secs(30);

/// How soon a draining process checks for remaining spaces again.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// Above this share of the median load, in percent, a process hands spaces over by itself...
const UNEVEN_PERCENT: u64 = 125;

/// ...after this time, which is longer than a burst of load.
const UNEVEN_FOR: Duration = Duration::from_secs(10);

/// Least cost of a space when a process is chosen for it, in nanoseconds per second: an idle space
/// still has a cost.
const LEAST_COST: u64 = 100_000;

impl SpacesState {
    /// The process to which a space is being handed over.
    pub(super) fn destination(&self, space: SpaceId) -> Option<Box<Node>> {
        let moving = self.moving.lock();
        moving.get(&space).map(|moving| Box::new(moving.to.clone()))
    }

    /// Stores the followers of a space that is being handed over.
    pub(super) fn hold(&self, space: SpaceId, followers: Vec<mpsc::Sender<SpaceUpdate>>) {
        if let Some(moving) = self.moving.lock().get_mut(&space) {
            moving.followers = followers;
        }
    }

    /// Called when a space was released: the other process takes it, and its followers are told.
    pub(super) async fn handed_over(&self, space: SpaceId, to: &Node) {
        if let Some(links) = &self.links
            && let Err(error) = links.open(&to.link, space).await
        {
            let node = &to.member.node;
            tracing::warn!(%space, %node, %error, "the other process did not take a space; \
                it is taken when it is needed");
        }
        let Some(moving) = self.moving.lock().remove(&space) else {
            return;
        };
        for follower in moving.followers {
            // A full channel is dropped with its sender, and its receiver treats that alike.
            let _ = follower.try_send(SpaceUpdate::Ended(Ending::Moved));
        }
        let took = MonotonicTime::now().since(moving.began);
        metrics::histogram!("plaza_move_seconds").record(took.as_secs_f64());
        tracing::info!(%space, to = %to.member.node, ?took, "a space moved to another process");
        self.endings.send_modify(|count| *count += 1);
    }
}

impl Spaces {
    pub(super) fn is_moving(&self, space: SpaceId) -> bool {
        self.0.moving.lock().contains_key(&space)
    }

    /// Whether this process hands over its spaces and takes no new ones.
    pub fn is_draining(&self) -> bool {
        self.0.node().is_draining
    }

    /// Hands a space that runs here to the named process, and waits until it is there.
    pub(super) async fn move_to(&self, space: SpaceId, to: &NodeId) {
        let Ok(census) = self.0.directory.census().await else {
            return;
        };
        if let Some(other) = census.node(to) {
            self.hand_over(space, other.node.clone()).await;
        }
    }

    async fn hand_over(&self, space: SpaceId, to: Node) {
        if to.member.node == self.0.node().member.node {
            return;
        }
        let Some((handle, _)) = self.opened(space) else {
            return;
        };
        let mut endings = self.0.endings.subscribe();
        let moving = Moving {
            to,
            began: MonotonicTime::now(),
            followers: Vec::new(),
        };
        let is_new = self.0.moving.lock().insert(space, moving).is_none();
        if is_new {
            handle.close(Ending::Leaves);
        }
        while self.is_moving(space) && endings.changed().await.is_ok() {}
    }

    /// Starts or stops draining: a draining process hands over every space and takes no new ones.
    pub fn drain(&self, is_draining: bool) {
        let was_draining = self.is_draining();
        self.0.drain(is_draining);
        if is_draining && !was_draining {
            tokio::spawn(self.clone().empty_out());
        }
    }

    /// Drains, and waits until no space runs here or no other process can take one.
    pub async fn leave(&self) {
        if self.0.directory.is_shared() {
            self.0.drain(true);
            if timeout(LEAVE_WITHIN, self.clone().empty_out())
                .await
                .is_err()
            {
                tracing::warn!(
                    "not every space was handed over in time; the rest is taken over when it is \
                    needed"
                );
            }
        }
    }

    async fn empty_out(self) {
        while self.is_draining() && !self.open().is_empty() && !self.0.over.is_cancelled() {
            let Ok(census) = self.0.directory.census().await else {
                tokio::time::sleep(LOOK_AGAIN).await;
                continue;
            };
            let places = places(&census, &self.running(), &self.0.node().member.node);
            if places.is_empty() {
                tracing::warn!("no other process takes spaces");
                return;
            }
            futures_util::stream::iter(places)
                .for_each_concurrent(AT_ONCE, |(space, to)| self.hand_over(space, to))
                .await;
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// Spaces that run here.
    pub fn running(&self) -> Vec<RunningSpace> {
        let open = self.open_with_epochs();
        let running = open.into_iter().map(|(handle, scene, epoch)| RunningSpace {
            space: handle.id(),
            name: scene.name,
            epoch,
            people: u32::try_from(handle.people()).unwrap_or(u32::MAX),
            cost: handle.cost(),
            rate: scene.tick_rate,
        });
        running.collect()
    }

    /// Latest census; when this process is the only one, its own report.
    pub fn census(&self) -> std::sync::Arc<Census> {
        if self.0.directory.is_shared() {
            return std::sync::Arc::clone(&self.0.census.lock());
        }
        let alone = NodeCensus {
            node: self.0.node(),
            lease: None,
            running: self.running(),
        };
        std::sync::Arc::new(Census::new(vec![alone]))
    }

    /// Publishes the spaces that run here and reads the census, once a second; hands a space over
    /// when the load has been uneven for long.
    pub(super) async fn look_around(self) {
        let mut uneven_since = None;
        let mut every = tokio::time::interval(COUNT_EVERY);
        every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = every.tick() => {}
                () = self.0.over.cancelled() => return,
            }
            let me = self.0.node();
            let running = self.running();
            let told = self.0.directory.report(&me.member, &running).await;
            // While Redis does not answer, the last census stays.
            let (Ok(()), Ok(census)) = (told, self.0.directory.census().await) else {
                continue;
            };
            let surplus = (!me.is_draining)
                .then(|| surplus(&census, &me, &running))
                .flatten();
            *self.0.census.lock() = std::sync::Arc::new(census);
            let Some((space, to)) = surplus else {
                uneven_since = None;
                continue;
            };
            let now = MonotonicTime::now();
            if now.since(*uneven_since.get_or_insert(now)) >= UNEVEN_FOR {
                uneven_since = None;
                let to_node = &to.member.node;
                tracing::info!(%space, to = %to_node, "handing over a space to balance the load");
                self.hand_over(space, to).await;
            }
        }
    }
}

/// Chooses a process other than `own` for every space: the most expensive first, each to the one
/// with the least load. Processes are told apart by name: one whose lease had expired goes on with
/// another nonce.
fn places(census: &Census, running: &[RunningSpace], own: &NodeId) -> Vec<(SpaceId, Node)> {
    let others = census
        .nodes()
        .iter()
        .filter(|other| other.node.member.node != *own && !other.node.is_draining);
    let mut others: Vec<(u64, &Node)> =
        others.map(|other| (other.node.load, &other.node)).collect();
    let mut running: Vec<&RunningSpace> = running.iter().collect();
    running.sort_unstable_by_key(|running| std::cmp::Reverse(running.cost));
    let place = |running: &RunningSpace| {
        let (load, node) = others.iter_mut().min_by_key(|(load, _)| *load)?;
        *load += running.cost.max(LEAST_COST);
        Some((running.space, (*node).clone()))
    };
    running.into_iter().filter_map(place).collect()
}

/// The space that this process should hand over, and its destination, when this process has much
/// more load than the others.
fn surplus(census: &Census, me: &Node, running: &[RunningSpace]) -> Option<(SpaceId, Node)> {
    let nodes: Vec<&Node> = census.nodes().iter().map(|counted| &counted.node).collect();
    let nodes: Vec<&Node> = nodes.into_iter().filter(|node| !node.is_draining).collect();
    let own = nodes
        .iter()
        .position(|node| node.member.node == me.member.node)?;
    let loads: Vec<u64> = nodes.iter().map(|node| node.load).collect();
    let mut sorted = loads.clone();
    sorted.sort_unstable();
    let median = sorted.get((sorted.len() - 1) / 2)?;
    if loads.get(own)? * 100 <= median * UNEVEN_PERCENT {
        return None;
    }
    let costs = running.iter().map(|running| (running.space, running.cost));
    let (space, to) = balance::choose(&loads, own, costs)?;
    Some((space, (*nodes.get(to)?).clone()))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::super::node::{Member, Nonce};
    use super::*;

    const MILLI: u64 = 1_000_000;

    fn counted(name: &str, load: u64, is_draining: bool) -> NodeCensus {
        NodeCensus {
            node: Node {
                member: Member {
                    node: NodeId(name.into()),
                    nonce: Nonce(1),
                },
                link: String::new(),
                public_url: None,
                load: load * MILLI,
                is_draining,
            },
            lease: None,
            running: Vec::new(),
        }
    }

    fn running(number: u128, cost: u64) -> RunningSpace {
        RunningSpace {
            space: SpaceId(Uuid::from_u128(number)),
            name: String::new(),
            epoch: 1,
            people: 1,
            cost: cost * MILLI,
            rate: 20,
        }
    }

    fn names(places: &[(SpaceId, Node)]) -> Vec<(u128, &str)> {
        let names = places
            .iter()
            .map(|(space, node)| (space.0.as_u128(), node.member.node.0.as_str()));
        names.collect()
    }

    #[test]
    fn spaces_go_to_the_least_loaded_process_and_never_to_a_draining_one() {
        let census = Census::new(vec![
            counted("a", 0, false),
            counted("b", 100, false),
            counted("c", 20, false),
            counted("d", 0, true),
        ]);
        let places = places(
            &census,
            &[running(1, 10), running(2, 200), running(3, 90)],
            &NodeId("a".into()),
        );
        assert_eq!(names(&places), [(2, "c"), (3, "b"), (1, "b")]);
        let alone = Census::new(vec![counted("a", 0, false), counted("d", 0, true)]);
        let nowhere = super::places(&alone, &[running(1, 1)], &NodeId("a".into()));
        assert!(nowhere.is_empty());
    }

    #[test]
    fn the_busiest_process_hands_over_only_what_evens_out_the_load() {
        let census = |loads: [u64; 3]| {
            let [a, b, c] = loads;
            Census::new(vec![
                counted("a", a, false),
                counted("b", b, false),
                counted("c", c, false),
            ])
        };
        // The census has a later incarnation of the process, whose lease had expired.
        let mut me = counted("a", 0, false).node;
        me.member.nonce = Nonce(7);
        let spaces = [running(1, 300), running(2, 80), running(3, 10)];
        let chosen = surplus(&census([400, 100, 120]), &me, &spaces);
        assert_eq!(
            chosen.map(|(space, to)| (space.0.as_u128(), to.member.node.0)),
            Some((2, "b".into()))
        );
        assert!(
            surplus(&census([120, 100, 110]), &me, &spaces).is_none(),
            "a little more is fine"
        );
        assert!(
            surplus(&census([400, 390, 10]), &me, &spaces[..1]).is_none(),
            "one space cannot be shared"
        );
    }
}
