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

fn words<T: Copy, K: Copy + Eq + Hash>(
    values: &[T],
    key: impl Fn(T) -> K,
    distinct_max: usize,
) -> Option<(Vec<T>, Vec<u32>)> {
    let mut distinct: Vec<T> = Vec::new();
    let indices = numbers(values.iter().map(|&value| key(value)), |at| {
        distinct.push(values[at]);
        distinct.len() <= distinct_max
    })?;
    Some((distinct, indices))
}

fn strings(texts: &Texts, bytes_max: usize) -> Option<(Texts, Vec<u32>)> {
    let mut distinct = Texts::default();
    let take = |at: usize| {
        distinct.push(texts.get(at));
        distinct.bytes.len() + distinct.len() * 4 <= bytes_max
    };
    let lengths = || texts.offsets.windows(2).map(|ends| (ends[1] - ends[0]) as usize);
    let places = || texts.offsets.iter().map(|start| *start as usize).zip(lengths());
    // Most texts that come again are short, and compare as numbers.
    let indices = match lengths().max().unwrap_or(0) {
        0..8 => numbers(
            places().map(|(start, length)| {
                let bytes = padded::<8>(&texts.bytes, start, length);
                u64::from_le_bytes(bytes) & !(u64::MAX << (8 * length)) | (length as u64) << 56
            }),
            take,
        ),
        8..16 => numbers(
            places().map(|(start, length)| {
                let bytes = padded::<16>(&texts.bytes, start, length);
                u128::from_le_bytes(bytes) & !(u128::MAX << (8 * length)) | (length as u128) << 120
            }),
            take,
        ),
        _ => numbers((0..texts.len()).map(|at| texts.get(at)), take),
    };
    Some((distinct, indices?))
}

/// Returns the bytes from `start` on, of which `length` matter, fewer than `N`.
#[inline]
fn padded<const N: usize>(bytes: &[u8], start: usize, length: usize) -> [u8; N] {
    bytes[start..].first_chunk().copied().unwrap_or_else(|| {
        let mut padded = [0; N];
        padded[..length].copy_from_slice(&bytes[start..start + length]);
        padded
    })
}

/// Numbers keys in the order in which they come first; `take` is told where a new one stands, and says
/// whether there may be so many.
fn numbers<K: Copy + Eq + Hash>(
    keys: impl ExactSizeIterator<Item = K>,
    mut take: impl FnMut(usize) -> bool,
) -> Option<Vec<u32>> {
    let mut slots = Slots::default();
    let mut distinct: Vec<K> = Vec::new();
    let mut numbers = Vec::with_capacity(keys.len());
    for (at, key) in keys.enumerate() {
        let hash = slots.hashes.hash_one(key);
        let number = match slots.find(hash, |number| distinct[number] == key) {
            Ok(number) => number,
            Err(slot) => {
                if !take(at) {
                    return None;
                }
                distinct.push(key);
                slots.fill(slot, hash)
            }
        };
        numbers.push(number);
    }
    Some(numbers)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_told_apart_whatever_their_length() {
        for longest in [0, 1, 6, 7, 8, 14, 15, 16, 40] {
            let mut texts = Texts::default();
            for length in (0..=longest).chain((0..=longest).rev()) {
                for first in [b'\0', b'a', 0xFF] {
                    let mut text = vec![first; length];
                    texts.push(&text);
                    if let Some(last) = text.last_mut() {
                        *last = b'b';
                    }
                    texts.push(&text);
                }
            }
            let (distinct, indices) = strings(&texts, usize::MAX).unwrap();
            assert!((0..texts.len()).all(|at| distinct.get(indices[at] as usize) == texts.get(at)));
            let known: std::collections::HashSet<&[u8]> =
                (0..texts.len()).map(|at| texts.get(at)).collect();
            assert_eq!(distinct.len(), known.len(), "{longest}");
            let bytes = distinct.bytes.len() + 4 * distinct.len();
            assert!(strings(&texts, bytes).is_some());
            assert!(strings(&texts, bytes - 1).is_none(), "{longest}");
        }
    }
}
