//! Bytes that go to a stream while the run goes on.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crossbeam_channel::{Receiver, SendTimeoutError, Sender, bounded};

use super::stdout::{Stream, failed, settle};
use crate::error::{Error, ErrorKind};
use crate::limits::THREAD_STACK_BYTES;
use crate::threads;

/// How often the run looks whether it was asked to stop while a reader makes it wait.
const POLL: Duration = Duration::from_millis(50);

/// Sends bytes to a stream on a thread of its own, as its reader may make it wait for good.
#[derive(Debug)]
pub(crate) struct LiveStream {
    to: Sender<Vec<u8>>,
    done: Receiver<()>,
    failure: Arc<Mutex<Option<Error>>>,
}

impl LiveStream {
    pub(super) fn open(stream: Stream) -> Result<Self, Error> {
        let (to, pieces) = bounded::<Vec<u8>>(1);
        let (over, done) = bounded(1);
        let failure = Arc::new(Mutex::new(None));
        let noted = Arc::clone(&failure);
        let send = move || {
            if let Err(error) = send_all(stream, &pieces) {
                *noted.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            }
            drop(pieces);
            let _ = over.send(());
        };
        threads::start("transmog-sender", THREAD_STACK_BYTES, send)?;
        Ok(LiveStream { to, done, failure })
    }

    /// Sends bytes behind those before; waits while the reader is busy.
    ///
    /// - Errors: those of `check`, which is asked now and then; `ClosedPipe`; `Io`.
    pub(crate) fn send(
        &self,
        bytes: Vec<u8>,
        check: impl Fn() -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut bytes = bytes;
        loop {
            match self.to.send_timeout(bytes, POLL) {
                Ok(()) => return Ok(()),
                Err(SendTimeoutError::Timeout(back)) => bytes = back,
                Err(SendTimeoutError::Disconnected(_)) => return Err(self.failure()),
            }
            check()?;
        }
    }

    /// Waits until all bytes are out.
    ///
    /// - Errors: as [`send`](Self::send).
    pub(crate) fn finish(self, check: impl Fn() -> Result<(), Error>) -> Result<(), Error> {
        let LiveStream { to, done, failure } = self;
        drop(to);
        while done.recv_timeout(POLL).is_err_and(|wait| wait.is_timeout()) {
            check()?;
        }
        failure.lock().unwrap_or_else(PoisonError::into_inner).take().map_or(Ok(()), Err)
    }

    fn failure(&self) -> Error {
        let failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner).take();
        failure.unwrap_or_else(|| Error::new(ErrorKind::Internal, "sending rows panicked"))
    }
}

fn send_all(stream: Stream, pieces: &Receiver<Vec<u8>>) -> Result<(), Error> {
    let (mut out, file, name) = stream.into_writer()?;
    for piece in pieces {
        out.write_all(&piece).and_then(|()| out.flush()).map_err(|cause| failed(name, cause))?;
    }
    drop(out);
    file.map_or(Ok(()), |file| settle(&file)).map_err(|cause| failed(name, cause))
}
