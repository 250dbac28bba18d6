//! Row groups as lines of text: what CSV and JSON have in common.
//!
//! Rows are written while others come, under the layout known by then. If one of those layouts does not
//! write the same text as the final one, the file is written again: rows of such a layout are read back,
//! others are copied.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet, VecDeque};
use std::io::Write;
use std::ops::Range;
use std::sync::Arc;

use super::buffer::{Buffer, Spare};
use super::cells::lanes::{Around, Lanes};
use super::cells::{Cells, Cursor, Special};
use super::residue::Residue;
use super::written::Written;
use super::{Anew, Encoded, Place, RowGroup, TableWriter, Task, do_all};
use crate::decode::number;
use crate::error::{Error, ErrorKind};
use crate::schema::widen::ColumnType;
use crate::schema::{Layout, LayoutColumn};
use crate::sink::{AppendFile, Scratch, Staged};
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

    /// Reads the first row of `text`, which this format wrote under `layout`; returns what follows it,
    /// or nothing where there is no such row.
    fn read_row<'t>(&self, text: &'t str, layout: &Layout, into: &mut RowReader)
    -> Option<&'t str>;
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

    /// Returns what stands around the values of a column where [`cell`](RowFormat::cell) takes no closer
    /// look at them.
    fn around(&self, cursor: &Cursor<'_>) -> Around<'_>;

    /// Returns whether text without special bytes is written as it stands.
    fn is_plain(&self, text: &[u8]) -> bool;
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
pub(super) fn unquoted(json: &str) -> Option<Cow<'_, str>> {
    let inside = json.strip_prefix('"')?;
    Some(match memchr::memchr(b'\\', inside.as_bytes()) {
        None => Cow::Borrowed(inside.strip_suffix('"')?),
        Some(_) => Cow::Owned(serde_json::from_str(json).unwrap_or_default()),
    })
}

/// Rows that were written together, one run behind the other.
#[derive(Debug, Clone, Copy)]
struct Run {
    /// Under which layout, by its place among all.
    layout: usize,
    /// Which row group they are of.
    group: usize,
    rows: usize,
    /// Bytes of their text.
    bytes: usize,
}

/// A row group on its way to text.
#[derive(Debug)]
struct Planned {
    layout: usize,
    group: usize,
    /// Rows of each of its tasks.
    rows: Vec<usize>,
}

/// Writes one table as text.
pub(super) struct TextWriter<F: TextFormat> {
    format: Arc<F>,
    staged: Staged,
    /// Under which rows were written.
    layouts: PastLayouts,
    /// What the rows that came last were written with.
    prepared: Option<Prepared<F::Rows>>,
    runs: Vec<Run>,
    planned: VecDeque<Planned>,
    /// What stands before the rows, once it does.
    header: Option<Vec<u8>>,
    residue: Residue,
    /// Rows planned so far.
    rows: u64,
    planned_count: usize,
    rewriting: Option<Rewriting<F::Rows>>,
    spare: Spare,
}

/// Layouts one behind the other. What they have in common is there once: there may be one for each of
/// thousands of columns.
#[derive(Debug, Default)]
struct PastLayouts {
    /// The first, without its columns, which are all that changes.
    head: Option<Layout>,
    columns: Vec<Vec<Arc<LayoutColumn>>>,
}

impl PastLayouts {
    /// Appends a layout unless it is the last one; returns its place.
    fn push(&mut self, layout: &Layout) -> usize {
        let last = self.columns.last().map_or(&[][..], Vec::as_slice);
        if !self.columns.is_empty() && last.iter().map(AsRef::as_ref).eq(&layout.columns) {
            return self.columns.len() - 1;
        }
        let known: HashMap<usize, &Arc<LayoutColumn>> =
            last.iter().map(|column| (column.index, column)).collect();
        let shared = |column: &LayoutColumn| match known.get(&column.index) {
            Some(&known) if **known == *column => Arc::clone(known),
            _ => Arc::new(column.clone()),
        };
        let columns = layout.columns.iter().map(shared).collect();
        self.head.get_or_insert_with(|| {
            let (table, path) = (layout.table.clone(), layout.path.clone());
            Layout { table, path, parent: layout.parent.clone(), columns: Vec::new() }
        });
        self.columns.push(columns);
        self.columns.len() - 1
    }

    /// Returns the layout at a place.
    fn get(&self, place: usize) -> Layout {
        let columns = self.columns[place].iter().map(|column| LayoutColumn::clone(column));
        let head = self.head.clone().unwrap_or_default();
        Layout { columns: columns.collect(), ..head }
    }

    fn iter(&self) -> impl Iterator<Item = Layout> {
        (0..self.columns.len()).map(|place| self.get(place))
    }
}

/// What rows of one layout are written with.
struct Prepared<R> {
    /// The layout that was given, and whether it may change.
    given: Arc<Layout>,
    is_waiting: bool,
    /// The one that is written, and its place among all.
    written: Arc<Layout>,
    place: usize,
    /// Its columns.
    held: HashSet<usize>,
    rows: Arc<R>,
}

/// All rows go to another file, as they are to be.
struct Rewriting<R> {
    format: Arc<R>,
    layout: Arc<Layout>,
    written: Arc<Written>,
    /// Where the next run begins.
    at: u64,
    scratch: Scratch,
    out: AppendFile,
    /// Runs that were planned.
    planned: usize,
    /// The rest of the last of them, which went in parts.
    parts: VecDeque<Run>,
    /// The layout under which the last of them was written, and its place.
    before: Option<(usize, Arc<Layout>)>,
    /// The row group of the last of them, and what was not written of the rest of it.
    group: Option<usize>,
    kept: Vec<(usize, Column)>,
}

/// A run that is read back, and written again.
struct Rewrite<F: TextFormat> {
    format: Arc<F>,
    written: Arc<Written>,
    /// Where its text lies, and under which layout it was written.
    at: u64,
    bytes: usize,
    before: Arc<Layout>,
    rows: usize,
    kept: Vec<(usize, Column)>,
    /// It is copied, as nothing in it changes.
    stands: bool,
    into: Arc<F::Rows>,
    layout: Arc<Layout>,
    is_first: bool,
    spare: Spare,
}

/// Bytes of a run from which on another begins: what a task reads back.
const RUN_BYTES: usize = 1 << 20;

/// Bytes that a task takes besides the text that it reads and the text that it makes.
const REWRITE_BYTES: usize = 4 * RUN_BYTES;

/// Bytes that a run becomes at most, if it has several rows: as many rows of few bytes each may be under a
/// layout of many columns.
const MADE_BYTES: usize = 4 * RUN_BYTES;

/// Rows that are read back before they are written again, if they are no more than [`RUN_BYTES`].
const REWRITE_ROWS: usize = 1 << 12;

impl<F: TextFormat> TextWriter<F> {
    pub(super) fn open(staged: Staged, format: F, spare: Spare) -> Self {
        TextWriter {
            format: Arc::new(format),
            staged,
            layouts: PastLayouts::default(),
            prepared: None,
            runs: Vec::new(),
            planned: VecDeque::new(),
            header: None,
            residue: Residue::default(),
            rows: 0,
            planned_count: 0,
            rewriting: None,
            spare,
        }
    }

    fn write(&self, file: &mut AppendFile, bytes: &[u8]) -> Result<(), Error> {
        file.write_all(bytes).map_err(|cause| self.staged.error("writing", cause))
    }

    /// Prepares for rows under `layout`, which may change; at once where the last were under it, too.
    fn prepare(&mut self, layout: &Arc<Layout>, is_waiting: bool) -> Prepared<F::Rows> {
        let is_same = |known: &Prepared<_>| {
            Arc::ptr_eq(&known.given, layout) && known.is_waiting == is_waiting
        };
        if let Some(known) = self.prepared.take().filter(is_same) {
            return known;
        }
        let has_marks = || layout.columns.iter().any(|column| !column.marks.are_none());
        let written = match is_waiting && has_marks() {
            true => Arc::new(waiting(layout)),
            false => Arc::clone(layout),
        };
        let held = written.columns.iter().map(|column| column.index).collect();
        let rows = Arc::new(self.format.rows(&written));
        let place = self.layouts.push(&written);
        Prepared { given: Arc::clone(layout), is_waiting, written, place, held, rows }
    }

    /// Takes down rows that were written.
    fn note(&mut self, layout: usize, group: usize, rows: usize, bytes: usize) {
        match self.runs.last_mut() {
            Some(run) if run.group == group && run.bytes + bytes <= RUN_BYTES => {
                run.rows += rows;
                run.bytes += bytes;
            }
            _ => self.runs.push(Run { layout, group, rows, bytes }),
        }
    }

    /// Returns whether the rows that were written stand as they are to be under the final layout.
    fn fits(&self, layout: &Layout) -> bool {
        let Some(header) = &self.header else { return true };
        *header == self.format.header(layout)
            && !layout.columns.iter().any(|column| self.residue.holds(column.index))
            && self.layouts.iter().all(|written| self.stands(&written, layout))
    }

    /// Returns whether rows under one layout stand as they are to be under the final one, apart from
    /// columns that were not written.
    fn stands(&self, written: &Layout, layout: &Layout) -> bool {
        self.format.is_same(written, layout) && !has_waited(written, layout)
    }

    fn begin_again(&self, layout: &Layout) -> Result<Rewriting<F::Rows>, Error> {
        let scratch = self.staged.scratch()?;
        let mut out = scratch.append()?;
        let written = out.write_all(&self.format.header(layout));
        written.map_err(|cause| scratch.error("writing", cause))?;
        Ok(Rewriting {
            format: Arc::new(self.format.rows(layout)),
            layout: Arc::new(layout.clone()),
            written: Arc::new(Written::of(&self.staged)?),
            at: self.header.as_ref().map_or(0, |header| header.len() as u64),
            scratch,
            out,
            planned: 0,
            parts: VecDeque::new(),
            before: None,
            group: None,
            kept: Vec::new(),
        })
    }

    /// Takes the next run that is to be written again, or the next part of one that would become too long;
    /// with it, whether it stands as it is.
    fn next_run(&self, again: &mut Rewriting<F::Rows>) -> Result<Option<(Run, bool)>, Error> {
        if let Some(part) = again.parts.pop_front() {
            return Ok(Some((part, false)));
        }
        let Some(&run) = self.runs.get(again.planned) else { return Ok(None) };
        again.planned += 1;
        let before = again.layout_before(&self.layouts, run);
        if again.group != Some(run.group) {
            again.group = Some(run.group);
            again.kept = self.kept(run.group, &before, &again.layout)?;
        }
        let stands = again.kept.is_empty() && self.stands(&before, &again.layout);
        let rows_max = (MADE_BYTES / again.format.row_bytes().max(1)).max(1);
        if stands || run.rows <= rows_max {
            return Ok(Some((run, stands)));
        }
        let mut read = vec![0; run.bytes];
        again.written.read(again.at, &mut read)?;
        let mut rest = str::from_utf8(&read).map_err(|_| lost())?;
        let mut left = run.rows;
        while left > rows_max {
            let (from, mut unused) = (rest.len(), RowReader::default());
            for _ in 0..rows_max {
                rest = self.format.read_row(rest, &before, &mut unused).ok_or_else(lost)?;
            }
            again.parts.push_back(Run { rows: rows_max, bytes: from - rest.len(), ..run });
            left -= rows_max;
        }
        again.parts.push_back(Run { rows: left, bytes: rest.len(), ..run });
        Ok(again.parts.pop_front().map(|part| (part, false)))
    }

    /// Has the next run written again; nothing where there is none.
    fn plan_again(&self, again: &mut Rewriting<F::Rows>) -> Result<Option<Anew>, Error> {
        let is_first = again.planned == 0;
        let Some((run, stands)) = self.next_run(again)? else { return Ok(None) };
        let before = again.layout_before(&self.layouts, run);
        let cut = |(index, values): &mut (usize, Column)| {
            let rest = values.split_off(run.rows);
            (*index, std::mem::replace(values, rest))
        };
        let task = Rewrite {
            format: Arc::clone(&self.format),
            written: Arc::clone(&again.written),
            at: again.at,
            bytes: run.bytes,
            before,
            rows: run.rows,
            kept: again.kept.iter_mut().map(cut).collect(),
            stands,
            into: Arc::clone(&again.format),
            layout: Arc::clone(&again.layout),
            is_first,
            spare: self.spare.clone(),
        };
        again.at += run.bytes as u64;
        let made_bytes = match stands {
            true => run.bytes,
            false => run.bytes.max(run.rows * again.format.row_bytes()),
        };
        Ok(Some(Anew {
            tasks: vec![Box::new(move || task.run().map(Encoded::Rows))],
            bytes: run.bytes + REWRITE_BYTES,
            made_bytes,
        }))
    }

    /// Returns the columns of a row group that were not written, and are to be.
    fn kept(
        &self,
        group: usize,
        written: &Layout,
        layout: &Layout,
    ) -> Result<Vec<(usize, Column)>, Error> {
        let is_written = |index| written.columns.iter().any(|known| known.index == index);
        let mut kept = Vec::new();
        for column in layout.columns.iter().filter(|column| !is_written(column.index)) {
            if let Some(values) = self.residue.get(group, column.index)? {
                kept.push((column.index, values));
            }
        }
        Ok(kept)
    }
}

impl<R> Rewriting<R> {
    /// Returns the layout under which a run was written.
    fn layout_before(&mut self, layouts: &PastLayouts, run: Run) -> Arc<Layout> {
        match &self.before {
            Some((place, before)) if *place == run.layout => Arc::clone(before),
            _ => {
                let before = Arc::new(layouts.get(run.layout));
                self.before = Some((run.layout, Arc::clone(&before)));
                before
            }
        }
    }
}

/// Returns what ends a run whose text is not what was written.
fn lost() -> Error {
    Error::new(ErrorKind::Internal, "rows that were written cannot be read back")
}

impl<F: TextFormat> Rewrite<F> {
    fn run(mut self) -> Result<Buffer, Error> {
        let mut read = vec![0; self.bytes];
        self.written.read(self.at, &mut read)?;
        let mut out = self.spare.take(read.len());
        if self.stands {
            out.push_all(&read);
            return Ok(out);
        }
        let (mut rest, mut left) = (str::from_utf8(&read).map_err(|_| lost())?, self.rows);
        while left > 0 {
            let (mut reader, mut rows, text_left) = (RowReader::default(), 0, rest.len());
            while rows < left.min(REWRITE_ROWS) && text_left - rest.len() < RUN_BYTES {
                let behind = self.format.read_row(rest, &self.before, &mut reader);
                rest = behind.ok_or_else(lost)?;
                rows += 1;
            }
            let mut columns = reader.columns;
            for (index, values) in &mut self.kept {
                let rest = values.split_off(rows);
                if *index >= columns.len() {
                    columns.resize_with(*index + 1, || None);
                }
                columns[*index] = Some(std::mem::replace(values, rest));
            }
            let is_first = self.is_first && left == self.rows;
            let text = write_rows(&*self.into, rows, &columns, &self.layout, is_first, &self.spare);
            out.push_all(text.as_bytes());
            self.spare.put(text);
            left -= rows;
        }
        Ok(out)
    }
}

/// Returns rows as text, which a task made.
fn text_of(encoded: Encoded) -> Result<Buffer, Error> {
    match encoded {
        Encoded::Rows(text) => Ok(text),
        _ => Err(Error::new(ErrorKind::Internal, "text was handed other data")),
    }
}

/// Spells rows, in memory from `spare`.
pub(super) fn write_rows<R: RowFormat>(
    format: &R,
    rows: usize,
    columns: &[Option<Column>],
    layout: &Layout,
    is_first: bool,
    spare: &Spare,
) -> Buffer {
    let width = layout.columns.len();
    let plain = without_marks(columns, layout);
    let columns = plain.as_deref().unwrap_or(columns);
    let mut cells = Cells::new(rows, columns, layout, format.special());
    let bytes = cells.bytes(|place| format.cell_bytes(place)) + rows * format.row_bytes();
    let mut out = spare.take(bytes);
    let lanes = if cells.are_dense() { Lanes::new(rows, bytes / rows.max(1)) } else { None };
    cells.write(format, width, is_first, lanes, &mut out);
    out
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
    let (mut text, spare) = (Vec::new(), Spare::new(0));
    for (rows, columns) in group.pieces() {
        let rows = write_rows(&format, rows, &columns, layout, text.is_empty(), &spare);
        text.extend_from_slice(rows.as_bytes());
    }
    text
}

impl<F: TextFormat> TableWriter for TextWriter<F> {
    fn plan(
        &mut self,
        mut group: RowGroup,
        layout: &Arc<Layout>,
        place: Place,
    ) -> Result<Vec<Task>, Error> {
        let prepared = self.prepare(layout, place == Place::Inner);
        for index in group.indexes() {
            if !prepared.held.contains(&index)
                && let parts = group.take_column(index)
                && place == Place::Inner
                && let Some(column) = Column::join(parts)
            {
                self.residue.put(self.planned_count, index, &column, &self.staged)?;
            }
        }
        let mut planned =
            Planned { layout: prepared.place, group: self.planned_count, rows: Vec::new() };
        self.planned_count += 1;
        let (format, layout) = (Arc::clone(&prepared.rows), Arc::clone(&prepared.written));
        self.prepared = Some(prepared);
        let mut tasks: Vec<Task> = Vec::new();
        for (rows, columns) in group.into_pieces() {
            let (format, layout) = (Arc::clone(&format), Arc::clone(&layout));
            let spare = self.spare.clone();
            let is_first = self.rows == 0;
            self.rows += rows as u64;
            planned.rows.push(rows);
            tasks.push(Box::new(move || {
                let text = write_rows(&*format, rows, &columns, &layout, is_first, &spare);
                Ok(Encoded::Rows(text))
            }));
        }
        self.planned.push_back(planned);
        Ok(tasks)
    }

    fn append(&mut self, encoded: Vec<Encoded>) -> Result<(), Error> {
        let planned = self.planned.pop_front();
        let planned = planned.filter(|planned| planned.rows.len() == encoded.len());
        let Planned { layout, group, rows } = planned.ok_or_else(|| {
            Error::new(ErrorKind::Internal, "text was handed rows that were not planned")
        })?;
        let mut file = self.staged.append()?;
        if self.header.is_none() {
            let header = self.format.header(&self.layouts.get(layout));
            self.write(&mut file, &header)?;
            self.header = Some(header);
        }
        for (rows, encoded) in rows.into_iter().zip(encoded) {
            let text = text_of(encoded)?;
            self.write(&mut file, text.as_bytes())?;
            self.note(layout, group, rows, text.len());
            self.spare.put(text);
        }
        Ok(())
    }

    fn plan_anew(&mut self, layout: &Layout) -> Result<Option<Anew>, Error> {
        let mut again = match self.rewriting.take() {
            Some(again) => again,
            None if self.fits(layout) => return Ok(None),
            None => self.begin_again(layout)?,
        };
        let anew = self.plan_again(&mut again)?;
        self.rewriting = Some(again);
        Ok(anew)
    }

    fn append_anew(&mut self, encoded: Vec<Encoded>) -> Result<(), Error> {
        let Some(again) = &mut self.rewriting else {
            return Err(Error::new(ErrorKind::Internal, "nothing was planned anew"));
        };
        for encoded in encoded {
            let text = text_of(encoded)?;
            let written = again.out.write_all(text.as_bytes());
            written.map_err(|cause| again.scratch.error("writing", cause))?;
            self.spare.put(text);
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>, layout: &Layout) -> Result<Staged, Error> {
        while let Some(anew) = self.plan_anew(layout)? {
            self.append_anew(do_all(anew.tasks)?)?;
        }
        if let Some(Rewriting { mut out, scratch, .. }) = self.rewriting.take() {
            out.flush().map_err(|cause| scratch.error("writing", cause))?;
            drop(out);
            self.staged.replace_with(scratch)?;
        }
        let mut file = self.staged.append()?;
        if self.header.is_none() {
            self.write(&mut file, &self.format.header(layout))?;
        }
        self.write(&mut file, self.format.footer(self.rows))?;
        Ok(self.staged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Marks;

    fn layout(columns: &[(usize, ColumnType)]) -> Layout {
        let columns = columns.iter().map(|(index, column_type)| LayoutColumn {
            index: *index,
            name: format!("c{index}"),
            column_type: column_type.clone(),
            path: None,
            marks: Marks::default(),
        });
        let (table, path) = ("t".to_owned(), "/t".to_owned());
        Layout { table, path, parent: Some("above".to_owned()), columns: columns.collect() }
    }

    #[test]
    fn layouts_share_what_they_have_in_common() {
        let (int, text) = (ColumnType::Int64, ColumnType::Text);
        let all = [
            layout(&[]),
            layout(&[(0, int.clone()), (2, int.clone())]),
            layout(&[(0, int.clone()), (1, text.clone()), (2, int.clone())]),
            layout(&[(0, int.clone()), (1, text.clone()), (2, text)]),
            layout(&[(0, int)]),
        ];
        let mut past = PastLayouts::default();
        for (place, layout) in all.iter().enumerate() {
            assert_eq!(past.push(layout), place);
            assert_eq!(past.push(layout), place);
        }
        assert!(past.iter().eq(all));
        let shared = |place: usize, column: usize| Arc::as_ptr(&past.columns[place][column]);
        assert!((2..5).all(|place| shared(place, 0) == shared(1, 0)));
        assert_eq!(shared(2, 2), shared(1, 1));
        assert_ne!(shared(3, 2), shared(2, 2));
    }
}
