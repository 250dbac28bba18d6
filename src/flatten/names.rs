//! Path → table and column names, and what happens when two want the same.

use std::collections::HashMap;
use std::str::FromStr;

use heck::ToSnakeCase;
use xxhash_rust::xxh3::xxh3_64;

use super::path::Step;
use crate::error::Error;
use crate::limits::NAME_BYTES_MAX;

/// How keys are spelled in names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NameStyle {
    /// As they stand in the input.
    #[default]
    Verbatim,
    /// In lower case with underscores.
    Snake,
}

impl FromStr for NameStyle {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "verbatim" => Ok(NameStyle::Verbatim),
            "snake" => Ok(NameStyle::Snake),
            _ => Err(Error::usage(format!("names `{text}`: expected `verbatim` or `snake`"))
                .with_nearest(text, ["verbatim", "snake"])),
        }
    }
}

/// Name of a scalar that is an element itself, in the table of its array.
const ELEMENT_NAME: &str = "value";

/// Name where all keys are empty.
const EMPTY_NAME: &str = "_";

/// Joins the keys of `steps`, which lead from a row to a value or an array in it.
///
/// The value of an element itself is called `value`; a path of empty keys `_`.
pub fn join_keys(steps: &[Step], separator: &str, style: NameStyle) -> String {
    let key = |step: &Step| match step {
        Step::Element => ELEMENT_NAME.to_owned(),
        Step::Key(key) => match style {
            NameStyle::Verbatim => key.to_string(),
            NameStyle::Snake => key.to_snake_case(),
        },
    };
    let name = match steps {
        [] => ELEMENT_NAME.to_owned(),
        steps => steps.iter().map(key).collect::<Vec<_>>().join(separator),
    };
    if name.is_empty() { EMPTY_NAME.to_owned() } else { shorten(name) }
}

/// Cuts a name that is too long and ends it in a hash of the whole.
fn shorten(name: String) -> String {
    if name.len() <= NAME_BYTES_MAX {
        return name;
    }
    let suffix = format!("~{:016x}", xxh3_64(name.as_bytes()));
    let mut end = NAME_BYTES_MAX - suffix.len();
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{suffix}", &name[..end])
}

/// Names given out so far, compared ignoring case.
#[derive(Debug, Default)]
pub struct NameSet {
    /// Folded names, with the number to try next behind each.
    taken: HashMap<String, u64>,
}

impl NameSet {
    /// Keeps `name` from being given out.
    pub fn reserve(&mut self, name: &str) {
        self.taken.entry(fold(name)).or_insert(2);
    }

    /// Gives out `wanted`, or the first of `wanted_2`, `wanted_3`, … that is free.
    pub fn claim(&mut self, wanted: &str) -> String {
        let folded = fold(wanted);
        let Some(&first) = self.taken.get(&folded) else {
            self.taken.insert(folded, 2);
            return wanted.to_owned();
        };
        let mut number = first;
        loop {
            let name = format!("{wanted}_{number}");
            number += 1;
            if !self.taken.contains_key(&fold(&name)) {
                self.taken.insert(fold(&name), 2);
                self.taken.insert(folded, number);
                return name;
            }
        }
    }
}

/// Maps names that differ in case alone to one text, letter by letter.
///
/// - Source: simple case folding of Unicode, as engines do that ignore case: `ς` and `σ`, `ſ` and
///   `s` are one letter, while `ß` and `ss` are not.
pub fn fold(name: &str) -> String {
    if name.is_ascii() {
        return name.to_ascii_lowercase();
    }
    /// The one letter that a mapping gives, or else the letter itself.
    fn single(c: char, mut mapped: impl ExactSizeIterator<Item = char>) -> char {
        if mapped.len() == 1 { mapped.next().unwrap_or(c) } else { c }
    }
    let upper = |c: char| single(c, c.to_uppercase());
    let lower = |c: char| single(c, c.to_lowercase());
    name.chars().flat_map(char::to_lowercase).map(upper).map(lower).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim_all(wanted: &[&str], expected: &[&str]) {
        let mut names = NameSet::default();
        names.reserve("_tm_id");
        let given: Vec<_> = wanted.iter().map(|name| names.claim(name)).collect();
        assert_eq!(given, expected);
    }

    #[test]
    fn later_names_give_way() {
        claim_all(&["a", "a", "A", "b"], &["a", "a_2", "A_3", "b"]);
        claim_all(&["a_2", "a", "a"], &["a_2", "a", "a_3"]);
        claim_all(&["_tm_id", "_TM_ID"], &["_tm_id_2", "_TM_ID_3"]);
        claim_all(&["Straße", "STRASSE"], &["Straße", "STRASSE"]);
        claim_all(&["Straße", "STRAẞE", "ſtraße"], &["Straße", "STRAẞE_2", "ſtraße_3"]);
        claim_all(&["ΟΔΟΣ", "οδος", "οδοσ"], &["ΟΔΟΣ", "οδος_2", "οδοσ_3"]);
        claim_all(&["k", "\u{212a}", "İ", "i\u{307}"], &["k", "\u{212a}_2", "İ", "i\u{307}_2"]);
        claim_all(&["é", "e\u{301}"], &["é", "e\u{301}"]);
    }

    #[test]
    fn names_join_keys() {
        let key = |text: &str| Step::Key(text.into());
        for (steps, style, expected) in [
            (vec![key("a"), key("b")], NameStyle::Verbatim, "a_b"),
            (vec![], NameStyle::Verbatim, "value"),
            (vec![Step::Element], NameStyle::Verbatim, "value"),
            (vec![key("")], NameStyle::Verbatim, "_"),
            (vec![key("userID"), key("Home Town")], NameStyle::Snake, "user_id_home_town"),
        ] {
            assert_eq!(join_keys(&steps, "_", style), expected);
        }
    }

    #[test]
    fn long_names_are_cut_and_stay_distinct() {
        let name = |last: char| {
            let key = format!("{}{last}", "é".repeat(1000));
            join_keys(&[Step::Key(key.into())], "_", NameStyle::Verbatim)
        };
        assert!(name('a').len() <= NAME_BYTES_MAX);
        assert_ne!(name('a'), name('b'));
    }
}
