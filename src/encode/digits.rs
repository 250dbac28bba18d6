//! Numbers as text, written in place: behind it stands whatever was cheapest to write there.

use crate::table::scalar::{WHOLE_DIGITS_BELOW, float_text};

/// Bytes that a number is given room for; it needs 25 at most.
pub(super) const NUMBER_BYTES: usize = 32;

/// The first number of nine digits.
const EIGHT_DIGITS: u64 = 100_000_000;

/// Eight times `0`.
const ZEROS: u64 = 0x3030_3030_3030_3030;

/// Returns the eight digits of a number below 10^8, not yet as characters, the first in the lowest
/// byte.
///
/// Halves, then quarters, then eighths of the word are divided at once; division is multiplication
/// and a shift, which is exact for numbers so small.
fn eight_digits(value: u64) -> u64 {
    let halves = (value / 10_000) | ((value % 10_000) << 32);
    let hundreds = ((halves * 10_486) >> 20) & 0x0000_007f_0000_007f;
    let pairs = hundreds | ((halves - hundreds * 100) << 16);
    let tens = ((pairs * 103) >> 10) & 0x000f_000f_000f_000f;
    tens | ((pairs - tens * 10) << 8)
}

/// Writes an integer; returns how many bytes it has.
#[inline]
pub(super) fn write_int(value: i64, out: &mut [u8; NUMBER_BYTES]) -> usize {
    // the sign may be there in any case: to write over it costs less than to go another way
    out[0] = b'-';
    write_digits(value.unsigned_abs(), usize::from(value < 0), out)
}

/// Writes the digits of `value` at `at`; returns where they end.
#[inline]
fn write_digits(value: u64, at: usize, out: &mut [u8; NUMBER_BYTES]) -> usize {
    if value >= EIGHT_DIGITS {
        return write_many_digits(value, at, out);
    }
    let digits = eight_digits(value);
    let zeros = (digits.trailing_zeros() as usize / 8).min(7);
    write_word((digits | ZEROS) >> (zeros * 8), at, out);
    at + 8 - zeros
}

#[inline(never)]
fn write_many_digits(value: u64, at: usize, out: &mut [u8; NUMBER_BYTES]) -> usize {
    let at = write_digits(value / EIGHT_DIGITS, at, out);
    write_word(eight_digits(value % EIGHT_DIGITS) | ZEROS, at, out);
    at + 8
}

#[inline]
fn write_word(word: u64, at: usize, out: &mut [u8; NUMBER_BYTES]) {
    out[at..at + 8].copy_from_slice(&word.to_le_bytes());
}

/// Writes a double as [`float_text`] spells it; returns how many bytes it has.
///
/// A number of at most 15 digits is the only one of so few that reads back as its double. So
/// where such a number with two or six digits after the point is found, its digits are the
/// fewest, and the search for them in general is not needed.
#[inline]
pub(super) fn write_float(value: f64, out: &mut [u8; NUMBER_BYTES]) -> usize {
    const DIGITS_15: u64 = 1_000_000_000_000_000;
    let (magnitude, start) = (value.abs(), usize::from(value.is_sign_negative()));
    out[0] = b'-';
    if magnitude < WHOLE_DIGITS_BELOW && (magnitude as u64) as f64 == magnitude {
        return write_digits(magnitude as u64, start, out);
    }
    // Smaller numbers may be spelled with an exponent.
    if magnitude >= 1e-3 {
        for (power, scale) in [(100, 2), (1_000_000, 6)] {
            let scaled = (magnitude * power as f64 + 0.5) as u64;
            if scaled < DIGITS_15 && scaled as f64 / power as f64 == magnitude {
                let point = write_digits(scaled / power, start, out);
                return write_fraction(scaled % power, scale, point, out);
            }
        }
    }
    write_any_float(value, out)
}

/// Writes a point at `point`, and `scale` digits without the zeros at their end; returns where they
/// end.
#[inline]
fn write_fraction(value: u64, scale: usize, point: usize, out: &mut [u8; NUMBER_BYTES]) -> usize {
    let digits = eight_digits(value) >> ((8 - scale) * 8);
    out[point] = b'.';
    write_word(digits | ZEROS, point + 1, out);
    point + 9 - digits.leading_zeros() as usize / 8
}

#[inline(never)]
fn write_any_float(value: f64, out: &mut [u8; NUMBER_BYTES]) -> usize {
    if value.abs() < WHOLE_DIGITS_BELOW {
        let mut buffer = ryu::Buffer::new();
        let text = buffer.format_finite(value);
        out[..text.len()].copy_from_slice(text.as_bytes());
        return text.len();
    }
    let mut text = Vec::new();
    float_text(value, &mut text);
    out[..text.len()].copy_from_slice(&text);
    text.len()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // in tests a panic is the message
mod tests {
    use super::*;

    fn check(expected: &str, write: impl FnOnce(&mut [u8; NUMBER_BYTES]) -> usize) {
        let mut out = [b'#'; NUMBER_BYTES];
        let len = write(&mut out);
        assert_eq!(std::str::from_utf8(&out[..len]).unwrap(), expected);
    }

    fn check_int(value: i64) {
        check(&value.to_string(), |out| write_int(value, out));
    }

    fn check_float(value: f64) {
        for value in [value, -value] {
            let mut expected = Vec::new();
            float_text(value, &mut expected);
            check(&String::from_utf8(expected).unwrap(), |out| write_float(value, out));
        }
    }

    #[test]
    fn integers_print_their_digits() {
        for value in [0, 7, -7, 10, 99, 100, 101, -1234, 99_999, i64::MAX, i64::MIN] {
            check_int(value);
        }
        (0..100_000).for_each(check_int);
        for log in 0..19 {
            for value in [10i64.pow(log), 10i64.pow(log) - 1, -10i64.pow(log), 1 - 10i64.pow(log)] {
                check_int(value);
            }
        }
    }

    #[test]
    fn floats_print_as_everywhere_else() {
        for value in [0.0, 1.0, 0.5, 0.1, 0.3, 0.1 + 0.2, 46.24, 105.471674, 1e-3, 9.99e-4, 1e-7] {
            check_float(value);
        }
        for value in [f64::MAX, f64::MIN_POSITIVE, 5e-324, 1e15 + 0.5, 1e16, 1e17, 1e18, 1e300] {
            check_float(value);
        }
        // the longest there are
        for value in [9_007_199_254_740_994.0, 31_993_491_587_527_790.0, 2.225_073_858_507_201e-308]
        {
            check_float(value);
        }
        let mut state = 1u64;
        for round in 0..200_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(round);
            let digits = state >> 12 >> (state % 50);
            check_float(digits as f64 / 10f64.powi((state >> 7 & 15) as i32));
            check_float((digits as f64 / 100.0).next_up());
            check_float(f64::from_bits(state >> 1 & !(1 << 62)));
        }
    }
}
