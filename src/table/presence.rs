//! Which rows of a column hold a value.

/// The rows that hold a value, in the cheapest of three forms.
///
/// - Shape: strictly rising row numbers, from 0.
/// - Buffers: nothing at all while every row so far has a value; then a bitmap, or row numbers
///   where fewer than one row in 32 has a value. Never more than 4 bytes a value.
#[derive(Debug, Clone)]
pub struct Presence {
    count: usize,
    form: PresenceForm,
    /// Bytes of the buffer that it is likely to need.
    room: u32,
}

#[derive(Debug, Clone)]
enum PresenceForm {
    /// Rows `0..count`.
    Prefix,
    /// A bit per row, trailing zeros left out.
    Bits(Vec<u64>),
    /// The row numbers.
    Rows(Vec<u32>),
}

impl Default for Presence {
    fn default() -> Self {
        Presence::all(0)
    }
}

impl Presence {
    /// Marks rows `0..count`.
    pub fn all(count: usize) -> Self {
        Presence { count, form: PresenceForm::Prefix, room: 0 }
    }

    /// Marks no row yet, and is likely to need a buffer of so many bytes.
    pub fn expecting(bytes: usize) -> Self {
        Presence { room: u32::try_from(bytes).unwrap_or_default(), ..Presence::default() }
    }

    /// Returns how many bytes its buffer takes.
    pub fn bytes(&self) -> usize {
        match &self.form {
            PresenceForm::Prefix => 0,
            PresenceForm::Bits(words) => size_of_val(words.as_slice()),
            PresenceForm::Rows(rows) => size_of_val(rows.as_slice()),
        }
    }

    /// Returns how many rows hold a value.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Forgets the marks of all rows from `row` on.
    pub fn truncate(&mut self, row: usize) {
        match &mut self.form {
            PresenceForm::Prefix => self.count = self.count.min(row),
            PresenceForm::Rows(rows) => {
                while rows.pop_if(|last| *last as usize >= row).is_some() {
                    self.count -= 1;
                }
            }
            PresenceForm::Bits(words) => {
                let (word, bit) = (row / 64, row % 64);
                let Some(cut) = words.get_mut(word) else { return };
                let gone = *cut >> bit << bit;
                *cut ^= gone;
                self.count -= gone.count_ones() as usize;
                let gone = words.drain(word + 1..).map(|word| word.count_ones() as usize);
                self.count -= gone.sum::<usize>();
                while words.pop_if(|word| *word == 0).is_some() {}
            }
        }
    }

    /// Calls `each` with every one of `rows` rows that holds no value, in order.
    pub fn for_each_missing(&self, rows: usize, mut each: impl FnMut(usize)) {
        if self.count >= rows {
            return;
        }
        let mut next = 0;
        self.for_each(|row| {
            (next..row).for_each(&mut each);
            next = row + 1;
        });
        (next..rows).for_each(each);
    }

    /// Marks `row`, which must lie after every row marked so far.
    #[inline(always)]
    pub fn push(&mut self, row: usize) {
        match &mut self.form {
            PresenceForm::Prefix if row == self.count => self.count += 1,
            PresenceForm::Bits(words) if row / 64 < words.len() => {
                words[row / 64] |= 1 << (row % 64);
                self.count += 1;
            }
            _ => self.push_far(row),
        }
    }

    #[inline(never)]
    fn push_far(&mut self, row: usize) {
        match &mut self.form {
            PresenceForm::Prefix => self.leave_prefix(row),
            PresenceForm::Bits(words) => set_bit(words, row),
            PresenceForm::Rows(rows) => {
                rows.push(row as u32);
                self.leave_rows();
            }
        }
        self.count += 1;
    }

    #[cold]
    fn leave_prefix(&mut self, row: usize) {
        let room = self.room as usize;
        if row < (self.count + 1) * 32 {
            let mut words = Vec::with_capacity(room / size_of::<u64>());
            push_ones(&mut words, self.count);
            set_bit(&mut words, row);
            self.form = PresenceForm::Bits(words);
        } else {
            let mut rows = Vec::with_capacity(room / size_of::<u32>());
            rows.extend(0..self.count as u32);
            rows.push(row as u32);
            self.form = PresenceForm::Rows(rows);
        }
    }

    /// Makes row numbers a bitmap where that takes less.
    fn leave_rows(&mut self) {
        if let PresenceForm::Rows(rows) = &self.form
            && let Some(&last) = rows.last()
            && (last as usize) < rows.len() * 32
        {
            let mut words = vec![0; last as usize / 64 + 1];
            rows.iter().for_each(|&row| set_bit(&mut words, row as usize));
            self.form = PresenceForm::Bits(words);
        }
    }

    /// Calls `each` with every marked row, in order.
    pub fn for_each(&self, mut each: impl FnMut(usize)) {
        match &self.form {
            PresenceForm::Prefix => (0..self.count).for_each(each),
            PresenceForm::Rows(rows) => rows.iter().for_each(|&row| each(row as usize)),
            PresenceForm::Bits(words) => each_bit(words, each),
        }
    }

    /// Returns whether rows `0..rows` all hold a value.
    pub fn is_full(&self, rows: usize) -> bool {
        self.count == rows
    }

    /// Marks the rows of `other` after the `rows` that this one spans.
    pub fn append(&mut self, rows: usize, other: &Presence) {
        match (&mut self.form, &other.form) {
            (PresenceForm::Prefix, PresenceForm::Prefix) if self.count == rows => {}
            (PresenceForm::Rows(mine), PresenceForm::Rows(others)) => {
                mine.extend(others.iter().map(|row| rows as u32 + row));
                self.count += other.count;
                return self.leave_rows();
            }
            (PresenceForm::Rows(_), _) | (_, PresenceForm::Rows(_)) => {
                return other.for_each(|row| self.push(rows + row));
            }
            (form, PresenceForm::Prefix) => {
                append_words(form.words(self.count), rows, &ones(other.count));
            }
            (form, PresenceForm::Bits(words)) => {
                append_words(form.words(self.count), rows, words);
            }
        }
        self.count += other.count;
    }

    /// Cuts after `row` rows: keeps those before it, returns the rest counted from `row`.
    ///
    /// - Time: that of the rest, so that many pieces are cut from the back.
    pub fn split_off(&mut self, row: usize) -> Presence {
        let mut tail = Presence::default();
        match &self.form {
            PresenceForm::Prefix => tail.count = self.count.saturating_sub(row),
            PresenceForm::Rows(rows) => {
                let from = rows.partition_point(|&r| (r as usize) < row);
                rows[from..].iter().for_each(|&r| tail.push(r as usize - row));
            }
            PresenceForm::Bits(words) => {
                let from = row / 64;
                each_bit(words.get(from..).unwrap_or_default(), |bit| {
                    if from * 64 + bit >= row {
                        tail.push(from * 64 + bit - row);
                    }
                });
            }
        }
        self.truncate(row);
        tail
    }

    /// Returns a bit per row for `rows` rows, or nothing where all are set.
    pub fn to_bits(&self, rows: usize) -> Option<Vec<u64>> {
        if self.is_full(rows) {
            return None;
        }
        let mut words = match &self.form {
            PresenceForm::Bits(words) => words.clone(),
            _ => {
                let mut words = vec![0; rows.div_ceil(64)];
                self.for_each(|row| set_bit(&mut words, row));
                words
            }
        };
        words.resize(rows.div_ceil(64), 0);
        Some(words)
    }
}

impl PresenceForm {
    /// Makes it a bitmap; as a prefix it had `count` rows.
    fn words(&mut self, count: usize) -> &mut Vec<u64> {
        if let PresenceForm::Prefix = self {
            *self = PresenceForm::Bits(ones(count));
        }
        match self {
            PresenceForm::Bits(words) => words,
            _ => unreachable!("row numbers are appended one by one"),
        }
    }
}

/// Calls `each` with every bit that is set, in order.
fn each_bit(words: &[u64], mut each: impl FnMut(usize)) {
    for (index, &word) in words.iter().enumerate() {
        let mut rest = word;
        while rest != 0 {
            each(index * 64 + rest.trailing_zeros() as usize);
            rest &= rest - 1;
        }
    }
}

/// Returns a bitmap whose first `count` bits are set.
fn ones(count: usize) -> Vec<u64> {
    let mut words = Vec::with_capacity(count.div_ceil(64));
    push_ones(&mut words, count);
    words
}

/// Sets the first `count` bits of an empty bitmap.
fn push_ones(words: &mut Vec<u64>, count: usize) {
    words.resize(count / 64, u64::MAX);
    if !count.is_multiple_of(64) {
        words.push((1 << (count % 64)) - 1);
    }
}

/// Sets the bits of `other` in `words`, each `at` further on.
fn append_words(words: &mut Vec<u64>, at: usize, other: &[u64]) {
    let (first, shift) = (at / 64, at % 64);
    words.resize(words.len().max(first + other.len() + 1), 0);
    for (place, &word) in other.iter().enumerate() {
        words[first + place] |= word << shift;
        if shift > 0 {
            words[first + place + 1] |= word >> (64 - shift);
        }
    }
    let used = words.iter().rposition(|word| *word != 0).map_or(0, |last| last + 1);
    words.truncate(used);
}

#[inline]
fn set_bit(words: &mut Vec<u64>, row: usize) {
    let index = row / 64;
    if index >= words.len() {
        words.resize(index + 1, 0);
    }
    words[index] |= 1 << (row % 64);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows_of(presence: &Presence) -> Vec<usize> {
        let mut rows = Vec::new();
        presence.for_each(|row| rows.push(row));
        rows
    }

    fn check(rows: &[usize]) {
        let mut presence = Presence::default();
        rows.iter().for_each(|&row| presence.push(row));
        assert_eq!(rows_of(&presence), rows, "push");
        assert_eq!(presence.count(), rows.len());
        let span = rows.last().map_or(0, |row| row + 3);
        for cut in [0, 1, span / 2, span] {
            let mut head = presence.clone();
            let tail = head.split_off(cut);
            let mut joined = head.clone();
            joined.append(cut, &tail);
            assert_eq!(rows_of(&joined), rows, "split at {cut} and append");
        }
        let bits = presence.to_bits(span);
        let set = (0..span)
            .filter(|&row| bits.as_ref().is_none_or(|b| b[row / 64] >> (row % 64) & 1 == 1));
        assert_eq!(set.collect::<Vec<_>>(), rows, "bits");
    }

    #[test]
    fn every_form_keeps_the_same_rows() {
        check(&[]);
        check(&[0, 1, 2]);
        check(&[5]);
        check(&[0, 1, 2, 9, 64, 65]);
        check(&[1000, 2000, 2001]);
        check(&(0..200).map(|n| n * n).collect::<Vec<_>>());
        check(&(0..300).collect::<Vec<_>>());
        check(&(0..130).chain(5000..5300).collect::<Vec<_>>());
    }
}
