//! Tests of a worker thread.

use std::sync::atomic::AtomicU64;
use std::sync::mpsc::channel;

use tokio::sync::mpsc;
use uuid::Uuid;

use super::super::hosted_space::DEADLINE_GRID;
use super::super::monotonic::MonotonicTime;
use super::super::{SpaceUpdate, worker_handles};
use super::*;
use crate::components::command::Command;
use crate::components::id::{PlayerId, RelayId, UserId};
use crate::components::layout::SpaceLayout;
use crate::components::movement::MovementCommand;
use crate::components::peers::ProximityRules;
use crate::components::player::Goal;
use crate::components::presence::{JoinTerms, PresenceCommand};
use crate::components::unit::{TickRate, Tile};
use crate::space::Space;

/// Two threads that are not started. The test reads their commands.
fn threads() -> [(HostWorker, Receiver<WorkerCommand>); 2] {
    let (host_events, _) = mpsc::unbounded_channel();
    let (workers, inboxes) = worker_handles(2);
    let mut inboxes = inboxes.into_iter();
    [0, 1].map(|number| {
        let thread = HostWorker {
            number,
            host_events: host_events.clone(),
            workers: Arc::clone(&workers),
            until: endless(),
            spaces: HashMap::new(),
            started: now(),
            searching: (now(), SearchBudget::default()),
            deadlines: BinaryHeap::new(),
            moved: Vec::new(),
        };
        (thread, inboxes.next().unwrap())
    })
}

fn endless() -> Arc<Until> {
    Arc::new(Until(AtomicU64::new(u64::MAX)))
}

fn hosted(number: u128) -> Box<HostedSpace> {
    let layout = SpaceLayout {
        width: 8,
        height: 8,
        blocked: Vec::new(),
        has_walls: false,
        proximity: ProximityRules::default(),
        zones: Vec::new(),
        elements: Vec::new(),
        version: 1,
    };
    let space = Space::new(&layout, TickRate::DEFAULT);
    let (_, commands) = channel();
    Box::new(HostedSpace::new(
        SpaceId(Uuid::from_u128(number)),
        space,
        1,
        commands,
        Arc::default(),
    ))
}

#[test]
fn a_space_that_moves_keeps_its_followers_and_late_orders_find_it() {
    let [(mut here, _inbox), (mut there, their_inbox)] = threads();
    let hosted = hosted(1);
    let (space, status) = (hosted.id, Arc::clone(&hosted.status));
    here.apply(WorkerCommand::Open(hosted));
    let (sender, mut early) = mpsc::channel(8);
    here.apply(WorkerCommand::Follow(space, sender));
    here.hand_over(space, 1);
    assert_eq!(status.home.load(Ordering::Acquire), 1);
    let (sender, mut late) = mpsc::channel(8);
    here.apply(WorkerCommand::Follow(space, sender));
    while let Ok(command) = their_inbox.try_recv() {
        there.apply(command);
    }
    there
        .spaces
        .get_mut(&space)
        .unwrap()
        .tick(now(), &there.host_events, &there.until);
    for follower in [&mut early, &mut late] {
        assert!(matches!(
            follower.try_recv(),
            Ok(SpaceUpdate::Snapshot { .. })
        ));
        assert!(matches!(follower.try_recv(), Ok(SpaceUpdate::Tick(_))));
    }
}

#[test]
fn a_space_whose_tick_fails_ends_alone_and_is_reported() {
    let [(mut thread, _inbox), _] = threads();
    let (host_events, mut told) = mpsc::unbounded_channel();
    thread.host_events = host_events;
    let (sound, mut broken) = (hosted(1), hosted(2));
    broken.fails = true;
    let (due, broken_id) = (sound.next.max(broken.next) + DEADLINE_GRID, broken.id);
    let mut followers = Vec::new();
    for hosted in [sound, broken] {
        let (sender, follower) = mpsc::channel(8);
        let space = hosted.id;
        thread.apply(WorkerCommand::Open(hosted));
        thread.apply(WorkerCommand::Follow(space, sender));
        followers.push(follower);
    }
    while now() <= due {
        std::thread::yield_now();
    }
    thread.tick_due();
    let [sound, broken] = &mut followers[..] else {
        panic!("two follow")
    };
    assert!(matches!(sound.try_recv(), Ok(SpaceUpdate::Snapshot { .. })));
    assert!(matches!(sound.try_recv(), Ok(SpaceUpdate::Tick(_))));
    assert!(matches!(
        broken.try_recv(),
        Ok(SpaceUpdate::Snapshot { .. })
    ));
    assert!(matches!(
        broken.try_recv(),
        Ok(SpaceUpdate::Ended(Ending::Restarts))
    ));
    assert!(matches!(
        told.try_recv(),
        Ok(HostEvent::Ended { space, ending: Ending::Restarts, .. }) if space == broken_id
    ));
    assert_eq!(thread.spaces.len(), 1);
}

#[test]
fn the_spaces_of_a_thread_share_one_search_budget() {
    let [(mut thread, _inbox), _] = threads();
    let user = |number| UserId(Uuid::from_u128(number));
    // The first user has searched far too much, and time enough has passed for all others.
    thread.searching.1.spend(user(1), usize::MAX);
    thread.searching.0 -= Duration::from_secs(1);
    let mut senders = Vec::new();
    for number in 1..=2 {
        let mut hosted = hosted(number);
        let (commands, inbox) = channel();
        hosted.commands = inbox;
        senders.push((commands, hosted.id, Arc::clone(&hosted.status)));
        thread.apply(WorkerCommand::Open(hosted));
    }
    let searched = |thread: &mut HostWorker, command: &dyn Fn(u32) -> Command| {
        for (sender, _, status) in &senders {
            for player in 1..=2 {
                status.waiting.fetch_add(1, Ordering::Relaxed);
                sender.send(command(player)).unwrap();
            }
        }
        let due = thread.spaces.values().map(|hosted| hosted.next).max();
        while due.is_some_and(|due| now() <= due) {
            std::thread::yield_now();
        }
        thread.tick_due();
        let of = |(_, space, _): &(_, SpaceId, _)| thread.spaces[space].space.searched();
        senders.iter().map(of).collect::<Vec<_>>()
    };
    let join = |player: u32| {
        Command::Presence(PresenceCommand::Join {
            user: user(player.into()),
            name: "ada".into(),
            avatar: None,
            arrive: None,
            blocked: Vec::new(),
            relay: RelayId::default(),
            terms: JoinTerms::default(),
        })
    };
    searched(&mut thread, &join);
    let walk = |player, seq| {
        Command::Movement(MovementCommand::Walk {
            player: PlayerId(player),
            seq,
            goal: Goal::Tile(Tile::new(7, 7)),
        })
    };
    assert_eq!(searched(&mut thread, &|_| walk(1, 1)), [0, 0]);
    let tiles = searched(&mut thread, &|_| walk(2, 1));
    assert!(tiles.iter().all(|tiles| *tiles > 0), "{tiles:?}");
}

#[test]
fn a_stopped_thread_takes_no_spaces() {
    let [(mut here, _inbox), (there, _their_inbox)] = threads();
    let hosted = hosted(1);
    let space = hosted.id;
    here.apply(WorkerCommand::Open(hosted));
    *there.workers[1].is_closed.lock() = true;
    here.hand_over(space, 1);
    assert!(here.spaces.contains_key(&space));
    assert!(here.successor(space).is_none());
}

#[test]
fn a_space_is_unloaded_only_while_no_player_is_connected() {
    let [(mut thread, _inbox), _] = threads();
    let mut hosted = hosted(1);
    let (commands, inbox) = channel();
    hosted.commands = inbox;
    let (space, status) = (hosted.id, Arc::clone(&hosted.status));
    let send = |command| {
        status.waiting.fetch_add(1, Ordering::Relaxed);
        commands.send(command).unwrap();
    };
    let is_unloaded = |thread: &mut HostWorker| {
        let ending = Ending::Unloaded;
        thread.apply(WorkerCommand::Close { space, ending });
        !thread.spaces.contains_key(&space)
    };
    let tick = |thread: &mut HostWorker| {
        let hosted = thread.spaces.get_mut(&space).unwrap();
        hosted.tick(now(), &thread.host_events, &thread.until);
        status.empty_since.load(Ordering::Relaxed)
    };
    thread.apply(WorkerCommand::Open(hosted));
    send(Command::Presence(PresenceCommand::Join {
        user: UserId(Uuid::from_u128(1)),
        name: "ada".into(),
        avatar: None,
        arrive: None,
        blocked: Vec::new(),
        relay: RelayId::default(),
        terms: JoinTerms::default(),
    }));
    assert!(!is_unloaded(&mut thread), "a player is about to join");
    assert_eq!(tick(&mut thread), u64::MAX);
    assert!(!is_unloaded(&mut thread));
    let player = PlayerId(1);
    send(Command::Presence(PresenceCommand::Disconnect { player }));
    assert!(tick(&mut thread) <= MonotonicTime::now().0);
    assert_eq!(status.people.load(Ordering::Relaxed), 1);
    assert!(is_unloaded(&mut thread));
}
