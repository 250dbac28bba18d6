//! `--dry-run`: what it says, and that nothing is written.

use std::fs;

use super::{Folder, ORDERS};

#[test]
fn a_dry_run_tells_inputs_tables_and_outputs() {
    let folder = Folder::with_orders();
    folder.write("more.csv.gz", gzip(b"a;b\n1;2\n"));
    let done = folder.run(
        "convert orders.jsonl more.csv.gz --to parquet -o out/ --dry-run --emit-sql duckdb \
         --manifest out/m.json --threads 1",
    );
    assert_eq!(
        String::from_utf8(done.stdout).unwrap(),
        "\
reads   orders.jsonl: jsonl
reads   more.csv.gz: csv, delimiter `;`, quote `\"`, a header, unpacked from gzip
writes  parquet: compressed with zstd:3, threads: 1, memory: 512MiB
tables  told from the whole input
        orders                 6 columns  out/orders.parquet
        orders_items           4 columns  out/orders_items.parquet
        orders_items_parts     5 columns  out/orders_items_parts.parquet
besides out/orders.duckdb.sql
besides out/m.json
nothing was written
"
    );
    assert_eq!(folder.names("."), "more.csv.gz orders.jsonl");
    // figures would be those of the start, and batches are nobody's concern
    assert_eq!(done.stderr, "");
}

#[test]
fn what_users_chose_of_batches_and_names_is_told() {
    let folder = Folder::with_orders();
    let run = "convert orders.jsonl --to csv --dry-run";
    let told = folder.run(&format!("{run} --batch-strategy memory_based")).stdout();
    assert!(told.contains("batches: memory_based"), "{told}");
    assert!(folder.run(&format!("{run} --batch-size 5")).stdout().contains("batches: fixed_size"));
    let told = folder.run(&format!("{run} --threads 64 --memory-limit 128MiB")).stdout();
    assert!(told.contains("threads: 5, memory: 128MiB"), "{told}");
    folder.write("data.2024-01-01.jsonl.gz", gzip(ORDERS.as_bytes()));
    let run = "convert data.2024-01-01.jsonl.gz --to csv --dry-run";
    let hint = "hint: the tables are called after the file: `--name data` calls the main one so, as \
                `data.2024-01-01` needs quotes in SQL\n";
    assert_eq!(folder.run(run).stderr, hint);
    for flags in ["--name data-1", "--quiet", "-o data-1.csv"] {
        assert_eq!(folder.run(&format!("{run} {flags}")).stderr, "", "{flags}");
    }
    // a job wants no advice
    assert!(!folder.run("convert data.2024-01-01.jsonl.gz --to csv").stderr.contains("hint"));
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn conflicts_are_all_told_and_end_as_the_run_would() {
    let folder = Folder::with_orders();
    fs::create_dir(folder.path().join("out")).unwrap();
    folder.write("out/orders.csv", "mine");
    folder.write("out/orders_items.csv", "mine");
    let run = "convert orders.jsonl --to csv -o out";
    let done = folder.run(&format!("{run} --dry-run"));
    let told = String::from_utf8(done.stdout).unwrap();
    assert!(told.contains("  out/orders.csv (exists)\n"), "{told}");
    assert!(told.contains("  out/orders_items.csv (exists)\n"), "{told}");
    assert!(told.contains("  out/orders_items_parts.csv\n"), "{told}");
    assert_eq!(done.status, 2);
    let expected = "error: out/orders.csv: exists, and so does 1 more output\n\
                    hint: use `--force` to replace what is there\n";
    assert!(done.stderr.ends_with(expected), "{}", done.stderr);
    assert_eq!(folder.run(run).status, 2);
    let told = folder.run(&format!("{run} --dry-run --force")).stdout();
    assert!(told.contains("  out/orders.csv (replaces what is there)\n"), "{told}");
    assert_eq!(folder.names("out"), "orders.csv orders_items.csv");
    assert_eq!(folder.read("out/orders.csv"), "mine");
}

#[test]
fn a_dry_run_reads_the_start_alone() {
    let folder = Folder::new();
    let mut lines = ORDERS.repeat(60_000);
    lines.push_str("{\"late\":1}\n{\"broken\":\n");
    folder.write("big.jsonl", lines);
    folder.write("next.jsonl", ORDERS);
    let done = folder.run("convert big.jsonl next.jsonl --to csv --dry-run --on-error fail");
    let told = String::from_utf8(done.stdout).unwrap();
    assert!(told.contains("next.jsonl: not opened, as those before it were enough\n"), "{told}");
    assert!(told.contains("tables  told from the first "), "{told}");
    assert_eq!(done.stderr, "");
    assert_eq!(folder.names("."), "big.jsonl next.jsonl");
}

#[test]
fn rejects_and_streams_are_told_and_not_written() {
    let folder = Folder::new();
    let done = folder.pipe("{\"a\":1}\n{\n{\"a\":2}\n", "convert --to csv -o out --dry-run");
    assert_eq!(done.status, 3, "{}", done.stderr);
    let told = String::from_utf8(done.stdout).unwrap();
    let expected = "rejects 1 of the records read for this, which go to \
                    out/records.rejects.jsonl\n";
    assert!(told.contains(expected), "{told}");
    assert!(!done.stderr.contains("records.rejects.jsonl"), "{}", done.stderr);
    let told = folder.pipe(ORDERS, "convert --to jsonl --framing tagged --dry-run").stdout();
    assert!(told.contains("  standard output\n") && !told.contains("_table"), "{told}");
    let flags = "--to parquet -o parts/ --batch-strategy time_window --summary json=s.json";
    let told = folder.pipe(ORDERS, &format!("convert {flags} --dry-run")).stdout();
    assert!(told.contains("  part files\n"), "{told}");
    assert_eq!(folder.names("."), "");
}
