//! The data model, slow and obvious: records as trees → the tables that a run must give.
//!
//! - Source: docs/data-model.md, docs/types.md and section 2 of the design. Shares no code with the
//!   library, holds all records at once, and looks at every value of a column to find its type.

use std::collections::{BTreeSet, HashMap};

use super::values::{self, Leaf};

/// A JSON value; numbers as they are written, members in order, keys perhaps twice.
#[derive(Debug, Clone, PartialEq)]
pub enum Tree {
    Null,
    Leaf(Leaf),
    Array(Vec<Tree>),
    Object(Vec<(String, Tree)>),
}

/// What arrays become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrays {
    Smart,
    Separate,
    Inline,
    Skip,
}

/// Which value of a key that stands twice is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Twice {
    First,
    Last,
    Reject,
}

/// What the user asked for.
#[derive(Debug, Clone)]
pub struct Options {
    pub arrays: Arrays,
    pub arrays_at: Vec<(String, Arrays)>,
    pub maps: Vec<String>,
    pub drop: Vec<String>,
    pub max_depth: usize,
    pub twice: Twice,
    pub wrap: bool,
    pub dates: bool,
    pub number_text: bool,
    pub all_text: bool,
}

/// A step from a container to what it holds.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Step {
    Key(String),
    Element,
}

type Path = Vec<Step>;

/// What a column holds of its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part {
    Scalar,
    List,
    Json,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    Leaf(Leaf),
    List(Vec<Option<Leaf>>),
    Json(Tree),
}

/// A column: where its values come from, and one for each row that has some.
#[derive(Debug)]
pub struct Column {
    pub path: Path,
    pub part: Part,
    pub cells: HashMap<usize, Cell>,
}

/// What joins a row to others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Links {
    pub id: i64,
    pub parent: i64,
    pub root: i64,
    pub index: i64,
    pub key: Option<String>,
}

#[derive(Debug)]
pub struct Table {
    pub path: Path,
    pub parent: usize,
    pub rows: Vec<Links>,
    pub columns: Vec<Column>,
    pub has_keys: bool,
}

/// The tables of a run, the main one first, in the order of their first rows.
#[derive(Debug)]
pub struct Tables<'a> {
    options: &'a Options,
    pub tables: Vec<Table>,
}

/// The row that takes a value.
#[derive(Clone, Copy)]
struct Row {
    table: usize,
    row: usize,
    record: i64,
}

/// Flattens records; `None` stands for one that is no JSON. Returns the numbers of the records that
/// are rejected, from 0.
pub fn flatten<'a>(records: &[Option<Tree>], options: &'a Options) -> (Tables<'a>, Vec<u64>) {
    let main = Table {
        path: Vec::new(),
        parent: 0,
        rows: Vec::new(),
        columns: Vec::new(),
        has_keys: false,
    };
    let mut tables = Tables { options, tables: vec![main] };
    let mut rejected = Vec::new();
    for (number, record) in records.iter().enumerate() {
        let members = match record {
            Some(Tree::Object(members)) => Some(members.clone()),
            Some(other) if options.wrap => Some(vec![("value".to_owned(), other.clone())]),
            _ => None,
        };
        let kept =
            members.and_then(|members| once(&Tree::Object(members), &Vec::new(), false, options));
        let Some(Tree::Object(members)) = kept else {
            rejected.push(number as u64);
            continue;
        };
        let record = number as i64 + 1;
        let links = Links { id: record, parent: 0, root: 0, index: 0, key: None };
        tables.tables[0].rows.push(links);
        let row = Row { table: 0, row: tables.tables[0].rows.len() - 1, record };
        tables.members(members, row, &Vec::new());
    }
    (tables, rejected)
}

/// Takes one of the values of each key; nothing where that is not allowed. Each stands where the
/// value that is taken stood. What is left out anyway may have any keys; what `is_whole` stays
/// together as JSON.
fn once(tree: &Tree, path: &Path, is_whole: bool, options: &Options) -> Option<Tree> {
    let is_whole = is_whole || options.stays_whole(tree, path);
    Some(match tree {
        tree if options.is_dropped(path) => tree.clone(),
        Tree::Array(_) if !is_whole && options.mode_at(path) == Arrays::Skip => tree.clone(),
        Tree::Array(elements) => {
            let path = below(path, Step::Element);
            Tree::Array(
                elements
                    .iter()
                    .map(|e| once(e, &path, is_whole, options))
                    .collect::<Option<_>>()?,
            )
        }
        Tree::Object(members) => {
            let is_map = options.is_map(path);
            let mut kept = Vec::new();
            for (place, (key, value)) in members.iter().enumerate() {
                let same = |(other, _): &(String, Tree)| other == key;
                let is_first = !members[..place].iter().any(same);
                let is_last = !members[place + 1..].iter().any(same);
                let step = if is_map { Step::Element } else { Step::Key(key.clone()) };
                match options.twice {
                    Twice::Reject if !is_first => return None,
                    Twice::First if !is_first => {}
                    Twice::Last if !is_last => {}
                    _ => kept
                        .push((key.clone(), once(value, &below(path, step), is_whole, options)?)),
                }
            }
            Tree::Object(kept)
        }
        other => other.clone(),
    })
}

impl Options {
    fn is_map(&self, path: &Path) -> bool {
        self.maps.iter().any(|pattern| matches(pattern, path))
    }

    fn mode_at(&self, path: &Path) -> Arrays {
        let asked = self.arrays_at.iter().rev().find(|(pattern, _)| matches(pattern, path));
        asked.map_or(self.arrays, |(_, mode)| *mode)
    }

    fn is_dropped(&self, path: &Path) -> bool {
        self.drop.iter().any(|pattern| matches(pattern, path))
    }

    /// Returns whether a value becomes JSON text.
    fn stays_whole(&self, tree: &Tree, path: &Path) -> bool {
        let is_deep = path.len() >= self.max_depth;
        match tree {
            Tree::Array(_) => match self.mode_at(path) {
                Arrays::Inline => true,
                Arrays::Skip => false,
                Arrays::Smart | Arrays::Separate => is_deep,
            },
            Tree::Object(_) => is_deep,
            Tree::Null | Tree::Leaf(_) => false,
        }
    }

    /// Leaves out what the user wants dropped of a value that stays whole.
    fn pruned(&self, tree: Tree, path: &Path) -> Tree {
        match tree {
            Tree::Array(elements) => {
                let path = below(path, Step::Element);
                Tree::Array(elements.into_iter().map(|e| self.pruned(e, &path)).collect())
            }
            Tree::Object(members) => {
                let member = |(key, value): (String, Tree)| {
                    let path = below(path, Step::Key(key.clone()));
                    (!self.is_dropped(&path)).then(|| (key, self.pruned(value, &path)))
                };
                Tree::Object(members.into_iter().filter_map(member).collect())
            }
            other => other,
        }
    }
}

impl Tables<'_> {
    fn members(&mut self, members: Vec<(String, Tree)>, row: Row, path: &Path) {
        for (key, value) in members {
            self.value(value, row, &below(path, Step::Key(key)));
        }
    }

    fn value(&mut self, value: Tree, row: Row, path: &Path) {
        let options = self.options;
        if options.is_dropped(path) {
            return;
        }
        match value {
            Tree::Null => _ = self.column(row.table, path, Part::Scalar),
            Tree::Leaf(leaf) => self.put(row, path, Part::Scalar, Cell::Leaf(leaf)),
            value if options.stays_whole(&value, path) => {
                let whole = options.pruned(value, path);
                self.put(row, path, Part::Json, Cell::Json(whole));
            }
            Tree::Array(elements) => self.array(elements, row, path),
            Tree::Object(members) if options.is_map(path) => {
                for (index, (key, value)) in members.into_iter().enumerate() {
                    self.element(value, row, path, index, Some(key));
                }
            }
            Tree::Object(members) => self.members(members, row, path),
        }
    }

    fn array(&mut self, elements: Vec<Tree>, row: Row, path: &Path) {
        let mode = self.options.mode_at(path);
        let is_nested = |tree: &Tree| matches!(tree, Tree::Array(_) | Tree::Object(_));
        if mode == Arrays::Skip {
            return;
        }
        if mode == Arrays::Smart && !elements.iter().any(is_nested) {
            let leaves = elements.into_iter().map(|element| match element {
                Tree::Leaf(leaf) => Some(leaf),
                _ => None,
            });
            return self.put(row, path, Part::List, Cell::List(leaves.collect()));
        }
        for (index, element) in elements.into_iter().enumerate() {
            self.element(element, row, path, index, None);
        }
    }

    /// Adds the row of an element of an array, or of a member of a map.
    fn element(&mut self, value: Tree, from: Row, path: &Path, index: usize, key: Option<String>) {
        let path = below(path, Step::Element);
        let known = self.tables.iter().position(|table| table.path == path);
        let table = known.unwrap_or_else(|| {
            let (rows, columns) = (Vec::new(), Vec::new());
            let parent = from.table;
            self.tables.push(Table { path: path.clone(), parent, rows, columns, has_keys: false });
            self.tables.len() - 1
        });
        let parent = self.tables[from.table].rows[from.row].id;
        let rows = &mut self.tables[table].rows;
        let (id, index) = (rows.len() as i64 + 1, index as i64);
        let has_key = key.is_some();
        rows.push(Links { id, parent, root: from.record, index, key });
        let row = Row { table, row: rows.len() - 1, record: from.record };
        self.tables[table].has_keys |= has_key;
        self.value(value, row, &path);
    }

    fn put(&mut self, row: Row, path: &Path, part: Part, cell: Cell) {
        self.column(row.table, path, part).cells.insert(row.row, cell);
    }

    fn column(&mut self, table: usize, path: &Path, part: Part) -> &mut Column {
        let columns = &mut self.tables[table].columns;
        let known = columns.iter().position(|c| c.path == *path && c.part == part);
        let place = known.unwrap_or_else(|| {
            columns.push(Column { path: path.clone(), part, cells: HashMap::new() });
            columns.len() - 1
        });
        &mut columns[place]
    }

    /// Returns whether a column is written: nulls alone have none where something else lives at
    /// their path or below it, nor have empty lists alone where arrays there became rows.
    fn is_written(&self, table: &Table, column: &Column) -> bool {
        let element = below(&column.path, Step::Element);
        let has_table = self.tables.iter().any(|table| table.path == element);
        match column.part {
            Part::Json => true,
            Part::List => {
                let is_empty = |cell: &Cell| matches!(cell, Cell::List(list) if list.is_empty());
                !(has_table && column.cells.values().all(is_empty))
            }
            Part::Scalar => {
                let lives_here = table.columns.iter().any(|other| {
                    let is_below = other.path.len() > column.path.len();
                    other.path.starts_with(&column.path) && (is_below || other.part != Part::Scalar)
                });
                let lives_below = self.tables.iter().any(|other| {
                    other.path.len() > column.path.len() && other.path.starts_with(&column.path)
                });
                !column.cells.is_empty() || !(lives_here || lives_below)
            }
        }
    }

    /// Returns the names of all tables.
    pub fn table_names(&self, main: &str) -> Vec<String> {
        let mut taken = Names::default();
        let mut names = vec![taken.take(main)];
        for table in &self.tables[1..] {
            let above = &self.tables[table.parent];
            let steps = &table.path[above.path.len()..table.path.len() - 1];
            names.push(taken.take(&format!("{}_{}", names[table.parent], join(steps))));
        }
        names
    }

    /// Returns the columns of a table that are written, with name and type, in order.
    pub fn columns(&self, table: usize) -> Vec<(String, String, &Column)> {
        let table = &self.tables[table];
        let mut taken = Names::default();
        for link in ["id", "parent_id", "root_id", "index", "key", "rest"] {
            taken.take(&format!("_tm_{link}"));
        }
        let written: Vec<_> = table.columns.iter().filter(|c| self.is_written(table, c)).collect();
        let at =
            |path: &Path, part: Part| written.iter().any(|c| c.path == *path && c.part == part);
        let columns = written.iter().map(|column| {
            let name = join(&column.path[table.path.len()..]);
            let path = &column.path;
            let wanted = match column.part {
                Part::List if at(path, Part::Scalar) || at(path, Part::Json) => {
                    format!("{name}_list")
                }
                Part::Json if at(path, Part::Scalar) || at(path, Part::List) => {
                    format!("{name}_json")
                }
                _ => name,
            };
            (taken.take(&wanted), self.column_type(column), *column)
        });
        columns.collect()
    }

    fn column_type(&self, column: &Column) -> String {
        let leaves = column.cells.values().flat_map(|cell| match cell {
            Cell::Leaf(leaf) => vec![leaf],
            Cell::List(leaves) => leaves.iter().flatten().collect(),
            Cell::Json(_) => Vec::new(),
        });
        match column.part {
            Part::Scalar => values::type_of(&leaves.collect::<Vec<_>>(), self.options),
            Part::List => {
                format!("list({})", values::type_of(&leaves.collect::<Vec<_>>(), self.options))
            }
            Part::Json => "json".to_owned(),
        }
    }
}

fn below(path: &Path, step: Step) -> Path {
    let mut path = path.clone();
    path.push(step);
    path
}

/// Returns whether a pattern, keys parted by dots of which `*` is any step, means a path. Steps into
/// arrays may be left out of it, but for the last.
fn matches(pattern: &str, path: &[Step]) -> bool {
    fn from(pattern: &[&str], path: &[Step]) -> bool {
        match (pattern, path) {
            ([], []) => true,
            ([first, rest @ ..], [step, tail @ ..]) => {
                let is_meant = *first == "*" || *step == Step::Key((*first).to_owned());
                let is_left_out = *step == Step::Element && !tail.is_empty();
                is_meant && from(rest, tail) || is_left_out && from(pattern, tail)
            }
            ([], [..]) | ([..], []) => false,
        }
    }
    from(&pattern.split('.').collect::<Vec<_>>(), path)
}

/// Returns the name of what stands at the end of these steps from a row.
fn join(steps: &[Step]) -> String {
    let key = |step: &Step| match step {
        Step::Key(key) => key.clone(),
        Step::Element => "value".to_owned(),
    };
    match steps.iter().map(key).collect::<Vec<_>>().join("_") {
        _ if steps.is_empty() => "value".to_owned(),
        name if name.is_empty() => "_".to_owned(),
        name => name,
    }
}

/// Returns a path as files record it.
pub fn pointer(path: &[Step]) -> String {
    let token = |step: &Step| match step {
        Step::Element => "/*".to_owned(),
        Step::Key(key) if key == "*" => "/~2".to_owned(),
        Step::Key(key) => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
    };
    path.iter().map(token).collect()
}

/// Names that are taken, ignoring case.
#[derive(Default)]
struct Names(BTreeSet<String>);

impl Names {
    /// Takes a name, or the first of `name_2`, `name_3`, … that is free.
    fn take(&mut self, wanted: &str) -> String {
        let numbered = (2..).map(|number| format!("{wanted}_{number}"));
        let mut names = std::iter::once(wanted.to_owned()).chain(numbered);
        names.find(|name| self.0.insert(name.to_lowercase())).expect("there is always another")
    }
}
