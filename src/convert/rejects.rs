//! Records at fault: into the reject file, or the end of the run.

use std::borrow::Cow;
use std::io::{self, BufWriter, Write};

use super::Conversion;
use super::batches::FirstReject;
use super::outputs::Outputs;
use crate::decode::Faults;
use crate::decode::columns::record_json;
use crate::error::{Error, ErrorKind, Fault, FaultCode};
use crate::frame::{Chunk, Locator, Position};
use crate::reject::{OnError, Reject, RejectTarget, Rejects, Tally, log};
use crate::sink::names::printable;
use crate::sink::{AppendFile, Scratch, Side, StagedSide};

/// The reject file of a run, and what it may hold.
pub(super) struct RejectLog {
    on_error: OnError,
    /// What messages call the inputs.
    names: Vec<String>,
    tally: Tally,
    file: RejectFile,
    /// The first reject of the batch at hand.
    batch_first: Option<FirstReject>,
    /// The input of the record that ended the run, and which byte of it, unpacked.
    pub(super) ended_at: Option<(usize, u64)>,
}

/// Where rejects go.
enum RejectFile {
    Nowhere,
    /// No file can be made, which matters once a record is rejected.
    Refused(Option<Error>),
    /// A file that no record was written to yet.
    Declared(Side),
    Open(StagedSide),
    /// What waits for standard output.
    Stdout(Option<Scratch>),
}

/// What there is to publish beside the tables.
#[derive(Default)]
pub(super) struct RejectOutputs {
    pub sides: Vec<StagedSide>,
    /// Files of an earlier run that are none of this one.
    pub absent: Vec<Side>,
    /// What goes to standard output before anything is published.
    pub stdout: Option<Scratch>,
}

/// Bytes of rejects that are written at once.
const BUFFER_BYTES: usize = 256 << 10;

impl RejectLog {
    /// Finds out where rejects go; no file is made before there is one.
    ///
    /// - Errors: `OutputExists`, `Usage` or `Io` where the file may not be written.
    pub(super) fn open(
        conversion: &Conversion,
        names: Vec<String>,
        root_name: &str,
        outputs: &mut Outputs,
    ) -> Result<Self, Error> {
        let on_error = conversion.on_error;
        let file = match &conversion.rejects {
            _ if on_error == OnError::Fail => RejectFile::Nowhere,
            RejectTarget::Nowhere => RejectFile::Nowhere,
            RejectTarget::Stdout => RejectFile::Stdout(None),
            RejectTarget::File(path) => RejectFile::Declared(outputs.reject_file(path)?),
            RejectTarget::Beside => match outputs.reject_file_beside(root_name) {
                Ok(side) => RejectFile::Declared(side),
                // Who sends tables through a pipe may have no directory to write to.
                Err(error) if outputs.is_stream() && error.kind() == ErrorKind::Io => {
                    RejectFile::Refused(Some(error))
                }
                Err(error) => return Err(error),
            },
        };
        Ok(RejectLog {
            on_error,
            names,
            tally: Tally::new(conversion.error_budget),
            file,
            batch_first: None,
            ended_at: None,
        })
    }

    /// Takes the records of a chunk that are at fault; `seen` records were looked at before it.
    ///
    /// - Errors: `Record` where the first fault ends the run; `Budget`; `Io`.
    pub(super) fn take(
        &mut self,
        outputs: &mut Outputs,
        chunk: &Chunk,
        faults: &Faults,
        seen: u64,
    ) -> Result<(), Error> {
        let Some((&first, fault)) = faults.first_key_value() else { return Ok(()) };
        let byte = chunk.first_byte + u64::from(chunk.records[first].start);
        self.ended_at = Some((chunk.input_index, byte));
        if self.on_error == OnError::Fail {
            let reject = self.reject(chunk, first, fault, &mut chunk.locator());
            self.tally.add(&reject, seen + first as u64 + 1)?;
            return Err(failure(&reject, chunk));
        }
        let mut writer = self.writer(outputs)?;
        let mut locator = chunk.locator();
        for (&record, fault) in faults {
            let reject = self.reject(chunk, record, fault, &mut locator);
            if let Some(writer) = &mut writer {
                let raw = raw(chunk, record);
                let unread = chunk.unread_bytes(record);
                log::write(writer, &reject, &raw, unread, chunk.rows.as_deref())
                    .map_err(|cause| self.write_error(cause))?;
            }
            self.batch_first
                .get_or_insert_with(|| (reject.code, reject.record, reject.message.clone()));
            self.tally.add(&reject, seen + record as u64 + 1)?;
        }
        if let Some(mut writer) = writer {
            writer.flush().map_err(|cause| self.write_error(cause))?;
        }
        self.ended_at = None;
        Ok(())
    }

    /// Describes a record of `chunk` that is at fault.
    fn reject(
        &self,
        chunk: &Chunk,
        record: usize,
        fault: &Fault,
        locator: &mut Locator<'_>,
    ) -> Reject {
        let [start, at] = match &chunk.columns {
            None => locator.record(chunk, record, fault.byte),
            // Rows of columns have no lines.
            Some(_) => [Position { line: 0, column: 0, byte: 0 }; 2],
        };
        let name = self.names.get(chunk.input_index).map_or("<input>", String::as_str);
        Reject {
            file: name.to_owned(),
            record: chunk.number(record) + 1,
            line: start.line,
            byte: start.byte,
            column: at.column,
            offset: fault.byte as u64,
            fault_line: at.line,
            fault_byte: at.byte,
            code: fault.code,
            message: fault.message.clone(),
            path: fault.path.clone(),
            truncated: chunk.unread_bytes(record) > 0,
        }
    }

    /// Opens the reject file to write behind what is there; makes it first where needed.
    fn writer(&mut self, outputs: &mut Outputs) -> Result<Option<BufWriter<AppendFile>>, Error> {
        if let RejectFile::Declared(side) = &self.file {
            self.file = RejectFile::Open(outputs.stage_reject_file(side)?);
        }
        let file = match &mut self.file {
            RejectFile::Nowhere | RejectFile::Declared(_) => return Ok(None),
            RejectFile::Refused(error) => {
                return error.take().map_or(Ok(None), |error| Err(with_choice(error)));
            }
            RejectFile::Open(staged) => staged.append()?,
            RejectFile::Stdout(Some(scratch)) => scratch.append()?,
            RejectFile::Stdout(none) => none.insert(outputs.scratch()?).append()?,
        };
        Ok(Some(BufWriter::with_capacity(BUFFER_BYTES, file)))
    }

    fn write_error(&self, cause: io::Error) -> Error {
        let doing = "writing rejected records";
        let error = match &self.file {
            RejectFile::Open(staged) => staged.error(doing, cause),
            RejectFile::Stdout(Some(scratch)) => scratch.error(doing, cause),
            _ => Error::new(ErrorKind::Io, format!("{doing} failed: {cause}")),
        };
        with_choice(error)
    }

    /// Returns the first reject of the batch that ends, which was taken record by record.
    pub(super) fn end_batch(&mut self) -> Option<FirstReject> {
        let first = self.batch_first.take();
        if first.is_some() {
            self.tally.note_fallback();
        }
        first
    }

    /// Looks whether the budget is broken where no record is rejected any more; `seen` records
    /// were looked at so far.
    pub(super) fn settle(&mut self, seen: u64) -> Result<(), Error> {
        self.tally.settle_rate(seen)
    }

    /// Checks the budget at the end of a run of `seen` records.
    pub(super) fn check(&self, seen: u64) -> Result<(), Error> {
        self.tally.finish(seen)
    }

    /// Returns what there is to publish, as the budget holds.
    pub(super) fn outputs(&mut self) -> RejectOutputs {
        let mut outputs = RejectOutputs::default();
        match std::mem::replace(&mut self.file, RejectFile::Nowhere) {
            RejectFile::Nowhere | RejectFile::Refused(_) => {}
            RejectFile::Declared(side) => outputs.absent.push(side),
            RejectFile::Open(staged) => outputs.sides.push(staged),
            RejectFile::Stdout(scratch) => outputs.stdout = scratch,
        }
        outputs
    }

    /// Returns how many records were looked at up to the last one rejected.
    pub(super) fn seen(&self) -> u64 {
        self.tally.seen()
    }

    /// Returns how many records were rejected so far.
    pub(super) fn count(&self) -> u64 {
        self.tally.count()
    }

    /// Returns what was rejected so far.
    pub(super) fn rejects(&self) -> Rejects {
        self.tally.rejects()
    }
}

/// Returns the bytes of a record; of a row of columns, as JSON.
fn raw(chunk: &Chunk, record: usize) -> Cow<'_, [u8]> {
    match &chunk.columns {
        None => Cow::Borrowed(&chunk.bytes[chunk.records[record].range()]),
        Some(columns) if record < columns.batch.num_rows() => {
            let mut json = Vec::new();
            record_json(&columns.batch.slice(record, 1), 0, &mut json);
            Cow::Owned(json)
        }
        // It was too long.
        Some(_) => Cow::Borrowed(b""),
    }
}

/// Adds what users can do where rejected records cannot be written.
fn with_choice(error: Error) -> Error {
    match error.hint() {
        Some(_) => error,
        None => error.with_hint("`--rejects FILE` writes them elsewhere, `--rejects none` nowhere"),
    }
}

/// Says why the first record at fault ends the run.
fn failure(reject: &Reject, chunk: &Chunk) -> Error {
    let Reject { code, record, fault_byte, .. } = reject;
    let at = match reject.path.as_str() {
        "" => String::new(),
        path => format!(" at `{}`", printable(path)),
    };
    let message = printable(&reject.message);
    let place = reject.place();
    let message = match reject.has_line() {
        true => format!("{place}: {message}{at} ({code}, record {record}, byte {fault_byte})"),
        false => format!("{place}: {message}{at} ({code})"),
    };
    let skip = "`--on-error skip` puts such records into a reject file and goes on";
    let hint = match reject.code {
        FaultCode::EncodingInvalid
            if chunk.origin.is_none() && reject.message.starts_with("expected UTF-8") =>
        {
            "nothing was written; if the input is in another character set, say so, as in \
             `--encoding latin1`"
        }
        FaultCode::CsvFieldCount => {
            "nothing was written; `--ragged pad` fills rows with null and keeps what is too \
             much; `--delimiter`, `--quote` and `--skip-rows` say how cells are told apart"
        }
        FaultCode::CsvQuote => {
            "nothing was written; mend the row, or say what quotes mean with `--quote` and \
             `--escape`"
        }
        FaultCode::SchemaViolation => {
            "nothing was written; mend the record or the schema; `--schema-mode discard` leaves \
             out what has no place, `evolve` makes room for it"
        }
        _ => "nothing was written; mend the record or take it out, then run again",
    };
    Error::new(ErrorKind::Record(reject.code), message).with_hint(format!("{hint}; {skip}"))
}
