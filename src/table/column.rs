//! A column while it fills: its values, the rows they belong to, and the kinds seen.

use super::form::{self, Form};
use super::kinds::{Kinds, StringForm};
use super::marks::Marks;
use super::presence::Presence;
use super::scalar::{DecimalDigits, Number, bool_text, float_text};

/// The largest integer up to which every integer is exact in a double.
pub(super) const EXACT_INT_MAX: u64 = 1 << 53;

/// Values of one part of one path, in row order, with the rows they belong to.
///
/// The values are kept in the narrowest of a few representations that holds all of them exactly.
/// A value of another kind turns the whole column into text, where every value has one spelling.
#[derive(Debug, Clone, Default)]
pub struct Column {
    pub(super) presence: Presence,
    pub(super) values: Values,
    pub(super) kinds: Kinds,
    expected: Expected,
}

/// How much a column is likely to hold, so that its buffers need not grow.
#[derive(Debug, Clone, Copy, Default)]
pub struct Expected {
    /// Values.
    pub values: usize,
    /// Bytes of text.
    pub bytes: usize,
}

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
        // Copies of a fixed size need no call.
        const BLOCK: usize = 32;
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

    fn with_capacity(expected: Expected) -> Self {
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

    fn append(&mut self, other: &Texts) {
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

impl Column {
    /// Builds a column of one integer per row, for link columns.
    pub fn of_ints(values: Vec<i64>) -> Self {
        let mut column = Column::default();
        (0..values.len()).for_each(|row| column.presence.push(row));
        column.kinds.add(Kinds::INT);
        column.values = Values::Int(values);
        column
    }

    /// Builds a column of one string per row, for link columns.
    pub fn of_texts(values: Texts) -> Self {
        let mut column = Column::default();
        (0..values.len()).for_each(|row| column.presence.push(row));
        column.kinds.add_plain_string();
        column.values = Values::Text(values);
        column
    }

    /// Builds an empty column that is likely to hold as much as `expected`.
    pub fn expecting(expected: Expected) -> Self {
        Column { expected, ..Column::default() }
    }

    /// Takes strings as text from now on, whether or not they have the form of a date or time.
    #[inline]
    pub fn ignore_forms(&mut self) {
        self.kinds.ignore_forms();
    }

    /// Returns how much a column that is like this one holds.
    pub fn size(&self) -> Expected {
        let bytes = match &self.values {
            Values::Text(texts) => texts.bytes.len(),
            _ => 0,
        };
        Expected { values: self.presence.count(), bytes }
    }

    /// Returns the values.
    pub fn values(&self) -> &Values {
        &self.values
    }

    /// Returns the rows that hold a value.
    pub fn presence(&self) -> &Presence {
        &self.presence
    }

    /// Returns the kinds seen. For lists, those of the column itself, not of the elements.
    pub fn kinds(&self) -> &Kinds {
        &self.kinds
    }

    /// Returns the kinds of the elements of a column of lists.
    pub fn element_kinds(&self) -> Option<&Kinds> {
        match &self.values {
            Values::List(lists) => Some(&lists.elements.kinds),
            _ => None,
        }
    }

    /// Appends a boolean.
    #[inline]
    pub fn push_bool(&mut self, row: usize, value: bool) {
        self.presence.push(row);
        match &mut self.values {
            Values::Bool(values) => values.push(value),
            _ => self.store_bool(value),
        }
    }

    #[inline(never)]
    pub(super) fn store_bool(&mut self, value: bool) {
        self.kinds.add(Kinds::BOOL);
        if let Values::None = self.values {
            self.values = Values::Bool(Vec::with_capacity(self.expected.values));
        }
        match &mut self.values {
            Values::Bool(values) => values.push(value),
            _ => {
                let texts = self.texts_mut();
                bool_text(value, &mut texts.bytes);
                texts.end();
            }
        }
    }

    /// Appends a number; `text` is its source.
    #[inline]
    pub fn push_number(&mut self, row: usize, number: Number<'_>, text: &str) {
        match number {
            Number::Int(value) => self.push_int(row, value),
            Number::Float { value, exact: true } => self.push_float(row, value),
            Number::Float { value, exact: false } => {
                self.presence.push(row);
                self.kinds.add(Kinds::FLOAT | Kinds::LONG_FLOAT);
                self.store_float(value, Some(text));
            }
            Number::Big(value) => {
                self.presence.push(row);
                self.kinds.add(Kinds::BIG_INT);
                self.store_big(value);
            }
            Number::Huge(_) => self.push_far_number(row, Kinds::HUGE_INT, text),
            Number::Far => self.push_far_number(row, Kinds::FAR_FLOAT, text),
        }
    }

    #[cold]
    fn push_far_number(&mut self, row: usize, kind: u16, text: &str) {
        self.presence.push(row);
        self.kinds.add(kind);
        self.texts_mut().push(text.as_bytes());
    }

    /// Appends a double that gives its source back.
    #[inline]
    pub fn push_float(&mut self, row: usize, value: f64) {
        self.presence.push(row);
        match &mut self.values {
            Values::Float(floats) => floats.values.push(value),
            _ => {
                self.kinds.add(Kinds::FLOAT);
                self.store_float(value, None);
            }
        }
    }

    /// Appends an integer.
    #[inline]
    pub fn push_int(&mut self, row: usize, value: i64) {
        self.presence.push(row);
        match &mut self.values {
            Values::Int(values) if value.unsigned_abs() <= EXACT_INT_MAX => values.push(value),
            _ => self.add_int(value),
        }
    }

    /// Adds an integer whose row is noted.
    pub(super) fn add_int(&mut self, value: i64) {
        self.kinds.add(Kinds::INT);
        if value.unsigned_abs() > EXACT_INT_MAX {
            self.kinds.add(Kinds::WIDE_INT);
        }
        self.store_int(value);
    }

    #[inline(never)]
    fn store_int(&mut self, value: i64) {
        match &mut self.values {
            Values::None => {
                let mut values = Vec::with_capacity(self.expected.values);
                values.push(value);
                self.values = Values::Int(values);
            }
            Values::Int(values) => values.push(value),
            Values::Big(values) => values.push(value.into()),
            Values::Float(floats) if value.unsigned_abs() <= EXACT_INT_MAX => {
                floats.values.push(value as f64);
            }
            _ => {
                let texts = self.texts_mut();
                texts.push(itoa::Buffer::new().format(value).as_bytes());
            }
        }
    }

    pub(super) fn store_big(&mut self, value: i128) {
        if let Values::Int(values) = &mut self.values {
            self.values = Values::Big(values.iter().map(|&value| value.into()).collect());
        }
        match &mut self.values {
            Values::None => self.values = Values::Big(vec![value]),
            Values::Big(values) => values.push(value),
            _ => {
                let texts = self.texts_mut();
                texts.push(itoa::Buffer::new().format(value).as_bytes());
            }
        }
    }

    #[inline(never)]
    pub(super) fn store_float(&mut self, value: f64, long: Option<&str>) {
        if let Values::Int(values) = &mut self.values
            && !self.kinds.has(Kinds::WIDE_INT)
        {
            let values = values.iter().map(|&value| value as f64).collect();
            self.values = Values::Float(Floats { values, long: Vec::new() });
        }
        if let Values::None = &self.values {
            let values = Vec::with_capacity(self.expected.values);
            self.values = Values::Float(Floats { values, long: Vec::new() });
        }
        match &mut self.values {
            Values::Float(floats) => {
                if let Some(text) = long {
                    floats.long.push((floats.values.len() as u32, text.into()));
                }
                floats.values.push(value);
            }
            _ => {
                let texts = self.texts_mut();
                match long {
                    Some(text) => texts.bytes.extend_from_slice(text.as_bytes()),
                    None => float_text(value, &mut texts.bytes),
                }
                texts.end();
            }
        }
    }

    /// Appends a number with a fraction or an exponent as its source text.
    pub fn push_number_text(&mut self, row: usize, text: &str) {
        self.presence.push(row);
        self.kinds.add(Kinds::NUMBER_TEXT);
        let (whole, scale) = DecimalDigits::parse(text).precision().unwrap_or((u8::MAX, u8::MAX));
        self.kinds.whole_digits = self.kinds.whole_digits.max(whole);
        self.kinds.scale = self.kinds.scale.max(scale);
        self.texts_mut().push(text.as_bytes());
    }

    /// Appends a string and notes whether it has the form of a date or time.
    #[inline(always)]
    pub fn push_string(&mut self, row: usize, text: Excerpt<'_>) {
        self.presence.push(row);
        match &mut self.values {
            Values::Text(texts) if self.kinds.knows_strings() => texts.push_excerpt(text),
            _ => self.store_string(text),
        }
    }

    #[inline(never)]
    pub(super) fn store_string(&mut self, text: Excerpt<'_>) {
        if let Values::Instant(form, values) = &mut self.values
            && let Some(value) = form.read(text.bytes())
        {
            return values.push(value);
        }
        let found = match self.kinds.form {
            StringForm::Mixed => None,
            _ => form::parse_bytes(text.bytes()),
        };
        self.kinds.add_string(found.map(|(form, _)| form));
        match (&mut self.values, found) {
            (Values::Instant(form, values), Some((found, value))) if *form == found => {
                values.push(value);
            }
            (Values::None, Some((form, value))) => {
                let mut values = Vec::with_capacity(self.expected.values);
                values.push(value);
                self.values = Values::Instant(form, values);
            }
            _ => self.texts_mut().push_excerpt(text),
        }
    }

    /// Appends a date or time of a form.
    #[inline]
    pub fn push_instant(&mut self, row: usize, form: Form, value: i64) {
        self.presence.push(row);
        match &mut self.values {
            Values::Instant(known, values) if *known == form => values.push(value),
            _ => self.store_instant(form, value),
        }
    }

    #[inline(never)]
    fn store_instant(&mut self, form: Form, value: i64) {
        let is_text = self.kinds.form == StringForm::Mixed;
        self.kinds.add_string(if is_text { None } else { Some(form) });
        if let Values::None = self.values
            && !is_text
        {
            let values = Vec::with_capacity(self.expected.values);
            self.values = Values::Instant(form, values);
        }
        match &mut self.values {
            Values::Instant(known, values) if *known == form => values.push(value),
            _ => {
                let texts = self.texts_mut();
                form.print_to(value, &mut texts.bytes);
                texts.end();
            }
        }
    }

    /// Appends a string that is no date or time whatever it looks like.
    #[inline]
    pub fn push_plain(&mut self, row: usize, text: Excerpt<'_>) {
        self.presence.push(row);
        match &mut self.values {
            Values::Text(texts) if self.kinds.knows_strings() => texts.push_excerpt(text),
            _ => {
                self.kinds.add_plain_string();
                self.texts_mut().push_excerpt(text);
            }
        }
    }

    /// Notes that a value of this kind may come, which decides on the type where none does.
    pub fn expect_kind(&mut self, kind: u16) {
        self.kinds.add(kind);
    }

    /// Notes that dates or times of this form may come.
    pub fn expect_form(&mut self, form: Form) {
        if self.kinds.form == StringForm::Unseen {
            self.kinds.add_string(Some(form));
        }
    }

    /// Returns the lists that may come.
    pub fn expect_lists(&mut self) -> &mut Lists {
        if let Values::None = self.values {
            self.values = Values::List(Box::default());
        }
        self.lists()
    }

    /// Appends text that is not looked into.
    #[inline]
    pub fn push_text(&mut self, row: usize, text: &[u8]) {
        self.presence.push(row);
        self.kinds.add_plain_string();
        self.texts_mut().push(text);
    }

    /// Starts a list; its elements go to [`Column::lists`].
    pub fn begin_list(&mut self, row: usize) {
        self.presence.push(row);
        if !matches!(self.values, Values::List(_)) {
            self.values = Values::List(Box::default());
        }
    }

    /// Returns the lists being filled.
    ///
    /// # Panics
    ///
    /// Where no list was begun.
    #[inline]
    pub fn lists(&mut self) -> &mut Lists {
        match &mut self.values {
            Values::List(lists) => lists,
            _ => unreachable!("a list column holds nothing but lists"),
        }
    }

    /// Ends the list that was begun, which has `count` elements.
    pub fn end_list(&mut self, count: u32) {
        self.kinds.add(if count == 0 { Kinds::EMPTY_LIST } else { Kinds::LIST });
        let lists = self.lists();
        let start = lists.ends.last().copied().unwrap_or(0);
        lists.ends.push(start + count);
    }

    /// Makes the values text, if they are not, and returns them.
    #[inline]
    pub(super) fn texts_mut(&mut self) -> &mut Texts {
        if !matches!(self.values, Values::Text(_)) {
            let texts = match self.values {
                Values::None => Texts::with_capacity(self.expected),
                _ => self.values.spelled(),
            };
            self.values = Values::Text(texts);
        }
        match &mut self.values {
            Values::Text(texts) => texts,
            _ => unreachable!("just made text"),
        }
    }

    /// Joins columns of runs of rows into one; nothing where there are none.
    ///
    /// - Shape: the first row of each run, rising, and the values there.
    pub fn join(parts: Vec<(usize, Column)>) -> Option<Column> {
        let sizes = parts.iter().map(|(_, column)| column.size());
        let expected = sizes.fold(Expected::default(), |sum, size| Expected {
            values: sum.values + size.values,
            bytes: sum.bytes + size.bytes,
        });
        let mut parts = parts.into_iter();
        let mut whole = match parts.next()? {
            (0, mut first) => {
                first.values.reserve(expected);
                first
            }
            (row, first) => {
                let mut whole = Column::expecting(expected);
                whole.append(row, first);
                whole
            }
        };
        parts.for_each(|(row, column)| whole.append(row, column));
        Some(whole)
    }

    /// Appends `other`, whose rows follow the `rows` of this column.
    pub fn append(&mut self, rows: usize, other: Column) {
        if self.presence.count() == 0 && rows == 0 {
            *self = other;
            return;
        }
        self.presence.append(rows, &other.presence);
        self.kinds.join(&other.kinds);
        match other.values {
            Values::None => {}
            Values::Bool(values) => match &mut self.values {
                Values::Bool(mine) => mine.extend(values),
                Values::None => self.values = Values::Bool(values),
                _ => self.texts_mut().append(&Values::Bool(values).spelled()),
            },
            Values::Int(values) => match &mut self.values {
                Values::Int(mine) => mine.extend(values),
                _ => values.into_iter().for_each(|value| self.store_int(value)),
            },
            Values::Big(values) => values.into_iter().for_each(|value| self.store_big(value)),
            Values::Float(floats) => {
                let mut long = floats.long.into_iter().peekable();
                for (index, value) in floats.values.into_iter().enumerate() {
                    let text = long.next_if(|(at, _)| *at as usize == index);
                    self.store_float(value, text.as_ref().map(|(_, text)| &**text));
                }
            }
            Values::Instant(form, values) => match &mut self.values {
                Values::Instant(mine, known) if *mine == form => known.extend(values),
                Values::None => self.values = Values::Instant(form, values),
                _ => self.texts_mut().append(&Values::Instant(form, values).spelled()),
            },
            Values::Text(texts) => match &self.values {
                Values::None => self.values = Values::Text(texts),
                _ => self.texts_mut().append(&texts),
            },
            Values::List(lists) => match &mut self.values {
                Values::List(mine) => mine.append(*lists),
                _ => self.values = Values::List(lists),
            },
        }
    }

    /// Cuts after `row` rows: keeps those before it, returns the rest counted from `row`.
    ///
    /// Both halves keep the kinds of the whole.
    pub fn split_off(&mut self, row: usize) -> Column {
        let presence = self.presence.split_off(row);
        let values = self.values.split_off(self.presence.count());
        Column { presence, values, kinds: self.kinds, expected: Expected::default() }
    }

    /// Copies the first `count` values, or elements of lists, without their rows.
    pub fn first_values(&self, count: usize) -> Values {
        match &self.values {
            Values::None => Values::None,
            Values::Bool(values) => Values::Bool(values.iter().take(count).copied().collect()),
            Values::Int(values) => Values::Int(values.iter().take(count).copied().collect()),
            Values::Big(values) => Values::Big(values.iter().take(count).copied().collect()),
            Values::Float(floats) => {
                let long = floats.long.iter().take_while(|(at, _)| (*at as usize) < count).cloned();
                let values = floats.values.iter().take(count).copied().collect();
                Values::Float(Floats { values, long: long.collect() })
            }
            Values::Instant(form, values) => {
                Values::Instant(*form, values.iter().take(count).copied().collect())
            }
            Values::Text(texts) => {
                let mut first = Texts::default();
                (0..texts.len().min(count)).for_each(|index| first.push(texts.get(index)));
                Values::Text(first)
            }
            Values::List(lists) => lists.elements.first_values(count),
        }
    }

    /// Keeps the values of the first `rows` rows, and all kinds.
    pub fn truncate(&mut self, rows: usize) {
        self.presence.truncate(rows);
        self.values.truncate(self.presence.count());
    }

    /// Says which marks numbers have that are kept as their source text.
    pub fn with_marks(mut self, marks: Marks) -> Self {
        self.kinds.marks = marks;
        self
    }

    /// Returns the column with its numbers as they are written without marks, as doubles where
    /// `as_doubles`; nothing where none has any.
    pub fn without_marks(&self, as_doubles: bool) -> Option<Column> {
        let marks = self.kinds.marks;
        let Values::Text(texts) = &self.values else { return None };
        if marks.are_none() {
            return None;
        }
        let mut plain = Texts::with_capacity(self.size());
        for index in 0..texts.len() {
            let text = std::str::from_utf8(texts.get(index)).unwrap_or_default();
            match as_doubles {
                true => plain.push(&marks.spelled(text)),
                false => plain.push(marks.plain(text).as_bytes()),
            }
        }
        let mut kinds = self.kinds;
        kinds.marks = Marks::default();
        let presence = self.presence.clone();
        Some(Column { presence, values: Values::Text(plain), kinds, expected: self.expected })
    }

    /// Returns how many of the values have more digits than a double gives back.
    pub fn long_float_count(&self) -> usize {
        match &self.values {
            Values::Float(floats) => floats.long.len(),
            Values::List(lists) => lists.elements.long_float_count(),
            _ => 0,
        }
    }
}

impl Lists {
    /// Returns where list `index` lies in the elements.
    pub fn range(&self, index: usize) -> std::ops::Range<usize> {
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        start as usize..self.ends[index] as usize
    }

    fn append(&mut self, other: Lists) {
        let base = self.ends.last().copied().unwrap_or(0);
        self.elements.append(base as usize, other.elements);
        self.ends.extend(other.ends.iter().map(|end| end + base));
    }

    fn split_off(&mut self, count: usize) -> Lists {
        let at = if count == 0 { 0 } else { self.ends[count - 1] };
        let ends = self.ends[count..].iter().map(|end| end - at).collect();
        self.ends.truncate(count);
        Lists { ends, elements: self.elements.split_off(at as usize) }
    }
}

impl Values {
    /// Makes room for as much as `expected` in all.
    fn reserve(&mut self, expected: Expected) {
        let more = |length: usize| expected.values.saturating_sub(length);
        match self {
            Values::None | Values::List(_) => {}
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

    fn truncate(&mut self, count: usize) {
        match self {
            Values::None => {}
            Values::Bool(values) => values.truncate(count),
            Values::Int(values) | Values::Instant(_, values) => values.truncate(count),
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

    fn split_off(&mut self, count: usize) -> Values {
        match self {
            Values::None => Values::None,
            Values::Bool(values) => Values::Bool(values.split_off(count)),
            Values::Int(values) => Values::Int(values.split_off(count)),
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

impl StringForm {
    /// Returns the form that all strings share, if there is one.
    pub fn shared(self) -> Option<Form> {
        match self {
            StringForm::One(form) => Some(form),
            StringForm::Unseen | StringForm::Mixed => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Copy)]
    enum Cell {
        None,
        Bool(bool),
        Int(i64),
        Big(i128),
        Float(f64),
        Long(f64, &'static str),
        String(&'static str),
    }
    use Cell::*;

    fn push(column: &mut Column, row: usize, cell: Cell) {
        match cell {
            None => {}
            Bool(value) => column.push_bool(row, value),
            Int(value) => column.push_int(row, value),
            Big(value) => column.push_number(row, Number::Big(value), ""),
            Float(value) => column.push_number(row, Number::Float { value, exact: true }, ""),
            Long(value, text) => {
                column.push_number(row, Number::Float { value, exact: false }, text)
            }
            String(text) => column.push_string(row, Excerpt::whole(text)),
        }
    }

    fn spelled(column: &Column) -> Vec<std::string::String> {
        let texts = column.values().spelled();
        (0..texts.len())
            .map(|i| std::string::String::from_utf8(texts.get(i).into()).unwrap())
            .collect()
    }

    /// Pushing, appending at every cut and splitting at every cut give the same spelled values.
    fn check(cells: &[Cell], expected: &[&str]) {
        let mut whole = Column::default();
        cells.iter().enumerate().for_each(|(row, &cell)| push(&mut whole, row, cell));
        assert_eq!(spelled(&whole), expected);
        for cut in 0..=cells.len() {
            let (mut head, mut tail) = (Column::default(), Column::default());
            cells[..cut].iter().enumerate().for_each(|(row, &cell)| push(&mut head, row, cell));
            cells[cut..].iter().enumerate().for_each(|(row, &cell)| push(&mut tail, row, cell));
            head.append(cut, tail);
            assert_eq!(spelled(&head), expected, "appended at {cut}");
            assert_eq!(head.kinds(), whole.kinds(), "kinds, appended at {cut}");
            let tail = head.split_off(cut);
            let joined = [spelled(&head), spelled(&tail)].concat();
            assert_eq!(joined, expected, "split at {cut}");
        }
    }

    #[test]
    fn values_of_one_kind_keep_it() {
        check(&[Int(1), None, Int(-2)], &["1", "-2"]);
        check(&[Bool(true), Bool(false)], &["true", "false"]);
        check(&[Int(1), Big(1 << 70)], &["1", "1180591620717411303424"]);
    }

    #[test]
    fn values_of_several_kinds_have_one_spelling_each() {
        check(&[Int(1), Bool(true), String("x")], &["1", "true", "x"]);
        check(&[Int(1), Float(0.5), String("n/a")], &["1", "0.5", "n/a"]);
        check(&[Float(1.0), Int(7), String("")], &["1", "7", ""]);
        check(&[Int(i64::MAX), Float(0.5)], &["9223372036854775807", "0.5"]);
        check(&[Float(0.5), Int(i64::MAX)], &["0.5", "9223372036854775807"]);
        check(&[Big(1 << 70), Float(2.0)], &["1180591620717411303424", "2"]);
        let long = Long(0.1, "0.1000000000000000000001");
        check(&[long, Int(1), String("x")], &["0.1000000000000000000001", "1", "x"]);
    }

    #[test]
    fn dates_of_one_form_are_numbers_until_something_else_comes() {
        let dates = [String("2026-11-21"), None, String("1969-12-31")];
        check(&dates, &["2026-11-21", "1969-12-31"]);
        let mut column = Column::default();
        dates.iter().enumerate().for_each(|(row, &cell)| push(&mut column, row, cell));
        assert!(matches!(column.values(), Values::Instant(Form::Date, days) if days[1] == -1));
        for other in [String("n/a"), String("2026-11-21T10:20Z"), Int(7), Bool(true)] {
            let cells = [dates[0], other, dates[2]];
            let mut column = Column::default();
            push(&mut column, 0, other);
            let spelled = spelled(&column).concat();
            check(&cells, &["2026-11-21", &spelled, "1969-12-31"]);
        }
    }

    #[test]
    fn strings_behind_numbers_kept_as_text_are_noticed() {
        for ignores_forms in [false, true] {
            let mut column = Column::default();
            if ignores_forms {
                column.ignore_forms();
            }
            column.push_number_text(0, "0.5");
            push(&mut column, 1, String("007"));
            push(&mut column, 2, String("008"));
            assert!(column.kinds().has(Kinds::STRING), "{ignores_forms}");
            assert_eq!(spelled(&column), ["0.5", "007", "008"]);
        }
    }

    #[test]
    fn excerpts_are_copied_without_what_surrounds_them() {
        let source = "0123456789".repeat(10);
        for (start, end) in [(0, 0), (3, 7), (5, 37), (5, 38), (68, 100), (69, 100), (100, 100)] {
            let mut texts = Texts::default();
            texts.push(b"before");
            texts.push_excerpt(Excerpt::new(&source, start, end));
            texts.push(b"behind");
            assert_eq!(texts.get(1), &source.as_bytes()[start..end]);
            assert_eq!((texts.get(0), texts.get(2)), (&b"before"[..], &b"behind"[..]));
        }
    }

    #[test]
    fn lists_split_and_join() {
        let list = |column: &mut Column, row, values: &[i64]| {
            column.begin_list(row);
            let lists = column.lists();
            let start = lists.ends.last().copied().unwrap_or(0) as usize;
            for (index, &value) in values.iter().enumerate() {
                lists.elements.push_int(start + index, value);
            }
            column.end_list(values.len() as u32);
        };
        let mut column = Column::default();
        list(&mut column, 0, &[1, 2]);
        list(&mut column, 2, &[]);
        list(&mut column, 3, &[3]);
        let mut tail = column.split_off(1);
        assert_eq!(tail.presence().count(), 2);
        list(&mut tail, 3, &[4]);
        column.append(1, tail);
        let Values::List(lists) = column.values() else { panic!("lists") };
        assert_eq!(lists.ends, [2, 2, 3, 4]);
        assert_eq!(spelled(&lists.elements), ["1", "2", "3", "4"]);
    }
}
