//! Tests of the field.

mod properties;

use std::collections::BTreeMap;

use super::field::{Field, Rules};
use super::slot::PersonSlot;
use crate::components::grid::Grid;
use crate::components::id::PlayerId;
use crate::components::peers::{ProximityRules, QUIET_RANGE};
use crate::components::unit::{Position, SUBTILES, TickRate, Tile};

const RATE: TickRate = TickRate::DEFAULT;

/// A position in hundredths of a tile.
fn at(x: i32, y: i32) -> Position {
    Position {
        x: x * SUBTILES / 100,
        y: y * SUBTILES / 100,
    }
}

fn field() -> Field {
    Field::new(64, 64, Rules::at(RATE, ProximityRules::default()))
}

fn reaching(reach: u8) -> ProximityRules {
    ProximityRules {
        range_tiles: reach,
        ..ProximityRules::default()
    }
}

fn distance(a: Position, b: Position) -> f64 {
    f64::from(a.x - b.x).hypot(f64::from(a.y - b.y)) / f64::from(SUBTILES)
}

fn nth(slot: u32) -> PersonSlot {
    slot.into()
}

fn connected(field: &Field, slot: u32) -> BTreeMap<u32, bool> {
    let connected = field.connected(nth(slot));
    connected
        .map(|(other, sees)| (other.into(), sees))
        .collect()
}

fn run(field: &mut Field, now: &mut u64, ticks: u64) {
    for _ in 0..ticks {
        *now += 1;
        field.update(*now);
    }
}

fn two(apart: i32, moves: bool) -> (Field, u64) {
    let mut field = field();
    field.enter(nth(0), PlayerId(1), at(1_000, 1_000), false, 1);
    field.enter(nth(1), PlayerId(2), at(1_000 + apart, 1_000), moves, 1);
    field.update(1);
    (field, 1)
}

#[test]
fn two_who_stand_near_hear_each_other_after_a_quarter_second() {
    let (mut field, mut now) = two(500, false);
    run(&mut field, &mut now, 4);
    assert_eq!(connected(&field, 0), BTreeMap::new());
    run(&mut field, &mut now, 1);
    assert_eq!(connected(&field, 0), BTreeMap::from([(1, false)]));
    assert_eq!(connected(&field, 1), BTreeMap::from([(0, false)]));
}

#[test]
fn voices_carry_as_far_as_the_rules_of_the_space_say() {
    let (mut field, mut now) = two(700, false);
    run(&mut field, &mut now, 60);
    assert_eq!(connected(&field, 0), BTreeMap::new());
    field.set_rules(reaching(8), None, now);
    assert_eq!(connected(&field, 0), BTreeMap::from([(1, false)]));
    field.set_rules(reaching(9), None, now);
    run(&mut field, &mut now, 60);
    assert_eq!(
        connected(&field, 0),
        BTreeMap::from([(1, true)]),
        "pictures carry two tiles less"
    );
    field.set_rules(reaching(5), None, now);
    assert_eq!(connected(&field, 0), BTreeMap::new());
}

#[test]
fn in_a_zone_voices_carry_as_far_as_it_says_and_the_smaller_of_two_reaches_counts() {
    let (mut field, mut now) = two(700, false);
    field.set_range(nth(0), Some(10), now);
    run(&mut field, &mut now, 60);
    assert_eq!(
        connected(&field, 0),
        BTreeMap::new(),
        "the other is not in the hall"
    );
    field.set_range(nth(1), Some(10), now);
    run(&mut field, &mut now, 12);
    assert_eq!(connected(&field, 0), BTreeMap::from([(1, true)]));
    field.set_range(nth(1), Some(6), now);
    run(&mut field, &mut now, 19);
    assert_eq!(connected(&field, 0), BTreeMap::from([(1, true)]), "lingers");
    run(&mut field, &mut now, 3);
    assert_eq!(
        connected(&field, 0),
        BTreeMap::new(),
        "a tile beyond is the end"
    );
    field.set_position(nth(1), at(1_650, 1_000), false, now);
    run(&mut field, &mut now, 60);
    assert_eq!(connected(&field, 0), BTreeMap::new());
    field.set_position(nth(1), at(1_590, 1_000), false, now);
    run(&mut field, &mut now, 6);
    assert_eq!(connected(&field, 0), BTreeMap::from([(1, false)]));
}

#[test]
fn a_player_who_steps_to_and_fro_over_the_border_of_a_zone_does_not_flap() {
    let (mut field, mut now) = two(300, false);
    let step = |field: &mut Field, now: &mut u64, turn: u32| {
        let reach = if turn.is_multiple_of(2) {
            Some(2)
        } else {
            None
        };
        field.set_range(nth(1), reach, *now);
        field.set_position(
            nth(1),
            at(1_300 + if reach.is_some() { 10 } else { -10 }, 1_000),
            true,
            *now,
        );
        run(field, now, 4);
    };
    for turn in 0..400 {
        step(&mut field, &mut now, turn);
        assert!(
            connected(&field, 0).is_empty(),
            "was never outside for long enough"
        );
    }
    field.set_range(nth(1), None, now);
    run(&mut field, &mut now, 30);
    assert_eq!(connected(&field, 0), BTreeMap::from([(1, true)]));
    field.take_dirty();
    for turn in 0..400 {
        step(&mut field, &mut now, turn);
        assert!(
            field.take_dirty().is_empty(),
            "was never inside for long enough"
        );
    }
}

#[test]
fn a_crowd_with_a_smaller_range_takes_no_places() {
    let mut field = field();
    field.enter(nth(0), PlayerId(1), at(1_000, 1_000), false, 0);
    for slot in 1..60 {
        field.enter(
            nth(slot),
            PlayerId(slot + 1),
            at(1_200 + slot as i32, 1_000),
            false,
            0,
        );
        field.set_range(nth(slot), Some(QUIET_RANGE), 0);
    }
    field.enter(nth(60), PlayerId(61), at(600, 1_000), false, 0);
    let mut now = 0;
    run(&mut field, &mut now, 60);
    assert_eq!(connected(&field, 0), BTreeMap::from([(60, false)]));
}

#[test]
fn with_fewer_places_the_nearest_keep_theirs_at_once() {
    let mut field = field();
    field.enter(nth(0), PlayerId(1), at(1_000, 1_000), false, 0);
    // Apart from one another, each farther from the first.
    for (slot, (x, y)) in (1..).zip([(-120, 0), (0, -150), (0, 180), (210, 0)]) {
        field.enter(
            nth(slot),
            PlayerId(slot + 1),
            at(1_000 + x, 1_000 + y),
            false,
            0,
        );
        field.set_range(nth(slot), Some(3), 0);
    }
    let mut now = 0;
    run(&mut field, &mut now, 60);
    assert_eq!(connected(&field, 0).len(), 4);
    let rules = ProximityRules {
        max_audio: 2,
        max_video: 0,
        ..ProximityRules::default()
    };
    field.set_rules(rules, None, now);
    assert_eq!(
        connected(&field, 0),
        BTreeMap::from([(1, false), (2, false)])
    );
    run(&mut field, &mut now, 200);
    assert_eq!(
        connected(&field, 0),
        BTreeMap::from([(1, false), (2, false)])
    );
    field.set_rules(ProximityRules::default(), None, now);
    assert_eq!(connected(&field, 0).len(), 4);
}

#[test]
fn a_passer_by_is_heard_after_six_tenths_of_a_second() {
    let (mut field, mut now) = two(400, true);
    run(&mut field, &mut now, 11);
    assert_eq!(connected(&field, 0), BTreeMap::new());
    run(&mut field, &mut now, 1);
    assert_eq!(connected(&field, 0), BTreeMap::from([(1, false)]));
}

#[test]
fn faces_come_at_three_tiles_and_go_a_second_after_four() {
    let (mut field, mut now) = two(300, false);
    run(&mut field, &mut now, 10);
    assert_eq!(connected(&field, 0), BTreeMap::from([(1, true)]));
    field.set_position(nth(1), at(1_400, 1_000), false, now);
    run(&mut field, &mut now, 20);
    assert_eq!(connected(&field, 0), BTreeMap::from([(1, true)]));
    run(&mut field, &mut now, 1);
    assert_eq!(connected(&field, 0), BTreeMap::from([(1, false)]));
}

#[test]
fn voices_linger_for_a_second_beyond_six_tiles() {
    let (mut field, mut now) = two(500, false);
    run(&mut field, &mut now, 10);
    field.set_position(nth(1), at(1_601, 1_000), false, now);
    run(&mut field, &mut now, 20);
    assert_eq!(connected(&field, 0).len(), 1);
    run(&mut field, &mut now, 1);
    assert_eq!(connected(&field, 0).len(), 0);
    assert!(!field.is_settled(now + 200), "changes were not taken yet");
    assert!(!field.take_dirty().is_empty());
    assert!(field.is_settled(now + 200));
}

#[test]
fn a_player_at_the_edge_does_not_flap() {
    let (mut field, mut now) = two(520, false);
    for turn in 0..400 {
        field.set_position(
            nth(1),
            at(1_550 + if turn % 2 == 0 { 30 } else { -30 }, 1_000),
            true,
            now,
        );
        run(&mut field, &mut now, 3);
        assert!(connected(&field, 0).is_empty(), "was never near enough");
    }
    field.set_position(nth(1), at(1_480, 1_000), false, now);
    run(&mut field, &mut now, 12);
    assert_eq!(connected(&field, 0).len(), 1);
    field.take_dirty();
    for turn in 0..400 {
        field.set_position(
            nth(1),
            at(1_550 + if turn % 2 == 0 { 30 } else { -30 }, 1_000),
            true,
            now,
        );
        run(&mut field, &mut now, 3);
        assert!(field.take_dirty().is_empty(), "nothing changes at the edge");
    }
}

#[test]
fn a_quiet_player_hears_only_players_next_to_them_and_the_other_way_round() {
    let (mut field, mut now) = two(200, false);
    run(&mut field, &mut now, 10);
    field.set_range(nth(1), Some(QUIET_RANGE), now);
    run(&mut field, &mut now, 19);
    assert_eq!(connected(&field, 0), BTreeMap::from([(1, true)]), "lingers");
    run(&mut field, &mut now, 3);
    assert!(connected(&field, 0).is_empty() && connected(&field, 1).is_empty());
    field.set_position(nth(0), at(1_101, 1_000), false, now);
    run(&mut field, &mut now, 12);
    assert_eq!(connected(&field, 0), BTreeMap::from([(1, true)]));
    field.set_position(nth(0), at(1_055, 1_000), false, now);
    run(&mut field, &mut now, 60);
    assert_eq!(
        connected(&field, 1),
        BTreeMap::from([(0, true)]),
        "nearer than where it ends"
    );
    field.set_position(nth(0), at(1_049, 1_000), false, now);
    run(&mut field, &mut now, 22);
    assert!(connected(&field, 1).is_empty());
    field.set_range(nth(1), None, now);
    run(&mut field, &mut now, 12);
    assert_eq!(connected(&field, 0), BTreeMap::from([(1, true)]));
}

#[test]
fn sixteen_are_heard_and_a_newcomer_must_be_much_nearer_for_a_second() {
    let mut field = field();
    field.enter(nth(0), PlayerId(1), at(2_000, 2_000), false, 0);
    // Sixteen in a ring of four tiles. No other player takes their places.
    let ring: Vec<Position> = (0..16)
        .map(|index| {
            let angle = f64::from(index) * std::f64::consts::TAU / 16.0;
            at(
                2_000 + (angle.cos() * 400.0) as i32,
                2_000 + (angle.sin() * 400.0) as i32,
            )
        })
        .collect();
    for (slot, place) in (1..).zip(&ring) {
        field.enter(nth(slot), PlayerId(slot + 1), *place, false, 0);
    }
    let mut now = 0;
    run(&mut field, &mut now, 30);
    assert_eq!(connected(&field, 0).len(), 16);
    field.enter(nth(17), PlayerId(18), at(2_000, 2_370), false, now);
    run(&mut field, &mut now, 60);
    assert!(
        !connected(&field, 0).contains_key(&17),
        "not much nearer than the others"
    );
    field.set_position(nth(17), at(2_000, 2_300), false, now);
    run(&mut field, &mut now, 19);
    assert!(!connected(&field, 0).contains_key(&17));
    run(&mut field, &mut now, 10);
    assert!(connected(&field, 0).contains_key(&17));
    assert_eq!(connected(&field, 0).len(), 16);
}

#[test]
fn players_who_were_here_are_connected_again_at_once() {
    let mut field = field();
    for slot in 0..30 {
        field.enter(
            nth(slot),
            PlayerId(slot + 1),
            at(1_000 + 190 * slot as i32, 1_000),
            false,
            7,
        );
    }
    field.resume((0..30).map(nth), 7);
    let near: Vec<u32> = connected(&field, 10).into_keys().collect();
    assert_eq!(near, [7, 8, 9, 11, 12, 13]);
    assert!(connected(&field, 10)[&12] && !connected(&field, 10)[&13]);
}

/// A wall from the top down to the tenth row, between the columns of tiles eleven and thirteen.
fn wall() -> Grid {
    let mut walls = Grid::open(64, 64);
    for y in 0..10 {
        walls.block(Tile::new(12, y));
    }
    walls
}

fn walled() -> Field {
    let mut field = field();
    field.walls = Some(wall());
    field
}

#[test]
fn players_are_not_heard_through_a_wall_and_around_it_after_a_delay() {
    let mut field = walled();
    field.enter(nth(0), PlayerId(1), at(1_150, 550), false, 0);
    field.enter(nth(1), PlayerId(2), at(1_350, 550), false, 0);
    let mut now = 0;
    run(&mut field, &mut now, 60);
    assert!(connected(&field, 0).is_empty());
    for slot in 0..2 {
        field.set_position(nth(slot), at(1_150 + 200 * slot as i32, 1_050), false, now);
    }
    run(&mut field, &mut now, 12);
    assert_eq!(connected(&field, 0), BTreeMap::from([(1, true)]));
    field.set_position(nth(0), at(1_150, 850), false, now);
    run(&mut field, &mut now, 20);
    assert_eq!(connected(&field, 0).len(), 1, "lingers");
    run(&mut field, &mut now, 2);
    assert!(connected(&field, 0).is_empty() && connected(&field, 1).is_empty());
    field.resume([nth(0), nth(1)], now);
    assert!(connected(&field, 0).is_empty());
}

#[test]
fn a_crowd_behind_a_wall_takes_no_places() {
    let mut field = walled();
    field.enter(nth(0), PlayerId(1), at(1_150, 550), false, 0);
    for slot in 1..60 {
        field.enter(
            nth(slot),
            PlayerId(slot + 1),
            at(1_320 + slot as i32, 550),
            false,
            0,
        );
    }
    field.enter(nth(60), PlayerId(61), at(750, 550), false, 0);
    let mut now = 0;
    run(&mut field, &mut now, 60);
    assert_eq!(connected(&field, 0), BTreeMap::from([(60, false)]));
}

#[test]
fn walls_are_put_up_and_torn_down_at_once() {
    let mut field = field();
    field.enter(nth(0), PlayerId(1), at(1_150, 550), false, 0);
    field.enter(nth(1), PlayerId(2), at(1_350, 550), false, 0);
    let mut now = 0;
    run(&mut field, &mut now, 60);
    assert_eq!(connected(&field, 0).len(), 1);
    field.set_rules(ProximityRules::default(), Some(wall()), now);
    assert_eq!(connected(&field, 0).len(), 0);
    run(&mut field, &mut now, 60);
    assert_eq!(connected(&field, 0).len(), 0);
    field.set_rules(ProximityRules::default(), None, now);
    assert_eq!(connected(&field, 0).len(), 1);
}
