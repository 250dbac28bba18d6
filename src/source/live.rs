//! Inputs that give bytes when they like: read on a thread of its own, so that others can wait for
//! them no longer than they want.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::error::{Error, ErrorKind};
use crate::limits::THREAD_STACK_BYTES;
use crate::threads;

/// Bytes asked for in one read.
const PIECE_BYTES: usize = 64 << 10;

/// Pieces that wait to be taken, at most.
const PIECES_MAX: usize = 8;

/// How long to wait for bytes before the wait itself is an error.
#[derive(Debug, Clone, Default)]
pub(crate) struct Patience {
    /// Not beyond this time.
    pub until: Option<Instant>,
    /// Not so long after the last bytes.
    pub idle: Option<Duration>,
}

/// Which of them ended a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expired {
    /// The time of the run.
    Run,
    /// The time without bytes.
    Idle,
}

impl Patience {
    /// Returns when there is none left, after bytes that came at `last`.
    fn end(&self, last: Instant) -> Option<(Instant, Expired)> {
        let run = self.until.map(|until| (until, Expired::Run));
        let idle = self.idle.and_then(|idle| Some((last.checked_add(idle)?, Expired::Idle)));
        run.into_iter().chain(idle).min_by_key(|(end, _)| *end)
    }
}

/// What a wait came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Waited {
    /// There is something to read: bytes, the end, or an error.
    Ready,
    /// The time given is over.
    Late,
    /// There is no patience left.
    Expired(Expired),
}

/// Reads an input that is read on another thread.
pub(crate) struct LiveReader(Waiter);

/// Waits for what a [`LiveReader`] can read.
#[derive(Clone)]
pub(crate) struct Waiter {
    shared: Arc<Shared>,
    patience: Patience,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    pieces: VecDeque<Vec<u8>>,
    /// Bytes of the first piece that were taken.
    taken: usize,
    /// Pieces to fill again.
    spare: Vec<Vec<u8>>,
    /// What ended the input.
    end: Option<io::Result<()>>,
    /// When bytes came last.
    last: Instant,
    /// Nobody reads any more.
    is_dropped: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads `reader` on a thread of its own from here on.
///
/// - Buffers: half a MiB ahead of who reads.
/// - Errors: `Io` where there is no thread for it. What `reader` fails with is final: retries are
///   its own affair.
pub(crate) fn read_beside(
    reader: Box<dyn Read + Send>,
    patience: Patience,
) -> Result<(LiveReader, Waiter), Error> {
    let state = State {
        pieces: VecDeque::new(),
        taken: 0,
        spare: Vec::new(),
        end: None,
        last: Instant::now(),
        is_dropped: false,
    };
    let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() });
    let to = Arc::clone(&shared);
    threads::start("transmog-input", THREAD_STACK_BYTES, move || pump(reader, &to))?;
    let waiter = Waiter { shared, patience };
    Ok((LiveReader(waiter.clone()), waiter))
}

fn pump(mut reader: Box<dyn Read + Send>, shared: &Shared) {
    loop {
        let mut piece = {
            let mut state = shared.lock();
            while state.pieces.len() >= PIECES_MAX && !state.is_dropped {
                state = shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            if state.is_dropped {
                return;
            }
            state.spare.pop().unwrap_or_default()
        };
        piece.resize(PIECE_BYTES, 0);
        let read = loop {
            match reader.read(&mut piece) {
                Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        let mut state = shared.lock();
        state.last = Instant::now();
        match read {
            Ok(0) => state.end = Some(Ok(())),
            Ok(count) => {
                piece.truncate(count);
                state.pieces.push_back(piece);
            }
            Err(cause) => state.end = Some(Err(cause)),
        }
        shared.changed.notify_all();
        if state.end.is_some() {
            return;
        }
    }
}

impl Waiter {
    /// Waits until there is something to read, not beyond `until`.
    pub(crate) fn wait(&self, until: Option<Instant>) -> Waited {
        self.wait_locked(until).1
    }

    fn wait_locked(&self, until: Option<Instant>) -> (MutexGuard<'_, State>, Waited) {
        let mut state = self.shared.lock();
        loop {
            if !state.pieces.is_empty() || state.end.is_some() {
                return (state, Waited::Ready);
            }
            let patience = self.patience.end(state.last);
            let patience = patience.map(|(end, expired)| (end, Waited::Expired(expired)));
            let late = until.map(|until| (until, Waited::Late));
            let first = late.into_iter().chain(patience).min_by_key(|(end, _)| *end);
            let changed = &self.shared.changed;
            state = match first {
                None => changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some((end, waited)) => {
                    let left = end.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return (state, waited);
                    }
                    changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }

    /// Returns whether there are bytes to read.
    pub(crate) fn has_bytes(&self) -> bool {
        !self.shared.lock().pieces.is_empty()
    }

    /// Lets bytes that were read be read again.
    pub(crate) fn put_back(&self, bytes: Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        let mut state = self.shared.lock();
        let taken = std::mem::take(&mut state.taken);
        if let Some(first) = state.pieces.front_mut() {
            first.drain(..taken);
        }
        state.pieces.push_front(bytes);
    }

    /// Returns the error of a wait that took too long.
    pub(crate) fn error(&self, expired: Expired) -> Error {
        let message = match expired {
            Expired::Run => {
                "the time of the run is up (`--timeout`), nothing was written".to_owned()
            }
            Expired::Idle => {
                let idle = self.patience.idle.unwrap_or_default();
                format!("nothing came for {idle:?} (`--idle-timeout`), nothing was written")
            }
        };
        Error::new(ErrorKind::Timeout, message)
    }
}

impl Read for LiveReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let (mut locked, waited) = self.0.wait_locked(None);
        if let Waited::Expired(expired) = waited {
            return Err(io::Error::other(self.0.error(expired)));
        }
        let state = &mut *locked;
        let taken = state.taken;
        let Some(piece) = state.pieces.front() else {
            return match &mut state.end {
                Some(end @ Err(_)) => {
                    // said once; whoever reads on has seen it
                    std::mem::replace(end, Ok(())).map(|()| 0)
                }
                _ => Ok(0),
            };
        };
        let count = buffer.len().min(piece.len() - taken);
        buffer[..count].copy_from_slice(&piece[taken..taken + count]);
        let is_done = taken + count == piece.len();
        state.taken += count;
        if is_done {
            let piece = state.pieces.pop_front();
            state.spare.extend(piece);
            state.taken = 0;
            self.0.shared.changed.notify_all();
        }
        Ok(count)
    }
}

impl Drop for LiveReader {
    fn drop(&mut self) {
        self.0.shared.lock().is_dropped = true;
        self.0.shared.changed.notify_all();
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // in tests a panic is the message
mod tests {
    use std::sync::mpsc::{Receiver, channel};

    use super::*;

    /// Gives what comes through a channel.
    struct Pipe(Receiver<&'static [u8]>);

    impl Read for Pipe {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let Ok(bytes) = self.0.recv() else { return Ok(0) };
            buffer[..bytes.len()].copy_from_slice(bytes);
            Ok(bytes.len())
        }
    }

    const SOON: Duration = Duration::from_millis(20);

    #[test]
    fn waits_end_with_bytes_or_time() {
        let (send, pipe) = channel();
        let (mut reader, waiter) = read_beside(Box::new(Pipe(pipe)), Patience::default()).unwrap();
        assert_eq!(waiter.wait(Some(Instant::now() + SOON)), Waited::Late);
        send.send(b"abc").unwrap();
        assert_eq!(waiter.wait(None), Waited::Ready);
        let mut two = [0; 2];
        assert_eq!(reader.read(&mut two).unwrap(), 2);
        // the rest of a piece needs no wait
        assert_eq!(waiter.wait(Some(Instant::now())), Waited::Ready);
        assert_eq!((reader.read(&mut two).unwrap(), two[0]), (1, b'c'));
        waiter.put_back(b"bc".to_vec());
        assert_eq!(waiter.wait(None), Waited::Ready);
        assert_eq!((reader.read(&mut two).unwrap(), &two), (2, b"bc"));
        drop(send);
        assert_eq!(waiter.wait(None), Waited::Ready);
        assert_eq!(reader.read(&mut two).unwrap(), 0);
        assert_eq!(reader.read(&mut two).unwrap(), 0);
    }

    #[test]
    fn errors_come_behind_the_bytes_before() {
        struct Breaks(bool);
        impl Read for Breaks {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                if std::mem::replace(&mut self.0, true) {
                    return Err(io::Error::other("disk on fire"));
                }
                buffer[0] = b'a';
                Ok(1)
            }
        }
        let (mut reader, _) = read_beside(Box::new(Breaks(false)), Patience::default()).unwrap();
        let mut one = [0];
        assert_eq!(reader.read(&mut one).unwrap(), 1);
        assert_eq!(reader.read(&mut one).unwrap_err().to_string(), "disk on fire");
    }

    #[test]
    fn silence_is_an_error_where_it_is_limited() {
        let (_send, pipe) = channel();
        let patience = Patience { until: None, idle: Some(SOON) };
        let (mut reader, waiter) = read_beside(Box::new(Pipe(pipe)), patience).unwrap();
        assert_eq!(waiter.wait(None), Waited::Expired(Expired::Idle));
        let error = reader.read(&mut [0]).unwrap_err().downcast::<Error>().unwrap();
        assert_eq!(error.kind(), ErrorKind::Timeout);
    }
}
