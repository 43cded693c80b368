//! Drawn: cache of map documents and thumbnails, built once per version and bounded in bytes.
//!
//! A large map takes a tenth of a second to build and as long to draw. Requests for an entry that
//! is being built wait for it, and only few entries are built at the same time.

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

/// Capacity of the cache, in bytes.
const CAPACITY: u64 = 32 << 20;

/// Bytes that an entry costs in addition to its content.
const OVERHEAD: u64 = 256;

/// Entries built at the same time; each takes a core.
const AT_ONCE: usize = 2;

/// Lifetime of a map's thumbnail: maps have no version.
const FRESH: Duration = Duration::from_secs(10);

/// Key of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Drawing {
    /// A space with its elements at a version, as JSON.
    Space(SpaceId, u32),
    /// Map of a space at a version, as JSON.
    SpaceMap(SpaceId, u32),
    /// Thumbnail of a space at a version.
    SpacePicture(SpaceId, u32),
    /// Thumbnail of a map.
    MapPicture(MapId),
}

/// A cached answer.
#[derive(Debug, Clone)]
pub struct Drawn {
    /// Body of the answer.
    pub bytes: Bytes,
    /// Entity tag of the body.
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

/// The cache. Cheap to clone.
#[derive(Clone)]
pub struct Drawings(Arc<DrawnState>);

struct DrawnState {
    cache: Cache<Drawing, Drawn, ByBytes>,
    /// How long the thumbnail of a map is served before it is drawn again.
    fresh: Duration,
    builders: Semaphore,
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
            .weight_capacity(CAPACITY)
            // One shard, so that a large map fits.
            .shards(1)
            .build()
            .expect("all required options are set");
        let cache = Cache::with_options(
            options,
            ByBytes,
            RandomState::new(),
            DefaultLifecycle::default(),
        );
        let builders = Semaphore::new(AT_ONCE);
        Self(Arc::new(DrawnState {
            cache,
            fresh,
            builders,
        }))
    }

    /// Returns the cached answer, or builds it from `read` and then `draw`.
    pub async fn get<Read: Send + 'static>(
        &self,
        drawing: Drawing,
        read: impl Future<Output = Result<Read, ApiError>>,
        draw: impl FnOnce(Read) -> Vec<u8> + Send + 'static,
    ) -> Result<Drawn, ApiError> {
        if matches!(drawing, Drawing::MapPicture(_)) {
            self.0
                .cache
                .remove_if(&drawing, |drawn| drawn.made.elapsed() >= self.0.fresh);
        }
        let make = async {
            let _builder = self
                .0
                .builders
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
        self.0.cache.get_or_insert_async(&drawing, make).await
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
    async fn concurrent_requests_build_a_version_once_and_versions_are_separate() {
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
    async fn the_cache_is_bounded_in_bytes() {
        let (drawings, made) = (Drawings::default(), Arc::default());
        for number in 0..100 {
            get(&drawings, version(number), 1 << 20, &made).await;
            assert!(drawings.0.cache.weight() <= CAPACITY);
        }
        let large = get(&drawings, version(1_000), (CAPACITY * 2) as usize, &made).await;
        assert_eq!(
            large.bytes.len() as u64,
            CAPACITY * 2,
            "too large to cache, but answered"
        );
        assert!(drawings.0.cache.weight() <= CAPACITY);
    }

    #[tokio::test]
    async fn a_failed_entry_is_tried_again() {
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
    async fn the_thumbnail_of_a_map_is_drawn_again_after_its_lifetime() {
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
