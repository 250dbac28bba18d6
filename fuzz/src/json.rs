//! The JSON decoder beside serde_json: what is JSON, and every value in it.
//!
//! Known differences are those at the head of `tests/oracle.rs`.

use serde_json::Value;
use transmog::decode::{json as decoder, number};
use transmog::{DeclaredType, ErrorKind, Framing, InputFormat, OutputFormat};

use super::unpack::is_packed;
use super::{conversion, is_utf_16, oracle, run};

/// Reads the bytes as one value, as a line, and as values back to back.
pub fn json(data: &[u8]) {
    let Some(expected) = oracle(data) else {
        let _ = decoder::check(data);
        return;
    };
    let shown = || String::from_utf8_lossy(data);
    match (&expected, decoder::check(data)) {
        (Ok(_), Ok(())) => {}
        (Err(_), Err(fault)) => assert!(fault.byte <= data.len(), "{fault:?}\n{}", shown()),
        (Ok(_), Err(fault)) => panic!("we reject what serde_json reads: {fault:?}\n{}", shown()),
        (Err(error), Ok(())) => panic!("we read what serde_json rejects: {error}\n{}", shown()),
    }
    if is_utf_16(data) || data.starts_with(b"\xEF\xBB\xBF") {
        return;
    }
    match expected {
        Ok(value) if value.is_object() => {
            check_exact(data, &value);
            check_scalars(data, &value);
        }
        Ok(_) => {}
        Err(_) => check_line(data),
    }
    check_stream(data);
}

/// The record whole, as JSON text in a column.
fn check_exact(record: &[u8], expected: &Value) {
    let input = [b"{\"v\":", record, b"}"].concat();
    let mut conversion = conversion(&input, InputFormat::Json, OutputFormat::Jsonl);
    conversion.flatten.types.push(("v".parse().unwrap(), DeclaredType::Json));
    let (summary, text) = run(conversion, Framing::One).unwrap();
    assert_eq!(summary.records, 1);
    let row: Value = serde_json::from_slice(&text).unwrap();
    assert_eq!(row.get("v").unwrap_or(&Value::Null), expected);
}

/// Members that are no data; data of these names gets other ones.
const LINKS: [&str; 5] = ["_table", "_tm_id", "_tm_parent_id", "_tm_root_id", "_tm_index"];

/// All scalars of all tables.
fn check_scalars(record: &[u8], value: &Value) {
    let conversion = conversion(record, InputFormat::Json, OutputFormat::Jsonl);
    let (summary, text) = run(conversion, Framing::Tagged).unwrap();
    assert_eq!(summary.records, 1);
    let mut back = Vec::new();
    for line in text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let Value::Object(row) = serde_json::from_slice(line).unwrap() else { panic!("no row") };
        let data = row.iter().filter(|(name, _)| !LINKS.contains(&name.as_str()));
        data.for_each(|(_, value)| push_tokens(value, &mut back));
    }
    let mut expected = Vec::new();
    push_tokens(value, &mut expected);
    expected.sort();
    back.sort();
    assert_eq!(back, expected, "{}", String::from_utf8_lossy(&text));
}

fn push_tokens(value: &Value, out: &mut Vec<String>) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| push_tokens(value, out)),
        Value::Object(members) => members.values().for_each(|value| push_tokens(value, out)),
        Value::Null => {}
        Value::Bool(value) => out.push(format!("\"{value}")),
        Value::Number(value) => out.push(spelled(&value.to_string())),
        Value::String(text) => out.push(spelled(text)),
    }
}

/// Returns one spelling for all spellings of a value: in a column that became text, a number or
/// `true` comes back as a string.
fn spelled(text: &str) -> String {
    if !number::is_number(text) {
        return format!("\"{text}");
    }
    if !text.contains(['.', 'e', 'E']) {
        return if text == "-0" { "0".to_owned() } else { text.to_owned() };
    }
    match text.parse::<f64>().unwrap() {
        // a whole double is printed like an integer, zeros behind the digits that matter; -0 and 0 alike
        value if value.is_finite() && value.fract() == 0.0 => format!("{}", value + 0.0),
        value if value.is_finite() => format!("{value:?}"),
        // serde_json puts a sign before each exponent
        _ => serde_json::from_str::<Value>(text).unwrap().to_string(),
    }
}

/// What is no JSON is no line of it.
fn check_line(data: &[u8]) {
    let is_one_line = !data.contains(&b'\n') && !data.contains(&b'\r');
    if !is_one_line || has_mark(data) || is_packed(data) || data.trim_ascii().is_empty() {
        return;
    }
    let conversion = conversion(data, InputFormat::Jsonl, OutputFormat::Jsonl);
    match run(conversion, Framing::Tagged) {
        Ok((summary, _)) => panic!("we read {} records", summary.records),
        Err(error) => assert!(is_clean(error.kind()), "{error:?}"),
    }
}

/// Returns whether there is what is skipped between records, and what serde_json does not know: record
/// separators and byte order marks.
fn has_mark(data: &[u8]) -> bool {
    data.contains(&0x1E) || data.windows(3).any(|three| three == "\u{feff}".as_bytes())
}

fn is_clean(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Record(_) | ErrorKind::Input | ErrorKind::Compression)
}

/// Values back to back are the records that serde_json finds.
fn check_stream(data: &[u8]) {
    // an array holds the records
    if has_mark(data) || data.trim_ascii_start().first() != Some(&b'{') {
        return;
    }
    let values = serde_json::Deserializer::from_slice(data).into_iter::<Value>();
    let values: Result<Vec<Value>, _> = values.collect();
    let expected = match &values {
        Err(error) if error.to_string().starts_with("recursion limit") => return,
        Ok(values) if values.iter().all(Value::is_object) => Some(values.len() as u64),
        _ => None,
    };
    let conversion = conversion(data, InputFormat::Json, OutputFormat::Jsonl);
    match (run(conversion, Framing::Tagged), expected) {
        (Ok((summary, _)), expected) => assert_eq!(Some(summary.records), expected),
        (Err(error), None) => assert!(is_clean(error.kind()), "{error:?}"),
        (Err(error), Some(count)) => panic!("we fail where serde_json reads {count}: {error}"),
    }
}
