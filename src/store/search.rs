//! Search: lines of chat by their words, for a second at most.
//!
//! No statement reads more than a few hundred rows, and between two of them the clock is asked:
//! what was not looked at by then is the next page. So a search is bounded in every database,
//! however much was said.

use tokio::time::{Duration, Instant};

use super::chat::{ChatPage, RawMessageRow};
use super::words::{WordQuery, behind};
use super::{Store, StoreError, id};
use crate::components::chat::ChatMessage;
use crate::components::id::{ChatId, SpaceId};

/// How long one search goes on.
const PATIENCE: Duration = Duration::from_millis(800);

/// Different words that begin as a wanted one, up to which the index is asked. When there are more,
/// most lines have one of them.
const MOST_WORDS: usize = 32;

/// Words of a search of which the index is asked which of them is the rarest.
const MOST_KEYS: usize = 8;

/// Lines in which one word stands, read at once.
const PLACES: i64 = 64;

/// Lines that are looked up at once.
const LOOKED_UP: usize = 32;

/// Lines that are read one after the other at once, where the index does not help.
const READ: i64 = 200;

/// What a search found, and how far it came.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SearchResult {
    /// Newest first.
    pub lines: Vec<ChatMessage>,
    /// The line up to which it looked: what was said earlier is found with another search before
    /// it. Nothing when it looked everywhere.
    pub before: Option<ChatId>,
}

/// A search under way.
struct TextSearch<'a> {
    store: &'a Store,
    space: String,
    wanted: WordQuery,
    since: i64,
    limit: usize,
    /// Lines from this one on were looked at.
    before: i64,
    /// Lines up to this one were deleted.
    after: i64,
    end: Instant,
    found: Vec<RawMessageRow>,
    last: Option<String>,
}

impl Store {
    /// Lines of a space in which each part of the search stands at the beginning of a word, newest
    /// first.
    pub async fn search(
        &self,
        space: SpaceId,
        search: &str,
        page: ChatPage,
    ) -> Result<SearchResult, StoreError> {
        let cleared: Option<(i64,)> =
            sqlx::query_as("select chat_cleared from spaces where id = $1")
                .bind(space.to_string())
                .fetch_optional(&self.searchers)
                .await?;
        let Some((after,)) = cleared else {
            return Ok(SearchResult::default());
        };
        let mut search = TextSearch {
            store: self,
            after,
            space: space.to_string(),
            wanted: WordQuery::new(search),
            since: page.since as i64,
            limit: page.limit as usize,
            before: self.place_of(space, page.before).await?,
            end: Instant::now() + PATIENCE,
            found: Vec::new(),
            last: None,
        };
        let is_all = match search.rarest().await? {
            Some(words) => search.by_index(&words).await?,
            None => search.one_by_one().await?,
        };
        let TextSearch { found, last, .. } = search;
        let last = last.as_deref().map(id).transpose()?.or(page.before);
        let before = last.filter(|_| !is_all);
        Ok(SearchResult {
            lines: self.with_reactions(space, found).await?,
            before,
        })
    }
}

impl TextSearch<'_> {
    /// The words of the index of which every line that is found has one; nothing when it is better
    /// to read the lines themselves.
    async fn rarest(&self) -> Result<Option<Vec<Vec<u8>>>, StoreError> {
        let unfilled: Option<(String,)> =
            sqlx::query_as("select id from chat_lines where space_id = $1 and indexed = 0 limit 1")
                .bind(self.space.clone())
                .fetch_optional(&self.store.searchers)
                .await?;
        if unfilled.is_some() {
            return Ok(None);
        }
        let mut rarest: Option<(i64, Vec<Vec<u8>>)> = None;
        for key in self.wanted.keys().into_iter().take(MOST_KEYS) {
            let Some(words) = self.words(&key).await? else {
                continue;
            };
            let mut lines = 0;
            for word in &words {
                let (some,): (i64,) = sqlx::query_as(
                    "select count(*) from (select 1 from chat_words where space_id = $1 and word = \
                    $2 limit 1000) as counted",
                )
                .bind(self.space.clone())
                .bind(word.clone())
                .fetch_one(&self.store.searchers)
                .await?;
                lines += some;
            }
            if rarest.as_ref().is_none_or(|(fewest, _)| lines < *fewest) {
                rarest = Some((lines, words));
            }
            if lines == 0 || self.is_over() {
                break;
            }
        }
        Ok(rarest.map(|(_, words)| words))
    }

    /// The words that begin so, unless there are too many.
    async fn words(&self, key: &str) -> Result<Option<Vec<Vec<u8>>>, StoreError> {
        let (mut from, behind) = (key.as_bytes().to_vec(), behind(key));
        let mut words: Vec<Vec<u8>> = Vec::new();
        loop {
            // From one word to the next, over all the lines in which it stands.
            let row: Option<(Vec<u8>,)> = sqlx::query_as(
                "select word from chat_words where space_id = $1 and word >= $2 and word < $3 \
                order by word limit 1",
            )
            .bind(self.space.clone())
            .bind(from)
            .bind(behind.clone())
            .fetch_optional(&self.store.searchers)
            .await?;
            let Some((word,)) = row else {
                return Ok(Some(words));
            };
            if words.len() >= MOST_WORDS {
                return Ok(None);
            }
            // Nothing lies between a word and the same with a zero behind it.
            from = [&word[..], &[0]].concat();
            words.push(word);
        }
    }

    /// Looks at the lines that have one of these words. Answers whether it came to the end.
    async fn by_index(&mut self, words: &[Vec<u8>]) -> Result<bool, StoreError> {
        loop {
            let (mut places, mut until) = (Vec::new(), None);
            for word in words {
                let rows: Vec<(i64,)> = sqlx::query_as(
                    "select seq from chat_words where space_id = $1 and word = $2 and seq < $3 and \
                    seq > $4 \
                     order by seq desc limit $5",
                )
                .bind(self.space.clone())
                .bind(word.clone())
                .bind(self.before)
                .bind(self.after)
                .bind(PLACES)
                .fetch_all(&self.store.searchers)
                .await?;
                if rows.len() as i64 == PLACES {
                    // Of this word there are more below, so below nothing is complete.
                    until = until.max(rows.last().map(|(seq,)| *seq));
                }
                places.extend(rows.into_iter().map(|(seq,)| seq));
            }
            places.retain(|seq| until.is_none_or(|until| *seq >= until));
            places.sort_unstable_by_key(|seq| std::cmp::Reverse(*seq));
            places.dedup();
            for places in places.chunks(LOOKED_UP) {
                let rows = self.look_up(places).await?;
                if self.look_at(rows) || self.is_over() {
                    return Ok(false);
                }
            }
            match until {
                Some(until) => self.before = until,
                None => return Ok(true),
            }
        }
    }

    /// The lines at these places, newest first.
    async fn look_up(&self, places: &[i64]) -> Result<Vec<RawMessageRow>, StoreError> {
        let mut statement = sqlx::query_as(
            "select id, seq, user_id, name, text, at, scope, reply_to, edited_at, deleted from \
            chat_lines \
             where space_id = $1 and at >= $2 and deleted = 0 \
             and seq in ($3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, \
             $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34) order \
             by seq desc",
        )
        .bind(self.space.clone())
        .bind(self.since);
        for place in places
            .iter()
            .copied()
            .chain(std::iter::repeat(-1))
            .take(LOOKED_UP)
        {
            statement = statement.bind(place);
        }
        Ok(statement.fetch_all(&self.store.searchers).await?)
    }

    /// Reads line after line. Answers whether it came to the end.
    async fn one_by_one(&mut self) -> Result<bool, StoreError> {
        loop {
            let rows: Vec<RawMessageRow> = sqlx::query_as(
                "select id, seq, user_id, name, text, at, scope, reply_to, edited_at, deleted from \
                chat_lines \
                 where space_id = $1 and seq < $2 and seq > $3 and at >= $4 order by seq desc \
                 limit $5",
            )
            .bind(self.space.clone())
            .bind(self.before)
            .bind(self.after)
            .bind(self.since)
            .bind(READ)
            .fetch_all(&self.store.searchers)
            .await?;
            let is_end = (rows.len() as i64) < READ;
            self.before = rows.last().map_or(self.before, |row| row.seq);
            if self.look_at(rows) || (self.is_over() && !is_end) {
                return Ok(false);
            }
            if is_end {
                return Ok(true);
            }
        }
    }

    /// Takes what fits; answers whether that is as many as are wanted.
    fn look_at(&mut self, rows: Vec<RawMessageRow>) -> bool {
        for row in rows {
            if self.found.len() >= self.limit {
                return true;
            }
            self.last = Some(row.id.clone());
            if self.wanted.is_in(&row.text) {
                self.found.push(row);
            }
        }
        false
    }

    fn is_over(&self) -> bool {
        Instant::now() >= self.end
    }
}
