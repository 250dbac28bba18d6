//! The manifest of a run: where it goes, and what it says of the tables.

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::{Component, Path, PathBuf};

use super::Conversion;
use super::run::Run;
use crate::encode::csv::CsvOptions;
use crate::encode::json::Nulls;
use crate::error::Error;
use crate::flatten::IdMode;
use crate::format::OutputFormat;
use crate::report::Summary;
use crate::report::manifest::{Contents, ManifestTarget, WrittenTable};
use crate::report::sql::Keys;
use crate::schema::{Layout, Link, Origin};
use crate::sink::names::{FileNames, printable};
use crate::sink::{Access, Side, Sink, Staged, StagedSide};
use crate::source::Input;

/// What the name of a manifest beside the tables ends in.
const MANIFEST_EXTENSION: &str = "manifest.json";

/// The manifest of a run, before there is one.
pub(super) struct ManifestOutput {
    side: Side,
    /// From its directory to that of the tables.
    way: PathBuf,
    /// Nobody asked for it, so no name of a table is a reason to fail.
    is_implied: bool,
    to: OutputFormat,
    csv: CsvOptions,
    nulls: Nulls,
    input_bytes: Vec<Option<u64>>,
}

impl ManifestOutput {
    /// Declares the file, if one is wanted.
    ///
    /// - Errors: as [`Sink::side`]; `Usage` where the tables are not below it.
    pub(super) fn open(
        conversion: &Conversion,
        root_name: &str,
        sink: &mut Sink,
    ) -> Result<Option<Self>, Error> {
        let path = match &conversion.manifest {
            ManifestTarget::Nowhere => return Ok(None),
            ManifestTarget::File(path) => path.clone(),
            ManifestTarget::Beside => {
                sink.beside(&FileNames::new(MANIFEST_EXTENSION).choose(root_name))
            }
        };
        let side = sink.side(&path, Access::Umask)?.last();
        let Some(way) = sink.way_to_tables(&side).map(Path::to_owned) else {
            let at = printable(&path.to_string_lossy());
            let message = "expected a place in the directory of the tables or above it";
            return Err(Error::usage(format!("`--manifest {at}`: {message}"))
                .with_hint("a data package names files by the way from itself, down alone"));
        };
        Ok(Some(ManifestOutput {
            side,
            way,
            is_implied: conversion.manifest == ManifestTarget::Beside,
            to: conversion.to,
            csv: conversion.csv,
            nulls: conversion.nulls,
            input_bytes: conversion.inputs.iter().map(file_bytes).collect::<Result<_, Error>>()?,
        }))
    }

    /// Returns how the manifest names the file of a table.
    ///
    /// - Errors: `Usage` where a data package can have no such name.
    pub(super) fn path_of(&self, sink: &Sink, table: &Staged) -> Result<String, Error> {
        let file = sink.path_of(table).unwrap_or_default();
        let path = self.way.join(file.file_name().unwrap_or(OsStr::new("")));
        let as_it_stands = || self.is_implied.then(|| path.to_string_lossy().into_owned());
        portable(&path).or_else(as_it_stands).ok_or_else(|| {
            let at = printable(&path.to_string_lossy());
            let message = "expected a path that a data package may hold";
            Error::usage(format!("`--manifest`: {message}, found `{at}`")).with_hint(
                "it is UTF-8, does not start with `.` or `~`, and has no backslash, and no colon \
                 before a slash: choose another name with `--name` or `-o`",
            )
        })
    }

    /// Writes the manifest of what `tables` hold, which are to be published with it.
    pub(super) fn stage(
        &self,
        sink: &mut Sink,
        tables: &[Staged],
        (layouts, rows, keys): (&[Layout], &[u64], &[Keys]),
        summary: &Summary,
    ) -> Result<StagedSide, Error> {
        let tables = tables.iter().map(|table| {
            let index = table.table_index();
            let path = self.path_of(sink, table)?;
            Ok(WrittenTable { index, path, bytes: table.bytes()?, rows: rows[index] })
        });
        let contents = Contents {
            to: self.to,
            csv: self.csv,
            nulls: self.nulls,
            layouts,
            tables: tables.collect::<Result<_, Error>>()?,
            keys,
            input_bytes: &self.input_bytes,
            summary,
        };
        let text = contents.to_json();
        let staged = sink.stage_side(&self.side)?;
        let written = staged.append()?.write_all(text.as_bytes());
        written.map_err(|cause| staged.error("writing the manifest", cause))?;
        Ok(staged)
    }

    pub(super) fn path(&self) -> &Path {
        self.side.path()
    }
}

/// Returns the size of an input that is a file.
fn file_bytes(input: &Input) -> Result<Option<u64>, Error> {
    let path = match input {
        Input::File(path) => path,
        Input::Url(input) => return Ok(input.object.as_ref().map(|object| object.size)),
        Input::Stdin | Input::Reader { .. } => return Ok(None),
    };
    let found = fs::metadata(path).map_err(|cause| Error::io("looking it up", path, cause))?;
    Ok(found.is_file().then_some(found.len()))
}

/// Writes a path as a data package may hold it: relative, down alone, and no URL.
fn portable(path: &Path) -> Option<String> {
    let parts = path.components().map(|part| match part {
        Component::Normal(part) => part.to_str(),
        _ => None,
    });
    let parts = parts.collect::<Option<Vec<_>>>()?;
    let is_bad = |part: &&str| part.contains('\\');
    let first = parts.first()?;
    let is_fine = !first.starts_with(['.', '~']) && !first.contains(':');
    (is_fine && !parts.iter().any(is_bad)).then(|| parts.join("/"))
}

impl Run {
    /// Returns which columns join each table to others.
    pub(super) fn keys(&self, layouts: &[Layout]) -> Vec<Keys> {
        let is_replay = self.outputs.is_replay;
        let ids = &self.setup.flatten.ids;
        // rows of CSV beside records of JSON have none
        let has_gaps = *ids == IdMode::Auto && !self.dialects.is_empty();
        let tables = self.schema.tables().iter().zip(layouts);
        let keys = tables.map(|(table, layout)| {
            let is_main = table.parent.is_none();
            let mut keys = Keys {
                is_unique: match ids {
                    IdMode::Auto | IdMode::Sequence => !(is_main && (has_gaps || is_replay)),
                    _ => self.has_unique_ids(),
                },
                ..Keys::default()
            };
            for column in &layout.columns {
                let Origin::Link(link) = table.columns[column.index].origin else { continue };
                let name = Some(column.name.clone());
                match link {
                    Link::Id => keys.id = name,
                    Link::ParentId => keys.parent_id = name,
                    Link::RootId => keys.root_id = name,
                    Link::Index | Link::Key | Link::Source => {}
                }
            }
            keys
        });
        keys.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_those_that_packages_may_hold() {
        for (path, expected) in [
            ("orders.csv", Some("orders.csv")),
            ("out/a%2Fb c.csv", Some("out/a%2Fb c.csv")),
            ("データ/é.csv", Some("データ/é.csv")),
            ("out/.hidden.csv", Some("out/.hidden.csv")),
            ("out/a:b.csv", Some("out/a:b.csv")),
            (".hidden.csv", None),
            ("~x/a.csv", None),
            ("http:x.csv", None),
            ("../a.csv", None),
            ("/a.csv", None),
            ("", None),
        ] {
            assert_eq!(portable(Path::new(path)).as_deref(), expected, "{path}");
        }
    }
}
