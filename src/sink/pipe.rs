//! Fills pipes without a copy, where the system does that.

use std::fs::File;
use std::io;

/// Bytes that wait in a pipe, at most: what Linux gives to everybody. It holds 64 KiB of its own, and
/// each time it is full or empty the programs at its ends take turns.
#[cfg(target_os = "linux")]
const PIPE_BYTES: usize = 1 << 20;

/// Returns whether `file` is an end of a pipe.
pub(super) fn is_pipe(file: &File) -> io::Result<bool> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt as _;
        Ok(file.metadata()?.file_type().is_fifo())
    }
    #[cfg(not(unix))]
    {
        let _ = file;
        Ok(false)
    }
}

/// Moves the rest of `from` into `pipe`, as far as the system does that.
///
/// - Shape: returns the bytes moved; `from` stands behind them.
/// - Errors: none. Whoever copies the rest finds out what failed, and at which end it is, which is not
///   known here.
#[cfg(target_os = "linux")]
pub(super) fn fill(pipe: &File, from: &File) -> u64 {
    use rustix::fs::sendfile;
    use rustix::io::Errno;
    use rustix::pipe::{fcntl_getpipe_size, fcntl_setpipe_size};

    if fcntl_getpipe_size(pipe).is_ok_and(|bytes| bytes < PIPE_BYTES) {
        // A user with many wide pipes is given no more of them: this one stays as it is.
        let _ = fcntl_setpipe_size(pipe, PIPE_BYTES);
    }
    let mut moved = 0;
    loop {
        match sendfile(pipe, from, None, PIPE_BYTES) {
            Err(Errno::INTR) => {}
            Ok(0) | Err(_) => return moved,
            Ok(count) => moved += count as u64,
        }
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) fn fill(_pipe: &File, _from: &File) -> u64 {
    0
}

#[cfg(all(test, target_os = "linux"))]
#[allow(clippy::unwrap_used)] // in tests a panic is the message
mod tests {
    use std::io::{Read as _, Seek as _, Write as _};
    use std::thread;

    use rustix::fs::{OFlags, fcntl_setfl};

    use super::*;

    fn file_of(bytes: usize) -> (File, Vec<u8>) {
        let content: Vec<u8> = (0..bytes).map(|at| (at / 7 % 251) as u8).collect();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&content).unwrap();
        file.rewind().unwrap();
        (file, content)
    }

    fn pipe() -> (File, File) {
        let (reader, writer) = rustix::pipe::pipe().unwrap();
        (File::from(reader), File::from(writer))
    }

    #[test]
    fn all_of_a_file_goes_into_a_pipe_that_is_read() {
        let (mut file, content) = file_of(3 * PIPE_BYTES + 5);
        file.seek_relative(3).unwrap();
        let (mut reader, writer) = pipe();
        assert!(is_pipe(&writer).unwrap() && !is_pipe(&file).unwrap());
        let filler = thread::spawn(move || fill(&writer, &file));
        let mut read = Vec::new();
        reader.read_to_end(&mut read).unwrap();
        assert_eq!(filler.join().unwrap(), content.len() as u64 - 3);
        assert!(read == content[3..]);
    }

    #[test]
    fn a_file_stands_behind_what_was_moved() {
        let (mut file, content) = file_of(3 * PIPE_BYTES);
        let (mut reader, writer) = pipe();
        fcntl_setfl(&writer, OFlags::NONBLOCK).unwrap();
        let moved = fill(&writer, &file);
        assert!((1..content.len() as u64).contains(&moved), "{moved}");
        assert_eq!(file.stream_position().unwrap(), moved);
        drop(writer);
        let mut read = Vec::new();
        reader.read_to_end(&mut read).unwrap();
        assert!(read == content[..moved as usize]);

        let (reader, writer) = pipe();
        drop(reader);
        assert_eq!(fill(&writer, &file), 0);
        assert_eq!(file.stream_position().unwrap(), moved);
    }

    #[test]
    fn what_is_no_pipe_or_cannot_be_moved_is_left() {
        let (mut file, content) = file_of(10);
        let (appended, _) = file_of(10);
        fcntl_setfl(&appended, OFlags::APPEND).unwrap();
        assert_eq!(fill(&appended, &file), 0);
        let mut read = Vec::new();
        file.read_to_end(&mut read).unwrap();
        assert_eq!(read, content);
    }
}
