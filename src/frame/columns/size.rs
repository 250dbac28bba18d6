//! How many bytes the values of rows have, whatever they share in memory.

use std::collections::VecDeque;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::DataType;

/// Returns the bytes of all values of some rows.
pub(crate) fn value_bytes(rows: &RecordBatch) -> usize {
    rows.columns().iter().map(bytes_of).sum()
}

/// Cuts rows into pieces of about `chunk_bytes` at most, or a row each.
pub(super) fn split(rows: RecordBatch, chunk_bytes: usize, pieces: &mut VecDeque<RecordBatch>) {
    let mut open = vec![rows];
    while let Some(rows) = open.pop() {
        let count = rows.num_rows();
        match count {
            0 => {}
            1 => pieces.push_back(rows),
            _ if value_bytes(&rows) <= chunk_bytes.saturating_mul(2) => pieces.push_back(rows),
            _ => {
                open.push(rows.slice(count / 2, count - count / 2));
                open.push(rows.slice(0, count / 2));
            }
        }
    }
}

/// Returns the bytes of each row.
pub(super) fn row_bytes(rows: &RecordBatch) -> Vec<u64> {
    (0..rows.num_rows()).map(|row| value_bytes(&rows.slice(row, 1)) as u64).collect()
}

/// Bytes of the place of a value of any length.
const PLACE_BYTES: usize = 4;

fn bytes_of(array: &ArrayRef) -> usize {
    let count = array.len();
    if count == 0 {
        return 0;
    }
    let inner = |values: &ArrayRef, start: usize, end: usize| {
        bytes_of(&values.slice(start, end.saturating_sub(start)))
    };
    match array.data_type() {
        DataType::Null => 0,
        DataType::Boolean => count,
        DataType::Utf8 => {
            let offsets = array.as_string::<i32>().value_offsets();
            (offsets[count] - offsets[0]) as usize + PLACE_BYTES * count
        }
        DataType::LargeUtf8 => {
            let offsets = array.as_string::<i64>().value_offsets();
            (offsets[count] - offsets[0]) as usize + PLACE_BYTES * count
        }
        DataType::Binary => {
            let offsets = array.as_binary::<i32>().value_offsets();
            (offsets[count] - offsets[0]) as usize + PLACE_BYTES * count
        }
        DataType::LargeBinary => {
            let offsets = array.as_binary::<i64>().value_offsets();
            (offsets[count] - offsets[0]) as usize + PLACE_BYTES * count
        }
        DataType::Utf8View => view_bytes(array.as_string_view().views()) + PLACE_BYTES * count,
        DataType::BinaryView => view_bytes(array.as_binary_view().views()) + PLACE_BYTES * count,
        DataType::Struct(_) => array.as_struct().columns().iter().map(bytes_of).sum(),
        DataType::List(_) => {
            let list = array.as_list::<i32>();
            let offsets = list.value_offsets();
            inner(list.values(), offsets[0] as usize, offsets[count] as usize) + PLACE_BYTES * count
        }
        DataType::LargeList(_) => {
            let list = array.as_list::<i64>();
            let offsets = list.value_offsets();
            inner(list.values(), offsets[0] as usize, offsets[count] as usize) + PLACE_BYTES * count
        }
        DataType::Map(..) => {
            let map = array.as_map();
            let (offsets, entries) = (map.value_offsets(), map.entries());
            let (start, end) = (offsets[0] as usize, offsets[count] as usize);
            let columns = entries.columns().iter();
            columns.map(|column| inner(column, start, end)).sum::<usize>() + PLACE_BYTES * count
        }
        DataType::ListView(_) => {
            let list = array.as_list_view::<i32>();
            (0..count).map(|index| bytes_of(&list.value(index))).sum()
        }
        DataType::LargeListView(_) => {
            let list = array.as_list_view::<i64>();
            (0..count).map(|index| bytes_of(&list.value(index))).sum()
        }
        DataType::FixedSizeList(_, size) => {
            let list = array.as_fixed_size_list();
            let (start, end) = (list.value_offset_at(0), *size as usize * count);
            inner(list.values(), start, start + end)
        }
        DataType::Dictionary(..) => {
            let dictionary = array.as_any_dictionary();
            let values = dictionary.values();
            match values.data_type() {
                // Long values may be few, and stand in many rows.
                DataType::Utf8
                | DataType::Binary
                | DataType::LargeUtf8
                | DataType::LargeBinary
                | DataType::Utf8View
                | DataType::BinaryView
                    if !values.is_empty() =>
                {
                    let sizes: Vec<usize> =
                        (0..values.len()).map(|index| bytes_of(&values.slice(index, 1))).collect();
                    let keys = dictionary.normalized_keys();
                    keys.into_iter().map(|key| sizes.get(key).copied().unwrap_or(0)).sum()
                }
                _ => bytes_of(values) / values.len().max(1) * count,
            }
        }
        DataType::RunEndEncoded(_, field) => match field.data_type().primitive_width() {
            Some(width) => width * count,
            None => array.get_array_memory_size(),
        },
        other => match (other.primitive_width(), other) {
            (Some(width), _) => width * count,
            (None, DataType::FixedSizeBinary(width)) => *width as usize * count,
            (None, _) => array.get_array_memory_size(),
        },
    }
}

fn view_bytes(views: &[u128]) -> usize {
    views.iter().map(|view| (*view as u32) as usize).sum()
}
