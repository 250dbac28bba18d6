//! `--schema`, `--schema-mode`.

use super::Folder;

/// Orders with a customer, tags, a payload of any kind and items.
const SCHEMA: &str = r#"{
  "version": 1,
  "tables": [
    {
      "path": "",
      "columns": [
        {"path": "/id", "type": "int64", "nullable": false},
        {"path": "/customer/name", "name": "customer", "type": "text"},
        {"path": "/tags", "type": "list(int64)"},
        {"path": "/payload", "type": "json"},
        {"path": "/day", "type": "date"},
        {"path": "/price", "type": "decimal(5,2)"},
        {"path": "/ratio", "type": "double"}
      ]
    },
    {"path": "/items/*", "columns": [{"path": "/items/*/sku", "type": "text"}]}
  ]
}
"#;

const TAGGED: &str = "convert --to jsonl --framing tagged --name r --schema s.json";

/// A folder with the schema in `s.json`.
fn folder(schema: &str) -> Folder {
    let folder = Folder::new();
    folder.write("s.json", schema);
    folder
}

/// A column of the main table at `/v`.
fn column(text: &str) -> String {
    format!(r#"{{"version": 1, "tables": [{{"path": "", "columns": [{text}]}}]}}"#)
}

/// Converts records of the schema to JSON lines that say their table, whole and cut up.
#[track_caller]
fn check(schema: &str, records: &str, flags: &str, expected: &str, warnings: &str) {
    let folder = folder(schema);
    for cut in ["", " --chunk-bytes 7B --threads 2", " --chunk-bytes 60B --threads 2"] {
        let done = folder.pipe(records, &format!("{TAGGED} {flags}{cut}"));
        let is_remark = |line: &&str| line.starts_with("warning: ") || line.starts_with("note: ");
        let remarks: Vec<_> = done.stderr.lines().filter(is_remark).collect();
        assert_eq!(remarks.join("\n"), warnings.trim_end(), "{records} {flags}{cut}");
        assert_eq!(done.stdout(), expected, "{records} {flags}{cut}");
    }
}

/// Fails in `strict` at the same record with the same message, however the input is cut.
#[track_caller]
fn refuses(schema: &str, records: &str, flags: &str, expected: &str) {
    let folder = folder(schema);
    for cut in ["", " --chunk-bytes 7B --threads 2", " --chunk-bytes 60B --threads 2"] {
        let done = folder
            .pipe(records, &format!("{TAGGED} --on-error fail --schema-mode strict {flags}{cut}"));
        let hint = "hint: nothing was written; mend the record or the schema; `--schema-mode \
                    discard` leaves out what has no place, `evolve` makes room for it; \
                    `--on-error skip` puts such records into a reject file and goes on\n";
        done.fails(4, &format!("error: <stdin>:{expected}\n{hint}"));
    }
}

#[test]
fn records_that_keep_to_the_schema_pass() {
    let records = r#"{"id":1,"customer":{"name":7},"tags":[1,null],"payload":"x","items":[{"sku":"a"},{}]}
{"id":2,"customer":null,"tags":[],"payload":[1,{"b":2}],"day":"2026-11-21","price":1.5,"ratio":2,"items":[]}
{"id":3,"customer":{},"payload":{"c":null},"price":-999.99,"ratio":0.5,"other":{},"more":[]}
"#;
    let rows = r#"{"_table":"r","_tm_id":1,"id":1,"customer":"7","tags":[1,null],"payload":"x"}
{"_table":"r","_tm_id":2,"id":2,"tags":[],"payload":[1,{"b":2}],"day":"2026-11-21","price":1.5,"ratio":2}
{"_table":"r","_tm_id":3,"id":3,"payload":{"c":null},"price":-999.99,"ratio":0.5}
{"_table":"r_items","_tm_id":1,"_tm_parent_id":1,"_tm_index":0,"sku":"a"}
{"_table":"r_items","_tm_id":2,"_tm_parent_id":1,"_tm_index":1}
"#;
    let notes = "note: `/customer`: 1 empty object left no trace
note: `/other`: 1 empty object left no trace
note: `/items`: 1 empty array left no trace
note: `/more`: 1 empty array left no trace";
    check(SCHEMA, records, "--schema-mode strict", rows, notes);
    check(SCHEMA, records, "--schema-mode discard", rows, notes);
}

#[test]
fn strict_refuses_what_has_no_place() {
    let good = "{\"id\":1,\"tags\":[1],\"day\":\"2026-11-21\",\"ratio\":1.5}\n";
    for (record, place, what) in [
        (r#"{"id":"1"}"#, "7", "expected int64, found `\"1\"` at `/id`"),
        (r#"{"id":1.5}"#, "7", "expected int64, found `1.5` at `/id`"),
        (r#"{"id":{"a":1}}"#, "7", "expected int64, found an object at `/id`"),
        (r#"{"id":[1]}"#, "7", "expected int64, found an array of scalars at `/id`"),
        (
            r#"{"id":[[1]]}"#,
            "7",
            "expected int64, found an array that holds objects or arrays at `/id`",
        ),
        (r#"{"id":null}"#, "1", "expected a value, as the schema wants one, found none at `/id`"),
        (r#"{"tags":[]}"#, "1", "expected a value, as the schema wants one, found none at `/id`"),
        (
            r#"{"id":1,"x":null}"#,
            "13",
            "expected nothing, as the schema has no such path, found null at `/x`",
        ),
        (
            r#"{"id":1,"x":true}"#,
            "13",
            "expected nothing, as the schema has no such path, found `true` at `/x`",
        ),
        (
            r#"{"id":1,"x":{"y":1}}"#,
            "13",
            "expected nothing, as the schema has no such path, found an object at `/x`",
        ),
        (r#"{"id":1,"customer":5}"#, "20", "expected an object, found `5` at `/customer`"),
        (
            r#"{"id":1,"customer":{"x":5}}"#,
            "25",
            "expected nothing, as the schema has no such path, found `5` at `/customer/x`",
        ),
        (r#"{"id":1,"tags":3}"#, "16", "expected a list of int64, found `3` at `/tags`"),
        (r#"{"id":1,"tags":[3,"a"]}"#, "19", "expected int64, found `\"a\"` at `/tags/*`"),
        (r#"{"id":1,"day":"today"}"#, "15", "expected date, found `\"today\"` at `/day`"),
        (r#"{"id":1,"price":1.234}"#, "17", "expected decimal(5,2), found `1.234` at `/price`"),
        (r#"{"id":1,"price":1000}"#, "17", "expected decimal(5,2), found `1000` at `/price`"),
        (
            r#"{"id":1,"ratio":9007199254740993}"#,
            "17",
            "expected double, found `9007199254740993` at `/ratio`",
        ),
        (r#"{"id":1,"items":[1]}"#, "18", "expected an object, found `1` at `/items/*`"),
        (r#"{"id":1,"items":{"sku":1}}"#, "17", "expected an array, found an object at `/items`"),
    ] {
        // later faults, of whatever kind, do not come first
        for after in ["{\"id\":1,\"y\":2}\n", "{\"id\":false}\n", "{\"tags\":[]}\n", "{oops\n"] {
            let records = format!("{good}{record}\n{after}{good}");
            let at = format!(
                "(schema.violation, record 2, byte {})",
                good.len() + place.parse::<usize>().unwrap() - 1
            );
            refuses(SCHEMA, &records, "", &format!("2:{place}: {what} {at}"));
        }
    }
}

#[test]
fn the_first_fault_of_a_record_is_reported() {
    let records =
        "{\"id\":1}\n{\"id\":2,\"ratio\":\"a\",\"x\":1,\"id\":3}\n{\"id\":2,\"ratio\":\"b\"}\n";
    let at = "(schema.violation, record 2, byte 25)";
    refuses(SCHEMA, records, "", &format!("2:17: expected double, found `\"a\"` at `/ratio` {at}"));
}

#[test]
fn discard_leaves_out_and_counts() {
    let records = r#"{"id":1,"x":{"y":[1,2]},"tags":[1,"a",2],"ratio":"n/a","z":null}
{"id":2,"x":5,"customer":[1],"day":"soon","ratio":0.5}
{"id":3,"items":[{"sku":{"a":1},"n":1},{"sku":"b"},7]}
"#;
    let rows = r#"{"_table":"r","_tm_id":1,"id":1,"tags":[1,null,2]}
{"_table":"r","_tm_id":2,"id":2,"ratio":0.5}
{"_table":"r","_tm_id":3,"id":3}
{"_table":"r_items","_tm_id":1,"_tm_parent_id":3,"_tm_index":0}
{"_table":"r_items","_tm_id":2,"_tm_parent_id":3,"_tm_index":1,"sku":"b"}
{"_table":"r_items","_tm_id":3,"_tm_parent_id":3,"_tm_index":2}
"#;
    let place = "left out, as the schema has no place there";
    // many of one kind are put together for people, and each is told programs
    let warning = format!("warning: `/customer`, `/day`, `/items/*` and 6 more: 10 values {place}");
    check(SCHEMA, records, "--schema-mode discard", rows, &warning);
    let done =
        folder(SCHEMA).pipe(records, &format!("{TAGGED} --schema-mode discard --summary json"));
    let summary: serde_json::Value = serde_json::from_str(&done.stderr).unwrap();
    let expected = [
        ("/customer", "1 value"),
        ("/day", "1 value"),
        ("/items/*", "1 value"),
        ("/items/*/n", "1 value"),
        ("/items/*/sku", "1 value"),
        ("/ratio", "1 value"),
        ("/tags/*", "1 value"),
        ("/x", "2 values"),
        ("/z", "1 value"),
    ]
    .map(|(path, values)| format!("`{path}`: {values} {place}"));
    let told = summary["warnings"].as_array().unwrap();
    let told: Vec<_> = told.iter().map(|warning| warning["message"].as_str().unwrap()).collect();
    assert_eq!(told, expected);
    let done = folder(SCHEMA)
        .pipe("{\"id\":\"1\"}", &format!("{TAGGED} --on-error fail --schema-mode discard"));
    let what = "expected a value, as the schema wants one, found none at `/id`";
    done.fails_with(4, &format!("error: <stdin>:1:1: {what} (schema.violation, record 1, byte 0)"));
}

#[test]
fn ids_of_content_do_not_see_what_is_discarded() {
    let folder = folder(&column(r#"{"path": "/v", "type": "int64"}"#));
    let args = format!("{TAGGED} --schema-mode discard --ids hash -q");
    let lean = folder.pipe("{\"v\":1}\n{\"v\":null}\n", &args).stdout();
    let fat = "{\"v\":1,\"x\":2,\"y\":[{\"z\":3}]}\n{\"v\":null,\"w\":null}\n";
    assert_eq!(folder.pipe(fat, &args).stdout(), lean);
}

#[test]
fn evolve_keeps_the_columns_and_types_of_the_schema() {
    let records = "{\"new\":true,\"id\":1}\n{\"ratio\":7,\"tags\":[1]}\n";
    let rows = "{\"_table\":\"r\",\"_tm_id\":1,\"id\":1,\"new\":true}\n\
                {\"_table\":\"r\",\"_tm_id\":2,\"tags\":[1],\"ratio\":7}\n";
    check(SCHEMA, records, "", rows, "warning: `/new`: column `new` of `r` is new, bool");
    let folder = folder(SCHEMA);
    folder.pipe(records, "convert --schema s.json --to csv --name r -o .").stdout();
    let header = "_tm_id,id,customer,tags,payload,day,price,ratio,new\n";
    assert!(folder.read("r.csv").starts_with(header), "{}", folder.read("r.csv"));
    assert_eq!(folder.read("r_items.csv"), "_tm_id,_tm_parent_id,_tm_index,sku\n");
}

#[test]
fn evolve_widens_and_says_so() {
    for (column_type, values, expected, widened) in [
        ("int64", "1", "1", None),
        ("int64", "1.5", "1.5", Some("double")),
        ("int64", "\"x\"", "\"x\"", Some("text")),
        ("double", "3", "3", None),
        ("double", "9007199254740993", "\"9007199254740993\"", Some("text")),
        ("bool", "1", "\"1\"", Some("text")),
        ("text", "1", "\"1\"", None),
        ("date", "\"2026-11-21\"", "\"2026-11-21\"", None),
        ("date", "\"2026-11-21T10:00:00Z\"", "\"2026-11-21T10:00:00Z\"", Some("text")),
        ("timestamptz", "\"2026-11-21T10:00:00Z\"", "\"2026-11-21T10:00:00Z\"", None),
        ("timestamptz", "\"2026-11-21T10:00:00\"", "\"2026-11-21T10:00:00\"", Some("text")),
        ("decimal(5,2)", "1.5", "1.5", None),
        ("decimal(5,2)", "7", "7", None),
        ("decimal(5,2)", "1.125", "1.125", Some("decimal(38,3)")),
        ("decimal(5,2)", "\"x\"", "\"x\"", Some("text")),
        ("json", "\"x\"", "\"x\"", None),
        ("list(int64)", "[1]", "[1]", None),
        ("list(int64)", "[1.5]", "[1.5]", Some("list(double)")),
        ("list(date)", "[\"x\"]", "[\"x\"]", Some("list(text)")),
    ] {
        let schema = column(&format!(r#"{{"path": "/v", "type": "{column_type}"}}"#));
        let row = format!("{{\"_table\":\"r\",\"_tm_id\":1,\"v\":{expected}}}\n");
        let warning = widened.map(|to| {
            format!("warning: `/v`: column `v` of `r` widened from {column_type} to {to}")
        });
        let record = format!("{{\"v\":{values}}}\n");
        check(&schema, &record, "--dates off", &row, &warning.unwrap_or_default());
    }
    // a new table, and a list beside a scalar, which keeps its name
    let schema = column(r#"{"path": "/v", "type": "int64"}"#);
    let rows = "{\"_table\":\"r\",\"_tm_id\":1,\"v_list\":[1]}\n\
                {\"_table\":\"r_i\",\"_tm_id\":1,\"_tm_parent_id\":1,\"_tm_index\":0,\"a\":1}\n";
    let warnings = "warning: `/i/*`: table `r_i` is new
warning: `/v`: column `v_list` of `r` is new, list(int64)";
    check(&schema, "{\"v\":[1],\"i\":[{\"a\":1}]}\n", "", rows, warnings);
    let schema = column(r#"{"path": "/v", "type": "list(int64)"}"#);
    let row = "{\"_table\":\"r\",\"_tm_id\":1,\"v\":[1]}\n\
               {\"_table\":\"r\",\"_tm_id\":2,\"v_2\":5}\n";
    let warning = "warning: `/v`: column `v_2` of `r` is new, int64\n\
                   warning: `/v` became column `v_2` of `r`, as `v` was taken";
    let done = folder(&schema).pipe("{\"v\":[1]}\n{\"v\":5}\n", TAGGED);
    warning.lines().for_each(|line| assert!(done.stderr.contains(line), "{}", done.stderr));
    assert_eq!(done.stdout(), row);
}

#[test]
fn arrays_become_what_the_schema_says() {
    let record = "{\"t\":[1,2],\"j\":[{\"a\":1}]}\n";
    let schema = r#"{"version": 1, "tables": [
        {"path": "", "columns": [{"path": "/j", "type": "json"}]},
        {"path": "/t/*", "name": "times", "columns": [{"path": "/t/*", "name": "n", "type": "int64"}]}
    ]}"#;
    let rows = r#"{"_table":"r","_tm_id":1,"j":[{"a":1}]}
{"_table":"times","_tm_id":1,"_tm_parent_id":1,"_tm_index":0,"n":1}
{"_table":"times","_tm_id":2,"_tm_parent_id":1,"_tm_index":1,"n":2}
"#;
    for mode in ["strict", "discard", "evolve"] {
        check(schema, record, &format!("--schema-mode {mode}"), rows, "");
    }
    check(schema, record, "--arrays skip", rows, "");
    // what users say of one path counts
    let rows = "{\"_table\":\"r\",\"_tm_id\":1,\"j\":[{\"a\":1}],\"t\":[1,2]}\n";
    let warning = "warning: `/t`: column `t` of `r` is new, list(int64)";
    check(schema, record, "--arrays-at t=smart", rows, warning);
}

#[test]
fn maps_need_their_flag() {
    let schema = r#"{"version": 1, "tables": [
        {"path": "", "columns": []},
        {"path": "/m/*", "columns": [{"path": "/m/*/x", "type": "int64"}]}
    ]}"#;
    let record = "{\"m\":{\"k\":{\"x\":1}}}\n";
    let rows = r#"{"_table":"r","_tm_id":1}
{"_table":"r_m","_tm_id":1,"_tm_parent_id":1,"_tm_index":0,"_tm_key":"k","x":1}
"#;
    check(schema, record, "--schema-mode strict --map m", rows, "");
    let at = "(schema.violation, record 1, byte 5)";
    refuses(schema, record, "", &format!("1:6: expected an array, found an object at `/m` {at}"));
    // the key column is there without rows, too
    let folder = folder(schema);
    folder.pipe("{}", "convert --schema s.json --map m --to csv --name r -o .").stdout();
    assert_eq!(folder.read("r_m.csv"), "_tm_id,_tm_parent_id,_tm_index,_tm_key,x\n");
}

#[test]
fn cells_of_csv_must_print_back() {
    let schema = r#"{"version": 1, "tables": [{"path": "", "columns": [
        {"path": "/id", "type": "int64", "nullable": false},
        {"path": "/zip", "type": "text"},
        {"path": "/day", "type": "date"},
        {"path": "/price", "type": "decimal(5,2)"},
        {"path": "/note", "type": "text"}
    ]}]}"#;
    let good = "zip,id,day,price\n01234,1,2026-11-21,1.50\n5,2,,7\n";
    let rows = r#"{"_table":"r","id":1,"zip":"01234","day":"2026-11-21","price":1.50}
{"_table":"r","id":2,"zip":"5","price":7}
"#;
    for mode in ["strict", "discard", "evolve"] {
        check(schema, good, &format!("--from csv --schema-mode {mode}"), rows, "");
    }
    for (csv, place, what, byte) in [
        ("zip,id\na,007\n", "2:3", "expected int64, found `\"007\"` at `/id`", 9),
        (
            "zip,id\na,\n",
            "2:1",
            "expected a value, as the schema wants one, found none at `/id`",
            7,
        ),
        ("id,day\n1,2026-02-30\n", "2:3", "expected date, found `\"2026-02-30\"` at `/day`", 9),
        ("id,price\n1,2.345\n", "2:3", "expected decimal(5,2), found `2.345` at `/price`", 11),
        (
            "id,x\n1,\n",
            "2:3",
            "expected nothing, as the schema has no such path, found null at `/x`",
            7,
        ),
    ] {
        let at = format!("(schema.violation, record 1, byte {byte})");
        refuses(schema, csv, "--from csv", &format!("{place}: {what} {at}"));
    }
    // a header alone is no record
    check(schema, "id,x\n", "--from csv --schema-mode strict", "", "");
    let rows = "{\"_table\":\"r\",\"id\":1}\n{\"_table\":\"r\",\"id\":2,\"zip\":\"z\"}\n";
    let place = "left out, as the schema has no place there";
    let warnings = format!(
        "warning: 1 row had too few cells, filled with null, or more than have a column\n\
         warning: the record: 1 value {place}\nwarning: `/day`: 1 value {place}\n\
         warning: `/x`: 2 values {place}"
    );
    let csv = "id,x,day,zip\n1,a,b,,c\n2,a,,z\n";
    check(schema, csv, "--from csv --schema-mode discard --ragged pad", rows, &warnings);
    let at = "(schema.violation, record 1, byte 0)";
    let what = "expected nothing, as the schema has no such path, found `\"id\"` at `/column_1`";
    refuses(schema, "id\n1\n", "--from csv --no-header", &format!("1:1: {what} {at}"));
    let what = "expected as many cells as there are columns, found more";
    let at = "(schema.violation, record 1, byte 11)";
    let flags = "--from csv --ragged pad --delimiter ,";
    refuses(schema, "id,zip\n1,2,3\n", flags, &format!("2:5: {what} {at}"));
}

#[test]
fn a_table_without_rows_has_its_columns_and_types() {
    let folder = folder(SCHEMA);
    for mode in ["strict", "discard", "evolve"] {
        let out = format!("{mode}.parquet");
        let args = format!("convert --schema s.json --schema-mode {mode} -o {out} -q");
        folder.pipe("{\"id\":1}\n", &args).stdout();
        let empty = folder.path().join(format!("{mode}_items.parquet"));
        assert!(empty.exists(), "{mode}");
    }
    let strict = std::fs::read(folder.path().join("strict_items.parquet")).unwrap();
    assert!(!strict.is_empty());
}

#[test]
fn schema_files_are_checked_before_anything_is_read() {
    let folder = Folder::with_orders();
    for (text, expected) in [
        ("{", "s.json:1:1: EOF while parsing an object"),
        (
            "{\n \"version\": 1,\n \"tabels\": []}",
            "s.json:3:9: unknown field `tabels`, expected `version` or `tables`",
        ),
        (r#"{"version": 2, "tables": []}"#, "s.json: `version`: expected 1, found 2"),
        (
            r#"{"version": 1, "tables": []}"#,
            "s.json: expected the main table first, whose path is ``",
        ),
        (
            &column(r#"{"path": "/a", "type": "int"}"#),
            "s.json:1:80: type `int`: expected `text`, `bool`, `int64`, `double`, `decimal(P,S)`, `date`, `timestamp`, `timestamptz`, `json`, or a list such as `list(text)`",
        ),
        (
            &column(r#"{"path": "a", "type": "text"}"#),
            "s.json:1:63: path `a`: expected a JSON Pointer such as `/items/*/sku`, or nothing",
        ),
        (
            &column(r#"{"path": "", "type": "text"}"#),
            "s.json: column ``: expected the path of a value in the record",
        ),
        (
            &column(r#"{"path": "/a/*", "type": "text"}"#),
            "s.json: column `/a/*`: expected it in a table `/a/*`",
        ),
    ] {
        folder.write("s.json", text);
        let done = folder.run("convert orders.jsonl --to csv --schema s.json");
        done.fails(2, &format!("error: {expected}\n"));
        assert_eq!(folder.names(""), "orders.jsonl s.json");
    }
    let missing = folder.run("convert orders.jsonl --to csv --schema none.json");
    missing.fails_with(2, "error: `--schema none.json`: reading it failed: ");
}

#[test]
fn flags_that_contradict_the_schema_are_refused() {
    let folder = Folder::with_orders();
    folder.write("s.json", SCHEMA);
    for (flags, expected) in [
        ("--schema-mode evolve", "`--schema-mode`: expected `--schema` beside it\n"),
        ("--schema s.json --all-text", "`--all-text`: expected to be left out beside `--schema`\n"),
        (
            "--schema s.json --type id=text",
            "`--type id=text`: the schema says already what `/id` is\n",
        ),
        (
            "--schema s.json --type tags.*=text",
            "`--type tags.*=text`: the schema says already what `/tags` is\n",
        ),
        (
            "--schema s.json --type customer=json",
            "`--type customer=json`: the schema says already what `/customer/name` is\n",
        ),
        (
            "--schema s.json --schema-mode strict --type x=text",
            "`--type`: expected to be left out beside",
        ),
        (
            "--schema s.json --schema-mode strict --arrays smart",
            "`--arrays`: expected to be left out beside",
        ),
        (
            "--schema s.json --schema-mode discard --arrays-at tags=inline",
            "`--arrays-at`: expected to be left out",
        ),
        (
            "--schema s.json --schema-mode discard --dates off",
            "`--dates off`: expected to be left out beside",
        ),
        (
            "--schema s.json --schema-mode discard --max-depth 3",
            "`--max-depth`: expected to be left out beside",
        ),
        (
            "--schema s.json --max-columns 6",
            "`--schema`: table ``: expected at most 6 columns, found 7\n",
        ),
        ("--schema s.json --max-tables 1", "`--schema`: expected at most 1 tables, found 2\n"),
        (
            "--schema s.json --schema-mode strict --drop id",
            "`--select`, `--drop`: `/id` is left out, and",
        ),
        (
            "--schema s.json --schema-mode strict --ids field:x",
            "`--ids`: the schema has no column at `x`\n",
        ),
        ("--schema s.json -o -", "standard output takes one table, and child tables may arise"),
        (
            "--schema s.json --schema-mode strict -o -",
            "standard output takes one table, and child tables may",
        ),
    ] {
        let done = folder.run(&format!("convert orders.jsonl --to csv {flags}"));
        assert_eq!(done.status, 2, "{flags}: {}", done.stderr);
        assert!(done.stderr.contains(expected), "{flags}: {}", done.stderr);
        assert_eq!(folder.names(""), "orders.jsonl s.json");
    }
    folder.write("s.json", column(r#"{"path": "/id", "name": "_tm_id", "type": "int64"}"#));
    let done = folder.run("convert orders.jsonl --to csv --schema s.json");
    let what = "expected another name than `_tm_id`, which is taken";
    done.fails_with(2, &format!("error: schema: column `/id`: {what}\n"));
}

#[test]
fn selection_comes_before_the_schema() {
    let schema = column(r#"{"path": "/v", "type": "int64"}, {"path": "/w", "type": "text"}"#);
    let record = "{\"v\":1,\"w\":\"a\",\"x\":2}\n";
    let row = "{\"_table\":\"r\",\"_tm_id\":1,\"v\":1}\n";
    check(&schema, record, "--schema-mode strict --drop x --drop w", row, "");
    check(&schema, record, "--schema-mode strict --select v", row, "");
    let schema = column(r#"{"path": "/o/v", "type": "int64"}"#);
    let record = "{\"o\":{\"v\":1,\"q\":2},\"p\":{\"q\":3}}\n";
    let row = "{\"_table\":\"r\",\"_tm_id\":1,\"o_v\":1}\n";
    check(&schema, record, "--schema-mode strict --select *.v", row, "");
}

#[test]
fn numbers_keep_their_text_in_text_columns() {
    let schema = column(r#"{"path": "/t", "type": "text"}, {"path": "/d", "type": "double"}"#);
    let record = "{\"t\":1.50,\"d\":2.50}\n";
    let row =
        |text: &str| format!("{{\"_table\":\"r\",\"_tm_id\":1,\"t\":\"{text}\",\"d\":2.5}}\n");
    for mode in ["strict", "discard", "evolve"] {
        let flags = format!("--schema-mode {mode}");
        check(&schema, record, &flags, &row("1.5"), "");
        check(&schema, record, &format!("{flags} --numbers text"), &row("1.50"), "");
        check(&schema, record, &format!("{flags} --numbers decimal"), &row("1.50"), "");
    }
}

#[test]
fn json_columns_take_what_nothing_else_does() {
    let schema = column(r#"{"path": "/v", "type": "json"}"#);
    let records = "{\"v\":null}\n{\"v\":1.50}\n{\"v\":{}}\n{\"v\":\"x\"}\n{\"v\":[]}\n";
    let rows = r#"{"_table":"r","_tm_id":1}
{"_table":"r","_tm_id":2,"v":1.50}
{"_table":"r","_tm_id":3,"v":{}}
{"_table":"r","_tm_id":4,"v":"x"}
{"_table":"r","_tm_id":5,"v":[]}
"#;
    for mode in ["strict", "discard", "evolve"] {
        check(&schema, records, &format!("--schema-mode {mode}"), rows, "");
    }
    let schema = column(
        r#"{"path": "/v", "type": "json"}, {"path": "/v", "type": "int64"},
           {"path": "/v/a", "type": "text"}, {"path": "/v", "type": "list(bool)"}"#,
    );
    let records = "{\"v\":7}\n{\"v\":{\"a\":1}}\n{\"v\":[true]}\n{\"v\":[[]]}\n";
    let rows = r#"{"_table":"r","_tm_id":1,"v":7}
{"_table":"r","_tm_id":2,"v_a":"1"}
{"_table":"r","_tm_id":3,"v_list":[true]}
{"_table":"r","_tm_id":4,"v_json":[[]]}
"#;
    check(&schema, records, "--schema-mode strict", rows, "");
}

#[test]
fn objects_without_a_value_leave_no_trace() {
    let schema = column(r#"{"path": "/v", "type": "int64"}"#);
    let rows = "{\"_table\":\"r\",\"_tm_id\":1}\n";
    let note = "note: `/x`: 1 empty object left no trace";
    for object in ["{ }", "{\"y\":{}}", "{\"y\" : [ ] , \"z\":{\"\\u0061\":{},\"b\":{}} }"] {
        check(&schema, &format!("{{\"x\":{object}}}\n"), "--schema-mode strict", rows, note);
    }
    for object in ["{\"y\":{},\"z\":0}", "{\"y\":[[]]}", "{\"y\":{\"z\":{},\"a\":null}}"] {
        let what = "expected nothing, as the schema has no such path, found an object at `/x`";
        let at = "(schema.violation, record 1, byte 5)";
        refuses(&schema, &format!("{{\"x\":{object}}}\n"), "", &format!("1:6: {what} {at}"));
    }
}

#[test]
fn names_without_one_of_their_own_follow_the_flags() {
    let schema = r#"{"version": 1, "tables": [
        {"path": "", "columns": [{"path": "/aB", "type": "int64"}, {"path": "/cD/e", "name": "X y", "type": "int64"}]}
    ]}"#;
    let rows = "{\"_table\":\"r\",\"_tm_id\":1,\"a_b\":1,\"X y\":2}\n";
    let record = "{\"aB\":1,\"cD\":{\"e\":2}}\n";
    check(schema, record, "--schema-mode strict --names snake", rows, "");
}
