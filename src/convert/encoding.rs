//! Row groups on their way to the workers, as far as memory has room.

use std::collections::VecDeque;
use std::iter::Peekable;

use super::budget::Budget;
use super::groups::{FullGroup, FullParts};
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
    /// And this much at the end, when row groups are written again.
    pub stitching_bytes: usize,
    /// While there are some, chunks wait as well.
    waiting: VecDeque<(Peekable<FullParts>, Place)>,
}

impl Encoding {
    /// Starts with none, within `budget`.
    pub(super) fn new(budget: &Budget, are_text: bool) -> Self {
        Encoding {
            groups: 0,
            bytes: 0,
            bytes_max: if are_text { budget.text_encoding } else { budget.encoding },
            part_bytes: are_text.then_some(budget.text),
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

    /// Has a row group wait for its turn, whose rows take so many bytes at least.
    pub(super) fn push(&mut self, full: FullGroup, place: Place, row_bytes: usize) {
        let part_bytes = self.part_bytes.unwrap_or(usize::MAX);
        self.waiting.push_back((full.split(part_bytes, row_bytes).peekable(), place));
    }

    /// Takes the row group out that is next, or the next part of it, if there is room for it.
    pub(super) fn next(&mut self) -> Option<(FullGroup, Place)> {
        let (parts, place) = self.waiting.front_mut()?;
        let part_bytes = parts.peek().map_or(0, |part| part.bytes);
        if self.groups > 0 && self.bytes + part_bytes > self.bytes_max {
            return None;
        }
        let (part, place) = (parts.next(), *place);
        let is_followed = parts.peek().is_some();
        if !is_followed {
            self.waiting.pop_front();
        }
        Some((part?, if is_followed && place == Place::Last { Place::Late } else { place }))
    }
}
