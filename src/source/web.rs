//! What web servers give: in parts where they offer ranges, else as it comes.

use tokio::sync::mpsc::UnboundedSender;

use super::remote::{Next, Unwanted, Window};
use crate::store::url::StoreUrl;
use crate::store::{Cause, Failure};

/// Fetches a page into the parts of an input.
pub(super) async fn fetch(
    _url: &StoreUrl,
    _window: &Window,
    parts: &UnboundedSender<Next>,
) -> Result<(), Unwanted> {
    let failure = Failure::new(Cause::Other, "not there yet");
    parts.send(Next::Failed(failure)).map_err(|_| Unwanted)
}
