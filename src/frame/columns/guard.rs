//! Panics of libraries that read what is damaged: they become errors.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::sync::Once;

thread_local! {
    /// A panic on this thread is an error, of which nothing is to be printed.
    static IS_GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Runs `read`, which reads what may be damaged; a panic in it becomes its message.
pub(super) fn guarded<T>(read: impl FnOnce() -> T) -> Result<T, String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !IS_GUARDED.get() {
                before(info);
            }
        }));
    });
    let outer = IS_GUARDED.replace(true);
    let done = catch_unwind(AssertUnwindSafe(read));
    IS_GUARDED.set(outer);
    done.map_err(|panic| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
        text.unwrap_or_else(|| "it makes no sense".to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panics_become_messages() {
        assert_eq!(guarded(|| 1), Ok(1));
        let index = [1, 2].len();
        assert!(guarded(|| [1, 2][index]).unwrap_err().contains("index out of bounds"));
        assert_eq!(guarded(|| panic!("oops")), Err::<(), _>("oops".to_owned()));
    }
}
