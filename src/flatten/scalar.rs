//! A scalar on its way from a decoder to a column.

use crate::table::{Column, Excerpt, Marks, Number};

/// A scalar on its way to a column.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scalar<'a> {
    /// The string, or the source text of the number or boolean.
    pub text: &'a str,
    pub kind: ScalarKind<'a>,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum ScalarKind<'a> {
    Bool(bool),
    Number(Number<'a>),
    /// A cell that may be a number with marks, and whether its digits are kept for decimals.
    Marked(Marks, bool),
    String,
}

/// Bytes that every value takes: where it lies.
const PLACE_BYTES: u32 = 4;

/// Bytes that a boolean counts towards a row group.
pub(crate) const BOOL_BYTES: u32 = PLACE_BYTES + 1;

/// Bytes that a number of 64 bits counts towards a row group.
pub(crate) const NUMBER_BYTES: u32 = PLACE_BYTES + 8;

/// Bytes that a list counts towards a row group, besides its elements.
pub(super) const LIST_BYTES: u32 = 8;

/// Returns the bytes that a string counts towards a row group.
#[inline]
pub(crate) fn string_bytes(length: usize) -> u32 {
    PLACE_BYTES + 4 + length as u32
}

impl Scalar<'_> {
    #[inline]
    pub(super) fn push(self, column: &mut Column, row: usize) {
        match self.kind {
            ScalarKind::String => column.push_string(row, Excerpt::whole(self.text)),
            ScalarKind::Number(number) => column.push_number(row, number, self.text),
            ScalarKind::Marked(marks, keeps_digits) => {
                column.push_marked_cell(row, Excerpt::whole(self.text), marks, keeps_digits);
            }
            ScalarKind::Bool(value) => column.push_bool(row, value),
        }
    }

    /// Returns the bytes that count towards a row group: what the value is, never what its column
    /// became.
    pub(super) fn bytes(self) -> u32 {
        let length = self.text.len() as u32;
        match self.kind {
            ScalarKind::Bool(_) => BOOL_BYTES,
            ScalarKind::Number(Number::Int(_)) => NUMBER_BYTES,
            ScalarKind::Number(Number::Float { exact: true, .. }) => NUMBER_BYTES,
            ScalarKind::Number(Number::Float { exact: false, .. }) => PLACE_BYTES + 24 + length,
            ScalarKind::Number(_) => PLACE_BYTES + 16 + length,
            ScalarKind::Marked(..) | ScalarKind::String => string_bytes(self.text.len()),
        }
    }
}
