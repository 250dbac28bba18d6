//! What was written of an output, read back by several tasks.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::error::Error;
use crate::sink::{Staged, io_error};

/// A file of which several tasks read.
///
/// Whoever reads asks for the memory: what one thread takes and another gives back, an allocator keeps.
pub(super) struct Written {
    file: Mutex<File>,
    path: PathBuf,
}

impl Written {
    /// Opens what was written of `staged`.
    pub(super) fn of(staged: &Staged) -> Result<Self, Error> {
        Ok(Written { file: Mutex::new(staged.read()?), path: staged.path().to_owned() })
    }

    /// Fills `bytes` from `at` on.
    pub(super) fn read(&self, at: u64, bytes: &mut [u8]) -> Result<(), Error> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let read = file.seek(SeekFrom::Start(at)).and_then(|_| file.read_exact(bytes));
        read.map_err(|cause| io_error("reading", &self.path, cause))
    }

    /// Returns where it lies.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}
