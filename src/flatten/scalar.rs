//! A scalar on its way from a decoder to a column.

use crate::table::{Column, Number};

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
    String,
}

impl Scalar<'_> {
    #[inline]
    pub(super) fn push(self, column: &mut Column, row: usize) {
        match self.kind {
            ScalarKind::String => column.push_string(row, self.text),
            ScalarKind::Number(number) => column.push_number(row, number, self.text),
            ScalarKind::Bool(value) => column.push_bool(row, value),
        }
    }

    /// Returns the bytes that count towards a row group: what the value is, never what its column
    /// became.
    #[inline]
    pub(super) fn bytes(self) -> usize {
        const PLACE_BYTES: usize = 4;
        PLACE_BYTES
            + match self.kind {
                ScalarKind::Bool(_) => 1,
                ScalarKind::Number(Number::Int(_)) => 8,
                ScalarKind::Number(Number::Float { exact: true, .. }) => 8,
                ScalarKind::Number(Number::Float { exact: false, .. }) => 24 + self.text.len(),
                ScalarKind::Number(_) => 16 + self.text.len(),
                ScalarKind::String => 4 + self.text.len(),
            }
    }
}
