//! `--manifest`: a data package that describes the tables.

use std::fs;

use serde_json::{Value, json};

use super::{Done, Folder, ORDERS};

fn manifest(folder: &Folder, name: &str) -> Value {
    serde_json::from_str(&folder.read(name)).unwrap()
}

/// Returns `name: type format` of each field.
fn fields(resource: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let fields = resource["schema"]["fields"].as_array().unwrap().iter();
    fields
        .map(|field| {
            let parts = ["name", "type", "format", "transmog:type", "transmog:path"];
            parts.map(|part| text(&field[part])).join(" ")
        })
        .collect()
}

fn resources(manifest: &Value) -> &Vec<Value> {
    manifest["resources"].as_array().unwrap()
}

/// Converts `input` with `flags` and returns the manifest.
fn convert(input: &str, flags: &str) -> Value {
    let folder = Folder::new();
    folder.write("in.jsonl", input);
    folder.run(&format!("convert in.jsonl {flags} -o out --manifest m.json")).stdout();
    manifest(&folder, "m.json")
}

#[test]
fn all_of_it_is_as_written_down() {
    let folder = Folder::new();
    let fixtures = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    folder.write("orders.jsonl", fs::read(fixtures.join("orders.jsonl")).unwrap());
    let kept = fixtures.join("orders.manifest.json");
    let mut texts = Vec::new();
    for threads in [1, 4] {
        let flags = format!("--threads {threads} --chunk-bytes 300B --execution parallel --force");
        let flags = format!("convert orders.jsonl --to csv -o out --manifest out/m.json {flags}");
        folder.run(&flags).stdout();
        texts.push(folder.read("out/m.json"));
    }
    assert_eq!(texts[0], texts[1]);
    let version = concat!("\"version\": \"", env!("CARGO_PKG_VERSION"), "\"");
    let found = texts[0].replace(version, "\"version\": \"0.0.0\"");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&kept, &found).unwrap();
    }
    assert_eq!(found, fs::read_to_string(&kept).unwrap(), "UPDATE_GOLDEN=1 writes it");
}

const TYPES: &str = concat!(
    r#"{"b":true,"i":1,"d":1.5,"big":12345678901234567890,"s":"x","n":null,"day":"2026-01-01","#,
    r#""local":"2026-01-01T10:00:00","utc":"2026-01-01T10:00:00Z","odd":"2026-01-01 10:00","#,
    r#""hours":"2026-01-01T10:00:00+05","li":[1],"ld":["2026-01-01"],"j":[[1]]}"#,
    "\n"
);

#[test]
fn types_are_those_of_packages_and_our_own() {
    let flags = "--numbers decimal --arrays-at j=inline --ids none --to";
    let csv = [
        "b boolean - bool /b",
        "i integer - int64 /i",
        "d number - decimal(38,1) /d",
        "big integer - decimal(38,0) /big",
        "s string - text /s",
        "n string - text /n",
        "day date - date /day",
        "local datetime - timestamp /local",
        "utc datetime - timestamptz /utc",
        "odd datetime %Y-%m-%d %H:%M timestamp /odd",
        "hours datetime any timestamptz /hours",
        "li array - list(int64) /li",
        "ld array - list(date) /ld",
        "j string - json /j",
    ];
    let folder = Folder::new();
    folder.write("in.jsonl", TYPES);
    for to in ["csv", "tsv", "jsonl", "json", "parquet", "arrow"] {
        // child tables may arise for all the flags know
        let flags = flags.replace("--ids none", "").replace("--to", "");
        let run = format!("convert in.jsonl {flags} --to {to} -o {to} --manifest {to}/m.json");
        folder.run(&run).stdout();
        let manifest = manifest(&folder, &format!("{to}/m.json"));
        let resource = &resources(&manifest)[0];
        let found = fields(resource);
        assert_eq!(found[0], "_tm_id integer - int64 -");
        let mut expected = csv.map(str::to_owned);
        if matches!(to, "parquet" | "arrow") {
            expected[9] = "odd datetime - timestamp /odd".to_owned();
            expected[10] = "hours datetime - timestamptz /hours".to_owned();
        }
        if matches!(to, "json" | "jsonl") {
            expected[13] = "j any - json /j".to_owned();
        }
        if let Some(decimals) = found.iter().position(|field| field.starts_with("d number")) {
            // how wide depends on the values
            expected[2] = found[decimals].clone();
            assert!(found[decimals].starts_with("d number - decimal("));
        }
        assert_eq!(found[1..], expected, "{to}");
        assert_eq!(resource["format"], to);
        assert_eq!(resource["path"], format!("in.{to}"));
        assert_eq!(resource["dialect"].is_object(), matches!(to, "csv" | "tsv"));
        assert_eq!(resource["encoding"] == "utf-8", !matches!(to, "parquet" | "arrow"));
        let bytes = fs::metadata(folder.path().join(format!("{to}/in.{to}"))).unwrap().len();
        assert_eq!(resource["bytes"], bytes);
    }
}

#[test]
fn types_in_a_manifest_change_no_byte_of_text() {
    let folder = Folder::new();
    folder.write("in.jsonl", TYPES.repeat(3) + r#"{"day":"tomorrow","local":7,"ld":["x"]}"#);
    for flags in ["--to csv", "--to csv --delimiter-out - --formula-guard", "--to json --indent 1"]
    {
        let to = flags.split(' ').nth(1).unwrap();
        for (out, manifest) in [("with", "--manifest m.json"), ("without", "")] {
            let run = format!("convert in.jsonl {flags} -o {out} --force {manifest}");
            folder.run(&run).stdout();
        }
        for table in ["in", "in_j"] {
            let read = |out: &str| folder.read(&format!("{out}/{table}.{to}"));
            assert_eq!(read("with"), read("without"), "{flags}");
        }
    }
}

#[test]
fn keys_join_the_tables() {
    let of = |flags: &str| {
        let manifest = convert(ORDERS, flags);
        let keys = |resource: &Value| {
            let schema = &resource["schema"];
            json!([resource["name"], schema["primaryKey"], schema["foreignKeys"]])
        };
        Value::Array(resources(&manifest).iter().map(keys).collect())
    };
    let key = |prefix: &str, link: &str, table: &str| {
        let id = format!("{prefix}id");
        json!({"fields": [format!("{prefix}{link}")], "reference": {"resource": table, "fields": [id]}})
    };
    for (flags, prefix) in [("", "_tm_"), (" --meta-prefix k.", "k."), (" --ids hash", "_tm_")] {
        let id = [format!("{prefix}id")];
        let (items, parts) = ("in_items", "in_items_parts");
        assert_eq!(
            of(&format!("--to parquet{flags}")),
            json!([
                ["in", id, null],
                [items, id, [key(prefix, "parent_id", "in")]],
                [parts, id, [key(prefix, "parent_id", items), key(prefix, "root_id", "in")]],
            ])
        );
    }
    // a table that is not there is none to refer to
    assert_eq!(of("--to csv --table in_items"), json!([["in_items", ["_tm_id"], null]]));
}

#[test]
fn ids_that_do_not_tell_rows_apart_are_no_key() {
    let record = "{\"id\":7,\"l\":[{\"a\":1}]}\n";
    for flags in ["--ids hash", "--ids field:id"] {
        let manifest = convert(&record.repeat(2), &format!("--to csv {flags}"));
        for resource in resources(&manifest) {
            assert_eq!(resource["schema"]["primaryKey"], Value::Null, "{flags}");
        }
        assert!(resources(&manifest)[1]["schema"]["foreignKeys"].is_array());
    }
    let folder = Folder::new();
    folder.write("a.csv", "x\n1\n");
    folder.write("b.jsonl", record);
    folder.run("convert a.csv b.jsonl --to csv -o out --manifest m.json").stdout();
    let mixed = manifest(&folder, "m.json");
    let key = |at: usize| resources(&mixed)[at]["schema"]["primaryKey"].clone();
    assert_eq!((key(0), key(1)), (Value::Null, json!(["_tm_id"])));
    folder.run("convert a.csv --to csv -o rows --manifest rows.json").stdout();
    let rows = manifest(&folder, "rows.json");
    let schema = &resources(&rows)[0]["schema"];
    assert_eq!((&schema["primaryKey"], &schema["foreignKeys"]), (&Value::Null, &Value::Null));
    assert_eq!(schema["fields"][0]["name"], "x");
}

#[test]
fn csv_is_described_as_it_was_written() {
    let manifest = convert(ORDERS, "--to csv --delimiter-out ; --bom");
    assert_eq!(manifest["profile"], "tabular-data-package");
    let resource = &resources(&manifest)[0];
    let dialect = json!({
        "delimiter": ";", "lineTerminator": "\n", "quoteChar": "\"", "doubleQuote": true,
        "skipInitialSpace": false, "header": true,
    });
    assert_eq!(resource["dialect"], dialect);
    assert_eq!(resource["schema"]["missingValues"], json!([""]));
    let manifest = convert(ORDERS, "--to jsonl");
    let match_of = |manifest: &Value| resources(manifest)[0]["schema"]["fieldsMatch"].clone();
    assert_eq!(match_of(&manifest), "superset");
    assert_eq!(match_of(&convert(ORDERS, "--to jsonl --nulls keep")), Value::Null);
}

#[test]
fn rejects_and_inputs_are_counted() {
    let folder = Folder::new();
    folder.write("a.jsonl", "{\"a\":1}\nnope\n{\"a\":2}\n");
    let done = folder.pipe("{\"a\":3}\n", "convert a.jsonl - --to csv -o out --manifest m.json");
    assert_eq!(done.status, 3);
    let manifest = manifest(&folder, "m.json");
    assert_eq!(
        manifest["transmog"],
        json!({
            "version": env!("CARGO_PKG_VERSION"),
            "records": 3,
            "rejected": 1,
            "inputs": [
                {"name": "a.jsonl", "status": "warning", "bytes": 21, "records": 3, "rejected": 1},
                {"name": "<stdin>", "status": "passed", "records": 1, "rejected": 0},
            ],
        })
    );
    assert_eq!(resources(&manifest)[0]["transmog"]["rows"], 3);
}

#[test]
fn names_are_slugs_and_paths_are_files() {
    let folder = Folder::new();
    let record = r#"{"a/b":[{"x":1,"デ":[{"y":1,"z":[{"v":1}]}]}],"ツ":[{"v":1}],"Ü":[{"v":1}]}"#;
    folder.write("in.jsonl", record);
    folder.run("convert in.jsonl --to csv -o deep/out --manifest m.json --name Main").stdout();
    let manifest = manifest(&folder, "m.json");
    assert_eq!((&manifest["name"], &manifest["title"]), (&json!("main"), &json!("Main")));
    let mut found = Vec::new();
    for resource in resources(&manifest) {
        let path = resource["path"].as_str().unwrap();
        assert!(folder.path().join(path).is_file(), "{path}");
        found.push(format!("{} {} {path}", resource["name"], resource["title"]));
    }
    found.sort();
    assert_eq!(
        found,
        [
            r#""main" "Main" deep/out/Main.csv"#,
            r#""main_" "Main_ツ" deep/out/Main_ツ.csv"#,
            r#""main_a-b" "Main_a/b" deep/out/Main_a%2Fb.csv"#,
            r#""main_a-b_" "Main_a/b_デ" deep/out/Main_a%2Fb_デ.csv"#,
            r#""main_a-b_-_z" "Main_a/b_デ_z" deep/out/Main_a%2Fb_デ_z.csv"#,
            r#""main_u" "Main_Ü" deep/out/Main_Ü.csv"#,
        ]
    );
    // two that are spelled alike
    folder.write("in.jsonl", r#"{"デ":[{"v":1}],"ツ":[{"v":1}]}"#);
    folder.run("convert in.jsonl --to csv -o two --manifest two.json").stdout();
    let names = self::manifest(&folder, "two.json");
    let names: Vec<_> = resources(&names).iter().map(|resource| &resource["name"]).collect();
    assert_eq!(names, ["in", "in_", "in_-2"]);
}

#[test]
fn a_run_without_records_has_a_manifest() {
    let manifest = convert("", "--to csv");
    let resource = &resources(&manifest)[0];
    assert_eq!(
        (&resource["transmog"]["rows"], &manifest["transmog"]["records"]),
        (&json!(0), &json!(0))
    );
    assert_eq!(fields(resource), ["_tm_id integer - int64 -"]);
}

#[test]
fn one_that_exists_is_replaced_only_by_force() {
    let folder = Folder::with_orders();
    folder.write("m.json", "mine");
    let run = |flags: &str| -> Done {
        folder.run(&format!("convert orders.jsonl --to csv -o out --manifest m.json {flags}"))
    };
    run("").fails(2, "error: m.json: exists\nhint: use `--force` to replace it\n");
    assert_eq!(folder.names("."), "m.json orders.jsonl");
    run("--force").stdout();
    assert_eq!(resources(&manifest(&folder, "m.json")).len(), 3);
    let old = folder.read("m.json");
    // a run that fails changes nothing
    folder.write("orders.jsonl", "{\"a\":1}\nnope\n");
    assert_eq!(run("--force --on-error fail").status, 1);
    assert_eq!(run("--force --max-errors 0").status, 4);
    assert_eq!(folder.read("m.json"), old);
    assert_eq!(folder.names("."), "m.json orders.jsonl out");
}

#[test]
fn without_one_there_is_none() {
    let folder = Folder::with_orders();
    folder.run("convert orders.jsonl --to csv -o out --manifest none").stdout();
    folder.run("convert orders.jsonl --to csv -o - --table orders --manifest none").stdout();
    assert_eq!(folder.names("."), "orders.jsonl out");
    assert_eq!(folder.names("out"), "orders.csv orders_items.csv orders_items_parts.csv");
}

#[test]
fn its_name_is_its_own() {
    let folder = Folder::with_orders();
    let run = |flags: &str| folder.run(&format!("convert orders.jsonl {flags}"));
    let taken =
        "expected a file of its own, found another output's name\nhint: choose another name\n";
    run("-o m.csv --manifest m.csv").fails(2, &format!("error: m.csv: {taken}"));
    run("--to csv -o out --manifest m --summary json=m").fails(2, &format!("error: m: {taken}"));
    run("--to csv -o out --manifest orders.jsonl --force")
        .fails_with(2, "error: orders.jsonl: expected an output that is not read");
    run("--to json -o out --name m --manifest out/m.json").stdout();
    assert_eq!(folder.names("out"), "m.json m_2.json m_items.json m_items_parts.json");
    assert_eq!(resources(&manifest(&folder, "out/m.json"))[0]["path"], "m_2.json");
}

#[test]
fn what_a_package_cannot_describe_is_refused() {
    let folder = Folder::with_orders();
    let check = |flags: &str, error: &str| {
        folder.run(&format!("convert orders.jsonl {flags}")).fails(2, error);
        assert_eq!(folder.names("."), "orders.jsonl");
    };
    let stream = "error: `--manifest`: expected a file for each table, found standard output\n\
                  hint: a data package lists files: write them with `-o DIR`\n";
    check("--to csv -o - --table orders --manifest m.json", stream);
    check("--to jsonl -o - --framing tagged --manifest m.json", stream);
    check(
        "--to parquet --batch-strategy time_window -o out/ --manifest m.json",
        "error: `--manifest`: expected a file for each table, found part files\n\
         hint: a data package cannot list parts of Parquet; leave `--manifest` out, or choose \
         another strategy than `time_window`\n",
    );
    check("--to csv --manifest -", "error: `--manifest`: expected a file or `none`, found `-`\n");
    for name in [".o.csv", "~o.csv", "x:o.csv"] {
        let run = format!("convert orders.jsonl -o {name} --manifest m.json");
        let start = "error: `--manifest`: expected a path that a data package may hold, found `";
        folder.run(&run).fails_with(2, &format!("{start}{name}`\n"));
    }
    fs::create_dir(folder.path().join("below")).unwrap();
    folder.run("convert orders.jsonl --to csv -o out --manifest below/m.json").fails(
        2,
        "error: `--manifest below/m.json`: expected a place in the directory of the tables or \
         above it\nhint: a data package names files by the way from itself, down alone\n",
    );
    assert_eq!(folder.names("."), "below orders.jsonl");
}

#[test]
fn it_is_a_setting_and_the_summary_names_it() {
    let folder = Folder::with_orders();
    folder.write("c.toml", "manifest = \"m.json\"\n");
    let done = folder.run("convert orders.jsonl --to csv -o out --config c.toml --summary json");
    let summary: Value = serde_json::from_str(&done.stderr).unwrap();
    assert_eq!(summary["manifest"], "m.json");
    assert!(folder.path().join("m.json").is_file());
}
