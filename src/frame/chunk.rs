//! Runs of whole records, as they go to the workers.

use std::ops::Range;
use std::sync::Arc;

use super::RowHead;
use super::columns::ColumnRows;
use super::place::{Locator, Place};
use crate::error::Fault;
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
    /// Which batch of that input it belongs to, from 0.
    pub batch: u64,
    /// The batch ends with it.
    pub ends_batch: bool,
    /// The bytes, unpacked, as they stood in the input; none where there are `columns`.
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
    /// Records that are at fault whatever they hold, in their order.
    pub faults: Vec<FramedFault>,
    /// What the first row of CSV said; nothing in other formats.
    pub rows: Option<Arc<RowHead>>,
    /// Where the bytes stood in the input, if that was not UTF-8; else `first_byte` says it.
    pub origin: Option<Origin>,
    /// For each record that comes from a reject file, where it stands there; nothing for others.
    pub replayed: Option<Vec<Replayed>>,
    /// The records as rows of columns, which have no bytes; nothing where they are bytes.
    pub columns: Option<ColumnRows>,
    /// How many columns of all tables its records have filled; 0 as long as nobody knows.
    pub filled_columns: usize,
}

/// A record that an earlier run rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replayed {
    /// Its number in that run, from 0.
    pub number: u64,
    /// Its line in the reject file, from 1.
    pub line: u64,
    /// The byte at which that begins, from 0.
    pub byte: u64,
}

/// A record at fault that is not all there, as it is too long or nobody knows where it ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FramedFault {
    /// Its index in the chunk. Its span holds what was kept of it.
    pub record: usize,
    /// What is wrong with it.
    pub fault: Fault,
    /// Bytes behind those kept that belong to it, unpacked and as UTF-8.
    pub unread_bytes: u64,
    /// It is the rest of the input, which may be any number of records.
    pub is_rest: bool,
}

impl Chunk {
    /// Returns what finds the places of bytes in the chunk, in rising order.
    pub(crate) fn locator(&self) -> Locator<'_> {
        Locator::new(self)
    }

    /// Returns the number of a record in the run, from 0; of one that is replayed, in the run that
    /// rejected it.
    pub fn number(&self, record: usize) -> u64 {
        let replayed = self.replayed.as_ref().and_then(|replayed| replayed.get(record));
        replayed.map_or(self.first_record + record as u64, |replayed| replayed.number)
    }

    /// Returns the bytes of memory that its records take.
    pub(crate) fn size(&self) -> usize {
        self.bytes.len() + self.columns.as_ref().map_or(0, |columns| columns.bytes)
    }

    /// Returns the bytes of the input that it stands for.
    pub(crate) fn input_bytes(&self) -> u64 {
        self.bytes.len() as u64 + self.columns.as_ref().map_or(0, |columns| columns.input_bytes)
    }

    /// Returns whether the chunk is the rest of an input that could not be told apart.
    pub(crate) fn is_rest(&self) -> bool {
        self.faults.iter().any(|framed| framed.is_rest)
    }

    /// Returns how many bytes of a record are not there.
    pub(crate) fn unread_bytes(&self, record: usize) -> u64 {
        // A chunk of a reject file may have one for each of its records.
        let found = self.faults.binary_search_by_key(&record, |framed| framed.record);
        found.map_or(0, |at| self.faults[at].unread_bytes)
    }

    /// Forgets the first `count` records, of which there must be more.
    pub(crate) fn drop_first(&mut self, count: usize) {
        let start = self.records[count].start;
        let mut locator = self.locator();
        locator.go_to(start as usize);
        let (place, origin) = locator.into_parts();
        (self.first_line, self.first_column, self.first_byte) =
            (place.line, place.column, place.byte);
        self.origin = origin;
        self.first_record += count as u64;
        if let Some(columns) = &mut self.columns {
            let input_bytes = columns.input_bytes;
            *columns = columns.slice(count, self.records.len() - count);
            columns.input_bytes = input_bytes;
        }
        self.bytes.drain(..start as usize);
        self.records.drain(..count);
        for span in &mut self.records {
            (span.start, span.end) = (span.start - start, span.end - start);
        }
        self.faults.retain(|framed| framed.record >= count);
        self.faults.iter_mut().for_each(|framed| framed.record -= count);
    }

    /// Returns a chunk without records that says what the first row of CSV said, or what the columns
    /// are; nothing in other formats.
    pub(crate) fn head_only(&self) -> Option<Chunk> {
        let (rows, columns) = (self.rows.clone(), self.columns.as_ref());
        (rows.is_some() || columns.is_some()).then(|| Chunk {
            sequence: self.sequence,
            input_index: self.input_index,
            first_record: self.first_record,
            rows,
            columns: columns.map(|columns| columns.slice(0, 0)),
            ..Chunk::default()
        })
    }
}

/// Copies runs of records out of a chunk, in their order.
pub(crate) struct Runs<'a> {
    chunk: &'a Chunk,
    locator: Locator<'a>,
}

impl<'a> Runs<'a> {
    pub(crate) fn new(chunk: &'a Chunk) -> Self {
        Runs { chunk, locator: chunk.locator() }
    }

    /// Returns a chunk that holds only the record at `index`, which is not before the last run.
    pub(crate) fn single(&mut self, index: usize) -> Chunk {
        self.run(index..index + 1)
    }

    /// Returns a chunk that holds only some records, of which none is before the last run's first.
    pub(crate) fn run(&mut self, records: Range<usize>) -> Chunk {
        let chunk = self.chunk;
        let spans = &chunk.records[records.clone()];
        let (Some(first), Some(last)) = (spans.first(), spans.last()) else {
            return Chunk::default();
        };
        let start = first.start;
        self.locator.go_to(start as usize);
        let bytes = chunk.bytes[start as usize..last.end as usize].to_vec();
        let Place { line, column, byte, .. } = self.locator.place();
        let framed = chunk.faults.iter().filter(|framed| records.contains(&framed.record));
        let origin = self.locator.origin().map(|origin| origin.of_record(&bytes));
        let shift = |span: &Span| Span { start: span.start - start, end: span.end - start };
        let is_last = records.end == chunk.records.len();
        Chunk {
            sequence: chunk.sequence,
            input_index: chunk.input_index,
            batch: chunk.batch,
            ends_batch: chunk.ends_batch && is_last,
            records: spans.iter().map(shift).collect(),
            origin,
            bytes,
            first_record: chunk.first_record + records.start as u64,
            first_line: line,
            first_byte: byte,
            first_column: column,
            truncated: chunk.truncated && is_last,
            faults: framed
                .map(|framed| FramedFault {
                    record: framed.record - records.start,
                    ..framed.clone()
                })
                .collect(),
            rows: chunk.rows.clone(),
            replayed: chunk.replayed.as_ref().map(|replayed| replayed[records.clone()].to_vec()),
            columns: match &chunk.columns {
                // a record that was too long is not there
                Some(columns) if columns.batch.num_rows() < records.end => Some(columns.clone()),
                Some(columns) => Some(columns.copied(records.start, records.len())),
                None => None,
            },
            filled_columns: chunk.filled_columns,
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
