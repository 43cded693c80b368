//! Word filters: the lists of the server and of spaces, compiled once and kept while they are in
//! use, for what people write over sockets and over HTTP alike.

use std::collections::HashMap;
use std::hash::RandomState;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{OptionsBuilder, Weighter};
use tokio::time::{Instant, timeout};

use crate::components::id::{SpaceId, UserId, WordListId};
use crate::components::membership::Membership;
use crate::components::permissions::Permission;
use crate::components::word_filter::WordList;
use crate::net::session::word_filter::{Filter, Verdict, WordFilter};
use crate::store::{Store, StoreError};

/// Bytes of compiled lists of spaces that are kept.
const CAPACITY: u64 = 64 * 1024 * 1024;

/// Longest wait for the database. After it a message passes.
const PATIENCE: Duration = Duration::from_millis(250);

/// The audit log notes words of one user in one space once in this time.
const REPORT_EVERY: Duration = Duration::from_mins(1);

/// Number of recent reports above which old ones are forgotten.
const MANY_REPORTS: usize = 1_000;

/// Where a text is written.
#[derive(Debug, Clone, Copy)]
pub enum WrittenIn {
    /// In a space with that list, if any.
    Space(SpaceId, Option<WordListId>),
    /// Elsewhere on the server.
    Server,
}

impl WrittenIn {
    /// In a space, by a user who stands to it like this; `None` if lists do not concern them.
    pub fn space(space: SpaceId, membership: &Membership) -> Option<Self> {
        let is_exempt = membership.may(Permission::Announce);
        (!is_exempt).then_some(Self::Space(space, membership.word_filter))
    }

    const fn space_id(self) -> Option<SpaceId> {
        match self {
            Self::Space(space, _) => Some(space),
            Self::Server => None,
        }
    }
}

/// Whose list a word is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ListOwner {
    Server,
    Space,
}

/// A text is not shown, because of a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filtered {
    word: String,
    by: ListOwner,
}

impl Filtered {
    /// Reason, in a sentence for people.
    pub fn reason(&self) -> String {
        let whose = match self.by {
            ListOwner::Server => "this server",
            ListOwner::Space => "this space",
        };
        let word = &self.word;
        format!("The word filter of {whose} does not allow “{word}”.")
    }
}

/// What passed the filters.
#[derive(Default)]
struct Passed {
    /// The text to be shown in place of the one that was written, if they differ, and why.
    redacted: Option<(String, Filtered)>,
    /// Words that the audit log notes.
    reported: Vec<String>,
}

impl Passed {
    fn take(&mut self, text: &str, filter: &dyn Filter, by: ListOwner) -> Result<(), Filtered> {
        let text = self.redacted.as_ref().map_or(text, |(text, _)| text);
        match filter.check(text) {
            Verdict::Pass => {}
            Verdict::Refuse(word) => return Err(Filtered { word, by }),
            Verdict::Redact { text, word } => self.redacted = Some((text, Filtered { word, by })),
            Verdict::Report(words) => self.reported.extend(words),
        }
        Ok(())
    }
}

#[derive(Clone)]
struct ByMemory;

impl Weighter<WordListId, Arc<WordFilter>> for ByMemory {
    fn weight(&self, _: &WordListId, filter: &Arc<WordFilter>) -> u64 {
        filter.bytes() as u64 + 256
    }
}

/// The filters of this process. Cheap to clone.
#[derive(Clone)]
pub struct WordFilters(Arc<FilterState>);

struct FilterState {
    store: Store,
    server: Option<WordFilter>,
    spaces: Cache<WordListId, Arc<WordFilter>, ByMemory>,
    /// When words of a user were last noted.
    reports: Mutex<HashMap<(Option<SpaceId>, UserId), Instant>>,
}

impl WordFilters {
    /// Filters with this list of the server.
    pub fn new(store: Store, server: &WordList) -> Self {
        let options = OptionsBuilder::new()
            .estimated_items_capacity(256)
            .weight_capacity(CAPACITY)
            // One shard, so that a long list fits.
            .shards(1)
            .build()
            .expect("all required options are set");
        let (hasher, lifecycle) = (RandomState::new(), DefaultLifecycle::default());
        Self(Arc::new(FilterState {
            store,
            server: server_filter(server),
            spaces: Cache::with_options(options, ByMemory, hasher, lifecycle),
            reports: Mutex::default(),
        }))
    }

    /// Checks a message of a user. Returns the text to be shown, or why it is refused.
    pub async fn message(
        &self,
        user: UserId,
        place: WrittenIn,
        text: String,
    ) -> Result<String, Filtered> {
        let passed = self.check(place, &text).await?;
        if !passed.reported.is_empty() {
            self.report(user, place, &passed.reported).await;
        }
        Ok(passed.redacted.map_or(text, |(redacted, _)| redacted))
    }

    /// Checks a name, which is not redacted but refused. Returns the words to be reported.
    pub async fn name(&self, place: WrittenIn, name: &str) -> Result<Vec<String>, Filtered> {
        let passed = self.check(place, name).await?;
        match passed.redacted {
            None => Ok(passed.reported),
            Some((_, filtered)) => Err(filtered),
        }
    }

    /// Notes words of a user in the audit log, once a minute at most.
    pub async fn report(&self, user: UserId, place: WrittenIn, words: &[String]) {
        if words.is_empty() || !self.is_due((place.space_id(), user), Instant::now()) {
            return;
        }
        let words: Vec<String> = words.iter().map(|word| format!("“{word}”")).collect();
        let words = words.join(", ");
        let noted = self.0.store.note_filtered(place.space_id(), user, &words);
        if let Err(error) = noted.await {
            tracing::warn!(%error, "failed to note words of a word filter");
        }
    }

    async fn check(&self, place: WrittenIn, text: &str) -> Result<Passed, Filtered> {
        let mut passed = Passed::default();
        if let Some(server) = &self.0.server {
            passed.take(text, server, ListOwner::Server)?;
        }
        if let WrittenIn::Space(_, Some(list)) = place
            && let Some(filter) = self.of_space(list).await
        {
            passed.take(text, &*filter, ListOwner::Space)?;
        }
        Ok(passed)
    }

    /// The compiled list; `None` when it cannot be had.
    async fn of_space(&self, list: WordListId) -> Option<Arc<WordFilter>> {
        if let Some(filter) = self.0.spaces.get(&list) {
            return Some(filter);
        }
        // A task of its own: a list that takes longer than this message waits is there for the
        // next one.
        let filters = self.clone();
        let loading = tokio::spawn(async move {
            let cache = &filters.0.spaces;
            cache.get_or_insert_async(&list, filters.load(list)).await
        });
        match timeout(PATIENCE, loading).await {
            Ok(Ok(Ok(filter))) => Some(filter),
            Ok(Ok(Err(error))) => {
                tracing::warn!(%error, %list, "failed to load a word filter; texts pass");
                None
            }
            Ok(Err(_)) | Err(_) => {
                tracing::warn!(%list, "a word filter takes too long to load; texts pass");
                None
            }
        }
    }

    async fn load(&self, list: WordListId) -> Result<Arc<WordFilter>, StoreError> {
        // A list that is gone was replaced. The next message asks for the new one.
        let list = self.0.store.word_list(list).await?.unwrap_or_default();
        let compiling = tokio::task::spawn_blocking(move || WordFilter::compile(&list));
        let compiled = compiling.await.ok().and_then(Result::ok);
        compiled
            .map(Arc::new)
            .ok_or(StoreError::Corrupt("a word filter"))
    }

    fn is_due(&self, key: (Option<SpaceId>, UserId), now: Instant) -> bool {
        let mut reports = self.0.reports.lock();
        if reports.len() > MANY_REPORTS {
            reports.retain(|_, at| now.duration_since(*at) < REPORT_EVERY);
        }
        let is_recent = |at: &Instant| now.duration_since(*at) < REPORT_EVERY;
        if reports.get(&key).is_some_and(is_recent) {
            return false;
        }
        reports.insert(key, now);
        true
    }
}

/// The filter of the server, if it has a list.
fn server_filter(list: &WordList) -> Option<WordFilter> {
    if list.words().is_empty() {
        return None;
    }
    // Lists from a settings file are far below what an automaton holds.
    WordFilter::compile(list)
        .inspect_err(|error| tracing::error!(%error, "the word filter of the server is off"))
        .ok()
}
