//! Connections: the session that opened each socket of this process, so that the socket closes when
//! the session ends.
//!
//! The database is the source of truth. A process that ends a session tells the others to check at
//! once; lost messages and changes by a command line are found by [`super::sweep`].

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::components::id::UserId;
use crate::store::sessions::{SessionEnd, SessionId};
use crate::store::{Store, StoreError};

/// Closes one connection. Never waits; may be called more than once.
pub type Closer = Arc<dyn Fn(&SessionEnd) + Send + Sync>;

/// The connections of this process, with their sessions. Cheap to clone.
#[derive(Clone, Default)]
pub struct Connections(Arc<ConnectionState>);

#[derive(Default)]
struct ConnectionState {
    next: AtomicU64,
    entries: Mutex<ConnectionEntries>,
}

/// Connections by user and number. The user is `None` until the session was looked up.
#[derive(Default)]
struct ConnectionEntries(HashMap<Option<UserId>, HashMap<u64, ConnectionEntry>>);

struct ConnectionEntry {
    session: SessionId,
    close: Closer,
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
    pub fn open(&self, session: SessionId, close: Closer) -> Registration {
        let number = self.0.next.fetch_add(1, Ordering::Relaxed);
        let entry = ConnectionEntry { session, close };
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
        let closing: Vec<(Closer, &SessionEnd)> = {
            let entries = self.0.entries.lock();
            let concerned = entries.of(whose);
            concerned
                .filter_map(|entry| Some((Arc::clone(&entry.close), ended.get(&entry.session)?)))
                .collect()
        };
        for (close, end) in closing {
            close(end);
        }
        Ok(())
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
