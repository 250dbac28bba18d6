//! Where data lies that is no file here: object stores and web servers.
//!
//! Requests run on threads of their own, which are started when the first URL is opened. Whoever
//! calls from elsewhere waits, but no longer than until the run is asked to stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

#[cfg(feature = "cloud")]
mod bucket;
#[cfg(feature = "cloud")]
mod connect;
#[cfg(feature = "cloud")]
mod credentials;
#[cfg(feature = "cloud")]
mod failure;
pub mod options;
#[cfg(feature = "cloud")]
mod threads;
pub mod url;

#[cfg(feature = "cloud")]
pub(crate) use self::bucket::{Bucket, Object, path_of};
#[cfg(feature = "cloud")]
pub(crate) use self::failure::{Cause, Failure};
use self::options::StoreOptions;
#[cfg(feature = "cloud")]
use self::threads::Threads;
use self::url::StoreUrl;
use crate::convert::Cancel;
use crate::error::Error;
use crate::retry::{Retry, RetryOptions, SourceRetry};

/// The object stores and web servers of a run; clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Stores(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    options: StoreOptions,
    /// Requests that were made again.
    retries: Arc<AtomicU64>,
    #[cfg(feature = "cloud")]
    threads: Threads,
    #[cfg(feature = "cloud")]
    buckets: std::sync::Mutex<std::collections::HashMap<(url::Scheme, String), Bucket>>,
}

impl Stores {
    /// Makes a set of stores; nothing is opened yet.
    pub fn new(options: StoreOptions) -> Self {
        Stores(Arc::new(Shared { options, ..Shared::default() }))
    }

    /// Returns how requests are made.
    pub fn options(&self) -> &StoreOptions {
        &self.0.options
    }

    /// Returns how often a request was made again.
    pub fn retries(&self) -> u64 {
        self.0.retries.load(Ordering::Relaxed)
    }

    /// Returns what decides whether requests are made again; all that this returns count together.
    pub(crate) fn retry(
        &self,
        retry: RetryOptions,
        source: SourceRetry,
        cancel: Cancel,
    ) -> (Retry, Retry) {
        let writes = Retry::of_stores(retry, cancel, Arc::clone(&self.0.retries));
        (writes.for_reads(source), writes)
    }
}

/// Says that this build opens no URLs.
#[cfg_attr(feature = "cloud", allow(dead_code, reason = "this build does"))]
pub(crate) fn absent(url: &StoreUrl) -> Error {
    let message = format!("{url}: expected a file, as this build of transmog has no object stores");
    Error::usage(message).with_hint("build it with the feature `cloud`, which is on by default")
}
