//! The shape both halves agree on: tables and columns while they fill.
//!
//! A [`TableBatch`] is what one chunk gave one table. Its columns hold the values that are there,
//! densely, and which rows they belong to; a row without a value costs nothing. Every column knows
//! the [`Kinds`] of all values it was given, so that its type can be decided over the whole input.

pub mod cell;
pub mod column;
pub mod form;
pub mod kinds;
pub mod marks;
pub mod presence;
pub mod scalar;
pub mod tally;
pub mod values;

pub use cell::{CellBlock, CellSpan};
pub use column::{Column, Expected};
pub use form::{Form, Zone};
pub use kinds::{Kinds, StringForm};
pub use marks::Marks;
pub use presence::Presence;
pub use scalar::{Number, float_text};
pub use tally::KindCounts;
pub use values::{Excerpt, Lists, RowNumbers, Texts, Values};

/// Identity of a path during one run; says nothing about order.
pub type PathId = u32;

/// What a column holds of the values at its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part {
    /// Scalars.
    Scalar,
    /// Arrays of scalars.
    List,
    /// Values kept as JSON text.
    Json,
    /// `_tm_rest`: members that found no column, as one JSON object per row.
    Rest,
}

/// One column of a batch: which path of which part it belongs to, and its values.
#[derive(Debug)]
pub struct BatchColumn {
    /// The path, interned over the run.
    pub path: PathId,
    /// What it holds of the values there.
    pub part: Part,
    /// The values.
    pub column: Box<Column>,
}

/// The rows that one chunk of records gave one table.
///
/// - Shape: R rows; a link value per row; columns in order of first appearance, each with up to R
///   values.
/// - Units: `row_bytes` counts bytes of values before encoding, by the kind they had in the input,
///   so it does not depend on what else the chunk held.
#[derive(Debug)]
pub struct TableBatch {
    /// The path of the table's elements, interned over the run.
    pub path: PathId,
    /// How many rows.
    pub rows: usize,
    /// What links the rows to their parents.
    pub links: Links,
    /// Columns in order of first appearance.
    pub columns: Vec<BatchColumn>,
    /// Bytes of each row's values.
    pub row_bytes: Vec<u32>,
    /// Record in the chunk that each row came from, from 0, never falling.
    pub row_records: Vec<u32>,
}

/// Link values of a batch's rows, before they are numbered over the run.
#[derive(Debug, Default)]
pub struct Links {
    /// Row of the parent in its batch, or record in the chunk where the parent is the main table.
    pub parents: Vec<u32>,
    /// Place in the array, from 0.
    pub indexes: Vec<u32>,
    /// Keys, in tables from maps.
    pub keys: Option<Column>,
    /// The input of each record, in the main table where users asked for it.
    pub sources: Option<Column>,
    /// Ids that are not numbers in sequence.
    pub texts: Option<TextLinks>,
}

/// Ids, parent ids and root ids as text: every mode but `sequence`.
#[derive(Debug, Default)]
pub struct TextLinks {
    /// The row's own id.
    pub ids: Texts,
    /// The parent row's id; empty in the main table.
    pub parents: Texts,
    /// The record's id; empty in the main table.
    pub roots: Texts,
}
