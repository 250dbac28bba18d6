//! How much each part of a run may hold, so that all together stay within one limit.
//!
//! Row groups are cut by it, so the files depend on the limit, and on nothing that differs from
//! machine to machine: with more threads, chunks get smaller, row groups do not.

use super::Conversion;
use crate::limits;

/// What the parts of a run may hold, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Budget {
    /// Bytes of values after which a row group is cut.
    pub row_group: usize,
    /// Bytes of values that all tables together hold before the largest is written out.
    pub pending: usize,
    /// Bytes of values that are encoded at once; one row group at least.
    pub encoding: usize,
    /// Bytes of values of text that become one task, and that are on their way at once: names and
    /// punctuation may make it many times as long.
    pub text: usize,
    pub text_encoding: usize,
    /// Bytes that row groups take which are written again at the end.
    pub stitching: usize,
    /// Bytes of input handed to a worker at once.
    pub chunk: usize,
    /// The same where records are wide.
    pub wide_chunk: usize,
    /// Bytes of input that one chunk in flight may have without taking the place of others.
    pub ticket: usize,
    /// Bytes of input after which a batch ends that goes whole.
    pub batch: usize,
    /// Longest record that is taken.
    pub record: usize,
    /// Bytes of records that a sample holds.
    pub sample: usize,
    /// Memory for unpacking an input.
    pub unpack: usize,
    /// Longest batch of an Arrow input, which is in memory as a whole.
    pub piece: usize,
}

/// A chunk, its columns, and what is copied of them, in chunks.
const CHUNK_COPIES: usize = 4;

impl Budget {
    /// Shares out the memory of a run; what the user set stands.
    pub(super) fn of(conversion: &Conversion, chunks: usize) -> Self {
        let spare = conversion.memory_limit.saturating_sub(limits::MEMORY_FIXED);
        // Of what is left, an eighth for the chunks in flight, and as much as a row group each for
        // rows that wait and rows that are encoded, which are copied meanwhile, once by their
        // values and once as pages.
        let group = spare / 16 * 3;
        let pending = conversion.pending_bytes.unwrap_or(group);
        let chunk = spare / 8 / (CHUNK_COPIES * chunks);
        // Wide ones have the eighth that is left.
        let wide_chunk = 2 * chunk;
        let least = limits::CHUNK_BYTES_MIN;
        let given =
            |chunk: usize, most| conversion.chunk_bytes.unwrap_or_else(|| chunk.clamp(least, most));
        Budget {
            row_group: conversion.row_group_bytes.unwrap_or(group),
            pending,
            encoding: group,
            text: pending / 32,
            text_encoding: group / 4,
            // nothing else is held by then
            stitching: spare / 4 * 3,
            chunk: given(chunk, limits::CHUNK_BYTES),
            wide_chunk: given(wide_chunk, limits::WIDE_CHUNK_BYTES),
            ticket: spare / 8 / chunks,
            batch: (spare / 56).clamp(least, limits::BATCH_BYTES),
            record: conversion
                .record_bytes_max
                .unwrap_or_else(|| (spare / 7).min(limits::RECORD_BYTES_MAX)),
            sample: spare / 8,
            // few inputs need much, and then rarely all of the rest is in use
            piece: conversion.memory_limit / 4,
            unpack: (conversion.memory_limit / 4).min(limits::UNPACK_BYTES_MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::OutputFormat;

    fn budget(limit: usize, chunks: usize) -> Budget {
        let mut conversion = Conversion::new(Vec::new(), OutputFormat::Parquet);
        conversion.memory_limit = limit;
        Budget::of(&conversion, chunks)
    }

    #[test]
    fn parts_shrink_with_the_limit() {
        let whole = budget(limits::MEMORY_FIXED + (512 << 20), 4);
        assert_eq!((whole.row_group, whole.chunk), (96 << 20, limits::CHUNK_BYTES));
        assert_eq!(whole.record, limits::RECORD_BYTES_MAX);
        let quarter = budget(limits::MEMORY_FIXED + (128 << 20), 4);
        assert_eq!(quarter.row_group * 4, whole.row_group);
        assert!(quarter.record < whole.record / 3);
        assert!(quarter.chunk < whole.chunk);
    }

    #[test]
    fn row_groups_do_not_depend_on_threads() {
        let (few, many) = (budget(limits::MEMORY, 4), budget(limits::MEMORY, 200));
        assert_eq!(
            (few.row_group, few.pending, few.record),
            (many.row_group, many.pending, many.record)
        );
        assert!(many.chunk < few.chunk);
    }
}
