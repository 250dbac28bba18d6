//! What only the binary needs; it sees the library as any user does.

pub mod allocator;
mod args;
mod bar;
mod batching;
mod check;
mod checks;
mod color;
mod completions;
mod config;
mod convert;
mod dry_run;
mod environment;
mod file;
mod formats;
mod layers;
mod man;
mod message;
mod next;
mod plan;
mod presets;
mod profile;
mod schema;
mod settings;
mod values;

use std::ffi::OsString;
use std::io::{self, Write};

use clap::error::ErrorKind as Parsed;
use clap::{ArgMatches, FromArgMatches};
use transmog::error::{EXIT_DONE, EXIT_USAGE};
use transmog::{Error, ErrorKind};

use args::{Args, Command, ConvertArgs};
use settings::Settings;

/// Runs the command line that started this process; returns its exit status.
pub fn run() -> u8 {
    let line: Vec<_> = std::env::args_os().collect();
    let settings = Settings::new();
    color::choose_early(&line, std::env::var_os("TRANSMOG_COLOR").as_deref());
    let done = match settings.parse(&line) {
        Ok(matches) => command(&settings, &line, &matches),
        Err(asked) if matches!(asked.kind(), Parsed::DisplayHelp | Parsed::DisplayVersion) => {
            let shown = print(message::help(&asked, color::is_on_stdout()).as_bytes());
            shown.map(|()| EXIT_DONE).map_err(|error| vec![error])
        }
        Err(asked) if asked.kind() == Parsed::DisplayHelpOnMissingArgumentOrSubcommand => {
            message::say(&message::help(&asked, color::is_on_stderr()));
            return EXIT_USAGE;
        }
        Err(wrong) => Err(vec![message::with_near_flag(message::from_clap(&wrong), &wrong, &line)]),
    };
    let own_help = |error| message::with_own_help(error, &line);
    let done = done.map_err(|errors| errors.into_iter().map(own_help).collect::<Vec<_>>());
    match done {
        Ok(status) => status,
        Err(errors) => {
            errors.iter().for_each(message::report);
            errors.first().map_or(EXIT_USAGE, |error| error.kind().exit_status())
        }
    }
}

fn command(settings: &Settings, line: &[OsString], matches: &ArgMatches) -> Result<u8, Vec<Error>> {
    let args = Args::from_arg_matches(matches).map_err(|wrong| vec![message::from_clap(&wrong)])?;
    let done = match args.command {
        Command::Convert(_) => return convert::run(settings, line, matches),
        Command::Config(args) => return config::run(settings, line, matches, &args),
        Command::Check(_) => return check::run(settings, line, matches),
        Command::Schema(args) => return schema::run(settings, line, matches, &args),
        Command::Profile(args) => return profile::run(settings, line, matches, &args),
        Command::Formats { json } => formats::run(json),
        Command::Completions { shell } => completions::run(shell),
        Command::Man { command, output } => man::run(&command, output.as_deref()),
    };
    done.map(|()| EXIT_DONE).map_err(|error| vec![error])
}

/// Refuses to mix rejected records with what a command prints.
///
/// - Errors: `Usage`.
fn refuse_stdout_rejects(args: &ConvertArgs, command: &str) -> Result<(), Vec<Error>> {
    let is_stdout = args.rejects.as_deref().is_some_and(|path| path.as_os_str() == "-");
    if !is_stdout {
        return Ok(());
    }
    let message =
        format!("`--rejects -`: expected a file, as `{command}` prints to standard output");
    Err(vec![Error::usage(message).with_hint("name a file: `--rejects FILE`")])
}

/// Writes all of `bytes` to standard output.
///
/// - Errors: `ClosedPipe`, `Io`.
fn print(bytes: &[u8]) -> Result<(), Error> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(bytes).and_then(|()| stdout.flush()).map_err(|cause| {
        let kind = match cause.kind() {
            io::ErrorKind::BrokenPipe => ErrorKind::ClosedPipe,
            _ => ErrorKind::Io,
        };
        Error::new(kind, format!("<stdout>: writing failed: {cause}")).with_source(cause)
    })
}
