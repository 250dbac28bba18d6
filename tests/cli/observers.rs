//! What a run tells while it goes: logs and metrics.

use std::io::Write;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::Folder;

/// Reads the lines of standard error, all of which are objects; returns their events and the last.
fn events(stderr: &str) -> (Vec<String>, Value) {
    let lines: Vec<Value> = stderr
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}")))
        .collect();
    let event = |line: &Value| line["event"].as_str().unwrap().to_owned();
    (lines.iter().map(event).collect(), lines.last().unwrap().clone())
}

#[test]
fn a_json_log_is_all_that_stderr_gets() {
    let folder = Folder::with_orders();
    folder.write("bad.jsonl", "{\"a\":1}\n{\"a\":oops}\n");
    let run = "convert bad.jsonl --to csv -o out --log-format json";
    let done = folder.run(run);
    assert_eq!(done.status, 3, "{}", done.stderr);
    let (names, last) = events(&done.stderr);
    assert_eq!(names.iter().filter(|name| *name == "run_complete").count(), 1);
    assert_eq!((&last["status"], &last["exit_status"]), (&"warning".into(), &3.into()));
    assert_eq!((&last["records"], &last["rejected"]), (&1.into(), &1.into()));
    assert_eq!(last["tables"][0]["path"], "out/bad.csv");

    let done = folder.run(&format!("{run} --force --on-error fail"));
    assert_eq!(done.status, 1, "{}", done.stderr);
    let (_, last) = events(&done.stderr);
    assert_eq!((&last["event"], &last["status"]), (&"run_complete".into(), &"failed".into()));
    assert!(last["error"].as_str().unwrap().starts_with("bad.jsonl:2:6: expected a value"));
    assert_eq!(last["tables"], Value::Array(Vec::new()));
}

#[test]
fn a_usage_error_is_a_line_of_the_log() {
    let folder = Folder::with_orders();
    folder.write("orders.csv", "mine");
    for (flags, error) in [
        ("nowhere.jsonl --to csv", "nowhere.jsonl: opening it failed"),
        ("orders.jsonl --to csv -o orders.csv", "orders.csv"),
        ("orders.jsonl --to csv --metrics gone/m.prom", "gone: expected a directory"),
    ] {
        let done = folder.run(&format!("convert {flags} --log-format json"));
        let (names, last) = events(&done.stderr);
        assert_eq!(names, ["run_complete"], "{}", done.stderr);
        assert_eq!(last["exit_status"], done.status, "{flags}");
        assert!(last["error"].as_str().unwrap().contains(error), "{last}");
    }
    let done = folder.run("convert orders.jsonl --to csv --log-format json --quiet");
    assert!(done.stderr.contains("exclude each other"), "{}", done.stderr);
}

#[test]
fn a_summary_that_is_asked_for_follows_the_log() {
    let folder = Folder::with_orders();
    let done = folder.run("convert orders.jsonl --to csv -o a --log-format json --summary text");
    assert!(done.stderr.contains("\"event\":\"run_complete\""), "{}", done.stderr);
    assert!(done.stderr.contains("orders_items"), "{}", done.stderr);
    let file = "convert orders.jsonl --to csv -o b --log-format json --summary json=s.json";
    let (_, last) = events(&folder.run(file).stderr);
    assert_eq!(last["records"], 2);
    assert!(folder.read("s.json").contains("\"successful\":2"));
    let done = folder.run("convert orders.jsonl --to csv -o c --log-format text");
    assert!(done.stderr.contains("s run_complete: passed, exit status 0: 2 records"));
    assert!(done.stderr.contains("orders_items"), "{}", done.stderr);
}

#[test]
fn metrics_are_written_and_replaced_by_the_next_run() {
    let folder = Folder::with_orders();
    folder.write("bad.jsonl", "{\"a\":1}\n{\"a\":oops}\n");
    let done = folder.run("convert bad.jsonl --to csv -o a --metrics m.prom");
    assert_eq!(done.status, 3, "{}", done.stderr);
    let text = folder.read("m.prom");
    assert!(text.contains("transmog_records_total{result=\"rejected\"} 1\n"), "{text}");
    assert!(text.contains("transmog_run_status{status=\"warning\"} 1\n"), "{text}");
    assert!(text.contains("transmog_rejects_total{code=\"json.syntax\"} 1\n"), "{text}");
    let done = folder.run("convert orders.jsonl --to csv -o b --metrics m.prom");
    assert_eq!(done.status, 0, "{}", done.stderr);
    let text = folder.read("m.prom");
    assert!(text.contains("transmog_table_rows_total{table=\"orders_items\"} 3\n"), "{text}");
    assert!(text.contains("transmog_run_status{status=\"passed\"} 1\n"), "{text}");
    let done = folder.run("convert bad.jsonl --to csv -o c --metrics m.prom --on-error fail");
    assert_eq!(done.status, 1, "{}", done.stderr);
    assert!(folder.read("m.prom").contains("transmog_run_status{status=\"failed\"} 1\n"));
    assert_eq!(folder.names("."), "a b bad.jsonl m.prom orders.jsonl");
}

#[test]
fn metrics_are_written_during_the_run_if_asked() {
    let folder = Folder::new();
    let args = "convert - --to csv -o out/ -q --batch-size 1 --metrics m.prom";
    let mut child = folder
        .command(&format!("{args} --metrics-interval 50ms"))
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let start = Instant::now();
    let is_written = || {
        let text = std::fs::read_to_string(folder.path().join("m.prom")).unwrap_or_default();
        text.contains("transmog_run_status{status=\"running\"} 1\n")
    };
    while !is_written() {
        assert!(start.elapsed() < Duration::from_secs(20), "no metrics while it runs");
        stdin.write_all(b"{}\n").unwrap();
        thread::sleep(Duration::from_millis(20));
    }
    drop(stdin);
    assert!(child.wait().unwrap().success());
    assert!(folder.read("m.prom").contains("transmog_run_status{status=\"passed\"} 1\n"));
}

#[test]
fn metrics_replace_no_input_and_no_output() {
    let folder = Folder::with_orders();
    folder.write("empty.jsonl", "");
    folder.write("mine", "text");
    for (flags, status, text) in [
        ("orders.jsonl --to csv --metrics orders.jsonl", 2, "that an earlier run wrote"),
        ("orders.jsonl --to csv --metrics orders.jsonl --force", 2, "found input"),
        ("empty.jsonl --to csv --metrics empty.jsonl", 2, "found input"),
        ("orders.jsonl --to csv --metrics mine", 2, "that an earlier run wrote"),
        ("orders.jsonl -o o.csv --metrics o.csv", 2, "another output's name"),
        ("orders.jsonl --to csv -o . --metrics x --rejects x", 2, "another output's name"),
        ("orders.jsonl --to csv --summary json=x --metrics x", 2, "another output's name"),
        ("orders.jsonl --to csv -o new --metrics new/m", 2, "expected a directory"),
        ("orders.jsonl --to csv --metrics -", 2, "`--metrics`: expected a file, found `-`"),
        ("orders.jsonl --to csv --metrics-interval 1s", 2, "--metrics"),
    ] {
        let done = folder.run(&format!("convert {flags}"));
        assert_eq!(done.status, status, "{flags}: {}", done.stderr);
        assert!(done.stderr.contains(text), "{flags}: {}", done.stderr);
        assert_eq!(folder.names("."), "empty.jsonl mine orders.jsonl", "{flags}");
    }
    assert_eq!(folder.read("mine"), "text");
    // a table that would have its name gets another
    let done = folder.run("convert orders.jsonl --to csv -o . --metrics orders.csv");
    assert_eq!(done.status, 0, "{}", done.stderr);
    assert!(folder.read("orders.csv").starts_with("# HELP transmog_"));
    assert!(folder.names(".").contains("orders_2.csv"), "{}", folder.names("."));
}

#[cfg(unix)]
#[test]
fn metrics_that_cannot_be_written_are_an_error_of_their_own() {
    let folder = Folder::with_orders();
    std::fs::create_dir(folder.path().join("m")).unwrap();
    // the directory goes away while the run waits for the rest of its input
    let run = "set -e; (cat orders.jsonl; sleep 1; mv m gone; cat orders.jsonl) | $T convert --to \
               jsonl --table records --metrics m/m.prom";
    for (flags, is_json) in [("", false), ("--log-format json", true)] {
        let output = std::process::Command::new("sh")
            .args(["-c", &format!("{run} {flags}")])
            .env("T", env!("CARGO_BIN_EXE_transmog"))
            .current_dir(folder.path())
            .output()
            .unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{stderr}");
        assert_eq!(output.stdout.iter().filter(|byte| **byte == b'\n').count(), 4);
        if is_json {
            let (names, last) = events(&stderr);
            assert!(names.contains(&"run_complete".to_owned()));
            assert_eq!(last["event"], "metrics_error");
        } else {
            assert!(stderr.contains("error: m/m.prom: writing it failed"), "{stderr}");
        }
        std::fs::rename(folder.path().join("gone"), folder.path().join("m")).unwrap();
    }
}
