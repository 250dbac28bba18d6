//! Column chunks → a Parquet file, with a footer that is decided at the end.

use std::fs::File;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use parquet::arrow::encode_arrow_schema;
use parquet::file::metadata::page_index::PageIndexBuilder;
use parquet::file::metadata::{
    ColumnChunkMetaData, FileMetaData, KeyValue, ParquetMetaData, ParquetMetaDataWriter,
    RowGroupMetaData,
};
use parquet::file::properties::WriterPropertiesPtr;
use parquet::file::writer::TrackedWrite;
use parquet::schema::types::SchemaDescriptor;

use super::chunk::{Chunk, failed, parquet_type, root};
use super::{Stored, StoredGroup};
use crate::encode::arrow;
use crate::error::{Error, ErrorKind};
use crate::schema::Layout;
use crate::sink::{Scratch, Staged};

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
    fn append(&self) -> Result<File, Error> {
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
    file: Option<File>,
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
        self.file.as_mut().map_or(Ok(()), File::flush)
    }
}

impl ParquetFile {
    pub(super) fn open(store: Store) -> Result<Self, Error> {
        let store = Arc::new(store);
        let appender =
            Appender { store: Arc::clone(&store), file: None, failure: Default::default() };
        let mut file = ParquetFile { out: TrackedWrite::new(appender), store };
        file.write(b"PAR1")?;
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

    /// Appends a chunk and returns where it lies.
    pub(super) fn append(&mut self, chunk: Chunk) -> Result<Stored, Error> {
        let at = self.out.bytes_written() as u64;
        self.write(&chunk.bytes)?;
        Ok(Stored { at, about: chunk.about })
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

    /// Writes the footer for `groups`, each of which holds the layout's columns in their order.
    pub(super) fn finish(
        self,
        layout: &Layout,
        groups: Vec<StoredGroup>,
        properties: &WriterPropertiesPtr,
    ) -> Result<Store, Error> {
        let columns = layout.columns.iter();
        let columns = columns
            .map(|column| parquet_type(&column.name, &column.column_type))
            .collect::<Result<_, _>>()?;
        let descr = Arc::new(SchemaDescriptor::new(root(columns)?));
        // Else the statistics of the chunks say the same.
        let is_paged = groups
            .iter()
            .flat_map(|group| group.chunks.values())
            .any(|stored| !stored.about.pages.is_empty());
        let mut page_index = match is_paged {
            true => PageIndexBuilder::new(groups.len(), layout.columns.len()),
            false => PageIndexBuilder::default(),
        };
        let rows: usize = groups.iter().map(|group| group.rows).sum();
        let mut row_groups = Vec::with_capacity(groups.len());
        for (ordinal, mut group) in groups.into_iter().enumerate() {
            let mut chunks = Vec::with_capacity(layout.columns.len());
            for (place, column) in layout.columns.iter().enumerate() {
                let Some(stored) = group.chunks.remove(&column.index) else { continue };
                let Stored { at, about } = &*stored;
                chunks.push(about.metadata(descr.column(place), *at)?);
                if is_paged {
                    let (bounds, offsets) = about.page_index(&descr.column(place), *at)?;
                    page_index.put_offset_index(offsets, ordinal, place);
                    if let Some(bounds) = bounds {
                        page_index.put_column_index(bounds, ordinal, place);
                    }
                }
            }
            let file_offset = chunks.first().map_or(0, |chunk| chunk.byte_range().0 as i64);
            let bytes = chunks.iter().map(ColumnChunkMetaData::uncompressed_size).sum();
            row_groups.push(
                RowGroupMetaData::builder(Arc::clone(&descr))
                    .set_column_metadata(chunks)
                    .set_total_byte_size(bytes)
                    .set_num_rows(group.rows as i64)
                    .set_ordinal(ordinal as i32)
                    .set_file_offset(file_offset)
                    .build()
                    .map_err(failed)?,
            );
        }
        let mut metadata = ParquetMetaData::new(
            FileMetaData::new(
                properties.writer_version().as_num(),
                rows as i64,
                Some(properties.created_by().to_owned()),
                Some(key_values(layout)),
                descr,
                None,
            ),
            row_groups,
        );
        if is_paged {
            let index = Arc::new(page_index.build());
            metadata = metadata.into_builder().set_page_index(Some(index)).build();
        }
        self.write_footer(&metadata)
    }

    /// Ends the file. The footer writer drops its buffer, so errors are asked for afterwards.
    fn write_footer(mut self, metadata: &ParquetMetaData) -> Result<Store, Error> {
        self.rest()?;
        let failure = Arc::clone(&self.out.inner().failure);
        ParquetMetaDataWriter::new_with_tracked(self.out, metadata).finish().map_err(failed)?;
        let failure = failure.lock().unwrap_or_else(PoisonError::into_inner).take();
        match failure {
            Some(cause) => Err(self.store.error("writing", cause)),
            None => Arc::into_inner(self.store).ok_or_else(mixed_up),
        }
    }
}

fn key_values(layout: &Layout) -> Vec<KeyValue> {
    let schema = arrow::schema(layout);
    vec![
        KeyValue::new("ARROW:schema".to_owned(), encode_arrow_schema(&schema)),
        KeyValue::new(arrow::TABLE_KEY.to_owned(), arrow::table_json(layout)),
    ]
}
