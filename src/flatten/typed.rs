//! Values whose type their file says: they reach their column without a look at their text.

use super::selection::Keep;
use super::shape::{NONE, ROOT_NODE};
use super::{
    ArrayMode, DeclaredType, Flattener, Halt, List, Note, Object, Place, Scalar, ScalarKind,
    Target, scalar,
};
use crate::decode::number;
use crate::table::scalar::{decimal_text, float_text, instant_length};
use crate::table::{Column, Excerpt, Form, Kinds, Number, Part};

/// A scalar of a column of a file.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Typed<'a> {
    /// No value.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// An integer of 64 bits.
    Int(i64),
    /// A finite double.
    Float(f64),
    /// A number below 10^15 with so many of its digits behind the point, 22 at most.
    Decimal(i64, u8),
    /// Any other number, as JSON would spell it.
    Number(&'a str),
    /// Text, which is no date or time whatever it looks like.
    Text(&'a str),
    /// A date or time: days or microseconds.
    Instant(Form, i64),
}

/// What a column of a file holds, also where it holds no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TypedKind {
    /// Nothing is known.
    Any,
    /// `true` and `false`.
    Bool,
    /// Integers.
    Int,
    /// Numbers with a fraction.
    Float,
    /// Text.
    Text,
    /// Dates or times of this form.
    Instant(Form),
}

impl Typed<'_> {
    /// Returns the bytes that the value counts towards a row group.
    pub fn bytes(self) -> u32 {
        match self {
            Typed::Null => 0,
            Typed::Bool(_) => scalar::BOOL_BYTES,
            Typed::Int(_) | Typed::Float(_) | Typed::Decimal(..) => scalar::NUMBER_BYTES,
            Typed::Number(text) => {
                let kind = ScalarKind::Number(number::parse(text));
                Scalar { text, kind }.bytes()
            }
            Typed::Text(text) => scalar::string_bytes(text.len()),
            Typed::Instant(form, _) => scalar::string_bytes(instant_length(form)),
        }
    }

    /// Calls `take` with the value as a scalar and its text.
    fn with_scalar<T>(self, take: impl FnOnce(Scalar<'_>) -> T) -> T {
        let mut text = Vec::new();
        let kind = match self {
            Typed::Null => return take(Scalar { text: "", kind: ScalarKind::String }),
            Typed::Bool(value) => {
                let text = if value { "true" } else { "false" };
                return take(Scalar { text, kind: ScalarKind::Bool(value) });
            }
            Typed::Number(text) => {
                return take(Scalar { text, kind: ScalarKind::Number(number::parse(text)) });
            }
            Typed::Text(text) => return take(Scalar { text, kind: ScalarKind::String }),
            Typed::Int(value) => {
                text.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
                ScalarKind::Number(Number::Int(value))
            }
            Typed::Float(value) => {
                float_text(value, &mut text);
                ScalarKind::Number(Number::Float { value, exact: true })
            }
            Typed::Decimal(value, scale) => {
                decimal_text(value.into(), scale, &mut text);
                let value = double_of(value, scale);
                ScalarKind::Number(Number::Float { value, exact: true })
            }
            Typed::Instant(form, value) => {
                form.print_to(value, &mut text);
                ScalarKind::String
            }
        };
        let text = std::str::from_utf8(&text).expect("numbers and dates are ASCII");
        take(Scalar { text, kind })
    }

    /// Appends the value to a column that takes scalars as they come; returns whether it could.
    #[inline]
    fn push_to(self, column: &mut Column, row: usize) -> bool {
        match self {
            Typed::Null => {}
            Typed::Bool(value) => column.push_bool(row, value),
            Typed::Int(value) => column.push_int(row, value),
            Typed::Float(value) => column.push_float(row, value),
            Typed::Decimal(value, scale) => column.push_float(row, double_of(value, scale)),
            Typed::Number(_) => return false,
            Typed::Text(text) => column.push_plain(row, Excerpt::whole(text)),
            Typed::Instant(form, value) => column.push_instant(row, form, value),
        }
        true
    }
}

/// Returns the double nearest to a decimal of which both numbers are exact as doubles.
#[inline]
pub fn double_of(value: i64, scale: u8) -> f64 {
    value as f64 / 10f64.powi(scale.into())
}

impl TypedKind {
    /// Lets a column know what it is to hold.
    fn add_to(self, column: &mut Column, wants_forms: bool) {
        match self {
            TypedKind::Any => {}
            TypedKind::Bool => column.expect_kind(Kinds::BOOL),
            TypedKind::Int => column.expect_kind(Kinds::INT),
            TypedKind::Float => column.expect_kind(Kinds::FLOAT),
            TypedKind::Instant(form) if wants_forms => column.expect_form(form),
            TypedKind::Text | TypedKind::Instant(_) => column.ignore_forms(),
        }
    }
}

impl Flattener {
    /// Returns the place of the record itself, of no row.
    pub fn record_place(&self) -> Place {
        Place { node: ROOT_NODE, row: 0, hash: 0 }
    }

    /// Returns whether a cap may be crossed by what was declared.
    pub fn has_reached_cap(&self) -> bool {
        self.cap_reached
    }

    /// Makes the column of a path that holds values of `kind`, also where no row has one; does
    /// nothing where options or a schema file say what becomes of the path.
    pub fn declare(&mut self, place: Place, kind: TypedKind) {
        let node = self.shape.node(place.node);
        if node.keep != Keep::All || self.options.terms.is_some() {
            return;
        }
        let is_plain = node.declared.is_none() && !self.options.all_text;
        let wants_forms = self.options.dates;
        let Some(slot) = self.slot(place.node, Part::Scalar) else { return };
        if is_plain && (!self.options.number_text || kind != TypedKind::Float) {
            kind.add_to(&mut self.columns[slot as usize], wants_forms);
        }
    }

    /// The same for a path whose values are kept as JSON text.
    pub fn declare_json(&mut self, place: Place) {
        let node = self.shape.node(place.node);
        if node.keep == Keep::All && self.options.terms.is_none() {
            self.slot(place.node, Part::Json);
        }
    }

    /// The same for a path of lists of scalars of `kind`, or of lists of anything else, as far as they
    /// are columns.
    pub fn declare_list(&mut self, place: Place, kind: Option<TypedKind>) {
        let node = self.shape.node(place.node);
        if node.keep_elements != Keep::All || self.options.terms.is_some() {
            return;
        }
        if node.declared == Some(DeclaredType::Json) || node.array_mode == ArrayMode::Inline {
            return self.declare_json(place);
        }
        if node.array_mode != ArrayMode::Smart || node.depth >= self.options.max_depth {
            return;
        }
        let Some(kind) = kind else { return };
        let is_plain = node.declared_element.is_none() && !self.options.all_text;
        let wants_forms = self.options.dates;
        let Some(slot) = self.slot(place.node, Part::List) else { return };
        if is_plain && (!self.options.number_text || kind != TypedKind::Float) {
            let elements = &mut self.columns[slot as usize].expect_lists().elements;
            kind.add_to(elements, wants_forms);
        }
    }

    /// Returns whether members of objects at a path become columns of their row; where they do
    /// not, declares what objects there become instead.
    pub fn declare_members(&mut self, place: Place) -> bool {
        let node = self.shape.node(place.node);
        if !matches!(node.keep, Keep::All | Keep::Inside) || self.options.terms.is_some() {
            return false;
        }
        if node.declared.is_some() || node.depth >= self.options.max_depth {
            if node.declared.is_none_or(|declared| declared == DeclaredType::Json) {
                self.declare_json(place);
            }
            return false;
        }
        !node.is_map
    }

    /// Returns whether scalars at a place go to their column as they come.
    pub fn is_direct(&self, place: Place) -> bool {
        let slot = self.shape.lead(place.node).slot;
        (slot as usize) < self.columns.len() && slot != NONE
    }

    /// Returns the column that takes scalars at a place as they come.
    pub fn direct_column(&mut self, place: Place) -> Option<&mut Column> {
        let slot = self.shape.lead(place.node).slot;
        self.columns.get_mut(slot as usize)
    }

    /// Appends a value whose type is known; adds what it takes to the `bytes` of its row.
    #[inline]
    pub fn typed(&mut self, place: Place, value: Typed<'_>, bytes: &mut u32) -> Result<(), Halt> {
        if value == Typed::Null {
            return self.null(place);
        }
        let slot = self.shape.lead(place.node).slot;
        if let Some(column) = self.columns.get_mut(slot as usize)
            && value.push_to(column, place.row as usize)
        {
            *bytes = bytes.saturating_add(value.bytes());
            return Ok(());
        }
        self.typed_slowly(place, value, bytes)
    }

    #[inline(never)]
    fn typed_slowly(
        &mut self,
        place: Place,
        value: Typed<'_>,
        bytes: &mut u32,
    ) -> Result<(), Halt> {
        let node = self.shape.node(place.node);
        let is_plain = node.declared.is_none() && node.terms.is_none() && node.keep == Keep::All;
        if matches!(value, Typed::Text(_))
            && is_plain
            && let Some(slot) = self.slot(place.node, Part::Scalar)
        {
            self.columns[slot as usize].ignore_forms();
        }
        value.with_scalar(|scalar| self.scalar(place, scalar, bytes))
    }

    /// Appends a value whose type is known to a list.
    pub fn list_typed(
        &mut self,
        list: &mut List,
        value: Typed<'_>,
        bytes: &mut u32,
    ) -> Result<(), Halt> {
        match value {
            Typed::Null => {
                self.list_null(list);
                return Ok(());
            }
            Typed::Text(_) if self.list_is_undeclared(list) => {
                self.list_elements(list).ignore_forms();
            }
            _ => {}
        }
        if self.list_is_plain(list) && !matches!(value, Typed::Number(_)) {
            let (elements, row) = self.next_element(list);
            value.push_to(elements, row);
            *bytes = bytes.saturating_add(value.bytes());
            return Ok(());
        }
        value.with_scalar(|scalar| self.list_scalar(list, scalar, bytes))
    }

    /// Starts an object that is a map as its type says. The mode of arrays at its path holds for
    /// it too, as it is a list of keys and values.
    pub fn begin_typed_map(
        &mut self,
        place: Place,
        is_empty: impl FnOnce() -> bool,
    ) -> Result<Object, Halt> {
        let node = self.shape.node(place.node);
        let is_asked = node.keep_containers.is_none() || node.is_map;
        let mode = if is_asked { ArrayMode::Smart } else { node.array_mode };
        let is_kept = node.keep_containers == Some(Keep::All);
        match mode {
            ArrayMode::Inline if is_kept => {
                self.note_container(place, b'{');
                Ok(Object::Json(Target::Column(place)))
            }
            ArrayMode::Skip if is_kept => {
                self.note_container(place, b'{');
                self.note(Note::SkippedArray, place.node);
                Ok(Object::Skip)
            }
            _ => self.begin_object_as(place, true, is_empty, || false),
        }
    }

    /// Starts a value that is JSON text; returns where it goes, unless it is left out.
    pub fn begin_json(&mut self, place: Place) -> Result<Option<Target>, Halt> {
        let node = self.shape.node(place.node);
        match node.keep {
            Keep::All | Keep::Inside => {}
            Keep::ForId | Keep::Nothing => {
                self.leave_out();
                return Ok(None);
            }
        }
        let terms = node.terms.unwrap_or_default();
        if self.options.is_closed() && !terms.json {
            self.outside(place.node, "JSON text")?;
            return Ok(None);
        }
        self.refuse_container(place, "JSON text")?;
        Ok(Some(Target::Column(place)))
    }

    /// The same as [`note_binary`](Flattener::note_binary) for an element of a list.
    pub fn note_binary_element(&mut self, list: &List) {
        self.note(Note::Binary, list.node());
    }

    /// The same as [`note_not_finite`](Flattener::note_not_finite) for an element of a list.
    pub fn note_not_finite_element(&mut self, list: &List) {
        self.note(Note::NotFinite, list.node());
    }

    /// Counts a value that is written in another way, as it is binary.
    pub fn note_binary(&mut self, place: Place) {
        self.note(Note::Binary, place.node);
    }

    /// Counts a number that is none: NaN or infinite.
    pub fn note_not_finite(&mut self, place: Place) {
        self.note(Note::NotFinite, place.node);
    }

    /// Counts a text that is to be JSON and is none, which stays text.
    pub fn note_no_json(&mut self, place: Place) {
        self.note(Note::BrokenJson, place.node);
    }
}

impl Place {
    /// Returns the place of the same path in the row of `row`.
    #[inline]
    pub fn in_row_of(self, row: Place) -> Place {
        Place { node: self.node, ..row }
    }
}
