//! All of a run's outputs or none.
//!
//! Content goes to the disk first, then every file gets its name, child tables before the main one,
//! so that a main table is never seen without its children. One rename that fails takes all back.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, ErrorKind as IoKind};
use std::path::{Path, PathBuf};

use tempfile::TempPath;

use super::local::{FileId, InputFile, Staged, Workspace, kind_of};
use super::{Overwrite, Published, io_error, shown};
use crate::error::{Error, ErrorKind};

/// What may be replaced.
#[derive(Debug)]
pub(super) struct Rules {
    pub(super) overwrite: Overwrite,
    pub(super) inputs: Vec<InputFile>,
}

impl Rules {
    /// Checks that an output may get this name.
    pub(super) fn check(&self, workspace: &Workspace, file_name: &OsStr) -> Result<(), Error> {
        let path = workspace.path_of(file_name);
        let at = workspace.shown_path_of(file_name);
        let found = match fs::symlink_metadata(&path) {
            Ok(metadata) => metadata,
            Err(cause) if cause.kind() == IoKind::NotFound => return Ok(()),
            Err(cause) => return Err(io_error("looking it up", &at, cause)),
        };
        // a rename replaces the link, not what it leads to; yet a link to a device, a directory or
        // an input is there for a reason
        let end = if found.is_symlink() { fs::metadata(&path).ok() } else { Some(found) };
        if let Some(end) = end {
            let at = shown(&at);
            if !end.is_file() {
                let hint = if end.is_dir() {
                    "choose another name, or give the directory itself as the output"
                } else {
                    "`-o -` writes to standard output"
                };
                let message = format!("{at}: expected a regular file, found {}", kind_of(&end));
                return Err(Error::usage(message).with_hint(hint));
            }
            self.check_not_input(FileId::of(&path, &end), &at)?;
        }
        match self.overwrite {
            Overwrite::Replace => Ok(()),
            Overwrite::Refuse => Err(exists(&at)),
        }
    }

    /// Checks that an output is none of the inputs.
    pub(super) fn check_not_input(&self, id: Option<FileId>, at: &str) -> Result<(), Error> {
        let Some(input) = self.inputs.iter().find(|input| Some(&input.id) == id.as_ref()) else {
            return Ok(());
        };
        let path = shown(&input.path);
        let message = format!("{at}: expected an output that is not read, found input `{path}`");
        Err(Error::usage(message).with_hint("write to another file, then move it"))
    }
}

/// Puts every table under its final name, all or none; returns them in table order.
///
/// - Errors: `OutputExists` if a name appeared meanwhile; `Io`. Nothing is published then.
pub(super) fn publish(
    rules: &Rules,
    workspace: &Workspace,
    tables: Vec<Staged>,
) -> Result<Vec<Published>, Error> {
    let mut published = Vec::with_capacity(tables.len());
    for table in &tables {
        published.push(Published {
            table_index: table.table_index,
            path: Some(workspace.shown_path_of(&table.target)),
            bytes: table.content.sync()?,
        });
    }
    for table in &tables {
        rules.check(workspace, &table.target)?;
    }
    let mut renames = Renames { overwrite: rules.overwrite, workspace, done: Vec::new() };
    match renames.run(tables) {
        Ok(()) => {
            renames.settle();
            Ok(published)
        }
        Err(cause) => Err(renames.take_back(cause)),
    }
}

/// The renames of one commit, for as long as they can be taken back.
struct Renames<'a> {
    overwrite: Overwrite,
    workspace: &'a Workspace,
    done: Vec<Rename>,
}

/// One name that was given to a new file, or is about to be.
struct Rename {
    target: PathBuf,
    shown: PathBuf,
    /// The new file.
    ours: FileId,
    /// Where the old file is, if there was one.
    old: Option<TempPath>,
}

impl Renames<'_> {
    fn run(&mut self, tables: Vec<Staged>) -> Result<(), Error> {
        let (main, children): (Vec<_>, Vec<_>) = tables.into_iter().partition(|t| t.is_main);
        if !children.is_empty() {
            for table in children {
                self.add(table)?;
            }
            // the main table tells that the set is complete, after a power cut too
            self.workspace.sync()?;
        }
        for table in main {
            self.add(table)?;
        }
        self.workspace.sync()?;
        self.workspace.keep()
    }

    fn add(&mut self, table: Staged) -> Result<(), Error> {
        let target = self.workspace.path_of(&table.target);
        let shown = self.workspace.shown_path_of(&table.target);
        let failed = |cause| io_error("renaming the finished file", &shown, cause);
        let old = match self.overwrite {
            Overwrite::Replace => self.save_old(&target).map_err(failed)?,
            Overwrite::Refuse => None,
        };
        let (temp, ours) = table.content.into_parts();
        // noted first: the old file may already lie elsewhere
        self.done.push(Rename { target: target.clone(), shown: shown.clone(), ours, old });
        match self.overwrite {
            Overwrite::Replace => temp.persist(&target).map_err(|failure| failed(failure.error)),
            Overwrite::Refuse => rename_new(temp, &target).map_err(|cause| match cause.kind() {
                IoKind::AlreadyExists => exists(&shown),
                _ => failed(cause),
            }),
        }
    }

    /// Gives the file at `target` a second, hidden name; nothing where there is none.
    fn save_old(&self, target: &Path) -> io::Result<Option<TempPath>> {
        let linked = self.workspace.make_hidden(|path| fs::hard_link(target, path));
        match linked {
            Ok(old) => return Ok(Some(old.into_temp_path())),
            Err(cause) if cause.kind() == IoKind::NotFound => return Ok(None),
            Err(cause) if !cannot(&cause) => return Err(cause),
            Err(_) => {}
        }
        // no hard links here: the old file steps aside until the new one is in place
        let old = self.workspace.make_hidden(|path| fs::File::create_new(path))?.into_temp_path();
        match fs::rename(target, &old) {
            Ok(()) => Ok(Some(old)),
            Err(cause) if cause.kind() == IoKind::NotFound => Ok(None),
            Err(cause) => Err(cause),
        }
    }

    /// Forgets the old files: there is no way back, and none is needed.
    fn settle(self) {
        // Each drop removes the hidden name of an old file. Should that fail, every output is
        // published all the same and calling the run failed would be the greater lie.
        drop(self.done);
    }

    /// Undoes every rename, newest first; returns `cause` with what could not be undone.
    fn take_back(self, cause: Error) -> Error {
        let mut left = Vec::new();
        for rename in self.done.into_iter().rev() {
            let at = shown(&rename.shown);
            if let Err(failure) = rename.take_back() {
                left.push(format!("`{at}` could not be put back: {failure}"));
            }
        }
        if let Err(failure) = self.workspace.sync() {
            left.push(failure.to_string());
        }
        if left.is_empty() { cause } else { cause.with_hint(left.join("; ")) }
    }
}

impl Rename {
    fn take_back(self) -> io::Result<()> {
        let now = match fs::symlink_metadata(&self.target) {
            Ok(metadata) => Some(metadata),
            Err(cause) if cause.kind() == IoKind::NotFound => None,
            Err(cause) => return Err(keep_old(self.old, cause)),
        };
        let id = |path: &Path| FileId::of(path, &fs::symlink_metadata(path).ok()?);
        let found = id(&self.target);
        let is_ours = found.as_ref() == Some(&self.ours);
        match (self.old, now) {
            (None, _) if is_ours => fs::remove_file(&self.target),
            (Some(old), None) => put_back(old, &self.target),
            (Some(old), Some(_)) if is_ours => put_back(old, &self.target),
            (Some(old), Some(_)) if id(&old) != found => {
                let cause = io::Error::new(IoKind::AlreadyExists, "another file has its name");
                Err(keep_old(Some(old), cause))
            }
            // the name still stands for the old file, or for what somebody else put there
            _ => Ok(()),
        }
    }
}

fn put_back(old: TempPath, target: &Path) -> io::Result<()> {
    old.persist(target).map_err(|failure| keep_old(Some(failure.path), failure.error))
}

/// Leaves an old file under its hidden name rather than lose it; says where.
fn keep_old(old: Option<TempPath>, cause: io::Error) -> io::Error {
    match old.map(TempPath::keep) {
        Some(Ok(path)) => {
            io::Error::new(cause.kind(), format!("{cause}; it is kept as `{}`", shown(&path)))
        }
        _ => cause,
    }
}

/// Renames to a name that must be free.
fn rename_new(temp: TempPath, target: &Path) -> io::Result<()> {
    let failure = match temp.persist_noclobber(target) {
        Ok(()) => return Ok(()),
        Err(failure) => failure,
    };
    if !cannot(&failure.error) {
        return Err(failure.error);
    }
    // neither an exclusive rename nor hard links, as on exFAT: look, then rename
    match fs::symlink_metadata(target) {
        Ok(_) => Err(IoKind::AlreadyExists.into()),
        Err(cause) if cause.kind() != IoKind::NotFound => Err(cause),
        Err(_) => failure.path.persist(target).map_err(|failure| failure.error),
    }
}

/// Tells a file system that lacks the call from one where the call failed.
fn cannot(cause: &io::Error) -> bool {
    matches!(cause.kind(), IoKind::Unsupported | IoKind::PermissionDenied | IoKind::InvalidInput)
}

fn exists(path: &Path) -> Error {
    Error::new(ErrorKind::OutputExists, format!("{}: exists", shown(path)))
        .with_hint("use `--force` to replace it")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // in tests a panic is the message
mod tests {
    use std::io::Write;
    use std::sync::Arc;

    use super::*;

    fn staged(workspace: &Arc<Workspace>, table_index: usize, name: &str) -> Staged {
        let content = workspace.scratch().unwrap();
        content.append().unwrap().write_all(b"new").unwrap();
        let is_main = table_index == 0;
        Staged { table_index, is_main, target: name.into(), file_name: name.into(), content }
    }

    fn files(folder: &Path) -> Vec<(String, String)> {
        let mut found: Vec<_> = (fs::read_dir(folder).unwrap().map(Result::unwrap))
            .map(|entry| {
                let content = fs::read_to_string(entry.path()).unwrap();
                (entry.file_name().into_string().unwrap(), content)
            })
            .collect();
        found.sort();
        found
    }

    fn owned(expected: &[(&str, &str)]) -> Vec<(String, String)> {
        expected.iter().map(|(name, text)| (name.to_string(), text.to_string())).collect()
    }

    /// Renames `a` and `b`, then meets what `spoil` did to `c`; returns the error and the files.
    fn half_done(
        overwrite: Overwrite,
        before: &[(&str, &str)],
        spoil: impl Fn(&Path, &Staged),
    ) -> (Error, Vec<(String, String)>) {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in before {
            fs::write(folder.path().join(name), text).unwrap();
        }
        let workspace = Workspace::create(folder.path()).unwrap();
        let tables: Vec<_> =
            ["a", "b", "c"].iter().map(|name| staged(&workspace, 1, name)).collect();
        spoil(folder.path(), &tables[2]);
        let mut renames = Renames { overwrite, workspace: &workspace, done: Vec::new() };
        let cause = renames.run(tables).expect_err("`c` is spoilt");
        assert_eq!(renames.done.len(), 3);
        (renames.take_back(cause), files(folder.path()))
    }

    #[test]
    fn a_name_that_appears_takes_all_renames_back() {
        let appear = |folder: &Path, _: &Staged| fs::write(folder.join("c"), "other").unwrap();
        let (error, left) = half_done(Overwrite::Refuse, &[("x", "old")], appear);
        assert_eq!(error.kind(), ErrorKind::OutputExists);
        assert_eq!(left, owned(&[("c", "other"), ("x", "old")]));
    }

    #[test]
    fn replaced_files_come_back() {
        let before = [("a", "old a"), ("c", "old c")];
        let vanish = |_: &Path, c: &Staged| fs::remove_file(c.content.path()).unwrap();
        let (error, left) = half_done(Overwrite::Replace, &before, vanish);
        assert_eq!(error.kind(), ErrorKind::Io);
        assert_eq!(error.hint(), None);
        assert_eq!(left, owned(&before));
    }

    #[test]
    fn an_old_file_that_stepped_aside_comes_back_or_is_kept() {
        for somebody_came in [false, true] {
            let folder = tempfile::tempdir().unwrap();
            let workspace = Workspace::create(folder.path()).unwrap();
            let target = folder.path().join("a");
            let old = workspace.make_hidden(|path| fs::write(path, "old")).unwrap();
            // stays until the end: a new file might get its number
            let (_temp, ours) = staged(&workspace, 0, "z").content.into_parts();
            if somebody_came {
                fs::write(&target, "other").unwrap();
            }
            let old = Some(old.into_temp_path());
            let taken = Rename { shown: target.clone(), target, ours, old }.take_back();
            let mut left = files(folder.path());
            left.retain(|(_, content)| content != "new");
            if somebody_came {
                assert!(taken.unwrap_err().to_string().contains("kept as `"));
                assert_eq!(left[0].1, "old");
                assert_eq!(left[1], ("a".into(), "other".into()));
            } else {
                taken.unwrap();
                assert_eq!(left, owned(&[("a", "old")]));
            }
        }
    }

    #[test]
    fn the_main_table_gets_its_name_last() {
        let folder = tempfile::tempdir().unwrap();
        let workspace = Workspace::create(folder.path()).unwrap();
        let tables = vec![staged(&workspace, 0, "main"), staged(&workspace, 1, "child")];
        let overwrite = Overwrite::Refuse;
        let mut renames = Renames { overwrite, workspace: &workspace, done: Vec::new() };
        renames.run(tables).unwrap();
        let order: Vec<_> = renames.done.iter().map(|r| r.target.file_name().unwrap()).collect();
        assert_eq!(order, ["child", "main"]);
    }
}
