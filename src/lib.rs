//! Turns nested JSON, JSONL, CSV, Parquet and Arrow into clean related tables.
//!
//! A [`Conversion`] says what to read, how to flatten it and where to write; running it gives a
//! [`Summary`]. Records become rows of a main table, arrays of objects rows of child tables, joined
//! by ids. Nothing is sampled: a column or a type that first shows in the last record is as good as
//! one in the first.
//!
//! Examples stand with what they are about:
//!
//! - records from files or memory into tables: [`Conversion`]; from an iterator: [`Input::records`]
//! - records from an iterator into Parquet in memory: [`writer`]
//! - output in memory: [`MemoryBuffer`]
//! - a writer of one's own: [`StreamingWriter`]
//! - an observer of one's own: [`Observer`]; logs and metrics: [`LogObserver`],
//!   [`MetricsObserver`], [`Observers`]
//! - a schema to be held to: [`Conversion::contract`]; several of them, merged and compared:
//!   [`Contract::merged`], [`Contract::differences`]
//! - what tables hold, without writing them: [`Destination::Nowhere`], [`Summary::profiles`]
//! - scripts that load and join what is written: [`Conversion::emit_sql`]
//!
//! The stages, in the order in which the data goes: [`source`] opens inputs, [`frame`] cuts them
//! into records, [`decode`] reads values, [`flatten`] makes rows of them, [`schema`] decides types,
//! [`encode`] writes bytes, [`sink`] publishes files. `convert` ties them together.

pub mod error;
pub mod nearest;
pub mod format;
pub mod limits;
mod retry;
mod threads;
pub mod store;
pub mod source;
pub mod frame;
pub mod decode;
pub mod flatten;
pub mod table;
pub mod schema;
pub mod encode;
pub mod sink;
pub mod reject;
pub mod report;
mod convert;

pub use arrow_array::RecordBatch;
pub use convert::{
    BatchStrategy, Cancel, Conversion, CsvInput, DateMode, Execution, Live, NonObjects, NumberMode,
    OnTimeout, Sample, TimeLimits,
};
pub use decode::{CellOptions, DuplicateKeys, Ragged};
pub use encode::csv::CsvOptions;
pub use encode::json::Nulls;
pub use encode::parquet::Codec;
pub use encode::parquet::encoding::{ColumnEncoding, Encoding};
pub use encode::streaming::{
    Batch, StreamingWriter, TableEnd, TableWriters, WriterOptions, writer,
};
pub use error::{Error, ErrorKind, Fault, FaultCode};
pub use flatten::names::NameStyle;
pub use flatten::path::PathPattern;
pub use flatten::selection::Selection;
pub use flatten::{ArrayMode, DeclaredType, FlattenOptions, IdMode, SchemaMode};
pub use format::{InputFormat, OutputFormat};
pub use frame::RecordPointer;
pub use frame::dialect::{Dialect, DialectOptions, Header, Sign};
pub use reject::{CodeCount, ErrorBudget, OnError, Rate, Reject, RejectTarget, Rejects};
pub use report::log::{LogFormat, LogObserver};
pub use report::manifest::ManifestTarget;
pub use report::metrics::{MetricsFailure, MetricsObserver};
pub use report::observer::{
    BatchError, BatchReport, BatchStart, Counts, Observer, Observers, RunStart,
};
pub use report::profile::{
    Bar, ColumnProfile, Depth, Figures, Frequent, Lengths, Role, TableProfile, Value,
};
pub use report::sql::{Keys, SqlDialect};
pub use report::status::StatusPolicy;
pub use report::{
    Batches, DialectSummary, InputSummary, Outcome, Status, Summary, TableSummary, Warning,
    WarningKind,
};
pub use retry::{RetryOptions, SourceRetry};
pub use schema::LayoutColumn;
pub use schema::contract::Contract;
pub use schema::difference::Difference;
pub use schema::widen::ColumnType;
pub use sink::{Destination, Framing, MemoryBuffer, Overwrite};
pub use source::charset::Charset;
pub use source::{Compression, Input};
pub use store::Stores;
pub use store::options::{StoreOptions, StoreSetting};
pub use store::url::StoreUrl;
pub use table::Marks;
