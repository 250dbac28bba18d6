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
mod web_client;

#[cfg(feature = "cloud")]
pub(crate) use self::bucket::{Bucket, path_of};
#[cfg(feature = "cloud")]
pub(crate) use self::failure::{Cause, Failure};
use self::options::StoreOptions;
#[cfg(feature = "cloud")]
use self::threads::Threads;
use self::url::StoreUrl;
#[cfg(feature = "cloud")]
pub(crate) use self::web_client::{WebAnswer, WebClient, address_of};
#[cfg(feature = "cloud")]
use crate::convert::Cancel;
use crate::error::Error;
#[cfg(feature = "cloud")]
use crate::retry::Retry;

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
    #[cfg(feature = "cloud")]
    web: std::sync::Mutex<Option<WebClient>>,
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
    #[cfg(feature = "cloud")]
    pub(crate) fn retry(&self, cancel: Cancel) -> StoreRetry {
        let StoreOptions { retry, source_retry, .. } = self.0.options;
        let writes = Retry::of_stores(retry, cancel, Arc::clone(&self.0.retries));
        StoreRetry { reads: writes.for_reads(source_retry), writes }
    }
}

/// What decides whether requests are made again.
#[cfg(feature = "cloud")]
pub(crate) struct StoreRetry {
    /// Those that read.
    pub reads: Retry,
    /// Those that write.
    pub writes: Retry,
}

/// An object or page to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreInput {
    /// Where it is.
    pub url: StoreUrl,
    /// What is known of the object, where it was listed or looked up.
    pub(crate) object: Option<Object>,
}

impl From<StoreUrl> for StoreInput {
    fn from(url: StoreUrl) -> Self {
        StoreInput { url, object: None }
    }
}

/// What is known of an object before it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Object {
    pub key: String,
    /// Bytes in all.
    pub size: u64,
    /// What changes when the object does.
    pub tag: Option<String>,
    /// When it was written, in milliseconds since 1970.
    pub written: i64,
}

/// Says that this build opens no URLs.
#[cfg_attr(feature = "cloud", allow(dead_code, reason = "this build does"))]
pub(crate) fn absent(url: &StoreUrl) -> Error {
    let message = format!("{url}: expected a file, as this build of transmog has no object stores");
    Error::usage(message).with_hint("build it with the feature `cloud`, which is on by default")
}
