//! Where the values of a chunk belong, and how that is cut into pages.

use std::ops::Range;

use super::bits;
use super::cells::Cells;
use crate::schema::widen::ColumnType;
use crate::table::{Column, Lists, Values};

/// For each row, or element of a list, how much of it is there.
#[derive(Debug)]
pub(super) struct Levels {
    rows: usize,
    values: usize,
    form: Form,
}

#[derive(Debug)]
enum Form {
    /// Every row has a value.
    Full,
    /// A bit for each row.
    Bits(Vec<u64>),
    /// Definition levels of lists, and repetition levels: 0 where a row starts.
    Lists { def: Vec<u8>, rep: Vec<u8> },
}

/// Definition levels of the standard three-level list.
pub(super) const LIST_EMPTY: u8 = 1;
pub(super) const ELEMENT_NULL: u8 = 2;
pub(super) const ELEMENT: u8 = 3;

/// Rows, levels and values that make a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) rows: Range<usize>,
    pub(super) levels: Range<usize>,
    pub(super) values: Range<usize>,
}

impl Span {
    /// Returns how many levels stand for no value.
    pub(super) fn null_count(&self) -> usize {
        self.levels.len() - self.values.len()
    }
}

/// A place between two rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Cut {
    row: usize,
    level: usize,
    value: usize,
}

/// What bounds a page: small ones compress badly, readers hold a whole one in memory.
#[derive(Debug, Clone, Copy)]
pub(super) struct PageLimits {
    pub(super) levels: usize,
    /// Bytes of values without an encoding.
    pub(super) bytes: usize,
}

impl Levels {
    /// Returns the levels of a column of `rows` rows.
    pub(super) fn of(column: &Column, rows: usize, column_type: &ColumnType) -> Self {
        match (column.values(), column_type) {
            (Values::List(lists), ColumnType::List(_)) => {
                let (def, rep) = list_levels(column, lists, rows);
                let values = lists.elements.presence().count();
                Levels { rows, values, form: Form::Lists { def, rep } }
            }
            (_, ColumnType::List(_)) => {
                let form = Form::Lists { def: vec![0; rows], rep: vec![0; rows] };
                Levels { rows, values: 0, form }
            }
            _ => {
                let form = column.presence().to_bits(rows).map_or(Form::Full, Form::Bits);
                Levels { rows, values: column.presence().count(), form }
            }
        }
    }

    /// Returns how many levels there are.
    pub(super) fn len(&self) -> usize {
        match &self.form {
            Form::Full | Form::Bits(_) => self.rows,
            Form::Lists { def, .. } => def.len(),
        }
    }

    /// Cuts the chunk into pages, between rows and as late as `limits` allow.
    pub(super) fn pages(&self, cells: &Cells<'_>, limits: PageLimits) -> Vec<Span> {
        let end = Cut { row: self.rows, level: self.len(), value: self.values };
        let fits = |from: Cut, to: Cut| {
            to.level - from.level <= limits.levels
                && cells.plain_bytes(from.value..to.value) <= limits.bytes
        };
        let mut pages = Vec::new();
        let mut start = Cut::default();
        if !fits(start, end) {
            let mut at = start;
            while at.row < end.row {
                let next = self.next(at);
                if at != start && !fits(start, next) {
                    pages.push(span(start, at));
                    start = at;
                }
                at = next;
            }
        }
        pages.push(span(start, end));
        pages
    }

    /// Goes on to the next place at which a page may end.
    fn next(&self, at: Cut) -> Cut {
        const BITS: usize = u64::BITS as usize;
        let row = self.rows.min(at.row + BITS);
        match &self.form {
            Form::Full => Cut { row, level: row, value: row },
            Form::Bits(words) => {
                let value = at.value + words[at.row / BITS].count_ones() as usize;
                Cut { row, level: row, value }
            }
            Form::Lists { def, rep } => {
                let more = rep[at.level + 1..].iter().take_while(|level| **level > 0).count();
                let level = at.level + 1 + more;
                let values = def[at.level..level].iter().filter(|level| **level == ELEMENT);
                Cut { row: at.row + 1, level, value: at.value + values.count() }
            }
        }
    }

    /// Appends the levels of a page as its first version has them, each kind behind its length.
    pub(super) fn write(&self, page: &Span, out: &mut Vec<u8>) {
        match &self.form {
            Form::Full => bits::with_length(out, |out| {
                bits::hybrid_run(page.levels.len(), 1, 1, out);
            }),
            Form::Bits(words) => bits::with_length(out, |out| {
                let words = &words[page.levels.start / 64..page.levels.end.div_ceil(64)];
                bits::hybrid_bits(words, page.levels.len(), out);
            }),
            Form::Lists { def, rep } => {
                bits::with_length(out, |out| bits::hybrid(&rep[page.levels.clone()], 1, out));
                bits::with_length(out, |out| bits::hybrid(&def[page.levels.clone()], 2, out));
            }
        }
    }
}

fn span(from: Cut, to: Cut) -> Span {
    Span { rows: from.row..to.row, levels: from.level..to.level, values: from.value..to.value }
}

fn list_levels(column: &Column, lists: &Lists, rows: usize) -> (Vec<u8>, Vec<u8>) {
    let count = lists.ends.last().map_or(0, |&end| end as usize);
    let mut there = vec![ELEMENT_NULL; count];
    lists.elements.presence().for_each(|at| there[at] = ELEMENT);
    let (mut def, mut rep) = (Vec::with_capacity(rows + count), Vec::with_capacity(rows + count));
    let (mut next, mut start, mut rows_before) = (0, 0, 0);
    let pad = |def: &mut Vec<u8>, rep: &mut Vec<u8>, count: usize| {
        def.resize(def.len() + count, 0);
        rep.resize(rep.len() + count, 0);
    };
    column.presence().for_each(|row| {
        pad(&mut def, &mut rep, row - rows_before);
        let end = lists.ends[next] as usize;
        match start == end {
            true => def.push(LIST_EMPTY),
            false => def.extend_from_slice(&there[start..end]),
        }
        rep.push(0);
        rep.resize(def.len(), 1);
        (start, next, rows_before) = (end, next + 1, row + 1);
    });
    pad(&mut def, &mut rep, rows - rows_before);
    (def, rep)
}
