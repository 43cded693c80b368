//! Few: a bounded number of connections of which nothing is known yet. One more takes the place of
//! the oldest, so that those who connect and say nothing do not keep out a process that speaks at
//! once.

use tokio_util::sync::CancellationToken;

/// The last few connections.
pub struct Few {
    most: usize,
    ends: Vec<CancellationToken>,
    next: usize,
}

impl Few {
    /// So many at most.
    pub const fn new(most: usize) -> Self {
        Self {
            most,
            ends: Vec::new(),
            next: 0,
        }
    }

    /// One more, which is cancelled with `parent` or when as many came after it. One that made
    /// itself known looks there no more.
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
    fn one_more_than_the_few_ends_the_oldest() {
        let mut few = Few::new(4);
        let parent = CancellationToken::new();
        let ends: Vec<_> = (0..6).map(|_| few.enter(&parent)).collect();
        let cancelled: Vec<_> = ends.iter().map(CancellationToken::is_cancelled).collect();
        assert_eq!(cancelled, [true, true, false, false, false, false]);
        parent.cancel();
        assert!(ends.iter().all(CancellationToken::is_cancelled));
    }
}
