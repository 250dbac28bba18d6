//! CSV together with what all inputs have: compression, character sets, many inputs, selection.

use super::{Folder, without_times};

const PEOPLE: &str = "id,name,note\n1,Ann,\"a, b\"\n2,Ren\u{e9}e,\n3,\u{1F600},\"x\ny\"\n";

fn utf_16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}

/// Converts `input` with every cut of it; all must agree.
#[track_caller]
fn read(input: impl AsRef<[u8]>, flags: &str) -> String {
    let folder = Folder::new();
    let mut expected = None;
    for cut in ["", "--chunk-bytes 1B --threads 3", "--chunk-bytes 7B"] {
        let args = format!("convert --to csv --arrays inline -q {flags} {cut}");
        let text = folder.pipe(&input, &args).stdout();
        assert_eq!(expected.get_or_insert_with(|| text.clone()), &text, "{flags} {cut}");
    }
    expected.unwrap()
}

/// Asserts how the run fails at a record, with every cut of the input.
#[track_caller]
fn fails(input: impl AsRef<[u8]>, flags: &str, start: &str) {
    fails_with(1, input, flags, start);
}

#[track_caller]
fn fails_with(status: i32, input: impl AsRef<[u8]>, flags: &str, start: &str) {
    let folder = Folder::new();
    for cut in ["", "--chunk-bytes 1B --threads 3", "--chunk-bytes 7B"] {
        let done = folder.pipe(&input, &format!("convert --to csv --on-error fail {flags} {cut}"));
        done.fails_with(status, start);
    }
}

#[test]
fn packed_and_transcoded_rows_are_the_same_rows() {
    let marked = [b"\xFF\xFE", &utf_16(PEOPLE)[..]].concat();
    assert_eq!(read(PEOPLE, ""), PEOPLE);
    assert_eq!(read(zstd(PEOPLE.as_bytes()), ""), PEOPLE);
    assert_eq!(read(&marked, ""), PEOPLE);
    assert_eq!(read(zstd(&marked), ""), PEOPLE);
    assert_eq!(read(utf_16(PEOPLE), "--encoding utf-16le"), PEOPLE);
    assert_eq!(read(b"id;name\n1;Ren\xE9e\n", "--encoding latin1"), "id,name\n1,Ren\u{e9}e\n");
}

#[test]
fn tables_lose_all_their_endings() {
    let folder = Folder::new();
    folder.write("people.csv.zst", zstd(PEOPLE.as_bytes()));
    folder.write("more.TSV.gz", "a\tb\n1\t2\n");
    folder.run("convert people.csv.zst --to csv -o out -q").stdout();
    folder.run("convert more.TSV.gz --to csv -o out -q").stdout();
    assert_eq!(folder.names("out"), "more.csv people.csv");
}

#[test]
fn places_of_faults_are_those_of_the_input() {
    // of UTF-16, two bytes a character and two for the mark
    let text = "id,name\n1,\u{e9}\n2\n3,x\n";
    let marked = [b"\xFF\xFE", &utf_16(text)[..]].concat();
    let message = "error: <stdin>:3:2: expected 2 cells, found 1 (csv.field_count, record 2, byte ";
    fails(text, "", &format!("{message}14)"));
    fails(zstd(text.as_bytes()), "", &format!("{message}14)"));
    fails(&marked, "", &format!("{message}28)"));
    fails(zstd(&marked), "", &format!("{message}28)"));
    fails(&marked, "--skip 1", &format!("{message}28)"));
    fails(&marked, "--sample 9", &format!("{message}28)"));
    // half a pair
    let lone = [&marked[..2], &utf_16("id,name\n1,"), b"\0\xD8", &utf_16("\n")].concat();
    let start = "error: <stdin>:2:3: expected UTF-16LE, found 2 bytes that are no character \
                 (encoding.invalid, record 1, byte 22)";
    fails(lone, "", start);
    let header = [&marked[..2], &utf_16("id,"), b"\0\xD8", &utf_16("\n1,2\n")].concat();
    let start = "error: <stdin>:1:4: expected UTF-16LE, found bytes that are no character \
                 (encoding.invalid, byte 8)";
    // without a header there is nothing to go on with
    fails_with(5, header, "--from csv", start);
    let start = "error: <stdin>:1:4: expected UTF-8, found byte 0xff (encoding.invalid, byte 3)";
    fails_with(5, b"id,\xFF\n1,2\n", "--from csv", start);
}

#[test]
fn each_input_has_a_header_of_its_own() {
    let folder = Folder::new();
    folder.write("a.csv", "id,name\n1,Ann\n2,Bo\n");
    folder.write("b.csv.zst", zstd(b"name;id\nCy;3\n"));
    folder.write("c.tsv", [b"\xFF\xFE", &utf_16("id\textra\n4\tx\n")[..]].concat());
    folder.write("d.jsonl", "{\"id\":5,\"name\":\"Di\"}\n");
    folder.write("e.csv", "id,late\n");
    folder.write("f.csv", "");
    let args = "convert a.csv b.csv.zst c.tsv d.jsonl e.csv f.csv --to csv -o -";
    let run = |flags: &str| folder.run(&format!("{args} --source-column -q {flags}")).stdout();
    let expected = "_tm_id,_tm_source,id,name,extra,late\n\
                    ,a.csv,1,Ann,,\n,a.csv,2,Bo,,\n,b.csv.zst,3,Cy,,\n,c.tsv,4,,x,\n5,d.jsonl,5,Di,,\n";
    assert_eq!(run(""), expected);
    assert_eq!(run("--chunk-bytes 1B --threads 3"), expected);
    let two = "_tm_source,id,name,extra\nb.csv.zst,3,Cy,\nc.tsv,4,,x\n";
    assert_eq!(run("--skip 2 --limit 2"), two);
    let sampled = run("--sample 2 --seed 5");
    assert_eq!(sampled.lines().count(), 3, "{sampled}");
    assert_eq!(sampled, run("--sample 2 --seed 5 --chunk-bytes 1B --threads 3"));
    for row in sampled.lines().skip(1) {
        assert!(expected.contains(row), "{row}");
    }
    let done = folder.run(&format!("{args} --sample 3"));
    assert_eq!(done.stderr.matches(": CSV, ").count(), 4, "{}", done.stderr);
}

#[test]
fn columns_do_not_depend_on_which_rows_are_taken() {
    assert_eq!(read(PEOPLE, "--skip 99"), "id,name,note\n");
    assert_eq!(read(PEOPLE, "--sample 1 --seed 3").lines().next(), Some("id,name,note"));
    assert_eq!(read("id,name\n", "--skip 1"), "id,name\n");
    assert_eq!(read("id,name\n", "--sample 1"), "id,name\n");
    assert_eq!(read(PEOPLE, "--skip 1 --limit 1"), "id,name,note\n2,Ren\u{e9}e,\n");
    assert_eq!(read(PEOPLE, "--limit 1"), "id,name,note\n1,Ann,\"a, b\"\n");
}

#[test]
fn columns_are_chosen_by_their_names() {
    assert_eq!(read("a,b,c\n1,2,3\n4,,6\n", "--select b --select c"), "b,c\n2,3\n,6\n");
    assert_eq!(read("a,b,c\n1,2,3\n4,,6\n", "--drop b"), "a,c\n1,3\n4,6\n");
    assert_eq!(read("a,b,c\n1,2,3\n", "--select * --drop a"), "b,c\n2,3\n");
    assert_eq!(read("a,b,c\n1,2,3\n", "--drop a --ids field:a"), "_tm_id,b,c\n1,2,3\n");
    assert_eq!(read("a,b\nx,2\n", "--drop a --type a=int64"), "b\n2\n");
    // cells that hold JSON, and what has no room for a column
    let cells = "a,b\n1,\"{\"\"x\"\":2,\"\"y\"\":3}\"\n2,z\n";
    assert_eq!(read(cells, "--json-cells --ids none --select b.x"), "b_x\n2\n\n");
    assert_eq!(read(cells, "--json-cells --ids none --drop b.x"), "a,b,b_y\n1,,3\n2,z,\n");
    let rest = "a,_tm_rest\n1,\"{\"\"/b\"\":2}\"\n";
    assert_eq!(read("a,b,c\n1,2,3\n", "--max-columns 1 --drop c"), rest);
    let folder = Folder::new();
    let done = folder.pipe("a,b,c\n1,2,3\n4,,6\n", "convert --to csv --drop b --drop x");
    let counts = "\n2 records in …\n  2 values left out, as asked (`--select`, `--drop`)\n";
    assert!(without_times(&done.stderr).contains(counts), "{}", done.stderr);
    assert!(done.stderr.starts_with("warning: `--drop x` matched nothing"), "{}", done.stderr);
}

#[test]
fn rows_are_checked_also_where_cells_are_left_out() {
    fails("a,b\n1,2\n3\n", "--drop b", "error: <stdin>:3:2: expected 2 cells, found 1 ");
    fails("a,b\n1,\"x\"y\n", "--drop b", "error: <stdin>:2:6: expected `,` or a line end behind ");
    fails(b"a,b\n1,\xFF\n", "--drop b", "error: <stdin>:2:3: expected UTF-8, found byte 0xff ");
    assert_eq!(read("a,b\n1,2,3\n", "--ragged pad --select a"), "a\n1\n");
}
