//! Compressed input: unpacked to what was packed or refused, never to something else.

use std::io::{Read, Write};

use transmog::source::Source;
use transmog::{Compression, Error, ErrorKind, Framing, Input, InputFormat, OutputFormat};

use super::{Piecewise, conversion, run};

/// Bytes that may be held to look back: a small part of what a run allows.
const WINDOW_BYTES: usize = 8 << 20;

/// Bytes that are unpacked of one input; bombs give no more news behind.
const UNPACKED_MAX: u64 = 4 << 20;

/// Unpacks the bytes as they are; packs them and unpacks that, whole, cut and damaged.
pub fn unpack(data: &[u8]) {
    let whole = unpacked(data, usize::MAX);
    let piecewise = unpacked(data, 3);
    match (&whole, &piecewise) {
        (Ok(one), Ok(other)) => assert!(one == other, "what is unpacked depends on reads"),
        (Err(one), Err(other)) => {
            // how far the damage is off depends on how much was read at once
            assert_eq!(one.kind(), ErrorKind::Compression, "{one:?}");
            assert_eq!(other.kind(), ErrorKind::Compression, "{other:?}");
        }
        (one, other) => panic!("{one:?} {other:?}"),
    }
    if data.len() < 2048 {
        let conversion = conversion(data, InputFormat::Jsonl, OutputFormat::Jsonl);
        if let Err(error) = run(conversion, Framing::Tagged) {
            let kind = error.kind();
            let is_clean =
                matches!(kind, ErrorKind::Compression | ErrorKind::Record(_) | ErrorKind::Input);
            assert!(is_clean, "{error:?}");
        }
    }
    if let [kind, at, bit, payload @ ..] = data {
        check_packed(*kind, usize::from(*at), *bit, payload);
    }
}

fn unpacked(bytes: &[u8], most: usize) -> Result<Vec<u8>, Error> {
    let reader = Box::new(Piecewise::new(bytes, most));
    let mut source = Source::open(Input::Reader { name: "in".to_owned(), reader })?;
    source.unpack(WINDOW_BYTES)?;
    let mut text = Vec::new();
    source.reader.take(UNPACKED_MAX).read_to_end(&mut text).map_err(|cause| {
        cause.downcast::<Error>().unwrap_or_else(|cause| panic!("no error of ours: {cause}"))
    })?;
    Ok(text)
}

fn check_packed(kind: u8, at: usize, bit: u8, payload: &[u8]) {
    let (kind, at_end) = (Compression::ALL[usize::from(kind % 5)], kind >= 128);
    // what is compressed twice is refused
    if is_packed(payload) {
        return;
    }
    let packed = pack(kind, payload);
    assert!(unpacked(&packed, usize::MAX).unwrap() == payload, "{kind}");
    let twice = [&packed[..], &packed[..]].concat();
    let both = unpacked(&twice, 5).unwrap();
    assert!(both == [payload, payload].concat(), "{kind}: two members");

    let magic = magic_bytes(kind);
    let at = if at_end { packed.len().saturating_sub(at + 1) } else { at % packed.len() };
    if at < magic {
        return;
    }
    let cut = unpacked(&packed[..at], usize::MAX);
    assert_eq!(cut.map_err(|error| error.kind()), Err(ErrorKind::Compression), "{kind}, {at}");
    let mut damaged = packed;
    damaged[at] ^= 1 << (bit % 8);
    if let Ok(text) = unpacked(&damaged, usize::MAX) {
        assert!(text == payload, "{kind}: byte {at}, bit {}: other data", bit % 8);
    }
}

/// Returns whether bytes are unpacked before anything else is done with them.
pub(crate) fn is_packed(bytes: &[u8]) -> bool {
    let skippable = matches!(bytes, [0x50..=0x5F, b'\x2A', b'\x4D', b'\x18', ..]);
    let magics: [&[u8]; 5] =
        [b"\x1F\x8B", b"\x28\xB5\x2F\xFD", b"BZh", b"\xFD7zXZ\0", b"\x04\x22\x4D\x18"];
    skippable || magics.iter().any(|magic| bytes.starts_with(magic))
}

/// Bytes that say how the rest is packed; what is damaged in them is another thing.
fn magic_bytes(kind: Compression) -> usize {
    match kind {
        Compression::Gzip => 2,
        Compression::Zstd | Compression::Lz4 => 4,
        Compression::Bzip2 => 10,
        Compression::Xz => 6,
    }
}

fn pack(kind: Compression, bytes: &[u8]) -> Vec<u8> {
    let packed = Vec::new();
    match kind {
        Compression::Gzip => {
            let mut encoder = flate2::write::GzEncoder::new(packed, flate2::Compression::fast());
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
        Compression::Zstd => {
            let mut encoder = zstd::Encoder::new(packed, 1).unwrap();
            encoder.include_checksum(true).unwrap();
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
        Compression::Bzip2 => {
            let mut encoder = bzip2::write::BzEncoder::new(packed, bzip2::Compression::fast());
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
        Compression::Xz => {
            let mut encoder = liblzma::write::XzEncoder::new(packed, 0);
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
