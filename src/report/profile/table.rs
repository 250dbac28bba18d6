//! What columns hold, as a table for people.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthStr;

use super::{ColumnProfile, Figures, Frequent, Lengths, Role, TableProfile, Value};
use crate::report::figures::grouped;
use crate::report::schema::{kinds, null_share};
use crate::report::text::{counted, shown};
use crate::schema::widen::ColumnType;

/// Characters of a value in the table.
const CELL_CHARS: usize = 20;

/// Characters of a name in the table.
const NAME_CHARS: usize = 32;

/// Frequent values that a line shows.
pub(super) const TOP_SHOWN: usize = 3;

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
pub fn to_table(tables: &[TableProfile]) -> String {
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
            let widths = lines.iter().map(|line| line[place].width());
            widths.max().unwrap_or(0).max(HEADINGS[place].len())
        };
        let widths: Vec<usize> = places.iter().map(|&place| width(place)).collect();
        let mut put = |line: &dyn Fn(usize) -> String| {
            let mut text = String::from("  ");
            for (&place, &width) in places.iter().zip(&widths) {
                let cell = line(place);
                let gap = width.saturating_sub(cell.width()) + 2;
                let _ = write!(text, "{cell}{:gap$}", "");
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
        cells[1] = format!("text ({})", kinds(column));
    }
    cells[2] = nulls;
    let Some(figures) = column.figures.as_ref().filter(|figures| figures.count > 0) else {
        return cells;
    };
    let is_quoted = is_text(&column.column_type);
    let told = |value: &Option<Value>| value.as_ref().map(|one| told(one, is_quoted));
    let about = if figures.is_exact { "" } else { "~" };
    cells[3] = format!("{about}{}", grouped(figures.distinct));
    cells[4] = told(&figures.min).unwrap_or_default();
    let median = figures.quantiles.as_ref().map(|quantiles| quantiles[2].clone());
    cells[5] = told(&median).unwrap_or_default();
    cells[6] = told(&figures.max).unwrap_or_default();
    cells[7] = figures.mean.map(number).unwrap_or_default();
    cells[8] = figures.lengths.map(length).unwrap_or_default();
    cells[9] = top(figures, is_quoted);
    cells
}

pub(super) fn is_text(column_type: &ColumnType) -> bool {
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
pub(super) fn number(value: f64) -> String {
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

pub(super) fn length(lengths: Lengths) -> String {
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
