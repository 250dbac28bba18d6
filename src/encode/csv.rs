//! Rows as CSV: RFC 4180 with LF, or tabs.
//!
//! A null is an empty cell, an empty string a quoted one.

use std::io::{self, BufRead};

use super::TableWriter;
use super::text::{Row, RowReader, TextFormat, TextWriter};
use crate::schema::widen::ColumnType;
use crate::schema::{Layout, LayoutColumn};
use crate::sink::Staged;

/// How CSV is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CsvOptions {
    /// Between cells.
    pub delimiter: u8,
    /// Start with a byte order mark, for spreadsheets.
    pub bom: bool,
    /// Put `'` before text that a spreadsheet would run as a formula.
    pub formula_guard: bool,
}

impl Default for CsvOptions {
    fn default() -> Self {
        CsvOptions { delimiter: b',', bom: false, formula_guard: false }
    }
}

/// Starts a CSV file.
pub fn open(staged: Staged, options: CsvOptions) -> Box<dyn TableWriter> {
    Box::new(TextWriter::open(staged, Csv { options }))
}

struct Csv {
    options: CsvOptions,
}

const BOM: &[u8] = "\u{feff}".as_bytes();

impl Csv {
    /// Appends a cell with quotes where it needs them.
    fn push_cell(&self, text: &[u8], out: &mut Vec<u8>) {
        let special =
            |&byte: &u8| byte == self.options.delimiter || matches!(byte, b'"' | b'\n' | b'\r');
        let padded = |byte: Option<&u8>| byte.is_some_and(|byte| matches!(byte, b' ' | b'\t'));
        let quoted = text.is_empty()
            || padded(text.first())
            || padded(text.last())
            || text.starts_with(BOM)
            || text.iter().any(special);
        if !quoted {
            return out.extend_from_slice(text);
        }
        out.push(b'"');
        for part in text.split_inclusive(|&byte| byte == b'"') {
            out.extend_from_slice(part);
            if part.ends_with(b"\"") {
                out.push(b'"');
            }
        }
        out.push(b'"');
    }

    /// Returns whether a spreadsheet would take text that starts so for a formula.
    fn is_formula(text: &[u8]) -> bool {
        matches!(text.first(), Some(b'=' | b'+' | b'-' | b'@' | b'\t' | b'\r' | 0))
    }
}

impl TextFormat for Csv {
    fn header(&self, layout: &Layout) -> Vec<u8> {
        let mut out = if self.options.bom { BOM.to_vec() } else { Vec::new() };
        for (place, column) in layout.columns.iter().enumerate() {
            if place > 0 {
                out.push(self.options.delimiter);
            }
            self.push_cell(column.name.as_bytes(), &mut out);
        }
        out.push(b'\n');
        out
    }

    fn row(&self, row: &Row<'_>, _is_first: bool, out: &mut Vec<u8>) {
        let mut text = Vec::new();
        for (place, (column, cell)) in row.cells().enumerate() {
            if place > 0 {
                out.push(self.options.delimiter);
            }
            let Some(cell) = cell else { continue };
            text.clear();
            let is_text = matches!(column.column_type, ColumnType::Text);
            cell.text(&mut text);
            if self.options.formula_guard && is_text && Self::is_formula(&text) {
                text.insert(0, b'\'');
            }
            self.push_cell(&text, out);
        }
        out.push(b'\n');
    }

    fn footer(&self, _rows: u64) -> &'static [u8] {
        b""
    }

    /// Cells depend on values alone, but for lists, whose elements are quoted by their type.
    fn is_same(&self, one: &Layout, other: &Layout) -> bool {
        let class = |column: &LayoutColumn| match &column.column_type {
            ColumnType::List(element) => Some(super::text::is_bare(element)),
            ColumnType::Text => Some(true),
            _ => None,
        };
        let guards = |column: &LayoutColumn| match self.options.formula_guard {
            true => class(column),
            false => match &column.column_type {
                ColumnType::List(_) => class(column),
                _ => None,
            },
        };
        one.columns.len() == other.columns.len()
            && one
                .columns
                .iter()
                .zip(&other.columns)
                .all(|(one, other)| one.index == other.index && guards(one) == guards(other))
    }

    fn read_row(
        &self,
        input: &mut dyn BufRead,
        layout: &Layout,
        into: &mut RowReader,
    ) -> io::Result<bool> {
        let mut line = Vec::new();
        if input.read_until(b'\n', &mut line)? == 0 {
            return Ok(false);
        }
        // A line end inside quotes leaves an odd number of them.
        while line.iter().filter(|&&byte| byte == b'"').count() % 2 == 1 {
            if input.read_until(b'\n', &mut line)? == 0 {
                return Ok(false);
            }
        }
        line.pop();
        let mut rest = line.as_slice();
        for column in &layout.columns {
            let (cell, after) = self.split_cell(rest);
            rest = after;
            if let Some(cell) = cell {
                let text = String::from_utf8(cell).map_err(io::Error::other)?;
                let guarded = self.options.formula_guard
                    && matches!(column.column_type, ColumnType::Text)
                    && text.starts_with('\'')
                    && Self::is_formula(&text.as_bytes()[1..]);
                into.cell(column, if guarded { &text[1..] } else { &text });
            }
        }
        into.end_row();
        Ok(true)
    }
}

impl Csv {
    /// Splits the first cell off a line; an empty one is null.
    fn split_cell<'a>(&self, line: &'a [u8]) -> (Option<Vec<u8>>, &'a [u8]) {
        if line.first() != Some(&b'"') {
            let end = line.iter().position(|&byte| byte == self.options.delimiter);
            let cell = &line[..end.unwrap_or(line.len())];
            let rest = end.map_or(&line[line.len()..], |end| &line[end + 1..]);
            return ((!cell.is_empty()).then(|| cell.to_vec()), rest);
        }
        let (mut cell, mut at) = (Vec::new(), 1);
        while at < line.len() {
            if line[at] == b'"' {
                if line.get(at + 1) != Some(&b'"') {
                    break;
                }
                at += 1;
            }
            cell.push(line[at]);
            at += 1;
        }
        (Some(cell), line.get(at + 2..).unwrap_or(&[]))
    }
}
