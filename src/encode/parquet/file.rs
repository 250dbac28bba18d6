//! Column chunks → a Parquet file, with a footer that is decided at the end.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::sync::{Arc, Mutex, PoisonError};

use parquet::arrow::encode_arrow_schema;
use parquet::file::writer::TrackedWrite;
use parquet::schema::types::SchemaDescriptor;

use super::chunk::{About, parquet_type, root};
use super::footer::{IndexPlace, Structures};
use super::ledger::{Ledger, Stored};
use crate::encode::arrow;
use crate::error::{Error, ErrorKind};
use crate::schema::Layout;
use crate::sink::{AppendFile, Scratch, Staged};

/// What stands at both ends of a file.
pub(super) const MAGIC: &[u8] = b"PAR1";

/// What the footer says of its writer.
const CREATED_BY: &str = concat!("transmog version ", env!("CARGO_PKG_VERSION"));

/// A Parquet file being written: pages now, the footer later.
pub(super) struct ParquetFile {
    out: TrackedWrite<Appender>,
    store: Arc<Store>,
}

/// The file underneath: a table's output, or one that will take its place.
#[derive(Debug)]
pub(super) enum Store {
    Staged(Staged),
    Scratch(Scratch),
}

impl Store {
    fn append(&self) -> Result<AppendFile, Error> {
        match self {
            Store::Staged(staged) => staged.append(),
            Store::Scratch(scratch) => scratch.append(),
        }
    }

    pub(super) fn read(&self) -> Result<File, Error> {
        match self {
            Store::Staged(staged) => staged.read(),
            Store::Scratch(scratch) => scratch.read(),
        }
    }

    /// Reads a chunk as it is.
    pub(super) fn bytes_of(&self, stored: &Stored) -> Result<Vec<u8>, Error> {
        let mut bytes = vec![0; stored.about.bytes as usize];
        let mut file = self.read()?;
        file.seek(SeekFrom::Start(stored.at))
            .and_then(|_| file.read_exact(&mut bytes))
            .map_err(|cause| self.error("reading", cause))?;
        Ok(bytes)
    }

    pub(super) fn error(&self, doing: &str, cause: io::Error) -> Error {
        match self {
            Store::Staged(staged) => staged.error(doing, cause),
            Store::Scratch(scratch) => scratch.error(doing, cause),
        }
    }

    pub(super) fn staged(&self) -> Result<&Staged, Error> {
        match self {
            Store::Staged(staged) => Ok(staged),
            Store::Scratch(_) => Err(mixed_up()),
        }
    }

    pub(super) fn into_staged(self) -> Result<Staged, Error> {
        match self {
            Store::Staged(staged) => Ok(staged),
            Store::Scratch(_) => Err(mixed_up()),
        }
    }

    pub(super) fn into_scratch(self) -> Result<Scratch, Error> {
        match self {
            Store::Scratch(scratch) => Ok(scratch),
            Store::Staged(_) => Err(mixed_up()),
        }
    }
}

fn mixed_up() -> Error {
    Error::new(ErrorKind::Internal, "an output and its replacement were mixed up")
}

/// Appends to the file underneath; holds no file descriptor while it rests.
struct Appender {
    store: Arc<Store>,
    file: Option<AppendFile>,
    /// The first error, which a buffer that is dropped would swallow.
    failure: Arc<Mutex<Option<io::Error>>>,
}

impl Write for Appender {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(self.store.append().map_err(io::Error::other)?),
        };
        let written = file.write(bytes);
        if let Err(cause) = &written
            && cause.kind() != io::ErrorKind::Interrupted
        {
            let copy =
                cause.raw_os_error().map_or(cause.kind().into(), io::Error::from_raw_os_error);
            *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(copy);
        }
        written
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_mut().map_or(Ok(()), AppendFile::flush)
    }
}

impl ParquetFile {
    pub(super) fn open(store: Store) -> Result<Self, Error> {
        let store = Arc::new(store);
        let appender =
            Appender { store: Arc::clone(&store), file: None, failure: Default::default() };
        let mut file = ParquetFile { out: TrackedWrite::new(appender), store };
        file.write(MAGIC)?;
        file.rest()?;
        Ok(file)
    }

    pub(super) fn store(&self) -> &Store {
        &self.store
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let written = self.out.write_all(bytes);
        written.map_err(|cause| self.store().error("writing", cause))
    }

    /// Appends the segments of a chunk and returns where it lies.
    pub(super) fn append<'a>(
        &mut self,
        segments: impl IntoIterator<Item = &'a [u8]>,
        about: About,
    ) -> Result<Stored, Error> {
        let at = self.out.bytes_written() as u64;
        segments.into_iter().try_for_each(|bytes| self.write(bytes))?;
        Ok(Stored { at, about })
    }

    /// Writes out what is buffered and lets go of the file descriptor.
    pub(super) fn rest(&mut self) -> Result<(), Error> {
        let flushed = self.out.flush();
        flushed.map_err(|cause| self.store().error("writing", cause))?;
        self.out.inner_mut().file = None;
        Ok(())
    }

    pub(super) fn into_store(mut self) -> Result<Store, Error> {
        self.rest()?;
        drop(self.out);
        Arc::into_inner(self.store).ok_or_else(mixed_up)
    }

    /// Writes page index and footer of the row groups in `ledger`, each of which holds the
    /// layout's columns in their order.
    pub(super) fn finish(mut self, layout: &Layout, ledger: &Ledger) -> Result<Store, Error> {
        let columns = layout.columns.iter();
        let columns = columns
            .map(|column| parquet_type(&column.name, &column.column_type))
            .collect::<Result<_, _>>()?;
        let schema = SchemaDescriptor::new(root(columns)?);
        // Else the statistics of the chunks say the same.
        let places = match ledger.is_paged() {
            true => self.write_page_index(&schema, ledger)?,
            false => Vec::new(),
        };
        self.write_footer(layout, &schema, ledger, &places)?;
        self.into_store()
    }

    /// Writes the page index of all chunks, and returns where it lies for each.
    fn write_page_index(
        &mut self,
        schema: &SchemaDescriptor,
        ledger: &Ledger,
    ) -> Result<Vec<IndexPlace>, Error> {
        let mut places = Vec::new();
        let mut bytes = Vec::new();
        for group in 0..ledger.groups().len() {
            for (place, stored) in ledger.chunks(group)?.iter().enumerate() {
                let physical = schema.column(place).physical_type();
                let start = self.out.bytes_written() as u64;
                bytes.clear();
                if stored.about.is_bounded() {
                    let written = Structures::new(&mut bytes).page_bounds(&stored.about, physical);
                    written.map_err(unwritten)?;
                }
                let bounds = bytes.len();
                let written = Structures::new(&mut bytes).page_offsets(stored, physical);
                written.map_err(unwritten)?;
                places.push(IndexPlace {
                    bounds: (bounds > 0).then_some((start, bounds as u32)),
                    offsets: (start + bounds as u64, (bytes.len() - bounds) as u32),
                });
                self.write(&bytes)?;
            }
        }
        Ok(places)
    }

    /// Writes the footer, its length, and the end of the file.
    fn write_footer(
        &mut self,
        layout: &Layout,
        schema: &SchemaDescriptor,
        ledger: &Ledger,
        places: &[IndexPlace],
    ) -> Result<(), Error> {
        let groups = ledger.groups();
        let start = self.out.bytes_written();
        let rows = groups.iter().map(|group| group.rows as u64).sum();
        let (store, failure) = (Arc::clone(&self.store), Arc::clone(&self.out.inner().failure));
        let check = |written: thrift::Result<()>| {
            written.map_err(|cause| {
                match failure.lock().unwrap_or_else(PoisonError::into_inner).take() {
                    Some(failure) => store.error("writing", failure),
                    None => unwritten(cause),
                }
            })
        };
        let mut footer = Structures::new(&mut self.out);
        check(footer.begin_file(schema, rows, groups.len()))?;
        for (group, head) in groups.iter().enumerate() {
            let chunks = ledger.chunks(group)?;
            let places = places.get(group * chunks.len()..).unwrap_or_default();
            let few = i16::try_from(groups.len()).is_ok();
            let ordinal = few.then_some(group as i16);
            check(footer.row_group(schema, &chunks, places, head.rows, ordinal))?;
        }
        check(footer.end_file(&key_values(layout), CREATED_BY, schema.num_columns()))?;
        let length = self.out.bytes_written() - start;
        let length = u32::try_from(length).map_err(|_| {
            let message = format!("{}: its footer is longer than the format allows", layout.table);
            Error::new(ErrorKind::Io, message)
                .with_hint("fewer row groups have a shorter one: raise `--row-group-bytes`")
        })?;
        self.write(&length.to_le_bytes())?;
        self.write(MAGIC)
    }
}

/// Wraps what the Thrift library reports.
fn unwritten(cause: thrift::Error) -> Error {
    let message = format!("writing a Parquet footer failed: {cause}");
    Error::new(ErrorKind::Internal, message).with_source(cause)
}

fn key_values(layout: &Layout) -> [(&'static str, String); 2] {
    let schema = arrow::schema(layout);
    [("ARROW:schema", encode_arrow_schema(&schema)), (arrow::TABLE_KEY, arrow::table_json(layout))]
}
