//! Settings: the flags of `convert` under the names they have in files and in the environment.
//!
//! What a setting takes follows from the definition of its flag; there is no second table of that.

use std::ffi::OsString;

use clap::builder::{Resettable, ValueRange};
use clap::error::{ContextKind, ContextValue, ErrorKind as Parsed};
use clap::{Arg, ArgAction, Command, CommandFactory, FromArgMatches, Id};
use transmog::Error;

use super::args::{self, Args, ConvertArgs};
use super::message;

/// Starts the names of settings in the environment.
pub const ENV_PREFIX: &str = "TRANSMOG_";

/// The key that names a preset in a file.
pub const PRESET: &str = "preset";

/// Flags that say where settings come from.
const ABOUT_SETTINGS: [&str; 2] = ["config", PRESET];

/// What a setting holds where nothing sets it; a test compares it with the help of its flag.
///
/// What is not here is off, or nothing.
const DEFAULTS: &[(&str, &str)] = &[
    ("from", "auto"),
    ("encoding", "utf-8"),
    ("duplicate_keys", "last"),
    ("max_record_bytes", "64MiB, less with a smaller --memory-limit"),
    ("seed", "0"),
    ("ragged", "reject"),
    ("arrays", "smart"),
    ("ids", "sequence"),
    ("max_depth", "32"),
    ("max_columns", "4096"),
    ("max_tables", "512"),
    ("separator", "_"),
    ("meta_prefix", "_tm_"),
    ("names", "verbatim"),
    ("numbers", "double"),
    ("dates", "auto"),
    ("schema_mode", "evolve"),
    ("framing", "one"),
    ("progress", "auto"),
    ("color", "auto"),
    ("summary", "text"),
    ("manifest", "none"),
    ("compression", "zstd:3"),
    ("row_group_rows", "262144"),
    ("row_group_bytes", "about a fifth of --memory-limit, 88MiB"),
    ("delimiter_out", ","),
    ("nulls", "omit"),
    ("on_error", "skip"),
    ("rejects", "<name>.rejects.jsonl beside the tables"),
    ("max_retries", "3 with --on-error retry, else 0; object stores and HTTP: 8"),
    ("retry_backoff", "1s; object stores and HTTP: 100ms"),
    ("request_timeout", "30s"),
    ("fail_fast", "true"),
    ("status_policy", "worst"),
    ("batch_strategy", "fixed_size"),
    ("batch_size", "10000; with mega_batch 50000, from 10000 to 100000"),
    ("batch_timeout", "1s"),
    ("batch_window", "1s"),
    ("batch_memory", "1MiB"),
    ("batch_min_size", "10"),
    ("batch_max_size", "1000; with low_latency 1"),
    ("target_latency", "100ms"),
    ("batch_wait", "1ms"),
    ("batch_eager", "true"),
    ("batch_parallel", "true"),
    ("batch_reuse_buffer", "true"),
    ("live", "auto"),
    ("threads", "one for each processor"),
    ("execution", "adaptive"),
    ("prefetch", "3"),
    ("on_timeout", "fail"),
    ("memory_limit", "512MiB"),
];

/// What a value looks like in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `true` gives the flag.
    Switch,
    /// `true` or `false`, both of which say something.
    Bool,
    /// A whole number.
    Integer,
    /// Text in quotes.
    Text,
    /// Text, or `true` for the flag without a value.
    TextOrTrue,
    /// Texts, each of which gives the flag.
    List,
}

/// A flag of `convert` as a setting.
#[derive(Debug)]
pub struct Setting {
    /// Name in files, such as `batch_size`.
    pub key: String,
    /// Flag, without its dashes.
    pub long: String,
    /// Further names of the flag, without their dashes.
    aliases: Vec<String>,
    short: Option<char>,
    /// Name in the matches of the command line.
    pub id: Id,
    /// What a value looks like in a file.
    pub kind: Kind,
    /// What stands in place of the value in help.
    pub value_name: String,
    /// What it takes, in few words.
    pub accepts: String,
    /// Heading in help.
    pub group: String,
    /// What holds where nothing sets it.
    pub default: Option<&'static str>,
    /// Whether it is left out of lists.
    pub is_hidden: bool,
}

impl Setting {
    fn new(arg: &Arg) -> Option<Setting> {
        let long = arg.get_long()?.to_owned();
        let key = long.replace('-', "_");
        let kind = kind(arg);
        let default = DEFAULTS.iter().find(|(of, _)| *of == key).map(|(_, text)| *text);
        Some(Setting {
            aliases: arg.get_aliases().unwrap_or_default().into_iter().map(str::to_owned).collect(),
            short: arg.get_short(),
            id: arg.get_id().clone(),
            value_name: value_name(arg).to_owned(),
            accepts: accepts(arg, kind),
            group: arg.get_help_heading().unwrap_or_default().to_owned(),
            default: default.or((kind == Kind::Switch).then_some("false")),
            is_hidden: arg.is_hide_set(),
            long,
            key,
            kind,
        })
    }

    /// Returns the name in the environment.
    pub fn env(&self) -> String {
        format!("{ENV_PREFIX}{}", self.key.to_uppercase())
    }

    /// Returns whether a flag as typed, such as `--to` or `-o`, is this one.
    pub fn is_flag(&self, typed: &str) -> bool {
        match typed.strip_prefix("--") {
            Some(long) => self.long == long,
            None => typed
                .strip_prefix('-')
                .is_some_and(|short| self.short.is_some_and(|own| short.chars().eq([own]))),
        }
    }

    /// Returns the flag as messages call it: `-o`, as nobody types it in full, and `--to`.
    pub fn flag(&self) -> String {
        match self.short {
            Some(short) if self.long == "output" => format!("-{short}"),
            _ => format!("--{}", self.long),
        }
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.aliases.iter().chain([&self.long]).map(String::as_str)
    }

    /// Returns the arguments that give this flag these values.
    pub fn to_args(&self, values: &[String]) -> Vec<OsString> {
        let flag = format!("--{}", self.long);
        let arg = |value: &String| match (self.kind, value.as_str()) {
            (Kind::Switch | Kind::TextOrTrue, "false") => None,
            (Kind::Switch | Kind::TextOrTrue, "true") => Some(flag.clone().into()),
            _ => Some(format!("{flag}={value}").into()),
        };
        values.iter().filter_map(arg).collect()
    }
}

fn value_name(arg: &Arg) -> &str {
    arg.get_value_names().and_then(|names| names.first()).map_or("", |name| name.as_str())
}

fn kind(arg: &Arg) -> Kind {
    let is_optional = arg.get_num_args().is_some_and(|count| count == ValueRange::from(0..=1));
    let values = arg.get_possible_values();
    let is_bool = values.len() == 2
        && values.iter().all(|one| one.matches("true", false) || one.matches("false", false));
    match arg.get_action() {
        ArgAction::SetTrue => Kind::Switch,
        ArgAction::Append => Kind::List,
        _ if is_bool => Kind::Bool,
        _ if value_name(arg) == "N" => Kind::Integer,
        _ if is_optional => Kind::TextOrTrue,
        _ => Kind::Text,
    }
}

fn accepts(arg: &Arg, kind: Kind) -> String {
    let names = arg.get_possible_values();
    let names: Vec<_> =
        names.iter().filter(|name| !name.is_hide_set()).map(|name| name.get_name()).collect();
    let one = match (kind, value_name(arg)) {
        (Kind::Switch | Kind::Bool, _) => "true|false".to_owned(),
        (Kind::Integer, _) => number(arg),
        (_, "TIME") => "a time: 250ms, 30s, 5m, 2h, 1d".to_owned(),
        (_, "SIZE") => "a size: 64MiB, 10MB".to_owned(),
        _ if !names.is_empty() => names.join("|"),
        (_, name) => name.to_owned(),
    };
    match kind {
        Kind::List => one + ", or a list",
        Kind::TextOrTrue => one + ", or true",
        _ => one,
    }
}

/// Asks the parser of a number for its range, which its message about something else names.
fn number(arg: &Arg) -> String {
    let long = arg.get_long().unwrap_or_default();
    let asked = Command::new("transmog")
        .arg(arg.clone())
        .try_get_matches_from(["transmog".to_owned(), format!("--{long}=N")]);
    let told = asked.err().map(|wrong| message::from_clap(&wrong).to_string()).unwrap_or_default();
    let range = told.split_once("whole number from ").and_then(|(_, range)| range.split_once(','));
    let Some((least, most)) = range.and_then(|(range, _)| range.split_once(" to ")) else {
        return "N".to_owned();
    };
    match most == usize::MAX.to_string() {
        true => format!("N from {least}"),
        false => format!("N from {least} to {most}"),
    }
}

/// Every setting, and the command line that reads them.
pub struct Settings {
    list: Vec<Setting>,
    preset: Setting,
    lenient: Command,
    strict: Command,
}

impl Settings {
    /// Takes them from the definition of `convert`.
    pub fn new() -> Settings {
        // what flags ask of each other is looked at when all are known
        let alone = |arg: Arg| {
            arg.requires(Resettable::<Id>::Reset).conflicts_with(Resettable::<Id>::Reset)
        };
        let strict = Args::command();
        let lenient = strict.clone().mut_subcommands(|command| command.mut_args(alone));
        let convert = lenient.find_subcommand("convert");
        let args = convert.into_iter().flat_map(Command::get_arguments);
        let (about, mut list): (Vec<_>, Vec<_>) = args
            .filter_map(Setting::new)
            .filter(|setting| setting.long != "help")
            .partition(|setting| ABOUT_SETTINGS.contains(&setting.key.as_str()));
        // flags of every command are those of `convert` too
        for setting in lenient.get_arguments().filter(|arg| arg.is_global_set()) {
            let Some(setting) = Setting::new(setting) else { continue };
            let behind = list.iter().rposition(|other| other.group == setting.group);
            list.insert(behind.map_or(list.len(), |behind| behind + 1), setting);
        }
        let preset = about.into_iter().find(|setting| setting.key == PRESET);
        Settings { list, preset: preset.expect("`convert` has `--preset`"), lenient, strict }
    }

    /// Returns them in the order of help.
    pub fn list(&self) -> &[Setting] {
        &self.list
    }

    /// Returns the one that is called `name`, with `_`, `-` or `.` between words.
    pub fn find(&self, name: &str) -> Option<&Setting> {
        let name = name.replace(['_', '.'], "-");
        let mut all = self.list.iter().chain([&self.preset]);
        all.find(|setting| setting.names().any(|own| own == name))
    }

    /// Returns whether `name` and something behind it is a name.
    pub fn has_below(&self, name: &str) -> bool {
        let start = name.replace(['_', '.'], "-") + "-";
        self.list.iter().flat_map(Setting::names).any(|own| own.starts_with(&start))
    }

    /// Returns the key that is spelled most like `name`, and in how many places it differs.
    pub fn nearest(&self, name: &str) -> (String, usize) {
        let name = name.replace(['-', '.'], "_");
        let names = self.list.iter().chain([&self.preset]).flat_map(Setting::names);
        let keys = names.map(|own| own.replace('-', "_"));
        let told = keys.map(|key| (strsim::damerau_levenshtein(&key, &name), key));
        told.min().map(|(distance, key)| (key, distance)).unwrap_or_default()
    }

    /// Checks one value by itself.
    pub fn check(&self, setting: &Setting, value: &str) -> Result<(), Error> {
        let args = setting.to_args(&[value.to_owned()]);
        let line = ["transmog", "convert"].map(OsString::from).into_iter().chain(args);
        match self.lenient.clone().try_get_matches_from(line) {
            Ok(_) => Ok(()),
            Err(wrong) => Err(message::from_clap(&wrong)),
        }
    }

    /// Returns which flags cannot stand beside that of a setting.
    pub fn excluded_by(&self, setting: &Setting) -> impl Iterator<Item = &Id> {
        let convert = self.strict.find_subcommand("convert");
        let arg = convert.and_then(|convert| {
            let arg = convert.get_arguments().find(|arg| *arg.get_id() == setting.id)?;
            Some(convert.get_arg_conflicts_with(arg))
        });
        arg.into_iter().flatten().map(Arg::get_id)
    }

    /// Returns the setting without which one cannot be.
    pub fn wanted_by(&self, setting: &Setting, values: &[String]) -> Option<&Setting> {
        let line = ["transmog", "convert"].map(OsString::from);
        let line = line.into_iter().chain(setting.to_args(values));
        let wrong = self.parse_strictly(&line.collect::<Vec<_>>()).err()?;
        let missing = match wrong.get(ContextKind::InvalidArg) {
            _ if wrong.kind() != Parsed::MissingRequiredArgument => return None,
            Some(ContextValue::Strings(missing)) => missing.first()?,
            Some(ContextValue::String(missing)) => missing,
            _ => return None,
        };
        let long = missing.split([' ', '=']).next()?.strip_prefix("--")?;
        self.find(long)
    }

    /// Reads a command line.
    pub fn parse_strictly(&self, line: &[OsString]) -> Result<clap::ArgMatches, clap::Error> {
        self.strict.clone().try_get_matches_from(line)
    }

    /// Reads a command line without a look at what flags ask of each other.
    pub fn parse(&self, line: &[OsString]) -> Result<clap::ArgMatches, clap::Error> {
        self.lenient.clone().try_get_matches_from(line)
    }
}

/// Returns the flags of `convert` in a command line of a command that takes them.
pub fn convert_args(matches: &clap::ArgMatches) -> Option<ConvertArgs> {
    match Args::from_arg_matches(matches).ok()?.command {
        args::Command::Convert(args) => Some(*args),
        args::Command::Config(args) => Some(args.convert),
        args::Command::Check(args) => Some(args.0),
        args::Command::Schema(args) => Some(args.read.0),
        args::Command::Profile(args) => Some(args.read.0),
        args::Command::Formats { .. }
        | args::Command::Completions { .. }
        | args::Command::Man { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn help(settings: &Settings, setting: &Setting) -> String {
        let convert = settings.strict.find_subcommand("convert").unwrap();
        let mut args = convert.get_arguments().chain(settings.strict.get_arguments());
        let arg = args.find(|arg| *arg.get_id() == setting.id).unwrap();
        let help = arg.get_long_help().or(arg.get_help()).unwrap();
        help.to_string().replace('\n', " ")
    }

    /// Help has the default as `[default: 5]`, or behind the name: `` `x` (default) ``.
    #[test]
    fn defaults_are_those_of_help() {
        let settings = Settings::new();
        for setting in settings.list().iter().filter(|setting| setting.kind != Kind::Switch) {
            let help = help(&settings, setting);
            let plain = |text: &str| text.replace('`', "");
            let bracketed = help
                .split_once("[default: ")
                .map(|(_, rest)| plain(rest.split_once(']').expect("a closing bracket").0));
            let named = help.split_once("` (default").or(help.split_once("` (`auto`, default"));
            let named = named.and_then(|(before, _)| before.rsplit('`').next()).map(plain);
            let said = bracketed.or(named);
            let is_plain = setting.key == "dates" || said.as_deref() == setting.default;
            assert!(is_plain, "{}: {said:?}, {:?}", setting.key, setting.default);
        }
        assert!(DEFAULTS.iter().all(|(key, _)| settings.find(key).is_some()));
    }

    #[test]
    fn kinds_follow_from_definitions() {
        let settings = Settings::new();
        let check = |key: &str, kind: Kind, accepts: &str| {
            let setting = settings.find(key).unwrap();
            assert_eq!((setting.kind, setting.accepts.as_str()), (kind, accepts), "{key}");
        };
        check("force", Kind::Switch, "true|false");
        check("fail_fast", Kind::Bool, "true|false");
        check("threads", Kind::Integer, "N from 1 to 1024");
        check("limit", Kind::Integer, "N from 0");
        check("batch.timeout", Kind::Text, "a time: 250ms, 30s, 5m, 2h, 1d");
        check("memory-limit", Kind::Text, "a size: 64MiB, 10MB");
        check("source_column", Kind::TextOrTrue, "NAME, or true");
        check("select", Kind::List, "PATH, or a list");
        check("failure_strategy", Kind::Text, "skip|fail|fail-batch|retry");
    }

    #[test]
    fn numbers_are_known_by_their_place_in_help() {
        let settings = Settings::new();
        for setting in settings.list() {
            let takes_a_number = settings.check(setting, "7").is_ok();
            let wrong = settings.check(setting, "x").err().map(|error| error.to_string());
            let wants_one = wrong.is_some_and(|said| said.contains("expected a whole number"));
            let is_number = setting.kind == Kind::Integer;
            assert_eq!(is_number, takes_a_number && wants_one, "{}", setting.key);
        }
    }
}
