//! Timestamps of 96 bits: days and nanoseconds, which neither unit of 64 bits holds all of.

use std::sync::Arc;

use arrow_schema::TimeUnit;
use parquet::basic::Type as PhysicalType;
use parquet::column::reader::{ColumnReader, get_column_reader};
use parquet::data_type::Int96;
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::reader::ChunkReader;
use parquet::file::serialized_reader::SerializedPageReader;

/// Values that are looked at together.
const VALUES: usize = 8 << 10;

/// The day of 1970-01-01, as days are counted there.
const EPOCH_DAY: i64 = 2_440_588;

const NANOS_PER_DAY: i128 = 24 * 60 * 60 * 1_000_000_000;

/// How the columns of a file that hold such timestamps are read.
#[derive(Debug, Default)]
pub(super) struct Int96Units {
    /// By the place of the column among all leaves.
    units: Vec<Option<TimeUnit>>,
    /// Timestamps that lose what is below a microsecond.
    pub cut: u64,
}

impl Int96Units {
    /// Looks at all such timestamps of a file, as only these say which unit holds them.
    ///
    /// Nanoseconds end in 2262, and some programs write the years 1 and 9999 for no date; so these
    /// are the unit only where they are needed.
    pub(super) fn of<R: ChunkReader + Clone + 'static>(
        file: &R,
        metadata: &ParquetMetaData,
    ) -> Result<Self, ParquetError> {
        let leaves = metadata.file_metadata().schema_descr().columns();
        let mut found = Int96Units { units: vec![None; leaves.len()], cut: 0 };
        for (leaf, descr) in leaves.iter().enumerate() {
            if descr.physical_type() != PhysicalType::INT96 {
                continue;
            }
            let (mut fine, mut is_far) = (0, false);
            for group in metadata.row_groups() {
                let rows = usize::try_from(group.num_rows()).unwrap_or(0);
                let chunk = group.column(leaf);
                let pages = SerializedPageReader::new(Arc::new(file.clone()), chunk, rows, None)?;
                let reader = get_column_reader(Arc::clone(descr), Box::new(pages));
                let ColumnReader::Int96ColumnReader(mut reader) = reader else { continue };
                let (mut def, mut rep, mut values) = (Vec::new(), Vec::new(), Vec::new());
                loop {
                    let (records, ..) =
                        reader.read_records(VALUES, Some(&mut def), Some(&mut rep), &mut values)?;
                    fine += values.iter().filter(|value| nanos(value) % 1_000 != 0).count() as u64;
                    is_far |= values.iter().any(|value| i64::try_from(nanos(value)).is_err());
                    def.clear();
                    rep.clear();
                    values.clear();
                    if records == 0 {
                        break;
                    }
                }
            }
            found.units[leaf] = Some(match (fine, is_far) {
                (1.., false) => TimeUnit::Nanosecond,
                _ => TimeUnit::Microsecond,
            });
            found.cut += if is_far { fine } else { 0 };
        }
        Ok(found)
    }

    /// Returns the unit of a leaf that is of this type.
    pub(super) fn get(&self, leaf: usize) -> Option<TimeUnit> {
        self.units.get(leaf).copied().flatten()
    }
}

/// Returns nanoseconds since 1970.
fn nanos(value: &Int96) -> i128 {
    let [low, high, day] = [0, 1, 2].map(|at| value.data()[at]);
    let of_day = i64::from(high) << 32 | i64::from(low);
    let days = i64::from(day as i32) - EPOCH_DAY;
    i128::from(days) * NANOS_PER_DAY + i128::from(of_day)
}
