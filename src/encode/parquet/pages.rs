//! Values and levels → the pages of a column chunk.

use std::ops::Range;

use bytes::Bytes;
use parquet::basic::Encoding as ParquetEncoding;
use parquet::column::page::{CompressedPage, Page, PageWriter};
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use serde::{Deserialize, Serialize};

use super::Codec;
use super::bits;
use super::bounds::Bounds;
use super::cells::Cells;
use super::chunk::failed;
use super::compress::{compress, for_pages_like};
use super::dictionary::Dictionary;
use super::encoding::Encoding;
use super::levels::{Levels, PageLimits, Span};
use super::segments::Segments;
use crate::error::Error;

/// What bounds a page: with fewer rows pages of small values compress badly.
const LIMITS: PageLimits = PageLimits { levels: 1 << 17, bytes: 1 << 20 };

/// Indices into a dictionary take a few bits each, so only their number bounds a page.
const DICTIONARY_LIMITS: PageLimits = PageLimits { bytes: usize::MAX, ..LIMITS };

/// Chunks of fewer bytes are not compressed: what it saves, the frame around it takes.
const COMPRESS_BYTES_MIN: usize = 64;

/// Chunks of which compression saves less than this part are not compressed: readers are faster with them.
const GAIN_MIN: usize = 64;

/// Pages of a chunk, one behind the other, and what is known of them.
#[derive(Debug, Default)]
pub(super) struct Pages {
    /// The dictionary page, where the first page is here, and data pages, headers included.
    pub(super) bytes: Segments,
    /// Bytes of the pages before compression, headers included.
    pub(super) plain_bytes: usize,
    /// Bytes of the dictionary page; zero if there is none.
    pub(super) dictionary_bytes: usize,
    pub(super) data: Vec<DataPage>,
}

impl Pages {
    /// Appends the pages that come behind these.
    pub(super) fn append(&mut self, behind: Pages) {
        let Pages { bytes, plain_bytes, dictionary_bytes, data } = behind;
        self.bytes.append(bytes);
        self.plain_bytes += plain_bytes;
        self.dictionary_bytes += dictionary_bytes;
        self.data.extend(data);
    }
}

/// A data page as the page index has it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct DataPage {
    /// Bytes, header included.
    pub(super) bytes: usize,
    pub(super) first_row: usize,
    pub(super) levels: usize,
    pub(super) nulls: usize,
    /// Bytes of strings.
    pub(super) text_bytes: usize,
    pub(super) bounds: Option<Bounds>,
}

impl DataPage {
    /// Returns whether it holds nothing but nulls.
    pub(super) fn is_null(&self) -> bool {
        self.nulls == self.levels
    }
}

/// The values of a chunk, as they are written.
pub(super) enum Coded {
    /// In an encoding that is not a dictionary.
    Direct(Encoding),
    Dictionary(Dictionary),
}

impl Coded {
    /// Returns the encoding of the data pages.
    pub(super) fn encoding(&self) -> Encoding {
        match self {
            Coded::Direct(encoding) => *encoding,
            Coded::Dictionary(_) => Encoding::Dictionary,
        }
    }
}

/// What is decided for all pages of a chunk before they are written, in any order.
pub(super) struct PagePlan {
    levels: Levels,
    coded: Coded,
    spans: Vec<Span>,
    codec: Codec,
    /// By these pages the codec was decided.
    dictionary: Option<Packed>,
    first: Packed,
}

/// A page as it is written, without its header.
#[derive(Debug, Clone)]
struct Packed {
    bytes: Bytes,
    /// Bytes before compression.
    plain_bytes: usize,
}

impl Packed {
    fn of(page: &[u8], codec: Codec) -> Result<Self, Error> {
        Ok(Packed { bytes: compress(codec, page)?.into(), plain_bytes: page.len() })
    }

    fn plain(page: Vec<u8>) -> Self {
        Packed { plain_bytes: page.len(), bytes: page.into() }
    }
}

impl PagePlan {
    /// Cuts a chunk into pages and decides on its codec.
    pub(super) fn of(
        cells: &Cells<'_>,
        levels: Levels,
        coded: Coded,
        codec: Codec,
    ) -> Result<Self, Error> {
        let limits = match coded {
            Coded::Direct(_) => LIMITS,
            Coded::Dictionary(_) => DICTIONARY_LIMITS,
        };
        let spans = levels.pages(cells, limits);
        let dictionary = match &coded {
            Coded::Direct(_) => None,
            Coded::Dictionary(dictionary) => Some(dictionary_page(dictionary)?),
        };
        let first = data_page(cells, &levels, &coded, &spans[0])?;
        let (codec, dictionary, first) = decide(codec, dictionary, first)?;
        Ok(PagePlan { levels, coded, spans, codec, dictionary, first })
    }

    /// Returns the encoding of the data pages.
    pub(super) fn encoding(&self) -> Encoding {
        self.coded.encoding()
    }

    /// Returns the codec that is used: none where compression gains next to nothing.
    pub(super) fn codec(&self) -> Codec {
        self.codec
    }

    /// Returns how many levels the chunk has.
    pub(super) fn level_count(&self) -> usize {
        self.levels.len()
    }

    /// Returns how many data pages there are.
    pub(super) fn page_count(&self) -> usize {
        self.spans.len()
    }

    /// Writes some of the data pages, and the dictionary page before the first.
    pub(super) fn write(&self, cells: &Cells<'_>, range: Range<usize>) -> Result<Pages, Error> {
        let mut out = Writer::default();
        let mut dictionary_bytes = 0;
        if let (0, Some(page), Coded::Dictionary(dictionary)) =
            (range.start, &self.dictionary, &self.coded)
        {
            dictionary_bytes = out.dictionary(page.clone(), dictionary.values.len())?;
        }
        let encoding = self.encoding().of_pages();
        let mut data = Vec::with_capacity(range.len());
        for index in range {
            let span = &self.spans[index];
            let plain = || data_page(cells, &self.levels, &self.coded, span);
            let page = match (index, self.codec) {
                (0, _) => self.first.clone(),
                (_, Codec::None) => Packed::plain(plain()?),
                (_, codec) => Packed::of(&plain()?, codec)?,
            };
            data.push(DataPage {
                bytes: out.data(page, span, encoding)?,
                first_row: span.rows.start,
                levels: span.levels.len(),
                nulls: span.null_count(),
                text_bytes: cells.text_bytes(span.values.clone()),
                bounds: bounds(cells, &self.coded, span, self.spans.len() == 1),
            });
        }
        let Writer { out, plain_bytes } = out;
        let bytes = out.into_inner().map_err(failed)?;
        Ok(Pages { bytes, plain_bytes, dictionary_bytes, data })
    }
}

/// Compresses the first pages, and keeps the chunk as it is if that gains next to nothing.
fn decide(
    codec: Codec,
    dictionary: Option<Vec<u8>>,
    first: Vec<u8>,
) -> Result<(Codec, Option<Packed>, Packed), Error> {
    let plain = first.len() + dictionary.as_ref().map_or(0, Vec::len);
    if codec != Codec::None && plain >= COMPRESS_BYTES_MIN {
        let largest = dictionary.as_ref().filter(|page| page.len() > first.len()).unwrap_or(&first);
        let codec = for_pages_like(codec, largest)?;
        let page = Packed::of(&first, codec)?;
        let values = dictionary.as_ref().map(|page| Packed::of(page, codec)).transpose()?;
        let packed = page.bytes.len() + values.as_ref().map_or(0, |page| page.bytes.len());
        if packed < plain - plain / GAIN_MIN {
            return Ok((codec, values, page));
        }
    }
    Ok((Codec::None, dictionary.map(Packed::plain), Packed::plain(first)))
}

/// Returns a data page: levels, then values.
fn data_page(
    cells: &Cells<'_>,
    levels: &Levels,
    coded: &Coded,
    span: &Span,
) -> Result<Vec<u8>, Error> {
    let mut page = Vec::new();
    levels.write(span, &mut page);
    match coded {
        Coded::Direct(encoding) => cells.write(span.values.clone(), *encoding, &mut page)?,
        Coded::Dictionary(dictionary) => {
            let width = bits::width_of(dictionary.values.len().saturating_sub(1) as u64);
            page.push(width as u8);
            bits::hybrid(&dictionary.indices[span.values.clone()], width, &mut page);
        }
    }
    Ok(page)
}

fn dictionary_page(dictionary: &Dictionary) -> Result<Vec<u8>, Error> {
    let mut page = Vec::new();
    let values = &dictionary.values;
    values.write(0..values.len(), Encoding::Plain, &mut page)?;
    Ok(page)
}

/// Returns the bounds of a page; fewer values need a look where a dictionary has them.
fn bounds(cells: &Cells<'_>, coded: &Coded, span: &Span, is_alone: bool) -> Option<Bounds> {
    match coded {
        Coded::Dictionary(Dictionary { values, .. }) if is_alone => {
            Bounds::of(values, 0..values.len())
        }
        Coded::Dictionary(Dictionary { values: Cells::Bytes(texts), indices }) => {
            let mut is_there = vec![false; texts.len()];
            indices[span.values.clone()].iter().for_each(|&at| is_there[at as usize] = true);
            Bounds::of_strings(texts, (0..texts.len()).filter(|&at| is_there[at]))
        }
        _ => Bounds::of(cells, span.values.clone()),
    }
}

/// Puts headers before pages.
struct Writer {
    out: TrackedWrite<Segments>,
    plain_bytes: usize,
}

impl Default for Writer {
    fn default() -> Self {
        Writer { out: TrackedWrite::new(Segments::default()), plain_bytes: 0 }
    }
}

impl Writer {
    fn dictionary(&mut self, page: Packed, count: usize) -> Result<usize, Error> {
        self.page(page, |buf| Page::DictionaryPage {
            buf,
            num_values: count as u32,
            encoding: ParquetEncoding::PLAIN,
            is_sorted: false,
        })
    }

    fn data(
        &mut self,
        page: Packed,
        span: &Span,
        encoding: ParquetEncoding,
    ) -> Result<usize, Error> {
        self.page(page, |buf| Page::DataPage {
            buf,
            num_values: span.levels.len() as u32,
            encoding,
            def_level_encoding: ParquetEncoding::RLE,
            rep_level_encoding: ParquetEncoding::RLE,
            statistics: None,
        })
    }

    /// Writes a page and returns its bytes, header included.
    fn page(&mut self, page: Packed, header: impl FnOnce(Bytes) -> Page) -> Result<usize, Error> {
        let page = CompressedPage::new(header(page.bytes), page.plain_bytes);
        let written = SerializedPageWriter::new(&mut self.out).write_page(page).map_err(failed)?;
        self.plain_bytes += written.uncompressed_size;
        Ok(written.bytes_written as usize)
    }
}
