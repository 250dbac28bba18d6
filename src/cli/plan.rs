//! Flags → a checked [`Conversion`].

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use transmog::{
    ArrayMode, Charset, Contract, Conversion, CsvInput, Depth, Destination, Error, ErrorBudget,
    ErrorKind, Framing, Header, IdMode, Input, ManifestTarget, NonObjects, OutputFormat, Overwrite,
    RejectTarget, RetryOptions, Sample, Selection, SourceRetry, StoreOptions, StoreSetting,
    StoreUrl, Stores,
};

use transmog::source::list::{self, Directories, Separator};
use transmog::store::url::Name;

use super::args::ConvertArgs;
use super::values::{Encoding, Failure, Rejecting, SummaryFormat};
use super::{batching, checks};

/// How much of a run is known when its flags are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// All of it.
    Run,
    /// Settings alone: inputs, output and format may be chosen later.
    Settings,
    /// All of a run that looks at tables and writes none.
    Look(Depth),
}

/// Returns why the flags cannot work, as far as that shows without a look at any file.
///
/// What only shows when a run is put together is looked for once nothing else is left.
pub fn problems(args: &ConvertArgs, scope: Scope) -> Vec<Error> {
    let mut problems = Vec::new();
    let is_open = scope == Scope::Settings && args.output.is_none();
    let only_stdin = args.files_from.is_none() && args.files.iter().all(|name| name == "-");
    let stands_in = || if only_stdin { Input::Stdin } else { Input::File("input".into()) };
    if scope != Scope::Settings {
        problems.extend(no_input(args));
    }
    let place = place(args.output.as_deref(), only_stdin, scope).map_err(|one| problems.push(one));
    let place = place.ok().filter(|_| !is_open);
    let to = match &place {
        Some(place) if scope != Scope::Settings || args.to.is_some() => {
            output_format(args.to, place).map_err(|error| problems.push(error)).ok()
        }
        Some(place) => output_format(None, place).ok(),
        None => args.to,
    };
    problems.extend(checks::problems(args, to, place.as_ref()));
    // what a schema allows is only known when its file has been read
    if problems.is_empty() && args.schema.is_none() {
        let place = place.unwrap_or(Place::Directory(".".into()));
        // a format that has nothing against the batches
        let has_parts = args.max_file_rows.is_some();
        let open = if has_parts { OutputFormat::Parquet } else { OutputFormat::Jsonl };
        let to = to.unwrap_or(open);
        let mut args = args.clone();
        let is_tables = args.table.is_some() || args.framing.is_some_and(|one| one != Framing::One);
        if is_open || (place == Place::Stdout && !is_tables) {
            // the default where a stream takes one table, as it still may where all is open
            args.arrays = args.arrays.or(Some(ArrayMode::Inline));
        }
        let built = build(args, Stores::default(), vec![stands_in()], place, to);
        let checked = built.and_then(|mut conversion| {
            set(&mut conversion.flatten.arrays, conversion.arrays);
            conversion.check()
        });
        problems.extend(checked.err());
    }
    problems
}

/// Works out what flags ask for that [`problems`] has nothing against.
///
/// - Errors: `Usage`; `Io` if the system gives no random seed.
pub fn conversion(args: ConvertArgs, scope: Scope) -> Result<Conversion, Error> {
    let stores = stores(&args)?;
    let inputs = inputs(&args, &stores)?;
    let only_stdin = inputs.iter().all(|input| matches!(input, Input::Stdin));
    let place = place(args.output.as_deref(), only_stdin, scope)?;
    let to = output_format(args.to, &place)?;
    build(args, stores, inputs, place, to)
}

fn build(
    args: ConvertArgs,
    stores: Stores,
    inputs: Vec<Input>,
    place: Place,
    to: OutputFormat,
) -> Result<Conversion, Error> {
    let (batches, live) = batching::batching(&args)?;
    let source_retry = source_retry(&args);
    let mut conversion = Conversion::new(inputs, to);
    let is_store = matches!(place, Place::Prefix(_) | Place::Object(_));
    conversion.destination = match place {
        Place::Stdout => Destination::Stdout(args.framing.unwrap_or(Framing::One)),
        Place::Directory(path) => Destination::Directory(path),
        Place::File(path) => Destination::File(path),
        Place::Prefix(url) => Destination::Prefix(url),
        Place::Object(url) => Destination::Object(url),
        Place::Nowhere(depth) => Destination::Nowhere(depth),
    };
    conversion.stores = stores;
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
    conversion.retry.backoff = args.retry_backoff;
    conversion.source_retry = source_retry;
    set(&mut conversion.fail_fast, args.fail_fast);
    set(&mut conversion.status_policy, args.status_policy);
    set(&mut conversion.execution, args.execution);
    set(&mut conversion.prefetch, args.prefetch);
    conversion.time_limits.run = args.timeout;
    conversion.time_limits.idle = args.idle_timeout;
    set(&mut conversion.time_limits.on_timeout, args.on_timeout);
    conversion.protected = args.files_from.iter().chain(&args.schema).cloned().collect();
    if let Some(SummaryFormat::JsonFile(path)) = args.summary {
        conversion.summary_file = Some(path);
    }
    conversion.manifest = match args.manifest {
        Some(path) if path.as_os_str() == "none" => ManifestTarget::Nowhere,
        Some(path) => ManifestTarget::File(path),
        // a store shows one object after the other: the manifest says that all are there
        None if is_store => ManifestTarget::Beside,
        None => ManifestTarget::Nowhere,
    };
    for dialect in args.emit_sql {
        if !conversion.emit_sql.contains(&dialect) {
            conversion.emit_sql.push(dialect);
        }
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
    set(&mut conversion.memory_limit, args.memory_limit);
    conversion.row_group_rows = args.row_group_rows;
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
    // Who asks for a wide table shall have it.
    flatten.max_run_columns = flatten.max_run_columns.max(flatten.max_columns);
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

/// Returns why there is nothing to read, or nothing that could be.
fn no_input(args: &ConvertArgs) -> Option<Error> {
    let files = &args.files;
    if files.is_empty() && args.files_from.is_none() {
        if args.recursive {
            return Some(Error::usage("`--recursive`: expected a directory, found nothing"));
        }
        return io::stdin().is_terminal().then(|| {
            Error::usage("expected a file, or data on standard input, found neither")
                .with_hint("name a file, as in `transmog convert orders.jsonl --to csv`")
        });
    }
    let uses = files.iter().chain(&args.files_from).filter(|file| file.as_os_str() == "-");
    (uses.count() > 1).then(|| Error::usage("`-`: expected standard input once, found it twice"))
}

/// Finds the inputs: those that are named, then those of a list.
fn inputs(args: &ConvertArgs, stores: &Stores) -> Result<Vec<Input>, Error> {
    let files = &args.files;
    if let Some(error) = no_input(args) {
        return Err(error);
    }
    if files.is_empty() && args.files_from.is_none() {
        return Ok(vec![Input::Stdin]);
    }
    if files.iter().any(|file| file.as_os_str().is_empty()) {
        return Err(Error::usage("expected the name of a file, found an empty argument"));
    }
    let directories = if args.recursive { Directories::Walk } else { Directories::Refuse };
    let mut inputs = list::expand(files, directories, stores)?;
    if let Some(list) = &args.files_from {
        let separator = if args.null { Separator::Nul } else { Separator::Newline };
        let names = list::read_list(list, separator)?;
        inputs.extend(list::expand_list(&names, directories, stores)?);
        if inputs.is_empty() {
            let message = format!("`--files-from {}`: expected names, found none", list.display());
            return Err(Error::usage(message));
        }
    }
    Ok(inputs)
}

/// Returns the settings of stores.
///
/// - Errors: `Usage`, which never holds a value.
pub fn store_settings(args: &ConvertArgs) -> Result<Vec<StoreSetting>, Error> {
    args.store_option.iter().map(|text| StoreSetting::parse(text)).collect()
}

/// Returns whether an input or output that is named is a URL.
pub fn names_urls(args: &ConvertArgs) -> bool {
    let named = args.files.iter().chain(&args.output).chain(&args.rejects);
    named.into_iter().any(|name| matches!(Name::parse(name), Ok(Name::Url(_))))
}

fn stores(args: &ConvertArgs) -> Result<Stores, Error> {
    Ok(Stores::new(StoreOptions {
        settings: store_settings(args)?,
        request_timeout: args.request_timeout,
        retry: RetryOptions { max: args.max_retries, backoff: args.retry_backoff },
        source_retry: source_retry(args),
    }))
}

fn source_retry(args: &ConvertArgs) -> SourceRetry {
    SourceRetry { max: args.source_max_retries, backoff: args.source_retry_backoff }
}

/// Where the tables go.
#[derive(Debug, PartialEq, Eq)]
pub enum Place {
    /// Standard output.
    Stdout,
    /// Files in a directory, which may have to be made.
    Directory(PathBuf),
    /// A file for the main table, and others beside it.
    File(PathBuf),
    /// Objects below a prefix of a store.
    Prefix(StoreUrl),
    /// An object for the main table, and others beside it.
    Object(StoreUrl),
    /// Nowhere: they are looked at.
    Nowhere(Depth),
}

fn place(output: Option<&Path>, only_stdin: bool, scope: Scope) -> Result<Place, Error> {
    if let Scope::Look(depth) = scope {
        return Ok(Place::Nowhere(depth));
    }
    let Some(output) = output else {
        return Ok(if only_stdin { Place::Stdout } else { Place::Directory(".".into()) });
    };
    let bytes = output.as_os_str().as_encoded_bytes();
    let Some(&last) = bytes.last() else {
        return Err(Error::usage("`-o`: expected a directory, a file or `-`, found nothing"));
    };
    let path = match Name::parse(output)? {
        Name::Path(path) => path,
        Name::Url(url) => {
            let is_object = OutputFormat::from_path(url.file_name().as_ref()).is_some();
            return Ok(match is_object && !url.is_prefix() {
                true => Place::Object(url),
                false => Place::Prefix(url),
            });
        }
    };
    let output = path.as_path();
    let is_directory = std::path::is_separator(char::from(last)) || output.is_dir();
    Ok(match (bytes, OutputFormat::from_path(output)) {
        (b"-", _) => Place::Stdout,
        (_, Some(_)) if !is_directory => Place::File(path),
        _ => Place::Directory(path),
    })
}

fn output_format(to: Option<OutputFormat>, place: &Place) -> Result<OutputFormat, Error> {
    let ending = match place {
        Place::File(path) => OutputFormat::from_path(path).map(|ending| (path.clone(), ending)),
        Place::Object(url) => OutputFormat::from_path(url.file_name().as_ref())
            .map(|ending| (PathBuf::from(url.shown()), ending)),
        Place::Stdout | Place::Directory(_) | Place::Prefix(_) => None,
        // the types are those of Parquet, which has all of them
        Place::Nowhere(_) => return Ok(OutputFormat::Parquet),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_follow_from_output_and_input() {
        let dir = tempfile::tempdir().unwrap();
        let existing = dir.path().join("d.csv");
        std::fs::create_dir(&existing).unwrap();
        let check = |output: Option<&str>, only_stdin: bool, expected: Place| {
            let found = place(output.map(Path::new), only_stdin, Scope::Run).unwrap();
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
        assert!(place(Some(Path::new("")), true, Scope::Run).is_err());
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
