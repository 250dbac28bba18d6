//! The values of a column: the representations in which they are kept, and how each is cut and joined.

use super::column::{Column, Expected};
use super::form::Form;
use super::scalar::{bool_text, float_text};

/// The values of a column, without the rows that have none.
#[derive(Debug, Clone, Default)]
pub enum Values {
    /// No value yet.
    #[default]
    None,
    /// `true` and `false`.
    Bool(Vec<bool>),
    /// Integers of 64 bits.
    Int(Vec<i64>),
    /// The same, as links between rows have them.
    Rows(RowNumbers),
    /// Integers of up to 38 digits.
    Big(Vec<i128>),
    /// Doubles.
    Float(Floats),
    /// Dates or times of one form: days or microseconds, from which it prints them back.
    Instant(Form, Vec<i64>),
    /// Text: strings, JSON, or values of several kinds.
    Text(Texts),
    /// Lists of scalars.
    List(Box<Lists>),
}

/// Integers that number rows, in few bytes until their column is joined.
#[derive(Debug, Clone)]
pub enum RowNumbers {
    /// So many, each one more than the one before.
    Run {
        /// The first.
        first: i64,
        /// How many.
        count: usize,
    },
    /// Each so much more than `base`.
    Beyond {
        /// What each is counted from.
        base: i64,
        /// How far each is from there.
        offsets: Vec<u32>,
    },
}

/// Doubles, with the source text of those that have more digits than a double gives back.
#[derive(Debug, Clone, Default)]
pub struct Floats {
    /// The nearest doubles.
    pub values: Vec<f64>,
    /// Index in `values` and source text, rising.
    pub long: Vec<(u32, Box<str>)>,
}

/// Strings in one buffer.
#[derive(Debug, Clone)]
pub struct Texts {
    /// Where each string starts, and where the last one ends.
    pub offsets: Vec<i32>,
    /// The strings, one after the other.
    pub bytes: Vec<u8>,
}

/// Lists: how many elements each has, and the elements of all of them.
#[derive(Debug, Clone, Default)]
pub struct Lists {
    /// Where each list ends in `elements`, in elements (rows of that column), nulls counted.
    pub ends: Vec<u32>,
    /// The elements; a null element is a row without a value.
    pub elements: Column,
}

/// Text that stands in a longer one, with what follows it.
#[derive(Debug, Clone, Copy)]
pub struct Excerpt<'a> {
    source: &'a str,
    start: usize,
    end: usize,
}

impl<'a> Excerpt<'a> {
    /// Takes bytes `start..end` of `source`.
    #[inline]
    pub fn new(source: &'a str, start: usize, end: usize) -> Self {
        Excerpt { source, start, end }
    }

    /// Takes all of `source`.
    #[inline]
    pub fn whole(source: &'a str) -> Self {
        Excerpt { source, start: 0, end: source.len() }
    }

    /// Returns the text.
    #[inline]
    pub fn text(self) -> &'a str {
        &self.source[self.start..self.end]
    }

    /// Returns the bytes of the text.
    #[inline]
    pub fn bytes(self) -> &'a [u8] {
        &self.source.as_bytes()[self.start..self.end]
    }

    /// Returns the first eight bytes of the text and what follows it, where there are as many.
    #[inline]
    pub fn first_eight(self) -> Option<&'a [u8; 8]> {
        self.source.as_bytes().get(self.start..)?.first_chunk()
    }

    /// Returns how many bytes the text has.
    #[inline]
    pub fn len(self) -> usize {
        self.end - self.start
    }

    /// Returns whether the text is empty.
    #[inline]
    pub fn is_empty(self) -> bool {
        self.end == self.start
    }
}

/// Excerpts of up to so many bytes are copied with what stands behind: a copy of a fixed size needs no call.
pub(super) const EXCERPT_BLOCK: usize = 32;

impl RowNumbers {
    /// Returns how many.
    pub fn len(&self) -> usize {
        match self {
            RowNumbers::Run { count, .. } => *count,
            RowNumbers::Beyond { offsets, .. } => offsets.len(),
        }
    }

    /// Returns whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns number `index`.
    #[inline]
    pub fn get(&self, index: usize) -> i64 {
        match self {
            RowNumbers::Run { first, .. } => first + index as i64,
            RowNumbers::Beyond { base, offsets } => base + i64::from(offsets[index]),
        }
    }

    /// Returns the first `count`, or all there are, as integers.
    pub fn first(&self, count: usize) -> Vec<i64> {
        (0..count.min(self.len())).map(|index| self.get(index)).collect()
    }

    /// Appends them to integers.
    pub(super) fn append_to(&self, ints: &mut Vec<i64>) {
        match self {
            RowNumbers::Run { first, count } => ints.extend(*first..first + *count as i64),
            RowNumbers::Beyond { base, offsets } => {
                ints.extend(offsets.iter().map(|&offset| base + i64::from(offset)));
            }
        }
    }

    fn truncate(&mut self, kept: usize) {
        match self {
            RowNumbers::Run { count, .. } => *count = kept.min(*count),
            RowNumbers::Beyond { offsets, .. } => offsets.truncate(kept),
        }
    }

    fn split_off(&mut self, kept: usize) -> RowNumbers {
        match self {
            RowNumbers::Run { first, count } => {
                let rest = *count - kept;
                *count = kept;
                RowNumbers::Run { first: *first + kept as i64, count: rest }
            }
            RowNumbers::Beyond { base, offsets } => {
                RowNumbers::Beyond { base: *base, offsets: offsets.split_off(kept) }
            }
        }
    }
}

impl Default for Texts {
    fn default() -> Self {
        Texts { offsets: vec![0], bytes: Vec::new() }
    }
}

impl Texts {
    /// Returns how many strings.
    pub fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Returns whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Appends a string.
    #[inline]
    pub fn push(&mut self, text: &[u8]) {
        self.bytes.extend_from_slice(text);
        self.end();
    }

    /// Appends a string that stands in a longer text.
    #[inline]
    pub fn push_excerpt(&mut self, text: Excerpt<'_>) {
        let Excerpt { source, start, end } = text;
        let length = end - start;
        const BLOCK: usize = EXCERPT_BLOCK;
        match source.as_bytes().get(start..).and_then(<[u8]>::first_chunk::<BLOCK>) {
            Some(block) if length <= BLOCK => {
                let kept = self.bytes.len() + length;
                self.bytes.extend_from_slice(block);
                self.bytes.truncate(kept);
            }
            _ => self.bytes.extend_from_slice(text.bytes()),
        }
        self.end();
    }

    pub(super) fn with_capacity(expected: Expected) -> Self {
        let mut offsets = Vec::with_capacity(expected.values + 1);
        offsets.push(0);
        Texts { offsets, bytes: Vec::with_capacity(expected.bytes) }
    }

    /// Ends the string that was written to `bytes`.
    #[inline]
    pub fn end(&mut self) {
        self.offsets.push(self.bytes.len() as i32);
    }

    /// Returns string `index`.
    #[inline]
    pub fn get(&self, index: usize) -> &[u8] {
        &self.bytes[self.offsets[index] as usize..self.offsets[index + 1] as usize]
    }

    /// Returns how many bytes the strings in `range` have.
    pub fn bytes_of(&self, range: std::ops::Range<usize>) -> usize {
        (self.offsets[range.end] - self.offsets[range.start]) as usize
    }

    pub(super) fn append(&mut self, other: &Texts) {
        let base = self.bytes.len() as i32;
        self.bytes.extend_from_slice(&other.bytes);
        self.offsets.extend(other.offsets[1..].iter().map(|end| end + base));
    }

    /// Keeps the first `count` strings.
    pub fn truncate(&mut self, count: usize) {
        if count < self.len() {
            self.offsets.truncate(count + 1);
            self.bytes.truncate(self.offsets[count] as usize);
        }
    }

    /// Cuts after `count` strings and returns the rest.
    pub fn split_off(&mut self, count: usize) -> Texts {
        let at = self.offsets[count];
        let bytes = self.bytes.split_off(at as usize);
        let offsets = self.offsets[count..].iter().map(|end| end - at).collect();
        self.offsets.truncate(count + 1);
        Texts { offsets, bytes }
    }
}

impl Lists {
    /// Returns where list `index` lies in the elements.
    pub fn range(&self, index: usize) -> std::ops::Range<usize> {
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        start as usize..self.ends[index] as usize
    }

    pub(super) fn append(&mut self, other: Lists) {
        let base = self.ends.last().copied().unwrap_or(0);
        self.elements.append(base as usize, other.elements);
        self.ends.extend(other.ends.iter().map(|end| end + base));
    }

    pub(super) fn split_off(&mut self, count: usize) -> Lists {
        let at = if count == 0 { 0 } else { self.ends[count - 1] };
        let ends = self.ends[count..].iter().map(|end| end - at).collect();
        self.ends.truncate(count);
        Lists { ends, elements: self.elements.split_off(at as usize) }
    }
}

impl Values {
    /// Returns how many values, or lists, there are.
    pub(super) fn len(&self) -> usize {
        match self {
            Values::None => 0,
            Values::Bool(values) => values.len(),
            Values::Int(values) | Values::Instant(_, values) => values.len(),
            Values::Rows(numbers) => numbers.len(),
            Values::Big(values) => values.len(),
            Values::Float(floats) => floats.values.len(),
            Values::Text(texts) => texts.len(),
            Values::List(lists) => lists.ends.len(),
        }
    }

    /// Turns row numbers, which are no further than that, into integers, with room for as many as are
    /// `expected`.
    pub(super) fn settle(&mut self, expected: Expected) {
        if let Values::Rows(numbers) = self {
            let mut ints = Vec::with_capacity(expected.values.max(numbers.len()));
            numbers.append_to(&mut ints);
            *self = Values::Int(ints);
        }
    }

    /// Makes room for as much as `expected` in all; row numbers become integers.
    pub(super) fn reserve(&mut self, expected: Expected) {
        self.settle(expected);
        let more = |length: usize| expected.values.saturating_sub(length);
        match self {
            Values::None | Values::Rows(_) | Values::List(_) => {}
            Values::Bool(values) => values.reserve_exact(more(values.len())),
            Values::Int(values) | Values::Instant(_, values) => {
                values.reserve_exact(more(values.len()));
            }
            Values::Big(values) => values.reserve_exact(more(values.len())),
            Values::Float(floats) => floats.values.reserve_exact(more(floats.values.len())),
            Values::Text(texts) => {
                texts.offsets.reserve_exact(more(texts.len()));
                texts.bytes.reserve_exact(expected.bytes.saturating_sub(texts.bytes.len()));
            }
        }
    }

    /// Returns every value as the text that stands for it where a column is text.
    ///
    /// - Source: "Widening" in ARCHITECTURE.md: strings as they are, `true`/`false`, digits, floats
    ///   in the shortest form that denotes the same number or, beyond a double, in their own.
    pub fn spelled(&self) -> Texts {
        let mut out = Texts::default();
        match self {
            Values::None | Values::List(_) => {}
            Values::Bool(values) => values.iter().for_each(|&value| {
                bool_text(value, &mut out.bytes);
                out.end();
            }),
            Values::Int(values) => values
                .iter()
                .for_each(|&value| out.push(itoa::Buffer::new().format(value).as_bytes())),
            Values::Rows(numbers) => (0..numbers.len())
                .for_each(|at| out.push(itoa::Buffer::new().format(numbers.get(at)).as_bytes())),
            Values::Big(values) => values
                .iter()
                .for_each(|&value| out.push(itoa::Buffer::new().format(value).as_bytes())),
            Values::Float(floats) => floats.spell(&mut out),
            Values::Instant(form, values) => values.iter().for_each(|&value| {
                form.print_to(value, &mut out.bytes);
                out.end();
            }),
            Values::Text(texts) => out = texts.clone(),
        }
        out
    }

    pub(super) fn truncate(&mut self, count: usize) {
        match self {
            Values::None => {}
            Values::Bool(values) => values.truncate(count),
            Values::Int(values) | Values::Instant(_, values) => values.truncate(count),
            Values::Rows(numbers) => numbers.truncate(count),
            Values::Big(values) => values.truncate(count),
            Values::Float(floats) => {
                floats.values.truncate(count);
                while floats.long.pop_if(|(at, _)| *at as usize >= count).is_some() {}
            }
            Values::Text(texts) => texts.truncate(count),
            Values::List(lists) => {
                lists.ends.truncate(count);
                lists.elements.truncate(lists.ends.last().copied().unwrap_or(0) as usize);
            }
        }
    }

    pub(super) fn split_off(&mut self, count: usize) -> Values {
        match self {
            Values::None => Values::None,
            Values::Bool(values) => Values::Bool(values.split_off(count)),
            Values::Int(values) => Values::Int(values.split_off(count)),
            Values::Rows(numbers) => Values::Rows(numbers.split_off(count)),
            Values::Big(values) => Values::Big(values.split_off(count)),
            Values::Float(floats) => {
                let values = floats.values.split_off(count);
                let kept = floats.long.partition_point(|(at, _)| (*at as usize) < count);
                let long = floats.long.split_off(kept).into_iter();
                let long = long.map(|(at, text)| (at - count as u32, text)).collect();
                Values::Float(Floats { values, long })
            }
            Values::Instant(form, values) => Values::Instant(*form, values.split_off(count)),
            Values::Text(texts) => Values::Text(texts.split_off(count)),
            Values::List(lists) => Values::List(Box::new(lists.split_off(count))),
        }
    }
}

impl Floats {
    pub(super) fn append(&mut self, other: Floats) {
        let base = self.values.len() as u32;
        self.values.extend(other.values);
        self.long.extend(other.long.into_iter().map(|(at, text)| (at + base, text)));
    }

    fn spell(&self, out: &mut Texts) {
        let mut long = self.long.iter().peekable();
        for (index, &value) in self.values.iter().enumerate() {
            match long.next_if(|(at, _)| *at as usize == index) {
                Some((_, text)) => out.bytes.extend_from_slice(text.as_bytes()),
                None => float_text(value, &mut out.bytes),
            }
            out.end();
        }
    }
}
