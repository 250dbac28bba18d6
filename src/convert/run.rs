//! The loop: chunks in, row groups out, in order.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::fs;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crossbeam_channel::RecvTimeoutError;
use xxhash_rust::xxh3::xxh3_64;

use super::budget::Budget;
use super::groups::{FullGroup, GroupLimits, Groups};
use super::outputs::Outputs;
use super::workers::{DecodeJob, DecodeSetup, Decoded, Report, Tickets, Workers};
use super::{Conversion, CsvInput, DateMode, NumberMode, reader};
use crate::decode::ChunkHalt;
use crate::encode::{Place, json};
use crate::error::{Error, ErrorKind, Fault, FaultCode};
use crate::flatten::admission::Admission;
use crate::flatten::path::{Paths, ROOT};
use crate::flatten::{Flattened, Flattener, Note};
use crate::frame::{Chunk, RowHead, position};
use crate::report::{DialectSummary, Summary, Warning, WarningKind};
use crate::schema::contract::Contract;
use crate::schema::widen::{ColumnType, Widening};
use crate::schema::{Layout, Records, Renamed, Schema, SchemaOptions};
use crate::sink::InputFile;
use crate::source::Input;
use crate::source::list::source_text;
use crate::table::TableBatch;

/// Chunks in flight beyond one for each worker.
const CHUNKS_AHEAD: usize = 2;

/// How often the loop looks whether it was asked to stop.
pub(super) const CANCEL_POLL: Duration = Duration::from_millis(50);

pub(super) fn run(mut conversion: Conversion) -> Result<Summary, Error> {
    let names: Vec<String> = conversion.inputs.iter().map(input_name).collect();
    let inputs = input_files(&conversion.inputs)?;
    let root_name = conversion.root_name();
    let schema_options = schema_options(&conversion, root_name.clone());
    let threads = conversion.threads.or_else(|| thread::available_parallelism().ok());
    let threads = threads.map_or(1, std::num::NonZero::get);
    let paths = Arc::new(Paths::default());
    let caps = match conversion.closed_contract() {
        // It was checked, and nothing comes on top.
        Some(_) => (usize::MAX, usize::MAX),
        None => (conversion.flatten.max_columns, conversion.flatten.max_tables),
    };
    let mut schema = Schema::new(schema_options, Arc::clone(&paths), caps);
    if let Some(contract) = &conversion.contract {
        schema.agree(contract, conversion.schema_mode, &conversion.flatten.maps)?;
    }
    let mut outputs = Outputs::open(&mut conversion, &root_name, inputs)?;
    for (table, known) in schema.tables().iter().enumerate().skip(1) {
        outputs.create(table, &known.name)?;
    }
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
    let tickets = Tickets::new(threads + CHUNKS_AHEAD);
    let budget = Budget::of(&conversion, threads + CHUNKS_AHEAD);
    let admission = Arc::new(schema.admission().clone());
    let limits = GroupLimits {
        rows: conversion.row_group_rows,
        bytes: budget.row_group,
        pending_bytes: budget.pending,
    };
    let cancel = conversion.cancel.clone();
    let csv_flags = conversion.csv_input != CsvInput::default();
    reader::spawn(conversion, &budget, tickets.take.clone(), workers.to_reports.clone())?;
    let mut run = Run {
        names,
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
        fault_at: None,
    };
    let mut end = None;
    while end.is_none() || run.next < run.read {
        cancel.check()?;
        match run.workers.reports.recv_timeout(CANCEL_POLL) {
            Ok(Report::End { bytes, notes, left_out }) => end = Some((bytes, notes, left_out)),
            Ok(report) => {
                if let Err(error) = run.take(report) {
                    return Err(if end.is_none() {
                        run.damage_behind(error, &cancel)
                    } else {
                        error
                    });
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                return Err(Error::new(ErrorKind::Internal, "all workers are gone"));
            }
        }
    }
    let (bytes, notes, left_out) = end.unwrap_or_default();
    let mut summary = run.finish(bytes, notes, &cancel)?;
    summary.records_left_out = left_out;
    Ok(summary)
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

/// The state of the loop.
struct Run {
    names: Vec<String>,
    setup: DecodeSetup,
    workers: Workers,
    tickets: Tickets,
    schema: Schema,
    admission: Arc<Admission>,
    groups: Groups,
    outputs: Outputs,
    /// Decoded chunks that wait for an earlier one.
    early: BTreeMap<u64, Decoded>,
    /// Sequence of the chunk that comes next.
    next: u64,
    /// Chunks read.
    read: u64,
    records: u64,
    notes: BTreeMap<(Note, String), u64>,
    /// A bit for each path option that meant a path.
    used: u128,
    /// Values that are not selected.
    left_out: u64,
    /// Hashes of the ids of main rows, while there are not too many.
    ids: HashSet<u64>,
    duplicate_ids: u64,
    encoding: Encoding,
    /// How inputs of CSV were read.
    dialects: Vec<DialectSummary>,
    /// What users said of CSV, where they did.
    csv_flags: bool,
    /// Inputs that are unpacked, and how far behind a record at fault to look for damage.
    compressed: BTreeMap<usize, u64>,
    /// The input of the record at fault, and which byte of it, unpacked.
    fault_at: Option<(usize, u64)>,
}

impl Run {
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
            Report::End { .. } => {}
            Report::Unused => self.tickets.give_back(None),
            Report::Comments { input, count } => {
                let known = self.dialects.last_mut().filter(|known| known.input_index == input);
                known.into_iter().for_each(|known| known.comments = count);
            }
            Report::ReadFailed { error, input_index } => {
                // Bad records before that place come first, so that the message does not depend on
                // which thread was faster. But where the data is damaged, so may be its records.
                let drained = self.drain_decoded();
                let is_damage = error.kind() == ErrorKind::Compression
                    && self.fault_at.is_some_and(|(input, _)| input == input_index);
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
            && let Some(decoded) = self.early.remove(&self.next)
        {
            self.absorb_chunk(decoded)?;
        }
        Ok(())
    }

    fn absorb_chunk(&mut self, decoded: Decoded) -> Result<(), Error> {
        let Decoded { chunk, decoded, full_count } = decoded;
        let is_stale = full_count != self.admission.full_count();
        let flattened = match decoded {
            Err(ChunkHalt::Fault(record, fault)) => {
                return Err(self.bad_record(&chunk, record, fault));
            }
            Ok(flattened) if !is_stale && !self.schema.would_overflow(&flattened.tables) => {
                flattened
            }
            Ok(_) | Err(ChunkHalt::CapReached) => self.decode_in_order(&chunk)?,
        };
        self.used |= flattened.used;
        self.left_out += flattened.left_out;
        self.note_ids(&flattened.tables);
        let notes: BTreeMap<_, _> = flattened.notes.into_iter().collect();
        for ((note, path), count) in notes {
            self.note(note, path, count);
        }
        let tables_before = self.schema.tables().len();
        let kind = if chunk.rows.is_some() { Records::Rows } else { Records::Objects };
        let batches = self.schema.fit(flattened.tables, chunk.first_record, kind);
        for table in tables_before..self.schema.tables().len() {
            self.outputs.create(table, &self.schema.tables()[table].name)?;
        }
        let records = chunk.records.len();
        self.records += records as u64;
        self.next += 1;
        self.tickets.give_back(Some(chunk));
        // CSV without rows has but columns.
        let full = if records > 0 { self.groups.add(batches, records) } else { Vec::new() };
        for full in full {
            self.encoding.waiting.push_back((full, Place::Inner));
        }
        self.encode_waiting()
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

    /// Decodes a chunk again, path by path, because a cap may be crossed in it.
    fn decode_in_order(&mut self, chunk: &Chunk) -> Result<Flattened, Error> {
        let admission = self.schema.admission().to_live();
        let (options, paths) = (Arc::clone(&self.setup.flatten), Arc::clone(&self.setup.paths));
        let mut flattener = Flattener::new(options, paths, admission);
        let decoded = self.setup.decode(chunk, &mut flattener);
        let admission = flattener.into_admission();
        if admission.full_count() != self.admission.full_count() {
            // From here on workers know what is full.
            self.admission = Arc::new(admission);
        }
        match decoded {
            Ok(flattened) => Ok(flattened),
            Err(ChunkHalt::Fault(record, fault)) => Err(self.bad_record(chunk, record, fault)),
            Err(ChunkHalt::CapReached) => {
                Err(Error::new(ErrorKind::Internal, "a cap was reached twice"))
            }
        }
    }

    /// Reads on from a record at fault in compressed data, to see whether the data is damaged.
    fn damage_behind(&mut self, error: Error, cancel: &super::Cancel) -> Error {
        let Some((input, byte)) = self.fault_at else { return error };
        let Some(most) = self.compressed.get(&input) else { return error };
        let last = byte.saturating_add(*most);
        let early = std::mem::take(&mut self.early);
        early.into_values().for_each(|decoded| self.tickets.give_back(Some(decoded.chunk)));
        while cancel.check().is_ok() {
            match self.workers.reports.recv_timeout(CANCEL_POLL) {
                Ok(Report::Read(chunk))
                    if chunk.input_index == input && chunk.first_byte < last =>
                {
                    self.tickets.give_back(Some(chunk));
                }
                Ok(Report::Decoded(decoded)) => self.tickets.give_back(Some(decoded.chunk)),
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

    fn bad_record(&mut self, chunk: &Chunk, record: usize, fault: Fault) -> Error {
        let start = chunk.records[record].start as usize;
        self.fault_at = Some((chunk.input_index, chunk.first_byte + start as u64));
        let place = position(chunk, start + fault.byte);
        let name = self.names.get(chunk.input_index).map_or("<input>", String::as_str);
        let at = if fault.path.is_empty() {
            String::new()
        } else {
            format!(" at `{}`", crate::sink::names::printable(&fault.path))
        };
        let message = format!(
            "{name}:{}:{}: {}{at} ({}, record {}, byte {})",
            place.line,
            place.column,
            crate::sink::names::printable(&fault.message),
            fault.code,
            chunk.first_record + record as u64 + 1,
            place.byte,
        );
        Error::new(ErrorKind::Record(fault.code), message).with_hint(match fault.code {
            FaultCode::EncodingInvalid if chunk.origin.is_none() => {
                "nothing was written; if the input is in another character set, say so, as in \
                 `--encoding latin1`"
            }
            FaultCode::CsvFieldCount => {
                "nothing was written; `--ragged pad` fills rows with null and keeps what is too \
                 much; `--delimiter`, `--quote` and `--skip-rows` say how cells are told apart"
            }
            FaultCode::CsvQuote => {
                "nothing was written; mend the row, or say what quotes mean with `--quote` and \
                 `--escape`"
            }
            FaultCode::SchemaViolation => {
                "nothing was written; mend the record or the schema; `--schema-mode discard` leaves \
                 out what has no place, `evolve` makes room for it"
            }
            _ => "nothing was written; mend the record or take it out, then run again",
        })
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

    fn finish(
        mut self,
        bytes_in: u64,
        notes: Vec<Warning>,
        cancel: &super::Cancel,
    ) -> Result<Summary, Error> {
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
        cancel.check()?;
        let rows: Vec<u64> = self.schema.tables().iter().map(|table| table.rows).collect();
        let tables = self.outputs.finish(&layouts, &rows, cancel)?;
        Ok(Summary {
            schema: Contract::of(&self.schema, &layouts),
            records: self.records,
            records_left_out: 0,
            values_left_out: self.left_out,
            bytes_in,
            tables,
            warnings,
            dialects: self.dialects,
        })
    }

    fn warnings(&self, layouts: &[Layout], renamed: Vec<Renamed>) -> Vec<Warning> {
        let mut warnings = Vec::new();
        for name in &self.schema.renamed_tables {
            let detail = format!("`{}`, as `{}` was taken", name.name, name.wanted);
            let path = name.path.clone();
            warnings.push(Warning { kind: WarningKind::TableRenamed, path, count: 1, detail });
        }
        for name in renamed {
            let detail =
                format!("`{}` of `{}`, as `{}` was taken", name.name, name.table, name.wanted);
            let path = name.path;
            warnings.push(Warning { kind: WarningKind::ColumnRenamed, path, count: 1, detail });
        }
        for input in &self.dialects {
            for (wanted, name) in &input.renamed {
                let detail = format!("`{name}`, as `{wanted}` stood before it in `{}`", input.name);
                let (kind, path) = (WarningKind::ColumnRenamed, format!("/{wanted}"));
                warnings.push(Warning { kind, path, count: 1, detail });
            }
        }
        if self.csv_flags && self.dialects.is_empty() {
            let (kind, path) = (WarningKind::PatternUnused, String::new());
            let detail = "what flags say of CSV".to_owned();
            warnings.push(Warning { kind, path, count: 1, detail });
        }
        if self.outputs.drops_digits {
            for (table, layout) in self.schema.tables().iter().zip(layouts) {
                for column in &layout.columns {
                    let count = table.columns[column.index].long_floats;
                    if count > 0 && holds_doubles(&column.column_type) {
                        let path = column.path.clone().unwrap_or_default();
                        let (kind, detail) = (WarningKind::DigitsDropped, String::new());
                        warnings.push(Warning { kind, path, count, detail });
                    }
                }
            }
        }
        for (place, option) in self.setup.flatten.path_options().into_iter().enumerate() {
            if self.records > 0 && place < u128::BITS as usize && self.used >> place & 1 == 0 {
                let (kind, path) = (WarningKind::PatternUnused, String::new());
                warnings.push(Warning { kind, path, count: 1, detail: option });
            }
        }
        if self.duplicate_ids > 0 {
            let (kind, path, detail) = (WarningKind::DuplicateId, String::new(), String::new());
            warnings.push(Warning { kind, path, count: self.duplicate_ids, detail });
        }
        for ((note, path), &count) in &self.notes {
            let kind = match note {
                Note::EmptyObject => WarningKind::EmptyObject,
                Note::EmptyArray if is_list_column(layouts, path) => continue,
                Note::EmptyArray => WarningKind::EmptyArray,
                Note::SkippedArray => WarningKind::ArraySkipped,
                Note::DepthOverflow => WarningKind::DepthOverflow,
                Note::ColumnOverflow => WarningKind::ColumnOverflow,
                Note::TableOverflow => WarningKind::TableOverflow,
                Note::DuplicateKey => WarningKind::DuplicateKey,
                Note::RaggedRow => WarningKind::RowRagged,
                Note::BrokenJson => WarningKind::JsonBroken,
                Note::Discarded | Note::DiscardedElement => WarningKind::SchemaDiscarded,
            };
            warnings.push(Warning { kind, path: path.clone(), count, detail: String::new() });
        }
        warnings
    }
}

fn holds_doubles(column_type: &ColumnType) -> bool {
    match column_type {
        ColumnType::Double => true,
        ColumnType::List(element) => holds_doubles(element),
        _ => false,
    }
}

/// Returns whether empty arrays at `path` stand in a list column.
fn is_list_column(layouts: &[Layout], path: &str) -> bool {
    layouts.iter().flat_map(|layout| &layout.columns).any(|column| {
        matches!(column.column_type, ColumnType::List(_)) && column.path.as_deref() == Some(path)
    })
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

/// Looks all inputs up, so that a missing one stops the run before anything is written.
fn input_files(inputs: &[Input]) -> Result<Vec<InputFile>, Error> {
    let mut files = Vec::new();
    for input in inputs {
        let Input::File(path) = input else { continue };
        let metadata = fs::metadata(path).map_err(|cause| Error::io("opening it", path, cause))?;
        files.extend(InputFile::of(path, &metadata));
    }
    Ok(files)
}
