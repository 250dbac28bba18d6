//! `transmog schema`.

use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use clap::ArgMatches;
use transmog::error::{EXIT_DONE, EXIT_FAILED};
use transmog::nearest::nearest;
use transmog::report::{hints, schema, sql};
use transmog::sink::names::printable;
use transmog::{Contract, Depth, Error, TableProfile};

use super::args::{ConvertArgs, SchemaAction, SchemaArgs};
use super::plan::Scope;
use super::settings::Settings;
use super::values::SchemaFormat;
use super::{convert, message};

/// Values of a column that are shown.
const EXAMPLES: usize = 3;

/// Prints which tables and columns an input has, or does what is asked with schema files; returns
/// the exit status.
///
/// - Errors: as those of `convert`; `Usage` where a schema file is none.
pub fn run(
    settings: &Settings,
    line: &[OsString],
    matches: &ArgMatches,
    args: &SchemaArgs,
) -> Result<u8, Vec<Error>> {
    match &args.action {
        Some(SchemaAction::Merge { files }) => merge(files).map_err(|error| vec![error]),
        Some(SchemaAction::Diff { old, new }) => diff(old, new).map_err(|error| vec![error]),
        None => learn(settings, line, matches, args),
    }
}

fn learn(
    settings: &Settings,
    line: &[OsString],
    matches: &ArgMatches,
    args: &SchemaArgs,
) -> Result<u8, Vec<Error>> {
    let format = args.format.unwrap_or_default();
    if args.dialect.is_some() && format != SchemaFormat::Sql {
        let error = Error::usage("`--dialect`: expected `--format sql`");
        return Err(vec![error.with_hint("leave `--dialect` out, it would do nothing")]);
    }
    if args.examples.is_some() && !matches!(format, SchemaFormat::Tree | SchemaFormat::Json) {
        let error = Error::usage("`--examples`: expected `--format tree` or `--format json`");
        return Err(vec![error.with_hint("leave `--examples` out, it would do nothing")]);
    }
    let is_arrow = format == SchemaFormat::Arrow;
    if is_arrow && io::stdout().is_terminal() {
        let error = Error::usage("`--format arrow`: expected a file or a pipe, found a terminal");
        return Err(vec![error.with_hint("send it on: `> schema.arrow`")]);
    }
    super::refuse_stdout_rejects(&args.read.0, "schema")?;
    let scope = Scope::Look(Depth::Columns);
    let ran = convert::run_in(scope, settings, line, matches);
    let (status, mut summary) = ran.map_err(|errors| with_near_action(errors, &args.read.0))?;
    let examples = args.examples.unwrap_or(EXAMPLES);
    for column in summary.profiles.iter_mut().flat_map(|table| &mut table.columns) {
        column.examples.truncate(examples);
    }
    let tables = &summary.profiles;
    let text = match format {
        SchemaFormat::Tree => schema::tree(tables).into_bytes(),
        SchemaFormat::Json => schema::to_json(tables).into_bytes(),
        SchemaFormat::Sql => {
            sql::create_tables(tables, args.dialect.unwrap_or_default()).into_bytes()
        }
        SchemaFormat::Arrow => arrow(tables).map_err(|error| vec![error])?,
    };
    if !args.read.0.quiet {
        for hint in hints::hints(tables) {
            message::say(&format!("hint: {}\n", printable(&hint)));
        }
    }
    super::print(&text).map_err(|error| vec![error])?;
    Ok(status)
}

/// Asks whether what was taken for a file was to be `merge` or `diff`.
fn with_near_action(mut errors: Vec<Error>, args: &ConvertArgs) -> Vec<Error> {
    let name = args.files.first().filter(|path| !path.exists()).and_then(|path| path.to_str());
    if let (Some(name), Some(error)) = (name, errors.pop_if(|error| error.hint().is_none())) {
        errors.push(match nearest(name, ["merge", "diff"]) {
            Some(near) => error.with_hint(format!("did you mean `transmog schema {near}`?")),
            None => error,
        });
    }
    errors
}

/// Returns the Arrow schema of the one table there is.
fn arrow(tables: &[TableProfile]) -> Result<Vec<u8>, Error> {
    match tables {
        [table] => schema::to_arrow(table),
        _ => {
            let names: Vec<_> =
                tables.iter().map(|table| format!("`{}`", printable(&table.name))).collect();
            let message = format!("`--format arrow`: expected one table, found {}", tables.len());
            let hint = format!("choose one with `--table NAME`: {}", names.join(", "));
            Err(Error::usage(message).with_hint(hint))
        }
    }
}

fn read(path: &Path) -> Result<Contract, Error> {
    let name = printable(&path.to_string_lossy());
    let text = std::fs::read_to_string(path).map_err(|cause| {
        Error::usage(format!("{name}: reading the schema failed: {cause}")).with_source(cause)
    })?;
    Contract::parse(&name, &text).map_err(|error| {
        let hint = "`transmog schema --format json FILE` makes a schema file of data";
        if error.hint().is_some() { error } else { error.with_hint(hint) }
    })
}

fn merge(files: &[PathBuf]) -> Result<u8, Error> {
    let mut merged: Option<Contract> = None;
    for file in files {
        let next = read(file)?;
        merged = Some(merged.map_or_else(|| next.clone(), |merged| merged.merged(&next)));
    }
    super::print(merged.unwrap_or_default().to_string().as_bytes())?;
    Ok(EXIT_DONE)
}

fn diff(old: &Path, new: &Path) -> Result<u8, Error> {
    let differences = read(old)?.differences(&read(new)?);
    let lines: String = differences.iter().map(|one| format!("{one}\n")).collect();
    super::print(lines.as_bytes())?;
    Ok(if differences.is_empty() { EXIT_DONE } else { EXIT_FAILED })
}
