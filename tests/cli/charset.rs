//! Input that is not UTF-8.

use super::Folder;

const RECORDS: &str = "{\"name\":\"Ren\u{e9}e\"}\n{\"name\":\"\u{1F600}\"}\n";

fn utf_16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

#[test]
fn byte_order_marks_and_labels_are_followed() {
    let folder = Folder::new();
    let expected = "_tm_id,name\n1,Ren\u{e9}e\n2,\u{1F600}\n";
    let marked = [b"\xFF\xFE", &utf_16(RECORDS)[..]].concat();
    assert_eq!(folder.pipe(&marked, "convert --to csv -q").stdout(), expected);
    let flags = "convert --to csv -q --encoding utf-16le";
    assert_eq!(folder.pipe(utf_16(RECORDS), flags).stdout(), expected);
    let packed = zstd::encode_all(&*marked, 1).unwrap();
    assert_eq!(folder.pipe(packed, "convert --to csv -q").stdout(), expected);
    let latin = b"{\"name\":\"Ren\xE9e\"}";
    let done = folder.pipe(latin, "convert --to csv -q --encoding latin1");
    assert_eq!(done.stdout(), "_tm_id,name\n1,Ren\u{e9}e\n");
}

#[test]
fn a_label_and_the_encoding_of_a_column_go_together() {
    let folder = Folder::new();
    folder.write("a.jsonl", b"{\"n\":1,\"name\":\"Ren\xE9e\"}");
    let done = folder.run("convert a.jsonl -o a.parquet --encoding latin1 --encoding n=plain");
    assert_eq!((done.status, done.stdout.len()), (0, 0), "{}", done.stderr);
}

#[test]
fn bytes_that_are_no_character_cost_the_record_that_holds_them() {
    let folder = Folder::new();
    let hint = "hint: nothing was written; mend the record or take it out, then run again; \
                `--on-error skip` puts such records into a reject file and goes on\n";
    let first = [b"\xFF\xFE", &utf_16("{\"a\":\"\u{1F600}\"}\n")[..]].concat();
    let text = [&first, &utf_16("{\"a\":\"x")[..], b"\0\xD8", &utf_16("\"}\n{}\n")].concat();
    let message = format!(
        "error: <stdin>:2:8: expected UTF-16LE, found 2 bytes that are no character \
         (encoding.invalid, record 2, byte {})\n{hint}",
        first.len() + 14
    );
    for flags in ["", "--chunk-bytes 1B", "--chunk-bytes 7B", "--from json"] {
        folder.pipe(&text, &format!("convert --to csv --on-error fail {flags}")).fails(1, &message);
    }
    // places of other faults count bytes of the input, too
    let text = [&first, &utf_16("{\"a\" 1}\n")[..]].concat();
    let message = format!(
        "error: <stdin>:2:6: expected `:`, found `1` (json.syntax, record 2, byte {})\n{hint}",
        first.len() + 10
    );
    for flags in ["", "--chunk-bytes 1B", "--from json"] {
        folder.pipe(&text, &format!("convert --to csv --on-error fail {flags}")).fails(1, &message);
    }
    let message = format!("error: <stdin>: record 2, byte {}: longer than 13 bytes", first.len());
    let text = [&first, &utf_16("{\"abcdefghijkl\":1}\n")[..]].concat();
    folder
        .pipe(&text, "convert --to csv --on-error fail --max-record-bytes 13B")
        .fails_with(1, &message);
}

#[test]
fn other_sets_without_a_label_are_named() {
    let folder = Folder::new();
    folder.pipe(b"{\"a\":\"Ren\xE9e\"}", "convert --to csv --on-error fail").fails(
        1,
        "error: <stdin>:1:10: expected UTF-8, found byte 0xe9 (encoding.invalid, record 1, byte 9)\n\
         hint: nothing was written; if the input is in another character set, say so, as in \
         `--encoding latin1`; `--on-error skip` puts such records into a reject file and goes \
         on\n",
    );
    for from in ["", "--from csv"] {
        folder.pipe(utf_16(RECORDS), &format!("convert --to csv {from}")).fails(
            5,
            "error: <stdin>: expected JSON, CSV, Parquet or Arrow, found UTF-16LE text without a byte order mark\n\
             hint: say so with `--encoding utf-16le`\n",
        );
    }
}

#[test]
fn a_run_that_rejects_all_for_its_character_set_says_what_to_try() {
    const HINT: &str =
        "hint: is the input in another character set? try `--encoding windows-1252`\n";
    let folder = Folder::new();
    let latin = b"{\"a\":\"Ren\xE9e\"}\n{\"a\":\"caf\xE9\"}\n";
    let done = folder.pipe(latin, "convert --to csv");
    assert_eq!(done.status, 3, "{}", done.stderr);
    let expected =
        "warning: all 2 records rejected, see records.rejects.jsonl\n  2 encoding.invalid";
    assert!(done.stderr.contains(expected), "{}", done.stderr);
    assert!(done.stderr.ends_with(HINT), "{}", done.stderr);
    let header = b"na\xEFf,b\n1,2\n";
    let done = folder.pipe(header, "convert --to csv --from csv --rejects none");
    assert_eq!(done.status, 5, "{}", done.stderr);
    assert!(done.stderr.ends_with(HINT), "{}", done.stderr);
    // one of several is bad by itself, and so are characters that no label mends
    let one = b"{\"a\":\"Ren\xE9e\"}\n{\"a\":x}\n{\"a\":2}\n";
    let lone = b"{\"a\":\"\\ud800\"}\n";
    for (text, flags) in [(&one[..], ""), (lone, ""), (b"{\"a\":\"\xFF\"}", "--encoding euc-kr")] {
        let done = folder.pipe(text, &format!("convert --to csv --force {flags}"));
        assert_eq!(done.status, 3, "{}", done.stderr);
        assert!(!done.stderr.contains("another character set"), "{flags}: {}", done.stderr);
    }
    let done = folder.pipe(lone, "convert --to csv --on-error fail");
    assert!(!done.stderr.contains("--encoding"), "{}", done.stderr);
    let done = folder.pipe(utf_16(RECORDS), "convert --to csv --from jsonl --force");
    assert!(
        done.stderr.ends_with("hint: is the input UTF-16? try `--encoding utf-16le`\n"),
        "{}",
        done.stderr
    );
}
