//! Damaged inputs: each record is a row or a reject, what was not damaged is all there, and nothing
//! depends on how the input is cut.
//!
//! `PROPTEST_RNG_SEED=$RANDOM PROPTEST_CASES=20000 cargo test --release --test corruption` is the long form.

#![allow(clippy::unwrap_used, reason = "a panic in a test is its failure")]

mod support;

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::Path;

use base64::Engine as _;
use proptest::prelude::*;
use serde_json::Value;
use support::{cases, read_files};
use transmog::{
    Conversion, Destination, IdMode, Input, InputFormat, OnError, OutputFormat, RejectTarget,
    Summary,
};

/// How an input is damaged at a place, which is a share of its length.
#[derive(Debug, Clone)]
enum Damage {
    Replace(f64, u8),
    Remove(f64, usize),
    Insert(f64, Vec<u8>),
    Cut(f64),
}

fn damage() -> impl Strategy<Value = Damage> {
    let byte = prop_oneof![
        4 => prop::sample::select(b"{}[],:\"\\ \n\r;0-eE.tfn\x00\x1E\xEF\xFF\xC3".to_vec()),
        1 => any::<u8>(),
    ];
    let bytes = prop_oneof![
        prop::sample::select(vec![
            &b"\n"[..],
            b"\"",
            b"{",
            b"]",
            b"\xEF\xBB\xBF",
            b"\\u12",
            b"{\"id\":",
            b"\n\n\n",
            b"\r\n",
            b"\"\"",
            b",,",
            b"null",
            b"[[[[",
            b"\xED\xA0\x80",
            b"-",
            b"1e",
            b"\0\0\0\0",
        ])
        .prop_map(<[u8]>::to_vec),
        prop::collection::vec(any::<u8>(), 1..9),
    ];
    prop_oneof![
        5 => (0.0..1.0f64, byte).prop_map(|(at, byte)| Damage::Replace(at, byte)),
        3 => (0.0..1.0f64, 1..12usize).prop_map(|(at, count)| Damage::Remove(at, count)),
        3 => (0.0..1.0f64, bytes).prop_map(|(at, bytes)| Damage::Insert(at, bytes)),
        1 => (0.0..1.0f64).prop_map(Damage::Cut),
    ]
}

impl Damage {
    /// Damages `bytes`; returns the first byte that is not what it was.
    fn apply(&self, bytes: &mut Vec<u8>) -> usize {
        let place = |at: f64| (at * bytes.len() as f64) as usize;
        match self {
            Damage::Replace(at, byte) => {
                let at = place(*at);
                if let Some(old) = bytes.get_mut(at) {
                    *old = *byte;
                }
                at
            }
            Damage::Remove(at, count) => {
                let at = place(*at);
                bytes.drain(at..bytes.len().min(at + count));
                at
            }
            Damage::Insert(at, new) => {
                let at = place(*at);
                bytes.splice(at..at, new.iter().copied());
                at
            }
            Damage::Cut(at) => {
                let at = place(*at);
                bytes.truncate(at);
                at
            }
        }
    }
}

/// Records of several shapes, with children, lists, text beyond ASCII and late columns.
fn records(count: usize) -> Vec<String> {
    (0..count)
        .map(|n| match n % 4 {
            0 => {
                format!("{{\"id\":{n},\"name\":\"n{n}\",\"items\":[{{\"a\":{n}}},{{\"a\":1.5}}]}}")
            }
            1 => format!("{{\"id\":{n},\"tags\":[{n},{}],\"o\":{{\"p\":\"é😀\\n\"}}}}", n + 1),
            2 => format!("{{\"id\":{n},\"at\":\"2024-01-0{}T00:00:00Z\",\"ok\":true}}", n % 9 + 1),
            _ => format!("{{\"id\":{n},\"late{}\":null,\"big\":123456789012345678{n}}}", n % 8),
        })
        .collect()
}

fn rows(count: usize) -> String {
    let row = |n: usize| match n % 3 {
        0 => format!("{n},\"name, {n}\",{}.5\n", n),
        1 => format!("{n},\"two\nlines \"\"{n}\"\"\",x\n"),
        _ => format!("{n},plain,\n"),
    };
    "id,name,value\n".to_owned() + &(0..count).map(row).collect::<String>()
}

/// How a run is cut.
const CUTS: [(usize, usize); 3] = [(1, 1), (3, 64), (2, 1 << 20)];

fn convert(input: &[u8], from: InputFormat, cut: (usize, usize), out: &Path) -> Summary {
    convert_to(OutputFormat::Jsonl, IdMode::Sequence, input, from, cut, out)
}

fn convert_to(
    to: OutputFormat,
    ids: IdMode,
    input: &[u8],
    from: InputFormat,
    cut: (usize, usize),
    out: &Path,
) -> Summary {
    let reader = Box::new(std::io::Cursor::new(input.to_vec()));
    let input = Input::Reader { name: "in".to_owned(), reader };
    let mut conversion = Conversion::new(vec![input], to);
    conversion.from = from;
    conversion.name = Some("t".to_owned());
    conversion.flatten.ids = ids;
    conversion.destination = Destination::Directory(out.to_path_buf());
    conversion.threads = NonZeroUsize::new(cut.0);
    conversion.chunk_bytes = Some(cut.1);
    conversion.record_bytes_max = Some(4096);
    conversion.run().unwrap_or_else(|error| panic!("{error}"))
}

/// Converts with every cut; checks what must hold of any input, and returns the main rows by id
/// and the rejects.
fn check(input: &[u8], from: InputFormat) -> (BTreeMap<u64, String>, Vec<Value>) {
    let mut first: Option<BTreeMap<String, Vec<u8>>> = None;
    let mut found: (BTreeMap<u64, String>, Vec<Value>) = Default::default();
    for cut in CUTS {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("out");
        let summary = convert(input, from, cut, &out);
        let files = read_files(&out);
        if let Some(first) = &first {
            assert!(*first == files, "{cut:?}: other bytes");
            continue;
        }
        let text = |name: &str| {
            let bytes = files.get(name).cloned().unwrap_or_default();
            String::from_utf8(bytes).unwrap()
        };
        let id =
            |row: &str| serde_json::from_str::<Value>(row).unwrap()["_tm_id"].as_u64().unwrap();
        found.0 = text("t.jsonl").lines().map(|row| (id(row), row.to_owned())).collect();
        let rejects = text("t.rejects.jsonl");
        found.1 = rejects.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        // every record is a row or a reject, under its own number
        let mut numbers: Vec<u64> = found.0.keys().copied().collect();
        numbers.extend(found.1.iter().map(|reject| reject["record"].as_u64().unwrap()));
        numbers.sort_unstable();
        let all: Vec<u64> = (1..=numbers.len() as u64).collect();
        assert_eq!(numbers, all);
        assert_eq!(summary.records, found.0.len() as u64);
        assert_eq!(summary.rejects.count, found.1.len() as u64);
        // a reject is what stands at its place
        for reject in &found.1 {
            let raw = raw(reject);
            let at = reject["byte"].as_u64().unwrap() as usize;
            assert_eq!(&input[at..at + raw.len()], raw, "{reject}");
            let line = input[..at].iter().filter(|byte| **byte == b'\n').count() as u64 + 1;
            assert_eq!(reject["line"], line, "{reject}");
            assert!(reject["offset"].as_u64().unwrap() as usize <= raw.len().max(4096), "{reject}");
        }
        // child rows have parents
        for (name, bytes) in &files {
            if name.starts_with("t_") {
                for row in String::from_utf8(bytes.clone()).unwrap().lines() {
                    let row: Value = serde_json::from_str(row).unwrap();
                    let parent = row["_tm_root_id"].as_u64().or(row["_tm_parent_id"].as_u64());
                    assert!(found.0.contains_key(&parent.unwrap()), "{name}: {row}");
                }
            }
        }
        first = Some(files);
    }
    found
}

fn raw(reject: &Value) -> Vec<u8> {
    match reject["raw"].as_str() {
        Some(raw) => raw.as_bytes().to_vec(),
        None => {
            let text = reject["raw_base64"].as_str().unwrap();
            base64::engine::general_purpose::STANDARD.decode(text).unwrap()
        }
    }
}

/// Returns the values of a row but its id, as text and in no order: what was damaged elsewhere may
/// have made columns text, and taken their names.
fn values(row: &str) -> Vec<String> {
    fn leaves(value: Value, found: &mut Vec<String>) {
        match value {
            Value::Array(values) => values.into_iter().for_each(|value| leaves(value, found)),
            Value::String(text) => found.push(text),
            value => found.push(value.to_string()),
        }
    }
    let row: serde_json::Map<String, Value> = serde_json::from_str(row).unwrap();
    let mut found = Vec::new();
    row.into_iter()
        .filter(|(name, _)| name != "_tm_id")
        .for_each(|(_, value)| leaves(value, &mut found));
    found.sort_unstable();
    found
}

proptest! {
    #![proptest_config(cases(256))]

    /// In JSON lines every line that is as it was is a row as it was.
    #[test]
    fn lines(damages in prop::collection::vec(damage(), 1..5)) {
        let records = records(24);
        let text = records.join("\n") + "\n";
        let (whole, none) = check(text.as_bytes(), InputFormat::Jsonl);
        prop_assert_eq!((whole.len(), none.len()), (24, 0));
        let by_text: BTreeMap<&str, Vec<String>> =
            records.iter().map(String::as_str).zip(whole.values().map(|row| values(row))).collect();
        let mut damaged = text.clone().into_bytes();
        damages.iter().for_each(|damage| { damage.apply(&mut damaged); });
        let (rows, rejects) = check(&damaged, InputFormat::Jsonl);
        // a CR in the first line makes CR end lines as well
        let first = damaged.split(|byte| *byte == b'\n').next().unwrap_or_default();
        if !first.contains(&b'\r') {
            let kept = damaged.split(|byte| *byte == b'\n').filter_map(|line| {
                by_text.get(std::str::from_utf8(line).ok()?)
            });
            let mut found: Vec<Vec<String>> = rows.values().map(|row| values(row)).collect();
            found.sort_unstable();
            for row in kept {
                let at = found.binary_search(row);
                prop_assert!(at.is_ok(), "lost: {row:?}");
                found.remove(at.unwrap_or_default());
            }
        }
        // no byte is in neither: what is no row is a reject, whole
        let in_rejects: usize = rejects.iter().map(|reject| raw(reject).len()).sum();
        prop_assert!(in_rejects <= damaged.len());
    }

    /// In an array every record before the first damage is a row as it was.
    #[test]
    fn arrays(damages in prop::collection::vec(damage(), 1..4)) {
        let records = records(16);
        let text = format!("[{}]", records.join(",\n"));
        let (whole, _) = check(text.as_bytes(), InputFormat::Json);
        let mut damaged = text.clone().into_bytes();
        let first = damages.iter().map(|damage| damage.apply(&mut damaged)).min().unwrap_or(0);
        if first == 0 {
            return Ok(());
        }
        let (rows, _) = check(&damaged, InputFormat::Json);
        let mut end = 1;
        for (record, (id, row)) in records.iter().zip(&whole) {
            end += record.len();
            // the damage may have made it longer
            if end + 1 < first {
                prop_assert_eq!(rows.get(id).map(|row| values(row)), Some(values(row)));
            }
            end += 2;
        }
    }

    /// The same for rows of CSV, but for columns that are text now.
    #[test]
    fn csv(damages in prop::collection::vec(damage(), 1..4)) {
        let header = rows(0).len();
        let mut body = rows(20).into_bytes().split_off(header);
        let first = damages.iter().map(|damage| damage.apply(&mut body)).min().unwrap_or(0);
        let damaged = [rows(0).as_bytes(), &body].concat();
        let (found, _) = check(&damaged, InputFormat::Csv);
        let (mut end, mut number) = (0, 0);
        for n in 0..20 {
            let row = rows(n + 1).split_off(rows(n).len());
            end += row.len();
            number += 1;
            if end < first {
                prop_assert!(found.contains_key(&number), "lost: {row}");
            }
        }
    }

    /// The output is what it would be without the bad records, but for the ids' gaps: here ids are
    /// hashes, which have none.
    #[test]
    fn bad_records_leave_no_trace(
        damages in prop::collection::vec(damage(), 1..40),
        is_csv in any::<bool>(),
        cut in prop::sample::select(vec![(1, 1 << 20), (2, 4000), (1, 500)]),
    ) {
        let (text, from) = match is_csv {
            true => (rows(300), InputFormat::Csv),
            false => (records(300).join("\n") + "\n", InputFormat::Jsonl),
        };
        let header = if is_csv { rows(0).len() } else { 0 };
        let mut body = text.into_bytes().split_off(header);
        for damage in &damages {
            // the place of all others, and often the same one again
            if !matches!(damage, Damage::Cut(at) if *at < 0.5) {
                damage.apply(&mut body);
            }
        }
        let damaged = [&rows(0).as_bytes()[..header], &body].concat();
        let dir = tempfile::tempdir().unwrap();
        let run = |input: &[u8], name: &str| {
            let out = dir.path().join(name);
            convert_to(OutputFormat::Parquet, IdMode::Hash, input, from, cut, &out);
            read_files(&out)
        };
        let mut all = run(&damaged, "all");
        let rejects = all.remove("t.rejects.jsonl").unwrap_or_default();
        let rejects = String::from_utf8(rejects).unwrap();
        let mut good = damaged.clone();
        let rejects: Vec<Value> =
            rejects.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        for reject in rejects.iter().rev() {
            let at = reject["byte"].as_u64().unwrap() as usize;
            let unread = reject["unread_bytes"].as_u64().unwrap_or(0) as usize;
            let end = at + raw(reject).len() + unread;
            good.drain(at..end);
        }
        let expected = run(&good, "good");
        prop_assert!(!expected.contains_key("t.rejects.jsonl"), "a record that was good is bad now");
        prop_assert!(all == expected, "bad records left a trace");
    }

    /// What is rejected stays what it is when it is converted again, and nothing else becomes of it.
    #[test]
    fn replay(damages in prop::collection::vec(damage(), 1..5)) {
        let text = records(24).join("\n") + "\n";
        let mut damaged = text.into_bytes();
        damages.iter().for_each(|damage| { damage.apply(&mut damaged); });
        let (_, rejects) = check(&damaged, InputFormat::Jsonl);
        let lines: String = rejects.iter().map(|reject| format!("{reject}\n")).collect();
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("out");
        let summary = convert(lines.as_bytes(), InputFormat::Rejects, CUTS[1], &out);
        prop_assert_eq!(summary.records, 0);
        let files = read_files(&out);
        let again = files.get("t.rejects.jsonl").cloned().unwrap_or_default();
        let again = String::from_utf8(again).unwrap();
        let again: Vec<Value> =
            again.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        prop_assert_eq!(again.len(), rejects.len());
        for (again, first) in again.iter().zip(&rejects) {
            prop_assert_eq!(&again["record"], &first["record"]);
            prop_assert_eq!(raw(again), raw(first));
            if first["truncated"] == false && first["code"] != "json.truncated" {
                prop_assert_eq!(&again["code"], &first["code"]);
                prop_assert_eq!(&again["message"], &first["message"]);
            }
        }
    }
}

#[test]
fn a_run_that_fails_at_the_first_fault_names_the_first_reject() {
    let text = records(12).join("\n").replace("\"id\":7", "\"id\":7x");
    let fail = |cut: (usize, usize)| {
        let reader = Box::new(std::io::Cursor::new(text.clone().into_bytes()));
        let input = Input::Reader { name: "in".to_owned(), reader };
        let mut conversion = Conversion::new(vec![input], OutputFormat::Jsonl);
        conversion.on_error = OnError::Fail;
        conversion.rejects = RejectTarget::Nowhere;
        conversion.threads = NonZeroUsize::new(cut.0);
        conversion.chunk_bytes = Some(cut.1);
        conversion.run().unwrap_err().to_string()
    };
    let (_, rejects) = check(text.as_bytes(), InputFormat::Jsonl);
    let message = rejects[0]["message"].as_str().unwrap();
    for cut in CUTS {
        let error = fail(cut);
        assert!(error.starts_with("in:8:") && error.contains(message), "{error}");
    }
}
