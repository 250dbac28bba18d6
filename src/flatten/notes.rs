//! What is counted of values that did not become a cell, by kind and node.

use std::collections::HashMap;

use super::{NodeId, Note};

/// Counts by kind and node.
///
/// Empty arrays can be as frequent as values, so they have a place of their own for each node.
#[derive(Debug, Default)]
pub(super) struct Notes {
    counts: HashMap<(Note, NodeId), u64, foldhash::fast::RandomState>,
    /// Empty arrays, by node; as long as the last node that had one.
    empty_arrays: Vec<u32>,
    /// The nodes that had one.
    nodes: Vec<NodeId>,
}

impl Notes {
    /// Counts a value.
    #[inline]
    pub(super) fn add(&mut self, note: Note, node: NodeId) {
        match note {
            Note::EmptyArray => self.add_empty_array(node),
            _ => *self.counts.entry((note, node)).or_default() += 1,
        }
    }

    #[inline]
    fn add_empty_array(&mut self, node: NodeId) {
        let index = node as usize;
        if index >= self.empty_arrays.len() {
            self.empty_arrays.resize(index + 1, 0);
        }
        let count = &mut self.empty_arrays[index];
        if *count == 0 {
            self.nodes.push(node);
        }
        // A batch is of less than 2^32 bytes, so it has fewer arrays.
        *count += 1;
    }

    /// Takes all counts, in no order.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = ((Note, NodeId), u64)> {
        let Notes { counts, empty_arrays, nodes } = self;
        let empty = nodes.drain(..).map(|node| {
            let count = std::mem::take(&mut empty_arrays[node as usize]);
            ((Note::EmptyArray, node), u64::from(count))
        });
        counts.drain().chain(empty)
    }

    /// Forgets all counts.
    pub(super) fn clear(&mut self) {
        self.drain().for_each(drop);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_note_is_counted_once() {
        let mut notes = Notes::default();
        for _ in 0..2 {
            for (note, node) in [
                (Note::EmptyArray, 7),
                (Note::EmptyObject, 7),
                (Note::EmptyArray, 0),
                (Note::EmptyArray, 7),
            ] {
                notes.add(note, node);
            }
            let mut counts: Vec<_> = notes.drain().collect();
            counts.sort_unstable();
            let expected = [
                ((Note::EmptyObject, 7), 1),
                ((Note::EmptyArray, 0), 1),
                ((Note::EmptyArray, 7), 2),
            ];
            assert_eq!(counts, expected);
        }
        notes.add(Note::EmptyArray, 3);
        notes.clear();
        assert_eq!(notes.drain().count(), 0);
    }
}
