//! The names of what is read and written: [`InputFormat`], [`OutputFormat`].

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use crate::error::Error;
use crate::source::Compression;

/// What an input is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum InputFormat {
    /// Told from the first bytes of each input.
    #[default]
    Auto,
    /// One value, an array of records, or values back to back.
    Json,
    /// One record a line.
    Jsonl,
    /// Rows of cells, parted as the input looks or the user says.
    Csv,
    /// Rows of cells with tabs between.
    Tsv,
    /// Records that an earlier run rejected, one a line.
    Rejects,
    /// Apache Parquet.
    Parquet,
    /// Arrow IPC, a file or a stream.
    Arrow,
}

impl InputFormat {
    /// Every format, in the order help shows them.
    pub const ALL: [InputFormat; 8] = [
        InputFormat::Auto,
        InputFormat::Json,
        InputFormat::Jsonl,
        InputFormat::Csv,
        InputFormat::Tsv,
        InputFormat::Parquet,
        InputFormat::Arrow,
        InputFormat::Rejects,
    ];

    /// Returns the name as users type it.
    pub fn as_str(self) -> &'static str {
        match self {
            InputFormat::Auto => "auto",
            InputFormat::Json => "json",
            InputFormat::Jsonl => "jsonl",
            InputFormat::Csv => "csv",
            InputFormat::Tsv => "tsv",
            InputFormat::Rejects => "rejects",
            InputFormat::Parquet => "parquet",
            InputFormat::Arrow => "arrow",
        }
    }

    /// Returns whether records are rows of columns that have a type each.
    pub fn is_columns(self) -> bool {
        matches!(self, InputFormat::Parquet | InputFormat::Arrow)
    }

    /// Returns whether records are rows of cells.
    pub fn is_rows(self) -> bool {
        matches!(self, InputFormat::Csv | InputFormat::Tsv)
    }

    /// Returns the usual file extension, without the dot; `Auto` has none.
    pub fn extension(self) -> Option<&'static str> {
        match self {
            InputFormat::Auto | InputFormat::Rejects => None,
            InputFormat::Json => Some("json"),
            InputFormat::Jsonl => Some("jsonl"),
            InputFormat::Csv => Some("csv"),
            InputFormat::Tsv => Some("tsv"),
            InputFormat::Parquet => Some("parquet"),
            InputFormat::Arrow => Some("arrow"),
        }
    }

    /// Returns the format that a file extension stands for, in any case and without its dot.
    pub fn from_extension(extension: &str) -> Option<InputFormat> {
        match extension.to_ascii_lowercase().as_str() {
            "json" | "geojson" => Some(InputFormat::Json),
            "jsonl" | "ndjson" | "jsonlines" | "ldjson" => Some(InputFormat::Jsonl),
            "csv" => Some(InputFormat::Csv),
            "tsv" | "tab" => Some(InputFormat::Tsv),
            "parquet" | "pq" => Some(InputFormat::Parquet),
            "arrow" | "arrows" | "feather" | "ipc" => Some(InputFormat::Arrow),
            _ => None,
        }
    }

    /// Returns the format that the extension of `path` stands for, before one of a compression.
    pub fn from_path(path: &Path) -> Option<InputFormat> {
        let name = Path::new(path.file_name()?);
        let name = match name.extension().and_then(Compression::from_extension) {
            Some(_) => Path::new(name.file_stem()?),
            None => name,
        };
        InputFormat::from_extension(name.extension()?.to_str()?)
    }
}

impl fmt::Display for InputFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for InputFormat {
    type Err = Error;

    /// Reads a format as users type it: `auto`, or a file extension such as `ndjson`.
    fn from_str(text: &str) -> Result<Self, Error> {
        if text.eq_ignore_ascii_case("auto") {
            return Ok(InputFormat::Auto);
        }
        if text.eq_ignore_ascii_case("rejects") {
            return Ok(InputFormat::Rejects);
        }
        InputFormat::from_extension(text)
            .ok_or_else(|| unknown("input", text, InputFormat::ALL.map(InputFormat::as_str)))
    }
}

/// What the tables are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OutputFormat {
    /// Apache Parquet.
    Parquet,
    /// Comma-separated values.
    Csv,
    /// Tab-separated values.
    Tsv,
    /// One JSON object a line.
    Jsonl,
    /// One JSON array of objects.
    Json,
    /// Arrow IPC file.
    Arrow,
}

impl OutputFormat {
    /// Returns whether a row is a line that can be read before others are written.
    pub fn is_lines(self) -> bool {
        matches!(self, OutputFormat::Csv | OutputFormat::Tsv | OutputFormat::Jsonl)
    }

    /// Every format, in the order help shows them.
    pub const ALL: [OutputFormat; 6] = [
        OutputFormat::Parquet,
        OutputFormat::Csv,
        OutputFormat::Tsv,
        OutputFormat::Jsonl,
        OutputFormat::Json,
        OutputFormat::Arrow,
    ];

    /// Returns the name as users type it.
    pub fn as_str(self) -> &'static str {
        match self {
            OutputFormat::Parquet => "parquet",
            OutputFormat::Csv => "csv",
            OutputFormat::Tsv => "tsv",
            OutputFormat::Jsonl => "jsonl",
            OutputFormat::Json => "json",
            OutputFormat::Arrow => "arrow",
        }
    }

    /// Returns the extension of files written in this format, without the dot.
    pub fn extension(self) -> &'static str {
        self.as_str()
    }

    /// Returns the format that a file extension stands for, in any case and without its dot.
    pub fn from_extension(extension: &str) -> Option<OutputFormat> {
        match extension.to_ascii_lowercase().as_str() {
            "parquet" | "pq" => Some(OutputFormat::Parquet),
            "csv" => Some(OutputFormat::Csv),
            "tsv" | "tab" => Some(OutputFormat::Tsv),
            "jsonl" | "ndjson" | "jsonlines" | "ldjson" => Some(OutputFormat::Jsonl),
            "json" => Some(OutputFormat::Json),
            "arrow" | "feather" | "ipc" => Some(OutputFormat::Arrow),
            _ => None,
        }
    }

    /// Returns the format that the extension of `path` stands for.
    pub fn from_path(path: &Path) -> Option<OutputFormat> {
        OutputFormat::from_extension(path.extension()?.to_str()?)
    }
}

impl fmt::Display for OutputFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for OutputFormat {
    type Err = Error;

    /// Reads a format as users type it, or a file extension such as `ndjson`.
    fn from_str(text: &str) -> Result<Self, Error> {
        OutputFormat::from_extension(text)
            .ok_or_else(|| unknown("output", text, OutputFormat::ALL.map(OutputFormat::as_str)))
    }
}

/// Builds the error for a format nobody knows; it lists those that exist.
fn unknown<const N: usize>(side: &str, text: &str, known: [&str; N]) -> Error {
    let known = known.map(|name| format!("`{name}`")).join(", ");
    Error::usage(format!("expected an {side} format ({known}), found `{text}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_reads_back() {
        for format in InputFormat::ALL {
            assert_eq!(format.to_string().parse::<InputFormat>().unwrap(), format);
        }
        for format in OutputFormat::ALL {
            assert_eq!(format.to_string().parse::<OutputFormat>().unwrap(), format);
            assert_eq!(OutputFormat::from_extension(format.extension()), Some(format));
        }
    }

    #[test]
    fn extensions_in_any_case() {
        let from = |name: &str| InputFormat::from_path(Path::new(name));
        assert_eq!(from("a/b.NDJSON"), Some(InputFormat::Jsonl));
        assert_eq!(from("b.Json"), Some(InputFormat::Json));
        assert_eq!(from("b.gz"), None);
        assert_eq!(from("json"), None);
        assert_eq!(OutputFormat::from_path(Path::new("x.PQ")), Some(OutputFormat::Parquet));
    }

    #[test]
    fn unknown_format_lists_the_known_ones() {
        let error = "xml".parse::<InputFormat>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "expected an input format (`auto`, `json`, `jsonl`, `csv`, `tsv`, `parquet`, `arrow`, \
             `rejects`), found `xml`"
        );
        assert_eq!(error.kind().exit_status(), crate::error::EXIT_USAGE);
    }
}
