//! Row groups on their way to the workers, as far as memory has room.

use std::collections::VecDeque;

use super::budget::Budget;
use super::groups::FullGroup;
use super::outputs::Written;
use crate::encode::Place;

/// Row groups that are being encoded, and those that are full and wait for that.
pub(super) struct Encoding {
    /// How many are being encoded.
    pub groups: usize,
    bytes: usize,
    /// As much is encoded at once, or one row group.
    bytes_max: usize,
    /// Row groups of text are parted where they have as much.
    part_bytes: Option<usize>,
    /// Bytes that a cell takes whether it has a value or not.
    cell_bytes: usize,
    /// And this much at the end, when row groups are written again.
    pub stitching_bytes: usize,
    /// While there are some, chunks wait as well.
    waiting: VecDeque<(FullGroup, Place)>,
}

impl Encoding {
    /// Starts with none, within `budget`.
    pub(super) fn new(budget: &Budget, are_text: bool, cell_bytes: usize) -> Self {
        Encoding {
            groups: 0,
            bytes: 0,
            bytes_max: if are_text { budget.text_encoding } else { budget.encoding },
            part_bytes: are_text.then_some(budget.text),
            cell_bytes,
            stitching_bytes: budget.stitching,
            waiting: VecDeque::new(),
        }
    }

    /// Returns whether some wait.
    pub(super) fn has_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Counts one that is being encoded, of so many bytes of values.
    pub(super) fn begin(&mut self, bytes: usize) {
        self.groups += 1;
        self.bytes += bytes;
    }

    /// Takes those from the count that were written.
    pub(super) fn end(&mut self, written: &Written) {
        self.groups -= written.groups;
        self.bytes -= written.bytes;
    }

    /// Has a row group of a table of so many columns wait for its turn.
    pub(super) fn push(&mut self, mut full: FullGroup, place: Place, columns: usize) {
        let Some(bytes) = self.part_bytes else {
            full.bytes = full.bytes.max(full.group.rows * columns * self.cell_bytes);
            return self.waiting.push_back((full, place));
        };
        let mut parts = full.split(bytes).peekable();
        while let Some(part) = parts.next() {
            let is_followed = place == Place::Last && parts.peek().is_some();
            self.waiting.push_back((part, if is_followed { Place::Late } else { place }));
        }
    }

    /// Takes the row group out that is next, if there is room for it.
    pub(super) fn next(&mut self) -> Option<(FullGroup, Place)> {
        let (full, _) = self.waiting.front()?;
        let has_room = self.groups == 0 || self.bytes + full.bytes <= self.bytes_max;
        if has_room { self.waiting.pop_front() } else { None }
    }
}
