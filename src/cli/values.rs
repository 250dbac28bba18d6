//! What flags take: choices by name, and values that are read one by one.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use transmog::{
    ArrayMode, Charset, ColumnEncoding, DateMode, DuplicateKeys, Error, Execution, Framing,
    InputFormat, LogFormat, NameStyle, Nulls, NumberMode, OnError, OnTimeout, OutputFormat,
    PathPattern, Ragged, SchemaMode, Sign, SqlDialect, StatusPolicy,
};

/// How a schema is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SchemaFormat {
    /// For people.
    #[default]
    Tree,
    /// As a schema file.
    Json,
    /// As SQL that creates the tables.
    Sql,
    /// As an Arrow IPC stream without rows.
    Arrow,
}

/// How a profile is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ProfileFormat {
    /// For people.
    #[default]
    Table,
    /// For programs.
    Json,
    /// For a browser.
    Html,
}

/// What `--summary` says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum SummaryFormat {
    /// Lines for people.
    #[default]
    Text,
    /// One JSON object.
    Json,
    /// Lines for people, and a JSON object in a file.
    JsonFile(PathBuf),
    /// For GitHub Actions.
    Github,
    /// Nothing.
    None,
}

impl FromStr for SummaryFormat {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "text" => Ok(SummaryFormat::Text),
            "json" => Ok(SummaryFormat::Json),
            "github" => Ok(SummaryFormat::Github),
            "none" => Ok(SummaryFormat::None),
            _ => match text.strip_prefix("json=") {
                Some("-") => Err(Error::usage("expected a file behind `json=`, found `-`")
                    .with_hint("`--summary json` writes to standard error")),
                Some(file) if !file.is_empty() => Ok(SummaryFormat::JsonFile(file.into())),
                _ => Err(Error::usage(format!(
                    "expected `text`, `json`, `json=FILE`, `github` or `none`, found `{text}`"
                ))
                .with_nearest(text, ["text", "json", "github", "none"])),
            },
        }
    }
}

/// What `--on-error` says: what happens, and where rejected records go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failure(pub OnError, pub Rejecting);

/// Where the name of a failure strategy sends rejected records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rejecting {
    /// Where `--rejects` says.
    Any,
    /// To a file, whichever.
    ToFile,
    /// Nowhere.
    Nowhere,
}

/// The batch strategies, without their keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    /// `fixed_size`
    FixedSize,
    /// `time_window`
    TimeWindow,
    /// `memory_based`
    MemoryBased,
    /// `adaptive_size`
    AdaptiveSize,
    /// `low_latency`
    LowLatency,
    /// `mega_batch`
    MegaBatch,
}

/// What `--live` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LiveChoice {
    /// Where a strategy was chosen, and an input is a pipe.
    Auto,
    /// As batches close.
    On,
    /// At the end.
    Off,
}

/// What `--color` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColorChoice {
    /// As variables and the terminal have it.
    Auto,
    /// Everywhere.
    Always,
    /// Nowhere.
    Never,
}

/// What `--progress` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProgressChoice {
    /// A bar for whoever sits at a terminal.
    Auto,
    /// A bar.
    Always,
    /// Nothing.
    Never,
    /// Lines.
    Plain,
}

/// What `--encoding` says.
#[derive(Debug, Clone)]
pub enum Encoding {
    /// The character set of the input.
    Charset(Charset),
    /// The Parquet encoding of a column.
    Column(ColumnEncoding),
}

/// What users type, and what it stands for.
pub type Choices<T> = &'static [(&'static str, T)];

pub const INPUTS: Choices<InputFormat> = &[
    ("auto", InputFormat::Auto),
    ("json", InputFormat::Json),
    ("jsonl", InputFormat::Jsonl),
    ("ndjson", InputFormat::Jsonl),
    ("csv", InputFormat::Csv),
    ("tsv", InputFormat::Tsv),
    ("parquet", InputFormat::Parquet),
    ("arrow", InputFormat::Arrow),
    ("rejects", InputFormat::Rejects),
];
pub const OUTPUTS: Choices<OutputFormat> = &[
    ("parquet", OutputFormat::Parquet),
    ("csv", OutputFormat::Csv),
    ("tsv", OutputFormat::Tsv),
    ("jsonl", OutputFormat::Jsonl),
    ("ndjson", OutputFormat::Jsonl),
    ("json", OutputFormat::Json),
    ("arrow", OutputFormat::Arrow),
];
pub const ARRAYS: Choices<ArrayMode> = &[
    ("smart", ArrayMode::Smart),
    ("separate", ArrayMode::Separate),
    ("inline", ArrayMode::Inline),
    ("skip", ArrayMode::Skip),
];
pub const RAGGED: Choices<Ragged> = &[("reject", Ragged::Reject), ("pad", Ragged::Pad)];
pub const DUPLICATES: Choices<DuplicateKeys> = &[
    ("last", DuplicateKeys::Last),
    ("first", DuplicateKeys::First),
    ("reject", DuplicateKeys::Reject),
];
pub const NAMES: Choices<NameStyle> =
    &[("verbatim", NameStyle::Verbatim), ("snake", NameStyle::Snake)];
pub const NUMBERS: Choices<NumberMode> =
    &[("double", NumberMode::Double), ("text", NumberMode::Text), ("decimal", NumberMode::Decimal)];
pub const DATES: Choices<DateMode> = &[("auto", DateMode::Auto), ("off", DateMode::Off)];
pub const SCHEMA_MODES: Choices<SchemaMode> = &[
    ("evolve", SchemaMode::Evolve),
    ("strict", SchemaMode::Strict),
    ("discard", SchemaMode::Discard),
];
pub const FRAMINGS: Choices<Framing> =
    &[("one", Framing::One), ("tagged", Framing::Tagged), ("tar", Framing::Tar)];
pub const ON_ERROR: Choices<Failure> = &[
    ("skip", Failure(OnError::Skip, Rejecting::Any)),
    ("fail", Failure(OnError::Fail, Rejecting::Any)),
    ("fail-batch", Failure(OnError::FailBatch, Rejecting::Any)),
    ("retry", Failure(OnError::Retry, Rejecting::Any)),
    ("LogAndContinue", Failure(OnError::Skip, Rejecting::Nowhere)),
    ("SendToDLQ", Failure(OnError::Skip, Rejecting::ToFile)),
    ("FailBatch", Failure(OnError::FailBatch, Rejecting::Any)),
    ("RetryWithBackoff", Failure(OnError::Retry, Rejecting::Any)),
];
pub const SCHEMA_FORMATS: Choices<SchemaFormat> = &[
    ("tree", SchemaFormat::Tree),
    ("json", SchemaFormat::Json),
    ("sql", SchemaFormat::Sql),
    ("arrow", SchemaFormat::Arrow),
];
pub const DIALECTS: Choices<SqlDialect> = &[
    ("duckdb", SqlDialect::DuckDb),
    ("postgres", SqlDialect::Postgres),
    ("spark", SqlDialect::Spark),
];
pub const PROFILE_FORMATS: Choices<ProfileFormat> = &[
    ("table", ProfileFormat::Table),
    ("json", ProfileFormat::Json),
    ("html", ProfileFormat::Html),
];
pub const BOOLS: Choices<bool> = &[("true", true), ("false", false)];
pub const POLICIES: Choices<StatusPolicy> = &[
    ("worst", StatusPolicy::Worst),
    ("best", StatusPolicy::Best),
    ("majority", StatusPolicy::Majority),
    ("merge", StatusPolicy::Merge),
    ("first-failure", StatusPolicy::FirstFailure),
    ("all", StatusPolicy::All),
];
pub const STRATEGIES: Choices<Strategy> = &[
    ("fixed_size", Strategy::FixedSize),
    ("time_window", Strategy::TimeWindow),
    ("memory_based", Strategy::MemoryBased),
    ("adaptive_size", Strategy::AdaptiveSize),
    ("low_latency", Strategy::LowLatency),
    ("mega_batch", Strategy::MegaBatch),
];
pub const LIVE: Choices<LiveChoice> =
    &[("auto", LiveChoice::Auto), ("on", LiveChoice::On), ("off", LiveChoice::Off)];
pub const PROGRESS: Choices<ProgressChoice> = &[
    ("auto", ProgressChoice::Auto),
    ("always", ProgressChoice::Always),
    ("never", ProgressChoice::Never),
    ("plain", ProgressChoice::Plain),
];
pub const COLORS: Choices<ColorChoice> =
    &[("auto", ColorChoice::Auto), ("always", ColorChoice::Always), ("never", ColorChoice::Never)];
pub const EXECUTIONS: Choices<Execution> = &[
    ("sequential", Execution::Sequential),
    ("parallel", Execution::Parallel),
    ("adaptive", Execution::Adaptive),
];
pub const ON_TIMEOUT: Choices<OnTimeout> =
    &[("fail", OnTimeout::Fail), ("publish", OnTimeout::Publish)];
pub const LOG_FORMATS: Choices<LogFormat> = &[("text", LogFormat::Text), ("json", LogFormat::Json)];
pub const NULLS: Choices<Nulls> = &[("omit", Nulls::Omit), ("keep", Nulls::Keep)];

/// Returns what `--color` means by a name.
pub fn color(typed: &str) -> Option<ColorChoice> {
    COLORS.iter().find(|(name, _)| *name == typed).map(|(_, choice)| *choice)
}

/// Reads one of a few names; a second name for the same is taken, but not shown.
pub fn choice<T>(choices: Choices<T>) -> impl TypedValueParser<Value = T>
where
    T: Copy + Send + Sync + 'static,
{
    let shown = choices.iter().map(|(name, _)| PossibleValue::new(name).hide(is_second(name)));
    PossibleValuesParser::new(shown).map(move |typed| {
        let found = choices.iter().find(|(name, _)| *name == typed);
        found.expect("the parser takes only these names").1
    })
}

/// Returns whether a name is a second one for what has another.
fn is_second(name: &str) -> bool {
    name == "ndjson" || name.starts_with(|first: char| first.is_ascii_uppercase())
}

/// Reads `PATH=VALUE`; the last `=` splits, as keys may hold one.
pub fn setting<T: FromStr<Err = Error>>(text: &str) -> Result<(PathPattern, T), Error> {
    let Some((path, value)) = text.rsplit_once('=') else {
        return Err(Error::usage(format!("expected a path, `=` and a value, found `{text}`")));
    };
    Ok((path.parse()?, value.parse()?))
}

/// Reads the label of a character set, or `COLUMN=NAME`.
pub fn encoding(text: &str) -> Result<Encoding, Error> {
    if text.contains('=') {
        return text.parse().map(Encoding::Column);
    }
    text.parse().map(Encoding::Charset).map_err(|error: Error| {
        let hint = error.hint().unwrap_or_default();
        let hint = format!("{hint}; for a Parquet column write it as in `id=delta`");
        Error::usage(error.to_string()).with_hint(hint)
    })
}

/// Reads a whole number from `LEAST` to `MOST`.
pub fn number<T: TryFrom<usize>, const LEAST: usize, const MOST: usize>(
    text: &str,
) -> Result<T, Error> {
    let value = text.parse().ok().filter(|value| (LEAST..=MOST).contains(value));
    value.and_then(|value: usize| T::try_from(value).ok()).ok_or_else(|| {
        Error::usage(format!("expected a whole number from {LEAST} to {MOST}, found `{text}`"))
    })
}

/// Reads a size in bytes with its unit.
pub fn size(text: &str) -> Result<usize, Error> {
    const UNITS: [(&str, usize); 7] = [
        ("b", 1),
        ("kib", 1 << 10),
        ("mib", 1 << 20),
        ("gib", 1 << 30),
        ("kb", 1_000),
        ("mb", 1_000_000),
        ("gb", 1_000_000_000),
    ];
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (count, unit) = text.split_at(digits);
    let unit = unit.trim_start_matches(' ').to_ascii_lowercase();
    let scale = UNITS.iter().find(|(name, _)| *name == unit).map(|(_, scale)| *scale);
    let bytes = scale.and_then(|scale| count.parse::<usize>().ok()?.checked_mul(scale));
    bytes.filter(|&bytes| bytes > 0).ok_or_else(|| {
        let error = Error::usage(format!(
            "expected a size with its unit, such as `64MiB`, `10MB` or `1KiB`, found `{text}`"
        ));
        match !text.is_empty() && unit.is_empty() {
            true => error.with_hint(format!("for bytes write `{text}B`")),
            false => error,
        }
    })
}

/// Reads a time with its unit.
pub fn duration(text: &str) -> Result<Duration, Error> {
    const UNITS: [(&[&str], u64); 5] = [
        (&["ms", "millisecond", "milliseconds"], 1),
        (&["s", "sec", "second", "seconds"], 1_000),
        (&["m", "min", "minute", "minutes"], 60_000),
        (&["h", "hour", "hours"], 3_600_000),
        (&["d", "day", "days"], 86_400_000),
    ];
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (count, unit) = text.split_at(digits);
    let unit = unit.trim_start_matches(' ').to_ascii_lowercase();
    let scale = UNITS.iter().find(|(names, _)| names.contains(&unit.as_str()));
    let time = scale.and_then(|(_, scale)| count.parse::<u64>().ok()?.checked_mul(*scale));
    time.map(Duration::from_millis).ok_or_else(|| {
        let error = Error::usage(format!(
            "expected a time with its unit, such as `250ms`, `30s`, `5m` or `2h`, found `{text}`"
        ));
        match !count.is_empty() && unit.is_empty() {
            true => error.with_hint(format!("for seconds write `{text}s`")),
            false => error,
        }
    })
}

/// Reads a time that is not zero.
pub fn time(text: &str) -> Result<Duration, Error> {
    let time = duration(text)?;
    match time.is_zero() {
        true => Err(Error::usage(format!("expected a time of 1ms at least, found `{text}`"))),
        false => Ok(time),
    }
}

/// Reads the character between cells.
pub fn delimiter(text: &str) -> Result<u8, Error> {
    match text.as_bytes() {
        b"\\t" => Ok(b'\t'),
        &[byte] if byte.is_ascii() && !matches!(byte, b'"' | b'\n' | b'\r' | 0) => Ok(byte),
        _ => Err(Error::usage(format!("expected one ASCII character or `\\t`, found `{text}`"))
            .with_hint("quotes and line ends cannot part cells")),
    }
}

/// Reads a character that means something in CSV.
pub fn sign(text: &str) -> Result<u8, Error> {
    match text.as_bytes() {
        &[byte] if byte.is_ascii() && !matches!(byte, b'\n' | b'\r' | 0) => Ok(byte),
        _ => Err(Error::usage(format!("expected one ASCII character, found `{text}`"))),
    }
}

/// Reads a character that means something in CSV, or that none does.
pub fn sign_or_none(text: &str) -> Result<Sign, Error> {
    if text == "none" {
        return Ok(Sign::None);
    }
    sign(text).map(Sign::Byte).map_err(|_| {
        Error::usage(format!("expected one ASCII character or `none`, found `{text}`"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_need_a_unit() {
        let check = |text: &str, expected: Option<usize>| {
            assert_eq!(size(text).ok(), expected, "{text}");
        };
        check("64MiB", Some(64 << 20));
        check("10MB", Some(10_000_000));
        check("1KiB", Some(1024));
        check("1 kib", Some(1024));
        check("7B", Some(7));
        for text in ["", "64", "MiB", "-1B", "0MiB", "1.5MiB", "1TB", "99999999999999GiB", "1MiB "]
        {
            check(text, None);
        }
    }

    #[test]
    fn times_need_a_unit() {
        let check = |text: &str, expected: Option<u64>| {
            assert_eq!(duration(text).ok().map(|time| time.as_millis() as u64), expected, "{text}");
        };
        check("250ms", Some(250));
        check("30 seconds", Some(30_000));
        check("5m", Some(300_000));
        check("2h", Some(7_200_000));
        check("1d", Some(86_400_000));
        check("0s", Some(0));
        for text in ["", "5", "s", "-1s", "1.5s", "1y", "99999999999999999999s"] {
            check(text, None);
        }
    }

    #[test]
    fn the_last_equals_sign_splits_a_setting() {
        let (path, mode) = setting::<ArrayMode>("a=b.c=skip").unwrap();
        assert_eq!((path.to_string().as_str(), mode), ("a=b.c", ArrayMode::Skip));
        assert!(setting::<ArrayMode>("skip").is_err());
        assert!(setting::<ArrayMode>("=skip").is_err());
    }

    #[test]
    fn delimiters_are_one_character() {
        let check = |text: &str, expected: Option<u8>| {
            assert_eq!(delimiter(text).ok(), expected, "{text}");
        };
        check(";", Some(b';'));
        check("\\t", Some(b'\t'));
        check("\t", Some(b'\t'));
        for text in ["", ";;", "\"", "\n", "é"] {
            check(text, None);
        }
    }
}
