//! Files of tables → a script that reads them: views or tables, keys, and the joins that put the
//! tables together again.

use std::collections::HashSet;
use std::fmt::Write as _;

use super::{Keys, SqlDialect};
use crate::encode::csv::CsvOptions;
use crate::flatten::names::fold;
use crate::format::OutputFormat;
use crate::schema::widen::ColumnType;
use crate::schema::{Layout, LayoutColumn};
use crate::sink::names::printable;
use crate::table::form::{Form, Zone};

/// What there is to say.
pub(crate) struct Script<'a> {
    /// Whose SQL is written.
    pub dialect: SqlDialect,
    /// The format of the files.
    pub to: OutputFormat,
    /// How CSV was written.
    pub csv: CsvOptions,
    /// The tables that were written, parents before children.
    pub tables: Vec<ScriptTable<'a>>,
}

/// A table that was written.
pub(crate) struct ScriptTable<'a> {
    /// Its columns.
    pub layout: &'a Layout,
    /// The columns that join it.
    pub keys: &'a Keys,
    /// The file as seen from its own directory, or the URL of the object.
    pub file: String,
    /// Rows.
    pub rows: u64,
}

impl SqlDialect {
    /// Returns the formats of files that it can read.
    pub(crate) fn formats(self) -> &'static [OutputFormat] {
        use OutputFormat::{Csv, Json, Jsonl, Parquet, Tsv};
        match self {
            SqlDialect::DuckDb => &[Parquet, Csv, Tsv, Jsonl, Json],
            SqlDialect::Postgres => &[Csv, Tsv],
            SqlDialect::Spark => &[Parquet],
        }
    }
}

impl Script<'_> {
    /// Returns the script.
    pub(crate) fn text(&self) -> String {
        let mut out = String::new();
        let how = match self.dialect {
            SqlDialect::DuckDb => "duckdb DATABASE < FILE",
            SqlDialect::Postgres => "psql DATABASE -f FILE",
            SqlDialect::Spark => "spark-sql -f FILE",
        };
        let _ = writeln!(out, "-- written by transmog; to be run where the tables are: {how}");
        if self.dialect == SqlDialect::Postgres {
            out.push_str("\\set ON_ERROR_STOP on\nBEGIN;\n");
        }
        for table in &self.tables {
            let name = printable(&table.layout.table);
            let _ = writeln!(out, "\n-- {name}: {} rows{}", table.rows, self.remark(table));
            match self.dialect {
                SqlDialect::DuckDb => self.duckdb_view(table, &mut out),
                SqlDialect::Postgres => self.postgres_table(table, &mut out),
                SqlDialect::Spark => self.spark_view(table, &mut out),
            }
        }
        let mut names: HashSet<String> =
            self.tables.iter().map(|table| fold(&table.layout.table)).collect();
        for table in &self.tables {
            self.join(table, &mut names, &mut out);
        }
        if self.dialect == SqlDialect::Postgres {
            out.push_str("\nCOMMIT;\n");
        }
        out
    }

    /// Says which columns are keys, where the statements do not.
    fn remark(&self, table: &ScriptTable<'_>) -> String {
        if self.dialect == SqlDialect::Postgres {
            return String::new();
        }
        let mut remark = String::new();
        let keys = table.keys;
        if let Some(id) = keys.id.as_deref().filter(|_| keys.is_unique) {
            let _ = write!(remark, "; {} is its key", printable(id));
        }
        if let (Some(from), Some(parent)) = (&keys.parent_id, self.parent(table))
            && let Some(id) = &parent.keys.id
        {
            let (from, parent, id) =
                (printable(from), printable(&parent.layout.table), printable(id));
            let _ = write!(remark, "; {from} is {id} of {parent}");
        }
        remark
    }

    fn parent(&self, table: &ScriptTable<'_>) -> Option<&ScriptTable<'_>> {
        let name = table.layout.parent.as_deref()?;
        self.tables.iter().find(|other| other.layout.table == name)
    }

    fn duckdb_view(&self, table: &ScriptTable<'_>, out: &mut String) {
        let name = self.dialect.name(&table.layout.table);
        let file = text(&without_patterns(&table.file));
        let columns = &table.layout.columns;
        let (function, is_csv) = match self.to {
            OutputFormat::Parquet => {
                let _ = writeln!(
                    out,
                    "CREATE OR REPLACE VIEW {name} AS SELECT * FROM read_parquet({file});"
                );
                return;
            }
            OutputFormat::Csv => (format!("read_csv({file}, delim = {}", self.delimiter()), true),
            OutputFormat::Tsv => (format!("read_csv({file}, delim = '\\t'"), true),
            OutputFormat::Json => (format!("read_json({file}, format = 'array'"), false),
            OutputFormat::Jsonl | OutputFormat::Arrow => {
                (format!("read_json({file}, format = 'newline_delimited'"), false)
            }
        };
        let options = match is_csv {
            true => {
                ", header = true, quote = '\"', escape = '\"', nullstr = '', \
                 allow_quoted_nulls = false, auto_detect = false"
            }
            // records may be longer than what it takes
            false => ", maximum_object_size = 1073741824",
        };
        let read: Vec<_> = columns.iter().map(|column| read_as(column, is_csv)).collect();
        let is_decimal = |column: &&LayoutColumn| has_decimals(&column.column_type) && !is_csv;
        for column in columns.iter().filter(is_decimal) {
            let name = printable(&column.name);
            let _ = writeln!(
                out,
                "-- {name} is double here, as DuckDB reads all numbers of JSON; Parquet and CSV keep \
                 its digits"
            );
        }
        let named = columns
            .iter()
            .zip(&read)
            .map(|(column, (read_type, _))| format!("{}: {}", text(&column.name), text(read_type)));
        let named: Vec<_> = named.collect();
        let all = columns.iter().zip(&read).map(|(column, (_, cast))| {
            let name = self.dialect.name(&column.name);
            match cast {
                Some(cast) => format!("{} AS {name}", cast.replace("{}", &name)),
                None => name,
            }
        });
        let all = match read.iter().all(|(_, cast)| cast.is_none()) {
            true => "*".to_owned(),
            false => all.collect::<Vec<_>>().join(", "),
        };
        if columns.is_empty() {
            let _ = writeln!(out, "-- it has no columns");
            return;
        }
        let _ = writeln!(
            out,
            "CREATE OR REPLACE VIEW {name} AS SELECT {all} FROM {function}{options},\n  columns = \
             {{{}}});",
            named.join(", ")
        );
    }

    fn delimiter(&self) -> String {
        text(&char::from(self.csv.delimiter).to_string())
    }

    fn postgres_table(&self, table: &ScriptTable<'_>, out: &mut String) {
        let dialect = self.dialect;
        let name = dialect.name(&table.layout.table);
        let columns = &table.layout.columns;
        out.push_str(&super::too_wide(&table.layout.table, columns.len(), dialect));
        if columns.is_empty() {
            let _ = writeln!(out, "-- it has no columns");
            return;
        }
        let mut lines: Vec<_> = columns
            .iter()
            .map(|column| {
                let column_type = dialect.column_type(&column.column_type);
                format!("{} {column_type}", dialect.name(&column.name))
            })
            .collect();
        let root = self.tables.first().filter(|root| root.layout.path.is_empty());
        let others = [self.parent(table), root]
            .map(|other| other.map(|other| (other.layout.table.as_str(), other.keys)));
        lines.extend(super::constraints(table.keys, others, dialect));
        let _ = writeln!(out, "CREATE TABLE {name} (\n  {}\n);", lines.join(",\n  "));
        let names: Vec<_> = columns.iter().map(|column| dialect.name(&column.name)).collect();
        let delimiter = match self.to {
            OutputFormat::Tsv => "E'\\t'".to_owned(),
            _ => self.delimiter(),
        };
        let _ = writeln!(
            out,
            "\\copy {name} ({}) FROM {} WITH (FORMAT csv, HEADER true, NULL '', ENCODING 'UTF8', \
             DELIMITER {delimiter})",
            names.join(", "),
            text(&table.file)
        );
    }

    fn spark_view(&self, table: &ScriptTable<'_>, out: &mut String) {
        let name = self.dialect.name(&table.layout.table);
        let file = hadoop_path(&table.file).replace('\\', "\\\\").replace('\'', "\\'");
        let _ = writeln!(
            out,
            "CREATE OR REPLACE TEMPORARY VIEW {name} USING parquet OPTIONS (path '{file}');"
        );
    }

    /// Writes the view that has all rows above beside each row of a child table, as a value each.
    fn join(&self, table: &ScriptTable<'_>, names: &mut HashSet<String>, out: &mut String) {
        let dialect = self.dialect;
        let mut above = Vec::new();
        let mut at = table;
        while let Some(parent) = self.parent(at) {
            let (Some(from), Some(to)) = (&at.keys.parent_id, &parent.keys.id) else { break };
            above.push((parent, from, to));
            at = parent;
        }
        if above.is_empty() || table.layout.columns.is_empty() {
            return;
        }
        let mut name = format!("{}_joined", table.layout.table);
        while !names.insert(fold(&name)) {
            name.push('_');
        }
        let mut taken: HashSet<String> =
            table.layout.columns.iter().map(|column| fold(&column.name)).collect();
        let mut columns = vec!["t0.*".to_owned()];
        for (place, (parent, ..)) in above.iter().enumerate() {
            let mut shown = parent.layout.table.clone();
            while !taken.insert(fold(&shown)) {
                shown.push('_');
            }
            let row = match dialect {
                SqlDialect::DuckDb | SqlDialect::Postgres => format!("t{}", place + 1),
                SqlDialect::Spark => format!("struct(t{}.*)", place + 1),
            };
            columns.push(format!("{row} AS {}", dialect.name(&shown)));
        }
        let view = match dialect {
            SqlDialect::DuckDb | SqlDialect::Postgres => "VIEW",
            SqlDialect::Spark => "TEMPORARY VIEW",
        };
        let _ = write!(
            out,
            "\n-- each row of {} beside the rows above it\nCREATE OR REPLACE {view} {} AS\n  SELECT \
             {}\n  FROM {} AS t0",
            printable(&table.layout.table),
            dialect.name(&name),
            columns.join(", "),
            dialect.name(&table.layout.table)
        );
        for (alias, (parent, from, to)) in above.iter().enumerate() {
            let _ = write!(
                out,
                "\n  JOIN {} AS t{} ON t{alias}.{} = t{}.{}",
                dialect.name(&parent.layout.table),
                alias + 1,
                dialect.name(from),
                alias + 1,
                dialect.name(to)
            );
        }
        out.push_str(";\n");
    }
}

/// Returns as what DuckDB reads a column of text files, and what is to be done with it then.
fn read_as(column: &LayoutColumn, is_csv: bool) -> (String, Option<String>) {
    let wanted = SqlDialect::DuckDb.column_type(&column.column_type);
    match &column.column_type {
        ColumnType::List(_) if is_csv => {
            ("VARCHAR".to_owned(), Some(format!("CAST(CAST({{}} AS JSON) AS {wanted})")))
        }
        decimals if !is_csv && has_decimals(decimals) => {
            (wanted.replace(&decimal_type(decimals), "DOUBLE"), None)
        }
        ColumnType::Timestamp { form: Some(form), .. } => match pattern(*form) {
            Some(pattern) => {
                let read = format!("CAST(strptime({{}}, '{pattern}') AS {wanted})");
                ("VARCHAR".to_owned(), Some(read))
            }
            None => (wanted, None),
        },
        _ => (wanted, None),
    }
}

fn has_decimals(column_type: &ColumnType) -> bool {
    match column_type {
        ColumnType::List(element) => has_decimals(element),
        ColumnType::Decimal { .. } => true,
        _ => false,
    }
}

/// Returns the type of decimals in a column, of lists that of their elements.
fn decimal_type(column_type: &ColumnType) -> String {
    match column_type {
        ColumnType::List(element) => decimal_type(element),
        scalar => SqlDialect::DuckDb.column_type(scalar),
    }
}

/// Returns the pattern of times that DuckDB does not read by itself.
fn pattern(form: Form) -> Option<String> {
    let Form::Timestamp { separator, fraction_digits: None, zone } = form else { return None };
    let zone = match zone {
        Zone::None => "",
        Zone::Zulu => "Z",
        Zone::Colon(_) | Zone::Plain(_) | Zone::Hours(_) => "%z",
    };
    Some(format!("%Y-%m-%d{}%H:%M{zone}", char::from(separator)))
}

/// Puts text into quotes.
fn text(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Returns the name of a file as a pattern of Hadoop's that means it alone.
fn hadoop_path(file: &str) -> String {
    let mut out = String::with_capacity(file.len());
    for c in file.chars() {
        if matches!(c, '*' | '?' | '[' | ']' | '{' | '}' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// Returns the name of a file as a pattern of DuckDB's that means it alone.
fn without_patterns(file: &str) -> String {
    let mut out = String::with_capacity(file.len());
    for c in file.chars() {
        match c {
            '*' | '?' | '[' => {
                out.push('[');
                out.push(c);
                out.push(']');
            }
            c => out.push(c),
        }
    }
    out
}
