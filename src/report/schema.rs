//! What tables are like: as a tree for people, and as a schema file.

use std::fmt::Write as _;

use arrow_ipc::writer::StreamWriter;
use serde::{Serialize, Serializer};
use unicode_width::UnicodeWidthStr;

use super::figures::grouped;
use super::profile::{ColumnProfile, Role, TableProfile};
use super::text::{counted, shown};
use crate::encode::arrow;
use crate::error::{Error, ErrorKind};
use crate::schema::contract::VERSION;
use crate::schema::widen::ColumnType;
use crate::schema::{Layout, LayoutColumn};
use crate::table::Marks;

/// Characters of all examples of a column together.
const EXAMPLE_CHARS: usize = 44;

/// Names and types that are longer push what follows them to the right.
const WIDTHS_MAX: [usize; 2] = [64, 20];

/// Draws the tables below each other as a tree: columns, types, shares of nulls, examples.
///
/// - Shape: a line for each table and column; a child table stands below the columns of its parent.
pub fn tree(tables: &[TableProfile]) -> String {
    let mut out = String::new();
    for (index, table) in tables.iter().enumerate() {
        // a table whose parent is not among them stands at the left
        let is_root = parent_of(tables, table).is_none();
        if is_root {
            let _ = writeln!(out, "{}", head(table));
            draw(tables, index, "", &mut out);
        }
    }
    out
}

fn parent_of<'a>(tables: &'a [TableProfile], table: &TableProfile) -> Option<&'a TableProfile> {
    let parent = table.parent.as_deref()?;
    tables.iter().find(|other| other.name == parent)
}

fn head(table: &TableProfile) -> String {
    let rows = counted(table.rows, "row");
    let place = match table.path.as_str() {
        "" => String::new(),
        path => format!("  {}", shown(path)),
    };
    let is_link = |column: &&ColumnProfile| column.role == Role::Link;
    let links: Vec<_> =
        table.columns.iter().filter(is_link).map(|column| shown(&column.name)).collect();
    let links = match links.is_empty() {
        true => String::new(),
        false => format!("  ({})", links.join(", ")),
    };
    format!("{}: {rows}{place}{links}", shown(&table.name))
}

fn draw(tables: &[TableProfile], index: usize, indent: &str, out: &mut String) {
    let table = &tables[index];
    let columns: Vec<_> = table.columns.iter().filter(|one| one.role != Role::Link).collect();
    let children: Vec<usize> = tables
        .iter()
        .enumerate()
        .filter(|(_, other)| other.parent.as_deref() == Some(&table.name))
        .map(|(child, _)| child)
        .collect();
    let lines: Vec<[String; 3]> = columns
        .iter()
        .map(|column| {
            let (name, column_type) = (shown(&column.name), column.column_type.to_string());
            [name, column_type, remarks(column, table.rows)]
        })
        .collect();
    let width = |place: usize| {
        let widths = lines.iter().map(|line| line[place].width());
        widths.filter(|width| *width <= WIDTHS_MAX[place]).max().unwrap_or(0)
    };
    let (names, types) = (width(0), width(1));
    for (place, [name, column_type, remarks]) in lines.iter().enumerate() {
        let is_last = place + 1 == lines.len() && children.is_empty();
        let branch = if is_last { "└─ " } else { "├─ " };
        let gap = names.saturating_sub(name.width());
        let line = format!("{indent}{branch}{name}{:gap$}  {column_type:types$}  {remarks}", "");
        let _ = writeln!(out, "{}", line.trim_end());
    }
    for (place, &child) in children.iter().enumerate() {
        let is_last = place + 1 == children.len();
        let (branch, below) = if is_last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
        let _ = writeln!(out, "{indent}{branch}{}", head(&tables[child]));
        draw(tables, child, &format!("{indent}{below}"), out);
    }
}

/// Says what is there to say of a column besides its type.
fn remarks(column: &ColumnProfile, rows: u64) -> String {
    let mut remarks = Vec::new();
    if let Some(share) = null_share(column.values, rows) {
        remarks.push(share);
    }
    // what a type holds that is not of the one kind it is for
    if column.kinds.len() > 1 && !is_plain_mix(column) {
        remarks.push(kinds(column));
    }
    let is_quoted = is_quoted(&column.column_type);
    let (mut examples, mut chars) = (Vec::new(), 0);
    for example in &column.examples {
        let example = shown(example);
        let example = if is_quoted { quoted(&example) } else { example };
        chars += example.chars().count() + 2;
        if chars > EXAMPLE_CHARS && !examples.is_empty() {
            break;
        }
        let cut: String = example.chars().take(EXAMPLE_CHARS).collect();
        examples.push(if cut == example { example } else { cut + "…" });
    }
    if !examples.is_empty() {
        remarks.push(examples.join(", "));
    }
    remarks.join("  ")
}

/// Integers beside numbers with a fraction are no surprise.
fn is_plain_mix(column: &ColumnProfile) -> bool {
    column.kinds.iter().all(|(kind, _)| matches!(*kind, "integer" | "number"))
}

/// Says how often each kind of value came.
pub(super) fn kinds(column: &ColumnProfile) -> String {
    let kinds = column.kinds.iter().map(|(kind, count)| format!("{kind} {}", grouped(*count)));
    kinds.collect::<Vec<_>>().join(" + ")
}

/// Serializes kinds as an object with their counts.
pub(super) fn as_object<S: Serializer>(
    kinds: &&[(&'static str, u64)],
    to: S,
) -> Result<S::Ok, S::Error> {
    to.collect_map(kinds.iter().copied())
}

fn is_quoted(column_type: &ColumnType) -> bool {
    match column_type {
        ColumnType::Text => true,
        ColumnType::List(element) => is_quoted(element),
        _ => false,
    }
}

/// Says how many of `rows` have no value, where some have none.
pub(super) fn null_share(values: u64, rows: u64) -> Option<String> {
    let nulls = rows.saturating_sub(values);
    match (nulls, values) {
        (0, _) => None,
        (_, 0) => Some("all null".to_owned()),
        _ => {
            let share = nulls as f64 / rows as f64 * 100.0;
            // neither all nor none
            let share = share.clamp(0.1, 99.9);
            Some(format!("{share:.1}% null"))
        }
    }
}

/// Returns the schema of a table as an Arrow IPC stream without rows.
///
/// - Errors: `Internal`.
pub fn to_arrow(table: &TableProfile) -> Result<Vec<u8>, Error> {
    let columns = table.columns.iter().enumerate().map(|(index, column)| LayoutColumn {
        index,
        name: column.name.clone(),
        column_type: column.column_type.clone(),
        path: column.path.clone(),
        marks: Marks::default(),
    });
    let layout = Layout {
        table: table.name.clone(),
        path: table.path.clone(),
        parent: table.parent.clone(),
        columns: columns.collect(),
    };
    let mut out = Vec::new();
    let written = StreamWriter::try_new(&mut out, &arrow::schema(&layout))
        .and_then(|mut stream| stream.finish());
    written.map_err(|cause| {
        let message = format!("writing an Arrow schema failed: {cause}");
        Error::new(ErrorKind::Internal, message).with_source(cause)
    })?;
    Ok(out)
}

#[derive(Serialize)]
struct Column<'a> {
    path: &'a str,
    name: &'a str,
    #[serde(rename = "type")]
    column_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    part: Option<&'static str>,
    seen: Seen<'a>,
}

#[derive(Serialize)]
struct Seen<'a> {
    values: u64,
    nulls: u64,
    #[serde(serialize_with = "as_object")]
    kinds: &'a [(&'static str, u64)],
    examples: &'a [String],
}

/// Spells the tables as a schema file, with what was seen of each column besides.
///
/// - Shape: a line for each column. Link columns and rest columns are no part of it.
pub fn to_json(tables: &[TableProfile]) -> String {
    let mut out = format!("{{\n  \"version\": {VERSION},\n  \"tables\": [");
    for (place, table) in tables.iter().enumerate() {
        let comma = if place > 0 { "," } else { "" };
        let (path, name) = (quoted(&table.path), quoted(&table.name));
        let from = match table.is_named_by_input {
            true => "\n      \"name_from\": \"input\",",
            false => "",
        };
        let _ = write!(
            out,
            "{comma}\n    {{\n      \"path\": {path},\n      \"name\": {name},{from}\n      \"rows\": {},\n      \
             \"columns\": [",
            table.rows
        );
        let columns = table.columns.iter().filter_map(|column| json_column(column, table.rows));
        let lines: Vec<_> = columns.map(|column| format!("\n        {column}")).collect();
        out.push_str(&lines.join(","));
        out.push_str(if lines.is_empty() { "]\n    }" } else { "\n      ]\n    }" });
    }
    out.push_str("\n  ]\n}\n");
    out
}

fn json_column(column: &ColumnProfile, rows: u64) -> Option<String> {
    let path = column.path.as_deref().filter(|_| column.role != Role::Rest)?;
    let is_text = column.role == Role::Scalar && column.column_type == ColumnType::Json;
    let (values, nulls) = (column.values, rows.saturating_sub(column.values));
    let column = Column {
        path,
        name: &column.name,
        column_type: column.column_type.to_string(),
        part: is_text.then_some("scalar"),
        seen: Seen { values, nulls, kinds: &column.kinds, examples: &column.examples },
    };
    // strings and numbers cannot fail
    Some(serde_json::to_string(&column).unwrap_or_default())
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
