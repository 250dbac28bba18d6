//! What each array mode does with an array.

use std::str::FromStr;

use super::{
    DeclaredType, Descend, Flattener, Frame, FrameKind, Halt, Note, Pending, Place, Scalar,
};
use crate::error::Error;
use crate::table::Part;

/// What arrays become.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ArrayMode {
    /// Arrays of scalars a list column, others rows of a child table.
    #[default]
    Smart,
    /// Rows of a child table.
    Separate,
    /// JSON text in one column.
    Inline,
    /// Nothing; they are counted.
    Skip,
}

impl FromStr for ArrayMode {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Ok(match text {
            "smart" => ArrayMode::Smart,
            "separate" => ArrayMode::Separate,
            "inline" => ArrayMode::Inline,
            "skip" => ArrayMode::Skip,
            _ => {
                return Err(Error::usage(format!(
                    "array mode `{text}`: expected `smart`, `separate`, `inline` or `skip`"
                )));
            }
        })
    }
}

/// What an array holds, as far as a decoder must look ahead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArrayContent {
    /// Nothing.
    Empty,
    /// Scalars and nulls alone.
    Scalars,
    /// An object or an array at least.
    Nested,
}

impl Flattener {
    /// Starts an array; `content` is asked only where the answer decides.
    pub fn begin_array(&mut self, content: impl FnOnce() -> ArrayContent) -> Result<Descend, Halt> {
        let place = self.place();
        self.note_container(place, b'[');
        let node = self.shape.node(place.node);
        if node.declared == Some(DeclaredType::Json) {
            return Ok(self.as_json(place));
        }
        let node = self.shape.node(place.node);
        if node.array_mode == ArrayMode::Skip {
            self.note(Note::SkippedArray, place.node);
            return Ok(Descend::Skip);
        }
        if node.array_mode == ArrayMode::Inline {
            return Ok(self.as_json(place));
        }
        if node.depth >= self.options.max_depth {
            self.note(Note::DepthOverflow, place.node);
            return Ok(self.as_json(place));
        }
        if node.array_mode == ArrayMode::Smart {
            match content() {
                ArrayContent::Nested => {}
                ArrayContent::Empty => {
                    self.note(Note::EmptyArray, place.node);
                    return Ok(self.begin_list(place));
                }
                ArrayContent::Scalars => return Ok(self.begin_list(place)),
            }
        } else if content() == ArrayContent::Empty {
            self.note(Note::EmptyArray, place.node);
            return Ok(Descend::Skip);
        }
        self.refuse_container(place, "an array that is no list of scalars")?;
        match self.child_table(place.node) {
            Some(_) => self.enter_elements(FrameKind::Rows, place),
            None => {
                self.note(Note::TableOverflow, place.node);
                return Ok(self.as_json(place));
            }
        }
        Ok(Descend::Enter)
    }

    fn begin_list(&mut self, place: Place) -> Descend {
        let Some((table, slot)) = self.slot(place.node, Part::List) else {
            self.pending = Pending::Rest(place);
            return Descend::Json;
        };
        let batch = &mut self.tables[table as usize].batch;
        batch.columns[slot as usize].column.begin_list(place.row as usize);
        let hash = super::ids::mix(place.hash, self.shape.node(place.node).hash);
        self.frames.push(Frame {
            kind: FrameKind::List,
            node: place.node,
            row: place.row,
            current: slot,
            next: 0,
            stamp: 0,
            hash,
        });
        Descend::Enter
    }

    pub(super) fn list_element(&mut self, scalar: Scalar<'_>) -> Result<(), Halt> {
        let Some(frame) = self.frames.last_mut() else { return Ok(()) };
        frame.next += 1;
        let (frame, index) = (*frame, frame.next - 1);
        if self.ids.wants_values() {
            self.ids.add_value(
                super::ids::mix(frame.hash, u64::from(index)),
                scalar.tag(),
                scalar.text.as_bytes(),
            );
        }
        let table = self.shape.node(frame.node).table as usize;
        let batch = &mut self.tables[table].batch;
        let lists = batch.columns[frame.current as usize].column.lists();
        let start = lists.ends.last().copied().unwrap_or(0);
        let row = (start + index) as usize;
        let declared = self.shape.node(frame.node).declared_element;
        if self.options.all_text || self.options.number_text || declared.is_some() {
            scalar
                .push_as(&mut lists.elements, row, declared, &self.options)
                .map_err(|fault| self.at_path(fault))?;
        } else {
            scalar.push(&mut lists.elements, row);
        }
        self.tables[table].count_bytes(frame.row, scalar.bytes());
        Ok(())
    }

    /// Ends the array that was begun last.
    pub fn end_array(&mut self) {
        let Some(frame) = self.frames.pop() else { return };
        if frame.kind == FrameKind::List {
            let table = self.shape.node(frame.node).table as usize;
            let batch = &mut self.tables[table].batch;
            batch.columns[frame.current as usize].column.end_list(frame.next);
            self.tables[table].count_bytes(frame.row, 4 + 4);
        }
    }
}
