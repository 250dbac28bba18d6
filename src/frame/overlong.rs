//! Records that are too long to be taken, and inputs that cannot be told apart any further.

use std::io::Read;

use super::rows::Rows;
use super::{Chunk, Failure, FramedFault, Framer, OnLost, Position, Scanner, Span, size_text};
use crate::error::{Error, ErrorKind, Fault, FaultCode};

/// A record of which only the start is kept.
#[derive(Debug)]
pub(super) struct Overlong {
    head: Vec<u8>,
    /// Bytes passed so far, the head's counted.
    bytes: u64,
}

impl<R: Read> Framer<R> {
    /// Refuses the record that is too long and ends at `end`; returns the chunk before it, or the
    /// one that holds its start.
    pub(super) fn refuse_overlong(
        &mut self,
        start: usize,
        end: usize,
        truncated: bool,
    ) -> Option<Chunk> {
        if self.on_lost == OnLost::Fail {
            self.fail_too_large(start);
            return None;
        }
        let shift = self.last_end();
        let before = if self.records.is_empty() { None } else { Some(self.close()) };
        let (start, end) = (start - shift, end - shift);
        self.drop_gap(start);
        self.begin_overlong();
        let chunk = self.end_overlong(end - start, truncated);
        self.in_order(before, chunk)
    }

    /// Hands out the chunk before, if there is one, and then `chunk`.
    fn in_order(&mut self, before: Option<Chunk>, chunk: Chunk) -> Option<Chunk> {
        match before {
            None => Some(chunk),
            Some(before) => {
                self.pending = Some(chunk);
                Some(before)
            }
        }
    }

    /// Keeps the start of the record that the window starts with and is too long.
    pub(super) fn begin_overlong(&mut self) {
        let head = self.window.data()[..self.record_bytes_max].to_vec();
        self.overlong = Some(Overlong { head, bytes: 0 });
        self.cut.is_tail = true;
    }

    /// Gives up what was looked at of the record, but for the last byte, which scanners look back
    /// at.
    pub(super) fn pass_overlong(&mut self) {
        let passed = self.cut.pos.saturating_sub(1);
        let Some(overlong) = &mut self.overlong else { return };
        overlong.bytes += passed as u64;
        self.window.discard(passed);
        self.cut.record = None;
        self.cut.shift(passed);
        self.cut.record = Some(0);
    }

    /// Ends the record that is read over, at `end`; returns the chunk that holds its start.
    pub(super) fn end_overlong(&mut self, end: usize, truncated: bool) -> Chunk {
        let overlong = self.overlong.take();
        let Overlong { head, bytes } = overlong.unwrap_or(Overlong { head: Vec::new(), bytes: 0 });
        let bytes = bytes + end as u64;
        self.window.discard(end);
        self.cut.shift(end);
        self.cut.is_tail = false;
        if truncated && matches!(self.scanner, Scanner::Rows(_)) {
            let message = "expected a closing quote, found the end of the input";
            let fault = rest_fault(FaultCode::CsvQuote, message, bytes, head.len() as u64);
            return self.faulty(head, fault, bytes, true);
        }
        let longest = size_text(self.record_bytes_max);
        let mut message = format!(
            "expected {longest} at most, found {bytes} bytes (raise it with `--max-record-bytes`)"
        );
        if truncated {
            message += ", and the end of the input";
        }
        let fault = Fault::new(FaultCode::RecordTooLarge, 0, message);
        self.faulty(head, fault, bytes, truncated)
    }

    /// Builds the chunk of a record of which `head` was kept, of `bytes` in all.
    fn faulty(&mut self, head: Vec<u8>, fault: Fault, bytes: u64, is_rest: bool) -> Chunk {
        let origin = self.first_origin.take().map(|origin| origin.of_chunk(&head));
        let unread_bytes = bytes - head.len() as u64;
        let mut chunk = Chunk {
            origin,
            batch: self.batches.number,
            ends_batch: false,
            sequence: self.next.sequence,
            input_index: self.next.input_index,
            // the head fits: RECORD_BYTES_LIMIT is less than 4 GiB
            records: vec![Span { start: 0, end: head.len() as u32 }],
            bytes: head,
            first_record: self.next.first_record,
            first_line: self.first.line,
            first_byte: self.first.byte,
            first_column: self.first.column,
            truncated: false,
            faults: vec![FramedFault { record: 0, fault, unread_bytes, is_rest }],
            rows: self.head().cloned(),
            replayed: None,
            columns: None,
            filled_columns: 0,
        };
        self.count(&mut chunk);
        self.done |= self.known_records() >= self.records_max;
        chunk
    }

    /// Ends the input at `failure`, behind the records found so far.
    ///
    /// Returns the chunks before and the one that stands for the rest, where that is a record.
    pub(super) fn fail(&mut self, failure: Failure) -> Option<Chunk> {
        if self.on_lost == OnLost::Reject && !failure.is_fatal {
            return self.reject_rest(failure);
        }
        let place = failure.place.unwrap_or_else(|| self.window.place(self.cut.pos));
        let Position { line, column, .. } = place.position();
        let message = self.message_of(&failure);
        let mut message = format!("{}:{line}:{column}: {message}", self.name);
        if failure.code == FaultCode::EncodingInvalid {
            let byte = self.window.byte(self.cut.pos);
            message = format!("{message} ({}, byte {byte})", failure.code);
        }
        if failure.code == FaultCode::CsvQuote && !failure.is_fatal {
            message = format!("{message} ({})", failure.code);
        }
        let kind = match failure.is_fatal {
            true => ErrorKind::Input,
            false => ErrorKind::Record(failure.code),
        };
        let error = Error::new(kind, message);
        let is_charset = failure.code == FaultCode::EncodingInvalid && self.window.origin.is_none();
        let charset = "is the input in another character set? try `--encoding windows-1252`";
        self.failure = Some(match failure.hint.or(is_charset.then_some(charset)) {
            Some(hint) => error.with_hint(hint),
            None => error,
        });
        self.done = true;
        None
    }

    /// Returns what a failure says, in the words of the input's character set.
    fn message_of(&self, failure: &Failure) -> String {
        match &self.window.origin {
            Some(origin) if failure.code == FaultCode::EncodingInvalid => {
                format!("expected {}, found bytes that are no character", origin.charset())
            }
            _ => failure.message.clone(),
        }
    }

    /// Makes all that is left of the input one record at fault, and counts what is not kept of it.
    fn reject_rest(&mut self, failure: Failure) -> Option<Chunk> {
        let message = self.message_of(&failure);
        let before = if self.records.is_empty() { None } else { Some(self.close()) };
        self.cut.record = None;
        self.drop_gap(self.cut.pos);
        let (mut head, mut bytes) = (Vec::new(), 0);
        while self.failure.is_none() {
            let data = self.window.data();
            let kept = data.len().min(self.record_bytes_max - head.len());
            head.extend_from_slice(&data[..kept]);
            let passed = data.len();
            bytes += passed as u64;
            self.window.discard(passed);
            if self.window.ended {
                break;
            }
            self.fill();
        }
        self.cut.pos = 0;
        self.done = true;
        let fault = rest_fault(failure.code, &message, bytes, head.len() as u64);
        let chunk = self.faulty(head, fault, bytes, true);
        self.in_order(before, chunk)
    }

    /// Ends the run at a record that is longer than the user allows; where quotes are open at that
    /// length, they are the reason.
    pub(super) fn fail_too_large(&mut self, start: usize) {
        if let Scanner::Rows(rows) = &self.scanner {
            let end = start + self.record_bytes_max + 1;
            if let Some(quote) = rows.open_quote(&self.window.data()[start..end]) {
                self.cut.pos = start + quote;
                self.fail(Rows::never_closes(&size_text(self.record_bytes_max)));
                return;
            }
        }
        let number = self.known_records() + 1;
        let byte = self.window.byte(start);
        let longest = size_text(self.record_bytes_max);
        let message = format!(
            "{}: record {number}, byte {byte}: longer than {longest} \
             (raise it with `--max-record-bytes`)",
            self.name
        );
        let kind = ErrorKind::Record(FaultCode::RecordTooLarge);
        self.failure = Some(Error::new(kind, message));
        self.done = true;
    }
}

/// Says of the rest of an input how much of it was not read, and how much is not kept.
fn rest_fault(code: FaultCode, message: &str, bytes: u64, kept: u64) -> Fault {
    let message = match bytes {
        0 => message.to_owned(),
        _ => format!("{message}; the {bytes} bytes from here on were not read"),
    };
    let message = match bytes - kept {
        0 => message,
        unread => format!("{message}, and {unread} of them are not kept"),
    };
    Fault::new(code, 0, message)
}
