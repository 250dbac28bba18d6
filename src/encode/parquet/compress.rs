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

/// Levels of Zstandard for which the least is taken where it packs as small.
const LEVELS_LOWERED: std::ops::RangeInclusive<i32> = 2..=3;

/// Bytes of a page that are compressed to compare levels.
const SAMPLE_BYTES: usize = 64 << 10;

/// Pages of fewer bytes are compressed sooner than compared.
const COMPARED_BYTES_MIN: usize = 3 * SAMPLE_BYTES;

/// Of what a sample takes, this part may be lost where the level is lowered.
const LOSS_MAX: usize = 128;

/// Returns the codec for the pages of a chunk of which `page` is one: in digits that do not come
/// again, a level of Zstandard that looks further for them takes twice the time and finds nothing.
///
/// - Errors: `Internal`; nothing in a page can make a codec fail.
pub(super) fn for_pages_like(codec: Codec, page: &[u8]) -> Result<Codec, Error> {
    let Codec::Zstd(level) = codec else { return Ok(codec) };
    if !LEVELS_LOWERED.contains(&level) || page.len() < COMPARED_BYTES_MIN {
        return Ok(codec);
    }
    // Values begin behind levels, so the sample is from the middle.
    let sample = &page[page.len() / 2..][..SAMPLE_BYTES];
    let lowered = Codec::Zstd(1);
    let (wanted, least) = (compress(codec, sample)?.len(), compress(lowered, sample)?.len());
    Ok(if least <= wanted + wanted / LOSS_MAX { lowered } else { codec })
}

/// Compresses a page.
///
/// - Errors: `Internal`; nothing in a page can make a codec fail.
pub(super) fn compress(codec: Codec, page: &[u8]) -> Result<Vec<u8>, Error> {
    let compressed = match codec {
        Codec::None => Ok(page.to_vec()),
        Codec::Zstd(level) => ZSTD.with_borrow_mut(|slot| {
            let compressor = match slot {
                Some((known, compressor)) => {
                    if *known != level {
                        compressor.set_compression_level(level)?;
                        *known = level;
                    }
                    compressor
                }
                None => &mut slot.insert((level, zstd::bulk::Compressor::new(level)?)).1,
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Lines of random digits, behind which the same words come again every few kilobytes or not.
    fn page(bytes: usize, words: &str) -> Vec<u8> {
        let mut state = 7u64;
        let mut page = Vec::new();
        while page.len() < bytes {
            for _ in 0..40 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                page.extend_from_slice(format!("{:06}", (state >> 33) % 1_000_000).as_bytes());
            }
            page.extend_from_slice(words.as_bytes());
        }
        page
    }

    #[test]
    fn digits_need_no_level_that_looks_further() {
        let digits = page(COMPARED_BYTES_MIN, "");
        for (level, expected) in [(1, 1), (2, 1), (3, 1), (4, 4), (19, 19), (-5, -5)] {
            let codec = for_pages_like(Codec::Zstd(level), &digits).unwrap();
            assert_eq!(codec, Codec::Zstd(expected), "level {level}");
        }
        let small = for_pages_like(Codec::Zstd(3), &digits[1000..]).unwrap();
        assert_eq!(small, Codec::Zstd(3), "compressing twice takes longer");
        assert_eq!(for_pages_like(Codec::Snappy, &digits).unwrap(), Codec::Snappy);
        let (three, one) = (Codec::Zstd(3), Codec::Zstd(1));
        let sizes = [three, one].map(|codec| compress(codec, &digits).unwrap().len());
        assert!(sizes[1] <= sizes[0] + sizes[0] / LOSS_MAX, "{sizes:?}");
    }

    #[test]
    fn a_level_that_packs_smaller_stays() {
        // close enough to each other for the long matches of level 3, too far apart for level 1
        let mails: String = (0..4_000u32)
            .map(|n| format!("{}.{}@mail{}.example.com\n", n % 61, n * n % 97, n % 7))
            .collect();
        let page = mails.repeat(4);
        let (three, one) = (Codec::Zstd(3), Codec::Zstd(1));
        let sizes = [three, one].map(|codec| compress(codec, page.as_bytes()).unwrap().len());
        assert!(sizes[1] > sizes[0] + sizes[0] / LOSS_MAX, "{sizes:?}");
        assert_eq!(for_pages_like(three, page.as_bytes()).unwrap(), three);
    }

    #[test]
    fn what_was_compressed_before_leaves_no_trace() {
        let first = page(300_000, "x");
        let alone = std::thread::spawn({
            let first = first.clone();
            move || compress(Codec::Zstd(3), &first).unwrap()
        });
        let alone = alone.join().unwrap();
        for level in [19, 1, 3, 1, 3] {
            let packed = compress(Codec::Zstd(level), &first).unwrap();
            assert!(level != 3 || packed == alone);
            assert_eq!(zstd::decode_all(packed.as_slice()).unwrap(), first, "level {level}");
        }
    }
}
