//! Text on its way out: bytes that grow by short pieces, most of them shorter than a call to copy
//! them would be worth.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::table::scalar::{WHOLE_DIGITS_BELOW, float_text};

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

/// Returns the eight digits of a number below 10^8, not yet as characters, the first in the lowest
/// byte.
///
/// Halves, then quarters, then eighths of the word are divided at once; division is multiplication
/// and a shift, which is exact for numbers so small.
fn eight_digits(value: u64) -> u64 {
    let halves = (value / 10_000) | ((value % 10_000) << 32);
    let hundreds = ((halves * 10_486) >> 20) & 0x0000_007f_0000_007f;
    let pairs = hundreds | ((halves - hundreds * 100) << 16);
    let tens = ((pairs * 103) >> 10) & 0x000f_000f_000f_000f;
    tens | ((pairs - tens * 10) << 8)
}

/// The first number of nine digits.
const EIGHT_DIGITS: u64 = 100_000_000;

/// Eight times `0`.
const ZEROS: u64 = 0x3030_3030_3030_3030;

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
    #[inline]
    pub(super) fn push_part(&mut self, source: &[u8], start: usize, end: usize) {
        match source.get(start..).and_then(|rest| rest.first_chunk::<BLOCK>()) {
            Some(block) if end - start <= BLOCK => self.push_block(block, end - start),
            _ => self.push_all(&source[start..end]),
        }
    }

    /// Appends a snippet.
    #[inline]
    pub(super) fn push_snippet(&mut self, snippet: &Snippet) {
        self.push_part(&snippet.bytes, 0, snippet.len);
    }

    /// Appends an integer in digits.
    #[inline]
    pub(super) fn push_int(&mut self, value: i64) {
        // signs may come in any order: to leave one out costs less than to go another way
        self.push_block(b"-", usize::from(value < 0));
        self.push_digits(value.unsigned_abs());
    }

    #[inline]
    fn push_digits(&mut self, value: u64) {
        if value >= EIGHT_DIGITS {
            return self.push_many_digits(value);
        }
        let digits = eight_digits(value);
        let zeros = (digits.trailing_zeros() as usize / 8).min(7);
        self.push_word((digits | ZEROS) >> (zeros * 8), 8 - zeros);
    }

    #[inline(never)]
    fn push_many_digits(&mut self, value: u64) {
        self.push_digits(value / EIGHT_DIGITS);
        self.push_word(eight_digits(value % EIGHT_DIGITS) | ZEROS, 8);
    }

    /// Appends the lowest bytes of `word`.
    #[inline]
    fn push_word(&mut self, word: u64, count: usize) {
        self.push_block(&word.to_le_bytes(), count);
    }

    /// Appends a double as [`float_text`](crate::table::scalar::float_text) spells it.
    ///
    /// A number of at most 15 digits is the only one of so few that reads back as its double. So
    /// where such a number with two or six digits after the point is found, its digits are the
    /// fewest, and the search for them in general is not needed.
    pub(super) fn push_float(&mut self, value: f64) {
        const DIGITS_15: u64 = 1_000_000_000_000_000;
        let magnitude = value.abs();
        if magnitude < WHOLE_DIGITS_BELOW && (magnitude as u64) as f64 == magnitude {
            if value.is_sign_negative() {
                self.push(b'-');
            }
            return self.push_digits(magnitude as u64);
        }
        // Smaller numbers may be spelled with an exponent.
        if magnitude >= 1e-3 {
            for (power, scale) in [(100, 2), (1_000_000, 6)] {
                let scaled = (magnitude * power as f64 + 0.5) as u64;
                if scaled < DIGITS_15 && scaled as f64 / power as f64 == magnitude {
                    if value.is_sign_negative() {
                        self.push(b'-');
                    }
                    self.push_digits(scaled / power);
                    return self.push_fraction(scaled % power, scale);
                }
            }
        }
        if magnitude >= WHOLE_DIGITS_BELOW {
            let mut text = Vec::new();
            float_text(value, &mut text);
            return self.push_all(&text);
        }
        self.push_all(ryu::Buffer::new().format_finite(value).as_bytes());
    }

    /// Appends a point and `scale` digits, without zeros at the end.
    fn push_fraction(&mut self, value: u64, scale: usize) {
        let digits = eight_digits(value) >> ((8 - scale) * 8);
        let count = 8 - digits.leading_zeros() as usize / 8;
        self.push(b'.');
        self.push_word(digits | ZEROS, count);
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

    fn check_float(value: f64) {
        for value in [value, -value] {
            let mut expected = Vec::new();
            float_text(value, &mut expected);
            check(&String::from_utf8(expected).unwrap(), |buffer| buffer.push_float(value));
        }
    }

    #[test]
    fn integers_print_their_digits() {
        for value in [0, 7, -7, 10, 99, 100, 101, -1234, 99_999, i64::MAX, i64::MIN] {
            check(&value.to_string(), |buffer| buffer.push_int(value));
        }
        (0..100_000).for_each(|value| check(&value.to_string(), |buffer| buffer.push_int(value)));
        for log in 0..19 {
            for value in [10i64.pow(log), 10i64.pow(log) - 1] {
                check(&value.to_string(), |buffer| buffer.push_int(value));
            }
        }
    }

    #[test]
    fn floats_print_as_everywhere_else() {
        for value in [0.0, 1.0, 0.5, 0.1, 0.3, 0.1 + 0.2, 46.24, 105.471674, 1e-3, 9.99e-4, 1e-7] {
            check_float(value);
        }
        for value in [f64::MAX, f64::MIN_POSITIVE, 5e-324, 1e15 + 0.5, 1e16, 1e17, 1e18, 1e300] {
            check_float(value);
        }
        let mut state = 1u64;
        for round in 0..200_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(round);
            let digits = state >> 12 >> (state % 50);
            check_float(digits as f64 / 10f64.powi((state >> 7 & 15) as i32));
            check_float((digits as f64 / 100.0).next_up());
            check_float(f64::from_bits(state >> 1 & !(1 << 62)));
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
