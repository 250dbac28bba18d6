//! Standard input.

use std::io;

use super::{Source, Uninterrupted};

/// Opens standard input.
///
/// - Buffers: its own small buffer is passed by, since framing reads in larger pieces.
pub(super) fn open() -> Source {
    Source::new("<stdin>".to_owned(), Uninterrupted(io::stdin()))
}
