//! README.md and the manual: their commands run as pasted, and print what stands below them.
//!
//! Every fenced `sh` or `console` block that runs `transmog`, or `cargo run --release -- `, is run
//! in a folder of its own that holds a copy of `fixtures/`.

#![cfg(all(feature = "cli", unix))]
#![allow(clippy::unwrap_used, reason = "a panic in a test is its failure")]

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

const README: &str = include_str!("../README.md");

/// Pages whose commands are run, with their names.
const PAGES: [(&str, &str); 5] = [
    ("README.md", README),
    ("docs/configuration.md", include_str!("../docs/configuration.md")),
    ("docs/batching.md", include_str!("../docs/batching.md")),
    ("docs/manifest.md", include_str!("../docs/manifest.md")),
    ("docs/object-stores.md", include_str!("../docs/object-stores.md")),
];

/// How a command of a README starts that runs this project from its sources.
const FROM_SOURCE: &str = "cargo run --release -- ";

/// A fenced block.
#[derive(Debug)]
struct Fenced {
    language: &'static str,
    /// Line of the opening fence, from 1.
    line_number: usize,
    lines: Vec<&'static str>,
}

/// A command and what is shown below it.
#[derive(Debug, PartialEq)]
struct Shown {
    command: String,
    output: String,
}

fn fenced_blocks(page: &'static str) -> Vec<Fenced> {
    let mut found: Vec<Fenced> = Vec::new();
    let mut is_open = false;
    for (index, line) in page.lines().enumerate() {
        match line.strip_prefix("```") {
            Some(language) if !is_open => {
                is_open = true;
                found.push(Fenced { language, line_number: index + 1, lines: Vec::new() });
            }
            Some(_) => is_open = false,
            None if is_open => found.last_mut().unwrap().lines.push(line),
            None => {}
        }
    }
    assert!(!is_open, "the last fence is not closed");
    found
}

/// Takes a block apart: in `sh` every line is a command, in `console` those behind `$ `.
fn commands(block: &Fenced) -> Vec<Shown> {
    let mut found: Vec<Shown> = Vec::new();
    for line in &block.lines {
        let command = match block.language {
            "sh" => Some(*line).filter(|line| !line.is_empty() && !line.starts_with('#')),
            _ => line.strip_prefix("$ "),
        };
        match (command, found.last_mut()) {
            (Some(command), _) => {
                found.push(Shown { command: command.to_owned(), output: String::new() });
            }
            (None, Some(last)) if block.language == "console" => {
                last.output.push_str(line);
                last.output.push('\n');
            }
            (None, _) => {}
        }
    }
    found
}

/// Returns whether a command runs this project's binary, in a pipe or by itself.
fn is_ours(command: &str) -> bool {
    let starts = |part: &str| part.starts_with("transmog ") || part.starts_with(FROM_SOURCE);
    command.split(" | ").any(starts)
}

/// Makes a folder to run in.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let to = folder.path().join("fixtures");
    fs::create_dir(&to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
        }
    }
    folder
}

/// Returns a command that runs in `folder` and finds the binary as `transmog`.
fn shell(folder: &Path, command: &str) -> Command {
    let binary = PathBuf::from(env!("CARGO_BIN_EXE_transmog"));
    let mut path = vec![binary.parent().unwrap().to_path_buf()];
    path.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap()));
    let mut shell = Command::new("sh");
    shell.args(["-c", &command.replace(FROM_SOURCE, "transmog ")]);
    shell.env("PATH", std::env::join_paths(path).unwrap()).current_dir(folder);
    // what whoever runs the tests has set is none of the pages' settings
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("TRANSMOG_") {
            shell.env_remove(name);
        }
    }
    for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE"] {
        shell.env_remove(name);
    }
    shell
}

/// Puts `…` for what another run would say otherwise: how long it took, and how fast it was.
fn without_times(text: &str) -> String {
    let line = |line: &str| {
        let parts = line
            .split_once(" in ")
            .filter(|(start, _)| start.ends_with(" record") || start.ends_with(" records"));
        match parts.and_then(|(start, rest)| Some((start, rest.split_once(", ")?.1))) {
            Some((start, size)) => {
                let size = size.split_once(" at ").map_or(size, |(size, _)| size);
                format!("{start} in …, {size} at …\n")
            }
            None => format!("{line}\n"),
        }
    };
    text.lines().map(line).collect()
}

/// Runs a command; returns what a terminal would show.
fn run(folder: &Path, command: &str) -> String {
    let output = shell(folder, &format!("{{ {command}\n}} 2>&1")).output().unwrap();
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{command}: {}\n{shown}", output.status);
    shown
}

#[test]
fn commands_run_and_print_what_is_shown() {
    let (mut ran, mut compared) = (0, 0);
    let blocks = PAGES
        .iter()
        .flat_map(|(name, page)| fenced_blocks(page).into_iter().map(move |block| (*name, block)));
    for (name, block) in blocks {
        if !matches!(block.language, "sh" | "console") {
            continue;
        }
        let commands = commands(&block);
        if !commands.iter().any(|shown| is_ours(&shown.command)) {
            continue;
        }
        let folder = folder();
        for Shown { command, output } in commands {
            let found = run(folder.path(), &command);
            ran += 1;
            if !output.is_empty() {
                let (found, output) = (without_times(&found), without_times(&output));
                assert_eq!(found, output, "{name}:{}: {command}", block.line_number);
                compared += 1;
            }
        }
    }
    assert!(ran >= 12 && compared >= 6, "the README lost its examples: {ran}, {compared}");
}

/// The picture: a record, then a section for each table: its name, its columns, its rows.
#[test]
fn picture_of_one_record_shows_the_tables_it_becomes() {
    let blocks = fenced_blocks(README);
    let picture = blocks.iter().find(|block| block.language == "text").expect("a picture");
    let mut sections = picture.lines.split(|line| line.is_empty());
    let record = sections.next().unwrap().join("\n");
    let mut drawn: Vec<(String, Vec<Vec<String>>)> = sections
        .map(|section| {
            let rows = section[1..]
                .iter()
                .map(|row| row.split('│').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>());
            (section[0].trim_end_matches(':').to_owned(), rows.collect())
        })
        .collect();
    assert_eq!(drawn.len(), 3);

    let command = "transmog convert --name orders --to jsonl --framing tagged --nulls keep -q";
    let folder = tempfile::tempdir().unwrap();
    let mut child =
        shell(folder.path(), command).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(record.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let mut made: Vec<(String, Vec<Vec<String>>)> = Vec::new();
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let row: serde_json::Map<String, Value> = serde_json::from_str(line).unwrap();
        let (names, cells): (Vec<String>, Vec<Value>) = row.into_iter().unzip();
        let text = |cell: &Value| cell.as_str().map_or(cell.to_string(), str::to_owned);
        let table = text(&cells[0]);
        if made.last().is_none_or(|(name, _)| *name != table) {
            made.push((table, vec![names[1..].to_vec()]));
        }
        made.last_mut().unwrap().1.push(cells[1..].iter().map(text).collect());
    }
    drawn.sort();
    made.sort();
    assert_eq!(drawn, made);
}

#[test]
fn main_commands_stand_as_people_look_for_them() {
    for command in [
        "cargo run --release -- convert fixtures/orders.jsonl --to parquet -o out/",
        "cargo test",
        "cargo install --path .",
    ] {
        assert!(README.lines().any(|line| line == command), "{command}");
    }
}

#[test]
fn every_code_of_a_reject_is_explained() {
    for code in transmog::FaultCode::ALL {
        let rows = README.lines().filter(|line| line.starts_with(&format!("| `{code}` | ")));
        assert_eq!(rows.count(), 1, "{code}");
    }
}
