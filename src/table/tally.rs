//! How often each kind of value came to a column, for those who want to know.
//!
//! A column that is counted remembers runs of values whose kind does not follow from how it keeps
//! its values: integers among doubles, and all that is no string among text. So a column of one
//! kind remembers nothing, and what goes the fast way is never looked at.

use super::kinds::Kinds;

/// A kind of values, as people count them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `true` and `false`.
    Bool,
    /// Numbers without a fraction or an exponent.
    Integer,
    /// All other numbers.
    Number,
    /// Strings, dates and times among them.
    String,
}

/// How many values there were of each kind, in the order of [`Kind`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KindCounts([u64; 4]);

/// The values of a column that are of another kind than most that are kept as it keeps them.
///
/// - Shape: runs, rising, which neither touch with the same kind nor overlap. A batch has fewer than
///   2^32 values in a column.
#[derive(Debug, Clone, Default)]
pub struct KindRuns(Vec<Run>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Run {
    start: u32,
    end: u32,
    kind: Kind,
}

impl KindCounts {
    /// Counts `count` more of a kind.
    pub fn add(&mut self, kind: Kind, count: u64) {
        self.0[kind as usize] += count;
    }

    /// Adds what was counted elsewhere.
    pub fn join(&mut self, other: &KindCounts) {
        self.0.iter_mut().zip(other.0).for_each(|(count, more)| *count += more);
    }

    /// Returns the kinds as people call them, and how many values there were of each; where there
    /// were none at all, those that were expected.
    pub fn named(&self, kinds: &Kinds) -> Vec<(&'static str, u64)> {
        let is_empty = self.0.iter().all(|count| *count == 0);
        let named = kinds.names().into_iter().map(|(kind, name)| (name, self.0[kind as usize]));
        named.filter(|(_, count)| is_empty || *count > 0).collect()
    }
}

impl KindRuns {
    /// Notes that value `index`, behind all that were noted, is of `kind`.
    pub fn note(&mut self, index: usize, kind: Kind) {
        let start = index as u32;
        self.push(Run { start, end: start + 1, kind });
    }

    /// Notes that all of the first `count` values of which nothing was noted are of kind `own`.
    pub fn fill(&mut self, own: Kind, count: usize) {
        let known = std::mem::take(&mut self.0);
        let mut at = 0;
        for run in known {
            self.push(Run { start: at, end: run.start, kind: own });
            self.push(run);
            at = run.end;
        }
        self.push(Run { start: at, end: count as u32, kind: own });
    }

    /// Fits to `count` values that are kept as those of kind `own` are, and were kept as those of
    /// kind `before`.
    pub fn keep_as(&mut self, own: Kind, before: Kind, count: usize) {
        if own != before {
            self.fill(before, count);
            self.0.retain(|run| run.kind != own);
        }
    }

    /// Takes what was noted of further values, the first of which is value `at`.
    pub fn append(&mut self, at: usize, other: &KindRuns) {
        let at = at as u32;
        for Run { start, end, kind } in &other.0 {
            self.push(Run { start: start + at, end: end + at, kind: *kind });
        }
    }

    /// Keeps what was noted of the first `count` values.
    pub fn truncate(&mut self, count: usize) {
        let count = count as u32;
        while self.0.pop_if(|run| run.start >= count).is_some() {}
        if let Some(last) = self.0.last_mut() {
            last.end = last.end.min(count);
        }
    }

    /// Cuts after `count` values, and returns what was noted of the others.
    pub fn split_off(&mut self, count: usize) -> KindRuns {
        let at = count as u32;
        let mut tail = KindRuns::default();
        let behind = self.0.partition_point(|run| run.end <= at);
        for Run { start, end, kind } in &self.0[behind..] {
            tail.push(Run { start: start.max(&at) - at, end: end - at, kind: *kind });
        }
        self.truncate(count);
        tail
    }

    /// Counts `count` values, of which all are of kind `own` that nothing was noted of.
    pub fn counts(&self, own: Kind, count: usize) -> KindCounts {
        let mut counts = KindCounts::default();
        let mut rest = count as u64;
        for run in &self.0 {
            let length = u64::from(run.end - run.start);
            counts.add(run.kind, length);
            rest -= length;
        }
        counts.add(own, rest);
        counts
    }

    fn push(&mut self, run: Run) {
        match self.0.last_mut() {
            _ if run.start >= run.end => {}
            Some(last) if last.end == run.start && last.kind == run.kind => last.end = run.end,
            _ => self.0.push(run),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_cut_filled_and_joined() {
        let mut runs = KindRuns::default();
        for index in [1, 2, 5] {
            runs.note(index, Kind::Integer);
        }
        let counts = |runs: &KindRuns, count| runs.counts(Kind::Number, count).0;
        assert_eq!(counts(&runs, 8), [0, 3, 5, 0]);
        for cut in 0..=8 {
            let mut head = runs.clone();
            let tail = head.split_off(cut);
            let mut sum = head.counts(Kind::Number, cut);
            sum.join(&tail.counts(Kind::Number, 8 - cut));
            assert_eq!(sum.0, [0, 3, 5, 0], "cut at {cut}");
            head.append(cut, &tail);
            assert_eq!(head.0, runs.0, "cut at {cut}");
            head.truncate(cut);
            let integers = [1, 2, 5].iter().filter(|index| **index < cut).count() as u64;
            assert_eq!(counts(&head, cut), [0, integers, cut as u64 - integers, 0], "cut at {cut}");
        }
        let mut filled = runs.clone();
        filled.fill(Kind::Number, 8);
        assert_eq!(filled.counts(Kind::String, 9).0, [0, 3, 5, 1]);
        filled.keep_as(Kind::Number, Kind::String, 8);
        assert_eq!(filled.0, runs.0);
        runs.keep_as(Kind::Integer, Kind::Number, 8);
        assert_eq!(runs.counts(Kind::Integer, 8).0, [0, 3, 5, 0]);
    }
}
