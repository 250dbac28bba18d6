//! Locks on directories, which end with the process that holds them, however it ends.
//!
//! Two uses: a run holds its hidden directory for as long as it lives, which tells its files from
//! those of a dead run; and who renames in a directory holds that one, so that commits follow one
//! another. Where the file system has no locks, or the system is not Unix, leftovers are left alone
//! and commits are not kept apart.

use std::fs::File;
use std::io;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::io_error;
use crate::error::Error;

/// How often it looks.
const WAIT_POLL: Duration = Duration::from_millis(10);

/// A directory that this process has locked; dropping it unlocks.
#[derive(Debug)]
pub(super) struct DirLock {
    #[cfg_attr(not(unix), allow(dead_code))]
    directory: File,
}

#[cfg(unix)]
impl Drop for DirLock {
    fn drop(&mut self) {
        // said aloud, as closing does it silently and may fail
        let _ = rustix::fs::flock(&self.directory, rustix::fs::FlockOperation::Unlock);
    }
}

/// What became of an attempt to lock.
#[derive(Debug)]
pub(super) enum Attempt {
    /// The directory is ours.
    Locked(DirLock),
    /// A live process has it.
    Busy,
    /// There are no locks here, or we may not look into the directory.
    Unsupported,
}

/// Locks a directory unless somebody has it.
///
/// - Errors: the directory cannot be opened; `NotADirectory` for a link too.
pub(super) fn attempt(directory: &Path) -> io::Result<Attempt> {
    match attempt_own(directory) {
        Err(cause) if cause.kind() == io::ErrorKind::PermissionDenied => Ok(Attempt::Unsupported),
        attempted => attempted,
    }
}

/// Does what `attempt` does with a directory that this run has made: not to be let in is an error,
/// as everybody would take the directory for a dead run's.
#[cfg(unix)]
pub(super) fn attempt_own(directory: &Path) -> io::Result<Attempt> {
    use std::os::unix::fs::OpenOptionsExt;

    use rustix::fs::{FlockOperation, OFlags, flock};
    use rustix::io::Errno;

    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW;
    let mut options = File::options();
    let file = options.read(true).custom_flags(flags.bits().cast_signed()).open(directory)?;
    loop {
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(Attempt::Locked(DirLock { directory: file })),
            Err(Errno::WOULDBLOCK) => return Ok(Attempt::Busy),
            Err(Errno::INTR) => {}
            Err(_) => return Ok(Attempt::Unsupported),
        }
    }
}

/// Elsewhere directories cannot be locked.
#[cfg(not(unix))]
pub(super) fn attempt_own(_directory: &Path) -> io::Result<Attempt> {
    Ok(Attempt::Unsupported)
}

/// Locks a directory, waiting up to `patience` for who has it.
pub(super) fn wait(directory: &Path, patience: Duration) -> Result<Attempt, Error> {
    let start = Instant::now();
    loop {
        match attempt(directory).map_err(|cause| io_error("locking it", directory, cause))? {
            Attempt::Busy if start.elapsed() < patience => thread::sleep(WAIT_POLL),
            attempted => return Ok(attempted),
        }
    }
}
