//! Flag > environment > file > preset > default: where the settings of a run come from.

use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::ArgMatches;
use clap::parser::ValueSource;
use transmog::{Error, ErrorKind};

use super::args::{ConvertArgs, ReadArgs};
use super::environment::{self, Environment};
use super::plan::{self, Scope};
use super::settings::{self, PRESET, Setting, Settings};
use super::{color, file, message, presets};

/// The variable that names the configuration file.
pub const CONFIG_ENV: &str = "TRANSMOG_CONFIG";

/// Longer files are no configuration.
const CONFIG_BYTES_MAX: u64 = 1 << 20;

/// Where a value was set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// On the command line.
    Flag,
    /// In this variable.
    Environment(String),
    /// In a configuration file.
    File {
        /// As the user named it.
        name: String,
        /// From 1.
        line_number: usize,
    },
    /// By the preset of this name.
    Preset(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Flag => f.write_str("flag"),
            Origin::Environment(name) => write!(f, "environment {name}"),
            Origin::File { name, line_number } => write!(f, "{name}:{line_number}"),
            Origin::Preset(name) => write!(f, "preset {name}"),
        }
    }
}

impl Origin {
    /// Puts this place before an error about a value that `Settings::check` refused.
    pub fn at(&self, error: Error) -> Error {
        self.put_before("", error)
    }

    /// The same, where one origin has several keys.
    pub fn at_key(&self, key: &str, error: Error) -> Error {
        self.put_before(&format!("`{key}`: "), error)
    }

    fn put_before(&self, key: &str, error: Error) -> Error {
        let said = error.to_string();
        // clap's words start with the flag
        let said = match said.strip_prefix("`--").and_then(|rest| rest.split_once("`: ")) {
            Some((flag, rest)) if !flag.contains([' ', '`']) => rest,
            _ => &said,
        };
        let placed = Error::new(error.kind(), format!("{}: {key}{said}", self.place()));
        match error.hint() {
            Some(hint) if hint == message::HELP => {
                placed.with_hint("`transmog config` shows what each setting takes")
            }
            Some(hint) => placed.with_hint(hint),
            None => placed,
        }
    }

    /// Returns how a message about what was set here starts.
    fn place(&self) -> String {
        match self {
            Origin::Environment(name) => name.clone(),
            origin => origin.to_string(),
        }
    }
}

/// A setting that was set.
#[derive(Debug, Clone)]
pub struct Given {
    /// Which.
    pub key: String,
    /// To what: one value, or those of a list.
    pub values: Vec<String>,
    /// Where.
    pub origin: Origin,
}

/// Where settings may come from besides the command line.
#[derive(Debug, Default)]
pub struct Sources {
    /// Variables.
    pub variables: Vec<(OsString, OsString)>,
    /// A file that is read whatever the command line says.
    pub file: Option<PathBuf>,
}

/// What holds for a run.
#[derive(Debug)]
pub struct Settled {
    /// All of it as flags.
    pub args: ConvertArgs,
    /// What is not at its default.
    pub given: Vec<Given>,
    /// The preset that was chosen.
    pub preset: Option<String>,
    /// Settings of the preset that gave way to others, and to what.
    pub set_aside: Vec<(Given, Error)>,
    /// Variables that look like settings.
    pub unknown: Vec<String>,
}

/// Works out what holds, and looks for what cannot work.
///
/// `matches` are those of `line`, a command line of `convert` or `config`.
///
/// - Errors: `Usage`, all that are found.
pub fn settle(
    settings: &Settings,
    line: &[OsString],
    matches: &ArgMatches,
    sources: Sources,
    scope: Scope,
) -> Result<Settled, Vec<Error>> {
    let mut problems = Vec::new();
    let flags = matches.subcommand().map(|(_, matches)| typed(settings, matches));
    let named = settings::convert_args(matches).map(|args| (args.config, args.preset));
    let (config, preset) = named.unwrap_or_default();
    let in_env = sources.variables.iter().find(|(name, _)| name == CONFIG_ENV);
    let in_env = in_env.map(|(_, value)| value).filter(|value| !value.is_empty());
    let is_named = sources.file.is_some() || config.is_some();
    let file = sources.file.or(config).or_else(|| in_env.map(PathBuf::from));
    let Environment { given: mut set, unknown } =
        environment::read(settings, sources.variables, &mut problems);
    if let Some(path) = file {
        let name = path.display().to_string();
        match read_file(&path) {
            Ok(text) => set.extend(file::parse(settings, &name, &text, &mut problems)),
            Err(error) if is_named => problems.push(error),
            Err(error) => problems.push(error.with_hint(format!("`{CONFIG_ENV}` names it"))),
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let named = set.iter().find(|given| given.key == PRESET).and_then(|one| one.values.first());
    let preset = preset.or_else(|| named.cloned());
    let mut given: Vec<Given> = flags.unwrap_or_default();
    let command = matches.subcommand_name().unwrap_or_default();
    let is_idle = |key: &str| matches!(scope, Scope::Look(_)) && is_about_output(settings, key);
    let problems: Vec<_> = given.iter().filter(|one| is_idle(&one.key)).collect();
    if !problems.is_empty() {
        return Err(problems.into_iter().map(|one| idle(settings, command, one)).collect());
    }
    set.retain(|one| !is_idle(&one.key));
    for one in set.into_iter().filter(|one| one.key != PRESET) {
        if given.iter().all(|higher| higher.key != one.key) {
            given.push(one);
        }
    }
    let (args, problems) = examine(settings, line, &given, scope);
    let (Some(args), true) = (args, problems.is_empty()) else {
        return Err(problems.into_iter().map(|error| explain(settings, &given, error)).collect());
    };
    color::choose_settled(&given);
    let chosen = preset.as_deref().and_then(presets::find);
    let mut settled = Settled { args, given, preset, set_aside: Vec::new(), unknown };
    if let Some(preset) = chosen {
        settled.add_preset(settings, line, preset, scope);
    }
    Ok(settled)
}

impl Settled {
    /// Adds settings of a preset as long as nothing speaks against them.
    fn add_preset(
        &mut self,
        settings: &Settings,
        line: &[OsString],
        preset: &presets::Preset,
        scope: Scope,
    ) {
        for (key, value) in preset.settings {
            let is_idle = matches!(scope, Scope::Look(_)) && is_about_output(settings, key);
            if is_idle || self.given.iter().any(|higher| higher.key == *key) {
                continue;
            }
            let (key, values) = ((*key).to_owned(), vec![(*value).to_owned()]);
            self.given.push(Given { key, values, origin: Origin::Preset(preset.name) });
            match examine(settings, line, &self.given, scope) {
                (Some(args), problems) if problems.is_empty() => self.args = args,
                (_, problems) => {
                    let why = problems.into_iter().next();
                    let why = why.unwrap_or_else(|| Error::usage("it cannot stand there"));
                    self.set_aside.extend(self.given.pop().map(|given| (given, why)));
                }
            }
        }
    }
}

/// Returns whether a setting means nothing to a command that writes no tables.
fn is_about_output(settings: &Settings, key: &str) -> bool {
    settings
        .find(key)
        .is_some_and(|setting| ReadArgs::is_about_output(&setting.group, setting.id.as_str()))
}

/// Says of a flag that was typed that it would do nothing.
fn idle(settings: &Settings, command: &str, one: &Given) -> Error {
    let flag = settings.find(&one.key).map_or_else(|| one.key.clone(), Setting::flag);
    let message = format!("`{flag}` is a flag of `convert`: `{command}` writes no tables");
    Error::usage(message).with_hint(format!("leave `{flag}` out"))
}

/// Returns the settings that were given on the command line.
pub fn typed(settings: &Settings, matches: &ArgMatches) -> Vec<Given> {
    let is_typed = |setting: &&Setting| {
        matches.value_source(setting.id.as_str()) == Some(ValueSource::CommandLine)
    };
    let given = |setting: &Setting| {
        let raw = matches.get_raw(setting.id.as_str()).into_iter().flatten();
        let mut values: Vec<_> = raw.map(|value| value.to_string_lossy().into_owned()).collect();
        if values.is_empty() {
            values.push("true".to_owned());
        }
        Given { key: setting.key.clone(), values, origin: Origin::Flag }
    };
    settings.list().iter().filter(is_typed).map(given).collect()
}

fn read_file(path: &Path) -> Result<String, Error> {
    let mut text = String::new();
    let read =
        File::open(path).and_then(|file| file.take(CONFIG_BYTES_MAX + 1).read_to_string(&mut text));
    let name = path.display();
    match read {
        Ok(bytes) if bytes as u64 > CONFIG_BYTES_MAX => {
            let most = CONFIG_BYTES_MAX >> 20;
            Err(Error::usage(format!("{name}: expected a configuration of {most}MiB at most")))
        }
        Ok(_) => Ok(text),
        Err(cause) => {
            let message = format!("{name}: reading the configuration failed: {cause}");
            Err(Error::usage(message).with_source(cause))
        }
    }
}

/// Puts settings into a command line, and returns what it asks for and why that cannot work.
fn examine(
    settings: &Settings,
    line: &[OsString],
    given: &[Given],
    scope: Scope,
) -> (Option<ConvertArgs>, Vec<Error>) {
    let lower = given.iter().filter(|given| given.origin != Origin::Flag);
    let added = lower.filter_map(|given| Some(settings.find(&given.key)?.to_args(&given.values)));
    // behind the command, as a `--` may follow
    let (command, flags) = line.split_at(line.len().min(2));
    let line: Vec<_> =
        command.iter().cloned().chain(added.flatten()).chain(flags.iter().cloned()).collect();
    let strict = settings.parse_strictly(&line);
    let mut problems = exclusions(settings, given);
    let args = match &strict {
        Ok(matches) => settings::convert_args(matches),
        Err(_) => {
            problems.extend(given.iter().filter_map(|one| lonely(settings, given, one)));
            settings.parse(&line).ok().as_ref().and_then(settings::convert_args)
        }
    };
    if let Some(args) = &args {
        // a flag that is wrong by itself is told once
        let told: Vec<_> = problems.iter().map(flag_at_fault).collect();
        let more = plan::problems(args, scope).into_iter().filter(|error| {
            let flag = flag_at_fault(error);
            flag.is_none() || !told.contains(&flag)
        });
        problems.extend(more.collect::<Vec<_>>());
    }
    if problems.is_empty() {
        // what clap has against it, and nobody above
        problems.extend(strict.err().as_ref().map(message::from_clap));
    }
    (args, problems)
}

/// Returns the flag with which a message begins that is about it alone.
fn flag_at_fault(error: &Error) -> Option<String> {
    let message = error.to_string();
    let (flag, _) = message.strip_prefix("`--")?.split_once("`: ")?;
    (!flag.contains([' ', '`'])).then(|| flag.to_owned())
}

/// Finds settings whose flags exclude each other.
fn exclusions(settings: &Settings, given: &[Given]) -> Vec<Error> {
    let is_on = |one: &&Given| one.values.first().is_some_and(|value| value != "false");
    let set: Vec<_> =
        given.iter().filter(is_on).filter_map(|one| settings.find(&one.key)).collect();
    let mut found = Vec::new();
    for one in &set {
        let excluded: Vec<_> = settings.excluded_by(one).collect();
        for other in set.iter().filter(|other| excluded.contains(&&other.id)) {
            let message = format!("`--{}` and `--{}` exclude each other", one.long, other.long);
            found.push(Error::usage(message));
        }
    }
    found
}

/// Says which other flag a flag wants that is not there.
fn lonely(settings: &Settings, given: &[Given], one: &Given) -> Option<Error> {
    let setting = settings.find(&one.key)?;
    let wanted = settings.wanted_by(setting, &one.values)?;
    if given.iter().any(|other| other.key == wanted.key) {
        return None;
    }
    let message = format!("`--{}`: expected `--{}` beside it", setting.long, wanted.long);
    let hint = format!("leave `--{}` out, it would do nothing", setting.long);
    Some(Error::usage(message).with_hint(hint))
}

/// Says of an error about flags where those were set that nobody typed.
pub fn explain(settings: &Settings, given: &[Given], error: Error) -> Error {
    let message = error.to_string();
    let mut hints = Vec::new();
    let mut said = message.clone();
    let hint = error.hint().unwrap_or_default();
    let mut flags = flags_in(&message);
    flags.extend(flags_in(hint));
    for (place, flag) in flags.iter().enumerate() {
        if flags[..place].contains(flag) {
            continue;
        }
        let setting = settings.list().iter().find(|setting| setting.is_flag(flag));
        let Some(setting) = setting else { continue };
        let set = given.iter().find(|given| given.key == setting.key);
        let Some(set) = set.filter(|set| set.origin != Origin::Flag) else { continue };
        if message.starts_with(&format!("`{flag}")) && said == message {
            let key = format!("`{}`", setting.key);
            let keyed = message.replacen(&format!("`{flag}`"), &key, 1);
            let is_said = matches!(set.origin, Origin::Environment(_));
            let keyed = keyed.strip_prefix(&(key + ": ")).filter(|_| is_said).unwrap_or(&keyed);
            said = format!("{}: {keyed}", set.origin.place());
        } else {
            hints.push(format!("`{}` is set in {}", setting.key, set.origin.place()));
        }
    }
    if error.kind() != ErrorKind::Usage || (said == message && hints.is_empty()) {
        return error;
    }
    hints.extend(error.hint().map(str::to_owned));
    let explained = Error::usage(said);
    match hints.is_empty() {
        true => explained,
        false => explained.with_hint(hints.join("; ")),
    }
}

/// Finds `--to` and `-o` where a message has them in backticks.
fn flags_in(message: &str) -> Vec<&str> {
    let quoted = message.split('`').skip(1).step_by(2);
    let flags = quoted.filter(|quoted| quoted.starts_with('-'));
    flags.map(|quoted| quoted.split([' ', '=']).next().unwrap_or(quoted)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_the_places_of_what_nobody_typed() {
        let settings = Settings::new();
        let given = |key: &str, origin: Origin| Given {
            key: key.to_owned(),
            values: vec!["1".to_owned()],
            origin,
        };
        let line = |line_number| Origin::File { name: "t.toml".to_owned(), line_number };
        let given = [
            given("to", line(1)),
            given("output", line(2)),
            given("threads", Origin::Flag),
            given("memory_limit", Origin::Preset("memory-optimized")),
            given("bom", Origin::Environment("TRANSMOG_BOM".to_owned())),
        ];
        let check = |message: &str, hint: &str, expected: &str, expected_hint: Option<&str>| {
            let error = explain(&settings, &given, Error::usage(message).with_hint(hint));
            assert_eq!((error.to_string().as_str(), error.hint()), (expected, expected_hint));
        };
        check("`--threads`: x", "y", "`--threads`: x", Some("y"));
        check("`--to`: x", "y", "t.toml:1: `to`: x", Some("y"));
        check("`-o a`: x", "y", "t.toml:2: `-o a`: x", Some("y"));
        check("`--bom`: x", "leave `--bom` out", "TRANSMOG_BOM: x", Some("leave `--bom` out"));
        let both = "`to` is set in t.toml:1; y";
        check("`--threads 1` and `--to=1`: x", "y", "`--threads 1` and `--to=1`: x", Some(both));
        let raise = "raise `--memory-limit`";
        let preset = "`memory_limit` is set in preset memory-optimized; raise `--memory-limit`";
        check("`--sample 10`: x", raise, "`--sample 10`: x", Some(preset));
    }
}
