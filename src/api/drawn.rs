//! Drawn: maps and pictures of spaces, made once for each version and kept as long as there is
//! room.
//!
//! A large map takes a tenth of a second to put together and as long to draw. Those who ask for one
//! that is being made wait for it, few are made at once, and what is kept is bounded in bytes.

use std::collections::hash_map::RandomState;
use std::sync::Arc;

use axum::http::HeaderValue;
use bytes::Bytes;
use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{OptionsBuilder, Weighter};
use tokio::sync::Semaphore;
use tokio::time::{Duration, Instant};

use super::error::ApiError;
use super::files::etag_of;
use crate::components::id::{MapId, SpaceId};

/// Bytes that are kept.
const ROOM: u64 = 32 << 20;

/// What one more costs in addition to its bytes.
const OVERHEAD: u64 = 256;

/// Made at the same time; each takes a core.
const AT_ONCE: usize = 2;

/// A map has no version, so its picture is made again after so long.
const FRESH: Duration = Duration::from_secs(10);

/// What is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Drawing {
    /// The map of a space at a version, as JSON.
    SpaceMap(SpaceId, u32),
    /// The picture of a space at a version.
    SpacePicture(SpaceId, u32),
    /// The picture of a map.
    MapPicture(MapId),
}

/// What was made.
#[derive(Debug, Clone)]
pub struct Drawn {
    /// The answer.
    pub bytes: Bytes,
    /// Names these very bytes.
    pub etag: HeaderValue,
    made: Instant,
}

#[derive(Clone)]
struct ByBytes;

impl Weighter<Drawing, Drawn> for ByBytes {
    fn weight(&self, _: &Drawing, drawn: &Drawn) -> u64 {
        drawn.bytes.len() as u64 + OVERHEAD
    }
}

/// All that is kept. Cheap to clone.
#[derive(Clone)]
pub struct Drawings(Arc<DrawnState>);

struct DrawnState {
    kept: Cache<Drawing, Drawn, ByBytes>,
    /// How long the picture of a map is shown without another look.
    fresh: Duration,
    makers: Semaphore,
}

impl Default for Drawings {
    fn default() -> Self {
        Self::fresh_for(FRESH)
    }
}

impl Drawings {
    fn fresh_for(fresh: Duration) -> Self {
        let options = OptionsBuilder::new()
            .estimated_items_capacity(1_000)
            .weight_capacity(ROOM)
            // A large map must fit into one.
            .shards(1)
            .build()
            .expect("all that is needed is said");
        let kept = Cache::with_options(
            options,
            ByBytes,
            RandomState::new(),
            DefaultLifecycle::default(),
        );
        let makers = Semaphore::new(AT_ONCE);
        Self(Arc::new(DrawnState {
            kept,
            fresh,
            makers,
        }))
    }

    /// What was made of it, or what `read` and then `draw` make of it now.
    pub async fn get<Read: Send + 'static>(
        &self,
        drawing: Drawing,
        read: impl Future<Output = Result<Read, ApiError>>,
        draw: impl FnOnce(Read) -> Vec<u8> + Send + 'static,
    ) -> Result<Drawn, ApiError> {
        if matches!(drawing, Drawing::MapPicture(_)) {
            self.0
                .kept
                .remove_if(&drawing, |drawn| drawn.made.elapsed() >= self.0.fresh);
        }
        let make = async {
            let _maker = self
                .0
                .makers
                .acquire()
                .await
                .map_err(|_| ApiError::Internal)?;
            let read = read.await?;
            let bytes = tokio::task::spawn_blocking(move || draw(read)).await;
            let bytes = Bytes::from(bytes.map_err(|_| ApiError::Internal)?);
            Ok(Drawn {
                etag: etag_of(&bytes),
                bytes,
                made: Instant::now(),
            })
        };
        self.0.kept.get_or_insert_async(&drawing, make).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use uuid::Uuid;

    use super::*;

    async fn get(
        drawings: &Drawings,
        drawing: Drawing,
        bytes: usize,
        made: &Arc<AtomicUsize>,
    ) -> Drawn {
        let made = Arc::clone(made);
        let draw = move |()| {
            made.fetch_add(1, Ordering::Relaxed);
            vec![b'x'; bytes]
        };
        drawings.get(drawing, async { Ok(()) }, draw).await.unwrap()
    }

    fn version(number: u32) -> Drawing {
        Drawing::SpaceMap(SpaceId(Uuid::nil()), number)
    }

    #[tokio::test]
    async fn many_who_ask_at_once_have_it_made_once_and_each_version_apart() {
        let (drawings, made) = (Drawings::default(), Arc::default());
        let all =
            futures_util::future::join_all((0..50).map(|_| get(&drawings, version(1), 10, &made)))
                .await;
        assert_eq!(made.load(Ordering::Relaxed), 1);
        assert!(all.iter().all(|drawn| drawn.etag == all[0].etag));
        get(&drawings, version(2), 10, &made).await;
        assert_eq!(made.load(Ordering::Relaxed), 2);
    }

    #[tokio::test]
    async fn what_is_kept_is_bounded_in_bytes() {
        let (drawings, made) = (Drawings::default(), Arc::default());
        for number in 0..100 {
            get(&drawings, version(number), 1 << 20, &made).await;
            assert!(drawings.0.kept.weight() <= ROOM);
        }
        let large = get(&drawings, version(1_000), (ROOM * 2) as usize, &made).await;
        assert_eq!(
            large.bytes.len() as u64,
            ROOM * 2,
            "too large to be kept, but answered"
        );
        assert!(drawings.0.kept.weight() <= ROOM);
    }

    #[tokio::test]
    async fn what_fails_is_tried_again() {
        let (drawings, made) = (Drawings::default(), Arc::default());
        let failed = drawings.get(
            version(1),
            async { Err::<(), _>(ApiError::NotFound) },
            |()| Vec::new(),
        );
        assert!(matches!(failed.await, Err(ApiError::NotFound)));
        get(&drawings, version(1), 10, &made).await;
        assert_eq!(made.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn the_picture_of_a_map_is_made_again_after_a_while() {
        for (fresh, expected) in [(Duration::ZERO, 3), (Duration::from_hours(1), 1)] {
            let (drawings, made) = (Drawings::fresh_for(fresh), Arc::default());
            for _ in 0..3 {
                get(
                    &drawings,
                    Drawing::MapPicture(MapId(Uuid::nil())),
                    10,
                    &made,
                )
                .await;
            }
            assert_eq!(made.load(Ordering::Relaxed), expected);
        }
    }
}
