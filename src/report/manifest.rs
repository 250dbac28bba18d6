//! The manifest: a Frictionless data package that says what the tables of a run are.
//!
//! It depends on input and options alone: no clock, no random numbers.
//!
//! - Source: Data Package 2 (<https://datapackage.org/standard/data-package/>), in the forms that
//!   version 1 (<https://specs.frictionlessdata.io/>) knows, too. What is ours has names that start
//!   with `transmog`.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use serde::Serialize;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::Summary;
use super::sql::Keys;
use crate::encode::csv::CsvOptions;
use crate::encode::json::Nulls;
use crate::format::OutputFormat;
use crate::schema::widen::ColumnType;
use crate::schema::{Layout, LayoutColumn};
use crate::table::form::{Form, Zone};

/// Where the manifest goes, which lists all tables of a run as a Frictionless data package.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ManifestTarget {
    /// Nowhere.
    #[default]
    Nowhere,
    /// To this file, in the directory of the tables or one above.
    File(PathBuf),
    /// To `<name>.manifest.json` beside the tables; nowhere where these go to a stream, to a
    /// program's writer or to part files.
    Beside,
}

/// What there is to say.
pub(crate) struct Contents<'a> {
    /// The format of the tables.
    pub to: OutputFormat,
    /// How CSV was written.
    pub csv: CsvOptions,
    /// What became of cells without a value in JSON.
    pub nulls: Nulls,
    /// Every table of the run in order, the main table first.
    pub layouts: &'a [Layout],
    /// Those that were written, in order.
    pub tables: Vec<WrittenTable>,
    /// Which columns join the tables, for each of `layouts`.
    pub keys: &'a [Keys],
    /// Sizes of the inputs that are files.
    pub input_bytes: &'a [Option<u64>],
    /// What the run did.
    pub summary: &'a Summary,
}

/// A table that was written.
pub(crate) struct WrittenTable {
    /// Its place among the layouts.
    pub index: usize,
    /// The file, as seen from the manifest.
    pub path: String,
    /// Size of the file.
    pub bytes: u64,
    /// Rows.
    pub rows: u64,
}

struct Names<'a> {
    /// Those of resources, by the indexes of their tables.
    resources: HashMap<usize, String>,
    /// The indexes of tables by their own names.
    tables: HashMap<&'a str, usize>,
}

#[derive(Serialize)]
struct Package<'a> {
    #[serde(rename = "$schema")]
    standard: &'static str,
    profile: &'static str,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
    resources: Vec<Resource<'a>>,
    transmog: Run<'a>,
}

#[derive(Serialize)]
struct Resource<'a> {
    #[serde(rename = "$schema")]
    standard: &'static str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
    path: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    profile: &'static str,
    format: &'static str,
    mediatype: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    encoding: Option<&'static str>,
    bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    dialect: Option<Dialect>,
    schema: TableSchema<'a>,
    transmog: Table<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Dialect {
    delimiter: char,
    line_terminator: &'static str,
    quote_char: char,
    double_quote: bool,
    skip_initial_space: bool,
    header: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TableSchema<'a> {
    fields: Vec<Field<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fields_match: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    primary_key: Option<[&'a str; 1]>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    foreign_keys: Vec<ForeignKey<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    missing_values: Option<[&'static str; 1]>,
}

#[derive(Serialize)]
struct Field<'a> {
    name: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<String>,
    #[serde(rename = "transmog:path", skip_serializing_if = "Option::is_none")]
    path: Option<&'a str>,
    #[serde(rename = "transmog:type")]
    column_type: String,
}

#[derive(Serialize)]
struct ForeignKey<'a> {
    fields: [&'a str; 1],
    reference: Reference<'a>,
}

#[derive(Serialize)]
struct Reference<'a> {
    resource: &'a str,
    fields: [&'a str; 1],
}

/// The members of `transmog.table` in Parquet files, and how many rows there are.
#[derive(Serialize)]
struct Table<'a> {
    name: &'a str,
    path: &'a str,
    parent: Option<&'a str>,
    rows: u64,
}

#[derive(Serialize)]
struct Run<'a> {
    version: &'static str,
    records: u64,
    rejected: u64,
    inputs: Vec<Input<'a>>,
}

#[derive(Serialize)]
struct Input<'a> {
    name: &'a str,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    records: u64,
    rejected: u64,
}

impl Contents<'_> {
    /// Returns the manifest as JSON with two spaces a level, its last line ended.
    pub(crate) fn to_json(&self) -> String {
        let main = self.layouts.first().map_or("", |layout| layout.table.as_str());
        let names = self.names();
        let resources: Vec<_> =
            self.tables.iter().map(|table| self.resource(table, &names)).collect();
        let name = slug(main);
        let package = Package {
            standard: "https://datapackage.org/profiles/2.0/datapackage.json",
            profile: if self.is_csv() { "tabular-data-package" } else { "data-package" },
            title: (name != main).then_some(main),
            name,
            resources,
            transmog: self.run(),
        };
        // strings and numbers cannot fail
        let mut text = serde_json::to_string_pretty(&package).unwrap_or_default();
        text.push('\n');
        text
    }

    fn names(&self) -> Names<'_> {
        let mut taken = HashSet::new();
        let mut numbers: HashMap<String, usize> = HashMap::new();
        let mut resources = HashMap::new();
        for table in &self.tables {
            let plain = slug(&self.layouts[table.index].table);
            let mut name = plain.clone();
            while !taken.insert(name.clone()) {
                let number = numbers.entry(plain.clone()).or_insert(1);
                *number += 1;
                name = format!("{plain}-{number}");
            }
            resources.insert(table.index, name);
        }
        let tables = self.layouts.iter().enumerate();
        Names { resources, tables: tables.map(|(at, l)| (l.table.as_str(), at)).collect() }
    }

    fn resource<'a>(&'a self, table: &'a WrittenTable, names: &'a Names<'a>) -> Resource<'a> {
        let layout = &self.layouts[table.index];
        let name = names.resources[&table.index].as_str();
        let is_text = !matches!(self.to, OutputFormat::Parquet | OutputFormat::Arrow);
        Resource {
            standard: "https://datapackage.org/profiles/2.0/dataresource.json",
            name,
            title: (name != layout.table).then_some(layout.table.as_str()),
            path: &table.path,
            kind: "table",
            profile: if self.is_csv() { "tabular-data-resource" } else { "data-resource" },
            format: self.to.as_str(),
            mediatype: mediatype(self.to),
            encoding: is_text.then_some("utf-8"),
            bytes: table.bytes,
            dialect: self.dialect(),
            schema: self.schema(table.index, names),
            transmog: Table {
                name: &layout.table,
                path: &layout.path,
                parent: layout.parent.as_deref(),
                rows: table.rows,
            },
        }
    }

    fn schema<'a>(&'a self, index: usize, names: &'a Names<'a>) -> TableSchema<'a> {
        let layout = &self.layouts[index];
        let keys = &self.keys[index];
        let parent = layout.parent.as_deref();
        let parent = parent.and_then(|name| names.tables.get(name).copied());
        let refer = |from: &'a Option<String>, to: Option<usize>| {
            let to = to?;
            Some(ForeignKey {
                fields: [from.as_deref()?],
                reference: Reference {
                    resource: names.resources.get(&to)?,
                    fields: [self.keys[to].id.as_deref()?],
                },
            })
        };
        let foreign_keys = [refer(&keys.parent_id, parent), refer(&keys.root_id, Some(0))];
        TableSchema {
            fields: layout.columns.iter().map(|column| self.field(column)).collect(),
            // members without a value are not there
            fields_match: (self.is_json() && self.nulls == Nulls::Omit).then_some("superset"),
            primary_key: keys.id.as_deref().filter(|_| keys.is_unique).map(|id| [id]),
            foreign_keys: foreign_keys.into_iter().flatten().collect(),
            missing_values: self.is_csv().then_some([""]),
        }
    }

    fn field<'a>(&self, column: &'a LayoutColumn) -> Field<'a> {
        let is_typed = matches!(self.to, OutputFormat::Parquet | OutputFormat::Arrow);
        let (kind, format) = match &column.column_type {
            ColumnType::Bool => ("boolean", None),
            ColumnType::Int64 | ColumnType::Decimal { scale: 0, .. } => ("integer", None),
            ColumnType::Decimal { .. } | ColumnType::Double => ("number", None),
            ColumnType::Date => ("date", None),
            ColumnType::Timestamp { form, .. } => {
                ("datetime", if is_typed { None } else { datetime_format(*form) })
            }
            ColumnType::Text => ("string", None),
            ColumnType::Json => (if self.is_json() { "any" } else { "string" }, None),
            // cells of CSV hold them as JSON, which is how the standard wants them
            ColumnType::List(_) => ("array", None),
        };
        Field {
            name: &column.name,
            kind,
            format,
            path: column.path.as_deref(),
            column_type: column.column_type.to_string(),
        }
    }

    fn dialect(&self) -> Option<Dialect> {
        let delimiter = match self.to {
            OutputFormat::Csv => char::from(self.csv.delimiter),
            OutputFormat::Tsv => '\t',
            _ => return None,
        };
        Some(Dialect {
            delimiter,
            line_terminator: "\n",
            quote_char: '"',
            double_quote: true,
            skip_initial_space: false,
            header: true,
        })
    }

    fn is_csv(&self) -> bool {
        matches!(self.to, OutputFormat::Csv | OutputFormat::Tsv)
    }

    fn is_json(&self) -> bool {
        matches!(self.to, OutputFormat::Json | OutputFormat::Jsonl)
    }

    fn run(&self) -> Run<'_> {
        let inputs = self.summary.inputs.iter().enumerate().map(|(index, input)| Input {
            name: &input.name,
            status: input.status.as_str(),
            bytes: self.input_bytes.get(index).copied().flatten(),
            records: input.records,
            rejected: input.rejected,
        });
        Run {
            version: env!("CARGO_PKG_VERSION"),
            records: self.summary.records,
            rejected: self.summary.rejects.count,
            inputs: inputs.collect(),
        }
    }
}

fn mediatype(to: OutputFormat) -> &'static str {
    match to {
        OutputFormat::Parquet => "application/vnd.apache.parquet",
        OutputFormat::Csv => "text/csv",
        OutputFormat::Tsv => "text/tab-separated-values",
        OutputFormat::Jsonl => "application/x-ndjson",
        OutputFormat::Json => "application/json",
        OutputFormat::Arrow => "application/vnd.apache.arrow.file",
    }
}

/// Returns how timestamps are written as text, where it is not the form that packages expect: that
/// of XML Schema, `2026-11-21T10:20:30`, with or without a fraction and an offset.
fn datetime_format(form: Option<Form>) -> Option<String> {
    let Some(Form::Timestamp { separator, fraction_digits, zone }) = form else {
        return Some("any".to_owned());
    };
    let zone = match zone {
        Zone::None | Zone::Zulu | Zone::Colon(_)
            if separator == b'T' && fraction_digits.is_some() =>
        {
            return None;
        }
        Zone::None => "",
        Zone::Zulu => "Z",
        Zone::Colon(_) | Zone::Plain(_) => "%z",
        // no pattern means hours alone
        Zone::Hours(_) => return Some("any".to_owned()),
    };
    let seconds = match fraction_digits {
        None => "",
        Some(0) => ":%S",
        Some(_) => ":%S.%f",
    };
    Some(format!("%Y-%m-%d{}%H:%M{seconds}{zone}", char::from(separator)))
}

/// Spells a name in lower-case letters, digits, `-`, `_` and `.`, which is all that may stand in the
/// names of packages and resources.
fn slug(name: &str) -> String {
    let mut slug = String::with_capacity(name.len());
    for c in name.nfkd().filter(|c| !is_combining_mark(*c)) {
        match c.to_ascii_lowercase() {
            c @ ('a'..='z' | '0'..='9' | '-' | '_' | '.') => slug.push(c),
            _ if slug.ends_with('-') => {}
            _ => slug.push('-'),
        }
    }
    match slug.trim_matches(['-', '.']) {
        "" => "table".to_owned(),
        trimmed => trimmed.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::form;

    #[test]
    fn names_are_spelled_as_packages_want_them() {
        for (name, expected) in [
            ("orders_items", "orders_items"),
            ("Orders v2.1", "orders-v2.1"),
            ("Größe", "gro-e"),
            ("Café", "cafe"),
            ("a/b  c", "a-b-c"),
            ("-x-", "x"),
            ("..", "table"),
            ("データ", "table"),
            ("orders_データ", "orders_"),
            ("", "table"),
            ("ＡＢＣ", "abc"),
        ] {
            assert_eq!(slug(name), expected, "{name}");
        }
    }

    #[test]
    fn formats_of_times_are_those_in_which_they_were_written() {
        for (text, expected) in [
            ("2026-11-21T10:20:30", None),
            ("2026-11-21T10:20:30.125", None),
            ("2026-11-21T10:20:30Z", None),
            ("2026-11-21T10:20:30+05:30", None),
            ("2026-11-21T10:20:30+0530", Some("%Y-%m-%dT%H:%M:%S%z")),
            ("2026-11-21T10:20:30+05", Some("any")),
            ("2026-11-21 10:20:30", Some("%Y-%m-%d %H:%M:%S")),
            ("2026-11-21 10:20:30.5Z", Some("%Y-%m-%d %H:%M:%S.%fZ")),
            ("2026-11-21T10:20", Some("%Y-%m-%dT%H:%M")),
            ("2026-11-21T10:20Z", Some("%Y-%m-%dT%H:%MZ")),
        ] {
            let (form, _) = form::parse(text).expect("a form");
            assert_eq!(datetime_format(Some(form)).as_deref(), expected, "{text}");
        }
        assert_eq!(datetime_format(None).as_deref(), Some("any"));
    }
}
