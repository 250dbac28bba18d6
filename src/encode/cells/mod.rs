//! The cells of a run of rows, in the order of the rows, from columns that hold only values.

pub(super) mod lanes;
#[cfg(test)]
mod tests;

use self::lanes::Lanes;
use super::buffer::Buffer;
use super::text::RowFormat;
use crate::schema::widen::ColumnType;
use crate::schema::{Layout, LayoutColumn};
use crate::table::{Column, Presence, Values};

/// Rows, and cells of a row, that are looked at together: bits of a word.
const BLOCK: usize = 64;

/// Bytes that a format must not write as they are.
pub(super) struct Special {
    any: [u8; 4],
    below: u8,
    table: [bool; 256],
}

/// What JSON escapes in strings.
pub(super) static JSON_SPECIAL: Special = Special::new(*b"\"\\\"\\", 0x20);

impl Special {
    /// Takes four bytes, and all below another.
    pub(super) const fn new(any: [u8; 4], below: u8) -> Self {
        let (mut table, mut at) = ([false; 256], 0);
        while at < below as usize {
            table[at] = true;
            at += 1;
        }
        table[any[0] as usize] = true;
        table[any[1] as usize] = true;
        table[any[2] as usize] = true;
        table[any[3] as usize] = true;
        Special { any, below, table }
    }

    /// Returns where the first of them lies in `text` from `from` on, or the length of `text`.
    fn find(&self, text: &[u8], from: usize) -> usize {
        let mut at = from;
        let [a, b, c, d] = self.any;
        // Without a way out of the inner loop it is a few instructions for the whole block.
        while let Some(block) = text.get(at..at + BLOCK / 2) {
            let mut found = false;
            for &byte in block {
                found |= byte < self.below || (byte == a) | (byte == b) | (byte == c) | (byte == d);
            }
            if found {
                break;
            }
            at += BLOCK / 2;
        }
        let rest = text[at..].iter().position(|&byte| self.table[usize::from(byte)]);
        rest.map_or(text.len(), |rest| at + rest)
    }
}

/// The columns of a run of rows that hold a value, and which cells do.
pub(super) struct Cells<'a> {
    columns: Vec<Cursor<'a>>,
    rows: usize,
    /// Of the current block of rows, for each 64 columns: a word for each row, a bit for each cell.
    tiles: Vec<[u64; BLOCK]>,
}

/// Walks the values of one column.
pub(super) struct Cursor<'a> {
    /// The column's place in the layout.
    pub place: usize,
    /// The column.
    pub column: &'a LayoutColumn,
    /// Whether the values are strings in JSON.
    pub is_quoted: bool,
    values: Reader<'a>,
    presence: Bits,
    /// How many values there are.
    count: usize,
    elements: Option<Box<Elements<'a>>>,
    is_bare: bool,
}

/// The elements of a column of lists.
struct Elements<'a> {
    values: Reader<'a>,
    presence: Bits,
    /// Elements of the lists so far.
    row: usize,
}

/// Values one after the other.
struct Reader<'a> {
    values: &'a Values,
    next: usize,
    /// In text: where the next special byte lies, or anywhere before the next value.
    special: usize,
}

/// A string among others.
pub(super) struct Span<'a> {
    /// All strings of the column.
    pub bytes: &'a [u8],
    /// Where this one starts.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
    /// Whether it holds a special byte.
    pub is_special: bool,
}

impl<'a> Span<'a> {
    /// Returns the string.
    #[inline]
    pub(super) fn text(&self) -> &'a [u8] {
        &self.bytes[self.start..self.end]
    }
}

/// A bit for each row, or nothing where all are set.
struct Bits(Option<Vec<u64>>);

impl Bits {
    fn new(presence: &Presence, rows: usize) -> Self {
        Bits(presence.to_bits(rows))
    }

    fn word(&self, index: usize) -> u64 {
        self.0.as_ref().map_or(u64::MAX, |bits| bits[index])
    }

    fn is_set(&self, row: usize) -> bool {
        self.word(row / BLOCK) >> (row % BLOCK) & 1 == 1
    }
}

impl<'a> Cells<'a> {
    pub(super) fn new(
        rows: usize,
        columns: &'a [Option<Column>],
        layout: &'a Layout,
        special: &Special,
    ) -> Self {
        let cursor = |(place, at): (usize, &'a LayoutColumn)| {
            let values = columns.get(at.index)?.as_ref()?;
            Some(Cursor::new(place, at, values, rows, special))
        };
        let columns: Vec<_> = layout.columns.iter().enumerate().filter_map(cursor).collect();
        let tiles = vec![[0; BLOCK]; columns.len().div_ceil(BLOCK)];
        Cells { columns, rows, tiles }
    }

    /// Returns about how many bytes the values are as text, where each costs so much more.
    pub(super) fn bytes(&self, more: impl Fn(usize) -> usize) -> usize {
        const NUMBER_BYTES: usize = 12;
        let bytes = |cursor: &Cursor<'_>| {
            let text = match cursor.values.values {
                Values::Text(texts) => texts.bytes.len() + cursor.count * 2,
                _ => cursor.count * NUMBER_BYTES,
            };
            text + cursor.count * more(cursor.place)
        };
        self.columns.iter().map(bytes).sum()
    }

    /// Returns whether at least half of the cells of the columns hold a value.
    pub(super) fn are_dense(&self) -> bool {
        let count: usize = self.columns.iter().map(|column| column.count).sum();
        count * 2 >= self.columns.len() * self.rows
    }

    /// Appends the rows, of a table of `width` columns, to `out`; by `lanes` if there are some.
    pub(super) fn write<R: RowFormat>(
        &mut self,
        format: &R,
        width: usize,
        is_first: bool,
        mut lanes: Option<Lanes>,
        out: &mut Buffer,
    ) {
        let mut scratch = Buffer::with_room(0);
        for block in 0..self.rows.div_ceil(BLOCK) {
            let first = block * BLOCK;
            let rows = BLOCK.min(self.rows - first);
            match &mut lanes {
                Some(lanes) => lanes.fill(format, &mut self.columns, width, block, rows),
                None => self.fill_tiles(block),
            }
            for row in 0..rows {
                let start = format.begin(is_first && first + row == 0, out);
                match &mut lanes {
                    Some(lanes) => lanes.take(row, out),
                    None => self.write_row(format, row, width, &mut scratch, out),
                }
                format.end(start, out);
            }
        }
    }

    /// Appends the cells of a row of the current block.
    #[inline]
    fn write_row<R: RowFormat>(
        &mut self,
        format: &R,
        row: usize,
        width: usize,
        scratch: &mut Buffer,
        out: &mut Buffer,
    ) {
        let mut place = 0;
        for (tile, columns) in self.tiles.iter().zip(self.columns.chunks_mut(BLOCK)) {
            let mut rest = tile[row];
            while rest != 0 {
                let cursor = &mut columns[rest.trailing_zeros() as usize];
                if place < cursor.place {
                    format.gap(place..cursor.place, out);
                }
                format.cell(cursor, scratch, out);
                place = cursor.place + 1;
                rest &= rest - 1;
            }
        }
        if place < width {
            format.gap(place..width, out);
        }
    }

    /// Turns the words of the columns, a bit for each row, into words of rows.
    fn fill_tiles(&mut self, block: usize) {
        for (tile, columns) in self.tiles.iter_mut().zip(self.columns.chunks(BLOCK)) {
            for (word, column) in tile.iter_mut().zip(columns) {
                *word = column.presence.word(block);
            }
            tile[columns.len()..].fill(0);
            transpose(tile);
        }
    }
}

/// Makes bit `i` of word `j` bit `j` of word `i`, by swapping ever smaller squares.
fn transpose(tile: &mut [u64; BLOCK]) {
    let (mut width, mut mask) = (BLOCK / 2, u64::MAX >> (BLOCK / 2));
    while width > 0 {
        let mut at = 0;
        while at < BLOCK {
            let swap = (tile[at] >> width ^ tile[at + width]) & mask;
            tile[at] ^= swap << width;
            tile[at + width] ^= swap;
            at = (at + width + 1) & !width;
        }
        width /= 2;
        mask ^= mask << width;
    }
}

impl<'a> Cursor<'a> {
    fn new(
        place: usize,
        column: &'a LayoutColumn,
        values: &'a Column,
        rows: usize,
        special: &Special,
    ) -> Self {
        let elements = match values.values() {
            Values::List(lists) => {
                let rows = lists.ends.last().copied().unwrap_or(0) as usize;
                Some(Box::new(Elements {
                    values: Reader::new(lists.elements.values(), &JSON_SPECIAL),
                    presence: Bits::new(lists.elements.presence(), rows),
                    row: 0,
                }))
            }
            _ => None,
        };
        Cursor {
            place,
            column,
            is_quoted: is_quoted(&column.column_type),
            values: Reader::new(values.values(), special),
            presence: Bits::new(values.presence(), rows),
            count: values.presence().count(),
            elements,
            is_bare: is_bare(&column.column_type),
        }
    }

    /// Returns whether the values are lists.
    #[inline]
    pub(super) fn is_list(&self) -> bool {
        self.elements.is_some()
    }

    /// Takes the next value if the values are text.
    #[inline(always)]
    pub(super) fn next_span(&mut self, special: &Special) -> Option<Span<'a>> {
        self.values.next_span(special)
    }

    /// Appends the next value as text: what stands in a CSV cell, apart from quotes.
    #[inline(always)]
    pub(super) fn write_text(&mut self, special: &Special, out: &mut Buffer) {
        match self.elements {
            Some(_) => self.write_json(special, out),
            None => self.values.write_text(out),
        }
    }

    /// Appends the next value as a JSON string without its first quote.
    #[inline(always)]
    pub(super) fn write_string(&mut self, special: &Special, out: &mut Buffer) {
        self.values.write_string(special, out);
    }

    /// Appends the next value as JSON of the column's type; `special` are JSON's.
    #[inline(always)]
    pub(super) fn write_json(&mut self, special: &Special, out: &mut Buffer) {
        match (&mut self.elements, &self.column.column_type) {
            (Some(elements), ColumnType::List(_)) => {
                let count = self.values.next_list_len();
                elements.write_json(count, self.is_bare, special, out);
            }
            _ => self.values.write_json(self.is_bare, special, out),
        }
    }
}

impl Elements<'_> {
    fn write_json(&mut self, count: usize, is_bare: bool, special: &Special, out: &mut Buffer) {
        out.push(b'[');
        for place in 0..count {
            if place > 0 {
                out.push(b',');
            }
            match self.presence.is_set(self.row) {
                true => self.values.write_json(is_bare, special, out),
                false => out.push_all(b"null"),
            }
            self.row += 1;
        }
        out.push(b']');
    }
}

impl<'a> Reader<'a> {
    fn new(values: &'a Values, special: &Special) -> Self {
        let special = match values {
            Values::Text(texts) => special.find(&texts.bytes, 0),
            _ => 0,
        };
        Reader { values, next: 0, special }
    }

    fn next_list_len(&mut self) -> usize {
        let Values::List(lists) = self.values else { return 0 };
        let range = lists.range(self.next);
        self.next += 1;
        range.len()
    }

    /// Returns whether no special byte lies between the next value and value `end`, of a column of text.
    fn is_free(&mut self, end: usize, special: &Special) -> bool {
        let Values::Text(texts) = self.values else { return false };
        let (start, end) = (texts.offsets[self.next] as usize, texts.offsets[end] as usize);
        if self.special < start {
            self.special = special.find(&texts.bytes, start);
        }
        self.special >= end
    }

    #[inline(always)]
    fn next_span(&mut self, special: &Special) -> Option<Span<'a>> {
        let Values::Text(texts) = self.values else { return None };
        let bytes = texts.bytes.as_slice();
        let (start, end) = (texts.offsets[self.next], texts.offsets[self.next + 1]);
        let (start, end) = (start as usize, end as usize);
        self.next += 1;
        if self.special < start {
            self.special = special.find(bytes, start);
        }
        Some(Span { bytes, start, end, is_special: self.special < end })
    }

    /// Appends the next value as text, the same whatever type its column has.
    #[inline]
    fn write_text(&mut self, out: &mut Buffer) {
        let index = self.next;
        self.next += 1;
        match self.values {
            Values::None | Values::List(_) => {}
            Values::Bool(values) => match values[index] {
                true => out.push_all(b"true"),
                false => out.push_all(b"false"),
            },
            Values::Int(values) => out.push_int(values[index]),
            Values::Rows(numbers) => out.push_int(numbers.get(index)),
            Values::Big(values) => {
                out.push_all(itoa::Buffer::new().format(values[index]).as_bytes());
            }
            Values::Float(floats) => {
                match floats.long.binary_search_by_key(&(index as u32), |(at, _)| *at) {
                    Ok(at) => out.push_all(floats.long[at].1.as_bytes()),
                    Err(_) => out.push_float(floats.values[index]),
                }
            }
            Values::Instant(form, values) => {
                let mut text = Vec::new();
                form.print_to(values[index], &mut text);
                out.push_all(&text);
            }
            Values::Text(texts) => {
                let (start, end) = (texts.offsets[index], texts.offsets[index + 1]);
                out.push_part(&texts.bytes, start as usize, end as usize);
            }
        }
    }

    #[inline]
    fn write_json(&mut self, is_bare: bool, special: &Special, out: &mut Buffer) {
        if is_bare {
            return self.write_text(out);
        }
        out.push(b'"');
        self.write_string(special, out);
    }

    /// Appends the next value as a JSON string without its first quote.
    #[inline]
    fn write_string(&mut self, special: &Special, out: &mut Buffer) {
        match self.next_span(special) {
            Some(span) if span.is_special => self.write_escaped(&span, special, out),
            Some(span) => out.push_part(span.bytes, span.start, span.end),
            // Numbers and booleans in a column that became text.
            None => self.write_text(out),
        }
        out.push(b'"');
    }

    /// Appends the inside of a JSON string.
    fn write_escaped(&mut self, span: &Span<'_>, special: &Special, out: &mut Buffer) {
        let mut start = span.start;
        while self.special < span.end {
            out.push_part(span.bytes, start, self.special);
            write_escape(span.bytes[self.special], out);
            start = self.special + 1;
            self.special = special.find(span.bytes, start);
        }
        out.push_part(span.bytes, start, span.end);
    }
}

/// Appends a byte as it stands in a JSON string: in its short form, if it has one.
fn write_escape(byte: u8, out: &mut Buffer) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let short = match byte {
        b'"' | b'\\' => byte,
        0x08 => b'b',
        b'\t' => b't',
        b'\n' => b'n',
        0x0c => b'f',
        b'\r' => b'r',
        _ => {
            out.push_all(b"\\u00");
            out.push(HEX[usize::from(byte >> 4)]);
            return out.push(HEX[usize::from(byte & 15)]);
        }
    };
    out.push(b'\\');
    out.push(short);
}

/// Returns whether values of this type are strings in JSON.
pub(super) fn is_quoted(column_type: &ColumnType) -> bool {
    !matches!(column_type, ColumnType::List(_)) && !is_bare(column_type)
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
