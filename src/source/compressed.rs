//! Compressed input: told by its first bytes, unpacked as it is read.

use std::ffi::OsStr;
use std::fmt;
use std::io::{self, BufRead, ErrorKind as Cause, Read};

use bzip2::bufread::BzDecoder;
use flate2::bufread::GzDecoder;
use liblzma::bufread::XzDecoder;
use liblzma::stream::{CONCATENATED, Stream};
use lz4_flex::frame::FrameDecoder;

use super::Notes;
use crate::error::{Error, ErrorKind};
use crate::limits::UNPACK_BYTES_MAX;
use crate::report::{Warning, WarningKind};

/// How an input is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// RFC 1952, one member or several.
    Gzip,
    /// RFC 8878, frames and skippable frames.
    Zstd,
    /// One stream or several.
    Bzip2,
    /// One stream or several, with padding.
    Xz,
    /// The LZ4 frame format, frames and skippable frames.
    Lz4,
}

/// What an input is by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packing {
    Compressed(Compression),
    Plain,
    /// Nothing at all.
    Empty,
    /// More bytes are needed to tell.
    Unknown,
}

const GZIP: &[u8] = b"\x1F\x8B";
const ZSTD: &[u8] = b"\x28\xB5\x2F\xFD";
const XZ: &[u8] = b"\xFD7zXZ\0";
const LZ4: &[u8] = b"\x04\x22\x4D\x18";

/// What follows `BZh` and a digit: a block, or the end where there is none.
const BZIP2_NEXT: [&[u8]; 2] = [b"1AY&SY", b"\x17\x72\x45\x38\x50\x90"];

impl Compression {
    /// Every kind.
    pub const ALL: [Compression; 5] = [
        Compression::Gzip,
        Compression::Zstd,
        Compression::Bzip2,
        Compression::Xz,
        Compression::Lz4,
    ];

    /// Returns the name as messages have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Compression::Gzip => "gzip",
            Compression::Zstd => "zstd",
            Compression::Bzip2 => "bzip2",
            Compression::Xz => "xz",
            Compression::Lz4 => "lz4",
        }
    }

    /// Returns the kind that a file extension stands for, in any case and without its dot.
    pub fn from_extension(extension: &OsStr) -> Option<Compression> {
        match extension.to_str()?.to_ascii_lowercase().as_str() {
            "gz" | "gzip" => Some(Compression::Gzip),
            "zst" | "zstd" => Some(Compression::Zstd),
            "bz2" | "bzip2" => Some(Compression::Bzip2),
            "xz" => Some(Compression::Xz),
            "lz4" => Some(Compression::Lz4),
            _ => None,
        }
    }

    /// Tells from its first bytes how an input is packed; `ended` if there is nothing behind.
    pub(super) fn detect(first: &[u8], ended: bool) -> Packing {
        let mut packing = match first.is_empty() {
            true => Packing::Empty,
            false => Packing::Plain,
        };
        for kind in Compression::ALL {
            match kind.begins(first) {
                Some(true) => return Packing::Compressed(kind),
                Some(false) => {}
                None if !ended => packing = Packing::Unknown,
                None => {}
            }
        }
        packing
    }

    /// Returns whether `first` starts as this kind does, or nothing where it is too short.
    pub(super) fn begins(self, first: &[u8]) -> Option<bool> {
        match self {
            Compression::Gzip => starts(first, GZIP),
            Compression::Xz => starts(first, XZ),
            Compression::Lz4 => starts(first, LZ4),
            // a skippable frame may come first; zstd reads over those, and over nothing else of lz4
            Compression::Zstd => match starts(first, ZSTD) {
                Some(false) => starts_skippable(first),
                begins => begins,
            },
            Compression::Bzip2 => {
                if !starts(first, b"BZh")? || !first.get(3)?.is_ascii_digit() {
                    return Some(false);
                }
                let next = BZIP2_NEXT.map(|next| starts(&first[4..], next));
                match next.contains(&Some(true)) {
                    true => Some(true),
                    false if next.contains(&None) => None,
                    false => Some(false),
                }
            }
        }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Returns whether `bytes` start with `magic`, or nothing where they are too short.
fn starts(bytes: &[u8], magic: &[u8]) -> Option<bool> {
    let length = bytes.len().min(magic.len());
    match bytes[..length] == magic[..length] {
        true if length < magic.len() => None,
        same => Some(same),
    }
}

/// Returns whether `bytes` start with a skippable frame, of which zstd and lz4 have the same.
fn starts_skippable(bytes: &[u8]) -> Option<bool> {
    match bytes.first() {
        Some(0x50..=0x5F) => starts(&bytes[1..], b"\x2A\x4D\x18"),
        Some(_) => Some(false),
        None => None,
    }
}

/// Bytes of packed input that are read at once.
const PACKED_BYTES: usize = 128 << 10;

/// Packed bytes, counted as they are taken.
struct Packed {
    reader: Box<dyn Read + Send>,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    taken: u64,
    /// Somebody asked for bytes behind the last one.
    is_over: bool,
    /// The reader failed, which is not the fault of what is packed.
    has_failed: bool,
}

impl Packed {
    fn new(reader: Box<dyn Read + Send>, room: usize) -> Self {
        let buffer = vec![0; room].into_boxed_slice();
        Packed { reader, buffer, start: 0, end: 0, taken: 0, is_over: false, has_failed: false }
    }

    /// Returns at least `count` bytes of what comes next, fewer only at the end.
    fn peek(&mut self, count: usize) -> io::Result<&[u8]> {
        while self.end - self.start < count {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
            let read = self.reader.read(&mut self.buffer[self.end..]);
            self.has_failed |= read.is_err();
            match read? {
                0 => break,
                read => self.end += read,
            }
        }
        Ok(&self.buffer[self.start..self.end])
    }

    /// Steps over zeros; returns how many there were.
    fn skip_zeros(&mut self) -> io::Result<u64> {
        let before = self.taken;
        loop {
            let bytes = self.peek(1)?;
            let count = bytes.iter().take_while(|byte| **byte == 0).count();
            if count == 0 {
                return Ok(self.taken - before);
            }
            self.consume(count);
        }
    }

    /// Steps over the skippable frame at hand.
    fn skip_frame(&mut self) -> io::Result<()> {
        let mut head = [0; 8];
        self.read_exact(&mut head)?;
        let [.., a, b, c, d] = head;
        let mut left = u64::from(u32::from_le_bytes([a, b, c, d]));
        while left > 0 {
            let held = self.fill_buf()?.len() as u64;
            if held == 0 {
                return Err(Cause::UnexpectedEof.into());
            }
            self.consume(held.min(left) as usize);
            left -= held.min(left);
        }
        Ok(())
    }
}

impl BufRead for Packed {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.peek(1)?;
        self.is_over |= self.start == self.end;
        Ok(&self.buffer[self.start..self.end])
    }

    fn consume(&mut self, count: usize) {
        self.start += count;
        self.taken += count as u64;
    }
}

impl Read for Packed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}

/// A decoder of one kind, in the midst of its input.
enum Decoder {
    Gzip(GzDecoder<Packed>),
    Zstd(Box<zstd::Decoder<'static, Packed>>),
    Bzip2(BzDecoder<Packed>),
    Xz(Box<XzDecoder<Packed>>),
    Lz4(Box<FrameDecoder<Packed>>),
}

impl Decoder {
    /// Starts; memory for what was unpacked before is bounded by `window_bytes`.
    fn new(kind: Compression, packed: Packed, window_bytes: usize) -> io::Result<Decoder> {
        Ok(match kind {
            Compression::Gzip => Decoder::Gzip(GzDecoder::new(packed)),
            Compression::Zstd => {
                let mut decoder = zstd::Decoder::with_buffer(packed)?;
                decoder.window_log_max(window_bytes.max(1 << 10).ilog2())?;
                Decoder::Zstd(Box::new(decoder))
            }
            Compression::Bzip2 => Decoder::Bzip2(BzDecoder::new(packed)),
            Compression::Xz => {
                let stream = Stream::new_stream_decoder(window_bytes as u64, CONCATENATED)?;
                Decoder::Xz(Box::new(XzDecoder::new_stream(packed, stream)))
            }
            Compression::Lz4 => Decoder::Lz4(Box::new(FrameDecoder::new(packed))),
        })
    }

    fn packed(&mut self) -> &mut Packed {
        match self {
            Decoder::Gzip(decoder) => decoder.get_mut(),
            Decoder::Zstd(decoder) => decoder.get_mut(),
            Decoder::Bzip2(decoder) => decoder.get_mut(),
            Decoder::Xz(decoder) => decoder.get_mut(),
            Decoder::Lz4(decoder) => decoder.get_mut(),
        }
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Decoder::Gzip(decoder) => decoder.read(buffer),
            Decoder::Zstd(decoder) => decoder.read(buffer),
            Decoder::Bzip2(decoder) => decoder.read(buffer),
            Decoder::Xz(decoder) => decoder.read(buffer),
            Decoder::Lz4(decoder) => match decoder.read(buffer)? {
                // it takes an input that ends inside a frame for a whole one
                0 if decoder.get_ref().is_over => Err(Cause::UnexpectedEof.into()),
                count => Ok(count),
            },
        }
    }

    /// Goes on to the next member, stream or frame.
    fn next(&mut self) -> io::Result<Next> {
        match self {
            // these two read over the ends themselves
            Decoder::Zstd(_) | Decoder::Xz(_) => Ok(Next::End),
            Decoder::Lz4(decoder) => loop {
                let packed = decoder.get_mut();
                let next = packed.peek(4)?;
                if next.is_empty() {
                    return Ok(Next::End);
                }
                match starts_skippable(next) {
                    Some(true) => packed.skip_frame()?,
                    _ => return Ok(Next::Member),
                }
            },
            Decoder::Gzip(decoder) => {
                // tapes and block devices fill up with zeros
                decoder.get_mut().skip_zeros()?;
                if let Some(end) = other_than(decoder.get_mut(), GZIP)? {
                    return Ok(end);
                }
                let packed =
                    std::mem::replace(decoder.get_mut(), Packed::new(Box::new(io::empty()), 0));
                decoder.reset(packed);
                Ok(Next::Member)
            }
            Decoder::Bzip2(decoder) => {
                if let Some(end) = other_than(decoder.get_mut(), b"BZh")? {
                    return Ok(end);
                }
                let packed =
                    std::mem::replace(decoder.get_mut(), Packed::new(Box::new(io::empty()), 0));
                *decoder = BzDecoder::new(packed);
                Ok(Next::Member)
            }
        }
    }
}

/// What comes behind a member.
enum Next {
    Member,
    End,
    Garbage,
}

/// Returns what comes next, unless it starts with `magic`.
fn other_than(packed: &mut Packed, magic: &[u8]) -> io::Result<Option<Next>> {
    let next = packed.peek(magic.len())?;
    Ok(match next {
        [] => Some(Next::End),
        next if next.starts_with(magic) => None,
        _ => Some(Next::Garbage),
    })
}

/// Unpacks an input as it is read.
///
/// - Buffers: what the format needs to look back, at most `window_bytes`, and a buffer for packed
///   bytes; unpacked ones go straight to the caller, so a bomb takes no more than anything else.
pub(super) struct Unpacker {
    kind: Compression,
    name: String,
    decoder: Option<Decoder>,
    window_bytes: usize,
    unpacked: u64,
    notes: Notes,
}

impl Unpacker {
    pub(super) fn new(
        kind: Compression,
        name: String,
        reader: Box<dyn Read + Send>,
        window_bytes: usize,
        notes: Notes,
    ) -> Result<Self, Error> {
        let packed = Packed::new(reader, PACKED_BYTES);
        let decoder = Decoder::new(kind, packed, window_bytes).map_err(|cause| {
            let message = format!("{name}: cannot unpack {kind} data: {cause}");
            Error::new(ErrorKind::Internal, message).with_source(cause)
        })?;
        Ok(Unpacker { kind, name, decoder: Some(decoder), window_bytes, unpacked: 0, notes })
    }

    /// Says what is wrong with the packed data, and where.
    fn broken(&self, cause: io::Error, packed: &Packed) -> io::Error {
        if packed.has_failed {
            return cause;
        }
        let Unpacker { kind, name, unpacked, .. } = self;
        let place =
            format!("{name}: byte {} of the {kind} data, {unpacked} unpacked", packed.taken);
        let said = cause.to_string();
        let needs_memory = ["Frame requires too much memory", "emory limit", "emory usage limit"];
        let error = if needs_memory.iter().any(|text| said.contains(text)) {
            let most = self.window_bytes >> 20;
            let message = format!("{place}: unpacking takes more than {most} MiB of memory");
            let hint = match self.window_bytes < UNPACK_BYTES_MAX {
                true => "a quarter of `--memory-limit` is for that, 128 MiB at most: raise it",
                false => "unpack it first, as in `zstd -dc --long=31 FILE | transmog convert …`",
            };
            Error::new(ErrorKind::Compression, message).with_hint(hint)
        } else if cause.kind() == Cause::UnexpectedEof {
            let message = format!("{place}: expected more data, found the end of the input");
            Error::new(ErrorKind::Compression, message)
                .with_hint("the input is cut off: copy or download it again; nothing was written")
        } else {
            Error::new(ErrorKind::Compression, format!("{place}: the data is damaged: {said}"))
                .with_hint("copy or download the input again; nothing was written")
        };
        io::Error::other(error)
    }

    fn note_garbage(&self, taken: u64) {
        let Unpacker { kind, name, .. } = self;
        let detail = format!("{name}: what follows byte {taken} is no {kind} data");
        let (path, kind) = (String::new(), WarningKind::TrailingData);
        self.notes.add(Warning { kind, path, count: 1, detail });
    }
}

impl Read for Unpacker {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let Some(mut decoder) = self.decoder.take() else { return Ok(0) };
        loop {
            let step = match decoder.read(buffer) {
                Ok(0) => decoder.next(),
                Ok(count) => {
                    self.unpacked += count as u64;
                    self.decoder = Some(decoder);
                    return Ok(count);
                }
                Err(cause) => Err(cause),
            };
            match step {
                Ok(Next::Member) => {}
                Ok(Next::End) => return Ok(0),
                Ok(Next::Garbage) => {
                    self.note_garbage(decoder.packed().taken);
                    return Ok(0);
                }
                Err(cause) => return Err(self.broken(cause, decoder.packed())),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::source::{Input, Source};

    fn pack(kind: Compression, bytes: &[u8]) -> Vec<u8> {
        let packed = Vec::new();
        match kind {
            Compression::Gzip => {
                let mut encoder = flate2::write::GzEncoder::new(packed, Default::default());
                encoder.write_all(bytes).unwrap();
                encoder.finish().unwrap()
            }
            Compression::Zstd => {
                let mut encoder = zstd::Encoder::new(packed, 3).unwrap();
                encoder.include_checksum(true).unwrap();
                encoder.write_all(bytes).unwrap();
                encoder.finish().unwrap()
            }
            Compression::Bzip2 => {
                let mut encoder = bzip2::write::BzEncoder::new(packed, Default::default());
                encoder.write_all(bytes).unwrap();
                encoder.finish().unwrap()
            }
            Compression::Xz => {
                let mut encoder = liblzma::write::XzEncoder::new(packed, 6);
                encoder.write_all(bytes).unwrap();
                encoder.finish().unwrap()
            }
            Compression::Lz4 => {
                let mut info = lz4_flex::frame::FrameInfo::new();
                (info.content_checksum, info.block_checksums) = (true, true);
                let mut encoder = lz4_flex::frame::FrameEncoder::with_frame_info(info, packed);
                encoder.write_all(bytes).unwrap();
                encoder.finish().unwrap()
            }
        }
    }

    /// Gives at most some bytes at a time.
    struct Piecewise(io::Cursor<Vec<u8>>, usize);

    impl Read for Piecewise {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let most = buffer.len().min(self.1);
            self.0.read(&mut buffer[..most])
        }
    }

    /// Unpacks what is read in pieces, into pieces of another size; all must agree.
    fn unpack(packed: &[u8]) -> (Result<Vec<u8>, String>, Vec<String>) {
        let mut expected = None;
        for (most, room) in [(usize::MAX, 1 << 16), (1, 7), (7, 1), (7, 1 << 16)] {
            let got = unpack_pieces(packed, most, room);
            assert_eq!(expected.get_or_insert_with(|| got.clone()), &got, "reads of {most}");
        }
        expected.unwrap()
    }

    fn unpack_pieces(
        packed: &[u8],
        most: usize,
        room: usize,
    ) -> (Result<Vec<u8>, String>, Vec<String>) {
        let reader = Box::new(Piecewise(io::Cursor::new(packed.to_vec()), most));
        let mut source = Source::open(Input::Reader { name: "x".to_owned(), reader }).unwrap();
        if let Err(error) = source.unpack(UNPACK_BYTES_MAX) {
            assert_eq!(error.kind(), ErrorKind::Compression);
            return (Err(error.to_string()), Vec::new());
        }
        let (mut bytes, mut buffer) = (Vec::new(), vec![0; room]);
        let done = loop {
            match source.reader.read(&mut buffer) {
                Ok(0) => break Ok(bytes),
                Ok(count) => bytes.extend_from_slice(&buffer[..count]),
                Err(cause) => {
                    let error = cause.downcast::<Error>().unwrap();
                    assert_eq!(error.kind(), ErrorKind::Compression);
                    break Err(error.to_string());
                }
            }
        };
        let notes = source.notes.take().iter().map(ToString::to_string).collect();
        (done, notes)
    }

    fn check(packed: &[u8], expected: &[u8], note: Option<&str>) {
        let (bytes, notes) = unpack(packed);
        assert!(bytes.as_deref() == Ok(expected), "{bytes:?}");
        assert_eq!(notes.iter().map(String::as_str).collect::<Vec<_>>(), Vec::from_iter(note));
    }

    fn check_error(packed: &[u8], message: &str) {
        let (done, _) = unpack(packed);
        let error = done.unwrap_err();
        assert!(error.contains(message), "expected `{message}`, found `{error}`");
    }

    const SKIPPABLE: &[u8] = b"\x5A\x2A\x4D\x18\x05\0\0\0notes";

    #[test]
    fn every_kind_unpacks_all_its_members() {
        for kind in Compression::ALL {
            let long = "{\"a\":\"é\"}\n".repeat(3000).into_bytes();
            for bytes in [&b""[..], b"{}\n", &long] {
                let packed = pack(kind, bytes);
                assert_eq!(Compression::detect(&packed, false), Packing::Compressed(kind));
                check(&packed, bytes, None);
                check(&packed.repeat(3), &bytes.repeat(3), None);
            }
        }
    }

    #[test]
    fn other_bytes_are_left_alone() {
        for text in ["", "{", "[]", "BZh", "BZh9", "BZh9,b,c\n1,2,3\n", "P", "P*M", "(", "\u{4}\""]
        {
            check(text.as_bytes(), text.as_bytes(), None);
        }
    }

    #[test]
    fn frames_that_are_to_be_skipped_are() {
        for kind in [Compression::Zstd, Compression::Lz4] {
            let packed = pack(kind, b"{}\n");
            let several = [&packed, SKIPPABLE, SKIPPABLE, &packed, SKIPPABLE].concat();
            check(&several, b"{}\n{}\n", None);
            check_error(&several[..several.len() - 1], "found the end of the input");
        }
        let packed = pack(Compression::Zstd, b"{}\n");
        check(&[SKIPPABLE, &packed].concat(), b"{}\n", None);
        check(SKIPPABLE, b"", None);
    }

    #[test]
    fn what_stands_behind_the_data_is_named() {
        let gzip = pack(Compression::Gzip, b"{}\n");
        check(&[&gzip, &b"\0\0\0"[..]].concat(), b"{}\n", None);
        check(&[&gzip, &b"\0"[..], &gzip].concat(), b"{}\n{}\n", None);
        let note = "x: what follows byte 23 is no gzip data, and was left out";
        check(&[&gzip, &b"garbage"[..]].concat(), b"{}\n", Some(note));
        check(&[&gzip, &b"\x1F"[..]].concat(), b"{}\n", Some(note));
        let bzip2 = pack(Compression::Bzip2, b"{}\n");
        let note = "x: what follows byte 40 is no bzip2 data, and was left out";
        check(&[&bzip2, &b"garbage"[..]].concat(), b"{}\n", Some(note));
        let xz = pack(Compression::Xz, b"{}\n");
        check(&[&xz, &b"\0\0\0\0"[..], &xz].concat(), b"{}\n{}\n", None);
        for kind in [Compression::Zstd, Compression::Xz, Compression::Lz4] {
            let packed = pack(kind, b"{}\n");
            let packed = [&packed, &b"garbage garbage"[..]].concat();
            let (done, _) = unpack_pieces(&packed, 1000, 1000);
            let error = done.unwrap_err();
            assert!(error.contains(" unpacked: the data is damaged: "), "{error}");
        }
    }

    #[test]
    fn data_that_is_cut_off_is_never_taken_for_whole() {
        for kind in Compression::ALL {
            for bytes in [&b"{}\n{}\n"[..], &b"0123456789abcdef\n".repeat(500)] {
                let packed = pack(kind, bytes);
                for length in 10..packed.len() {
                    let (done, _) = unpack_pieces(&packed[..length], 1000, 1000);
                    let error = done.expect_err("cut off");
                    let end = "expected more data, found the end of the input";
                    assert!(error.ends_with(end), "{kind}, {length} bytes: {error}");
                }
            }
        }
        let packed = pack(Compression::Gzip, b"{}\n");
        check_error(
            &packed[..packed.len() - 1],
            "x: byte 22 of the gzip data, 3 unpacked: expected more data, found the end",
        );
    }

    #[test]
    fn damaged_data_never_gives_other_bytes() {
        let bytes =
            (0..400).map(|n| format!("{{\"n\":{}}}\n", n * 7919 % 1000)).collect::<String>();
        for kind in Compression::ALL {
            let packed = pack(kind, bytes.as_bytes());
            for at in 0..packed.len() {
                let mut damaged = packed.clone();
                damaged[at] ^= 0x10;
                let (done, _) = unpack_pieces(&damaged, 1000, 1000);
                // some header bytes do not matter; without the magic it is not compressed at all
                if let Ok(got) = done {
                    assert!(got == bytes.as_bytes() || got == damaged, "{kind}, byte {at}");
                }
            }
        }
    }

    #[test]
    fn a_window_beyond_the_limit_is_refused() {
        let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
        encoder.window_log(28).unwrap();
        encoder.long_distance_matching(true).unwrap();
        encoder.write_all(&b"{}\n".repeat(1000)).unwrap();
        let (done, _) = unpack_pieces(&encoder.finish().unwrap(), 1000, 1000);
        let error = done.unwrap_err();
        assert!(error.ends_with("unpacking takes more than 128 MiB of memory"), "{error}");
    }

    #[test]
    fn one_layer_is_unpacked() {
        let packed = pack(Compression::Zstd, &pack(Compression::Gzip, b"{}\n"));
        check_error(&packed, "x: expected text in zstd data, found gzip data");
    }

    #[test]
    fn a_reader_that_fails_is_not_damaged_data() {
        struct Fails;
        impl Read for Fails {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("disk on fire"))
            }
        }
        for kind in Compression::ALL {
            let packed = pack(kind, &b"{\"a\":1}\n".repeat(100_000));
            let most = packed.len() / 2;
            let reader = Box::new(io::Cursor::new(packed).take(most as u64).chain(Fails));
            let input = Input::Reader { name: "x".to_owned(), reader };
            let mut source = Source::open(input).unwrap();
            let error = match source.unpack(UNPACK_BYTES_MAX) {
                Ok(()) => io::copy(&mut source.reader, &mut io::sink()).unwrap_err().to_string(),
                Err(error) => error.to_string(),
            };
            assert!(error.ends_with("disk on fire"), "{kind}: {error}");
        }
    }
}
