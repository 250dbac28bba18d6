//! Rows as text, a block of them at once: a column writes its cells into all rows of the block before
//! the next column does.
//!
//! Where one row is written behind the other, the place of each cell waits for the length of the one
//! before it, and each cell asks what it is. Here a row waits for nothing but its own last cell, and
//! a column is asked once for a block.

use std::ops::Range;

use super::{BLOCK, Cursor};
use crate::encode::buffer::Buffer;
use crate::encode::digits::{NUMBER_BYTES, write_float, write_int};
use crate::encode::text::RowFormat;
use crate::table::{RowNumbers, Texts, Values};

/// Bytes of a row that lie in its lane; what is longer goes on elsewhere.
pub(in crate::encode) const LANE_BYTES: usize = 16 * PIECE_BYTES;

/// Bytes that are copied at once.
pub(in crate::encode) const PIECE_BYTES: usize = 64;

/// What stands before a value is that long at most where cells are written in place.
const BEFORE_BYTES: usize = 64;

/// Text is that long at most where cells are written in place.
const TEXT_BYTES: usize = NUMBER_BYTES;

/// Room for a cell that is written in place.
const CELL_BYTES: usize = BEFORE_BYTES + NUMBER_BYTES + 1;

/// Fewer rows are not worth the memory.
const ROWS_MIN: usize = 8;

/// What stands around the values of a column, and which of them are written as they are.
pub(in crate::encode) struct Around<'a> {
    /// What stands before each value.
    pub before: &'a [u8],
    /// The byte behind it, if there is one.
    pub behind: Option<u8>,
    /// Numbers and booleans are.
    pub numbers_stand: bool,
    /// Text is, whatever bytes are in it.
    pub text_stands: bool,
}

/// The rows of a block on their way to text.
pub(in crate::encode) struct Lanes {
    lanes: Vec<Lane>,
    /// Rows of the block that are written next, the first so many.
    picked: [u8; BLOCK],
    /// A cell that is written the long way.
    cell: Buffer,
    scratch: Buffer,
}

/// A row on its way to text. Lines of the cache that lanes start with are an odd number apart, so that
/// lanes do not share a few places of it.
#[derive(Clone)]
#[repr(align(64))]
struct Lane {
    bytes: [u8; LANE_BYTES],
    len: usize,
    /// What found no room, and comes first.
    long: Vec<u8>,
}

/// [`Around`], ready to be copied.
struct Frame {
    before: [u8; BEFORE_BYTES],
    before_len: usize,
    behind: u8,
    behind_len: usize,
}

impl Lanes {
    /// Makes room for a block if rows of about so many bytes should be written so.
    pub(in crate::encode) fn new(rows: usize, row_bytes: usize) -> Option<Self> {
        let lane = Lane { bytes: [0; LANE_BYTES], len: 0, long: Vec::new() };
        (rows >= ROWS_MIN && row_bytes <= LANE_BYTES / 2).then(|| Lanes {
            lanes: vec![lane; BLOCK.min(rows)],
            picked: [0; BLOCK],
            cell: Buffer::with_room(0),
            scratch: Buffer::with_room(0),
        })
    }

    /// Writes the cells of a block of `rows` rows, of a table of `width` columns.
    pub(super) fn fill<R: RowFormat>(
        &mut self,
        format: &R,
        columns: &mut [Cursor<'_>],
        width: usize,
        block: usize,
        rows: usize,
    ) {
        let (mask, mut place) = (first_rows(rows), 0);
        for column in columns {
            self.gap(format, place..column.place, mask);
            place = column.place + 1;
            let word = column.presence.word(block) & mask;
            self.gap(format, column.place..place, mask & !word);
            let count = self.pick(word);
            if count > 0 {
                self.column(format, column, count);
            }
        }
        self.gap(format, place..width, mask);
    }

    /// Appends a row of the block to `out`, and makes room for the next one.
    #[inline]
    pub(super) fn take(&mut self, row: usize, out: &mut Buffer) {
        let lane = &mut self.lanes[row];
        if !lane.long.is_empty() {
            out.push_all(&lane.long);
            lane.long.clear();
        }
        out.push_lane(&lane.bytes, lane.len);
        lane.len = 0;
    }

    /// Picks the rows that are set in `word`; returns how many.
    fn pick(&mut self, mut word: u64) -> usize {
        let mut count = 0;
        while word != 0 {
            self.picked[count] = word.trailing_zeros() as u8;
            word &= word - 1;
            count += 1;
        }
        count
    }

    /// Writes what stands for cells without a value into the rows that are set in `word`.
    fn gap<R: RowFormat>(&mut self, format: &R, places: Range<usize>, word: u64) {
        if word == 0 || places.is_empty() {
            return;
        }
        self.cell.clear();
        format.gap(places, &mut self.cell);
        let gap = self.cell.as_bytes();
        if gap.is_empty() {
            return;
        }
        let mut word = word;
        while word != 0 {
            self.lanes[word.trailing_zeros() as usize].push(gap);
            word &= word - 1;
        }
    }

    /// Writes the next values of a column into the rows that were picked.
    fn column<R: RowFormat>(&mut self, format: &R, column: &mut Cursor<'_>, count: usize) {
        let around = format.around(column);
        let Some(frame) = Frame::new(&around) else {
            return self.odd_cells(format, column, 0..count);
        };
        let start = column.values.next;
        let end = start + count;
        match column.values.values {
            Values::Bool(values) if around.numbers_stand => {
                self.each(&frame, values[start..end].iter(), |value, room| match value {
                    true => write_word(b"true", room),
                    false => write_word(b"false", room),
                });
            }
            Values::Int(values) if around.numbers_stand => {
                self.each(&frame, values[start..end].iter(), |value, room| write_int(*value, room));
            }
            Values::Rows(RowNumbers::Run { first, .. }) if around.numbers_stand => {
                let numbers = first + start as i64..first + end as i64;
                self.each(&frame, numbers, write_int);
            }
            Values::Rows(RowNumbers::Beyond { base, offsets }) if around.numbers_stand => {
                self.each(&frame, offsets[start..end].iter(), |offset, room| {
                    write_int(base + i64::from(*offset), room)
                });
            }
            Values::Float(floats) if around.numbers_stand && floats.long.is_empty() => {
                self.each(&frame, floats.values[start..end].iter(), |value, room| {
                    write_float(*value, room)
                });
            }
            Values::Text(texts) if around.text_stands => {
                self.texts(&frame, texts, start..end, |_| true);
            }
            Values::Text(texts) => {
                let written = match column.values.is_free(end, format.special()) {
                    true => self.texts(&frame, texts, start..end, |text| format.is_plain(text)),
                    false => 0,
                };
                column.values.next = start + written;
                return self.odd_cells(format, column, written..count);
            }
            _ => return self.odd_cells(format, column, 0..count),
        }
        column.values.next = end;
    }

    /// Writes a value into each row that was picked.
    #[inline(always)]
    fn each<T>(
        &mut self,
        frame: &Frame,
        values: impl Iterator<Item = T>,
        write: impl Fn(T, &mut [u8; NUMBER_BYTES]) -> usize,
    ) {
        for (&row, value) in self.picked.iter().zip(values) {
            self.lanes[usize::from(row)].cell(frame, |room| write(value, room));
        }
    }

    /// Writes a string into each row that was picked, up to one that is not plain; returns how many.
    #[inline(always)]
    fn texts(
        &mut self,
        frame: &Frame,
        texts: &Texts,
        range: Range<usize>,
        is_plain: impl Fn(&[u8]) -> bool,
    ) -> usize {
        let (count, bytes) = (range.len(), texts.bytes.as_slice());
        let bounds = texts.offsets[range.start..=range.end].windows(2);
        for (nth, (&row, bounds)) in self.picked.iter().zip(bounds).enumerate() {
            let (start, end) = (bounds[0] as usize, bounds[1] as usize);
            let text = &bytes[start..end];
            if !is_plain(text) {
                return nth;
            }
            let lane = &mut self.lanes[usize::from(row)];
            match bytes[start..].first_chunk::<TEXT_BYTES>() {
                Some(block) if text.len() <= TEXT_BYTES => {
                    lane.cell(frame, |room| {
                        *room = *block;
                        text.len()
                    });
                }
                _ => {
                    lane.push(&frame.before[..frame.before_len]);
                    lane.push(text);
                    lane.push(&[frame.behind][..frame.behind_len]);
                }
            }
        }
        count
    }

    /// Writes cells that need a closer look, of so many of the rows that were picked.
    #[inline(never)]
    fn odd_cells<R: RowFormat>(
        &mut self,
        format: &R,
        column: &mut Cursor<'_>,
        picked: Range<usize>,
    ) {
        for &row in &self.picked[picked] {
            self.cell.clear();
            format.cell(column, &mut self.scratch, &mut self.cell);
            self.lanes[usize::from(row)].push(self.cell.as_bytes());
        }
    }
}

impl Lane {
    /// Appends a cell in place.
    #[inline(always)]
    fn cell(&mut self, frame: &Frame, write: impl FnOnce(&mut [u8; NUMBER_BYTES]) -> usize) {
        const HALF: usize = BEFORE_BYTES / 2;
        if self.len > LANE_BYTES - CELL_BYTES {
            self.go_on_elsewhere();
        }
        let room = &mut self.bytes[self.len..self.len + CELL_BYTES];
        room[..HALF].copy_from_slice(&frame.before[..HALF]);
        if frame.before_len > HALF {
            room[HALF..BEFORE_BYTES].copy_from_slice(&frame.before[HALF..]);
        }
        let start = frame.before_len;
        let Some(value) = room[start..].first_chunk_mut() else { return };
        let end = start + write(value);
        room[end] = frame.behind;
        self.len += end + frame.behind_len;
    }

    /// Appends bytes.
    fn push(&mut self, bytes: &[u8]) {
        if bytes.len() > LANE_BYTES - self.len {
            self.go_on_elsewhere();
        }
        match self.bytes[self.len..].get_mut(..bytes.len()) {
            Some(room) => {
                room.copy_from_slice(bytes);
                self.len += bytes.len();
            }
            None => self.long.extend_from_slice(bytes),
        }
    }

    /// Empties the lane for what comes.
    #[cold]
    fn go_on_elsewhere(&mut self) {
        self.long.extend_from_slice(&self.bytes[..self.len]);
        self.len = 0;
    }
}

impl Frame {
    /// Returns nothing where too much stands before the values.
    fn new(around: &Around<'_>) -> Option<Self> {
        let mut before = [0; BEFORE_BYTES];
        before.get_mut(..around.before.len())?.copy_from_slice(around.before);
        Some(Frame {
            before,
            before_len: around.before.len(),
            behind: around.behind.unwrap_or_default(),
            behind_len: usize::from(around.behind.is_some()),
        })
    }
}

/// Writes a word of a few letters; returns how many.
#[inline]
fn write_word<const N: usize>(word: &[u8; N], room: &mut [u8; NUMBER_BYTES]) -> usize {
    room[..N].copy_from_slice(word);
    N
}

/// Returns a word in which the first `rows` bits are set, at most 64.
fn first_rows(rows: usize) -> u64 {
    u64::MAX >> (BLOCK - rows)
}
