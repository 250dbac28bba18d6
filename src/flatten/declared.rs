//! Types that the user gave for a path.

use std::fmt;
use std::str::FromStr;

use super::path::{PathPattern, Step};
use super::{FlattenOptions, Scalar, ScalarKind};
use crate::error::{Error, Fault, FaultCode};
use crate::table::scalar::DecimalDigits;
use crate::table::{Column, Excerpt, Form, Number, form};

/// A type given with `--type PATH=TYPE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeclaredType {
    /// Text, as it stands in the input.
    Text,
    /// `true` and `false`.
    Bool,
    /// Integers of 64 bits.
    Int64,
    /// Doubles.
    Double,
    /// Numbers of `precision` digits, `scale` of them after the point.
    Decimal {
        /// Digits in all, 1 to 38.
        precision: u8,
        /// Digits after the point, at most `precision`.
        scale: u8,
    },
    /// Days.
    Date,
    /// Local times without a zone.
    Timestamp,
    /// Instants, written with a zone.
    TimestampUtc,
    /// JSON text of any value.
    Json,
}

/// Returns the type given for a path; the last match counts.
pub fn of(types: &[(PathPattern, DeclaredType)], steps: &[Step]) -> Option<DeclaredType> {
    let found = types.iter().rfind(|(pattern, _)| pattern.matches(steps));
    found.map(|(_, declared)| *declared)
}

impl FromStr for DeclaredType {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let lower = text.to_ascii_lowercase();
        Ok(match &*lower {
            "text" | "string" => DeclaredType::Text,
            "bool" | "boolean" => DeclaredType::Bool,
            "int64" | "bigint" => DeclaredType::Int64,
            "double" => DeclaredType::Double,
            "date" => DeclaredType::Date,
            "timestamp" => DeclaredType::Timestamp,
            "timestamptz" => DeclaredType::TimestampUtc,
            "json" => DeclaredType::Json,
            other => return decimal(other).ok_or_else(|| unknown(text)),
        })
    }
}

fn decimal(text: &str) -> Option<DeclaredType> {
    let (precision, scale) = text.strip_prefix("decimal(")?.strip_suffix(')')?.split_once(',')?;
    let (precision, scale) = (precision.trim().parse().ok()?, scale.trim().parse().ok()?);
    let fits = (1..=38).contains(&precision) && scale <= precision;
    fits.then_some(DeclaredType::Decimal { precision, scale })
}

fn unknown(text: &str) -> Error {
    let known = ["text", "bool", "int64", "double", "date", "timestamp", "timestamptz", "json"];
    let message = format!(
        "type `{text}`: expected `text`, `bool`, `int64`, `double`, `decimal(P,S)`, `date`, \
         `timestamp`, `timestamptz` or `json`"
    );
    Error::usage(message).with_nearest(text, known)
}

impl fmt::Display for DeclaredType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DeclaredType::Text => f.write_str("text"),
            DeclaredType::Bool => f.write_str("bool"),
            DeclaredType::Int64 => f.write_str("int64"),
            DeclaredType::Double => f.write_str("double"),
            DeclaredType::Decimal { precision, scale } => {
                write!(f, "decimal({precision},{scale})")
            }
            DeclaredType::Date => f.write_str("date"),
            DeclaredType::Timestamp => f.write_str("timestamp"),
            DeclaredType::TimestampUtc => f.write_str("timestamptz"),
            DeclaredType::Json => f.write_str("json"),
        }
    }
}

impl Scalar<'_> {
    /// Appends the scalar as the options or a declared type want it.
    pub(super) fn push_as(
        self,
        column: &mut Column,
        row: usize,
        declared: Option<DeclaredType>,
        options: &FlattenOptions,
    ) -> Result<(), Fault> {
        let Some(declared) = declared else {
            self.push_undeclared(column, row, options);
            return Ok(());
        };
        let pushed = match declared {
            DeclaredType::Text => {
                column.push_text(row, self.text.as_bytes());
                Some(())
            }
            DeclaredType::Json => {
                let mut json = Vec::new();
                self.push_json(&mut json);
                column.push_text(row, &json);
                Some(())
            }
            DeclaredType::Bool => self.as_bool().map(|value| column.push_bool(row, value)),
            DeclaredType::Int64 => self.as_int().map(|value| column.push_int(row, value)),
            DeclaredType::Double => self.push_double(column, row),
            DeclaredType::Decimal { precision, scale } => self
                .number_text()
                .and_then(|text| DecimalDigits::parse(text).scaled(scale))
                .filter(|value| value.unsigned_abs() < 10u128.pow(precision.into()))
                .map(|_| column.push_number_text(row, self.text)),
            DeclaredType::Date | DeclaredType::Timestamp | DeclaredType::TimestampUtc => {
                self.has_form(declared).then(|| column.push_string(row, Excerpt::whole(self.text)))
            }
        };
        pushed.ok_or_else(|| {
            let found: String = self.text.chars().take(40).collect();
            let message = format!("expected {declared}, found `{found}`");
            Fault::new(FaultCode::ValueType, 0, message)
        })
    }

    /// Appends the scalar as the options want it where no type was given.
    pub(super) fn push_undeclared(self, column: &mut Column, row: usize, options: &FlattenOptions) {
        match self.kind {
            _ if options.all_text => column.push_text(row, self.text.as_bytes()),
            ScalarKind::Number(Number::Float { .. } | Number::Far) if options.number_text => {
                column.push_number_text(row, self.text);
            }
            _ => self.push(column, row),
        }
    }

    fn as_bool(self) -> Option<bool> {
        match (self.kind, self.text) {
            (ScalarKind::Bool(value), _) => Some(value),
            (ScalarKind::String, "true") => Some(true),
            (ScalarKind::String, "false") => Some(false),
            _ => None,
        }
    }

    /// Reads an integer, or a string that is one and prints back to the same text.
    fn as_int(self) -> Option<i64> {
        match self.kind {
            ScalarKind::Number(Number::Int(value)) => Some(value),
            ScalarKind::String => {
                let value: i64 = self.text.parse().ok()?;
                (itoa::Buffer::new().format(value) == self.text).then_some(value)
            }
            _ => None,
        }
    }

    fn push_double(self, column: &mut Column, row: usize) -> Option<()> {
        let text = self.number_text()?;
        let value: f64 = text.parse().ok()?;
        if !value.is_finite() {
            return None;
        }
        let exact = crate::decode::number::gives_back(text, value);
        column.push_number(row, Number::Float { value, exact }, text);
        Some(())
    }

    /// Returns the text of a number, or of a string that is written as a JSON number.
    fn number_text(&self) -> Option<&str> {
        match self.kind {
            ScalarKind::Number(_) => Some(self.text),
            ScalarKind::String => crate::decode::number::is_number(self.text).then_some(self.text),
            ScalarKind::Bool(_) | ScalarKind::Marked(..) => None,
        }
    }

    pub(super) fn has_form(self, declared: DeclaredType) -> bool {
        let ScalarKind::String = self.kind else { return false };
        match form::parse(self.text) {
            Some((Form::Date, _)) => declared == DeclaredType::Date,
            Some((Form::Timestamp { zone, .. }, _)) => match zone.offset_minutes() {
                None => declared == DeclaredType::Timestamp,
                Some(_) => declared == DeclaredType::TimestampUtc,
            },
            None => false,
        }
    }

    /// Tells kinds apart in hashes.
    pub(super) fn tag(self) -> u8 {
        match self.kind {
            ScalarKind::Bool(_) => b'b',
            ScalarKind::Number(_) | ScalarKind::Marked(..) => b'n',
            ScalarKind::String => b's',
        }
    }
}
