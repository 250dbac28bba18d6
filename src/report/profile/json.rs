//! What columns hold, for programs.

use serde::Serialize;

use super::{Bar, Frequent, Lengths, QUANTILES, TableProfile, Value};
use crate::report::Summary;
use crate::report::schema::as_object;

/// Examples of a column.
const EXAMPLES: usize = 3;

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
    #[serde(serialize_with = "as_object")]
    kinds: &'a [(&'static str, u64)],
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
    #[serde(skip_serializing_if = "<[Bar]>::is_empty")]
    length_histogram: &'a [Bar],
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
            length_histogram: figures.map_or(&[], |figures| &figures.length_histogram),
            examples: &column.examples[..column.examples.len().min(EXAMPLES)],
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
