//! Values and levels → the pages of a column chunk.

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

/// The pages of a chunk, and what is known of them.
#[derive(Debug)]
pub(super) struct Pages {
    /// Dictionary page and data pages, headers included.
    pub(super) bytes: Segments,
    /// The codec that was used: none where compression gains next to nothing.
    pub(super) codec: Codec,
    /// Bytes of the pages before compression, headers included.
    pub(super) plain_bytes: usize,
    /// Bytes of the dictionary page; zero if there is none.
    pub(super) dictionary_bytes: usize,
    pub(super) data: Vec<DataPage>,
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

/// Writes the pages of a chunk.
pub(super) fn write(
    cells: &Cells<'_>,
    levels: &Levels,
    coded: &Coded,
    codec: Codec,
) -> Result<Pages, Error> {
    let limits = match coded {
        Coded::Direct(_) => LIMITS,
        Coded::Dictionary(_) => DICTIONARY_LIMITS,
    };
    let spans = levels.pages(cells, limits);
    let mut plain = spans.iter().map(|span| data_page(cells, levels, coded, span));
    let dictionary = match coded {
        Coded::Direct(_) => None,
        Coded::Dictionary(dictionary) => Some(dictionary_page(dictionary)?),
    };
    let first = plain.next().transpose()?;
    let mut out = Writer::new(codec);
    out.decide(dictionary.as_deref(), first.as_deref())?;
    if let (Some(page), Coded::Dictionary(dictionary)) = (dictionary, coded) {
        out.dictionary(page, dictionary.values.len())?;
    }
    let encoding = coded.encoding().of_pages();
    let mut data = Vec::with_capacity(spans.len());
    for (page, span) in first.map(Ok).into_iter().chain(plain).zip(&spans) {
        data.push(DataPage {
            bytes: out.data(page?, span, encoding)?,
            first_row: span.rows.start,
            levels: span.levels.len(),
            nulls: span.null_count(),
            text_bytes: cells.text_bytes(span.values.clone()),
            bounds: bounds(cells, coded, span, spans.len() == 1),
        });
    }
    out.finish(data)
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

/// Compresses pages and puts headers before them.
struct Writer {
    codec: Codec,
    out: TrackedWrite<Segments>,
    plain_bytes: usize,
    dictionary_bytes: usize,
    /// The pages by which the codec was decided.
    decided: Vec<Vec<u8>>,
}

impl Writer {
    fn new(codec: Codec) -> Self {
        Writer {
            codec,
            out: TrackedWrite::new(Segments::default()),
            plain_bytes: 0,
            dictionary_bytes: 0,
            decided: Vec::new(),
        }
    }

    /// Compresses the first pages, and keeps the chunk as it is if that gains next to nothing.
    fn decide(&mut self, dictionary: Option<&[u8]>, first: Option<&[u8]>) -> Result<(), Error> {
        let pages = || dictionary.into_iter().chain(first);
        let plain: usize = pages().map(<[u8]>::len).sum();
        if plain < COMPRESS_BYTES_MIN {
            self.codec = Codec::None;
        }
        if self.codec == Codec::None {
            return Ok(());
        }
        if let Some(page) = pages().max_by_key(|page| page.len()) {
            self.codec = for_pages_like(self.codec, page)?;
        }
        let compressed: Vec<Vec<u8>> =
            pages().map(|page| compress(self.codec, page)).collect::<Result<_, _>>()?;
        match compressed.iter().map(Vec::len).sum::<usize>() < plain - plain / GAIN_MIN {
            true => self.decided = compressed.into_iter().rev().collect(),
            false => self.codec = Codec::None,
        }
        Ok(())
    }

    fn dictionary(&mut self, page: Vec<u8>, count: usize) -> Result<(), Error> {
        self.dictionary_bytes = self.page(page, |buf| Page::DictionaryPage {
            buf,
            num_values: count as u32,
            encoding: ParquetEncoding::PLAIN,
            is_sorted: false,
        })?;
        Ok(())
    }

    fn data(
        &mut self,
        page: Vec<u8>,
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
    fn page(&mut self, page: Vec<u8>, header: impl FnOnce(Bytes) -> Page) -> Result<usize, Error> {
        let plain_bytes = page.len();
        let page = match (self.decided.pop(), self.codec) {
            (Some(page), _) => page,
            (None, Codec::None) => page,
            (None, codec) => compress(codec, &page)?,
        };
        let page = CompressedPage::new(header(page.into()), plain_bytes);
        let written = SerializedPageWriter::new(&mut self.out).write_page(page).map_err(failed)?;
        self.plain_bytes += written.uncompressed_size;
        Ok(written.bytes_written as usize)
    }

    fn finish(self, data: Vec<DataPage>) -> Result<Pages, Error> {
        let Writer { codec, out, plain_bytes, dictionary_bytes, .. } = self;
        let bytes = out.into_inner().map_err(failed)?;
        Ok(Pages { bytes, codec, plain_bytes, dictionary_bytes, data })
    }
}
