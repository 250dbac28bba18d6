//! Rejected records: kept byte for byte, rejected again when replayed, converted when mended.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use transmog::{
    Error, ErrorKind, FaultCode, Framing, InputFormat, OnError, OutputFormat, RejectTarget, Summary,
};

use super::unpack::is_packed;
use super::{conversion, is_utf_16, run};

/// A line of a reject file, as far as it is compared.
#[derive(Debug, Clone)]
struct Rejected {
    record: u64,
    raw: Vec<u8>,
    line: Value,
}

/// Reads what follows the first byte, which says the format.
pub fn rejects(data: &[u8]) {
    let Some((mode, text)) = data.split_first() else { return };
    let from = match (mode & 0x0F) % 3 {
        0 => InputFormat::Jsonl,
        1 => InputFormat::Json,
        _ => InputFormat::Csv,
    };
    if is_utf_16(text) || is_packed(text) {
        return;
    }
    // a longest record that some records exceed
    let record_bytes_max = if mode & 0x40 != 0 { 64 << 20 } else { 40 };
    let (summary, file) = match convert(text, from, record_bytes_max) {
        Ok(done) => done,
        Err(error) => return assert!(is_clean(&error), "{error:?}"),
    };
    let rejects = read(&file);
    assert_eq!(rejects.len() as u64, summary.rejects.count);
    for (index, (reject, number)) in rejects.iter().zip(&summary.rejects.indices).enumerate() {
        assert_eq!(reject.record, number + 1, "reject {index}");
        check_place(reject, text);
    }
    // a CR alone may end lines
    if from == InputFormat::Jsonl && !text.contains(&b'\r') {
        // record separators are white space between records
        let is_space = |byte: &u8| matches!(byte, b' ' | b'\t' | 0x1E);
        let is_line = |line: &&[u8]| !line.iter().all(is_space);
        let lines = text.split(|byte| *byte == b'\n').filter(is_line).count() as u64;
        let marks = text.windows(3).filter(|three| *three == "\u{feff}".as_bytes()).count() as u64;
        let found = summary.records + summary.rejects.count;
        assert!(found <= lines && found + marks >= lines, "{found} of {lines}");
    }
    if rejects.is_empty() {
        return;
    }
    check_replay(&rejects, &file);
    check_mended(&rejects);
}

fn is_clean(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Input | ErrorKind::Compression | ErrorKind::Record(_))
}

/// Converts; returns the reject file, too.
fn convert(
    text: &[u8],
    from: InputFormat,
    record_bytes_max: usize,
) -> Result<(Summary, Vec<u8>), Error> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("rejects");
    let mut conversion = conversion(text, from, OutputFormat::Jsonl);
    conversion.on_error = OnError::Skip;
    conversion.rejects = RejectTarget::File(path.clone());
    conversion.record_bytes_max = Some(record_bytes_max);
    conversion.chunk_bytes = Some(64);
    let (summary, _) = run(conversion, Framing::Tagged)?;
    Ok((summary, std::fs::read(path).unwrap_or_default()))
}

fn read(file: &[u8]) -> Vec<Rejected> {
    let lines = file.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let read = |line: &[u8]| {
        let line: Value = serde_json::from_slice(line).unwrap();
        let raw = match (line["raw"].as_str(), line["raw_base64"].as_str()) {
            (Some(raw), None) => raw.as_bytes().to_vec(),
            (None, Some(raw)) => {
                let raw = STANDARD.decode(raw).unwrap();
                assert!(std::str::from_utf8(&raw).is_err(), "text as base64");
                raw
            }
            _ => panic!("{line}"),
        };
        Rejected { record: line["record"].as_u64().unwrap(), raw, line }
    };
    lines.map(read).collect()
}

/// The bytes stand in the input where the line says.
fn check_place(reject: &Rejected, text: &[u8]) {
    let Rejected { raw, line, .. } = reject;
    let number = |key: &str| line[key].as_u64().unwrap();
    let (byte, offset) = (number("byte") as usize, number("offset"));
    let rest = text.get(byte..).unwrap_or_else(|| panic!("{line}: no such byte"));
    assert!(rest.starts_with(raw), "{line}: other bytes");
    let unread = line["unread_bytes"].as_u64();
    assert_eq!(unread.is_some(), line["truncated"].as_bool().unwrap(), "{line}");
    let whole = raw.len() as u64 + unread.unwrap_or(0);
    assert!(byte as u64 + whole <= text.len() as u64, "{line}");
    assert!(offset <= whole, "{line}");
}

/// What was rejected is rejected again, as the same record and for the same kind of reason; only what
/// nobody could tell apart may turn out to be a record.
fn check_replay(rejects: &[Rejected], file: &[u8]) {
    let (summary, again) = convert(file, InputFormat::Rejects, 64 << 20).unwrap();
    let again = read(&again);
    assert_eq!(again.len() as u64 + summary.records, rejects.len() as u64);
    let mut again = again.iter().peekable();
    for reject in rejects {
        let is_rest = reject.line["message"].as_str().unwrap().ends_with("were not read");
        let Some(again) = again.next_if(|again| again.record == reject.record) else {
            assert!(is_rest, "a record that was bad is converted as it is: {}", reject.line);
            continue;
        };
        if reject.line["truncated"] == Value::Bool(true) {
            assert_eq!(again.line["code"], FaultCode::RejectInvalid.as_str(), "{}", reject.line);
        } else {
            assert_eq!(again.raw, trimmed(reject), "{}", reject.line);
            // the end of the input is the end of a record now
            let code = |line: &Value| line["code"].as_str().unwrap().to_owned();
            let is_same = code(&again.line) == code(&reject.line);
            let is_end =
                code(&reject.line).starts_with("json.") && code(&again.line).starts_with("json.");
            assert!(is_same || is_end || is_rest, "{}\n{}", reject.line, again.line);
        }
    }
    assert!(again.next().is_none(), "rejected, and not before");
}

/// A row that ends the input holds its line end, if its quotes were open.
fn trimmed(reject: &Rejected) -> Vec<u8> {
    let raw = &reject.raw[..];
    if reject.line["csv"].is_null() {
        return raw.to_vec();
    }
    let cut = raw.strip_suffix(b"\n").map(|raw| raw.strip_suffix(b"\r").unwrap_or(raw));
    cut.unwrap_or(raw).to_vec()
}

/// What was mended is converted, under the number that it had.
fn check_mended(rejects: &[Rejected]) {
    let mended = rejects.iter().map(|reject| {
        let mut line = reject.line.clone();
        let members = line.as_object_mut().unwrap();
        members.shift_remove("raw_base64");
        members.insert("truncated".to_owned(), false.into());
        let raw = match members.get("csv").filter(|csv| !csv.is_null()) {
            Some(csv) => row(csv),
            None => format!("{{\"ok\": {}}}", reject.record),
        };
        members.insert("raw".to_owned(), raw.into());
        line.to_string() + "\n"
    });
    let mended: String = mended.collect();
    let conversion = conversion(mended.as_bytes(), InputFormat::Rejects, OutputFormat::Jsonl);
    let (summary, text) = run(conversion, Framing::Tagged).unwrap();
    assert_eq!(summary.records, rejects.len() as u64);
    let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    for (line, reject) in lines.zip(rejects) {
        let row: Value = serde_json::from_slice(line).unwrap();
        if reject.line["csv"].is_null() {
            assert_eq!(row["_tm_id"].as_u64(), Some(reject.record));
            assert_eq!(row["ok"].as_u64(), Some(reject.record));
        }
    }
}

/// Spells a row of as many cells as there are columns.
fn row(csv: &Value) -> String {
    let width = csv["columns"].as_array().unwrap().len();
    vec!["1"; width].join(csv["delimiter"].as_str().unwrap())
}
