//! What can go wrong: a [`Fault`] costs one record, an [`Error`] costs the run.

use std::fmt;
use std::path::Path;

/// Why one record cannot be converted.
///
/// Says where inside the record; the frame knows the record's place in the input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What kind of fault, under a name that does not change between releases.
    pub code: FaultCode,
    /// Byte in the record, from 0.
    pub byte: usize,
    /// What was expected and what was found.
    pub message: String,
    /// JSON Pointer to the value at fault, empty where the fault is not in one value.
    pub path: String,
}

impl Fault {
    /// Builds a fault without a path.
    pub fn new(code: FaultCode, byte: usize, message: impl Into<String>) -> Self {
        Fault { code, byte, message: message.into(), path: String::new() }
    }
}

/// The stable names of faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum FaultCode {
    /// The bytes are not JSON.
    JsonSyntax,
    /// The input ended inside the record.
    JsonTruncated,
    /// The record is JSON but not an object.
    RecordNotObject,
    /// The record is longer than the limit.
    RecordTooLarge,
    /// The record nests deeper than the parser's limit.
    DepthExceeded,
    /// The record holds text that is not valid Unicode.
    EncodingInvalid,
    /// A value does not fit the type the user gave for its path.
    ValueType,
    /// The record holds a value that the schema file has no place for, or lacks one that it wants.
    SchemaViolation,
    /// A key stands twice in one object and the user asked to reject that.
    DuplicateKey,
    /// The field that should give the row its id is missing, null or not a scalar.
    IdMissing,
    /// The row has another number of cells than the header.
    CsvFieldCount,
    /// A quote is not closed, or something stands behind a closing quote.
    CsvQuote,
    /// Another record of its batch is at fault, and batches go whole.
    BatchFailed,
    /// A line of a reject file is not one.
    RejectInvalid,
}

impl FaultCode {
    /// Every code.
    pub const ALL: [FaultCode; 14] = [
        FaultCode::JsonSyntax,
        FaultCode::JsonTruncated,
        FaultCode::RecordNotObject,
        FaultCode::RecordTooLarge,
        FaultCode::DepthExceeded,
        FaultCode::EncodingInvalid,
        FaultCode::ValueType,
        FaultCode::DuplicateKey,
        FaultCode::IdMissing,
        FaultCode::CsvFieldCount,
        FaultCode::CsvQuote,
        FaultCode::SchemaViolation,
        FaultCode::BatchFailed,
        FaultCode::RejectInvalid,
    ];

    /// Returns the code as it stands in messages and reject files.
    pub fn as_str(self) -> &'static str {
        match self {
            FaultCode::JsonSyntax => "json.syntax",
            FaultCode::JsonTruncated => "json.truncated",
            FaultCode::RecordNotObject => "record.not_object",
            FaultCode::RecordTooLarge => "record.too_large",
            FaultCode::DepthExceeded => "depth.exceeded",
            FaultCode::EncodingInvalid => "encoding.invalid",
            FaultCode::ValueType => "value.type",
            FaultCode::SchemaViolation => "schema.violation",
            FaultCode::DuplicateKey => "key.duplicate",
            FaultCode::IdMissing => "id.missing",
            FaultCode::CsvFieldCount => "csv.field_count",
            FaultCode::CsvQuote => "csv.quote",
            FaultCode::BatchFailed => "batch.failed",
            FaultCode::RejectInvalid => "reject.invalid",
        }
    }
}

impl fmt::Display for FaultCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a run ended without publishing anything.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    hint: Option<String>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// The kinds of [`Error`], each with its exit status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The options cannot work together, or name something that is not there.
    Usage,
    /// An output exists and `--force` was not given.
    OutputExists,
    /// The input cannot be read as a whole: unknown format, wrong encoding.
    Input,
    /// Compressed data of an input is cut off or damaged.
    Compression,
    /// A record is bad and the run stops at the first one.
    Record(FaultCode),
    /// More records were rejected than the user allows.
    Budget,
    /// Reading or writing failed.
    Io,
    /// The time that the user gave the run, or a silent pipe, is over.
    Timeout,
    /// The reader of standard output went away; not an error for people.
    ClosedPipe,
    /// A signal asked the run to stop.
    Interrupted {
        /// The signal's number.
        signal: i32,
    },
    /// A bug in this program.
    Internal,
}

/// Exit status of a run that converted everything.
pub const EXIT_DONE: u8 = 0;
/// Exit status of a run that failed and published nothing; also of one whose tables were published
/// but not its metrics.
pub const EXIT_FAILED: u8 = 1;
/// Exit status of a usage error, or of an output that exists.
pub const EXIT_USAGE: u8 = 2;
/// Exit status of a run that published its tables while some records were rejected, where the user
/// set no budget for them.
pub const EXIT_REJECTS: u8 = 3;
/// Exit status of a run that published nothing as more records were rejected than the user allows, or
/// as one is outside the schema and the run ends at the first fault.
pub const EXIT_BUDGET: u8 = 4;
/// Exit status of an input that cannot be read as a whole.
pub const EXIT_INPUT: u8 = 5;
/// Added to a signal's number when it ended the run.
pub const EXIT_SIGNAL_BASE: u8 = 128;

impl ErrorKind {
    /// Returns the process exit status for this kind of error.
    pub fn exit_status(self) -> u8 {
        match self {
            ErrorKind::Usage | ErrorKind::OutputExists => EXIT_USAGE,
            ErrorKind::Input | ErrorKind::Compression => EXIT_INPUT,
            ErrorKind::Budget | ErrorKind::Record(FaultCode::SchemaViolation) => EXIT_BUDGET,
            ErrorKind::Record(_) | ErrorKind::Io | ErrorKind::Timeout | ErrorKind::Internal => {
                EXIT_FAILED
            }
            ErrorKind::ClosedPipe => EXIT_DONE,
            ErrorKind::Interrupted { signal } => EXIT_SIGNAL_BASE.wrapping_add(signal as u8),
        }
    }
}

impl Error {
    /// Builds an error from its kind and a message that says where, what was expected and found.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Error { kind, message: message.into(), hint: None, source: None }
    }

    /// Builds a usage error.
    pub fn usage(message: impl Into<String>) -> Self {
        Error::new(ErrorKind::Usage, message)
    }

    /// Builds an I/O error about `path`: "`doing` `path`: cause".
    pub fn io(doing: &str, path: &Path, cause: std::io::Error) -> Self {
        let kind = match cause.kind() {
            std::io::ErrorKind::BrokenPipe => ErrorKind::ClosedPipe,
            _ => ErrorKind::Io,
        };
        let message = format!("{}: {doing} failed: {cause}", path.display());
        Error { kind, message, hint: None, source: Some(Box::new(cause)) }
    }

    /// Adds what the user can do about it.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds the cause.
    #[must_use]
    pub fn with_source(
        mut self,
        cause: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        self.source = Some(cause.into());
        self
    }

    /// Says the same in other words.
    #[must_use]
    pub(crate) fn rephrased(mut self, rephrase: impl Fn(&str) -> String) -> Self {
        self.message = rephrase(&self.message);
        self.hint = self.hint.map(|hint| rephrase(&hint));
        self
    }

    /// Returns the kind.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Returns what the user can do about it, where that is known.
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|cause| &**cause as &(dyn std::error::Error + 'static))
    }
}
