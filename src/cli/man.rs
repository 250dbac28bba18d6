//! `transmog man`.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use clap::{Arg, Command, CommandFactory};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};
use transmog::Error;

use super::args::Args;

/// The section of commands.
const SECTION: &str = "1";

/// What each exit status of a command that reads inputs means.
const STATUSES: [(&str, &str); 7] = [
    ("0", "all records were converted, or rejects stayed within the budget that was set"),
    ("1", "the run failed: reading or writing, or a bad record with `--on-error fail`"),
    ("2", "the command line cannot work, or an output exists"),
    ("3", "records were rejected, and no budget was set; the others were published"),
    ("4", "more records were rejected than the budget allows, or one is outside the schema"),
    ("5", "an input cannot be read as a whole"),
    ("130, 143", "a signal ended the run"),
];

/// Commands that have these.
const READING: [&str; 5] = ["transmog", "convert", "schema", "check", "profile"];

/// Prints the page of the command that `names` lead to, of `transmog` itself for none; or writes it
/// into a directory, with those of all commands below.
///
/// - Errors: `Usage`, `Io`, `ClosedPipe`.
pub fn run(names: &[String], output: Option<&Path>) -> Result<(), Error> {
    let root = built();
    let mut command = &root;
    for name in names {
        let found = pages_below(command).find(|below| below.get_name() == name);
        command = found.ok_or_else(|| unknown(command, name))?;
    }
    match output {
        Some(folder) => write_all(command, folder),
        None => super::print(&page(command)),
    }
}

fn unknown(above: &Command, name: &str) -> Error {
    let known: Vec<_> = pages_below(above).map(Command::get_name).collect();
    let title = above.get_bin_name().unwrap_or_else(|| above.get_name());
    let message = format!("expected a command of `{title}`, found `{name}`");
    let hint = match known.as_slice() {
        [] => "it has none".to_owned(),
        known => format!("there are `{}`", known.join("`, `")),
    };
    Error::usage(message).with_hint(hint).with_nearest(name, known)
}

/// Returns all commands, each with the names of those above it.
fn built() -> Command {
    let mut root = Args::command();
    root.build();
    root
}

fn pages_below(command: &Command) -> impl Iterator<Item = &Command> {
    command.get_subcommands().filter(|below| !below.is_hide_set())
}

/// Writes the pages of `command` and all below it.
fn write_all(command: &Command, folder: &Path) -> Result<(), Error> {
    fs::create_dir_all(folder).map_err(|cause| Error::io("making the directory", folder, cause))?;
    let mut waiting = vec![command];
    while let Some(command) = waiting.pop() {
        let path = folder.join(format!("{}.{SECTION}", title(command)));
        fs::write(&path, page(command)).map_err(|cause| Error::io("writing", &path, cause))?;
        waiting.extend(pages_below(command));
    }
    Ok(())
}

/// Returns `transmog-schema-diff`.
fn title(command: &Command) -> String {
    command.get_bin_name().unwrap_or_else(|| command.get_name()).replace(' ', "-")
}

/// Returns a page in roff.
fn page(command: &Command) -> Vec<u8> {
    let mut out = Vec::new();
    // writing to memory cannot fail
    let _ = render(command, &mut out);
    let text = String::from_utf8_lossy(&out);
    let spelled = |char: char| match char.is_ascii() {
        true => char.to_string(),
        // formatters do not agree on what UTF-8 is
        false => format!("\\[u{:04X}]", u32::from(char)),
    };
    text.chars().map(spelled).collect::<String>().into_bytes()
}

fn render(command: &Command, out: &mut Vec<u8>) -> io::Result<()> {
    // one line, as there are too many flags to name each
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ").to_owned();
    let command = command.clone().mut_args(without_listed_values).override_usage(usage);
    let man = Man::new(command.clone());
    // the crate leaves an empty date out, and the rest moves up
    let title = title(&command);
    let version = env!("CARGO_PKG_VERSION");
    writeln!(out, ".TH {} {SECTION} \"\" \"transmog {version}\"", title.to_uppercase())?;
    man.render_name_section(out)?;
    man.render_synopsis_section(out)?;
    man.render_description_section(out)?;
    if let Some(examples) = command.get_before_help() {
        example_section(&examples.to_string()).to_writer(out)?;
    }
    if command.get_arguments().any(|arg| !arg.is_hide_set()) {
        man.render_options_section(out)?;
    }
    if pages_below(&command).next().is_some() {
        man.render_subcommands_section(out)?;
    }
    if READING.contains(&command.get_name()) {
        status_section().to_writer(out)?;
    }
    if title != "transmog" {
        let mut roff = Roff::new();
        roff.control("SH", ["SEE ALSO"]).text([bold("transmog"), roman(format!("({SECTION})"))]);
        roff.to_writer(out)?;
    }
    Ok(())
}

/// Leaves out the list of values that the text names already.
fn without_listed_values(arg: Arg) -> Arg {
    let text = arg.get_long_help().or_else(|| arg.get_help()).map(ToString::to_string);
    let text = text.unwrap_or_default();
    let values = arg.get_possible_values();
    let mut shown = values.iter().filter(|value| !value.is_hide_set());
    let is_listed = shown.all(|value| text.contains(&format!("`{}`", value.get_name())));
    arg.hide_possible_values(is_listed)
}

/// Sets the examples of help: what each does, and below it the commands as they are typed.
fn example_section(text: &str) -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["EXAMPLES"]);
    for line in text.lines().skip(1) {
        match line.strip_prefix("    ") {
            Some(command) => roff.control("RS", ["4"]).control("nf", []).text([bold(command)]),
            None => roff.control("PP", []).text([roman(line.trim_start())]),
        };
        if line.starts_with("    ") {
            roff.control("fi", []).control("RE", []);
        }
    }
    roff
}

fn status_section() -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["EXIT STATUS"]);
    for (status, meaning) in STATUSES {
        roff.control("TP", []).text([bold(status)]).text([roman(meaning)]);
    }
    roff
}
