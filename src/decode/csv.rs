//! Rows of CSV → cells, straight into their columns.

use std::borrow::Cow;

use wide::u8x16;

use super::json::{self, DecodeOptions, DuplicateKeys};
use super::repair;
use crate::error::{Fault, FaultCode};
use crate::flatten::{CellPlace, Flattener, Halt, Place, RowColumns, push_json_string};
use crate::frame::dialect::Dialect;
use crate::frame::rows::{find_quote, read_row};
use crate::frame::{Chunk, RowHead};
use crate::table::Excerpt;

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
        self.null_values.is_empty() && !self.json && !self.decimal_comma && self.thousands.is_none()
    }
}

/// Decodes every row of a chunk into `flattener`; returns the first row at fault.
pub(super) fn rows(
    chunk: &Chunk,
    text: &str,
    head: &RowHead,
    flattener: &mut Flattener,
    options: &DecodeOptions,
) -> Result<(), (usize, Halt)> {
    let columns = flattener.row_columns(&head.names).map_err(|halt| (0, halt))?;
    let mut decoder = Decoder {
        text,
        dialect: head.dialect,
        columns,
        options,
        is_plain: options.cells.is_plain(),
        marks: Marks::new(head.dialect.delimiter),
        unquoted: String::new(),
    };
    for (index, span) in chunk.records.iter().enumerate() {
        let place = (chunk.input_index as u32, chunk.first_byte + u64::from(span.start));
        let place = flattener.begin_record(index as u32, place);
        let range = span.range();
        decoder
            .row(range.start, range.end, flattener, place)
            .and_then(|bytes| flattener.end_record(bytes))
            .map_err(|halt| (index, halt))?;
    }
    Ok(())
}

/// Decodes the rows of one chunk.
struct Decoder<'a> {
    text: &'a str,
    dialect: Dialect,
    columns: RowColumns,
    options: &'a DecodeOptions,
    /// Cells are taken as they stand.
    is_plain: bool,
    marks: Marks,
    /// Text of the last cell that held a doubled quote or an escape.
    unquoted: String,
}

/// A cell in the text of the chunk, or in the decoder's buffer.
#[derive(Clone, Copy)]
struct Found {
    start: usize,
    end: usize,
    /// One past the cell, quotes included.
    next: usize,
    is_quoted: bool,
    is_copied: bool,
}

impl Decoder<'_> {
    /// Decodes the row at `start..end`; returns the bytes that it holds.
    fn row(
        &mut self,
        start: usize,
        end: usize,
        flattener: &mut Flattener,
        place: Place,
    ) -> Result<u32, Halt> {
        let width = self.columns.len();
        let (mut at, mut index, mut bytes) = (start, 0, 0);
        loop {
            if index == width {
                self.extra(at, start, end, flattener, place, &mut bytes)?;
                break;
            }
            let Some(cell) = self.find_cell(at, end) else {
                return Err(self.explain(at, start, end));
            };
            if cell.start == cell.end && !cell.is_quoted {
                flattener.null_cell(&self.columns, index, place);
            } else if self.is_plain {
                let text = match cell.is_copied {
                    true => Excerpt::whole(&self.unquoted),
                    false => Excerpt::new(self.text, cell.start, cell.end),
                };
                flattener.cell(&self.columns, index, place, text, &mut bytes)?;
            } else {
                self.odd_cell(cell, index, flattener, place, &mut bytes)
                    .map_err(|halt| at_byte(halt, cell.start - start))?;
            }
            index += 1;
            if cell.next == end {
                break;
            }
            at = cell.next + 1;
        }
        if index < width {
            self.refuse_ragged(end, start, end, flattener)?;
            (index..width).for_each(|index| flattener.null_cell(&self.columns, index, place));
        }
        Ok(bytes)
    }

    /// Finds the cell that starts at `at`; nothing where its quotes are wrong.
    #[inline(always)]
    fn find_cell(&mut self, at: usize, end: usize) -> Option<Found> {
        let bytes = self.text.as_bytes();
        if at < end && self.dialect.quote == Some(bytes[at]) {
            return self.find_quoted(at, end);
        }
        let next = self.marks.next(bytes, at, end);
        Some(Found { start: at, end: next, next, is_quoted: false, is_copied: false })
    }

    /// Finds the cell whose opening quote stands at `at`.
    #[inline]
    fn find_quoted(&mut self, at: usize, end: usize) -> Option<Found> {
        let bytes = self.text.as_bytes();
        let Dialect { delimiter, quote, escape, .. } = self.dialect;
        let start = at + 1;
        let close = find_quote(bytes, start, quote?, escape)?;
        let next = close + 1;
        let is_whole = next == end || (next < end && bytes[next] == delimiter);
        if is_whole && Some(bytes[close]) == quote {
            return Some(Found { start, end: close, next, is_quoted: true, is_copied: false });
        }
        self.find_doubled(start, end)
    }

    /// Finds the end of a cell whose content starts at `start` and holds quotes or escapes.
    #[inline(never)]
    fn find_doubled(&mut self, start: usize, end: usize) -> Option<Found> {
        let close = self.closing_quote(start, end)?;
        let next = close + 1;
        if next < end && self.text.as_bytes()[next] != self.dialect.delimiter {
            return None;
        }
        self.copy_unquoted(start, close, self.dialect.quote?);
        Some(Found { start, end: close, next, is_quoted: true, is_copied: true })
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

    /// Says what is wrong with the quotes of the cell that starts at `at`.
    #[cold]
    fn explain(&self, at: usize, start: usize, end: usize) -> Halt {
        let (place, message) = match self.closing_quote(at + 1, end) {
            None => (at, "expected a closing quote, found the end of the input".to_owned()),
            Some(close) => {
                let found = self.text[close + 1..].chars().next().unwrap_or('\u{fffd}');
                let delimiter = self.dialect.delimiter.escape_ascii();
                let what = format!("`{delimiter}` or a line end behind a closing quote");
                (close + 1, format!("expected {what}, found `{found}`"))
            }
        };
        Fault::new(FaultCode::CsvQuote, place - start, message).into()
    }

    /// Copies the content of a cell without what stands before quotes.
    fn copy_unquoted(&mut self, mut start: usize, end: usize, quote: u8) {
        let bytes = &self.text.as_bytes()[..end];
        let escape = self.dialect.escape;
        self.unquoted.clear();
        let mut from = start;
        while let Some(at) = find_quote(bytes, from, quote, escape) {
            let follows = bytes.get(at + 1).copied();
            // An escape before anything but a quote or an escape is just text.
            let is_dropped = follows == Some(quote) || (follows.is_some() && follows == escape);
            if is_dropped {
                self.unquoted.push_str(&self.text[start..at]);
                start = at + 1;
                from = at + 2;
            } else {
                from = at + 1;
            }
        }
        self.unquoted.push_str(&self.text[start..end]);
    }

    /// Pushes a cell that options want a closer look at.
    fn odd_cell(
        &mut self,
        cell: Found,
        index: usize,
        flattener: &mut Flattener,
        place: Place,
        bytes: &mut u32,
    ) -> Result<(), Halt> {
        let cells = &self.options.cells;
        let text = match cell.is_copied {
            true => self.unquoted.as_str(),
            false => &self.text[cell.start..cell.end],
        };
        if cells.null_values.iter().any(|null| null == text) {
            flattener.null_cell(&self.columns, index, place);
            return Ok(());
        }
        if cells.json && matches!(text.trim_ascii_start().as_bytes().first(), Some(b'{' | b'[')) {
            let target = flattener.cell_place(&self.columns, index, place);
            if json::check(text.as_bytes()).is_ok() {
                return push_json(text, target, self.options.duplicate_keys, flattener, bytes);
            }
            flattener.note_broken_json(&target);
        }
        let text = cells.with_point(text);
        flattener.cell(&self.columns, index, place, Excerpt::whole(&text), bytes)
    }

    /// Takes the cells from `at` on, which have no column.
    #[cold]
    fn extra(
        &mut self,
        at: usize,
        start: usize,
        end: usize,
        flattener: &mut Flattener,
        place: Place,
        bytes: &mut u32,
    ) -> Result<(), Halt> {
        // Some programs end each row with a delimiter.
        if at == end {
            return Ok(());
        }
        self.refuse_ragged(at, start, end, flattener)?;
        let mut extra = vec![b'['];
        let mut at = at;
        loop {
            let Some(cell) = self.find_cell(at, end) else {
                return Err(self.explain(at, start, end));
            };
            let text = match cell.is_copied {
                true => self.unquoted.as_str(),
                false => &self.text[cell.start..cell.end],
            };
            match text.is_empty() && !cell.is_quoted {
                true => extra.extend_from_slice(b"null"),
                false => push_json_string(text, &mut extra),
            }
            if cell.next == end {
                break;
            }
            extra.push(b',');
            at = cell.next + 1;
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
        start: usize,
        end: usize,
        flattener: &mut Flattener,
    ) -> Result<(), Halt> {
        if self.options.cells.ragged == Ragged::Pad {
            flattener.note_ragged();
            return Ok(());
        }
        let row = &self.text.as_bytes()[start..end];
        let found = read_row(row, 0, &self.dialect).cells.len();
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
            flattener.json(target, &repair::without(text, &found), bytes);
            Ok(())
        }
    }
}

impl CellOptions {
    /// Writes a number as it is written elsewhere, if it has the marks that the user named.
    fn with_point<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if !self.decimal_comma && self.thousands.is_none() {
            return Cow::Borrowed(text);
        }
        let mark = if self.decimal_comma { ',' } else { '.' };
        let unsigned = text.strip_prefix('-').unwrap_or(text);
        let (whole, fraction) = match unsigned.split_once(mark) {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (unsigned, None),
        };
        let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let is_number = match self.thousands.map(char::from) {
            Some(thousands) if whole.contains(thousands) => {
                let mut groups = whole.split(thousands);
                groups.next().is_some_and(|first| first.len() <= 3 && is_digits(first))
                    && groups.all(|group| group.len() == 3 && is_digits(group))
            }
            _ => is_digits(whole),
        };
        if !is_number || !fraction.is_none_or(is_digits) {
            return Cow::Borrowed(text);
        }
        let mut number = String::with_capacity(text.len());
        number.push_str(&text[..text.len() - unsigned.len()]);
        number.extend(whole.chars().filter(char::is_ascii_digit));
        if let Some(fraction) = fraction {
            number.push('.');
            number.push_str(fraction);
        }
        Cow::Owned(number)
    }
}

/// Where the delimiters of a chunk are, 64 bytes at a time.
struct Marks {
    delimiter: u8,
    /// The bits are those of the block from here on.
    base: usize,
    bits: u64,
    /// One past the last byte looked at; nothing was where it is 0.
    end: usize,
}

/// Bytes looked at together.
const BLOCK: usize = 64;

impl Marks {
    fn new(delimiter: u8) -> Self {
        Marks { delimiter, base: 0, bits: 0, end: 0 }
    }

    /// Returns the first delimiter in `at..end`, or `end`; `at` never falls.
    #[inline(always)]
    fn next(&mut self, bytes: &[u8], mut at: usize, end: usize) -> usize {
        loop {
            if at >= self.end {
                self.load(bytes, at);
            }
            let bits = self.bits & (u64::MAX << (at - self.base));
            if bits != 0 {
                return end.min(self.base + bits.trailing_zeros() as usize);
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
        self.bits = match bytes.get(at..).and_then(<[u8]>::first_chunk::<BLOCK>) {
            Some(block) => equal(block, self.delimiter),
            None => {
                // No delimiter is a zero.
                let mut block = [0; BLOCK];
                let rest = bytes.get(at..).unwrap_or(&[]);
                block[..rest.len()].copy_from_slice(rest);
                equal(&block, self.delimiter)
            }
        };
    }
}

/// Returns a bit for each byte of `block` that is `byte`.
#[inline]
fn equal(block: &[u8; BLOCK], byte: u8) -> u64 {
    let (lanes, _) = block.as_chunks::<16>();
    let wanted = u8x16::splat(byte);
    let mask = |lane: usize| u64::from(u8x16::new(lanes[lane]).simd_eq(wanted).to_bitmask());
    mask(0) | mask(1) << 16 | mask(2) << 32 | mask(3) << 48
}

/// Says of a fault in a value where in the row that stands.
fn at_byte(halt: Halt, byte: usize) -> Halt {
    match halt {
        Halt::Fault(mut fault) => {
            fault.byte = byte;
            Halt::Fault(fault)
        }
        other => other,
    }
}
