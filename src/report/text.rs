//! The summary for people: warnings, tables as a tree, time, and what was rejected.
//!
//! It fits a screen: lists are cut where they get long, and say what was left out.

use std::collections::HashMap;
use std::fmt::{self, Write as _};

use unicode_width::UnicodeWidthStr;

use super::figures::{grouped, rate, size, span};
use super::sentence::group_lines;
use super::{Outcome, Summary, TableSummary, Warning, WarningKind};
use crate::error::ErrorKind;
use crate::reject::{CodeCount, Reject, Rejects};

/// Lines of warnings and notes.
const WARNINGS_MAX: usize = 20;

/// Inputs of CSV whose dialect is told.
const DIALECTS_MAX: usize = 5;

/// Rows of the list of tables.
const TABLES_MAX: usize = 30;

/// Names that are wider, with the branches before them, push what follows them to the right.
const NAME_WIDTH_MAX: usize = 48;

/// Characters that are shown of a key or path.
const CHARS_MAX: usize = 120;

/// What of a summary's text may be in a colour of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TextPart {
    /// `warning:`
    Warning,
    /// `note:`
    Note,
    /// What stands above columns.
    Heading,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_text(&|_, text| text.to_owned()))
    }
}

impl Summary {
    /// Returns the summary in lines for people, in which `paint` gives parts a colour.
    ///
    /// `to_string` returns the same without colours.
    ///
    /// ```
    /// use transmog::Summary;
    /// use transmog::report::text::TextPart;
    ///
    /// let bold = |part: TextPart, text: &str| match part {
    ///     TextPart::Warning => format!("\x1b[1m{text}\x1b[0m"),
    ///     _ => text.to_owned(),
    /// };
    /// eprint!("{}", Summary::default().to_text(&bold));
    /// ```
    pub fn to_text(&self, paint: &dyn Fn(TextPart, &str) -> String) -> String {
        let mut text = String::new();
        // writing to a `String` cannot fail
        let _ = self.write_text(&mut text, paint);
        text
    }

    /// Returns what there is to say of a run that only tried the start of its input: warnings and
    /// rejects, without tables, counts and times, which would be those of the start.
    pub fn to_trial_text(&self, paint: &dyn Fn(TextPart, &str) -> String) -> String {
        let mut text = String::new();
        // writing to a `String` cannot fail
        let _ = self.write_warnings(&self.warnings, &mut text, paint);
        let _ = self.write_rejects(&mut text, paint);
        text
    }

    /// Returns what must be said whoever wants quiet: how many records were rejected, in one line,
    /// and which paths that users named matched nothing.
    ///
    /// Where the run failed its error says it.
    pub fn to_quiet_text(&self, paint: &dyn Fn(TextPart, &str) -> String) -> String {
        let mut text = String::new();
        if matches!(self.outcome, Outcome::Failed { .. }) {
            return text;
        }
        let unused = self.warnings.iter().filter(|one| one.kind == WarningKind::PatternUnused);
        let unused: Vec<_> = unused.cloned().collect();
        // writing to a `String` cannot fail
        let _ = self.write_warnings(&unused, &mut text, paint);
        let _ = self.write_reject_count(&mut text, paint);
        text
    }

    fn write_text(&self, out: &mut String, paint: &Paint) -> fmt::Result {
        self.write_warnings(&self.warnings, out, paint)?;
        if matches!(self.outcome, Outcome::Failed { .. }) {
            return self.write_rejects(out, paint);
        }
        for input in self.dialects.iter().take(DIALECTS_MAX) {
            write!(out, "{}: CSV, {}", shown(&input.name), input.dialect)?;
            match input.comments {
                0 => writeln!(out)?,
                count => writeln!(out, ", {} left out", counted(count, "comment"))?,
            }
        }
        if let Some(more) = more(self.dialects.len(), DIALECTS_MAX) {
            writeln!(out, "… and {more} more inputs of CSV")?;
        }
        self.write_tables(out, paint)?;
        write!(out, "{} in {}", counted(self.records, "record"), span(self.elapsed))?;
        match self.bytes_in {
            0 => writeln!(out)?,
            bytes => writeln!(out, ", {} at {}", size(bytes), rate(bytes, self.elapsed))?,
        }
        let left_out = [
            (self.records_left_out, "record", "`--skip`, `--sample`"),
            (self.values_left_out, "value", "`--select`, `--drop`"),
        ];
        for (count, noun, flags) in left_out.into_iter().filter(|(count, ..)| *count > 0) {
            writeln!(out, "  {} left out, as asked ({flags})", counted(count, noun))?;
        }
        self.write_rejects(out, paint)
    }

    /// Writes warnings, then notes; many of one kind as one.
    fn write_warnings(&self, warnings: &[Warning], out: &mut String, paint: &Paint) -> fmt::Result {
        let mut lines = Vec::new();
        for is_note in [false, true] {
            let part = if is_note { TextPart::Note } else { TextPart::Warning };
            let label = paint(part, if is_note { "note:" } else { "warning:" });
            let these: Vec<&Warning> =
                warnings.iter().filter(|warning| warning.kind.is_note() == is_note).collect();
            for group in these.chunk_by(|one, next| one.kind == next.kind) {
                lines.extend(group_lines(group).into_iter().map(|line| format!("{label} {line}")));
            }
        }
        for line in lines.iter().take(WARNINGS_MAX) {
            writeln!(out, "{line}")?;
        }
        if let Some(more) = more(lines.len(), WARNINGS_MAX) {
            let label = paint(TextPart::Warning, "warning:");
            writeln!(out, "{label} {more} more like these (`--summary json` has all)")?;
        }
        Ok(())
    }

    /// Writes the tables as a tree, in columns.
    fn write_tables(&self, out: &mut String, paint: &Paint) -> fmt::Result {
        let tree = tree(&self.tables);
        let cells = |(table, branch): &(&TableSummary, String)| {
            let name = format!("{branch}{}", shown(&table.name));
            [name, grouped(table.rows), table.columns.to_string(), size(table.bytes)]
        };
        let rows: Vec<_> = tree.iter().take(TABLES_MAX).map(cells).collect();
        if rows.is_empty() {
            return Ok(());
        }
        let heads = ["table", "rows", "columns", "size"].map(str::to_owned);
        // tables that were looked at have neither a size nor a place
        let is_written = self.profiles.is_empty();
        let width = |column: usize, most: usize| {
            let widths = rows.iter().chain([&heads]).map(|row| row[column].width());
            widths.filter(|width| *width <= most).max().unwrap_or_default()
        };
        let widths: [usize; 4] = std::array::from_fn(|column| {
            width(column, if column == 0 { NAME_WIDTH_MAX } else { 99 })
        });
        let line = |[name, cells @ ..]: &[String; 4], path: &str| {
            let gap = widths[0].saturating_sub(name.width());
            let mut line = format!("{name}{:gap$}", "");
            let shown = if is_written { 3 } else { 2 };
            for (cell, width) in cells.iter().zip(&widths[1..]).take(shown) {
                // writing to a `String` cannot fail
                let _ = write!(line, "  {cell:>width$}");
            }
            if is_written { format!("{line}  {path}") } else { line }
        };
        writeln!(out, "{}", paint(TextPart::Heading, &line(&heads, "path")))?;
        for (row, (table, _)) in rows.iter().zip(&tree) {
            let path = match &table.path {
                Some(path) => shown(&path.to_string_lossy()),
                None => "<stdout>".to_owned(),
            };
            writeln!(out, "{}", line(row, &path))?;
        }
        match more(tree.len(), TABLES_MAX) {
            Some(more) => writeln!(out, "… and {more} more tables"),
            None => Ok(()),
        }
    }

    /// Says what was rejected: how much of each code, the first of them, and where they are.
    fn write_rejects(&self, out: &mut String, paint: &Paint) -> fmt::Result {
        let by_code = &self.rejects.by_code;
        // The one record that ends a run is named by its error.
        let is_named = matches!(self.outcome, Outcome::Failed { kind: ErrorKind::Record(_), .. });
        if self.rejects.count == 0 || is_named {
            return Ok(());
        }
        self.write_reject_count(out, paint)?;
        let width = by_code.iter().map(|code| grouped(code.count).len()).max().unwrap_or_default();
        for CodeCount { code, count, first } in by_code {
            let Reject { message, path, .. } = first;
            let at = match path.as_str() {
                "" => String::new(),
                path => format!(" at `{}`", shown(path)),
            };
            let (count, message) = (grouped(*count), shown(message));
            let place = first.place_in(&shown(&first.file));
            writeln!(out, "  {count:>width$} {code}, the first at {place}: {message}{at}")?;
        }
        Ok(())
    }

    /// Says how many records were rejected, and where they are.
    fn write_reject_count(&self, out: &mut String, paint: &Paint) -> fmt::Result {
        let Rejects { count, path, .. } = &self.rejects;
        if *count == 0 {
            return Ok(());
        }
        let total = counted(self.records + count, "record");
        let are = match (&self.outcome, path) {
            (Outcome::Failed { .. }, None) => ", nothing was kept of them".to_owned(),
            (_, Some(path)) => format!(", see {}", shown(&path.to_string_lossy())),
            (_, None) => String::new(),
        };
        let label = paint(TextPart::Warning, "warning:");
        let is_done = !matches!(self.outcome, Outcome::Failed { .. });
        match is_done && self.records == 0 && *count > 1 {
            true => writeln!(out, "{label} all {total} rejected{are}"),
            false => writeln!(out, "{label} {} of {total} rejected{are}", grouped(*count)),
        }
    }
}

/// Gives a part of the text its colour.
type Paint<'a> = dyn Fn(TextPart, &str) -> String + 'a;

/// Returns how many a list has beyond those that are shown.
fn more(count: usize, shown: usize) -> Option<usize> {
    count.checked_sub(shown).filter(|more| *more > 0)
}

/// Puts a count before a noun.
pub(super) fn counted(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{} {noun}s", grouped(count)) }
}

/// Control characters must not reach a terminal from a key.
pub(super) fn shown(path: &str) -> String {
    let text = crate::sink::names::printable(path);
    match text.char_indices().nth(CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// Puts each table below its parent, in their order, with the branches that lead to it.
///
/// A table whose parent was not written stands by itself.
fn tree(tables: &[TableSummary]) -> Vec<(&TableSummary, String)> {
    let names: HashMap<&str, usize> =
        tables.iter().enumerate().map(|(at, table)| (table.name.as_str(), at)).collect();
    let mut children: Vec<Vec<usize>> = vec![Vec::new(); tables.len()];
    let mut waiting = Vec::new();
    for (at, table) in tables.iter().enumerate() {
        match table.parent.as_deref().and_then(|parent| names.get(parent)) {
            // a parent comes before its children, so there is no circle
            Some(&parent) if parent < at => children[parent].push(at),
            _ => waiting.push((at, String::new(), String::new())),
        }
    }
    waiting.reverse();
    let mut listed = Vec::with_capacity(tables.len());
    while let Some((at, branch, below)) = waiting.pop() {
        for (place, &child) in children[at].iter().rev().enumerate() {
            let (own, further) = if place == 0 { ("└─ ", "   ") } else { ("├─ ", "│  ") };
            waiting.push((child, format!("{below}{own}"), format!("{below}{further}")));
        }
        listed.push((&tables[at], branch));
    }
    listed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(name: &str, parent: Option<&str>, rows: u64, bytes: u64) -> TableSummary {
        TableSummary {
            name: name.to_owned(),
            parent: parent.map(str::to_owned),
            path: Some(format!("out/{name}.csv").into()),
            rows,
            columns: 7,
            bytes,
        }
    }

    fn check(summary: &Summary, expected: &str) {
        assert_eq!(summary.to_string(), expected);
    }

    #[test]
    fn tables_are_a_tree_in_columns() {
        let tables = vec![
            table("orders", None, 1_234_567, 98_765_432),
            table("orders_items", Some("orders"), 12, 1_500),
            table("orders_notes", Some("orders"), 1, 1),
            table("orders_items_parts", Some("orders_items"), 3, 20),
            table("lost", Some("not_written"), 3, 20),
        ];
        let elapsed = std::time::Duration::from_millis(410);
        let summary =
            Summary { records: 2_000, bytes_in: 98_000_000, elapsed, tables, ..Summary::default() };
        check(
            &summary,
            "\
table                          rows  columns    size  path
orders                    1,234,567        7   99 MB  out/orders.csv
├─ orders_items                  12        7  1.5 kB  out/orders_items.csv
│  └─ orders_items_parts          3        7    20 B  out/orders_items_parts.csv
└─ orders_notes                   1        7     1 B  out/orders_notes.csv
lost                              3        7    20 B  out/lost.csv
2,000 records in 0.41 s, 98 MB at 239 MB/s
",
        );
    }

    #[test]
    fn wide_and_long_names_leave_columns_where_they_are() {
        let long = "x".repeat(200);
        let tables = vec![table("注文", None, 1, 1), table("ab\u{1b}[2J\n", None, 2, 2)];
        let mut summary = Summary { tables, ..Summary::default() };
        summary.tables[0].path = None;
        summary.tables[1].path = Some("o\u{7}".into());
        check(
            &summary,
            "\
table          rows  columns  size  path
注文              1        7   1 B  <stdout>
ab\\u{1b}[2J\\n     2        7   2 B  o\\u{7}
0 records in 0 ms
",
        );
        summary.tables.push(table(&long, None, 3, 3));
        let text = summary.to_string();
        let cut = format!("\n{}…     3        7   3 B  out/xxx", "x".repeat(CHARS_MAX));
        assert!(text.starts_with("table          rows  ") && text.contains(&cut), "{text}");
    }

    #[test]
    fn long_lists_of_tables_are_cut() {
        let tables = (0..500).map(|n| table(&format!("t{n}"), (n > 0).then_some("t0"), 1, 1));
        let summary = Summary { tables: tables.collect(), ..Summary::default() };
        let text = summary.to_string();
        assert!(text.contains("\n├─ t29 ") && !text.contains("t30"), "{text}");
        assert!(text.contains("\n… and 470 more tables\n0 records in 0 ms\n"), "{text}");
        assert_eq!(text.lines().count(), 1 + TABLES_MAX + 2);
    }

    #[test]
    fn a_chain_of_tables_is_as_deep_as_it_is() {
        let name = |n: usize| format!("t{n}");
        let parent = |n: usize| n.checked_sub(1).map(name);
        let tables = (0..2_000).map(|n| table(&name(n), parent(n).as_deref(), 1, 1));
        let summary = Summary { tables: tables.collect(), ..Summary::default() };
        assert!(summary.to_string().contains("\n         └─ t4 "));
    }

    #[test]
    fn notes_follow_warnings_and_both_are_cut() {
        let warning = |kind, n: usize| Warning {
            kind,
            path: format!("/k{n}"),
            count: 2,
            detail: format!("`d{n}`"),
        };
        let mut warnings = vec![warning(WarningKind::LeftoversSettled, 0)];
        warnings.push(warning(WarningKind::PatternUnused, 0));
        warnings.push(warning(WarningKind::EmptyArray, 1));
        let mut summary = Summary { warnings, ..Summary::default() };
        check(
            &summary,
            "warning: `d0`\nnote: `d0`\n\
             note: `/k1`: 2 empty arrays left no trace\n0 records in 0 ms\n",
        );
        let kinds = [
            WarningKind::ColumnRenamed,
            WarningKind::TableRenamed,
            WarningKind::PatternUnused,
            WarningKind::TrailingData,
            WarningKind::InputFailed,
            WarningKind::SchemaEvolved,
        ];
        let all = kinds.into_iter().flat_map(|kind| (0..9).map(move |n| warning(kind, n)));
        summary.warnings = all.collect();
        let text = summary.to_string();
        assert_eq!(text.lines().count(), WARNINGS_MAX + 2, "{text}");
        assert!(text.contains("\nwarning: 4 more like these (`--summary json` has all)\n"));
    }

    #[test]
    fn parts_are_painted_and_nothing_else_changes() {
        let kinds = [WarningKind::ColumnRenamed, WarningKind::EmptyArray];
        let warnings = kinds.map(|kind| Warning {
            kind,
            path: "/a".to_owned(),
            count: 1,
            detail: "`b`".to_owned(),
        });
        let tables = vec![table("t", None, 1, 1)];
        let summary = Summary { warnings: warnings.into(), tables, ..Summary::default() };
        let painted = summary.to_text(&|part, text| format!("<{part:?}>{text}</>"));
        assert!(painted.starts_with("<Warning>warning:</> `/a` became"), "{painted}");
        assert!(painted.contains("\n<Note>note:</> `/a`: 1 empty"), "{painted}");
        assert!(painted.contains("\n<Heading>table  rows  columns  size  path</>\nt "));
        let marks = ["<Warning>", "<Note>", "<Heading>", "</>"];
        let plain = marks.into_iter().fold(painted, |text, mark| text.replace(mark, ""));
        check(&summary, &plain);
    }
}
