//! The loop: chunks in, row groups out, in order.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use xxhash_rust::xxh3::xxh3_64;

use super::groups::{FullGroup, GroupLimits, Groups};
use super::workers::{DecodeJob, DecodeSetup, Decoded, EncodeJob, Report, Tickets, Workers};
use super::{Conversion, DateMode, NumberMode};
use crate::decode::{self, ChunkHalt};
use crate::encode::json::JsonOptions;
use crate::encode::parquet::ParquetWriter;
use crate::encode::{Encoded, Place, TableWriter, csv, ipc, json};
use crate::error::{Error, ErrorKind, Fault};
use crate::flatten::admission::Admission;
use crate::flatten::path::{Paths, ROOT};
use crate::flatten::{Flattened, Flattener, Note};
use crate::format::{InputFormat, OutputFormat};
use crate::frame::{Chunk, FrameOptions, Framer, RecordPointer, Start, position};
use crate::report::{Summary, TableSummary, Warning, WarningKind};
use crate::schema::widen::{ColumnType, Widening};
use crate::schema::{Layout, Renamed, Schema, SchemaOptions};
use crate::sink::{Destination, InputFile, Published, Sink, SinkOptions, Staged};
use crate::source::{Input, Source};
use crate::table::TableBatch;

/// Chunks in flight beyond one for each worker.
const CHUNKS_AHEAD: usize = 2;

/// How often the loop looks whether it was asked to stop.
const CANCEL_POLL: Duration = Duration::from_millis(50);

pub(super) fn run(mut conversion: Conversion) -> Result<Summary, Error> {
    let names: Vec<String> = conversion.inputs.iter().map(input_name).collect();
    let inputs = input_files(&conversion.inputs)?;
    let root_name = conversion.root_name();
    let schema_options = schema_options(&conversion, root_name.clone());
    let outputs = Outputs::open(&mut conversion, &root_name, inputs)?;
    let threads = conversion.threads.or_else(|| thread::available_parallelism().ok());
    let threads = threads.map_or(1, std::num::NonZero::get);
    let paths = Arc::new(Paths::default());
    let caps = (conversion.flatten.max_columns, conversion.flatten.max_tables);
    let schema = Schema::new(schema_options, Arc::clone(&paths), caps);
    let setup = DecodeSetup {
        flatten: Arc::new(conversion.flatten.clone()),
        decode: conversion.decode_options(),
        paths,
    };
    let workers = Workers::start(threads, &setup)?;
    let tickets = Tickets::new(threads + CHUNKS_AHEAD);
    let admission = Arc::new(schema.admission().clone());
    let limits = GroupLimits {
        rows: conversion.row_group_rows,
        bytes: conversion.row_group_bytes,
        pending_bytes: conversion.pending_bytes,
    };
    let cancel = conversion.cancel.clone();
    spawn_reader(conversion, tickets.take.clone(), workers.to_reports.clone())?;
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
        ids: HashSet::new(),
        duplicate_ids: 0,
        encoding: 0,
        encoding_max: threads * ENCODING_TASKS,
    };
    let mut end = None;
    while end.is_none() || run.next < run.read {
        cancel.check()?;
        match run.workers.reports.recv_timeout(CANCEL_POLL) {
            Ok(Report::End { bytes }) => end = Some(bytes),
            Ok(report) => run.take(report)?,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                return Err(Error::new(ErrorKind::Internal, "all workers are gone"));
            }
        }
    }
    run.finish(end.unwrap_or(0), &cancel)
}

/// Paths at which something is counted by itself.
const NOTE_PATHS_MAX: usize = 10_000;

/// Stands for all further paths.
const ELSEWHERE: &str = "(other paths)";

/// Ids of main rows that are compared with later ones.
const IDS_REMEMBERED: usize = 1 << 20;

/// Row groups being encoded, a worker: more than one, so that a long column does not leave the
/// others idle.
const ENCODING_TASKS: usize = 1;

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
    /// Hashes of the ids of main rows, while there are not too many.
    ids: HashSet<u64>,
    duplicate_ids: u64,
    /// Row groups being encoded.
    encoding: usize,
    encoding_max: usize,
}

impl Run {
    fn take(&mut self, report: Report) -> Result<(), Error> {
        match report {
            Report::Read(chunk) => {
                self.read += 1;
                let admission = Arc::clone(&self.admission);
                self.workers.decode(DecodeJob { chunk, admission });
            }
            Report::End { .. } => {}
            Report::Unused => self.tickets.give_back(),
            Report::ReadFailed(error) => {
                // Bad records before that place come first, so that the message does not depend on
                // which thread was faster.
                self.drain_decoded()?;
                return Err(error);
            }
            Report::Decoded(decoded) => {
                self.early.insert(decoded.chunk.sequence, decoded);
                self.absorb()?;
            }
            Report::Encoded { table, group, place, encoded } => {
                self.encoding -= self.outputs.encoded(table, group, place, encoded?)?;
                self.absorb()?;
            }
            Report::Panicked(text) => {
                let message = format!("a bug in this program: {text}");
                return Err(Error::new(ErrorKind::Internal, message));
            }
        }
        Ok(())
    }

    /// Takes decoded chunks in their order, while there is room to encode.
    fn absorb(&mut self) -> Result<(), Error> {
        while self.encoding < self.encoding_max
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
        self.note_ids(&flattened.tables);
        let notes: BTreeMap<_, _> = flattened.notes.into_iter().collect();
        for ((note, path), count) in notes {
            self.note(note, path, count);
        }
        let tables_before = self.schema.tables().len();
        let batches = self.schema.fit(flattened.tables, chunk.first_record);
        for table in tables_before..self.schema.tables().len() {
            self.outputs.create(table, &self.schema.tables()[table].name)?;
        }
        let records = chunk.records.len();
        self.records = chunk.first_record + records as u64;
        self.next += 1;
        self.tickets.give_back();
        drop(chunk);
        for full in self.groups.add(batches, records) {
            self.encode(full, Place::Inner)?;
        }
        Ok(())
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
        let decoded = decode::chunk(chunk, &mut flattener, &self.setup.decode);
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

    fn bad_record(&self, chunk: &Chunk, record: usize, fault: Fault) -> Error {
        let start = chunk.records[record].start as usize;
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
        Error::new(ErrorKind::Record(fault.code), message)
            .with_hint("nothing was written; mend the record or take it out, then run again")
    }

    /// Waits for the chunks read so far, to report their faults.
    fn drain_decoded(&mut self) -> Result<(), Error> {
        while self.next < self.read {
            match self.workers.reports.recv() {
                Ok(Report::ReadFailed(_)) | Err(_) => return Ok(()),
                Ok(report) => self.take(report)?,
            }
        }
        Ok(())
    }

    fn encode(&mut self, full: FullGroup, place: Place) -> Result<(), Error> {
        let (layout, _) = self.schema.layout(full.table);
        let started = self.outputs.plan(full, &layout, place, &self.workers)?;
        self.encoding += started;
        Ok(())
    }

    fn finish(mut self, bytes_in: u64, cancel: &super::Cancel) -> Result<Summary, Error> {
        for full in self.groups.finish() {
            self.encode(full, Place::Last)?;
        }
        while self.encoding > 0 {
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
        let warnings = self.warnings(&layouts, renamed);
        cancel.check()?;
        let rows: Vec<u64> = self.schema.tables().iter().map(|table| table.rows).collect();
        let tables = self.outputs.finish(&layouts, &rows, cancel)?;
        Ok(Summary { records: self.records, bytes_in, tables, warnings })
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
            };
            warnings.push(Warning { kind, path: path.clone(), count, detail: String::new() });
        }
        warnings.sort();
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

/// Reads all inputs, one after the other, on a thread of its own.
fn spawn_reader(
    conversion: Conversion,
    tickets: Receiver<()>,
    reports: Sender<Report>,
) -> Result<(), Error> {
    let plan = ReadPlan {
        from: conversion.from,
        records_at: conversion.records_at,
        chunk_bytes: conversion.chunk_bytes,
        record_bytes_max: conversion.record_bytes_max,
    };
    let inputs = conversion.inputs;
    let read = move || {
        let end = match read_all(inputs, &plan, &tickets, &reports) {
            Ok(Some(bytes)) => Report::End { bytes },
            Ok(None) => return,
            Err(error) => Report::ReadFailed(error),
        };
        let _ = reports.send(end);
    };
    thread::Builder::new().name("transmog-reader".to_owned()).spawn(read).map_err(|cause| {
        let message = format!("starting a thread failed: {cause}");
        Error::new(ErrorKind::Io, message).with_source(cause)
    })?;
    Ok(())
}

struct ReadPlan {
    from: InputFormat,
    records_at: Option<RecordPointer>,
    chunk_bytes: usize,
    record_bytes_max: usize,
}

/// Returns the bytes read, or nothing if the run no longer wants them.
fn read_all(
    inputs: Vec<Input>,
    plan: &ReadPlan,
    tickets: &Receiver<()>,
    reports: &Sender<Report>,
) -> Result<Option<u64>, Error> {
    let mut start = Start::default();
    let mut bytes = 0;
    for input in inputs {
        let mut source = Source::open(input)?;
        let framing = source.framing(plan.from)?;
        let options = FrameOptions {
            framing,
            name: source.name,
            chunk_bytes: plan.chunk_bytes,
            record_bytes_max: plan.record_bytes_max,
            records_at: plan.records_at.clone(),
        };
        let mut framer = Framer::new(source.reader, options, start);
        let mut end = 0;
        loop {
            if tickets.recv().is_err() {
                return Ok(None);
            }
            let Some(chunk) = framer.next()? else { break };
            end = chunk.first_byte + chunk.bytes.len() as u64;
            if reports.send(Report::Read(chunk)).is_err() {
                return Ok(None);
            }
        }
        // The ticket of the chunk that did not come goes to the next input.
        let _ = reports.send(Report::Unused);
        bytes += end;
        start = framer.end();
    }
    Ok(Some(bytes))
}

/// Commits; while a stream's reader makes us wait, the run can still be stopped.
fn publish(
    sink: Sink,
    staged: Vec<Staged>,
    cancel: &super::Cancel,
) -> Result<Vec<Published>, Error> {
    if !sink.is_stream() {
        return sink.commit(staged);
    }
    let leftovers: Vec<_> = staged.iter().map(|staged| staged.path().to_path_buf()).collect();
    let (done, wait) = bounded(1);
    let send = move || {
        let _ = done.send(sink.commit(staged));
    };
    thread::Builder::new().name("transmog-sender".to_owned()).spawn(send).map_err(|cause| {
        let message = format!("starting a thread failed: {cause}");
        Error::new(ErrorKind::Io, message).with_source(cause)
    })?;
    loop {
        match wait.recv_timeout(CANCEL_POLL) {
            Ok(published) => return published,
            Err(RecvTimeoutError::Timeout) => cancel.check().map_err(|error| {
                // The sender may be blocked for good and never remove them.
                for path in &leftovers {
                    let _ = fs::remove_file(path);
                }
                Error::new(error.kind(), "interrupted while the output was being sent")
            })?,
            Err(RecvTimeoutError::Disconnected) => {
                return Err(Error::new(ErrorKind::Internal, "sending the tables panicked"));
            }
        }
    }
}

/// The files of a run and the writers that fill them.
struct Outputs {
    sink: Sink,
    to: OutputFormat,
    codec: super::Codec,
    csv: csv::CsvOptions,
    json: JsonOptions,
    table: Option<String>,
    /// The format cannot hold more digits than a double has.
    drops_digits: bool,
    tables: Vec<Output>,
}

struct Output {
    name: String,
    /// Nothing for a table that the user did not choose.
    writer: Option<Box<dyn TableWriter>>,
    groups: BTreeMap<usize, Gathering>,
    planned: usize,
    appended: usize,
}

/// The parts of a row group that have been encoded.
struct Gathering {
    parts: Vec<Option<Encoded>>,
    missing: usize,
}

impl Outputs {
    fn open(
        conversion: &mut Conversion,
        root_name: &str,
        inputs: Vec<InputFile>,
    ) -> Result<Self, Error> {
        let tagged = conversion.is_tagged();
        let nowhere = Destination::Directory(".".into());
        let destination = std::mem::replace(&mut conversion.destination, nowhere);
        let mut sink = Sink::open(SinkOptions {
            destination,
            extension: conversion.to.extension(),
            overwrite: conversion.overwrite,
            temp_dir: None,
        })?;
        sink.refuse_inputs(inputs)?;
        let mut csv = conversion.csv;
        if conversion.to == OutputFormat::Tsv {
            csv.delimiter = b'\t';
        }
        let json = JsonOptions {
            array: conversion.to == OutputFormat::Json,
            nulls: conversion.nulls,
            indent: conversion.indent,
            tagged,
        };
        let mut outputs = Outputs {
            sink,
            to: conversion.to,
            codec: conversion.codec,
            csv,
            json,
            table: conversion.table.clone(),
            drops_digits: matches!(conversion.to, OutputFormat::Parquet | OutputFormat::Arrow),
            tables: Vec::new(),
        };
        outputs.create(0, root_name)?;
        Ok(outputs)
    }

    fn create(&mut self, table: usize, name: &str) -> Result<(), Error> {
        let is_wanted = self.table.as_ref().is_none_or(|wanted| wanted == name);
        let writer = match is_wanted {
            true => {
                let staged = self.sink.create(table, name, table == 0)?;
                Some(self.open_writer(staged)?)
            }
            false => None,
        };
        self.tables.push(Output {
            name: name.to_owned(),
            writer,
            groups: BTreeMap::new(),
            planned: 0,
            appended: 0,
        });
        Ok(())
    }

    fn open_writer(&self, staged: Staged) -> Result<Box<dyn TableWriter>, Error> {
        Ok(match self.to {
            OutputFormat::Parquet => Box::new(ParquetWriter::open(staged, self.codec)?),
            OutputFormat::Csv | OutputFormat::Tsv => csv::open(staged, self.csv),
            OutputFormat::Json | OutputFormat::Jsonl => json::open(staged, self.json.clone()),
            OutputFormat::Arrow => ipc::open(staged)?,
        })
    }

    /// Hands a row group to the workers; returns how many row groups are being encoded more.
    fn plan(
        &mut self,
        full: FullGroup,
        layout: &Layout,
        place: Place,
        workers: &Workers,
    ) -> Result<usize, Error> {
        let output = &mut self.tables[full.table];
        let Some(writer) = &mut output.writer else { return Ok(0) };
        let tasks = writer.plan(full.group, layout, place)?;
        let group = output.planned;
        output.planned += 1;
        let count = tasks.len();
        let parts = std::iter::repeat_with(|| None).take(count).collect();
        output.groups.insert(group, Gathering { parts, missing: count });
        for (place, task) in tasks.into_iter().enumerate() {
            workers.encode(EncodeJob { table: full.table, group, place, task });
        }
        if count == 0 {
            let appended = self.append_ready(full.table)?;
            return Ok(1 - appended.min(1));
        }
        Ok(1)
    }

    /// Takes an encoded part; returns how many row groups were written because of it.
    fn encoded(
        &mut self,
        table: usize,
        group: usize,
        place: usize,
        encoded: Encoded,
    ) -> Result<usize, Error> {
        if let Some(gathering) = self.tables[table].groups.get_mut(&group) {
            gathering.parts[place] = Some(encoded);
            gathering.missing -= 1;
        }
        self.append_ready(table)
    }

    fn append_ready(&mut self, table: usize) -> Result<usize, Error> {
        let output = &mut self.tables[table];
        let mut count = 0;
        while output.groups.get(&output.appended).is_some_and(|next| next.missing == 0)
            && let Some(next) = output.groups.remove(&output.appended)
            && let Some(writer) = &mut output.writer
        {
            writer.append(next.parts.into_iter().flatten().collect())?;
            output.appended += 1;
            count += 1;
        }
        Ok(count)
    }

    /// Ends all files and publishes them together.
    fn finish(
        self,
        layouts: &[Layout],
        rows: &[u64],
        cancel: &super::Cancel,
    ) -> Result<Vec<TableSummary>, Error> {
        if let Some(wanted) = &self.table
            && self.tables.iter().all(|output| output.writer.is_none())
        {
            let names: Vec<_> = self.tables.iter().map(|o| format!("`{}`", o.name)).collect();
            let message = format!("no table `{wanted}` arose");
            let hint = format!("there are {}", names.join(", "));
            return Err(Error::new(ErrorKind::Usage, message).with_hint(hint));
        }
        let mut staged = Vec::new();
        for (output, layout) in self.tables.into_iter().zip(layouts) {
            cancel.check()?;
            if let Some(writer) = output.writer {
                staged.push(writer.finish(layout)?);
            }
        }
        let published = publish(self.sink, staged, cancel)?;
        let summary = published.into_iter().map(|published| {
            let layout = &layouts[published.table_index];
            TableSummary {
                name: layout.table.clone(),
                path: published.path,
                rows: rows[published.table_index],
                columns: layout.columns.len(),
                bytes: published.bytes,
            }
        });
        Ok(summary.collect())
    }
}
