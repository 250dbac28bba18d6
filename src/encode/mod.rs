//! Row groups → bytes of a format.
//!
//! A [`TableWriter`] takes one table's row groups as they fill, under the layout known by then, and
//! writes them at once. When the input has ended it learns the final layout; what no longer fits is
//! copied together anew, everything else stands.

pub mod arrow;
mod buffer;
mod cells;
pub mod csv;
pub mod ipc;
pub mod json;
pub mod parquet;
mod residue;
pub mod text;

use crate::error::Error;
use crate::schema::{Fitted, Layout};
use crate::sink::Staged;
use crate::table::Column;

/// Rows of one table that are written together.
///
/// They wait as the pieces in which they came and are joined by whoever encodes a column, so that
/// the ordered step, which fills row groups, copies next to nothing.
#[derive(Debug, Default)]
pub struct RowGroup {
    /// Rows.
    pub rows: usize,
    pieces: Vec<Piece>,
    /// Columns of all pieces but the first, and bytes of values.
    loose_columns: usize,
    bytes: usize,
}

#[derive(Debug)]
struct Piece {
    rows: usize,
    /// By column index; columns without a value here may be missing at the end.
    columns: Vec<Option<Column>>,
}

/// The parts of one column: rows of each piece, and the values there.
pub type ColumnParts = Vec<(usize, Option<Column>)>;

/// Bytes that a column takes besides its values, about.
const COLUMN_BYTES: usize = 256;

/// Pieces of a small row group are not worth joining.
const LOOSE_BYTES: usize = 256 << 10;

impl RowGroup {
    /// Appends rows, which hold `bytes` of values; the columns come with their indexes.
    pub fn push(&mut self, rows: usize, bytes: usize, columns: Vec<(usize, Column)>) {
        self.rows += rows;
        self.bytes += bytes;
        self.loose_columns += columns.len();
        let width = columns.iter().map(|(index, _)| index + 1).max().unwrap_or(0);
        let mut piece = Piece { rows, columns: Vec::new() };
        piece.columns.resize_with(width, || None);
        for (index, column) in columns {
            piece.columns[index] = Some(column);
        }
        self.pieces.push(piece);
        // What pieces cost by themselves stays below what they hold.
        if self.loose_columns * COLUMN_BYTES > self.bytes.max(LOOSE_BYTES) {
            self.join();
        }
    }

    fn join(&mut self) {
        let indexes = self.indexes();
        let mut columns = Vec::new();
        columns.resize_with(indexes.last().map_or(0, |last| last + 1), || None);
        for index in indexes {
            columns[index] = Column::join(self.take_column(index));
        }
        self.pieces = vec![Piece { rows: self.rows, columns }];
        self.loose_columns = 0;
    }

    /// Takes one column out, in its parts.
    pub fn take_column(&mut self, index: usize) -> ColumnParts {
        let take =
            |piece: &mut Piece| (piece.rows, piece.columns.get_mut(index).and_then(Option::take));
        self.pieces.iter_mut().map(take).collect()
    }

    /// Returns the indexes of columns that hold a value somewhere, rising.
    pub fn indexes(&self) -> Vec<usize> {
        let width = self.pieces.iter().map(|piece| piece.columns.len()).max().unwrap_or(0);
        let held = |index: &usize| {
            self.pieces.iter().any(|piece| piece.columns.get(*index).is_some_and(Option::is_some))
        };
        (0..width).filter(held).collect()
    }

    /// Takes the group apart into runs of rows: rows and columns by index.
    pub fn into_pieces(self) -> impl Iterator<Item = (usize, Vec<Option<Column>>)> {
        self.pieces.into_iter().map(|piece| (piece.rows, piece.columns))
    }
}

/// Cuts a fitted batch after `row` rows: keeps those before it, returns the rest.
pub fn split_off(fitted: &mut Fitted, row: usize) -> Fitted {
    let columns = fitted.columns.iter_mut();
    let columns = columns.map(|(index, column)| (*index, column.split_off(row))).collect();
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

/// A piece of encoding that depends on nothing but itself.
pub type Task = Box<dyn FnOnce() -> Result<Encoded, Error> + Send>;

/// What a [`Task`] makes.
#[derive(Debug)]
pub enum Encoded {
    /// A Parquet column chunk and the column's index.
    Chunk(usize, Box<parquet::Chunk>),
    /// Rows as text.
    Rows(Vec<u8>),
}

/// Whether a row group is the last of its table, so that its layout is the final one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// More may follow, and change the layout.
    Inner,
    /// Nothing follows.
    Last,
}

/// Writes one table in one format.
pub trait TableWriter: Send {
    /// Splits the encoding of a row group into independent tasks, in the order in which
    /// [`TableWriter::append`] wants what they make.
    fn plan(&mut self, group: RowGroup, layout: &Layout, place: Place) -> Result<Vec<Task>, Error>;

    /// Writes a row group that was planned; row groups come in the order of their plans.
    fn append(&mut self, encoded: Vec<Encoded>) -> Result<(), Error>;

    /// Brings everything written so far under the final layout, and ends the file.
    fn finish(self: Box<Self>, layout: &Layout) -> Result<Staged, Error>;
}
