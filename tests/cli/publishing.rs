//! All outputs or none: whatever kills a run, wherever it dies, and however full the disk is.
//!
//! `TRANSMOG_SOAK=N` sets how many runs are killed; 40 by default.
#![cfg(unix)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::{Done, Folder};

const FORMATS: [&str; 6] = ["parquet", "csv", "tsv", "jsonl", "json", "arrow"];

/// Arrays in a record, each a table of its own.
const ARRAYS: usize = 8;

/// What lies in a directory, by name.
type Files = BTreeMap<String, Vec<u8>>;

fn files(folder: &Path) -> Files {
    let Ok(entries) = fs::read_dir(folder) else { return Files::new() };
    let entries = entries.map(Result::unwrap).filter(|entry| entry.path().is_file());
    let read = |entry: fs::DirEntry| {
        (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())
    };
    entries.map(read).collect()
}

/// Records with a row in each of many tables, and values that do not compress.
fn records(seed: u64, count: usize) -> String {
    let mut state = seed;
    let mut text = String::new();
    for _ in 0..count {
        text.push('{');
        for array in 0..ARRAYS {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let comma = if array == 0 { "" } else { "," };
            write!(text, r#"{comma}"a{array}":[{{"v":"{state:x}"}}]"#).unwrap();
        }
        text.push_str("}\n");
    }
    text
}

/// Runs that are killed: into which format, over old outputs or into a new directory.
struct Case {
    folder: Folder,
    format: &'static str,
    replaces: bool,
    old: Files,
    new: Files,
    duration: Duration,
    /// How many runs left the old outputs, the new ones, and some of both for the next run.
    seen: [usize; 3],
}

impl Case {
    fn new(format: &'static str, replaces: bool) -> Case {
        let folder = Folder::new();
        folder.write("old.jsonl", records(1, 50));
        folder.write("new.jsonl", records(2, 50));
        folder.write("next.jsonl", "{\"a\":1}\n");
        let run = |input: &str, out: &str| {
            folder
                .run(&format!("convert {input}.jsonl --to {format} -o {out} --name t -q"))
                .stdout();
            files(&folder.path().join(out))
        };
        let start = Instant::now();
        let new = run("new", "reference");
        let duration = start.elapsed();
        let old = if replaces { run("old", "old") } else { Files::new() };
        assert_eq!(new.len(), ARRAYS + 1);
        Case { folder, format, replaces, old, new, duration, seen: [0; 3] }
    }

    /// Starts a run and kills it after a part of its usual time; then looks what is there, before
    /// and after the next run.
    fn kill(&mut self, signal: &str, part: f64) {
        let out = self.folder.path().join("out");
        let _ = fs::remove_dir_all(&out);
        if self.replaces {
            fs::create_dir(&out).unwrap();
            for (name, content) in &self.old {
                fs::write(out.join(name), content).unwrap();
            }
        }
        let format = self.format;
        let flags = format!("convert new.jsonl --to {format} -o out --name t -q --force");
        let mut command = Command::new("env");
        command.args(["--default-signal=TERM", env!("CARGO_BIN_EXE_transmog")]);
        command.args(flags.split(' ')).current_dir(self.folder.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        thread::sleep(self.duration.mul_f64(part));
        let id = child.id().to_string();
        Command::new("kill").args([signal, &id]).stderr(Stdio::null()).status().unwrap();
        let status = child.wait().unwrap();
        let found = files(&out);
        let is_whole = found == self.old || found == self.new;
        if status.success() {
            assert!(found == self.new, "exit 0 and not all new");
        }
        // a new directory appears at once, and what can be told apart from a crash cleans up
        assert!(is_whole || (self.replaces && signal == "-KILL"), "{:?}", found.keys());
        let next = format!("convert next.jsonl --to {format} -o out --name next -q --force");
        self.folder.run(&next).stdout();
        fs::remove_file(out.join(format!("next.{format}"))).unwrap();
        let settled = files(&out);
        assert!(settled == self.old || settled == self.new, "{:?}", settled.keys());
        let left = fs::read_dir(&out).unwrap().count() - settled.len();
        assert_eq!(left, 0, "{}", self.folder.names("out"));
        assert!(!self.folder.names(".").contains(".transmog-") || !self.replaces);
        self.seen[if !is_whole { 2 } else { usize::from(found == self.new) }] += 1;
    }
}

#[test]
fn a_run_that_is_killed_leaves_old_outputs_or_new_ones() {
    let kills =
        std::env::var("TRANSMOG_SOAK").ok().and_then(|text| text.parse().ok()).unwrap_or(40);
    let mut cases: Vec<_> = [("parquet", true), ("csv", true), ("parquet", false), ("csv", false)]
        .map(|(format, replaces)| Case::new(format, replaces))
        .into();
    for number in 0..kills {
        let case = &mut cases[number % 4];
        // spread evenly, and never at the same moments
        let part = (number as f64 * 0.618_034).fract() * 1.3;
        case.kill(if number / 4 % 2 == 0 { "-KILL" } else { "-TERM" }, part);
    }
    for Case { format, replaces, seen: [old, new, both], .. } in &cases {
        println!(
            "{format}, --force over old outputs: {replaces}: {old} old, {new} new, {both} both"
        );
    }
}

#[test]
fn a_full_disk_leaves_old_outputs() {
    let folder = Folder::new();
    folder.write("in.jsonl", records(3, 2000));
    for format in FORMATS {
        for blocks in [0, 1, 4, 12] {
            let old = format!("out/t.{format}");
            let _ = fs::remove_dir_all(folder.path().join("out"));
            fs::create_dir(folder.path().join("out")).unwrap();
            folder.write(&old, "old");
            let mut command = Command::new("sh");
            let run = format!(
                "ulimit -f {blocks}; exec {} convert in.jsonl --to {format} -o out --name t --force",
                env!("CARGO_BIN_EXE_transmog")
            );
            command.args(["-c", &run]).current_dir(folder.path());
            let done = super::finish(command);
            assert!(done.stderr.contains("writing failed: "), "{}", done.stderr);
            done.fails_with(1, "error: ");
            assert_eq!(folder.names("out"), format!("t.{format}"));
            assert_eq!(folder.read(&old), "old");
        }
    }
}

#[test]
fn leftovers_of_a_dead_run_are_removed_and_named() {
    let folder = Folder::with_orders();
    fs::create_dir_all(folder.path().join("out/.transmog-abcdefghijkl.tmp")).unwrap();
    folder.write("out/.transmog-abcdefghijkl.tmp/.transmog-0000.tmp", "half");
    let done: Done = folder.run("convert orders.jsonl --to csv -o out");
    assert_eq!(done.status, 0, "{}", done.stderr);
    assert!(done.stderr.contains("note: "), "{}", done.stderr);
    assert!(done.stderr.contains("out: unfinished files of an interrupted run were removed\n"));
    assert!(!folder.names("out").contains("transmog"));
}

#[test]
fn runs_at_once_with_force_publish_whole_sets() {
    let folder = Folder::new();
    let mut sets = Vec::new();
    for run in 1..=3 {
        folder.write(&format!("{run}.jsonl"), records(run, 20));
        folder.run(&format!("convert {run}.jsonl --to csv -o set{run} --name t -q")).stdout();
        sets.push(files(&folder.path().join(format!("set{run}"))));
    }
    for _ in 0..5 {
        let runs = [1, 2, 3].map(|run| {
            let flags = format!("convert {run}.jsonl --to csv -o out --name t -q --force");
            folder.command(&flags).spawn().unwrap()
        });
        for run in runs {
            assert_eq!(Done::from(run.wait_with_output().unwrap()).stdout(), "");
        }
        assert!(sets.contains(&files(&folder.path().join("out"))), "a mixture");
    }
}
