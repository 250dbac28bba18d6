//! A page without what it was packed in on its way.

use std::io::{self, Cursor, Read};

use crate::source::compressed::Unpacker;
use crate::source::remote::Pieces;
use crate::source::{Compression, Notes};

/// Undoes the `Content-Encoding` of a page as it is read, whatever the page itself is.
///
/// What is packed in name only is taken as it is. A file that a server sends as it is and calls
/// packed, for it is so itself, is unpacked here, and whoever reads on finds what was in it.
pub(in crate::source) struct Unpacked {
    /// The page, until the first read.
    pieces: Option<Pieces>,
    /// Nothing once unpacking could not begin.
    reader: Option<Box<dyn Read + Send>>,
    name: String,
    window_bytes: usize,
    notes: Notes,
}

/// Bytes that tell whether something is packed.
const MAGIC_BYTES: usize = 5;

impl Unpacked {
    /// Reads `pieces`; memory and warnings are those of [`Unpacker`].
    pub(in crate::source) fn new(
        pieces: Pieces,
        name: String,
        window_bytes: usize,
        notes: Notes,
    ) -> Self {
        Unpacked { pieces: Some(pieces), reader: None, name, window_bytes, notes }
    }

    /// Waits until the server has said how the page is packed.
    fn open(&self, mut pieces: Pieces) -> io::Result<Box<dyn Read + Send>> {
        let codings = pieces.codings().map_err(io::Error::other)?;
        let mut reader: Box<dyn Read + Send> = Box::new(pieces);
        for kind in codings.into_iter().rev() {
            reader = self.unpack(kind, reader)?;
        }
        Ok(reader)
    }

    fn unpack(
        &self,
        kind: Compression,
        mut reader: Box<dyn Read + Send>,
    ) -> io::Result<Box<dyn Read + Send>> {
        let mut first = Vec::new();
        reader.by_ref().take(MAGIC_BYTES as u64).read_to_end(&mut first)?;
        let is_packed = !first.is_empty() && kind.begins(&first) != Some(false);
        let whole = Box::new(Cursor::new(first).chain(reader));
        if !is_packed {
            return Ok(whole);
        }
        let (name, notes) = (self.name.clone(), self.notes.clone());
        let unpacker = Unpacker::new(kind, name, whole, self.window_bytes, notes);
        Ok(Box::new(unpacker.map_err(io::Error::other)?))
    }
}

impl Read for Unpacked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(pieces) = self.pieces.take() {
            self.reader = Some(self.open(pieces)?);
        }
        match &mut self.reader {
            Some(reader) => reader.read(buffer),
            None => Err(io::Error::other(format!("{}: reading it was given up", self.name))),
        }
    }
}
