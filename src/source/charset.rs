//! Character sets: text that is not UTF-8 becomes UTF-8 as it is read, and places find back.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, Read};
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use encoding_rs::{Decoder, DecoderResult, EncoderResult, Encoding, UTF_8, UTF_16BE, UTF_16LE};

use crate::error::Error;
use crate::limits;

/// A character set, by one of its labels in the WHATWG Encoding Standard.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Charset(&'static Encoding);

impl Charset {
    /// Returns the name of the standard, such as `windows-1252` for the label `latin1`.
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    pub(super) fn is_utf_8(self) -> bool {
        self.0 == UTF_8
    }

    /// Returns what the byte order mark at the start of an input says, and its length.
    ///
    /// What could be one of UTF-32 is none.
    pub(super) fn of_mark(first: &[u8]) -> Option<(Charset, usize)> {
        match first {
            [0xFF, 0xFE, 0, 0, ..] => None,
            _ => Encoding::for_bom(first).map(|(encoding, length)| (Charset(encoding), length)),
        }
    }

    /// Returns whether more bytes cannot change what [`of_mark`](Self::of_mark) says.
    pub(super) fn mark_is_known(first: &[u8]) -> bool {
        first.len() >= 4
            || !matches!(first, [] | [0xEF | 0xFE | 0xFF] | [0xEF, 0xBB] | [0xFF, 0xFE, ..])
    }

    /// Returns how many bytes `text`, which was decoded without faults, took in the input.
    ///
    /// Exact for UTF-16 and sets of one byte a character. A set with several spellings for a
    /// character counts the usual one.
    fn length(self, text: &[u8]) -> u64 {
        let starts = || text.iter().filter(|byte| **byte & 0xC0 != 0x80).count() as u64;
        if self.0 == UTF_16LE || self.0 == UTF_16BE {
            let pairs = text.iter().filter(|byte| **byte >= 0xF0).count() as u64;
            return 2 * (starts() + pairs);
        }
        if self.0.is_single_byte() {
            return starts();
        }
        let (mut encoder, mut room) = (self.0.new_encoder(), [0; 1024]);
        let mut text = text.utf8_chunks().next().map_or("", |chunk| chunk.valid());
        let mut length = 0;
        while !text.is_empty() {
            let (result, read, written) =
                encoder.encode_from_utf8_without_replacement(text, &mut room, false);
            text = &text[read..];
            length += written as u64;
            if let EncoderResult::Unmappable(_) = result {
                // read, but never written: such characters take two bytes in most sets
                length += 2;
            }
        }
        length
    }
}

impl FromStr for Charset {
    type Err = Error;

    /// Reads a label as users type it: `latin1`, `utf-16le`, `shift_jis`.
    fn from_str(text: &str) -> Result<Self, Error> {
        Encoding::for_label_no_replacement(text.as_bytes()).map(Charset).ok_or_else(|| {
            Error::usage(format!("expected the label of a character set, found `{text}`"))
                .with_hint("labels are those of web pages, such as `latin1`, `utf-16le`, `sjis`")
        })
    }
}

impl fmt::Display for Charset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Debug for Charset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Charset({})", self.name())
    }
}

/// Stands in the text where bytes of the input are no character, as it never stands in UTF-8: the
/// record that holds it is at fault.
const NO_CHARACTER: u8 = 0xFF;

/// A byte of the decoded text of which the place in the input is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Mark {
    text: u64,
    source: u64,
    /// Bytes of the input that are no character, which [`NO_CHARACTER`] stands for.
    invalid_bytes: u8,
}

/// Where decoded text stood in the input: what the framer asks, and what chunks carry along.
#[derive(Debug, Clone)]
pub struct Origin {
    charset: Charset,
    /// A place that is known, in the text and in the input.
    at: Mark,
    marks: Arc<Mutex<VecDeque<Mark>>>,
}

impl Origin {
    fn new(charset: Charset, source: u64) -> Self {
        let at = Mark { text: 0, source, invalid_bytes: 0 };
        Origin { charset, at, marks: Arc::default() }
    }

    fn marks(&self) -> MutexGuard<'_, VecDeque<Mark>> {
        self.marks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the byte of the input at the known place.
    pub(crate) fn byte(&self) -> u64 {
        self.at.source
    }

    /// Returns the character set.
    pub fn charset(&self) -> Charset {
        self.charset
    }

    /// Returns the byte of the input behind `text`, which starts at the known place.
    pub fn byte_behind(&self, text: &[u8]) -> u64 {
        let end = self.at.text + text.len() as u64;
        let marks = self.marks();
        let before = marks.partition_point(|mark| mark.text <= end);
        let nearest = before.checked_sub(1).map(|index| marks[index]);
        let from = nearest.filter(|mark| mark.text >= self.at.text).unwrap_or(self.at);
        from.source + self.charset.length(&text[(from.text - self.at.text) as usize..])
    }

    /// Returns how many bytes of the input the text behind `text` stands for, if they are no
    /// character.
    pub fn invalid_behind(&self, text: &[u8]) -> Option<u8> {
        let end = self.at.text + text.len() as u64;
        let marks = self.marks();
        let mut here = marks.range(marks.partition_point(|mark| mark.text < end)..);
        here.find(|mark| mark.invalid_bytes > 0 && mark.text == end).map(|mark| mark.invalid_bytes)
    }

    /// Takes along what the record `text` at the known place needs; the rest stays for others.
    pub(crate) fn of_record(&self, text: &[u8]) -> Origin {
        let end = self.at.text + text.len() as u64;
        let marks = self.marks();
        let inside = marks.iter().filter(|mark| (self.at.text..end).contains(&mark.text));
        Origin { marks: Arc::new(Mutex::new(inside.copied().collect())), ..self.clone() }
    }

    /// Moves the known place behind `text`, which starts at it.
    pub(crate) fn advance(&mut self, text: &[u8]) {
        let source = self.byte_behind(text);
        self.at = Mark { text: self.at.text + text.len() as u64, source, invalid_bytes: 0 };
    }

    /// Takes along what a chunk needs whose `text` starts at the known place; nothing before it is
    /// asked for again.
    pub(crate) fn of_chunk(&self, text: &[u8]) -> Origin {
        let end = self.at.text + text.len() as u64;
        let mut marks = self.marks();
        let first = marks.partition_point(|mark| mark.text < self.at.text);
        marks.drain(..first);
        let inside = marks.partition_point(|mark| mark.text < end);
        let inside = marks.iter().take(inside).copied().collect();
        Origin { marks: Arc::new(Mutex::new(inside)), ..self.clone() }
    }
}

/// Bytes of the input that are decoded at once, with a mark before them.
const BLOCK_BYTES: usize = 4 << 10;

/// Bytes that are read at once.
const READ_BYTES: usize = 64 << 10;

/// Decodes text as it is read.
pub(super) struct Transcoder {
    reader: Box<dyn Read + Send>,
    decoder: Decoder,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    has_ended: bool,
    is_done: bool,
    /// Bytes of the input that were decoded, and of text that they gave.
    source: u64,
    decoded: u64,
    /// Nothing decoded so far waits for its other half.
    is_whole: bool,
    /// Text on its way out.
    text: Vec<u8>,
    text_start: usize,
    origin: Origin,
}

impl Transcoder {
    /// Decodes `reader`, which is `source` bytes into the input; gives it back where it is UTF-8 anyway.
    pub(super) fn new(
        charset: Charset,
        source: u64,
        reader: Box<dyn Read + Send>,
    ) -> Result<Self, Box<dyn Read + Send>> {
        if charset.is_utf_8() {
            return Err(reader);
        }
        Ok(Transcoder {
            reader,
            decoder: charset.0.new_decoder_without_bom_handling(),
            buffer: vec![0; READ_BYTES].into_boxed_slice(),
            start: 0,
            end: 0,
            has_ended: false,
            is_done: false,
            source,
            decoded: 0,
            is_whole: true,
            text: Vec::new(),
            text_start: 0,
            origin: Origin::new(charset, source),
        })
    }

    /// Returns where its text stands in the input.
    pub(super) fn origin(&self) -> Origin {
        self.origin.clone()
    }

    /// Reads until there is enough for the longest character.
    fn fill(&mut self) -> io::Result<()> {
        while self.end - self.start < 4 && !self.has_ended {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
            let count = self.reader.read(&mut self.buffer[self.end..])?;
            self.has_ended = count == 0;
            self.end += count;
        }
        Ok(())
    }

    /// Decodes the next block into `text`.
    fn decode_block(&mut self) {
        if self.is_whole {
            self.mark(self.source, 0);
        }
        let held = self.start..self.end.min(self.start + BLOCK_BYTES);
        let (length, is_whole) = self.cut(&self.buffer[held.clone()]);
        self.is_whole = is_whole;
        let mut block = &self.buffer[held.start..held.start + length];
        self.start += length;
        let room = self.decoder.max_utf8_buffer_length_without_replacement(length);
        let room = room.expect("a block is short") + 16;
        self.text.resize(room, 0);
        let mut written = 0;
        let mut marks = Vec::new();
        loop {
            let last = self.has_ended && self.start == self.end;
            if self.text.len() - written < 16 {
                // faults take a byte of text each
                self.text.resize(self.text.len() + BLOCK_BYTES, 0);
            }
            let (result, read, count) = self.decoder.decode_to_utf8_without_replacement(
                block,
                &mut self.text[written..],
                last,
            );
            block = &block[read..];
            self.source += read as u64;
            written += count;
            match result {
                DecoderResult::InputEmpty => break,
                DecoderResult::OutputFull => {
                    self.text.resize(self.text.len() + BLOCK_BYTES, 0);
                }
                DecoderResult::Malformed(length, behind) => {
                    let next = self.source - u64::from(behind);
                    marks.push((written, next - u64::from(length), length));
                    self.text[written] = NO_CHARACTER;
                    written += 1;
                    marks.push((written, next, 0));
                }
            }
        }
        let has_room = self.origin.marks().len() < limits::CHARSET_MARKS_MAX;
        for (at, source, invalid_bytes) in marks.into_iter().filter(|_| has_room) {
            self.decoded += at as u64;
            self.mark(source, invalid_bytes);
            self.decoded -= at as u64;
        }
        self.text.truncate(written);
        self.decoded += written as u64;
        self.text_start = 0;
        self.is_done = self.has_ended && self.start == self.end;
    }

    /// Returns how much of `block` to decode, and whether the rest starts with a character.
    ///
    /// Blanks end characters in every set: no byte of a longer character is below 0x21, but in
    /// UTF-16, of which both halves of a pair stay together.
    fn cut(&self, block: &[u8]) -> (usize, bool) {
        let encoding = self.origin.charset.0;
        if self.has_ended && block.len() == self.end - self.start {
            return (block.len(), true);
        }
        if encoding == UTF_16LE || encoding == UTF_16BE {
            let even = block.len() & !1;
            let high = block[even - 2 + usize::from(encoding == UTF_16LE)];
            return (even - if matches!(high, 0xD8..=0xDB) { 2 } else { 0 }, true);
        }
        if encoding.is_single_byte() {
            return (block.len(), true);
        }
        match block.iter().rposition(|byte| matches!(byte, b' ' | b'\n' | b'\r' | b'\t')) {
            Some(blank) => (blank + 1, true),
            None => (block.len(), false),
        }
    }

    fn mark(&self, source: u64, invalid_bytes: u8) {
        self.origin.marks().push_back(Mark { text: self.decoded, source, invalid_bytes });
    }
}

impl Read for Transcoder {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.text_start == self.text.len() {
            if self.is_done {
                return Ok(0);
            }
            self.fill()?;
            self.decode_block();
        }
        let count = (&self.text[self.text_start..]).read(buffer)?;
        self.text_start += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Input, Source};

    struct Piecewise(io::Cursor<Vec<u8>>, usize);

    impl Read for Piecewise {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let most = buffer.len().min(self.1);
            self.0.read(&mut buffer[..most])
        }
    }

    /// Decodes bytes that are read in pieces; all must agree.
    fn decode(bytes: &[u8], label: Option<&str>) -> (Vec<u8>, Option<Origin>) {
        let mut expected = None;
        let mut last = None;
        for most in [1, 7, usize::MAX] {
            let reader = Box::new(Piecewise(io::Cursor::new(bytes.to_vec()), most));
            let mut source = Source::open(Input::Reader { name: "x".to_owned(), reader }).unwrap();
            let origin = source.decode(label.map(|label| label.parse().unwrap())).unwrap();
            let mut text = Vec::new();
            source.reader.read_to_end(&mut text).unwrap();
            assert_eq!(expected.get_or_insert_with(|| text.clone()), &text, "reads of {most}");
            last = Some((text, origin));
        }
        last.unwrap()
    }

    /// Checks that every character of `text` is found where `encode` puts it, behind `mark`.
    fn check(text: &str, mark: &[u8], label: Option<&str>, encode: impl Fn(&str) -> Vec<u8>) {
        let (decoded, origin) = decode(&[mark, &encode(text)].concat(), label);
        assert!(decoded == text.as_bytes(), "{label:?}");
        let origin = origin.unwrap();
        let step = (text.len() / 300).max(1);
        let ends = text.char_indices().map(|(at, _)| at).step_by(step).chain([text.len()]);
        for at in ends {
            let expected = (mark.len() + encode(&text[..at]).len()) as u64;
            assert_eq!(origin.byte_behind(&decoded[..at]), expected, "{label:?}, byte {at}");
            assert_eq!(origin.invalid_behind(&decoded[..at]), None);
        }
    }

    fn utf_16_le(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    fn utf_16_be(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_be_bytes).collect()
    }

    #[test]
    fn utf_16_is_followed_by_mark_and_by_label() {
        for text in
            ["", "{\"é\":\"😀\"}\n", &"{\"a\":\"😀x名\"}\n".repeat(3000), &"😀".repeat(5000)]
        {
            check(text, b"\xFF\xFE", None, utf_16_le);
            check(text, b"\xFE\xFF", None, utf_16_be);
            // the mark is stronger
            check(text, b"\xFE\xFF", Some("utf-16le"), utf_16_be);
            check(text, b"\xFE\xFF", Some("utf-8"), utf_16_be);
            check(text, b"", Some("utf-16"), utf_16_le);
            check(text, b"", Some("utf-16be"), utf_16_be);
        }
    }

    #[test]
    fn labels_of_other_sets_are_followed() {
        for (label, piece) in [
            ("latin1", "{\"a\":\"é€\"}\n"),
            ("koi8-r", "{\"a\":\"привет\"}\n"),
            ("shift_jis", "{\"a\":\"日本ｱ\"}\n"),
            ("euc-jp", "{\"a\":\"日本ｱ\"}\n"),
            ("gbk", "{\"a\":\"中文\"}\n"),
            ("gb18030", "{\"a\":\"中文😀\"}\n"),
            ("big5", "{\"a\":\"中文\"}\n"),
            ("euc-kr", "{\"a\":\"한국\"}\n"),
        ] {
            let charset: Charset = label.parse().unwrap();
            let encode = |text: &str| charset.0.encode(text).0.into_owned();
            check(piece, b"", Some(label), encode);
            check(&piece.repeat(2000), b"", Some(label), encode);
        }
        // two states, of which each text here ends in the first
        let charset: Charset = "iso-2022-jp".parse().unwrap();
        let text = "{\"a\":\"日本\"}\n".repeat(2000);
        let (decoded, origin) = decode(&charset.0.encode(&text).0, Some("iso-2022-jp"));
        assert!(decoded == text.as_bytes());
        let half = text.len() / 2;
        let expected = charset.0.encode(&text[..half]).0.len() as u64;
        assert_eq!(origin.unwrap().byte_behind(&decoded[..half]), expected);
    }

    #[test]
    fn utf_8_is_left_alone() {
        for label in [None, Some("utf8"), Some("latin1")] {
            let (bytes, origin) = decode(b"\xEF\xBB\xBF{\xFF}", label);
            assert!(bytes == b"\xEF\xBB\xBF{\xFF}" && origin.is_none());
        }
        for bytes in [&b""[..], b"\xEF", b"\xFE", b"\xFF", b"{}", b"\xFF\xFE\0\0{\0\0\0"] {
            let (decoded, origin) = decode(bytes, None);
            assert!(decoded == bytes && origin.is_none(), "{bytes:?}");
        }
    }

    /// Checks where bytes that are no character were found.
    fn check_invalid(bytes: &[u8], label: &str, expected: &[(u64, u8)]) {
        let (text, origin) = decode(bytes, Some(label));
        let origin = origin.unwrap();
        let places = text.iter().enumerate().filter(|(_, byte)| **byte == NO_CHARACTER);
        let found = places.map(|(at, _)| {
            let before = &text[..at];
            (origin.byte_behind(before), origin.invalid_behind(before).unwrap())
        });
        assert_eq!(found.collect::<Vec<_>>(), expected, "{label}");
        let end = origin.byte_behind(&text);
        assert_eq!(end, bytes.len() as u64, "{label}");
    }

    #[test]
    fn what_is_no_character_is_found_where_it_stands() {
        check_invalid(b"a\0\x00\xD8b\0", "utf-16le", &[(2, 2)]);
        check_invalid(b"a\0\x00\xDCb\0", "utf-16le", &[(2, 2)]);
        check_invalid(b"a\0\x00\xD8", "utf-16le", &[(2, 2)]);
        check_invalid(b"a\0b\0c", "utf-16le", &[(4, 1)]);
        check_invalid(b"\xD8\0\xD8\0\xDC\0", "utf-16be", &[(0, 2)]);
        check_invalid(b"a\x81\"b", "shift_jis", &[(1, 1)]);
        check_invalid(b"\x8F\xA1b", "euc-jp", &[(0, 2)]);
        check_invalid(b"a\xA1", "gbk", &[(1, 1)]);
        let long = [utf_16_le(&"ab".repeat(5000)), vec![0, 0xDC], utf_16_le("c")].concat();
        check_invalid(&long, "utf-16le", &[(20_000, 2)]);
    }

    #[test]
    fn chunks_keep_what_they_need() {
        let bytes = [&b"\xFF\xFE"[..], &utf_16_le(&"é😀\n".repeat(4000))].concat();
        let (text, origin) = decode(&bytes, None);
        let mut origin = origin.unwrap();
        // 7 bytes of text, 8 of the input
        for (first, end) in [(0, 7), (7, 14_000), (14_007, 28_000)] {
            let mut at_start = origin.clone();
            at_start.advance(&text[(at_start.at.text as usize)..first]);
            let chunk = at_start.of_chunk(&text[first..end]);
            origin.advance(&text[(origin.at.text as usize)..end]);
            for at in (first..end).step_by(7) {
                let expected = 2 + at as u64 / 7 * 8;
                assert_eq!(chunk.byte_behind(&text[first..at]), expected, "{first}, {at}");
            }
        }
    }

    #[test]
    fn labels_that_nobody_knows_are_refused() {
        for label in ["", "utf16", "id=delta", "iso-2022-kr", "hz-gb-2312"] {
            let error = label.parse::<Charset>().unwrap_err();
            let start = "expected the label of a character set, found `";
            assert!(error.to_string().starts_with(start), "{label}: {error}");
        }
    }
}
