//! Values of a record → rows of a main table and its child tables.
//!
//! A decoder drives a [`Flattener`] with what it reads, in the order in which it reads it; the
//! flattener knows which key of which object feeds which column of which table. It never sees a
//! byte of a format, and no tree is built in between.

pub mod admission;
mod arrays;
pub mod declared;
mod ids;
pub mod names;
mod options;
pub mod path;
mod rest;
mod rows;
mod scalar;
mod shape;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::error::{Fault, FaultCode};
use crate::table::{Number, Part, TableBatch};
use admission::Admission;
pub use arrays::{ArrayContent, ArrayMode};
pub use declared::DeclaredType;
pub use ids::IdMode;
use ids::IdState;
pub use options::FlattenOptions;
use path::{Paths, Step, pointer};
use rows::Table;
use scalar::{Scalar, ScalarKind};
use shape::{NONE, Node, NodeId, ROOT_NODE, Shape};

/// What a decoder does with the object or array it is about to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Descend {
    /// Read into it and push what is there.
    Enter,
    /// Check it and push it whole with [`Flattener::json`].
    Json,
    /// Check it and push nothing.
    Skip,
}

/// What a decoder does with the member whose key it has named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Member {
    /// Read its value and push what is there.
    Read,
    /// Check its value and push it whole with [`Flattener::json`]: there is no room for its path.
    Whole,
}

/// Why a record cannot be flattened as it comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Halt {
    /// The record is at fault.
    Fault(Fault),
    /// A key stands twice in one object; the decoder must leave one out.
    DuplicateKey,
    /// A cap may be crossed in this batch; it must be flattened in order.
    CapReached,
}

impl From<Fault> for Halt {
    fn from(fault: Fault) -> Self {
        Halt::Fault(fault)
    }
}

/// What happened to values that did not become a cell, to be counted and named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Note {
    /// `{}`, which leaves no trace.
    EmptyObject,
    /// `[]` where arrays become child tables, which leaves no trace.
    EmptyArray,
    /// An array that was left out because the user asked for that.
    SkippedArray,
    /// A subtree below the depth limit, kept as JSON text.
    DepthOverflow,
    /// A value beyond the column cap, kept in the rest column.
    ColumnOverflow,
    /// An array beyond the table cap, kept as JSON text.
    TableOverflow,
    /// A key that stood twice in one object, of which one value was kept.
    DuplicateKey,
}

/// Everything that one chunk gave: a batch for each table, and what is to be counted.
#[derive(Debug, Default)]
pub struct Flattened {
    /// Batches in order of each table's first row.
    pub tables: Vec<TableBatch>,
    /// Counts by kind and path.
    pub notes: HashMap<(Note, String), u64>,
    /// A bit for each of the first 128 path options that meant a path so far.
    pub used: u128,
}

/// Turns records into rows.
///
/// Keeps what it has learned of the paths between batches; forgets it when it grows too large.
pub struct Flattener {
    options: Arc<FlattenOptions>,
    paths: Arc<Paths>,
    admission: Admission,
    /// What was admitted before this batch, where it is decided path by path.
    admission_before: Option<Admission>,
    cap_reached: bool,
    shape: Shape,
    tables: Vec<Table>,
    /// Tables with rows in this batch, in order of the first.
    filled: Vec<u32>,
    frames: Vec<Frame>,
    stamps: u64,
    record: u32,
    /// Where JSON text or a list that the decoder is about to push goes.
    pending: Pending,
    /// The key of a member that goes to the rest column.
    pending_key: String,
    /// Such keys in this record, by the stamp of their object.
    unknown_keys: HashSet<(u64, Box<str>)>,
    map_keys: Vec<HashSet<Box<str>>>,
    notes: HashMap<(Note, NodeId), u64>,
    /// Members left out because their key stands twice, by path.
    duplicates: HashMap<String, u64>,
    ids: IdState,
    used: u128,
}

/// Past this many nodes the shape is forgotten after a batch.
const SHAPE_NODES_MAX: usize = 1 << 16;

#[derive(Debug, Clone, Copy)]
struct Frame {
    kind: FrameKind,
    /// Object: its node. Rows and Map: the node of the elements. List: the array's node.
    node: NodeId,
    /// Object: row that takes its members. Otherwise: row that holds the array or map.
    row: u32,
    /// Object: node of the member being read. Map: row of the value being read.
    current: u32,
    /// Object: likely place of the next key. Otherwise: elements so far.
    next: u32,
    /// Object: marks its keys. Rows and Map: hash of the path with its indexes.
    stamp: u64,
    hash: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FrameKind {
    Object,
    Rows,
    Map,
    List,
}

/// Where the next value goes.
#[derive(Debug, Clone, Copy)]
struct Place {
    node: NodeId,
    row: u32,
    hash: u64,
}

#[derive(Debug, Clone, Copy)]
enum Pending {
    None,
    Column(Place),
    Rest(Place),
    /// A member, below the node of its object.
    Member(Place),
}

impl Flattener {
    /// Builds a flattener for one worker; `paths` is shared by all of a run.
    pub fn new(options: Arc<FlattenOptions>, paths: Arc<Paths>, admission: Admission) -> Self {
        let mut flattener = Flattener {
            ids: IdState::new(&options.ids),
            options,
            paths,
            admission_before: admission.is_live().then(|| admission.clone()),
            admission,
            cap_reached: false,
            shape: Shape::new(Node::new(0, Step::Element, 0, 0)),
            tables: Vec::new(),
            filled: Vec::new(),
            frames: Vec::new(),
            stamps: 0,
            record: 0,
            pending: Pending::None,
            pending_key: String::new(),
            unknown_keys: HashSet::new(),
            map_keys: Vec::new(),
            notes: HashMap::new(),
            duplicates: HashMap::new(),
            used: 0,
        };
        flattener.forget();
        flattener
    }

    /// Takes over a newer view of which tables are full.
    pub fn set_admission(&mut self, admission: Admission) {
        self.admission = admission;
        self.forget();
    }

    /// Drops a batch that cannot be finished, and what it taught.
    pub fn reset(&mut self) {
        if let Some(before) = &self.admission_before {
            self.admission = before.clone();
        }
        self.forget();
    }

    fn forget(&mut self) {
        let mut root = Node::new(0, Step::Element, 0, 0);
        root.path = Some(path::ROOT);
        root.array_mode = self.options.arrays;
        self.shape = Shape::new(root);
        let mut main = Table::new(ROOT_NODE, NONE, path::ROOT);
        main.full = self.admission.is_full(path::ROOT);
        self.tables = vec![main];
        self.filled.clear();
        self.frames.clear();
        self.map_keys.clear();
        self.notes.clear();
        self.duplicates.clear();
        self.pending = Pending::None;
        self.cap_reached = false;
        self.ids = IdState::new(&self.options.ids);
    }

    /// Starts record `record` (in the chunk, from 0); `place` identifies it in the run's inputs.
    pub fn begin_record(&mut self, record: u32, place: (u32, u64)) {
        self.record = record;
        self.frames.clear();
        self.map_keys.clear();
        self.unknown_keys.clear();
        self.ids.begin(place);
    }

    /// Ends the record: its rows stand.
    pub fn end_record(&mut self) -> Result<(), Halt> {
        if self.cap_reached {
            return Err(Halt::CapReached);
        }
        self.finish_ids()
    }

    /// Takes the rows of all records since the last call.
    pub fn take(&mut self) -> Flattened {
        let mut out = Flattened { used: self.used, ..Flattened::default() };
        for table in std::mem::take(&mut self.filled) {
            self.close_rest(table);
            for (node, part) in std::mem::take(&mut self.tables[table as usize].owners) {
                if part != Part::Rest {
                    self.shape.node_mut(node).slots[part as usize] = NONE;
                }
            }
            out.tables.push(self.tables[table as usize].take());
        }
        for ((note, node), count) in std::mem::take(&mut self.notes) {
            let at = pointer(&self.shape.steps(ROOT_NODE, node));
            *out.notes.entry((note, at)).or_default() += count;
        }
        for (path, count) in std::mem::take(&mut self.duplicates) {
            *out.notes.entry((Note::DuplicateKey, path)).or_default() += count;
        }
        if self.shape.len() > SHAPE_NODES_MAX {
            self.forget();
        }
        out
    }

    /// Starts an object; `is_empty` is asked only where the answer decides.
    pub fn begin_object(&mut self, is_empty: impl FnOnce() -> bool) -> Result<Descend, Halt> {
        if self.frames.is_empty() {
            let row = self.add_row(0, 0, 0);
            self.enter_object(Place { node: ROOT_NODE, row, hash: 0 });
            return Ok(Descend::Enter);
        }
        let place = self.place();
        self.note_container(place, b'{');
        let node = self.shape.node(place.node);
        if node.declared == Some(DeclaredType::Json) {
            return Ok(self.as_json(place));
        }
        self.refuse_container(place, "an object")?;
        let node = self.shape.node(place.node);
        if node.depth >= self.options.max_depth {
            self.note(Note::DepthOverflow, place.node);
            return Ok(self.as_json(place));
        }
        if node.is_map {
            // A table arises with its first row, so that caps do not count tables without any.
            if is_empty() {
                self.note(Note::EmptyObject, place.node);
                return Ok(Descend::Skip);
            }
            match self.child_table(place.node) {
                Some(_) => self.enter_elements(FrameKind::Map, place),
                None => {
                    self.note(Note::TableOverflow, place.node);
                    return Ok(self.as_json(place));
                }
            }
        } else {
            self.enter_object(place);
        }
        Ok(Descend::Enter)
    }

    /// Names the member of the object that is read next.
    #[inline]
    pub fn key(&mut self, key: &str) -> Result<Member, Halt> {
        let Some(frame) = self.frames.last_mut() else { return Ok(Member::Read) };
        if frame.kind == FrameKind::Map {
            return self.map_key(key).map(|()| Member::Read);
        }
        let (node, stamp) = (frame.node, frame.stamp);
        let found = self.shape.child(node, key, &mut frame.next);
        let table = self.shape.node(node).table as usize;
        // Ids made of fields must see them, also where there is no room for a column.
        let may_skip = self.tables[table].full && !self.ids.reads_fields();
        if may_skip && !self.is_known(node, found, key) {
            return self.unknown_key(key);
        }
        let child = match found {
            Some(child) => child,
            None if self.cap_reached => return Err(Halt::CapReached),
            None => self.add_child(node, key),
        };
        if let Some(frame) = self.frames.last_mut() {
            frame.current = child;
        }
        let child = self.shape.node_mut(child);
        if child.stamp == stamp {
            return Err(Halt::DuplicateKey);
        }
        child.stamp = stamp;
        Ok(Member::Read)
    }

    fn map_key(&mut self, key: &str) -> Result<(), Halt> {
        let fresh = self.map_keys.last_mut().is_none_or(|keys| keys.insert(key.into()));
        if !fresh {
            return Err(Halt::DuplicateKey);
        }
        let Some(&frame) = self.frames.last() else { return Ok(()) };
        let table = self.shape.node(frame.node).table;
        let row = self.add_row(table, frame.row, frame.next);
        let links = &mut self.tables[table as usize].batch.links;
        let keys = links.keys.get_or_insert_default();
        keys.push_text(row as usize, key.as_bytes());
        self.tables[table as usize].count_bytes(row, key.len());
        if let Some(frame) = self.frames.last_mut() {
            frame.current = row;
            frame.next += 1;
        }
        Ok(())
    }

    /// Ends the object that was begun last.
    pub fn end_object(&mut self) {
        let Some(frame) = self.frames.pop() else { return };
        if frame.kind == FrameKind::Map {
            self.map_keys.pop();
            return;
        }
        // An empty element still has its row, and an empty record too.
        let holder = self.frames.last().map(|frame| frame.kind);
        if frame.current == NONE && holder == Some(FrameKind::Object) {
            self.note(Note::EmptyObject, frame.node);
        }
    }

    /// Appends a null.
    pub fn null(&mut self) -> Result<(), Halt> {
        if let Some(frame) = self.frames.last_mut()
            && frame.kind == FrameKind::List
        {
            frame.next += 1;
            let at = ids::mix(frame.hash, u64::from(frame.next - 1));
            self.ids.add_value(at, b'0', b"");
            return Ok(());
        }
        let place = self.place();
        self.slot(place.node, Part::Scalar);
        self.note_container(place, b'0');
        Ok(())
    }

    /// Appends `true` or `false`.
    pub fn bool(&mut self, value: bool) -> Result<(), Halt> {
        let text = if value { "true" } else { "false" };
        self.scalar(Scalar { text, kind: ScalarKind::Bool(value) })
    }

    /// Appends a number; `text` is its source.
    #[inline]
    pub fn number(&mut self, number: Number<'_>, text: &str) -> Result<(), Halt> {
        self.scalar(Scalar { text, kind: ScalarKind::Number(number) })
    }

    /// Appends a string.
    #[inline]
    pub fn string(&mut self, text: &str) -> Result<(), Halt> {
        self.scalar(Scalar { text, kind: ScalarKind::String })
    }

    /// Appends the subtree that was answered with [`Descend::Json`], as JSON without white space.
    pub fn json(&mut self, text: &[u8]) -> Result<(), Halt> {
        match std::mem::replace(&mut self.pending, Pending::None) {
            Pending::None => {}
            Pending::Rest(place) => {
                self.ids.add_value(self.hash_of(place), b'j', text);
                self.push_rest(place, None, text);
            }
            Pending::Member(_) if text == b"null" => {}
            Pending::Member(place) => {
                let key = std::mem::take(&mut self.pending_key);
                let at = ids::mix(self.hash_of(place), ids::hash_text(key.as_bytes()));
                self.ids.add_value(at, b'j', text);
                self.push_rest(place, Some(&key), text);
                self.pending_key = key;
            }
            Pending::Column(place) => {
                self.ids.add_value(self.hash_of(place), b'j', text);
                match self.slot(place.node, Part::Json) {
                    Some((table, slot)) => {
                        let table = &mut self.tables[table as usize];
                        let column = &mut table.batch.columns[slot as usize].column;
                        column.push_text(place.row as usize, text);
                        table.count_bytes(place.row, text.len() + 8);
                    }
                    None => self.push_rest(place, None, text),
                }
            }
        }
        Ok(())
    }

    /// Counts a member of the object being read that is left out, as its key stands twice.
    pub fn note_duplicate(&mut self, key: &str) {
        let Some(frame) = self.frames.last() else { return };
        let mut steps = self.shape.steps(ROOT_NODE, frame.node);
        steps.push(Step::Key(key.into()));
        *self.duplicates.entry(pointer(&steps)).or_default() += 1;
    }

    /// Counts members left out of the subtree that goes to [`Flattener::json`] next; the paths
    /// start from that subtree.
    pub fn note_duplicates_inside<'a>(&mut self, paths: impl Iterator<Item = &'a str>) {
        let base = match self.pending {
            Pending::None => return,
            Pending::Column(place) | Pending::Rest(place) => {
                pointer(&self.shape.steps(ROOT_NODE, place.node))
            }
            Pending::Member(place) => {
                let mut steps = self.shape.steps(ROOT_NODE, place.node);
                steps.push(Step::Key(self.pending_key.as_str().into()));
                pointer(&steps)
            }
        };
        for path in paths {
            *self.duplicates.entry(format!("{base}{path}")).or_default() += 1;
        }
    }

    /// Returns what was admitted, also by this flattener where it decided path by path.
    pub fn into_admission(self) -> Admission {
        self.admission.into_snapshot()
    }

    /// Returns the JSON Pointer of the value being read, for messages.
    pub fn pointer(&self) -> String {
        match self.frames.last() {
            None => String::new(),
            Some(frame) => {
                let node = match frame.kind {
                    FrameKind::Object if frame.current != NONE => frame.current,
                    _ => frame.node,
                };
                pointer(&self.shape.steps(ROOT_NODE, node))
            }
        }
    }

    #[inline]
    fn scalar(&mut self, scalar: Scalar<'_>) -> Result<(), Halt> {
        let place = match self.frames.last() {
            Some(frame) if frame.kind == FrameKind::List => return self.list_element(scalar),
            Some(frame) if frame.kind == FrameKind::Object => {
                Place { node: frame.current, row: frame.row, hash: frame.hash }
            }
            _ => self.place(),
        };
        let node = self.shape.node(place.node);
        let (declared, in_id) = (node.declared, node.in_id);
        if self.ids.wants_values() || in_id {
            self.note_id_value(place, scalar);
        }
        let Some((table, slot)) = self.slot(place.node, Part::Scalar) else {
            self.push_rest_scalar(place, scalar);
            return Ok(());
        };
        let table = &mut self.tables[table as usize];
        let column = &mut table.batch.columns[slot as usize].column;
        let row = place.row as usize;
        if self.options.all_text || self.options.number_text || declared.is_some() {
            let pushed = scalar.push_as(column, row, declared, &self.options);
            pushed.map_err(|fault| self.at_path(fault))?;
        } else {
            scalar.push(column, row);
        }
        let table = self.shape.node(place.node).table;
        self.tables[table as usize].count_bytes(place.row, scalar.bytes());
        Ok(())
    }

    fn at_path(&self, mut fault: Fault) -> Halt {
        fault.path = self.pointer();
        Halt::Fault(fault)
    }

    /// Finds where the next value goes; in an array or map of rows that is a new row.
    fn place(&mut self) -> Place {
        let Some(&frame) = self.frames.last() else {
            return Place { node: ROOT_NODE, row: 0, hash: 0 };
        };
        match frame.kind {
            FrameKind::Object => Place { node: frame.current, row: frame.row, hash: frame.hash },
            FrameKind::Map => {
                let hash = ids::mix(frame.hash, u64::from(frame.next));
                Place { node: frame.node, row: frame.current, hash }
            }
            FrameKind::Rows | FrameKind::List => {
                let table = self.shape.node(frame.node).table;
                let row = self.add_row(table, frame.row, frame.next);
                if let Some(frame) = self.frames.last_mut() {
                    frame.next += 1;
                }
                let hash = ids::mix(frame.hash, u64::from(frame.next));
                Place { node: frame.node, row, hash }
            }
        }
    }

    fn enter_object(&mut self, place: Place) {
        self.stamps += 1;
        self.frames.push(Frame {
            kind: FrameKind::Object,
            node: place.node,
            row: place.row,
            current: NONE,
            next: 0,
            stamp: self.stamps,
            hash: place.hash,
        });
    }

    /// Starts the rows of an array or a map.
    fn enter_elements(&mut self, kind: FrameKind, place: Place) {
        if kind == FrameKind::Map {
            self.map_keys.push(HashSet::new());
        }
        let node = self.shape.node(place.node);
        self.frames.push(Frame {
            kind,
            node: node.element,
            row: place.row,
            current: NONE,
            next: 0,
            stamp: 0,
            hash: ids::mix(place.hash, node.hash),
        });
    }

    fn as_json(&mut self, place: Place) -> Descend {
        self.pending = Pending::Column(place);
        Descend::Json
    }

    /// Adds the node for a key seen for the first time.
    #[cold]
    fn add_child(&mut self, parent: NodeId, key: &str) -> NodeId {
        let above = self.shape.node(parent);
        let node = Node::new(parent, Step::Key(key.into()), above.table, above.depth + 1);
        self.add_node(node)
    }

    fn add_node(&mut self, node: Node) -> NodeId {
        let id = self.shape.insert(node);
        let mut steps = self.shape.steps(ROOT_NODE, id);
        let options = Arc::clone(&self.options);
        let mode = options.arrays_at.iter().rfind(|(pattern, _)| pattern.matches(&steps));
        self.used |= options.used(&steps);
        let node = self.shape.node_mut(id);
        node.array_mode = mode.map_or(options.arrays, |(_, mode)| *mode);
        node.is_map = options.maps.iter().any(|pattern| pattern.matches(&steps));
        node.in_id = options.ids.is_made_of(&steps);
        node.hash = ids::hash_text(pointer(&steps).as_bytes());
        node.declared = declared::of(&options.types, &steps);
        steps.push(Step::Element);
        self.used |= options.used(&steps);
        node.declared_element = declared::of(&options.types, &steps).or(node.declared);
        id
    }

    fn note(&mut self, note: Note, node: NodeId) {
        *self.notes.entry((note, node)).or_default() += 1;
    }

    fn refuse_container(&self, place: Place, what: &str) -> Result<(), Halt> {
        match self.shape.node(place.node).declared {
            None | Some(DeclaredType::Json) => Ok(()),
            Some(declared) => {
                let message = format!("expected {declared}, found {what}");
                Err(self.at_path(Fault::new(FaultCode::ValueType, 0, message)))
            }
        }
    }
}

/// Appends `text` as a JSON string.
pub fn push_json_string(text: &str, out: &mut Vec<u8>) {
    serde_json::to_writer(out, text).expect("writing to memory cannot fail");
}
