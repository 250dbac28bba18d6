//! One column of one row group → an encoded column chunk in memory.

use std::sync::Arc;

use arrow_schema::{Field, Schema};
use parquet::arrow::arrow_writer::{ArrowRowGroupWriterFactory, compute_leaves};
use parquet::basic::{LogicalType, Repetition, TimeUnit, Type as PhysicalType};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterPropertiesPtr;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::{Type, TypePtr};

use super::Stored;
use crate::encode::arrow::{data_type, to_array};
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
}

impl Chunk {
    /// Takes a chunk back that was read from a file.
    pub(super) fn kept(bytes: Vec<u8>, stored: Stored) -> Self {
        Chunk { bytes, close: stored.close, column_type: stored.column_type }
    }
}

/// Bytes in front of the first page of a file.
const MAGIC_BYTES: i64 = 4;

/// Encodes one column of `rows` rows; depends on its values and type alone.
pub(super) fn encode(
    column: Option<Column>,
    rows: usize,
    column_type: &ColumnType,
    properties: &WriterPropertiesPtr,
) -> Result<Chunk, Error> {
    let array = to_array(column, rows, column_type)?;
    let field = Field::new("column", data_type(column_type), true);
    let leaves = compute_leaves(&field, &array).map_err(failed)?;
    let parquet_schema = root(vec![parquet_type("column", column_type)?])?;
    let arrow_schema = Arc::new(Schema::new(vec![field]));
    let mut writer = SerializedFileWriter::new(Vec::new(), parquet_schema, Arc::clone(properties))
        .map_err(failed)?;
    let factory = ArrowRowGroupWriterFactory::new(&writer, arrow_schema);
    let mut columns = factory.create_column_writers(0).map_err(failed)?;
    let mut column = columns.pop().ok_or_else(|| Error::new(ErrorKind::Internal, "no column"))?;
    for leaf in &leaves {
        column.write(leaf).map_err(failed)?;
    }
    let chunk = column.close().map_err(failed)?;
    let mut close = chunk.close().clone();
    let mut group = writer.next_row_group().map_err(failed)?;
    chunk.append_to_row_group(&mut group).map_err(failed)?;
    let group = group.close().map_err(failed)?;
    let metadata = group.column(0);
    // The writer's page locations do not know of the dictionary page in front of them.
    let shift = metadata.data_page_offset() - MAGIC_BYTES - close.metadata.data_page_offset();
    if let Some(offsets) = close.offset_index.as_mut() {
        offsets.page_locations.iter_mut().for_each(|location| location.offset += shift);
    }
    close.metadata = super::file::rebased(metadata, metadata.column_descr_ptr(), -MAGIC_BYTES)?;
    let mut bytes = writer.into_inner().map_err(failed)?;
    bytes.truncate(MAGIC_BYTES as usize + metadata.compressed_size() as usize);
    bytes.drain(..MAGIC_BYTES as usize);
    Ok(Chunk { bytes, close, column_type: column_type.clone() })
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
            let (physical, bytes) = decimal_physical(*precision);
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

/// Returns the physical type that the Parquet library writes decimals of `precision` digits as.
fn decimal_physical(precision: u8) -> (PhysicalType, i32) {
    match precision {
        1..=9 => (PhysicalType::INT32, -1),
        10..=18 => (PhysicalType::INT64, -1),
        _ => {
            let bits = f64::from(precision) * 10f64.log2() + 1.0;
            (PhysicalType::FIXED_LEN_BYTE_ARRAY, (bits / 8.0).ceil() as i32)
        }
    }
}
