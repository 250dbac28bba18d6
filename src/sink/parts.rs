//! Tables in part files, each published by itself as soon as it is complete.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use super::local::InputFile;
use super::names::FileNames;
use super::{Destination, Overwrite, Sink, SinkOptions, Staged, io_error, shown};
use crate::error::{Error, ErrorKind};
use crate::retry::Retry;

/// The directories of tables that are written in parts.
#[derive(Debug)]
pub(crate) struct PartFiles {
    root: PathBuf,
    extension: &'static str,
    overwrite: Overwrite,
    inputs: Vec<InputFile>,
    retry: Retry,
    names: FileNames,
}

/// The parts of one table.
#[derive(Debug)]
pub(crate) struct PartTable {
    directory: PathBuf,
    /// Parts so far.
    count: usize,
    /// Files of an earlier run that go with the first part.
    old: Vec<PathBuf>,
}

/// A part on its way.
pub(crate) struct Part {
    sink: Sink,
}

impl PartFiles {
    /// Makes the directory of the tables, where it is missing.
    ///
    /// - Errors: `Io`.
    pub(crate) fn open(
        root: &Path,
        extension: &'static str,
        overwrite: Overwrite,
        retry: &Retry,
    ) -> Result<Self, Error> {
        fs::create_dir_all(root).map_err(|cause| io_error("making the directory", root, cause))?;
        Ok(PartFiles {
            root: root.to_owned(),
            extension,
            overwrite,
            inputs: Vec::new(),
            retry: retry.clone(),
            names: FileNames::new(""),
        })
    }

    /// Makes sure that no part replaces one of `inputs`.
    pub(crate) fn refuse_inputs(&mut self, inputs: Vec<InputFile>) {
        self.inputs = inputs;
    }

    /// Chooses the directory of a table; nothing is made yet.
    ///
    /// - Errors: `OutputExists` if there are parts in it.
    pub(crate) fn table(&mut self, name: &str) -> Result<PartTable, Error> {
        let chosen = self.names.choose(name);
        let directory = self.root.join(chosen);
        let old = self.parts_in(&directory)?;
        if !old.is_empty() && self.overwrite == Overwrite::Refuse {
            let at = shown(&directory);
            let message = format!("{at}: expected no part files, found {}", old.len());
            return Err(Error::new(ErrorKind::OutputExists, message)
                .with_hint("choose another directory, or replace them with `--force`"));
        }
        Ok(PartTable { directory, count: 0, old })
    }

    fn parts_in(&self, directory: &Path) -> Result<Vec<PathBuf>, Error> {
        let failed = |cause| io_error("reading the directory", directory, cause);
        let entries = match fs::read_dir(directory) {
            Ok(entries) => entries,
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(cause) if cause.kind() == std::io::ErrorKind::NotADirectory => {
                let message = format!("{}: expected a directory, found a file", shown(directory));
                return Err(Error::new(ErrorKind::OutputExists, message)
                    .with_hint("choose another directory: part files need one for each table"));
            }
            Err(cause) => return Err(failed(cause)),
        };
        let mut parts = Vec::new();
        for entry in entries {
            let name = entry.map_err(failed)?.file_name();
            if self.is_part(&name) {
                parts.push(directory.join(name));
            }
        }
        parts.sort();
        Ok(parts)
    }

    fn is_part(&self, name: &OsStr) -> bool {
        let number = name.to_str().and_then(|name| {
            name.strip_prefix("part-")?.strip_suffix(self.extension)?.strip_suffix('.')
        });
        number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
    }

    /// Begins the next part of a table.
    ///
    /// - Errors: `OutputExists`; `Usage` where it is an input; `Io`.
    pub(crate) fn begin(
        &self,
        table_index: usize,
        table: &PartTable,
    ) -> Result<(Part, Staged), Error> {
        fs::create_dir_all(&table.directory)
            .map_err(|cause| io_error("making the directory", &table.directory, cause))?;
        let name = format!("part-{:05}.{}", table.count, self.extension);
        let mut sink = Sink::open(SinkOptions {
            overwrite: self.overwrite,
            ..SinkOptions::new(Destination::File(table.directory.join(&name)), self.extension)
        })?;
        sink.refuse_inputs(self.inputs.clone())?;
        sink.retry_with(self.retry.clone());
        let staged = sink.create(table_index, &name, true)?;
        Ok((Part { sink }, staged))
    }

    /// Publishes a part: it is on the disk, name included, when this returns. Those of an earlier
    /// run go with the first one.
    ///
    /// - Errors: `OutputExists` if its name appeared meanwhile; `Io`.
    pub(crate) fn publish(
        &self,
        table: &mut PartTable,
        part: Part,
        staged: Staged,
    ) -> Result<(), Error> {
        for old in table.old.drain(..) {
            fs::remove_file(&old).map_err(|cause| io_error("removing it", &old, cause))?;
        }
        part.sink.commit(vec![staged], Vec::new(), Vec::new())?;
        table.count += 1;
        Ok(())
    }
}

impl PartTable {
    /// Returns the directory, as users wrote its start.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Returns how many parts were published.
    pub(crate) fn count(&self) -> usize {
        self.count
    }
}

impl Drop for PartFiles {
    fn drop(&mut self) {
        // only where it is empty: a run that wrote nothing leaves nothing
        let _ = fs::remove_dir(&self.root);
    }
}
