//! The loop: chunks in, row groups out, in order.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crossbeam_channel::RecvTimeoutError;
use xxhash_rust::xxh3::xxh3_64;

use super::budget::Budget;
use super::groups::{FullGroup, GroupLimits, Groups};
use super::outputs::Outputs;
use super::rejects::RejectLog;
use super::workers::{DecodeJob, DecodeSetup, Decoded, End, Report, Tickets, Workers};
use super::{Cancel, Conversion, CsvInput, DateMode, NumberMode, reader};
use crate::decode::{self, CapReached, Faults};
use crate::encode::{Place, json};
use crate::error::{Error, ErrorKind, Fault, FaultCode};
use crate::flatten::admission::Admission;
use crate::flatten::path::{Paths, ROOT};
use crate::flatten::{Flattener, Note};
use crate::frame::{Chunk, RowHead};
use crate::reject::OnError;
use crate::report::{Batches, DialectSummary, InputSummary, Summary, Warning, WarningKind};
use crate::retry::Retry;
use crate::schema::contract::Contract;
use crate::schema::widen::Widening;
use crate::schema::{RecordNumbers, Records, Schema, SchemaOptions};
use crate::sink::InputFile;
use crate::source::Input;
use crate::source::list::source_text;
use crate::table::TableBatch;

/// Chunks in flight beyond one for each worker.
const CHUNKS_AHEAD: usize = 2;

/// How often the loop looks whether it was asked to stop.
pub(super) const CANCEL_POLL: Duration = Duration::from_millis(50);

/// Runs a conversion; `summary` says what it did, also where it fails.
pub(super) fn run(mut conversion: Conversion, summary: &mut Summary) -> Result<(), Error> {
    let names: Vec<String> = conversion.inputs.iter().map(input_name).collect();
    let inputs = input_files(&conversion)?;
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
        let parts = Parts { names, paths, schema, outputs, rejects, retry: retry.clone() };
        convert(conversion, parts, summary)
    });
    summary.retries = retry.count();
    done.map_err(|error| trail.clear(error))
}

/// Starts the schema with what the user says of it.
fn schema_of(conversion: &Conversion, name: &str, paths: &Arc<Paths>) -> Result<Schema, Error> {
    let caps = match conversion.closed_contract() {
        // It was checked, and nothing comes on top.
        Some(_) => (usize::MAX, usize::MAX),
        None => (conversion.flatten.max_columns, conversion.flatten.max_tables),
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
    let threads = conversion.threads.or_else(|| thread::available_parallelism().ok());
    let threads = threads.map_or(1, std::num::NonZero::get);
    let setup = DecodeSetup {
        flatten: Arc::new(conversion.flatten.clone()),
        decode: conversion.decode_options(),
        paths,
        sources: conversion
            .source_column
            .as_ref()
            .map(|_| conversion.inputs.iter().map(source_text).collect()),
    };
    let workers = Workers::start(threads, &setup)?;
    let budget = Budget::of(&conversion, threads + CHUNKS_AHEAD);
    let tickets = Tickets::new(threads + CHUNKS_AHEAD, budget.ticket);
    let admission = Arc::new(schema.admission().clone());
    let limits = GroupLimits {
        rows: conversion.row_group_rows,
        bytes: budget.row_group,
        pending_bytes: budget.pending,
    };
    let cancel = conversion.cancel.clone();
    let csv_flags = conversion.csv_input != CsvInput::default();
    let goes_by_batch = conversion.on_error == OnError::FailBatch;
    let turns = (tickets.take.clone(), tickets.prices);
    reader::spawn(conversion, &budget, retry, turns, workers.to_reports.clone())?;
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
        batches: Batches::default(),
        notes: BTreeMap::new(),
        used: 0,
        left_out: 0,
        ids: HashSet::new(),
        duplicate_ids: 0,
        encoding: Encoding {
            groups: 0,
            bytes: 0,
            bytes_max: budget.encoding,
            waiting: VecDeque::new(),
        },
        dialects: Vec::new(),
        csv_flags,
        compressed: BTreeMap::new(),
    };
    let driven = run.drive(&cancel);
    run.sum_up(summary);
    let End { bytes, notes, left_out } = driven?;
    summary.bytes_in = bytes;
    summary.records_left_out = left_out;
    run.finish(notes, summary, &cancel)
}

/// Paths at which something is counted by itself.
const NOTE_PATHS_MAX: usize = 10_000;

/// Stands for all further paths.
const ELSEWHERE: &str = "(other paths)";

/// Ids of main rows that are compared with later ones.
const IDS_REMEMBERED: usize = 1 << 20;

/// Row groups that are being encoded, and those that are full and wait for that.
struct Encoding {
    groups: usize,
    bytes: usize,
    /// As much is encoded at once, or one row group.
    bytes_max: usize,
    /// While there are some, chunks wait as well.
    waiting: VecDeque<(FullGroup, Place)>,
}

impl Encoding {
    /// Takes the row group out that is next, if there is room for it.
    fn next(&mut self) -> Option<(FullGroup, Place)> {
        let (full, _) = self.waiting.front()?;
        let has_room = self.groups == 0 || self.bytes + full.bytes <= self.bytes_max;
        if has_room { self.waiting.pop_front() } else { None }
    }
}

/// A chunk that was decoded and waits for the rest of its batch.
struct Held {
    chunk: Chunk,
    decoded: Result<decode::Decoded, CapReached>,
    full_count: usize,
}

/// The state of the loop.
pub(super) struct Run {
    names: Vec<String>,
    /// What each input gave.
    inputs: Vec<InputSummary>,
    pub(super) setup: DecodeSetup,
    workers: Workers,
    tickets: Tickets,
    pub(super) schema: Schema,
    admission: Arc<Admission>,
    groups: Groups,
    pub(super) outputs: Outputs,
    /// Decoded chunks that wait for an earlier one.
    early: BTreeMap<u64, Decoded>,
    /// Sequence of the chunk that comes next.
    next: u64,
    /// Chunks read.
    read: u64,
    /// Records looked at.
    pub(super) records: u64,
    rejects: RejectLog,
    /// Chunks of a batch that goes whole or not at all.
    held: Vec<Held>,
    goes_by_batch: bool,
    batches: Batches,
    pub(super) notes: BTreeMap<(Note, String), u64>,
    /// A bit for each path option that meant a path.
    pub(super) used: u128,
    /// Values that are not selected.
    left_out: u64,
    /// Hashes of the ids of main rows, while there are not too many.
    ids: HashSet<u64>,
    pub(super) duplicate_ids: u64,
    encoding: Encoding,
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

    fn take(&mut self, report: Report) -> Result<(), Error> {
        match report {
            Report::Compressed { input_index, damage_bytes } => {
                self.compressed.insert(input_index, damage_bytes);
            }
            Report::Read(chunk) => {
                self.read += 1;
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
            Report::ReadFailed { error, input_index } => {
                // Bad records before that place come first, so that the message does not depend on
                // which thread was faster. But where the data is damaged, so may be its records.
                let drained = self.drain_decoded();
                let is_damage = error.kind() == ErrorKind::Compression
                    && self.rejects.ended_at.is_some_and(|(input, _)| input == input_index);
                self.compressed.clear();
                return Err(drained.err().filter(|_| !is_damage).unwrap_or(error));
            }
            Report::Decoded(decoded) => {
                self.early.insert(decoded.chunk.sequence, decoded);
                self.absorb()?;
            }
            Report::Encoded { table, group, place, encoded } => {
                let done = self.outputs.encoded(table, group, place, encoded?)?;
                self.encoding.groups -= done.groups;
                self.encoding.bytes -= done.bytes;
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
        while self.encoding.waiting.is_empty()
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
        self.batches.count += 1;
        self.batches.elapsed += elapsed;
        self.next += 1;
        if !self.goes_by_batch {
            return self.absorb_batch(vec![Held { chunk, decoded, full_count }]);
        }
        let batch_of = |chunk: &Chunk| (chunk.input_index, chunk.batch);
        let goes_on = |held: &Held| batch_of(&held.chunk) == batch_of(&chunk);
        let ended = match self.held.last().is_none_or(goes_on) {
            true => Vec::new(),
            false => std::mem::take(&mut self.held),
        };
        // The reader goes on meanwhile: a batch may be more chunks than there are tickets.
        self.tickets.give_back_for(&chunk);
        self.held.push(Held { chunk, decoded, full_count });
        self.absorb_batch(ended)
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
        self.batches.failed += 1;
        Ok(())
    }

    fn absorb_held(&mut self, held: Held) -> Result<(), Error> {
        let Held { chunk, decoded, full_count } = held;
        let is_stale = full_count != self.admission.full_count();
        let done = match decoded {
            Ok(done) if !is_stale && !self.schema.would_overflow(&done.flattened.tables) => done,
            Ok(_) | Err(CapReached) => {
                let (done, admission) = self.decode_in_order(&chunk)?;
                if admission.full_count() != self.admission.full_count() {
                    // From here on workers know what is full.
                    self.admission = Arc::new(admission);
                }
                done
            }
        };
        self.reject(&chunk, &done.faults)?;
        let flattened = done.flattened;
        self.used |= flattened.used;
        self.left_out += flattened.left_out;
        self.note_ids(&flattened.tables);
        let notes: BTreeMap<_, _> = flattened.notes.into_iter().collect();
        for ((note, path), count) in notes {
            self.note(note, path, count);
        }
        let tables_before = self.schema.tables().len();
        let kind = if chunk.rows.is_some() { Records::Rows } else { Records::Objects };
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
        self.count_records(&chunk)?;
        if !self.goes_by_batch {
            self.tickets.give_back(chunk);
        }
        // CSV without rows has but columns.
        let full = if records > 0 { self.groups.add(batches, records) } else { Vec::new() };
        for full in full {
            self.encoding.waiting.push_back((full, Place::Inner));
        }
        self.encode_waiting()
    }

    /// Lets records at fault go to the reject file, or ends the run.
    fn reject(&mut self, chunk: &Chunk, faults: &Faults) -> Result<(), Error> {
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
    fn count_records(&mut self, chunk: &Chunk) -> Result<(), Error> {
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

    /// Decodes a chunk again, path by path, because a cap may be crossed in it; returns as well
    /// what is admitted behind it.
    fn decode_in_order(&self, chunk: &Chunk) -> Result<(decode::Decoded, Admission), Error> {
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
                Ok(Report::Read(chunk))
                    if chunk.input_index == input && chunk.first_byte < last =>
                {
                    self.tickets.give_back(chunk);
                }
                Ok(Report::Decoded(decoded)) => self.tickets.give_back(decoded.chunk),
                Ok(Report::ReadFailed { error: damage, input_index }) => {
                    let is_damage = damage.kind() == ErrorKind::Compression && input_index == input;
                    return if is_damage { damage } else { error };
                }
                Ok(Report::Encoded { .. }) | Err(RecvTimeoutError::Timeout) => {}
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

    /// Has row groups encoded that are full, as far as there is room. No chunk is taken before
    /// they are, so the schema is still the one under which they filled.
    fn encode_waiting(&mut self) -> Result<(), Error> {
        while let Some((full, place)) = self.encoding.next() {
            let (layout, _) = self.schema.layout(full.table);
            let bytes = full.bytes;
            if self.outputs.plan(full, &layout, place, &self.workers)? {
                self.encoding.groups += 1;
                self.encoding.bytes += bytes;
            }
        }
        Ok(())
    }

    /// Says what was done so far.
    fn sum_up(&self, summary: &mut Summary) {
        summary.rejects = self.rejects.rejects();
        // The last chunk may have ended the run on its way.
        summary.records = self.records.max(self.rejects.seen()) - summary.rejects.count;
        summary.values_left_out = self.left_out;
        summary.inputs.clone_from(&self.inputs);
        summary.dialects.clone_from(&self.dialects);
        summary.batches = self.batches;
    }

    fn finish(
        mut self,
        notes: Vec<Warning>,
        summary: &mut Summary,
        cancel: &Cancel,
    ) -> Result<(), Error> {
        let held = std::mem::take(&mut self.held);
        let absorbed = self.absorb_batch(held);
        self.sum_up(summary);
        absorbed?;
        let rejects = self.rejects.finish(self.records)?;
        for full in self.groups.finish() {
            self.encoding.waiting.push_back((full, Place::Last));
        }
        self.encode_waiting()?;
        while self.encoding.groups > 0 {
            cancel.check()?;
            match self.workers.reports.recv_timeout(CANCEL_POLL) {
                Ok(report) => self.take(report)?,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Error::new(ErrorKind::Internal, "all workers are gone"));
                }
            }
        }
        let mut renamed = Vec::new();
        let mut layouts = Vec::new();
        for table in 0..self.schema.tables().len() {
            let (layout, names) = self.schema.layout(table);
            renamed.extend(names);
            layouts.push(layout);
        }
        let mut warnings = self.warnings(&layouts, renamed);
        warnings.extend(notes);
        if self.setup.flatten.terms.is_some() {
            let changes = self.schema.changes(&layouts).into_iter();
            let kind = WarningKind::SchemaEvolved;
            warnings.extend(changes.map(|(path, detail)| Warning { kind, path, count: 1, detail }));
        }
        warnings.sort();
        summary.warnings = warnings;
        cancel.check()?;
        let rows: Vec<u64> = self.schema.tables().iter().map(|table| table.rows).collect();
        summary.schema = Contract::of(&self.schema, &layouts);
        self.outputs.finish(&layouts, &rows, rejects, summary, cancel)
    }
}

fn schema_options(conversion: &Conversion, name: String) -> SchemaOptions {
    SchemaOptions {
        name,
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
        Input::Reader { name, .. } => name.clone(),
    }
}

/// Looks all inputs up, so that a missing one stops the run before anything is written; returns the
/// files that are read.
fn input_files(conversion: &Conversion) -> Result<Vec<InputFile>, Error> {
    for input in &conversion.inputs {
        let Input::File(path) = input else { continue };
        fs::metadata(path).map_err(|cause| Error::io("opening it", path, cause))?;
    }
    Ok(readable_files(conversion))
}

/// Returns the files that are read, as far as they are there.
pub(super) fn readable_files(conversion: &Conversion) -> Vec<InputFile> {
    // What standard input was redirected from.
    let stdin = Path::new("/dev/stdin");
    let inputs = conversion.inputs.iter().filter_map(|input| match input {
        Input::File(path) => Some(path.as_path()),
        Input::Stdin => Some(stdin),
        Input::Reader { .. } => None,
    });
    let files = inputs.chain(conversion.protected.iter().map(PathBuf::as_path));
    files.filter_map(|path| InputFile::of(path, &fs::metadata(path).ok()?)).collect()
}
