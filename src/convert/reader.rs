//! The thread that reads: inputs, one after the other, into chunks.

use std::io::{self, Read};
use std::sync::Arc;
use std::time::Instant;

use arrow_schema::SchemaRef;
use crossbeam_channel::{Receiver, Sender};

use super::Conversion;
use super::budget::Budget;
use super::pacing::{Deadline, Pace, Pacer};
use super::sample::{Picked, Picker, Sample};
use super::workers::{End, Prices, Report};
use crate::decode::columns;
use crate::error::{Error, ErrorKind};
use crate::flatten::FlattenOptions;
use crate::format::InputFormat;
use crate::frame::columns::{ColumnFramer, ColumnInput, ColumnOptions, Remark};
use crate::frame::dialect::DialectOptions;
use crate::frame::{Chunk, FrameOptions, Framer, Framing, OnLost, RecordPointer, Start};
use crate::limits;
use crate::reject::{OnError, replay};
use crate::report::{Warning, WarningKind};
use crate::retry::{Retry, Retrying};
use crate::source::charset::Charset;
use crate::source::live::{Expired, Waiter};
use crate::source::meter::Meter;
#[cfg(feature = "cloud")]
use crate::source::remote::Ahead;
use crate::source::{Compression, Input, Notes, Source};
#[cfg(feature = "cloud")]
use crate::store::Stores;
use crate::threads;

/// Reads all inputs, one after the other, on a thread of its own.
pub(super) fn spawn(
    conversion: Conversion,
    budget: &Budget,
    time: Time,
    (tickets, prices): (Receiver<Option<Chunk>>, Prices),
    reports: Sender<Report>,
) -> Result<(), Error> {
    let is_awaited = conversion.wants_batches() || conversion.writes_parts();
    #[cfg(feature = "cloud")]
    let store_retry = conversion.stores.retry(conversion.cancel.clone()).reads;
    let plan = ReadPlan {
        from: conversion.from,
        charset: conversion.charset,
        dialect: conversion.csv_input.dialect,
        records_at: conversion.records_at,
        unpack_bytes: budget.unpack,
        skip: conversion.skip,
        limit: conversion.limit,
        sample: conversion.sample.map(|sample| (sample, budget.sample)),
        start_bytes: conversion.rehearsal,
        chunk_bytes: budget.chunk,
        wide_chunk_bytes: budget.wide_chunk,
        fits_chunks: conversion.chunk_bytes.is_none(),
        piece_bytes_max: budget.piece,
        flatten: conversion.flatten,
        record_bytes_max: budget.record,
        prices,
        fail_fast: conversion.fail_fast,
        #[cfg(feature = "cloud")]
        store_retry,
        #[cfg(feature = "cloud")]
        stores: conversion.stores,
        #[cfg(feature = "cloud")]
        memory_limit: conversion.memory_limit,
        is_awaited,
        time,
        on_lost: match conversion.on_error {
            OnError::Fail => OnLost::Fail,
            OnError::Skip | OnError::FailBatch | OnError::Retry => OnLost::Reject,
        },
    };
    let inputs = conversion.inputs;
    let read = move || {
        let mut start = Start::default();
        let end = match read_all(inputs, &plan, &mut start, &tickets, &reports) {
            Ok(Some(end)) => Report::End(end),
            Ok(None) => return,
            Err(error) => Report::ReadFailed { error, input_index: start.input_index },
        };
        let _ = reports.send(end);
    };
    threads::start("transmog-reader", limits::READER_STACK_BYTES, read)
}

struct ReadPlan {
    from: InputFormat,
    charset: Option<Charset>,
    dialect: DialectOptions,
    records_at: Option<RecordPointer>,
    unpack_bytes: usize,
    skip: u64,
    limit: Option<u64>,
    /// With the bytes that it may take.
    sample: Option<(Sample, usize)>,
    /// Bytes of chunks after which nothing more is read.
    start_bytes: Option<u64>,
    chunk_bytes: usize,
    wide_chunk_bytes: usize,
    /// Chunks are to suit the length of an input.
    fits_chunks: bool,
    piece_bytes_max: usize,
    flatten: FlattenOptions,
    record_bytes_max: usize,
    prices: Prices,
    on_lost: OnLost,
    fail_fast: bool,
    #[cfg(feature = "cloud")]
    stores: Stores,
    #[cfg(feature = "cloud")]
    store_retry: Retry,
    #[cfg(feature = "cloud")]
    memory_limit: usize,
    /// Somebody waits for the first rows.
    is_awaited: bool,
    time: Time,
}

/// What of a run has to do with time, and how far reading has come.
pub(super) struct Time {
    pub retry: Retry,
    pub pace: Arc<Pace>,
    pub deadline: Deadline,
    pub meter: Meter,
}

/// Records of a sample that go by one ticket, at most.
const SINGLES_MAX: usize = 64;

/// Returns what was read, or nothing if the run wants no more; `start` is that of the input at hand.
fn read_all(
    inputs: Vec<Input>,
    plan: &ReadPlan,
    start: &mut Start,
    tickets: &Receiver<Option<Chunk>>,
    reports: &Sender<Report>,
) -> Result<Option<End>, Error> {
    let mut end = End::default();
    let mut picker = Picker::new(plan.skip, plan.sample);
    let records_max = plan.limit.map(|limit| plan.skip.saturating_add(limit));
    let mut sender = ChunkSender { plan, tickets, reports, sent: 0, sent_bytes: 0 };
    let mut doors = Doors::open(&inputs, plan)?;
    for input in inputs {
        if records_max.is_some_and(|most| start.first_record >= most)
            || plan.time.pace.expired().is_some()
            || sender.is_enough()
        {
            break;
        }
        end.inputs_read += 1;
        match read_input(
            doors.enter(input),
            plan,
            start,
            records_max,
            &mut picker,
            &mut sender,
            &mut end,
        ) {
            Ok(Some(Reached)) => {}
            Ok(None) => return Ok(None),
            Err(error) if error.kind() == ErrorKind::Timeout && plan.time.deadline.publishes() => {
                let is_run = plan.time.deadline.end().is_some_and(|end| Instant::now() >= end);
                plan.time.pace.expire(if is_run { Expired::Run } else { Expired::Idle });
            }
            Err(error) if plan.fail_fast || !is_of_one_input(&error) => return Err(error),
            Err(error) => {
                let input_index = start.input_index;
                let _ = reports.send(Report::InputFailed { error, input_index });
                start.input_index += 1;
            }
        }
    }
    end.left_out = picker.left_out;
    // Chunks of a record each: a ticket is good for as many as make up a chunk.
    let mut on_ticket = 0;
    for chunk in picker.into_waiting() {
        if on_ticket == 0 && tickets.recv().is_err() {
            return Ok(None);
        }
        on_ticket += chunk.size().max(plan.chunk_bytes / SINGLES_MAX);
        on_ticket = if on_ticket < plan.chunk_bytes { on_ticket } else { 0 };
        end.left_out -= 1;
        // What was taken here and there is one batch.
        if !sender.report(Chunk { batch: u64::MAX, ends_batch: false, ..chunk }) {
            return Ok(None);
        }
    }
    Ok(Some(end))
}

/// Where inputs are opened, one after the other; URLs are fetched ahead.
struct Doors {
    #[cfg(feature = "cloud")]
    ahead: Option<Ahead>,
}

impl Doors {
    #[cfg(feature = "cloud")]
    fn open(inputs: &[Input], plan: &ReadPlan) -> Result<Self, Error> {
        let ReadPlan { stores, store_retry, memory_limit, .. } = plan;
        Ok(Doors { ahead: Ahead::start(inputs, stores, store_retry, *memory_limit)? })
    }

    #[cfg(not(feature = "cloud"))]
    fn open(_inputs: &[Input], _plan: &ReadPlan) -> Result<Self, Error> {
        Ok(Doors {})
    }

    fn enter(&mut self, input: Input) -> Result<Source, Error> {
        match (input, self) {
            #[cfg(feature = "cloud")]
            (Input::Url(_), Doors { ahead: Some(ahead) }) => ahead.open(),
            (input, _) => Source::open(input),
        }
    }
}

/// Returns whether other inputs can be read all the same.
fn is_of_one_input(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Input | ErrorKind::Compression | ErrorKind::Io)
}

/// The end of an input was reached, or what is wanted of it.
struct Reached;

/// Hands chunks to the ordered step, as tickets allow.
struct ChunkSender<'a> {
    plan: &'a ReadPlan,
    tickets: &'a Receiver<Option<Chunk>>,
    reports: &'a Sender<Report>,
    sent: u64,
    sent_bytes: u64,
}

impl ChunkSender<'_> {
    /// Sends a chunk for which there is one ticket; returns whether the run wants more.
    fn send(&mut self, chunk: Chunk) -> bool {
        let is_replay = self.plan.from == InputFormat::Rejects;
        // Records of a reject file were written in more than one way, perhaps.
        let chunks = if is_replay { replay::records(&chunk) } else { vec![chunk] };
        for (index, chunk) in chunks.into_iter().enumerate() {
            for _ in usize::from(index == 0)..self.plan.prices.of(&chunk) {
                if self.tickets.recv().is_err() {
                    return false;
                }
            }
            if !self.report(chunk) {
                return false;
            }
        }
        true
    }

    /// Returns whether the start of the inputs was read, and no more is wanted.
    fn is_enough(&self) -> bool {
        self.plan.start_bytes.is_some_and(|most| self.sent_bytes >= most)
    }

    fn report(&mut self, chunk: Chunk) -> bool {
        let chunk = Chunk { sequence: self.sent, ..chunk };
        self.sent += 1;
        self.sent_bytes += chunk.size() as u64;
        self.reports.send(Report::Read(chunk, self.plan.time.pace.take_opened())).is_ok()
    }
}

/// Reads one input; returns nothing if the run wants no more.
fn read_input(
    source: Result<Source, Error>,
    plan: &ReadPlan,
    start: &mut Start,
    records_max: Option<u64>,
    picker: &mut Picker,
    sender: &mut ChunkSender<'_>,
    end: &mut End,
) -> Result<Option<Reached>, Error> {
    let opened = open(source?, plan, *start, records_max)?;
    let Opened { mut framer, name, notes, damage_bytes, format, compression } = opened;
    let input_index = start.input_index;
    let _ = sender.reports.send(Report::Opened { input_index, format, compression });
    if let Some(damage_bytes) = damage_bytes {
        let _ = sender.reports.send(Report::Compressed { input_index, damage_bytes });
    }
    let failed = loop {
        match sender.tickets.recv() {
            Ok(Some(done)) => framer.recycle(done),
            Ok(None) => {}
            Err(_) => return Ok(None),
        }
        match next_picked(&mut framer, picker) {
            Ok(Some(chunk)) => {
                if !sender.send(chunk) {
                    return Ok(None);
                }
                if sender.is_enough() {
                    break None;
                }
            }
            Ok(None) => break None,
            Err(error) => break Some(error),
        }
    };
    // The ticket of the chunk that did not come goes to the next input.
    let _ = sender.reports.send(Report::Unused);
    if framer.comments() > 0 {
        let (input, count) = (framer.end().input_index - 1, framer.comments());
        let _ = sender.reports.send(Report::Comments { input, count });
    }
    end.bytes += framer.reached();
    end.fresh_buffers += framer.fresh_buffers();
    end.notes.extend(notes.take());
    end.notes.extend(framer.remark(&name));
    if let Some(error) = failed {
        start.first_record = framer.end().first_record;
        return Err(damage_behind(error, framer, damage_bytes));
    }
    *start = framer.end();
    Ok(Some(Reached))
}

/// Cuts an input into chunks, whatever it is written in.
enum Cutter {
    Bytes(Box<Framer<Box<dyn Read + Send>>>),
    Columns(Box<ColumnFramer>),
}

impl Cutter {
    fn next(&mut self) -> Result<Option<Chunk>, Error> {
        match self {
            Cutter::Bytes(framer) => framer.next(),
            Cutter::Columns(framer) => framer.next(),
        }
    }

    fn recycle(&mut self, chunk: Chunk) {
        if let Cutter::Bytes(framer) = self {
            framer.recycle(chunk);
        }
    }

    fn end(&self) -> Start {
        match self {
            Cutter::Bytes(framer) => framer.end(),
            Cutter::Columns(framer) => framer.end(),
        }
    }

    fn reached(&self) -> u64 {
        match self {
            Cutter::Bytes(framer) => framer.reached(),
            Cutter::Columns(framer) => framer.reached(),
        }
    }

    fn comments(&self) -> u64 {
        match self {
            Cutter::Bytes(framer) => framer.comments(),
            Cutter::Columns(_) => 0,
        }
    }

    fn fresh_buffers(&self) -> u64 {
        match self {
            Cutter::Bytes(framer) => framer.fresh_buffers(),
            Cutter::Columns(_) => 0,
        }
    }

    /// Returns what users should know of the input called `name`, once it was read.
    fn remark(&self, name: &str) -> Option<Warning> {
        let Cutter::Columns(framer) = self else { return None };
        let (kind, count, detail) = match framer.remark()? {
            Remark::Open => {
                let words = "the stream ended without saying so; it may be cut off";
                (WarningKind::StreamOpen, 1, format!("{name}: {words}"))
            }
            Remark::TimesCut(count) => (WarningKind::TimesCut, count, name.to_owned()),
        };
        Some(Warning { kind, path: String::new(), count, detail })
    }
}

/// An input, ready to be cut.
struct Opened {
    framer: Cutter,
    name: String,
    notes: Notes,
    /// How far to look for damage behind a record at fault, where the input is compressed.
    damage_bytes: Option<u64>,
    /// What it is written in.
    format: &'static str,
    compression: Option<Compression>,
}

/// Opens an input, finds out what it is, and gets ready to cut it.
fn open(
    mut source: Source,
    plan: &ReadPlan,
    start: Start,
    records_max: Option<u64>,
) -> Result<Opened, Error> {
    let Time { retry, pace, deadline, meter } = &plan.time;
    source.is_awaited = plan.is_awaited;
    source.is_taken_late = deadline.publishes();
    source.reader = Box::new(Retrying::new(meter.on(source.reader), retry.clone()));
    let patience = deadline.patience();
    let mut waiter = if source.is_live { Some(source.read_beside(&patience)?) } else { None };
    source.unpack(plan.unpack_bytes)?;
    let damage_bytes = source.compression.map(|_| match source.len {
        Some(_) => limits::DAMAGE_BYTES,
        None => limits::DAMAGE_BYTES_PIPE,
    });
    if let Some(format) = source.columns(plan.from)? {
        return open_columns(format, source, plan, start, records_max, waiter, damage_bytes);
    }
    let origin = source.decode(plan.charset)?;
    if source.is_live && (source.compression.is_some() || origin.is_some()) {
        // What unpacks or decodes may hold bytes back of which the first waiter knows nothing.
        waiter = Some(source.read_beside(&patience)?);
    }
    let framing = source.framing(plan.from, &plan.dialect)?;
    let (compression, format) = (source.compression, format_of(plan.from, &framing));
    // what is unpacked or decoded is of another length
    let input_bytes = source.len.filter(|_| compression.is_none() && origin.is_none());
    let name = source.name;
    let options = FrameOptions {
        framing,
        name: name.clone(),
        chunk_bytes: plan.chunk_bytes,
        record_bytes_max: plan.record_bytes_max,
        records_at: plan.records_at.clone(),
        origin,
        records_max,
        on_lost: plan.on_lost,
    };
    let batcher = Box::new(Pacer::new(pace, waiter, *deadline));
    let mut framer = Framer::new(source.reader, options, start, Some(batcher));
    framer.lengthen_wide_chunks(plan.wide_chunk_bytes);
    if let Some(bytes) = input_bytes.filter(|_| plan.fits_chunks) {
        framer.fit_chunks(bytes);
    }
    let framer = Cutter::Bytes(Box::new(framer));
    Ok(Opened { framer, name, notes: source.notes, damage_bytes, format, compression })
}

/// Opens an input of columns.
fn open_columns(
    format: InputFormat,
    mut source: Source,
    plan: &ReadPlan,
    start: Start,
    records_max: Option<u64>,
    mut waiter: Option<Waiter>,
    damage_bytes: Option<u64>,
) -> Result<Opened, Error> {
    let Time { pace, deadline, .. } = &plan.time;
    let flags = [
        (plan.records_at.is_some(), "--records", "JSON"),
        (plan.charset.is_some(), "--encoding", "text"),
    ];
    if let Some((_, flag, expected)) = flags.into_iter().find(|(is_given, ..)| *is_given) {
        let message = format!("{}: `{flag}`: expected {expected}, found {format}", source.name);
        return Err(Error::usage(message).with_hint(format!("leave `{flag}` out")));
    }
    let name = source.name.clone();
    let notes = source.notes.clone();
    let compression = source.compression;
    let input = match format {
        InputFormat::Parquet => {
            // A copy is a file, whatever it came from.
            waiter = None;
            ColumnInput::File(source.into_file()?)
        }
        _ => {
            if source.is_live && source.compression.is_some() {
                waiter = Some(source.read_beside(&deadline.patience())?);
            }
            ColumnInput::Stream(source.reader)
        }
    };
    let options = ColumnOptions {
        name: name.clone(),
        chunk_bytes: plan.chunk_bytes,
        record_bytes_max: plan.record_bytes_max,
        records_max,
        piece_bytes_max: plan.piece_bytes_max,
        fails_on_overlong: plan.on_lost == OnLost::Fail,
    };
    let batcher = Box::new(Pacer::new(pace, waiter, *deadline));
    let are_flat = |schema: &SchemaRef| columns::are_flat(schema, &plan.flatten);
    let framer = ColumnFramer::open(input, options, start, Some(batcher), are_flat)?;
    for (wanted, given) in framer.renamed() {
        let detail = format!("`{given}`, as `{wanted}` stood before it in `{name}`");
        let (kind, path) = (WarningKind::ColumnRenamed, format!("/{wanted}"));
        notes.add(Warning { kind, path, count: 1, detail });
    }
    let (framer, format) = (Cutter::Columns(Box::new(framer)), format.as_str());
    Ok(Opened { framer, name, notes, damage_bytes, format, compression })
}

/// Returns what an input is written in, as users type it.
fn format_of(from: InputFormat, framing: &Framing) -> &'static str {
    match (from, framing) {
        (InputFormat::Rejects, _) => InputFormat::Rejects.as_str(),
        (_, Framing::Lines) => InputFormat::Jsonl.as_str(),
        (_, Framing::Values) => InputFormat::Json.as_str(),
        (_, Framing::Rows(dialect)) if dialect.delimiter == b'\t' => InputFormat::Tsv.as_str(),
        (_, Framing::Rows(_)) => InputFormat::Csv.as_str(),
    }
}

/// Returns what is wrong with compressed data in which a record could not be found for `error`, if
/// that is soon to be seen.
fn damage_behind(error: Error, framer: Cutter, damage_bytes: Option<u64>) -> Error {
    let is_record = matches!(error.kind(), ErrorKind::Record(_));
    let Some(most) = damage_bytes.filter(|_| is_record) else { return error };
    let Cutter::Bytes(framer) = framer else { return error };
    let mut rest = framer.into_reader().take(most);
    let damage = io::copy(&mut rest, &mut io::sink()).err();
    damage.and_then(|cause| cause.downcast::<Error>().ok()).unwrap_or(error)
}

/// Reads to the next chunk of which something goes on.
fn next_picked(framer: &mut Cutter, picker: &mut Picker) -> Result<Option<Chunk>, Error> {
    while let Some(chunk) = framer.next()? {
        match picker.pick(chunk)? {
            Picked::Some(chunk) => return Ok(Some(chunk)),
            Picked::Nothing(chunk) => framer.recycle(chunk),
        }
    }
    Ok(None)
}
