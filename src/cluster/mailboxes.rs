//! Mailboxes: hands direct messages to the connections of sender and recipient, in any space.
//!
//! A message without a connection to take it is dropped here. It is in the database, and clients
//! read it from there when they connect.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::components::direct::DirectMessage;
use crate::components::id::UserId;

/// Hands a message to one connection. Never waits.
pub type MailSender = Arc<dyn Fn(&DirectMessage) + Send + Sync>;

/// The connections of this process, by user. Cheap to clone.
#[derive(Clone, Default)]
pub struct Mailboxes(Arc<MailboxState>);

#[derive(Default)]
struct MailboxState {
    next: AtomicU64,
    slots: Mutex<HashMap<UserId, Vec<(u64, MailSender)>>>,
}

/// Registration of one connection, removed when dropped.
pub struct Mailbox {
    mailboxes: Mailboxes,
    user: UserId,
    number: u64,
}

impl Mailboxes {
    /// Registers a connection of the user.
    pub fn open(&self, user: UserId, slot: MailSender) -> Mailbox {
        let number = self.0.next.fetch_add(1, Ordering::Relaxed);
        self.0
            .slots
            .lock()
            .entry(user)
            .or_default()
            .push((number, slot));
        Mailbox {
            mailboxes: self.clone(),
            user,
            number,
        }
    }

    /// Hands a message to the connections of the recipient and to the other connections of the
    /// sender.
    pub fn deliver(&self, message: &DirectMessage) {
        let slots = self.0.slots.lock();
        let mut concerned = vec![message.to];
        if message.from != message.to {
            concerned.push(message.from);
        }
        let theirs: Vec<MailSender> = concerned
            .iter()
            .filter_map(|user| slots.get(user))
            .flatten()
            .map(|(_, slot)| Arc::clone(slot))
            .collect();
        drop(slots);
        for slot in theirs {
            slot(message);
        }
    }
}

impl Drop for Mailbox {
    fn drop(&mut self) {
        let mut slots = self.mailboxes.0.slots.lock();
        if let Some(theirs) = slots.get_mut(&self.user) {
            theirs.retain(|(number, _)| *number != self.number);
            if theirs.is_empty() {
                slots.remove(&self.user);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::components::id::MessageId;

    #[test]
    fn a_message_reaches_every_connection_of_both_users_and_no_other() {
        let mailboxes = Mailboxes::default();
        let [ada, bob, eve] = [1, 2, 3].map(|number| UserId(Uuid::from_u128(number)));
        let got = Arc::new(Mutex::new(Vec::new()));
        let slot = |name: &'static str| -> MailSender {
            let got = Arc::clone(&got);
            Arc::new(move |_| got.lock().push(name))
        };
        let open = [(ada, "ada"), (bob, "bob"), (bob, "bob again"), (eve, "eve")]
            .map(|(user, name)| mailboxes.open(user, slot(name)));
        let message = DirectMessage {
            id: MessageId(Uuid::from_u128(9)),
            client_id: 1,
            from: ada,
            name: "Ada".into(),
            to: bob,
            text: "just you".into(),
            at: 0,
        };
        mailboxes.deliver(&message);
        assert_eq!(got.lock().split_off(0), ["bob", "bob again", "ada"]);
        drop(open);
        mailboxes.deliver(&message);
        assert!(got.lock().is_empty());
        assert!(mailboxes.0.slots.lock().is_empty());
    }
}
