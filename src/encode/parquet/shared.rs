//! A large column chunk, of which several workers encode the pages.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use super::cells::Cells;
use super::chunk::{self, Chunk, ChunkOptions};
use super::pages::{PagePlan, Pages};
use crate::encode::{Encoded, Task};
use crate::error::Error;
use crate::schema::widen::ColumnType;
use crate::table::Column;

/// Chunks of fewer pages stay with the worker that has them in its cache.
const PAGES_MIN: usize = 4;

/// Pages of one task: a few milliseconds of work.
const TASK_PAGES: usize = 2;

/// A chunk of which all is decided, and the pages that are written.
struct Shared {
    index: usize,
    column: Column,
    column_type: ColumnType,
    options: ChunkOptions,
    plan: PagePlan,
    done: Mutex<Done>,
}

/// Runs of pages by their place, and how many are missing.
struct Done {
    runs: Vec<Option<Pages>>,
    missing: usize,
}

/// Encodes the column at `index`, or decides on all its pages and hands those out.
///
/// Both ways end in the same bytes, which depend on values, type and options alone.
pub(super) fn encode(
    index: usize,
    column: Option<Column>,
    rows: usize,
    column_type: ColumnType,
    options: ChunkOptions,
) -> Result<Encoded, Error> {
    let column = column.unwrap_or_default();
    let cells = Cells::of(&column, &column_type)?;
    let plan = chunk::plan(&column, &cells, rows, &column_type, &options)?;
    if plan.page_count() < PAGES_MIN || !cells.is_borrowed() {
        let pages = plan.write(&cells, 0..plan.page_count())?;
        let chunk = Chunk::of(pages, &plan, &column_type, &options);
        return Ok(Encoded::Chunk(index, Box::new(chunk)));
    }
    let starts = (0..plan.page_count()).step_by(TASK_PAGES);
    let runs: Vec<_> =
        starts.map(|start| start..plan.page_count().min(start + TASK_PAGES)).collect();
    let done = Done { runs: runs.iter().map(|_| None).collect(), missing: runs.len() };
    let shared = Shared { index, column, column_type, options, plan, done: Mutex::new(done) };
    let shared = Arc::new(shared);
    let task = |(place, run): (usize, Range<usize>)| -> Task {
        let shared = Arc::clone(&shared);
        Box::new(move || shared.write(place, run))
    };
    Ok(Encoded::Tasks(runs.into_iter().enumerate().map(task).collect()))
}

impl Shared {
    /// Writes a run of pages; the last that is written makes the chunk whole.
    fn write(&self, place: usize, run: Range<usize>) -> Result<Encoded, Error> {
        let cells = Cells::of(&self.column, &self.column_type)?;
        let pages = self.plan.write(&cells, run)?;
        // a worker that panics while it holds this ends the run
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        done.runs[place] = Some(pages);
        done.missing -= 1;
        if done.missing > 0 {
            return Ok(Encoded::Part);
        }
        let mut pages = Pages::default();
        std::mem::take(&mut done.runs).into_iter().flatten().for_each(|run| pages.append(run));
        let chunk = Chunk::of(pages, &self.plan, &self.column_type, &self.options);
        Ok(Encoded::Chunk(self.index, Box::new(chunk)))
    }
}
