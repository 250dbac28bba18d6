//! Tables as SQL: statements that create them, with their keys.

use std::fmt::Write as _;

use xxhash_rust::xxh3::xxh3_64;

use super::profile::TableProfile;
use crate::schema::widen::ColumnType;
use crate::sink::names::printable;

/// Whose SQL is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum SqlDialect {
    /// DuckDB.
    #[default]
    DuckDb,
    /// PostgreSQL.
    Postgres,
    /// Spark SQL.
    Spark,
}

/// Names of the columns that join a table to others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Keys {
    /// Tells its rows apart.
    pub id: Option<String>,
    /// No two rows have one id, and none has no id.
    pub is_unique: bool,
    /// The id of the row in the parent table.
    pub parent_id: Option<String>,
    /// The id of the record in the main table.
    pub root_id: Option<String>,
}

/// Bytes of a name in PostgreSQL; it cuts longer ones.
const POSTGRES_NAME_BYTES: usize = 63;

/// Columns of a table in PostgreSQL.
const POSTGRES_COLUMNS_MAX: usize = 1600;

impl SqlDialect {
    /// Returns the name as users type it.
    pub fn as_str(self) -> &'static str {
        match self {
            SqlDialect::DuckDb => "duckdb",
            SqlDialect::Postgres => "postgres",
            SqlDialect::Spark => "spark",
        }
    }

    /// Quotes a name.
    pub(super) fn name(self, name: &str) -> String {
        match self {
            SqlDialect::Spark => format!("`{}`", name.replace('`', "``")),
            SqlDialect::DuckDb => format!("\"{}\"", name.replace('"', "\"\"")),
            SqlDialect::Postgres => {
                // it takes no NUL, which no name can have without it
                let name = name.replace('\0', "\u{2400}");
                format!("\"{}\"", short(&name).replace('"', "\"\""))
            }
        }
    }

    /// Returns the type in which a column is created.
    pub(super) fn column_type(self, column_type: &ColumnType) -> String {
        use SqlDialect::{DuckDb, Postgres, Spark};
        let name = match (column_type, self) {
            (ColumnType::Bool, _) => "BOOLEAN",
            (ColumnType::Int64, _) => "BIGINT",
            (ColumnType::Decimal { precision, scale }, _) => {
                return format!("DECIMAL({precision}, {scale})");
            }
            (ColumnType::Double, Postgres) => "DOUBLE PRECISION",
            (ColumnType::Double, DuckDb | Spark) => "DOUBLE",
            (ColumnType::Date, _) => "DATE",
            (ColumnType::Timestamp { utc: true, .. }, Spark) => "TIMESTAMP",
            (ColumnType::Timestamp { utc: false, .. }, Spark) => "TIMESTAMP_NTZ",
            (ColumnType::Timestamp { utc: true, .. }, _) => "TIMESTAMP WITH TIME ZONE",
            (ColumnType::Timestamp { utc: false, .. }, _) => "TIMESTAMP",
            (ColumnType::Text, DuckDb) => "VARCHAR",
            (ColumnType::Text, Postgres) => "TEXT",
            (ColumnType::Text | ColumnType::Json, Spark) => "STRING",
            // cells of CSV hold lists as JSON
            (ColumnType::Json, DuckDb | Postgres) | (ColumnType::List(_), Postgres) => "JSON",
            (ColumnType::List(element), DuckDb) => {
                return format!("{}[]", self.column_type(element));
            }
            (ColumnType::List(element), Spark) => {
                return format!("ARRAY<{}>", self.column_type(element));
            }
        };
        name.to_owned()
    }
}

/// Cuts a name that PostgreSQL would cut, so that no two become one.
fn short(name: &str) -> String {
    if name.len() <= POSTGRES_NAME_BYTES {
        return name.to_owned();
    }
    let hash = format!("_{:08x}", xxh3_64(name.as_bytes()) as u32);
    let end = (0..=POSTGRES_NAME_BYTES - hash.len()).rev().find(|&at| name.is_char_boundary(at));
    format!("{}{hash}", &name[..end.unwrap_or(0)])
}

/// Returns statements that create the tables, with the keys that join them.
///
/// - Shape: a `CREATE TABLE` for each table, parents before children. Spark has no keys: they stand
///   in comments.
pub fn create_tables(tables: &[TableProfile], dialect: SqlDialect) -> String {
    let mut out = String::new();
    for table in tables {
        if !out.is_empty() {
            out.push('\n');
        }
        create_table(tables, table, dialect, &mut out);
    }
    out
}

fn create_table(
    tables: &[TableProfile],
    table: &TableProfile,
    dialect: SqlDialect,
    out: &mut String,
) {
    if dialect == SqlDialect::Postgres && table.columns.len() > POSTGRES_COLUMNS_MAX {
        let _ = writeln!(
            out,
            "-- {}: PostgreSQL takes {POSTGRES_COLUMNS_MAX} columns, and these are {}",
            printable(&table.name),
            table.columns.len()
        );
    }
    let mut lines: Vec<String> = table
        .columns
        .iter()
        .map(|column| {
            let column_type = dialect.column_type(&column.column_type);
            format!("{} {column_type}", dialect.name(&column.name))
        })
        .collect();
    let keys = constraints(tables, table, dialect);
    match dialect {
        SqlDialect::Spark => {
            for key in keys {
                let _ = writeln!(out, "-- {key}");
            }
        }
        SqlDialect::DuckDb | SqlDialect::Postgres => lines.extend(keys),
    }
    let name = dialect.name(&table.name);
    if lines.is_empty() {
        // a table needs a column, and this has none
        let _ = writeln!(out, "-- {name} has no columns");
        return;
    }
    let _ = writeln!(out, "CREATE TABLE {name} (\n  {}\n);", lines.join(",\n  "));
}

fn constraints(tables: &[TableProfile], table: &TableProfile, dialect: SqlDialect) -> Vec<String> {
    let mut lines = Vec::new();
    let keys = &table.keys;
    if let Some(id) = keys.id.as_deref().filter(|_| keys.is_unique) {
        lines.push(format!("PRIMARY KEY ({})", dialect.name(id)));
    }
    let parent = table.parent.as_deref();
    let parent = parent.and_then(|name| tables.iter().find(|other| other.name == name));
    let root = tables.first().filter(|root| root.path.is_empty());
    for (from, to) in [(&keys.parent_id, parent), (&keys.root_id, root)] {
        let (Some(from), Some(to)) = (from, to) else { continue };
        let Some(id) = to.keys.id.as_deref().filter(|_| to.keys.is_unique) else { continue };
        let (from, to, id) = (dialect.name(from), dialect.name(&to.name), dialect.name(id));
        lines.push(format!("FOREIGN KEY ({from}) REFERENCES {to} ({id})"));
    }
    lines
}
