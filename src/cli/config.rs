//! `transmog config`: what holds, and why.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::Path;

use clap::ArgMatches;
use serde::Serialize;
use transmog::error::EXIT_DONE;
use transmog::sink::names::printable;
use transmog::{Error, ErrorKind};

use super::args::ConfigArgs;
use super::layers::{self, Given, Origin, Settled, Sources};
use super::plan::Scope;
use super::settings::{Kind, Setting, Settings};

/// Keys, values and origins that are longer push what follows them to the right.
const WIDTHS_MAX: [usize; 3] = [24, 24, 40];

/// Prints every setting, or checks a file.
///
/// - Errors: all that is wrong with the settings; `ClosedPipe`, `Io`.
pub fn run(
    settings: &Settings,
    line: &[OsString],
    matches: &ArgMatches,
    args: &ConfigArgs,
) -> Result<u8, Vec<Error>> {
    let text = match &args.check {
        Some(file) => {
            refuse_others(settings, matches, args)?;
            check(settings, file)?
        }
        None => {
            let sources = Sources { variables: std::env::vars_os().collect(), file: None };
            let settled = layers::settle(settings, line, matches, sources, Scope::Settings)?;
            match args.json {
                true => to_json(settings, &settled).map_err(|error| vec![error])?,
                false => to_text(settings, &settled),
            }
        }
    };
    super::print(text.as_bytes()).map_err(|error| vec![error])?;
    Ok(EXIT_DONE)
}

/// Looks at a file alone; returns what to say of one that is fine.
fn check(settings: &Settings, file: &Path) -> Result<String, Vec<Error>> {
    let line = ["transmog", "config"].map(OsString::from);
    let matches = settings.parse(&line).map_err(|_| Vec::new())?;
    let sources = Sources { variables: Vec::new(), file: Some(file.to_path_buf()) };
    let settled = layers::settle(settings, &line, &matches, sources, Scope::Settings)?;
    let is_in_file = |given: &&Given| matches!(given.origin, Origin::File { .. });
    let count =
        settled.given.iter().filter(is_in_file).count() + usize::from(settled.preset.is_some());
    let noun = if count == 1 { "setting" } else { "settings" };
    let name = file.display().to_string();
    Ok(format!("{}: {count} {noun}, all fine\n", printable(&name)))
}

fn refuse_others(
    settings: &Settings,
    matches: &ArgMatches,
    args: &ConfigArgs,
) -> Result<(), Vec<Error>> {
    let typed = matches.subcommand().map(|(_, matches)| layers::typed(settings, matches));
    let typed = typed.unwrap_or_default().into_iter().find_map(|given| settings.find(&given.key));
    let convert = &args.convert;
    let other = match (typed, &convert.preset, &convert.config, convert.files.first()) {
        (Some(setting), ..) => format!("--{}", setting.long),
        (None, Some(_), ..) => "--preset".to_owned(),
        (None, None, Some(_), _) => "--config".to_owned(),
        (None, None, None, Some(file)) => file.display().to_string(),
        (None, None, None, None) => return Ok(()),
    };
    let error =
        Error::usage(format!("`--check`: expected nothing beside its file, found `{other}`"));
    Err(vec![error.with_hint("`transmog config --config FILE` takes flags besides")])
}

/// One setting as it is shown.
struct Row<'a> {
    setting: &'a Setting,
    given: Option<&'a Given>,
}

fn rows<'a>(settings: &'a Settings, settled: &'a Settled) -> impl Iterator<Item = Row<'a>> {
    settings.list().iter().filter(|setting| !setting.is_hidden).map(|setting| {
        let given = settled.given.iter().find(|given| given.key == setting.key);
        Row { setting, given }
    })
}

impl Row<'_> {
    fn value(&self) -> String {
        match self.given {
            Some(given) if given.values.is_empty() => "[]".to_owned(),
            Some(given) => printable(&given.values.join(", ")),
            None => self.setting.default.unwrap_or("-").to_owned(),
        }
    }

    fn origin(&self) -> String {
        self.given
            .map_or_else(|| "default".to_owned(), |given| printable(&given.origin.to_string()))
    }

    fn cells(&self) -> [String; 3] {
        [self.setting.key.clone(), self.value(), self.origin()]
    }

    fn to_json(&self) -> Shown<'_> {
        let setting = self.setting;
        let value = match self.given {
            Some(given) if setting.kind == Kind::List => Shape::List(&given.values),
            Some(given) => Shape::One(given.values.first().map(String::as_str)),
            None => Shape::One(setting.default),
        };
        Shown {
            key: &setting.key,
            flag: format!("--{}", setting.long),
            env: setting.env(),
            value,
            origin: self.given.map_or("default".to_owned(), |given| given.origin.to_string()),
            accepts: &setting.accepts,
            default: setting.default,
        }
    }
}

/// One setting in JSON.
#[derive(Serialize)]
struct Shown<'a> {
    key: &'a str,
    flag: String,
    env: String,
    value: Shape<'a>,
    origin: String,
    accepts: &'a str,
    default: Option<&'static str>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Shape<'a> {
    One(Option<&'a str>),
    List(&'a [String]),
}

/// Writes a line for each setting, so that differences can be seen.
fn to_json(settings: &Settings, settled: &Settled) -> Result<String, Error> {
    let lines: Result<Vec<_>, _> =
        rows(settings, settled).map(|row| serde_json::to_string(&row.to_json())).collect();
    let lines = lines.map_err(|cause| {
        Error::new(ErrorKind::Internal, format!("<stdout>: writing JSON failed: {cause}"))
    })?;
    Ok(format!("[\n{}\n]\n", lines.join(",\n")))
}

fn to_text(settings: &Settings, settled: &Settled) -> String {
    let rows: Vec<_> = rows(settings, settled).collect();
    let cells: Vec<_> = rows.iter().map(Row::cells).collect();
    let width = |column: usize| {
        let widths = cells.iter().map(|row| row[column].chars().count());
        widths.filter(|width| *width <= WIDTHS_MAX[column]).max().unwrap_or_default()
    };
    let (key_width, value_width, origin_width) = (width(0), width(1), width(2));
    let mut text = String::new();
    let mut group = "";
    for (row, [key, value, origin]) in rows.iter().zip(&cells) {
        if row.setting.group != group {
            group = &row.setting.group;
            let gap = if text.is_empty() { "" } else { "\n" };
            // writing to a `String` cannot fail
            let _ = writeln!(text, "{gap}{group}:");
        }
        let accepts = &row.setting.accepts;
        let _ = writeln!(
            text,
            "  {key:key_width$}  {value:value_width$}  {origin:origin_width$}  {accepts}"
        );
    }
    if !settled.set_aside.is_empty() {
        text.push_str("\nNot applied:\n");
    }
    for (given, why) in &settled.set_aside {
        let (key, value, why) = (&given.key, given.values.join(", "), why.to_string());
        let _ = writeln!(text, "  {key} = {value} of {}: {}", given.origin, printable(&why));
    }
    if !settled.unknown.is_empty() {
        let names: Vec<_> = settled.unknown.iter().map(|name| printable(name)).collect();
        let _ = writeln!(text, "\nNot known, and not used:\n  {}", names.join("\n  "));
    }
    text
}
