//! The stretch of an input that is in memory.

use std::io::{self, Read};

use super::READ_BYTES;
use super::place::Place;
use crate::limits;
use crate::source::charset::Origin;

/// The stretch of the input in memory: what the chunk being filled needs, and what was read beyond.
pub(super) struct Window<R> {
    pub(super) reader: R,
    /// Initialized throughout; read so far up to `filled`, needed from `start` on.
    pub(super) bytes: Vec<u8>,
    pub(super) start: usize,
    pub(super) filled: usize,
    pub(super) ended: bool,
    /// Byte of the input that `bytes` starts at.
    pub(super) base: u64,
    /// Which place byte `counted` of the data is; only moves forward, so counting stays linear.
    pub(super) counted: usize,
    pub(super) place: Place,
    /// The same place in an input that is not UTF-8.
    pub(super) origin: Option<Origin>,
    /// Bytes that a buffer has room for and is read up to, where no record needs more.
    usual_bytes: usize,
    /// A buffer that came back.
    pub(super) spare: Vec<u8>,
    /// New buffers so far.
    pub(super) fresh_count: u64,
}

impl<R: Read> Window<R> {
    pub(super) fn new(reader: R, chunk_bytes: usize, origin: Option<Origin>) -> Self {
        Window {
            reader,
            bytes: Vec::new(),
            start: 0,
            filled: 0,
            ended: false,
            base: 0,
            counted: 0,
            place: Place::default(),
            origin,
            usual_bytes: usual_bytes(chunk_bytes),
            spare: Vec::new(),
            fresh_count: 0,
        }
    }

    /// Has buffers fit chunks of so many bytes from now on.
    pub(super) fn expect_chunks(&mut self, chunk_bytes: usize) {
        self.usual_bytes = usual_bytes(chunk_bytes);
    }

    /// Returns what has been read and not been given up.
    pub(super) fn data(&self) -> &[u8] {
        &self.bytes[self.start..self.filled]
    }

    /// Reads once; sets `ended` where there is nothing more.
    pub(super) fn fill(&mut self) -> io::Result<()> {
        if self.start > 0 {
            self.bytes.copy_within(self.start..self.filled, 0);
            self.base += self.start as u64;
            self.filled -= self.start;
            self.start = 0;
        }
        // an input of a few bytes needs no second buffer to see its end
        if self.bytes.len() - self.filled < READ_BYTES / 2 {
            self.grow();
        }
        // what is read beyond a chunk has to be copied out of its buffer
        let end = self.usual_bytes.max(self.filled + READ_BYTES).min(self.bytes.len());
        loop {
            match self.reader.read(&mut self.bytes[self.filled..end]) {
                Ok(0) => self.ended = true,
                Ok(count) => self.filled += count,
                Err(cause) if cause.kind() == io::ErrorKind::Interrupted => continue,
                Err(cause) => return Err(cause),
            }
            return Ok(());
        }
    }

    /// Makes room: little for the start of an input, which may be all there is, then that of a chunk,
    /// then twice as much each time.
    fn grow(&mut self) {
        let longer = match self.bytes.len() {
            0 => READ_BYTES.min(self.usual_bytes),
            len if len < self.usual_bytes => self.usual_bytes,
            len => 2 * len,
        };
        // pages that nobody has written to cost nothing, which those of a longer vector would be
        let mut bytes = vec![0; longer.max(self.filled + READ_BYTES)];
        bytes[..self.filled].copy_from_slice(&self.bytes[..self.filled]);
        self.bytes = bytes;
    }

    /// Returns the place of byte `at` of the data.
    pub(super) fn place(&mut self, at: usize) -> Place {
        debug_assert!(at >= self.counted, "places are asked for in order");
        if at > self.counted {
            let new = self.start + self.counted..self.start + at;
            if let Some(origin) = &mut self.origin {
                origin.advance(&self.bytes[new.clone()]);
            }
            self.place.advance(&self.bytes[new]);
            self.counted = at;
        }
        self.place
    }

    /// Returns which byte of the input byte `at` of the data is.
    pub(super) fn byte(&mut self, at: usize) -> u64 {
        if self.origin.is_some() {
            self.place(at);
        }
        let in_text = self.base + (self.start + at) as u64;
        self.origin.as_ref().map_or(in_text, Origin::byte)
    }

    /// Gives up the first `count` bytes of the data.
    pub(super) fn discard(&mut self, count: usize) {
        if self.counted < count {
            self.place(count);
        }
        self.counted -= count;
        self.start += count;
    }

    /// Moves the first `count` bytes of the data out: the buffer itself where they fill most of it.
    pub(super) fn take(&mut self, count: usize) -> Vec<u8> {
        let rest = self.filled - self.start - count;
        // clearing another buffer takes longer than to copy a part of this one
        let is_small = count < self.bytes.len() / 8;
        if self.start > 0 || rest > count || is_small {
            let bytes = self.data()[..count].to_vec();
            self.discard(count);
            return bytes;
        }
        self.discard(count);
        let mut next = std::mem::take(&mut self.spare);
        let wanted = self.usual_bytes.max(rest + READ_BYTES);
        if next.capacity() < wanted {
            next = vec![0; wanted];
            self.fresh_count += 1;
        }
        next.resize(next.capacity(), 0);
        next[..rest].copy_from_slice(&self.bytes[count..self.filled]);
        let mut bytes = std::mem::replace(&mut self.bytes, next);
        bytes.truncate(count);
        self.base += count as u64;
        self.start = 0;
        self.filled = rest;
        bytes
    }
}

fn usual_bytes(chunk_bytes: usize) -> usize {
    chunk_bytes.min(limits::WIDE_CHUNK_BYTES) + READ_BYTES
}
