//! Records at fault: their rows leave the batch again, where that can be told to leave no trace.
//!
//! A column does not know which record brought a kind. But most records bring none: so the kinds of
//! all columns are remembered every few records, and where they are the same behind a record at
//! fault, it has brought none, and taking back its values is taking back the record. Otherwise the
//! batch is read again without it.

use super::shape::NONE;
use super::{Flattener, NodeId, Note};
use crate::table::{Kinds, Part, TextLinks};

/// Records after which kinds are remembered again.
const CHECKPOINT_RECORDS: u32 = 64;

/// What there was when the record at hand began.
#[derive(Debug, Default)]
pub(super) struct UndoState {
    /// A record was at fault before, so that another one may be.
    is_on: bool,
    columns: usize,
    filled: usize,
    nodes: usize,
    used: u128,
    left_out: u64,
    /// Something happened that cannot be taken back.
    pub is_tainted: bool,
    /// What is to be counted of the record once it stands.
    pub notes: Vec<(Note, NodeId)>,
    /// Kinds of the first columns, and of the elements of those that hold lists.
    kinds: Vec<(Kinds, Kinds)>,
}

impl UndoState {
    /// Returns whether notes wait for the end of their record.
    #[inline]
    pub(super) fn is_on(&self) -> bool {
        self.is_on
    }

    /// Forgets the columns, which are others from now on.
    pub(super) fn forget(&mut self) {
        self.kinds.clear();
        self.notes.clear();
    }
}

impl Flattener {
    /// Remembers where the record at hand begins; its row is not there yet.
    pub(super) fn mark_record(&mut self) {
        // The rest of a record that stands may not wait for the next one that has some, which may be
        // taken back with the column that arises then.
        for index in 0..self.filled.len() {
            self.close_rest(self.filled[index]);
        }
        if self.record.is_multiple_of(CHECKPOINT_RECORDS) || self.undo.kinds.is_empty() {
            self.undo.kinds.clear();
            let kinds = self.columns.iter().map(|column| {
                (*column.kinds(), column.element_kinds().copied().unwrap_or_default())
            });
            self.undo.kinds.extend(kinds);
        }
        self.undo.columns = self.columns.len();
        self.undo.filled = self.filled.len();
        self.undo.nodes = self.shape.len();
        self.undo.used = self.used;
        self.undo.left_out = self.left_out;
        self.undo.is_tainted = false;
    }

    /// Takes a record that is at fault out of the batch; returns whether nothing of it is left. If
    /// not, the batch is good for nothing but to find further faults until it is abandoned.
    ///
    /// - Buffers: columns are cut, not copied.
    pub fn take_back_record(&mut self) -> bool {
        if !self.can_take_back() {
            self.undo.is_on = true;
            self.undo.notes.clear();
            self.give_up_record();
            return false;
        }
        self.undo.notes.clear();
        self.left_out = self.undo.left_out;
        self.used = self.undo.used;
        self.cap_reached = false;
        for index in 0..self.filled.len() {
            let table = self.filled[index];
            self.drop_new_columns(table);
            let owner = &self.tables[table as usize];
            if owner.record == self.record && owner.rows > 0 {
                self.cut_rows(table, owner.record_row);
            }
        }
        self.filled.truncate(self.undo.filled);
        self.columns.truncate(self.undo.columns);
        true
    }

    fn can_take_back(&self) -> bool {
        let undo = &self.undo;
        let is_known = undo.is_on && !undo.is_tainted && undo.columns == undo.kinds.len();
        // Which options meant a path shows with new nodes.
        let may_mean = self.names_paths && undo.nodes != self.shape.len();
        let may_change =
            self.admission_before.is_some() || self.options.terms.is_some() || may_mean;
        is_known
            && !may_change
            && self.columns.iter().zip(&undo.kinds).all(|(column, (kinds, elements))| {
                column.kinds() == kinds && column.element_kinds().is_none_or(|now| now == elements)
            })
    }

    /// Forgets the columns of a table that the record at hand brought.
    fn drop_new_columns(&mut self, table: u32) {
        let columns = &mut self.tables[table as usize].columns;
        while let Some(owned) = columns.pop_if(|owned| owned.slot as usize >= self.undo.columns) {
            if owned.part != Part::Rest {
                self.shape.node_mut(owned.node).slots[owned.part as usize] = NONE;
                if owned.part == Part::Scalar {
                    self.shape.lead_mut(owned.node).slot = NONE;
                }
            }
        }
    }

    /// Keeps the first `rows` rows of a table.
    fn cut_rows(&mut self, table: u32, rows: u32) {
        let owner = &mut self.tables[table as usize];
        let count = rows as usize;
        for owned in &owner.columns {
            self.columns[owned.slot as usize].truncate(count);
        }
        if owner.rest.as_ref().is_some_and(|(row, _)| *row >= rows) {
            owner.rest = None;
        }
        owner.rows = rows;
        owner.record_row = rows;
        let batch = &mut owner.batch;
        batch.row_records.truncate(count);
        batch.row_bytes.truncate(count);
        batch.links.parents.truncate(count);
        batch.links.indexes.truncate(count);
        if let Some(keys) = &mut batch.links.keys {
            keys.truncate(count);
            // the table has keys once one is there
            if keys.presence().count() == 0 {
                batch.links.keys = None;
            }
        }
        if let Some(TextLinks { ids, parents, roots }) = &mut batch.links.texts {
            [ids, parents, roots].into_iter().for_each(|texts| texts.truncate(count));
        }
    }

    /// Counts what happened in the record that has ended.
    pub(super) fn count_notes(&mut self) {
        for (note, node) in self.undo.notes.drain(..) {
            self.notes.add(note, node);
        }
    }
}
