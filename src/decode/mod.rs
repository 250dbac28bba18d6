//! One record's bytes → values, pushed into a flattener.

pub mod csv;
pub mod json;
pub mod number;
mod prune;
mod repair;
mod scan;
mod strings;
mod subtree;

use std::collections::BTreeMap;

use crate::error::{Fault, FaultCode};
use crate::flatten::{Flattened, Flattener, Halt};
use crate::frame::Chunk;
pub use csv::{CellOptions, Ragged};
pub use json::{DecodeOptions, DuplicateKeys};

/// Why a chunk could not be turned into batches.
#[derive(Debug)]
pub enum ChunkHalt {
    /// A record is at fault: its index in the chunk, and why.
    Fault(usize, Fault),
    /// A cap may be crossed; the chunk must be flattened in order.
    CapReached,
}

/// Decodes every record of a chunk into `flattener` and takes the batches.
///
/// - Shape: N records in; a batch per table that has rows out.
/// - Errors: the first record at fault; the flattener is left empty.
pub fn chunk(
    chunk: &Chunk,
    flattener: &mut Flattener,
    options: &DecodeOptions,
) -> Result<Flattened, ChunkHalt> {
    let text = match simdutf8::basic::from_utf8(&chunk.bytes) {
        Ok(text) => text,
        Err(_) => return Err(invalid_text(chunk, flattener)),
    };
    loop {
        let mut read = read(chunk, text, flattener, options);
        if flattener.look_closer() {
            flattener.reset();
            continue;
        }
        let end = read.as_ref().err().map(|(record, _)| *record);
        if let Some((record, fault)) = flattener.missing(end) {
            read = Err((record, fault.into()));
        }
        return match read {
            Ok(()) => Ok(flattener.take()),
            Err((record, halt)) => Err(halted(record, halt, chunk, flattener)),
        };
    }
}

/// Reads the records of a chunk, up to the first that is at fault.
fn read(
    chunk: &Chunk,
    text: &str,
    flattener: &mut Flattener,
    options: &DecodeOptions,
) -> Result<(), (usize, Halt)> {
    if let Some(head) = &chunk.rows {
        return csv::rows(chunk, text, head, flattener, options);
    }
    match all_records(chunk, text, flattener, options, &BTreeMap::new()) {
        Err((_, Halt::DuplicateKey)) => without_duplicates(chunk, text, flattener, options),
        read => read,
    }
}

/// Empties the flattener of a chunk that it cannot finish; says why.
fn halted(record: usize, halt: Halt, chunk: &Chunk, flattener: &mut Flattener) -> ChunkHalt {
    flattener.reset();
    match halt {
        Halt::CapReached => ChunkHalt::CapReached,
        Halt::Fault(fault) => ChunkHalt::Fault(record, placed(*fault, chunk, record)),
        Halt::DuplicateKey => {
            let message = "a key stands twice in one object";
            ChunkHalt::Fault(record, Fault::new(FaultCode::DuplicateKey, 0, message))
        }
    }
}

fn all_records(
    chunk: &Chunk,
    text: &str,
    flattener: &mut Flattener,
    options: &DecodeOptions,
    skips: &BTreeMap<usize, Vec<usize>>,
) -> Result<(), (usize, Halt)> {
    for (index, span) in chunk.records.iter().enumerate() {
        let place = (chunk.input_index as u32, chunk.first_byte + u64::from(span.start));
        let place = flattener.begin_record(index as u32, place);
        let skips = skips.get(&index).map_or(&[][..], Vec::as_slice);
        let range = span.range();
        json::record(&text[range.start..], range.len(), flattener, place, options, skips)
            .and_then(|bytes| flattener.end_record(bytes))
            .map_err(|halt| (index, halt))?;
    }
    Ok(())
}

/// Decodes a chunk in which keys stand twice: finds them all first, then leaves them out.
fn without_duplicates(
    chunk: &Chunk,
    text: &str,
    flattener: &mut Flattener,
    options: &DecodeOptions,
) -> Result<(), (usize, Halt)> {
    flattener.reset();
    let mut skips = BTreeMap::new();
    for (index, span) in chunk.records.iter().enumerate() {
        let found = repair::duplicates(&text[span.range()], options.duplicate_keys);
        if options.duplicate_keys == DuplicateKeys::Reject
            && let Some(first) = found.first()
        {
            return Err((index, first.fault(0).into()));
        }
        let mut bytes: Vec<usize> = found.iter().map(|duplicate| duplicate.byte).collect();
        bytes.sort_unstable();
        if !bytes.is_empty() {
            skips.insert(index, bytes);
        }
    }
    all_records(chunk, text, flattener, options, &skips)
}

/// Finds the record that holds the bytes that are not UTF-8.
fn invalid_text(chunk: &Chunk, flattener: &mut Flattener) -> ChunkHalt {
    flattener.reset();
    for (index, span) in chunk.records.iter().enumerate() {
        let record = &chunk.bytes[span.range()];
        if let Err(error) = std::str::from_utf8(record) {
            let at = error.valid_up_to();
            let message = match (&chunk.origin, error.error_len()) {
                (Some(origin), _) => {
                    let before = &chunk.bytes[..span.start as usize + at];
                    let found = match origin.invalid_behind(before) {
                        Some(count) if count > 1 => format!("{count} bytes that are"),
                        _ => "a byte that is".to_owned(),
                    };
                    format!("expected {}, found {found} no character", origin.charset())
                }
                (None, None) => "expected UTF-8, found a character that is cut off".to_owned(),
                (None, Some(_)) => format!("expected UTF-8, found byte 0x{:02x}", record[at]),
            };
            return ChunkHalt::Fault(index, Fault::new(FaultCode::EncodingInvalid, at, message));
        }
    }
    let message = "expected UTF-8, found other bytes between records";
    let at = std::str::from_utf8(&chunk.bytes).map_or_else(|error| error.valid_up_to(), str::len);
    let before = chunk.records.partition_point(|span| span.start as usize <= at).max(1) - 1;
    let start = chunk.records.get(before).map_or(0, |span| span.start as usize);
    ChunkHalt::Fault(before, Fault::new(FaultCode::EncodingInvalid, at - start, message))
}

/// Says of a record that the input's end cut off that it is just that.
fn placed(mut fault: Fault, chunk: &Chunk, record: usize) -> Fault {
    let is_last = record + 1 == chunk.records.len();
    let length = chunk.records.get(record).map_or(0, |span| span.range().len());
    if is_last && chunk.truncated && fault.code == FaultCode::JsonSyntax && fault.byte >= length {
        fault.code = FaultCode::JsonTruncated;
    }
    fault
}
