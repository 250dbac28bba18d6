//! Colour in text for people: whether there is any, and which.
//!
//! What `--color` says holds for the whole process, as errors are said where no settings are at hand.

use std::ffi::{OsStr, OsString};
use std::io::{self, IsTerminal};
use std::sync::atomic::{AtomicU8, Ordering};

use super::layers::Given;
use super::values::{self, ColorChoice};
use anstyle::{AnsiColor, Style};
use transmog::report::text::TextPart;

/// `error:`
pub const ERROR: Style = AnsiColor::Red.on_default().bold();

/// `warning:`
pub const WARNING: Style = AnsiColor::Yellow.on_default().bold();

/// `note:`
const NOTE: Style = AnsiColor::Blue.on_default().bold();

/// `hint:`
pub const HINT: Style = AnsiColor::Cyan.on_default().bold();

const HEADING: Style = Style::new().bold();

/// The key of `--color` among the settings.
const KEY: &str = "color";

/// The flag as it is typed.
const FLAG: &str = "--color";

/// Follows the command line and the environment, before anything is said about them.
///
/// What is wrong there is for the parser to find.
pub fn choose_early(line: &[OsString], variable: Option<&OsStr>) {
    let given = typed(line).or(variable).and_then(OsStr::to_str);
    choose(given.and_then(values::color).unwrap_or(ColorChoice::Auto));
}

/// Follows the settings, once all are known.
pub fn choose_settled(given: &[Given]) {
    let given = given.iter().find(|given| given.key == KEY);
    let choice = given.and_then(|given| values::color(given.values.last()?));
    choose(choice.unwrap_or(ColorChoice::Auto));
}

/// What was chosen; all else is left to variables and the terminal.
static WANTED: AtomicU8 = AtomicU8::new(AUTO);
const AUTO: u8 = 0;
const ALWAYS: u8 = 1;
const NEVER: u8 = 2;

fn choose(choice: ColorChoice) {
    let wanted = match choice {
        ColorChoice::Auto => AUTO,
        ColorChoice::Always => ALWAYS,
        ColorChoice::Never => NEVER,
    };
    WANTED.store(wanted, Ordering::Relaxed);
}

/// Finds what `--color` says in a command line that nobody has parsed yet.
fn typed(line: &[OsString]) -> Option<&OsStr> {
    let flags = line.iter().take_while(|arg| *arg != "--").enumerate();
    let values = flags.filter_map(|(at, arg)| {
        if arg == FLAG {
            return line.get(at + 1).map(OsString::as_os_str);
        }
        arg.to_str()?.strip_prefix(FLAG)?.strip_prefix('=').map(OsStr::new)
    });
    values.last()
}

/// Returns whether standard error takes colour.
pub fn is_on_stderr() -> bool {
    is_on(io::stderr().is_terminal())
}

/// Returns whether standard output takes colour.
pub fn is_on_stdout() -> bool {
    is_on(io::stdout().is_terminal())
}

fn is_on(is_terminal: bool) -> bool {
    match WANTED.load(Ordering::Relaxed) {
        ALWAYS => true,
        NEVER => false,
        _ => is_wanted(|name| std::env::var_os(name), is_terminal),
    }
}

/// Returns whether variables want colour on what is a terminal or not; empty ones are not set.
///
/// - Source: no-color.org, bixense.com/clicolors.
fn is_wanted(variable: impl Fn(&str) -> Option<OsString>, is_terminal: bool) -> bool {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    if set("NO_COLOR").is_some() {
        return false;
    }
    if set("CLICOLOR_FORCE").is_some_and(|value| value != "0") {
        return true;
    }
    is_terminal && set("CLICOLOR").is_none_or(|value| value != "0") && knows_codes(variable("TERM"))
}

/// Returns whether a terminal of this kind knows escape codes.
pub fn knows_codes(term: Option<OsString>) -> bool {
    term.map_or(cfg!(not(unix)), |term| !term.is_empty() && term != "dumb")
}

/// Puts text for standard error in a style, where that takes colour.
pub fn paint(style: Style, text: &str) -> String {
    match is_on_stderr() {
        true => format!("{style}{text}{style:#}"),
        false => text.to_owned(),
    }
}

/// The same for a part of a summary.
pub fn paint_part(part: TextPart, text: &str) -> String {
    match part {
        TextPart::Warning => paint(WARNING, text),
        TextPart::Note => paint(NOTE, text),
        TextPart::Heading => paint(HEADING, text),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_flag_before_two_dashes_counts() {
        let check = |line: &str, expected: Option<&str>| {
            let line: Vec<_> = line.split(' ').map(OsString::from).collect();
            assert_eq!(typed(&line), expected.map(OsStr::new), "{line:?}");
        };
        check("transmog convert a", None);
        check("transmog convert --color=never a", Some("never"));
        check("transmog --color never convert --color always", Some("always"));
        check("transmog convert --color", None);
        check("transmog convert --colors=never -- --color=always", None);
    }

    #[test]
    fn variables_come_before_terminals() {
        let check = |variables: &str, expected: [bool; 2]| {
            let value = |name: &str| {
                let mut set = variables.split(' ').filter_map(|one| one.split_once('='));
                set.find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value))
            };
            assert_eq!([true, false].map(|it| is_wanted(value, it)), expected, "{variables}");
        };
        check("TERM=xterm", [true, false]);
        check("TERM=dumb", [false, false]);
        check("TERM=xterm NO_COLOR=1", [false, false]);
        check("TERM=xterm NO_COLOR=", [true, false]);
        check("TERM=xterm CLICOLOR=0", [false, false]);
        check("TERM=xterm CLICOLOR=1", [true, false]);
        check("TERM=xterm CLICOLOR_FORCE=0", [true, false]);
        check("TERM=dumb CLICOLOR=0 CLICOLOR_FORCE=1", [true, true]);
        check("TERM=xterm NO_COLOR=1 CLICOLOR_FORCE=1", [false, false]);
    }
}
