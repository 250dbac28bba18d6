//! Types do not depend on the order of records, and neither do values.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use transmog::{Framing, InputFormat, OutputFormat};

use super::{conversion, object_lines, run};

/// Records of one input.
const RECORDS_MAX: usize = 24;

/// By table, columns as path and type, and rows as what stands in them; both sorted.
type Tables = BTreeMap<String, (Vec<String>, Vec<String>)>;

/// Takes lines that are objects as records; else lines as rows of CSV with one delimiter.
pub fn widen(data: &[u8]) {
    let records = object_lines(data, RECORDS_MAX);
    if !records.is_empty() {
        check_orders(records, &|records| convert(&join(records), InputFormat::Jsonl));
        return;
    }
    let is_plain = |line: &&[u8]| std::str::from_utf8(line).is_ok() && !line.contains(&b'"');
    let rows = data.split(|byte| matches!(byte, b'\n' | b'\r')).filter(is_plain);
    let rows: Vec<&[u8]> = rows.filter(|row| !row.is_empty()).take(RECORDS_MAX).collect();
    check_orders(rows, &|rows| {
        convert(&[b"c1;c2;c3\n", &join(rows)[..]].concat(), InputFormat::Csv)
    });
}

fn join(lines: &[&[u8]]) -> Vec<u8> {
    let mut text = lines.join(&b'\n');
    text.push(b'\n');
    text
}

fn check_orders(mut records: Vec<&[u8]>, convert: &dyn Fn(&[&[u8]]) -> Tables) {
    let expected = convert(&records);
    records.reverse();
    assert_eq!(convert(&records), expected, "in reverse");
    records.sort_unstable();
    assert_eq!(convert(&records), expected, "sorted");
    let middle = records.len() / 2;
    records.rotate_left(middle);
    assert_eq!(convert(&records), expected, "turned round");
}

/// Converts; row groups hold two rows, so that types widen behind what was written.
fn convert(input: &[u8], from: InputFormat) -> Tables {
    let mut conversion = conversion(input, from, OutputFormat::Jsonl);
    conversion.flatten.max_columns = 1 << 20;
    conversion.flatten.max_tables = 1 << 16;
    conversion.row_group_rows = Some(2);
    conversion.chunk_bytes = Some(64);
    conversion.csv_input.dialect.delimiter = Some(b';');
    conversion.csv_input.dialect.quote = Some(transmog::Sign::Byte(b'"'));
    conversion.csv_input.dialect.header = Some(transmog::Header::Present);
    conversion.csv_input.dialect.comment = Some(transmog::Sign::None);
    conversion.csv_input.dialect.skip_lines = Some(0);
    conversion.csv_input.cells.ragged = transmog::Ragged::Pad;
    let (summary, text) = run(conversion, Framing::Tagged).unwrap();
    let schema: Value = serde_json::from_str(&summary.schema.to_string()).unwrap();
    let mut tables = Tables::new();
    let mut columns: BTreeMap<String, (String, Map<String, Value>)> = BTreeMap::new();
    for table in schema["tables"].as_array().unwrap() {
        let path = table["path"].as_str().unwrap().to_owned();
        let mut by_name = Map::new();
        for column in table["columns"].as_array().unwrap() {
            let what = format!("{} {}", column["path"], column["type"]);
            by_name.insert(column["name"].as_str().unwrap().to_owned(), what.into());
        }
        let mut all: Vec<String> = by_name.values().map(Value::to_string).collect();
        all.sort();
        tables.insert(path.clone(), (all, Vec::new()));
        columns.insert(table["name"].as_str().unwrap().to_owned(), (path, by_name));
    }
    for line in text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let row: Map<String, Value> = serde_json::from_slice(line).unwrap();
        let (path, by_name) = &columns[row["_table"].as_str().unwrap()];
        let cells = row.iter().filter_map(|(name, value)| {
            let what = by_name.get(name)?.as_str()?;
            Some(format!("{what}={value}"))
        });
        let mut cells: Vec<String> = cells.collect();
        cells.sort();
        tables.get_mut(path).unwrap().1.push(cells.join("\n"));
    }
    tables.values_mut().for_each(|(_, rows)| rows.sort());
    tables
}
