//! Words for people, on standard error: `error: …`, `hint: …`.
//!
//! Nothing here fails: when standard error is closed or full, the exit status still tells.

use std::error::Error as _;
use std::ffi::OsString;
use std::fmt::{self, Write as _};
use std::io::{self, Write as _};

use clap::CommandFactory;
use clap::error::{ContextKind, ContextValue, ErrorKind as Parsed};
use transmog::nearest::nearest;
use transmog::sink::names::printable;
use transmog::{Error, ErrorKind};

use super::args::Args;
use super::color;

/// What there is to do where nothing better is known.
pub const HELP: &str = "`transmog convert --help` shows all flags, with examples";

/// Writes `text` as it is.
pub fn say(text: &impl fmt::Display) {
    // in one piece, so that lines of several processes do not mix
    let _ = io::stderr().lock().write_all(text.to_string().as_bytes());
}

/// Returns the help that clap gives for an answer, with its colours or without.
pub fn help(asked: &clap::Error, has_color: bool) -> String {
    let help = asked.render();
    if has_color { help.ansi().to_string() } else { help.to_string() }
}

/// Says what to do next.
pub fn hint(text: &str) {
    say(&hint_line(text));
}

fn hint_line(text: &str) -> String {
    format!("{} {}\n", color::paint(color::HINT, "hint:"), printable(text))
}

/// Says why the run ended, and what to do about it.
pub fn report(error: &Error) {
    if error.kind() != ErrorKind::ClosedPipe {
        say(&lines(error));
    }
}

/// Returns the lines that [`report`] writes.
///
/// A cause that the message already holds is not said again.
fn lines(error: &Error) -> String {
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        let text = next.to_string();
        if !said.contains(&text) {
            // writing to a `String` cannot fail
            let _ = write!(said, ": {text}");
        }
        cause = next.source();
    }
    let lines = format!("{} {}\n", color::paint(color::ERROR, "error:"), printable(&said));
    lines + &error.hint().map(hint_line).unwrap_or_default()
}

/// Says in our words what clap found wrong with the command line.
pub fn from_clap(wrong: &clap::Error) -> Error {
    let text = |kind| match wrong.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        Some(ContextValue::Strings(texts)) => texts.first().cloned(),
        _ => None,
    };
    let flag = text(ContextKind::InvalidArg).map(|arg| flag_of(&arg)).unwrap_or_default();
    let value = text(ContextKind::InvalidValue).unwrap_or_default();
    let error = match wrong.kind() {
        Parsed::UnknownArgument => Error::usage(format!("`{flag}`: there is no such flag")),
        Parsed::InvalidSubcommand => {
            let found = text(ContextKind::InvalidSubcommand).unwrap_or_default();
            return no_command(&found);
        }
        Parsed::InvalidValue if value.is_empty() => {
            Error::usage(format!("`{flag}`: expected {}, found nothing", expected(wrong)))
        }
        Parsed::InvalidValue => {
            Error::usage(format!("`{flag}`: expected {}, found `{value}`", expected(wrong)))
        }
        Parsed::ValueValidation => {
            let cause = wrong.source();
            let why = cause.map(ToString::to_string).unwrap_or_default();
            let error = Error::usage(format!("`{flag}`: {why}"));
            match cause.and_then(|cause| cause.downcast_ref::<Error>()).and_then(Error::hint) {
                Some(hint) => return error.with_hint(hint),
                None => return error,
            }
        }
        Parsed::ArgumentConflict => {
            let prior = text(ContextKind::PriorArg).map(|arg| flag_of(&arg)).unwrap_or_default();
            let message = match prior == flag {
                true => format!("`{flag}`: expected once, found twice"),
                false => format!("`{flag}` and `{prior}` exclude each other"),
            };
            return Error::usage(message);
        }
        Parsed::MissingRequiredArgument => {
            return Error::usage(format!("expected `{flag}`, found nothing in its place"))
                .with_hint(HELP);
        }
        Parsed::TooFewValues | Parsed::TooManyValues | Parsed::WrongNumberOfValues => {
            let count = |kind| match wrong.get(kind) {
                Some(ContextValue::Number(count)) => Some(count.to_string()),
                _ => None,
            };
            let least = count(ContextKind::MinValues).map(|least| format!("{least} or more"));
            let wanted = least.or(count(ContextKind::ExpectedNumValues)).unwrap_or_default();
            let found = count(ContextKind::ActualNumValues).unwrap_or_default();
            return Error::usage(format!("`{flag}`: expected {wanted}, found {found}"))
                .with_hint(HELP);
        }
        Parsed::InvalidUtf8 => Error::usage("expected flags and their values in UTF-8"),
        _ => {
            let rendered = wrong.render().to_string();
            let first = rendered.lines().next().unwrap_or_default();
            Error::usage(first.trim_start_matches("error: ").replace('\'', "`"))
        }
    };
    let known = match wrong.get(ContextKind::ValidValue) {
        Some(ContextValue::Strings(known)) => known.iter().map(String::as_str).collect(),
        _ => Vec::new(),
    };
    let near = nearest(&value, known).map(str::to_owned);
    let suggested = [ContextKind::SuggestedArg, ContextKind::SuggestedValue].into_iter();
    let suggested = suggested.filter_map(text).find(|name| !is_hidden(name));
    match near.or(suggested) {
        Some(near) => error.with_hint(format!("did you mean `{}`?", flag_of(&near))),
        None => error.with_hint(HELP),
    }
}

/// Lets an error whose hint is the help of `convert` hint at that of the command at hand.
pub fn with_own_help(error: Error, line: &[OsString]) -> Error {
    if error.hint() != Some(HELP) {
        return error;
    }
    let args = Args::command();
    let (mut command, mut name) = (&args, "transmog".to_owned());
    for word in line.iter().skip(1).filter_map(|word| word.to_str()) {
        if let Some(below) = command.find_subcommand(word) {
            command = below;
            name = format!("{name} {word}");
        }
    }
    if name == "transmog" {
        return error;
    }
    let examples = if command.get_before_help().is_some() { ", with examples" } else { "" };
    error.with_hint(format!("`{name} --help` shows all flags{examples}"))
}

/// Says of a flag that there is none which one was probably meant, by the whole command line; clap
/// looks at long flags of like spelling alone.
pub fn with_near_flag(error: Error, wrong: &clap::Error, line: &[OsString]) -> Error {
    let is_open = error.hint() == Some(HELP) && wrong.kind() == Parsed::UnknownArgument;
    let Some(ContextValue::String(flag)) = wrong.get(ContextKind::InvalidArg) else { return error };
    if !is_open {
        return error;
    }
    let args = Args::command();
    let words: Vec<_> = line.iter().skip(1).filter_map(|word| word.to_str()).collect();
    let Some(command) = words.iter().find_map(|word| args.find_subcommand(word)) else {
        return error.with_hint("flags stand behind a command, as in `transmog convert --to csv`");
    };
    // of `-force` clap sees `-f`
    let is_short = !flag.starts_with("--");
    let is_longer = |word: &&&str| word.starts_with(&**flag) && word.len() > flag.len();
    let typed = words.iter().find(is_longer).filter(|_| is_short).copied().unwrap_or(flag);
    let name = typed.trim_start_matches('-').split('=').next().unwrap_or_default();
    let shown = command.get_arguments().filter(|arg| !arg.is_hide_set());
    let longs: Vec<_> = shown.filter_map(clap::Arg::get_long).collect();
    let is_whole = name.len() > 1 && longs.contains(&name);
    match nearest(name, longs).filter(|_| !is_whole).or(is_whole.then_some(name)) {
        Some(near) => error.with_hint(format!("did you mean `--{near}`?")),
        None => error,
    }
}

/// Returns whether no help shows a flag.
fn is_hidden(flag: &str) -> bool {
    let Some(long) = flag.strip_prefix("--") else { return false };
    let args = Args::command();
    let mut shown = args.get_subcommands().flat_map(clap::Command::get_arguments);
    let is_shown = shown.any(|arg| arg.get_long() == Some(long) && !arg.is_hide_set());
    let is_there = args.get_subcommands().flat_map(clap::Command::get_arguments);
    !is_shown && is_there.into_iter().any(|arg| arg.get_long() == Some(long))
}

/// Says that there is no such command, and which was probably meant.
fn no_command(found: &str) -> Error {
    let args = Args::command();
    let names: Vec<_> = args.get_subcommands().map(|one| one.get_name()).collect();
    let listed: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    let listed = listed.join(", ");
    let error = Error::usage(format!("expected a command ({listed}), found `{found}`"));
    match nearest(found, names) {
        Some(near) => error.with_hint(format!("did you mean `transmog {near}`?")),
        None => error.with_hint(format!("`transmog convert {found}` converts a file of that name")),
    }
}

/// Returns `--to` for `--to <FORMAT>`, and `SHELL` for `<SHELL>`.
fn flag_of(arg: &str) -> String {
    let first = arg.split(' ').next().unwrap_or(arg);
    first.trim_end_matches('.').trim_matches(['<', '>', '[', ']']).to_owned()
}

fn expected(wrong: &clap::Error) -> String {
    match wrong.get(ContextKind::ValidValue) {
        Some(ContextValue::Strings(known)) if !known.is_empty() => {
            let known: Vec<_> = known.iter().map(|name| format!("`{name}`")).collect();
            known.join(", ")
        }
        _ => "a value".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(error: Error, expected: &str) {
        assert_eq!(lines(&error), expected);
    }

    #[test]
    fn causes_are_said_once() {
        let cause = || io::Error::other("disk on fire");
        let error = |text: &str| Error::new(ErrorKind::Io, text).with_source(cause());
        check(error("x: disk on fire"), "error: x: disk on fire\n");
        check(error("x"), "error: x: disk on fire\n");
    }

    #[test]
    fn names_cannot_write_to_the_terminal() {
        let error = Error::usage("a\u{1b}[2Jb\nc").with_hint("d\re");
        check(error, "error: a\\u{1b}[2Jb\\nc\nhint: d\\re\n");
    }
}
