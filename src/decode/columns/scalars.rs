//! Scalars of a column: their type is looked at once, not for each value.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Date64Type, Decimal32Type, Decimal64Type, Decimal128Type,
    Decimal256Type, DurationMicrosecondType, DurationMillisecondType, DurationNanosecondType,
    DurationSecondType, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, IntervalDayTimeType, IntervalMonthDayNanoType, IntervalYearMonthType,
    RunEndIndexType, Time32MillisecondType, Time32SecondType, Time64MicrosecondType,
    Time64NanosecondType, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, RunArray};
use arrow_buffer::{NullBuffer, i256};
use arrow_schema::extension::{EXTENSION_TYPE_NAME_KEY, ExtensionType as _, Json, Uuid};
use arrow_schema::{DataType, Field, IntervalUnit, TimeUnit};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::times;
use crate::encode::arrow::{FORM_KEY, TYPE_KEY};
use crate::flatten::{Typed, TypedKind, double_of};
use crate::table::scalar::decimal_text;
use crate::table::{Column, Excerpt, Form, form};

/// What users should know of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Remark {
    /// It is binary, and written as base64.
    Binary,
    /// It is NaN or infinite, and written as text.
    NotFinite,
}

/// Scalars of one type.
pub(super) enum Scalars<'a> {
    Null,
    Bool(&'a arrow_array::BooleanArray),
    Int(Ints<'a>),
    Wide(&'a [u64]),
    Float(Floats<'a>),
    Decimal(Decimals<'a>, i8),
    Text(Texts<'a>),
    Json(Texts<'a>),
    Binary(Bytes<'a>),
    Uuid(&'a arrow_array::FixedSizeBinaryArray),
    Day(&'a [i32]),
    /// Milliseconds that should be whole days.
    DayMillis(&'a [i64]),
    /// In their unit, in UTC or not, and the form that they were written in before, if it is known.
    Timestamp(&'a [i64], TimeUnit, bool, Option<Form>),
    Time(Ints<'a>, TimeUnit),
    Duration(&'a [i64], TimeUnit),
    Interval(&'a ArrayRef, IntervalUnit),
}

/// Integers of one width.
pub(super) enum Ints<'a> {
    I8(&'a [i8]),
    I16(&'a [i16]),
    I32(&'a [i32]),
    I64(&'a [i64]),
    U8(&'a [u8]),
    U16(&'a [u16]),
    U32(&'a [u32]),
}

/// Doubles, or what is one exactly.
pub(super) enum Floats<'a> {
    F16(&'a arrow_array::Float16Array),
    F32(&'a [f32]),
    F64(&'a [f64]),
}

/// Decimals of one width.
pub(super) enum Decimals<'a> {
    D32(&'a [i32]),
    D64(&'a [i64]),
    D128(&'a [i128]),
    D256(&'a [i256]),
}

/// Texts in one of their layouts.
pub(super) enum Texts<'a> {
    Small(&'a arrow_array::StringArray),
    Large(&'a arrow_array::LargeStringArray),
    View(&'a arrow_array::StringViewArray),
}

/// Binary values in one of their layouts.
pub(super) enum Bytes<'a> {
    Small(&'a arrow_array::BinaryArray),
    Large(&'a arrow_array::LargeBinaryArray),
    View(&'a arrow_array::BinaryViewArray),
    Fixed(&'a arrow_array::FixedSizeBinaryArray),
}

impl Ints<'_> {
    #[inline]
    fn get(&self, index: usize) -> i64 {
        match self {
            Ints::I8(values) => values[index].into(),
            Ints::I16(values) => values[index].into(),
            Ints::I32(values) => values[index].into(),
            Ints::I64(values) => values[index],
            Ints::U8(values) => values[index].into(),
            Ints::U16(values) => values[index].into(),
            Ints::U32(values) => values[index].into(),
        }
    }
}

impl Floats<'_> {
    #[inline]
    fn get(&self, index: usize) -> f64 {
        match self {
            Floats::F16(values) => values.value(index).to_f64(),
            Floats::F32(values) => values[index].into(),
            Floats::F64(values) => values[index],
        }
    }
}

impl Texts<'_> {
    #[inline]
    fn get(&self, index: usize) -> &str {
        match self {
            Texts::Small(values) => values.value(index),
            Texts::Large(values) => values.value(index),
            Texts::View(values) => values.value(index),
        }
    }
}

impl Bytes<'_> {
    fn get(&self, index: usize) -> &[u8] {
        match self {
            Bytes::Small(values) => values.value(index),
            Bytes::Large(values) => values.value(index),
            Bytes::View(values) => values.value(index),
            Bytes::Fixed(values) => values.value(index),
        }
    }
}

fn values<T: ArrowPrimitiveType>(array: &ArrayRef) -> &[T::Native] {
    array.as_primitive::<T>().values()
}

impl<'a> Scalars<'a> {
    /// Looks at the type of a column that is neither nested nor packed.
    pub(super) fn new(field: &Field, array: &'a ArrayRef) -> Scalars<'a> {
        let extension = field.metadata().get(EXTENSION_TYPE_NAME_KEY).map(String::as_str);
        let own = field.metadata().get(TYPE_KEY).map(String::as_str);
        let texts = |texts| match (extension, own) {
            (Some(Json::NAME), _) | (_, Some("json")) => Scalars::Json(texts),
            _ => Scalars::Text(texts),
        };
        match array.data_type() {
            DataType::Boolean => Scalars::Bool(array.as_boolean()),
            DataType::Int8 => Scalars::Int(Ints::I8(values::<Int8Type>(array))),
            DataType::Int16 => Scalars::Int(Ints::I16(values::<Int16Type>(array))),
            DataType::Int32 => Scalars::Int(Ints::I32(values::<Int32Type>(array))),
            DataType::Int64 => Scalars::Int(Ints::I64(values::<Int64Type>(array))),
            DataType::UInt8 => Scalars::Int(Ints::U8(values::<UInt8Type>(array))),
            DataType::UInt16 => Scalars::Int(Ints::U16(values::<UInt16Type>(array))),
            DataType::UInt32 => Scalars::Int(Ints::U32(values::<UInt32Type>(array))),
            DataType::UInt64 => Scalars::Wide(values::<UInt64Type>(array)),
            DataType::Float16 => Scalars::Float(Floats::F16(array.as_primitive::<Float16Type>())),
            DataType::Float32 => Scalars::Float(Floats::F32(values::<Float32Type>(array))),
            DataType::Float64 => Scalars::Float(Floats::F64(values::<Float64Type>(array))),
            DataType::Decimal32(_, scale) => {
                Scalars::Decimal(Decimals::D32(values::<Decimal32Type>(array)), *scale)
            }
            DataType::Decimal64(_, scale) => {
                Scalars::Decimal(Decimals::D64(values::<Decimal64Type>(array)), *scale)
            }
            DataType::Decimal128(_, scale) => {
                Scalars::Decimal(Decimals::D128(values::<Decimal128Type>(array)), *scale)
            }
            DataType::Decimal256(_, scale) => {
                Scalars::Decimal(Decimals::D256(values::<Decimal256Type>(array)), *scale)
            }
            DataType::Utf8 => texts(Texts::Small(array.as_string())),
            DataType::LargeUtf8 => texts(Texts::Large(array.as_string())),
            DataType::Utf8View => texts(Texts::View(array.as_string_view())),
            DataType::Binary => Scalars::Binary(Bytes::Small(array.as_binary())),
            DataType::LargeBinary => Scalars::Binary(Bytes::Large(array.as_binary())),
            DataType::BinaryView => Scalars::Binary(Bytes::View(array.as_binary_view())),
            DataType::FixedSizeBinary(16) if extension == Some(Uuid::NAME) => {
                Scalars::Uuid(array.as_fixed_size_binary())
            }
            DataType::FixedSizeBinary(_) => {
                Scalars::Binary(Bytes::Fixed(array.as_fixed_size_binary()))
            }
            DataType::Date32 => Scalars::Day(values::<Date32Type>(array)),
            DataType::Date64 => Scalars::DayMillis(values::<Date64Type>(array)),
            DataType::Timestamp(unit, zone) => {
                let instants = match unit {
                    TimeUnit::Second => values::<TimestampSecondType>(array),
                    TimeUnit::Millisecond => values::<TimestampMillisecondType>(array),
                    TimeUnit::Microsecond => values::<TimestampMicrosecondType>(array),
                    TimeUnit::Nanosecond => values::<TimestampNanosecondType>(array),
                };
                let form = field.metadata().get(FORM_KEY).and_then(|text| form::parse(text));
                let form = form.map(|(form, _)| form).filter(|form| {
                    *unit == TimeUnit::Microsecond && form.is_utc() == Some(zone.is_some())
                });
                Scalars::Timestamp(instants, *unit, zone.is_some(), form)
            }
            DataType::Time32(unit) => {
                let times = match unit {
                    TimeUnit::Second => values::<Time32SecondType>(array),
                    _ => values::<Time32MillisecondType>(array),
                };
                Scalars::Time(Ints::I32(times), *unit)
            }
            DataType::Time64(unit) => {
                let times = match unit {
                    TimeUnit::Microsecond => values::<Time64MicrosecondType>(array),
                    _ => values::<Time64NanosecondType>(array),
                };
                Scalars::Time(Ints::I64(times), *unit)
            }
            DataType::Duration(unit) => {
                let durations = match unit {
                    TimeUnit::Second => values::<DurationSecondType>(array),
                    TimeUnit::Millisecond => values::<DurationMillisecondType>(array),
                    TimeUnit::Microsecond => values::<DurationMicrosecondType>(array),
                    TimeUnit::Nanosecond => values::<DurationNanosecondType>(array),
                };
                Scalars::Duration(durations, *unit)
            }
            DataType::Interval(unit) => Scalars::Interval(array, *unit),
            // Unions are refused before; what is nested or packed does not come here.
            _ => Scalars::Null,
        }
    }

    /// Returns whether texts are JSON.
    pub(super) fn is_json(&self) -> bool {
        matches!(self, Scalars::Json(_))
    }

    /// Returns what the column holds.
    pub(super) fn kind(&self) -> TypedKind {
        match self {
            Scalars::Null => TypedKind::Any,
            Scalars::Bool(_) => TypedKind::Bool,
            Scalars::Int(_) | Scalars::Wide(_) => TypedKind::Int,
            Scalars::Decimal(_, scale) if *scale <= 0 => TypedKind::Int,
            Scalars::Float(_) | Scalars::Decimal(..) => TypedKind::Float,
            Scalars::Day(_) | Scalars::DayMillis(_) => TypedKind::Instant(Form::Date),
            Scalars::Timestamp(_, unit, is_utc, form) => {
                TypedKind::Instant(form.unwrap_or_else(|| times::form_of(*unit, *is_utc)))
            }
            Scalars::Text(_)
            | Scalars::Json(_)
            | Scalars::Binary(_)
            | Scalars::Uuid(_)
            | Scalars::Time(..)
            | Scalars::Duration(..)
            | Scalars::Interval(..) => TypedKind::Text,
        }
    }

    /// Returns whether all values go to a column as they come, and nothing is to be said of any.
    pub(super) fn are_plain(&self) -> bool {
        match self {
            Scalars::Null
            | Scalars::Bool(_)
            | Scalars::Int(_)
            | Scalars::Text(_)
            | Scalars::Uuid(_)
            | Scalars::Day(_)
            | Scalars::DayMillis(_)
            | Scalars::Timestamp(..)
            | Scalars::Time(..) => true,
            Scalars::Float(Floats::F64(values)) => values.iter().all(|value| value.is_finite()),
            Scalars::Float(Floats::F32(values)) => values.iter().all(|value| value.is_finite()),
            Scalars::Decimal(Decimals::D128(values), scale) => {
                let is_short = |value: &i128| value.unsigned_abs() < SHORT_BELOW.into();
                short_scale(*scale).is_some() && values.iter().all(is_short)
            }
            _ => false,
        }
    }

    /// Returns the bytes that a value counts towards a row group.
    #[inline]
    pub(super) fn bytes(&self, index: usize) -> u32 {
        match self {
            Scalars::Null => 0,
            Scalars::Int(_) | Scalars::Float(_) => Typed::Int(0).bytes(),
            Scalars::Text(texts) => Typed::Text(texts.get(index)).bytes(),
            _ => self.with(index, |value, _| value.bytes()),
        }
    }

    /// Calls `take` with the text of a value that is one.
    pub(super) fn with_text<T>(&self, index: usize, take: impl FnOnce(&str) -> T) -> T {
        match self {
            Scalars::Text(texts) | Scalars::Json(texts) => take(texts.get(index)),
            _ => take(""),
        }
    }

    /// Calls `take` with a value, and what is to be said of it.
    #[inline]
    pub(super) fn with<T>(
        &self,
        index: usize,
        take: impl FnOnce(Typed<'_>, Option<Remark>) -> T,
    ) -> T {
        match self {
            Scalars::Null => take(Typed::Null, None),
            Scalars::Bool(values) => take(Typed::Bool(values.value(index)), None),
            Scalars::Int(values) => take(Typed::Int(values.get(index)), None),
            Scalars::Wide(values) => match i64::try_from(values[index]) {
                Ok(value) => take(Typed::Int(value), None),
                Err(_) => take(Typed::Number(itoa::Buffer::new().format(values[index])), None),
            },
            Scalars::Float(values) => match values.get(index) {
                value if value.is_finite() => take(Typed::Float(value), None),
                value => {
                    let text = match value {
                        value if value.is_nan() => "NaN",
                        f64::INFINITY => "inf",
                        _ => "-inf",
                    };
                    take(Typed::Text(text), Some(Remark::NotFinite))
                }
            },
            Scalars::Decimal(values, scale) => {
                values.with(index, *scale, |value| take(value, None))
            }
            Scalars::Text(texts) | Scalars::Json(texts) => {
                take(Typed::Text(texts.get(index)), None)
            }
            Scalars::Binary(bytes) => {
                let text = STANDARD.encode(bytes.get(index));
                take(Typed::Text(&text), Some(Remark::Binary))
            }
            Scalars::Uuid(values) => {
                let mut text = [0; uuid::fmt::Hyphenated::LENGTH];
                let id = uuid::Uuid::from_slice(values.value(index)).unwrap_or_default();
                take(Typed::Text(id.hyphenated().encode_lower(&mut text)), None)
            }
            Scalars::Day(values) => times::with_day(values[index].into(), |day| take(day, None)),
            Scalars::DayMillis(values) => match times::whole_days(values[index]) {
                Some(days) => times::with_day(days, |day| take(day, None)),
                None => {
                    let unit = TimeUnit::Millisecond;
                    times::with_timestamp(values[index], unit, false, |time| take(time, None))
                }
            },
            Scalars::Timestamp(values, unit, is_utc, form) => {
                times::with_timestamp(values[index], *unit, *is_utc, |time| match (time, form) {
                    (Typed::Instant(_, micros), Some(form)) if form.holds(micros) => {
                        take(Typed::Instant(*form, micros), None)
                    }
                    (time, _) => take(time, None),
                })
            }
            other => {
                let mut text = String::new();
                other.push_text(index, &mut text);
                take(Typed::Text(&text), None)
            }
        }
    }

    /// Appends the text of a value that has no other form.
    fn push_text(&self, index: usize, out: &mut String) {
        match self {
            Scalars::Time(values, unit) => {
                let (per_second, digits) = times::per_second(*unit);
                times::push_time(values.get(index), per_second, digits, out);
            }
            Scalars::Duration(values, unit) => times::push_duration(values[index], *unit, out),
            Scalars::Interval(array, unit) => {
                let parts = match unit {
                    IntervalUnit::YearMonth => {
                        (values::<IntervalYearMonthType>(array)[index], 0, 0)
                    }
                    IntervalUnit::DayTime => {
                        let value = values::<IntervalDayTimeType>(array)[index];
                        (0, value.days, i64::from(value.milliseconds) * 1_000_000)
                    }
                    IntervalUnit::MonthDayNano => {
                        let value = values::<IntervalMonthDayNanoType>(array)[index];
                        (value.months, value.days, value.nanoseconds)
                    }
                };
                times::push_interval(*unit, parts, out);
            }
            _ => {}
        }
    }

    /// Pushes the values of some rows, of which the first is row `first` of the table.
    pub(super) fn push_all(
        &self,
        nulls: Option<&NullBuffer>,
        column: &mut Column,
        first: usize,
        kept: &[u32],
    ) {
        let rows = kept.iter().enumerate().map(|(row, &index)| (first + row, index as usize));
        let rows = rows.filter(|(_, index)| nulls.is_none_or(|nulls| nulls.is_valid(*index)));
        match self {
            Scalars::Int(Ints::I64(values)) => {
                rows.for_each(|(row, index)| column.push_int(row, values[index]));
            }
            Scalars::Int(Ints::I32(values)) => {
                rows.for_each(|(row, index)| column.push_int(row, values[index].into()));
            }
            Scalars::Int(values) => {
                rows.for_each(|(row, index)| column.push_int(row, values.get(index)));
            }
            Scalars::Float(Floats::F64(values)) => {
                rows.for_each(|(row, index)| column.push_float(row, values[index]));
            }
            Scalars::Float(values) => {
                rows.for_each(|(row, index)| column.push_float(row, values.get(index)));
            }
            Scalars::Bool(values) => {
                rows.for_each(|(row, index)| column.push_bool(row, values.value(index)));
            }
            Scalars::Text(Texts::Small(values)) => {
                rows.for_each(|(row, index)| {
                    column.push_plain(row, Excerpt::whole(values.value(index)));
                });
            }
            _ => rows.for_each(|(row, index)| {
                self.with(index, |value, _| match value {
                    Typed::Instant(form, value) => column.push_instant(row, form, value),
                    Typed::Text(text) => column.push_plain(row, Excerpt::whole(text)),
                    Typed::Int(value) => column.push_int(row, value),
                    Typed::Float(value) => column.push_float(row, value),
                    Typed::Bool(value) => column.push_bool(row, value),
                    Typed::Decimal(value, scale) => {
                        column.push_float(row, double_of(value, scale));
                    }
                    Typed::Null | Typed::Number(_) => {}
                });
            }),
        }
    }
}

impl Decimals<'_> {
    /// Calls `take` with a decimal as JSON would have it.
    fn with<T>(&self, index: usize, scale: i8, take: impl FnOnce(Typed<'_>) -> T) -> T {
        let value = match self {
            Decimals::D32(values) => values[index].into(),
            Decimals::D64(values) => values[index].into(),
            Decimals::D128(values) => values[index],
            Decimals::D256(values) => match values[index].to_i128() {
                Some(value) => value,
                None => return take(Typed::Number(&wide_text(values[index], scale))),
            },
        };
        if scale == 0
            && let Ok(value) = i64::try_from(value)
        {
            return take(Typed::Int(value));
        }
        if let (Ok(value), Some(scale)) = (i64::try_from(value), short_scale(scale))
            && value.unsigned_abs() < SHORT_BELOW
        {
            return take(Typed::Decimal(value, scale));
        }
        let mut text = Vec::new();
        match u8::try_from(scale) {
            Ok(scale) => decimal_text(value, scale, &mut text),
            Err(_) => {
                text.extend_from_slice(value.to_string().as_bytes());
                push_zeros(value == 0, scale, &mut text);
            }
        }
        take(Typed::Number(std::str::from_utf8(&text).expect("digits are ASCII")))
    }
}

/// Decimals below have no more digits than every double gives back.
const SHORT_BELOW: u64 = 1_000_000_000_000_000;

/// Returns a scale whose power of ten is exact as a double.
fn short_scale(scale: i8) -> Option<u8> {
    u8::try_from(scale).ok().filter(|scale| (1..=22).contains(scale))
}

fn push_zeros(is_zero: bool, scale: i8, text: &mut Vec<u8>) {
    let zeros = if is_zero { 0 } else { usize::from(scale.unsigned_abs()) };
    text.extend(std::iter::repeat_n(b'0', zeros));
}

/// Returns the text of a decimal of more than 38 digits.
fn wide_text(value: i256, scale: i8) -> String {
    let mut text = value.to_string();
    match usize::try_from(scale) {
        Ok(0) => {}
        Ok(scale) => {
            let sign = usize::from(text.starts_with('-'));
            let digits = text.len() - sign;
            if digits <= scale {
                text.insert_str(sign, &"0".repeat(scale + 1 - digits));
            }
            text.insert(text.len() - scale, '.');
        }
        Err(_) => text.extend(std::iter::repeat_n('0', usize::from(scale.unsigned_abs()))),
    }
    text
}

/// Returns where each value of a run-end encoded column stands among its values, and those.
pub(super) fn runs(array: &ArrayRef) -> (Vec<usize>, &ArrayRef) {
    fn of<R: RunEndIndexType>(array: &RunArray<R>) -> (Vec<usize>, &ArrayRef) {
        let places = (0..array.len()).map(|index| array.get_physical_index(index));
        (places.collect(), array.values())
    }
    let any = array.as_any();
    if let Some(array) = any.downcast_ref::<RunArray<Int16Type>>() {
        of(array)
    } else if let Some(array) = any.downcast_ref::<RunArray<Int32Type>>() {
        of(array)
    } else if let Some(array) = any.downcast_ref::<RunArray<Int64Type>>() {
        of(array)
    } else {
        unreachable!("run ends have 16, 32 or 64 bits")
    }
}
