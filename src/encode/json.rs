//! Rows as JSON: an object per line, or one array of objects.

use std::ops::Range;

use super::buffer::{Buffer, Snippet, Spare};
use super::cells::lanes::Around;
use super::cells::{Cursor, JSON_SPECIAL, Special, is_bare, is_quoted};
use super::live::{LiveRows, LiveWriter};
use super::text::{RowFormat, RowReader, TextFormat, TextWriter, to_text, unquoted};
use super::{RowGroup, TableWriter};
use crate::decode::json::members;
use crate::flatten::push_json_string;
use crate::schema::widen::ColumnType;
use crate::schema::{Layout, LayoutColumn};
use crate::sink::Staged;

/// How JSON is written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct JsonOptions {
    /// One array instead of an object per line.
    pub array: bool,
    /// Write nulls instead of leaving the member out.
    pub nulls: Nulls,
    /// Spaces a level; nothing for objects without white space.
    pub indent: Option<u8>,
    /// Start every object with a member `_table` that names the table.
    pub tagged: bool,
}

/// What becomes of a cell without a value in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Nulls {
    /// The member is left out.
    #[default]
    Omit,
    /// The member is `null`.
    Keep,
}

/// Starts a JSON file.
pub(super) fn open(staged: Staged, options: JsonOptions, spare: Spare) -> Box<dyn TableWriter> {
    Box::new(TextWriter::open(staged, Json { options }, spare))
}

/// Starts lines of JSON that go out while the run goes on.
pub(super) fn open_live(
    staged: Staged,
    options: JsonOptions,
    rows: LiveRows,
    spare: Spare,
) -> Box<dyn TableWriter> {
    Box::new(LiveWriter::open(staged, Json { options }, rows, spare))
}

/// Spells rows as JSON lines.
pub(super) fn lines(group: &RowGroup, layout: &Layout) -> Vec<u8> {
    to_text(&Json { options: JsonOptions::default() }, group, layout)
}

pub(super) struct Json {
    pub(super) options: JsonOptions,
}

/// Name of the member that names the table.
pub const TABLE_MEMBER: &str = "_table";

/// JSON rows of one layout, in pieces that are ready to be copied.
pub(super) struct JsonRows {
    /// What the first row starts with, and what the others do, before `{`.
    starts: [Snippet; 2],
    /// A member that each row starts with; may be empty.
    tag: Snippet,
    /// What stands before each value, from the `,` to the `:` or the quote of a string, and where
    /// each ends.
    names: Vec<u8>,
    name_ends: Vec<usize>,
    /// Each member without a value, and where each ends; nothing where those are left out.
    nulls: Vec<u8>,
    null_ends: Vec<usize>,
    /// What ends a row with members, and a row without.
    end: Snippet,
    empty: Snippet,
}

impl Json {
    fn push_name(&self, name: &str, out: &mut Vec<u8>) {
        out.push(b',');
        if let Some(indent) = self.options.indent {
            out.push(b'\n');
            let levels = if self.options.array { 2 } else { 1 };
            out.extend(std::iter::repeat_n(b' ', usize::from(indent) * levels));
        }
        push_json_string(name, out);
        out.push(b':');
        if self.options.indent.is_some() {
            out.push(b' ');
        }
    }
}

impl JsonRows {
    fn start_of(ends: &[usize], place: usize) -> usize {
        if place == 0 { 0 } else { ends[place - 1] }
    }
}

impl RowFormat for JsonRows {
    fn special(&self) -> &Special {
        &JSON_SPECIAL
    }

    fn row_bytes(&self) -> usize {
        self.starts[1].len() + self.tag.len() + self.nulls.len() + self.end.len() + 1
    }

    fn cell_bytes(&self, place: usize) -> usize {
        self.name_ends[place] - Self::start_of(&self.name_ends, place)
    }

    fn begin(&self, is_first: bool, out: &mut Buffer) -> usize {
        out.push_snippet(&self.starts[usize::from(!is_first)]);
        let start = out.len();
        out.push_snippet(&self.tag);
        start
    }

    fn gap(&self, places: Range<usize>, out: &mut Buffer) {
        if !self.nulls.is_empty() {
            let start = Self::start_of(&self.null_ends, places.start);
            out.push_part(&self.nulls, start, self.null_ends[places.end - 1]);
        }
    }

    #[inline(always)]
    fn cell(&self, cursor: &mut Cursor<'_>, _scratch: &mut Buffer, out: &mut Buffer) {
        let start = Self::start_of(&self.name_ends, cursor.place);
        out.push_part(&self.names, start, self.name_ends[cursor.place]);
        match cursor.is_quoted {
            true => cursor.write_string(&JSON_SPECIAL, out),
            false => cursor.write_json(&JSON_SPECIAL, out),
        }
    }

    /// The first member came with a `,` like all others.
    fn end(&self, start: usize, out: &mut Buffer) {
        if out.len() == start {
            return out.push_snippet(&self.empty);
        }
        out.set(start, b'{');
        out.push_snippet(&self.end);
    }

    fn around(&self, cursor: &Cursor<'_>) -> Around<'_> {
        let start = Self::start_of(&self.name_ends, cursor.place);
        Around {
            before: &self.names[start..self.name_ends[cursor.place]],
            behind: cursor.is_quoted.then_some(b'"'),
            numbers_stand: true,
            text_stands: !cursor.is_quoted,
        }
    }

    fn is_plain(&self, _text: &[u8]) -> bool {
        true
    }
}

impl TextFormat for Json {
    type Rows = JsonRows;

    fn rows(&self, layout: &Layout) -> JsonRows {
        let indent = usize::from(self.options.indent.unwrap_or(0));
        let (starts, last) = match self.options.array {
            true => (["[\n", ",\n"].map(|start| start.to_owned() + &" ".repeat(indent)), "}"),
            false => ([String::new(), String::new()], "}\n"),
        };
        let end = match (self.options.indent, self.options.array) {
            (None, _) => last.to_owned(),
            (Some(_), true) => format!("\n{}{last}", " ".repeat(indent)),
            (Some(_), false) => format!("\n{last}"),
        };
        let mut tag = Vec::new();
        if self.options.tagged {
            self.push_name(TABLE_MEMBER, &mut tag);
            push_json_string(&layout.table, &mut tag);
        }
        let (mut names, mut name_ends) = (Vec::new(), Vec::new());
        let (mut nulls, mut null_ends) = (Vec::new(), Vec::new());
        for column in &layout.columns {
            self.push_name(&column.name, &mut names);
            if is_quoted(&column.column_type) {
                names.push(b'"');
            }
            name_ends.push(names.len());
            if self.options.nulls == Nulls::Keep {
                self.push_name(&column.name, &mut nulls);
                nulls.extend_from_slice(b"null");
                null_ends.push(nulls.len());
            }
        }
        // Room for the last names to be copied in blocks.
        names.extend_from_slice(&[0; 64]);
        let starts = starts.map(|start| Snippet::new(start.as_bytes()));
        let (tag, end) = (Snippet::new(&tag), Snippet::new(end.as_bytes()));
        let empty = Snippet::new(format!("{{{last}").as_bytes());
        JsonRows { starts, tag, names, name_ends, nulls, null_ends, end, empty }
    }

    fn header(&self, _layout: &Layout) -> Vec<u8> {
        Vec::new()
    }

    fn footer(&self, rows: u64) -> &'static [u8] {
        match (self.options.array, rows) {
            (false, _) => b"",
            (true, 0) => b"[]\n",
            (true, _) => b"\n]\n",
        }
    }

    /// Members depend on values, names, and on whether values of their type are quoted.
    fn is_same(&self, one: &Layout, other: &Layout) -> bool {
        let is_list = |column: &LayoutColumn| matches!(column.column_type, ColumnType::List(_));
        let is_alike = |one: &LayoutColumn, other: &LayoutColumn| {
            one.index == other.index
                && one.name == other.name
                && is_bare(&one.column_type) == is_bare(&other.column_type)
                && is_list(one) == is_list(other)
        };
        let mut others = other.columns.iter();
        match self.options.nulls {
            // A later column is not there in earlier rows.
            Nulls::Omit => one.columns.iter().all(|one| others.any(|other| is_alike(one, other))),
            Nulls::Keep => {
                one.columns.len() == other.columns.len()
                    && one.columns.iter().zip(others).all(|(one, other)| is_alike(one, other))
            }
        }
    }

    /// Whatever lies between two rows is read over.
    fn read_row<'t>(
        &self,
        text: &'t str,
        layout: &Layout,
        into: &mut RowReader,
    ) -> Option<&'t str> {
        // members are in the order of the columns
        let mut left = layout.columns.as_slice();
        let rest = members(&text[text.find('{')?..], |name, value| {
            let place = left.iter().position(|column| column.name == name);
            let Some((column, behind)) = place.and_then(|place| left[place..].split_first()) else {
                return;
            };
            left = behind;
            match (value, &column.column_type) {
                ("null", _) => {}
                (json, ColumnType::Json | ColumnType::List(_)) => into.cell(column, json),
                (json, _) => into.cell(column, unquoted(json).as_deref().unwrap_or(json)),
            }
        })?;
        into.end_row();
        Some(rest)
    }
}
