//! Layers: which pictures somebody gets, and how fine, with the bandwidth they have.
//!
//! Pure: wishes and bits a second go in, choices come out.

use std::collections::BTreeMap;

use super::session::{Source, Stream};

/// A picture that is shown no higher than this, in pixels, is as good in the coarse layer.
const COARSE_HEIGHT: u32 = 216;

/// How finely a picture is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Quality {
    /// Half as wide and high.
    Coarse,
    /// As the camera gives it.
    Fine,
}

/// A picture that somebody would like to have.
#[derive(Debug, Clone, Copy)]
pub struct LayerRequest {
    /// Whose, and which.
    pub source: Source,
    /// How high it is shown, in pixels; 0 for not at all.
    pub height: u32,
    /// What its coarse layer takes, in bits a second; its only one, when there is one.
    pub coarse: u64,
    /// What its fine layer takes, when there are two.
    pub fine: Option<u64>,
}

/// What somebody gets, with so many bits a second for pictures: first something of as many as
/// possible, screens and large ones first; then finer ones for as many of the large ones as
/// possible. Where nothing fits it is the one that takes least: somebody at a bad line sees
/// something, and only what is sent shows whether the line takes more. Also what all wishes
/// together would take.
pub fn choose(wishes: &[LayerRequest], budget: u64) -> (BTreeMap<Source, Quality>, u64) {
    let mut shown: Vec<&LayerRequest> = wishes.iter().filter(|wish| wish.height > 0).collect();
    shown.sort_by_key(|wish| {
        (
            wish.source.1 != Stream::Screen,
            u32::MAX - wish.height,
            wish.source,
        )
    });
    let wants_fine = |wish: &&&LayerRequest| wish.height > COARSE_HEIGHT;
    let desired = shown
        .iter()
        .map(|wish| {
            wish.fine
                .filter(|_| wants_fine(&wish))
                .unwrap_or(wish.coarse)
        })
        .sum();
    let mut chosen = BTreeMap::new();
    let mut left = budget;
    for wish in &shown {
        if let Some(rest) = left.checked_sub(wish.coarse) {
            left = rest;
            chosen.insert(wish.source, Quality::Coarse);
        }
    }
    if chosen.is_empty()
        && let Some(least) = shown.iter().min_by_key(|wish| wish.coarse)
    {
        chosen.insert(least.source, Quality::Coarse);
        left = 0;
    }
    for wish in shown.iter().filter(wants_fine) {
        let (Some(fine), Some(quality)) = (wish.fine, chosen.get_mut(&wish.source)) else {
            continue;
        };
        if let Some(rest) = left.checked_sub(fine.saturating_sub(wish.coarse)) {
            left = rest;
            *quality = Quality::Fine;
        }
    }
    (chosen, desired)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::components::id::PlayerId;

    fn camera(player: u32, height: u32) -> LayerRequest {
        LayerRequest {
            source: (PlayerId(player), Stream::Camera),
            height,
            coarse: 100,
            fine: Some(400),
        }
    }

    const SCREEN: LayerRequest = LayerRequest {
        source: (PlayerId(9), Stream::Screen),
        height: 720,
        coarse: 500,
        fine: None,
    };

    #[test]
    fn with_room_for_all_large_ones_are_fine_and_small_ones_coarse() {
        let (chosen, desired) = choose(&[camera(1, 500), camera(2, 120), SCREEN], 10_000);
        assert_eq!(chosen[&(PlayerId(1), Stream::Camera)], Quality::Fine);
        assert_eq!(chosen[&(PlayerId(2), Stream::Camera)], Quality::Coarse);
        assert_eq!(
            chosen[&SCREEN.source],
            Quality::Coarse,
            "a screen has one layer"
        );
        assert_eq!(desired, 400 + 100 + 500);
    }

    #[test]
    fn with_little_room_the_screen_comes_first_and_then_something_of_many() {
        let (chosen, _) = choose(&[camera(1, 500), camera(2, 120), SCREEN], 700);
        assert_eq!(chosen.len(), 3);
        assert_eq!(chosen[&(PlayerId(1), Stream::Camera)], Quality::Coarse);
        let (chosen, _) = choose(&[camera(1, 500), camera(2, 120), SCREEN], 600);
        assert!(
            chosen.contains_key(&SCREEN.source)
                && chosen.contains_key(&(PlayerId(1), Stream::Camera))
        );
        assert!(!chosen.contains_key(&(PlayerId(2), Stream::Camera)));
    }

    #[test]
    fn with_no_room_at_all_it_is_the_one_that_takes_least() {
        let (chosen, _) = choose(&[SCREEN, camera(1, 500), camera(2, 120)], 99);
        assert_eq!(
            chosen,
            BTreeMap::from([((PlayerId(1), Stream::Camera), Quality::Coarse)])
        );
    }

    #[test]
    fn what_is_not_shown_is_not_sent() {
        let (chosen, desired) = choose(&[camera(1, 0)], 10_000);
        assert!(chosen.is_empty());
        assert_eq!(desired, 0);
    }
}
