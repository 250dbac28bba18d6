//! `--dry-run`: what a run would read and write, told from the start of its input.

use std::fmt::Write as _;

use transmog::report::figures::{grouped, size};
use transmog::sink::names::printable;
use transmog::{Conversion, Destination, Error, ErrorKind, InputSummary, OutputFormat, Summary};

/// Bytes of input from which the tables are told.
pub const START_BYTES: u64 = 4 << 20;

/// Inputs and tables that are listed.
const LISTED: usize = 30;

/// What is known of a run before it begins.
pub struct Plan {
    format: OutputFormat,
    how: Vec<String>,
    is_stdout: bool,
    replaces: bool,
}

impl Plan {
    /// Remembers what `conversion` is to do, and lets it only try that.
    ///
    /// When batches end is told where somebody chose that.
    pub fn of(conversion: &mut Conversion, names_batches: bool) -> Plan {
        conversion.rehearsal = Some(START_BYTES);
        let mut how = Vec::new();
        if conversion.to == OutputFormat::Parquet {
            how.push(format!("compressed with {}", conversion.codec));
        }
        if names_batches {
            how.push(format!("batches: {}", conversion.batches));
        }
        if let Some(threads) = conversion.threads {
            how.push(format!("threads: {}", threads.get().min(conversion.threads_max())));
        }
        how.push(format!("memory: {}MiB", conversion.memory_limit >> 20));
        let plan = Plan {
            format: conversion.to,
            how,
            is_stdout: matches!(conversion.destination, Destination::Stdout(_)),
            replaces: conversion.overwrite == transmog::Overwrite::Replace,
        };
        if let Destination::Stdout(framing) = conversion.destination {
            conversion.destination = Destination::Writer(Box::new(std::io::sink()), framing);
        }
        plan
    }

    /// Says what the run would do, by what became of its start.
    ///
    /// - Errors: `OutputExists` where it would end with that.
    pub fn tell(&self, summary: &Summary, out: &mut String) -> Result<(), Error> {
        let is_whole = summary.bytes_in < START_BYTES;
        for input in summary.inputs.iter().take(LISTED) {
            let _ = writeln!(out, "reads   {}", input_line(input, summary));
        }
        more(summary.inputs.len(), "inputs", out);
        let _ = writeln!(out, "writes  {}: {}", self.format, self.how.join(", "));
        let start = match is_whole {
            true => "from the whole input".to_owned(),
            false => {
                let records = grouped(summary.records);
                format!("from the first {records} records, {}", size(summary.bytes_in))
            }
        };
        let _ = writeln!(out, "tables  told {start}");
        let widest = summary.tables.iter().map(|table| printable(&table.name).chars().count());
        let width = widest.max().unwrap_or(0).min(48);
        for table in summary.tables.iter().take(LISTED) {
            let name = printable(&table.name);
            let columns = match table.columns {
                1 => "1 column".to_owned(),
                count => format!("{count} columns"),
            };
            let place = match &table.path {
                Some(path) => self.place(path, summary),
                None if self.is_stdout => "standard output".to_owned(),
                None => "part files".to_owned(),
            };
            let _ = writeln!(out, "        {name:width$}  {columns:>12}  {place}");
        }
        more(summary.tables.len(), "tables", out);
        let beside = summary.scripts.iter().chain(&summary.manifest);
        for path in beside {
            let _ = writeln!(out, "besides {}", self.place(path, summary));
        }
        if summary.rejects.count > 0 {
            let count = grouped(summary.rejects.count);
            let path = summary.rejects.path.as_ref().map(|path| self.place(path, summary));
            let to = path.map_or(String::new(), |path| format!(", which go to {path}"));
            let _ = writeln!(out, "rejects {count} of the records read for this{to}");
        }
        out.push_str("nothing was written\n");
        match summary.conflicts.as_slice() {
            [] => Ok(()),
            _ if self.replaces => Ok(()),
            [first, rest @ ..] => {
                let first = printable(&first.to_string_lossy());
                let message = match rest.len() {
                    0 => format!("{first}: exists"),
                    1 => format!("{first}: exists, and so does 1 more output"),
                    more => format!("{first}: exists, and so do {more} more outputs"),
                };
                let hint = "use `--force` to replace what is there";
                Err(Error::new(ErrorKind::OutputExists, message).with_hint(hint))
            }
        }
    }

    fn place(&self, path: &std::path::Path, summary: &Summary) -> String {
        let shown = printable(&path.to_string_lossy());
        match summary.conflicts.iter().any(|there| there == path) {
            true if self.replaces => format!("{shown} (replaces what is there)"),
            true => format!("{shown} (exists)"),
            false => shown,
        }
    }
}

fn more(count: usize, noun: &str, out: &mut String) {
    if let Some(more) = count.checked_sub(LISTED).filter(|more| *more > 0) {
        let _ = writeln!(out, "        … and {more} more {noun}");
    }
}

/// Says what an input was found to be.
fn input_line(input: &InputSummary, summary: &Summary) -> String {
    let name = printable(&input.name);
    let Some(format) = input.format else {
        return format!("{name}: not opened, as those before it were enough");
    };
    let mut line = format!("{name}: {format}");
    let dialect = summary.dialects.iter().find(|dialect| dialect.name == input.name);
    if let Some(dialect) = dialect {
        let _ = write!(line, ", {}", dialect.dialect);
    }
    if let Some(compression) = input.compression {
        let _ = write!(line, ", unpacked from {compression}");
    }
    line
}
