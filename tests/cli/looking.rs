//! `schema`, `check` and `profile`: what they say, and that they write nothing.

use serde_json::Value;

use super::{Folder, ORDERS};

/// Lines of a column that becomes text with its last value.
fn late() -> String {
    let mut lines: String = (0..5000).map(|n| format!("{{\"v\":{n},\"w\":\"é\"}}\n")).collect();
    lines.push_str("{\"v\":\"x\",\"late\":true}\n");
    lines
}

#[test]
fn a_schema_is_a_tree_of_tables_with_what_their_columns_hold() {
    let folder = Folder::with_orders();
    let done = folder.run("schema orders.jsonl");
    assert_eq!(
        done.stdout(),
        "\
orders: 2 rows  (_tm_id)
├─ id             int64       1, 2
├─ customer_name  text        \"Ann\", \"Bo\"
├─ tags           list(text)  50.0% null  \"a\", \"b\"
└─ orders_items: 3 rows  /items/*  (_tm_id, _tm_parent_id, _tm_index)
   ├─ sku  text  \"x\", \"y\", \"z\"
   └─ orders_items_parts: 1 row  /items/*/parts/*  (_tm_id, _tm_parent_id, _tm_root_id, _tm_index)
      └─ n  int64  5
"
    );
    assert_eq!(folder.names("."), "orders.jsonl");
}

#[test]
fn a_schema_is_that_of_the_whole_input_however_it_is_cut() {
    let folder = Folder::new();
    folder.write("late.jsonl", late());
    let whole = folder.run("schema late.jsonl --threads 1").stdout();
    let expected = "\
late: 5,001 rows  (_tm_id)
├─ v     text  integer + string  \"0\", \"1\", \"2\"
├─ w     text  0.1% null  \"é\"
└─ late  bool  99.9% null  true
";
    assert_eq!(whole, expected);
    for cut in ["--chunk-bytes 7B --threads 2", "--chunk-bytes 1KiB --threads 8"] {
        assert_eq!(folder.run(&format!("schema late.jsonl {cut}")).stdout(), whole, "{cut}");
    }
}

#[test]
fn a_schema_as_json_is_a_schema_file() {
    let folder = Folder::with_orders();
    let learned = folder.run("schema --format json orders.jsonl").stdout();
    folder.write("s.json", &learned);
    let json: Value = serde_json::from_str(&learned).unwrap();
    let column = &json["tables"][0]["columns"][2];
    assert_eq!(column["path"], "/tags");
    assert_eq!(column["type"], "list(text)");
    assert_eq!(column["seen"]["nulls"], 1);
    assert_eq!(column["seen"]["kinds"][0], "string");
    folder.run("check --schema s.json --schema-mode strict orders.jsonl").stdout();
    folder.write("other.jsonl", r#"{"id":"seven"}"#);
    let done = folder.run("check --schema s.json --schema-mode strict other.jsonl");
    assert_eq!(done.status, 3);
    assert!(done.stderr.contains("schema.violation"), "{}", done.stderr);
    assert_eq!(folder.names("."), "orders.jsonl other.jsonl s.json");
}

#[test]
fn a_schema_as_sql_has_keys() {
    let folder = Folder::with_orders();
    let sql = folder.run("schema --format sql orders.jsonl").stdout();
    assert!(sql.starts_with("CREATE TABLE \"orders\" (\n  \"_tm_id\" BIGINT,\n"), "{sql}");
    assert!(sql.contains("  \"tags\" VARCHAR[],\n  PRIMARY KEY (\"_tm_id\")\n);\n"), "{sql}");
    let refers = "FOREIGN KEY (\"_tm_parent_id\") REFERENCES \"orders_items\" (\"_tm_id\")";
    assert!(sql.contains(refers), "{sql}");
    let spark = folder.run("schema --format sql --dialect spark orders.jsonl").stdout();
    assert!(spark.contains("-- PRIMARY KEY (`_tm_id`)\nCREATE TABLE `orders` ("), "{spark}");
    assert!(spark.contains("`tags` ARRAY<STRING>"), "{spark}");
    let long = "k".repeat(80);
    folder.write("long.jsonl", format!("{{\"{long}a\":1,\"{long}b\":2,\"q\\\"\":3}}"));
    let postgres = folder.run("schema --format sql --dialect postgres long.jsonl").stdout();
    let names: Vec<_> = postgres.lines().filter_map(|line| line.split('"').nth(1)).collect();
    assert!(names.iter().all(|name| name.len() <= 63), "{postgres}");
    assert_ne!(names[2], names[3], "{postgres}");
    assert!(postgres.contains("\"q\"\"\" BIGINT"), "{postgres}");
}

#[test]
fn a_schema_as_arrow_is_a_stream_without_rows() {
    let folder = Folder::with_orders();
    let done = folder.run("schema --format arrow --table orders_items orders.jsonl");
    let stream = arrow_ipc::reader::StreamReader::try_new(&done.stdout[..], None).unwrap();
    let names: Vec<_> = stream.schema().fields().iter().map(|field| field.name().clone()).collect();
    assert_eq!(names, ["_tm_id", "_tm_parent_id", "_tm_index", "sku"]);
    assert_eq!(stream.count(), 0);
    folder.run("schema --format arrow --quiet orders.jsonl").fails(
        2,
        "error: `--format arrow`: expected one table, found 3\n\
         hint: choose one with `--table NAME`: `orders`, `orders_items`, `orders_items_parts`\n",
    );
}

#[test]
fn maps_and_keys_in_two_spellings_are_pointed_out() {
    let folder = Folder::new();
    let days = r#"{"days":{"2026-01-01":{"n":1},"2026-01-02":{"n":2},"2026-01-03":{"n":3}}}"#;
    folder.write("days.jsonl", days);
    let told = folder.run("schema days.jsonl").stderr;
    assert!(told.contains("hint: `days` looks like a map, whose 3 keys"), "{told}");
    let mapped = folder.run("schema days.jsonl --map days");
    assert!(!mapped.stderr.contains("looks like a map"), "{}", mapped.stderr);
    folder.write("names.jsonl", r#"{"a":{"userId":1,"user_id":2,"other":3}}"#);
    let told = folder.run("schema names.jsonl").stderr;
    let expected = "hint: `a.userId` and `a.user_id` may be one key in several spellings\n";
    assert!(told.contains(expected), "{told}");
    assert!(!folder.run("schema --quiet names.jsonl").stderr.contains("hint"));
    // the members of a record are no map, however many they are
    let record: Vec<_> = (0..40).map(|n| format!("\"field_{n}\":{n}")).collect();
    let lines = format!("{{\"r\":{{{}}}}}\n", record.join(",")).repeat(20);
    folder.write("wide.jsonl", lines);
    assert!(!folder.run("schema wide.jsonl").stderr.contains("looks like a map"));
}

#[test]
fn schemas_merge_into_one_that_has_room_for_all() {
    let folder = Folder::new();
    folder.write("a.jsonl", r#"{"id":1,"n":null,"only":true,"i":[{"x":1}]}"#);
    folder.write("b.jsonl", r#"{"id":1.5,"n":7,"i":[{"x":"t","y":2}],"j":[{"z":1}]}"#);
    for name in ["a", "b"] {
        let schema = folder.run(&format!("schema --format json {name}.jsonl")).stdout();
        folder.write(&format!("{name}.json"), schema);
    }
    let merged = folder.run("schema merge a.json b.json").stdout();
    folder.write("m.json", &merged);
    for (path, expected) in
        [("/id", "double"), ("/n", "int64"), ("/only", "bool"), ("/i/*/x", "text")]
    {
        let line = merged.lines().find(|line| line.contains(&format!("\"path\": \"{path}\"")));
        assert!(line.unwrap().contains(&format!("\"type\": \"{expected}\"")), "{merged}");
    }
    for name in ["a", "b"] {
        let flags = "--schema m.json --schema-mode strict";
        assert_eq!(folder.run(&format!("check {flags} {name}.jsonl")).status, 0, "{name}");
    }
    let told = folder.run("schema diff a.json m.json");
    assert_eq!(told.status, 1);
    assert_eq!(
        String::from_utf8(told.stdout).unwrap(),
        "~ column `/id`: int64 -> double\n\
         ~ column `/n`: text -> int64\n\
         ~ column `/i/*/x`: int64 -> text\n\
         + column `/i/*/y`: int64\n\
         + table `/j/*`: b_j\n\
         + column `/j/*/z`: int64\n"
    );
    assert_eq!(folder.run("schema diff m.json m.json").stdout(), "");
    folder.run("schema diff a.jsonl m.json").fails(
        2,
        "error: a.jsonl:1:5: unknown field `id`, expected `version` or `tables`\n\
         hint: `transmog schema --format json FILE` makes a schema file of data\n",
    );
}

#[test]
fn a_check_ends_as_a_conversion_would() {
    let folder = Folder::new();
    folder.write("good.jsonl", ORDERS);
    folder.write("bad.jsonl", "{\"a\":1}\n{\"a\":\n{\"a\":3}\n");
    folder.write("bad.gz", b"\x1f\x8b\x08\x00");
    for (args, status) in [
        ("good.jsonl", 0),
        ("bad.jsonl", 3),
        ("bad.jsonl --max-errors 5", 0),
        ("bad.jsonl --max-errors 0", 4),
        ("bad.jsonl --on-error fail", 1),
        ("bad.gz", 5),
        ("absent.jsonl", 1),
        ("good.jsonl --arrays nothing", 2),
    ] {
        let checked = folder.run(&format!("check {args}"));
        let converted = folder.run(&format!("convert {args} --to csv -o out --force"));
        assert_eq!((checked.status, converted.status), (status, status), "{args}");
        assert_eq!(checked.stdout.len(), 0);
    }
    let _ = std::fs::remove_dir_all(folder.path().join("out"));
    assert_eq!(folder.names("."), "bad.gz bad.jsonl good.jsonl");
    // what is asked for is written
    let done = folder.run("check bad.jsonl --rejects r.jsonl");
    assert_eq!(done.status, 3);
    assert!(
        folder.read("r.jsonl").contains("json.truncated")
            || folder.read("r.jsonl").contains("json.syntax")
    );
    let summary = folder.run("check good.jsonl --summary json").stderr;
    let summary: Value = serde_json::from_str(&summary).unwrap();
    assert_eq!(summary["tables"][1]["rows"], 3);
    assert_eq!(summary["tables"][1]["path"], Value::Null);
}

#[test]
fn flags_about_output_mean_nothing_where_nothing_is_written() {
    let folder = Folder::with_orders();
    folder.run("check --to csv orders.jsonl").fails(
        2,
        "error: `--to`: expected `convert`, found `check`, which writes no tables\n\
         hint: leave `--to` out, it would do nothing\n",
    );
    let both = folder.run("profile -o out --bom orders.jsonl");
    assert_eq!((both.status, both.stderr.matches("error: ").count()), (2, 2), "{}", both.stderr);
    let shown = folder.run("check --help").stdout();
    assert!(!shown.contains("--compression") && shown.contains("--max-errors"), "{shown}");
    // what a file or a preset says of output is for `convert`
    folder.write("t.toml", "to = \"csv\"\ndelimiter_out = \";\"\nmax_errors = 3\n");
    folder.run("check --config t.toml --preset large-data orders.jsonl").stdout();
    folder.run("schema --rejects - orders.jsonl").fails(
        2,
        "error: `--rejects -`: expected a file, as `schema` prints to standard output\n\
         hint: name a file: `--rejects FILE`\n",
    );
}

#[test]
fn a_profile_says_what_columns_hold() {
    let folder = Folder::new();
    let lines: String = (0..1000)
        .map(|n| {
            let day = n % 28 + 1;
            let note = if n % 4 == 0 { "null" } else { "\"é\"" };
            format!(
                "{{\"n\":{n},\"d\":\"2026-01-{day:02}\",\"note\":{note},\"x\":{}.5,\"l\":[{n},1]}}\n",
                n % 3
            )
        })
        .collect();
    folder.write("t.jsonl", lines);
    let told = folder.run("profile --format json t.jsonl").stdout();
    let json: Value = serde_json::from_str(&told).unwrap();
    let column = |name: &str| {
        let columns = json["tables"][0]["columns"].as_array().unwrap();
        columns.iter().find(|column| column["name"] == name).unwrap().clone()
    };
    let n = column("n");
    assert_eq!((&n["min"], &n["max"], &n["mean"]), (&0.into(), &999.into(), &499.5.into()));
    let distinct = n["distinct"].as_u64().unwrap();
    assert!((950..=1000).contains(&distinct), "{distinct}");
    let median = n["quantiles"][2]["value"].as_i64().unwrap();
    assert!((490..=510).contains(&median), "{median}");
    let bars = n["histogram"].as_array().unwrap();
    assert_eq!(bars.iter().map(|bar| bar["count"].as_u64().unwrap()).sum::<u64>(), 1000);
    let day = column("d");
    assert_eq!((&day["min"], &day["distinct"]), (&"2026-01-01".into(), &28.into()));
    assert_eq!(day["is_exact"], true);
    let note = column("note");
    assert_eq!((&note["nulls"], &note["lengths"]["max"]), (&250.into(), &1.into()));
    assert_eq!(note["top"][0]["count"], 750);
    let x = column("x");
    assert_eq!(x["quantiles"][2]["value"], 1.5);
    let list = column("l");
    assert_eq!((&list["lengths"]["min"], &list["top"][0]["value"]), (&2.into(), &"1".into()));
    // at least as often, as there are more values than are counted one by one
    assert!((990..=1001).contains(&list["top"][0]["count"].as_u64().unwrap()), "{list}");
    for cut in ["--chunk-bytes 7B --threads 2", "--chunk-bytes 5KiB --threads 8"] {
        assert_eq!(folder.run(&format!("profile --format json t.jsonl {cut}")).stdout(), told);
    }
}

#[test]
fn a_profile_of_more_values_than_it_keeps_is_close() {
    let folder = Folder::new();
    let lines: String = (0..60_000u64)
        .map(|n| {
            let often = if n % 3 == 0 { "often".to_owned() } else { format!("v{n}") };
            format!("{{\"id\":\"{:016x}\",\"t\":\"{often}\"}}\n", n * 0x9E37_79B9)
        })
        .collect();
    folder.write("t.jsonl", lines);
    let told = folder.run("profile --format json t.jsonl --row-group-rows 7000");
    assert_eq!(told.status, 2, "row groups are about output");
    let told = folder.run("profile --format json t.jsonl").stdout();
    let json: Value = serde_json::from_str(&told).unwrap();
    let columns = &json["tables"][0]["columns"];
    let distinct = columns[1]["distinct"].as_f64().unwrap();
    assert!((distinct / 60_000.0 - 1.0).abs() < 0.06, "{distinct}");
    assert_eq!(columns[1]["is_exact"], false);
    assert_eq!(columns[2]["top"][0]["value"], "often");
    let count = columns[2]["top"][0]["count"].as_u64().unwrap();
    assert!((19_000..=20_000).contains(&count), "{count}");
}

#[test]
fn a_profile_as_a_page_holds_no_markup_of_the_data() {
    let folder = Folder::new();
    folder.write("t.jsonl", "{\"<b>\":\"<script>alert(1)</script>\",\"n\":1}\n{\"n\":2}\n");
    let page = folder.run("profile --format html t.jsonl").stdout();
    assert!(page.starts_with("<!doctype html>"), "{page}");
    assert!(!page.contains("<script") && !page.contains("<b>"), "{page}");
    assert!(page.contains("&lt;script&gt;") && page.contains("<svg"), "{page}");
}

#[test]
fn tables_without_rows_or_columns_are_shown() {
    let folder = Folder::new();
    assert_eq!(folder.pipe("", "schema").stdout(), "records: 0 rows  (_tm_id)\n");
    assert_eq!(folder.pipe("{}\n", "profile").stdout(), "records: 1 row\n  column  type\n");
    let page = folder.pipe("[]", "profile --format html").stdout();
    assert!(page.contains("0 records"), "{page}");
    let sql = folder.pipe("{}\n", "schema --format sql --ids none --arrays inline").stdout();
    assert_eq!(sql, "-- \"records\" has no columns\n");
}
