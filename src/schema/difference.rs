//! Two schema files: how they differ, and the one that has room for both.

use std::collections::HashSet;
use std::fmt;

use super::contract::{Contract, ContractColumn, ContractTable};
use crate::flatten::DeclaredType;
use crate::flatten::names::fold;
use crate::flatten::path::pointer;

/// Digits of the widest decimal.
const DECIMAL_DIGITS: u8 = 38;

/// Digits of the integers of 64 bits.
const INT64_DIGITS: u8 = 19;

/// How a schema differs from another at one place.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Difference {
    /// JSON Pointer to the elements of a table, or to the values of a column.
    pub path: String,
    /// Whether it is a table; otherwise a column.
    pub is_table: bool,
    /// What it was; nothing where it is new.
    pub old: Option<String>,
    /// What it is; nothing where it is gone.
    pub new: Option<String>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Difference { path, is_table, old, new } = self;
        let noun = if *is_table { "table" } else { "column" };
        let path = crate::sink::names::printable(path);
        let shown = |text: &str| crate::sink::names::printable(text);
        match (old, new) {
            (None, Some(new)) => write!(f, "+ {noun} `{path}`: {}", shown(new)),
            (Some(old), None) => write!(f, "- {noun} `{path}`: {}", shown(old)),
            (Some(old), Some(new)) => {
                write!(f, "~ {noun} `{path}`: {} -> {}", shown(old), shown(new))
            }
            (None, None) => Ok(()),
        }
    }
}

impl Contract {
    /// Returns how `new` differs from this one: tables and columns that are gone, other or new.
    ///
    /// Where nobody chose the name of the main table in one of them, it is no difference that it
    /// has another one, nor that the names of other tables start with another one.
    ///
    /// ```
    /// use transmog::Contract;
    ///
    /// let schema = |columns: &str| {
    ///     let text = format!(r#"{{"version": 1, "tables": [{{"path": "", "columns": [{columns}]}}]}}"#);
    ///     text.parse::<Contract>()
    /// };
    /// let old = schema(r#"{"path": "/id", "type": "int64"}"#)?;
    /// let new = schema(r#"{"path": "/id", "type": "text"}, {"path": "/v", "type": "bool"}"#)?;
    /// let told: Vec<_> = old.differences(&new).iter().map(ToString::to_string).collect();
    /// assert_eq!(told, ["~ column `/id`: int64 -> text", "+ column `/v`: bool"]);
    /// # Ok::<(), transmog::Error>(())
    /// ```
    pub fn differences(&self, new: &Contract) -> Vec<Difference> {
        let mut found = Vec::new();
        for table in &self.tables {
            match new.table(table) {
                Some(other) => {
                    if table.name != other.name && !self.names_alike(table, new, other) {
                        found.push(table.difference(Some(table), Some(other)));
                    }
                    table.compare(other, &mut found);
                }
                None => found.push(table.difference(Some(table), None)),
            }
        }
        for table in new.tables.iter().filter(|table| self.table(table).is_none()) {
            found.push(table.difference(None, Some(table)));
            let columns = table.columns.iter();
            found.extend(columns.map(|column| column.difference(None, Some(column))));
        }
        found
    }

    /// Returns whether names of a table differ only in that of the main table, which nobody chose.
    fn names_alike(&self, table: &ContractTable, new: &Contract, other: &ContractTable) -> bool {
        if !self.is_named_by_input && !new.is_named_by_input {
            return false;
        }
        self.name_below_main(table) == new.name_below_main(other)
    }

    /// Returns what stands in a name behind that of the main table, or all of it.
    fn name_below_main<'a>(&'a self, table: &'a ContractTable) -> Option<&'a str> {
        let main = self.tables.first()?.name.as_deref();
        let name = table.name.as_deref().or(main.filter(|_| table.steps.is_empty()));
        let below = main.zip(name).and_then(|(main, name)| name.strip_prefix(main));
        below.or(name)
    }

    /// Returns the schema that has room for what either describes: all tables and columns, under
    /// the names that they have here first, each of a type that holds both.
    ///
    /// - Source: "Widening" in ARCHITECTURE.md; integers beside doubles are double, as a run that
    ///   is held to that widens it once an integer is not exact in it.
    pub fn merged(&self, other: &Contract) -> Contract {
        let mut tables = self.tables.clone();
        let mut names: HashSet<String> = names(tables.iter().map(|table| &table.name));
        for table in &mut tables {
            if let Some(other) = other.table(table) {
                table.merge(other);
            }
        }
        for table in other.tables.iter().filter(|table| self.table(table).is_none()) {
            let name = table.name.clone().filter(|name| names.insert(fold(name)));
            tables.push(ContractTable { name, ..table.clone() });
        }
        Contract { tables, is_named_by_input: self.is_named_by_input }
    }

    fn table(&self, like: &ContractTable) -> Option<&ContractTable> {
        self.tables.iter().find(|table| table.steps == like.steps)
    }
}

fn names<'a>(names: impl Iterator<Item = &'a Option<String>>) -> HashSet<String> {
    names.flatten().map(|name| fold(name)).collect()
}

impl ContractTable {
    fn column(&self, like: &ContractColumn) -> Option<&ContractColumn> {
        let mut columns = self.columns.iter();
        columns.find(|column| column.steps == like.steps && column.part == like.part)
    }

    fn difference(&self, old: Option<&Self>, new: Option<&Self>) -> Difference {
        let told = |table: &Self| table.name.clone().unwrap_or_else(|| "(no name)".to_owned());
        Difference {
            path: pointer(&self.steps),
            is_table: true,
            old: old.map(told),
            new: new.map(told),
        }
    }

    fn compare(&self, new: &Self, found: &mut Vec<Difference>) {
        for column in &self.columns {
            let other = new.column(column);
            let difference = column.difference(Some(column), other);
            if difference.old != difference.new {
                found.push(difference);
            }
        }
        let added = new.columns.iter().filter(|column| self.column(column).is_none());
        found.extend(added.map(|column| column.difference(None, Some(column))));
    }

    fn merge(&mut self, other: &Self) {
        let mut names = names(self.columns.iter().map(|column| &column.name));
        for column in &mut self.columns {
            match other.column(column) {
                Some(other) => column.merge(other),
                None => column.nullable = true,
            }
        }
        for column in &other.columns {
            if self.column(column).is_none() {
                let name = column.name.clone().filter(|name| names.insert(fold(name)));
                self.columns.push(ContractColumn { name, nullable: true, ..column.clone() });
            }
        }
    }
}

impl ContractColumn {
    fn difference(&self, old: Option<&Self>, new: Option<&Self>) -> Difference {
        // a name that is worked out follows from the path
        let has_name = |name: &Option<String>| old.is_some() && new.is_some() && name.is_some();
        let is_renamed = matches!((old, new), (Some(old), Some(new)) if old.name != new.name);
        let told = |column: &Self| {
            let mut told = column.type_text();
            if !column.nullable {
                told.push_str(", not null");
            }
            if is_renamed && has_name(&column.name) {
                told.push_str(&format!(
                    ", called `{}`",
                    column.name.as_deref().unwrap_or_default()
                ));
            }
            told
        };
        Difference {
            path: pointer(&self.steps),
            is_table: false,
            old: old.map(told),
            new: new.map(told),
        }
    }

    fn merge(&mut self, other: &Self) {
        self.nullable |= other.nullable;
        match (self.is_empty, other.is_empty) {
            // nothing was there to tell a type from
            (_, true) => {}
            (true, false) => (self.wanted, self.is_empty) = (other.wanted, false),
            (false, false) => self.wanted = joined(self.wanted, other.wanted),
        }
    }
}

/// Returns the type that holds the values of both.
fn joined(a: DeclaredType, b: DeclaredType) -> DeclaredType {
    use DeclaredType::{Decimal, Double, Int64, Json, Text};
    let decimal = |whole: u8, scale: u8| match whole + scale {
        precision if precision <= DECIMAL_DIGITS => Decimal { precision, scale },
        _ => Text,
    };
    match (a, b) {
        (a, b) if a == b => a,
        (Json, _) | (_, Json) => Json,
        (Int64, Double) | (Double, Int64) => Double,
        (Int64, Decimal { precision, scale }) | (Decimal { precision, scale }, Int64) => {
            decimal((precision - scale).max(INT64_DIGITS), scale)
        }
        (Decimal { precision: p, scale: s }, Decimal { precision: q, scale: t }) => {
            decimal((p - s).max(q - t), s.max(t))
        }
        _ => Text,
    }
}
