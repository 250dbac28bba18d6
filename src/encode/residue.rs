//! Empty lists that may or may not be written, kept aside until that is known.
//!
//! Where arrays at a path become rows of a child table, an empty array leaves no trace, unless
//! another array there was a list of scalars: then the path has a list column too, and the empty
//! ones are empty lists in it. Which of the two it is may show in the last record, so until then
//! the rows with an empty list go to a file beside the output.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};

use crate::error::Error;
use crate::sink::{Scratch, Staged};
use crate::table::Column;

/// The rows with an empty list, by row group and column.
#[derive(Debug, Default)]
pub struct Residue {
    scratch: Option<Scratch>,
    len: u64,
    places: HashMap<(usize, usize), Place>,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    at: u64,
    rows: usize,
}

impl Residue {
    /// Keeps the rows of `column`, which holds nothing but empty lists.
    pub fn put(
        &mut self,
        group: usize,
        index: usize,
        column: &Column,
        staged: &Staged,
    ) -> Result<(), Error> {
        let mut bytes = Vec::with_capacity(column.presence().count() * 4);
        column.presence().for_each(|row| bytes.extend_from_slice(&(row as u32).to_le_bytes()));
        let scratch = match &self.scratch {
            Some(scratch) => scratch,
            None => self.scratch.insert(staged.scratch()?),
        };
        let mut file = scratch.append()?;
        file.write_all(&bytes).map_err(|cause| scratch.error("writing", cause))?;
        let rows = column.presence().count();
        self.places.insert((group, index), Place { at: self.len, rows });
        self.len += bytes.len() as u64;
        Ok(())
    }

    /// Returns the column of empty lists that was kept, if there was one.
    pub fn get(&self, group: usize, index: usize) -> Result<Option<Column>, Error> {
        let (Some(place), Some(scratch)) = (self.places.get(&(group, index)), &self.scratch) else {
            return Ok(None);
        };
        let mut bytes = vec![0; place.rows * 4];
        let mut file: File = scratch.read()?;
        file.seek(SeekFrom::Start(place.at))
            .and_then(|_| file.read_exact(&mut bytes))
            .map_err(|cause| scratch.error("reading", cause))?;
        let mut column = Column::default();
        for row in bytes.chunks_exact(4) {
            let row = u32::from_le_bytes([row[0], row[1], row[2], row[3]]);
            column.begin_list(row as usize);
            column.end_list(0);
        }
        Ok(Some(column))
    }
    /// Returns whether anything was kept of a column.
    pub fn holds(&self, index: usize) -> bool {
        self.places.keys().any(|(_, at)| *at == index)
    }
}
