//! Parquet that is put together from pieces reads back as the batches that went in.

use std::sync::{Arc, Mutex};

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{Array, RecordBatch};
use arrow_schema::DataType;
use bytes::Bytes;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::file::metadata::PageIndexPolicy;
use parquet::file::statistics::Statistics;
use transmog::{
    Batch, Codec, Conversion, Destination, Error, InputFormat, MemoryBuffer, OutputFormat,
    StreamingWriter, TableEnd, WriterOptions,
};

use super::{conversion, object_lines, split_line};

/// Records of one input.
const RECORDS_MAX: usize = 200;

/// Tables by name, with their batches.
type Tables = Vec<(String, Vec<RecordBatch>)>;

/// Keeps what it is given.
struct Keeper(Vec<RecordBatch>, Arc<Mutex<Tables>>);

impl StreamingWriter for Keeper {
    fn write_batch(&mut self, batch: Batch) -> Result<(), Error> {
        self.0.push(batch.to_arrow()?);
        Ok(())
    }

    fn finish(self: Box<Self>, end: &TableEnd) -> Result<(), Error> {
        self.1.lock().unwrap().push((end.table().to_owned(), self.0));
        Ok(())
    }
}

/// Reads options from the first line, three digits and letters, and records from the others.
pub fn parquet(data: &[u8]) {
    let Some((options, lines)) = split_line(data) else { return };
    let [rows, pending, codec, ..] = options.as_bytes() else { return };
    let records = object_lines(lines, RECORDS_MAX);
    if records.is_empty() {
        return;
    }
    let mut input = records.join(&b'\n');
    input.push(b'\n');
    let new = || {
        let mut conversion = conversion(&input, InputFormat::Jsonl, OutputFormat::Parquet);
        conversion.chunk_bytes = Some(200);
        conversion
    };
    let expected: Arc<Mutex<Tables>> = Arc::default();
    let (shared, mut reference) = (Arc::clone(&expected), new());
    reference.destination = Destination::Tables(Box::new(move |_| {
        Ok(Box::new(Keeper(Vec::new(), Arc::clone(&shared))))
    }));
    reference.run().unwrap();

    let row_group_rows = usize::from(*rows % 16) + 1;
    let mut conversion = new();
    conversion.row_group_rows = Some(row_group_rows);
    conversion.pending_bytes = Some(usize::from(*pending) * 4);
    let files = write(conversion, *codec);
    let expected = expected.lock().unwrap();
    assert_eq!(files.len(), expected.len());
    for ((name, file), (table, batches)) in files.into_iter().zip(&*expected) {
        assert_eq!(name, *table);
        let [expected] = &batches[..] else {
            assert!(batches.is_empty(), "{table}: {} batches", batches.len());
            continue;
        };
        check_file(&name, file, expected, row_group_rows);
    }
}

/// Converts into files in memory, by their table in the order in which they arose.
fn write(mut conversion: Conversion, codec: u8) -> Vec<(String, Bytes)> {
    let codecs = ["zstd:1", "snappy", "lz4", "gzip:1", "none"];
    let mut options = WriterOptions::default();
    options.codec = codecs[usize::from(codec) % 5].parse::<Codec>().unwrap();
    options.compat = codec & 0x20 != 0;
    (conversion.codec, conversion.compat) = (options.codec, options.compat);
    let files: Arc<Mutex<Vec<(String, MemoryBuffer)>>> = Arc::default();
    let shared = Arc::clone(&files);
    conversion.destination = Destination::Tables(Box::new(move |table| {
        let out = MemoryBuffer::default();
        shared.lock().unwrap().push((table.to_owned(), out.clone()));
        options.writer(OutputFormat::Parquet, Box::new(out))
    }));
    conversion.run().unwrap();
    let files = std::mem::take(&mut *files.lock().unwrap());
    files.into_iter().map(|(table, file)| (table, Bytes::from(file.take()))).collect()
}

fn check_file(name: &str, file: Bytes, expected: &RecordBatch, row_group_rows: usize) {
    let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Required);
    let open = || {
        ParquetRecordBatchReaderBuilder::try_new_with_options(file.clone(), options.clone())
            .unwrap_or_else(|error| panic!("{name}: {error}"))
    };
    let builder = open();
    let schema = builder.schema().clone();
    let found: Vec<_> =
        schema.fields().iter().map(|field| (field.name(), field.data_type())).collect();
    let wanted = expected.schema();
    let wanted: Vec<_> =
        wanted.fields().iter().map(|field| (field.name(), field.data_type())).collect();
    assert_eq!(found, wanted, "{name}");
    let metadata = builder.metadata().clone();
    let mut start = 0;
    for index in 0..metadata.num_row_groups() {
        let group = metadata.row_group(index);
        let rows = group.num_rows() as usize;
        assert!((1..=row_group_rows).contains(&rows), "{name}: {rows} rows");
        let reader = open().with_row_groups(vec![index]).with_batch_size(1024).build().unwrap();
        let batches: Vec<RecordBatch> = reader.map(Result::unwrap).collect();
        let [batch] = &batches[..] else { panic!("{name}: {} batches", batches.len()) };
        for (place, array) in batch.columns().iter().enumerate() {
            let wanted = expected.column(place).slice(start, rows);
            let field = schema.field(place);
            check_column(&format!("{name}, {}, row {start}", field.name()), array, &wanted);
        }
        // a column of the file that is no list has the place of its field, as long as all are flat
        if schema.fields().len() == group.num_columns() {
            for (place, column) in group.columns().iter().enumerate() {
                if let Some(statistics) = column.statistics() {
                    check_statistics(statistics, batch.column(place));
                }
            }
        }
        start += rows;
    }
    assert_eq!(start, expected.num_rows(), "{name}");
}

fn check_column(place: &str, found: &dyn Array, wanted: &dyn Array) {
    if let (DataType::Float64, DataType::Float64) = (found.data_type(), wanted.data_type()) {
        // -0.0 and 0.0 are two
        let bits = |array: &dyn Array| {
            let array = array.as_primitive::<Float64Type>();
            array.iter().map(|value| value.map(f64::to_bits)).collect::<Vec<_>>()
        };
        assert_eq!(bits(found), bits(wanted), "{place}");
    }
    assert!(found == wanted, "{place}\nfound    {found:?}\nexpected {wanted:?}");
}

/// Readers leave out row groups by these.
fn check_statistics(statistics: &Statistics, array: &dyn Array) {
    // those of a list count its elements
    let is_list = matches!(array.data_type(), DataType::List(_));
    if let Some(nulls) = statistics.null_count_opt().filter(|_| !is_list) {
        assert_eq!(nulls as usize, array.null_count());
    }
    match (statistics, array.data_type()) {
        (Statistics::Int64(bounds), DataType::Int64) => {
            for value in array.as_primitive::<Int64Type>().iter().flatten() {
                assert!(bounds.min_opt().is_none_or(|min| *min <= value));
                assert!(bounds.max_opt().is_none_or(|max| *max >= value));
            }
        }
        (Statistics::Double(bounds), DataType::Float64) => {
            for value in array.as_primitive::<Float64Type>().iter().flatten() {
                assert!(bounds.min_opt().is_none_or(|min| *min <= value));
                assert!(bounds.max_opt().is_none_or(|max| *max >= value));
            }
        }
        (Statistics::ByteArray(bounds), DataType::Utf8) => {
            for value in array.as_string::<i32>().iter().flatten() {
                assert!(bounds.min_opt().is_none_or(|min| min.data() <= value.as_bytes()));
                assert!(bounds.max_opt().is_none_or(|max| max.data() >= value.as_bytes()));
            }
        }
        _ => {}
    }
}
