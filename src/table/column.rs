//! A column while it fills: its values, the rows they belong to, and the kinds seen.

use super::form::{self, Form};
use super::kinds::{Kinds, StringForm};
use super::marks::Marks;
use super::presence::Presence;
use super::scalar::{DecimalDigits, Number, bool_text, float_text};
use super::tally::{Kind, KindCounts, KindRuns};
use super::values::{EXCERPT_BLOCK, Excerpt, Floats, Lists, RowNumbers, Texts, Values};

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
    /// Where values are counted by their kinds.
    pub(super) runs: Option<Box<KindRuns>>,
}

/// How much a column is likely to hold, so that its buffers need not grow.
#[derive(Debug, Clone, Copy, Default)]
pub struct Expected {
    /// Values.
    pub values: usize,
    /// Bytes of text.
    pub bytes: usize,
    /// Bytes that say which rows hold a value.
    pub presence: usize,
}

impl Expected {
    /// Returns a little more: of columns that are as large on average, half are larger.
    pub fn with_margin(self) -> Self {
        let more = |size: usize, least: usize| if size == 0 { 0 } else { size + size / 8 + least };
        Expected {
            values: more(self.values, 4),
            // strings are written in blocks, of which the last may be longer than its string
            bytes: more(self.bytes, 2 * EXCERPT_BLOCK),
            presence: more(self.presence, 16),
        }
    }
}

impl Column {
    /// Builds a column of one integer per row, for link columns.
    pub fn of_ints(values: Vec<i64>) -> Self {
        let mut column = Column { presence: Presence::all(values.len()), ..Column::default() };
        column.kinds.add(Kinds::INT);
        column.values = Values::Int(values);
        column
    }

    /// Builds a column of one row number per row, for link columns.
    pub fn of_rows(numbers: RowNumbers) -> Self {
        let mut column = Column { presence: Presence::all(numbers.len()), ..Column::default() };
        column.kinds.add(Kinds::INT);
        column.values = Values::Rows(numbers);
        column
    }

    /// Builds a column of one string per row, for link columns.
    pub fn of_texts(values: Texts) -> Self {
        let mut column = Column { presence: Presence::all(values.len()), ..Column::default() };
        column.kinds.add_plain_string();
        column.values = Values::Text(values);
        column
    }

    /// Builds an empty column that is likely to hold as much as `expected`.
    pub fn expecting(expected: Expected) -> Self {
        let presence = Presence::expecting(expected.presence);
        Column { expected, presence, ..Column::default() }
    }

    /// Counts values by their kinds from now on.
    pub fn count_kinds(&mut self) {
        self.runs = Some(Box::default());
    }

    /// Returns whether values are counted by their kinds.
    #[inline]
    pub(super) fn is_counted(&self) -> bool {
        self.runs.is_some()
    }

    /// Returns how many values there are of each kind, of lists how many elements: exact where
    /// they were counted from the first one on.
    pub fn kind_counts(&self) -> KindCounts {
        if let Values::List(lists) = &self.values {
            return lists.elements.kind_counts();
        }
        let count = self.presence.count();
        match &self.runs {
            Some(runs) => runs.counts(self.own_kind(), count),
            None => KindRuns::default().counts(self.own_kind(), count),
        }
    }

    /// Returns the kind of values of which nothing was noted.
    fn own_kind(&self) -> Kind {
        match self.values {
            Values::Bool(_) => Kind::Bool,
            Values::Int(_) | Values::Rows(_) | Values::Big(_) => Kind::Integer,
            Values::Float(_) => Kind::Number,
            Values::None | Values::Instant(..) | Values::Text(_) | Values::List(_) => Kind::String,
        }
    }

    /// Notes that the values so far are of the kind that they are kept as, before they are kept as
    /// another.
    #[inline]
    fn note_kept(&mut self) {
        let (own, count) = (self.own_kind(), self.values.len());
        if let Some(runs) = &mut self.runs {
            runs.fill(own, count);
        }
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
        Expected { values: self.presence.count(), bytes, presence: self.presence.bytes() }
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
                let texts = self.texts_with(Kind::Bool);
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
        let kind = if kind == Kinds::HUGE_INT { Kind::Integer } else { Kind::Number };
        self.texts_with(kind).push(text.as_bytes());
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
                if let Some(runs) = &mut self.runs {
                    runs.note(floats.values.len(), Kind::Integer);
                }
                floats.values.push(value as f64);
            }
            _ => {
                let texts = self.texts_with(Kind::Integer);
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
                let texts = self.texts_with(Kind::Integer);
                texts.push(itoa::Buffer::new().format(value).as_bytes());
            }
        }
    }

    #[inline(never)]
    pub(super) fn store_float(&mut self, value: f64, long: Option<&str>) {
        if matches!(self.values, Values::Int(_)) && !self.kinds.has(Kinds::WIDE_INT) {
            self.note_kept();
        }
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
                let texts = self.texts_with(Kind::Number);
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
        self.texts_with(Kind::Number).push(text.as_bytes());
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
            self.start_lists();
        }
        self.lists()
    }

    fn start_lists(&mut self) {
        let mut lists = Box::<Lists>::default();
        if self.is_counted() {
            lists.elements.count_kinds();
        }
        self.values = Values::List(lists);
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
            self.start_lists();
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
            self.note_kept();
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

    /// The same, for one more value of a kind.
    pub(super) fn texts_with(&mut self, kind: Kind) -> &mut Texts {
        let count = self.texts_mut().len();
        if let Some(runs) = &mut self.runs {
            runs.note(count, kind);
        }
        self.texts_mut()
    }

    /// Joins columns of runs of rows into one; nothing where there are none.
    ///
    /// - Shape: the first row of each run, rising, and the values there.
    pub fn join(parts: Vec<(usize, Box<Column>)>) -> Option<Column> {
        let sizes = parts.iter().map(|(_, column)| column.size());
        let expected = sizes.fold(Expected::default(), |sum, size| Expected {
            values: sum.values + size.values,
            bytes: sum.bytes + size.bytes,
            presence: sum.presence + size.presence,
        });
        let mut parts = parts.into_iter();
        let mut whole = match parts.next()? {
            (0, mut first) => {
                first.values.reserve(expected);
                *first
            }
            (row, first) => {
                let mut whole = Column::default();
                whole.append(row, *first);
                whole.values.reserve(expected);
                whole
            }
        };
        parts.for_each(|(row, column)| whole.append(row, *column));
        // an empty part has given way to the one behind it
        whole.values.settle(Expected::default());
        Some(whole)
    }

    /// Appends `other`, whose rows follow the `rows` of this column.
    pub fn append(&mut self, rows: usize, other: Column) {
        if self.presence.count() == 0 && rows == 0 {
            *self = other;
            return;
        }
        let is_counted = self.is_counted() || other.is_counted();
        let (mine, count) = (self.own_kind(), self.values.len());
        let (others, more) = (other.own_kind(), other.values.len());
        // what is moved now is counted below
        let runs = self.runs.take();
        self.presence.append(rows, &other.presence);
        self.kinds.join(&other.kinds);
        self.append_values(other.values);
        if is_counted {
            let own = self.own_kind();
            let mut runs = runs.unwrap_or_default();
            runs.keep_as(own, mine, count);
            let mut behind = other.runs.unwrap_or_default();
            behind.keep_as(own, others, more);
            runs.append(count, &behind);
            self.runs = Some(runs);
        }
    }

    fn append_values(&mut self, other: Values) {
        self.values.settle(Expected::default());
        match other {
            Values::None => {}
            Values::Bool(values) => match &mut self.values {
                Values::Bool(mine) => mine.extend(values),
                Values::None => self.values = Values::Bool(values),
                _ => self.texts_mut().append(&Values::Bool(values).spelled()),
            },
            Values::Int(values) => match &mut self.values {
                Values::Int(mine) => mine.extend(values),
                Values::None => self.values = Values::Int(values),
                _ => values.into_iter().for_each(|value| self.store_int(value)),
            },
            Values::Rows(numbers) => match &mut self.values {
                Values::Int(mine) => numbers.append_to(mine),
                Values::None => self.values = Values::Rows(numbers),
                _ => (0..numbers.len()).for_each(|at| self.store_int(numbers.get(at))),
            },
            Values::Big(values) => values.into_iter().for_each(|value| self.store_big(value)),
            Values::Float(floats) => match &mut self.values {
                Values::Float(mine) => mine.append(floats),
                Values::None => self.values = Values::Float(floats),
                _ => {
                    let mut long = floats.long.into_iter().peekable();
                    for (index, value) in floats.values.into_iter().enumerate() {
                        let text = long.next_if(|(at, _)| *at as usize == index);
                        self.store_float(value, text.as_ref().map(|(_, text)| &**text));
                    }
                }
            },
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
        let count = self.presence.count();
        let values = self.values.split_off(count);
        let runs = self.runs.as_mut().map(|runs| Box::new(runs.split_off(count)));
        Column { presence, values, kinds: self.kinds, expected: Expected::default(), runs }
    }

    /// Copies the first `count` values, or elements of lists, without their rows.
    pub fn first_values(&self, count: usize) -> Values {
        match &self.values {
            Values::None => Values::None,
            Values::Bool(values) => Values::Bool(values.iter().take(count).copied().collect()),
            Values::Int(values) => Values::Int(values.iter().take(count).copied().collect()),
            Values::Rows(numbers) => Values::Int(numbers.first(count)),
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
        let count = self.presence.count();
        self.values.truncate(count);
        if let Some(runs) = &mut self.runs {
            runs.truncate(count);
        }
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
        let runs = self.runs.clone();
        Some(Column { presence, values: Values::Text(plain), kinds, expected: self.expected, runs })
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

    #[test]
    fn columns_that_are_as_expected_need_not_grow() {
        let source = "a line in which short excerpts lie, and a longer one of more than a block";
        let fill = |column: &mut Column, more: usize| {
            for row in (0..1000 + more).step_by(7) {
                column.push_string(row, Excerpt::new(source, row % 9, row % 9 + row % 60));
            }
        };
        let buffers = |column: &Column| match column.values() {
            Values::Text(texts) => (texts.bytes.capacity(), texts.offsets.capacity()),
            _ => unreachable!("only strings were pushed"),
        };
        let mut first = Column::default();
        fill(&mut first, 0);
        let expected = first.size().with_margin();
        assert_eq!(expected.presence, first.presence.bytes() * 9 / 8 + 16);
        for more in [0, 100] {
            let mut next = Column::expecting(expected);
            fill(&mut next, more);
            assert_eq!(buffers(&next), (expected.bytes, expected.values + 1), "{more} rows more");
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
    fn row_numbers_are_integers_however_they_are_kept() {
        let run = RowNumbers::Run { first: 7, count: 3 };
        let beyond = RowNumbers::Beyond { base: 1 << 40, offsets: vec![2, 0, 2] };
        for (numbers, ints) in [(run, [7, 8, 9]), (beyond, [2, 0, 2].map(|more| (1 << 40) + more))]
        {
            let expected: Vec<_> = ints.iter().map(ToString::to_string).collect();
            let column = || Column::of_rows(numbers.clone());
            assert_eq!(spelled(&column()), expected);
            for cut in 0..=3 {
                let mut head = column();
                let tail = head.split_off(cut);
                assert_eq!([spelled(&head), spelled(&tail)].concat(), expected, "{cut}");
                let parts = [(0, head.clone()), (cut, tail.clone())];
                let parts = parts.map(|(row, part)| (row, Box::new(part)));
                let joined = Column::join(parts.into()).unwrap();
                assert!(matches!(joined.values(), Values::Int(values) if *values == ints));
                assert_eq!(joined.kinds(), Column::of_ints(ints.to_vec()).kinds());
                head.append(cut, tail);
                assert_eq!(spelled(&head), expected, "appended at {cut}");
                head.truncate(cut);
                assert_eq!(spelled(&head), expected[..cut], "truncated to {cut}");
                let Values::Int(first) = column().first_values(cut) else { panic!("integers") };
                assert_eq!(first, ints[..cut]);
            }
            let mut whole = Column::of_ints(vec![5]);
            whole.append(1, column());
            assert_eq!(spelled(&whole), [vec!["5".to_owned()], expected].concat());
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
