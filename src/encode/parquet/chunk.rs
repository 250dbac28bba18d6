//! One column of one row group → an encoded column chunk in memory.

use std::borrow::Cow;
use std::sync::Arc;

use parquet::basic::{LogicalType, Repetition, TimeUnit, Type as PhysicalType};
use parquet::errors::ParquetError;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::schema::types::{ColumnDescPtr, SchemaDescriptor, Type, TypePtr};
use serde::{Deserialize, Serialize};

use super::Codec;
use super::bounds::Bounds;
use super::cells::Cells;
use super::dictionary::Dictionary;
use super::encoding::{DICTIONARY_BYTES_MAX, Encoding, choose, without_dictionary};
use super::levels::Levels;
use super::pages::{Coded, DataPage, PagePlan, Pages};
use super::segments::Segments;
use crate::error::{Error, ErrorKind};
use crate::schema::widen::ColumnType;
use crate::table::Column;

/// An encoded column chunk: its pages, and what the footer says of them.
#[derive(Debug)]
pub struct Chunk {
    /// Dictionary page and data pages.
    pub(super) bytes: Segments,
    pub(super) column_type: ColumnType,
    /// The encoding that was asked for.
    pub(super) wanted: Option<Encoding>,
    pub(super) about: About,
}

/// What is known of a chunk besides its place and type; there may be hundreds of thousands of them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct About {
    /// The encoding of the data pages.
    pub(super) encoding: Encoding,
    pub(super) codec: Codec,
    /// Statistics that also old readers understand.
    pub(super) is_compat: bool,
    /// Bytes of all pages, headers included.
    pub(super) bytes: u64,
    pub(super) plain_bytes: u64,
    pub(super) dictionary_bytes: u64,
    pub(super) levels: u64,
    pub(super) nulls: u64,
    pub(super) text_bytes: u64,
    pub(super) bounds: Option<Bounds>,
    /// The data pages, if there is more than one.
    pub(super) pages: Box<[DataPage]>,
}

impl About {
    /// Returns what the library needs to read the chunk, which starts at byte 0, as column `descr`.
    pub(super) fn for_reader(&self, descr: ColumnDescPtr) -> Result<ColumnChunkMetaData, Error> {
        let is_dictionary = self.encoding == Encoding::Dictionary;
        ColumnChunkMetaData::builder(descr)
            .set_compression_codec(self.codec.in_footer())
            .set_total_compressed_size(self.bytes as i64)
            .set_num_values(self.levels as i64)
            .set_data_page_offset(self.dictionary_bytes as i64)
            .set_dictionary_page_offset(is_dictionary.then_some(0))
            .build()
            .map_err(failed)
    }

    /// Returns where each data page lies in the chunk, with what is known of it.
    pub(super) fn data_pages(&self) -> impl Iterator<Item = (u64, Cow<'_, DataPage>)> {
        let whole = self.pages.is_empty().then(|| DataPage {
            bytes: (self.bytes - self.dictionary_bytes) as usize,
            first_row: 0,
            nulls: self.nulls as usize,
            levels: self.levels as usize,
            text_bytes: self.text_bytes as usize,
            bounds: self.bounds.clone(),
        });
        let pages = self.pages.iter().map(Cow::Borrowed).chain(whole.map(Cow::Owned));
        pages.scan(self.dictionary_bytes, |at, page| {
            let start = *at;
            *at += page.bytes as u64;
            Some((start, page))
        })
    }

    /// Returns whether every page has bounds or nothing but nulls.
    pub(super) fn is_bounded(&self) -> bool {
        self.data_pages().all(|(_, page)| page.bounds.is_some() || page.is_null())
    }
}

/// What decides how chunks are encoded, besides their values.
#[derive(Debug, Clone, Copy)]
pub(super) struct ChunkOptions {
    pub(super) codec: Codec,
    /// Only what readers have known from the start.
    pub(super) is_compat: bool,
    /// The encoding; nothing lets the values decide.
    pub(super) encoding: Option<Encoding>,
}

/// Decides all that the pages of a chunk have in common, from its values, type and options alone.
pub(super) fn plan(
    column: &Column,
    cells: &Cells<'_>,
    rows: usize,
    column_type: &ColumnType,
    options: &ChunkOptions,
) -> Result<PagePlan, Error> {
    let levels = Levels::of(column, rows, column_type);
    PagePlan::of(cells, levels, coded(cells, options), options.codec)
}

impl Chunk {
    /// Returns the chunk of which these are all pages.
    pub(super) fn of(
        pages: Pages,
        plan: &PagePlan,
        column_type: &ColumnType,
        options: &ChunkOptions,
    ) -> Self {
        let Pages { bytes, plain_bytes, dictionary_bytes, data } = pages;
        let bounds = data.iter().filter_map(|page| page.bounds.clone()).reduce(Bounds::join);
        let about = About {
            encoding: plan.encoding(),
            codec: plan.codec(),
            is_compat: options.is_compat,
            bytes: bytes.len() as u64,
            plain_bytes: plain_bytes as u64,
            dictionary_bytes: dictionary_bytes as u64,
            levels: plan.level_count() as u64,
            nulls: data.iter().map(|page| page.nulls as u64).sum(),
            text_bytes: data.iter().map(|page| page.text_bytes as u64).sum(),
            bounds,
            pages: if data.len() > 1 { data.into() } else { Box::default() },
        };
        Chunk { bytes, column_type: column_type.clone(), wanted: options.encoding, about }
    }
}

/// Decides on the encoding; a dictionary that grows too large is given up.
fn coded(cells: &Cells<'_>, options: &ChunkOptions) -> Coded {
    let wanted = options.encoding.filter(|_| cells.len() > 0);
    match wanted.unwrap_or_else(|| choose(cells, options.is_compat)) {
        Encoding::Dictionary => match Dictionary::of(cells, DICTIONARY_BYTES_MAX) {
            Some(dictionary) => Coded::Dictionary(dictionary),
            None => Coded::Direct(without_dictionary(cells, options.is_compat).0),
        },
        encoding => Coded::Direct(encoding),
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

/// Returns what the library needs to know of a column to read it.
pub(super) fn descriptor(column_type: &ColumnType) -> Result<ColumnDescPtr, Error> {
    let schema = SchemaDescriptor::new(root(vec![parquet_type("column", column_type)?])?);
    Ok(schema.column(0))
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
