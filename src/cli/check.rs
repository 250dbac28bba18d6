//! `transmog check`.

use std::ffi::OsString;

use clap::ArgMatches;
use transmog::{Depth, Error};

use super::convert;
use super::plan::Scope;
use super::settings::Settings;

/// Reads everything, and sums up what it found on standard error; returns the exit status.
///
/// - Errors: as those of `convert`.
pub fn run(settings: &Settings, line: &[OsString], matches: &ArgMatches) -> Result<u8, Vec<Error>> {
    let scope = Scope::Look(Depth::Types);
    convert::run_in(scope, settings, line, matches).map(|(status, _)| status)
}
