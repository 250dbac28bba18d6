//! `transmog formats`: what is built in.

use std::fmt::{self, Write as _};

use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};
use transmog::{Compression, Error, ErrorKind, InputFormat, OutputFormat};

use super::presets::{self, Preset};
#[cfg(test)]
use super::settings::Settings;

/// Prints all formats, compressions, strategies and presets.
pub fn run(is_json: bool) -> Result<(), Error> {
    let sections = sections();
    let text = match is_json {
        true => {
            serde_json::to_string_pretty(&Sections(&sections)).map_err(|cause| {
                Error::new(ErrorKind::Internal, format!("<stdout>: writing JSON failed: {cause}"))
            })? + "\n"
        }
        false => to_text(&sections),
    };
    super::print(text.as_bytes())
}

/// One thing that is built in.
struct Built {
    name: &'static str,
    /// Endings of file names, without their dots.
    endings: &'static [&'static str],
    /// What else there is to say, each under its key of JSON.
    facts: Vec<(&'static str, Fact)>,
}

enum Fact {
    Text(&'static str),
    /// Keys.
    Keys(&'static [&'static str]),
    /// Keys and their values.
    Settings(&'static [(&'static str, &'static str)]),
}

struct Section {
    title: &'static str,
    key: &'static str,
    members: Vec<Built>,
}

fn sections() -> [Section; 6] {
    let section = |title, key, members| Section { title, key, members };
    [
        section("Inputs (--from)", "inputs", InputFormat::ALL.map(input).into()),
        section("Compressed inputs", "compressions", Compression::ALL.map(compression).into()),
        section("Outputs (--to)", "outputs", OutputFormat::ALL.map(output).into()),
        section("Parquet compression (--compression)", "codecs", CODECS.map(codec).into()),
        section("Batches (--batch-strategy)", "batch_strategies", STRATEGIES.map(strategy).into()),
        section("Presets (--preset)", "presets", presets::ALL.iter().map(preset).collect()),
    ]
}

fn input(format: InputFormat) -> Built {
    let (endings, told): (&[&str], _) = match format {
        InputFormat::Auto => (&[], "the first bytes of each input tell"),
        InputFormat::Json => {
            (&["json", "geojson"], "starts with `[` or `{` and goes on over lines")
        }
        InputFormat::Jsonl => {
            (&["jsonl", "ndjson", "jsonlines", "ldjson"], "an object on each line")
        }
        InputFormat::Csv => (&["csv"], "rows of as many cells, parted by `,`, `;`, `|` or tabs"),
        InputFormat::Tsv => (&["tsv", "tab"], "rows of as many cells, parted by tabs"),
        InputFormat::Parquet => (&["parquet", "pq"], "starts with `PAR1`"),
        InputFormat::Arrow => (
            &["arrow", "arrows", "feather", "ipc"],
            "starts with `ARROW1` or, as a stream, with FF FF FF FF",
        ),
        InputFormat::Rejects => (&[], "as asked: a reject file of an earlier run"),
        _ => (&[], ""),
    };
    Built { name: format.as_str(), endings, facts: vec![("told_by", Fact::Text(told))] }
}

fn compression(kind: Compression) -> Built {
    let (endings, bytes): (&[&str], _) = match kind {
        Compression::Gzip => (&["gz", "gzip"], "1F 8B"),
        Compression::Zstd => (&["zst", "zstd"], "28 B5 2F FD"),
        Compression::Bzip2 => (&["bz2", "bzip2"], "42 5A 68"),
        Compression::Xz => (&["xz"], "FD 37 7A 58 5A 00"),
        Compression::Lz4 => (&["lz4"], "04 22 4D 18"),
    };
    Built { name: kind.as_str(), endings, facts: vec![("first_bytes", Fact::Text(bytes))] }
}

fn output(format: OutputFormat) -> Built {
    let (endings, stream): (&[&str], _) = match format {
        OutputFormat::Parquet => (&["parquet", "pq"], "at the end"),
        OutputFormat::Csv => (&["csv"], "live"),
        OutputFormat::Tsv => (&["tsv", "tab"], "live"),
        OutputFormat::Jsonl => (&["jsonl", "ndjson", "jsonlines", "ldjson"], "live"),
        OutputFormat::Json => (&["json"], "at the end"),
        OutputFormat::Arrow => (&["arrow", "feather", "ipc"], "at the end"),
        _ => (&[], ""),
    };
    Built { name: format.as_str(), endings, facts: vec![("stream", Fact::Text(stream))] }
}

const CODECS: [(&str, &str); 5] =
    [("zstd", "1 to 22"), ("snappy", ""), ("gzip", "0 to 9"), ("lz4", ""), ("none", "")];

fn codec((name, levels): (&'static str, &'static str)) -> Built {
    Built { name, endings: &[], facts: vec![("levels", Fact::Text(levels))] }
}

const STRATEGIES: [(&str, &[&str]); 6] = [
    ("fixed_size", &["batch_size", "batch_timeout"]),
    ("time_window", &["batch_window"]),
    ("memory_based", &["batch_memory"]),
    ("adaptive_size", &["batch_min_size", "batch_max_size", "target_latency"]),
    ("low_latency", &["batch_max_size", "batch_wait", "batch_eager"]),
    ("mega_batch", &["batch_size", "batch_parallel", "batch_reuse_buffer"]),
];

fn strategy((name, keys): (&'static str, &'static [&'static str])) -> Built {
    Built { name, endings: &[], facts: vec![("keys", Fact::Keys(keys))] }
}

fn preset(preset: &Preset) -> Built {
    let settings = Fact::Settings(preset.settings);
    let facts = vec![("purpose", Fact::Text(preset.purpose)), ("settings", settings)];
    Built { name: preset.name, endings: &[], facts }
}

fn to_text(sections: &[Section]) -> String {
    let mut text = String::new();
    for Section { title, members, .. } in sections {
        let gap = if text.is_empty() { "" } else { "\n" };
        // writing to a `String` cannot fail
        let _ = writeln!(text, "{gap}{title}:");
        let rows: Vec<Vec<String>> = members.iter().map(cells).collect();
        let width = |column: usize| {
            rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.len()).max().unwrap_or(0)
        };
        let widths: Vec<_> = (0..4).map(width).collect();
        for row in &rows {
            let cells = row.iter().zip(&widths).filter(|(_, width)| **width > 0);
            let line: String = cells.map(|(cell, width)| format!("  {cell:width$}")).collect();
            let _ = writeln!(text, "{}", line.trim_end());
        }
    }
    text
}

fn cells(built: &Built) -> Vec<String> {
    let endings: Vec<_> = built.endings.iter().map(|ending| format!(".{ending}")).collect();
    let mut cells = vec![built.name.to_owned(), endings.join(" ")];
    cells.extend(built.facts.iter().map(|(_, fact)| fact.to_string()));
    cells
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fact::Text(text) => f.write_str(text),
            Fact::Keys(keys) => f.write_str(&keys.join(" ")),
            Fact::Settings(settings) => {
                let settings = settings.iter().map(|(key, value)| format!("{key}={value}"));
                f.write_str(&settings.collect::<Vec<_>>().join(" "))
            }
        }
    }
}

impl Serialize for Fact {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Fact::Text(text) => serializer.serialize_str(text),
            Fact::Keys(keys) => serializer.collect_seq(*keys),
            Fact::Settings(settings) => serializer.collect_map(settings.iter().copied()),
        }
    }
}

impl Serialize for Built {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("name", self.name)?;
        if !self.endings.is_empty() {
            map.serialize_entry("endings", self.endings)?;
        }
        for (key, fact) in &self.facts {
            if !matches!(fact, Fact::Text("")) {
                map.serialize_entry(key, fact)?;
            }
        }
        map.end()
    }
}

struct Sections<'a>(&'a [Section]);

impl Serialize for Sections<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|section| (section.key, &section.members)))
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::*;

    #[test]
    fn endings_are_those_that_files_are_told_by() {
        for format in InputFormat::ALL {
            for ending in input(format).endings {
                assert_eq!(InputFormat::from_extension(ending), Some(format), "{ending}");
            }
        }
        for format in OutputFormat::ALL {
            for ending in output(format).endings {
                assert_eq!(OutputFormat::from_extension(ending), Some(format), "{ending}");
            }
        }
        for kind in Compression::ALL {
            for ending in compression(kind).endings {
                assert_eq!(Compression::from_extension(OsStr::new(ending)), Some(kind), "{ending}");
            }
        }
    }

    #[test]
    fn names_are_those_that_flags_take() {
        let settings = Settings::new();
        for section in sections() {
            let flag = section.title.split_once("(--").map(|(_, flag)| flag.trim_end_matches(')'));
            let Some(flag) = flag else { continue };
            let setting = settings.find(flag).unwrap();
            for Built { name, .. } in &section.members {
                assert!(settings.check(setting, name).is_ok(), "--{flag} {name}");
            }
            if !matches!(flag, "compression" | "preset") {
                assert_eq!(setting.accepts.split('|').count(), section.members.len(), "--{flag}");
            }
        }
        for (_, keys) in STRATEGIES {
            assert!(keys.iter().all(|key| settings.find(key).is_some()), "{keys:?}");
        }
    }
}
