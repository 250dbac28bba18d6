//! What is known of the column chunks of a file, kept small until its footer is written.
//!
//! A table of thousands of columns has as many chunks in every row group. What is known of them is
//! packed, and goes to a file beside the output once it is more than a little; it is read back
//! one row group at a time.

use std::io::{Read, Seek, SeekFrom, Write};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::chunk::About;
use super::encoding::Encoding;
use crate::error::{Error, ErrorKind};
use crate::schema::widen::ColumnType;
use crate::sink::{Scratch, Staged};

/// Packed bytes beyond which they leave memory.
const PACKED_BYTES_MAX: usize = 1 << 20;

/// Where a column chunk lies in the file, and what it holds.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Stored {
    pub(super) at: u64,
    pub(super) about: About,
}

/// A column that a row group holds.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Held {
    pub(super) index: usize,
    pub(super) column_type: ColumnType,
    /// The encoding that was asked for.
    pub(super) wanted: Option<Encoding>,
}

/// A row group of the file.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) rows: usize,
    /// Its columns, in their order; mostly those of the row group before.
    pub(super) columns: Arc<[Held]>,
    /// Where the packed bytes of its chunks start and end.
    packed: (u64, u64),
}

/// All row groups of a file.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    groups: Vec<Group>,
    /// The last packed bytes; those before them are in `scratch`.
    packed: Vec<u8>,
    spilled: u64,
    scratch: Option<Scratch>,
    is_paged: bool,
}

impl Ledger {
    /// Takes down a row group. What memory should not hold goes to a file beside `staged`.
    ///
    /// - Shape: `chunks` as `columns`.
    pub(super) fn push(
        &mut self,
        rows: usize,
        columns: Vec<Held>,
        chunks: &[Stored],
        staged: &Staged,
    ) -> Result<(), Error> {
        let columns = match self.groups.last() {
            Some(last) if *last.columns == *columns => Arc::clone(&last.columns),
            _ => columns.into(),
        };
        let start = self.spilled + self.packed.len() as u64;
        for stored in chunks {
            self.is_paged |= !stored.about.pages.is_empty();
            let packed = postcard::to_extend(stored, std::mem::take(&mut self.packed));
            self.packed = packed.map_err(unpacked)?;
        }
        let end = self.spilled + self.packed.len() as u64;
        self.groups.push(Group { rows, columns, packed: (start, end) });
        if self.packed.len() > PACKED_BYTES_MAX { self.spill(staged) } else { Ok(()) }
    }

    fn spill(&mut self, staged: &Staged) -> Result<(), Error> {
        let scratch = match &self.scratch {
            Some(scratch) => scratch,
            None => self.scratch.insert(staged.scratch()?),
        };
        let mut file = scratch.append()?;
        file.write_all(&self.packed).map_err(|cause| scratch.error("writing", cause))?;
        self.spilled += self.packed.len() as u64;
        self.packed = Vec::new();
        Ok(())
    }

    pub(super) fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// Returns whether a chunk has more than one data page.
    pub(super) fn is_paged(&self) -> bool {
        self.is_paged
    }

    /// Returns the chunks of a row group, in the order of its columns.
    pub(super) fn chunks(&self, group: usize) -> Result<Vec<Stored>, Error> {
        let Group { columns, packed: (start, end), .. } = &self.groups[group];
        let read;
        let mut packed = match &self.scratch {
            Some(scratch) if *start < self.spilled => {
                let mut bytes = vec![0; (end - start) as usize];
                let mut file = scratch.read()?;
                file.seek(SeekFrom::Start(*start))
                    .and_then(|_| file.read_exact(&mut bytes))
                    .map_err(|cause| scratch.error("reading", cause))?;
                read = bytes;
                read.as_slice()
            }
            _ => &self.packed[(start - self.spilled) as usize..(end - self.spilled) as usize],
        };
        let mut chunks = Vec::with_capacity(columns.len());
        while !packed.is_empty() {
            let (stored, rest) = postcard::take_from_bytes(packed).map_err(unpacked)?;
            chunks.push(stored);
            packed = rest;
        }
        Ok(chunks)
    }
}

fn unpacked(cause: postcard::Error) -> Error {
    let message = format!("what was noted of a column chunk does not read back: {cause}");
    Error::new(ErrorKind::Internal, message).with_source(cause)
}
