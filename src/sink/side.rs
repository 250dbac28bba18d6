//! Outputs that are no tables: they lie where users want them, and are published with the tables.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::local::StagedSide;
use super::names::FileNames;
use super::recover;
use super::workspace::{Home, Workspace, nothing_at, or_current};
use super::{Access, Outlet, Sink, check_store, io_error, shown, split};
use crate::error::Error;
use crate::store::url::{Name, StoreUrl};

/// A file that is no table, declared before anything is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Side {
    pub(super) place: Place,
    pub(super) file_name: OsString,
    path: PathBuf,
    access: Access,
    pub(super) is_last: bool,
}

impl Side {
    /// Returns whether it is an object in a store.
    pub(super) fn is_object(&self) -> bool {
        matches!(self.place, Place::Store(_))
    }

    /// Has the file get its name last of all: who finds it finds all other outputs.
    pub fn last(self) -> Side {
        Side { is_last: true, ..self }
    }

    /// Returns the file, as the user wrote it, or the URL of the object.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Which directory a file lies in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// That of the tables.
    WithTables,
    /// Another, by its place in the list.
    Elsewhere(usize),
    /// None: it is an object in a store.
    Store(StoreUrl),
}

/// A directory that holds files that are no tables.
#[derive(Debug)]
pub(super) struct Elsewhere {
    /// Without links.
    directory: PathBuf,
    /// As the user wrote it.
    shown: PathBuf,
    names: FileNames,
    workspace: Option<Arc<Workspace>>,
}

impl Sink {
    /// Returns where a file that is no table goes by default: beside the tables, or to the current
    /// directory where they go to a stream.
    pub fn beside(&self, file_name: &str) -> PathBuf {
        match &self.outlet {
            Outlet::Files { .. } => self.workspace.shown_path_of(file_name.as_ref()),
            Outlet::Objects { prefix, .. } => prefix.join(file_name).shown().into(),
            Outlet::Stream(..) => PathBuf::from(file_name),
        }
    }

    /// Declares a file that is no table, and keeps its name from tables; makes no file yet.
    ///
    /// - Errors: `OutputExists`; `Usage` if its directory is missing, if it is an input, a
    ///   directory or a device, or has the name of another output; `Io` if its directory takes no
    ///   files.
    pub fn side(&mut self, path: &Path, access: Access) -> Result<Side, Error> {
        let path = &match Name::parse(path)? {
            Name::Path(path) => path,
            Name::Url(url) => return self.side_object(url, access),
        };
        let (parent, file_name) = split(path)?;
        let home = Home::find(parent)?;
        let place = self.place_of(parent, &home)?;
        self.rules.check(&home.directory.join(file_name), path)?;
        self.take_name(&place, path, file_name)?;
        let (file_name, path) = (file_name.to_owned(), path.to_owned());
        self.sides.push((home.directory.join(&file_name), path.clone()));
        Ok(Side { place, file_name, path, access, is_last: false })
    }

    /// Returns the way from the directory of a declared file, or the prefix of an object, down to
    /// that of the tables; nothing where they are not below it.
    pub fn way_to_tables(&self, side: &Side) -> Option<&Path> {
        let tables = self.workspace.directory();
        match (&side.place, &self.outlet) {
            (Place::Store(url), Outlet::Objects { prefix, .. }) => {
                let parent = url.parent();
                let is_above = parent.is_in_store_of(prefix);
                let way = prefix.key().strip_prefix(parent.key()).filter(|_| is_above)?;
                Some(Path::new(way.trim_end_matches('/')))
            }
            (Place::WithTables, Outlet::Files { .. }) => Some(Path::new("")),
            (Place::Elsewhere(index), Outlet::Files { .. }) => {
                tables.strip_prefix(&self.elsewhere[*index].directory).ok()
            }
            _ => None,
        }
    }

    fn side_object(&mut self, url: StoreUrl, access: Access) -> Result<Side, Error> {
        check_store(&url)?;
        if url.is_prefix() {
            let message = format!("{url}: expected the key of an object, found a prefix");
            return Err(Error::usage(message).with_hint("such as `s3://bucket/rejects.jsonl`"));
        }
        self.check_object(&url)?;
        let is_with_tables = match &self.outlet {
            Outlet::Objects { prefix, .. } => prefix.is_same(&url.parent()),
            Outlet::Files { .. } | Outlet::Stream(..) => false,
        };
        let is_taken = self.objects.iter().any(|other| other.is_same(&url))
            || (is_with_tables && !self.names.reserve(url.file_name()));
        if is_taken {
            let message = format!("{url}: expected an object of its own, found another output's");
            return Err(Error::usage(message).with_hint("choose another name"));
        }
        self.objects.push(url.clone());
        let (file_name, path) = (OsString::from(url.file_name()), url.shown().into());
        Ok(Side { place: Place::Store(url), file_name, path, access, is_last: false })
    }

    /// Keeps the name of a file that somebody else writes during the run from all outputs.
    ///
    /// - Errors: `Usage` if its directory is missing, or if it has the name of another output;
    ///   `Io` if its directory takes no files.
    pub fn keep_clear_of(&mut self, path: &Path) -> Result<(), Error> {
        let (parent, file_name) = split(path)?;
        let place = self.place_of(parent, &Home::find(parent)?)?;
        self.take_name(&place, path, file_name)
    }

    fn place_of(&mut self, parent: &Path, home: &Home) -> Result<Place, Error> {
        let is_files = matches!(self.outlet, Outlet::Files { .. });
        let with_tables = is_files && home.directory == self.workspace.directory();
        match with_tables {
            true => Ok(Place::WithTables),
            false if home.is_there() => self.elsewhere(parent, home.directory.clone()),
            false => Err(nothing_at(parent)),
        }
    }

    fn take_name(&mut self, place: &Place, path: &Path, file_name: &OsStr) -> Result<(), Error> {
        let names = match place {
            Place::Elsewhere(index) => &mut self.elsewhere[*index].names,
            Place::WithTables | Place::Store(_) => &mut self.names,
        };
        if !names.reserve(&file_name.to_string_lossy()) {
            let at = shown(path);
            let message = format!("{at}: expected a file of its own, found another output's name");
            return Err(Error::usage(message).with_hint("choose another name"));
        }
        Ok(())
    }

    /// Makes the empty temporary file of a declared file, in its own directory.
    pub fn stage_side(&mut self, side: &Side) -> Result<StagedSide, Error> {
        let content = self.workspace_of(side.place.clone())?.scratch(side.access)?;
        Ok(StagedSide { side: side.clone(), content })
    }

    fn elsewhere(&mut self, shown: &Path, directory: PathBuf) -> Result<Place, Error> {
        if let Some(index) = self.elsewhere.iter().position(|known| known.directory == directory) {
            return Ok(Place::Elsewhere(index));
        }
        can_be_written(&directory).map_err(|cause| {
            io_error("making a temporary file in it", or_current(shown), cause.into())
        })?;
        self.notes.extend(recover::settle_if_free(&directory)?.into_notes());
        let (shown, names) = (shown.to_owned(), FileNames::new(""));
        self.elsewhere.push(Elsewhere { directory, shown, names, workspace: None });
        Ok(Place::Elsewhere(self.elsewhere.len() - 1))
    }

    /// Returns the directory of a declared file, opened when it is needed first.
    pub(super) fn workspace_of(&mut self, place: Place) -> Result<Arc<Workspace>, Error> {
        let Place::Elsewhere(index) = place else { return Ok(Arc::clone(&self.workspace)) };
        let elsewhere = &mut self.elsewhere[index];
        if elsewhere.workspace.is_none() {
            let (workspace, notes) =
                Workspace::open_at(&elsewhere.shown, &elsewhere.directory, &self.trail)?;
            workspace.retry_with(&self.retry);
            elsewhere.workspace = Some(workspace);
            self.notes.extend(notes);
        }
        match &elsewhere.workspace {
            Some(workspace) => Ok(Arc::clone(workspace)),
            None => Err(nothing_at(&elsewhere.shown)),
        }
    }
}

/// Asks early whether a directory takes files, without making one.
#[cfg(unix)]
fn can_be_written(directory: &Path) -> rustix::io::Result<()> {
    use rustix::fs::{Access, access};
    access(directory, Access::WRITE_OK | Access::EXEC_OK)
}

/// Elsewhere the first file tells.
#[cfg(not(unix))]
fn can_be_written(_directory: &Path) -> std::io::Result<()> {
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // in tests a panic is the message
mod tests {
    use std::fs;
    use std::io::Write;

    use super::super::{Destination, Framing, InputFile, Overwrite, SinkOptions};
    use super::*;
    use crate::error::ErrorKind;

    fn open(destination: Destination, overwrite: Overwrite) -> Sink {
        Sink::open(SinkOptions { overwrite, ..SinkOptions::new(destination, "csv") }).unwrap()
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
        let mut names: Vec<_> = entries.map(|e| e.file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn staged(sink: &mut Sink, side: &Side, text: &str) -> StagedSide {
        let staged = sink.stage_side(side).unwrap();
        staged.append().unwrap().write_all(text.as_bytes()).unwrap();
        assert_eq!(staged.bytes().unwrap(), text.len() as u64);
        staged
    }

    #[test]
    fn by_default_they_lie_beside_the_tables() {
        let folder = tempfile::tempdir().unwrap();
        let beside = |destination| open(destination, Overwrite::Refuse).beside("r.jsonl");
        let at = |name: &str| folder.path().join(name);
        assert_eq!(beside(Destination::Directory(at("out"))), at("out/r.jsonl"));
        assert_eq!(beside(Destination::File(at("a.csv"))), at("r.jsonl"));
        assert_eq!(beside(Destination::File("a.csv".into())), Path::new("r.jsonl"));
        assert_eq!(beside(Destination::Stdout(Framing::One)), Path::new("r.jsonl"));
    }

    #[test]
    fn they_appear_with_a_new_directory_and_keep_their_names() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("deep/out");
        let mut sink = open(Destination::Directory(out.clone()), Overwrite::Refuse);
        let side = sink.side(&sink.beside("a.csv"), Access::Umask).unwrap();
        let absent = sink.side(&sink.beside("b.csv"), Access::Umask).unwrap();
        let content = staged(&mut sink, &side, "side");
        let table = sink.create(0, "a", true).unwrap();
        sink.commit(vec![table], vec![content], vec![absent]).unwrap();
        assert_eq!(names(&out), ["a.csv", "a_2.csv"]);
        assert_eq!(fs::read_to_string(side.path()).unwrap(), "side");
    }

    #[test]
    fn what_cannot_be_written_is_refused_early() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["there", "input"] {
            fs::write(at(name), "mine").unwrap();
        }
        fs::create_dir(at("dir")).unwrap();
        let input = || InputFile::of(&at("input"), &fs::metadata(at("input")).unwrap()).unwrap();
        let cases = [
            ("there", ErrorKind::OutputExists, "exists"),
            ("input", ErrorKind::Usage, "found input"),
            ("dir", ErrorKind::Usage, "found a directory"),
            ("gone/x", ErrorKind::Usage, "expected a directory, found nothing"),
            ("gone/out/deep/x", ErrorKind::Usage, "expected a directory, found nothing"),
            ("there/x", ErrorKind::Usage, "expected a directory, found a file"),
            ("slash/", ErrorKind::Usage, "expected the path of a file"),
            ("gone/out/T.csv", ErrorKind::Usage, "another output's name"),
            ("twice", ErrorKind::Usage, "another output's name"),
            (".transmog-x.tmp", ErrorKind::Usage, "expected a name that is not a temporary one"),
        ];
        for (name, kind, text) in cases {
            let mut sink = open(Destination::Directory(at("gone/out")), Overwrite::Refuse);
            sink.refuse_inputs(vec![input()]).unwrap();
            sink.reserve("t.csv");
            sink.side(&at("twice"), Access::Umask).unwrap();
            let error = sink.side(&at(name), Access::Umask).unwrap_err();
            assert_eq!(error.kind(), kind, "{name}: {error}");
            assert!(error.to_string().contains(text), "{name}: {error}");
        }
        let mut sink = open(Destination::Directory(at("gone/out")), Overwrite::Replace);
        sink.side(&at("there"), Access::Umask).unwrap();
        sink.side(&at("input"), Access::Umask).unwrap();
        assert_eq!(sink.refuse_inputs(vec![input()]).unwrap_err().kind(), ErrorKind::Usage);
        drop(sink);
        assert_eq!(names(folder.path()), ["dir", "input", "there"]);
    }

    #[cfg(unix)]
    #[test]
    fn devices_are_refused_and_raw_data_is_private() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let mut sink = open(Destination::Directory(folder.path().into()), Overwrite::Replace);
        let error = sink.side(Path::new("/dev/null"), Access::Owner).unwrap_err();
        assert!(error.to_string().contains("found a device") || error.kind() == ErrorKind::Io);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let usual = folder.path().join("usual");
        fs::write(&usual, "x").unwrap();
        let owner = sink.side(&folder.path().join("o"), Access::Owner).unwrap();
        let umask = sink.side(&folder.path().join("u"), Access::Umask).unwrap();
        let sides = vec![staged(&mut sink, &owner, "x"), staged(&mut sink, &umask, "x")];
        sink.commit(Vec::new(), sides, Vec::new()).unwrap();
        assert_eq!((mode(owner.path()), mode(umask.path())), (0o600, mode(&usual)));
    }

    #[test]
    fn one_that_was_not_needed_goes_only_where_files_are_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let stale = folder.path().join("r");
        let mut sink = open(Destination::Directory(folder.path().into()), Overwrite::Refuse);
        let side = sink.side(&stale, Access::Owner).unwrap();
        fs::write(&stale, "appeared").unwrap();
        sink.commit(Vec::new(), Vec::new(), vec![side]).unwrap();
        assert_eq!(names(folder.path()), ["r"]);
        let mut sink = open(Destination::Directory(folder.path().into()), Overwrite::Replace);
        let side = sink.side(&stale, Access::Owner).unwrap();
        sink.commit(Vec::new(), Vec::new(), vec![side]).unwrap();
        assert_eq!(names(folder.path()), Vec::<String>::new());
    }

    /// Fails like a pipe whose reader went away, or takes everything.
    struct Pipe(bool);

    impl Write for Pipe {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            if self.0 { Ok(bytes.len()) } else { Err(std::io::ErrorKind::BrokenPipe.into()) }
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn beside_a_stream_they_appear_when_it_was_sent() {
        for works in [false, true] {
            let folder = tempfile::tempdir().unwrap();
            let temp = tempfile::tempdir().unwrap();
            let mut sink = Sink::open(SinkOptions {
                temp_dir: Some(temp.path().to_owned()),
                ..SinkOptions::new(Destination::Writer(Box::new(Pipe(works)), Framing::One), "csv")
            })
            .unwrap();
            let side = sink.side(&folder.path().join("r"), Access::Owner).unwrap();
            let content = staged(&mut sink, &side, "side");
            let table = sink.create(0, "a", true).unwrap();
            table.append().unwrap().write_all(b"main").unwrap();
            let done = sink.commit(vec![table], vec![content], Vec::new());
            assert_eq!(done.is_ok(), works);
            let expected: &[&str] = if works { &["r"] } else { &[] };
            assert_eq!(names(folder.path()), expected);
            assert_eq!(names(temp.path()), Vec::<String>::new());
        }
    }
}
