//! The files of a run: row groups handed to the workers, written in order, published together.

use std::collections::BTreeMap;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use crossbeam_channel::{RecvTimeoutError, bounded};

use super::direct::{Direct, Layouts, LiveOutput, PartOutput};
use super::ending::Endings;
use super::groups::FullGroup;
use super::manifest::ManifestOutput;
use super::rejects::RejectOutputs;
use super::run::CANCEL_POLL;
use super::script::ScriptOutput;
use super::stitching::Stitcher;
use super::workers::{EncodeJob, Workers};
use super::{Cancel, Conversion};
use crate::encode::json::JsonOptions;
use crate::encode::parquet::{ParquetOptions, encoding};
use crate::encode::profile::Profiler;
use crate::encode::streaming::{Batch, StreamingWriter, TableEnd, TableWriters};
use crate::encode::{Encoded, FormatOptions, Place, Spare, TableWriter, Task};
use crate::error::{Error, ErrorKind};
use crate::format::{InputFormat, OutputFormat};
use crate::limits::{self, THREAD_STACK_BYTES};
use crate::report::profile::Depth;
use crate::report::sql::Keys;
use crate::report::{Summary, TableSummary};
use crate::retry::Retry;
use crate::schema::Layout;
use crate::sink::names::FileNames;
use crate::sink::{
    Access, Destination, Framing, InputFile, Note, Overwrite, Scratch, Side, Sink, SinkOptions,
    Staged, StagedSide, Trail,
};
use crate::store::Stores;
use crate::threads;

/// What the name of a reject file ends in.
const REJECTS_EXTENSION: &str = "rejects.jsonl";

/// The files of a run and the writers that fill them.
pub(super) struct Outputs {
    sink: Sink,
    to: OutputFormat,
    formats: FormatOptions,
    /// What text takes its memory from.
    spare: Spare,
    /// Makes the writers of a library user.
    writers: Option<TableWriters>,
    /// The numbers of records are those that a reject file gives, which may stand in it twice.
    pub is_replay: bool,
    /// Nothing is published.
    is_rehearsal: bool,
    /// How closely tables are looked at that are written nowhere.
    depth: Option<Depth>,
    /// These want to have the rows of each batch.
    pub takes_batches: bool,
    table: Option<String>,
    /// Where the summary goes, with the tables.
    summary: Option<Side>,
    /// What describes the tables, with them.
    pub(super) manifest: Option<ManifestOutput>,
    /// Scripts that read the tables, with them.
    scripts: ScriptOutput,
    /// Which columns join each table to others, for what describes them.
    pub(super) keys: Vec<Keys>,
    retry: Retry,
    stores: Stores,
    start: Instant,
    /// The format cannot hold more digits than a double has.
    pub drops_digits: bool,
    /// How rows leave the run before its end.
    pub direct: Direct,
    /// Under which layouts they did.
    pub layouts: Layouts,
    tables: Vec<Output>,
    /// Files of tables that workers end.
    endings: Endings,
    /// Those of which all rows are written, since they were last looked at.
    complete: Vec<usize>,
}

struct Output {
    name: String,
    writer: Writer,
    groups: BTreeMap<usize, Gathering>,
    planned: usize,
    appended: usize,
    /// No further row group comes.
    is_planned: bool,
}

/// Who takes the rows of a table.
enum Writer {
    /// Nobody, as the user chose another table.
    Nobody,
    /// A file.
    File(Box<dyn TableWriter>),
    /// Nobody any more: the file has all rows.
    Ended,
    /// A library user.
    User(Box<dyn StreamingWriter>),
    /// Nobody keeps them: they are looked at.
    Profile(Profiler),
}

/// The parts of a row group that have been encoded.
pub(super) struct Gathering {
    parts: Vec<Option<Encoded>>,
    /// Tasks that are not done.
    missing: usize,
    bytes: usize,
}

impl Gathering {
    /// Waits for the parts that so many tasks make, of values of so many bytes.
    pub(super) fn new(tasks: usize, bytes: usize) -> Self {
        let parts = std::iter::repeat_with(|| None).take(tasks).collect();
        Gathering { parts, missing: tasks, bytes }
    }

    /// Takes what a task made; returns the tasks that it handed out.
    pub(super) fn take(&mut self, place: usize, encoded: Encoded) -> Vec<Task> {
        self.missing -= 1;
        match encoded {
            Encoded::Tasks(tasks) => {
                self.missing += tasks.len();
                return tasks;
            }
            Encoded::Part => {}
            encoded => self.parts[place] = Some(encoded),
        }
        Vec::new()
    }

    /// Returns whether all parts are there.
    pub(super) fn is_done(&self) -> bool {
        self.missing == 0
    }

    /// Returns the parts in their order.
    pub(super) fn into_parts(self) -> Vec<Encoded> {
        self.parts.into_iter().flatten().collect()
    }
}

/// Row groups that were written, and the bytes of their values.
#[derive(Debug, Default)]
pub(super) struct Written {
    pub groups: usize,
    pub bytes: usize,
}

impl Outputs {
    pub(super) fn open(
        conversion: &mut Conversion,
        root_name: &str,
        inputs: Vec<InputFile>,
        retry: &Retry,
    ) -> Result<Self, Error> {
        let tagged = conversion.is_tagged();
        let parquet = ParquetOptions {
            codec: conversion.codec,
            compat: conversion.compat,
            encodings: conversion.encodings.clone(),
        };
        let mut direct = match conversion.writes_parts() {
            true => {
                let (parquet, inputs) = (parquet.clone(), inputs.clone());
                let parts = PartOutput::open(conversion, parquet, inputs, retry)?;
                Direct::Parts(Box::new(parts))
            }
            false => Direct::Off,
        };
        let is_live = conversion.is_live();
        let wants_batches = conversion.wants_batches();
        let nowhere = Destination::Directory(".".into());
        let mut destination = std::mem::replace(&mut conversion.destination, nowhere);
        let (mut writers, mut depth) = (None, None);
        match destination {
            Destination::Tables(given) => {
                writers = Some(given);
                destination = Destination::Writer(Box::new(io::sink()), Framing::Tar);
            }
            Destination::Nowhere(given) => depth = Some(given),
            _ => {}
        }
        let mut sink = Sink::open(SinkOptions {
            // what is there is told with all else at the end of a rehearsal
            overwrite: match conversion.rehearsal {
                Some(_) => Overwrite::Replace,
                None => conversion.overwrite,
            },
            stores: conversion.stores.clone(),
            cancel: conversion.cancel.clone(),
            ..SinkOptions::new(destination, conversion.to.extension())
        })?;
        sink.refuse_inputs(inputs)?;
        sink.refuse_objects(
            conversion.inputs.iter().filter_map(|input| input.url()).cloned().collect(),
        )?;
        sink.retry_with(retry.clone());
        if is_live && let Some(stream) = sink.send_live()? {
            direct = Direct::Live(LiveOutput::new(stream, tagged));
        }
        for path in &conversion.reserved {
            sink.keep_clear_of(path)?;
        }
        let json = JsonOptions {
            array: false,
            nulls: conversion.nulls,
            indent: conversion.indent,
            tagged,
        };
        let endings = Endings::new(sink.keeps_files() && conversion.rehearsal.is_none());
        let mut outputs = Outputs {
            sink,
            to: conversion.to,
            formats: FormatOptions { parquet, csv: conversion.csv, json },
            spare: Spare::new(conversion.memory_limit / limits::SPARE_SHARE),
            takes_batches: wants_batches && writers.is_some(),
            writers,
            is_replay: conversion.from == InputFormat::Rejects,
            is_rehearsal: conversion.rehearsal.is_some(),
            depth,
            table: conversion.table.clone(),
            summary: None,
            manifest: None,
            scripts: ScriptOutput::default(),
            keys: Vec::new(),
            retry: retry.clone(),
            stores: conversion.stores.clone(),
            start: Instant::now(),
            drops_digits: matches!(conversion.to, OutputFormat::Parquet | OutputFormat::Arrow),
            direct,
            layouts: Layouts::default(),
            tables: Vec::new(),
            endings,
            complete: Vec::new(),
        };
        if let Some(path) = &conversion.summary_file {
            outputs.summary = Some(outputs.sink.side(path, Access::Umask)?);
        }
        outputs.manifest = ManifestOutput::open(conversion, root_name, &mut outputs.sink)?;
        outputs.scripts = ScriptOutput::open(conversion, root_name, &mut outputs.sink)?;
        outputs.create(0, root_name)?;
        Ok(outputs)
    }

    /// Returns what removes the unfinished files of a run that failed.
    pub(super) fn trail(&self) -> Trail {
        self.sink.trail()
    }

    /// Returns what dead runs had left in the directories of the outputs.
    pub(super) fn notes(&self) -> &[Note] {
        self.sink.notes()
    }

    /// Declares the reject file that users named.
    pub(super) fn reject_file(&mut self, path: &Path) -> Result<Side, Error> {
        // It holds what may be nobody else's business.
        self.sink.side(path, Access::Owner)
    }

    /// Declares the reject file beside the tables.
    pub(super) fn reject_file_beside(&mut self, root_name: &str) -> Result<Side, Error> {
        let mut names = FileNames::new(REJECTS_EXTENSION);
        let mut declare = || {
            let path = self.sink.beside(&names.choose(root_name));
            self.sink.side(&path, Access::Owner)
        };
        match declare() {
            // It may be what is converted again.
            Err(error) if error.kind() == ErrorKind::Usage => declare(),
            declared => declared,
        }
    }

    /// Makes the reject file, under a hidden name.
    pub(super) fn stage_reject_file(&mut self, side: &Side) -> Result<StagedSide, Error> {
        self.sink.stage_side(side)
    }

    /// Returns whether the tables go to a stream.
    pub(super) fn is_stream(&self) -> bool {
        self.sink.is_stream()
    }

    /// Makes a temporary file.
    pub(super) fn scratch(&self) -> Result<Scratch, Error> {
        self.sink.scratch()
    }

    pub(super) fn create(&mut self, table: usize, name: &str) -> Result<(), Error> {
        let is_wanted = self.table.as_ref().is_none_or(|wanted| wanted == name);
        let writer = match (&mut self.direct, &mut self.writers) {
            _ if !is_wanted => Writer::Nobody,
            (Direct::Parts(parts), _) => {
                parts.create(name)?;
                Writer::Nobody
            }
            (_, Some(writers)) => Writer::User(writers(name)?),
            _ if let Some(depth) = self.depth => Writer::Profile(Profiler::new(depth)),
            (Direct::Live(live), None) => {
                let rows = live.rows.clone();
                let staged = self.sink.create(table, name, table == 0)?;
                Writer::File(self.formats.open_live(self.to, staged, rows, self.spare.clone()))
            }
            (Direct::Off, None) => {
                let staged = self.sink.create(table, name, table == 0)?;
                if let Some(manifest) = &self.manifest {
                    manifest.path_of(&self.sink, &staged)?;
                }
                Writer::File(self.formats.open(self.to, staged, &self.spare)?)
            }
        };
        self.tables.push(Output {
            name: name.to_owned(),
            writer,
            groups: BTreeMap::new(),
            planned: 0,
            appended: 0,
            is_planned: false,
        });
        Ok(())
    }

    /// Hands a row group to the workers; returns whether they have something to do.
    pub(super) fn plan(
        &mut self,
        full: FullGroup,
        layout: &Arc<Layout>,
        place: Place,
        workers: &Workers,
    ) -> Result<bool, Error> {
        let FullGroup { table, group, bytes } = full;
        let output = &mut self.tables[table];
        let tasks = match &mut output.writer {
            Writer::Nobody => return Ok(false),
            Writer::Ended => {
                return Err(Error::new(ErrorKind::Internal, "rows behind the end of a table"));
            }
            Writer::User(writer) => {
                writer.write_batch(Batch::new(group, layout, place))?;
                return Ok(false);
            }
            Writer::Profile(profiler) => match profiler.plan(group) {
                tasks if tasks.is_empty() => return Ok(false),
                tasks => tasks,
            },
            Writer::File(writer) => match writer.plan(group, layout, place)? {
                tasks if tasks.is_empty() => {
                    // A table without columns, which no other row group of it has either.
                    writer.append(Vec::new())?;
                    return Ok(false);
                }
                tasks => tasks,
            },
        };
        let group = output.planned;
        output.planned += 1;
        output.is_planned = place == Place::Last;
        output.groups.insert(group, Gathering::new(tasks.len(), bytes));
        for (place, task) in tasks.into_iter().enumerate() {
            workers.encode(EncodeJob { table, group, place, task });
        }
        Ok(true)
    }

    /// Returns whether tables go to files of text, which show nothing of row groups.
    pub(super) fn are_text(&self) -> bool {
        let is_columnar = matches!(self.to, OutputFormat::Parquet | OutputFormat::Arrow);
        !is_columnar && !self.direct.is_on() && self.writers.is_none() && self.depth.is_none()
    }

    /// Returns the bytes that a row of a group takes whatever its values are, on average.
    pub(super) fn row_bytes(&self, layout: &Layout, full: &FullGroup) -> usize {
        self.formats.row_bytes(self.to, layout, &full.group)
    }

    /// Returns whether rows have a header, to which later ones are bound.
    pub(super) fn has_header(&self) -> bool {
        matches!(self.to, OutputFormat::Csv | OutputFormat::Tsv)
    }

    /// Writes a row group at once, as nothing may change it any more.
    pub(super) fn write_direct(
        &mut self,
        full: FullGroup,
        layout: &Arc<Layout>,
    ) -> Result<(), Error> {
        let output = &mut self.tables[full.table];
        let is_text = matches!(self.direct, Direct::Live(_));
        let writer = match &mut output.writer {
            Writer::File(writer) => Some(writer),
            Writer::Nobody | Writer::Ended | Writer::User(_) | Writer::Profile(_) => None,
        };
        if writer.is_some() || !is_text {
            self.layouts.note(full.table, layout, is_text);
        }
        self.direct.write(writer, full, layout)
    }

    /// Publishes what is no table, as rows are out and the run failed: each record is to be found
    /// somewhere.
    pub(super) fn abandon(self, rejects: RejectOutputs) -> Result<(), Error> {
        self.sink.commit(Vec::new(), rejects.sides, Vec::new()).map(drop)
    }

    /// Takes what a task made, or hands out the tasks that make it; returns which row groups were
    /// written because of it.
    pub(super) fn encoded(
        &mut self,
        table: usize,
        group: usize,
        place: usize,
        encoded: Encoded,
        workers: &Workers,
    ) -> Result<Written, Error> {
        if let Some(gathering) = self.tables[table].groups.get_mut(&group) {
            for task in gathering.take(place, encoded) {
                workers.encode(EncodeJob { table, group, place, task });
            }
        }
        self.append_ready(table)
    }

    fn append_ready(&mut self, table: usize) -> Result<Written, Error> {
        let output = &mut self.tables[table];
        let mut written = Written::default();
        while output.groups.get(&output.appended).is_some_and(Gathering::is_done)
            && let Some(next) = output.groups.remove(&output.appended)
        {
            written.bytes += next.bytes;
            let parts = next.into_parts();
            match &mut output.writer {
                Writer::File(writer) => writer.append(parts)?,
                Writer::Profile(profiler) => profiler.append(parts),
                // they have no tasks
                Writer::Nobody | Writer::Ended | Writer::User(_) => {}
            }
            output.appended += 1;
            written.groups += 1;
        }
        if written.groups > 0 && output.is_planned && output.appended == output.planned {
            self.complete.push(table);
        }
        Ok(written)
    }

    /// Lets workers end the files of tables whose rows are all written, and need not be written again
    /// under `layouts`, the final ones.
    pub(super) fn end_complete(&mut self, layouts: &Arc<[Layout]>, workers: &Workers) {
        for table in std::mem::take(&mut self.complete) {
            let (output, layout) = (&mut self.tables[table], &layouts[table]);
            let is_final = |writer: &dyn TableWriter| writer.is_final(layout);
            if matches!(&output.writer, Writer::File(writer) if is_final(&**writer))
                && let Writer::File(writer) = std::mem::replace(&mut output.writer, Writer::Ended)
            {
                self.endings.end(writer, layouts, table, workers);
            }
        }
    }

    /// Ends all files and publishes them together; says in `summary` which there are.
    pub(super) fn finish(
        mut self,
        layouts: &Arc<[Layout]>,
        rows: &[u64],
        mut rejects: RejectOutputs,
        summary: &mut Summary,
        stitcher: Stitcher<'_>,
    ) -> Result<(), Error> {
        let cancel = stitcher.cancel;
        if let Some(wanted) = &self.table
            && self.tables.iter().all(|output| matches!(output.writer, Writer::Nobody))
            && !matches!(self.direct, Direct::Parts(_))
        {
            let known = self.tables.iter().map(|output| output.name.as_str());
            let names: Vec<_> = known.clone().map(|name| format!("`{name}`")).collect();
            let message = format!("no table `{wanted}` arose");
            let hint = format!("there are {}", names.join(", "));
            return Err(Error::usage(message).with_hint(hint).with_nearest(wanted, known));
        }
        encoding::check(&self.formats.parquet.encodings, layouts)?;
        for (table, output) in self.tables.into_iter().enumerate() {
            cancel.check()?;
            let (layout, rows) = (&layouts[table], rows[table]);
            match output.writer {
                Writer::Nobody | Writer::Ended => {}
                Writer::File(mut writer) => {
                    stitcher.stitch(&mut *writer, layout)?;
                    match writer.is_final(layout) {
                        true => self.endings.end(writer, layouts, table, &stitcher.workers),
                        false => self.endings.ended(writer.finish(layout)?, &stitcher.workers),
                    }
                }
                Writer::Profile(profiler) => {
                    summary.profiles.push(profiler.finish(layout, rows));
                    summary.tables.push(TableSummary::nowhere(layout, rows));
                }
                Writer::User(writer) => {
                    writer.finish(&TableEnd::new(layout, rows))?;
                    summary.tables.push(TableSummary::nowhere(layout, rows));
                }
            }
        }
        let mut staged = self.endings.wait(&stitcher.workers, cancel)?;
        staged.sort_unstable_by_key(Staged::table_index);
        // nothing is left for the workers
        drop(stitcher);
        self.direct.finish(|table| layouts[table].clone(), cancel)?;
        for (index, layout) in layouts.iter().enumerate() {
            let Direct::Parts(parts) = &self.direct else { break };
            let Some((path, bytes)) = parts.table(index) else { continue };
            summary.tables.push(TableSummary {
                name: layout.table.clone(),
                parent: layout.parent.clone(),
                path: Some(path),
                rows: rows[index],
                columns: layout.columns.len(),
                bytes,
            });
        }
        for table in &staged {
            let layout = &layouts[table.table_index()];
            summary.tables.push(TableSummary {
                name: layout.table.clone(),
                parent: layout.parent.clone(),
                path: self.sink.path_of(table),
                rows: rows[table.table_index()],
                columns: layout.columns.len(),
                bytes: match &self.direct {
                    Direct::Live(live) => live.rows.bytes(table.table_index()),
                    _ => table.bytes()?,
                },
            });
        }
        summary.retries = self.retry.count() + self.stores.retries();
        summary.rejects.path = rejects.sides.first().map(|side| side.side().path().to_owned());
        let scripts = self.scripts.stage(&mut self.sink, &staged, (layouts, rows, &self.keys))?;
        summary.scripts = scripts.iter().map(|side| side.side().path().to_owned()).collect();
        rejects.sides.extend(scripts);
        if let Some(manifest) = &self.manifest {
            rejects.sides.push(manifest.stage(
                &mut self.sink,
                &staged,
                (layouts, rows, &self.keys),
                summary,
            )?);
            summary.manifest = Some(manifest.path().to_owned());
        }
        if let Some(side) = &self.summary {
            summary.elapsed = self.start.elapsed();
            let staged = self.sink.stage_side(side)?;
            let mut out = BufWriter::new(staged.append()?);
            let written = summary.write_json(&mut out).and_then(|()| out.flush());
            written.map_err(|cause| staged.error("writing the summary", cause))?;
            rejects.sides.push(staged);
        }
        if self.is_rehearsal {
            // what was written is dropped, and with it removed
            summary.is_rehearsal = true;
            let sides = rejects.sides.iter().map(StagedSide::side).chain(&rejects.absent);
            summary.conflicts = self.sink.conflicts(&staged, &sides.collect::<Vec<_>>())?;
            return Ok(());
        }
        if let Some(rejects) = &rejects.stdout {
            send(rejects)?;
        }
        publish(self.sink, staged, rejects, cancel)
    }
}

/// Copies rejected records to standard output, as the tables go to files.
///
/// - Errors: `Io`, also where the reader went away: rejects that are lost are no success.
fn send(rejects: &Scratch) -> Result<(), Error> {
    let mut stdout = io::stdout().lock();
    let sent = io::copy(&mut rejects.read()?, &mut stdout).and_then(|_| stdout.flush());
    sent.map_err(|cause| {
        let message = format!("<stdout>: writing rejected records failed: {cause}");
        Error::new(ErrorKind::Io, message).with_source(cause)
    })
}

/// Commits; while a stream's reader makes us wait, the run can still be stopped.
fn publish(
    mut sink: Sink,
    staged: Vec<Staged>,
    rejects: RejectOutputs,
    cancel: &Cancel,
) -> Result<(), Error> {
    let hold = cancel.clone();
    sink.ask_before_publishing(move || hold.hold());
    let is_stream = sink.is_stream();
    let released = cancel.clone();
    let RejectOutputs { sides, absent, .. } = rejects;
    let commit = move || {
        let published = sink.commit(staged, sides, absent);
        released.release();
        published.map(drop)
    };
    if !is_stream {
        return commit();
    }
    let (done, wait) = bounded(1);
    let send = move || {
        let _ = done.send(commit());
    };
    threads::start("transmog-sender", THREAD_STACK_BYTES, send)?;
    loop {
        match wait.recv_timeout(CANCEL_POLL) {
            Ok(published) => return published,
            Err(RecvTimeoutError::Timeout) => cancel.check().map_err(|error| {
                // the sender may be blocked for good: who called us removes its files
                let why = match error.kind() {
                    ErrorKind::Timeout => "the time of the run is up (`--timeout`)",
                    _ => "interrupted",
                };
                let message = format!("{why} while the output was being sent: a part of it is out");
                Error::new(error.kind(), message)
            })?,
            Err(RecvTimeoutError::Disconnected) => {
                return Err(Error::new(ErrorKind::Internal, "sending the tables panicked"));
            }
        }
    }
}
