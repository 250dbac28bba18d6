//! A page as one stream: for servers without ranges, and for what fits into one part.

use std::pin::pin;

use bytes::Bytes;
use futures_util::future::{Either, select};
use tokio::sync::mpsc::UnboundedSender;
use xxhash_rust::xxh3::Xxh3;

use super::version::{Version, changed};
use super::{Asked, Begun, Page};
use crate::source::remote::{Next, Piece, Unwanted, Window};
use crate::store::{Cause, Failure};

/// Fetches what `begun` is the beginning of, or all.
pub(super) async fn fetch(
    page: Page,
    begun: Begun,
    window: &Window,
    parts: &UnboundedSender<Next>,
) -> Result<(), Unwanted> {
    let version = begun.version.clone();
    let seen = Box::new(Xxh3::new());
    let mut stream = Stream { page, version, window, parts, part: None, at: 0, seen };
    let gone = parts.closed();
    match select(pin!(stream.run(begun)), pin!(gone)).await {
        Either::Left((done, _)) => done,
        Either::Right(_) => Err(Unwanted),
    }
}

struct Stream<'a> {
    page: Page,
    version: Version,
    window: &'a Window,
    parts: &'a UnboundedSender<Next>,
    /// The part that is being sent, and the bytes that are left to it.
    part: Option<(UnboundedSender<Piece>, u64)>,
    /// Bytes that were sent.
    at: u64,
    /// Their hash.
    seen: Box<Xxh3>,
}

/// Why a stream does not go on.
enum Stop {
    Failed(Failure),
    Unwanted,
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Stop::Failed(failure)
    }
}

impl From<Unwanted> for Stop {
    fn from(_: Unwanted) -> Self {
        Stop::Unwanted
    }
}

impl Stream<'_> {
    /// Sends all pieces, and then the end; goes on where an answer breaks off.
    async fn run(&mut self, begun: Begun) -> Result<(), Unwanted> {
        let mut begun = Some(begun);
        let mut tries = 0;
        loop {
            let before = self.at;
            let failure = match self.once(begun.take()).await {
                Ok(()) => return self.end(Next::End),
                Err(Stop::Unwanted) => return Err(Unwanted),
                Err(Stop::Failed(failure)) => failure,
            };
            tries = if self.at > before { 1 } else { tries + 1 };
            let retry = &self.window.retry;
            if !failure.is_transient() || !retry.pause(tries, failure.retry_after).await {
                return self.end(Next::Failed(failure));
            }
        }
    }

    async fn once(&mut self, begun: Option<Begun>) -> Result<(), Stop> {
        let mut begun = match begun {
            Some(begun) => begun,
            None => self.again().await?,
        };
        while let Some(piece) = begun.piece().await? {
            self.send(piece).await?;
        }
        Ok(())
    }

    /// Sends a piece, in as many parts as it reaches into.
    async fn send(&mut self, mut piece: Bytes) -> Result<(), Unwanted> {
        self.seen.update(&piece);
        self.at += piece.len() as u64;
        while !piece.is_empty() {
            let (part, left) = match &mut self.part {
                Some(part) => part,
                None => {
                    let part = self.window.part(self.parts).await?;
                    self.part.insert((part, self.window.part_bytes))
                }
            };
            let count = piece.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
            part.send(Ok(piece.split_to(count))).map_err(|_| Unwanted)?;
            *left -= count as u64;
            if *left == 0 {
                part.send(Ok(Bytes::new())).map_err(|_| Unwanted)?;
                self.part = None;
            }
        }
        Ok(())
    }

    fn end(&mut self, next: Next) -> Result<(), Unwanted> {
        if let Some((part, _)) = self.part.take() {
            part.send(Ok(Bytes::new())).map_err(|_| Unwanted)?;
        }
        self.parts.send(next).map_err(|_| Unwanted)
    }

    /// Asks for what is left; reads over what was sent where the server gives all again.
    async fn again(&mut self) -> Result<Begun, Failure> {
        if let Some(same) = self.version.validator().filter(|_| self.at > 0) {
            let begun = self.page.ask(Some(Asked::From(self.at)), Some(same)).await?;
            match begun {
                Some(begun) if begun.is_part && begun.at == self.at => {
                    self.version.check(&begun.version)?;
                    return Ok(begun);
                }
                Some(begun) if !begun.is_part => return self.compare(begun).await,
                _ => {}
            }
        }
        match self.page.ask(None, None).await? {
            Some(begun) if !begun.is_part => self.compare(begun).await,
            _ => {
                let detail = "the server answered with a part, where all was asked for";
                Err(Failure::new(Cause::Other, detail))
            }
        }
    }

    /// Reads over the beginning, which is to be what was sent; then it does not matter whether the
    /// rest is of the same version: all is of this one.
    async fn compare(&mut self, mut begun: Begun) -> Result<Begun, Failure> {
        if begun.version.codings != self.version.codings {
            return Err(changed("its `Content-Encoding` differs"));
        }
        let mut seen = Box::new(Xxh3::new());
        begun.skip(self.at, |bytes| seen.update(bytes)).await?;
        if begun.at != self.at {
            return Err(changed("it is shorter"));
        }
        if seen.digest128() != self.seen.digest128() {
            return Err(changed("it begins with other bytes"));
        }
        self.version = begun.version.clone();
        Ok(begun)
    }
}
