//! Numbers as read, and the text that stands for a value where a column became text.

use super::form::{Form, Zone};

/// A JSON number, with as much of its source text as is needed to lose nothing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number<'a> {
    /// An integer of 64 bits.
    Int(i64),
    /// An integer of up to 38 digits.
    Big(i128),
    /// An integer of more digits.
    Huge(&'a str),
    /// A number with a fraction or an exponent.
    Float {
        /// The nearest double.
        value: f64,
        /// The digits in the source are given back by the double.
        exact: bool,
    },
    /// A number with a fraction or an exponent beyond the range of doubles.
    Far,
}

/// Below this a whole double has as many digits as it takes to read it back.
pub const WHOLE_DIGITS_BELOW: f64 = (1u64 << 53) as f64;

/// Appends the text of a double: the fewest digits that read back, `1.5`, `1e300`, `-0`; where such
/// a number is whole and below 10^17, without an exponent: `100`, `31993491587527790`.
///
/// Depends on the number alone, so a double prints the same whether it was read as `1`, `1.0` or
/// `1e0`, and an integer up to 2^53 prints as its digits.
pub fn float_text(value: f64, out: &mut Vec<u8>) {
    const NO_EXPONENT_BELOW: f64 = 1e17;
    if value == value.trunc() && value.abs() < WHOLE_DIGITS_BELOW {
        if value == 0.0 && value.is_sign_negative() {
            out.push(b'-');
        }
        out.extend_from_slice(itoa::Buffer::new().format(value as i64).as_bytes());
        return;
    }
    let mut buffer = ryu::Buffer::new();
    let text = buffer.format_finite(value);
    if value.abs() < WHOLE_DIGITS_BELOW || value.abs() >= NO_EXPONENT_BELOW {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    // `9007199254740994.0`, `3.199349158752779e16`
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text.trim_end_matches(".0"), ""));
    let start = out.len();
    out.extend(mantissa.bytes().filter(|byte| *byte != b'.'));
    let whole_digits = exponent.parse().map_or(0, |exponent: usize| exponent + 1);
    let sign = usize::from(value.is_sign_negative());
    let length = (start + sign + whole_digits).max(out.len());
    out.resize(length, b'0');
}

/// Appends `true` or `false`.
pub fn bool_text(value: bool, out: &mut Vec<u8>) {
    out.extend_from_slice(if value { b"true" } else { b"false" });
}

/// Appends the digits of `value` with a point before the last `scale` of them.
pub fn decimal_text(value: i128, scale: u8, out: &mut Vec<u8>) {
    if value < 0 {
        out.push(b'-');
    }
    let digits = value.unsigned_abs().to_string();
    let scale = usize::from(scale);
    let whole = digits.len().saturating_sub(scale);
    out.extend_from_slice(if whole == 0 { b"0" } else { &digits.as_bytes()[..whole] });
    if scale > 0 {
        out.push(b'.');
        out.extend(std::iter::repeat_n(b'0', scale.saturating_sub(digits.len())));
        out.extend_from_slice(&digits.as_bytes()[whole..]);
    }
}

/// Returns how many bytes a date or time of a form has.
pub fn instant_length(form: Form) -> usize {
    let Form::Timestamp { fraction_digits, zone, .. } = form else { return 10 };
    let seconds =
        fraction_digits.map_or(0, |count| 3 + usize::from(count) + usize::from(count > 0));
    let zone = match zone {
        Zone::None => 0,
        Zone::Zulu => 1,
        Zone::Hours(_) => 3,
        Zone::Plain(_) => 5,
        Zone::Colon(_) => 6,
    };
    16 + seconds + zone
}

/// Digits of a decimal number, apart from its point and exponent.
///
/// The number is `digits` × 10^`exponent`; `digits` has no leading or trailing zeros and is empty
/// for zero.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecimalDigits {
    /// There is a minus sign.
    pub negative: bool,
    /// The digits, without leading and trailing zeros.
    pub digits: String,
    /// The power of ten of the last digit.
    pub exponent: i64,
}

impl DecimalDigits {
    /// Reads the text of a JSON number.
    pub fn parse(text: &str) -> Self {
        let (negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, saturating_exponent(exponent)),
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let mut digits = String::with_capacity(whole.len() + fraction.len());
        digits.push_str(whole);
        digits.push_str(fraction);
        let mut exponent = exponent.saturating_sub(fraction.len() as i64);
        let kept = digits.trim_end_matches('0').len();
        exponent = exponent.saturating_add((digits.len() - kept) as i64);
        digits.truncate(kept);
        let digits = digits.trim_start_matches('0').to_owned();
        if digits.is_empty() {
            exponent = 0;
        }
        DecimalDigits { negative, digits, exponent }
    }

    /// Returns the digits needed before and after the point, or nothing beyond 38 of either.
    pub fn precision(&self) -> Option<(u8, u8)> {
        let count = self.digits.len() as i64;
        let whole = (count + self.exponent).max(0);
        let scale = (-self.exponent).max(0);
        (whole <= 38 && scale <= 38).then_some((whole as u8, scale as u8))
    }

    /// Returns the number times 10^`scale`, if that is an integer of at most 38 digits.
    pub fn scaled(&self, scale: u8) -> Option<i128> {
        if self.digits.is_empty() {
            return Some(0);
        }
        let zeros = self.exponent + i64::from(scale);
        if zeros < 0 || self.digits.len() as i64 + zeros > 38 {
            return None;
        }
        let value = self.digits.parse::<i128>().ok()? * 10i128.pow(zeros as u32);
        Some(if self.negative { -value } else { value })
    }
}

/// Reads an exponent of any length; beyond 64 bits the sign is all that matters.
fn saturating_exponent(text: &str) -> i64 {
    let (sign, digits) = match text.as_bytes().first() {
        Some(b'-') => (-1, &text[1..]),
        Some(b'+') => (1, &text[1..]),
        _ => (1, text),
    };
    const FAR: i64 = i64::MAX / 4;
    let magnitude = digits.bytes().fold(0i64, |sum, digit| {
        sum.saturating_mul(10).saturating_add(i64::from(digit - b'0')).min(FAR)
    });
    sign * magnitude
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_print_shortest_and_read_back() {
        for (value, text) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.0, "1"),
            (1.5, "1.5"),
            (-2.5e-7, "-2.5e-7"),
            (9007199254740992.0, "9007199254740992"),
            (9007199254740994.0, "9007199254740994"),
            // whose nearest integer is 31993491587527792
            (3.199349158752779e16, "31993491587527790"),
            (-3e16, "-30000000000000000"),
            (9.999999999999998e16, "99999999999999980"),
            (1e17, "1e17"),
            (1e300, "1e300"),
            (5e-324, "5e-324"),
            (0.1, "0.1"),
        ] {
            let mut out = Vec::new();
            float_text(value, &mut out);
            let out = String::from_utf8(out).unwrap();
            assert_eq!(out, text);
            assert_eq!(out.parse::<f64>().unwrap().to_bits(), value.to_bits());
        }
    }

    #[test]
    fn decimals_scale_exactly() {
        for (text, precision, scale, scaled) in [
            ("1.50", Some((1, 1)), 2, Some(150)),
            ("-0.05", Some((0, 2)), 2, Some(-5)),
            ("12e3", Some((5, 0)), 0, Some(12000)),
            ("1e-39", None, 38, None),
            ("0.0", Some((0, 0)), 3, Some(0)),
            ("1.25", Some((1, 2)), 1, None),
        ] {
            let digits = DecimalDigits::parse(text);
            assert_eq!(digits.precision(), precision, "{text}");
            assert_eq!(digits.scaled(scale), scaled, "{text}");
        }
        let mut out = Vec::new();
        decimal_text(-5, 2, &mut out);
        assert_eq!(out, b"-0.05");
    }
}
