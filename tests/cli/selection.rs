//! `--select`, `--drop`, `--skip`, `--limit`, `--sample`.

use std::io::Write;
use std::process::Stdio;

use super::{Done, Folder, ORDERS, without_times};

/// Converts one record to JSON lines that say their table.
#[track_caller]
fn check(record: &str, flags: &str, expected: &str) {
    let folder = Folder::new();
    let args = format!("convert --to jsonl --framing tagged --name r {flags}");
    let done = folder.pipe(record, &format!("{args} -q"));
    assert_eq!(done.stdout(), expected, "{flags}");
    let cut = folder.pipe(record, &format!("{args} -q --chunk-bytes 7B --threads 2"));
    assert_eq!(cut.stdout(), expected, "{flags}");
}

#[test]
fn a_path_stands_for_what_is_below_it() {
    let record = r#"{"id":1,"a":{"b":2,"c":{"d":[3]}},"e":null,"f":"x"}"#;
    check(record, "--select a", "{\"_table\":\"r\",\"_tm_id\":1,\"a_b\":2,\"a_c_d\":[3]}\n");
    check(
        record,
        "--select a.c --select f",
        "{\"_table\":\"r\",\"_tm_id\":1,\"a_c_d\":[3],\"f\":\"x\"}\n",
    );
    check(record, "--select *.b", "{\"_table\":\"r\",\"_tm_id\":1,\"a_b\":2}\n");
    check(record, "--drop a", "{\"_table\":\"r\",\"_tm_id\":1,\"id\":1,\"f\":\"x\"}\n");
    check(record, "--drop a.*", "{\"_table\":\"r\",\"_tm_id\":1,\"id\":1,\"f\":\"x\"}\n");
    check(record, "--select a --drop a.c", "{\"_table\":\"r\",\"_tm_id\":1,\"a_b\":2}\n");
    check(record, "--drop a --select a.c", "{\"_table\":\"r\",\"_tm_id\":1}\n");
    check(record, "--select a.b.c", "{\"_table\":\"r\",\"_tm_id\":1}\n");
}

#[test]
fn pointers_name_keys_that_hold_dots_slashes_and_stars() {
    let record = r#"{"a.b":{"c/d":1,"e~f":2,"*":3,"g":4},"a":{"b":5},"":{"":6}}"#;
    for (flags, columns) in [
        ("--select /a.b/c~1d", r#""a.b_c/d":1"#),
        ("--select /a.b/e~0f", r#""a.b_e~f":2"#),
        ("--select /a.b/~2", r#""a.b_*":3"#),
        ("--select /a/b", r#""a_b":5"#),
        ("--select a.b", r#""a_b":5"#),
        ("--select /a.b/* --drop /a.b/~2 --drop /a.b/c~1d", r#""a.b_e~f":2,"a.b_g":4"#),
    ] {
        check(record, flags, &format!("{{\"_table\":\"r\",\"_tm_id\":1,{columns}}}\n"));
    }
    let record = r#"{"a.b":{"k/1":{"n":"7"}},"l.m":[1,{"x":2}]}"#;
    let one = |flags: &str, expected: &str| {
        let done =
            Folder::new().pipe(record, &format!("convert --to jsonl --framing tagged {flags}"));
        let (told, rows) = (done.stderr.clone(), done.stdout());
        assert!(rows.contains(expected), "{flags}: {rows}");
        assert!(!told.contains("matched nothing"), "{flags}: {told}");
    };
    one("--map /a.b", r#""_tm_key":"k/1","n":"7"}"#);
    one("--type /a.b/k~11/n=int64", r#""a.b_k/1_n":7"#);
    one("--arrays-at /l.m=inline", r#""l.m":[1,{"x":2}]"#);
    one("--ids field:/a.b/k~11/n", r#""_tm_id":"7""#);
}

#[test]
fn child_tables_keep_their_rows_on_the_way_to_a_path() {
    let record = r#"{"n":1,"items":[{"sku":"x","tags":["a"],"parts":[{"m":5}]},{"qty":2},7]}"#;
    check(
        record,
        "--select items.sku",
        r#"{"_table":"r","_tm_id":1}
{"_table":"r_items","_tm_id":1,"_tm_parent_id":1,"_tm_index":0,"sku":"x"}
{"_table":"r_items","_tm_id":2,"_tm_parent_id":1,"_tm_index":1}
{"_table":"r_items","_tm_id":3,"_tm_parent_id":1,"_tm_index":2}
"#,
    );
    check(
        record,
        "--drop items.parts --drop items.*.tags --drop n",
        r#"{"_table":"r","_tm_id":1}
{"_table":"r_items","_tm_id":1,"_tm_parent_id":1,"_tm_index":0,"sku":"x"}
{"_table":"r_items","_tm_id":2,"_tm_parent_id":1,"_tm_index":1,"qty":2}
{"_table":"r_items","_tm_id":3,"_tm_parent_id":1,"_tm_index":2,"value":7}
"#,
    );
    check(record, "--drop items", "{\"_table\":\"r\",\"_tm_id\":1,\"n\":1}\n");
    check(
        r#"{"t":[1,2],"u":[3]}"#,
        "--select t.*",
        "{\"_table\":\"r\",\"_tm_id\":1,\"t\":[1,2]}\n",
    );
    check(r#"{"t":[1,2],"u":[3]}"#, "--drop t.*", "{\"_table\":\"r\",\"_tm_id\":1,\"u\":[3]}\n");
}

#[test]
fn maps_and_records_in_wrappers_are_selected_by_their_paths() {
    let record = r#"{"prices":{"d1":{"open":1,"high":3},"d2":{"open":2}}}"#;
    let expected = r#"{"_table":"r","_tm_id":1}
{"_table":"r_prices","_tm_id":1,"_tm_parent_id":1,"_tm_index":0,"_tm_key":"d1","open":1}
{"_table":"r_prices","_tm_id":2,"_tm_parent_id":1,"_tm_index":1,"_tm_key":"d2","open":2}
"#;
    check(record, "--map prices --select prices.open", expected);
    check(record, "--map prices --drop prices.*.high", expected);
    let wrapped = r#"{"data":[{"a":1,"b":2}]}"#;
    check(wrapped, "--records /data --select b", "{\"_table\":\"r\",\"_tm_id\":1,\"b\":2}\n");
    check("3", "--wrap-values --select value", "{\"_table\":\"r\",\"_tm_id\":1,\"value\":3}\n");
}

#[test]
fn text_kept_as_json_loses_what_is_left_out() {
    let record = r#"{"i":[{"a":1,"s":"x","d":{"s":2,"k\"":[3,{"s":1}]}},4],"n":1}"#;
    let row = |text: &str| format!("{{\"_table\":\"r\",\"_tm_id\":1,\"i\":{text}}}\n");
    let inline = "--arrays inline --drop n";
    let kept = r#"[{"a":1,"d":{"s":2,"k\"":[3,{"s":1}]}},4]"#;
    check(record, &format!("{inline} --drop i.s"), &row(kept));
    let kept = r#"[{"a":1,"s":"x","d":{"k\"":[3,{}]}},4]"#;
    check(record, &format!("{inline} --drop i.*.*.s"), &row(kept));
    let kept = r#"[{"s":"x"}]"#;
    check(record, "--arrays inline --select i.s", &row(kept));
    // past the cap of columns, and below that of depth
    let record = r#"{"a":1,"b":2,"c":{"x":3,"y":4},"d":5}"#;
    check(
        record,
        "--max-columns 1 --drop c.x --drop d",
        "{\"_table\":\"r\",\"_tm_id\":1,\"a\":1,\"_tm_rest\":{\"/b\":2,\"/c\":{\"y\":4}}}\n",
    );
    check(
        record,
        "--max-depth 1 --drop c.x --drop d",
        "{\"_table\":\"r\",\"_tm_id\":1,\"a\":1,\"b\":2,\"c\":{\"y\":4}}\n",
    );
}

#[test]
fn ids_are_made_of_fields_that_are_left_out_too() {
    let record = r#"{"id":"k","a":{"b":7,"c":8},"x":1}"#;
    check(
        record,
        "--ids field:id --drop id --drop a",
        "{\"_table\":\"r\",\"_tm_id\":\"k\",\"x\":1}\n",
    );
    check(
        record,
        "--ids field:a.b --drop a --drop id",
        "{\"_table\":\"r\",\"_tm_id\":\"7\",\"x\":1}\n",
    );
    check(record, "--ids field:a.b --select x", "{\"_table\":\"r\",\"_tm_id\":\"7\",\"x\":1}\n");
    // a hash of everything is one of everything that is kept
    let folder = Folder::new();
    let hash = |text: &str, flags: &str| {
        folder.pipe(text, &format!("convert --to csv -q --ids hash {flags}")).stdout()
    };
    assert_eq!(hash(r#"{"x":1,"y":[2],"z":null}"#, "--drop y --drop z"), hash(r#"{"x":1}"#, ""));
}

#[test]
fn what_is_left_out_is_checked_counted_and_named_if_it_is_not_there() {
    let folder = Folder::new();
    folder.pipe("{\"a\":{\"b\":[1,}}", "convert --to csv --on-error fail --drop a").fails_with(
        1,
        "error: <stdin>:1:14: expected a value, found `}` (json.syntax, record 1, byte 13)\n",
    );
    let done = folder
        .pipe("{\"a\":{\"b\":[1]},\"c\":2,\"d\":3}", "convert --to csv --drop a --drop d --drop x");
    assert_eq!(
        without_times(&done.stderr),
        "warning: `--drop x` matched nothing in the input\n\
         table    rows  columns  size  path\n\
         records     1        2  13 B  <stdout>\n\
         1 record in …\n  2 values left out, as asked (`--select`, `--drop`)\n"
    );
    assert_eq!(done.stdout(), "_tm_id,c\n1,2\n");
    // types that users gave do not concern it either
    let done = folder.pipe("{\"a\":\"x\",\"c\":2}", "convert --to csv -q --drop a --type a=int64");
    assert_eq!(done.stdout(), "_tm_id,c\n1,2\n");
}

/// Ten records, each with its number.
fn ten() -> String {
    (1..=10).map(|n| format!("{{\"n\":{n}}}\n")).collect()
}

/// Returns ids and values of the records that are left, for every cut of the input.
#[track_caller]
fn left(input: &str, flags: &str) -> String {
    let folder = Folder::new();
    let mut expected = None;
    for cut in ["--threads 1", "--chunk-bytes 1B --threads 3", "--chunk-bytes 20B"] {
        let done = folder.pipe(input, &format!("convert --to csv -q {flags} {cut}"));
        let text = done.stdout();
        let rows = text.lines().skip(1).map(|line| line.replace(',', "="));
        let rows = rows.collect::<Vec<_>>().join(" ");
        assert_eq!(expected.get_or_insert_with(|| rows.clone()), &rows, "{flags} {cut}");
    }
    expected.unwrap()
}

#[test]
fn records_keep_their_numbers() {
    let array = format!("[{}]", ten().trim_end().replace('\n', ","));
    for input in [ten(), array] {
        assert_eq!(left(&input, "--limit 2"), "1=1 2=2");
        assert_eq!(left(&input, "--skip 8"), "9=9 10=10");
        assert_eq!(left(&input, "--skip 3 --limit 2"), "4=4 5=5");
        assert_eq!(left(&input, "--limit 0"), "");
        assert_eq!(left(&input, "--skip 10"), "");
        assert_eq!(left(&input, "--skip 99 --limit 1"), "");
        assert_eq!(left(&input, "--limit 99").split(' ').count(), 10);
    }
}

#[test]
fn skip_and_limit_count_over_all_inputs() {
    let folder = Folder::new();
    folder.write("a.jsonl", "{\"n\":1}\n{\"n\":2}\n");
    folder.write("b.jsonl", "{\"n\":3}\n{\"n\":4}\n");
    folder.write("c.jsonl", "not JSON at all");
    let args = "convert a.jsonl b.jsonl c.jsonl -o - --to csv --arrays inline --skip 1 --limit 2";
    let done = folder.run(&format!("{args} --source-column"));
    let counts = "\n2 records in …\n  1 record left out, as asked (`--skip`, `--sample`)\n";
    assert!(without_times(&done.stderr).ends_with(counts), "{}", done.stderr);
    assert_eq!(done.stdout(), "_tm_id,_tm_source,n\n2,a.jsonl,2\n3,b.jsonl,3\n");
}

#[test]
fn a_limit_ends_an_input_that_never_ends() {
    let folder = Folder::new();
    let mut child =
        folder.command("convert --to csv -q --limit 2").stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // held open: a run that reads on would wait for ever
    stdin.write_all(b"{\"n\":1}\n{\"n\":2}\n").unwrap();
    let done = Done::from(child.wait_with_output().unwrap());
    assert_eq!(done.stdout(), "_tm_id,n\n1,1\n2,2\n");
    drop(stdin);
}

#[test]
fn faults_are_seen_in_records_that_are_converted_alone() {
    let bad = "{\"n\":x}\n{\"n\":2}\n{\"n\" 3}\n";
    assert_eq!(left(bad, "--skip 1 --limit 1"), "2=2");
    let folder = Folder::new();
    for flags in ["--skip 1", "--skip 2", "--skip 1 --chunk-bytes 1B", "--skip 1 --sample 5"] {
        folder.pipe(bad, &format!("convert --to csv --on-error fail {flags}")).fails_with(
            1,
            "error: <stdin>:3:6: expected `:`, found `3` (json.syntax, record 3, byte 21)\n",
        );
    }
    let invalid = b"{\"n\":\"\xFF\"}\n{\"n\":2}\n{\"n\":\"\xFF\"}\n";
    let done = folder.pipe(invalid, "convert --to csv -q --skip 1 --limit 1");
    assert_eq!(done.stdout(), "_tm_id,n\n2,2\n");
}

#[test]
fn a_sample_depends_on_its_seed_alone() {
    let input = (1..=1000).map(|n| format!("{{\"n\":{n}}}\n")).collect::<String>();
    let one = left(&input, "--sample 5");
    assert_eq!(one.split(' ').count(), 5);
    let numbers: Vec<u32> =
        one.split(' ').map(|row| row.split_once('=').unwrap().0.parse().unwrap()).collect();
    assert!(numbers.is_sorted());
    assert_eq!(left(&input, "--sample 5 --seed 0"), one);
    assert_ne!(left(&input, "--sample 5 --seed 1"), one);
    assert_eq!(left(&ten(), "--sample 10").split(' ').count(), 10);
    assert_eq!(left(&ten(), "--sample 99 --seed 3").split(' ').count(), 10);
    assert_eq!(left(&ten(), "--skip 2 --limit 1 --sample 5"), "3=3");
    let folder = Folder::new();
    let done = folder.pipe(&input, "convert --to csv --sample 5");
    assert!(done.stderr.contains("995 records left out, as asked"), "{}", done.stderr);
    folder.pipe("", "convert --to csv --seed 1").fails(
        2,
        "error: `--seed`: expected `--sample` beside it\n\
         hint: leave `--seed` out, it would do nothing\n",
    );
}

#[test]
fn a_sample_stays_within_memory() {
    let folder = Folder::new();
    let line = format!("{{\"a\":\"{}\"}}\n", "x".repeat(1 << 20));
    folder.write("big.jsonl", line.repeat(20));
    let args = "convert big.jsonl --to csv -o out --memory-limit 64MiB --sample";
    folder.run(&format!("{args} 10")).fails(
        2,
        "error: `--sample 10`: the records take more than 3 MiB\n\
         hint: take fewer, or raise `--memory-limit`, an eighth of which it is\n",
    );
    assert_eq!(folder.run(&format!("{args} 2 -q")).status, 0);
}

#[test]
fn orders_without_their_items_have_one_table() {
    let folder = Folder::new();
    let done = folder.pipe(ORDERS, "convert --to csv -q -o out/ --drop items --drop *.name");
    assert_eq!(done.status, 0, "{}", done.stderr);
    assert_eq!(folder.names("out"), "records.csv");
    assert_eq!(
        folder.read("out/records.csv"),
        "_tm_id,id,tags\n1,1,\"[\"\"a\"\",\"\"b\"\"]\"\n2,2,\n"
    );
}
