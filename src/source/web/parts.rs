//! A page in parts, several at once: for servers that offer ranges.

use std::ops::Range;
use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::select;
use tokio::sync::mpsc::UnboundedSender;

use super::version::{Version, changed};
use super::{Asked, Begun, Page};
use crate::retry::Retry;
use crate::source::remote::{Next, Piece, Unwanted, Window};
use crate::store::Failure;

/// Fetches what `begun` is the beginning of.
pub(super) async fn fetch(
    page: Page,
    begun: Begun,
    total: u64,
    window: &Window,
    parts: &UnboundedSender<Next>,
) -> Result<(), Unwanted> {
    let version = Arc::new(begun.version.clone());
    let mut begun = Some(begun);
    let mut at = 0;
    while at < total {
        let end = total.min(at + window.part_bytes);
        let pieces = window.part(parts).await?;
        let (page, version, retry) = (page.clone(), Arc::clone(&version), window.retry.clone());
        let begun = begun.take();
        tokio::spawn(async move {
            let fetch = Fetch { page, version };
            let work = pin!(fetch.range(at..end, begun, &retry, &pieces));
            // nobody waits for what a server is silent about
            select(work, pin!(pieces.closed())).await;
        });
        at = end;
    }
    parts.send(Next::End).map_err(|_| Unwanted)
}

/// How one part of a page is fetched.
struct Fetch {
    page: Page,
    version: Arc<Version>,
}

impl Fetch {
    /// Sends the bytes of a range, and then the end; goes on where an answer breaks off.
    async fn range(
        &self,
        range: Range<u64>,
        mut begun: Option<Begun>,
        retry: &Retry,
        pieces: &UnboundedSender<Piece>,
    ) {
        let mut at = range.start;
        let mut tries = 0;
        loop {
            let before = at;
            let failure = match self.once(&mut at, range.end, begun.take(), pieces).await {
                Ok(()) => return,
                Err(failure) => failure,
            };
            tries = if at > before { 1 } else { tries + 1 };
            if !failure.is_transient() || !retry.pause(tries, failure.retry_after).await {
                let _ = pieces.send(Err(failure));
                return;
            }
        }
    }

    /// Reads what is left from `at`, which moves on with what comes.
    async fn once(
        &self,
        at: &mut u64,
        end: u64,
        begun: Option<Begun>,
        pieces: &UnboundedSender<Piece>,
    ) -> Result<(), Failure> {
        let mut begun = match begun {
            Some(begun) => begun,
            None => self.ask(*at, end).await?,
        };
        let mut start = *at;
        while *at < end {
            let Some(mut piece) = begun.piece().await? else {
                if *at == start {
                    return Err(gone());
                }
                // a server may give less than it is asked for
                begun = self.ask(*at, end).await?;
                start = *at;
                continue;
            };
            piece.truncate(usize::try_from(end - *at).unwrap_or(usize::MAX));
            *at += piece.len() as u64;
            if !piece.is_empty() && pieces.send(Ok(piece)).is_err() {
                return Ok(());
            }
        }
        let _ = pieces.send(Ok(Bytes::new()));
        Ok(())
    }

    /// Asks for a range of this version, or for all of it where that is what the server gives.
    async fn ask(&self, at: u64, end: u64) -> Result<Begun, Failure> {
        let range = Some(Asked::Between(at, end));
        let mut begun = self.page.ask(range, self.version.validator()).await?;
        if begun.as_ref().is_none_or(|begun| begun.at > at) {
            begun = self.page.ask(None, None).await?;
        }
        let mut begun = begun.ok_or_else(gone)?;
        self.version.check(&begun.version)?;
        begun.skip(at, |_| {}).await?;
        match begun.at == at {
            true => Ok(begun),
            false => Err(gone()),
        }
    }
}

fn gone() -> Failure {
    changed("it no longer reaches so far")
}
