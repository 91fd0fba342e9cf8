//! Distinct strings of a column, numbered in order of first sight.
//!
//! The numbering lives on from batch to batch while it is small, so that columns of few values share
//! one `Arc` of values over many batches. Not here: any limit on how many values are *counted*; that
//! is the engine's. Invariant: numbers depend on history and must reach no output.

use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;

use arrow::array::StringArray;
use arrow::buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use foldhash::fast::FixedState;

/// Above this many values a dictionary starts anew with the next batch.
const KEPT_VALUES_MAX: usize = 4096;
/// Above this many bytes, too.
const KEPT_BYTES_MAX: usize = 1 << 18;
const EMPTY: u32 = u32::MAX;

/// The distinct values of one column.
#[derive(Debug)]
pub(crate) struct Dictionary {
    text: String,
    offsets: Vec<i32>,
    slots: Vec<Slot>,
    last: usize,
    shared: Option<Arc<StringArray>>,
    hasher: FixedState,
    generation: u64,
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    index: u32,
    tag: u32,
}

impl Dictionary {
    pub(crate) fn new() -> Self {
        Self {
            text: String::new(),
            offsets: vec![0],
            slots: vec![Slot { index: EMPTY, tag: 0 }; 64],
            last: 0,
            shared: None,
            hasher: FixedState::with_seed(0),
            generation: 0,
        }
    }

    /// Changes whenever the values are numbered anew.
    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    /// Number of distinct values.
    pub(crate) fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    fn value(&self, index: usize) -> &[u8] {
        match self.offsets.get(index..index + 2) {
            Some(&[from, to]) => &self.text.as_bytes()[from as usize..to as usize],
            _ => &[],
        }
    }

    /// The number of `value`, new or known.
    #[inline]
    pub(crate) fn intern(&mut self, value: &str) -> u32 {
        if self.last < self.len() && self.value(self.last) == value.as_bytes() {
            return self.last as u32;
        }
        let index = self.find_or_add(value);
        self.last = index as usize;
        index
    }

    fn hash(&self, value: &[u8]) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        hasher.write(value);
        hasher.finish()
    }

    fn find_or_add(&mut self, value: &str) -> u32 {
        let hash = self.hash(value.as_bytes());
        let tag = (hash >> 32) as u32;
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        loop {
            let slot = self.slots[at];
            if slot.index == EMPTY {
                break;
            }
            if slot.tag == tag && self.value(slot.index as usize) == value.as_bytes() {
                return slot.index;
            }
            at = (at + 1) & mask;
        }
        let index = self.len() as u32;
        self.text.push_str(value);
        self.offsets.push(self.text.len() as i32);
        self.slots[at] = Slot { index, tag };
        if self.len() * 2 > self.slots.len() {
            self.grow();
        }
        index
    }

    fn grow(&mut self) {
        let mask = self.slots.len() * 2 - 1;
        let mut slots = vec![Slot { index: EMPTY, tag: 0 }; mask + 1];
        for index in 0..self.len() {
            let hash = self.hash(self.value(index));
            let mut at = hash as usize & mask;
            while slots[at].index != EMPTY {
                at = (at + 1) & mask;
            }
            slots[at] = Slot { index: index as u32, tag: (hash >> 32) as u32 };
        }
        self.slots = slots;
    }

    /// The values, for a batch that is done; forgets them afterwards if they are many.
    pub(crate) fn share(&mut self) -> Arc<StringArray> {
        let shared = match self.shared.take() {
            Some(shared) if arrow::array::Array::len(shared.as_ref()) == self.len() => shared,
            _ => Arc::new(string_array(self.text.clone(), self.offsets.clone())),
        };
        if self.len() > KEPT_VALUES_MAX || self.text.len() > KEPT_BYTES_MAX {
            *self = Self { generation: self.generation + 1, ..Self::new() };
        } else {
            self.shared = Some(Arc::clone(&shared));
        }
        shared
    }
}

/// Strings end to end as an Arrow array.
pub(crate) fn string_array(text: String, offsets: Vec<i32>) -> StringArray {
    let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
    StringArray::try_new(offsets, Buffer::from_vec(text.into_bytes()), None)
        .expect("offsets stand between whole strings")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_stable_and_values_are_shared() {
        let mut dictionary = Dictionary::new();
        let words: Vec<String> = (0..1000).map(|n| format!("w{n}")).collect();
        for round in 0..2 {
            for (number, word) in words.iter().enumerate() {
                assert_eq!(dictionary.intern(word), number as u32, "round {round}");
            }
        }
        assert_eq!(dictionary.intern(""), 1000);
        let first = dictionary.share();
        assert_eq!(first.value(999), "w999");
        assert_eq!(dictionary.intern("w5"), 5);
        assert!(Arc::ptr_eq(&first, &dictionary.share()), "nothing new: the same array");
        dictionary.intern("new");
        assert_eq!(dictionary.share().value(1001), "new");
    }

    #[test]
    fn a_large_dictionary_starts_anew() {
        let mut dictionary = Dictionary::new();
        for number in 0..=KEPT_VALUES_MAX {
            dictionary.intern(&number.to_string());
        }
        assert_eq!(arrow::array::Array::len(dictionary.share().as_ref()), KEPT_VALUES_MAX + 1);
        assert_eq!(dictionary.intern("a"), 0);
    }
}
