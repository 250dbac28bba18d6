//! What warnings say, each by itself and many of one kind together.

use std::fmt;

use super::figures::grouped;
use super::text::{counted, shown};
use super::{Warning, WarningKind};

/// Warnings of one kind beyond which they are put together.
const KIND_MAX: usize = 5;

/// As many of them are named then.
const NAMED: usize = 3;

/// Says what there is to say of warnings of one kind.
pub(super) fn group_lines(group: &[&Warning]) -> Vec<String> {
    let Some((first, others)) = group.split_first() else { return Vec::new() };
    if group.len() <= KIND_MAX {
        return group.iter().map(ToString::to_string).collect();
    }
    let named = group.iter().take(NAMED);
    if first.kind.is_of_a_path() {
        let places: Vec<_> = named.map(|warning| warning.place()).collect();
        let places = format!(
            "{} and {} more",
            places.join(", "),
            grouped((others.len() + 1 - NAMED) as u64)
        );
        let count = group.iter().map(|warning| warning.count).sum();
        return vec![Sentence { warning: first, place: &places, count }.to_string()];
    }
    let mut lines: Vec<_> = named.map(ToString::to_string).collect();
    lines.push(format!("… and {} more like these (`--summary json` has all)", group.len() - NAMED));
    lines
}

impl WarningKind {
    /// Returns whether a warning says nothing but how often something happened at its path.
    fn is_of_a_path(self) -> bool {
        use WarningKind::{
            ArraySkipped, BinaryEncoded, ColumnOverflow, DepthOverflow, DigitsDropped,
            DuplicateKey, EmptyArray, EmptyObject, FloatNotFinite, JsonBroken, SchemaDiscarded,
            TableOverflow,
        };
        matches!(
            self,
            ArraySkipped
                | BinaryEncoded
                | ColumnOverflow
                | DepthOverflow
                | DigitsDropped
                | DuplicateKey
                | EmptyArray
                | EmptyObject
                | FloatNotFinite
                | JsonBroken
                | SchemaDiscarded
                | TableOverflow
        )
    }
}

impl Warning {
    /// Returns how a message names its path.
    fn place(&self) -> String {
        match self.path.as_str() {
            "" => "the record".to_owned(),
            path => format!("`{}`", shown(path)),
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.place();
        Sentence { warning: self, place: &place, count: self.count }.fmt(f)
    }
}

/// What a warning says, of its own place or of several.
struct Sentence<'a> {
    warning: &'a Warning,
    place: &'a str,
    count: u64,
}

impl fmt::Display for Sentence<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Sentence { warning, place, count } = *self;
        let detail = shown(&warning.detail);
        match warning.kind {
            WarningKind::ColumnRenamed => write!(f, "{place} became column {detail}"),
            WarningKind::TableRenamed => write!(f, "{place} became table {detail}"),
            WarningKind::DuplicateKey => write!(
                f,
                "{place}: the key stood twice in one object, one value was left out ({}; see \
                 `--duplicate-keys`)",
                counted(count, "time")
            ),
            WarningKind::DigitsDropped => write!(
                f,
                "{place}: {} with more digits than a double gives back (`--numbers text` or \
                 `--numbers decimal` keeps them)",
                counted(count, "number")
            ),
            WarningKind::ColumnOverflow => write!(
                f,
                "{place}: {} went to the rest column, as there is no room for another column (is it a \
                 map? see `--map`, and `--max-columns`)",
                counted(count, "value")
            ),
            WarningKind::TableOverflow => write!(
                f,
                "{place}: {} stayed JSON text, as there is no room for another table (is it \
                 below a map? see `--map`, and `--max-tables`)",
                counted(count, "value")
            ),
            WarningKind::DepthOverflow => {
                let values = counted(count, "value");
                write!(f, "{place}: {values} stayed JSON text, below `--max-depth`")
            }
            WarningKind::ArraySkipped => {
                write!(f, "{place}: {} left out, as asked", counted(count, "array"))
            }
            WarningKind::RowRagged => {
                let rows = counted(count, "row");
                write!(f, "{rows} had too few cells, filled with null, or more than have a column")
            }
            WarningKind::JsonBroken => {
                write!(f, "{place}: {} stayed text, as it is no JSON", counted(count, "cell"))
            }
            WarningKind::BinaryEncoded => {
                let values = counted(count, "binary value");
                write!(f, "{place}: {values} became text in base64")
            }
            WarningKind::FloatNotFinite => {
                let numbers = counted(count, "number");
                write!(f, "{place}: {numbers} that are NaN or infinite made the column text")
            }
            WarningKind::StreamOpen => write!(f, "{detail}"),
            WarningKind::TimesCut => {
                let times = counted(count, "timestamp");
                write!(f, "{detail}: {times} of 96 bits lost what is below a microsecond")
            }
            WarningKind::SchemaDiscarded => {
                let values = counted(count, "value");
                write!(f, "{place}: {values} left out, as the schema has no place there")
            }
            WarningKind::SchemaEvolved => write!(f, "{place}: {detail}"),
            WarningKind::EmptyObject => {
                write!(f, "{place}: {} left no trace", counted(count, "empty object"))
            }
            WarningKind::EmptyArray => {
                write!(f, "{place}: {} left no trace", counted(count, "empty array"))
            }
            WarningKind::DuplicateId => write!(
                f,
                "{} the id of an earlier one; joins by id mix them and their child rows",
                if count == 1 {
                    "1 record has".to_owned()
                } else {
                    format!("{} records have", grouped(count))
                }
            ),
            // paths, longer than what is shown of keys
            WarningKind::InputFailed => {
                write!(f, "{detail} (its records up to there were converted)")
            }
            WarningKind::TimeUp => write!(f, "{detail}"),
            WarningKind::LayoutChanged => {
                write!(f, "{place}: while rows went out, {detail} ({})", counted(count, "time"))
            }
            WarningKind::LeftoversKept
            | WarningKind::LeftoversSettled
            | WarningKind::PatternUnused => {
                f.write_str(&crate::sink::names::printable(&warning.detail))
            }
            WarningKind::TrailingData => write!(f, "{detail}, and was left out"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: WarningKind, count: usize, expected: &[&str]) {
        let warnings: Vec<_> = (0..count)
            .map(|n| Warning { kind, path: format!("/k{n}"), count: 2, detail: format!("`d{n}`") })
            .collect();
        assert_eq!(group_lines(&warnings.iter().collect::<Vec<_>>()), expected);
    }

    #[test]
    fn many_of_one_kind_are_put_together() {
        let names = "`/k0`, `/k1`, `/k2` and 34 more";
        let digits = "74 numbers with more digits than a double gives back (`--numbers text` or \
                      `--numbers decimal` keeps them)";
        check(WarningKind::DigitsDropped, 37, &[&format!("{names}: {digits}")]);
        check(
            WarningKind::EmptyObject,
            1_239,
            &["`/k0`, `/k1`, `/k2` and 1,236 more: 2,478 empty objects left no trace"],
        );
        let more = "… and 3 more like these (`--summary json` has all)";
        let unused = |n: usize| format!("`d{n}`");
        check(WarningKind::PatternUnused, 6, &[&unused(0), &unused(1), &unused(2), more]);
    }

    #[test]
    fn few_of_one_kind_stand_by_themselves() {
        check(WarningKind::EmptyArray, 0, &[]);
        check(WarningKind::EmptyArray, 1, &["`/k0`: 2 empty arrays left no trace"]);
        let lines: Vec<_> =
            (0..KIND_MAX).map(|n| format!("`/k{n}`: 2 empty arrays left no trace")).collect();
        let lines: Vec<_> = lines.iter().map(String::as_str).collect();
        check(WarningKind::EmptyArray, KIND_MAX, &lines);
    }
}
