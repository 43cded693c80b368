//! Layers: chooses which video streams a client gets, and in which quality, for its bandwidth.
//!
//! Pure: requests and a budget in bits per second go in, choices come out.

use std::collections::BTreeMap;

use super::session::{Source, Stream};

/// A video shown at most this high, in pixels, looks as good in the coarse layer.
const COARSE_HEIGHT: u32 = 216;

/// Quality of a video stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Quality {
    /// Half the width and height.
    Coarse,
    /// Full resolution of the camera.
    Fine,
}

/// A video stream that a client shows.
#[derive(Debug, Clone, Copy)]
pub struct LayerRequest {
    /// Player and kind of the stream.
    pub source: Source,
    /// Height at which it is shown, in pixels; 0 for hidden.
    pub height: u32,
    /// Bitrate of the coarse or only layer, in bits per second.
    pub coarse: u64,
    /// Bitrate of the fine layer in bits per second, if there are two layers.
    pub fine: Option<u64>,
}

/// Chooses qualities within `budget` bits per second, and returns them with the bitrate of all
/// requests together. As many streams as possible get the coarse layer, screens and large ones
/// first; then as many large ones as possible get the fine layer. If nothing fits, the stream with
/// the lowest bitrate is chosen: a client with a bad connection sees something, and only sent video
/// shows whether the connection carries more.
pub fn choose(requests: &[LayerRequest], budget: u64) -> (BTreeMap<Source, Quality>, u64) {
    let mut shown: Vec<&LayerRequest> = requests
        .iter()
        .filter(|request| request.height > 0)
        .collect();
    shown.sort_by_key(|request| {
        (
            request.source.1 != Stream::Screen,
            u32::MAX - request.height,
            request.source,
        )
    });
    let wants_fine = |request: &&&LayerRequest| request.height > COARSE_HEIGHT;
    let desired = shown
        .iter()
        .map(|request| {
            request
                .fine
                .filter(|_| wants_fine(&request))
                .unwrap_or(request.coarse)
        })
        .sum();
    let mut chosen = BTreeMap::new();
    let mut left = budget;
    for request in &shown {
        if let Some(rest) = left.checked_sub(request.coarse) {
            left = rest;
            chosen.insert(request.source, Quality::Coarse);
        }
    }
    if chosen.is_empty()
        && let Some(least) = shown.iter().min_by_key(|request| request.coarse)
    {
        chosen.insert(least.source, Quality::Coarse);
        left = 0;
    }
    for request in shown.iter().filter(wants_fine) {
        let (Some(fine), Some(quality)) = (request.fine, chosen.get_mut(&request.source)) else {
            continue;
        };
        if let Some(rest) = left.checked_sub(fine.saturating_sub(request.coarse)) {
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
    fn with_enough_bandwidth_large_videos_are_fine_and_small_ones_coarse() {
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
    fn with_little_bandwidth_the_screen_comes_first_then_coarse_videos() {
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
    fn with_no_bandwidth_the_stream_with_the_lowest_bitrate_is_chosen() {
        let (chosen, _) = choose(&[SCREEN, camera(1, 500), camera(2, 120)], 99);
        assert_eq!(
            chosen,
            BTreeMap::from([((PlayerId(1), Stream::Camera), Quality::Coarse)])
        );
    }

    #[test]
    fn a_hidden_video_is_not_sent() {
        let (chosen, desired) = choose(&[camera(1, 0)], 10_000);
        assert!(chosen.is_empty());
        assert_eq!(desired, 0);
    }
}
