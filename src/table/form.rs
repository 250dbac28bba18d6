//! ISO 8601 dates and times that print back to the same text.

/// The written form of a date or time: enough to print an instant back to the same text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Form {
    /// `2026-11-21`
    Date,
    /// A day and a time of day.
    Timestamp {
        /// `T` or a space.
        separator: u8,
        /// Digits after the seconds' point, 0 to 6; `None` where there are no seconds.
        fraction_digits: Option<u8>,
        /// What follows the time.
        zone: Zone,
    },
}

/// What follows the time of day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Zone {
    /// Nothing: a local time.
    None,
    /// `Z`
    Zulu,
    /// `+05:30`, minutes east of UTC.
    Colon(i16),
    /// `+0530`
    Plain(i16),
    /// `+05`
    Hours(i16),
}

impl Zone {
    /// Returns minutes east of UTC, or nothing for a local time.
    pub fn offset_minutes(self) -> Option<i16> {
        match self {
            Zone::None => None,
            Zone::Zulu => Some(0),
            Zone::Colon(minutes) | Zone::Plain(minutes) | Zone::Hours(minutes) => Some(minutes),
        }
    }
}

const MICROS_PER_MINUTE: i64 = 60_000_000;
const MICROS_PER_DAY: i64 = 24 * 60 * MICROS_PER_MINUTE;

/// Recognises the form of `text`, if it is a date or time in a form that prints back.
///
/// - Units: the second value is days since 1970-01-01 for a date, microseconds since then (UTC
///   where there is a zone) for a timestamp.
/// - Source: ISO 8601 extended format, years 0001 to 9999, days that exist, no leap seconds.
#[inline]
pub fn parse(text: &str) -> Option<(Form, i64)> {
    parse_bytes(text.as_bytes())
}

/// [`parse`] of bytes that need not be UTF-8.
#[inline]
pub fn parse_bytes(text: &[u8]) -> Option<(Form, i64)> {
    // What is not a date mostly ends here.
    if !(10..=32).contains(&text.len()) || text[4] != b'-' || text[7] != b'-' {
        return None;
    }
    parse_likely(text)
}

fn parse_likely(bytes: &[u8]) -> Option<(Form, i64)> {
    if bytes.len() == 10 {
        return Some((Form::Date, read_day(bytes)?));
    }
    let &separator = bytes.get(10).filter(|byte| matches!(byte, b'T' | b' '))?;
    let minutes = read_minutes(bytes, separator)?;
    let mut rest = &bytes[16..];
    let (mut second, mut micros, mut fraction_digits) = (0, 0, None);
    if let [b':', seconds @ ..] = rest {
        second = pair(seconds, 0).filter(|second| *second < 60)?;
        rest = &seconds[2..];
        fraction_digits = Some(0);
        if let [b'.', fraction @ ..] = rest {
            let count = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
            if !(1..=6).contains(&count) {
                return None;
            }
            micros = digits(&fraction[..count])? * 10u32.pow(6 - count as u32);
            fraction_digits = Some(count as u8);
            rest = &fraction[count..];
        }
    }
    let zone = parse_zone(rest)?;
    let offset = i64::from(zone.offset_minutes().unwrap_or(0));
    let micros = i64::from(second) * 1_000_000 + i64::from(micros);
    let instant = (minutes - offset) * MICROS_PER_MINUTE + micros;
    Some((Form::Timestamp { separator, fraction_digits, zone }, instant))
}

/// Reads `2026-11-21` as days.
fn read_day(text: &[u8]) -> Option<i64> {
    let separators = text.len() == 10 && text[4] == b'-' && text[7] == b'-';
    let year = pair(text, 0)? * 100 + pair(text, 2)?;
    let days = day_number(year, pair(text, 5)?, pair(text, 8)?)?;
    separators.then_some(days)
}

/// Reads a text that starts as `2026-11-21T10:20` does, all of its bytes at once, as minutes.
#[inline]
fn read_minutes(text: &[u8], separator: u8) -> Option<i64> {
    const ZEROS: u128 = u128::from_le_bytes(*b"0000-00-00\x0000:00");
    const DIGITS: u128 =
        u128::from_le_bytes(*b"\xff\xff\xff\xff\0\xff\xff\0\xff\xff\0\xff\xff\0\xff\xff");
    const HIGH: u128 = u128::from_le_bytes([0x80; 16]);
    const ABOVE_NINE: u128 = u128::from_le_bytes([0x76; 16]);
    let text = u128::from_le_bytes(*text.first_chunk()?);
    // Digits become their values, and what must be a separator becomes zero.
    let digits = text ^ ZEROS ^ (u128::from(separator) << 80);
    let is_above = digits | ((digits & !HIGH) + ABOVE_NINE);
    if is_above & HIGH | digits & !DIGITS != 0 {
        return None;
    }
    // Every byte becomes the number that it and the next spell.
    let pairs = (digits * 10 + (digits >> 8)).to_le_bytes().map(u32::from);
    if pairs[11] > 23 || pairs[14] > 59 {
        return None;
    }
    let days = day_number(pairs[0] * 100 + pairs[2], pairs[5], pairs[8])?;
    Some(days * 24 * 60 + i64::from(pairs[11] * 60 + pairs[14]))
}

/// Reads a text that starts as `2026-11-21T10:20:30` does as microseconds, with those of
/// [`seconds`].
#[inline]
fn read_seconds(text: &[u8], separator: u8) -> Option<i64> {
    Some(seconds(text)? + read_minutes(text, separator)? * MICROS_PER_MINUTE)
}

/// Reads the `:30` of `2026-11-21T10:20:30` as microseconds, and the fraction of a text with six
/// digits of it at the end.
#[inline]
fn seconds(text: &[u8]) -> Option<i64> {
    let second = pair(text, 17).filter(|second| *second < 60 && text[16] == b':')?;
    let fraction = match text.len() {
        26 => {
            let fraction = pair(text, 20)? * 10_000 + pair(text, 22)? * 100 + pair(text, 24)?;
            Some(fraction).filter(|_| text[19] == b'.')?
        }
        _ => 0,
    };
    Some(i64::from(second * 1_000_000 + fraction))
}

/// Reads two digits.
#[inline]
fn pair(bytes: &[u8], at: usize) -> Option<u32> {
    let &[tens, ones] = bytes.get(at..at + 2)?.first_chunk::<2>()?;
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    (tens < 10 && ones < 10).then(|| u32::from(tens) * 10 + u32::from(ones))
}

/// Days from 0000-03-01 to 1970-01-01: counted from March, a leap day ends its year.
const MARCH_DAYS: u32 = 719_468;

/// Days of 400 years, after which the calendar repeats itself.
const ERA_DAYS: u32 = 146_097;

/// Returns the days since 1970-01-01, if the day exists.
///
/// - Source: proleptic Gregorian calendar.
fn day_number(year: u32, month: u32, day: u32) -> Option<i64> {
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let length = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if is_leap => 29,
        2 => 28,
        _ => return None,
    };
    if year == 0 || day == 0 || day > length {
        return None;
    }
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    // Months from March on have 153 days in five.
    let of_year = (153 * month + 2) / 5 + day - 1;
    let days = year * 365 + year / 4 - year / 100 + year / 400 + of_year;
    Some(i64::from(days) - i64::from(MARCH_DAYS))
}

/// Returns year, month and day of a day from 0000-03-01 to 9999-12-31.
fn day_of(days: i64) -> Option<(u32, u32, u32)> {
    let days = u32::try_from(days + i64::from(MARCH_DAYS)).ok()?;
    let (era, day) = (days / ERA_DAYS, days % ERA_DAYS);
    let year = (day - day / 1460 + day / 36_524 - day / (ERA_DAYS - 1)) / 365;
    let of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (year, month) = if month < 10 { (year, month + 3) } else { (year + 1, month - 9) };
    Some((era * 400 + year, month, day))
}

fn parse_zone(text: &[u8]) -> Option<Zone> {
    let (sign, rest) = match text {
        [] => return Some(Zone::None),
        [b'Z'] => return Some(Zone::Zulu),
        [b'+', rest @ ..] => (1, rest),
        [b'-', rest @ ..] => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = match rest.len() {
        2 => (digits(rest)?, 0),
        4 => (digits(&rest[..2])?, digits(&rest[2..])?),
        5 if rest[2] == b':' => (digits(&rest[..2])?, digits(&rest[3..])?),
        _ => return None,
    };
    let total = (hours * 60 + minutes) as i16;
    if hours > 18 || minutes > 59 || (sign < 0 && total == 0) {
        return None;
    }
    Some(match rest.len() {
        2 => Zone::Hours(sign * total),
        4 => Zone::Plain(sign * total),
        _ => Zone::Colon(sign * total),
    })
}

fn digits(bytes: &[u8]) -> Option<u32> {
    bytes.iter().try_fold(0, |sum, byte| match byte {
        b'0'..=b'9' => Some(sum * 10 + u32::from(byte - b'0')),
        _ => None,
    })
}

impl Form {
    /// Reads a text of this form; nothing where it has another or none.
    ///
    /// - Units: those of [`parse`].
    #[inline]
    pub fn read(self, text: &[u8]) -> Option<i64> {
        match (self, text.len()) {
            // The forms that most data has.
            (Form::Timestamp { separator, fraction_digits: Some(0), zone: Zone::Zulu }, 20)
                if text[19] == b'Z' =>
            {
                read_seconds(text, separator)
            }
            (Form::Timestamp { separator, fraction_digits: Some(0), zone: Zone::None }, 19) => {
                read_seconds(text, separator)
            }
            (Form::Timestamp { separator, fraction_digits: Some(6), zone: Zone::None }, 26) => {
                read_seconds(text, separator)
            }
            _ => parse_bytes(text).filter(|(form, _)| *form == self).map(|(_, value)| value),
        }
    }

    /// Returns whether it is the form of microseconds that nothing else is known of.
    pub fn is_of_micros(self) -> bool {
        let Form::Timestamp { separator, fraction_digits, zone } = self else { return false };
        separator == b'T' && fraction_digits == Some(6) && matches!(zone, Zone::None | Zone::Zulu)
    }

    /// Returns whether times of the form have a zone; nothing for days.
    pub fn is_utc(self) -> Option<bool> {
        match self {
            Form::Date => None,
            Form::Timestamp { zone, .. } => Some(zone.offset_minutes().is_some()),
        }
    }

    /// Returns whether a number of microseconds has no more digits than the form prints.
    pub fn holds(self, micros: i64) -> bool {
        let Form::Timestamp { fraction_digits, .. } = self else { return false };
        let unit = match fraction_digits {
            Some(digits) => 10i64.pow(6 - u32::from(digits.min(6))),
            None => MICROS_PER_MINUTE,
        };
        micros % unit == 0
    }

    /// Prints `value` (days or microseconds, as [`parse`] gave it) in this form.
    pub fn print(self, value: i64) -> String {
        let mut out = Vec::new();
        self.print_to(value, &mut out);
        out.into_iter().map(char::from).collect()
    }

    /// Appends `value` (days or microseconds, as [`parse`] gave it) in this form, as ASCII.
    pub fn print_to(self, value: i64, out: &mut Vec<u8>) {
        let Form::Timestamp { separator, fraction_digits, zone } = self else {
            return push_day(value, out);
        };
        let offset = zone.offset_minutes().unwrap_or(0);
        let local = value + i64::from(offset) * MICROS_PER_MINUTE;
        push_day(local.div_euclid(MICROS_PER_DAY), out);
        let of_day = local.rem_euclid(MICROS_PER_DAY);
        let (minutes, micros) =
            ((of_day / MICROS_PER_MINUTE) as u32, (of_day % MICROS_PER_MINUTE) as u32);
        out.push(separator);
        push_pair(minutes / 60, out);
        out.push(b':');
        push_pair(minutes % 60, out);
        if let Some(count) = fraction_digits {
            out.push(b':');
            push_pair(micros / 1_000_000, out);
            if count > 0 {
                out.push(b'.');
                let fraction = micros % 1_000_000;
                let start = out.len();
                [fraction / 10_000, fraction / 100 % 100, fraction % 100]
                    .into_iter()
                    .for_each(|pair| push_pair(pair, out));
                out.truncate(start + usize::from(count));
            }
        }
        push_zone(zone, out);
    }
}

/// Reads texts of one form, of which many are of the same minute as the one before.
#[derive(Debug)]
pub struct FormReader {
    form: Form,
    /// Date, hour and minute of the last text, as written and as a number.
    minute: [u8; 16],
    micros: i64,
}

impl FormReader {
    /// Starts to read.
    pub fn new(form: Form) -> Self {
        // No text starts so.
        FormReader { form, minute: [0xFF; 16], micros: 0 }
    }

    /// Reads a text of the form; nothing where it has another or none.
    #[inline]
    pub fn read(&mut self, text: &[u8]) -> Option<i64> {
        // These have no more behind the minute than [`seconds`] reads.
        let has_seconds = match self.form {
            Form::Timestamp { fraction_digits, zone: Zone::None, .. } => {
                matches!((fraction_digits, text.len()), (Some(0), 19) | (Some(6), 26))
            }
            Form::Timestamp { fraction_digits: Some(0), zone: Zone::Zulu, .. } => {
                text.len() == 20 && text[19] == b'Z'
            }
            _ => false,
        };
        if let Some(minute) = text.first_chunk().filter(|_| has_seconds) {
            if *minute != self.minute {
                let value = self.form.read(text)?;
                (self.minute, self.micros) = (*minute, value - seconds(text)?);
                return Some(value);
            }
            return Some(self.micros + seconds(text)?);
        }
        self.form.read(text)
    }
}

fn push_zone(zone: Zone, out: &mut Vec<u8>) {
    let offset = match zone {
        Zone::None => return,
        Zone::Zulu => return out.push(b'Z'),
        Zone::Colon(offset) | Zone::Plain(offset) | Zone::Hours(offset) => offset,
    };
    let minutes = u32::from(offset.unsigned_abs());
    out.push(if offset < 0 { b'-' } else { b'+' });
    push_pair(minutes / 60, out);
    match zone {
        Zone::Colon(_) => out.push(b':'),
        Zone::Hours(_) => return,
        _ => {}
    }
    push_pair(minutes % 60, out);
}

fn push_day(days: i64, out: &mut Vec<u8>) {
    let Some((year, month, day)) = day_of(days) else { return };
    push_pair(year / 100, out);
    push_pair(year % 100, out);
    out.push(b'-');
    push_pair(month, out);
    out.push(b'-');
    push_pair(day, out);
}

/// Appends two digits.
#[inline]
fn push_pair(value: u32, out: &mut Vec<u8>) {
    out.extend_from_slice(&[b'0' + (value / 10) as u8, b'0' + (value % 10) as u8]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_recognised_prints_back() {
        for text in [
            "2026-11-21",
            "0001-01-01",
            "9999-12-31",
            "2024-02-29",
            "2026-11-21T10:20:30Z",
            "2026-11-21 10:20:30",
            "2026-11-21T10:20",
            "2026-11-21T10:20Z",
            "1969-12-31T23:59:59.5Z",
            "2026-11-21T10:20:30.123",
            "2026-11-21T10:20:30.123456+05:30",
            "2026-11-21T00:00:00-0800",
            "0001-01-01T00:00:00+14",
            "2026-11-21T10:20:30+00:00",
        ] {
            let (form, value) = parse(text).unwrap_or_else(|| panic!("{text} has a form"));
            assert_eq!(form.print(value), text);
            assert_eq!(form.read(text.as_bytes()), Some(value), "{text}");
        }
    }

    #[test]
    fn what_would_not_print_back_stays_text() {
        for text in [
            "",
            "2024-02-30",
            "2023-02-29",
            "0000-01-01",
            "2026-1-1",
            "20261121",
            "01/02/2003",
            "2026-11-21T24:00:00",
            "2026-11-21T23:59:60Z",
            "2026-11-21T10:20:30.1234567Z",
            "2026-11-21T10:20:30.",
            "2026-11-21t10:20:30z",
            "2026-11-21T10:20:30-00:00",
            "2026-11-21T10:20:30+19:00",
            "2026-11-21T10:20:30 Z",
            "2026-11-21T",
            "２026-11-21",
            "+026-11-21",
        ] {
            assert_eq!(parse(text), None, "{text}");
            for form in ["2026-11-21", "2026-11-21T10:20:30Z", "2026-11-21 10:20:30"] {
                let (form, _) = parse(form).unwrap();
                assert_eq!(form.read(text.as_bytes()), None, "{text}");
            }
        }
    }

    #[test]
    fn every_byte_of_a_time_counts() {
        check_every_byte(b"2026-11-21T10:20:30Z");
        check_every_byte(b"2026-11-21 10:20:30");
        check_every_byte(b"2026-11-21 10:20:30.123456");
    }

    fn check_every_byte<const LENGTH: usize>(text: &[u8; LENGTH]) {
        let (form, _) = parse_bytes(text).unwrap();
        for place in 0..text.len() {
            for byte in 0..=u8::MAX {
                let mut other = *text;
                other[place] = byte;
                let expected = std::str::from_utf8(&other).ok().and_then(parse);
                let expected = expected.filter(|(found, _)| *found == form);
                let value = expected.map(|(_, value)| value);
                assert_eq!(form.read(&other), value, "{other:?}");
                let mut reader = FormReader::new(form);
                assert_eq!(reader.read(&other), value, "{other:?}");
                assert!(reader.read(text).is_some());
                assert_eq!(reader.read(&other), value, "{other:?}");
                if let Some((form, value)) = expected {
                    assert_eq!(form.print(value).as_bytes(), other);
                }
            }
        }
    }

    #[test]
    fn days_are_those_of_the_calendar() {
        let first = chrono::NaiveDate::from_ymd_opt(1, 1, 1).unwrap();
        let epoch = chrono::NaiveDate::from_ymd_opt(1970, 1, 1).unwrap();
        for date in first.iter_days().take_while(|date| chrono::Datelike::year(date) < 10_000) {
            let days = date.signed_duration_since(epoch).num_days();
            let (year, month, day) =
                day_of(days).unwrap_or_else(|| panic!("{date} is within the calendar"));
            assert_eq!(format!("{year:04}-{month:02}-{day:02}"), date.to_string());
            assert_eq!(day_number(year, month, day), Some(days));
        }
        for (year, month, day) in [(0, 1, 1), (2023, 2, 29), (1900, 2, 29), (2024, 4, 31)] {
            assert_eq!(day_number(year, month, day), None, "{year}-{month}-{day}");
        }
        for (year, month, day) in [(2024, 0, 1), (2024, 13, 1), (2024, 1, 0), (2024, 1, 32)] {
            assert_eq!(day_number(year, month, day), None, "{year}-{month}-{day}");
        }
    }

    #[test]
    fn instants_are_utc() {
        assert_eq!(parse("1970-01-01T01:00:00+01:00").map(|(_, value)| value), Some(0));
        assert_eq!(parse("1970-01-02").map(|(_, value)| value), Some(1));
        assert_eq!(parse("1970-01-01 00:00:00.000001").map(|(_, value)| value), Some(1));
    }
}
