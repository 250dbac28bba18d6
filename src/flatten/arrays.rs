//! What each array mode does with an array.

use std::str::FromStr;

use super::selection::Keep;
use super::shape::{NONE, NodeId};
use super::terms;
use super::{DeclaredType, Flattener, Halt, Note, Place, Scalar, ScalarKind, Target, ids, scalar};
use crate::error::Error;
use crate::table::{Column, Excerpt, Number, Part};

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
                let message = format!(
                    "array mode `{text}`: expected `smart`, `separate`, `inline` or `skip`"
                );
                let known = ["smart", "separate", "inline", "skip"];
                return Err(Error::usage(message).with_nearest(text, known));
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

/// What a decoder does with the array it is about to read.
#[derive(Debug)]
pub enum Array {
    /// Push its elements with the functions that take a [`List`].
    List(List),
    /// Start a row for each element with [`Flattener::add_element`].
    Rows(Rows),
    /// Check it and push it whole with [`Flattener::json`].
    Json(Target),
    /// Check it and push nothing.
    Skip,
}

/// An array being read, whose elements are one cell.
#[derive(Debug)]
pub struct List {
    node: NodeId,
    slot: u32,
    /// Row of the next element among all elements of the column.
    row: u32,
    count: u32,
    hash: u64,
    /// Elements go to the column as they come.
    is_plain: bool,
}

/// An array being read, whose elements are rows of a child table.
#[derive(Debug)]
pub struct Rows {
    node: NodeId,
    table: u32,
    row: u32,
    count: u32,
    hash: u64,
}

impl List {
    /// Returns the node of the array.
    pub(super) fn node(&self) -> NodeId {
        self.node
    }
}

impl Rows {
    /// Returns the number of the table, for [`Flattener::end_row`].
    pub fn table(&self) -> u32 {
        self.table
    }
}

impl Flattener {
    /// Starts an array; `content` is asked only where the answer decides.
    pub fn begin_array(
        &mut self,
        place: Place,
        content: impl FnOnce() -> ArrayContent,
    ) -> Result<Array, Halt> {
        let node = self.shape.node(place.node);
        match node.keep_containers {
            Some(Keep::All) => self.note_container(place, b'['),
            Some(Keep::Inside) => {}
            None => return self.array_by_terms(place, content()),
            Some(Keep::ForId | Keep::Nothing) => {
                self.leave_out();
                return Ok(Array::Skip);
            }
        }
        let mode = self.shape.node(place.node).array_mode;
        self.array_by_mode(place, mode, content)
    }

    /// Starts the rows of an array of objects or arrays; nothing where something must be asked first.
    #[inline(always)]
    pub fn usual_rows(&self, place: Place) -> Option<Rows> {
        let node = self.shape.node(place.node);
        let is_known = self.shape.lead(place.node).takes_elements && node.child_table != NONE;
        is_known.then(|| self.rows_of(place, node.child_table))
    }

    /// Appends an empty array; returns whether that was all there is to do.
    #[inline]
    pub fn usual_empty_array(&mut self, place: Place, bytes: &mut u32) -> bool {
        let slot = self.shape.node(place.node).slots[Part::List as usize];
        if slot == NONE || !self.shape.lead(place.node).takes_elements {
            return false;
        }
        self.note(Note::EmptyArray, place.node);
        let column = &mut self.columns[slot as usize];
        column.begin_list(place.row as usize);
        column.end_list(0);
        *bytes = bytes.saturating_add(scalar::LIST_BYTES);
        true
    }

    #[inline(always)]
    fn rows_of(&self, place: Place, table: u32) -> Rows {
        let node = self.shape.node(place.node);
        let hash = ids::mix(place.hash, node.hash);
        Rows { node: node.element, table, row: place.row, count: 0, hash }
    }

    #[inline(always)]
    fn array_by_mode(
        &mut self,
        place: Place,
        mode: ArrayMode,
        content: impl FnOnce() -> ArrayContent,
    ) -> Result<Array, Halt> {
        let node = self.shape.node(place.node);
        let whole = || Ok(Array::Json(Target::Column(place)));
        if node.declared == Some(DeclaredType::Json) {
            return whole();
        }
        if mode == ArrayMode::Skip {
            self.note(Note::SkippedArray, place.node);
            return Ok(Array::Skip);
        }
        if mode == ArrayMode::Inline {
            return whole();
        }
        if node.depth >= self.options.max_depth && !self.options.is_closed() {
            self.note(Note::DepthOverflow, place.node);
            return whole();
        }
        if mode == ArrayMode::Smart {
            match content() {
                ArrayContent::Nested => {}
                _ if node.keep_elements != Keep::All => {
                    self.leave_out();
                    return Ok(Array::Skip);
                }
                ArrayContent::Empty => {
                    self.note(Note::EmptyArray, place.node);
                    return Ok(self.begin_list(place));
                }
                ArrayContent::Scalars => return Ok(self.begin_list(place)),
            }
        } else if content() == ArrayContent::Empty {
            self.note(Note::EmptyArray, place.node);
            return Ok(Array::Skip);
        }
        self.refuse_container(place, "an array that is no list of scalars")?;
        let Some(table) = self.child_table(place.node) else {
            self.note(Note::TableOverflow, place.node);
            return whole();
        };
        Ok(Array::Rows(self.rows_of(place, table)))
    }

    /// Starts an array at a path that the schema file knows, or that it closes: what it has at the
    /// path says what becomes of the array, and options only where it has nothing that fits.
    #[inline(never)]
    fn array_by_terms(&mut self, place: Place, content: ArrayContent) -> Result<Array, Halt> {
        let node = self.shape.node(place.node);
        let (keep, options_mode) = (node.keep, node.array_mode);
        let terms = node.terms.filter(|_| !node.is_mode_given).unwrap_or_default();
        let mode = match content {
            ArrayContent::Scalars | ArrayContent::Empty if terms.list.is_some() => ArrayMode::Smart,
            _ if terms.table => ArrayMode::Separate,
            _ if terms.json => ArrayMode::Inline,
            _ if !self.options.is_closed() => options_mode,
            // It holds no value, and leaves no trace.
            ArrayContent::Empty => ArrayMode::Separate,
            ArrayContent::Scalars => {
                self.outside(place.node, "an array of scalars")?;
                return Ok(Array::Skip);
            }
            ArrayContent::Nested => {
                self.outside(place.node, "an array that holds objects or arrays")?;
                return Ok(Array::Skip);
            }
        };
        if keep == Keep::All {
            self.note_container(place, b'[');
        }
        self.array_by_mode(place, mode, || content)
    }

    /// Starts the row of the next element.
    #[inline]
    pub fn add_element(&mut self, rows: &mut Rows) -> Place {
        let index = rows.count;
        rows.count += 1;
        let row = self.add_row(rows.table, rows.row, index);
        Place { node: rows.node, row, hash: ids::mix(rows.hash, u64::from(index)) }
    }

    fn begin_list(&mut self, place: Place) -> Array {
        let Some(slot) = self.slot(place.node, Part::List) else {
            return Array::Json(Target::Rest(place));
        };
        self.columns[slot as usize].begin_list(place.row as usize);
        let node = self.shape.node(place.node);
        let (wants_forms, is_plain) = match node.terms.and_then(|terms| terms.list) {
            None => (
                self.options.dates || node.declared_element.is_some(),
                node.declared_element.is_none(),
            ),
            Some(wanted) => {
                let is_watched = node.path.is_some_and(|path| self.is_watched(path, Part::List));
                (terms::has_form(wanted), terms::is_plain(wanted) && !is_watched)
            }
        };
        let is_plain = is_plain && self.is_plain && !self.ids.wants_values();
        let hash = ids::mix(place.hash, node.hash);
        let lists = self.columns[slot as usize].lists();
        if !wants_forms {
            lists.elements.ignore_forms();
        }
        let row = lists.ends.last().copied().unwrap_or(0);
        Array::List(List { node: place.node, slot, row, count: 0, hash, is_plain })
    }

    /// Returns the elements of the column that `list` fills, and the row of the next.
    #[inline]
    pub(super) fn next_element(&mut self, list: &mut List) -> (&mut Column, usize) {
        let row = (list.row + list.count) as usize;
        list.count += 1;
        (&mut self.columns[list.slot as usize].lists().elements, row)
    }

    /// Appends a null to a list.
    pub fn list_null(&mut self, list: &mut List) {
        list.count += 1;
        let at = ids::mix(list.hash, u64::from(list.count - 1));
        self.ids.add_value(at, b'0', b"");
    }

    /// Appends `true` or `false` to a list; adds what it takes to the `bytes` of its row, as all
    /// of these do.
    pub fn list_bool(&mut self, list: &mut List, value: bool, bytes: &mut u32) -> Result<(), Halt> {
        let text = if value { "true" } else { "false" };
        self.list_scalar(list, Scalar { text, kind: ScalarKind::Bool(value) }, bytes)
    }

    /// Appends a number to a list; `text` is its source.
    #[inline]
    pub fn list_number(
        &mut self,
        list: &mut List,
        number: Number<'_>,
        text: Excerpt<'_>,
        bytes: &mut u32,
    ) -> Result<(), Halt> {
        match number {
            Number::Int(value) if list.is_plain => {
                let (elements, row) = self.next_element(list);
                elements.push_int(row, value);
            }
            Number::Float { value, exact: true } if list.is_plain => {
                let (elements, row) = self.next_element(list);
                elements.push_float(row, value);
            }
            _ => {
                let kind = ScalarKind::Number(number);
                return self.list_scalar(list, Scalar { text: text.text(), kind }, bytes);
            }
        }
        *bytes = bytes.saturating_add(scalar::NUMBER_BYTES);
        Ok(())
    }

    /// Appends a string to a list.
    #[inline]
    pub fn list_string(
        &mut self,
        list: &mut List,
        text: Excerpt<'_>,
        bytes: &mut u32,
    ) -> Result<(), Halt> {
        if list.is_plain {
            let (elements, row) = self.next_element(list);
            elements.push_string(row, text);
            *bytes = bytes.saturating_add(scalar::string_bytes(text.len()));
            return Ok(());
        }
        self.list_scalar(list, Scalar { text: text.text(), kind: ScalarKind::String }, bytes)
    }

    /// Appends a scalar to a list the long way.
    #[inline(never)]
    pub(super) fn list_scalar(
        &mut self,
        list: &mut List,
        scalar: Scalar<'_>,
        bytes: &mut u32,
    ) -> Result<(), Halt> {
        if self.ids.wants_values() {
            let at = ids::mix(list.hash, u64::from(list.count));
            self.ids.add_value(at, scalar.tag(), scalar.text.as_bytes());
        }
        let node = self.shape.node(list.node);
        let (declared, agreed) = (node.declared_element, node.terms.and_then(|terms| terms.list));
        let row = (list.row + list.count) as usize;
        list.count += 1;
        if let Some(wanted) = agreed {
            self.element_by_terms(list.node, list.slot, row, scalar, wanted)?;
            *bytes = bytes.saturating_add(scalar.bytes());
            return Ok(());
        }
        let elements = &mut self.columns[list.slot as usize].lists().elements;
        scalar
            .push_as(elements, row, declared, &self.options)
            .map_err(|fault| self.at_path(list.node, fault))?;
        *bytes = bytes.saturating_add(scalar.bytes());
        Ok(())
    }

    /// Returns whether elements of a list go to its column as they come.
    #[inline]
    pub(super) fn list_is_plain(&self, list: &List) -> bool {
        list.is_plain
    }

    /// Returns whether neither the user nor a schema file says what elements of a list are.
    pub(super) fn list_is_undeclared(&self, list: &List) -> bool {
        let node = self.shape.node(list.node);
        node.declared_element.is_none() && node.terms.is_none_or(|terms| terms.list.is_none())
    }

    /// Returns the elements of the column that a list fills.
    #[inline]
    pub(super) fn list_elements(&mut self, list: &List) -> &mut Column {
        &mut self.columns[list.slot as usize].lists().elements
    }

    /// Ends a list.
    #[inline]
    pub fn end_list(&mut self, list: &List, bytes: &mut u32) {
        self.columns[list.slot as usize].end_list(list.count);
        *bytes = bytes.saturating_add(scalar::LIST_BYTES);
    }
}
