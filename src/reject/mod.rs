//! Records that could not be converted: what becomes of the run, and how many it may have.
//!
//! A record is rejected whole. It goes to the reject file with its place and its bytes, so that it
//! can be mended and converted later; its number stays its own, so the ids of the others do not
//! depend on it.

pub mod log;
pub mod replay;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::error::{Error, ErrorKind, FaultCode};

/// What a run does at a record that it cannot convert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnError {
    /// The record goes to the reject file, and the run goes on.
    #[default]
    Skip,
    /// The run ends, and nothing is published.
    Fail,
    /// The batch that holds it goes to the reject file whole.
    FailBatch,
    /// As `Skip`, and reading and writing that fail for a moment are tried again.
    Retry,
}

/// Where rejected records go.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum RejectTarget {
    /// To `<name>.rejects.jsonl` beside the tables; in the current directory where these go to
    /// standard output, and nowhere where they go to a program's writer.
    #[default]
    Beside,
    /// To this file.
    File(PathBuf),
    /// To standard output, once the run has succeeded.
    Stdout,
    /// Nowhere: they are counted.
    Nowhere,
}

/// How many records may be rejected before the run ends without publishing anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ErrorBudget {
    /// So many, over the whole run.
    pub records: Option<u64>,
    /// Such a share of all records: at the end, and from the thousandth record on.
    pub rate: Option<Rate>,
}

/// A share of records, as in `0.5%`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rate {
    /// In millionths of a percent.
    micro_percent: u64,
}

/// Digits behind the point of a rate.
const RATE_DIGITS: usize = 6;

impl FromStr for Rate {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = || {
            let message = format!("expected a share from 0% to 100%, such as `5%`, found `{text}`");
            let error = Error::usage(message);
            match text.parse::<f64>() {
                Ok(_) => {
                    error.with_hint(format!("for {text} of a hundred records write `{text}%`"))
                }
                Err(_) => error,
            }
        };
        let number = text.strip_suffix('%').ok_or_else(wrong)?.trim_end();
        let (whole, digits) = number.split_once('.').unwrap_or((number, "0"));
        let is_number = [whole, digits]
            .iter()
            .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()));
        if !is_number || digits.len() > RATE_DIGITS {
            return Err(wrong());
        }
        let micro_percent =
            format!("{whole}{digits:0<RATE_DIGITS$}").parse().map_err(|_| wrong())?;
        if micro_percent > 100_000_000 {
            return Err(wrong());
        }
        Ok(Rate { micro_percent })
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.micro_percent / 1_000_000, self.micro_percent % 1_000_000);
        match format!("{rest:06}").trim_end_matches('0') {
            "" => write!(f, "{whole}%"),
            digits => write!(f, "{whole}.{digits}%"),
        }
    }
}

impl Rate {
    /// Returns whether `rejected` of `seen` records are more than this share.
    fn is_exceeded(self, rejected: u64, seen: u64) -> bool {
        u128::from(rejected) * 100_000_000 > u128::from(self.micro_percent) * u128::from(seen)
    }
}

/// Records after which a rate is looked at before the end.
const RATE_RECORDS: u64 = 1000;

impl ErrorBudget {
    /// Returns whether the user set one.
    pub fn is_set(&self) -> bool {
        self.records.is_some() || self.rate.is_some()
    }

    /// Checks the counts of the first `seen` records, of which `rejected` were, as the last of them
    /// was rejected or is the last of all.
    fn check(&self, rejected: u64, seen: u64, is_end: bool) -> Result<(), Error> {
        let over = |allowed: String| {
            let message = format!(
                "{rejected} of {seen} records rejected, expected {allowed}; nothing was written"
            );
            Err(Error::new(ErrorKind::Budget, message))
        };
        if let Some(most) = self.records.filter(|most| rejected > *most) {
            return over(format!("{most} at most (`--max-errors`)"));
        }
        let is_early = seen < RATE_RECORDS && !is_end;
        if let Some(rate) = self.rate.filter(|rate| !is_early && rate.is_exceeded(rejected, seen)) {
            return over(format!("{rate} at most (`--max-error-rate`)"));
        }
        Ok(())
    }
}

/// A record that was rejected, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reject {
    /// The input, as messages call it.
    pub file: String,
    /// Number of the record in the run, from 1.
    pub record: u64,
    /// Line that the record begins in, from 1; 0 where the input has no lines.
    pub line: u64,
    /// Byte of the input at which the record begins, from 0; unpacked, where it is compressed.
    pub byte: u64,
    /// Character at fault in the line at fault, from 1.
    pub column: u64,
    /// Line at fault, from 1; another one than `line` where a record has several.
    pub fault_line: u64,
    /// Byte of the input at fault, from 0.
    pub fault_byte: u64,
    /// Byte at fault in the record, from 0; in UTF-8, whatever the input is written in.
    pub offset: u64,
    /// What kind of fault.
    pub code: FaultCode,
    /// What was expected and what was found.
    pub message: String,
    /// JSON Pointer to the value at fault, empty where it is not one value.
    pub path: String,
    /// The rest of the record was not kept.
    pub truncated: bool,
}

impl Reject {
    /// Returns whether the record stood in lines; rows of Parquet and Arrow do not, and have 0 for
    /// line and column.
    pub fn has_line(&self) -> bool {
        self.line > 0
    }

    /// Returns where the fault is, as messages say it.
    pub fn place(&self) -> String {
        self.place_in(&self.file)
    }

    /// The same, with another name for the file.
    pub(crate) fn place_in(&self, file: &str) -> String {
        match self.has_line() {
            true => format!("{file}:{}:{}", self.fault_line, self.column),
            false => format!("{file}: record {}", self.record),
        }
    }
}

/// Records that were rejected for one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeCount {
    /// The reason.
    pub code: FaultCode,
    /// How many records.
    pub count: u64,
    /// The first of them.
    pub first: Reject,
}

/// What a run rejected.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Rejects {
    /// How many records.
    pub count: u64,
    /// The same by their code, in the order of codes.
    pub by_code: Vec<CodeCount>,
    /// Indexes of the records in the run, from 0, in their order.
    pub indices: Vec<u64>,
    /// There are more than `indices` holds.
    pub indices_cut: bool,
    /// Batches in which a record was at fault, so that they were taken record by record.
    pub fallback_batches: u64,
    /// The user set a budget for them, and it holds.
    pub is_budgeted: bool,
    /// The file that holds them; nothing where there is none.
    pub path: Option<PathBuf>,
}

/// Indexes of rejected records that are kept.
const INDICES_MAX: usize = 10_000;

/// Counts what is rejected, record by record, and watches the budget.
#[derive(Debug)]
pub(crate) struct Tally {
    budget: ErrorBudget,
    by_code: BTreeMap<FaultCode, CodeCount>,
    rejects: Rejects,
    /// Records looked at up to the last one rejected.
    seen: u64,
    /// Fewer records were seen than a rate counts from.
    is_rate_early: bool,
}

impl Tally {
    pub(crate) fn new(budget: ErrorBudget) -> Self {
        Tally {
            budget,
            by_code: BTreeMap::new(),
            rejects: Rejects::default(),
            seen: 0,
            is_rate_early: true,
        }
    }

    /// Returns how many records were looked at up to the last one rejected.
    pub(crate) fn seen(&self) -> u64 {
        self.seen
    }

    /// Returns how many records were rejected so far.
    pub(crate) fn count(&self) -> u64 {
        self.rejects.count
    }

    pub(crate) fn note_fallback(&mut self) {
        self.rejects.fallback_batches += 1;
    }

    /// Counts a rejected record, which is the one at `seen`, from 1, of those looked at.
    ///
    /// - Errors: `Budget`, at the same record however the input is cut.
    pub(crate) fn add(&mut self, reject: &Reject, seen: u64) -> Result<(), Error> {
        self.settle_rate(seen - 1)?;
        self.seen = seen;
        self.rejects.count += 1;
        let count = self.by_code.entry(reject.code).or_insert_with(|| CodeCount {
            code: reject.code,
            count: 0,
            first: reject.clone(),
        });
        count.count += 1;
        if self.rejects.indices.len() < INDICES_MAX {
            self.rejects.indices.push(reject.record - 1);
        } else {
            self.rejects.indices_cut = true;
        }
        self.check(seen, false)
    }

    /// Checks the budget behind the first `seen` records, if the rate was too early so far.
    pub(crate) fn settle_rate(&mut self, seen: u64) -> Result<(), Error> {
        if self.is_rate_early && seen >= RATE_RECORDS {
            self.is_rate_early = false;
            self.check(RATE_RECORDS, false)?;
        }
        Ok(())
    }

    /// Checks the budget at the end of a run of `seen` records.
    pub(crate) fn finish(&self, seen: u64) -> Result<(), Error> {
        self.check(seen, true)
    }

    /// Returns what was rejected so far.
    pub(crate) fn rejects(&self) -> Rejects {
        let by_code = self.by_code.values().cloned().collect();
        Rejects { by_code, is_budgeted: self.budget.is_set(), ..self.rejects.clone() }
    }

    fn check(&self, seen: u64, is_end: bool) -> Result<(), Error> {
        self.budget.check(self.rejects.count, seen, is_end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_percentages() {
        for (text, shown) in [
            ("5%", "5%"),
            ("0.5%", "0.5%"),
            ("0%", "0%"),
            ("100%", "100%"),
            ("12.345678%", "12.345678%"),
            ("1.0 %", "1%"),
        ] {
            assert_eq!(text.parse::<Rate>().unwrap().to_string(), shown);
        }
        for text in ["", "%", "5", "0.05", "-1%", "101%", "1.%", ".5%", "1e1%", "1.2345678%"] {
            assert!(text.parse::<Rate>().is_err(), "{text}");
        }
        let error = "5".parse::<Rate>().unwrap_err();
        assert_eq!(error.hint(), Some("for 5 of a hundred records write `5%`"));
    }

    /// Rejects the records at `bad` (from 1) of `records`; returns the record that broke the budget.
    fn breaks(budget: ErrorBudget, records: u64, bad: &[u64]) -> Option<String> {
        let mut tally = Tally::new(budget);
        for &record in bad {
            let reject = Reject {
                file: "x".to_owned(),
                record,
                line: record,
                byte: 0,
                column: 1,
                fault_line: record,
                fault_byte: 0,
                offset: 0,
                code: FaultCode::JsonSyntax,
                message: "oops".to_owned(),
                path: String::new(),
                truncated: false,
            };
            if let Err(error) = tally.add(&reject, record) {
                return Some(error.to_string());
            }
        }
        if let Err(error) = tally.settle_rate(records) {
            return Some(error.to_string());
        }
        tally.finish(records).err().map(|error| error.to_string())
    }

    #[test]
    fn budgets_break_at_the_record_that_is_too_much() {
        let records = |most| ErrorBudget { records: Some(most), rate: None };
        let rate = |rate: &str| ErrorBudget { records: None, rate: rate.parse().ok() };
        let check = |budget, count, bad: &[u64], expected: Option<&str>| {
            let found = breaks(budget, count, bad);
            let found = found.as_deref().and_then(|found| found.split(", expected").next());
            assert_eq!(found, expected, "{budget:?} {bad:?}");
        };
        check(ErrorBudget::default(), 3, &[1, 2, 3], None);
        check(records(2), 10, &[1, 2], None);
        check(records(2), 10, &[1, 2, 7, 8], Some("3 of 7 records rejected"));
        check(records(0), 10, &[4], Some("1 of 4 records rejected"));
        check(rate("50%"), 4, &[1, 2], None);
        check(rate("49.9%"), 4, &[1, 2], Some("2 of 4 records rejected"));
        // nothing is said before the thousandth record
        let first: Vec<u64> = (1..=11).collect();
        check(rate("1%"), 2000, &first, Some("11 of 1000 records rejected"));
        check(rate("1%"), 2000, &first[..10], None);
        let late: Vec<u64> = (1..=10).chain([1000, 1002, 1100]).collect();
        check(rate("1%"), 2000, &late, Some("11 of 1000 records rejected"));
        let later: Vec<u64> = (1..=10).chain([1050, 1100]).collect();
        check(rate("1%"), 2000, &later, Some("11 of 1050 records rejected"));
    }
}
