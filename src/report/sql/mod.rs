//! Tables as SQL: statements that create them, scripts that read their files.

mod script;

use std::fmt::Write as _;

use xxhash_rust::xxh3::xxh3_64;

use super::profile::TableProfile;
use crate::schema::widen::ColumnType;
use crate::sink::names::printable;
pub(crate) use script::{Script, ScriptTable};

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
            SqlDialect::Postgres => format!("\"{}\"", postgres_name(name).replace('"', "\"\"")),
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

/// Returns a name that PostgreSQL takes as it is: it would cut a long one, has none with NUL, and
/// `psql` wants its commands on one line. A hash keeps two from becoming one.
fn postgres_name(name: &str) -> String {
    let plain = name.replace(|c: char| c.is_control(), "_");
    if plain == name && name.len() <= POSTGRES_NAME_BYTES {
        return plain;
    }
    let hash = format!("_{:08x}", xxh3_64(name.as_bytes()) as u32);
    let room = (POSTGRES_NAME_BYTES - hash.len()).min(plain.len());
    let end = (0..=room).rev().find(|&at| plain.is_char_boundary(at));
    format!("{}{hash}", &plain[..end.unwrap_or(0)])
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

/// Says of a table that a database does not take it; mostly there is nothing to say.
fn too_wide(table: &str, columns: usize, dialect: SqlDialect) -> String {
    if dialect != SqlDialect::Postgres || columns <= POSTGRES_COLUMNS_MAX {
        return String::new();
    }
    format!(
        "-- {}: PostgreSQL takes {POSTGRES_COLUMNS_MAX} columns, and these are {columns}: see \
         --max-columns and --map\n",
        printable(table)
    )
}

fn create_table(
    tables: &[TableProfile],
    table: &TableProfile,
    dialect: SqlDialect,
    out: &mut String,
) {
    out.push_str(&too_wide(&table.name, table.columns.len(), dialect));
    let mut lines: Vec<String> = table
        .columns
        .iter()
        .map(|column| {
            let column_type = dialect.column_type(&column.column_type);
            format!("{} {column_type}", dialect.name(&column.name))
        })
        .collect();
    let find = |name: &str| tables.iter().find(|other| other.name == name);
    let parent = table.parent.as_deref().and_then(find);
    let root = tables.first().filter(|root| root.path.is_empty());
    let others = [parent, root].map(|other| other.map(|other| (other.name.as_str(), &other.keys)));
    let keys = constraints(&table.keys, others, dialect);
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

/// Returns the constraints of a table whose parent and main table have these names and keys.
fn constraints(
    keys: &Keys,
    others: [Option<(&str, &Keys)>; 2],
    dialect: SqlDialect,
) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(id) = keys.id.as_deref().filter(|_| keys.is_unique) {
        lines.push(format!("PRIMARY KEY ({})", dialect.name(id)));
    }
    for (from, to) in [&keys.parent_id, &keys.root_id].into_iter().zip(others) {
        let (Some(from), Some((table, to))) = (from, to) else { continue };
        let Some(id) = to.id.as_deref().filter(|_| to.is_unique) else { continue };
        let (from, table, id) = (dialect.name(from), dialect.name(table), dialect.name(id));
        lines.push(format!("FOREIGN KEY ({from}) REFERENCES {table} ({id})"));
    }
    lines
}
