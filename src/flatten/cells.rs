//! Rows of cells: the columns they feed are named once for many rows.

use super::rows::OwnedColumn;
use super::selection::Keep;
use super::shape::{NONE, NodeId, ROOT_NODE};
use super::{
    DeclaredType, Flattener, Halt, Member, Note, Place, Scalar, ScalarKind, Target,
    push_json_string, scalar,
};
use crate::decode::number;
use crate::table::cell::{self, CellValue};
use crate::table::marks::MarkedCell;
use crate::table::{CellBlock, Column, Excerpt, Marks, Number, Part};

/// Which column each cell of a row feeds, for the rows of one batch.
#[derive(Debug, Default)]
pub struct RowColumns {
    feeds: Vec<Feed>,
}

/// Where a cell goes.
#[derive(Debug)]
enum Feed {
    /// To this column, as it comes.
    Column(u32),
    /// To the column of a path, after a closer look.
    Path(NodeId),
    /// To the rest column, under this key, as far as it is kept.
    Rest(Box<str>, Keep),
    /// Nowhere: it is left out.
    Nothing,
}

/// Where a cell goes that holds JSON.
#[derive(Debug)]
pub enum CellPlace {
    /// Its values are pushed here.
    At(Place),
    /// It is pushed whole.
    Whole(Target),
}

impl Place {
    /// Returns the row of its table.
    #[inline]
    pub fn row(self) -> u32 {
        self.row
    }
}

impl RowColumns {
    /// Returns whether every cell goes to a column as it comes.
    pub fn are_direct(&self) -> bool {
        self.feeds.iter().all(|feed| matches!(feed, Feed::Column(_)))
    }

    /// Returns how many cells a row has.
    pub fn len(&self) -> usize {
        self.feeds.len()
    }

    /// Returns whether rows have no cells.
    pub fn is_empty(&self) -> bool {
        self.feeds.is_empty()
    }
}

impl Flattener {
    /// Finds or makes the columns of the main table that cells under `names` feed, in their order.
    ///
    /// They hold until the batch is taken. A column arises even where no row has a value for it.
    pub fn row_columns(&mut self, names: &[Box<str>]) -> Result<RowColumns, Halt> {
        let mut members = self.members(Place { node: ROOT_NODE, row: 0, hash: 0 });
        let mut feeds = Vec::with_capacity(names.len());
        for name in names {
            feeds.push(match self.key(&mut members, name)? {
                Member::At(Place { node, .. }) => match self.shape.node(node).keep {
                    Keep::All if !self.takes_scalars(node) => Feed::Path(node),
                    Keep::All => {
                        self.slot(node, Part::Scalar);
                        match self.shape.lead(node).slot {
                            NONE => Feed::Path(node),
                            slot => Feed::Column(slot),
                        }
                    }
                    Keep::Inside | Keep::ForId => Feed::Path(node),
                    Keep::Nothing => Feed::Nothing,
                },
                Member::Whole(target) => match self.keep_of(&target) {
                    Keep::ForId | Keep::Nothing => Feed::Nothing,
                    keep => Feed::Rest(name.clone(), keep),
                },
            });
        }
        if self.cap_reached { Err(Halt::CapReached) } else { Ok(RowColumns { feeds }) }
    }

    /// Appends cell `index` of each of a block's rows, of which the first is `first_row`.
    ///
    /// The columns must be direct.
    pub fn cells(
        &mut self,
        columns: &RowColumns,
        index: usize,
        first_row: u32,
        block: &CellBlock<'_>,
    ) {
        if let Feed::Column(slot) = columns.feeds[index] {
            self.columns[slot as usize].push_cells(first_row as usize, block, index);
        }
    }

    /// Appends cell `index` of the row at `row`.
    #[inline]
    pub fn cell(
        &mut self,
        columns: &RowColumns,
        index: usize,
        row: Place,
        text: Excerpt<'_>,
        bytes: &mut u32,
    ) -> Result<(), Halt> {
        match columns.feeds[index] {
            Feed::Column(slot) => {
                self.columns[slot as usize].push_cell(row.row as usize, text);
                *bytes = bytes.saturating_add(scalar::string_bytes(text.len()));
                Ok(())
            }
            _ => self.cell_slowly(columns, index, row, text.text(), bytes),
        }
    }

    /// Appends cell `index` of the row at `row`, where numbers have marks.
    pub fn marked_cell(
        &mut self,
        columns: &RowColumns,
        index: usize,
        row: Place,
        text: Excerpt<'_>,
        marks: Marks,
        bytes: &mut u32,
    ) -> Result<(), Halt> {
        let node = match &columns.feeds[index] {
            Feed::Column(slot) => {
                let column = &mut self.columns[*slot as usize];
                column.push_marked_cell(row.row as usize, text, marks, false);
                *bytes = bytes.saturating_add(scalar::string_bytes(text.len()));
                return Ok(());
            }
            Feed::Path(node) => *node,
            Feed::Rest(..) | Feed::Nothing => {
                return self.cell_slowly(columns, index, row, &marks.plain(text.text()), bytes);
            }
        };
        let node_of = self.shape.node(node);
        let wanted = node_of.declared.or(node_of.terms.and_then(|terms| terms.scalar));
        let source = text.text();
        let kind = match (marks.read(source), wanted) {
            (_, Some(DeclaredType::Text | DeclaredType::Json)) | (None, _) => {
                return self.cell_slowly(columns, index, row, source, bytes);
            }
            (Some(MarkedCell::Loose), _) if self.options.number_text => {
                return self.cell_slowly(columns, index, row, source, bytes);
            }
            (Some(MarkedCell::Foreign), _) => ScalarKind::String,
            (Some(MarkedCell::Loose | MarkedCell::Marked(_)), None) => {
                ScalarKind::Marked(marks, self.options.number_text)
            }
            (Some(MarkedCell::Loose), Some(_)) => ScalarKind::Number(number::parse(source)),
            (Some(MarkedCell::Marked(plain)), Some(_)) => {
                let scalar =
                    Scalar { text: &plain, kind: ScalarKind::Number(number::parse(&plain)) };
                return self.scalar(Place { node, ..row }, scalar, bytes);
            }
        };
        self.scalar(Place { node, ..row }, Scalar { text: source, kind }, bytes)
    }

    #[inline(never)]
    fn cell_slowly(
        &mut self,
        columns: &RowColumns,
        index: usize,
        row: Place,
        text: &str,
        bytes: &mut u32,
    ) -> Result<(), Halt> {
        match &columns.feeds[index] {
            Feed::Nothing | Feed::Rest(_, Keep::Inside) => {
                self.leave_out();
                Ok(())
            }
            Feed::Column(_) | Feed::Rest(..) => {
                let mut json = Vec::new();
                match self.kind_of(text) {
                    ScalarKind::String => push_json_string(text, &mut json),
                    _ => json.extend_from_slice(text.as_bytes()),
                }
                if let CellPlace::Whole(target) = self.cell_place(columns, index, row) {
                    self.json(target, &json, bytes);
                }
                Ok(())
            }
            Feed::Path(node) => {
                // A type that the user gave reads strings, too.
                let node_of = self.shape.node(*node);
                let agreed = node_of.terms.and_then(|terms| terms.scalar);
                let kind = match (node_of.declared, agreed) {
                    (Some(_), _) => ScalarKind::String,
                    (_, Some(DeclaredType::Decimal { .. })) if number::is_number(text) => {
                        ScalarKind::Number(number::parse(text))
                    }
                    _ => self.kind_of(text),
                };
                self.scalar(Place { node: *node, ..row }, Scalar { text, kind }, bytes)
            }
        }
    }

    /// Tells what a cell is, as it prints back or as its text is kept.
    fn kind_of<'a>(&self, text: &'a str) -> ScalarKind<'a> {
        match cell::read(text) {
            CellValue::Bool(value) => ScalarKind::Bool(value),
            CellValue::Int(value) => ScalarKind::Number(Number::Int(value)),
            CellValue::Big(value) => ScalarKind::Number(Number::Big(value)),
            CellValue::Float(value) => ScalarKind::Number(Number::Float { value, exact: true }),
            CellValue::Text if self.options.number_text && number::is_number(text) => {
                match number::parse(text) {
                    found @ (Number::Float { .. } | Number::Far) => ScalarKind::Number(found),
                    Number::Int(_) | Number::Big(_) | Number::Huge(_) => ScalarKind::String,
                }
            }
            CellValue::Text => ScalarKind::String,
        }
    }

    /// Appends a null as cell `index`.
    #[inline]
    pub fn null_cell(
        &mut self,
        columns: &RowColumns,
        index: usize,
        row: Place,
    ) -> Result<(), Halt> {
        match columns.feeds[index] {
            Feed::Path(node) => return self.null(Place { node, ..row }),
            Feed::Nothing => self.leave_out(),
            Feed::Column(_) | Feed::Rest(..) => {}
        }
        Ok(())
    }

    /// Returns whether cell `index` is left out whatever it holds.
    pub fn leaves_out(&self, columns: &RowColumns, index: usize) -> bool {
        matches!(columns.feeds[index], Feed::Nothing)
    }

    /// Returns where the values of cell `index` go, if it holds JSON.
    pub fn cell_place(&self, columns: &RowColumns, index: usize, row: Place) -> CellPlace {
        match &columns.feeds[index] {
            Feed::Column(slot) => {
                let is_own = |owned: &&OwnedColumn| owned.slot == *slot;
                let owned = self.tables[0].columns.iter().find(is_own);
                let node = owned.map_or(ROOT_NODE, |owned| owned.node);
                CellPlace::At(Place { node, ..row })
            }
            Feed::Path(node) => CellPlace::At(Place { node: *node, ..row }),
            Feed::Rest(key, _) => CellPlace::Whole(Target::Member(row, key.clone())),
            Feed::Nothing => unreachable!("a cell that is left out is not looked at"),
        }
    }

    /// Keeps the cells of a row that no column has as a name for: `json` is an array of them.
    ///
    /// They are the row's rest; where that holds members already, they stand under an empty key.
    /// Where paths are selected they are left out, as they have none.
    pub fn extra_cells(&mut self, row: Place, json: &[u8], bytes: &mut u32) {
        if self.options.selection.of_record() != Keep::All {
            return self.leave_out();
        }
        if self.options.is_closed() {
            return self.note(Note::Discarded, row.node);
        }
        *bytes = bytes.saturating_add(scalar::string_bytes(json.len()));
        self.ids.add_value(self.hash_of(row), b'j', json);
        let table = self.shape.node(row.node).table;
        if let Some((_, text)) =
            self.tables[table as usize].rest.as_mut().filter(|rest| rest.0 == row.row)
        {
            text.extend_from_slice(b",\"\":");
            return text.extend_from_slice(json);
        }
        self.close_rest(table);
        let slot = self.rest_slot(table);
        let rest: &mut Column = &mut self.columns[slot as usize];
        rest.push_text(row.row as usize, json);
    }

    /// Counts a row that has another number of cells than there are names.
    pub fn note_ragged(&mut self) {
        self.note(Note::RaggedRow, ROOT_NODE);
    }

    /// Counts a cell that starts like JSON and is none, which stays text.
    pub fn note_broken_json(&mut self, place: &CellPlace) {
        let node = match place {
            CellPlace::At(place) => place.node,
            CellPlace::Whole(_) => ROOT_NODE,
        };
        self.note(Note::BrokenJson, node);
    }
}
