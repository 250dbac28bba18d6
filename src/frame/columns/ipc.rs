//! Arrow IPC: the messages of a stream, or of a file, which holds one behind its first bytes.

use std::collections::HashMap;
use std::io::{self, Read};
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch};
use arrow_buffer::{Buffer, MutableBuffer};
use arrow_ipc::convert::try_fb_to_schema;
use arrow_ipc::reader::{read_dictionary, read_record_batch};
use arrow_ipc::{Endianness, MessageHeader, root_as_message};
use arrow_schema::SchemaRef;

use super::guard::guarded;
use super::{ColumnOptions, Remark, Runs, damaged, size_text};
use crate::error::{Error, ErrorKind};

/// What messages call the format.
const WHAT: &str = "an Arrow file or stream";

/// Starts a file, and ends it.
const MAGIC: &[u8] = b"ARROW1";

/// Bytes of the start of a file, its magic and two of nothing.
const MAGIC_BYTES: usize = 8;

/// Bytes of nothing behind them, at most.
const PADDING_MAX: usize = 64;

/// Bytes of what a message says of itself, at most.
const HEAD_BYTES_MAX: usize = 64 << 20;

/// Bytes that are asked for at once, so that a wrong length costs no memory.
const READ_BYTES: usize = 1 << 20;

/// The rows of Arrow IPC.
pub(super) struct IpcRuns {
    name: String,
    reader: Counted,
    schema: SchemaRef,
    dictionaries: HashMap<i64, ArrayRef>,
    /// Bytes of memory that a message may take, and dictionaries all together.
    piece_bytes_max: usize,
    dictionary_bytes: usize,
    /// It is a file, with a footer.
    is_file: bool,
    has_ended: bool,
    /// A stream ended without saying so.
    is_open: bool,
}

/// Counts what is read.
struct Counted {
    reader: Box<dyn Read + Send>,
    count: u64,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.reader.read(buffer) {
                Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
                read => {
                    self.count += *read.as_ref().unwrap_or(&0) as u64;
                    return read;
                }
            }
        }
    }
}

/// Why a message is none.
enum Failure {
    Read(io::Error),
    Damaged(String),
    TooLong(u64),
}

/// A message: what it says of itself, and its bytes.
struct Message {
    head: Vec<u8>,
    body: Buffer,
}

impl IpcRuns {
    pub(super) fn open(
        reader: Box<dyn Read + Send>,
        options: &ColumnOptions,
    ) -> Result<Self, Error> {
        let mut runs = IpcRuns {
            name: options.name.clone(),
            reader: Counted { reader, count: 0 },
            schema: Arc::new(arrow_schema::Schema::empty()),
            dictionaries: HashMap::new(),
            piece_bytes_max: options.piece_bytes_max,
            dictionary_bytes: 0,
            is_file: false,
            has_ended: false,
            is_open: false,
        };
        runs.begin().map_err(|failure| runs.error(failure))?;
        Ok(runs)
    }

    /// Reads the schema, and what stands before it.
    fn begin(&mut self) -> Result<(), Failure> {
        let mut start = [0; 4];
        self.exact(&mut start)?;
        if MAGIC.starts_with(&start) {
            let mut rest = [0; MAGIC_BYTES - 4];
            self.exact(&mut rest)?;
            self.is_file = true;
            // Some programs pad with more.
            for _ in 0..=PADDING_MAX / start.len() {
                self.exact(&mut start)?;
                if start != [0; 4] {
                    break;
                }
            }
        }
        let message = self.message(Some(start))?;
        let message = message.ok_or_else(|| Failure::Damaged("no schema".to_owned()))?;
        let read = || {
            let found = root_as_message(&message.head).map_err(|cause| cause.to_string())?;
            let schema = found.header_as_schema().ok_or("no schema at its start")?;
            if schema.endianness() != Endianness::Little {
                return Err("bytes in the order of big-endian machines".to_owned());
            }
            try_fb_to_schema(schema).map_err(|cause| cause.to_string())
        };
        let schema = guarded(read).and_then(|schema| schema).map_err(Failure::Damaged)?;
        self.schema = Arc::new(schema);
        Ok(())
    }

    fn exact(&mut self, bytes: &mut [u8]) -> Result<(), Failure> {
        self.reader.read_exact(bytes).map_err(|cause| match cause.kind() {
            io::ErrorKind::UnexpectedEof => Failure::Damaged("it ends early".to_owned()),
            _ => Failure::Read(cause),
        })
    }

    /// Reads so many bytes, which may not be there.
    fn bytes(&mut self, count: usize) -> Result<MutableBuffer, Failure> {
        let mut bytes = MutableBuffer::new(count.min(READ_BYTES));
        while bytes.len() < count {
            let kept = bytes.len();
            let more = (count - kept).min(READ_BYTES.max(kept));
            bytes.resize(kept + more, 0);
            self.exact(&mut bytes.as_slice_mut()[kept..])?;
        }
        Ok(bytes)
    }

    /// Reads the next message, of which the first bytes may be known; nothing at the end.
    fn message(&mut self, start: Option<[u8; 4]>) -> Result<Option<Message>, Failure> {
        const CONTINUES: [u8; 4] = [0xFF; 4];
        let mut length = match start {
            Some(start) => start,
            None => match self.start()? {
                Some(start) => start,
                None => return Ok(None),
            },
        };
        if length == CONTINUES {
            self.exact(&mut length)?;
        }
        let length = i32::from_le_bytes(length);
        if length == 0 {
            return Ok(None);
        }
        let length = usize::try_from(length).ok().filter(|length| *length <= HEAD_BYTES_MAX);
        let length = length.ok_or_else(|| Failure::Damaged("a message of no length".to_owned()))?;
        let head = self.bytes(length)?.to_vec();
        let body_bytes = guarded(|| {
            let found = root_as_message(&head).map_err(|cause| cause.to_string())?;
            Ok((found.bodyLength(), unpacked_bytes(&found)))
        });
        let (body, unpacked) = body_bytes.and_then(|found| found).map_err(Failure::Damaged)?;
        let body = u64::try_from(body).map_err(|_| Failure::Damaged("a length below 0".into()))?;
        if body > self.piece_bytes_max as u64 {
            return Err(Failure::TooLong(body));
        }
        let body: Buffer = self.bytes(body as usize)?.into();
        let unpacked = unpacked.iter().try_fold(0u64, |sum, (offset, length)| {
            let prefix = body.get(*offset..).and_then(|bytes| bytes.first_chunk::<8>());
            // Minus one stands for bytes that are not packed.
            let claimed = prefix.map_or(0, |prefix| i64::from_le_bytes(*prefix));
            sum.checked_add(u64::try_from(claimed).unwrap_or(*length))
        });
        let unpacked = unpacked.ok_or_else(|| Failure::Damaged("a length of nothing".into()))?;
        if unpacked > self.piece_bytes_max as u64 {
            return Err(Failure::TooLong(unpacked));
        }
        Ok(Some(Message { head, body }))
    }

    /// Reads the first bytes of a message; nothing where there are none.
    fn start(&mut self) -> Result<Option<[u8; 4]>, Failure> {
        let mut start = [0; 4];
        let mut filled = 0;
        while filled < start.len() {
            match self.reader.read(&mut start[filled..]).map_err(Failure::Read)? {
                0 if filled == 0 && !self.is_file => {
                    self.is_open = true;
                    return Ok(None);
                }
                0 => return Err(Failure::Damaged("it ends early".to_owned())),
                count => filled += count,
            }
        }
        Ok(Some(start))
    }

    /// Reads messages up to the next one that holds rows.
    fn rows(&mut self) -> Result<Option<RecordBatch>, Failure> {
        while !self.has_ended {
            let Some(Message { head, body }) = self.message(None)? else {
                self.has_ended = true;
                self.end()?;
                break;
            };
            let (schema, dictionaries) = (&self.schema, &mut self.dictionaries);
            let read = || {
                let found = root_as_message(&head).map_err(|cause| cause.to_string())?;
                let version = found.version();
                if let Some(rows) = found.header_as_record_batch() {
                    let schema = Arc::clone(schema);
                    let rows = read_record_batch(&body, rows, schema, dictionaries, None, &version);
                    return rows.map(Some).map_err(|cause| cause.to_string());
                }
                if let Some(values) = found.header_as_dictionary_batch() {
                    let read = read_dictionary(&body, values, schema, dictionaries, &version);
                    return read.map(|()| None).map_err(|cause| cause.to_string());
                }
                match found.header_type() {
                    MessageHeader::NONE => Ok(None),
                    other => Err(format!("a message that is no rows: {other:?}")),
                }
            };
            let rows = guarded(read).and_then(|read| read).map_err(Failure::Damaged)?;
            if let Some(rows) = rows {
                return Ok(Some(rows));
            }
            self.dictionary_bytes =
                self.dictionaries.values().map(|values| values.get_array_memory_size()).sum();
            if self.dictionary_bytes > self.piece_bytes_max {
                return Err(Failure::TooLong(self.dictionary_bytes as u64));
            }
        }
        Ok(None)
    }

    /// Reads what stands behind the last message of a file, which must end as one.
    fn end(&mut self) -> Result<(), Failure> {
        if !self.is_file {
            return Ok(());
        }
        let mut last = Vec::new();
        let mut piece = vec![0; 8 << 10];
        loop {
            let count = self.reader.read(&mut piece).map_err(Failure::Read)?;
            if count == 0 {
                break;
            }
            last.extend_from_slice(&piece[..count]);
            last.drain(..last.len().saturating_sub(MAGIC.len()));
        }
        match last == MAGIC {
            true => Ok(()),
            false => Err(Failure::Damaged("it ends early".to_owned())),
        }
    }

    fn error(&self, failure: Failure) -> Error {
        let name = &self.name;
        match failure {
            Failure::Damaged(cause) => damaged(name, WHAT, cause),
            // What unpacks or waits says itself what is wrong.
            Failure::Read(cause) => cause.downcast::<Error>().unwrap_or_else(|cause| {
                let message = format!("{name}: reading failed: {cause}");
                Error::new(ErrorKind::Io, message).with_source(cause)
            }),
            Failure::TooLong(bytes) => {
                let most = size_text(self.piece_bytes_max);
                let message = format!(
                    "{name}: expected batches of at most {most}, a quarter of the memory limit, \
                     found one of {bytes} bytes"
                );
                Error::new(ErrorKind::Input, message).with_hint(
                    "Arrow has a batch in memory as a whole: write the file in batches of fewer \
                     rows, or raise `--memory-limit`",
                )
            }
        }
    }
}

impl Runs for IpcRuns {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn next(&mut self) -> Result<Option<RecordBatch>, Error> {
        self.rows().map_err(|failure| self.error(failure))
    }

    fn reached(&self) -> u64 {
        self.reader.count
    }

    fn remark(&self) -> Option<Remark> {
        self.is_open.then_some(Remark::Open)
    }
}

/// Returns where the packed buffers of a message lie in its body, each with its length.
fn unpacked_bytes(message: &arrow_ipc::Message<'_>) -> Vec<(usize, u64)> {
    let rows = match message.header_as_dictionary_batch() {
        Some(dictionary) => dictionary.data(),
        None => message.header_as_record_batch(),
    };
    let Some(rows) = rows.filter(|rows| rows.compression().is_some()) else { return Vec::new() };
    let buffers = rows.buffers().into_iter().flatten().filter(|buffer| buffer.length() > 0);
    let place = |buffer: &arrow_ipc::Buffer| {
        Some((usize::try_from(buffer.offset()).ok()?, buffer.length() as u64))
    };
    buffers.filter_map(place).collect()
}
