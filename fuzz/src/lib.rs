//! What must hold for any bytes, a function for each part of transmog.
//!
//! Each takes an input and panics where something does not hold. An engine feeds them through
//! `fuzz_targets/`; `tests/fuzz.rs` at the root runs them over the seeds and past findings.

#![allow(clippy::unwrap_used, reason = "a panic is what a check has to say")]

use std::io::{self, Cursor, Read};
use std::num::NonZeroUsize;

use transmog::{
    Conversion, Destination, Error, Framing, Input, InputFormat, MemoryBuffer, OnError,
    OutputFormat, Summary,
};

mod config;
mod csv;
mod json;
mod names;
mod parquet;
mod rejects;
mod sniff;
mod unpack;
mod values;
mod widen;

pub use self::config::config;
pub use self::csv::csv;
pub use self::json::json;
pub use self::names::names;
pub use self::parquet::parquet;
pub use self::rejects::rejects;
pub use self::sniff::sniff;
pub use self::unpack::unpack;
pub use self::values::values;
pub use self::widen::widen;

/// A check of one input.
pub type Check = fn(&[u8]);

/// Every check, by the name of its target.
pub const CHECKS: [(&str, Check); 10] = [
    ("config", config),
    ("csv", csv),
    ("json", json),
    ("names", names),
    ("parquet", parquet),
    ("rejects", rejects),
    ("sniff", sniff),
    ("unpack", unpack),
    ("values", values),
    ("widen", widen),
];

/// Gives at most so many bytes at once, and is interrupted now and then.
struct Piecewise {
    bytes: Cursor<Vec<u8>>,
    most: usize,
    reads: usize,
}

impl Piecewise {
    fn new(bytes: &[u8], most: usize) -> Piecewise {
        Piecewise { bytes: Cursor::new(bytes.to_vec()), most, reads: 0 }
    }
}

impl Read for Piecewise {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reads += 1;
        if self.reads.is_multiple_of(5) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let most = self.most.min(buffer.len());
        self.bytes.read(&mut buffer[..most])
    }
}

/// Returns a conversion of these bytes on one thread, which ends at the first bad record.
fn conversion(bytes: &[u8], from: InputFormat, to: OutputFormat) -> Conversion {
    let reader = Box::new(Piecewise::new(bytes, usize::MAX));
    let input = Input::Reader { name: "in".to_owned(), reader };
    let mut conversion = Conversion::new(vec![input], to);
    conversion.name = Some("in".to_owned());
    conversion.on_error = OnError::Fail;
    conversion.from = from;
    conversion.threads = NonZeroUsize::new(1);
    conversion
}

/// Runs a conversion into memory.
fn run(mut conversion: Conversion, framing: Framing) -> Result<(Summary, Vec<u8>), Error> {
    let out = MemoryBuffer::default();
    conversion.destination = Destination::Writer(Box::new(out.clone()), framing);
    let summary = conversion.run()?;
    Ok((summary, out.take()))
}

/// Splits an input into its first line, as text, and what follows.
fn split_line(data: &[u8]) -> Option<(&str, &[u8])> {
    let end = data.iter().position(|byte| *byte == b'\n')?;
    Some((std::str::from_utf8(&data[..end]).ok()?, &data[end + 1..]))
}

/// Returns whether the bytes start with a byte order mark of UTF-16.
fn is_utf_16(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\xFF\xFE") || bytes.starts_with(b"\xFE\xFF")
}

/// Reads JSON as serde_json does; nothing where that cannot say: its limit on nesting, and keys
/// that mean something to it alone.
fn oracle(bytes: &[u8]) -> Option<Result<serde_json::Value, serde_json::Error>> {
    if bytes.windows(11).any(|window| window == b"serde_json:") || has_escaped_dollar(bytes) {
        return None;
    }
    let read = serde_json::from_slice(bytes);
    match &read {
        Err(error) if error.to_string().starts_with("recursion limit") => None,
        _ => Some(read),
    }
}

/// `"\u0024serde…"` is a key of serde_json's own, too.
fn has_escaped_dollar(bytes: &[u8]) -> bool {
    bytes.windows(6).any(|window| window == b"\\u0024") && bytes.windows(7).any(|w| w == b"private")
}

/// Returns the lines that are objects to serde_json, at most so many.
fn object_lines(data: &[u8], most: usize) -> Vec<&[u8]> {
    let is_object = |line: &&[u8]| matches!(oracle(line), Some(Ok(value)) if value.is_object());
    data.split(|byte| matches!(byte, b'\n' | b'\r')).filter(is_object).take(most).collect()
}
