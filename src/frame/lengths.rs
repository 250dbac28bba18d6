//! How long chunks are.

use super::CHUNK_BYTES_LIMIT;
use crate::limits;

/// Parts into which an input is cut at least.
const PARTS: u64 = 32;

/// Parts of what is left of an input, of which a chunk is one at most.
const PARTS_LEFT: u64 = 4;

/// How long chunks are to be, in bytes: shorter ones for a short input, whose buffers are never used
/// again and which leaves threads idle at both ends, and shorter ones at the end of any of records that
/// are not wide, where one thread would be at the last while the others have nothing to do.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lengths {
    /// The usual length.
    usual: usize,
    /// That where records are wide, at most.
    wide: usize,
    /// The input as a whole, where that is known and to be looked at.
    input: Option<u64>,
    /// Columns that the chunk filled which came back last.
    columns: usize,
}

impl Lengths {
    /// Has chunks be of `bytes`.
    pub(super) fn of(bytes: usize) -> Self {
        let usual = bytes.clamp(1, CHUNK_BYTES_LIMIT);
        Lengths { usual, wide: usual, input: None, columns: 0 }
    }

    /// Lets chunks of wide records be of up to `bytes`.
    pub(super) fn lengthen_wide(&mut self, bytes: usize) {
        self.wide = bytes.clamp(self.usual, CHUNK_BYTES_LIMIT);
    }

    /// Has chunks suit an input of `bytes`.
    pub(super) fn fit(&mut self, bytes: u64) {
        self.input = Some(bytes);
    }

    /// Learns from a chunk that fills so many columns.
    pub(super) fn learn(&mut self, columns: usize) {
        self.columns = columns;
    }

    /// Returns the length of the next chunk, which begins `read` bytes into the input.
    pub(super) fn next(&self, read: u64) -> usize {
        let for_columns = self.columns.saturating_mul(limits::WIDE_COLUMN_BYTES);
        let most = for_columns.clamp(self.usual, self.wide);
        let Some(all) = self.input else { return most };
        let part = match most > self.usual {
            // columns cost more than threads that wait at the end
            true => all / PARTS,
            false => (all / PARTS).min(all.saturating_sub(read) / PARTS_LEFT),
        };
        let part = usize::try_from(part).unwrap_or(usize::MAX);
        // in few steps, so that buffers that come back fit
        let step = 1 << part.max(1).ilog2();
        most.min(step.max(limits::CHUNK_BYTES_LEAST))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    fn lengths(input: u64, all: u64) -> Vec<u64> {
        let mut lengths = Lengths::of(limits::CHUNK_BYTES);
        lengths.fit(input);
        let mut read = 0;
        let next = || {
            let length = (lengths.next(read) as u64).min(all - read);
            read += length;
            (length > 0).then_some(length)
        };
        std::iter::from_fn(next).collect()
    }

    #[test]
    fn chunks_of_a_short_input_are_short() {
        for (all, longest) in [(MIB, MIB / 2), (20 * MIB, MIB / 2), (40 * MIB, MIB)] {
            assert_eq!(lengths(all, all).iter().max(), Some(&longest), "{all}");
        }
    }

    #[test]
    fn the_last_chunks_are_short() {
        let all = 100 * MIB + 1;
        let chunks = lengths(all, all);
        assert_eq!(chunks.iter().sum::<u64>(), all);
        assert!(chunks.iter().rev().is_sorted(), "{chunks:?}");
        let [usual, last] = [2 * MIB, MIB / 2];
        assert_eq!(chunks.iter().filter(|length| **length == usual).count(), 47);
        assert_eq!(chunks[chunks.len() - 3..], [last, last, 1]);
    }

    #[test]
    fn an_input_that_grew_is_read_in_short_chunks() {
        assert!(lengths(MIB, 3 * MIB).iter().all(|length| *length == MIB / 2));
    }

    #[test]
    fn chunks_grow_with_the_columns_that_they_fill() {
        let mut lengths = Lengths::of(limits::CHUNK_BYTES);
        lengths.lengthen_wide(limits::WIDE_CHUNK_BYTES);
        for (columns, mib) in [(0, 2), (512, 2), (1024, 4), (1536, 6), (2048, 8), (100_000, 8)] {
            lengths.learn(columns);
            assert_eq!(lengths.next(0) as u64, mib * MIB, "{columns}");
        }
    }

    #[test]
    fn lengths_that_are_given_stay() {
        for bytes in [1, 100, 2 << 20] {
            let lengths = Lengths::of(bytes);
            assert!([0, 1, MIB, 1 << 40].iter().all(|read| lengths.next(*read) == bytes));
        }
    }
}
