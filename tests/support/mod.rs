//! What several test binaries share: a JSON tree that keeps number text, and a reader that joins
//! the tables of a run back into records.

#![allow(clippy::unwrap_used, reason = "a panic in a test is its failure")]
#![allow(dead_code, reason = "each test binary uses a part")]

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Float64Type, Int64Type, TimestampMicrosecondType,
};
use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use proptest::test_runner::{Config, RngSeed};

/// Returns how a property is looked at: in so many cases, which are the same in every run, so that
/// a change is not stopped by what another one has done. `PROPTEST_CASES` says how many more, and
/// `PROPTEST_RNG_SEED` which others.
pub fn cases(cases: u32) -> Config {
    Config { cases, failure_persistence: None, rng_seed: RngSeed::Fixed(1), ..Config::default() }
}

/// A writer whose bytes can be looked at afterwards.
#[derive(Debug, Clone, Default)]
pub struct Shared(pub Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A JSON value; numbers as their text, members in order.
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    Null,
    Bool(bool),
    Number(String),
    String(String),
    Array(Vec<Node>),
    Object(Vec<(String, Node)>),
}

impl Node {
    pub fn parse(text: &str) -> Node {
        let value: serde_json::Value = serde_json::from_str(text).expect("JSON");
        Node::from_value(&value)
    }

    fn from_value(value: &serde_json::Value) -> Node {
        use serde_json::Value;
        match value {
            Value::Null => Node::Null,
            Value::Bool(value) => Node::Bool(*value),
            Value::Number(number) => Node::Number(number.to_string()),
            Value::String(text) => Node::String(text.clone()),
            Value::Array(values) => Node::Array(values.iter().map(Node::from_value).collect()),
            Value::Object(members) => Node::Object(
                members.iter().map(|(key, value)| (key.clone(), Node::from_value(value))).collect(),
            ),
        }
    }

    pub fn write(&self, out: &mut String) {
        match self {
            Node::Null => out.push_str("null"),
            Node::Bool(value) => out.push_str(&value.to_string()),
            Node::Number(text) => out.push_str(text),
            Node::String(text) => out.push_str(&serde_json::to_string(text).unwrap()),
            Node::Array(values) => {
                out.push('[');
                for (place, value) in values.iter().enumerate() {
                    out.push_str(if place > 0 { "," } else { "" });
                    value.write(out);
                }
                out.push(']');
            }
            Node::Object(members) => {
                out.push('{');
                for (place, (key, value)) in members.iter().enumerate() {
                    out.push_str(if place > 0 { "," } else { "" });
                    out.push_str(&serde_json::to_string(key).unwrap());
                    out.push(':');
                    value.write(out);
                }
                out.push('}');
            }
        }
    }

    /// Drops what leaves no trace: nulls, and objects and arrays without anything in them.
    pub fn normal(&self) -> Node {
        match self {
            Node::Array(values) => {
                let values: Vec<Node> = values.iter().map(Node::normal).collect();
                if values.is_empty() { Node::Null } else { Node::Array(values) }
            }
            Node::Object(members) => {
                let mut members: Vec<(String, Node)> = members
                    .iter()
                    .map(|(key, value)| (key.clone(), value.normal()))
                    .filter(|(_, value)| *value != Node::Null)
                    .collect();
                members.sort_by(|(one, _), (other, _)| one.cmp(other));
                if members.is_empty() { Node::Null } else { Node::Object(members) }
            }
            other => other.clone(),
        }
    }

    /// Compares with what came back: a value of a column that became text is its spelling.
    pub fn is_same(&self, back: &Node) -> bool {
        match (self, back) {
            (Node::Array(one), Node::Array(other)) => {
                one.len() == other.len() && one.iter().zip(other).all(|(a, b)| a.is_same(b))
            }
            (Node::Object(one), Node::Object(other)) => {
                one.len() == other.len()
                    && one.iter().zip(other).all(|(a, b)| a.0 == b.0 && a.1.is_same(&b.1))
            }
            (Node::Number(one), Node::Number(other)) => is_same_number(one, other),
            (Node::Number(one), Node::String(other)) => is_spelling(one, other),
            (Node::Bool(one), Node::String(other)) => one.to_string() == *other,
            (one, other) => one == other,
        }
    }
}

fn is_int(text: &str) -> bool {
    !text.contains(['.', 'e', 'E'])
}

fn is_same_number(one: &str, other: &str) -> bool {
    if is_int(one) && is_int(other) {
        let digits = |text: &str| if text == "-0" { "0".to_owned() } else { text.to_owned() };
        return digits(one) == digits(other);
    }
    let (one, other): (f64, f64) = (one.parse().unwrap(), other.parse().unwrap());
    one.to_bits() == other.to_bits() || (one == 0.0 && other == 0.0)
}

/// The text of a number in a column that became text: digits, or what a double reads back from.
fn is_spelling(number: &str, text: &str) -> bool {
    if is_int(number) {
        return is_same_number(number, text) && is_int(text);
    }
    let value: f64 = number.parse().unwrap();
    if !value.is_finite() {
        return number == text;
    }
    text == number
        || (text.parse::<f64>().unwrap().to_bits() == value.to_bits()
            && text.len() <= number.len().max(24))
}

/// One table as read back from Parquet.
#[derive(Debug)]
pub struct Table {
    pub name: String,
    pub path: String,
    pub parent: Option<String>,
    /// Link columns by suffix, and data columns by path.
    pub links: BTreeMap<String, Vec<Node>>,
    pub columns: Vec<DataColumn>,
    /// All columns as they stand in the file.
    pub in_order: Vec<DataColumn>,
    pub rows: usize,
    pub row_groups: Vec<usize>,
}

#[derive(Debug, Clone)]
pub struct DataColumn {
    pub name: String,
    /// Nothing for link columns.
    pub path: Option<String>,
    pub data_type: DataType,
    pub is_json: bool,
    pub values: Vec<Node>,
}

/// Reads one Parquet file; link columns start with `meta_prefix`.
pub fn read_table(path: &Path, meta_prefix: &str) -> Table {
    let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap();
    let schema = builder.schema().clone();
    let metadata = builder.metadata().clone();
    let key_values = metadata.file_metadata().key_value_metadata().unwrap();
    let table = key_values.iter().find(|kv| kv.key == "transmog.table").unwrap();
    let table: serde_json::Value = serde_json::from_str(table.value.as_ref().unwrap()).unwrap();
    let row_groups: Vec<usize> =
        metadata.row_groups().iter().map(|group| group.num_rows() as usize).collect();
    let descr = metadata.file_metadata().schema_descr_ptr();
    let is_json: Vec<bool> = descr
        .root_schema()
        .get_fields()
        .iter()
        .map(|field| {
            field.get_basic_info().logical_type_ref() == Some(&parquet::basic::LogicalType::Json)
        })
        .collect();
    let batches: Vec<_> = builder.build().unwrap().map(Result::unwrap).collect();
    let mut links = BTreeMap::new();
    let mut columns = Vec::new();
    let mut in_order = Vec::new();
    for (place, field) in schema.fields().iter().enumerate() {
        let column = DataColumn {
            name: field.name().clone(),
            path: field.metadata().get("transmog.path").cloned(),
            data_type: field.data_type().clone(),
            is_json: is_json[place],
            values: batches.iter().flat_map(|batch| nodes(batch.column(place))).collect(),
        };
        in_order.push(column.clone());
        match &column.path {
            Some(_) => columns.push(column),
            None => {
                let suffix = column.name.strip_prefix(meta_prefix).expect("a link column");
                links.insert(suffix.to_owned(), column.values);
            }
        }
    }
    Table {
        name: table["name"].as_str().unwrap().to_owned(),
        path: table["path"].as_str().unwrap().to_owned(),
        parent: table["parent"].as_str().map(str::to_owned),
        links,
        columns,
        in_order,
        rows: batches.iter().map(|batch| batch.num_rows()).sum(),
        row_groups,
    }
}

/// Turns an array into values; dates and times into text that reads back to the same instant.
pub fn nodes(array: &ArrayRef) -> Vec<Node> {
    (0..array.len())
        .map(|row| {
            if array.is_null(row) {
                return Node::Null;
            }
            match array.data_type() {
                DataType::Boolean => Node::Bool(array.as_boolean().value(row)),
                DataType::Int64 => {
                    Node::Number(array.as_primitive::<Int64Type>().value(row).to_string())
                }
                DataType::Float64 => {
                    Node::Number(format!("{:?}", array.as_primitive::<Float64Type>().value(row)))
                }
                DataType::Decimal128(..) => {
                    Node::Number(array.as_primitive::<Decimal128Type>().value_as_string(row))
                }
                DataType::Date32 => instant(array.as_primitive::<Date32Type>().value(row).into()),
                DataType::Timestamp(..) => {
                    instant(array.as_primitive::<TimestampMicrosecondType>().value(row))
                }
                DataType::Utf8 => Node::String(array.as_string::<i32>().value(row).to_owned()),
                DataType::List(_) => Node::Array(nodes(&array.as_list::<i32>().value(row))),
                other => panic!("a column of type {other}"),
            }
        })
        .collect()
}

/// Marks an instant, so that it is compared with a date or time in any form.
fn instant(value: i64) -> Node {
    Node::String(format!("\u{0}instant {value}"))
}

/// Replaces dates and times by their instants wherever the other side has one.
pub fn with_instants(expected: &Node, back: &Node) -> Node {
    match (expected, back) {
        (Node::String(text), Node::String(back)) if back.starts_with("\u{0}instant ") => {
            match transmog::table::form::parse(text) {
                Some((_, value)) => instant(value),
                None => expected.clone(),
            }
        }
        (Node::Array(one), Node::Array(other)) if one.len() == other.len() => {
            Node::Array(one.iter().zip(other).map(|(a, b)| with_instants(a, b)).collect())
        }
        (Node::Object(one), Node::Object(other)) if one.len() == other.len() => Node::Object(
            one.iter().zip(other).map(|(a, b)| (a.0.clone(), with_instants(&a.1, &b.1))).collect(),
        ),
        _ => expected.clone(),
    }
}

/// Splits a pointer into steps; `None` is an element.
fn steps(pointer: &str) -> Vec<Option<String>> {
    pointer
        .split('/')
        .skip(1)
        .map(|token| match token {
            "*" => None,
            "~2" => Some("*".to_owned()),
            token => Some(token.replace("~1", "/").replace("~0", "~")),
        })
        .collect()
}

/// Joins tables back into records by ids, indexes, keys and paths.
pub fn join(mut tables: Vec<Table>) -> Vec<Node> {
    // Children before parents, so that a row is whole when its parent takes it.
    tables.sort_by_key(|table| std::cmp::Reverse(steps(&table.path).len()));
    let mut finished: BTreeMap<String, BTreeMap<String, Vec<(Place, Node)>>> = BTreeMap::new();
    let mut records = Vec::new();
    let names: Vec<(String, String)> =
        tables.iter().map(|table| (table.name.clone(), table.path.clone())).collect();
    for table in &tables {
        let own = steps(&table.path);
        let children: Vec<(String, Vec<Option<String>>)> = names
            .iter()
            .filter(|(name, _)| {
                tables.iter().any(|t| t.name == *name && t.parent.as_deref() == Some(&table.name))
            })
            .map(|(name, path)| {
                let mut path = steps(path)[own.len()..].to_vec();
                path.pop();
                (name.clone(), path)
            })
            .collect();
        for row in 0..table.rows {
            let mut value = Node::Null;
            for column in &table.columns {
                let cell = &column.values[row];
                if *cell == Node::Null {
                    continue;
                }
                let cell = match (column.is_json, cell) {
                    (true, Node::String(text)) => Node::parse(text),
                    _ => cell.clone(),
                };
                if column.name.ends_with("rest")
                    && column.is_json
                    && steps(column.path.as_ref().unwrap()) == own
                {
                    let Node::Object(members) = cell else { panic!("rest is an object") };
                    for (pointer, member) in members {
                        put(&mut value, &steps(&pointer), member);
                    }
                } else {
                    put(&mut value, &steps(column.path.as_ref().unwrap())[own.len()..], cell);
                }
            }
            let id = table.links.get("id").map(|ids| text_of(&ids[row]));
            for (child, at) in &children {
                let rows =
                    finished.get_mut(child).and_then(|rows| rows.remove(id.as_ref().unwrap()));
                let Some(mut rows) = rows else { continue };
                rows.sort_by_key(|(place, _)| place.index);
                let is_map = rows[0].0.key.is_some();
                let whole = match is_map {
                    true => Node::Object(
                        rows.into_iter().map(|(place, row)| (place.key.unwrap(), row)).collect(),
                    ),
                    false => {
                        let indexes: Vec<i64> = rows.iter().map(|(place, _)| place.index).collect();
                        assert_eq!(indexes, (0..rows.len() as i64).collect::<Vec<_>>());
                        Node::Array(rows.into_iter().map(|(_, row)| row).collect())
                    }
                };
                put(&mut value, at, whole);
            }
            match table.links.get("parent_id") {
                None => records.push(value),
                Some(parents) => {
                    let key = table.links.get("key").map(|keys| &keys[row]);
                    let index = text_of(&table.links["index"][row]).parse().unwrap();
                    let key = key.filter(|key| **key != Node::Null).map(text_of);
                    finished
                        .entry(table.name.clone())
                        .or_default()
                        .entry(text_of(&parents[row]))
                        .or_default()
                        .push((Place { index, key }, value));
                }
            }
        }
    }
    let orphans: usize = finished.values().map(BTreeMap::len).sum();
    assert_eq!(orphans, 0, "rows without a parent");
    records
}

#[derive(Debug)]
struct Place {
    index: i64,
    key: Option<String>,
}

fn text_of(node: &Node) -> String {
    match node {
        Node::Number(text) | Node::String(text) => text.clone(),
        other => panic!("{other:?} where a link value stands"),
    }
}

fn put(value: &mut Node, path: &[Option<String>], cell: Node) {
    let Some((Some(key), rest)) = path.split_first() else {
        assert!(path.is_empty(), "an element below a row");
        assert_eq!(*value, Node::Null, "two values at one place");
        *value = cell;
        return;
    };
    if *value == Node::Null {
        *value = Node::Object(Vec::new());
    }
    let Node::Object(members) = value else { panic!("a member of a scalar") };
    let at = match members.iter().position(|(known, _)| known == key) {
        Some(at) => at,
        None => {
            members.push((key.clone(), Node::Null));
            members.len() - 1
        }
    };
    put(&mut members[at].1, rest, cell);
}

/// Reads all Parquet files of a directory.
pub fn read_tables(dir: &Path, meta_prefix: &str) -> Vec<Table> {
    let mut paths: Vec<_> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "parquet"))
        .collect();
    paths.sort();
    paths.iter().map(|path| read_table(path, meta_prefix)).collect()
}

/// Reads all files of a directory: name and bytes.
pub fn read_files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let name = entry.file_name().to_string_lossy().into_owned();
            (name, std::fs::read(entry.path()).unwrap())
        })
        .collect()
}

/// Returns the folder of a collection, or nothing where the tests may skip it.
pub fn corpus(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("TRANSMOG_CORPORA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpora"),
        PathBuf::from,
    );
    let folder = root.join(name);
    if folder.is_dir() {
        return Some(folder);
    }
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    assert!(
        !is_set("CI") || is_set("TRANSMOG_NO_CORPORA"),
        "{}: not there; set TRANSMOG_CORPORA, or TRANSMOG_NO_CORPORA to do without",
        folder.display()
    );
    println!("skipped: {} is not there (set TRANSMOG_CORPORA)", folder.display());
    None
}

/// Returns all files below a folder by their path in it, except the notes on where they are from.
pub fn files(folder: &Path) -> BTreeMap<String, PathBuf> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(inside) = folders.pop() {
        for entry in std::fs::read_dir(&inside).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if !path.ends_with("SOURCES.md") && !path.ends_with("LICENSE") {
                let name = path.strip_prefix(folder).unwrap().to_string_lossy().into_owned();
                found.insert(name, path);
            }
        }
    }
    found
}

/// Compares the outcome of a collection with its line in tests/corpora/outcomes.md.
///
/// `UPDATE_CORPORA=1` writes the line anew.
#[track_caller]
pub fn outcome_of(collection: &str, cases: usize, as_expected: usize, words: &str) {
    /// Tests of one binary run side by side; binaries run one after the other.
    static WRITING: Mutex<()> = Mutex::new(());
    let _alone = WRITING.lock();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpora/outcomes.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let otherwise = cases - as_expected;
    let line = format!("| {collection} | {cases} | {as_expected} | {otherwise} | {words} |");
    let start = format!("| {collection} |");
    let known = text.lines().find(|line| line.starts_with(&start));
    if std::env::var_os("UPDATE_CORPORA").is_none() {
        assert_eq!(known, Some(line.as_str()), "not as in outcomes.md");
        return;
    }
    let text = match known {
        Some(known) => text.replace(known, &line),
        None => text + &line + "\n",
    };
    std::fs::write(path, text).unwrap();
}
