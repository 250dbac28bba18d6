//! The loop: chunks in, row groups out, in order.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{RecvTimeoutError, Sender, bounded};
use xxhash_rust::xxh3::xxh3_64;

use super::batches::BatchLog;
use super::budget::Budget;
use super::encoding::Encoding;
use super::groups::{FullGroup, GroupLimits, Groups};
use super::outputs::Outputs;
use super::pacing::{Deadline, Pace};
use super::reader::{self, Time};
use super::rejects::RejectLog;
use super::workers::{DecodeJob, DecodeSetup, Decoded, End, Report, Tickets, Workers};
use super::{BatchStrategy, Cancel, Conversion, CsvInput, DateMode, Execution, NumberMode};
use crate::decode::{self, CapReached, Faults};
use crate::encode::{Place, json};
use crate::error::{Error, ErrorKind, Fault, FaultCode};
use crate::flatten::admission::{Admission, Caps};
use crate::flatten::path::{Paths, ROOT};
use crate::flatten::{Flattener, IdMode, Near, Note};
use crate::frame::{Chunk, RowHead};
use crate::limits::{self, THREAD_STACK_BYTES};
use crate::reject::OnError;
use crate::report::observer::{Counts, RunStart, Watcher};
use crate::report::status::StatusPolicy;
use crate::report::{DialectSummary, InputSummary, Summary, Warning, WarningKind};
use crate::retry::Retry;
use crate::schema::widen::Widening;
use crate::schema::{CurrentLayout, RecordNumbers, Records, Schema, SchemaOptions};
use crate::sink::InputFile;
use crate::source::Input;
use crate::source::list::source_text;
use crate::source::live::Expired;
use crate::source::meter::Meter;
#[cfg(feature = "cloud")]
use crate::source::remote;
use crate::table::TableBatch;
use crate::threads;

/// How long the reader may take to come back when the time is up.
const GRACE: Duration = Duration::from_millis(500);

/// How often the loop looks whether it was asked to stop.
pub(super) const CANCEL_POLL: Duration = Duration::from_millis(50);

/// Runs a conversion; `summary` says what it did, also where it fails.
pub(super) fn run(conversion: Conversion, summary: &mut Summary) -> Result<(), Error> {
    let stores = conversion.stores.clone();
    let done = open(conversion, summary);
    summary.retries += stores.retries();
    done
}

/// Opens what goes in and what comes out, and converts.
fn open(mut conversion: Conversion, summary: &mut Summary) -> Result<(), Error> {
    let names: Vec<String> = conversion.inputs.iter().map(input_name).collect();
    let inputs = input_files(&mut conversion)?;
    let root_name = conversion.root_name();
    let retry = conversion.retry();
    let paths = Arc::new(Paths::default());
    let schema = schema_of(&conversion, &root_name, &paths)?;
    let mut outputs = Outputs::open(&mut conversion, &root_name, inputs, &retry)?;
    let trail = outputs.trail();
    let rejects = RejectLog::open(&conversion, names.clone(), &root_name, &mut outputs);
    let done = rejects.and_then(|rejects| {
        for (table, known) in schema.tables().iter().enumerate().skip(1) {
            outputs.create(table, &known.name)?;
        }
        let retry = retry.for_reads(conversion.source_retry);
        let parts = Parts { names, paths, schema, outputs, rejects, retry };
        convert(conversion, parts, summary)
    });
    summary.retries = retry.count();
    done.map_err(|error| trail.clear(error))?;
    // outputs are there: to call the run failed for what lies beside them would be the greater lie
    let left = trail.sweep().into_iter().map(|left| {
        let detail = format!("a temporary directory is left: {left}");
        Warning { kind: WarningKind::LeftoversKept, path: String::new(), count: 1, detail }
    });
    summary.warnings.extend(left);
    Ok(())
}

/// Starts the schema with what the user says of it.
fn schema_of(conversion: &Conversion, name: &str, paths: &Arc<Paths>) -> Result<Schema, Error> {
    let caps = match conversion.closed_contract() {
        // It was checked, and nothing comes on top.
        Some(_) => Caps { columns: usize::MAX, run_columns: usize::MAX, tables: usize::MAX },
        None => Caps {
            columns: conversion.flatten.max_columns,
            run_columns: conversion.flatten.max_run_columns,
            tables: conversion.flatten.max_tables,
        },
    };
    let options = schema_options(conversion, name.to_owned());
    let mut schema = Schema::new(options, Arc::clone(paths), caps);
    if let Some(contract) = &conversion.contract {
        schema.agree(contract, conversion.schema_mode, &conversion.flatten.maps)?;
    }
    Ok(schema)
}

/// What a run is made of besides its options.
struct Parts {
    names: Vec<String>,
    paths: Arc<Paths>,
    schema: Schema,
    outputs: Outputs,
    rejects: RejectLog,
    retry: Retry,
}

fn convert(conversion: Conversion, parts: Parts, summary: &mut Summary) -> Result<(), Error> {
    let Parts { names, paths, schema, outputs, rejects, retry } = parts;
    let start = Instant::now();
    let threads = threads_of(&conversion);
    let prefetch = conversion.prefetch;
    let setup = DecodeSetup {
        flatten: Arc::new(conversion.flatten.clone()),
        decode: conversion.decode_options(),
        paths,
        sources: conversion
            .source_column
            .as_ref()
            .map(|_| conversion.inputs.iter().map(source_text).collect()),
    };
    let workers = Workers::start(threads.first, &setup, conversion.worker_farewell)?;
    let budget = Budget::of(&conversion, threads.all + prefetch);
    let reuses_buffers =
        !matches!(conversion.batches, BatchStrategy::MegaBatch { reuse_buffer: false, .. });
    let tickets = Tickets::new(threads.all + prefetch, budget.ticket, reuses_buffers);
    let admission = Arc::new(schema.admission().clone());
    let are_text = outputs.are_text();
    let row_group_rows = match (conversion.row_group_rows, are_text) {
        (Some(rows), _) => rows,
        (None, false) => limits::ROW_GROUP_ROWS,
        (None, true) => usize::MAX,
    };
    let limits = GroupLimits {
        rows: conversion
            .file_rows_max
            .map_or(row_group_rows, |most| row_group_rows.min(most.get())),
        bytes: budget.row_group,
        pending_bytes: budget.pending,
        flow_bytes: are_text.then_some(budget.text),
    };
    let cancel = conversion.cancel.clone();
    let csv_flags = conversion.csv_input != CsvInput::default();
    let goes_by_batch = conversion.on_error == OnError::FailBatch;
    let turns = (tickets.take.clone(), tickets.prices);
    let batch_bytes = if goes_by_batch { budget.batch } else { usize::MAX };
    let pace = Pace::new(conversion.batches, batch_bytes, start);
    let deadline = Deadline::new(conversion.time_limits, start);
    let _timer = Timer::start(&deadline, &cancel)?;
    let (watcher, policy) = (conversion.watcher.clone(), conversion.status_policy);
    watcher.start(&RunStart {
        inputs: names.clone(),
        to: conversion.to.to_string(),
        strategy: conversion.batches.name(),
        threads: threads.all,
    });
    let meter = Meter::new(&conversion.inputs);
    let has_sample = conversion.sample.is_some();
    let time = Time { retry, pace: Arc::clone(&pace), deadline, meter: meter.clone() };
    reader::spawn(conversion, &budget, time, turns, workers.to_reports.clone())?;
    let inputs = names.iter().map(|name| InputSummary::new(name)).collect();
    let mut run = Run {
        names,
        inputs,
        setup,
        workers,
        tickets,
        schema,
        admission,
        groups: Groups::new(limits),
        outputs,
        early: BTreeMap::new(),
        next: 0,
        read: 0,
        records: 0,
        rejects,
        held: Vec::new(),
        goes_by_batch,
        batches: BatchLog::new(watcher.clone(), Arc::clone(&pace), start),
        watcher,
        pace,
        deadline,
        policy,
        start,
        last_tick: start,
        meter,
        threads: threads.all,
        in_flight_max: 0,
        bytes: 0,
        rejected_before: 0,
        inputs_done: 0,
        input_failures: Vec::new(),
        failing_input: None,
        has_sample,
        is_closed: false,
        cancel: cancel.clone(),
        notes: BTreeMap::new(),
        used: 0,
        near: Near::default(),
        left_out: 0,
        ids: HashSet::new(),
        duplicate_ids: 0,
        last_layouts: BTreeMap::new(),
        encoding: Encoding::new(&budget, are_text),
        dialects: Vec::new(),
        csv_flags,
        compressed: BTreeMap::new(),
    };
    let ended = run.drive(&cancel).and_then(|end| run.end_rows(&cancel).map(|()| end));
    let result = match ended {
        Ok(end) => run.finish(end, summary, &cancel),
        Err(error) => Err(run.give_up(error, summary)),
    };
    summary.policy = policy;
    result
}

/// How many threads work: at first, and as soon as there is more than one chunk.
struct Threads {
    first: usize,
    all: usize,
}

fn threads_of(conversion: &Conversion) -> Threads {
    let given = conversion.threads.or_else(|| thread::available_parallelism().ok());
    let all = given.map_or(1, std::num::NonZero::get).min(conversion.threads_max());
    let is_parallel =
        !matches!(conversion.batches, BatchStrategy::MegaBatch { parallel: false, .. });
    match conversion.execution {
        _ if !is_parallel => Threads { first: 1, all: 1 },
        Execution::Sequential => Threads { first: 1, all: 1 },
        Execution::Parallel => Threads { first: all, all },
        Execution::Adaptive => Threads { first: 1, all },
    }
}

/// Ends the run when its time is up, until it is dropped.
struct Timer {
    _ends_it: Option<Sender<()>>,
}

impl Timer {
    fn start(deadline: &Deadline, cancel: &Cancel) -> Result<Timer, Error> {
        let Some(end) = deadline.end().filter(|_| !deadline.publishes()) else {
            return Ok(Timer { _ends_it: None });
        };
        let (ends_it, over) = bounded::<()>(0);
        let cancel = cancel.clone();
        let wait = move || {
            if over.recv_deadline(end).is_err_and(|wait| wait.is_timeout()) {
                cancel.stop_late();
            }
        };
        threads::start("transmog-timer", THREAD_STACK_BYTES, wait)?;
        Ok(Timer { _ends_it: Some(ends_it) })
    }
}

/// Paths at which something is counted by itself.
const NOTE_PATHS_MAX: usize = 10_000;

/// Stands for all further paths.
const ELSEWHERE: &str = "(other paths)";

/// Ids of main rows that are compared with later ones.
const IDS_REMEMBERED: usize = 1 << 20;

/// A chunk that was decoded and waits for the rest of its batch.
pub(super) struct Held {
    pub chunk: Chunk,
    pub decoded: Result<decode::Decoded, CapReached>,
    pub full_count: usize,
}

/// The state of the loop.
pub(super) struct Run {
    pub(super) names: Vec<String>,
    /// What each input gave.
    pub(super) inputs: Vec<InputSummary>,
    pub(super) setup: DecodeSetup,
    pub(super) workers: Workers,
    pub(super) tickets: Tickets,
    pub(super) schema: Schema,
    pub(super) admission: Arc<Admission>,
    pub(super) groups: Groups,
    pub(super) outputs: Outputs,
    /// Decoded chunks that wait for an earlier one.
    early: BTreeMap<u64, Decoded>,
    /// Sequence of the chunk that comes next.
    next: u64,
    /// Chunks read.
    read: u64,
    /// Records looked at.
    pub(super) records: u64,
    pub(super) rejects: RejectLog,
    /// Chunks of a batch that goes whole or not at all.
    pub(super) held: Vec<Held>,
    goes_by_batch: bool,
    pub(super) batches: BatchLog,
    pub(super) watcher: Watcher,
    pub(super) pace: Arc<Pace>,
    deadline: Deadline,
    pub(super) policy: StatusPolicy,
    start: Instant,
    last_tick: Instant,
    meter: Meter,
    /// Workers as soon as there is more than one chunk.
    threads: usize,
    pub(super) in_flight_max: u64,
    /// Bytes of the chunks that were absorbed.
    bytes: u64,
    /// Records that were rejected before the batch at hand.
    rejected_before: u64,
    /// Inputs of which all is known.
    pub(super) inputs_done: usize,
    /// Inputs that could not be read on while others were.
    pub(super) input_failures: Vec<(usize, Error)>,
    /// The input that ends the run.
    pub(super) failing_input: Option<usize>,
    /// Records come once more in the order of inputs, at the end.
    has_sample: bool,
    /// Nothing more is read.
    is_closed: bool,
    pub(super) cancel: Cancel,
    pub(super) notes: BTreeMap<(Note, String), u64>,
    /// A bit for each path option that meant a path.
    pub(super) used: u128,
    /// Paths near to those that options mean.
    pub(super) near: Near,
    /// Values that are not selected.
    pub(super) left_out: u64,
    /// Hashes of the ids of main rows, while there are not too many.
    ids: HashSet<u64>,
    pub(super) duplicate_ids: u64,
    pub(super) encoding: Encoding,
    /// What tables are in the end, of those whose last rows are encoded.
    pub(super) last_layouts: BTreeMap<usize, CurrentLayout>,
    /// How inputs of CSV were read.
    pub(super) dialects: Vec<DialectSummary>,
    /// What users said of CSV, where they did.
    pub(super) csv_flags: bool,
    /// Inputs that are unpacked, and how far behind a record at fault to look for damage.
    compressed: BTreeMap<usize, u64>,
}

impl Run {
    /// Takes reports until all inputs were read and all their chunks absorbed.
    fn drive(&mut self, cancel: &Cancel) -> Result<End, Error> {
        let mut end = None;
        loop {
            if self.next >= self.read
                && let Some(end) = end.take()
            {
                return Ok(end);
            }
            cancel.check()?;
            self.tick();
            if end.is_none() && self.is_given_up() {
                self.is_closed = true;
                end = Some(End { bytes: self.bytes, ..End::default() });
                continue;
            }
            match self.workers.reports.recv_timeout(CANCEL_POLL) {
                Ok(Report::End(reached)) => end = Some(reached),
                Ok(report) => self.take(report).map_err(|error| match &end {
                    None => self.damage_behind(error, cancel),
                    Some(_) => error,
                })?,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Error::new(ErrorKind::Internal, "all workers are gone"));
                }
            }
        }
    }

    pub(super) fn take(&mut self, report: Report) -> Result<(), Error> {
        match report {
            Report::Compressed { input_index, damage_bytes } => {
                self.compressed.insert(input_index, damage_bytes);
            }
            Report::Opened { input_index, format, compression } => {
                let input = &mut self.inputs[input_index];
                (input.format, input.compression) = (Some(format), compression);
            }
            Report::Read(..) if self.is_closed => {}
            Report::Read(chunk, opened) => {
                self.read += 1;
                self.in_flight_max = self.in_flight_max.max(self.read - self.next);
                if self.read > 1 {
                    self.workers.grow(self.threads)?;
                }
                self.batches.read(&chunk, opened);
                if let Some(head) = chunk.rows.as_deref() {
                    self.note_dialect(chunk.input_index, head);
                }
                let admission = Arc::clone(&self.admission);
                self.workers.decode(DecodeJob { chunk, admission });
            }
            Report::End(_) => {}
            Report::Unused => self.tickets.give_unused(None),
            Report::Comments { input, count } => {
                let known = self.dialects.last_mut().filter(|known| known.input_index == input);
                known.into_iter().for_each(|known| known.comments = count);
            }
            Report::InputFailed { error, input_index } => {
                self.inputs[input_index].error = Some(error.to_string());
                self.input_failures.push((input_index, error));
            }
            Report::ReadFailed { error, input_index } => {
                // Bad records before that place come first, so that the message does not depend on
                // which thread was faster. But where the data is damaged, so may be its records.
                let drained = self.drain_decoded();
                let is_damage = error.kind() == ErrorKind::Compression
                    && self.rejects.ended_at.is_some_and(|(input, _)| input == input_index);
                self.compressed.clear();
                return Err(drained.err().filter(|_| !is_damage).unwrap_or_else(|| {
                    self.failing_input = Some(input_index);
                    error
                }));
            }
            Report::Decoded(decoded) => {
                self.early.insert(decoded.chunk.sequence, decoded);
                self.absorb()?;
            }
            Report::Encoded { table, group, place, encoded } => {
                let done = self.outputs.encoded(table, group, place, encoded?, &self.workers)?;
                self.encoding.end(&done);
                self.encode_waiting()?;
                self.absorb()?;
            }
            Report::Panicked(text) => {
                let message = format!("a bug in this program: {text}");
                return Err(Error::new(ErrorKind::Internal, message));
            }
        }
        Ok(())
    }

    /// Takes decoded chunks in their order, while no row group waits to be encoded.
    fn absorb(&mut self) -> Result<(), Error> {
        while !self.encoding.has_waiting()
            && !self.waits_for_encoding()
            && let Some(decoded) = self.early.remove(&self.next)
        {
            self.absorb_chunk(decoded)?;
        }
        Ok(())
    }

    /// Returns whether the next chunk is so long that its rows may not wait beside others that are
    /// being encoded.
    fn waits_for_encoding(&self) -> bool {
        let next = self.early.get(&self.next);
        self.encoding.groups > 0
            && next.is_some_and(|decoded| self.tickets.prices.of(&decoded.chunk) > 1)
    }

    fn absorb_chunk(&mut self, decoded: Decoded) -> Result<(), Error> {
        let Decoded { chunk, decoded, elapsed, full_count } = decoded;
        self.next += 1;
        if self.batches.is_next(&chunk) {
            // The chunk that ended it was left out.
            self.close_batch()?;
        }
        if !self.has_sample {
            self.complete_inputs(chunk.input_index);
        }
        self.batches.add(&chunk, elapsed);
        self.bytes += chunk.input_bytes();
        let ends_batch = chunk.ends_batch;
        let held = Held { chunk, decoded, full_count };
        if self.goes_by_batch {
            // The reader goes on meanwhile: a batch may be more chunks than there are tickets.
            self.tickets.give_back_for(&held.chunk);
            self.held.push(held);
        } else {
            self.absorb_batch(vec![held])?;
        }
        if ends_batch { self.close_batch() } else { Ok(()) }
    }

    /// Ends the batch at hand: its rows go out where they may.
    pub(super) fn close_batch(&mut self) -> Result<(), Error> {
        let held = std::mem::take(&mut self.held);
        self.absorb_batch(held)?;
        if self.outputs.direct.is_on() {
            self.let_out()?;
        }
        if self.outputs.takes_batches {
            for full in self.groups.finish() {
                self.let_wait(full, Place::Inner);
            }
            self.encode_waiting()?;
        }
        let rejected = self.rejects.count() - self.rejected_before;
        self.rejected_before += rejected;
        let first = self.rejects.end_batch();
        self.batches.close(rejected, first);
        Ok(())
    }

    /// Takes chunks of one batch in their order.
    fn absorb_batch(&mut self, batch: Vec<Held>) -> Result<(), Error> {
        let is_bad = |held: &Held| held.decoded.as_ref().is_ok_and(|done| !done.faults.is_empty());
        let mut bad = None;
        if self.goes_by_batch && batch.iter().any(|held| is_bad(held) || held.decoded.is_err()) {
            let faults = batch.iter().map(|held| match &held.decoded {
                Ok(done) => Ok(done.faults.clone()),
                Err(CapReached) => self.decode_in_order(&held.chunk).map(|(done, _)| done.faults),
            });
            let faults = faults.collect::<Result<Vec<_>, Error>>()?;
            let first = batch.iter().zip(&faults).find_map(|(held, faults)| {
                faults.keys().next().map(|record| held.chunk.number(*record) + 1)
            });
            bad = first.map(|first| (first, faults));
        }
        let Some((first, all_faults)) = bad else {
            return batch.into_iter().try_for_each(|held| self.absorb_held(held));
        };
        for (Held { chunk, .. }, mut faults) in batch.into_iter().zip(all_faults) {
            for record in 0..chunk.records.len() {
                let message = format!("record {first} of the same batch is at fault");
                let fault = || Fault::new(FaultCode::BatchFailed, 0, message);
                faults.entry(record).or_insert_with(fault);
            }
            self.reject(&chunk, &faults)?;
            self.count_records(&chunk)?;
        }
        Ok(())
    }

    fn absorb_held(&mut self, held: Held) -> Result<(), Error> {
        let Held { mut chunk, decoded, full_count } = held;
        let tables = decoded.iter().flat_map(|done| &done.flattened.tables);
        chunk.filled_columns = tables.map(|table| table.columns.len()).sum();
        match self.goes_out_in_parts(&chunk, &decoded) {
            true => self.absorb_in_parts(&chunk)?,
            false => self.absorb_decoded(&chunk, decoded, full_count)?,
        }
        if !self.goes_by_batch {
            self.tickets.give_back(chunk);
        }
        Ok(())
    }

    /// Takes a chunk whose records are written under one layout.
    pub(super) fn absorb_decoded(
        &mut self,
        chunk: &Chunk,
        decoded: Result<decode::Decoded, CapReached>,
        full_count: usize,
    ) -> Result<(), Error> {
        let is_stale = full_count != self.admission.full_count();
        let done = match decoded {
            Ok(done) if !is_stale && !self.schema.would_overflow(&done.flattened.tables) => done,
            Ok(_) | Err(CapReached) => {
                let (done, admission) = self.decode_in_order(chunk)?;
                if admission.full_count() != self.admission.full_count() {
                    // From here on workers know what is full.
                    self.admission = Arc::new(admission);
                }
                done
            }
        };
        self.reject(chunk, &done.faults)?;
        let flattened = done.flattened;
        self.used |= flattened.used;
        self.near.join(flattened.near);
        self.left_out += flattened.left_out;
        self.note_ids(&flattened.tables);
        let notes: BTreeMap<_, _> = flattened.notes.into_iter().collect();
        for ((note, path), count) in notes {
            self.note(note, path, count);
        }
        let tables_before = self.schema.tables().len();
        let is_flat = chunk.columns.as_ref().is_some_and(|columns| columns.is_flat);
        let kind = match chunk.rows.is_some() || is_flat {
            true => Records::Rows,
            false => Records::Objects,
        };
        let numbers = match &chunk.replayed {
            None => RecordNumbers::From(chunk.first_record),
            Some(replayed) => {
                RecordNumbers::Each(replayed.iter().map(|replayed| replayed.number).collect())
            }
        };
        let batches = self.schema.fit(flattened.tables, &numbers, kind);
        for table in tables_before..self.schema.tables().len() {
            self.outputs.create(table, &self.schema.tables()[table].name)?;
        }
        let records = chunk.records.len();
        self.count_records(chunk)?;
        if self.outputs.direct.is_tagged() {
            return self.write_tagged(batches);
        }
        // CSV without rows has but columns.
        let full = if records > 0 { self.groups.add(batches, records) } else { Vec::new() };
        if self.outputs.direct.is_on() {
            self.write_direct(full)?;
            return self.write_early();
        }
        for full in full {
            self.let_wait(full, Place::Inner);
        }
        self.encode_waiting()
    }

    /// Tells whoever watches how far the run is, now and then.
    pub(super) fn tick(&mut self) {
        if self.watcher.is_watching() && self.last_tick.elapsed() >= CANCEL_POLL {
            self.last_tick = Instant::now();
            self.watcher.tick(&self.counts());
        }
    }

    fn counts(&self) -> Counts {
        let tables = self.schema.tables().iter();
        let codes = self.rejects.rejects().by_code;
        Counts {
            records: self.records,
            rejected: self.rejects.count(),
            bytes: self.bytes,
            bytes_read: self.meter.read(),
            bytes_total: self.meter.total(),
            batches: self.batches.totals.count,
            tables: tables.map(|table| (table.name.clone(), table.rows)).collect(),
            codes: codes.iter().map(|code| (code.code, code.count)).collect(),
            elapsed: self.start.elapsed(),
        }
    }

    /// Returns whether the time is up and the reader does not come back to say so.
    fn is_given_up(&self) -> bool {
        let end = self.deadline.end().filter(|_| self.deadline.publishes());
        let is_over = end.is_some_and(|end| Instant::now() >= end + GRACE);
        if is_over {
            self.pace.expire(Expired::Run);
        }
        is_over
    }

    /// Lets records at fault go to the reject file, or ends the run.
    pub(super) fn reject(&mut self, chunk: &Chunk, faults: &Faults) -> Result<(), Error> {
        let before = self.rejects.count();
        let taken = self.rejects.take(&mut self.outputs, chunk, faults, self.records);
        let input = &mut self.inputs[chunk.input_index];
        input.rejected += self.rejects.count() - before;
        if taken.is_err() {
            // The run ends at the last record rejected.
            input.records += self.rejects.seen().saturating_sub(self.records);
        }
        taken
    }

    /// Counts the records of a chunk that is done; ends the run where too many were rejected.
    pub(super) fn count_records(&mut self, chunk: &Chunk) -> Result<(), Error> {
        let records = chunk.records.len() as u64;
        self.records += records;
        self.inputs[chunk.input_index].records += records;
        self.rejects.settle(self.records)
    }

    /// Remembers how an input of CSV was read, with its first chunk.
    fn note_dialect(&mut self, input: usize, head: &RowHead) {
        // Inputs come one after the other, but for the records of a sample behind them all.
        if self.dialects.last().is_some_and(|known| known.input_index >= input) {
            return;
        }
        let name = self.names.get(input).cloned().unwrap_or_default();
        let renamed = head.renamed.clone();
        self.dialects.push(DialectSummary {
            input_index: input,
            name,
            dialect: head.dialect,
            comments: 0,
            renamed,
        });
    }

    /// Counts what happened at a path; past a number of paths all others are counted as one.
    fn note(&mut self, note: Note, path: String, count: u64) {
        let mut key = (note, path);
        if self.notes.len() >= NOTE_PATHS_MAX && !self.notes.contains_key(&key) {
            key.1 = ELSEWHERE.to_owned();
        }
        *self.notes.entry(key).or_default() += count;
    }

    /// Looks whether ids that come from the data stand twice, as far as memory is set aside for.
    fn note_ids(&mut self, batches: &[TableBatch]) {
        let main = batches.iter().find(|batch| batch.path == ROOT);
        let Some(texts) = main.and_then(|main| main.links.texts.as_ref()) else { return };
        for row in 0..texts.ids.len() {
            let hash = xxh3_64(texts.ids.get(row));
            if self.ids.contains(&hash) {
                self.duplicate_ids += 1;
            } else if self.ids.len() < IDS_REMEMBERED {
                self.ids.insert(hash);
            }
        }
    }

    /// Returns whether no two records have one id, as far as that is known.
    pub(super) fn has_unique_ids(&self) -> bool {
        let is_random = matches!(self.setup.flatten.ids, IdMode::Uuid { .. });
        is_random || (self.duplicate_ids == 0 && self.ids.len() < IDS_REMEMBERED)
    }

    /// Decodes a chunk again, path by path, because a cap may be crossed in it; returns as well
    /// what is admitted behind it.
    pub(super) fn decode_in_order(
        &self,
        chunk: &Chunk,
    ) -> Result<(decode::Decoded, Admission), Error> {
        let admission = self.schema.admission().to_live();
        let (options, paths) = (Arc::clone(&self.setup.flatten), Arc::clone(&self.setup.paths));
        let mut flattener = Flattener::new(options, paths, admission);
        let decoded = self.setup.decode(chunk, &mut flattener);
        let twice = |CapReached| Error::new(ErrorKind::Internal, "a cap was reached twice");
        Ok((decoded.map_err(twice)?, flattener.into_admission()))
    }

    /// Reads on from a record at fault in compressed data, to see whether the data is damaged.
    fn damage_behind(&mut self, error: Error, cancel: &Cancel) -> Error {
        let Some((input, byte)) = self.rejects.ended_at else { return error };
        let Some(most) = self.compressed.get(&input) else { return error };
        let last = byte.saturating_add(*most);
        let early = std::mem::take(&mut self.early);
        early.into_values().for_each(|decoded| self.tickets.give_back(decoded.chunk));
        while cancel.check().is_ok() {
            match self.workers.reports.recv_timeout(CANCEL_POLL) {
                Ok(Report::Read(chunk, _))
                    if chunk.input_index == input && chunk.first_byte < last =>
                {
                    self.tickets.give_back(chunk);
                }
                Ok(Report::Decoded(decoded)) => self.tickets.give_back(decoded.chunk),
                Ok(Report::ReadFailed { error: damage, input_index }) => {
                    let is_damage = damage.kind() == ErrorKind::Compression && input_index == input;
                    return if is_damage { damage } else { error };
                }
                Ok(Report::Encoded { .. } | Report::Unused | Report::Comments { .. })
                | Err(RecvTimeoutError::Timeout) => {}
                Ok(_) | Err(RecvTimeoutError::Disconnected) => return error,
            }
        }
        error
    }

    /// Waits for the chunks read so far, to report their faults.
    fn drain_decoded(&mut self) -> Result<(), Error> {
        while self.next < self.read {
            match self.workers.reports.recv() {
                Ok(Report::ReadFailed { .. }) | Err(_) => return Ok(()),
                Ok(report) => self.take(report)?,
            }
        }
        Ok(())
    }

    /// Has a row group wait for its turn.
    pub(super) fn let_wait(&mut self, full: FullGroup, place: Place) {
        let row_bytes = self.outputs.row_bytes(&self.schema.layout_now(full.table).layout, &full);
        self.encoding.push(full, place, row_bytes);
    }

    /// Has row groups encoded that are full, as far as there is room. No chunk is taken before
    /// they are, so the schema is still the one under which they filled.
    pub(super) fn encode_waiting(&mut self) -> Result<(), Error> {
        while let Some((full, place)) = self.encoding.next() {
            let (table, bytes) = (full.table, full.bytes);
            let known = self.schema.layout_now(table);
            if self.outputs.plan(full, &known.layout, place, &self.workers)? {
                self.encoding.begin(bytes);
            }
            if place == Place::Last {
                self.last_layouts.insert(table, known);
            }
        }
        Ok(())
    }
}

fn schema_options(conversion: &Conversion, name: String) -> SchemaOptions {
    SchemaOptions {
        name,
        is_named_by_input: conversion.is_named_by_input(),
        separator: conversion.separator.clone(),
        names: conversion.names,
        meta_prefix: conversion.meta_prefix.clone(),
        source_column: conversion.source_column.clone(),
        ids: conversion.flatten.ids.clone(),
        widening: Widening {
            decimals: conversion.numbers == NumberMode::Decimal,
            dates: conversion.dates == DateMode::Auto,
        },
        types: conversion.flatten.types.clone(),
        reserved: conversion.is_tagged().then_some(json::TABLE_MEMBER),
    }
}

/// Returns what messages call an input.
fn input_name(input: &Input) -> String {
    match input {
        Input::File(path) => crate::sink::names::printable(&path.to_string_lossy()),
        Input::Stdin => "<stdin>".to_owned(),
        Input::Url(input) => input.url.shown().to_owned(),
        Input::Reader { name, .. } => name.clone(),
    }
}

/// Looks all inputs up, so that a missing one stops the run before anything is written; returns the
/// files that are read.
fn input_files(conversion: &mut Conversion) -> Result<Vec<InputFile>, Error> {
    for input in &conversion.inputs {
        let Input::File(path) = input else { continue };
        fs::metadata(path).map_err(|cause| Error::io("opening it", path, cause))?;
    }
    #[cfg(feature = "cloud")]
    {
        let retry = conversion.stores.retry(conversion.cancel.clone()).reads;
        remote::look_up(&mut conversion.inputs, &conversion.stores, &retry)?;
    }
    readable_files(conversion)
}

/// Returns the files that are read, as far as they are there.
///
/// - Errors: `Io` where it cannot be told which file it is, as it must not be written.
pub(super) fn readable_files(conversion: &Conversion) -> Result<Vec<InputFile>, Error> {
    // What standard input was redirected from.
    let stdin = Path::new("/dev/stdin");
    let inputs = conversion.inputs.iter().filter_map(|input| match input {
        Input::File(path) => Some(path.as_path()),
        Input::Stdin => Some(stdin),
        Input::Url(_) | Input::Reader { .. } => None,
    });
    let files = inputs.chain(conversion.protected.iter().map(PathBuf::as_path));
    let mut found = Vec::new();
    for path in files {
        match fs::metadata(path) {
            Ok(metadata) => found.extend(InputFile::of(path, &metadata)),
            Err(cause) if path == stdin || is_absent(&cause) => {}
            Err(cause) => return Err(Error::io("looking it up", path, cause)),
        }
    }
    Ok(found)
}

fn is_absent(cause: &io::Error) -> bool {
    matches!(cause.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use super::*;
    use crate::format::OutputFormat;

    #[test]
    fn there_are_as_many_threads_as_memory_has_room_for() {
        let mut conversion = Conversion::new(Vec::new(), OutputFormat::Parquet);
        conversion.execution = Execution::Parallel;
        for (mib, given, expected) in
            [(64, 8, 3), (128, 2, 2), (128, 5, 5), (128, 64, 5), (512, 64, 21), (1024, 64, 43)]
        {
            conversion.memory_limit = mib << 20;
            conversion.threads = NonZeroUsize::new(given);
            assert_eq!(threads_of(&conversion).all, expected, "{given} in {mib} MiB");
        }
    }
}
