//! What is known of a file's columns and row groups → its footer and page index.
//!
//! Both are Thrift structures as the format lays them down. They are written row group by row
//! group, so that a file of many wide row groups never has all of them in memory.

use std::io::Write;

use parquet::basic::{
    ConvertedType, Encoding as ParquetEncoding, LogicalType, PageType, TimeUnit,
    Type as PhysicalType,
};
use parquet::schema::types::{ColumnDescriptor, SchemaDescriptor, Type};
use thrift::protocol::{
    TCompactOutputProtocol, TFieldIdentifier, TListIdentifier, TOutputProtocol, TStructIdentifier,
    TType,
};

use super::bounds::{Bounds, PageOrder};
use super::chunk::About;
use super::encoding::Encoding;
use super::ledger::Stored;

/// Version of the format that the footer claims: data pages of version 1.
const FORMAT_VERSION: i32 = 1;

/// Where the page index of a column chunk lies in the file.
#[derive(Debug, Clone, Copy)]
pub(super) struct IndexPlace {
    /// First byte and length of the bounds of its pages, if all pages have some.
    pub(super) bounds: Option<(u64, u32)>,
    /// First byte and length of the list of its pages.
    pub(super) offsets: (u64, u32),
}

/// Writes Thrift structures, field by field.
pub(super) struct Structures<W: Write> {
    out: TCompactOutputProtocol<W>,
}

impl<W: Write> Structures<W> {
    pub(super) fn new(out: W) -> Self {
        Structures { out: TCompactOutputProtocol::new(out) }
    }

    fn begin(&mut self) -> thrift::Result<()> {
        self.out.write_struct_begin(&TStructIdentifier::new(""))
    }

    fn end(&mut self) -> thrift::Result<()> {
        self.out.write_field_stop()?;
        self.out.write_struct_end()
    }

    fn field(&mut self, id: i16, field_type: TType) -> thrift::Result<()> {
        self.out.write_field_begin(&TFieldIdentifier::new::<Option<String>, String, i16>(
            None, field_type, id,
        ))
    }

    fn begin_field(&mut self, id: i16) -> thrift::Result<()> {
        self.field(id, TType::Struct)?;
        self.begin()
    }

    fn list(&mut self, id: i16, element: TType, length: usize) -> thrift::Result<()> {
        self.field(id, TType::List)?;
        self.out.write_list_begin(&TListIdentifier::new(element, length as i32))
    }

    fn i16(&mut self, id: i16, value: i16) -> thrift::Result<()> {
        self.field(id, TType::I16)?;
        self.out.write_i16(value)
    }

    fn i32(&mut self, id: i16, value: i32) -> thrift::Result<()> {
        self.field(id, TType::I32)?;
        self.out.write_i32(value)
    }

    fn i64(&mut self, id: i16, value: i64) -> thrift::Result<()> {
        self.field(id, TType::I64)?;
        self.out.write_i64(value)
    }

    fn flag(&mut self, id: i16, value: bool) -> thrift::Result<()> {
        self.field(id, TType::Bool)?;
        self.out.write_bool(value)
    }

    fn bytes(&mut self, id: i16, value: &[u8]) -> thrift::Result<()> {
        self.field(id, TType::String)?;
        self.out.write_bytes(value)
    }

    /// A structure of nothing, as field `id`: a member of a union that says all by its name.
    fn unit(&mut self, id: i16) -> thrift::Result<()> {
        self.begin_field(id)?;
        self.end()
    }

    /// Starts `FileMetaData`, up to its row groups, of which `groups` must follow.
    pub(super) fn begin_file(
        &mut self,
        schema: &SchemaDescriptor,
        rows: u64,
        groups: usize,
    ) -> thrift::Result<()> {
        self.begin()?;
        self.i32(1, FORMAT_VERSION)?;
        self.list(2, TType::Struct, nodes(schema.root_schema()))?;
        self.schema_element(schema.root_schema())?;
        self.i64(3, rows as i64)?;
        self.list(4, TType::Struct, groups)
    }

    /// Ends `FileMetaData` behind its row groups.
    pub(super) fn end_file(
        &mut self,
        key_values: &[(&str, String)],
        created_by: &str,
        columns: usize,
    ) -> thrift::Result<()> {
        self.list(5, TType::Struct, key_values.len())?;
        for (key, value) in key_values {
            self.begin()?;
            self.bytes(1, key.as_bytes())?;
            self.bytes(2, value.as_bytes())?;
            self.end()?;
        }
        self.bytes(6, created_by.as_bytes())?;
        // All are in the order of their type. Doubles, too: bounds are never NaN, and zeros have
        // the signs that bound both.
        self.list(7, TType::Struct, columns)?;
        for _ in 0..columns {
            self.begin()?;
            self.unit(1)?;
            self.end()?;
        }
        self.end()
    }

    /// `SchemaElement` of a node and of all below it.
    fn schema_element(&mut self, node: &Type) -> thrift::Result<()> {
        let info = node.get_basic_info();
        self.begin()?;
        if let Type::PrimitiveType { physical_type, type_length, .. } = node {
            self.i32(1, *physical_type as i32)?;
            if *physical_type == PhysicalType::FIXED_LEN_BYTE_ARRAY {
                self.i32(2, *type_length)?;
            }
        }
        if info.has_repetition() {
            self.i32(3, info.repetition() as i32)?;
        }
        self.bytes(4, info.name().as_bytes())?;
        if let Type::GroupType { fields, .. } = node {
            self.i32(5, fields.len() as i32)?;
        }
        if info.converted_type() != ConvertedType::NONE {
            self.i32(6, info.converted_type() as i32)?;
        }
        if let Some(LogicalType::Decimal(decimal)) = info.logical_type_ref() {
            self.i32(7, decimal.scale)?;
            self.i32(8, decimal.precision)?;
        }
        if let Some(logical) = info.logical_type_ref() {
            self.begin_field(10)?;
            self.logical_type(logical)?;
            self.end()?;
        }
        self.end()?;
        match node {
            Type::GroupType { fields, .. } => {
                fields.iter().try_for_each(|field| self.schema_element(field))
            }
            Type::PrimitiveType { .. } => Ok(()),
        }
    }

    /// The member of the union `LogicalType`, of those that columns here can have.
    fn logical_type(&mut self, logical: &LogicalType) -> thrift::Result<()> {
        match logical {
            LogicalType::String => self.unit(1),
            LogicalType::List => self.unit(3),
            LogicalType::Decimal(decimal) => {
                self.begin_field(5)?;
                self.i32(1, decimal.scale)?;
                self.i32(2, decimal.precision)?;
                self.end()
            }
            LogicalType::Date => self.unit(6),
            LogicalType::Timestamp(timestamp) => {
                self.begin_field(8)?;
                self.flag(1, timestamp.is_adjusted_to_u_t_c)?;
                self.begin_field(2)?;
                self.unit(match timestamp.unit {
                    TimeUnit::MILLIS => 1,
                    TimeUnit::MICROS => 2,
                    TimeUnit::NANOS => 3,
                })?;
                self.end()?;
                self.end()
            }
            LogicalType::Json => self.unit(12),
            other => Err(format!("a column of logical type {other:?}").into()),
        }
    }

    /// `RowGroup`, the `ordinal`th if they are few enough to be counted there, of `rows` rows.
    ///
    /// - Shape: `chunks` as the columns of `schema`; `places` too, or empty.
    pub(super) fn row_group(
        &mut self,
        schema: &SchemaDescriptor,
        chunks: &[Stored],
        places: &[IndexPlace],
        rows: usize,
        ordinal: Option<i16>,
    ) -> thrift::Result<()> {
        self.begin()?;
        self.list(1, TType::Struct, chunks.len())?;
        for (place, stored) in chunks.iter().enumerate() {
            self.begin()?;
            // No other file, and no copy of the metadata beside the chunk.
            self.i64(2, 0)?;
            self.begin_field(3)?;
            self.column(&schema.column(place), stored)?;
            self.end()?;
            if let Some(IndexPlace { bounds, offsets }) = places.get(place) {
                self.i64(4, offsets.0 as i64)?;
                self.i32(5, offsets.1 as i32)?;
                if let Some((at, length)) = bounds {
                    self.i64(6, *at as i64)?;
                    self.i32(7, *length as i32)?;
                }
            }
            self.end()?;
        }
        let sum =
            |of: fn(&About) -> u64| chunks.iter().map(|stored| of(&stored.about)).sum::<u64>();
        self.i64(2, sum(|about| about.plain_bytes) as i64)?;
        self.i64(3, rows as i64)?;
        self.i64(5, chunks.first().map_or(0, |first| first.at as i64))?;
        self.i64(6, sum(|about| about.bytes) as i64)?;
        if let Some(ordinal) = ordinal {
            self.i16(7, ordinal)?;
        }
        self.end()
    }

    /// The fields of `ColumnMetaData`.
    fn column(&mut self, descr: &ColumnDescriptor, stored: &Stored) -> thrift::Result<()> {
        let Stored { at, about } = stored;
        let physical = descr.physical_type();
        let encoding = about.encoding.of_pages();
        let is_dictionary = about.encoding == Encoding::Dictionary;
        self.i32(1, physical as i32)?;
        let plain = is_dictionary.then_some(ParquetEncoding::PLAIN);
        let mut encodings: Vec<ParquetEncoding> =
            plain.into_iter().chain([ParquetEncoding::RLE, encoding]).collect();
        encodings.sort_unstable();
        encodings.dedup();
        self.list(2, TType::I32, encodings.len())?;
        encodings.iter().try_for_each(|encoding| self.out.write_i32(*encoding as i32))?;
        let path = descr.path().parts();
        self.list(3, TType::String, path.len())?;
        path.iter().try_for_each(|part| self.out.write_string(part))?;
        self.i32(4, about.codec.in_footer() as i32)?;
        self.i64(5, about.levels as i64)?;
        self.i64(6, about.plain_bytes as i64)?;
        self.i64(7, about.bytes as i64)?;
        self.i64(9, (at + about.dictionary_bytes) as i64)?;
        if is_dictionary {
            self.i64(11, *at as i64)?;
        }
        self.begin_field(12)?;
        self.statistics(about, physical)?;
        self.end()?;
        if is_dictionary {
            self.list(13, TType::Struct, 2)?;
            self.page_count(PageType::DICTIONARY_PAGE, ParquetEncoding::PLAIN, 1)?;
            self.page_count(PageType::DATA_PAGE, encoding, about.pages.len().max(1))?;
        }
        if physical == PhysicalType::BYTE_ARRAY {
            self.begin_field(16)?;
            self.i64(1, about.text_bytes as i64)?;
            self.end()?;
        }
        Ok(())
    }

    /// The fields of `Statistics`.
    fn statistics(&mut self, about: &About, physical: PhysicalType) -> thrift::Result<()> {
        let bounds = about.bounds.as_ref();
        let bytes = bounds.map(|bounds| bounds.to_bytes(physical));
        // Readers from before 2017 compare as if all bytes had a sign.
        let old =
            bytes.as_ref().filter(|_| about.is_compat && bounds.is_some_and(Bounds::is_signed));
        if let Some((least, greatest)) = old {
            self.bytes(1, greatest)?;
            self.bytes(2, least)?;
        }
        self.i64(3, about.nulls as i64)?;
        if let (Some(bounds), Some((least, greatest))) = (bounds, &bytes) {
            let (least_is_exact, greatest_is_exact) = bounds.are_exact();
            self.bytes(5, greatest)?;
            self.bytes(6, least)?;
            self.flag(7, greatest_is_exact)?;
            self.flag(8, least_is_exact)?;
        }
        Ok(())
    }

    /// `PageEncodingStats`.
    fn page_count(
        &mut self,
        page_type: PageType,
        encoding: ParquetEncoding,
        count: usize,
    ) -> thrift::Result<()> {
        self.begin()?;
        self.i32(1, page_type as i32)?;
        self.i32(2, encoding as i32)?;
        self.i32(3, count as i32)?;
        self.end()
    }

    /// `OffsetIndex`: where the pages of a chunk lie.
    pub(super) fn page_offsets(
        &mut self,
        stored: &Stored,
        physical: PhysicalType,
    ) -> thrift::Result<()> {
        let pages = || stored.about.data_pages();
        self.begin()?;
        self.list(1, TType::Struct, pages().count())?;
        for (start, page) in pages() {
            self.begin()?;
            self.i64(1, (stored.at + start) as i64)?;
            self.i32(2, page.bytes as i32)?;
            self.i64(3, page.first_row as i64)?;
            self.end()?;
        }
        if physical == PhysicalType::BYTE_ARRAY {
            self.list(2, TType::I64, pages().count())?;
            pages().try_for_each(|(_, page)| self.out.write_i64(page.text_bytes as i64))?;
        }
        self.end()
    }

    /// `ColumnIndex`: the bounds of the pages of a chunk, each of which must have some or be null.
    pub(super) fn page_bounds(
        &mut self,
        about: &About,
        physical: PhysicalType,
    ) -> thrift::Result<()> {
        let pages: Vec<_> = about.data_pages().map(|(_, page)| page).collect();
        let bytes = |page: &Option<Bounds>| {
            page.as_ref().map(|bounds| bounds.to_bytes(physical)).unwrap_or_default()
        };
        let bounds: Vec<_> = pages.iter().map(|page| bytes(&page.bounds)).collect();
        let mut order = PageOrder::default();
        pages.iter().for_each(|page| order.add(page.bounds.as_ref()));
        self.begin()?;
        self.list(1, TType::Bool, pages.len())?;
        pages.iter().try_for_each(|page| self.out.write_bool(page.is_null()))?;
        self.list(2, TType::String, pages.len())?;
        bounds.iter().try_for_each(|(least, _)| self.out.write_bytes(least))?;
        self.list(3, TType::String, pages.len())?;
        bounds.iter().try_for_each(|(_, greatest)| self.out.write_bytes(greatest))?;
        self.i32(4, order.result() as i32)?;
        self.list(5, TType::I64, pages.len())?;
        pages.iter().try_for_each(|page| self.out.write_i64(page.nulls as i64))?;
        self.end()
    }
}

fn nodes(node: &Type) -> usize {
    match node {
        Type::GroupType { fields, .. } => {
            1 + fields.iter().map(|field| nodes(field)).sum::<usize>()
        }
        Type::PrimitiveType { .. } => 1,
    }
}
