//! Typed vectors: vectors that are indexed by a number of their own type, so that the number of one
//! kind of thing is never taken for that of another.

use std::marker::PhantomData;
use std::ops::{Index, IndexMut};

/// A vector that is indexed by `I`.
#[derive(Debug, Clone)]
pub(super) struct TypedVec<I, T> {
    items: Vec<T>,
    index: PhantomData<I>,
}

impl<I, T> Default for TypedVec<I, T> {
    fn default() -> Self {
        Self::from(Vec::new())
    }
}

impl<I, T> From<Vec<T>> for TypedVec<I, T> {
    fn from(items: Vec<T>) -> Self {
        Self {
            items,
            index: PhantomData,
        }
    }
}

fn place(index: impl Into<u32>) -> usize {
    usize::try_from(index.into()).unwrap_or(usize::MAX)
}

impl<I: Copy + From<u32> + Into<u32>, T> TypedVec<I, T> {
    /// The index that the next new item gets.
    fn end(&self) -> u32 {
        u32::try_from(self.items.len()).expect("fewer items than four bytes count")
    }

    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Adds an item. Returns its index.
    pub fn push(&mut self, item: T) -> I {
        let index = I::from(self.end());
        self.items.push(item);
        index
    }

    /// Adds items until there is one with this index.
    pub fn reach(&mut self, index: I)
    where
        T: Default,
    {
        while self.items.len() <= place(index) {
            self.items.push(T::default());
        }
    }

    pub fn get(&self, index: I) -> Option<&T> {
        self.items.get(place(index))
    }

    pub fn get_mut(&mut self, index: I) -> Option<&mut T> {
        self.items.get_mut(place(index))
    }

    /// All indexes, in ascending order.
    pub fn indexes(&self) -> impl Iterator<Item = I> + use<I, T> {
        (0..self.end()).map(I::from)
    }

    /// All items with their indexes, in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = (I, &T)> {
        self.indexes().zip(&self.items)
    }

    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.items.iter_mut()
    }

    pub fn clear(&mut self) {
        self.items.clear();
    }
}

impl<I: Into<u32>, T> Index<I> for TypedVec<I, T> {
    type Output = T;

    fn index(&self, index: I) -> &T {
        &self.items[place(index)]
    }
}

impl<I: Into<u32>, T> IndexMut<I> for TypedVec<I, T> {
    fn index_mut(&mut self, index: I) -> &mut T {
        &mut self.items[place(index)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_found_under_the_index_they_got() {
        let mut words: TypedVec<u32, &str> = TypedVec::default();
        let first = words.push("first");
        words.reach(2);
        words[2] = "third";
        let all: Vec<(u32, &str)> = words.iter().map(|(index, word)| (index, *word)).collect();
        assert_eq!(all, [(0, "first"), (1, ""), (2, "third")]);
        assert_eq!((words[first], words.get(3)), ("first", None));
    }
}
