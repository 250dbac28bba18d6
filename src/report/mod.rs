//! What a run did, for people and programs.

pub mod figures;
mod github;
pub mod hints;
mod json;
pub mod log;
pub mod manifest;
pub mod metrics;
pub mod observer;
pub mod profile;
pub mod schema;
mod sentence;
pub mod sql;
pub mod status;
pub mod text;

use std::path::PathBuf;
use std::time::Duration;

use crate::error::{EXIT_DONE, EXIT_REJECTS, Error, ErrorKind};
use crate::frame::dialect::Dialect;
use crate::reject::Rejects;
use crate::schema::Layout;
use crate::schema::contract::Contract;
use crate::source::Compression;
use profile::TableProfile;
use status::StatusPolicy;

/// What a run did.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct Summary {
    /// Records converted.
    pub records: u64,
    /// Records that were read and not wanted: `--skip`, `--sample`.
    pub records_left_out: u64,
    /// Values of the records converted that were not wanted: `--select`, `--drop`. A subtree counts
    /// as one.
    pub values_left_out: u64,
    /// Bytes read from all inputs, unpacked.
    pub bytes_in: u64,
    /// Tables written, the main table first.
    pub tables: Vec<TableSummary>,
    /// What users should know, each kind and place once.
    pub warnings: Vec<Warning>,
    /// How each input of CSV was read.
    pub dialects: Vec<DialectSummary>,
    /// What the tables are like, where they were looked at and written nowhere.
    pub profiles: Vec<TableProfile>,
    /// The tables and columns written, as a contract that further runs can be held to.
    pub schema: Contract,
    /// Records that were not converted.
    pub rejects: Rejects,
    /// What each input gave.
    pub inputs: Vec<InputSummary>,
    /// What was decoded at once.
    pub batches: Batches,
    /// How long it took.
    pub elapsed: Duration,
    /// Reads and writes that were tried again.
    pub retries: u64,
    /// How its status follows from those of its inputs.
    pub policy: StatusPolicy,
    /// The input ended before its end, as the time was up, and what was read by then was published.
    pub is_cut: bool,
    /// What it ran on.
    pub resources: Resources,
    /// The reject file of a run that failed when rows were out.
    pub(crate) kept_rejects: Option<PathBuf>,
    /// The manifest that was published with the tables.
    pub manifest: Option<PathBuf>,
    /// Nothing was written: it was tried on the start of the input what would be.
    pub is_rehearsal: bool,
    /// Outputs in whose place there is something, where nothing was written.
    pub conflicts: Vec<PathBuf>,
    /// Scripts that were published with the tables and read them into databases.
    pub scripts: Vec<PathBuf>,
    /// How it ended.
    pub outcome: Outcome,
}

impl Summary {
    /// Returns how the run ended, in a word.
    pub fn status(&self) -> Status {
        match self.outcome {
            Outcome::Published => {
                let inputs: Vec<Status> = self.inputs.iter().map(|input| input.status).collect();
                let status = self.policy.combine(&inputs);
                if self.is_cut { status.max(Status::Warning) } else { status }
            }
            Outcome::Failed { kind: ErrorKind::Record(_) | ErrorKind::Budget, .. } => {
                Status::Failed
            }
            // Its reader has had enough.
            Outcome::Failed { kind: ErrorKind::ClosedPipe, .. } => Status::Warning,
            Outcome::Failed { .. } => Status::Error,
        }
    }

    /// Returns the process exit status that says the same.
    pub fn exit_status(&self) -> u8 {
        match self.outcome {
            Outcome::Failed { kind, .. } => kind.exit_status(),
            Outcome::Published => match self.status() {
                Status::Passed | Status::Skipped => EXIT_DONE,
                _ if self.is_cut => EXIT_REJECTS,
                _ if self.inputs.iter().any(|input| input.error.is_some()) => EXIT_REJECTS,
                _ if self.rejects.is_budgeted && self.policy != StatusPolicy::All => EXIT_DONE,
                _ => EXIT_REJECTS,
            },
        }
    }

    /// Says that the run failed, so that there are no tables.
    pub(crate) fn fail(&mut self, error: &Error) {
        self.tables.clear();
        self.manifest = None;
        self.scripts.clear();
        self.rejects.path = self.kept_rejects.take();
        self.outcome = Outcome::Failed {
            kind: error.kind(),
            message: error.to_string(),
            hint: error.hint().map(str::to_owned),
        };
    }
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Outcome {
    /// Its tables were published.
    #[default]
    Published,
    /// It failed, and nothing was published.
    Failed {
        /// What kind of error.
        kind: ErrorKind,
        /// Why.
        message: String,
        /// What to do about it, where that is known.
        hint: Option<String>,
    },
}

/// How a run, an input or a batch ended, in a word; from best to worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Status {
    /// Every record was converted.
    Passed,
    /// It was not looked at.
    #[default]
    Skipped,
    /// Some records were not converted.
    Warning,
    /// Nothing was converted, or published, as of records at fault.
    Failed,
    /// It could not be read on, or nothing was published, for another reason than its records.
    Error,
}

impl Status {
    /// Returns how something ended that an error ended.
    pub(crate) fn of_error(error: &Error) -> Status {
        match error.kind() {
            ErrorKind::Record(_) | ErrorKind::Budget => Status::Failed,
            // Its reader has had enough.
            ErrorKind::ClosedPipe => Status::Warning,
            _ => Status::Error,
        }
    }

    /// Returns the word, which does not change between releases.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Passed => "passed",
            Status::Skipped => "skipped",
            Status::Warning => "warning",
            Status::Failed => "failed",
            Status::Error => "error",
        }
    }
}

/// What was decoded at once: as much as goes to a thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Batches {
    /// How many.
    pub count: u64,
    /// Those of which no record was converted, as one was at fault.
    pub failed: u64,
    /// How long decoding took, all together.
    pub elapsed: Duration,
}

/// What a run ran on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Resources {
    /// Threads that decoded and encoded.
    pub threads: usize,
    /// Chunks that were read and not absorbed at one time, at most.
    pub chunks_in_flight_max: u64,
    /// Buffers that were made for chunks; others were filled again.
    pub buffers_made: u64,
}

/// What an input gave.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct InputSummary {
    /// What messages call it.
    pub name: String,
    /// What it is written in, as users type it; nothing where it was not opened.
    pub format: Option<&'static str>,
    /// How it is compressed.
    pub compression: Option<Compression>,
    /// Records looked at.
    pub records: u64,
    /// Those of them that were not converted.
    pub rejected: u64,
    /// How it ended.
    pub status: Status,
    /// Why it could not be read on, where it could not.
    pub error: Option<String>,
}

impl InputSummary {
    pub(crate) fn new(name: &str) -> Self {
        InputSummary { name: name.to_owned(), ..InputSummary::default() }
    }
}

/// How an input of CSV was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DialectSummary {
    /// Its place among the inputs, from 0.
    pub input_index: usize,
    /// What messages call it.
    pub name: String,
    /// How its rows and cells were told apart, given or guessed.
    pub dialect: Dialect,
    /// Lines left out as comments.
    pub comments: u64,
    /// Names that stood twice in its header, and what became of the later ones.
    pub renamed: Vec<(Box<str>, Box<str>)>,
}

/// A table that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableSummary {
    /// Its name.
    pub name: String,
    /// The name of the table whose rows hold its own; nothing for the main table.
    pub parent: Option<String>,
    /// The file; nothing for a stream.
    pub path: Option<PathBuf>,
    /// Rows.
    pub rows: u64,
    /// Columns, link columns counted.
    pub columns: usize,
    /// Size of the file.
    pub bytes: u64,
}

impl TableSummary {
    /// Says of a table that it was handed on, or not written.
    pub(crate) fn nowhere(layout: &Layout, rows: u64) -> Self {
        let (name, columns) = (layout.table.clone(), layout.columns.len());
        TableSummary { name, parent: layout.parent.clone(), path: None, rows, columns, bytes: 0 }
    }
}

/// Something that happened to names or values, once for each place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Warning {
    /// What happened.
    pub kind: WarningKind,
    /// JSON Pointer to where, from the record.
    pub path: String,
    /// How often; 1 for names.
    pub count: u64,
    /// What else there is to say: the names, the table.
    pub detail: String,
}

/// The kinds of warnings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum WarningKind {
    /// A column's name was taken.
    ColumnRenamed,
    /// A table's name was taken.
    TableRenamed,
    /// A key stood twice in one object.
    DuplicateKey,
    /// Numbers lost digits that a double cannot give back.
    DigitsDropped,
    /// Values went to the rest column, past the column cap.
    ColumnOverflow,
    /// Arrays stayed JSON text, past the table cap.
    TableOverflow,
    /// Subtrees stayed JSON text, below the depth limit.
    DepthOverflow,
    /// Arrays were left out, as asked.
    ArraySkipped,
    /// Records have an id that an earlier one has, as far as a million ids are remembered.
    DuplicateId,
    /// A path that the user gave an option for is not in the input.
    PatternUnused,
    /// Compressed data is followed by other data, which was left out.
    TrailingData,
    /// Rows of CSV had another number of cells than there are columns.
    RowRagged,
    /// Cells of CSV start like JSON, or values of a JSON column should be it, and are none; they
    /// stayed text.
    JsonBroken,
    /// Binary values were written as base64.
    BinaryEncoded,
    /// Numbers are NaN or infinite; they were written as text.
    FloatNotFinite,
    /// A stream of Arrow ended without saying so.
    StreamOpen,
    /// Timestamps lost what is below a microsecond, as no unit holds all of their column.
    TimesCut,
    /// An input could not be read on; others were.
    InputFailed,
    /// The time was up before the end of the input.
    TimeUp,
    /// A name or a type changed while rows were going out.
    LayoutChanged,
    /// A run that was killed had left files that this one could not settle.
    LeftoversKept,
    /// A run that was killed had left files; they were published or removed.
    LeftoversSettled,
    /// Values were left out, as the schema file has no place for them.
    SchemaDiscarded,
    /// A table, a column or a type is other than in the schema file.
    SchemaEvolved,
    /// `{}`, which leaves no trace.
    EmptyObject,
    /// `[]` where arrays are child tables, which leaves no trace.
    EmptyArray,
}

impl WarningKind {
    /// Returns the kind's name, which does not change between releases.
    pub fn as_str(self) -> &'static str {
        match self {
            WarningKind::ColumnRenamed => "column.renamed",
            WarningKind::TableRenamed => "table.renamed",
            WarningKind::DuplicateKey => "key.duplicate",
            WarningKind::DigitsDropped => "digits.dropped",
            WarningKind::ColumnOverflow => "columns.overflow",
            WarningKind::TableOverflow => "tables.overflow",
            WarningKind::DepthOverflow => "depth.overflow",
            WarningKind::ArraySkipped => "array.skipped",
            WarningKind::DuplicateId => "id.duplicate",
            WarningKind::PatternUnused => "path.unused",
            WarningKind::TrailingData => "input.trailing",
            WarningKind::RowRagged => "row.ragged",
            WarningKind::JsonBroken => "json.broken",
            WarningKind::BinaryEncoded => "binary.encoded",
            WarningKind::FloatNotFinite => "float.not_finite",
            WarningKind::StreamOpen => "stream.open",
            WarningKind::TimesCut => "times.cut",
            WarningKind::InputFailed => "input.failed",
            WarningKind::TimeUp => "time.up",
            WarningKind::LayoutChanged => "layout.changed",
            WarningKind::LeftoversKept => "leftovers.kept",
            WarningKind::LeftoversSettled => "leftovers.settled",
            WarningKind::SchemaDiscarded => "schema.discarded",
            WarningKind::SchemaEvolved => "schema.evolved",
            WarningKind::EmptyObject => "object.empty",
            WarningKind::EmptyArray => "array.empty",
        }
    }

    /// Returns whether this is a remark on what happens anyway, not a warning.
    pub fn is_note(self) -> bool {
        use WarningKind::{EmptyArray, EmptyObject, LeftoversSettled};
        matches!(self, EmptyObject | EmptyArray | LeftoversSettled)
    }
}
