//! Objects as inputs: what names stand for, that they arrive whole, and that they are read as files
//! are.

use std::time::{Duration, Instant};

use crate::lab::{BUCKET, Lab, ORDERS, gzip, lines, rows};
use crate::servers::faults::{Bytes, Closing, Fault, Faults, When};

/// A bucket whose objects hold a record with their number, in this order.
fn numbered(keys: &[&str]) -> Lab {
    let lab = Lab::new(Faults::none());
    for (number, key) in keys.iter().enumerate() {
        lab.put(key, format!("{{\"n\":{number}}}\n"));
    }
    lab
}

/// Reads what names stand for and asserts which objects come, in their order.
#[track_caller]
fn reads(lab: &Lab, names: &[&str], numbers: &[u32]) {
    let mut run = lab.convert("--to jsonl -o - -q");
    for name in names {
        run = run.arg(name);
    }
    let done = run.succeeds();
    let read: Vec<u32> = done
        .stdout_text()
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .map(|record| record["n"].as_u64().unwrap() as u32)
        .collect();
    assert_eq!(read, numbers, "{names:?}");
}

#[test]
fn patterns_stand_for_keys() {
    let keys = ["a.jsonl", "b.jsonl", "d/.c.jsonl", "d/a.jsonl", "d/e/a.jsonl", "d/x1.jsonl"];
    let lab = numbered(&keys);
    reads(&lab, &["s3://tests/a.jsonl"], &[0]);
    reads(&lab, &["s3://tests/*"], &[0, 1]);
    reads(&lab, &["s3://tests/?.jsonl"], &[0, 1]);
    reads(&lab, &["s3://tests/[bc].jsonl"], &[1]);
    reads(&lab, &["s3://tests/d/*"], &[3, 5]);
    reads(&lab, &["s3://tests/d/.*"], &[2]);
    reads(&lab, &["s3://tests/*/*.jsonl"], &[3, 5]);
    reads(&lab, &["s3://tests/d/**/*.jsonl"], &[3, 4, 5]);
    reads(&lab, &["s3://tests/**/a.jsonl"], &[0, 3, 4]);
    reads(&lab, &["s3a://tests/a.jsonl", "S3://tests/b.jsonl"], &[0, 1]);
}

#[test]
fn a_key_that_is_there_is_no_pattern() {
    let lab = numbered(&["*.jsonl", "[a].jsonl", "a.jsonl"]);
    reads(&lab, &["s3://tests/*.jsonl"], &[0]);
    reads(&lab, &["s3://tests/[a].jsonl"], &[1]);
    reads(&lab, &["s3://tests/[*].jsonl"], &[0]);
    lab.write("list", "s3://tests/*.jsonl\n");
    reads(&lab, &["--files-from", "list"], &[0]);
}

#[test]
fn prefixes_stand_for_what_is_below_them() {
    let keys = ["in.jsonl", "in/.h/x.jsonl", "in/a.jsonl", "in/b.txt", "in/c/d.csv", "inn/x.jsonl"];
    let lab = numbered(&keys);
    lab.put("in/c/d.csv", "n\n4\n");
    lab.put("in/", "");
    reads(&lab, &["s3://tests/in/"], &[2, 4]);
    reads(&lab, &["-r", "s3://tests/in"], &[2, 4]);
    reads(&lab, &["-r", "s3://tests/in.jsonl"], &[0]);
    lab.convert("s3://tests/inn --to csv -o out").fails(1, &["there is no such object"]);
}

#[test]
fn what_stands_for_nothing_is_refused() {
    let lab = numbered(&["a.txt"]);
    for (name, message) in [
        ("s3://tests/*.jsonl", "s3://tests/*.jsonl: expected objects that match, found none"),
        ("s3://tests/in/", "s3://tests/in/: expected objects below it, such as `x.jsonl`"),
        ("s3://tests/", "s3://tests/: expected objects below it"),
        ("s3://tests/a//b.jsonl", "expected a key without empty steps"),
        ("s3://tests/a/../b.jsonl", "expected a key without empty steps"),
    ] {
        lab.convert("--to csv -o out").arg(name).fails(2, &[message, "hint: "]);
        assert!(!lab.has("out"));
    }
}

#[test]
fn a_key_with_an_empty_step_stops_a_listing() {
    // `object_store` lists nothing then, although what does not match could be left out
    let lab = numbered(&["a.jsonl", "x//b.jsonl"]);
    lab.convert("s3://tests/* --to csv -o out")
        .fails(1, &["error: s3://tests/*: listing it failed"]);
    reads(&lab, &["s3://tests/a*"], &[0]);
}

#[test]
fn all_pages_of_a_listing_are_read_in_the_order_of_bytes() {
    let keys: Vec<String> = (0..25).map(|number| format!("p/{number:02}.jsonl")).collect();
    let lab = numbered(&keys.iter().map(String::as_str).collect::<Vec<_>>());
    lab.server.set_page_keys(4);
    reads(&lab, &["s3://tests/p/*"], &(0..25).collect::<Vec<_>>());
    assert_eq!(lab.count("GET", "list-type=2"), 7);
    let order = numbered(&["Z.jsonl", "a.jsonl", "a/b.jsonl", "ä.jsonl"]);
    reads(&order, &["s3://tests/**/*"], &[0, 1, 2, 3]);
}

#[test]
fn objects_and_files_come_in_the_order_in_which_they_are_named() {
    let lab = numbered(&["b.jsonl", "a.jsonl"]);
    lab.write("x.jsonl", "{\"n\":7}\n");
    lab.write("y.jsonl", "{\"n\":8}\n");
    reads(&lab, &["y.jsonl", "s3://tests/b.jsonl", "x.jsonl", "s3://tests/*"], &[8, 0, 7, 1, 0]);
    let url = format!("file://{}/x.jsonl", lab.folder.path().display());
    reads(&lab, &[&url, "s3://tests/b.jsonl"], &[7, 0]);
}

#[test]
fn keys_are_taken_as_they_stand() {
    let keys = ["a b.jsonl", "a+b.jsonl", "%41.jsonl", "a#b.jsonl", "q?x=1.jsonl", "ü/日本.jsonl"];
    let lab = numbered(&keys);
    lab.put("A.jsonl", "{\"n\":99}\n");
    for (number, key) in keys.iter().enumerate() {
        reads(&lab, &[&format!("s3://tests/{key}")], &[number as u32]);
    }
    reads(&lab, &["s3://tests/ü/*"], &[5]);
    reads(&lab, &["s3://tests/a*"], &[0, 3, 1]);
    reads(&lab, &["s3://tests/%*"], &[2]);
}

#[test]
fn packed_and_empty_objects_are_read_as_files_are() {
    let lab = Lab::new(Faults::none());
    lab.put("a.jsonl.gz", gzip("{\"n\":1}\n"));
    lab.put("b.jsonl.zst", zstd::encode_all(&b"{\"n\":2}\n"[..], 1).unwrap());
    // what it is shows in its first bytes
    lab.put("c", gzip("{\"n\":3}\n"));
    lab.put("empty.jsonl", "");
    lab.put("empty", "");
    reads(&lab, &["s3://tests/a.jsonl.gz", "s3://tests/b.jsonl.zst", "s3://tests/c"], &[1, 2, 3]);
    reads(&lab, &["s3://tests/empty.jsonl", "s3://tests/a.jsonl.gz"], &[1]);
    reads(&lab, &["s3://tests/empty.jsonl"], &[]);
}

#[test]
fn a_missing_object_stops_the_run_before_anything_is_written() {
    let lab = numbered(&["a.jsonl"]);
    let run = lab.convert("s3://tests/a.jsonl s3://tests/gone.jsonl --to csv -o out");
    let message = "error: s3://tests/gone.jsonl: opening it failed: there is no such object";
    run.fails(1, &[message, "hint: check the bucket, the key"]);
    assert!(!lab.has("out"));
    assert_eq!(lab.ranges(), []);
    let run = lab.convert("s3://tests/a.jsonl s3://tests/gone.jsonl -o s3://tests/out/ --to csv");
    run.fails(1, &[message]);
    let run = lab.convert("s3://nowhere/a.jsonl s3://nowhere/x/* --to csv -o out");
    run.fails(1, &["error: s3://nowhere/", "NoSuchBucket"]);
}

#[test]
fn an_object_that_changes_while_it_is_read_ends_the_run() {
    let content = lines(3000, 1000);
    for changed in [content.replace("\"id\":1", "\"id\":2"), content.clone() + "{}\n"] {
        // the first look, and one part of three
        for reads in [1, 2] {
            let lab = Lab::new(Faults::none());
            lab.put("a.jsonl", &content);
            lab.server.replace_after(BUCKET, "a.jsonl", reads, changed.clone());
            let run = lab.convert("s3://tests/a.jsonl --memory-limit 64MiB --to csv -o out");
            let done = run.run();
            done.failed(
                1,
                &["error: s3://tests/a.jsonl: reading it failed", "hint: somebody wrote"],
            );
            assert!(!lab.has("out"));
            lab.is_tidy();
        }
    }
    let lab = Lab::new(Faults::none());
    lab.put("a.jsonl.gz", gzip(&content));
    lab.server.replace_after(
        BUCKET,
        "a.jsonl.gz",
        2,
        gzip(content.replace("\"id\":1", "\"id\":2")),
    );
    let run = lab.convert("s3://tests/a.jsonl.gz --memory-limit 64MiB --to csv -o out");
    run.run()
        .failed(1, &["error: s3://tests/a.jsonl.gz: reading it failed", "hint: somebody wrote"]);
    assert!(!lab.has("out"));
}

/// Converts an object and a file with the same content; returns the lab and the summary.
#[track_caller]
fn equals_local(
    faults: Faults,
    name: &str,
    content: &[u8],
    more: &str,
) -> (Lab, serde_json::Value) {
    let lab = Lab::new(faults);
    lab.put(name, content);
    lab.write(name, content);
    let args = "--memory-limit 64MiB --to csv --name t --summary json";
    let more = format!("{more} --retry-backoff 1ms");
    let done = lab.convert(&format!("s3://tests/{name} {args} {more} -o remote")).succeeds();
    lab.convert(&format!("{name} {args} -o local")).succeeds();
    assert!(lab.read("remote/t.csv") == lab.read("local/t.csv"), "they differ");
    (lab, done.summary())
}

#[test]
fn objects_that_are_read_in_parts_arrive_as_files_do() {
    let content = lines(4000, 5000);
    let (lab, summary) = equals_local(Faults::none(), "a.jsonl", content.as_bytes(), "");
    assert_eq!(summary["bytes_in"], content.len());
    assert_eq!(summary["inputs"][0]["name"], "s3://tests/a.jsonl");
    assert_eq!(summary["inputs"][0]["records"], 4000);
    assert_eq!(summary["retries"], 0);
    assert!(lab.ranges().len() >= 20, "{:?}", lab.ranges());
    assert_covers(lab.ranges(), content.len() as u64, 0);
    equals_local(Faults::none(), "a.jsonl.gz", &gzip(&content), "");
    equals_local(Faults::none(), "a.csv", rows(4000, 5000).as_bytes(), "");
}

/// Asserts that all bytes were asked for, and no more than `lost` of them again.
#[track_caller]
fn assert_covers(mut ranges: Vec<std::ops::Range<u64>>, size: u64, lost: u64) {
    ranges.sort_by_key(|range| (range.start, range.end));
    let mut covered = 0;
    let mut asked = 0;
    for range in &ranges {
        assert!(range.start <= covered, "nobody asked for {covered}..{}", range.start);
        covered = covered.max(range.end);
        asked += range.end - range.start;
    }
    assert_eq!(covered, size);
    assert!(asked <= size + lost, "{asked} bytes were asked for, of {size}");
}

#[test]
fn a_read_that_breaks_off_goes_on_at_the_byte_where_it_broke() {
    let content = lines(3000, 1000);
    let size = content.len() as u64;
    let cut = |bytes| Fault::CutAnswer(bytes, Closing::Orderly);
    let at = Faults::none().with(cut(Bytes::Each(&[10, 20, 30])), When::method("GET").path("/a."));
    let (lab, summary) = equals_local(at, "a.jsonl", content.as_bytes(), "");
    assert_eq!(summary["retries"], 3);
    // each part, and what was left of it behind the bytes that had come
    let ranges = lab.ranges();
    assert_eq!(ranges.len() as u64, size.div_ceil(1 << 20) + 3, "{ranges:?}");
    let mut gained: Vec<u64> = ranges
        .iter()
        .filter(|range| range.start % (1 << 20) > 0)
        .map(|again| {
            let before =
                ranges.iter().filter(|one| one.end == again.end && one.start < again.start);
            again.start - before.map(|one| one.start).max().unwrap()
        })
        .collect();
    gained.sort_unstable();
    assert_eq!(gained, [10, 20, 30], "{ranges:?}");
}

#[test]
fn reads_that_break_off_anywhere_arrive_whole() {
    let content = lines(6000, 500);
    for (seed, closing) in [(1, Closing::Orderly), (2, Closing::Reset), (3, Closing::Orderly)] {
        let when = When::method("GET").path("/a.").at_most(12);
        let cut = Fault::CutAnswer(Bytes::Below(900_000), closing);
        let (lab, summary) =
            equals_local(Faults::seeded(seed).with(cut, when), "a.jsonl", content.as_bytes(), "");
        let retries = summary["retries"].as_u64().unwrap();
        assert!((1..=12).contains(&retries), "{retries}");
        assert_eq!(lab.ranges().len() as u64, content.len().div_ceil(1 << 20) as u64 + retries);
        // each goes on behind what it has, or at the same byte where a reset took all
        let size = content.len() as u64;
        assert_covers(lab.ranges(), size, retries << 20);
    }
}

#[test]
fn an_answer_that_stalls_is_asked_for_again() {
    let content = lines(200, 1000);
    let stall = Faults::none().with(Fault::Stall, When::method("GET").path("/a.").at_most(2));
    let start = Instant::now();
    let (_, summary) =
        equals_local(stall, "a.jsonl", content.as_bytes(), "--request-timeout 300ms");
    assert_eq!(summary["retries"], 2);
    assert!(start.elapsed() >= Duration::from_millis(600));
}

#[test]
fn a_limit_ends_the_reading() {
    let lab = Lab::new(Faults::none());
    let content = lines(8000, 5000);
    lab.put("a.jsonl", &content);
    let args = "s3://tests/a.jsonl --memory-limit 64MiB --limit 5 --to jsonl -o - -q";
    let done = lab.convert(args).succeeds();
    assert_eq!(done.stdout_text().lines().count(), 5);
    // what was on its way when the last record came
    assert!(lab.ranges().len() <= 12, "{:?}", lab.ranges());
}

#[test]
fn the_source_column_holds_urls() {
    let lab = numbered(&["a.jsonl", "d/b.jsonl"]);
    let run =
        lab.convert("s3://tests/a.jsonl s3://tests/d/* --source-column=from --to csv -o - -q");
    let done = run.succeeds();
    assert_eq!(
        done.stdout_text(),
        "_tm_id,from,n\n1,s3://tests/a.jsonl,0\n2,s3://tests/d/b.jsonl,1\n"
    );
}

#[test]
fn rejects_say_which_object_they_come_from_and_can_be_read_again() {
    let lab = Lab::new(Faults::none());
    lab.put("a.jsonl", "{\"n\":1}\n{broken\n");
    let done = lab.convert("s3://tests/a.jsonl --to csv -o out").run();
    assert_eq!(done.status, 3, "{}", done.stderr);
    let rejects = String::from_utf8(lab.read("out/a.rejects.jsonl")).unwrap();
    assert!(rejects.contains("\"file\":\"s3://tests/a.jsonl\""), "{rejects}");
    lab.put("r.jsonl", rejects.replace("{broken", "{}"));
    let done = lab.convert("s3://tests/r.jsonl --from rejects --to jsonl -o - -q").succeeds();
    assert_eq!(done.stdout_text().lines().count(), 1);
}

#[test]
fn an_object_that_is_read_is_not_written() {
    let lab = Lab::new(Faults::none());
    lab.put("a.jsonl", ORDERS);
    let refused = "expected an output that is not read, found an input";
    for args in [
        "s3://tests/a.jsonl -o s3://tests/a.jsonl --force",
        "s3://tests/a.jsonl -o s3://tests/ --to jsonl --force",
        "s3://tests/a.jsonl -o s3://tests/out/ --to csv --force --rejects s3://tests/a.jsonl",
    ] {
        lab.convert(args).fails(2, &["error: s3://tests/a.jsonl: ", refused]);
    }
    lab.put("b_items.jsonl", "{}\n");
    let run =
        lab.convert("s3://tests/b_items.jsonl s3://tests/a.jsonl -o s3://tests/b.jsonl --force");
    run.fails(2, &["error: s3://tests/b_items.jsonl: ", refused]);
}

#[test]
fn an_object_that_cannot_be_read_can_be_left_out() {
    let lab = numbered(&["a.jsonl", "b.jsonl", "c.jsonl"]);
    lab.put("b.jsonl", &gzip("{}")[..12]);
    let run = lab.convert("s3://tests/* --fail-fast=false --status-policy merge --to jsonl -o - ");
    let done = run.arg("--summary").arg("json").run();
    let summary = done.summary();
    assert_eq!(summary["inputs"][1]["name"], "s3://tests/b.jsonl", "{}", done.stderr);
    assert_eq!(summary["successful"], 2, "{}", done.stderr);
}
