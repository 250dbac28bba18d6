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
├─ v     text  integer 5,000 + string 1  \"0\", \"1\", \"2\"
├─ w     text  0.1% null  \"é\"
└─ late  bool  99.9% null  true
";
    assert_eq!(whole, expected);
    for cut in ["--chunk-bytes 7B --threads 2", "--chunk-bytes 1KiB --threads 8"] {
        assert_eq!(folder.run(&format!("schema late.jsonl {cut}")).stdout(), whole, "{cut}");
    }
}

#[test]
fn values_are_counted_by_their_kinds_however_the_input_is_cut() {
    let folder = Folder::new();
    let mut lines = String::new();
    for n in 0..300 {
        let v = match n % 5 {
            0 => "true".to_owned(),
            1 => format!("{n}.5"),
            2 => format!("\"{n}\""),
            _ => n.to_string(),
        };
        let l = if n % 3 == 0 { "[1,\"a\",null]" } else { "[2.5,3]" };
        let d = if n == 7 { "\"2026-01-02 \"" } else { "\"2026-01-02\"" };
        lines +=
            &format!("{{\"v\":{v},\"n\":{},\"l\":{l},\"d\":{d}}}\n", if n < 9 { 0.5 } else { 1.0 });
        // what a record at fault brought goes with it
        if n > 100 && n % 7 == 0 {
            lines += "{\"v\":1,\"n\":\"x\",\"l\":[1,\"b\"],\"d\":1,\"e\":\n{\"v\":\"y\",\"n\":2,\"l\":[\"b\"],]\n";
        }
    }
    folder.write("t.jsonl", lines);
    let cells: String =
        (0..200).map(|n| format!("{n},{}\n", ["x", "1", "true", "0.5"][n % 4])).collect();
    folder.write("c.csv", format!("a,b\n{cells}last,\n"));
    let kinds = |file: &str, flags: &str| {
        let done = folder.run(&format!("schema --format json -q --max-errors 999 {file} {flags}"));
        let json: Value = serde_json::from_slice(&done.stdout).unwrap();
        let columns = json["tables"][0]["columns"].as_array().unwrap().iter();
        columns.map(|column| column["seen"]["kinds"].clone()).collect::<Vec<_>>()
    };
    for cut in ["--threads 1", "--chunk-bytes 7B --threads 2", "--chunk-bytes 1KiB --threads 8"] {
        let found = kinds("t.jsonl", cut);
        let expected = [
            serde_json::json!({"bool": 60, "integer": 120, "number": 60, "string": 60}),
            serde_json::json!({"integer": 291, "number": 9}),
            serde_json::json!({"integer": 300, "number": 200, "string": 100}),
            serde_json::json!({"string": 300}),
        ];
        assert_eq!(found, expected, "{cut}");
        let found = kinds("c.csv", cut);
        let expected = [
            serde_json::json!({"integer": 200, "string": 1}),
            serde_json::json!({"bool": 50, "integer": 50, "number": 50, "string": 50}),
        ];
        assert_eq!(found, expected, "{cut}");
    }
    let tree = folder.run("schema -q c.csv").stdout();
    assert!(tree.contains("a  text  integer 200 + string 1  "), "{tree}");
    let table = folder.run("profile -q c.csv").stdout();
    assert!(table.contains("text (integer 200 + string 1)"), "{table}");
}

#[test]
fn examples_are_as_many_as_users_want() {
    let folder = Folder::with_orders();
    for format in ["tree", "json"] {
        let told =
            folder.run(&format!("schema --examples 0 --format {format} orders.jsonl")).stdout();
        assert!(told.contains("customer_name") && !told.contains("Ann"), "{told}");
        let told = folder.run(&format!("schema --format {format} orders.jsonl")).stdout();
        assert!(told.contains("Ann"), "{told}");
    }
    let lines: String = (0..20).map(|n| format!("{{\"n\":{n}}}\n")).collect();
    let told = folder.pipe(&lines, "schema --examples 5").stdout();
    assert!(told.ends_with("n  int64  0, 1, 2, 3, 4\n"), "{told}");
    let told = folder.pipe(&lines, "schema").stdout();
    assert!(told.ends_with("n  int64  0, 1, 2\n"), "{told}");
    let told = folder.pipe(&lines, "profile --format json").stdout();
    let json: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(json["tables"][0]["columns"][1]["examples"].as_array().unwrap().len(), 3);
    folder
        .run("schema --examples 11 orders.jsonl")
        .fails_with(2, "error: `--examples`: expected a whole number from 0 to 10");
    folder
        .run("schema --examples 1 --format sql orders.jsonl")
        .fails_with(2, "error: `--examples`: expected `--format tree`");
}

#[test]
fn decimals_are_shown_as_they_are_written() {
    let lines = "{\"d\":1.5,\"l\":[1.25]}\n{\"d\":2,\"l\":[2]}\n{\"d\":1.50}\n";
    let told = Folder::new().pipe(lines, "schema --numbers decimal -q").stdout();
    assert!(told.contains("d  decimal(38,1)        1.5, 2.0\n"), "{told}");
    assert!(told.contains("33.3% null  1.25, 2.00\n"), "{told}");
}

#[test]
fn names_of_any_length_leave_the_columns_of_a_tree_where_they_are() {
    let long = "k".repeat(60);
    let lines = format!("{{\"a\":1,\"{long}\":2}}");
    let told = Folder::new().pipe(&lines, "schema -q").stdout();
    let gap = " ".repeat(59);
    assert!(told.contains(&format!("├─ a{gap}  int64  1\n└─ {long}  int64  2\n")), "{told}");
    let longer = "k".repeat(90);
    let told = Folder::new().pipe(format!("{{\"a\":1,\"{longer}\":2}}"), "schema -q").stdout();
    assert!(told.contains("├─ a  int64  1\n"), "{told}");
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
    assert_eq!(column["seen"]["kinds"], serde_json::json!({"string": 2}));
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
    // what stands below the keys of data need not be of one type
    for days in [
        r#"{"days":{"2026-01-01":1,"2026-01-02":"x","2026-01-03":0.5}}"#,
        r#"{"days":{"2026-01-01":{"n":1},"2026-01-02":{"n":"x","m":1},"2026-01-03":{"n":[1],"n2":true}}}"#,
    ] {
        let told = folder.pipe(days, "schema").stderr;
        assert!(told.contains("hint: `days` looks like a map, whose 3 keys"), "{told}");
    }
    let names: Vec<_> = ('a'..='t').map(String::from).collect();
    let rare = |n: usize| ["1", "0.5"][n % 2];
    let lines: String = names
        .iter()
        .enumerate()
        .map(|(n, k)| format!("{{\"m\":{{\"{k}\":{}}}}}\n", rare(n)))
        .collect();
    let told = folder.pipe(&lines, "schema").stderr;
    assert!(told.contains("hint: `m` looks like a map, whose 20 keys"), "{told}");
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
    // names that come from files are no difference, but for those that somebody chose
    let other = |name: &str, flags: &str| {
        folder.write(&format!("{name}.jsonl"), folder.read("a.jsonl"));
        let schema = folder.run(&format!("schema --format json {flags} {name}.jsonl")).stdout();
        folder.write("other.json", schema);
        folder.run("schema diff a.json other.json")
    };
    assert_eq!(other("renamed", "").stdout(), "");
    assert_eq!(other("a", "--name chosen").stdout(), "");
    folder.write("chosen.json", folder.read("other.json"));
    other("a", "--name sales");
    let told = folder.run("schema diff chosen.json other.json");
    let expected = "~ table ``: chosen -> sales\n~ table `/i/*`: chosen_i -> sales_i\n";
    assert_eq!((told.status, String::from_utf8(told.stdout).unwrap().as_str()), (1, expected));
    // a table that is called otherwise is one
    let schema = folder.read("a.json").replace("a_i", "a_j");
    folder.write("other.json", schema);
    assert_eq!(folder.run("schema diff a.json other.json").status, 1);
    // and a schema that is held to has the name on
    folder.run("convert b.jsonl --schema a.json --to csv -o out").stdout();
    assert_eq!(folder.names("out"), "a.csv a_i.csv a_j.csv");
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
        "error: `--to` is a flag of `convert`: `check` writes no tables\n\
         hint: leave `--to` out\n",
    );
    folder.run("profile -o out --bom orders.jsonl").fails(
        2,
        "error: `-o` is a flag of `convert`: `profile` writes no tables\nhint: leave `-o` out\n\
         error: `--bom` is a flag of `convert`: `profile` writes no tables\nhint: leave `--bom` out\n",
    );
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
