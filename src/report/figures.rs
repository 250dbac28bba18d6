//! Numbers as people read them: `1,234,567`, `1.2 GB`, `0.41 s`, `2:05`.

use std::time::Duration;

/// Writes a whole number with a comma between its thousands.
///
/// ```
/// assert_eq!(transmog::report::figures::grouped(1_234_567), "1,234,567");
/// ```
pub fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Writes bytes in two or three digits, with their decimal unit.
///
/// ```
/// use transmog::report::figures::size;
///
/// assert_eq!(size(492), "492 B");
/// assert_eq!(size(1_234), "1.2 kB");
/// assert_eq!(size(98_765_432), "99 MB");
/// ```
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["kB", "MB", "GB", "TB", "PB", "EB"];
    if bytes < 1_000 {
        return format!("{bytes} B");
    }
    let mut unit: u128 = 1_000;
    for name in UNITS {
        let tenths = (u128::from(bytes) * 10 + unit / 2) / unit;
        let whole = (u128::from(bytes) + unit / 2) / unit;
        match (tenths, whole) {
            (0..100, _) => return format!("{}.{} {name}", tenths / 10, tenths % 10),
            (_, 0..1_000) => return format!("{whole} {name}"),
            _ => unit *= 1_000,
        }
    }
    // there is no u64 beyond 18 EB
    format!("{bytes} B")
}

/// Writes how many bytes went by in a second.
///
/// ```
/// use std::time::Duration;
/// use transmog::report::figures::rate;
///
/// assert_eq!(rate(98_000_000, Duration::from_millis(400)), "245 MB/s");
/// ```
pub fn rate(bytes: u64, time: Duration) -> String {
    let nanos = time.as_nanos().max(1);
    let per_second = u128::from(bytes) * 1_000_000_000 / nanos;
    format!("{}/s", size(u64::try_from(per_second).unwrap_or(u64::MAX)))
}

/// Writes how long something took: `4 ms`, `0.41 s`, `12.3 s`, `2:05 min`, `1:02:05 h`.
///
/// ```
/// use std::time::Duration;
///
/// assert_eq!(transmog::report::figures::span(Duration::from_millis(412)), "0.41 s");
/// ```
pub fn span(time: Duration) -> String {
    let centis = (time.as_micros() + 5_000) / 10_000;
    let tenths = (time.as_micros() + 50_000) / 100_000;
    match time.as_millis() {
        millis @ 0..100 => format!("{millis} ms"),
        _ if centis < 1_000 => format!("{}.{:02} s", centis / 100, centis % 100),
        _ if tenths < 600 => format!("{}.{} s", tenths / 10, tenths % 10),
        _ => {
            let seconds = Duration::from_secs((time + Duration::from_millis(500)).as_secs());
            let unit = if seconds.as_secs() < 3_600 { "min" } else { "h" };
            format!("{} {unit}", clock(seconds))
        }
    }
}

/// Writes a time as a clock does: `0:12`, `2:05`, `1:02:05`; parts of a second do not count.
///
/// ```
/// use std::time::Duration;
///
/// assert_eq!(transmog::report::figures::clock(Duration::from_secs(12)), "0:12");
/// ```
pub fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    match hours {
        0 => format!("{minutes}:{seconds:02}"),
        hours => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_parted() {
        let check = |count: u64, expected: &str| assert_eq!(grouped(count), expected);
        check(0, "0");
        check(999, "999");
        check(1_000, "1,000");
        check(12_345, "12,345");
        check(u64::MAX, "18,446,744,073,709,551,615");
    }

    #[test]
    fn sizes_have_three_digits_at_most() {
        let check = |bytes: u64, expected: &str| assert_eq!(size(bytes), expected, "{bytes}");
        check(0, "0 B");
        check(999, "999 B");
        check(1_000, "1.0 kB");
        check(1_049, "1.0 kB");
        check(1_050, "1.1 kB");
        check(9_949, "9.9 kB");
        check(9_950, "10 kB");
        check(999_499, "999 kB");
        check(999_500, "1.0 MB");
        check(245_000_000, "245 MB");
        check(1_234_567_890, "1.2 GB");
        check(u64::MAX, "18 EB");
    }

    #[test]
    fn times_keep_what_is_worth_reading() {
        let check =
            |millis: u64, expected: &str| assert_eq!(span(Duration::from_millis(millis)), expected);
        check(0, "0 ms");
        check(99, "99 ms");
        check(100, "0.10 s");
        check(412, "0.41 s");
        check(9_994, "9.99 s");
        check(9_995, "10.0 s");
        check(12_345, "12.3 s");
        check(59_949, "59.9 s");
        check(59_950, "1:00 min");
        check(125_400, "2:05 min");
        check(3_725_000, "1:02:05 h");
        assert_eq!(span(Duration::from_micros(99_999)), "99 ms");
    }

    #[test]
    fn rates_of_no_time_and_of_nothing_are_numbers() {
        assert_eq!(rate(0, Duration::ZERO), "0 B/s");
        assert_eq!(rate(u64::MAX, Duration::ZERO), "18 EB/s");
        assert_eq!(rate(1_500_000, Duration::from_secs(1)), "1.5 MB/s");
    }
}
