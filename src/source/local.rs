//! Files, and what opens like a file.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::{Compression, Source, Uninterrupted};
use crate::error::{Error, ErrorKind};
use crate::format::InputFormat;

/// Opens a file, a FIFO or a device for reading from start to end.
pub(super) fn open(path: &Path) -> Result<Source, Error> {
    let name = printable(path);
    let cannot_open = |cause: std::io::Error| {
        let message = format!("{name}: cannot open: {cause}");
        Error::new(ErrorKind::Io, message).with_source(cause)
    };
    // before opening: some systems cannot open a directory and give a less helpful cause
    let found = fs::metadata(path).map_err(cannot_open)?;
    if found.is_dir() {
        let message = format!("{name}: expected a file, found a directory");
        return Err(Error::usage(message).with_hint(format!("name its files: `{name}/*.jsonl`")));
    }
    if !found.is_file() {
        // To open a FIFO takes as long as nobody writes to it: that is left to whoever reads.
        let late = Late { path: path.to_owned(), name: name.clone(), file: None };
        return Ok(Source {
            hint: InputFormat::from_path(path),
            compression_hint: path.extension().and_then(Compression::from_extension),
            ..Source::new(name, Uninterrupted(late))
        });
    }
    let file = File::open(path).map_err(cannot_open)?;
    let metadata = file.metadata().map_err(cannot_open)?;
    let len = metadata.is_file().then_some(metadata.len());
    // Who reads at any place must not move this one's.
    let own = if len.is_some() { file.try_clone().ok() } else { None };
    Ok(Source {
        hint: InputFormat::from_path(path),
        compression_hint: path.extension().and_then(Compression::from_extension),
        len,
        is_live: len.is_none(),
        file: own,
        ..Source::new(name, Uninterrupted(file))
    })
}

/// What is opened when it is read.
struct Late {
    path: PathBuf,
    name: String,
    file: Option<File>,
}

impl Read for Late {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let file = match &mut self.file {
            Some(file) => file,
            None => {
                let file = File::open(&self.path).map_err(|cause| {
                    if cause.kind() == io::ErrorKind::Interrupted {
                        return cause;
                    }
                    let message = format!("{}: cannot open: {cause}", self.name);
                    io::Error::other(Error::new(ErrorKind::Io, message).with_source(cause))
                })?;
                self.file.insert(file)
            }
        };
        file.read(buffer)
    }
}

/// Writes a path so that a terminal can show it: control characters are escaped.
pub(super) fn printable(path: &Path) -> String {
    let mut name = String::new();
    for character in path.to_string_lossy().chars() {
        match character {
            character if character.is_control() => name.extend(character.escape_default()),
            character => name.push(character),
        }
    }
    name
}

/// Returns what is the same for every name of one file: its device and inode.
///
/// `None` where there is no such file, or the system has no such numbers.
pub fn identity(path: &Path) -> Option<(u64, u64)> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let metadata = fs::metadata(path).ok()?;
        Some((metadata.dev(), metadata.ino()))
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        None
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::path::PathBuf;

    use super::*;

    /// A directory that is removed at the end of the test.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Folder {
            let path = std::env::temp_dir().join(format!("local-{name}-{}", std::process::id()));
            fs::create_dir_all(&path).unwrap();
            Folder(path)
        }

        fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
            let path = self.0.join(name);
            fs::write(&path, bytes).unwrap();
            path
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_file_has_name_hint_and_length() {
        let folder = Folder::new("file");
        let path = folder.file("a.ndjson", b"{}\n");
        let mut source = open(&path).unwrap();
        assert_eq!(source.name, path.display().to_string());
        assert_eq!((source.hint, source.len), (Some(InputFormat::Jsonl), Some(3)));
        let mut bytes = Vec::new();
        source.reader.read_to_end(&mut bytes).unwrap();
        assert_eq!(bytes, b"{}\n");
    }

    #[test]
    fn what_cannot_be_opened_says_why() {
        let folder = Folder::new("missing");
        let error = open(&folder.0.join("no\nsuch")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io);
        let start = format!("{}/no\\nsuch: cannot open: ", folder.0.display());
        assert!(error.to_string().starts_with(&start), "{error}");
        let error = open(&folder.0).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Usage);
        assert!(error.to_string().ends_with(": expected a file, found a directory"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn links_have_the_identity_of_their_file() {
        let folder = Folder::new("links");
        let path = folder.file("a", b"");
        let (soft, hard) = (folder.0.join("soft"), folder.0.join("hard"));
        std::os::unix::fs::symlink(&path, &soft).unwrap();
        fs::hard_link(&path, &hard).unwrap();
        assert!(identity(&path).is_some());
        assert_eq!(identity(&path), identity(&soft));
        assert_eq!(identity(&path), identity(&hard));
        assert_ne!(identity(&path), identity(&folder.file("b", b"")));
        assert_eq!(identity(&folder.0.join("c")), None);
    }
}
