//! Which inputs are read, and in which order.

use std::fs;

use super::Folder;

/// A folder with files in several formats, and in folders below.
fn tree() -> Folder {
    let folder = Folder::new();
    for name in ["data/sub/deep", "data/.hidden"] {
        fs::create_dir_all(folder.path().join(name)).unwrap();
    }
    folder.write("data/b.jsonl", "{\"n\":2}\n");
    folder.write("data/B.jsonl", "{\"n\":1}\n");
    folder.write("data/a.json", "[{\"n\":0},{\"n\":0.5}]");
    folder.write("data/notes.txt", "no records");
    folder.write("data/.secret.jsonl", "{\"n\":9}\n");
    folder.write("data/.hidden/x.jsonl", "{\"n\":9}\n");
    folder.write("data/sub/c.ndjson.zst", zstd::encode_all(&b"{\"n\":3}\n"[..], 1).unwrap());
    folder.write("data/sub/deep/d.jsonl", "{\"n\":4}\n");
    folder.write("data/sub-e.jsonl", [&b"\xFF\xFE"[..], &utf_16("{\"n\":5}\n")].concat());
    folder.write("data/empty.jsonl", "");
    folder
}

fn utf_16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// Returns the values of `n` in their order.
#[track_caller]
fn read(folder: &Folder, args: &str) -> String {
    let text = folder.run(&format!("convert {args} -o - --to csv --arrays inline -q")).stdout();
    let values = text.lines().skip(1).map(|line| line.rsplit_once(',').unwrap().1);
    values.collect::<Vec<_>>().join(" ")
}

#[test]
fn inputs_of_all_kinds_make_one_set_of_tables_in_the_order_given() {
    let folder = tree();
    let args = "data/sub/c.ndjson.zst data/empty.jsonl data/a.json data/sub-e.jsonl data/b.jsonl";
    assert_eq!(read(&folder, args), "3 0 0.5 5 2");
    let done = folder.run(&format!("convert {args} --to csv -o out"));
    assert!(done.stderr.contains("\n5 records in "), "{}", done.stderr);
    assert_eq!(folder.names("out"), "c.csv");
    assert_eq!(read(&folder, "data/empty.jsonl"), "");
}

#[test]
fn patterns_are_sorted_by_bytes_and_leave_hidden_names_out() {
    let folder = tree();
    assert_eq!(read(&folder, "data/*.jsonl"), "1 2 5");
    assert_eq!(read(&folder, "*/[ab].json*"), "0 0.5 2");
    assert_eq!(read(&folder, "data/b.jsonl data/?.jsonl"), "2 1 2");
    assert_eq!(read(&folder, "data/**/*.jsonl"), "1 2 5 4");
    assert_eq!(read(&folder, "**/d.jsonl"), "4");
    assert_eq!(read(&folder, "data/sub/**"), "3 4");
    assert_eq!(read(&folder, "data/.*.jsonl"), "9");
    assert_eq!(read(&folder, "./data/../data/a.*"), "0 0.5");
    let absolute = format!("{}/data/b.*", folder.path().display());
    assert_eq!(read(&folder, &absolute), "2");
}

#[test]
fn a_pattern_that_matches_nothing_is_refused() {
    let folder = tree();
    for pattern in ["data/*.xml", "nowhere/*.jsonl", "data/b.jsonl/*", "data/su[b]"] {
        let start = format!("error: {pattern}: expected files that match, found none\nhint: ");
        let args = format!("convert data/b.jsonl {pattern} --to csv -o out");
        folder.run(&args).fails_with(2, &start);
        assert_eq!(folder.names("."), "data");
    }
}

#[test]
fn names_that_exist_are_no_patterns() {
    let folder = tree();
    folder.write("data/[b].jsonl", "{\"n\":7}\n");
    folder.write("data/*.jsonl", "{\"n\":8}\n");
    assert_eq!(read(&folder, "data/[b].jsonl data/*.jsonl"), "7 8");
    // this one is missing, and no pattern either
    folder.run("convert data/[.jsonl --to csv").fails_with(1, "error: data/[.jsonl: opening it ");
}

#[test]
fn directories_are_walked_where_asked() {
    let folder = tree();
    assert_eq!(read(&folder, "-r data"), "1 0 0.5 2 5 3 4");
    assert_eq!(read(&folder, "data/b.jsonl --recursive data/sub"), "2 3 4");
    folder.run("convert data --to csv -o out").fails(
        2,
        "error: data: expected a file, found a directory\n\
         hint: `--recursive` takes the files below it\n",
    );
    fs::create_dir(folder.path().join("none")).unwrap();
    let start = "error: none: expected files below it, such as `x.jsonl`, found none\n";
    folder.run("convert -r none data --to csv -o out").fails_with(2, start);
    assert_eq!(folder.names("."), "data none");
}

#[test]
fn lists_name_inputs_as_they_stand() {
    let folder = tree();
    folder.write("data/[b].jsonl", "{\"n\":7}\n");
    folder.write("list", "data/b.jsonl\n\ndata/[b].jsonl\ndata/a.json");
    assert_eq!(read(&folder, "--files-from list"), "2 7 0 0.5");
    assert_eq!(read(&folder, "data/B.jsonl --files-from list"), "1 2 7 0 0.5");
    let args = "convert --files-from - -0 -o - --to csv --arrays inline -q";
    let done = folder.pipe("data/b.jsonl\0data/a.json\0", args);
    assert_eq!(done.stdout(), "_tm_id,n\n1,2\n2,0\n3,0.5\n");
    folder.write("list", "\n\n");
    let message = "error: `--files-from list`: expected names, found none\n";
    folder.run("convert --files-from list --to csv").fails(2, message);
    let message = "error: `-`: expected standard input once, found it twice\n";
    folder.run("convert - --files-from - --to csv").fails(2, message);
}

#[test]
fn a_missing_input_stops_before_anything_is_written() {
    let folder = tree();
    folder.write("list", "data/b.jsonl\nmissing.jsonl\n");
    for args in ["data/b.jsonl missing.jsonl", "--files-from list"] {
        let done = folder.run(&format!("convert {args} --to csv -o out"));
        done.fails_with(1, "error: missing.jsonl: opening it failed: ");
        assert_eq!(folder.names("."), "data list");
    }
}

#[test]
fn records_say_their_input() {
    let folder = tree();
    let run = |args: &str| {
        let args = format!("convert {args} -o - --to csv -q --arrays inline --chunk-bytes 1B");
        folder.run(&args).stdout()
    };
    assert_eq!(
        run("data/a.json data/b.jsonl --source-column"),
        "_tm_id,_tm_source,n\n1,data/a.json,0\n2,data/a.json,0.5\n3,data/b.jsonl,2\n"
    );
    assert_eq!(run("data/b.jsonl --source-column=n"), "_tm_id,n,n_2\n1,data/b.jsonl,2\n");
    let prefixed = run("data/b.jsonl --source-column --meta-prefix x_ --ids none");
    assert_eq!(prefixed, "x_source,n\ndata/b.jsonl,2\n");
    let done = folder.pipe("{\"n\":1}", "convert --source-column --to csv -q");
    assert_eq!(done.stdout(), "_tm_id,_tm_source,n\n1,<stdin>,1\n");
    let done = folder.run("convert data/b.jsonl --to csv --source-column= -o -");
    assert_eq!(done.status, 2, "{}", done.stderr);
    // the column belongs to the main table alone
    folder.write("c.json", "{\"items\":[{\"n\":1}]}");
    folder.run("convert c.json --source-column --to csv -q").stdout();
    assert_eq!(folder.read("c.csv"), "_tm_id,_tm_source\n1,c.json\n");
    assert_eq!(folder.read("c_items.csv"), "_tm_id,_tm_parent_id,_tm_index,n\n1,1,0,1\n");
}

#[cfg(target_os = "linux")]
#[test]
fn names_that_are_not_utf_8_work() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let folder = Folder::new();
    fs::write(folder.path().join(OsStr::from_bytes(b"\xE9.jsonl")), "{\"n\":1}\n").unwrap();
    folder.write("list", b"\xE9.jsonl\n");
    let expected = "_tm_id,_tm_source,n\n1,\\xE9.jsonl,1\n";
    for args in ["*.jsonl", "--files-from list"] {
        let args = format!("convert {args} --to csv -o - --source-column -q --arrays inline");
        assert_eq!(folder.run(&args).stdout(), expected);
    }
    let done = folder.run("convert -r . --to csv -o - --source-column -q --arrays inline");
    assert_eq!(done.stdout(), "_tm_id,_tm_source,n\n1,./\\xE9.jsonl,1\n");
}

#[cfg(unix)]
#[test]
fn an_input_that_is_an_output_is_refused_however_it_is_named() {
    let folder = Folder::new();
    folder.write("a.jsonl", "{\"n\":1}\n");
    fs::hard_link(folder.path().join("a.jsonl"), folder.path().join("hard.jsonl")).unwrap();
    std::os::unix::fs::symlink("a.jsonl", folder.path().join("soft.jsonl")).unwrap();
    for (input, output) in [
        ("*.jsonl", "a.jsonl"),
        ("-r .", "hard.jsonl"),
        ("soft*", "a.jsonl"),
        ("hard*", "a.jsonl"),
        ("a.jsonl", "soft.jsonl"),
    ] {
        let done = folder.run(&format!("convert {input} -o {output} --force"));
        assert_eq!(done.status, 2, "{}", done.stderr);
        assert!(done.stderr.contains("expected an output that is not read"), "{}", done.stderr);
        assert_eq!(folder.read("a.jsonl"), "{\"n\":1}\n");
    }
}

#[cfg(unix)]
#[test]
fn pipes_with_names_are_opened_once() {
    let folder = Folder::new();
    folder.write("run.sh", format!(
        "mkfifo p q && (printf '{{\"n\":1}}\\n' > p & gzip -c > q < z & exec {} convert p q -o - --to csv -q \
         --arrays inline --source-column)",
        env!("CARGO_BIN_EXE_transmog")
    ));
    folder.write("z", "{\"n\":2}\n");
    let mut command = std::process::Command::new("sh");
    command.arg("run.sh").current_dir(folder.path());
    command.stdin(std::process::Stdio::null());
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let done = super::finish(command);
    assert_eq!(done.stdout(), "_tm_id,_tm_source,n\n1,p,1\n2,q,2\n");
}

#[test]
fn pages_behind_each_other_are_one_input() {
    let folder = Folder::new();
    let expected = b"_tm_id,a\n1,1\n2,2\n3,3\n";
    for text in [
        "[{\"a\":1}][{\"a\":2},{\"a\":3}]",
        "[{\"a\":1}]\n[{\"a\":2},{\"a\":3}]\n",
        "[]\n[{\"a\":1}]\n[]\n[\n{\"a\":2},\n{\"a\":3}\n]\n",
        "[{\"a\":1}] {\"a\":2} [{\"a\":3}]",
    ] {
        for flags in ["", "--chunk-bytes 1B", "--from json"] {
            let done = folder.pipe(text, &format!("convert --to csv {flags}"));
            assert_eq!(done.stdout, expected, "{text} {flags}: {}", done.stderr);
        }
    }
    let done = folder.pipe("[{\"a\":1}]\n[{\"a\":2}]\n", "convert --to csv --from jsonl");
    let hint = "hint: `--from json` takes what is in arrays as records, `--wrap-values` each array as \
                a value\n";
    assert!(done.stderr.ends_with(hint), "{}", done.stderr);
}
