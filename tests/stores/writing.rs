//! Objects as outputs: what is written where, and that nothing shows of a run that fails.

use std::time::Duration;

use crate::lab::{BUCKET, Lab, ORDERS, Run, lines};
use crate::servers::faults::{Fault, Faults, When};

const PART_BYTES: u64 = 8 << 20;

/// A lab whose folder has `in.jsonl`.
fn with_input(faults: Faults, content: &str) -> Lab {
    let lab = Lab::new(faults);
    lab.write("in.jsonl", content);
    lab
}

/// A table that goes in three parts, in few records.
fn large() -> String {
    lines(18, 1_000_000)
}

/// Requests that upload a part.
fn parts() -> When {
    When::method("PUT").query("partNumber=")
}

#[test]
fn objects_are_what_files_would_be() {
    let lab = with_input(Faults::none(), ORDERS);
    for format in ["parquet", "csv", "tsv", "jsonl", "json", "arrow"] {
        lab.convert(&format!("in.jsonl --to {format} -o s3://tests/out/")).succeeds();
        lab.convert(&format!("in.jsonl --to {format} -o local/")).succeeds();
        for table in ["in", "in_items"] {
            let object = lab.server.get(BUCKET, &format!("out/{table}.{format}")).unwrap();
            assert!(object == lab.read(&format!("local/{table}.{format}")), "{table}.{format}");
        }
    }
    assert_eq!(lab.server.list(BUCKET).len(), 12);
    lab.convert("in.jsonl -o s3://tests/d/x.parquet").succeeds();
    lab.convert("in.jsonl -o x.parquet").succeeds();
    for table in ["x", "x_items"] {
        let object = lab.server.get(BUCKET, &format!("d/{table}.parquet")).unwrap();
        assert!(object == lab.read(&format!("{table}.parquet")), "{table}");
    }
}

#[test]
fn keys_follow_from_the_output() {
    let check = |output: &str, keys: &str| {
        let lab = with_input(Faults::none(), ORDERS);
        lab.convert("in.jsonl --to csv").arg("-o").arg(output).succeeds();
        assert_eq!(lab.keys(), keys, "{output}");
    };
    check("s3://tests", "in.csv in_items.csv");
    check("s3://tests/", "in.csv in_items.csv");
    check("s3://tests/out", "out/in.csv out/in_items.csv");
    check("s3://tests/out/", "out/in.csv out/in_items.csv");
    check("s3://tests/out/x.csv", "out/x.csv out/x_items.csv");
    check("s3://tests/x.csv", "x.csv x_items.csv");
    check("s3://tests/a b/%41+ü.csv", "a b/%2541+ü_items.csv a b/%41+ü.csv");
}

#[test]
fn the_summary_names_objects() {
    let lab = with_input(Faults::none(), ORDERS);
    let run = lab.convert("in.jsonl --to csv -o s3://tests/out/ --summary json");
    let summary = run.succeeds().summary();
    assert_eq!(summary["tables"][0]["path"], "s3://tests/out/in.csv");
    assert_eq!(summary["tables"][1]["path"], "s3://tests/out/in_items.csv");
    assert_eq!(summary["tables"][0]["bytes"], lab.get("out/in.csv").len());
}

#[test]
fn objects_are_read_and_written_in_one_run() {
    let lab = Lab::new(Faults::none());
    lab.put("in/a.jsonl", ORDERS);
    lab.convert("s3://tests/in/ --to csv -o s3://tests/out/ --name t").succeeds();
    assert_eq!(lab.keys(), "in/a.jsonl out/t.csv out/t_items.csv");
}

#[test]
fn small_objects_are_written_at_once_and_large_ones_in_parts() {
    let lab = with_input(Faults::none(), ORDERS);
    lab.convert("in.jsonl --to csv -o s3://tests/").succeeds();
    assert_eq!((lab.count("PUT", ""), lab.count("POST", "")), (2, 0));

    let lab = with_input(Faults::none(), &large());
    lab.convert("in.jsonl --to csv -o s3://tests/").succeeds();
    lab.convert("in.jsonl --to csv -o local").succeeds();
    assert!(lab.get("in.csv").as_bytes() == lab.read("local/in.csv"), "they differ");
    let sizes: Vec<u64> = lab
        .server
        .requests()
        .iter()
        .filter(|request| request.method == "PUT")
        .map(|request| request.header("content-length").unwrap().parse().unwrap())
        .collect();
    assert_eq!(sizes.len(), 3, "{sizes:?}");
    assert!(sizes.iter().all(|size| *size <= PART_BYTES), "{sizes:?}");
}

#[test]
fn child_tables_show_before_the_main_one() {
    let record = |number: usize| {
        let more: String =
            (0..12).map(|n| format!(",\"c{n}\":[{{\"x\":{n},\"y\":[{{\"z\":1}}]}}]")).collect();
        format!("{{\"id\":{number}{more}}}\n")
    };
    let lab = with_input(Faults::none(), &record(1));
    lab.convert("in.jsonl --to csv -o s3://tests/out/").succeeds();
    let order = lab.server.order_of_completion();
    assert_eq!((order.len(), order.last().unwrap().as_str()), (25, "out/in.csv"));

    // also where the main table is the small one
    let children = format!("{{\"id\":1,\"c\":[{}]}}\n", large().trim_end().replace('\n', ","));
    let lab = with_input(Faults::none(), &children);
    lab.convert("in.jsonl --to csv -o s3://tests/out/").succeeds();
    assert_eq!(lab.server.order_of_completion(), ["out/in_c.csv", "out/in.csv"]);
}

#[test]
fn what_exists_is_refused_before_input_is_read() {
    let lab = with_input(Faults::none(), "no record");
    lab.put("out/in.csv", "mine");
    lab.put("x.csv", "mine");
    let exists = ["exists", "hint: use `--force` to replace it"];
    lab.convert("in.jsonl --to csv -o s3://tests/out/ --on-error fail").fails(2, &exists);
    lab.convert("in.jsonl -o s3://tests/x.csv --on-error fail").fails(2, &exists);
    let run = lab.convert("in.jsonl --to csv -o out --rejects s3://tests/x.csv");
    run.fails(2, &exists);
    // a child table shows late, and all the same nothing is published
    lab.write("in.jsonl", ORDERS);
    lab.put("other/in_items.csv", "mine");
    lab.convert("in.jsonl --to csv -o s3://tests/other/").fails(2, &exists);
}

#[test]
fn force_replaces() {
    let lab = with_input(Faults::none(), ORDERS);
    lab.put("out/in.csv", "old");
    lab.put("out/in_items.csv", "old");
    lab.convert("in.jsonl --to csv -o s3://tests/out/ --force").succeeds();
    lab.convert("in.jsonl --to csv -o s3://tests/out/ --force").succeeds();
    assert!(lab.get("out/in.csv").ends_with("\n2,2\n"), "{}", lab.get("out/in.csv"));
    let lab = with_input(Faults::none(), &large());
    lab.put("in.csv", "old");
    lab.convert("in.jsonl --to csv -o s3://tests/ --force").succeeds();
    lab.convert("in.jsonl --to csv -o s3://tests/ --force").succeeds();
    assert_eq!(lab.keys(), "in.csv");
    assert!(lab.get("in.csv").len() > 18_000_000);
}

#[test]
fn an_object_that_appears_during_the_run_stays_and_nothing_else_shows() {
    // as large as ours, which is how it differs
    let ours = with_input(Faults::none(), ORDERS);
    ours.convert("in.jsonl --to csv -o s3://tests/").succeeds();
    let theirs = "x".repeat(ours.get("in.csv").len());
    let puts = When::method("PUT").path("/in");
    let late = Faults::none().with(Fault::Delay(Duration::from_millis(300)), puts);
    let lab = with_input(late, ORDERS);
    appears(&lab, "PUT", &theirs);

    // while its parts are sent
    let late = Faults::none().with(Fault::Delay(Duration::from_millis(300)), parts());
    let lab = with_input(late, &large());
    appears(&lab, "PUT", "mine");
    // while it is completed
    let completes = When::method("POST").query("uploadId=");
    let late = Faults::none().with(Fault::Delay(Duration::from_millis(300)), completes);
    let lab = with_input(late, &large());
    appears(&lab, "POST", "mine");
}

/// Writes the main table when requests of a method come, and expects the run to leave it alone.
#[track_caller]
fn appears(lab: &Lab, method: &str, theirs: &str) {
    let mut run = lab.convert("in.jsonl --to csv -o s3://tests/").start();
    let is_complete = |query: &str| method == "PUT" || query.contains("uploadId=");
    run.until(|| {
        let requests = lab.server.requests();
        requests.iter().any(|one| one.method == method && is_complete(&one.query))
    });
    lab.put("in.csv", theirs);
    let done = run.wait();
    done.failed(2, &["error: s3://tests/in.csv: exists", "hint: use `--force`"]);
    assert_eq!((lab.keys().as_str(), lab.get("in.csv").as_str()), ("in.csv", theirs));
    lab.is_tidy();
}

#[test]
fn a_run_that_fails_late_shows_nothing() {
    let broken = large() + "{\"id\":1,\"items\":[{\"a\":1}]}\n{broken\n";
    let lab = with_input(Faults::none(), &broken);
    let check = |more: &str, status| {
        let done = lab.convert(&format!("in.jsonl --to csv -o s3://tests/out/ {more}")).run();
        assert_eq!((done.status, lab.keys().as_str()), (status, ""), "{more}: {}", done.stderr);
        lab.is_tidy();
    };
    check("--on-error fail", 1);
    check("--max-errors 0", 4);
    check("--max-error-rate 1%", 4);
    let objects = lab.server.requests().iter().filter(|one| one.method != "GET").count();
    // it was looked up, and nothing was sent
    assert_eq!(lab.count("HEAD", ""), objects);
}

#[test]
fn signals_end_an_upload() {
    for (when, fault) in [
        (parts(), Fault::Stall),
        (parts(), Fault::Delay(Duration::from_millis(400))),
        // one that is begun although nobody has heard of it yet
        (When::method("POST").query("uploads"), Fault::LateAnswer(Duration::from_millis(400))),
    ] {
        for (signal, status) in [("-TERM", 143), ("-INT", 130)] {
            let lab = with_input(Faults::none().with(fault.clone(), when.clone()), &large());
            let mut run = lab.convert("in.jsonl --to csv -o s3://tests/").start();
            run.until(|| lab.count("POST", "uploads") > 0 && lab.server.requests().len() > 2);
            if matches!(fault, Fault::Stall) {
                run.until(|| lab.count("PUT", "") > 0);
            }
            run.signal(signal);
            let done = run.wait();
            assert_eq!(done.status, status, "{}", done.stderr);
            assert!(done.stderr.starts_with("error: interrupted by signal"), "{}", done.stderr);
            assert_eq!(lab.keys(), "");
            lab.is_tidy();
        }
    }
}

#[test]
fn signals_end_a_wait_for_input() {
    let stall = Faults::none().with(Fault::Stall, When::method("GET").path("/a."));
    let lab = Lab::new(stall);
    lab.put("a.jsonl", ORDERS);
    let mut run = lab.convert("s3://tests/a.jsonl --to csv -o s3://tests/out/").start();
    run.until(|| !lab.ranges().is_empty());
    run.signal("-TERM");
    let done = run.wait();
    assert_eq!(done.status, 143, "{}", done.stderr);
    assert_eq!(lab.keys(), "a.jsonl");
    lab.is_tidy();
}

#[test]
fn rejects_and_summaries_go_to_stores_too() {
    let broken = format!("{ORDERS}{{broken\n");
    let lab = with_input(Faults::none(), &broken);
    let rejected = |run: Run<'_>| {
        let done = run.run();
        assert_eq!(done.status, 3, "{}", done.stderr);
        lab.is_tidy();
    };
    rejected(lab.convert("in.jsonl --to csv -o s3://tests/a/"));
    assert_eq!(lab.keys(), "a/in.csv a/in.rejects.jsonl a/in_items.csv");
    assert!(lab.get("a/in.rejects.jsonl").contains("{broken"));
    assert_eq!(lab.server.order_of_completion().last().unwrap(), "a/in.csv");
    rejected(lab.convert("in.jsonl --to csv -o b --rejects s3://tests/b.jsonl"));
    assert!(lab.get("b.jsonl").contains("{broken") && lab.has("b/in.csv"));
    rejected(lab.convert("in.jsonl --to csv -o s3://tests/c/ --rejects c.jsonl"));
    assert!(lab.has("c.jsonl") && lab.keys().contains("c/in.csv"));
    rejected(lab.convert("in.jsonl --to csv -o d --summary json=s3://tests/d.json"));
    let summary: serde_json::Value = serde_json::from_str(&lab.get("d.json")).unwrap();
    assert_eq!((&summary["exit_status"], &summary["failed"]), (&3.into(), &1.into()));
    rejected(lab.convert("in.jsonl --to csv -o s3://tests/e/ --summary json=e.json"));
    assert!(lab.has("e.json"));
    rejected(lab.convert("in.jsonl --to csv -o - --rejects s3://tests/f.jsonl --table in"));
    assert!(lab.get("f.jsonl").contains("{broken"));
}

#[test]
fn local_and_remote_outputs_show_together_or_not_at_all() {
    let broken = format!("{ORDERS}{{broken\n");
    // the tables cannot be written, and so there is no reject file
    let denied = When::method("PUT").path("/out/");
    let lab = with_input(Faults::none().with(Fault::Status(403), denied), &broken);
    let run = lab.convert("in.jsonl --to csv -o s3://tests/out/ --rejects r.jsonl");
    run.fails(1, &["error: s3://tests/out/in", "403"]);
    assert!(!lab.has("r.jsonl"));
    let run = lab.convert("in.jsonl --to csv -o local --rejects s3://tests/out/r.jsonl");
    run.fails(1, &["error: s3://tests/out/r.jsonl", "403"]);
    assert!(!lab.has("local"));
}

#[test]
fn what_shows_when_a_later_object_fails_is_taken_back() {
    let denied = Faults::none().with(Fault::Status(403), When::method("PUT").path("/out/in.csv"));
    let lab = with_input(denied, ORDERS);
    let run = lab.convert("in.jsonl --to csv -o s3://tests/out/");
    run.fails(1, &["error: s3://tests/out/in.csv: writing it failed", "403 AccessDenied"]);
    assert_eq!(lab.server.order_of_completion(), ["out/in_items.csv"]);

    // one that is not answered yet is there already
    let faults =
        Faults::none().with(Fault::Status(403), When::method("PUT").path("/out/in_a.csv")).with(
            Fault::LateAnswer(Duration::from_millis(300)),
            When::method("PUT").path("/out/in_b.csv"),
        );
    let lab = with_input(faults, "{\"a\":[{\"x\":1}],\"b\":[{\"x\":1}]}\n");
    let run = lab.convert("in.jsonl --to csv -o s3://tests/out/");
    run.fails(1, &["error: s3://tests/out/in_a.csv: writing it failed"]);
    assert_eq!(lab.keys(), "");
}

#[test]
fn force_removes_the_rejects_of_an_earlier_run() {
    let lab = with_input(Faults::none(), ORDERS);
    lab.put("out/in.rejects.jsonl", "old");
    lab.put("r.jsonl", "old");
    let exists = ["in.rejects.jsonl: exists"];
    lab.convert("in.jsonl --to csv -o s3://tests/out/").fails(2, &exists);
    lab.convert("in.jsonl --to csv -o s3://tests/out/ --force").succeeds();
    assert_eq!(lab.keys(), "out/in.csv out/in_items.csv r.jsonl");
    lab.convert("in.jsonl --to csv -o local --force --rejects s3://tests/r.jsonl").succeeds();
    assert_eq!(lab.keys(), "out/in.csv out/in_items.csv");
}

#[test]
fn a_bucket_that_is_not_there_is_told_at_once() {
    let lab = with_input(Faults::none(), "no record");
    let run = lab.convert("in.jsonl --to csv --on-error fail -o s3://nowhere/out/");
    let message = "error: s3://nowhere/out/in.csv: looking for its bucket failed";
    run.fails(1, &[message, "NoSuchBucket", "hint: check the bucket"]);
    let run = lab.convert("in.jsonl --to csv --on-error fail --force -o s3://nowhere/out/");
    run.fails(1, &[message]);
    assert_eq!(lab.server.requests().len(), 3);
}

#[test]
fn what_cannot_be_an_output_is_refused() {
    let lab = with_input(Faults::none(), ORDERS);
    let refused = |args: &str, messages: &[&str]| {
        let done = lab.convert(args).run();
        assert_eq!(done.status, 2, "{}", done.stderr);
        done.says(messages);
        lab.is_tidy();
    };
    let url = format!("-o {}/tests/out.csv", lab.server.endpoint());
    let server = "expected an object store to write to, found a web server";
    refused(&format!("in.jsonl {url}"), &[server, "hint: `s3://`"]);
    refused("in.jsonl -o https://example.org/ --to csv", &[server]);
    refused("in.jsonl -o ftp://example.org/ --to csv", &["`ftp://`: expected a known scheme"]);
    refused("in.jsonl --to csv -o out --rejects s3://tests/", &["expected the key of an object"]);
    assert_eq!(lab.server.requests().len(), 0);
}

#[test]
fn the_manifest_of_a_run_shows_last() {
    let lab = with_input(Faults::none(), ORDERS);
    lab.convert_whole("in.jsonl --to csv -o s3://tests/out/").run().says(&[]);
    assert_eq!(lab.keys(), "out/in.csv out/in.manifest.json out/in_items.csv");
    let shown = ["out/in_items.csv", "out/in.csv", "out/in.manifest.json"];
    assert_eq!(lab.server.order_of_completion(), shown);
    let manifest: serde_json::Value =
        serde_json::from_str(&lab.get("out/in.manifest.json")).unwrap();
    let paths = manifest["resources"].as_array().unwrap().iter().map(|one| one["path"].as_str());
    assert_eq!(paths.collect::<Vec<_>>(), [Some("in.csv"), Some("in_items.csv")]);

    // who waits for the manifest does not find that of the run before beside new tables
    let before = lab.server.requests().len();
    let done = lab.convert_whole("in.jsonl --to csv -o s3://tests/out/ --force").run();
    assert_eq!(done.status, 0, "{}", done.stderr);
    let requests = lab.server.requests().split_off(before);
    let changes = requests.iter().filter(|one| matches!(one.method.as_str(), "PUT" | "DELETE"));
    let changes: Vec<_> = changes.map(|one| format!("{} {}", one.method, one.path)).collect();
    let manifest = "/tests/out/in.manifest.json";
    assert_eq!(changes.first(), Some(&format!("DELETE {manifest}")), "{changes:?}");
    assert_eq!(changes.last(), Some(&format!("PUT {manifest}")), "{changes:?}");

    // above the tables, and not at all
    let args = "in.jsonl --to csv -o s3://tests/a/b/";
    let done = lab.convert_whole(&format!("{args} --manifest s3://tests/a/m.json")).run();
    assert_eq!(done.status, 0, "{}", done.stderr);
    assert!(lab.get("a/m.json").contains("\"path\": \"b/in.csv\""));
    let done = lab.convert_whole("in.jsonl --to csv -o s3://tests/c/ --manifest none").run();
    assert_eq!((done.status, lab.keys().contains("c/in.manifest")), (0, false));
}

#[test]
fn part_files_are_uploads_of_their_own() {
    let lab = with_input(Faults::none(), ORDERS);
    let strategy = "--batch-strategy time_window --max-file-rows 1";
    let args = format!("in.jsonl --to parquet -o s3://tests/out/ {strategy}");
    let done = lab.convert(&args).run();
    assert_eq!(done.status, 0, "{}", done.stderr);
    let parts = "out/in/part-00000.parquet out/in/part-00001.parquet \
                 out/in_items/part-00000.parquet out/in_items/part-00001.parquet \
                 out/in_items/part-00002.parquet";
    assert_eq!(lab.keys(), parts);
    lab.convert(&args).fails(2, &["s3://tests/out/in: expected no part files, found 2"]);
    lab.write("in.jsonl", "{\"id\":1}\n");
    let done = lab.convert(&format!("{args} --force")).run();
    assert_eq!(done.status, 0, "{}", done.stderr);
    assert!(lab.keys().starts_with("out/in/part-00000.parquet out/in_items/"), "{}", lab.keys());
}
