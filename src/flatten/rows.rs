//! The rows and columns being filled: where a path's values go.

use super::Flattener;
use super::admission::Admitted;
use super::path::Step;
use super::shape::{NONE, Node, NodeId};
use super::terms;
use crate::limits;
use crate::table::{BatchColumn, Column, Links, Part, PathId, TableBatch, TextLinks};

/// One table of one worker, with the batch that fills.
#[derive(Debug)]
pub(super) struct Table {
    pub element: NodeId,
    pub parent: u32,
    /// No further column is admitted.
    pub full: bool,
    pub rows: u32,
    pub batch: TableBatch,
    /// The batch's columns, in order of first appearance.
    pub columns: Vec<OwnedColumn>,
    /// JSON members of the row being filled that found no column.
    pub rest: Option<(u32, Vec<u8>)>,
    /// First row of the current record.
    pub record_row: u32,
    pub record: u32,
}

/// A column of the batch that fills.
#[derive(Debug)]
pub(super) struct OwnedColumn {
    pub path: PathId,
    pub part: Part,
    /// The node whose slot names it.
    pub node: NodeId,
    /// Where it stands among all columns.
    pub slot: u32,
}

impl Flattener {
    /// Finds or makes the child table for the elements at `node`; nothing if there is no room.
    pub(super) fn child_table(&mut self, node: NodeId) -> Option<u32> {
        let known = self.shape.node(node);
        if known.child_table != NONE {
            return Some(known.child_table);
        }
        let path = self.path(node);
        let path = self.paths.intern(path, &Step::Element);
        match self.admission.table(path, &self.paths) {
            Admitted::No => return None,
            Admitted::Yes => {}
            Admitted::Open => {
                self.cap_reached |= self.tables.len() + 1 > self.admission.caps().tables;
            }
        }
        let table = self.tables.len() as u32;
        let above = self.shape.node(node);
        let (parent, depth) = (above.table, above.depth + 1);
        let element = self.add_node(Node::new(node, Step::Element, table, depth));
        self.shape.node_mut(element).path = Some(path);
        self.shape.node_mut(node).child_table = table;
        let mut owner = Table::new(element, parent, path);
        owner.full = self.admission.is_full(path);
        self.tables.push(owner);
        Some(table)
    }

    /// Returns the number of the node's path over the run.
    pub(super) fn path(&mut self, node: NodeId) -> PathId {
        if let Some(path) = self.shape.node(node).path {
            return path;
        }
        let (parent, step) = (self.shape.node(node).parent, self.shape.node(node).step.clone());
        let above = self.path(parent);
        let path = self.paths.intern(above, &step);
        self.shape.node_mut(node).path = Some(path);
        path
    }

    /// Finds or makes the column for a part of a path; nothing if the table is full.
    #[inline]
    pub(super) fn slot(&mut self, node: NodeId, part: Part) -> Option<u32> {
        let known = self.shape.node(node);
        let slot = known.slots[part as usize];
        if slot != NONE {
            return Some(slot);
        }
        if known.refused[part as usize] {
            return None;
        }
        self.add_column(node, part)
    }

    #[inline(never)]
    fn add_column(&mut self, node: NodeId, part: Part) -> Option<u32> {
        let table = self.shape.node(node).table;
        if self.tables[table as usize].full && self.find_path(node).is_none() {
            self.shape.node_mut(node).refused[part as usize] = true;
            return None;
        }
        let path = self.path(node);
        let (is_watched, weight) = (self.is_watched(path, part), self.paths.weight(path));
        let owner = &mut self.tables[table as usize];
        match self.admission.column(owner.batch.path, path, part, &self.paths) {
            Admitted::No => {
                self.shape.node_mut(node).refused[part as usize] = true;
                return None;
            }
            Admitted::Yes => {
                let was_full = owner.full;
                owner.full = self.admission.is_full(owner.batch.path);
                if owner.full && !was_full {
                    match self.admission.is_run_full() {
                        true => self.fill_tables(),
                        false => self.shape.unlearn(table),
                    }
                }
            }
            Admitted::Open => {
                let caps = self.admission.caps();
                self.cap_reached |= owner.columns.len() + 1 > caps.columns;
                self.cap_reached |= self.column_weights + weight > caps.run_columns;
            }
        }
        self.column_weights += weight;
        let slot = self.columns.len() as u32;
        let known = self.shape.node_mut(node);
        known.slots[part as usize] = slot;
        let mut column = Column::expecting(known.expected[part as usize]);
        let agreed = known.terms.and_then(|terms| terms.scalar);
        let wants_forms = match agreed {
            Some(wanted) => terms::has_form(wanted),
            None => self.options.dates || known.declared.is_some(),
        };
        if !wants_forms {
            column.ignore_forms();
        }
        if self.options.count_kinds {
            column.count_kinds();
        }
        self.columns.push(column);
        let is_plain = part == Part::Scalar && known.declared.is_none() && !known.in_id;
        let is_plain = is_plain && !is_watched && agreed.is_none_or(terms::is_plain);
        if is_plain && self.is_plain && !self.ids.wants_values() {
            self.shape.lead_mut(node).slot = slot;
        }
        self.tables[table as usize].columns.push(OwnedColumn { path, part, node, slot });
        Some(slot)
    }

    /// Notes that no table takes a further column.
    fn fill_tables(&mut self) {
        for table in &mut self.tables {
            table.full = true;
        }
        self.shape.unlearn_all();
    }

    /// Adds a row to `table`.
    #[inline]
    pub(super) fn add_row(&mut self, table: u32, parent_row: u32, index: u32) -> u32 {
        let record = self.record;
        let is_main = table == 0;
        let parent_is_main = self.tables[table as usize].parent == 0;
        let owner = &mut self.tables[table as usize];
        if owner.rows == 0 {
            self.filled.push(table);
        }
        let row = owner.rows;
        if owner.record != record || row == 0 {
            owner.record = record;
            owner.record_row = row;
        }
        owner.rows += 1;
        let batch = &mut owner.batch;
        batch.row_records.push(record);
        if !is_main {
            batch.links.parents.push(if parent_is_main { record } else { parent_row });
            batch.links.indexes.push(index);
        }
        if row > owner.record_row || is_main {
            return row;
        }
        self.ids.touch(table);
        row
    }

    /// Ends the row that was added to `table` last, which holds `bytes` of values.
    #[inline]
    pub fn end_row(&mut self, table: u32, bytes: u32) {
        let bytes = bytes.saturating_add(limits::LINK_BYTES);
        self.tables[table as usize].batch.row_bytes.push(bytes);
    }

    /// Takes the batch of a table.
    pub(super) fn take_table(&mut self, table: u32) -> TableBatch {
        let owner = &mut self.tables[table as usize];
        let owned = std::mem::take(&mut owner.columns);
        let mut batch = owner.take();
        batch.columns.reserve_exact(owned.len());
        for OwnedColumn { path, part, node, slot } in owned {
            let column = std::mem::take(&mut self.columns[slot as usize]);
            if part != Part::Rest {
                let known = self.shape.node_mut(node);
                known.slots[part as usize] = NONE;
                known.expected[part as usize] = column.size().with_margin();
                if part == Part::Scalar {
                    self.shape.lead_mut(node).slot = NONE;
                }
            }
            batch.columns.push(BatchColumn { path, part, column: Box::new(column) });
        }
        batch
    }
}

impl Table {
    pub(super) fn new(element: NodeId, parent: u32, path: PathId) -> Self {
        Table {
            element,
            parent,
            full: false,
            rows: 0,
            batch: empty_batch(path),
            columns: Vec::new(),
            rest: None,
            record_row: 0,
            record: 0,
        }
    }

    /// Lets a row count for more bytes.
    pub(super) fn count_bytes(&mut self, row: u32, bytes: usize) {
        let sum = &mut self.batch.row_bytes[row as usize];
        *sum = sum.saturating_add(bytes as u32);
    }

    fn take(&mut self) -> TableBatch {
        self.batch.rows = self.rows as usize;
        self.rows = 0;
        self.record_row = 0;
        let empty = empty_batch(self.batch.path);
        std::mem::replace(&mut self.batch, empty)
    }
}

fn empty_batch(path: PathId) -> TableBatch {
    TableBatch {
        path,
        rows: 0,
        links: Links::default(),
        columns: Vec::new(),
        row_bytes: Vec::new(),
        row_records: Vec::new(),
    }
}

impl Links {
    /// Returns the text ids, making room for them on first use.
    pub(super) fn texts(&mut self) -> &mut TextLinks {
        self.texts.get_or_insert_default()
    }
}

impl TextLinks {
    /// Gives every row an id that has none yet, in a batch that is good for nothing else.
    pub(super) fn pad(&mut self, rows: usize) {
        for texts in [&mut self.ids, &mut self.parents, &mut self.roots] {
            while texts.len() < rows {
                texts.push(b"");
            }
        }
    }
}
