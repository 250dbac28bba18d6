//! README.md and the manual: their commands run as pasted, and print what stands below them.
//!
//! Every fenced `sh` or `console` block of README.md and of the pages in `docs/` that runs `transmog`,
//! or `cargo run --release -- `, is run in a folder of its own that holds a copy of `fixtures/`.

#![cfg(all(feature = "cli", unix))]
#![allow(clippy::unwrap_used, reason = "a panic in a test is its failure")]

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

const README: &str = include_str!("../README.md");

/// Recipes that `docs/recipes.md` has at least.
const RECIPES_MIN: usize = 20;

/// How a command of a README starts that runs this project from its sources.
const FROM_SOURCE: &str = "cargo run --release -- ";

/// A fenced block.
#[derive(Debug)]
struct Fenced {
    language: String,
    /// Line of the opening fence, from 1.
    line_number: usize,
    lines: Vec<String>,
}

/// A command and what is shown below it.
#[derive(Debug, PartialEq)]
struct Shown {
    command: String,
    output: String,
}

/// Returns README.md and the pages in `docs/`, with their names.
fn pages() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let entries = fs::read_dir(root.join("docs")).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| format!("docs/{}", entry.unwrap().file_name().to_str().unwrap()))
        .filter(|name| name.ends_with(".md"))
        .collect();
    names.sort();
    names.insert(0, "README.md".to_owned());
    let page = |name: String| {
        let text = fs::read_to_string(root.join(&name)).unwrap();
        (name, text)
    };
    names.into_iter().map(page).collect()
}

fn fenced_blocks(page: &str) -> Vec<Fenced> {
    let mut found: Vec<Fenced> = Vec::new();
    let mut is_open = false;
    for (index, line) in page.lines().enumerate() {
        match line.strip_prefix("```") {
            Some(language) if !is_open => {
                is_open = true;
                let language = language.to_owned();
                found.push(Fenced { language, line_number: index + 1, lines: Vec::new() });
            }
            Some(_) => is_open = false,
            None if is_open => found.last_mut().unwrap().lines.push(line.to_owned()),
            None => {}
        }
    }
    assert!(!is_open, "the last fence is not closed");
    found
}

/// Takes a block apart: in `sh` every line is a command, in `console` those behind `$ `. One that
/// ends with `\` goes on in the next line.
fn commands(block: &Fenced) -> Vec<Shown> {
    let mut found: Vec<Shown> = Vec::new();
    let mut goes_on = false;
    for line in &block.lines {
        let command = match block.language.as_str() {
            "sh" => Some(line.as_str()).filter(|line| !line.is_empty() && !line.starts_with('#')),
            _ => line.strip_prefix("$ "),
        };
        match (command, found.last_mut()) {
            (_, Some(last)) if goes_on => {
                last.command.push('\n');
                last.command.push_str(line);
            }
            (Some(command), _) => {
                found.push(Shown { command: command.to_owned(), output: String::new() });
            }
            (None, Some(last)) if block.language == "console" => {
                last.output.push_str(line);
                last.output.push('\n');
                continue;
            }
            (None, _) => continue,
        }
        goes_on = line.ends_with('\\');
    }
    found
}

/// Returns whether a block's commands are run.
fn is_run(block: &Fenced) -> bool {
    matches!(block.language.as_str(), "sh" | "console")
        && commands(block).iter().any(|shown| is_ours(&shown.command))
}

/// Returns whether a command runs this project's binary: in a pipe, behind another, with variables.
fn is_ours(command: &str) -> bool {
    let parts = command.split(['|', ';', '&']).map(|part| {
        let is_variable = |word: &str| word.contains('=') && !word.starts_with('-');
        let words: Vec<_> = part.split(' ').filter(|word| !word.is_empty()).collect();
        words.into_iter().skip_while(|word| is_variable(word)).collect::<Vec<_>>().join(" ") + " "
    });
    parts.into_iter().any(|part| part.starts_with("transmog ") || part.starts_with(FROM_SOURCE))
}

/// Makes a folder to run in.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in ["fixtures", "fixtures/recipes"] {
        let to = folder.path().join(name);
        fs::create_dir(&to).unwrap();
        for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
            }
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
    // no page writes to the home of whoever runs the tests
    shell.env("HOME", folder);
    for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "GITHUB_STEP_SUMMARY"] {
        shell.env_remove(name);
    }
    shell
}

/// Puts `…` for what other versions of what writes Parquet would say otherwise: how large its files
/// are, and so how wide the column of sizes is.
fn without_sizes(text: &str) -> String {
    if !text.lines().any(|line| line.ends_with(".parquet")) {
        return text.to_owned();
    }
    const UNITS: [&str; 4] = ["B", "kB", "MB", "GB"];
    let line = |line: &str| {
        let mut words: Vec<&str> = line.split_whitespace().collect();
        let is_size = |pair: &[&str]| {
            let is_number = pair[0].bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
            is_number && UNITS.contains(&pair[1])
        };
        if line.ends_with(".parquet")
            && let Some(at) = words.windows(2).position(is_size)
        {
            words.splice(at..at + 2, ["…"]);
        }
        // the other lines of the list are as wide
        words.join(" ") + "\n"
    };
    text.lines().map(line).collect()
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
    for (name, page) in pages() {
        for block in fenced_blocks(&page).iter().filter(|block| is_run(block)) {
            let folder = folder();
            for Shown { command, output } in commands(block) {
                let found = run(folder.path(), &command);
                ran += 1;
                if !output.is_empty() {
                    let steady = |text: &str| without_sizes(&without_times(text));
                    let (found, output) = (steady(&found), steady(&output));
                    let place = block.line_number;
                    assert_eq!(found.trim_end(), output.trim_end(), "{name}:{place}: {command}");
                    compared += 1;
                }
            }
        }
    }
    assert!(ran >= 100 && compared >= 60, "the pages lost their examples: {ran}, {compared}");
}

#[test]
fn sizes_of_parquet_files_alone_may_differ() {
    let list = |rows: u32, size: &str, gap: &str| {
        format!(
            "table   rows  {gap}size  path\norders     {rows}  {size}  out/orders.parquet\n1 record\n"
        )
    };
    let same = |one: String, other: String| without_sizes(&one) == without_sizes(&other);
    assert!(same(list(3, "999 B", ""), list(3, "1.0 kB", " ")));
    assert!(!same(list(3, "999 B", ""), list(4, "999 B", "")));
    let csv = |size: &str| list(3, size, "").replace("parquet", "csv");
    assert!(!same(csv("999 B"), csv("998 B")));
}

#[test]
fn every_recipe_has_a_command_that_runs() {
    let (_, page) = pages().into_iter().find(|(name, _)| name == "docs/recipes.md").unwrap();
    let recipes: Vec<_> = page.split("\n## ").skip(1).collect();
    assert!(recipes.len() >= RECIPES_MIN, "{}", recipes.len());
    for recipe in recipes {
        let heading = recipe.lines().next().unwrap();
        assert!(fenced_blocks(recipe).iter().any(is_run), "{heading}");
    }
}

/// Returns what the heading of a section is called in links, as GitHub has it.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|char| char.is_alphanumeric() || " -_".contains(*char));
    kept.map(|char| if char == ' ' { '-' } else { char.to_ascii_lowercase() }).collect()
}

#[test]
fn links_lead_somewhere_and_readme_to_every_page() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let pages = pages();
    let mut linked = BTreeSet::new();
    for (name, page) in &pages {
        let folder = root.join(name).parent().unwrap().to_path_buf();
        for link in page.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()) {
            if link.contains("://") {
                continue;
            }
            let (path, section) = link.split_once('#').unwrap_or((link, ""));
            let path = if path.is_empty() { root.join(name) } else { folder.join(path) };
            assert!(path.exists(), "{name}: {link}");
            if name == "README.md" {
                linked.insert(path.clone());
            }
            if !section.is_empty() {
                let target = fs::read_to_string(&path).unwrap();
                let headings = target.lines().filter(|line| line.starts_with('#'));
                let mut anchors = headings.map(|line| anchor(line.trim_start_matches(['#', ' '])));
                assert!(anchors.any(|one| one == section), "{name}: {link}");
            }
        }
    }
    for (name, _) in &pages[1..] {
        assert!(linked.contains(&root.join(name)), "README.md has no link to {name}");
    }
}

#[test]
fn an_exit_status_means_one_thing() {
    use transmog::error;
    let (_, page) = pages().into_iter().find(|(name, _)| name == "docs/ci.md").unwrap();
    let statuses = [
        error::EXIT_DONE,
        error::EXIT_FAILED,
        error::EXIT_USAGE,
        error::EXIT_REJECTS,
        error::EXIT_BUDGET,
        error::EXIT_INPUT,
    ];
    for status in statuses {
        let rows = page.lines().filter(|line| line.starts_with(&format!("| {status} | `EXIT_")));
        assert_eq!(rows.count(), 1, "{status}");
    }
}

/// The picture: a record, then a section for each table: its name, its columns, its rows.
#[test]
fn picture_of_one_record_shows_the_tables_it_becomes() {
    let blocks = fenced_blocks(README);
    let picture = blocks.iter().find(|block| block.language == "text").expect("a picture");
    let mut sections = picture.lines.split(String::is_empty);
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
    let (_, page) = pages().into_iter().find(|(name, _)| name == "docs/recovery.md").unwrap();
    for code in transmog::FaultCode::ALL {
        let rows = page.lines().filter(|line| line.starts_with(&format!("| `{code}` | ")));
        assert_eq!(rows.count(), 1, "{code}");
    }
}
