//! Values of a record → rows of a main table and its child tables.
//!
//! A decoder drives a [`Flattener`] with what it reads, in the order in which it reads it; the
//! flattener knows which key of which object feeds which column of which table. It never sees a
//! byte of a format, and no tree is built in between.

pub mod admission;
mod arrays;
mod cells;
pub mod declared;
mod ids;
mod members;
pub mod names;
mod near;
mod notes;
mod options;
pub mod path;
mod rest;
mod rows;
mod scalar;
pub mod selection;
mod shape;
pub mod terms;
mod typed;
mod undo;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use self::rest::RestBytes;
use crate::error::{Fault, FaultCode};
use crate::table::{Column, Excerpt, Number, Part, PathId, TableBatch};
use admission::Admission;
pub use arrays::{Array, ArrayContent, ArrayMode, List, Rows};
pub use cells::{CellPlace, RowColumns};
pub use declared::DeclaredType;
pub use ids::IdMode;
use ids::IdState;
pub use members::{Likely, MapRows, Member, Members, Object};
pub use near::Near;
use notes::Notes;
pub use options::FlattenOptions;
use path::{Paths, Step, pointer};
use rows::Table;
pub(crate) use scalar::{BOOL_BYTES, NUMBER_BYTES, string_bytes};
use scalar::{Scalar, ScalarKind};
use selection::Keep;
use shape::{NONE, Node, NodeId, ROOT_NODE, Shape};
pub use terms::SchemaMode;
pub use typed::{Typed, TypedKind, double_of};
use undo::UndoState;

/// Where a value goes: a path, and the row that takes what stands there.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    node: NodeId,
    row: u32,
    /// Of the array indexes on the way, for ids.
    hash: u64,
}

/// Where a subtree goes that a decoder checks and pushes whole with [`Flattener::json`].
#[derive(Debug, Clone)]
pub enum Target {
    /// A column of JSON text.
    Column(Place),
    /// The rest column of the row.
    Rest(Place),
    /// The rest column, as a member of the object that the place names.
    Member(Place, Box<str>),
}

/// Why a record cannot be flattened as it comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Halt {
    /// The record is at fault.
    Fault(Box<Fault>),
    /// A key stands twice in one object; the decoder must leave one out.
    DuplicateKey,
    /// A cap may be crossed in this batch; it must be flattened in order.
    CapReached,
}

impl Halt {
    /// Says of a fault where in the record it is.
    pub(crate) fn at_byte(self, byte: usize) -> Self {
        match self {
            Halt::Fault(mut fault) => {
                fault.byte = byte;
                Halt::Fault(fault)
            }
            other => other,
        }
    }
}

impl From<Fault> for Halt {
    fn from(fault: Fault) -> Self {
        Halt::Fault(Box::new(fault))
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
    /// A row of CSV with another number of cells than there are columns.
    RaggedRow,
    /// A cell of CSV that starts like JSON, or a value of a JSON column, that is none; kept as text.
    BrokenJson,
    /// A binary value, kept as base64.
    Binary,
    /// NaN or an infinity, kept as text.
    NotFinite,
    /// A value that was left out, as the schema file has no place for it.
    Discarded,
    /// An element of a list of scalars that became null, as it is not of the schema file's type.
    DiscardedElement,
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
    /// Paths near to those that the others mean.
    pub near: Near,
    /// Values left out as they are not selected; a container counts as one.
    pub left_out: u64,
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
    /// As how many columns those of the batch count.
    column_weights: usize,
    /// What the rest of the record takes so far.
    rest: RestBytes,
    shape: Shape,
    tables: Vec<Table>,
    /// Tables with rows in this batch, in order of the first.
    filled: Vec<u32>,
    /// The columns of all tables that fill.
    columns: Vec<Column>,
    /// Scalars go to their columns as they come.
    is_plain: bool,
    stamps: u64,
    record: u32,
    /// Keys that went to the rest column in this record, by the stamp of their object.
    unknown_keys: HashSet<(u64, Box<str>)>,
    notes: Notes,
    /// Members left out because their key stands twice, by path.
    duplicates: HashMap<String, u64>,
    ids: IdState,
    used: u128,
    near: Near,
    /// There are options that may mean a path or not.
    names_paths: bool,
    left_out: u64,
    /// Columns whose values are looked at one by one, as one was outside its type in some chunk.
    watched: HashSet<(PathId, Part)>,
    undo: UndoState,
}

/// Past this many nodes the shape is forgotten after a batch.
const SHAPE_NODES_MAX: usize = 1 << 16;

impl Flattener {
    /// Builds a flattener for one worker; `paths` is shared by all of a run.
    pub fn new(options: Arc<FlattenOptions>, paths: Arc<Paths>, admission: Admission) -> Self {
        let mut flattener = Flattener {
            ids: IdState::new(&options.ids),
            is_plain: !options.all_text && !options.number_text,
            options,
            paths,
            admission_before: admission.is_live().then(|| admission.clone()),
            admission,
            cap_reached: false,
            shape: Shape::new(Node::new(0, Step::Element, 0, 0)),
            tables: Vec::new(),
            filled: Vec::new(),
            columns: Vec::new(),
            column_weights: 0,
            rest: RestBytes::default(),
            stamps: 0,
            record: 0,
            unknown_keys: HashSet::new(),
            notes: Notes::default(),
            duplicates: HashMap::new(),
            used: 0,
            near: Near::default(),
            names_paths: false,
            left_out: 0,
            watched: HashSet::new(),
            undo: UndoState::default(),
        };
        flattener.names_paths = !flattener.options.path_options().is_empty();
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

    /// Drops a batch that is to be read again, and keeps what it taught of the shape.
    pub fn abandon(&mut self) {
        let is_live = self.admission_before.is_some();
        if is_live || self.names_paths || self.shape.len() > SHAPE_NODES_MAX {
            // What was admitted meanwhile shows all over the shape, and so does which options meant
            // a path.
            return self.reset();
        }
        for table in std::mem::take(&mut self.filled) {
            self.tables[table as usize].rest = None;
            drop(self.take_table(table));
        }
        self.columns.clear();
        self.column_weights = 0;
        self.undo.forget();
        self.notes.clear();
        self.duplicates.clear();
        self.cap_reached = false;
        self.left_out = 0;
        self.ids = IdState::new(&self.options.ids);
    }

    /// Ends a record that is at fault. Its values stay in the batch, which is good for nothing but
    /// to find further faults until it is abandoned.
    fn give_up_record(&mut self) {
        for &table in &self.filled {
            let owner = &mut self.tables[table as usize];
            owner.rest = None;
            let rows = owner.rows as usize;
            owner.batch.row_bytes.resize(rows, 0);
            if !self.options.ids.is_sequence() {
                owner.batch.links.texts().pad(rows);
            }
        }
    }

    fn forget(&mut self) {
        let mut root = Node::new(0, Step::Element, 0, 0);
        root.path = Some(path::ROOT);
        root.array_mode = self.options.arrays;
        root.keep = self.options.selection.of_record();
        root.terms = self.options.terms.as_ref().and_then(|terms| terms.at(""));
        self.shape = Shape::new(root);
        let mut main = Table::new(ROOT_NODE, NONE, path::ROOT);
        main.full = self.admission.is_full(path::ROOT);
        self.tables = vec![main];
        self.filled.clear();
        self.columns.clear();
        self.column_weights = 0;
        self.undo.forget();
        self.notes.clear();
        self.duplicates.clear();
        self.cap_reached = false;
        self.used = 0;
        // What is near was compared with what a record at fault may have used.
        self.near = Near::default();
        self.left_out = 0;
        self.ids = IdState::new(&self.options.ids);
    }

    /// Starts record `record` (in the chunk, from 0) and its row; `place` identifies it in the
    /// run's inputs.
    pub fn begin_record(&mut self, record: u32, place: (u32, u64)) -> Place {
        self.record = record;
        self.rest = RestBytes::default();
        if !self.unknown_keys.is_empty() {
            self.unknown_keys.clear();
        }
        self.ids.begin(place);
        if self.undo.is_on() {
            self.mark_record();
        }
        Place { node: ROOT_NODE, row: self.add_row(0, 0, 0), hash: 0 }
    }

    /// Ends the record, whose own row holds `bytes` of values: its rows stand.
    pub fn end_record(&mut self, bytes: u32) -> Result<(), Halt> {
        self.end_row(0, bytes);
        if self.cap_reached {
            return Err(Halt::CapReached);
        }
        self.rest.check()?;
        self.finish_ids()?;
        if self.undo.is_on() {
            self.count_notes();
        }
        Ok(())
    }

    /// Takes the rows of all records since the last call.
    pub fn take(&mut self) -> Flattened {
        let left_out = std::mem::take(&mut self.left_out);
        let (used, near) = (self.used, self.near.clone());
        let mut out = Flattened { used, near, left_out, ..Flattened::default() };
        // CSV has columns before it has rows.
        if self.filled.is_empty() && !self.tables[0].columns.is_empty() {
            self.filled.push(0);
        }
        for table in std::mem::take(&mut self.filled) {
            self.close_rest(table);
            out.tables.push(self.take_table(table));
        }
        self.columns.clear();
        self.column_weights = 0;
        self.undo.forget();
        for ((note, node), count) in self.notes.drain() {
            let mut at = pointer(&self.shape.steps(ROOT_NODE, node));
            let note = match note {
                Note::DiscardedElement => {
                    at.push_str("/*");
                    Note::Discarded
                }
                note => note,
            };
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

    /// Appends a null.
    pub fn null(&mut self, place: Place) -> Result<(), Halt> {
        if self.shape.lead(place.node).slot == NONE {
            if self.shape.node(place.node).keep != Keep::All {
                self.leave_out();
                return Ok(());
            }
            if self.null_by_terms(place)? {
                return Ok(());
            }
            self.slot(place.node, Part::Scalar);
            self.note_container(place, b'0');
        }
        Ok(())
    }

    /// Appends `true` or `false`; adds what it takes to the `bytes` of its row, as all of these do.
    #[inline]
    pub fn bool(&mut self, place: Place, value: bool, bytes: &mut u32) -> Result<(), Halt> {
        let slot = self.shape.lead(place.node).slot;
        match self.columns.get_mut(slot as usize) {
            Some(column) => {
                column.push_bool(place.row as usize, value);
                *bytes = bytes.saturating_add(scalar::BOOL_BYTES);
                Ok(())
            }
            None => {
                let text = if value { "true" } else { "false" };
                self.scalar(place, Scalar { text, kind: ScalarKind::Bool(value) }, bytes)
            }
        }
    }

    /// Appends an integer; `text` is its source.
    #[inline(always)]
    pub fn int(
        &mut self,
        place: Place,
        value: i64,
        text: Excerpt<'_>,
        bytes: &mut u32,
    ) -> Result<(), Halt> {
        let slot = self.shape.lead(place.node).slot;
        match self.columns.get_mut(slot as usize) {
            Some(column) => {
                column.push_int(place.row as usize, value);
                *bytes = bytes.saturating_add(scalar::NUMBER_BYTES);
                Ok(())
            }
            None => self.number(place, Number::Int(value), text.text(), bytes),
        }
    }

    /// Appends a double that gives its source, `text`, back.
    #[inline(always)]
    pub fn float(
        &mut self,
        place: Place,
        value: f64,
        text: Excerpt<'_>,
        bytes: &mut u32,
    ) -> Result<(), Halt> {
        let slot = self.shape.lead(place.node).slot;
        match self.columns.get_mut(slot as usize) {
            Some(column) => {
                column.push_float(place.row as usize, value);
                *bytes = bytes.saturating_add(scalar::NUMBER_BYTES);
                Ok(())
            }
            None => self.number(place, Number::Float { value, exact: true }, text.text(), bytes),
        }
    }

    /// Appends any number; `text` is its source.
    pub fn number(
        &mut self,
        place: Place,
        number: Number<'_>,
        text: &str,
        bytes: &mut u32,
    ) -> Result<(), Halt> {
        self.scalar(place, Scalar { text, kind: ScalarKind::Number(number) }, bytes)
    }

    /// Appends a string.
    #[inline(always)]
    pub fn string(&mut self, place: Place, text: Excerpt<'_>, bytes: &mut u32) -> Result<(), Halt> {
        let slot = self.shape.lead(place.node).slot;
        match self.columns.get_mut(slot as usize) {
            Some(column) => {
                column.push_string(place.row as usize, text);
                *bytes = bytes.saturating_add(scalar::string_bytes(text.len()));
                Ok(())
            }
            None => {
                let scalar = Scalar { text: text.text(), kind: ScalarKind::String };
                self.scalar(place, scalar, bytes)
            }
        }
    }

    /// Appends a scalar the long way: the first of a column, or where options want a closer look.
    #[inline(never)]
    fn scalar(&mut self, place: Place, scalar: Scalar<'_>, bytes: &mut u32) -> Result<(), Halt> {
        let node = self.shape.node(place.node);
        let (declared, in_id, is_kept) = (node.declared, node.in_id, node.keep == Keep::All);
        if let Some(terms) = node.terms.filter(|_| is_kept) {
            return self.scalar_by_terms(place, scalar, terms, bytes);
        }
        if self.ids.wants_values() && is_kept || in_id {
            self.note_id_value(place, scalar);
        }
        if !is_kept {
            self.leave_out();
            return Ok(());
        }
        let Some(slot) = self.slot(place.node, Part::Scalar) else {
            self.push_rest_scalar(place, scalar, bytes);
            return Ok(());
        };
        let column = &mut self.columns[slot as usize];
        let pushed = scalar.push_as(column, place.row as usize, declared, &self.options);
        pushed.map_err(|fault| self.at_path(place.node, fault))?;
        *bytes = bytes.saturating_add(scalar.bytes());
        Ok(())
    }

    /// Appends a subtree as JSON without white space.
    pub fn json(&mut self, target: Target, text: &[u8], bytes: &mut u32) {
        match target {
            Target::Rest(place) => {
                self.ids.add_value(self.hash_of(place), b'j', text);
                self.push_rest(place, None, text, bytes);
            }
            Target::Member(..) if text == b"null" => {}
            Target::Member(place, key) => {
                let at = ids::mix(self.hash_of(place), ids::hash_text(key.as_bytes()));
                self.ids.add_value(at, b'j', text);
                self.push_rest(place, Some(&key), text, bytes);
            }
            Target::Column(place) => {
                self.ids.add_value(self.hash_of(place), b'j', text);
                match self.slot(place.node, Part::Json) {
                    Some(slot) => {
                        self.columns[slot as usize].push_text(place.row as usize, text);
                        *bytes = bytes.saturating_add(text.len() as u32 + 8);
                    }
                    None => self.push_rest(place, None, text, bytes),
                }
            }
        }
    }

    /// Counts members left out of the subtree that goes to `target`; the paths start from that
    /// subtree.
    pub fn note_duplicates_inside<'a>(
        &mut self,
        target: &Target,
        paths: impl Iterator<Item = &'a str>,
    ) {
        let base = match target {
            Target::Column(place) | Target::Rest(place) => {
                pointer(&self.shape.steps(ROOT_NODE, place.node))
            }
            Target::Member(place, key) => {
                let mut steps = self.shape.steps(ROOT_NODE, place.node);
                steps.push(Step::Key(key.clone()));
                pointer(&steps)
            }
        };
        for path in paths {
            self.undo.is_tainted = true;
            *self.duplicates.entry(format!("{base}{path}")).or_default() += 1;
        }
    }

    /// Returns what was admitted, also by this flattener where it decided path by path.
    pub fn into_admission(self) -> Admission {
        self.admission.into_snapshot()
    }

    fn at_path(&self, node: NodeId, mut fault: Fault) -> Halt {
        fault.path = pointer(&self.shape.steps(ROOT_NODE, node));
        fault.into()
    }

    /// Adds the node for a key seen for the first time.
    #[cold]
    fn add_child(&mut self, parent: NodeId, key: &str) -> NodeId {
        let above = self.shape.node(parent);
        let node = Node::new(parent, Step::Key(key.into()), above.table, above.depth + 1);
        self.add_node(node)
    }

    fn add_node(&mut self, node: Node) -> NodeId {
        let is_open = self.tables.get(node.table as usize).is_some_and(|table| !table.full);
        let id = self.shape.insert(node, is_open);
        let mut steps = self.shape.steps(ROOT_NODE, id);
        let options = Arc::clone(&self.options);
        let mode = options.arrays_at.iter().rfind(|(pattern, _)| pattern.matches(&steps));
        self.used |= options.used(&steps);
        let above = self.shape.node(self.shape.node(id).parent).keep;
        let keep = options.keep(above, &steps);
        if self.names_paths {
            self.near.see(&options, self.used, &steps, keep);
        }
        let node = self.shape.node_mut(id);
        node.keep = keep;
        node.array_mode = mode.map_or(options.arrays, |(_, mode)| *mode);
        node.is_map = options.maps.iter().any(|pattern| pattern.matches(&steps));
        node.in_id = options.ids.is_made_of(&steps);
        node.hash = ids::hash_text(pointer(&steps).as_bytes());
        node.declared = declared::of(&options.types, &steps);
        node.is_mode_given = mode.is_some();
        node.terms = options.terms.as_ref().and_then(|terms| terms.at(&pointer(&steps)));
        let is_asked = node.terms.is_some() && matches!(keep, Keep::All | Keep::Inside);
        node.keep_containers = (!is_asked).then_some(keep);
        steps.push(Step::Element);
        self.used |= options.used(&steps);
        if self.names_paths {
            self.near.see(&options, self.used, &steps, keep);
        }
        node.declared_element = declared::of(&options.types, &steps).or(node.declared);
        node.keep_elements = options.keep(keep, &steps);
        self.note_usual(id);
        id
    }

    /// Notes whether objects and arrays at a node are read as most are, so that nothing is asked where
    /// one begins.
    fn note_usual(&mut self, id: NodeId) {
        let node = self.shape.node(id);
        let is_usual = node.keep_containers == Some(Keep::All)
            && node.declared.is_none()
            && node.depth < self.options.max_depth
            && !self.ids.wants_values();
        let is_list_usual = node.array_mode == ArrayMode::Smart && node.keep_elements == Keep::All;
        let (takes_members, takes_elements) = (is_usual && !node.is_map, is_usual && is_list_usual);
        let lead = self.shape.lead_mut(id);
        (lead.takes_members, lead.takes_elements) = (takes_members, takes_elements);
    }

    fn note(&mut self, note: Note, node: NodeId) {
        if self.undo.is_on() {
            return self.undo.notes.push((note, node));
        }
        self.notes.add(note, node);
    }

    fn refuse_container(&self, place: Place, what: &str) -> Result<(), Halt> {
        match self.shape.node(place.node).declared {
            None | Some(DeclaredType::Json) => Ok(()),
            Some(declared) => {
                let message = format!("expected {declared}, found {what}");
                Err(self.at_path(place.node, Fault::new(FaultCode::ValueType, 0, message)))
            }
        }
    }
}

/// Appends `text` as a JSON string.
pub fn push_json_string(text: &str, out: &mut Vec<u8>) {
    serde_json::to_writer(out, text).expect("writing to memory cannot fail");
}
