//! Scripts beside the tables that read them into databases.

use std::io::Write;

use super::Conversion;
use crate::encode::csv::CsvOptions;
use crate::error::Error;
use crate::format::OutputFormat;
use crate::report::sql::{Keys, Script, ScriptTable, SqlDialect};
use crate::schema::Layout;
use crate::sink::names::FileNames;
use crate::sink::{Access, Destination, Side, Sink, Staged, StagedSide};

/// The scripts of a run, before there are any.
#[derive(Default)]
pub(super) struct ScriptOutput {
    sides: Vec<(SqlDialect, Side)>,
    to: Option<OutputFormat>,
    csv: CsvOptions,
}

impl ScriptOutput {
    /// Declares a file for each dialect that is wanted.
    ///
    /// - Errors: as [`Sink::side`].
    pub(super) fn open(
        conversion: &Conversion,
        root_name: &str,
        sink: &mut Sink,
    ) -> Result<Self, Error> {
        let mut sides = Vec::new();
        for dialect in &conversion.emit_sql {
            let extension = match dialect {
                SqlDialect::DuckDb => "duckdb.sql",
                SqlDialect::Postgres => "postgres.sql",
                SqlDialect::Spark => "spark.sql",
            };
            let path = sink.beside(&FileNames::new(extension).choose(root_name));
            sides.push((*dialect, sink.side(&path, Access::Umask)?));
        }
        Ok(ScriptOutput { sides, to: Some(conversion.to), csv: conversion.csv })
    }

    /// Writes scripts that read `tables`, which are to be published with them.
    pub(super) fn stage(
        &self,
        sink: &mut Sink,
        tables: &[Staged],
        (layouts, rows, keys): (&[Layout], &[u64], &[Keys]),
    ) -> Result<Vec<StagedSide>, Error> {
        let mut scripts = Vec::new();
        for (dialect, side) in &self.sides {
            let tables = tables.iter().map(|table| {
                let index = table.table_index();
                let file = sink.name_of(table)?;
                Ok(ScriptTable {
                    layout: &layouts[index],
                    keys: &keys[index],
                    file,
                    rows: rows[index],
                })
            });
            let script = Script {
                dialect: *dialect,
                to: self.to.unwrap_or(OutputFormat::Parquet),
                csv: self.csv,
                tables: tables.collect::<Result<_, Error>>()?,
            };
            let text = script.text();
            let staged = sink.stage_side(side)?;
            let written = staged.append()?.write_all(text.as_bytes());
            written.map_err(|cause| staged.error("writing the script", cause))?;
            scripts.push(staged);
        }
        Ok(scripts)
    }
}

impl Conversion {
    /// Checks that scripts can read what is written.
    ///
    /// - Errors: `Usage`.
    pub(super) fn check_scripts(&self) -> Result<(), Error> {
        let Some(dialect) = self.emit_sql.first() else { return Ok(()) };
        let found = match &self.destination {
            Destination::Stdout(_) => "standard output",
            Destination::Writer(..) | Destination::Tables(_) => "a writer",
            Destination::Nowhere(_) => "nowhere",
            _ if self.writes_parts() => "part files",
            Destination::Prefix(_) | Destination::Object(_)
                if self.emit_sql.contains(&SqlDialect::Postgres) =>
            {
                let message = "`--emit-sql postgres`: expected files, found an object store";
                return Err(Error::usage(message)
                    .with_hint("`psql` copies files of the machine that it runs on"));
            }
            _ => "",
        };
        if !found.is_empty() {
            let dialect = dialect.as_str();
            let message = format!("`--emit-sql {dialect}`: expected a file for each table");
            if found == "part files" {
                // they appear while the run goes on, and each has the columns known by then
                return Err(Error::usage(format!("{message}, found {found}")).with_hint(
                    "DuckDB reads them all: `from read_parquet('orders/*.parquet', union_by_name = true)`",
                ));
            }
            return Err(Error::usage(format!("{message}, found {found}"))
                .with_hint("a script names files: write them with `-o DIR`"));
        }
        for dialect in &self.emit_sql {
            let formats = dialect.formats();
            if !formats.contains(&self.to) {
                let formats: Vec<_> = formats.iter().map(|to| format!("`--to {to}`")).collect();
                return Err(Error::usage(format!(
                    "`--emit-sql {}`: expected {}, found `--to {}`",
                    dialect.as_str(),
                    formats.join(" or "),
                    self.to
                )));
            }
        }
        Ok(())
    }
}
