//! Parquet and Arrow as input: types, nested columns, and what flags mean for them.

use std::collections::HashMap;
use std::fs;
use std::sync::Arc;

use arrow_array::types::{Int32Type, TimestampMicrosecondType, TimestampNanosecondType};
use arrow_array::*;
use arrow_buffer::{NullBuffer, OffsetBuffer, i256};
use arrow_schema::{DataType, Field, Schema, TimeUnit};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;

use super::{Done, Folder};

/// Fixtures of one shape each: what JSON gives must come back through Parquet and Arrow.
const SHAPES: [&str; 6] = [
    super::ORDERS,
    concat!(
        r#"{"d":"2026-11-21","t":"2026-11-21T10:20:30Z","l":"2026-11-21 10:20","o":"2026-11-21T10:20:30.5+05:30"}"#,
        "\n",
        r#"{"d":"1969-01-01","t":"1969-12-31T23:59:59Z","l":"0001-01-01 00:00","o":"2026-11-21T10:20:30.0+05:30"}"#,
        "\n"
    ),
    concat!(
        r#"{"i":9223372036854775807,"b":12345678901234567890,"f":1.5,"t":true,"s":"007","e":""}"#,
        "\n",
        r#"{"i":-1,"b":1,"f":100,"t":false,"s":"2026-11-21","e":null}"#,
        "\n",
        r#"{"i":null,"b":null,"f":1e300,"s":"a\nb\"c,d"}"#,
        "\n"
    ),
    concat!(
        r#"{"l":[1,2],"ls":["2026-11-21","2026-11-22"],"lb":[],"m":[[1,2],[3]],"x":{"y":{"z":1}}}"#,
        "\n",
        r#"{"l":[null,3],"ls":[],"lb":[true],"m":[],"x":null}"#,
        "\n"
    ),
    concat!(
        r#"{"a_b":1,"a":{"b":2},"a.b":3,"_tm_id":4,"A_B":5,"":6}"#,
        "\n",
        r#"{"a_b":null,"a":{"b":null},"a.b":null}"#,
        "\n"
    ),
    concat!(
        r#"{"v":1,"w":[{"x":[{"y":"2026-01-01"}]}]}"#,
        "\n",
        r#"{"v":"a","w":[1,{"x":2}]}"#,
        "\n"
    ),
];

/// Returns a Parquet file of some rows.
fn parquet_of(rows: &RecordBatch) -> Vec<u8> {
    parquet_with(rows, WriterProperties::default())
}

fn parquet_with(rows: &RecordBatch, properties: WriterProperties) -> Vec<u8> {
    let mut writer = ArrowWriter::try_new(Vec::new(), rows.schema(), Some(properties)).unwrap();
    writer.write(rows).unwrap();
    writer.into_inner().unwrap()
}

/// Returns an Arrow file of some rows.
fn arrow_of(rows: &RecordBatch) -> Vec<u8> {
    let mut writer = arrow_ipc::writer::FileWriter::try_new(Vec::new(), &rows.schema()).unwrap();
    writer.write(rows).unwrap();
    writer.finish().unwrap();
    writer.into_inner().unwrap()
}

/// Returns an Arrow stream of some rows.
fn stream_of(rows: &RecordBatch) -> Vec<u8> {
    let mut writer = arrow_ipc::writer::StreamWriter::try_new(Vec::new(), &rows.schema()).unwrap();
    writer.write(rows).unwrap();
    writer.finish().unwrap();
    writer.into_inner().unwrap()
}

fn column(name: &str, array: impl Array + 'static) -> (Field, ArrayRef) {
    (Field::new(name, array.data_type().clone(), true), Arc::new(array))
}

fn batch(columns: Vec<(Field, ArrayRef)>) -> RecordBatch {
    let (fields, arrays): (Vec<_>, Vec<_>) = columns.into_iter().unzip();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap()
}

fn numbers() -> RecordBatch {
    batch(vec![
        column("n", Int64Array::from_iter_values(0..10)),
        column("s", StringArray::from_iter_values((0..10).map(|n| format!("row {n}")))),
    ])
}

/// Converts `bytes` to lines, with every cut of them and from a file and a pipe; all must agree.
#[track_caller]
fn lines_of(bytes: &[u8], flags: &str) -> String {
    let folder = Folder::new();
    folder.write("in", bytes);
    let mut expected = None;
    for cut in ["", "--chunk-bytes 1B --threads 3", "--chunk-bytes 40B", "--threads 1"] {
        let args = format!("convert in --to jsonl -o - -q {flags} {cut}");
        let text = folder.run(&args).stdout();
        assert_eq!(expected.get_or_insert_with(|| text.clone()), &text, "{flags} {cut}");
        let piped = folder.pipe(bytes, &args.replace(" in ", " - ")).stdout();
        assert_eq!(piped, text, "{flags} {cut}, from a pipe");
    }
    expected.unwrap()
}

/// Asserts the lines of some rows, whichever format they come in.
#[track_caller]
fn check(rows: &RecordBatch, flags: &str, expected: &str) {
    assert_eq!(lines_of(&arrow_of(rows), flags), expected, "Arrow file");
    assert_eq!(lines_of(&stream_of(rows), flags), expected, "Arrow stream");
    assert_eq!(lines_of(&parquet_of(rows), flags), expected, "Parquet");
}

/// Returns the types of the main table of `in`, as `name type` each.
fn types_of(folder: &Folder, args: &str) -> Vec<String> {
    folder
        .run(&format!("convert {args} --to parquet -o types --force --manifest types.json -q"))
        .stdout();
    let manifest: serde_json::Value = serde_json::from_str(&folder.read("types.json")).unwrap();
    let fields = manifest["resources"][0]["schema"]["fields"].as_array().unwrap();
    let field = |field: &serde_json::Value| {
        format!("{} {}", field["name"].as_str().unwrap(), field["type"].as_str().unwrap())
    };
    fields.iter().map(field).collect()
}

/// Asserts that two directories hold the same tables.
#[track_caller]
fn same_tables(folder: &Folder, direct: &str, through: &str, what: &str) {
    assert_eq!(folder.names(direct), folder.names(through), "{what}");
    for name in folder.names(direct).split(' ') {
        let (direct, through) = (format!("{direct}/{name}"), format!("{through}/{name}"));
        assert_eq!(folder.read(&direct), folder.read(&through), "{what} {name}");
    }
}

#[test]
fn our_own_tables_come_back_as_they_are() {
    for (shape, text) in SHAPES.iter().enumerate() {
        let folder = Folder::new();
        folder.write("t.jsonl", text);
        for to in ["csv", "jsonl"] {
            folder.run(&format!("convert t.jsonl --to {to} -o direct-{to} -q")).stdout();
        }
        let convert_each = |from: &str, to: &str, out: &str| {
            for name in folder.names(from).split(' ') {
                folder.run(&format!("convert {from}/{name} --to {to} -o {out} -q")).stdout();
            }
        };
        for through in ["parquet", "arrow"] {
            folder.run(&format!("convert t.jsonl --to {through} -o {through} -q")).stdout();
            for to in ["csv", "jsonl"] {
                let out = format!("{through}-{to}");
                convert_each(through, to, &out);
                same_tables(&folder, &format!("direct-{to}"), &out, &format!("shape {shape}"));
            }
        }
        convert_each("arrow", "parquet", "again");
        convert_each("again", "csv", "again-csv");
        same_tables(&folder, "direct-csv", "again-csv", &format!("shape {shape} twice"));
    }
}

#[test]
fn parquet_of_parquet_is_the_same_file() {
    let folder = Folder::new();
    folder.write("t.jsonl", SHAPES[2]);
    folder.run("convert t.jsonl --to parquet -o a -q --dates off").stdout();
    let direct = types_of(&folder, "t.jsonl --dates off");
    assert_eq!(types_of(&folder, "a/t.parquet"), direct);
}

#[test]
fn text_that_looks_like_a_date_stays_text() {
    let rows = batch(vec![
        column("text", StringArray::from(vec!["2026-11-21"])),
        column("date", Date32Array::from(vec![20_778])),
    ]);
    let folder = Folder::new();
    folder.write("in.parquet", parquet_of(&rows));
    folder.write("in.arrow", arrow_of(&rows));
    for name in ["in.parquet", "in.arrow"] {
        assert_eq!(types_of(&folder, name), ["text string", "date date"]);
        assert_eq!(
            types_of(&folder, &format!("{name} --dates off")),
            ["text string", "date string"]
        );
        let args = format!("{name} --type text=date");
        assert_eq!(types_of(&folder, &args), ["text date", "date date"]);
    }
}

#[test]
fn nested_columns_become_related_tables() {
    // list<struct<sku, parts: list<struct<n>>>>, as JSON has it
    let n = column("n", Int32Array::from(vec![5, 6]));
    let parts = StructArray::from(vec![(Arc::new(n.0), n.1)]);
    let part = Arc::new(Field::new("item", parts.data_type().clone(), true));
    let nulls = NullBuffer::from(vec![true, false, true]);
    let parts = ListArray::new(
        part,
        OffsetBuffer::new(vec![0, 1, 1, 2].into()),
        Arc::new(parts),
        Some(nulls),
    );
    let sku = column("sku", StringArray::from(vec![Some("x"), Some("y"), None]));
    let parts = column("parts", parts);
    let items = StructArray::from(vec![(Arc::new(sku.0), sku.1), (Arc::new(parts.0), parts.1)]);
    let item = Arc::new(Field::new("item", items.data_type().clone(), true));
    let items =
        ListArray::new(item, OffsetBuffer::new(vec![0, 2, 3, 3].into()), Arc::new(items), None);
    let rows = batch(vec![column("id", Int64Array::from(vec![1, 2, 3])), column("items", items)]);
    let json = concat!(
        r#"{"id":1,"items":[{"sku":"x","parts":[{"n":5}]},{"sku":"y","parts":null}]}"#,
        "\n",
        r#"{"id":2,"items":[{"sku":null,"parts":[{"n":6}]}]}"#,
        "\n",
        r#"{"id":3,"items":[]}"#,
        "\n"
    );
    let folder = Folder::new();
    folder.write("t.jsonl", json);
    folder.write("t.parquet", parquet_of(&rows));
    folder.write("t.arrow", arrow_of(&rows));
    for flags in [
        "",
        "--arrays separate",
        "--ids hash",
        "--arrays skip",
        "--arrays inline",
        "--max-depth 2",
        "--drop items.sku",
    ] {
        folder.run(&format!("convert t.jsonl --to csv -o direct -q --force {flags}")).stdout();
        for input in ["t.parquet", "t.arrow"] {
            for cut in ["", "--chunk-bytes 1B --threads 3"] {
                folder
                    .run(&format!("convert {input} --to csv -o got -q --force {flags} {cut}"))
                    .stdout();
                let is_flat = matches!(flags, "--arrays skip" | "--arrays inline");
                if is_flat {
                    // no row can have child rows, so none needs an id
                    let text = folder.read("direct/t.csv").replace("_tm_id,", "");
                    let text = text
                        .replace("\n1,1", "\n1")
                        .replace("\n2,2", "\n2")
                        .replace("\n3,3", "\n3");
                    assert_eq!(folder.read("got/t.csv"), text, "{input} {flags}");
                } else {
                    same_tables(&folder, "direct", "got", &format!("{input} {flags} {cut}"));
                }
            }
        }
        for directory in ["direct", "got"] {
            let _ = fs::remove_dir_all(folder.path().join(directory));
        }
    }
}

#[test]
fn maps_are_tables_with_keys() {
    let mut map =
        builder::MapBuilder::new(None, builder::StringBuilder::new(), builder::Int32Builder::new());
    map.keys().append_value("a");
    map.values().append_value(1);
    map.keys().append_value("b");
    map.values().append_null();
    map.append(true).unwrap();
    map.append(true).unwrap();
    map.append(false).unwrap();
    let rows =
        batch(vec![column("id", Int64Array::from(vec![1, 2, 3])), column("m", map.finish())]);
    let folder = Folder::new();
    folder.write("t.arrow", arrow_of(&rows));
    folder.write("t.parquet", parquet_of(&rows));
    for name in ["t.arrow", "t.parquet"] {
        folder.run(&format!("convert {name} --to csv -o out --force -q")).stdout();
        assert_eq!(folder.read("out/t.csv"), "_tm_id,id\n1,1\n2,2\n3,3\n", "{name}");
        let keys = "_tm_id,_tm_parent_id,_tm_index,_tm_key,value\n1,1,0,a,1\n2,1,1,b,\n";
        assert_eq!(folder.read("out/t_m.csv"), keys, "{name}");
    }
    let text = folder.run("convert t.arrow --to jsonl -o - -q").stdout();
    assert_eq!(text, "{\"id\":1,\"m\":{\"a\":1,\"b\":null}}\n{\"id\":2,\"m\":{}}\n{\"id\":3}\n");
}

#[test]
fn numbers_are_exact() {
    let rows = batch(vec![
        column("u64", UInt64Array::from(vec![Some(u64::MAX), None, Some(1)])),
        column("i8", Int8Array::from(vec![-128, 0, 127])),
        column("f32", Float32Array::from(vec![1.5, -0.0, 0.1])),
        column(
            "d0",
            Decimal128Array::from(vec![10i128.pow(37), 1, -1])
                .with_precision_and_scale(38, 0)
                .unwrap(),
        ),
        column(
            "d2",
            Decimal128Array::from(vec![Some(150), Some(-5), None])
                .with_precision_and_scale(9, 2)
                .unwrap(),
        ),
        column(
            "d256",
            Decimal256Array::from(vec![i256::from_string(&"7".repeat(60)), None, Some(i256::ONE)])
                .with_precision_and_scale(76, 0)
                .unwrap(),
        ),
        column("flag", BooleanArray::from(vec![Some(true), None, Some(false)])),
    ]);
    let expected = [
        r#"{"u64":18446744073709551615,"i8":-128,"f32":1.5,"d0":10000000000000000000000000000000000000,"d2":1.50,"d256":"SEVENS","flag":true}"#,
        r#"{"i8":0,"f32":-0,"d0":1,"d2":-0.05}"#,
        r#"{"u64":1,"i8":127,"f32":0.10000000149011612,"d0":-1,"d256":"1","flag":false}"#,
        "",
    ];
    let expected = expected.join("\n").replace("SEVENS", &"7".repeat(60));
    check(&rows, "--numbers decimal", &expected);
    let doubles = expected.replace("1.50", "1.5");
    check(&rows, "", &doubles);
    let folder = Folder::new();
    folder.write("t.parquet", parquet_of(&rows));
    let types = types_of(&folder, "t.parquet --numbers decimal");
    assert!(types.contains(&"d2 number".to_owned()), "{types:?}");
}

#[test]
fn numbers_that_are_none_become_text() {
    let rows = batch(vec![column(
        "f",
        Float64Array::from(vec![f64::NAN, f64::INFINITY, -f64::INFINITY, 1.5]),
    )]);
    check(&rows, "", "{\"f\":\"NaN\"}\n{\"f\":\"inf\"}\n{\"f\":\"-inf\"}\n{\"f\":\"1.5\"}\n");
    let folder = Folder::new();
    folder.write("t.parquet", parquet_of(&rows));
    let done = folder.run("convert t.parquet --to csv -o out");
    assert!(
        done.stderr.contains("`/f`: 3 numbers that are NaN or infinite made the column text"),
        "{}",
        done.stderr
    );
    let done = folder.pipe(parquet_of(&rows), "convert --to jsonl --type f=double --rejects none");
    assert_eq!(done.stdout, b"{\"f\":1.5}\n", "{}", done.stderr);
    assert!(done.stderr.contains("  3 value.type"), "{}", done.stderr);
}

#[test]
fn times_have_the_form_of_their_unit() {
    let seconds = TimestampSecondArray::from(vec![Some(0), None]);
    let millis = TimestampMillisecondArray::from(vec![1_500, -1]).with_timezone("Europe/Berlin");
    let micros = PrimitiveArray::<TimestampMicrosecondType>::from(vec![1, -1]).with_timezone("UTC");
    let nanos = PrimitiveArray::<TimestampNanosecondType>::from(vec![1_000, -1_000]);
    let rows = batch(vec![
        column("s", seconds),
        column("ms", millis),
        column("us", micros),
        column("ns", nanos),
        column("d", Date32Array::from(vec![0, -719_162])),
        column("t", Time64MicrosecondArray::from(vec![1, 86_399_999_999])),
    ]);
    let expected = concat!(
        r#"{"s":"1970-01-01T00:00:00","ms":"1970-01-01T00:00:01.500Z","us":"1970-01-01T00:00:00.000001Z","ns":"1970-01-01T00:00:00.000001","d":"1970-01-01","t":"00:00:00.000001"}"#,
        "\n",
        r#"{"ms":"1969-12-31T23:59:59.999Z","us":"1969-12-31T23:59:59.999999Z","ns":"1969-12-31T23:59:59.999999","d":"0001-01-01","t":"23:59:59.999999"}"#,
        "\n"
    );
    // Parquet has no unit of seconds, so the column is of milliseconds there
    assert_eq!(lines_of(&arrow_of(&rows), ""), expected);
    let folder = Folder::new();
    folder.write("t.arrow", arrow_of(&rows));
    let types = types_of(&folder, "t.arrow");
    assert_eq!(
        types,
        ["s datetime", "ms datetime", "us datetime", "ns datetime", "d date", "t string"]
    );
}

#[test]
fn times_beyond_a_form_are_text_without_loss() {
    let nanos = PrimitiveArray::<TimestampNanosecondType>::from(vec![1_001, 0]);
    let micros = PrimitiveArray::<TimestampMicrosecondType>::from(vec![i64::MAX, i64::MIN]);
    let rows = batch(vec![
        column("ns", nanos),
        column("us", micros),
        column("d", Date32Array::from(vec![i32::MAX, i32::MIN])),
    ]);
    let expected = concat!(
        r#"{"ns":"1970-01-01T00:00:00.000001001","us":"+294247-01-10T04:00:54.775807","d":"+5881580-07-11"}"#,
        "\n",
        r#"{"ns":"1970-01-01T00:00:00.000000","us":"-290308-12-21T19:59:05.224192","d":"-5877641-06-23"}"#,
        "\n"
    );
    check(&rows, "", expected);
}

#[test]
fn binary_values_are_base64_and_counted() {
    let uuid = HashMap::from([("ARROW:extension:name".to_owned(), "arrow.uuid".to_owned())]);
    let id = FixedSizeBinaryArray::try_from_iter([[0x11u8; 16]].into_iter()).unwrap();
    let id = (
        Field::new("id", DataType::FixedSizeBinary(16), true).with_metadata(uuid),
        Arc::new(id) as ArrayRef,
    );
    let rows = batch(vec![id, column("b", BinaryArray::from_vec(vec![b"\x00\xff"]))]);
    check(&rows, "", "{\"id\":\"11111111-1111-1111-1111-111111111111\",\"b\":\"AP8=\"}\n");
    let folder = Folder::new();
    folder.write("t.arrow", arrow_of(&rows));
    let done = folder.run("convert t.arrow --to csv -o out");
    assert!(done.stderr.contains("`/b`: 1 binary value became text in base64"), "{}", done.stderr);
}

#[test]
fn json_columns_are_json() {
    let json = HashMap::from([("ARROW:extension:name".to_owned(), "arrow.json".to_owned())]);
    let field = Field::new("j", DataType::Utf8, true).with_metadata(json);
    let texts = StringArray::from(vec![Some(r#"{"a": [1, {"b": 2}]}"#), None, Some("[1]")]);
    let rows = batch(vec![(field.clone(), Arc::new(texts) as ArrayRef)]);
    check(&rows, "", "{\"j\":{\"a\":[1,{\"b\":2}]}}\n{}\n{\"j\":[1]}\n");
    let folder = Folder::new();
    folder.write("t.parquet", parquet_of(&rows));
    folder.run("convert t.parquet --to csv -o out --json-cells -q").stdout();
    assert_eq!(folder.names("out"), "t.csv t_j_a.csv");
    let broken = StringArray::from(vec!["nope"]);
    let rows = batch(vec![(field, Arc::new(broken) as ArrayRef)]);
    folder.write("b.arrow", arrow_of(&rows));
    let done = folder.run("convert b.arrow --to jsonl -o -");
    assert!(done.stderr.contains("1 cell stayed text, as it is no JSON"), "{}", done.stderr);
    assert_eq!(done.stdout(), "{\"j\":\"nope\"}\n");
}

#[test]
fn packed_columns_are_their_values() {
    let dictionary: DictionaryArray<Int32Type> =
        vec![Some("x"), None, Some("x")].into_iter().collect();
    let runs = RunArray::try_new(&Int32Array::from(vec![2, 3]), &StringArray::from(vec!["p", "q"]))
        .unwrap();
    let list = ListArray::from_iter_primitive::<Int32Type, _, _>(vec![
        Some(vec![Some(1), None]),
        None,
        Some(vec![]),
    ]);
    let views = StringViewArray::from(vec![Some("short"), None, Some("longer than twelve bytes")]);
    let rows = batch(vec![
        column("d", dictionary),
        column("r", runs),
        column("l", list),
        column("v", views),
    ]);
    let expected = concat!(
        "{\"d\":\"x\",\"r\":\"p\",\"l\":[1,null],\"v\":\"short\"}\n",
        "{\"r\":\"p\"}\n",
        "{\"d\":\"x\",\"r\":\"q\",\"l\":[],\"v\":\"longer than twelve bytes\"}\n",
    );
    assert_eq!(lines_of(&arrow_of(&rows), ""), expected);
    assert_eq!(lines_of(&stream_of(&rows), ""), expected);
}

#[test]
fn columns_without_values_are_columns_of_their_type() {
    let inner = StructArray::from(vec![(
        Arc::new(Field::new("x", DataType::Int32, true)),
        Arc::new(Int32Array::new_null(1)) as ArrayRef,
    )]);
    let inner = StructArray::new(
        inner.fields().clone(),
        inner.columns().to_vec(),
        Some(NullBuffer::new_null(1)),
    );
    let rows = batch(vec![
        column("i", Int64Array::new_null(1)),
        column("f", Float64Array::new_null(1)),
        column("d", Date32Array::new_null(1)),
        column("t", StringArray::new_null(1)),
        column("n", NullArray::new(1)),
        column("b", BooleanArray::new_null(1)),
        column("s", inner),
    ]);
    let folder = Folder::new();
    let expected =
        ["i integer", "f number", "d date", "t string", "n string", "b boolean", "s_x integer"];
    for rows in [rows.clone(), rows.slice(0, 0)] {
        folder.write("t.parquet", parquet_of(&rows));
        folder.write("t.arrow", arrow_of(&rows));
        assert_eq!(types_of(&folder, "t.parquet"), expected);
        assert_eq!(types_of(&folder, "t.arrow"), expected);
    }
}

#[test]
fn ids_are_given_where_asked_for() {
    let text = lines_of(&parquet_of(&numbers().slice(0, 2)), "--ids sequence");
    assert_eq!(
        text,
        "{\"_tm_id\":1,\"n\":0,\"s\":\"row 0\"}\n{\"_tm_id\":2,\"n\":1,\"s\":\"row 1\"}\n"
    );
    let folder = Folder::new();
    folder.write("a.jsonl", "{\"n\":7}\n");
    folder.write("b.parquet", parquet_of(&numbers().slice(0, 1)));
    let text = folder.run("convert a.jsonl b.parquet --to jsonl -o - -q").stdout();
    assert_eq!(text, "{\"_tm_id\":1,\"n\":7}\n{\"n\":0,\"s\":\"row 0\"}\n");
}

#[test]
fn selection_takes_rows_and_columns() {
    for bytes in [parquet_of(&numbers()), arrow_of(&numbers()), stream_of(&numbers())] {
        assert_eq!(lines_of(&bytes, "--select n --skip 3 --limit 2"), "{\"n\":3}\n{\"n\":4}\n");
        assert_eq!(lines_of(&bytes, "--drop n --limit 1"), "{\"s\":\"row 0\"}\n");
        let sample = lines_of(&bytes, "--sample 3 --seed 1");
        assert_eq!(sample.lines().count(), 3);
        assert_eq!(lines_of(&bytes, "--all-text --limit 1"), "{\"n\":\"0\",\"s\":\"row 0\"}\n");
        let sources = lines_of(&bytes, "--source-column=from --limit 0");
        assert_eq!(sources, "");
    }
}

#[test]
fn values_at_fault_are_rejected_as_json() {
    let folder = Folder::new();
    folder.write("t.parquet", parquet_of(&numbers().slice(0, 2)));
    let done = folder.run("convert t.parquet --to csv -o out --type s=int64 -q");
    assert_eq!(done.status, 3, "{}", done.stderr);
    let reject: serde_json::Value =
        serde_json::from_str(folder.read("out/t.rejects.jsonl").lines().next().unwrap()).unwrap();
    assert_eq!(reject["raw"], "{\"n\":0,\"s\":\"row 0\"}");
    assert_eq!(
        (&reject["record"], &reject["line"], &reject["path"]),
        (&1.into(), &serde_json::Value::Null, &"/s".into())
    );
    let replayed =
        folder.run("convert --from rejects out/t.rejects.jsonl --to jsonl -o - -q").stdout();
    assert_eq!(replayed.lines().next(), Some("{\"_tm_id\":1,\"n\":0,\"s\":\"row 0\"}"));
    folder.run("convert t.parquet --to csv -o other --type s=int64 --on-error fail").fails_with(
        1,
        "error: t.parquet: record 1: expected int64, found `row 0` at `/s` (value.type)\n",
    );
}

#[test]
fn long_records_are_rejected() {
    let texts = StringArray::from(vec!["a".to_owned(), "b".repeat(5000), "c".to_owned()]);
    for bytes in [
        parquet_of(&batch(vec![column("s", texts.clone())])),
        stream_of(&batch(vec![column("s", texts)])),
    ] {
        let folder = Folder::new();
        folder.write("t", &bytes);
        let done = folder.run("convert t --to jsonl -o out --max-record-bytes 1KiB -q");
        assert_eq!(done.status, 3, "{}", done.stderr);
        assert_eq!(folder.read("out/t.jsonl"), "{\"s\":\"a\"}\n{\"s\":\"c\"}\n");
        assert!(folder.read("out/t.rejects.jsonl").contains("\"record\":2,\"line\":null"));
    }
}

#[test]
fn flags_of_text_are_refused() {
    let folder = Folder::new();
    folder.write("t.parquet", parquet_of(&numbers()));
    for (flags, start) in [
        (
            "--from parquet --records /a",
            "error: `--records`: expected JSON, found `--from parquet`\n",
        ),
        (
            "--from parquet --encoding latin1",
            "error: `--encoding`: expected text, found `--from parquet`\n",
        ),
        (
            "--from parquet --wrap-values",
            "error: `--wrap-values`: expected JSON, found `--from parquet`\n",
        ),
        (
            "--from parquet --delimiter ;",
            "error: `--delimiter`: expected CSV, found `--from parquet`\n",
        ),
        ("--records /a", "error: t.parquet: `--records`: expected JSON, found parquet\n"),
        ("--encoding latin1", "error: t.parquet: `--encoding`: expected text, found parquet\n"),
    ] {
        folder.run(&format!("convert t.parquet --to csv -o out {flags}")).fails_with(2, start);
    }
}

#[test]
fn what_is_something_else_says_so() {
    let folder = Folder::new();
    folder.write("a.json", "{}");
    folder.write("t.parquet", parquet_of(&numbers()));
    folder.write("e.parquet", "");
    let fails = |args: &str, start: &str| {
        folder.run(&format!("convert {args} --to csv -o out")).fails_with(5, start);
    };
    fails(
        "a.json --from parquet",
        "error: a.json: expected a Parquet file, found something else\n",
    );
    fails(
        "t.parquet --from arrow",
        "error: t.parquet: expected an Arrow file or stream, found a Parquet file\n",
    );
    fails(
        "t.parquet --from csv",
        "error: t.parquet: expected JSON, CSV, Parquet or Arrow, found a Parquet file\n",
    );
    fails("e.parquet", "error: e.parquet: expected a Parquet file, found an empty file\n");
    let union = UnionArray::try_new(
        arrow_schema::UnionFields::from_fields(vec![Field::new("a", DataType::Int32, false)]),
        vec![0i8].into(),
        None,
        vec![Arc::new(Int32Array::from(vec![1]))],
    );
    folder.write("u.arrow", arrow_of(&batch(vec![column("u", union.unwrap())])));
    fails("u.arrow", "error: u.arrow: expected columns of one type each, found a union in `u`\n");
}

#[test]
fn packed_files_and_directories_are_read() {
    let folder = Folder::new();
    fs::create_dir(folder.path().join("d")).unwrap();
    for (name, bytes) in
        [("a.parquet.zst", parquet_of(&numbers())), ("b.arrow.zst", arrow_of(&numbers()))]
    {
        folder.write(&format!("d/{name}"), zstd::encode_all(&bytes[..], 1).unwrap());
    }
    folder.write("d/c.feather", arrow_of(&numbers()));
    folder.write("d/d.pq", parquet_of(&numbers()));
    folder.write("d/e.csv", "n,s\n10,x\n");
    let text = folder.run("convert -r d --to csv -o - -q").stdout();
    assert_eq!(text.lines().count(), 1 + 4 * 10 + 1);
    assert!(text.starts_with("n,s\n0,row 0\n") && text.ends_with("9,row 9\n10,x\n"));
    folder.run("convert d/a.parquet.zst --to csv -o out -q").stdout();
    assert_eq!(folder.names("out"), "a.csv");
}

#[test]
fn names_that_stand_twice_get_numbers() {
    let twice =
        batch(vec![column("a", Int32Array::from(vec![1])), column("a", Int32Array::from(vec![2]))]);
    let folder = Folder::new();
    folder.write("t.arrow", arrow_of(&twice));
    let done = folder.run("convert t.arrow --to jsonl -o -");
    assert!(done.stderr.contains("`/a` became column `a_2`"), "{}", done.stderr);
    assert_eq!(done.stdout(), "{\"a\":1,\"a_2\":2}\n");
}

/// Returns whether a run that read something damaged ended as it should.
#[track_caller]
fn is_orderly(done: &Done, what: &str) {
    assert!(matches!(done.status, 0 | 3 | 5), "{what}: {} {}", done.status, done.stderr);
    assert!(!done.stderr.contains("panicked"), "{what}: {}", done.stderr);
    if done.status == 5 {
        assert!(done.stderr.starts_with("error: t: "), "{what}: {}", done.stderr);
    }
}

#[test]
fn what_is_cut_off_is_an_error() {
    let folder = Folder::new();
    for (bytes, least) in
        [(parquet_of(&numbers()), 4), (arrow_of(&numbers()), 6), (stream_of(&numbers()), 4)]
    {
        for length in (least..bytes.len()).step_by(37) {
            folder.write("t", &bytes[..length]);
            let done = folder.run("convert t --to csv -o - -q");
            is_orderly(&done, &format!("{length} bytes"));
            // a stream may end between two messages, which a warning says
            let is_stream = bytes.starts_with(&[0xFF; 4]);
            assert!(done.status == 5 || is_stream, "{length} of {} bytes", bytes.len());
        }
    }
    let stream = stream_of(&numbers());
    folder.write("t", &stream[..stream.len() - 8]);
    let done = folder.run("convert t --to csv -o -");
    assert!(done.stderr.contains("t: the stream ended without saying so"), "{}", done.stderr);
    assert_eq!(done.status, 0);
}

#[test]
fn what_is_damaged_is_never_a_panic() {
    let folder = Folder::new();
    let mut seed = 0x9E37_79B9_7F4A_7C15u64;
    let mut random = |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed % below as u64) as usize
    };
    for bytes in [parquet_of(&numbers()), arrow_of(&numbers()), stream_of(&numbers())] {
        for _ in 0..60 {
            let mut bytes = bytes.clone();
            let at = random(bytes.len() - 8) + 8;
            bytes[at] ^= 1 << random(8);
            folder.write("t", &bytes);
            is_orderly(&folder.run("convert t --to csv -o - -q"), &format!("byte {at}"));
        }
    }
}

#[test]
fn row_groups_do_not_show() {
    let texts = StringArray::from_iter_values((0..5000).map(|n| "x".repeat(n % 300)));
    let rows = batch(vec![column("n", Int64Array::from_iter_values(0..5000)), column("s", texts)]);
    let small = WriterProperties::builder().set_max_row_group_row_count(Some(700)).build();
    let folder = Folder::new();
    folder.write("whole.parquet", parquet_of(&rows));
    folder.write("small.parquet", parquet_with(&rows, small));
    folder.write("whole.arrow", arrow_of(&rows));
    let expected = folder.run("convert whole.parquet --to csv -o - -q").stdout();
    assert_eq!(expected.lines().count(), 5001);
    for input in ["small.parquet", "whole.arrow"] {
        for flags in ["", "--threads 1 --chunk-bytes 1KiB", "--batch-size 13"] {
            let text = folder.run(&format!("convert {input} --to csv -o - -q {flags}")).stdout();
            assert!(text == expected, "{input} {flags}");
        }
    }
}

#[test]
fn timestamps_keep_what_they_were_written_as() {
    let field = Field::new("t", DataType::Timestamp(TimeUnit::Microsecond, None), true);
    let form = HashMap::from([("transmog.form".to_owned(), "1970-01-01 00:00".to_owned())]);
    // a value that the form does not hold is not cut
    let times = TimestampMicrosecondArray::from(vec![60_000_000, 61_000_000]);
    let rows = batch(vec![(field.with_metadata(form), Arc::new(times) as ArrayRef)]);
    let expected = "{\"t\":\"1970-01-01 00:01\"}\n{\"t\":\"1970-01-01T00:01:01.000000\"}\n";
    check(&rows, "", expected);
}

/// Returns a Parquet file with a column of timestamps of 96 bits, each a day and its nanoseconds.
fn parquet_of_int96(values: &[(u32, u64)]) -> Vec<u8> {
    use parquet::data_type::{Int96, Int96Type};
    let schema = parquet::schema::parser::parse_message_type("message m { optional int96 t; }");
    let properties = Arc::new(WriterProperties::default());
    let mut writer = parquet::file::writer::SerializedFileWriter::new(
        Vec::new(),
        Arc::new(schema.unwrap()),
        properties,
    )
    .unwrap();
    let instants = values.iter().map(|&(day, nanos)| {
        let mut value = Int96::new();
        value.set_data(nanos as u32, (nanos >> 32) as u32, day);
        value
    });
    let instants: Vec<Int96> = instants.collect();
    let mut group = writer.next_row_group().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    let levels = vec![1; values.len()];
    column.typed::<Int96Type>().write_batch(&instants, Some(&levels), None).unwrap();
    column.close().unwrap();
    group.close().unwrap();
    writer.into_inner().unwrap()
}

#[test]
fn timestamps_of_96_bits_keep_their_nanoseconds() {
    const EPOCH: u32 = 2_440_588;
    const LAST: u32 = 5_373_484;
    let folder = Folder::new();
    let read = |values: &[(u32, u64)]| {
        folder.pipe(parquet_of_int96(values), "convert --to csv --summary json")
    };
    let done = read(&[(EPOCH, 1_000), (EPOCH - 1, 2_000_000)]);
    assert_eq!(done.stdout, b"t\n1970-01-01T00:00:00.000001\n1969-12-31T00:00:00.002000\n");
    let done = read(&[(EPOCH, 1_000), (LAST, 0)]);
    assert_eq!(done.stdout, b"t\n1970-01-01T00:00:00.000001\n9999-12-31T00:00:00.000000\n");
    assert!(!done.stderr.contains("times.cut"), "{}", done.stderr);
    let done = read(&[(EPOCH, 1_001), (EPOCH, 2_000)]);
    assert_eq!(done.stdout, b"t\n1970-01-01T00:00:00.000001001\n1970-01-01T00:00:00.000002\n");
    assert!(!done.stderr.contains("times.cut"), "{}", done.stderr);
    // no unit of 64 bits holds both
    let done = read(&[(EPOCH, 1_001), (LAST, 0), (EPOCH, 999)]);
    assert_eq!(
        done.stdout,
        b"t\n1970-01-01T00:00:00.000001\n9999-12-31T00:00:00.000000\n1970-01-01T00:00:00.000000\n"
    );
    assert!(done.stderr.contains("\"times.cut\""), "{}", done.stderr);
    let text = folder.pipe(parquet_of_int96(&[(EPOCH, 1), (LAST, 0)]), "convert --to csv").stderr;
    let expected = "warning: <stdin>: 1 timestamp of 96 bits lost what is below a microsecond\n";
    assert!(text.contains(expected), "{text}");
}

/// Returns a Parquet file without rows, whose one column is so many levels deep.
fn parquet_of_levels(levels: usize) -> Vec<u8> {
    let varint = |mut value: usize| {
        let mut out = Vec::new();
        while value > 0x7F {
            out.push((value & 0x7F) as u8 | 0x80);
            value >>= 7;
        }
        out.push(value as u8);
        out
    };
    // a version, then a list of elements: the root, structures, a leaf
    let mut footer = vec![0x15, 2, 0x19, 0xFC];
    footer.extend(varint(levels + 1));
    footer.extend([0x48, 1, b'm', 0x15, 2, 0]);
    footer.extend([0x35, 2, 0x18, 1, b'g', 0x15, 2, 0].repeat(levels - 1));
    footer.extend([0x15, 2, 0x25, 2, 0x18, 1, b'x', 0]);
    // no rows in no row groups
    footer.extend([0x16, 0, 0x19, 0x0C, 0]);
    let mut file = b"PAR1".to_vec();
    file.extend(&footer);
    file.extend((footer.len() as u32).to_le_bytes());
    file.extend(b"PAR1");
    file
}

#[test]
fn a_schema_of_any_depth_is_read_or_refused() {
    let folder = Folder::new();
    for levels in [1, 20, 100] {
        let done = folder.pipe(parquet_of_levels(levels), "convert --to csv");
        assert_eq!(done.status, 0, "{levels}: {}", done.stderr);
    }
    for levels in [129, 258, 259, 1_000, 10_000, 100_000, 3_000_000] {
        let file = parquet_of_levels(levels);
        for command in ["convert --to csv", "schema -", "check -"] {
            let done = folder.pipe(&file, command);
            assert_eq!(done.status, 5, "{levels}, {command}: {}", done.stderr);
            let expected = "error: <stdin>: expected columns of at most 128 levels, found";
            assert!(done.stderr.starts_with(expected), "{levels}, {command}: {}", done.stderr);
        }
    }
}
