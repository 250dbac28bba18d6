//! Which paths may still become columns and tables once a cap is near.
//!
//! Workers flatten chunks without knowing what earlier chunks hold, so a cap can only be kept in
//! the ordered step. Three answers make that exact without slowing anything down: far from a cap
//! everything is admitted; where a cap may be crossed, the chunk is flattened again in order, path
//! by path; once a table is full its set of columns never changes again, so workers take that set
//! with them and decide for themselves.

use std::collections::{HashMap, HashSet};

use foldhash::fast::RandomState;

use crate::flatten::path::{Paths, ROOT};
use crate::table::{Part, PathId};

/// How many columns and tables there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caps {
    /// Data columns of a table.
    pub columns: usize,
    /// Data columns of all tables together; one with a long path counts as several.
    pub run_columns: usize,
    /// Tables.
    pub tables: usize,
}

/// The columns and tables of a run so far, and how many there may be.
#[derive(Debug, Clone)]
pub struct Admission {
    caps: Caps,
    run_columns: usize,
    tables: HashMap<PathId, HashSet<(PathId, Part), RandomState>, RandomState>,
    /// Paths at or above a column or table.
    known: HashSet<PathId, RandomState>,
    /// Times that tables, or all of them at once, got full.
    full_count: usize,
    /// Decides path by path and remembers; otherwise only what is full is decided.
    live: bool,
}

/// Whether a path may become a column or a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admitted {
    /// It may.
    Yes,
    /// The table, or the run, is full.
    No,
    /// It may as far as is known here.
    Open,
}

impl Admission {
    /// Starts with the main table and nothing else.
    pub fn new(caps: Caps) -> Self {
        let tables = HashMap::from_iter([(ROOT, HashSet::default())]);
        Admission {
            caps,
            run_columns: 0,
            tables,
            known: HashSet::default(),
            full_count: 0,
            live: false,
        }
    }

    /// Returns a copy that decides path by path, in the order in which it is asked.
    pub fn to_live(&self) -> Self {
        Admission { live: true, ..self.clone() }
    }

    /// Returns whether this copy decides path by path.
    pub fn is_live(&self) -> bool {
        self.live
    }

    /// Returns a copy that decides nothing but what is full.
    pub fn into_snapshot(self) -> Self {
        Admission { live: false, ..self }
    }

    /// Returns how many there may be.
    pub fn caps(&self) -> Caps {
        self.caps
    }

    /// Asks for a column of `table`.
    pub fn column(&mut self, table: PathId, path: PathId, part: Part, paths: &Paths) -> Admitted {
        if self.has_column(table, path, part) {
            Admitted::Yes
        } else if self.is_full(table) {
            Admitted::No
        } else if self.live {
            self.note_column(table, path, part, paths);
            Admitted::Yes
        } else {
            Admitted::Open
        }
    }

    /// Asks for a table.
    pub fn table(&mut self, table: PathId, paths: &Paths) -> Admitted {
        if self.tables.contains_key(&table) {
            Admitted::Yes
        } else if self.tables.len() >= self.caps.tables {
            Admitted::No
        } else if self.live {
            self.note_table(table, paths);
            Admitted::Yes
        } else {
            Admitted::Open
        }
    }

    /// Notes a column that the run now has.
    pub fn note_column(&mut self, table: PathId, path: PathId, part: Part, paths: &Paths) {
        let known = self.tables.entry(table).or_default();
        if known.insert((path, part)) {
            let is_full = known.len() == self.caps.columns;
            let had_room = self.run_columns < self.caps.run_columns;
            self.run_columns += paths.weight(path);
            let is_run_full = had_room && self.run_columns >= self.caps.run_columns;
            self.full_count += usize::from(is_full || is_run_full);
        }
        self.mark_known(path, paths);
    }

    /// Notes a table that the run now has.
    pub fn note_table(&mut self, table: PathId, paths: &Paths) {
        self.tables.entry(table).or_default();
        self.mark_known(table, paths);
    }

    fn mark_known(&mut self, path: PathId, paths: &Paths) {
        let mut at = path;
        while self.known.insert(at) && at != ROOT {
            at = paths.get(at).parent;
        }
    }

    /// Returns whether a column or table lies at or below a path.
    pub fn is_known(&self, path: PathId) -> bool {
        self.known.contains(&path)
    }

    /// Returns a number that grows each time a table, or all of them, take no further column.
    pub fn full_count(&self) -> usize {
        self.full_count
    }

    /// Returns whether no table takes a further column.
    pub fn is_run_full(&self) -> bool {
        self.run_columns >= self.caps.run_columns
    }

    /// Returns how many columns all tables have together, as the cap counts them.
    pub fn run_column_count(&self) -> usize {
        self.run_columns
    }

    /// Returns whether `table` takes no further column.
    pub fn is_full(&self, table: PathId) -> bool {
        self.column_count(table) >= self.caps.columns || self.is_run_full()
    }

    /// Returns how many columns `table` has.
    pub fn column_count(&self, table: PathId) -> usize {
        self.tables.get(&table).map_or(0, HashSet::len)
    }

    /// Returns how many tables there are.
    pub fn table_count(&self) -> usize {
        self.tables.len()
    }

    /// Returns whether `table` has this column.
    pub fn has_column(&self, table: PathId, path: PathId, part: Part) -> bool {
        self.tables.get(&table).is_some_and(|known| known.contains(&(path, part)))
    }

    /// Returns whether the run has this table.
    pub fn has_table(&self, table: PathId) -> bool {
        self.tables.contains_key(&table)
    }
}
