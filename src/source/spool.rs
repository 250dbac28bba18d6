//! Inputs that are needed at any place, and come from start to end: into a temporary file.

use std::fs::File;
use std::io::{self, Read, Write};

use crate::error::{Error, ErrorKind};

/// Bytes that are copied at once.
const COPY_BYTES: usize = 256 << 10;

/// Copies what is read into a file without a name.
///
/// - Errors: `Io`, and what reading fails with.
pub(super) fn spool(reader: &mut dyn Read, name: &str) -> Result<File, Error> {
    let cannot_write = |cause: io::Error| {
        let directory = std::env::temp_dir();
        let message = format!("{name}: copying it to `{}` failed: {cause}", directory.display());
        Error::new(ErrorKind::Io, message).with_source(cause).with_hint(
            "Parquet is read from its end, so what comes as a stream is copied first; `TMPDIR` \
             names another directory for that",
        )
    };
    let mut file = tempfile::tempfile().map_err(cannot_write)?;
    let mut buffer = vec![0; COPY_BYTES];
    loop {
        let count = match reader.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(cause) if cause.kind() == io::ErrorKind::Interrupted => continue,
            // What unpacks or waits says itself what is wrong.
            Err(cause) => {
                return Err(cause.downcast::<Error>().unwrap_or_else(|cause| {
                    let message = format!("{name}: reading failed: {cause}");
                    Error::new(ErrorKind::Io, message).with_source(cause)
                }));
            }
        };
        file.write_all(&buffer[..count]).map_err(cannot_write)?;
    }
    file.flush().map_err(cannot_write)?;
    Ok(file)
}
