//! Marks that numbers have elsewhere: a comma before the fraction, a sign between thousands.

use std::borrow::Cow;

use super::scalar::float_text;

/// How numbers are written in cells, where that is not `1234.5`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Marks {
    /// A comma stands before the fraction.
    pub decimal_comma: bool,
    /// Stands between thousands.
    pub thousands: Option<u8>,
}

/// What a cell is to which the marks have something to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MarkedCell {
    /// A number, with such marks; as it is written without them.
    Marked(String),
    /// A number without marks that does not print back, as `1.50`.
    Loose,
    /// A number in a spelling that these marks leave to text.
    Foreign,
}

impl Marks {
    /// Returns whether numbers have none.
    pub fn are_none(self) -> bool {
        self == Marks::default()
    }

    /// Says what a cell is; nothing where marks have nothing to say, as of `7` and `abc`.
    pub fn read(self, text: &str) -> Option<MarkedCell> {
        if self.are_none() {
            return None;
        }
        let unsigned = text.strip_prefix('-').unwrap_or(text);
        if !unsigned.starts_with(|first: char| first.is_ascii_digit()) {
            return None;
        }
        let mark = if self.decimal_comma { ',' } else { '.' };
        let (whole, fraction) = match unsigned.split_once(mark) {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (unsigned, None),
        };
        let is_grouped = self.thousands.is_some_and(|sign| whole.as_bytes().contains(&sign));
        let is_marked = is_grouped || (self.decimal_comma && fraction.is_some());
        let is_number = self.is_whole(whole) && fraction.is_none_or(is_digits);
        match (is_number, is_marked) {
            (true, true) => {
                let sign = &text[..text.len() - unsigned.len()];
                let mut number = String::with_capacity(text.len());
                number.push_str(sign);
                number.extend(whole.chars().filter(char::is_ascii_digit));
                if let Some(fraction) = fraction {
                    number.push('.');
                    number.push_str(fraction);
                }
                Some(MarkedCell::Marked(number))
            }
            (true, false) => fraction.map(|_| MarkedCell::Loose),
            (false, _) if self.decimal_comma && text.contains('.') => Some(MarkedCell::Foreign),
            (false, _) => None,
        }
    }

    /// Returns whether `text` is a whole number, of digits alone or in groups of three.
    fn is_whole(self, text: &str) -> bool {
        let is_padded = text.len() > 1 && text.starts_with('0');
        match self.thousands.map(char::from).filter(|sign| text.contains(*sign)) {
            Some(sign) => {
                let mut groups = text.split(sign);
                !is_padded
                    && groups.next().is_some_and(|first| first.len() <= 3 && is_digits(first))
                    && groups.all(|group| group.len() == 3 && is_digits(group))
            }
            None => !is_padded && is_digits(text),
        }
    }

    /// Returns a number as it is written without marks.
    pub fn plain(self, text: &str) -> Cow<'_, str> {
        match self.read(text) {
            Some(MarkedCell::Marked(number)) => Cow::Owned(number),
            _ => Cow::Borrowed(text),
        }
    }

    /// Returns a number as a double is spelled.
    pub fn spelled(self, text: &str) -> Vec<u8> {
        let number = self.plain(text);
        let mut out = Vec::new();
        match number.parse::<f64>() {
            Ok(value) if number.contains('.') => float_text(value, &mut out),
            _ => out.extend_from_slice(number.as_bytes()),
        }
        out
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(decimal_comma: bool, thousands: Option<u8>, cases: &[(&str, &str)]) {
        let marks = Marks { decimal_comma, thousands };
        for (text, expected) in cases {
            let found = match marks.read(text) {
                Some(MarkedCell::Marked(number)) => number,
                Some(MarkedCell::Loose) => "loose".to_owned(),
                Some(MarkedCell::Foreign) => "foreign".to_owned(),
                None => "none".to_owned(),
            };
            assert_eq!(found, *expected, "{text}");
        }
    }

    #[test]
    fn numbers_are_read_with_their_marks() {
        check(
            true,
            None,
            &[
                ("3,5", "3.5"),
                ("-0,50", "-0.50"),
                ("19,00", "19.00"),
                ("7", "none"),
                ("0071", "none"),
                ("00,5", "none"),
                ("3,", "none"),
                (",5", "none"),
                ("3,4,5", "none"),
                ("3.5", "foreign"),
                ("1.234,5", "foreign"),
                ("1e300", "none"),
                ("abc", "none"),
                ("", "none"),
                ("-", "none"),
            ],
        );
        check(
            true,
            Some(b'.'),
            &[
                ("1.234.567,5", "1234567.5"),
                ("1.234", "1234"),
                ("1234,5", "1234.5"),
                ("1.234.5", "foreign"),
                ("0.123", "foreign"),
                ("12.34", "foreign"),
                ("01.03.2026", "foreign"),
            ],
        );
        check(
            false,
            Some(b','),
            &[
                ("1,234.50", "1234.50"),
                ("1,234", "1234"),
                ("999.50", "loose"),
                ("999.5", "loose"),
                ("12,34", "none"),
                ("1,2345", "none"),
            ],
        );
        check(false, None, &[("1.5", "none"), ("1,5", "none")]);
    }

    #[test]
    fn doubles_lose_zeros_and_nothing_else() {
        let marks = Marks { decimal_comma: true, thousands: Some(b'.') };
        for (text, expected) in [("1.234,50", "1234.5"), ("19,00", "19"), ("7", "7")] {
            assert_eq!(marks.spelled(text), expected.as_bytes());
        }
    }
}
