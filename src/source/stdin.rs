//! Standard input.

#[cfg(unix)]
use std::fs::File;
use std::io;

use super::{Source, Uninterrupted};

/// Opens standard input.
///
/// - Buffers: its own small buffer is passed by, since framing reads in larger pieces.
pub(super) fn open() -> Source {
    let source = Source::new("<stdin>".to_owned(), Uninterrupted(io::stdin()));
    Source { is_live: !is_file(), ..source }
}

/// Returns whether standard input is a regular file.
pub(super) fn is_file() -> bool {
    #[cfg(unix)]
    {
        use std::os::fd::AsFd as _;
        let own = io::stdin().as_fd().try_clone_to_owned().map(File::from);
        own.and_then(|file| file.metadata()).is_ok_and(|metadata| metadata.is_file())
    }
    #[cfg(not(unix))]
    {
        false
    }
}
