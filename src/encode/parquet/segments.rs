//! Bytes that grow without being copied.

use std::io::{self, Write};

/// Segments grow up to this size.
const SEGMENT_BYTES_MAX: usize = 1 << 20;

/// Bytes in segments. A vector of all would be copied as it grows, and both halves of that copy are
/// in memory at once: of a chunk of 100 MB too much.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Segments {
    segments: Vec<Vec<u8>>,
    len: usize,
}

impl Segments {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Appends what comes behind, without copying it.
    pub(super) fn append(&mut self, behind: Segments) {
        self.len += behind.len;
        self.segments.extend(behind.segments);
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.segments.iter().map(Vec::as_slice)
    }
}

impl Write for Segments {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.len += bytes.len();
        match self.segments.last_mut() {
            Some(last) if last.capacity() - last.len() >= bytes.len() => {
                last.extend_from_slice(bytes);
            }
            _ => {
                let capacity = self.len.min(SEGMENT_BYTES_MAX).max(bytes.len());
                let mut segment = Vec::with_capacity(capacity);
                segment.extend_from_slice(bytes);
                self.segments.push(segment);
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_stay_in_order_and_segments_grow() {
        let mut segments = Segments::default();
        let mut expected = Vec::new();
        for size in [1, 0, 3, 100, 7, 5000, 2 << 20, 1, 600_000, 600_000, 9] {
            let bytes: Vec<u8> = (0..size).map(|n| (n * 31 + size) as u8).collect();
            segments.write_all(&bytes).unwrap();
            expected.extend_from_slice(&bytes);
        }
        assert_eq!(segments.iter().collect::<Vec<_>>().concat(), expected);
        assert_eq!(segments.len(), expected.len());
        assert!(segments.iter().count() < 9);
        let room: usize = segments.segments.iter().map(Vec::capacity).sum();
        assert!(room < expected.len() + 2 * SEGMENT_BYTES_MAX);

        let mut behind = Segments::default();
        behind.write_all(b"behind").unwrap();
        segments.append(behind);
        segments.append(Segments::default());
        expected.extend_from_slice(b"behind");
        assert_eq!(segments.iter().collect::<Vec<_>>().concat(), expected);
        assert_eq!(segments.len(), expected.len());
    }
}
