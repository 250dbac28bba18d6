//! Cases of tests/torture/cases.tsv that no other test holds, and that the table is whole.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use super::Folder;

/// The cases of the list in each section that the table is about.
const SECTIONS: [(char, usize); 10] = [
    ('A', 16),
    ('B', 24),
    ('C', 16),
    ('D', 14),
    ('E', 26),
    ('F', 24),
    ('G', 18),
    ('H', 10),
    ('K', 14),
    ('L', 10),
];

#[test]
fn every_case_has_a_test_or_a_reason() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let table = include_str!("../torture/cases.tsv");
    let rows: Vec<Vec<&str>> = table
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split('\t').collect())
        .collect();
    let found: Vec<&str> = rows.iter().map(|row| row[0]).collect();
    let ids = |&(section, count): &(char, usize)| {
        (1..=count).map(move |number| format!("{section}{number:02}"))
    };
    let expected: Vec<String> = SECTIONS.iter().flat_map(ids).collect();
    assert_eq!(found, expected, "each id once, in order");
    for row in &rows {
        let [id, case, places, outcome, note] = row[..] else { panic!("{row:?}: five columns") };
        assert!(!case.is_empty() && !outcome.is_empty(), "{id}");
        assert!(!places.is_empty() || !note.is_empty(), "{id}: neither a test nor a reason");
        for place in places.split("; ").filter(|place| !place.is_empty()) {
            let (file, name) = place.split_once(": ").unwrap_or((place, ""));
            let path = root.join(file);
            assert!(path.exists(), "{id}: no `{file}`");
            if name.is_empty() {
                // the whole of it
            } else if file.ends_with(".rs") {
                let text = fs::read_to_string(path).unwrap();
                assert!(text.contains(&format!("fn {name}(")), "{id}: no `{name}` in {file}");
            } else if file.ends_with(".py") {
                // the script registers its cases by their ids
                let text = fs::read_to_string(path).unwrap();
                let is_there = |line: &str| {
                    let ids = line.strip_prefix("@case(\"").and_then(|rest| rest.split('"').next());
                    ids.is_some_and(|ids| ids.split(' ').any(|one| one == name))
                };
                assert!(text.lines().any(is_there), "{id}: no case `{name}` in {file}");
            }
        }
    }
    let once: BTreeSet<_> = found.iter().collect();
    assert_eq!(once.len(), found.len());
}

/// Converts JSONL from a pipe to `out/t.csv` and `out/t.rejects.jsonl`.
fn csv_of(input: impl AsRef<[u8]>, flags: &str) -> (i32, String, Vec<String>) {
    let folder = Folder::new();
    let done = folder.pipe(input, &format!("convert --to csv -o out --name t {flags}"));
    let rejects = fs::read_to_string(folder.path().join("out/t.rejects.jsonl"));
    let code = |line: &str| {
        let reject: serde_json::Value = serde_json::from_str(line).unwrap();
        format!("{}:{} {}", reject["line"], reject["byte"], reject["code"].as_str().unwrap())
    };
    let codes = rejects.unwrap_or_default().lines().map(code).collect();
    let rows = fs::read_to_string(folder.path().join("out/t.csv")).unwrap_or(done.stderr);
    (done.status, rows, codes)
}

#[track_caller]
fn check(input: impl AsRef<[u8]>, flags: &str, rows: &str, rejects: &[&str]) {
    let (status, found, codes) = csv_of(input.as_ref(), flags);
    let shown = String::from_utf8_lossy(input.as_ref()).into_owned();
    assert_eq!(
        (found.as_str(), codes),
        (rows, rejects.iter().map(|one| one.to_string()).collect()),
        "{shown:?}"
    );
    assert_eq!(status, if rejects.is_empty() { 0 } else { 3 }, "{shown:?}");
}

#[test]
fn levels_of_a_table_each_do_not_overflow_a_stack() {
    for (open, close, levels) in [("{\"x\":", "}", 1000), ("[", "]", 1000), ("{\"x\":[", "]}", 500)]
    {
        let folder = Folder::new();
        let record = format!("{{\"a\":{}1{}}}\n", open.repeat(levels), close.repeat(levels));
        let flags = "--max-depth 1024 --max-tables 4096 --arrays separate";
        let done = folder.pipe(record, &format!("convert --to jsonl -o out --name t -q {flags}"));
        assert_eq!((done.status, done.stderr.as_str()), (0, ""), "{open}");
        assert!(folder.path().join("out/t.jsonl").exists());
    }
}

#[test]
fn numbers_of_a_million_digits_keep_them() {
    for count in [10_000, 1_000_000] {
        let whole = "7".repeat(count);
        let fraction = format!("0.{}", "3".repeat(count));
        let rows = format!("_tm_id,a\n1,{whole}\n");
        check(format!("{{\"a\":{whole}}}\n"), "", &rows, &[]);
        let rows = format!("_tm_id,a\n1,{fraction}\n");
        check(format!("{{\"a\":{fraction}}}\n"), "--numbers text", &rows, &[]);
        // as doubles they are counted
        let (status, ..) = csv_of(format!("{{\"a\":{fraction}}}\n"), "");
        assert_eq!(status, 0);
    }
}

#[test]
fn marks_of_joined_files_are_no_part_of_records() {
    let mark = "\u{feff}";
    check(format!("{mark}{{\"a\":1}}\n{mark}{{\"a\":2}}\n"), "", "_tm_id,a\n1,1\n2,2\n", &[]);
    check(format!("{mark}\"id\",\"a\"\n1,2\n"), "", "id,a\n1,2\n", &[]);
    // in a cell it may be meant
    check(format!("{mark}a,b\n{mark}c,d\n"), "--header", &format!("a,b\n\"{mark}c\",d\n"), &[]);
}

#[test]
fn control_characters_are_faults_and_not_line_ends() {
    let rejects = ["2:8 json.syntax", "3:19 json.syntax", "4:30 json.syntax"];
    let input = "{\"a\":1}\n{\"p\\0q\":2}\n{\"a\":\"x\u{1}\"}\n\0\0\0\0\0\0";
    check(input, "", "_tm_id,a\n1,1\n", &rejects);
    let input = "{\"a\":\"x\u{2028}y\u{85}z\"}\n{\"a\":1}\u{c}{\"a\":2}\n";
    let rows = "_tm_id,a\n1,x\u{2028}y\u{85}z\n";
    check(input, "", rows, &["2:17 json.syntax"]);
    // neither ends a file
    check("a,b\n1\u{1a},2\n3\0,4\n", "", "a,b\n1\u{1a},2\n3\0,4\n", &[]);
}

#[test]
fn a_record_that_is_cut_does_not_take_the_next_with_it() {
    let input = "{\"a\":\"x\n{\"b\":1}\n{\"a\":{\"c\":1\n{\"b\":2}\n";
    check(input, "", "_tm_id,b\n2,1\n4,2\n", &["1:0 json.syntax", "3:16 json.syntax"]);
    let input = "{\"a\":1}\n{\"a\":1,}\n{a:1}\n{\"a\":NaN}\n{\"a\":-Infinity}\n{\"a\":0x1}\n// c\n{'a':1}\n{\"a\":+1}\n";
    let (status, rows, rejects) = csv_of(input, "");
    assert_eq!((status, rows.as_str(), rejects.len()), (3, "_tm_id,a\n1,1\n", 8));
}

#[test]
fn a_file_that_is_cut_at_any_byte_is_accounted_for() {
    let text: String = (0..8)
        .map(|n| format!("{{\"n\":{n},\"s\":\"é{n}\",\"t\":[1,{{\"u\":[]}}]}}\r\n"))
        .collect();
    for length in 0..text.len() {
        let folder = Folder::new();
        let input = &text.as_bytes()[..length];
        let flags = "--from jsonl --to csv -o out --name t --summary json";
        let done = folder.pipe(input, &format!("convert {flags}"));
        let summary: serde_json::Value = serde_json::from_str(&done.stderr).unwrap();
        let count = |name: &str| summary[name].as_u64().unwrap();
        let rows = folder.read("out/t.csv").lines().count() as u64 - 1;
        assert_eq!(rows, count("successful"), "{length}");
        assert_eq!(count("total_processed"), count("successful") + count("failed"), "{length}");
        let is_whole = length == 0 || matches!(input.last(), Some(b'\n' | b'\r' | b'}'));
        assert!(done.status == 0 || (done.status == 3 && count("failed") == 1), "{length}");
        assert!(is_whole || done.status == 3, "{length}: a cut record was taken");
    }
}

#[test]
fn records_back_to_back_and_text_sequences_are_read() {
    let rows = "_tm_id,a\n1,1\n2,2\n";
    check("{\"a\":1}{\"a\":2}", "", rows, &[]);
    check("\u{1e}{\"a\":1}\n\u{1e}{\"a\":2}\n", "", rows, &[]);
    check("{\"a\":1}\r{\"a\":2}\r", "", rows, &[]);
    // keys are compared as what they stand for
    check("{\"a\":0,\"\\u0061\":1}\n{\"a\":2}\n", "", rows, &[]);
    check("[{\"a\":1},\n{\"a\":2},]", "", rows, &["2:18 json.syntax"]);
    check("[{\"a\":1},\n{\"a\":2}] junk", "", rows, &["2:19 json.syntax"]);
}

#[test]
fn texts_that_look_like_something_else_stay() {
    let input = "{\"a\":\"true\"}\n{\"a\":\"null\"}\n{\"a\":\"NA\"}\n{\"a\":\"\"}\n";
    check(input, "", "_tm_id,a\n1,true\n2,null\n3,NA\n4,\"\"\n", &[]);
    check("a,b\nnan,1\nN/A,2\n,3\n\"\",4\n", "", "a,b\nnan,1\nN/A,2\n,3\n\"\",4\n", &[]);
    check("a,b\n=1+1,@SUM\n+1,-2\n", "", "a,b\n=1+1,@SUM\n+1,-2\n", &[]);
    check("d,z,p\n01/02/2003,00501,+15551234\n", "", "d,z,p\n01/02/2003,00501,+15551234\n", &[]);
}

#[test]
fn rows_of_csv_have_the_width_of_their_header() {
    check("a,b\n1,2,\n3,4,x\n", "", "a,b\n1,2\n", &["3:9 csv.field_count"]);
    check("id,a,b\n1,2,3\n4,5", "", "id,a,b\n1,2,3\n", &["3:13 csv.field_count"]);
    check("a,b\r1,2\r3,4\r", "", "a,b\n1,2\n3,4\n", &[]);
    check("a,b\r\n1,2\n3,4\r5,6\r\n", "", "a,b\n1,2\n3,4\n5,6\n", &[]);
    check("a,b\n x , y\n", "", "a,b\n\" x \",\" y\"\n", &[]);
    check("a\tb\nx\\ty\tz\n", "--from tsv", "a,b\nx\\ty,z\n", &[]);
}

#[test]
fn archives_are_named() {
    let folder = Folder::new();
    let mut tar = [&b"a.json"[..], &[0; 251], b"ustar\x0000"].concat();
    tar.resize(1024, 0);
    folder.write("a.tar", &tar);
    let start = "error: a.tar: expected JSON, CSV, Parquet or Arrow, found a tar archive\nhint: unpack it: ";
    folder.run("convert a.tar --to csv -o out").fails_with(5, start);
    assert_eq!(folder.names("."), "a.tar");
}

#[test]
fn tables_and_columns_that_only_fold_to_one_name_are_two() {
    let folder = Folder::new();
    let keys = ["weiß", "weiẞ", "weiss", "WEISS", "é", "e\u{301}", "k", "\u{212a}", "s", "ſ"];
    let member = |(number, key): (usize, &&str)| format!("\"{key}\":[{{\"n\":{number}}}]");
    let tables: Vec<String> = keys.iter().enumerate().map(member).collect();
    let record = format!("{{{}}}\n", tables.join(","));
    folder.pipe(record, "convert --to csv -o out --name t -q").stdout();
    let names = folder.names("out");
    assert_eq!(names.split(' ').count(), keys.len() + 1, "{names}");
    let fold = |name: &str| -> String {
        let lower = name.replace("e\u{301}", "é").to_lowercase();
        lower.to_uppercase().to_lowercase()
    };
    let folded: BTreeSet<String> = names.split(' ').map(fold).collect();
    assert_eq!(folded.len(), keys.len() + 1, "{names}");
}

#[cfg(unix)]
#[test]
fn planted_links_are_replaced_and_not_followed() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = Folder::new();
    folder.write("t.jsonl", "{\"c\":[{\"b\":1}]}\n");
    folder.write("victim", "keep");
    fs::create_dir(folder.path().join("out")).unwrap();
    symlink("../victim", folder.path().join("out/t_c.csv")).unwrap();
    symlink("../nowhere", folder.path().join("out/t.csv")).unwrap();
    folder.run("convert t.jsonl --to csv -o out").fails_with(2, "error: out/t");
    folder.run("convert t.jsonl --to csv -o out --force -q").stdout();
    assert_eq!(
        (folder.read("victim").as_str(), folder.names(".").as_str()),
        ("keep", "out t.jsonl victim")
    );
    for name in ["out/t.csv", "out/t_c.csv"] {
        let kind = fs::symlink_metadata(folder.path().join(name)).unwrap().file_type();
        assert!(kind.is_file(), "{name}");
    }
    // a name that is a directory
    fs::create_dir_all(folder.path().join("other/t_c.csv")).unwrap();
    let start = "error: other/t_c.csv: expected a regular file, found a directory\n";
    folder.run("convert t.jsonl --to csv -o other --force").fails_with(2, start);
    // rejected records are their owner's alone
    folder.write("bad.jsonl", "{\"a\":\n{\"a\":1}\n");
    folder.run("convert bad.jsonl --to csv -o third -q");
    let mode = fs::metadata(folder.path().join("third/bad.rejects.jsonl")).unwrap().permissions();
    assert_eq!(mode.mode() & 0o777, 0o600);
}

/// Where the system refuses memory, that is said, and the status is that of a run that failed.
#[cfg(target_os = "linux")]
#[test]
fn refused_memory_ends_the_run_with_a_hint() {
    let folder = Folder::new();
    let record = format!("{{\"a\":\"{}\"}}\n", "x".repeat(1 << 20));
    fs::write(folder.path().join("long.jsonl"), record.repeat(120)).unwrap();
    let transmog = env!("CARGO_BIN_EXE_transmog");
    let script = format!(
        "ulimit -v 400000; exec {transmog} convert long.jsonl --to parquet -o out --threads 2"
    );
    let done = std::process::Command::new("sh")
        .args(["-c", &script])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&done.stderr);
    let hint = "error: the system refused memory\nhint: lower `--memory-limit`, or raise the limit of \
                the system (`ulimit -v`)\n";
    assert!(stderr.ends_with(hint), "{stderr}");
    assert_eq!(done.status.code(), Some(1), "{stderr}");
    assert!(!folder.path().join("out").exists());
}

/// Runs `transmog` with `args` behind shell commands that limit what it may have.
#[cfg(unix)]
fn limited(folder: &Folder, limits: &str, args: &str, input: &[u8]) -> (Option<i32>, String) {
    let transmog = env!("CARGO_BIN_EXE_transmog");
    let mut child = std::process::Command::new("sh")
        .args(["-c", &format!("{limits}; exec {transmog} {args}")])
        .current_dir(folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // it may end before it has read everything
    let _ = child.stdin.take().unwrap().write_all(input);
    let done = child.wait_with_output().unwrap();
    (done.status.code(), String::from_utf8_lossy(&done.stderr).into_owned())
}

#[cfg(unix)]
#[test]
fn tables_need_no_open_file_each() {
    let folder = Folder::new();
    let arrays: Vec<String> = (0..100).map(|n| format!("\"c{n}\":[{{\"v\":{n}}}]")).collect();
    folder.write("t.jsonl", format!("{{{}}}\n", arrays.join(",")).repeat(50));
    for (format, flags) in [("parquet", "--row-group-rows 7"), ("csv", "")] {
        let args = format!("convert t.jsonl --to {format} -o {format}/ -q {flags}");
        assert_eq!(limited(&folder, "ulimit -n 10", &args, b""), (Some(0), String::new()));
        assert_eq!(folder.names(format).split(' ').count(), 101);
    }
}

#[cfg(unix)]
#[test]
fn a_small_stack_is_enough() {
    let folder = Folder::new();
    folder.write("t.jsonl", "{\"a\":[{\"b\":[[1],{}]}]}\n".repeat(1000));
    let args = "convert t.jsonl --to parquet -o out -q";
    assert_eq!(limited(&folder, "ulimit -s 1024", args, b""), (Some(0), String::new()));
}

#[cfg(unix)]
#[test]
fn temporary_space_is_asked_for_where_it_is_needed_alone() {
    let folder = Folder::new();
    folder.write("t.jsonl", "{\"a\":1}\n");
    let absent = "export TMPDIR=nowhere";
    let to_files = "convert t.jsonl --to parquet -o out -q";
    assert_eq!(limited(&folder, absent, to_files, b""), (Some(0), String::new()));
    // Parquet is read at any place, a pipe is not
    let parquet = fs::read(folder.path().join("out/t.parquet")).unwrap();
    let from_pipe = "convert - --to csv -o piped -q";
    assert_eq!(limited(&folder, "true", from_pipe, &parquet), (Some(0), String::new()));
    let (status, stderr) = limited(&folder, absent, "convert - --to csv -o other -q", &parquet);
    assert_eq!(status, Some(1), "{stderr}");
    assert!(stderr.starts_with("error: <stdin>: copying it to `nowhere` failed"), "{stderr}");
    assert!(stderr.contains("`TMPDIR` names another"), "{stderr}");
    assert!(!folder.path().join("other").exists());
}

#[cfg(unix)]
#[test]
fn a_replaced_file_has_the_mode_of_a_new_one() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    folder.write("t.jsonl", "{\"a\":1}\n");
    folder.write("t.csv", "old");
    let path = folder.path().join("t.csv");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
    let args = "convert t.jsonl --to csv -o t.csv --force -q";
    assert_eq!(limited(&folder, "umask 027", args, b""), (Some(0), String::new()));
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
    assert!(folder.read("t.csv").starts_with("_tm_id,a\n"), "{}", folder.read("t.csv"));
}
