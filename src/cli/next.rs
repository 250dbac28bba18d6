//! What to do next, behind the summary of a run: commands that can be pasted.

use transmog::sink::names::printable;
use transmog::{FaultCode, Outcome, OutputFormat, Summary};

/// Returns what users may want to do after a run that wrote `to`; for a clean one where somebody
/// sits at a terminal, as logs want no advice.
///
/// - `is_named` says whether users chose the name of the main table.
pub fn hint(
    summary: &Summary,
    to: OutputFormat,
    is_terminal: bool,
    is_named: bool,
) -> Option<String> {
    if summary.outcome != Outcome::Published {
        return None;
    }
    if let Some(reason) = common_reason(summary) {
        return Some(reason.to_owned());
    }
    if summary.rejects.count > 0 {
        let rejects = quoted(summary.rejects.path.as_ref()?.to_str()?)?;
        return Some(format!(
            "mend them there, then `transmog convert --from rejects {rejects} --to {to} -o mended/`"
        ));
    }
    if !is_terminal {
        return None;
    }
    let main = summary.tables.first()?;
    if let Some(hint) = name_hint(&main.name).filter(|_| !is_named && main.path.is_some()) {
        return Some(hint);
    }
    if to != OutputFormat::Parquet {
        return None;
    }
    let table = main.path.as_ref()?;
    let is_file = table.extension().is_some_and(|ending| ending == "parquet");
    let path = table.to_str().filter(|path| is_file && is_plain(path) && !path.contains("://"))?;
    Some(format!("look at a table: `duckdb -c \"from '{path}' limit 10\"`"))
}

/// Returns what users may want to do about a name that is that of a file, and no plain one for
/// programs that read the tables.
pub fn name_hint(name: &str) -> Option<String> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let is_plain = name.chars().all(is_word) && !name.starts_with(|c: char| c.is_numeric());
    if is_plain {
        return None;
    }
    let start = name.split(|c: char| !is_word(c)).next().unwrap_or_default();
    let start = start.trim_end_matches('_');
    let is_name = start.starts_with(char::is_alphabetic);
    let given = if is_name { start } else { "NAME" };
    let (name, given) = (printable(name), printable(given));
    Some(format!(
        "the tables are called after the file: `--name {given}` calls the main one so, as `{name}` \
         needs quotes in SQL"
    ))
}

/// Returns what to do where most rejects have one reason that is none of theirs.
fn common_reason(summary: &Summary) -> Option<&'static str> {
    let rejects = &summary.rejects;
    let message_of = |code: FaultCode| {
        let found = rejects.by_code.iter().find(|one| one.code == code);
        found.map_or("", |one| one.first.message.as_str())
    };
    if message_of(FaultCode::JsonSyntax).ends_with("control character 0x00") {
        return Some("is the input UTF-16? try `--encoding utf-16le`");
    }
    let common = rejects.by_code.iter().find(|one| 2 * one.count > rejects.count)?;
    let message = common.first.message.as_str();
    match common.code {
        FaultCode::EncodingInvalid if message.starts_with("expected UTF-8") => {
            Some("is the input in another character set? try `--encoding windows-1252`")
        }
        FaultCode::RecordNotObject if message.ends_with("found an array") => Some(
            "`--from json` takes what is in arrays as records, `--wrap-values` each array as a \
             value",
        ),
        _ => None,
    }
}

/// Spells a path for a shell; nothing where that takes more than quotes.
fn quoted(path: &str) -> Option<String> {
    let path = if path.starts_with('-') { format!("./{path}") } else { path.to_owned() };
    if is_plain(&path) {
        return Some(path);
    }
    let is_shown = printable(&path) == path && !path.contains(['\'', '`']);
    is_shown.then(|| format!("'{path}'"))
}

/// Returns whether a path means itself in a shell, and in quotes of any kind.
fn is_plain(path: &str) -> bool {
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+,:@%=".contains(c);
    !path.is_empty() && path.chars().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, to: OutputFormat, is_terminal: bool, expected: Option<&str>) {
        let mut summary = Summary::default();
        summary.rejects.count = 1;
        summary.rejects.path = Some(path.into());
        assert_eq!(hint(&summary, to, is_terminal, false).as_deref(), expected);
    }

    #[test]
    fn rejects_are_replayed_by_a_command_that_can_be_pasted() {
        let command = |path: &str| {
            format!(
                "mend them there, then `transmog convert --from rejects {path} --to csv -o mended/`"
            )
        };
        for (path, shown) in [
            ("out/a.rejects.jsonl", "out/a.rejects.jsonl"),
            ("out dir/$a.rejects.jsonl", "'out dir/$a.rejects.jsonl'"),
            ("-a.rejects.jsonl", "./-a.rejects.jsonl"),
            ("注文.rejects.jsonl", "注文.rejects.jsonl"),
        ] {
            check(path, OutputFormat::Csv, false, Some(&command(shown)));
        }
        check("it's.jsonl", OutputFormat::Csv, true, None);
        check("a\u{1b}[2J.jsonl", OutputFormat::Csv, true, None);
    }

    #[test]
    fn a_clean_run_says_how_to_look_at_a_table_on_terminals_alone() {
        let published = |path: Option<&str>| {
            let mut summary = Summary::default();
            summary.tables.push(transmog::TableSummary {
                name: "t".to_owned(),
                parent: None,
                path: path.map(Into::into),
                rows: 1,
                columns: 1,
                bytes: 1,
            });
            summary
        };
        let table = published(Some("out/t.parquet"));
        let expected = "look at a table: `duckdb -c \"from 'out/t.parquet' limit 10\"`";
        assert_eq!(hint(&table, OutputFormat::Parquet, true, false).as_deref(), Some(expected));
        assert_eq!(hint(&table, OutputFormat::Parquet, false, false), None);
        assert_eq!(hint(&table, OutputFormat::Csv, true, false), None);
        for other in [None, Some("parts/t"), Some("o'x/t.parquet"), Some("s3://b/t.parquet")] {
            assert_eq!(
                hint(&published(other), OutputFormat::Parquet, true, false),
                None,
                "{other:?}"
            );
        }
    }

    #[test]
    fn names_of_files_that_need_quotes_are_pointed_out() {
        for (name, expected) in [
            ("orders", None),
            ("注文_1", None),
            ("data.2024-01-01", Some("--name data")),
            ("issues-1", Some("--name issues")),
            ("2024-01-01", Some("--name NAME")),
            ("2024", Some("--name NAME")),
            ("part_-1", Some("--name part")),
        ] {
            let hint = name_hint(name);
            let has =
                |flag: &str| hint.as_ref().is_some_and(|hint| hint.contains(&format!("`{flag}`")));
            assert!(expected.map_or(hint.is_none(), has), "{name}: {hint:?}");
        }
    }

    #[test]
    fn a_run_that_failed_has_its_own_hint() {
        let mut summary = Summary::default();
        summary.rejects.count = 1;
        summary.rejects.path = Some("a.rejects.jsonl".into());
        let (kind, message) = (transmog::ErrorKind::Io, "x".to_owned());
        summary.outcome = Outcome::Failed { kind, message, hint: None };
        assert_eq!(hint(&summary, OutputFormat::Csv, true, false), None);
    }
}
