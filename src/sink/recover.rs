//! What dead runs have left: commits are finished or taken back, the rest is removed.
//!
//! A run is dead if the lock of its hidden directory can be had. Everything happens with the
//! directories of the outputs locked, so nobody commits meanwhile.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, ErrorKind as IoKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::journal::{Journal, State, is_hidden, is_own};
use super::lock::{self, Attempt, DirLock};
use super::stage::{names_in, remove_tree, sync_directory};
use super::{crash, io_error, shown};
use crate::error::{Error, ErrorKind};

/// Directories in which nobody else commits until this is dropped, and no dead run's commit waits.
#[derive(Debug)]
pub(super) struct Settled {
    /// What was done, for people.
    notes: Vec<Note>,
    _locks: Vec<DirLock>,
}

impl Settled {
    /// Unlocks; returns what was done.
    pub(super) fn into_notes(self) -> Vec<Note> {
        self.notes
    }
}

/// What was found of a dead run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Whether all is well now.
    pub is_settled: bool,
    /// What was found and done.
    pub text: String,
}

/// What a dead run has left in one directory.
struct Dead {
    directory: PathBuf,
    stage: PathBuf,
    state: State,
    _lock: DirLock,
}

/// How to go on after a look at the directories.
enum Look {
    /// Everything that belongs together was seen.
    Whole(Vec<Dead>),
    /// A commit reaches into these directories as well.
    Wider(Vec<PathBuf>),
}

/// How long a commit waits for another in the same directory: renames take moments.
const COMMIT_PATIENCE: Duration = Duration::from_secs(60);

/// How long a run waits at its start. A directory that everybody can lock, such as the one for
/// temporary files, must not hold it up, and what is not settled then is settled by the commit.
const START_PATIENCE: Duration = Duration::from_millis(500);

/// Locks `directories` and settles what dead runs have left in them.
///
/// - Errors: `Io`, also if somebody else has a lock for long.
pub(super) fn settle(directories: &[&Path]) -> Result<Settled, Error> {
    settle_within(directories, COMMIT_PATIENCE)?.map_err(|busy| {
        let message = format!("{}: another run has been publishing for a minute", shown(&busy));
        Error::new(ErrorKind::Io, message).with_hint("wait until it has ended, then run again")
    })
}

/// Settles what dead runs have left in a directory, unless somebody else has its lock.
pub(super) fn settle_if_free(directory: &Path) -> Result<Settled, Error> {
    let settled = settle_within(&[directory], START_PATIENCE)?;
    Ok(settled.unwrap_or_else(|_| Settled { notes: Vec::new(), _locks: Vec::new() }))
}

/// Does what `settle` does, or returns the directory whose lock could not be had.
fn settle_within(
    directories: &[&Path],
    patience: Duration,
) -> Result<Result<Settled, PathBuf>, Error> {
    let mut wanted: Vec<PathBuf> = directories.iter().map(|path| path.to_path_buf()).collect();
    loop {
        // in one order, so that two runs never wait for each other
        wanted.sort();
        wanted.dedup();
        let mut locks = Vec::new();
        let mut lockable = Vec::new();
        for directory in &wanted {
            match lock::wait(directory, patience)? {
                Attempt::Busy => return Ok(Err(directory.clone())),
                Attempt::Unsupported => {}
                Attempt::Locked(lock) => {
                    locks.push(lock);
                    lockable.push(directory.clone());
                }
            }
        }
        let looked = look(&lockable);
        match looked.map_err(|(at, cause)| io_error("looking for leftovers", &at, cause))? {
            Look::Wider(more) => wanted.extend(more),
            Look::Whole(dead) => {
                return Ok(Ok(Settled { notes: settle_all(dead)?, _locks: locks }));
            }
        }
    }
}

type Failed = (PathBuf, io::Error);

fn look(directories: &[PathBuf]) -> Result<Look, Failed> {
    let mut found = Vec::new();
    let mut more = Vec::new();
    for directory in directories {
        let failed = |cause| (directory.clone(), cause);
        for name in names_in(directory).map_err(failed)? {
            let Some(dead) = dead_at(directory, &name).map_err(failed)? else { continue };
            if let State::Forward(journal) | State::Backward(journal) = &dead.state {
                let named = journal.decided_in.iter().chain(&journal.others);
                more.extend(named.filter_map(|stage| home_of(Path::new(stage))));
            }
            found.push(dead);
        }
    }
    more.retain(|directory| !directories.contains(directory));
    Ok(if more.is_empty() { Look::Whole(found) } else { Look::Wider(more) })
}

/// Returns the directory of the outputs of a hidden directory, if there is such a one.
///
/// Where it cannot be locked nothing was committed across directories, or nothing can be done.
fn home_of(stage: &Path) -> Option<PathBuf> {
    let is_ours = stage.file_name().is_some_and(is_hidden);
    let home = fs::canonicalize(stage.parent()?).ok()?;
    let is_stage = fs::symlink_metadata(stage).is_ok_and(|m| m.is_dir() && is_own(&m));
    let can_lock = || matches!(lock::attempt(&home), Ok(Attempt::Locked(_) | Attempt::Busy));
    (is_ours && is_stage && home.join(stage.file_name()?) == stage && can_lock()).then_some(home)
}

/// Returns what lies under a hidden name if its run is dead.
fn dead_at(directory: &Path, name: &OsStr) -> io::Result<Option<Dead>> {
    let stage = directory.join(name);
    if !is_hidden(name) || !fs::symlink_metadata(&stage).is_ok_and(|m| m.is_dir() && is_own(&m)) {
        return Ok(None);
    }
    let lock = match lock::attempt(&stage) {
        Ok(Attempt::Locked(lock)) => lock,
        Ok(Attempt::Busy | Attempt::Unsupported) => return Ok(None),
        Err(cause) if cause.kind() == IoKind::NotFound => return Ok(None),
        Err(cause) => return Err(cause),
    };
    if !stage.exists() {
        return Ok(None);
    }
    let state = Journal::read(&stage)?;
    Ok(Some(Dead { directory: directory.to_owned(), stage, state, _lock: lock }))
}

/// Settles commits first, each with all its directories; then removes what never came so far.
fn settle_all(dead: Vec<Dead>) -> Result<Vec<Note>, Error> {
    let mut by_stage: BTreeMap<PathBuf, Dead> =
        dead.into_iter().map(|dead| (dead.stage.clone(), dead)).collect();
    let mut notes = Vec::new();
    let decides = |dead: &&Dead| matches!(&dead.state, State::Forward(j) | State::Backward(j) if j.decided_in.is_none());
    let deciding: Vec<_> = by_stage.values().filter(decides).map(|d| d.stage.clone()).collect();
    for stage in deciding {
        let Some(decider) = by_stage.remove(&stage) else { continue };
        let parts = take_parts(&decider, &mut by_stage);
        notes.push(settle_commit(decider, parts)?);
    }
    let seen: Vec<_> = by_stage.keys().cloned().collect();
    for dead in by_stage.into_values() {
        notes.extend(remove(dead, &seen)?);
    }
    Ok(notes)
}

/// Takes the other directories of a commit, which must name it as theirs.
fn take_parts(decider: &Dead, by_stage: &mut BTreeMap<PathBuf, Dead>) -> Vec<Dead> {
    let (State::Forward(journal) | State::Backward(journal)) = &decider.state else {
        return Vec::new();
    };
    let names_us = |dead: &Dead| match &dead.state {
        State::Forward(part) => part.decided_in.as_deref() == Some(decider.stage.as_os_str()),
        _ => false,
    };
    let mut parts = Vec::new();
    for other in &journal.others {
        let path = Path::new(other);
        if by_stage.get(path).is_some_and(names_us) {
            parts.extend(by_stage.remove(path));
        }
    }
    parts
}

fn journal_of(dead: &Dead) -> Option<&Journal> {
    match &dead.state {
        State::Forward(journal) | State::Backward(journal) => Some(journal),
        State::Undecided | State::Damaged(_) => None,
    }
}

/// Finishes a commit, or takes it back where that is what was begun or all that is possible.
fn settle_commit(decider: Dead, parts: Vec<Dead>) -> Result<Note, Error> {
    let failed = |dead: &Dead, cause| {
        io_error("finishing what an interrupted run had begun", &dead.stage, cause)
    };
    let all: Vec<&Dead> = parts.iter().chain([&decider]).collect();
    let mut forward = matches!(decider.state, State::Forward(_));
    for dead in &all {
        let Some(journal) = journal_of(dead) else { continue };
        let can = journal.can_finish(&dead.directory, &dead.stage);
        forward = forward && can.map_err(|cause| failed(dead, cause))?;
    }
    if !forward && matches!(decider.state, State::Forward(_)) {
        Journal::turn_round(&decider.stage).map_err(|cause| failed(&decider, cause))?;
    }
    let mut kept = Vec::new();
    for dead in &all {
        let Some(journal) = journal_of(dead) else { continue };
        for change in &journal.changes {
            crash::point();
            if forward {
                let (directory, stage) = (&dead.directory, &dead.stage);
                let applied = change.is_done(directory, stage).and_then(|is_done| match is_done {
                    true => Ok(()),
                    false => change.apply(directory, stage),
                });
                applied.map_err(|cause| failed(dead, cause))?;
            } else if let Err(cause) = change.take_back(&dead.directory, &dead.stage) {
                let target = shown(&dead.directory.join(&change.target));
                kept.push(format!("`{target}` could not be put back: {cause}"));
            }
        }
        sync_directory(&dead.directory).map_err(|cause| failed(dead, cause))?;
    }
    let count: usize =
        all.iter().filter_map(|dead| journal_of(dead)).map(|j| j.changes.len()).sum();
    let at = shown(&decider.directory);
    if !kept.is_empty() {
        return Ok(Note { is_settled: false, text: kept.join("; ") });
    }
    // without a journal that decides, the others are nothing but leftovers
    Journal::remove(&decider.stage).map_err(|cause| failed(&decider, cause))?;
    for dead in &all {
        crash::point();
        // the next run finds it again
        let _ = remove_tree(&dead.stage);
    }
    let done = if forward { "finished" } else { "taken back" };
    let files = if count == 1 { "file" } else { "files" };
    let text = format!("{at}: publishing {count} {files} had been interrupted and was {done}");
    Ok(Note { is_settled: true, text })
}

/// Removes what never was published, `seen` being all that is left of dead runs.
fn remove(dead: Dead, seen: &[PathBuf]) -> Result<Option<Note>, Error> {
    let at = shown(&dead.stage);
    let left = |text| Ok(Some(Note { is_settled: false, text }));
    if let State::Damaged(why) = &dead.state {
        return left(format!("`{at}` was left alone, as its journal cannot be used: {why}"));
    }
    if let Some(decider) = journal_of(&dead).and_then(|journal| journal.decided_in.as_ref()) {
        let decider = PathBuf::from(decider);
        let is_home_there = decider.parent().is_some_and(Path::is_dir);
        if !is_home_there || (decider.exists() && !seen.contains(&decider)) {
            // on a disk that is not there, perhaps
            let decider = shown(&decider);
            return left(format!("`{at}` was left alone, as it is a part of `{decider}`"));
        }
    }
    crash::point();
    if let Err(cause) = remove_tree(&dead.stage) {
        return left(format!("`{at}` is left of an interrupted run, removing it failed: {cause}"));
    }
    let text =
        format!("{}: unfinished files of an interrupted run were removed", shown(&dead.directory));
    Ok(Some(Note { is_settled: true, text }))
}
