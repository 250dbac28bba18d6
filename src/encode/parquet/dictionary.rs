//! The distinct values of a chunk, and which of them each value is.

use std::borrow::Cow;
use std::hash::{BuildHasher, Hash};

use foldhash::fast::RandomState;

use super::cells::Cells;
use crate::table::Texts;

/// A chunk's distinct values in the order in which they came first, and their numbers.
#[derive(Debug)]
pub(super) struct Dictionary {
    /// Each value once.
    pub(super) values: Cells<'static>,
    /// For each value of the chunk, its place in `values`.
    pub(super) indices: Vec<u32>,
}

impl Dictionary {
    /// Finds the distinct values; nothing if they take more than `bytes_max` without an encoding.
    pub(super) fn of(cells: &Cells<'_>, bytes_max: usize) -> Option<Self> {
        Some(match cells {
            Cells::Bool(_) => return None,
            Cells::Int32(values) => {
                let (distinct, indices) = words(values, |value| value as u64, bytes_max / 4)?;
                Dictionary { values: Cells::Int32(distinct), indices }
            }
            Cells::Int64(values) => {
                let (distinct, indices) = words(values, |value| value as u64, bytes_max / 8)?;
                Dictionary { values: Cells::Int64(Cow::Owned(distinct)), indices }
            }
            Cells::Double(values) => {
                let (distinct, indices) = words(values, f64::to_bits, bytes_max / 8)?;
                Dictionary { values: Cells::Double(Cow::Owned(distinct)), indices }
            }
            Cells::Fixed(values, width) => {
                let (distinct, indices) = words(values, |value| value, bytes_max / width)?;
                Dictionary { values: Cells::Fixed(distinct, *width), indices }
            }
            Cells::Bytes(texts) => {
                let (distinct, indices) = strings(texts, bytes_max)?;
                Dictionary { values: Cells::Bytes(Cow::Owned(distinct)), indices }
            }
        })
    }
}

fn words<T: Copy, K: Eq + Hash>(
    values: &[T],
    key: impl Fn(T) -> K,
    distinct_max: usize,
) -> Option<(Vec<T>, Vec<u32>)> {
    let mut slots = Slots::default();
    let mut distinct: Vec<T> = Vec::new();
    let mut indices = Vec::with_capacity(values.len());
    for &value in values {
        let wanted = key(value);
        let hash = slots.hashes.hash_one(&wanted);
        let index = match slots.find(hash, |index| key(distinct[index]) == wanted) {
            Ok(index) => index,
            Err(slot) => {
                if distinct.len() >= distinct_max {
                    return None;
                }
                distinct.push(value);
                slots.fill(slot, hash)
            }
        };
        indices.push(index);
    }
    Some((distinct, indices))
}

fn strings(texts: &Texts, bytes_max: usize) -> Option<(Texts, Vec<u32>)> {
    let mut slots = Slots::default();
    let mut distinct = Texts::default();
    let mut indices = Vec::with_capacity(texts.len());
    for ends in texts.offsets.windows(2) {
        let text = &texts.bytes[ends[0] as usize..ends[1] as usize];
        let hash = slots.hashes.hash_one(text);
        let index = match slots.find(hash, |index| distinct.get(index) == text) {
            Ok(index) => index,
            Err(slot) => {
                distinct.push(text);
                if distinct.bytes.len() + distinct.len() * 4 > bytes_max {
                    return None;
                }
                slots.fill(slot, hash)
            }
        };
        indices.push(index);
    }
    Some((distinct, indices))
}

/// A hash table of numbers that count up, with open addressing.
///
/// Seeded at random, so that no input can choose values that meet in one slot.
#[derive(Debug, Default)]
struct Slots {
    hashes: RandomState,
    slots: Vec<Slot>,
    filled: u32,
}

#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    /// The lower half of the hash.
    hash: u32,
    /// One more than the number; zero where the slot is free.
    next: u32,
}

/// Slots of a new table; many chunks are small.
const SLOTS_MIN: usize = 64;

impl Slots {
    /// Returns the number of a value, or else the slot that it would take.
    #[inline]
    fn find(&mut self, hash: u64, is_it: impl Fn(usize) -> bool) -> Result<u32, usize> {
        if self.slots.len() <= self.filled as usize * 2 {
            self.grow();
        }
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        loop {
            let slot = self.slots[at];
            match slot.next.checked_sub(1) {
                None => return Err(at),
                Some(index) if slot.hash == hash as u32 && is_it(index as usize) => {
                    return Ok(index);
                }
                Some(_) => at = (at + 1) & mask,
            }
        }
    }

    /// Gives the next number to the value with `hash`, in the slot that [`Slots::find`] named.
    fn fill(&mut self, slot: usize, hash: u64) -> u32 {
        let index = self.filled;
        self.filled += 1;
        self.slots[slot] = Slot { hash: hash as u32, next: index + 1 };
        index
    }

    #[cold]
    fn grow(&mut self) {
        let count = (self.slots.len() * 4).max(SLOTS_MIN);
        let before = std::mem::replace(&mut self.slots, vec![Slot::default(); count]);
        for slot in before.into_iter().filter(|slot| slot.next > 0) {
            let mut at = slot.hash as usize & (count - 1);
            while self.slots[at].next > 0 {
                at = (at + 1) & (count - 1);
            }
            self.slots[at] = slot;
        }
    }
}
