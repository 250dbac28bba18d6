//! Temporary files of a run, until they get their names.
//!
//! No file stays open between calls: 300 tables must work with 20 file descriptors. What is opened
//! again by its name is checked to be the file that was made, so that nobody can slip another in.

use std::ffi::OsString;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use super::journal::Identity;
use super::side::Side;
use super::stage::Trail;
use super::workspace::Workspace;
use super::{Access, crash, io_error, shown};
use crate::error::{Error, ErrorKind};
use crate::retry::Retrying;

/// A table's content on its way: a temporary file that `Sink::commit` publishes.
///
/// Dropping it means giving up: the file is removed.
#[derive(Debug)]
pub struct Staged {
    pub(super) table_index: usize,
    pub(super) is_main: bool,
    pub(super) target: OsString,
    pub(super) file_name: String,
    pub(super) content: Scratch,
    /// Its bytes on the disk, and how to know it again, once it is all there.
    pub(super) synced: Option<(u64, Identity)>,
}

/// Where tables wait that belong to no run, while there are some.
static ALONE: Mutex<Weak<Workspace>> = Mutex::new(Weak::new());

impl Staged {
    /// Makes an empty temporary file that no run publishes.
    ///
    /// - Errors: `Io`.
    pub(crate) fn alone() -> Result<Staged, Error> {
        let mut shared = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let workspace = match shared.upgrade() {
            Some(workspace) => workspace,
            None => {
                let opened = Workspace::open(&std::env::temp_dir(), &Trail::default());
                let (workspace, _) = opened.map_err(|error| {
                    error.with_hint("set `TMPDIR` to a directory that can be written")
                })?;
                *shared = Arc::downgrade(&workspace);
                workspace
            }
        };
        let content = workspace.scratch(Access::Umask)?;
        let (target, file_name) = (OsString::new(), String::new());
        Ok(Staged { table_index: 0, is_main: true, target, file_name, content, synced: None })
    }

    /// Waits until the content, to which nothing is added any more, is on the disk, so that the commit
    /// need not.
    ///
    /// - Errors: `Io`.
    pub fn on_disk(mut self) -> Result<Staged, Error> {
        self.synced = Some(self.content.sync()?);
        Ok(self)
    }

    /// Waits until the content is on the disk; returns its bytes, and how to know it again.
    pub(super) fn sync(&self) -> Result<(u64, Identity), Error> {
        match self.synced {
            Some(synced) => self.content.find().map(|()| synced),
            None => self.content.sync(),
        }
    }

    /// Opens the content to write after what is there.
    pub fn append(&self) -> Result<AppendFile, Error> {
        self.content.append()
    }

    /// Opens the content to read from its start.
    pub fn read(&self) -> Result<File, Error> {
        self.content.read()
    }

    /// Wraps an I/O error about this file: "`path`: `doing` failed: cause".
    pub fn error(&self, doing: &str, cause: io::Error) -> Error {
        self.content.error(doing, cause)
    }

    /// Makes another temporary file beside this one, as `Sink::scratch` does.
    pub fn scratch(&self) -> Result<Scratch, Error> {
        self.content.workspace.scratch(Access::Umask)
    }

    /// Makes `other` the content and removes what was there.
    pub fn replace_with(&mut self, other: Scratch) -> Result<(), Error> {
        self.synced = None;
        std::mem::replace(&mut self.content, other).remove()
    }

    /// Returns the name the file will have, without its directory.
    pub fn file_name(&self) -> &str {
        &self.file_name
    }

    /// Returns where the content is until the commit.
    pub fn path(&self) -> &Path {
        self.content.path()
    }

    /// Returns which table this is.
    pub fn table_index(&self) -> usize {
        self.table_index
    }

    /// Returns the bytes written so far.
    pub fn bytes(&self) -> Result<u64, Error> {
        self.content.bytes()
    }
}

/// The content of a file that is no table on its way, which `Sink::commit` publishes.
///
/// Dropping it means giving up: the file is removed.
#[derive(Debug)]
pub struct StagedSide {
    pub(super) side: Side,
    pub(super) content: Scratch,
}

impl StagedSide {
    /// Opens the content to write after what is there.
    pub fn append(&self) -> Result<AppendFile, Error> {
        self.content.append()
    }

    /// Opens the content to read from its start.
    pub fn read(&self) -> Result<File, Error> {
        self.content.read()
    }

    /// Wraps an I/O error about this file: "`path`: `doing` failed: cause".
    pub fn error(&self, doing: &str, cause: io::Error) -> Error {
        self.content.error(doing, cause)
    }

    /// Returns where the content is until the commit.
    pub fn path(&self) -> &Path {
        self.content.path()
    }

    /// Returns which file it will be.
    pub fn side(&self) -> &Side {
        &self.side
    }

    /// Returns the bytes written so far.
    pub fn bytes(&self) -> Result<u64, Error> {
        self.content.bytes()
    }
}

/// An open temporary file to write to; writes that fail for a moment are tried again as users want.
///
/// Dropping it closes the file. Where that fails, what was written may be lost: whoever opens the
/// file next is told.
#[derive(Debug)]
pub struct AppendFile {
    /// There until it is dropped.
    file: Option<Retrying<File>>,
    /// Bytes that were there, and that were written since.
    before: u64,
    written: u64,
    lost: Lost,
}

/// Bytes worth sending to the disk before the end.
const EARLY_BYTES: u64 = 512 << 10;

/// Why a file did not close well, the first time.
type Lost = Arc<OnceLock<io::Error>>;

impl Write for AppendFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.as_mut().map_or(Ok(0), |file| file.write(bytes))?;
        self.written += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_mut().map_or(Ok(()), Write::flush)
    }
}

impl Drop for AppendFile {
    fn drop(&mut self) {
        let Some(file) = self.file.take().map(Retrying::into_inner) else { return };
        if self.written >= EARLY_BYTES {
            send_to_disk(&file, self.before, self.written);
        }
        if let Err(cause) = close(file) {
            let _ = self.lost.set(cause);
        }
    }
}

/// Has the system begin to write bytes to the disk, so that there is less to wait for in the end.
#[cfg(target_os = "linux")]
fn send_to_disk(file: &File, start: u64, bytes: u64) {
    use rustix::fs::{Advice, fadvise};
    // What can not be advised is written later.
    let _ = fadvise(file, start, std::num::NonZeroU64::new(bytes), Advice::DontNeed);
}

#[cfg(not(target_os = "linux"))]
fn send_to_disk(_: &File, _: u64, _: u64) {}

/// Closes a file that was written; some file systems say only then that there is no space.
#[cfg(unix)]
pub(super) fn close(file: File) -> io::Result<()> {
    match close_err::Closable::close(file) {
        // the descriptor is gone all the same
        Err(cause) if cause.kind() == io::ErrorKind::Interrupted => Ok(()),
        closed => closed,
    }
}

/// Closes a file; elsewhere nobody is told how that went.
#[cfg(not(unix))]
pub(super) fn close(file: File) -> io::Result<()> {
    drop(file);
    Ok(())
}

/// A temporary file beside the output, for data that does not fit in memory.
///
/// Dropping it removes the file.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
    id: FileId,
    lost: Lost,
    // dropped after the file, as it may remove the directory
    workspace: Arc<Workspace>,
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if !crash::has_happened() {
            // gone where it was published
            let _ = fs::remove_file(&self.path);
        }
    }
}

impl Scratch {
    /// Makes an empty file under a hidden name.
    pub(super) fn make(workspace: &Arc<Workspace>, access: Access) -> Result<Scratch, Error> {
        let shown = workspace.shown_dir();
        let failed = |cause| io_error("making a temporary file in it", &shown, cause);
        let path = workspace.stage().fresh();
        let mut options = OpenOptions::new();
        options.append(true).create_new(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt;
            options.mode(if access == Access::Owner { 0o600 } else { 0o666 });
        }
        #[cfg(not(unix))]
        let _ = access;
        let file = options.open(&path).map_err(failed)?;
        crash::point();
        let id = FileId::of(&path, &file.metadata().map_err(failed)?);
        let id = id.ok_or_else(|| failed(io::Error::other("not a regular file")))?;
        close(file).map_err(failed)?;
        Ok(Scratch { path, id, lost: Lost::default(), workspace: Arc::clone(workspace) })
    }

    /// Opens the file to write after what is there.
    pub fn append(&self) -> Result<AppendFile, Error> {
        let file = self.open(OpenOptions::new().append(true))?;
        let before = self.bytes()?;
        let file = Some(Retrying::new(file, self.workspace.retry()));
        Ok(AppendFile { file, before, written: 0, lost: Arc::clone(&self.lost) })
    }

    /// Opens the file to read from its start.
    pub fn read(&self) -> Result<File, Error> {
        self.open(OpenOptions::new().read(true))
    }

    /// Returns the bytes written so far.
    pub fn bytes(&self) -> Result<u64, Error> {
        let metadata = fs::symlink_metadata(&self.path);
        Ok(metadata.map_err(|cause| self.error("looking it up", cause))?.len())
    }

    /// Removes the file, and says so when that fails, as a drop cannot.
    pub fn remove(self) -> Result<(), Error> {
        fs::remove_file(&self.path).map_err(|cause| self.error("removing it", cause))
    }

    /// Waits until the content is on the disk; returns its bytes, and how to know it again.
    pub(super) fn sync(&self) -> Result<(u64, Identity), Error> {
        let file = self.open(OpenOptions::new().append(true))?;
        file.sync_all().map_err(|cause| self.error("writing it to the disk", cause))?;
        let metadata = file.metadata().map_err(|cause| self.error("looking it up", cause))?;
        close(file).map_err(|cause| self.error("closing it", cause))?;
        crash::point();
        Ok((metadata.len(), Identity::of(&metadata)))
    }

    /// Returns where the file is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Wraps an I/O error about this file: "`path`: `doing` failed: cause".
    pub fn error(&self, doing: &str, cause: io::Error) -> Error {
        io_error(doing, &self.path, cause)
    }

    fn open(&self, options: &OpenOptions) -> Result<File, Error> {
        if let Some(cause) = self.lost.get() {
            let again = cause.raw_os_error().map(io::Error::from_raw_os_error);
            return Err(self.error("closing it", again.unwrap_or_else(|| cause.kind().into())));
        }
        let file = options.open(&self.path).map_err(|cause| self.error("opening it", cause))?;
        let metadata = file.metadata().map_err(|cause| self.error("looking it up", cause))?;
        self.check(&metadata).map(|()| file)
    }

    /// Looks whether the file is where it was made.
    fn find(&self) -> Result<(), Error> {
        let found = fs::symlink_metadata(&self.path);
        self.check(&found.map_err(|cause| self.error("looking it up", cause))?)
    }

    fn check(&self, metadata: &Metadata) -> Result<(), Error> {
        if FileId::of(&self.path, metadata) == Some(self.id.clone()) {
            return Ok(());
        }
        let path = shown(&self.path);
        let message = format!("{path}: expected our temporary file, found another in its place");
        Err(Error::new(ErrorKind::Io, message))
    }
}

/// A regular file that is read, so that it is never written.
#[derive(Debug, Clone)]
pub struct InputFile {
    pub(super) path: PathBuf,
    pub(super) id: FileId,
}

impl InputFile {
    /// Notes the file at `path`; nothing for what is no regular file, such as a pipe.
    ///
    /// `metadata` is best taken from the open file, of what links lead to.
    pub fn of(path: &Path, metadata: &Metadata) -> Option<InputFile> {
        Some(InputFile { path: path.to_owned(), id: FileId::of(path, metadata)? })
    }
}

/// What stays the same for a file under all its names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FileId {
    #[cfg(unix)]
    device: u64,
    #[cfg(unix)]
    inode: u64,
    #[cfg(not(unix))]
    canonical: PathBuf,
}

impl FileId {
    /// Identifies a regular file; nothing for any other kind.
    #[cfg(unix)]
    pub(super) fn of(_path: &Path, metadata: &Metadata) -> Option<FileId> {
        use std::os::unix::fs::MetadataExt;
        metadata.is_file().then(|| FileId { device: metadata.dev(), inode: metadata.ino() })
    }

    /// Identifies a regular file; nothing for any other kind.
    #[cfg(not(unix))]
    pub(super) fn of(path: &Path, metadata: &Metadata) -> Option<FileId> {
        let canonical = fs::canonicalize(path).ok()?;
        metadata.is_file().then_some(FileId { canonical })
    }
}

/// Names a kind of file for messages.
pub(super) fn kind_of(metadata: &Metadata) -> &'static str {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        let kind = metadata.file_type();
        if kind.is_fifo() {
            return "a named pipe";
        }
        if kind.is_socket() {
            return "a socket";
        }
        if kind.is_char_device() || kind.is_block_device() {
            return "a device";
        }
    }
    match (metadata.is_dir(), metadata.is_file()) {
        (true, _) => "a directory",
        (_, true) => "a file",
        _ => "something else",
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // in tests a panic is the message
mod tests {
    use super::*;

    #[test]
    fn a_file_that_did_not_close_well_is_neither_read_nor_published() {
        let folder = tempfile::tempdir().unwrap();
        let workspace = Workspace::open(folder.path(), &Trail::default()).unwrap().0;
        let scratch = workspace.scratch(Access::Umask).unwrap();
        let mut file = scratch.append().unwrap();
        file.write_all(b"all of it").unwrap();
        // as the system would say it
        file.lost.set(io::Error::from_raw_os_error(28)).unwrap();
        drop(file);
        for error in [
            scratch.sync().map(drop).unwrap_err(),
            scratch.read().map(drop).unwrap_err(),
            scratch.append().map(drop).unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::Io);
            let text = error.to_string();
            assert!(text.contains(".tmp: closing it failed: No space left on device"), "{text}");
        }
    }
}
