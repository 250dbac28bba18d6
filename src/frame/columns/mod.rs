//! Inputs of columns, Parquet and Arrow: runs of rows, as they go to the workers.

mod footer;
mod guard;
mod int96;
mod ipc;
mod parquet;
mod size;

use std::borrow::Cow;
use std::collections::{HashMap, HashSet, VecDeque};
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, SchemaRef};

use super::{BatchLimits, Batcher, Chunk, FramedFault, Next, Span, Start, size_text};
use crate::error::{Error, ErrorKind, Fault, FaultCode};
use crate::limits;
pub(crate) use size::value_bytes;

/// The rows of a chunk, as columns.
#[derive(Debug, Clone)]
pub struct ColumnRows {
    /// The rows, with names and types of their columns.
    pub batch: RecordBatch,
    /// Bytes of their values.
    pub bytes: usize,
    /// Bytes of the input that they are taken to stand for.
    pub input_bytes: u64,
    /// No row can have child rows, so rows need no ids.
    pub is_flat: bool,
}

/// What a [`ColumnFramer`] needs to know about its input.
#[derive(Debug, Clone)]
pub struct ColumnOptions {
    /// Name of the input in messages.
    pub name: String,
    /// Bytes of values in a chunk, about.
    pub chunk_bytes: usize,
    /// Longest record that is taken.
    pub record_bytes_max: usize,
    /// Records of the run after which nothing more is read, those of earlier inputs counted.
    pub records_max: Option<u64>,
    /// Bytes of the longest run of rows that is read in one piece, as some Arrow files have it.
    pub piece_bytes_max: usize,
    /// A record that is too long ends the run.
    pub fails_on_overlong: bool,
}

/// Where the bytes of an input of columns are.
pub enum ColumnInput {
    /// A file that is read at any place: Parquet.
    File(File),
    /// Bytes as they come: Arrow.
    Stream(Box<dyn Read + Send>),
}

/// Gives the rows of an input, run by run.
trait Runs: Send {
    /// Returns the names and types of the columns.
    fn schema(&self) -> SchemaRef;

    /// Returns the next rows; nothing at the end.
    fn next(&mut self) -> Result<Option<RecordBatch>, Error>;

    /// Returns how many bytes of the input were read, as far as that can be told.
    fn reached(&self) -> u64;

    /// Returns what users should know of the input, once it was read.
    fn remark(&self) -> Option<Remark> {
        None
    }
}

/// What users should know of an input that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remark {
    /// It ended without saying so.
    Open,
    /// So many timestamps lost what is below a microsecond.
    TimesCut(u64),
}

/// Cuts the rows of one input into chunks.
///
/// - Shape: each row in exactly one [`Chunk`], in order; an input without rows is one chunk without
///   records, which says what its columns are.
/// - Buffers: the rows of a piece of the input, at most a chunk where the format allows for that.
pub struct ColumnFramer {
    runs: Box<dyn Runs>,
    options: ColumnOptions,
    is_flat: bool,
    /// Rows that were read and are cut already.
    ready: VecDeque<RecordBatch>,
    batcher: Option<Box<dyn Batcher>>,
    batch_limits: BatchLimits,
    batch: u64,
    batch_records: usize,
    batch_bytes: usize,
    next: Start,
    reached: u64,
    is_fresh: bool,
    done: bool,
    failure: Option<Error>,
}

/// Records of a chunk: as many as of other formats.
const CHUNK_RECORDS_MAX: usize = 1 << 16;

impl ColumnFramer {
    /// Reads the columns of an input; `is_flat` tells from them whether rows can have child rows.
    ///
    /// - Errors: `Input` where it is not what it is taken for, is damaged, or has a column of a type
    ///   that nothing can be made of; `Io`.
    pub fn open(
        input: ColumnInput,
        options: ColumnOptions,
        start: Start,
        mut batcher: Option<Box<dyn Batcher>>,
        is_flat: impl FnOnce(&SchemaRef) -> bool,
    ) -> Result<Self, Error> {
        let runs: Box<dyn Runs> = match input {
            ColumnInput::File(file) => Box::new(parquet::ParquetRuns::open(file, &options)?),
            ColumnInput::Stream(reader) => Box::new(ipc::IpcRuns::open(reader, &options)?),
        };
        let schema = runs.schema();
        for field in schema.fields() {
            refuse(&options.name, field.name(), field.data_type(), 1)?;
        }
        Ok(ColumnFramer {
            is_flat: is_flat(&schema),
            runs,
            options,
            ready: VecDeque::new(),
            batch_limits: batcher.as_mut().map_or(BatchLimits::NONE, |batcher| batcher.begin()),
            batcher,
            batch: 0,
            batch_records: 0,
            batch_bytes: 0,
            next: start,
            reached: 0,
            is_fresh: true,
            done: false,
            failure: None,
        })
    }

    /// Returns the next chunk, or `None` at the end of the input.
    ///
    /// - Errors: `Input` where the input is damaged, `Io`; `Record` for a record that is too long
    ///   where that ends the run. The rows before come first; after an error there is nothing more.
    pub fn next(&mut self) -> Result<Option<Chunk>, Error> {
        while !self.done {
            if self.is_full() {
                self.done = true;
            } else if let Some(rows) = self.ready.pop_front() {
                return self.chunk(rows).map(Some);
            } else {
                match self.what_next() {
                    Next::Read => self.read(),
                    Next::Close if self.batch_records > 0 => return Ok(Some(self.end_batch())),
                    Next::Close => {}
                    Next::Stop => self.done = true,
                }
            }
        }
        if self.is_fresh && self.failure.is_none() {
            let none = RecordBatch::new_empty(self.runs.schema());
            return Ok(Some(self.close(none, 0)));
        }
        if self.batcher.is_some() && self.batch_records > 0 {
            return Ok(Some(self.end_batch()));
        }
        self.failure.take().map_or(Ok(None), Err)
    }

    /// Returns whether all records that are wanted are known.
    fn is_full(&self) -> bool {
        self.options.records_max.is_some_and(|most| self.next.first_record >= most)
    }

    fn what_next(&mut self) -> Next {
        match &mut self.batcher {
            Some(batcher) => batcher.more(self.batch_records),
            None => Next::Read,
        }
    }

    /// Reads the next run of rows and cuts it; what goes wrong comes behind the rows before.
    fn read(&mut self) {
        match self.runs.next() {
            Ok(Some(rows)) => size::split(rows, self.options.chunk_bytes, &mut self.ready),
            Ok(None) => self.done = true,
            Err(error) => {
                self.done = true;
                self.failure = Some(error);
            }
        }
    }

    /// Makes a chunk of rows, or of some of them, as far as the batch and the run take any.
    fn chunk(&mut self, rows: RecordBatch) -> Result<Chunk, Error> {
        let mut most = CHUNK_RECORDS_MAX.min(self.batch_limits.records - self.batch_records);
        if let Some(records_max) = self.options.records_max {
            let left = records_max - self.next.first_record;
            most = most.min(usize::try_from(left).unwrap_or(usize::MAX));
        }
        let mut rows = self.keep(rows, most.max(1));
        let mut bytes = value_bytes(&rows);
        // A batch takes its first record whatever that holds.
        let room = self.batch_limits.bytes.saturating_sub(self.batch_bytes);
        while bytes > room && rows.num_rows() > 1 {
            let half = rows.num_rows() / 2;
            rows = self.keep(rows, half);
            bytes = value_bytes(&rows);
        }
        if bytes > self.options.record_bytes_max {
            let sizes = size::row_bytes(&rows);
            let longest = self.options.record_bytes_max;
            match sizes.iter().position(|size| *size > longest as u64) {
                Some(0) => {
                    rows = self.keep(rows, 1);
                    return self.overlong(&rows, sizes[0]);
                }
                Some(before) => {
                    rows = self.keep(rows, before);
                    bytes = value_bytes(&rows);
                }
                None => {}
            }
        }
        Ok(self.close(rows, bytes))
    }

    /// Keeps the first rows; others wait.
    fn keep(&mut self, rows: RecordBatch, count: usize) -> RecordBatch {
        if count >= rows.num_rows() {
            return rows;
        }
        self.ready.push_front(rows.slice(count, rows.num_rows() - count));
        rows.slice(0, count)
    }

    /// Makes a chunk of a record that is too long, of which nothing is kept.
    fn overlong(&mut self, rows: &RecordBatch, bytes: u64) -> Result<Chunk, Error> {
        let longest = size_text(self.options.record_bytes_max);
        let message = format!(
            "expected {longest} at most, found {bytes} bytes (raise it with `--max-record-bytes`)"
        );
        if self.options.fails_on_overlong {
            let (name, record) = (&self.options.name, self.next.first_record + 1);
            let code = FaultCode::RecordTooLarge;
            self.done = true;
            let message = format!("{name}: record {record}: {message} ({code})");
            let hint = "nothing was written; `--on-error skip` puts such records into a reject \
                        file and goes on";
            return Err(Error::new(ErrorKind::Record(code), message).with_hint(hint));
        }
        let mut chunk = self.close(rows.clone(), 0);
        let fault = Fault::new(FaultCode::RecordTooLarge, 0, message);
        chunk.faults =
            vec![FramedFault { record: 0, fault, unread_bytes: bytes.max(1), is_rest: false }];
        if let Some(columns) = &mut chunk.columns {
            columns.batch = RecordBatch::new_empty(rows.schema());
        }
        Ok(chunk)
    }

    /// Ends the batch with a chunk of no records.
    fn end_batch(&mut self) -> Chunk {
        let none = RecordBatch::new_empty(self.runs.schema());
        let mut chunk = self.close(none, 0);
        if !chunk.ends_batch {
            chunk.ends_batch = true;
            self.begin_batch();
        }
        chunk
    }

    fn close(&mut self, batch: RecordBatch, bytes: usize) -> Chunk {
        let (start, count) = (self.next, batch.num_rows());
        let reached = self.runs.reached();
        let input_bytes = reached - std::mem::replace(&mut self.reached, reached);
        let columns = ColumnRows { batch, bytes, input_bytes, is_flat: self.is_flat };
        let mut chunk = Chunk {
            sequence: start.sequence,
            input_index: start.input_index,
            batch: self.batch,
            records: vec![Span { start: 0, end: 0 }; count],
            first_record: start.first_record,
            columns: Some(columns),
            ..Chunk::default()
        };
        self.is_fresh = false;
        self.next.sequence += 1;
        self.next.first_record += count as u64;
        self.batch_records += count;
        self.batch_bytes += bytes;
        chunk.ends_batch = self.batch_records >= self.batch_limits.records
            || self.batch_bytes >= self.batch_limits.bytes;
        if chunk.ends_batch {
            self.begin_batch();
        }
        chunk
    }

    fn begin_batch(&mut self) {
        self.batch += 1;
        (self.batch_records, self.batch_bytes) = (0, 0);
        self.batch_limits = match &mut self.batcher {
            Some(batcher) => batcher.begin(),
            None => BatchLimits::NONE,
        };
    }

    /// Returns columns whose name stood twice, and what became of the later ones.
    pub fn renamed(&self) -> Vec<(String, String)> {
        let schema = self.runs.schema();
        let names = schema.fields().iter().map(|field| field.name().as_str());
        let renamed = names.clone().zip(distinct(names)).filter(|(wanted, name)| wanted != name);
        renamed.map(|(wanted, name)| (wanted.to_owned(), name.into_owned())).collect()
    }

    /// Returns how many bytes of the input the chunks so far reach over; all, where it has ended.
    pub fn reached(&self) -> u64 {
        self.runs.reached()
    }

    /// Returns what users should know of the input, once it was read.
    pub fn remark(&self) -> Option<Remark> {
        self.runs.remark()
    }

    /// Returns where the counts of the next input begin.
    pub fn end(&self) -> Start {
        Start { input_index: self.next.input_index + 1, ..self.next }
    }
}

impl fmt::Debug for ColumnFramer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, next) = (&self.options.name, &self.next);
        f.debug_struct("ColumnFramer").field("name", name).field("next", next).finish()
    }
}

impl ColumnRows {
    /// Returns the bytes of memory that the rows take.
    pub(crate) fn memory(&self) -> usize {
        self.batch.get_array_memory_size()
    }

    /// Keeps some rows only.
    pub(super) fn slice(&self, start: usize, count: usize) -> ColumnRows {
        let batch = self.batch.slice(start, count);
        let bytes = value_bytes(&batch);
        ColumnRows { batch, bytes, input_bytes: 0, is_flat: self.is_flat }
    }

    /// Copies some rows, apart from the others they came with.
    pub(crate) fn copied(&self, start: usize, count: usize) -> ColumnRows {
        let indices = (start as u64..(start + count) as u64).collect::<Vec<_>>();
        let indices = arrow_array::UInt64Array::from(indices);
        let slice = self.slice(start, count);
        match arrow_select::take::take_record_batch(&self.batch, &indices) {
            Ok(batch) => ColumnRows { batch: apart(batch), ..slice },
            // It holds more memory than it needs, and the same rows.
            Err(_) => slice,
        }
    }
}

/// Gives the later of two columns with one name a number behind it; names that stand in the file are
/// nobody else's.
pub(crate) fn distinct<'a>(names: impl Iterator<Item = &'a str> + Clone) -> Vec<Cow<'a, str>> {
    let mut taken: HashSet<Cow<'a, str>> = HashSet::new();
    let given: HashSet<&str> = names.clone().collect();
    let mut numbers: HashMap<&str, usize> = HashMap::new();
    let mut distinct = Vec::new();
    for wanted in names {
        let mut name = Cow::Borrowed(wanted);
        while taken.contains(&name) || (name != wanted && given.contains(&*name)) {
            let number = numbers.entry(wanted).or_insert(1);
            *number += 1;
            name = Cow::Owned(format!("{wanted}_{number}"));
        }
        taken.insert(name.clone());
        distinct.push(name);
    }
    distinct
}

/// Lets texts that point into those of other rows have their own.
fn apart(batch: RecordBatch) -> RecordBatch {
    let columns = batch.columns().iter().map(|column| match column.data_type() {
        DataType::Utf8View => Arc::new(column.as_string_view().gc()) as ArrayRef,
        DataType::BinaryView => Arc::new(column.as_binary_view().gc()),
        _ => Arc::clone(column),
    });
    RecordBatch::try_new(batch.schema(), columns.collect()).unwrap_or(batch)
}

/// Refuses columns that hold values of one of several types, or are nested too deep.
fn refuse(name: &str, column: &str, data_type: &DataType, depth: usize) -> Result<(), Error> {
    if depth > limits::COLUMN_DEPTH_MAX {
        let (most, column) = (limits::COLUMN_DEPTH_MAX, column.escape_debug());
        let message =
            format!("{name}: expected columns of at most {most} levels, found more in `{column}`");
        return Err(Error::new(ErrorKind::Input, message));
    }
    let inner: Vec<&DataType> = match data_type {
        DataType::Union(..) => {
            let column = column.escape_debug();
            let message =
                format!("{name}: expected columns of one type each, found a union in `{column}`");
            let hint = "make a structure of it, with a member for each type, and write it again";
            return Err(Error::new(ErrorKind::Input, message).with_hint(hint));
        }
        DataType::Struct(fields) => fields.iter().map(|field| field.data_type()).collect(),
        DataType::List(field)
        | DataType::LargeList(field)
        | DataType::ListView(field)
        | DataType::LargeListView(field)
        | DataType::FixedSizeList(field, _)
        | DataType::Map(field, _)
        | DataType::RunEndEncoded(_, field) => vec![field.data_type()],
        DataType::Dictionary(_, values) => vec![values],
        _ => Vec::new(),
    };
    inner.into_iter().try_for_each(|inner| refuse(name, column, inner, depth + 1))
}

/// Builds the error for columns that are nested too deep for libraries.
fn too_deep(name: &str, levels: usize) -> Error {
    let most = limits::COLUMN_DEPTH_MAX;
    let message =
        format!("{name}: expected columns of at most {most} levels, found {levels} in its schema");
    Error::new(ErrorKind::Input, message)
        .with_hint("no program needs that many; write the file again with fewer")
}

/// Builds the error for an input that is not, or no longer, what it should be.
fn damaged(name: &str, what: &str, cause: impl fmt::Display) -> Error {
    let cause: String = cause.to_string().chars().flat_map(char::escape_debug).take(300).collect();
    let message = format!("{name}: expected {what}, found it cut off or damaged: {cause}");
    Error::new(ErrorKind::Input, message)
        .with_hint("write, copy or download the file again; nothing was written")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_distinct() {
        for (given, expected) in [
            (&["a", "b"][..], &["a", "b"][..]),
            (&["a", "a", "a"], &["a", "a_2", "a_3"]),
            (&["a", "a", "a_2"], &["a", "a_3", "a_2"]),
            (&["", ""], &["", "_2"]),
        ] {
            assert_eq!(distinct(given.iter().copied()), expected, "{given:?}");
        }
    }
}
