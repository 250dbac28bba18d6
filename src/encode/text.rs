//! Row groups as lines of text: what CSV and JSON have in common.
//!
//! Rows are written as their row group fills, under the layout known by then. If that layout does
//! not write the same text as the final one, the rows are read back and written again.

use std::fs::File;
use std::io::{BufRead, BufReader, Seek, SeekFrom, Write};
use std::sync::Arc;

use super::residue::Residue;
use super::{Encoded, Place, RowGroup, TableWriter, Task};
use crate::decode::number;
use crate::error::{Error, ErrorKind};
use crate::schema::widen::ColumnType;
use crate::schema::{Layout, LayoutColumn};
use crate::sink::Staged;
use crate::table::scalar::{bool_text, float_text};
use crate::table::{Column, Number, Presence, Values};

/// A format of rows as text.
pub(super) trait TextFormat: Send + Sync + 'static {
    /// Returns what comes before the first row.
    fn header(&self, layout: &Layout) -> Vec<u8>;

    /// Appends one row.
    fn row(&self, row: &Row<'_>, is_first: bool, out: &mut Vec<u8>);

    /// Returns what follows the last row.
    fn footer(&self, rows: u64) -> &'static [u8];

    /// Returns whether rows written under one layout read the same under the other.
    fn is_same(&self, one: &Layout, other: &Layout) -> bool;

    /// Reads one row that this format wrote under `layout`; returns nothing at the end.
    fn read_row(
        &self,
        input: &mut dyn BufRead,
        layout: &Layout,
        into: &mut RowReader,
    ) -> std::io::Result<bool>;
}

/// One row on its way to text.
pub(super) struct Row<'a> {
    layout: &'a Layout,
    cells: &'a [Cursor<'a>],
    row: usize,
}

/// A cell of a row.
pub(super) struct Cell<'a> {
    /// The column.
    pub column: &'a LayoutColumn,
    cursor: &'a Cursor<'a>,
    values: &'a Values,
    index: usize,
}

struct Cursor<'a> {
    values: Option<&'a Values>,
    bits: Option<Vec<u64>>,
    /// Values before each 64 rows.
    ranks: Vec<u32>,
    rows: usize,
    /// In a column of lists: their elements.
    elements: Option<Box<Cursor<'a>>>,
}

impl<'a> Cursor<'a> {
    fn new(column: Option<&'a Column>, rows: usize) -> Self {
        let bits = column.and_then(|column| Presence::to_bits(column.presence(), rows));
        let mut ranks = Vec::new();
        let mut sum = 0;
        for word in bits.iter().flatten() {
            ranks.push(sum);
            sum += word.count_ones();
        }
        let values = column.map(Column::values);
        let elements = match values {
            Some(Values::List(lists)) => {
                let rows = lists.ends.last().copied().unwrap_or(0) as usize;
                Some(Box::new(Cursor::new(Some(&lists.elements), rows)))
            }
            _ => None,
        };
        Cursor { values, bits, ranks, rows, elements }
    }

    /// Returns the index of the row's value among the values that are there.
    fn value_index(&self, row: usize) -> Option<usize> {
        debug_assert!(row < self.rows);
        let Some(bits) = &self.bits else { return Some(row) };
        let (word, bit) = (row / 64, row % 64);
        let is_set = bits[word] >> bit & 1 == 1;
        let before = bits[word] & ((1 << bit) - 1);
        is_set.then(|| (self.ranks[word] + before.count_ones()) as usize)
    }
}

impl<'a> Row<'a> {
    /// Returns the name of the table.
    pub(super) fn table(&self) -> &'a str {
        &self.layout.table
    }

    /// Returns the cells in the order of the layout; nulls are nothing.
    pub(super) fn cells(&self) -> impl Iterator<Item = (&'a LayoutColumn, Option<Cell<'a>>)> {
        let row = self.row;
        self.layout.columns.iter().zip(self.cells).map(move |(column, cursor)| {
            let cell = cursor.values.and_then(|values| {
                let index = cursor.value_index(row)?;
                Some(Cell { column, cursor, values, index })
            });
            (column, cell)
        })
    }
}

impl Cell<'_> {
    /// Appends the value as text: what stands in a CSV cell, apart from quotes.
    pub(super) fn text(&self, out: &mut Vec<u8>) {
        match self.values {
            Values::List(_) => self.json(out),
            _ => scalar_text(self.values, self.index, out),
        }
    }

    /// Appends the value as JSON of the column's type.
    pub(super) fn json(&self, out: &mut Vec<u8>) {
        match (self.values, &self.column.column_type) {
            (Values::List(lists), ColumnType::List(element)) => {
                out.push(b'[');
                let range = lists.range(self.index);
                let start = range.start;
                for row in range {
                    if row > start {
                        out.push(b',');
                    }
                    let elements = self.cursor.elements.as_deref();
                    match elements.and_then(|at| at.value_index(row).zip(at.values)) {
                        Some((index, values)) => scalar_json(values, index, element, out),
                        None => out.extend_from_slice(b"null"),
                    }
                }
                out.push(b']');
            }
            (values, column_type) => scalar_json(values, self.index, column_type, out),
        }
    }
}

/// Appends a scalar as text, the same whatever type its column has.
fn scalar_text(values: &Values, index: usize, out: &mut Vec<u8>) {
    match values {
        Values::None | Values::List(_) => {}
        Values::Bool(values) => bool_text(values[index], out),
        Values::Int(values) => {
            out.extend_from_slice(itoa::Buffer::new().format(values[index]).as_bytes());
        }
        Values::Big(values) => {
            out.extend_from_slice(itoa::Buffer::new().format(values[index]).as_bytes());
        }
        Values::Float(floats) => {
            match floats.long.binary_search_by_key(&(index as u32), |(at, _)| *at) {
                Ok(at) => out.extend_from_slice(floats.long[at].1.as_bytes()),
                Err(_) => float_text(floats.values[index], out),
            }
        }
        Values::Instant(form, values) => form.print_to(values[index], out),
        Values::Text(texts) => out.extend_from_slice(texts.get(index)),
    }
}

fn scalar_json(values: &Values, index: usize, column_type: &ColumnType, out: &mut Vec<u8>) {
    if is_bare(column_type) {
        return scalar_text(values, index, out);
    }
    if let Values::Text(texts) = values {
        return push_quoted(texts.get(index), out);
    }
    // Numbers and booleans in a column that became text.
    out.push(b'"');
    scalar_text(values, index, out);
    out.push(b'"');
}

/// Returns whether values of this type stand in JSON without quotes.
pub(super) fn is_bare(column_type: &ColumnType) -> bool {
    match column_type {
        ColumnType::Bool
        | ColumnType::Int64
        | ColumnType::Decimal { .. }
        | ColumnType::Double
        | ColumnType::Json => true,
        ColumnType::Date | ColumnType::Timestamp { .. } | ColumnType::Text => false,
        ColumnType::List(element) => is_bare(element),
    }
}

fn push_quoted(text: &[u8], out: &mut Vec<u8>) {
    match std::str::from_utf8(text) {
        Ok(text) => crate::flatten::push_json_string(text, out),
        Err(_) => out.extend_from_slice(b"\"\""),
    }
}

/// Takes the cells of rows that are read back.
#[derive(Debug, Default)]
pub(super) struct RowReader {
    columns: Vec<Option<Column>>,
    rows: usize,
}

impl RowReader {
    /// Appends a cell of the current row as its column's type has it.
    pub(super) fn cell(&mut self, column: &LayoutColumn, text: &str) {
        if column.index >= self.columns.len() {
            self.columns.resize_with(column.index + 1, || None);
        }
        let values = self.columns[column.index].get_or_insert_default();
        match &column.column_type {
            ColumnType::List(element) => read_list(values, self.rows, element, text),
            column_type => read_scalar(values, self.rows, column_type, text),
        }
    }

    /// Ends the current row.
    pub(super) fn end_row(&mut self) {
        self.rows += 1;
    }
}

fn read_scalar(column: &mut Column, row: usize, column_type: &ColumnType, text: &str) {
    match column_type {
        ColumnType::Bool => column.push_bool(row, text == "true"),
        ColumnType::Double => column.push_number(row, number::parse_float(text), text),
        ColumnType::Int64 | ColumnType::Decimal { .. } => match number::parse(text) {
            Number::Float { .. } | Number::Far => column.push_number_text(row, text),
            whole => column.push_number(row, whole, text),
        },
        _ => column.push_text(row, text.as_bytes()),
    }
}

fn read_list(column: &mut Column, row: usize, element: &ColumnType, text: &str) {
    column.begin_list(row);
    let values: Vec<Option<&serde_json::value::RawValue>> =
        serde_json::from_str(text).unwrap_or_default();
    let lists = column.lists();
    let start = lists.ends.last().copied().unwrap_or(0) as usize;
    for (place, value) in values.iter().enumerate() {
        let Some(value) = value else { continue };
        match unquoted(value.get()) {
            Some(text) => read_scalar(&mut lists.elements, start + place, element, &text),
            None => read_scalar(&mut lists.elements, start + place, element, value.get()),
        }
    }
    column.end_list(values.len() as u32);
}

/// Returns the text of a JSON string.
pub(super) fn unquoted(json: &str) -> Option<String> {
    json.starts_with('"').then(|| serde_json::from_str(json).unwrap_or_default())
}

/// Rows that were written under one layout.
#[derive(Debug)]
struct Segment {
    layout: Layout,
    groups: Vec<usize>,
}

/// Writes one table as text.
pub(super) struct TextWriter<F> {
    format: Arc<F>,
    staged: Staged,
    segments: Vec<Segment>,
    header: Vec<u8>,
    residue: Residue,
    /// Rows planned so far.
    rows: u64,
    planned_count: usize,
    appended_rows: u64,
}

/// Bytes read at once when rows are read back.
const READ_BYTES: usize = 1 << 18;

/// Rows written at once when rows are written again.
const REWRITE_ROWS: usize = 1 << 12;

impl<F: TextFormat> TextWriter<F> {
    pub(super) fn open(staged: Staged, format: F) -> Self {
        TextWriter {
            format: Arc::new(format),
            staged,
            segments: Vec::new(),
            header: Vec::new(),
            residue: Residue::default(),
            rows: 0,
            planned_count: 0,
            appended_rows: 0,
        }
    }

    fn write(&self, file: &mut File, bytes: &[u8]) -> Result<(), Error> {
        file.write_all(bytes).map_err(|cause| self.staged.error("writing", cause))
    }

    /// Writes all rows again under the final layout.
    fn rewrite(&mut self, layout: &Layout) -> Result<(), Error> {
        let scratch = self.staged.scratch()?;
        let mut out = scratch.append()?;
        let failed = |cause| scratch.error("writing", cause);
        out.write_all(&self.format.header(layout)).map_err(failed)?;
        let mut input = self.staged.read()?;
        input
            .seek(SeekFrom::Start(self.header.len() as u64))
            .map_err(|cause| self.staged.error("reading", cause))?;
        let mut input = BufReader::with_capacity(READ_BYTES, input);
        let (mut group, mut is_first, mut text) = (0, true, Vec::new());
        for segment in &self.segments {
            for &group_rows in &segment.groups {
                let mut left = group_rows;
                let mut kept = Vec::new();
                for column in &layout.columns {
                    let is_written =
                        segment.layout.columns.iter().any(|known| known.index == column.index);
                    if !is_written && let Some(values) = self.residue.get(group, column.index)? {
                        kept.push((column.index, values));
                    }
                }
                while left > 0 {
                    let rows = left.min(REWRITE_ROWS);
                    let mut columns = self.read_rows(&mut input, &segment.layout, rows)?;
                    for (index, values) in &mut kept {
                        let rest = values.split_off(rows);
                        if *index >= columns.len() {
                            columns.resize_with(*index + 1, || None);
                        }
                        columns[*index] = Some(std::mem::replace(values, rest));
                    }
                    text.clear();
                    write_rows(&*self.format, rows, &columns, layout, is_first, &mut text);
                    out.write_all(&text).map_err(failed)?;
                    is_first = false;
                    left -= rows;
                }
                group += 1;
            }
        }
        out.flush().map_err(failed)?;
        self.staged.replace_with(scratch)
    }

    fn read_rows(
        &self,
        input: &mut dyn BufRead,
        layout: &Layout,
        rows: usize,
    ) -> Result<Vec<Option<Column>>, Error> {
        let mut reader = RowReader::default();
        for _ in 0..rows {
            let found = self.format.read_row(input, layout, &mut reader);
            if !found.map_err(|cause| self.staged.error("reading", cause))? {
                let message = "rows that were written cannot be read back";
                return Err(Error::new(ErrorKind::Internal, message));
            }
        }
        Ok(reader.columns)
    }
}

/// Appends rows as text.
fn write_rows<F: TextFormat>(
    format: &F,
    rows: usize,
    columns: &[Option<Column>],
    layout: &Layout,
    is_first: bool,
    out: &mut Vec<u8>,
) {
    let column = |index: usize| columns.get(index).and_then(Option::as_ref);
    let cells: Vec<Cursor<'_>> =
        layout.columns.iter().map(|at| Cursor::new(column(at.index), rows)).collect();
    for row in 0..rows {
        format.row(&Row { layout, cells: &cells, row }, is_first && row == 0, out);
    }
}

impl<F: TextFormat> TableWriter for TextWriter<F> {
    fn plan(
        &mut self,
        mut group: RowGroup,
        layout: &Layout,
        _place: Place,
    ) -> Result<Vec<Task>, Error> {
        for index in group.indexes() {
            if !layout.columns.iter().any(|column| column.index == index)
                && let Some(column) = Column::join(group.take_column(index))
            {
                self.residue.put(self.planned_count, index, &column, &self.staged)?;
            }
        }
        self.planned_count += 1;
        match self.segments.last_mut() {
            Some(last) if last.layout == *layout => last.groups.push(group.rows),
            _ => self.segments.push(Segment { layout: layout.clone(), groups: vec![group.rows] }),
        }
        let layout = Arc::new(layout.clone());
        let mut tasks: Vec<Task> = Vec::new();
        for (rows, columns) in group.into_pieces() {
            let (format, layout) = (Arc::clone(&self.format), Arc::clone(&layout));
            let is_first = self.rows == 0;
            self.rows += rows as u64;
            tasks.push(Box::new(move || {
                let mut out = Vec::new();
                write_rows(&*format, rows, &columns, &layout, is_first, &mut out);
                Ok(Encoded::Rows(out))
            }));
        }
        Ok(tasks)
    }

    fn append(&mut self, encoded: Vec<Encoded>) -> Result<(), Error> {
        let mut file = self.staged.append()?;
        if self.appended_rows == 0
            && let Some(first) = self.segments.first()
        {
            self.header = self.format.header(&first.layout);
            self.write(&mut file, &self.header)?;
        }
        for encoded in encoded {
            let Encoded::Rows(text) = encoded else {
                return Err(Error::new(ErrorKind::Internal, "text was handed other data"));
            };
            self.appended_rows += 1;
            self.write(&mut file, &text)?;
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>, layout: &Layout) -> Result<Staged, Error> {
        let header = self.format.header(layout);
        if self.segments.is_empty() {
            let mut file = self.staged.append()?;
            self.write(&mut file, &header)?;
        } else if header != self.header
            || layout.columns.iter().any(|column| self.residue.holds(column.index))
            || self.segments.iter().any(|segment| !self.format.is_same(&segment.layout, layout))
        {
            self.rewrite(layout)?;
        }
        let mut file = self.staged.append()?;
        self.write(&mut file, self.format.footer(self.rows))?;
        Ok(self.staged)
    }
}
