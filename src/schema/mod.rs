//! Which tables and columns a run has, and which type each column has, over all batches.

pub mod contract;
pub mod difference;
pub mod widen;

use std::borrow::Cow;
use std::collections::HashMap;
use std::slice;
use std::sync::Arc;

use foldhash::fast::RandomState;

use crate::flatten::admission::{Admission, Caps};
use crate::flatten::names::{NameSet, NameStyle, join_keys};
use crate::flatten::path::{PathPattern, Paths, ROOT, Step};
use crate::flatten::{DeclaredType, IdMode, declared};
use crate::report::profile::{Role, TableProfile};
use crate::report::sql::Keys;
use crate::table::{Column, Kinds, Marks, Part, PathId, RowNumbers, TableBatch};
use contract::Agreed;
use widen::{ColumnType, Widening};

/// What decides names and types.
#[derive(Debug, Clone)]
pub struct SchemaOptions {
    /// Name of the main table.
    pub name: String,
    /// Nobody chose it: it is that of an input.
    pub is_named_by_input: bool,
    /// Between the keys of a name.
    pub separator: String,
    /// How keys are spelled in names.
    pub names: NameStyle,
    /// Starts the names of link columns.
    pub meta_prefix: String,
    /// Name of the main table's column with the input of each record.
    pub source_column: Option<String>,
    /// What identifies rows, which decides the link columns.
    pub ids: IdMode,
    /// How kinds become types.
    pub widening: Widening,
    /// Types that the user gave.
    pub types: Vec<(PathPattern, DeclaredType)>,
    /// A name that the output format needs for itself.
    pub reserved: Option<&'static str>,
}

/// The link columns, in the order in which they stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Link {
    /// `_tm_id`
    Id,
    /// `_tm_parent_id`
    ParentId,
    /// `_tm_root_id`
    RootId,
    /// `_tm_index`
    Index,
    /// `_tm_key`
    Key,
    /// `_tm_source`, or as users name it.
    Source,
}

impl Link {
    /// Returns the name behind the prefix.
    pub fn suffix(self) -> &'static str {
        match self {
            Link::Id => "id",
            Link::ParentId => "parent_id",
            Link::RootId => "root_id",
            Link::Index => "index",
            Link::Key => "key",
            Link::Source => "source",
        }
    }
}

/// Where a column comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Made by us to link rows.
    Link(Link),
    /// A part of the values at a path.
    Data {
        /// The path.
        path: PathId,
        /// The part.
        part: Part,
    },
}

/// What records are, which decides on the link columns of the main table where users do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Records {
    /// JSON, whose rows may have child rows.
    Objects,
    /// Rows of CSV.
    Rows,
}

/// All tables of a run so far.
#[derive(Debug)]
pub struct Schema {
    options: SchemaOptions,
    paths: Arc<Paths>,
    admission: Admission,
    tables: Vec<TableSchema>,
    by_path: HashMap<PathId, usize, RandomState>,
    /// The rows being fitted have link values.
    links_now: bool,
    /// What lives at each path, by its number.
    uses: Vec<Uses>,
    table_names: NameSet,
    /// Names that a table wanted and another had.
    pub renamed_tables: Vec<Renamed>,
    /// Rises with whatever a layout is made from.
    revision: u64,
    /// The layouts that were asked for, by table, and at which revision.
    current_layouts: HashMap<usize, (u64, CurrentLayout), RandomState>,
}

/// A layout, and the names in it that are not what they would be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CurrentLayout {
    /// The table as it is written.
    pub layout: Arc<Layout>,
    /// Columns whose name was taken.
    pub renamed: Arc<[Renamed]>,
}

/// What lives at a path.
#[derive(Debug, Clone, Copy, Default)]
struct Uses {
    parts: [bool; 3],
    child_table: bool,
    below: bool,
}

/// A name that was taken, and the one used instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renamed {
    /// The table, for columns.
    pub table: String,
    /// JSON Pointer to what was renamed.
    pub path: String,
    /// The name it would have had.
    pub wanted: String,
    /// The name it has.
    pub name: String,
}

/// One table.
#[derive(Debug)]
pub struct TableSchema {
    /// Path of its elements.
    pub path: PathId,
    /// Index of the parent table; nothing for the main table.
    pub parent: Option<usize>,
    /// Its name.
    pub name: String,
    /// Columns in order of first appearance, link columns first.
    pub columns: Vec<ColumnSchema>,
    /// Rows so far.
    pub rows: u64,
    /// A contract has it.
    is_agreed: bool,
    by_origin: HashMap<(PathId, Part), usize, RandomState>,
}

/// One column.
#[derive(Debug)]
pub struct ColumnSchema {
    /// Where it comes from.
    pub origin: Origin,
    /// All kinds it was given.
    pub kinds: Kinds,
    /// All kinds its lists' elements were given.
    pub element_kinds: Kinds,
    /// The type that the user gave.
    pub declared: Option<DeclaredType>,
    /// What a contract says of it.
    pub agreed: Option<Agreed>,
    /// Numbers with more digits than a double gives back.
    pub long_floats: u64,
    /// Type of a link column.
    link_type: Option<ColumnType>,
}

/// The numbers that a chunk's records have in the run, from 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordNumbers {
    /// One after the other, from this one on.
    From(u64),
    /// As they are given, for each record of the chunk.
    Each(Vec<u64>),
}

impl RecordNumbers {
    fn of(&self, record: u32) -> u64 {
        match self {
            RecordNumbers::From(first) => first + u64::from(record),
            RecordNumbers::Each(numbers) => numbers[record as usize],
        }
    }

    /// Returns the column that gives each row the id of its record, counted from 1.
    fn ids(&self, records: Cow<'_, [u32]>) -> Column {
        match self {
            RecordNumbers::From(first) => {
                let base = *first as i64 + 1;
                let is_run = records.is_sorted_by(|one, next| one + 1 == *next);
                Column::of_rows(match records.first() {
                    Some(&record) if is_run => {
                        RowNumbers::Run { first: base + i64::from(record), count: records.len() }
                    }
                    _ => RowNumbers::Beyond { base, offsets: records.into_owned() },
                })
            }
            RecordNumbers::Each(_) => {
                let id = |record: &u32| self.of(*record) as i64 + 1;
                Column::of_ints(records.iter().map(id).collect())
            }
        }
    }
}

/// A batch whose columns have found their places in the schema.
#[derive(Debug)]
pub struct Fitted {
    /// Index of the table.
    pub table: usize,
    /// Rows.
    pub rows: usize,
    /// Column index and values, in no order.
    pub columns: Vec<(usize, Box<Column>)>,
    /// Bytes of each row.
    pub row_bytes: Vec<u32>,
    /// Record in the chunk of each row.
    pub row_records: Vec<u32>,
}

/// A table as it is written: its columns with final names and types.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Layout {
    /// Name of the table.
    pub table: String,
    /// JSON Pointer to the table's elements, empty for the main table.
    pub path: String,
    /// Name of the parent table.
    pub parent: Option<String>,
    /// The columns in order.
    pub columns: Vec<LayoutColumn>,
}

/// A column as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayoutColumn {
    /// Its index in the schema's table; stays the same as the schema grows.
    pub index: usize,
    /// Its name, unique in the table ignoring case.
    pub name: String,
    /// Its type.
    pub column_type: ColumnType,
    /// JSON Pointer to its values in the record; nothing for link columns.
    pub path: Option<String>,
    /// The marks of numbers that are kept as their source text while their type may change.
    pub marks: Marks,
}

/// Tells as how many columns one counts.
type Weight = fn(&Paths, PathId) -> usize;

impl Schema {
    /// Starts with the main table and its link columns.
    pub fn new(options: SchemaOptions, paths: Arc<Paths>, caps: Caps) -> Self {
        let mut schema = Schema {
            options,
            paths,
            admission: Admission::new(caps),
            tables: Vec::new(),
            by_path: HashMap::default(),
            links_now: true,
            uses: Vec::new(),
            table_names: NameSet::default(),
            renamed_tables: Vec::new(),
            revision: 0,
            current_layouts: HashMap::default(),
        };
        schema.add_table(ROOT, None, None);
        schema
    }

    /// Returns the tables, in order of first appearance.
    pub fn tables(&self) -> &[TableSchema] {
        &self.tables
    }

    /// Returns what has been admitted so far.
    pub fn admission(&self) -> &Admission {
        &self.admission
    }

    /// Returns whether taking these batches would fill a table or the run, or cross the cap of tables.
    pub fn would_overflow(&self, batches: &[TableBatch]) -> bool {
        let caps = self.admission.caps();
        let is_new = |batch: &&TableBatch| !self.admission.has_table(batch.path);
        if self.admission.table_count() + batches.iter().filter(is_new).count() > caps.tables {
            return true;
        }
        let would_fill = |known: usize, most: usize, batches: &[TableBatch], weight: Weight| {
            let columns = batches.iter().flat_map(|batch| &batch.columns);
            let columns: usize = columns.map(|column| weight(&self.paths, column.path)).sum();
            if known + columns < most || known >= most {
                return false;
            }
            let new: usize = batches.iter().map(|batch| self.new_columns(batch, weight)).sum();
            new > 0 && known + new >= most
        };
        would_fill(self.admission.run_column_count(), caps.run_columns, batches, Paths::weight)
            || batches.iter().any(|batch| {
                let known = self.admission.column_count(batch.path);
                would_fill(known, caps.columns, slice::from_ref(batch), |_, _| 1)
            })
    }

    /// Counts the data columns that a batch has and its table has not, each for its weight.
    fn new_columns(&self, batch: &TableBatch, weight: Weight) -> usize {
        let data = batch.columns.iter().filter(|column| column.part != Part::Rest);
        data.filter(|column| !self.admission.has_column(batch.path, column.path, column.part))
            .map(|column| weight(&self.paths, column.path))
            .sum()
    }

    /// Returns the table whose elements are at a path, by index.
    pub fn table_at(&self, path: PathId) -> Option<usize> {
        self.by_path.get(&path).copied()
    }

    /// Returns where the column of a path stands: table and column, by index.
    pub fn place(&self, table: PathId, path: PathId, part: Part) -> Option<(usize, usize)> {
        let table = *self.by_path.get(&table)?;
        Some((table, *self.tables[table].by_origin.get(&(path, part))?))
    }

    /// Returns whether taking these batches would change a name or a type.
    pub fn would_change(&self, batches: &[TableBatch]) -> bool {
        batches.iter().any(|batch| {
            let is_new = !self.by_path.contains_key(&batch.path);
            is_new
                || batch.columns.iter().any(|column| {
                    let place = self.place(batch.path, column.path, column.part);
                    let Some((table, known)) = place else { return true };
                    let known = &self.tables[table].columns[known];
                    let mut kinds = known.kinds;
                    kinds.join(column.column.kinds());
                    let mut elements = known.element_kinds;
                    if let Some(kinds) = column.column.element_kinds() {
                        elements.join(kinds);
                    }
                    kinds != known.kinds || elements != known.element_kinds
                })
        })
    }

    /// Fits the batches of one chunk to the schema, which grows and widens as they demand.
    ///
    /// - Shape: a batch per table, parents before children; the same rows out.
    /// - Buffers: takes the batches; columns are passed on, not copied.
    pub fn fit(
        &mut self,
        batches: Vec<TableBatch>,
        numbers: &RecordNumbers,
        records: Records,
    ) -> Vec<Fitted> {
        if self.options.ids == IdMode::Auto {
            self.settle_links(records);
        }
        // Child ids count on from the rows that the parent's table had before this chunk.
        let rows_before: Vec<u64> = self.tables.iter().map(|table| table.rows).collect();
        batches.into_iter().map(|batch| self.fit_one(batch, numbers, &rows_before)).collect()
    }

    /// Gives the main table its link column with the first record that needs one.
    fn settle_links(&mut self, records: Records) {
        let main = &mut self.tables[0];
        let is_id = |column: &ColumnSchema| column.origin == Origin::Link(Link::Id);
        let is_early = |column: &ColumnSchema| {
            matches!(column.origin, Origin::Link(_)) || column.agreed.is_some()
        };
        let has_link = main.columns.iter().any(is_id);
        match records {
            Records::Rows if has_link && main.rows == 0 && main.columns.iter().all(is_early) => {
                self.revision += 1;
                main.columns.retain(|column| !is_id(column));
                main.by_origin.clear();
                for (place, column) in main.columns.iter().enumerate() {
                    if let Origin::Data { path, part } = column.origin {
                        main.by_origin.insert((path, part), place);
                    }
                }
            }
            Records::Rows => {}
            Records::Objects if has_link => {}
            Records::Objects => {
                self.revision += 1;
                main.columns.push(ColumnSchema::link(Link::Id, ColumnType::Int64));
            }
        }
        self.links_now = records == Records::Objects;
    }

    fn fit_one(
        &mut self,
        batch: TableBatch,
        numbers: &RecordNumbers,
        rows_before: &[u64],
    ) -> Fitted {
        let table = match self.by_path.get(&batch.path) {
            Some(&table) => table,
            None => {
                let parent = self.parent_of(batch.path);
                self.add_table(batch.path, Some(parent), None)
            }
        };
        let rows_of = |table: usize| rows_before.get(table).copied().unwrap_or(0);
        let mut columns = Vec::with_capacity(batch.columns.len() + 5);
        let rows = batch.rows;
        let parent = self.tables[table].parent;
        let links = batch.links;
        if let Some(texts) = links.texts {
            columns.push((Link::Id, Column::of_texts(texts.ids)));
            if let Some(parent) = parent {
                columns.push((Link::ParentId, Column::of_texts(texts.parents)));
                if parent != 0 {
                    columns.push((Link::RootId, Column::of_texts(texts.roots)));
                }
            }
        } else if self.options.ids.is_sequence() && self.links_now {
            let first = rows_of(table) as i64 + 1;
            let ids = match parent {
                None => numbers.ids(Cow::Borrowed(&batch.row_records)),
                Some(_) => Column::of_rows(RowNumbers::Run { first, count: rows }),
            };
            columns.push((Link::Id, ids));
            if let Some(parent) = parent {
                let base = rows_of(parent) as i64 + 1;
                let parents = match parent {
                    0 => numbers.ids(Cow::Owned(links.parents)),
                    _ => Column::of_rows(RowNumbers::Beyond { base, offsets: links.parents }),
                };
                columns.push((Link::ParentId, parents));
                if parent != 0 {
                    let roots = numbers.ids(Cow::Borrowed(&batch.row_records));
                    columns.push((Link::RootId, roots));
                }
            }
        }
        if parent.is_some() && self.options.ids != IdMode::None {
            let indexes = RowNumbers::Beyond { base: 0, offsets: links.indexes };
            columns.push((Link::Index, Column::of_rows(indexes)));
        }
        if let Some(sources) = links.sources {
            columns.push((Link::Source, sources));
        }
        let mut fitted = Vec::with_capacity(columns.len() + batch.columns.len());
        for (link, column) in columns {
            let place =
                self.tables[table].columns.iter().position(|c| c.origin == Origin::Link(link));
            fitted.extend(place.map(|place| (place, Box::new(column))));
        }
        if let Some(keys) = links.keys {
            fitted.push((self.key_column(table), Box::new(keys)));
        }
        for column in batch.columns {
            let place = self.column(table, column.path, column.part);
            let schema = &mut self.tables[table].columns[place];
            let before = (schema.kinds, schema.element_kinds);
            schema.kinds.join(column.column.kinds());
            if let Some(kinds) = column.column.element_kinds() {
                schema.element_kinds.join(kinds);
            }
            self.revision += u64::from(before != (schema.kinds, schema.element_kinds));
            schema.long_floats += column.column.long_float_count() as u64;
            fitted.push((place, column.column));
        }
        self.tables[table].rows += rows as u64;
        let (row_bytes, row_records) = (batch.row_bytes, batch.row_records);
        Fitted { table, rows, columns: fitted, row_bytes, row_records }
    }

    fn parent_of(&self, path: PathId) -> usize {
        let mut at = path;
        loop {
            at = self.paths.get(at).parent;
            if let Some(&table) = self.by_path.get(&at) {
                return table;
            }
        }
    }

    fn add_table(&mut self, path: PathId, parent: Option<usize>, given: Option<&str>) -> usize {
        let options = &self.options;
        let wanted = match (given, parent) {
            (Some(given), _) => given.to_owned(),
            (None, None) => options.name.clone(),
            (None, Some(parent)) => {
                let above = &self.tables[parent];
                let mut steps = self.paths.steps(above.path, path);
                steps.pop();
                let keys = join_keys(&steps, &options.separator, options.names);
                format!("{}{}{keys}", above.name, options.separator)
            }
        };
        self.revision += 1;
        let name = self.table_names.claim(&wanted);
        let links: &[Link] = match (&options.ids, parent) {
            (IdMode::None, _) => &[],
            (_, None) => &[Link::Id],
            (_, Some(0)) => &[Link::Id, Link::ParentId, Link::Index],
            (_, Some(_)) => &[Link::Id, Link::ParentId, Link::RootId, Link::Index],
        };
        let id_type = if options.ids.is_sequence() { ColumnType::Int64 } else { ColumnType::Text };
        let source = options.source_column.as_ref().filter(|_| parent.is_none());
        let links = links.iter().copied().chain(source.map(|_| Link::Source));
        let columns = links.map(|link| {
            let link_type = match link {
                Link::Index => ColumnType::Int64,
                Link::Source => ColumnType::Text,
                _ => id_type.clone(),
            };
            ColumnSchema::link(link, link_type)
        });
        let index = self.tables.len();
        if name != wanted {
            let path = self.paths.pointer(path);
            let table = name.clone();
            self.renamed_tables.push(Renamed { table, path, wanted, name: name.clone() });
        }
        self.tables.push(TableSchema {
            path,
            parent,
            name,
            columns: columns.collect(),
            rows: 0,
            is_agreed: false,
            by_origin: HashMap::default(),
        });
        self.by_path.insert(path, index);
        self.admission.note_table(path, &self.paths);
        if parent.is_some() {
            let array = self.paths.get(path).parent;
            self.uses_at(array).child_table = true;
            self.mark_above(array);
        }
        index
    }

    /// Notes at every path above that something lives below it, up to the row that holds it.
    fn mark_above(&mut self, path: PathId) {
        let mut at = path;
        while !self.by_path.contains_key(&at) {
            at = self.paths.get(at).parent;
            let uses = self.uses_at(at);
            if uses.below {
                return;
            }
            uses.below = true;
        }
    }

    fn uses_at(&mut self, path: PathId) -> &mut Uses {
        let index = path as usize;
        if index >= self.uses.len() {
            self.uses.resize(index + 1, Uses::default());
        }
        &mut self.uses[index]
    }

    fn column(&mut self, table: usize, path: PathId, part: Part) -> usize {
        if let Some(&place) = self.tables[table].by_origin.get(&(path, part)) {
            return place;
        }
        let mut steps = self.paths.steps(ROOT, path);
        let mut declared = declared::of(&self.options.types, &steps);
        if part == Part::List {
            steps.push(Step::Element);
            declared = declared::of(&self.options.types, &steps).or(declared);
        }
        if part != Part::Rest {
            self.admission.note_column(self.tables[table].path, path, part, &self.paths);
            self.uses_at(path).parts[part as usize] = true;
            self.mark_above(path);
        }
        self.revision += 1;
        let columns = &mut self.tables[table].columns;
        let place = columns.len();
        columns.push(ColumnSchema {
            origin: Origin::Data { path, part },
            kinds: Kinds::default(),
            element_kinds: Kinds::default(),
            declared,
            agreed: None,
            long_floats: 0,
            link_type: None,
        });
        self.tables[table].by_origin.insert((path, part), place);
        place
    }

    /// Finds or makes `_tm_key`, which a table has once a map feeds it.
    fn key_column(&mut self, table: usize) -> usize {
        let columns = &mut self.tables[table].columns;
        match columns.iter().position(|column| column.origin == Origin::Link(Link::Key)) {
            Some(place) => place,
            None => {
                self.revision += 1;
                columns.push(ColumnSchema::link(Link::Key, ColumnType::Text));
                columns.len() - 1
            }
        }
    }

    /// Returns [`Schema::layout`] as it was made last, if nothing has changed since.
    pub fn layout_now(&mut self, table: usize) -> CurrentLayout {
        if let Some((revision, known)) = self.current_layouts.get(&table)
            && *revision == self.revision
        {
            debug_assert_eq!(*known.layout, self.layout(table).0);
            debug_assert_eq!(*known.renamed, *self.layout(table).1);
            return known.clone();
        }
        let (layout, renamed) = self.layout(table);
        let known = CurrentLayout { layout: Arc::new(layout), renamed: renamed.into() };
        self.current_layouts.insert(table, (self.revision, known.clone()));
        known
    }

    /// Returns a table as it would be written now, and the names that were taken.
    pub fn layout(&self, table: usize) -> (Layout, Vec<Renamed>) {
        let schema = &self.tables[table];
        let mut names = NameSet::default();
        let mut renamed = Vec::new();
        let prefix = &self.options.meta_prefix;
        let mut columns: Vec<Option<LayoutColumn>> = vec![None; schema.columns.len()];
        let mut order = Vec::with_capacity(columns.len());
        let is_link = |column: &ColumnSchema| matches!(column.origin, Origin::Link(_));
        // Link columns have the first claim to their names, and stand first.
        let mut links: Vec<(Link, usize)> = Vec::new();
        for (index, column) in schema.columns.iter().enumerate() {
            if let Origin::Link(link) = column.origin {
                links.push((link, index));
            }
        }
        links.sort_unstable();
        for &(link, index) in &links {
            let name = match (&self.options.source_column, link) {
                (Some(name), Link::Source) => names.claim(name),
                _ => names.claim(&format!("{prefix}{}", link.suffix())),
            };
            let link_type = schema.columns[index].link_type.clone();
            let column_type = link_type.unwrap_or(ColumnType::Text);
            let (path, marks) = (None, Marks::default());
            columns[index] = Some(LayoutColumn { index, name, column_type, path, marks });
            order.push(index);
        }
        // Tables of CSV have no ids, and keep these names where their header has them.
        let has_ids = links.iter().any(|(link, _)| *link != Link::Source);
        if has_ids || self.options.ids != IdMode::Auto {
            for link in [Link::Id, Link::ParentId, Link::RootId, Link::Index, Link::Key] {
                names.reserve(&format!("{prefix}{}", link.suffix()));
            }
        }
        let is_rest =
            |column: &ColumnSchema| matches!(column.origin, Origin::Data { part: Part::Rest, .. });
        if has_ids || schema.columns.iter().any(is_rest) {
            names.reserve(&format!("{prefix}rest"));
        }
        if let Some(reserved) = self.options.reserved {
            names.reserve(reserved);
        }
        // Then the names that a contract gives, whatever stands before them.
        let given: HashMap<usize, String> = schema
            .columns
            .iter()
            .enumerate()
            .filter_map(|(index, column)| {
                let name = column.agreed.as_ref()?.name.as_ref()?;
                Some((index, names.claim(name)))
            })
            .collect();
        for (index, column) in schema.columns.iter().enumerate().filter(|(_, c)| !is_link(c)) {
            let Origin::Data { path, part } = column.origin else { continue };
            if !self.is_live(column, path, part) {
                continue;
            }
            let (wanted, pointer) = self.column_name(schema.path, path, part);
            let name = match (given.get(&index), part) {
                (Some(given), _) => given.clone(),
                (None, Part::Rest) => wanted.clone(),
                (None, _) => names.claim(&wanted),
            };
            if name != wanted && !given.contains_key(&index) {
                let (table, path) = (schema.name.clone(), pointer.clone());
                renamed.push(Renamed { table, path, wanted, name: name.clone() });
            }
            let column_type = widen::resolve(column, part, &self.options.widening);
            let (path, marks) = (Some(pointer), column.kinds.marks);
            columns[index] = Some(LayoutColumn { index, name, column_type, path, marks });
            order.push(index);
        }
        let layout = Layout {
            table: schema.name.clone(),
            path: self.paths.pointer(schema.path),
            parent: schema.parent.map(|parent| self.tables[parent].name.clone()),
            columns: order.into_iter().filter_map(|index| columns[index].take()).collect(),
        };
        (layout, renamed)
    }

    /// Says of a table which columns join it, and of its columns what they hold and which kinds of
    /// values they were given.
    pub(crate) fn describe(&self, layouts: &[Layout], profile: &mut TableProfile, keys: &[Keys]) {
        let Some(index) = self.tables.iter().position(|table| table.name == profile.name) else {
            return;
        };
        let (table, layout) = (&self.tables[index], &layouts[index]);
        profile.keys.clone_from(&keys[index]);
        profile.is_named_by_input = self.options.is_named_by_input && index == 0;
        for (column, described) in layout.columns.iter().zip(&mut profile.columns) {
            let known = &table.columns[column.index];
            let (counts, json) = (&described.kind_counts, vec![("json", described.values)]);
            let (role, kinds) = match known.origin {
                Origin::Link(_) => (Role::Link, Vec::new()),
                Origin::Data { part: Part::Scalar, .. } => {
                    (Role::Scalar, counts.named(&known.kinds))
                }
                Origin::Data { part: Part::List, .. } => {
                    (Role::List, counts.named(&known.element_kinds))
                }
                Origin::Data { part: Part::Json, .. } => (Role::Json, json),
                Origin::Data { part: Part::Rest, .. } => (Role::Rest, json),
            };
            (described.role, described.kinds) = (role, kinds);
        }
    }

    /// Returns whether a column is written.
    ///
    /// A column of nothing but nulls is not, where something else lives at its path or below it;
    /// nor is a list column of nothing but empty lists, where arrays there have a child table.
    fn is_live(&self, column: &ColumnSchema, path: PathId, part: Part) -> bool {
        let uses = self.uses.get(path as usize).copied().unwrap_or_default();
        match part {
            _ if column.agreed.is_some() => true,
            Part::Scalar => {
                let elsewhere = uses.parts[Part::List as usize] || uses.parts[Part::Json as usize];
                !(column.kinds.is_empty() && (elsewhere || uses.child_table || uses.below))
            }
            Part::List => !(column.kinds.only(Kinds::EMPTY_LIST) && uses.child_table),
            Part::Json | Part::Rest => true,
        }
    }

    /// Returns the name a column would like, and its path.
    fn column_name(&self, table: PathId, path: PathId, part: Part) -> (String, String) {
        let pointer = self.paths.pointer(path);
        if part == Part::Rest {
            return (format!("{}rest", self.options.meta_prefix), pointer);
        }
        let steps = self.paths.steps(table, path);
        let separator = &self.options.separator;
        let name = join_keys(&steps, separator, self.options.names);
        let by_origin = match self.by_path.get(&table) {
            Some(&table) => &self.tables[table].by_origin,
            None => return (name, pointer),
        };
        let columns = &self.tables[self.by_path[&table]].columns;
        let has = |other: Part| {
            by_origin
                .get(&(path, other))
                .is_some_and(|&place| self.is_live(&columns[place], path, other))
        };
        let suffix = match part {
            Part::List if has(Part::Scalar) || has(Part::Json) => Some("list"),
            Part::Json if has(Part::Scalar) || has(Part::List) => Some("json"),
            _ => None,
        };
        match suffix {
            Some(suffix) => (format!("{name}{separator}{suffix}"), pointer),
            None => (name, pointer),
        }
    }

    /// Returns the path of a column as users know it.
    pub fn pointer(&self, path: PathId) -> String {
        self.paths.pointer(path)
    }

    /// Returns whether arrays at `pointer` became a child table.
    pub fn has_child_table(&self, pointer: &str) -> bool {
        let element = format!("{pointer}/*");
        self.tables.iter().any(|table| self.paths.pointer(table.path) == element)
    }
}

impl ColumnSchema {
    fn link(link: Link, link_type: ColumnType) -> Self {
        ColumnSchema {
            origin: Origin::Link(link),
            kinds: Kinds::default(),
            element_kinds: Kinds::default(),
            declared: None,
            agreed: None,
            long_floats: 0,
            link_type: Some(link_type),
        }
    }
}
