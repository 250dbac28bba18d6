//! Text on its way out: bytes that grow by short pieces, most of them shorter than a call to copy
//! them would be worth.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::cells::lanes::{LANE_BYTES, PIECE_BYTES};
use super::digits::{NUMBER_BYTES, write_float, write_int};

/// Bytes in the order in which they are pushed.
#[derive(Debug)]
pub struct Buffer {
    /// The text, and behind it room.
    bytes: Vec<u8>,
    len: usize,
}

/// Bytes that are copied at once; longer pieces are worth a call.
const BLOCK: usize = 32;

/// A short piece that is pushed again and again.
#[derive(Debug)]
pub(super) struct Snippet {
    bytes: Vec<u8>,
    len: usize,
}

impl Snippet {
    pub(super) fn new(text: &[u8]) -> Self {
        let mut bytes = text.to_vec();
        bytes.extend_from_slice(&[0; BLOCK]);
        Snippet { bytes, len: text.len() }
    }

    /// Returns how many bytes.
    pub(super) fn len(&self) -> usize {
        self.len
    }
}

/// Memory of text that was written, for text that is to come: fresh pages cost as much as what is
/// written into them.
#[derive(Debug, Clone)]
pub struct Spare {
    held: Arc<Mutex<Held>>,
    /// As many bytes are kept.
    bytes_max: usize,
}

#[derive(Debug, Default)]
struct Held {
    buffers: VecDeque<Buffer>,
    bytes: usize,
}

impl Spare {
    /// Keeps up to so many bytes.
    pub fn new(bytes_max: usize) -> Self {
        Spare { held: Arc::default(), bytes_max }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts a text of about so many bytes.
    pub(super) fn take(&self, room: usize) -> Buffer {
        let mut held = self.held();
        // of those that are long enough the one that was written last
        let at = held.buffers.iter().rposition(|buffer| buffer.bytes.len() >= room + BLOCK);
        let Some(mut buffer) = at.and_then(|at| held.buffers.remove(at)) else {
            drop(held);
            return Buffer::with_room(room);
        };
        held.bytes -= buffer.bytes.len();
        buffer.clear();
        buffer
    }

    /// Takes the memory of a text that nobody needs any more, for that of the one that came first where
    /// there is no room for both.
    pub(super) fn put(&self, text: Buffer) {
        if text.bytes.len() > self.bytes_max {
            return;
        }
        let mut held = self.held();
        held.bytes += text.bytes.len();
        held.buffers.push_back(text);
        while held.bytes > self.bytes_max
            && let Some(first) = held.buffers.pop_front()
        {
            held.bytes -= first.bytes.len();
        }
    }
}

impl Buffer {
    /// Starts with room for so many bytes.
    pub(super) fn with_room(room: usize) -> Self {
        Buffer { bytes: vec![0; room + BLOCK], len: 0 }
    }

    /// Returns how many bytes were pushed.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Returns what was pushed.
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// Gives up the room and returns what was pushed.
    pub(super) fn into_bytes(mut self) -> Vec<u8> {
        self.bytes.truncate(self.len);
        self.bytes.shrink_to_fit();
        self.bytes
    }

    /// Takes everything back; the room stays.
    pub(super) fn clear(&mut self) {
        self.len = 0;
    }

    /// Replaces a byte that was pushed.
    #[inline]
    pub(super) fn set(&mut self, at: usize, byte: u8) {
        self.bytes[at] = byte;
    }

    #[inline]
    fn make_room(&mut self, count: usize) {
        if self.bytes.len() - self.len < count {
            self.grow(count);
        }
    }

    #[cold]
    fn grow(&mut self, count: usize) {
        let len = (self.bytes.len() * 2).max(self.len + count + BLOCK);
        self.bytes.resize(len, 0);
    }

    /// Appends a byte.
    #[inline]
    pub(super) fn push(&mut self, byte: u8) {
        self.push_block(&[byte], 1);
    }

    /// Appends the first `count` bytes of a block, which is copied whole.
    #[inline]
    fn push_block<const N: usize>(&mut self, block: &[u8; N], count: usize) {
        match self.bytes.get_mut(self.len..).and_then(|room| room.first_chunk_mut()) {
            Some(room) => *room = *block,
            None => self.grow_for(block),
        }
        self.len += count;
    }

    #[cold]
    #[inline(never)]
    fn grow_for(&mut self, block: &[u8]) {
        self.grow(block.len());
        self.bytes[self.len..self.len + block.len()].copy_from_slice(block);
    }

    /// Appends bytes.
    pub(super) fn push_all(&mut self, bytes: &[u8]) {
        self.make_room(bytes.len());
        self.bytes[self.len..self.len + bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len();
    }

    /// Appends one byte so many times.
    pub(super) fn push_run(&mut self, byte: u8, count: usize) {
        if count <= BLOCK {
            return self.push_block(&[byte; BLOCK], count);
        }
        self.make_room(count);
        self.bytes[self.len..self.len + count].fill(byte);
        self.len += count;
    }

    /// Appends `source[start..end]`; fast where much of `source` follows.
    #[inline(always)]
    pub(super) fn push_part(&mut self, source: &[u8], start: usize, end: usize) {
        match source.get(start..).and_then(|rest| rest.first_chunk::<BLOCK>()) {
            Some(block) if end - start <= BLOCK => self.push_block(block, end - start),
            _ => self.push_all(&source[start..end]),
        }
    }

    /// Appends the first `len` bytes of a row's lane.
    #[inline]
    pub(super) fn push_lane(&mut self, lane: &[u8; LANE_BYTES], len: usize) {
        let room = self.bytes.get_mut(self.len..).and_then(<[u8]>::first_chunk_mut);
        let Some(room): Option<&mut [u8; LANE_BYTES]> = room else {
            return self.push_all(&lane[..len]);
        };
        for (room, piece) in room
            .as_chunks_mut::<PIECE_BYTES>()
            .0
            .iter_mut()
            .zip(&lane.as_chunks().0[..len.div_ceil(PIECE_BYTES)])
        {
            *room = *piece;
        }
        self.len += len;
    }

    /// Appends a snippet.
    #[inline]
    pub(super) fn push_snippet(&mut self, snippet: &Snippet) {
        self.push_part(&snippet.bytes, 0, snippet.len);
    }

    /// Appends an integer in digits.
    #[inline]
    pub(super) fn push_int(&mut self, value: i64) {
        self.push_number(|room| write_int(value, room));
    }

    /// Appends a double as [`float_text`](crate::table::scalar::float_text) spells it.
    pub(super) fn push_float(&mut self, value: f64) {
        self.push_number(|room| write_float(value, room));
    }

    #[inline]
    fn push_number(&mut self, write: impl Fn(&mut [u8; NUMBER_BYTES]) -> usize) {
        self.len += match self.bytes.get_mut(self.len..).and_then(<[u8]>::first_chunk_mut) {
            Some(room) => write(room),
            None => {
                self.grow(NUMBER_BYTES);
                let mut number = [0; NUMBER_BYTES];
                let count = write(&mut number);
                self.bytes[self.len..self.len + NUMBER_BYTES].copy_from_slice(&number);
                count
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(expected: &str, write: impl FnOnce(&mut Buffer)) {
        let mut buffer = Buffer::with_room(0);
        write(&mut buffer);
        assert_eq!(String::from_utf8_lossy(buffer.as_bytes()), expected);
    }

    #[test]
    fn numbers_have_room_made_for_them() {
        for count in 1..200 {
            check(&"-1234567890.25".repeat(count), |buffer| {
                for _ in 0..count {
                    buffer.push_int(-123_456_789);
                    buffer.push_float(0.25);
                }
            });
        }
    }

    #[test]
    fn memory_is_used_again_up_to_a_bound() {
        let spare = Spare::new(1000);
        let text = |room: usize, byte: u8| {
            let mut text = spare.take(room);
            assert_eq!(text.as_bytes(), b"");
            text.push(byte);
            text
        };
        let (first, second) = (text(300, b'a'), text(500, b'b'));
        let places = [first.as_bytes().as_ptr(), second.as_bytes().as_ptr()];
        spare.put(first);
        spare.put(second);
        // one that is long enough, and what stood in it is gone
        let long = text(400, b'c');
        assert_eq!((long.as_bytes(), long.as_bytes().as_ptr()), (&b"c"[..], places[1]));
        let short = text(10, b'd');
        assert_eq!(short.as_bytes().as_ptr(), places[0]);
        // there is no room for both, nor ever for one that is longer than all
        spare.put(text(800, b'e'));
        spare.put(long);
        let kept = || {
            let held = spare.held();
            (held.buffers.len(), held.bytes)
        };
        assert_eq!(kept(), (1, 500 + BLOCK));
        spare.put(text(2000, b'f'));
        assert_eq!(kept(), (1, 500 + BLOCK));
    }

    #[test]
    fn parts_are_copied_whatever_follows() {
        let source: Vec<u8> = (b' '..=b'~').collect();
        for (start, count) in [(0, 0), (0, 1), (3, 16), (3, 17), (5, 32), (5, 33), (90, 5), (95, 0)]
        {
            let expected = &source[start..start + count];
            check(std::str::from_utf8(expected).unwrap(), |buffer| {
                buffer.push_part(&source, start, start + count);
            });
        }
        check(&"x".repeat(5000), |buffer| {
            (0..5000).for_each(|_| buffer.push(b'x'));
        });
    }
}
