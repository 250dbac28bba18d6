//! Flags → a checked [`Conversion`].

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use transmog::{
    Charset, Contract, Conversion, CsvInput, Destination, Error, ErrorBudget, ErrorKind, Execution,
    Framing, Header, IdMode, Input, InputFormat, NonObjects, OnError, OutputFormat, Overwrite,
    RejectTarget, Sample, Selection, SourceRetry, limits,
};

use transmog::source::list::{self, Directories, Separator};

use super::args::{ConvertArgs, Encoding, Failure, Rejecting, SummaryFormat};
use super::batching;

/// Works out what the flags ask for.
///
/// - Errors: `Usage`; `Io` if the system gives no random seed.
pub fn conversion(args: ConvertArgs) -> Result<Conversion, Error> {
    if args.name.as_deref() == Some("") {
        return Err(Error::usage("`--name`: expected a name, found nothing"));
    }
    let inputs = inputs(&args)?;
    let only_stdin = inputs.iter().all(|input| matches!(input, Input::Stdin));
    let place = place(args.output.as_deref(), only_stdin)?;
    let to = output_format(args.to, &place)?;
    check_format_flags(&args, to)?;
    check_place_flags(&args, &place)?;
    check_csv_flags(&args)?;
    check_recovery_flags(&args)?;
    check_running_flags(&args)?;
    let (batches, live) = batching::batching(&args)?;

    let mut conversion = Conversion::new(inputs, to);
    conversion.destination = match place {
        Place::Stdout => Destination::Stdout(args.framing.unwrap_or(Framing::One)),
        Place::Directory(path) => Destination::Directory(path),
        Place::File(path) => Destination::File(path),
    };
    if args.force {
        conversion.overwrite = Overwrite::Replace;
    }
    if args.wrap_values {
        conversion.non_objects = NonObjects::Wrap;
    }
    conversion.csv_input = csv_input(&args);
    conversion.records_at = args.records;
    conversion.contract = args.schema.as_deref().map(contract).transpose()?;
    set(&mut conversion.schema_mode, args.schema_mode);
    conversion.table = args.table;
    conversion.name = args.name;
    conversion.arrays = args.arrays;
    conversion.compat = args.compat;
    for encoding in args.encoding {
        match encoding {
            Encoding::Column(column) => conversion.encodings.push(column),
            Encoding::Charset(charset) if conversion.charset.is_none_or(|one| one == charset) => {
                conversion.charset = Some(charset);
            }
            Encoding::Charset(charset) => {
                let first = conversion.charset.map_or("", Charset::name);
                let message = format!("expected one character set, found {first} and {charset}");
                return Err(Error::usage(format!("`--encoding`: {message}")));
            }
        }
    }
    conversion.rejects = match args.rejects {
        None => RejectTarget::Beside,
        Some(path) if path.as_os_str() == "none" => RejectTarget::Nowhere,
        Some(path) if path.as_os_str() == "-" => RejectTarget::Stdout,
        Some(path) if path.as_os_str().is_empty() => {
            return Err(Error::usage("`--rejects`: expected a file, `-` or `none`, found nothing"));
        }
        Some(path) => RejectTarget::File(path),
    };
    if let Some(Failure(on_error, rejecting)) = args.on_error {
        conversion.on_error = on_error;
        if rejecting == Rejecting::Nowhere {
            conversion.rejects = RejectTarget::Nowhere;
        }
    }
    conversion.error_budget = ErrorBudget { records: args.max_errors, rate: args.max_error_rate };
    conversion.batches = batches;
    conversion.live = live;
    conversion.file_rows_max = args.max_file_rows;
    conversion.retry.max = args.max_retries;
    set(&mut conversion.retry.backoff, args.retry_backoff);
    conversion.source_retry =
        SourceRetry { max: args.source_max_retries, backoff: args.source_retry_backoff };
    set(&mut conversion.fail_fast, args.fail_fast);
    set(&mut conversion.status_policy, args.status_policy);
    set(&mut conversion.execution, args.execution);
    set(&mut conversion.prefetch, args.prefetch);
    conversion.time_limits.run = args.timeout;
    conversion.time_limits.idle = args.idle_timeout;
    set(&mut conversion.time_limits.on_timeout, args.on_timeout);
    conversion.protected = args.files_from.iter().chain(&args.schema).cloned().collect();
    if args.quiet
        && matches!(
            args.summary,
            Some(SummaryFormat::Text | SummaryFormat::Json | SummaryFormat::Github)
        )
    {
        return Err(Error::usage("`--quiet` and `--summary` exclude each other")
            .with_hint("`--summary json=FILE` writes a file also where nothing is printed"));
    }
    if let Some(SummaryFormat::JsonFile(path)) = args.summary {
        conversion.summary_file = Some(path);
    }
    conversion.reserved.extend(args.metrics);
    conversion.indent = args.indent;
    conversion.threads = args.threads;
    set(&mut conversion.skip, args.skip);
    conversion.limit = args.limit;
    let seed = args.seed.unwrap_or(0);
    conversion.sample = args.sample.map(|records| Sample { records, seed });
    conversion.flatten.selection = Selection { select: args.select, drop: args.drop };
    conversion.source_column = args.source_column.map(|name| {
        let prefix = args.meta_prefix.as_deref().unwrap_or(&conversion.meta_prefix);
        name.unwrap_or_else(|| format!("{prefix}source"))
    });
    set(&mut conversion.from, args.from);
    set(&mut conversion.separator, args.separator);
    set(&mut conversion.names, args.names);
    set(&mut conversion.meta_prefix, args.meta_prefix);
    set(&mut conversion.numbers, args.numbers);
    set(&mut conversion.dates, args.dates);
    set(&mut conversion.duplicate_keys, args.duplicate_keys);
    set(&mut conversion.codec, args.compression);
    set(&mut conversion.row_group_rows, args.row_group_rows);
    set(&mut conversion.memory_limit, args.memory_limit);
    conversion.row_group_bytes = args.row_group_bytes;
    set(&mut conversion.nulls, args.nulls);
    conversion.chunk_bytes = args.chunk_bytes;
    conversion.record_bytes_max = args.max_record_bytes;
    set(&mut conversion.csv.delimiter, args.delimiter_out);
    conversion.csv.bom = args.bom;
    conversion.csv.formula_guard = args.formula_guard;

    let flatten = &mut conversion.flatten;
    flatten.arrays_at = args.arrays_at;
    flatten.maps = args.map;
    flatten.types = args.types;
    flatten.all_text = args.all_text;
    set(&mut flatten.max_depth, args.max_depth);
    set(&mut flatten.max_columns, args.max_columns);
    set(&mut flatten.max_tables, args.max_tables);
    set(&mut flatten.ids, args.ids.map(seeded).transpose()?);
    Ok(conversion)
}

/// Works out how CSV is read.
fn csv_input(args: &ConvertArgs) -> CsvInput {
    let mut input = CsvInput::default();
    input.dialect.delimiter = args.delimiter;
    input.dialect.quote = args.quote;
    input.dialect.escape = args.escape;
    input.dialect.comment = args.comment;
    input.dialect.skip_lines = args.skip_rows;
    if args.header {
        input.dialect.header = Some(Header::Present);
    }
    if args.no_header {
        input.dialect.header = Some(Header::Absent);
    }
    input.cells.null_values = args.null_value.clone();
    set(&mut input.cells.ragged, args.ragged);
    input.cells.json = args.json_cells;
    input.cells.decimal_comma = args.decimal_comma;
    input.cells.thousands = args.thousands;
    input
}

/// Reads a schema file.
fn contract(path: &Path) -> Result<Contract, Error> {
    let text = std::fs::read_to_string(path).map_err(|cause| {
        let message = format!("`--schema {}`: reading it failed: {cause}", path.display());
        Error::usage(message).with_source(cause)
    })?;
    Contract::parse(&path.display().to_string(), &text)
}

/// So many of the flags of CSV say how rows and cells are told apart.
const DIALECT_FLAGS: usize = 7;

/// Refuses flags of CSV where the input is something else.
fn check_csv_flags(args: &ConvertArgs) -> Result<(), Error> {
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
    let idle = match from {
        InputFormat::Json | InputFormat::Jsonl => flags.as_slice(),
        InputFormat::Rejects => &flags[..DIALECT_FLAGS],
        _ => &[],
    };
    if let Some((_, flag)) = idle.iter().find(|(is_given, _)| *is_given) {
        return Err(Error::usage(format!("`{flag}`: expected CSV, found `--from {from}`"))
            .with_hint(format!("leave `{flag}` out, it would do nothing")));
    }
    if from == InputFormat::Tsv && args.delimiter.is_some_and(|delimiter| delimiter != b'\t') {
        return Err(Error::usage("`--delimiter`: expected a tab, as in `--from tsv`")
            .with_hint("say `--from csv`"));
    }
    Ok(())
}

/// Refuses flags of recovery that would do nothing.
fn check_recovery_flags(args: &ConvertArgs) -> Result<(), Error> {
    let Failure(on_error, rejecting) =
        args.on_error.unwrap_or(Failure(OnError::Skip, Rejecting::Any));
    let is_fail = on_error == OnError::Fail;
    let flags = [
        (is_fail && args.rejects.is_some(), "--rejects"),
        (is_fail && args.max_errors.is_some(), "--max-errors"),
        (is_fail && args.max_error_rate.is_some(), "--max-error-rate"),
    ];
    if let Some((_, flag)) = flags.iter().find(|(is_idle, ..)| *is_idle) {
        return Err(Error::usage(format!(
            "`{flag}`: expected records that are rejected, found `--on-error fail`"
        ))
        .with_hint(format!("leave `{flag}` out, it would do nothing")));
    }
    let is_file = args.rejects.as_deref().is_some_and(|path| path.as_os_str() != "none");
    let contradicts = match rejecting {
        Rejecting::Any => false,
        Rejecting::ToFile => args.rejects.is_some() && !is_file,
        Rejecting::Nowhere => is_file,
    };
    if contradicts {
        let (name, says) = match rejecting {
            Rejecting::Nowhere => ("LogAndContinue", "keeps no rejected records"),
            _ => ("SendToDLQ", "keeps rejected records in a file"),
        };
        return Err(Error::usage(format!(
            "`--on-error {name}` and `--rejects` exclude each other"
        ))
        .with_hint(format!("`{name}` {says}; `skip` leaves the choice to `--rejects`")));
    }
    if is_fail && args.fail_fast == Some(false) {
        return Err(Error::usage("`--fail-fast=false` and `--on-error fail` exclude each other")
            .with_hint("`--on-error fail` ends the run at the first bad record"));
    }
    let is_retry = on_error == OnError::Retry;
    let retries = args.max_retries.unwrap_or(u32::from(is_retry));
    let source_retries = args.source_max_retries.unwrap_or(retries);
    for (backoff, retries, flag, number) in [
        (args.retry_backoff, retries.max(source_retries), "--retry-backoff", "--max-retries"),
        (
            args.source_retry_backoff,
            source_retries,
            "--source-retry-backoff",
            "--source-max-retries",
        ),
    ] {
        if backoff.is_some() && retries == 0 {
            let message = format!("`{flag}`: expected `--on-error retry` or `{number}`");
            return Err(
                Error::usage(message).with_hint(format!("leave `{flag}` out, it would do nothing"))
            );
        }
    }
    if is_retry && retries == 0 && source_retries == 0 {
        return Err(Error::usage("`--on-error retry`: expected retries, found `--max-retries 0`")
            .with_hint("say `--on-error skip`"));
    }
    Ok(())
}

/// Refuses flags of running that contradict each other.
fn check_running_flags(args: &ConvertArgs) -> Result<(), Error> {
    if args.execution == Some(Execution::Sequential)
        && let Some(threads) = args.threads.filter(|threads| threads.get() > 1)
    {
        let message = format!("`--execution sequential`: expected one thread, found `{threads}`");
        return Err(Error::usage(message).with_hint("leave `--threads` out"));
    }
    if args.on_timeout.is_some() && args.timeout.is_none() && args.idle_timeout.is_none() {
        return Err(Error::usage("`--on-timeout`: expected `--timeout` or `--idle-timeout`")
            .with_hint("leave `--on-timeout` out, it would do nothing"));
    }
    Ok(())
}

/// Puts a flag's value in the place of the default.
fn set<T>(option: &mut T, given: Option<T>) {
    if let Some(given) = given {
        *option = given;
    }
}

/// Gives random ids their seed.
fn seeded(ids: IdMode) -> Result<IdMode, Error> {
    match ids {
        IdMode::Uuid { .. } => {
            let seed = getrandom::u64().map_err(|cause| {
                let message = format!("`--ids uuid`: the system gives no random number: {cause}");
                Error::new(ErrorKind::Io, message)
            })?;
            Ok(IdMode::Uuid { seed })
        }
        ids => Ok(ids),
    }
}

/// Finds the inputs: those that are named, then those of a list.
fn inputs(args: &ConvertArgs) -> Result<Vec<Input>, Error> {
    let files = &args.files;
    if files.is_empty() && args.files_from.is_none() {
        if args.recursive {
            return Err(Error::usage("`--recursive`: expected a directory, found nothing"));
        }
        if io::stdin().is_terminal() {
            return Err(Error::usage("expected a file, or data on standard input, found neither")
                .with_hint("name a file, as in `transmog convert orders.jsonl --to csv`"));
        }
        return Ok(vec![Input::Stdin]);
    }
    let uses = files.iter().chain(&args.files_from).filter(|file| file.as_os_str() == "-");
    if uses.count() > 1 {
        return Err(Error::usage("`-`: expected standard input once, found it twice"));
    }
    if files.iter().any(|file| file.as_os_str().is_empty()) {
        return Err(Error::usage("expected the name of a file, found an empty argument"));
    }
    let directories = if args.recursive { Directories::Walk } else { Directories::Refuse };
    let mut inputs = list::expand(files, directories)?;
    if let Some(list) = &args.files_from {
        let separator = if args.null { Separator::Nul } else { Separator::Newline };
        let names = list::read_list(list, separator)?;
        inputs.extend(list::expand_list(&names, directories)?);
        if inputs.is_empty() {
            let message = format!("`--files-from {}`: expected names, found none", list.display());
            return Err(Error::usage(message));
        }
    }
    Ok(inputs)
}

/// Where the tables go.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    Stdout,
    Directory(PathBuf),
    File(PathBuf),
}

fn place(output: Option<&Path>, only_stdin: bool) -> Result<Place, Error> {
    let Some(output) = output else {
        return Ok(if only_stdin { Place::Stdout } else { Place::Directory(".".into()) });
    };
    let bytes = output.as_os_str().as_encoded_bytes();
    let Some(&last) = bytes.last() else {
        return Err(Error::usage("`-o`: expected a directory, a file or `-`, found nothing"));
    };
    let path = output.to_path_buf();
    let is_directory = std::path::is_separator(char::from(last)) || output.is_dir();
    Ok(match (bytes, OutputFormat::from_path(output)) {
        (b"-", _) => Place::Stdout,
        (_, Some(_)) if !is_directory => Place::File(path),
        _ => Place::Directory(path),
    })
}

fn output_format(to: Option<OutputFormat>, place: &Place) -> Result<OutputFormat, Error> {
    let ending = match place {
        Place::File(path) => OutputFormat::from_path(path).map(|ending| (path, ending)),
        Place::Stdout | Place::Directory(_) => None,
    };
    match (to, ending) {
        (None, None) => {
            let known = OutputFormat::ALL.map(|format| format!("`{format}`")).join(", ");
            Err(Error::usage(format!("`--to`: expected a format ({known}), found nothing"))
                .with_hint("add `--to parquet`, or give the output an ending: `-o FILE.parquet`"))
        }
        (None, Some((_, ending))) => Ok(ending),
        // JSON lines are often kept as `.json`
        (Some(OutputFormat::Jsonl), Some((_, OutputFormat::Json))) => Ok(OutputFormat::Jsonl),
        (Some(to), Some((path, ending))) if to != ending => {
            let path = path.display();
            let message = format!("`-o {path}`: expected the ending of `--to {to}`");
            Err(Error::usage(format!("{message}, found that of `{ending}`"))
                .with_hint(format!("leave `--to` out, or end the name in `.{}`", to.extension())))
        }
        (Some(to), _) => Ok(to),
    }
}

/// Refuses flags that would do nothing in this format.
fn check_format_flags(args: &ConvertArgs, to: OutputFormat) -> Result<(), Error> {
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
            let formats = formats.join(" or ");
            return Err(Error::usage(format!("`{flag}`: expected {formats}, found `--to {to}`"))
                .with_hint(format!("leave `{flag}` out, it would do nothing")));
        }
    }
    if args.chunk_bytes.is_some_and(|bytes| bytes > limits::RECORD_BYTES_LIMIT) {
        return Err(Error::usage("`--chunk-bytes`: expected 1GiB at most"));
    }
    Ok(())
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

/// Refuses flags that would do nothing in this place.
fn check_place_flags(args: &ConvertArgs, place: &Place) -> Result<(), Error> {
    match place {
        Place::Stdout if args.force && !writes_files(args) => {
            Err(Error::usage("`--force`: expected files as output, found standard output")
                .with_hint("leave `--force` out, or write files with `-o`"))
        }
        Place::Directory(_) | Place::File(_) if args.framing.is_some() => {
            Err(Error::usage("`--framing`: expected standard output, found files")
                .with_hint("add `-o -`, or leave `--framing` out: each table has its own file"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_follow_from_output_and_input() {
        let dir = tempfile::tempdir().unwrap();
        let existing = dir.path().join("d.csv");
        std::fs::create_dir(&existing).unwrap();
        let check = |output: Option<&str>, only_stdin: bool, expected: Place| {
            let found = place(output.map(Path::new), only_stdin).unwrap();
            assert_eq!(found, expected, "{output:?}");
        };
        let existing = existing.to_str().unwrap();
        check(None, true, Place::Stdout);
        check(None, false, Place::Directory(".".into()));
        check(Some("-"), false, Place::Stdout);
        check(Some("a.csv"), true, Place::File("a.csv".into()));
        check(Some("a.csv/"), true, Place::Directory("a.csv/".into()));
        check(Some("a.v2"), true, Place::Directory("a.v2".into()));
        check(Some(existing), true, Place::Directory(existing.into()));
        assert!(place(Some(Path::new("")), true).is_err());
    }

    #[test]
    fn formats_follow_from_the_ending() {
        let check = |to, place, expected: Option<OutputFormat>| {
            assert_eq!(output_format(to, &place).ok(), expected, "{to:?} {place:?}");
        };
        let file = |name: &str| Place::File(name.into());
        check(None, file("a.PQ"), Some(OutputFormat::Parquet));
        check(None, Place::Stdout, None);
        check(None, Place::Directory("a".into()), None);
        check(Some(OutputFormat::Csv), file("a.json"), None);
        check(Some(OutputFormat::Jsonl), file("a.json"), Some(OutputFormat::Jsonl));
        check(Some(OutputFormat::Csv), Place::Stdout, Some(OutputFormat::Csv));
    }
}
