//! Kinds → types: the one type that holds every value a column was given.

use std::fmt;

use super::ColumnSchema;
use crate::flatten::DeclaredType;
use crate::table::{Form, Kinds, Part};

/// Type of a written column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ColumnType {
    /// `true` and `false`.
    Bool,
    /// Integers of 64 bits.
    Int64,
    /// Numbers of `precision` digits, `scale` of them after the point.
    Decimal {
        /// Digits in all.
        precision: u8,
        /// Digits after the point.
        scale: u8,
    },
    /// Doubles.
    Double,
    /// Days.
    Date,
    /// Microseconds; `form` is how all values were written, where they share one.
    Timestamp {
        /// Instants in UTC; otherwise local times.
        utc: bool,
        /// The shared written form.
        form: Option<Form>,
    },
    /// Text.
    Text,
    /// JSON text.
    Json,
    /// Lists of scalars.
    List(Box<ColumnType>),
}

impl fmt::Display for ColumnType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ColumnType::Bool => f.write_str("bool"),
            ColumnType::Int64 => f.write_str("int64"),
            ColumnType::Decimal { precision, scale } => write!(f, "decimal({precision},{scale})"),
            ColumnType::Double => f.write_str("double"),
            ColumnType::Date => f.write_str("date"),
            ColumnType::Timestamp { utc: true, .. } => f.write_str("timestamptz"),
            ColumnType::Timestamp { utc: false, .. } => f.write_str("timestamp"),
            ColumnType::Text => f.write_str("text"),
            ColumnType::Json => f.write_str("json"),
            ColumnType::List(element) => write!(f, "list({element})"),
        }
    }
}

/// How kinds become types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Widening {
    /// Numbers with a fraction become decimals where 38 digits hold all of them.
    pub decimals: bool,
    /// Strings that share a form of date or time become dates and timestamps.
    pub dates: bool,
}

/// Returns the type that holds every value of a column.
///
/// - Source: "Widening" in ARCHITECTURE.md.
pub fn resolve(column: &ColumnSchema, part: Part, widening: &Widening) -> ColumnType {
    if let Some(agreed) = &column.agreed {
        let kinds = if part == Part::List { &column.element_kinds } else { &column.kinds };
        let scalar = match agreed.may_widen {
            true => at_least(agreed.wanted, kinds, widening),
            false => declared_type(agreed.wanted, kinds),
        };
        return if part == Part::List { ColumnType::List(Box::new(scalar)) } else { scalar };
    }
    match (part, column.declared) {
        (Part::Json | Part::Rest, _) => ColumnType::Json,
        (Part::List, declared) => {
            let kinds = &column.element_kinds;
            ColumnType::List(Box::new(match declared {
                Some(declared) => declared_type(declared, kinds),
                None => resolve_kinds(kinds, widening),
            }))
        }
        (Part::Scalar, Some(declared)) => declared_type(declared, &column.kinds),
        (Part::Scalar, None) => resolve_kinds(&column.kinds, widening),
    }
}

fn declared_type(declared: DeclaredType, kinds: &Kinds) -> ColumnType {
    match declared {
        DeclaredType::Text => ColumnType::Text,
        DeclaredType::Bool => ColumnType::Bool,
        DeclaredType::Int64 => ColumnType::Int64,
        DeclaredType::Double => ColumnType::Double,
        DeclaredType::Decimal { precision, scale } => ColumnType::Decimal { precision, scale },
        DeclaredType::Date => ColumnType::Date,
        DeclaredType::Timestamp => ColumnType::Timestamp { utc: false, form: kinds.form.shared() },
        DeclaredType::TimestampUtc => {
            ColumnType::Timestamp { utc: true, form: kinds.form.shared() }
        }
        DeclaredType::Json => ColumnType::Json,
    }
}

/// Returns the type that holds every value of the given kinds, and every value of type `least`.
fn at_least(least: DeclaredType, kinds: &Kinds, widening: &Widening) -> ColumnType {
    let seed = match least {
        _ if kinds.is_empty() => return declared_type(least, kinds),
        DeclaredType::Text | DeclaredType::Json => return declared_type(least, kinds),
        DeclaredType::Date | DeclaredType::Timestamp | DeclaredType::TimestampUtc => {
            let found = resolve_kinds(kinds, &Widening { dates: true, ..*widening });
            let wanted = declared_type(least, kinds);
            return if found == wanted { wanted } else { ColumnType::Text };
        }
        DeclaredType::Decimal { precision, scale } => {
            if !kinds.only(Kinds::NUMBER_TEXT) {
                return ColumnType::Text;
            }
            let (whole, least_whole) = (kinds.whole_digits, precision - scale);
            if whole <= least_whole && kinds.scale <= scale {
                return ColumnType::Decimal { precision, scale };
            }
            let mut joined = *kinds;
            joined.whole_digits = whole.max(least_whole);
            joined.scale = kinds.scale.max(scale);
            return decimal(&joined);
        }
        DeclaredType::Bool => Kinds::BOOL,
        DeclaredType::Int64 => Kinds::INT,
        DeclaredType::Double => Kinds::FLOAT,
    };
    let mut joined = *kinds;
    joined.add(seed);
    resolve_kinds(&joined, widening)
}

/// Returns the type that holds every value of the given kinds.
pub fn resolve_kinds(kinds: &Kinds, widening: &Widening) -> ColumnType {
    const INTS: u16 = Kinds::INT | Kinds::WIDE_INT;
    const WHOLE: u16 = INTS | Kinds::BIG_INT;
    if kinds.has(Kinds::MARKED) {
        return resolve_marked(kinds, widening);
    }
    if kinds.is_empty() {
        ColumnType::Text
    } else if kinds.only(Kinds::BOOL) {
        ColumnType::Bool
    } else if kinds.only(INTS) {
        ColumnType::Int64
    } else if kinds.only(WHOLE) {
        ColumnType::Decimal { precision: 38, scale: 0 }
    } else if kinds.only(Kinds::INT | Kinds::FLOAT | Kinds::LONG_FLOAT) {
        ColumnType::Double
    } else if kinds.only(WHOLE | Kinds::NUMBER_TEXT) && widening.decimals {
        decimal(kinds)
    } else if kinds.only(Kinds::STRING) && widening.dates {
        match kinds.form.shared() {
            None => ColumnType::Text,
            Some(Form::Date) => ColumnType::Date,
            Some(form @ Form::Timestamp { zone, .. }) => {
                ColumnType::Timestamp { utc: zone.offset_minutes().is_some(), form: Some(form) }
            }
        }
    } else {
        ColumnType::Text
    }
}

/// Returns the type that holds numbers of which some have marks.
///
/// Beside a comma before the fraction the text of `1.234` from elsewhere would be another number.
fn resolve_marked(kinds: &Kinds, widening: &Widening) -> ColumnType {
    const WHOLE: u16 = Kinds::INT | Kinds::WIDE_INT | Kinds::MARKED_INT;
    const EXACT: u16 = Kinds::INT | Kinds::MARKED | Kinds::LOOSE_FLOAT;
    let floats = if kinds.marks.decimal_comma { EXACT } else { EXACT | Kinds::FLOAT };
    if kinds.only(WHOLE) {
        ColumnType::Int64
    } else if kinds.only(floats) {
        ColumnType::Double
    } else if kinds.only(WHOLE | Kinds::BIG_INT | Kinds::MARKED | Kinds::NUMBER_TEXT)
        && kinds.has(Kinds::NUMBER_TEXT)
        && widening.decimals
    {
        decimal(kinds)
    } else {
        ColumnType::Text
    }
}

/// Returns the decimal that holds all numbers, or text where 38 digits do not.
fn decimal(kinds: &Kinds) -> ColumnType {
    const INT64_DIGITS: u8 = 19;
    const BIG_DIGITS: u8 = 38;
    let mut whole_digits = kinds.whole_digits;
    if kinds.has(Kinds::INT | Kinds::MARKED_INT) {
        whole_digits = whole_digits.max(INT64_DIGITS);
    }
    if kinds.has(Kinds::BIG_INT) {
        whole_digits = whole_digits.max(BIG_DIGITS);
    }
    let fits = whole_digits.saturating_add(kinds.scale) <= 38;
    if fits { ColumnType::Decimal { precision: 38, scale: kinds.scale } } else { ColumnType::Text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::{Column, Number};

    const WIDENING: Widening = Widening { decimals: false, dates: true };

    #[derive(Clone, Copy)]
    enum Value {
        Bool,
        Int(i64),
        Big,
        Float,
        Long,
        Far,
        Text(&'static str),
    }

    fn kinds_of(values: &[Value]) -> Kinds {
        let mut column = Column::default();
        for (row, value) in values.iter().enumerate() {
            match *value {
                Value::Bool => column.push_bool(row, true),
                Value::Int(value) => column.push_int(row, value),
                Value::Big => column.push_number(row, Number::Big(1 << 70), ""),
                Value::Float => {
                    column.push_number(row, Number::Float { value: 0.5, exact: true }, "0.5")
                }
                Value::Long => {
                    column.push_number(row, Number::Float { value: 0.5, exact: false }, "0.50")
                }
                Value::Far => column.push_number(row, Number::Far, "1e400"),
                Value::Text(text) => column.push_string(row, crate::table::Excerpt::whole(text)),
            }
        }
        *column.kinds()
    }

    /// The type is the same in every order and however the values are cut into batches.
    fn check(values: &[Value], expected: ColumnType) {
        let mut orders = vec![values.to_vec()];
        orders.push(values.iter().rev().copied().collect());
        for order in orders {
            assert_eq!(resolve_kinds(&kinds_of(&order), &WIDENING), expected);
            for cut in 0..order.len() {
                let mut joined = kinds_of(&order[cut..]);
                joined.join(&kinds_of(&order[..cut]));
                assert_eq!(resolve_kinds(&joined, &WIDENING), expected, "cut at {cut}");
            }
        }
    }

    #[test]
    fn types_widen_to_what_holds_every_value() {
        use Value::*;
        let utc = |text| ColumnType::Timestamp {
            utc: true,
            form: crate::table::form::parse(text).map(|(form, _)| form),
        };
        let big = ColumnType::Decimal { precision: 38, scale: 0 };
        check(&[], ColumnType::Text);
        check(&[Bool], ColumnType::Bool);
        check(&[Bool, Int(1)], ColumnType::Text);
        check(&[Int(1), Int(i64::MAX)], ColumnType::Int64);
        check(&[Int(1), Big], big.clone());
        check(&[Int(1), Float], ColumnType::Double);
        check(&[Int(1 << 53), Float, Long], ColumnType::Double);
        check(&[Int((1 << 53) + 1), Float], ColumnType::Text);
        check(&[Big, Float], ColumnType::Text);
        check(&[Float, Far], ColumnType::Text);
        check(&[Int(1), Text("x")], ColumnType::Text);
        check(&[Text("2026-11-21"), Text("2026-11-22")], ColumnType::Date);
        check(&[Text("2026-11-21"), Text("n/a")], ColumnType::Text);
        check(&[Text("2026-11-21"), Text("2026-11-21T00:00:00Z")], ColumnType::Text);
        check(
            &[Text("2026-11-21T10:00:00+01:00"), Text("2026-11-22T10:00:00+01:00")],
            utc("2026-11-21T10:00:00+01:00"),
        );
        check(
            &[Text("2026-11-21T10:00:00+01:00"), Text("2026-11-22T10:00:00+02:00")],
            ColumnType::Text,
        );
    }
}
