//! Invariants of the field that hold for any movement of players.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::{RATE, at, connected, distance, nth, run, wall};
use crate::components::id::PlayerId;
use crate::components::peers::{PICTURES, ProximityRules, REACHES, VOICES, ZONE_REACHES};
use crate::components::unit::Position;
use crate::systems::proximity::field::{Field, Rules};
use crate::systems::proximity::sight;

#[derive(Debug, Clone)]
enum TestAction {
    Walk(u32, i32, i32),
    Leave(u32),
    Carry(u32, Option<u8>),
    Rule(ProximityRules, bool),
    Rest(u64),
}

fn rules() -> impl Strategy<Value = ProximityRules> {
    (REACHES, VOICES, PICTURES).prop_map(|(range_tiles, max_audio, max_video)| ProximityRules {
        range_tiles,
        max_audio,
        max_video,
        walls_block: None,
    })
}

/// Range of quiet players and of zones.
fn reach() -> impl Strategy<Value = Option<u8>> {
    proptest::option::of(ZONE_REACHES)
}

/// Distances in tiles at which two players begin and cease to hear each other, then the same for
/// sight.
fn edges(rules: ProximityRules, a: Option<u8>, b: Option<u8>) -> [(f64, f64); 2] {
    let reach = a
        .unwrap_or(rules.range_tiles)
        .min(b.unwrap_or(rules.range_tiles));
    let beyond = if reach == 1 { 0.5 } else { 1.0 };
    [reach, reach.saturating_sub(2).max(1)].map(|on| (f64::from(on), f64::from(on) + beyond))
}

fn action() -> impl Strategy<Value = TestAction> {
    prop_oneof![
        6 => (0_u32..40, 0_i32..1_800, 0_i32..1_800)
            .prop_map(|(slot, x, y)| TestAction::Walk(slot, x, y)),
        1 => (0_u32..40).prop_map(TestAction::Leave),
        1 => (0_u32..40, reach()).prop_map(|(slot, reach)| TestAction::Carry(slot, reach)),
        1 => (rules(), any::<bool>())
            .prop_map(|(rules, has_walls)| TestAction::Rule(rules, has_walls)),
        3 => (1_u64..30).prop_map(TestAction::Rest),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn connections_are_mutual_near_and_never_too_many(
        first in rules(),
        has_walls in any::<bool>(),
        actions in proptest::collection::vec(action(), 1..200),
    ) {
        let mut field = Field::new(64, 64, Rules::at(RATE, first));
        field.walls = has_walls.then(wall);
        let mut places: BTreeMap<u32, (Position, u64)> = BTreeMap::new();
        let mut reaches: BTreeMap<u32, u8> = BTreeMap::new();
        let mut rules = first;
        let mut now = 0;
        for action in actions {
            match action {
                TestAction::Walk(slot, x, y) => {
                    if places.contains_key(&slot) {
                        field.set_position(nth(slot), at(x, y), false, now);
                    } else {
                        field.enter(nth(slot), PlayerId(slot + 1), at(x, y), false, now);
                    }
                    places.insert(slot, (at(x, y), now));
                }
                TestAction::Leave(slot) => {
                    field.leave(nth(slot), now);
                    places.remove(&slot);
                    reaches.remove(&slot);
                    prop_assert!(connected(&field, slot).is_empty());
                }
                TestAction::Carry(slot, reach) => {
                    if let Some(place) = places.get_mut(&slot) {
                        place.1 = now;
                        field.set_range(nth(slot), reach, now);
                        reaches.remove(&slot);
                        reaches.extend(reach.map(|reach| (slot, reach)));
                    }
                }
                TestAction::Rule(wanted, has_walls) => {
                    rules = wanted;
                    field.set_rules(rules, has_walls.then(wall), now);
                }
                TestAction::Rest(ticks) => run(&mut field, &mut now, ticks),
            }
            for slot in 0..40 {
                let peers = connected(&field, slot);
                prop_assert!(peers.len() <= rules.max_audio.into());
                let seen = peers.values().filter(|sees| **sees).count();
                prop_assert!(seen <= rules.max_video.into());
                for (other, sees) in &peers {
                    let back = connected(&field, *other).get(&slot).copied();
                    prop_assert_eq!(back, Some(*sees), "mutual");
                    let (mine, theirs) = (places[&slot], places[other]);
                    let settled = now.saturating_sub(mine.1.max(theirs.1)) > 21;
                    let [(_, voices), (_, pictures)] =
                        edges(rules, reaches.get(&slot).copied(), reaches.get(other).copied());
                    let end = if *sees { pictures } else { voices };
                    prop_assert!(!settled || distance(mine.0, theirs.0) < end, "far for long");
                    let walls = field.walls.as_ref();
                    let is_clear =
                        walls.is_none_or(|walls| sight::is_clear(walls, mine.0, theirs.0));
                    prop_assert!(!settled || is_clear, "through a wall for long");
                }
            }
        }
    }

    #[test]
    fn changed_rules_connect_people_as_if_they_always_had(
        people in proptest::collection::vec((0_i32..1_800, 0_i32..1_800, reach()), 2..40),
        before in (rules(), any::<bool>()),
        after in (rules(), any::<bool>()),
        ticks in 0_u64..60,
    ) {
        let enter = |(rules, has_walls): (ProximityRules, bool), now: u64| {
            let mut field = Field::new(64, 64, Rules::at(RATE, rules));
            field.walls = has_walls.then(wall);
            for (slot, (x, y, reach)) in (0..).zip(&people) {
                field.enter(nth(slot), PlayerId(slot + 1), at(*x, *y), false, now);
                field.set_range(nth(slot), *reach, now);
            }
            field
        };
        let mut now = 0;
        let mut changed = enter(before, now);
        run(&mut changed, &mut now, ticks);
        changed.set_rules(after.0, after.1.then(wall), now);
        let mut fresh = enter(after, now);
        fresh.resume((0..people.len() as u32).map(nth), now);
        for _ in 0..100 {
            for slot in 0..people.len() as u32 {
                prop_assert_eq!(connected(&changed, slot), connected(&fresh, slot));
            }
            now += 1;
            changed.update(now);
            fresh.update(now);
        }
    }

    #[test]
    fn a_player_at_rest_hears_all_players_near_when_there_is_room(
        rules in rules(),
        places in proptest::collection::vec((0_i32..3_000, 0_i32..3_000), 2..40),
        reaches in proptest::collection::vec(reach(), 40),
    ) {
        let mut field = Field::new(64, 64, Rules::at(RATE, rules));
        let mut now = 0;
        for (slot, (x, y)) in (0..).zip(&places) {
            field.enter(nth(slot), PlayerId(slot + 1), at(*x, *y), false, now);
            field.set_range(nth(slot), reaches[slot as usize], now);
        }
        run(&mut field, &mut now, 80);
        field.take_dirty();
        run(&mut field, &mut now, 200);
        prop_assert!(field.take_dirty().is_empty(), "comes to rest");
        let place = |slot: u32| at(places[slot as usize].0, places[slot as usize].1);
        let is_near = |a: u32, b: u32| {
            let [(on, _), _] = edges(rules, reaches[a as usize], reaches[b as usize]);
            a != b && distance(place(a), place(b)) < on - 0.01
        };
        // A player whose nearest have no place left does not search for others behind them.
        let count_near = |slot| {
            (0..places.len() as u32).filter(|other| is_near(slot, *other)).count()
        };
        let has_few = |slot| count_near(slot) < 20;
        for a in 0..places.len() as u32 {
            let peers: BTreeSet<u32> = connected(&field, a).into_keys().collect();
            for b in 0..places.len() as u32 {
                let has_room = |slot| field.connected(nth(slot)).count() < rules.max_audio.into();
                if is_near(a, b) && has_room(a) && has_room(b) && (has_few(a) || has_few(b)) {
                    prop_assert!(peers.contains(&b), "{a} and {b} are near and have room");
                }
            }
        }
    }
}
