//! How much of the inputs has been read, counted as they lie where they come from.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::Input;

/// Counts the bytes that are read of all inputs; clones share the count.
#[derive(Debug, Clone, Default)]
pub(crate) struct Meter {
    read: Arc<AtomicU64>,
    total: Option<u64>,
}

impl Meter {
    /// Starts at nothing; how much there is in all is known where it is of each input.
    pub(crate) fn new(inputs: &[Input]) -> Self {
        let lens = inputs.iter().map(Input::len);
        let total = lens.sum::<Option<u64>>();
        Meter { read: Arc::default(), total }
    }

    /// Returns the bytes read so far.
    pub(crate) fn read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    /// Returns the bytes of all inputs, where that was known before.
    pub(crate) fn total(&self) -> Option<u64> {
        self.total
    }

    /// Counts what is read of `inner` from here on.
    pub(crate) fn on<R: Read>(&self, inner: R) -> Metered<R> {
        Metered { inner, read: Arc::clone(&self.read) }
    }
}

/// A reader whose bytes are counted.
pub(crate) struct Metered<R> {
    inner: R,
    read: Arc<AtomicU64>,
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.read.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_all_readers_are_counted_together() {
        let meter = Meter::default();
        let mut text = String::new();
        meter.on(&b"abc"[..]).read_to_string(&mut text).unwrap();
        meter.clone().on(&b"de"[..]).read_to_string(&mut text).unwrap();
        assert_eq!((text.as_str(), meter.read()), ("abcde", 5));
    }

    #[test]
    fn a_total_wants_every_length() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            Input::File(path)
        };
        let total = |inputs: &[Input]| Meter::new(inputs).total();
        assert_eq!(total(&[file("a", "abc"), file("b", "de")]), Some(5));
        let reader = Input::Reader { name: "c".to_owned(), reader: Box::new(&b"x"[..]) };
        assert_eq!(total(&[file("a", "abc"), reader]), None);
        assert_eq!(total(&[Input::File(folder.path().into())]), None);
        assert_eq!(total(&[Input::File(folder.path().join("none"))]), None);
    }
}
