//! The summary for GitHub Actions: Markdown for the page of a run, annotations for its log.
//!
//! - Source: "Workflow commands for GitHub Actions": `%`, CR and LF are escaped in messages, `:` and
//!   `,` in properties as well; a step may have ten annotations of each kind.

use std::fmt::Write as _;

use super::text::{counted, shown};
use super::{Outcome, Status, Summary};
use crate::reject::CodeCount;

/// Annotations of one kind that are shown of a step.
const ANNOTATIONS_MAX: usize = 10;

/// Rows of a Markdown table, so that the page stays below a megabyte.
const ROWS_MAX: usize = 100;

impl Summary {
    /// Returns the Markdown that belongs into `$GITHUB_STEP_SUMMARY`.
    pub fn to_markdown(&self) -> String {
        let mut text = String::new();
        // writing to a `String` cannot fail
        let _ = self.write_markdown(&mut text);
        // sections end in an empty line, also the last one
        text.truncate(text.trim_end().len());
        text + "\n"
    }

    fn write_markdown(&self, out: &mut String) -> std::fmt::Result {
        let sign = match self.status() {
            Status::Passed => "✅",
            Status::Warning | Status::Skipped => "⚠️",
            Status::Failed | Status::Error => "❌",
        };
        let rejected = self.rejects.count;
        let total = self.records + rejected;
        writeln!(
            out,
            "### {sign} transmog: {} of {} converted\n",
            self.records,
            counted(total, "record")
        )?;
        if let Outcome::Failed { message, hint, .. } = &self.outcome {
            writeln!(out, "Nothing was published: {}\n", cell(message))?;
            if let Some(hint) = hint {
                writeln!(out, "{}\n", cell(hint))?;
            }
        } else if !self.tables.is_empty() {
            writeln!(out, "| table | rows | columns | bytes | file |\n|---|--:|--:|--:|---|")?;
            for table in self.tables.iter().take(ROWS_MAX) {
                let path = table.path.as_ref().map(|path| path.to_string_lossy());
                let (name, path) = (cell(&table.name), cell(&path.unwrap_or_default()));
                let (rows, columns, bytes) = (table.rows, table.columns, table.bytes);
                writeln!(out, "| {name} | {rows} | {columns} | {bytes} | {path} |")?;
            }
            more(out, self.tables.len(), "tables")?;
        }
        if rejected > 0 {
            writeln!(out, "| rejected | code | the first of them |\n|--:|---|---|")?;
            for CodeCount { code, count, first } in self.rejects.by_code.iter().take(ROWS_MAX) {
                let (place, message) = (cell(&first.place()), cell(&first.message));
                writeln!(out, "| {count} | {code} | {place}: {message} |")?;
            }
            writeln!(out)?;
            if let Some(path) = &self.rejects.path {
                writeln!(out, "They are in {}.\n", cell(&path.to_string_lossy()))?;
            }
        }
        let warnings: Vec<_> = self.warnings.iter().filter(|one| !one.kind.is_note()).collect();
        for warning in warnings.iter().take(ROWS_MAX) {
            writeln!(out, "- {}", cell(&warning.to_string()))?;
        }
        more(out, warnings.len(), "warnings")
    }

    /// Returns the lines that make annotations: one for the error, one for each code of rejects.
    pub fn to_annotations(&self) -> String {
        let mut text = String::new();
        if let Outcome::Failed { message, .. } = &self.outcome {
            text += &format!("::error title=transmog::{}\n", message_text(message));
        }
        let rest = ANNOTATIONS_MAX - text.lines().count();
        for CodeCount { code, count, first } in self.rejects.by_code.iter().take(rest) {
            let (file, line, column) = (property(&first.file), first.fault_line, first.column);
            let records = counted(*count, "record");
            let message = format!("{records} rejected ({code}), the first here: {}", first.message);
            let place = match first.has_line() {
                true => format!("file={file},line={line},col={column},title=transmog"),
                false => format!("file={file},title=transmog"),
            };
            text += &format!("::warning {place}::{}\n", message_text(&message));
        }
        text
    }
}

/// Says how many rows were left out.
fn more(out: &mut String, count: usize, what: &str) -> std::fmt::Result {
    match count.checked_sub(ROWS_MAX).filter(|more| *more > 0) {
        Some(more) => writeln!(out, "\n… and {more} more {what}\n"),
        None => writeln!(out),
    }
}

/// Escapes a text that must not be Markdown, and stays on its line.
fn cell(text: &str) -> String {
    let mut escaped = String::new();
    for sign in shown(text).chars() {
        match sign {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '(' | ')' | '#' | '|' | '~' | '!'
            | '@' => {
                escaped.push('\\');
                escaped.push(sign);
            }
            sign => escaped.push(sign),
        }
    }
    escaped
}

/// Escapes the message of a workflow command.
fn message_text(text: &str) -> String {
    shown(text).replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Escapes a property of a workflow command.
fn property(text: &str) -> String {
    message_text(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::FaultCode;
    use crate::reject::Reject;
    use crate::report::{InputSummary, TableSummary};

    fn summary() -> Summary {
        let first = Reject {
            file: "in,1:a.jsonl".to_owned(),
            record: 3,
            line: 3,
            byte: 20,
            column: 8,
            fault_line: 3,
            fault_byte: 27,
            offset: 7,
            code: FaultCode::JsonSyntax,
            message: "expected 100% `}`, found `|`\n::error::x".to_owned(),
            path: String::new(),
            truncated: false,
        };
        let mut summary = Summary { records: 2, ..Summary::default() };
        summary.tables.push(TableSummary {
            name: "a|<b>".to_owned(),
            parent: None,
            path: Some("out/a.csv".into()),
            rows: 2,
            columns: 1,
            bytes: 10,
        });
        let status = Status::Warning;
        summary.inputs.push(InputSummary { status, ..InputSummary::new("in,1:a.jsonl") });
        summary.rejects.count = 1;
        summary.rejects.by_code = vec![CodeCount { code: first.code, count: 1, first }];
        summary
    }

    #[test]
    fn markdown_cannot_be_broken_by_names() {
        let text = summary().to_markdown();
        assert!(text.starts_with("### ⚠️ transmog: 2 of 3 records converted\n"), "{text}");
        assert!(text.contains("| a\\|&lt;b&gt; | 2 | 1 | 10 | out/a.csv |\n"), "{text}");
        let reject =
            "| 1 | json.syntax | in,1:a.jsonl:3:8: expected 100% \\`\\}\\`, found \\`\\|\\`\\\\n";
        assert!(text.contains(reject), "{text}");
    }

    #[test]
    fn annotations_are_one_line_each_and_at_most_ten() {
        let mut summary = summary();
        let expected = "::warning file=in%2C1%3Aa.jsonl,line=3,col=8,title=transmog::1 record \
                        rejected (json.syntax), the first here: expected 100%25 `}`, found \
                        `|`\\n::error::x\n";
        assert_eq!(summary.to_annotations(), expected);
        summary.rejects.by_code = vec![summary.rejects.by_code[0].clone(); 20];
        assert_eq!(summary.to_annotations().lines().count(), 10);
    }
}
