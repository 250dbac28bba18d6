//! What web servers give: in parts where they offer ranges, else as it comes.
//!
//! The first request asks for the first part. Where the answer is that part, with the length of all
//! and something that stands for each byte of this version, the others are asked for at once. Any
//! other server gives one stream; where that breaks off and cannot be taken up in the middle, it is
//! asked for again and its beginning compared with what went before.
//!
//! What is counted are bytes as they are sent. Whoever reads undoes what they are packed in
//! ([`Unpacked`]): ranges of what a server packs are ranges of the packed bytes.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use tokio::sync::mpsc::UnboundedSender;
use url::Url;

use super::Compression;
use super::remote::{Next, Unwanted, Window};
use crate::error::Error;
use crate::store::url::StoreUrl;
use crate::store::{Cause, Failure, WebAnswer, WebClient, address_of};

mod parts;
mod stream;
mod unpacked;
mod version;

pub(super) use unpacked::Unpacked;
use version::{ContentRange, Version, length_of};

/// A page, and how it is asked for; clones are the same.
#[derive(Debug, Clone)]
pub(super) struct Page {
    client: WebClient,
    address: Url,
    /// Where redirects led: others may lead to another copy.
    place: Arc<Mutex<Option<Url>>>,
    /// The `Accept-Encoding`.
    accept: &'static str,
}

/// What is packed already would be packed twice.
const AS_IT_IS: &str = "identity";

const PACKED: &str = "gzip";

impl Page {
    /// Prepares requests; nothing is sent yet.
    ///
    /// - Errors: `Usage` for an address that cannot be.
    pub(super) fn new(url: &StoreUrl, client: WebClient) -> Result<Self, Error> {
        let extension = std::path::Path::new(url.file_name()).extension();
        let accept = match extension.and_then(Compression::from_extension) {
            Some(_) => AS_IT_IS,
            None => PACKED,
        };
        Ok(Page { client, address: address_of(url)?, place: Arc::default(), accept })
    }

    /// Asks once for a range, or for all; with `same` for a range of that version alone.
    ///
    /// Returns nothing where the answer cannot be used.
    async fn ask(
        &self,
        range: Option<Asked>,
        same: Option<&str>,
    ) -> Result<Option<Begun>, Failure> {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(self.accept));
        if let Some(range) = range {
            headers.insert(header::RANGE, range.into());
        }
        if let Some(same) = same.and_then(|same| HeaderValue::from_str(same).ok()) {
            headers.insert(header::IF_RANGE, same);
        }
        let place = self.place().clone();
        if let Some(place) = place {
            match self.client.get(&place, &headers).await {
                Ok(answer) => return Begun::of(answer),
                // it may have been for one request, or for some minutes
                Err(failure) => {
                    *self.place() = None;
                    if failure.is_transient() {
                        return Err(failure);
                    }
                }
            }
        }
        let answer = self.client.get(&self.address, &headers).await?;
        *self.place() = Some(answer.url.clone()).filter(|url| *url != self.address);
        Begun::of(answer)
    }

    fn place(&self) -> MutexGuard<'_, Option<Url>> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The bytes that are asked for.
#[derive(Debug, Clone, Copy)]
enum Asked {
    From(u64),
    /// The second of them stands behind the last byte.
    Between(u64, u64),
}

impl From<Asked> for HeaderValue {
    fn from(asked: Asked) -> Self {
        let text = match asked {
            Asked::From(start) => format!("bytes={start}-"),
            Asked::Between(start, end) => format!("bytes={start}-{}", end - 1),
        };
        HeaderValue::from_str(&text).expect("these are digits")
    }
}

/// An answer that has begun.
#[derive(Debug)]
struct Begun {
    answer: WebAnswer,
    version: Version,
    /// Where its next byte lies in the page.
    at: u64,
    /// Where it ends, if that is known.
    end: Option<u64>,
    /// It gives a part, as was asked; else all.
    is_part: bool,
    /// Bytes of it that were looked at, and come next.
    held: Bytes,
}

impl Begun {
    /// Reads where an answer begins and ends; nothing for a part that is none.
    fn of(answer: WebAnswer) -> Result<Option<Self>, Failure> {
        let (said, length) = (ContentRange::of(&answer.headers), length_of(&answer.headers));
        let (start, end, total) = match (answer.status, said) {
            (206, Some(ContentRange { range: Some(range), total })) => {
                // some servers pack the bytes of a range that they count unpacked
                if length.is_some_and(|length| length != range.end - range.start) {
                    return Ok(None);
                }
                (range.start, Some(range.end), total)
            }
            // there is no first byte of what is empty
            (416, Some(ContentRange { range: None, total: Some(0) })) | (204, _) => {
                (0, Some(0), Some(0))
            }
            (200 | 203, _) => (0, length, length),
            _ => return Ok(None),
        };
        let version = Version::of(&answer.headers, total)?;
        let is_part = answer.status == 206;
        Ok(Some(Begun { answer, version, at: start, end, is_part, held: Bytes::new() }))
    }

    /// Waits for what comes next; nothing at the end.
    async fn piece(&mut self) -> Result<Option<Bytes>, Failure> {
        if !self.held.is_empty() {
            self.at += self.held.len() as u64;
            return Ok(Some(std::mem::take(&mut self.held)));
        }
        if self.end == Some(self.at) {
            return Ok(None);
        }
        let Some(piece) = self.answer.piece().await? else {
            return match self.end {
                Some(_) => Err(Failure::new(Cause::Transient, "the answer broke off")),
                None => Ok(None),
            };
        };
        self.at += piece.len() as u64;
        if self.end.is_some_and(|end| self.at > end) {
            return Err(Failure::new(Cause::Other, "the answer is longer than it said"));
        }
        Ok(Some(piece))
    }

    /// Reads on to byte `to`, and shows what it reads over; it may end before.
    async fn skip(&mut self, to: u64, mut show: impl FnMut(&[u8])) -> Result<(), Failure> {
        while self.at < to {
            let left = to - self.at;
            let Some(mut piece) = self.piece().await? else { break };
            if piece.len() as u64 > left {
                self.held = piece.split_off(left as usize);
                self.at -= self.held.len() as u64;
            }
            show(&piece);
        }
        Ok(())
    }
}

/// A page whose first answer is there, or why there is none.
pub(super) struct Opened {
    page: Page,
    comes: Result<Comes, Failure>,
}

/// How a page comes.
enum Comes {
    InParts { begun: Begun, total: u64 },
    AsStream(Begun),
}

/// Asks for the beginning of a page, as often as users want.
pub(super) async fn open(mut page: Page, window: Window) -> Opened {
    let mut tries = 0;
    loop {
        let failure = match open_once(&mut page, window.part_bytes).await {
            Ok(comes) => return Opened { page, comes: Ok(comes) },
            Err(failure) => failure,
        };
        tries += 1;
        if !failure.is_transient() || !window.retry.pause(tries, failure.retry_after).await {
            return Opened { page, comes: Err(failure) };
        }
    }
}

/// Fetches a page into the parts of an input.
pub(super) async fn fetch(
    Opened { page, comes }: Opened,
    window: &Window,
    parts: &UnboundedSender<Next>,
) -> Result<(), Unwanted> {
    let comes = match comes {
        Ok(comes) => comes,
        Err(failure) => return parts.send(Next::Failed(failure)).map_err(|_| Unwanted),
    };
    let (Comes::InParts { begun, .. } | Comes::AsStream(begun)) = &comes;
    parts.send(Next::Packed(begun.version.codings.clone())).map_err(|_| Unwanted)?;
    match comes {
        Comes::InParts { begun, total } => parts::fetch(page, begun, total, window, parts).await,
        Comes::AsStream(begun) => stream::fetch(page, begun, window, parts).await,
    }
}

/// Asks for the first part, and for another answer where that one is of no use.
async fn open_once(page: &mut Page, part_bytes: u64) -> Result<Comes, Failure> {
    let mut range = Some(Asked::Between(0, part_bytes));
    loop {
        if let Some(begun) = page.ask(range, None).await?.filter(|begun| begun.at == 0) {
            let total = begun.version.total;
            if !begun.is_part || (total.is_some() && total == begun.end) {
                return Ok(Comes::AsStream(begun));
            }
            if let Some(total) = total.filter(|_| begun.version.validator().is_some()) {
                return Ok(Comes::InParts { begun, total });
            }
        }
        // what is packed as it is sent may have no ranges where the page as it is has
        if page.accept != AS_IT_IS {
            page.accept = AS_IT_IS;
        } else if range.take().is_none() {
            let detail = "the server answered with a part, where all was asked for";
            return Err(Failure::new(Cause::Other, detail));
        }
    }
}
