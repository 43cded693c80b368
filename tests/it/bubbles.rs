//! Bubbles and asides in a whole space: their members, and who hears each other, under any sequence
//! of actions.

use std::collections::{BTreeMap, BTreeSet};

use plaza::components::block::BlockChange;
use plaza::components::bubble::{
    BubbleAction, BubbleCommand, BubbleFact, BubbleState, MOST_IN_BUBBLE,
};
use plaza::components::command::Command;
use plaza::components::denial::Denial;
use plaza::components::fact::Fact;
use plaza::components::id::{PlayerId, RelayId, UserId};
use plaza::components::layout::SpaceLayout;
use plaza::components::movement::MovementCommand;
use plaza::components::peers::{Peer, ProximityFact, ProximityReason, ProximityRules};
use plaza::components::player::Goal;
use plaza::components::presence::{JoinTerms, PresenceCommand};
use plaza::components::status::{Status, StatusCommand, StatusFact, WaveKind};
use plaza::components::tile_rect::TileRect;
use plaza::components::unit::{TickRate, Tile};
use plaza::components::zone::{Admit, Zone, ZoneKind};
use plaza::space::Space;
use proptest::prelude::*;
use uuid::Uuid;

fn area(x: u16, y: u16, width: u16, height: u16) -> TileRect {
    TileRect {
        corner: Tile::new(x, y),
        width,
        height,
    }
}

fn user(number: u32) -> UserId {
    UserId(Uuid::from_u128(number.into()))
}

/// Twenty by ten tiles; everyone arrives at the left, and far to the right are a private zone and a
/// silent one.
fn plan() -> SpaceLayout {
    SpaceLayout {
        width: 20,
        height: 10,
        blocked: Vec::new(),
        has_walls: false,
        proximity: ProximityRules::default(),
        zones: vec![
            Zone::new(ZoneKind::Spawn, "door".into(), area(0, 0, 1, 1)),
            Zone::new(ZoneKind::Private, "room".into(), area(16, 0, 4, 4)),
            Zone::new(ZoneKind::Silent, "corner".into(), area(16, 6, 4, 4)),
        ],
        elements: Vec::new(),
        version: 1,
    }
}

struct World {
    space: Space,
    seq: u32,
    peers: BTreeMap<PlayerId, BTreeMap<PlayerId, Peer>>,
    bubbles: BTreeMap<u32, BubbleState>,
}

impl World {
    fn of(people: u32) -> Self {
        let mut world = Self {
            space: Space::new(&plan(), TickRate::DEFAULT),
            seq: 0,
            peers: BTreeMap::new(),
            bubbles: BTreeMap::new(),
        };
        for number in 1..=people {
            world.ask(join(number));
        }
        world
    }

    /// Runs one tick and keeps its facts as a relay does.
    fn ask(&mut self, command: impl Into<Option<Command>>) -> Vec<Fact> {
        let commands: Vec<Command> = command.into().into_iter().collect();
        let output = self.space.step(&commands);
        for (player, _) in &output.gone {
            self.peers.remove(player);
        }
        for fact in &output.facts {
            match fact {
                Fact::Proximity(ProximityFact::PeersChanged {
                    player,
                    peers,
                    gone,
                }) => {
                    let known = self.peers.entry(*player).or_default();
                    known.retain(|other, _| !gone.contains(other));
                    known.extend(peers.iter().map(|peer| (peer.player, *peer)));
                }
                Fact::Bubble(BubbleFact::Changed(state)) if state.players.is_empty() => {
                    self.bubbles.remove(&state.bubble);
                }
                Fact::Bubble(BubbleFact::Changed(state)) => {
                    self.bubbles.insert(state.bubble, state.clone());
                }
                _ => {}
            }
        }
        output.facts
    }

    fn rest(&mut self, ticks: usize) {
        for _ in 0..ticks {
            self.ask(None);
        }
    }

    fn walk(&mut self, player: u32, x: u16, y: u16) {
        self.seq += 1;
        let (seq, goal) = (self.seq, Goal::Tile(Tile::new(x, y)));
        let player = PlayerId(player);
        self.ask(Command::Movement(MovementCommand::Walk {
            player,
            seq,
            goal,
        }));
    }

    fn action(&mut self, player: u32, action: BubbleAction) -> Vec<Fact> {
        let player = PlayerId(player);
        self.ask(Command::Bubble(BubbleCommand { player, action }))
    }

    /// One player asks the nearby players to form a bubble, and all of them agree.
    fn form(&mut self, player: u32, is_aside: bool) {
        for fact in self.action(player, BubbleAction::Form { is_aside }) {
            if let Fact::Bubble(BubbleFact::Asked { to, .. }) = fact {
                for guest in to {
                    self.action(guest.0, BubbleAction::Accept(PlayerId(player)));
                }
            }
        }
    }

    /// How loud one player hears the other, and by which rule.
    fn hears(&self, one: u32, other: u32) -> Option<(u8, ProximityReason)> {
        let peer = self.peers.get(&PlayerId(one))?.get(&PlayerId(other))?;
        peer.hear.then_some((peer.gain, peer.why))
    }

    fn members(&self) -> Vec<Vec<u32>> {
        let bubbles = self.bubbles.values();
        bubbles
            .map(|bubble| bubble.players.iter().map(|player| player.0).collect())
            .collect()
    }
}

fn join(number: u32) -> Command {
    Command::Presence(PresenceCommand::Join {
        user: user(number),
        name: format!("user {number}"),
        avatar: None,
        arrive: None,
        blocked: Vec::new(),
        relay: RelayId::default(),
        terms: JoinTerms::default(),
    })
}

const FULL: Option<(u8, ProximityReason)> = Some((255, ProximityReason::Bubble));
const NEAR: Option<(u8, ProximityReason)> = Some((255, ProximityReason::Field));
const SOFT: Option<(u8, ProximityReason)> = Some((38, ProximityReason::Field));

/// Three players in a row, a tile apart, and a fourth three tiles from the first.
fn four() -> World {
    let mut world = World::of(4);
    for (player, x) in [(1, 5), (2, 6), (3, 7), (4, 2)] {
        world.walk(player, x, 5);
    }
    world.rest(120);
    assert_eq!(world.hears(1, 4), NEAR);
    world
}

#[test]
fn a_bubble_has_nearby_members_and_excludes_others() {
    let mut world = four();
    world.form(1, false);
    assert_eq!(world.members(), [[1, 2, 3]]);
    assert_eq!((world.hears(1, 3), world.hears(3, 1)), (FULL, FULL));
    assert_eq!((world.hears(1, 4), world.hears(4, 1)), (None, None));
    world.action(2, BubbleAction::Leave);
    world.rest(20);
    assert_eq!(world.members(), [[1, 3]]);
    assert_eq!((world.hears(2, 4), world.hears(2, 1)), (NEAR, None));
    world.walk(3, 12, 5);
    world.rest(60);
    assert!(world.bubbles.is_empty(), "a single player is in no bubble");
    assert_eq!(world.hears(1, 2), NEAR);
}

#[test]
fn only_players_who_agreed_are_in_a_bubble() {
    let mut world = four();
    let asked = Fact::Bubble(BubbleFact::Asked {
        player: PlayerId(1),
        is_aside: false,
        to: vec![PlayerId(2), PlayerId(3)],
    });
    assert_eq!(
        world.action(1, BubbleAction::Form { is_aside: false }),
        std::slice::from_ref(&asked)
    );
    assert!(world.bubbles.is_empty());
    assert_eq!(
        world.hears(1, 2),
        NEAR,
        "nothing changes until someone agrees"
    );
    assert!(
        !world
            .action(1, BubbleAction::Form { is_aside: false })
            .contains(&asked),
        "not at once again"
    );
    world.action(3, BubbleAction::Decline(PlayerId(1)));
    world.action(3, BubbleAction::Accept(PlayerId(1)));
    assert!(
        world.bubbles.is_empty(),
        "who declined is not asked any more"
    );
    world.action(4, BubbleAction::Accept(PlayerId(1)));
    assert!(world.bubbles.is_empty(), "who was not asked cannot agree");
    world.action(2, BubbleAction::Accept(PlayerId(1)));
    assert_eq!(world.members(), [[1, 2]]);
    assert_eq!((world.hears(1, 2), world.hears(3, 1)), (FULL, None));
}

#[test]
fn late_answers_and_answers_from_afar_are_ignored() {
    let mut world = four();
    world.action(1, BubbleAction::Form { is_aside: false });
    world.walk(2, 12, 8);
    world.rest(80);
    world.action(2, BubbleAction::Accept(PlayerId(1)));
    world.rest(61 * 20);
    world.action(3, BubbleAction::Accept(PlayerId(1)));
    assert!(world.bubbles.is_empty());
}

#[test]
fn an_aside_hears_the_others_softly_and_is_heard_softly() {
    let mut world = four();
    world.form(2, true);
    assert_eq!(world.members(), [[1, 2, 3]]);
    assert_eq!((world.hears(1, 2), world.hears(2, 1)), (FULL, FULL));
    assert_eq!((world.hears(1, 4), world.hears(4, 1)), (SOFT, SOFT));
    world.action(1, BubbleAction::Leave);
    assert_eq!((world.hears(1, 4), world.hears(1, 2)), (NEAR, SOFT));
}

#[test]
fn joining_a_locked_bubble_needs_a_knock() {
    let mut world = four();
    world.form(1, false);
    world.action(1, BubbleAction::Lock(true));
    let bubble = *world.bubbles.keys().next().unwrap();
    let denied = |player, why| Fact::Denied {
        player: PlayerId(player),
        why,
    };
    assert!(
        world
            .action(4, BubbleAction::Join(bubble))
            .contains(&denied(4, Denial::NotNearBubble))
    );
    world.walk(4, 4, 5);
    world.rest(40);
    let knock = Fact::Bubble(BubbleFact::Knocked {
        player: PlayerId(4),
        to: vec![PlayerId(1), PlayerId(2), PlayerId(3)],
    });
    let admit = |guest| {
        Command::Admit(Admit {
            player: PlayerId(2),
            guest: PlayerId(guest),
        })
    };
    assert!(
        world.ask(admit(4)).contains(&denied(2, Denial::NotHere)),
        "did not ask"
    );
    assert!(world.action(4, BubbleAction::Join(bubble)).contains(&knock));
    assert!(
        !world.action(4, BubbleAction::Join(bubble)).contains(&knock),
        "not at once again"
    );
    assert_eq!(world.members(), [[1, 2, 3]]);
    world.ask(admit(4));
    assert_eq!(world.members(), [[1, 2, 3, 4]]);
    assert_eq!(world.hears(4, 3), FULL);
}

#[test]
fn walking_or_distant_players_are_not_moved_into_a_bubble() {
    let mut world = four();
    let no_one_near = Fact::Denied {
        player: PlayerId(4),
        why: Denial::NobodyNear,
    };
    assert!(
        world
            .action(4, BubbleAction::Form { is_aside: false })
            .contains(&no_one_near)
    );
    world.walk(2, 7, 8);
    world.form(1, false);
    assert_eq!(world.members(), [[1, 3]]);
}

#[test]
fn players_who_disconnect_leave_or_set_do_not_disturb_leave_the_bubble() {
    let mut world = four();
    world.form(1, false);
    world.walk(4, 4, 5);
    world.rest(40);
    let bubble = *world.bubbles.keys().next().unwrap();
    world.action(4, BubbleAction::Join(bubble));
    assert_eq!(world.members(), [[1, 2, 3, 4]]);
    let player = PlayerId(2);
    world.ask(Command::Presence(PresenceCommand::Disconnect { player }));
    assert_eq!(
        (world.members(), world.hears(1, 2)),
        (vec![vec![1, 3, 4]], None)
    );
    world.ask(join(2));
    world.rest(20);
    assert_eq!(
        (world.hears(2, 1), world.hears(1, 2)),
        (None, None),
        "back, and outside"
    );
    let player = PlayerId(4);
    world.ask(Command::Presence(PresenceCommand::Leave { player }));
    assert_eq!(world.members(), [[1, 3]]);
    let (player, status) = (PlayerId(3), Status::DoNotDisturb);
    world.ask(Command::Status(StatusCommand::ChangeStatus {
        player,
        status,
    }));
    assert!(world.bubbles.is_empty());
}

#[test]
fn a_restored_space_has_no_bubbles() {
    let mut world = four();
    world.form(1, false);
    let checkpoint = world.space.checkpoint();
    let mut space = Space::restore(&plan(), TickRate::DEFAULT, &checkpoint, &[]).unwrap();
    let snapshot = space.snapshot();
    assert!(snapshot.bubbles.is_empty());
    let peers: BTreeMap<PlayerId, Vec<Peer>> = snapshot.peers.into_iter().collect();
    assert_eq!(
        peers[&PlayerId(1)].len(),
        3,
        "near people hear each other again"
    );
}

#[test]
fn a_leader_asks_the_players_who_hear_them() {
    let mut world = four();
    world.form(1, false);
    let kind = WaveKind::Lead;
    let (player, to) = (PlayerId(1), PlayerId(1));
    let facts = world.ask(Command::Status(StatusCommand::Wave { player, to, kind }));
    let asked = [2, 3].map(|number| {
        Fact::Status(StatusFact::Waved {
            player,
            to: PlayerId(number),
            kind,
        })
    });
    assert_eq!(facts, asked);
}

#[derive(Debug, Clone)]
enum Act {
    Walk(u32, u16, u16),
    Bubble(u32, BubbleAction),
    Admit(u32, u32),
    Status(u32, u8),
    Block(u32, u32, bool),
    Vanish(u32),
    Leave(u32),
    Come(u32),
    Rest(u8),
}

fn action() -> impl Strategy<Value = Act> {
    let people = 1_u32..13;
    prop_oneof![
        6 => (people.clone(), 0_u16..20, 0_u16..10).prop_map(|(who, x, y)| Act::Walk(who, x, y)),
        6 => (people.clone(), 0_u8..8, 1_u32..6).prop_map(|(who, action, bubble)| {
            Act::Bubble(who, BubbleAction::from_wire(action, bubble).unwrap())
        }),
        1 => (people.clone(), people.clone()).prop_map(|(who, guest)| Act::Admit(who, guest)),
        1 => (people.clone(), 0_u8..5).prop_map(|(who, status)| Act::Status(who, status)),
        1 => (people.clone(), people.clone(), any::<bool>())
            .prop_map(|(who, other, on)| Act::Block(who, other, on)),
        1 => people.clone().prop_map(Act::Vanish),
        1 => people.clone().prop_map(Act::Leave),
        1 => people.prop_map(Act::Come),
        6 => (1_u8..40).prop_map(Act::Rest),
    ]
}

impl World {
    fn player(&mut self, number: u32) -> Option<PlayerId> {
        let snapshot = self.space.snapshot();
        let found = snapshot
            .players
            .iter()
            .find(|(card, ..)| card.user == user(number));
        found.map(|(card, ..)| card.player)
    }

    fn act(&mut self, action: &Act) {
        let command = match *action {
            Act::Rest(ticks) => return self.rest(ticks.into()),
            Act::Walk(who, x, y) => self.player(who).map(|player| {
                self.seq += 1;
                let goal = Goal::Tile(Tile::new(x, y));
                Command::Movement(MovementCommand::Walk {
                    player,
                    seq: self.seq,
                    goal,
                })
            }),
            Act::Bubble(who, action) => self
                .player(who)
                .map(|player| Command::Bubble(BubbleCommand { player, action })),
            Act::Admit(who, guest) => {
                let both = self.player(who).zip(self.player(guest));
                both.map(|(player, guest)| Command::Admit(Admit { player, guest }))
            }
            Act::Status(who, status) => self.player(who).map(|player| {
                Command::Status(StatusCommand::ChangeStatus {
                    player,
                    status: Status::from_wire(status).unwrap(),
                })
            }),
            Act::Block(who, other, blocked) => Some(Command::Block(BlockChange {
                user: user(who),
                other: user(other),
                blocked,
            })),
            Act::Vanish(who) => self
                .player(who)
                .map(|player| Command::Presence(PresenceCommand::Disconnect { player })),
            Act::Leave(who) => self
                .player(who)
                .map(|player| Command::Presence(PresenceCommand::Leave { player })),
            Act::Come(who) => Some(join(who)),
        };
        self.ask(command);
    }

    fn check(&mut self) -> Result<(), TestCaseError> {
        let snapshot = self.space.snapshot();
        let here: BTreeSet<PlayerId> = snapshot
            .players
            .iter()
            .map(|(card, ..)| card.player)
            .collect();
        let told: Vec<_> = self.bubbles.values().cloned().collect();
        prop_assert_eq!(&snapshot.bubbles, &told, "every change was a fact");
        let mut bubble_of: BTreeMap<PlayerId, &BubbleState> = BTreeMap::new();
        for bubble in &snapshot.bubbles {
            prop_assert!((2..=MOST_IN_BUBBLE).contains(&bubble.players.len()));
            for player in &bubble.players {
                prop_assert!(here.contains(player), "left, and still in a bubble");
                prop_assert!(
                    bubble_of.insert(*player, bubble).is_none(),
                    "in two bubbles"
                );
            }
        }
        for (card, stance, _) in &snapshot.players {
            let tile = stance.position.tile();
            let is_elsewhere =
                tile.x >= 16 && !(4..6).contains(&tile.y) || card.status == Status::DoNotDisturb;
            prop_assert!(
                !is_elsewhere || !bubble_of.contains_key(&card.player),
                "in the open only"
            );
        }
        let peers: BTreeMap<PlayerId, BTreeMap<PlayerId, Peer>> = snapshot
            .peers
            .into_iter()
            .map(|(player, peers)| {
                (
                    player,
                    peers.into_iter().map(|peer| (peer.player, peer)).collect(),
                )
            })
            .collect();
        for (one, theirs) in &peers {
            prop_assert_eq!(Some(theirs), self.peers.get(one), "every change was a fact");
            for (other, peer) in theirs {
                let back = peers.get(other).and_then(|peers| peers.get(one));
                let mirrored = Peer {
                    player: *one,
                    ..*peer
                };
                prop_assert_eq!(back, Some(&mirrored), "the same for both");
                let (mine, its) = (bubble_of.get(one), bubble_of.get(other));
                let are_together = mine.is_some() && mine == its;
                prop_assert_eq!(are_together, peer.why == ProximityReason::Bubble);
                if !are_together {
                    let closed = mine.into_iter().chain(its).any(|bubble| !bubble.is_aside);
                    prop_assert!(!closed, "heard through a bubble");
                    let is_soft = mine.is_some() || its.is_some();
                    prop_assert_eq!(peer.gain, if is_soft { 38 } else { 255 });
                }
            }
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(96)
    })]

    #[test]
    fn bubbles_stay_mutual_small_and_tight(deeds in proptest::collection::vec(action(), 1..120)) {
        let mut world = World::of(12);
        world.rest(10);
        for action in &deeds {
            world.act(action);
            world.check()?;
        }
    }
}
