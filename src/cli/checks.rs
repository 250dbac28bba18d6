//! Refuses flags that would do nothing, or that contradict each other.
//!
//! Each check adds all it finds, so that users see everything at once.

use transmog::{Error, Execution, InputFormat, OnError, OutputFormat, limits};

use super::args::ConvertArgs;
use super::batching;
use super::plan::{self, Place};
use super::values::{Encoding, Failure, ProgressChoice, Rejecting, SummaryFormat};

/// Returns what cannot work, in the order of `--help`.
///
/// What depends on the format or the place is looked at where those are known.
pub fn problems(args: &ConvertArgs, to: Option<OutputFormat>, place: Option<&Place>) -> Vec<Error> {
    let mut problems = Vec::new();
    if args.name.as_deref() == Some("") {
        problems.push(Error::usage("`--name`: expected a name, found nothing"));
    }
    check_csv_flags(args, &mut problems);
    if let Some(to) = to {
        check_format_flags(args, to, &mut problems);
    }
    if let Some(place) = place {
        problems.extend(check_place_flags(args, place));
    }
    problems.extend(check_summary(args));
    problems.extend(check_progress(args));
    problems.extend(check_manifest(args));
    check_rejects(args, &mut problems);
    check_retries(args, &mut problems);
    problems.extend(plan::store_settings(args).err());
    problems.extend(batching::batching(args).err());
    check_running_flags(args, &mut problems);
    problems
}

fn idle(flag: &str, expected: &str) -> Error {
    Error::usage(format!("`{flag}`: expected {expected}"))
        .with_hint(format!("leave `{flag}` out, it would do nothing"))
}

/// So many of the flags of CSV say how rows and cells are told apart.
const DIALECT_FLAGS: usize = 7;

/// Refuses flags of CSV where the input is something else.
fn check_csv_flags(args: &ConvertArgs, problems: &mut Vec<Error>) {
    let flags = [
        (args.delimiter.is_some(), "--delimiter"),
        (args.quote.is_some(), "--quote"),
        (args.escape.is_some(), "--escape"),
        (args.header, "--header"),
        (args.no_header, "--no-header"),
        (args.skip_rows.is_some(), "--skip-rows"),
        (args.comment.is_some(), "--comment"),
        (!args.null_value.is_empty(), "--null-value"),
        (args.ragged.is_some(), "--ragged"),
        (args.json_cells, "--json-cells"),
        (args.decimal_comma, "--decimal-comma"),
        (args.thousands.is_some(), "--thousands"),
    ];
    let from = args.from.unwrap_or_default();
    // Reject files say how their rows are written, not what cells mean.
    let refused = match from {
        InputFormat::Json | InputFormat::Jsonl => flags.as_slice(),
        InputFormat::Parquet | InputFormat::Arrow => flags.as_slice(),
        InputFormat::Rejects => &flags[..DIALECT_FLAGS],
        _ => &[],
    };
    for (_, flag) in refused.iter().filter(|(is_given, _)| *is_given) {
        problems.push(idle(flag, &format!("CSV, found `--from {from}`")));
    }
    if from == InputFormat::Tsv && args.delimiter.is_some_and(|delimiter| delimiter != b'\t') {
        let error = Error::usage("`--delimiter`: expected a tab, as in `--from tsv`");
        problems.push(error.with_hint("say `--from csv`"));
    }
}

/// Refuses flags that would do nothing in this format.
fn check_format_flags(args: &ConvertArgs, to: OutputFormat, problems: &mut Vec<Error>) {
    use OutputFormat::{Arrow, Csv, Json, Jsonl, Parquet, Tsv};
    let has_columns = args.encoding.iter().any(|one| matches!(one, Encoding::Column(_)));
    let flags: [(bool, &str, &[OutputFormat]); 10] = [
        (args.compression.is_some(), "--compression", &[Parquet]),
        (has_columns, "--encoding COLUMN=NAME", &[Parquet]),
        (args.compat, "--compat", &[Parquet]),
        (args.row_group_rows.is_some(), "--row-group-rows", &[Parquet, Arrow]),
        (args.row_group_bytes.is_some(), "--row-group-bytes", &[Parquet, Arrow]),
        (args.delimiter_out.is_some(), "--delimiter-out", &[Csv]),
        (args.bom, "--bom", &[Csv, Tsv]),
        (args.formula_guard, "--formula-guard", &[Csv, Tsv]),
        (args.indent.is_some(), "--indent", &[Json]),
        (args.nulls.is_some(), "--nulls", &[Json, Jsonl]),
    ];
    for (is_given, flag, formats) in flags {
        if is_given && !formats.contains(&to) {
            let formats: Vec<_> = formats.iter().map(|to| format!("`--to {to}`")).collect();
            problems.push(idle(flag, &format!("{}, found `--to {to}`", formats.join(" or "))));
        }
    }
    if args.chunk_bytes.is_some_and(|bytes| bytes > limits::RECORD_BYTES_LIMIT) {
        problems.push(Error::usage("`--chunk-bytes`: expected 1GiB at most"));
    }
}

/// Refuses progress between the lines of a log.
fn check_progress(args: &ConvertArgs) -> Option<Error> {
    let name = match args.progress? {
        ProgressChoice::Always => "always",
        ProgressChoice::Plain => "plain",
        ProgressChoice::Auto | ProgressChoice::Never => return None,
    };
    let message = format!("`--log-format` and `--progress {name}` exclude each other");
    let hint = "the log says what happens: leave `--progress` out";
    args.log_format.map(|_| Error::usage(message).with_hint(hint))
}

/// Refuses flags that would do nothing in this place.
fn check_place_flags(args: &ConvertArgs, place: &Place) -> Option<Error> {
    match place {
        Place::Stdout if has_manifest(args) => {
            let message = "`--manifest`: expected a file for each table, found standard output";
            Some(
                Error::usage(message)
                    .with_hint("a data package lists files: write them with `-o DIR`"),
            )
        }
        Place::Stdout if args.force && !writes_files(args) => Some(
            Error::usage("`--force`: expected files as output, found standard output")
                .with_hint("leave `--force` out, or write files with `-o`"),
        ),
        Place::Directory(_) | Place::File(_) | Place::Prefix(_) | Place::Object(_)
            if args.framing.is_some() =>
        {
            Some(
                Error::usage("`--framing`: expected standard output, found files")
                    .with_hint("add `-o -`, or leave `--framing` out: each table has its own file"),
            )
        }
        _ => None,
    }
}

/// Returns whether there may be files besides the tables.
fn writes_files(args: &ConvertArgs) -> bool {
    let rejects =
        args.rejects.as_deref().is_none_or(|path| !matches!(path.to_str(), Some("-" | "none")));
    let may_reject =
        !matches!(args.on_error, Some(Failure(OnError::Fail, _) | Failure(_, Rejecting::Nowhere)));
    (rejects && may_reject)
        || args.metrics.is_some()
        || matches!(args.summary, Some(SummaryFormat::JsonFile(_)))
}

fn has_manifest(args: &ConvertArgs) -> bool {
    args.manifest.as_deref().is_some_and(|path| path.as_os_str() != "none")
}

fn check_manifest(args: &ConvertArgs) -> Option<Error> {
    let is_stream = args.manifest.as_deref().is_some_and(|path| path.as_os_str() == "-");
    is_stream.then(|| Error::usage("`--manifest`: expected a file or `none`, found `-`"))
}

fn check_summary(args: &ConvertArgs) -> Option<Error> {
    use SummaryFormat::{Github, Json, Text};
    let is_printed = matches!(args.summary, Some(Text | Json | Github));
    (args.quiet && is_printed).then(|| {
        Error::usage("`--quiet` and `--summary` exclude each other")
            .with_hint("`--summary json=FILE` writes a file also where nothing is printed")
    })
}

/// Refuses flags about rejected records that would do nothing.
fn check_rejects(args: &ConvertArgs, problems: &mut Vec<Error>) {
    let Failure(on_error, rejecting) = failure(args);
    let is_fail = on_error == OnError::Fail;
    let flags = [
        (args.rejects.is_some(), "--rejects"),
        (args.max_errors.is_some(), "--max-errors"),
        (args.max_error_rate.is_some(), "--max-error-rate"),
    ];
    for (_, flag) in flags.iter().filter(|(is_given, _)| is_fail && *is_given) {
        problems.push(idle(flag, "records that are rejected, found `--on-error fail`"));
    }
    if args.rejects.as_deref().is_some_and(|path| path.as_os_str().is_empty()) {
        let message = "`--rejects`: expected a file, `-` or `none`, found nothing";
        problems.push(Error::usage(message));
    }
    let is_file = args.rejects.as_deref().is_some_and(|path| path.as_os_str() != "none");
    let contradicted = match rejecting {
        Rejecting::ToFile if args.rejects.is_some() && !is_file => {
            Some(("SendToDLQ", "keeps rejected records in a file"))
        }
        Rejecting::Nowhere if is_file => Some(("LogAndContinue", "keeps no rejected records")),
        _ => None,
    };
    if let Some((name, says)) = contradicted {
        let message = format!("`--on-error {name}` and `--rejects` exclude each other");
        let hint = format!("`{name}` {says}; `skip` leaves the choice to `--rejects`");
        problems.push(Error::usage(message).with_hint(hint));
    }
    if is_fail && args.fail_fast == Some(false) {
        let message = "`--fail-fast=false` and `--on-error fail` exclude each other";
        let hint = "`--on-error fail` ends the run at the first bad record";
        problems.push(Error::usage(message).with_hint(hint));
    }
}

/// Refuses flags about further tries where there are none.
fn check_retries(args: &ConvertArgs, problems: &mut Vec<Error>) {
    let is_retry = failure(args).0 == OnError::Retry;
    let retries = args.max_retries.unwrap_or(u32::from(is_retry));
    let source_retries = args.source_max_retries.unwrap_or(retries);
    let most = retries.max(source_retries);
    // requests to stores are made again in any case
    let may_have_urls = args.files_from.is_some() || plan::names_urls(args);
    let asks_again = may_have_urls && args.max_retries != Some(0);
    if args.retry_backoff.is_some() && most == 0 && !asks_again {
        problems.push(idle("--retry-backoff", "`--on-error retry` or `--max-retries`"));
    }
    let asks_again = may_have_urls && args.source_max_retries.or(args.max_retries) != Some(0);
    if args.source_retry_backoff.is_some() && source_retries == 0 && !asks_again {
        let expected = "`--on-error retry` or `--source-max-retries`";
        problems.push(idle("--source-retry-backoff", expected));
    }
    if is_retry && most == 0 {
        let message = "`--on-error retry`: expected retries, found `--max-retries 0`";
        problems.push(Error::usage(message).with_hint("say `--on-error skip`"));
    }
}

fn failure(args: &ConvertArgs) -> Failure {
    args.on_error.unwrap_or(Failure(OnError::Skip, Rejecting::Any))
}

/// Refuses flags of running that contradict each other.
fn check_running_flags(args: &ConvertArgs, problems: &mut Vec<Error>) {
    if args.execution == Some(Execution::Sequential)
        && let Some(threads) = args.threads.filter(|threads| threads.get() > 1)
    {
        let message =
            format!("`--execution sequential`: expected one thread, found `--threads {threads}`");
        problems.push(Error::usage(message).with_hint("leave `--threads` out"));
    }
    if args.on_timeout.is_some() && args.timeout.is_none() && args.idle_timeout.is_none() {
        problems.push(idle("--on-timeout", "`--timeout` or `--idle-timeout`"));
    }
}
