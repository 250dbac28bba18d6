//! The clock of batches: closes them on pipes, and learns from how long they took.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::{BatchStrategy, OnTimeout, TimeLimits};
use crate::frame::{BatchLimits, Batcher, Next};
use crate::source::live::{Expired, Patience, Waited, Waiter};

/// What the reader and the ordered step know of batches together.
#[derive(Debug)]
pub(super) struct Pace {
    strategy: BatchStrategy,
    /// Bytes of a batch at most, whatever the strategy.
    bytes_max: usize,
    /// Windows of time follow each other from here.
    start: Instant,
    /// Records of the next batch, where that is learned.
    size: AtomicUsize,
    /// When the first record of the batch at hand was there, if the batch had to wait for more.
    opened: Mutex<Option<Instant>>,
    /// What ended the input before its end.
    expired: Mutex<Option<Expired>>,
}

impl Pace {
    pub(super) fn new(strategy: BatchStrategy, bytes_max: usize, start: Instant) -> Arc<Self> {
        let size = match strategy {
            BatchStrategy::AdaptiveSize { min, .. } => min.get(),
            _ => 0,
        };
        Arc::new(Pace {
            strategy,
            bytes_max,
            start,
            size: AtomicUsize::new(size),
            opened: Mutex::new(None),
            expired: Mutex::new(None),
        })
    }

    /// Returns the records with which a batch that begins now ends, where there is such a number.
    pub(super) fn records_max(&self) -> Option<usize> {
        match self.strategy {
            BatchStrategy::FixedSize { size, .. } | BatchStrategy::MegaBatch { size, .. } => {
                Some(size.get())
            }
            BatchStrategy::AdaptiveSize { .. } => Some(self.size.load(Ordering::Relaxed)),
            BatchStrategy::LowLatency { max, .. } => Some(max.get()),
            BatchStrategy::TimeWindow { .. } | BatchStrategy::MemoryBased { .. } => None,
        }
    }

    /// Takes the time at which the first record of the batch was there.
    pub(super) fn take_opened(&self) -> Instant {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        opened.take().unwrap_or_else(Instant::now)
    }

    /// Learns from a batch of so many records that took `latency` until its rows were written.
    ///
    /// The size moves to where the latency is met, by half or double at most, and stays where it
    /// is within a fifth of it, so that it settles. A batch that ended early says nothing but that
    /// its size was too large.
    pub(super) fn learn(&self, records: u64, latency: Duration) {
        let BatchStrategy::AdaptiveSize { min, max, target_latency } = self.strategy else {
            return;
        };
        let size = self.size.load(Ordering::Relaxed);
        let ratio = target_latency.as_secs_f64() / latency.as_secs_f64().max(1e-9);
        let is_settled = (0.8..=1.25).contains(&ratio);
        let is_early = (records as usize) < size;
        if is_settled || (is_early && ratio > 1.0) {
            return;
        }
        let next = (size as f64 * ratio.clamp(0.5, 2.0)) as usize;
        self.size.store(next.clamp(min.get(), max.get()), Ordering::Relaxed);
    }

    /// Notes that the input ended before its end.
    pub(super) fn expire(&self, expired: Expired) {
        *self.expired.lock().unwrap_or_else(PoisonError::into_inner) = Some(expired);
    }

    /// Returns what ended the input before its end.
    pub(super) fn expired(&self) -> Option<Expired> {
        *self.expired.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns when the batch whose first record was there at `opened` is to close on a pipe.
    fn closes_at(&self, opened: Instant) -> Option<Instant> {
        match self.strategy {
            BatchStrategy::FixedSize { timeout, .. } => opened.checked_add(timeout),
            BatchStrategy::AdaptiveSize { target_latency, .. } => {
                opened.checked_add(target_latency)
            }
            BatchStrategy::LowLatency { wait, .. } => opened.checked_add(wait),
            BatchStrategy::TimeWindow { window } => {
                // a window of no length is refused before
                let window = window.max(Duration::from_millis(1)).as_nanos();
                let passed = opened.saturating_duration_since(self.start).as_nanos();
                let edge = (passed / window + 1) * window;
                self.start.checked_add(Duration::from_nanos(u64::try_from(edge).ok()?))
            }
            BatchStrategy::MemoryBased { .. } | BatchStrategy::MegaBatch { .. } => None,
        }
    }
}

/// Paces the batches of one input.
pub(super) struct Pacer {
    pace: Arc<Pace>,
    /// Waits for bytes of a pipe.
    waiter: Option<Waiter>,
    deadline: Deadline,
    /// When the first record of the batch was there.
    opened: Option<Instant>,
    /// Something was read.
    has_read: bool,
}

impl Pacer {
    pub(super) fn new(pace: &Arc<Pace>, waiter: Option<Waiter>, deadline: Deadline) -> Self {
        Pacer { pace: Arc::clone(pace), waiter, deadline, opened: None, has_read: false }
    }

    /// Ends the input where what is there is published; else the next read fails, or the run does.
    fn stop(&self, expired: Expired) -> Next {
        if !self.deadline.publishes() {
            return Next::Read;
        }
        self.pace.expire(expired);
        Next::Stop
    }
}

impl Batcher for Pacer {
    fn begin(&mut self) -> BatchLimits {
        self.opened = None;
        let bytes = match self.pace.strategy {
            BatchStrategy::MemoryBased { bytes } => bytes.get(),
            _ => usize::MAX,
        };
        BatchLimits {
            records: self.pace.records_max().unwrap_or(usize::MAX),
            bytes: bytes.min(self.pace.bytes_max),
        }
    }

    fn more(&mut self, held: usize) -> Next {
        let now = Instant::now();
        let end = self.deadline.end().filter(|_| self.deadline.publishes());
        let is_first = !std::mem::replace(&mut self.has_read, true);
        if end.is_some_and(|end| now >= end) {
            // What its format was told from was read in time.
            let has_some = self.waiter.as_ref().is_some_and(|waiter| waiter.has_bytes());
            return if is_first && has_some { Next::Read } else { self.stop(Expired::Run) };
        }
        let mut closes_at = None;
        if held > 0 {
            let opened = *self.opened.get_or_insert(now);
            *self.pace.opened.lock().unwrap_or_else(PoisonError::into_inner) = self.opened;
            closes_at = self.pace.closes_at(opened);
        }
        let is_window = matches!(self.pace.strategy, BatchStrategy::TimeWindow { .. });
        let Some(waiter) = &self.waiter else {
            // A file has no time but that of windows.
            let is_over = is_window && closes_at.is_some_and(|at| now >= at);
            return if is_over { Next::Close } else { Next::Read };
        };
        // An eager batch takes what is there, and waits for nothing.
        let until = if self.is_eager() && held > 0 { Some(now) } else { closes_at };
        match waiter.wait(until) {
            Waited::Ready if closes_at.is_some_and(|at| Instant::now() >= at) => Next::Close,
            Waited::Ready => Next::Read,
            Waited::Late => Next::Close,
            Waited::Expired(expired) => self.stop(expired),
        }
    }
}

impl Pacer {
    fn is_eager(&self) -> bool {
        matches!(self.pace.strategy, BatchStrategy::LowLatency { eager: true, .. })
    }
}

/// When a run is over, and what happens then.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadline {
    limits: TimeLimits,
    start: Instant,
}

impl Deadline {
    pub(super) fn new(limits: TimeLimits, start: Instant) -> Self {
        Deadline { limits, start }
    }

    /// Returns when the run is over, if that is given.
    pub(super) fn end(&self) -> Option<Instant> {
        self.start.checked_add(self.limits.run?)
    }

    /// Returns whether what was read by then is published.
    pub(super) fn publishes(&self) -> bool {
        self.limits.on_timeout == OnTimeout::Publish
    }

    /// Returns how long reads may take.
    pub(super) fn patience(&self) -> Patience {
        Patience { until: self.end(), idle: self.limits.idle }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use super::*;

    fn adaptive() -> Arc<Pace> {
        let records = |count| NonZeroUsize::new(count).expect("it is not zero");
        let strategy = BatchStrategy::AdaptiveSize {
            min: records(10),
            max: records(1000),
            target_latency: Duration::from_millis(100),
        };
        Pace::new(strategy, usize::MAX, Instant::now())
    }

    #[test]
    fn sizes_settle_where_the_latency_is_met() {
        // a record takes so many microseconds: the size that takes 100 ms is 100,000 by it
        for (record_us, least, most) in [(1, 1000, 1000), (250, 320, 500), (100_000, 10, 10)] {
            let pace = adaptive();
            let mut sizes = Vec::new();
            for _ in 0..20 {
                let size = pace.records_max().unwrap_or(0);
                sizes.push(size);
                pace.learn(size as u64, Duration::from_micros(record_us * size as u64));
            }
            let last = sizes[10];
            assert!((least..=most).contains(&last), "{sizes:?}");
            assert!(sizes[10..].iter().all(|size| *size == last), "{sizes:?}");
        }
    }

    #[test]
    fn sizes_follow_when_records_get_slower() {
        let pace = adaptive();
        let feed = |record_us: u64| {
            for _ in 0..20 {
                let size = pace.records_max().unwrap_or(0) as u64;
                pace.learn(size, Duration::from_micros(record_us * size));
            }
            pace.records_max().unwrap_or(0)
        };
        assert!(feed(200) > 350);
        assert!(feed(2000) < 70);
        assert!(feed(200) > 350);
    }

    #[test]
    fn a_batch_that_ended_early_does_not_make_the_next_one_larger() {
        let pace = adaptive();
        pace.learn(3, Duration::from_millis(1));
        assert_eq!(pace.records_max(), Some(10));
    }

    #[test]
    fn windows_follow_each_other_from_the_start() {
        let start = Instant::now();
        let window = Duration::from_millis(100);
        let pace = Pace::new(BatchStrategy::TimeWindow { window }, usize::MAX, start);
        for (opened_ms, closes_ms) in [(0, 100), (99, 100), (100, 200), (950, 1000)] {
            let closes = pace.closes_at(start + Duration::from_millis(opened_ms));
            assert_eq!(closes, Some(start + Duration::from_millis(closes_ms)));
        }
    }
}
