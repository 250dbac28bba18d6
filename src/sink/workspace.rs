//! A directory of outputs, and the hidden one in which they wait.

use std::ffi::OsStr;
use std::fs::{self, Metadata};
use std::io::ErrorKind as IoKind;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, OnceLock};

use super::local::{Scratch, kind_of};
use super::recover::{self, Note};
use super::stage::{CreatedDirs, Privacy, Stage, Trail, sync_directory};
use super::{Access, crash, io_error, shown};
use crate::error::Error;
use crate::retry::Retry;

/// A directory of outputs.
#[derive(Debug)]
pub(super) struct Workspace {
    /// Without links, so that neither a changed link nor a `chdir` leads elsewhere.
    directory: PathBuf,
    /// As the user wrote it.
    shown: PathBuf,
    /// The directory is not there yet: it will be the hidden one, renamed.
    is_new: bool,
    // dropped before the directory it may lie in
    stage: Stage,
    created: CreatedDirs,
    trail: Trail,
    retry: OnceLock<Retry>,
}

/// Where a directory of outputs is, or will be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Home {
    /// Without links.
    pub(super) directory: PathBuf,
    /// The nearest directory that exists: itself or one above.
    pub(super) nearest: PathBuf,
}

impl Home {
    /// Finds the place of a directory that may not exist yet.
    pub(super) fn find(path: &Path) -> Result<Home, Error> {
        let path = or_current(path);
        for ancestor in path.ancestors() {
            let at = or_current(ancestor);
            match fs::metadata(at) {
                Ok(metadata) => {
                    expect_directory(at, &metadata)?;
                    let nearest = fs::canonicalize(at)
                        .map_err(|cause| io_error("looking it up", at, cause))?;
                    let rest = path.strip_prefix(ancestor).unwrap_or(Path::new(""));
                    // joining nothing would add a separator
                    let is_there = rest.as_os_str().is_empty();
                    let directory = if is_there { nearest.clone() } else { nearest.join(rest) };
                    return Ok(Home { directory, nearest });
                }
                Err(cause) if matches!(cause.kind(), IoKind::NotFound | IoKind::NotADirectory) => {
                    if fs::symlink_metadata(at).is_ok() {
                        let at = shown(at);
                        let message =
                            format!("{at}: expected a directory, found a link to nothing");
                        return Err(Error::usage(message));
                    }
                }
                Err(cause) => return Err(io_error("looking it up", at, cause)),
            }
        }
        Err(nothing_at(path))
    }

    /// Tells whether the directory exists.
    pub(super) fn is_there(&self) -> bool {
        self.directory == self.nearest
    }
}

impl Workspace {
    /// Has writes to files made from now on tried again.
    pub(super) fn retry_with(&self, retry: &Retry) {
        let _ = self.retry.set(retry.clone());
    }

    /// Returns what decides whether writes are tried again.
    pub(super) fn retry(&self) -> Retry {
        self.retry.get().cloned().unwrap_or_default()
    }

    /// Opens a directory that exists and takes files.
    pub(super) fn open(path: &Path, trail: &Trail) -> Result<(Arc<Workspace>, Vec<Note>), Error> {
        let home = Home::find(path)?;
        if !home.is_there() {
            return Err(nothing_at(or_current(path)));
        }
        Workspace::make(path, home, CreatedDirs::default(), trail)
    }

    /// Opens a directory that was looked up before, wherever its path leads now.
    pub(super) fn open_at(
        shown: &Path,
        directory: &Path,
        trail: &Trail,
    ) -> Result<(Arc<Workspace>, Vec<Note>), Error> {
        let directory = directory.to_owned();
        let home = Home { nearest: directory.clone(), directory };
        Workspace::make(shown, home, CreatedDirs::default(), trail)
    }

    /// Opens a directory for outputs, which need not exist yet.
    pub(super) fn create(path: &Path, trail: &Trail) -> Result<(Arc<Workspace>, Vec<Note>), Error> {
        let mut home = Home::find(path)?;
        let rest = home.directory.strip_prefix(&home.nearest).unwrap_or(Path::new(""));
        let mut created = CreatedDirs::default();
        if rest.components().any(|part| part == Component::ParentDir) {
            // `new/../other`: what that means is known when `new` is there
            created = CreatedDirs::make(path)
                .map_err(|cause| io_error("making the directory", path, cause))?;
            home = Home::find(path)?;
        }
        Workspace::make(path, home, created, trail)
    }

    fn make(
        path: &Path,
        home: Home,
        created: CreatedDirs,
        trail: &Trail,
    ) -> Result<(Arc<Workspace>, Vec<Note>), Error> {
        let is_new = !home.is_there();
        // held until the hidden directory has its own lock, so that nobody takes it for a dead run's
        let settled = recover::settle_if_free(&home.nearest)?;
        let privacy = if is_new { Privacy::Output } else { Privacy::Private };
        let stage = Stage::make(&home.nearest, privacy, trail).map_err(|cause| {
            let (doing, at) = match is_new {
                true => ("making the directory", or_current(path)),
                false => ("making a temporary directory in it", or_current(path)),
            };
            io_error(doing, at, cause)
        })?;
        crash::point();
        let notes = settled.into_notes();
        let (directory, shown, trail) = (home.directory, path.to_owned(), trail.clone());
        Ok((
            Arc::new(Workspace {
                directory,
                shown,
                is_new,
                stage,
                created,
                trail,
                retry: OnceLock::new(),
            }),
            notes,
        ))
    }

    /// Opens the same directory again where it has appeared, or after making it.
    pub(super) fn open_in_place(&self) -> Result<Arc<Workspace>, Error> {
        let created = CreatedDirs::make(&self.directory)
            .map_err(|cause| io_error("making the directory", &self.shown_dir(), cause))?;
        crash::point();
        let home = Home::find(&self.directory)?;
        Ok(Workspace::make(&self.shown, home, created, &self.trail)?.0)
    }

    /// Makes an empty temporary file.
    pub(super) fn scratch(self: &Arc<Self>, access: Access) -> Result<Scratch, Error> {
        Scratch::make(self, access)
    }

    pub(super) fn stage(&self) -> &Stage {
        &self.stage
    }

    pub(super) fn is_new(&self) -> bool {
        self.is_new
    }

    /// Returns the directory without links.
    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Returns where the file of this name lies, or will lie.
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
        self.created.keep()
    }

    pub(super) fn shown_dir(&self) -> PathBuf {
        or_current(&self.shown).to_owned()
    }
}

pub(super) fn expect_directory(path: &Path, metadata: &Metadata) -> Result<(), Error> {
    if metadata.is_dir() {
        return Ok(());
    }
    let (at, kind) = (shown(path), kind_of(metadata));
    Err(Error::usage(format!("{at}: expected a directory, found {kind}")))
}

/// Builds the error for a directory that should exist.
pub(super) fn nothing_at(path: &Path) -> Error {
    Error::usage(format!("{}: expected a directory, found nothing", shown(path)))
        .with_hint("make the directory first")
}

/// The current directory has the empty path in `file.ext`'s parent.
pub(super) fn or_current(path: &Path) -> &Path {
    if path.as_os_str().is_empty() { Path::new(".") } else { path }
}
