//! Compressed input: files and standard input.

use std::io::Write;
use std::time::Duration;

use super::{Folder, ORDERS};

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 3).unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), Default::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn the_first_bytes_tell_not_the_name() {
    let folder = Folder::with_orders();
    let read =
        |name: &str| folder.run(&format!("convert {name} -o - --to csv --arrays inline")).stdout();
    let expected = read("orders.jsonl");
    folder.write("a.jsonl.gz", gzip(ORDERS.as_bytes()));
    folder.write("b.jsonl", zstd(ORDERS.as_bytes()));
    folder.write("c.jsonl.gz", ORDERS);
    for name in ["a.jsonl.gz", "b.jsonl", "c.jsonl.gz"] {
        assert_eq!(read(name), expected, "{name}");
    }
    let packed = gzip(ORDERS.as_bytes());
    assert_eq!(folder.pipe(packed, "convert --from jsonl --to csv -q").stdout(), expected);
}

#[test]
fn tables_lose_both_endings() {
    let folder = Folder::new();
    folder.write("orders.jsonl.gz", gzip(ORDERS.as_bytes()));
    let done = folder.run("convert orders.jsonl.gz --to csv -o out");
    assert!(done.stderr.contains("\n2 records in "), "{}", done.stderr);
    assert_eq!(folder.names("out"), "orders.csv orders_items.csv orders_items_parts.csv");
}

#[test]
fn data_that_is_cut_off_publishes_nothing() {
    let folder = Folder::new();
    let packed = gzip(ORDERS.repeat(5000).as_bytes());
    folder.write("orders.jsonl.gz", &packed[..packed.len() - 4]);
    let start = format!(
        "error: orders.jsonl.gz: byte {} of the gzip data, {} unpacked: expected more data, found \
         the end of the input\nhint: the input is cut off: copy or download it again; nothing was \
         written\n",
        packed.len() - 4,
        ORDERS.len() * 5000
    );
    folder.run("convert orders.jsonl.gz --to csv -o out").fails(5, &start);
    assert_eq!(folder.names("."), "orders.jsonl.gz");
    // from its first byte on; what is empty anywhere else is whole
    folder.write("orders.jsonl.gz", "");
    let start = "error: orders.jsonl.gz: expected gzip data, found an empty file\nhint: ";
    folder.run("convert orders.jsonl.gz --to csv -o out").fails_with(5, start);
    assert_eq!(folder.names("."), "orders.jsonl.gz");
    assert_eq!(folder.pipe("", "convert --to csv -q").stdout(), "_tm_id\n");
    assert_eq!(folder.pipe(gzip(b""), "convert --to csv -q").stdout(), "_tm_id\n");
}

#[test]
fn damaged_data_is_not_taken_for_bad_records() {
    let folder = Folder::new();
    let lines: String =
        (0..300).map(|n| format!("{{\"n\":{n},\"s\":\"{}\"}}\n", n * 7919)).collect();
    for text in [lines.clone(), format!("[{}]", lines.trim_end().replace('\n', ","))] {
        let packed = gzip(text.as_bytes());
        for at in (10..packed.len()).step_by(97) {
            let mut damaged = packed.clone();
            damaged[at] ^= 0x08;
            for cut in ["", "--chunk-bytes 1B --threads 3", "--on-error fail"] {
                let done = folder.pipe(&damaged, &format!("convert --to csv {cut}"));
                assert_eq!(done.status, 5, "byte {at} {cut}: {}", done.stderr);
                assert!(done.stdout.is_empty(), "byte {at} {cut}");
            }
        }
    }
    // the fault of another input is its own
    folder.write("bad.jsonl.gz", gzip(b"{\"n\" 1}\n"));
    let damaged = gzip(lines.as_bytes());
    folder.write("damaged.jsonl.gz", &damaged[..damaged.len() - 1]);
    let start = "error: bad.jsonl.gz:1:6: expected `:`, found `1`";
    let fail = "convert bad.jsonl.gz damaged.jsonl.gz --to csv -o out --on-error fail";
    folder.run(fail).fails_with(1, start);
}

#[test]
fn what_follows_gzip_data_is_a_warning() {
    let folder = Folder::new();
    let packed = [&gzip(b"{\"a\":1}\n")[..], b"junk"].concat();
    let done = folder.pipe(&packed, "convert --to csv");
    let start = format!("warning: <stdin>: what follows byte {} is no", packed.len() - 4);
    assert!(done.stderr.starts_with(&start), "{}", done.stderr);
    assert_eq!(done.stdout(), "_tm_id,a\n1,1\n");
}

#[test]
fn places_count_unpacked_bytes() {
    let folder = Folder::new();
    let packed = gzip(b"{\"a\":1}\n{\"a\" 2}\n");
    folder.pipe(packed, "convert --to csv --on-error fail").fails_with(
        1,
        "error: <stdin>:2:6: expected `:`, found `2` (json.syntax, record 2, byte 13)",
    );
}

/// Packs `piece` until it was given `count` times.
fn bomb(piece: &[u8], count: usize, around: [&[u8]; 2]) -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    encoder.write_all(around[0]).unwrap();
    for _ in 0..count {
        encoder.write_all(piece).unwrap();
    }
    encoder.write_all(around[1]).unwrap();
    encoder.finish().unwrap()
}

/// Runs to the end; returns status, standard error, and the most memory that was seen.
#[cfg(target_os = "linux")]
fn watched(folder: &Folder, args: &str) -> (i32, String, usize) {
    let mut child = folder.command(args).spawn().unwrap();
    let mut peak = 0;
    let status = loop {
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id()));
        let status = status.unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        if let Some(line) = line {
            peak = line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() << 10;
        }
        match child.try_wait().unwrap() {
            Some(status) => break status.code().unwrap(),
            None => std::thread::sleep(Duration::from_millis(10)),
        }
    };
    let done = child.wait_with_output().unwrap();
    (status, String::from_utf8(done.stderr).unwrap(), peak)
}

#[cfg(target_os = "linux")]
#[test]
fn bombs_take_no_more_memory_than_other_input() {
    let folder = Folder::new();
    // a gibibyte and more of each
    let piece = |text: &str| text.repeat((1 << 20) / text.len()).into_bytes();
    folder.write("string.json.zst", bomb(&piece("a"), 1100, [b"{\"a\":\"", b"\"}"]));
    folder.write("lines.jsonl.zst", bomb(&piece("\n"), 1100, [b"{\"a\":1}\n", b"{\"a\":2}\n"]));

    let flags = "--to csv -o out --threads 2 --memory-limit 128MiB";
    let (status, stderr, peak) = watched(&folder, &format!("convert string.json.zst {flags}"));
    let message = "1 record.too_large, the first at string.json.zst:1:1: expected ";
    assert!(stderr.contains(message), "{stderr}");
    assert!(status == 3 && peak < 128 << 20, "status {status}, {} MiB", peak >> 20);

    let flags = format!("{flags} --force");
    let (status, stderr, peak) = watched(&folder, &format!("convert lines.jsonl.zst {flags}"));
    assert!(stderr.contains("\n2 records in "), "{stderr}");
    assert!(status == 0 && peak < 128 << 20, "status {status}, {} MiB", peak >> 20);
}
