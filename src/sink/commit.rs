//! All of a run's outputs or none.
//!
//! Content goes to the disk first. Then a new directory gets its name, in one rename; or, in
//! directories that exist, every file gets its name, child tables before the main one, and last of
//! all what says that a run is whole. A journal tells the next run what to finish should this one
//! die between two renames; one that fails takes all back.

use std::ffi::OsString;
use std::fs;
use std::io::{self, ErrorKind as IoKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::journal::{Change, Identity, Journal, Kept, is_hidden};
use super::local::{FileId, InputFile, kind_of};
use super::stage::{CreatedDirs, is_missing_call, rename_new, sync_directory};
use super::workspace::Workspace;
use super::{Overwrite, crash, io_error, recover, shown};
use crate::error::{Error, ErrorKind};

/// What may be replaced.
#[derive(Debug)]
pub(super) struct Rules {
    pub(super) overwrite: Overwrite,
    pub(super) inputs: Vec<InputFile>,
}

impl Rules {
    /// Checks that an output may get this name.
    ///
    /// `at` is `path` as the user wrote it.
    pub(super) fn check(&self, path: &Path, at: &Path) -> Result<(), Error> {
        if path.file_name().is_some_and(is_hidden) {
            let message = format!("{}: expected a name that is not a temporary one", shown(at));
            return Err(Error::usage(message).with_hint("choose another name"));
        }
        let found = match fs::symlink_metadata(path) {
            Ok(metadata) => metadata,
            Err(cause) if cause.kind() == IoKind::NotFound => return Ok(()),
            Err(cause) => return Err(io_error("looking it up", at, cause)),
        };
        // a rename replaces the link, not what it leads to; yet a link to a device, a directory or
        // an input is there for a reason
        let end = if found.is_symlink() { fs::metadata(path).ok() } else { Some(found) };
        if let Some(end) = end {
            let at = shown(at);
            if !end.is_file() {
                let hint = if end.is_dir() {
                    "choose another name, or give the directory itself as the output"
                } else {
                    "`-o -` writes to standard output"
                };
                let message = format!("{at}: expected a regular file, found {}", kind_of(&end));
                return Err(Error::usage(message).with_hint(hint));
            }
            self.check_not_input(FileId::of(path, &end), &at)?;
        }
        match self.overwrite {
            Overwrite::Replace => Ok(()),
            Overwrite::Refuse => Err(exists(at)),
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

/// Asks whether the outputs may get their names, once everything is on the disk.
pub(super) struct Gate(pub(super) Option<Box<dyn FnOnce() -> Result<(), Error> + Send>>);

impl Gate {
    pub(super) fn pass(&mut self) -> Result<(), Error> {
        self.0.take().map_or(Ok(()), |ask| ask())
    }
}

/// What is to happen in one directory.
pub(super) struct Group {
    pub(super) workspace: Arc<Workspace>,
    /// In this order.
    pub(super) planned: Vec<Planned>,
}

/// A name that is to get a new file, or to go.
pub(super) struct Planned {
    pub(super) target: OsString,
    pub(super) shown: PathBuf,
    /// Where the new file is, and how to know it again; nothing for a name that goes.
    pub(super) new: Option<(PathBuf, Identity)>,
}

/// Publishes all groups in their order, or nothing of any; the last one decides.
///
/// - Errors: `OutputExists` if a name appeared meanwhile; `Io`; what the gate says.
pub(super) fn publish(rules: &Rules, mut groups: Vec<Group>, mut gate: Gate) -> Result<(), Error> {
    if let Some(at) = groups.iter().position(|group| group.workspace.is_new()) {
        let mut home = groups.remove(at);
        if groups.is_empty() && publish_directory(&mut home, &mut gate)? {
            return Ok(());
        }
        groups.insert(at, move_in_place(home)?);
    }
    publish_files(rules, groups, &mut gate)
}

/// Gives a new directory its name; returns whether that was possible, as it may have appeared.
fn publish_directory(group: &mut Group, gate: &mut Gate) -> Result<bool, Error> {
    let workspace = &group.workspace;
    let (directory, stage) = (workspace.directory(), workspace.stage());
    for planned in &mut group.planned {
        let Some((path, _)) = &mut planned.new else { continue };
        let named = stage.path().join(&planned.target);
        rename_new(path, &named)
            .map_err(|cause| io_error("renaming the finished file", &planned.shown, cause))?;
        *path = named;
        crash::point();
    }
    let failed = |cause| io_error("making the directory", &workspace.shown_dir(), cause);
    stage.remove_hidden_files().map_err(failed)?;
    sync_directory(stage.path()).map_err(failed)?;
    gate.pass()?;
    let parent = directory.parent().unwrap_or(directory);
    let created = CreatedDirs::make(parent).map_err(failed)?;
    crash::point();
    match rename_new(stage.path(), directory) {
        Ok(()) => {}
        Err(cause) if matches!(cause.kind(), IoKind::AlreadyExists | IoKind::DirectoryNotEmpty) => {
            return Ok(false);
        }
        Err(cause) => return Err(failed(cause)),
    }
    crash::point();
    let synced = sync_directory(parent).map_err(failed).and_then(|()| created.keep());
    if let Err(error) = synced {
        return Err(match rename_new(directory, stage.path()) {
            Ok(()) => error,
            Err(cause) => {
                stage.leave();
                error.with_hint(format!("`{}` is there and stays: {cause}", shown(directory)))
            }
        });
    }
    stage.leave();
    Ok(true)
}

/// Moves what waits beside a new directory into the directory, hidden still.
fn move_in_place(group: Group) -> Result<Group, Error> {
    let workspace = group.workspace.open_in_place()?;
    let mut planned = group.planned;
    for planned in &mut planned {
        let Some((path, _)) = &mut planned.new else { continue };
        let waiting = workspace.stage().fresh();
        rename_new(path, &waiting)
            .map_err(|cause| io_error("renaming the finished file", &planned.shown, cause))?;
        *path = waiting;
        crash::point();
    }
    Ok(Group { workspace, planned })
}

fn publish_files(rules: &Rules, groups: Vec<Group>, gate: &mut Gate) -> Result<(), Error> {
    let directories: Vec<_> = groups.iter().map(|group| group.workspace.directory()).collect();
    let settled = recover::settle(&directories)?;
    for (group, planned) in groups.iter().flat_map(|g| g.planned.iter().map(move |p| (g, p))) {
        rules.check(&group.workspace.path_of(&planned.target), &planned.shown)?;
    }
    let mut parts = Vec::new();
    for group in groups {
        parts.push(Part::prepare(group)?);
    }
    parts.retain(|part| !part.changes.is_empty());
    let mut commit = Commit { overwrite: rules.overwrite, parts, has_journal: false };
    commit.decide(gate)?;
    match commit.apply() {
        Ok(()) => commit.settle(),
        Err(cause) => return Err(commit.take_back(cause)),
    }
    drop(settled);
    Ok(())
}

/// A commit in directories that exist; the last part decides.
struct Commit {
    overwrite: Overwrite,
    parts: Vec<Part>,
    has_journal: bool,
}

/// What a commit changes in one directory.
struct Part {
    workspace: Arc<Workspace>,
    changes: Vec<Change>,
    /// The names as the user knows them.
    shown: Vec<PathBuf>,
}

impl Part {
    /// Notes what has the names now, and keeps it under a second, hidden name where that is possible.
    fn prepare(group: Group) -> Result<Part, Error> {
        let Group { workspace, planned } = group;
        let mut part = Part { workspace, changes: Vec::new(), shown: Vec::new() };
        for planned in planned {
            let kept =
                |path: &Path, identity| Some(Kept { name: path.file_name()?.to_owned(), identity });
            let target = part.workspace.path_of(&planned.target);
            let backup = part.workspace.stage().fresh();
            let found = match &planned.new {
                Some(_) => keep_old(&target, &backup),
                // is renamed itself when its turn comes
                None => Identity::at(&target),
            };
            let failed = |cause| io_error("keeping the old file", &planned.shown, cause);
            let old = found.map_err(failed)?.and_then(|identity| kept(&backup, identity));
            let new = planned.new.and_then(|(path, identity)| kept(&path, identity));
            if new.is_some() || old.is_some() {
                part.changes.push(Change { target: planned.target, new, old });
                part.shown.push(planned.shown);
            }
            crash::point();
        }
        Ok(part)
    }

    fn directory(&self) -> &Path {
        self.workspace.directory()
    }

    fn stage(&self) -> &Path {
        self.workspace.stage().path()
    }
}

/// Gives the file at `target` a second, hidden name; nothing where there is none.
fn keep_old(target: &Path, backup: &Path) -> io::Result<Option<Identity>> {
    match fs::hard_link(target, backup) {
        Ok(()) => Identity::at(backup),
        Err(cause) if cause.kind() == IoKind::NotFound => Ok(None),
        // no hard links here: the old file will step aside
        Err(cause) if is_missing_call(&cause) => Identity::at(target),
        Err(cause) => Err(cause),
    }
}

impl Commit {
    /// Writes down what is about to happen; when this returns, the commit is to be finished.
    ///
    /// A single name that nobody has needs no journal: its rename is all there is.
    fn decide(&mut self, gate: &mut Gate) -> Result<(), Error> {
        let changes = || self.parts.iter().flat_map(|part| &part.changes);
        let is_simple = changes().count() <= 1 && changes().all(|change| change.old.is_none());
        let Some((last, others)) = self.parts.split_last().filter(|_| !is_simple) else {
            return gate.pass();
        };
        let failed = |part: &Part, cause| {
            io_error("writing down what is published", &part.workspace.shown_dir(), cause)
        };
        for part in others {
            let mut journal = Journal::new(part.changes.clone());
            journal.decided_in = Some(last.stage().into());
            journal.write(part.stage()).map_err(|cause| failed(part, cause))?;
        }
        gate.pass()?;
        let mut journal = Journal::new(last.changes.clone());
        journal.others = others.iter().map(|part| part.stage().into()).collect();
        journal.write(last.stage()).map_err(|cause| {
            // nobody may finish what we call failed
            let _ = Journal::remove(last.stage());
            failed(last, cause)
        })?;
        self.has_journal = true;
        Ok(())
    }

    fn apply(&self) -> Result<(), Error> {
        for part in &self.parts {
            for (change, shown) in part.changes.iter().zip(&part.shown) {
                crash::point();
                let applied = change.apply(part.directory(), part.stage());
                applied.map_err(|cause| match cause.kind() {
                    IoKind::AlreadyExists if self.overwrite == Overwrite::Refuse => exists(shown),
                    _ => io_error("renaming the finished file", shown, cause),
                })?;
            }
        }
        crash::point();
        for part in &self.parts {
            part.workspace.sync()?;
            part.workspace.keep()?;
        }
        Ok(())
    }

    /// Forgets the old files: there is no way back, and none is needed.
    fn settle(self) {
        crash::point();
        if let Some(last) = self.parts.last() {
            // Should that fail, every output is published all the same, and calling the run failed
            // would be the greater lie; the next run finds that there is nothing to finish.
            let _ = Journal::remove(last.stage());
        }
        for part in &self.parts {
            crash::point();
            part.workspace.stage().remove();
        }
    }

    /// Undoes every rename, newest first; returns `cause` with what could not be undone.
    fn take_back(self, cause: Error) -> Error {
        let mut left = Vec::new();
        if self.has_journal
            && let Some(last) = self.parts.last()
            && let Err(failure) = Journal::turn_round(last.stage())
        {
            left.push(format!("`{}` could not be written: {failure}", shown(last.stage())));
        }
        for part in self.parts.iter().rev() {
            for (change, at) in part.changes.iter().zip(&part.shown).rev() {
                crash::point();
                if let Err(failure) = change.take_back(part.directory(), part.stage()) {
                    left.push(format!("`{}` could not be put back: {failure}", shown(at)));
                }
            }
            if let Err(failure) = part.workspace.sync() {
                left.push(failure.to_string());
            }
        }
        if left.is_empty() {
            if let Some(last) = self.parts.last() {
                let _ = Journal::remove(last.stage());
            }
            return cause;
        }
        for part in &self.parts {
            // it holds what could not be put back; the next run tries again
            part.workspace.stage().leave();
        }
        left.extend(cause.hint().map(str::to_owned));
        cause.with_hint(left.join("; "))
    }
}

fn exists(path: &Path) -> Error {
    Error::new(ErrorKind::OutputExists, format!("{}: exists", shown(path)))
        .with_hint("use `--force` to replace it")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // in tests a panic is the message
mod tests {
    use std::io::Write;

    use super::super::stage::Trail;
    use super::super::{Access, local::Scratch};
    use super::*;

    type Files = Vec<(String, String)>;

    fn files(folder: &Path) -> Files {
        let mut found: Vec<_> = (fs::read_dir(folder).unwrap().map(Result::unwrap))
            .map(|entry| {
                let content = fs::read_to_string(entry.path()).unwrap_or_default();
                (entry.file_name().into_string().unwrap(), content)
            })
            .collect();
        found.sort();
        found
    }

    fn owned(expected: &[(&str, &str)]) -> Files {
        expected.iter().map(|(name, text)| (name.to_string(), text.to_string())).collect()
    }

    fn group(workspace: &Arc<Workspace>, names: &[&str]) -> (Group, Vec<Scratch>) {
        let mut contents = Vec::new();
        let planned = names.iter().map(|name| {
            let content = workspace.scratch(Access::Umask).unwrap();
            content.append().unwrap().write_all(b"new").unwrap();
            let (_, identity) = content.sync().unwrap();
            let path = content.path().to_owned();
            contents.push(content);
            Planned { target: name.into(), shown: name.into(), new: Some((path, identity)) }
        });
        let planned = planned.collect();
        (Group { workspace: Arc::clone(workspace), planned }, contents)
    }

    /// Publishes `a`, `b` and `c` and meets what `spoil` did to `c`; returns the error and the files.
    fn half_done(
        overwrite: Overwrite,
        before: &[(&str, &str)],
        spoil: impl FnOnce(&Path, &Path),
    ) -> (Error, Files) {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in before {
            fs::write(folder.path().join(name), text).unwrap();
        }
        let workspace = Workspace::open(folder.path(), &Trail::default()).unwrap().0;
        let (group, contents) = group(&workspace, &["a", "b", "c"]);
        drop(workspace);
        // after the last look at the names
        let (c, at) = (contents[2].path().to_owned(), folder.path().to_owned());
        let parts = vec![Part::prepare(group).unwrap()];
        let mut commit = Commit { overwrite, parts, has_journal: false };
        commit.decide(&mut Gate(None)).unwrap();
        spoil(&at, &c);
        let cause = commit.apply().expect_err("`c` is spoilt");
        let error = commit.take_back(cause);
        drop(contents);
        (error, files(folder.path()))
    }

    #[test]
    fn a_name_that_appears_takes_all_renames_back() {
        let appear = |folder: &Path, _: &Path| fs::write(folder.join("c"), "other").unwrap();
        let (error, left) = half_done(Overwrite::Refuse, &[("x", "old")], appear);
        assert_eq!(error.kind(), ErrorKind::OutputExists);
        assert_eq!(left, owned(&[("c", "other"), ("x", "old")]));
    }

    #[test]
    fn replaced_files_come_back() {
        let before = [("a", "old a"), ("c", "old c")];
        let vanish = |_: &Path, c: &Path| fs::remove_file(c).unwrap();
        let (error, left) = half_done(Overwrite::Replace, &before, vanish);
        assert_eq!(error.kind(), ErrorKind::Io);
        assert_eq!(error.hint(), None);
        assert_eq!(left, owned(&before));
    }

    #[test]
    fn an_old_file_whose_name_is_taken_is_kept_and_named() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("a"), "old").unwrap();
        let workspace = Workspace::open(folder.path(), &Trail::default()).unwrap().0;
        let (group, contents) = group(&workspace, &["a"]);
        let stage = workspace.stage().path().to_owned();
        let parts = vec![Part::prepare(group).unwrap()];
        let mut commit = Commit { overwrite: Overwrite::Replace, parts, has_journal: false };
        commit.decide(&mut Gate(None)).unwrap();
        commit.apply().unwrap();
        fs::write(at("b"), "other").unwrap();
        fs::rename(at("b"), at("a")).unwrap();
        let error = commit.take_back(Error::new(ErrorKind::Io, "late"));
        assert!(error.hint().unwrap().contains("the old one is kept as `"), "{error:?}");
        drop((contents, workspace));
        assert_eq!(fs::read_to_string(at("a")).unwrap(), "other");
        assert!(files(&stage).iter().any(|(_, content)| content == "old"));
        // it stays until somebody has looked
        let (again, notes) = Workspace::open(folder.path(), &Trail::default()).unwrap();
        assert!(!notes[0].is_settled && notes[0].text.contains("kept as `"), "{notes:?}");
        drop(again);
        assert!(stage.is_dir());
    }

    #[test]
    fn where_files_have_one_name_only_the_old_one_steps_aside() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a"), "old").unwrap();
        for back in [true, false] {
            let workspace = Workspace::open(folder.path(), &Trail::default()).unwrap().0;
            let (group, _contents) = group(&workspace, &["a"]);
            let part = Part::prepare(group).unwrap();
            let backup = part.stage().join(&part.changes[0].old.as_ref().unwrap().name);
            fs::remove_file(&backup).unwrap();
            let parts = vec![part];
            let commit = Commit { overwrite: Overwrite::Replace, parts, has_journal: false };
            commit.apply().unwrap();
            assert_eq!(fs::read_to_string(&backup).unwrap(), "old");
            if back {
                commit.take_back(Error::new(ErrorKind::Io, "late"));
            } else {
                commit.settle();
            }
            let expected = if back { "old" } else { "new" };
            let mut left = files(folder.path());
            left.retain(|(name, _)| !name.starts_with('.'));
            assert_eq!(left, owned(&[("a", expected)]));
        }
    }

    #[test]
    fn a_gate_that_is_shut_publishes_nothing() {
        for is_new in [false, true] {
            let folder = tempfile::tempdir().unwrap();
            let out = if is_new { folder.path().join("out") } else { folder.path().to_owned() };
            let workspace = Workspace::create(&out, &Trail::default()).unwrap().0;
            let (group, contents) = group(&workspace, &["a", "b"]);
            drop(workspace);
            let rules = Rules { overwrite: Overwrite::Refuse, inputs: Vec::new() };
            let shut = || Err(Error::new(ErrorKind::Interrupted { signal: 15 }, "stop"));
            let error = publish(&rules, vec![group], Gate(Some(Box::new(shut)))).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Interrupted { signal: 15 });
            drop(contents);
            assert_eq!(files(folder.path()), owned(&[]));
        }
    }
}
