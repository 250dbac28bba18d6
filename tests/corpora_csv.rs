//! What others collected to break readers of CSV: csv-spectrum, DuckDB's CSV files.
//!
//! `tests/corpora.rs` says where the collections lie and what happens without them.
//! `UPDATE_CORPORA=1` writes what becomes of DuckDB's files anew; what DuckDB itself makes of them,
//! and why we differ, stays as it is written there.

#![allow(clippy::unwrap_used, reason = "a panic in a test is its failure")]

mod support;

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;
use support::{corpus, files, outcome_of};
use transmog::{
    Conversion, Destination, Dialect, Error, ErrorKind, Input, InputFormat, Nulls, OnError,
    OutputFormat, Ragged, Summary,
};

#[test]
fn every_case_of_csv_spectrum_gives_its_json() {
    let Some(folder) = corpus("csv-spectrum") else { return };
    let cases = files(&folder.join("csvs"));
    assert_eq!(cases.len(), 12);
    for (name, path) in cases {
        let dir = tempfile::tempdir().unwrap();
        let mut conversion = Conversion::new(vec![Input::File(path)], OutputFormat::Json);
        conversion.on_error = OnError::Fail;
        conversion.from = InputFormat::Csv;
        conversion.name = Some("t".to_owned());
        conversion.nulls = Nulls::Keep;
        conversion.flatten.all_text = true;
        conversion.destination = Destination::Directory(dir.path().to_path_buf());
        conversion.run().unwrap();
        let read = |path: &Path| -> Value {
            serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
        };
        let mut found = read(&dir.path().join("t.json"));
        // There an empty cell is text.
        for row in found.as_array_mut().unwrap() {
            let cells = row.as_object_mut().unwrap().values_mut();
            cells.filter(|cell| cell.is_null()).for_each(|cell| *cell = Value::from(""));
        }
        let json = folder.join("json").join(name.replace(".csv", ".json"));
        let mut expected = read(&json);
        if name == "location_coordinates.csv" {
            // The collection's own slip: an object, with another phone number than its CSV.
            expected["Contact Phone Number"] = Value::from("2095257564");
            expected = Value::Array(vec![expected]);
        }
        assert_eq!(found, expected, "{name}");
    }
    let words = "equal to their JSON; `location_coordinates` to its CSV, as its JSON is wrong";
    outcome_of("csv-spectrum", 12, 11, words);
}

const OUTCOMES: &str = include_str!("corpora/duckdb_csv.tsv");

/// No file may take longer; those that are read whole take a few milliseconds.
const FILE_LIMIT: Duration = Duration::from_secs(10);

/// What became of a file: the first columns of the table.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    rows_in: String,
    rows_out: u64,
    rejects: u64,
    verdict: String,
    dialect: String,
}

impl Outcome {
    fn of(name: &str, path: &Path) -> Outcome {
        let start = Instant::now();
        let result = convert(path, Ragged::Reject);
        assert!(start.elapsed() < FILE_LIMIT, "{name}: {:?}", start.elapsed());
        let verdict = match &result {
            Ok(summary) => format!("{} columns", summary.tables[0].columns),
            Err(error) => match error.kind() {
                ErrorKind::Record(code) => code.to_string(),
                // of a header, which is no record
                _ if error.to_string().contains(" quote") => "csv.quote".to_owned(),
                _ if error.to_string().contains("UTF-8") => "encoding.invalid".to_owned(),
                _ => error.to_string().rsplit_once(", ").unwrap().1.to_owned(),
            },
        };
        let is_fault = verdict.contains('.') && result.is_err();
        // Padding shows how rows at fault were read.
        let summary = match &result {
            Err(_) => convert(path, Ragged::Pad).ok(),
            Ok(summary) => {
                assert_eq!(summary.records, summary.tables[0].rows, "{name}");
                Some(summary.clone())
            }
        };
        let dialect = summary.as_ref().and_then(|summary| summary.dialects.first());
        if let Some((input, summary)) = dialect.zip(result.as_ref().ok()) {
            check_row_count(name, path, &input.dialect, summary);
        }
        Outcome {
            rows_in: summary.as_ref().map_or("?".to_owned(), |summary| summary.records.to_string()),
            rows_out: result.as_ref().map_or(0, |summary| summary.tables[0].rows),
            // The first one ends the run.
            rejects: u64::from(is_fault),
            verdict,
            dialect: dialect.map(|input| input.dialect.to_string()).unwrap_or_default(),
        }
    }

    fn cells(&self) -> [String; 5] {
        let Outcome { rows_in, rows_out, rejects, verdict, dialect } = self;
        let (rows_out, rejects) = (rows_out.to_string(), rejects.to_string());
        [rows_in.clone(), rows_out, rejects, verdict.clone(), dialect.clone()]
    }
}

fn convert(path: &Path, ragged: Ragged) -> Result<Summary, Error> {
    let dir = tempfile::tempdir().unwrap();
    let input = vec![Input::File(path.to_path_buf())];
    let mut conversion = Conversion::new(input, OutputFormat::Csv);
    conversion.on_error = OnError::Fail;
    conversion.name = Some("t".to_owned());
    conversion.destination = Destination::Directory(dir.path().to_path_buf());
    conversion.threads = std::num::NonZero::new(1);
    conversion.csv_input.cells.ragged = ragged;
    conversion.run()
}

/// Counts the dialects that were guessed right, as the table says in its last but one column.
fn sniffing(rows: &[Vec<String>]) -> String {
    let judged = |verdict: &str| {
        rows.iter().filter(|row| row[7] == verdict).map(|row| row[0].as_str()).collect::<Vec<_>>()
    };
    let (same, ours, wrong) = (judged("same"), judged("ours"), judged("wrong"));
    let right = same.len() + ours.len();
    format!(
        "# Sniffing: {right} of {} dialects right ({} as DuckDB sniffs, {} where it differs);\n\
         # wrong: {}.",
        right + wrong.len(),
        same.len(),
        ours.len(),
        wrong.join(", ")
    )
}

#[test]
fn files_of_duckdb_do_as_written_down() {
    let Some(folder) = corpus("duckdb-csv") else { return };
    let head: Vec<&str> = OUTCOMES.lines().take_while(|line| line.starts_with('#')).collect();
    let known = OUTCOMES.lines().skip(head.len()).map(|line| line.split('\t').collect::<Vec<_>>());
    let known: BTreeMap<&str, Vec<&str>> = known.map(|row| (row[0], row)).collect();
    let mut rows = Vec::new();
    for (name, path) in files(&folder) {
        let mut row = vec![name.clone()];
        row.extend(Outcome::of(&name, &path).cells());
        let known = known.get(name.as_str());
        let is_as_before = known.is_some_and(|known| known[4..6] == row[4..6]);
        let duckdb = known.map_or("?", |known| known[6]).to_owned();
        // Where we differ, what we think of it is written by hand.
        let by_hand =
            known.filter(|_| is_as_before).map_or(["?", ""], |known| [known[7], known[8]]);
        let guess = match row[5].as_str() {
            "" => "none",
            dialect if is_same_dialect(&row[4], dialect, &duckdb) => "same",
            _ => by_hand[0],
        };
        row.extend([duckdb, guess.to_owned(), by_hand[1].to_owned()]);
        rows.push(row);
    }
    let columns = *head.last().unwrap();
    let notes = head.iter().take_while(|line| !line.starts_with("# Sniffing"));
    let mut lines: Vec<String> = notes.map(|line| line.to_string()).collect();
    lines.extend([sniffing(&rows), columns.to_owned()]);
    lines.extend(rows.iter().map(|row| row.join("\t")));
    let written = lines.join("\n") + "\n";
    let tables = rows.iter().filter(|row| row[4].ends_with(" columns")).count();
    let known = rows.iter().filter(|row| OUTCOMES.contains(&row.join("\t"))).count();
    let words = format!("{tables} tables, the others rejected; duckdb_csv.tsv has each");
    outcome_of("duckdb-csv", rows.len(), known, &words);
    if std::env::var_os("UPDATE_CORPORA").is_some() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpora/duckdb_csv.tsv");
        return std::fs::write(path, written).unwrap();
    }
    let differences: Vec<&str> = written.lines().filter(|line| !OUTCOMES.contains(line)).collect();
    assert!(written == OUTCOMES, "not as in duckdb_csv.tsv:\n{}", differences.join("\n"));
    for row in rows {
        assert!(row[7] != "?", "{}: a guess that nobody judged", row[0]);
        assert!(!row[8].is_empty() || is_same_outcome(&row), "{}: differs, but why?", row[0]);
    }
}

/// Returns whether a dialect of ours is what DuckDB sniffs; where there is one column, no delimiter
/// counts.
fn is_same_dialect(verdict: &str, ours: &str, duckdb: &str) -> bool {
    let Some((size, sniffed)) = duckdb.split_once("; ") else { return false };
    let delimiter = |text: &str| text.split('`').nth(1).map(str::to_owned);
    let skipped = |text: &str, unit: &str| {
        let words: Vec<&str> = text.split([' ', ',']).filter(|word| !word.is_empty()).collect();
        let at = words.iter().rposition(|word| word.starts_with(unit))?;
        words[at - 1].parse::<u64>().ok()
    };
    let is_single = size.ends_with(", 1 columns") && verdict == "1 columns";
    (is_single || delimiter(ours) == delimiter(sniffed))
        && ours.contains("no header") == sniffed.contains("no header")
        && skipped(ours, "line") == skipped(sniffed, "skipped")
}

/// Returns whether a file gives the same rows and columns here as in DuckDB, or none in both.
fn is_same_outcome(row: &[String]) -> bool {
    match row[4].ends_with(" columns") {
        true => row[6].starts_with(&format!("{} rows, {}", row[2], row[4])),
        false => row[6].starts_with("error"),
    }
}

/// Reads a file as it is, unpacked, and as UTF-8 where it is UTF-16.
fn read_text(path: &Path) -> Vec<u8> {
    let mut bytes = std::fs::read(path).unwrap();
    if bytes.starts_with(b"\x1F\x8B") {
        let mut unpacked = Vec::new();
        flate2::read::MultiGzDecoder::new(&*bytes).read_to_end(&mut unpacked).unwrap();
        bytes = unpacked;
    } else if bytes.starts_with(b"\x28\xB5\x2F\xFD") {
        bytes = zstd::decode_all(&*bytes).unwrap();
    }
    match encoding_rs::Encoding::for_bom(&bytes) {
        Some((charset, _)) if charset != encoding_rs::UTF_8 => {
            charset.decode(&bytes).0.into_owned().into_bytes()
        }
        _ => bytes,
    }
}

/// Compares the rows of a file that was taken with those that the `csv` crate finds.
fn check_row_count(name: &str, path: &Path, dialect: &Dialect, summary: &Summary) {
    // That crate skips the blank lines that are rows of one column, and cannot skip lines.
    if dialect.skip_lines > 0 || dialect.comment.is_some() || summary.tables[0].columns < 2 {
        return;
    }
    let mut builder = csv::ReaderBuilder::new();
    builder.delimiter(dialect.delimiter).escape(dialect.escape).has_headers(dialect.header);
    builder.quoting(dialect.quote.is_some()).quote(dialect.quote.unwrap_or(b'"')).flexible(true);
    let bytes = read_text(path);
    let mut reader = builder.from_reader(&bytes[..]);
    let count = reader.byte_records().map(Result::unwrap).count();
    assert_eq!(summary.records, count as u64, "{name}");
}
