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
#[derive(Debug, Default)]
pub struct RowGroup {
    /// Rows.
    pub rows: usize,
    pieces: Vec<Piece>,
}

#[derive(Debug)]
struct Piece {
    rows: usize,
    /// By column index; columns without a value here may be missing at the end.
    columns: Vec<Option<Column>>,
}

/// Pieces with fewer rows than this are joined with the next.
const PIECE_ROWS: usize = 4096;

impl RowGroup {
    /// Appends rows; the columns come with their indexes.
    pub fn push(&mut self, rows: usize, columns: Vec<(usize, Column)>) {
        self.rows += rows;
        match self.pieces.last_mut() {
            Some(last) if last.rows + rows <= PIECE_ROWS => last.append(rows, columns),
            _ => {
                let mut piece = Piece { rows: 0, columns: Vec::new() };
                piece.append(rows, columns);
                self.pieces.push(piece);
            }
        }
    }

    /// Takes one column out, in one piece; nothing where no row has a value.
    pub fn take_column(&mut self, index: usize) -> Option<Column> {
        let mut whole: Option<Column> = None;
        let mut rows = 0;
        for piece in &mut self.pieces {
            if let Some(column) = piece.columns.get_mut(index).and_then(Option::take) {
                whole.get_or_insert_default().append(rows, column);
            }
            rows += piece.rows;
        }
        whole
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

impl Piece {
    fn append(&mut self, rows: usize, columns: Vec<(usize, Column)>) {
        for (index, column) in columns {
            if index >= self.columns.len() {
                self.columns.resize_with(index + 1, || None);
            }
            self.columns[index].get_or_insert_default().append(self.rows, column);
        }
        self.rows += rows;
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
