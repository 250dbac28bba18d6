//! One table, tagged lines, or tar to standard output or to a library user's writer.
//!
//! Nothing is written before `commit`, so a run that fails sends not a byte.

use std::fs::File;
use std::io::{self, BufWriter, ErrorKind as IoKind, Read, Write};
use std::path::Path;
use std::thread;
use std::time::Duration;

use super::local::{FileId, Staged};
use super::{Framing, Published, pipe};
use crate::error::{Error, ErrorKind};

/// Bytes copied at once. What is longer the system moves into a pipe, as far as it does.
const COPY_BYTES: usize = 256 << 10;

/// How long a full pipe that does not block is left alone.
const FULL_PIPE_PAUSE: Duration = Duration::from_millis(1);

/// Where the bytes go.
pub(super) enum Stream {
    Stdout,
    Writer(Box<dyn Write + Send>),
    /// All went to it while the run went on.
    Sent,
}

/// What writes to a stream, the file it is, if it is one, and its name in messages.
pub(super) type StreamWriter = (Box<dyn Write + Send>, Option<File>, &'static str);

impl Stream {
    /// Identifies the file standard output was sent to, if it is one.
    pub(super) fn file_id(&self) -> Option<FileId> {
        match self {
            Stream::Writer(_) | Stream::Sent => None,
            Stream::Stdout => {
                let file = standard_output().ok()?;
                FileId::of(Path::new("<stdout>"), &file.metadata().ok()?)
            }
        }
    }

    /// Returns what writes to it.
    ///
    /// - Errors: `Io`.
    pub(super) fn into_writer(self) -> Result<StreamWriter, Error> {
        match self {
            Stream::Writer(writer) => Ok((writer, None, "<writer>")),
            Stream::Sent => Ok((Box::new(io::sink()), None, "<writer>")),
            Stream::Stdout => {
                let name = "<stdout>";
                let file = standard_output().map_err(|cause| failed(name, cause))?;
                let same = file.try_clone().map_err(|cause| failed(name, cause))?;
                Ok((Box::new(Patient(file)), Some(same), name))
            }
        }
    }

    /// Sends the tables in the order given.
    ///
    /// - Errors: `ClosedPipe` if the reader went away; `Io`. Part may have been sent by then.
    pub(super) fn send(self, framing: Framing, tables: &[Staged]) -> Result<Vec<Published>, Error> {
        match self {
            Stream::Writer(mut writer) => send(&mut writer, None, "<writer>", framing, tables),
            Stream::Sent => Ok(Vec::new()),
            Stream::Stdout => {
                let name = "<stdout>";
                let file = standard_output().map_err(|cause| failed(name, cause))?;
                let is_pipe = pipe::is_pipe(&file).map_err(|cause| failed(name, cause))?;
                let pipe = is_pipe.then_some(&file);
                let published = send(&mut Patient(&file), pipe, name, framing, tables)?;
                settle(&file).map_err(|cause| failed(name, cause))?;
                Ok(published)
            }
        }
    }
}

/// Sends the tables by `out`, which writes to `pipe` where that is one.
fn send(
    out: &mut dyn Write,
    pipe: Option<&File>,
    name: &str,
    framing: Framing,
    tables: &[Staged],
) -> Result<Vec<Published>, Error> {
    let bytes = match framing {
        Framing::One | Framing::Tagged => send_plain(out, pipe, name, tables)?,
        Framing::Tar => send_tar(out, name, tables)?,
    };
    let publish = |(table, bytes): (&Staged, u64)| Published {
        table_index: table.table_index,
        path: None,
        bytes,
    };
    Ok(tables.iter().zip(bytes).map(publish).collect())
}

fn send_plain(
    out: &mut dyn Write,
    pipe: Option<&File>,
    name: &str,
    tables: &[Staged],
) -> Result<Vec<u64>, Error> {
    let mut buffer = vec![0; COPY_BYTES];
    let mut sent = Vec::with_capacity(tables.len());
    for table in tables {
        let mut file = table.read()?;
        let mut bytes = match pipe {
            Some(pipe) if table.bytes()? > COPY_BYTES as u64 => pipe::fill(pipe, &file),
            _ => 0,
        };
        loop {
            let count = match file.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(cause) if cause.kind() == IoKind::Interrupted => continue,
                Err(cause) => return Err(table.content.error("reading it", cause)),
            };
            out.write_all(&buffer[..count]).map_err(|cause| failed(name, cause))?;
            bytes += count as u64;
        }
        sent.push(bytes);
    }
    out.flush().map_err(|cause| failed(name, cause))?;
    Ok(sent)
}

/// Sends a tar whose bytes depend on the tables alone: no times, no owners.
fn send_tar(out: &mut dyn Write, name: &str, tables: &[Staged]) -> Result<Vec<u64>, Error> {
    let mut tar = tar::Builder::new(BufWriter::with_capacity(COPY_BYTES, out));
    let mut sent = Vec::with_capacity(tables.len());
    for table in tables {
        let bytes = table.bytes()?;
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Regular);
        header.set_size(bytes);
        header.set_mode(0o644);
        header.set_mtime(0);
        header.set_uid(0);
        header.set_gid(0);
        let mut content = Noted { reader: table.read()?.take(bytes), read: 0, failure: None };
        let appended = tar.append_data(&mut header, table.file_name(), &mut content);
        if let Some(cause) = content.failure {
            return Err(table.content.error("reading it", cause));
        }
        appended.map_err(|cause| failed(name, cause))?;
        if content.read != bytes {
            let cause = io::Error::from(IoKind::UnexpectedEof);
            return Err(table.content.error("reading it", cause));
        }
        sent.push(bytes);
    }
    let mut out = tar.into_inner().map_err(|cause| failed(name, cause))?;
    out.flush().map_err(|cause| failed(name, cause))?;
    Ok(sent)
}

/// Remembers why reading failed: the tar crate does not say which side did.
struct Noted<R> {
    reader: R,
    read: u64,
    failure: Option<io::Error>,
}

impl<R: Read> Read for Noted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.reader.read(buffer) {
            Ok(count) => {
                self.read += count as u64;
                Ok(count)
            }
            Err(cause) if cause.kind() == IoKind::Interrupted => Err(cause),
            Err(cause) => {
                let kind = cause.kind();
                self.failure = Some(cause);
                Err(kind.into())
            }
        }
    }
}

/// Waits where a pipe is full and was set not to block by another process.
struct Patient<W>(W);

impl<W: Write> Write for Patient<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            match self.0.write(bytes) {
                Err(cause) if cause.kind() == IoKind::WouldBlock => thread::sleep(FULL_PIPE_PAUSE),
                written => return written,
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Returns standard output without the buffer of `std`, which splits at lines and hides errors.
fn standard_output() -> io::Result<File> {
    #[cfg(unix)]
    use std::os::fd::AsFd as _;
    #[cfg(windows)]
    use std::os::windows::io::AsHandle as _;

    let stdout = io::stdout();
    #[cfg(unix)]
    let own = stdout.as_fd().try_clone_to_owned()?;
    #[cfg(windows)]
    let own = stdout.as_handle().try_clone_to_owned()?;
    Ok(File::from(own))
}

/// Brings up errors that a file keeps for its close, which reports to nobody.
pub(super) fn settle(file: &File) -> io::Result<()> {
    if !file.metadata()?.is_file() {
        return Ok(());
    }
    match file.sync_all() {
        Err(cause) if matches!(cause.kind(), IoKind::InvalidInput | IoKind::Unsupported) => Ok(()),
        synced => synced,
    }
}

pub(super) fn failed(name: &str, cause: io::Error) -> Error {
    match cause.kind() {
        IoKind::BrokenPipe => {
            Error::new(ErrorKind::ClosedPipe, format!("{name}: the reader went away"))
                .with_source(cause)
        }
        _ => Error::io("writing", Path::new(name), cause),
    }
}
