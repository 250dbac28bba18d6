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
    let mut place = Place::new(chunk.first_line, chunk.first_column, chunk.first_byte);
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
        let place = Place::new(chunk.first_line, chunk.first_column, chunk.first_byte);
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
    /// The line starts with a byte order mark, and the place is behind it.
    is_marked: bool,
    /// The character that the bytes so far end inside of; counted byte by byte until it is whole.
    open: Open,
}

/// The start of a character.
#[derive(Debug, Clone, Copy, Default)]
struct Open {
    bytes: [u8; 4],
    len: usize,
}

impl Place {
    /// Starts at a place that is inside of no character.
    pub(super) fn new(line: u64, column: u64, byte: u64) -> Place {
        Place { line, column, byte, ..Place::default() }
    }

    /// Moves behind `bytes`; it does not matter where they are cut.
    pub(super) fn advance(&mut self, bytes: &[u8]) {
        self.byte += bytes.len() as u64;
        let mut tail = bytes;
        if let Some(last) = memrchr(b'\n', bytes) {
            self.line += memchr_iter(b'\n', &bytes[..=last]).count() as u64;
            (self.column, self.is_marked, self.open) = (0, false, Open::default());
            tail = &bytes[last + 1..];
        }
        if self.open.len > 0 {
            tail = self.close(tail);
        }
        if self.column == 0
            && !self.is_marked
            && let Some(rest) = tail.strip_prefix(BOM)
        {
            self.is_marked = true;
            tail = rest;
        }
        self.column += char_count(tail);
        // the next bytes may go on with the last character
        if tail.last().is_some_and(|last| !last.is_ascii()) {
            self.open = Open::at_end(tail);
        }
    }

    /// Goes on with the open character; returns what is left of `tail`.
    fn close<'a>(&mut self, mut tail: &'a [u8]) -> &'a [u8] {
        while let Some((&byte, rest)) = tail.split_first() {
            let Open { mut bytes, len } = self.open;
            bytes[len] = byte;
            match std::str::from_utf8(&bytes[..=len]) {
                Ok(_) => {
                    self.column -= len as u64;
                    let is_mark = self.column == 0 && !self.is_marked && bytes.starts_with(BOM);
                    self.is_marked |= is_mark;
                    self.column += u64::from(!is_mark);
                    self.open = Open::default();
                    return rest;
                }
                Err(cause) if cause.error_len().is_none() => {
                    self.column += 1;
                    self.open = Open { bytes, len: len + 1 };
                    tail = rest;
                }
                Err(_) => {
                    self.open = Open::default();
                    return tail;
                }
            }
        }
        tail
    }

    pub(super) fn position(self) -> Position {
        Position { line: self.line + 1, column: self.column + 1, byte: self.byte }
    }
}

impl Open {
    /// Returns the character that `text` ends inside of.
    fn at_end(text: &[u8]) -> Open {
        let mut open = Open::default();
        let is_start = |byte: &u8| byte & 0xC0 != 0x80;
        let Some(start) = text.iter().rposition(is_start).map(|start| &text[start..]) else {
            return open;
        };
        let is_cut = std::str::from_utf8(start)
            .is_err_and(|cause| cause.valid_up_to() == 0 && cause.error_len().is_none());
        if is_cut {
            open.len = start.len();
            open.bytes[..start.len()].copy_from_slice(start);
        }
        open
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_do_not_depend_on_where_bytes_are_cut() {
        let texts: [(&[u8], (u64, u64)); 9] = [
            ("aé€🦀b".as_bytes(), (0, 5)),
            ("\u{feff}é".as_bytes(), (0, 1)),
            ("\u{feff}\u{feff}".as_bytes(), (0, 1)),
            ("x\n\u{feff}y\u{feff}".as_bytes(), (1, 2)),
            (b"\xE0\xC5\x8E", (0, 2)),
            (b"\xF0\x9F\xA6", (0, 3)),
            (b"\xEF\xBB\xEF\xBB\xBF", (0, 3)),
            (b"\x80\xFF\xC3\nx", (1, 1)),
            (b"\xED\xA0\x80\xC3\xA9", (0, 4)),
        ];
        for (text, expected) in texts {
            for step in 1..=text.len() {
                let mut place = Place::default();
                text.chunks(step).for_each(|piece| place.advance(piece));
                assert_eq!((place.line, place.column), expected, "{text:?} by {step}");
                assert_eq!(place.byte, text.len() as u64);
            }
        }
    }
}
