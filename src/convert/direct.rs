//! Rows that go out while the run goes on: to a stream as batches close, or in part files.
//!
//! What is out cannot be taken back, so each row has the layout of its time: that of its record in
//! JSONL, whatever the batches, and that of its batch in CSV, whose header stays.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::groups::FullGroup;
use super::run::Run;
use super::{Cancel, Conversion};
use crate::decode::{CapReached, Decoded};
use crate::encode::live::LiveRows;
use crate::encode::parquet::{ParquetOptions, ParquetWriter};
use crate::encode::{Place, TableWriter};
use crate::error::{Error, Fault, FaultCode};
use crate::flatten::Flattened;
use crate::format::OutputFormat;
use crate::frame::{Chunk, Singles};
use crate::retry::Retry;
use crate::schema::Layout;
use crate::schema::widen::ColumnType;
use crate::sink::{Destination, InputFile, LiveStream, Part, PartFiles, PartTable};
use crate::table::TableBatch;

/// Bytes of rows that wait for their batch to close; more go out before.
const WAITING_BYTES_MAX: usize = 32 << 20;

/// Rows that go to a stream as batches close.
pub(super) struct LiveOutput {
    pub rows: LiveRows,
    stream: Option<LiveStream>,
    is_tagged: bool,
    /// Something was sent.
    has_sent: bool,
}

impl LiveOutput {
    pub(super) fn new(stream: LiveStream, is_tagged: bool) -> Self {
        LiveOutput { rows: LiveRows::default(), stream: Some(stream), is_tagged, has_sent: false }
    }

    /// Returns whether rows of several tables follow each other record by record.
    pub(super) fn is_tagged(&self) -> bool {
        self.is_tagged
    }

    /// Returns whether so many rows wait that they are to go out before their batch closes.
    fn is_full(&self) -> bool {
        self.rows.len() > WAITING_BYTES_MAX
    }

    /// Sends the rows that wait, together.
    pub(super) fn flush(&mut self, cancel: &Cancel) -> Result<(), Error> {
        let text = self.rows.take();
        let Some(stream) = self.stream.as_ref().filter(|_| !text.is_empty()) else { return Ok(()) };
        self.has_sent = true;
        stream.send(text, || cancel.check())
    }

    /// Sends what is left, and waits until it is out.
    pub(super) fn finish(&mut self, cancel: &Cancel) -> Result<(), Error> {
        self.flush(cancel)?;
        self.stream.take().map_or(Ok(()), |stream| stream.finish(|| cancel.check()))
    }
}

/// Tables in part files of Parquet.
pub(super) struct PartOutput {
    files: PartFiles,
    options: ParquetOptions,
    file_rows_max: Option<usize>,
    /// Each part closes with its batch.
    closes_with_batch: bool,
    tables: Vec<PartedTable>,
}

struct PartedTable {
    files: PartTable,
    open: Option<OpenPart>,
    bytes: u64,
}

struct OpenPart {
    part: Part,
    writer: Box<dyn TableWriter>,
    rows: usize,
}

impl PartOutput {
    pub(super) fn open(
        conversion: &Conversion,
        options: ParquetOptions,
        inputs: Vec<InputFile>,
        retry: &Retry,
    ) -> Result<Self, Error> {
        let Destination::Directory(root) = &conversion.destination else {
            return Err(Error::usage("part files: expected a directory"));
        };
        let mut files =
            PartFiles::open(root, OutputFormat::Parquet.extension(), conversion.overwrite, retry)?;
        files.refuse_inputs(inputs);
        Ok(PartOutput {
            files,
            options,
            file_rows_max: conversion.file_rows_max.map(std::num::NonZero::get),
            closes_with_batch: conversion.closes_parts_with_batches(),
            tables: Vec::new(),
        })
    }

    /// Makes room for a table.
    pub(super) fn create(&mut self, name: &str) -> Result<(), Error> {
        let files = self.files.table(name)?;
        self.tables.push(PartedTable { files, open: None, bytes: 0 });
        Ok(())
    }

    /// Writes rows to the part at hand; closes it where it has enough.
    fn write(&mut self, full: FullGroup, layout: &Layout) -> Result<(), Error> {
        let index = full.table;
        let table = &mut self.tables[index];
        if table.open.is_none() {
            let (part, staged) = self.files.begin(index, &table.files)?;
            let writer = Box::new(ParquetWriter::open(staged, self.options.clone())?);
            table.open = Some(OpenPart { part, writer, rows: 0 });
        }
        let Some(open) = &mut table.open else { return Ok(()) };
        open.rows += full.group.rows;
        let is_full = self.file_rows_max.is_some_and(|most| open.rows >= most);
        write_now(&mut *open.writer, full, layout)?;
        if is_full { self.close(index, layout) } else { Ok(()) }
    }

    /// Publishes the part of a table that is at hand.
    fn close(&mut self, index: usize, layout: &Layout) -> Result<(), Error> {
        let table = &mut self.tables[index];
        let Some(OpenPart { part, writer, .. }) = table.open.take() else { return Ok(()) };
        let staged = writer.finish(layout)?;
        table.bytes += staged.bytes()?;
        self.files.publish(&mut table.files, part, staged)
    }

    /// Publishes all parts at hand, those of child tables first.
    fn close_all(&mut self, layouts: impl Fn(usize) -> Layout) -> Result<(), Error> {
        (0..self.tables.len()).rev().try_for_each(|index| self.close(index, &layouts(index)))
    }

    /// Returns the directory of a table, and the bytes of its parts.
    pub(super) fn table(&self, index: usize) -> Option<(PathBuf, u64)> {
        let table = self.tables.get(index)?;
        Some((table.files.directory().to_owned(), table.bytes))
    }

    /// Returns how many parts were published.
    fn count(&self) -> usize {
        self.tables.iter().map(|table| table.files.count()).sum()
    }
}

/// How rows leave the run before its end, if they do.
pub(super) enum Direct {
    /// Nothing is to be seen before the end.
    Off,
    Live(LiveOutput),
    Parts(Box<PartOutput>),
}

/// The layouts of tables whose rows are out, and what changed since.
#[derive(Default)]
pub(super) struct Layouts {
    last: BTreeMap<usize, Layout>,
    /// By the path of a column: how often it changed, and how at first.
    changes: BTreeMap<String, (u64, String)>,
}

impl Direct {
    pub(super) fn is_on(&self) -> bool {
        !matches!(self, Direct::Off)
    }

    /// Returns whether the rows of a batch are written when it closes.
    fn writes_with_batch(&self) -> bool {
        match self {
            Direct::Parts(parts) => parts.closes_with_batch,
            Direct::Live(_) => true,
            Direct::Off => false,
        }
    }

    /// Writes rows under a layout that holds for them for good.
    pub(super) fn write(
        &mut self,
        writer: Option<&mut Box<dyn TableWriter>>,
        full: FullGroup,
        layout: &Layout,
        cancel: &Cancel,
    ) -> Result<(), Error> {
        match (self, writer) {
            (Direct::Parts(parts), _) => parts.write(full, layout),
            (Direct::Live(live), Some(writer)) => {
                write_now(&mut **writer, full, layout)?;
                if live.is_full() { live.flush(cancel) } else { Ok(()) }
            }
            _ => Ok(()),
        }
    }

    /// Lets the rows of a batch that has closed go out.
    pub(super) fn close_batch(
        &mut self,
        layouts: impl Fn(usize) -> Layout,
        cancel: &Cancel,
    ) -> Result<(), Error> {
        match self {
            Direct::Parts(parts) if parts.closes_with_batch => parts.close_all(layouts),
            Direct::Live(live) => live.flush(cancel),
            Direct::Parts(_) | Direct::Off => Ok(()),
        }
    }

    /// Lets all rows go out, and waits until they are.
    pub(super) fn finish(
        &mut self,
        layouts: impl Fn(usize) -> Layout,
        cancel: &Cancel,
    ) -> Result<(), Error> {
        match self {
            Direct::Off => Ok(()),
            Direct::Parts(parts) => parts.close_all(layouts),
            Direct::Live(live) => live.finish(cancel),
        }
    }

    /// Says what is out of a run that failed; nothing where nothing is.
    pub(super) fn what_is_out(&self) -> Option<String> {
        match self {
            Direct::Live(live) if live.has_sent => {
                Some("rows of earlier batches had been sent".to_owned())
            }
            Direct::Parts(parts) => match parts.count() {
                0 => None,
                1 => Some("1 part file was published before".to_owned()),
                count => Some(format!("{count} part files were published before")),
            },
            Direct::Live(_) | Direct::Off => None,
        }
    }
}

impl Layouts {
    /// Notes the layout under which rows of a table are written now.
    ///
    /// In text a type shows only where it turns values into strings.
    pub(super) fn note(&mut self, table: usize, layout: &Layout, is_text: bool) {
        let Some(last) = self.last.insert(table, layout.clone()) else { return };
        if last == *layout {
            return;
        }
        for column in &layout.columns {
            let known = last.columns.iter().find(|known| known.index == column.index);
            let Some(known) = known else { continue };
            let was_bare = !matches!(known.column_type, ColumnType::Text);
            let is_shown = !is_text || (was_bare && column.column_type == ColumnType::Text);
            let (path, name) = (column.path.clone().unwrap_or_default(), &column.name);
            let detail = if known.name != *name {
                format!("`{}` of `{}` became `{name}`", known.name, layout.table)
            } else if known.column_type != column.column_type && is_shown {
                let (was, is) = (&known.column_type, &column.column_type);
                format!("`{name}` of `{}`: {was} became {is}", layout.table)
            } else {
                continue;
            };
            self.changes.entry(path).or_insert((0, detail)).0 += 1;
        }
    }

    /// Returns what changed: path, how often, and how at first.
    pub(super) fn changes(&self) -> impl Iterator<Item = (&str, u64, &str)> {
        let changes = self.changes.iter();
        changes.map(|(path, (count, detail))| (path.as_str(), *count, detail.as_str()))
    }
}

impl Run {
    /// Returns whether the records of a chunk are to be taken one by one.
    ///
    /// So they are where a layout changes among them: what a row looks like is to depend on those
    /// before it, and not on how long its batch is. Rows of several tables on one stream follow
    /// their record for the same reason. And so are those that bring a column which the header does
    /// not have.
    pub(super) fn goes_out_singly(
        &self,
        chunk: &Chunk,
        decoded: &Result<Decoded, CapReached>,
    ) -> bool {
        let Direct::Live(live) = &self.outputs.direct else { return false };
        let Ok(decoded) = decoded else { return true };
        let tables = &decoded.flattened.tables;
        if self.outputs.has_header() {
            return live.rows.has_headers() && self.without_column(tables).is_some();
        }
        chunk.records.len() > 1 && (live.is_tagged() || self.schema.would_change(tables))
    }

    /// Takes the records of a chunk one by one, each under the layout of its time.
    pub(super) fn absorb_singly(&mut self, chunk: &Chunk) -> Result<(), Error> {
        self.write_waiting()?;
        let mut singles = Singles::new(chunk);
        for record in 0..chunk.records.len() {
            let single = singles.only(record);
            let (mut decoded, _) = self.decode_in_order(&single)?;
            if let Some(fault) = self.without_column(&decoded.flattened.tables) {
                decoded.faults.insert(0, fault);
                decoded.flattened = Flattened::default();
            }
            let full_count = self.admission.full_count();
            self.absorb_decoded(&single, Ok(decoded), full_count)?;
            self.write_waiting()?;
        }
        Ok(())
    }

    /// Returns what is wrong with records that bring a column which the header does not have.
    fn without_column(&self, tables: &[TableBatch]) -> Option<Fault> {
        let Direct::Live(live) = &self.outputs.direct else { return None };
        tables.iter().find_map(|batch| {
            let mut columns = batch.columns.iter();
            let new = columns.find(|column| {
                let place = self.schema.place(batch.path, column.path, column.part);
                match place {
                    Some((table, column)) => live.rows.lacks(table, column),
                    None => {
                        let table = self.schema.table_at(batch.path);
                        table.is_some_and(|table| live.rows.has_header(table))
                    }
                }
            })?;
            let message = "expected a column of the header, which was sent before";
            let mut fault = Fault::new(FaultCode::SchemaViolation, 0, message);
            fault.path = self.setup.paths.pointer(new.path);
            Some(fault)
        })
    }

    /// Writes row groups that have filled.
    pub(super) fn write_direct(&mut self, full: Vec<FullGroup>) -> Result<(), Error> {
        for full in full {
            let (layout, _) = self.schema.layout(full.table);
            self.outputs.write_direct(full, &layout, &self.cancel)?;
        }
        Ok(())
    }

    /// Writes the rows that wait.
    pub(super) fn write_waiting(&mut self) -> Result<(), Error> {
        let full = self.groups.finish();
        self.write_direct(full)
    }

    /// Lets the rows of the batch that closes go out.
    pub(super) fn let_out(&mut self) -> Result<(), Error> {
        if self.outputs.direct.writes_with_batch() {
            self.write_waiting()?;
        }
        let layouts = |table: usize| self.schema.layout(table).0;
        self.outputs.direct.close_batch(layouts, &self.cancel)
    }
}

/// Encodes and writes rows on the spot: they are few, or to be out soon.
fn write_now(writer: &mut dyn TableWriter, full: FullGroup, layout: &Layout) -> Result<(), Error> {
    let tasks = writer.plan(full.group, layout, Place::Inner)?;
    let encoded = tasks.into_iter().map(|task| task()).collect::<Result<Vec<_>, Error>>()?;
    writer.append(encoded)
}
