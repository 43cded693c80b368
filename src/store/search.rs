//! Search: finds chat messages by their words, within a second.
//!
//! No statement reads more than a few hundred rows, and the clock is checked between two of them:
//! what was not searched in time is left to the next page. A search is bounded in every database,
//! regardless of the number of messages.

use tokio::time::{Duration, Instant};

use super::chat::{ChatPage, MessagePage, RawMessageRow};
use super::paging::PAGE_BYTES;
use super::words::{WordQuery, behind};
use super::{Store, StoreError, column, id};
use crate::components::id::{SpaceId, UserId};

/// Time limit of a search.
const SEARCH_TIME: Duration = Duration::from_millis(800);

/// Most words with a searched prefix for which the index is used. With more of them, most messages
/// contain one.
const MOST_WORDS: usize = 32;

/// Most words of a search whose frequency is compared.
const MOST_KEYS: usize = 8;

/// Messages with a word that are read at once from the index.
const PLACES: i64 = 64;

/// Messages that are loaded at once.
const LOOKED_UP: usize = 32;

/// Messages that are read at once where the index does not help.
const READ: i64 = 200;

/// A running search.
struct TextSearch<'a> {
    store: &'a Store,
    space: String,
    wanted: WordQuery,
    since: i64,
    limit: usize,
    /// Bytes of the texts that were found.
    bytes: usize,
    /// Users whose messages are left out.
    without: &'a [UserId],
    /// Messages from this number on were searched.
    before: i64,
    /// Messages up to this number were deleted.
    after: i64,
    end: Instant,
    found: Vec<RawMessageRow>,
    last: Option<String>,
}

impl Store {
    /// Finds the messages of a space in which each part of the search is the beginning of a word,
    /// newest first.
    pub async fn search(
        &self,
        space: SpaceId,
        search: &str,
        page: ChatPage<'_>,
    ) -> Result<MessagePage, StoreError> {
        self.search_within(SEARCH_TIME, space, search, page).await
    }

    async fn search_within(
        &self,
        time: Duration,
        space: SpaceId,
        search: &str,
        page: ChatPage<'_>,
    ) -> Result<MessagePage, StoreError> {
        let cleared: Option<(i64,)> =
            sqlx::query_as("select chat_cleared from spaces where id = $1")
                .bind(space.to_string())
                .fetch_optional(&self.searchers)
                .await?;
        let Some((after,)) = cleared else {
            return Ok(MessagePage::default());
        };
        let mut search = TextSearch {
            store: self,
            after,
            space: space.to_string(),
            wanted: WordQuery::new(search),
            since: column(page.since),
            limit: usize::try_from(page.limit).unwrap_or(usize::MAX),
            bytes: 0,
            without: page.without,
            before: self.number_of(space, page.before).await?,
            end: Instant::now() + time,
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
        Ok(MessagePage {
            lines: self.with_reactions(space, found, page.without).await?,
            before,
        })
    }
}

impl TextSearch<'_> {
    /// Words of the index of which every match contains one; `None` when reading all messages is
    /// better.
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
            let mut count = 0;
            for word in &words {
                let (some,): (i64,) = sqlx::query_as(
                    "select count(*) from (select 1 from chat_words where space_id = $1 and word = \
                    $2 limit 1000) as counted",
                )
                .bind(self.space.clone())
                .bind(word.clone())
                .fetch_one(&self.store.searchers)
                .await?;
                count += some;
            }
            if rarest.as_ref().is_none_or(|(fewest, _)| count < *fewest) {
                rarest = Some((count, words));
            }
            if count == 0 || self.is_over() {
                break;
            }
        }
        Ok(rarest.map(|(_, words)| words))
    }

    /// Words of the index with this prefix; `None` when there are too many.
    async fn words(&self, key: &str) -> Result<Option<Vec<Vec<u8>>>, StoreError> {
        let (mut from, behind) = (key.as_bytes().to_vec(), behind(key));
        let mut words: Vec<Vec<u8>> = Vec::new();
        loop {
            // Jumps from one word to the next, over all messages that contain it.
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
            // The next possible word after `word` is `word` followed by a zero byte.
            from = [&word[..], &[0]].concat();
            words.push(word);
        }
    }

    /// Searches the messages that contain one of these words. Returns whether all were searched.
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
                if column(rows.len()) == PLACES {
                    // This word has further messages below, so the result is only complete down to
                    // here.
                    until = until.max(rows.last().map(|(seq,)| *seq));
                }
                places.extend(rows.into_iter().map(|(seq,)| seq));
            }
            places.retain(|seq| until.is_none_or(|until| *seq >= until));
            places.sort_unstable_by_key(|seq| std::cmp::Reverse(*seq));
            places.dedup();
            for places in places.chunks(LOOKED_UP) {
                let rows = self.look_up(places).await?;
                if self.look_at(rows)? || self.is_over() {
                    return Ok(false);
                }
            }
            match until {
                Some(until) => self.before = until,
                None => return Ok(true),
            }
        }
    }

    /// Loads the messages with these numbers, newest first.
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

    /// Searches message after message. Returns whether all were searched.
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
            let is_end = column(rows.len()) < READ;
            self.before = rows.last().map_or(self.before, |row| row.seq);
            if self.look_at(rows)? || (self.is_over() && !is_end) {
                return Ok(false);
            }
            if is_end {
                return Ok(true);
            }
        }
    }

    /// Adds matching messages; returns whether the page is full.
    fn look_at(&mut self, rows: Vec<RawMessageRow>) -> Result<bool, StoreError> {
        for row in rows {
            if self.found.len() >= self.limit || self.bytes >= PAGE_BYTES {
                return Ok(true);
            }
            self.last = Some(row.id.clone());
            if self.wanted.is_in(&row.text) && !self.without.contains(&id(&row.user_id)?) {
                self.bytes += row.text.len();
                self.found.push(row);
            }
        }
        Ok(false)
    }

    fn is_over(&self) -> bool {
        Instant::now() >= self.end
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::components::chat::{ChatMessage, Scope, Speech};
    use crate::components::id::{ChatId, PlayerId};
    use crate::components::membership::AccessPolicy;
    use crate::space::DurableEvent;
    use crate::store::spaces::{Access, NewSpace};
    use crate::store::users::Role;

    async fn space(store: &Store, owner: UserId) -> SpaceId {
        let new = NewSpace {
            name: "Office".into(),
            creator: owner,
            map: None,
            access: Access::Unlisted,
            policy: AccessPolicy::Open,
            width: 10,
            height: 8,
            keeps_chat: true,
        };
        store.add_space(&new).await.unwrap()
    }

    fn said(number: u128, user: UserId) -> DurableEvent {
        let speech = Speech {
            id: ChatId(Uuid::from_u128(number)),
            client_id: None,
            text: format!("word{number} and tea"),
            at: number as u64,
            scope: Scope::Space,
            reply_to: None,
            may_announce: false,
        };
        DurableEvent::Said(ChatMessage::new(
            PlayerId::default(),
            user,
            "Ada".into(),
            speech,
        ))
    }

    #[tokio::test]
    async fn a_search_ends_when_its_time_is_over_and_the_next_page_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).await.unwrap();
        let ada = store.add_user("ada", "-", Role::User).await;
        let ada = ada.unwrap().expect("the name is free");
        let space = space(&store, ada).await;
        let lines: Vec<_> = (1..=300).map(|number| said(number, ada)).collect();
        store.keep_chat(space, &lines).await.unwrap();
        // Too many words begin with `word`, so that the index does not help.
        for (search, at_once) in [("tea", LOOKED_UP), ("word", READ as usize)] {
            for (time, most) in [(Duration::ZERO, at_once), (Duration::from_hours(1), 300)] {
                let (mut pages, mut before) = (Vec::new(), None);
                loop {
                    let page = ChatPage {
                        before,
                        limit: 1_000,
                        ..ChatPage::default()
                    };
                    let found = store.search_within(time, space, search, page).await;
                    let found = found.unwrap();
                    pages.push(found.lines.len());
                    before = found.before;
                    if before.is_none() {
                        break;
                    }
                }
                assert_eq!(pages.iter().max(), Some(&most), "{search} in {time:?}");
                assert_eq!(pages.iter().sum::<usize>(), 300, "{search} in {time:?}");
            }
        }
        store.close().await;
    }
}
