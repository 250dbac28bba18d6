//! Cases in `fixtures/golden`: an input, arguments, and what comes out, as text.
//!
//! `UPDATE_GOLDEN=1 cargo test --test golden` writes what comes out now; read the diff like code.

#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, reason = "a panic in a test is its failure")]

mod support;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use arrow_schema::DataType;
use support::{Node, read_table};

#[test]
fn golden_cases_come_out_as_written() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/golden");
    let mut cases: Vec<PathBuf> =
        fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    assert!(cases.len() > 100, "the golden cases are gone");
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut differing = Vec::new();
    for case in &cases {
        let found = run(case);
        let expected = read_texts(&case.join("out"));
        if found == expected {
            continue;
        }
        if update {
            write_texts(&case.join("out"), &found);
        } else {
            differing.push(differences(case, &expected, &found));
        }
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

fn differences(
    case: &Path,
    expected: &BTreeMap<String, String>,
    found: &BTreeMap<String, String>,
) -> String {
    let mut out = format!("== {}\n", case.display());
    for name in expected.keys().chain(found.keys().filter(|name| !expected.contains_key(*name))) {
        if expected.get(name) != found.get(name) {
            let shown = |texts: &BTreeMap<String, String>| {
                texts.get(name).cloned().unwrap_or_else(|| "(no such file)\n".to_owned())
            };
            let _ =
                write!(out, "-- {name}, expected\n{}-- found\n{}", shown(expected), shown(found));
        }
    }
    out
}

/// Runs a case; returns a text for each output, the warnings, and the error if there is one.
fn run(case: &Path) -> BTreeMap<String, String> {
    let input = ["in.jsonl", "in.json", "in.csv"].into_iter().find(|name| case.join(name).exists());
    let args = fs::read_to_string(case.join("args")).unwrap();
    let out = tempfile::tempdir().unwrap();
    let tables = out.path().join("tables");
    let mut command = Command::new(env!("CARGO_BIN_EXE_transmog"));
    command.current_dir(case).arg("convert").arg(input.unwrap()).args(args.split_whitespace());
    if !args.contains("--to ") {
        command.args(["--to", "parquet"]);
    }
    let output = command.arg("-o").arg(&tables).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    let mut texts = BTreeMap::new();
    let is_remark = |line: &&str| {
        let is_rejects = line.contains(" rejected, see ");
        (line.starts_with("warning: ") || line.starts_with("note: ")) && !is_rejects
    };
    let remarks: String =
        stderr.lines().filter(is_remark).map(|line| format!("{line}\n")).collect();
    if !remarks.is_empty() {
        texts.insert("warnings.txt".to_owned(), remarks);
    }
    match output.status.code() {
        Some(0) => {}
        // published without some records, which the reject file holds
        Some(3) => {
            let rejects = stderr.lines().skip_while(|line| !line.contains(" rejected"));
            let lines: Vec<_> =
                rejects.skip(1).filter(|line| !line.starts_with("hint: ")).collect();
            texts.insert("rejects.txt".to_owned(), lines.join("\n") + "\n");
        }
        _ => {
            texts.insert("error.txt".to_owned(), format!("{}\n{stderr}", output.status));
            return texts;
        }
    }
    let prefix = args.split_whitespace().skip_while(|arg| *arg != "--meta-prefix").nth(1);
    for entry in fs::read_dir(&tables).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let text = match path.extension().is_some_and(|ending| ending == "parquet") {
            true => parquet_text(&path, prefix.unwrap_or("_tm_")),
            false => fs::read_to_string(&path).unwrap(),
        };
        if name.ends_with(".rejects.jsonl") {
            texts.insert("rejects.jsonl".to_owned(), text);
            continue;
        }
        texts.insert(format!("{name}.txt"), text);
    }
    texts
}

/// Renders a Parquet file: table, columns, row groups, rows.
fn parquet_text(path: &Path, meta_prefix: &str) -> String {
    let table = read_table(path, meta_prefix);
    let mut out = format!("table {:?} path {:?}", table.name, table.path);
    if let Some(parent) = &table.parent {
        let _ = write!(out, " parent {parent:?}");
    }
    out.push('\n');
    for column in &table.in_order {
        let kind = if column.is_json { "json".to_owned() } else { type_name(&column.data_type) };
        let _ = write!(out, "column {:?} {kind}", column.name);
        if let Some(path) = &column.path {
            let _ = write!(out, " from {path:?}");
        }
        out.push('\n');
    }
    let _ = writeln!(out, "row groups {:?}", table.row_groups);
    for row in 0..table.rows {
        let members = table
            .in_order
            .iter()
            .map(|column| (column.name.clone(), readable(&column.values[row], &column.data_type)));
        Node::Object(members.collect()).write(&mut out);
        out.push('\n');
    }
    out
}

fn type_name(data_type: &DataType) -> String {
    match data_type {
        DataType::Boolean => "bool".to_owned(),
        DataType::Int64 => "int64".to_owned(),
        DataType::Float64 => "double".to_owned(),
        DataType::Decimal128(precision, scale) => format!("decimal({precision},{scale})"),
        DataType::Date32 => "date".to_owned(),
        DataType::Timestamp(_, None) => "timestamp".to_owned(),
        DataType::Timestamp(_, Some(_)) => "timestamptz".to_owned(),
        DataType::Utf8 => "text".to_owned(),
        DataType::List(element) => format!("list({})", type_name(element.data_type())),
        other => panic!("a column of type {other}"),
    }
}

/// Prints instants as dates and times.
fn readable(node: &Node, data_type: &DataType) -> Node {
    match (node, data_type) {
        (Node::Array(values), DataType::List(element)) => {
            let values = values.iter().map(|value| readable(value, element.data_type()));
            Node::Array(values.collect())
        }
        (Node::String(text), DataType::Date32 | DataType::Timestamp(..)) => {
            let value: i64 = text.trim_start_matches("\u{0}instant ").parse().unwrap();
            let (seconds, micros) = match data_type {
                DataType::Date32 => (value * 86_400, 0),
                _ => (value.div_euclid(1_000_000), value.rem_euclid(1_000_000)),
            };
            let time = chrono::DateTime::from_timestamp(seconds, micros as u32 * 1000).unwrap();
            let form = match data_type {
                DataType::Date32 => "%Y-%m-%d",
                DataType::Timestamp(_, Some(_)) => "%Y-%m-%dT%H:%M:%S%.6fZ",
                _ => "%Y-%m-%dT%H:%M:%S%.6f",
            };
            Node::String(time.format(form).to_string())
        }
        (node, _) => node.clone(),
    }
}

fn read_texts(dir: &Path) -> BTreeMap<String, String> {
    let Ok(entries) = fs::read_dir(dir) else { return BTreeMap::new() };
    entries
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, fs::read_to_string(&path).unwrap())
        })
        .collect()
}

fn write_texts(dir: &Path, texts: &BTreeMap<String, String>) {
    let _ = fs::remove_dir_all(dir);
    fs::create_dir(dir).unwrap();
    for (name, text) in texts {
        fs::write(dir.join(name), text).unwrap();
    }
}
