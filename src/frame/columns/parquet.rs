//! Parquet: row group by row group, in runs of rows.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::ops::Range;
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

use arrow_array::RecordBatch;
use arrow_schema::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};
use bytes::Bytes;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
    ParquetRecordBatchReaderBuilder,
};
use parquet::basic::Type as PhysicalType;
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};

use super::footer::{TAIL_BYTES, depth, footer_bytes};
use super::guard::guarded;
use super::int96::Int96Units;
use super::{ColumnOptions, Remark, Runs, damaged, too_deep, value_bytes};
use crate::error::{Error, ErrorKind};
use crate::limits;

/// What messages call the format.
const WHAT: &str = "a Parquet file";

/// Rows that are read at once, at most; and where nobody knows how long they are.
const ROWS_MAX: usize = 1 << 16;
const ROWS_FIRST: usize = 256;

/// How often a row group is opened again as its rows are longer or shorter than they seemed.
const REOPENS_MAX: usize = 6;

/// The rows of a Parquet file.
pub(super) struct ParquetRuns {
    name: String,
    file: PositionedFile,
    /// When the file was written last, as it was opened.
    written: Option<SystemTime>,
    metadata: ArrowReaderMetadata,
    chunk_bytes: usize,
    /// Bytes of memory that pages at hand may take.
    piece_bytes_max: usize,
    /// The row group that comes next.
    group: usize,
    open: Option<Group>,
    wide: Option<WideGroup>,
    /// Rows that were read, of all.
    rows: u64,
    rows_all: u64,
    /// Timestamps that lose what is below a microsecond.
    times_cut: u64,
}

/// A row group that is being read.
struct Group {
    index: usize,
    reader: ParquetRecordBatchReader,
    /// Rows read of it.
    rows: usize,
    rows_all: usize,
    /// Rows that are read at once.
    rows_once: usize,
    reopens: usize,
}

/// A row group of so many columns that a page of each is too much: some are read at once, from the
/// same row on, and then others.
struct WideGroup {
    index: usize,
    /// Columns that are read together, rising.
    sets: Vec<Range<usize>>,
    rows: usize,
    rows_all: usize,
    rows_once: usize,
}

/// Bytes of a page, and of a dictionary: most programs write no longer ones.
const PAGE_BYTES: u64 = 1 << 20;

impl ParquetRuns {
    pub(super) fn open(file: File, options: &ColumnOptions) -> Result<Self, Error> {
        let name = options.name.clone();
        let found = file.metadata().map_err(|cause| failed(&name, ParquetError::from(cause)))?;
        let failure = Arc::default();
        let file = PositionedFile { file: Arc::new(file), len: found.len(), failure };
        check_depth(&file, &name)?;
        let read = || {
            let options = ArrowReaderOptions::new();
            let metadata = match ArrowReaderMetadata::load(&file, options.clone()) {
                Ok(metadata) => metadata,
                // What Arrow itself has noted may be what is wrong, and is not needed.
                Err(_) => ArrowReaderMetadata::load(&file, options.with_skip_arrow_metadata(true))?,
            };
            let units = Int96Units::of(&file, metadata.metadata())?;
            let schema = readable(&metadata, &units);
            if &schema == metadata.schema() {
                return Ok((metadata, units.cut));
            }
            let options = ArrowReaderOptions::new().with_schema(schema);
            let metadata = ArrowReaderMetadata::try_new(Arc::clone(metadata.metadata()), options)?;
            Ok((metadata, units.cut))
        };
        let (metadata, times_cut) = guarded(read)
            .map_err(|panic| damaged(&name, WHAT, panic))
            .and_then(|read| read.map_err(|cause| failed(&name, cause)))
            .map_err(|error| file.blame(&name, error))?;
        let groups = metadata.metadata().row_groups().iter();
        let rows_all = groups
            .map(|group| u64::try_from(group.num_rows()).unwrap_or(0))
            .fold(0u64, u64::saturating_add);
        Ok(ParquetRuns {
            name,
            file,
            written: found.modified().ok(),
            metadata,
            chunk_bytes: options.chunk_bytes,
            piece_bytes_max: options.piece_bytes_max,
            group: 0,
            open: None,
            wide: None,
            rows: 0,
            rows_all,
            times_cut,
        })
    }

    /// Opens a row group from one of its rows on.
    fn open_group(&self, index: usize, from: usize, once: usize) -> Result<Group, Error> {
        let rows_all = self.metadata.metadata().row_group(index).num_rows();
        let open = || {
            let (file, metadata) = (self.file.clone(), self.metadata.clone());
            let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata)
                .with_row_groups(vec![index])
                .with_batch_size(once);
            let builder = if from > 0 { builder.with_offset(from) } else { builder };
            builder.build()
        };
        let reader = guarded(open)
            .map_err(|panic| damaged(&self.name, WHAT, panic))?
            .map_err(|cause| failed(&self.name, cause))?;
        let rows_all = usize::try_from(rows_all).unwrap_or(0);
        Ok(Group { index, reader, rows: from, rows_all, rows_once: once, reopens: 0 })
    }

    /// Returns how many rows to read at once at the start of a row group.
    fn rows_at_first(&self, index: usize) -> usize {
        let group = self.metadata.metadata().row_group(index);
        let rows = group.num_rows().max(1) as u64;
        let mut bytes = u64::try_from(group.total_byte_size()).unwrap_or(0);
        for column in group.columns() {
            if column.column_type() == PhysicalType::BYTE_ARRAY {
                match column.unencoded_byte_array_data_bytes() {
                    Some(length) => bytes += u64::try_from(length).unwrap_or(0),
                    // Few long values may stand in many rows.
                    None => return ROWS_FIRST,
                }
            }
        }
        let row = (bytes / rows).max(group.num_columns() as u64 * 4).max(1);
        (self.chunk_bytes as u64 / row).clamp(1, ROWS_MAX as u64) as usize
    }

    /// Returns a row group as one to be read in sets of columns, if it is so wide.
    fn wide_group(&self, index: usize) -> Option<WideGroup> {
        let group = self.metadata.metadata().row_group(index);
        let schema = self.metadata.parquet_schema();
        let mut roots = vec![0u64; self.metadata.schema().fields().len()];
        for (leaf, column) in group.columns().iter().enumerate() {
            let bytes = u64::try_from(column.uncompressed_size()).unwrap_or(0).min(2 * PAGE_BYTES);
            // As it stands in the file, and what is made of it.
            *roots.get_mut(schema.get_column_root_idx(leaf))? += 2 * bytes;
        }
        let most = self.piece_bytes_max as u64;
        if roots.iter().sum::<u64>() <= most {
            return None;
        }
        let (mut sets, mut start, mut sum) = (Vec::new(), 0, 0);
        for (root, bytes) in roots.iter().enumerate() {
            if root > start && sum + bytes > most / 4 {
                sets.push(start..root);
                (start, sum) = (root, 0);
            }
            sum += bytes;
        }
        sets.push(start..roots.len());
        let rows_all = usize::try_from(group.num_rows()).unwrap_or(0);
        let all = u64::try_from(group.total_byte_size()).unwrap_or(0);
        let row = (all / rows_all.max(1) as u64).max(group.num_columns() as u64 * 4).max(1);
        let rows_once = (most / 8 / row).clamp(1, ROWS_MAX as u64) as usize;
        Some(WideGroup { index, sets, rows: 0, rows_all, rows_once })
    }

    /// Reads the next rows of a wide row group; nothing at its end.
    fn next_of_wide(&self, group: &mut WideGroup) -> Result<Option<RecordBatch>, Error> {
        let once = group.rows_once.min(group.rows_all - group.rows);
        if once == 0 {
            return Ok(None);
        }
        let mut columns = Vec::with_capacity(self.metadata.schema().fields().len());
        for set in &group.sets {
            let read = || {
                let (file, metadata) = (self.file.clone(), self.metadata.clone());
                let mask = ProjectionMask::roots(metadata.parquet_schema(), set.clone());
                let mut reader = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata)
                    .with_row_groups(vec![group.index])
                    .with_projection(mask)
                    .with_offset(group.rows)
                    .with_limit(once)
                    .with_batch_size(once)
                    .build()?;
                reader.next().transpose().map_err(ParquetError::from)
            };
            let rows = guarded(read)
                .map_err(|panic| damaged(&self.name, WHAT, panic))?
                .map_err(|cause| failed(&self.name, cause))?;
            match rows {
                Some(rows) if rows.num_rows() == once => columns.extend_from_slice(rows.columns()),
                _ => return Err(damaged(&self.name, WHAT, "a column has too few rows")),
            }
        }
        group.rows += once;
        let rows = RecordBatch::try_new(self.schema(), columns);
        rows.map(Some).map_err(|cause| damaged(&self.name, WHAT, cause))
    }

    /// Checks that the file is the one that was opened.
    fn check_unchanged(&self) -> Result<(), Error> {
        let found = self.file.file.metadata();
        let found = found.map_err(|cause| failed(&self.name, ParquetError::from(cause)))?;
        if found.len() == self.file.len && found.modified().ok() == self.written {
            return Ok(());
        }
        let message = format!("{}: the file changed while it was read", self.name);
        Err(Error::new(ErrorKind::Input, message).with_hint("run again; nothing was written"))
    }
}

impl Runs for ParquetRuns {
    fn schema(&self) -> SchemaRef {
        Arc::clone(self.metadata.schema())
    }

    fn next(&mut self) -> Result<Option<RecordBatch>, Error> {
        self.next_rows().map_err(|error| self.file.blame(&self.name, error))
    }

    fn reached(&self) -> u64 {
        if self.rows >= self.rows_all {
            return self.file.len;
        }
        (u128::from(self.file.len) * u128::from(self.rows) / u128::from(self.rows_all)) as u64
    }

    fn remark(&self) -> Option<Remark> {
        (self.times_cut > 0).then_some(Remark::TimesCut(self.times_cut))
    }
}

impl ParquetRuns {
    fn next_rows(&mut self) -> Result<Option<RecordBatch>, Error> {
        loop {
            if let Some(mut group) = self.wide.take() {
                let Some(rows) = self.next_of_wide(&mut group)? else { continue };
                self.rows += rows.num_rows() as u64;
                self.wide = Some(group);
                return Ok(Some(rows));
            }
            let mut group = match self.open.take() {
                Some(group) => group,
                None if self.group < self.metadata.metadata().num_row_groups() => {
                    let (index, once) = (self.group, self.rows_at_first(self.group));
                    self.group += 1;
                    self.wide = self.wide_group(index);
                    if self.wide.is_some() {
                        continue;
                    }
                    self.open_group(index, 0, once)?
                }
                None => {
                    self.check_unchanged()?;
                    return Ok(None);
                }
            };
            let read = guarded(|| group.reader.next());
            let read = read.map_err(|panic| damaged(&self.name, WHAT, panic))?;
            let Some(rows) = read else {
                if group.rows != group.rows_all {
                    let (found, expected) = (group.rows, group.rows_all);
                    let cause = format!("{found} of {expected} rows of a row group");
                    return Err(damaged(&self.name, WHAT, cause));
                }
                continue;
            };
            let rows = rows.map_err(|cause| failed(&self.name, ParquetError::from(cause)))?;
            let count = rows.num_rows();
            group.rows += count;
            self.rows += count as u64;
            let row_bytes = (value_bytes(&rows) / count.max(1)).max(1);
            let wanted = (self.chunk_bytes / row_bytes).clamp(1, ROWS_MAX);
            let once = group.rows_once;
            let is_off = wanted / 4 > once || wanted < once / 4;
            if is_off && group.reopens < REOPENS_MAX && group.rows < group.rows_all {
                let reopens = group.reopens + 1;
                group = self.open_group(group.index, group.rows, wanted)?;
                group.reopens = reopens;
            }
            self.open = Some(group);
            return Ok(Some(rows));
        }
    }
}

/// Refuses a file whose schema is nested deeper than any that has a place here, before a library
/// goes down into it.
fn check_depth(file: &PositionedFile, name: &str) -> Result<(), Error> {
    // A list is two levels there, and one here.
    const LEVELS_MAX: usize = 2 * limits::COLUMN_DEPTH_MAX + 2;
    let read = |back: usize, count: usize| {
        let start = file.len.checked_sub(back as u64)?;
        file.get_bytes(start, count).ok()
    };
    let levels = read(TAIL_BYTES, TAIL_BYTES)
        .and_then(|tail| footer_bytes(&tail))
        .and_then(|length| read(TAIL_BYTES + length, length))
        .and_then(|footer| depth(&footer));
    match levels {
        Some(levels) if levels > LEVELS_MAX => Err(too_deep(name, levels)),
        _ => Ok(()),
    }
}

/// Says what is wrong with a file.
fn failed(name: &str, cause: ParquetError) -> Error {
    match cause {
        ParquetError::External(cause) if cause.is::<io::Error>() => unreadable(name, cause),
        ParquetError::NYI(cause) => {
            let message = format!("{name}: expected Parquet that can be read here, found {cause}");
            Error::new(ErrorKind::Input, message)
                .with_hint("write it in another way, or convert it with the program that wrote it")
        }
        ParquetError::General(cause) | ParquetError::EOF(cause) => damaged(name, WHAT, cause),
        other => damaged(name, WHAT, other),
    }
}

/// Says that a file could not be read, which tells nothing of what is in it.
fn unreadable(name: &str, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    let cause = cause.into();
    let message = format!("{name}: reading failed: {cause}");
    Error::new(ErrorKind::Io, message).with_source(cause)
}

/// Returns the types that columns are read as: what is packed in other ways is read as what it
/// stands for.
fn readable(metadata: &ArrowReaderMetadata, units: &Int96Units) -> SchemaRef {
    let mut leaves = 0..;
    let fields: Fields = metadata
        .schema()
        .fields()
        .iter()
        .map(|field| readable_field(field, &mut || leaves.next().and_then(|leaf| units.get(leaf))))
        .collect();
    Arc::new(Schema::new_with_metadata(fields, metadata.schema().metadata().clone()))
}

fn readable_field(field: &Field, next_int96: &mut dyn FnMut() -> Option<TimeUnit>) -> Field {
    let data_type = readable_type(field.data_type(), next_int96);
    field.clone().with_data_type(data_type)
}

fn readable_type(
    data_type: &DataType,
    next_int96: &mut dyn FnMut() -> Option<TimeUnit>,
) -> DataType {
    let mut inside = |field: &Field| Arc::new(readable_field(field, next_int96));
    match data_type {
        DataType::Dictionary(_, values) => readable_type(values, next_int96),
        DataType::RunEndEncoded(_, values) => readable_type(values.data_type(), next_int96),
        DataType::Struct(fields) => {
            DataType::Struct(fields.iter().map(|field| inside(field)).collect())
        }
        DataType::List(field) | DataType::ListView(field) => DataType::List(inside(field)),
        DataType::LargeList(field) | DataType::LargeListView(field) => {
            DataType::LargeList(inside(field))
        }
        DataType::FixedSizeList(field, size) => DataType::FixedSizeList(inside(field), *size),
        DataType::Map(field, sorted) => DataType::Map(inside(field), *sorted),
        leaf => {
            let int96 = next_int96();
            match leaf {
                DataType::Utf8View => DataType::Utf8,
                DataType::BinaryView => DataType::Binary,
                DataType::Timestamp(unit, zone) => {
                    DataType::Timestamp(int96.unwrap_or(*unit), zone.clone())
                }
                leaf => leaf.clone(),
            }
        }
    }
}

/// A file that is read at any place, by whoever holds it.
#[derive(Clone)]
struct PositionedFile {
    file: Arc<File>,
    len: u64,
    /// Why a read failed, which errors of the libraries in between only say in words.
    failure: Arc<OnceLock<io::Error>>,
}

impl PositionedFile {
    fn reader(&self, at: u64) -> PositionedReader {
        PositionedReader { file: self.clone(), at }
    }

    /// Returns `error`, or what is behind it: that the file could not be read.
    fn blame(&self, name: &str, error: Error) -> Error {
        match self.failure.get() {
            Some(cause) => unreadable(name, same(cause)),
            None => error,
        }
    }
}

/// Returns an error of the system a second time.
fn same(cause: &io::Error) -> io::Error {
    let again = cause.raw_os_error().map(io::Error::from_raw_os_error);
    again.unwrap_or_else(|| cause.kind().into())
}

impl Length for PositionedFile {
    fn len(&self) -> u64 {
        self.len
    }
}

impl ChunkReader for PositionedFile {
    type T = BufReader<PositionedReader>;

    fn get_read(&self, start: u64) -> parquet::errors::Result<Self::T> {
        Ok(BufReader::with_capacity(8 << 10, self.reader(start)))
    }

    fn get_bytes(&self, start: u64, length: usize) -> parquet::errors::Result<Bytes> {
        let is_inside = start.checked_add(length as u64).is_some_and(|end| end <= self.len);
        if !is_inside {
            let message = format!("{length} bytes at {start} of a file of {}", self.len);
            return Err(ParquetError::EOF(message));
        }
        let mut bytes = vec![0; length];
        let mut reader = self.reader(start);
        reader.read_exact(&mut bytes).map_err(|cause| match cause.kind() {
            io::ErrorKind::UnexpectedEof => ParquetError::EOF(format!("bytes at {start}")),
            _ => ParquetError::External(Box::new(cause)),
        })?;
        Ok(bytes.into())
    }
}

/// Reads a file from one place on.
struct PositionedReader {
    file: PositionedFile,
    at: u64,
}

impl Read for PositionedReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match read_at(&self.file.file, buffer, self.at) {
                Ok(count) => {
                    self.at += count as u64;
                    return Ok(count);
                }
                Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
                Err(cause) => {
                    let _ = self.file.failure.set(same(&cause));
                    return Err(cause);
                }
            }
        }
    }
}

#[cfg(unix)]
fn read_at(file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, at)
}

#[cfg(windows)]
fn read_at(file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buffer, at)
}

#[cfg(not(any(unix, windows)))]
fn read_at(mut file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    use std::io::Seek;
    file.seek(io::SeekFrom::Start(at))?;
    file.read(buffer)
}
