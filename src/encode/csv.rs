//! Rows as CSV: RFC 4180 with LF, or tabs.
//!
//! A null is an empty cell, an empty string a quoted one.

use std::borrow::Cow;
use std::ops::Range;

use super::TableWriter;
use super::buffer::{Buffer, Spare};
use super::cells::lanes::Around;
use super::cells::{Cursor, JSON_SPECIAL, Special, is_bare};
use super::live::{LiveRows, LiveWriter};
use super::text::{RowFormat, RowReader, TextFormat, TextWriter};
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
pub(super) fn open(staged: Staged, options: CsvOptions, spare: Spare) -> Box<dyn TableWriter> {
    Box::new(TextWriter::open(staged, Csv { options }, spare))
}

/// Starts CSV that goes out while the run goes on.
pub(super) fn open_live(
    staged: Staged,
    options: CsvOptions,
    rows: LiveRows,
    spare: Spare,
) -> Box<dyn TableWriter> {
    Box::new(LiveWriter::open(staged, Csv { options }, rows, spare))
}

pub(super) struct Csv {
    pub(super) options: CsvOptions,
}

/// CSV rows of one layout.
pub(super) struct CsvRows {
    options: CsvOptions,
    width: usize,
    special: Special,
    /// Numbers and booleans may need quotes, too.
    is_odd: bool,
}

const BOM: &[u8] = "\u{feff}".as_bytes();

impl CsvOptions {
    /// Appends a cell with quotes where it needs them.
    fn push_cell(&self, text: &[u8], out: &mut Buffer) {
        let special = |&byte: &u8| byte == self.delimiter || matches!(byte, b'"' | b'\n' | b'\r');
        let padded = |byte: Option<&u8>| byte.is_some_and(|byte| matches!(byte, b' ' | b'\t'));
        let quoted = text.is_empty()
            || padded(text.first())
            || padded(text.last())
            || text.starts_with(BOM)
            || text.iter().any(special);
        if !quoted {
            return out.push_all(text);
        }
        out.push(b'"');
        let mut start = 0;
        for quote in memchr::memchr_iter(b'"', text) {
            // Up to the quote, and from it on again.
            out.push_part(text, start, quote + 1);
            start = quote;
        }
        out.push_part(text, start, text.len());
        out.push(b'"');
    }

    /// Appends a cell, guarded if that is wanted.
    fn push_guarded(&self, text: &[u8], is_guarded: bool, out: &mut Buffer) {
        if is_guarded && is_formula(text) {
            return self.push_cell(&[b"'", text].concat(), out);
        }
        self.push_cell(text, out);
    }
}

/// Returns whether a spreadsheet would take text that starts so for a formula.
fn is_formula(text: &[u8]) -> bool {
    matches!(text.first(), Some(b'=' | b'+' | b'-' | b'@' | b'\t' | b'\r' | 0))
}

impl CsvRows {
    /// Returns whether cells of a column are guarded against being run as formulas.
    fn is_guarded(&self, cursor: &Cursor<'_>) -> bool {
        self.options.formula_guard && matches!(cursor.column.column_type, ColumnType::Text)
    }
}

impl RowFormat for CsvRows {
    fn special(&self) -> &Special {
        &self.special
    }

    fn row_bytes(&self) -> usize {
        self.width + 1
    }

    fn cell_bytes(&self, _place: usize) -> usize {
        0
    }

    fn begin(&self, _is_first: bool, out: &mut Buffer) -> usize {
        out.len()
    }

    fn gap(&self, places: Range<usize>, out: &mut Buffer) {
        out.push_run(self.options.delimiter, places.len());
    }

    #[inline(always)]
    fn cell(&self, cursor: &mut Cursor<'_>, scratch: &mut Buffer, out: &mut Buffer) {
        match cursor.next_span(&self.special) {
            Some(span) if !span.is_special && self.is_plain(span.text()) => {
                out.push_part(span.bytes, span.start, span.end);
            }
            Some(span) => {
                let text = span.text();
                self.options.push_guarded(text, self.is_guarded(cursor), out);
            }
            None if !cursor.is_list() && !self.is_odd && !self.is_guarded(cursor) => {
                cursor.write_text(&JSON_SPECIAL, out);
            }
            None => {
                scratch.clear();
                cursor.write_text(&JSON_SPECIAL, scratch);
                self.options.push_guarded(scratch.as_bytes(), self.is_guarded(cursor), out);
            }
        }
        out.push(self.options.delimiter);
    }

    /// Every cell came with a delimiter behind it.
    fn end(&self, start: usize, out: &mut Buffer) {
        match out.len() - start {
            0 => out.push(b'\n'),
            len => out.set(start + len - 1, b'\n'),
        }
    }

    fn around(&self, cursor: &Cursor<'_>) -> Around<'_> {
        Around {
            before: &[],
            behind: Some(self.options.delimiter),
            numbers_stand: !self.is_odd && !self.is_guarded(cursor),
            text_stands: false,
        }
    }

    /// What its first and last bytes tell.
    #[inline]
    fn is_plain(&self, text: &[u8]) -> bool {
        let (Some(&first), Some(&last)) = (text.first(), text.last()) else { return false };
        let is_safe = !self.options.formula_guard || first.is_ascii_alphanumeric();
        is_safe && first > b' ' && last > b' ' && first != BOM[0]
    }
}

impl TextFormat for Csv {
    type Rows = CsvRows;

    fn rows(&self, layout: &Layout) -> CsvRows {
        let delimiter = self.options.delimiter;
        CsvRows {
            options: self.options,
            width: layout.columns.len(),
            special: Special::new([delimiter, b'"', b'\n', b'\r'], 0),
            is_odd: delimiter.is_ascii_alphanumeric()
                || matches!(delimiter, b'.' | b'-' | b'+' | b':' | b' '),
        }
    }

    fn header(&self, layout: &Layout) -> Vec<u8> {
        let mut out = Buffer::with_room(0);
        if self.options.bom {
            out.push_all(BOM);
        }
        for (place, column) in layout.columns.iter().enumerate() {
            if place > 0 {
                out.push(self.options.delimiter);
            }
            self.options.push_cell(column.name.as_bytes(), &mut out);
        }
        out.push(b'\n');
        out.into_bytes()
    }

    fn footer(&self, _rows: u64) -> &'static [u8] {
        b""
    }

    /// Cells depend on values alone, but for lists, whose elements are quoted by their type.
    fn is_same(&self, one: &Layout, other: &Layout) -> bool {
        let class = |column: &LayoutColumn| match &column.column_type {
            ColumnType::List(element) => Some(is_bare(element)),
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

    fn read_row<'t>(
        &self,
        text: &'t str,
        layout: &Layout,
        into: &mut RowReader,
    ) -> Option<&'t str> {
        let mut rest = text;
        if layout.columns.is_empty() {
            rest = rest.strip_prefix('\n')?;
        }
        for column in &layout.columns {
            let (cell, behind) = self.split_cell(rest)?;
            rest = behind;
            if let Some(cell) = cell {
                let guarded = self.options.formula_guard
                    && matches!(column.column_type, ColumnType::Text)
                    && cell.starts_with('\'')
                    && is_formula(&cell.as_bytes()[1..]);
                into.cell(column, if guarded { &cell[1..] } else { &cell });
            }
        }
        into.end_row();
        Some(rest)
    }
}

impl Csv {
    /// Splits the first cell off, an empty one being null, and what ends it.
    fn split_cell<'t>(&self, text: &'t str) -> Option<(Option<Cow<'t, str>>, &'t str)> {
        let Some(quoted) = text.strip_prefix('"') else {
            let end = memchr::memchr2(self.options.delimiter, b'\n', text.as_bytes())?;
            let (cell, rest) = (text.get(..end)?, text.get(end + 1..)?);
            return Some(((!cell.is_empty()).then_some(Cow::Borrowed(cell)), rest));
        };
        let (bytes, mut end) = (quoted.as_bytes(), 0);
        let mut has_quotes = false;
        loop {
            end += memchr::memchr(b'"', bytes.get(end..)?)?;
            if bytes.get(end + 1) != Some(&b'"') {
                break;
            }
            has_quotes = true;
            end += 2;
        }
        let cell = match has_quotes {
            true => Cow::Owned(quoted[..end].replace("\"\"", "\"")),
            false => Cow::Borrowed(&quoted[..end]),
        };
        Some((Some(cell), quoted.get(end + 2..)?))
    }
}
