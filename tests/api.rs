//! What the library promises its callers, apart from the tables themselves.

#![allow(clippy::unwrap_used, reason = "a panic in a test is its failure")]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use support::Shared;
use transmog::{
    ArrayMode, Batch, BatchError, BatchReport, BatchStart, BatchStrategy, Cancel, ColumnType,
    Conversion, Counts, Destination, Error, ErrorKind, FaultCode, Framing, IdMode, Input,
    InputFormat, InputSummary, Live, MemoryBuffer, Nulls, Observer, Observers, OnError,
    OutputFormat, Overwrite, RejectTarget, RunStart, StreamingWriter, Summary, TableEnd,
    WarningKind, WriterOptions, writer,
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
        conversion.retry.backoff = Some(std::time::Duration::from_millis(1));
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

/// Records whose layout changes late: types widen, columns and tables arise, lists turn up.
fn late() -> String {
    let mut text = String::new();
    for number in 0..40 {
        let items = r#"[{"sku":"a","n":1},{"sku":"b","n":2.5}]"#;
        text += &match number {
            0..20 => format!("{{\"id\":{number},\"v\":{number},\"tags\":[],\"items\":{items}}}\n"),
            20..30 => format!("{{\"id\":{number},\"v\":1.2345678901234567890,\"tags\":[1]}}\n"),
            _ => format!(
                "{{\"id\":{number},\"v\":\"text, {number}\",\"new\":{{\"x\":null}},\
                 \"items\":[{{\"sku\":7}}],\"more\":[{{\"d\":\"2024-01-0{}\"}}]}}\n",
                number % 9 + 1
            ),
        };
    }
    text
}

fn late_conversion(to: OutputFormat) -> Conversion {
    let mut conversion = Conversion::new(vec![input(&late())], to);
    conversion.name = Some("t".to_owned());
    conversion.row_group_rows = Some(7);
    conversion.chunk_bytes = Some(300);
    conversion.threads = NonZeroUsize::new(2);
    conversion
}

/// What went to each table.
type Tables<T> = Arc<Mutex<BTreeMap<String, T>>>;

#[test]
fn rows_are_written_again_run_by_run() {
    const ROWS: usize = 80_000;
    // What the last record says changes all before it: empty lists have a column, numbers are text.
    let lists = |row: usize| row % 7 == 3;
    let odd = |row: usize| ["plain", "a,b", "\"quoted\"", "two\nlines", "", " é\\"][row % 6];
    let mut text: String = (0..ROWS)
        .map(|row| {
            let list = if lists(row) { r#","tags":[]"# } else { "" };
            format!("{{\"n\":{row}.50,\"odd\":{}{list}}}\n", serde_json::json!(odd(row)))
        })
        .collect();
    text.push_str("{\"n\":\"x\",\"odd\":\"end\",\"tags\":[\"a\"]}\n");
    for (to, threads) in [(OutputFormat::Jsonl, 1), (OutputFormat::Csv, 1), (OutputFormat::Csv, 3)]
    {
        let (_, written) = convert(&text, |conversion| {
            conversion.to = to;
            conversion.chunk_bytes = Some(64 << 10);
            conversion.row_group_rows = Some(60_000);
            conversion.threads = NonZeroUsize::new(threads);
        })
        .unwrap();
        // several runs in a row group
        assert!(written.len() > 3 << 19, "{}", written.len());
        let expected: String = match to {
            OutputFormat::Csv => {
                let cell = |text: &str| match text {
                    "plain" => text.to_owned(),
                    _ => format!("\"{}\"", text.replace('"', "\"\"")),
                };
                let rows = (0..ROWS).map(|row| {
                    let list = if lists(row) { "[]" } else { "" };
                    format!("{},{row}.5,{},{list}\n", row + 1, cell(odd(row)))
                });
                let rows: String = rows.collect();
                format!("_tm_id,n,odd,tags\n{rows}{},x,end,\"[\"\"a\"\"]\"\n", ROWS + 1)
            }
            _ => {
                let rows = (0..ROWS).map(|row| {
                    let list = if lists(row) { r#","tags":[]"# } else { "" };
                    let odd = serde_json::json!(odd(row));
                    format!("{{\"_tm_id\":{},\"n\":\"{row}.5\",\"odd\":{odd}{list}}}\n", row + 1)
                });
                let rows: String = rows.collect();
                let last = r#""n":"x","odd":"end","tags":["a"]}"#;
                format!("{rows}{{\"_tm_id\":{},{last}\n", ROWS + 1)
            }
        };
        for (written, expected) in written.lines().zip(expected.lines()) {
            assert_eq!(written, expected);
        }
        assert_eq!(written.len(), expected.len());
    }
}

#[test]
fn workers_take_their_leave() {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    // more chunks than one, else there is one worker
    let text = "{\"id\": 1}\n".repeat(1000);
    convert(&text, |conversion| {
        conversion.threads = NonZeroUsize::new(3);
        conversion.chunk_bytes = Some(1000);
        conversion.worker_farewell = Some(|| {
            COUNT.fetch_add(1, Ordering::AcqRel);
        });
    })
    .unwrap();
    let start = Instant::now();
    while COUNT.load(Ordering::Acquire) < 3 {
        assert!(start.elapsed() < Duration::from_secs(60), "{COUNT:?}");
        thread::yield_now();
    }
}

#[test]
fn writers_of_the_built_in_formats_write_the_bytes_of_files() {
    for to in OutputFormat::ALL {
        for indent in [None, Some(2)] {
            let dir = tempfile::tempdir().unwrap();
            let mut conversion = late_conversion(to);
            conversion.destination = Destination::Directory(dir.path().join("out"));
            conversion.indent = indent.filter(|_| to == OutputFormat::Json);
            conversion.nulls = if indent.is_some() { Nulls::Keep } else { Nulls::Omit };
            let mut options = WriterOptions::default();
            (options.indent, options.nulls) = (conversion.indent, conversion.nulls);
            let expected = conversion.run().unwrap();

            let buffers: Tables<MemoryBuffer> = Tables::default();
            let shared = Arc::clone(&buffers);
            let mut conversion = late_conversion(to);
            conversion.destination = Destination::Tables(Box::new(move |table| {
                let buffer = shared.lock().unwrap().entry(table.to_owned()).or_default().clone();
                match indent {
                    None => writer(to, Box::new(buffer)),
                    Some(_) => options.writer(to, Box::new(buffer)),
                }
            }));
            let summary = conversion.run().unwrap();
            let rows = |summary: &Summary| -> Vec<_> {
                summary.tables.iter().map(|t| (t.name.clone(), t.rows, t.columns)).collect()
            };
            assert_eq!(rows(&summary), rows(&expected), "{to}");
            assert!(summary.tables.iter().all(|table| table.path.is_none()));
            assert_eq!(expected.tables.len(), 3, "{to}");
            for table in &expected.tables {
                let file = fs::read(table.path.as_ref().unwrap()).unwrap();
                let bytes = buffers.lock().unwrap()[&table.name].take();
                assert!(bytes == file, "{to} {}", table.name);
            }
        }
    }
}

#[test]
fn a_table_without_rows_is_written_too() {
    let out = MemoryBuffer::default();
    let shared = out.clone();
    let mut conversion = Conversion::new(vec![input("")], OutputFormat::Json);
    conversion.destination = Destination::Tables(Box::new(move |_| {
        writer(OutputFormat::Json, Box::new(shared.clone()))
    }));
    assert_eq!(conversion.run().unwrap().records, 0);
    assert_eq!(out.take(), b"[]\n");
}

/// What a writer of one's own has seen of a table.
#[derive(Default)]
struct Seen {
    lines: Vec<u8>,
    arrow_rows: usize,
    /// The types of the column `v`, or of the last one.
    types: Vec<ColumnType>,
    /// Rows that it was told of at the end, and the place of the table then.
    end: Option<(u64, usize)>,
}

struct Recorder {
    table: String,
    seen: Tables<Seen>,
}

impl Recorder {
    fn with(&self, change: impl FnOnce(&mut Seen)) {
        change(self.seen.lock().unwrap().entry(self.table.clone()).or_default());
    }
}

fn type_of(columns: &[transmog::LayoutColumn]) -> ColumnType {
    let column = columns.iter().find(|column| column.name == "v");
    column.or(columns.last()).unwrap().column_type.clone()
}

impl StreamingWriter for Recorder {
    fn write_batch(&mut self, batch: Batch) -> Result<(), Error> {
        assert_eq!(batch.table(), self.table);
        let arrow = batch.to_arrow()?;
        assert_eq!((arrow.num_rows(), arrow.num_columns()), (batch.rows(), batch.columns().len()));
        self.with(|seen| {
            assert!(seen.end.is_none());
            seen.arrow_rows += arrow.num_rows();
            seen.lines.extend(batch.to_json_lines());
            seen.types.push(type_of(batch.columns()));
        });
        Ok(())
    }

    fn finish(self: Box<Self>, end: &TableEnd) -> Result<(), Error> {
        let ended = self.seen.lock().unwrap().values().filter(|seen| seen.end.is_some()).count();
        self.with(|seen| {
            seen.end = Some((end.rows(), ended));
            seen.types.push(type_of(end.columns()));
        });
        Ok(())
    }
}

fn record(mut conversion: Conversion) -> (Summary, BTreeMap<String, Seen>) {
    let seen: Tables<Seen> = Tables::default();
    let shared = Arc::clone(&seen);
    conversion.destination = Destination::Tables(Box::new(move |table| {
        Ok(Box::new(Recorder { table: table.to_owned(), seen: Arc::clone(&shared) }))
    }));
    let summary = conversion.run().unwrap();
    (summary, std::mem::take(&mut *seen.lock().unwrap()))
}

#[test]
fn a_writer_of_ones_own_sees_every_row_once() {
    let line = |id: u32| {
        format!("{{\"id\":{id},\"name\":\"n\\\"{id}\",\"items\":[{{\"n\":1}},{{\"n\":2.5}}]}}\n")
    };
    let text: String = (0..50).map(line).collect();
    let conversion = || {
        let mut conversion = Conversion::new(vec![input(&text)], OutputFormat::Jsonl);
        conversion.name = Some("t".to_owned());
        conversion.row_group_rows = Some(7);
        conversion.chunk_bytes = Some(200);
        conversion
    };
    let dir = tempfile::tempdir().unwrap();
    let mut to_files = conversion();
    to_files.destination = Destination::Directory(dir.path().join("out"));
    let expected = to_files.run().unwrap();
    let (summary, seen) = record(conversion());
    assert_eq!(summary.tables.len(), 2);
    for (place, table) in expected.tables.iter().enumerate() {
        let seen = &seen[&table.name];
        let file = fs::read(table.path.as_ref().unwrap()).unwrap();
        assert!(seen.lines == file, "{}", table.name);
        assert_eq!((seen.arrow_rows as u64, seen.end), (table.rows, Some((table.rows, place))));
    }
}

/// Sends how many rows each batch has.
struct Sizes(std::sync::mpsc::Sender<usize>);

impl StreamingWriter for Sizes {
    fn write_batch(&mut self, batch: Batch) -> Result<(), Error> {
        self.0.send(batch.rows()).unwrap();
        Ok(())
    }

    fn finish(self: Box<Self>, _end: &TableEnd) -> Result<(), Error> {
        Ok(())
    }
}

#[test]
fn a_live_run_gives_writers_the_rows_of_each_batch() {
    let sizes = |live| {
        let mut conversion = Conversion::new(vec![input(&"{}\n".repeat(7))], OutputFormat::Jsonl);
        let size = NonZeroUsize::new(3).unwrap();
        let timeout = std::time::Duration::from_secs(3600);
        conversion.batches = BatchStrategy::FixedSize { size, timeout };
        conversion.live = live;
        let (to, sizes) = std::sync::mpsc::channel();
        conversion.destination =
            Destination::Tables(Box::new(move |_| Ok(Box::new(Sizes(to.clone())))));
        conversion.run().unwrap();
        sizes.into_iter().collect::<Vec<_>>()
    };
    assert_eq!(sizes(Live::Off), [7]);
    assert_eq!(sizes(Live::OnPipes), [3, 3, 1]);
}

#[test]
fn observers_hear_of_batches_inputs_and_the_end() {
    #[derive(Clone, Default)]
    struct Heard(Arc<Mutex<Vec<String>>>);

    impl Heard {
        fn say(&self, what: String) {
            self.0.lock().unwrap().push(what);
        }
    }

    impl Observer for Heard {
        fn on_start(&mut self, run: &RunStart) {
            self.say(format!("start {} {}", run.strategy, run.inputs.join(" ")));
        }

        fn on_batch_start(&mut self, batch: &BatchStart) {
            self.say(format!("batch {} of {}", batch.number, batch.input_index));
        }

        fn on_batch_complete(&mut self, batch: &BatchReport) {
            let BatchReport { number, status, records, rejected, bytes, .. } = batch;
            let status = status.as_str();
            self.say(format!("end {number} {status} {records} {rejected} {bytes}"));
        }

        fn on_batch_error(&mut self, batch: &BatchReport, error: &BatchError<'_>) {
            let what = match error {
                BatchError::Rejected { code, record, .. } => format!("{code} {record}"),
                BatchError::Ended(error) => format!("{:?}", error.kind()),
                _ => String::new(),
            };
            self.say(format!("error {} {what}", batch.number));
        }

        fn on_file_complete(&mut self, input: &InputSummary) {
            self.say(format!("file {} {}", input.name, input.status.as_str()));
        }

        fn on_complete(&mut self, summary: &Summary) {
            self.say(format!("complete {} {}", summary.status().as_str(), summary.batches.count));
        }
    }

    let hear = |on_error| {
        let text = "{\"a\":1}\n{\"a\":2}\n{oops\n";
        let inputs = vec![input(text), input("{\"a\":3}\n")];
        let mut conversion = Conversion::new(inputs, OutputFormat::Jsonl);
        let (size, timeout) = (NonZeroUsize::new(2).unwrap(), std::time::Duration::from_secs(3600));
        conversion.batches = BatchStrategy::FixedSize { size, timeout };
        conversion.threads = NonZeroUsize::new(1);
        conversion.prefetch = 0;
        conversion.on_error = on_error;
        conversion.rejects = RejectTarget::Nowhere;
        conversion.destination = Destination::Writer(Box::new(io::sink()), Framing::One);
        let heard = Heard::default();
        conversion.observer = Some(Box::new(heard.clone()));
        let _ = conversion.run();
        heard.0.lock().unwrap().clone()
    };
    let expected = [
        "start fixed_size in in",
        "batch 1 of 0",
        "end 1 passed 2 0 15",
        "batch 2 of 0",
        "error 2 json.syntax 3",
        "end 2 failed 1 1 5",
        "batch 3 of 1",
        "file in warning",
        "end 3 passed 1 0 7",
        "file in passed",
        "complete warning 3",
    ];
    assert_eq!(hear(OnError::Skip), expected);
    let failed = hear(OnError::Fail);
    assert_eq!(
        failed[failed.len() - 3..],
        ["file in failed", "error 2 Record(JsonSyntax)", "complete failed 2"],
        "{failed:?}"
    );
}

#[test]
fn columns_of_batches_are_those_known_by_then() {
    let (_, seen) = record(late_conversion(OutputFormat::Parquet));
    let types = &seen["t"].types;
    assert_eq!(types.first(), Some(&ColumnType::Int64));
    assert!(types.contains(&ColumnType::Double), "{types:?}");
    assert_eq!(types.last(), Some(&ColumnType::Text));
    let lines = String::from_utf8(seen["t"].lines.clone()).unwrap();
    assert!(lines.contains(r#""v":1.2345678901234567890"#), "{lines}");
}

/// Fails at a call.
struct Failing(&'static str);

impl StreamingWriter for Failing {
    fn write_batch(&mut self, _batch: Batch) -> Result<(), Error> {
        if self.0 == "write" { Err(Error::new(ErrorKind::Budget, "write")) } else { Ok(()) }
    }

    fn finish(self: Box<Self>, _end: &TableEnd) -> Result<(), Error> {
        if self.0 == "finish" { Err(Error::new(ErrorKind::Budget, "finish")) } else { Ok(()) }
    }
}

#[test]
fn an_error_of_a_writer_ends_the_run_and_nothing_is_published() {
    for (at, is_published) in [("make", false), ("write", false), ("finish", false), ("", true)] {
        let dir = tempfile::tempdir().unwrap();
        let text = format!("{}oops\n", late());
        let mut conversion = late_conversion(OutputFormat::Jsonl);
        conversion.inputs = vec![input(&text)];
        conversion.rejects = RejectTarget::File(dir.path().join("rejects.jsonl"));
        conversion.overwrite = Overwrite::Replace;
        conversion.destination = Destination::Tables(Box::new(move |table| match at {
            // a child table, in the middle of the run
            "make" if table == "t_more" => Err(Error::new(ErrorKind::Budget, "make")),
            "make" => Ok(Box::new(Failing(""))),
            at => Ok(Box::new(Failing(at))),
        }));
        let mut summary = Summary::default();
        let done = conversion.run_into(&mut summary);
        let found = done.err().map(|error| (error.kind(), error.to_string()));
        let expected = (!is_published).then(|| (ErrorKind::Budget, at.to_owned()));
        assert_eq!(found, expected);
        assert_eq!(summary.tables.is_empty(), !is_published);
        let files = fs::read_dir(dir.path()).unwrap().count();
        assert_eq!(files, usize::from(is_published), "{at}");
    }
}

#[test]
fn one_table_of_several_can_go_to_a_writer() {
    let mut conversion = late_conversion(OutputFormat::Jsonl);
    conversion.table = Some("t_items".to_owned());
    let (summary, seen) = record(conversion);
    assert_eq!(summary.tables.len(), 1);
    assert_eq!(seen.keys().collect::<Vec<_>>(), ["t_items"]);
}

#[test]
fn a_closed_stream_behind_a_writer_is_told_apart() {
    struct Closed;

    impl Write for Closed {
        fn write(&mut self, _bytes: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    let mut conversion = late_conversion(OutputFormat::Csv);
    conversion.destination =
        Destination::Tables(Box::new(|_| writer(OutputFormat::Csv, Box::new(Closed))));
    assert_eq!(conversion.run().unwrap_err().kind(), ErrorKind::ClosedPipe);
}

#[test]
fn records_of_an_iterator_are_read_as_they_are_wanted() {
    let counter = Arc::new(Mutex::new(0u64));
    let shared = Arc::clone(&counter);
    let endless = (0u64..).map(move |n| {
        *shared.lock().unwrap() += 1;
        BTreeMap::from([("n", n)])
    });
    let set = |conversion: &mut Conversion| {
        conversion.inputs = vec![Input::records("numbers", endless)];
        conversion.limit = Some(3);
    };
    let (summary, out) = convert("", set).unwrap();
    assert_eq!(summary.records, 3);
    assert_eq!(out.lines().last(), Some("{\"_tm_id\":3,\"n\":2}"));
    assert!(*counter.lock().unwrap() < 1_000_000);
}

/// A record that may be no JSON, as the keys of its objects are no strings.
#[derive(serde::Serialize)]
#[serde(untagged)]
enum Keyed {
    Text(BTreeMap<&'static str, u32>),
    Pair(BTreeMap<(u32, u32), u32>),
}

#[test]
fn a_record_that_cannot_be_json_ends_the_run() {
    let records = || {
        [
            Keyed::Text(BTreeMap::from([("a", 1)])),
            Keyed::Text(BTreeMap::new()),
            Keyed::Pair(BTreeMap::from([((1, 2), 3)])),
        ]
    };
    let set = |conversion: &mut Conversion| {
        conversion.inputs = vec![Input::records("maps", records())];
    };
    let error = convert("", set).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    let expected = "maps: reading failed: record 3 cannot be JSON: key must be";
    assert!(error.to_string().starts_with(expected), "{error}");
}

#[test]
fn records_that_are_json_already_may_have_line_ends() {
    let raw = |text: &str| serde_json::value::RawValue::from_string(text.to_owned()).unwrap();
    let records = vec![raw("{\n \"a\": 1\r\n}"), raw("{}")];
    let set = |conversion: &mut Conversion| {
        conversion.inputs = vec![Input::records("raw", records)];
        conversion.from = InputFormat::Jsonl;
    };
    assert_eq!(convert("", set).unwrap().1, "{\"_tm_id\":1,\"a\":1}\n{\"_tm_id\":2}\n");
}

/// Notes how runs ended.
#[derive(Clone, Default)]
struct Ends(Arc<Mutex<Vec<(u8, u64)>>>);

impl Observer for Ends {
    fn on_complete(&mut self, summary: &Summary) {
        self.0.lock().unwrap().push((summary.exit_status(), summary.records));
    }
}

#[test]
fn observers_are_told_how_a_run_ended_however_it_did() {
    let ends = Ends::default();
    let watched = || -> Option<Box<dyn Observer>> {
        Some(Box::new(Observers(vec![Box::new(ends.clone()), Box::new(ends.clone())])))
    };
    convert("{}\n{}\n", |conversion| conversion.observer = watched()).unwrap();
    let fail = |conversion: &mut Conversion| {
        conversion.observer = watched();
        conversion.on_error = OnError::Fail;
    };
    convert("{}\noops\n", fail).unwrap_err();
    let refuse = |conversion: &mut Conversion| {
        conversion.observer = watched();
        conversion.inputs.clear();
    };
    convert("", refuse).unwrap_err();
    assert_eq!(*ends.0.lock().unwrap(), [(0, 2), (0, 2), (1, 1), (1, 1), (2, 0), (2, 0)]);
}

#[test]
fn progress_counts_what_lies_on_disk() {
    /// Holds the run up at first, so that it ticks, and keeps what it tells.
    struct Slow(Arc<Mutex<Vec<Counts>>>);

    impl Observer for Slow {
        fn on_batch_complete(&mut self, batch: &BatchReport) {
            if batch.number < 4 {
                std::thread::sleep(std::time::Duration::from_millis(60));
            }
        }

        fn on_tick(&mut self, counts: &Counts) {
            self.0.lock().unwrap().push(counts.clone());
        }
    }

    let folder = tempfile::tempdir().unwrap();
    let text = "{\"a\": 1}\n".repeat(200);
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packer.write_all(text.as_bytes()).unwrap();
    let packed = packer.finish().unwrap();
    let path = folder.path().join("a.jsonl.gz");
    fs::write(&path, &packed).unwrap();
    let told = |input: Input| {
        let counts = Arc::new(Mutex::new(Vec::new()));
        let mut conversion = Conversion::new(vec![input], OutputFormat::Jsonl);
        let out = MemoryBuffer::default();
        conversion.destination = Destination::Writer(Box::new(out), Framing::One);
        conversion.batches = BatchStrategy::FixedSize {
            size: NonZeroUsize::MIN,
            timeout: std::time::Duration::from_secs(60),
        };
        conversion.observer = Some(Box::new(Slow(Arc::clone(&counts))));
        conversion.run().unwrap();
        counts.lock().unwrap().last().cloned().expect("a tick")
    };
    let counts = told(Input::File(path));
    let packed_bytes = packed.len() as u64;
    assert_eq!((counts.bytes_read, counts.bytes_total), (packed_bytes, Some(packed_bytes)));
    assert!(counts.bytes > 0 && counts.bytes <= text.len() as u64, "{counts:?}");
    let reader = Box::new(io::Cursor::new(packed));
    let counts = told(Input::Reader { name: "a".to_owned(), reader });
    assert_eq!((counts.bytes_read, counts.bytes_total), (packed_bytes, None));
}

#[test]
fn tables_know_their_parents() {
    let set = |conversion: &mut Conversion| conversion.table = Some("records_b_c".to_owned());
    let text = "{\"a\":1,\"b\":[{\"c\":[{\"d\":1}]}]}";
    let (summary, _) = convert(text, set).unwrap();
    let parent = |at: usize| summary.tables.get(at).map(|table| table.parent.as_deref());
    assert_eq!((parent(0), parent(1)), (Some(Some("records_b")), None));
}
