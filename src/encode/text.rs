//! Row groups as lines of text: what CSV and JSON have in common.
//!
//! Rows are written as their row group fills, under the layout known by then. If that layout does
//! not write the same text as the final one, the rows are read back and written again.

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Seek, SeekFrom, Write};
use std::ops::Range;
use std::sync::Arc;

use super::buffer::Buffer;
use super::cells::{Cells, Cursor, Special};
use super::residue::Residue;
use super::{Encoded, Place, RowGroup, TableWriter, Task};
use crate::decode::number;
use crate::error::{Error, ErrorKind};
use crate::schema::widen::ColumnType;
use crate::schema::{Layout, LayoutColumn};
use crate::sink::{AppendFile, Staged};
use crate::table::{Column, Number};

/// A format of rows as text.
pub(super) trait TextFormat: Send + Sync + 'static {
    /// What is prepared once for the rows of one layout.
    type Rows: RowFormat;

    /// Prepares for rows under `layout`.
    fn rows(&self, layout: &Layout) -> Self::Rows;

    /// Returns what comes before the first row.
    fn header(&self, layout: &Layout) -> Vec<u8>;

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

/// Spells rows of one layout: what is there for each cell, and for cells in a row without a value.
pub(super) trait RowFormat: Send + Sync + 'static {
    /// Returns the bytes that do not stand in a string as they are.
    fn special(&self) -> &Special;

    /// Returns how many bytes a row is at most, apart from its values and their share.
    fn row_bytes(&self) -> usize;

    /// Returns how many bytes a value costs at a place, apart from its text.
    fn cell_bytes(&self, place: usize) -> usize;

    /// Starts a row; returns where its cells start.
    fn begin(&self, is_first: bool, out: &mut Buffer) -> usize;

    /// Writes cells without a value.
    fn gap(&self, places: Range<usize>, out: &mut Buffer);

    /// Writes the next value of a column; `scratch` is empty, or full of what nobody needs.
    fn cell(&self, cursor: &mut Cursor<'_>, scratch: &mut Buffer, out: &mut Buffer);

    /// Ends a row whose cells started at `start`.
    fn end(&self, start: usize, out: &mut Buffer);
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
    format: F,
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
            format,
            staged,
            segments: Vec::new(),
            header: Vec::new(),
            residue: Residue::default(),
            rows: 0,
            planned_count: 0,
            appended_rows: 0,
        }
    }

    fn write(&self, file: &mut AppendFile, bytes: &[u8]) -> Result<(), Error> {
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
        let (mut group, mut is_first, mut text) = (0, true, Buffer::with_room(0));
        let format = self.format.rows(layout);
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
                    write_rows(&format, rows, &columns, layout, is_first, &mut text);
                    out.write_all(text.as_bytes()).map_err(failed)?;
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

/// A row on its way to text.
struct RowState<'o> {
    out: &'o mut Buffer,
    scratch: Buffer,
    /// Where the row's cells start.
    start: usize,
    /// The place of the next cell.
    place: usize,
}

/// Replaces `out` with rows as text.
pub(super) fn write_rows<R: RowFormat>(
    format: &R,
    rows: usize,
    columns: &[Option<Column>],
    layout: &Layout,
    is_first: bool,
    out: &mut Buffer,
) {
    let width = layout.columns.len();
    let plain = without_marks(columns, layout);
    let columns = plain.as_deref().unwrap_or(columns);
    let mut cells = Cells::new(rows, columns, layout, format.special());
    let bytes = cells.bytes(|place| format.cell_bytes(place)) + rows * format.row_bytes();
    out.clear();
    out.reserve(bytes);
    let mut state = RowState { out, scratch: Buffer::with_room(0), start: 0, place: 0 };
    cells.for_each(
        &mut state,
        |state, row| {
            state.start = format.begin(is_first && row == 0, state.out);
            state.place = 0;
        },
        |state, cursor| {
            if state.place < cursor.place {
                format.gap(state.place..cursor.place, state.out);
            }
            format.cell(cursor, &mut state.scratch, state.out);
            state.place = cursor.place + 1;
        },
        |state| {
            if state.place < width {
                format.gap(state.place..width, state.out);
            }
            format.end(state.start, state.out);
        },
    );
}

/// Returns the columns with numbers as they are written without marks, where they are written as
/// numbers; nothing where all are so already.
fn without_marks(columns: &[Option<Column>], layout: &Layout) -> Option<Vec<Option<Column>>> {
    let mut plain = None;
    for column in layout.columns.iter().filter(|column| !column.marks.are_none()) {
        let as_doubles = match column.column_type {
            ColumnType::Double => true,
            ColumnType::Int64 | ColumnType::Decimal { .. } => false,
            _ => continue,
        };
        if let Some(values) = columns.get(column.index).and_then(Option::as_ref)
            && let Some(values) = values.clone().with_marks(column.marks).without_marks(as_doubles)
        {
            plain.get_or_insert_with(|| columns.to_vec())[column.index] = Some(values);
        }
    }
    plain
}

/// Returns the layout under which rows wait for the end: numbers with marks as they stand, as a
/// later row may make their column text.
fn waiting(layout: &Layout) -> Layout {
    let mut layout = layout.clone();
    for column in layout.columns.iter_mut().filter(|column| !column.marks.are_none()) {
        column.column_type = ColumnType::Text;
    }
    layout
}

/// Returns whether rows have waited for a type that is another one in the end.
fn has_waited(waiting: &Layout, layout: &Layout) -> bool {
    waiting.columns.iter().filter(|column| !column.marks.are_none()).any(|waiting| {
        let known = layout.columns.iter().find(|column| column.index == waiting.index);
        known.is_some_and(|column| column.column_type != waiting.column_type)
    })
}

/// Spells rows, without what comes before and behind them.
pub(super) fn to_text<F: TextFormat>(format: &F, group: &RowGroup, layout: &Layout) -> Vec<u8> {
    let format = format.rows(layout);
    let (mut text, mut out) = (Vec::new(), Buffer::with_room(0));
    for (rows, columns) in group.pieces() {
        write_rows(&format, rows, &columns, layout, text.is_empty(), &mut out);
        text.extend_from_slice(out.as_bytes());
    }
    text
}

impl<F: TextFormat> TableWriter for TextWriter<F> {
    fn plan(
        &mut self,
        mut group: RowGroup,
        layout: &Layout,
        place: Place,
    ) -> Result<Vec<Task>, Error> {
        let layout = &match place {
            Place::Last => layout.clone(),
            Place::Inner => waiting(layout),
        };
        let known: HashSet<_> = layout.columns.iter().map(|column| column.index).collect();
        for index in group.indexes() {
            if !known.contains(&index)
                && let parts = group.take_column(index)
                && place == Place::Inner
                && let Some(column) = Column::join(parts)
            {
                self.residue.put(self.planned_count, index, &column, &self.staged)?;
            }
        }
        self.planned_count += 1;
        match self.segments.last_mut() {
            Some(last) if last.layout == *layout => last.groups.push(group.rows),
            _ => self.segments.push(Segment { layout: layout.clone(), groups: vec![group.rows] }),
        }
        let format = Arc::new(self.format.rows(layout));
        let layout = Arc::new(layout.clone());
        let mut tasks: Vec<Task> = Vec::new();
        for (rows, columns) in group.into_pieces() {
            let (format, layout) = (Arc::clone(&format), Arc::clone(&layout));
            let is_first = self.rows == 0;
            self.rows += rows as u64;
            tasks.push(Box::new(move || {
                let mut out = Buffer::with_room(0);
                write_rows(&*format, rows, &columns, &layout, is_first, &mut out);
                Ok(Encoded::Rows(out.into_bytes()))
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
            || self.segments.iter().any(|segment| has_waited(&segment.layout, layout))
        {
            self.rewrite(layout)?;
        }
        let mut file = self.staged.append()?;
        self.write(&mut file, self.format.footer(self.rows))?;
        Ok(self.staged)
    }
}
