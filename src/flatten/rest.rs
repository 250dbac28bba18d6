//! Values that found no column: what goes to the rest column, and when.

use super::path::{Step, pointer};
use super::shape::NodeId;
use super::{Flattener, Halt, Member, Note, Pending, Place, Scalar, ScalarKind, push_json_string};
use crate::table::{BatchColumn, Column, Part, PathId};

impl Flattener {
    /// Returns whether a full table has columns, or child tables, at or below a key.
    #[cold]
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

    /// Lets the member of a path that has no room go to the rest column.
    pub(super) fn unknown_key(&mut self, key: &str) -> Result<Member, Halt> {
        let Some(frame) = self.frames.last_mut() else { return Ok(Member::Read) };
        // The object is not empty, though none of its nodes is current.
        frame.current = frame.node;
        let place = Place { node: frame.node, row: frame.row, hash: frame.hash };
        if !self.unknown_keys.insert((frame.stamp, key.into())) {
            return Err(Halt::DuplicateKey);
        }
        self.pending = Pending::Member(place);
        self.pending_key.clear();
        self.pending_key.push_str(key);
        Ok(Member::Whole)
    }

    /// Appends a value, or one of its members, to the rest column of its row.
    pub(super) fn push_rest(&mut self, place: Place, member: Option<&str>, json: &[u8]) {
        self.note(Note::ColumnOverflow, place.node);
        let table = self.shape.node(place.node).table;
        let element = self.tables[table as usize].element;
        let mut steps = self.shape.steps(element, place.node);
        steps.extend(member.map(|key| Step::Key(key.into())));
        let key = pointer(&steps);
        if self.tables[table as usize].rest.as_ref().is_some_and(|(row, _)| *row != place.row) {
            self.close_rest(table);
        }
        let owner = &mut self.tables[table as usize];
        owner.count_bytes(place.row, key.len() + json.len() + 4);
        let (_, text) = owner.rest.get_or_insert_with(|| (place.row, Vec::new()));
        text.push(if text.is_empty() { b'{' } else { b',' });
        push_json_string(&key, text);
        text.push(b':');
        text.extend_from_slice(json);
    }

    pub(super) fn push_rest_scalar(&mut self, place: Place, scalar: Scalar<'_>) {
        let mut json = Vec::new();
        match scalar.kind {
            ScalarKind::String => push_json_string(scalar.text, &mut json),
            _ => json.extend_from_slice(scalar.text.as_bytes()),
        }
        self.push_rest(place, None, &json);
    }

    pub(super) fn close_rest(&mut self, table: u32) {
        let owner = &mut self.tables[table as usize];
        let Some((row, mut text)) = owner.rest.take() else { return };
        text.push(b'}');
        let columns = &mut owner.batch.columns;
        let slot = match columns.iter().position(|column| column.part == Part::Rest) {
            Some(slot) => slot,
            None => {
                let path = owner.batch.path;
                columns.push(BatchColumn { path, part: Part::Rest, column: Column::default() });
                owner.owners.push((owner.element, Part::Rest));
                columns.len() - 1
            }
        };
        columns[slot].column.push_text(row as usize, &text);
    }
}
