//! A schema given by the user: which tables and columns there are, and their types.
//!
//! A schema file is JSON:
//!
//! ```json
//! {
//!   "version": 1,
//!   "tables": [
//!     {
//!       "path": "",
//!       "name": "orders",
//!       "columns": [
//!         {"path": "/id", "type": "int64", "nullable": false},
//!         {"path": "/customer/name", "name": "customer", "type": "text"},
//!         {"path": "/tags", "type": "list(text)"},
//!         {"path": "/payload", "type": "json"}
//!       ]
//!     },
//!     {"path": "/items/*", "columns": [{"path": "/items/*/sku", "type": "text"}]}
//!   ]
//! }
//! ```
//!
//! - The first table is the main table, whose path is empty; a table stands behind its parent. The
//!   `path` of a table is that of its elements, and all paths are JSON Pointers from the record, in
//!   which `*` is an array index or map key and `~2` a key `*`: as `transmog.table` and
//!   `transmog.path` have them in Parquet files.
//! - A column lies in the table of its innermost `*`. A list column has the path of its array, a
//!   column of scalar elements the path of the table itself.
//! - `type` is `bool`, `int64`, `double`, `decimal(P,S)`, `text`, `date`, `timestamp`,
//!   `timestamptz`, `json`, or a list of one, as in `list(int64)`. A `json` column takes whatever
//!   no other column or table has a place for at its path.
//! - `name` may be left out, and follows from the path then; so may `nullable`, which is `true`
//!   then. A row without a value in a column of `"nullable": false` is a violation, also where its
//!   value was left out in `discard`; `evolve` does not ask.
//! - `part` tells columns of one path apart and mostly follows from the type: `list`, `json`, or
//!   `scalar` for all others. It needs to be said of scalars that are kept as JSON text:
//!   `{"path": "/v", "type": "json", "part": "scalar"}`.
//! - `"name_from": "input"` of the main table says that nobody chose its name: it is that of the
//!   file the schema was learned from. So is the start of the names of the other tables.
//! - Link columns are no part of it.
//! - `rows` of a table and `seen` of a column say what was there when the schema was learned, and
//!   hold nobody to it.

use std::collections::{HashMap, HashSet};
use std::fmt::{self, Write};
use std::str::FromStr;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::widen::ColumnType;
use super::{Layout, Origin, Schema};
use crate::error::Error;
use crate::flatten::names::fold;
use crate::flatten::path::{PathPattern, ROOT, Step, parse_pointer, pointer};
use crate::flatten::terms::Terms;
use crate::flatten::{DeclaredType, SchemaMode};
use crate::table::Part;

/// The version of the format that is written, and the only one that is read.
pub(crate) const VERSION: u64 = 1;

/// Tables and columns that a run is held to: a schema file.
///
/// ```
/// use transmog::Contract;
///
/// let text = r#"{"version": 1, "tables": [
///     {"path": "", "columns": [{"path": "/id", "type": "int64", "nullable": false}]}
/// ]}"#;
/// let contract = Contract::parse("orders.schema.json", text)?;
/// assert_eq!(contract.to_string().parse::<Contract>()?, contract);
/// # Ok::<(), transmog::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Contract {
    pub(crate) tables: Vec<ContractTable>,
    /// Nobody chose the name of the main table.
    pub(crate) is_named_by_input: bool,
}

/// A table of a contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ContractTable {
    pub steps: Vec<Step>,
    pub name: Option<String>,
    pub columns: Vec<ContractColumn>,
}

/// A column of a contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ContractColumn {
    pub steps: Vec<Step>,
    pub name: Option<String>,
    /// Of a list the type of its elements.
    pub wanted: DeclaredType,
    pub part: Part,
    pub nullable: bool,
    /// It had no value when the schema was learned, so its type says little.
    pub is_empty: bool,
}

/// What a contract says of a column of the schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agreed {
    /// The type; of a list that of its elements.
    pub wanted: DeclaredType,
    /// The type is the least one.
    pub may_widen: bool,
    /// The name; given, and once all columns of the contract are known also worked out.
    pub name: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileEntry {
    version: u64,
    tables: Vec<TableEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TableEntry {
    path: Pointer,
    name: Option<String>,
    name_from: Option<NameFrom>,
    columns: Vec<ColumnEntry>,
    /// What was there when the schema was learned.
    #[serde(rename = "rows")]
    _rows: Option<IgnoredAny>,
}

/// Where the name of a table comes from that nobody chose.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum NameFrom {
    Input,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ColumnEntry {
    path: Pointer,
    name: Option<String>,
    #[serde(rename = "type")]
    column_type: WrittenType,
    nullable: Option<bool>,
    part: Option<PartEntry>,
    /// What was there when the schema was learned.
    seen: Option<SeenEntry>,
}

/// What was seen of a column; other members are for people.
#[derive(Deserialize)]
struct SeenEntry {
    values: u64,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum PartEntry {
    Scalar,
    List,
    Json,
}

#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Pointer(Vec<Step>);

impl TryFrom<String> for Pointer {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        parse_pointer(&text).map(Pointer).ok_or_else(|| {
            format!("path `{text}`: expected a JSON Pointer such as `/items/*/sku`, or nothing")
        })
    }
}

/// A type as it is written: of a column, or of the elements of a list.
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct WrittenType {
    wanted: DeclaredType,
    is_list: bool,
}

impl TryFrom<String> for WrittenType {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let element = text.strip_prefix("list(").and_then(|rest| rest.strip_suffix(')'));
        let wanted = element.unwrap_or(&text).parse().map_err(|_| {
            format!(
                "type `{text}`: expected `text`, `bool`, `int64`, `double`, `decimal(P,S)`, \
                 `date`, `timestamp`, `timestamptz`, `json`, or a list such as `list(text)`"
            )
        })?;
        Ok(WrittenType { wanted, is_list: element.is_some() })
    }
}

impl FromStr for Contract {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Contract::parse("schema", text)
    }
}

impl Contract {
    /// Reads the text of a schema file; `name` is what messages call it.
    ///
    /// - Errors: `Usage`.
    pub fn parse(name: &str, text: &str) -> Result<Self, Error> {
        let file: FileEntry = serde_json::from_str(text).map_err(|cause| {
            let whole = cause.to_string();
            let what = whole.rsplit_once(" at line ").map_or(&*whole, |(what, _)| what);
            Error::usage(format!("{name}:{}:{}: {what}", cause.line(), cause.column()))
        })?;
        if file.version != VERSION {
            let found = file.version;
            return Err(Error::usage(format!(
                "{name}: `version`: expected {VERSION}, found {found}"
            )));
        }
        let mut contract = Contract::default();
        for (place, table) in file.tables.into_iter().enumerate() {
            if table.name_from.is_some() && place > 0 {
                let path = pointer(&table.path.0);
                let what = format!("table `{path}`: `name_from`: expected the main table");
                return Err(Error::usage(format!("{name}: {what}")));
            }
            contract.is_named_by_input |= table.name_from.is_some();
            let table =
                read_table(table).map_err(|what| Error::usage(format!("{name}: {what}")))?;
            contract.tables.push(table);
        }
        contract.check().map_err(|what| Error::usage(format!("{name}: {what}")))?;
        Ok(contract)
    }

    /// Looks whether tables and columns can stand side by side; says what is wrong.
    fn check(&self) -> Result<(), String> {
        if self.tables.first().is_none_or(|table| !table.steps.is_empty()) {
            return Err("expected the main table first, whose path is ``".to_owned());
        }
        let mut known = HashSet::new();
        let mut names = HashSet::new();
        for table in &self.tables {
            let path = pointer(&table.steps);
            if !known.insert(&table.steps[..]) {
                return Err(format!("table `{path}` stands twice"));
            }
            check_name(&mut names, table.name.as_deref(), &format!("table `{path}`"))?;
            if let Some((last, above)) = table.steps.split_last() {
                if *last != Step::Element {
                    return Err(format!("table `{path}`: expected a path that ends in `/*`"));
                }
                let inner = above.iter().rposition(|step| *step == Step::Element);
                let parent = &above[..inner.map_or(0, |place| place + 1)];
                if !known.contains(parent) {
                    let parent = pointer(parent);
                    return Err(format!(
                        "table `{path}`: expected its parent `{parent}` before it"
                    ));
                }
            }
            table.check()?;
        }
        Ok(())
    }

    /// Returns what the flattener is to ask.
    pub(crate) fn terms(&self, mode: SchemaMode) -> Terms {
        let mut terms = Terms::new(mode);
        for table in &self.tables {
            terms.add_table(&table.steps);
            let path = pointer(&table.steps);
            for column in &table.columns {
                let ContractColumn { steps, part, wanted, nullable, .. } = column;
                terms.add_column(&path, steps, *part, *wanted, !nullable);
            }
        }
        terms
    }

    /// Returns the schema of a run as a contract for others: all columns as they are written, but
    /// for link columns and the rest column.
    pub(crate) fn of(schema: &Schema, layouts: &[Layout]) -> Self {
        let steps = |path| schema.paths.steps(ROOT, path);
        let tables = schema.tables.iter().zip(layouts).map(|(table, layout)| {
            let columns = layout.columns.iter().filter_map(|column| {
                let Origin::Data { path, part } = table.columns[column.index].origin else {
                    return None;
                };
                let wanted = match &column.column_type {
                    ColumnType::List(element) => declared_of(element)?,
                    other => declared_of(other)?,
                };
                let name = Some(column.name.clone());
                let data = ContractColumn {
                    steps: steps(path),
                    name,
                    wanted,
                    part,
                    nullable: true,
                    is_empty: false,
                };
                (part != Part::Rest).then_some(data)
            });
            let columns = columns.collect();
            ContractTable { steps: steps(table.path), name: Some(layout.table.clone()), columns }
        });
        let is_named_by_input = schema.options.is_named_by_input;
        Contract { tables: tables.collect(), is_named_by_input }
    }
}

fn read_table(table: TableEntry) -> Result<ContractTable, String> {
    let mut columns = Vec::with_capacity(table.columns.len());
    for column in table.columns {
        let WrittenType { wanted, is_list } = column.column_type;
        let own = match (is_list, wanted) {
            (true, _) => PartEntry::List,
            (false, DeclaredType::Json) => PartEntry::Json,
            (false, _) => PartEntry::Scalar,
        };
        let part = column.part.unwrap_or(own);
        let steps = column.path.0;
        if part != own && (part, own) != (PartEntry::Scalar, PartEntry::Json) {
            let path = pointer(&steps);
            return Err(format!(
                "column `{path}`: its `part` and its `type` contradict each other"
            ));
        }
        let part = match part {
            PartEntry::Scalar => Part::Scalar,
            PartEntry::List => Part::List,
            PartEntry::Json => Part::Json,
        };
        let (name, nullable) = (column.name, column.nullable.unwrap_or(true));
        let is_empty = column.seen.is_some_and(|seen| seen.values == 0);
        columns.push(ContractColumn { steps, name, wanted, part, nullable, is_empty });
    }
    Ok(ContractTable { steps: table.path.0, name: table.name, columns })
}

fn check_name(names: &mut HashSet<String>, name: Option<&str>, whose: &str) -> Result<(), String> {
    match name {
        Some("") => Err(format!("{whose}: expected a name, found nothing")),
        Some(name) if !names.insert(fold(name)) => {
            Err(format!("{whose}: expected another name than `{name}`, which is taken"))
        }
        _ => Ok(()),
    }
}

impl ContractTable {
    fn check(&self) -> Result<(), String> {
        let mut known = HashSet::new();
        let mut names = HashSet::new();
        for column in &self.columns {
            let path = pointer(&column.steps);
            let Some(inside) = column.steps.strip_prefix(&self.steps[..]) else {
                let table = pointer(&self.steps);
                return Err(format!("column `{path}`: expected a path below `{table}`, its table"));
            };
            if inside.contains(&Step::Element) {
                let table = column.steps.iter().rposition(|step| *step == Step::Element);
                let table = pointer(&column.steps[..=table.unwrap_or(0)]);
                return Err(format!("column `{path}`: expected it in a table `{table}`"));
            }
            if column.steps.is_empty() {
                return Err("column ``: expected the path of a value in the record".to_owned());
            }
            if !known.insert((&column.steps, column.part)) {
                return Err(format!("column `{path}` stands twice"));
            }
            check_name(&mut names, column.name.as_deref(), &format!("column `{path}`"))?;
        }
        Ok(())
    }
}

/// Writes the text of a schema file.
impl fmt::Display for Contract {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |text: &str| serde_json::Value::from(text).to_string();
        write!(f, "{{\n  \"version\": {VERSION},\n  \"tables\": [")?;
        for (place, table) in self.tables.iter().enumerate() {
            f.write_str(if place > 0 { ",\n    {" } else { "\n    {" })?;
            write!(f, "\n      \"path\": {},", text(&pointer(&table.steps)))?;
            if let Some(name) = &table.name {
                write!(f, "\n      \"name\": {},", text(name))?;
            }
            if self.is_named_by_input && place == 0 {
                f.write_str("\n      \"name_from\": \"input\",")?;
            }
            f.write_str("\n      \"columns\": [")?;
            for (place, column) in table.columns.iter().enumerate() {
                f.write_str(if place > 0 { ",\n        {" } else { "\n        {" })?;
                write!(f, "\"path\": {}", text(&pointer(&column.steps)))?;
                if let Some(name) = &column.name {
                    write!(f, ", \"name\": {}", text(name))?;
                }
                write!(f, ", \"type\": {}", text(&column.type_text()))?;
                if column.part == Part::Scalar && column.wanted == DeclaredType::Json {
                    f.write_str(", \"part\": \"scalar\"")?;
                }
                if !column.nullable {
                    f.write_str(", \"nullable\": false")?;
                }
                if column.is_empty {
                    f.write_str(", \"seen\": {\"values\": 0}")?;
                }
                f.write_char('}')?;
            }
            f.write_str(if table.columns.is_empty() { "]" } else { "\n      ]" })?;
            f.write_str("\n    }")?;
        }
        f.write_str("\n  ]\n}\n")
    }
}

impl ContractColumn {
    /// Returns its type as it is written.
    pub(super) fn type_text(&self) -> String {
        type_text(self.part, self.wanted)
    }
}

fn type_text(part: Part, wanted: DeclaredType) -> String {
    match part {
        Part::List => format!("list({wanted})"),
        Part::Scalar | Part::Json | Part::Rest => wanted.to_string(),
    }
}

/// Returns the type that users would have to write; nothing for lists.
fn declared_of(column_type: &ColumnType) -> Option<DeclaredType> {
    Some(match column_type {
        ColumnType::Bool => DeclaredType::Bool,
        ColumnType::Int64 => DeclaredType::Int64,
        ColumnType::Decimal { precision, scale } => {
            DeclaredType::Decimal { precision: *precision, scale: *scale }
        }
        ColumnType::Double => DeclaredType::Double,
        ColumnType::Date => DeclaredType::Date,
        ColumnType::Timestamp { utc: false, .. } => DeclaredType::Timestamp,
        ColumnType::Timestamp { utc: true, .. } => DeclaredType::TimestampUtc,
        ColumnType::Text => DeclaredType::Text,
        ColumnType::Json => DeclaredType::Json,
        ColumnType::List(_) => return None,
    })
}

impl Schema {
    /// Starts from the tables and columns of a contract; objects at `maps` have a table with keys.
    ///
    /// - Errors: `Usage` where a name of the contract is taken by a link column.
    pub(crate) fn agree(
        &mut self,
        contract: &Contract,
        mode: SchemaMode,
        maps: &[PathPattern],
    ) -> Result<(), Error> {
        for table in &contract.tables {
            let index = match table.steps.split_last() {
                None => 0,
                Some((_, above)) => {
                    let path = self.intern(&table.steps);
                    let parent = self.parent_of(path);
                    let index = self.add_table(path, Some(parent), table.name.as_deref());
                    if maps.iter().any(|pattern| pattern.matches(above)) {
                        self.key_column(index);
                    }
                    index
                }
            };
            if let Some(name) = table.name.as_ref().filter(|_| index > 0)
                && self.tables[index].name != *name
            {
                return Err(name_taken(&format!("table `{}`", pointer(&table.steps)), name));
            }
            self.tables[index].is_agreed = true;
            for column in &table.columns {
                let path = self.intern(&column.steps);
                let place = self.column(index, path, column.part);
                self.tables[index].columns[place].agreed = Some(Agreed {
                    wanted: column.wanted,
                    may_widen: mode == SchemaMode::Evolve,
                    name: column.name.clone(),
                });
            }
        }
        for (index, table) in contract.tables.iter().enumerate() {
            self.settle_names(index, table)?;
        }
        Ok(())
    }

    fn intern(&self, steps: &[Step]) -> crate::table::PathId {
        steps.iter().fold(ROOT, |above, step| self.paths.intern(above, step))
    }

    /// Fixes the names of a contract's columns, whatever comes later.
    fn settle_names(&mut self, index: usize, table: &ContractTable) -> Result<(), Error> {
        let (layout, _) = self.layout(index);
        let given: HashMap<&str, &ContractColumn> = table
            .columns
            .iter()
            .filter_map(|column| Some((column.name.as_deref()?, column)))
            .collect();
        let mut settled = HashSet::new();
        for column in &layout.columns {
            if let Some(agreed) = &mut self.tables[index].columns[column.index].agreed {
                agreed.name = Some(column.name.clone());
                settled.insert(column.name.as_str());
            }
        }
        match given.iter().find(|(name, _)| !settled.contains(*name)) {
            Some((name, column)) => {
                Err(name_taken(&format!("column `{}`", pointer(&column.steps)), name))
            }
            None => Ok(()),
        }
    }

    /// Returns where tables and columns are other than the contract has them, and how.
    pub(crate) fn changes(&self, layouts: &[Layout]) -> Vec<(String, String)> {
        let mut changes = Vec::new();
        for (table, layout) in self.tables.iter().zip(layouts) {
            let name = &layout.table;
            if !table.is_agreed {
                changes.push((layout.path.clone(), format!("table `{name}` is new")));
                continue;
            }
            for column in &layout.columns {
                let schema = &table.columns[column.index];
                let Origin::Data { part, .. } = schema.origin else { continue };
                let (now, own) = (column.column_type.to_string(), &column.name);
                let change = match &schema.agreed {
                    _ if part == Part::Rest => continue,
                    None => format!("column `{own}` of `{name}` is new, {now}"),
                    Some(agreed) => match type_text(part, agreed.wanted) {
                        same if same == now => continue,
                        was => format!("column `{own}` of `{name}` widened from {was} to {now}"),
                    },
                };
                changes.push((column.path.clone().unwrap_or_default(), change));
            }
        }
        changes
    }
}

fn name_taken(whose: &str, name: &str) -> Error {
    Error::usage(format!("schema: {whose}: expected another name than `{name}`, which is taken"))
        .with_hint("link columns, and tables and columns without a name of their own, take theirs")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads the columns of a main table and of a table `/i/*`, written without their braces.
    fn read(main: &[&str], items: &[&str]) -> Result<Contract, Error> {
        let columns = |columns: &[&str]| {
            let columns: Vec<_> = columns.iter().map(|column| format!("{{{column}}}")).collect();
            columns.join(",")
        };
        format!(
            r#"{{"version":1,"tables":[{{"path":"","columns":[{}]}},{{"path":"/i/*","columns":[{}]}}]}}"#,
            columns(main),
            columns(items)
        )
        .parse()
    }

    #[track_caller]
    fn refuses(contract: Result<Contract, Error>, expected: &str) {
        let message = contract.expect_err(expected).to_string();
        assert!(message.contains(expected), "{message}");
    }

    #[test]
    fn columns_are_read_and_written() {
        let types = [
            "text",
            "bool",
            "int64",
            "double",
            "decimal(38,0)",
            "date",
            "timestamp",
            "timestamptz",
            "json",
            "list(text)",
            "list(json)",
            "list(decimal(9,2))",
        ];
        for wanted in types {
            let column = format!(r#""path":"/v","type":"{wanted}""#);
            let contract = read(&[&column], &[]).unwrap();
            assert_eq!(contract.tables[0].columns[0].type_text(), wanted);
            assert_eq!(contract.to_string().parse::<Contract>().unwrap(), contract);
        }
        for column in [
            r#""path":"/v","type":"json","part":"scalar""#,
            r#""path":"/v","type":"text","part":"scalar","nullable":false,"name":"a \" b""#,
            r#""path":"/~2/a~1b/~0","type":"list(int64)","part":"list","nullable":true"#,
            r#""path":"/","type":"text""#,
        ] {
            let contract = read(&[column], &[r#""path":"/i/*","type":"text""#]).unwrap();
            assert_eq!(contract.to_string().parse::<Contract>().unwrap(), contract, "{column}");
        }
    }

    #[test]
    fn parts_of_one_path_stand_side_by_side() {
        let parts = [
            r#""path":"/i","type":"text""#,
            r#""path":"/i","type":"list(text)""#,
            r#""path":"/i","type":"json""#,
            r#""path":"/i/x","type":"text""#,
        ];
        assert_eq!(read(&parts, &[]).unwrap().tables[0].columns.len(), 4);
    }

    #[test]
    fn columns_that_contradict_each_other_are_refused() {
        let v = |rest: &str| format!(r#""path":"/v",{rest}"#);
        let text = v(r#""type":"text""#);
        for (columns, expected) in [
            ([&*text, &*text], "column `/v` stands twice"),
            ([&text, &v(r#""type":"int64""#)], "column `/v` stands twice"),
            ([&text, &v(r#""type":"list(list(text))""#)], "type `list(list(text))`: expected"),
            ([&text, &v(r#""type":"decimal(39,0)""#)], "type `decimal(39,0)`: expected"),
            ([&text, &v(r#""type":"text","part":"list""#)], "contradict each other"),
            ([&text, &v(r#""type":"list(text)","part":"json""#)], "contradict each other"),
            ([&text, &v(r#""type":"text","part":"rest""#)], "unknown variant `rest`"),
            ([&text, &v(r#""type":"text","nulls":true"#)], "unknown field `nulls`"),
            ([&text, &v(r#""type":"text","nullable":"no""#)], "expected a boolean"),
            ([&text, &v(r#""type":"text","type":"text""#)], "duplicate field `type`"),
            ([&text, r#""path":"/w""#], "missing field `type`"),
            ([&text, r#""path":"/w","type":"text","name":"""#], "expected a name, found nothing"),
            ([&text, r#""path":"/i/*/a","type":"text""#], "expected it in a table `/i/*`"),
            ([&text, r#""path":"","type":"text""#], "expected the path of a value"),
            ([&text, r#""path":"/a~","type":"text""#], "path `/a~`: expected a JSON Pointer"),
        ] {
            refuses(read(&columns, &[]), expected);
        }
        let named =
            |path: &str, name: &str| format!(r#""path":"{path}","type":"text","name":"{name}""#);
        let clash = read(&[&named("/a", "é"), &named("/b", "É")], &[]);
        refuses(clash, "column `/b`: expected another name than `É`, which is taken");
        refuses(read(&[], &[&text]), "column `/v`: expected a path below `/i/*`, its table");
    }

    #[test]
    fn tables_stand_behind_their_parents() {
        let read = |paths: &[&str]| -> Result<Contract, Error> {
            let table = |path: &&str| format!(r#"{{"path":"{path}","columns":[]}}"#);
            let tables: Vec<_> = paths.iter().map(table).collect();
            format!(r#"{{"version":1,"tables":[{}]}}"#, tables.join(",")).parse()
        };
        assert!(read(&["", "/a/b/*", "/a/b/*/c/*", "/a/b/*/*"]).is_ok());
        for (paths, expected) in [
            (&["/a/*", ""][..], "expected the main table first"),
            (&["", "/a/*/b/*", "/a/*"], "table `/a/*/b/*`: expected its parent `/a/*` before it"),
            (&["", "/a"], "table `/a`: expected a path that ends in `/*`"),
            (&["", "/a/*", "/a/*"], "table `/a/*` stands twice"),
            (&["", ""], "table `` stands twice"),
        ] {
            refuses(read(paths), expected);
        }
    }

    #[test]
    fn faults_of_the_file_have_their_place() {
        let error = Contract::parse("s.json", "{\n  \"version\": \"1\"\n}").unwrap_err();
        assert_eq!(error.to_string(), "s.json:2:16: invalid type: string \"1\", expected u64");
        assert_eq!(error.kind(), crate::ErrorKind::Usage);
    }
}
