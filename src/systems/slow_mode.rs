//! Slow mode: how long a user waits between two messages, and between two edits.
//!
//! Edits over HTTP change messages that the space may have forgotten: `net::session::rates` has
//! their times. Each is told of the other's edits, and both ask [`slow_mode_left`].

use std::collections::BTreeMap;

use bevy_ecs::prelude::*;

use crate::components::chat::slow_mode_left;
use crate::components::history::History;
use crate::components::id::UserId;

/// Slow mode: the interval between two messages of a user, and between two edits, and when each
/// user sent and edited their last. An edit does not wait for the message before it, so that a slip
/// can be corrected at once.
#[derive(Debug, Clone, Default, Resource)]
pub struct SlowMode {
    pub(super) seconds: u32,
    /// Unix milliseconds, as in the messages.
    spoke: LastTimes,
    edited: LastTimes,
}

type LastTimes = BTreeMap<UserId, u64>;

impl SlowMode {
    /// Sets the interval in seconds. Times of last messages are taken from the history.
    pub fn set(&mut self, seconds: u32, history: &History) {
        self.seconds = seconds;
        self.spoke.clear();
        self.edited.clear();
        if seconds > 0 {
            for message in &history.0 {
                self.spoke.insert(message.user, message.at);
                if let Some(at) = message.edited {
                    let last = self.edited.entry(message.user).or_default();
                    *last = at.max(*last);
                }
            }
        }
    }

    /// Seconds that the user still has to wait with a message.
    pub(super) fn wait_to_speak(&self, user: UserId, at: u64) -> Option<u32> {
        self.wait(&self.spoke, user, at)
    }

    /// Seconds that the user still has to wait with an edit.
    pub(super) fn wait_to_edit(&self, user: UserId, at: u64) -> Option<u32> {
        self.wait(&self.edited, user, at)
    }

    fn wait(&self, last: &LastTimes, user: UserId, at: u64) -> Option<u32> {
        // The clock of another process may be behind.
        slow_mode_left(self.seconds, at.saturating_sub(*last.get(&user)?))
    }

    pub(super) fn spoke(&mut self, user: UserId, at: u64) {
        note(&mut self.spoke, self.seconds, user, at);
    }

    pub(super) fn edited(&mut self, user: UserId, at: u64) {
        note(&mut self.edited, self.seconds, user, at);
    }
}

fn note(last: &mut LastTimes, seconds: u32, user: UserId, at: u64) {
    if seconds > 0 {
        let period = u64::from(seconds) * 1_000;
        last.retain(|_, last| last.saturating_add(period) > at);
        last.insert(user, at);
    }
}
