//! What is JSON, and what it says: serde_json is asked, over random texts and broken ones.
//!
//! Known differences: nesting, where we follow 1,024 levels and serde_json 128; white space between
//! records, where we also skip byte order marks and record separators.

#![allow(clippy::unwrap_used, reason = "a panic in a test is its failure")]

mod support;

use std::io::Cursor;
use std::num::NonZeroUsize;

use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::Value;
use support::{Node, Shared, cases, join, read_tables, with_instants};
use transmog::decode::json;
use transmog::{
    Conversion, DeclaredType, Destination, Error, ErrorKind, FaultCode, Framing, Input,
    InputFormat, OnError, OutputFormat, Summary,
};

fn space() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        12 => Just(""),
        3 => Just(" "),
        1 => prop::sample::select(vec!["\n", "\t", "\r", "\r\n", " \t\n\r "]),
    ]
}

fn number() -> impl Strategy<Value = String> {
    let edges = prop::sample::select(vec![
        "0",
        "-0",
        "-0.0",
        "0e0",
        "0E-999999999999",
        "9007199254740993",
        "-9007199254740993",
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775808",
        "-9223372036854775809",
        "18446744073709551616",
        "99999999999999999999999999999999999999",
        "100000000000000000000000000000000000000",
        "1e400",
        "-1e400",
        "1E+308",
        "1e309",
        "1.7976931348623157e308",
        "1.7976931348623159e308",
        "5e-324",
        "2.47e-324",
        "2.48e-324",
        "1e-400",
        "123.456e-789",
        "1.0",
        "1.50",
        "0.1",
        "0.30000000000000004",
        "0.1000000000000000055511151231257827",
        "1e5",
        "1E5",
        "1e+5",
        "100000.0",
        "1e16",
        "1e17",
        "123456789012345678.0",
        "1e21",
        "1e22",
        "4.35",
        "2.2250738585072011e-308",
    ]);
    prop_oneof![
        3 => edges.prop_map(str::to_owned),
        2 => any::<i64>().prop_map(|value| value.to_string()),
        2 => (-1000i32..1000).prop_map(|value| value.to_string()),
        1 => any::<u128>().prop_map(|value| value.to_string()),
        2 => any::<f64>().prop_filter("finite", |v| v.is_finite()).prop_map(|v| format!("{v:?}")),
        1 => any::<f64>().prop_filter("finite", |v| v.is_finite()).prop_map(|v| format!("{v:E}")),
        3 => "-?(0|[1-9][0-9]{0,25})(\\.[0-9]{1,25})?([eE][+-]?[0-9]{1,3})?",
        1 => "-?[1-9][0-9]{0,45}",
    ]
}

/// A piece between the quotes of a string.
fn piece() -> impl Strategy<Value = String> {
    let edges = prop::sample::select(vec![
        "\\\"",
        "\\\\",
        "\\/",
        "\\b",
        "\\f",
        "\\n",
        "\\r",
        "\\t",
        "\\u0000",
        "\\u001f",
        "\\u0022",
        "\\u005c",
        "\\u007F",
        "\\u00e9",
        "\\u20AC",
        "\\uFFFE",
        "\\uffff",
        "\\ud83d\\ude00",
        "\\uD83E\\uDD80",
        "\\uDbFf\\uDfFf",
        "/",
        "'",
        "\u{7f}",
        "é",
        "e\u{301}",
        "€",
        "🦀",
        "\u{2028}",
        "\u{feff}",
        "\u{10ffff}",
        "\u{85}",
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "~1",
        "*",
        "true",
        "null",
        "1",
        "1.50",
        "-0",
        "1e400",
        "2026-11-21",
        "2026-11-21T10:20:30Z",
    ]);
    prop_oneof![
        3 => edges.prop_map(str::to_owned),
        3 => "[a-z ]{1,6}",
        1 => any::<char>().prop_filter("plain", |&c| c >= ' ' && c != '"' && c != '\\')
            .prop_map(String::from),
    ]
}

fn string() -> impl Strategy<Value = String> {
    prop::collection::vec(piece(), 0..4).prop_map(|pieces| format!("\"{}\"", pieces.concat()))
}

fn key() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "\"a\"",
        "\"b\"",
        "\"\\u0061\"",
        "\"A\"",
        "\"a_b\"",
        "\"\"",
        "\"_tm_id\"",
        "\"value\"",
        "\"*\"",
        "\"a/b\"",
    ]);
    prop_oneof![4 => known.prop_map(str::to_owned), 1 => string()]
}

fn scalar() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec!["true", "false", "null"]);
    prop_oneof![2 => word.prop_map(str::to_owned), 4 => number(), 4 => string()]
}

/// Puts `items` between brackets, with white space wherever it may stand.
fn bracketed(open: char, items: Vec<(&str, String, &str)>, lead: &str, close: char) -> String {
    let items: Vec<String> =
        items.iter().map(|(before, item, after)| format!("{before}{item}{after}")).collect();
    format!("{open}{lead}{}{close}", items.join(","))
}

fn object(depth: u32) -> BoxedStrategy<String> {
    let member = (key(), space(), space(), value(depth))
        .prop_map(|(key, one, other, value)| format!("{key}{one}:{other}{value}"));
    (prop::collection::vec((space(), member, space()), 0..5), space())
        .prop_map(|(members, lead)| bracketed('{', members, lead, '}'))
        .boxed()
}

fn array(depth: u32) -> BoxedStrategy<String> {
    (prop::collection::vec((space(), value(depth), space()), 0..5), space())
        .prop_map(|(elements, lead)| bracketed('[', elements, lead, ']'))
        .boxed()
}

fn value(depth: u32) -> BoxedStrategy<String> {
    if depth == 0 {
        return scalar().boxed();
    }
    prop_oneof![5 => scalar(), 2 => object(depth - 1), 2 => array(depth - 1)].boxed()
}

/// A scalar below up to 100 levels of arrays and objects.
fn deep() -> impl Strategy<Value = String> {
    (prop::collection::vec(any::<bool>(), 1..100), scalar()).prop_map(|(levels, scalar)| {
        levels.iter().fold(scalar, |inner, is_array| match is_array {
            true => format!("[{inner}]"),
            false => format!("{{\"a\":{inner}}}"),
        })
    })
}

fn text() -> impl Strategy<Value = String> {
    let value = prop_oneof![3 => scalar(), 6 => object(3), 4 => array(3), 1 => deep()];
    (space(), value, space()).prop_map(|(before, value, after)| format!("{before}{value}{after}"))
}

/// An object as a record.
fn record() -> impl Strategy<Value = String> {
    prop_oneof![12 => object(3), 1 => deep().prop_map(|inner| format!("{{\"deep\":{inner}}}"))]
}

/// What breaks a text, or does not.
#[derive(Debug, Clone)]
enum Mutation {
    Delete(Index),
    Insert(Index, Vec<u8>),
    Replace(Index, u8),
    Swap(Index, Index),
    Repeat(Index, usize),
    Truncate(Index),
}

impl Mutation {
    fn apply(&self, bytes: &mut Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        let len = bytes.len();
        match self {
            Mutation::Delete(at) => {
                bytes.remove(at.index(len));
            }
            Mutation::Insert(at, new) => {
                let at = at.index(len + 1);
                bytes.splice(at..at, new.iter().copied());
            }
            Mutation::Replace(at, byte) => bytes[at.index(len)] = *byte,
            Mutation::Swap(one, other) => bytes.swap(one.index(len), other.index(len)),
            Mutation::Repeat(at, count) => {
                let at = at.index(len);
                let part = bytes[at..(at + count).min(len)].to_vec();
                bytes.splice(at..at, part);
            }
            Mutation::Truncate(at) => bytes.truncate(at.index(len)),
        }
    }
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let structure = prop::sample::select(b"{}[]:,\"\\0123-+.eEtfnu/ \n\r\t".to_vec());
    let byte = prop_oneof![3 => structure, 1 => any::<u8>()].boxed();
    let fragment = prop::sample::select(vec![
        "\\ud800",
        "\\udc00",
        "\\u00",
        "\\x",
        "\\ud83d\\ude00",
        "null",
        "NaN",
        "Infinity",
        "//",
        "/**/",
        "{}",
        "[]",
        "\"\"",
        "\"a\":1,",
        ",,",
        "1.",
        ".5",
        "01",
        "+1",
        "e",
        "1e5",
        "\0",
        "\u{feff}",
        "\u{a0}",
        "\u{b}",
        "\u{c}",
        "'",
    ]);
    let broken = prop::sample::select(vec![
        &b"\x80"[..],
        b"\xC3",
        b"\xC0\xAF",
        b"\xED\xA0\x80",
        b"\xF4\x90\x80\x80",
        b"\xE2\x82",
        b"\xFF",
    ]);
    let index = any::<Index>;
    prop_oneof![
        4 => index().prop_map(Mutation::Delete),
        4 => (index(), byte.clone()).prop_map(|(at, byte)| Mutation::Insert(at, vec![byte])),
        2 => (index(), fragment).prop_map(|(at, text)| Mutation::Insert(at, text.into())),
        1 => (index(), broken).prop_map(|(at, bytes)| Mutation::Insert(at, bytes.to_vec())),
        2 => (index(), byte).prop_map(|(at, byte)| Mutation::Replace(at, byte)),
        2 => (index(), index()).prop_map(|(one, other)| Mutation::Swap(one, other)),
        2 => (index(), 1usize..12).prop_map(|(at, count)| Mutation::Repeat(at, count)),
        1 => index().prop_map(Mutation::Truncate),
    ]
}

fn mutated(text: &str, mutations: &[Mutation]) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    for mutation in mutations {
        mutation.apply(&mut bytes);
    }
    bytes
}

/// Asks serde_json; returns nothing where its limit on nesting keeps it from saying.
fn oracle(bytes: &[u8]) -> Option<Result<Value, serde_json::Error>> {
    let read = serde_json::from_slice(bytes);
    match &read {
        Err(error) if error.to_string().starts_with("recursion limit") => None,
        _ => Some(read),
    }
}

/// Asks simd-json whether this is JSON; returns nothing where a number is beyond what it reads.
fn second_opinion(bytes: &[u8]) -> Option<bool> {
    use simd_json::ErrorType;
    match simd_json::to_tape(&mut bytes.to_vec()) {
        Ok(_) => Some(true),
        Err(error) => match error.error() {
            ErrorType::InvalidNumber | ErrorType::Overflow | ErrorType::InvalidExponent => None,
            _ => Some(false),
        },
    }
}

fn is_valid(bytes: &[u8]) -> bool {
    matches!(oracle(bytes), Some(Ok(_)))
}

#[track_caller]
fn check_agrees(bytes: &[u8]) {
    let Some(expected) = oracle(bytes) else { return };
    let shown = String::from_utf8_lossy(bytes);
    if let Some(second) = second_opinion(bytes) {
        assert_eq!(second, json::check(bytes).is_ok(), "simd-json says otherwise\n{shown}");
    }
    match (expected, json::check(bytes)) {
        (Ok(_), Ok(())) | (Err(_), Err(_)) => {}
        (Ok(_), Err(fault)) => panic!("we reject what serde_json accepts: {fault:?}\n{shown}"),
        (Err(error), Ok(())) => panic!("we accept what serde_json rejects: {error}\n{shown}"),
    }
}

fn conversion(bytes: &[u8], from: InputFormat, to: OutputFormat) -> Conversion {
    let reader = Box::new(Cursor::new(bytes.to_vec()));
    let input = Input::Reader { name: "records".to_owned(), reader };
    let mut conversion = Conversion::new(vec![input], to);
    conversion.on_error = OnError::Fail;
    conversion.from = from;
    conversion.threads = NonZeroUsize::new(1);
    conversion
}

/// Converts to JSON lines in memory.
fn to_lines(
    bytes: &[u8],
    from: InputFormat,
    framing: Framing,
    set: impl FnOnce(&mut Conversion),
) -> Result<(Summary, String), Error> {
    let sink = Shared::default();
    let mut conversion = conversion(bytes, from, OutputFormat::Jsonl);
    conversion.destination = Destination::Writer(Box::new(sink.clone()), framing);
    set(&mut conversion);
    let summary = conversion.run()?;
    let text = String::from_utf8(sink.0.lock().unwrap().clone()).unwrap();
    Ok((summary, text))
}

/// Returns the text of a number as serde_json gives it, which puts a sign before each exponent.
fn spelled_by_oracle(number: &str) -> String {
    let Node::Number(text) = Node::parse(number) else { unreachable!("a number") };
    text
}

/// Spells numbers that became text as serde_json does.
fn respelled(node: &Node) -> Node {
    match node {
        Node::String(text) if transmog::decode::number::is_number(text) => {
            Node::String(spelled_by_oracle(text))
        }
        Node::Array(values) => Node::Array(values.iter().map(respelled).collect()),
        Node::Object(members) => Node::Object(
            members.iter().map(|(key, value)| (key.clone(), respelled(value))).collect(),
        ),
        other => other.clone(),
    }
}

/// Returns one spelling for all spellings of a value: in a column that became text, a number or
/// `true` comes back as a string.
fn token(node: &Node) -> Option<String> {
    let spelled = |text: &str| {
        if !transmog::decode::number::is_number(text) {
            return format!("\"{text}");
        }
        if !text.contains(['.', 'e', 'E']) {
            return if text == "-0" { "0".to_owned() } else { text.to_owned() };
        }
        match text.parse::<f64>().unwrap() {
            // A whole double is printed like an integer, the fewest digits that read back and
            // zeros behind them; -0 and 0 alike.
            value if value.is_finite() && value.fract() == 0.0 => format!("{}", value + 0.0),
            value if value.is_finite() => format!("{value:?}"),
            _ => spelled_by_oracle(text),
        }
    };
    match node {
        Node::Null => None,
        Node::Bool(value) => Some(format!("\"{value}")),
        Node::Number(text) | Node::String(text) => Some(spelled(text)),
        Node::Array(_) | Node::Object(_) => unreachable!("a scalar"),
    }
}

fn push_tokens(node: &Node, out: &mut Vec<String>) {
    match node {
        Node::Array(values) => values.iter().for_each(|value| push_tokens(value, out)),
        Node::Object(members) => members.iter().for_each(|(_, value)| push_tokens(value, out)),
        scalar => out.extend(token(scalar)),
    }
}

/// Each record's own value, whole, as JSON text in a column.
fn check_exact(records: &[&[u8]]) {
    let mut input = Vec::new();
    for record in records {
        input.extend_from_slice(b"{\"v\":");
        input.extend_from_slice(record);
        input.extend_from_slice(b"}\n");
    }
    let (summary, text) = to_lines(&input, InputFormat::Json, Framing::One, |conversion| {
        conversion.flatten.types.push(("v".parse().unwrap(), DeclaredType::Json));
    })
    .unwrap_or_else(|error| panic!("{error}\n{}", String::from_utf8_lossy(&input)));
    assert_eq!(summary.records as usize, records.len());
    assert_eq!(text.lines().count(), records.len());
    for (record, line) in records.iter().zip(text.lines()) {
        let row: Value = serde_json::from_str(line).unwrap();
        let expected: Value = serde_json::from_slice(record).unwrap();
        assert_eq!(*row.get("v").unwrap_or(&Value::Null), expected, "{line}");
    }
}

/// Members that are no data; data of these names gets other ones.
const LINKS: [&str; 5] = ["_table", "_tm_id", "_tm_parent_id", "_tm_root_id", "_tm_index"];

/// All scalars of all tables, as JSON lines.
fn check_scalars(input: &[u8], records: &[Node]) {
    let shown = String::from_utf8_lossy(input);
    let (summary, text) = to_lines(input, InputFormat::Json, Framing::Tagged, |_| {})
        .unwrap_or_else(|error| panic!("{error}\n{shown}"));
    assert_eq!(summary.records as usize, records.len(), "{shown}");
    let mut back = Vec::new();
    for line in text.lines() {
        let Node::Object(row) = Node::parse(line) else { panic!("{line}") };
        for (name, value) in row {
            if !LINKS.contains(&name.as_str()) {
                push_tokens(&value, &mut back);
            }
        }
    }
    let mut expected = Vec::new();
    records.iter().for_each(|record| push_tokens(record, &mut expected));
    expected.sort();
    back.sort();
    let missing: Vec<_> = expected.iter().filter(|one| back.binary_search(one).is_err()).collect();
    let new: Vec<_> = back.iter().filter(|one| expected.binary_search(one).is_err()).collect();
    assert_eq!(back.len(), expected.len(), "missing {missing:?}, new {new:?}\n{shown}\n{text}");
    assert_eq!(back, expected, "missing {missing:?}, new {new:?}\n{shown}\n{text}");
}

/// All records, joined from Parquet.
fn check_joined(input: &[u8], records: &[Node]) {
    let dir = tempfile::tempdir().unwrap();
    let mut conversion = conversion(input, InputFormat::Json, OutputFormat::Parquet);
    conversion.destination = Destination::Directory(dir.path().to_path_buf());
    conversion.run().unwrap();
    let back = join(read_tables(dir.path(), "_tm_"));
    assert_eq!(back.len(), records.len());
    for (record, back) in records.iter().zip(&back) {
        let back = back.normal();
        let expected = with_instants(&record.normal(), &back);
        // A string that looks like a number is respelled on both sides.
        let (expected, back) = (respelled(&expected), respelled(&back));
        assert!(expected.is_same(&back), "{expected:?}\n{back:?}");
    }
}

/// Splits an input of values back to back as serde_json does; nothing where one is not an object.
fn oracle_stream(bytes: &[u8]) -> Option<Vec<Value>> {
    let values = serde_json::Deserializer::from_slice(bytes).into_iter::<Value>();
    let values: Vec<Value> = values.collect::<Result<_, _>>().ok()?;
    values.iter().all(Value::is_object).then_some(values)
}

/// Runs an input and compares verdict and number of rows.
fn check_run(bytes: &[u8], from: InputFormat, expected: Option<usize>) {
    let shown = String::from_utf8_lossy(bytes);
    match (to_lines(bytes, from, Framing::One, |_| {}), expected) {
        (Ok((summary, text)), Some(count)) => {
            assert_eq!(summary.records as usize, count, "{shown}");
            assert_eq!(text.lines().count(), count, "{shown}");
        }
        (Err(error), None) => {
            assert!(matches!(error.kind(), ErrorKind::Record(_) | ErrorKind::Input), "{error:?}");
        }
        (Ok((summary, _)), None) => {
            panic!("we read {} records where serde_json fails\n{shown}", summary.records)
        }
        (Err(error), Some(_)) => panic!("we fail where serde_json reads: {error}\n{shown}"),
    }
}

proptest! {
    #![proptest_config(cases(8_000))]

    #[test]
    fn accepts_what_serde_json_accepts(
        text in text(),
        mutations in prop::collection::vec(mutation(), 1..4),
    ) {
        prop_assert!(is_valid(text.as_bytes()), "{text}");
        check_agrees(text.as_bytes());
        check_agrees(&mutated(&text, &mutations));
        check_agrees(&mutated(&text, &mutations[..1]));
    }
}

proptest! {
    #![proptest_config(cases(250))]

    #[test]
    fn values_are_what_serde_json_reads(
        cases in prop::collection::vec((record(), mutation()), 1..160),
    ) {
        let mut texts = Vec::new();
        for (text, mutation) in &cases {
            let broken = mutated(text, std::slice::from_ref(mutation));
            let is_record = broken.starts_with(b"{") && is_valid(&broken);
            texts.push(text.as_bytes().to_vec());
            texts.extend(is_record.then_some(broken));
        }
        let texts: Vec<&[u8]> = texts.iter().map(Vec::as_slice).collect();
        check_exact(&texts);
        for (place, texts) in texts.chunks(16).enumerate() {
            let records: Vec<Node> = texts
                .iter()
                .map(|text| Node::parse(std::str::from_utf8(text).unwrap()))
                .collect();
            let input = texts.concat();
            check_scalars(&input, &records);
            // Files are synced one by one, which takes most of the time.
            if place == 0 {
                check_joined(&input, &records);
            }
        }
    }
}

proptest! {
    #![proptest_config(cases(3_000))]

    #[test]
    fn records_are_found_where_serde_json_finds_them(
        records in prop::collection::vec((record(), space()), 1..4),
        mutations in prop::collection::vec(mutation(), 0..3),
    ) {
        let text: String =
            records.iter().flat_map(|(record, space)| [record.as_str(), *space]).collect();
        let mut bytes = mutated(&text, &mutations);
        // Skipped between records, see above; an array in first place holds the records.
        bytes.retain(|&byte| byte != 0x1E);
        let has_mark = bytes.windows(3).any(|three| three == "\u{feff}".as_bytes());
        if bytes.trim_ascii_start().first() == Some(&b'{') && !has_mark {
            check_run(&bytes, InputFormat::Json, oracle_stream(&bytes).map(|values| values.len()));
        }
    }

    #[test]
    fn lines_are_the_records_that_serde_json_reads(
        lines in prop::collection::vec(
            (record(), prop::collection::vec(mutation(), 0..2), any::<bool>()), 1..4),
    ) {
        let mut bytes = Vec::new();
        let (mut count, mut all_read) = (0, true);
        for (record, mutations, breaks) in &lines {
            let mut line = mutated(record, if *breaks { mutations } else { &[] });
            line.retain(|byte| !matches!(byte, b'\n' | b'\r'));
            if line.windows(3).any(|three| three == "\u{feff}".as_bytes()) || line.contains(&0x1E) {
                continue;
            }
            if !line.trim_ascii().is_empty() {
                count += 1;
                all_read &= oracle(&line).is_some_and(|read| read.is_ok_and(|v| v.is_object()));
            }
            bytes.extend_from_slice(&line);
            bytes.push(b'\n');
        }
        check_run(&bytes, InputFormat::Jsonl, all_read.then_some(count));
    }
}

#[test]
fn nesting_is_followed_to_its_limit_and_no_further() {
    let nested = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
    assert_eq!(json::check(nested(1024).as_bytes()), Ok(()));
    let fault = json::check(nested(1025).as_bytes()).unwrap_err();
    assert_eq!((fault.code, fault.byte), (FaultCode::DepthExceeded, 1024));
    for (levels, expected) in [(1023, Some(1)), (1024, None)] {
        let record = format!("{{\"a\":{}}}", nested(levels));
        check_run(record.as_bytes(), InputFormat::Jsonl, expected);
    }
    let endless = "{\"a\":[".repeat(1_000_000);
    assert_eq!(json::check(endless.as_bytes()).unwrap_err().code, FaultCode::DepthExceeded);
}

#[test]
fn broken_records_with_a_key_twice_are_faults() {
    for broken in
        ["é\\n\":3}", "é\":3}", "b\":3}", ":3}", "\"b\":é}", "", "}", ",}", "]", "\"b\" 3}"]
    {
        for lead in ["{\"a\":1,\"a\":2,", "{\"x\":[{\"a\":1,\"\\u0061\":2,"] {
            let record = format!("{lead}{broken}");
            assert!(!is_valid(record.as_bytes()), "{record}");
            check_agrees(record.as_bytes());
            check_run(record.as_bytes(), InputFormat::Jsonl, None);
        }
    }
}

#[test]
fn a_key_named_like_the_tag_gives_way() {
    let (_, text) =
        to_lines(b"{\"_table\":true}", InputFormat::Jsonl, Framing::Tagged, |_| {}).unwrap();
    assert_eq!(text, "{\"_table\":\"records\",\"_tm_id\":1,\"_table_2\":true}\n");
}
