//! Tests: what a budget lets through, for users, addresses and crowds.

use super::*;

fn user(number: u128) -> Spender {
    Spender {
        user: Some(UserId(uuid::Uuid::from_u128(number))),
        address: None,
    }
}

fn from(address: &str) -> Spender {
    Spender {
        user: None,
        address: Some(AddressKey::of(address.parse().unwrap())),
    }
}

fn taken(budgets: &Budgets, spender: Spender, budget: Budget) -> usize {
    (0..2_000)
        .take_while(|_| budgets.take(spender, budget).is_ok())
        .count()
}

#[test]
fn each_user_has_a_bucket_and_an_address_ten() {
    let settings = BudgetSettings::default();
    let budgets = Budgets::new(&settings);
    // Some tokens may be refilled while this runs.
    assert!((60..70).contains(&taken(&budgets, user(1), Budget::Edits)));
    assert!((60..70).contains(&taken(&budgets, user(2), Budget::Edits)));
    assert!((600..1_000).contains(&taken(&budgets, from("203.0.113.7"), Budget::Edits)));
    assert!(budgets.take(user(1), Budget::Creations).is_ok());
    let slowed = budgets.take(user(1), Budget::Edits).unwrap_err();
    assert!((1..=2).contains(&slowed.seconds));
}

#[test]
fn a_person_who_types_fast_all_day_never_meets_the_budget_of_text() {
    let settings = BudgetSettings::default();
    let per_minute = |bytes: usize| bytes + MESSAGE;
    // Two hundred words a minute in a script of three bytes a letter, in ten messages.
    let typed = 10 * per_minute(20 * 6 * 3);
    assert!(typed < settings.text as usize * 1024 / 2);
    let budgets = Budgets::new(&settings);
    // The longest messages, pasted one after the other.
    let longest = (0..1_000)
        .take_while(|_| budgets.take_text(user(1), 16_000).is_ok())
        .count();
    assert_eq!(longest, 16);
    assert!(budgets.take_text(user(2), 16_000).is_ok());
}

#[test]
fn a_burst_has_room_for_the_largest_picture_at_any_rate() {
    for (pixels, most) in [(1, 1), (2, 1), (16, 7), (0, 9)] {
        let settings = BudgetSettings {
            pixels,
            ..BudgetSettings::default()
        };
        let budgets = Budgets::new(&settings);
        let taken = (0..9)
            .take_while(|_| budgets.take_pixels(user(1), 3840 * 2160).is_ok())
            .count();
        assert_eq!(taken, most, "{pixels}");
    }
}

#[test]
fn a_user_without_tokens_takes_none_from_their_address() {
    let budgets = Budgets::new(&BudgetSettings::default());
    let spender = |number| Spender {
        user: user(number).user,
        ..from("203.0.113.7")
    };
    for _ in 0..2_000 {
        let _ = budgets.take(spender(1), Budget::Creations);
    }
    assert!(budgets.take(spender(2), Budget::Creations).is_ok());
}

#[test]
fn an_ipv6_network_is_one_address_and_this_machine_is_not_limited() {
    let budgets = Budgets::new(&BudgetSettings::default());
    taken(&budgets, from("2001:db8:1:2::1"), Budget::Creations);
    assert!(
        budgets
            .take(from("2001:db8:1:2:ffff::9"), Budget::Creations)
            .is_err()
    );
    assert!(
        budgets
            .take(from("2001:db8:1:3::1"), Budget::Creations)
            .is_ok()
    );
    assert_eq!(taken(&budgets, from("127.0.0.1"), Budget::Creations), 2_000);
}

#[test]
fn a_budget_of_zero_is_no_limit() {
    let budgets = Budgets::new(&BudgetSettings::NONE);
    for budget in Budget::ALL {
        assert_eq!(taken(&budgets, user(1), budget), 2_000);
    }
}

#[test]
fn log_lines_are_limited_per_user_and_in_all() {
    let budgets = Budgets::new(&BudgetSettings::default());
    for number in 0..10_000 {
        let who = Who::User(UserId(uuid::Uuid::from_u128(number % 500)));
        budgets.note(who, Budget::Chat);
    }
    assert!(budgets.0.notes.lock().len() <= NOTES as usize + 1);
}

#[test]
fn forged_addresses_do_not_fill_the_memory() {
    let budgets = Budgets::new(&BudgetSettings::default());
    for number in 0..MOST as u128 + 50_000 {
        let address = std::net::Ipv6Addr::from(number << 64 | 0x2001 << 112);
        let spender = Spender {
            user: None,
            address: Some(AddressKey::of(address.into())),
        };
        let _ = budgets.take_many(spender, Budget::Requests, 2_000);
    }
    let buckets = budgets.0.addresses[Budget::Requests as usize]
        .as_ref()
        .unwrap();
    assert!(buckets.count() <= MOST + SHARED as usize);
}
