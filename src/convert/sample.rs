//! `--sample`: some records of all, without knowing how many there are.

use std::collections::BinaryHeap;

use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::error::{Error, ErrorKind};
use crate::frame::{Chunk, Runs};

/// How many records to take, and what decides which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// Records to take; all where there are fewer.
    pub records: usize,
    /// Another one gives another sample.
    pub seed: u64,
}

/// Which records of those that are read go on.
#[derive(Debug)]
pub(super) struct Picker {
    /// Number of the first record of the run that may.
    skip: u64,
    reservoir: Option<Reservoir>,
    /// Records that do not go on.
    pub(super) left_out: u64,
    /// The input of the last chunk.
    input: Option<usize>,
}

/// What becomes of a chunk.
#[derive(Debug)]
pub(super) enum Picked {
    /// It goes on, perhaps as less than it was.
    Some(Chunk),
    /// Its records are left out or wait; its buffers can be filled again.
    Nothing(Chunk),
}

impl Picker {
    /// Leaves out the first `skip` records, and all but a sample, which may hold so many bytes.
    pub(super) fn new(skip: u64, sample: Option<(Sample, usize)>) -> Self {
        let reservoir = sample.map(|(sample, bytes_max)| Reservoir::new(sample, bytes_max));
        Picker { skip, reservoir, left_out: 0, input: None }
    }

    /// Decides about the next chunk. Of every CSV at least the header goes on, so that its columns
    /// do not depend on which rows do.
    pub(super) fn pick(&mut self, mut chunk: Chunk) -> Result<Picked, Error> {
        if chunk.is_rest() {
            // Nobody knows how many records that would leave out.
            return Ok(Picked::Some(chunk));
        }
        let is_first = self.input.replace(chunk.input_index) != Some(chunk.input_index);
        let head = if is_first { chunk.head_only() } else { None };
        let nothing = |chunk| head.map_or(Picked::Nothing(chunk), Picked::Some);
        let skipped = self.skip.saturating_sub(chunk.first_record);
        let skipped = skipped.min(chunk.records.len() as u64) as usize;
        self.left_out += skipped as u64;
        if skipped == chunk.records.len() {
            return Ok(nothing(chunk));
        }
        if skipped > 0 {
            chunk.drop_first(skipped);
        }
        let Some(reservoir) = &mut self.reservoir else { return Ok(Picked::Some(chunk)) };
        self.left_out += chunk.records.len() as u64;
        reservoir.add(&chunk)?;
        Ok(nothing(chunk))
    }

    /// Returns the records that waited until all were known, in the order of the input, each as a
    /// chunk.
    pub(super) fn into_waiting(self) -> Vec<Chunk> {
        self.reservoir.map_or_else(Vec::new, |reservoir| reservoir.into_chunks().collect())
    }
}

/// The records taken so far, as bytes.
///
/// Each record draws a number from the seed and its place in the run; the lowest numbers win. So
/// every set of records is as likely as any other, and the same seed gives the same sample however
/// the input is cut.
///
/// - Buffers: the bytes of the records taken, at most `bytes_max`.
#[derive(Debug)]
struct Reservoir {
    sample: Sample,
    taken: BinaryHeap<Taken>,
    bytes: usize,
    bytes_max: usize,
}

#[derive(Debug)]
struct Taken {
    draw: (u64, u64),
    /// Holds this one record.
    chunk: Chunk,
}

impl PartialEq for Taken {
    fn eq(&self, other: &Self) -> bool {
        self.draw == other.draw
    }
}

impl Eq for Taken {}

impl PartialOrd for Taken {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Taken {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.draw.cmp(&other.draw)
    }
}

impl Reservoir {
    fn new(sample: Sample, bytes_max: usize) -> Self {
        Reservoir { sample, taken: BinaryHeap::new(), bytes: 0, bytes_max }
    }

    /// Lets every record of a chunk draw, and copies those that may stay.
    ///
    /// - Errors: `Usage` where the records taken hold too many bytes.
    fn add(&mut self, chunk: &Chunk) -> Result<(), Error> {
        let mut runs = Runs::new(chunk);
        for index in 0..chunk.records.len() {
            let number = chunk.first_record + index as u64;
            let draw = (xxh3_64_with_seed(&number.to_le_bytes(), self.sample.seed), number);
            let is_full = self.taken.len() >= self.sample.records;
            if is_full && self.taken.peek().is_none_or(|last| draw > last.draw) {
                continue;
            }
            if is_full && let Some(out) = self.taken.pop() {
                self.bytes -= size(&out.chunk);
            }
            let chunk = runs.single(index);
            self.bytes += size(&chunk);
            self.taken.push(Taken { draw, chunk });
            if self.bytes > self.bytes_max {
                let (count, most) = (self.sample.records, self.bytes_max >> 20);
                let message = format!("`--sample {count}`: the records take more than {most} MiB");
                return Err(Error::new(ErrorKind::Usage, message)
                    .with_hint("take fewer, or raise `--memory-limit`, an eighth of which it is"));
            }
        }
        Ok(())
    }

    /// Returns the records in the order of the input, each as a chunk.
    fn into_chunks(self) -> impl Iterator<Item = Chunk> {
        let mut taken = self.taken.into_vec();
        taken.sort_unstable_by_key(|taken| taken.draw.1);
        taken.into_iter().map(|taken| taken.chunk)
    }
}

/// Returns the bytes of memory that a record takes.
fn size(chunk: &Chunk) -> usize {
    let columns = chunk.columns.as_ref().map_or(0, |columns| columns.memory());
    size_of::<Taken>() + chunk.bytes.capacity() + columns + 64
}
