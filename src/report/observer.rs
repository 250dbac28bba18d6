//! What a run tells whoever watches it.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::{InputSummary, Status, Summary};
use crate::error::{Error, FaultCode};

/// Watches a run: its batches, its inputs, and how it ends.
///
/// Calls come in order and from one thread, which is the one that puts batches in their order; an
/// observer that takes long holds the run up. Nothing that an observer does changes an output.
///
/// ```
/// use std::sync::mpsc::{Sender, channel};
/// use transmog::{BatchReport, Conversion, Input, Observer, OutputFormat, Summary};
///
/// /// Tells another thread how the run goes.
/// struct Progress(Sender<String>);
///
/// impl Observer for Progress {
///     fn on_batch_complete(&mut self, batch: &BatchReport) {
///         let _ = self.0.send(format!("batch {}: {} records", batch.number, batch.records));
///     }
///
///     fn on_complete(&mut self, summary: &Summary) {
///         let status = summary.status().as_str();
///         let _ = self.0.send(format!("{status}: {} records", summary.records));
///     }
/// }
///
/// let reader = Box::new(&b"{\"id\": 1}\n{\"id\": 2}\n"[..]);
/// let input = Input::Reader { name: "orders".to_owned(), reader };
/// let mut conversion = Conversion::new(vec![input], OutputFormat::Csv);
/// # let dir = tempfile::tempdir().expect("a directory");
/// # conversion.destination = transmog::Destination::Directory(dir.path().into());
/// let (progress, told) = channel();
/// conversion.observer = Some(Box::new(Progress(progress)));
/// conversion.run()?;
/// assert_eq!(told.iter().last().as_deref(), Some("passed: 2 records"));
/// # Ok::<(), transmog::Error>(())
/// ```
pub trait Observer: Send {
    /// The run begins.
    fn on_start(&mut self, _run: &RunStart) {}

    /// The first records of a batch were read.
    fn on_batch_start(&mut self, _batch: &BatchStart) {}

    /// All rows of a batch were handed to the writers.
    fn on_batch_complete(&mut self, _batch: &BatchReport) {}

    /// Records of a batch were at fault, or the run ends with it. Unless it ends, the batch is
    /// complete next.
    fn on_batch_error(&mut self, _batch: &BatchReport, _error: &BatchError) {}

    /// All records of an input were looked at, or it cannot be read on.
    fn on_file_complete(&mut self, _input: &InputSummary) {}

    /// Time passes: about twenty times a second, also while a pipe gives nothing.
    fn on_tick(&mut self, _counts: &Counts) {}

    /// The run has ended; its summary says how, also where it failed.
    fn on_complete(&mut self, _summary: &Summary) {}
}

impl fmt::Debug for dyn Observer + '_ {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Observer")
    }
}

/// Several observers of one run, told in their order.
///
/// ```
/// use transmog::{Conversion, LogFormat, LogObserver, Observer, Observers, OutputFormat, Summary};
///
/// /// Counts runs.
/// struct Runs(u32);
///
/// impl Observer for Runs {
///     fn on_complete(&mut self, _summary: &Summary) {
///         self.0 += 1;
///     }
/// }
///
/// let log = LogObserver::new(Box::new(std::io::stderr()), LogFormat::Text);
/// let mut conversion = Conversion::new(Vec::new(), OutputFormat::Csv);
/// conversion.observer = Some(Box::new(Observers(vec![Box::new(log), Box::new(Runs(0))])));
/// ```
#[derive(Debug, Default)]
pub struct Observers(pub Vec<Box<dyn Observer>>);

impl Observer for Observers {
    fn on_start(&mut self, run: &RunStart) {
        self.0.iter_mut().for_each(|observer| observer.on_start(run));
    }

    fn on_batch_start(&mut self, batch: &BatchStart) {
        self.0.iter_mut().for_each(|observer| observer.on_batch_start(batch));
    }

    fn on_batch_complete(&mut self, batch: &BatchReport) {
        self.0.iter_mut().for_each(|observer| observer.on_batch_complete(batch));
    }

    fn on_batch_error(&mut self, batch: &BatchReport, error: &BatchError) {
        self.0.iter_mut().for_each(|observer| observer.on_batch_error(batch, error));
    }

    fn on_file_complete(&mut self, input: &InputSummary) {
        self.0.iter_mut().for_each(|observer| observer.on_file_complete(input));
    }

    fn on_tick(&mut self, counts: &Counts) {
        self.0.iter_mut().for_each(|observer| observer.on_tick(counts));
    }

    fn on_complete(&mut self, summary: &Summary) {
        self.0.iter_mut().for_each(|observer| observer.on_complete(summary));
    }
}

/// How a run begins.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RunStart {
    /// What messages call the inputs.
    pub inputs: Vec<String>,
    /// The format that is written.
    pub to: String,
    /// The batch strategy, as users type it.
    pub strategy: &'static str,
    /// Threads that may work at once.
    pub threads: usize,
}

/// A batch that begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct BatchStart {
    /// Its number in the run, from 1.
    pub number: u64,
    /// Place of its input, from 0.
    pub input_index: usize,
    /// Records at which it ends, where the strategy has such a number.
    pub records_max: Option<usize>,
    /// Time since the start of the run.
    pub at: Duration,
}

/// A batch that has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct BatchReport {
    /// Its number in the run, from 1.
    pub number: u64,
    /// Place of its input, from 0.
    pub input_index: usize,
    /// How it ended.
    pub status: Status,
    /// Records looked at.
    pub records: u64,
    /// Those of them that were rejected.
    pub rejected: u64,
    /// Bytes of input, unpacked.
    pub bytes: u64,
    /// Chunks that it was cut into.
    pub chunks: u64,
    /// Records at which it was to end, where the strategy has such a number.
    pub records_max: Option<usize>,
    /// Time from its first record until its rows were handed to the writers.
    pub latency: Duration,
    /// Time that workers took to decode it, all together.
    pub work: Duration,
    /// Time since the start of the run.
    pub at: Duration,
}

/// What is wrong with a batch.
#[derive(Debug)]
#[non_exhaustive]
pub enum BatchError<'a> {
    /// Records were rejected; this is the first of them.
    Rejected {
        /// The kind of fault.
        code: FaultCode,
        /// Number of the record in the run, from 1.
        record: u64,
        /// What was expected and what was found.
        message: &'a str,
    },
    /// The run ends.
    Ended(&'a Error),
}

/// What a run has done so far.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Counts {
    /// Records looked at.
    pub records: u64,
    /// Those of them that were rejected.
    pub rejected: u64,
    /// Bytes of input that were looked at, unpacked.
    pub bytes: u64,
    /// Bytes that were read of the inputs as they lie on disk or in a store: packed, and not yet
    /// decoded.
    pub bytes_read: u64,
    /// As many are to be read of all inputs, where that is known: of regular files, and of objects
    /// in stores.
    pub bytes_total: Option<u64>,
    /// Batches that are complete.
    pub batches: u64,
    /// Rows so far, by table.
    pub tables: Vec<(String, u64)>,
    /// Rejected records by code.
    pub codes: Vec<(FaultCode, u64)>,
    /// Time since the start of the run.
    pub elapsed: Duration,
}

/// A run's observer, if there is one; clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Watcher(Option<Arc<Mutex<Box<dyn Observer>>>>);

impl Watcher {
    pub(crate) fn new(observer: Option<Box<dyn Observer>>) -> Self {
        Watcher(observer.map(|observer| Arc::new(Mutex::new(observer))))
    }

    /// Returns whether anybody wants to know.
    pub(crate) fn is_watching(&self) -> bool {
        self.0.is_some()
    }

    pub(crate) fn start(&self, run: &RunStart) {
        self.tell(|observer| observer.on_start(run));
    }

    pub(crate) fn batch_start(&self, batch: &BatchStart) {
        self.tell(|observer| observer.on_batch_start(batch));
    }

    pub(crate) fn batch_complete(&self, batch: &BatchReport) {
        self.tell(|observer| observer.on_batch_complete(batch));
    }

    pub(crate) fn batch_error(&self, batch: &BatchReport, error: &BatchError) {
        self.tell(|observer| observer.on_batch_error(batch, error));
    }

    pub(crate) fn file_complete(&self, input: &InputSummary) {
        self.tell(|observer| observer.on_file_complete(input));
    }

    pub(crate) fn tick(&self, counts: &Counts) {
        self.tell(|observer| observer.on_tick(counts));
    }

    pub(crate) fn complete(&self, summary: &Summary) {
        self.tell(|observer| observer.on_complete(summary));
    }

    /// An observer that has panicked is told the rest all the same: the run goes on without it.
    fn tell(&self, event: impl FnOnce(&mut dyn Observer)) {
        if let Some(observer) = &self.0 {
            event(&mut **observer.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // in tests a panic is the message
mod tests {
    use std::sync::mpsc::{Sender, channel};
    use std::thread;

    use super::*;

    struct Panicking(Sender<&'static str>);

    impl Observer for Panicking {
        fn on_tick(&mut self, _counts: &Counts) {
            panic!("an observer's own");
        }

        fn on_complete(&mut self, _summary: &Summary) {
            self.0.send("complete").unwrap();
        }
    }

    #[test]
    fn an_observer_that_panicked_is_told_the_rest() {
        let (sender, told) = channel();
        let watcher = Watcher::new(Some(Box::new(Panicking(sender))));
        let other = watcher.clone();
        assert!(thread::spawn(move || other.tick(&Counts::default())).join().is_err());
        watcher.complete(&Summary::default());
        assert_eq!(told.recv().unwrap(), "complete");
    }

    #[test]
    fn without_an_observer_nothing_happens() {
        let watcher = Watcher::default();
        assert!(!watcher.is_watching());
        watcher.tick(&Counts::default());
    }
}
