//! Empty lists that may or may not be written, kept aside until that is known.
//!
//! Where arrays at a path become rows of a child table, an empty array leaves no trace, unless
//! another array there was a list of scalars: then the path has a list column too, and the empty
//! ones are empty lists in it. Which of the two it is may show in the last record, so until then
//! the rows with an empty list go to a file beside the output.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};

use super::ColumnParts;
use crate::error::Error;
use crate::sink::{Scratch, Staged};
use crate::table::Column;

/// The rows with an empty list, by row group and column.
///
/// The file holds those of a row group column by column, each a 32-bit number, and behind them which
/// columns there are, as [`Entry`] has them. In memory is a word or two for each row group.
#[derive(Debug, Default)]
pub struct Residue {
    scratch: Option<Scratch>,
    len: u64,
    /// Columns of any row group.
    columns: HashSet<usize>,
    /// Where the entries of each row group lie, and how many they are.
    groups: HashMap<usize, (u64, usize)>,
    /// Those of the row group that comes in, which lie nowhere yet.
    open: Option<(usize, Vec<Entry>)>,
    /// Those of the row group that was asked for last.
    found: RefCell<Option<(usize, Vec<Entry>)>>,
}

/// A column of a row group: where its rows lie.
#[derive(Debug, Clone, Copy)]
struct Entry {
    column: usize,
    at: u64,
    rows: usize,
}

impl Entry {
    const BYTES: usize = 24;

    fn to_bytes(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        bytes[..8].copy_from_slice(&(self.column as u64).to_le_bytes());
        bytes[8..16].copy_from_slice(&self.at.to_le_bytes());
        bytes[16..].copy_from_slice(&(self.rows as u64).to_le_bytes());
        bytes
    }

    fn of_bytes(bytes: &[u8; Self::BYTES]) -> Self {
        let (words, _) = bytes.as_chunks();
        let [column, at, rows] = [0, 1, 2].map(|word: usize| u64::from_le_bytes(words[word]));
        Entry { column: column as usize, at, rows: rows as usize }
    }
}

impl Residue {
    /// Keeps the rows of `column`, which holds nothing but empty lists; row groups come one after the
    /// other.
    pub fn put(
        &mut self,
        group: usize,
        index: usize,
        column: &Column,
        staged: &Staged,
    ) -> Result<(), Error> {
        if self.open.as_ref().is_some_and(|(open, _)| *open != group) {
            self.close()?;
        }
        let rows = column.presence().count();
        let mut bytes = Vec::with_capacity(rows * 4);
        column.presence().for_each(|row| bytes.extend_from_slice(&(row as u32).to_le_bytes()));
        if self.scratch.is_none() {
            self.scratch = Some(staged.scratch()?);
        }
        let at = self.append(&bytes)?;
        let (_, entries) = self.open.get_or_insert_with(|| (group, Vec::new()));
        entries.push(Entry { column: index, at, rows });
        self.columns.insert(index);
        Ok(())
    }

    /// Keeps what is left of the columns of a row group, by index, whose others are written.
    pub fn put_all(
        &mut self,
        group: usize,
        columns: Vec<ColumnParts>,
        staged: &Staged,
    ) -> Result<(), Error> {
        for (index, parts) in columns.into_iter().enumerate() {
            if let Some(column) = Column::join(parts) {
                self.put(group, index, &column, staged)?;
            }
        }
        Ok(())
    }

    /// Writes down what the row group holds that came in.
    fn close(&mut self) -> Result<(), Error> {
        let Some((group, mut entries)) = self.open.take() else { return Ok(()) };
        entries.sort_unstable_by_key(|entry| entry.column);
        let bytes: Vec<u8> = entries.iter().flat_map(|entry| entry.to_bytes()).collect();
        let at = self.append(&bytes)?;
        self.groups.insert(group, (at, entries.len()));
        Ok(())
    }

    /// Appends to the file; returns where.
    fn append(&mut self, bytes: &[u8]) -> Result<u64, Error> {
        let at = self.len;
        if let Some(scratch) = &self.scratch {
            let mut file = scratch.append()?;
            file.write_all(bytes).map_err(|cause| scratch.error("writing", cause))?;
            self.len += bytes.len() as u64;
        }
        Ok(at)
    }

    fn read(&self, at: u64, bytes: usize) -> Result<Vec<u8>, Error> {
        let mut read = vec![0; bytes];
        if let Some(scratch) = &self.scratch {
            let mut file: File = scratch.read()?;
            let done = file.seek(SeekFrom::Start(at)).and_then(|_| file.read_exact(&mut read));
            done.map_err(|cause| scratch.error("reading", cause))?;
        }
        Ok(read)
    }

    /// Returns where the rows of a column lie, if there are some.
    fn find(&self, group: usize, index: usize) -> Result<Option<Entry>, Error> {
        if let Some((_, entries)) = self.open.as_ref().filter(|(open, _)| *open == group) {
            return Ok(entries.iter().find(|entry| entry.column == index).copied());
        }
        let mut found = self.found.borrow_mut();
        if found.as_ref().is_none_or(|(known, _)| *known != group) {
            let Some(&(at, count)) = self.groups.get(&group) else { return Ok(None) };
            let bytes = self.read(at, count * Entry::BYTES)?;
            let (entries, _) = bytes.as_chunks();
            *found = Some((group, entries.iter().map(Entry::of_bytes).collect()));
        }
        let entries = found.as_ref().map_or(&[][..], |(_, entries)| entries);
        let at = entries.binary_search_by_key(&index, |entry| entry.column);
        Ok(at.ok().map(|at| entries[at]))
    }

    /// Returns the column of empty lists that was kept, if there was one.
    pub fn get(&self, group: usize, index: usize) -> Result<Option<Column>, Error> {
        if !self.holds(index) {
            return Ok(None);
        }
        let Some(entry) = self.find(group, index)? else { return Ok(None) };
        let bytes = self.read(entry.at, entry.rows * 4)?;
        let mut column = Column::default();
        let (rows, _) = bytes.as_chunks();
        for row in rows {
            column.begin_list(u32::from_le_bytes(*row) as usize);
            column.end_list(0);
        }
        Ok(Some(column))
    }

    /// Returns whether anything was kept of a column.
    pub fn holds(&self, index: usize) -> bool {
        self.columns.contains(&index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(rows: &[usize]) -> Column {
        let mut column = Column::default();
        for &row in rows {
            column.begin_list(row);
            column.end_list(0);
        }
        column
    }

    #[test]
    fn rows_come_back_by_group_and_column() {
        let staged = Staged::alone().unwrap();
        let mut residue = Residue::default();
        let kept: [(usize, usize, &[usize]); 5] =
            [(0, 7, &[0, 3, 4]), (0, 2, &[1]), (3, 7, &[70_000]), (4, 1, &[2, 9]), (4, 7, &[0])];
        for (group, index, rows) in kept {
            residue.put(group, index, &column(rows), &staged).unwrap();
        }
        let rows_of = |group, index| -> Option<Vec<usize>> {
            let column: Column = residue.get(group, index).unwrap()?;
            let mut rows = Vec::new();
            column.presence().for_each(|row| rows.push(row));
            Some(rows)
        };
        for (group, index, rows) in kept.into_iter().chain(kept.into_iter().rev()) {
            assert_eq!(rows_of(group, index).as_deref(), Some(rows), "{group}, {index}");
        }
        for (group, index) in [(0, 1), (1, 7), (3, 2), (4, 2), (9, 9)] {
            assert_eq!(rows_of(group, index), None, "{group}, {index}");
        }
        assert_eq!([1, 2, 7, 9].map(|index| residue.holds(index)), [true, true, true, false]);
    }
}
