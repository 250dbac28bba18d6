//! Runs of whole records, as they go to the workers.

use std::ops::Range;
use std::sync::Arc;

use super::RowHead;
use super::place::Place;
use crate::source::charset::Origin;

/// A run of whole records from one input, as bytes.
///
/// - Shape: N records, each a span of `bytes`; what lies between spans is white space, separators,
///   or what `--records` leaves out. `bytes` starts with the first record, ends with the last.
///   CSV without a row but its header is a chunk without records.
/// - Units: bytes; `first_*` count over the whole run of the input.
#[derive(Debug, Clone, Default)]
pub struct Chunk {
    /// Place of this chunk in the run, from 0, over all inputs.
    pub sequence: u64,
    /// Which input it came from, from 0.
    pub input_index: usize,
    /// The bytes, unpacked, as they stood in the input.
    pub bytes: Vec<u8>,
    /// Where each record lies in `bytes`.
    pub records: Vec<Span>,
    /// Number of the first record in the run, from 0, counting records of earlier inputs.
    pub first_record: u64,
    /// Line that `bytes` starts in, from 0.
    pub first_line: u64,
    /// Byte of the input that `bytes` starts at, from 0.
    pub first_byte: u64,
    /// Characters between the start of the line that `bytes` starts in and `bytes`.
    pub first_column: u64,
    /// The input ended inside the last record.
    pub truncated: bool,
    /// What the first row of CSV said; nothing in other formats.
    pub rows: Option<Arc<RowHead>>,
    /// Where the bytes stood in the input, if that was not UTF-8; else `first_byte` says it.
    pub origin: Option<Origin>,
}

impl Chunk {
    /// Forgets the first `count` records, of which there must be more.
    pub(crate) fn drop_first(&mut self, count: usize) {
        let start = self.records[count].start;
        let before = &self.bytes[..start as usize];
        let mut place =
            Place { line: self.first_line, column: self.first_column, byte: self.first_byte };
        place.advance(before);
        (self.first_line, self.first_column, self.first_byte) =
            (place.line, place.column, place.byte);
        if let Some(origin) = &mut self.origin {
            origin.advance(before);
        }
        self.first_record += count as u64;
        self.bytes.drain(..start as usize);
        self.records.drain(..count);
        for span in &mut self.records {
            (span.start, span.end) = (span.start - start, span.end - start);
        }
    }

    /// Returns a chunk without records that says what the first row of CSV said; nothing in other
    /// formats.
    pub(crate) fn head_only(&self) -> Option<Chunk> {
        let rows = self.rows.clone();
        rows.is_some().then(|| Chunk {
            sequence: self.sequence,
            input_index: self.input_index,
            first_record: self.first_record,
            rows,
            ..Chunk::default()
        })
    }
}

/// Copies single records out of a chunk, in their order.
pub(crate) struct Singles<'a> {
    chunk: &'a Chunk,
    /// What was counted so far ends there.
    at: usize,
    place: Place,
    origin: Option<Origin>,
}

impl<'a> Singles<'a> {
    pub(crate) fn new(chunk: &'a Chunk) -> Self {
        let place =
            Place { line: chunk.first_line, column: chunk.first_column, byte: chunk.first_byte };
        Singles { chunk, at: 0, place, origin: chunk.origin.clone() }
    }

    /// Returns a chunk that holds only the record at `index`, which is behind the last one.
    pub(crate) fn only(&mut self, index: usize) -> Chunk {
        let chunk = self.chunk;
        let span = chunk.records[index];
        let before = &chunk.bytes[self.at..span.start as usize];
        self.at = span.start as usize;
        self.place.advance(before);
        let bytes = chunk.bytes[span.range()].to_vec();
        let origin = self.origin.as_mut().map(|origin| {
            origin.advance(before);
            origin.of_record(&bytes)
        });
        Chunk {
            sequence: chunk.sequence,
            input_index: chunk.input_index,
            records: vec![Span { start: 0, end: span.end - span.start }],
            bytes,
            first_record: chunk.first_record + index as u64,
            first_line: self.place.line,
            first_byte: self.place.byte,
            first_column: self.place.column,
            truncated: chunk.truncated && index + 1 == chunk.records.len(),
            rows: chunk.rows.clone(),
            origin,
        }
    }
}

/// The place of one record in its chunk: bytes `start..end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// Returns the span as a range for slicing.
    pub fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}
