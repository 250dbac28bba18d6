//! What others collected to break parsers and file writers: JSONTestSuite, number texts, malformed
//! UTF-8, naughty strings, DuckDB's JSON files, damaged zstd.
//!
//! The collections lie outside this repository: in the folder that `TRANSMOG_CORPORA` names, by
//! default `../shared/corpora`. Without that folder every test says that it skipped, and passes;
//! in CI it fails unless `TRANSMOG_NO_CORPORA` is set.

#![allow(clippy::unwrap_used, reason = "a panic in a test is its failure")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use arrow_schema::DataType;
use support::{
    Node, Table, corpus, files, join, outcome_of, read_files, read_tables, with_instants,
};
use transmog::decode::json;
use transmog::{
    Conversion, DeclaredType, Destination, Error, ErrorKind, FaultCode, Input, InputFormat,
    NonObjects, OnError, OutputFormat, Summary,
};

/// Runs `work` aside and fails where it takes longer than `limit`.
fn within<T: Send + 'static>(
    limit: Duration,
    what: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> T {
    let (send, receive) = mpsc::channel();
    let worker = std::thread::spawn(move || {
        let _ = send.send(work());
    });
    match receive.recv_timeout(limit) {
        Ok(done) => done,
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("{what}: not done after {limit:?}"),
        Err(mpsc::RecvTimeoutError::Disconnected) => {
            std::panic::resume_unwind(worker.join().expect_err("it sent nothing"))
        }
    }
}

/// What a run left.
#[derive(Debug)]
struct Run {
    result: Result<Summary, Error>,
    /// Holds `out` and nothing else.
    dir: tempfile::TempDir,
}

impl Run {
    fn out(&self) -> PathBuf {
        self.dir.path().join("out")
    }

    fn tables(&self) -> Vec<Table> {
        read_tables(&self.out(), "_tm_")
    }

    /// Returns the records that the tables join to.
    fn records(&self) -> Vec<Node> {
        join(self.tables()).iter().map(Node::normal).collect()
    }

    /// Fails unless the run ended with an error that is not a bug, and left nothing.
    #[track_caller]
    fn rejected(&self, what: &str) -> &Error {
        let error = match &self.result {
            Err(error) => error,
            Ok(summary) => panic!("{what}: accepted, {} records", summary.records),
        };
        assert!(
            matches!(
                error.kind(),
                ErrorKind::Input | ErrorKind::Compression | ErrorKind::Record(_)
            ),
            "{what}: {error:?}"
        );
        let left = std::fs::read_dir(self.out()).map_or(0, Iterator::count);
        assert_eq!(left, 0, "{what}: files are left after {error}");
        error
    }

    #[track_caller]
    fn accepted(&self, what: &str) -> &Summary {
        self.result.as_ref().unwrap_or_else(|error| panic!("{what}: {error}"))
    }
}

/// Converts one input to Parquet, with what `set` changes, in at most `limit`.
fn run_within(
    limit: Duration,
    what: &str,
    input: Input,
    set: impl FnOnce(&mut Conversion) + Send + 'static,
) -> Run {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    std::fs::create_dir(&out).unwrap();
    let mut conversion = Conversion::new(vec![input], OutputFormat::Parquet);
    conversion.on_error = OnError::Fail;
    conversion.destination = Destination::Directory(out);
    set(&mut conversion);
    let result = within(limit, what, move || conversion.run());
    let around = std::fs::read_dir(dir.path()).unwrap().count();
    assert_eq!(around, 1, "{what}: files beside the directory");
    Run { result, dir }
}

fn bytes_input(bytes: &[u8]) -> Input {
    let reader = Box::new(std::io::Cursor::new(bytes.to_vec()));
    Input::Reader { name: "records".to_owned(), reader }
}

const RECORD_LIMIT: Duration = Duration::from_secs(1);
const FILE_LIMIT: Duration = Duration::from_secs(10);

/// Converts bytes as JSON, which may hold line ends anywhere.
fn run_json(what: &str, bytes: &[u8], set: impl FnOnce(&mut Conversion) + Send + 'static) -> Run {
    run_within(RECORD_LIMIT, what, bytes_input(bytes), move |conversion| {
        conversion.from = InputFormat::Json;
        set(conversion);
    })
}

/// Spells numbers that became text as serde_json does, which puts a sign before each exponent.
fn respelled(node: &Node) -> Node {
    match node {
        Node::String(text) if transmog::decode::number::is_number(text) => {
            let Node::Number(text) = Node::parse(text) else { unreachable!("a number") };
            Node::String(text)
        }
        Node::Array(values) => Node::Array(values.iter().map(respelled).collect()),
        Node::Object(members) => Node::Object(
            members.iter().map(|(key, value)| (key.clone(), respelled(value))).collect(),
        ),
        other => other.clone(),
    }
}

fn wrapped(bytes: &[u8]) -> Vec<u8> {
    [b"{\"v\":", bytes, b"}"].concat()
}

/// Fails unless `{"v":` + bytes + `}` is one row whose value comes back, as cells and as JSON text.
#[track_caller]
fn check_comes_back(what: &str, bytes: &[u8]) {
    let text = std::str::from_utf8(bytes).unwrap();
    let done = run_json(what, &wrapped(bytes), |_| {});
    assert_eq!(done.accepted(what).records, 1, "{what}");
    let oracle = Node::parse(text);
    let expected = Node::Object(vec![("v".to_owned(), oracle.clone())]).normal();
    let back = done.records();
    assert_eq!(back.len(), 1, "{what}");
    let expected = with_instants(&expected, &back[0]);
    assert!(
        expected.is_same(&respelled(&back[0])),
        "{what}: {expected:?} came back as {:?}",
        back[0]
    );

    let text = json_text_of(what, bytes);
    let back = text.map_or(Node::Null, |text| Node::parse(&text));
    assert_eq!(back, oracle, "{what} as JSON text");
}

/// Returns what `bytes` become in a column of JSON text.
#[track_caller]
fn json_text_of(what: &str, bytes: &[u8]) -> Option<String> {
    let done = run_json(what, &wrapped(bytes), |conversion| {
        conversion.flatten.types.push(("v".parse().unwrap(), DeclaredType::Json));
    });
    assert_eq!(done.accepted(what).records, 1, "{what}");
    let tables = done.tables();
    assert_eq!((tables.len(), tables[0].rows), (1, 1), "{what}");
    match &tables[0].columns[0].values[0] {
        Node::Null => None,
        Node::String(text) => Some(text.clone()),
        other => panic!("{what}: {other:?}"),
    }
}

/// The cases of the JSON test suite whose names start with `prefix`.
fn suite(folder: &Path, prefix: &str) -> Vec<(String, Vec<u8>)> {
    files(&folder.join("test_parsing"))
        .into_iter()
        .filter(|(name, _)| name.starts_with(prefix))
        .map(|(name, path)| {
            (name.trim_end_matches(".json").to_owned(), std::fs::read(path).unwrap())
        })
        .collect()
}

#[test]
fn json_that_must_be_accepted_comes_back() {
    let Some(folder) = corpus("json-testsuite") else { return };
    let cases = suite(&folder, "y_");
    assert_eq!(cases.len(), 95);
    let count = cases.len();
    for (name, bytes) in cases {
        assert_eq!(json::check(&bytes), Ok(()), "{name}");
        check_comes_back(&name, &bytes);
    }
    outcome_of("json-testsuite `y_`", count, count, "one row each, whose value comes back");
}

#[test]
fn json_that_must_be_rejected_gives_no_row() {
    let Some(folder) = corpus("json-testsuite") else { return };
    let cases = suite(&folder, "n_");
    assert_eq!(cases.len(), 188);
    let count = cases.len();
    for (name, bytes) in cases {
        assert!(json::check(&bytes).is_err(), "{name}");
        run_json(&name, &wrapped(&bytes), |_| {}).rejected(&name);
        // As one line, where it is one.
        if !bytes.contains(&b'\n') {
            let set = |conversion: &mut Conversion| conversion.from = InputFormat::Jsonl;
            run_within(RECORD_LIMIT, &name, bytes_input(&wrapped(&bytes)), set).rejected(&name);
        }
    }
    outcome_of("json-testsuite `n_`", count, count, "rejected, never a row");
}

#[test]
fn files_that_are_no_json_give_no_row() {
    /// No JSON texts, and yet inputs: how many records they hold, and why.
    const INPUTS: [(&str, u64, &str); 5] = [
        ("n_single_space", 0, "an input of white space has no records"),
        ("n_structure_no_data", 0, "an empty input has no records"),
        ("n_structure_UTF8_BOM_no_data", 0, "an empty input with a byte order mark"),
        ("n_structure_double_array", 0, "two arrays of no records: back to back"),
        ("n_structure_object_with_trailing_garbage", 2, "an object, then a string: back to back"),
    ];
    let Some(folder) = corpus("json-testsuite") else { return };
    let mut seen = 0;
    for (name, bytes) in suite(&folder, "n_") {
        let input = INPUTS.iter().find(|(known, ..)| *known == name);
        seen += usize::from(input.is_some());
        for from in [InputFormat::Json, InputFormat::Auto] {
            let done = run_within(RECORD_LIMIT, &name, bytes_input(&bytes), move |conversion| {
                conversion.from = from;
                conversion.non_objects = NonObjects::Wrap;
            });
            match input {
                Some((_, records, why)) => {
                    let rows: usize = done.tables().iter().map(|table| table.rows).sum();
                    assert_eq!(done.accepted(&name).records, *records, "{name}, {why}");
                    assert_eq!(rows as u64, *records, "{name}, {why}");
                }
                None => {
                    done.rejected(&format!("{name} as {}", from.as_str()));
                }
            }
        }
    }
    assert_eq!(seen, INPUTS.len());
}

/// Reads the rows of a table in a note: the cells of each, the first without its backquotes.
fn rows_of(note: &str) -> Vec<Vec<String>> {
    note.lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| {
            let cells = line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned());
            let mut cells: Vec<String> = cells.collect();
            cells[0] = cells[0].trim_matches('`').to_owned();
            cells
        })
        .collect()
}

#[test]
fn json_left_to_the_parser_is_treated_as_written_down() {
    const BOM: &str = "i_structure_UTF-8_BOM_empty_object";
    const UTF_16: &str = "i_string_UTF-16LE_with_BOM";
    const DEEP: &str = "i_structure_500_nested_arrays";
    let Some(folder) = corpus("json-testsuite") else { return };
    let note = include_str!("corpora/json_testsuite.md");
    let verdicts = rows_of(note);
    let cases = suite(&folder, "i_");
    let names = |names: &mut dyn Iterator<Item = &String>| names.cloned().collect::<BTreeSet<_>>();
    assert_eq!(
        names(&mut verdicts.iter().map(|row| &row[0])),
        names(&mut cases.iter().map(|(name, _)| name))
    );
    assert_eq!(cases.len(), 35);
    let accepted = verdicts.iter().filter(|row| row[1] == "accepted").count();
    let rejected = verdicts.iter().filter(|row| row[1] == "rejected").count();
    assert_eq!(note.lines().last().unwrap(), format!("{accepted} accepted, {rejected} rejected."));

    for (name, bytes) in cases {
        let verdict = &verdicts.iter().find(|row| row[0] == name).unwrap()[1];
        match (verdict.as_str(), name.as_str()) {
            ("accepted", BOM) => {
                assert_eq!(run_json(&name, &bytes, |_| {}).accepted(&name).records, 1);
                run_json(&name, &wrapped(&bytes), |_| {}).rejected(&name);
            }
            ("accepted", UTF_16) => {
                let wrap = |conversion: &mut Conversion| conversion.non_objects = NonObjects::Wrap;
                let done = run_json(&name, &bytes, wrap);
                assert_eq!(done.records()[0], Node::parse("{\"value\":\"é\"}").normal());
                run_json(&name, &wrapped(&bytes), |_| {}).rejected(&name);
            }
            ("accepted", DEEP) => {
                assert_eq!(json::check(&bytes), Ok(()));
                run_json(&name, &wrapped(&bytes), |_| {}).accepted(&name);
                // Too deep for the oracle; it holds nothing but brackets.
                let text = json_text_of(&name, &bytes).unwrap();
                assert_eq!(text.as_bytes(), bytes.trim_ascii());
            }
            ("accepted", _) => {
                assert_eq!(json::check(&bytes), Ok(()), "{name}");
                check_comes_back(&name, &bytes);
            }
            ("rejected", _) => {
                assert!(json::check(&bytes).is_err(), "{name}");
                run_json(&name, &wrapped(&bytes), |_| {}).rejected(&name);
                let wrap = |conversion: &mut Conversion| conversion.non_objects = NonObjects::Wrap;
                run_json(&name, &bytes, wrap).rejected(&name);
                let done = run_within(RECORD_LIMIT, &name, bytes_input(&bytes), wrap);
                let error = done.rejected(&name);
                if name.to_lowercase().contains("utf-16") || name.contains("utf16") {
                    assert_eq!(error.kind(), ErrorKind::Input, "{name}");
                    assert!(error.to_string().contains("UTF-16"), "{name}: {error}");
                }
            }
            (other, _) => panic!("{name}: neither accepted nor rejected, but {other}"),
        }
    }
    let words = format!("{accepted} accepted, {rejected} rejected; json_testsuite.md says why");
    outcome_of("json-testsuite `i_`", 35, 35, &words);
}

#[test]
fn json_that_parsers_change_comes_back_unchanged() {
    let Some(folder) = corpus("json-testsuite") else { return };
    let cases = files(&folder.join("test_transform"));
    assert_eq!(cases.len(), 22);
    for (name, path) in cases {
        let bytes = std::fs::read(path).unwrap();
        match serde_json::from_slice::<serde_json::Value>(&bytes) {
            Ok(_) => check_comes_back(&name, &bytes),
            Err(_) => {
                run_json(&name, &wrapped(&bytes), |_| {}).rejected(&name);
            }
        }
    }
    outcome_of("json-testsuite, transform", 22, 22, "unchanged, or rejected where serde_json does");
}

/// A number text and the bits of the double it denotes.
fn number_texts(folder: &Path) -> Vec<(String, u64)> {
    let mut texts = Vec::new();
    for path in files(folder).values() {
        for line in std::fs::read_to_string(path).unwrap().lines() {
            let mut fields = line.split(' ').skip(2);
            let bits = u64::from_str_radix(fields.next().unwrap(), 16).unwrap();
            texts.push((fields.next().unwrap().to_owned(), bits));
        }
    }
    assert_eq!(texts.len(), 21_232);
    texts.retain(|(text, _)| {
        let is_json = serde_json::from_str::<serde_json::Value>(text).is_ok();
        assert_eq!(transmog::decode::number::is_number(text), is_json, "{text}");
        assert_eq!(json::check(text.as_bytes()).is_ok(), is_json, "{text}");
        is_json
    });
    assert_eq!(texts.len(), 21_118);
    texts
}

fn numbers_run(texts: &[(String, u64)], declared: Option<DeclaredType>) -> Run {
    let lines: String = texts.iter().map(|(text, _)| format!("{{\"x\":{text}}}\n")).collect();
    run_within(FILE_LIMIT, "numbers", bytes_input(lines.as_bytes()), move |conversion| {
        conversion.from = InputFormat::Jsonl;
        let types = declared.map(|declared| ("x".parse().unwrap(), declared));
        conversion.flatten.types.extend(types);
    })
}

/// The column of the numbers.
fn number_column(done: &Run) -> (DataType, Vec<Node>) {
    done.accepted("numbers");
    let column = done.tables().remove(0).columns.remove(0);
    (column.data_type, column.values)
}

#[test]
fn number_texts_become_the_double_they_denote() {
    let Some(folder) = corpus("parse-number-fxx") else { return };
    let texts = number_texts(&folder);
    let finite: Vec<_> =
        texts.iter().filter(|(_, bits)| f64::from_bits(*bits).is_finite()).cloned().collect();
    assert_eq!(finite.len(), 20_849);
    let floats = finite.iter().filter(|(text, _)| text.contains(['.', 'e', 'E'])).cloned();
    let floats: Vec<_> = floats.collect();
    for (texts, declared) in [(&finite, Some(DeclaredType::Double)), (&floats, None)] {
        let (data_type, values) = number_column(&numbers_run(texts, declared));
        assert_eq!(data_type, DataType::Float64, "{declared:?}");
        assert_eq!(values.len(), texts.len());
        for ((text, bits), value) in texts.iter().zip(&values) {
            let Node::Number(value) = value else { panic!("{text}: {value:?}") };
            let value: f64 = value.parse().unwrap();
            assert_eq!(value.to_bits(), *bits, "{text} became {value:?}");
        }
    }
    let words = "finite texts of JSON numbers, each the double it denotes, bit by bit";
    outcome_of("parse-number-fxx, finite", finite.len(), finite.len(), words);
}

#[test]
fn number_texts_of_all_kinds_keep_their_value_side_by_side() {
    let Some(folder) = corpus("parse-number-fxx") else { return };
    let texts = number_texts(&folder);
    let (data_type, values) = number_column(&numbers_run(&texts, None));
    assert_eq!(data_type, DataType::Utf8);
    assert_eq!(values.len(), texts.len());
    for ((text, bits), value) in texts.iter().zip(&values) {
        assert!(Node::Number(text.clone()).is_same(value), "{text} became {value:?}");
        let is_float = text.contains(['.', 'e', 'E']);
        if is_float && !f64::from_bits(*bits).is_finite() {
            assert_eq!(*value, Node::String(text.clone()));
        }
    }
}

#[test]
fn number_texts_beyond_a_double_never_become_infinite() {
    let Some(folder) = corpus("parse-number-fxx") else { return };
    let far: Vec<_> = number_texts(&folder)
        .into_iter()
        .filter(|(_, bits)| !f64::from_bits(*bits).is_finite())
        .collect();
    assert_eq!(far.len(), 269);
    let (data_type, values) = number_column(&numbers_run(&far, None));
    assert_eq!(data_type, DataType::Utf8);
    let texts: Vec<_> = far.iter().map(|(text, _)| Node::String(text.clone())).collect();
    assert_eq!(values, texts);
    let words = "text, or rejected as a double; never infinite";
    outcome_of("parse-number-fxx, beyond a double", far.len(), far.len(), words);
    for one in far {
        let done = numbers_run(std::slice::from_ref(&one), Some(DeclaredType::Double));
        let error = done.rejected(&one.0);
        assert_eq!(error.kind(), ErrorKind::Record(FaultCode::ValueType), "{}", one.0);
    }
}

#[test]
fn malformed_utf_8_is_rejected_and_the_rest_unchanged() {
    /// In sections 2 and 5.3, and yet rejected.
    const NOT_UTF_8: [&str; 6] = ["2.1.5", "2.1.6", "2.2.4", "2.2.5", "2.2.6", "2.3.5"];
    /// In section 2, and not JSON as it stands: a raw control character.
    const NOT_JSON: &str = "2.1.1";
    let Some(folder) = corpus("kuhn-utf8") else { return };
    let text = std::fs::read(folder.join("UTF-8-test.txt")).unwrap();
    let (mut place, mut rejected, mut unchanged) = (String::new(), 0, 0);
    for line in text.split(|&byte| byte == b'\n') {
        let first = line.split(|&byte| byte == b' ').next().unwrap();
        if first.first().is_some_and(u8::is_ascii_digit) {
            place = String::from_utf8(first.to_vec()).unwrap();
        }
        let mut json = b"\"".to_vec();
        for &byte in line {
            json.extend_from_slice(if matches!(byte, b'"' | b'\\') { b"\\" } else { b"" });
            json.push(byte);
        }
        json.push(b'"');
        let what = format!("{place}: {}", String::from_utf8_lossy(line).trim());
        let is_bad = ["3", "4", "5.1", "5.2"].iter().any(|section| place.starts_with(section));
        if (is_bad && !line.is_ascii()) || NOT_UTF_8.contains(&place.as_str()) && !line.is_ascii() {
            let fault = json::check(&json).expect_err(&what);
            assert_eq!(fault.code, FaultCode::EncodingInvalid, "{what}");
            let done = run_json(&what, &wrapped(&json), |_| {});
            let error = done.rejected(&what);
            assert_eq!(error.kind(), ErrorKind::Record(FaultCode::EncodingInvalid), "{what}");
            // The same bytes in a key.
            let key = [b"{", &json[..], b":1}"].concat();
            run_json(&what, &key, |_| {}).rejected(&what);
            rejected += 1;
        } else if place == NOT_JSON && line.contains(&0) {
            run_json(&what, &wrapped(&json), |_| {}).rejected(&what);
            let escaped = String::from_utf8(json).unwrap().replace('\0', "\\u0000");
            check_comes_back(&what, escaped.as_bytes());
        } else if !line.is_ascii() || line.contains(&0x7F) {
            check_comes_back(&what, &json);
            unchanged += 1;
        }
    }
    assert_eq!((rejected, unchanged), (68, 16));
    let words = format!("{rejected} rejected, {unchanged} unchanged, as values; as keys as well");
    outcome_of("kuhn-utf8", rejected + unchanged, rejected + unchanged, &words);
}

fn naughty_strings(folder: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(folder.join("blns.json")).unwrap();
    let strings: Vec<String> = serde_json::from_str(&text).unwrap();
    assert_eq!(strings.len(), 515);
    strings
}

#[test]
fn naughty_strings_are_values_as_they_stand() {
    let Some(folder) = corpus("blns") else { return };
    let strings = naughty_strings(&folder);
    let line = |text: &String| format!("{}\n", serde_json::json!({ "v": text }));
    let lines: String = strings.iter().map(line).collect();
    let done = run_json("blns", lines.as_bytes(), |_| {});
    done.accepted("blns");
    let column = done.tables().remove(0).columns.remove(0);
    let expected: Vec<Node> = strings.iter().cloned().map(Node::String).collect();
    assert_eq!(column.values, expected);

    let done = run_json("blns", lines.as_bytes(), |conversion| conversion.to = OutputFormat::Jsonl);
    done.accepted("blns");
    let text = std::fs::read_to_string(done.out().join("records.jsonl")).unwrap();
    let value = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap()["v"].clone();
    let values: Vec<_> = text.lines().map(value).collect();
    assert_eq!(values, strings);
    outcome_of("blns, values", strings.len(), values.len(), "as they stand, in Parquet and JSONL");
}

/// Returns the key at `step` of a path.
fn key_at(path: &str, step: usize) -> String {
    match path.split('/').nth(step + 1).unwrap() {
        "~2" => "*".to_owned(),
        token => token.replace("~1", "/").replace("~0", "~"),
    }
}

/// Builds a record with every naughty string as a key, whose value is made of its number.
fn naughty_record(strings: &[String], value: impl Fn(usize) -> Node) -> (String, Vec<String>) {
    let mut keys: Vec<String> = Vec::new();
    for text in strings {
        if !keys.contains(text) {
            keys.push(text.clone());
        }
    }
    assert_eq!(keys.len(), 511);
    let members = keys.iter().enumerate().map(|(number, key)| (key.clone(), value(number)));
    let mut json = String::new();
    Node::Object(members.collect()).write(&mut json);
    (json, keys)
}

#[track_caller]
fn assert_distinct_ignoring_case(names: impl Iterator<Item = String>) {
    let mut seen = BTreeSet::new();
    for name in names {
        assert!(seen.insert(name.to_lowercase()), "{name:?} stands twice");
    }
}

#[test]
fn naughty_strings_are_columns_that_know_their_key() {
    let Some(folder) = corpus("blns") else { return };
    let number = |number: usize| Node::Number(number.to_string());
    let (json, keys) = naughty_record(&naughty_strings(&folder), number);
    let done = run_json("blns", json.as_bytes(), |_| {});
    done.accepted("blns");
    let tables = done.tables();
    assert_eq!((tables.len(), tables[0].rows), (1, 1));
    let columns = &tables[0].columns;
    assert_eq!(columns.len(), keys.len());
    let links = tables[0].links.keys().map(|suffix| format!("_tm_{suffix}"));
    assert_distinct_ignoring_case(columns.iter().map(|column| column.name.clone()).chain(links));
    for (place, (column, key)) in columns.iter().zip(&keys).enumerate() {
        assert_eq!(key_at(column.path.as_ref().unwrap(), 0), *key);
        assert_eq!(column.values, [number(place)], "{key:?}");
    }
    outcome_of("blns, keys", keys.len(), columns.len(), "distinct columns that know their key");
}

#[test]
fn naughty_strings_are_files_inside_the_directory() {
    let Some(folder) = corpus("blns") else { return };
    let element = |number: usize| {
        let row = vec![("n".to_owned(), Node::Number(number.to_string()))];
        Node::Array(vec![Node::Object(row)])
    };
    let (json, keys) = naughty_record(&naughty_strings(&folder), element);
    for to in OutputFormat::ALL {
        let done =
            run_within(FILE_LIMIT, "blns", bytes_input(json.as_bytes()), move |conversion| {
                conversion.flatten.max_tables = 4096;
                conversion.to = to;
            });
        let summary = done.accepted("blns");
        assert_eq!(summary.tables.len(), keys.len() + 1, "{to}");
        let found = read_files(&done.out());
        assert_eq!(found.len(), keys.len() + 1, "{to}");
        for table in &summary.tables {
            let path = table.path.as_ref().unwrap();
            assert_eq!(path.parent().unwrap(), done.out(), "{to}");
            let name = path.file_name().unwrap().to_str().unwrap();
            assert_eq!(found[name].len() as u64, table.bytes, "{name:?} as {to}");
            assert!(name.len() <= 255 && !name.chars().any(char::is_control), "{name:?}");
            assert!(!name.contains(['/', '\\', ':', '*', '?', '"', '<', '>', '|']), "{name:?}");
        }
        assert_distinct_ignoring_case(found.keys().cloned());
        assert_distinct_ignoring_case(summary.tables.iter().map(|table| table.name.clone()));
        if to != OutputFormat::Parquet {
            continue;
        }
        let tables = done.tables();
        let mut back = BTreeMap::new();
        for table in tables.iter().filter(|table| table.parent.is_some()) {
            assert_eq!(table.path, format!("{}/*", table.path.strip_suffix("/*").unwrap()));
            back.insert(key_at(&table.path, 0), table.columns[0].values.clone());
        }
        let expected = keys.iter().enumerate();
        let expected = expected
            .map(|(number, key)| (key.clone(), vec![Node::Number(number.to_string())]))
            .collect();
        assert_eq!(back, expected);
    }
    let count = naughty_record(&naughty_strings(&folder), element).1.len();
    let words = "distinct files inside the directory, in every format";
    outcome_of("blns, keys of arrays", count, count, words);
}

/// Reads a file's records with serde_json alone: the elements of arrays, or values back to back.
fn oracle_records(bytes: &[u8]) -> Result<Vec<Node>, serde_json::Error> {
    let text = std::str::from_utf8(bytes).unwrap();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let values = serde_json::Deserializer::from_str(text).into_iter::<serde_json::Value>();
    let mut values = values.collect::<Result<Vec<_>, _>>()?;
    if let Some(serde_json::Value::Array(_)) = values.first() {
        let records = values.into_iter().flat_map(|value| match value {
            serde_json::Value::Array(records) => records,
            other => vec![other],
        });
        values = records.collect();
    }
    Ok(values.iter().map(|value| Node::parse(&value.to_string())).collect())
}

const DUCKDB_JSON: &str = include_str!("corpora/duckdb_json.tsv");

/// Says what became of a file: records in and out, rows of child tables, rejects, verdict.
fn outcome(done: &Run, records_in: Option<usize>) -> String {
    let records_in = records_in.map_or_else(|| "-".to_owned(), |count| count.to_string());
    let (records, child_rows, rejects, verdict) = match &done.result {
        Ok(summary) => {
            let rows: u64 = summary.tables.iter().map(|table| table.rows).sum();
            (summary.records, rows - summary.tables[0].rows, 0, "converted".to_owned())
        }
        Err(error) => match error.kind() {
            ErrorKind::Record(code) => (0, 0, 1, code.to_string()),
            kind => (0, 0, 0, format!("{kind:?}").to_lowercase()),
        },
    };
    format!("{records_in}\t{records}\t{child_rows}\t{rejects}\t{verdict}")
}

/// Reads a file as it is, or what gzip data holds.
fn read_unpacked(path: &Path) -> Vec<u8> {
    let mut bytes = std::fs::read(path).unwrap();
    if path.extension().is_some_and(|ending| ending == "gz") {
        let mut unpacked = Vec::new();
        flate2::read::MultiGzDecoder::new(&*bytes).read_to_end(&mut unpacked).unwrap();
        bytes = unpacked;
    }
    bytes
}

#[test]
fn files_of_duckdb_do_as_written_down() {
    let Some(folder) = corpus("duckdb-json") else { return };
    let rows = DUCKDB_JSON.lines().filter(|line| !line.starts_with('#'));
    let expected: BTreeMap<&str, &str> = rows.map(|row| row.split_once('\t').unwrap()).collect();
    let cases = files(&folder);
    let (mut written, mut differences) = (String::new(), Vec::new());
    for (name, path) in &cases {
        let done = run_within(FILE_LIMIT, name, Input::File(path.clone()), |_| {});
        let records = oracle_records(&read_unpacked(path)).ok();
        let found = outcome(&done, records.as_ref().map(Vec::len));
        let row: Vec<&str> = expected.get(&**name).map_or("", |row| *row).split('\t').collect();
        let [old @ .., duckdb, why] = &row[..] else { panic!("{name}: not in the table") };
        written.push_str(&format!("{name}\t{found}\t{duckdb}\t{why}\n"));
        if old.join("\t") != found {
            differences.push(format!("{name}: {found}"));
        }
        // where DuckDB's verdict is another one the table says why
        let taken = done.result.as_ref().map(|summary| format!("{} rows", summary.records));
        let is_same = taken.map_or(duckdb.starts_with("error"), |rows| rows == *duckdb);
        assert!(is_same || !why.is_empty(), "{name}: {found}, but DuckDB: {duckdb}");
        if done.result.is_err() {
            let error = done.rejected(name);
            assert!(error.to_string().contains(path.to_str().unwrap()), "{name}: {error}");
            continue;
        }
        let (records, back) = (records.unwrap(), done.records());
        assert_eq!(back.len(), records.len(), "{name}");
        for (record, back) in records.iter().zip(&back) {
            let record = with_instants(&record.normal(), back);
            assert!(record.is_same(&respelled(back)), "{name}: {record:?} came back as {back:?}");
        }
    }
    let found = |line: &&str| line.split('\t').nth(5) == Some("converted");
    let converted = written.lines().filter(found).count();
    let words = format!("{converted} converted, the others rejected; duckdb_json.tsv has each");
    let as_expected = cases.len() - differences.len();
    outcome_of("duckdb-json", cases.len(), as_expected, &words);
    if std::env::var_os("UPDATE_CORPORA").is_some() {
        let head = DUCKDB_JSON.lines().take_while(|line| line.starts_with('#'));
        let head: String = head.map(|line| format!("{line}\n")).collect();
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpora/duckdb_json.tsv");
        return std::fs::write(path, head + &written).unwrap();
    }
    assert!(differences.is_empty(), "not as in duckdb_json.tsv:\n{}", differences.join("\n"));
    assert_eq!(cases.len(), expected.len());
}

fn duckdb_run(folder: &Path, names: &[&str]) -> Run {
    let inputs: Vec<Input> = names.iter().map(|name| Input::File(folder.join(name))).collect();
    run_within(FILE_LIMIT, names[0], bytes_input(b""), move |conversion| {
        conversion.inputs = inputs;
        conversion.name = Some("records".to_owned());
    })
}

#[test]
fn line_ends_make_no_difference() {
    let Some(folder) = corpus("duckdb-json") else { return };
    let read = |name: &str| {
        let done = duckdb_run(&folder, &[name]);
        assert_eq!(done.accepted(name).records, 5, "{name}");
        read_files(&done.out())
    };
    let expected = read("example_n.ndjson");
    assert_eq!(read("example_r.ndjson"), expected);
    assert_eq!(read("example_rn.ndjson"), expected);
}

#[test]
fn keys_that_differ_in_case_keep_their_columns() {
    let Some(folder) = corpus("duckdb-json") else { return };
    for (names, keys) in [
        (
            &["15601/bunch_of_key_collisions.json"][..],
            &["duck_1_1", "duck", "Duck", "duck_1", "Duck_1", "Duck_1_1"][..],
        ),
        (
            &["15601/fragment1.json", "15601/fragment2.json"][..],
            &[
                "id",
                "Consignee",
                "Time",
                "DocketNumber",
                "Image",
                "Time_1",
                "Comments",
                "Driver",
                "image",
                "Image_1",
                "signature",
            ][..],
        ),
        (&["duplicate_column_names.json"][..], &["id", "Id", "iD", "ID"][..]),
    ] {
        let done = duckdb_run(&folder, names);
        done.accepted(names[0]);
        let table = done.tables().remove(0);
        assert_distinct_ignoring_case(table.columns.iter().map(|column| column.name.clone()));
        let found: BTreeSet<_> =
            table.columns.iter().map(|column| key_at(column.path.as_ref().unwrap(), 0)).collect();
        assert_eq!(found, keys.iter().map(|key| (*key).to_owned()).collect(), "{names:?}");
    }
}

#[test]
fn a_byte_order_mark_is_no_part_of_a_key() {
    let Some(folder) = corpus("duckdb-json") else { return };
    let name = "sample_utf8_bom.json";
    assert!(std::fs::read(folder.join(name)).unwrap().starts_with("\u{feff}".as_bytes()));
    let done = duckdb_run(&folder, &[name]);
    done.accepted(name);
    for table in done.tables() {
        assert!(!table.path.contains('\u{feff}'));
        for column in table.columns {
            assert!(
                !column.name.contains('\u{feff}')
                    && !column.path.as_ref().unwrap().contains('\u{feff}')
            );
        }
    }
}

#[test]
fn columns_are_the_union_of_all_records() {
    let Some(folder) = corpus("duckdb-json") else { return };
    for (name, expected) in [
        ("different_schemas.ndjson", &[("id", DataType::Int64), ("name", DataType::Utf8)][..]),
        (
            "union.ndjson",
            &[
                ("data_name", DataType::Utf8),
                ("data_age", DataType::Int64),
                ("data_veteran", DataType::Boolean),
            ],
        ),
    ] {
        let done = duckdb_run(&folder, &[name]);
        done.accepted(name);
        let table = done.tables().remove(0);
        let found: Vec<_> = table
            .columns
            .iter()
            .map(|column| (column.name.as_str(), column.data_type.clone()))
            .collect();
        assert_eq!(found, expected, "{name}");
    }
    // "1", 2 and [3] under one key.
    let done = duckdb_run(&folder, &["inconsistent_schemas.ndjson"]);
    let table = done.tables().remove(0);
    let names: Vec<_> = table.columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["id", "name", "id_list"]);
}

#[test]
fn damaged_zstd_is_named_and_good_zstd_is_unpacked() {
    let Some(folder) = corpus("zstd-golden") else { return };
    let cases = files(&folder);
    assert_eq!(cases.len(), 7);
    let mut damaged = 0;
    for (name, path) in cases {
        let done = run_within(FILE_LIMIT, &name, Input::File(path.clone()), |_| {});
        let unpacked = zstd::decode_all(std::fs::File::open(path).unwrap());
        match unpacked {
            Err(_) => {
                damaged += 1;
                let error = done.rejected(&name);
                assert_eq!(error.kind(), ErrorKind::Compression, "{name}: {error}");
                assert!(error.to_string().contains("of the zstd data"), "{name}: {error}");
            }
            Ok(bytes) if bytes.is_empty() => assert_eq!(done.accepted(&name).records, 0, "{name}"),
            // none of them holds JSON
            Ok(_) => assert_eq!(done.rejected(&name).kind(), ErrorKind::Input, "{name}"),
        }
    }
    assert_eq!(damaged, 3);
    let words = "3 damaged ones named with their place, 4 unpacked";
    outcome_of("zstd-golden", 7, 7, words);
}
