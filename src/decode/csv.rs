//! Rows of CSV → cells, straight into their columns.

use std::ops::Range;

use super::json::{self, DecodeOptions, DuplicateKeys};
use super::{CapReached, Faults, Pauses, prune, repair};
use crate::error::{Fault, FaultCode};
use crate::flatten::{
    CellPlace, Flattener, Halt, Place, RowColumns, push_json_string, string_bytes,
};
use crate::frame::blocks::{BLOCK, equal};
use crate::frame::dialect::Dialect;
use crate::frame::rows::{RawCells, find_quote};
use crate::frame::{Chunk, RowHead};
use crate::table::{CellBlock, CellSpan, Excerpt, Marks as NumberMarks};

/// How cells are read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CellOptions {
    /// Texts that stand for no value, besides an empty cell without quotes.
    pub null_values: Vec<String>,
    /// What becomes of rows with too few or too many cells.
    pub ragged: Ragged,
    /// Flatten cells that hold a JSON object or array.
    pub json: bool,
    /// Numbers have a comma before their fraction.
    pub decimal_comma: bool,
    /// Stands between the thousands of numbers.
    pub thousands: Option<u8>,
}

/// What becomes of rows with too few or too many cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ragged {
    /// They are at fault.
    #[default]
    Reject,
    /// What is missing is null, what is too much goes to the rest column.
    Pad,
}

impl CellOptions {
    /// Returns whether cells are taken as they stand.
    fn is_plain(&self) -> bool {
        self.null_values.is_empty() && !self.json && self.marks().are_none()
    }

    /// Returns the marks that numbers have.
    fn marks(&self) -> NumberMarks {
        NumberMarks { decimal_comma: self.decimal_comma, thousands: self.thousands }
    }
}

/// Decodes the rows of a chunk that are not known to be at fault into `flattener`; others that are
/// join `faults`. Returns whether the rows in the flattener are those of the good ones.
pub(super) fn rows(
    chunk: &Chunk,
    text: &str,
    head: &RowHead,
    flattener: &mut Flattener,
    options: &DecodeOptions,
    faults: &mut Faults,
    mut pauses: Pauses,
) -> Result<bool, CapReached> {
    let columns = match flattener.row_columns(&head.names) {
        Ok(columns) => columns,
        Err(Halt::Fault(fault)) => {
            // What is wrong with a column is wrong with each of its cells.
            let records = 0..chunk.records.len();
            let known = faults.len();
            faults.extend(records.map(|index| (index, Fault::clone(&fault))));
            return Ok(faults.len() == known);
        }
        Err(_) => return Err(CapReached),
    };
    let by_column = options.cells.is_plain() && columns.are_direct();
    let mut decoder = Decoder {
        text,
        dialect: head.dialect,
        columns,
        options,
        marks: Marks::new(&head.dialect),
        cells: Vec::new(),
        copies: String::new(),
    };
    // A column's cells are read in one go where none of them wants a closer look.
    let block_rows = if by_column { decoder.block_rows() } else { 1 };
    let (mut index, count, mut is_whole) = (0, chunk.records.len(), true);
    while index < count {
        decoder.cells.clear();
        decoder.copies.clear();
        let mut first_row = None;
        let end = count.min(index + block_rows);
        pauses.reach(chunk.records[index].start as usize);
        for (index, span) in chunk.records.iter().enumerate().take(end).skip(index) {
            if !faults.is_empty() && faults.contains_key(&index) {
                continue;
            }
            let origin = (chunk.input_index as u32, chunk.first_byte + u64::from(span.start));
            let place = flattener.begin_record(index as u32, origin);
            first_row = first_row.or(Some(place.row()));
            let kept = decoder.cells.len();
            let row = decoder.row(span.range(), flattener, place, by_column);
            match row.and_then(|bytes| flattener.end_record(bytes)) {
                Ok(()) => {}
                Err(Halt::CapReached) => return Err(CapReached),
                Err(Halt::Fault(fault)) => {
                    decoder.cells.truncate(kept);
                    is_whole &= flattener.take_back_record();
                    faults.insert(index, *fault);
                }
                Err(Halt::DuplicateKey) => {
                    // Cells that hold JSON are looked through before.
                    decoder.cells.truncate(kept);
                    is_whole &= flattener.take_back_record();
                    let message = "a key stands twice in one object";
                    faults.insert(index, Fault::new(FaultCode::DuplicateKey, 0, message));
                }
            }
        }
        index = end;
        decoder.push_columns(flattener, first_row, by_column);
    }
    Ok(is_whole)
}

/// Decodes the rows of one chunk.
struct Decoder<'a> {
    text: &'a str,
    dialect: Dialect,
    columns: RowColumns,
    options: &'a DecodeOptions,
    marks: Marks,
    /// Where the cells of the rows at hand lie.
    cells: Vec<CellSpan>,
    /// Texts of those that held a doubled quote or an escape.
    copies: String,
}

/// Why no further cell was found.
enum Stop {
    /// There are as many as columns.
    Full,
    /// The row ends.
    End,
    /// Quotes want a closer look.
    Quotes,
}

/// Cells that are found before the first of them is read: they stay in the nearest cache.
const BLOCK_CELLS: usize = 1024;

impl Decoder<'_> {
    /// Returns how many rows are taken together.
    fn block_rows(&self) -> usize {
        (BLOCK_CELLS / self.columns.len().max(1)).max(1)
    }

    /// Decodes the row in `range`; returns the bytes that it holds. With `by_column` its cells are
    /// found, and read with those of other rows.
    #[inline]
    fn row(
        &mut self,
        range: Range<usize>,
        flattener: &mut Flattener,
        place: Place,
        by_column: bool,
    ) -> Result<u32, Halt> {
        let (first, width) = (self.cells.len(), self.columns.len());
        let (extra, mut bytes) = self.find_cells(range.clone(), flattener)?;
        if let Some(at) = extra {
            flattener.refuse_extra_cells().map_err(|halt| halt.at_byte(at - range.start))?;
        }
        if !by_column {
            bytes = 0;
            for index in 0..width {
                let cell = self.cells[first + index];
                self.read_cell(cell, index, flattener, place, &mut bytes).map_err(|halt| {
                    let row = &self.text.as_bytes()[range.clone()];
                    let cell = RawCells::of(row, 0, &self.dialect).nth(index);
                    halt.at_byte(cell.map_or(0, |cell| cell.start))
                })?;
            }
        }
        if let Some(at) = extra {
            self.extra(at, range, flattener, place, &mut bytes)?;
        }
        Ok(bytes)
    }

    /// Finds the cells of the row in `range`, one for each column; returns where those begin that
    /// are too many, and the bytes of the others.
    #[inline]
    fn find_cells(
        &mut self,
        range: Range<usize>,
        flattener: &mut Flattener,
    ) -> Result<(Option<usize>, u32), Halt> {
        let kept = self.cells.len();
        let mut at = range.start;
        loop {
            let (stop, reached) = self.split(at, range.end, kept + self.columns.len());
            at = reached;
            match stop {
                Stop::Full => break,
                Stop::End => {
                    at = range.end;
                    if self.cells.len() < kept + self.columns.len() {
                        self.refuse_ragged(at, range.clone(), flattener)?;
                        self.cells.resize(kept + self.columns.len(), CellSpan::Null);
                    }
                    break;
                }
                Stop::Quotes => {
                    let Some((cell, next)) = self.find_doubled(at + 1, range.end) else {
                        return Err(self.explain(range));
                    };
                    self.cells.push(cell);
                    if next < range.end {
                        at = next + 1;
                    } else if self.cells.len() < kept + self.columns.len() {
                        // The next cell is missing.
                        self.refuse_ragged(range.end, range.clone(), flattener)?;
                        self.cells.resize(kept + self.columns.len(), CellSpan::Null);
                        at = range.end;
                        break;
                    } else {
                        at = range.end;
                        break;
                    }
                }
            }
        }
        let bytes = self.cells[kept..].iter().fold(0u32, |sum, cell| match cell {
            CellSpan::Null => sum,
            CellSpan::Source(start, end) | CellSpan::Copied(start, end) => {
                sum.saturating_add(string_bytes((end - start) as usize))
            }
        });
        // Some programs end each row with a delimiter.
        Ok((Some(at).filter(|at| *at < range.end), bytes))
    }

    /// Finds cells from `at` on, up to `count` of all, as long as their quotes hold no others;
    /// returns why it stopped, and where the next cell begins.
    ///
    /// This is the loop in which a conversion spends its time: what it works with stays in
    /// registers.
    #[inline(never)]
    fn split(&mut self, mut at: usize, end: usize, count: usize) -> (Stop, usize) {
        let bytes = self.text.as_bytes();
        let Dialect { delimiter, escape, .. } = self.dialect;
        // No text holds this byte.
        let quote = self.dialect.quote.unwrap_or(0xFF);
        let mut marks = self.marks;
        let cells = &mut self.cells;
        let stop = loop {
            if cells.len() == count {
                break Stop::Full;
            }
            let next = if at < end && bytes[at] == quote {
                let close = marks.next(bytes, at + 1, end, |marks| marks.quotes);
                let next = close + 1;
                let is_whole = next == end || (next < end && bytes[next] == delimiter);
                if !is_whole || escape.is_some() {
                    break Stop::Quotes;
                }
                cells.push(CellSpan::source(at + 1, close));
                next
            } else {
                let next = marks.next(bytes, at, end, |marks| marks.delimiters);
                cells.push(match next == at {
                    true => CellSpan::Null,
                    false => CellSpan::source(at, next),
                });
                next
            };
            if next >= end {
                break Stop::End;
            }
            at = next + 1;
        };
        self.marks = marks;
        (stop, at)
    }

    /// Reads the cells of the rows at hand, column by column.
    fn push_columns(&self, flattener: &mut Flattener, first_row: Option<u32>, by_column: bool) {
        let Some(first_row) = first_row.filter(|_| by_column) else { return };
        let width = self.columns.len();
        let cells =
            CellBlock { source: self.text, copies: &self.copies, spans: &self.cells, width };
        (0..width).for_each(|index| flattener.cells(&self.columns, index, first_row, &cells));
    }

    /// Finds the end of a cell whose content starts at `start` and holds quotes or escapes;
    /// returns it and one past it, or nothing where the quotes are wrong.
    #[inline(never)]
    fn find_doubled(&mut self, start: usize, end: usize) -> Option<(CellSpan, usize)> {
        let close = self.closing_quote(start, end)?;
        let next = close + 1;
        if next < end && self.text.as_bytes()[next] != self.dialect.delimiter {
            return None;
        }
        let kept = self.copies.len();
        self.copy_unquoted(start, close, self.dialect.quote?);
        Some((CellSpan::copied(kept, self.copies.len()), next))
    }

    /// Returns the quote that closes the cell whose content starts at `from`.
    fn closing_quote(&self, mut from: usize, end: usize) -> Option<usize> {
        let bytes = &self.text.as_bytes()[..end];
        let quote = self.dialect.quote?;
        loop {
            let found = find_quote(bytes, from, quote, self.dialect.escape)?;
            if bytes[found] == quote && bytes.get(found + 1) != Some(&quote) {
                return Some(found);
            }
            from = found + 2;
        }
    }

    /// Says what is wrong with the quotes of a row.
    #[cold]
    fn explain(&self, range: Range<usize>) -> Halt {
        let text = &self.text[range];
        let row = RawCells::of(text.as_bytes(), 0, &self.dialect).skipped();
        let (at, message) = match row.fault {
            None => (row.open_quote, "expected a closing quote, found the end of the input".into()),
            Some(at) => {
                let found = text[at..].chars().next().unwrap_or('\u{fffd}');
                let delimiter = self.dialect.delimiter.escape_ascii();
                let what = format!("`{delimiter}` or a line end behind a closing quote");
                (Some(at), format!("expected {what}, found `{found}`"))
            }
        };
        Fault::new(FaultCode::CsvQuote, at.unwrap_or(0), message).into()
    }

    /// Appends the content of a cell without what stands before quotes to the copies.
    fn copy_unquoted(&mut self, mut start: usize, end: usize, quote: u8) {
        let bytes = &self.text.as_bytes()[..end];
        let escape = self.dialect.escape;
        let mut from = start;
        while let Some(at) = find_quote(bytes, from, quote, escape) {
            let follows = bytes.get(at + 1).copied();
            // An escape before anything but a quote or an escape is just text.
            let is_dropped = follows == Some(quote) || (follows.is_some() && follows == escape);
            if is_dropped {
                self.copies.push_str(&self.text[start..at]);
                start = at + 1;
                from = at + 2;
            } else {
                from = at + 1;
            }
        }
        self.copies.push_str(&self.text[start..end]);
    }

    /// Returns the text of a cell; nothing where it has no value.
    fn text_of(&self, cell: CellSpan) -> Option<&str> {
        match cell {
            CellSpan::Null => None,
            CellSpan::Source(start, end) => Some(&self.text[start as usize..end as usize]),
            CellSpan::Copied(start, end) => Some(&self.copies[start as usize..end as usize]),
        }
    }

    /// Pushes a cell that options want a closer look at, or its column.
    fn read_cell(
        &self,
        cell: CellSpan,
        index: usize,
        flattener: &mut Flattener,
        place: Place,
        bytes: &mut u32,
    ) -> Result<(), Halt> {
        if flattener.leaves_out(&self.columns, index) {
            return flattener.null_cell(&self.columns, index, place);
        }
        let cells = &self.options.cells;
        let text = self.text_of(cell);
        let Some(text) = text.filter(|text| cells.null_values.iter().all(|null| null != text))
        else {
            return flattener.null_cell(&self.columns, index, place);
        };
        if cells.json && matches!(text.trim_ascii_start().as_bytes().first(), Some(b'{' | b'[')) {
            let target = flattener.cell_place(&self.columns, index, place);
            if json::check(text.as_bytes()).is_ok() {
                return push_json(text, target, self.options.duplicate_keys, flattener, bytes);
            }
            flattener.note_broken_json(&target);
        }
        let (text, marks) = (Excerpt::whole(text), cells.marks());
        match marks.are_none() {
            true => flattener.cell(&self.columns, index, place, text, bytes),
            false => flattener.marked_cell(&self.columns, index, place, text, marks, bytes),
        }
    }

    /// Takes the cells from `at` on, which have no column.
    #[cold]
    fn extra(
        &mut self,
        at: usize,
        range: Range<usize>,
        flattener: &mut Flattener,
        place: Place,
        bytes: &mut u32,
    ) -> Result<(), Halt> {
        self.refuse_ragged(at, range.clone(), flattener)?;
        let text = &self.text.as_bytes()[range.clone()];
        let row = RawCells::of(text, 0, &self.dialect).skipped();
        if row.fault.is_some() || row.open_quote.is_some() {
            return Err(self.explain(range));
        }
        let mut extra = vec![b'['];
        let cells = RawCells::of(text, 0, &self.dialect).skip(self.columns.len());
        for (index, cell) in cells.enumerate() {
            if index > 0 {
                extra.push(b',');
            }
            match cell.start == cell.end && !cell.quoted {
                true => extra.extend_from_slice(b"null"),
                false => push_json_string(&cell.text(text, &self.dialect), &mut extra),
            }
        }
        extra.push(b']');
        flattener.extra_cells(place, &extra, bytes);
        Ok(())
    }

    /// Refuses a row with another number of cells, or counts it.
    #[cold]
    fn refuse_ragged(
        &self,
        at: usize,
        range: Range<usize>,
        flattener: &mut Flattener,
    ) -> Result<(), Halt> {
        if self.options.cells.ragged == Ragged::Pad {
            flattener.note_ragged();
            return Ok(());
        }
        let start = range.start;
        let found = RawCells::of(&self.text.as_bytes()[range], 0, &self.dialect).count();
        let width = self.columns.len();
        let cells = if width == 1 { "cell" } else { "cells" };
        let message = format!("expected {width} {cells}, found {found}");
        Err(Fault::new(FaultCode::CsvFieldCount, at - start, message).into())
    }
}

/// Pushes a cell that is JSON.
fn push_json(
    text: &str,
    target: CellPlace,
    policy: DuplicateKeys,
    flattener: &mut Flattener,
    bytes: &mut u32,
) -> Result<(), Halt> {
    let found = repair::duplicates(text, policy);
    if let Some(first) = found.first().filter(|_| policy == DuplicateKeys::Reject) {
        return Err(first.fault(0).into());
    }
    match target {
        CellPlace::At(place) => {
            let mut skips: Vec<usize> = found.iter().map(|duplicate| duplicate.byte).collect();
            skips.sort_unstable();
            json::cell(text, flattener, place, policy, &skips, bytes)
        }
        CellPlace::Whole(target) => {
            let kept = prune::kept(repair::without(text, &found), &target, flattener);
            if let Some(kept) = kept {
                flattener.json(target, &kept, bytes);
            }
            Ok(())
        }
    }
}

/// Where the delimiters and quotes of a chunk are, 64 bytes at a time.
#[derive(Clone, Copy)]
struct Marks {
    delimiter: u8,
    quote: u8,
    /// The bits are those of the block from here on.
    base: usize,
    delimiters: u64,
    quotes: u64,
    /// One past the last byte looked at; nothing was where it is 0.
    end: usize,
}

impl Marks {
    fn new(dialect: &Dialect) -> Self {
        let Dialect { delimiter, quote, .. } = *dialect;
        let quote = quote.unwrap_or(delimiter);
        Marks { delimiter, quote, base: 0, delimiters: 0, quotes: 0, end: 0 }
    }

    /// Returns the first of the marks that `bits` takes in `at..end`, or `end`; `at` never falls.
    #[inline(always)]
    fn next(
        &mut self,
        bytes: &[u8],
        mut at: usize,
        end: usize,
        bits: impl Fn(&Marks) -> u64,
    ) -> usize {
        loop {
            if at >= self.end {
                self.load(bytes, at);
            }
            let found = bits(self) & (u64::MAX << (at - self.base));
            if found != 0 {
                return end.min(self.base + found.trailing_zeros() as usize);
            }
            if self.end >= end {
                return end;
            }
            at = self.end;
        }
    }

    #[inline]
    fn load(&mut self, bytes: &[u8], at: usize) {
        self.base = at;
        self.end = at + BLOCK;
        let mut padded = [0; BLOCK];
        let block = match bytes.get(at..).and_then(<[u8]>::first_chunk::<BLOCK>) {
            Some(block) => block,
            None => {
                // No mark is a zero.
                let rest = bytes.get(at..).unwrap_or(&[]);
                padded[..rest.len()].copy_from_slice(rest);
                &padded
            }
        };
        self.delimiters = equal(block, self.delimiter);
        self.quotes = equal(block, self.quote);
    }
}
