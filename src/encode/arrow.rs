//! Columns → Arrow arrays of their type, and back; layouts → Arrow schemas.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Float64Type, Int64Type, TimestampMicrosecondType,
};
use arrow_array::{
    Array, ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array,
    ListArray, StringArray, TimestampMicrosecondArray, new_null_array,
};
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{DataType, Field, Fields, Schema, TimeUnit};

use crate::error::{Error, ErrorKind};
use crate::schema::widen::ColumnType;
use crate::schema::{Layout, LayoutColumn};
use crate::table::scalar::{DecimalDigits, decimal_text};
use crate::table::{Column, Form, Number, Presence, Texts, Values, form};

/// Key of a field's metadata: JSON Pointer to the column's values in the record.
pub const PATH_KEY: &str = "transmog.path";

/// Key of a field's metadata: the start of 1970 as the times of the column were written, where not
/// as microseconds are.
pub const FORM_KEY: &str = "transmog.form";

/// Key of a field's metadata: `json`, where its text is JSON.
pub const TYPE_KEY: &str = "transmog.type";

/// Key of the file's metadata: name, path and parent of the table, as JSON.
pub const TABLE_KEY: &str = "transmog.table";

/// Returns the Arrow type of a column type.
pub fn data_type(column_type: &ColumnType) -> DataType {
    match column_type {
        ColumnType::Bool => DataType::Boolean,
        ColumnType::Int64 => DataType::Int64,
        ColumnType::Decimal { precision, scale } => DataType::Decimal128(*precision, *scale as i8),
        ColumnType::Double => DataType::Float64,
        ColumnType::Date => DataType::Date32,
        ColumnType::Timestamp { utc, .. } => {
            DataType::Timestamp(TimeUnit::Microsecond, utc.then(|| "UTC".into()))
        }
        ColumnType::Text | ColumnType::Json => DataType::Utf8,
        ColumnType::List(element) => DataType::List(Arc::new(element_field(element))),
    }
}

fn element_field(element: &ColumnType) -> Field {
    Field::new("element", data_type(element), true).with_metadata(form_metadata(element))
}

/// Returns what lets values of a type be written as they were.
fn form_metadata(column_type: &ColumnType) -> HashMap<String, String> {
    let entry = match column_type {
        ColumnType::Timestamp { form: Some(form), .. } if !form.is_of_micros() => {
            Some((FORM_KEY.to_owned(), form.print(0)))
        }
        ColumnType::Json => Some((TYPE_KEY.to_owned(), "json".to_owned())),
        _ => None,
    };
    entry.into_iter().collect()
}

/// Returns the Arrow field of a column, with its path.
pub fn field(column: &LayoutColumn) -> Field {
    let mut metadata = form_metadata(&column.column_type);
    metadata.extend(column.path.as_ref().map(|path| (PATH_KEY.to_owned(), path.clone())));
    Field::new(&column.name, data_type(&column.column_type), true).with_metadata(metadata)
}

/// Returns the Arrow schema of a table, with its name and paths.
pub fn schema(layout: &Layout) -> Schema {
    let fields: Fields = layout.columns.iter().map(field).collect();
    let metadata = HashMap::from([(TABLE_KEY.to_owned(), table_json(layout))]);
    Schema::new_with_metadata(fields, metadata)
}

/// Returns what the file's metadata says of its table.
pub fn table_json(layout: &Layout) -> String {
    let text = |text: &str| serde_json::Value::from(text).to_string();
    let parent = layout.parent.as_deref().map_or("null".to_owned(), text);
    format!(r#"{{"name":{},"path":{},"parent":{parent}}}"#, text(&layout.table), text(&layout.path))
}

/// Builds the array of a column of `rows` rows as `column_type`; nothing gives all nulls.
///
/// - Errors: `Internal` where the column holds what its type cannot; the schema rules that out.
pub fn to_array(
    column: Option<Column>,
    rows: usize,
    column_type: &ColumnType,
) -> Result<ArrayRef, Error> {
    let Some(column) = column else {
        return Ok(new_null_array(&data_type(column_type), rows));
    };
    let presence = column.presence();
    let nulls = nulls(presence, rows);
    Ok(match column_type {
        ColumnType::Bool => {
            let values = spread(bools(&column)?, presence, rows);
            Arc::new(BooleanArray::new(BooleanBuffer::from(&values[..]), nulls))
        }
        ColumnType::Int64 => {
            let values = spread(ints(&column)?, presence, rows);
            Arc::new(Int64Array::new(values.into(), nulls))
        }
        ColumnType::Decimal { precision, scale } => {
            let values = spread(Cow::Owned(decimals(&column, *scale)?), presence, rows);
            let array = Decimal128Array::new(values.into(), nulls);
            Arc::new(
                array
                    .with_precision_and_scale(*precision, *scale as i8)
                    .map_err(|cause| internal("a decimal").with_source(cause))?,
            )
        }
        ColumnType::Double => {
            let values = spread(doubles(&column)?, presence, rows);
            Arc::new(Float64Array::new(values.into(), nulls))
        }
        ColumnType::Date => {
            let values = spread(Cow::Owned(dates(&column)?), presence, rows);
            Arc::new(Date32Array::new(values.into(), nulls))
        }
        ColumnType::Timestamp { utc, .. } => {
            let values = spread(instants(&column)?, presence, rows);
            let array = TimestampMicrosecondArray::new(values.into(), nulls);
            Arc::new(array.with_timezone_opt(utc.then_some("UTC")))
        }
        ColumnType::Text | ColumnType::Json => strings(&column, rows, nulls)?,
        ColumnType::List(element) => lists(column, rows, nulls, element)?,
    })
}

pub(super) fn internal(what: &str) -> Error {
    Error::new(ErrorKind::Internal, format!("a column of another type holds {what}"))
}

fn nulls(presence: &Presence, rows: usize) -> Option<NullBuffer> {
    let words = presence.to_bits(rows)?;
    Some(NullBuffer::new(BooleanBuffer::new(Buffer::from_vec(words), 0, rows)))
}

/// Puts dense values at the rows they belong to.
fn spread<T: Copy + Default>(values: Cow<'_, [T]>, presence: &Presence, rows: usize) -> Vec<T> {
    if presence.is_full(rows) {
        return values.into_owned();
    }
    let mut out = vec![T::default(); rows];
    let mut next = 0;
    presence.for_each(|row| {
        out[row] = values[next];
        next += 1;
    });
    out
}

/// Returns the values of a column of booleans, without its nulls.
pub(super) fn bools(column: &Column) -> Result<Cow<'_, [bool]>, Error> {
    match column.values() {
        Values::None => Ok(Cow::Borrowed(&[])),
        Values::Bool(values) => Ok(Cow::Borrowed(values)),
        _ => Err(internal("booleans")),
    }
}

/// Returns the values of a column of integers, without its nulls.
pub(super) fn ints(column: &Column) -> Result<Cow<'_, [i64]>, Error> {
    match column.values() {
        Values::None => Ok(Cow::Borrowed(&[])),
        Values::Int(values) => Ok(Cow::Borrowed(values)),
        Values::Rows(numbers) => Ok(Cow::Owned(numbers.first(numbers.len()))),
        // With marks, or kept as text until the final type was known.
        Values::Text(texts) => {
            let marks = column.kinds().marks;
            parse_all(texts, |text| marks.plain(text).parse().ok(), "integers").map(Cow::Owned)
        }
        _ => Err(internal("integers")),
    }
}

/// Returns the values of a column of doubles, without its nulls.
pub(super) fn doubles(column: &Column) -> Result<Cow<'_, [f64]>, Error> {
    match column.values() {
        Values::None => Ok(Cow::Borrowed(&[])),
        Values::Int(values) => Ok(values.iter().map(|&value| value as f64).collect()),
        Values::Float(floats) => Ok(Cow::Borrowed(&floats.values)),
        // A row group whose doubles were kept as text until the final type was known.
        Values::Text(texts) => {
            let marks = column.kinds().marks;
            parse_all(texts, |text| marks.plain(text).parse().ok(), "doubles").map(Cow::Owned)
        }
        _ => Err(internal("doubles")),
    }
}

/// Returns the values of a column of decimals as multiples of their last digit, without its nulls.
pub(super) fn decimals(column: &Column, scale: u8) -> Result<Vec<i128>, Error> {
    let factor = 10i128.pow(scale.into());
    let scaled = |value: i128| value.checked_mul(factor).ok_or_else(|| internal("decimals"));
    match column.values() {
        Values::None => Ok(Vec::new()),
        Values::Int(values) => values.iter().map(|&value| scaled(value.into())).collect(),
        Values::Big(values) => values.iter().map(|&value| scaled(value)).collect(),
        Values::Text(texts) => {
            let marks = column.kinds().marks;
            let scaled = |text: &str| DecimalDigits::parse(&marks.plain(text)).scaled(scale);
            parse_all(texts, scaled, "decimals")
        }
        _ => Err(internal("decimals")),
    }
}

/// Returns the values of a column of dates as days since 1970, without its nulls.
pub(super) fn dates(column: &Column) -> Result<Vec<i32>, Error> {
    Ok(instants(column)?.iter().map(|&days| days as i32).collect())
}

/// Returns the values of a column of dates or times, without its nulls: days or microseconds.
pub(super) fn instants(column: &Column) -> Result<Cow<'_, [i64]>, Error> {
    match column.values() {
        Values::None => Ok(Cow::Borrowed(&[])),
        Values::Instant(_, values) => Ok(Cow::Borrowed(values)),
        Values::Text(texts) => (0..texts.len())
            .map(|index| form::parse_bytes(texts.get(index)).map(|(_, value)| value))
            .map(|value| value.ok_or_else(|| internal("dates")))
            .collect(),
        _ => Err(internal("dates")),
    }
}

fn parse_all<T>(
    texts: &Texts,
    parse: impl Fn(&str) -> Option<T>,
    what: &str,
) -> Result<Vec<T>, Error> {
    (0..texts.len())
        .map(|index| std::str::from_utf8(texts.get(index)).ok().and_then(&parse))
        .map(|value| value.ok_or_else(|| internal(what)))
        .collect()
}

/// Returns the values of a column of text, without its nulls.
pub(super) fn texts(column: &Column) -> Result<Cow<'_, Texts>, Error> {
    match column.values() {
        Values::Text(texts) => Ok(Cow::Borrowed(texts)),
        Values::List(_) => Err(internal("text")),
        other => Ok(Cow::Owned(other.spelled())),
    }
}

fn strings(column: &Column, rows: usize, nulls: Option<NullBuffer>) -> Result<ArrayRef, Error> {
    let texts = texts(column)?;
    let offsets = if column.presence().is_full(rows) {
        texts.offsets.clone()
    } else {
        let mut offsets = Vec::with_capacity(rows + 1);
        offsets.push(0);
        let mut next = 0;
        column.presence().for_each(|row| {
            offsets.resize(row + 1, texts.offsets[next]);
            next += 1;
            offsets.push(texts.offsets[next]);
        });
        offsets.resize(rows + 1, texts.offsets[next]);
        offsets
    };
    let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
    let array = StringArray::try_new(offsets, Buffer::from_vec(texts.into_owned().bytes), nulls);
    Ok(Arc::new(array.map_err(|cause| internal("text").with_source(cause))?))
}

fn lists(
    column: Column,
    rows: usize,
    nulls: Option<NullBuffer>,
    element: &ColumnType,
) -> Result<ArrayRef, Error> {
    let lists = match column.values() {
        Values::List(lists) => lists,
        Values::None => {
            return Ok(new_null_array(&data_type(&ColumnType::List(element.clone().into())), rows));
        }
        _ => return Err(internal("lists")),
    };
    let mut offsets = Vec::with_capacity(rows + 1);
    offsets.push(0);
    let (mut next, mut end) = (0, 0);
    column.presence().for_each(|row| {
        offsets.resize(row + 1, end);
        end = lists.ends[next] as i32;
        next += 1;
        offsets.push(end);
    });
    offsets.resize(rows + 1, end);
    let elements = to_array(Some(lists.elements.clone()), end as usize, element)?;
    let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
    let array = ListArray::try_new(Arc::new(element_field(element)), offsets, elements, nulls)
        .map_err(|cause| internal("lists").with_source(cause))?;
    debug_assert_eq!(array.len(), rows);
    Ok(Arc::new(array))
}

/// Returns the column that an array was built from as `column_type`, with values as they were pushed.
///
/// - Errors: `Internal` where it is an array of another type.
pub(super) fn to_column(array: &dyn Array, column_type: &ColumnType) -> Result<Column, Error> {
    let mut column = Column::default();
    match column_type {
        ColumnType::List(element) => {
            let lists = array.as_list_opt::<i32>().ok_or_else(|| internal("an array"))?;
            for row in valid(lists) {
                let elements = lists.value(row);
                column.begin_list(row);
                let into = column.lists();
                let start = into.ends.last().copied().unwrap_or(0) as usize;
                push_all(&mut into.elements, start, elements.as_ref(), element)?;
                column.end_list(elements.len() as u32);
            }
        }
        column_type => push_all(&mut column, 0, array, column_type)?,
    }
    Ok(column)
}

fn valid(array: &dyn Array) -> impl Iterator<Item = usize> {
    let nulls = array.nulls().cloned();
    (0..array.len()).filter(move |&row| nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row)))
}

/// Pushes the values of an array at its rows, from `start` on.
fn push_all(
    column: &mut Column,
    start: usize,
    array: &dyn Array,
    column_type: &ColumnType,
) -> Result<(), Error> {
    macro_rules! each {
        ($array:expr, $push:expr) => {{
            let values = $array.ok_or_else(|| internal("an array"))?;
            let mut push = $push;
            valid(array).for_each(|row| push(start + row, values.value(row)));
        }};
    }
    match column_type {
        ColumnType::Bool => {
            each!(array.as_boolean_opt(), |row, value| column.push_bool(row, value));
        }
        ColumnType::Int64 => {
            each!(array.as_primitive_opt::<Int64Type>(), |row, value| column.push_int(row, value));
        }
        ColumnType::Double => each!(array.as_primitive_opt::<Float64Type>(), |row, value| {
            column.push_number(row, Number::Float { value, exact: true }, "");
        }),
        ColumnType::Decimal { scale, .. } => {
            each!(array.as_primitive_opt::<Decimal128Type>(), |row, value| {
                push_decimal(column, row, value, *scale);
            });
        }
        ColumnType::Date => each!(array.as_primitive_opt::<Date32Type>(), |row, days: i32| {
            push_day(column, row, days.into());
        }),
        ColumnType::Timestamp { utc, form } => {
            each!(array.as_primitive_opt::<TimestampMicrosecondType>(), |row, micros| {
                push_instant(column, row, micros, *utc, *form);
            });
        }
        ColumnType::Text | ColumnType::Json => {
            each!(array.as_string_opt::<i32>(), |row, text: &str| {
                column.push_text(row, text.as_bytes());
            });
        }
        ColumnType::List(_) => return Err(internal("lists of lists")),
    }
    Ok(())
}

/// Pushes a date as it was written.
pub(super) fn push_day(column: &mut Column, row: usize, days: i64) {
    column.push_text(row, Form::Date.print(days).as_bytes());
}

/// Pushes a time as it was written.
pub(super) fn push_instant(
    column: &mut Column,
    row: usize,
    micros: i64,
    utc: bool,
    form: Option<Form>,
) {
    let form = form.unwrap_or_else(|| default_form(utc));
    column.push_text(row, form.print(micros).as_bytes());
}

/// Pushes a decimal as what it was before its row group was written: an integer has no fraction.
pub(super) fn push_decimal(column: &mut Column, row: usize, value: i128, scale: u8) {
    let unit = 10i128.pow(scale.into());
    if value % unit == 0 {
        column.push_number(row, Number::Big(value / unit), "");
    } else {
        let mut text = Vec::new();
        decimal_text(value, scale, &mut text);
        column.push_text(row, &text);
    }
}

/// The form of timestamps that did not share one: with microseconds.
fn default_form(utc: bool) -> Form {
    let text = if utc { "1970-01-01T00:00:00.000000Z" } else { "1970-01-01T00:00:00.000000" };
    form::parse(text).map_or(Form::Date, |(form, _)| form)
}
