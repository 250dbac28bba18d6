//! CSV in, and what comes out of it: beside the `csv` crate, and cell by cell.

#![allow(clippy::unwrap_used, reason = "a panic in a test is its failure")]

mod support;

use std::io::{self, Read};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use support::Shared;
use transmog::{
    Conversion, DeclaredType, Destination, Error, Framing, Header, Input, InputFormat, Nulls,
    NumberMode, OnError, OutputFormat, Ragged, Sign, Summary, WarningKind,
};

/// Gives at most so many bytes at once.
struct Piecewise {
    bytes: io::Cursor<Vec<u8>>,
    most: usize,
}

impl Read for Piecewise {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = self.most.min(buffer.len());
        self.bytes.read(&mut buffer[..most])
    }
}

/// Converts CSV in memory; the way the input is read and cut must not matter.
fn convert(
    text: &[u8],
    to: OutputFormat,
    set: &dyn Fn(&mut Conversion),
) -> Result<(Summary, Vec<u8>), Error> {
    let mut first: Option<Result<(Summary, Vec<u8>), Error>> = None;
    for (most, chunk_bytes) in [(usize::MAX, None), (1, Some(1)), (7, Some(16))] {
        let out = Shared::default();
        let bytes = io::Cursor::new(text.to_vec());
        let reader = Box::new(Piecewise { bytes, most });
        let input = Input::Reader { name: "in".to_owned(), reader };
        let mut conversion = Conversion::new(vec![input], to);
        conversion.on_error = OnError::Fail;
        conversion.from = InputFormat::Csv;
        conversion.destination = Destination::Writer(Box::new(out.clone()), Framing::One);
        conversion.chunk_bytes = chunk_bytes;
        set(&mut conversion);
        let found = conversion.run().map(|summary| (summary, out.0.lock().unwrap().clone()));
        let Some(first) = &first else {
            first = Some(found);
            continue;
        };
        match (first, &found) {
            (Ok((_, expected)), Ok((_, found))) => assert_eq!(expected, found),
            (Err(expected), Err(found)) => assert_eq!(expected.to_string(), found.to_string()),
            other => panic!("{other:?}"),
        }
    }
    first.unwrap()
}

/// Returns what comes out as CSV.
fn to_csv(text: &str, set: &dyn Fn(&mut Conversion)) -> String {
    let (_, out) = convert(text.as_bytes(), OutputFormat::Csv, set).unwrap();
    String::from_utf8(out).unwrap()
}

fn check(text: &str, expected: &str) {
    assert_eq!(to_csv(text, &|_| {}), expected, "{text:?}");
}

fn check_with(text: &str, set: &dyn Fn(&mut Conversion), expected: &str) {
    assert_eq!(to_csv(text, set), expected, "{text:?}");
}

fn fails(text: &str, set: &dyn Fn(&mut Conversion), expected: &str) {
    let error = convert(text.as_bytes(), OutputFormat::Csv, set).unwrap_err();
    assert_eq!(error.to_string(), expected, "{text:?}");
}

/// Returns the rows as JSON lines.
fn to_jsonl(text: &str, set: &dyn Fn(&mut Conversion)) -> String {
    let (_, out) = convert(text.as_bytes(), OutputFormat::Jsonl, set).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn cells_come_back_as_written() {
    check("id,zip\n1,0150\n2,00501\n", "id,zip\n1,0150\n2,00501\n");
    check("n\n1\n2\nn/a\n", "n\n1\n2\nn/a\n");
    check("n\n+1\n1.50\n1e3\n007\n-0\n", "n\n+1\n1.50\n1e3\n007\n-0\n");
    check("n\n1\n1.5\n", "n\n1\n1.5\n");
    check("n\n9007199254740993\n1.5\n", "n\n9007199254740993\n1.5\n");
    check("a,b\n\" x \",\"y,\"\"z\"\"\nw\"\n", "a,b\n\" x \",\"y,\"\"z\"\"\nw\"\n");
}

#[test]
fn an_empty_cell_is_null_and_a_quoted_one_text() {
    check("a,b\n,\"\"\n1,2\n", "a,b\n,\"\"\n1,2\n");
    assert_eq!(to_jsonl("a,b\n,\"\"\nx,y\n", &|_| {}), "{\"b\":\"\"}\n{\"a\":\"x\",\"b\":\"y\"}\n");
}

#[test]
fn numbers_in_quotes_are_numbers() {
    assert_eq!(to_jsonl("a\n\"1\"\n2\n", &|_| {}), "{\"a\":1}\n{\"a\":2}\n");
}

#[test]
fn a_table_of_one_column_keeps_its_blank_lines() {
    check("a\n1\n\n2\n", "a\n1\n\n2\n");
}

#[test]
fn headers_get_names_of_their_own() {
    check("\u{feff}id,a,a,,a.b\n1,2,3,4,5\n", "id,a,a_2,column_4,a.b\n1,2,3,4,5\n");
    let (summary, _) = convert(b"a,a\n1,2\n", OutputFormat::Csv, &|_| {}).unwrap();
    assert_eq!(summary.warnings[0].kind, WarningKind::ColumnRenamed);
    assert_eq!(
        summary.warnings[0].to_string(),
        "`/a` became column `a_2`, as `a` stood before it in `in`"
    );
    // names that stand in our own output stay
    check("_tm_id,_tm_rest\n1,x\n", "_tm_id,_tm_rest\n1,x\n");
}

#[test]
fn a_header_alone_is_a_table_without_rows() {
    for to in OutputFormat::ALL {
        let (summary, _) = convert(b"a,b\n", to, &|_| {}).unwrap();
        assert_eq!((summary.tables[0].rows, summary.tables[0].columns), (0, 2), "{to}");
    }
    check("a,b\n", "a,b\n");
    check("a,b", "a,b\n");
    check("", "_tm_id\n");
}

#[test]
fn dialects_are_reported() {
    let (summary, _) = convert(b"a;b\n1;2\n", OutputFormat::Csv, &|_| {}).unwrap();
    assert_eq!(summary.dialects.len(), 1);
    assert_eq!(summary.dialects[0].dialect.to_string(), "delimiter `;`, quote `\"`, a header");
    assert_eq!(summary.dialects[0].name, "in");
    let comments = |text: &str, adjust: &dyn Fn(&mut Conversion)| {
        let (summary, rows) = convert(text.as_bytes(), OutputFormat::Csv, adjust).unwrap();
        assert!(summary.to_string().contains("2 comments left out"), "{summary}");
        (summary.dialects[0].comments, String::from_utf8(rows).unwrap())
    };
    let percent = |c: &mut Conversion| c.csv_input.dialect.comment = Some(Sign::Byte(b'%'));
    let (count, rows) = comments("%x\na,b\n1,2\n%y,z", &percent);
    assert_eq!((count, rows.as_str()), (2, "a,b\n1,2\n"));
    // Where they are guessed, what has all cells is a row.
    let (count, rows) = comments("a,b\n# x\n1,2\n# y\n#3,4\n", &|_| {});
    assert_eq!((count, rows.as_str()), (2, "a,b\n1,2\n#3,4\n"));
}

#[test]
fn every_guess_can_be_set() {
    check_with("a:b\n1:2\n", &|c| c.csv_input.dialect.delimiter = Some(b':'), "a,b\n1,2\n");
    let quote = |c: &mut Conversion| c.csv_input.dialect.quote = Some(Sign::Byte(b'\''));
    check_with("a,b\n'1,5',2\n", &quote, "a,b\n\"1,5\",2\n");
    let none = |c: &mut Conversion| c.csv_input.dialect.quote = Some(Sign::None);
    check_with("a,b\n\"1,5\"\n", &none, "a,b\n\"\"\"1\",\"5\"\"\"\n");
    let escape = |c: &mut Conversion| c.csv_input.dialect.escape = Some(Sign::Byte(b'\\'));
    check_with("a,b\n\"x\\\"y\\\\z\\n\",2\n", &escape, "a,b\n\"x\"\"y\\z\\n\",2\n");
    let none = |c: &mut Conversion| {
        c.csv_input.dialect.escape = Some(Sign::None);
        c.on_error = OnError::Skip;
    };
    let escaped = "a,b\n\"x\\\", y\",1\n\"u\",2\n";
    check_with(escaped, &|_| {}, "a,b\n\"x\"\", y\",1\nu,2\n");
    check_with(escaped, &none, "a,b\nu,2\n");
    let absent = |c: &mut Conversion| c.csv_input.dialect.header = Some(Header::Absent);
    check_with("a,b\nc,d\n", &absent, "column_1,column_2\na,b\nc,d\n");
    let present = |c: &mut Conversion| c.csv_input.dialect.header = Some(Header::Present);
    check_with("1,2\n3,4\n", &present, "1,2\n3,4\n");
    check_with("x\ny,z\na,b\n1,2\n", &|c| c.csv_input.dialect.skip_lines = Some(2), "a,b\n1,2\n");
    check_with(
        "%x\na,b\n%y,z\n1,2\n",
        &|c| c.csv_input.dialect.comment = Some(Sign::Byte(b'%')),
        "a,b\n1,2\n",
    );
    let none = |c: &mut Conversion| {
        c.csv_input.dialect.comment = Some(Sign::None);
        c.csv_input.cells.ragged = Ragged::Pad;
    };
    check_with("a,b\n# x\n1,2\n", &|_| {}, "a,b\n1,2\n");
    check_with("a,b\n# x\n1,2\n", &none, "a,b\n# x,\n1,2\n");
    check_with("a\tb,c\n1\t2,3\n", &|c| c.from = InputFormat::Tsv, "a,\"b,c\"\n1,\"2,3\"\n");
}

#[test]
fn texts_stand_for_null_where_named() {
    let nulls = |c: &mut Conversion| c.csv_input.cells.null_values = vec!["NA".into(), "-".into()];
    check_with("a,b\nNA,1\n-,\"NA\"\n\"\",2\n", &nulls, "a,b\n,1\n,\n\"\",2\n");
    let empty = |c: &mut Conversion| c.csv_input.cells.null_values = vec![String::new()];
    check_with("a,b\n\"\",1\n", &empty, "a,b\n,1\n");
}

#[test]
fn marks_of_numbers_are_read_where_asked_for() {
    let comma = |c: &mut Conversion| c.csv_input.cells.decimal_comma = true;
    assert_eq!(
        to_jsonl("a;b\n1,5;x\n-2;3,4,5\n", &comma),
        "{\"a\":1.5,\"b\":\"x\"}\n{\"a\":-2,\"b\":\"3,4,5\"}\n"
    );
    let both = |c: &mut Conversion| {
        c.csv_input.cells.decimal_comma = true;
        c.csv_input.cells.thousands = Some(b'.');
    };
    let found = to_jsonl("a;b\n1.234.567,5;1.234.5\n", &both);
    assert_eq!(found, "{\"a\":1234567.5,\"b\":\"1.234.5\"}\n");
    let thousands = |c: &mut Conversion| c.csv_input.cells.thousands = Some(b',');
    assert_eq!(to_jsonl("a\n\"1,234\"\n", &thousands), "{\"a\":1234}\n");
    assert_eq!(to_jsonl("a\n\"1,234\"\n", &|_| {}), "{\"a\":\"1,234\"}\n");
}

/// Numbers with marks become the same rows as JSONL and, by way of Parquet, however few rows a row
/// group has; `n` is the column.
fn check_marks(decimal_comma: bool, thousands: Option<u8>, cells: &[&str], expected: &[&str]) {
    let quoted: Vec<_> = cells.iter().map(|cell| format!("\"{cell}\"")).collect();
    let text = format!("n\n{}\n", quoted.join("\n"));
    let expected: String = expected.iter().map(|value| format!("{{\"n\":{value}}}\n")).collect();
    for row_group_rows in [1, 2, 1 << 20] {
        let set = |c: &mut Conversion| {
            c.csv_input.cells.decimal_comma = decimal_comma;
            c.csv_input.cells.thousands = thousands;
            c.row_group_rows = Some(row_group_rows);
        };
        assert_eq!(to_jsonl(&text, &set), expected, "{cells:?}, {row_group_rows}");
        let (_, parquet) = convert(text.as_bytes(), OutputFormat::Parquet, &set).unwrap();
        let (_, back) =
            convert(&parquet, OutputFormat::Jsonl, &|c| c.from = InputFormat::Parquet).unwrap();
        let back = String::from_utf8(back).unwrap();
        assert_eq!(back, expected, "{cells:?}, {row_group_rows}, from Parquet");
        let csv = to_csv(&text, &set);
        let unquoted = csv.replace('"', "");
        let values = expected.lines().map(|line| &line[5..line.len() - 1]);
        let values: String = values.map(|value| value.replace('"', "") + "\n").collect();
        assert_eq!(unquoted, format!("n\n{values}"), "{cells:?}, {row_group_rows}, as CSV");
    }
}

#[test]
fn cells_come_back_as_written_where_marked_numbers_are_text() {
    const POINT: Option<u8> = Some(b'.');
    check_marks(true, None, &["3,5", "n/a"], &["\"3,5\"", "\"n/a\""]);
    check_marks(true, None, &["n/a", "3,5"], &["\"n/a\"", "\"3,5\""]);
    check_marks(true, None, &["7", "3,50", "true"], &["\"7\"", "\"3,50\"", "\"true\""]);
    check_marks(true, None, &["3,5", "3.5"], &["\"3,5\"", "\"3.5\""]);
    check_marks(true, None, &["3,5", "007"], &["\"3,5\"", "\"007\""]);
    let big = "123456789012345678901234567890";
    check_marks(true, None, &["3,5", big], &["\"3,5\"", &format!("\"{big}\"")]);
    let wide = "9007199254740993";
    check_marks(true, None, &["3,5", wide], &["\"3,5\"", &format!("\"{wide}\"")]);
    check_marks(true, POINT, &["1.234", "n/a"], &["\"1.234\"", "\"n/a\""]);
    check_marks(true, POINT, &["1.234,50", "01.03.2026"], &["\"1.234,50\"", "\"01.03.2026\""]);
    check_marks(
        false,
        Some(b','),
        &["999.50", "1,234.50", "x"],
        &["\"999.50\"", "\"1,234.50\"", "\"x\""],
    );
    // no mark says that this is a number
    check_marks(false, Some(b','), &["1.50", "2"], &["\"1.50\"", "\"2\""]);
    let long = "0,1000000000000000000001";
    check_marks(true, None, &[long, "2"], &[&format!("\"{long}\""), "\"2\""]);
}

#[test]
fn numbers_with_marks_are_numbers() {
    const POINT: Option<u8> = Some(b'.');
    check_marks(true, POINT, &["1.234,50", "0,99", "19,00", "7"], &["1234.5", "0.99", "19", "7"]);
    check_marks(true, POINT, &["7", "12", "-1.234", "1234"], &["7", "12", "-1234", "1234"]);
    check_marks(
        false,
        Some(b','),
        &["999.50", "1,234.50", "3.5", "7"],
        &["999.5", "1234.5", "3.5", "7"],
    );
    check_marks(false, Some(b'\''), &["1'000", "9"], &["1000", "9"]);
    check_marks(true, None, &["1", "2", "3,5"], &["1", "2", "3.5"]);
}

#[test]
fn declared_types_read_marks() {
    let set = |types: &'static [(&str, DeclaredType)]| {
        move |c: &mut Conversion| {
            c.csv_input.cells.decimal_comma = true;
            c.csv_input.cells.thousands = Some(b'.');
            let typed = |(path, wanted): &(&str, DeclaredType)| (path.parse().unwrap(), *wanted);
            c.flatten.types = types.iter().map(typed).collect();
        }
    };
    let text = "a;b;c\n1.234,50;3,50;1.234\n";
    let decimals = DeclaredType::Decimal { precision: 12, scale: 2 };
    let types = Box::leak(Box::new([
        ("a", decimals),
        ("b", DeclaredType::Text),
        ("c", DeclaredType::Int64),
    ]));
    assert_eq!(to_jsonl(text, &set(types)), "{\"a\":1234.50,\"b\":\"3,50\",\"c\":1234}\n");
    let numbers = |numbers| {
        move |c: &mut Conversion| {
            c.csv_input.cells.decimal_comma = true;
            c.csv_input.cells.thousands = Some(b'.');
            c.csv_input.dialect.delimiter = Some(b';');
            c.numbers = numbers;
            c.row_group_rows = Some(1);
        }
    };
    let text = "a\n1.234,50\n2,5\n7\n";
    assert_eq!(
        to_jsonl(text, &numbers(NumberMode::Decimal)),
        "{\"a\":1234.50}\n{\"a\":2.5}\n{\"a\":7}\n"
    );
    let as_written = "{\"a\":\"1.234,50\"}\n{\"a\":\"2,5\"}\n{\"a\":\"7\"}\n";
    assert_eq!(to_jsonl(text, &numbers(NumberMode::Text)), as_written);
    let text = "a\n1.234,50\n2,5\nn/a\n";
    let as_written = "{\"a\":\"1.234,50\"}\n{\"a\":\"2,5\"}\n{\"a\":\"n/a\"}\n";
    assert_eq!(to_jsonl(text, &numbers(NumberMode::Decimal)), as_written);
}

#[test]
fn rows_of_another_width_are_at_fault() {
    fails(
        "a,b\n1,2\n3\n",
        &|_| {},
        "in:3:2: expected 2 cells, found 1 (csv.field_count, record 2, byte 9)",
    );
    fails(
        "a,b\n1,2\n3,4,5,6\n",
        &|_| {},
        "in:3:5: expected 2 cells, found 4 (csv.field_count, record 2, byte 12)",
    );
    fails(
        "a,b\n1,\"2\"x\n",
        &|_| {},
        "in:2:6: expected `,` or a line end behind a closing quote, found `x` (csv.quote, record 1, byte 9)",
    );
    fails(
        "a,b\n1,\"2\n3,4\n",
        &|_| {},
        "in:2:3: expected a closing quote, found the end of the input (csv.quote, record 1, byte 6)",
    );
    let error = convert(b"a,b\n1,\xff\n", OutputFormat::Csv, &|_| {}).unwrap_err();
    let message = "in:2:3: expected UTF-8, found byte 0xff (encoding.invalid, record 1, byte 6)";
    assert_eq!(error.to_string(), message);
}

#[test]
fn rows_of_another_width_are_padded_where_asked_for() {
    let pad = |c: &mut Conversion| c.csv_input.cells.ragged = Ragged::Pad;
    let text = "a,b\n1\n2,3,4,,\"\"\n5,6\n7,8,\n";
    let expected = "a,b,_tm_rest\n1,,\n2,3,\"[\"\"4\"\",null,\"\"\"\"]\"\n5,6,\n7,8,\n";
    check_with(text, &pad, expected);
    let (summary, _) = convert(text.as_bytes(), OutputFormat::Csv, &pad).unwrap();
    let ragged = summary.warnings.iter().find(|w| w.kind == WarningKind::RowRagged).unwrap();
    assert_eq!(ragged.count, 2);
}

#[test]
fn cells_of_json_are_flattened_where_asked_for() {
    let json = |c: &mut Conversion| {
        c.csv_input.cells.json = true;
        c.nulls = Nulls::Omit;
    };
    let text = "id,v\n1,\"{\"\"x\"\":{\"\"y\"\":1},\"\"l\"\":[1,2]}\"\n2,plain\n3,\"{broken\"\n4,\"[7]\"\n";
    let expected = concat!(
        "{\"_tm_id\":1,\"id\":1,\"v_x_y\":1,\"v_l\":\"[1,2]\"}\n",
        "{\"_tm_id\":2,\"id\":2,\"v\":\"plain\"}\n",
        "{\"_tm_id\":3,\"id\":3,\"v\":\"{broken\"}\n",
        "{\"_tm_id\":4,\"id\":4,\"v_json\":\"[7]\"}\n",
    );
    let found = to_jsonl(text, &json);
    assert_eq!(
        found.replace(",\"v_l\":[1,2]", ",\"v_l\":\"[1,2]\"").replace(":[7]", ":\"[7]\""),
        expected
    );
    let (summary, _) = convert(text.as_bytes(), OutputFormat::Jsonl, &json).unwrap();
    let broken = summary.warnings.iter().find(|w| w.kind == WarningKind::JsonBroken).unwrap();
    assert_eq!((broken.path.as_str(), broken.count), ("/v", 1));
}

/// A table of random cells, and how it is written.
fn tables() -> impl Strategy<Value = (Vec<Vec<String>>, u64)> {
    let cell = prop_oneof![
        "[a-c\",\r\n ]{0,6}",
        "[a-z]{0,80}",
        Just(String::new()),
        "[\"]{1,3}",
        "é[,\"]日本",
    ];
    let width = 2usize..6;
    width.prop_flat_map(move |width| {
        let row = prop::collection::vec(cell.clone(), width);
        (prop::collection::vec(row, 1..12), any::<u64>())
    })
}

/// Writes a table with quotes where they are needed, and by chance elsewhere.
fn written(rows: &[Vec<String>], mut chance: u64) -> String {
    let mut text = String::new();
    let line_end = ["\n", "\r\n", "\r"][(chance % 3) as usize];
    for (index, row) in rows.iter().enumerate() {
        for (place, cell) in row.iter().enumerate() {
            chance = chance.rotate_left(7).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            text.push_str(if place > 0 { "," } else { "" });
            let is_first = place == 0 && cell.is_empty();
            let needs_quotes = is_first || cell.contains(['"', ',', '\r', '\n']);
            match needs_quotes || chance.is_multiple_of(3) {
                true => text.push_str(&format!("\"{}\"", cell.replace('"', "\"\""))),
                false => text.push_str(cell),
            }
        }
        if index + 1 < rows.len() || chance.is_multiple_of(2) {
            text.push_str(line_end);
        }
    }
    text
}

fn given(conversion: &mut Conversion) {
    conversion.csv_input.dialect.delimiter = Some(b',');
    conversion.csv_input.dialect.quote = Some(Sign::Byte(b'"'));
    conversion.csv_input.dialect.header = Some(Header::Absent);
    conversion.csv_input.dialect.comment = Some(Sign::Byte(b'%'));
    conversion.csv_input.dialect.skip_lines = Some(0);
}

#[test]
fn rows_and_cells_are_those_of_the_csv_crate() {
    let mut runner = TestRunner::new(Config::with_cases(150));
    let test = |(rows, chance): (Vec<Vec<String>>, u64)| {
        let text = written(&rows, chance);
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
        let expected: Vec<Vec<String>> =
            reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect();
        let (_, out) = convert(text.as_bytes(), OutputFormat::Jsonl, &|conversion| {
            given(conversion);
            conversion.flatten.all_text = true;
            conversion.nulls = Nulls::Keep;
        })
        .unwrap();
        let found: Vec<Vec<String>> = String::from_utf8(out)
            .unwrap()
            .lines()
            .map(|line| {
                let row: serde_json::Map<String, serde_json::Value> =
                    serde_json::from_str(line).unwrap();
                row.values().map(|cell| cell.as_str().unwrap_or("").to_owned()).collect()
            })
            .collect();
        assert_eq!(found, expected, "{text:?}");
        Ok(())
    };
    runner.run(&tables(), test).unwrap();
}

/// Cells that something or other would change.
const NASTY: [&str; 36] = [
    "",
    "0",
    "1",
    "-1",
    "+1",
    "-0",
    "007",
    "1.5",
    "1.50",
    "1.0",
    "1e3",
    "1e300",
    "1E5",
    "1e-7",
    ".5",
    "5.",
    "0.1",
    "0.30000000000000004",
    "9007199254740992",
    "9007199254740993",
    "9223372036854775808",
    "100000000000000000000",
    "123456789012345678901234567890123456789012",
    "1e400",
    "true",
    "false",
    "TRUE",
    "null",
    "NaN",
    "2026-11-21",
    "2026-1-2",
    "2026-11-21T10:20:30Z",
    "2026-11-21 10:20:30.5",
    "n/a",
    " 1",
    "{\"a\":1}",
];

#[test]
fn columns_that_change_late_print_back() {
    // More rows than are read together, with columns that become something else at any of them.
    const ROWS: usize = 700;
    for (from, late) in NASTY.iter().enumerate().flat_map(|(a, _)| [(a, 40), (a, 699)]) {
        let odd = NASTY[(from * 7 + 3) % NASTY.len()];
        let mut rows = vec![vec!["c1".to_owned(), "c2".to_owned(), "c3".to_owned()]];
        for row in 0..ROWS {
            let minute = format!("2026-11-21 10:{:02}:{:02}", row / 60, row % 60);
            let second = if row == late { odd.to_owned() } else { minute };
            let third = if row == late { NASTY[from].to_owned() } else { row.to_string() };
            rows.push(vec![NASTY[from].to_owned(), second, third]);
        }
        let line = |row: &Vec<String>| {
            let quoted = row.iter().map(|cell| match cell.contains('"') || cell.starts_with(' ') {
                true => format!("\"{}\"", cell.replace('"', "\"\"")),
                false => cell.clone(),
            });
            quoted.collect::<Vec<_>>().join(",") + "\n"
        };
        let text: String = rows.iter().map(line).collect();
        let set = |conversion: &mut Conversion| {
            given(conversion);
            conversion.csv_input.dialect.header = Some(Header::Present);
        };
        assert!(to_csv(&text, &set) == text, "{odd} in row {late}");
    }
}

#[test]
fn random_columns_print_back() {
    let mut runner = TestRunner::new(Config::with_cases(100));
    // A few kinds a column, so that many columns are typed.
    let column = prop::collection::vec(0..NASTY.len(), 1..4)
        .prop_flat_map(|kinds| prop::collection::vec(prop::sample::select(kinds), 8));
    let test = |columns: Vec<Vec<usize>>| {
        let mut text = "c1,c2,c3\n".to_owned();
        for row in 0..8 {
            let cells = columns.iter().map(|column| NASTY[column[row]]);
            let quoted = cells.map(|cell| match cell.contains('"') || cell.starts_with(' ') {
                true => format!("\"{}\"", cell.replace('"', "\"\"")),
                false => cell.to_owned(),
            });
            text += &quoted.collect::<Vec<_>>().join(",");
            text.push('\n');
        }
        for row_group_rows in [3, 1000] {
            let set = |conversion: &mut Conversion| {
                given(conversion);
                conversion.csv_input.dialect.header = Some(Header::Present);
                conversion.row_group_rows = Some(row_group_rows);
            };
            assert_eq!(to_csv(&text, &set), text);
            // Through Parquet, typed, and back.
            let dir = tempfile::tempdir().unwrap();
            let input = Input::Reader {
                name: "in".to_owned(),
                reader: Box::new(io::Cursor::new(text.clone().into_bytes())),
            };
            let mut conversion = Conversion::new(vec![input], OutputFormat::Parquet);
            conversion.on_error = OnError::Fail;
            conversion.from = InputFormat::Csv;
            conversion.name = Some("t".to_owned());
            conversion.destination = Destination::Directory(dir.path().to_path_buf());
            conversion.chunk_bytes = Some(40);
            set(&mut conversion);
            conversion.run().unwrap();
            let table = support::read_table(&dir.path().join("t.parquet"), "_tm_");
            for (column, places) in table.in_order.iter().zip(&columns) {
                for (value, place) in column.values.iter().zip(places) {
                    assert_eq!(as_text(value, NASTY[*place]), NASTY[*place], "{text}");
                }
            }
        }
        Ok(())
    };
    runner.run(&prop::collection::vec(column, 3), test).unwrap();
}

/// Spells a value that was read back; dates as they were, if they are the same instant.
fn as_text(node: &support::Node, expected: &str) -> String {
    use support::Node;
    match node {
        Node::Null => String::new(),
        Node::Bool(value) => value.to_string(),
        Node::Number(text) if text == expected => text.clone(),
        Node::Number(text) => match text.parse::<f64>() {
            Ok(value) => {
                let mut out = Vec::new();
                transmog::table::float_text(value, &mut out);
                String::from_utf8(out).unwrap()
            }
            Err(_) => text.clone(),
        },
        Node::String(_) => {
            let instants = support::with_instants(&Node::String(expected.to_owned()), node);
            match instants == *node {
                true => expected.to_owned(),
                false => match node {
                    Node::String(text) => text.clone(),
                    other => panic!("{other:?}"),
                },
            }
        }
        other => panic!("{other:?}"),
    }
}
