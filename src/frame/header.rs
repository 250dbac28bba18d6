//! The first row of CSV: what its columns are called.

use std::collections::{HashMap, HashSet};

use super::dialect::Dialect;
use super::rows::{RawCells, read_row};
use crate::error::FaultCode;
use crate::limits;

/// What the first row of an input says of all others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowHead {
    /// How the rows are written.
    pub dialect: Dialect,
    /// A name for each cell of a row, no two alike.
    pub names: Vec<Box<str>>,
    /// Names that stood twice, and what became of the later ones.
    pub renamed: Vec<(Box<str>, Box<str>)>,
}

impl RowHead {
    /// Reads the names, or counts the cells where there are none.
    ///
    /// - Errors: the byte at fault, and why: quotes, text that is not UTF-8, or too many columns.
    pub fn read(row: &[u8], dialect: &Dialect) -> Result<RowHead, (usize, FaultCode, String)> {
        let count = RawCells::of(row, 0, dialect).count();
        if count > limits::CSV_COLUMNS_MAX {
            let most = limits::CSV_COLUMNS_MAX;
            let message = format!("expected at most {most} columns, found {count}");
            return Err((0, FaultCode::CsvFieldCount, message));
        }
        let raw = read_row(row, 0, dialect);
        if !dialect.header {
            let names = (1..=raw.cells.len()).map(by_place).collect();
            return Ok(RowHead { dialect: *dialect, names, renamed: Vec::new() });
        }
        if let Err(error) = std::str::from_utf8(row) {
            let at = error.valid_up_to();
            let message = format!("expected UTF-8, found byte 0x{:02x}", row[at]);
            return Err((at, FaultCode::EncodingInvalid, message));
        }
        if let Some(at) = raw.open_quote {
            let message = "expected a closing quote, found the end of the input".to_owned();
            return Err((at, FaultCode::CsvQuote, message));
        }
        if let Some(at) = raw.fault {
            let message = "expected a delimiter or a line end behind the closing quote".to_owned();
            return Err((at, FaultCode::CsvQuote, message));
        }
        let cells = raw.cells.iter().map(|cell| cell.text(row, dialect).into_owned());
        let mut head = RowHead { dialect: *dialect, names: Vec::new(), renamed: Vec::new() };
        head.name(cells.collect());
        Ok(head)
    }

    /// Gives the later of two columns with one name a number behind it; names that stand in the header
    /// are nobody else's.
    fn name(&mut self, cells: Vec<String>) {
        let mut taken: HashSet<Box<str>> = cells.iter().map(|name| name.as_str().into()).collect();
        let mut seen: HashSet<Box<str>> = HashSet::with_capacity(cells.len());
        // The number that comes next for a name that stands again.
        let mut numbers: HashMap<Box<str>, usize> = HashMap::new();
        for (place, cell) in cells.into_iter().enumerate() {
            let is_empty = cell.is_empty();
            let wanted = if is_empty { by_place(place + 1) } else { cell.into_boxed_str() };
            let others = if is_empty { &taken } else { &seen };
            let mut name = wanted.clone();
            if others.contains(&wanted) {
                let number = numbers.entry(wanted.clone()).or_insert(2);
                while taken.contains(&name) {
                    name = format!("{wanted}_{number}").into();
                    *number += 1;
                }
                self.renamed.push((wanted, name.clone()));
            }
            taken.insert(name.clone());
            seen.insert(name.clone());
            self.names.push(name);
        }
    }
}

/// Returns the name of a column that has none; `number` counts from 1.
fn by_place(number: usize) -> Box<str> {
    format!("column_{number}").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(header: &str, expected: &[&str]) {
        let head = RowHead::read(header.as_bytes(), &Dialect::default()).unwrap();
        assert_eq!(head.names.iter().map(|name| &**name).collect::<Vec<_>>(), expected, "{header}");
    }

    #[test]
    fn names_are_distinct() {
        check("a,b", &["a", "b"]);
        check("a,a,a", &["a", "a_2", "a_3"]);
        check("a,a,a_2", &["a", "a_3", "a_2"]);
        check("a_2,a,a", &["a_2", "a", "a_3"]);
        check(",b,", &["column_1", "b", "column_3"]);
        check(",column_1", &["column_1_2", "column_1"]);
        check("\"\",\"x\"\"y\nz\"", &["column_1", "x\"y\nz"]);
        check("a.b, c", &["a.b", " c"]);
    }

    #[test]
    fn many_names_alike_take_no_time() {
        let header = "x,".repeat(20_000);
        let head = RowHead::read(header.as_bytes(), &Dialect::default()).unwrap();
        assert_eq!(&*head.names[19_999], "x_20000");
    }

    #[test]
    fn without_a_header_cells_are_counted() {
        let dialect = Dialect { header: false, ..Dialect::default() };
        let head = RowHead::read(b"1,\"2,3\"", &dialect).unwrap();
        assert_eq!(head.names, [by_place(1), by_place(2)]);
    }

    #[test]
    fn bad_headers_say_where() {
        for (header, at, code) in [
            (&b"a,\"b"[..], 2, FaultCode::CsvQuote),
            (b"a,\"b\"c", 5, FaultCode::CsvQuote),
            (b"a,\xff", 2, FaultCode::EncodingInvalid),
            (&b",".repeat(limits::CSV_COLUMNS_MAX), 0, FaultCode::CsvFieldCount),
        ] {
            let (found, found_code, _) = RowHead::read(header, &Dialect::default()).unwrap_err();
            assert_eq!((found, found_code), (at, code));
        }
    }
}
