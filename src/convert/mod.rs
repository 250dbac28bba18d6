//! The whole way: options in, published tables and a summary out.

mod batches;
mod batching;
mod budget;
mod closing;
mod contract;
mod direct;
mod encoding;
mod ending;
mod groups;
mod manifest;
mod naming;
mod outputs;
mod pacing;
mod reader;
mod rejects;
mod run;
mod sample;
mod script;
mod stitching;
mod workers;

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Instant;

use crate::decode::{CellOptions, DecodeOptions, DuplicateKeys};
use crate::encode::csv::CsvOptions;
use crate::encode::json::Nulls;
use crate::encode::parquet::Codec;
use crate::encode::parquet::encoding::{ColumnEncoding, Encoding};
use crate::error::{EXIT_USAGE, Error, ErrorKind};
use crate::flatten::names::NameStyle;
use crate::flatten::{ArrayMode, FlattenOptions, IdMode, SchemaMode};
use crate::format::{InputFormat, OutputFormat};
use crate::frame::RecordPointer;
use crate::frame::dialect::{DialectOptions, Sign};
use crate::limits;
use crate::reject::{ErrorBudget, OnError, RejectTarget};
use crate::report::Summary;
use crate::report::manifest::ManifestTarget;
use crate::report::observer::{Observer, Watcher};
use crate::report::profile::Depth;
use crate::report::sql::SqlDialect;
use crate::report::status::StatusPolicy;
use crate::retry::{BACKOFF, RETRIES, Retry, RetryOptions, SourceRetry};
use crate::schema::contract::Contract;
pub use batching::{BatchStrategy, Execution, Live, OnTimeout, TimeLimits};
pub use sample::Sample;

use crate::sink::{self, Destination, Framing, Overwrite};
use crate::source::Input;
use crate::source::charset::Charset;
use crate::store::Stores;

/// A conversion: what to read, how to flatten it, what to write and where.
///
/// Start with [`Conversion::new`], set what differs from the defaults, and call
/// [`run`](Conversion::run).
///
/// ```
/// use transmog::{Conversion, Destination, Input, OutputFormat};
///
/// let dir = tempfile::tempdir()?;
/// let records = br#"{"id": 1, "items": [{"sku": "a"}, {"sku": "b"}]}"#;
/// let input = Input::Reader { name: "orders".to_owned(), reader: Box::new(&records[..]) };
///
/// let mut conversion = Conversion::new(vec![input], OutputFormat::Csv);
/// conversion.name = Some("orders".to_owned());
/// conversion.destination = Destination::Directory(dir.path().to_path_buf());
/// let summary = conversion.run()?;
///
/// assert_eq!(summary.records, 1);
/// let items = std::fs::read_to_string(dir.path().join("orders_items.csv"))?;
/// assert_eq!(items, "_tm_id,_tm_parent_id,_tm_index,sku\n1,1,0,a\n2,1,1,b\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Conversion {
    /// What to read, in this order, into one set of tables.
    pub inputs: Vec<Input>,
    /// What the inputs are written in.
    pub from: InputFormat,
    /// The character set of inputs that have no byte order mark; UTF-8 where missing.
    pub charset: Option<Charset>,
    /// Where the records are inside each top-level value.
    pub records_at: Option<RecordPointer>,
    /// Name of a column of the main table with the input that each record came from.
    pub source_column: Option<String>,
    /// Records to leave out at the start, over all inputs.
    pub skip: u64,
    /// Records after which nothing more is read, those skipped not counted.
    pub limit: Option<u64>,
    /// Takes some of the records that `skip` and `limit` leave.
    pub sample: Option<Sample>,
    /// How CSV is read.
    pub csv_input: CsvInput,
    /// What to write.
    pub to: OutputFormat,
    /// Where to write it.
    pub destination: Destination,
    /// What happens to files that have the name of an output.
    pub overwrite: Overwrite,
    /// The one table to write, of all that arise.
    pub table: Option<String>,
    /// Name of the main table; taken from output or input where missing.
    pub name: Option<String>,
    /// What arrays become; by default `smart`, and `inline` where a stream takes a single table.
    pub arrays: Option<ArrayMode>,
    /// How records become rows; its `arrays` and `number_text` are set from here.
    pub flatten: FlattenOptions,
    /// Tables and columns that the run is held to.
    ///
    /// ```
    /// use transmog::{Contract, Conversion, FaultCode, Input, OutputFormat, SchemaMode};
    ///
    /// let text = r#"{"version": 1, "tables": [
    ///     {"path": "", "columns": [{"path": "/id", "type": "int64"}]}
    /// ]}"#;
    /// let reader = Box::new(&br#"{"id": "seven"}"#[..]);
    /// let input = Input::Reader { name: "orders".to_owned(), reader };
    ///
    /// let mut conversion = Conversion::new(vec![input], OutputFormat::Csv);
    /// conversion.contract = Some(Contract::parse("orders.schema.json", text)?);
    /// conversion.schema_mode = SchemaMode::Strict;
    /// # let dir = tempfile::tempdir().expect("a directory");
    /// # conversion.destination = transmog::Destination::Directory(dir.path().into());
    /// let summary = conversion.run()?;
    /// assert_eq!(summary.rejects.by_code[0].code, FaultCode::SchemaViolation);
    /// # Ok::<(), transmog::Error>(())
    /// ```
    pub contract: Option<Contract>,
    /// What becomes of values that the contract has no place for.
    pub schema_mode: SchemaMode,
    /// Between the keys of a name.
    pub separator: String,
    /// How keys are spelled in names.
    pub names: NameStyle,
    /// Starts the names of link columns.
    pub meta_prefix: String,
    /// What numbers with a fraction or an exponent become.
    pub numbers: NumberMode,
    /// What strings in the form of dates and times become.
    pub dates: DateMode,
    /// Which value stands where a key stands twice.
    pub duplicate_keys: DuplicateKeys,
    /// What becomes of records that are not objects.
    pub non_objects: NonObjects,
    /// How Parquet is compressed.
    pub codec: Codec,
    /// Parquet only with encodings that readers have known from the start.
    pub compat: bool,
    /// Encodings of Parquet columns; the last that names a column counts.
    pub encodings: Vec<ColumnEncoding>,
    /// Rows of a row group; where it is not set, text waits however many rows it has.
    pub row_group_rows: Option<usize>,
    /// Bytes of memory to stay within; what follows is worked out from it where it is not set.
    pub memory_limit: usize,
    /// Bytes of values after which a row group is cut.
    pub row_group_bytes: Option<usize>,
    /// Bytes of values that all tables together hold before the largest are written out, until they
    /// hold half as much.
    pub pending_bytes: Option<usize>,
    /// How CSV is written.
    pub csv: CsvOptions,
    /// Spaces a level in JSON; nothing for no white space.
    pub indent: Option<u8>,
    /// What becomes of cells without a value in JSON.
    pub nulls: Nulls,
    /// Bytes handed to a worker at once.
    pub chunk_bytes: Option<usize>,
    /// Longest record that is taken.
    pub record_bytes_max: Option<usize>,
    /// Workers; by default one for each processor.
    pub threads: Option<NonZeroUsize>,
    /// How many of them start.
    pub execution: Execution,
    /// Chunks that are read ahead of those that workers have.
    pub prefetch: usize,
    /// What happens at a record that cannot be converted.
    pub on_error: OnError,
    /// Where such records go.
    pub rejects: RejectTarget,
    /// How many there may be.
    pub error_budget: ErrorBudget,
    /// When a batch ends.
    pub batches: BatchStrategy,
    /// When rows go to a stream.
    pub live: Live,
    /// Rows of a part file of Parquet, where files are written in parts.
    pub file_rows_max: Option<NonZeroUsize>,
    /// How long the run may take.
    pub time_limits: TimeLimits,
    /// Whether the first input that fails ends the run.
    pub fail_fast: bool,
    /// How the run's status follows from those of its inputs.
    pub status_policy: StatusPolicy,
    /// How writes, and reads where `source_retry` says nothing, are tried again that fail for a
    /// moment.
    pub retry: RetryOptions,
    /// The same for reads.
    pub source_retry: SourceRetry,
    /// The object stores and web servers of URLs among inputs and outputs.
    pub stores: Stores,
    /// Files that are read besides the inputs, which no output may replace.
    pub protected: Vec<PathBuf>,
    /// Files that somebody else writes during the run, such as [`MetricsObserver`]: they must not be
    /// inputs, and no output gets their names.
    ///
    /// [`MetricsObserver`]: crate::MetricsObserver
    pub reserved: Vec<PathBuf>,
    /// Where the summary goes as JSON, whether the run succeeds or fails.
    pub summary_file: Option<PathBuf>,
    /// Where a description of the tables goes, with them: files alone have one.
    ///
    /// ```
    /// use transmog::{Conversion, Destination, Input, ManifestTarget, OutputFormat};
    ///
    /// let dir = tempfile::tempdir()?;
    /// let reader = Box::new(&br#"{"id": 1, "items": [{"sku": "a"}]}"#[..]);
    /// let input = Input::Reader { name: "orders".to_owned(), reader };
    ///
    /// let mut conversion = Conversion::new(vec![input], OutputFormat::Parquet);
    /// conversion.name = Some("orders".to_owned());
    /// conversion.destination = Destination::Directory(dir.path().to_path_buf());
    /// conversion.manifest = ManifestTarget::Beside;
    /// let summary = conversion.run()?;
    ///
    /// let path = dir.path().join("orders.manifest.json");
    /// assert_eq!(summary.manifest.as_ref(), Some(&path));
    /// let package: serde_json::Value = serde_json::from_slice(&std::fs::read(path)?)?;
    /// assert_eq!(package["resources"][1]["path"], "orders_items.parquet");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub manifest: ManifestTarget,
    /// Databases that get a script beside the tables, which reads them.
    pub emit_sql: Vec<SqlDialect>,
    /// Writes nothing: reads about so many bytes at the start of the inputs, does all that a run does
    /// but publish, and says in the summary which tables and files there would be.
    pub rehearsal: Option<u64>,
    /// What each thread that decodes and encodes does last: only files have to be brought to the disk
    /// then, so that there is time for an allocator to give memory back.
    pub worker_farewell: Option<fn()>,
    /// Watches the run.
    pub observer: Option<Box<dyn Observer>>,
    /// The same while it runs.
    pub(crate) watcher: Watcher,
    /// Ends the run from outside.
    pub cancel: Cancel,
}

/// How CSV is read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CsvInput {
    /// How rows and cells are told apart; what is not given is told from each input.
    pub dialect: DialectOptions,
    /// What cells become.
    pub cells: CellOptions,
}

/// What numbers with a fraction or an exponent become.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NumberMode {
    /// Doubles.
    #[default]
    Double,
    /// Text as it stands in the input.
    Text,
    /// Decimals where 38 digits hold all of a column, otherwise text.
    Decimal,
}

/// What strings in the form of dates and times become.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DateMode {
    /// Dates and timestamps, where all of a column share one form that prints back.
    #[default]
    Auto,
    /// Text.
    Off,
}

/// What becomes of records that are not objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NonObjects {
    /// They are at fault.
    #[default]
    Reject,
    /// They become `{"value": …}`.
    Wrap,
}

/// Ends a run from outside, for signals: the run stops soon and leaves nothing behind.
#[derive(Debug, Clone, Default)]
pub struct Cancel {
    signal: Arc<AtomicI32>,
}

/// The outputs get their names: too late for a signal.
const PUBLISHING: i32 = i32::MIN;

/// No signal, but the time of the run that is up.
const LATE: i32 = i32::MIN + 1;

impl Cancel {
    /// Asks the run to stop; `signal` is the number that the error will carry.
    ///
    /// Returns whether it will: not while the outputs get their names, which takes a moment and is
    /// not to be interrupted. A run that came so far succeeds.
    pub fn stop(&self, signal: i32) -> bool {
        let stop = |now| (now != PUBLISHING).then_some(signal);
        self.signal.fetch_update(Ordering::AcqRel, Ordering::Acquire, stop).is_ok()
    }

    /// Asks the run to stop as its time is up.
    pub(crate) fn stop_late(&self) {
        self.stop(LATE);
    }

    /// Returns the error to end with, once the run was asked to stop.
    pub(crate) fn check(&self) -> Result<(), Error> {
        self.error(self.signal.load(Ordering::Acquire))
    }

    /// From now on nothing stops the run, if nothing has.
    pub(crate) fn hold(&self) -> Result<(), Error> {
        let held = self.signal.compare_exchange(0, PUBLISHING, Ordering::AcqRel, Ordering::Acquire);
        held.map_or_else(|found| self.error(found), |_| Ok(()))
    }

    /// Ends what `hold` began.
    pub(crate) fn release(&self) {
        let _ = self.signal.compare_exchange(PUBLISHING, 0, Ordering::AcqRel, Ordering::Acquire);
    }

    fn error(&self, signal: i32) -> Result<(), Error> {
        match signal {
            0 | PUBLISHING => Ok(()),
            LATE => {
                let message = "the time of the run is up (`--timeout`), nothing was written";
                Err(Error::new(ErrorKind::Timeout, message))
            }
            signal => {
                let message = format!("interrupted by signal {signal}, nothing was written");
                Err(Error::new(ErrorKind::Interrupted { signal }, message))
            }
        }
    }
}

impl Conversion {
    /// Starts from the defaults: tables into the current directory.
    pub fn new(inputs: Vec<Input>, to: OutputFormat) -> Self {
        Conversion {
            inputs,
            from: InputFormat::Auto,
            charset: None,
            records_at: None,
            source_column: None,
            skip: 0,
            limit: None,
            sample: None,
            csv_input: CsvInput::default(),
            to,
            destination: Destination::Directory(".".into()),
            overwrite: Overwrite::Refuse,
            table: None,
            name: None,
            arrays: None,
            flatten: FlattenOptions::default(),
            contract: None,
            schema_mode: SchemaMode::default(),
            separator: "_".to_owned(),
            names: NameStyle::Verbatim,
            meta_prefix: "_tm_".to_owned(),
            numbers: NumberMode::Double,
            dates: DateMode::Auto,
            duplicate_keys: DuplicateKeys::Last,
            non_objects: NonObjects::Reject,
            codec: Codec::default(),
            compat: false,
            encodings: Vec::new(),
            row_group_rows: None,
            memory_limit: limits::MEMORY,
            row_group_bytes: None,
            pending_bytes: None,
            csv: CsvOptions::default(),
            indent: None,
            nulls: Nulls::Omit,
            chunk_bytes: None,
            record_bytes_max: None,
            threads: None,
            execution: Execution::default(),
            prefetch: limits::PREFETCH,
            on_error: OnError::default(),
            rejects: RejectTarget::default(),
            error_budget: ErrorBudget::default(),
            batches: BatchStrategy::default(),
            live: Live::default(),
            file_rows_max: None,
            time_limits: TimeLimits::default(),
            fail_fast: true,
            status_policy: StatusPolicy::default(),
            retry: RetryOptions::default(),
            stores: Stores::default(),
            source_retry: SourceRetry::default(),
            protected: Vec::new(),
            reserved: Vec::new(),
            summary_file: None,
            manifest: ManifestTarget::default(),
            emit_sql: Vec::new(),
            rehearsal: None,
            worker_farewell: None,
            observer: None,
            watcher: Watcher::default(),
            cancel: Cancel::default(),
        }
    }

    /// Returns for how many threads `memory_limit` has room.
    pub fn threads_max(&self) -> usize {
        let room = self.memory_limit.saturating_sub(limits::MEMORY_FIXED) / limits::THREAD_BYTES;
        limits::THREADS_ALWAYS + room
    }

    /// Reads everything, writes all tables, and publishes them together.
    ///
    /// - Errors: see [`ErrorKind`]; after an error nothing was published, and nothing is left.
    pub fn run(self) -> Result<Summary, Error> {
        let mut summary = Summary::default();
        self.run_into(&mut summary)?;
        Ok(summary)
    }

    /// Does the same, and says in `summary` what was done, also where it fails.
    ///
    /// - Errors: as [`run`](Conversion::run).
    pub fn run_into(mut self, summary: &mut Summary) -> Result<(), Error> {
        let watcher = Watcher::new(self.observer.take());
        self.watcher = watcher.clone();
        let ran = self.run_watched(summary);
        watcher.complete(summary);
        ran
    }

    fn run_watched(mut self, summary: &mut Summary) -> Result<(), Error> {
        let start = Instant::now();
        self.settle();
        let is_rehearsal = self.rehearsal.is_some();
        let file = self.summary_file.clone();
        let stores = self.stores.clone();
        let file = file.map(|path| (path, self.overwrite, run::readable_files(&self)));
        let ran = self.check().and_then(|()| run::run(self, summary));
        summary.elapsed = start.elapsed();
        let Err(error) = ran else { return Ok(()) };
        summary.fail(&error);
        // Where the run could not begin, no file is its own.
        let has_begun = error.kind().exit_status() != EXIT_USAGE;
        if let Some((path, overwrite, inputs)) = file.filter(|_| has_begun && !is_rehearsal) {
            let text = summary.to_json();
            let written = inputs.and_then(|inputs| {
                sink::write_alone(&path, text.as_bytes(), overwrite, inputs, stores)
            });
            written.map_err(|also| {
                let hint = error.hint().map_or_else(String::new, |hint| format!("{hint}; "));
                let hint = format!("{hint}{also}");
                let error = Error::new(error.kind(), error.to_string()).with_hint(hint);
                summary.fail(&error);
                error
            })?;
        }
        Err(error)
    }

    /// Checks that the options can work together, before anything is read.
    ///
    /// - Errors: `Usage`.
    pub fn check(&self) -> Result<(), Error> {
        if self.inputs.is_empty() {
            return Err(Error::usage("no input"));
        }
        if self.source_column.as_deref() == Some("") {
            return Err(Error::usage("`--source-column`: expected a name, found nothing"));
        }
        sink::refuse_read(&self.reserved, run::readable_files(self)?)?;
        self.check_stream()?;
        self.check_recovery()?;
        self.check_batches()?;
        self.check_manifest()?;
        self.check_scripts()?;
        self.check_csv_input()?;
        self.check_columns_input()?;
        self.check_contract()?;
        let is_new = |wanted: &&ColumnEncoding| wanted.encoding.is_some_and(|e| !e.is_old());
        if let Some(wanted) = self.encodings.iter().find(is_new).filter(|_| self.compat) {
            let (plain, dictionary) = (Encoding::Plain, Encoding::Dictionary);
            return Err(Error::usage(format!(
                "`{wanted}`: with `--compat` expected `{plain}` or `{dictionary}`"
            )));
        }
        if self.flatten.ids == IdMode::None && self.may_make_children() {
            return Err(Error::usage("`--ids none`: child tables need ids to be joined by")
                .with_hint("add `--arrays inline`, or choose other ids"));
        }
        let between = |name: &str, value: usize, least: usize, most: usize| {
            if (least..=most).contains(&value) {
                return Ok(());
            }
            Err(Error::usage(format!("`{name} {value}`: expected {least} to {most}")))
        };
        const ROWS_LIMIT: usize = 1 << 30;
        between("--row-group-rows", self.row_group_rows.unwrap_or(1), 1, ROWS_LIMIT)?;
        let row_group_bytes = self.row_group_bytes.unwrap_or(1);
        between("--row-group-bytes", row_group_bytes, 1, limits::RECORD_BYTES_LIMIT)?;
        let record_bytes_max = self.record_bytes_max.unwrap_or(1);
        between("--max-record-bytes", record_bytes_max, 1, limits::RECORD_BYTES_LIMIT)?;
        if self.memory_limit < limits::MEMORY_MIN {
            let least = limits::MEMORY_MIN >> 20;
            return Err(Error::usage(format!("`--memory-limit`: expected {least}MiB at least")));
        }
        between("--max-columns", self.flatten.max_columns, 1, 1 << 20)?;
        between("max_run_columns", self.flatten.max_run_columns, 1, 1 << 30)?;
        between("--max-tables", self.flatten.max_tables, 1, 1 << 16)?;
        between("--max-depth", self.flatten.max_depth as usize, 1, limits::PARSE_DEPTH_MAX)?;
        if self.csv.delimiter == b'"' || matches!(self.csv.delimiter, b'\n' | b'\r') {
            return Err(Error::usage("`--delimiter-out`: expected neither a quote nor a line end"));
        }
        Ok(())
    }

    fn check_stream(&self) -> Result<(), Error> {
        let (Destination::Stdout(framing) | Destination::Writer(_, framing)) = &self.destination
        else {
            return Ok(());
        };
        if *framing == Framing::Tagged && self.to != OutputFormat::Jsonl {
            return Err(Error::usage(format!(
                "`--framing tagged`: expected `--to jsonl`, found `--to {}`",
                self.to
            )));
        }
        if *framing != Framing::One {
            return Ok(());
        }
        if self.table.is_none() && self.may_make_children() {
            return Err(Error::usage(
                "standard output takes one table, and child tables may arise: their rows would \
                 be dropped",
            )
            .with_hint(
                "add `--arrays inline`, choose a table with `--table NAME`, send all with \
                 `--framing tar`, or write files with `-o DIR`",
            ));
        }
        Ok(())
    }

    fn check_recovery(&self) -> Result<(), Error> {
        let is_stream = matches!(self.destination, Destination::Stdout(_));
        if self.from == InputFormat::Rejects
            && (self.records_at.is_some() || self.charset.is_some())
        {
            let flag = if self.charset.is_some() { "--encoding" } else { "--records" };
            let message = format!("`{flag}`: expected records, found `--from rejects`");
            let hint = format!("leave `{flag}` out: a reject file holds records as UTF-8");
            return Err(Error::usage(message).with_hint(hint));
        }
        if self.rejects == RejectTarget::Stdout && is_stream {
            let message = "`--rejects -`: expected tables in files, found standard output";
            return Err(Error::usage(message).with_hint("name a file: `--rejects FILE`"));
        }
        Ok(())
    }

    fn check_manifest(&self) -> Result<(), Error> {
        let found = match &self.destination {
            _ if self.manifest == ManifestTarget::Nowhere => return Ok(()),
            Destination::Stdout(_) => "standard output",
            Destination::Writer(..) | Destination::Tables(_) => "a writer",
            Destination::Nowhere(_) => "nowhere",
            _ if self.writes_parts() => "part files",
            _ => return Ok(()),
        };
        let message = format!("`--manifest`: expected a file for each table, found {found}");
        Err(Error::usage(message).with_hint(match found {
            "part files" => format!(
                "a data package cannot list parts of Parquet; leave `--manifest` out, or choose \
                 another strategy than `{}`",
                self.batches
            ),
            _ => "a data package lists files: write them with `-o DIR`".to_owned(),
        }))
    }

    /// Refuses what only text has, where the input is known to be none.
    fn check_columns_input(&self) -> Result<(), Error> {
        if !self.from.is_columns() {
            return Ok(());
        }
        let flags = [
            (self.records_at.is_some(), "--records", "JSON", "each row is a record"),
            (self.charset.is_some(), "--encoding", "text", "what it holds is UTF-8"),
            (
                self.non_objects == NonObjects::Wrap,
                "--wrap-values",
                "JSON",
                "each row is an object",
            ),
        ];
        match flags.into_iter().find(|(is_given, ..)| *is_given) {
            Some((_, flag, expected, reason)) => {
                let message =
                    format!("`{flag}`: expected {expected}, found `--from {}`", self.from);
                Err(Error::usage(message).with_hint(format!("leave `{flag}` out: {reason}")))
            }
            None => Ok(()),
        }
    }

    fn check_csv_input(&self) -> Result<(), Error> {
        let CsvInput { dialect, cells } = &self.csv_input;
        if self.from.is_rows() && self.records_at.is_some() {
            let message = format!("`--records`: expected JSON, found `--from {}`", self.from);
            return Err(Error::usage(message).with_hint("CSV has its records in its rows"));
        }
        if self.from.is_rows() && self.non_objects == NonObjects::Wrap {
            let message = format!("`--wrap-values`: expected JSON, found `--from {}`", self.from);
            return Err(Error::usage(message).with_hint("each row of CSV is an object"));
        }
        let [quote, escape, comment] = [dialect.quote, dialect.escape, dialect.comment]
            .map(|given| given.and_then(Sign::byte));
        if escape.is_some() && dialect.quote == Some(Sign::None) {
            return Err(Error::usage("`--escape`: expected quotes, found `--quote none`"));
        }
        let decimal = if cells.decimal_comma { b',' } else { b'.' };
        let signs =
            [("--delimiter", dialect.delimiter), ("--quote", quote), ("--comment", comment)];
        for (place, (flag, sign)) in signs.iter().enumerate() {
            for (other, other_sign) in &signs[..place] {
                if sign.is_some() && sign == other_sign {
                    let message = format!("`{flag}` and `{other}`: expected two characters");
                    return Err(Error::usage(message + ", found the same"));
                }
            }
        }
        if escape.is_some() && escape == dialect.delimiter {
            let message = "`--escape` and `--delimiter`: expected two characters, found the same";
            return Err(Error::usage(message));
        }
        if cells.thousands == Some(decimal) {
            let message = "`--thousands`: expected another character than before the fraction";
            return Err(Error::usage(message).with_hint("`--decimal-comma` makes that a comma"));
        }
        if cells.thousands.is_some_and(|sign| sign.is_ascii_digit() || matches!(sign, b'+' | b'-'))
        {
            let message = "`--thousands`: expected a character that no number has otherwise";
            return Err(Error::usage(message));
        }
        if self.flatten.all_text && (cells.decimal_comma || cells.thousands.is_some()) {
            let flag = if cells.decimal_comma { "--decimal-comma" } else { "--thousands" };
            let message = format!("`{flag}`: expected numbers, found `--all-text`");
            return Err(Error::usage(message).with_hint("text stays as it stands"));
        }
        Ok(())
    }

    /// Returns what decides whether reads and writes are tried again.
    fn retry(&self) -> Retry {
        let default = if self.on_error == OnError::Retry { RETRIES } else { 0 };
        let max = self.retry.max.unwrap_or(default);
        Retry::new(max, self.retry.backoff.unwrap_or(BACKOFF), self.cancel.clone())
    }

    /// Returns whether rows go to a stream as batches close.
    pub(crate) fn is_live(&self) -> bool {
        let is_stream = match &self.destination {
            Destination::Stdout(framing) | Destination::Writer(_, framing) => {
                *framing != Framing::Tar
            }
            Destination::Directory(_)
            | Destination::File(_)
            | Destination::Prefix(_)
            | Destination::Object(_)
            | Destination::Nowhere(_)
            | Destination::Tables(_) => false,
        };
        is_stream && self.wants_batches() && self.to.is_lines()
    }

    /// Returns whether somebody waits for the rows of each batch.
    pub(crate) fn wants_batches(&self) -> bool {
        match self.live {
            Live::Off => false,
            Live::OnPipes => self.inputs.iter().any(Input::is_live),
            Live::On => true,
        }
    }

    /// Returns whether tables are written in part files, each published when it closes.
    pub(crate) fn writes_parts(&self) -> bool {
        self.to == OutputFormat::Parquet
            && !matches!(self.destination, Destination::Tables(_) | Destination::Nowhere(_))
            && matches!(
                self.batches,
                BatchStrategy::TimeWindow { .. } | BatchStrategy::LowLatency { .. }
            )
    }

    /// Returns whether a part file closes with its batch.
    fn closes_parts_with_batches(&self) -> bool {
        matches!(self.batches, BatchStrategy::TimeWindow { .. })
    }

    fn check_batches(&self) -> Result<(), Error> {
        self.batches.check()?;
        let is_parquet = self.to == OutputFormat::Parquet;
        if is_parquet
            && matches!(self.batches, BatchStrategy::LowLatency { .. })
            && self.file_rows_max.is_none()
            && self.writes_parts()
        {
            return Err(Error::usage(
                "`low_latency`: expected lines or part files, found one file of Parquet, whose rows \
                 nobody can read before its end",
            )
            .with_hint(
                "`--max-file-rows N` writes part files of so many rows; `time_window` closes one \
                 for each window",
            ));
        }
        if self.file_rows_max.is_some() && !self.writes_parts() {
            return Err(Error::usage(
                "`--max-file-rows`: expected `--to parquet` with `time_window` or `low_latency`",
            )
            .with_hint("leave `--max-file-rows` out, it would do nothing"));
        }
        if self.writes_parts() {
            let found = match &self.destination {
                Destination::Directory(_)
                | Destination::Prefix(_)
                | Destination::Nowhere(_)
                | Destination::Tables(_) => None,
                Destination::File(_) => Some("a file"),
                Destination::Object(_) => Some("an object"),
                Destination::Stdout(_) | Destination::Writer(..) => Some("standard output"),
            };
            if let Some(found) = found {
                let message = format!("`{}`: part files of Parquet", self.batches);
                return Err(Error::usage(format!(
                    "{message}: expected a directory, found {found}"
                ))
                .with_hint("name one: `-o DIR/`"));
            }
            if self.table.is_some() {
                return Err(Error::usage("`--table`: expected one file a table, found part files")
                    .with_hint("leave `--table` out: each table has a directory"));
            }
        }
        let is_users = matches!(self.destination, Destination::Tables(_));
        if self.live == Live::On && !self.to.is_lines() && !is_users {
            let message = format!("`--live on`: expected rows as lines, found `--to {}`", self.to);
            return Err(
                Error::usage(message).with_hint("CSV, TSV and JSONL can go out as they come")
            );
        }
        if self.live == Live::On && !self.is_live() && !is_users {
            let is_tar = matches!(
                self.destination,
                Destination::Stdout(Framing::Tar) | Destination::Writer(_, Framing::Tar)
            );
            let found = if is_tar { "`--framing tar`" } else { "files" };
            let message = format!("`--live on`: expected lines on standard output, found {found}");
            return Err(Error::usage(message).with_hint(match is_tar {
                true => "`--framing tagged` sends rows of all tables as they come",
                false => "files get their names at the end: send rows to standard output, `-o -`",
            }));
        }
        Ok(())
    }

    /// Returns whether rows are to say their table.
    fn is_tagged(&self) -> bool {
        matches!(
            self.destination,
            Destination::Stdout(Framing::Tagged) | Destination::Writer(_, Framing::Tagged)
        )
    }

    /// Returns whether the options allow for more than the main table.
    fn may_make_children(&self) -> bool {
        if let Some(contract) = self.closed_contract() {
            return contract.tables.len() > 1;
        }
        if self.contract.as_ref().is_some_and(|contract| contract.tables.len() > 1) {
            return true;
        }
        if self.from.is_rows() && !self.csv_input.cells.json {
            return false;
        }
        let makes = |mode: ArrayMode| matches!(mode, ArrayMode::Smart | ArrayMode::Separate);
        makes(self.flatten.arrays)
            || self.flatten.arrays_at.iter().any(|(_, mode)| makes(*mode))
            || !self.flatten.maps.is_empty()
    }

    /// Works out what follows from other options.
    fn settle(&mut self) {
        let one = match &self.destination {
            Destination::Stdout(framing) | Destination::Writer(_, framing) => {
                *framing == Framing::One && self.table.is_none()
            }
            Destination::Directory(_)
            | Destination::File(_)
            | Destination::Prefix(_)
            | Destination::Object(_)
            | Destination::Nowhere(_)
            | Destination::Tables(_) => false,
        };
        let default = if one { ArrayMode::Inline } else { ArrayMode::Smart };
        self.flatten.arrays = self.arrays.unwrap_or(default);
        if self.flatten.ids == IdMode::Auto && self.csv_input.cells.json {
            // Cells may have child tables, which are joined to their rows.
            self.flatten.ids = IdMode::Sequence;
        }
        if self.rehearsal.is_some() {
            self.live = Live::Off;
            if self.writes_parts() {
                // each of them would be published when it closes
                self.destination = Destination::Nowhere(Depth::Types);
            }
            if matches!(self.rejects, RejectTarget::Stdout) {
                self.rejects = RejectTarget::Nowhere;
            }
        }
        let has_files = match &self.destination {
            Destination::Directory(_)
            | Destination::File(_)
            | Destination::Prefix(_)
            | Destination::Object(_) => true,
            Destination::Stdout(_)
            | Destination::Nowhere(_)
            | Destination::Writer(..)
            | Destination::Tables(_) => false,
        };
        let is_stdout = matches!(self.destination, Destination::Stdout(_));
        if self.rejects == RejectTarget::Beside && !has_files && !is_stdout {
            // Nothing lies beside it.
            self.rejects = RejectTarget::Nowhere;
        }
        if self.manifest == ManifestTarget::Beside && (!has_files || self.writes_parts()) {
            self.manifest = ManifestTarget::Nowhere;
        }
        let contract = self.contract.as_ref();
        self.flatten.terms = contract.map(|contract| Arc::new(contract.terms(self.schema_mode)));
        self.flatten.number_text = self.numbers != NumberMode::Double;
        let depth = match self.destination {
            Destination::Nowhere(depth) => depth,
            _ => Depth::Types,
        };
        self.flatten.count_kinds = matches!(depth, Depth::Columns | Depth::Values);
        // Text prints dates as they stand, whatever their type, which but others beside it say.
        let has_types = matches!(self.to, OutputFormat::Parquet | OutputFormat::Arrow)
            || self.manifest != ManifestTarget::Nowhere
            || !self.emit_sql.is_empty();
        self.flatten.dates = self.dates == DateMode::Auto && has_types;
    }

    fn decode_options(&self) -> DecodeOptions {
        DecodeOptions {
            duplicate_keys: self.duplicate_keys,
            wrap_values: self.non_objects == NonObjects::Wrap,
            cells: self.csv_input.cells.clone(),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // in tests a panic is the message
mod tests {
    use super::*;

    #[test]
    fn a_signal_waits_while_outputs_get_their_names() {
        let cancel = Cancel::default();
        cancel.hold().unwrap();
        assert!(!cancel.stop(15));
        cancel.check().unwrap();
        cancel.release();
        assert!(cancel.stop(15));
        cancel.release();
        assert_eq!(cancel.check().unwrap_err().kind(), ErrorKind::Interrupted { signal: 15 });
        assert_eq!(cancel.hold().unwrap_err().kind(), ErrorKind::Interrupted { signal: 15 });
    }
}
