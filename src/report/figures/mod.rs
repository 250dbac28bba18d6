//! What columns hold, told: as a table for people, as JSON, as a page.

mod html;

use std::fmt::Write as _;

use serde::Serialize;

use super::profile::{
    Bar, ColumnProfile, Figures, Frequent, Lengths, QUANTILES, Role, TableProfile, Value,
};
use super::schema::null_share;
use super::{Summary, counted, shown};
use crate::schema::widen::ColumnType;
pub use html::to_html;

/// Characters of a value in the table.
const CELL_CHARS: usize = 20;

/// Characters of a name in the table.
const NAME_CHARS: usize = 32;

/// Frequent values that a line shows.
const TOP_SHOWN: usize = 3;

const HEADINGS: [&str; 10] = [
    "column",
    "type",
    "nulls",
    "distinct",
    "min",
    "median",
    "max",
    "mean",
    "length",
    "most frequent",
];

/// Lays the figures out as a line for each column, table by table.
///
/// - Shape: link columns are left out.
pub fn table(tables: &[TableProfile]) -> String {
    let mut out = String::new();
    for table in tables {
        if !out.is_empty() {
            out.push('\n');
        }
        let _ = writeln!(out, "{}: {}", shown(&table.name), counted(table.rows, "row"));
        let columns = table.columns.iter().filter(|column| column.role != Role::Link);
        let lines: Vec<[String; 10]> = columns.map(|column| cells(column, table.rows)).collect();
        // what no column has is not shown
        let has = |place: usize| lines.iter().any(|line| !line[place].is_empty());
        let places: Vec<usize> =
            (0..HEADINGS.len()).filter(|&place| place < 2 || has(place)).collect();
        let width = |place: usize| {
            let widths = lines.iter().map(|line| line[place].chars().count());
            widths.max().unwrap_or(0).max(HEADINGS[place].len())
        };
        let widths: Vec<usize> = places.iter().map(|&place| width(place)).collect();
        let mut put = |line: &dyn Fn(usize) -> String| {
            let mut text = String::from("  ");
            for (&place, &width) in places.iter().zip(&widths) {
                let _ = write!(text, "{:width$}  ", line(place));
            }
            let _ = writeln!(out, "{}", text.trim_end());
        };
        put(&|place| HEADINGS[place].to_owned());
        lines.iter().for_each(|line| put(&|place| line[place].clone()));
    }
    out
}

fn cells(column: &ColumnProfile, rows: u64) -> [String; 10] {
    let nulls = null_share(column.values, rows).unwrap_or_default();
    let nulls = nulls.strip_suffix(" null").unwrap_or(&nulls).to_owned();
    let mut cells = <[String; 10]>::default();
    cells[0] = cut(&shown(&column.name), NAME_CHARS);
    cells[1] = column.column_type.to_string();
    if column.kinds.len() > 1 && column.column_type == ColumnType::Text {
        cells[1] = format!("text ({})", column.kinds.join(" + "));
    }
    cells[2] = nulls;
    let Some(figures) = column.figures.as_ref().filter(|figures| figures.count > 0) else {
        return cells;
    };
    let is_quoted = is_text(&column.column_type);
    let told = |value: &Option<Value>| value.as_ref().map(|one| told(one, is_quoted));
    let about = if figures.is_exact { "" } else { "~" };
    cells[3] = format!("{about}{}", figures.distinct);
    cells[4] = told(&figures.min).unwrap_or_default();
    let median = figures.quantiles.as_ref().map(|quantiles| quantiles[2].clone());
    cells[5] = told(&median).unwrap_or_default();
    cells[6] = told(&figures.max).unwrap_or_default();
    cells[7] = figures.mean.map(number).unwrap_or_default();
    cells[8] = figures.lengths.map(length).unwrap_or_default();
    cells[9] = top(figures, is_quoted);
    cells
}

fn is_text(column_type: &ColumnType) -> bool {
    match column_type {
        ColumnType::Text => true,
        ColumnType::List(element) => is_text(element),
        _ => false,
    }
}

fn told(value: &Value, is_quoted: bool) -> String {
    match value {
        Value::Number(value) => number(*value),
        value if is_quoted => format!("\"{}\"", cut(&shown(&value.to_string()), CELL_CHARS)),
        value => cut(&shown(&value.to_string()), CELL_CHARS + 7),
    }
}

/// Prints a number with as many digits as people read.
fn number(value: f64) -> String {
    let magnitude = value.abs();
    if value == 0.0 || (1e-4..1e15).contains(&magnitude) {
        let whole = magnitude.log10().floor().max(0.0) as usize;
        let text = format!("{value:.*}", 5usize.saturating_sub(whole));
        match text.contains('.') {
            true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
            false => text,
        }
    } else {
        format!("{value:.4e}")
    }
}

fn length(lengths: Lengths) -> String {
    let Lengths { min, max, .. } = lengths;
    if min == max { min.to_string() } else { format!("{min}..{max}") }
}

/// Says which values come often: nothing where all are rare.
fn top(figures: &Figures, is_quoted: bool) -> String {
    let often = |one: &&Frequent| one.count > 1;
    let shown = figures.top.iter().filter(often).take(TOP_SHOWN).map(|one| {
        let share = one.count as f64 / figures.count as f64 * 100.0;
        let value = told(&Value::Text(one.value.clone()), is_quoted);
        format!("{value} {share:.0}%")
    });
    shown.collect::<Vec<_>>().join(", ")
}

fn cut(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[derive(Serialize)]
struct Json<'a> {
    version: &'static str,
    records: u64,
    rejected: u64,
    tables: Vec<JsonTable<'a>>,
}

#[derive(Serialize)]
struct JsonTable<'a> {
    name: &'a str,
    path: &'a str,
    parent: Option<&'a str>,
    rows: u64,
    columns: Vec<JsonColumn<'a>>,
}

#[derive(Serialize)]
struct JsonColumn<'a> {
    name: &'a str,
    path: Option<&'a str>,
    #[serde(rename = "type")]
    column_type: String,
    kinds: &'a [&'static str],
    values: u64,
    nulls: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    distinct: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_exact: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    min: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mean: Option<f64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    quantiles: Vec<Quantile<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lengths: Option<Lengths>,
    #[serde(skip_serializing_if = "<[Frequent]>::is_empty")]
    top: &'a [Frequent],
    #[serde(skip_serializing_if = "<[Bar]>::is_empty")]
    histogram: &'a [Bar],
    examples: &'a [String],
}

#[derive(Serialize)]
struct Quantile<'a> {
    share: f64,
    value: &'a Value,
}

/// Spells the figures of a run as JSON with two spaces a level, its last line ended.
pub fn to_json(summary: &Summary) -> String {
    let json = Json {
        version: env!("CARGO_PKG_VERSION"),
        records: summary.records,
        rejected: summary.rejects.count,
        tables: summary.profiles.iter().map(json_table).collect(),
    };
    // strings and numbers cannot fail
    let mut text = serde_json::to_string_pretty(&json).unwrap_or_default();
    text.push('\n');
    text
}

fn json_table(table: &TableProfile) -> JsonTable<'_> {
    let columns = table.columns.iter().map(|column| {
        let figures = column.figures.as_ref();
        let quantiles = figures.and_then(|figures| figures.quantiles.as_ref()).into_iter();
        let quantiles = quantiles.flat_map(|quantiles| QUANTILES.into_iter().zip(quantiles));
        JsonColumn {
            name: &column.name,
            path: column.path.as_deref(),
            column_type: column.column_type.to_string(),
            kinds: &column.kinds,
            values: column.values,
            nulls: table.rows.saturating_sub(column.values),
            distinct: figures.map(|figures| figures.distinct),
            is_exact: figures.map(|figures| figures.is_exact),
            min: figures.and_then(|figures| figures.min.as_ref()),
            max: figures.and_then(|figures| figures.max.as_ref()),
            mean: figures.and_then(|figures| figures.mean),
            quantiles: quantiles.map(|(share, value)| Quantile { share, value }).collect(),
            lengths: figures.and_then(|figures| figures.lengths),
            top: figures.map_or(&[], |figures| &figures.top),
            histogram: figures.map_or(&[], |figures| &figures.histogram),
            examples: &column.examples,
        }
    });
    JsonTable {
        name: &table.name,
        path: &table.path,
        parent: table.parent.as_deref(),
        rows: table.rows,
        columns: columns.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_digits_that_people_read() {
        for (value, expected) in [
            (0.0, "0"),
            (1.0, "1"),
            (1.5, "1.5"),
            (-12.345_678, "-12.3457"),
            (123_456.789, "123457"),
            (1e300, "1.0000e300"),
            (0.000_01, "1.0000e-5"),
        ] {
            assert_eq!(number(value), expected);
        }
    }
}
