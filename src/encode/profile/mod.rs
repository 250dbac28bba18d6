//! Row groups → what is in their columns, in place of bytes.
//!
//! As with writers, the columns of a row group are tasks of their own, and what they give is taken
//! in the order of row groups; so figures depend on the input alone, not on threads.

mod figures;
mod tally;

use super::{ColumnParts, Encoded, RowGroup, Task};
use crate::limits::EXAMPLES_MAX;
use crate::report::profile::{ColumnProfile, Depth, Role, TableProfile};
use crate::report::sql::Keys;
use crate::schema::widen::ColumnType;
use crate::schema::{Layout, LayoutColumn};
use crate::table::scalar::{DecimalDigits, decimal_text};
use crate::table::{Column, KindCounts};
pub use tally::Tally;

/// Values that are looked through for examples.
const EXAMPLE_ROWS: usize = 1000;

/// Characters of a value that are shown.
const SHOWN_CHARS: usize = 60;

/// Looks at one table.
#[derive(Debug)]
pub struct Profiler {
    depth: Depth,
    /// By the index of the column in the schema's table.
    columns: Vec<Seen>,
}

/// What was seen of one column.
#[derive(Debug, Default)]
struct Seen {
    values: u64,
    kinds: KindCounts,
    examples: Vec<String>,
    tally: Option<Box<Tally>>,
}

impl Profiler {
    /// Starts with a table of which nothing was seen.
    pub fn new(depth: Depth) -> Self {
        Profiler { depth, columns: Vec::new() }
    }

    /// Looks at a row group, and returns what is left to do for its columns.
    pub fn plan(&mut self, mut group: RowGroup) -> Vec<Task> {
        let mut tasks: Vec<Task> = Vec::new();
        if self.depth == Depth::Types {
            return tasks;
        }
        for index in group.indexes() {
            let parts = group.take_column(index);
            if self.columns.len() <= index {
                self.columns.resize_with(index + 1, Seen::default);
            }
            self.columns[index].look_at(&parts);
            if self.depth == Depth::Values {
                let tally = move || {
                    let mut tally = Box::<Tally>::default();
                    Column::join(parts).iter().for_each(|column| tally.add(column));
                    Ok(Encoded::Tally(index, tally))
                };
                tasks.push(Box::new(tally));
            }
        }
        tasks
    }

    /// Takes what the tasks of one row group gave; row groups come in the order of their plans.
    pub fn append(&mut self, encoded: Vec<Encoded>) {
        for encoded in encoded {
            if let Encoded::Tally(index, tally) = encoded {
                match &mut self.columns[index].tally {
                    Some(known) => known.join(*tally),
                    none => *none = Some(tally),
                }
            }
        }
    }

    /// Says what was seen, under the final layout.
    pub fn finish(mut self, layout: &Layout, rows: u64) -> TableProfile {
        self.columns.resize_with(self.columns.len().max(width(layout)), Seen::default);
        let columns = layout.columns.iter().map(|column| {
            let seen = std::mem::take(&mut self.columns[column.index]);
            self.column(column, seen)
        });
        TableProfile {
            // the run knows, and says so later
            is_named_by_input: false,
            name: layout.table.clone(),
            path: layout.path.clone(),
            parent: layout.parent.clone(),
            rows,
            // the schema knows them, and says so later
            keys: Keys::default(),
            columns: columns.collect(),
        }
    }

    fn column(&self, column: &LayoutColumn, seen: Seen) -> ColumnProfile {
        let tally = match self.depth {
            Depth::Values => Some(seen.tally.unwrap_or_default()),
            Depth::Types | Depth::Columns => None,
        };
        ColumnProfile {
            name: column.name.clone(),
            path: column.path.clone(),
            column_type: column.column_type.clone(),
            // the schema knows better, and says so later
            role: if column.path.is_some() { Role::Scalar } else { Role::Link },
            kinds: Vec::new(),
            kind_counts: seen.kinds,
            values: seen.values,
            examples: as_written(seen.examples, &column.column_type),
            figures: tally.map(|tally| figures::of(*tally, &column.column_type)),
        }
    }
}

fn width(layout: &Layout) -> usize {
    layout.columns.iter().map(|column| column.index + 1).max().unwrap_or(0)
}

impl Seen {
    /// Counts the values of a row group, and keeps the first that differ.
    fn look_at(&mut self, parts: &ColumnParts) {
        let mut looked = 0;
        for (_, column) in parts {
            let count = column.presence().count();
            self.values += count as u64;
            self.kinds.join(&column.kind_counts());
            if self.examples.len() < EXAMPLES_MAX && looked < EXAMPLE_ROWS {
                self.note_examples(column, EXAMPLE_ROWS - looked);
                looked += count;
            }
        }
    }

    fn note_examples(&mut self, column: &Column, most: usize) {
        let texts = column.first_values(most).spelled();
        for index in 0..texts.len() {
            let example = shown(&String::from_utf8_lossy(texts.get(index)));
            if !self.examples.contains(&example) {
                self.examples.push(example);
            }
            if self.examples.len() == EXAMPLES_MAX {
                break;
            }
        }
    }
}

/// Gives the examples of decimals the digits that all of their column are written with.
fn as_written(examples: Vec<String>, column_type: &ColumnType) -> Vec<String> {
    let scale = match column_type {
        ColumnType::Decimal { scale, .. } => *scale,
        ColumnType::List(element) => return as_written(examples, element),
        _ => return examples,
    };
    let mut written: Vec<String> = Vec::with_capacity(examples.len());
    for example in examples {
        let text = DecimalDigits::parse(&example).scaled(scale).map(|value| {
            let mut digits = Vec::new();
            decimal_text(value, scale, &mut digits);
            String::from_utf8_lossy(&digits).into_owned()
        });
        let text = text.unwrap_or(example);
        if !written.contains(&text) {
            written.push(text);
        }
    }
    written
}

/// Cuts a value that is too long to be shown.
fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
