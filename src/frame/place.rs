//! Where something stands in an input: byte, line and column.

use memchr::{memchr_iter, memrchr};

use super::{Chunk, Replayed};
use crate::source::charset::Origin;

/// A place in an input, as people count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Line, from 1.
    pub line: u64,
    /// Character in the line, from 1.
    pub column: u64,
    /// Byte of the input, from 0.
    pub byte: u64,
}

/// Returns where byte `byte_in_chunk` of the chunk stands in the input.
///
/// - Units: lines end at LF; a column is a character, each byte of invalid UTF-8 is one of its own,
///   a byte order mark at the start of a line is none.
pub fn position(chunk: &Chunk, byte_in_chunk: usize) -> Position {
    let mut place =
        Place { line: chunk.first_line, column: chunk.first_column, byte: chunk.first_byte };
    let before = &chunk.bytes[..byte_in_chunk.min(chunk.bytes.len())];
    place.advance(before);
    if let Some(origin) = &chunk.origin {
        place.byte = origin.byte_behind(before);
    }
    place.position()
}

/// Finds the places of bytes in a chunk, each behind the last one: each byte is counted once.
#[derive(Debug, Clone)]
pub(crate) struct Locator<'a> {
    bytes: &'a [u8],
    /// What was counted so far ends there.
    at: usize,
    place: Place,
    origin: Option<Origin>,
}

impl<'a> Locator<'a> {
    pub(super) fn new(chunk: &'a Chunk) -> Self {
        let place =
            Place { line: chunk.first_line, column: chunk.first_column, byte: chunk.first_byte };
        Locator { bytes: &chunk.bytes, at: 0, place, origin: chunk.origin.clone() }
    }

    /// Moves to byte `at` of the chunk, which is not before the last one.
    pub(super) fn go_to(&mut self, at: usize) {
        let at = at.min(self.bytes.len()).max(self.at);
        let passed = &self.bytes[self.at..at];
        self.place.advance(passed);
        if let Some(origin) = &mut self.origin {
            origin.advance(passed);
        }
        self.at = at;
    }

    /// Returns where byte `at` of the chunk stands in the input.
    pub(crate) fn position(&mut self, at: usize) -> Position {
        self.go_to(at);
        let mut position = self.place.position();
        if let Some(origin) = &self.origin {
            position.byte = origin.byte();
        }
        position
    }

    /// Returns where a record of the chunk begins in the input, and where its byte `offset` is.
    pub(crate) fn record(&mut self, chunk: &Chunk, index: usize, offset: usize) -> [Position; 2] {
        let span = chunk.records[index].range();
        let at = (span.start + offset).min(span.end);
        let start = self.position(span.start);
        let fault = self.position(at);
        match chunk.replayed.as_ref().and_then(|replayed| replayed.get(index)) {
            None => [start, fault],
            // The record is text inside of a line.
            Some(Replayed { line, byte, .. }) => {
                let mut inside = Place::default();
                inside.advance(&self.bytes[span.start..at]);
                let column = inside.column + 1;
                [1, column].map(|column| Position { line: *line, column, byte: *byte })
            }
        }
    }

    pub(super) fn place(&self) -> Place {
        self.place
    }

    pub(super) fn origin(&self) -> Option<&Origin> {
        self.origin.as_ref()
    }

    pub(super) fn into_parts(self) -> (Place, Option<Origin>) {
        (self.place, self.origin)
    }
}

/// A place as it is counted: line and column from 0.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Place {
    pub(super) line: u64,
    pub(super) column: u64,
    pub(super) byte: u64,
}

impl Place {
    /// Moves behind `bytes`.
    pub(super) fn advance(&mut self, bytes: &[u8]) {
        self.byte += bytes.len() as u64;
        let mut tail = bytes;
        if let Some(last) = memrchr(b'\n', bytes) {
            self.line += memchr_iter(b'\n', &bytes[..=last]).count() as u64;
            self.column = 0;
            tail = &bytes[last + 1..];
        }
        if self.column == 0 {
            tail = tail.strip_prefix(BOM).unwrap_or(tail);
        }
        self.column += char_count(tail);
    }

    pub(super) fn position(self) -> Position {
        Position { line: self.line + 1, column: self.column + 1, byte: self.byte }
    }
}

/// The byte order mark of UTF-8.
pub(super) const BOM: &[u8] = b"\xEF\xBB\xBF";

/// Counts characters; invalid UTF-8 byte by byte.
fn char_count(bytes: &[u8]) -> u64 {
    let count = match std::str::from_utf8(bytes) {
        Ok(text) => text.chars().count(),
        Err(_) => bytes
            .utf8_chunks()
            .map(|part| part.valid().chars().count() + part.invalid().len())
            .sum(),
    };
    count as u64
}
