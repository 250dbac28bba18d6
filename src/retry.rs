//! Reads and writes that fail for a moment are tried again.

use std::io::{self, ErrorKind, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::convert::Cancel;

/// How often to try again, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RetryOptions {
    /// Tries after the first one; three where the run is asked to retry, otherwise none, and eight
    /// for object stores and HTTP in any case.
    pub max: Option<u32>,
    /// Time before the first of them, a second unless users say so, and for object stores and HTTP
    /// a tenth; it doubles with each further one, and up to a quarter is added.
    pub backoff: Option<Duration>,
}

/// How often to try reads again, and when, where that is other than for writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SourceRetry {
    /// Tries after the first one.
    pub max: Option<u32>,
    /// Time before the first of them.
    pub backoff: Option<Duration>,
}

/// Tries where a run is asked to retry and nobody says how often.
pub(crate) const RETRIES: u32 = 3;

/// Time before the first of them, where nobody says.
pub(crate) const BACKOFF: Duration = Duration::from_secs(1);

/// Tries of requests to object stores and web servers, which fail now and then.
#[cfg(feature = "cloud")]
pub(crate) const STORE_RETRIES: u32 = 8;

/// Time before the first of them.
#[cfg(feature = "cloud")]
pub(crate) const STORE_BACKOFF: Duration = Duration::from_millis(100);

/// The longest wait before a request is made again, whatever the server wants.
#[cfg(feature = "cloud")]
const STORE_WAIT_MAX: Duration = Duration::from_secs(60);

/// Decides whether something is tried again, and counts; clones count together.
#[derive(Debug, Clone, Default)]
pub(crate) struct Retry {
    max: u32,
    backoff: Duration,
    count: Arc<AtomicU64>,
    cancel: Cancel,
}

/// How long to sleep before looking whether the run was asked to stop.
const SLEEP: Duration = Duration::from_millis(20);

impl Retry {
    pub(crate) fn new(max: u32, backoff: Duration, cancel: Cancel) -> Self {
        Retry { max, backoff, count: Arc::default(), cancel }
    }

    /// Returns one for requests to stores, which counts in `count`.
    #[cfg(feature = "cloud")]
    pub(crate) fn of_stores(options: RetryOptions, cancel: Cancel, count: Arc<AtomicU64>) -> Self {
        let max = options.max.unwrap_or(STORE_RETRIES);
        let backoff = options.backoff.unwrap_or(STORE_BACKOFF);
        Retry { max, backoff, count, cancel }
    }

    /// Returns what asks the run to stop.
    #[cfg(feature = "cloud")]
    pub(crate) fn cancel(&self) -> &Cancel {
        &self.cancel
    }

    /// Returns one that nothing stops, for what is to be tidied up when a run ends.
    #[cfg(feature = "cloud")]
    pub(crate) fn unstoppable(&self) -> Self {
        Retry { cancel: Cancel::default(), ..self.clone() }
    }

    /// Waits before a request is made again, where it is to be; `tries` failed in a row.
    ///
    /// `wanted` is how long the server wants to be left alone.
    #[cfg(feature = "cloud")]
    pub(crate) async fn pause(&self, tries: u32, wanted: Option<Duration>) -> bool {
        if tries > self.max {
            return false;
        }
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let delay = self.delay(tries, number).max(wanted.unwrap_or_default());
        let end = Instant::now() + delay.min(STORE_WAIT_MAX);
        while self.cancel.check().is_ok() {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            tokio::time::sleep(left.min(SLEEP)).await;
        }
        false
    }

    /// Returns one that counts together with this one and tries as `source` says, where it does.
    pub(crate) fn for_reads(&self, source: SourceRetry) -> Self {
        let max = source.max.unwrap_or(self.max);
        Retry { max, backoff: source.backoff.unwrap_or(self.backoff), ..self.clone() }
    }

    /// Returns how often something was tried again.
    pub(crate) fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// Waits before the next try, where there is to be one; `tries` failed so far.
    fn wait(&self, cause: &io::Error, tries: u32) -> bool {
        if tries > self.max || !is_transient(cause.kind()) {
            return false;
        }
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let end = Instant::now() + self.delay(tries, number);
        while self.cancel.check().is_ok() {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            thread::sleep(left.min(SLEEP));
        }
        false
    }

    /// Returns how long to wait behind failure `tries` in a row, which is retry `number` of all.
    ///
    /// Clients that failed together do not come back together; the same run waits the same.
    fn delay(&self, tries: u32, number: u64) -> Duration {
        let doubled = self.backoff.saturating_mul(1 << (tries - 1).min(16));
        let jitter = xxh3_64_with_seed(&number.to_le_bytes(), SEED) % 256;
        doubled + doubled.saturating_mul(jitter as u32) / 1024
    }

    /// Runs `work` until it succeeds, or fails for good.
    fn run<T>(&self, mut work: impl FnMut() -> io::Result<T>) -> io::Result<T> {
        let mut tries = 0;
        loop {
            match work() {
                Err(cause) if cause.kind() == ErrorKind::Interrupted => {}
                Err(cause) => {
                    tries += 1;
                    if !self.wait(&cause, tries) {
                        return Err(cause);
                    }
                }
                done => return done,
            }
        }
    }
}

/// Seeds the jitter.
const SEED: u64 = 0x7472_616E_736D_6F67;

/// Returns whether an error may be gone with the next try.
fn is_transient(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::TimedOut
            | ErrorKind::WouldBlock
            | ErrorKind::ResourceBusy
            | ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::NetworkDown
            | ErrorKind::NetworkUnreachable
            | ErrorKind::HostUnreachable
    )
}

/// A reader or writer whose calls are tried again; one that signals interrupt in any case.
#[derive(Debug)]
pub(crate) struct Retrying<T> {
    inner: T,
    retry: Retry,
}

impl<T> Retrying<T> {
    pub(crate) fn new(inner: T, retry: Retry) -> Self {
        Retrying { inner, retry }
    }

    pub(crate) fn into_inner(self) -> T {
        self.inner
    }
}

impl<R: Read> Read for Retrying<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Retrying { inner, retry } = self;
        retry.run(|| inner.read(buffer))
    }
}

impl<W: Write> Write for Retrying<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Retrying { inner, retry } = self;
        retry.run(|| inner.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        let Retrying { inner, retry } = self;
        retry.run(|| inner.flush())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails so many times, each before a byte.
    struct Shaky {
        bytes: &'static [u8],
        kinds: Vec<ErrorKind>,
    }

    impl Read for Shaky {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            match self.kinds.pop() {
                Some(kind) => Err(kind.into()),
                None => self.bytes.read(buffer),
            }
        }
    }

    fn read(max: u32, kinds: Vec<ErrorKind>) -> (io::Result<String>, u64) {
        let retry = Retry::new(max, Duration::from_millis(1), Cancel::default());
        let mut reader = Retrying::new(Shaky { bytes: b"abc", kinds }, retry.clone());
        let mut text = String::new();
        (reader.read_to_string(&mut text).map(|_| text), retry.count())
    }

    #[test]
    fn what_fails_for_a_moment_is_tried_again() {
        use ErrorKind::{Interrupted, NotFound, TimedOut, WouldBlock};
        let (text, count) = read(3, vec![TimedOut, WouldBlock, TimedOut]);
        assert_eq!((text.unwrap().as_str(), count), ("abc", 3));
        let (text, count) = read(2, vec![TimedOut; 3]);
        assert_eq!((text.unwrap_err().kind(), count), (TimedOut, 2));
        let (text, count) = read(0, vec![TimedOut]);
        assert_eq!((text.unwrap_err().kind(), count), (TimedOut, 0));
        let (text, count) = read(0, vec![Interrupted; 9]);
        assert_eq!((text.unwrap().as_str(), count), ("abc", 0));
        let (text, count) = read(3, vec![NotFound]);
        assert_eq!((text.unwrap_err().kind(), count), (NotFound, 0));
    }

    #[test]
    fn waits_double_and_are_the_same_in_every_run() {
        let retry = Retry::new(9, Duration::from_secs(1), Cancel::default());
        for (tries, least) in [(1, 1), (2, 2), (3, 4), (4, 8)] {
            let delay = retry.delay(tries, 7);
            let least = Duration::from_secs(least);
            assert!(delay >= least && delay < least + least / 4, "{delay:?}");
            assert_eq!(delay, retry.delay(tries, 7));
        }
        assert_ne!(retry.delay(1, 0), retry.delay(1, 1));
    }

    #[test]
    fn a_run_that_is_asked_to_stop_waits_no_longer() {
        let cancel = Cancel::default();
        let retry = Retry::new(9, Duration::from_secs(3600), cancel.clone());
        cancel.stop(15);
        let shaky = Shaky { bytes: b"abc", kinds: vec![ErrorKind::TimedOut] };
        let mut reader = Retrying::new(shaky, retry);
        assert!(reader.read(&mut [0; 3]).is_err());
    }
}
