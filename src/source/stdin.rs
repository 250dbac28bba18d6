//! Standard input.

use std::fs::File;
use std::io::{self, Seek as _};

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
    file().is_some()
}

/// Returns the bytes that are left of standard input, if it is a regular file.
pub(super) fn len() -> Option<u64> {
    let mut file = file()?;
    // it may have been read before, as by `read` in a shell
    let read = file.stream_position().ok()?;
    Some(file.metadata().ok()?.len().saturating_sub(read))
}

/// Opens what standard input was redirected from, if that is a regular file.
fn file() -> Option<File> {
    #[cfg(unix)]
    {
        use std::os::fd::AsFd as _;
        let own = io::stdin().as_fd().try_clone_to_owned().map(File::from).ok()?;
        own.metadata().is_ok_and(|metadata| metadata.is_file()).then_some(own)
    }
    #[cfg(not(unix))]
    {
        None
    }
}
