//! A file that is written anew again and again while a run goes, apart from its outputs.

use std::fs::{self, File};
use std::io::{self, ErrorKind as IoKind, Read, Write};
use std::path::{Path, PathBuf};

use super::commit::Rules;
use super::local::{FileId, InputFile, close, kind_of};
use super::workspace::{expect_directory, nothing_at, or_current};
use super::{Overwrite, io_error, shown, split};
use crate::error::{Error, ErrorKind};

/// Starts the name of the temporary file; runs do not take it for one of theirs, and collectors of
/// `*.prom` do not read it.
const PREFIX: &str = ".transmog-metrics-";
const ENDING: &str = ".part";

/// A file that readers see whole at any time: it is replaced by a rename.
#[derive(Debug)]
pub(crate) struct Rewritten {
    path: PathBuf,
}

impl Rewritten {
    /// Checks that the file can be written: that nobody else's is there, which is one that neither
    /// is empty nor starts with `start`. Changes nothing yet.
    ///
    /// - Errors: `OutputExists`; `Usage` if it is a directory or a device, or if its directory is
    ///   missing; `Io`.
    pub(crate) fn open(path: &Path, overwrite: Overwrite, start: &str) -> Result<Self, Error> {
        let (parent, _) = split(path)?;
        let parent = or_current(parent);
        match fs::metadata(parent) {
            Ok(metadata) => expect_directory(parent, &metadata)?,
            Err(cause) if cause.kind() == IoKind::NotFound => return Err(nothing_at(parent)),
            Err(cause) => return Err(io_error("looking it up", parent, cause)),
        }
        let rewritten = Rewritten { path: path.to_owned() };
        match fs::metadata(path) {
            Ok(metadata) if !metadata.is_file() => {
                let (at, kind) = (shown(path), kind_of(&metadata));
                Err(Error::usage(format!("{at}: expected a regular file, found {kind}"))
                    .with_hint("choose another name"))
            }
            Ok(_) if overwrite == Overwrite::Replace => Ok(rewritten),
            Ok(_) => match starts_with(path, start.as_bytes()) {
                Ok(true) => Ok(rewritten),
                Ok(false) => {
                    let message = format!(
                        "{}: expected nothing, or a file that an earlier run wrote, found another",
                        shown(path)
                    );
                    let hint = "choose another name, or add `--force` to replace it";
                    Err(Error::new(ErrorKind::OutputExists, message).with_hint(hint))
                }
                Err(cause) => Err(io_error("reading it", path, cause)),
            },
            Err(cause) if cause.kind() == IoKind::NotFound => Ok(rewritten),
            Err(cause) => Err(io_error("looking it up", path, cause)),
        }
    }

    /// Replaces the content.
    ///
    /// - Errors: `Io`; the old content stands then.
    pub(crate) fn write(&self, content: &[u8]) -> Result<(), Error> {
        let parent = or_current(self.path.parent().unwrap_or(Path::new("")));
        let mut builder = tempfile::Builder::new();
        builder.prefix(PREFIX).suffix(ENDING);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // whoever the umask allows
            builder.permissions(fs::Permissions::from_mode(0o666));
        }
        let write = || {
            let mut file = builder.tempfile_in(parent)?;
            file.write_all(content)?;
            let (file, path) = file.into_parts();
            close(file)?;
            path.persist(&self.path).map_err(|failed| failed.error)
        };
        write().map_err(|cause| io_error("writing it", &self.path, cause))
    }
}

/// Returns whether a file is empty or starts with `start`.
fn starts_with(path: &Path, start: &[u8]) -> io::Result<bool> {
    let mut first = Vec::new();
    File::open(path)?.take(start.len() as u64).read_to_end(&mut first)?;
    Ok(first.is_empty() || first == start)
}

/// Checks that files which are to be written are none of those that are read.
///
/// - Errors: `Usage`.
pub(crate) fn refuse_read(paths: &[PathBuf], inputs: Vec<InputFile>) -> Result<(), Error> {
    let rules = Rules { overwrite: Overwrite::Replace, inputs };
    paths.iter().try_for_each(|path| {
        let id = fs::metadata(path).ok().and_then(|metadata| FileId::of(path, &metadata));
        match id {
            Some(_) => rules.check_not_input(id, &shown(path)),
            None => Ok(()),
        }
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // in tests a panic is the message
mod tests {
    use super::*;

    #[test]
    fn only_what_is_its_own_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for (name, text) in [("own", "# HELP x 1\n"), ("empty", ""), ("other", "{}\n")] {
            fs::write(at(name), text).unwrap();
        }
        let open = |name: &str, overwrite| Rewritten::open(&at(name), overwrite, "# HELP x");
        for name in ["own", "empty", "new"] {
            open(name, Overwrite::Refuse).unwrap().write(b"# HELP x 2\n").unwrap();
            assert_eq!(fs::read_to_string(at(name)).unwrap(), "# HELP x 2\n", "{name}");
        }
        let error = open("other", Overwrite::Refuse).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::OutputExists);
        open("other", Overwrite::Replace).unwrap().write(b"1").unwrap();
        assert_eq!(fs::read_to_string(at("other")).unwrap(), "1");
        fs::create_dir(at("dir")).unwrap();
        for name in ["dir", "gone/x", "slash/"] {
            let error = open(name, Overwrite::Replace).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Usage, "{name}: {error}");
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 5);
    }

    #[cfg(unix)]
    #[test]
    fn the_umask_says_who_may_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let (usual, own) = (folder.path().join("usual"), folder.path().join("own"));
        fs::write(&usual, "x").unwrap();
        Rewritten::open(&own, Overwrite::Refuse, "#").unwrap().write(b"x").unwrap();
        assert_eq!(mode(&own), mode(&usual));
    }
}
