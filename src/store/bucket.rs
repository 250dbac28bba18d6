//! One bucket or container: requests to it, each tried as often as users want.

use std::future::Future;
use std::ops::Range;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use object_store::list::{PaginatedListOptions, PaginatedListStore};
use object_store::multipart::{MultipartStore, PartId};
use object_store::path::Path;
use object_store::{
    GetOptions, GetRange, MultipartId, ObjectStore, ObjectStoreExt, PutMode, PutPayload,
};
use tokio::runtime::Handle;

use super::failure::{Answer, Cause, Failure};
use super::url::{Scheme, StoreUrl};
use super::{Object, Stores, connect, threads};
use crate::error::Error;
use crate::limits;
use crate::retry::Retry;

/// A bucket or container; clones are the same.
#[derive(Clone)]
pub(crate) struct Bucket {
    scheme: Scheme,
    objects: Arc<dyn ObjectStore>,
    lists: Arc<dyn PaginatedListStore>,
    uploads: Arc<dyn MultipartStore>,
    handle: Handle,
    request_timeout: Duration,
}

impl std::fmt::Debug for Bucket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bucket").field("scheme", &self.scheme).finish_non_exhaustive()
    }
}

impl Stores {
    /// Returns what runs requests.
    ///
    /// - Errors: `Io` where the system gives no threads.
    pub(crate) fn handle(&self) -> Result<Handle, Error> {
        self.0.threads.handle()
    }

    /// Returns how long a request may take until it is answered, and an answer may pause.
    pub(crate) fn request_timeout(&self) -> Duration {
        self.options().request_timeout.unwrap_or(limits::REQUEST_TIMEOUT)
    }

    /// Returns the bucket or container of a URL; nothing is sent yet.
    ///
    /// - Errors: `Usage` where settings cannot be; `Io`.
    pub(crate) fn bucket(&self, url: &StoreUrl) -> Result<Bucket, Error> {
        let key = (url.scheme(), url.store().to_owned());
        let mut buckets = self.0.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bucket) = buckets.get(&key) {
            return Ok(bucket.clone());
        }
        let handle = self.handle()?;
        let request_timeout = self.request_timeout();
        // some of what it makes belongs to the threads
        let _inside = handle.enter();
        let connected = connect::connect(url, self.options(), request_timeout)?;
        let bucket = Bucket {
            scheme: url.scheme(),
            objects: connected.objects,
            lists: connected.lists,
            uploads: connected.uploads,
            handle: handle.clone(),
            request_timeout,
        };
        buckets.insert(key, bucket.clone());
        Ok(bucket)
    }

    /// Waits for `work`, unless the run is asked to stop before.
    ///
    /// - Errors: `Io`; what the run ends with.
    pub(crate) fn wait<T>(&self, retry: &Retry, work: impl Future<Output = T>) -> Result<T, Error> {
        threads::wait(&self.handle()?, retry, work)
    }
}

/// Returns a key as the library wants it.
///
/// - Errors: `Usage` for keys that it cannot name: with empty steps, `.` or `..`.
pub(crate) fn path_of(url: &StoreUrl) -> Result<Path, Error> {
    let parsed = Path::parse(url.key()).ok().filter(|path| path.as_ref() == url.key());
    parsed.ok_or_else(|| {
        let message = format!("{url}: expected a key without empty steps, `.` or `..`");
        Error::usage(message).with_hint("copy the object to another key")
    })
}

impl Bucket {
    /// Makes one request until it succeeds or fails for good.
    async fn request<T, W: Future<Output = object_store::Result<T>>>(
        &self,
        retry: &Retry,
        mut make: impl FnMut() -> W,
    ) -> Result<T, Failure> {
        let mut tries = 0;
        let mut may_have_worked = false;
        loop {
            let mut failure = match self.once(make()).await {
                Ok(done) => return Ok(done),
                Err(failure) => failure,
            };
            tries += 1;
            may_have_worked |= failure.is_transient();
            failure.may_have_worked = may_have_worked;
            if !failure.is_transient() || !retry.pause(tries, failure.retry_after).await {
                return Err(failure);
            }
        }
    }

    async fn once<T>(
        &self,
        work: impl Future<Output = object_store::Result<T>>,
    ) -> Result<T, Failure> {
        match tokio::time::timeout(self.request_timeout, Answer::during(work)).await {
            Ok((Ok(done), _)) => Ok(done),
            Ok((Err(cause), answer)) => Err(Failure::of(&cause, answer)),
            Err(_) => Err(Failure::late(self.request_timeout)),
        }
    }

    /// Runs something beside the caller.
    pub(crate) fn spawn<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> tokio::task::JoinHandle<T> {
        self.handle.spawn(work)
    }

    /// Looks an object up; nothing where there is none.
    pub(crate) async fn look_up(
        &self,
        path: &Path,
        retry: &Retry,
    ) -> Result<Option<Object>, Failure> {
        match self.request(retry, || self.objects.head(path)).await {
            Ok(found) => Ok(Some(Object::of(found))),
            Err(failure) if failure.cause == Cause::NotFound => Ok(None),
            Err(failure) if failure.is_mute && !failure.is_transient() => {
                Err(self.explained(path, failure).await)
            }
            Err(failure) => Err(failure),
        }
    }

    /// Asks for a byte where a look-up was refused without a word: that answer has a body.
    async fn explained(&self, path: &Path, mute: Failure) -> Failure {
        let range = Some(GetRange::Bounded(0..1));
        let options = GetOptions { range, ..GetOptions::default() };
        match self.once(self.objects.get_opts(path, options)).await {
            Err(failure) if !failure.is_mute && failure.cause != Cause::NotFound => failure,
            _ => mute,
        }
    }

    /// Reads a small object as a whole.
    pub(crate) async fn read(&self, path: &Path, retry: &Retry) -> Result<Bytes, Failure> {
        let read = || async { self.objects.get(path).await?.bytes().await };
        self.request(retry, read).await
    }

    /// Asks for a single key, which tells whether the bucket is there and may be listed.
    pub(crate) async fn is_there(&self, retry: &Retry) -> Result<(), Failure> {
        let options = PaginatedListOptions { max_keys: Some(1), ..PaginatedListOptions::default() };
        let page = || self.lists.list_paginated(None, options.clone());
        self.request(retry, page).await.map(drop)
    }

    /// Lists the objects whose keys start with `prefix`, sorted bytewise.
    pub(crate) async fn list(&self, prefix: &str, retry: &Retry) -> Result<Vec<Object>, Failure> {
        let mut objects = Vec::new();
        let mut page_token = None;
        loop {
            let options = PaginatedListOptions { page_token, ..PaginatedListOptions::default() };
            let prefix = Some(prefix).filter(|prefix| !prefix.is_empty());
            let page = || self.lists.list_paginated(prefix, options.clone());
            let page = self.request(retry, page).await?;
            objects.extend(page.result.objects.into_iter().map(Object::of));
            page_token = page.page_token;
            if page_token.is_none() {
                break;
            }
        }
        objects.sort_by(|a, b| a.key.as_bytes().cmp(b.key.as_bytes()));
        Ok(objects)
    }

    /// Asks once for a range of an object, which is to be the one that was looked up.
    pub(crate) async fn read_once(
        &self,
        path: &Path,
        object: &Object,
        range: Range<u64>,
    ) -> Result<BoxStream<'static, Result<Bytes, Failure>>, Failure> {
        let options = GetOptions {
            range: Some(GetRange::Bounded(range)),
            if_match: object.tag.clone(),
            ..GetOptions::default()
        };
        let result = self.once(self.objects.get_opts(path, options)).await?;
        // where the server does not ask itself
        let tag = result.meta.e_tag.clone().map(quoted);
        if result.meta.size != object.size || (tag.is_some() && tag != object.tag) {
            return Err(Failure::new(Cause::Changed, "it has changed since it was looked up"));
        }
        let stream = result.into_stream();
        Ok(stream.map(|piece| piece.map_err(|cause| Failure::cut(&cause))).boxed())
    }

    /// Writes an object at once; with `is_new` only where there is none.
    pub(crate) async fn put(
        &self,
        path: &Path,
        bytes: &Bytes,
        is_new: bool,
        retry: &Retry,
    ) -> Result<(), Failure> {
        let mode = if is_new { PutMode::Create } else { PutMode::Overwrite };
        let put = || {
            let payload = PutPayload::from_bytes(bytes.clone());
            self.objects.put_opts(path, payload, mode.clone().into())
        };
        self.request(retry, put).await.map(drop)
    }

    /// Removes an object; there need not be one.
    pub(crate) async fn delete(&self, path: &Path, retry: &Retry) -> Result<(), Failure> {
        match self.request(retry, || self.objects.delete(path)).await {
            Err(failure) if failure.cause != Cause::NotFound => Err(failure),
            _ => Ok(()),
        }
    }

    /// Begins an upload of which nothing shows until it is completed.
    pub(crate) async fn begin(&self, path: &Path, retry: &Retry) -> Result<MultipartId, Failure> {
        self.request(retry, || self.uploads.create_multipart(path)).await
    }

    /// Sends part `index`, from 0, of an upload.
    pub(crate) async fn send_part(
        &self,
        path: &Path,
        upload: &MultipartId,
        index: usize,
        bytes: Bytes,
        retry: &Retry,
    ) -> Result<PartId, Failure> {
        let send = || {
            let payload = PutPayload::from_bytes(bytes.clone());
            self.uploads.put_part(path, upload, index, payload)
        };
        self.request(retry, send).await
    }

    /// Makes an upload the object; with `is_new` only where there is none, as far as the store
    /// knows how.
    pub(crate) async fn complete(
        &self,
        path: &Path,
        upload: &MultipartId,
        parts: &[PartId],
        is_new: bool,
        retry: &Retry,
    ) -> Result<(), Failure> {
        let is_conditional = is_new && self.scheme == Scheme::S3;
        let complete = || {
            let complete = self.uploads.complete_multipart(path, upload, parts.to_vec());
            connect::if_new(is_conditional, complete)
        };
        self.request(retry, complete).await.map(drop)
    }

    /// Gives an upload up; there need not be one any more.
    pub(crate) async fn abort(
        &self,
        path: &Path,
        upload: &MultipartId,
        retry: &Retry,
    ) -> Result<(), Failure> {
        match self.request(retry, || self.uploads.abort_multipart(path, upload)).await {
            Err(failure) if failure.cause != Cause::NotFound => Err(failure),
            _ => Ok(()),
        }
    }
}

/// Writes an entity tag as headers have it: Azure lists them without their quotes.
fn quoted(tag: String) -> String {
    let is_header = tag.starts_with('"') || tag.starts_with("W/");
    if is_header { tag } else { format!("\"{tag}\"") }
}

impl Object {
    fn of(found: object_store::ObjectMeta) -> Self {
        Object {
            key: found.location.into(),
            size: found.size,
            tag: found.e_tag.map(quoted),
            written: found.last_modified.timestamp_millis(),
        }
    }
}
