//! Row groups → bytes of a format.
//!
//! A [`TableWriter`] takes one table's row groups as they fill, under the layout known by then, and
//! writes them at once. When the input has ended it learns the final layout; what no longer fits is
//! copied together anew, everything else stands.

pub mod arrow;
mod buffer;
mod cells;
pub mod csv;
mod digits;
pub mod ipc;
pub mod json;
pub mod live;
pub mod parquet;
pub mod profile;
mod residue;
pub mod streaming;
pub mod text;
mod written;

use std::sync::Arc;

pub use self::buffer::{Buffer, Spare};
use self::csv::CsvOptions;
use self::json::{JsonOptions, Nulls};
use self::live::LiveRows;
use self::parquet::{ParquetOptions, ParquetWriter};
use crate::error::Error;
use crate::format::OutputFormat;
use crate::schema::{Fitted, Layout};
use crate::sink::Staged;
use crate::table::Column;

/// Rows of one table that are written together.
///
/// They wait as the pieces in which they came and are joined by whoever encodes a column, so that
/// the ordered step, which fills row groups, copies next to nothing.
#[derive(Debug, Clone, Default)]
pub struct RowGroup {
    /// Rows.
    pub rows: usize,
    pieces: Vec<Piece>,
    /// Columns of all pieces but the first, and bytes of values.
    loose_columns: usize,
    bytes: usize,
}

#[derive(Debug, Clone)]
struct Piece {
    rows: usize,
    /// Bytes of values.
    bytes: usize,
    /// The columns that hold a value here, with their indexes.
    columns: Vec<(usize, Option<Box<Column>>)>,
    /// Where each index stands in `columns`: tables may have thousands, of which few are here.
    places: Vec<u32>,
}

/// Stands for a column that a piece does not hold.
const NOWHERE: u32 = u32::MAX;

impl Piece {
    fn new(rows: usize, bytes: usize, columns: Vec<(usize, Box<Column>)>) -> Self {
        let width = columns.iter().map(|(index, _)| index + 1).max().unwrap_or(0);
        let mut places = vec![NOWHERE; width];
        for (place, (index, _)) in columns.iter().enumerate() {
            places[*index] = place as u32;
        }
        let columns = columns.into_iter().map(|(index, column)| (index, Some(column))).collect();
        Piece { rows, bytes, columns, places }
    }

    /// Cuts it in the middle, and returns what is behind.
    fn halve(&mut self) -> Piece {
        let row = self.rows / 2;
        let split_off = |(index, column): &mut (usize, Option<Box<Column>>)| {
            let rest = column.as_mut()?.split_off(row);
            (rest.presence().count() > 0).then(|| (*index, Box::new(rest)))
        };
        let columns = self.columns.iter_mut().filter_map(split_off).collect();
        let behind = Piece::new(self.rows - row, self.bytes - self.bytes / 2, columns);
        (self.rows, self.bytes) = (row, self.bytes / 2);
        behind
    }

    fn holds(&self, index: usize) -> bool {
        self.places.get(index).is_some_and(|&place| place != NOWHERE)
    }

    fn get(&self, index: usize) -> Option<&Column> {
        self.columns.get(*self.places.get(index)? as usize)?.1.as_deref()
    }

    fn take(&mut self, index: usize) -> Option<Box<Column>> {
        let place = std::mem::replace(self.places.get_mut(index)?, NOWHERE);
        self.columns.get_mut(place as usize)?.1.take()
    }
}

/// The parts of one column: the first row of each, and the values from there on.
pub type ColumnParts = Vec<(usize, Box<Column>)>;

/// Bytes that a column takes besides its values, about.
const COLUMN_BYTES: usize = 256;

/// Text may be so many times as long as its values; what is more counts.
const TEXT_PER_VALUE: usize = 4;

/// Pieces of a small row group are not worth joining.
const LOOSE_BYTES: usize = 256 << 10;

impl RowGroup {
    /// Appends rows, which hold `bytes` of values; the columns come with their indexes.
    pub fn push(&mut self, rows: usize, bytes: usize, columns: Vec<(usize, Box<Column>)>) {
        self.rows += rows;
        self.bytes += bytes;
        self.loose_columns += columns.len();
        self.pieces.push(Piece::new(rows, bytes, columns));
        // What pieces cost by themselves stays below what they hold.
        if self.loose_columns * COLUMN_BYTES > self.bytes.max(LOOSE_BYTES) {
            self.join();
        }
    }

    fn join(&mut self) {
        let indexes = self.indexes().into_iter();
        let join = |index| Some((index, Box::new(Column::join(self.take_column(index))?)));
        let columns = indexes.filter_map(join).collect();
        self.pieces = vec![Piece::new(self.rows, self.bytes, columns)];
        self.loose_columns = 0;
    }

    /// Parts the group where it has `bytes`, over and over; returns each part with its bytes.
    ///
    /// A piece counts as the bytes of its values, or as `row_bytes` for each row if that is more. It is
    /// cut if it is rows that make it too large, and else stays whole. Parts are cut as they are asked for, as
    /// each has columns of its own.
    pub fn split(mut self, bytes: usize, row_bytes: usize) -> Parts {
        self.pieces.reverse();
        Parts { pieces: self.pieces, bytes, row_bytes }
    }

    /// Returns the bytes of the names of all cells that hold a value.
    fn name_bytes(&self, layout: &Layout) -> usize {
        let width = layout.columns.iter().map(|column| column.index + 1).max().unwrap_or(0);
        let mut lens = vec![0; width];
        for column in &layout.columns {
            lens[column.index] = column.name.len();
        }
        let columns = self.pieces.iter().flat_map(|piece| &piece.columns);
        let bytes = columns.map(|(index, column)| {
            let cells = column.as_ref().map_or(0, |column| column.presence().count());
            cells * lens.get(*index).copied().unwrap_or(0)
        });
        bytes.sum()
    }

    fn add(&mut self, piece: Piece) {
        self.rows += piece.rows;
        self.bytes += piece.bytes;
        self.pieces.push(piece);
    }

    /// Takes one column out, in its parts.
    pub fn take_column(&mut self, index: usize) -> ColumnParts {
        let mut first = 0;
        let take = |piece: &mut Piece| {
            let part = piece.take(index).map(|column| (first, column));
            first += piece.rows;
            part
        };
        self.pieces.iter_mut().filter_map(take).collect()
    }

    /// Takes the group apart into columns by index, each in its parts.
    pub fn into_columns(self) -> Vec<ColumnParts> {
        let width = self.pieces.iter().map(|piece| piece.places.len()).max().unwrap_or(0);
        let mut columns: Vec<ColumnParts> = vec![Vec::new(); width];
        let mut first = 0;
        for piece in self.pieces {
            for (index, column) in piece.columns {
                columns[index].extend(column.map(|column| (first, column)));
            }
            first += piece.rows;
        }
        columns
    }

    /// Copies one column.
    pub fn column(&self, index: usize) -> Option<Column> {
        let mut first = 0;
        let copy = |piece: &Piece| {
            let part = piece.get(index).map(|column| (first, Box::new(column.clone())));
            first += piece.rows;
            part
        };
        Column::join(self.pieces.iter().filter_map(copy).collect())
    }

    /// Copies the runs of rows one by one: rows and columns by index.
    pub fn pieces(&self) -> impl Iterator<Item = (usize, Vec<Option<Column>>)> {
        self.pieces.iter().map(|piece| {
            let columns = (0..piece.places.len()).map(|index| piece.get(index).cloned()).collect();
            (piece.rows, columns)
        })
    }

    /// Returns the indexes of columns that hold a value somewhere, rising.
    pub fn indexes(&self) -> Vec<usize> {
        let width = self.pieces.iter().map(|piece| piece.places.len()).max().unwrap_or(0);
        let held = |index: &usize| self.pieces.iter().any(|piece| piece.holds(*index));
        (0..width).filter(held).collect()
    }

    /// Takes the group apart into runs of rows: rows and columns by index.
    pub fn into_pieces(self) -> impl Iterator<Item = (usize, Vec<Option<Column>>)> {
        self.pieces.into_iter().map(|mut piece| {
            let width = piece.places.len();
            let take = |index| piece.take(index).map(|column| *column);
            let columns = (0..width).map(take).collect();
            (piece.rows, columns)
        })
    }
}

/// A row group in parts.
#[derive(Debug)]
pub struct Parts {
    /// What is left, the last first.
    pieces: Vec<Piece>,
    bytes: usize,
    row_bytes: usize,
}

impl Parts {
    fn weight(&self, piece: &Piece) -> usize {
        piece.bytes.max(piece.rows.saturating_mul(self.row_bytes))
    }
}

impl Iterator for Parts {
    type Item = (RowGroup, usize);

    fn next(&mut self) -> Option<(RowGroup, usize)> {
        let mut first = self.pieces.pop()?;
        while first.rows > 1 && first.rows.saturating_mul(self.row_bytes) > self.bytes {
            self.pieces.push(first.halve());
        }
        let (mut part, mut held) = (RowGroup::default(), self.weight(&first));
        part.add(first);
        while let Some(piece) = self.pieces.last()
            && let more = held.saturating_add(self.weight(piece))
            && more <= self.bytes
            && let Some(piece) = self.pieces.pop()
        {
            held = more;
            part.add(piece);
        }
        Some((part, held))
    }
}

/// Cuts a fitted batch after `row` rows: keeps those before it, returns the rest.
pub fn split_off(fitted: &mut Fitted, row: usize) -> Fitted {
    let columns = fitted.columns.iter_mut();
    let columns =
        columns.map(|(index, column)| (*index, Box::new(column.split_off(row)))).collect();
    let rest = Fitted {
        table: fitted.table,
        rows: fitted.rows - row,
        columns,
        row_bytes: fitted.row_bytes.split_off(row),
        row_records: fitted.row_records.split_off(row),
    };
    fitted.rows = row;
    rest
}

/// A piece of encoding that depends on nothing but itself, or on the tasks that were handed out with
/// it.
pub type Task = Box<dyn FnOnce() -> Result<Encoded, Error> + Send>;

/// What a [`Task`] makes.
pub enum Encoded {
    /// Nothing yet, as there is enough to do for several: these tasks make it together, in any order.
    Tasks(Vec<Task>),
    /// A part of what such tasks make; the one that is done last has it whole.
    Part,
    /// A Parquet column chunk and the column's index.
    Chunk(usize, Box<parquet::Chunk>),
    /// Columns of an Arrow batch, in their order.
    Cells(Vec<ipc::Cells>),
    /// Rows as text.
    Rows(Buffer),
    /// What a column holds, and its index.
    Tally(usize, Box<profile::Tally>),
}

/// What is to be done for a row group that is written again.
pub struct Anew {
    /// In the order in which [`TableWriter::append_anew`] wants what they make.
    pub tasks: Vec<Task>,
    /// Bytes of memory that each takes, about.
    pub bytes: usize,
    /// Bytes of memory that what they make takes until it is written, about, where that is much.
    pub made_bytes: usize,
}

/// Does tasks one after the other, and those that they hand out; returns what they make.
pub fn do_all(tasks: Vec<Task>) -> Result<Vec<Encoded>, Error> {
    let mut made = Vec::with_capacity(tasks.len());
    for task in tasks {
        match task()? {
            Encoded::Tasks(tasks) => made.extend(do_all(tasks)?),
            Encoded::Part => {}
            encoded => made.push(encoded),
        }
    }
    Ok(made)
}

/// Where a row group stands among those of its table, and so whether its layout is the final one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// More may follow, and change the layout.
    Inner,
    /// More follow, none of which changes the layout.
    Late,
    /// Nothing follows.
    Last,
}

/// Writes one table in one format.
pub trait TableWriter: Send {
    /// Splits the encoding of a row group into independent tasks, in the order in which
    /// [`TableWriter::append`] wants what they make.
    fn plan(
        &mut self,
        group: RowGroup,
        layout: &Arc<Layout>,
        place: Place,
    ) -> Result<Vec<Task>, Error>;

    /// Writes a row group that was planned; row groups come in the order of their plans.
    fn append(&mut self, encoded: Vec<Encoded>) -> Result<(), Error>;

    /// Returns whether all that was written, or written again, stands as it is to be under `layout`, the
    /// final one, and what is left takes a while, so that it had better be done beside others.
    fn is_final(&self, _layout: &Layout) -> bool {
        false
    }

    /// Splits what a row group, or a run of text, needs to come under the final layout into tasks,
    /// another one at each call; nothing once there is none left, or where all are written as they are
    /// to be.
    ///
    /// Whoever has no workers leaves this out: [`TableWriter::finish`] does what is left.
    fn plan_anew(&mut self, _layout: &Layout) -> Result<Option<Anew>, Error> {
        Ok(None)
    }

    /// Writes a row group that was planned anew; row groups come in the order of their plans.
    fn append_anew(&mut self, _encoded: Vec<Encoded>) -> Result<(), Error> {
        Ok(())
    }

    /// Brings everything written so far under the final layout, and ends the file.
    fn finish(self: Box<Self>, layout: &Layout) -> Result<Staged, Error>;
}

/// How each format is written.
#[derive(Debug, Clone, Default)]
pub struct FormatOptions {
    /// Parquet.
    pub parquet: ParquetOptions,
    /// CSV; TSV as far as it has a choice.
    pub csv: CsvOptions,
    /// JSON and JSONL, which differ in nothing but the array.
    pub json: JsonOptions,
}

impl FormatOptions {
    /// Starts a table in `format`; text takes its memory from `spare`, and gives it back there.
    ///
    /// - Errors: `Io`.
    pub fn open(
        &self,
        format: OutputFormat,
        staged: Staged,
        spare: &Spare,
    ) -> Result<Box<dyn TableWriter>, Error> {
        let json = |array| JsonOptions { array, ..self.json.clone() };
        Ok(match format {
            OutputFormat::Parquet => Box::new(ParquetWriter::open(staged, self.parquet.clone())?),
            OutputFormat::Csv => csv::open(staged, self.csv, spare.clone()),
            OutputFormat::Tsv => {
                csv::open(staged, CsvOptions { delimiter: b'\t', ..self.csv }, spare.clone())
            }
            OutputFormat::Json => json::open(staged, json(true), spare.clone()),
            OutputFormat::Jsonl => json::open(staged, json(false), spare.clone()),
            OutputFormat::Arrow => ipc::open(staged),
        })
    }

    /// Returns the bytes that a row of a group takes on its way to a file, on average, whatever its values
    /// are; nothing where that does not count.
    pub(crate) fn row_bytes(
        &self,
        format: OutputFormat,
        layout: &Layout,
        group: &RowGroup,
    ) -> usize {
        const NULL_MEMBER: usize = r#""":null,"#.len();
        let columns = &layout.columns;
        match format {
            OutputFormat::Parquet => 0,
            OutputFormat::Arrow => columns.len() * ipc::CELL_BYTES,
            OutputFormat::Csv | OutputFormat::Tsv => columns.len() / TEXT_PER_VALUE,
            OutputFormat::Json | OutputFormat::Jsonl => match self.json.nulls {
                Nulls::Omit => group.name_bytes(layout) / group.rows.max(1) / TEXT_PER_VALUE,
                Nulls::Keep => {
                    let names = columns.iter().map(|column| column.name.len() + NULL_MEMBER);
                    names.sum::<usize>() / TEXT_PER_VALUE
                }
            },
        }
    }

    /// Starts a table whose rows go out while the run goes on, as lines of `format`.
    pub(crate) fn open_live(
        &self,
        format: OutputFormat,
        staged: Staged,
        rows: LiveRows,
        spare: Spare,
    ) -> Box<dyn TableWriter> {
        let tabs = CsvOptions { delimiter: b'\t', ..self.csv };
        let lines = JsonOptions { array: false, ..self.json.clone() };
        match format {
            OutputFormat::Csv => csv::open_live(staged, self.csv, rows, spare),
            OutputFormat::Tsv => csv::open_live(staged, tabs, rows, spare),
            _ => json::open_live(staged, lines, rows, spare),
        }
    }
}
