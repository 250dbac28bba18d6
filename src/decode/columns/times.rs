//! Dates, times and durations of columns → their forms, or their text.

use arrow_schema::{IntervalUnit, TimeUnit};

use crate::flatten::Typed;
use crate::table::{Form, Zone};

/// Days from 0001-01-01 to 9999-12-31, which forms can print.
const DAYS: std::ops::RangeInclusive<i64> = -719_162..=2_932_896;

const SECONDS_PER_DAY: i64 = 24 * 60 * 60;
const MICROS_PER_DAY: i64 = SECONDS_PER_DAY * 1_000_000;

/// Returns how many of a unit make a second, and its digits behind the point.
pub(super) fn per_second(unit: TimeUnit) -> (i64, u8) {
    match unit {
        TimeUnit::Second => (1, 0),
        TimeUnit::Millisecond => (1_000, 3),
        TimeUnit::Microsecond => (1_000_000, 6),
        TimeUnit::Nanosecond => (1_000_000_000, 9),
    }
}

/// Returns the form that all times of a unit share; nanoseconds have it where it holds them.
pub(super) fn form_of(unit: TimeUnit, is_utc: bool) -> Form {
    let zone = if is_utc { Zone::Zulu } else { Zone::None };
    let fraction_digits = Some(per_second(unit).1.min(6));
    Form::Timestamp { separator: b'T', fraction_digits, zone }
}

/// Calls `take` with a day.
pub(super) fn with_day<T>(days: i64, take: impl FnOnce(Typed<'_>) -> T) -> T {
    if DAYS.contains(&days) {
        return take(Typed::Instant(Form::Date, days));
    }
    let mut text = String::new();
    push_far_day(days, &mut text);
    take(Typed::Text(&text))
}

/// Calls `take` with a time since 1970.
pub(super) fn with_timestamp<T>(
    value: i64,
    unit: TimeUnit,
    is_utc: bool,
    take: impl FnOnce(Typed<'_>) -> T,
) -> T {
    let (per_second, digits) = per_second(unit);
    let days = value.div_euclid(per_second).div_euclid(SECONDS_PER_DAY);
    let is_whole = unit != TimeUnit::Nanosecond || value % 1_000 == 0;
    if DAYS.contains(&days) && is_whole {
        let micros = match unit {
            TimeUnit::Nanosecond => value / 1_000,
            _ => value * (1_000_000 / per_second),
        };
        return take(Typed::Instant(form_of(unit, is_utc), micros));
    }
    let mut text = String::new();
    push_far_day(days, &mut text);
    text.push('T');
    push_time(value.rem_euclid(SECONDS_PER_DAY * per_second), per_second, digits, &mut text);
    if is_utc {
        text.push('Z');
    }
    take(Typed::Text(&text))
}

/// Appends a time of day as `10:20:30.5`, with all digits of its unit.
pub(super) fn push_time(value: i64, per_second: i64, digits: u8, out: &mut String) {
    let (seconds, fraction) = (value.div_euclid(per_second), value.rem_euclid(per_second));
    let (minutes, second) = (seconds.div_euclid(60), seconds.rem_euclid(60));
    let (hour, minute) = (minutes.div_euclid(60), minutes.rem_euclid(60));
    *out += &format!("{hour:02}:{minute:02}:{second:02}");
    if digits > 0 {
        *out += &format!(".{fraction:0width$}", width = usize::from(digits));
    }
}

/// Appends a duration as ISO 8601 has it: `PT12.5S`.
pub(super) fn push_duration(value: i64, unit: TimeUnit, out: &mut String) {
    let (per_second, digits) = per_second(unit);
    *out += if value < 0 { "-PT" } else { "PT" };
    push_seconds(value.unsigned_abs(), per_second as u64, digits, out);
}

fn push_seconds(value: u64, per_second: u64, digits: u8, out: &mut String) {
    let (seconds, fraction) = (value / per_second, value % per_second);
    *out += &seconds.to_string();
    if fraction > 0 {
        let text = format!("{fraction:0width$}", width = usize::from(digits));
        out.push('.');
        *out += text.trim_end_matches('0');
    }
    out.push('S');
}

/// Months, days and nanoseconds as ISO 8601 has them: `P1M2DT3.5S`, each with its sign.
pub(super) fn push_interval(
    unit: IntervalUnit,
    (months, days, nanos): (i32, i32, i64),
    out: &mut String,
) {
    out.push('P');
    let start = out.len();
    if months != 0 {
        let (years, months) = (months / 12, months % 12);
        if years != 0 {
            *out += &format!("{years}Y");
        }
        if months != 0 {
            *out += &format!("{months}M");
        }
    }
    if days != 0 {
        *out += &format!("{days}D");
    }
    if nanos != 0 {
        *out += if nanos < 0 { "T-" } else { "T" };
        push_seconds(nanos.unsigned_abs(), 1_000_000_000, 9, out);
    }
    if out.len() == start {
        *out += if unit == IntervalUnit::YearMonth { "0M" } else { "T0S" };
    }
}

/// Appends a day of any year, as ISO 8601 has those beyond four digits: `+12345-01-31`.
fn push_far_day(days: i64, out: &mut String) {
    // Days from 0000-03-01 on, in runs of 400 years.
    let days = i128::from(days) + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (year, month) = if month < 10 { (year, month + 3) } else { (year + 1, month - 9) };
    let year = era * 400 + year;
    match year {
        0..=9999 => *out += &format!("{year:04}-{month:02}-{day:02}"),
        _ => *out += &format!("{year:+05}-{month:02}-{day:02}"),
    }
}

/// Returns days for milliseconds that are whole days.
pub(super) fn whole_days(millis: i64) -> Option<i64> {
    let per_day = MICROS_PER_DAY / 1_000;
    (millis % per_day == 0).then(|| millis / per_day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(value: Typed<'_>) -> String {
        match value {
            Typed::Instant(form, value) => form.print(value),
            Typed::Text(text) => format!("text {text}"),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn times_are_spelled_as_their_unit_says() {
        use TimeUnit::{Microsecond, Millisecond, Nanosecond, Second};
        for (value, unit, is_utc, expected) in [
            (0, Second, false, "1970-01-01T00:00:00"),
            (-1, Second, true, "1969-12-31T23:59:59Z"),
            (1_500, Millisecond, false, "1970-01-01T00:00:01.500"),
            (-1, Microsecond, true, "1969-12-31T23:59:59.999999Z"),
            (1_000, Nanosecond, false, "1970-01-01T00:00:00.000001"),
            (1_001, Nanosecond, false, "text 1970-01-01T00:00:00.000001001"),
            (-1, Nanosecond, true, "text 1969-12-31T23:59:59.999999999Z"),
            (253_402_300_799, Second, false, "9999-12-31T23:59:59"),
            (253_402_300_800, Second, true, "text +10000-01-01T00:00:00Z"),
            (-62_135_596_800, Second, false, "0001-01-01T00:00:00"),
            (-62_135_596_801, Second, false, "text 0000-12-31T23:59:59"),
            (i64::MIN, Second, false, "text -292277022657-01-27T08:29:52"),
            (i64::MAX, Microsecond, false, "text +294247-01-10T04:00:54.775807"),
        ] {
            let found = with_timestamp(value, unit, is_utc, shown);
            assert_eq!(found, expected, "{value} {unit:?}");
        }
    }

    #[test]
    fn days_of_any_year() {
        for (days, expected) in [
            (0, "1970-01-01"),
            (-719_162, "0001-01-01"),
            (2_932_896, "9999-12-31"),
            (2_932_897, "text +10000-01-01"),
            (-719_163, "text 0000-12-31"),
            (i64::from(i32::MIN), "text -5877641-06-23"),
        ] {
            assert_eq!(with_day(days, shown), expected, "{days}");
        }
    }

    #[test]
    fn durations_and_intervals() {
        let duration = |value, unit| {
            let mut out = String::new();
            push_duration(value, unit, &mut out);
            out
        };
        assert_eq!(duration(90, TimeUnit::Second), "PT90S");
        assert_eq!(duration(-1_500, TimeUnit::Millisecond), "-PT1.5S");
        assert_eq!(duration(i64::MIN, TimeUnit::Nanosecond), "-PT9223372036.854775808S");
        let interval = |unit, parts| {
            let mut out = String::new();
            push_interval(unit, parts, &mut out);
            out
        };
        assert_eq!(interval(IntervalUnit::YearMonth, (14, 0, 0)), "P1Y2M");
        assert_eq!(interval(IntervalUnit::YearMonth, (0, 0, 0)), "P0M");
        assert_eq!(interval(IntervalUnit::DayTime, (0, 3, 4_005_000_000)), "P3DT4.005S");
        assert_eq!(interval(IntervalUnit::MonthDayNano, (1, -2, -1)), "P1M-2DT-0.000000001S");
    }
}
