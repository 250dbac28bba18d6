//! Where bytes come from: opens inputs, unpacks them, tells their format.

use std::fmt;
use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::error::{Error, ErrorKind};
use crate::format::InputFormat;
use crate::frame::Framing;
use crate::frame::dialect::DialectOptions;
use crate::limits;
use crate::report::Warning;
use crate::store::url::StoreUrl;
use crate::store::{self, StoreInput};

pub mod charset;
mod compressed;
pub mod detect;
pub mod list;
pub(crate) mod live;
mod local;
pub(crate) mod meter;
mod objects;
#[cfg(feature = "cloud")]
pub(crate) mod remote;
mod spool;
mod stdin;
#[cfg(feature = "cloud")]
mod web;

use charset::{Charset, Origin, Transcoder};
pub use compressed::Compression;
use compressed::{Packing, Unpacker};
use live::{Patience, Waited, Waiter};
pub use local::identity;

/// An input as the user names it.
pub enum Input {
    /// A file, or anything else that opens and reads like one: a FIFO, a device.
    File(PathBuf),
    /// An object in a store, or what a web server gives.
    Url(StoreInput),
    /// Standard input.
    Stdin,
    /// Bytes from the calling program.
    Reader {
        /// What messages call it.
        name: String,
        /// Where the bytes come from.
        reader: Box<dyn Read + Send>,
    },
}

impl Input {
    /// Returns whether its bytes come when they like: it is no regular file, as far as that can be
    /// told.
    pub fn is_live(&self) -> bool {
        match self {
            Input::File(path) => std::fs::metadata(path).is_ok_and(|found| !found.is_file()),
            Input::Stdin => !stdin::is_file(),
            Input::Url(_) => false,
            Input::Reader { .. } => true,
        }
    }

    /// Returns its bytes in all, packed as they are, where that is known before they are read.
    pub(crate) fn len(&self) -> Option<u64> {
        match self {
            Input::File(path) => {
                let found = std::fs::metadata(path).ok()?;
                found.is_file().then_some(found.len())
            }
            Input::Stdin => stdin::len(),
            Input::Url(input) => input.object.as_ref().map(|object| object.size),
            Input::Reader { .. } => None,
        }
    }

    /// Returns where it is, if that is a URL.
    pub fn url(&self) -> Option<&StoreUrl> {
        match self {
            Input::Url(input) => Some(&input.url),
            Input::File(_) | Input::Stdin | Input::Reader { .. } => None,
        }
    }

    /// Reads records from an iterator, one by one as the run wants them.
    ///
    /// They come as JSON lines: where they are not objects, say so with `InputFormat::Jsonl` and
    /// [`NonObjects`](crate::NonObjects). A record that cannot be JSON, such as a map whose keys are
    /// no strings, ends the run with an `Io` error that says which it is.
    ///
    /// ```
    /// use std::collections::BTreeMap;
    /// use transmog::{Conversion, Destination, Framing, Input, MemoryBuffer, OutputFormat};
    ///
    /// let squares = (1..=3u32).map(|n| BTreeMap::from([("n", n), ("square", n * n)]));
    /// let input = Input::records("squares", squares);
    /// let mut conversion = Conversion::new(vec![input], OutputFormat::Jsonl);
    /// let out = MemoryBuffer::default();
    /// conversion.destination = Destination::Writer(Box::new(out.clone()), Framing::One);
    /// conversion.run()?;
    /// assert!(out.take().starts_with(b"{\"_tm_id\":1,\"n\":1,\"square\":1}\n"));
    /// # Ok::<(), transmog::Error>(())
    /// ```
    pub fn records<I>(name: impl Into<String>, records: I) -> Input
    where
        I: IntoIterator,
        I::Item: Serialize,
        I::IntoIter: Send + 'static,
    {
        let records = records.into_iter();
        let reader = Box::new(Records { records, line: Vec::new(), read: 0, number: 0 });
        Input::Reader { name: name.into(), reader }
    }
}

/// Spells records as JSON lines, as they are read.
struct Records<I> {
    records: I,
    line: Vec<u8>,
    /// Bytes of the line that were read.
    read: usize,
    /// Number of the line's record, from 1.
    number: u64,
}

impl<I> Read for Records<I>
where
    I: Iterator,
    I::Item: Serialize,
{
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.read == self.line.len() {
            self.line.clear();
            self.read = 0;
            let Some(record) = self.records.next() else { return Ok(0) };
            self.number += 1;
            serde_json::to_writer(&mut self.line, &record).map_err(|cause| {
                self.line.clear();
                let number = self.number;
                io::Error::other(format!("record {number} cannot be JSON: {cause}"))
            })?;
            // What is JSON already may have line ends, which are white space in it.
            self.line.iter_mut().filter(|byte| **byte == b'\n').for_each(|byte| *byte = b' ');
            self.line.push(b'\n');
        }
        let rest = &self.line[self.read..];
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.read += count;
        Ok(count)
    }
}

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Input::File(path) => f.debug_tuple("File").field(path).finish(),
            Input::Stdin => f.write_str("Stdin"),
            Input::Url(input) => f.debug_tuple("Url").field(&input.url).finish(),
            Input::Reader { name, .. } => f.debug_struct("Reader").field("name", name).finish(),
        }
    }
}

/// An open input.
pub struct Source {
    /// What messages call it; `<stdin>` for standard input, control characters escaped.
    pub name: String,
    /// The format that its file extension stands for.
    pub hint: Option<InputFormat>,
    /// Bytes in all, where that is known before reading: for regular files.
    pub len: Option<u64>,
    /// It is no regular file: bytes come when they like.
    pub is_live: bool,
    /// Waits for what `reader` gives, where that is read beside.
    waiter: Option<Waiter>,
    /// Somebody waits for the first rows: what has come is to be taken for what it is.
    pub(crate) is_awaited: bool,
    /// What came before the time was up is taken.
    pub(crate) is_taken_late: bool,
    /// How it is compressed, once [`unpack`](Source::unpack) has looked.
    pub compression: Option<Compression>,
    /// The compression that its file extension stands for.
    compression_hint: Option<Compression>,
    /// Its bytes; reads that a signal interrupts are taken up again.
    pub reader: Box<dyn Read + Send>,
    /// The same bytes in a regular file, as long as they are read as they stand there.
    file: Option<File>,
    /// What users should know of it, once it has been read.
    pub notes: Notes,
}

/// Warnings that come up while an input is read.
#[derive(Debug, Clone, Default)]
pub struct Notes(Arc<Mutex<Vec<Warning>>>);

impl Notes {
    /// Adds a warning.
    pub(crate) fn add(&self, warning: Warning) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(warning);
    }

    /// Takes the warnings so far.
    pub fn take(&self) -> Vec<Warning> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Source { name, hint, len, compression, .. } = self;
        let mut shown = f.debug_struct("Source");
        shown.field("name", name).field("hint", hint).field("len", len);
        shown.field("compression", compression).finish_non_exhaustive()
    }
}

impl Source {
    /// Opens an input; nothing is read yet.
    ///
    /// URLs are opened where they are fetched, ahead of whoever reads ([`Conversion::run`]).
    ///
    /// - Errors: `Io` if it cannot be opened, `Usage` if it is a directory or a URL.
    ///
    /// [`Conversion::run`]: crate::Conversion::run
    pub fn open(input: Input) -> Result<Source, Error> {
        match input {
            Input::File(path) => local::open(&path),
            Input::Stdin => Ok(stdin::open()),
            Input::Url(input) => Err(store::absent(&input.url)),
            Input::Reader { name, reader } => Ok(Source::new(name, Uninterrupted(reader))),
        }
    }

    /// Builds a source of which no more is known than its bytes.
    fn new(name: String, reader: impl Read + Send + 'static) -> Source {
        Source {
            name,
            hint: None,
            len: None,
            is_live: true,
            waiter: None,
            is_awaited: false,
            is_taken_late: false,
            compression: None,
            compression_hint: None,
            reader: Box::new(reader),
            file: None,
            notes: Notes::default(),
        }
    }

    /// Unpacks what is read from here on, if its first bytes say that it is compressed.
    ///
    /// - Buffers: reads until that is certain; see [`limits::UNPACK_BYTES_MAX`] for `window_bytes`.
    /// - Errors: `Compression` where what is unpacked is compressed again, or where nothing stands
    ///   under the name of something compressed, which takes a few bytes at least; `Io`.
    pub fn unpack(&mut self, window_bytes: usize) -> Result<(), Error> {
        let kind = match (self.packing()?, self.compression_hint) {
            (Packing::Compressed(kind), _) => kind,
            (Packing::Empty, Some(kind)) => {
                let message = format!("{}: expected {kind} data, found an empty file", self.name);
                return Err(Error::new(ErrorKind::Compression, message).with_hint(
                    "the input is cut off: copy or download it again; nothing was written",
                ));
            }
            _ => return Ok(()),
        };
        let reader = self.take_reader();
        let (name, notes) = (self.name.clone(), self.notes.clone());
        self.reader = Box::new(Unpacker::new(kind, name, reader, window_bytes, notes)?);
        self.waiter = None;
        self.file = None;
        self.compression = Some(kind);
        if let Packing::Compressed(inner) = self.packing()? {
            let message =
                format!("{}: expected text in {kind} data, found {inner} data", self.name);
            return Err(Error::new(ErrorKind::Compression, message).with_hint(format!(
                "one layer is unpacked: unpack {kind} first and pipe the rest into transmog"
            )));
        }
        Ok(())
    }

    /// Tells whether the input is Parquet or Arrow, as the user says or from its first bytes.
    ///
    /// - Errors: `Input` where it should be, and is not; `Io`.
    pub(crate) fn columns(&mut self, from: InputFormat) -> Result<Option<InputFormat>, Error> {
        if !matches!(from, InputFormat::Auto | InputFormat::Parquet | InputFormat::Arrow) {
            return Ok(None);
        }
        let (first, whole) = self.first_bytes(detect::columns_are_certain)?;
        let found = detect::columns(&first);
        let is_empty = whole && first.is_empty();
        let expected = match from {
            InputFormat::Auto => self.hint.filter(|hint| hint.is_columns() && is_empty),
            from => Some(from),
        };
        let failure = expected
            .filter(|expected| found != Some(*expected))
            .map(|expected| detect::no_columns(expected, &first, &self.name));
        self.put_back(first);
        failure.map_or(Ok(found), Err)
    }

    /// Returns all bytes in a file that is read at any place: the input's own where it is one, else
    /// a temporary one, which is gone with the last that reads it.
    ///
    /// - Buffers: the disk, in the directory for temporary files; no memory to speak of.
    /// - Errors: `Io`, and what reading fails with.
    pub(crate) fn into_file(mut self) -> Result<File, Error> {
        match self.file.take() {
            Some(file) => Ok(file),
            None => spool::spool(&mut self.reader, &self.name),
        }
    }

    /// Makes UTF-8 of what is read from here on, as its byte order mark says, else `charset`.
    ///
    /// Bytes that are no character become one that UTF-8 has not, so they cost their record.
    ///
    /// - Shape: returns how to find places of the text in the input, unless it is UTF-8 as it is.
    /// - Errors: `Io`, `Compression`.
    pub fn decode(&mut self, charset: Option<Charset>) -> Result<Option<Origin>, Error> {
        let (mut first, _) = self.first_bytes(Charset::mark_is_known)?;
        let marked = Charset::of_mark(&first).filter(|(charset, _)| !charset.is_utf_8());
        let has_mark = Charset::of_mark(&first).is_some();
        if let Some((_, length)) = marked {
            first.drain(..length);
        }
        self.put_back(first);
        let (charset, skipped) = match (marked, charset) {
            (Some((charset, length)), _) => (charset, length as u64),
            (None, Some(charset)) if !has_mark => (charset, 0),
            _ => return Ok(None),
        };
        let mut origin = None;
        self.reader = match Transcoder::new(charset, skipped, self.take_reader()) {
            Ok(transcoder) => {
                origin = Some(transcoder.origin());
                self.waiter = None;
                Box::new(transcoder)
            }
            Err(reader) => reader,
        };
        Ok(origin)
    }

    fn packing(&mut self) -> Result<Packing, Error> {
        let is_known = |first: &[u8]| Compression::detect(first, false) != Packing::Unknown;
        let (first, whole) = self.first_bytes(is_known)?;
        let packing = Compression::detect(&first, whole);
        self.put_back(first);
        Ok(packing)
    }

    /// Reads what is left on a thread of its own from here on, so that others can wait for bytes.
    ///
    /// - Errors: `Io` where there is no thread for it.
    pub(crate) fn read_beside(&mut self, patience: &Patience) -> Result<Waiter, Error> {
        let (reader, waiter) = live::read_beside(self.take_reader(), patience.clone())?;
        self.reader = Box::new(reader);
        self.waiter = Some(waiter.clone());
        Ok(waiter)
    }

    fn take_reader(&mut self) -> Box<dyn Read + Send> {
        std::mem::replace(&mut self.reader, Box::new(io::empty()))
    }

    /// Lets bytes that were looked at be read again.
    fn put_back(&mut self, first: Vec<u8>) {
        if let Some(waiter) = &self.waiter {
            return waiter.put_back(first);
        }
        let rest = self.take_reader();
        self.reader = Box::new(Cursor::new(first).chain(rest));
    }

    /// Tells how records are told apart, from the first bytes where the user does not say.
    ///
    /// - Buffers: reads up to [`limits::DETECT_BYTES`], less where that is enough to be sure, so
    ///   that slow inputs start early; `reader` gives the bytes again.
    /// - Errors: `Input` if it is neither JSON, JSONL nor CSV; `Io`.
    pub fn framing(
        &mut self,
        format: InputFormat,
        rows: &DialectOptions,
    ) -> Result<Framing, Error> {
        if matches!(format, InputFormat::Json | InputFormat::Jsonl) {
            return detect::framing_for(format, b"", false, self.hint, rows)
                .map_err(|reason| reason.into_error(&self.name));
        }
        let is_enough = |first: &[u8]| format == InputFormat::Auto && detect::is_certain(first);
        let (first, whole) = self.first_bytes(is_enough)?;
        let framing = detect::framing_for(format, &first, whole, self.hint, rows);
        self.put_back(first);
        framing.map_err(|reason| reason.into_error(&self.name))
    }

    /// Returns whether nothing more comes for a moment behind the end of a line, where somebody waits
    /// for rows.
    fn has_paused(&self, first: &[u8]) -> bool {
        let Some(waiter) = self.waiter.as_ref().filter(|_| self.is_awaited) else { return false };
        let is_line = first.last().is_some_and(|last| matches!(last, b'\n' | b'\r'));
        // JSON needs no line end to be told.
        let is_json = matches!(first.trim_ascii_start().first(), Some(b'[' | b'{'));
        let is_blank = first.trim_ascii().is_empty();
        (is_line || is_json)
            && !is_blank
            && waiter.wait(Some(Instant::now() + PAUSE)) == Waited::Late
    }

    /// Reads until `is_enough` is so; returns whether that is the whole input.
    fn first_bytes(&mut self, is_enough: impl Fn(&[u8]) -> bool) -> Result<(Vec<u8>, bool), Error> {
        let mut first = vec![0; FIRST_BYTES];
        let mut filled = 0;
        while filled < limits::DETECT_BYTES {
            if filled == first.len() {
                first.resize((2 * filled).min(limits::DETECT_BYTES), 0);
            }
            let count = self.reader.read(&mut first[filled..]).map_err(|cause| {
                cause.downcast::<Error>().unwrap_or_else(|cause| {
                    let message = format!("{}: reading failed: {cause}", self.name);
                    Error::new(ErrorKind::Io, message).with_source(cause)
                })
            });
            let count = match count {
                Err(error) if error.kind() == ErrorKind::Timeout && self.is_taken_late => break,
                count => count?,
            };
            filled += count;
            if count == 0 {
                first.truncate(filled);
                return Ok((first, true));
            }
            if is_enough(&first[..filled]) || self.has_paused(&first[..filled]) {
                break;
            }
        }
        first.truncate(filled);
        Ok((first, false))
    }
}

/// How long nothing comes where somebody writes a line at a time.
const PAUSE: Duration = Duration::from_millis(20);

/// Bytes asked for in the first read that tells what an input is: enough for most.
const FIRST_BYTES: usize = 4 << 10;

/// Takes up reads again that a signal interrupted.
struct Uninterrupted<R>(R);

impl<R: Read> Read for Uninterrupted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.0.read(buffer) {
                Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
                done => return done,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives its pieces one by one, interrupted before each; panics when asked for too many.
    struct Pieces(Vec<&'static [u8]>, bool);

    impl Read for Pieces {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.1 = !self.1;
            if self.1 {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let piece = self.0.remove(0);
            buffer[..piece.len()].copy_from_slice(piece);
            Ok(piece.len())
        }
    }

    fn source(pieces: &[&'static [u8]]) -> Source {
        let reader = Box::new(Pieces(pieces.to_vec(), false));
        Source::open(Input::Reader { name: "x".to_owned(), reader }).unwrap()
    }

    fn framing(source: &mut Source, format: InputFormat) -> Result<Framing, Error> {
        source.framing(format, &DialectOptions::default())
    }

    #[test]
    fn bytes_looked_at_are_read_again() {
        let mut source = source(&[b"{\"a\"", b":1}", b"\n", b"{}", b""]);
        assert_eq!(framing(&mut source, InputFormat::Auto).unwrap(), Framing::Lines);
        let mut text = String::new();
        source.reader.read_to_string(&mut text).unwrap();
        assert_eq!(text, "{\"a\":1}\n{}");
    }

    #[test]
    fn detection_reads_no_more_than_it_needs() {
        assert_eq!(framing(&mut source(&[b"{}\n"]), InputFormat::Auto).unwrap(), Framing::Lines);
        assert_eq!(framing(&mut source(&[]), InputFormat::Json).unwrap(), Framing::Values);
        assert_eq!(framing(&mut source(&[]), InputFormat::Jsonl).unwrap(), Framing::Lines);
        assert_eq!(
            framing(&mut source(&[b"[", b"{", b""]), InputFormat::Auto).unwrap(),
            Framing::Values
        );
    }

    #[test]
    fn what_is_not_json_is_an_error_with_the_name() {
        let error = framing(&mut source(&[b"PAR1\x08\0", b""]), InputFormat::Csv).unwrap_err();
        assert_eq!(
            error.to_string(),
            "x: expected JSON, CSV, Parquet or Arrow, found a Parquet file"
        );
        assert_eq!(error.kind().exit_status(), crate::error::EXIT_INPUT);
    }
}
