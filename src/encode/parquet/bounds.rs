//! The least and the greatest value of a chunk or page.

use std::cmp::Ordering;
use std::ops::Range;

use parquet::basic::{BoundaryOrder, Type as PhysicalType};
use serde::{Deserialize, Serialize};

use super::cells::Cells;
use crate::table::Texts;

/// Least and greatest value, in the order that the format gives to their type.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Bounds {
    Bool(bool, bool),
    Int(i64, i64),
    Double(f64, f64),
    Fixed(Box<(i128, i128)>, usize),
    Bytes(Bound, Bound),
}

/// A string that no value lies beyond.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Bound {
    bytes: Box<[u8]>,
    is_exact: bool,
}

/// Longer strings are cut in the footer: readers only compare with them.
const BOUND_BYTES_MAX: usize = 64;

impl Bounds {
    /// Finds the bounds of some values; nothing if there are none.
    pub(super) fn of(cells: &Cells<'_>, range: Range<usize>) -> Option<Self> {
        if range.is_empty() {
            return None;
        }
        Some(match cells {
            Cells::Bool(values) => {
                let values = &values[range];
                Bounds::Bool(values.iter().all(|value| *value), values.contains(&true))
            }
            Cells::Int32(values) => {
                let (least, greatest) = extremes(&values[range])?;
                Bounds::Int(least.into(), greatest.into())
            }
            Cells::Int64(values) => {
                let (least, greatest) = extremes(&values[range])?;
                Bounds::Int(least, greatest)
            }
            Cells::Double(values) => {
                let (least, greatest) = extremes(&values[range])?;
                // Zeros of both signs are equal, but not to every reader.
                Bounds::Double(
                    if least == 0.0 { -0.0 } else { least },
                    if greatest == 0.0 { 0.0 } else { greatest },
                )
            }
            Cells::Fixed(values, width) => {
                let bounds = extremes(&values[range])?;
                Bounds::Fixed(Box::new(bounds), *width)
            }
            Cells::Bytes(texts) => return Bounds::of_strings(texts, range),
        })
    }

    /// Finds the bounds of the strings at `places`.
    pub(super) fn of_strings(
        texts: &Texts,
        places: impl IntoIterator<Item = usize>,
    ) -> Option<Self> {
        let (least, greatest) = string_extremes(texts, places.into_iter())?;
        let (least, greatest) = (texts.get(least), texts.get(greatest));
        Some(Bounds::Bytes(Bound::below(least), Bound::above(greatest)))
    }

    /// Returns the bounds of what both bound.
    pub(super) fn join(self, other: Self) -> Self {
        match (self, other) {
            (Bounds::Bool(a, b), Bounds::Bool(c, d)) => Bounds::Bool(a & c, b | d),
            (Bounds::Int(a, b), Bounds::Int(c, d)) => Bounds::Int(a.min(c), b.max(d)),
            (Bounds::Double(a, b), Bounds::Double(c, d)) => Bounds::Double(a.min(c), b.max(d)),
            (Bounds::Fixed(a, width), Bounds::Fixed(b, _)) => {
                Bounds::Fixed(Box::new((a.0.min(b.0), a.1.max(b.1))), width)
            }
            (Bounds::Bytes(a, b), Bounds::Bytes(c, d)) => {
                let least = if c.bytes < a.bytes { c } else { a };
                let greatest = if d.bytes > b.bytes { d } else { b };
                Bounds::Bytes(least, greatest)
            }
            (bounds, _) => bounds,
        }
    }

    /// Compares the least values and the greatest.
    fn compare(&self, other: &Self) -> [Option<Ordering>; 2] {
        match (self, other) {
            (Bounds::Bool(a, b), Bounds::Bool(c, d)) => [Some(a.cmp(c)), Some(b.cmp(d))],
            (Bounds::Int(a, b), Bounds::Int(c, d)) => [Some(a.cmp(c)), Some(b.cmp(d))],
            (Bounds::Double(a, b), Bounds::Double(c, d)) => [a.partial_cmp(c), b.partial_cmp(d)],
            (Bounds::Fixed(a, _), Bounds::Fixed(b, _)) => {
                [Some(a.0.cmp(&b.0)), Some(a.1.cmp(&b.1))]
            }
            (Bounds::Bytes(a, b), Bounds::Bytes(c, d)) => {
                [Some(a.bytes.cmp(&c.bytes)), Some(b.bytes.cmp(&d.bytes))]
            }
            _ => [None, None],
        }
    }

    /// Returns the bounds as the page index has them.
    pub(super) fn to_bytes(&self, physical: PhysicalType) -> (Vec<u8>, Vec<u8>) {
        match self {
            Bounds::Bool(least, greatest) => (vec![u8::from(*least)], vec![u8::from(*greatest)]),
            Bounds::Int(least, greatest) if physical == PhysicalType::INT32 => {
                let bytes = |value: i64| (value as i32).to_le_bytes().to_vec();
                (bytes(*least), bytes(*greatest))
            }
            Bounds::Int(least, greatest) => {
                (least.to_le_bytes().to_vec(), greatest.to_le_bytes().to_vec())
            }
            Bounds::Double(least, greatest) => {
                (least.to_le_bytes().to_vec(), greatest.to_le_bytes().to_vec())
            }
            Bounds::Fixed(bounds, width) => (fixed(bounds.0, *width), fixed(bounds.1, *width)),
            Bounds::Bytes(least, greatest) => (least.bytes.to_vec(), greatest.bytes.to_vec()),
        }
    }

    /// Returns whether the least and the greatest value are values themselves.
    pub(super) fn are_exact(&self) -> (bool, bool) {
        match self {
            Bounds::Bytes(least, greatest) => (least.is_exact, greatest.is_exact),
            _ => (true, true),
        }
    }

    /// Returns whether they are in order also where all bytes are taken as having a sign.
    pub(super) fn is_signed(&self) -> bool {
        !matches!(self, Bounds::Bytes(..) | Bounds::Fixed(..))
    }
}

/// Whether the bounds of a chunk's pages rise or fall.
#[derive(Debug)]
pub(super) struct PageOrder {
    rises: bool,
    falls: bool,
    last: Option<Bounds>,
}

impl Default for PageOrder {
    fn default() -> Self {
        PageOrder { rises: true, falls: true, last: None }
    }
}

impl PageOrder {
    /// Goes on to the next page; pages of nulls do not count.
    pub(super) fn add(&mut self, bounds: Option<&Bounds>) {
        let Some(bounds) = bounds else { return };
        if let Some(last) = self.last.replace(bounds.clone()) {
            let orders = last.compare(bounds);
            self.rises &= orders.iter().all(|order| order.is_some_and(Ordering::is_le));
            self.falls &= orders.iter().all(|order| order.is_some_and(Ordering::is_ge));
        }
    }

    /// Returns the order of all pages so far.
    pub(super) fn result(&self) -> BoundaryOrder {
        match (self.rises, self.falls) {
            (true, _) => BoundaryOrder::ASCENDING,
            (false, true) => BoundaryOrder::DESCENDING,
            (false, false) => BoundaryOrder::UNORDERED,
        }
    }
}

fn fixed(value: i128, width: usize) -> Vec<u8> {
    value.to_be_bytes()[size_of::<i128>() - width..].to_vec()
}

/// Returns the least and the greatest value, leaving out what compares with nothing.
fn extremes<T: Copy + PartialOrd>(values: &[T]) -> Option<(T, T)> {
    let first = values.iter().find(|value| value.partial_cmp(value).is_some())?;
    let (mut least, mut greatest) = (*first, *first);
    for &value in values {
        least = if value < least { value } else { least };
        greatest = if value > greatest { value } else { greatest };
    }
    Some((least, greatest))
}

/// Returns the places of the least and the greatest string.
fn string_extremes(
    texts: &Texts,
    mut places: impl Iterator<Item = usize>,
) -> Option<(usize, usize)> {
    let first = places.next()?;
    let (mut least, mut greatest) = (first, first);
    let (mut least_start, mut greatest_start) = (start_of(texts, first), start_of(texts, first));
    for at in places {
        let start = start_of(texts, at);
        if start < least_start || start == least_start && texts.get(at) < texts.get(least) {
            (least, least_start) = (at, start);
        } else if start > greatest_start
            || start == greatest_start && texts.get(at) > texts.get(greatest)
        {
            (greatest, greatest_start) = (at, start);
        }
    }
    Some((least, greatest))
}

/// Returns the first eight bytes of a string as a number of the same order, zeros behind its end.
#[inline]
fn start_of(texts: &Texts, at: usize) -> u64 {
    let (start, end) = (texts.offsets[at] as usize, texts.offsets[at + 1] as usize);
    match texts.bytes[start..].first_chunk() {
        Some(word) => {
            let unused = 64 - 8 * (end - start).min(8) as u32;
            let word = u64::from_be_bytes(*word);
            if unused == 64 { 0 } else { word >> unused << unused }
        }
        None => {
            let mut word = [0; 8];
            word[..end - start].copy_from_slice(&texts.bytes[start..end]);
            u64::from_be_bytes(word)
        }
    }
}

impl Bound {
    fn exact(bytes: &[u8]) -> Self {
        Bound { bytes: bytes.into(), is_exact: true }
    }

    /// Returns the string or a start of it.
    fn below(bytes: &[u8]) -> Self {
        let cut = std::str::from_utf8(bytes).map_or(bytes.len(), cut);
        if cut >= bytes.len() {
            return Bound::exact(bytes);
        }
        Bound { bytes: bytes[..cut].into(), is_exact: false }
    }

    /// Returns the string or a shorter one that comes after it.
    fn above(bytes: &[u8]) -> Self {
        let text = std::str::from_utf8(bytes).unwrap_or_default();
        let cut = cut(text);
        if cut >= text.len() {
            return Bound::exact(bytes);
        }
        match successor(&text[..cut]) {
            Some(text) => Bound { bytes: text.into_bytes().into(), is_exact: false },
            None => Bound::exact(bytes),
        }
    }
}

/// Returns where a bound ends: no character is cut.
fn cut(text: &str) -> usize {
    let most = text.len().min(BOUND_BYTES_MAX);
    (0..=most).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0)
}

/// Returns a string that is not longer and comes after all that start with `text`.
fn successor(text: &str) -> Option<String> {
    text.char_indices().rev().find_map(|(at, last)| {
        let next = char::from_u32(u32::from(last) + 1)?;
        // In UTF-8 the order of bytes is that of characters.
        (next.len_utf8() == last.len_utf8()).then(|| format!("{}{next}", &text[..at]))
    })
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;

    fn texts(strings: &[&str]) -> Texts {
        let mut texts = Texts::default();
        strings.iter().for_each(|string| texts.push(string.as_bytes()));
        texts
    }

    #[test]
    fn strings_are_compared_byte_by_byte() {
        #[track_caller]
        fn check(strings: &[&str]) {
            let texts = texts(strings);
            let (least, greatest) = string_extremes(&texts, 0..strings.len()).unwrap();
            assert_eq!(strings[least], *strings.iter().min().unwrap(), "{strings:?}");
            assert_eq!(strings[greatest], *strings.iter().max().unwrap(), "{strings:?}");
        }
        check(&["b", "a", "c"]);
        check(&["", "\0", "\0\0"]);
        check(&["\0", ""]);
        check(&["abcdefgh", "abcdefghi", "abcdefg", "abcdefgh\0"]);
        check(&["same start 2", "same start 1", "same start 3"]);
        check(&["é", "z", "\u{10ffff}", "\u{ffff}"]);
    }

    #[test]
    fn long_bounds_are_cut_and_still_bound() {
        #[track_caller]
        fn check(string: &str, is_exact: bool) {
            let cells = Cells::Bytes(Cow::Owned(texts(&[string])));
            let Some(Bounds::Bytes(least, greatest)) = Bounds::of(&cells, 0..1) else {
                panic!("no bounds");
            };
            assert_eq!((least.is_exact, greatest.is_exact), (string.len() <= 64, is_exact));
            assert!(&*least.bytes <= string.as_bytes(), "{least:?}");
            assert!(&*greatest.bytes >= string.as_bytes(), "{greatest:?}");
            assert!(std::str::from_utf8(&least.bytes).is_ok());
            assert!(std::str::from_utf8(&greatest.bytes).is_ok());
            assert!(least.bytes.len() <= 64 && (is_exact || greatest.bytes.len() <= 64));
        }
        check("short", true);
        check(&"a".repeat(64), true);
        check(&"a".repeat(65), false);
        check(&"é".repeat(33), false);
        check(&format!("{}\u{d7ff}{}", "a".repeat(61), "b"), false);
        check(&"\u{7f}".repeat(65), true);
        check(&"\u{10ffff}".repeat(20), true);
    }
}
