//! Arrow IPC files: a batch for each row group as it fills, one schema, at the start, in the end.
//!
//! The file begins with the layout that its first row group had. If in the end all row groups hold all
//! columns under their final types, and that layout is the final one, what is missing is the footer.
//! Otherwise the batches are copied into a second file: arrays that fit as they are, missing ones as
//! nulls, those whose type widened read and built again.
//!
//! The format has room for every cell, also for those without a value: a row group of thousands of
//! columns becomes several batches, which are built one by one as they are written.

use std::collections::{HashMap, VecDeque};
use std::io::{self, BufWriter, Write};
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_buffer::MutableBuffer;
use arrow_ipc::reader::FileDecoder;
use arrow_ipc::writer::FileWriter;
use arrow_ipc::{Block, MetadataVersion};
use arrow_schema::{ArrowError, Field, Fields, Schema, SchemaRef};

use super::parquet::kept_type;
use super::residue::Residue;
use super::written::Written;
use super::{Anew, Encoded, Place, RowGroup, TableWriter, Task, arrow, do_all};
use crate::error::{Error, ErrorKind};
use crate::schema::widen::ColumnType;
use crate::schema::{Layout, LayoutColumn};
use crate::sink::{AppendFile, Scratch, Staged};
use crate::table::Column;

/// Bytes that a value takes while its column is read and built again, besides text.
const REREAD_ROW_BYTES: usize = 40;

/// Bytes that a batch takes, about, text aside. How many rows that are follows from the columns alone,
/// and is a power of two: a batch of fewer columns holds several whole ones of more.
const BATCH_BYTES: usize = 32 << 20;

/// Bytes of a cell, about, text aside.
pub const CELL_BYTES: usize = 8;

/// Starts an Arrow IPC file.
pub fn open(staged: Staged) -> Box<dyn TableWriter> {
    Box::new(IpcWriter {
        staged,
        out: None,
        batches: Vec::new(),
        residue: Residue::default(),
        planned: VecDeque::new(),
        planned_count: 0,
        appended_count: 0,
        again: None,
    })
}

struct IpcWriter {
    staged: Staged,
    /// Begun with the first row group.
    out: Option<IpcFile>,
    batches: Vec<Batch>,
    residue: Residue,
    /// Row groups that were planned and not yet appended.
    planned: VecDeque<Planned>,
    planned_count: usize,
    appended_count: usize,
    /// The second file, where there has to be one.
    again: Option<Again>,
}

/// A column of a batch: its index, and the type of its array.
type Held = (usize, ColumnType);

/// A batch that was written.
struct Batch {
    /// The row group that it is of.
    group: usize,
    rows: usize,
    at: u64,
    bytes: usize,
    /// Its columns, in their order; mostly those of the batch before.
    columns: Arc<[Held]>,
}

struct Planned {
    rows: usize,
    columns: Arc<[Held]>,
    layout: Arc<Layout>,
}

/// A file under the final layout.
struct Again {
    scratch: Scratch,
    out: IpcFile,
    layout: Arc<Layout>,
    wanted: Arc<[Held]>,
    written: Arc<Written>,
    planned: usize,
    /// The row group that is planned, and its columns that were not written, from the next batch on.
    group: Option<usize>,
    kept: HashMap<usize, Column>,
    /// Rows of the batches that were planned and not yet appended.
    rows: VecDeque<usize>,
}

/// A column of rows that become one batch or several.
pub enum Cells {
    /// As it is written, of rows that become one.
    Array(ArrayRef),
    /// To be built.
    Column(Box<Column>),
    /// Without a value.
    Nulls,
}

impl Cells {
    fn of(column: Option<Column>) -> Self {
        column.map_or(Cells::Nulls, |column| Cells::Column(Box::new(column)))
    }

    fn into_array(self, rows: usize, column_type: &ColumnType) -> Result<ArrayRef, Error> {
        match self {
            Cells::Array(array) => Ok(array),
            Cells::Column(column) => arrow::to_array(Some(*column), rows, column_type),
            Cells::Nulls => arrow::to_array(None, rows, column_type),
        }
    }

    /// Cuts it after `row` rows: keeps those before it, returns the rest.
    fn split_off(&mut self, row: usize) -> Self {
        match self {
            // Nothing says that slices are written by the same bytes as arrays of those rows.
            Cells::Array(_) => unreachable!("arrays are of one batch"),
            Cells::Column(column) => Cells::Column(Box::new(column.split_off(row))),
            Cells::Nulls => Cells::Nulls,
        }
    }
}

/// Returns how many rows of so many columns become a batch.
fn batch_rows(columns: usize) -> usize {
    let rows = BATCH_BYTES / CELL_BYTES / columns.max(1);
    1 << rows.max(1).ilog2()
}

/// An Arrow file being written, which holds no file descriptor while it rests.
struct IpcFile {
    out: FileWriter<Out>,
    schema: SchemaRef,
}

#[derive(Default)]
struct Out {
    file: Option<BufWriter<AppendFile>>,
    bytes: u64,
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let file = self.file.as_mut().ok_or_else(|| io::Error::other("a file that rests"))?;
        let written = file.write(bytes)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_mut().map_or(Ok(()), Write::flush)
    }
}

impl Out {
    fn rest(&mut self) -> io::Result<()> {
        self.flush()?;
        self.file = None;
        Ok(())
    }
}

impl IpcFile {
    fn open(file: AppendFile, layout: &Layout) -> Result<Self, ArrowError> {
        let schema = Arc::new(arrow::schema(layout));
        let out = Out { file: Some(BufWriter::new(file)), bytes: 0 };
        let mut out = FileWriter::try_new(out, &schema)?;
        out.get_mut().rest()?;
        Ok(IpcFile { out, schema })
    }

    /// Appends rows in batches; tells `noted` the rows of each, where it lies and the bytes it takes.
    fn append(
        &mut self,
        file: AppendFile,
        columns: &[Held],
        rows: usize,
        cells: Vec<Cells>,
        noted: &mut dyn FnMut(usize, u64, usize),
    ) -> Result<(), Failure> {
        self.out.get_mut().file = Some(BufWriter::new(file));
        self.append_cells(&schema_of(columns), columns, rows, cells, noted)?;
        Ok(self.out.get_mut().rest().map_err(ArrowError::from)?)
    }

    fn append_cells(
        &mut self,
        schema: &SchemaRef,
        columns: &[Held],
        rows: usize,
        mut cells: Vec<Cells>,
        noted: &mut dyn FnMut(usize, u64, usize),
    ) -> Result<(), Failure> {
        let most = batch_rows(columns.len());
        if rows > most {
            // In halves, as what is behind a cut is copied.
            let head = rows.div_ceil(most).div_ceil(2) * most;
            let tail = cells.iter_mut().map(|cells| cells.split_off(head)).collect();
            self.append_cells(schema, columns, head, cells, noted)?;
            return self.append_cells(schema, columns, rows - head, tail, noted);
        }
        let arrays = cells.into_iter().zip(columns);
        let arrays = arrays.map(|(cells, (_, column_type))| cells.into_array(rows, column_type));
        let arrays = arrays.collect::<Result<_, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let batch = RecordBatch::try_new_with_options(Arc::clone(schema), arrays, &options)?;
        let at = self.out.get_ref().bytes;
        self.out.write(&batch)?;
        noted(rows, at, (self.out.get_ref().bytes - at) as usize);
        Ok(())
    }

    fn finish(mut self, file: AppendFile) -> Result<(), ArrowError> {
        self.out.get_mut().file = Some(BufWriter::new(file));
        self.out.finish()?;
        Ok(self.out.get_mut().rest()?)
    }
}

/// What went wrong with a batch: in the library or in writing, or before.
enum Failure {
    Arrow(ArrowError),
    Ours(Error),
}

impl From<ArrowError> for Failure {
    fn from(cause: ArrowError) -> Self {
        Failure::Arrow(cause)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Ours(error)
    }
}

impl Failure {
    /// Returns it as an error; `at_fault` is told what failed in writing itself.
    fn into_error(self, at_fault: impl Fn(io::Error) -> Error) -> Error {
        match self {
            Failure::Arrow(ArrowError::IoError(_, cause)) => at_fault(cause),
            Failure::Arrow(cause) => {
                Error::new(ErrorKind::Io, format!("writing Arrow failed: {cause}"))
                    .with_source(cause)
            }
            Failure::Ours(error) => error,
        }
    }
}

/// Returns a schema of columns without names.
fn schema_of(columns: &[Held]) -> SchemaRef {
    let field = |(_, column_type): &Held| Field::new("", arrow::data_type(column_type), true);
    Arc::new(Schema::new(columns.iter().map(field).collect::<Fields>()))
}

fn columns_of(layout: &Layout) -> Arc<[Held]> {
    layout.columns.iter().map(|column| (column.index, column.column_type.clone())).collect()
}

fn failed(cause: ArrowError, at_fault: impl Fn(io::Error) -> Error) -> Error {
    Failure::Arrow(cause).into_error(at_fault)
}

fn cells_of(encoded: Vec<Encoded>) -> Result<Vec<Cells>, Error> {
    let mut cells = Vec::with_capacity(encoded.len());
    for encoded in encoded {
        match encoded {
            Encoded::Cells(more) => cells.extend(more),
            _ => return Err(Error::new(ErrorKind::Internal, "arrow was handed other data")),
        }
    }
    Ok(cells)
}

impl IpcWriter {
    /// Returns whether all that was written is as it is to be under `layout`.
    fn stands(&self, layout: &Layout) -> bool {
        let Some(out) = &self.out else { return true };
        let wanted = columns_of(layout);
        self.batches.iter().all(|batch| batch.columns == wanted)
            && *out.schema == arrow::schema(layout)
    }

    fn begin_again(&self, layout: &Layout) -> Result<Again, Error> {
        let scratch = self.staged.scratch()?;
        let out = IpcFile::open(scratch.append()?, layout);
        let out = out.map_err(|cause| failed(cause, |cause| scratch.error("writing", cause)))?;
        Ok(Again {
            out,
            scratch,
            layout: Arc::new(layout.clone()),
            wanted: columns_of(layout),
            written: Arc::new(Written::of(&self.staged)?),
            planned: 0,
            group: None,
            kept: HashMap::new(),
            rows: VecDeque::new(),
        })
    }

    fn plan_again(&self, again: &mut Again) -> Result<Option<Anew>, Error> {
        let Some(batch) = self.batches.get(again.planned) else { return Ok(None) };
        let places = batch.columns.iter().enumerate().map(|(place, (index, _))| (*index, place));
        let places: HashMap<usize, usize> = places.collect();
        if again.group != Some(batch.group) {
            again.group = Some(batch.group);
            again.kept.clear();
            for (index, _) in again.wanted.iter().filter(|(index, _)| !places.contains_key(index)) {
                if let Some(values) = self.residue.get(batch.group, *index)? {
                    again.kept.insert(*index, values);
                }
            }
        }
        let mut changing = 0;
        let mut sources = Vec::with_capacity(again.wanted.len());
        for (index, wanted) in &*again.wanted {
            let place = places.get(index).copied();
            changing += usize::from(place.is_some_and(|place| batch.columns[place].1 != *wanted));
            let kept = again.kept.get_mut(index);
            sources.push(match place {
                Some(place) => Source::Array(place),
                None => Source::Column(kept.map(|values| {
                    let rest = values.split_off(batch.rows);
                    std::mem::replace(values, rest)
                })),
            });
        }
        let rewrite = Rewrite {
            written: Arc::clone(&again.written),
            at: batch.at,
            bytes: batch.bytes,
            rows: batch.rows,
            columns: Arc::clone(&batch.columns),
            sources,
            layout: Arc::clone(&again.layout),
        };
        again.planned += 1;
        again.rows.push_back(batch.rows);
        Ok(Some(Anew {
            tasks: vec![Box::new(move || rewrite.run().map(Encoded::Cells))],
            bytes: 2 * batch.bytes + changing * batch.rows * REREAD_ROW_BYTES,
            made_bytes: batch.bytes,
        }))
    }
}

/// A batch that is read back, and brought under the final layout.
struct Rewrite {
    written: Arc<Written>,
    at: u64,
    bytes: usize,
    rows: usize,
    columns: Arc<[Held]>,
    /// Where each column of `layout` comes from.
    sources: Vec<Source>,
    layout: Arc<Layout>,
}

/// Where a column comes from that is written again.
enum Source {
    /// The place of its array in the batch.
    Array(usize),
    /// It was not written, and is no more than this.
    Column(Option<Column>),
}

impl Rewrite {
    fn run(self) -> Result<Vec<Cells>, Error> {
        let batch = self.read()?;
        let is_one_batch = self.rows <= batch_rows(self.layout.columns.len());
        let cells = |(column, source): (&LayoutColumn, Source)| {
            let wanted = &column.column_type;
            match source {
                Source::Array(place) if is_one_batch && self.columns[place].1 == *wanted => {
                    Ok(Cells::Array(Arc::clone(batch.column(place))))
                }
                Source::Array(place) => {
                    let values = arrow::to_column(batch.column(place), &self.columns[place].1)?;
                    let values = Cells::of(Some(values.with_marks(column.marks)));
                    match is_one_batch {
                        true => values.into_array(self.rows, wanted).map(Cells::Array),
                        false => Ok(values),
                    }
                }
                Source::Column(values) => Ok(Cells::of(values)),
            }
        };
        self.layout.columns.iter().zip(self.sources).map(cells).collect()
    }

    fn read(&self) -> Result<RecordBatch, Error> {
        let lost = |cause: Option<ArrowError>| {
            let path = self.written.path().display();
            let cause = cause.map_or_else(String::new, |cause| format!(": {cause}"));
            let message = format!("{path}: a batch that was written cannot be read back{cause}");
            Error::new(ErrorKind::Io, message)
        };
        let mut bytes = MutableBuffer::from_len_zeroed(self.bytes);
        self.written.read(self.at, bytes.as_slice_mut())?;
        // a marker, and the length of what comes before the arrays
        let head = bytes.as_slice().get(4..8).and_then(|length| length.try_into().ok());
        let head = 8 + head.map(i32::from_le_bytes).ok_or_else(|| lost(None))?;
        let block = Block::new(0, head, self.bytes as i64 - i64::from(head));
        let decoder = FileDecoder::new(schema_of(&self.columns), MetadataVersion::V5);
        let batch = decoder.read_record_batch(&block, &bytes.into());
        batch.map_err(|cause| lost(Some(cause)))?.ok_or_else(|| lost(None))
    }
}

impl TableWriter for IpcWriter {
    fn plan(
        &mut self,
        group: RowGroup,
        layout: &Arc<Layout>,
        place: Place,
    ) -> Result<Vec<Task>, Error> {
        let rows = group.rows;
        let is_one_batch = rows <= batch_rows(layout.columns.len());
        let mut columns = group.into_columns();
        let mut tasks: Vec<Task> = Vec::with_capacity(layout.columns.len());
        let mut held = Vec::with_capacity(layout.columns.len());
        for column in &layout.columns {
            let parts = columns.get_mut(column.index).map(std::mem::take).unwrap_or_default();
            let column_type = match place {
                Place::Late | Place::Last => column.column_type.clone(),
                Place::Inner => kept_type(&parts, &column.column_type),
            };
            held.push((column.index, column_type.clone()));
            tasks.push(Box::new(move || {
                let cells = Cells::of(Column::join(parts));
                Ok(Encoded::Cells(vec![match is_one_batch {
                    true => Cells::Array(cells.into_array(rows, &column_type)?),
                    false => cells,
                }]))
            }));
        }
        // under the final layout nobody asks for what is left
        if place == Place::Inner {
            self.residue.put_all(self.planned_count, columns, &self.staged)?;
        }
        let last = self.planned.back().map(|planned| &planned.columns);
        let last = last.or(self.batches.last().map(|batch| &batch.columns));
        let columns = match last {
            Some(last) if **last == *held => Arc::clone(last),
            _ => held.into(),
        };
        self.planned.push_back(Planned { rows, columns, layout: Arc::clone(layout) });
        self.planned_count += 1;
        Ok(tasks)
    }

    fn append(&mut self, encoded: Vec<Encoded>) -> Result<(), Error> {
        let unplanned = || Error::new(ErrorKind::Internal, "a row group that was not planned");
        let Planned { rows, columns, layout } = self.planned.pop_front().ok_or_else(unplanned)?;
        let cells = cells_of(encoded)?;
        let here = |cause| failed(cause, |cause| self.staged.error("writing", cause));
        let out = match &mut self.out {
            Some(out) => out,
            None => self.out.insert(IpcFile::open(self.staged.append()?, &layout).map_err(here)?),
        };
        let (group, batches) = (self.appended_count, &mut self.batches);
        self.appended_count += 1;
        let mut noted = |rows, at, bytes| {
            batches.push(Batch { group, rows, at, bytes, columns: Arc::clone(&columns) });
        };
        let appended = out.append(self.staged.append()?, &columns, rows, cells, &mut noted);
        appended.map_err(|failure| failure.into_error(|cause| self.staged.error("writing", cause)))
    }

    fn is_final(&self, layout: &Layout) -> bool {
        match &self.again {
            Some(again) => again.planned == self.batches.len(),
            None => self.stands(layout),
        }
    }

    fn plan_anew(&mut self, layout: &Layout) -> Result<Option<Anew>, Error> {
        let mut again = match self.again.take() {
            Some(again) => again,
            None if self.stands(layout) => return Ok(None),
            None => self.begin_again(layout)?,
        };
        let anew = self.plan_again(&mut again)?;
        self.again = Some(again);
        Ok(anew)
    }

    fn append_anew(&mut self, encoded: Vec<Encoded>) -> Result<(), Error> {
        let unplanned = || Error::new(ErrorKind::Internal, "nothing was planned anew");
        let again = self.again.as_mut().ok_or_else(unplanned)?;
        let rows = again.rows.pop_front().ok_or_else(unplanned)?;
        let (file, cells) = (again.scratch.append()?, cells_of(encoded)?);
        let appended = again.out.append(file, &again.wanted, rows, cells, &mut |_, _, _| {});
        let here = |cause| again.scratch.error("writing", cause);
        appended.map_err(|failure| failure.into_error(here))
    }

    fn finish(mut self: Box<Self>, layout: &Layout) -> Result<Staged, Error> {
        while let Some(anew) = self.plan_anew(layout)? {
            self.append_anew(do_all(anew.tasks)?)?;
        }
        let mut staged = self.staged;
        match self.again {
            Some(Again { scratch, out, .. }) => {
                let here = |cause| failed(cause, |cause| scratch.error("writing", cause));
                out.finish(scratch.append()?).map_err(here)?;
                staged.replace_with(scratch)?;
            }
            None => {
                let here = |cause| failed(cause, |cause| staged.error("writing", cause));
                let out = match self.out {
                    Some(out) => out,
                    None => IpcFile::open(staged.append()?, layout).map_err(here)?,
                };
                out.finish(staged.append()?).map_err(here)?;
            }
        }
        Ok(staged)
    }
}
