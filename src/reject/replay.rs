//! Reject files as input: the records in them, to be converted again.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::log::Rows;
use crate::error::{Fault, FaultCode};
use crate::frame::dialect::Dialect;
use crate::frame::{Chunk, FramedFault, Replayed, RowHead, Span};

/// Ids of rows are integers of 64 bits.
const RECORD_MAX: u64 = i64::MAX as u64;

/// What is read of a line; the rest says where the record stood.
#[derive(Deserialize)]
struct Line<'a> {
    record: Option<u64>,
    #[serde(borrow)]
    raw: Option<Cow<'a, str>>,
    #[serde(borrow)]
    raw_base64: Option<Cow<'a, str>>,
    #[serde(default)]
    truncated: bool,
    #[serde(borrow)]
    csv: Option<Rows<'a>>,
}

/// Takes the rejected records out of a chunk of lines of a reject file.
///
/// - Shape: N lines in; N records out in their order, in a chunk for each run of records that were
///   written the same way. A line that is no reject stays as it is and is at fault.
pub(crate) fn records(lines: &Chunk) -> Vec<Chunk> {
    let mut chunks: Vec<Chunk> = Vec::new();
    let mut locator = lines.locator();
    for (index, span) in lines.records.iter().enumerate() {
        let at = locator.position(span.start as usize);
        let line = &lines.bytes[span.range()];
        let framed = lines.faults.iter().find(|framed| framed.record == index);
        let record = match framed {
            Some(framed) => Err(framed.fault.clone()),
            None => read(line),
        };
        let number = lines.first_record + index as u64;
        let (raw, fault, head, number) = match record {
            Ok(Record { raw, fault, head, number: Some(own) }) => (raw, fault, head, own - 1),
            Ok(Record { raw, fault, head, number: None }) => (raw, fault, head, number),
            Err(fault) => (line.to_vec(), Some(fault), None, number),
        };
        let is_next = |chunk: &&mut Chunk| chunk.rows.as_deref() == head.as_ref();
        let chunk = match chunks.last_mut().filter(is_next) {
            Some(chunk) => chunk,
            None => {
                let rows = head.map(Arc::new);
                chunks.push(start(lines, index, rows));
                chunks.last_mut().expect("one was just added")
            }
        };
        let unread_bytes = framed.map_or(0, |framed| framed.unread_bytes);
        add(chunk, &raw, Replayed { number, line: at.line, byte: at.byte }, fault, unread_bytes);
    }
    if chunks.is_empty() {
        chunks.push(start(lines, 0, None));
    }
    if let Some(last) = chunks.last_mut() {
        last.ends_batch = lines.ends_batch;
    }
    chunks
}

/// A record as it is to be converted.
struct Record {
    raw: Vec<u8>,
    /// Why it cannot be.
    fault: Option<Fault>,
    head: Option<RowHead>,
    /// Its number in the run that rejected it, from 1.
    number: Option<u64>,
}

fn read(line: &[u8]) -> Result<Record, Fault> {
    let wrong = |message: String| Fault::new(FaultCode::RejectInvalid, 0, message);
    let expected = "expected a line of a reject file";
    let line: Line<'_> = serde_json::from_slice(line)
        .map_err(|cause| wrong(format!("{expected}, found something else: {cause}")))?;
    let raw = match (line.raw, line.raw_base64) {
        (Some(raw), None) => raw.into_owned().into_bytes(),
        (None, Some(raw)) => STANDARD
            .decode(raw.as_bytes())
            .map_err(|cause| wrong(format!("`raw_base64`: expected base64: {cause}")))?,
        _ => return Err(wrong(format!("{expected}, with either `raw` or `raw_base64`"))),
    };
    let fault = line.truncated.then(|| {
        let message = "expected a whole record, found the start of one; \
                       make `raw` whole and `truncated` false";
        Fault::new(FaultCode::RejectInvalid, 0, message)
    });
    let head = line.csv.map(head).transpose()?;
    if line.record.is_some_and(|number| !(1..=RECORD_MAX).contains(&number)) {
        return Err(wrong(format!("`record`: expected a number from 1 to {RECORD_MAX}")));
    }
    let raw = match head {
        // A row that ends the input holds its line end, if its quotes were open.
        Some(_) => raw
            .strip_suffix(b"\n")
            .map_or(&raw[..], |raw| raw.strip_suffix(b"\r").unwrap_or(raw))
            .to_vec(),
        None => raw,
    };
    Ok(Record { raw, fault, head, number: line.record })
}

/// Returns what the header of rows said.
fn head(rows: Rows<'_>) -> Result<RowHead, Fault> {
    let byte = |sign: char| {
        let byte = u8::try_from(sign).ok().filter(u8::is_ascii);
        let message = format!("`csv`: expected ASCII characters, found `{sign}`");
        byte.ok_or_else(|| Fault::new(FaultCode::RejectInvalid, 0, message))
    };
    let dialect = Dialect {
        delimiter: byte(rows.delimiter)?,
        quote: rows.quote.map(byte).transpose()?,
        escape: rows.escape.map(byte).transpose()?,
        ..Dialect::default()
    };
    let names: Vec<Box<str>> =
        rows.columns.into_iter().map(|name| name.into_owned().into_boxed_str()).collect();
    let distinct: HashSet<&str> = names.iter().map(|name| &**name).collect();
    if distinct.len() != names.len() || names.is_empty() {
        let message = "`csv`: expected `columns` with names of their own";
        return Err(Fault::new(FaultCode::RejectInvalid, 0, message));
    }
    Ok(RowHead { dialect, names, renamed: Vec::new() })
}

/// Starts a chunk with the record at `index` of `lines`.
fn start(lines: &Chunk, index: usize, rows: Option<Arc<RowHead>>) -> Chunk {
    Chunk {
        input_index: lines.input_index,
        batch: lines.batch,
        first_record: lines.first_record + index as u64,
        rows,
        replayed: Some(Vec::new()),
        ..Chunk::default()
    }
}

fn add(chunk: &mut Chunk, raw: &[u8], replayed: Replayed, fault: Option<Fault>, unread_bytes: u64) {
    if !chunk.records.is_empty() {
        chunk.bytes.push(b'\n');
    }
    let start = chunk.bytes.len();
    chunk.bytes.extend_from_slice(raw);
    // a chunk of lines holds its records with room to spare, and is less than 4 GiB
    let span = Span { start: start as u32, end: chunk.bytes.len() as u32 };
    if let Some(fault) = fault {
        let record = chunk.records.len();
        chunk.faults.push(FramedFault { record, fault, unread_bytes, is_rest: false });
    }
    chunk.records.push(span);
    chunk.replayed.get_or_insert_default().push(replayed);
}
