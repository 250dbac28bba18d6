//! The `transmog` command: nested JSON in, related tables out.

mod cli;

/// Columns begin on one thread and end on another.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The allocator's option `mi_option_purge_delay`, which has no name in the binding.
const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;

/// Keeps freed memory for a second before it goes back to the system.
///
/// Buffers of one row group are those of the next: with the usual 10 ms most of them are given
/// back in between, and the system clears every page again. On 400 MB of orders that was 60,000
/// page faults instead of 2,300, and a tenth of the time.
fn keep_freed_memory() {
    // SAFETY: the option exists in this version, which `Cargo.lock` and a test pin; it takes any
    // number; no other thread runs yet.
    #[expect(unsafe_code, reason = "there is no safe way to set an option of the allocator")]
    unsafe {
        libmimalloc_sys::mi_option_set(PURGE_DELAY, 1000);
    }
}

fn main() -> std::process::ExitCode {
    keep_freed_memory();
    std::process::ExitCode::from(cli::run())
}
