//! Which encoding a column chunk is written in, from its values alone.
//!
//! Few distinct values make a dictionary; among the rest, integers are written as differences,
//! text as lengths and bytes, without the start it shares with its neighbour where that is long,
//! doubles of many digits, or that do not come again, byte by byte. A sample of the values decides, with estimates of the bits
//! that each way takes.

use std::fmt;
use std::str::FromStr;

use parquet::basic::Encoding as ParquetEncoding;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::cells::Cells;
use super::delta::shared_start;
use crate::error::{Error, ErrorKind};
use crate::nearest::slips;
use crate::schema::Layout;
use crate::schema::widen::ColumnType;

/// How the values of a Parquet column are encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Encoding {
    /// One after the other (`PLAIN`).
    Plain,
    /// Each distinct value once, and numbers that stand for them (`RLE_DICTIONARY`).
    Dictionary,
    /// Integers as differences (`DELTA_BINARY_PACKED`).
    Delta,
    /// Text as lengths, then bytes (`DELTA_LENGTH_BYTE_ARRAY`).
    DeltaLength,
    /// Text without the start it shares with the value before (`DELTA_BYTE_ARRAY`).
    DeltaByteArray,
    /// First bytes first, then second bytes, and so on (`BYTE_STREAM_SPLIT`).
    ByteStreamSplit,
    /// Booleans as runs (`RLE`).
    Rle,
}

const NAMES: [(Encoding, &str); 7] = [
    (Encoding::Plain, "plain"),
    (Encoding::Dictionary, "dictionary"),
    (Encoding::Delta, "delta"),
    (Encoding::DeltaLength, "delta-length"),
    (Encoding::DeltaByteArray, "delta-byte-array"),
    (Encoding::ByteStreamSplit, "byte-stream-split"),
    (Encoding::Rle, "rle"),
];

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = NAMES.iter().find(|(encoding, _)| encoding == self);
        f.write_str(name.map_or("", |(_, name)| name))
    }
}

impl Encoding {
    /// Returns what the format calls it in the header of a data page.
    pub(super) fn of_pages(self) -> ParquetEncoding {
        match self {
            Encoding::Plain => ParquetEncoding::PLAIN,
            Encoding::Dictionary => ParquetEncoding::RLE_DICTIONARY,
            Encoding::Delta => ParquetEncoding::DELTA_BINARY_PACKED,
            Encoding::DeltaLength => ParquetEncoding::DELTA_LENGTH_BYTE_ARRAY,
            Encoding::DeltaByteArray => ParquetEncoding::DELTA_BYTE_ARRAY,
            Encoding::ByteStreamSplit => ParquetEncoding::BYTE_STREAM_SPLIT,
            Encoding::Rle => ParquetEncoding::RLE,
        }
    }

    /// Returns whether readers from before 2015 know it.
    pub fn is_old(self) -> bool {
        matches!(self, Encoding::Plain | Encoding::Dictionary)
    }

    /// Returns the encodings that a column of this type can have; of lists, those of the elements.
    pub(super) fn for_type(column_type: &ColumnType) -> &'static [Encoding] {
        use Encoding::*;
        match column_type {
            ColumnType::Bool => &[Plain, Rle],
            ColumnType::Int64 | ColumnType::Date | ColumnType::Timestamp { .. } => {
                &[Plain, Dictionary, Delta, ByteStreamSplit]
            }
            ColumnType::Decimal { precision, .. } if *precision <= 18 => {
                &[Plain, Dictionary, Delta, ByteStreamSplit]
            }
            ColumnType::Decimal { .. } => &[Plain, Dictionary, DeltaByteArray, ByteStreamSplit],
            ColumnType::Double => &[Plain, Dictionary, ByteStreamSplit],
            ColumnType::Text | ColumnType::Json => {
                &[Plain, Dictionary, DeltaLength, DeltaByteArray]
            }
            ColumnType::List(element) => Encoding::for_type(element),
        }
    }
}

/// The encoding that a user wants for a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnEncoding {
    /// Name of the column, by itself or behind that of its table and a point.
    pub column: String,
    /// The encoding; nothing lets the values decide.
    pub encoding: Option<Encoding>,
}

impl FromStr for ColumnEncoding {
    type Err = Error;

    /// Reads `COLUMN=NAME`; the last `=` splits.
    fn from_str(text: &str) -> Result<Self, Error> {
        let Some((column, name)) = text.rsplit_once('=').filter(|(column, _)| !column.is_empty())
        else {
            let message = format!("expected a column, `=` and an encoding, found `{text}`");
            return Err(Error::usage(message).with_hint("write it as in `id=delta`"));
        };
        let encoding = match NAMES.iter().find(|(_, known)| *known == name) {
            Some((encoding, _)) => Some(*encoding),
            None if name == "auto" => None,
            None => {
                let known: Vec<_> = NAMES.iter().map(|(_, name)| format!("`{name}`")).collect();
                let known = known.join(", ");
                let message = format!("encoding `{name}`: expected `auto`, {known}");
                let known = NAMES.iter().map(|(_, name)| *name).chain(["auto"]);
                return Err(Error::usage(message).with_nearest(name, known));
            }
        };
        Ok(ColumnEncoding { column: column.to_owned(), encoding })
    }
}

impl ColumnEncoding {
    fn names(&self, table: &str, column: &str) -> bool {
        let in_table = || self.column.strip_prefix(table)?.strip_prefix('.');
        self.column == column || in_table() == Some(column)
    }
}

impl fmt::Display for ColumnEncoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.encoding {
            Some(encoding) => write!(f, "--encoding {}={encoding}", self.column),
            None => write!(f, "--encoding {}=auto", self.column),
        }
    }
}

/// Returns what users want for a column, the last that names it, as far as its type allows.
pub(super) fn wanted(
    encodings: &[ColumnEncoding],
    table: &str,
    column: &str,
    column_type: &ColumnType,
) -> Option<Encoding> {
    let last = encodings.iter().rev().find(|wanted| wanted.names(table, column))?;
    last.encoding.filter(|encoding| Encoding::for_type(column_type).contains(encoding))
}

/// Checks that every column exists and its type takes the encoding.
///
/// - Errors: `Usage`.
pub fn check(encodings: &[ColumnEncoding], layouts: &[Layout]) -> Result<(), Error> {
    let usage = |message: String| Error::new(ErrorKind::Usage, message);
    for wanted in encodings {
        let mut is_used = false;
        for layout in layouts {
            for column in &layout.columns {
                if !wanted.names(&layout.table, &column.name) {
                    continue;
                }
                is_used = true;
                let known = Encoding::for_type(&column.column_type);
                if wanted.encoding.is_some_and(|encoding| !known.contains(&encoding)) {
                    let known: Vec<_> = known.iter().map(|name| format!("`{name}`")).collect();
                    let (name, table) = (&column.name, &layout.table);
                    return Err(usage(format!(
                        "`{wanted}`: column `{name}` of table `{table}` is {}, which takes {}",
                        column.column_type,
                        known.join(", ")
                    )));
                }
            }
        }
        if !is_used && layouts.iter().any(|layout| !layout.columns.is_empty()) {
            let message = format!("`{wanted}`: no column `{}` arose", wanted.column);
            let hint = match near(&wanted.column, layouts) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "name a column as it stands in the output".to_owned(),
            };
            return Err(usage(message).with_hint(hint));
        }
    }
    Ok(())
}

/// Returns the column that was probably meant where there is none of that name: one spelled like it,
/// or, where the table is given, the same column of another table.
fn near(wanted: &str, layouts: &[Layout]) -> Option<String> {
    let names = layouts.iter().flat_map(|layout| {
        layout.columns.iter().map(|column| (layout.table.as_str(), column.name.as_str()))
    });
    let parted: Vec<_> = wanted.match_indices('.').map(|(at, _)| wanted.split_at(at)).collect();
    let likely = names.flat_map(|(table, column)| {
        let alone = slips(wanted, column).map(|far| (far, column.to_owned()));
        let placed = parted.iter().filter_map(move |(of, rest)| {
            let far = match (slips(of, table), slips(&rest[1..], column)) {
                (Some(table), Some(column)) => table + column,
                (None, Some(0)) => usize::MAX,
                _ => return None,
            };
            Some((far, format!("{table}.{column}")))
        });
        alone.into_iter().chain(placed)
    });
    likely.min().map(|(_, name)| name)
}

/// Values that are looked at, at most.
const SAMPLE: usize = 2048;

/// Values that are looked at where a chunk has as many; of more, an eighth.
const SAMPLE_MIN: usize = 256;

/// Neighbours that are looked at together.
const SAMPLE_RUN: usize = 64;

/// Chunks of fewer values gain nothing from differences: those come in blocks.
const DELTA_VALUES_MIN: usize = 32;

/// Bytes of a dictionary, above which it is given up: readers hold all of it in memory.
pub(super) const DICTIONARY_BYTES_MAX: usize = 1 << 20;

/// Bits of a dictionary's page header and compression frame.
const DICTIONARY_PAGE_BITS: usize = 40 * 8;

/// Returns the encoding for these values.
///
/// - Shape: depends on nothing but the values and `is_compat`, so that a chunk that is encoded
///   again has the same bytes.
pub(super) fn choose(cells: &Cells<'_>, is_compat: bool) -> Encoding {
    let count = cells.len();
    if count == 0 || matches!(cells, Cells::Bool(_)) {
        return Encoding::Plain;
    }
    let (other, other_bits) = without_dictionary(cells, is_compat);
    let Some(distinct) = distinct(cells) else { return other };
    let dictionary_bytes = cells.plain_bytes(0..count) / count * distinct;
    let index_bits = usize::BITS - distinct.saturating_sub(1).leading_zeros();
    let dictionary_bits = dictionary_bytes * 8 + index_bits as usize * count + DICTIONARY_PAGE_BITS;
    match dictionary_bytes < DICTIONARY_BYTES_MAX && dictionary_bits <= other_bits {
        true => Encoding::Dictionary,
        false => other,
    }
}

/// Returns the best encoding besides a dictionary, and the bits it takes, compressed, in all.
pub(super) fn without_dictionary(cells: &Cells<'_>, is_compat: bool) -> (Encoding, usize) {
    let count = cells.len();
    // compression finds most of what repeats
    let plain = (Encoding::Plain, cells.plain_bytes(0..count) * 8 / 2);
    if is_compat || count < DELTA_VALUES_MIN {
        return plain;
    }
    match cells {
        Cells::Int32(values) => delta(count, |at| values[at].into()),
        Cells::Int64(values) => delta(count, |at| values[at]),
        Cells::Double(values) => {
            let long = sample(count).filter(|&at| has_many_digits(values[at])).count();
            // where values come again, compression finds them whole
            match long * 2 > sample(count).count() || distinct(cells).is_none() {
                true => (Encoding::ByteStreamSplit, plain.1),
                false => plain,
            }
        }
        Cells::Bytes(texts) => {
            let (mut shared, mut bytes, mut pairs) = (0, 0, 0);
            for at in runs(count).flat_map(|run| run.start + 1..run.end) {
                let (before, value) = (texts.get(at - 1), texts.get(at));
                shared += shared_start(before, value);
                bytes += value.len();
                pairs += 1;
            }
            let bits = (texts.bytes.len() + count) * 8 / 2;
            // the shared lengths cost a little by themselves
            match shared >= pairs * 2 && shared * 5 >= bytes {
                true => (Encoding::DeltaByteArray, bits),
                false => (Encoding::DeltaLength, bits),
            }
        }
        Cells::Bool(_) | Cells::Fixed(..) => plain,
    }
}

/// Estimates the bits of integers as differences, from runs of neighbours.
fn delta(count: usize, value: impl Fn(usize) -> i64) -> (Encoding, usize) {
    let (mut bits, mut seen) = (0, 0);
    for run in runs(count) {
        let differences = || run.clone().skip(1).map(|at| value(at).wrapping_sub(value(at - 1)));
        let (least, most) = (differences().min().unwrap_or(0), differences().max().unwrap_or(0));
        let width = u64::BITS - (most.wrapping_sub(least) as u64).leading_zeros();
        bits += width as usize * run.len();
        seen += run.len();
    }
    (Encoding::Delta, (bits as f64 / seen as f64 * count as f64) as usize)
}

/// Returns whether a double has so many digits that its last bytes look random.
fn has_many_digits(value: f64) -> bool {
    let mut buffer = ryu::Buffer::new();
    buffer.format(value).bytes().filter(u8::is_ascii_digit).count() >= 15
}

/// Estimates how many distinct values there are; nothing where too few of them repeat.
///
/// - Source: A. Chao, "Nonparametric estimation of the number of classes in a population", 1984:
///   distinct values of the sample, and from how many came once and twice, those it missed.
fn distinct(cells: &Cells<'_>) -> Option<usize> {
    let count = cells.len();
    let places = sample(count);
    let mut keys: Vec<u64> = match cells {
        Cells::Bool(values) => places.map(|at| values[at].into()).collect(),
        Cells::Int32(values) => places.map(|at| values[at] as u64).collect(),
        Cells::Int64(values) => places.map(|at| values[at] as u64).collect(),
        Cells::Double(values) => places.map(|at| values[at].to_bits()).collect(),
        Cells::Bytes(texts) => places.map(|at| xxh3_64(texts.get(at))).collect(),
        Cells::Fixed(values, _) => places.map(|at| xxh3_64(&values[at].to_le_bytes())).collect(),
    };
    keys.sort_unstable();
    let (mut distinct, mut once, mut twice) = (0, 0, 0);
    for same in keys.chunk_by(|a, b| a == b) {
        distinct += 1;
        once += usize::from(same.len() == 1);
        twice += usize::from(same.len() == 2);
    }
    if keys.len() == count {
        return (distinct < count).then_some(distinct);
    }
    match (once, twice) {
        (0, _) => Some(distinct),
        (_, 0) if once * 8 > keys.len() => None,
        _ => Some((distinct + once * once / (2 * twice.max(1))).min(count)),
    }
}

/// Returns places spread over all `count` values.
fn sample(count: usize) -> impl Iterator<Item = usize> {
    let taken = count.min((count / 8).clamp(SAMPLE_MIN, SAMPLE));
    (0..taken).map(move |index| index * count / taken)
}

/// Returns runs of neighbours spread over all `count` values.
fn runs(count: usize) -> impl Iterator<Item = std::ops::Range<usize>> {
    let all = count.div_ceil(SAMPLE_RUN);
    let taken = all.min((all / 8).clamp(SAMPLE_MIN / SAMPLE_RUN, SAMPLE / SAMPLE_RUN));
    (0..taken).map(move |index| {
        let start = index * all / taken * SAMPLE_RUN;
        start..count.min(start + SAMPLE_RUN)
    })
}
