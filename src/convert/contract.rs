//! What a schema file cannot be given together with.

use super::{Conversion, DateMode};
use crate::error::Error;
use crate::flatten::path::{PathPattern, Step, pointer};
use crate::flatten::selection::Keep;
use crate::flatten::{IdMode, SchemaMode};
use crate::limits;
use crate::schema::contract::{Contract, ContractColumn};
use crate::table::Part;

impl Conversion {
    /// Returns the contract, where it says all tables and columns there may be.
    pub(super) fn closed_contract(&self) -> Option<&Contract> {
        self.contract.as_ref().filter(|_| self.schema_mode != SchemaMode::Evolve)
    }

    /// Checks the contract against the other options.
    ///
    /// - Errors: `Usage`.
    pub(super) fn check_contract(&self) -> Result<(), Error> {
        let Some(contract) = &self.contract else {
            if self.schema_mode == SchemaMode::default() {
                return Ok(());
            }
            return Err(Error::usage("`--schema-mode`: expected `--schema`, found nothing"));
        };
        if self.flatten.all_text {
            return Err(Error::usage("`--all-text`: expected to be left out beside `--schema`")
                .with_hint("the schema says which columns are text"));
        }
        if self.closed_contract().is_some() {
            self.check_closed(contract)?;
        }
        for column in contract.tables.iter().flat_map(|table| &table.columns) {
            if let Some((pattern, declared)) =
                self.flatten.types.iter().find(|(pattern, _)| means(pattern, column))
            {
                let path = pointer(&column.steps);
                return Err(Error::usage(format!(
                    "`--type {pattern}={declared}`: the schema says already what `{path}` is"
                ))
                .with_hint("say it once, here or there"));
            }
        }
        let (tables, tables_max) = (contract.tables.len(), self.flatten.max_tables);
        if tables > tables_max {
            let message = format!("`--schema`: expected at most {tables_max} tables");
            return Err(Error::usage(format!("{message}, found {tables}"))
                .with_hint("raise it with `--max-tables`"));
        }
        for table in &contract.tables {
            let (columns, columns_max) = (table.columns.len(), self.flatten.max_columns);
            if columns > columns_max {
                let path = pointer(&table.steps);
                let message = format!("`--schema`: table `{path}`: expected at most {columns_max}");
                return Err(Error::usage(format!("{message} columns, found {columns}"))
                    .with_hint("raise it with `--max-columns`"));
            }
        }
        Ok(())
    }

    /// Checks what a contract that says all there may be decides alone, and what it must have.
    fn check_closed(&self, contract: &Contract) -> Result<(), Error> {
        let flatten = &self.flatten;
        let flags = [
            (self.arrays.is_some(), "--arrays"),
            (!flatten.arrays_at.is_empty(), "--arrays-at"),
            (!flatten.types.is_empty(), "--type"),
            (self.dates == DateMode::Off, "--dates off"),
            (flatten.max_depth as usize != limits::FLATTEN_DEPTH_MAX, "--max-depth"),
        ];
        if let Some((_, flag)) = flags.iter().find(|(is_given, _)| *is_given) {
            let message = "expected to be left out beside `--schema-mode strict` or `discard`";
            return Err(Error::usage(format!("`{flag}`: {message}"))
                .with_hint("the schema says what values become"));
        }
        let columns = || contract.tables.iter().flat_map(|table| &table.columns);
        let patterns = match &flatten.ids {
            IdMode::Field(pattern) => std::slice::from_ref(pattern),
            IdMode::HashOf(patterns) => &patterns[..],
            _ => &[],
        };
        let is_known = |pattern: &&PathPattern| {
            columns().any(|column| column.part == Part::Scalar && pattern.matches(&column.steps))
        };
        if let Some(pattern) = patterns.iter().find(|pattern| !is_known(pattern)) {
            return Err(Error::usage(format!("`--ids`: the schema has no column at `{pattern}`")));
        }
        for column in columns().filter(|column| !column.nullable) {
            let mut keep = flatten.selection.of_record();
            for end in 1..=column.steps.len() {
                keep = flatten.keep(keep, &column.steps[..end]);
            }
            if keep != Keep::All {
                let path = pointer(&column.steps);
                return Err(Error::usage(format!(
                    "`--select`, `--drop`: `{path}` is left out, and the schema wants a value there"
                )));
            }
        }
        Ok(())
    }
}

/// Returns whether a pattern means a column, what is around it, or the elements of its lists.
fn means(pattern: &PathPattern, column: &ContractColumn) -> bool {
    let elements = [&column.steps[..], &[Step::Element]].concat();
    (1..=column.steps.len()).any(|end| pattern.matches(&column.steps[..end]))
        || (column.part == Part::List && pattern.matches(&elements))
}
