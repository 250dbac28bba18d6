//! Scalars: the type of those in a column, and whether a cell is the value of one.

use std::collections::BTreeSet;
use std::fmt;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Float64Type, Int64Type, TimestampMicrosecondType,
};
use arrow_array::{Array, ArrayRef};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::flattener::{Cell, Options, Tree};

/// A scalar; numbers as they are written.
#[derive(Debug, Clone, PartialEq)]
pub enum Leaf {
    Bool(bool),
    Number(String),
    Text(String),
}

/// What a scalar is, as far as types go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Bool,
    /// An integer that a double holds.
    Int,
    /// Another integer of 64 bits.
    WideInt,
    /// Another integer of up to 38 digits.
    BigInt,
    Float,
    /// A number that has no type but text.
    Spelled,
    Text,
}

fn is_int(number: &str) -> bool {
    !number.contains(['.', 'e', 'E'])
}

fn kind_of(leaf: &Leaf, options: &Options) -> Kind {
    let number = match leaf {
        _ if options.all_text => return Kind::Text,
        Leaf::Bool(_) => return Kind::Bool,
        Leaf::Text(_) => return Kind::Text,
        Leaf::Number(number) => number,
    };
    if !is_int(number) {
        let value: f64 = number.parse().unwrap();
        let is_kept = value.is_finite() && !options.number_text;
        return if is_kept { Kind::Float } else { Kind::Spelled };
    }
    let digits = number.trim_start_matches('-').len();
    match number.parse::<i128>() {
        Ok(value) if value.unsigned_abs() <= 1 << 53 => Kind::Int,
        Ok(value) if i64::try_from(value).is_ok() => Kind::WideInt,
        Ok(_) if digits <= 38 => Kind::BigInt,
        _ => Kind::Spelled,
    }
}

/// Returns the narrowest type that holds all these values.
pub fn type_of(leaves: &[&Leaf], options: &Options) -> String {
    let kinds: BTreeSet<Kind> = leaves.iter().map(|leaf| kind_of(leaf, options)).collect();
    let only = |some: &[Kind]| kinds.iter().all(|kind| some.contains(kind));
    let name = if leaves.is_empty() {
        "text"
    } else if only(&[Kind::Bool]) {
        "bool"
    } else if only(&[Kind::Int, Kind::WideInt]) {
        "int64"
    } else if only(&[Kind::Int, Kind::WideInt, Kind::BigInt]) {
        "decimal(38,0)"
    } else if only(&[Kind::Int, Kind::Float]) {
        "double"
    } else if only(&[Kind::Text]) && options.dates && !options.all_text {
        time_type(leaves)
    } else {
        "text"
    };
    name.to_owned()
}

/// Returns the type of strings.
fn time_type(leaves: &[&Leaf]) -> &'static str {
    let read = |leaf: &&Leaf| match leaf {
        Leaf::Text(text) => read_time(text).map(|(form, _)| form),
        _ => None,
    };
    let forms: BTreeSet<Option<String>> = leaves.iter().map(read).collect();
    match forms.first() {
        Some(Some(form)) if forms.len() == 1 => match form.as_str() {
            "date" => "date",
            form if form.ends_with("local") => "timestamp",
            _ => "timestamptz",
        },
        _ => "text",
    }
}

/// Reads a date as days, a time as microseconds, and says in which form it is written.
pub fn read_time(text: &str) -> Option<(String, i64)> {
    let is_shape = |text: &str, shape: &str| {
        text.len() == shape.len()
            && text.bytes().zip(shape.bytes()).all(|(byte, wanted)| match wanted {
                b'0' => byte.is_ascii_digit(),
                wanted => byte == wanted,
            })
    };
    let number = |text: &str| text.parse::<i64>().expect("they are digits");
    let (day, rest) = (text.get(..10)?, &text[10..]);
    if !is_shape(day, "0000-00-00") {
        return None;
    }
    let (year, month, date) = (number(&day[..4]), number(&day[5..7]), number(&day[8..]));
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let lengths = [31, 28 + i64::from(is_leap), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let length = *lengths.get(usize::try_from(month - 1).ok()?)?;
    if year < 1 || !(1..=length).contains(&date) {
        return None;
    }
    let before = year - 1;
    let months: i64 = lengths[..month as usize - 1].iter().sum();
    let days =
        before * 365 + before / 4 - before / 100 + before / 400 + months + date - 1 - 719_162;
    if rest.is_empty() {
        return Some(("date".to_owned(), days));
    }
    let separator = rest.get(..1).filter(|separator| matches!(*separator, "T" | " "))?;
    let minutes = rest.get(1..6).filter(|minutes| is_shape(minutes, "00:00"))?;
    let (hour, minute) = (number(&minutes[..2]), number(&minutes[3..]));
    let mut rest = &rest[6..];
    let (mut second, mut micros, mut digits) = (0, 0, "-".to_owned());
    if let Some(seconds) = rest.get(..3).filter(|seconds| is_shape(seconds, ":00")) {
        second = number(&seconds[1..]);
        rest = &rest[3..];
        digits = "0".to_owned();
        if let Some(fraction) = rest.strip_prefix('.') {
            let count = fraction.bytes().take_while(u8::is_ascii_digit).count();
            if !(1..=6).contains(&count) {
                return None;
            }
            micros = number(&format!("{:0<6}", &fraction[..count]));
            rest = &fraction[count..];
            digits = count.to_string();
        }
    }
    let sign = if rest.starts_with('-') { -1 } else { 1 };
    let offset = match rest.strip_prefix(['+', '-']) {
        None if rest.is_empty() || rest == "Z" => 0,
        Some(zone) if is_shape(zone, "00:00") => number(&zone[..2]) * 60 + number(&zone[3..]),
        Some(zone) if is_shape(zone, "0000") => number(&zone[..2]) * 60 + number(&zone[2..]),
        Some(zone) if is_shape(zone, "00") => number(zone) * 60,
        _ => return None,
    };
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let zone = if rest.is_empty() { "local" } else { rest };
    let minutes = (days * 24 + hour) * 60 + minute - sign * offset;
    Some((format!("{separator}{digits}{zone}"), (minutes * 60 + second) * 1_000_000 + micros))
}

/// Returns whether row `row` of a column of type `column_type` is the cell, or null for none.
pub fn is_cell(cell: Option<&Cell>, array: &ArrayRef, row: usize, column_type: &str) -> bool {
    let Some(cell) = cell else { return array.is_null(row) };
    if array.is_null(row) {
        return false;
    }
    match cell {
        Cell::Leaf(leaf) => is_leaf(leaf, array, row, column_type),
        Cell::List(leaves) => {
            let elements = array.as_list::<i32>().value(row);
            let inner = &column_type["list(".len()..column_type.len() - 1];
            let is_same = |(at, leaf): (usize, &Option<Leaf>)| match leaf {
                None => elements.is_null(at),
                Some(leaf) => !elements.is_null(at) && is_leaf(leaf, &elements, at, inner),
            };
            elements.len() == leaves.len() && leaves.iter().enumerate().all(is_same)
        }
        Cell::Json(tree) => {
            let text = array.as_string::<i32>().value(row);
            tree_of(text).as_ref() == Some(tree)
        }
    }
}

fn is_leaf(leaf: &Leaf, array: &ArrayRef, row: usize, column_type: &str) -> bool {
    match (column_type, leaf) {
        ("bool", Leaf::Bool(value)) => array.as_boolean().value(row) == *value,
        ("int64", Leaf::Number(text)) => {
            text.parse() == Ok(array.as_primitive::<Int64Type>().value(row))
        }
        ("decimal(38,0)", Leaf::Number(text)) => {
            text.parse() == Ok(array.as_primitive::<Decimal128Type>().value(row))
        }
        ("double", Leaf::Number(text)) => {
            let value = array.as_primitive::<Float64Type>().value(row);
            let wanted: f64 = text.parse().unwrap();
            // an integer has no negative zero
            wanted.to_bits() == value.to_bits() || is_int(text) && wanted == value
        }
        ("date", Leaf::Text(text)) => {
            let days = i64::from(array.as_primitive::<Date32Type>().value(row));
            read_time(text).is_some_and(|(_, value)| value == days)
        }
        ("timestamp" | "timestamptz", Leaf::Text(text)) => {
            let micros = array.as_primitive::<TimestampMicrosecondType>().value(row);
            read_time(text).is_some_and(|(_, value)| value == micros)
        }
        ("text", leaf) => {
            let text = array.as_string::<i32>().value(row);
            match leaf {
                Leaf::Bool(value) => text == value.to_string(),
                Leaf::Number(number) => {
                    number == text || is_same_number(number, text) || is_same_double(number, text)
                }
                Leaf::Text(wanted) => text == wanted,
            }
        }
        _ => false,
    }
}

/// Returns whether two texts denote exactly the same number.
fn is_same_number(one: &str, other: &str) -> bool {
    let is_number = serde_json::from_str::<serde_json::Number>(other).is_ok();
    // an integer has no negative zero
    let is_zero = one == "-0" && other == "0";
    is_number && (is_zero || digits_of(one) == digits_of(other))
}

/// Returns whether a text is the shortest form of a double that gives a number back, when it is
/// printed with as many digits.
fn is_same_double(number: &str, text: &str) -> bool {
    let Ok(value) = number.parse::<f64>() else { return false };
    let count = digits_of(number).1.len();
    let is_float = number.contains(['.', 'e', 'E']) && value.is_finite() && count > 0;
    is_float
        && is_same_number(number, &format!("{value:.*e}", count - 1))
        && is_same_number(&format!("{value:e}"), text)
}

/// Returns a number as sign, digits without zeros around them, and the power of ten of the last.
fn digits_of(number: &str) -> (bool, String, i64) {
    let is_negative = number.starts_with('-');
    let number = number.trim_start_matches('-').to_lowercase();
    let (digits, exponent) = number.split_once('e').unwrap_or((&number, "0"));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all = format!("{whole}{fraction}");
    let kept = all.trim_end_matches('0');
    let exponent: i64 = exponent.parse().expect("exponents here are short");
    let power = exponent - fraction.len() as i64 + (all.len() - kept.len()) as i64;
    let kept = kept.trim_start_matches('0');
    (is_negative, kept.to_owned(), if kept.is_empty() { 0 } else { power })
}

/// Reads JSON with its numbers as they are written, and all of its members; nothing where it is
/// none.
pub fn tree_of(text: &str) -> Option<Tree> {
    let raw: &RawValue = serde_json::from_str(text).ok()?;
    let text = raw.get();
    Some(match text.as_bytes()[0] {
        b'n' => Tree::Null,
        b't' | b'f' => Tree::Leaf(Leaf::Bool(text == "true")),
        b'"' => Tree::Leaf(Leaf::Text(serde_json::from_str(text).ok()?)),
        b'[' => {
            let elements: Vec<&RawValue> = serde_json::from_str(text).ok()?;
            Tree::Array(
                elements.iter().map(|element| tree_of(element.get())).collect::<Option<_>>()?,
            )
        }
        b'{' => {
            let Members(members) = serde_json::from_str(text).ok()?;
            let value = |(key, value): (String, Box<RawValue>)| Some((key, tree_of(value.get())?));
            Tree::Object(members.into_iter().map(value).collect::<Option<_>>()?)
        }
        _ => Tree::Leaf(Leaf::Number(text.to_owned())),
    })
}

/// The members of an object in order, keys perhaps twice.
struct Members(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Members, M::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Members(members))
    }
}
