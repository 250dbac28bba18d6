//! What is in the columns of tables, as far as somebody asked.

mod html;
mod json;
mod table;

use std::fmt;

use serde::Serialize;

use super::sql::Keys;
use crate::schema::widen::ColumnType;
use crate::table::KindCounts;
pub use html::to_html;
pub use json::to_json;
pub use table::to_table;

/// How closely tables are looked at that are written nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    /// Which tables and columns there are, their types and rows.
    Types,
    /// What columns hold as well: how many values, some examples.
    Columns,
    /// What these values are like as well: [`Figures`].
    Values,
}

/// What is known of a table.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct TableProfile {
    /// Whether its name is that of an input, as nobody chose one; only of the main table.
    pub is_named_by_input: bool,
    /// Its name.
    pub name: String,
    /// JSON Pointer to its elements, empty for the main table.
    pub path: String,
    /// Name of the parent table; nothing for the main table.
    pub parent: Option<String>,
    /// Rows.
    pub rows: u64,
    /// The columns that join it to others.
    pub keys: Keys,
    /// Its columns in order, link columns first.
    pub columns: Vec<ColumnProfile>,
}

/// What is known of a column.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ColumnProfile {
    /// Its name.
    pub name: String,
    /// JSON Pointer to its values in the record; nothing for link columns.
    pub path: Option<String>,
    /// Its type.
    pub column_type: ColumnType,
    /// What its values are in the record.
    pub role: Role,
    /// The kinds of values it was given, and how many there were of each, of a list those of its
    /// elements: `bool`, `integer`, `number`, `date`, `timestamp`, `string`, `json`.
    pub kinds: Vec<(&'static str, u64)>,
    /// What `kinds` is made of.
    pub(crate) kind_counts: KindCounts,
    /// Rows that have a value.
    pub values: u64,
    /// The first few values that differ, cut where they are long.
    pub examples: Vec<String>,
    /// What its values are like, where [`Depth::Values`] was asked for.
    pub figures: Option<Figures>,
}

/// What the values of a column are in the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Made by us to link rows.
    Link,
    /// Scalars.
    Scalar,
    /// Arrays of scalars.
    List,
    /// Values kept as JSON text.
    Json,
    /// Members that found no column.
    Rest,
}

/// What the values of a column are like; of a list column, the elements of its lists.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct Figures {
    /// Values, or elements, that are not null.
    pub count: u64,
    /// How many differ: exact up to some hundreds, beyond an estimate that is off by 2 % or so.
    pub distinct: u64,
    /// Whether `distinct` and the counts of `top` are exact.
    pub is_exact: bool,
    /// The least value; of text in the order of bytes, cut where it is long.
    pub min: Option<Value>,
    /// The greatest value.
    pub max: Option<Value>,
    /// The mean of numbers.
    pub mean: Option<f64>,
    /// The values below which 5, 25, 50, 75 and 95 % of numbers, dates or times lie, about.
    pub quantiles: Option<[Value; 5]>,
    /// Characters of text, or elements of lists.
    pub lengths: Option<Lengths>,
    /// The values that come most often, at most ten of them.
    pub top: Vec<Frequent>,
    /// How numbers, dates or times are spread between the least and the greatest.
    pub histogram: Vec<Bar>,
    /// How lengths are spread between the shortest and the longest.
    pub length_histogram: Vec<Bar>,
}

/// The shares of values that lie below [`Figures::quantiles`].
pub const QUANTILES: [f64; 5] = [0.05, 0.25, 0.5, 0.75, 0.95];

/// A value as it is shown.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Value {
    /// An integer of 64 bits.
    Int(i64),
    /// A number with a fraction, or out of that range.
    Number(f64),
    /// All others, as they are spelled.
    Text(String),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Int(value) => write!(f, "{value}"),
            Value::Number(value) => write!(f, "{value}"),
            Value::Text(text) => f.write_str(text),
        }
    }
}

/// How long values are.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Lengths {
    /// The shortest.
    pub min: u64,
    /// The longest.
    pub max: u64,
    /// The mean.
    pub mean: f64,
}

/// A value that comes often.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Frequent {
    /// The value as it is spelled, cut where it is long.
    pub value: String,
    /// How often it comes: exact, or at least so often.
    pub count: u64,
}

/// Values in one stretch of a histogram.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Bar {
    /// Where it begins.
    pub from: Value,
    /// Where it ends; the last stretch holds this value as well.
    pub to: Value,
    /// Values in it, about.
    pub count: u64,
}
