//! Batch strategies, live output, part files, and what bounds a run in time and threads.
//!
//! Each test fails when the key it is about is ignored.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use super::{Done, Folder};

/// Longer than anything takes that is to happen.
const LONG: Duration = Duration::from_secs(20);

/// A run that is fed through a pipe, and whose lines are read as they come.
struct Feed {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<(Instant, String)>,
}

impl Feed {
    fn start(folder: &Folder, args: &str) -> Feed {
        let mut child = folder.command(args).stdin(Stdio::piped()).spawn().unwrap();
        let stdout = child.stdout.take().unwrap();
        let (to, lines) = channel();
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines() {
                if to.send((Instant::now(), line.unwrap())).is_err() {
                    return;
                }
            }
        });
        Feed { stdin: child.stdin.take(), child, lines }
    }

    fn send(&mut self, text: &str) {
        self.stdin.as_mut().unwrap().write_all(text.as_bytes()).unwrap();
    }

    /// Returns the next line and when it came.
    #[track_caller]
    fn line(&self) -> (Instant, String) {
        self.lines.recv_timeout(LONG).expect("a line comes in time")
    }

    /// Asserts that no line comes for a while.
    #[track_caller]
    fn stays_silent(&self, time: Duration) {
        assert_eq!(self.lines.recv_timeout(time), Err(RecvTimeoutError::Timeout));
    }

    /// Ends the input; returns the lines that were left, and how the run ended.
    fn end(mut self) -> (Vec<String>, Done) {
        drop(self.stdin.take());
        self.wait()
    }

    /// Waits until the run ends by itself.
    #[track_caller]
    fn wait(mut self) -> (Vec<String>, Done) {
        let stdin = self.stdin.take();
        let start = Instant::now();
        while self.child.try_wait().unwrap().is_none() {
            if start.elapsed() > LONG {
                let _ = self.child.kill();
                panic!("the run does not end");
            }
            thread::sleep(ms(2));
        }
        let done = Done::from(self.child.wait_with_output().unwrap());
        drop(stdin);
        let left = self.lines.into_iter().map(|(_, line)| line).collect();
        (left, done)
    }
}

fn ms(time: u64) -> Duration {
    Duration::from_millis(time)
}

/// Returns the summary of a run as JSON.
#[track_caller]
fn summary(folder: &Folder, args: &str) -> serde_json::Value {
    let done = folder.run(&format!("{args} --summary json --force"));
    assert_eq!(done.status, 0, "{}", done.stderr);
    serde_json::from_str(&done.stderr).unwrap()
}

fn lines(count: usize, bytes: usize) -> String {
    let pad = "x".repeat(bytes);
    (0..count).map(|n| format!("{{\"n\":{n},\"pad\":\"{pad}\"}}\n")).collect()
}

const ALL: [&str; 6] =
    ["fixed_size", "time_window", "memory_based", "adaptive_size", "low_latency", "mega_batch"];

#[test]
fn files_are_the_same_under_every_strategy() {
    let folder = Folder::new();
    let mut text = lines(500, 10);
    text +=
        "{\"n\":\"late\",\"items\":[{\"a\":1},{\"a\":2.5}],\"new\":true}\n{\"n\":1,\"items\":[]}\n";
    folder.write("in.jsonl", &text);
    for to in ["csv", "jsonl", "json", "parquet", "arrow"] {
        let run = |strategy: &str| {
            let flags = format!("convert in.jsonl --to {to} -o {strategy}/ --threads 2 -q");
            let flags = match strategy {
                "plain" => flags,
                _ => format!("{flags} --batch-strategy {strategy}"),
            };
            let done = folder.run(&flags);
            assert_eq!(done.status, 0, "{strategy} {}", done.stderr);
            let names = folder.names(strategy);
            let read = |name: &str| std::fs::read(folder.path().join(strategy).join(name)).unwrap();
            let files: Vec<_> =
                names.split(' ').map(|name| (name.to_owned(), read(name))).collect();
            std::fs::remove_dir_all(folder.path().join(strategy)).unwrap();
            files
        };
        let expected = run("plain");
        for strategy in ALL {
            // Parquet is written in parts where time says so
            if to == "parquet" && matches!(strategy, "time_window" | "low_latency") {
                continue;
            }
            assert_eq!(run(strategy), expected, "{to} {strategy}");
        }
    }
}

#[test]
fn what_found_no_column_is_kept_whatever_is_rejected_behind_it() {
    let folder = Folder::new();
    let good = ["{\"e\":1,\"f\":2}", "{\"a\":1,\"e\":3}", "{\"a\":\"x\",\"e\":4}"];
    let bad = "{\"a\":1,}";
    let text = [good[0], bad, good[1], bad, good[2], bad, good[1], bad, bad, good[2]].join("\n");
    folder.write("in.jsonl", text);
    let args = "convert in.jsonl --to csv --max-columns 2 -o out/ --rejects none -q --force";
    let run = |flags: &str| {
        let done = folder.run(&format!("{args} {flags}"));
        assert_eq!(done.status, 3, "{}", done.stderr);
        folder.read("out/in.csv")
    };
    let expected = run("");
    assert_eq!(expected.matches("\"\"/a\"\"").count(), 4, "{expected}");
    for size in 1..=6 {
        assert_eq!(run(&format!("--batch-size {size} --threads 1")), expected, "{size}");
    }
}

#[test]
fn low_latency_rows_come_with_their_records() {
    let folder = Folder::new();
    let args = "convert - --to jsonl --batch-strategy low_latency -q";
    let mut feed = Feed::start(&folder, args);
    let mut waits = Vec::new();
    for n in 0..21 {
        let sent = Instant::now();
        feed.send(&format!("{{\"n\":{n}}}\n"));
        let (came, line) = feed.line();
        assert_eq!(line, format!("{{\"_tm_id\":{},\"n\":{n}}}", n + 1));
        waits.push(came.saturating_duration_since(sent));
    }
    waits.sort();
    // the middle one: a busy machine delays some
    assert!(waits[10] < ms(50), "{waits:?}");
    assert_eq!(feed.end().1.status, 0);
}

#[test]
fn low_latency_keys_say_when_a_batch_is_full() {
    let folder = Folder::new();
    let args = "convert - --to jsonl -q --batch-strategy low_latency";
    // three make a batch, however long they take
    let flags = "--batch-max-size 3 --batch-wait 1h --batch-eager false";
    let mut feed = Feed::start(&folder, &format!("{args} {flags}"));
    feed.send("{}\n{}\n");
    feed.stays_silent(ms(400));
    feed.send("{}\n");
    (0..3).for_each(|_| drop(feed.line()));
    drop(feed.end());
    // one waits for others, but not for long
    let flags = "--batch-max-size 3 --batch-wait 500ms --batch-eager false";
    let mut feed = Feed::start(&folder, &format!("{args} {flags}"));
    let sent = Instant::now();
    feed.send("{}\n");
    assert!(feed.line().0 - sent >= ms(450));
    drop(feed.end());
    // nor where there is always more
    let flags = "--batch-max-size 1000000 --batch-wait 300ms";
    let mut feed = Feed::start(&folder, &format!("{args} {flags}"));
    let mut stdin = feed.stdin.take().unwrap();
    let record = format!("{{\"pad\":\"{}\"}}\n", "x".repeat(1000));
    let start = Instant::now();
    let flood = thread::spawn(move || {
        while start.elapsed() < ms(2000) && stdin.write_all(record.as_bytes()).is_ok() {}
    });
    assert!(feed.line().0 - start < ms(1800), "rows come while records do");
    let _ = feed.child.kill();
    flood.join().unwrap();
    let _ = feed.child.wait();
    // an eager one does not wait
    let mut feed = Feed::start(&folder, &format!("{args} --batch-max-size 3 --batch-wait 1h"));
    feed.send("{}\n");
    feed.line();
    drop(feed.end());
}

#[test]
fn fixed_size_batches_end_by_size_or_time() {
    let folder = Folder::new();
    let args = "convert - --to csv -q --batch-strategy fixed_size";
    let mut feed = Feed::start(&folder, &format!("{args} --batch-size 2 --batch-timeout 1h"));
    feed.send("{\"a\":1}\n");
    // longer than the default
    feed.stays_silent(ms(1500));
    feed.send("{\"a\":2}\n{\"a\":3}\n");
    let came: Vec<_> = (0..3).map(|_| feed.line().1).collect();
    assert_eq!(came, ["_tm_id,a", "1,1", "2,2"]);
    feed.stays_silent(ms(300));
    assert_eq!(feed.end().0, ["3,3"]);

    let mut feed = Feed::start(&folder, &format!("{args} --batch-timeout 600ms"));
    let sent = Instant::now();
    feed.send("{\"a\":1}\n");
    assert!(feed.line().0 - sent >= ms(550));
    assert_eq!(feed.line().1, "1,1");
    drop(feed.end());
}

#[test]
fn rows_of_a_window_come_together() {
    let folder = Folder::new();
    let args = "convert - --to jsonl -q --batch-strategy time_window --batch-window 2s";
    // windows begin with the run
    let start = Instant::now();
    let mut feed = Feed::start(&folder, args);
    for _ in 0..3 {
        feed.send("{}\n");
        thread::sleep(ms(150));
    }
    let came: Vec<_> = (0..3).map(|_| feed.line().0).collect();
    assert!(came[0] - start >= ms(2000), "before the edge of the window");
    assert!(came[2] - came[0] < ms(100), "not together");
    drop(feed.end());
}

#[test]
fn memory_batches_end_by_bytes_of_input() {
    let folder = Folder::new();
    let args = "convert - --to jsonl -q --batch-strategy memory_based --batch-memory 1KiB";
    let mut feed = Feed::start(&folder, args);
    // a hundred bytes each, line ends counted: ten are a batch, which the eleventh would break
    let record = |n: u64| format!("{{\"n\":{n},\"pad\":\"{}\"}}\n", "x".repeat(82));
    (0..10).for_each(|n| feed.send(&record(n)));
    feed.stays_silent(ms(300));
    feed.send(&record(10));
    (0..10).for_each(|_| drop(feed.line()));
    feed.stays_silent(ms(200));
    // one that is longer is a batch of its own, and ends the one before
    feed.send(&format!("{{\"pad\":\"{}\"}}\n", "y".repeat(3000)));
    (0..2).for_each(|_| drop(feed.line()));
    drop(feed.end());
}

#[test]
fn batches_are_counted_as_they_were_cut() {
    let folder = Folder::new();
    folder.write("in.jsonl", lines(1000, 82));
    let total = |flags: &str| {
        let flags = format!("convert in.jsonl --to jsonl -o out/ {flags}");
        summary(&folder, &flags)["total_batches"].as_u64().unwrap()
    };
    assert_eq!(total(""), 1);
    assert_eq!(total("--batch-size 300"), 4);
    assert_eq!(total("--batch-strategy memory_based --batch-memory 10KiB"), 10);
    assert_eq!(total("--batch-strategy low_latency --batch-max-size 100"), 10);
    assert_eq!(total("--batch-strategy time_window --batch-window 1h"), 1);
    // 10, 20, 40, 80, 160 and so on, each some times as the reader is ahead
    let patient = "--batch-strategy adaptive_size --target-latency 1h";
    assert!((8..60).contains(&total(patient)));
    assert_eq!(total(&format!("{patient} --batch-min-size 500")), 2);
    assert_eq!(total(&format!("{patient} --batch-max-size 10")), 100);
}

#[test]
fn adaptive_batches_have_the_size_that_the_latency_allows() {
    let folder = Folder::new();
    // ten of them take longer than a millisecond on any machine
    folder.write("in.jsonl", lines(100, 300_000));
    let total = |target: &str| {
        let flags = "convert in.jsonl --to jsonl -o out/ --batch-strategy adaptive_size";
        // so that the reader learns from each batch before it cuts the next but one
        let flags = format!("{flags} --prefetch 0 --threads 1 --target-latency {target}");
        summary(&folder, &flags)["total_batches"].as_u64().unwrap()
    };
    assert_eq!(total("1ms"), 10);
    // 10, 10, 20, 20, 40
    assert!(total("1h") < 8);
}

#[test]
fn mega_batches_use_threads_and_buffers_as_told() {
    let folder = Folder::new();
    folder.write("in.jsonl", lines(30_000, 500));
    let run = |flags: &str| {
        let args = "convert in.jsonl --to csv -o out/ --threads 2 --batch-strategy mega_batch";
        summary(&folder, &format!("{args} {flags}"))
    };
    let plain = run("");
    assert_eq!((&plain["total_batches"], &plain["threads"]), (&1.into(), &2.into()));
    assert_eq!(run("--batch-size 10000")["total_batches"], 3);
    assert_eq!(run("--batch-parallel false")["threads"], 1);
    let buffers = |summary: &serde_json::Value| summary["buffers_made"].as_u64().unwrap();
    let fresh = buffers(&run("--batch-reuse-buffer false"));
    assert!(fresh > buffers(&plain), "{fresh} {plain}");
    let done =
        folder.run("convert in.jsonl --to csv --batch-strategy mega_batch --batch-size 9999");
    done.fails_with(2, "error: `--batch-size 9999`: with `mega_batch` expected 10000 to 100000");
}

#[test]
fn threads_start_as_execution_says() {
    let folder = Folder::new();
    folder.write("small.jsonl", "{}\n");
    folder.write("large.jsonl", lines(10_000, 1000));
    let threads = |input: &str, flags: &str| {
        let args = format!("convert {input}.jsonl --to csv -o out/ {flags}");
        summary(&folder, &args)["threads"].as_u64().unwrap()
    };
    assert_eq!(threads("small", "--threads 3"), 1);
    assert_eq!(threads("large", "--threads 3"), 3);
    assert_eq!(threads("small", "--threads 3 --execution adaptive"), 1);
    assert_eq!(threads("small", "--threads 3 --execution parallel"), 3);
    assert_eq!(threads("large", "--execution sequential"), 1);
    let done = folder.run("convert small.jsonl --to csv --execution sequential --threads 2");
    done.fails_with(2, "error: `--execution sequential`: expected one thread, found `--threads 2`");
}

#[test]
fn chunks_are_read_ahead_as_far_as_told() {
    let folder = Folder::new();
    folder.write("in.jsonl", lines(20_000, 500));
    let ahead = |prefetch: usize| {
        let args = "convert in.jsonl --to parquet -o out/ --threads 1 --chunk-bytes 100KiB";
        let summary = summary(&folder, &format!("{args} --prefetch {prefetch}"));
        summary["chunks_in_flight_max"].as_u64().unwrap()
    };
    assert_eq!(ahead(0), 1);
    // the reader is faster than the one that decodes
    assert_eq!(ahead(2), 3);
    assert!((4..=7).contains(&ahead(6)));
}

#[test]
fn how_csv_is_written_is_told_at_once_only_where_somebody_waits() {
    let folder = Folder::new();
    // the first line alone says `,`, all of them say `;`
    let text = ["a,b;c\n", "1;2\n3;4\n5;6\n"];
    let mut feed = Feed::start(&folder, "convert - --to csv -q");
    feed.send(text[0]);
    thread::sleep(ms(300));
    feed.send(text[1]);
    let at_the_end = feed.end().0;
    assert_eq!(at_the_end[0], "\"a,b\",c");
    let args = "convert - --to csv --rejects none -q --batch-strategy low_latency";
    let mut feed = Feed::start(&folder, args);
    feed.send("a,b\n1,2\n");
    assert_eq!((feed.line().1, feed.line().1), ("a,b".to_owned(), "1,2".to_owned()));
    drop(feed.end());
}

#[test]
fn batches_are_as_large_as_said_where_nothing_is() {
    let folder = Folder::new();
    folder.write("in.jsonl", "{}\n".repeat(60_000));
    folder.write("large.jsonl", lines(20_000, 500));
    let run = |input: &str, flags: &str| {
        let args = format!("convert {input}.jsonl --to jsonl -o out/ {flags}");
        summary(&folder, &args)
    };
    let total = |flags: &str| run("in", flags)["total_batches"].as_u64().unwrap();
    assert_eq!(total("--limit 25000"), 3);
    assert_eq!(total("--limit 25000 --batch-strategy fixed_size"), 3);
    assert_eq!(total("--limit 100 --batch-strategy low_latency"), 100);
    assert_eq!(total("--batch-strategy mega_batch"), 2);
    let small = "--batch-strategy memory_based";
    let bytes = std::fs::metadata(folder.path().join("large.jsonl")).unwrap().len();
    assert_eq!(run("large", small)["total_batches"], bytes.div_ceil(1 << 20));
    let ahead = "--threads 1 --chunk-bytes 100KiB";
    assert_eq!(run("large", ahead)["chunks_in_flight_max"], 4);

    let args = "convert in.jsonl --to jsonl -o log/ --batch-strategy adaptive_size";
    let done = folder
        .run(&format!("{args} --target-latency 1h --prefetch 0 --threads 1 --log-format json"));
    assert_eq!(done.status, 0, "{}", done.stderr);
    let events = done.stderr.lines().map(|line| serde_json::from_str(line).unwrap());
    let sizes = events.filter_map(|event: serde_json::Value| event["records_max"].as_u64());
    let sizes: Vec<_> = sizes.collect();
    assert_eq!((sizes.iter().min(), sizes.iter().max()), (Some(&10), Some(&1000)));
}

#[test]
fn batches_wait_as_long_as_said_where_nothing_is() {
    let folder = Folder::new();
    let start = Instant::now();
    let begin = |strategy: &str| {
        let args = format!("convert - --to jsonl -q --batch-strategy {strategy}");
        let mut feed = Feed::start(&folder, &args);
        feed.send("{}\n");
        feed
    };
    let [fixed, window] = ["fixed_size", "time_window"].map(begin);
    for feed in [fixed, window] {
        let wait = feed.line().0 - start;
        assert!((ms(1000)..ms(6000)).contains(&wait), "{wait:?}");
        drop(feed.end());
    }
    let start = Instant::now();
    let feed = begin("adaptive_size");
    let wait = feed.line().0 - start;
    assert!((ms(100)..ms(5000)).contains(&wait), "{wait:?}");
    drop(feed.end());

    let mut feed = begin("low_latency --batch-max-size 1000 --batch-eager false");
    feed.line();
    let waits = (0..5).map(|_| {
        let sent = Instant::now();
        feed.send("{}\n");
        feed.line().0.saturating_duration_since(sent)
    });
    // the best: a busy machine delays some
    assert!(waits.min() < Some(ms(500)));
    drop(feed.end());
}

#[test]
fn keys_of_another_strategy_are_refused() {
    let folder = Folder::with_orders();
    for (flags, start) in [
        ("--batch-window 1s", "`--batch-window`: expected `--batch-strategy` `time_window`"),
        ("--batch-strategy low_latency --batch-size 5", "`--batch-size`: expected `--batch-"),
        ("--batch-eager true", "`--batch-eager`: expected `--batch-strategy` `low_latency`"),
        ("--batch-timeout 5", "`--batch-timeout`: expected a time with its unit"),
        ("--batch-window 0s --batch-strategy time_window", "`--batch-window`: expected a time of"),
        (
            "--batch-strategy adaptive_size --batch-min-size 20 --batch-max-size 10",
            "`--batch-min-size 20`: expected at most `--batch-max-size 10`",
        ),
        ("--max-file-rows 5", "`--max-file-rows`: expected `--to parquet`"),
        ("--live on", "`--live on`: expected lines on standard output, found files"),
    ] {
        let done = folder.run(&format!("convert orders.jsonl --to csv {flags}"));
        done.fails_with(2, &format!("error: {start}"));
    }
    let done = folder.run("convert orders.jsonl --to parquet --batch-strategy low_latency");
    done.fails_with(2, "error: `low_latency`: expected lines or part files, found one file");
    assert_eq!(folder.names("."), "orders.jsonl");
}

#[test]
fn rows_wait_for_the_end_unless_a_strategy_was_chosen() {
    let folder = Folder::new();
    let text = "{\"a\":1}\n{\"a\":\"x\"}\n";
    let whole = "{\"_tm_id\":1,\"a\":\"1\"}\n{\"_tm_id\":2,\"a\":\"x\"}\n";
    let live = "{\"_tm_id\":1,\"a\":1}\n{\"_tm_id\":2,\"a\":\"x\"}\n";
    let args = "convert - --to jsonl -q";
    assert_eq!(folder.pipe(text, args).stdout(), whole);
    for strategy in ALL {
        let args = format!("{args} --batch-strategy {strategy}");
        assert_eq!(folder.pipe(text, &args).stdout(), live, "{strategy}");
        assert_eq!(folder.pipe(text, &format!("{args} --live off")).stdout(), whole);
    }
    assert_eq!(folder.pipe(text, &format!("{args} --live on")).stdout(), live);
    // batches that go whole are no wish to see them early
    let args = "convert - --to jsonl -q --on-error fail-batch --batch-size 1";
    assert_eq!(folder.pipe(text, args).stdout(), whole);
    // what lies in a file has an end
    folder.write("in.jsonl", text);
    let args = "convert in.jsonl --to jsonl -o - -q --batch-strategy low_latency";
    assert_eq!(folder.run(args).stdout(), whole);
    assert_eq!(folder.run(&format!("{args} --live on")).stdout(), live);
}

#[test]
fn live_rows_do_not_depend_on_batches() {
    let folder = Folder::new();
    let mut text = String::new();
    for n in 0..40 {
        let value = match n {
            0..10 => format!("{n}"),
            10..20 => format!("{n}.5"),
            20..30 => format!("[{n}]"),
            _ => format!("\"s{n}\""),
        };
        text += &format!("{{\"v\":{value},\"items\":[{{\"k{}\":1}}]}}\n", n / 7);
    }
    for flags in ["", "--framing tagged"] {
        let run = |strategy: &str| {
            let args = format!("convert - --to jsonl -q {flags} --batch-strategy {strategy}");
            folder.pipe(&text, &args).stdout()
        };
        let expected = run("low_latency");
        assert!(expected.lines().count() >= 40);
        for strategy in ["fixed_size --batch-size 7", "mega_batch", "memory_based"] {
            assert_eq!(run(strategy), expected, "{flags} {strategy}");
        }
    }
}

#[test]
fn live_rows_of_long_records_do_not_depend_on_batches() {
    let folder = Folder::new();
    let text = "{\"a\":0.5}\n{\"a\":\"x\",\"b\":1}\n{\"a\":1.5}\n";
    let args = "convert - --to jsonl --nulls keep --live on -q --chunk-bytes 1B";
    let expected = concat!(
        "{\"_tm_id\":1,\"a\":0.5}\n",
        "{\"_tm_id\":2,\"a\":\"x\",\"b\":1}\n",
        "{\"_tm_id\":3,\"a\":\"1.5\",\"b\":null}\n",
    );
    for strategy in ["low_latency", "fixed_size", "mega_batch"] {
        let args = format!("{args} --batch-strategy {strategy}");
        assert_eq!(folder.pipe(text, &args).stdout(), expected, "{strategy}");
    }
}

#[test]
fn live_rows_come_from_any_json_without_a_line_end() {
    let folder = Folder::new();
    for (parts, flags) in [
        (["[{\"a\":1},", "{\"a\":2},", "{\"a\":3}]"], ""),
        (["{\"a\":1} ", "{\"a\":2} ", "{\"a\":3} "], ""),
        (["{\"r\":[{\"a\":1},", "{\"a\":2},", "{\"a\":3}]}"], "--records /r"),
    ] {
        let args = format!("convert - --to jsonl -q --batch-strategy low_latency {flags}");
        let mut feed = Feed::start(&folder, &args);
        for (place, part) in parts.iter().enumerate() {
            feed.send(part);
            let number = place + 1;
            assert_eq!(feed.line().1, format!("{{\"_tm_id\":{number},\"a\":{number}}}"));
        }
        assert_eq!(feed.end().1.status, 0);
    }
}

#[test]
fn names_and_types_that_change_on_the_way_are_told() {
    let folder = Folder::new();
    let text = "{\"a\":1}\n{\"a\":\"x\"}\n";
    let done = folder.pipe(text, "convert - --to jsonl --batch-strategy low_latency");
    let said = "warning: `/a`: while rows went out, `a` of `records`: int64 became text (1 time)";
    assert!(done.stderr.starts_with(said), "{}", done.stderr);
    assert_eq!(done.status, 0);
}

#[test]
fn records_that_a_sent_header_has_no_column_for_are_rejected() {
    let folder = Folder::new();
    let text = "{\"a\":1}\n{\"a\":2,\"b\":3}\n{\"a\":4}\n";
    let done = folder.pipe(text, "convert - --to csv --batch-strategy low_latency");
    assert_eq!(String::from_utf8(done.stdout).unwrap(), "_tm_id,a\n1,1\n3,4\n");
    assert_eq!(done.status, 3, "{}", done.stderr);
    let rejects = folder.read("records.rejects.jsonl");
    assert!(rejects.contains("schema.violation"), "{rejects}");
    assert!(rejects.contains("expected a column of the header, which was sent before"));
    assert!(rejects.contains("\"path\":\"/b\""), "{rejects}");
    // the first batch has the header: here it holds both
    let folder = Folder::new();
    let args = "convert - --to csv -q --batch-strategy fixed_size";
    assert_eq!(folder.pipe(text, args).stdout(), "_tm_id,a,b\n1,1,\n2,2,3\n3,4,\n");
}

#[test]
fn a_live_run_that_fails_says_what_is_out() {
    let folder = Folder::new();
    let args = "convert - --to jsonl --batch-strategy low_latency --on-error fail";
    let mut feed = Feed::start(&folder, args);
    feed.send("{\"a\":1}\n");
    assert_eq!(feed.line().1, "{\"_tm_id\":1,\"a\":1}");
    feed.send("{\"a\":\n");
    let (left, done) = feed.wait();
    assert!(left.is_empty());
    assert_eq!(done.status, 1);
    assert!(done.stderr.contains("rows of earlier batches had been sent"), "{}", done.stderr);
    assert!(!done.stderr.contains("nothing was written"), "{}", done.stderr);
}

#[cfg(unix)]
#[test]
fn rejects_of_a_live_run_outlive_its_end() {
    let folder = Folder::new();
    let args = "convert - --to jsonl --batch-strategy low_latency";
    let mut feed = Feed::start(&folder, args);
    feed.send("{\"a\":1}\n{oops\n{\"a\":2}\n");
    (0..2).for_each(|_| drop(feed.line()));
    let id = feed.child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    let (_, done) = feed.wait();
    assert_eq!(done.status, 143, "{}", done.stderr);
    assert!(done.stderr.contains("rows of earlier batches had been sent"), "{}", done.stderr);
    assert!(folder.read("records.rejects.jsonl").contains("\"raw\":\"{oops\""));
}

/// Returns the rows of a file of Parquet.
fn rows(folder: &Folder, name: &str) -> i64 {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    let file = std::fs::File::open(folder.path().join(name)).unwrap();
    SerializedFileReader::new(file).unwrap().metadata().file_metadata().num_rows()
}

#[test]
fn each_window_with_records_closes_a_part_file() {
    let folder = Folder::new();
    let args = "convert - --to parquet -o out/ --batch-strategy time_window --batch-window 400ms";
    let mut feed = Feed::start(&folder, args);
    let orders = "{\"a\":1,\"items\":[{\"b\":1},{\"b\":2}]}\n";
    let part = |table: &str, number: usize| format!("out/{table}/part-{number:05}.parquet");
    for number in 0..2 {
        feed.send(orders);
        let start = Instant::now();
        while !folder.path().join(part("records", number)).exists() {
            assert!(start.elapsed() < LONG, "no part file");
            thread::sleep(ms(5));
        }
        // a reader that finds rows of the main table finds those of the others, too
        assert_eq!(rows(&folder, &part("records", number)), 1);
        assert_eq!(rows(&folder, &part("records_items", number)), 2);
    }
    let (_, done) = feed.end();
    assert_eq!(done.status, 0, "{}", done.stderr);
    assert_eq!(folder.names("out"), "records records_items");
    assert_eq!(folder.names("out/records"), "part-00000.parquet part-00001.parquet");
    assert!(done.stderr.contains("\nrecords              2        2  "), "{}", done.stderr);
}

#[test]
fn part_files_hold_as_many_rows_as_told() {
    let folder = Folder::new();
    folder.write("in.jsonl", lines(10, 5));
    let args = "convert in.jsonl --to parquet -o out/ --batch-strategy low_latency";
    let done = folder.run(&format!("{args} --max-file-rows 4"));
    assert_eq!(done.status, 0, "{}", done.stderr);
    let part = |number: usize| rows(&folder, &format!("out/in/part-{number:05}.parquet"));
    assert_eq!([part(0), part(1), part(2)], [4, 4, 2]);
    // none is replaced unless asked, and then none of the old ones stays
    let args = args.replace("low_latency", "time_window");
    let done = folder.run(&args);
    done.fails_with(2, "error: out/in: expected no part files, found 3");
    assert_eq!(folder.run(&format!("{args} --force")).status, 0);
    assert_eq!(folder.names("out/in"), "part-00000.parquet");
    assert_eq!(part(0), 10);
}

#[test]
fn a_table_without_rows_has_one_part_and_no_old_ones() {
    let folder = Folder::new();
    let args = "convert - --from jsonl --to parquet -o out/ --batch-strategy time_window";
    assert_eq!(folder.pipe("{\"a\":1}\n{\"a\":2}\n", args).status, 0);
    assert_eq!(rows(&folder, "out/records/part-00000.parquet"), 2);
    assert_eq!(folder.pipe("", &format!("{args} --force")).status, 0);
    assert_eq!(rows(&folder, "out/records/part-00000.parquet"), 0);
    folder.write("records", "a file");
    let done = folder.pipe("", &args.replace("out/", "./"));
    done.fails_with(2, "error: ./records: expected a directory, found a file");
}

#[test]
fn a_window_has_as_many_part_files_as_its_rows_need() {
    let folder = Folder::new();
    folder.write("in.jsonl", lines(10, 5));
    let args = "convert in.jsonl --to parquet -o out/ --batch-strategy time_window";
    let done = folder.run(&format!("{args} --batch-window 1h --max-file-rows 4"));
    assert_eq!(done.status, 0, "{}", done.stderr);
    let names = folder.names("out/in");
    let counts: Vec<_> =
        names.split(' ').map(|name| rows(&folder, &format!("out/in/{name}"))).collect();
    assert_eq!(counts, [4, 4, 2]);
}

#[test]
fn part_files_need_a_directory() {
    let folder = Folder::with_orders();
    for (output, found) in [("-", "standard output"), ("a.parquet", "a file")] {
        let args = format!("convert orders.jsonl --to parquet -o {output} --arrays inline");
        let done = folder.run(&format!("{args} --batch-strategy time_window"));
        let said = "error: `time_window`: part files of Parquet: expected a directory, found";
        done.fails_with(2, &format!("{said} {found}"));
    }
    assert_eq!(folder.names("."), "orders.jsonl");
}

#[test]
fn a_run_that_takes_too_long_ends() {
    let folder = Folder::new();
    let mut feed = Feed::start(&folder, "convert - --to csv -o out/ --timeout 400ms");
    feed.send("{\"a\":1}\n{\"a\":2}\n{\"a\"");
    let start = Instant::now();
    let (_, done) = feed.wait();
    assert!(start.elapsed() < LONG);
    done.fails_with(1, "error: the time of the run is up (`--timeout`), nothing was written");
    assert_eq!(folder.names("."), "");

    let args = "convert - --to csv -o out/ --timeout 400ms --on-timeout publish";
    let mut feed = Feed::start(&folder, args);
    feed.send("{\"a\":1}\n{\"a\":2}\n{\"a\"");
    let (_, done) = feed.wait();
    assert_eq!(done.status, 3, "{}", done.stderr);
    assert!(done.stderr.starts_with("warning: the time was up (`--timeout`)"), "{}", done.stderr);
    assert_eq!(folder.read("out/records.csv"), "_tm_id,a\n1,1\n2,2\n");
}

#[test]
fn a_silent_pipe_ends_the_run() {
    let folder = Folder::new();
    let mut feed = Feed::start(&folder, "convert - --to csv -o out/ --idle-timeout 500ms");
    for _ in 0..4 {
        // never silent for long
        feed.send("{\"a\":1}\n");
        thread::sleep(ms(200));
    }
    let (_, done) = feed.wait();
    done.fails_with(1, "error: nothing came for 500ms (`--idle-timeout`), nothing was written");
    assert_eq!(folder.names("."), "");

    let args = "convert - --to csv -o out/ --idle-timeout 300ms --on-timeout publish";
    let mut feed = Feed::start(&folder, args);
    feed.send("{\"a\":1}\n");
    let (_, done) = feed.wait();
    assert_eq!(done.status, 3, "{}", done.stderr);
    assert_eq!(folder.read("out/records.csv"), "_tm_id,a\n1,1\n");
    // also before its format was told
    for (text, flags, expected) in [
        ("a,b\n1,2\n3,4\n5", "--from csv --header", "a,b\n1,2\n3,4\n"),
        ("[{\"a\":1},\n{\"a\":2},\n{\"a\":", "", "_tm_id,a\n1,1\n2,2\n"),
    ] {
        for time in ["--timeout 400ms", "--idle-timeout 300ms"] {
            let args = format!("convert - --to csv -o told/ --force {flags} {time}");
            let mut feed = Feed::start(&folder, &format!("{args} --on-timeout publish"));
            feed.send(text);
            let (_, done) = feed.wait();
            assert_eq!(done.status, 3, "{}", done.stderr);
            assert_eq!(folder.read("told/records.csv"), expected, "{}", done.stderr);
        }
    }
    // one that never says a word
    let done = Feed::start(&folder, "convert - --to csv -o no/ --idle-timeout 200ms").wait().1;
    done.fails_with(1, "error: nothing came for 200ms (`--idle-timeout`)");
    let args = "convert - --to csv -o none/ --idle-timeout 200ms --on-timeout publish";
    assert_eq!(Feed::start(&folder, args).wait().1.status, 3);
}

#[cfg(unix)]
#[test]
fn a_pipe_that_nobody_opens_ends_the_run_with_its_time() {
    let folder = Folder::new();
    folder.write("a.jsonl", "{\"a\":1}\n");
    let fifo = folder.path().join("fifo");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let silent = "convert a.jsonl fifo --to csv -o out/ --idle-timeout 300ms";
    folder.run(silent).fails_with(1, "error: nothing came for 300ms");
    let args = "convert a.jsonl fifo --to csv -o out/ --timeout 300ms";
    let done = Feed::start(&folder, args).wait().1;
    done.fails_with(1, "error: the time of the run is up");
    let done = Feed::start(&folder, &format!("{args} --on-timeout publish")).wait().1;
    assert_eq!(done.status, 3, "{}", done.stderr);
    assert_eq!(folder.read("out/a.csv"), "_tm_id,a\n1,1\n");
}

/// A folder with three inputs, of which the second is cut off.
fn with_broken_input() -> Folder {
    let folder = Folder::new();
    folder.write("a.jsonl", "{\"a\":1}\n");
    folder.write("b.jsonl.gz", b"\x1f\x8b\x08\0\0\0\0\0\0\x03oops");
    folder.write("c.jsonl", "{\"a\":3}\n");
    folder
}

const THREE: &str = "convert a.jsonl b.jsonl.gz c.jsonl --to csv -o out/ --summary json";

fn statuses(done: &Done) -> Vec<String> {
    let summary: serde_json::Value =
        serde_json::from_str(done.stderr.lines().next().unwrap()).unwrap();
    let inputs = summary["inputs"].as_array().unwrap();
    let mut statuses: Vec<_> =
        inputs.iter().map(|input| input["status"].as_str().unwrap().to_owned()).collect();
    statuses.push(summary["status"].as_str().unwrap().to_owned());
    statuses
}

#[test]
fn the_first_input_that_fails_ends_the_run_unless_told() {
    let folder = with_broken_input();
    for flags in ["", "--fail-fast", "--fail-fast=true"] {
        let done = folder.run(&format!("{THREE} {flags}"));
        assert_eq!(statuses(&done), ["passed", "error", "skipped", "error"]);
        assert_eq!(done.status, 5);
    }
    let done = folder.run(&format!("{THREE} --fail-fast=false"));
    assert_eq!(statuses(&done), ["passed", "error", "passed", "error"]);
    assert_eq!(done.status, 5, "{}", done.stderr);
    assert!(!folder.path().join("out").exists());
    let done = folder.run("convert a.jsonl --to csv --on-error fail --fail-fast=false");
    done.fails_with(2, "error: `--fail-fast=false` and `--on-error fail` exclude each other");
}

#[test]
fn the_status_of_a_run_follows_from_its_inputs_as_told() {
    for (policy, status, word) in [
        ("worst", 5, "error"),
        ("best", 0, "passed"),
        ("majority", 0, "passed"),
        ("merge", 3, "warning"),
        ("first-failure", 5, "error"),
        ("all", 5, "error"),
    ] {
        let folder = with_broken_input();
        let done = folder.run(&format!("{THREE} --fail-fast=false --status-policy {policy}"));
        assert_eq!(statuses(&done), ["passed", "error", "passed", word], "{policy}");
        assert_eq!(done.status, status, "{policy} {}", done.stderr);
        let is_published = folder.path().join("out/a.csv").exists();
        assert_eq!(is_published, word != "error", "{policy}");
        if is_published {
            assert_eq!(folder.read("out/a.csv"), "_tm_id,a\n1,1\n2,3\n");
        }
    }
}

#[test]
fn failure_strategies_have_second_names() {
    let text = "{\"a\":1}\n{oops\n{\"a\":2}\n";
    for (name, rejects, rows) in [
        ("LogAndContinue", None, "1,1\n3,2\n"),
        ("SendToDLQ", Some(1), "1,1\n3,2\n"),
        ("FailBatch", Some(3), ""),
        ("RetryWithBackoff", Some(1), "1,1\n3,2\n"),
    ] {
        let folder = Folder::new();
        folder.write("in.jsonl", text);
        let done = folder.run(&format!("convert in.jsonl --to csv --on-error {name}"));
        assert_eq!(done.status, 3, "{name} {}", done.stderr);
        let header = if rows.is_empty() { "_tm_id\n" } else { "_tm_id,a\n" };
        assert_eq!(folder.read("in.csv"), format!("{header}{rows}"), "{name}");
        let file = folder.path().join("in.rejects.jsonl");
        let count = std::fs::read_to_string(file).ok().map(|text| text.lines().count());
        assert_eq!(count, rejects, "{name}");
        let same =
            folder.run(&format!("convert in.jsonl --to csv --failure-strategy {name} --force"));
        assert_eq!(same.status, 3);
    }
    let folder = Folder::with_orders();
    let done =
        folder.run("convert orders.jsonl --to csv --on-error LogAndContinue --rejects r.jsonl");
    done.fails_with(2, "error: `--on-error LogAndContinue` and `--rejects` exclude each other");
}

#[test]
fn reads_are_tried_again_apart_from_writes() {
    let folder = Folder::with_orders();
    let refused = |flags: &str, start: &str| {
        folder.run(&format!("convert orders.jsonl --to csv {flags}")).fails_with(2, start);
    };
    refused("--source-retry-backoff 1s", "error: `--source-retry-backoff`: expected `--on-error");
    let none = "--on-error retry --max-retries 0";
    refused(none, "error: `--on-error retry`: expected retries, found `--max-retries 0`");
    let done =
        folder.run(&format!("convert orders.jsonl --to csv {none} --source-max-retries 2 -q"));
    assert_eq!(done.status, 0, "{}", done.stderr);
}
