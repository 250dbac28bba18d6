//! Threads that end by themselves.

use std::thread;

use crossbeam_channel::bounded;

use crate::error::{Error, ErrorKind};

/// Starts a thread that nobody waits for, with a stack of `stack_bytes`.
///
/// Its work begins once it is detached: as long as glibc detaches a thread, it looks at memory that is
/// gone if the thread ends meanwhile, which was a segmentation fault in a million short runs
/// (2.36; stacks of more than 40 MiB are given back at once).
///
/// - Errors: `Io` where there is no thread for it.
pub(crate) fn start(
    name: &str,
    stack_bytes: usize,
    work: impl FnOnce() + Send + 'static,
) -> Result<(), Error> {
    let (detached, is_detached) = bounded::<()>(0);
    let run = move || {
        // Nothing is ever sent: the other end is dropped.
        let _ = is_detached.recv();
        work();
    };
    let thread = thread::Builder::new().name(name.to_owned()).stack_size(stack_bytes);
    drop(thread.spawn(run).map_err(|cause| {
        let message = format!("starting a thread failed: {cause}");
        Error::new(ErrorKind::Io, message).with_source(cause)
    })?);
    drop(detached);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_do_their_work() {
        let (to, from) = bounded(2);
        for number in [1, 2] {
            let to = to.clone();
            let name = thread::current().name().map(str::to_owned);
            start("transmog-test", 64 << 20, move || {
                assert_ne!(thread::current().name().map(str::to_owned), name);
                to.send(number).expect("somebody waits");
            })
            .unwrap();
            assert_eq!(from.recv(), Ok(number));
        }
    }

    #[test]
    fn a_thread_that_cannot_be_had_is_an_error() {
        let error = start("transmog-test", usize::MAX / 2, || ()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io);
        assert!(error.to_string().starts_with("starting a thread failed: "), "{error}");
    }
}
