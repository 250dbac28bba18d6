//! Objects and web pages, fetched ahead of whoever reads them: several parts at once, in order.
//!
//! One task, the conductor, walks through the inputs in their order and asks for one part after the
//! other, as long as fewer than a window's worth are under way or wait to be read. So the store's
//! latency does not count, small objects are fetched many at a time, and memory is bounded. A part
//! that breaks off goes on at the byte where it broke.

use std::io::{self, Read};
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt;
use object_store::path::Path;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::AbortHandle;

use super::web::{self, Page, Unpacked};
use super::{Compression, Input, Notes, Source};
use crate::error::{Error, ErrorKind};
use crate::format::InputFormat;
use crate::limits;
use crate::retry::Retry;
use crate::store::url::{Scheme, StoreUrl};
use crate::store::{Bucket, Cause, Failure, Object, StoreInput, Stores, path_of};

/// Objects that are looked up at once.
const LOOK_UPS: usize = 16;

/// Pages whose first answers are waited for, or wait to be read.
const PAGES: usize = 8;

/// Looks all objects up that nobody has seen yet, so that a missing one stops the run before
/// anything is written. What web servers have only shows when it is read.
///
/// - Errors: `Io` for one that is not there or may not be read; `Usage` for a key that cannot be.
pub(crate) fn look_up(inputs: &mut [Input], stores: &Stores, retry: &Retry) -> Result<(), Error> {
    let mut unseen = Vec::new();
    for input in inputs {
        let Input::Url(input) = input else { continue };
        if input.url.scheme() != Scheme::Http && input.object.is_none() {
            let (bucket, path) = (stores.bucket(&input.url)?, path_of(&input.url)?);
            unseen.push((input, bucket, path));
        }
    }
    if unseen.is_empty() {
        return Ok(());
    }
    let look_ups = unseen.into_iter().map(|(input, bucket, path)| async move {
        let url = &input.url;
        let found = bucket.look_up(&path, retry).await;
        let found = found.and_then(|found| {
            found.ok_or_else(|| Failure::new(Cause::NotFound, "there is no such object"))
        });
        let failed = |failure: Failure| failure.into_error(url.scheme(), url.shown(), "opening it");
        input.object = Some(found.map_err(failed)?);
        Ok(())
    });
    let mut look_ups = futures_util::stream::iter(look_ups).buffered(LOOK_UPS);
    let all = async {
        while let Some(found) = look_ups.next().await {
            found?;
        }
        Ok(())
    };
    stores.wait(retry, all)?
}

/// The remote inputs of a run, in their order, on their way.
pub(crate) struct Ahead {
    opened: UnboundedReceiver<Opened>,
    conductor: AbortHandle,
    stores: Stores,
    retry: Retry,
    /// Memory for what pages are packed in on their way.
    unpack_bytes: usize,
}

/// An input that the conductor has come to.
struct Opened {
    url: StoreUrl,
    /// Bytes in all, where that is known.
    len: Option<u64>,
    parts: UnboundedReceiver<Next>,
}

/// What follows in an input.
pub(super) enum Next {
    /// The layers that a page is packed in on its way, the outermost last; before all else.
    Packed(Vec<Compression>),
    Part(Part),
    End,
    Failed(Failure),
}

/// A stretch of an input on its way: pieces, then an empty one as the end.
pub(super) struct Part {
    pieces: UnboundedReceiver<Piece>,
    /// Others may be asked for when this one has been read.
    _permit: OwnedSemaphorePermit,
}

/// Bytes as they came; none at the end of a part.
pub(super) type Piece = Result<Bytes, Failure>;

/// Where the parts of an input go.
#[derive(Clone)]
pub(super) struct Window {
    permits: Arc<Semaphore>,
    /// Bytes of a part.
    pub part_bytes: u64,
    pub retry: Retry,
    pub stores: Stores,
}

/// Whoever reads wants no more of this input.
pub(super) struct Unwanted;

impl Window {
    /// Shares out what `memory_limit` leaves for parts.
    fn new(memory_limit: usize, stores: &Stores, retry: &Retry) -> Self {
        let bytes = (memory_limit / 8).min(limits::READ_PART_BYTES * limits::READ_PARTS);
        Window {
            permits: Arc::new(Semaphore::new(limits::READ_PARTS)),
            part_bytes: (bytes / limits::READ_PARTS) as u64,
            retry: retry.clone(),
            stores: stores.clone(),
        }
    }

    /// Waits until there is room for a part, and announces it; what is sent is its pieces.
    pub(super) async fn part(
        &self,
        parts: &UnboundedSender<Next>,
    ) -> Result<UnboundedSender<Piece>, Unwanted> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| Unwanted)?;
        let (sender, pieces) = mpsc::unbounded_channel();
        parts.send(Next::Part(Part { pieces, _permit: permit })).map_err(|_| Unwanted)?;
        Ok(sender)
    }
}

impl Ahead {
    /// Begins to fetch the inputs that are URLs; nothing where there are none.
    ///
    /// - Errors: `Usage`, `Io`.
    pub(crate) fn start(
        inputs: &[Input],
        stores: &Stores,
        retry: &Retry,
        memory_limit: usize,
    ) -> Result<Option<Ahead>, Error> {
        let mut remotes = Vec::new();
        for input in inputs {
            if let Input::Url(input) = input {
                remotes.push(Remote::of(input, stores)?);
            }
        }
        if remotes.is_empty() {
            return Ok(None);
        }
        let window = Window::new(memory_limit, stores, retry);
        let (sender, opened) = mpsc::unbounded_channel();
        let conductor = stores.handle()?.spawn(conduct(remotes, window, sender)).abort_handle();
        let (stores, retry) = (stores.clone(), retry.clone());
        let unpack_bytes = (memory_limit / 4).min(limits::UNPACK_BYTES_MAX);
        Ok(Some(Ahead { opened, conductor, stores, retry, unpack_bytes }))
    }

    /// Opens the next of them.
    ///
    /// - Errors: what the run ends with.
    pub(crate) fn open(&mut self) -> Result<Source, Error> {
        let opened = self.stores.wait(&self.retry, self.opened.recv())?;
        let Some(Opened { url, len, parts }) = opened else {
            return Err(Error::new(ErrorKind::Internal, "an input was opened twice"));
        };
        let name = std::path::Path::new(url.file_name());
        let pieces = Pieces {
            shown: url.shown().to_owned(),
            scheme: url.scheme(),
            stores: self.stores.clone(),
            retry: self.retry.clone(),
            parts,
            ahead: None,
            part: None,
            piece: Bytes::new(),
            is_over: false,
        };
        let (shown, notes) = (url.shown().to_owned(), Notes::default());
        let reader: Box<dyn Read + Send> = match url.scheme() {
            Scheme::Http => {
                let name = shown.clone();
                Box::new(Unpacked::new(pieces, name, self.unpack_bytes, notes.clone()))
            }
            _ => Box::new(pieces),
        };
        Ok(Source {
            hint: InputFormat::from_path(name),
            compression_hint: name.extension().and_then(Compression::from_extension),
            len,
            is_live: false,
            notes,
            ..Source::new(shown, reader)
        })
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        self.conductor.abort();
    }
}

/// An input that is fetched.
enum Remote {
    Object { url: StoreUrl, bucket: Bucket, path: Path, object: Object },
    Page { url: StoreUrl, page: Page },
}

impl Remote {
    fn of(input: &StoreInput, stores: &Stores) -> Result<Self, Error> {
        let url = input.url.clone();
        let Some(object) = input.object.clone() else {
            return match url.scheme() {
                Scheme::Http => Ok(Remote::Page { page: Page::new(&url, stores.web()?)?, url }),
                _ => Err(Error::new(ErrorKind::Internal, format!("{url}: was not looked up"))),
            };
        };
        Ok(Remote::Object { bucket: stores.bucket(&url)?, path: path_of(&url)?, url, object })
    }
}

async fn conduct(remotes: Vec<Remote>, window: Window, opened: UnboundedSender<Opened>) {
    let pages = remotes.iter().filter_map(|remote| match remote {
        Remote::Page { page, .. } => Some(page.clone()),
        Remote::Object { .. } => None,
    });
    // that small ones are waited for together
    let mut pages = futures_util::stream::iter(pages.collect::<Vec<_>>())
        .map(|page| tokio::spawn(web::open(page, window.clone())))
        .buffered(PAGES);
    for remote in remotes {
        let (sender, parts) = mpsc::unbounded_channel();
        let (url, len) = match &remote {
            Remote::Object { url, object, .. } => (url.clone(), Some(object.size)),
            Remote::Page { url, .. } => (url.clone(), None),
        };
        if opened.send(Opened { url, len, parts }).is_err() {
            return;
        }
        // an input of which nobody wants more costs the others nothing
        let _ = match remote {
            Remote::Object { bucket, path, object, .. } => {
                fetch_object(&bucket, path, object, &window, &sender).await
            }
            Remote::Page { .. } => match pages.next().await {
                Some(Ok(page)) => web::fetch(page, &window, &sender).await,
                // whoever reads finds that nobody sends any more
                _ => Err(Unwanted),
            },
        };
    }
}

async fn fetch_object(
    bucket: &Bucket,
    path: Path,
    object: Object,
    window: &Window,
    parts: &UnboundedSender<Next>,
) -> Result<(), Unwanted> {
    let object = Arc::new(object);
    let mut at = 0;
    while at < object.size {
        let end = object.size.min(at + window.part_bytes);
        let pieces = window.part(parts).await?;
        let (path, object, retry) = (path.clone(), Arc::clone(&object), window.retry.clone());
        let (source, timeout) = (bucket.clone(), window.stores.request_timeout());
        bucket.spawn(async move {
            let fetch = Fetch { bucket: source, path, object, timeout };
            fetch.range(at..end, &retry, &pieces).await;
        });
        at = end;
    }
    parts.send(Next::End).map_err(|_| Unwanted)
}

/// How one part of an object is fetched.
struct Fetch {
    bucket: Bucket,
    path: Path,
    object: Arc<Object>,
    timeout: std::time::Duration,
}

impl Fetch {
    /// Sends the bytes of a range, and then the end; goes on where an answer breaks off.
    async fn range(&self, range: Range<u64>, retry: &Retry, pieces: &UnboundedSender<Piece>) {
        let mut at = range.start;
        let mut tries = 0;
        loop {
            let before = at;
            let failure = match self.once(&mut at, range.end, pieces).await {
                Ok(()) => return,
                Err(failure) => failure,
            };
            // whoever gets on, if slowly, has not failed in a row
            tries = if at > before { 1 } else { tries + 1 };
            if !failure.is_transient() || !retry.pause(tries, failure.retry_after).await {
                let _ = pieces.send(Err(failure));
                return;
            }
        }
    }

    /// Asks for what is left from `at`, which moves on with what comes.
    async fn once(
        &self,
        at: &mut u64,
        end: u64,
        pieces: &UnboundedSender<Piece>,
    ) -> Result<(), Failure> {
        let mut stream = self.bucket.read_once(&self.path, &self.object, *at..end).await?;
        while *at < end {
            let next = tokio::time::timeout(self.timeout, stream.next()).await;
            let piece = match next.map_err(|_| Failure::late(self.timeout))? {
                Some(piece) => piece?,
                None => return Err(Failure::new(Cause::Transient, "the answer broke off")),
            };
            *at += piece.len() as u64;
            if *at > end {
                return Err(Failure::new(Cause::Other, "the answer is longer than what was asked"));
            }
            if !piece.is_empty() && pieces.send(Ok(piece)).is_err() {
                return Ok(());
            }
        }
        let _ = pieces.send(Ok(Bytes::new()));
        Ok(())
    }
}

/// The bytes of an input as they come.
pub(super) struct Pieces {
    shown: String,
    scheme: Scheme,
    stores: Stores,
    retry: Retry,
    parts: UnboundedReceiver<Next>,
    /// What follows, where somebody has looked.
    ahead: Option<Next>,
    part: Option<Part>,
    piece: Bytes,
    is_over: bool,
}

impl Pieces {
    /// Waits until it is known how the input is packed on its way: the outermost layer last.
    pub(super) fn codings(&mut self) -> Result<Vec<Compression>, Error> {
        match self.follow()? {
            Some(Next::Packed(codings)) => Ok(codings),
            next => {
                self.ahead = next;
                Ok(Vec::new())
            }
        }
    }

    /// Waits for what follows in the input.
    fn follow(&mut self) -> Result<Option<Next>, Error> {
        if let Some(next) = self.ahead.take() {
            return Ok(Some(next));
        }
        match self.parts.try_recv() {
            Ok(next) => Ok(Some(next)),
            Err(_) => self.stores.wait(&self.retry, self.parts.recv()),
        }
    }

    /// Gets the next piece; an empty one is the end of the input.
    fn next(&mut self) -> Result<Bytes, Error> {
        loop {
            let Some(part) = &mut self.part else {
                match self.follow()? {
                    Some(Next::Part(part)) => self.part = Some(part),
                    Some(Next::End) => {
                        self.is_over = true;
                        return Ok(Bytes::new());
                    }
                    Some(Next::Failed(failure)) => return Err(self.failed(failure)),
                    Some(Next::Packed(_)) | None => return Err(self.lost()),
                }
                continue;
            };
            let piece = match part.pieces.try_recv() {
                Ok(piece) => Some(piece),
                Err(_) => self.stores.wait(&self.retry, part.pieces.recv())?,
            };
            match piece {
                Some(Ok(piece)) if piece.is_empty() => self.part = None,
                Some(Ok(piece)) => return Ok(piece),
                Some(Err(failure)) => return Err(self.failed(failure)),
                None => return Err(self.lost()),
            }
        }
    }

    fn failed(&self, failure: Failure) -> Error {
        failure.into_error(self.scheme, &self.shown, "reading it")
    }

    /// A task is gone without a word, which must not pass for the end of the input.
    fn lost(&self) -> Error {
        Error::new(ErrorKind::Internal, format!("{}: reading it was given up", self.shown))
    }
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.piece.is_empty() && !self.is_over {
            self.piece = self.next().map_err(io::Error::other)?;
        }
        let count = self.piece.len().min(buffer.len());
        buffer[..count].copy_from_slice(&self.piece.split_to(count));
        Ok(count)
    }
}
