//! Where batches end, which no chunk reaches over.

/// How much a batch holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchLimits {
    /// Records with which it ends.
    pub records: usize,
    /// Bytes of its chunks, beyond which only its first record goes.
    pub bytes: usize,
}

impl BatchLimits {
    /// All there is.
    pub(super) const NONE: BatchLimits = BatchLimits { records: usize::MAX, bytes: usize::MAX };
}

/// Says when batches end, so that no chunk holds records of two.
pub trait Batcher: Send {
    /// Begins a batch.
    fn begin(&mut self) -> BatchLimits;

    /// Decides what to do where `held` records of the batch are known and no more can be told from
    /// the bytes at hand; may wait for bytes.
    fn more(&mut self, held: usize) -> Next;
}

/// What a [`Framer`](super::Framer) does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// It reads.
    Read,
    /// It ends the batch.
    Close,
    /// It ends the input behind the last whole record.
    Stop,
}

/// The batch being filled.
pub(super) struct Batches {
    /// Nothing where batches do not matter.
    batcher: Option<Box<dyn Batcher>>,
    limits: BatchLimits,
    /// Its number, from 0.
    pub(super) number: u64,
    /// What its chunks so far hold.
    records: usize,
    bytes: usize,
    /// It ends with the chunk being filled.
    is_closing: bool,
}

impl Batches {
    /// Begins the first batch of an input.
    pub(super) fn new(mut batcher: Option<Box<dyn Batcher>>) -> Self {
        let limits = begin(&mut batcher);
        Batches { batcher, limits, number: 0, records: 0, bytes: 0, is_closing: false }
    }

    /// Asks how to go on where `records` further ones are known and more bytes are needed.
    pub(super) fn next(&mut self, records: usize) -> Next {
        let held = self.records + records;
        self.batcher.as_mut().map_or(Next::Read, |batcher| batcher.more(held))
    }

    /// Has the batch end with the chunk being filled, of so many records, if it holds anything; returns
    /// whether it does.
    pub(super) fn close(&mut self, records: usize) -> bool {
        self.is_closing = (self.batcher.is_some() && self.records > 0) || records > 0;
        self.is_closing
    }

    /// Counts a chunk; returns whether the batch ended with it.
    pub(super) fn count(&mut self, records: usize, bytes: usize) -> bool {
        let ends = std::mem::take(&mut self.is_closing) || self.is_full(records, bytes);
        self.records += records;
        self.bytes += bytes;
        if ends {
            self.number += 1;
            (self.records, self.bytes) = (0, 0);
            self.limits = begin(&mut self.batcher);
        }
        ends
    }

    /// Returns whether the batch is full with so many further records and bytes.
    pub(super) fn is_full(&self, records: usize, bytes: usize) -> bool {
        self.records + records >= self.limits.records || self.bytes + bytes >= self.limits.bytes
    }

    /// Returns whether the batch would hold too much with a further record, `bytes` behind the `records`
    /// of the chunk being filled.
    pub(super) fn is_too_much(&self, records: usize, bytes: usize) -> bool {
        self.records + records > 0 && self.bytes.saturating_add(bytes) > self.limits.bytes
    }

    /// Returns how many records there is room for; nothing where bytes count.
    pub(super) fn room(&self) -> Option<usize> {
        let is_by_count = self.limits.bytes == usize::MAX;
        is_by_count.then(|| self.limits.records.saturating_sub(self.records))
    }
}

fn begin(batcher: &mut Option<Box<dyn Batcher>>) -> BatchLimits {
    batcher.as_mut().map_or(BatchLimits::NONE, |batcher| batcher.begin())
}
