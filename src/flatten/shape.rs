//! What has been seen at each path, so that the next record finds its columns at once.

use std::collections::HashMap;

use crate::flatten::path::Step;
use crate::flatten::{ArrayMode, DeclaredType};
use crate::table::PathId;

/// Number of a node in its shape.
pub(super) type NodeId = u32;

/// Stands for "there is none" where a node or a slot is named.
pub(super) const NONE: u32 = u32::MAX;

/// The node of the record itself.
pub(super) const ROOT_NODE: NodeId = 0;

/// Past this many children a node finds them by hash.
const SCAN_MAX: usize = 8;

/// The tree of paths that one worker has seen.
#[derive(Debug)]
pub(super) struct Shape {
    nodes: Vec<Node>,
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
    /// There is no room for such a column.
    pub refused: [bool; 3],
    /// Table for the elements of arrays here, or for the values of a map.
    pub child_table: u32,
    /// Node of those elements.
    pub element: NodeId,
    /// What arrays here become.
    pub array_mode: ArrayMode,
    /// Objects here are maps.
    pub is_map: bool,
    /// The type the user gave.
    pub declared: Option<DeclaredType>,
    /// The type the user gave for elements of lists here.
    pub declared_element: Option<DeclaredType>,
    /// The value here is part of the row's id.
    pub in_id: bool,
    /// Whether a column or table lies at or below the path, once that was asked.
    pub known: Option<bool>,
    /// The object that last had this key.
    pub stamp: u64,
    /// Hash of the path, for ids.
    pub hash: u64,
    /// The path over the run, once it feeds something.
    pub path: Option<PathId>,
    children: Vec<NodeId>,
    by_key: HashMap<Box<str>, NodeId, foldhash::quality::RandomState>,
}

impl Node {
    pub(super) fn new(parent: NodeId, step: Step, table: u32, depth: u32) -> Self {
        Node {
            parent,
            step,
            table,
            depth,
            slots: [NONE; 3],
            refused: [false; 3],
            child_table: NONE,
            element: NONE,
            array_mode: ArrayMode::Smart,
            is_map: false,
            declared: None,
            declared_element: None,
            in_id: false,
            known: None,
            stamp: 0,
            hash: 0,
            path: None,
            children: Vec::new(),
            by_key: HashMap::default(),
        }
    }

    fn is_key(&self, key: &str) -> bool {
        matches!(&self.step, Step::Key(own) if **own == *key)
    }
}

impl Shape {
    pub(super) fn new(root: Node) -> Self {
        Shape { nodes: vec![root] }
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

    /// Finds the child of `node` under `key`; `guess` is its likely place among the children and
    /// is moved behind the one found.
    #[inline]
    pub(super) fn child(&self, node: NodeId, key: &str, guess: &mut u32) -> Option<NodeId> {
        let node = self.node(node);
        if let Some(&child) = node.children.get(*guess as usize)
            && self.node(child).is_key(key)
        {
            *guess += 1;
            return Some(child);
        }
        if node.children.len() > SCAN_MAX {
            // The children stand in order of first sight, so the next key likely follows this one.
            let child = *node.by_key.get(key)?;
            if let Some(place) = self.place_near(node, child, *guess) {
                *guess = place + 1;
            }
            return Some(child);
        }
        let place = node.children.iter().position(|&child| self.node(child).is_key(key))?;
        *guess = place as u32 + 1;
        Some(node.children[place])
    }

    /// Looks for `child` a few places after `guess`, so that skipped keys cost one miss only.
    fn place_near(&self, node: &Node, child: NodeId, guess: u32) -> Option<u32> {
        let window = node.children.iter().skip(guess as usize).take(SCAN_MAX);
        window.enumerate().find(|(_, at)| **at == child).map(|(ahead, _)| guess + ahead as u32)
    }

    /// Hangs `node` below its parent.
    pub(super) fn insert(&mut self, node: Node) -> NodeId {
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
