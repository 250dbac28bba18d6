//! What a run does as numbers, in Prometheus' text format.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use prometheus::core::Collector;
use prometheus::{
    Gauge, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    Registry, TextEncoder,
};

use super::observer::{BatchError, BatchReport, Counts, Observer, RunStart};
use super::{InputSummary, Summary};
use crate::error::{EXIT_USAGE, Error, ErrorKind};
use crate::limits::{OBSERVED_NAMES_MAX, SIZE_CHANGES_MAX};
use crate::sink::{Overwrite, Rewritten};

/// What files of metrics start with.
const START: &str = "# HELP transmog_";

/// Stands for all names beyond the bound.
const OTHER: &str = "(other)";

/// Upper bounds of batch durations, in seconds.
const SECONDS: [f64; 15] =
    [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0];

/// Upper bounds of records in a batch.
const RECORDS: [f64; 8] = [1.0, 10.0, 100.0, 1e3, 1e4, 1e5, 1e6, 1e7];

/// Writes what a run did to a file in Prometheus' text format: at its end, also where it fails, and
/// every so often before.
///
/// | metric | type | |
/// |---|---|---|
/// | `transmog_records_total{result}` | counter | records `converted` and `rejected` |
/// | `transmog_bytes_in_total` | counter | bytes of input, unpacked |
/// | `transmog_batches_total{status}` | counter | batches |
/// | `transmog_batch_duration_seconds` | histogram | from the first record of a batch until its rows were handed to the writers |
/// | `transmog_batch_records` | histogram | records of a batch |
/// | `transmog_batch_records_max` | gauge | records at which the latest batch was to end |
/// | `transmog_adaptive_batch_size{batch}` | gauge | the same for each batch in which `adaptive_size` changed it, the latest 256 |
/// | `transmog_table_rows_total{table}` | counter | rows |
/// | `transmog_table_bytes{table}` | gauge | size of the file, at the end |
/// | `transmog_rejects_total{code}` | counter | rejected records by code |
/// | `transmog_input_records_total{input}` | counter | records of each input that was read |
/// | `transmog_input_status{input,status}` | gauge | 1 for how it ended |
/// | `transmog_run_status{status}` | gauge | 1 for how the run ended, or `running` |
/// | `transmog_run_duration_seconds` | gauge | how long it took |
/// | `transmog_retries_total` | counter | reads and writes that were tried again |
/// | `transmog_warnings{kind}` | gauge | how often something happened that users should know |
///
/// - Shape: tables and inputs beyond the thousandth are counted as `(other)`. A run that fails has
///   no tables at its end, as nothing was published.
/// - Errors: what fails while the run goes is kept for [`failure`](MetricsObserver::failure); the
///   run goes on, and the next write tries again.
///
/// ```
/// use transmog::{Conversion, Input, MetricsObserver, OutputFormat, Overwrite};
///
/// # let dir = tempfile::tempdir().expect("a directory");
/// let path = dir.path().join("orders.prom");
/// let metrics = MetricsObserver::open(&path, Overwrite::Refuse, None)?;
/// let failure = metrics.failure();
///
/// let reader = Box::new(&br#"{"id": 1}"#[..]);
/// let input = Input::Reader { name: "orders".to_owned(), reader };
/// let mut conversion = Conversion::new(vec![input], OutputFormat::Csv);
/// # conversion.destination = transmog::Destination::Directory(dir.path().join("out"));
/// conversion.reserved.push(path.clone());
/// conversion.observer = Some(Box::new(metrics));
/// conversion.run()?;
///
/// assert!(failure.take().is_none());
/// let text = std::fs::read_to_string(&path).expect("metrics");
/// assert!(text.contains("transmog_records_total{result=\"converted\"} 1\n"));
/// # Ok::<(), transmog::Error>(())
/// ```
pub struct MetricsObserver {
    file: Rewritten,
    interval: Option<Duration>,
    written: Instant,
    failure: MetricsFailure,
    /// Whether the run came to its first event, or only to its end.
    has_started: bool,
    is_adaptive: bool,
    counts: Counts,
    batches: BTreeMap<&'static str, u64>,
    durations: Histogram,
    sizes: Histogram,
    size: Option<usize>,
    /// Batches in which the size changed, and the new size.
    changes: VecDeque<(u64, usize)>,
    inputs: Inputs,
}

impl MetricsObserver {
    /// Checks that `path` can be written; with an `interval` it is written during the run as well.
    ///
    /// Put the path into [`Conversion::reserved`](crate::Conversion::reserved) too, so that it is
    /// no input and no output.
    ///
    /// - Errors: `OutputExists` if another file is there, unless files are replaced; a file that
    ///   starts like metrics of an earlier run is replaced in any case. `Usage` if it is a
    ///   directory or a device, or if its directory is missing; `Io`.
    pub fn open(
        path: &Path,
        overwrite: Overwrite,
        interval: Option<Duration>,
    ) -> Result<Self, Error> {
        let seconds = HistogramOpts::new(
            "transmog_batch_duration_seconds",
            "From the first record of a batch until its rows were handed to the writers",
        );
        let records = HistogramOpts::new("transmog_batch_records", "Records of a batch");
        Ok(MetricsObserver {
            file: Rewritten::open(path, overwrite, START)?,
            interval,
            written: Instant::now(),
            failure: MetricsFailure::default(),
            has_started: false,
            is_adaptive: false,
            counts: Counts::default(),
            batches: BTreeMap::new(),
            durations: made(Histogram::with_opts(seconds.buckets(SECONDS.to_vec())))?,
            sizes: made(Histogram::with_opts(records.buckets(RECORDS.to_vec())))?,
            size: None,
            changes: VecDeque::new(),
            inputs: Inputs::default(),
        })
    }

    /// Returns a handle on why the file could not be written.
    pub fn failure(&self) -> MetricsFailure {
        self.failure.clone()
    }

    fn write_if_due(&mut self) {
        if self.interval.is_some_and(|interval| self.written.elapsed() >= interval) {
            self.write(&Now::of(&self.counts));
            self.written = Instant::now();
        }
    }

    fn write(&self, now: &Now) {
        let written = self.text(now).and_then(|text| self.file.write(text.as_bytes()));
        // What counts is what stands there in the end.
        *self.failure.lock() = written.err();
    }

    fn text(&self, now: &Now) -> Result<String, Error> {
        let registry = Metrics(Registry::new());
        let results = registry.counters("records_total", "Records looked at", "result")?;
        results.with_label_values(&["converted"]).inc_by(now.converted);
        results.with_label_values(&["rejected"]).inc_by(now.rejected);
        registry.counter("bytes_in_total", "Bytes of input, unpacked", now.bytes)?;
        let batches = registry.counters("batches_total", "Batches", "status")?;
        for (status, count) in &self.batches {
            batches.with_label_values(&[status]).inc_by(*count);
        }
        registry.add(self.durations.clone())?;
        registry.add(self.sizes.clone())?;
        if let Some(size) = self.size {
            let help = "Records at which the latest batch was to end";
            registry.gauge("batch_records_max", help, size as i64)?;
        }
        let help = "Records at which a batch was to end, where that changed";
        let changes = registry.gauges("adaptive_batch_size", help, &["batch"])?;
        for (batch, size) in &self.changes {
            changes.with_label_values(&[&batch.to_string()]).set(*size as i64);
        }
        let rows = registry.counters("table_rows_total", "Rows of a table", "table")?;
        let bytes = registry.gauges("table_bytes", "Size of the file of a table", &["table"])?;
        let mut labels = Labels::default();
        for (table, count, size) in &now.tables {
            let table = labels.of(table);
            rows.with_label_values(&[table]).inc_by(*count);
            if let Some(size) = size {
                bytes.with_label_values(&[table]).add(*size as i64);
            }
        }
        let codes = registry.counters("rejects_total", "Rejected records by code", "code")?;
        for (code, count) in &now.codes {
            codes.with_label_values(&[code]).inc_by(*count);
        }
        self.inputs.register(&registry)?;
        let status = registry.gauges("run_status", "How the run ended", &["status"])?;
        status.with_label_values(&[now.status]).set(1);
        registry.seconds("run_duration_seconds", "How long the run took", now.elapsed)?;
        if let Some(summary) = now.summary {
            let help = "Reads and writes that were tried again";
            registry.counter("retries_total", help, summary.retries)?;
            let help = "How often something happened that users should know";
            let warnings = registry.gauges("warnings", help, &["kind"])?;
            for warning in &summary.warnings {
                warnings.with_label_values(&[warning.kind.as_str()]).add(warning.count as i64);
            }
        }
        made(TextEncoder::new().encode_to_string(&registry.0.gather()))
    }
}

impl Observer for MetricsObserver {
    fn on_start(&mut self, run: &RunStart) {
        self.has_started = true;
        self.is_adaptive = run.strategy == "adaptive_size";
    }

    fn on_batch_complete(&mut self, batch: &BatchReport) {
        *self.batches.entry(batch.status.as_str()).or_default() += 1;
        self.durations.observe(batch.latency.as_secs_f64());
        self.sizes.observe(batch.records as f64);
        if let Some(size) = batch.records_max {
            if self.is_adaptive && self.size != Some(size) {
                if self.changes.len() == SIZE_CHANGES_MAX {
                    self.changes.pop_front();
                }
                self.changes.push_back((batch.number, size));
            }
            self.size = Some(size);
        }
        self.write_if_due();
    }

    fn on_batch_error(&mut self, batch: &BatchReport, error: &BatchError) {
        // All others are complete next.
        if let BatchError::Ended(_) = error {
            *self.batches.entry(batch.status.as_str()).or_default() += 1;
        }
    }

    fn on_file_complete(&mut self, input: &InputSummary) {
        self.inputs.add(input);
    }

    fn on_tick(&mut self, counts: &Counts) {
        if self.interval.is_some() {
            self.counts.clone_from(counts);
            self.write_if_due();
        }
    }

    fn on_complete(&mut self, summary: &Summary) {
        // Where the run could not begin, the file may be one of its inputs.
        if !self.has_started && summary.exit_status() == EXIT_USAGE {
            return;
        }
        self.inputs = Inputs::default();
        summary.inputs.iter().for_each(|input| self.inputs.add(input));
        self.write(&Now::at_end(summary));
    }
}

impl fmt::Debug for MetricsObserver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MetricsObserver").field("file", &self.file).finish_non_exhaustive()
    }
}

/// Why metrics could not be written; clones share it.
#[derive(Debug, Clone, Default)]
pub struct MetricsFailure(Arc<Mutex<Option<Error>>>);

impl MetricsFailure {
    /// Takes the error of the latest write, if it failed.
    pub fn take(&self) -> Option<Error> {
        self.lock().take()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Error>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the run has done by now.
struct Now<'a> {
    converted: u64,
    rejected: u64,
    bytes: u64,
    /// Name, rows, bytes.
    tables: Vec<(&'a str, u64, Option<u64>)>,
    codes: Vec<(&'static str, u64)>,
    status: &'static str,
    elapsed: Duration,
    summary: Option<&'a Summary>,
}

impl<'a> Now<'a> {
    fn of(counts: &Counts) -> Now<'_> {
        Now {
            converted: counts.records.saturating_sub(counts.rejected),
            rejected: counts.rejected,
            bytes: counts.bytes,
            tables: counts.tables.iter().map(|(name, rows)| (name.as_str(), *rows, None)).collect(),
            codes: counts.codes.iter().map(|(code, count)| (code.as_str(), *count)).collect(),
            status: "running",
            elapsed: counts.elapsed,
            summary: None,
        }
    }

    fn at_end(summary: &'a Summary) -> Self {
        let tables = summary.tables.iter();
        let codes = summary.rejects.by_code.iter();
        Now {
            converted: summary.records,
            rejected: summary.rejects.count,
            bytes: summary.bytes_in,
            tables: tables.map(|t| (t.name.as_str(), t.rows, Some(t.bytes))).collect(),
            codes: codes.map(|code| (code.code.as_str(), code.count)).collect(),
            status: summary.status().as_str(),
            elapsed: summary.elapsed,
            summary: Some(summary),
        }
    }
}

/// What inputs gave, by name.
#[derive(Default)]
struct Inputs {
    labels: Labels,
    records: BTreeMap<String, u64>,
    statuses: BTreeMap<(String, &'static str), i64>,
}

impl Inputs {
    fn add(&mut self, input: &InputSummary) {
        let name = self.labels.of(&input.name);
        *self.records.entry(name.to_owned()).or_default() += input.records;
        *self.statuses.entry((name.to_owned(), input.status.as_str())).or_default() += 1;
    }

    fn register(&self, registry: &Metrics) -> Result<(), Error> {
        let records = registry.counters("input_records_total", "Records of an input", "input")?;
        for (name, count) in &self.records {
            records.with_label_values(&[name]).inc_by(*count);
        }
        let labels = ["input", "status"];
        let statuses = registry.gauges("input_status", "How an input ended", &labels)?;
        for ((name, status), count) in &self.statuses {
            statuses.with_label_values(&[name.as_str(), status]).set(*count);
        }
        Ok(())
    }
}

/// Names that stand for themselves, as many as are allowed.
#[derive(Default)]
struct Labels(HashSet<String>);

impl Labels {
    fn of<'a>(&mut self, name: &'a str) -> &'a str {
        if self.0.contains(name) {
            return name;
        }
        if self.0.len() == OBSERVED_NAMES_MAX {
            return OTHER;
        }
        self.0.insert(name.to_owned());
        name
    }
}

/// Makes metrics under our prefix.
struct Metrics(Registry);

impl Metrics {
    fn add<T: Collector + Clone + 'static>(&self, metric: T) -> Result<T, Error> {
        made(self.0.register(Box::new(metric.clone())))?;
        Ok(metric)
    }

    fn counter(&self, name: &str, help: &str, value: u64) -> Result<(), Error> {
        self.add(made(IntCounter::with_opts(options(name, help)))?)?.inc_by(value);
        Ok(())
    }

    fn counters(&self, name: &str, help: &str, label: &str) -> Result<IntCounterVec, Error> {
        self.add(made(IntCounterVec::new(options(name, help), &[label]))?)
    }

    fn gauge(&self, name: &str, help: &str, value: i64) -> Result<(), Error> {
        self.add(made(IntGauge::with_opts(options(name, help)))?)?.set(value);
        Ok(())
    }

    fn gauges(&self, name: &str, help: &str, labels: &[&str]) -> Result<IntGaugeVec, Error> {
        self.add(made(IntGaugeVec::new(options(name, help), labels))?)
    }

    fn seconds(&self, name: &str, help: &str, value: Duration) -> Result<(), Error> {
        self.add(made(Gauge::with_opts(options(name, help)))?)?.set(value.as_secs_f64());
        Ok(())
    }
}

fn options(name: &str, help: &str) -> Opts {
    Opts::new(name, help).namespace("transmog")
}

/// Names are constants, so metrics are always made.
fn made<T>(made: Result<T, prometheus::Error>) -> Result<T, Error> {
    made.map_err(|cause| {
        let message = format!("making metrics failed: {cause}");
        Error::new(ErrorKind::Internal, message).with_source(cause)
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // in tests a panic is the message
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use super::*;
    use crate::error::FaultCode;
    use crate::report::{Status, TableSummary, Warning, WarningKind};

    fn open(interval: Option<Duration>) -> (tempfile::TempDir, PathBuf, MetricsObserver) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.prom");
        let observer = MetricsObserver::open(&path, Overwrite::Refuse, interval).unwrap();
        (folder, path, observer)
    }

    fn start(observer: &mut MetricsObserver, strategy: &'static str) {
        observer.on_start(&RunStart {
            inputs: Vec::new(),
            to: "csv".to_owned(),
            strategy,
            threads: 1,
        });
    }

    fn batch(number: u64, records_max: usize) -> BatchReport {
        BatchReport {
            number,
            input_index: 0,
            status: Status::Passed,
            records: 20,
            rejected: 0,
            bytes: 0,
            chunks: 1,
            records_max: Some(records_max),
            latency: Duration::from_millis(15),
            work: Duration::ZERO,
            at: Duration::ZERO,
        }
    }

    fn table(name: &str, rows: u64) -> TableSummary {
        let name = name.to_owned();
        TableSummary { name, parent: None, path: None, rows, columns: 1, bytes: 10 * rows }
    }

    /// Returns the samples whose names start with `name`.
    fn samples(path: &Path, name: &str) -> Vec<String> {
        let text = fs::read_to_string(path).unwrap();
        assert!(text.starts_with(START), "{text}");
        let of_it = |line: &&str| line.starts_with(&format!("transmog_{name}"));
        text.lines().filter(of_it).map(|line| line["transmog_".len()..].to_owned()).collect()
    }

    #[test]
    fn the_end_of_a_run_is_written() {
        let (_folder, path, mut observer) = open(None);
        start(&mut observer, "fixed_size");
        observer.on_batch_complete(&batch(1, 20));
        assert!(!path.exists());
        let mut summary = Summary::default();
        (summary.records, summary.bytes_in, summary.retries) = (18, 300, 4);
        summary.rejects.count = 2;
        summary.elapsed = Duration::from_millis(1500);
        summary.tables = vec![table("a\"b\\c\nd", 18)];
        let mut input = InputSummary::new("in");
        (input.records, input.status) = (20, Status::Warning);
        summary.inputs = vec![input.clone(), input];
        let kind = WarningKind::DuplicateKey;
        let warning = Warning { kind, path: "/a".to_owned(), count: 3, detail: String::new() };
        summary.warnings = vec![warning.clone(), Warning { path: "/b".to_owned(), ..warning }];
        observer.on_complete(&summary);
        let check = |name: &str, expected: &[&str]| assert_eq!(samples(&path, name), expected);
        check(
            "records_total",
            &["records_total{result=\"converted\"} 18", "records_total{result=\"rejected\"} 2"],
        );
        check("bytes_in", &["bytes_in_total 300"]);
        check("batches", &["batches_total{status=\"passed\"} 1"]);
        check("batch_records_max", &["batch_records_max 20"]);
        check("adaptive", &[]);
        check("table_rows", &["table_rows_total{table=\"a\\\"b\\\\c\\nd\"} 18"]);
        check("table_bytes", &["table_bytes{table=\"a\\\"b\\\\c\\nd\"} 180"]);
        check("input_records", &["input_records_total{input=\"in\"} 40"]);
        check("input_status", &["input_status{input=\"in\",status=\"warning\"} 2"]);
        check("run_status", &["run_status{status=\"warning\"} 1"]);
        check("run_duration", &["run_duration_seconds 1.5"]);
        check("retries", &["retries_total 4"]);
        check("warnings", &["warnings{kind=\"key.duplicate\"} 6"]);
        let durations = samples(&path, "batch_duration_seconds");
        assert!(durations.contains(&"batch_duration_seconds_bucket{le=\"0.01\"} 0".to_owned()));
        assert!(durations.contains(&"batch_duration_seconds_bucket{le=\"0.02\"} 1".to_owned()));
        assert!(durations.contains(&"batch_duration_seconds_bucket{le=\"+Inf\"} 1".to_owned()));
        assert!(durations.contains(&"batch_duration_seconds_sum 0.015".to_owned()));
        assert!(observer.failure().take().is_none());
    }

    #[test]
    fn with_an_interval_it_is_written_during_the_run() {
        let (_folder, path, mut observer) = open(Some(Duration::ZERO));
        start(&mut observer, "fixed_size");
        let tables = vec![("a".to_owned(), 7)];
        let codes = vec![(FaultCode::JsonSyntax, 1)];
        let counts = Counts { records: 8, rejected: 1, tables, codes, ..Counts::default() };
        observer.on_tick(&counts);
        assert_eq!(samples(&path, "table_rows"), ["table_rows_total{table=\"a\"} 7"]);
        assert_eq!(samples(&path, "rejects"), ["rejects_total{code=\"json.syntax\"} 1"]);
        assert_eq!(samples(&path, "run_status"), ["run_status{status=\"running\"} 1"]);
        let mut summary = Summary::default();
        summary.fail(&Error::new(ErrorKind::Io, "x"));
        observer.on_complete(&summary);
        assert_eq!(samples(&path, "run_status"), ["run_status{status=\"error\"} 1"]);
        assert_eq!(samples(&path, "table_rows"), Vec::<String>::new());
    }

    #[test]
    fn the_number_of_series_is_bounded() {
        let (_folder, path, mut observer) = open(None);
        start(&mut observer, "adaptive_size");
        for number in 1..=600 {
            observer.on_batch_complete(&batch(number, number as usize / 2));
        }
        let tables = (0..1003).map(|number| table(&format!("t{number}"), 1)).collect();
        let summary = Summary { tables, ..Summary::default() };
        observer.on_complete(&summary);
        let rows = samples(&path, "table_rows");
        assert_eq!(rows.len(), OBSERVED_NAMES_MAX + 1);
        assert!(rows.contains(&"table_rows_total{table=\"(other)\"} 3".to_owned()));
        let changes = samples(&path, "adaptive_batch_size");
        assert_eq!(changes.len(), SIZE_CHANGES_MAX);
        assert!(changes.contains(&"adaptive_batch_size{batch=\"600\"} 300".to_owned()));
    }

    #[test]
    fn a_run_that_could_not_begin_writes_nothing() {
        let (_folder, path, mut observer) = open(None);
        let mut summary = Summary::default();
        summary.fail(&Error::usage("x"));
        observer.on_complete(&summary);
        assert!(!path.exists());
    }

    #[test]
    fn what_cannot_be_written_is_kept() {
        let (folder, path, mut observer) = open(None);
        start(&mut observer, "fixed_size");
        drop(folder);
        observer.on_complete(&Summary::default());
        let error = observer.failure().take().unwrap();
        assert_eq!(error.kind(), ErrorKind::Io);
        assert!(error.to_string().starts_with(&path.display().to_string()), "{error}");
    }
}
