//! Few: a bounded set of connections that have not identified themselves. A new one replaces the
//! oldest, so that silent connections do not keep out a process that identifies itself at once.

use tokio_util::sync::CancellationToken;

/// The newest connections of that kind.
pub struct Few {
    most: usize,
    ends: Vec<CancellationToken>,
    next: usize,
}

impl Few {
    /// A set of at most `most` connections.
    pub const fn new(most: usize) -> Self {
        Self {
            most,
            ends: Vec::new(),
            next: 0,
        }
    }

    /// Adds a connection. The token is cancelled with `parent`, or when `most` further ones were
    /// added. A connection that identified itself stops watching the token.
    pub fn enter(&mut self, parent: &CancellationToken) -> CancellationToken {
        let end = parent.child_token();
        if self.ends.len() < self.most {
            self.ends.push(end.clone());
        } else {
            std::mem::replace(&mut self.ends[self.next], end.clone()).cancel();
            self.next = (self.next + 1) % self.most;
        }
        end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_connection_too_many_ends_the_oldest() {
        let mut few = Few::new(4);
        let parent = CancellationToken::new();
        let ends: Vec<_> = (0..6).map(|_| few.enter(&parent)).collect();
        let cancelled: Vec<_> = ends.iter().map(CancellationToken::is_cancelled).collect();
        assert_eq!(cancelled, [true, true, false, false, false, false]);
        parent.cancel();
        assert!(ends.iter().all(CancellationToken::is_cancelled));
    }
}
