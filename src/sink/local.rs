//! Temporary files beside the output, and the directory they lie in.
//!
//! No file stays open between calls: 300 tables must work with 20 file descriptors. What is opened
//! again by its name is checked to be the file that was made, so that nobody can slip another in.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind as IoKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tempfile::{NamedTempFile, TempPath};

use super::{io_error, shown};
use crate::error::{Error, ErrorKind};

/// Random letters and digits in a temporary name.
const RANDOM_CHARS: usize = 12;

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
}

impl Staged {
    /// Opens the content to write after what is there.
    pub fn append(&self) -> Result<File, Error> {
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
        self.content.workspace.scratch()
    }

    /// Makes `other` the content and removes what was there.
    pub fn replace_with(&mut self, other: Scratch) -> Result<(), Error> {
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

/// A temporary file beside the output, for data that does not fit in memory.
///
/// Dropping it removes the file.
#[derive(Debug)]
pub struct Scratch {
    // dropped before the workspace, which may remove the directory
    temp: TempPath,
    id: FileId,
    workspace: Arc<Workspace>,
}

impl Scratch {
    /// Opens the file to write after what is there.
    pub fn append(&self) -> Result<File, Error> {
        self.open(OpenOptions::new().append(true))
    }

    /// Opens the file to read from its start.
    pub fn read(&self) -> Result<File, Error> {
        self.open(OpenOptions::new().read(true))
    }

    /// Returns the bytes written so far.
    pub fn bytes(&self) -> Result<u64, Error> {
        let metadata = fs::symlink_metadata(&self.temp);
        Ok(metadata.map_err(|cause| self.error("looking it up", cause))?.len())
    }

    /// Removes the file, and says so when that fails, as a drop cannot.
    pub fn remove(self) -> Result<(), Error> {
        let path = self.temp.to_path_buf();
        self.temp.close().map_err(|cause| io_error("removing it", &path, cause))
    }

    /// Waits until the content is on the disk; returns its bytes.
    pub(super) fn sync(&self) -> Result<u64, Error> {
        let file = self.append()?;
        file.sync_all().map_err(|cause| self.error("writing it to the disk", cause))?;
        let metadata = file.metadata().map_err(|cause| self.error("looking it up", cause))?;
        Ok(metadata.len())
    }

    /// Gives the path away, for the rename, and the identity of what lies there.
    pub(super) fn into_parts(self) -> (TempPath, FileId) {
        (self.temp, self.id)
    }

    /// Returns where the file is.
    pub(super) fn path(&self) -> &Path {
        &self.temp
    }

    /// Wraps an I/O error about this file: "`path`: `doing` failed: cause".
    pub fn error(&self, doing: &str, cause: io::Error) -> Error {
        io_error(doing, &self.temp, cause)
    }

    fn open(&self, options: &OpenOptions) -> Result<File, Error> {
        let file = options.open(&self.temp).map_err(|cause| self.error("opening it", cause))?;
        let metadata = file.metadata().map_err(|cause| self.error("looking it up", cause))?;
        if FileId::of(&self.temp, &metadata) == Some(self.id.clone()) {
            return Ok(file);
        }
        let path = shown(&self.temp);
        let message = format!("{path}: expected our temporary file, found another in its place");
        Err(Error::new(ErrorKind::Io, message))
    }
}

/// The directory of all files of a run.
#[derive(Debug)]
pub(super) struct Workspace {
    /// Without links, so that neither a changed link nor a `chdir` leads elsewhere.
    directory: PathBuf,
    /// As the user wrote it.
    shown: PathBuf,
    created: CreatedDirs,
    access: Access,
}

/// Who may read the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Whoever the umask allows: these become outputs.
    Umask,
    /// The user alone: these lie where everybody may look.
    Owner,
}

impl Workspace {
    /// Opens a directory that exists and takes files.
    pub(super) fn open(shown: &Path, access: Access) -> Result<Arc<Workspace>, Error> {
        Workspace::new(shown, access, CreatedDirs::default())
    }

    /// Opens a directory for outputs, made with its parents where missing.
    pub(super) fn create(shown: &Path) -> Result<Arc<Workspace>, Error> {
        let created = CreatedDirs::make(or_current(shown))?;
        Workspace::new(shown, Access::Umask, created)
    }

    fn new(path: &Path, access: Access, created: CreatedDirs) -> Result<Arc<Workspace>, Error> {
        let directory = or_current(path);
        let metadata = fs::metadata(directory).map_err(|cause| match cause.kind() {
            IoKind::NotFound => {
                let at = shown(directory);
                Error::usage(format!("{at}: expected a directory, found nothing"))
                    .with_hint("make the directory first")
            }
            _ => io_error("looking it up", directory, cause),
        })?;
        expect_directory(directory, &metadata)?;
        let canonical = fs::canonicalize(directory)
            .map_err(|cause| io_error("looking it up", directory, cause))?;
        let workspace =
            Arc::new(Workspace { directory: canonical, shown: path.to_owned(), created, access });
        workspace.scratch()?.remove()?;
        Ok(workspace)
    }

    /// Makes an empty temporary file.
    pub(super) fn scratch(self: &Arc<Self>) -> Result<Scratch, Error> {
        let failed = |cause| io_error("making a temporary file in it", &self.shown_dir(), cause);
        let made = self.make_hidden(|path| {
            let mut options = OpenOptions::new();
            options.append(true).create_new(true);
            #[cfg(unix)]
            {
                use std::os::unix::fs::OpenOptionsExt;
                options.mode(if self.access == Access::Owner { 0o600 } else { 0o666 });
            }
            options.open(path)
        });
        let (file, temp) = made.map_err(failed)?.into_parts();
        let id = FileId::of(&temp, &file.metadata().map_err(failed)?);
        let id = id.ok_or_else(|| failed(io::Error::other("not a regular file")))?;
        Ok(Scratch { temp, id, workspace: Arc::clone(self) })
    }

    /// Runs `make` with fresh hidden names until one is free.
    pub(super) fn make_hidden<R>(
        &self,
        make: impl FnMut(&Path) -> io::Result<R>,
    ) -> io::Result<NamedTempFile<R>> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(".transmog-").suffix(".tmp").rand_bytes(RANDOM_CHARS);
        builder.make_in(&self.directory, make)
    }

    /// Returns where the file of this name lies.
    pub(super) fn path_of(&self, file_name: &OsStr) -> PathBuf {
        self.directory.join(file_name)
    }

    /// Returns the same, as the user wrote the directory.
    pub(super) fn shown_path_of(&self, file_name: &OsStr) -> PathBuf {
        self.shown.join(file_name)
    }

    /// Waits until the names in the directory are on the disk.
    pub(super) fn sync(&self) -> Result<(), Error> {
        sync_directory(&self.directory).map_err(|cause| {
            io_error("writing the directory to the disk", &self.shown_dir(), cause)
        })
    }

    /// Keeps the directories this run made, and waits until they are on the disk.
    pub(super) fn keep(&self) -> Result<(), Error> {
        for made in &self.created.paths {
            let parent = made.parent().unwrap_or(made);
            sync_directory(parent)
                .map_err(|cause| io_error("writing the directory to the disk", parent, cause))?;
        }
        self.created.kept.store(true, Ordering::Relaxed);
        Ok(())
    }

    fn shown_dir(&self) -> PathBuf {
        or_current(&self.shown).to_owned()
    }
}

/// Directories made by this run, outermost first; removed again unless kept.
#[derive(Debug, Default)]
struct CreatedDirs {
    paths: Vec<PathBuf>,
    kept: AtomicBool,
}

impl CreatedDirs {
    fn make(path: &Path) -> Result<CreatedDirs, Error> {
        let failed = |at: &Path, cause| io_error("making the directory", at, cause);
        let mut missing = Vec::new();
        for at in path.ancestors().map(or_current) {
            match fs::metadata(at) {
                Ok(metadata) => {
                    expect_directory(at, &metadata)?;
                    break;
                }
                Err(cause) if matches!(cause.kind(), IoKind::NotFound | IoKind::NotADirectory) => {
                    missing.push(at);
                }
                Err(cause) => return Err(io_error("looking it up", at, cause)),
            }
        }
        let mut created = CreatedDirs::default();
        for at in missing.into_iter().rev() {
            match fs::create_dir(at) {
                Ok(()) => {
                    created.paths.push(fs::canonicalize(at).map_err(|cause| failed(at, cause))?);
                }
                // somebody else was faster, or the path holds `..`
                Err(cause) if cause.kind() == IoKind::AlreadyExists => {}
                Err(cause) => return Err(failed(at, cause)),
            }
        }
        Ok(created)
    }
}

impl Drop for CreatedDirs {
    fn drop(&mut self) {
        if !self.kept.load(Ordering::Relaxed) {
            for path in self.paths.iter().rev() {
                // a directory that somebody put a file in stays
                let _ = fs::remove_dir(path);
            }
        }
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

fn expect_directory(path: &Path, metadata: &Metadata) -> Result<(), Error> {
    if metadata.is_dir() {
        return Ok(());
    }
    let (at, kind) = (shown(path), kind_of(metadata));
    Err(Error::usage(format!("{at}: expected a directory, found {kind}")))
}

/// The current directory has the empty path in `file.ext`'s parent.
fn or_current(path: &Path) -> &Path {
    if path.as_os_str().is_empty() { Path::new(".") } else { path }
}

/// Flushes a directory; some file systems cannot and say so, which is all they offer.
#[cfg(unix)]
fn sync_directory(path: &Path) -> io::Result<()> {
    match File::open(path)?.sync_all() {
        Err(cause) if matches!(cause.kind(), IoKind::InvalidInput | IoKind::Unsupported) => Ok(()),
        synced => synced,
    }
}

/// Elsewhere directories cannot be opened; renames are journaled by the system.
#[cfg(not(unix))]
fn sync_directory(_path: &Path) -> io::Result<()> {
    Ok(())
}
