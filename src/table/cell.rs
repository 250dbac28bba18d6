//! Cells of CSV → a column: a cell is typed only where it prints back to the same text.

use super::column::{Column, EXACT_INT_MAX};
use super::form::FormReader;
use super::kinds::Kinds;
use super::marks::{MarkedCell, Marks};
use super::scalar::{DecimalDigits, float_text};
use super::tally::Kind;
use super::values::{Excerpt, Values};
use crate::decode::number::gives_back;

/// What a cell is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum CellValue {
    /// `true` or `false`.
    Bool(bool),
    /// An integer of 64 bits.
    Int(i64),
    /// An integer of up to 38 digits.
    Big(i128),
    /// A double whose own spelling the cell is.
    Float(f64),
    /// Anything else.
    Text,
}

/// Where the text of a cell lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CellSpan {
    /// It has no value.
    Null,
    /// In the source, from the first byte to the second.
    Source(u32, u32),
    /// Among the copies.
    Copied(u32, u32),
}

/// Cells of several rows.
#[derive(Debug)]
pub struct CellBlock<'a> {
    /// The text they stand in.
    pub source: &'a str,
    /// Texts of those that read otherwise than they stand there.
    pub copies: &'a str,
    /// Row by row.
    pub spans: &'a [CellSpan],
    /// Cells of a row.
    pub width: usize,
}

impl CellSpan {
    /// Takes bytes `start..end` of the source, of which a chunk has less than 4 GiB.
    #[inline]
    pub fn source(start: usize, end: usize) -> Self {
        CellSpan::Source(start as u32, end as u32)
    }

    /// Takes bytes `start..end` of the copies.
    #[inline]
    pub fn copied(start: usize, end: usize) -> Self {
        CellSpan::Copied(start as u32, end as u32)
    }
}

impl<'a> CellBlock<'a> {
    /// Returns the cell at a place of all rows' cells; nothing where it has no value.
    #[inline(always)]
    fn get(&self, at: usize) -> Option<Excerpt<'a>> {
        match self.spans[at] {
            CellSpan::Null => None,
            CellSpan::Source(start, end) => {
                Some(Excerpt::new(self.source, start as usize, end as usize))
            }
            CellSpan::Copied(start, end) => {
                Some(Excerpt::new(self.copies, start as usize, end as usize))
            }
        }
    }
}

/// Tells what a cell is: whatever it says prints back to `text`, byte for byte.
pub fn read(text: &str) -> CellValue {
    let bytes = text.as_bytes();
    let digits = bytes.strip_prefix(b"-").unwrap_or(bytes);
    match digits.first() {
        Some(b'0'..=b'9') => {}
        Some(b't') if text == "true" => return CellValue::Bool(true),
        Some(b'f') if text == "false" => return CellValue::Bool(false),
        _ => return CellValue::Text,
    }
    if digits.iter().all(u8::is_ascii_digit) {
        return read_int(text, digits);
    }
    // The longest spelling of a double has 24 bytes.
    const SPELLING_MAX: usize = 24;
    let may_be_float = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'-');
    if bytes.len() > SPELLING_MAX || !digits.iter().all(may_be_float) {
        return CellValue::Text;
    }
    let Some(value) = text.parse::<f64>().ok().filter(|value| value.is_finite()) else {
        return CellValue::Text;
    };
    let mut spelled = Vec::with_capacity(SPELLING_MAX);
    float_text(value, &mut spelled);
    if spelled == bytes { CellValue::Float(value) } else { CellValue::Text }
}

/// Returns the kinds of a number with marks, written without them; none where nothing but text
/// holds all its digits.
fn marked_bits(number: &str, keeps_digits: bool) -> u16 {
    if !number.contains('.') {
        return match number.parse::<i64>() {
            Ok(value) if value.unsigned_abs() <= EXACT_INT_MAX => Kinds::MARKED_INT,
            Ok(_) => Kinds::MARKED_INT | Kinds::WIDE_INT,
            Err(_) => 0,
        };
    }
    if keeps_digits {
        return Kinds::MARKED_FLOAT | Kinds::NUMBER_TEXT;
    }
    match number.parse::<f64>() {
        Ok(value) if value.is_finite() && gives_back(number, value) => Kinds::MARKED_FLOAT,
        _ => 0,
    }
}

/// Reads what consists of digits and perhaps a minus sign.
fn read_int(text: &str, digits: &[u8]) -> CellValue {
    const DIGITS_MAX: usize = 38;
    let is_zero_padded = digits[0] == b'0' && text.len() > 1;
    if is_zero_padded || digits.len() > DIGITS_MAX {
        return CellValue::Text;
    }
    match (text.parse(), text.parse()) {
        (Ok(value), _) => CellValue::Int(value),
        (_, Ok(value)) => CellValue::Big(value),
        _ => CellValue::Text,
    }
}

/// Digits that a double holds whatever they are, so that they are its spelling, too.
const SHORT_DIGITS: usize = 15;

/// Powers of ten that are exact doubles, as far as they are needed.
const POWERS: [f64; SHORT_DIGITS + 1] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

/// Reads an integer of up to eight digits, all at once; nothing where it is another, or would not
/// print back.
#[inline]
fn eight_digits(text: Excerpt<'_>) -> Option<i64> {
    const ZEROS: u64 = u64::from_le_bytes([b'0'; 8]);
    const HIGH: u64 = u64::from_le_bytes([0xF0; 8]);
    const SIX: u64 = u64::from_le_bytes([6; 8]);
    let block = text.first_eight()?;
    let length = text.len();
    if length == 0 || length > 8 || (block[0] == b'0' && length > 1) {
        return None;
    }
    // Zeros in front, up to eight digits.
    let missing = 64 - 8 * length as u32;
    let digits = (u64::from_le_bytes(*block) << missing) | ZEROS.unbounded_shr(64 - missing);
    if digits & HIGH != ZEROS || digits.wrapping_add(SIX) & HIGH != ZEROS {
        return None;
    }
    // Neighbours are joined: pairs, fours, all.
    let pairs = (digits & 0x0F0F_0F0F_0F0F_0F0F).wrapping_mul(2561) >> 8;
    let fours = (pairs & 0x00FF_00FF_00FF_00FF).wrapping_mul(6_553_601) >> 16;
    Some(((fours & 0x0000_FFFF_0000_FFFF).wrapping_mul(42_949_672_960_001) >> 32) as i64)
}

/// Reads an integer of few digits; nothing where it is longer, none, or would not print back.
#[inline]
fn short_int(bytes: &[u8]) -> Option<i64> {
    let (is_negative, digits) = match bytes {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    let &first = digits.first()?;
    if digits.len() > SHORT_DIGITS || (first == b'0' && bytes.len() > 1) {
        return None;
    }
    let mut value = 0i64;
    for digit in digits.iter().map(|byte| byte.wrapping_sub(b'0')) {
        if digit > 9 {
            return None;
        }
        value = value * 10 + i64::from(digit);
    }
    Some(if is_negative { -value } else { value })
}

/// Reads a number of few digits with a point; nothing where it is another, or would not print
/// back.
///
/// A quotient of two exact doubles is the double nearest to the number written; with so few digits
/// no other spelling is as short, and between 0.00001 and 10^16 it has no exponent.
#[inline]
fn short_float(bytes: &[u8]) -> Option<f64> {
    let (is_negative, rest) = match bytes {
        [b'-', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    if rest.len() > SHORT_DIGITS + 1 || rest.last().is_none_or(|byte| matches!(byte, b'0' | b'.')) {
        return None;
    }
    let (mut value, mut point) = (0u64, None);
    for (place, byte) in rest.iter().enumerate() {
        match byte.wrapping_sub(b'0') {
            digit @ 0..=9 => value = value * 10 + u64::from(digit),
            _ if *byte == b'.' && point.is_none() => point = Some(place),
            _ => return None,
        }
    }
    let whole = point?;
    let fraction = rest.len() - whole - 1;
    let is_padded = whole == 0 || (whole > 1 && rest[0] == b'0');
    // Smaller ones are spelled with an exponent.
    let is_tiny = rest[0] == b'0' && rest.get(2..7) == Some(b"00000");
    if is_padded || is_tiny || whole + fraction > SHORT_DIGITS {
        return None;
    }
    let value = value as f64 / POWERS[fraction];
    Some(if is_negative { -value } else { value })
}

/// The cells of one column, on the way down.
struct Walk<'a, 'b> {
    block: &'b CellBlock<'a>,
    /// Where the next cell stands among those of all rows.
    at: usize,
    row: usize,
}

impl<'a> Walk<'a, '_> {
    /// Hands on cells as long as `push` takes them; returns the first that it does not.
    #[inline(always)]
    fn each(
        &mut self,
        mut push: impl FnMut(usize, Excerpt<'a>) -> bool,
    ) -> Option<(usize, Excerpt<'a>)> {
        while self.at < self.block.spans.len() {
            let (row, cell) = (self.row, self.block.get(self.at));
            self.at += self.block.width;
            self.row += 1;
            if let Some(text) = cell
                && !push(row, text)
            {
                return Some((row, text));
            }
        }
        None
    }
}

impl Column {
    /// Appends a cell of CSV, typed as far as it prints back.
    #[inline]
    pub fn push_cell(&mut self, row: usize, text: Excerpt<'_>) {
        self.presence.push(row);
        match &mut self.values {
            Values::Text(texts) if self.kinds.knows_strings() && self.runs.is_none() => {
                return texts.push_excerpt(text);
            }
            Values::Int(values) => {
                if let Some(value) = eight_digits(text).or_else(|| short_int(text.bytes())) {
                    return values.push(value);
                }
            }
            Values::Float(floats) => {
                if let Some(value) = short_float(text.bytes()) {
                    return floats.values.push(value);
                }
            }
            Values::Instant(form, values) => {
                if let Some(value) = form.read(text.bytes()) {
                    return values.push(value);
                }
            }
            _ => {}
        }
        self.store_cell(text);
    }

    /// Appends a cell of a table whose numbers have marks; the column keeps such numbers as they
    /// stand until its type is known.
    ///
    /// With `keeps_digits` numbers with a fraction are kept for decimals.
    pub fn push_marked_cell(
        &mut self,
        row: usize,
        text: Excerpt<'_>,
        marks: Marks,
        keeps_digits: bool,
    ) {
        let found = marks.read(text.text());
        let bits = match &found {
            Some(MarkedCell::Marked(number)) => marked_bits(number, keeps_digits),
            Some(MarkedCell::Loose) if read(text.text()) == CellValue::Text => Kinds::LOOSE_FLOAT,
            Some(MarkedCell::Foreign) => return self.push_string(row, text),
            _ => 0,
        };
        if bits != 0 {
            if let Some(MarkedCell::Marked(number)) = &found
                && keeps_digits
                && let Some((whole, scale)) = DecimalDigits::parse(number).precision()
            {
                self.kinds.whole_digits = self.kinds.whole_digits.max(whole);
                self.kinds.scale = self.kinds.scale.max(scale);
            }
            self.presence.push(row);
            self.kinds.add(bits);
            self.kinds.marks = marks;
            let is_int = bits & Kinds::MARKED_INT != 0;
            let kind = if is_int { Kind::Integer } else { Kind::Number };
            return self.texts_with(kind).push_excerpt(text);
        }
        if !matches!(self.values, Values::Text(_)) || self.kinds.has(Kinds::STRING) {
            return self.push_cell(row, text);
        }
        // What the column holds are numbers that wait for their type.
        self.presence.push(row);
        let kind = match read(text.text()) {
            CellValue::Int(value) => {
                self.kinds.add(Kinds::INT);
                if value.unsigned_abs() > EXACT_INT_MAX {
                    self.kinds.add(Kinds::WIDE_INT);
                }
                Kind::Integer
            }
            CellValue::Big(_) => {
                self.kinds.add(Kinds::BIG_INT);
                Kind::Integer
            }
            CellValue::Float(_) => {
                self.kinds.add(Kinds::FLOAT);
                Kind::Number
            }
            CellValue::Bool(_) | CellValue::Text => {
                self.kinds.add_plain_string();
                Kind::String
            }
        };
        self.texts_with(kind).push_excerpt(text);
    }

    /// Appends cell `index` of each row of `block`, of which the first is `first_row`.
    ///
    /// While a column stays what it is, nothing is asked about it from one cell to the next.
    pub fn push_cells(&mut self, first_row: usize, block: &CellBlock<'_>, index: usize) {
        let mut walk = Walk { block, at: index, row: first_row };
        // The first cell makes the column what it is, and so does one that is something else.
        let mut next = walk.each(|_, _| false);
        while let Some((row, text)) = next {
            self.push_cell(row, text);
            let is_plain = self.kinds.knows_strings() && !self.is_counted();
            let presence = &mut self.presence;
            next = match &mut self.values {
                Values::Text(texts) if is_plain => walk.each(|row, text| {
                    presence.push(row);
                    texts.push_excerpt(text);
                    true
                }),
                Values::Int(values) => walk.each(|row, text| {
                    let value = eight_digits(text).or_else(|| short_int(text.bytes()));
                    value.map(|value| (presence.push(row), values.push(value))).is_some()
                }),
                Values::Float(floats) => walk.each(|row, text| {
                    let value = short_float(text.bytes());
                    value.map(|value| (presence.push(row), floats.values.push(value))).is_some()
                }),
                Values::Instant(form, values) => {
                    let mut reader = FormReader::new(*form);
                    walk.each(|row, text| {
                        let value = reader.read(text.bytes());
                        value.map(|value| (presence.push(row), values.push(value))).is_some()
                    })
                }
                _ => walk.each(|_, _| false),
            };
        }
    }

    #[inline(never)]
    fn store_cell(&mut self, text: Excerpt<'_>) {
        if let Values::Text(_) = self.values {
            // Whatever made the column text, it stays that: no further cell needs a look.
            self.kinds.add_plain_string();
            let kind = if self.is_counted() { self.kind_of_cell(text) } else { Kind::String };
            return match kind {
                Kind::String => self.texts_mut().push_excerpt(text),
                kind => self.texts_with(kind).push_excerpt(text),
            };
        }
        match read(text.text()) {
            CellValue::Bool(value) => match &mut self.values {
                Values::Bool(values) => values.push(value),
                _ => self.store_bool(value),
            },
            CellValue::Int(value) => self.add_int(value),
            CellValue::Big(value) => {
                self.kinds.add(Kinds::BIG_INT);
                self.store_big(value);
            }
            CellValue::Float(value) => {
                self.kinds.add(Kinds::FLOAT);
                self.store_float(value, None);
            }
            CellValue::Text => self.store_string(text),
        }
    }
}

impl Column {
    /// Says what a cell would be in a column of its like, where that is counted.
    fn kind_of_cell(&mut self, text: Excerpt<'_>) -> Kind {
        let (kind, bit) = match read(text.text()) {
            CellValue::Bool(_) => (Kind::Bool, Kinds::BOOL),
            CellValue::Int(_) => (Kind::Integer, Kinds::INT),
            CellValue::Big(_) => (Kind::Integer, Kinds::BIG_INT),
            CellValue::Float(_) => (Kind::Number, Kinds::FLOAT),
            CellValue::Text => (Kind::String, Kinds::STRING),
        };
        self.kinds.add(bit);
        kind
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_typed_where_they_print_back() {
        use CellValue::{Big, Bool, Float, Int, Text};
        for (text, expected) in [
            ("0", Int(0)),
            ("-7", Int(-7)),
            ("9223372036854775807", Int(i64::MAX)),
            ("-9223372036854775808", Int(i64::MIN)),
            ("9223372036854775808", Big(1 << 63)),
            ("100000000000000000000", Big(10i128.pow(20))),
            ("1.5", Float(1.5)),
            ("-0.00001", Float(-0.00001)),
            ("1e300", Float(1e300)),
            ("1e-7", Float(1e-7)),
            ("0.1", Float(0.1)),
            ("true", Bool(true)),
            ("false", Bool(false)),
            ("", Text),
            ("-", Text),
            ("+1", Text),
            ("-0", Text),
            ("007", Text),
            ("-01", Text),
            ("1.50", Text),
            ("1.0", Text),
            ("1.", Text),
            (".5", Text),
            ("1e3", Text),
            ("1E300", Text),
            ("1e+300", Text),
            ("0.0000001", Text),
            ("0.1000000000000000055511", Text),
            ("1e400", Text),
            ("TRUE", Text),
            ("t", Text),
            ("NaN", Text),
            ("inf", Text),
            (" 1", Text),
            ("1 ", Text),
            ("1_0", Text),
            ("1-2", Text),
            ("١", Text),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
        assert_eq!(read(&"9".repeat(39)), Text);
        assert_eq!(read(&"9".repeat(38)), Big(10i128.pow(38) - 1));
    }

    #[test]
    fn short_numbers_are_what_the_slow_way_reads() {
        let mut texts = vec![String::new(), "-".to_owned(), ".".to_owned(), "-.5".to_owned()];
        for sign in ["", "-"] {
            for whole in
                ["0", "1", "12", "00", "01", "123456789", "999999999999999", "9999999999999999"]
            {
                texts.push(format!("{sign}{whole}"));
                for fraction in
                    ["", "0", "5", "50", "05", "00001", "000001", "0000001", "123456", "999999"]
                {
                    texts.push(format!("{sign}{whole}.{fraction}"));
                }
            }
        }
        for text in &texts {
            match (short_int(text.as_bytes()), short_float(text.as_bytes())) {
                (Some(value), None) => assert_eq!(read(text), CellValue::Int(value), "{text}"),
                (None, Some(value)) => assert_eq!(read(text), CellValue::Float(value), "{text}"),
                (None, None) => {}
                both => panic!("{text}: {both:?}"),
            }
        }
        for text in texts
            .iter()
            .chain(["7", "12345678", "99999999", "1234567/", "123:", " 1"].map(String::from).iter())
        {
            let source = format!("{text},padding");
            let found = eight_digits(Excerpt::new(&source, 0, text.len()));
            let expected =
                short_int(text.as_bytes()).filter(|value| *value >= 0 && text.len() <= 8);
            assert_eq!(found, expected, "{text}");
        }
        assert_eq!(short_int(b"-12"), Some(-12));
        assert_eq!(short_float(b"-12.75"), Some(-12.75));
        assert_eq!(short_float(b"0.00001"), Some(0.00001));
    }

    fn spelled(column: &Column) -> Vec<String> {
        let texts = column.values().spelled();
        (0..texts.len()).map(|at| String::from_utf8(texts.get(at).into()).unwrap()).collect()
    }

    #[test]
    fn columns_of_any_mix_print_back() {
        const CELLS: [&str; 24] = [
            "0",
            "1",
            "-5",
            "1.5",
            "1.50",
            "1e300",
            "1e3",
            "007",
            "+1",
            "-0",
            "true",
            "false",
            "True",
            "2026-11-21",
            "2026-11-22",
            "2026-11-21T10:20:30Z",
            "9007199254740993",
            "1e400",
            "100000000000000000000",
            "99999999999999999999999999999999999999999",
            "n/a",
            "",
            "0.1",
            "12345678901234567.5",
        ];
        for first in CELLS {
            for second in CELLS {
                for third in CELLS {
                    let cells = [first, second, third];
                    for cut in 0..=cells.len() {
                        let mut column = Column::default();
                        let mut tail = Column::default();
                        for (row, cell) in cells[..cut].iter().enumerate() {
                            column.push_cell(row, Excerpt::whole(cell));
                        }
                        for (row, cell) in cells[cut..].iter().enumerate() {
                            tail.push_cell(row, Excerpt::whole(cell));
                        }
                        column.append(cut, tail);
                        assert_eq!(spelled(&column), cells, "{cut}");
                    }
                }
            }
        }
    }
}
