//! Where bytes go: one file per table, and others, published by [`Sink::commit`], all or none.
//!
//! A run that fails, or is killed, leaves no file that looks finished: content is written in a
//! hidden directory (`.transmog-….tmp`) in the target directory, and renamed at the end. A target
//! directory that does not exist is the hidden one itself, renamed as a whole. Dropping a [`Sink`],
//! [`Staged`], [`StagedSide`] or [`Scratch`] means giving up and removes what it made.
//!
//! - A run that is killed during the renames has written a journal before. The next run in that
//!   directory finishes the renames, or takes them back where they cannot be finished, before it
//!   does anything else, and removes what other dead runs have left ([`Sink::notes`]). Dead is a
//!   run whose locks are gone; where there are no locks, nothing is touched.
//! - Runs that publish in one directory at once follow each other.
//! - A replaced file is a new file: its mode is `0666 & !umask`, or `0600` for [`Access::Owner`];
//!   owner, attributes and links of the old one do not carry over.

mod commit;
mod crash;
#[cfg(test)]
mod crash_tests;
mod journal;
mod live;
mod local;
mod lock;
mod memory;
pub mod names;
mod parts;
mod pipe;
mod recover;
#[cfg(feature = "cloud")]
mod remote;
mod rewritten;
mod side;
mod stage;
mod stdout;
mod workspace;

use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use self::commit::{Gate, Group, Planned, Rules};
pub(crate) use self::live::LiveStream;
pub use self::local::{AppendFile, InputFile, Scratch, Staged, StagedSide};
pub use self::memory::MemoryBuffer;
use self::names::{FileNames, printable};
pub(crate) use self::parts::{Part, PartFiles, PartTable, Root};
pub use self::recover::Note;
#[cfg(feature = "cloud")]
use self::remote::{PlannedObject, Remote, Turn, Uploads};
pub(crate) use self::rewritten::{Rewritten, refuse_read};
pub use self::side::Side;
use self::side::{Elsewhere, Place};
pub use self::stage::Trail;
use self::stdout::Stream;
use self::workspace::Workspace;
use crate::convert::Cancel;
use crate::encode::streaming::TableWriters;
use crate::error::{Error, ErrorKind};
use crate::report::profile::Depth;
use crate::retry::Retry;
use crate::store::Stores;
use crate::store::url::{Name, Scheme, StoreUrl};

/// Where the tables of a run go.
pub enum Destination {
    /// One file per table in this directory, which is made where missing.
    Directory(PathBuf),
    /// The main table to this file, child tables beside it.
    File(PathBuf),
    /// One object per table below this prefix of an object store.
    Prefix(StoreUrl),
    /// The main table to this object, child tables beside it.
    Object(StoreUrl),
    /// Standard output.
    Stdout(Framing),
    /// Nowhere: the tables are looked at, as closely as this says, and [`Summary::profiles`] tells
    /// what they are like.
    ///
    /// [`Summary::profiles`]: crate::Summary::profiles
    Nowhere(Depth),
    /// A library user's writer.
    Writer(Box<dyn Write + Send>, Framing),
    /// A library user's writer for each table, which this makes as the table arises.
    ///
    /// They get rows as row groups fill, and end before a summary or reject file is published. What
    /// they did by then is theirs to take back where the run fails.
    Tables(TableWriters),
}

impl std::fmt::Debug for Destination {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Destination::Directory(path) => f.debug_tuple("Directory").field(path).finish(),
            Destination::File(path) => f.debug_tuple("File").field(path).finish(),
            Destination::Prefix(url) => f.debug_tuple("Prefix").field(url).finish(),
            Destination::Object(url) => f.debug_tuple("Object").field(url).finish(),
            Destination::Stdout(framing) => f.debug_tuple("Stdout").field(framing).finish(),
            Destination::Nowhere(depth) => f.debug_tuple("Nowhere").field(depth).finish(),
            Destination::Writer(_, framing) => f.debug_tuple("Writer").field(framing).finish(),
            Destination::Tables(_) => f.write_str("Tables"),
        }
    }
}

/// How tables share one stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// The bytes of a single table.
    One,
    /// JSON lines that already say their table, one table after the other.
    Tagged,
    /// A tar with one file per table.
    Tar,
}

/// What happens to a file that has the name of an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overwrite {
    /// The run ends before it changes anything.
    Refuse,
    /// The file is replaced when the run succeeds.
    Replace,
}

/// Who may read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Whoever the umask allows.
    Umask,
    /// The user alone.
    Owner,
}

/// What [`Sink::open`] needs to know.
pub struct SinkOptions {
    /// Where the tables go.
    pub destination: Destination,
    /// Extension of table files, without its dot.
    pub extension: &'static str,
    /// What happens to files that exist.
    pub overwrite: Overwrite,
    /// Where a stream's tables wait for the commit; the system's choice by default. Files always
    /// wait beside their final place, as a rename cannot cross file systems. Objects wait here as
    /// well, until they are sent.
    pub temp_dir: Option<PathBuf>,
    /// The stores of objects among the outputs.
    pub stores: Stores,
    /// Ends waits for stores.
    pub cancel: Cancel,
}

impl SinkOptions {
    /// Returns what holds where nothing else is said: nothing is replaced.
    pub fn new(destination: Destination, extension: &'static str) -> Self {
        SinkOptions {
            destination,
            extension,
            overwrite: Overwrite::Refuse,
            temp_dir: None,
            stores: Stores::default(),
            cancel: Cancel::default(),
        }
    }
}

/// The outputs of one run, until they are published.
pub struct Sink {
    outlet: Outlet,
    names: FileNames,
    rules: Rules,
    table_count: usize,
    workspace: Arc<Workspace>,
    /// Directories of files that are no tables.
    elsewhere: Vec<Elsewhere>,
    /// Declared files that are no tables: where they are, and as the user wrote them.
    sides: Vec<(PathBuf, PathBuf)>,
    /// Objects that are no tables, and those that are read.
    objects: Vec<StoreUrl>,
    read_objects: Vec<StoreUrl>,
    #[cfg(feature = "cloud")]
    remote: Remote,
    gate: Gate,
    notes: Vec<Note>,
    trail: Trail,
    retry: Retry,
}

/// What `commit` does.
enum Outlet {
    /// Renames in the workspace; the main table may have its own name.
    Files { main: Option<OsString> },
    /// Writes objects below a prefix; the main table may have its own name.
    Objects { prefix: StoreUrl, main: Option<String> },
    /// Sends to a stream.
    Stream(Stream, Framing),
}

/// A table that was published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// Which table.
    pub table_index: usize,
    /// The file, under the directory as the user wrote it, or the URL of the object; nothing for a
    /// stream.
    pub path: Option<PathBuf>,
    /// Size of its content.
    pub bytes: u64,
}

impl Sink {
    /// Checks that outputs can be written, before a byte of input is read.
    ///
    /// - Errors: `OutputExists` if the main table's file is there; `Usage` if it is a directory, a
    ///   device or a pipe, or if its directory is missing or is none; `Io` if the directory takes
    ///   no files.
    pub fn open(options: SinkOptions) -> Result<Sink, Error> {
        let rules = Rules { overwrite: options.overwrite, inputs: Vec::new() };
        let mut names = FileNames::new(options.extension);
        let trail = Trail::default();
        let temp_dir = || match &options.temp_dir {
            Some(path) => Workspace::open(path, &trail),
            None => Workspace::open(&std::env::temp_dir(), &trail).map_err(|error| {
                error.with_hint("set `TMPDIR` to a directory that can be written")
            }),
        };
        let (outlet, (workspace, notes)) = match options.destination {
            Destination::Stdout(framing) => (Outlet::Stream(Stream::Stdout, framing), temp_dir()?),
            Destination::Writer(writer, framing) => {
                (Outlet::Stream(Stream::Writer(writer), framing), temp_dir()?)
            }
            // what comes here is for nobody: others have the tables
            Destination::Tables(_) | Destination::Nowhere(_) => {
                (Outlet::Stream(Stream::Writer(Box::new(io::sink())), Framing::Tar), temp_dir()?)
            }
            Destination::Directory(path) => {
                (Outlet::Files { main: None }, Workspace::create(&path, &trail)?)
            }
            Destination::Prefix(url) => {
                check_store(&url)?;
                (Outlet::Objects { prefix: url, main: None }, temp_dir()?)
            }
            Destination::Object(url) => {
                check_store(&url)?;
                names.reserve(url.file_name());
                let main = Some(url.file_name().to_owned());
                (Outlet::Objects { prefix: url.parent(), main }, temp_dir()?)
            }
            Destination::File(path) => {
                let (directory, name) = split(&path)?;
                let (workspace, notes) = Workspace::open(directory, &trail)?;
                rules
                    .check(&workspace.path_of(name), &path)
                    .map_err(|error| with_notes(error, &notes))?;
                names.reserve(&name.to_string_lossy());
                (Outlet::Files { main: Some(name.to_owned()) }, (workspace, notes))
            }
        };
        #[cfg(feature = "cloud")]
        let remote = Remote {
            retry: options.stores.retry(options.cancel).writes,
            stores: options.stores,
            overwrite: options.overwrite,
        };
        Ok(Sink {
            outlet,
            names,
            rules,
            objects: Vec::new(),
            read_objects: Vec::new(),
            #[cfg(feature = "cloud")]
            remote,
            table_count: 0,
            workspace,
            elsewhere: Vec::new(),
            sides: Vec::new(),
            gate: Gate(None),
            notes,
            trail,
            retry: Retry::default(),
        })
    }

    /// Returns what dead runs had left, and what became of it.
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// Returns what removes the unfinished outputs of a run that failed, and says where it cannot.
    pub fn trail(&self) -> Trail {
        self.trail.clone()
    }

    /// Sets what is asked once in [`commit`](Sink::commit), when all content is on the disk (and
    /// sent, for a stream) and before the first name changes; an error ends the run there.
    pub fn ask_before_publishing(
        &mut self,
        ask: impl FnOnce() -> Result<(), Error> + Send + 'static,
    ) {
        self.gate = Gate(Some(Box::new(ask)));
    }

    /// Has writes that fail for a moment tried again, in files that are made from now on.
    pub(crate) fn retry_with(&mut self, retry: Retry) {
        self.workspace.retry_with(&retry);
        self.retry = retry;
    }

    /// Returns whether the tables go to a stream, which may make a commit wait.
    pub fn is_stream(&self) -> bool {
        matches!(self.outlet, Outlet::Stream(..))
    }

    /// Returns whether the commit gives the tables' files their names, and has them on the disk before.
    pub fn keeps_files(&self) -> bool {
        matches!(self.outlet, Outlet::Files { .. })
    }

    /// Sends what follows to the stream as it comes; tables are then none of the commit's affair.
    ///
    /// - Errors: `Io`.
    pub(crate) fn send_live(&mut self) -> Result<Option<LiveStream>, Error> {
        match &mut self.outlet {
            Outlet::Files { .. } | Outlet::Objects { .. } => Ok(None),
            Outlet::Stream(stream, _) => {
                LiveStream::open(std::mem::replace(stream, Stream::Sent)).map(Some)
            }
        }
    }

    /// Keeps `file_name` for a file that is not a table, such as the reject file.
    pub fn reserve(&mut self, file_name: &str) {
        self.names.reserve(file_name);
    }

    /// Makes sure, now and for every table to come, that no output is one of `inputs`.
    ///
    /// Compares the files, not their paths: links lead to the same file.
    pub fn refuse_inputs(&mut self, inputs: Vec<InputFile>) -> Result<(), Error> {
        self.rules.inputs.extend(inputs);
        for (path, at) in &self.sides {
            self.rules.check(path, at)?;
        }
        match &self.outlet {
            Outlet::Files { main: Some(main) } => self.check_name(main),
            Outlet::Files { main: None } | Outlet::Objects { .. } => Ok(()),
            Outlet::Stream(stream, _) => self.rules.check_not_input(stream.file_id(), "<stdout>"),
        }
    }

    /// Checks early whether the file of a table that is sure to come may be written.
    ///
    /// For the main table of a `File` there is no need: `open` has done that.
    pub fn check_table(&self, table: &str) -> Result<(), Error> {
        match &self.outlet {
            Outlet::Stream(..) => Ok(()),
            Outlet::Files { .. } => self.check_name(OsStr::new(&self.names.plain(table))),
            Outlet::Objects { prefix, main } => {
                let plain = self.names.plain(table);
                self.check_object(&prefix.join(main.as_deref().unwrap_or(&plain)))
            }
        }
    }

    /// Makes sure that no output is one of the objects that are read.
    pub(crate) fn refuse_objects(&mut self, read: Vec<StoreUrl>) -> Result<(), Error> {
        self.read_objects = read;
        self.objects.iter().try_for_each(|url| self.check_not_read(url))
    }

    fn check_not_read(&self, url: &StoreUrl) -> Result<(), Error> {
        if !self.read_objects.iter().any(|read| read.is_same(url)) {
            return Ok(());
        }
        let message = format!("{url}: expected an output that is not read, found an input");
        Err(Error::usage(message).with_hint("write to another key"))
    }

    /// Checks early whether an object may be written.
    fn check_object(&self, url: &StoreUrl) -> Result<(), Error> {
        self.check_not_read(url)?;
        #[cfg(feature = "cloud")]
        self.remote.check(url)?;
        Ok(())
    }

    fn check_name(&self, name: &OsStr) -> Result<(), Error> {
        let (path, at) = (self.workspace.path_of(name), self.workspace.shown_path_of(name));
        self.rules.check(&path, &at).map_err(|error| with_notes(error, &self.notes))
    }

    /// Makes an empty temporary file for a table and chooses the name it will have.
    ///
    /// - Errors: `OutputExists`; `Usage` if the name belongs to an input, a directory or a device,
    ///   or if this is a second table for a stream that carries one; `Io`.
    pub fn create(
        &mut self,
        table_index: usize,
        table: &str,
        is_main: bool,
    ) -> Result<Staged, Error> {
        self.table_count += 1;
        let named = match &mut self.outlet {
            Outlet::Stream(_, Framing::One) if self.table_count > 1 => {
                let table = printable(table);
                let message = format!("<stdout>: expected one table, found a second, `{table}`");
                let hint = "`--framing tar` or `-o DIR` takes all tables, `--table` picks one";
                return Err(Error::usage(message).with_hint(hint));
            }
            Outlet::Files { main } if is_main => main.take(),
            Outlet::Objects { main, .. } if is_main => main.take().map(OsString::from),
            _ => None,
        };
        let (target, file_name) = match named {
            Some(target) => {
                let file_name = target.to_string_lossy().into_owned();
                (target, file_name)
            }
            None => {
                let file_name = self.names.choose(table);
                (OsString::from(&file_name), file_name)
            }
        };
        match &self.outlet {
            Outlet::Files { .. } => self.check_name(&target)?,
            // others are looked up together when they are sent: each look takes a while
            Outlet::Objects { prefix, .. } if is_main => {
                self.check_object(&prefix.join(&file_name))?
            }
            Outlet::Objects { prefix, .. } => self.check_not_read(&prefix.join(&file_name))?,
            Outlet::Stream(..) => {}
        }
        let content = self.workspace.scratch(Access::Umask)?;
        Ok(Staged { table_index, is_main, target, file_name, content, synced: None })
    }

    /// Returns where a table will be, as the user wrote the directory; nothing for a stream.
    pub fn path_of(&self, table: &Staged) -> Option<PathBuf> {
        match &self.outlet {
            Outlet::Files { .. } => Some(self.workspace.shown_path_of(&table.target)),
            Outlet::Objects { prefix, .. } => Some(prefix.join(&table.file_name).shown().into()),
            Outlet::Stream(..) => None,
        }
    }

    /// Returns the outputs in whose place there is something.
    ///
    /// - Errors: as those of a look into an object store.
    pub(crate) fn conflicts(
        &self,
        tables: &[Staged],
        sides: &[&Side],
    ) -> Result<Vec<PathBuf>, Error> {
        let mut found = Vec::new();
        for table in tables {
            let is_there = match &self.outlet {
                Outlet::Files { .. } => {
                    self.workspace.path_of(&table.target).symlink_metadata().is_ok()
                }
                Outlet::Objects { prefix, .. } => {
                    self.has_object(&prefix.join(&table.file_name))?
                }
                Outlet::Stream(..) => false,
            };
            found.extend(self.path_of(table).filter(|_| is_there));
        }
        // objects have names that no file has
        let is_there = |side: &&&Side| side.path().symlink_metadata().is_ok();
        found.extend(sides.iter().filter(is_there).map(|side| side.path().to_owned()));
        Ok(found)
    }

    #[cfg(feature = "cloud")]
    fn has_object(&self, url: &StoreUrl) -> Result<bool, Error> {
        match self.remote.refusing().check(url) {
            Err(error) if error.kind() == ErrorKind::OutputExists => Ok(true),
            checked => checked.map(|()| false),
        }
    }

    #[cfg(not(feature = "cloud"))]
    fn has_object(&self, _url: &StoreUrl) -> Result<bool, Error> {
        Ok(false)
    }

    /// Returns the name that a table's file will have in its directory, or the URL of its object.
    ///
    /// - Errors: `Usage` where the name is not UTF-8, or there is no file.
    pub(crate) fn name_of(&self, table: &Staged) -> Result<String, Error> {
        let path = self.path_of(table).unwrap_or_default();
        let name = match &self.outlet {
            Outlet::Objects { .. } => path.to_str(),
            Outlet::Files { .. } | Outlet::Stream(..) => path.file_name().and_then(OsStr::to_str),
        };
        name.map(str::to_owned).ok_or_else(|| {
            let at = printable(&path.to_string_lossy());
            Error::usage(format!("`{at}`: expected a name in UTF-8, for a script to name it"))
        })
    }

    /// Makes a further temporary file where the tables are, for data that leaves memory.
    pub fn scratch(&self) -> Result<Scratch, Error> {
        self.workspace.scratch(Access::Umask)
    }

    /// Publishes all tables and sides, or none; returns the tables in the order of their indexes.
    ///
    /// Files are on the disk when this returns, names included. Sides that this run did not need
    /// are `absent`: where files are replaced, one of an earlier run goes in the same step. Names
    /// are given to child tables first, then to the main table, then to sides that are to be last.
    /// A stream gets the tables in order, when the sides are on the disk and before they get their
    /// names.
    ///
    /// - Errors: `OutputExists` if a name appeared meanwhile; `ClosedPipe`; `Io`. What was renamed
    ///   by then is taken back, and files that were to be replaced are there again.
    pub fn commit(
        mut self,
        mut tables: Vec<Staged>,
        sides: Vec<StagedSide>,
        absent: Vec<Side>,
    ) -> Result<Vec<Published>, Error> {
        tables.sort_by_key(|table| table.table_index);
        let mut distinct = FileNames::new("");
        if let Some(twice) = tables.iter().find(|table| !distinct.reserve(&table.file_name)) {
            let message = format!("{}: expected one table, found two", printable(&twice.file_name));
            return Err(Error::new(ErrorKind::Internal, message));
        }
        let mut groups: Vec<(Place, Vec<Planned>)> = Vec::new();
        let files = sides.iter().filter(|staged| !staged.side.is_object());
        let (last, files): (Vec<_>, Vec<_>) = files.partition(|staged| staged.side.is_last);
        let synced = |staged: &StagedSide| {
            let (_, identity) = staged.content.sync()?;
            Ok::<_, Error>(Some((staged.content.path().to_owned(), identity)))
        };
        for staged in files {
            plan(&mut groups, &staged.side, synced(staged)?);
        }
        let replaces = self.rules.overwrite == Overwrite::Replace;
        let absent: Vec<_> = absent.into_iter().filter(|_| replaces).collect();
        for side in absent.iter().filter(|side| !side.is_object()) {
            plan(&mut groups, side, None);
        }
        #[cfg(feature = "cloud")]
        let mut uploads = self.send_objects(&tables, &sides, &absent)?;
        let published = match &self.outlet {
            Outlet::Files { .. } => {
                let (published, planned) = self.plan_tables(&tables)?;
                let with_tables = |(place, _): &(Place, _)| *place == Place::WithTables;
                let at = groups.iter().position(with_tables);
                let (_, mut home) =
                    at.map_or((Place::WithTables, Vec::new()), |at| groups.remove(at));
                // the main table behind all other tables
                home.extend(planned);
                groups.push((Place::WithTables, home));
                published
            }
            Outlet::Objects { prefix, .. } => {
                let published = |table: &Staged| {
                    let url = prefix.join(&table.file_name);
                    Ok(Published {
                        table_index: table.table_index,
                        path: Some(url.shown().into()),
                        bytes: table.bytes()?,
                    })
                };
                tables.iter().map(published).collect::<Result<_, Error>>()?
            }
            Outlet::Stream(..) => Vec::new(),
        };
        for staged in last {
            plan(&mut groups, &staged.side, synced(staged)?);
            let at = groups.iter().position(|(place, _)| *place == staged.side.place);
            let group = at.map(|at| groups.remove(at));
            groups.extend(group);
        }
        let mut opened = Vec::new();
        for (place, planned) in groups {
            opened.push(Group { workspace: self.workspace_of(place)?, planned });
        }
        #[cfg_attr(not(feature = "cloud"), allow(unused_mut, reason = "passed in one place"))]
        let mut gate = std::mem::replace(&mut self.gate, Gate(None));
        let published = match self.outlet {
            Outlet::Files { .. } | Outlet::Objects { .. } => published,
            Outlet::Stream(stream, framing) => {
                for (path, at) in &self.sides {
                    self.rules.check(path, at)?;
                }
                stream.send(framing, &tables)?
            }
        };
        #[cfg(feature = "cloud")]
        if let Some(uploads) = &mut uploads {
            gate.pass()?;
            uploads.show()?;
        }
        let done = commit::publish(&self.rules, opened, gate);
        #[cfg(feature = "cloud")]
        let done = done.map_err(|error| match &mut uploads {
            Some(uploads) => uploads.take_back(error),
            None => error,
        });
        done.map(|()| published)
    }

    /// Uploads what goes to stores, so that little is left to do when it is to show.
    #[cfg(feature = "cloud")]
    fn send_objects(
        &self,
        tables: &[Staged],
        sides: &[StagedSide],
        absent: &[Side],
    ) -> Result<Option<Uploads>, Error> {
        let mut planned = Vec::new();
        let sides = sides.iter().map(|staged| (&staged.side, Some(&staged.content)));
        for (side, content) in sides.chain(absent.iter().map(|side| (side, None))) {
            if let Place::Store(url) = &side.place {
                let turn = if side.is_last { Turn::Last } else { Turn::First };
                planned.push(PlannedObject { url: url.clone(), content, turn });
            }
        }
        if let Outlet::Objects { prefix, .. } = &self.outlet {
            planned.extend(tables.iter().map(|table| PlannedObject {
                url: prefix.join(&table.file_name),
                content: Some(&table.content),
                turn: if table.is_main { Turn::Main } else { Turn::First },
            }));
        }
        match planned.is_empty() {
            true => Ok(None),
            false => self.remote.send(planned).map(Some),
        }
    }

    /// Waits until the tables are on the disk; returns what they become, the main table last.
    fn plan_tables(&self, tables: &[Staged]) -> Result<(Vec<Published>, Vec<Planned>), Error> {
        let (mut published, mut planned, mut main) = (Vec::new(), Vec::new(), Vec::new());
        for table in tables {
            let shown = self.workspace.shown_path_of(&table.target);
            let (bytes, identity) = table.sync()?;
            let new = Some((table.content.path().to_owned(), identity));
            published.push(Published {
                table_index: table.table_index,
                path: Some(shown.clone()),
                bytes,
            });
            let last = if table.is_main { &mut main } else { &mut planned };
            last.push(Planned { target: table.target.clone(), shown, new });
        }
        planned.append(&mut main);
        Ok((published, planned))
    }
}

/// Adds a file that is no table to its directory's.
fn plan(
    groups: &mut Vec<(Place, Vec<Planned>)>,
    side: &Side,
    new: Option<(PathBuf, journal::Identity)>,
) {
    let planned = Planned { target: side.file_name.clone(), shown: side.path().to_owned(), new };
    match groups.iter_mut().find(|(place, _)| *place == side.place) {
        Some((_, group)) => group.push(planned),
        None => groups.push((side.place.clone(), vec![planned])),
    }
}

/// Checks that tables can be written where a URL leads.
fn check_store(url: &StoreUrl) -> Result<(), Error> {
    if url.scheme() == Scheme::Http {
        let message = format!("{url}: expected an object store to write to, found a web server");
        return Err(Error::usage(message).with_hint("`s3://`, `gs://` and `az://` can be written"));
    }
    #[cfg(not(feature = "cloud"))]
    return Err(crate::store::absent(url));
    #[cfg(feature = "cloud")]
    Ok(())
}

/// Adds to an error what this run did for those before it: its cause may lie there.
fn with_notes(error: Error, notes: &[Note]) -> Error {
    let hints = error.hint().into_iter().chain(notes.iter().map(|note| note.text.as_str()));
    let hint = hints.collect::<Vec<_>>().join("; ");
    if hint.is_empty() { error } else { error.with_hint(hint) }
}

/// Writes a file that is no table by itself.
///
/// - Errors: `OutputExists`; `Usage` if the path is an input's, a directory's or a device's; `Io`.
pub(crate) fn write_alone(
    path: &Path,
    content: &[u8],
    overwrite: Overwrite,
    inputs: Vec<InputFile>,
    stores: Stores,
) -> Result<(), Error> {
    let destination = match Name::parse(path)? {
        Name::Path(path) => {
            let (parent, _) = split(&path)?;
            Destination::Directory(workspace::or_current(parent).to_owned())
        }
        Name::Url(url) => Destination::Prefix(url.parent()),
    };
    let options = SinkOptions { overwrite, stores, ..SinkOptions::new(destination, "") };
    let mut sink = Sink::open(options)?;
    sink.refuse_inputs(inputs)?;
    let side = sink.side(path, Access::Umask)?;
    let staged = sink.stage_side(&side)?;
    let written = staged.append()?.write_all(content);
    written.map_err(|cause| staged.error("writing it", cause))?;
    sink.commit(Vec::new(), vec![staged], Vec::new()).map(drop)
}

/// Splits an output path into its directory and its file name.
fn split(path: &Path) -> Result<(&Path, &OsStr), Error> {
    let last = path.as_os_str().as_encoded_bytes().last();
    let is_directory = last.is_some_and(|byte| std::path::is_separator(char::from(*byte)));
    match (path.parent(), path.file_name()) {
        (Some(directory), Some(name)) if !is_directory => Ok((directory, name)),
        _ => {
            let at = shown(path);
            Err(Error::usage(format!("{at}: expected the path of a file, found a directory's")))
        }
    }
}

/// Returns a path as it may stand in a message.
fn shown(path: &Path) -> String {
    printable(&path.to_string_lossy())
}

/// Builds an I/O error whose path cannot confuse a terminal.
pub(crate) fn io_error(doing: &str, path: &Path, cause: io::Error) -> Error {
    let is_full = matches!(cause.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
    let error = Error::io(doing, Path::new(&shown(path)), cause);
    if is_full { error.with_hint("free some space, or write elsewhere") } else { error }
}

#[cfg(test)]
mod tests;
