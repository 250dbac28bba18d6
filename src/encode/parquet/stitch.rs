//! A second file under the final layout, where the first could not know it.

use std::collections::VecDeque;

use super::chunk::{About, descriptor};
use super::file::{ParquetFile, Store};
use super::ledger::{Held, Ledger, Stored};
use super::{chunk_of, reread};
use crate::encode::Encoded;
use crate::error::Error;
use crate::schema::Layout;
use crate::schema::widen::ColumnType;
use crate::sink::{Scratch, Staged};
use crate::table::{Column, Marks};

/// A file under the final layout, into which all that fits is copied.
pub(super) struct Stitch {
    out: ParquetFile,
    ledger: Ledger,
    /// The columns of every row group.
    pub(super) wanted: Vec<Held>,
    /// Row groups that were planned.
    pub(super) planned: usize,
    /// The row groups that were planned and not yet appended: rows, and for each column the chunk that is copied, if
    /// one is.
    pub(super) waiting: VecDeque<(usize, Vec<Option<Stored>>)>,
}

impl Stitch {
    pub(super) fn open(staged: &Staged, wanted: Vec<Held>) -> Result<Self, Error> {
        let out = ParquetFile::open(Store::Scratch(staged.scratch()?))?;
        let (ledger, waiting) = (Ledger::default(), VecDeque::new());
        Ok(Stitch { out, ledger, wanted, planned: 0, waiting })
    }

    /// Writes the row group that waits longest, from the first file and from what was encoded again.
    pub(super) fn append(&mut self, first: &Store, encoded: Vec<Encoded>) -> Result<(), Error> {
        let (rows, kept) = self.waiting.pop_front().unwrap_or_default();
        let mut encoded = encoded.into_iter();
        let mut stitched = Vec::with_capacity(kept.len());
        for kept in kept {
            stitched.push(match kept {
                Some(stored) => {
                    let bytes = first.bytes_of(&stored)?;
                    self.out.append([bytes.as_slice()], stored.about)?
                }
                None => {
                    let chunk = chunk_of(encoded.next())?.1;
                    self.out.append(chunk.bytes.iter(), chunk.about)?
                }
            });
        }
        self.out.rest()?;
        self.ledger.push(rows, self.wanted.clone(), &stitched, first.staged()?)
    }

    /// Ends the file.
    pub(super) fn finish(self, layout: &Layout) -> Result<Scratch, Error> {
        self.out.finish(layout, &self.ledger)?.into_scratch()
    }
}

/// Bytes that a value takes while its column is read and encoded again, besides text: as it is read, in its
/// column, as the type it now has, and its number in a dictionary.
const REREAD_ROW_BYTES: usize = 80;

/// How often text is there meanwhile.
const REREAD_COPIES: usize = 3;

/// Where a column of a row group comes from that is written again.
pub(super) enum Source {
    /// Its bytes, the type under which it was written, and what is known of it.
    Chunk(Vec<u8>, ColumnType, About),
    /// It was not written, and is no more than this.
    Column(Option<Column>),
}

impl Source {
    /// Returns how many bytes of memory it takes to read and to encode it again, about.
    pub(super) fn memory(&self, rows: usize) -> usize {
        let text_bytes = match self {
            Source::Chunk(_, _, about) => about.text_bytes as usize,
            Source::Column(_) => 0,
        };
        rows * REREAD_ROW_BYTES + text_bytes * REREAD_COPIES
    }

    /// Returns the column as it was pushed.
    pub(super) fn read(self, rows: usize, marks: Marks) -> Result<Option<Column>, Error> {
        match self {
            Source::Chunk(bytes, known, about) => {
                let descr = descriptor(&known)?;
                let values = reread::column(bytes, &about, &known, descr, rows)?;
                Ok(Some(values.with_marks(marks)))
            }
            Source::Column(column) => Ok(column),
        }
    }
}
