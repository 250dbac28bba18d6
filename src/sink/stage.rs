//! The hidden directory in which a run's files wait, beside the place they will have.
//!
//! In a directory that exists it lies inside, and its files are renamed out of it. A new directory
//! is the hidden one itself, which lies beside its place and is renamed as a whole. It is locked as
//! long as its run lives, so that others can tell what is left of a dead one.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, ErrorKind as IoKind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::journal::is_hidden;
use super::lock::{self, Attempt, DirLock};
use super::{crash, io_error};
use crate::error::Error;

/// Starts every hidden name.
pub(super) const HIDDEN: &str = ".transmog-";
/// Ends every hidden name.
pub(super) const ENDING: &str = ".tmp";

/// Random letters and digits in the name of a hidden directory.
const RANDOM_CHARS: usize = 12;

/// Hidden directories that are tried where another run takes each new one for a dead run's.
const ATTEMPTS_MAX: usize = 16;

/// Who may look into a hidden directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Privacy {
    /// The user alone.
    Private,
    /// Whoever the umask allows, as it becomes an output itself.
    Output,
}

/// A hidden directory; dropping it removes it with all it holds.
#[derive(Debug)]
pub(super) struct Stage {
    path: PathBuf,
    next: AtomicUsize,
    is_left: AtomicBool,
    trail: Trail,
    // last: unlocked when the directory is gone
    _lock: Option<DirLock>,
}

impl Stage {
    /// Makes a hidden directory in `parent` and locks it.
    pub(super) fn make(parent: &Path, privacy: Privacy, trail: &Trail) -> io::Result<Stage> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(HIDDEN).suffix(ENDING).rand_bytes(RANDOM_CHARS);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = if privacy == Privacy::Private { 0o700 } else { 0o777 };
            builder.permissions(fs::Permissions::from_mode(mode));
        }
        for _ in 0..ATTEMPTS_MAX {
            let made = builder.tempdir_in(parent)?;
            // a run that cleans up may have seen it before it was locked
            let lock = match lock::attempt_own(made.path()) {
                Ok(Attempt::Locked(lock)) => Some(lock),
                Ok(Attempt::Unsupported) => None,
                Ok(Attempt::Busy) => continue,
                Err(cause) if cause.kind() == IoKind::NotFound => continue,
                Err(cause) => return Err(cause),
            };
            if made.path().exists() {
                trail.push(made.path());
                return Ok(Stage {
                    path: made.keep(),
                    next: AtomicUsize::new(0),
                    is_left: AtomicBool::new(false),
                    trail: trail.clone(),
                    _lock: lock,
                });
            }
        }
        Err(io::Error::other("other runs keep removing it"))
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns a hidden path in the directory that nothing has yet.
    pub(super) fn fresh(&self) -> PathBuf {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.path.join(format!("{HIDDEN}{number:04}{ENDING}"))
    }

    /// Removes hidden files, which are all that a writer may have forgotten.
    pub(super) fn remove_hidden_files(&self) -> io::Result<()> {
        for name in names_in(&self.path)? {
            if is_hidden(&name) {
                fs::remove_file(self.path.join(name))?;
            }
        }
        Ok(())
    }

    /// Leaves the directory where it is, as an output or for what it holds.
    pub(super) fn leave(&self) {
        self.is_left.store(true, Ordering::Relaxed);
        self.trail.forget(&self.path);
    }

    /// Removes the directory with all it holds.
    pub(super) fn remove(&self) {
        if !self.is_left.load(Ordering::Relaxed) && remove_tree(&self.path).is_ok() {
            self.leave();
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if !crash::has_happened() {
            self.remove();
        }
    }
}

/// Removes a hidden directory with its files, which may be gone already.
///
/// Runs make no directories in it; one that somebody put there stays, and is an error.
pub(super) fn remove_tree(path: &Path) -> io::Result<()> {
    let absent_is_fine = |removed: io::Result<()>| match removed {
        Err(cause) if cause.kind() == IoKind::NotFound => Ok(()),
        removed => removed,
    };
    let names = match names_in(path) {
        Err(cause) if cause.kind() == IoKind::NotFound => return Ok(()),
        names => names?,
    };
    for name in names {
        absent_is_fine(fs::remove_file(path.join(name)))?;
    }
    absent_is_fine(fs::remove_dir(path))
}

/// Returns the names in a directory.
///
/// The iterator of `std` panics where the directory does not close well.
#[cfg(unix)]
pub(super) fn names_in(path: &Path) -> io::Result<Vec<OsString>> {
    use std::os::unix::ffi::OsStrExt;
    let mut names = Vec::new();
    for entry in rustix::fs::Dir::new(fs::File::open(path)?)? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if !matches!(name, b"." | b"..") {
            names.push(OsStr::from_bytes(name).to_owned());
        }
    }
    Ok(names)
}

/// Returns the names in a directory.
#[cfg(not(unix))]
pub(super) fn names_in(path: &Path) -> io::Result<Vec<OsString>> {
    fs::read_dir(path)?.map(|entry| Ok(entry?.file_name())).collect()
}

/// The hidden directories a run has, so that it can say which it could not remove.
#[derive(Debug, Clone, Default)]
pub struct Trail {
    paths: Arc<Mutex<Vec<PathBuf>>>,
}

impl Trail {
    fn push(&self, path: &Path) {
        self.lock().push(path.to_owned());
    }

    fn forget(&self, path: &Path) {
        self.lock().retain(|known| known != path);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<PathBuf>> {
        self.paths.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Removes what is there although the run is over; returns what cannot be removed, and why.
    pub fn sweep(&self) -> Vec<String> {
        let mut left = Vec::new();
        for path in std::mem::take(&mut *self.lock()) {
            if let Err(cause) = remove_tree(&path) {
                let failed = io_error("removing it", &path, cause);
                left.push(format!("{failed}; the next run removes it"));
            }
        }
        left
    }

    /// Removes what the run has made and not published; what cannot be removed joins the hint.
    ///
    /// For a run that failed, once its writers are gone, or will write no more.
    pub fn clear(&self, error: Error) -> Error {
        let mut hints: Vec<_> = error.hint().map(str::to_owned).into_iter().collect();
        let left = self.sweep().into_iter();
        hints.extend(left.map(|failed| format!("unfinished output is left: {failed}")));
        if hints.is_empty() { error } else { error.with_hint(hints.join("; ")) }
    }
}

/// Directories made by this run, outermost first; removed again unless kept.
#[derive(Debug, Default)]
pub(super) struct CreatedDirs {
    paths: Vec<PathBuf>,
    kept: AtomicBool,
}

impl CreatedDirs {
    /// Makes a directory with its parents, where missing.
    pub(super) fn make(path: &Path) -> io::Result<CreatedDirs> {
        let missing: Vec<_> = path.ancestors().take_while(|at| fs::metadata(at).is_err()).collect();
        let mut created = CreatedDirs::default();
        for at in missing.into_iter().rev().filter(|at| !at.as_os_str().is_empty()) {
            match fs::create_dir(at) {
                Ok(()) => {
                    // removed again also where its place cannot be told
                    created.paths.push(at.to_owned());
                    let place = fs::canonicalize(at)?;
                    created.paths.pop();
                    created.paths.push(place);
                }
                // somebody else was faster, or the path holds `..`
                Err(cause) if cause.kind() == IoKind::AlreadyExists => {}
                Err(cause) => return Err(cause),
            }
        }
        Ok(created)
    }

    /// Keeps them, and waits until they are on the disk.
    pub(super) fn keep(&self) -> Result<(), Error> {
        for made in &self.paths {
            let parent = made.parent().unwrap_or(made);
            sync_directory(parent)
                .map_err(|cause| io_error("writing the directory to the disk", parent, cause))?;
        }
        self.kept.store(true, Ordering::Relaxed);
        Ok(())
    }
}

impl Drop for CreatedDirs {
    fn drop(&mut self) {
        if !self.kept.load(Ordering::Relaxed) && !crash::has_happened() {
            for path in self.paths.iter().rev() {
                // a directory that somebody put a file in stays
                let _ = fs::remove_dir(path);
            }
        }
    }
}

/// Flushes a directory; some file systems cannot and say so, which is all they offer.
#[cfg(unix)]
pub(super) fn sync_directory(path: &Path) -> io::Result<()> {
    match fs::File::open(path)?.sync_all() {
        Err(cause) if matches!(cause.kind(), IoKind::InvalidInput | IoKind::Unsupported) => Ok(()),
        synced => synced,
    }
}

/// Elsewhere directories cannot be opened; renames are journaled by the system.
#[cfg(not(unix))]
pub(super) fn sync_directory(_path: &Path) -> io::Result<()> {
    Ok(())
}

/// Renames a file or directory to a name that must be free.
pub(super) fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
    {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE).map_err(io::Error::from) {
            Err(cause) if is_missing_call(&cause) => {}
            renamed => return renamed,
        }
    }
    // a second name is exclusive as well, but not for directories, and not on exFAT
    match fs::hard_link(from, to) {
        Ok(()) => return fs::remove_file(from),
        Err(cause) if !is_missing_call(&cause) => return Err(cause),
        Err(_) => {}
    }
    match fs::symlink_metadata(to) {
        Ok(_) => Err(IoKind::AlreadyExists.into()),
        Err(cause) if cause.kind() == IoKind::NotFound => fs::rename(from, to),
        Err(cause) => Err(cause),
    }
}

/// Tells a file system that lacks the call from one where the call failed.
pub(super) fn is_missing_call(cause: &io::Error) -> bool {
    matches!(cause.kind(), IoKind::Unsupported | IoKind::PermissionDenied | IoKind::InvalidInput)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // in tests a panic is the message
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_removed_is_named_when_the_run_is_over() {
        let folder = tempfile::tempdir().unwrap();
        let trail = Trail::default();
        let stage = Stage::make(folder.path(), Privacy::Private, &trail).unwrap();
        let path = stage.path().to_owned();
        // somebody else's, so it stays
        fs::create_dir(path.join("other")).unwrap();
        drop(stage);
        let left = trail.sweep();
        assert!(left.len() == 1 && left[0].contains(&path.display().to_string()), "{left:?}");
        assert_eq!(trail.sweep(), Vec::<String>::new());
        assert!(path.is_dir());
    }
}
