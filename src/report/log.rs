//! A run's events as lines, for people or programs.

use std::fmt;
use std::io::Write;
use std::time::{Duration, Instant, SystemTime};

use serde::Serialize;

use super::observer::{BatchError, BatchReport, BatchStart, Observer, RunStart};
use super::text::counted;
use super::{InputSummary, Outcome, Summary};
use crate::error::{ErrorKind, FaultCode};
use crate::limits;
use crate::sink::names::printable;

/// How events are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// A JSON object a line.
    Json,
}

/// Writes a line for each event of a run: `run_start`, `batch_start`, `batch_complete`,
/// `batch_error`, `file_complete` and `run_complete`.
///
/// - Shape: names of events and members do not change between releases; others may be added. All
///   lines of JSON have `event`, `time` and `elapsed_ms`.
/// - Units: `time` is seconds since 1970; what ends in `_ms` is milliseconds, from the start of the
///   run for `elapsed_ms`.
/// - Errors: none. Each line is one write; where that fails, the line is lost and the run goes on.
///
/// ```
/// use transmog::{Conversion, Input, LogFormat, LogObserver, OutputFormat};
///
/// let reader = Box::new(&br#"{"id": 1}"#[..]);
/// let input = Input::Reader { name: "orders".to_owned(), reader };
/// let mut conversion = Conversion::new(vec![input], OutputFormat::Csv);
/// # let dir = tempfile::tempdir().expect("a directory");
/// # conversion.destination = transmog::Destination::Directory(dir.path().into());
/// let log = LogObserver::new(Box::new(std::io::stderr()), LogFormat::Json);
/// conversion.observer = Some(Box::new(log));
/// conversion.run()?;
/// # Ok::<(), transmog::Error>(())
/// ```
pub struct LogObserver {
    out: Box<dyn Write + Send>,
    format: LogFormat,
    clock: Clock,
    /// What messages call the inputs.
    inputs: Vec<String>,
}

impl LogObserver {
    /// Writes events to `out`.
    pub fn new(out: Box<dyn Write + Send>, format: LogFormat) -> Self {
        let clock = Clock { start: Instant::now(), fixed: None };
        LogObserver { out, format, clock, inputs: Vec::new() }
    }

    fn input(&self, index: usize) -> &str {
        self.inputs.get(index).map_or("", String::as_str)
    }

    fn emit(&mut self, event: &'static str, fields: &(impl Serialize + fmt::Display)) {
        let elapsed = self.clock.elapsed();
        let mut line = match self.format {
            LogFormat::Json => {
                let line = Line { event, time: self.clock.time(), elapsed_ms: ms(elapsed), fields };
                // strings and numbers cannot fail
                serde_json::to_string(&line).unwrap_or_default()
            }
            LogFormat::Text => format!("{:9.3}s {event}: {fields}", elapsed.as_secs_f64()),
        };
        line.push('\n');
        // Standard error may be closed, and the run is not about its log.
        let _ = self.out.write_all(line.as_bytes()).and_then(|()| self.out.flush());
    }
}

impl Observer for LogObserver {
    fn on_start(&mut self, run: &RunStart) {
        self.clock.start = Instant::now();
        self.inputs.clone_from(&run.inputs);
        let named = run.inputs.len().min(limits::OBSERVED_NAMES_MAX);
        let fields = Started {
            inputs: &run.inputs[..named],
            input_count: run.inputs.len(),
            to: &run.to,
            strategy: run.strategy,
            threads: run.threads,
        };
        self.emit("run_start", &fields);
    }

    fn on_batch_start(&mut self, batch: &BatchStart) {
        let input = self.input(batch.input_index).to_owned();
        let fields =
            BatchStarted { batch: batch.number, input: &input, records_max: batch.records_max };
        self.emit("batch_start", &fields);
    }

    fn on_batch_complete(&mut self, batch: &BatchReport) {
        let input = self.input(batch.input_index).to_owned();
        self.emit("batch_complete", &Batch::of(batch, &input));
    }

    fn on_batch_error(&mut self, batch: &BatchReport, error: &BatchError) {
        let input = self.input(batch.input_index).to_owned();
        let batch_fields = Batch::of(batch, &input);
        let fields = match error {
            BatchError::Rejected { code, record, message } => BatchFailed {
                batch: batch_fields,
                ends_run: false,
                code: Some(code.as_str()),
                record: Some(*record),
                error: (*message).to_owned(),
                hint: None,
            },
            BatchError::Ended(error) => BatchFailed {
                batch: batch_fields,
                ends_run: true,
                code: match error.kind() {
                    ErrorKind::Record(code) => Some(FaultCode::as_str(code)),
                    _ => None,
                },
                record: None,
                error: error.to_string(),
                hint: error.hint(),
            },
        };
        self.emit("batch_error", &fields);
    }

    fn on_file_complete(&mut self, input: &InputSummary) {
        let fields = FileCompleted {
            input: &input.name,
            status: input.status.as_str(),
            records: input.records,
            rejected: input.rejected,
            error: input.error.as_deref(),
        };
        self.emit("file_complete", &fields);
    }

    fn on_complete(&mut self, summary: &Summary) {
        self.emit("run_complete", &Completed::of(summary));
    }
}

impl fmt::Debug for LogObserver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogObserver").field("format", &self.format).finish_non_exhaustive()
    }
}

/// Where times come from.
struct Clock {
    start: Instant,
    /// What tests see: seconds since 1970, and time since the start.
    fixed: Option<(f64, Duration)>,
}

impl Clock {
    /// Returns the seconds since 1970.
    fn time(&self) -> f64 {
        let since = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let now = || since().map_or(0.0, |since| since.as_micros() as f64 / 1e6);
        self.fixed.map_or_else(now, |(time, _)| time)
    }

    fn elapsed(&self) -> Duration {
        self.fixed.map_or_else(|| self.start.elapsed(), |(_, elapsed)| elapsed)
    }
}

/// Returns milliseconds, down to the microsecond.
fn ms(time: Duration) -> f64 {
    time.as_micros() as f64 / 1e3
}

#[derive(Serialize)]
struct Line<'a, T: Serialize> {
    event: &'static str,
    time: f64,
    elapsed_ms: f64,
    #[serde(flatten)]
    fields: &'a T,
}

#[derive(Serialize)]
struct Started<'a> {
    inputs: &'a [String],
    input_count: usize,
    to: &'a str,
    strategy: &'static str,
    threads: usize,
}

impl fmt::Display for Started<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inputs = counted(self.input_count as u64, "input");
        let threads = counted(self.threads as u64, "thread");
        let Started { to, strategy, .. } = self;
        write!(f, "{inputs} to {to}, batches by {strategy}, {threads}")
    }
}

#[derive(Serialize)]
struct BatchStarted<'a> {
    batch: u64,
    input: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    records_max: Option<usize>,
}

impl fmt::Display for BatchStarted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "batch {} of {}", self.batch, printable(self.input))?;
        match self.records_max {
            Some(most) => write!(f, ", up to {}", counted(most as u64, "record")),
            None => Ok(()),
        }
    }
}

#[derive(Serialize)]
struct Batch<'a> {
    batch: u64,
    input: &'a str,
    status: &'static str,
    records: u64,
    rejected: u64,
    bytes: u64,
    chunks: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    records_max: Option<usize>,
    latency_ms: f64,
    work_ms: f64,
}

impl<'a> Batch<'a> {
    fn of(report: &BatchReport, input: &'a str) -> Self {
        Batch {
            batch: report.number,
            input,
            status: report.status.as_str(),
            records: report.records,
            rejected: report.rejected,
            bytes: report.bytes,
            chunks: report.chunks,
            records_max: report.records_max,
            latency_ms: ms(report.latency),
            work_ms: ms(report.work),
        }
    }
}

impl fmt::Display for Batch<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "batch {} of {}, {}: {}, {} rejected, {} in {}, {} ms",
            self.batch,
            printable(self.input),
            self.status,
            counted(self.records, "record"),
            self.rejected,
            counted(self.bytes, "byte"),
            counted(self.chunks, "chunk"),
            self.latency_ms,
        )
    }
}

#[derive(Serialize)]
struct BatchFailed<'a> {
    #[serde(flatten)]
    batch: Batch<'a>,
    /// Whether the run ends with it.
    ends_run: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<u64>,
    error: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'a str>,
}

impl fmt::Display for BatchFailed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Batch { batch, input, rejected, records, .. } = &self.batch;
        write!(f, "batch {batch} of {}: ", printable(input))?;
        let error = printable(&self.error);
        match (self.code, self.record) {
            (Some(code), Some(record)) => {
                let of = counted(*records, "record");
                write!(f, "{rejected} of {of} rejected, first record {record}, {code}: {error}")
            }
            _ => write!(f, "the run ends: {error}"),
        }
    }
}

#[derive(Serialize)]
struct FileCompleted<'a> {
    input: &'a str,
    status: &'static str,
    records: u64,
    rejected: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
}

impl fmt::Display for FileCompleted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (records, rejected) = (counted(self.records, "record"), self.rejected);
        write!(f, "{}, {}: {records}, {rejected} rejected", printable(self.input), self.status)?;
        match self.error {
            Some(error) => write!(f, ", {}", printable(error)),
            None => Ok(()),
        }
    }
}

#[derive(Serialize)]
struct Completed<'a> {
    status: &'static str,
    exit_status: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'a str>,
    records: u64,
    rejected: u64,
    bytes_in: u64,
    batches: u64,
    failed_batches: u64,
    retries: u64,
    duration_ms: f64,
    tables: Vec<Table<'a>>,
    warnings: Vec<Warning<'a>>,
}

#[derive(Serialize)]
struct Table<'a> {
    name: &'a str,
    rows: u64,
    bytes: u64,
    path: Option<String>,
}

#[derive(Serialize)]
struct Warning<'a> {
    kind: &'static str,
    path: &'a str,
    count: u64,
    message: String,
}

impl<'a> Completed<'a> {
    fn of(summary: &'a Summary) -> Self {
        let (error, hint) = match &summary.outcome {
            Outcome::Published => (None, None),
            Outcome::Failed { message, hint, .. } => (Some(message.as_str()), hint.as_deref()),
        };
        let tables = summary.tables.iter().map(|table| Table {
            name: &table.name,
            rows: table.rows,
            bytes: table.bytes,
            path: table.path.as_ref().map(|path| path.to_string_lossy().into_owned()),
        });
        let warnings = summary.warnings.iter().map(|warning| Warning {
            kind: warning.kind.as_str(),
            path: &warning.path,
            count: warning.count,
            message: warning.to_string(),
        });
        Completed {
            status: summary.status().as_str(),
            exit_status: summary.exit_status(),
            error,
            hint,
            records: summary.records,
            rejected: summary.rejects.count,
            bytes_in: summary.bytes_in,
            batches: summary.batches.count,
            failed_batches: summary.batches.failed,
            retries: summary.retries,
            duration_ms: ms(summary.elapsed),
            tables: tables.collect(),
            warnings: warnings.collect(),
        }
    }
}

impl fmt::Display for Completed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}, exit status {}: {} converted, {} rejected, {}, {}, {} ms",
            self.status,
            self.exit_status,
            counted(self.records, "record"),
            self.rejected,
            counted(self.tables.len() as u64, "table"),
            // "batchs" is no word
            if self.batches == 1 {
                "1 batch".to_owned()
            } else {
                format!("{} batches", self.batches)
            },
            self.duration_ms,
        )
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // in tests a panic is the message
mod tests {
    use std::io;
    use std::path::PathBuf;
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::error::Error;
    use crate::report::{Batches, Status, TableSummary};

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Returns what all kinds of events write.
    fn lines(format: LogFormat) -> Vec<String> {
        let out = Shared::default();
        let mut log = LogObserver::new(Box::new(out.clone()), format);
        log.clock.fixed = Some((1.5, Duration::from_millis(7)));
        log.on_start(&RunStart {
            inputs: vec!["a\n.jsonl".to_owned()],
            to: "csv".to_owned(),
            strategy: "fixed_size",
            threads: 2,
        });
        let at = Duration::from_micros(1500);
        log.on_batch_start(&BatchStart { number: 1, input_index: 0, records_max: Some(10), at });
        let batch = BatchReport {
            number: 1,
            input_index: 0,
            status: Status::Warning,
            records: 10,
            rejected: 1,
            bytes: 99,
            chunks: 1,
            records_max: Some(10),
            latency: at,
            work: at,
            at,
        };
        let (code, message) = (FaultCode::JsonSyntax, "expected `,`, found `\"`");
        log.on_batch_error(&batch, &BatchError::Rejected { code, record: 7, message });
        log.on_batch_complete(&batch);
        let full = Error::new(ErrorKind::Io, "x: disk full").with_hint("free some");
        let next = BatchReport { number: 2, records_max: None, ..batch };
        log.on_batch_error(&next, &BatchError::Ended(&full));
        let mut input = InputSummary::new("a\n.jsonl");
        (input.records, input.status) = (10, Status::Passed);
        log.on_file_complete(&input);
        let table = TableSummary {
            name: "a".to_owned(),
            parent: None,
            path: Some(PathBuf::from("out/a.csv")),
            rows: 9,
            columns: 1,
            bytes: 50,
        };
        let mut summary = Summary {
            records: 9,
            elapsed: Duration::from_secs(2),
            batches: Batches { count: 1, ..Batches::default() },
            tables: vec![table],
            ..Summary::default()
        };
        log.on_complete(&summary);
        summary.fail(&full);
        log.on_complete(&summary);
        let text = String::from_utf8(out.0.lock().unwrap().clone()).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn each_event_is_an_object_on_its_line() {
        let expected = [
            r#"{"event":"run_start","time":1.5,"elapsed_ms":7.0,"inputs":["a\n.jsonl"],"input_count":1,"to":"csv","strategy":"fixed_size","threads":2}"#,
            r#"{"event":"batch_start","time":1.5,"elapsed_ms":7.0,"batch":1,"input":"a\n.jsonl","records_max":10}"#,
            r#"{"event":"batch_error","time":1.5,"elapsed_ms":7.0,"batch":1,"input":"a\n.jsonl","status":"warning","records":10,"rejected":1,"bytes":99,"chunks":1,"records_max":10,"latency_ms":1.5,"work_ms":1.5,"ends_run":false,"code":"json.syntax","record":7,"error":"expected `,`, found `\"`"}"#,
            r#"{"event":"batch_complete","time":1.5,"elapsed_ms":7.0,"batch":1,"input":"a\n.jsonl","status":"warning","records":10,"rejected":1,"bytes":99,"chunks":1,"records_max":10,"latency_ms":1.5,"work_ms":1.5}"#,
            r#"{"event":"batch_error","time":1.5,"elapsed_ms":7.0,"batch":2,"input":"a\n.jsonl","status":"warning","records":10,"rejected":1,"bytes":99,"chunks":1,"latency_ms":1.5,"work_ms":1.5,"ends_run":true,"error":"x: disk full","hint":"free some"}"#,
            r#"{"event":"file_complete","time":1.5,"elapsed_ms":7.0,"input":"a\n.jsonl","status":"passed","records":10,"rejected":0}"#,
            r#"{"event":"run_complete","time":1.5,"elapsed_ms":7.0,"status":"passed","exit_status":0,"records":9,"rejected":0,"bytes_in":0,"batches":1,"failed_batches":0,"retries":0,"duration_ms":2000.0,"tables":[{"name":"a","rows":9,"bytes":50,"path":"out/a.csv"}],"warnings":[]}"#,
            r#"{"event":"run_complete","time":1.5,"elapsed_ms":7.0,"status":"error","exit_status":1,"error":"x: disk full","hint":"free some","records":9,"rejected":0,"bytes_in":0,"batches":1,"failed_batches":0,"retries":0,"duration_ms":2000.0,"tables":[],"warnings":[]}"#,
        ];
        let found = lines(LogFormat::Json);
        for (found, expected) in found.iter().zip(expected) {
            assert_eq!(found, expected);
        }
        assert_eq!(found.len(), expected.len());
    }

    #[test]
    fn text_is_a_line_for_each_event() {
        let expected = [
            "    0.007s run_start: 1 input to csv, batches by fixed_size, 2 threads",
            "    0.007s batch_start: batch 1 of a\\n.jsonl, up to 10 records",
            "    0.007s batch_error: batch 1 of a\\n.jsonl: 1 of 10 records rejected, first record 7, json.syntax: expected `,`, found `\"`",
            "    0.007s batch_complete: batch 1 of a\\n.jsonl, warning: 10 records, 1 rejected, 99 bytes in 1 chunk, 1.5 ms",
            "    0.007s batch_error: batch 2 of a\\n.jsonl: the run ends: x: disk full",
            "    0.007s file_complete: a\\n.jsonl, passed: 10 records, 0 rejected",
            "    0.007s run_complete: passed, exit status 0: 9 records converted, 0 rejected, 1 table, 1 batch, 2000 ms",
            "    0.007s run_complete: error, exit status 1: 9 records converted, 0 rejected, 0 tables, 1 batch, 2000 ms",
        ];
        assert_eq!(lines(LogFormat::Text), expected);
    }

    #[test]
    fn a_closed_stream_costs_the_lines_alone() {
        struct Closed;

        impl Write for Closed {
            fn write(&mut self, _bytes: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }

            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }

        LogObserver::new(Box::new(Closed), LogFormat::Json).on_complete(&Summary::default());
    }
}
