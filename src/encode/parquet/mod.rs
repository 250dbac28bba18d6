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
mod footer;
mod ledger;
mod levels;
mod pages;
mod reread;
mod segments;
mod shared;
mod stitch;

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use parquet::basic::CompressionCodec;
use serde::{Deserialize, Serialize};

use super::residue::Residue;
use super::{Anew, ColumnParts, Encoded, Place, RowGroup, TableWriter, Task, do_all};
use crate::error::{Error, ErrorKind};
use crate::nearest::nearest;
use crate::schema::widen::ColumnType;
use crate::schema::{Layout, LayoutColumn};
use crate::sink::Staged;
use crate::table::{Column, Kinds, Values};
pub use chunk::Chunk;
use chunk::ChunkOptions;
use encoding::ColumnEncoding;
use file::{ParquetFile, Store};
use ledger::{Held, Ledger, Stored};
use stitch::{Source, Stitch};

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Codec::None => f.write_str("none"),
            Codec::Snappy => f.write_str("snappy"),
            Codec::Lz4 => f.write_str("lz4"),
            Codec::Gzip(level) => write!(f, "gzip:{level}"),
            Codec::Zstd(level) => write!(f, "zstd:{level}"),
        }
    }
}

impl Default for Codec {
    fn default() -> Self {
        Codec::Zstd(3)
    }
}

impl FromStr for Codec {
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
            let error = Error::usage(format!(
                "compression `{text}`: expected `zstd:1` to `zstd:22`, `snappy`, `gzip:0` to \
                 `gzip:9`, `lz4` or `none`"
            ));
            let known = ["zstd", "snappy", "gzip", "lz4", "none"];
            let near = nearest(name, known).map(|near| match level {
                Some(level) => format!("{near}:{level}"),
                None => near.to_owned(),
            });
            match near.filter(|near| Codec::from_str(near).is_ok()) {
                Some(near) => error.with_hint(format!("did you mean `{near}`?")),
                None => error,
            }
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

/// A row group of the file, its chunks at hand by the index of their column.
struct OpenGroup<'a> {
    ordinal: usize,
    rows: usize,
    chunks: HashMap<usize, (&'a Held, Stored)>,
}

/// Writes one table as Parquet.
pub struct ParquetWriter {
    file: ParquetFile,
    options: ParquetOptions,
    ledger: Ledger,
    residue: Residue,
    /// Rows of the row groups that were planned and not yet appended.
    planned: VecDeque<usize>,
    planned_count: usize,
    /// The second file, where there has to be one.
    stitch: Option<Stitch>,
}

impl ParquetWriter {
    /// Starts a file.
    pub fn open(staged: Staged, options: ParquetOptions) -> Result<Self, Error> {
        Ok(ParquetWriter {
            file: ParquetFile::open(Store::Staged(staged))?,
            options,
            ledger: Ledger::default(),
            residue: Residue::default(),
            planned: Default::default(),
            planned_count: 0,
            stitch: None,
        })
    }

    fn open_group(&self, ordinal: usize) -> Result<OpenGroup<'_>, Error> {
        let group = &self.ledger.groups()[ordinal];
        let chunks = self.ledger.chunks(ordinal)?;
        let chunks = group.columns.iter().zip(chunks);
        let chunks = chunks.map(|(held, stored)| (held.index, (held, stored))).collect();
        Ok(OpenGroup { ordinal, rows: group.rows, chunks })
    }

    /// Takes what there is of one column of a row group.
    fn source(&self, group: &mut OpenGroup<'_>, column: &LayoutColumn) -> Result<Source, Error> {
        Ok(match group.chunks.remove(&column.index) {
            Some((held, stored)) => {
                let bytes = self.file.store().bytes_of(&stored)?;
                Source::Chunk(bytes, held.column_type.clone(), stored.about)
            }
            None => Source::Column(self.residue.get(group.ordinal, column.index)?),
        })
    }

    /// Plans the next row group of the second file: what fits is copied, all else read and encoded
    /// again.
    fn plan_stitch(&self, stitch: &mut Stitch, layout: &Layout) -> Result<Anew, Error> {
        let mut group = self.open_group(stitch.planned)?;
        let rows = group.rows;
        let mut kept = Vec::with_capacity(layout.columns.len());
        let mut tasks: Vec<Task> = Vec::new();
        let mut bytes = 0;
        for (column, wanted) in layout.columns.iter().zip(&stitch.wanted) {
            let fits = group.chunks.get(&column.index).is_some_and(|(held, _)| *held == wanted);
            if fits && let Some((_, stored)) = group.chunks.remove(&column.index) {
                kept.push(Some(stored));
                continue;
            }
            kept.push(None);
            let source = self.source(&mut group, column)?;
            bytes = bytes.max(source.memory(rows));
            let (index, marks) = (column.index, column.marks);
            let column_type = column.column_type.clone();
            let options = self.chunk_options(layout, column, &column_type);
            tasks.push(Box::new(move || {
                let values = source.read(rows, marks)?;
                shared::encode(index, values, rows, column_type, options)
            }));
        }
        stitch.planned += 1;
        stitch.waiting.push_back((rows, kept));
        Ok(Anew { tasks, bytes, made_bytes: 0 })
    }

    /// Returns the columns that every row group must hold in the end.
    fn wanted_columns(&self, layout: &Layout) -> Vec<Held> {
        let columns = layout.columns.iter().map(|column| Held {
            index: column.index,
            column_type: column.column_type.clone(),
            wanted: self.chunk_options(layout, column, &column.column_type).encoding,
        });
        columns.collect()
    }

    /// Returns whether every row group holds these columns.
    fn holds(&self, wanted: &[Held]) -> bool {
        self.ledger.groups().iter().all(|group| *group.columns == *wanted)
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
}

/// Returns the type under which a column of a row group is written before its final type is
/// known: text where the type would drop digits that a wider type keeps.
pub(super) fn kept_type(parts: &ColumnParts, column_type: &ColumnType) -> ColumnType {
    let lossy = |column: &Column| {
        const KEPT: u16 =
            Kinds::LONG_FLOAT | Kinds::NUMBER_TEXT | Kinds::LOOSE_FLOAT | Kinds::MARKED;
        column.kinds().has(KEPT) || column.long_float_count() > 0
    };
    let any_lossy = parts.iter().any(|(_, column)| match (column.values(), column_type) {
        (Values::List(lists), ColumnType::List(_)) => lossy(&lists.elements),
        (_, ColumnType::Int64) => column.kinds().has(Kinds::MARKED),
        (_, ColumnType::Double | ColumnType::Decimal { .. }) => lossy(column),
        _ => false,
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
        group: RowGroup,
        layout: &Arc<Layout>,
        place: Place,
    ) -> Result<Vec<Task>, Error> {
        let rows = group.rows;
        let mut columns = group.into_columns();
        let mut tasks: Vec<Task> = Vec::with_capacity(layout.columns.len());
        for column in &layout.columns {
            let index = column.index;
            let parts = columns.get_mut(index).map(std::mem::take).unwrap_or_default();
            let column_type = match place {
                Place::Late | Place::Last => column.column_type.clone(),
                Place::Inner => kept_type(&parts, &column.column_type),
            };
            let options = self.chunk_options(layout, column, &column_type);
            tasks.push(Box::new(move || {
                shared::encode(index, Column::join(parts), rows, column_type, options)
            }));
        }
        // under the final layout nobody asks for what is left
        if place == Place::Inner {
            self.residue.put_all(self.planned_count, columns, self.file.store().staged()?)?;
        }
        self.planned.push_back(rows);
        self.planned_count += 1;
        Ok(tasks)
    }

    fn append(&mut self, encoded: Vec<Encoded>) -> Result<(), Error> {
        let rows = self.planned.pop_front().unwrap_or(0);
        let mut columns = Vec::with_capacity(encoded.len());
        let mut chunks = Vec::with_capacity(encoded.len());
        for encoded in encoded {
            let (index, chunk) = chunk_of(Some(encoded))?;
            let Chunk { bytes, column_type, wanted, about } = chunk;
            columns.push(Held { index, column_type, wanted });
            chunks.push(self.file.append(bytes.iter(), about)?);
        }
        self.file.rest()?;
        self.ledger.push(rows, columns, &chunks, self.file.store().staged()?)
    }

    fn is_final(&self, layout: &Layout) -> bool {
        match &self.stitch {
            Some(stitch) => stitch.planned == self.ledger.groups().len(),
            None => self.holds(&self.wanted_columns(layout)),
        }
    }

    fn plan_anew(&mut self, layout: &Layout) -> Result<Option<Anew>, Error> {
        let mut stitch = match self.stitch.take() {
            Some(stitch) => stitch,
            None => {
                let wanted = self.wanted_columns(layout);
                if self.holds(&wanted) {
                    return Ok(None);
                }
                Stitch::open(self.file.store().staged()?, wanted)?
            }
        };
        let anew = match stitch.planned < self.ledger.groups().len() {
            true => Some(self.plan_stitch(&mut stitch, layout)?),
            false => None,
        };
        self.stitch = Some(stitch);
        Ok(anew)
    }

    fn append_anew(&mut self, encoded: Vec<Encoded>) -> Result<(), Error> {
        match &mut self.stitch {
            Some(stitch) => stitch.append(self.file.store(), encoded),
            None => Err(Error::new(ErrorKind::Internal, "nothing was planned anew")),
        }
    }

    fn finish(mut self: Box<Self>, layout: &Layout) -> Result<Staged, Error> {
        while let Some(anew) = self.plan_anew(layout)? {
            self.append_anew(do_all(anew.tasks)?)?;
        }
        match self.stitch {
            None => self.file.finish(layout, &self.ledger)?.into_staged(),
            Some(stitch) => {
                let mut first = self.file.into_store()?.into_staged()?;
                first.replace_with(stitch.finish(layout)?)?;
                Ok(first)
            }
        }
    }
}

/// Returns what a task of this writer made: a column's index and its chunk.
fn chunk_of(encoded: Option<Encoded>) -> Result<(usize, Chunk), Error> {
    match encoded {
        Some(Encoded::Chunk(index, chunk)) => Ok((index, *chunk)),
        _ => Err(Error::new(ErrorKind::Internal, "parquet was handed other data")),
    }
}

#[cfg(test)]
mod tests;
