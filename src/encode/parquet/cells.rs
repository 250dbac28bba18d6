//! A column's values and levels as the Parquet library takes them.

use std::borrow::Cow;
use std::ops::Range;

use bytes::Bytes;
use parquet::column::writer::{ColumnCloseResult, ColumnWriter};
use parquet::data_type::{ByteArray, FixedLenByteArray};
use parquet::errors::ParquetError;

use super::chunk::{DecimalPhysical, decimal_physical};
use crate::encode::arrow::{self, internal};
use crate::error::Error;
use crate::schema::widen::ColumnType;
use crate::table::{Column, Texts, Values};

/// The values of a column without its nulls, in the physical type they are written as.
#[derive(Debug)]
pub(super) enum Cells<'a> {
    Bool(Cow<'a, [bool]>),
    Int32(Vec<i32>),
    Int64(Cow<'a, [i64]>),
    Double(Cow<'a, [f64]>),
    Bytes(Cow<'a, Texts>),
    /// Decimals of more than 18 digits, and the bytes that each takes.
    Fixed(Vec<i128>, usize),
}

impl<'a> Cells<'a> {
    /// Returns the values of `column`; of a column of lists, those of the elements.
    pub(super) fn of(column: &'a Column, column_type: &ColumnType) -> Result<Self, Error> {
        Ok(match column_type {
            ColumnType::Bool => Cells::Bool(arrow::bools(column)?),
            ColumnType::Int64 => Cells::Int64(arrow::ints(column)?),
            ColumnType::Double => Cells::Double(arrow::doubles(column)?),
            ColumnType::Date => Cells::Int32(arrow::dates(column)?),
            ColumnType::Timestamp { .. } => Cells::Int64(arrow::instants(column)?),
            ColumnType::Text | ColumnType::Json => Cells::Bytes(arrow::texts(column)?),
            ColumnType::Decimal { precision, scale } => {
                let values = arrow::decimals(column, *scale)?;
                let narrow = values.iter();
                match decimal_physical(*precision) {
                    DecimalPhysical::Int32 => {
                        Cells::Int32(narrow.map(|&value| value as i32).collect())
                    }
                    DecimalPhysical::Int64 => {
                        Cells::Int64(narrow.map(|&value| value as i64).collect())
                    }
                    DecimalPhysical::Fixed(bytes) => Cells::Fixed(values, bytes),
                }
            }
            ColumnType::List(element) => match column.values() {
                Values::List(lists) => Cells::of(&lists.elements, element)?,
                Values::None => Cells::of(column, element)?,
                _ => return Err(internal("lists")),
            },
        })
    }

    /// Returns how many values there are.
    pub(super) fn len(&self) -> usize {
        match self {
            Cells::Bool(values) => values.len(),
            Cells::Int32(values) => values.len(),
            Cells::Int64(values) => values.len(),
            Cells::Double(values) => values.len(),
            Cells::Bytes(texts) => texts.len(),
            Cells::Fixed(values, _) => values.len(),
        }
    }

    /// Returns how many bytes the values take without an encoding.
    pub(super) fn plain_bytes(&self) -> usize {
        match self {
            Cells::Bool(values) => values.len().div_ceil(8),
            Cells::Int32(values) => values.len() * 4,
            Cells::Int64(values) => values.len() * 8,
            Cells::Double(values) => values.len() * 8,
            Cells::Bytes(texts) => texts.bytes.len() + texts.len() * 4,
            Cells::Fixed(values, bytes) => values.len() * bytes,
        }
    }

    /// Writes the values and their levels, and ends the chunk.
    pub(super) fn write(
        &self,
        writer: ColumnWriter<'_>,
        levels: &Levels,
    ) -> Result<ColumnCloseResult, ParquetError> {
        let (def, rep) = (Some(&levels.def[..]), levels.rep.as_deref());
        match (writer, self) {
            (ColumnWriter::BoolColumnWriter(mut writer), Cells::Bool(values)) => {
                writer.write_batch(values, def, rep)?;
                writer.close()
            }
            (ColumnWriter::Int32ColumnWriter(mut writer), Cells::Int32(values)) => {
                writer.write_batch(values, def, rep)?;
                writer.close()
            }
            (ColumnWriter::Int64ColumnWriter(mut writer), Cells::Int64(values)) => {
                writer.write_batch(values, def, rep)?;
                writer.close()
            }
            (ColumnWriter::DoubleColumnWriter(mut writer), Cells::Double(values)) => {
                writer.write_batch(values, def, rep)?;
                writer.close()
            }
            (ColumnWriter::ByteArrayColumnWriter(mut writer), Cells::Bytes(texts)) => {
                let bytes = Bytes::from(texts.bytes.clone());
                levels.for_each_run(|run| {
                    let slice = |ends: &[i32]| bytes.slice(ends[0] as usize..ends[1] as usize);
                    let ends = &texts.offsets[run.values.start..run.values.end + 1];
                    let values = ends.windows(2).map(|ends| ByteArray::from(slice(ends)));
                    let values: Vec<_> = values.collect();
                    writer.write_batch(&values, Some(run.def), run.rep).map(|_| ())
                })?;
                writer.close()
            }
            (
                ColumnWriter::FixedLenByteArrayColumnWriter(mut writer),
                Cells::Fixed(values, width),
            ) => {
                levels.for_each_run(|run| {
                    let values = values[run.values].iter().map(|value| fixed(*value, *width));
                    let values: Vec<_> = values.collect();
                    writer.write_batch(&values, Some(run.def), run.rep).map(|_| ())
                })?;
                writer.close()
            }
            _ => Err(ParquetError::General("values of another physical type".to_owned())),
        }
    }
}

fn fixed(value: i128, width: usize) -> FixedLenByteArray {
    FixedLenByteArray::from(value.to_be_bytes()[16 - width..].to_vec())
}

/// Where the values belong: for each row, or element of a list, how much of it is there.
#[derive(Debug)]
pub(super) struct Levels {
    pub(super) def: Vec<i16>,
    /// For lists: 0 where a row starts.
    rep: Option<Vec<i16>>,
    /// The definition level of a value.
    present: i16,
}

/// Levels of whole rows, and the indexes of the values they hold.
struct Run<'a> {
    def: &'a [i16],
    rep: Option<&'a [i16]>,
    values: Range<usize>,
}

/// Definition levels of the standard three-level list.
pub(super) const LIST_EMPTY: i16 = 1;
pub(super) const ELEMENT_NULL: i16 = 2;
pub(super) const ELEMENT: i16 = 3;

/// Levels that are written at once where values must be prepared one by one.
const RUN_LEVELS: usize = 8192;

impl Levels {
    /// Returns the levels of a column of `rows` rows.
    pub(super) fn of(column: &Column, rows: usize, column_type: &ColumnType) -> Self {
        match (column.values(), column_type) {
            (Values::List(lists), ColumnType::List(_)) => {
                let (def, rep) = list_levels(column, &lists.ends, &lists.elements, rows);
                Levels { def, rep: Some(rep), present: ELEMENT }
            }
            (_, ColumnType::List(_)) => {
                Levels { def: vec![0; rows], rep: Some(vec![0; rows]), present: ELEMENT }
            }
            _ if column.presence().is_full(rows) => {
                Levels { def: vec![1; rows], rep: None, present: 1 }
            }
            _ => {
                let mut def = vec![0; rows];
                column.presence().for_each(|row| def[row] = 1);
                Levels { def, rep: None, present: 1 }
            }
        }
    }

    /// Calls `each` for runs of whole rows.
    fn for_each_run(
        &self,
        mut each: impl FnMut(Run<'_>) -> Result<(), ParquetError>,
    ) -> Result<(), ParquetError> {
        let (mut start, mut value) = (0, 0);
        while start < self.def.len() {
            let mut end = self.def.len().min(start + RUN_LEVELS);
            if let Some(rep) = &self.rep {
                end += rep[end..].iter().take_while(|&&level| level != 0).count();
            }
            let def = &self.def[start..end];
            let values = def.iter().filter(|&&level| level == self.present).count();
            let rep = self.rep.as_ref().map(|rep| &rep[start..end]);
            each(Run { def, rep, values: value..value + values })?;
            (start, value) = (end, value + values);
        }
        Ok(())
    }
}

fn list_levels(
    column: &Column,
    ends: &[u32],
    elements: &Column,
    rows: usize,
) -> (Vec<i16>, Vec<i16>) {
    let count = ends.last().map_or(0, |&end| end as usize);
    let mut there = vec![ELEMENT_NULL; count];
    elements.presence().for_each(|at| there[at] = ELEMENT);
    let (mut def, mut rep) = (Vec::with_capacity(rows + count), Vec::with_capacity(rows + count));
    let (mut next, mut start, mut rows_before) = (0, 0, 0);
    let pad = |def: &mut Vec<i16>, rep: &mut Vec<i16>, count: usize| {
        def.resize(def.len() + count, 0);
        rep.resize(rep.len() + count, 0);
    };
    column.presence().for_each(|row| {
        pad(&mut def, &mut rep, row - rows_before);
        let end = ends[next] as usize;
        match start == end {
            true => def.push(LIST_EMPTY),
            false => def.extend_from_slice(&there[start..end]),
        }
        rep.push(0);
        rep.resize(def.len(), 1);
        (start, next, rows_before) = (end, next + 1, row + 1);
    });
    pad(&mut def, &mut rep, rows - rows_before);
    (def, rep)
}
