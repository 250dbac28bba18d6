//! Rows by lanes and one by one are the same text, whatever is in their columns.

#![allow(clippy::unwrap_used)] // in tests a panic is the message

use super::*;
use crate::decode::number;
use crate::encode::csv::{Csv, CsvOptions};
use crate::encode::json::{Json, JsonOptions, Nulls};
use crate::encode::text::TextFormat;
use crate::table::{Excerpt, Marks, RowNumbers};

/// Numbers that look random, from a seed.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

fn layout_column(index: usize, name: String, column_type: ColumnType) -> LayoutColumn {
    LayoutColumn { index, name, column_type, path: None, marks: Marks::default() }
}

fn layout(columns: Vec<LayoutColumn>) -> Layout {
    Layout { table: "t".into(), path: String::new(), parent: None, columns }
}

/// Returns the rows as text, by lanes if so wanted, for rows of which the first is the first of all.
fn written<F: TextFormat>(
    format: &F,
    rows: usize,
    columns: &[Option<Column>],
    layout: &Layout,
    by_lanes: bool,
) -> String {
    let format = format.rows(layout);
    let mut cells = Cells::new(rows, columns, layout, format.special());
    let lanes = by_lanes.then(|| Lanes::new(rows.max(8), 0).unwrap());
    let mut out = Buffer::with_room(0);
    cells.write(&format, layout.columns.len(), true, lanes, &mut out);
    String::from_utf8(out.as_bytes().to_vec()).unwrap()
}

/// Returns text that may need quotes, escapes, or more room than a lane has.
fn some_text(random: &mut Random, is_odd: bool, is_long: bool) -> String {
    let words = ["Oslo", "a b", "-1", "0017", "\u{fe0f}ö", "東京"];
    let odd = ["", " ", "a,b", "say \"no\"", "two\nlines", "\u{feff}bom", "=1+1", "c:\\d", "\u{1}"];
    let count = if is_long { random.below(300) } else { random.below(5) };
    let mut text = String::new();
    for _ in 0..count {
        text += words[random.below(words.len() as u64) as usize];
        if is_odd && random.below(9) == 0 {
            text += odd[random.below(odd.len() as u64) as usize];
        }
    }
    if text.is_empty() && !is_odd { "x".to_owned() } else { text }
}

/// Returns a column of some kind, with a value in about `share` of four of the rows.
fn some_column(random: &mut Random, rows: usize, share: u64) -> (ColumnType, Column) {
    let mut column = Column::default();
    let kind = random.below(10);
    if share == 4 && kind < 2 {
        let offsets = (0..rows).map(|row| row as u32 / 3).collect();
        let numbers = match kind {
            0 => RowNumbers::Run { first: 99_999_990, count: rows },
            _ => RowNumbers::Beyond { base: 1 << 33, offsets },
        };
        return (ColumnType::Int64, Column::of_rows(numbers));
    }
    let (is_odd, is_long) = (random.below(2) == 0, random.below(4) == 0);
    for row in 0..rows {
        if random.below(4) >= share {
            continue;
        }
        let bits = random.below(64);
        let int = (random.below(1 << 31) << 31 | random.below(1 << 31)) as i64 >> bits.min(61);
        match kind {
            0 | 1 => column.push_bool(row, int % 2 == 0),
            2 | 3 => column.push_int(row, if bits.is_multiple_of(2) { int } else { -int }),
            // more digits than a double has
            4 if is_long && bits.is_multiple_of(8) => {
                let text = format!("0.1000000000000000055511151231257827{int}");
                column.push_number(row, number::parse_float(&text), &text);
            }
            4 => column.push_float(row, (int >> 20) as f64 / [1.0, 100.0, 1e9][bits as usize % 3]),
            5 => {
                column.begin_list(row);
                let count = random.below(4) as u32;
                let lists = column.lists();
                let first = lists.ends.last().copied().unwrap_or(0) as usize;
                for nth in 0..count as usize {
                    lists
                        .elements
                        .push_text(first + nth, some_text(random, is_odd, false).as_bytes());
                }
                column.end_list(count);
            }
            _ => {
                let text = some_text(random, is_odd, is_long);
                column.push_plain(row, Excerpt::whole(&text));
            }
        }
    }
    let column_type = match kind {
        0 | 1 => ColumnType::Bool,
        2 => ColumnType::Int64,
        4 => ColumnType::Double,
        5 => ColumnType::List(Box::new(ColumnType::Text)),
        // what is quoted in JSON, and what is not
        8 => ColumnType::Json,
        _ => ColumnType::Text,
    };
    (column_type, column)
}

#[test]
fn rows_are_the_same_text_by_lanes_and_one_by_one() {
    for seed in 0..300 {
        let mut random = Random(seed);
        let rows = [1, 7, 8, 63, 64, 65, 150][random.below(7) as usize];
        let width_max = [4, 30, 90][random.below(3) as usize];
        let width = 1 + random.below(width_max) as usize;
        let (mut columns, mut named) = (Vec::new(), Vec::new());
        for place in 0..width {
            let share = [4, 4, 4, 3, 2, 0][random.below(6) as usize];
            let (column_type, column) = some_column(&mut random, rows, share);
            let name = format!("c{place}{}", "_\"".repeat(random.below(2) as usize * (place % 40)));
            named.push(layout_column(place, name, column_type));
            columns.push((share > 0).then_some(column));
        }
        let layout = layout(named);
        let is_same = |one: &str, other: &str| assert_eq!(one, other, "seed {seed}");
        for nulls in [Nulls::Omit, Nulls::Keep] {
            for (array, indent, tagged) in [(false, None, false), (true, Some(2), true)] {
                let json = Json { options: JsonOptions { array, nulls, indent, tagged } };
                let one_by_one = written(&json, rows, &columns, &layout, false);
                is_same(&written(&json, rows, &columns, &layout, true), &one_by_one);
            }
        }
        for (delimiter, formula_guard) in
            [(b',', false), (b',', true), (b'.', false), (b'\t', false)]
        {
            let csv = Csv { options: CsvOptions { delimiter, bom: false, formula_guard } };
            let one_by_one = written(&csv, rows, &columns, &layout, false);
            is_same(&written(&csv, rows, &columns, &layout, true), &one_by_one);
        }
    }
}

#[test]
fn rows_meet_the_cells_that_are_there_in_order() {
    const ROWS: usize = 150;
    const WIDTH: usize = 200;
    let value = |row: usize, place: usize| (row * 1000 + place) as i64;
    // of every fifth column no row has a value; most rows of the others have one, or few
    for one_of in [1, 3, ROWS] {
        let is_there = |row: usize, place: usize| {
            !place.is_multiple_of(5) && (row * 7 + place).is_multiple_of(one_of)
        };
        let columns =
            (0..WIDTH).map(|place| layout_column(place, place.to_string(), ColumnType::Int64));
        let layout = layout(columns.collect());
        let filled = |place: usize| {
            let mut column = Column::default();
            let rows = (0..ROWS).filter(|&row| is_there(row, place));
            rows.for_each(|row| column.push_int(row, value(row, place)));
            (!place.is_multiple_of(5)).then_some(column)
        };
        let columns: Vec<_> = (0..WIDTH).map(filled).collect();
        let mut expected = [String::new(), String::new()];
        for row in 0..ROWS {
            let cell = |place| is_there(row, place).then(|| value(row, place).to_string());
            let cells: Vec<_> = (0..WIDTH).map(|place| cell(place).unwrap_or_default()).collect();
            expected[0] += &(cells.join(",") + "\n");
            let member = |place| Some(format!("\"{place}\":{}", cell(place)?));
            let members: Vec<_> = (0..WIDTH).filter_map(member).collect();
            expected[1] += &format!("{{{}}}\n", members.join(","));
        }
        for by_lanes in [false, true] {
            let csv = Csv { options: CsvOptions::default() };
            assert_eq!(written(&csv, ROWS, &columns, &layout, by_lanes), expected[0]);
            let json = Json { options: JsonOptions::default() };
            assert_eq!(written(&json, ROWS, &columns, &layout, by_lanes), expected[1]);
        }
    }
}

#[test]
fn lanes_are_for_rows_that_are_short_and_many() {
    let is_made = |rows, bytes| Lanes::new(rows, bytes).is_some();
    assert!(is_made(8, 0) && is_made(1 << 20, 512));
    assert!(!is_made(7, 0) && !is_made(64, 513));
}

#[test]
fn squares_of_bits_are_turned() {
    let word = |row: usize| (row as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let before: [u64; BLOCK] = std::array::from_fn(word);
    let mut after = before;
    transpose(&mut after);
    for (row, word) in before.iter().enumerate() {
        for (bit, other) in after.iter().enumerate() {
            assert_eq!(word >> bit & 1, other >> row & 1, "row {row}, bit {bit}");
        }
    }
}

#[test]
fn special_bytes_are_found_wherever_they_lie() {
    let special = Special::new(*b"\"\\,\n", 0x20);
    for len in [0, 1, 31, 32, 33, 100] {
        let clean = vec![b'x'; len];
        for from in 0..=len {
            assert_eq!(special.find(&clean, from), len);
        }
        for (at, byte) in (0..len).zip(b"\"\\,\n\0\x1f".iter().cycle()) {
            let mut text = clean.clone();
            text[at] = *byte;
            assert_eq!(special.find(&text, at / 2), at);
            assert_eq!(special.find(&text, at + 1), len);
        }
    }
}

#[test]
fn strings_are_escaped_as_serde_json_does() {
    let mut column = Column::default();
    let texts: Vec<String> = (0..0x180u32)
        .filter_map(char::from_u32)
        .map(|odd| format!("a{odd}"))
        .chain(["".into(), "\"\"".into(), "long text without any of them, é".repeat(3)])
        .collect();
    for (row, text) in texts.iter().enumerate() {
        column.push_text(row, text.as_bytes());
    }
    let mut reader = Reader::new(column.values(), &JSON_SPECIAL);
    for text in &texts {
        let mut out = Buffer::with_room(0);
        reader.write_json(false, &JSON_SPECIAL, &mut out);
        assert_eq!(out.as_bytes(), serde_json::to_vec(text).unwrap(), "{text:?}");
    }
}
