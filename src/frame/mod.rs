//! Where one record ends and the next begins; reads no values.

use std::fmt;
use std::io::Read;
use std::sync::Arc;

use crate::error::{Error, ErrorKind};
use crate::limits;
use crate::source::charset::Origin;

mod batch;
pub(crate) mod blocks;
mod chunk;
pub(crate) mod columns;
pub mod dialect;
mod header;
mod lengths;
mod lines;
mod place;
mod pointer;
mod overlong;
pub mod rows;
mod scan;
mod values;
mod window;

use batch::Batches;
pub use batch::{BatchLimits, Batcher, Next};
pub(crate) use chunk::Runs;
pub use chunk::{Chunk, FramedFault, Replayed, Span};
pub use columns::ColumnRows;
use dialect::Dialect;
pub use header::RowHead;
use lengths::Lengths;
use lines::Lines;
use overlong::Overlong;
pub(crate) use place::Locator;
use place::{BOM, Place};
pub use place::{Position, position};
pub use pointer::RecordPointer;
use rows::Rows;
use scan::{Cut, Failure, Gap, RunBounds, Scanner, Step, skip_gap};
use values::Values;
use window::Window;

/// How records are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// One record a line.
    Lines,
    /// The elements of top-level arrays, or values back to back.
    Values,
    /// Rows of CSV.
    Rows(Dialect),
}

/// What a [`Framer`] needs to know about its input.
#[derive(Debug, Clone)]
pub struct FrameOptions {
    /// How records are told apart; a pointer in `records_at` makes it [`Framing::Values`].
    pub framing: Framing,
    /// Name of the input in messages.
    pub name: String,
    /// A chunk is closed as soon as it is at least this long; capped so that spans fit 32 bits.
    pub chunk_bytes: usize,
    /// Longest record that is taken; capped by [`limits::RECORD_BYTES_LIMIT`].
    pub record_bytes_max: usize,
    /// Where the records are inside each top-level value.
    pub records_at: Option<RecordPointer>,
    /// Where the bytes stand in the input, if that is not UTF-8.
    pub origin: Option<Origin>,
    /// Records of the run after which nothing more is read, those of earlier inputs counted.
    pub records_max: Option<u64>,
    /// What happens at a record whose end is not in sight.
    pub on_lost: OnLost,
}

/// What a [`Framer`] does at a record that is too long, or where it cannot tell where the next one
/// begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnLost {
    /// It ends with an error.
    Fail,
    /// The record becomes a [`FramedFault`]: its start is kept, the rest read over. Where the place
    /// is lost, the rest of the input is that record.
    Reject,
}

/// Where the counts of an input begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Start {
    /// Sequence of its first chunk.
    pub sequence: u64,
    /// Its place among the inputs, from 0.
    pub input_index: usize,
    /// Number of its first record in the run, from 0.
    pub first_record: u64,
}

/// Cuts the bytes of one input into chunks of whole records.
///
/// - Shape: bytes in; each record in exactly one [`Chunk`], in order. Chunks depend on the bytes and
///   the options, never on how the reader cuts them.
/// - Buffers: holds at most `chunk_bytes` + `record_bytes_max` and one read; the tail of a chunk is
///   copied into the next.
pub struct Framer<R: Read> {
    window: Window<R>,
    scanner: Scanner,
    cut: Cut,
    name: String,
    /// Length of the chunk being filled, from which it is closed.
    chunk_bytes: usize,
    lengths: Lengths,
    batches: Batches,
    record_bytes_max: usize,
    on_lost: OnLost,
    next: Start,
    records_max: u64,
    /// Records of the chunk being filled, and where its first one stands.
    records: Vec<Span>,
    first: Place,
    first_origin: Option<Origin>,
    truncated: bool,
    /// The record that is being read over.
    overlong: Option<Overlong>,
    /// A chunk that follows the one handed out.
    pending: Option<Chunk>,
    /// No chunk was handed out yet.
    is_fresh: bool,
    done: bool,
    failure: Option<Error>,
    spare_records: Vec<Span>,
}

/// Records of a chunk: what is said of each, where it is bad, takes more than a short one itself.
const CHUNK_RECORDS_MAX: usize = 1 << 16;

/// Bytes asked for in one read, at least.
const READ_BYTES: usize = 256 << 10;

/// Longest chunk: with the longest record behind it, places still fit 32 bits.
const CHUNK_BYTES_LIMIT: usize = 2 << 30;

impl<R: Read> Framer<R> {
    /// Starts at the first byte of an input, which is cut into batches where `batcher` says.
    pub fn new(
        reader: R,
        options: FrameOptions,
        start: Start,
        batcher: Option<Box<dyn Batcher>>,
    ) -> Self {
        let records_at = options.records_at.filter(|pointer| !pointer.is_empty());
        let scanner = match (options.framing, records_at) {
            (Framing::Lines, None) => Scanner::Lines(Lines::default()),
            (Framing::Rows(dialect), None) => Scanner::Rows(Box::new(Rows::new(dialect))),
            (_, records_at) => Scanner::Values(Box::new(Values::new(records_at))),
        };
        let lengths = Lengths::of(options.chunk_bytes);
        let chunk_bytes = lengths.next(0);
        Framer {
            window: Window::new(reader, chunk_bytes, options.origin),
            scanner,
            cut: Cut::default(),
            name: options.name,
            chunk_bytes,
            lengths,
            batches: Batches::new(batcher),
            on_lost: options.on_lost,
            record_bytes_max: options.record_bytes_max.clamp(1, limits::RECORD_BYTES_LIMIT),
            next: start,
            records_max: options.records_max.unwrap_or(u64::MAX),
            records: Vec::new(),
            first: Place::default(),
            first_origin: None,
            truncated: false,
            overlong: None,
            pending: None,
            is_fresh: true,
            done: false,
            failure: None,
            spare_records: Vec::new(),
        }
    }

    /// Returns the next chunk, or `None` at the end of the input.
    ///
    /// - Errors: with [`OnLost::Fail`], `Record` for a record that is too long, or where it cannot
    ///   be told where the next record begins; `Input` where there are no records to speak of; `Io`.
    ///   The records before come first, in chunks of their own; after an error there is nothing
    ///   more.
    #[expect(clippy::should_implement_trait, reason = "fails once, then ends; no iterator")]
    pub fn next(&mut self) -> Result<Option<Chunk>, Error> {
        if let Some(chunk) = self.pending.take() {
            return Ok(Some(chunk));
        }
        while !self.done {
            let (records, bytes) = (self.records.len(), self.last_end());
            let is_full = bytes >= self.chunk_bytes || records >= CHUNK_RECORDS_MAX;
            if is_full || self.batches.is_full(records, bytes) {
                return Ok(Some(self.close()));
            }
            if self.add_plain() > 0 {
                self.done |= self.known_records() >= self.records_max;
                continue;
            }
            let (data, ended) = (self.window.data(), self.window.ended);
            let step = match &mut self.scanner {
                Scanner::Lines(lines) => lines.step(data, ended, &mut self.cut),
                Scanner::Values(values) => values.step(data, ended, &mut self.cut),
                Scanner::Rows(rows) => rows.step(data, ended, &mut self.cut),
            };
            match step {
                Step::Record { end, truncated } if self.overlong.is_some() => {
                    self.cut.record = None;
                    return Ok(Some(self.end_overlong(end, truncated)));
                }
                Step::Record { end, truncated } => {
                    let full = self.add(end, truncated);
                    self.done |= self.known_records() >= self.records_max;
                    if let Some(chunk) = full {
                        return Ok(Some(chunk));
                    }
                }
                Step::More => {
                    let at = self.cut.record.unwrap_or(self.cut.pos);
                    let is_long = self.is_overlong() && self.on_lost == OnLost::Reject;
                    if !self.records.is_empty() && (at >= self.chunk_bytes || is_long) {
                        return Ok(Some(self.close()));
                    }
                    match self.what_next() {
                        Next::Read => self.more(),
                        Next::Close => {
                            if let Some(chunk) = self.end_batch() {
                                return Ok(Some(chunk));
                            }
                        }
                        Next::Stop => {
                            self.done = true;
                            if self.overlong.is_some() {
                                return Ok(Some(self.end_overlong(self.cut.pos, true)));
                            }
                        }
                    }
                }
                Step::Mark => {
                    let place = self.window.place(self.cut.pos);
                    if let Scanner::Values(values) = &mut self.scanner {
                        values.mark(place);
                    }
                }
                Step::End => self.done = true,
                Step::Fail(failure) => {
                    if let Some(chunk) = self.fail(failure) {
                        return Ok(Some(chunk));
                    }
                }
            }
        }
        if let Some(chunk) = self.pending.take() {
            return Ok(Some(chunk));
        }
        let is_only_header = self.is_fresh && self.failure.is_none() && self.head().is_some();
        if is_only_header {
            return Ok(Some(self.close()));
        }
        match self.end_batch() {
            Some(chunk) => Ok(Some(chunk)),
            None => self.failure.take().map_or(Ok(None), Err),
        }
    }

    /// Asks how to go on where more bytes are needed.
    fn what_next(&mut self) -> Next {
        match self.window.ended {
            true => Next::Read,
            false => self.batches.next(self.records.len()),
        }
    }

    /// Ends the batch, if it holds anything; returns its last chunk, which may have no record.
    fn end_batch(&mut self) -> Option<Chunk> {
        self.batches.close(self.records.len()).then(|| self.close())
    }

    /// Returns what the first row of CSV said, once it was found.
    fn head(&self) -> Option<&Arc<RowHead>> {
        match &self.scanner {
            Scanner::Rows(rows) => rows.head(),
            Scanner::Lines(_) | Scanner::Values(_) => None,
        }
    }

    /// Returns the reader, which has given more than the chunks so far hold.
    pub fn into_reader(self) -> R {
        self.window.reader
    }

    /// Returns how many bytes of the input the chunks so far reach over; all, where it has ended.
    pub fn reached(&self) -> u64 {
        let end = if self.window.ended { self.window.filled } else { self.window.start };
        self.window.base + end as u64
    }

    /// Returns how many buffers were made for chunks so far; others were filled again.
    pub fn fresh_buffers(&self) -> u64 {
        self.window.fresh_count
    }

    /// Returns how many lines of CSV were left out as comments so far.
    pub fn comments(&self) -> u64 {
        match &self.scanner {
            Scanner::Rows(rows) => rows.comments,
            Scanner::Lines(_) | Scanner::Values(_) => 0,
        }
    }

    /// Returns where the counts of the next input begin.
    pub fn end(&self) -> Start {
        Start { input_index: self.next.input_index + 1, ..self.next }
    }

    /// Lets chunks be longer, up to `bytes`, while those that come back were of wide records.
    pub fn lengthen_wide_chunks(&mut self, bytes: usize) {
        self.lengths.lengthen_wide(bytes);
    }

    /// Has chunks suit an input of `bytes`: shorter ones, if it is short itself, and at its end where
    /// records are narrow.
    pub fn fit_chunks(&mut self, bytes: u64) {
        self.lengths.fit(bytes);
        self.measure(0);
    }

    /// Decides how long the chunk is to be that begins `ahead` bytes behind the start of this one.
    fn measure(&mut self, ahead: usize) {
        let Window { base, start, .. } = self.window;
        self.chunk_bytes = self.lengths.next(base + (start + ahead) as u64);
        self.window.expect_chunks(self.chunk_bytes);
    }

    /// Takes back a chunk whose bytes are no longer needed, to fill its buffers again.
    pub fn recycle(&mut self, chunk: Chunk) {
        self.lengths.learn(chunk.filled_columns);
        self.measure(0);
        if chunk.bytes.capacity() > self.window.spare.capacity() {
            self.window.spare = chunk.bytes;
        }
        self.spare_records = chunk.records;
        self.spare_records.clear();
    }

    /// Returns how many records of the run are known, those of earlier inputs counted.
    fn known_records(&self) -> u64 {
        self.next.first_record + self.records.len() as u64
    }

    /// Returns where the last record of the chunk being filled ends; 0 where there is none.
    fn last_end(&self) -> usize {
        self.records.last().map_or(0, |span| span.end as usize)
    }

    /// Adds the record that ends at `end`; returns the chunk before where it opens a new one.
    fn add(&mut self, end: usize, truncated: bool) -> Option<Chunk> {
        let start = self.cut.record.take().unwrap_or(end);
        if end - start > self.record_bytes_max {
            return self.refuse_overlong(start, end, truncated);
        }
        let (mut start, mut end, mut full) = (start, end, None);
        let gap = if self.records.is_empty() { start } else { 0 };
        if self.batches.is_too_much(self.records.len(), end - gap) {
            let shift = self.last_end();
            full = self.end_batch();
            (start, end) = (start - shift, end - shift);
        } else if !self.records.is_empty() && start >= self.chunk_bytes {
            let shift = self.last_end();
            full = Some(self.close());
            (start, end) = (start - shift, end - shift);
        }
        if self.records.is_empty() {
            self.drop_gap(start);
            (start, end) = (0, end - start);
        }
        self.truncated = truncated;
        // both fit: CHUNK_BYTES_LIMIT and RECORD_BYTES_LIMIT add up to less than 4 GiB
        self.records.push(Span { start: start as u32, end: end as u32 });
        full
    }

    /// Adds the lines or rows that are records as they stand, as long as they belong to the chunk and
    /// to the batch at hand; stops before what wants a closer look. Returns how many there were.
    fn add_plain(&mut self) -> usize {
        let is_usual =
            self.cut.record.is_none() && self.overlong.is_none() && !self.records.is_empty();
        let Some(batch_max) = self.batches.room().filter(|_| is_usual) else { return 0 };
        let run_max = self.records_max.saturating_sub(self.next.first_record);
        let run_max = usize::try_from(run_max).unwrap_or(usize::MAX);
        let bounds = RunBounds {
            records: CHUNK_RECORDS_MAX.min(batch_max).min(run_max),
            start: self.chunk_bytes,
            record_bytes: self.record_bytes_max,
        };
        let known = self.records.len();
        let (data, pos) = (self.window.data(), &mut self.cut.pos);
        match &mut self.scanner {
            Scanner::Lines(lines) => lines.add_plain(data, pos, &bounds, &mut self.records),
            Scanner::Rows(rows) => rows.add_plain(data, pos, &bounds, &mut self.records),
            Scanner::Values(_) => {}
        }
        let count = self.records.len() - known;
        self.truncated &= count == 0;
        count
    }

    /// Forgets what lies before the first record of a chunk.
    fn drop_gap(&mut self, gap: usize) {
        self.first = self.window.place(gap);
        self.first_origin.clone_from(&self.window.origin);
        self.window.discard(gap);
        self.cut.shift(gap);
    }

    /// Reads on.
    fn more(&mut self) {
        if self.is_overlong()
            && let Some(start) = self.cut.record
        {
            if self.on_lost == OnLost::Fail {
                self.fail_too_large(start);
                return;
            }
            self.drop_gap(start);
            self.begin_overlong();
        }
        if self.overlong.is_some() {
            self.pass_overlong();
        } else if self.records.is_empty() {
            self.drop_gap(self.cut.record.unwrap_or(self.cut.pos));
        }
        self.fill();
    }

    /// Returns whether the record that is not complete yet is too long already.
    fn is_overlong(&self) -> bool {
        let start = self.cut.record.filter(|_| self.overlong.is_none());
        // one more, for the CR of a line that just fits
        start.is_some_and(|start| self.window.data().len() - start > self.record_bytes_max + 1)
    }

    /// Reads once; what goes wrong comes behind the records found so far.
    fn fill(&mut self) {
        if let Err(cause) = self.window.fill() {
            self.done = true;
            // a reader that unpacks or decodes says itself what is wrong
            self.failure = Some(cause.downcast::<Error>().unwrap_or_else(|cause| {
                let message = format!("{}: reading failed: {cause}", self.name);
                Error::new(ErrorKind::Io, message).with_source(cause)
            }));
        }
    }

    /// Closes the chunk being filled behind its last record.
    fn close(&mut self) -> Chunk {
        let end = self.last_end();
        self.measure(end);
        let bytes = self.window.take(end);
        self.cut.shift(end);
        let records = std::mem::replace(&mut self.records, std::mem::take(&mut self.spare_records));
        let origin = self.first_origin.take().map(|origin| origin.of_chunk(&bytes));
        let mut chunk = Chunk {
            origin,
            batch: self.batches.number,
            ends_batch: false,
            sequence: self.next.sequence,
            input_index: self.next.input_index,
            bytes,
            first_record: self.next.first_record,
            first_line: self.first.line,
            first_byte: self.first.byte,
            first_column: self.first.column,
            truncated: std::mem::take(&mut self.truncated),
            faults: Vec::new(),
            rows: self.head().cloned(),
            replayed: None,
            columns: None,
            filled_columns: 0,
            records,
        };
        self.count(&mut chunk);
        chunk
    }

    /// Lets the counts go on behind `chunk`, which may end its batch.
    fn count(&mut self, chunk: &mut Chunk) {
        self.is_fresh = false;
        self.next.sequence += 1;
        self.next.first_record += chunk.records.len() as u64;
        chunk.ends_batch = self.batches.count(chunk.records.len(), chunk.bytes.len());
    }
}

impl<R: Read> fmt::Debug for Framer<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Framer").field("name", &self.name).field("next", &self.next).finish()
    }
}

/// Writes a number of bytes the way people set it.
fn size_text(bytes: usize) -> String {
    for (unit, name) in [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")] {
        if bytes >= unit && bytes.is_multiple_of(unit) {
            return format!("{} {name}", bytes / unit);
        }
    }
    format!("{bytes} bytes")
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    /// Hands out at most so many bytes at once, and is interrupted now and then.
    struct Piecewise<'a> {
        bytes: &'a [u8],
        most: usize,
        reads: usize,
    }

    impl Read for Piecewise<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.reads += 1;
            if self.reads.is_multiple_of(5) {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let most = self.most.min(buffer.len());
            self.bytes.read(&mut buffer[..most])
        }
    }

    /// A small generator of the same numbers every time (xorshift).
    pub(super) struct Random(pub(super) u64);

    impl Random {
        pub(super) fn below(&mut self, limit: usize) -> usize {
            for shift in [13, -7, 17] {
                self.0 ^= if shift > 0 { self.0 << shift } else { self.0 >> -shift };
            }
            (self.0 % limit as u64) as usize
        }

        pub(super) fn pick<T: Copy, const N: usize>(&mut self, from: [T; N]) -> T {
            from[self.below(N)]
        }
    }

    pub(super) fn random_json(random: &mut Random, depth: usize, out: &mut String) {
        const SCALARS: [&str; 12] = [
            "null",
            "true",
            "-1.5e+7",
            "0",
            "\"\"",
            "\"a\\\\\"",
            "\"[{\\\"\"",
            "\"\\\\\\\"}\"",
            "\"日本\"",
            "\"a longer text, so that a block of 64 bytes is crossed: }]\"",
            "12",
            "\"\\u005c\"",
        ];
        match if depth == 0 { 2 } else { random.below(4) } {
            0 => {
                out.push_str(random.pick(["[", "[ ", "[\n"]));
                for index in 0..random.below(4) {
                    out.push_str(if index > 0 { ", " } else { "" });
                    random_json(random, depth - 1, out);
                }
                out.push(']');
            }
            1 => {
                out.push('{');
                for index in 0..random.below(4) {
                    out.push_str(if index > 0 { "," } else { "" });
                    out.push_str(random.pick(["\"a\":", "\"}\\\"\" : ", "\"\\\\\":\n"]));
                    random_json(random, depth - 1, out);
                }
                out.push('}');
            }
            _ => out.push_str(random.pick(SCALARS)),
        }
    }

    pub(super) fn options(framing: Framing) -> FrameOptions {
        let (name, record_bytes_max) = ("x".to_owned(), 1 << 20);
        FrameOptions {
            framing,
            name,
            chunk_bytes: 1,
            record_bytes_max,
            records_at: None,
            origin: None,
            records_max: None,
            on_lost: OnLost::Fail,
        }
    }

    pub(super) fn options_at(pointer: &str) -> FrameOptions {
        let records_at = Some(RecordPointer::parse(pointer).unwrap());
        FrameOptions { records_at, ..options(Framing::Lines) }
    }

    /// Reads all chunks there are, and the error behind them.
    fn chunks(input: &[u8], options: FrameOptions, most: usize) -> (Vec<Chunk>, Option<Error>) {
        let reader = Piecewise { bytes: input, most, reads: 0 };
        let start = Start { sequence: 3, ..Start::default() };
        let mut framer = Framer::new(reader, options, start, None);
        let mut chunks = Vec::new();
        let error = loop {
            match framer.next() {
                Ok(Some(chunk)) => chunks.push(chunk),
                Ok(None) => break None,
                Err(error) => break Some(error),
            }
        };
        assert!(framer.next().unwrap().is_none(), "nothing after the end or an error");
        let (mut sequence, mut first_record) = (3, 0);
        for chunk in &chunks {
            assert_eq!((chunk.sequence, chunk.first_record), (sequence, first_record));
            let (first, last) = (chunk.records.first(), chunk.records.last());
            assert_eq!(first.map_or(0, |span| span.start), 0);
            assert_eq!(last.map_or(0, |span| span.end as usize), chunk.bytes.len());
            assert!(first.is_some() || (chunks.len() == 1 && chunk.rows.is_some()));
            let span = chunk.first_byte as usize..chunk.first_byte as usize + chunk.bytes.len();
            assert_eq!(chunk.bytes, input[span]);
            sequence += 1;
            first_record += chunk.records.len() as u64;
        }
        assert_eq!(framer.end(), Start { sequence, input_index: 1, first_record });
        (chunks, error)
    }

    /// Writes each record as `line:column:byte bytes`.
    fn written(chunks: &[Chunk]) -> Vec<String> {
        let mut records = Vec::new();
        for chunk in chunks {
            for (index, span) in chunk.records.iter().enumerate() {
                let text = String::from_utf8_lossy(&chunk.bytes[span.range()]);
                let Position { line, column, byte } = position(chunk, span.start as usize);
                let cut = chunk.truncated && index + 1 == chunk.records.len();
                let cut = if cut { " (cut)" } else { "" };
                records.push(format!("{line}:{column}:{byte} {text}{cut}"));
            }
        }
        records
    }

    /// Frames `input` read in pieces and cut into chunks of every size; all must agree.
    pub(super) fn frame(input: &[u8], options: &FrameOptions) -> (Vec<String>, Option<String>) {
        let mut expected = None;
        for chunk_bytes in [1, 7, 64 << 10, usize::MAX] {
            let mut same_chunks = None;
            for most in [1, 7, usize::MAX] {
                let options = FrameOptions { chunk_bytes, ..options.clone() };
                let (chunks, error) = chunks(input, options, most);
                let got = (written(&chunks), error.map(|error| error.to_string()));
                let expected = expected.get_or_insert_with(|| got.clone());
                assert_eq!(expected, &got, "reads of {most}, chunks of {chunk_bytes}");
                let lengths = chunks.iter().map(|chunk| chunk.bytes.len()).collect::<Vec<_>>();
                let same_chunks = same_chunks.get_or_insert_with(|| lengths.clone());
                assert_eq!(same_chunks, &lengths, "reads of {most}, chunks of {chunk_bytes}");
            }
        }
        expected.unwrap()
    }

    pub(super) fn check(framing: Framing, input: &[u8], expected: &[&str]) {
        let (records, error) = frame(input, &options(framing));
        let shown = String::from_utf8_lossy(input);
        assert_eq!(
            (records, error),
            (expected.iter().map(|&s| s.to_owned()).collect(), None),
            "{shown}"
        );
    }

    pub(super) fn check_error(
        framing: Framing,
        longest: usize,
        input: &[u8],
        count: usize,
        message: &str,
    ) {
        let options = FrameOptions { record_bytes_max: longest, ..options(framing) };
        let (records, error) = frame(input, &options);
        let shown = String::from_utf8_lossy(input);
        assert_eq!((records.len(), error.as_deref()), (count, Some(message)), "{shown}");
    }

    pub(super) fn check_at(pointer: &str, input: &[u8], expected: &[&str]) {
        let (records, error) = frame(input, &options_at(pointer));
        let shown = String::from_utf8_lossy(input);
        assert_eq!(
            (records, error),
            (expected.iter().map(|&s| s.to_owned()).collect(), None),
            "{shown}"
        );
    }

    pub(super) fn check_at_error(pointer: &str, input: &[u8], count: usize, message: &str) {
        let (records, error) = frame(input, &options_at(pointer));
        let shown = String::from_utf8_lossy(input);
        assert_eq!((records.len(), error.as_deref()), (count, Some(message)), "{shown}");
    }

    #[test]
    fn chunks_close_once_they_are_long_enough() {
        let sizes = |text: &str, chunk_bytes| {
            let options = FrameOptions { chunk_bytes, ..options(Framing::Values) };
            let (chunks, error) = chunks(text.as_bytes(), options, usize::MAX);
            assert!(error.is_none());
            chunks.iter().map(|chunk| (chunk.records.len(), chunk.bytes.len())).collect::<Vec<_>>()
        };
        assert_eq!(sizes("{}{}{}", 1), [(1, 2), (1, 2), (1, 2)]);
        assert_eq!(sizes("{}{}{}", 3), [(2, 4), (1, 2)]);
        assert_eq!(sizes("[{}, {},{}]", 6), [(2, 6), (1, 2)]);
        // a record that begins behind the limit opens the next chunk
        assert_eq!(sizes("{}        {}{}", 6), [(1, 2), (2, 4)]);
        assert_eq!(sizes("{}{}{}", usize::MAX), [(3, 6)]);
    }

    #[test]
    fn counts_go_on_in_the_next_input() {
        let start = Start { sequence: 5, input_index: 2, first_record: 40 };
        let mut framer = Framer::new(&b"{}\n{}\n"[..], options(Framing::Lines), start, None);
        let numbers = std::iter::from_fn(|| framer.next().unwrap())
            .map(|chunk| (chunk.sequence, chunk.input_index, chunk.first_record))
            .collect::<Vec<_>>();
        assert_eq!(numbers, [(5, 2, 40), (6, 2, 41)]);
        assert_eq!(framer.end(), Start { sequence: 7, input_index: 3, first_record: 42 });
    }

    #[test]
    fn buffers_that_come_back_are_used_again() {
        let line = format!("{{\"a\":\"{}\"}}\n", "é".repeat(5000));
        let text = line.repeat(1000);
        let options = FrameOptions { chunk_bytes: 2 << 20, ..options(Framing::Lines) };
        let mut framer = Framer::new(text.as_bytes(), options, Start::default(), None);
        let mut bytes = Vec::new();
        while let Some(chunk) = framer.next().unwrap() {
            assert_eq!(position(&chunk, 8).column, 8);
            bytes.extend_from_slice(&chunk.bytes);
            bytes.push(b'\n');
            framer.recycle(chunk);
        }
        assert!(bytes == text.as_bytes());
    }

    #[test]
    fn errors_of_the_reader_come_behind_its_records() {
        struct Fails(Option<io::Error>);
        impl Read for Fails {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                self.0.take().map_or(Ok(0), Err)
            }
        }
        let read = |cause: io::Error| {
            let reader = (&b"{}\n{}\n{"[..]).chain(Fails(Some(cause)));
            let options = FrameOptions { chunk_bytes: 100, ..options(Framing::Lines) };
            let mut framer = Framer::new(reader, options, Start::default(), None);
            assert_eq!(framer.next().unwrap().unwrap().records.len(), 2);
            framer.next().unwrap_err()
        };
        let error = read(io::Error::other("disk on fire"));
        assert_eq!(error.to_string(), "x: reading failed: disk on fire");
        assert_eq!(error.kind(), ErrorKind::Io);
        let error =
            read(io::Error::other(Error::new(ErrorKind::Compression, "x: gzip data ends early")));
        assert_eq!(error.to_string(), "x: gzip data ends early");
        assert_eq!(error.kind(), ErrorKind::Compression);
    }

    #[test]
    fn chunks_of_wide_records_are_longer() {
        let text = "{\"a\":1}\n".repeat(1000);
        let options = FrameOptions { chunk_bytes: 80, ..options(Framing::Lines) };
        let mut framer = Framer::new(text.as_bytes(), options, Start::default(), None);
        framer.lengthen_wide_chunks(160);
        let mut lengths = Vec::new();
        for filled_columns in [0, 0, 1, 1, 0, 0] {
            let mut chunk = framer.next().unwrap().unwrap();
            lengths.push(chunk.records.len());
            chunk.filled_columns = filled_columns;
            framer.recycle(chunk);
        }
        assert_eq!(lengths, [10, 10, 10, 20, 20, 10]);
    }

    #[test]
    fn sizes_are_written_as_people_set_them() {
        for (bytes, text) in [(64 << 20, "64 MiB"), (1 << 30, "1 GiB"), (1536, "1536 bytes")] {
            assert_eq!(size_text(bytes), text);
        }
    }
}
