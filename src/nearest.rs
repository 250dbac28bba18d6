//! The known name that is spelled most like one that is not.

use crate::error::Error;

/// Longer texts are no slips of the pen.
const CHARS_MAX: usize = 128;

/// A name of so many characters may differ in one place, of twice as many in two, and so on.
const CHARS_A_SLIP: usize = 3;

/// Returns in how many places `known` differs from what was found, ignoring case, or nothing where
/// that is too many for a slip.
pub fn slips(found: &str, known: &str) -> Option<usize> {
    let (length, known_length) = (found.chars().count(), known.chars().take(CHARS_MAX + 1).count());
    let most = length.max(CHARS_A_SLIP) / CHARS_A_SLIP;
    if length > CHARS_MAX || length.abs_diff(known_length) > most {
        return None;
    }
    let slips = strsim::osa_distance(&found.to_lowercase(), &known.to_lowercase());
    // nothing in common is no likeness
    (slips <= most && slips < length.min(known_length).max(1)).then_some(slips)
}

/// Returns the one of `known` that `found` was probably meant to be, if it is none of them; of
/// several the first in order.
pub fn nearest<'a>(found: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let others = known.into_iter().filter(|known| *known != found);
    let likely = others.filter_map(|known| Some((slips(found, known)?, known)));
    likely.min().map(|(_, known)| known)
}

impl Error {
    /// Asks whether one of `known` was meant where `found` stood, if one is near; what the hint
    /// said before comes behind.
    #[must_use]
    pub fn with_nearest<'a>(self, found: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        let Some(near) = nearest(found, known) else { return self };
        let asked = format!("did you mean `{near}`?");
        let hint = match self.hint() {
            Some(hint) => format!("{asked} {hint}"),
            None => asked,
        };
        self.with_hint(hint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(found: &str, known: &[&str], expected: Option<&str>) {
        assert_eq!(nearest(found, known.iter().copied()), expected, "{found}");
    }

    #[test]
    fn slips_are_few_for_the_length() {
        let formats = ["parquet", "csv", "tsv", "jsonl", "json", "arrow"];
        check("parqet", &formats, Some("parquet"));
        check("PARQUET", &formats, Some("parquet"));
        check("jsnol", &formats, Some("jsonl"));
        check("cvs", &formats, Some("csv"));
        for far in ["", "x", "xml", "orc", "parquet-but-much-longer"] {
            check(far, &formats, None);
        }
    }

    #[test]
    fn what_has_nothing_in_common_is_not_near() {
        check("a", &["b", "c"], None);
        check("", &["b"], None);
        check("ab", &["b", "ac"], Some("ac"));
        check("é", &["É"], Some("É"));
        check("items", &["items"], None);
    }

    #[test]
    fn of_two_as_near_the_first_in_order_is_taken() {
        check("items", &["itemz", "itema"], Some("itema"));
    }

    #[test]
    fn long_texts_are_not_compared() {
        let long = "x".repeat(1 << 20);
        check(&long, &[&long], None);
        check("xx", &[&long], None);
    }

    #[test]
    fn the_question_comes_before_what_was_known() {
        let error = || Error::usage("no").with_hint("there are `a`");
        assert_eq!(
            error().with_nearest("item", ["items"]).hint(),
            Some("did you mean `items`? there are `a`")
        );
        assert_eq!(error().with_nearest("far", ["items"]).hint(), Some("there are `a`"));
    }
}
