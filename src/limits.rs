//! Every bound, with its unit and the reason for it.

use std::num::NonZeroUsize;
use std::ops::RangeInclusive;
use std::time::Duration;

/// Bytes the reader hands to a worker at once: large enough that a chunk's columns pay for
/// themselves, small enough that a handful of chunks in flight stay far below the memory promise.
pub const CHUNK_BYTES: usize = 2 << 20;

/// The same where an input is short, and at the end of one of narrow records: with fewer, chunks cost
/// more than the memory they save and the threads that would be idle.
pub const CHUNK_BYTES_LEAST: usize = 512 << 10;

/// The same where records are wide: with a few values in each of thousands of columns, the columns
/// themselves cost more than the values. So many where there is memory for it.
pub const WIDE_CHUNK_BYTES: usize = 4 * CHUNK_BYTES;

/// Bytes of a chunk after which decoding pauses: half a millisecond, which whoever has to see to
/// it that there is more to do can wait.
pub const PAUSE_BYTES: usize = 512 << 10;

/// Bytes of input that a chunk is to have for each column that it fills: with fewer its records are
/// wide, and chunks get longer.
pub const WIDE_COLUMN_BYTES: usize = 4 << 10;

/// Records of a batch: so many go where one of them is bad and batches go whole.
pub const BATCH_RECORDS: NonZeroUsize = NonZeroUsize::new(10_000).unwrap();

/// Time after which a batch ends that a pipe does not fill: people wait that long for a row.
pub const BATCH_TIME: Duration = Duration::from_secs(1);

/// Records that a mega batch may have: fewer are no gain, more are no gain either.
pub const MEGA_BATCH: RangeInclusive<usize> = 10_000..=100_000;

/// Bytes of input after which a batch that goes whole ends early, as it waits in memory.
pub const BATCH_BYTES: usize = 8 << 20;

/// Chunks read ahead of those that workers have: one to be taken up, one being read, and one more, as the
/// threads that see to it are not always there at once.
pub const PREFETCH: usize = 3;

/// Bytes of the longest record that is taken, so that one line cannot hold the whole input.
pub const RECORD_BYTES_MAX: usize = 64 << 20;

/// Bytes of the longest record that a user may allow: places inside a chunk are 32-bit.
pub const RECORD_BYTES_LIMIT: usize = 1 << 30;

/// Levels of nesting the parser follows; deeper records are rejected, the stack stays bounded.
pub const PARSE_DEPTH_MAX: usize = 1024;

/// Levels of nesting of a column of Parquet or Arrow: libraries go down by themselves.
pub const COLUMN_DEPTH_MAX: usize = 128;

/// Bytes of stack of the thread that reads, for what libraries do before depths can be looked at;
/// what is not used takes no memory.
pub const READER_STACK_BYTES: usize = 64 << 20;

/// Bytes of stack of a thread that decodes: room for `PARSE_DEPTH_MAX` levels, each of them one of a
/// table, also in a build without optimization and whatever `RUST_MIN_STACK` says.
pub const WORKER_STACK_BYTES: usize = 16 << 20;

/// Levels of nesting that become columns and tables; what lies below stays JSON text.
pub const FLATTEN_DEPTH_MAX: usize = 32;

/// Data columns of one table; further paths go to the rest column.
pub const COLUMNS_MAX: usize = 4096;

/// Data columns of all tables of one run, of which each takes 2 KB of memory until the end.
pub const RUN_COLUMNS_MAX: usize = 1 << 17;

/// Bytes of the keys on the way to a value with which its column counts as a further one of the run: a
/// long key may have thousands below it, and a column says its whole path in several places.
pub const PATH_BYTES: usize = 256;

/// Bytes of paths that the rest of a record may take, and how many times as many as the rest itself where
/// that is more: each value there says its whole path.
pub const REST_PATH_BYTES_MAX: usize = 16 << 20;

/// See [`REST_PATH_BYTES_MAX`].
pub const REST_PATH_SHARE_MAX: usize = 64;

/// Columns of CSV, which all have a name, be it only a number; a row may have more, at fault.
pub const CSV_COLUMNS_MAX: usize = 1 << 20;

/// Tables of one run; further arrays stay JSON text.
pub const TABLES_MAX: usize = 512;

/// Rows of a Parquet row group: a column of them stays in a processor's cache while it is encoded, and
/// readers have parts to share out among threads. Files are a hundredth larger than with four times as
/// many.
pub const ROW_GROUP_ROWS: usize = 1 << 18;

/// Bytes of memory that a run stays within: a small machine's share, and row groups that are
/// still large enough to read well.
pub const MEMORY: usize = 512 << 20;

/// This share of the limit on memory may be kept for text that is to come, where so much was text
/// before.
pub const SPARE_SHARE: usize = 8;

/// Bytes of memory below which a run would spend itself on tiny row groups.
pub const MEMORY_MIN: usize = 64 << 20;

/// Bytes of memory that a run takes whatever it does: the program, compression, free lists.
pub const MEMORY_FIXED: usize = 40 << 20;

/// Workers for which there is room whatever the limit on memory.
pub const THREADS_ALWAYS: usize = 2;

/// Bytes of the limit on memory for each further worker: a fifth of them is what it needs to encode a
/// column, the rest is for what is as large however many there are.
pub const THREAD_BYTES: usize = 24 << 20;

/// Bytes of the smallest chunk that a limit on memory leads to.
pub const CHUNK_BYTES_MIN: usize = 64 << 10;

/// Bytes of a column or table name; longer ones are cut and end in a hash of the whole.
pub const NAME_BYTES_MAX: usize = 1024;

/// Bytes of a file name, ending included: file systems allow 255, temporary names need some.
pub const FILE_NAME_BYTES_MAX: usize = 200;

/// Bytes of the journal of a commit, so that a planted one cannot fill the memory: a thousand files
/// with the longest names need a tenth.
pub const JOURNAL_BYTES_MAX: u64 = 16 << 20;

/// Bytes of memory for unpacking one input, and of the zstd window: what `--long=27` needs.
pub const UNPACK_BYTES_MAX: usize = 128 << 20;

/// Bytes, unpacked, that are read on in a file from a record at fault to see whether not the record
/// but the compressed data is damaged: checksums stand at the end.
pub const DAMAGE_BYTES: u64 = 1 << 30;

/// The same for a pipe, which may be slow or never end.
pub const DAMAGE_BYTES_PIPE: u64 = 64 << 20;

/// Places that are kept of bytes that are no character of their set, ahead of the record at hand;
/// where there are more, places behind them count characters alone.
pub const CHARSET_MARKS_MAX: usize = 1 << 18;

/// Values of a column that are kept as examples where tables are looked at.
pub const EXAMPLES_MAX: usize = 10;

/// Bytes read from the start of an input to tell its format.
pub const DETECT_BYTES: usize = 64 << 10;

/// Bytes that the link columns of one row count for when row groups are cut.
pub const LINK_BYTES: u32 = 24;

/// Bytes of the stack of every other thread, whatever `RUST_MIN_STACK` says.
pub const THREAD_STACK_BYTES: usize = 2 << 20;

/// Tables, and inputs, that metrics and logs tell apart by name; the rest is counted together, as
/// each name is a time series to whoever collects them.
pub const OBSERVED_NAMES_MAX: usize = 1_000;

/// Changes of the size of batches that metrics show, the latest: a series each.
pub const SIZE_CHANGES_MAX: usize = 256;

/// How long a request to an object store or web server may take until it is answered, and an answer
/// may pause, where users set no other limit.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// Bytes of an object that are asked for at once: so many that the time until the first of them
/// comes does not count, so few that several fit into memory.
pub const READ_PART_BYTES: usize = 8 << 20;

/// Parts of objects that are asked for, or wait to be read.
pub const READ_PARTS: usize = 8;

/// Bytes of an upload that are sent at once; stores take no less than 5 MiB but at the end.
pub const WRITE_PART_BYTES: usize = 8 << 20;

/// Parts of an upload, at most, as stores have it.
pub const WRITE_PARTS_MAX: u64 = 10_000;

/// Bytes of all uploads that are in memory.
pub const WRITE_BYTES: usize = 32 << 20;
