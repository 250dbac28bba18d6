//! JSON numbers, exactly.

use crate::table::Number;
use crate::table::scalar::DecimalDigits;

/// Digits that every double gives back.
const SAFE_DIGITS: usize = 15;

/// Reads the text of a JSON number, which must be one.
///
/// - Source: number grammar of RFC 8259 §6; `-0` is the integer 0.
pub fn parse(text: &str) -> Number<'_> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return parse_float(text);
    }
    if let Ok(value) = text.parse() {
        return Number::Int(value);
    }
    const BIG_DIGITS: usize = 38;
    match text.parse() {
        Ok(value) if digits.len() <= BIG_DIGITS => Number::Big(value),
        _ => Number::Huge(text),
    }
}

/// Reads a number with a fraction or an exponent.
pub(crate) fn parse_float(text: &str) -> Number<'_> {
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() => Number::Float { value, exact: gives_back(text, value) },
        _ => Number::Far,
    }
}

/// Significant digits of the double that needs most of them; printing takes no more than 65,535.
const DOUBLE_DIGITS_MAX: usize = 767;

/// Returns whether `value`, printed with as many digits as `text` has, is `text` again.
pub fn gives_back(text: &str, value: f64) -> bool {
    let significant = text
        .bytes()
        .take_while(|byte| !matches!(byte, b'e' | b'E'))
        .filter(u8::is_ascii_digit)
        .count();
    let magnitude = value.abs();
    if significant <= SAFE_DIGITS && (1e-290..1e290).contains(&magnitude) {
        return true;
    }
    // Most programs print the fewest digits that give a double back, and so does this.
    if ryu::Buffer::new().format(value) == text {
        return true;
    }
    let source = DecimalDigits::parse(text);
    if source.digits.is_empty() {
        return value == 0.0;
    }
    if source.digits.len() > DOUBLE_DIGITS_MAX {
        return false;
    }
    let printed = format!("{:.*e}", source.digits.len() - 1, value);
    DecimalDigits::parse(&printed) == source
}

/// Returns whether `text` is a JSON number.
pub fn is_number(text: &str) -> bool {
    scan(text.as_bytes(), 0).is_ok_and(|scanned| scanned.end == text.len())
}

/// A number found in text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Scanned {
    /// One past its last byte.
    pub end: usize,
    /// It has neither fraction nor exponent.
    pub is_int: bool,
}

/// Finds the end of the number that starts at `start`; fails at the byte that does not fit.
#[inline]
pub(super) fn scan(bytes: &[u8], start: usize) -> Result<Scanned, usize> {
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let digits = |mut at: usize| {
        while digit(at) {
            at += 1;
        }
        at
    };
    let mut at = start + usize::from(bytes.get(start) == Some(&b'-'));
    match bytes.get(at) {
        Some(b'0') => at += 1,
        Some(b'1'..=b'9') => at = digits(at),
        _ => return Err(at),
    }
    let mut is_int = true;
    if bytes.get(at) == Some(&b'.') {
        is_int = false;
        if !digit(at + 1) {
            return Err(at + 1);
        }
        at = digits(at + 1);
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        is_int = false;
        at += 1;
        at += usize::from(matches!(bytes.get(at), Some(b'+' | b'-')));
        if !digit(at) {
            return Err(at);
        }
        at = digits(at);
    }
    Ok(Scanned { end: at, is_int })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Number<'_>) {
        assert_eq!(parse(text), expected, "{text}");
    }

    #[test]
    fn integers_keep_every_digit() {
        check("-0", Number::Int(0));
        check("9223372036854775807", Number::Int(i64::MAX));
        check("-9223372036854775808", Number::Int(i64::MIN));
        check("9223372036854775808", Number::Big(1 << 63));
        let nines = "9".repeat(38);
        check(&nines, Number::Big(10i128.pow(38) - 1));
        let more = "9".repeat(39);
        check(&more, Number::Huge(&more));
    }

    #[test]
    fn floats_know_whether_a_double_gives_them_back() {
        for (text, exact) in [
            ("0.1", true),
            ("1.50", true),
            ("0.30000000000000004", true),
            ("0.10000000000000001", true),
            ("0.1000000000000000055511151231257827", true),
            ("0.1234567890123456789", false),
            ("12345678901234567890.123", false),
            ("1e-400", false),
            ("0e999999999999", true),
            ("-0.0", true),
            ("5e-324", true),
            ("2.47e-324", false),
            ("1.7976931348623157e308", true),
        ] {
            match parse(text) {
                Number::Float { exact: found, .. } => assert_eq!(found, exact, "{text}"),
                other => panic!("{text}: {other:?}"),
            }
        }
        // more digits than the formatter of the standard library prints
        let long = format!("0.{}", "3".repeat(100_000));
        assert!(matches!(parse(&long), Number::Float { exact: false, .. }));
        assert!(matches!(
            parse(&format!("1.{}", "0".repeat(100_000))),
            Number::Float { exact: true, .. }
        ));
        check("1e400", Number::Far);
        check("-1e400", Number::Far);
    }

    #[test]
    fn only_json_numbers_are_numbers() {
        for text in ["0", "-1", "1.5", "1e5", "1E+5", "-0.0e-1"] {
            assert!(is_number(text), "{text}");
        }
        for text in ["", "-", "+1", ".5", "1.", "01", "0x1", "1e", "1e+", "NaN", "1 ", "--1", "1_0"]
        {
            assert!(!is_number(text), "{text}");
        }
    }
}
