//! Drawn: cache of map documents and thumbnails, built once per version and bounded in bytes.
//!
//! A large map takes a tenth of a second to build and as long to draw. Requests for an entry that
//! is being built wait for it, and only few entries are built at the same time, in turns that are
//! fair between networks and between users. An entry is compressed once, when it is built.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::io::Write;
use std::sync::{Arc, Weak};

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use parking_lot::Mutex;
use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{OptionsBuilder, Weighter};
use tokio::sync::Mutex as AsyncMutex;
use tokio::time::{Duration, Instant};

use super::address::Address;
use super::background;
use super::error::ApiError;
use super::files::etag_of;
use super::turns::{Asker, Turns};
use crate::components::id::{MapId, SpaceId, UserId};
use crate::net::address::AddressKey;

/// Capacity of the cache, in bytes.
const CAPACITY: u64 = 32 << 20;

/// Bytes that an entry costs in addition to its content.
const OVERHEAD: u64 = 256;

/// Entries built at the same time; each takes a core.
const AT_ONCE: usize = 2;

/// Most entries that requests of one network wait for: more than a page of the lobby shows.
const MOST_OF_NETWORK: usize = 64;

/// Number of requested entries at which those without a waiting request are removed.
const CLEAN_AT: usize = 256;

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

/// Who asks for an entry.
#[derive(Debug, Clone, Copy)]
pub struct Viewer {
    /// Address of the request.
    pub from: Address,
    /// The user, if signed in.
    pub user: Option<UserId>,
}

/// A cached answer.
#[derive(Debug, Clone)]
pub struct Drawn {
    /// Body of the answer.
    pub bytes: Bytes,
    /// Entity tag of the body.
    pub etag: HeaderValue,
    gzip: Bytes,
    made: Instant,
}

/// Marks an answer that is sent as it is kept, without compressing it for each request.
#[derive(Debug, Clone, Copy)]
pub struct AsKept;

impl Drawn {
    /// Compresses on this thread.
    fn of(bytes: Vec<u8>) -> Option<Self> {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        gzip.write_all(&bytes).ok()?;
        let gzip = Bytes::from(gzip.finish().ok()?);
        let bytes = Bytes::from(bytes);
        Some(Self {
            etag: etag_of(&bytes),
            bytes,
            gzip,
            made: Instant::now(),
        })
    }

    /// The answer in the form that the client accepts.
    pub fn answer(self, content_type: &'static str, request: &HeaderMap) -> Response {
        let is_gzip = accepts_gzip(request);
        let body = if is_gzip { self.gzip } else { self.bytes };
        let content_type = HeaderValue::from_static(content_type);
        let mut response = ([(header::CONTENT_TYPE, content_type)], body).into_response();
        let headers = response.headers_mut();
        headers.append(header::VARY, HeaderValue::from_static("accept-encoding"));
        if is_gzip {
            let gzip = HeaderValue::from_static("gzip");
            headers.insert(header::CONTENT_ENCODING, gzip);
        }
        response.extensions_mut().insert(AsKept);
        response
    }
}

/// Whether the client accepts gzip, by name or by `*`.
fn accepts_gzip(request: &HeaderMap) -> bool {
    let values = request.get_all(header::ACCEPT_ENCODING);
    let texts = values.iter().filter_map(|value| value.to_str().ok());
    let mut accepts = (None, None);
    for coding in texts.flat_map(|text| text.split(',')) {
        let mut parts = coding.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let weight = parts.find_map(|part| part.strip_prefix("q=").or(part.strip_prefix("Q=")));
        let is_taken = weight.is_none_or(|text| text.parse().is_ok_and(|q: f32| q > 0.0));
        if name.eq_ignore_ascii_case("gzip") || name.eq_ignore_ascii_case("x-gzip") {
            accepts.0 = Some(is_taken);
        } else if name == "*" {
            accepts.1 = Some(is_taken);
        }
    }
    accepts.0.or(accepts.1).unwrap_or(false)
}

#[derive(Clone)]
struct ByBytes;

impl Weighter<Drawing, Drawn> for ByBytes {
    fn weight(&self, _: &Drawing, drawn: &Drawn) -> u64 {
        (drawn.bytes.len() + drawn.gzip.len()) as u64 + OVERHEAD
    }
}

/// The cache. Cheap to clone.
#[derive(Clone)]
pub struct Drawings(Arc<DrawnState>);

/// Locks of what requests of a network wait for.
type Requested = HashMap<(Drawing, Option<AddressKey>), Weak<AsyncMutex<()>>>;

struct DrawnState {
    cache: Cache<Drawing, Drawn, ByBytes>,
    /// How long the thumbnail of a map is served before it is drawn again.
    fresh: Duration,
    turns: Arc<Turns>,
    /// What requests of each network wait for, so that many of them take one place in the queue.
    requested: Mutex<Requested>,
    hasher: RandomState,
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
        Self(Arc::new(DrawnState {
            cache,
            fresh,
            turns: Turns::bounded(AT_ONCE, MOST_OF_NETWORK),
            requested: Mutex::default(),
            hasher: RandomState::new(),
        }))
    }

    /// An account of its own for each network, for those who are not signed in.
    fn asker(&self, viewer: Viewer) -> Asker {
        let network = viewer.from.key();
        let stranger = || self.0.hasher.hash_one(network);
        Asker {
            network,
            account: viewer
                .user
                .map_or_else(stranger, |user| user.0.as_u64_pair().1),
            is_known: false,
        }
    }

    /// The lock of requests from one network for one entry.
    fn request(&self, drawing: Drawing, network: Option<AddressKey>) -> Arc<AsyncMutex<()>> {
        let mut requested = self.0.requested.lock();
        if requested.len() >= CLEAN_AT {
            requested.retain(|_, request| request.strong_count() > 0);
        }
        let known = requested.get(&(drawing, network)).and_then(Weak::upgrade);
        known.unwrap_or_else(|| {
            let request = Arc::default();
            requested.insert((drawing, network), Arc::downgrade(&request));
            request
        })
    }

    /// Returns the cached answer, or builds it from `read` and then `draw` when it is the viewer's
    /// turn.
    pub async fn get<Read: Send + 'static>(
        &self,
        drawing: Drawing,
        viewer: Viewer,
        read: impl Future<Output = Result<Read, ApiError>>,
        draw: impl FnOnce(Read) -> Vec<u8> + Send + 'static,
    ) -> Result<Drawn, ApiError> {
        let cache = &self.0.cache;
        if matches!(drawing, Drawing::MapPicture(_)) {
            cache.remove_if(&drawing, |drawn| drawn.made.elapsed() >= self.0.fresh);
        }
        if let Some(drawn) = cache.get(&drawing) {
            return Ok(drawn);
        }
        let asker = self.asker(viewer);
        let request = self.request(drawing, asker.network);
        let _request = request.lock().await;
        if let Some(drawn) = cache.get(&drawing) {
            return Ok(drawn);
        }
        // Before the entry is reserved in the cache: no request waits for the turn of another user.
        let turn = self.0.turns.wait(asker).await.map_err(|_| {
            ApiError::Unavailable(
                "Too many maps are drawn at this moment. Try again in a few seconds.",
            )
        })?;
        let make = async {
            let read = read.await?;
            // The turn moves along: the work goes on when the client leaves, and still counts.
            let work = move || {
                let _turn = turn;
                Drawn::of(draw(read))
            };
            background::run("map", work)
                .await?
                .ok_or(ApiError::Internal)
        };
        cache.get_or_insert_async(&drawing, make).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::FutureExt;
    use futures_util::future::BoxFuture;
    use uuid::Uuid;

    use super::*;

    fn viewer(network: u8) -> Viewer {
        Viewer {
            from: Address(Some([10, 0, 0, network].into())),
            user: None,
        }
    }

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
        let read = async { Ok(()) };
        let drawn = drawings.get(drawing, viewer(1), read, draw);
        drawn.await.unwrap()
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
        let large = get(&drawings, version(1_000), CAPACITY as usize, &made).await;
        assert_eq!(
            large.bytes.len() as u64,
            CAPACITY,
            "too large to cache, but answered"
        );
        assert!(drawings.0.cache.weight() <= CAPACITY);
    }

    #[tokio::test]
    async fn a_failed_entry_is_tried_again() {
        let (drawings, made) = (Drawings::default(), Arc::default());
        let failed = drawings.get(
            version(1),
            viewer(1),
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

    /// Asks for an entry, which is written to `order` when it is drawn.
    fn ask(
        drawings: &Drawings,
        number: u32,
        network: u8,
        order: &Arc<Mutex<Vec<u32>>>,
    ) -> BoxFuture<'static, Result<Drawn, ApiError>> {
        let (drawings, order) = (drawings.clone(), Arc::clone(order));
        let draw = move |()| {
            order.lock().push(number);
            Vec::new()
        };
        async move {
            let read = async { Ok(()) };
            drawings
                .get(version(number), viewer(network), read, draw)
                .await
        }
        .boxed()
    }

    #[tokio::test]
    async fn another_network_waits_for_one_entry_of_a_crowded_one() {
        let (drawings, order) = (Drawings::default(), Arc::default());
        let mut working = Vec::new();
        for _ in 0..AT_ONCE {
            let turn = drawings.0.turns.wait(drawings.asker(viewer(1))).await;
            working.push(turn.unwrap());
        }
        let most = MOST_OF_NETWORK as u32;
        let mut asked: Vec<_> = (0..most)
            .map(|number| ask(&drawings, number, 1, &order))
            .collect();
        for asked in &mut asked {
            assert!(asked.now_or_never().is_none(), "it waits");
        }
        let refused = ask(&drawings, 1_000, 1, &order).await;
        assert!(matches!(refused, Err(ApiError::Unavailable(_))));
        // Another user asks for the last of them: this does not delay it.
        asked.push(ask(&drawings, most - 1, 2, &order));
        assert!(asked.last_mut().unwrap().now_or_never().is_none());
        // Others of the crowded network wait with those who asked for the same.
        asked.push(ask(&drawings, 0, 1, &order));
        assert!(asked.last_mut().unwrap().now_or_never().is_none());
        working.truncate(1);
        for drawn in futures_util::future::join_all(asked).await {
            drawn.unwrap();
        }
        let order = order.lock();
        assert_eq!(order.len(), MOST_OF_NETWORK, "each is drawn once");
        assert!(order[..2].contains(&(most - 1)), "{order:?}");
    }

    #[tokio::test]
    async fn both_forms_are_kept_and_the_client_gets_the_one_it_accepts() {
        let (drawings, made) = (Drawings::default(), Arc::default());
        let drawn = get(&drawings, version(1), 10_000, &made).await;
        let weight = (drawn.bytes.len() + drawn.gzip.len()) as u64 + OVERHEAD;
        assert_eq!(drawings.0.cache.weight(), weight);
        for (accepted, is_gzip) in [
            ("gzip, deflate, br", true),
            ("deflate, GZIP;q=0.5", true),
            ("*", true),
            ("gzip;q=0, *", false),
            ("br", false),
            ("", false),
        ] {
            let value = HeaderValue::from_static(accepted);
            let request = HeaderMap::from_iter([(header::ACCEPT_ENCODING, value)]);
            let answer = drawn.clone().answer("image/svg+xml", &request);
            let headers = answer.headers();
            assert_eq!(headers.contains_key(header::CONTENT_ENCODING), is_gzip);
            assert_eq!(headers[header::VARY], "accept-encoding");
            assert!(answer.extensions().get::<AsKept>().is_some());
        }
        let mut plain = Vec::new();
        std::io::Read::read_to_end(
            &mut flate2::read::GzDecoder::new(&drawn.gzip[..]),
            &mut plain,
        )
        .unwrap();
        assert_eq!(plain, drawn.bytes);
    }
}
