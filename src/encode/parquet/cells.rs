//! A column's values in the physical type in which Parquet has them, and as bytes.

use std::borrow::Cow;
use std::ops::Range;

use super::chunk::{DecimalPhysical, decimal_physical};
use super::encoding::Encoding;
use super::{bits, delta};
use crate::encode::arrow::{self, internal};
use crate::error::{Error, ErrorKind};
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

    /// Returns whether the values are those of the column as they are, so that they are had again
    /// for nothing.
    pub(super) fn is_borrowed(&self) -> bool {
        matches!(
            self,
            Cells::Bool(Cow::Borrowed(_))
                | Cells::Int64(Cow::Borrowed(_))
                | Cells::Double(Cow::Borrowed(_))
                | Cells::Bytes(Cow::Borrowed(_))
        )
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

    /// Returns how many bytes some of the values take without an encoding.
    pub(super) fn plain_bytes(&self, range: Range<usize>) -> usize {
        let count = range.len();
        match self {
            Cells::Bool(_) => count.div_ceil(8),
            Cells::Int32(_) => count * 4,
            Cells::Int64(_) | Cells::Double(_) => count * 8,
            Cells::Bytes(texts) => texts.bytes_of(range) + count * 4,
            Cells::Fixed(_, width) => count * width,
        }
    }

    /// Returns how many bytes of strings some of the values are.
    pub(super) fn text_bytes(&self, range: Range<usize>) -> usize {
        match self {
            Cells::Bytes(texts) => texts.bytes_of(range),
            _ => 0,
        }
    }

    /// Appends some of the values in `encoding`, which is not a dictionary.
    ///
    /// - Errors: `Internal` if values of this type have no such encoding.
    pub(super) fn write(
        &self,
        range: Range<usize>,
        encoding: Encoding,
        out: &mut Vec<u8>,
    ) -> Result<(), Error> {
        match (self, encoding) {
            (Cells::Bool(values), Encoding::Plain) => bits::pack(&values[range], 1, out),
            (Cells::Bool(values), Encoding::Rle) => {
                bits::with_length(out, |out| bits::hybrid(&values[range], 1, out));
            }
            (Cells::Int32(values), Encoding::Delta) => delta::integers(&values[range], out),
            (Cells::Int64(values), Encoding::Delta) => delta::integers(&values[range], out),
            (Cells::Int32(values), _) => words(&values[range], i32::to_le_bytes, encoding, out)?,
            (Cells::Int64(values), _) => words(&values[range], i64::to_le_bytes, encoding, out)?,
            (Cells::Double(values), _) => words(&values[range], f64::to_le_bytes, encoding, out)?,
            (Cells::Bytes(texts), _) => strings(texts, range, encoding, out)?,
            (Cells::Fixed(values, width), _) => fixed(&values[range], *width, encoding, out)?,
            (Cells::Bool(_), _) => return Err(unknown(encoding)),
        }
        Ok(())
    }
}

fn unknown(encoding: Encoding) -> Error {
    Error::new(ErrorKind::Internal, format!("values that cannot be written as `{encoding}`"))
}

fn words<T: Copy, const N: usize>(
    values: &[T],
    bytes: impl Fn(T) -> [u8; N],
    encoding: Encoding,
    out: &mut Vec<u8>,
) -> Result<(), Error> {
    let start = out.len();
    out.resize(start + values.len() * N, 0);
    let out = &mut out[start..];
    match encoding {
        Encoding::Plain => {
            for (slot, &value) in out.as_chunks_mut::<N>().0.iter_mut().zip(values) {
                *slot = bytes(value);
            }
        }
        Encoding::ByteStreamSplit if !values.is_empty() => {
            for (index, stream) in out.chunks_exact_mut(values.len()).enumerate() {
                for (slot, &value) in stream.iter_mut().zip(values) {
                    *slot = bytes(value)[index];
                }
            }
        }
        Encoding::ByteStreamSplit => {}
        _ => return Err(unknown(encoding)),
    }
    Ok(())
}

fn strings(
    texts: &Texts,
    range: Range<usize>,
    encoding: Encoding,
    out: &mut Vec<u8>,
) -> Result<(), Error> {
    let offsets = &texts.offsets[range.start..range.end + 1];
    match encoding {
        Encoding::Plain => {
            out.reserve(texts.bytes_of(range.clone()) + range.len() * 4);
            for ends in offsets.windows(2) {
                out.extend_from_slice(&(ends[1] - ends[0]).to_le_bytes());
                out.extend_from_slice(&texts.bytes[ends[0] as usize..ends[1] as usize]);
            }
        }
        Encoding::DeltaLength => delta::strings(offsets, &texts.bytes, out),
        Encoding::DeltaByteArray => delta::shared_starts(range.map(|at| texts.get(at)), out),
        _ => return Err(unknown(encoding)),
    }
    Ok(())
}

/// Appends decimals of `width` bytes, the highest byte first.
fn fixed(
    values: &[i128],
    width: usize,
    encoding: Encoding,
    out: &mut Vec<u8>,
) -> Result<(), Error> {
    let bytes = |value: &i128| value.to_be_bytes();
    let skipped = size_of::<i128>() - width;
    match encoding {
        Encoding::Plain => {
            values.iter().for_each(|value| out.extend_from_slice(&bytes(value)[skipped..]));
        }
        Encoding::ByteStreamSplit => {
            for index in skipped..size_of::<i128>() {
                out.extend(values.iter().map(|value| bytes(value)[index]));
            }
        }
        Encoding::DeltaByteArray => {
            let all: Vec<_> = values.iter().map(bytes).collect();
            delta::shared_starts(all.iter().map(|bytes| &bytes[skipped..]), out);
        }
        _ => return Err(unknown(encoding)),
    }
    Ok(())
}
