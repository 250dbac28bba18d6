//! Small integers in few bits: packed, and packed between runs.

use std::iter;
use std::ops::Range;

/// Values of a group: bit-packed runs hold whole groups.
const GROUP: usize = 8;

/// Appends an integer in seven bits a byte, the lowest first (ULEB128).
pub(super) fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends an integer as a varint in which small negative ones are short, too.
pub(super) fn zigzag(value: i64, out: &mut Vec<u8>) {
    varint(((value << 1) ^ (value >> 63)) as u64, out);
}

/// Returns how many bits `value` takes.
pub(super) fn width_of(value: u64) -> u32 {
    u64::BITS - value.leading_zeros()
}

/// Appends each value in `width` bits, the lowest bit first, and fills the last byte with zeros.
pub(super) fn pack<T: Copy + Into<u64>>(values: &[T], width: u32, out: &mut Vec<u8>) {
    let (mut word, mut filled) = (0u64, 0);
    out.reserve(values.len() * width as usize / 8 + 8);
    for &value in values {
        let value = value.into();
        word |= value << filled;
        filled += width;
        if filled >= u64::BITS {
            out.extend_from_slice(&word.to_le_bytes());
            filled -= u64::BITS;
            word = if filled == 0 { 0 } else { value >> (width - filled) };
        }
    }
    out.extend_from_slice(&word.to_le_bytes()[..filled.div_ceil(8) as usize]);
}

/// Appends values of `width` bits as runs of one value and packed groups of eight.
///
/// - Source: Parquet format, "Run Length Encoding / Bit-Packing Hybrid".
pub(super) fn hybrid<T: Copy + PartialEq + Into<u64>>(values: &[T], width: u32, out: &mut Vec<u8>) {
    let Some(&first) = values.first() else { return };
    if width == 0 {
        return hybrid_run(values.len(), first.into(), width, out);
    }
    // A shorter run costs more than it saves, as the packed groups around it need headers.
    let worth = (4 * GROUP / width as usize).max(GROUP);
    let (mut packed, mut at) = (0, 0);
    while let Some(group) = values[at..].first_chunk::<GROUP>() {
        if group.iter().any(|value| *value != group[0]) {
            at += GROUP;
            continue;
        }
        let same = values[at..].iter().take_while(|value| **value == group[0]).count();
        if same < worth {
            at += same / GROUP * GROUP;
            continue;
        }
        groups(&values[packed..at], width, out);
        hybrid_run(same, group[0].into(), width, out);
        at += same;
        packed = at;
    }
    groups(&values[packed..], width, out);
}

/// Appends `count` times the same value of `width` bits.
pub(super) fn hybrid_run(count: usize, value: u64, width: u32, out: &mut Vec<u8>) {
    if count == 0 {
        return;
    }
    varint((count as u64) << 1, out);
    out.extend_from_slice(&value.to_le_bytes()[..width.div_ceil(8) as usize]);
}

fn groups<T: Copy + Into<u64>>(values: &[T], width: u32, out: &mut Vec<u8>) {
    if values.is_empty() {
        return;
    }
    let count = values.len().div_ceil(GROUP);
    varint((count as u64) << 1 | 1, out);
    let end = out.len() + count * width as usize;
    pack(values, width, out);
    out.resize(end, 0);
}

/// Appends the first `count` bits of `words`, the last there are, like [`hybrid`] with a width of
/// one.
///
/// Groups count from the end of the run before them, so that patterns of rows that come again
/// look the same to the compression wherever they stand.
pub(super) fn hybrid_bits(words: &[u64], count: usize, out: &mut Vec<u8>) {
    /// Bits from which on a run is worth its header.
    const WORTH: usize = 16;
    let (mut packed, mut at) = (0, 0);
    while at + GROUP <= count {
        let bits = bits_at(words, at);
        if !matches!(bits as u8, 0 | 0xff) {
            at += GROUP;
            continue;
        }
        let same = run_length(words, at, count);
        if same < WORTH {
            at += GROUP;
            continue;
        }
        bit_groups(words, packed..at, out);
        hybrid_run(same, bits & 1, 1, out);
        at += same;
        packed = at;
    }
    bit_groups(words, packed..count, out);
}

/// Returns 64 bits from bit `at` on, with zeros behind the last.
#[inline]
fn bits_at(words: &[u64], at: usize) -> u64 {
    let (index, shift) = (at / 64, at % 64);
    let low = words.get(index).map_or(0, |word| word >> shift);
    match shift {
        0 => low,
        _ => low | words.get(index + 1).map_or(0, |word| word << (64 - shift)),
    }
}

/// Returns how many bits from bit `at` on are the same, of `count` in all.
fn run_length(words: &[u64], at: usize, count: usize) -> usize {
    let flip = if bits_at(words, at) & 1 == 1 { u64::MAX } else { 0 };
    let mut end = at;
    while end < count {
        let same = (bits_at(words, end) ^ flip).trailing_zeros() as usize;
        end += same;
        if same < 64 {
            break;
        }
    }
    end.min(count) - at
}

fn bit_groups(words: &[u64], range: Range<usize>, out: &mut Vec<u8>) {
    if range.is_empty() {
        return;
    }
    let bytes = range.len().div_ceil(GROUP);
    varint((bytes as u64) << 1 | 1, out);
    let end = out.len() + bytes;
    out.extend(range.step_by(64).flat_map(|at| bits_at(words, at).to_le_bytes()));
    out.truncate(end);
}

/// Appends all that `write` does, behind its length in four bytes.
pub(super) fn with_length(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend(iter::repeat_n(0, 4));
    write(out);
    let length = (out.len() - start - 4) as u32;
    out[start..start + 4].copy_from_slice(&length.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_varint(bytes: &mut &[u8]) -> u64 {
        let (mut value, mut shift) = (0, 0);
        loop {
            let byte = bytes[0];
            *bytes = &bytes[1..];
            value |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte < 0x80 {
                return value;
            }
        }
    }

    fn unpack(bytes: &[u8], width: u32, count: usize) -> Vec<u64> {
        let bit = |at: usize| u64::from(bytes[at / 8] >> (at % 8) & 1);
        let value =
            |at: usize| (0..width).map(|b| bit(at * width as usize + b as usize) << b).sum();
        (0..count).map(value).collect()
    }

    fn read_hybrid(mut bytes: &[u8], width: u32) -> Vec<u64> {
        let mut values = Vec::new();
        while !bytes.is_empty() {
            let header = read_varint(&mut bytes);
            let count = (header >> 1) as usize;
            let length =
                if header & 1 == 1 { count * width as usize } else { width.div_ceil(8) as usize };
            let (head, rest) = bytes.split_at(length);
            match header & 1 == 1 {
                true => values.extend(unpack(head, width, count * GROUP)),
                false => {
                    let mut word = [0; 8];
                    word[..head.len()].copy_from_slice(head);
                    values.extend(iter::repeat_n(u64::from_le_bytes(word), count));
                }
            }
            bytes = rest;
        }
        values
    }

    /// Packed groups may hold zeros behind the last value, runs may not.
    #[track_caller]
    fn check_hybrid(values: &[u64], width: u32) {
        let mut out = Vec::new();
        hybrid(values, width, &mut out);
        let read = read_hybrid(&out, width);
        assert_eq!(&read[..values.len()], values, "width {width}");
        assert!(read.len() < values.len() + GROUP, "{} values read", read.len());
        if width == 1 {
            let mut words = vec![0; values.len().div_ceil(64)];
            values.iter().enumerate().for_each(|(at, bit)| words[at / 64] |= bit << (at % 64));
            let mut out = Vec::new();
            hybrid_bits(&words, values.len(), &mut out);
            let read = read_hybrid(&out, 1);
            assert_eq!(&read[..values.len()], values, "bits");
            assert!(read.len() < values.len() + GROUP, "{} bits read", read.len());
        }
    }

    #[test]
    fn values_of_every_width_are_packed() {
        for width in 0..=64 {
            let mask = if width == 64 { u64::MAX } else { (1 << width) - 1 };
            for count in [0, 1, 7, 8, 31, 64, 100] {
                let noise = |at: u64| at.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
                let values: Vec<u64> = (1..=count).map(|at| noise(at) & mask).collect();
                let mut out = vec![7];
                pack(&values, width, &mut out);
                assert_eq!(out.len() - 1, (count as usize * width as usize).div_ceil(8));
                assert_eq!(unpack(&out[1..], width, values.len()), values, "width {width}");
            }
        }
    }

    #[test]
    fn runs_and_groups_come_back() {
        let mut cases: Vec<Vec<u64>> = vec![vec![], vec![1], vec![1; 7], vec![1; 8], vec![0; 1000]];
        for lengths in [[3, 8, 9], [64, 64, 64], [63, 65, 200], [8, 1, 7], [100, 1, 100]] {
            let runs = lengths.iter().enumerate();
            let runs = runs.flat_map(|(at, &length)| iter::repeat_n(at as u64 % 2, length));
            cases.push(runs.collect());
        }
        cases.push((0..999).map(|at| at % 3 % 2).collect());
        for case in &cases {
            check_hybrid(case, 1);
            check_hybrid(case, 2);
            check_hybrid(case, 13);
        }
        check_hybrid(&[0; 50], 0);
        check_hybrid(&(0..5000).map(|at| at / 11).collect::<Vec<_>>(), 9);
    }

    #[test]
    fn small_numbers_of_both_signs_are_short() {
        for (value, expected) in [(0, 1), (-1, 1), (63, 1), (-64, 1), (64, 2), (i64::MIN, 10)] {
            let mut out = Vec::new();
            zigzag(value, &mut out);
            assert_eq!(out.len(), expected, "{value}");
            let read = read_varint(&mut &out[..]);
            assert_eq!((read >> 1) as i64 ^ -((read & 1) as i64), value);
        }
    }
}
