//! Rows as JSON: an object per line, or one array of objects.

use std::io::{self, BufRead};

use super::TableWriter;
use super::text::{Row, RowReader, TextFormat, TextWriter, is_bare, unquoted};
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
pub fn open(staged: Staged, options: JsonOptions) -> Box<dyn TableWriter> {
    Box::new(TextWriter::open(staged, Json { options }))
}

struct Json {
    options: JsonOptions,
}

/// Name of the member that names the table.
pub const TABLE_MEMBER: &str = "_table";

impl Json {
    fn begin_member(&self, name: &str, is_first: bool, out: &mut Vec<u8>) {
        if !is_first {
            out.push(b',');
        }
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

impl TextFormat for Json {
    fn header(&self, _layout: &Layout) -> Vec<u8> {
        Vec::new()
    }

    fn row(&self, row: &Row<'_>, is_first: bool, out: &mut Vec<u8>) {
        let indent = usize::from(self.options.indent.unwrap_or(0));
        if self.options.array {
            out.extend_from_slice(if is_first { b"[\n" } else { b",\n" });
            out.extend(std::iter::repeat_n(b' ', indent));
        }
        out.push(b'{');
        let mut members = 0;
        if self.options.tagged {
            self.begin_member(TABLE_MEMBER, true, out);
            push_json_string(row.table(), out);
            members += 1;
        }
        for (column, cell) in row.cells() {
            if cell.is_none() && self.options.nulls == Nulls::Omit {
                continue;
            }
            self.begin_member(&column.name, members == 0, out);
            members += 1;
            match cell {
                Some(cell) => cell.json(out),
                None => out.extend_from_slice(b"null"),
            }
        }
        if self.options.indent.is_some() && members > 0 {
            out.push(b'\n');
            let levels = if self.options.array { 1 } else { 0 };
            out.extend(std::iter::repeat_n(b' ', indent * levels));
        }
        out.push(b'}');
        if !self.options.array {
            out.push(b'\n');
        }
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
        let text = |column: &LayoutColumn| {
            let is_list = matches!(column.column_type, ColumnType::List(_));
            (column.index, column.name.clone(), is_bare(&column.column_type), is_list)
        };
        let (one, other) = (one.columns.iter().map(text), other.columns.iter().map(text));
        match self.options.nulls {
            // A later column is not there in earlier rows.
            Nulls::Omit => {
                let other: Vec<_> = other.collect();
                let mut places = one.map(|text| other.iter().position(|known| *known == text));
                let mut last = None;
                places.all(|place| {
                    let rises = place.is_some() && place > last;
                    last = place;
                    rises
                })
            }
            Nulls::Keep => one.eq(other),
        }
    }

    fn read_row(
        &self,
        input: &mut dyn BufRead,
        layout: &Layout,
        into: &mut RowReader,
    ) -> io::Result<bool> {
        let Some(text) = read_object(input)? else { return Ok(false) };
        let text = String::from_utf8(text).map_err(io::Error::other)?;
        let members: Members<'_> = serde_json::from_str(&text).map_err(io::Error::other)?;
        for (name, value) in members.0 {
            let Some(column) = layout.columns.iter().find(|column| column.name == name) else {
                continue;
            };
            match (value.get(), &column.column_type) {
                ("null", _) => {}
                (json, ColumnType::Json | ColumnType::List(_)) => into.cell(column, json),
                (json, _) => match unquoted(json) {
                    Some(text) => into.cell(column, &text),
                    None => into.cell(column, json),
                },
            }
        }
        into.end_row();
        Ok(true)
    }
}

/// Members of an object in their order, values as they stand.
struct Members<'a>(Vec<(String, &'a serde_json::value::RawValue)>);

impl<'de> serde::Deserialize<'de> for Members<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                mut map: A,
            ) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}

/// Reads one object that was written here, whatever lies between it and the last.
fn read_object(input: &mut dyn BufRead) -> io::Result<Option<Vec<u8>>> {
    let (mut object, mut depth, mut in_string, mut escaped) = (Vec::new(), 0, false, false);
    loop {
        let buffer = input.fill_buf()?;
        if buffer.is_empty() {
            return Ok(None);
        }
        let mut used = 0;
        for &byte in buffer {
            used += 1;
            if depth == 0 && byte != b'{' {
                continue;
            }
            object.push(byte);
            if in_string {
                match byte {
                    _ if escaped => escaped = false,
                    b'\\' => escaped = true,
                    b'"' => in_string = false,
                    _ => {}
                }
                continue;
            }
            match byte {
                b'"' => in_string = true,
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                input.consume(used);
                return Ok(Some(object));
            }
        }
        input.consume(used);
    }
}
