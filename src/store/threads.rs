//! The threads that requests run on, and how others wait for them.

use std::fmt;
use std::future::Future;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime};

use crate::error::{Error, ErrorKind};
use crate::retry::Retry;

/// A runtime that is started when it is first needed.
#[derive(Default)]
pub(super) struct Threads(Mutex<Option<Runtime>>);

/// Threads for requests: what comes in over a network keeps little more than one busy.
const THREADS: usize = 2;

/// How often whoever waits looks whether the run was asked to stop.
const CANCEL_POLL: Duration = Duration::from_millis(20);

impl Threads {
    /// Returns what runs requests.
    ///
    /// - Errors: `Io` where the system gives no threads.
    pub(super) fn handle(&self) -> Result<Handle, Error> {
        let mut runtime = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(runtime) = &*runtime {
            return Ok(runtime.handle().clone());
        }
        // TLS takes the first provider that a process names; where the program has one, it stands.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(THREADS).thread_name("transmog-store").enable_all();
        let built = builder.build().map_err(|cause| {
            let message = format!("starting threads for requests failed: {cause}");
            Error::new(ErrorKind::Io, message).with_source(cause)
        })?;
        Ok(runtime.insert(built).handle().clone())
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        let runtime = self.0.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(runtime) = runtime {
            // Nobody waits for what is still under way.
            runtime.shutdown_background();
        }
    }
}

impl fmt::Debug for Threads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Threads")
    }
}

/// Waits for `work`, unless the run is asked to stop before.
///
/// - Errors: what the run ends with.
pub(super) fn wait<T>(
    handle: &Handle,
    retry: &Retry,
    work: impl Future<Output = T>,
) -> Result<T, Error> {
    handle.block_on(async {
        let mut work = std::pin::pin!(work);
        loop {
            retry.cancel().check()?;
            if let Ok(done) = tokio::time::timeout(CANCEL_POLL, &mut work).await {
                return Ok(done);
            }
        }
    })
}
