//! One record's bytes → values, pushed into a flattener.

pub(crate) mod columns;
pub mod csv;
pub mod json;
pub mod number;
mod prune;
mod repair;
mod scan;
mod strings;
mod subtree;

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::error::{Fault, FaultCode};
use crate::flatten::{Flattened, Flattener, Halt};
use crate::frame::{Chunk, RowHead};
use crate::limits;
pub use csv::{CellOptions, Ragged};
pub use json::{DecodeOptions, DuplicateKeys};

/// What a chunk gave: rows of its good records, and why the others have none.
#[derive(Debug, Default)]
pub struct Decoded {
    /// Batches of the records that are not at fault.
    pub flattened: Flattened,
    /// The records at fault by their index in the chunk, each with its first fault.
    pub faults: Faults,
}

/// Records at fault, by their index in the chunk.
pub type Faults = BTreeMap<usize, Fault>;

/// A cap may be crossed in a chunk, which must be flattened in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CapReached;

/// What is done now and then while a chunk is decoded, so that nobody has to wait for all of it.
pub type Pause = fn();

/// Decodes every record of a chunk into `flattener` and takes the batches.
///
/// A record at fault leaves no trace in them. Its rows are taken back; where that cannot be done, the
/// others are decoded again without it, once for all such records of the chunk.
///
/// - Shape: N records in; a batch per table that has rows out, and a fault for each other record.
/// - Errors: `CapReached`; the flattener is left empty.
pub fn chunk(
    chunk: &Chunk,
    flattener: &mut Flattener,
    options: &DecodeOptions,
    pause: Pause,
) -> Result<Decoded, CapReached> {
    let mut faults: Faults =
        chunk.faults.iter().map(|framed| (framed.record, framed.fault.clone())).collect();
    let text = valid_text(chunk, &mut faults);
    let mut skips = Skips::new();
    loop {
        let before = faults.clone();
        let pass = Pass { chunk, text: &text, options, pause };
        let passed = match (&chunk.rows, &chunk.columns) {
            (Some(head), _) => pass.rows(head, flattener, &mut faults),
            (_, Some(rows)) => columns::rows(chunk, rows, flattener, options, &mut faults),
            (None, None) => pass.values(flattener, &mut faults, &mut skips),
        };
        let Ok(is_whole) = passed else {
            flattener.reset();
            return Err(CapReached);
        };
        if flattener.look_closer() {
            // What was found may come behind what is found now.
            faults = before;
            flattener.reset();
            continue;
        }
        if is_whole {
            let missing = flattener.missing();
            if missing.is_empty() {
                return Ok(Decoded { flattened: flattener.take(), faults });
            }
            faults.extend(missing);
        }
        flattener.abandon();
    }
}

/// Says when to pause: every so many bytes of a chunk.
pub(crate) struct Pauses {
    pause: Pause,
    next: usize,
}

impl Pauses {
    fn new(pause: Pause) -> Self {
        Pauses { pause, next: limits::PAUSE_BYTES }
    }

    /// Pauses if it is time at byte `at`.
    #[inline]
    fn reach(&mut self, at: usize) {
        if at >= self.next {
            self.next = at + limits::PAUSE_BYTES;
            (self.pause)();
        }
    }
}

/// Where members begin that are left out as their key stands twice, by record.
type Skips = BTreeMap<usize, Vec<usize>>;

/// One go through the records of a chunk that are not known to be at fault.
struct Pass<'a> {
    chunk: &'a Chunk,
    text: &'a str,
    options: &'a DecodeOptions,
    pause: Pause,
}

impl Pass<'_> {
    /// Reads JSON; what it finds out of records joins `faults` and `skips`. Returns whether the rows
    /// in the flattener are those of the other records.
    fn values(
        &self,
        flattener: &mut Flattener,
        faults: &mut Faults,
        skips: &mut Skips,
    ) -> Result<bool, CapReached> {
        let Pass { chunk, text, options, pause } = self;
        let mut pauses = Pauses::new(*pause);
        let mut is_whole = true;
        for (index, span) in chunk.records.iter().enumerate() {
            if !faults.is_empty() && faults.contains_key(&index) {
                continue;
            }
            pauses.reach(span.start as usize);
            let place = (chunk.input_index as u32, chunk.first_byte + u64::from(span.start));
            let place = flattener.begin_record(index as u32, place);
            let skipped = skips.get(&index).map_or(&[][..], Vec::as_slice);
            let range = span.range();
            let read =
                json::record(&text[range.start..], range.len(), flattener, place, options, skipped);
            match read.and_then(|bytes| flattener.end_record(bytes)) {
                Ok(()) => continue,
                Err(Halt::CapReached) => return Err(CapReached),
                Err(Halt::Fault(fault)) => {
                    let known = skips.contains_key(&index);
                    match self.may_be_left_out(&fault, &text[range]).filter(|_| !known) {
                        Some(bytes) => {
                            skips.insert(index, bytes);
                            is_whole = false;
                        }
                        None => drop(faults.insert(index, placed(*fault, chunk, index))),
                    }
                }
                Err(Halt::DuplicateKey) => match self.duplicates(&text[range]) {
                    Ok(bytes) => {
                        skips.insert(index, bytes);
                        is_whole = false;
                    }
                    Err(fault) => drop(faults.insert(index, placed(fault, chunk, index))),
                },
            }
            is_whole &= flattener.take_back_record();
        }
        Ok(is_whole)
    }

    /// Reads rows of CSV.
    fn rows(
        &self,
        head: &RowHead,
        flattener: &mut Flattener,
        faults: &mut Faults,
    ) -> Result<bool, CapReached> {
        let pauses = Pauses::new(self.pause);
        csv::rows(self.chunk, self.text, head, flattener, self.options, faults, pauses)
    }

    /// Finds the members of a record to leave out where one of them may be what is at fault: what is
    /// left out is not looked at.
    fn may_be_left_out(&self, fault: &Fault, record: &str) -> Option<Vec<usize>> {
        use FaultCode::{IdMissing, SchemaViolation, ValueType};
        let is_of_value = matches!(fault.code, ValueType | SchemaViolation | IdMissing);
        let is_asked = self.options.duplicate_keys != DuplicateKeys::Reject;
        let found = (is_of_value && is_asked).then(|| self.duplicates(record).ok()).flatten();
        found.filter(|bytes| !bytes.is_empty())
    }

    /// Finds the members of a record to leave out where a key stands twice.
    fn duplicates(&self, record: &str) -> Result<Vec<usize>, Fault> {
        let found = repair::duplicates(record, self.options.duplicate_keys);
        if found.is_empty() {
            // It is no JSON further on.
            let message = "a key stands twice in one object";
            let unknown = Fault::new(FaultCode::DuplicateKey, 0, message);
            return Err(json::check(record.as_bytes()).err().unwrap_or(unknown));
        }
        if self.options.duplicate_keys == DuplicateKeys::Reject {
            return Err(found[0].fault(0));
        }
        let mut bytes: Vec<usize> = found.iter().map(|duplicate| duplicate.byte).collect();
        bytes.sort_unstable();
        Ok(bytes)
    }
}

/// Returns a chunk's text, with spaces in the place of records that are not UTF-8, which become
/// faults. What stands between records is not looked at.
fn valid_text<'a>(chunk: &'a Chunk, faults: &mut Faults) -> Cow<'a, str> {
    if let Ok(text) = simdutf8::basic::from_utf8(&chunk.bytes) {
        return Cow::Borrowed(text);
    }
    let mut bytes = chunk.bytes.clone();
    let mut end = 0;
    for (index, span) in chunk.records.iter().enumerate() {
        let range = span.range();
        bytes[end..range.start].fill(b' ');
        end = range.end;
        let cause = simdutf8::compat::from_utf8(&chunk.bytes[range.clone()]).err();
        let cause = cause.map(|cause| (cause.valid_up_to(), cause.error_len()));
        if let Some((at, length)) = cause {
            faults.entry(index).or_insert_with(|| invalid_text(chunk, index, at, length));
        }
        if faults.contains_key(&index) {
            bytes[range].fill(b' ');
        }
    }
    bytes[end..].fill(b' ');
    Cow::Owned(String::from_utf8(bytes).expect("every record is UTF-8 or was blanked"))
}

/// Says which byte of a record is not UTF-8.
fn invalid_text(chunk: &Chunk, record: usize, at: usize, length: Option<usize>) -> Fault {
    let start = chunk.records[record].start as usize;
    let message = match (&chunk.origin, length) {
        (Some(origin), _) => {
            let before = &chunk.bytes[..start + at];
            let found = match origin.invalid_behind(before) {
                Some(count) if count > 1 => format!("{count} bytes that are"),
                _ => "a byte that is".to_owned(),
            };
            format!("expected {}, found {found} no character", origin.charset())
        }
        (None, None) => "expected UTF-8, found a character that is cut off".to_owned(),
        (None, Some(_)) => {
            format!("expected UTF-8, found byte 0x{:02x}", chunk.bytes[start + at])
        }
    };
    Fault::new(FaultCode::EncodingInvalid, at, message)
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
