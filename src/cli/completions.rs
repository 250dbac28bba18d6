//! `transmog completions SHELL`.

use clap::CommandFactory;
use clap_complete::Shell;
use transmog::Error;

use super::args::Args;

/// Prints the script that completes commands and flags in `shell`.
pub fn run(shell: Shell) -> Result<(), Error> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "transmog", &mut script);
    super::print(&script)
}
