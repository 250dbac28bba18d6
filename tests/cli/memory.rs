//! `--memory-limit`: what it bounds, and that only row groups change with it.

use std::fs;
use std::io::{Read, Write};
use std::process::Stdio;

use super::Folder;

/// Records of a few hundred bytes with an array of objects.
fn records(count: usize) -> String {
    let record = |n: usize| {
        let noise = n * 7919 % 100_003;
        format!(
            "{{\"n\":{n},\"name\":\"{noise:x} {noise:o}\",\"note\":\"{}\",\
             \"items\":[{{\"sku\":\"S-{noise}\",\"price\":{noise}.25}},{{\"sku\":\"S-{n}\"}}]}}\n",
            "abcdefgh ".repeat(20)
        )
    };
    (0..count).map(record).collect()
}

/// Converts 90 MB of records from a pipe; returns the most memory that it held, in bytes, and how
/// often the system had to hand out a page.
///
/// The pipe stays open until that is known, so the program cannot have ended.
#[cfg(target_os = "linux")]
fn memory(flags: &str) -> (usize, usize) {
    let folder = Folder::new();
    let args = format!("convert --to parquet -o out.parquet {flags} -q");
    let mut child = folder
        .command(&args)
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    let some = records(20_000);
    for _ in 0..16 {
        stdin.write_all(some.as_bytes()).expect("it reads on");
    }
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).expect("it runs");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    let kilobytes: usize = peak.trim().trim_end_matches(" kB").parse().expect("a number");
    let stat = fs::read_to_string(format!("/proc/{}/stat", child.id())).expect("it runs");
    let behind_name = stat.rsplit(')').next().expect("fields");
    let faults = behind_name.split_whitespace().nth(7).expect("minor faults");
    drop(stdin);
    assert!(child.wait().expect("it ends").success());
    (kilobytes << 10, faults.parse().expect("a number"))
}

#[cfg(target_os = "linux")]
#[test]
fn the_preset_for_little_memory_takes_less_than_128_mib() {
    let (peak, _) = memory("--preset memory-optimized");
    assert!(peak < 128 << 20, "{} MiB", peak >> 20);
}

#[cfg(target_os = "linux")]
#[test]
fn memory_stays_within_the_limit() {
    let (small, faults_of_small) = memory("--memory-limit 96MiB --threads 2");
    assert!(small < 96 << 20, "96MiB: {} MiB", small >> 20);
    let (whole, faults) = memory("--memory-limit 512MiB --threads 2");
    // with room to spare, freed memory is used again before the system takes it back
    let (of_whole, of_small) = (faults * small, faults_of_small * whole);
    assert!(of_whole * 2 < of_small, "{faults} and {faults_of_small} page faults");
    assert!(whole < 512 << 20, "512MiB: {} MiB", whole >> 20);
    assert!(small < whole, "{small} {whole}");
}

#[test]
fn a_limit_changes_row_groups_and_nothing_else() {
    let convert = |args: &str| {
        let folder = Folder::new();
        folder.write("t.jsonl", records(40_000));
        folder.run(&format!("convert t.jsonl --to parquet -q {args}")).stdout();
        fs::read(folder.path().join("t.parquet")).unwrap()
    };
    let small = convert("--memory-limit 64MiB --threads 1");
    assert!(small == convert("--memory-limit 64MiB --threads 8"), "threads change the file");
    assert!(small != convert(""), "the limit reaches the file");
}

#[test]
fn a_limit_that_is_too_small_is_refused() {
    let folder = Folder::new();
    folder.write("t.jsonl", "{}\n");
    let run = folder.run("convert t.jsonl --to parquet --memory-limit 10MiB");
    run.fails_with(2, "error: `--memory-limit`: expected 64MiB at least");
}

#[test]
fn all_tables_together_have_a_cap_of_columns() {
    let folder = Folder::new();
    let record = |table: usize| {
        let members: Vec<_> = (0..4_000).map(|key| format!("\"k{key}\":{key}")).collect();
        format!("{{\"t{table}\":[{{{}}}]}}\n", members.join(","))
    };
    folder.write("in.jsonl", (0..33).map(record).collect::<String>());
    let columns = |flags: &str| {
        let args = format!("convert in.jsonl --to jsonl -o out --force --summary json {flags}");
        let done = folder.run(&args);
        assert_eq!(done.status, 0, "{}", done.stderr);
        let summary = done.stderr.lines().find(|line| line.starts_with('{')).expect("a summary");
        let summary: serde_json::Value = serde_json::from_str(summary).expect("JSON");
        let tables = summary["tables"].as_array().expect("tables");
        let columns: u64 = tables.iter().map(|table| table["columns"].as_u64().unwrap()).sum();
        let links = 1 + 3 * (tables.len() as u64 - 1);
        (columns - links, folder.read("out/in_t32.jsonl"), done.stderr)
    };
    // the last table has a column of its own for what finds none
    let (found, last, said) = columns("");
    assert_eq!(found, (1 << 17) + 1);
    let first_beyond = (1 << 17) - 32 * 4_000;
    assert!(
        last.contains(&format!("\"_tm_rest\":{{\"/k{first_beyond}\":{first_beyond},")),
        "{last}"
    );
    assert!(last.trim_end().ends_with("\"/k3999\":3999}}"), "{last}");
    assert!(said.contains("no room for another column"), "{said}");

    let (found, last, said) = columns("--max-columns 132000");
    assert_eq!(found, 132_000);
    assert!(last.contains("\"k3999\":3999}") && !said.contains("no room"), "{said}");
}

/// Converts `in.jsonl` to standard output; returns how many bytes came, and the most memory that was held, in bytes.
///
/// The last bytes are left in the pipe until that is known, so the program cannot have ended.
#[cfg(target_os = "linux")]
fn memory_of_text(folder: &Folder, flags: &str) -> (usize, usize) {
    let args = format!("convert in.jsonl -o - -q {flags}");
    let mut child = folder
        .command(&args)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    let mut out = child.stdout.take().expect("a pipe");
    let (mut bytes, mut peak, mut block) = (0, 0, vec![0; 1 << 16]);
    loop {
        match out.read(&mut block).expect("it writes on") {
            0 => break,
            more => bytes += more,
        }
        let status = fs::read_to_string(format!("/proc/{}/status", child.id()));
        let held = status.ok().and_then(|status| {
            let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
            line.trim().trim_end_matches(" kB").parse::<usize>().ok()
        });
        peak = held.map_or(peak, |kilobytes| kilobytes << 10);
    }
    assert!(child.wait().expect("it ends").success());
    (bytes, peak)
}

#[cfg(target_os = "linux")]
#[test]
fn cells_without_a_value_do_not_wait_in_memory() {
    let folder = Folder::new();
    let few = (0..9_000).map(|n| format!("{{\"k{}\":1,\"k{}\":2}}\n", n % 1_000, n * 7 % 1_000));
    folder.write("in.jsonl", few.collect::<String>());
    for flags in ["--to jsonl --nulls keep", "--to json --nulls keep"] {
        let (bytes, peak) = memory_of_text(&folder, &format!("{flags} --memory-limit 64MiB"));
        assert!(bytes > 100 << 20, "{bytes}");
        assert!(peak > 10 << 20 && peak < 64 << 20, "{flags}: {} MiB", peak >> 20);
    }
    let few = (0..20_000).map(|n| format!("{{\"k{}\":1}}\n", n % 4_000));
    folder.write("in.jsonl", few.collect::<String>());
    let (bytes, peak) = memory_of_text(&folder, "--to csv --memory-limit 64MiB");
    assert!(bytes > 76 << 20, "{bytes}");
    assert!(peak > 10 << 20 && peak < 64 << 20, "{} MiB", peak >> 20);
}

#[test]
fn long_keys_do_not_multiply() {
    let folder = Folder::new();
    let record = |bytes: usize, leaves: usize| {
        let members: Vec<_> = (0..leaves).map(|key| format!("\"k{key}\":{key}")).collect();
        format!("{{\"{}\":{{{}}}}}\n", "p".repeat(bytes), members.join(","))
    };
    // a path of 5 KiB counts as 21 columns of the run
    folder.write("in.jsonl", record(5 << 10, 9_000));
    let done = folder.run("convert in.jsonl --to jsonl -o out --max-columns 20000 --summary json");
    assert_eq!(done.status, 0, "{}", done.stderr);
    let summary = done.stderr.lines().find(|line| line.starts_with('{')).expect("a summary");
    let summary: serde_json::Value = serde_json::from_str(summary).expect("JSON");
    let columns = (1usize << 17).div_ceil(21);
    assert_eq!(summary["tables"][0]["columns"], columns + 2);
    let rest = format!("\"_tm_rest\":{{\"/{}/k{columns}\":{columns},", "p".repeat(5 << 10));
    assert!(folder.read("out/in.jsonl").contains(&rest));

    // each of the values below would say a key of 300 KB
    folder.write("in.jsonl", record(300_000, 2_000) + "{\"a\":1}\n");
    let done = folder.run("convert in.jsonl --to jsonl -o - --rejects rejects.jsonl");
    assert_eq!((done.status, &done.stdout[..]), (3, &b"{\"_tm_id\":2,\"a\":1}\n"[..]));
    assert!(done.stderr.contains("1 record.too_large"), "{}", done.stderr);
    assert!(folder.read("rejects.jsonl").contains("expected keys that are shorter"));
}
