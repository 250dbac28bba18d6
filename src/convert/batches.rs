//! Batches as they begin and end: what each held, how it ended, and who is told.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::pacing::Pace;
use crate::error::{Error, FaultCode};
use crate::frame::Chunk;
use crate::report::observer::{BatchError, BatchReport, BatchStart, Watcher};
use crate::report::{Batches, Status};

/// The batches of a run that have begun and not ended, in their order.
pub(super) struct BatchLog {
    watcher: Watcher,
    pace: Arc<Pace>,
    start: Instant,
    begun: VecDeque<Begun>,
    /// Batches that have begun.
    count: u64,
    pub totals: Batches,
}

struct Begun {
    key: Key,
    opened: Instant,
    report: BatchReport,
}

/// Which batch of which input.
type Key = (usize, u64);

/// A record that was rejected: why, its number from 1, and what was wrong with it.
pub(super) type FirstReject = (FaultCode, u64, String);

fn key(chunk: &Chunk) -> Key {
    (chunk.input_index, chunk.batch)
}

impl BatchLog {
    pub(super) fn new(watcher: Watcher, pace: Arc<Pace>, start: Instant) -> Self {
        let (begun, totals) = (VecDeque::new(), Batches::default());
        BatchLog { watcher, pace, start, begun, count: 0, totals }
    }

    /// Takes note of a chunk that was read; with the first one of a batch, that begins.
    pub(super) fn read(&mut self, chunk: &Chunk, opened: Instant) {
        if self.begun.back().is_some_and(|last| last.key == key(chunk)) {
            return;
        }
        self.count += 1;
        let at = opened.saturating_duration_since(self.start);
        let (number, input_index) = (self.count, chunk.input_index);
        let records_max = self.pace.records_max();
        self.watcher.batch_start(&BatchStart { number, input_index, records_max, at });
        let report = BatchReport {
            number,
            input_index,
            status: Status::Passed,
            records: 0,
            rejected: 0,
            bytes: 0,
            chunks: 0,
            records_max,
            latency: Duration::ZERO,
            work: Duration::ZERO,
            at,
        };
        self.begun.push_back(Begun { key: key(chunk), opened, report });
    }

    /// Returns whether a chunk is of another batch than the one at hand.
    pub(super) fn is_next(&self, chunk: &Chunk) -> bool {
        let first = self.begun.front();
        first.is_some_and(|first| first.key != key(chunk))
    }

    /// Returns whether a batch is at hand of which something was absorbed.
    pub(super) fn is_open(&self) -> bool {
        self.begun.front().is_some_and(|first| first.report.chunks > 0)
    }

    /// Counts a chunk of the batch at hand, whose decoding took `work`.
    pub(super) fn add(&mut self, chunk: &Chunk, work: Duration) {
        let Some(Begun { report, .. }) = self.begun.front_mut() else { return };
        report.chunks += 1;
        report.records += chunk.records.len() as u64;
        report.bytes += chunk.input_bytes();
        report.work += work;
    }

    /// Ends the batch at hand: all its rows were handed on.
    pub(super) fn close(&mut self, rejected: u64, first: Option<FirstReject>) {
        let Some(Begun { opened, mut report, .. }) = self.begun.pop_front() else { return };
        let now = Instant::now();
        report.latency = now.saturating_duration_since(opened);
        report.at = now.saturating_duration_since(self.start);
        report.rejected = rejected;
        report.status = status(report.records, rejected);
        self.totals.count += 1;
        self.totals.failed += u64::from(report.status == Status::Failed);
        self.totals.elapsed += report.work;
        self.pace.learn(report.records, report.latency);
        if let Some((code, record, message)) = first {
            let error = BatchError::Rejected { code, record, message: &message };
            self.watcher.batch_error(&report, &error);
        }
        self.watcher.batch_complete(&report);
    }

    /// Tells that the run ends with the batch at hand.
    pub(super) fn fail(&mut self, error: &Error) {
        let Some(Begun { opened, mut report, .. }) = self.begun.pop_front() else { return };
        let now = Instant::now();
        report.latency = now.saturating_duration_since(opened);
        report.at = now.saturating_duration_since(self.start);
        report.status = Status::of_error(error);
        self.totals.count += 1;
        self.totals.failed += u64::from(report.status >= Status::Failed);
        self.totals.elapsed += report.work;
        self.watcher.batch_error(&report, &BatchError::Ended(error));
    }
}

/// Returns the status of so many records, of which some were rejected.
pub(super) fn status(records: u64, rejected: u64) -> Status {
    match rejected {
        0 => Status::Passed,
        _ if rejected == records => Status::Failed,
        _ => Status::Warning,
    }
}
