//! Places at which tests let a run die, as if killed: what it has on the disk stays as it is.

/// A place between two changes on the disk.
#[cfg(not(test))]
#[inline(always)]
pub(super) fn point() {}

/// Returns whether the run is dead, so that nothing may be cleaned up.
#[cfg(not(test))]
#[inline(always)]
pub(super) fn has_happened() -> bool {
    false
}

#[cfg(test)]
pub(super) use tests::{has_happened, point, run_to};

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

    thread_local! {
        static POINTS_LEFT: Cell<Option<usize>> = const { Cell::new(None) };
        static HAPPENED: Cell<bool> = const { Cell::new(false) };
    }

    struct Crash;

    /// Lets `run` die at its point number `at`, from 0; returns what it returns if it lives on.
    pub fn run_to<T>(at: usize, run: impl FnOnce() -> T) -> Option<T> {
        POINTS_LEFT.set(Some(at));
        // all that is dropped while unwinding finds that the run is dead, and lets go of its locks
        let done = catch_unwind(AssertUnwindSafe(run));
        POINTS_LEFT.set(None);
        HAPPENED.set(false);
        match done {
            Ok(value) => Some(value),
            Err(payload) if payload.is::<Crash>() => None,
            Err(payload) => resume_unwind(payload),
        }
    }

    pub fn point() {
        match POINTS_LEFT.get() {
            Some(0) => {
                HAPPENED.set(true);
                resume_unwind(Box::new(Crash));
            }
            Some(left) => POINTS_LEFT.set(Some(left - 1)),
            None => {}
        }
    }

    pub fn has_happened() -> bool {
        HAPPENED.get()
    }
}
