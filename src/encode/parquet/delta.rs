//! Integers as differences (`DELTA_BINARY_PACKED`), and text with lengths kept that way.

use super::bits::{pack, varint, width_of, zigzag};

/// Values of a block, which share the least difference.
const BLOCK: usize = 128;

/// Values of a block that share a width.
const MINI_BLOCK: usize = 32;

/// Appends integers as the differences between neighbours.
///
/// Differences wrap around at 64 bits; those of 32-bit columns never need more than 32, as all
/// that is stored in such columns has at most nine digits.
///
/// - Source: Parquet format, "Delta Encoding".
pub(super) fn integers<T: Copy + Into<i64>>(values: &[T], out: &mut Vec<u8>) {
    varint(BLOCK as u64, out);
    varint((BLOCK / MINI_BLOCK) as u64, out);
    varint(values.len() as u64, out);
    let Some((&first, rest)) = values.split_first() else { return zigzag(0, out) };
    zigzag(first.into(), out);
    let mut deltas = [0; BLOCK];
    let mut before = &values[..rest.len()];
    for block in rest.chunks(BLOCK) {
        for ((delta, &value), &before) in deltas.iter_mut().zip(block).zip(before) {
            *delta = value.into().wrapping_sub(before.into());
        }
        before = &before[block.len()..];
        write_block(&deltas[..block.len()], out);
    }
}

fn write_block(deltas: &[i64], out: &mut Vec<u8>) {
    let least = deltas.iter().copied().min().unwrap_or(0);
    zigzag(least, out);
    let widths = out.len();
    out.resize(widths + BLOCK / MINI_BLOCK, 0);
    for (index, deltas) in deltas.chunks(MINI_BLOCK).enumerate() {
        let mut above = [0; MINI_BLOCK];
        let mut any = 0;
        for (above, delta) in above.iter_mut().zip(deltas) {
            *above = delta.wrapping_sub(least) as u64;
            any |= *above;
        }
        let width = width_of(any);
        out[widths + index] = width as u8;
        if width > 0 {
            pack(&above, width, out);
        }
    }
}

/// Appends strings as their lengths, then all their bytes (`DELTA_LENGTH_BYTE_ARRAY`).
///
/// - Shape: string `index` is `bytes[offsets[index]..offsets[index + 1]]`.
pub(super) fn strings(offsets: &[i32], bytes: &[u8], out: &mut Vec<u8>) {
    let lengths: Vec<i32> = offsets.windows(2).map(|ends| ends[1] - ends[0]).collect();
    integers(&lengths, out);
    out.extend_from_slice(&bytes[offsets[0] as usize..offsets[offsets.len() - 1] as usize]);
}

/// Appends strings without the start they share with the one before (`DELTA_BYTE_ARRAY`).
pub(super) fn shared_starts<'a>(strings: impl Iterator<Item = &'a [u8]>, out: &mut Vec<u8>) {
    let (mut shared_lengths, mut lengths, mut ends) = (Vec::new(), Vec::new(), Vec::new());
    let mut before: &[u8] = &[];
    for string in strings {
        let shared = shared_start(before, string);
        shared_lengths.push(shared as i32);
        lengths.push((string.len() - shared) as i32);
        ends.extend_from_slice(&string[shared..]);
        before = string;
    }
    integers(&shared_lengths, out);
    integers(&lengths, out);
    out.extend_from_slice(&ends);
}

/// Returns how many bytes two strings share from their start.
pub(super) fn shared_start(a: &[u8], b: &[u8]) -> usize {
    const WORD: usize = 8;
    let words = a.as_chunks::<WORD>().0.iter().zip(b.as_chunks::<WORD>().0);
    for (index, (a, b)) in words.enumerate() {
        let different = u64::from_le_bytes(*a) ^ u64::from_le_bytes(*b);
        if different != 0 {
            return index * WORD + different.trailing_zeros() as usize / 8;
        }
    }
    let same = a.len().min(b.len()) / WORD * WORD;
    same + a[same..].iter().zip(&b[same..]).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_starts_are_counted_byte_by_byte() {
        let text = b"abcdefghijklmnopqrstuvwxyz";
        for same in 0..=text.len() {
            let mut other = text.to_vec();
            assert_eq!(shared_start(text, &other[..same]), same);
            if let Some(byte) = other.get_mut(same) {
                *byte = b'#';
            }
            assert_eq!(shared_start(text, &other), same);
            assert_eq!(shared_start(&other, text), same);
        }
    }
}
