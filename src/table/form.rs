//! ISO 8601 dates and times that print back to the same text.

use chrono::{DateTime, NaiveDate, NaiveTime, Timelike};

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
const EPOCH: NaiveDate = NaiveDate::from_ymd_opt(1970, 1, 1).expect("a real day");

/// Recognises the form of `text`, if it is a date or time in a form that prints back.
///
/// - Units: the second value is days since 1970-01-01 for a date, microseconds since then (UTC
///   where there is a zone) for a timestamp.
/// - Source: ISO 8601 extended format, years 0001 to 9999, days that exist, no leap seconds.
pub fn parse(text: &str) -> Option<(Form, i64)> {
    let bytes = text.as_bytes();
    if !(10..=32).contains(&bytes.len()) || bytes[4] != b'-' || bytes[7] != b'-' {
        return None;
    }
    let (year, month, day) = (digits(&bytes[0..4])?, digits(&bytes[5..7])?, digits(&bytes[8..10])?);
    if year == 0 {
        return None;
    }
    let date = NaiveDate::from_ymd_opt(year as i32, month, day)?;
    let days = date.signed_duration_since(EPOCH).num_days();
    if bytes.len() == 10 {
        return Some((Form::Date, days));
    }
    let separator = bytes[10];
    if !matches!(separator, b'T' | b' ') || bytes.len() < 16 || bytes[13] != b':' {
        return None;
    }
    let (hour, minute) = (digits(&bytes[11..13])?, digits(&bytes[14..16])?);
    let mut rest = &bytes[16..];
    let (mut second, mut micros, mut fraction_digits) = (0, 0, None);
    if let [b':', seconds @ ..] = rest {
        second = digits(seconds.get(..2)?)?;
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
    let time = NaiveTime::from_hms_micro_opt(hour, minute, second, micros)?;
    let zone = parse_zone(rest)?;
    let of_day = i64::from(time.num_seconds_from_midnight()) * 1_000_000 + i64::from(micros);
    let offset = i64::from(zone.offset_minutes().unwrap_or(0)) * MICROS_PER_MINUTE;
    let instant = days * MICROS_PER_DAY + of_day - offset;
    Some((Form::Timestamp { separator, fraction_digits, zone }, instant))
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
    /// Prints `value` (days or microseconds, as [`parse`] gave it) in this form.
    pub fn print(self, value: i64) -> String {
        use std::fmt::Write;
        let Form::Timestamp { separator, fraction_digits, zone } = self else {
            return print_day(value);
        };
        let offset = zone.offset_minutes().unwrap_or(0);
        let local = value + i64::from(offset) * MICROS_PER_MINUTE;
        let mut out = print_day(local.div_euclid(MICROS_PER_DAY));
        let of_day = local.rem_euclid(MICROS_PER_DAY);
        let (minutes, micros) = (of_day / MICROS_PER_MINUTE, of_day % MICROS_PER_MINUTE);
        out.push(separator as char);
        let _ = write!(out, "{:02}:{:02}", minutes / 60, minutes % 60);
        if let Some(count) = fraction_digits {
            let _ = write!(out, ":{:02}", micros / 1_000_000);
            if count > 0 {
                let fraction = format!("{:06}", micros % 1_000_000);
                let _ = write!(out, ".{}", &fraction[..usize::from(count)]);
            }
        }
        let (sign, minutes) = (if offset < 0 { '-' } else { '+' }, offset.unsigned_abs());
        let _ = match zone {
            Zone::None => Ok(()),
            Zone::Zulu => write!(out, "Z"),
            Zone::Colon(_) => write!(out, "{sign}{:02}:{:02}", minutes / 60, minutes % 60),
            Zone::Plain(_) => write!(out, "{sign}{:02}{:02}", minutes / 60, minutes % 60),
            Zone::Hours(_) => write!(out, "{sign}{:02}", minutes / 60),
        };
        out
    }
}

fn print_day(days: i64) -> String {
    match DateTime::from_timestamp(days * 86_400, 0) {
        Some(time) => time.date_naive().format("%Y-%m-%d").to_string(),
        None => String::new(),
    }
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
        }
    }

    #[test]
    fn instants_are_utc() {
        assert_eq!(parse("1970-01-01T01:00:00+01:00").map(|(_, value)| value), Some(0));
        assert_eq!(parse("1970-01-02").map(|(_, value)| value), Some(1));
        assert_eq!(parse("1970-01-01 00:00:00.000001").map(|(_, value)| value), Some(1));
    }
}
