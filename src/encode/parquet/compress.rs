//! Pages → compressed pages.

use std::cell::RefCell;
use std::io::{self, Write};

use super::Codec;
use crate::error::{Error, ErrorKind};

thread_local! {
    /// What Zstandard works with takes longer to set up than small pages to compress; what comes
    /// out does not depend on what it was used for before.
    static ZSTD: RefCell<Option<(i32, zstd::bulk::Compressor<'static>)>> =
        const { RefCell::new(None) };
}

/// Compresses a page.
///
/// - Errors: `Internal`; nothing in a page can make a codec fail.
pub(super) fn compress(codec: Codec, page: &[u8]) -> Result<Vec<u8>, Error> {
    let compressed = match codec {
        Codec::None => Ok(page.to_vec()),
        Codec::Zstd(level) => ZSTD.with_borrow_mut(|slot| {
            let compressor = match slot {
                Some((known, compressor)) if *known == level => compressor,
                _ => &mut slot.insert((level, zstd::bulk::Compressor::new(level)?)).1,
            };
            compressor.compress(page)
        }),
        Codec::Snappy => snap::raw::Encoder::new().compress_vec(page).map_err(io::Error::other),
        Codec::Lz4 => Ok(lz4_flex::block::compress(page)),
        Codec::Gzip(level) => {
            let level = flate2::Compression::new(level);
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), level);
            encoder.write_all(page).and_then(|()| encoder.finish())
        }
    };
    compressed.map_err(|cause| {
        Error::new(ErrorKind::Internal, "compressing a page failed").with_source(cause)
    })
}
