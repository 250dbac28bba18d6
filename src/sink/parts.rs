//! Tables in part files, or objects, each published by itself as soon as it is complete.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use super::local::InputFile;
use super::names::FileNames;
#[cfg(feature = "cloud")]
use super::remote::Remote;
use super::{Destination, Overwrite, Sink, SinkOptions, Staged, check_store, io_error, shown};
use crate::convert::Cancel;
use crate::error::{Error, ErrorKind};
use crate::retry::Retry;
use crate::store::Stores;
use crate::store::url::StoreUrl;

/// The directories of tables that are written in parts.
#[derive(Debug)]
pub(crate) struct PartFiles {
    root: Root,
    extension: &'static str,
    overwrite: Overwrite,
    inputs: Vec<InputFile>,
    retry: Retry,
    stores: Stores,
    cancel: Cancel,
    names: FileNames,
}

/// Where the directories of tables are.
#[derive(Debug, Clone)]
pub(crate) enum Root {
    Directory(PathBuf),
    Prefix(StoreUrl),
}

/// The parts of one table.
#[derive(Debug)]
pub(crate) struct PartTable {
    place: Root,
    /// The place as users wrote its start.
    shown: PathBuf,
    /// Parts so far.
    count: usize,
    /// Parts of an earlier run that go with the first one.
    old: Old,
}

/// Parts of an earlier run.
#[derive(Debug, Default)]
struct Old {
    files: Vec<PathBuf>,
    objects: Vec<StoreUrl>,
}

/// A part on its way.
pub(crate) struct Part {
    sink: Sink,
}

impl PartFiles {
    /// Makes the directory of the tables, where it is missing.
    ///
    /// - Errors: `Usage` for what is no object store; `Io`.
    pub(crate) fn open(
        root: Root,
        extension: &'static str,
        overwrite: Overwrite,
        retry: &Retry,
        (stores, cancel): (Stores, Cancel),
    ) -> Result<Self, Error> {
        match &root {
            Root::Directory(root) => fs::create_dir_all(root)
                .map_err(|cause| io_error("making the directory", root, cause))?,
            Root::Prefix(url) => check_store(url)?,
        }
        Ok(PartFiles {
            root,
            stores,
            cancel,
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
        let (place, shown, old) = match &self.root {
            Root::Directory(root) => {
                let directory = root.join(chosen);
                let old = Old { files: self.parts_in(&directory)?, objects: Vec::new() };
                (Root::Directory(directory.clone()), directory, old)
            }
            Root::Prefix(url) => {
                let below = url.join(&format!("{chosen}/"));
                let old = Old { files: Vec::new(), objects: self.parts_below(&below)? };
                let shown = PathBuf::from(below.shown().trim_end_matches('/'));
                (Root::Prefix(below), shown, old)
            }
        };
        let found = old.files.len() + old.objects.len();
        if found > 0 && self.overwrite == Overwrite::Refuse {
            let at = super::shown(&shown);
            let message = format!("{at}: expected no part files, found {found}");
            return Err(Error::new(ErrorKind::OutputExists, message)
                .with_hint("choose another directory, or replace them with `--force`"));
        }
        Ok(PartTable { place, shown, count: 0, old })
    }

    /// Lists the parts that are objects right below a prefix.
    #[cfg(feature = "cloud")]
    fn parts_below(&self, url: &StoreUrl) -> Result<Vec<StoreUrl>, Error> {
        let is_part = |object: &StoreUrl| {
            object.parent().is_same(url) && self.is_part(object.file_name().as_ref())
        };
        Ok(self.remote().list(url)?.into_iter().filter(is_part).collect())
    }

    #[cfg(not(feature = "cloud"))]
    fn parts_below(&self, url: &StoreUrl) -> Result<Vec<StoreUrl>, Error> {
        Err(crate::store::absent(url))
    }

    #[cfg(feature = "cloud")]
    fn remote(&self) -> Remote {
        Remote {
            stores: self.stores.clone(),
            retry: self.stores.retry(self.cancel.clone()).writes,
            overwrite: self.overwrite,
        }
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
        let name = format!("part-{:05}.{}", table.count, self.extension);
        let destination = match &table.place {
            Root::Directory(directory) => {
                fs::create_dir_all(directory)
                    .map_err(|cause| io_error("making the directory", directory, cause))?;
                Destination::File(directory.join(&name))
            }
            Root::Prefix(url) => Destination::Object(url.join(&name)),
        };
        let mut sink = Sink::open(SinkOptions {
            overwrite: self.overwrite,
            stores: self.stores.clone(),
            cancel: self.cancel.clone(),
            ..SinkOptions::new(destination, self.extension)
        })?;
        sink.refuse_inputs(self.inputs.clone())?;
        sink.retry_with(self.retry.clone());
        let staged = sink.create(table_index, &name, true)?;
        Ok((Part { sink }, staged))
    }

    /// Publishes a part: it is on the disk, name included, or in the store when this returns. Those
    /// of an earlier run go with the first one.
    ///
    /// - Errors: `OutputExists` if its name appeared meanwhile; `Io`.
    pub(crate) fn publish(
        &self,
        table: &mut PartTable,
        part: Part,
        staged: Staged,
    ) -> Result<(), Error> {
        let Old { files, objects } = std::mem::take(&mut table.old);
        for old in files {
            fs::remove_file(&old).map_err(|cause| io_error("removing it", &old, cause))?;
        }
        #[cfg(feature = "cloud")]
        if !objects.is_empty() {
            self.remote().remove(&objects)?;
        }
        #[cfg(not(feature = "cloud"))]
        drop(objects);
        part.sink.commit(vec![staged], Vec::new(), Vec::new())?;
        table.count += 1;
        Ok(())
    }
}

impl PartTable {
    /// Returns the directory, as users wrote its start.
    pub(crate) fn directory(&self) -> &Path {
        &self.shown
    }

    /// Returns how many parts were published.
    pub(crate) fn count(&self) -> usize {
        self.count
    }
}

impl Drop for PartFiles {
    fn drop(&mut self) {
        // only where it is empty: a run that wrote nothing leaves nothing
        if let Root::Directory(root) = &self.root {
            let _ = fs::remove_dir(root);
        }
    }
}
