//! What only the binary needs; it sees the library as any user does.

mod allocator;
mod args;
mod batching;
mod completions;
mod convert;
mod message;
mod plan;

use std::io::{self, Write};

use clap::Parser;
use clap::error::ErrorKind as Parsed;
use transmog::error::{EXIT_DONE, EXIT_USAGE};
use transmog::{Error, ErrorKind};

use args::{Args, Command};

/// Runs the command line that started this process; returns its exit status.
pub fn run() -> u8 {
    let done = match Args::try_parse() {
        Ok(Args { command: Command::Convert(args) }) => convert::run(*args),
        Ok(Args { command: Command::Completions { shell } }) => {
            completions::run(shell).map(|()| EXIT_DONE)
        }
        Err(asked) if matches!(asked.kind(), Parsed::DisplayHelp | Parsed::DisplayVersion) => {
            print(asked.render().to_string().as_bytes()).map(|()| EXIT_DONE)
        }
        Err(asked) if asked.kind() == Parsed::DisplayHelpOnMissingArgumentOrSubcommand => {
            message::say(&asked.render());
            return EXIT_USAGE;
        }
        Err(wrong) => Err(message::from_clap(&wrong)),
    };
    match done {
        Ok(status) => status,
        Err(error) => {
            message::report(&error);
            error.kind().exit_status()
        }
    }
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
