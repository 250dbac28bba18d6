//! The files of a run: row groups handed to the workers, written in order, published together.

use std::collections::BTreeMap;
use std::thread;

use crossbeam_channel::{RecvTimeoutError, bounded};

use super::groups::FullGroup;
use super::run::CANCEL_POLL;
use super::workers::{EncodeJob, Workers};
use super::{Cancel, Conversion};
use crate::encode::json::JsonOptions;
use crate::encode::parquet::{ParquetOptions, ParquetWriter, encoding};
use crate::encode::{Encoded, Place, TableWriter, csv, ipc, json};
use crate::error::{Error, ErrorKind};
use crate::format::OutputFormat;
use crate::report::TableSummary;
use crate::schema::Layout;
use crate::sink::{Destination, InputFile, Note, Published, Sink, SinkOptions, Staged, Trail};

/// The files of a run and the writers that fill them.
pub(super) struct Outputs {
    sink: Sink,
    to: OutputFormat,
    parquet: ParquetOptions,
    csv: csv::CsvOptions,
    json: JsonOptions,
    table: Option<String>,
    /// The format cannot hold more digits than a double has.
    pub drops_digits: bool,
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
    bytes: usize,
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
        // No table may take the name that rejected records will go by.
        sink.reserve(&format!("{root_name}.rejects.jsonl"));
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
            parquet: ParquetOptions {
                codec: conversion.codec,
                compat: conversion.compat,
                encodings: conversion.encodings.clone(),
            },
            csv,
            json,
            table: conversion.table.clone(),
            drops_digits: matches!(conversion.to, OutputFormat::Parquet | OutputFormat::Arrow),
            tables: Vec::new(),
        };
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

    pub(super) fn create(&mut self, table: usize, name: &str) -> Result<(), Error> {
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
            OutputFormat::Parquet => Box::new(ParquetWriter::open(staged, self.parquet.clone())?),
            OutputFormat::Csv | OutputFormat::Tsv => csv::open(staged, self.csv),
            OutputFormat::Json | OutputFormat::Jsonl => json::open(staged, self.json.clone()),
            OutputFormat::Arrow => ipc::open(staged)?,
        })
    }

    /// Hands a row group to the workers; returns whether they have something to do.
    pub(super) fn plan(
        &mut self,
        full: FullGroup,
        layout: &Layout,
        place: Place,
        workers: &Workers,
    ) -> Result<bool, Error> {
        let FullGroup { table, group, bytes } = full;
        let output = &mut self.tables[table];
        let Some(writer) = &mut output.writer else { return Ok(false) };
        let tasks = writer.plan(group, layout, place)?;
        if tasks.is_empty() {
            // A table without columns, which no other row group of it has either.
            writer.append(Vec::new())?;
            return Ok(false);
        }
        let group = output.planned;
        output.planned += 1;
        let parts = std::iter::repeat_with(|| None).take(tasks.len()).collect();
        output.groups.insert(group, Gathering { parts, missing: tasks.len(), bytes });
        for (place, task) in tasks.into_iter().enumerate() {
            workers.encode(EncodeJob { table, group, place, task });
        }
        Ok(true)
    }

    /// Takes an encoded part; returns which row groups were written because of it.
    pub(super) fn encoded(
        &mut self,
        table: usize,
        group: usize,
        place: usize,
        encoded: Encoded,
    ) -> Result<Written, Error> {
        if let Some(gathering) = self.tables[table].groups.get_mut(&group) {
            gathering.parts[place] = Some(encoded);
            gathering.missing -= 1;
        }
        self.append_ready(table)
    }

    fn append_ready(&mut self, table: usize) -> Result<Written, Error> {
        let output = &mut self.tables[table];
        let mut written = Written::default();
        while output.groups.get(&output.appended).is_some_and(|next| next.missing == 0)
            && let Some(next) = output.groups.remove(&output.appended)
            && let Some(writer) = &mut output.writer
        {
            writer.append(next.parts.into_iter().flatten().collect())?;
            output.appended += 1;
            written.groups += 1;
            written.bytes += next.bytes;
        }
        Ok(written)
    }

    /// Ends all files and publishes them together.
    pub(super) fn finish(
        self,
        layouts: &[Layout],
        rows: &[u64],
        cancel: &Cancel,
    ) -> Result<Vec<TableSummary>, Error> {
        if let Some(wanted) = &self.table
            && self.tables.iter().all(|output| output.writer.is_none())
        {
            let names: Vec<_> = self.tables.iter().map(|o| format!("`{}`", o.name)).collect();
            let message = format!("no table `{wanted}` arose");
            let hint = format!("there are {}", names.join(", "));
            return Err(Error::new(ErrorKind::Usage, message).with_hint(hint));
        }
        encoding::check(&self.parquet.encodings, layouts)?;
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

/// Commits; while a stream's reader makes us wait, the run can still be stopped.
fn publish(mut sink: Sink, staged: Vec<Staged>, cancel: &Cancel) -> Result<Vec<Published>, Error> {
    let hold = cancel.clone();
    sink.ask_before_publishing(move || hold.hold());
    let is_stream = sink.is_stream();
    let released = cancel.clone();
    let commit = move || {
        let published = sink.commit(staged, Vec::new(), Vec::new());
        released.release();
        published
    };
    if !is_stream {
        return commit();
    }
    let (done, wait) = bounded(1);
    let send = move || {
        let _ = done.send(commit());
    };
    thread::Builder::new().name("transmog-sender".to_owned()).spawn(send).map_err(|cause| {
        let message = format!("starting a thread failed: {cause}");
        Error::new(ErrorKind::Io, message).with_source(cause)
    })?;
    loop {
        match wait.recv_timeout(CANCEL_POLL) {
            Ok(published) => return published,
            Err(RecvTimeoutError::Timeout) => cancel.check().map_err(|error| {
                // the sender may be blocked for good: who called us removes its files
                Error::new(error.kind(), "interrupted while the output was being sent")
            })?,
            Err(RecvTimeoutError::Disconnected) => {
                return Err(Error::new(ErrorKind::Internal, "sending the tables panicked"));
            }
        }
    }
}
