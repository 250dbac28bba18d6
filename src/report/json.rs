//! The summary for programs.

use std::io::{self, Write};

use serde::{Serialize, Serializer};

use super::{InputSummary, Outcome, Summary};
use crate::reject::{CodeCount, Reject};
use crate::source::Compression;

/// Names do not change between releases; others may be added.
#[derive(Serialize)]
struct Json<'a> {
    status: &'static str,
    exit_status: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'a str>,
    total_processed: u64,
    successful: u64,
    failed: u64,
    success_rate: f64,
    failed_indices: &'a [u64],
    failed_indices_truncated: bool,
    total_batches: u64,
    failed_batches: u64,
    fallback_batches: u64,
    average_batch_duration_ms: f64,
    duration_seconds: f64,
    bytes_in: u64,
    records_left_out: u64,
    values_left_out: u64,
    retries: u64,
    time_was_up: bool,
    threads: usize,
    chunks_in_flight_max: u64,
    buffers_made: u64,
    inputs: Vec<Input<'a>>,
    tables: Vec<Table<'a>>,
    rejects: Rejects<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    manifest: Option<String>,
    warnings: Warnings<'a>,
    version: &'static str,
}

#[derive(Serialize)]
struct Input<'a> {
    name: &'a str,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    compression: Option<&'static str>,
    records: u64,
    rejected: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dialect: Option<String>,
}

#[derive(Serialize)]
struct Table<'a> {
    name: &'a str,
    parent: Option<&'a str>,
    path: Option<String>,
    rows: u64,
    columns: usize,
    bytes: u64,
}

#[derive(Serialize)]
struct Rejects<'a> {
    count: u64,
    path: Option<String>,
    codes: Vec<Code<'a>>,
}

#[derive(Serialize)]
struct Code<'a> {
    code: &'static str,
    count: u64,
    first: First<'a>,
}

#[derive(Serialize)]
struct First<'a> {
    file: &'a str,
    record: u64,
    line: u64,
    byte: u64,
    column: u64,
    message: &'a str,
    path: &'a str,
}

#[derive(Serialize)]
struct Warning<'a> {
    kind: &'static str,
    path: &'a str,
    count: u64,
    message: String,
}

/// There may be one for each of a million columns, so their sentences are made one by one.
struct Warnings<'a>(&'a [super::Warning]);

impl Serialize for Warnings<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|warning| Warning {
            kind: warning.kind.as_str(),
            path: &warning.path,
            count: warning.count,
            message: warning.to_string(),
        }))
    }
}

impl<'a> First<'a> {
    fn of(reject: &'a Reject) -> Self {
        let Reject { file, record, line, byte, column, message, path, .. } = reject;
        let (record, line, byte, column) = (*record, *line, *byte, *column);
        First { file, record, line, byte, column, message, path }
    }
}

impl Summary {
    /// Returns the summary as one JSON object on one line, its end included.
    pub fn to_json(&self) -> String {
        let mut text = Vec::new();
        // what is written to memory cannot fail
        let _ = self.write_json(&mut text);
        String::from_utf8(text).unwrap_or_default()
    }

    /// Writes the same, without having all of it in memory.
    ///
    /// - Errors: those of `out`.
    pub fn write_json(&self, out: &mut impl Write) -> io::Result<()> {
        let (error, hint) = match &self.outcome {
            Outcome::Published => (None, None),
            Outcome::Failed { message, hint, .. } => (Some(message.as_str()), hint.as_deref()),
        };
        let total = self.records + self.rejects.count;
        let share = |part: u64, of: u64| if of == 0 { 1.0 } else { part as f64 / of as f64 };
        let decoding = self.batches.elapsed.as_secs_f64() * 1e3;
        let path = |path: &std::path::PathBuf| path.to_string_lossy().into_owned();
        let json = Json {
            status: self.status().as_str(),
            exit_status: self.exit_status(),
            error,
            hint,
            total_processed: total,
            successful: self.records,
            failed: self.rejects.count,
            success_rate: share(self.records, total),
            failed_indices: &self.rejects.indices,
            failed_indices_truncated: self.rejects.indices_cut,
            total_batches: self.batches.count,
            failed_batches: self.batches.failed,
            fallback_batches: self.rejects.fallback_batches,
            average_batch_duration_ms: decoding / self.batches.count.max(1) as f64,
            duration_seconds: self.elapsed.as_secs_f64(),
            bytes_in: self.bytes_in,
            records_left_out: self.records_left_out,
            values_left_out: self.values_left_out,
            retries: self.retries,
            time_was_up: self.is_cut,
            threads: self.resources.threads,
            chunks_in_flight_max: self.resources.chunks_in_flight_max,
            buffers_made: self.resources.buffers_made,
            inputs: self
                .inputs
                .iter()
                .enumerate()
                .map(|(at, input)| self.input(at, input))
                .collect(),
            tables: self
                .tables
                .iter()
                .map(|table| Table {
                    name: &table.name,
                    parent: table.parent.as_deref(),
                    path: table.path.as_ref().map(path),
                    rows: table.rows,
                    columns: table.columns,
                    bytes: table.bytes,
                })
                .collect(),
            rejects: Rejects {
                count: self.rejects.count,
                path: self.rejects.path.as_ref().map(path),
                codes: self
                    .rejects
                    .by_code
                    .iter()
                    .map(|CodeCount { code, count, first }| Code {
                        code: code.as_str(),
                        count: *count,
                        first: First::of(first),
                    })
                    .collect(),
            },
            manifest: self.manifest.as_ref().map(path),
            warnings: Warnings(&self.warnings),
            version: env!("CARGO_PKG_VERSION"),
        };
        serde_json::to_writer(&mut *out, &json)?;
        out.write_all(b"\n")
    }

    fn input<'a>(&self, index: usize, input: &'a InputSummary) -> Input<'a> {
        let dialect = self.dialects.binary_search_by_key(&index, |dialect| dialect.input_index);
        Input {
            name: &input.name,
            status: input.status.as_str(),
            format: input.format,
            compression: input.compression.map(Compression::as_str),
            records: input.records,
            rejected: input.rejected,
            error: input.error.as_deref(),
            dialect: dialect.ok().map(|at| self.dialects[at].dialect.to_string()),
        }
    }
}
