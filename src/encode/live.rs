//! Rows as lines of text that go out while the run goes on: nothing is ever written again.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::buffer::Spare;
use super::text::{TextFormat, write_rows};
use super::{Encoded, Place, RowGroup, TableWriter, Task};
use crate::error::{Error, ErrorKind};
use crate::schema::Layout;
use crate::sink::Staged;
use crate::table::Column;

/// Rows of all tables that wait to be sent, in their order.
#[derive(Debug, Clone, Default)]
pub struct LiveRows(Arc<Mutex<Waiting>>);

#[derive(Debug, Default)]
struct Waiting {
    text: Vec<u8>,
    /// Columns of each table's header, once it was written; nothing for formats without one.
    headers: BTreeMap<usize, Vec<usize>>,
    /// Empty lists that are not in the rows, by table and column.
    dropped: BTreeMap<(usize, usize), u64>,
    /// Bytes of each table.
    bytes: BTreeMap<usize, u64>,
}

impl LiveRows {
    fn with<T>(&self, work: impl FnOnce(&mut Waiting) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes what waits.
    pub(crate) fn take(&self) -> Vec<u8> {
        self.with(|waiting| std::mem::take(&mut waiting.text))
    }

    /// Lets text wait behind what waits.
    pub(crate) fn put(&self, text: Vec<u8>) {
        self.with(|waiting| match waiting.text.is_empty() {
            true => waiting.text = text,
            false => waiting.text.extend_from_slice(&text),
        });
    }

    /// Returns how many bytes wait.
    pub(crate) fn len(&self) -> usize {
        self.with(|waiting| waiting.text.len())
    }

    /// Returns whether the header of a table was written, and holds no such column.
    pub(crate) fn lacks(&self, table: usize, column: usize) -> bool {
        self.with(|waiting| waiting.headers.get(&table).is_some_and(|held| !held.contains(&column)))
    }

    /// Returns whether the header of a table was written.
    pub(crate) fn has_header(&self, table: usize) -> bool {
        self.with(|waiting| waiting.headers.contains_key(&table))
    }

    /// Returns whether any header was written.
    pub(crate) fn has_headers(&self) -> bool {
        self.with(|waiting| !waiting.headers.is_empty())
    }

    /// Returns how many empty lists of a column are in no row.
    pub(crate) fn dropped(&self, table: usize, column: usize) -> u64 {
        self.with(|waiting| waiting.dropped.get(&(table, column)).copied().unwrap_or(0))
    }

    /// Returns the bytes of a table so far.
    pub(crate) fn bytes(&self, table: usize) -> u64 {
        self.with(|waiting| waiting.bytes.get(&table).copied().unwrap_or(0))
    }
}

/// Writes one table as text, each row under the layout of its time.
pub(super) struct LiveWriter<F> {
    format: F,
    staged: Staged,
    rows: LiveRows,
    spare: Spare,
    /// The header as it was written; its columns stay, whatever follows.
    header: Option<Layout>,
}

impl<F: TextFormat> LiveWriter<F> {
    pub(super) fn open(staged: Staged, format: F, rows: LiveRows, spare: Spare) -> Self {
        LiveWriter { format, staged, rows, spare, header: None }
    }

    /// Writes what comes before the first row, under `layout` unless it was written.
    fn begin(&mut self, layout: &Layout) {
        if self.header.is_some() {
            return;
        }
        let text = self.format.header(layout);
        let table = self.staged.table_index();
        self.rows.with(|waiting| {
            if !text.is_empty() {
                let held = layout.columns.iter().map(|column| column.index).collect();
                waiting.headers.insert(table, held);
            }
            *waiting.bytes.entry(table).or_default() += text.len() as u64;
            waiting.text.extend_from_slice(&text);
        });
        self.header = Some(layout.clone());
    }

    /// Returns the layout of further rows: the columns of the header under the types of now.
    fn layout_of(&self, layout: &Layout) -> Layout {
        let table = self.staged.table_index();
        let Some(header) = self.header.as_ref().filter(|_| self.rows.has_header(table)) else {
            return layout.clone();
        };
        let mut kept = header.clone();
        for column in &mut kept.columns {
            let now = layout.columns.iter().find(|now| now.index == column.index);
            if let Some(now) = now {
                column.column_type = now.column_type.clone();
                column.marks = now.marks;
            }
        }
        kept
    }
}

impl<F: TextFormat> TableWriter for LiveWriter<F> {
    fn plan(
        &mut self,
        mut group: RowGroup,
        layout: &Arc<Layout>,
        _place: Place,
    ) -> Result<Vec<Task>, Error> {
        self.begin(layout);
        let layout = Arc::new(self.layout_of(layout));
        let table = self.staged.table_index();
        for index in group.indexes() {
            if !layout.columns.iter().any(|column| column.index == index)
                && let Some(column) = Column::join(group.take_column(index))
            {
                let count = column.presence().count() as u64;
                self.rows.with(|waiting| {
                    *waiting.dropped.entry((table, index)).or_default() += count;
                });
            }
        }
        let format = Arc::new(self.format.rows(&layout));
        let mut tasks: Vec<Task> = Vec::new();
        for (rows, columns) in group.into_pieces() {
            let (format, layout) = (Arc::clone(&format), Arc::clone(&layout));
            let spare = self.spare.clone();
            tasks.push(Box::new(move || {
                let text = write_rows(&*format, rows, &columns, &layout, false, &spare);
                Ok(Encoded::Rows(text))
            }));
        }
        Ok(tasks)
    }

    fn append(&mut self, encoded: Vec<Encoded>) -> Result<(), Error> {
        let table = self.staged.table_index();
        for encoded in encoded {
            let Encoded::Rows(text) = encoded else {
                return Err(Error::new(ErrorKind::Internal, "text was handed other data"));
            };
            self.rows.with(|waiting| {
                *waiting.bytes.entry(table).or_default() += text.len() as u64;
                waiting.text.extend_from_slice(text.as_bytes());
            });
            self.spare.put(text);
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>, layout: &Layout) -> Result<Staged, Error> {
        self.begin(layout);
        Ok(self.staged)
    }
}
