//! Records that cannot be converted: the reject file, budgets, exit statuses, and replay.

use std::os::unix::fs::PermissionsExt;

use super::Folder;
use serde_json::Value;

/// Cuts of the input that must make no difference.
const CUTS: [&str; 4] =
    ["", "--threads 1", "--threads 3 --chunk-bytes 1B", "--threads 2 --chunk-bytes 40B"];

/// Eight records, five of them bad in four ways.
const BAD: &[u8] = b"{\"id\":1,\"items\":[{\"a\":1},{\"a\":2}]}\n\
    {\"id\":2,\"items\":[{\"a\":3},{\"a\":oops}]}\n\n\
    {\"id\":3,\"items\":[{\"a\":5}]}\n\
    [1,2]\n\
    {\"id\":5,\"x\":\"\xC3\xA9\",\"y\":\"a\n\
    {\"id\":6,\"items\":[{\"a\":6}]}\n\
    {\"id\":7\n\
    {\"id\":8,\"s\":\"\xFF\"}\n";

/// Reads JSON lines.
fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Returns `record:line:byte:column:offset code` of each reject.
fn places(text: &str) -> Vec<String> {
    let place = |line: &Value| {
        let [record, number, byte, column, offset] =
            ["record", "line", "byte", "column", "offset"].map(|name| line[name].as_u64().unwrap());
        let code = line["code"].as_str().unwrap();
        format!("{record}:{number}:{byte}:{column}:{offset} {code}")
    };
    lines(text).iter().map(place).collect()
}

#[test]
fn bad_records_go_to_the_reject_file_and_leave_no_row() {
    for cut in CUTS {
        let folder = Folder::new();
        folder.write("in.jsonl", BAD);
        let done = folder.run(&format!("convert in.jsonl --to csv -o out {cut}"));
        assert_eq!(done.status, 3, "{cut}: {}", done.stderr);
        assert_eq!(folder.names("out"), "in.csv in.rejects.jsonl in_items.csv");
        assert_eq!(folder.read("out/in.csv"), "_tm_id,id\n1,1\n3,3\n6,6\n", "{cut}");
        assert_eq!(
            folder.read("out/in_items.csv"),
            "_tm_id,_tm_parent_id,_tm_index,a\n1,1,0,1\n2,1,1,2\n3,3,0,5\n4,6,0,6\n",
            "{cut}"
        );
        let rejects = folder.read("out/in.rejects.jsonl");
        let expected = [
            "2:2:35:31:30 json.syntax",
            "4:5:101:1:0 record.not_object",
            "5:6:107:23:23 json.syntax",
            "7:8:158:8:7 json.syntax",
            "8:9:166:14:13 encoding.invalid",
        ];
        assert_eq!(places(&rejects), expected, "{cut}");
        let rejects = lines(&rejects);
        for reject in &rejects {
            // the byte is where the raw text begins in the input
            let raw =
                reject["raw"].as_str().map_or(&b"{\"id\":8,\"s\":\"\xFF\"}"[..], str::as_bytes);
            let at = reject["byte"].as_u64().unwrap() as usize;
            assert_eq!(&BAD[at..at + raw.len()], raw);
            assert_eq!(
                (&reject["file"], &reject["truncated"]),
                (&"in.jsonl".into(), &false.into())
            );
        }
        assert_eq!(rejects[4]["raw_base64"], "eyJpZCI6OCwicyI6Iv8ifQ==");
        let expected = "warning: 5 of 8 records rejected, see out/in.rejects.jsonl\n\
            \x20 3 json.syntax, the first at in.jsonl:2:31: expected a value, found `o`\n\
            \x20 1 record.not_object, the first at in.jsonl:5:1: expected an object, found an array\n\
            \x20 1 encoding.invalid, the first at in.jsonl:9:14: expected UTF-8, found byte 0xff\n\
            hint: mend them there, then `transmog convert --from rejects out/in.rejects.jsonl --to \
            csv -o mended/`\n";
        assert!(done.stderr.ends_with(expected), "{}", done.stderr);
        let mode = std::fs::metadata(folder.path().join("out/in.rejects.jsonl")).unwrap();
        assert_eq!(mode.permissions().mode() & 0o777, 0o600, "it holds raw data");
    }
}

#[test]
fn outputs_are_those_of_the_good_records_but_for_ids() {
    let good: String = (0..500)
        .map(|n| format!("{{\"n\":{n},\"k{}\":[{{\"v\":\"x{n}\"}}],\"t\":[{n}]}}\n", n % 7))
        .collect();
    // bad ones would bring columns, tables and types of their own
    let bad =
        "{\"new\":1,\"n\":\"text\",\"other\":[{\"a\":1}],\"t\":[\"x\"],\"k0\":[{\"v\":1}],}\n";
    let mixed: String = good
        .lines()
        .enumerate()
        .map(|(n, line)| match n % 10 {
            3 => format!("{bad}{line}\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    for to in ["parquet", "csv", "jsonl", "json", "arrow"] {
        for cut in CUTS {
            let folder = Folder::new();
            folder.write("good.jsonl", &good);
            folder.write("mixed.jsonl", &mixed);
            // ids that do not count records
            let flags = format!("--to {to} --name t --ids field:n -q");
            folder.run(&format!("convert good.jsonl {flags} -o good")).stdout();
            let done = folder.run(&format!("convert mixed.jsonl {flags} -o mixed {cut}"));
            assert_eq!(done.status, 3, "{}", done.stderr);
            let names = folder.names("good");
            assert_eq!(
                folder.names("mixed"),
                format!("{names} t.rejects.jsonl")
                    .replace(&format!("t.{to} "), &format!("t.{to} "))
                    .split(' ')
                    .map(str::to_owned)
                    .collect::<std::collections::BTreeSet<_>>()
                    .into_iter()
                    .collect::<Vec<_>>()
                    .join(" ")
            );
            for name in names.split(' ') {
                let read = |dir: &str| std::fs::read(folder.path().join(dir).join(name)).unwrap();
                assert!(read("good") == read("mixed"), "{name} {cut}");
            }
            assert_eq!(folder.read("mixed/t.rejects.jsonl").lines().count(), 50);
        }
    }
}

#[test]
fn statuses_say_how_a_run_ended() {
    let check = |input: &[u8], flags: &str, status: i32, names: &str| {
        let folder = Folder::new();
        folder.write("in.jsonl", input);
        let done = folder.run(&format!("convert in.jsonl --to csv -o out {flags}"));
        assert_eq!(done.status, status, "{flags}: {}", done.stderr);
        let found =
            if folder.path().join("out").exists() { folder.names("out") } else { String::new() };
        assert_eq!(found, names, "{flags}");
    };
    let good = b"{\"a\":1}\n";
    let bad = b"{\"a\":1}\n{\"a\":2\n{\"a\":3}\n";
    check(good, "", 0, "in.csv");
    check(good, "--max-errors 0 --max-error-rate 0%", 0, "in.csv");
    check(bad, "", 3, "in.csv in.rejects.jsonl");
    check(bad, "--on-error skip", 3, "in.csv in.rejects.jsonl");
    check(bad, "--on-error retry", 3, "in.csv in.rejects.jsonl");
    check(bad, "--rejects none", 3, "in.csv");
    check(bad, "--max-errors 1", 0, "in.csv in.rejects.jsonl");
    check(bad, "--max-error-rate 34%", 0, "in.csv in.rejects.jsonl");
    check(bad, "--on-error fail", 1, "");
    check(bad, "--max-errors 0", 4, "");
    check(bad, "--max-error-rate 33%", 4, "");
    check(bad, "--max-errors x", 2, "");
    check(b"<html>", "", 5, "");
    check(bad, "--on-error fail-batch", 3, "in.csv in.rejects.jsonl");
}

#[test]
fn the_hint_behind_rejects_converts_them_once_they_are_mended() {
    let folder = Folder::new();
    folder.write("in.jsonl", "{\"a\":1}\n{\"a\":2,}\n{\"a\":3}\n");
    let done = folder.run("convert in.jsonl --to csv -o out");
    let hint = done.stderr.lines().last().and_then(|line| line.strip_prefix("hint: "));
    let command = hint.and_then(|hint| hint.split('`').nth(1)).expect("a command");
    let rejects = folder.read("out/in.rejects.jsonl").replace("2,}", "2}");
    folder.write("out/in.rejects.jsonl", rejects);
    let args = command.strip_prefix("transmog ").unwrap();
    folder.run(args).stdout();
    assert_eq!(folder.names("mended"), "in.csv");
    assert_eq!(folder.read("mended/in.csv"), "_tm_id,a\n2,2\n");
}

#[test]
fn a_broken_budget_says_what_was_wrong() {
    let folder = Folder::new();
    let done = folder.pipe(BAD, "convert --to csv --max-errors 2");
    done.fails(
        4,
        "warning: 3 of 5 records rejected, nothing was kept of them\n\
        \x20 2 json.syntax, the first at <stdin>:2:31: expected a value, found `o`\n\
        \x20 1 record.not_object, the first at <stdin>:5:1: expected an object, found an array\n\
         error: 3 of 5 records rejected, expected 2 at most (`--max-errors`); nothing was written\n",
    );
    assert_eq!(folder.names("."), "");
    // a rate counts from the thousandth record on, and then at once, whatever comes later
    let mut input = "{}\n".repeat(900) + &"{\n".repeat(50) + &"{}\n".repeat(49);
    input += &"[]\n".repeat(2);
    input += &"{}\n".repeat(100_000);
    for cut in CUTS {
        let done = folder.pipe(&input, &format!("convert --to csv --max-error-rate 5% {cut}"));
        let message = "error: 51 of 1000 records rejected, expected 5% at most";
        assert!(done.stderr.contains(message), "{cut}: {}", done.stderr);
        assert_eq!(done.status, 4);
    }
}

#[test]
fn a_batch_goes_whole_if_asked() {
    let input: String = (1..=95)
        .map(|n| if n == 33 { "{\"n\":\n".to_owned() } else { format!("{{\"n\":{n}}}\n") })
        .collect();
    for cut in CUTS {
        let folder = Folder::new();
        folder.write("in.jsonl", &input);
        let flags = format!("--on-error fail-batch --batch-size 10 {cut}");
        let done = folder.run(&format!("convert in.jsonl --to csv -o out {flags}"));
        assert_eq!(done.status, 3, "{}", done.stderr);
        let rows = folder.read("out/in.csv");
        let rows: Vec<_> = rows.lines().skip(1).collect();
        let expected = (1..=95).filter(|n| !(31..=40).contains(n)).map(|n| format!("{n},{n}"));
        assert_eq!(rows, expected.collect::<Vec<_>>(), "{cut}");
        let rejects = lines(&folder.read("out/in.rejects.jsonl"));
        let codes: Vec<_> = rejects.iter().map(|one| one["code"].as_str().unwrap()).collect();
        assert_eq!(codes.iter().filter(|code| **code == "batch.failed").count(), 9);
        assert_eq!(codes[2], "json.syntax");
        assert_eq!(rejects[0]["message"], "record 33 of the same batch is at fault");
        assert_eq!((&rejects[0]["record"], &rejects[0]["raw"]), (&31.into(), &"{\"n\":31}".into()));
    }
}

#[test]
fn a_rejected_map_leaves_no_key_column() {
    let input = include_str!("../../fixtures/regress/model/keys-of-a-rejected-map");
    let folder = Folder::new();
    folder.write("main.jsonl", input);
    for flags in ["", "--chunk-bytes 1B --threads 1", "--chunk-bytes 1B --threads 3"] {
        let flags = format!("--map value --duplicate-keys reject --to csv --force -q {flags}");
        folder.run(&format!("convert main.jsonl -o out/ {flags}"));
        let expected = "_tm_id,_tm_parent_id,_tm_index,a\n1,2,0,1\n2,4,0,\n";
        assert_eq!(folder.read("out/main_value.csv"), expected, "{flags}");
    }
}

#[test]
fn rejects_that_were_mended_give_the_missing_rows() {
    let folder = Folder::new();
    let whole = r#"{"id":1,"items":[{"a":1}]}
{"id":2,"items":[{"a":2},{"a":3}]}
{"id":3,"items":[{"a":4}]}
"#;
    folder.write("whole.jsonl", whole);
    folder.write("in.jsonl", whole.replace("\"a\":3", "\"a\":three"));
    folder.run("convert whole.jsonl --to csv -o whole --name t -q").stdout();
    assert_eq!(folder.run("convert in.jsonl --to csv -o out --name t -q").status, 3);
    let rejects = folder.read("out/t.rejects.jsonl");
    // as they are they come out as they were
    let done = folder.run("convert --from rejects out/t.rejects.jsonl --to csv -o again -q");
    assert_eq!(done.status, 3, "{}", done.stderr);
    assert_eq!(folder.names("again"), "t.csv t.rejects.jsonl");
    let again = lines(&folder.read("again/t.rejects.jsonl"));
    let first = lines(&rejects);
    for name in ["record", "column", "offset", "code", "message", "path", "raw", "truncated"] {
        assert_eq!(again[0][name], first[0][name], "{name}");
    }
    assert_eq!(again[0]["file"], "out/t.rejects.jsonl");
    assert_eq!((&again[0]["line"], &again[0]["byte"]), (&1.into(), &0.into()));
    // mended, they are the rows that were missing, under their own numbers
    folder.write("mended.rejects.jsonl", rejects.replace("three", "3"));
    folder.run("convert --from rejects mended.rejects.jsonl --to csv -o mended --name t").stdout();
    let rows = |dir: &str, table: &str| -> Vec<String> {
        let text = folder.read(&format!("{dir}/{table}.csv"));
        text.lines().skip(1).map(str::to_owned).collect()
    };
    let mut main = [rows("out", "t"), rows("mended", "t")].concat();
    main.sort();
    assert_eq!(main, rows("whole", "t"));
    // child rows count anew, their parents do not
    let without_id = |rows: Vec<String>| -> Vec<String> {
        rows.iter().map(|row| row.split_once(',').unwrap().1.to_owned()).collect()
    };
    let mut items = without_id([rows("out", "t_items"), rows("mended", "t_items")].concat());
    items.sort();
    assert_eq!(items, without_id(rows("whole", "t_items")));
}

#[test]
fn rejected_rows_of_csv_can_be_replayed() {
    for cut in CUTS {
        let folder = Folder::new();
        folder.write("a.csv", "id;name\n1;Ann\n2\n3;\"Cy\nx\"y\n4;Di\n");
        folder.write("b.tsv", b"name\tid\nE\xFF\t5\nFay\t6\n");
        let done = folder.run(&format!("convert a.csv b.tsv --to csv -o out/t.csv {cut}"));
        assert_eq!(done.status, 2, "{}", done.stderr);
        let done = folder.run(&format!("convert a.csv b.tsv --to csv -o out --name t {cut}"));
        assert_eq!(done.status, 3, "{}", done.stderr);
        assert_eq!(folder.read("out/t.csv"), "id,name\n1,Ann\n4,Di\n6,Fay\n", "{cut}");
        let rejects = folder.read("out/t.rejects.jsonl");
        let expected =
            ["2:3:14:2:1 csv.field_count", "3:4:16:3:8 csv.quote", "5:2:8:2:1 encoding.invalid"];
        assert_eq!(places(&rejects), expected, "{cut}");
        let files: Vec<_> = lines(&rejects).iter().map(|one| one["file"].clone()).collect();
        assert_eq!(files, ["a.csv", "a.csv", "b.tsv"]);
        let mended = rejects.replace("\"raw\":\"2\"", "\"raw\":\"2;Bo\"");
        let mended = mended
            .replace("x\\\"y", "x\\\"")
            .replace("\"raw_base64\":\"Rf8JNQ==\"", "\"raw\":\"E\\t5\"");
        folder.write("mended.jsonl", mended);
        let flags = "--to csv -o - -q";
        let rows =
            folder.run(&format!("convert --from rejects mended.jsonl {flags} {cut}")).stdout();
        assert_eq!(rows, "id,name\n2,Bo\n3,\"Cy\nx\"\n5,E\n", "{cut}");
    }
}

#[test]
fn lines_that_are_no_rejects_are_rejected_themselves() {
    let folder = Folder::new();
    let text = "{\"raw\":\"{\\\"a\\\":1}\"}\n{\"a\":1}\noops\n{\"raw_base64\":\"!\"}\n\
                {\"raw\":\"{\\\"a\\\":2}\",\"truncated\":true}\n{\"raw_base64\":\"eyJhIjozfQ==\"}\n";
    folder.write("r.jsonl", text);
    let done = folder.run("convert --from rejects r.jsonl --to jsonl -o out");
    assert_eq!(done.status, 3);
    assert_eq!(folder.read("out/r.jsonl"), "{\"_tm_id\":1,\"a\":1}\n{\"_tm_id\":6,\"a\":3}\n");
    let rejects = lines(&folder.read("out/r.rejects.jsonl"));
    let found: Vec<_> = rejects.iter().map(|one| (&one["code"], &one["raw"])).collect();
    let code = Value::from("reject.invalid");
    let raws: Vec<Value> = text.lines().map(Value::from).collect();
    assert_eq!(found[..3], [(&code, &raws[1]), (&code, &raws[2]), (&code, &raws[3])]);
    assert_eq!(found[3], (&code, &Value::from("{\"a\":2}")));
}

#[test]
fn rejects_go_where_they_are_told() {
    let bad = "{\"a\":1}\n{\"a\":\n";
    let folder = Folder::new();
    folder.write("in.jsonl", bad);
    // to standard output, where the tables go to files
    let done = folder.run("convert in.jsonl --to csv -o one --rejects - -q");
    assert_eq!((done.status, folder.names("one").as_str()), (3, "in.csv"));
    assert_eq!(places(&String::from_utf8(done.stdout).unwrap()), ["2:2:8:6:5 json.syntax"]);
    // to a file, in another directory
    std::fs::create_dir(folder.path().join("bin")).unwrap();
    let done = folder.run("convert in.jsonl --to csv -o two --rejects bin/bad.jsonl -q");
    assert_eq!((done.status, folder.names("two").as_str()), (3, "in.csv"));
    assert_eq!(folder.names("bin"), "bad.jsonl");
    // beside standard output, they are in the current directory
    let done = folder.pipe(bad, "convert --to csv -q");
    assert_eq!((done.status, done.stdout), (3, b"_tm_id,a\n1,1\n".to_vec()));
    assert_eq!(folder.names("."), "bin in.jsonl one records.rejects.jsonl two");
    // never over another file, unless asked
    let start = "error: records.rejects.jsonl: exists\n";
    folder.pipe("{\"a\":1}\n", "convert --to csv -q").fails_with(2, start);
    assert_eq!(folder.pipe("{\"a\":1}\n", "convert --to csv -q --force").status, 0);
    assert_eq!(folder.names("."), "bin in.jsonl one two", "a stale one is gone");
    let start = "error: bin/bad.jsonl: exists\n";
    folder.run("convert in.jsonl --to csv -o 3 --rejects bin/bad.jsonl").fails_with(2, start);
    // never over an input, nor a device
    let start = "error: in.jsonl: ";
    folder.run("convert in.jsonl --to csv -o 4 --force --rejects in.jsonl").fails_with(2, start);
    let start = "error: /dev/null: expected a regular file, found a device\n";
    folder.run("convert in.jsonl --to csv -o 5 --force --rejects /dev/null").fails_with(2, start);
    let start = "error: nowhere/x.jsonl: ";
    let done = folder.run("convert in.jsonl --to csv -o 6 --rejects nowhere/x.jsonl");
    assert!(
        done.status == 2 && done.stderr.starts_with("error: nowhere"),
        "{start}{}",
        done.stderr
    );
    let start = "error: `--rejects -`: expected tables in files, found standard output\n";
    folder.run("convert in.jsonl --to csv -o - --rejects -").fails_with(2, start);
    assert_eq!(folder.read("in.jsonl"), bad);
    assert_eq!(folder.names("."), "bin in.jsonl one two");
}

#[test]
fn flags_of_recovery_that_would_do_nothing_are_refused() {
    let folder = Folder::with_orders();
    for (flags, flag) in [
        ("--on-error fail --rejects r.jsonl", "--rejects"),
        ("--on-error fail --max-errors 1", "--max-errors"),
        ("--on-error fail --max-error-rate 1%", "--max-error-rate"),
        ("--retry-backoff 1s", "--retry-backoff"),
        ("--on-error retry --max-retries 0", "--on-error retry"),
        ("--max-error-rate 5", "--max-error-rate"),
        ("--retry-backoff 5 --on-error retry", "--retry-backoff"),
        ("--summary json -q", "--quiet` and `--summary"),
        ("--summary xml", "--summary"),
        ("--summary json=", "--summary"),
        ("--from rejects --delimiter ;", "--delimiter"),
    ] {
        let done = folder.run(&format!("convert orders.jsonl --to csv -o out {flags}"));
        done.fails_with(2, &format!("error: `{flag}`"));
    }
    assert_eq!(folder.names("."), "orders.jsonl");
}

#[test]
fn records_that_are_too_long_are_skipped_without_being_held() {
    let long = "x".repeat(300);
    let cases: [(&str, String, [&str; 2]); 5] = [
        ("jsonl", format!("{{\"a\":1}}\n{{\"a\":\"{long}\"}}\n{{\"a\":3}}\n"), ["2:2:8", "308"]),
        ("json", format!("[{{\"a\":1}},\n{{\"a\":\"{long}\"}},{{\"a\":3}}]"), ["2:2:10", "308"]),
        ("json", format!("{{\"a\":1}} {{\"a\":\"{long}\"}}{{\"a\":3}}"), ["2:1:8", "308"]),
        ("csv", format!("a\n1\n{long}\n3\n"), ["2:3:4", "300"]),
        ("csv", format!("a\n1\n\"{}\"\n3\n", "x\n".repeat(149)), ["2:3:4", "300"]),
    ];
    for (from, input, [place, bytes]) in cases {
        for cut in CUTS {
            let folder = Folder::new();
            let ids = "--ids sequence --name t";
            let flags = format!("--from {from} --to csv -o out --max-record-bytes 20B {ids} {cut}");
            let done = folder.pipe(&input, &format!("convert {flags}"));
            assert_eq!(done.status, 3, "{}", done.stderr);
            assert_eq!(folder.read("out/t.csv"), "_tm_id,a\n1,1\n3,3\n", "{from} {cut}");
            let reject = lines(&folder.read("out/t.rejects.jsonl")).remove(0);
            let at = |name: &str| reject[name].to_string();
            assert_eq!([at("record"), at("line"), at("byte")].join(":"), place, "{from} {cut}");
            let message = format!(
                "expected 20 bytes at most, found {bytes} bytes (raise it with `--max-record-bytes`)"
            );
            assert_eq!(reject["message"], message, "{from} {cut}");
            assert_eq!(reject["code"], "record.too_large");
            assert_eq!(reject["raw"].as_str().unwrap().len(), 20, "as far as the limit goes");
            let unread = bytes.parse::<u64>().unwrap() - 20;
            assert_eq!(
                (&reject["truncated"], &reject["unread_bytes"]),
                (&true.into(), &unread.into())
            );
        }
    }
}

#[test]
fn where_the_place_is_lost_the_rest_is_one_reject() {
    let check = |from: &str, input: &str, rows: &str, at: &[&str], raw: &str, message: &str| {
        for cut in CUTS {
            let folder = Folder::new();
            let flags = format!("--from {from} --to csv --ids sequence --name t {cut}");
            let done = folder.pipe(input, &format!("convert {flags} -o out"));
            assert_eq!(done.status, 3, "{}", done.stderr);
            assert_eq!(folder.read("out/t.csv"), rows, "{cut}");
            let text = folder.read("out/t.rejects.jsonl");
            assert_eq!(places(&text), at, "{input} {cut}");
            let reject = lines(&text).remove(0);
            assert_eq!((&reject["raw"], &reject["message"]), (&raw.into(), &message.into()));
            let done = folder.pipe(input, &format!("convert {flags} -o failed --on-error fail"));
            assert_eq!(done.status, 1, "{}", done.stderr);
            assert_eq!(folder.names("."), "out");
        }
    };
    check(
        "json",
        "[{\"a\":1},{\"a\":2} {\"a\":3},{\"a\":4}]",
        "_tm_id,a\n1,1\n2,2\n",
        &["3:1:17:18:0 json.syntax"],
        "{\"a\":3},{\"a\":4}]",
        "expected `,` or `]`, found `{`; the 16 bytes from here on were not read",
    );
    check(
        "json",
        "[{\"a\":1},\n{\"a\":2}",
        "_tm_id,a\n1,1\n2,2\n",
        &["3:2:17:8:0 json.truncated"],
        "",
        "expected `,` or `]`, found the end of the input",
    );
    check(
        "json",
        "[{\"a\":1},{\"a\":[2}, {\"a\":3}]",
        "_tm_id,a\n1,1\n",
        // its bracket ends the array for the framer, which then is not closed
        &["2:1:9:17:7 json.syntax", "3:1:27:28:0 json.truncated"],
        "{\"a\":[2}, {\"a\":3}]",
        "expected `,` or `]`, found `}`",
    );
    check(
        "csv",
        "a,b\n1,2\n3,\"4\n5,6\n7,8\n",
        "_tm_id,a,b\n1,1,2\n",
        &["2:3:8:3:2 csv.quote"],
        "3,\"4\n5,6\n7,8\n",
        "expected a closing quote, found the end of the input",
    );
}

#[test]
fn a_quote_that_never_closes_ends_the_readable_part() {
    let rest = "5,6\n".repeat(100);
    let input = format!("a,b\n1,2\n3,\"4\n{rest}");
    for cut in CUTS {
        let folder = Folder::new();
        let flags = "--from csv --to csv --name t --max-record-bytes 50B -o out";
        let done = folder.pipe(&input, &format!("convert {flags} {cut}"));
        assert_eq!(done.status, 3, "{}", done.stderr);
        assert_eq!(folder.read("out/t.csv"), "a,b\n1,2\n");
        let reject = lines(&folder.read("out/t.rejects.jsonl")).remove(0);
        let message = "expected a closing quote, found the end of the input; the 405 bytes from here \
                       on were not read, and 355 of them are not kept";
        assert_eq!(reject["message"], message, "{cut}");
        assert_eq!(reject["raw"].as_str().unwrap(), &input[8..58], "{cut}");
        assert_eq!(reject["unread_bytes"], 355);
    }
}

#[test]
fn the_summary_is_there_for_programs() {
    let folder = Folder::new();
    folder.write("in.jsonl", BAD);
    folder.write("more.csv", "id\n9\n");
    let flags = "convert in.jsonl more.csv --to csv --name t";
    let done = folder.run(&format!("{flags} -o out --summary json"));
    let summary: Value = serde_json::from_str(&done.stderr).unwrap();
    let check = |summary: &Value, expected: &[(&str, Value)]| {
        for (name, value) in expected {
            assert_eq!(&summary[name], value, "{name}: {summary}");
        }
    };
    check(
        &summary,
        &[
            ("status", "warning".into()),
            ("exit_status", 3.into()),
            ("total_processed", 9.into()),
            ("successful", 4.into()),
            ("failed", 5.into()),
            ("success_rate", (4.0 / 9.0).into()),
            ("failed_indices", vec![1, 3, 4, 6, 7].into()),
            ("failed_indices_truncated", false.into()),
            ("failed_batches", 0.into()),
            ("bytes_in", (BAD.len() + 5).into()),
            ("retries", 0.into()),
            ("version", env!("CARGO_PKG_VERSION").into()),
        ],
    );
    assert!(summary["total_batches"].as_u64() >= Some(2), "{summary}");
    assert_eq!(summary["fallback_batches"], 1);
    assert!(summary["duration_seconds"].as_f64() > Some(0.0));
    assert!(summary["average_batch_duration_ms"].as_f64() > Some(0.0));
    assert_eq!(summary["inputs"][0]["name"], "in.jsonl");
    assert_eq!(
        (&summary["inputs"][0]["records"], &summary["inputs"][0]["rejected"]),
        (&8.into(), &5.into())
    );
    assert_eq!(summary["inputs"][1]["dialect"], "delimiter `,`, quote `\"`, a header");
    assert_eq!(summary["tables"][1]["name"], "t_items");
    assert_eq!(summary["tables"][1]["rows"], 4);
    let bytes = folder.read("out/t_items.csv").len();
    assert_eq!(summary["tables"][1]["bytes"], bytes);
    assert_eq!(summary["tables"][1]["path"], "out/t_items.csv");
    assert_eq!(summary["rejects"]["path"], "out/t.rejects.jsonl");
    assert_eq!(summary["rejects"]["codes"][0]["first"]["line"], 2);

    // a file is published with the tables, and written where the run fails
    let done = folder.run(&format!("{flags} -o two --summary json=s.json"));
    assert!(done.stderr.contains("\n4 records in "), "{}", done.stderr);
    check(&serde_json::from_str(&folder.read("s.json")).unwrap(), &[("exit_status", 3.into())]);
    let again = folder.run(&format!("{flags} -o three --summary json=s.json"));
    again.fails_with(2, "error: s.json: exists\n");
    check(&serde_json::from_str(&folder.read("s.json")).unwrap(), &[("exit_status", 3.into())]);
    for (flag, status, word) in [("--max-errors 1", 4, "failed"), ("--on-error fail", 1, "failed")]
    {
        let args = format!("{flags} -o four --force --summary json=s.json {flag}");
        assert_eq!(folder.run(&args).status, status);
        let summary: Value = serde_json::from_str(&folder.read("s.json")).unwrap();
        check(&summary, &[("exit_status", status.into()), ("status", word.into())]);
        assert!(summary["error"].is_string() && summary["tables"] == Value::Array(vec![]));
        assert!(summary["failed"].as_u64() > Some(0), "{summary}");
    }
    assert_eq!(folder.run("convert none.jsonl --to csv --summary json=n.json").status, 1);
    let summary: Value = serde_json::from_str(&folder.read("n.json")).unwrap();
    check(&summary, &[("status", "error".into()), ("total_processed", 0.into())]);
    assert_eq!(folder.names("."), "in.jsonl more.csv n.json out s.json two");
}

#[test]
fn failed_indices_are_cut_and_say_so() {
    let folder = Folder::new();
    let done = folder.pipe("{\n".repeat(10_001), "convert --to csv --rejects none --summary json");
    let summary: Value = serde_json::from_str(&done.stderr).unwrap();
    let indices = summary["failed_indices"].as_array().unwrap();
    assert_eq!((indices.len(), indices.last().unwrap()), (10_000, &9_999.into()));
    assert_eq!(
        (&summary["failed_indices_truncated"], &summary["failed"]),
        (&true.into(), &10_001.into())
    );
}

#[test]
fn github_gets_a_page_and_annotations() {
    let folder = Folder::new();
    folder.write("in.jsonl", BAD);
    folder.write("page.md", "before\n");
    let page = folder.path().join("page.md");
    let mut command = folder.command("convert in.jsonl --to csv -o out --summary github");
    let done = super::finish({
        command.env("GITHUB_STEP_SUMMARY", &page);
        command
    });
    assert_eq!(done.status, 3);
    let start =
        "::warning file=in.jsonl,line=2,col=31,title=transmog::3 records rejected (json.syntax)";
    assert!(done.stderr.starts_with(start), "{}", done.stderr);
    assert_eq!(done.stderr.lines().count(), 3);
    let page = folder.read("page.md");
    assert!(page.starts_with("before\n### ⚠️ transmog: 3 of 8 records converted\n"), "{page}");
    // elsewhere the page goes to standard error
    let mut command = folder.command("convert in.jsonl --to csv -o two --summary github");
    command.env_remove("GITHUB_STEP_SUMMARY");
    let told = super::finish(command).stderr;
    assert!(told.contains("### ⚠️ transmog: 3 of 8"), "{told}");
    assert!(told.ends_with("rejects.jsonl.\n"), "{told}");
}

#[test]
fn quiet_runs_still_say_in_a_line_that_records_were_lost() {
    let folder = Folder::new();
    folder.write("in.jsonl", BAD);
    let warning = "warning: 5 of 8 records rejected";
    for (args, status, expected) in [
        ("convert in.jsonl --to csv -o a -q", 3, ", see a/in.rejects.jsonl"),
        ("convert in.jsonl --to csv -o b -q --max-errors 5", 0, ", see b/in.rejects.jsonl"),
        ("check in.jsonl -q", 3, ""),
        ("schema in.jsonl -q", 3, ""),
        ("convert in.jsonl --to csv --dry-run -q", 3, ""),
    ] {
        let done = folder.run(args);
        assert_eq!(
            (done.status, done.stderr),
            (status, format!("{warning}{expected}\n")),
            "{args}"
        );
    }
    let done = folder.run("convert in.jsonl --to csv -o c -q --drop nothing --limit 1");
    let unused = "warning: `--drop nothing` matched nothing in the input\n";
    assert_eq!((done.status, done.stderr.as_str()), (0, unused));
    // who asks for nothing gets nothing
    let done = folder.run("convert in.jsonl --to csv -o d --summary none");
    assert_eq!((done.status, done.stderr.as_str()), (3, ""));
    let done = folder.run("convert in.jsonl --to csv -o e -q --max-errors 0");
    assert_eq!((done.status, done.stderr.matches('\n').count()), (4, 1), "{}", done.stderr);
}

#[test]
fn every_code_has_its_reject() {
    let deep = "[".repeat(1025);
    let deep = format!("{{\"a\":{deep}{}}}", deep.replace('[', "]"));
    let cases: [(&str, &[u8], &str); 14] = [
        ("json.syntax", b"{\"a\": 2,}\n", "--from jsonl"),
        ("json.truncated", b"{\"a\": \"x", "--from json"),
        ("record.not_object", b"[1, 2]\n", "--from jsonl"),
        ("record.too_large", b"{\"a\": 123456}\n", "--from jsonl --max-record-bytes 5B"),
        ("depth.exceeded", deep.as_bytes(), "--from jsonl"),
        ("encoding.invalid", b"{\"a\": \"Ren\xE9\"}\n", "--from jsonl"),
        ("value.type", b"{\"zip\": \"N1\"}\n", "--from jsonl --type zip=int64"),
        ("key.duplicate", b"{\"a\": 1, \"a\": 2}\n", "--from jsonl --duplicate-keys reject"),
        ("id.missing", b"{\"a\": 1}\n", "--from jsonl --ids field:id"),
        ("csv.field_count", b"a,b\n1,2,3\n", "--from csv"),
        ("csv.quote", b"a,b\n1,\"2\"3\n", "--from csv"),
        ("schema.violation", b"{\"b\": 1}\n", "--from jsonl --schema s.json --schema-mode strict"),
        ("batch.failed", b"{\"a\": 1}\n{\"a\": 2,}\n", "--from jsonl --on-error fail-batch"),
        ("reject.invalid", b"oops\n", "--from rejects"),
    ];
    for code in transmog::FaultCode::ALL {
        let (_, input, flags) = cases.iter().find(|case| case.0 == code.as_str()).expect("a case");
        let folder = Folder::new();
        let column = r#"{"path":"/a","type":"int64"}"#;
        let schema = format!(r#"{{"version":1,"tables":[{{"path":"","columns":[{column}]}}]}}"#);
        folder.write("s.json", schema);
        let done = folder.pipe(input, &format!("convert --to csv --name t -o out {flags}"));
        assert_eq!(done.status, 3, "{code}: {}", done.stderr);
        let reject = lines(&folder.read("out/t.rejects.jsonl")).remove(0);
        assert_eq!(reject["code"], code.as_str());
        assert!(
            done.stderr.contains(&format!("  1 {code}, the first at <stdin>:")),
            "{}",
            done.stderr
        );
    }
}

#[test]
fn what_a_refused_run_was_to_write_is_not_written() {
    let folder = Folder::new();
    folder.write("t.jsonl", "{\"a\":1}\n");
    folder.write("list", "t.jsonl\n");
    folder.write("o.csv", "old\n");
    std::os::unix::fs::symlink("t.jsonl", folder.path().join("link")).unwrap();
    let convert = "convert t.jsonl --to csv --summary";
    for args in [
        format!("{convert} json=t.jsonl -o out"),
        format!("{convert} json=t.jsonl -o out --force"),
        format!("{convert} json=link -o out --force"),
        format!("{convert} json=o.csv -o o.csv --force"),
        format!("{convert} json=none/s.json -o out"),
        "convert --files-from list --to csv -o out --force --summary json=list".to_owned(),
        "convert --files-from list --to csv -o out --force --rejects list".to_owned(),
    ] {
        assert_eq!(folder.run(&args).status, 2, "{args}");
        assert_eq!(folder.names("."), "link list o.csv t.jsonl", "{args}");
        let found = ["t.jsonl", "list", "o.csv"].map(|name| folder.read(name));
        assert_eq!(found, ["{\"a\":1}\n", "t.jsonl\n", "old\n"], "{args}");
        assert!(folder.path().join("link").is_symlink());
    }
    // nor what standard input was redirected from
    let mut command = folder.command("convert --from jsonl -o t.jsonl --force");
    command.stdin(std::fs::File::open(folder.path().join("t.jsonl")).unwrap());
    super::finish(command).fails_with(2, "error: t.jsonl: expected an output that is not read");
    assert_eq!(folder.read("t.jsonl"), "{\"a\":1}\n");
}

#[test]
fn the_rest_of_an_input_is_never_left_out() {
    let folder = Folder::new();
    let input = "[{\"a\":1},{\"a\":2} {\"a\":3},{\"a\":4}]";
    for flags in ["--skip 2", "--skip 3", "--skip 9", "--sample 1", "--sample 2 --seed 3"] {
        let done = folder.pipe(input, &format!("convert --to csv --force {flags}"));
        assert_eq!(done.status, 3, "{flags}: {}", done.stderr);
        let rejects = folder.read("records.rejects.jsonl");
        assert_eq!(places(&rejects), ["3:1:17:18:0 json.syntax"], "{flags}");
    }
}

#[test]
fn many_short_records_at_fault_take_little_memory() {
    let folder = Folder::new();
    let mut child = folder
        .command("convert --from jsonl --to csv --rejects none -q --threads 2")
        .stdin(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let lines = "x\n".repeat(1 << 20);
    for _ in 0..6 {
        std::io::Write::write_all(&mut stdin, lines.as_bytes()).unwrap();
    }
    let status =
        std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    drop(stdin);
    assert_eq!(child.wait().unwrap().code(), Some(3));
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak: usize = peak.map_or(0, |line| line.trim().trim_end_matches(" kB").parse().unwrap());
    assert!(peak < 300 << 10, "{} MiB", peak >> 10);
}

#[test]
fn lines_of_reject_files_are_checked() {
    let folder = Folder::new();
    let csv = |columns: &str| {
        format!(r#""csv":{{"columns":{columns},"delimiter":",","quote":"\"","escape":null}}"#)
    };
    let lines_in = [
        r#"{"record":9223372036854775808,"raw":"{}"}"#.to_owned(),
        r#"{"record":0,"raw":"{}"}"#.to_owned(),
        format!(r#"{{"record":1,"raw":"1,2",{}}}"#, csv(r#"["a","a"]"#)),
        format!(r#"{{"record":1,"raw":"1",{}}}"#, csv("[]")),
        format!(r#"{{"record":7,"raw":"1,\"2\"\n",{}}}"#, csv(r#"["a","b"]"#)),
    ];
    folder.write("r.jsonl", lines_in.join("\n"));
    let done = folder.run("convert --from rejects r.jsonl --to jsonl -o out");
    assert_eq!(done.status, 3, "{}", done.stderr);
    assert_eq!(folder.read("out/r.jsonl"), "{\"a\":1,\"b\":2}\n");
    let rejects = lines(&folder.read("out/r.rejects.jsonl"));
    assert_eq!(rejects.len(), 4);
    assert!(rejects.iter().all(|reject| reject["code"] == "reject.invalid"), "{rejects:?}");
    for flag in ["--records /a", "--encoding latin1"] {
        let start = format!("error: `{}`: ", flag.split(' ').next().unwrap());
        folder
            .run(&format!("convert --from rejects r.jsonl --to csv {flag}"))
            .fails_with(2, &start);
    }
    // what cells mean is for this run to say
    folder.write("n.jsonl", format!(r#"{{"record":1,"raw":"n/a",{}}}"#, csv(r#"["a"]"#)));
    let flags = "--to csv -o - -q --null-value n/a";
    assert_eq!(folder.run(&format!("convert --from rejects n.jsonl {flags}")).stdout(), "a\n\n");
}

#[test]
fn a_value_that_is_left_out_is_no_fault() {
    let folder = Folder::new();
    let input = "{\"a\":\"x\",\"a\":1}\n{\"a\":2,\"a\":\"y\"}\n";
    let done = folder.pipe(input, "convert --to csv --rejects none --type a=int64");
    assert_eq!((done.status, done.stdout), (3, b"_tm_id,a\n1,1\n".to_vec()));
    let done =
        folder.pipe(input, "convert --to csv --rejects none --type a=int64 --duplicate-keys first");
    assert_eq!((done.status, done.stdout), (3, b"_tm_id,a\n2,2\n".to_vec()));
}

#[test]
fn places_are_those_of_the_unpacked_input() {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), Default::default());
    std::io::Write::write_all(&mut gzip, BAD).unwrap();
    let packed = [gzip.finish().unwrap(), zstd::encode_all(BAD, 1).unwrap()];
    let folder = Folder::new();
    let plain = folder.pipe(BAD, "convert --to csv -o plain --name t -q");
    assert_eq!(plain.status, 3);
    for bytes in packed {
        for cut in CUTS {
            let done =
                folder.pipe(&bytes, &format!("convert --to csv -o out --name t -q --force {cut}"));
            assert_eq!(done.status, 3, "{}", done.stderr);
            assert_eq!(folder.read("out/t.rejects.jsonl"), folder.read("plain/t.rejects.jsonl"));
        }
    }
}

#[test]
fn input_that_is_not_there_yet_is_waited_for_if_asked() {
    use std::io::Write as _;
    let folder = Folder::new();
    let run = |flags: &str| {
        let (mut ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
        // a read fails where others would wait
        theirs.set_nonblocking(true).unwrap();
        let mut command = folder.command(&format!("convert --from jsonl --to csv {flags}"));
        let child = command.stdin(std::os::fd::OwnedFd::from(theirs)).spawn().unwrap();
        drop(command);
        std::thread::sleep(std::time::Duration::from_millis(400));
        // a run that has failed reads no more
        let _ = ours.write_all(b"{\"a\":1}\n");
        drop(ours);
        super::Done::from(child.wait_with_output().unwrap())
    };
    assert_eq!(run("-q --max-retries 100 --retry-backoff 100ms").stdout(), "_tm_id,a\n1,1\n");
    assert_eq!(run("-q --on-error retry --retry-backoff 400ms").stdout(), "_tm_id,a\n1,1\n");
    let reads = "-q --source-max-retries 100 --source-retry-backoff 100ms";
    assert_eq!(run(reads).stdout(), "_tm_id,a\n1,1\n");
    let start = "error: <stdin>: reading failed: ";
    run("").fails_with(1, start);
    let writes = "--max-retries 100 --retry-backoff 100ms --source-max-retries 0";
    run(writes).fails_with(1, start);
    run("--on-error retry --max-retries 2 --retry-backoff 10ms").fails_with(1, start);
    run("--source-max-retries 2 --source-retry-backoff 10ms").fails_with(1, start);
    // the first time after a second unless told, when the input is there
    let begun = std::time::Instant::now();
    assert_eq!(run("-q --max-retries 1").stdout(), "_tm_id,a\n1,1\n");
    let took = begun.elapsed().as_millis();
    assert!((1000..2500).contains(&took), "{took} ms");
}

#[test]
fn reads_are_tried_again_as_often_as_told() {
    let folder = Folder::new();
    let retries = |flags: &str| {
        // nothing ever comes
        let (_ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
        theirs.set_nonblocking(true).unwrap();
        let args = "convert --from jsonl --to csv --summary json --on-error retry";
        let mut command = folder.command(&format!("{args} --retry-backoff 10ms {flags}"));
        command.stdin(std::os::fd::OwnedFd::from(theirs));
        let done = super::finish(command);
        assert_eq!(done.status, 1, "{}", done.stderr);
        let summary = done.stderr.lines().find_map(|line| serde_json::from_str::<Value>(line).ok());
        summary.expect("a summary")["retries"].as_u64().unwrap()
    };
    assert_eq!(retries(""), 3);
    assert_eq!(retries("--max-retries 2"), 2);
    assert_eq!(retries("--source-max-retries 1"), 1);
    assert_eq!(retries("--max-retries 4 --source-max-retries 1"), 1);
}

#[test]
fn lines_that_are_no_rejects_take_linear_time() {
    let folder = Folder::new();
    let start = std::time::Instant::now();
    let done =
        folder.pipe("x\n".repeat(200_000), "convert --from rejects --to csv --rejects none -q");
    assert_eq!(done.status, 3);
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
}
