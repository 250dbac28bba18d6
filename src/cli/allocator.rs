//! How the allocator behaves, which only a program may decide, not a library.

/// The allocator's option `mi_option_purge_delay`, which has no name in the binding.
const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;

/// Says how long freed memory is kept for a run that may take `memory_limit` bytes: a second, a
/// hundredth of one, or not at all.
///
/// Buffers of one row group are those of the next: with the usual 10 ms most of them are given back
/// in between, and the system clears every page again. On 400 MB of orders that was 60,000 page
/// faults instead of 2,300, and a tenth of the time. It takes half as much memory again, though.
pub(super) fn keep_freed_memory(memory_limit: usize) {
    let milliseconds = match memory_limit >> 20 {
        512.. => 1000,
        128.. => 10,
        _ => 0,
    };
    // SAFETY: the option exists in this version, which `Cargo.lock` and a test pin; it takes any
    // number; no other thread runs yet.
    #[expect(unsafe_code, reason = "there is no safe way to set an option of the allocator")]
    unsafe {
        libmimalloc_sys::mi_option_set(PURGE_DELAY, milliseconds);
    }
}
