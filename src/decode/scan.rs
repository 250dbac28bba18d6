//! The two inner loops of the decoder: to the end of a string, and through a number.

use wide::u8x16;

/// Bytes looked at together.
const BLOCK: usize = 16;

/// Returns the place of the first byte from `at` on that cannot stand in a string as it is: `"`,
/// `\` or a control character; the end of `bytes` where there is none.
#[inline]
pub(super) fn plain_end(bytes: &[u8], mut at: usize) -> usize {
    while let Some(block) = bytes.get(at..).and_then(<[u8]>::first_chunk::<BLOCK>) {
        let found = special(block);
        if found != 0 {
            return at + found.trailing_zeros() as usize;
        }
        at += BLOCK;
    }
    while bytes.get(at).is_some_and(|byte| !matches!(byte, b'"' | b'\\' | 0..0x20)) {
        at += 1;
    }
    at
}

/// Returns a bit for every byte of `block` that ends a run of plain characters.
#[inline]
fn special(block: &[u8; BLOCK]) -> u32 {
    let bytes = u8x16::new(*block);
    let control = bytes.simd_eq(bytes.min(u8x16::splat(0x1f)));
    let found = bytes.simd_eq(u8x16::splat(b'"')) | bytes.simd_eq(u8x16::splat(b'\\')) | control;
    found.to_bitmask()
}

/// Digits that a double holds whatever they are: 10^15 is less than 2^53.
const EXACT_DIGITS: usize = 15;

/// Digits that 64 bits hold whatever they are, sign included.
const INT_DIGITS: usize = 18;

/// Powers of ten that are exact doubles, as far as they are needed.
const POWERS: [f64; EXACT_DIGITS + 1] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

/// A number that needs no second look.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Short {
    /// An integer.
    Int(i64),
    /// The double nearest to a number with a fraction; it gives the digits back.
    Float(f64),
}

/// Reads a short number from `at` on; returns it and where it ends, or nothing where it is long,
/// has an exponent, or is none: the caller then looks at it again, more slowly.
///
/// A quotient of two exact doubles is the double nearest to the number written.
#[inline(always)]
pub(super) fn short_number(bytes: &[u8], at: usize) -> Option<(Short, usize)> {
    let is_negative = bytes.get(at) == Some(&b'-');
    let start = at + usize::from(is_negative);
    let (mut value, mut at) = digits(bytes, start, 0);
    let whole = at - start;
    if whole == 0 || whole > INT_DIGITS || (whole > 1 && bytes[start] == b'0') {
        return None;
    }
    match bytes.get(at) {
        Some(b'.') => {}
        Some(b'e' | b'E') => return None,
        _ => {
            let value = value as i64;
            return Some((Short::Int(if is_negative { -value } else { value }), at));
        }
    }
    let point = at + 1;
    (value, at) = digits(bytes, point, value);
    let fraction = at - point;
    if fraction == 0
        || whole + fraction > EXACT_DIGITS
        || matches!(bytes.get(at), Some(b'e' | b'E'))
    {
        return None;
    }
    let value = value as f64 / POWERS[fraction];
    let value = if is_negative { -value } else { value };
    Some((Short::Float(value), at))
}

/// Reads digits behind those of `value`; stops after more than any caller takes.
///
/// Up to eight at a time, as how many there are is hard to foretell.
#[inline(always)]
fn digits(bytes: &[u8], mut at: usize, mut value: u64) -> (u64, usize) {
    if let Some(block) = bytes.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        let (eight, count) = eight_digits(*block);
        value = value.wrapping_mul(TENS[count]).wrapping_add(eight);
        at += count;
        if count < 8 {
            return (value, at);
        }
    }
    while let Some(digit) = bytes.get(at).map(|byte| byte.wrapping_sub(b'0')).filter(|d| *d < 10) {
        value = value.wrapping_mul(10).wrapping_add(digit.into());
        at += 1;
    }
    (value, at)
}

/// Powers of ten up to that of eight digits.
const TENS: [u64; 9] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];

/// Returns the number that the first bytes of `block` are digits of, and how many they are.
#[inline(always)]
fn eight_digits(block: [u8; 8]) -> (u64, usize) {
    const EACH: u64 = 0x0101_0101_0101_0101;
    // A digit becomes its value, from 0 to 9; anything else more than that.
    let values = u64::from_le_bytes(block) ^ (EACH * u64::from(b'0'));
    let beyond = ((values & (EACH * 0x7F)) + EACH * 0x76) | values;
    let count = (beyond & (EACH * 0x80)).trailing_zeros() as usize / 8;
    if count == 0 {
        return (0, 0);
    }
    // Zeros go before the digits; then pairs, fours and all eight are put together.
    let digits = values << (64 - 8 * count);
    let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8);
    const LANES: u64 = 0x0000_00FF_0000_00FF;
    let high = (pairs & LANES).wrapping_mul(100 + (1_000_000 << 32));
    let low = ((pairs >> 16) & LANES).wrapping_mul(1 + (10_000 << 32));
    (high.wrapping_add(low) >> 32, count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::number;
    use crate::table::Number;

    #[test]
    fn strings_end_at_the_first_special_byte() {
        for length in 0..50 {
            for special in [b'"', b'\\', 0, 0x1f] {
                for place in 0..length {
                    let mut text = vec![b'~'; length];
                    text[place] = special;
                    assert_eq!(plain_end(&text, 0), place);
                    assert_eq!(plain_end(&text, place + 1), length);
                }
            }
        }
        let plain = "é\u{7f}\u{80} !#[]\u{ffff}".repeat(5);
        assert_eq!(plain_end(plain.as_bytes(), 0), plain.len());
    }

    #[test]
    fn short_numbers_are_what_the_slow_way_reads() {
        for text in [
            "0",
            "-0",
            "7",
            "-7",
            "123456789012345678",
            "-999999999999999999",
            "0.1",
            "-0.0",
            "1.50",
            "0.30",
            "123456789.012345",
            "99999999999999.9",
            "1.7976",
            "0.00000000000001",
        ] {
            let expected = number::parse(text);
            match short_number(format!("{text},").as_bytes(), 0) {
                Some((Short::Int(value), end)) => {
                    assert_eq!((Number::Int(value), end), (expected, text.len()));
                }
                Some((Short::Float(found), end)) => {
                    assert_eq!(end, text.len());
                    let Number::Float { value, exact: true } = expected else { panic!("{text}") };
                    assert_eq!(found.to_bits(), value.to_bits(), "{text}");
                }
                None => panic!("{text} is short"),
            }
        }
    }

    #[test]
    fn eight_digits_are_read_together() {
        for count in 0..=8 {
            for behind in [b'/', b':', b'.', b',', b'e', b'-', 0, 0xB5, 0xFF] {
                for digits in ["12345678", "00000000", "99999999", "90817263"] {
                    let mut block = [behind; 8];
                    block[..count].copy_from_slice(&digits.as_bytes()[..count]);
                    let value = digits[..count].parse().unwrap_or(0);
                    assert_eq!(eight_digits(block), (value, count), "{digits} {count} {behind}");
                }
            }
        }
    }

    #[test]
    fn other_numbers_are_left_to_the_slow_way() {
        for text in [
            "",
            "-",
            "01",
            "-01",
            "1.",
            ".5",
            "1e5",
            "1.5E5",
            "1234567890123456789",
            "0.1234567890123456",
        ] {
            assert_eq!(short_number(text.as_bytes(), 0), None, "{text}");
        }
    }
}
