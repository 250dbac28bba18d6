//! An HTTP server whose pages each misbehave in a way of their own.

use std::collections::BTreeMap;
use std::future::pending;
use std::io::{self, Write};
use std::pin::Pin;
use std::sync::Mutex;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use http_body_util::BodyExt;
use hyper::body::{Body as HttpBody, Bytes, Frame, SizeHint};
use hyper::{HeaderMap, Method, Response};
use s3s::dto::Range;
use tokio::time::Interval;
use xxhash_rust::xxh3::xxh3_64;

use super::faults::Faults;
use super::front::{Body, CutAfter, Front, Request, Site, whole};

/// What is behind one path: `Page { ranges: Ranges::Ignored, ..Page::of("text") }`.
#[derive(Debug, Clone)]
pub struct Page {
    /// What is served.
    pub bytes: Bytes,
    /// What it turns into after so many requests; `ETag` and `Last-Modified` follow.
    pub change: Option<(u64, Bytes)>,
    /// What is done instead of serving it.
    pub reply: Reply,
    /// How `HEAD` is answered where it is not 200; 405 as a rule.
    pub head_status: u16,
    /// What becomes of `Range`.
    pub ranges: Ranges,
    /// What the `ETag` is like.
    pub tag: Tag,
    /// Whether there is a `Last-Modified`.
    pub dated: bool,
    /// What is said of the length.
    pub length: Length,
    /// When it is compressed on the way; what is has no ranges.
    pub gzip: Gzip,
    /// How it is sent.
    pub pace: Pace,
    /// The `Content-Type`.
    pub content_type: Option<&'static str>,
}

/// How a page is answered.
#[derive(Debug, Clone)]
pub enum Reply {
    /// With its content.
    File,
    /// With a status alone.
    Status(u16),
    /// With a status and a `Location`, sent as it stands here.
    Redirect(u16, String),
    /// With a status and perhaps a `Retry-After` so many times, then with its content.
    Busy(u16, Option<&'static str>, u64),
}

/// What becomes of `Range`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ranges {
    /// It is answered by 206.
    Served,
    /// It is answered by 200 and all of the content.
    Ignored,
    /// It is answered by 206 and the range one byte further on, and the headers say so.
    Shifted,
}

/// What an `ETag` is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tag {
    /// It stands for each byte.
    Strong,
    /// It is a `W/` one, which `If-Match` never matches.
    Weak,
    /// There is none.
    None,
}

/// What is said of a length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// `Content-Length` is right.
    Known,
    /// There is none, and chunks that end.
    Chunked,
    /// `Content-Length` says this whatever is sent: the connection ends early, or the rest of the
    /// content is not sent.
    Claimed(u64),
}

/// When content is compressed on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gzip {
    /// Never.
    Never,
    /// Where `Accept-Encoding` names gzip.
    Asked,
    /// Whatever was asked.
    Always,
}

/// How content is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// As fast as it is taken.
    AtOnce,
    /// Not even the status arrives.
    StallBeforeHeaders,
    /// Nothing arrives after so many bytes.
    StallAfter(usize),
    /// One byte at a time, each after a while, over and over; in chunks, so never too long.
    EndlessTrickle(Duration),
}

impl Page {
    /// Returns a page that behaves well.
    pub fn of(bytes: impl Into<Bytes>) -> Page {
        Page {
            bytes: bytes.into(),
            change: None,
            reply: Reply::File,
            head_status: 200,
            ranges: Ranges::Served,
            tag: Tag::Strong,
            dated: true,
            length: Length::Known,
            gzip: Gzip::Never,
            pace: Pace::AtOnce,
            content_type: None,
        }
    }

    /// Returns a page that is answered by `reply`.
    pub fn reply(reply: Reply) -> Page {
        Page { reply, ..Page::of("") }
    }
}

/// An HTTP server that runs until it is dropped.
pub struct HttpServer {
    front: Front,
}

impl HttpServer {
    /// Starts to serve pages by their paths, such as `/orders.jsonl`; others are 404.
    pub fn start<'a>(
        pages: impl IntoIterator<Item = (&'a str, Page)>,
        faults: Faults,
    ) -> HttpServer {
        let pages = pages.into_iter().map(|(path, page)| (path.to_string(), page)).collect();
        let site = Pages { pages, requests: Mutex::default() };
        HttpServer { front: Front::start(site, faults) }
    }

    /// Returns the address of a path.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.front.endpoint())
    }

    /// Returns the requests so far, in the order in which they arrived.
    pub fn requests(&self) -> Vec<Request> {
        self.front.requests()
    }
}

struct Pages {
    pages: BTreeMap<String, Page>,
    /// How many requests each path has had.
    requests: Mutex<BTreeMap<String, u64>>,
}

impl Site for Pages {
    async fn answer(&self, request: hyper::Request<Bytes>) -> Response<Body> {
        let path = request.uri().path();
        let Some(page) = self.pages.get(path) else { return bare(404, &[]) };
        let nth = {
            let mut requests = self.requests.lock().unwrap();
            let count = requests.entry(path.to_string()).or_default();
            *count += 1;
            *count - 1
        };
        if page.pace == Pace::StallBeforeHeaders {
            pending::<()>().await;
        }
        match &page.reply {
            _ if request.method() == Method::HEAD && page.head_status != 200 => {
                bare(page.head_status, &[("allow", "GET")])
            }
            Reply::Status(status) => bare(*status, &[]),
            Reply::Redirect(status, location) => bare(*status, &[("location", location)]),
            Reply::Busy(status, retry_after, times) if nth < *times => {
                let header = retry_after.map(|value| ("retry-after", value));
                bare(*status, header.as_slice())
            }
            Reply::Busy(..) | Reply::File => page.file(request.headers(), nth),
        }
    }
}

/// Returns an answer without content worth reading.
fn bare(status: u16, headers: &[(&str, &str)]) -> Response<Body> {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    response.body(whole(format!("status {status}\n"))).unwrap()
}

impl Page {
    fn file(&self, headers: &HeaderMap, nth: u64) -> Response<Body> {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let (bytes, date) = match &self.change {
            Some((after, bytes)) if nth >= *after => (bytes, "Thu, 02 Jan 2025 00:00:00 GMT"),
            _ => (&self.bytes, "Wed, 01 Jan 2025 00:00:00 GMT"),
        };
        let gzip = match self.gzip {
            Gzip::Never => false,
            Gzip::Asked => text("accept-encoding").is_some_and(|names| names.contains("gzip")),
            Gzip::Always => true,
        };
        let bytes = if gzip { compressed(bytes) } else { bytes.clone() };
        let tag = match self.tag {
            Tag::Strong => Some(format!("\"{:016x}\"", xxh3_64(&bytes))),
            Tag::Weak => Some(format!("W/\"{:016x}\"", xxh3_64(&bytes))),
            Tag::None => None,
        };
        let date = self.dated.then_some(date);

        let strong = tag.as_deref().filter(|_| self.tag == Tag::Strong);
        let matches = text("if-match").is_none_or(|wanted| Some(wanted) == strong);
        let unmodified = text("if-unmodified-since").is_none_or(|wanted| Some(wanted) == date);
        if !matches || !unmodified {
            return bare(412, &[]);
        }
        let same = text("if-range").is_none_or(|wanted| [strong, date].contains(&Some(wanted)));
        let ranged = self.ranges != Ranges::Ignored && !gzip && same;

        let mut response = Response::builder();
        let mut bytes = bytes;
        let range = text("range").filter(|_| ranged).and_then(|range| Range::parse(range).ok());
        if let Some(range) = range {
            let length = bytes.len() as u64;
            let Ok(range) = range.check(length) else {
                return bare(416, &[("content-range", &format!("bytes */{length}"))]);
            };
            let shift = u64::from(self.ranges == Ranges::Shifted);
            let (start, end) = (range.start + shift, (range.end + shift).min(length));
            bytes = bytes.slice(start as usize..end as usize);
            let range = format!("bytes {start}-{}/{length}", end - 1);
            response = response.status(206).header("content-range", range);
        }
        let named = [
            ("accept-ranges", ranged.then_some("bytes")),
            ("content-encoding", gzip.then_some("gzip")),
            ("content-type", self.content_type),
            ("etag", tag.as_deref()),
            ("last-modified", date),
        ];
        for (name, value) in named {
            if let Some(value) = value {
                response = response.header(name, value);
            }
        }
        let (bytes, cut_after) = match self.length {
            // one byte more, which the cut takes the place of
            Length::Claimed(length) if length > bytes.len() as u64 => {
                ([&bytes[..], b"\0"].concat().into(), Some(CutAfter(bytes.len() as u64)))
            }
            Length::Claimed(length) => (bytes.slice(..length as usize), None),
            Length::Known | Length::Chunked => (bytes, None),
        };
        let mut response = response.body(self.paced(bytes).boxed_unsync()).unwrap();
        cut_after.map(|cut| response.extensions_mut().insert(cut));
        response
    }

    fn paced(&self, bytes: Bytes) -> Paced {
        let (stall_after, every) = match self.pace {
            Pace::StallAfter(bytes) => (Some(bytes), None),
            Pace::EndlessTrickle(every) => (None, Some(tokio::time::interval(every))),
            Pace::AtOnce | Pace::StallBeforeHeaders => (None, None),
        };
        let length = match self.length {
            _ if every.is_some() => None,
            Length::Known => Some(bytes.len() as u64),
            Length::Chunked => None,
            Length::Claimed(length) => Some(length),
        };
        Paced { bytes, length, sent: 0, stall_after, every }
    }
}

fn compressed(bytes: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap().into()
}

/// Content on its way.
struct Paced {
    bytes: Bytes,
    /// What is said of the length of all of it.
    length: Option<u64>,
    sent: usize,
    stall_after: Option<usize>,
    every: Option<Interval>,
}

impl HttpBody for Paced {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if let Some(every) = &mut self.every {
            ready!(every.poll_tick(context));
            let byte = self.bytes.slice(self.sent % self.bytes.len()..).split_to(1);
            self.sent += 1;
            return Poll::Ready(Some(Ok(Frame::data(byte))));
        }
        let end = self.stall_after.unwrap_or(usize::MAX).min(self.bytes.len());
        if self.sent < end {
            let data = self.bytes.slice(self.sent..end);
            self.sent = end;
            return Poll::Ready(Some(Ok(Frame::data(data))));
        }
        if self.sent == self.bytes.len() {
            return Poll::Ready(None);
        }
        Poll::Pending
    }

    fn size_hint(&self) -> SizeHint {
        self.length.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
