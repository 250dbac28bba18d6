//! What flags do to the bytes of each format.

use super::Folder;

#[track_caller]
fn check(args: &str, input: &str, expected: &str) {
    let done = Folder::new().pipe(input, &format!("convert -q {args}"));
    assert_eq!(done.stdout(), expected, "{args}");
}

#[test]
fn text_formats_follow_their_flags() {
    let input = r#"{"a":"=x","b":null,"c":1.50}"#;
    check("--to csv", input, "_tm_id,a,b,c\n1,=x,,1.5\n");
    check("--to tsv", input, "_tm_id\ta\tb\tc\n1\t=x\t\t1.5\n");
    check("--to csv --delimiter-out \\t", input, "_tm_id\ta\tb\tc\n1\t=x\t\t1.5\n");
    check("--to csv --delimiter-out ;", input, "_tm_id;a;b;c\n1;=x;;1.5\n");
    check("--to csv --bom", input, "\u{feff}_tm_id,a,b,c\n1,=x,,1.5\n");
    check("--to csv --formula-guard", input, "_tm_id,a,b,c\n1,'=x,,1.5\n");
    check("--to csv --numbers text", input, "_tm_id,a,b,c\n1,=x,,1.50\n");
    check("--to csv --all-text", input, "_tm_id,a,b,c\n1,=x,,1.50\n");
    check("--to jsonl", input, "{\"_tm_id\":1,\"a\":\"=x\",\"c\":1.5}\n");
    check("--to ndjson", input, "{\"_tm_id\":1,\"a\":\"=x\",\"c\":1.5}\n");
    let kept = "{\"_tm_id\":1,\"a\":\"=x\",\"b\":null,\"c\":1.5}\n";
    check("--to jsonl --nulls keep", input, kept);
    let indented = "[\n  {\n    \"_tm_id\": 1,\n    \"a\": \"=x\",\n    \"c\": 1.5\n  }\n]\n";
    check("--to json --indent 2", input, indented);
}

#[test]
fn names_and_ids_follow_their_flags() {
    let input = r#"{"aB":{"c":1}}"#;
    check("--to csv --separator . --ids none", input, "aB.c\n1\n");
    check("--to csv --names snake --ids none", input, "a_b_c\n1\n");
    check("--to csv --meta-prefix @", input, "@id,aB_c\n1,1\n");
    check("--to csv --ids field:aB.c", input, "_tm_id,aB_c\n1,1\n");
    check("--to csv --max-depth 1 --ids none", input, "aB\n\"{\"\"c\"\":1}\"\n");
}

#[test]
fn random_ids_differ_from_run_to_run() {
    let folder = Folder::new();
    let run = || folder.pipe("{\"a\":1}", "convert --to jsonl --ids uuid -q").stdout();
    let (first, second) = (run(), run());
    assert_eq!((first.len(), first != second), (second.len(), true), "{first}{second}");
}

#[test]
fn records_are_found_and_taken_as_asked() {
    let wrapper = r#"{"data":{"results":[{"a":1},{"a":2}]}}"#;
    check("--to csv --records /data/results", wrapper, "_tm_id,a\n1,1\n2,2\n");
    check("--to csv --wrap-values --from json", "[1,2]", "_tm_id,value\n1,1\n2,2\n");
    check("--to csv --duplicate-keys first", r#"{"a":1,"a":2}"#, "_tm_id,a\n1,1\n");
    check("--to jsonl --type a=text", r#"{"a":1}"#, "{\"_tm_id\":1,\"a\":\"1\"}\n");
    check("--to csv --arrays skip", r#"{"a":1,"b":[2]}"#, "_tm_id,a\n1,1\n");
}

#[test]
fn bytes_do_not_depend_on_threads_and_chunks() {
    let input: String = (0..200).map(|n| format!("{{\"n\":{n},\"k{n}\":[{n}]}}\n")).collect();
    let folder = Folder::new();
    let run = |flags: &str| folder.pipe(&input, &format!("convert --to csv -q {flags}")).stdout();
    let expected = run("");
    assert_eq!(expected.lines().count(), 201);
    for flags in ["--threads 1", "--threads 3 --chunk-bytes 1B", "--chunk-bytes 100B"] {
        assert_eq!(run(flags), expected, "{flags}");
    }
    // several workers encode the pages of its column
    let line = |n: u64| format!("{{\"text\":\"{}\"}}\n", format!("{} ", n * n).repeat(40));
    folder.write("texts.jsonl", (0..30_000).map(line).collect::<String>());
    let run = |flags: &str| {
        folder.run(&format!("convert texts.jsonl -o texts.parquet --force -q {flags}")).stdout();
        std::fs::read(folder.path().join("texts.parquet")).unwrap()
    };
    let expected = run("--threads 1");
    for flags in ["--threads 2", "--threads 8", "--preset sequential"] {
        assert!(run(flags) == expected, "{flags}");
    }
    // most row groups are written again, as the last line has a column of text and one more
    let line = |n: u64| format!("{{\"n\":{n},\"m\":{},\"same\":\"text {n}\"}}\n", n % 7);
    let late = "{\"n\":\"late\",\"m\":0.5,\"new\":1}\n";
    let lines = (0..20_000).map(line).chain([late.to_owned()]);
    folder.write("texts.jsonl", lines.collect::<String>());
    let rows = "--row-group-rows 700";
    let expected = run(&format!("{rows} --threads 1"));
    for flags in ["--threads 2", "--threads 8 --memory-limit 64MiB", "--preset sequential"] {
        assert!(run(&format!("{rows} {flags}")) == expected, "{flags}");
    }
    let rows = folder.run("convert texts.parquet --to csv -o - -q --drop _tm_id").stdout();
    assert_eq!(rows.lines().count(), 20_002);
    assert!(rows.ends_with("\n19999,0,text 19999,\nlate,0.5,,1\n"), "{}", &rows[rows.len() - 60..]);
}

#[test]
fn limits_are_kept() {
    let folder = Folder::new();
    let done = folder.pipe(
        "{\"a\":\"1234567890\"}\n",
        "convert --to csv --on-error fail --max-record-bytes 10B",
    );
    done.fails_with(1, "error: <stdin>");
}
