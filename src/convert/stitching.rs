//! Row groups brought under their final layout by all workers, once that is known.

use std::collections::VecDeque;

use crossbeam_channel::RecvTimeoutError;

use super::Cancel;
use super::outputs::Gathering;
use super::run::CANCEL_POLL;
use super::workers::{EncodeJob, Report, Workers};
use crate::encode::{Anew, Encoded, TableWriter};
use crate::error::{Error, ErrorKind};
use crate::schema::Layout;

/// Row groups for each worker that are begun at once; of some, next to nothing is to be done.
const GROUPS_EACH: usize = 2;

/// A row group that is written again.
struct Begun {
    parts: Gathering,
    /// Bytes of memory that each of its tasks takes.
    task_bytes: usize,
    /// Bytes of memory that what they make takes.
    made_bytes: usize,
}

/// Writes row groups again.
pub(super) struct Stitcher<'a> {
    pub workers: Workers,
    /// Bytes of memory that tasks at work may take; one task at least.
    pub bytes: usize,
    pub cancel: &'a Cancel,
}

impl Stitcher<'_> {
    /// Writes the row groups of a table again that do not fit `layout`; the writer's end is left to
    /// do.
    pub(super) fn stitch(
        &self,
        writer: &mut dyn TableWriter,
        layout: &Layout,
    ) -> Result<(), Error> {
        let mut begun: VecDeque<Begun> = VecDeque::new();
        // the number of the first that is begun
        let mut first = 0;
        let mut ready: VecDeque<EncodeJob> = VecDeque::new();
        let (mut bytes_held, mut made_held, mut is_last) = (0, 0, false);
        loop {
            self.cancel.check()?;
            while ready.is_empty() && !is_last && begun.len() < GROUPS_EACH * self.workers.count() {
                let Some(Anew { tasks, bytes, made_bytes }) = writer.plan_anew(layout)? else {
                    is_last = true;
                    break;
                };
                let group = first + begun.len();
                let parts = Gathering::new(tasks.len(), 0);
                begun.push_back(Begun { parts, task_bytes: bytes, made_bytes });
                made_held += made_bytes;
                let jobs = tasks.into_iter().enumerate();
                ready.extend(jobs.map(|(place, task)| EncodeJob { table: 0, group, place, task }));
            }
            while let Some(job) = ready.front()
                && let more = begun[job.group - first].task_bytes
                && (bytes_held == 0 || bytes_held + made_held + more <= self.bytes)
                && let Some(job) = ready.pop_front()
            {
                bytes_held += more;
                self.workers.encode(job);
            }
            if begun.front().is_some_and(|group| group.parts.is_done())
                && let Some(done) = begun.pop_front()
            {
                writer.append_anew(done.parts.into_parts())?;
                made_held -= done.made_bytes;
                first += 1;
                continue;
            }
            if begun.is_empty() && is_last {
                return Ok(());
            }
            match self.workers.reports.recv_timeout(CANCEL_POLL) {
                Ok(Report::Encoded { group, place, encoded, .. }) => {
                    let (encoded, begun) = (encoded?, &mut begun[group - first]);
                    // tasks that are handed out work on what the one has that handed them out
                    if !matches!(encoded, Encoded::Tasks(_) | Encoded::Part) {
                        bytes_held -= begun.task_bytes;
                    }
                    for task in begun.parts.take(place, encoded) {
                        self.workers.encode(EncodeJob { table: 0, group, place, task });
                    }
                }
                Ok(Report::Panicked(text)) => {
                    let message = format!("a bug in this program: {text}");
                    return Err(Error::new(ErrorKind::Internal, message));
                }
                Ok(_) | Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Error::new(ErrorKind::Internal, "all workers are gone"));
                }
            }
        }
    }
}
