//! `transmog profile`.

use std::ffi::OsString;

use clap::ArgMatches;
use transmog::report::profile;
use transmog::{Depth, Error};

use super::args::ProfileArgs;
use super::convert;
use super::plan::Scope;
use super::settings::Settings;
use super::values::ProfileFormat;

/// Prints what the columns of an input hold; returns the exit status.
///
/// - Errors: as those of `convert`.
pub fn run(
    settings: &Settings,
    line: &[OsString],
    matches: &ArgMatches,
    args: &ProfileArgs,
) -> Result<u8, Vec<Error>> {
    super::refuse_stdout_rejects(&args.read.0, "profile")?;
    let scope = Scope::Look(Depth::Values);
    let (status, summary) = convert::run_in(scope, settings, line, matches)?;
    let text = match args.format.unwrap_or_default() {
        ProfileFormat::Table => profile::to_table(&summary.profiles),
        ProfileFormat::Json => profile::to_json(&summary),
        ProfileFormat::Html => profile::to_html(&summary),
    };
    super::print(text.as_bytes()).map_err(|error| vec![error])?;
    Ok(status)
}
