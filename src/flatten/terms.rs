//! What a schema file says of each path, and what becomes of values it has no place for.
//!
//! Columns take values as they come; at the end of a chunk their kinds say whether one was outside
//! its type. Only then the chunk is read again, with a closer look at the values of those columns.

use std::collections::{BTreeMap, HashMap};

use super::path::{Step, pointer};
use super::scalar::{Scalar, ScalarKind};
use super::shape::{NodeId, ROOT_NODE};
use super::{DeclaredType, FlattenOptions, Flattener, Halt, Note, Place, push_json_string};
use crate::error::{Fault, FaultCode};
use crate::table::scalar::DecimalDigits;
use crate::table::{Column, Form, Kinds, Number, Part, PathId};

/// What becomes of values that a schema file has no place for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SchemaMode {
    /// They get one: columns and tables are added, types widen.
    #[default]
    Evolve,
    /// Their record is at fault.
    Strict,
    /// They are left out and counted.
    Discard,
}

/// What a schema file says, by path.
#[derive(Debug, Clone, Default)]
pub struct Terms {
    /// What becomes of values without a place.
    pub mode: SchemaMode,
    at: HashMap<String, PathTerms>,
    /// Columns that every row of a table must have, by the path of the table.
    required: HashMap<String, Vec<(String, Part)>>,
}

/// What may stand at one path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct PathTerms {
    /// Scalars of this type.
    pub scalar: Option<DeclaredType>,
    /// Arrays of scalars of this type, or of nulls.
    pub list: Option<DeclaredType>,
    /// What nothing else takes, as JSON text.
    pub json: bool,
    /// Arrays, and maps, whose elements are rows.
    pub table: bool,
    /// Objects with members.
    pub members: bool,
    /// Elements that are rows, also where they are objects without members.
    pub row: bool,
}

impl PathTerms {
    /// Returns whether nothing may stand at the path.
    fn is_outside(&self) -> bool {
        *self == PathTerms::default()
    }

    /// Says what may stand at the path.
    fn expected(&self) -> String {
        let scalar = self.scalar.map(|wanted| wanted.to_string());
        let list = self.list.map(|wanted| format!("a list of {wanted}"));
        let table = self.table.then(|| "an array".to_owned());
        let members = (self.members || self.row).then(|| "an object".to_owned());
        let all: Vec<_> = [scalar, list, table, members].into_iter().flatten().collect();
        match all.split_last() {
            None => "nothing, as the schema has no such path".to_owned(),
            Some((last, [])) => last.clone(),
            Some((last, others)) => format!("{} or {last}", others.join(", ")),
        }
    }
}

impl Terms {
    /// Starts without any path but that of the record.
    pub fn new(mode: SchemaMode) -> Self {
        let mut terms = Terms { mode, ..Terms::default() };
        terms.add_table(&[]);
        terms
    }

    /// Returns whether nothing may be added to tables and columns.
    pub fn is_closed(&self) -> bool {
        self.mode != SchemaMode::Evolve
    }

    /// Adds a table, whose elements stand at `steps`.
    pub fn add_table(&mut self, steps: &[Step]) {
        self.lead_to(steps);
        self.at.entry(pointer(steps)).or_default().row = true;
    }

    /// Adds a column of the table at `table`; of lists `wanted` is the type of their elements.
    pub fn add_column(
        &mut self,
        table: &str,
        steps: &[Step],
        part: Part,
        wanted: DeclaredType,
        is_required: bool,
    ) {
        self.lead_to(steps);
        let path = pointer(steps);
        let at = self.at.entry(path.clone()).or_default();
        match part {
            Part::Scalar => at.scalar = Some(wanted),
            Part::List => at.list = Some(wanted),
            Part::Json | Part::Rest => at.json = true,
        }
        if is_required && self.is_closed() {
            self.required.entry(table.to_owned()).or_default().push((path, part));
        }
    }

    fn lead_to(&mut self, steps: &[Step]) {
        for (place, step) in steps.iter().enumerate() {
            let above = self.at.entry(pointer(&steps[..place])).or_default();
            match step {
                Step::Key(_) => above.members = true,
                Step::Element => above.table = true,
            }
        }
    }

    /// Returns what may stand at a path; nothing where anything may.
    pub(super) fn at(&self, path: &str) -> Option<PathTerms> {
        match self.at.get(path) {
            Some(terms) => Some(*terms),
            None if self.is_closed() => Some(PathTerms::default()),
            None => None,
        }
    }
}

impl FlattenOptions {
    /// Returns whether a schema file says all there may be.
    pub(super) fn is_closed(&self) -> bool {
        self.terms.as_ref().is_some_and(|terms| terms.is_closed())
    }
}

/// Returns whether a column of this type takes scalars as they come, and its kinds say in the end
/// whether all of them fit.
pub(super) fn is_plain(wanted: DeclaredType) -> bool {
    !matches!(wanted, DeclaredType::Decimal { .. } | DeclaredType::Json)
}

/// Returns whether strings of a column of this type are to be looked at for their form.
pub(super) fn has_form(wanted: DeclaredType) -> bool {
    use DeclaredType::{Date, Timestamp, TimestampUtc};
    matches!(wanted, Date | Timestamp | TimestampUtc)
}

/// Returns whether all values of these kinds are surely of a type.
fn fits(kinds: &Kinds, wanted: DeclaredType) -> bool {
    let timestamp = |utc: bool| match kinds.form.shared() {
        Some(Form::Timestamp { zone, .. }) => zone.offset_minutes().is_some() == utc,
        _ => false,
    };
    match wanted {
        _ if kinds.is_empty() => true,
        DeclaredType::Text | DeclaredType::Json | DeclaredType::Decimal { .. } => true,
        DeclaredType::Bool => kinds.only(Kinds::BOOL),
        DeclaredType::Int64 => kinds.only(Kinds::INT | Kinds::WIDE_INT),
        DeclaredType::Double => kinds.only(Kinds::INT | Kinds::FLOAT | Kinds::LONG_FLOAT),
        DeclaredType::Date => kinds.only(Kinds::STRING) && kinds.form.shared() == Some(Form::Date),
        DeclaredType::Timestamp => kinds.only(Kinds::STRING) && timestamp(false),
        DeclaredType::TimestampUtc => kinds.only(Kinds::STRING) && timestamp(true),
    }
}

/// Integers up to here are exact doubles.
const EXACT_INT_MAX: u64 = 1 << 53;

impl Scalar<'_> {
    /// Appends the scalar to a column of a type that a schema file gives; returns whether it is of
    /// that type.
    pub(super) fn push_fitting(
        self,
        column: &mut Column,
        row: usize,
        wanted: DeclaredType,
        options: &FlattenOptions,
    ) -> bool {
        let is_of_type = match (wanted, self.kind) {
            (DeclaredType::Text | DeclaredType::Json, _) => true,
            (DeclaredType::Bool, ScalarKind::Bool(_)) => true,
            (DeclaredType::Int64 | DeclaredType::Double, ScalarKind::Number(number)) => {
                match number {
                    Number::Int(value) if wanted == DeclaredType::Double => {
                        value.unsigned_abs() <= EXACT_INT_MAX
                    }
                    Number::Int(_) => true,
                    Number::Float { .. } => wanted == DeclaredType::Double,
                    _ => false,
                }
            }
            (DeclaredType::Decimal { precision, scale }, ScalarKind::Number(_)) => {
                let scaled = DecimalDigits::parse(self.text).scaled(scale);
                scaled.is_some_and(|value| value.unsigned_abs() < 10u128.pow(precision.into()))
            }
            _ if has_form(wanted) => self.has_form(wanted),
            _ => false,
        };
        if is_of_type {
            self.push_widening(column, row, wanted, options);
        }
        is_of_type
    }

    /// Appends the scalar to a column of at least a type.
    pub(super) fn push_widening(
        self,
        column: &mut Column,
        row: usize,
        least: DeclaredType,
        options: &FlattenOptions,
    ) {
        match (least, self.kind) {
            (DeclaredType::Json, _) => {
                let mut json = Vec::new();
                self.push_json(&mut json);
                column.push_text(row, &json);
            }
            (DeclaredType::Decimal { .. }, ScalarKind::Number(_))
                if DecimalDigits::parse(self.text).precision().is_some() =>
            {
                column.push_number_text(row, self.text);
            }
            (DeclaredType::Double, _) => self.push(column, row),
            _ => self.push_undeclared(column, row, options),
        }
    }

    /// Appends the scalar as JSON.
    pub(super) fn push_json(self, out: &mut Vec<u8>) {
        match self.kind {
            ScalarKind::String | ScalarKind::Marked(..) => push_json_string(self.text, out),
            _ => out.extend_from_slice(self.text.as_bytes()),
        }
    }

    /// Returns what messages call the scalar.
    fn shown(self) -> String {
        const CHARS_MAX: usize = 40;
        let mut json = Vec::new();
        self.push_json(&mut json);
        String::from_utf8_lossy(&json).chars().take(CHARS_MAX).collect()
    }
}

impl Flattener {
    /// Refuses a value that the schema file has no place for, or counts it as left out.
    #[cold]
    pub(super) fn outside(&mut self, node: NodeId, found: &str) -> Result<(), Halt> {
        if self.options.terms.as_ref().is_some_and(|terms| terms.mode == SchemaMode::Discard) {
            self.note(Note::Discarded, node);
            return Ok(());
        }
        let terms = self.shape.node(node).terms.unwrap_or_default();
        let message = format!("expected {}, found {found}", terms.expected());
        Err(self.at_path(node, Fault::new(FaultCode::SchemaViolation, 0, message)))
    }

    #[cold]
    fn outside_scalar(&mut self, node: NodeId, scalar: Scalar<'_>) -> Result<(), Halt> {
        let is_shown = self.options.terms.as_ref().is_some_and(|t| t.mode == SchemaMode::Strict);
        let found = if is_shown { shown(scalar) } else { String::new() };
        self.outside(node, &found)
    }

    /// Takes a null by the schema file; returns whether that is all there is to do.
    pub(super) fn null_by_terms(&mut self, place: Place) -> Result<bool, Halt> {
        let Some(terms) = self.shape.node(place.node).terms else { return Ok(false) };
        if self.takes_scalars(place.node) {
            return Ok(false);
        }
        if terms.is_outside() {
            self.outside(place.node, "null")?;
        } else {
            self.note_container(place, b'0');
        }
        Ok(true)
    }

    /// Appends a scalar at a path that the schema file knows, or that it closes.
    pub(super) fn scalar_by_terms(
        &mut self,
        place: Place,
        scalar: Scalar<'_>,
        terms: PathTerms,
        bytes: &mut u32,
    ) -> Result<(), Halt> {
        let (row, is_closed) = (place.row as usize, self.options.is_closed());
        // What is left out is no part of an id.
        let is_in_id = self.ids.wants_values() || self.shape.node(place.node).in_id;
        let part = match terms.scalar {
            Some(_) => Part::Scalar,
            None if terms.json => Part::Json,
            None if is_closed => return self.outside_scalar(place.node, scalar),
            None => Part::Scalar,
        };
        let Some(slot) = self.slot(place.node, part) else {
            if is_in_id {
                self.note_id_value(place, scalar);
            }
            self.push_rest_scalar(place, scalar, bytes);
            return Ok(());
        };
        let column = &mut self.columns[slot as usize];
        match terms.scalar {
            _ if part == Part::Json => {
                scalar.push_widening(column, row, DeclaredType::Json, &self.options);
            }
            Some(wanted) if is_closed => {
                if !scalar.push_fitting(column, row, wanted, &self.options) {
                    return self.outside_scalar(place.node, scalar);
                }
            }
            Some(least) => scalar.push_widening(column, row, least, &self.options),
            None => scalar.push_undeclared(column, row, &self.options),
        }
        if is_in_id {
            self.note_id_value(place, scalar);
        }
        *bytes = bytes.saturating_add(scalar.bytes());
        Ok(())
    }

    /// Appends an element to a list of a type that the schema file gives; an element of another
    /// type that is left out is null.
    pub(super) fn element_by_terms(
        &mut self,
        node: NodeId,
        slot: u32,
        row: usize,
        scalar: Scalar<'_>,
        wanted: DeclaredType,
    ) -> Result<(), Halt> {
        let elements = &mut self.columns[slot as usize].lists().elements;
        if !self.options.is_closed() {
            scalar.push_widening(elements, row, wanted, &self.options);
            return Ok(());
        }
        if scalar.push_fitting(elements, row, wanted, &self.options) {
            return Ok(());
        }
        if self.options.terms.as_ref().is_some_and(|terms| terms.mode == SchemaMode::Discard) {
            self.note(Note::DiscardedElement, node);
            return Ok(());
        }
        let message = format!("expected {wanted}, found {}", shown(scalar));
        let mut fault = Fault::new(FaultCode::SchemaViolation, 0, message);
        let mut steps = self.shape.steps(ROOT_NODE, node);
        steps.push(Step::Element);
        fault.path = pointer(&steps);
        Err(fault.into())
    }

    /// Returns whether scalars of a path have a column of their own, or may get one.
    pub(super) fn takes_scalars(&self, node: NodeId) -> bool {
        self.shape
            .node(node)
            .terms
            .is_none_or(|terms| terms.scalar.is_some() || !(self.options.is_closed() || terms.json))
    }

    /// Returns whether values of a column want a closer look, one by one.
    pub(super) fn is_watched(&self, path: PathId, part: Part) -> bool {
        !self.watched.is_empty() && self.watched.contains(&(path, part))
    }

    /// Looks whether a column holds values that may be outside its type; if so, the chunk is to be
    /// read again, and such columns will be looked at value by value from now on.
    pub fn look_closer(&mut self) -> bool {
        if !self.options.is_closed() {
            return false;
        }
        let mut found = Vec::new();
        for owned in self.tables.iter().flat_map(|table| &table.columns) {
            let Some(terms) = self.shape.node(owned.node).terms else { continue };
            let column = &self.columns[owned.slot as usize];
            let fits = match owned.part {
                Part::Scalar => terms.scalar.is_none_or(|wanted| fits(column.kinds(), wanted)),
                Part::List => match (terms.list, column.element_kinds()) {
                    (Some(wanted), Some(kinds)) => fits(kinds, wanted),
                    _ => true,
                },
                Part::Json | Part::Rest => true,
            };
            if !fits && !self.watched.contains(&(owned.path, owned.part)) {
                found.push((owned.path, owned.part));
            }
        }
        self.watched.extend(&found);
        !found.is_empty()
    }

    /// Returns the records that lack a value which the schema file wants, by their index in the
    /// chunk, each with the first such value.
    pub fn missing(&self) -> BTreeMap<usize, Fault> {
        let mut found = BTreeMap::new();
        let terms = self.options.terms.as_ref().filter(|terms| !terms.required.is_empty());
        let Some(terms) = terms else { return found };
        for &table in &self.filled {
            let table = &self.tables[table as usize];
            let path = pointer(&self.shape.steps(ROOT_NODE, table.element));
            for (wanted, part) in terms.required.get(&path).into_iter().flatten() {
                let owned = table.columns.iter().find(|owned| {
                    let steps = self.shape.steps(ROOT_NODE, owned.node);
                    owned.part == *part && pointer(&steps) == *wanted
                });
                let column = owned.map(|owned| &self.columns[owned.slot as usize]);
                let mut lacks = |row: usize| {
                    let record = table.batch.row_records[row] as usize;
                    found.entry(record).or_insert_with(|| {
                        let message = "expected a value, as the schema wants one, found none";
                        let mut fault = Fault::new(FaultCode::SchemaViolation, 0, message);
                        wanted.clone_into(&mut fault.path);
                        fault
                    });
                };
                match column {
                    Some(column) => {
                        column.presence().for_each_missing(table.rows as usize, &mut lacks);
                    }
                    None => (0..table.rows as usize).for_each(&mut lacks),
                }
            }
        }
        found
    }

    /// Refuses cells of a row that have no column, where a schema file says all there may be.
    pub fn refuse_extra_cells(&self) -> Result<(), Halt> {
        match self.options.terms.as_ref().map(|terms| terms.mode) {
            Some(SchemaMode::Strict) => {
                let message = "expected as many cells as there are columns, found more";
                Err(Fault::new(FaultCode::SchemaViolation, 0, message).into())
            }
            _ => Ok(()),
        }
    }
}

/// Returns what messages call a scalar.
fn shown(scalar: Scalar<'_>) -> String {
    format!("`{}`", scalar.shown())
}
