//! Rows that go out while the run goes on: to a stream as batches close, or in part files.
//!
//! What is out cannot be taken back, so each row has the layout of its time: that of its record in
//! JSONL, whatever the batches, and that of its batch in CSV, whose header stays.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use memchr::memchr_iter;

use super::groups::FullGroup;
use super::run::Run;
use super::{Cancel, Conversion};
use crate::decode::{CapReached, Decoded};
use crate::encode::live::LiveRows;
use crate::encode::parquet::{ParquetOptions, ParquetWriter};
use crate::encode::{Place, RowGroup, TableWriter, do_all};
use crate::error::{Error, Fault, FaultCode};
use crate::flatten::Flattened;
use crate::format::OutputFormat;
use crate::frame::{Chunk, Runs};
use crate::retry::Retry;
use crate::schema::widen::ColumnType;
use crate::schema::{Fitted, Layout};
use crate::sink::{Destination, InputFile, LiveStream, Part, PartFiles, PartTable, Root};
use crate::table::TableBatch;

/// Bytes of rows that wait for their batch to close; more go out before.
const WAITING_BYTES_MAX: usize = 16 << 20;

/// Bytes of values that wait to be spelled.
const VALUES_BYTES_MAX: usize = 4 << 20;

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
        let root = match &conversion.destination {
            Destination::Directory(root) => Root::Directory(root.clone()),
            Destination::Prefix(url) => Root::Prefix(url.clone()),
            _ => return Err(Error::usage("part files: expected a directory")),
        };
        let mut files = PartFiles::open(
            root,
            OutputFormat::Parquet.extension(),
            conversion.overwrite,
            retry,
            (conversion.stores.clone(), conversion.cancel.clone()),
        )?;
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
    fn write(&mut self, full: FullGroup, layout: &Arc<Layout>) -> Result<(), Error> {
        let index = full.table;
        self.begin(index)?;
        let Some(open) = &mut self.tables[index].open else { return Ok(()) };
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

    /// Publishes what is left; a table without rows gets a part without rows.
    fn finish(&mut self, layouts: impl Fn(usize) -> Layout) -> Result<(), Error> {
        for index in 0..self.tables.len() {
            if self.tables[index].files.count() == 0 {
                self.begin(index)?;
            }
        }
        self.close_all(layouts)
    }

    /// Begins a part of a table, if none is at hand.
    fn begin(&mut self, index: usize) -> Result<(), Error> {
        let table = &mut self.tables[index];
        if table.open.is_none() {
            let (part, staged) = self.files.begin(index, &table.files)?;
            let writer = Box::new(ParquetWriter::open(staged, self.options.clone())?);
            table.open = Some(OpenPart { part, writer, rows: 0 });
        }
        Ok(())
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

    /// Returns whether rows of several tables follow each other record by record.
    pub(super) fn is_tagged(&self) -> bool {
        matches!(self, Direct::Live(live) if live.is_tagged)
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
        layout: &Arc<Layout>,
    ) -> Result<(), Error> {
        match (self, writer) {
            (Direct::Parts(parts), _) => parts.write(full, layout),
            (Direct::Live(live), Some(writer)) => {
                debug_assert!(live.stream.is_some(), "nothing is written behind the end");
                write_now(&mut **writer, full, layout)
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
            Direct::Parts(parts) => parts.finish(layouts),
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
                1 => Some("1 part file was published before, which `--force` replaces".to_owned()),
                count => Some(format!(
                    "{count} part files were published before, which `--force` replaces"
                )),
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
    /// Returns whether a chunk is to be taken in parts, as a layout changes in it.
    ///
    /// What a row looks like is to depend on the records before it, and not on how long its batch
    /// is. Where the header is out, parts find the records that bring a column it does not have.
    pub(super) fn goes_out_in_parts(
        &self,
        chunk: &Chunk,
        decoded: &Result<Decoded, CapReached>,
    ) -> bool {
        let Direct::Live(live) = &self.outputs.direct else { return false };
        let Ok(decoded) = decoded else { return true };
        let tables = &decoded.flattened.tables;
        match self.outputs.has_header() {
            true => live.rows.has_headers() && self.without_column(tables).is_some(),
            false => !chunk.records.is_empty() && self.schema.would_change(tables),
        }
    }

    /// Takes a chunk in parts, each of which is as long as its records agree.
    ///
    /// Halves are decoded again until they do: few records change a layout.
    pub(super) fn absorb_in_parts(&mut self, chunk: &Chunk) -> Result<(), Error> {
        let mut runs = Runs::new(chunk);
        let whole = 0..chunk.records.len();
        let mut left = vec![whole];
        while let Some(records) = left.pop() {
            let part = runs.run(records.clone());
            let (mut decoded, _) = self.decode_in_order(&part)?;
            let fault = self.without_column(&decoded.flattened.tables);
            let is_mixed = fault.is_some()
                || (!self.outputs.has_header()
                    && self.schema.would_change(&decoded.flattened.tables));
            if records.len() > 1 && is_mixed {
                let middle = records.start + records.len() / 2;
                left.push(middle..records.end);
                left.push(records.start..middle);
                continue;
            }
            if let Some(fault) = fault {
                decoded.faults.insert(0, fault);
                decoded.flattened = Flattened::default();
            }
            if is_mixed {
                // Rows that wait are of the layout before.
                self.write_waiting()?;
            }
            self.absorb_decoded(&part, Ok(decoded), self.admission.full_count())?;
            if is_mixed {
                self.write_waiting()?;
            }
        }
        Ok(())
    }

    /// Writes rows of several tables that share a stream, each record's behind each other.
    pub(super) fn write_tagged(&mut self, batches: Vec<Fitted>) -> Result<(), Error> {
        let Direct::Live(live) = &self.outputs.direct else { return Ok(()) };
        let rows = live.rows.clone();
        let before = rows.take();
        let mut tables = Vec::new();
        for Fitted { table, rows: count, columns, row_bytes, row_records } in batches {
            let bytes = row_bytes.iter().map(|bytes| *bytes as usize).sum();
            let mut group = RowGroup::default();
            group.push(count, bytes, columns);
            self.write_group(FullGroup { table, group, bytes })?;
            tables.push((table, row_records, rows.take()));
        }
        tables.sort_by_key(|(table, ..)| *table);
        rows.put(before);
        rows.put(interleaved(&tables));
        self.write_direct(Vec::new())
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

    /// Writes row groups that have filled; where very much waits, it goes out before its batch.
    pub(super) fn write_direct(&mut self, full: Vec<FullGroup>) -> Result<(), Error> {
        for full in full {
            if !matches!(self.outputs.direct, Direct::Live(_)) {
                self.write_group(full)?;
                continue;
            }
            let known = self.schema.layout_now(full.table);
            let row_bytes = self.outputs.row_bytes(&known.layout, &full);
            for part in full.split(VALUES_BYTES_MAX, row_bytes) {
                self.write_group(part)?;
                self.flush_if_full()?;
            }
        }
        self.flush_if_full()
    }

    fn flush_if_full(&mut self) -> Result<(), Error> {
        match &mut self.outputs.direct {
            Direct::Live(live) if live.is_full() => live.flush(&self.cancel),
            _ => Ok(()),
        }
    }

    /// Writes rows of a batch that is still open where they are many; under a header that is not out
    /// yet they wait, as it is to have all columns of its batch.
    pub(super) fn write_early(&mut self) -> Result<(), Error> {
        let Direct::Live(live) = &self.outputs.direct else { return Ok(()) };
        let is_settled = !self.outputs.has_header() || live.rows.has_headers();
        match is_settled && self.groups.bytes() > VALUES_BYTES_MAX {
            true => self.write_waiting(),
            false => Ok(()),
        }
    }

    fn write_group(&mut self, full: FullGroup) -> Result<(), Error> {
        let known = self.schema.layout_now(full.table);
        self.outputs.write_direct(full, &known.layout)
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

/// Puts lines in the order of their records, and those of one record in the order of their tables.
///
/// Each table comes with the record of each of its lines.
fn interleaved(tables: &[(usize, Vec<u32>, Vec<u8>)]) -> Vec<u8> {
    let mut out = Vec::with_capacity(tables.iter().map(|(_, _, text)| text.len()).sum());
    let lines = |text| memchr_iter(b'\n', text).map(|end| end + 1);
    let mut left: Vec<_> = tables
        .iter()
        .map(|(_, records, text)| (records.iter().zip(lines(text)).peekable(), 0, text))
        .collect();
    let last = tables.iter().filter_map(|(_, records, _)| records.last()).max();
    for record in 0..=last.copied().unwrap_or(0) {
        for (lines, start, text) in &mut left {
            while let Some((_, end)) = lines.next_if(|(of, _)| **of == record) {
                out.extend_from_slice(&text[*start..end]);
                *start = end;
            }
        }
    }
    out
}

/// Encodes and writes rows on the spot: they are few, or to be out soon.
fn write_now(
    writer: &mut dyn TableWriter,
    full: FullGroup,
    layout: &Arc<Layout>,
) -> Result<(), Error> {
    let tasks = writer.plan(full.group, layout, Place::Inner)?;
    writer.append(do_all(tasks)?)
}
