//! The ends of files, which workers write and bring to the disk side by side.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, unbounded};

use super::Cancel;
use super::run::CANCEL_POLL;
use super::workers::{Report, Workers};
use crate::encode::TableWriter;
use crate::error::{Error, ErrorKind};
use crate::schema::Layout;
use crate::sink::Staged;

/// Files that are being ended. Dropping it waits for those that a worker has begun with, and lets none
/// begin with another: who fails can remove them all.
pub(super) struct Endings {
    gate: Arc<Gate>,
    done: Receiver<Result<Staged, Error>>,
    to_done: Sender<Result<Staged, Error>>,
    /// Files that were handed out.
    count: usize,
    /// They go to the disk by themselves, before they are published.
    to_disk: bool,
}

/// Lets workers begin with a file until it is closed.
#[derive(Default)]
struct Gate {
    is_closed: AtomicBool,
    /// Read by whoever ends a file.
    at_work: RwLock<()>,
}

impl Gate {
    /// Does `work` if the gate is open, which is not closed meanwhile.
    fn pass(&self, work: impl FnOnce()) {
        let _at_work = self.at_work.read().unwrap_or_else(PoisonError::into_inner);
        if !self.is_closed.load(Ordering::Acquire) {
            work();
        }
    }

    /// Lets nobody pass any more, and waits for those who did.
    fn close(&self) {
        // first, as the lock may go to others who wait
        self.is_closed.store(true, Ordering::Release);
        drop(self.at_work.write().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Endings {
    /// Starts with none.
    pub(super) fn new(to_disk: bool) -> Self {
        let (to_done, done) = unbounded();
        Endings { gate: Arc::default(), done, to_done, count: 0, to_disk }
    }

    /// Lets a worker end a file all of whose rows are written under `layouts[table]`.
    pub(super) fn end(
        &mut self,
        writer: Box<dyn TableWriter>,
        layouts: &Arc<[Layout]>,
        table: usize,
        workers: &Workers,
    ) {
        let layouts = Arc::clone(layouts);
        self.hand_out(workers, move || writer.finish(&layouts[table]));
    }

    /// Takes a file that has its end, which may go to the disk.
    pub(super) fn ended(&mut self, staged: Staged, workers: &Workers) {
        self.hand_out(workers, move || Ok(staged));
    }

    fn hand_out(
        &mut self,
        workers: &Workers,
        finish: impl FnOnce() -> Result<Staged, Error> + Send + 'static,
    ) {
        let (gate, to_done) = (Arc::clone(&self.gate), self.to_done.clone());
        let to_disk = self.to_disk;
        self.count += 1;
        workers.end(Box::new(move || {
            gate.pass(|| {
                let ended = finish();
                let ended = if to_disk { ended.and_then(Staged::on_disk) } else { ended };
                let _ = to_done.send(ended);
            });
        }));
    }

    /// Waits for all files.
    ///
    /// - Errors: those of the files; why the run is to stop.
    pub(super) fn wait(mut self, workers: &Workers, cancel: &Cancel) -> Result<Vec<Staged>, Error> {
        // of those that hand it on, only workers are left
        self.to_done = unbounded().0;
        let mut files = Vec::with_capacity(self.count);
        while files.len() < self.count {
            cancel.check()?;
            match self.done.recv_timeout(CANCEL_POLL) {
                Ok(ended) => files.push(ended?),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Err(why_lost(workers)),
            }
        }
        Ok(files)
    }
}

/// Returns why a file was never ended.
fn why_lost(workers: &Workers) -> Error {
    let panicked = workers.reports.try_iter().find_map(|report| match report {
        Report::Panicked(text) => Some(format!("a bug in this program: {text}")),
        _ => None,
    });
    Error::new(ErrorKind::Internal, panicked.unwrap_or_else(|| "all workers are gone".to_owned()))
}

impl Drop for Endings {
    fn drop(&mut self) {
        self.gate.close();
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::thread;
    use std::time::Duration;

    use super::*;
    use crate::convert::Conversion;
    use crate::convert::workers::DecodeSetup;
    use crate::format::OutputFormat;

    fn workers() -> Workers {
        let conversion = Conversion::new(Vec::new(), OutputFormat::Csv);
        let setup = DecodeSetup {
            flatten: Arc::default(),
            decode: conversion.decode_options(),
            paths: Arc::default(),
            sources: None,
        };
        Workers::start(1, &setup, None).unwrap()
    }

    fn file(text: &str) -> Staged {
        let file = Staged::alone().unwrap();
        file.append().unwrap().write_all(text.as_bytes()).unwrap();
        file
    }

    #[test]
    fn all_files_come_back_whole() {
        for to_disk in [false, true] {
            let (workers, mut endings) = (workers(), Endings::new(to_disk));
            for text in ["a", "bb", "ccc"] {
                endings.ended(file(text), &workers);
            }
            let files = endings.wait(&workers, &Cancel::default()).unwrap();
            let bytes: Vec<_> = files.iter().map(|file| file.bytes().unwrap()).collect();
            assert_eq!(bytes, [1, 2, 3]);
        }
    }

    #[test]
    fn the_error_of_a_file_is_that_of_the_run() {
        let (workers, mut endings) = (workers(), Endings::new(true));
        endings.ended(file("a"), &workers);
        let gone = file("b");
        std::fs::remove_file(gone.path()).unwrap();
        endings.ended(gone, &workers);
        let error = endings.wait(&workers, &Cancel::default()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io);
    }

    #[test]
    fn a_worker_that_panics_ends_the_run() {
        let (workers, mut endings) = (workers(), Endings::new(true));
        endings.hand_out(&workers, || panic!("out of ideas"));
        endings.ended(file("a"), &workers);
        let error = endings.wait(&workers, &Cancel::default()).unwrap_err();
        assert_eq!(error.to_string(), "a bug in this program: out of ideas");
    }

    #[test]
    fn a_run_that_is_stopped_waits_for_the_file_at_hand_and_for_no_other() {
        let (workers, mut endings) = (workers(), Endings::new(true));
        let (begun, is_begun) = unbounded();
        let ended = Arc::new(AtomicBool::new(false));
        let is_ended = Arc::clone(&ended);
        endings.hand_out(&workers, move || {
            begun.send(()).unwrap();
            thread::sleep(Duration::from_millis(100));
            is_ended.store(true, Ordering::Release);
            Ok(file("a"))
        });
        let other = Arc::new(AtomicBool::new(false));
        let is_other = Arc::clone(&other);
        endings.hand_out(&workers, move || {
            is_other.store(true, Ordering::Release);
            Ok(file("b"))
        });
        is_begun.recv().unwrap();
        let cancel = Cancel::default();
        cancel.stop(2);
        let error = endings.wait(&workers, &cancel).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Interrupted { signal: 2 });
        assert!(ended.load(Ordering::Acquire));
        // the worker has come past the other file when it takes the next job
        let (passed, is_passed) = unbounded();
        workers.end(Box::new(move || passed.send(()).unwrap()));
        is_passed.recv().unwrap();
        assert!(!other.load(Ordering::Acquire));
    }
}
