//! Manual pages.

use super::Folder;

/// Every page, and what must stand in it.
const PAGES: [(&str, &str); 11] = [
    ("", "EXIT STATUS"),
    ("convert", "\\-\\-arrays\\-at"),
    ("schema", "\\-\\-dialect"),
    ("schema merge", "SCHEMA"),
    ("schema diff", "OLD"),
    ("check", "\\-\\-max\\-errors"),
    ("profile", "\\-\\-format"),
    ("config", "\\-\\-check"),
    ("formats", "\\-\\-json"),
    ("completions", "SHELL"),
    ("man", "\\-\\-output"),
];

/// What a page may say to the formatter.
const CONTROLS: [&str; 13] =
    [".TH", ".SH", ".PP", ".TP", ".RS", ".RE", ".IP", ".nf", ".fi", ".br", ".ie", ".el", ".sp"];

fn file_of(command: &str) -> String {
    format!("transmog {command}").trim_end().replace(' ', "-") + ".1"
}

#[test]
fn every_command_has_a_page() {
    let folder = Folder::new();
    assert_eq!(folder.run("man -o pages/man1").stdout(), "");
    let mut files: Vec<_> = PAGES.iter().map(|(command, _)| file_of(command)).collect();
    files.sort();
    assert_eq!(folder.names("pages/man1"), files.join(" "));
    for (command, expected) in PAGES {
        let page = folder.run(&format!("man {command}")).stdout();
        let file = file_of(command);
        assert_eq!(folder.read(&format!("pages/man1/{file}")), page, "{command}");
        let title = format!(
            ".TH {} 1 \"\" \"transmog {}\"\n",
            file.trim_end_matches(".1").to_uppercase(),
            env!("CARGO_PKG_VERSION")
        );
        assert!(page.starts_with(&title), "{page}");
        assert!(page.contains("\n.SH SYNOPSIS\n") && page.contains(expected), "{command}: {page}");
    }
    // the commands of help are those that have pages
    let help = folder.run("--help").stdout();
    let listed = help.split_once("\nCommands:\n").unwrap().1.split("\n\n").next().unwrap();
    let names = listed.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    let listed = names.filter(|name| !name.is_empty());
    for command in listed {
        assert!(PAGES.iter().any(|(page, _)| *page == command), "{command}");
    }
}

#[test]
fn pages_show_the_flags_that_help_shows() {
    let folder = Folder::new();
    for (command, _) in PAGES {
        let help = folder.run(&format!("{command} --help")).stdout();
        let page = folder.run(&format!("man {command}")).stdout().replace("\\-", "-");
        let start = |line: &str| line.trim_start().starts_with("--") || line.contains(" -");
        let flags = help.lines().filter(|line| start(line)).filter_map(|line| {
            let flag = line.split("--").nth(1)?.split([' ', '[', '=', '`', '.', ',']).next()?;
            line.trim_start().starts_with('-').then(|| format!("--{flag}"))
        });
        for flag in flags {
            assert!(page.contains(&format!("\\fB{flag}\\fR")), "{command}: {flag}");
        }
        assert!(!page.contains("--chunk-bytes"), "{command}: a hidden flag");
    }
    let check = folder.run("man check").stdout();
    assert!(!check.contains("\\-\\-compression") && check.contains("\\-\\-on\\-error"));
}

#[test]
fn text_of_help_is_no_control_line() {
    let folder = Folder::new();
    for (command, _) in PAGES {
        let page = folder.run(&format!("man {command}")).stdout();
        for line in page.lines() {
            let is_control = line.starts_with(['.', '\'']);
            let name = line.split(' ').next().unwrap();
            assert!(!is_control || CONTROLS.contains(&name), "{command}: {line}");
            assert!(line.is_ascii() && !line.contains('\u{1b}'), "{command}: {line}");
        }
    }
}

#[test]
fn pages_that_are_there_are_replaced() {
    let folder = Folder::new();
    folder.write("transmog-schema.1", "old");
    folder.write("transmog.1", "other");
    folder.run("man schema -o .").stdout();
    assert_eq!(
        folder.names("."),
        "transmog-schema-diff.1 transmog-schema-merge.1 transmog-schema.1 transmog.1"
    );
    assert!(folder.read("transmog-schema.1").starts_with(".TH TRANSMOG-SCHEMA 1"));
    assert_eq!(folder.read("transmog.1"), "other");
}

#[test]
fn what_has_no_page_is_named() {
    let folder = Folder::new();
    folder.run("man convrt").fails(
        2,
        "error: expected a command of `transmog`, found `convrt`\n\
         hint: did you mean `convert`? there are `convert`, `schema`, `check`, `profile`, \
         `config`, `formats`, `completions`, `man`\n",
    );
    folder.run("man schema dif").fails(
        2,
        "error: expected a command of `transmog schema`, found `dif`\n\
         hint: did you mean `diff`? there are `merge`, `diff`\n",
    );
    folder
        .run("man check x")
        .fails(2, "error: expected a command of `transmog check`, found `x`\nhint: it has none\n");
    folder.write("file", "");
    folder.run("man -o file").fails_with(1, "error: file: making the directory failed: ");
}
