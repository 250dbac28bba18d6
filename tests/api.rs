//! What the library promises its callers, apart from the tables themselves.

#![allow(clippy::unwrap_used, reason = "a panic in a test is its failure")]

mod support;

use std::io::{self, Write};

use support::Shared;
use transmog::{
    ArrayMode, Cancel, Conversion, Destination, ErrorKind, FaultCode, Framing, IdMode, Input,
    OnError, OutputFormat, Summary, WarningKind,
};

fn input(text: &str) -> Input {
    let reader = Box::new(io::Cursor::new(text.to_owned().into_bytes()));
    Input::Reader { name: "in".to_owned(), reader }
}

/// Converts to JSONL in memory.
fn convert(
    text: &str,
    set: impl FnOnce(&mut Conversion),
) -> Result<(Summary, String), transmog::Error> {
    let out = Shared::default();
    let mut conversion = Conversion::new(vec![input(text)], OutputFormat::Jsonl);
    conversion.destination = Destination::Writer(Box::new(out.clone()), Framing::One);
    set(&mut conversion);
    let summary = conversion.run()?;
    let text = String::from_utf8(out.0.lock().unwrap().clone()).unwrap();
    Ok((summary, text))
}

fn ids(text: &str, arrays: ArrayMode) -> Vec<String> {
    let set = |conversion: &mut Conversion| {
        conversion.flatten.ids = IdMode::Hash;
        conversion.arrays = Some(arrays);
        conversion.table = Some("records".to_owned());
    };
    let (_, out) = convert(text, set).unwrap();
    let id = |line: &str| {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        row["_tm_id"].as_str().unwrap().to_owned()
    };
    out.lines().map(id).collect()
}

#[test]
fn hash_ids_tell_different_records_apart() {
    let records = [
        r#"{"a":[1],"b":[2]}"#,
        r#"{"a":[2],"b":[1]}"#,
        r#"{"a":1,"b":2}"#,
        r#"{"a":2,"b":1}"#,
        r#"{"a":"1","b":2}"#,
        r#"{"o":{"a":1},"b":2}"#,
        r#"{"a":[{"x":1},{"y":2}]}"#,
        r#"{"a":[{"y":2},{"x":1}]}"#,
        r#"{"a":null}"#,
        r#"{"a":{}}"#,
        r#"{"a":[]}"#,
        r#"{}"#,
    ];
    for arrays in [ArrayMode::Smart, ArrayMode::Separate, ArrayMode::Inline] {
        let found = ids(&records.join("\n"), arrays);
        let distinct: std::collections::HashSet<_> = found.iter().collect();
        assert_eq!(distinct.len(), records.len(), "{arrays:?}: {found:?}");
    }
}

#[test]
fn hash_ids_do_not_depend_on_the_order_of_keys() {
    let found = ids(
        "{\"a\":1,\"b\":{\"c\":2,\"d\":3}}\n{\"b\":{\"d\":3,\"c\":2},\"a\":1}",
        ArrayMode::Smart,
    );
    assert_eq!(found[0], found[1]);
}

#[test]
fn equal_ids_and_paths_that_match_nothing_are_warned_of() {
    let set = |conversion: &mut Conversion| {
        conversion.flatten.ids = IdMode::Field("id".parse().unwrap());
        conversion.flatten.maps.push("nowhere".parse().unwrap());
        conversion.table = Some("records".to_owned());
    };
    let (summary, _) = convert("{\"id\":1}\n{\"id\":1}\n{\"id\":2}\n", set).unwrap();
    let kinds: Vec<_> =
        summary.warnings.iter().map(|warning| (warning.kind, warning.count)).collect();
    assert_eq!(kinds, [(WarningKind::DuplicateId, 1), (WarningKind::PatternUnused, 1)]);
}

#[test]
fn several_inputs_make_one_set_of_tables() {
    let out = Shared::default();
    let inputs = vec![input("{\"a\":1}\n"), input(""), input("[{\"a\":2},{\"b\":3}]")];
    let mut conversion = Conversion::new(inputs, OutputFormat::Csv);
    conversion.destination = Destination::Writer(Box::new(out.clone()), Framing::One);
    assert_eq!(conversion.run().unwrap().records, 3);
    let text = String::from_utf8(out.0.lock().unwrap().clone()).unwrap();
    assert_eq!(text, "_tm_id,a,b\n1,1,\n2,2,\n3,,3\n");
}

#[test]
fn the_first_bad_record_is_the_one_reported() {
    let good = "{\"a\":1}\n".repeat(5000);
    let text = format!("{good}{{\"a\":oops}}\n{good}{{\"b\"}}\n");
    for _ in 0..5 {
        let set = |conversion: &mut Conversion| {
            conversion.chunk_bytes = Some(100);
            conversion.on_error = OnError::Fail;
        };
        let error = convert(&text, set).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Record(FaultCode::JsonSyntax));
        assert!(error.to_string().starts_with("in:5001:6: expected a value, found `o`"), "{error}");
    }
}

#[test]
fn a_run_that_is_stopped_leaves_nothing() {
    /// Never ends, and never gives a byte.
    struct Silent;
    impl io::Read for Silent {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            std::thread::sleep(std::time::Duration::from_secs(3600));
            Ok(0)
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let input = Input::Reader { name: "silent".to_owned(), reader: Box::new(Silent) };
    let mut conversion = Conversion::new(vec![input], OutputFormat::Parquet);
    conversion.destination = Destination::Directory(dir.path().join("new"));
    let cancel: Cancel = conversion.cancel.clone();
    let stopper = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(100));
        cancel.stop(15);
    });
    let error = conversion.run().unwrap_err();
    stopper.join().unwrap();
    assert_eq!(error.kind(), ErrorKind::Interrupted { signal: 15 });
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn values_left_out_take_no_room_of_others() {
    let records = "{\"a\":{\"x\":1},\"a\":2,\"row\":0}\n{\"p\":1}\n{\"q\":2}\n";
    let out = |chunk_bytes| {
        let set = |conversion: &mut Conversion| {
            conversion.flatten.max_columns = 3;
            conversion.chunk_bytes = Some(chunk_bytes);
        };
        convert(records, set).unwrap().1
    };
    let expected = "{\"_tm_id\":1,\"a\":2,\"row\":0}\n{\"_tm_id\":2,\"p\":1}\n\
                    {\"_tm_id\":3,\"_tm_rest\":{\"/q\":2}}\n";
    assert_eq!(out(1), expected);
    assert_eq!(out(1 << 20), expected);
}

/// Gives at most some bytes at a time.
struct Piecewise(io::Cursor<Vec<u8>>, usize);

impl io::Read for Piecewise {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = buffer.len().min(self.1);
        self.0.read(&mut buffer[..most])
    }
}

/// Converts bytes that are read in pieces, into JSONL or a message.
fn convert_pieces(bytes: &[u8], most: usize, charset: Option<&str>) -> String {
    let reader = Box::new(Piecewise(io::Cursor::new(bytes.to_vec()), most));
    let out = Shared::default();
    let input = Input::Reader { name: "in".to_owned(), reader };
    let mut conversion = Conversion::new(vec![input], OutputFormat::Jsonl);
    conversion.destination = Destination::Writer(Box::new(out.clone()), Framing::One);
    conversion.charset = charset.map(|label| label.parse().unwrap());
    match conversion.run() {
        Ok(_) => String::from_utf8(out.0.lock().unwrap().clone()).unwrap(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn how_an_input_is_cut_into_reads_makes_no_difference() {
    let utf_16 = |text: &str| -> Vec<u8> {
        "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
    };
    let gzip = |bytes: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), Default::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    let zstd = |bytes: &[u8]| zstd::encode_all(bytes, 1).unwrap();
    let long = format!("id,name\n{}", "7,\"é\n😀\"\n".repeat(900));
    for (text, name) in [
        ("{\"a\":\"é😀\"}\n{\"a\":[1]}\n", "lines"),
        ("[{\"a\":\"é\"},\n {\"a\":2}]", "values"),
        ("id,name\n1,\"é\n😀\"\r\n2,x", "rows"),
        (&long, "many rows"),
        ("{\"a\":\"é\"}\n{\"a\" 1}\n", "a bad record"),
        ("id,name\né\n", "a short row"),
        ("id,name\n1,\"é\n", "an open quote"),
    ] {
        let expected = convert_pieces(text.as_bytes(), usize::MAX, None);
        let latin: Vec<u8> = text.chars().map(|c| u8::try_from(c).unwrap_or(b'?')).collect();
        let in_latin = convert_pieces(&latin, usize::MAX, Some("latin1"));
        // places are those of the input, which differ in UTF-16
        let in_utf_16 = convert_pieces(&utf_16(text), usize::MAX, None);
        let is_whole = expected.starts_with('{');
        assert!(in_utf_16 == expected || !is_whole, "{name}: {in_utf_16}");
        for most in [1, 7, usize::MAX] {
            let read = |bytes: &[u8], charset| convert_pieces(bytes, most, charset);
            assert_eq!(read(text.as_bytes(), None), expected, "{name}, reads of {most}");
            assert_eq!(read(&gzip(text.as_bytes()), None), expected, "{name}, reads of {most}");
            assert_eq!(read(&zstd(text.as_bytes()), None), expected, "{name}, reads of {most}");
            assert_eq!(read(&utf_16(text), None), in_utf_16, "{name}, reads of {most}");
            assert_eq!(read(&gzip(&utf_16(text)), None), in_utf_16, "{name}, reads of {most}");
            assert_eq!(read(&latin, Some("latin1")), in_latin, "{name}, reads of {most}");
        }
    }
}

/// Fails for a moment before each of its first bytes.
struct Shaky(&'static [u8], u32);

impl io::Read for Shaky {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.1 > 0 {
            self.1 -= 1;
            return Err(io::ErrorKind::TimedOut.into());
        }
        let most = buffer.len().min(3);
        self.0.read(&mut buffer[..most])
    }
}

#[test]
fn reads_that_fail_for_a_moment_are_tried_again_if_asked() {
    let run = |on_error: OnError, max: Option<u32>| {
        let reader = Box::new(Shaky(b"{\"a\":1}\n", 3));
        let input = Input::Reader { name: "in".to_owned(), reader };
        let out = Shared::default();
        let mut conversion = Conversion::new(vec![input], OutputFormat::Jsonl);
        conversion.destination = Destination::Writer(Box::new(out.clone()), Framing::One);
        conversion.on_error = on_error;
        conversion.retry.max = max;
        conversion.retry.backoff = std::time::Duration::from_millis(1);
        conversion.run().map(|summary| (summary.records, summary.retries))
    };
    assert_eq!(run(OnError::Retry, None).unwrap(), (1, 3));
    assert_eq!(run(OnError::Skip, Some(5)).unwrap(), (1, 3));
    for (on_error, max) in [(OnError::Skip, None), (OnError::Retry, Some(2))] {
        let error = run(on_error, max).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io);
        assert_eq!(error.to_string(), "in: reading failed: timed out");
    }
}

#[test]
fn a_run_that_fails_says_what_it_did() {
    let mut conversion = Conversion::new(vec![input("{}\n{}\n[]\n")], OutputFormat::Jsonl);
    conversion.destination = Destination::Writer(Box::new(Shared::default()), Framing::One);
    conversion.error_budget.records = Some(0);
    let mut summary = Summary::default();
    let error = conversion.run_into(&mut summary).unwrap_err();
    assert_eq!((error.kind(), summary.exit_status()), (ErrorKind::Budget, 4));
    assert_eq!((summary.records, summary.rejects.count), (2, 1));
    assert_eq!(summary.rejects.by_code[0].first.message, "expected an object, found an array");
}
