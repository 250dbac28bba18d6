//! The threads: one reads, some decode and encode, and the caller's puts everything in order.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded, select_biased, unbounded};

use crate::decode::{self, CapReached, DecodeOptions};
use crate::encode::{Encoded, Task};
use crate::error::Error;
use crate::flatten::admission::Admission;
use crate::flatten::path::{Paths, ROOT};
use crate::flatten::{FlattenOptions, Flattener};
use crate::frame::Chunk;
use crate::limits;
use crate::report::Warning;
use crate::source::Compression;
use crate::table::Column;
use crate::threads;

/// What a worker needs to decode.
#[derive(Clone)]
pub(super) struct DecodeSetup {
    pub flatten: Arc<FlattenOptions>,
    pub decode: DecodeOptions,
    pub paths: Arc<Paths>,
    /// The text of each input, where records are to say theirs.
    pub sources: Option<Arc<[String]>>,
}

impl DecodeSetup {
    /// Decodes a chunk, and lets its records say which input they are from.
    pub fn decode(
        &self,
        chunk: &Chunk,
        flattener: &mut Flattener,
    ) -> Result<decode::Decoded, CapReached> {
        let mut decoded = decode::chunk(chunk, flattener, &self.decode, thread::yield_now)?;
        let main = decoded.flattened.tables.iter_mut().find(|batch| batch.path == ROOT);
        if let (Some(sources), Some(main)) = (&self.sources, main) {
            let source = &sources[chunk.input_index];
            let mut column = Column::default();
            for (row, bytes) in main.row_bytes.iter_mut().enumerate() {
                column.push_text(row, source.as_bytes());
                *bytes = bytes.saturating_add(source.len() as u32);
            }
            main.links.sources = Some(column);
        }
        Ok(decoded)
    }
}

/// A chunk on its way to a worker, with what is known of caps.
pub(super) struct DecodeJob {
    pub chunk: Chunk,
    pub admission: Arc<Admission>,
}

/// An encoding task and where its result belongs.
pub(super) struct EncodeJob {
    pub table: usize,
    pub group: usize,
    pub place: usize,
    pub task: Task,
}

/// The end of a file; it tells whoever waits for it itself.
pub(super) type EndJob = Box<dyn FnOnce() + Send>;

/// A chunk and what decoding it gave.
pub(super) struct Decoded {
    pub chunk: Chunk,
    pub decoded: Result<decode::Decoded, CapReached>,
    /// How long that took.
    pub elapsed: Duration,
    /// Tables that the worker knew to be full.
    pub full_count: usize,
}

/// What workers and the reader report.
pub(super) enum Report {
    /// The input at this place is compressed; its chunks follow. Damage may show so many bytes
    /// behind a record at fault.
    Compressed { input_index: usize, damage_bytes: u64 },
    /// The input at this place was opened: what it is written in, and how it is compressed.
    Opened { input_index: usize, format: &'static str, compression: Option<Compression> },
    /// A chunk was read; its first record was there at that time.
    Read(Chunk, Instant),
    /// An input ended; the ticket for a further chunk was not used.
    Unused,
    /// So many lines of an input were left out as comments.
    Comments { input: usize, count: u64 },
    /// All inputs have ended.
    End(End),
    /// The input at this place cannot be read on; others follow.
    InputFailed { error: Error, input_index: usize },
    /// The inputs cannot be read on, as the one at this place.
    ReadFailed { error: Error, input_index: usize },
    /// A chunk was decoded, or not.
    Decoded(Decoded),
    /// A task is done.
    Encoded { table: usize, group: usize, place: usize, encoded: Result<Encoded, Error> },
    /// A worker panicked, which is our bug.
    Panicked(String),
}

/// What is known once all inputs were read.
#[derive(Debug, Default)]
pub(super) struct End {
    /// Bytes read in all, unpacked.
    pub bytes: u64,
    /// What users should know of the inputs.
    pub notes: Vec<Warning>,
    /// Records that were read and are not wanted.
    pub left_out: u64,
    /// Inputs that were read, to their end or not.
    pub inputs_read: usize,
    /// Buffers that were made for chunks; others were filled again.
    pub fresh_buffers: u64,
}

/// Where a worker finds what there is to do.
#[derive(Clone)]
struct Jobs {
    setup: DecodeSetup,
    decode: Receiver<DecodeJob>,
    encode: Receiver<EncodeJob>,
    end: Receiver<EndJob>,
}

/// The workers of a run. Dropping it lets them end.
pub(super) struct Workers {
    decode: Sender<DecodeJob>,
    encode: Sender<EncodeJob>,
    end: Sender<EndJob>,
    pub reports: Receiver<Report>,
    pub to_reports: Sender<Report>,
    /// What a further worker starts with.
    jobs: Jobs,
    /// What each does last.
    farewell: Option<fn()>,
    count: usize,
}

impl Workers {
    /// Starts `count` workers, each of which ends with the `farewell`.
    pub(super) fn start(
        count: usize,
        setup: &DecodeSetup,
        farewell: Option<fn()>,
    ) -> Result<Self, Error> {
        let (decode, decode_jobs) = unbounded::<DecodeJob>();
        let (encode, encode_jobs) = unbounded::<EncodeJob>();
        let (end, end_jobs) = unbounded::<EndJob>();
        let (to_reports, reports) = unbounded();
        let setup = setup.clone();
        let jobs = Jobs { setup, decode: decode_jobs, encode: encode_jobs, end: end_jobs };
        let mut workers =
            Workers { decode, encode, end, reports, to_reports, jobs, farewell, count: 0 };
        workers.grow(count)?;
        Ok(workers)
    }

    /// Starts further workers, until there are `count`.
    ///
    /// - Errors: `Io` where there is no thread for one.
    pub(super) fn grow(&mut self, count: usize) -> Result<(), Error> {
        while self.count < count {
            let jobs = self.jobs.clone();
            let to_reports = self.to_reports.clone();
            let farewell = self.farewell;
            let work = move || {
                work(&jobs, &to_reports);
                if let Some(last) = farewell {
                    last();
                }
            };
            threads::start("transmog-worker", limits::WORKER_STACK_BYTES, work)?;
            self.count += 1;
        }
        Ok(())
    }

    /// Returns how many workers there are.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    pub(super) fn decode(&self, job: DecodeJob) {
        // Fails only when all workers have panicked, which they report.
        let _ = self.decode.send(job);
    }

    pub(super) fn encode(&self, job: EncodeJob) {
        let _ = self.encode.send(job);
    }

    pub(super) fn end(&self, job: EndJob) {
        let _ = self.end.send(job);
    }
}

fn work(jobs: &Jobs, reports: &Sender<Report>) {
    let mut decoder: Option<(Flattener, Arc<Admission>)> = None;
    loop {
        // Encoding first, as it frees memory; but of what is left at the end, the end of a wide table
        // takes longest.
        let report = select_biased! {
            recv(jobs.end) -> job => match job {
                Ok(job) => guarded(|| {
                    job();
                    None
                }),
                Err(_) => return,
            },
            recv(jobs.encode) -> job => match job {
                Ok(job) => guarded(|| Some(encode(job))),
                Err(_) => return,
            },
            recv(jobs.decode) -> job => match job {
                Ok(job) => guarded(|| Some(decode(&jobs.setup, &mut decoder, job))),
                Err(_) => return,
            },
        };
        let Some(report) = report else { continue };
        let is_decoded = matches!(report, Report::Decoded(_));
        if reports.send(report).is_err() {
            return;
        }
        if is_decoded {
            thread::yield_now();
        }
    }
}

fn guarded(work: impl FnOnce() -> Option<Report>) -> Option<Report> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
        Some(Report::Panicked(text.unwrap_or_else(|| "a worker panicked".to_owned())))
    })
}

fn encode(job: EncodeJob) -> Report {
    let EncodeJob { table, group, place, task } = job;
    Report::Encoded { table, group, place, encoded: task() }
}

fn decode(
    setup: &DecodeSetup,
    decoder: &mut Option<(Flattener, Arc<Admission>)>,
    job: DecodeJob,
) -> Report {
    let (flattener, known) = decoder.get_or_insert_with(|| {
        let (options, paths) = (Arc::clone(&setup.flatten), Arc::clone(&setup.paths));
        let flattener = Flattener::new(options, paths, Admission::clone(&job.admission));
        (flattener, Arc::clone(&job.admission))
    });
    if !Arc::ptr_eq(known, &job.admission) {
        flattener.set_admission(Admission::clone(&job.admission));
        *known = Arc::clone(&job.admission);
    }
    let start = Instant::now();
    let decoded = setup.decode(&job.chunk, flattener);
    let elapsed = start.elapsed();
    let full_count = job.admission.full_count();
    Report::Decoded(Decoded { chunk: job.chunk, decoded, elapsed, full_count })
}

/// Lets the reader go on: a ticket for each chunk that may be in flight, and more for one that is
/// long, with the buffers of one that is done, if there was one.
pub(super) struct Tickets {
    give: Sender<Option<Chunk>>,
    pub take: Receiver<Option<Chunk>>,
    pub prices: Prices,
    /// Buffers go back to be filled again.
    reuses_buffers: bool,
}

/// How many tickets a chunk needs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Prices {
    /// Bytes that one ticket is good for.
    bytes: usize,
    /// All tickets there are, which are enough for any chunk.
    count: usize,
}

impl Prices {
    /// Returns how many tickets a chunk needs.
    pub(super) fn of(self, chunk: &Chunk) -> usize {
        (1 + chunk.size() / self.bytes).min(self.count)
    }
}

impl Tickets {
    /// Makes `count` tickets; chunks of up to `bytes` need one each.
    pub(super) fn new(count: usize, bytes: usize, reuses_buffers: bool) -> Self {
        let (give, take) = bounded(count);
        for _ in 0..count {
            let _ = give.try_send(None);
        }
        Tickets { give, take, prices: Prices { bytes: bytes.max(1), count }, reuses_buffers }
    }

    /// Gives back the tickets of a chunk that is done, and its buffers.
    pub(super) fn give_back(&self, chunk: Chunk) {
        let price = self.prices.of(&chunk);
        // Long buffers would be kept for short chunks.
        self.give_unused((price == 1 && self.reuses_buffers).then_some(chunk));
        (1..price).for_each(|_| self.give_unused(None));
    }

    /// Gives back the tickets of a chunk that stays.
    pub(super) fn give_back_for(&self, chunk: &Chunk) {
        (0..self.prices.of(chunk)).for_each(|_| self.give_unused(None));
    }

    /// Drops the buffers that came back, as nothing is read any more.
    pub(super) fn forget_buffers(&self) {
        self.take.try_iter().for_each(drop);
    }

    /// Gives back one ticket, with buffers to fill again.
    pub(super) fn give_unused(&self, buffers: Option<Chunk>) {
        let _ = self.give.try_send(buffers);
    }
}
