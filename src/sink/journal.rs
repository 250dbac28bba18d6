//! What a commit of several files is about to do, on the disk before it does it.
//!
//! Each directory of a commit has a journal, in the hidden directory of the run, of what changes
//! there. One of them decides: as soon as it is there, the commit is to be finished, and before,
//! nothing has been renamed. It knows where the others are, and they know it. A journal is written
//! under another name and renamed, so that it is whole or missing.
//!
//! A journal is not believed: names are those of files in its directory, and a file is moved only
//! if it is the one that was recorded.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind as IoKind, Read, Write};
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::crash;
use super::local::close;
use super::stage::{ENDING, HIDDEN, rename_new, sync_directory};
use crate::limits::JOURNAL_BYTES_MAX;

/// Changes when older programs could not read a journal any more.
const VERSION: u32 = 1;

/// The journal of a commit that goes forward.
const FORWARD: &str = ".transmog-journal.tmp";
/// The journal of a commit that is being taken back.
const BACKWARD: &str = ".transmog-undo.tmp";
/// A journal that is being written.
const DRAFT: &str = ".transmog-draft.tmp";

/// What a commit changes in one directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Journal {
    version: u32,
    /// The hidden directory whose journal decides; nothing for that one.
    pub(super) decided_in: Option<OsString>,
    /// The hidden directories of the other journals; nothing but for the one that decides.
    pub(super) others: Vec<OsString>,
    /// In the order in which it happens.
    pub(super) changes: Vec<Change>,
}

/// A name that gets a new file, or loses its file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Change {
    pub(super) target: OsString,
    /// The new file; nothing for a name that goes.
    pub(super) new: Option<Kept>,
    /// The file that has the name before.
    pub(super) old: Option<Kept>,
}

/// A file in the hidden directory, or that will be there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) name: OsString,
    pub(super) identity: Identity,
}

/// What stays the same for a file across renames and restarts; device numbers do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Identity {
    inode: u64,
    bytes: u64,
    modified_ns: u128,
}

impl Identity {
    pub(super) fn of(metadata: &Metadata) -> Identity {
        #[cfg(unix)]
        let inode = std::os::unix::fs::MetadataExt::ino(metadata);
        #[cfg(not(unix))]
        let inode = 0;
        let modified = metadata.modified().ok();
        let since = modified.and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
        let modified_ns = since.map_or(0, |since| since.as_nanos());
        Identity { inode, bytes: metadata.len(), modified_ns }
    }

    /// Returns what lies at `path`, links not followed; nothing where nothing does.
    pub(super) fn at(path: &Path) -> io::Result<Option<Identity>> {
        match fs::symlink_metadata(path) {
            Ok(metadata) => Ok(Some(Identity::of(&metadata))),
            Err(cause) if cause.kind() == IoKind::NotFound => Ok(None),
            Err(cause) => Err(cause),
        }
    }
}

/// What a hidden directory says of its commit.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Nothing has been renamed.
    Undecided,
    /// To be finished, if its directory decides.
    Forward(Journal),
    /// To be taken back.
    Backward(Journal),
    /// There is a journal, and it cannot be believed; why.
    Damaged(String),
}

impl Journal {
    /// Starts a journal; see the fields.
    pub(super) fn new(changes: Vec<Change>) -> Journal {
        Journal { version: VERSION, decided_in: None, others: Vec::new(), changes }
    }

    /// Puts the journal into a hidden directory and waits until it is on the disk.
    pub(super) fn write(&self, stage: &Path) -> io::Result<()> {
        let draft = stage.join(DRAFT);
        let mut file = File::create_new(&draft)?;
        file.write_all(&serde_json::to_vec(self)?)?;
        file.sync_all()?;
        close(file)?;
        crash::point();
        rename_new(&draft, &stage.join(FORWARD))?;
        crash::point();
        sync_directory(stage)?;
        stage.parent().map_or(Ok(()), sync_directory)
    }

    /// Turns a commit round: from here on it is taken back, by whoever comes.
    pub(super) fn turn_round(stage: &Path) -> io::Result<()> {
        fs::rename(stage.join(FORWARD), stage.join(BACKWARD))?;
        crash::point();
        sync_directory(stage)
    }

    /// Ends a commit, one way or the other: what is left in the hidden directory is refuse.
    pub(super) fn remove(stage: &Path) -> io::Result<()> {
        for name in [FORWARD, BACKWARD] {
            match fs::remove_file(stage.join(name)) {
                Err(cause) if cause.kind() != IoKind::NotFound => return Err(cause),
                _ => {}
            }
        }
        Ok(())
    }

    /// Reads what a hidden directory says.
    pub(super) fn read(stage: &Path) -> io::Result<State> {
        let (path, wrap): (_, fn(Journal) -> State) =
            match fs::symlink_metadata(stage.join(BACKWARD)) {
                Ok(_) => (stage.join(BACKWARD), State::Backward),
                Err(_) => (stage.join(FORWARD), State::Forward),
            };
        let metadata = match fs::symlink_metadata(&path) {
            Ok(metadata) => metadata,
            Err(cause) if cause.kind() == IoKind::NotFound => return Ok(State::Undecided),
            Err(cause) => return Err(cause),
        };
        if !metadata.is_file() || !is_own(&metadata) {
            return Ok(State::Damaged("it is not a file of this user".to_owned()));
        }
        let mut text = Vec::new();
        let read = File::open(&path)?.take(JOURNAL_BYTES_MAX + 1).read_to_end(&mut text)?;
        if read as u64 > JOURNAL_BYTES_MAX {
            return Ok(State::Damaged("it is too long".to_owned()));
        }
        match serde_json::from_slice::<Journal>(&text) {
            Ok(journal) => Ok(match journal.objection() {
                None => wrap(journal),
                Some(objection) => State::Damaged(objection),
            }),
            Err(cause) => Ok(State::Damaged(cause.to_string())),
        }
    }

    /// Says what is wrong with a journal that parses.
    fn objection(&self) -> Option<String> {
        if self.version != VERSION {
            return Some(format!("it has version {}", self.version));
        }
        for change in &self.changes {
            let kept = [&change.new, &change.old].into_iter().flatten();
            let all_hidden = kept.map(|kept| &kept.name).all(|name| is_plain(name, true));
            if !is_plain(&change.target, false) || !all_hidden {
                return Some("it names a file elsewhere".to_owned());
            }
        }
        None
    }

    /// Returns whether every change of a dead run can be made, or was made.
    pub(super) fn can_finish(&self, directory: &Path, stage: &Path) -> io::Result<bool> {
        for change in &self.changes {
            if !change.can_apply(directory, stage)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Tells whether a name is that of a file right here, and hidden or not as it should be.
fn is_plain(name: &OsStr, hidden: bool) -> bool {
    let mut parts = Path::new(name).components();
    let is_one = matches!(parts.next(), Some(Component::Normal(part)) if part == name);
    let is_hidden = is_hidden(name);
    is_one && parts.next().is_none() && is_hidden == hidden
}

/// Tells the names that runs give to what they will rename or remove.
pub(super) fn is_hidden(name: &OsStr) -> bool {
    let bytes = name.as_encoded_bytes();
    bytes.starts_with(HIDDEN.as_bytes()) && bytes.ends_with(ENDING.as_bytes())
}

/// Tells whether this user owns a file.
pub(super) fn is_own(metadata: &Metadata) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        metadata.uid() == rustix::process::geteuid().as_raw()
    }
    #[cfg(not(unix))]
    {
        let _ = metadata;
        true
    }
}

/// What has the name of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    Nothing,
    New,
    Old,
    Other,
}

impl Change {
    fn found(&self, directory: &Path) -> io::Result<Found> {
        let is = |kept: &Option<Kept>, found| kept.as_ref().is_some_and(|k| k.identity == found);
        Ok(match Identity::at(&directory.join(&self.target))? {
            None => Found::Nothing,
            Some(found) if is(&self.new, found) => Found::New,
            Some(found) if is(&self.old, found) => Found::Old,
            Some(_) => Found::Other,
        })
    }

    /// Returns whether a dead run had come past this change, whatever became of the file since.
    pub(super) fn is_done(&self, directory: &Path, stage: &Path) -> io::Result<bool> {
        let waits = match &self.new {
            Some(new) => new.lies_in(stage)?.is_some(),
            None => false,
        };
        Ok(match self.found(directory)? {
            Found::New => true,
            Found::Old => false,
            Found::Nothing | Found::Other => !waits,
        })
    }

    fn can_apply(&self, directory: &Path, stage: &Path) -> io::Result<bool> {
        if self.is_done(directory, stage)? || self.new.is_none() {
            return Ok(true);
        }
        let waits = match &self.new {
            Some(new) => new.lies_in(stage)?.is_some(),
            None => true,
        };
        Ok(waits && self.found(directory)? != Found::Other)
    }

    /// Gives the name to the new file, or takes it from the old one.
    ///
    /// - Errors: `AlreadyExists` if a file has the name that is neither the old nor the new one.
    pub(super) fn apply(&self, directory: &Path, stage: &Path) -> io::Result<()> {
        let target = directory.join(&self.target);
        let found = self.found(directory)?;
        if found == Found::Other {
            return Err(IoKind::AlreadyExists.into());
        }
        if found == Found::New {
            return Ok(());
        }
        let old = self.old.as_ref().filter(|_| found == Found::Old);
        match (&self.new, old) {
            (None, None) => Ok(()),
            // a second name of the same file would make this rename do nothing
            (None, Some(old)) => fs::rename(&target, stage.join(&old.name)),
            (Some(new), None) => rename_new(&stage.join(&new.name), &target),
            (Some(new), Some(old)) if old.lies_in(stage)?.is_some() => {
                fs::rename(stage.join(&new.name), &target)
            }
            (Some(new), Some(old)) => {
                // no hard links here: the old file steps aside until the new one is in place
                fs::rename(&target, stage.join(&old.name))?;
                crash::point();
                rename_new(&stage.join(&new.name), &target)
            }
        }
    }

    /// Puts things back as they were; once is as good as twice.
    ///
    /// - Errors: `AlreadyExists` if another file has the name; the old one stays where it is kept.
    pub(super) fn take_back(&self, directory: &Path, stage: &Path) -> io::Result<()> {
        let target = directory.join(&self.target);
        let kept = match &self.old {
            Some(old) => old.lies_in(stage)?,
            None => None,
        };
        match (self.found(directory)?, kept) {
            (Found::New, Some(old)) => fs::rename(old, target),
            (Found::New, None) if self.old.is_none() => fs::remove_file(target),
            (Found::New, None) => Err(io::Error::other("the old file is gone")),
            (Found::Nothing, Some(old)) => rename_new(&old, &target),
            (Found::Other, Some(old)) => {
                let at = super::shown(&old);
                let message = format!("another file has its name; the old one is kept as `{at}`");
                Err(io::Error::new(IoKind::AlreadyExists, message))
            }
            (Found::Old | Found::Nothing | Found::Other, _) => Ok(()),
        }
    }
}

impl Kept {
    /// Returns where the file lies, if it is in the hidden directory and the one recorded.
    fn lies_in(&self, stage: &Path) -> io::Result<Option<PathBuf>> {
        let path = stage.join(&self.name);
        Ok(Identity::at(&path)?.is_some_and(|found| found == self.identity).then_some(path))
    }
}
