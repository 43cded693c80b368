//! Connections: the session that opened each socket of this process, and the space it is in, so
//! that the socket closes when the session ends or its user may not be in the space any more.
//!
//! The database is the source of truth. A process that changes something tells the others to check
//! at once; lost messages and changes by a command line are found by [`super::sweep`].

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::components::id::{SpaceId, UserId};
use crate::components::membership::{EntryRefusal, Membership, Mutes};
use crate::components::permissions::{Permission, SpaceRole};
use crate::components::report::ReportNews;
use crate::store::sessions::{SessionEnd, SessionId};
use crate::store::{Store, StoreError, now_ms};

/// Users and spaces whose memberships are read at once.
const AT_ONCE: usize = 500;

/// Why a connection is closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConnectionEnd {
    /// Its session has ended.
    Session(SessionEnd),
    /// Its user may not be in the space any more.
    Entry(EntryRefusal),
}

/// What a connection is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConnectionNews {
    /// It is closed.
    End(ConnectionEnd),
    /// The user's standing in the space changed.
    Changed {
        /// As it was.
        before: KnownMembership,
        /// As it is.
        after: KnownMembership,
    },
    /// A user of that name asks to be let in, and this one may answer.
    JoinRequest(String),
    /// There is news of a report.
    Report(ReportNews),
}

/// What a user is told of when it changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownMembership {
    /// Role in the space.
    pub role: SpaceRole,
    /// Mutes.
    pub mutes: Mutes,
    /// Whether they may share a screen.
    pub may_share: bool,
    /// Until when the space is offered to them; 0 when it is not.
    pub offered_until: i64,
}

impl From<&Membership> for KnownMembership {
    fn from(membership: &Membership) -> Self {
        Self {
            role: membership.standing.role(),
            mutes: membership.mutes,
            may_share: membership.may(Permission::ShareScreen),
            offered_until: membership.offered_until,
        }
    }
}

/// Tells one connection. Never waits; may be called more than once.
pub type Listener = Arc<dyn Fn(&ConnectionNews) + Send + Sync>;

/// The connections of this process, with their sessions. Cheap to clone.
#[derive(Clone, Default)]
pub struct Connections(Arc<ConnectionState>);

#[derive(Default)]
struct ConnectionState {
    next: AtomicU64,
    changes: Changes,
    entries: Mutex<ConnectionEntries>,
}

/// Numbers of changes of memberships that this process was told of. Spaces whose ids end with the
/// same byte share one: a change in one of them makes all of them read again.
struct Changes([AtomicU64; 256]);

impl Default for Changes {
    fn default() -> Self {
        Self(std::array::from_fn(|_| AtomicU64::new(0)))
    }
}

impl Changes {
    fn of(&self, space: SpaceId) -> Option<&AtomicU64> {
        let last = space.0.as_bytes().last().copied()?;
        self.0.get(usize::from(last))
    }
}

/// Connections by user and number. The user is `None` until the session was looked up.
#[derive(Default)]
struct ConnectionEntries(HashMap<Option<UserId>, HashMap<u64, ConnectionEntry>>);

struct ConnectionEntry {
    session: SessionId,
    listener: Listener,
    place: Option<Place>,
}

/// The space that a connection is in.
#[derive(Debug, Clone, Copy)]
struct Place {
    space: SpaceId,
    /// Version of the space's memberships when it was last checked; 0 before.
    version: i64,
    /// When it has to be checked even if nothing changed, in Unix milliseconds.
    holds_until: i64,
    /// Membership that the user was told of; `None` before.
    known: Option<KnownMembership>,
    /// Whether the space let the user in.
    is_inside: bool,
}

impl ConnectionEntries {
    fn add(&mut self, user: Option<UserId>, number: u64, entry: ConnectionEntry) {
        self.0.entry(user).or_default().insert(number, entry);
    }

    fn remove(&mut self, user: Option<UserId>, number: u64) -> Option<ConnectionEntry> {
        let theirs = self.0.get_mut(&user)?;
        let entry = theirs.remove(&number);
        if theirs.is_empty() {
            self.0.remove(&user);
        }
        entry
    }

    /// Connections of a user and those whose user is not known yet; all without a user.
    fn of(&self, whose: Option<UserId>) -> impl Iterator<Item = &ConnectionEntry> {
        let all = self.0.values().filter(move |_| whose.is_none());
        let own = whose.and_then(|user| self.0.get(&Some(user)));
        let unknown = whose.and_then(|_| self.0.get(&None));
        all.chain(own).chain(unknown).flat_map(HashMap::values)
    }

    /// Connections in a space, or in any, with their users.
    fn places(&self, space: Option<SpaceId>) -> impl Iterator<Item = (UserId, Place)> {
        let known = self
            .0
            .iter()
            .filter_map(|(user, theirs)| Some(((*user)?, theirs)));
        let places = known.flat_map(|(user, theirs)| {
            let places = theirs.values().filter_map(|entry| entry.place);
            places.map(move |place| (user, place))
        });
        places.filter(move |(_, place)| space.is_none_or(|space| place.space == space))
    }
}

/// Registration of one connection, removed when dropped.
pub struct Registration {
    connections: Connections,
    number: u64,
    user: Option<UserId>,
}

impl Connections {
    /// Registers a connection, so that it closes with its session. Called before the session is
    /// looked up: a session that ends right after the lookup would be missed otherwise.
    pub fn open(&self, session: SessionId, listener: Listener) -> Registration {
        let number = self.0.next.fetch_add(1, Ordering::Relaxed);
        let entry = ConnectionEntry {
            session,
            listener,
            place: None,
        };
        self.0.entries.lock().add(None, number, entry);
        Registration {
            connections: self.clone(),
            number,
            user: None,
        }
    }

    /// Closes connections whose session has ended: those of a user, or all.
    pub async fn check(&self, store: &Store, whose: Option<UserId>) -> Result<(), StoreError> {
        let sessions: HashSet<SessionId> = {
            let entries = self.0.entries.lock();
            let concerned = entries.of(whose);
            concerned.map(|entry| entry.session.clone()).collect()
        };
        if sessions.is_empty() {
            return Ok(());
        }
        let ended: HashMap<SessionId, SessionEnd> =
            store.ended_sessions(&sessions).await?.into_iter().collect();
        if ended.is_empty() {
            return Ok(());
        }
        let closing: Vec<(Listener, &SessionEnd)> = {
            let entries = self.0.entries.lock();
            let concerned = entries.of(whose);
            concerned
                .filter_map(|entry| Some((Arc::clone(&entry.listener), ended.get(&entry.session)?)))
                .collect()
        };
        for (close, end) in closing {
            close(&ConnectionNews::End(ConnectionEnd::Session(end.clone())));
        }
        Ok(())
    }

    /// Notes that memberships of a space changed: what was read before does not count any more.
    pub fn note_change(&self, space: SpaceId) {
        if let Some(changes) = self.0.changes.of(space) {
            changes.fetch_add(1, Ordering::Release);
        }
    }

    /// Rises with each change of memberships of the space that this process was told of.
    pub fn changes(&self, space: SpaceId) -> u64 {
        let changes = self.0.changes.of(space);
        changes.map_or(0, |changes| changes.load(Ordering::Acquire))
    }

    /// Closes connections whose user may not be in their space any more: those in one space, or all
    /// whose space has another version of its memberships, or whose permission ends by now.
    pub async fn check_entry(
        &self,
        store: &Store,
        space: Option<SpaceId>,
    ) -> Result<(), StoreError> {
        let places: Vec<(UserId, Place)> = self.0.entries.lock().places(space).collect();
        let is_due = self.due(store, space, &places).await?;
        let mut due: Vec<(UserId, SpaceId)> = places
            .iter()
            .filter(|(_, place)| is_due(place))
            .map(|(user, place)| (*user, place.space))
            .collect();
        due.sort_unstable();
        due.dedup();
        for pairs in due.chunks(AT_ONCE) {
            let mut inside = Vec::new();
            for (user, space, membership) in store.memberships(pairs).await? {
                self.apply(user, space, &membership);
                let until = membership.rules.lockdown_until.unwrap_or_default();
                let is_noted = membership.inside_until == until;
                if until > now_ms() && !is_noted && self.is_inside(user, space) {
                    inside.push((user, space, until));
                }
            }
            // Other processes do not know who is inside: this note lets them answer requests.
            if !inside.is_empty() {
                store.note_inside(&inside).await?;
            }
        }
        Ok(())
    }

    /// Whether a connection of the user in this process was let into the space.
    pub fn is_inside(&self, user: UserId, space: SpaceId) -> bool {
        let entries = self.0.entries.lock();
        let theirs = entries.0.get(&Some(user)).into_iter();
        theirs.flat_map(HashMap::values).any(|entry| {
            entry
                .place
                .is_some_and(|place| place.space == space && place.is_inside)
        })
    }

    /// Tells those in a space who may answer that a user asks to be let in.
    pub async fn tell_of_request(
        &self,
        store: &Store,
        space: SpaceId,
        name: &str,
    ) -> Result<(), StoreError> {
        let places: Vec<(UserId, Place)> = self.0.entries.lock().places(Some(space)).collect();
        let mut users: Vec<(UserId, SpaceId)> =
            places.iter().map(|(user, _)| (*user, space)).collect();
        users.sort_unstable();
        users.dedup();
        let news = ConnectionNews::JoinRequest(name.to_owned());
        for pairs in users.chunks(AT_ONCE) {
            for (user, space, membership) in store.memberships(pairs).await? {
                if membership.may(Permission::AnswerJoinRequests) {
                    for listener in self.listeners(user, Some(space)) {
                        listener(&news);
                    }
                }
            }
        }
        Ok(())
    }

    /// Tells users of a report: in one space, or in all.
    pub fn tell_of_report(&self, users: &[UserId], space: Option<SpaceId>, news: ReportNews) {
        for user in users {
            for listener in self.listeners(*user, space) {
                listener(&ConnectionNews::Report(news));
            }
        }
    }

    /// Listeners of a user's connections in a space, or in any.
    fn listeners(&self, user: UserId, space: Option<SpaceId>) -> Vec<Listener> {
        let entries = self.0.entries.lock();
        let theirs = entries.0.get(&Some(user)).into_iter();
        let there = theirs.flat_map(HashMap::values).filter(|entry| {
            let place = entry.place;
            place.is_some_and(|place| space.is_none_or(|space| place.space == space))
        });
        there.map(|entry| Arc::clone(&entry.listener)).collect()
    }

    /// Which places have to be checked.
    async fn due(
        &self,
        store: &Store,
        space: Option<SpaceId>,
        places: &[(UserId, Place)],
    ) -> Result<impl Fn(&Place) -> bool + use<>, StoreError> {
        let mut versions = HashMap::new();
        if space.is_none() {
            let spaces: HashSet<SpaceId> = places.iter().map(|(_, place)| place.space).collect();
            let spaces: Vec<SpaceId> = spaces.into_iter().collect();
            if !spaces.is_empty() {
                versions.extend(store.membership_versions(&spaces).await?);
            }
        }
        let (is_all, now) = (space.is_some(), now_ms());
        Ok(move |place: &Place| {
            let current = versions.get(&place.space);
            is_all
                || place.holds_until <= now
                || current.is_some_and(|version| *version != place.version)
        })
    }

    /// Closes the connections of a user in a space, unless the membership lets them stay.
    fn apply(&self, user: UserId, space: SpaceId, membership: &Membership) {
        let now = now_ms();
        let refusal = membership.enter(now, true).err().map(ConnectionEnd::Entry);
        let refusal = refusal.map(ConnectionNews::End);
        let after = KnownMembership::from(membership);
        let mut telling = Vec::new();
        let mut entries = self.0.entries.lock();
        let theirs = entries.0.get_mut(&Some(user)).into_iter();
        for entry in theirs.flat_map(HashMap::values_mut) {
            let Some(place) = entry.place.as_mut().filter(|place| place.space == space) else {
                continue;
            };
            place.version = membership.version;
            place.holds_until = membership.holds_until(now);
            let before = place.known.replace(after).filter(|before| *before != after);
            let news = refusal
                .clone()
                .or_else(|| before.map(|before| ConnectionNews::Changed { before, after }));
            telling.extend(news.map(|news| (Arc::clone(&entry.listener), news)));
        }
        drop(entries);
        for (listener, news) in telling {
            listener(&news);
        }
    }
}

impl Registration {
    /// Stores the user of the session once it was looked up.
    pub fn belongs_to(&mut self, user: UserId) {
        let mut entries = self.connections.0.entries.lock();
        let before = self.user.replace(user);
        if let Some(entry) = entries.remove(before, self.number) {
            entries.add(Some(user), self.number, entry);
        }
    }
}

impl Registration {
    /// Stores the space that the connection enters. Called before the membership is looked up: one
    /// that changes right after the lookup would be missed otherwise.
    pub fn enters(&mut self, space: SpaceId) {
        self.set_place(Place {
            space,
            version: 0,
            holds_until: i64::MAX,
            known: None,
            is_inside: false,
        });
    }

    /// The membership with which the connection entered.
    pub fn entered(&mut self, space: SpaceId, membership: &Membership) {
        self.set_place(Place {
            space,
            version: membership.version,
            holds_until: membership.holds_until(now_ms()),
            known: Some(KnownMembership::from(membership)),
            is_inside: false,
        });
    }

    /// The space let the user in.
    pub fn admitted(&self) {
        self.change(|entry| {
            if let Some(place) = &mut entry.place {
                place.is_inside = true;
            }
        });
    }

    fn set_place(&self, place: Place) {
        self.change(|entry| entry.place = Some(place));
    }

    fn change(&self, change: impl FnOnce(&mut ConnectionEntry)) {
        let mut entries = self.connections.0.entries.lock();
        let theirs = entries.0.get_mut(&self.user);
        if let Some(entry) = theirs.and_then(|theirs| theirs.get_mut(&self.number)) {
            change(entry);
        }
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let mut entries = self.connections.0.entries.lock();
        entries.remove(self.user, self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Role;

    #[tokio::test]
    async fn a_connection_ends_with_its_own_session_and_with_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).await.unwrap();
        let ada = store
            .add_user("ada", "-", Role::User)
            .await
            .unwrap()
            .unwrap();
        let bob = store
            .add_user("bob", "-", Role::User)
            .await
            .unwrap()
            .unwrap();
        let [here, there, bobs] = [
            store.sign_in(ada).await.unwrap(),
            store.sign_in(ada).await.unwrap(),
            store.sign_in(bob).await.unwrap(),
        ];
        let connections = Connections::default();
        let closed = Arc::new(Mutex::new(Vec::new()));
        let open = |token: &str, name: &'static str| {
            let closed = Arc::clone(&closed);
            connections.open(
                SessionId::of(token),
                Arc::new(move |_| closed.lock().push(name)),
            )
        };
        let mut at = [
            open(&here, "here"),
            open(&there, "there"),
            open(&bobs, "bob"),
        ];
        for (registration, user) in at.iter_mut().zip([ada, ada, bob]) {
            registration.belongs_to(user);
        }
        store.sign_out(&here).await.unwrap();
        connections.check(&store, Some(bob)).await.unwrap();
        assert!(closed.lock().is_empty(), "she was not asked about");
        assert_eq!(connections.0.entries.lock().of(Some(bob)).count(), 1);
        connections.check(&store, Some(ada)).await.unwrap();
        assert_eq!(closed.lock().split_off(0), ["here"]);
        let late = open("a token that was never given", "late");
        connections.check(&store, Some(bob)).await.unwrap();
        assert_eq!(
            closed.lock().split_off(0),
            ["late"],
            "a connection whose user is not known yet"
        );
        drop((at, late));
        store.sign_out_everywhere(bob).await.unwrap();
        connections.check(&store, None).await.unwrap();
        assert!(closed.lock().is_empty(), "they are gone already");
        assert!(connections.0.entries.lock().0.is_empty());
    }
}
