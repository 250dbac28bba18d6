//! An encoded column chunk → the column it was made from.

use std::sync::Arc;

use bytes::Bytes;
use parquet::column::reader::{ColumnReader, get_column_reader};
use parquet::data_type::{ByteArray, FixedLenByteArray};
use parquet::file::serialized_reader::SerializedPageReader;
use parquet::schema::types::ColumnDescPtr;

use super::chunk::{About, failed};
use super::levels::{ELEMENT, ELEMENT_NULL, LIST_EMPTY};
use crate::encode::arrow;
use crate::error::{Error, ErrorKind};
use crate::schema::widen::ColumnType;
use crate::table::{Column, Number};

/// Reads a chunk of `rows` rows back; values of every type come back as they were pushed.
pub(super) fn column(
    bytes: Vec<u8>,
    about: &About,
    column_type: &ColumnType,
    descr: ColumnDescPtr,
    rows: usize,
) -> Result<Column, Error> {
    let metadata = about.for_reader(Arc::clone(&descr))?;
    let reader = Arc::new(Bytes::from(bytes));
    let pages = SerializedPageReader::new(reader, &metadata, rows, None).map_err(failed)?;
    let mut levels = Levels::default();
    let max_def = descr.max_def_level();
    let reader = get_column_reader(descr, Box::new(pages));
    macro_rules! read {
        ($reader:expr, $wrap:expr) => {{
            let mut reader = $reader;
            let mut values = Vec::new();
            loop {
                let (records, _, _) = reader
                    .read_records(
                        rows.max(1),
                        Some(&mut levels.def),
                        Some(&mut levels.rep),
                        &mut values,
                    )
                    .map_err(failed)?;
                if records == 0 {
                    break;
                }
            }
            let cells = values.into_iter().map($wrap);
            match column_type {
                ColumnType::List(element) => lists(&levels, cells, element),
                column_type => scalars(&levels.def, max_def, cells, column_type),
            }
        }};
    }
    match reader {
        ColumnReader::BoolColumnReader(reader) => read!(reader, Cell::Bool),
        ColumnReader::Int32ColumnReader(reader) => read!(reader, |v: i32| Cell::Int(v.into())),
        ColumnReader::Int64ColumnReader(reader) => read!(reader, Cell::Int),
        ColumnReader::DoubleColumnReader(reader) => read!(reader, Cell::Double),
        ColumnReader::ByteArrayColumnReader(reader) => read!(reader, Cell::Bytes),
        ColumnReader::FixedLenByteArrayColumnReader(reader) => read!(reader, Cell::Fixed),
        ColumnReader::Int96ColumnReader(_) | ColumnReader::FloatColumnReader(_) => {
            Err(Error::new(ErrorKind::Internal, "a chunk of a type that is never written"))
        }
    }
}

#[derive(Debug, Default)]
struct Levels {
    def: Vec<i16>,
    rep: Vec<i16>,
}

enum Cell {
    Bool(bool),
    Int(i64),
    Double(f64),
    Bytes(ByteArray),
    Fixed(FixedLenByteArray),
}

fn scalars(
    def: &[i16],
    max_def: i16,
    mut cells: impl Iterator<Item = Cell>,
    column_type: &ColumnType,
) -> Result<Column, Error> {
    let mut column = Column::default();
    for (row, &level) in def.iter().enumerate() {
        if level == max_def
            && let Some(cell) = cells.next()
        {
            push(&mut column, row, cell, column_type)?;
        }
    }
    Ok(column)
}

fn lists(
    levels: &Levels,
    mut cells: impl Iterator<Item = Cell>,
    element: &ColumnType,
) -> Result<Column, Error> {
    let mut column = Column::default();
    let mut row = 0;
    let mut open: Option<u32> = None;
    for (&def, &rep) in levels.def.iter().zip(&levels.rep) {
        if rep == 0 {
            if let Some(count) = open.take() {
                column.end_list(count);
            }
            if def >= i16::from(LIST_EMPTY) {
                column.begin_list(row);
                open = Some(0);
            }
            row += 1;
        }
        if let Some(count) = open.as_mut().filter(|_| def >= i16::from(ELEMENT_NULL)) {
            let lists = column.lists();
            let at = lists.ends.last().copied().unwrap_or(0) + *count;
            *count += 1;
            if def == i16::from(ELEMENT)
                && let Some(cell) = cells.next()
            {
                push(&mut lists.elements, at as usize, cell, element)?;
            }
        }
    }
    if let Some(count) = open {
        column.end_list(count);
    }
    Ok(column)
}

fn push(
    column: &mut Column,
    row: usize,
    cell: Cell,
    column_type: &ColumnType,
) -> Result<(), Error> {
    match (cell, column_type) {
        (Cell::Bool(value), _) => column.push_bool(row, value),
        (Cell::Int(days), ColumnType::Date) => arrow::push_day(column, row, days),
        (Cell::Int(micros), ColumnType::Timestamp { utc, form }) => {
            arrow::push_instant(column, row, micros, *utc, *form);
        }
        (Cell::Int(value), ColumnType::Decimal { scale, .. }) => {
            arrow::push_decimal(column, row, value.into(), *scale);
        }
        (Cell::Int(value), _) => column.push_int(row, value),
        (Cell::Double(value), _) => {
            column.push_number(row, Number::Float { value, exact: true }, "");
        }
        (Cell::Fixed(value), ColumnType::Decimal { scale, .. }) => {
            arrow::push_decimal(column, row, from_big_endian(value.data()), *scale);
        }
        (Cell::Bytes(value), _) => column.push_text(row, value.data()),
        (Cell::Fixed(_), _) => {
            return Err(Error::new(ErrorKind::Internal, "fixed bytes that are no decimal"));
        }
    }
    Ok(())
}

fn from_big_endian(bytes: &[u8]) -> i128 {
    let negative = bytes.first().is_some_and(|byte| byte & 0x80 != 0);
    bytes.iter().fold(if negative { -1 } else { 0 }, |sum, &byte| sum << 8 | i128::from(byte))
}
