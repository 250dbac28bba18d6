//! Parquet: row groups as they fill, one file and one schema in the end.
//!
//! Column chunks are encoded by themselves, in memory, and written to the output one row group
//! after the other. What a row group holds of which column, under which type, is remembered. If in
//! the end every row group holds all columns under their final types, the footer is written and
//! the file is done. Otherwise the chunks are copied together into a second file: unchanged ones
//! without decoding, missing ones as chunks of nulls, those whose type widened read and encoded
//! again. Encoding depends on values and type alone, so both ways end in the same bytes.

mod bits;
mod bounds;
mod cells;
mod chunk;
mod compress;
mod delta;
mod dictionary;
pub mod encoding;
mod file;
mod levels;
mod pages;
mod reread;

use std::collections::HashMap;
use std::io::{Read, Seek, SeekFrom};
use std::sync::Arc;

use parquet::basic::CompressionCodec;
use parquet::file::properties::{WriterProperties, WriterPropertiesPtr};

use super::residue::Residue;
use super::{ColumnParts, Encoded, Place, RowGroup, TableWriter, Task};
use crate::error::{Error, ErrorKind};
use crate::schema::widen::ColumnType;
use crate::schema::{Layout, LayoutColumn};
use crate::sink::Staged;
use crate::table::{Column, Kinds, Values};
pub use chunk::Chunk;
use chunk::{About, ChunkOptions};
use encoding::ColumnEncoding;
use file::{ParquetFile, Store};

/// How Parquet files are written.
#[derive(Debug, Clone, Default)]
pub struct ParquetOptions {
    /// How pages are compressed.
    pub codec: Codec,
    /// Only encodings that readers have known from the start: `PLAIN` and dictionaries.
    pub compat: bool,
    /// Encodings that the user wants; the last that names a column counts.
    pub encodings: Vec<ColumnEncoding>,
}

/// How Parquet pages are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    /// Not compressed.
    None,
    /// Snappy.
    Snappy,
    /// LZ4, the raw variant that the format calls `LZ4_RAW`.
    Lz4,
    /// Gzip, level 0 to 9.
    Gzip(u32),
    /// Zstandard, level 1 to 22.
    Zstd(i32),
}

impl Default for Codec {
    fn default() -> Self {
        Codec::Zstd(3)
    }
}

impl std::str::FromStr for Codec {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let (name, level) = match text.split_once(':') {
            Some((name, level)) => (name, Some(level)),
            None => (text, None),
        };
        let number = level.map(str::parse::<u32>).transpose().ok().flatten();
        let codec = match (name, level, number) {
            ("none" | "uncompressed", None, _) => Some(Codec::None),
            ("snappy", None, _) => Some(Codec::Snappy),
            ("lz4", None, _) => Some(Codec::Lz4),
            ("gzip", None, _) => Some(Codec::Gzip(6)),
            ("gzip", _, Some(level)) if level <= 9 => Some(Codec::Gzip(level)),
            ("zstd", None, _) => Some(Codec::Zstd(3)),
            ("zstd", _, Some(level)) if (1..=22).contains(&level) => {
                Some(Codec::Zstd(level as i32))
            }
            _ => None,
        };
        codec.ok_or_else(|| {
            Error::usage(format!(
                "compression `{text}`: expected `zstd:1` to `zstd:22`, `snappy`, `gzip:0` to \
                 `gzip:9`, `lz4` or `none`"
            ))
        })
    }
}

impl Codec {
    /// Returns what the format calls it in the footer.
    fn in_footer(self) -> CompressionCodec {
        match self {
            Codec::None => CompressionCodec::UNCOMPRESSED,
            Codec::Snappy => CompressionCodec::SNAPPY,
            Codec::Lz4 => CompressionCodec::LZ4_RAW,
            Codec::Gzip(_) => CompressionCodec::GZIP,
            Codec::Zstd(_) => CompressionCodec::ZSTD,
        }
    }
}

/// Where a column chunk lies in the file, and what it holds.
#[derive(Debug)]
struct Stored {
    at: u64,
    about: About,
}

#[derive(Debug, Default)]
struct StoredGroup {
    rows: usize,
    order: Vec<usize>,
    /// Boxed, as wide tables have thousands and a map has room to spare.
    chunks: HashMap<usize, Box<Stored>>,
}

/// Writes one table as Parquet.
pub struct ParquetWriter {
    file: ParquetFile,
    options: ParquetOptions,
    properties: WriterPropertiesPtr,
    groups: Vec<StoredGroup>,
    residue: Residue,
    /// Rows of the row groups that were planned and not yet appended.
    planned: std::collections::VecDeque<usize>,
    planned_count: usize,
}

impl ParquetWriter {
    /// Starts a file.
    pub fn open(staged: Staged, options: ParquetOptions) -> Result<Self, Error> {
        let properties = WriterProperties::builder()
            .set_created_by(format!("transmog version {}", env!("CARGO_PKG_VERSION")))
            .build();
        Ok(ParquetWriter {
            file: ParquetFile::open(Store::Staged(staged))?,
            options,
            properties: Arc::new(properties),
            groups: Vec::new(),
            residue: Residue::default(),
            planned: Default::default(),
            planned_count: 0,
        })
    }

    /// Reads one column of one row group back, as `layout` has it in the end.
    fn reread(&self, group: usize, column: &LayoutColumn) -> Result<Option<Column>, Error> {
        match self.groups[group].chunks.get(&column.index) {
            Some(stored) => {
                let bytes = self.bytes_of(stored)?;
                let rows = self.groups[group].rows;
                let descr = chunk::descriptor(&stored.about.column_type)?;
                reread::column(bytes, &stored.about, descr, rows).map(Some)
            }
            None => self.residue.get(group, column.index),
        }
    }

    fn bytes_of(&self, stored: &Stored) -> Result<Vec<u8>, Error> {
        let mut bytes = vec![0; stored.about.bytes as usize];
        let mut file = self.file.store().read()?;
        file.seek(SeekFrom::Start(stored.at))
            .and_then(|_| file.read_exact(&mut bytes))
            .map_err(|cause| self.file.store().error("reading", cause))?;
        Ok(bytes)
    }

    /// Returns whether the file holds every column of `layout` under its type, and nothing else.
    fn is_settled(&self, layout: &Layout) -> bool {
        let order: Vec<usize> = layout.columns.iter().map(|column| column.index).collect();
        self.groups.iter().all(|group| {
            group.order == order
                && layout.columns.iter().all(|column| {
                    group
                        .chunks
                        .get(&column.index)
                        .is_some_and(|stored| self.is_final(stored, layout, column))
                })
        })
    }

    fn is_final(&self, stored: &Stored, layout: &Layout, column: &LayoutColumn) -> bool {
        stored.about.column_type == column.column_type
            && stored.about.wanted
                == self.chunk_options(layout, column, &column.column_type).encoding
    }

    /// Returns how a column is encoded while it has the type `column_type`.
    fn chunk_options(
        &self,
        layout: &Layout,
        column: &LayoutColumn,
        column_type: &ColumnType,
    ) -> ChunkOptions {
        let wanted = &self.options.encodings;
        ChunkOptions {
            codec: self.options.codec,
            is_compat: self.options.compat,
            encoding: encoding::wanted(wanted, &layout.table, &column.name, column_type),
        }
    }

    /// Copies everything into a second file under the final layout.
    fn stitch(mut self, layout: &Layout) -> Result<Staged, Error> {
        let mut out = ParquetFile::open(Store::Scratch(self.file.store().staged()?.scratch()?))?;
        let mut groups = Vec::with_capacity(self.groups.len());
        for group in 0..self.groups.len() {
            let rows = self.groups[group].rows;
            let mut stitched = StoredGroup { rows, ..StoredGroup::default() };
            for column in &layout.columns {
                let kept = self.groups[group].chunks.remove(&column.index);
                let stored = match kept {
                    Some(stored) if self.is_final(&stored, layout, column) => {
                        let bytes = self.bytes_of(&stored)?;
                        out.append(Chunk { bytes, about: stored.about })?
                    }
                    kept => {
                        if let Some(stored) = kept {
                            self.groups[group].chunks.insert(column.index, stored);
                        }
                        let values = self.reread(group, column)?;
                        let options = self.chunk_options(layout, column, &column.column_type);
                        out.append(chunk::encode(values, rows, &column.column_type, &options)?)?
                    }
                };
                stitched.order.push(column.index);
                stitched.chunks.insert(column.index, Box::new(stored));
            }
            groups.push(stitched);
        }
        let stitched = out.finish(layout, groups, &self.properties)?;
        let mut first = self.file.into_store()?.into_staged()?;
        first.replace_with(stitched.into_scratch()?)?;
        Ok(first)
    }

    /// Reads the file back row group by row group as Arrow arrays under the final layout.
    pub(super) fn read_arrays(
        &self,
        group: usize,
        layout: &Layout,
    ) -> Result<Vec<arrow_array::ArrayRef>, Error> {
        let rows = self.groups[group].rows;
        let array = |column: &LayoutColumn| {
            super::arrow::to_array(self.reread(group, column)?, rows, &column.column_type)
        };
        layout.columns.iter().map(array).collect()
    }

    pub(super) fn staged(&self) -> Result<&Staged, Error> {
        self.file.store().staged()
    }

    pub(super) fn group_rows(&self) -> Vec<usize> {
        self.groups.iter().map(|group| group.rows).collect()
    }

    pub(super) fn into_staged(self) -> Result<Staged, Error> {
        self.file.into_store()?.into_staged()
    }
}

/// Returns the type under which a column of a row group is written before its final type is
/// known: text where the type would drop digits that a wider type keeps.
fn kept_type(parts: &ColumnParts, column_type: &ColumnType) -> ColumnType {
    let lossy = |column: &Column| {
        column.kinds().has(Kinds::LONG_FLOAT | Kinds::NUMBER_TEXT) || column.long_float_count() > 0
    };
    let any_lossy = parts.iter().any(|(_, column)| {
        match (column.values(), column_type) {
            (Values::List(lists), ColumnType::List(_)) => lossy(&lists.elements),
            (_, ColumnType::Double | ColumnType::Decimal { .. }) => lossy(column),
            _ => false,
        }
    });
    match (any_lossy, column_type) {
        (false, _) => column_type.clone(),
        (true, ColumnType::List(_)) => ColumnType::List(Box::new(ColumnType::Text)),
        (true, _) => ColumnType::Text,
    }
}

impl TableWriter for ParquetWriter {
    fn plan(
        &mut self,
        mut group: RowGroup,
        layout: &Layout,
        place: Place,
    ) -> Result<Vec<Task>, Error> {
        let rows = group.rows;
        let mut tasks: Vec<Task> = Vec::with_capacity(layout.columns.len());
        for column in &layout.columns {
            let (index, parts) = (column.index, group.take_column(column.index));
            let column_type = match place {
                Place::Last => column.column_type.clone(),
                Place::Inner => kept_type(&parts, &column.column_type),
            };
            let options = self.chunk_options(layout, column, &column_type);
            tasks.push(Box::new(move || {
                let values = Column::join(parts);
                let chunk = chunk::encode(values, rows, &column_type, &options)?;
                Ok(Encoded::Chunk(index, Box::new(chunk)))
            }));
        }
        for index in group.indexes() {
            if let Some(column) = Column::join(group.take_column(index)) {
                let staged = self.file.store().staged()?;
                self.residue.put(self.planned_count, index, &column, staged)?;
            }
        }
        self.planned.push_back(rows);
        self.planned_count += 1;
        Ok(tasks)
    }

    fn append(&mut self, encoded: Vec<Encoded>) -> Result<(), Error> {
        let rows = self.planned.pop_front().unwrap_or(0);
        let mut group = StoredGroup { rows, ..StoredGroup::default() };
        for encoded in encoded {
            let Encoded::Chunk(index, chunk) = encoded else {
                return Err(Error::new(ErrorKind::Internal, "parquet was handed other data"));
            };
            let stored = self.file.append(*chunk)?;
            group.order.push(index);
            group.chunks.insert(index, Box::new(stored));
        }
        self.file.rest()?;
        self.groups.push(group);
        Ok(())
    }

    fn finish(mut self: Box<Self>, layout: &Layout) -> Result<Staged, Error> {
        if self.is_settled(layout) {
            let groups = std::mem::take(&mut self.groups);
            return self.file.finish(layout, groups, &self.properties)?.into_staged();
        }
        self.stitch(layout)
    }
}

#[cfg(test)]
mod tests;
