//! Paging: how much one page of a list holds. Long messages make short pages, so that no reader
//! keeps a connection of the database for long.

/// Most bytes of text on a page of more than one item.
pub const PAGE_BYTES: usize = 64 * 1024;

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListPage<T> {
    /// The items.
    pub items: Vec<T>,
    /// Whether there are more behind the last one.
    pub has_more: bool,
}

impl<T> ListPage<T> {
    /// The first rows of those that were read, which are one more than a page shows if another page
    /// follows.
    pub fn of(mut rows: Vec<T>, limit: u32) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        Self {
            items: rows,
            has_more,
        }
    }
}

/// Room on a page that is being filled.
#[derive(Debug, Clone, Copy)]
pub(super) struct PageRoom {
    items: usize,
    bytes: usize,
    is_empty: bool,
}

impl PageRoom {
    /// Room for that many items.
    pub(super) fn new(items: u32) -> Self {
        Self {
            items: usize::try_from(items).unwrap_or(usize::MAX),
            bytes: PAGE_BYTES,
            is_empty: true,
        }
    }

    /// Takes room for an item with a text of that length; `false` if there is not enough. The first
    /// one always fits.
    pub(super) fn take(&mut self, bytes: i64) -> bool {
        let bytes = usize::try_from(bytes).unwrap_or_default();
        if self.items == 0 || (bytes > self.bytes && !self.is_empty) {
            return false;
        }
        self.items -= 1;
        self.bytes = self.bytes.saturating_sub(bytes);
        self.is_empty = false;
        true
    }

    /// How many of the items with texts of these lengths fit.
    pub(super) fn fitting(mut self, mut lengths: impl Iterator<Item = i64>) -> usize {
        let first_that_does_not = lengths.position(|bytes| !self.take(bytes));
        first_that_does_not.unwrap_or(usize::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_bounded_in_items_and_bytes_and_never_empty() {
        let fitting = |items, lengths: &[i64]| {
            let all = lengths.len();
            PageRoom::new(items)
                .fitting(lengths.iter().copied())
                .min(all)
        };
        assert_eq!(fitting(3, &[9, 9, 9, 9]), 3);
        assert_eq!(fitting(9, &[9, 9]), 2);
        assert_eq!(fitting(9, &[40_000, 20_000, 9_000, 1]), 2);
        assert_eq!(fitting(9, &[100_000, 1]), 1);
        assert_eq!(fitting(0, &[1]), 0);
    }
}
