//! Values that found no column: what goes to the rest column, and when.

use super::path::{Step, pointer};
use super::rows::OwnedColumn;
use super::shape::NodeId;
use super::{Flattener, Halt, Note, Place, Scalar, push_json_string};
use crate::error::{Fault, FaultCode};
use crate::limits;
use crate::table::{Column, Part, PathId};

/// Bytes of what goes to the rest columns from one record.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct RestBytes {
    /// Its paths.
    paths: usize,
    /// The values and their own keys.
    values: usize,
}

impl RestBytes {
    /// Returns whether paths take more than they may.
    fn is_too_long(self) -> bool {
        self.paths > limits::REST_PATH_BYTES_MAX
            && self.paths / limits::REST_PATH_SHARE_MAX > self.values
    }

    /// - Errors: a fault where paths take more than they may.
    pub(super) fn check(self) -> Result<(), Halt> {
        if !self.is_too_long() {
            return Ok(());
        }
        let message = format!(
            "expected keys that are shorter: the values that found no column take more than {} times \
             their bytes to say where they stood",
            limits::REST_PATH_SHARE_MAX
        );
        Err(Fault::new(FaultCode::RecordTooLarge, 0, message).into())
    }
}

impl Flattener {
    /// Returns whether a full table has columns, or child tables, at or below a key.
    pub(super) fn is_known(&mut self, node: NodeId, child: Option<NodeId>, key: &str) -> bool {
        if let Some(known) = child.and_then(|child| self.shape.node(child).known) {
            return known;
        }
        let above = self.find_path(node);
        let path = above.and_then(|above| self.paths.find(above, &Step::Key(key.into())));
        let known = path.is_some_and(|path| self.admission.is_known(path));
        if let Some(child) = child {
            self.shape.node_mut(child).known = Some(known);
        }
        known
    }

    /// Returns the number of the node's path over the run, if it has one.
    pub(super) fn find_path(&self, node: NodeId) -> Option<PathId> {
        let known = self.shape.node(node);
        match known.path {
            Some(path) => Some(path),
            None => self.paths.find(self.find_path(known.parent)?, &known.step),
        }
    }

    /// Appends a value, or one of its members, to the rest column of its row.
    pub(super) fn push_rest(
        &mut self,
        place: Place,
        member: Option<&str>,
        json: &[u8],
        bytes: &mut u32,
    ) {
        if self.rest.is_too_long() {
            // the record is at fault, as its end will say
            return;
        }
        self.note(Note::ColumnOverflow, place.node);
        let table = self.shape.node(place.node).table;
        let element = self.tables[table as usize].element;
        let mut steps = self.shape.steps(element, place.node);
        steps.extend(member.map(|key| Step::Key(key.into())));
        let key = pointer(&steps);
        let own = match steps.last() {
            Some(Step::Key(key)) => key.len(),
            _ => 0,
        };
        self.rest.paths += key.len();
        self.rest.values += own + json.len() + 4;
        if self.rest.is_too_long() {
            return;
        }
        if self.tables[table as usize].rest.as_ref().is_some_and(|(row, _)| *row != place.row) {
            self.close_rest(table);
        }
        let owner = &mut self.tables[table as usize];
        *bytes = bytes.saturating_add((key.len() + json.len() + 4) as u32);
        let (_, text) = owner.rest.get_or_insert_with(|| (place.row, Vec::new()));
        text.push(if text.is_empty() { b'{' } else { b',' });
        push_json_string(&key, text);
        text.push(b':');
        text.extend_from_slice(json);
    }

    pub(super) fn push_rest_scalar(&mut self, place: Place, scalar: Scalar<'_>, bytes: &mut u32) {
        let mut json = Vec::new();
        scalar.push_json(&mut json);
        self.push_rest(place, None, &json, bytes);
    }

    pub(super) fn close_rest(&mut self, table: u32) {
        let owner = &mut self.tables[table as usize];
        let Some((row, mut text)) = owner.rest.take() else { return };
        text.push(b'}');
        let slot = self.rest_slot(table);
        self.columns[slot as usize].push_text(row as usize, &text);
    }

    /// Finds or makes the rest column of a table.
    pub(super) fn rest_slot(&mut self, table: u32) -> u32 {
        let owner = &mut self.tables[table as usize];
        match owner.columns.iter().find(|owned| owned.part == Part::Rest) {
            Some(owned) => owned.slot,
            None => {
                let (path, node) = (owner.batch.path, owner.element);
                let slot = self.columns.len() as u32;
                self.columns.push(Column::default());
                owner.columns.push(OwnedColumn { path, part: Part::Rest, node, slot });
                slot
            }
        }
    }
}
