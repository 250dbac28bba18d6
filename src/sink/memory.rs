//! Output in memory.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

/// A writer whose bytes stay in memory; clones share them.
///
/// ```
/// use transmog::{Conversion, Destination, Framing, Input, MemoryBuffer, OutputFormat};
///
/// let reader = Box::new(&b"{\"id\": 1}\n{\"id\": 2, \"name\": \"Bo\"}\n"[..]);
/// let input = Input::Reader { name: "people".to_owned(), reader };
/// let mut conversion = Conversion::new(vec![input], OutputFormat::Csv);
/// let out = MemoryBuffer::default();
/// conversion.destination = Destination::Writer(Box::new(out.clone()), Framing::One);
/// conversion.run()?;
/// assert_eq!(out.take(), b"_tm_id,id,name\n1,1,\n2,2,Bo\n");
/// # Ok::<(), transmog::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct MemoryBuffer(Arc<Mutex<Vec<u8>>>);

impl MemoryBuffer {
    /// Takes out what was written so far.
    pub fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.lock())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Write for MemoryBuffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.lock().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
