//! Rows of columns, as Parquet and Arrow have them → values, as their types say.

mod json_text;
mod scalars;
mod times;

use std::borrow::Cow;
use std::collections::HashMap;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_buffer::NullBuffer;
use arrow_schema::{DataType, Field, Fields, Schema};

use super::json::{self, DecodeOptions, DuplicateKeys};
use super::{CapReached, Faults, prune, repair};
use crate::error::{Fault, FaultCode};
use crate::flatten::{
    self, ArrayContent, ArrayMode, FlattenOptions, Flattener, Halt, List, MapRows, Member, Object,
    Place, Rows, Target, Typed, TypedKind,
};
use crate::frame::columns::distinct;
use crate::frame::{Chunk, ColumnRows};
pub(crate) use json_text::record_json;
use scalars::{Remark, Scalars};

/// Decodes the rows of a chunk that are not known to be at fault into `flattener`; others that are
/// join `faults`. Returns whether the rows in the flattener are those of the good ones.
pub(super) fn rows(
    chunk: &Chunk,
    columns: &ColumnRows,
    flattener: &mut Flattener,
    options: &DecodeOptions,
    faults: &mut Faults,
) -> Result<bool, CapReached> {
    let mut nodes = nodes(&columns.batch);
    if let Err(halt) = bind_record(&mut nodes, flattener, options) {
        return match halt {
            Halt::Fault(fault) => {
                // What is wrong with a column is wrong with each of its values.
                let records = 0..chunk.records.len();
                let known = faults.len();
                faults.extend(records.map(|index| (index, Fault::clone(&fault))));
                Ok(faults.len() == known)
            }
            Halt::DuplicateKey | Halt::CapReached => Err(CapReached),
        };
    }
    let (direct, mut walked): (Vec<Node<'_>>, Vec<Node<'_>>) =
        nodes.into_iter().partition(|node| node.is_direct(flattener));
    let mut direct_bytes = vec![0u32; columns.batch.num_rows()];
    direct.iter().for_each(|node| node.add_bytes(&mut direct_bytes));
    let mut kept = Vec::with_capacity(direct_bytes.len());
    let mut first_row = None;
    let mut is_whole = true;
    for index in 0..chunk.records.len() {
        if !faults.is_empty() && faults.contains_key(&index) {
            continue;
        }
        // Numbers tell records apart as bytes do.
        let origin = (chunk.input_index as u32, chunk.first_record + index as u64);
        let place = flattener.begin_record(index as u32, origin);
        let mut bytes = direct_bytes.get(index).copied().unwrap_or(0);
        let read = walked
            .iter_mut()
            .try_for_each(|node| node.member(index, flattener, place, options, &mut bytes));
        match read.and_then(|()| flattener.end_record(bytes)) {
            Ok(()) => {
                first_row = first_row.or(Some(place.row()));
                kept.push(index as u32);
                continue;
            }
            Err(Halt::CapReached) => return Err(CapReached),
            Err(Halt::Fault(fault)) => drop(faults.insert(index, *fault)),
            Err(Halt::DuplicateKey) => {
                let message = "a key stands twice in one object";
                faults.insert(index, Fault::new(FaultCode::DuplicateKey, 0, message));
            }
        }
        is_whole &= flattener.take_back_record();
        walked.iter_mut().for_each(Node::forget_declared);
    }
    if let Some(first_row) = first_row {
        for node in &direct {
            node.push_all(flattener, first_row as usize, &kept);
        }
    }
    Ok(is_whole)
}

/// Returns whether rows of a schema can have no child rows, so that they need no ids.
pub(crate) fn are_flat(schema: &Schema, options: &FlattenOptions) -> bool {
    let makes = |mode: ArrayMode| matches!(mode, ArrayMode::Smart | ArrayMode::Separate);
    let nested_may = makes(options.arrays)
        || options.arrays_at.iter().any(|(_, mode)| makes(*mode))
        || !options.maps.is_empty()
        || options.terms.is_some();
    let scalars_may = options.arrays == ArrayMode::Separate
        || options.arrays_at.iter().any(|(_, mode)| *mode == ArrayMode::Separate)
        || options.terms.is_some();
    let members_may = !options.maps.is_empty();
    fn is_flat(data_type: &DataType, may: (bool, bool, bool)) -> bool {
        let (nested_may, scalars_may, members_may) = may;
        match data_type {
            DataType::Map(..) => !nested_may,
            DataType::List(element)
            | DataType::LargeList(element)
            | DataType::ListView(element)
            | DataType::LargeListView(element)
            | DataType::FixedSizeList(element, _) => match is_scalar(element.data_type()) {
                true => !scalars_may,
                false => !nested_may,
            },
            DataType::Struct(fields) => {
                !members_may && fields.iter().all(|field| is_flat(field.data_type(), may))
            }
            DataType::Dictionary(_, values) => is_flat(values, may),
            DataType::RunEndEncoded(_, values) => is_flat(values.data_type(), may),
            _ => true,
        }
    }
    let may = (nested_may, scalars_may, members_may);
    schema.fields().iter().all(|field| is_flat(field.data_type(), may))
}

/// Returns whether a type has values that are no containers.
fn is_scalar(data_type: &DataType) -> bool {
    match data_type {
        DataType::Dictionary(_, values) => is_scalar(values),
        DataType::RunEndEncoded(_, values) => is_scalar(values.data_type()),
        other => !other.is_nested(),
    }
}

/// A column, or what is inside one.
struct Node<'a> {
    name: Cow<'a, str>,
    values: Values<'a>,
    nulls: Option<NullBuffer>,
    /// Where its values go as members of the object around them, once that is known.
    bound: Option<Bound>,
    /// Columns of what is inside were made, in this chunk.
    is_declared: bool,
}

/// Where the values of a member go.
enum Bound {
    At(Place),
    /// Whole, under this key: there is no room for its path.
    Whole(Box<str>),
}

/// The values of a column.
enum Values<'a> {
    Scalar(Scalars<'a>),
    Struct(Vec<Node<'a>>),
    List(Ranges<'a>, Box<Node<'a>>),
    Map(Ranges<'a>, Box<Node<'a>>, Box<Node<'a>>),
    /// Each value is the one at a place among others.
    Indexed(Vec<usize>, Box<Node<'a>>),
}

/// Where lists lie in their elements.
enum Ranges<'a> {
    Small(&'a [i32]),
    Large(&'a [i64]),
    /// Where each begins and how many elements it has.
    Each(Vec<(usize, usize)>),
    /// Where the first begins, and how many elements each has.
    Fixed(usize, usize),
}

impl Ranges<'_> {
    #[inline]
    fn get(&self, index: usize) -> std::ops::Range<usize> {
        match self {
            Ranges::Small(offsets) => offsets[index] as usize..offsets[index + 1] as usize,
            Ranges::Large(offsets) => offsets[index] as usize..offsets[index + 1] as usize,
            Ranges::Each(places) => places[index].0..places[index].0 + places[index].1,
            Ranges::Fixed(first, size) => first + index * size..first + (index + 1) * size,
        }
    }
}

/// Returns the columns of a record, by names of their own.
fn nodes(batch: &RecordBatch) -> Vec<Node<'_>> {
    members(batch.schema_ref().fields(), batch.columns())
}

fn members<'a>(fields: &'a Fields, columns: &'a [ArrayRef]) -> Vec<Node<'a>> {
    let names = distinct(fields.iter().map(|field| field.name().as_str()));
    let members = fields.iter().zip(columns).zip(names);
    members.map(|((field, column), name)| Node::new(name, field, column)).collect()
}

/// Names the columns of the record, and makes those that its types tell of.
fn bind_record(
    nodes: &mut [Node<'_>],
    flattener: &mut Flattener,
    options: &DecodeOptions,
) -> Result<(), Halt> {
    let record = flattener.record_place();
    bind(nodes, flattener, record)?;
    for node in nodes {
        if let Some(Bound::At(place)) = node.bound {
            node.declare(flattener, place, options)?;
        }
    }
    if flattener.has_reached_cap() { Err(Halt::CapReached) } else { Ok(()) }
}

/// Finds out where members of the object at `place` go, unless that is known.
fn bind(nodes: &mut [Node<'_>], flattener: &mut Flattener, place: Place) -> Result<(), Halt> {
    if nodes.first().is_none_or(|node| node.bound.is_some()) {
        return Ok(());
    }
    let mut members = flattener.members(place);
    for node in nodes {
        node.bound = Some(match flattener.key(&mut members, &node.name)? {
            Member::At(place) => Bound::At(place),
            Member::Whole(_) => Bound::Whole((*node.name).into()),
        });
    }
    Ok(())
}

impl<'a> Node<'a> {
    fn new(name: Cow<'a, str>, field: &'a Field, array: &'a ArrayRef) -> Node<'a> {
        let inner = |field: &'a Field, array: &'a ArrayRef| {
            Box::new(Node::new(Cow::Borrowed(field.name().as_str()), field, array))
        };
        let values = match array.data_type() {
            DataType::Struct(fields) => {
                Values::Struct(members(fields, array.as_struct().columns()))
            }
            DataType::List(element) => {
                let list = array.as_list::<i32>();
                Values::List(Ranges::Small(list.value_offsets()), inner(element, list.values()))
            }
            DataType::LargeList(element) => {
                let list = array.as_list::<i64>();
                Values::List(Ranges::Large(list.value_offsets()), inner(element, list.values()))
            }
            DataType::ListView(element) => {
                let list = array.as_list_view::<i32>();
                let places = list.value_offsets().iter().zip(list.value_sizes());
                let places = places.map(|(start, size)| (*start as usize, *size as usize));
                Values::List(Ranges::Each(places.collect()), inner(element, list.values()))
            }
            DataType::LargeListView(element) => {
                let list = array.as_list_view::<i64>();
                let places = list.value_offsets().iter().zip(list.value_sizes());
                let places = places.map(|(start, size)| (*start as usize, *size as usize));
                Values::List(Ranges::Each(places.collect()), inner(element, list.values()))
            }
            DataType::FixedSizeList(element, size) => {
                let list = array.as_fixed_size_list();
                let first = if list.is_empty() { 0 } else { list.value_offset_at(0) };
                let ranges = Ranges::Fixed(first, *size as usize);
                Values::List(ranges, inner(element, list.values()))
            }
            DataType::Map(entries, _) => {
                let map = array.as_map();
                let DataType::Struct(fields) = entries.data_type() else {
                    unreachable!("the entries of a map are structures")
                };
                let ranges = Ranges::Small(map.value_offsets());
                Values::Map(ranges, inner(&fields[0], map.keys()), inner(&fields[1], map.values()))
            }
            DataType::Dictionary(..) => {
                let dictionary = array.as_any_dictionary();
                let values = dictionary.values();
                let keys = match values.is_empty() {
                    true => vec![0; array.len()],
                    false => dictionary.normalized_keys(),
                };
                Values::Indexed(keys, inner(field, values))
            }
            DataType::RunEndEncoded(..) => {
                let (places, values) = scalars::runs(array);
                Values::Indexed(places, inner(field, values))
            }
            _ => Values::Scalar(Scalars::new(field, array)),
        };
        let nulls = array.nulls().cloned();
        Node { name, values, nulls, bound: None, is_declared: false }
    }

    #[inline]
    fn is_null(&self, index: usize) -> bool {
        self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(index))
    }

    /// Returns what scalars are, if values are scalars.
    fn kind(&self) -> Option<TypedKind> {
        match &self.values {
            Values::Scalar(scalars) => Some(scalars.kind()),
            Values::Indexed(_, values) => values.kind(),
            Values::Struct(_) | Values::List(..) | Values::Map(..) => None,
        }
    }

    fn is_json(&self) -> bool {
        match &self.values {
            Values::Scalar(scalars) => scalars.is_json(),
            Values::Indexed(_, values) => values.is_json(),
            _ => false,
        }
    }

    /// Makes the columns that values at `place` feed, also where there are none.
    fn declare(
        &mut self,
        flattener: &mut Flattener,
        place: Place,
        options: &DecodeOptions,
    ) -> Result<(), Halt> {
        if std::mem::replace(&mut self.is_declared, true) {
            return Ok(());
        }
        let (is_json, kind) = (self.is_json(), self.kind());
        match &mut self.values {
            _ if is_json && options.cells.json => {}
            _ if is_json => flattener.declare_json(place),
            Values::Struct(members) => {
                if flattener.declare_members(place) {
                    bind(members, flattener, place)?;
                    for member in members {
                        if let Some(Bound::At(place)) = member.bound {
                            member.declare(flattener, place, options)?;
                        }
                    }
                }
            }
            Values::List(_, element) => flattener.declare_list(place, element.kind()),
            Values::Map(..) => flattener.declare_list(place, None),
            Values::Scalar(_) => flattener.declare(place, kind.unwrap_or(TypedKind::Any)),
            Values::Indexed(_, values) => values.declare(flattener, place, options)?,
        }
        Ok(())
    }

    /// Lets columns be made again that went with a record at fault.
    fn forget_declared(&mut self) {
        self.is_declared = false;
        match &mut self.values {
            Values::Scalar(_) => {}
            Values::Struct(members) => members.iter_mut().for_each(Node::forget_declared),
            Values::List(_, element) => element.forget_declared(),
            Values::Map(_, _, values) | Values::Indexed(_, values) => values.forget_declared(),
        }
    }

    /// Returns whether values go to their column as they come.
    fn is_direct(&self, flattener: &Flattener) -> bool {
        let Values::Scalar(scalars) = &self.values else { return false };
        let Some(Bound::At(place)) = self.bound else { return false };
        !scalars.is_json() && scalars.are_plain() && flattener.is_direct(place)
    }

    /// Adds the bytes of each row's value.
    fn add_bytes(&self, sums: &mut [u32]) {
        let Values::Scalar(scalars) = &self.values else { return };
        for (index, sum) in sums.iter_mut().enumerate() {
            if !self.is_null(index) {
                *sum = sum.saturating_add(scalars.bytes(index));
            }
        }
    }

    /// Pushes the values of the rows `kept` to their column, from row `first` of the table on.
    fn push_all(&self, flattener: &mut Flattener, first: usize, kept: &[u32]) {
        let (Values::Scalar(scalars), Some(Bound::At(place))) = (&self.values, &self.bound) else {
            return;
        };
        if let Some(column) = flattener.direct_column(*place) {
            scalars.push_all(self.nulls.as_ref(), column, first, kept);
        }
    }

    /// Pushes the value of a member of the object whose row is that of `row`.
    fn member(
        &mut self,
        index: usize,
        flattener: &mut Flattener,
        row: Place,
        options: &DecodeOptions,
        bytes: &mut u32,
    ) -> Result<(), Halt> {
        match &self.bound {
            Some(Bound::At(place)) => {
                let place = place.in_row_of(row);
                self.value(index, flattener, place, options, bytes)
            }
            Some(Bound::Whole(key)) => {
                let target = Target::Member(row, key.clone());
                self.whole(index, flattener, target, bytes);
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Pushes a value whole, as JSON text.
    fn whole(&self, index: usize, flattener: &mut Flattener, target: Target, bytes: &mut u32) {
        let mut text = Vec::new();
        self.push_json(index, &mut text);
        if let Some(kept) = prune::kept(text, &target, flattener) {
            flattener.json(target, &kept, bytes);
        }
    }

    /// Pushes a value.
    fn value(
        &mut self,
        index: usize,
        flattener: &mut Flattener,
        place: Place,
        options: &DecodeOptions,
        bytes: &mut u32,
    ) -> Result<(), Halt> {
        if self.is_null(index) {
            self.declare(flattener, place, options)?;
            return flattener.null(place);
        }
        match &mut self.values {
            Values::Scalar(scalars) if scalars.is_json() => {
                scalars.with_text(index, |text| json_value(text, flattener, place, options, bytes))
            }
            Values::Scalar(scalars) => scalars.with(index, |value, remark| {
                match remark {
                    None => {}
                    Some(Remark::Binary) => flattener.note_binary(place),
                    Some(Remark::NotFinite) => flattener.note_not_finite(place),
                }
                flattener.typed(place, value, bytes)
            }),
            Values::Indexed(places, values) => {
                values.value(places[index], flattener, place, options, bytes)
            }
            Values::Struct(members) => {
                let is_hollow = || members.iter().all(|member| member.is_hollow(index));
                match flattener.begin_object(place, || members.is_empty(), is_hollow)? {
                    Object::Members(object) => {
                        if members.is_empty() {
                            flattener.end_object(&object);
                        }
                        bind(members, flattener, place)?;
                        members.iter_mut().try_for_each(|member| {
                            member.member(index, flattener, place, options, bytes)
                        })
                    }
                    Object::Map(mut rows) => members.iter_mut().try_for_each(|member| {
                        let mut bytes = 0;
                        let place = flattener.map_key(&mut rows, &member.name, &mut bytes)?;
                        member.value(index, flattener, place, options, &mut bytes)?;
                        flattener.end_row(rows.table(), bytes);
                        Ok(())
                    }),
                    Object::Json(target) => {
                        self.whole(index, flattener, target, bytes);
                        Ok(())
                    }
                    Object::Skip => Ok(()),
                }
            }
            Values::List(ranges, element) => {
                let range = ranges.get(index);
                let content = || match (range.is_empty(), element.kind()) {
                    (true, _) => ArrayContent::Empty,
                    (false, Some(_)) => ArrayContent::Scalars,
                    (false, None) => ArrayContent::Nested,
                };
                match flattener.begin_array(place, content)? {
                    flatten::Array::List(list) => element.list(range, flattener, list, bytes),
                    flatten::Array::Rows(rows) => element.rows(range, flattener, rows, options),
                    flatten::Array::Json(target) => {
                        self.whole(index, flattener, target, bytes);
                        Ok(())
                    }
                    flatten::Array::Skip => Ok(()),
                }
            }
            Values::Map(ranges, keys, values) => {
                let range = ranges.get(index);
                match flattener.begin_typed_map(place, || range.is_empty())? {
                    Object::Map(rows) => values.map(keys, range, flattener, rows, options),
                    Object::Members(members) => {
                        let mut members = members;
                        if range.is_empty() {
                            flattener.end_object(&members);
                        }
                        for entry in range {
                            let key = keys.key_text(entry);
                            match flattener.key(&mut members, &key)? {
                                Member::At(place) => {
                                    // Each key has its own path.
                                    values.unbind();
                                    values.value(entry, flattener, place, options, bytes)?;
                                }
                                Member::Whole(target) => {
                                    values.whole(entry, flattener, target, bytes);
                                }
                            }
                        }
                        values.unbind();
                        Ok(())
                    }
                    Object::Json(target) => {
                        self.whole(index, flattener, target, bytes);
                        Ok(())
                    }
                    Object::Skip => Ok(()),
                }
            }
        }
    }

    /// Pushes elements as rows of a child table.
    fn rows(
        &mut self,
        range: std::ops::Range<usize>,
        flattener: &mut Flattener,
        mut rows: Rows,
        options: &DecodeOptions,
    ) -> Result<(), Halt> {
        for index in range {
            let mut bytes = 0;
            let place = flattener.add_element(&mut rows);
            self.value(index, flattener, place, options, &mut bytes)?;
            flattener.end_row(rows.table(), bytes);
        }
        Ok(())
    }

    /// Pushes elements as one cell.
    fn list(
        &self,
        range: std::ops::Range<usize>,
        flattener: &mut Flattener,
        mut list: List,
        bytes: &mut u32,
    ) -> Result<(), Halt> {
        for index in range {
            self.element(index, flattener, &mut list, bytes)?;
        }
        flattener.end_list(&list, bytes);
        Ok(())
    }

    fn element(
        &self,
        index: usize,
        flattener: &mut Flattener,
        list: &mut List,
        bytes: &mut u32,
    ) -> Result<(), Halt> {
        match &self.values {
            _ if self.is_null(index) => flattener.list_typed(list, Typed::Null, bytes),
            Values::Indexed(places, values) => {
                values.element(places[index], flattener, list, bytes)
            }
            Values::Scalar(scalars) => scalars.with(index, |value, remark| {
                match remark {
                    None => {}
                    Some(Remark::Binary) => flattener.note_binary_element(list),
                    Some(Remark::NotFinite) => flattener.note_not_finite_element(list),
                }
                flattener.list_typed(list, value, bytes)
            }),
            // Lists of scalars have no others.
            Values::Struct(_) | Values::List(..) | Values::Map(..) => Ok(()),
        }
    }

    /// Pushes the entries of a map as rows of a child table; `self` has their values.
    fn map(
        &mut self,
        keys: &Node<'_>,
        range: std::ops::Range<usize>,
        flattener: &mut Flattener,
        mut rows: MapRows,
        options: &DecodeOptions,
    ) -> Result<(), Halt> {
        let texts: Vec<String> = range.clone().map(|entry| keys.key_text(entry)).collect();
        // Which entry stands for its key.
        let mut kept: HashMap<&str, usize> = HashMap::with_capacity(texts.len());
        for (entry, key) in texts.iter().enumerate() {
            match options.duplicate_keys {
                DuplicateKeys::Last => drop(kept.insert(key, entry)),
                DuplicateKeys::First => drop(kept.entry(key).or_insert(entry)),
                DuplicateKeys::Reject => {
                    if kept.insert(key, entry).is_some() {
                        let message = format!("key `{key}` stands twice in one map");
                        return Err(Fault::new(FaultCode::DuplicateKey, 0, message).into());
                    }
                }
            }
        }
        for (entry, key) in texts.iter().enumerate() {
            if kept.get(key.as_str()) != Some(&entry) {
                flattener.note_duplicate_row(&rows, key);
                continue;
            }
            let mut bytes = 0;
            let place = flattener.map_key(&mut rows, key, &mut bytes)?;
            self.value(range.start + entry, flattener, place, options, &mut bytes)?;
            flattener.end_row(rows.table(), bytes);
        }
        Ok(())
    }

    /// Forgets where members go.
    fn unbind(&mut self) {
        self.is_declared = false;
        match &mut self.values {
            Values::Scalar(_) => {}
            Values::Struct(members) => members.iter_mut().for_each(|member| {
                member.bound = None;
                member.unbind();
            }),
            Values::List(_, element) => element.unbind(),
            Values::Map(_, _, values) | Values::Indexed(_, values) => values.unbind(),
        }
    }

    /// Returns the text of a key of a map.
    fn key_text(&self, index: usize) -> String {
        let mut text = Vec::new();
        self.push_text(index, &mut text);
        String::from_utf8_lossy(&text).into_owned()
    }

    /// Returns whether a value is an object with nothing but such objects and empty arrays in it.
    fn is_hollow(&self, index: usize) -> bool {
        if self.is_null(index) {
            return false;
        }
        match &self.values {
            Values::Scalar(_) => false,
            Values::Struct(members) => members.iter().all(|member| member.is_hollow(index)),
            Values::List(ranges, _) | Values::Map(ranges, ..) => ranges.get(index).is_empty(),
            Values::Indexed(places, values) => values.is_hollow(places[index]),
        }
    }
}

/// Pushes a value that is JSON text; what is none stays text.
fn json_value(
    text: &str,
    flattener: &mut Flattener,
    place: Place,
    options: &DecodeOptions,
    bytes: &mut u32,
) -> Result<(), Halt> {
    if json::check(text.as_bytes()).is_err() {
        flattener.note_no_json(place);
        return flattener.typed(place, Typed::Text(text), bytes);
    }
    let policy = options.duplicate_keys;
    if options.cells.json {
        let found = repair::duplicates(text, policy);
        if let Some(first) = found.first().filter(|_| policy == DuplicateKeys::Reject) {
            return Err(first.fault(0).into());
        }
        let mut skips: Vec<usize> = found.iter().map(|duplicate| duplicate.byte).collect();
        skips.sort_unstable();
        return json::cell(text, flattener, place, policy, &skips, bytes);
    }
    match flattener.begin_json(place)? {
        Some(target) => json::whole(text, flattener, target, policy, bytes),
        None => Ok(()),
    }
}
