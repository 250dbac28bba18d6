//! Tables as they are converted: to writers of the built-in formats, or to a caller's own.

use std::fmt;
use std::io::{self, Write};
use std::sync::Arc;

use arrow_array::{RecordBatch, RecordBatchOptions};

use super::csv::CsvOptions;
use super::json::{self, JsonOptions, Nulls};
use super::parquet::encoding::ColumnEncoding;
use super::parquet::{Codec, ParquetOptions};
use super::{FormatOptions, Place, RowGroup, Spare, TableWriter, arrow, do_all};
use crate::error::{Error, ErrorKind};
use crate::format::OutputFormat;
use crate::schema::{Layout, LayoutColumn};
use crate::sink::Staged;
use crate::sink::names::printable;

/// Takes one table as it is converted.
///
/// [`Destination::Tables`](crate::Destination::Tables) gives each table a writer: one of
/// [`writer`]'s, or a caller's own. Its calls come from one thread, which is the one that puts
/// batches in their order; a writer that takes long holds the run up.
///
/// - Shape: all rows of the table once, in order; then `finish`, once for each table, in the order
///   in which the tables arose. A table may end without a batch.
/// - Errors: end the run, and nothing else is published. A writer that is dropped without `finish`
///   belongs to a run that failed, and is to leave nothing that looks finished.
///
/// ```
/// use std::collections::BTreeMap;
/// use std::sync::{Arc, Mutex};
///
/// use transmog::{
///     Batch, Conversion, Destination, Error, Input, OutputFormat, StreamingWriter, TableEnd,
/// };
///
/// /// Counts the rows of each table.
/// struct Counter(u64, Arc<Mutex<BTreeMap<String, u64>>>);
///
/// impl StreamingWriter for Counter {
///     fn write_batch(&mut self, batch: Batch) -> Result<(), Error> {
///         self.0 += batch.rows() as u64;
///         Ok(())
///     }
///
///     fn finish(self: Box<Self>, end: &TableEnd) -> Result<(), Error> {
///         self.1.lock().expect("no panic").insert(end.table().to_owned(), self.0);
///         Ok(())
///     }
/// }
///
/// let records = br#"{"id": 1, "items": [{"sku": "a"}, {"sku": "b"}]}"#;
/// let input = Input::Reader { name: "orders".to_owned(), reader: Box::new(&records[..]) };
/// let mut conversion = Conversion::new(vec![input], OutputFormat::Arrow);
/// conversion.name = Some("orders".to_owned());
/// let counts = Arc::new(Mutex::new(BTreeMap::new()));
/// let shared = Arc::clone(&counts);
/// conversion.destination = Destination::Tables(Box::new(move |_table| {
///     Ok(Box::new(Counter(0, Arc::clone(&shared))))
/// }));
/// conversion.run()?;
///
/// let counts = counts.lock().expect("no panic");
/// assert_eq!((counts["orders"], counts["orders_items"]), (1, 2));
/// # Ok::<(), Error>(())
/// ```
pub trait StreamingWriter: Send {
    /// Takes the next rows.
    fn write_batch(&mut self, batch: Batch) -> Result<(), Error>;

    /// Ends the table, whose columns are known now.
    fn finish(self: Box<Self>, end: &TableEnd) -> Result<(), Error>;
}

impl fmt::Debug for dyn StreamingWriter + '_ {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StreamingWriter")
    }
}

/// Makes the writer of a table, which it is told by name.
pub type TableWriters = Box<dyn FnMut(&str) -> Result<Box<dyn StreamingWriter>, Error> + Send>;

/// Rows of one table, under the columns that are known by then.
///
/// Later rows may add columns, widen types and change names, so the columns of two batches of one
/// table may differ; [`LayoutColumn::index`] tells which are the same, and [`TableEnd`] what became
/// of them. Which are known by then may depend on the size of chunks; which rows a batch has does
/// not. Empty arrays of which nobody knows yet whether they have a column are not there. Numbers with more digits than a double has lose them in [`to_arrow`](Batch::to_arrow)
/// where their column is double, but not in [`to_json_lines`](Batch::to_json_lines).
#[derive(Debug)]
pub struct Batch {
    group: RowGroup,
    layout: Layout,
    place: Place,
}

impl Batch {
    pub(crate) fn new(group: RowGroup, layout: &Layout, place: Place) -> Self {
        Batch { group, layout: layout.clone(), place }
    }

    /// Returns the name of the table.
    pub fn table(&self) -> &str {
        &self.layout.table
    }

    /// Returns the number of rows.
    pub fn rows(&self) -> usize {
        self.group.rows
    }

    /// Returns the columns known so far: names, types, and where their values come from.
    pub fn columns(&self) -> &[LayoutColumn] {
        &self.layout.columns
    }

    /// Copies the rows into Arrow arrays.
    ///
    /// - Shape: the columns of [`columns`](Batch::columns) in their order. The metadata of fields
    ///   and schema is that of Parquet files.
    /// - Errors: `Internal`.
    pub fn to_arrow(&self) -> Result<RecordBatch, Error> {
        let (rows, columns) = (self.rows(), self.layout.columns.iter());
        let array = |column: &LayoutColumn| {
            arrow::to_array(self.group.column(column.index), rows, &column.column_type)
        };
        let arrays = columns.map(array).collect::<Result<Vec<_>, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let schema = Arc::new(arrow::schema(&self.layout));
        RecordBatch::try_new_with_options(schema, arrays, &options).map_err(|cause| {
            let message = format!("building Arrow arrays failed: {cause}");
            Error::new(ErrorKind::Internal, message).with_source(cause)
        })
    }

    /// Spells the rows as JSON, an object a line; members without a value are left out.
    pub fn to_json_lines(&self) -> Vec<u8> {
        json::lines(&self.group, &self.layout)
    }
}

/// A table that has ended.
#[derive(Debug)]
pub struct TableEnd {
    layout: Layout,
    rows: u64,
}

impl TableEnd {
    pub(crate) fn new(layout: &Layout, rows: u64) -> Self {
        TableEnd { layout: layout.clone(), rows }
    }

    /// Returns the name of the table.
    pub fn table(&self) -> &str {
        &self.layout.table
    }

    /// Returns the number of rows in all batches.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Returns the columns: their final names and types.
    pub fn columns(&self) -> &[LayoutColumn] {
        &self.layout.columns
    }
}

/// How the built-in formats are written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct WriterOptions {
    /// How Parquet is compressed.
    pub codec: Codec,
    /// Parquet only with encodings that readers have known from the start.
    pub compat: bool,
    /// Encodings of Parquet columns; the last that names a column counts.
    pub encodings: Vec<ColumnEncoding>,
    /// How CSV is written.
    pub csv: CsvOptions,
    /// Spaces a level in JSON; nothing for no white space.
    pub indent: Option<u8>,
    /// What becomes of cells without a value in JSON.
    pub nulls: Nulls,
}

impl WriterOptions {
    /// Does what [`writer`] does, with these options.
    ///
    /// - Errors: as [`writer`].
    pub fn writer(
        &self,
        format: OutputFormat,
        out: Box<dyn Write + Send>,
    ) -> Result<Box<dyn StreamingWriter>, Error> {
        let WriterOptions { codec, compat, encodings, csv, indent, nulls } = self;
        let (codec, compat, encodings) = (*codec, *compat, encodings.clone());
        let formats = FormatOptions {
            parquet: ParquetOptions { codec, compat, encodings },
            csv: *csv,
            json: JsonOptions { indent: *indent, nulls: *nulls, ..JsonOptions::default() },
        };
        let writer = formats.open(format, Staged::alone()?, &Spare::new(SPARE_BYTES))?;
        Ok(Box::new(Encoder { writer, out, format, formats }))
    }
}

/// Returns what writes a table to `out` in a built-in format.
///
/// Its bytes are those of the file that a [`Conversion`](crate::Conversion) writes with its default
/// options, and come when the table ends, as later rows may change what earlier ones look like;
/// until then they wait in a temporary file. Give the conversion the same format: it decides which
/// types columns may have.
///
/// - Errors: `Io` if no temporary file can be made; when the table ends also if `out` fails, and
///   `ClosedPipe` if its reader went away.
///
/// ```
/// use parquet::file::reader::{FileReader, SerializedFileReader};
/// use transmog::{Conversion, Destination, Input, MemoryBuffer, OutputFormat, writer};
///
/// #[derive(serde::Serialize)]
/// struct Order {
///     id: u64,
///     customer: &'static str,
/// }
///
/// let orders = (1..=3).map(|id| Order { id, customer: "Ann" });
/// let mut conversion =
///     Conversion::new(vec![Input::records("orders", orders)], OutputFormat::Parquet);
/// let out = MemoryBuffer::default();
/// let shared = out.clone();
/// conversion.destination = Destination::Tables(Box::new(move |_table| {
///     writer(OutputFormat::Parquet, Box::new(shared.clone()))
/// }));
/// assert_eq!(conversion.run()?.records, 3);
///
/// let file = SerializedFileReader::new(bytes::Bytes::from(out.take()))?;
/// assert_eq!(file.metadata().file_metadata().num_rows(), 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn writer(
    format: OutputFormat,
    out: Box<dyn Write + Send>,
) -> Result<Box<dyn StreamingWriter>, Error> {
    WriterOptions::default().writer(format, out)
}

/// Bytes of text that are kept between batches: one is encoded after the other.
const SPARE_BYTES: usize = 4 << 20;

/// Bytes of values of text that are encoded at once.
const PART_BYTES: usize = 1 << 20;

/// Encodes on the thread that calls it.
struct Encoder {
    writer: Box<dyn TableWriter>,
    out: Box<dyn Write + Send>,
    format: OutputFormat,
    formats: FormatOptions,
}

impl StreamingWriter for Encoder {
    fn write_batch(&mut self, batch: Batch) -> Result<(), Error> {
        let Batch { group, layout, place } = batch;
        let part_bytes = match self.format {
            OutputFormat::Parquet | OutputFormat::Arrow => usize::MAX,
            _ => PART_BYTES,
        };
        let row_bytes = self.formats.row_bytes(self.format, &layout, &group);
        let mut groups = group.split(part_bytes, row_bytes).map(|(group, _)| group).peekable();
        let layout = Arc::new(layout);
        while let Some(group) = groups.next() {
            let is_followed = place == Place::Last && groups.peek().is_some();
            let tasks =
                self.writer.plan(group, &layout, if is_followed { Place::Late } else { place })?;
            self.writer.append(do_all(tasks)?)?;
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>, end: &TableEnd) -> Result<(), Error> {
        let staged = self.writer.finish(&end.layout)?;
        let sent = io::copy(&mut staged.read()?, &mut self.out).and_then(|_| self.out.flush());
        sent.map_err(|cause| {
            let kind = match cause.kind() {
                io::ErrorKind::BrokenPipe => ErrorKind::ClosedPipe,
                _ => ErrorKind::Io,
            };
            let table = printable(end.table());
            Error::new(kind, format!("table `{table}`: writing failed: {cause}")).with_source(cause)
        })
    }
}
