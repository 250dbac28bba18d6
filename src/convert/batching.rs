//! When a batch is full, and what becomes of time meanwhile.

use std::fmt;
use std::num::NonZeroUsize;
use std::time::Duration;

use crate::error::Error;
use crate::limits;

/// When a batch ends: the records that are decoded, flattened and handed to the writers together.
///
/// - On regular files a strategy decides memory and speed, never bytes.
/// - On pipes it also decides when rows become visible, where [`Live`] lets them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchStrategy {
    /// With so many records, or, on a pipe, so long after the first of them came.
    FixedSize {
        /// Records.
        size: NonZeroUsize,
        /// Time since the first record.
        timeout: Duration,
    },
    /// On the edge of a window of time; windows follow each other from the start of the run. Each
    /// window in which there were records closes a part file of Parquet.
    TimeWindow {
        /// Length of a window.
        window: Duration,
    },
    /// Before the record that would bring it beyond so many bytes of input; a longer record is a
    /// batch of its own.
    MemoryBased {
        /// Bytes of input.
        bytes: NonZeroUsize,
    },
    /// With as many records as can be written within a time: grows and shrinks with what the last
    /// batches took.
    AdaptiveSize {
        /// Records at least.
        min: NonZeroUsize,
        /// Records at most.
        max: NonZeroUsize,
        /// Time from the first record of a batch until its rows are written.
        target_latency: Duration,
    },
    /// With so many records, or soon after the first of them came; rows are written at once.
    LowLatency {
        /// Records.
        max: NonZeroUsize,
        /// Time since the first record.
        wait: Duration,
        /// Whether a batch ends before that, as soon as nothing more is there to be read.
        eager: bool,
    },
    /// With very many records, worked on by all threads.
    MegaBatch {
        /// Records, 10,000 to 100,000.
        size: NonZeroUsize,
        /// Whether more than one thread decodes and encodes.
        parallel: bool,
        /// Whether the buffers of batches that are done are filled again.
        reuse_buffer: bool,
    },
}

impl Default for BatchStrategy {
    fn default() -> Self {
        BatchStrategy::FixedSize { size: limits::BATCH_RECORDS, timeout: limits::BATCH_TIME }
    }
}

impl BatchStrategy {
    /// Returns the name of the strategy, as users type it.
    pub fn name(&self) -> &'static str {
        match self {
            BatchStrategy::FixedSize { .. } => "fixed_size",
            BatchStrategy::TimeWindow { .. } => "time_window",
            BatchStrategy::MemoryBased { .. } => "memory_based",
            BatchStrategy::AdaptiveSize { .. } => "adaptive_size",
            BatchStrategy::LowLatency { .. } => "low_latency",
            BatchStrategy::MegaBatch { .. } => "mega_batch",
        }
    }

    /// Checks that the keys of a strategy can work together.
    ///
    /// - Errors: `Usage`.
    pub(super) fn check(&self) -> Result<(), Error> {
        match self {
            BatchStrategy::AdaptiveSize { min, max, .. } if min > max => Err(Error::usage(
                format!("`--batch-min-size {min}`: expected at most `--batch-max-size {max}`"),
            )),
            BatchStrategy::MegaBatch { size, .. } if !limits::MEGA_BATCH.contains(&size.get()) => {
                let (least, most) = (limits::MEGA_BATCH.start(), limits::MEGA_BATCH.end());
                Err(Error::usage(format!(
                    "`--batch-size {size}`: with `mega_batch` expected {least} to {most}"
                )))
            }
            _ => Ok(()),
        }
    }
}

impl fmt::Display for BatchStrategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Whether rows go to a stream as batches close, or all at the end.
///
/// Rows that are out cannot be taken back: a run that fails leaves what was sent, and each row has
/// the types that were known by then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Live {
    /// All at the end, when the run has succeeded.
    #[default]
    Off,
    /// As batches close, where an input is no regular file.
    OnPipes,
    /// As batches close.
    On,
}

/// How many threads decode and encode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Execution {
    /// One.
    Sequential,
    /// All from the start.
    Parallel,
    /// One for a single chunk, all beyond.
    #[default]
    Adaptive,
}

/// What happens when the time of a run is up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnTimeout {
    /// The run fails, and nothing is published.
    #[default]
    Fail,
    /// What was read by then is published.
    Publish,
}

/// How long a run may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TimeLimits {
    /// The whole run.
    pub run: Option<Duration>,
    /// A pipe from which nothing comes.
    pub idle: Option<Duration>,
    /// What happens then.
    pub on_timeout: OnTimeout,
}
