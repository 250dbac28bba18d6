//! What the ways to look for records have in common.

use std::fmt;

use super::lines::Lines;
use super::place::{BOM, Place};
use super::rows::Rows;
use super::values::Values;
use crate::error::FaultCode;

/// The ways to look for records.
pub(super) enum Scanner {
    Lines(Lines),
    Values(Box<Values>),
    Rows(Box<Rows>),
}

/// How far a scanner has come; indexes into [`Window::data`].
#[derive(Debug, Default)]
pub(super) struct Cut {
    /// Everything before has been looked at.
    pub(super) pos: usize,
    /// Start of the record that is not complete yet.
    pub(super) record: Option<usize>,
    /// The start of that record is gone; what is there is what follows.
    pub(super) is_tail: bool,
}

/// What a scanner found next.
pub(super) enum Step {
    /// A record from `Cut::record` to `end`.
    Record { end: usize, truncated: bool },
    /// Nothing more without more bytes.
    More,
    /// The scanner wants to know which place `Cut::pos` is.
    Mark,
    /// The input is over and that is fine.
    End,
    /// The scanner has lost its place, at `Cut::pos` where the failure does not say.
    Fail(Failure),
}

/// Why a scanner cannot go on.
pub(super) struct Failure {
    pub(super) code: FaultCode,
    pub(super) message: String,
    pub(super) place: Option<Place>,
    pub(super) hint: Option<&'static str>,
    /// There is nothing to go on with, whatever users want of bad records.
    pub(super) is_fatal: bool,
}

impl Failure {
    /// Builds "expected …, found …" for the byte at `pos`, or the end of the input.
    pub(super) fn expected(what: impl fmt::Display, data: &[u8], pos: usize) -> Self {
        let (code, found) = match data.get(pos) {
            None => (FaultCode::JsonTruncated, "the end of the input".to_owned()),
            Some(byte @ 0x20..=0x7E) => (FaultCode::JsonSyntax, format!("`{}`", char::from(*byte))),
            Some(byte) => (FaultCode::JsonSyntax, format!("byte 0x{byte:02X}")),
        };
        let message = format!("expected {what}, found {found}");
        Failure { code, message, place: None, hint: None, is_fatal: false }
    }
}

impl Cut {
    /// Follows the window when its first `by` bytes are gone.
    pub(super) fn shift(&mut self, by: usize) {
        self.pos -= by;
        self.record = self.record.map(|start| start - by);
    }
}

/// What lines or rows are added to a chunk together.
pub(super) struct RunBounds {
    /// Records of the chunk, at most.
    pub(super) records: usize,
    /// Where the next record must not begin any more, in bytes of the chunk.
    pub(super) start: usize,
    /// Bytes of a record, at most.
    pub(super) record_bytes: usize,
}

impl RunBounds {
    /// Returns whether a record may be added to `count` others.
    #[inline]
    pub(super) fn fit(&self, start: usize, end: usize, count: usize) -> bool {
        count < self.records && start < self.start && end - start <= self.record_bytes
    }
}

/// What can stand between records at the top level.
pub(super) enum Gap {
    /// A record, or something that should not be there, begins.
    Value(u8),
    /// More bytes are needed to tell.
    More,
    /// The input is over.
    End,
}

/// Moves `pos` over white space, record separators (RFC 7464) and byte order marks.
pub(super) fn skip_gap(data: &[u8], ended: bool, pos: &mut usize) -> Gap {
    while let Some(&byte) = data.get(*pos) {
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' | 0x1E => *pos += 1,
            0xEF if data[*pos..].starts_with(BOM) => *pos += BOM.len(),
            0xEF if !ended && BOM.starts_with(&data[*pos..]) => return Gap::More,
            byte => return Gap::Value(byte),
        }
    }
    if ended { Gap::End } else { Gap::More }
}
