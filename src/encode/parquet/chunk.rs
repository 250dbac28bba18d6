//! One column of one row group → an encoded column chunk in memory.

use std::sync::Arc;

use parquet::basic::{Compression, LogicalType, Repetition, TimeUnit, Type as PhysicalType};
use parquet::column::writer::{ColumnCloseResult, get_column_writer};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::{ColumnDescPtr, SchemaDescriptor, Type, TypePtr};

use super::Stored;
use super::cells::{Cells, Levels};
use super::encoding::{DICTIONARY_BYTES_MAX, Encoding, choose};
use crate::error::{Error, ErrorKind};
use crate::schema::widen::ColumnType;
use crate::table::Column;

/// An encoded column chunk: its pages, and what the footer says of them.
#[derive(Debug)]
pub struct Chunk {
    /// Dictionary page and data pages.
    pub(super) bytes: Vec<u8>,
    /// Offsets count from the start of `bytes`.
    pub(super) close: ColumnCloseResult,
    pub(super) column_type: ColumnType,
    /// The encoding that was asked for.
    pub(super) wanted: Option<Encoding>,
}

impl Chunk {
    /// Takes a chunk back that was read from a file.
    pub(super) fn kept(bytes: Vec<u8>, stored: Stored) -> Self {
        Chunk { bytes, close: stored.close, column_type: stored.column_type, wanted: stored.wanted }
    }
}

/// What decides how chunks are encoded, besides their values.
#[derive(Debug, Clone, Copy)]
pub(super) struct ChunkOptions {
    pub(super) compression: Compression,
    /// Only what readers have known from the start.
    pub(super) is_compat: bool,
    /// The encoding; nothing lets the values decide.
    pub(super) encoding: Option<Encoding>,
}

/// Rows of a page: the library's limit makes pages of a few kilobytes, which compress badly.
const PAGE_ROWS: usize = 1 << 17;

/// Chunks of fewer bytes are not compressed: what it saves, the frame around it takes.
const COMPRESS_BYTES_MIN: usize = 64;

/// What the library needs to know of a column, by its type: thousands of chunks share a few.
#[derive(Debug, Default)]
pub(super) struct Descriptors {
    known: Vec<(ColumnType, ColumnDescPtr)>,
}

impl Descriptors {
    pub(super) fn of(&mut self, column_type: &ColumnType) -> Result<ColumnDescPtr, Error> {
        if let Some((_, descr)) = self.known.iter().find(|(known, _)| known == column_type) {
            return Ok(Arc::clone(descr));
        }
        let schema = SchemaDescriptor::new(root(vec![parquet_type("column", column_type)?])?);
        self.known.push((column_type.clone(), schema.column(0)));
        Ok(schema.column(0))
    }
}

/// Encodes one column of `rows` rows; depends on its values, type and options alone.
pub(super) fn encode(
    column: Option<Column>,
    rows: usize,
    column_type: &ColumnType,
    descr: ColumnDescPtr,
    options: &ChunkOptions,
) -> Result<Chunk, Error> {
    let column = column.unwrap_or_default();
    let levels = Levels::of(&column, rows, column_type);
    let cells = Cells::of(&column, column_type)?;
    let wanted = options.encoding.filter(|_| cells.len() > 0);
    let encoding = wanted.unwrap_or_else(|| choose(&cells, options.is_compat));
    let level_bytes = (cells.len() * 4).min(levels.def.len() / 8);
    let compression =
        match cells.len() > 0 && cells.plain_bytes() + level_bytes >= COMPRESS_BYTES_MIN {
            true => options.compression,
            false => Compression::UNCOMPRESSED,
        };
    let properties = properties(encoding, compression);
    let mut out = TrackedWrite::new(Vec::new());
    let pages = Box::new(SerializedPageWriter::new(&mut out));
    let writer = get_column_writer(descr, Arc::new(properties), pages);
    let close = cells.write(writer, &levels).map_err(failed)?;
    let bytes = out.into_inner().map_err(failed)?;
    Ok(Chunk { bytes, close, column_type: column_type.clone(), wanted: options.encoding })
}

fn properties(encoding: Encoding, compression: Compression) -> WriterProperties {
    let builder = WriterProperties::builder()
        .set_compression(compression)
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_dictionary_page_size_limit(DICTIONARY_BYTES_MAX);
    match encoding.of_pages() {
        Some(encoding) => builder.set_dictionary_enabled(false).set_encoding(encoding).build(),
        None => builder.build(),
    }
}

/// Wraps what the Parquet library reports.
pub(super) fn failed(cause: ParquetError) -> Error {
    Error::new(ErrorKind::Internal, format!("encoding Parquet failed: {cause}")).with_source(cause)
}

/// Returns the schema of a file with these columns.
pub(super) fn root(columns: Vec<TypePtr>) -> Result<TypePtr, Error> {
    let root = Type::group_type_builder("schema").with_fields(columns).build().map_err(failed)?;
    Ok(Arc::new(root))
}

/// Returns the Parquet type of a column: nullable, lists in the standard three levels.
pub(super) fn parquet_type(name: &str, column_type: &ColumnType) -> Result<TypePtr, Error> {
    let leaf = |physical: PhysicalType, logical: Option<LogicalType>| {
        Type::primitive_type_builder(name, physical)
            .with_repetition(Repetition::OPTIONAL)
            .with_logical_type(logical)
    };
    let built = match column_type {
        ColumnType::Bool => leaf(PhysicalType::BOOLEAN, None).build(),
        ColumnType::Int64 => leaf(PhysicalType::INT64, None).build(),
        ColumnType::Double => leaf(PhysicalType::DOUBLE, None).build(),
        ColumnType::Date => leaf(PhysicalType::INT32, Some(LogicalType::Date)).build(),
        ColumnType::Text => leaf(PhysicalType::BYTE_ARRAY, Some(LogicalType::String)).build(),
        ColumnType::Json => leaf(PhysicalType::BYTE_ARRAY, Some(LogicalType::Json)).build(),
        ColumnType::Timestamp { utc, .. } => {
            let logical = LogicalType::timestamp(*utc, TimeUnit::MICROS);
            leaf(PhysicalType::INT64, Some(logical)).build()
        }
        ColumnType::Decimal { precision, scale } => {
            let (physical, bytes) = match decimal_physical(*precision) {
                DecimalPhysical::Int32 => (PhysicalType::INT32, -1),
                DecimalPhysical::Int64 => (PhysicalType::INT64, -1),
                DecimalPhysical::Fixed(bytes) => (PhysicalType::FIXED_LEN_BYTE_ARRAY, bytes as i32),
            };
            let (precision, scale) = (i32::from(*precision), i32::from(*scale));
            let logical = LogicalType::decimal(scale, precision);
            leaf(physical, Some(logical))
                .with_length(bytes)
                .with_precision(precision)
                .with_scale(scale)
                .build()
        }
        ColumnType::List(element) => {
            let element = parquet_type("element", element)?;
            let repeated = Type::group_type_builder("list")
                .with_repetition(Repetition::REPEATED)
                .with_fields(vec![element])
                .build()
                .map_err(failed)?;
            Type::group_type_builder(name)
                .with_repetition(Repetition::OPTIONAL)
                .with_logical_type(Some(LogicalType::List))
                .with_fields(vec![Arc::new(repeated)])
                .build()
        }
    };
    built.map(Arc::new).map_err(failed)
}

/// What decimals are stored in.
pub(super) enum DecimalPhysical {
    Int32,
    Int64,
    /// Bytes of each, the highest first.
    Fixed(usize),
}

/// Returns what decimals of `precision` digits are stored in: the narrowest that holds them.
pub(super) fn decimal_physical(precision: u8) -> DecimalPhysical {
    match precision {
        1..=9 => DecimalPhysical::Int32,
        10..=18 => DecimalPhysical::Int64,
        _ => {
            let bits = f64::from(precision) * 10f64.log2() + 1.0;
            DecimalPhysical::Fixed((bits / 8.0).ceil() as usize)
        }
    }
}
