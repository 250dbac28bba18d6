//! Framing: where records begin and end, however the input is read and cut into chunks.

use serde_json::Value;
use transmog::frame::{FrameOptions, Framer, Framing, OnLost, Position, Start, position};
use transmog::{Error, RecordPointer};

use super::{Piecewise, oracle, split_line};

/// What a framer found: its records with their places, and why it ended early.
#[derive(Debug, PartialEq)]
struct Framed {
    records: Vec<(u64, u64, u64, Vec<u8>, bool)>,
    faults: Vec<(u64, String, u64, bool)>,
    error: Option<String>,
}

/// Reads what follows the first line, which is a JSON Pointer as `--records` takes it; `lines`
/// stands for one record a line.
pub fn values(data: &[u8]) {
    let Some((pointer, text)) = split_line(data) else { return };
    let (framing, records_at) = match pointer {
        "lines" => (Framing::Lines, None),
        pointer => match RecordPointer::parse(pointer) {
            Ok(pointer) => (Framing::Values, Some(pointer)),
            Err(error) => return assert!(!error.to_string().is_empty()),
        },
    };
    let mut whole = None;
    for (record_bytes_max, on_lost) in
        [(1 << 20, OnLost::Fail), (1 << 20, OnLost::Reject), (9, OnLost::Fail), (9, OnLost::Reject)]
    {
        let found = check_cuts(text, &|chunk_bytes| FrameOptions {
            framing,
            name: "x".to_owned(),
            chunk_bytes,
            record_bytes_max,
            records_at: records_at.clone(),
            origin: None,
            records_max: None,
            on_lost,
        });
        whole.get_or_insert(found);
    }
    if framing == Framing::Values {
        check_oracle(pointer, text, &whole.unwrap());
    }
}

/// Frames the input in every way; all must agree.
fn check_cuts(text: &[u8], options: &dyn Fn(usize) -> FrameOptions) -> Framed {
    let mut first: Option<Framed> = None;
    for chunk_bytes in [usize::MAX, 7, 1] {
        let mut lengths: Option<Vec<usize>> = None;
        for most in [usize::MAX, 7, 1] {
            let (framed, sizes) = frame(text, options(chunk_bytes), most);
            let first = first.get_or_insert_with(|| Framed {
                records: framed.records.clone(),
                faults: framed.faults.clone(),
                error: framed.error.clone(),
            });
            assert_eq!(*first, framed, "reads of {most}, chunks of {chunk_bytes}");
            let lengths = lengths.get_or_insert_with(|| sizes.clone());
            assert_eq!(*lengths, sizes, "reads of {most}, chunks of {chunk_bytes}");
        }
    }
    first.unwrap()
}

fn frame(text: &[u8], options: FrameOptions, most: usize) -> (Framed, Vec<usize>) {
    let is_kept_whole = options.record_bytes_max > text.len();
    let mut framer =
        Framer::new(Uninterrupted(Piecewise::new(text, most)), options, Start::default(), None);
    let mut framed = Framed { records: Vec::new(), faults: Vec::new(), error: None };
    let mut sizes = Vec::new();
    loop {
        let chunk = match framer.next() {
            Ok(Some(chunk)) => chunk,
            Ok(None) => break,
            Err(error) => {
                framed.error = Some(described(&error));
                break;
            }
        };
        sizes.push(chunk.bytes.len());
        assert_eq!(chunk.first_record, framed.records.len() as u64);
        let start = chunk.first_byte as usize;
        if is_kept_whole {
            assert_eq!(chunk.bytes, text[start..start + chunk.bytes.len()]);
        }
        let last = chunk.records.len().wrapping_sub(1);
        for (index, span) in chunk.records.iter().enumerate() {
            let Position { line, column, byte } = position(&chunk, span.start as usize);
            let bytes = chunk.bytes[span.range()].to_vec();
            assert!(text[byte as usize..].starts_with(&bytes), "{byte}: {bytes:?}");
            framed.records.push((line, column, byte, bytes, chunk.truncated && index == last));
        }
        for fault in &chunk.faults {
            let number = chunk.first_record + fault.record as u64;
            let said = format!("{:?}", fault.fault);
            framed.faults.push((number, said, fault.unread_bytes, fault.is_rest));
        }
    }
    assert!(framer.next().unwrap().is_none(), "nothing after the end or an error");
    (framed, sizes)
}

/// As a source does.
struct Uninterrupted(Piecewise);

impl std::io::Read for Uninterrupted {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        loop {
            match self.0.read(buffer) {
                Err(cause) if cause.kind() == std::io::ErrorKind::Interrupted => {}
                done => return done,
            }
        }
    }
}

fn described(error: &Error) -> String {
    format!("{:?} {error} {:?}", error.kind(), error.hint())
}

/// In one JSON text the records are what the pointer leads to.
fn check_oracle(pointer: &str, text: &[u8], framed: &Framed) {
    let has_mark = text.windows(3).any(|three| three == "\u{feff}".as_bytes());
    if has_mark || text.contains(&0x1E) || pointer.contains('*') || has_key_twice(text) {
        return;
    }
    let Some(Ok(value)) = oracle(text) else { return };
    let records: Vec<&Value> = match value.pointer(pointer) {
        Some(Value::Array(values)) => values.iter().collect(),
        Some(value) => vec![value],
        None => return,
    };
    assert_eq!(framed.error, None);
    assert!(framed.faults.is_empty());
    assert_eq!(framed.records.len(), records.len());
    for ((.., bytes, truncated), expected) in framed.records.iter().zip(records) {
        assert_eq!(serde_json::from_slice::<Value>(bytes).unwrap(), *expected);
        // a number may go on where the input ends
        assert!(!truncated || !matches!(expected, Value::Object(_) | Value::Array(_)));
    }
}

/// Returns whether some key may stand twice in an object: the last one counts for serde_json.
fn has_key_twice(text: &[u8]) -> bool {
    let Ok(value) = serde_json::from_slice::<Value>(text) else { return false };
    fn keys(value: &Value) -> usize {
        match value {
            Value::Array(values) => values.iter().map(keys).sum(),
            Value::Object(members) => members.len() + members.values().map(keys).sum::<usize>(),
            _ => 0,
        }
    }
    fn colons(text: &[u8]) -> usize {
        let (mut count, mut in_string, mut escaped) = (0, false, false);
        for byte in text {
            match byte {
                _ if std::mem::take(&mut escaped) => {}
                b'\\' => escaped = true,
                b'"' => in_string = !in_string,
                b':' if !in_string => count += 1,
                _ => {}
            }
        }
        count
    }
    keys(&value) != colons(text)
}
