//! Outputs in object stores: sent while nothing shows, and then shown one after the other.
//!
//! A store has no rename and no transaction. So large contents are uploaded in parts, which shows
//! nothing, and small ones are kept; only then, when nothing is left that could take long, uploads
//! are completed and small objects written: child tables before the main one, and the manifest
//! last. What fails on the way there is taken back.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream;
use object_store::MultipartId;
use object_store::multipart::PartId;
use object_store::path::Path;
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinHandle;

use super::local::Scratch;
use super::{Overwrite, shown};
use crate::error::{Error, ErrorKind};
use crate::limits;
use crate::retry::Retry;
use crate::store::url::StoreUrl;
use crate::store::{Bucket, Cause, Failure, Object, Stores, path_of};

/// How to reach the stores of a run.
#[derive(Debug, Clone)]
pub(super) struct Remote {
    pub stores: Stores,
    pub retry: Retry,
    pub overwrite: Overwrite,
}

/// An object that is to be written, or to go.
pub(super) struct PlannedObject<'a> {
    pub url: StoreUrl,
    /// Nothing for an object of an earlier run that goes.
    pub content: Option<&'a Scratch>,
    pub turn: Turn,
}

/// When an object is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Turn {
    /// With all that is not named below.
    First,
    /// The main table, behind what belongs to it.
    Main,
    /// The manifest, behind everything.
    Last,
}

/// Requests of one kind that are made at once.
const AT_ONCE: usize = 8;

/// How long tidying up may take at the end of a run that failed.
const TIDY: Duration = Duration::from_secs(20);

impl Remote {
    /// Returns the same, which replaces nothing.
    pub(super) fn refusing(&self) -> Remote {
        let (stores, retry) = (self.stores.clone(), self.retry.clone());
        Remote { stores, retry, overwrite: Overwrite::Refuse }
    }

    /// Checks early that an object may be written.
    ///
    /// - Errors: `OutputExists`; `Io`.
    pub(super) fn check(&self, url: &StoreUrl) -> Result<(), Error> {
        let (bucket, path) = (self.stores.bucket(url)?, path_of(url)?);
        if self.overwrite == Overwrite::Refuse {
            let found = self.stores.wait(&self.retry, bucket.look_up(&path, &self.retry))?;
            if found.map_err(|failure| look_up_failed(url, failure))?.is_some() {
                return Err(exists(url));
            }
        }
        // that there is no object says nothing of the bucket
        match self.stores.wait(&self.retry, bucket.is_there(&self.retry))? {
            Err(failure) if matches!(failure.cause, Cause::NotFound | Cause::Region(_)) => {
                Err(failed(url, "looking for its bucket", failure))
            }
            _ => Ok(()),
        }
    }

    /// Lists what is below a prefix.
    ///
    /// - Errors: `Io`; what the run ends with.
    pub(super) fn list(&self, url: &StoreUrl) -> Result<Vec<StoreUrl>, Error> {
        let bucket = self.stores.bucket(url)?;
        let listed = self.stores.wait(&self.retry, bucket.list(url.key(), &self.retry))?;
        let objects = listed.map_err(|failure| failed(url, "listing it", failure))?;
        Ok(objects.into_iter().map(|object| url.with_key(&object.key)).collect())
    }

    /// Removes objects.
    ///
    /// - Errors: `Io`; what the run ends with.
    pub(super) fn remove(&self, urls: &[StoreUrl]) -> Result<(), Error> {
        let removes = urls.iter().map(|url| async move {
            let (bucket, path) = (self.stores.bucket(url)?, path_of(url)?);
            let gone = bucket.delete(&path, &self.retry).await;
            gone.map_err(|failure| failed(url, "removing it", failure))
        });
        self.stores.wait(&self.retry, all(removes))?
    }

    /// Makes the requests that tidy up; nothing where that takes too long.
    fn tidy<T>(&self, work: impl Iterator<Item = impl Future<Output = T>>) -> Option<Vec<T>> {
        let work = stream::iter(work).buffer_unordered(AT_ONCE).collect::<Vec<_>>();
        let limited = async { tokio::time::timeout(TIDY, work).await.ok() };
        self.stores.wait(&self.retry.unstoppable(), limited).ok().flatten()
    }

    /// Uploads what is large; nothing shows yet.
    ///
    /// - Errors: `OutputExists` for what appeared meanwhile; `Io`; what the run ends with.
    pub(super) fn send(&self, planned: Vec<PlannedObject<'_>>) -> Result<Uploads, Error> {
        let mut uploads =
            Uploads { remote: self.clone(), uploads: Vec::new(), begun: Begun::default() };
        for planned in planned {
            let file = planned.content.map(Scratch::read).transpose()?;
            let size = match &file {
                Some(file) => file
                    .metadata()
                    .map_err(|cause| planned_error(&planned, "looking it up", cause))?
                    .len(),
                None => 0,
            };
            uploads.uploads.push(Upload {
                bucket: self.stores.bucket(&planned.url)?,
                path: path_of(&planned.url)?,
                url: planned.url,
                turn: planned.turn,
                size,
                content: file.map_or(Content::Nothing, Content::Small),
                before: Before::Unknown,
                shown: Shown::No,
            });
        }
        uploads.look_up()?;
        uploads.send_large()?;
        Ok(uploads)
    }
}

/// Everything of a run that goes to stores.
pub(super) struct Uploads {
    remote: Remote,
    uploads: Vec<Upload>,
    /// Uploads that were begun and are neither completed nor given up.
    begun: Begun,
}

type Begun = Arc<Mutex<Open>>;

/// What a store has to be told of where a run ends early.
#[derive(Default)]
struct Open {
    uploads: Vec<(Bucket, Path, MultipartId)>,
    /// Requests for further ones, whose answers may not be there yet.
    beginning: Vec<JoinHandle<()>>,
}

/// One object on its way.
struct Upload {
    url: StoreUrl,
    bucket: Bucket,
    path: Path,
    turn: Turn,
    /// Bytes in all.
    size: u64,
    content: Content,
    before: Before,
    shown: Shown,
}

/// Whether others can see an object of this run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    No,
    Yes,
    /// The store does not say.
    Perhaps,
}

/// What an object will hold.
enum Content {
    /// It goes, if it is there.
    Nothing,
    /// Read and written when its turn comes.
    Small(File),
    /// With the store already.
    Sent(MultipartId, Vec<PartId>),
}

/// What was there before the run.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Before {
    /// Nobody may know.
    Unknown,
    Nothing,
    Something(Object),
}

impl Uploads {
    /// Finds out what has the names now.
    fn look_up(&mut self) -> Result<(), Error> {
        let Remote { stores, retry, overwrite } = self.remote.clone();
        let look_ups = self.uploads.iter_mut().map(|upload| {
            let retry = &retry;
            async move {
                let found = upload.bucket.look_up(&upload.path, retry).await;
                upload.before = match found {
                    Ok(None) => Before::Nothing,
                    Ok(Some(object)) => Before::Something(object),
                    // who replaces need not be able to look
                    Err(failure)
                        if overwrite == Overwrite::Replace && failure.cause == Cause::Denied =>
                    {
                        Before::Unknown
                    }
                    Err(failure) => return Err(look_up_failed(&upload.url, failure)),
                };
                let is_there = matches!(upload.before, Before::Something(_));
                match is_there && overwrite == Overwrite::Refuse {
                    true => Err(exists(&upload.url)),
                    false => Ok(()),
                }
            }
        });
        stores.wait(&retry, all(look_ups))?
    }

    /// Uploads the parts of what is too large to be written at once.
    fn send_large(&mut self) -> Result<(), Error> {
        let Remote { stores, retry, .. } = self.remote.clone();
        let room = Arc::new(Semaphore::new(limits::WRITE_BYTES));
        let begun = Arc::clone(&self.begun);
        let sends = self.uploads.iter_mut().map(|upload| {
            let (retry, room, begun) = (&retry, &room, &begun);
            async move {
                if upload.size <= limits::WRITE_PART_BYTES as u64 {
                    return Ok(());
                }
                let Content::Small(file) = &upload.content else { return Ok(()) };
                let file = file.try_clone().map_err(|cause| reading(&upload.url, cause))?;
                let failed = |failure: Failure| failed(&upload.url, "uploading it", failure);
                let id = upload.begin(retry, begun).await.map_err(failed)?;
                let parts = upload.send_parts(&id, file, retry, room).await?;
                upload.content = Content::Sent(id, parts);
                Ok(())
            }
        });
        stores.wait(&retry, all(sends))?
    }

    /// Shows everything, in its turns; what was shown is taken back where that fails.
    ///
    /// - Errors: `OutputExists` for what appeared meanwhile; `Io`.
    pub(super) fn show(&mut self) -> Result<(), Error> {
        // signals wait now
        let Remote { stores, retry, overwrite } = self.remote.clone();
        let retry = retry.unstoppable();
        self.uploads.sort_by_key(|upload| upload.turn);
        let begun = Arc::clone(&self.begun);
        let shown = stores.wait(&retry, async {
            // a reader who waits for the manifest is not to find that of the tables before
            for upload in self.uploads.iter_mut().filter(|upload| upload.turn == Turn::Last) {
                upload.remove_old(&retry).await?;
            }
            for turn in [Turn::First, Turn::Main, Turn::Last] {
                let now = self.uploads.iter_mut().filter(|upload| upload.turn == turn);
                let shows = now.map(|upload| upload.show(overwrite, &retry, &begun));
                // what is under way may show whether or not somebody waits for it
                all_to_the_end(shows).await?;
            }
            Ok(())
        });
        shown.and_then(|shown| shown).map_err(|error| self.take_back(error))
    }

    /// Removes what was shown, as far as nothing was there before; says what could not be.
    pub(super) fn take_back(&mut self, cause: Error) -> Error {
        let retry = self.remote.retry.unstoppable();
        let shown = self.uploads.iter_mut().filter(|upload| upload.shown != Shown::No);
        let removes = shown.map(|upload| {
            let retry = &retry;
            async move {
                if upload.shown == Shown::Perhaps {
                    return Some(format!("`{}` may be there", upload.url));
                }
                if upload.before != Before::Nothing {
                    return Some(format!("`{}` is the new one", upload.url));
                }
                let gone = upload.bucket.delete(&upload.path, retry).await;
                if gone.is_ok() {
                    upload.shown = Shown::No;
                }
                gone.err().map(|failure| format!("`{}` is there: {failure}", upload.url))
            }
        });
        let left = match self.remote.tidy(removes) {
            Some(left) => left.into_iter().flatten().collect::<Vec<_>>(),
            None => vec!["taking back what was written took too long".to_owned()],
        };
        if left.is_empty() {
            return cause;
        }
        let hints = cause.hint().map(str::to_owned).into_iter().chain(left);
        let hint = hints.collect::<Vec<_>>().join("; ");
        cause.with_hint(hint)
    }
}

impl Drop for Uploads {
    /// Gives up what was begun and not completed.
    fn drop(&mut self) {
        let open = || self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        let beginning = std::mem::take(&mut open().beginning);
        // one that is begun after this has looked would stay
        let beginning = beginning.into_iter().filter(|request| !request.is_finished());
        let _ = self.remote.tidy(beginning);
        let begun = std::mem::take(&mut open().uploads);
        if begun.is_empty() {
            return;
        }
        let retry = self.remote.retry.unstoppable();
        let aborts = begun.iter().map(|(bucket, path, id)| bucket.abort(path, id, &retry));
        // whoever cannot reach the store cannot tidy up there
        let _ = self.remote.tidy(aborts);
    }
}

impl Upload {
    /// Begins an upload, and notes it even where the run ends before the answer comes.
    async fn begin(&self, retry: &Retry, begun: &Begun) -> Result<MultipartId, Failure> {
        let (bucket, path) = (self.bucket.clone(), self.path.clone());
        let (retry, open) = (retry.clone(), Arc::clone(begun));
        let (sender, answer) = oneshot::channel();
        let beginning = self.bucket.spawn(async move {
            let id = bucket.begin(&path, &retry).await;
            if let Ok(id) = &id {
                let mut open = open.lock().unwrap_or_else(PoisonError::into_inner);
                open.uploads.push((bucket.clone(), path, id.clone()));
            }
            let _ = sender.send(id);
        });
        begun.lock().unwrap_or_else(PoisonError::into_inner).beginning.push(beginning);
        let gone = |_| Failure::new(Cause::Other, "the request was given up");
        answer.await.map_err(gone)?
    }

    /// Sends all parts, as many at once as there is room for.
    async fn send_parts(
        &self,
        id: &MultipartId,
        file: File,
        retry: &Retry,
        room: &Semaphore,
    ) -> Result<Vec<PartId>, Error> {
        let part_bytes = part_bytes(self.size);
        let count = self.size.div_ceil(part_bytes);
        let file = Arc::new(Mutex::new(file));
        let sends = (0..count).map(|index| {
            let file = Arc::clone(&file);
            async move {
                let at = index * part_bytes;
                let length = part_bytes.min(self.size - at) as usize;
                let wanted = length.min(limits::WRITE_BYTES) as u32;
                let gone = |_| Error::new(ErrorKind::Internal, "no room for parts any more");
                let _room = room.acquire_many(wanted).await.map_err(gone)?;
                let read = tokio::task::spawn_blocking(move || {
                    let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
                    let mut bytes = vec![0; length];
                    file.seek(SeekFrom::Start(at))?;
                    file.read_exact(&mut bytes)?;
                    Ok(Bytes::from(bytes))
                });
                let read = read.await.map_err(std::io::Error::other).and_then(|read| read);
                let bytes = read.map_err(|cause| reading(&self.url, cause))?;
                let sent = self.bucket.send_part(&self.path, id, index as usize, bytes, retry);
                sent.await.map_err(|failure| failed(&self.url, "uploading it", failure))
            }
        });
        let mut parts = Vec::with_capacity(count as usize);
        let mut sends = stream::iter(sends).buffered(AT_ONCE);
        while let Some(part) = sends.next().await {
            parts.push(part?);
        }
        Ok(parts)
    }

    /// Makes the object what it is to be.
    async fn show(
        &mut self,
        overwrite: Overwrite,
        retry: &Retry,
        begun: &Begun,
    ) -> Result<(), Error> {
        let is_new = overwrite == Overwrite::Refuse;
        let mut small = None;
        let done = match &mut self.content {
            Content::Nothing => {
                return self.remove_old(retry).await;
            }
            Content::Small(file) => {
                let mut bytes = Vec::with_capacity(self.size as usize);
                let read = file.seek(SeekFrom::Start(0)).and_then(|_| file.read_to_end(&mut bytes));
                read.map_err(|cause| reading(&self.url, cause))?;
                let bytes = small.insert(Bytes::from(bytes));
                self.bucket.put(&self.path, bytes, is_new, retry).await
            }
            Content::Sent(id, parts) => {
                self.bucket.complete(&self.path, id, parts, is_new, retry).await
            }
        };
        self.shown = match &done {
            Ok(()) => Shown::Yes,
            Err(failure) if failure.may_have_worked => self.look_for_own(small, retry).await,
            Err(_) => Shown::No,
        };
        if let Err(failure) = done
            && self.shown != Shown::Yes
        {
            return Err(match failure.cause {
                Cause::Exists | Cause::Changed if is_new => exists(&self.url),
                _ => failed(&self.url, "writing it", failure),
            });
        }
        if let Content::Sent(id, _) = &self.content {
            let mut open = begun.lock().unwrap_or_else(PoisonError::into_inner);
            open.uploads.retain(|(_, _, other)| other != id);
        }
        Ok(())
    }

    /// Finds out whether a request that seems to have failed has worked: its answer may be lost, and
    /// the next try finds that there is nothing left to do. `small` is what was written at once.
    async fn look_for_own(&self, small: Option<Bytes>, retry: &Retry) -> Shown {
        let found = match self.bucket.look_up(&self.path, retry).await {
            Ok(Some(found)) if found.size == self.size => found,
            Ok(_) => return Shown::No,
            Err(_) => return Shown::Perhaps,
        };
        let is_own = match (small, &self.before) {
            // somebody else may have been faster
            (Some(own), _) => match self.bucket.read(&self.path, retry).await {
                Ok(bytes) => bytes == own,
                Err(_) => return Shown::Perhaps,
            },
            (None, Before::Nothing) => true,
            (None, Before::Something(before)) => {
                found.tag != before.tag || found.written != before.written
            }
            (None, Before::Unknown) => return Shown::Perhaps,
        };
        if is_own { Shown::Yes } else { Shown::No }
    }

    /// Removes the object of an earlier run.
    async fn remove_old(&mut self, retry: &Retry) -> Result<(), Error> {
        if self.before == Before::Nothing {
            return Ok(());
        }
        let gone = self.bucket.delete(&self.path, retry).await;
        gone.map_err(|failure| failed(&self.url, "removing the old one", failure))
    }
}

/// Runs everything, several at once; the first error ends it.
async fn all(
    work: impl Iterator<Item = impl Future<Output = Result<(), Error>>>,
) -> Result<(), Error> {
    let mut work = stream::iter(work).buffer_unordered(AT_ONCE);
    while let Some(done) = work.next().await {
        done?;
    }
    Ok(())
}

/// Runs everything, several at once; the first error is returned, but not before all that was under
/// way by then has ended.
async fn all_to_the_end(
    work: impl Iterator<Item = impl Future<Output = Result<(), Error>>>,
) -> Result<(), Error> {
    let has_failed = &AtomicBool::new(false);
    let work = work.map(|work| async move {
        if has_failed.load(Ordering::Relaxed) {
            return Ok(());
        }
        let done = work.await;
        has_failed.fetch_or(done.is_err(), Ordering::Relaxed);
        done
    });
    let done = stream::iter(work).buffer_unordered(AT_ONCE).collect::<Vec<_>>().await;
    done.into_iter().collect()
}

/// Returns the bytes of a part, so that an upload has no more parts than stores take.
fn part_bytes(size: u64) -> u64 {
    const STEP: u64 = 1 << 20;
    let least = size.div_ceil(limits::WRITE_PARTS_MAX).next_multiple_of(STEP);
    least.max(limits::WRITE_PART_BYTES as u64)
}

fn exists(url: &StoreUrl) -> Error {
    Error::new(ErrorKind::OutputExists, format!("{url}: exists"))
        .with_hint("use `--force` to replace it")
}

fn failed(url: &StoreUrl, doing: &str, failure: Failure) -> Error {
    failure.into_error(url.scheme(), url.shown(), doing)
}

fn look_up_failed(url: &StoreUrl, failure: Failure) -> Error {
    let is_denied = failure.cause == Cause::Denied;
    let error = failed(url, "looking whether it is there", failure);
    match error.hint().filter(|_| is_denied) {
        Some(hint) => {
            let hint = format!("`--force` replaces without a look; {hint}");
            error.with_hint(hint)
        }
        None => error,
    }
}

fn reading(url: &StoreUrl, cause: std::io::Error) -> Error {
    let message = format!("{url}: reading what is to be uploaded failed: {cause}");
    Error::new(ErrorKind::Io, message).with_source(cause)
}

fn planned_error(planned: &PlannedObject<'_>, doing: &str, cause: std::io::Error) -> Error {
    Error::io(doing, std::path::Path::new(&shown(planned.url.shown().as_ref())), cause)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // in tests a panic is the message
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[tokio::test]
    async fn nothing_begins_behind_an_error_and_what_was_under_way_ends() {
        let (begun, ended) = (&AtomicUsize::new(0), &AtomicUsize::new(0));
        let work = (0..1_000).map(|number| async move {
            begun.fetch_add(1, Ordering::Relaxed);
            tokio::task::yield_now().await;
            ended.fetch_add(1, Ordering::Relaxed);
            if number == 3 { Err(Error::usage("the fourth")) } else { Ok(()) }
        });
        let error = all_to_the_end(work).await.unwrap_err();
        assert_eq!(error.to_string(), "the fourth");
        let (begun, ended) = (begun.load(Ordering::Relaxed), ended.load(Ordering::Relaxed));
        assert_eq!(begun, ended);
        assert!(begun < 4 * AT_ONCE, "{begun}");
    }

    #[test]
    fn uploads_have_no_more_parts_than_stores_take() {
        assert_eq!(part_bytes(1), 8 << 20);
        assert_eq!(part_bytes(80_000 << 20), 8 << 20);
        for size in [(80_000 << 20) + 1, 1 << 40, 5 << 40] {
            let part = part_bytes(size);
            assert!(
                size.div_ceil(part) <= 10_000 && part.is_multiple_of(1 << 20),
                "{size}: {part}"
            );
        }
    }
}
