//! The inputs that names stand for: patterns, directories, lists of files.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use glob::{MatchOptions, Pattern};

use super::local::printable;
use super::{Input, objects};
use crate::error::Error;
use crate::format::InputFormat;
use crate::store::Stores;
use crate::store::url::Name;

/// What a directory stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Directories {
    /// An error.
    Refuse,
    /// All files below it whose names end as those of inputs do.
    Walk,
}

/// Returns the inputs that names stand for, in the order of the names.
///
/// A name that exists is taken as it is. Otherwise one with `*`, `?` or `[…]` is a pattern; `**`
/// stands for any directories. Patterns stand for files, and for directories where those are walked.
/// What a pattern or a directory stands for is sorted by bytes; hidden
/// names are left out unless a pattern spells their dot. `-` is standard input.
///
/// The same goes for keys in object stores, where a name that ends with `/` stands for all objects
/// below it whose names end as those of inputs do. A web server lists nothing, so its URLs are taken
/// as they are.
///
/// - Errors: `Usage` for a pattern that matches nothing, and for a directory that is refused or
///   holds nothing; `Io`.
pub fn expand(
    names: &[PathBuf],
    directories: Directories,
    stores: &Stores,
) -> Result<Vec<Input>, Error> {
    let mut inputs = Vec::with_capacity(names.len());
    for name in names {
        let name = match Name::parse(name)? {
            Name::Path(path) => path,
            Name::Url(url) => {
                objects::add(&url, Patterns::Expand, directories, stores, &mut inputs)?;
                continue;
            }
        };
        if name.as_os_str() == "-" {
            inputs.push(Input::Stdin);
        } else if let Some(pattern) = as_pattern(&name) {
            add_matches(&name, pattern, directories, &mut inputs)?;
        } else {
            add_file(&name, directories, &mut inputs)?;
        }
    }
    Ok(inputs)
}

/// Whether `*` and the like stand for names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Patterns {
    /// They do.
    Expand,
    /// They are characters like others.
    Ignore,
}

/// Returns the inputs that a list names, each as it stands there: no patterns, no `-`.
///
/// - Errors: `Usage` for a directory that is refused or holds nothing; `Io`.
pub fn expand_list(
    names: &[PathBuf],
    directories: Directories,
    stores: &Stores,
) -> Result<Vec<Input>, Error> {
    let mut inputs = Vec::with_capacity(names.len());
    for name in names {
        match Name::parse(name)? {
            Name::Path(path) => add_file(&path, directories, &mut inputs)?,
            Name::Url(url) => {
                objects::add(&url, Patterns::Ignore, directories, stores, &mut inputs)?;
            }
        }
    }
    Ok(inputs)
}

/// What parts the names of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Separator {
    /// A line end.
    Newline,
    /// A NUL byte, as of `find -print0`.
    Nul,
}

/// Reads a list of names from a file, or from standard input for `-`; empty names are left out.
///
/// - Errors: `Io`; `Usage` for a name that this system cannot have.
pub fn read_list(list: &Path, separator: Separator) -> Result<Vec<PathBuf>, Error> {
    let mut bytes = Vec::new();
    let read = match list.as_os_str() == "-" {
        true => io::stdin().read_to_end(&mut bytes).map(|_| ()),
        false => fs::read(list).map(|read| bytes = read),
    };
    read.map_err(|cause| Error::io("reading the list of inputs", list, cause))?;
    let byte = match separator {
        Separator::Newline => b'\n',
        Separator::Nul => 0,
    };
    let names = bytes.split(|other| *other == byte).filter(|name| !name.is_empty());
    names.map(|name| Ok(PathBuf::from(os_name(name)?))).collect()
}

#[cfg(unix)]
fn os_name(name: &[u8]) -> Result<OsString, Error> {
    use std::os::unix::ffi::OsStringExt;
    Ok(OsString::from_vec(name.to_vec()))
}

#[cfg(not(unix))]
fn os_name(name: &[u8]) -> Result<OsString, Error> {
    let name = std::str::from_utf8(name)
        .map_err(|_| Error::usage("expected names of inputs in UTF-8, found other bytes"))?;
    Ok(name.trim_end_matches('\r').into())
}

fn add_file(name: &Path, directories: Directories, inputs: &mut Vec<Input>) -> Result<(), Error> {
    // what cannot be looked up is an error of its own where all inputs are
    if !fs::metadata(name).is_ok_and(|metadata| metadata.is_dir()) {
        inputs.push(Input::File(name.to_path_buf()));
        return Ok(());
    }
    let shown = printable(name);
    if directories == Directories::Refuse {
        let message = format!("{shown}: expected a file, found a directory");
        return Err(Error::usage(message).with_hint("`--recursive` takes the files below it"));
    }
    let mut found = Vec::new();
    walk(name, &mut |path, kind| {
        let is_input = InputFormat::from_path(path).is_some() && is_file(path, kind);
        found.extend(is_input.then(|| path.to_path_buf()));
    })?;
    if found.is_empty() {
        let message = format!("{shown}: expected files below it, such as `x.jsonl`, found none");
        return Err(Error::usage(message).with_hint(
            "files are taken by their endings; others can be named: `DIR/*`, or `--files-from`",
        ));
    }
    add_sorted(found, inputs);
    Ok(())
}

fn add_sorted(mut found: Vec<PathBuf>, inputs: &mut Vec<Input>) {
    found.sort_unstable_by(|a, b| bytes(a).cmp(bytes(b)));
    inputs.extend(found.into_iter().map(Input::File));
}

fn bytes(path: &Path) -> &[u8] {
    path.as_os_str().as_encoded_bytes()
}

/// Returns whether a path is a file, also one behind a link.
fn is_file(path: &Path, kind: fs::FileType) -> bool {
    kind.is_file() || kind.is_symlink() && path.is_file()
}

/// Calls `each` for everything below a directory that is not hidden; links are not walked into.
fn walk(folder: &Path, each: &mut impl FnMut(&Path, fs::FileType)) -> Result<(), Error> {
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for (name, kind) in entries(&folder)? {
            if is_hidden(&name) {
                continue;
            }
            let path = folder.join(name);
            each(&path, kind);
            if kind.is_dir() {
                folders.push(path);
            }
        }
    }
    Ok(())
}

fn is_hidden(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".")
}

fn entries(folder: &Path) -> Result<Vec<(OsString, fs::FileType)>, Error> {
    let failed = |cause| Error::io("listing it", folder, cause);
    let listed = match folder.as_os_str().is_empty() {
        true => fs::read_dir("."),
        false => fs::read_dir(folder),
    };
    let entries = listed.map_err(failed)?.map(|entry| {
        let entry = entry?;
        Ok((entry.file_name(), entry.file_type()?))
    });
    entries.collect::<io::Result<_>>().map_err(failed)
}

/// One step of a pattern.
enum Step {
    /// A name as it stands, a root or `..`.
    Name(OsString),
    /// A name that fits.
    Fits(Pattern),
    /// `**`: any directories, also none.
    Any,
}

/// Returns the steps of a name that is a pattern; nothing where it exists, or is none.
fn as_pattern(name: &Path) -> Option<Vec<Step>> {
    let has_wild = |name: &OsStr| {
        let bytes = name.as_encoded_bytes();
        memchr::memchr3(b'*', b'?', b'[', bytes).is_some()
    };
    if !has_wild(name.as_os_str()) || fs::symlink_metadata(name).is_ok() {
        return None;
    }
    let step = |component: Component<'_>| match component {
        Component::Normal(name) if has_wild(name) => match name.to_str()? {
            "**" => Some(Step::Any),
            // what is no pattern is a name, which will be missing
            text => Pattern::new(text).ok().map(Step::Fits),
        },
        other => Some(Step::Name(other.as_os_str().to_owned())),
    };
    name.components().map(step).collect()
}

fn add_matches(
    name: &Path,
    pattern: Vec<Step>,
    directories: Directories,
    inputs: &mut Vec<Input>,
) -> Result<(), Error> {
    let mut found = Vec::new();
    find(PathBuf::new(), &pattern, &mut found)?;
    // `**` may lead to one path in several ways
    found.sort_unstable_by(|a, b| bytes(a).cmp(bytes(b)));
    found.dedup();
    let before = inputs.len();
    for path in found {
        if directories == Directories::Walk || !path.is_dir() {
            add_file(&path, directories, inputs)?;
        }
    }
    if inputs.len() == before {
        let message = format!("{}: expected files that match, found none", printable(name));
        return Err(Error::usage(message).with_hint(
            "`*` and `?` stand within a name, `**` for any directories, `[ab]` for one of several",
        ));
    }
    Ok(())
}

/// Finds what is below `folder` and fits the steps that are left.
fn find(folder: PathBuf, steps: &[Step], found: &mut Vec<PathBuf>) -> Result<(), Error> {
    const OPTIONS: MatchOptions = MatchOptions {
        case_sensitive: true,
        require_literal_separator: true,
        require_literal_leading_dot: true,
    };
    let Some((step, rest)) = steps.split_first() else {
        // links that lead nowhere are not there
        if folder.exists() {
            found.push(folder);
        }
        return Ok(());
    };
    match step {
        Step::Name(name) => {
            let path = folder.join(name);
            if rest.is_empty() || path.is_dir() {
                find(path, rest, found)?;
            }
        }
        Step::Fits(pattern) => {
            for (name, kind) in entries(&folder)? {
                let path = folder.join(&name);
                let may_go_on = rest.is_empty() || kind.is_dir() || path.is_dir();
                if may_go_on && pattern.matches_with(&name.to_string_lossy(), OPTIONS) {
                    find(path, rest, found)?;
                }
            }
        }
        Step::Any => {
            let mut folders = vec![folder.clone()];
            walk(&folder, &mut |path, kind| {
                folders.extend(kind.is_dir().then(|| path.to_path_buf()));
            })?;
            // at the end it stands for the files below
            let names = [Step::Fits(Pattern::new("*").unwrap_or_default())];
            let rest = if rest.is_empty() { &names[..] } else { rest };
            for folder in folders {
                find(folder, rest, found)?;
            }
        }
    }
    Ok(())
}

/// Returns the text that stands for an input in its source column.
///
/// Bytes that are no UTF-8 are written as `\xFF`, so that two names never have one text by chance.
pub(crate) fn source_text(input: &Input) -> String {
    match input {
        Input::Stdin => "<stdin>".to_owned(),
        Input::Url(input) => input.url.shown().to_owned(),
        Input::Reader { name, .. } => name.clone(),
        Input::File(path) => {
            let mut text = String::new();
            for chunk in bytes(path).utf8_chunks() {
                text.push_str(chunk.valid());
                for byte in chunk.invalid() {
                    text.push_str(&format!("\\x{byte:02X}"));
                }
            }
            text
        }
    }
}
