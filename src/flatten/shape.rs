//! What has been seen at each path, so that the next record finds its columns at once.

use std::collections::HashMap;

use crate::flatten::path::Step;
use crate::flatten::selection::Keep;
use crate::flatten::terms::PathTerms;
use crate::flatten::{ArrayMode, DeclaredType};
use crate::table::{Expected, PathId};

/// Number of a node in its shape.
pub(super) type NodeId = u32;

/// Stands for "there is none" where a node or a slot is named.
pub(super) const NONE: u32 = u32::MAX;

/// The node of the record itself.
pub(super) const ROOT_NODE: NodeId = 0;

/// Past this many children a node finds them by hash.
const SCAN_MAX: usize = 8;

/// Keys that may be missing between one and the next that is still found without a search.
const HOPS_MAX: usize = 4;

/// The tree of paths that one worker has seen.
///
/// What every value needs lies in `leads`, a cache line for each node; the rest in `nodes`.
#[derive(Debug)]
pub(super) struct Shape {
    nodes: Vec<Node>,
    leads: Vec<Lead>,
}

/// One path.
#[derive(Debug)]
pub(super) struct Node {
    pub parent: NodeId,
    pub step: Step,
    /// Table whose rows take the values here.
    pub table: u32,
    /// Steps from the record.
    pub depth: u32,
    /// Column of the current batch for scalars, lists and JSON text.
    pub slots: [u32; 3],
    /// What those columns held in the last batch.
    pub expected: [Expected; 3],
    /// There is no room for such a column.
    pub refused: [bool; 3],
    /// Table for the elements of arrays here, or for the values of a map.
    pub child_table: u32,
    /// Node of those elements.
    pub element: NodeId,
    /// What arrays here become.
    pub array_mode: ArrayMode,
    /// What becomes of values here, and of elements of lists here.
    pub keep: Keep,
    pub keep_elements: Keep,
    /// What becomes of objects and arrays here; nothing where a schema file is asked.
    pub keep_containers: Option<Keep>,
    /// Objects here are maps.
    pub is_map: bool,
    /// The type the user gave.
    pub declared: Option<DeclaredType>,
    /// The type the user gave for elements of lists here.
    pub declared_element: Option<DeclaredType>,
    /// What may stand here, where a schema file says so.
    pub terms: Option<PathTerms>,
    /// The user said of this path what arrays become.
    pub is_mode_given: bool,
    /// The value here is part of the row's id.
    pub in_id: bool,
    /// Whether a column or table lies at or below the path, once that was asked.
    pub known: Option<bool>,
    /// Hash of the path, for ids.
    pub hash: u64,
    /// The path over the run, once it feeds something.
    pub path: Option<PathId>,
    children: Vec<NodeId>,
    by_key: HashMap<Box<str>, NodeId, foldhash::quality::RandomState>,
}

/// How a node is recognised by its key, and where its scalars go.
#[derive(Debug, Clone)]
#[repr(align(64))]
pub(super) struct Lead {
    /// First bytes of the key in the source, quotes and colon included, zeros behind.
    head: [u64; 2],
    /// The bits of `head` that count.
    mask: [u64; 2],
    /// The object that last had this key.
    pub stamp: u64,
    /// Bytes of the key in the source; 0 where it cannot be recognised by them.
    length: u32,
    /// The sibling that is likely to follow.
    pub next: NodeId,
    /// The child that is likely to come first.
    first: NodeId,
    /// Column of the current batch that takes scalars as they come; nothing where options or
    /// types want a closer look.
    pub slot: u32,
    /// Objects here are read member by member, whatever they hold.
    pub takes_members: bool,
    /// Arrays here are read as most are: of scalars as a list, others as rows of a child table.
    pub takes_elements: bool,
}

/// Bytes of a key that are compared at once.
const HEAD_BYTES: usize = 16;

impl Lead {
    fn new(step: &Step) -> Self {
        let mut lead = Lead {
            head: [0; 2],
            mask: [0; 2],
            stamp: 0,
            length: 0,
            next: NONE,
            first: NONE,
            slot: NONE,
            takes_members: false,
            takes_elements: false,
        };
        lead.teach(step);
        lead
    }

    /// Learns the bytes of the key, if they say it all.
    fn teach(&mut self, step: &Step) {
        let Step::Key(key) = step else { return };
        let is_plain = |byte: &u8| !matches!(byte, b'"' | b'\\' | 0..0x20);
        if !key.as_bytes().iter().all(is_plain) {
            return;
        }
        let source = [b"\"", key.as_bytes(), b"\":"].concat();
        let (mut head, mut mask) = ([0; HEAD_BYTES], [0; HEAD_BYTES]);
        let held = source.len().min(HEAD_BYTES);
        head[..held].copy_from_slice(&source[..held]);
        mask[..held].fill(u8::MAX);
        (self.head, self.mask) = (words(&head), words(&mask));
        self.length = source.len() as u32;
    }

    /// Returns whether `source` starts as the key does.
    #[inline(always)]
    fn begins(&self, source: &[u8; HEAD_BYTES]) -> bool {
        let [first, second] = words(source);
        let differs =
            (first ^ self.head[0]) & self.mask[0] | (second ^ self.head[1]) & self.mask[1];
        differs == 0 && self.length > 0
    }
}

#[inline(always)]
fn words(bytes: &[u8; HEAD_BYTES]) -> [u64; 2] {
    let both = u128::from_le_bytes(*bytes);
    [both as u64, (both >> 64) as u64]
}

impl Node {
    pub(super) fn new(parent: NodeId, step: Step, table: u32, depth: u32) -> Self {
        Node {
            parent,
            step,
            table,
            depth,
            slots: [NONE; 3],
            expected: Default::default(),
            refused: [false; 3],
            child_table: NONE,
            element: NONE,
            array_mode: ArrayMode::Smart,
            keep: Keep::All,
            keep_elements: Keep::All,
            keep_containers: Some(Keep::All),
            is_map: false,
            declared: None,
            declared_element: None,
            terms: None,
            is_mode_given: false,
            in_id: false,
            known: None,
            hash: 0,
            path: None,
            children: Vec::new(),
            by_key: HashMap::default(),
        }
    }
}

impl Shape {
    pub(super) fn new(root: Node) -> Self {
        let lead = Lead::new(&root.step);
        Shape { nodes: vec![root], leads: vec![lead] }
    }

    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    #[inline]
    pub(super) fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id as usize]
    }

    #[inline]
    pub(super) fn node_mut(&mut self, id: NodeId) -> &mut Node {
        &mut self.nodes[id as usize]
    }

    #[inline]
    pub(super) fn lead(&self, id: NodeId) -> &Lead {
        &self.leads[id as usize]
    }

    #[inline]
    pub(super) fn lead_mut(&mut self, id: NodeId) -> &mut Lead {
        &mut self.leads[id as usize]
    }

    /// Returns the child that is likely to come first in the object at `node`.
    #[inline]
    pub(super) fn first(&self, node: NodeId) -> NodeId {
        self.lead(node).first
    }

    /// Compares the bytes at hand with the key that is likely to come, `guess`, and a few that
    /// are likely to follow it; returns the child they name and the bytes its key takes.
    #[inline(always)]
    pub(super) fn predicted(
        &self,
        mut guess: NodeId,
        source: &[u8],
        at: usize,
    ) -> Option<(NodeId, usize)> {
        let block = source.get(at..)?.first_chunk::<HEAD_BYTES>()?;
        let mut hops = HOPS_MAX;
        loop {
            let lead = self.leads.get(guess as usize)?;
            if lead.begins(block) {
                let length = lead.length as usize;
                if length <= HEAD_BYTES || self.goes_on(guess, source, at) {
                    return Some((guess, length));
                }
            }
            guess = lead.next;
            hops -= 1;
            if hops == 0 {
                return None;
            }
        }
    }

    /// Returns whether the rest of a long key stands in `source`, whose first bytes are its own.
    #[inline]
    fn goes_on(&self, id: NodeId, source: &[u8], at: usize) -> bool {
        let Step::Key(key) = &self.node(id).step else { return false };
        let rest = &source[at + HEAD_BYTES..];
        match key.as_bytes().get(HEAD_BYTES - 1..) {
            Some(known) => rest.starts_with(known) && rest[known.len()..].starts_with(b"\":"),
            // Of the quotes and the colon around the key, the colon alone is left.
            None => rest.first() == Some(&b':'),
        }
    }

    /// Returns the sibling that is likely to follow `child`.
    #[inline]
    pub(super) fn after(&self, child: NodeId) -> NodeId {
        self.lead(child).next
    }

    /// Notes that `child` came after `last` (or first in `object`), where another was likely.
    pub(super) fn learn(&mut self, object: NodeId, last: NodeId, child: NodeId) {
        let lead = match last {
            NONE => &mut self.leads[object as usize].first,
            last => &mut self.leads[last as usize].next,
        };
        let skipped = std::mem::replace(lead, child);
        if self.leads[child as usize].next == NONE && skipped != child {
            self.leads[child as usize].next = skipped;
        }
    }

    /// Makes keys of `table` be looked up one by one, as the answer may not be a column.
    pub(super) fn unlearn(&mut self, table: u32) {
        for (node, lead) in self.nodes.iter().zip(&mut self.leads) {
            if node.table == table {
                lead.length = 0;
            }
        }
    }

    /// Makes keys of all tables be looked up one by one.
    pub(super) fn unlearn_all(&mut self) {
        for lead in &mut self.leads {
            lead.length = 0;
        }
    }

    /// Lets a node of a full table be found by the bytes of its key after all.
    pub(super) fn teach(&mut self, id: NodeId) {
        let lead = &mut self.leads[id as usize];
        if lead.length == 0 {
            lead.teach(&self.nodes[id as usize].step);
        }
    }

    /// Finds the child of `node` under `key`.
    pub(super) fn child(&self, node: NodeId, key: &str) -> Option<NodeId> {
        let node = self.node(node);
        if node.children.len() > SCAN_MAX {
            return node.by_key.get(key).copied();
        }
        let is_key = |child: &&NodeId| match &self.node(**child).step {
            Step::Key(own) => **own == *key,
            Step::Element => false,
        };
        node.children.iter().find(is_key).copied()
    }

    /// Hangs `node` below its parent; `is_open` lets it be found by the bytes of its key.
    pub(super) fn insert(&mut self, node: Node, is_open: bool) -> NodeId {
        let id = self.nodes.len() as NodeId;
        let parent = node.parent;
        match &node.step {
            Step::Element => self.node_mut(parent).element = id,
            Step::Key(key) => {
                let key = key.clone();
                let siblings = &mut self.nodes[parent as usize];
                siblings.children.push(id);
                if siblings.children.len() == SCAN_MAX + 1 {
                    let mut by_key = HashMap::default();
                    for &child in &self.nodes[parent as usize].children[..SCAN_MAX] {
                        if let Step::Key(key) = &self.node(child).step {
                            by_key.insert(key.clone(), child);
                        }
                    }
                    self.nodes[parent as usize].by_key = by_key;
                }
                let siblings = &mut self.nodes[parent as usize];
                if siblings.children.len() > SCAN_MAX {
                    siblings.by_key.insert(key, id);
                }
            }
        }
        let mut lead = Lead::new(&node.step);
        if !is_open {
            lead.length = 0;
        }
        self.leads.push(lead);
        self.nodes.push(node);
        id
    }

    /// Returns the steps from `from` (which must lie above) down to `node`.
    pub(super) fn steps(&self, from: NodeId, node: NodeId) -> Vec<Step> {
        let (mut steps, mut at) = (Vec::new(), node);
        while at != from {
            steps.push(self.node(at).step.clone());
            at = self.node(at).parent;
        }
        steps.reverse();
        steps
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(keys: &[&str]) -> Shape {
        let mut shape = Shape::new(Node::new(0, Step::Element, 0, 0));
        for key in keys {
            shape.insert(Node::new(ROOT_NODE, Step::Key((*key).into()), 0, 1), true);
        }
        shape
    }

    #[test]
    fn keys_are_recognised_by_their_bytes() {
        let long = "a key of thirty bytes, no more";
        let keys = [
            "a",
            "",
            "é",
            "thirteen byte",
            "fourteen bytes",
            long,
            "a key too long for that, by far",
        ];
        let shape = shape(&keys);
        let behind = " 1 and enough behind it";
        for (place, key) in keys.iter().enumerate() {
            let child = place as NodeId + 1;
            let source = format!("\"{key}\":{behind}");
            let expected = Some((child, key.len() + 3));
            assert_eq!(shape.predicted(child, source.as_bytes(), 0), expected, "{key}");
            for other in [format!("\"{key}x\":{behind}"), format!("\"x{key}\":{behind}")] {
                assert_eq!(shape.predicted(child, other.as_bytes(), 0), None, "{other}");
            }
            assert_eq!(shape.predicted(child, &source.as_bytes()[..3.min(source.len())], 0), None);
        }
    }

    #[test]
    fn keys_with_escapes_are_looked_up() {
        let shape = shape(&["a\"b", "a\\b", "a\nb"]);
        for child in 1..=3 {
            let source = "\"a\"b\": and so on and on";
            assert_eq!(shape.predicted(child, source.as_bytes(), 0), None);
        }
    }

    #[test]
    fn what_followed_last_time_is_likely_to_follow_again() {
        let mut shape = shape(&["a", "b", "c"]);
        let (a, b, c) = (1, 2, 3);
        shape.learn(ROOT_NODE, NONE, a);
        shape.learn(ROOT_NODE, a, c);
        assert_eq!((shape.first(ROOT_NODE), shape.after(a), shape.after(c)), (a, c, NONE));
        // `b` comes in between and leads on to `c`.
        shape.learn(ROOT_NODE, a, b);
        assert_eq!((shape.after(a), shape.after(b)), (b, c));
        let source = b"\"c\":0, and enough behind it";
        assert_eq!(shape.predicted(shape.after(a), source, 0), Some((c, 4)), "b may be missing");
    }
}
